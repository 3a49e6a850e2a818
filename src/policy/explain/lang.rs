//! The languages that policies are explained in.

use std::str::FromStr;

use super::en::English;
use super::language::Language;
use super::nl::Dutch;

/// A language that policies are explained in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lang {
    /// Dutch.
    Nl,
    /// English.
    En,
}

/// A word was not a language that policies are explained in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language that policies are explained in: use nl or en")]
pub struct NotALang;

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
    pub(super) fn language(self) -> &'static dyn Language {
        match self {
            Lang::Nl => &Dutch,
            Lang::En => &English,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::listed;
    use super::*;

    #[test]
    fn numbers_read_well() {
        let (dutch, english) = (Lang::Nl.language(), Lang::En.language());
        assert_eq!([0, 999, 1_000, 1_000_000].map(|n| dutch.number(n)), ["0", "999", "1.000", "1.000.000"]);
        assert_eq!(english.number(12_345), "12,345");
        assert_eq!(listed(&[1], "en", "andere"), "1");
        assert_eq!(listed(&[1, 2, 3], "en", "andere"), "1, 2 en 3");
        assert!(listed(&(1..=25).collect::<Vec<_>>(), "and", "others").ends_with("19, 20 and 5 others"));
        assert_eq!((dutch.days(1), english.days(2)), ("1 dag".into(), "2 days".into()));
    }

    #[test]
    fn languages() {
        assert_eq!(("nl".parse(), "en".parse()), (Ok(Lang::Nl), Ok(Lang::En)));
        assert_eq!("NL".parse::<Lang>(), Err(NotALang));
    }
}
