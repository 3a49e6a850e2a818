//! State messages: telling the broker what is flagged.

use std::collections::BTreeMap;

use super::flags::Behind;
use super::journal::{Delivering, Event, Series};
use super::{Draft, Partner};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::error::Error;
use crate::message::{Delta, FullSet, Group, Kind, MAX_FLAGS, Part, Request};

/// The most groups in one message.
const MAX_GROUPS: usize = 64;

/// The most pseudonyms that a source is asked for at once.
const ASKED_AT_ONCE: usize = 1 << 16;

/// The rows of one message or of one part of it, sorted as it needs them.
#[derive(Default)]
struct Rows {
    /// Ascending by day, then pseudonym.
    flagged: Vec<(Day, Vec<[u8; 16]>)>,
    withdrawn: Vec<[u8; 16]>,
}

/// What is to be said in one message.
enum Statement {
    Delta { renewal: bool, rows: Rows },
    FullSet { renewal: bool, shrink: bool, part: Part, rows: Rows },
    Confirm,
}

impl Partner {
    /// The messages that bring the broker up to date, in the order in which it must get them; none where it is.
    ///
    /// Changes since the last delivery go as one delta. An epoch's first message is a full set, as is the one after a loss or a gap; a
    /// large one comes in parts. While epochs overlap, the newest comes first, and those in which the partner has delivered are kept up
    /// to date. Where there is nothing to say, but a message was given up or lost that the broker may have accepted, a confirm asks
    /// for the gap that tells. Each message names the one before it as accepted, so that all can be sent at once. As long as one of them is in flight,
    /// those in flight come again, byte for byte.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`], [`Error::NoEpoch`], [`Error::Io`], and whatever the source of pseudonyms gives.
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

    /// No longer waits for the reply to a message in flight, named by its digest; nor for the state messages that follow it. Their
    /// numbers are spent, and what they said is still to be said.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedReply`] where no such message is in flight; [`Error::Io`].
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
        let mut statements = Vec::new();
        for epoch in epochs {
            statements.extend(self.statements(epoch, day, confirm)?.into_iter().map(|statement| (epoch, statement)));
        }
        if statements.is_empty() {
            return Ok(false);
        }
        let number = |at: usize| self.state.state_used + 1 + at as u64;
        let messages = statements.iter().enumerate().map(|(at, (epoch, statement))| {
            let (kind, pseudonyms) = (statement.kind(), statement.count() as u32);
            Delivering { epoch: *epoch, kind, number: number(at), pseudonyms }
        });
        let messages: Vec<_> = messages.collect();
        // First the journal has the numbers, so that no other messages get them, whatever happens from here on.
        self.record(now, None, Event::Delivering { messages: messages.clone() })?;
        let mut previous = self.state.accepted;
        let mut chain = Vec::with_capacity(statements.len());
        // Each statement goes when its message is there.
        for ((epoch, statement), Delivering { number, .. }) in statements.into_iter().zip(&messages) {
            let (sequence, settles, request) = (*number, statement.settles(), &statement.request());
            chain.push(self.sign(&Draft { epoch, sequence, previous, settles, request }, now)?);
            previous = sequence;
        }
        for flight in chain.iter().filter(|flight| flight.settles) {
            self.state.epoch_mut(flight.epoch).in_flight = Some(Behind::default());
        }
        self.state.chain = chain;
        Ok(true)
    }

    fn statements(&self, epoch: u32, day: Day, confirm: bool) -> Result<Vec<Statement>, Error> {
        let (flags, buildings) = (&self.state.flags, self.counts_buildings());
        let Some(state) = self.state.epoch(epoch).filter(|state| state.delivered) else {
            return self.full_set(epoch, day, self.state.renewal, self.state.shrink);
        };
        let behind = &state.behind;
        let changes = flags.changes(behind, buildings);
        let renewal = behind.renewal || changes.extends;
        if behind.full_set {
            return self.full_set(epoch, day, renewal, behind.shrink);
        }
        if changes.len() == 0 {
            return Ok(if confirm { vec![Statement::Confirm] } else { Vec::new() });
        }
        if changes.len() <= MAX_FLAGS {
            let rows = self.rows(epoch, day, changes.flagged.iter().copied(), &changes.withdrawn)?;
            if rows.flagged.len() <= MAX_GROUPS {
                return Ok(vec![Statement::Delta { renewal, rows }]);
            }
        }
        // More than fits into one delta. All that the set withdraws was withdrawn one by one, or declared.
        self.full_set(epoch, day, renewal, true)
    }

    fn full_set(&self, epoch: u32, day: Day, renewal: bool, shrink: bool) -> Result<Vec<Statement>, Error> {
        let flagged = self.state.flags.all(self.counts_buildings());
        let parts = parts(self.rows(epoch, day, flagged, &[])?.flagged);
        let of = u16::try_from(parts.len())
            .map_err(|_| Error::TooLarge { finding: "a full set has at most 65,535 parts" })?;
        let statements = parts.into_iter().zip(1..).map(|(flagged, number)| {
            let rows = Rows { flagged, withdrawn: Vec::new() };
            Statement::FullSet { renewal, shrink, part: Part { number, of }, rows }
        });
        Ok(statements.collect())
    }

    fn rows(
        &self,
        epoch: u32,
        day: Day,
        flagged: impl Iterator<Item = (AddressKey, Day)> + Clone,
        withdrawn: &[AddressKey],
    ) -> Result<Rows, Error> {
        let mut counts: BTreeMap<Day, usize> = BTreeMap::new();
        flagged.clone().for_each(|(_, last_day)| *counts.entry(last_day).or_default() += 1);
        let mut groups: BTreeMap<Day, Vec<[u8; 16]>> =
            counts.into_iter().map(|(last_day, count)| (last_day, Vec::with_capacity(count))).collect();
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
                groups.entry(*last_day).or_default().push(pseudonym);
            }
        }
        let mut withdrawn = self.pseudonyms(epoch, day, withdrawn)?;
        for rows in groups.values_mut().chain([&mut withdrawn]) {
            self.threads.sort_by_key(rows, |pseudonym| *pseudonym);
        }
        Ok(Rows { flagged: groups.into_iter().collect(), withdrawn })
    }
}

impl Statement {
    fn kind(&self) -> Kind {
        match self {
            Statement::Delta { .. } => Kind::Delta,
            Statement::FullSet { .. } => Kind::FullSet,
            Statement::Confirm => Kind::Confirm,
        }
    }

    fn count(&self) -> usize {
        match self {
            Statement::Delta { rows, .. } | Statement::FullSet { rows, .. } => rows.count(),
            Statement::Confirm => 0,
        }
    }

    fn settles(&self) -> bool {
        match self {
            Statement::Delta { .. } => true,
            Statement::FullSet { part, .. } => part.number == part.of,
            Statement::Confirm => false,
        }
    }

    fn request(&self) -> Request<'_> {
        match self {
            Statement::Delta { renewal, rows } => {
                Request::Delta(Delta { renewal: *renewal, flagged: rows.groups(), withdrawn: &rows.withdrawn })
            }
            Statement::FullSet { renewal, shrink, part, rows } => {
                Request::FullSet(FullSet { renewal: *renewal, shrink: *shrink, part: *part, flagged: rows.groups() })
            }
            Statement::Confirm => Request::Confirm,
        }
    }
}

impl Rows {
    fn count(&self) -> usize {
        self.flagged.iter().map(|(_, rows)| rows.len()).sum::<usize>() + self.withdrawn.len()
    }

    fn groups(&self) -> Vec<Group<'_>> {
        self.flagged.iter().map(|(last_day, pseudonyms)| Group { last_day: *last_day, pseudonyms }).collect()
    }
}

/// Cuts groups into parts of at most a million rows and 64 groups; one empty part for no rows.
fn parts(groups: Vec<(Day, Vec<[u8; 16]>)>) -> Vec<Vec<(Day, Vec<[u8; 16]>)>> {
    let mut parts = vec![Vec::new()];
    let mut room = MAX_FLAGS;
    for (last_day, mut rows) in groups {
        while !rows.is_empty() {
            if room == 0 || parts.last().is_some_and(|part: &Vec<_>| part.len() == MAX_GROUPS) {
                parts.push(Vec::new());
                room = MAX_FLAGS;
            }
            let rest = rows.split_off(rows.len().min(room));
            rows.shrink_to_fit();
            room -= rows.len();
            if let Some(part) = parts.last_mut() {
                part.push((last_day, rows));
            }
            rows = rest;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_what_a_message_may() {
        assert_eq!(parts(Vec::new()), [Vec::new()]);
        let rows = |count: usize| vec![[0; 16]; count];
        let sizes = |parts: Vec<Vec<(Day, Vec<[u8; 16]>)>>| {
            parts.iter().map(|part| part.iter().map(|(_, rows)| rows.len()).collect()).collect::<Vec<Vec<_>>>()
        };
        let cut = sizes(parts(vec![(Day(1), rows(600_000)), (Day(2), rows(1_500_000)), (Day(3), rows(1))]));
        assert_eq!(cut, [vec![600_000, 400_000], vec![1_000_000], vec![100_000, 1]]);
        let many = sizes(parts((0..130).map(|day| (Day(day), rows(1))).collect()));
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [64, 64, 2]);
        assert_eq!(sizes(parts(vec![(Day(1), rows(1_000_000))])).len(), 1);
    }
}
