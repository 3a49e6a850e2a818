//! What those who watch over a broker are shown beside its [`BrokerStatus`](super::BrokerStatus), such as on a page or
//! in a monitor's store. They are more people than those who may read the broker's folder, and they see it again and
//! again: so numbers of flags, stacks and budgets are rounded, and those of flags change with a release alone.
//! spec/threats.md, L45 to L51. What is shown of what comes after a hit is in
//! [`BrokerStatus::after_hit`](super::BrokerStatus::after_hit).

use std::sync::Arc;

use serde::Serialize;

use super::Broker;
use super::budgets::{BudgetUse, used};
use super::index::Index;
use super::rejections::Rejected;
use super::stacks::{Stacks, merged, tens};
use crate::audit::UnverifiedCheckpoint;
use crate::codes::named;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::policy::Policy;

/// What is shown of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overview {
    /// The open epochs, by number.
    pub epochs: Vec<EpochOverview>,
    /// What organisations used of their budgets, by organisation and budget.
    pub budgets: Vec<BudgetUse>,
    /// What was rejected since the broker was opened.
    pub rejected: Rejected,
    /// The lines of the log at least: whole hundreds, or those of the latest checkpoint where that is of more. By their
    /// exact number each message would show as it comes.
    pub log_size: u64,
    /// The latest checkpoint; `None` before the first, such as just after a restore.
    pub checkpoint: Option<CheckpointOverview>,
}

/// What is shown of an epoch, as of its release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EpochOverview {
    /// Its number.
    pub number: u32,
    /// Whether as many organisations have new flags as must, before these show.
    pub changes_suffice: bool,
    /// The stacks, by ascending number of organisations; empty where nothing is stacked, because the epoch does not
    /// answer yet or too few organisations hold flags.
    pub stacks: Vec<Stacks>,
    /// Its partners, by number.
    pub partners: Vec<PartnerOverview>,
}

/// What is shown of a partner in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartnerOverview {
    /// Its number.
    pub number: u16,
    /// How it stands with its state messages.
    pub hearing: Hearing,
    /// When its last state message was accepted.
    pub heard: Option<Timestamp>,
    /// Flags of it that are released: the number, rounded down to whole tens.
    pub released: u64,
}

named! {
    /// How long ago a partner's last state message was accepted.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Hearing {
        /// Within the policy's `freshness_days`.
        Fresh => "fresh",
        /// Longer ago.
        Stale => "stale",
        /// None came in this epoch.
        Silent => "silent",
    }
}

/// The latest checkpoint of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CheckpointOverview {
    /// The day on which it was signed.
    pub day: Day,
    /// How many lines it is of.
    pub size: u64,
    /// Their root.
    pub root: Digest,
}

impl Hearing {
    fn of(heard: Option<Timestamp>, policy: &Policy, now: Timestamp) -> Hearing {
        let window = u64::from(policy.freshness_days) * 86_400;
        match heard {
            Some(heard) if now.since(heard) <= window => Hearing::Fresh,
            Some(_) => Hearing::Stale,
            None => Hearing::Silent,
        }
    }
}

impl Broker {
    /// What those who watch over the broker are shown of it at `now`.
    ///
    /// The stacks of a release are counted when they are first asked for, which takes about as long as the release's
    /// own count of its flags; no message waits for that.
    pub fn overview(&self, now: Timestamp) -> Overview {
        let in_force = self.in_force();
        let policy = in_force.policy();
        let (mut overview, releases) = self.database.inspect(|state| {
            let name = state.log.name(policy);
            let checkpoint = UnverifiedCheckpoint::parse(&state.log.checkpoint).ok();
            let checkpoint = checkpoint.filter(|last| last.claimed_origin() == name.origin()).map(|last| {
                let (size, root) = (last.claimed_size(), last.claimed_root());
                CheckpointOverview { day: state.log.signed_on, size, root }
            });
            let epochs = state.epochs.iter().map(|(number, epoch)| {
                let partners = policy.partners.iter().filter(|one| policy.takes_part(&one.organisation, *number));
                let partner = |number: u16| {
                    let heard = epoch.accounts.get(&number).and_then(|account| account.row.heard);
                    let released = tens(epoch.tally.of(number).into());
                    PartnerOverview { number, hearing: Hearing::of(heard, policy, now), heard, released }
                };
                let changed = super::organisations::changed(policy, *number, epoch, epoch.row.as_of.day()).len();
                EpochOverview {
                    number: *number,
                    changes_suffice: changed >= usize::from(policy.release.min_changed.max(1)),
                    stacks: Vec::new(),
                    partners: partners.map(|entry| partner(entry.number)).collect(),
                }
            });
            let overview = Overview {
                epochs: epochs.collect(),
                budgets: used(state, policy, now.day()),
                rejected: self.rejections.so_far(),
                log_size: (state.log.tree.size() / 100 * 100).max(checkpoint.map_or(0, |last| last.size)),
                checkpoint,
            };
            let release = |(number, epoch): (&u32, &super::state::OpenEpoch)| {
                let is_answering = epoch.row.waits_since.is_none();
                is_answering.then(|| (*number, Arc::clone(&epoch.index), Arc::clone(&epoch.tally), epoch.row.as_of))
            };
            (overview, state.epochs.iter().filter_map(release).collect::<Vec<_>>())
        });
        for (number, index, tally, as_of) in releases {
            let sources = tally.sources(policy, number, as_of.day());
            let counted = tally.stacks(|| stacks(&index, policy, number, sources));
            if let Some(epoch) = overview.epochs.iter_mut().find(|epoch| epoch.number == number) {
                epoch.stacks = counted;
            }
        }
        overview
    }
}

/// The stacks of a release under its policy; none where too few organisations hold flags for anything to be stacked.
fn stacks(index: &Index, policy: &Policy, epoch: u32, sources: usize) -> Vec<Stacks> {
    let counting = &policy.counting;
    if sources < usize::from(counting.min_sources) {
        return Vec::new();
    }
    let organisations = policy.flagging_in(epoch);
    let number_of = |partner| {
        let organisation = policy.flags_for(partner, epoch)?;
        organisations.iter().position(|one| *one == organisation)
    };
    let most = policy.partners.iter().map(|entry| usize::from(entry.number)).max().unwrap_or_default();
    let numbers: Vec<Option<usize>> = (0..=most).map(|partner| number_of(partner as u16)).collect();
    let counted = index.tags_by_organisations(|partner| numbers.get(usize::from(partner)).copied().flatten());
    merged(&counted, u16::from(counting.threshold), u16::from(counting.count_cap))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    #[test]
    fn a_partner_is_fresh_for_as_long_as_the_policy_says() {
        let policy = sample::policy();
        let (heard, days) = (Timestamp(1_796_126_400), u64::from(policy.freshness_days));
        let at = |now| Hearing::of(Some(heard), &policy, now);
        assert_eq!(at(heard.plus(days * 86_400)), Hearing::Fresh);
        assert_eq!(at(heard.plus(days * 86_400 + 1)), Hearing::Stale);
        assert_eq!(Hearing::of(None, &policy, heard), Hearing::Silent);
    }
}
