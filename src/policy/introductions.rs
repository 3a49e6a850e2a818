//! How many may be introduced over one address, and who may be asked to join, without naming who did not agree.
//! spec/after-a-hit.md 3 and 4.

use std::collections::BTreeSet;

use super::check::{counts_shown, sets};
use super::model::{Policy, Sees};
use crate::slug::Slug;

impl Policy {
    /// The organisations that may flag in an epoch, but are never asked there to join what another put forward.
    /// Ascending.
    ///
    /// Whoever is asked, joins, and is introduced to none of those that it meets directly, knows that it was one of the
    /// rest. Where these are one or two, it would know who, or nearly.
    pub fn never_asked(&self, epoch: u32) -> Vec<&Slug> {
        let flagging = self.flagging_in(epoch).into_iter();
        flagging.filter(|organisation| matches!(self.not_met_directly(organisation, epoch).len(), 1 | 2)).collect()
    }

    /// The other organisations that may flag in an epoch and that `organisation` does not meet directly. Ascending.
    pub(super) fn not_met_directly(&self, organisation: &Slug, epoch: u32) -> Vec<&Slug> {
        let mut others = self.flagging_in(epoch);
        others.retain(|other| *other != organisation && !self.meet_directly(organisation, other));
        others.into_iter().collect()
    }

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
        let (unsafe_numbers, safe): (Vec<usize>, Vec<usize>) = (1..=flagging).partition(|known| names(*known));
        // Whoever is introduced to the coordinator learns that the number is a safe one, and is told of nobody.
        let explained: u64 = safe.iter().map(|known| sets(flagging - 1, known - 1..=known - 1)).sum();
        let by_coordinator = self.flagging_in(epoch).into_iter().any(|one| self.meets_by_coordinator(one, epoch));
        let told_by_one = by_coordinator && !safe.contains(&1) && matches!(explained, 1 | 2);
        if told_by_one { (1..=flagging).collect() } else { unsafe_numbers }
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

    /// Whoever is introduced to the coordinator knows that the number is none of the unsafe ones.
    #[test]
    fn an_introduction_that_only_one_number_allows_tells_who_else_put_it_forward() {
        let unsafe_numbers = |direct: &str| {
            let direct = ("[[\"politie\", \"belastingdienst\"]]", direct);
            sample::with_meet(&[direct, ("threshold = 2", "threshold = 2\ncount_cap = 4")]).unsafe_introductions(1)
        };
        assert_eq!(unsafe_numbers("[]"), [1, 2, 3, 4]);
        let all = "[[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente-zaanstad\"]]";
        assert_eq!(unsafe_numbers(all), [1, 2, 3], "all four are told of each other");
    }

    #[test]
    fn who_does_not_meet_one_or_two_others_directly_is_never_asked() {
        let never = |direct: &str| {
            let policy = sample::with_meet(&[("[[\"politie\", \"belastingdienst\"]]", direct)]);
            policy.never_asked(1).into_iter().map(|one| one.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(never("[]"), [""; 0], "three others");
        assert_eq!(never("[[\"politie\", \"belastingdienst\"]]"), ["belastingdienst", "politie"], "two");
        let three = "[[\"politie\", \"belastingdienst\", \"zaanwonen\"]]";
        assert_eq!(never(three), ["belastingdienst", "politie", "zaanwonen"], "one");
        let all = "[[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente-zaanstad\"]]";
        assert_eq!(never(all), [""; 0], "none");
        // Three organisations, so that each has two others.
        let policy = sample::with_meet(&[
            ("[[\"politie\", \"belastingdienst\"]]", "[]"),
            ("may = [\"flag\", \"ask\"] # gemeente", "may = [\"ask\"]"),
            ("legal_basis_flag = \"Gemeentewet", "# \"Gemeentewet"),
        ]);
        assert_eq!(policy.never_asked(1).len(), 3);
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
