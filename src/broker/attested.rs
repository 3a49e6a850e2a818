//! What time it is by what partners say: evidence for a clock that its caller is not sure of. SPEC.md 5.7.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::incoming::Sender;
use crate::day::Timestamp;
use crate::slug::Slug;

/// The latest date of an authenticated message of each organisation.
#[derive(Default)]
pub(super) struct Attested(Mutex<BTreeMap<Slug, Timestamp>>);

impl Attested {
    /// Notes the date of a message. One of a partner that is suspended counts for nothing: its key may be stolen.
    pub(super) fn note(&self, sender: &Sender, time: Timestamp) {
        if sender.statement.as_ref().is_none_or(|statement| statement.keys.is_none()) {
            return;
        }
        let mut dates = self.dates();
        match dates.get_mut(&sender.entry.organisation) {
            Some(latest) => *latest = time.max(*latest),
            None => drop(dates.insert(sender.entry.organisation.clone(), time)),
        }
    }

    /// The moment that messages of two organisations are dated at or after.
    pub(super) fn moment(&self) -> Timestamp {
        let mut dates: Vec<Timestamp> = self.dates().values().copied().collect();
        dates.sort_unstable();
        dates.iter().rev().nth(1).copied().unwrap_or_default()
    }

    fn dates(&self) -> MutexGuard<'_, BTreeMap<Slug, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::Day;
    use crate::policy::{PartnerKeys, Policy, Statement, sample_text};
    use crate::secret::SealKey;

    #[test]
    fn a_message_of_a_suspended_partner_is_no_evidence_and_neither_is_a_second_of_one_organisation() {
        let policy = Policy::parse(&sample_text(Day(20_788))).unwrap();
        let seal = SealKey::from_hex(&"01".repeat(32)).unwrap();
        let keys = PartnerKeys { message: policy.organisations[0].policy_key, seal };
        let sender = |at: usize, keys: Option<PartnerKeys>| {
            let entry = policy.partners[at].clone();
            let (first_day, last_day) = (Day(20_788), Day(21_152));
            let statement = Statement { partner: entry.number, epoch: 1, serial: 1, keys, first_day, last_day };
            Sender { entry, statement: Some(statement) }
        };
        let other = (1..).find(|at| policy.partners[*at].organisation != policy.partners[0].organisation).unwrap();
        let attested = Attested::default();
        attested.note(&sender(0, Some(keys)), Timestamp(10));
        attested.note(&sender(0, Some(keys)), Timestamp(30));
        attested.note(&sender(other, None), Timestamp(30));
        attested.note(&Sender { statement: None, ..sender(other, None) }, Timestamp(30));
        assert_eq!(attested.moment(), Timestamp(0));
        attested.note(&sender(other, Some(keys)), Timestamp(20));
        assert_eq!(attested.moment(), Timestamp(20));
    }
}
