//! Numbers and moments in the two languages of what a browser is shown.

use stapel::policy::Lang;
use stapel::{Day, Timestamp};

/// The language of a page.
#[derive(Clone, Copy)]
pub(crate) struct Words(pub(crate) Lang);

const MONTHS: [(&str, &str); 12] = [
    ("januari", "January"),
    ("februari", "February"),
    ("maart", "March"),
    ("april", "April"),
    ("mei", "May"),
    ("juni", "June"),
    ("juli", "July"),
    ("augustus", "August"),
    ("september", "September"),
    ("oktober", "October"),
    ("november", "November"),
    ("december", "December"),
];

impl Words {
    /// What stands there in Dutch, or in English.
    pub(crate) fn t<T>(self, dutch: T, english: T) -> T {
        match self.0 {
            Lang::En => english,
            _ => dutch,
        }
    }

    pub(crate) fn lang(self) -> &'static str {
        self.0.as_str()
    }

    /// A number, its thousands parted.
    pub(crate) fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let mut parted = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                parted.push(self.t('.', ','));
            }
            parted.push(digit);
        }
        parted
    }

    /// A day.
    pub(crate) fn day(self, day: Day) -> String {
        let text = day.to_string();
        let parts: Vec<usize> = text.split('-').filter_map(|part| part.parse().ok()).collect();
        let [year, month, day] = parts[..] else { return text };
        let (dutch, english) = MONTHS[(month + 11) % 12];
        format!("{day} {} {year}", self.t(dutch, english))
    }

    /// A moment, to the minute.
    pub(crate) fn moment(self, moment: Timestamp) -> String {
        let minute = moment.0 % 86_400 / 60;
        format!("{}, {:02}:{:02} UTC", self.day(moment.day()), minute / 60, minute % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_moments_are_of_their_language() {
        let (dutch, english) = (Words(Lang::Nl), Words(Lang::En));
        assert_eq!((dutch.number(1_234_567), english.number(1_234_567)), ("1.234.567".into(), "1,234,567".into()));
        assert_eq!([dutch.number(0), dutch.number(999)], ["0", "999"]);
        let moment = "2027-03-09T08:05:59Z".parse::<Timestamp>().unwrap();
        assert_eq!(dutch.moment(moment), "9 maart 2027, 08:05 UTC");
        assert_eq!(english.moment(moment), "9 March 2027, 08:05 UTC");
    }
}
