//! How many pseudonyms are stacked, by how many organisations, for those who watch over a broker: numbers from which
//! nobody can tell one pseudonym. spec/threats.md, L46.

use serde::Serialize;

/// A number of pseudonyms, partners or days that is smaller may tell of a single one.
const SMALL: u64 = 10;

/// The pseudonyms that a number of organisations flag, as of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stacks {
    /// The fewest organisations that flag each of them.
    pub from: u16,
    /// The most; `None` for that many or more.
    pub to: Option<u16>,
    /// At least so many pseudonyms: the number, rounded down to whole tens.
    pub at_least: u64,
}

/// A number without its last digit, so that two of them tell nothing of what a single flag changed in between, but
/// where it happens to complete a ten.
pub(super) fn tens(number: u64) -> u64 {
    number - number % SMALL
}

/// The numbers of pseudonyms from `threshold` organisations on, in cells of ten or more; one cell may have fewer, if it
/// is the only one. `counted` has the number for each number of organisations, from none on. Nothing is told of those
/// below the threshold, nor of more organisations than `cap`, which no answer tells either: so no total can be
/// completed from the cells.
pub(super) fn merged(counted: &[u64], threshold: u16, cap: u16) -> Vec<Stacks> {
    let Some(most) = (counted.len() as u16).checked_sub(1).filter(|most| *most >= threshold) else { return Vec::new() };
    let top = most.min(cap).max(threshold);
    let number = |organisations: u16| counted[usize::from(organisations)];
    let mut cells = Vec::new();
    let mut sum: u64 = (top..=most).map(number).sum();
    let (mut from, mut to) = (top, None);
    while from > threshold {
        if sum >= SMALL {
            cells.push((from, to, sum));
            (sum, to) = (0, Some(from - 1));
        }
        from -= 1;
        sum += number(from);
    }
    match cells.last_mut().filter(|_| sum < SMALL) {
        // What is left at the end is too few for a cell of its own.
        Some(last) => *last = (from, last.1, last.2 + sum),
        None => cells.push((from, to, sum)),
    }
    let told = |(from, to, sum)| Stacks { from, to, at_least: tens(sum) };
    cells.into_iter().rev().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(counted: &[u64], threshold: u16, cap: u16) -> Vec<(u16, Option<u16>, u64)> {
        merged(counted, threshold, cap).iter().map(|one| (one.from, one.to, one.at_least)).collect()
    }

    #[test]
    fn what_is_less_than_ten_is_merged_with_what_is_beside_it() {
        let many = [0, 900, 120, 34, 19];
        assert_eq!(cells(&many, 2, 250), [(2, Some(2), 120), (3, Some(3), 30), (4, None, 10)]);
        assert_eq!(cells(&many, 2, 3), [(2, Some(2), 120), (3, None, 50)], "no more than an answer's cap tells");
        assert_eq!(cells(&[0, 900, 120, 34, 9], 2, 250), [(2, Some(2), 120), (3, None, 40)]);
        assert_eq!(cells(&[0, 900, 120, 4, 19], 2, 250), [(2, Some(3), 120), (4, None, 10)]);
        assert_eq!(cells(&[0, 900, 9, 0, 19], 2, 250), [(2, None, 20)]);
        assert_eq!(cells(&[0, 900, 3, 3, 3], 2, 250), [(2, None, 0)], "fewer than ten");
        assert_eq!(cells(&[0, 900, 3, 3, 3], 2, 250), cells(&[0, 7, 0, 0, 0], 2, 250), "also where there is none");
        assert_eq!(cells(&[0, 900], 2, 250), []);
    }

    proptest! {
        #[test]
        fn each_cell_has_ten_or_is_alone_and_together_they_are_all(
            counted in prop::collection::vec(0u64..40, 1..9),
            threshold in 1u16..5,
            cap in 1u16..9,
        ) {
            let told = merged(&counted, threshold, cap);
            let most = counted.len() as u16 - 1;
            prop_assert_eq!(told.is_empty(), most < threshold);
            let mut next = threshold;
            for one in &told {
                prop_assert_eq!(one.from, next);
                let last = one.to.unwrap_or(most);
                let sum: u64 = (one.from..=last).map(|number| counted[usize::from(number)]).sum();
                prop_assert_eq!(one.at_least, sum / 10 * 10);
                prop_assert!(sum >= 10 || told.len() == 1);
                next = last + 1;
            }
            prop_assert!(told.last().is_none_or(|last| last.to.is_none() && last.from <= cap.max(threshold)));
        }
    }
}
