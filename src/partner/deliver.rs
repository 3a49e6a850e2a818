//! State messages: telling the broker what is flagged.

use std::collections::BTreeMap;

use super::flags::{Behind, Flags};
use super::journal::{Delivering, Event, Series};
use super::state::{EpochState, Flight};
use super::{Draft, Partner};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::error::Error;
use crate::message::MessageError;
use crate::message::{Delta, FullSet, Group, Kind, MAX_FLAGS, Part, Request};
use crate::pseudonym::Pseudonym;
use crate::slots;

/// The most groups in one message.
const MAX_GROUPS: usize = 64;

/// The most pseudonyms that a source is asked for at once.
const ASKED_AT_ONCE: usize = 1 << 16;

/// What is flagged and withdrawn in one epoch, sorted as messages need it.
struct Rows {
    /// Ascending by day, then pseudonym: all in one piece of memory, which goes back as a whole.
    flagged: Vec<Pseudonym>,
    /// Of each day, how many of `flagged` last until then.
    days: BTreeMap<Day, usize>,
    withdrawn: Vec<Pseudonym>,
}

/// What is to be said in one epoch.
enum Statement {
    Delta { renewal: bool, rows: Rows },
    FullSet { renewal: bool, shrink: bool, rows: Rows },
    Confirm,
}

impl Partner {
    /// The messages that bring the broker up to date, in the order in which it must get them; none where it is.
    ///
    /// Changes since the last delivery go as one delta. An epoch's first message is a full set, as is the one after a loss or a gap; a
    /// large one comes in parts. While epochs overlap, the newest comes first, and those in which the partner has delivered are kept up
    /// to date. Where there is nothing to say, but a message was given up or lost that the broker may have accepted, a confirm asks
    /// for the gap that tells. What is new beyond the policy's budgets waits for a later day, those flagged last: see
    /// [`Partner::undelivered`]. Each message names the one before it as accepted, so that all can be sent at once. As long as one of them is in flight,
    /// those in flight come again, byte for byte.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::NoEpoch`], [`SystemError::Io`](crate::SystemError::Io), and whatever the source of pseudonyms gives.
    pub fn deliver(&mut self, now: Timestamp) -> Result<Vec<Vec<u8>>, Error> {
        self.state_messages(now, false)
    }

    /// As [`Partner::deliver`]; where an epoch has nothing to deliver, the message that nothing changed, by which silence differs from
    /// no change.
    ///
    /// # Errors
    ///
    /// As [`Partner::deliver`].
    pub fn confirm(&mut self, now: Timestamp) -> Result<Vec<Vec<u8>>, Error> {
        self.state_messages(now, true)
    }

    /// How many of its flags no message has told the broker yet, in the newest epoch in which it delivers: those since the last
    /// delivery, and those that wait because of the policy's budgets. They go with the next deliveries, as many as the budgets take.
    pub fn undelivered(&self) -> usize {
        let newest = self.state.epochs.iter().filter(|epoch| epoch.delivered || epoch.in_flight.is_some());
        let newest = newest.max_by_key(|epoch| epoch.number);
        newest.map_or(self.state.flags.len(), |epoch| epoch.in_flight.as_ref().unwrap_or(&epoch.behind).lacks())
    }

    /// No longer waits for the reply to a message in flight, named by its digest; nor for the state messages that follow it. Their
    /// numbers are spent, and what they said is still to be said.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedReply`] where no such message is in flight; [`SystemError::Io`](crate::SystemError::Io).
    pub fn give_up(&mut self, digest: Digest, now: Timestamp) -> Result<(), Error> {
        let found = self.in_flight().find(|message| message.digest == digest);
        let found = found.ok_or(Error::UnexpectedReply { finding: "no message with that digest is in flight" })?;
        let series = match found.kind {
            Kind::Question => Series::Question,
            Kind::Status => Series::Status,
            _ => Series::State,
        };
        let number = found.number;
        self.record(now, None, Event::GaveUp { series, number })?;
        self.save()
    }

    fn state_messages(&mut self, now: Timestamp, confirm: bool) -> Result<Vec<Vec<u8>>, Error> {
        self.permit(|may| may.flag, "flag")?;
        if self.state.chain.is_empty() && self.make(now, confirm)? {
            // Not handed out before they are on disk; their numbers are spent.
            self.save().inspect_err(|_| self.state.forget_chain())?;
        }
        Ok(self.state.chain.iter().map(|flight| flight.bytes.0.clone()).collect())
    }

    /// Makes the messages there are to make. Whether there are any.
    fn make(&mut self, now: Timestamp, confirm: bool) -> Result<bool, Error> {
        let day = now.day();
        self.state.expire(day);
        let policy = self.policy.policy();
        self.state.keep_epochs(|number| policy.epoch(number).is_some_and(|epoch| epoch.closes >= day));
        self.state.count_buildings(self.counts_buildings());
        // The reply to any message tells what became of one before it that was lost; without one, nobody would ever know.
        let confirm = confirm || self.state.is_in_doubt();
        let (newest, mut epochs) = self.open_epochs(day)?;
        epochs.retain(|number| self.state.epoch(*number).is_some_and(|epoch| epoch.delivered));
        epochs.insert(0, newest);
        let mut new_flags = self.state.new_flags.left(day).min(policy.budgets.new_flags_a_day);
        let mut statements = Vec::new();
        for epoch in epochs {
            let said = self.statement(epoch, day, confirm, &mut new_flags)?;
            statements.extend(said.map(|(statement, waiting)| (epoch, statement, waiting)));
        }
        let first = self.state.state_used.saturating_add(1);
        let mut messages = Vec::new();
        for (epoch, statement, _) in &statements {
            for request in statement.requests()? {
                let (kind, number) = (request.kind(), first.saturating_add(messages.len() as u64));
                messages.push(Delivering { epoch: *epoch, kind, number, pseudonyms: count(&request) as u32 });
            }
        }
        if messages.is_empty() {
            return Ok(false);
        }
        // First the journal has the numbers, so that no other messages get them, whatever happens from here on.
        self.record(now, None, Event::Delivering { messages })?;
        let mut previous = self.state.accepted;
        let (mut chain, mut behind) = (Vec::new(), Vec::new());
        // Each statement goes when its messages are there.
        for (epoch, statement, waiting) in statements {
            for request in &statement.requests()? {
                let (sequence, settles) = (first.saturating_add(chain.len() as u64), settles(request));
                chain.push(self.sign(&Draft { epoch, sequence, previous, settles, request }, now)?);
                previous = sequence;
            }
            if chain.last().is_some_and(|flight: &Flight| flight.settles) {
                behind.push((epoch, Behind::lacking(waiting.into_iter())));
            }
        }
        for (epoch, behind) in behind {
            self.state.epoch_mut(epoch).in_flight = Some(behind);
        }
        self.state.chain = chain;
        Ok(true)
    }

    /// What there is to say in an epoch, and what waits although it was to be said too; `new_flags` is what is left of the day's budget.
    fn statement(
        &self,
        epoch: u32,
        day: Day,
        confirm: bool,
        new_flags: &mut u32,
    ) -> Result<Option<(Statement, Vec<AddressKey>)>, Error> {
        let state = self.state.epoch(epoch).filter(|state| state.delivered);
        let waiting = self.waiting(state.map(|state| &state.behind), *new_flags);
        let fewer;
        let flags = if waiting.is_empty() {
            &self.state.flags
        } else {
            fewer = self.state.flags.without(&waiting);
            &fewer
        };
        let Some(EpochState { behind, .. }) = state else {
            let set = self.full_set(flags, epoch, day, self.state.renewal, self.state.shrink)?;
            return Ok(Some((set, waiting)));
        };
        let changes = flags.changes(behind, self.counts_buildings());
        let renewal = behind.renewal || changes.extends;
        *new_flags = new_flags.saturating_sub(u32::try_from(changes.added).unwrap_or(u32::MAX));
        if behind.full_set {
            return Ok(Some((self.full_set(flags, epoch, day, renewal, behind.shrink)?, waiting)));
        }
        if changes.len() == 0 {
            return Ok(confirm.then_some((Statement::Confirm, waiting)));
        }
        if changes.len() <= MAX_FLAGS {
            let rows = self.rows(epoch, day, changes.flagged.iter().copied(), &changes.withdrawn)?;
            if rows.days.len() <= MAX_GROUPS {
                return Ok(Some((Statement::Delta { renewal, rows }, waiting)));
            }
        }
        // More than fits into one delta. All that the set withdraws was withdrawn one by one, or declared.
        Ok(Some((self.full_set(flags, epoch, day, renewal, true)?, waiting)))
    }

    /// The homes, ascending, that are to be told to a broker that is `behind`, or holds nothing, and wait for a later day: with them it
    /// would refuse the message for the policy's budgets, and with the message what was withdrawn.
    fn waiting(&self, behind: Option<&Behind>, new_flags: u32) -> Vec<AddressKey> {
        let (flags, buildings) = (&self.state.flags, self.counts_buildings());
        let held = self.policy.policy().budgets.flags_held as usize;
        // The first full set of an epoch is free of the day's budget.
        let new_flags = behind.map_or(usize::MAX, |_| new_flags as usize);
        let levels = 1 + usize::from(buildings);
        let at_most = (behind.map_or(0, Behind::lacks) * levels, flags.len() * levels);
        if at_most.0 <= new_flags && at_most.1 <= held {
            return Vec::new();
        }
        let all = flags.all(buildings).count();
        let nothing;
        let (behind, added) = match behind {
            Some(behind) => (behind, flags.changes(behind, buildings).added),
            None if all <= held => return Vec::new(),
            None => {
                nothing = Behind::lacking(flags.rows().iter().map(|flag| flag.address));
                (&nothing, all)
            }
        };
        let room = new_flags.min(held.saturating_sub(all - added));
        if added <= room { Vec::new() } else { flags.waiting(behind, buildings, room) }
    }

    fn full_set(&self, flags: &Flags, epoch: u32, day: Day, renewal: bool, shrink: bool) -> Result<Statement, Error> {
        let rows = self.rows(epoch, day, flags.all(self.counts_buildings()), &[])?;
        Ok(Statement::FullSet { renewal, shrink, rows })
    }

    fn rows(
        &self,
        epoch: u32,
        day: Day,
        flagged: impl Iterator<Item = (AddressKey, Day)> + Clone,
        withdrawn: &[AddressKey],
    ) -> Result<Rows, Error> {
        let mut days: BTreeMap<Day, usize> = BTreeMap::new();
        flagged.clone().for_each(|(_, last_day)| *days.entry(last_day).or_default() += 1);
        let mut all = 0;
        // Where the next pseudonym of each day goes.
        let mut next: BTreeMap<Day, usize> = BTreeMap::new();
        for (last_day, count) in &days {
            next.insert(*last_day, all);
            all += count;
        }
        let mut pseudonyms = vec![Pseudonym::BLANK; all];
        let (mut addresses, mut last_days) = (Vec::new(), Vec::new());
        let mut flagged = flagged.peekable();
        // A source is asked for many at once, but not so many that they take more room than what comes of them.
        while flagged.peek().is_some() {
            addresses.clear();
            last_days.clear();
            for (address, last_day) in flagged.by_ref().take(ASKED_AT_ONCE) {
                addresses.push(address);
                last_days.push(last_day);
            }
            for (pseudonym, last_day) in self.pseudonyms(epoch, day, &addresses)?.into_iter().zip(&last_days) {
                let at = next.entry(*last_day).or_default();
                pseudonyms[*at] = pseudonym;
                *at += 1;
            }
        }
        let number = |pseudonym: &Pseudonym| pseudonym.number();
        let mut rest = pseudonyms.as_mut_slice();
        for count in days.values() {
            let (rows, after) = rest.split_at_mut(*count);
            rows.copy_from_slice(&slots::sorted(rows, number));
            rest = after;
        }
        let withdrawn = slots::sorted(&self.pseudonyms(epoch, day, withdrawn)?, number);
        Ok(Rows { flagged: pseudonyms, days, withdrawn })
    }
}

impl Statement {
    /// The messages that say it, one after another.
    fn requests(&self) -> Result<Vec<Request<'_>>, Error> {
        match self {
            Statement::Delta { renewal, rows } => {
                let (renewal, flagged, withdrawn) = (*renewal, rows.groups(), rows.withdrawn.as_slice());
                Ok(vec![Request::Delta(Delta { renewal, flagged, withdrawn })])
            }
            Statement::FullSet { renewal, shrink, rows } => {
                let (renewal, shrink, parts) = (*renewal, *shrink, parts(rows.groups()));
                let of = u16::try_from(parts.len())
                    .map_err(|_| MessageError::TooLarge { finding: "a full set has at most 65,535 parts" })?;
                let requests = parts.into_iter().zip(1..).map(|(flagged, number)| {
                    Request::FullSet(FullSet { renewal, shrink, part: Part { number, of }, flagged })
                });
                Ok(requests.collect())
            }
            Statement::Confirm => Ok(vec![Request::Confirm]),
        }
    }
}

impl Rows {
    fn groups(&self) -> Vec<Group<'_>> {
        let mut rest = self.flagged.as_slice();
        let group = |(last_day, count): (&Day, &usize)| {
            let (pseudonyms, after) = rest.split_at(*count);
            rest = after;
            Group { last_day: *last_day, pseudonyms }
        };
        self.days.iter().map(group).collect()
    }
}

/// Cuts groups into parts of at most a million rows and 64 groups; one empty part for no rows.
fn parts(groups: Vec<Group<'_>>) -> Vec<Vec<Group<'_>>> {
    let mut parts = vec![Vec::new()];
    let mut room = MAX_FLAGS;
    for Group { last_day, pseudonyms: mut rest } in groups {
        while !rest.is_empty() {
            if room == 0 || parts.last().is_some_and(|part: &Vec<_>| part.len() == MAX_GROUPS) {
                parts.push(Vec::new());
                room = MAX_FLAGS;
            }
            let (pseudonyms, after) = rest.split_at(rest.len().min(room));
            room -= pseudonyms.len();
            if let Some(part) = parts.last_mut() {
                part.push(Group { last_day, pseudonyms });
            }
            rest = after;
        }
    }
    parts
}

/// How many pseudonyms a state message speaks of.
fn count(request: &Request<'_>) -> usize {
    let rows = |groups: &[Group<'_>]| groups.iter().map(|group| group.pseudonyms.len()).sum::<usize>();
    match request {
        Request::Delta(delta) => rows(&delta.flagged) + delta.withdrawn.len(),
        Request::FullSet(set) => rows(&set.flagged),
        _ => 0,
    }
}

/// Whether the broker is up to date in the epoch once it accepts a state message.
fn settles(request: &Request<'_>) -> bool {
    match request {
        Request::Delta(_) => true,
        Request::FullSet(set) => set.part.number == set.part.of,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_what_a_message_may() {
        let sizes = |counts: &[(u16, usize)]| {
            let days = counts.iter().map(|(day, count)| (Day(*day), *count)).collect();
            let flagged = vec![Pseudonym::BLANK; counts.iter().map(|(_, count)| count).sum()];
            let rows = Rows { flagged, days, withdrawn: Vec::new() };
            let sizes = |part: &Vec<Group<'_>>| part.iter().map(|group| group.pseudonyms.len()).collect();
            parts(rows.groups()).iter().map(sizes).collect::<Vec<Vec<_>>>()
        };
        assert_eq!(sizes(&[]), [[0; 0]]);
        let cut = sizes(&[(1, 600_000), (2, 1_500_000), (3, 1)]);
        assert_eq!(cut, [vec![600_000, 400_000], vec![1_000_000], vec![100_000, 1]]);
        let many = sizes(&(0..130).map(|day| (day, 1)).collect::<Vec<_>>());
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [64, 64, 2]);
        assert_eq!(sizes(&[(1, 1_000_000)]).len(), 1);
    }
}
