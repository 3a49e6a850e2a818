//! Suffixes that different organisations write differently for one floor.

use super::rows::Suffix;

/// Spellings of one floor: hs, H, BG on the ground floor, Roman and Arabic numbers, bis and BS.
const FLOORS: &[&[&str]] = &[
    &["H", "HS", "HUIS", "BG", "BEN"],
    &["I", "1"],
    &["II", "2"],
    &["III", "3"],
    &["IV", "4"],
    &["V", "5"],
    &["VI", "6"],
    &["VII", "7"],
    &["VIII", "8"],
    &["BIS", "BS"],
];

fn floor(suffix: &str) -> Option<usize> {
    FLOORS.iter().position(|spellings| spellings.contains(&suffix))
}

/// Whether others may write this suffix in another way.
pub(crate) fn has_other_spellings(suffix: &str) -> bool {
    floor(suffix).is_some()
}

/// Whether two suffixes are spellings of one floor.
pub(crate) fn are_of_one_floor(a: &str, b: &str) -> bool {
    floor(a).is_some() && floor(a) == floor(b)
}

/// The only one of the suffixes that are registered at a house number which is another spelling of this one.
///
/// Where a house number has other single letters, as A to F and H, its H or I is a letter like those, and no floor.
pub(super) fn other_spelling(suffix: &str, registered: &[Suffix]) -> Option<Suffix> {
    let wanted = floor(suffix)?;
    let is_letter = |suffix: &str| matches!(suffix.as_bytes(), [b'A'..=b'Z']);
    let has_letters = registered.iter().any(|other| is_letter(other.as_str()) && floor(other.as_str()).is_none());
    let mut others: Vec<&Suffix> = registered.iter().filter(|other| floor(other.as_str()) == Some(wanted)).collect();
    others.sort_unstable_by_key(|other| other.as_bytes());
    others.dedup_by_key(|other| other.as_bytes());
    match others[..] {
        [only] if has_letters && (is_letter(suffix) || is_letter(only.as_str())) => None,
        [only] if only.as_str() != suffix => Some(*only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_other_spelling_is_found_and_a_row_of_letters_is_none() {
        let other = |suffix: &str, registered: &[&str]| {
            let registered: Vec<Suffix> =
                registered.iter().map(|text| Suffix::of(text.as_bytes(), false).unwrap()).collect();
            other_spelling(suffix, &registered).map(|found| found.as_str().to_owned())
        };
        let found = |text: &str| Some(text.to_owned());
        assert_eq!(other("HS", &["H", "I", "II"]), found("H"));
        assert_eq!(other("1", &["H", "I", "II"]), found("I"));
        assert_eq!(other("HS", &["G", "H", "I"]), None);
        assert_eq!(other("1", &["G", "H", "I"]), None, "the ninth flat");
        assert_eq!(other("HS", &["H", "1", "2"]), found("H"));
        assert_eq!(other("H", &["BG", "1"]), found("BG"));
        assert_eq!(other("HS", &["H", "BG"]), None, "two of them");
        assert_eq!(other("H", &["A", "G", "HS"]), None, "the eighth flat");
        assert_eq!(other("1", &["H", "I", "J"]), None, "the ninth flat");
        assert_eq!(other("1", &["I", "II"]), found("I"));
        assert_eq!(other("HS", &["A", "B", "C", "D", "E", "F", "H", "K", "M"]), None, "of a row with gaps");
        assert_eq!(other("5", &["P", "S", "V"]), None);
        assert_eq!(other("HS", &["A", "BG"]), found("BG"));
        assert_eq!(other("BS", &["BIS"]), found("BIS"));
        assert_eq!(other("02", &["2"]), None, "a leading zero is kept");
        assert_eq!(other("A", &["B"]), None);
        assert!(are_of_one_floor("HS", "BG") && !are_of_one_floor("HS", "1") && !are_of_one_floor("A", "B"));
    }
}
