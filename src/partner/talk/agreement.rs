//! What somebody agrees to by putting an own flag forward: who may come to be told of it by name.

use crate::codec::encode_fields;
use crate::policy::{Policy, RosterEntry};
use crate::slug::Slug;

/// Who may come to be told of a row by name, as the policy had it when somebody put it forward.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// The epoch. In another one nothing was agreed to.
    pub(crate) epoch: u32,
    /// The organisations that meet the own one directly; ascending.
    pub(crate) direct: Vec<Slug>,
    /// The coordinator's organisation, where the own one is met by it.
    pub(crate) coordinator: Option<Slug>,
}

impl Agreement {
    /// What a policy lets others be told of an organisation's rows in an epoch.
    pub(crate) fn under(policy: &Policy, own: &Slug, epoch: u32) -> Agreement {
        let (mut direct, mut coordinator) = (Vec::new(), None);
        for other in may_be_told(policy, own, epoch) {
            match other.may.coordinate {
                true => coordinator = Some(other.organisation.clone()),
                false => direct.push(other.organisation.clone()),
            }
        }
        direct.sort_unstable();
        direct.dedup();
        Agreement { epoch, direct, coordinator }
    }

    /// Whether a partner may be told of it.
    pub(crate) fn allows(&self, other: &RosterEntry) -> bool {
        match other.may.coordinate {
            true => self.coordinator.as_ref() == Some(&other.organisation),
            false => self.direct.binary_search(&other.organisation).is_ok(),
        }
    }

    /// The organisations that `other` lets be told and this does not: ascending, each once. One that was agreed to as
    /// the coordinator was not agreed to as one that flags, and the other way round.
    pub(crate) fn lacks(&self, other: &Agreement) -> Vec<Slug> {
        let direct = other.direct.iter().filter(|slug| self.direct.binary_search(slug).is_err());
        let coordinator = other.coordinator.iter().filter(|slug| self.coordinator.as_ref() != Some(*slug));
        let mut lacks: Vec<Slug> = direct.chain(coordinator).cloned().collect();
        lacks.sort_unstable();
        lacks.dedup();
        lacks
    }
}

/// The partners that those of an organisation may be introduced to in an epoch: nobody else is told of its rows by
/// name.
pub(super) fn may_be_told<'a>(policy: &'a Policy, own: &'a Slug, epoch: u32) -> impl Iterator<Item = &'a RosterEntry> {
    let others = policy.partners.iter().filter(move |other| other.organisation != *own);
    others.filter(move |other| policy.may_meet(own, other.number, epoch))
}

encode_fields! {
    Agreement { epoch, direct, coordinator }
    where |agreed| agreed.direct.is_sorted_by(|a, b| a < b),
    else "organisations that were agreed to are not ascending, each once"
}
