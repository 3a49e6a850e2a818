//! Writes addresses as each system has them in its files, and reads such lines back.

use stapel::{AddressError, AddressKey, Fields};

use crate::chance::Chance;
use crate::town::Home;

/// A system's way to write an address on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// Free text in capitals, with odd spaces and full stops.
    Capitals,
    /// Columns of fixed width: postcode 6, number 5 with zeros before it, letter 1, addition 5, then the street.
    FixedWidth,
    /// Street, number and suffix in one column, postcode in the next, with no-break spaces and in any case.
    TwoColumns,
    /// The BAG's fields with tabs between them; a letter stands in whichever field it was typed into.
    Fields,
    /// Postcode first, number and suffix glued.
    Glued,
}

impl Writing {
    /// How it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Writing::Capitals => "free text in capitals, odd spaces and full stops",
            Writing::FixedWidth => "columns of fixed width, numbers like 00012",
            Writing::TwoColumns => "street and number; postcode, with no-break spaces",
            Writing::Fields => "the BAG's fields, a letter in either of two",
            Writing::Glued => "postcode first, number and suffix glued",
        }
    }

    /// Writes a home down, by chance in one of the ways that the system's users have.
    pub(crate) fn write(self, home: &Home, chance: &mut Chance) -> String {
        let Home { street, number, letter, addition, postcode, town, .. } = home;
        match self {
            Writing::Capitals => {
                let street = street.to_uppercase();
                let town = town.to_uppercase();
                let suffix = suffixed(home, chance.pick(&[" ", "-", " - ", ""]), chance.pick(&["", " ", "-"]));
                let (digits, letters) = postcode.split_at(4.min(postcode.len()));
                let [a, b, c] = [
                    chance.pick(&[" ", "  ", "   "]),
                    chance.pick(&[",", " ,", ".", ". "]),
                    chance.pick(&["", " ", "  ", "-"]),
                ];
                let end = chance.pick(&["", ".", "..", " ."]);
                format!("{street}{a}{number}{suffix}{b} {digits}{c}{letters}{a}{town}{end}").to_uppercase()
            }
            Writing::FixedWidth => {
                let letter = if chance.percent(50) { letter.to_lowercase() } else { letter.clone() };
                format!("{postcode:<6}{number:05}{letter:<1}{addition:<5}{street}")
            }
            Writing::TwoColumns => {
                let suffix = suffixed(home, "-", chance.pick(&["", "-", "/"])).to_lowercase();
                let (digits, letters) = postcode.split_at(4.min(postcode.len()));
                let letters = if chance.percent(50) { letters.to_lowercase() } else { letters.to_owned() };
                let space = chance.pick(&["\u{a0}", " ", "", "\u{a0} "]);
                format!("{street}\u{a0}{number}{suffix};{digits}{space}{letters}")
            }
            Writing::Fields => {
                let one_letter = match (letter.as_str(), addition.as_str()) {
                    (one, "") => Some(one),
                    ("", one) if one.len() == 1 && one.starts_with(|c: char| c.is_ascii_alphabetic()) => Some(one),
                    _ => None,
                };
                let (letter, addition) = match one_letter {
                    Some(one) if chance.percent(50) => ("", one),
                    Some(one) => (one, ""),
                    None => (letter.as_str(), addition.as_str()),
                };
                let case = chance.pick(&[str::to_lowercase, str::to_owned]);
                format!("{street}\t{number}\t{}\t{}\t{postcode}\t{town}", case(letter), case(addition))
            }
            Writing::Glued => {
                let suffix = suffixed(home, "", chance.pick(&["", "-"]));
                format!("{}{}{number}{suffix}", postcode.to_lowercase(), chance.pick(&[" ", ", "]))
            }
        }
    }

    /// Reads a line as the system's export program hands it to Stapel.
    pub(crate) fn read(self, line: &str) -> Result<AddressKey, AddressError> {
        match self {
            Writing::Capitals | Writing::Glued => AddressKey::parse(line),
            Writing::FixedWidth => {
                let mut ends = line.char_indices().skip(1).map(|(at, _)| at);
                let mut cut = |width: usize| ends.nth(width - 1).unwrap_or(line.len());
                let [a, b, c, d] = [cut(6), cut(5), cut(1), cut(5)];
                let [postcode, number, letter, addition] = [&line[..a], &line[a..b], &line[b..c], &line[c..d]];
                AddressKey::from_fields(&Fields { postcode, number, letter, addition })
            }
            Writing::TwoColumns => {
                let (street, postcode) = line.rsplit_once(';').unwrap_or((line, ""));
                AddressKey::parse(&format!("{street}, {postcode}"))
            }
            Writing::Fields => {
                let mut cells = line.split('\t').skip(1);
                let mut cell = || cells.next().unwrap_or_default();
                let [number, letter, addition, postcode] = [cell(), cell(), cell(), cell()];
                AddressKey::from_fields(&Fields { postcode, number, letter, addition })
            }
        }
    }
}

/// Letter and addition with a sign before the first that is there, and one between the two. Before a digit there is
/// always a hyphen, or the addition would be part of the number.
fn suffixed(home: &Home, before: &str, between: &str) -> String {
    let hyphen = |sign: &str, text: &str| -> String {
        let glues = text.starts_with(|c: char| c.is_ascii_digit()) && !sign.contains(['-', '/']);
        if glues { "-".to_owned() } else { sign.to_owned() }
    };
    match (home.letter.as_str(), home.addition.as_str()) {
        ("", "") => String::new(),
        (one, "") | ("", one) => format!("{}{one}", hyphen(before, one)),
        (letter, addition) => format!("{before}{letter}{between}{addition}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::town::Town;

    pub(crate) const ALL: [Writing; 5] =
        [Writing::Capitals, Writing::FixedWidth, Writing::TwoColumns, Writing::Fields, Writing::Glued];

    /// Whether the rules have a home refused in text: number and addition look like a range of numbers.
    fn looks_like_a_range(home: &Home) -> bool {
        let digits: String = home.addition.chars().take_while(char::is_ascii_digit).collect();
        let Ok(to) = digits.parse::<u32>() else { return false };
        let backwards = home.number > 9
            && to.ilog10() == home.number.ilog10()
            && matches!(home.number.saturating_sub(to), 2..=20)
            && (home.number - to).is_multiple_of(2);
        home.letter.is_empty() && (to > home.number || backwards)
    }

    #[test]
    fn every_way_to_write_reads_back_as_the_same_home() {
        let town = Town::made(12_000, 5).unwrap();
        let mut ranges = 0;
        for writing in ALL {
            let mut chance = Chance::new(1, writing.name());
            for home in &town.homes {
                let line = writing.write(home, &mut chance);
                match writing.read(&line) {
                    Ok(key) => assert_eq!(key, home.key, "{line:?}"),
                    Err(error) if error.code() == "range_unclear" && looks_like_a_range(home) => ranges += 1,
                    Err(error) => panic!("{line:?}: {error}"),
                }
            }
        }
        assert!(ranges > 0, "the town has doors that look like a range, so that a refusal is seen");
    }

    #[test]
    fn the_ways_differ() {
        let town = Town::made(300, 5).unwrap();
        let home = town.homes.iter().find(|home| home.letter == "A").unwrap();
        let lines: Vec<String> = ALL.iter().map(|writing| writing.write(home, &mut Chance::new(2, "x"))).collect();
        for (at, line) in lines.iter().enumerate() {
            assert!(!lines[..at].contains(line), "{lines:?}");
            assert!(!line.contains(home.key.as_str()));
        }
        assert!(lines[1].contains(&format!("{:05}", home.number)), "{lines:?}");
    }

    #[test]
    fn broken_lines_are_refused_and_nothing_more() {
        for writing in ALL {
            for line in ["", "é", "1384", "1384CA00", "\t\t\t", ";", "1384CA0001é", "日本"] {
                assert!(writing.read(line).is_err(), "{writing:?} {line:?}");
            }
        }
    }
}
