//! Questions: the standings that a partner may see of the pseudonyms it asks about, and what they cost it. SPEC.md 5.6.

use super::budgets::Cost;
use super::incoming::Incoming;
use super::rows::{AnsweredQuestion, OrganisationRow, PartnerRow, ShareRow};
use super::state::OpenEpoch;
use crate::message::{Answer, Code, LogEntry, Rejection, Standing};
use crate::pseudonym::Pseudonym;
use crate::slug::Slug;
use crate::tag::{Pepper, Tag};
use crate::threads::Threads;

/// What a question asks, with tags in the place of pseudonyms.
pub(super) struct TaggedQuestion {
    /// In the question's order.
    tags: Vec<Tag>,
    /// The reason of a sweep; `None` for a question about the partner's own work.
    pub(super) sweep: Option<Slug>,
}

impl TaggedQuestion {
    pub(super) fn new(
        pseudonyms: &[Pseudonym],
        sweep: Option<Slug>,
        pepper: &Pepper,
        threads: &Threads,
    ) -> TaggedQuestion {
        TaggedQuestion { tags: threads.map(pseudonyms, |pseudonym| pepper.tag(pseudonym)), sweep }
    }

    /// How many pseudonyms it asks about.
    pub(super) fn count(&self) -> u32 {
        self.tags.len() as u32
    }
}

/// Answers a question whose numbers, policy and permission are in order, from the release in force alone. Gives the
/// account's row after it and what it costs too.
pub(super) fn answer(
    incoming: &Incoming<'_>,
    epoch: &OpenEpoch,
    spent: &OrganisationRow,
    question: &TaggedQuestion,
) -> Result<(Answer, ShareRow, Cost), Rejection> {
    let policy = incoming.policy();
    let asker = &incoming.sender.entry;
    let is_allowed = |reason| asker.may.sweep && policy.budgets.sweep_reasons.contains(reason);
    if !question.sweep.as_ref().is_none_or(is_allowed) {
        let sentence = "the roster does not let this partner sweep, or the policy does not list this reason";
        return Err(Rejection::new(Code::NotPermitted, 0, sentence));
    }
    let today = incoming.now.day();
    let sources = epoch.tally.sources(policy, incoming.header.epoch, today);
    let enough_sources = sources >= usize::from(policy.counting.min_sources);
    // Fewer partners than the threshold cannot be of enough organisations, so that their names need not be compared.
    let threshold = usize::from(policy.counting.threshold);
    let told = epoch.index.look_up(&question.tags, incoming.threads, || {
        let mut partners = Vec::new();
        let mut names = Vec::new();
        move |flags| {
            partners.clear();
            // While the release is made that takes ended flags away, they count no longer.
            partners.extend(flags.filter(|flag| flag.span.last >= today).map(|flag| flag.partner));
            let flags_it = partners.contains(&asker.number);
            let standing = if policy.counting.own_flag_required && question.sweep.is_none() && !flags_it {
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
    let (row, cost) = cost(incoming, epoch, spent, question, own)?;
    let answer = Answer {
        log: LogEntry::NONE,
        release: epoch.row.release,
        as_of: epoch.row.as_of,
        until: epoch.row.as_of,
        organisations: policy.flagging_in(incoming.header.epoch).len() as u16,
        fresh: epoch.row.fresh,
        standings: told.into_iter().map(|(standing, _)| standing).collect(),
    };
    Ok((answer, row, cost))
}

/// What a question costs that names `own` released flags of the asker, and the account's row after it: SPEC.md 5.6.
fn cost(
    incoming: &Incoming<'_>,
    epoch: &OpenEpoch,
    spent: &OrganisationRow,
    question: &TaggedQuestion,
    own: u32,
) -> Result<(ShareRow, Cost), Rejection> {
    let budgets = &incoming.policy().budgets;
    let asker = incoming.header.partner;
    let mut row = epoch.accounts.get(&asker).map(|account| account.row.clone()).unwrap_or_default();
    let count = question.count();
    let over = |left: u32, what: &str| {
        let sentence = format!("{count} pseudonyms are more than what is left of the budget {what}: {left}");
        Err(Rejection::new(Code::OverBudget, left.into(), sentence))
    };
    if question.sweep.is_some() {
        let left = budgets.swept_a_day.saturating_sub(spent.swept);
        let cost = Cost { swept: count, ..Cost::default() };
        return if count <= left { Ok((row, cost)) } else { over(left, "swept_a_day") };
    }
    if row.free_in != epoch.row.release {
        row.free_in = epoch.row.release;
        row.free = 0;
    }
    let free = own.min(epoch.tally.of(asker).saturating_sub(row.free));
    let costs = count - free;
    let left = budgets.asked_a_day.saturating_sub(spent.asked);
    if costs > left {
        return over(left, "asked_a_day");
    }
    let left = budgets.asked_an_epoch.saturating_sub(spent.asked_in(incoming.header.epoch));
    if costs > left {
        return over(left, "asked_an_epoch");
    }
    row.free += free;
    Ok((row, Cost { asked: costs, ..Cost::default() }))
}

impl PartnerRow {
    /// Notes an answered question.
    pub(super) fn answer(&mut self, incoming: &Incoming<'_>, release: u64, answer: Vec<u8>) {
        let header = incoming.header;
        let (sequence, epoch) = (header.sequence, header.epoch);
        self.answered = Some(AnsweredQuestion { sequence, digest: incoming.digest, epoch, release, answer });
    }
}
