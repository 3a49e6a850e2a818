//! The languages that policies are explained in.

use std::str::FromStr;
use std::sync::LazyLock;

use super::catalogue::Catalogue;
use crate::codes::named;

static DUTCH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(include_str!("nl.txt")));
static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read(include_str!("en.txt")));

named! {
    /// A language that policies are explained in.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Lang {
        /// Dutch.
        Nl => "nl",
        /// English.
        En => "en",
    }
}

/// A word was not a language that policies are explained in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language that policies are explained in: use nl or en")]
pub struct NotALang;

impl FromStr for Lang {
    type Err = NotALang;

    fn from_str(text: &str) -> Result<Lang, NotALang> {
        Lang::named(text).ok_or(NotALang)
    }
}

impl Lang {
    pub(super) fn catalogue(self) -> &'static Catalogue {
        match self {
            Lang::Nl => &DUTCH,
            Lang::En => &ENGLISH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let (dutch, english) = (Lang::Nl.catalogue(), Lang::En.catalogue());
        assert_eq!([0, 999, 1_000, 1_000_000u32].map(|n| dutch.number(n)), ["0", "999", "1.000", "1.000.000"]);
        assert_eq!(english.number(12_345u32), "12,345");
        assert_eq!((dutch.listed(&[1]), dutch.listed(&[1, 2, 3])), ("1".into(), "1, 2 en 3".into()));
        assert!(english.listed(&(1..=25).collect::<Vec<_>>()).ends_with("19, 20 and 5 others"));
        assert_eq!((dutch.counted("days", 1u16), english.counted("days", 2u16)), ("1 dag".into(), "2 days".into()));
    }

    #[test]
    fn languages() {
        assert_eq!(("nl".parse(), "en".parse()), (Ok(Lang::Nl), Ok(Lang::En)));
        assert_eq!("NL".parse::<Lang>(), Err(NotALang));
    }
}
