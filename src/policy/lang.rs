//! The languages that policies are explained in, and how each writes numbers.

use std::str::FromStr;

/// A language that policies are explained in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lang {
    /// Dutch.
    Nl = 0,
    /// English.
    En = 1,
}

/// A word was not a language that policies are explained in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language that policies are explained in: use nl or en")]
pub struct NotALang;

/// So many partners are listed by number where only their numbers are.
const MAX_LISTED: usize = 20;

impl FromStr for Lang {
    type Err = NotALang;

    fn from_str(text: &str) -> Result<Lang, NotALang> {
        match text {
            "nl" => Ok(Lang::Nl),
            "en" => Ok(Lang::En),
            _ => Err(NotALang),
        }
    }
}

impl Lang {
    /// The one of two texts that is in this language.
    pub(super) fn pick<T>(self, nl: T, en: T) -> T {
        match self {
            Lang::Nl => nl,
            Lang::En => en,
        }
    }
}

/// "1 en 4", or the first of them.
pub(super) fn numbers(numbers: &[u16], lang: Lang) -> String {
    let and = lang.pick("en", "and");
    let texts: Vec<_> = numbers.iter().take(MAX_LISTED).map(u16::to_string).collect();
    match (numbers.len().saturating_sub(MAX_LISTED), texts.split_last()) {
        (0, Some((last, rest))) if !rest.is_empty() => format!("{} {and} {last}", rest.join(", ")),
        (0, _) => texts.concat(),
        (more, _) => format!("{} {and} {more} {}", texts.join(", "), lang.pick("andere", "others")),
    }
}

/// "1 dag", "14 dagen".
pub(super) fn days_of(days: u16, lang: Lang) -> String {
    let (one, many) = lang.pick(("dag", "dagen"), ("day", "days"));
    format!("{days} {}", if days == 1 { one } else { many })
}

pub(super) fn organisations(count: u16, lang: Lang) -> String {
    let (one, many) = lang.pick(("organisatie", "organisaties"), ("organisation", "organisations"));
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A number with its thousands apart: 10.000 or 10,000.
pub(super) fn thousands(number: u32, lang: Lang) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(lang.pick('.', ','));
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1_000, 1_000_000].map(|n| thousands(n, Lang::Nl)), ["0", "999", "1.000", "1.000.000"]);
        assert_eq!(numbers(&[1], Lang::Nl), "1");
        assert_eq!(numbers(&[1, 2, 3], Lang::Nl), "1, 2 en 3");
        assert!(numbers(&(1..=25).collect::<Vec<_>>(), Lang::En).ends_with("19, 20 and 5 others"));
        assert_eq!((days_of(1, Lang::Nl), days_of(2, Lang::En)), ("1 dag".into(), "2 days".into()));
    }

    #[test]
    fn languages() {
        assert_eq!(("nl".parse(), "en".parse()), (Ok(Lang::Nl), Ok(Lang::En)));
        assert_eq!("NL".parse::<Lang>(), Err(NotALang));
    }
}
