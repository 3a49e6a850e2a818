//! How many may be introduced over one address without naming somebody who did not agree. spec/after-a-hit.md 4.

use std::collections::BTreeSet;

use super::check::{counts_shown, sets};
use super::model::{Policy, Sees};

impl Policy {
    /// The numbers of organisations, known to have put one address forward in an epoch, with which an answer would name
    /// another that flags it: for some answer one or two sets of those who remain explain it, and none of these sets is
    /// empty. Ascending.
    pub fn unsafe_introductions(&self, epoch: u32) -> Vec<usize> {
        let flagging = self.flagging_in(epoch).len();
        // The coordinator knows no more than that it is stacked.
        let mut seen = BTreeSet::from([Sees::Presence]);
        seen.extend(self.partners.iter().filter(|partner| partner.may.ask).map(|partner| partner.sees));
        let answers: Vec<_> = seen.into_iter().flat_map(|sees| counts_shown(&self.counting, sees)).collect();
        let names = |known: usize| {
            answers.iter().any(|(low, high)| {
                let high = high.unwrap_or(flagging).min(flagging);
                // Some of those who remain flag it besides those who agreed.
                let besides = *low > known;
                let explained = low.saturating_sub(known)..=high.saturating_sub(known);
                besides && high >= known && matches!(sets(flagging - known, explained), 1 | 2)
            })
        };
        (1..=flagging).filter(|known| names(*known)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use proptest::prelude::*;

    /// What the text says, by all sets of organisations: bit 0 and up of those who agreed first.
    fn by_all_sets(flagging: usize, answers: &[(usize, Option<usize>)]) -> Vec<usize> {
        let names = |known: usize| {
            answers.iter().any(|(low, high)| {
                let rest = flagging - known;
                let explains = |set: &u32| {
                    let count = known + set.count_ones() as usize;
                    count >= *low && high.is_none_or(|high| count <= high)
                };
                let sets: Vec<u32> = (0..1u32 << rest).filter(explains).collect();
                (1..=2).contains(&sets.len()) && !sets.contains(&0)
            })
        };
        (1..=flagging).filter(|known| names(*known)).collect()
    }

    #[test]
    fn the_sample_names_nobody() {
        assert!(sample::policy().unsafe_introductions(1).is_empty());
    }

    /// A cap as high as there are organisations tells at its top that all of them flag it.
    #[test]
    fn a_count_that_is_all_of_them_names_those_who_remain() {
        let policy = sample::changed(&[("threshold = 2", "threshold = 2\ncount_cap = 4")]);
        assert!(policy.partners.iter().any(|partner| partner.sees == Sees::Count));
        assert_eq!(policy.unsafe_introductions(1), [1, 2, 3]);
        let policy = sample::changed(&[("threshold = 2", "threshold = 4\ncount_cap = 4")]);
        assert_eq!(policy.unsafe_introductions(1), [1, 2, 3], "where stacked means that all four flag it");
    }

    proptest! {
        #[test]
        fn they_are_those_that_all_sets_give(threshold in 2u8..=4, above in 0u8..=2) {
            let counting = format!("threshold = {threshold}\ncount_cap = {}", threshold + above);
            let policy = sample::changed(&[("threshold = 2", &counting)]);
            let seen = policy.partners.iter().map(|partner| partner.sees);
            let seen: BTreeSet<_> = seen.chain([Sees::Presence]).collect();
            let answers: Vec<_> = seen.into_iter().flat_map(|sees| counts_shown(&policy.counting, sees)).collect();
            prop_assert_eq!(policy.unsafe_introductions(1), by_all_sets(4, &answers));
        }
    }
}
