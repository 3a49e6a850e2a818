//! Questions: what a partner may be told of the pseudonyms it asks, and what it costs.

use super::Sender;
use super::rows::{Answered, PartnerRow, ShareRow};
use super::state::Epoch;
use crate::message::{Answer, Code, LogEntry, Rejection, Standing};
use crate::policy::{Policy, RosterEntry};
use crate::pseudonym::Pseudonym;
use crate::slug::Slug;
use crate::tag::{Pepper, Tag};
use crate::threads::Threads;

/// What a question asks, tagged.
pub(super) struct Asked {
    /// In the question's order.
    tags: Vec<Tag>,
    /// The reason, if it is a sweep.
    pub(super) sweep: Option<Slug>,
}

/// What answering costs: nothing of it counts until it is on disk.
pub(super) struct Charge {
    pub(super) share: ShareRow,
    asked: u32,
    swept: u32,
}

impl Asked {
    pub(super) fn new(pseudonyms: &[Pseudonym], sweep: Option<Slug>, pepper: &Pepper, threads: &Threads) -> Asked {
        Asked { tags: threads.map(pseudonyms, |pseudonym| pepper.tag(pseudonym)), sweep }
    }

    /// How many pseudonyms it asks about.
    pub(super) fn count(&self) -> u32 {
        self.tags.len() as u32
    }
}

/// Answers a question whose numbers, policy and permission are in order: all of it from the release in force.
pub(super) fn answer(
    policy: &Policy,
    epoch: &Epoch,
    row: &PartnerRow,
    asker: &RosterEntry,
    asked: &Asked,
    threads: &Threads,
) -> Result<(Answer, Charge), Rejection> {
    if asked.sweep.as_ref().is_some_and(|reason| !asker.may.sweep || !policy.budgets.sweep_reasons.contains(reason)) {
        let sentence = "the roster does not let this partner sweep, or the policy does not list this reason";
        return Err(Rejection::new(Code::NotPermitted, 0, sentence));
    }
    let enough_sources = epoch.tally.sources(policy) >= usize::from(policy.counting.min_sources);
    // Fewer partners are of fewer organisations.
    let threshold = usize::from(policy.counting.threshold);
    let told = epoch.view.look_up(&asked.tags, threads, || {
        let (mut partners, mut names) = (Vec::new(), Vec::new());
        move |holdings| {
            partners.clear();
            partners.extend(holdings.map(|holding| holding.partner));
            let flags_it = partners.contains(&asker.number);
            let standing = if policy.counting.own_flag_required && asked.sweep.is_none() && !flags_it {
                Standing::NoOwnFlag
            } else if enough_sources && partners.len() >= threshold {
                names.clear();
                names.extend(partners.iter().filter_map(|partner| Some(&policy.partner(*partner)?.organisation)));
                names.sort_unstable();
                names.dedup();
                Standing::of(names.len(), &policy.counting, asker.sees)
            } else {
                Standing::BelowThreshold
            };
            (standing.to_byte(), flags_it)
        }
    });
    let own = told.iter().filter(|(_, flags_it)| *flags_it).count() as u32;
    let charge = charge(policy, epoch, row, asker, asked, own)?;
    let answer = Answer {
        log: LogEntry::NONE,
        release: epoch.row.release,
        as_of: epoch.row.as_of,
        until: epoch.row.as_of,
        organisations: policy.organisations() as u16,
        fresh: epoch.row.fresh,
        standings: told.into_iter().map(|(standing, _)| standing).collect(),
    };
    Ok((answer, charge))
}

/// What a question costs, of which `own` pseudonyms are the asker's own released flags: SPEC.md 5.6.
fn charge(
    policy: &Policy,
    epoch: &Epoch,
    row: &PartnerRow,
    asker: &RosterEntry,
    asked: &Asked,
    own: u32,
) -> Result<Charge, Rejection> {
    let budgets = &policy.budgets;
    let mut share = epoch.shares.get(&asker.number).map(|share| share.row.clone()).unwrap_or_default();
    let count = asked.tags.len() as u32;
    let over = |left: u32, what: &str| {
        let sentence = format!("{count} pseudonyms are more than what is left of the budget {what}: {left}");
        Err(Rejection::new(Code::OverBudget, left.into(), sentence))
    };
    if asked.sweep.is_some() {
        let left = budgets.swept_a_day.saturating_sub(row.swept);
        return if count <= left { Ok(Charge { share, asked: 0, swept: count }) } else { over(left, "swept_a_day") };
    }
    if share.free_in != epoch.row.release {
        (share.free_in, share.free) = (epoch.row.release, 0);
    }
    let released = epoch.tally.released.get(&asker.number).copied().unwrap_or(0);
    let free = own.min(released.saturating_sub(share.free));
    let costs = count - free;
    let left = budgets.asked_a_day.saturating_sub(row.asked);
    if costs > left {
        return over(left, "asked_a_day");
    }
    let left = budgets.asked_an_epoch.saturating_sub(share.asked);
    if costs > left {
        return over(left, "asked_an_epoch");
    }
    share.free += free;
    share.asked += costs;
    Ok(Charge { share, asked: costs, swept: 0 })
}

impl PartnerRow {
    /// Takes note of an answered question.
    pub(super) fn answer(&mut self, sender: &Sender, release: u64, answer: Vec<u8>, charge: &Charge) {
        let Sender { sequence, digest, epoch, .. } = *sender;
        self.answered = Some(Answered { sequence, digest, epoch, release, answer });
        self.asked = self.asked.saturating_add(charge.asked);
        self.swept = self.swept.saturating_add(charge.swept);
    }
}
