//! What is kept of what a partner puts forward, and what it is told of that: spec/after-a-hit.md, section 2.1.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::budgets::Cost;
use super::super::incoming::Incoming;
use super::super::rows::{OrganisationRow, Replied};
use super::super::state::{BrokerState, OpenEpoch};
use super::rows::{Forwarded, ForwardedRow};
use crate::day::Day;
use crate::message::{Code, Kept, LogEntry, PutForward, Rejection};
use crate::policy::{Meet, Policy};
use crate::slug::Slug;
use crate::tag::Pepper;
use crate::talk::{RowCode, Subject};
use crate::threads::Threads;

/// The most days that a row stands after the day on which it is put forward.
const LONGEST: u16 = 14;

/// What a partner puts forward, with tags in the place of pseudonyms.
pub(crate) struct TaggedRows {
    last_day: Day,
    receivers: Vec<u16>,
    /// By ascending tag.
    rows: Vec<ForwardedRow>,
}

/// What the broker knows that decides a message of what comes after a hit, beside what decides all messages.
#[derive(Clone, Default)]
pub(crate) struct MeetSnapshot {
    /// What the sender puts forward in the epoch until now.
    forwarded: Option<Arc<Forwarded>>,
    /// Rows of its organisation's other partners there.
    held_by_others: u32,
    /// The last message of the series that was accepted.
    pub(crate) last: Option<Replied>,
    /// The day of the last turn at which it was looked at who is to be introduced.
    pub(crate) turned: Day,
    /// Whether the sender has reported the year before this one.
    pub(super) has_reported: bool,
}

/// What is kept of a message. Nothing of it is done yet.
pub(crate) struct KeptRows {
    pub(super) forwarded: Forwarded,
    pub(super) kept: Kept,
}

impl TaggedRows {
    pub(crate) fn new(said: &PutForward<'_>, pepper: &Pepper, threads: &Threads) -> TaggedRows {
        let rows: Vec<_> = said.rows().collect();
        let mut rows = threads.map(&rows, |row| {
            let subject = Subject::of(row.pseudonym);
            let conversation = pepper.conversation(&subject);
            ForwardedRow { tag: pepper.tag(row.pseudonym), subject, conversation, codes: row.codes().collect() }
        });
        rows.sort_unstable_by_key(|row| row.tag);
        TaggedRows { last_day: said.last_day, receivers: said.receivers.clone(), rows }
    }

    /// How many pseudonyms it puts forward.
    pub(crate) fn count(&self) -> u32 {
        self.rows.len() as u32
    }
}

impl MeetSnapshot {
    pub(crate) fn of(state: &BrokerState, incoming: &Incoming<'_>) -> MeetSnapshot {
        let (epoch, sender) = (incoming.header.epoch, incoming.header.partner);
        let (meet, today) = (&state.meet, incoming.now.day());
        let organisation = (&incoming.sender.entry.organisation, sender);
        MeetSnapshot {
            forwarded: meet.forwarded.get(&(epoch, sender)).cloned(),
            held_by_others: meet.held_by_others(incoming.policy(), organisation, epoch, today),
            last: meet.last.get(&sender).map(|(_, last)| last.clone()),
            turned: meet.turned,
            has_reported: meet.years.contains_key(&(today.year() - 1, sender)),
        }
    }
}

/// Decides on what is put forward. What comes of it depends on the sender's organisation alone, so that it tells
/// nothing of any other.
pub(super) fn put_forward(
    incoming: &Incoming<'_>,
    (meet, epoch): (&Meet, &OpenEpoch),
    (snapshot, spent): (&MeetSnapshot, &OrganisationRow),
    said: &TaggedRows,
) -> Result<(KeptRows, Cost), Rejection> {
    let (sender, today) = (incoming.header.partner, incoming.now.day());
    if said.receivers.contains(&sender) {
        return Err(Rejection::new(Code::Malformed, 0, "a code is for the sender itself"));
    }
    // The sender counts from the day on which it made the message, which may be another one here around midnight.
    let made = incoming.header.time.day();
    let latest = made.plus(LONGEST);
    if !(made..=latest).contains(&said.last_day) {
        let until = said.last_day;
        let sentence = format!("rows stand from the message's day, {made}, to {latest} at most, and not until {until}");
        return Err(Rejection::new(Code::NotPermitted, 0, sentence));
    }
    let organisation = &incoming.sender.entry.organisation;
    let usable = receivers(incoming.policy(), organisation, incoming.header.epoch);
    let places: Vec<usize> = (0..said.receivers.len()).filter(|at| usable.contains(&said.receivers[*at])).collect();
    let mut known = epoch.known_flags(sender);
    let mut is_held = |row: &&ForwardedRow| known.get(&row.tag).is_some_and(|span| !span.ended(today));
    let rows = said.rows.iter().filter(&mut is_held).map(|row| {
        let codes: Vec<RowCode> = places.iter().map(|at| row.codes[*at]).collect();
        ForwardedRow { codes, ..row.clone() }
    });
    let forwarded = Forwarded {
        number: incoming.header.sequence,
        policy: incoming.in_force.digest(),
        last_day: said.last_day,
        receivers: places.iter().map(|at| said.receivers[*at]).collect(),
        rows: rows.collect(),
    };
    let before = snapshot.forwarded.as_ref().filter(|before| before.last_day >= today);
    let is_new = |row: &&ForwardedRow| before.is_none_or(|before| !before.has(&row.tag));
    let (kept, new) = (forwarded.rows.len() as u32, forwarded.rows.iter().filter(is_new).count() as u32);
    let new_left = meet.new_a_day.saturating_sub(spent.new_rows);
    let held_left = meet.held.saturating_sub(snapshot.held_by_others);
    if new > new_left {
        let finding = format!("{new} new rows are more than the {new_left} that '{organisation}' has left today");
        return over_budget(new_left, &finding, "put the rest forward tomorrow (UTC)");
    }
    // One that adds none passes, as with flags: a policy may have lowered the budget.
    if kept > held_left && new > 0 {
        let finding = format!("{kept} rows are more than the {held_left} that '{organisation}' has left in the epoch");
        return over_budget(held_left, &finding, "take some back first");
    }
    let kept = Kept {
        log: LogEntry::NONE,
        kept,
        unflagged: said.count() - kept,
        new,
        new_left: new_left - new,
        held_left: held_left.saturating_sub(kept),
    };
    Ok((KeptRows { forwarded, kept }, Cost { new_rows: new, ..Cost::default() }))
}

fn over_budget<T>(left: u32, finding: &str, remedy: &str) -> Result<T, Rejection> {
    let sentence = format!("{finding}, for all its partners together; nothing changed: {remedy}");
    Err(Rejection::new(Code::OverBudget, left.into(), sentence))
}

/// The partners to whom an organisation's may be introduced in an epoch. Codes for others are of no use, and not kept.
fn receivers(policy: &Policy, organisation: &Slug, epoch: u32) -> BTreeSet<u16> {
    let all = policy.partners.iter().map(|entry| entry.number);
    all.filter(|number| policy.may_meet(organisation, *number, epoch)).collect()
}
