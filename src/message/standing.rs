//! The answer for one pseudonym: below the threshold, stacked, or not flagged by the asker; and the byte that carries
//! it.

use crate::policy::{Counting, Sees};

/// The answer for one pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Fewer organisations flag it than the policy's threshold. Unknown, withdrawn and expired are the same.
    BelowThreshold,
    /// The asker does not flag it itself, so it is not told.
    NoOwnFlag,
    /// At least the threshold's number of organisations flag it, the asker's included.
    Stacked(Told),
}

/// How many organisations, as far as the asker may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    /// That it is stacked, and no number.
    Presence,
    /// At least so many: the lower end of a band. In the partner's journal and news also a count that was capped.
    Band(u8),
    /// So many; where it equals the policy's `count_cap`, so many or more.
    Count(u8),
}

const BELOW_THRESHOLD: u8 = 0;
const NO_OWN_FLAG: u8 = 1;
const PRESENCE: u8 = 255;

/// The highest number that a byte can stand for; those between it and [`PRESENCE`] have no meaning.
const MAX_NUMBER: u8 = 250;

impl Told {
    /// The least number of organisations that it says; none where only presence is shown.
    pub fn at_least(self) -> Option<u8> {
        match self {
            Told::Presence => None,
            Told::Band(number) | Told::Count(number) => Some(number),
        }
    }

    /// Whether it is the number itself, under the policy's `count_cap`: not a band, and not the cap, which is so many
    /// or more.
    pub fn is_exact(self, count_cap: u8) -> bool {
        matches!(self, Told::Count(number) if number < count_cap)
    }
}

impl Standing {
    /// Its name in JSON: `below_threshold`, `no_own_flag` or `stacked`.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::BelowThreshold => "below_threshold",
            Standing::NoOwnFlag => "no_own_flag",
            Standing::Stacked(_) => "stacked",
        }
    }

    /// How many organisations it says; none where it is not stacked.
    pub fn told(self) -> Option<Told> {
        match self {
            Standing::Stacked(number) => Some(number),
            Standing::BelowThreshold | Standing::NoOwnFlag => None,
        }
    }

    /// The standing as the partner's journal keeps it: a count that was capped becomes "at least", so that it stays
    /// true under a policy with a higher `count_cap`.
    pub(crate) fn to_keep(self, count_cap: u8) -> Standing {
        match self {
            Standing::Stacked(Told::Count(number)) if number >= count_cap => Standing::Stacked(Told::Band(number)),
            other => other,
        }
    }

    /// The standing of a pseudonym that `organisations` distinct organisations flag, for one who sees `sees`.
    pub(crate) fn of(organisations: usize, counting: &Counting, sees: Sees) -> Standing {
        if organisations < usize::from(counting.threshold) {
            return Standing::BelowThreshold;
        }
        let count = organisations.min(usize::from(counting.count_cap)) as u8;
        Standing::Stacked(match sees {
            Sees::Presence => Told::Presence,
            Sees::Band => Told::Band(counting.band(organisations).unwrap_or(counting.threshold)),
            Sees::Count => Told::Count(count),
        })
    }

    /// The byte that stands for it in an answer.
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Standing::BelowThreshold => BELOW_THRESHOLD,
            Standing::NoOwnFlag => NO_OWN_FLAG,
            Standing::Stacked(Told::Presence) => PRESENCE,
            Standing::Stacked(Told::Band(number) | Told::Count(number)) => number,
        }
    }

    /// Whether the byte can stand for a standing at all, whatever the policy and whoever asks.
    pub(super) fn is_known(byte: u8) -> bool {
        byte <= MAX_NUMBER || byte == PRESENCE
    }

    /// What a byte says to one who sees `sees`; `None` where it cannot be said to them.
    pub(crate) fn from_byte(byte: u8, counting: &Counting, sees: Sees) -> Option<Standing> {
        Some(match (byte, sees) {
            (BELOW_THRESHOLD, _) => Standing::BelowThreshold,
            (NO_OWN_FLAG, _) => Standing::NoOwnFlag,
            (PRESENCE, Sees::Presence) => Standing::Stacked(Told::Presence),
            (number, _) if number < counting.threshold || number > counting.count_cap => return None,
            (number, Sees::Band) if counting.bands().any(|lower| lower == number) => {
                Standing::Stacked(Told::Band(number))
            }
            (number, Sees::Count) => Standing::Stacked(Told::Count(number)),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::RegisterUse;

    #[test]
    fn what_may_be_seen_comes_back_and_nothing_else() {
        let counting = Counting {
            threshold: 2,
            min_sources: 3,
            count_cap: 9,
            levels: vec![],
            own_flag_required: true,
            register: RegisterUse::Optional,
            answers: None,
        };
        for sees in [Sees::Presence, Sees::Band, Sees::Count] {
            let said: Vec<u8> = (0..40)
                .map(|organisations| {
                    let standing = Standing::of(organisations, &counting, sees);
                    assert_eq!(Standing::from_byte(standing.to_byte(), &counting, sees), Some(standing));
                    standing.to_byte()
                })
                .chain([NO_OWN_FLAG])
                .collect();
            for byte in 0..=255 {
                assert_eq!(
                    Standing::from_byte(byte, &counting, sees).is_some(),
                    said.contains(&byte),
                    "{sees:?} {byte}"
                );
            }
        }
    }

    #[test]
    fn a_number_says_how_much_it_says() {
        for (number, least, exact) in [
            (Told::Presence, None, false),
            (Told::Band(2), Some(2), false),
            (Told::Count(2), Some(2), true),
            (Told::Count(3), Some(3), false),
        ] {
            assert_eq!((number.at_least(), number.is_exact(3)), (least, exact));
        }
    }

    /// What own flags and sources decide before the count is looked at is the broker's, and so are the rows about it.
    #[test]
    fn the_vectors_of_counts() {
        #[derive(serde::Deserialize)]
        struct File {
            standings: Vec<Row>,
            sayable: Vec<Sayable>,
        }
        #[derive(serde::Deserialize)]
        struct Row {
            threshold: u8,
            min_sources: usize,
            count_cap: u8,
            own_flag_required: bool,
            sees: String,
            organisations: usize,
            sources: usize,
            own_flag: bool,
            sweep: bool,
            standing: u8,
        }
        #[derive(serde::Deserialize)]
        struct Sayable {
            threshold: u8,
            count_cap: u8,
            sees: String,
            standings: Vec<u8>,
        }
        let sees = |name: &str| match name {
            "presence" => Sees::Presence,
            "band" => Sees::Band,
            _ => Sees::Count,
        };
        let counting = |threshold, count_cap| Counting {
            threshold,
            min_sources: 3,
            count_cap,
            levels: vec![],
            own_flag_required: true,
            register: RegisterUse::Optional,
            answers: None,
        };
        let file: File = serde_json::from_str(include_str!("../../tests/vectors/v1/standings.json")).unwrap();
        let told = |row: &&Row| row.sources >= row.min_sources && (row.own_flag || row.sweep || !row.own_flag_required);
        let rows: Vec<_> = file.standings.iter().filter(told).collect();
        assert!(rows.len() > 100);
        for row in rows {
            let standing = Standing::of(row.organisations, &counting(row.threshold, row.count_cap), sees(&row.sees));
            assert_eq!(standing.to_byte(), row.standing, "{} for {:?}", row.organisations, row.sees);
        }
        assert_eq!(file.sayable.len(), 12);
        for row in file.sayable {
            let counting = counting(row.threshold, row.count_cap);
            let said: Vec<u8> =
                (0..=255).filter(|byte| Standing::from_byte(*byte, &counting, sees(&row.sees)).is_some()).collect();
            assert_eq!(said, row.standings, "{:?}", row.sees);
        }
    }
}
