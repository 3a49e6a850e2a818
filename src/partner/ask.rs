//! Questions and status requests.

use std::collections::HashSet;

use super::journal::Event;
use super::packed::Packed;
use super::state::QuestionFlight;
use super::{Case, Draft, Partner};
use crate::address::{AddressKey, Level};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::error::Error;
use crate::message::{MAX_QUESTION, Question, Request, StatusRequest};
use crate::pseudonym::Pseudonym;
use crate::slots;
use crate::slug::Slug;

impl Partner {
    /// The questions for the standings of addresses, of either level; several where there are more than 100,000 different ones. The
    /// answers give the standings back in the order of `addresses`.
    ///
    /// As long as a question of the same call (addresses, actor and case) is in flight, those in flight come again, byte for byte.
    ///
    /// # Errors
    ///
    /// [`Error::NotPermitted`]; [`Error::Level`] for a building where the policy does not count those; [`Error::NoEpoch`];
    /// [`SystemError::Io`](crate::SystemError::Io); whatever the source of pseudonyms gives.
    pub fn ask(&mut self, addresses: &[AddressKey], by: &Case, now: Timestamp) -> Result<Vec<Vec<u8>>, Error> {
        self.permit(|may| may.ask, "ask")?;
        self.question(addresses, None, by, now)
    }

    /// As [`Partner::ask`], about addresses that the partner need not flag itself, for a reason that the policy lists.
    ///
    /// # Errors
    ///
    /// As [`Partner::ask`]; [`Error::NotPermitted`] also for a reason that the policy does not list.
    pub fn sweep(
        &mut self,
        addresses: &[AddressKey],
        reason: &Slug,
        by: &Case,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.permit(|may| may.sweep, "sweep")?;
        let reasons = &self.policy.policy().budgets.sweep_reasons;
        if !reasons.contains(reason) {
            let listed: Vec<_> = reasons.iter().map(Slug::as_str).collect();
            let finding = format!("'{reason}' is not a reason of the policy's; those are: {}", listed.join(", "));
            return Err(Error::NotPermitted { finding });
        }
        self.question(addresses, Some(reason), by, now)
    }

    /// As [`Partner::ask`], about all that the partner itself flags, buildings included where the policy counts them. What changed is
    /// told by [`Partner::news`].
    ///
    /// # Errors
    ///
    /// As [`Partner::ask`].
    pub fn ask_own(&mut self, by: &Case, now: Timestamp) -> Result<Vec<Vec<u8>>, Error> {
        self.permit(|may| may.ask, "ask")?;
        self.state.expire(now.day());
        let own: Vec<_> = self.state.flags.all(self.counts_buildings()).map(|(address, _)| address).collect();
        self.question(&own, None, by, now)
    }

    /// The request where the partner stands with the broker, in the newest open epoch, and for the proof that the broker's log
    /// continues the checkpoint that is kept. It takes the place of one in flight.
    ///
    /// # Errors
    ///
    /// [`Error::NoEpoch`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn status(&mut self, now: Timestamp) -> Result<Vec<u8>, Error> {
        let (epoch, _) = self.open_epochs(now.day())?;
        let request = &Request::Status(StatusRequest { tree_size: self.tree_size() });
        let flight = self.sign(&Draft { epoch, sequence: 0, previous: 0, settles: false, request }, now)?;
        let bytes = flight.bytes.0.clone();
        self.state.status = Some(flight);
        self.save().inspect_err(|_| self.state.status = None)?;
        Ok(bytes)
    }

    fn question(
        &mut self,
        addresses: &[AddressKey],
        sweep: Option<&Slug>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, Error> {
        if addresses.iter().any(|address| address.level() == Level::Building) && !self.counts_buildings() {
            return Err(Error::Level { finding: "the policy does not count buildings: ask about homes" });
        }
        let epoch = self.question_epoch(now.day())?;
        let call = call(epoch, addresses, sweep, by);
        if !self.state.questions.iter().any(|question| question.call == call) {
            let mut made = Vec::new();
            for rows in chunks(addresses) {
                made.push(self.make_question(epoch, call, rows, sweep, by, now)?);
            }
            self.state.questions.extend(made);
            // Not handed out before they are on disk; their numbers are spent.
            self.save().inspect_err(|_| self.state.questions.retain(|question| question.call != call))?;
        }
        let questions = self.state.questions.iter().filter(|question| question.call == call);
        Ok(questions.map(|question| question.flight.bytes.0.clone()).collect())
    }

    fn make_question(
        &mut self,
        epoch: u32,
        call: Digest,
        rows: &[AddressKey],
        sweep: Option<&Slug>,
        by: &Case,
        now: Timestamp,
    ) -> Result<QuestionFlight, Error> {
        let of_rows: Vec<(Pseudonym, u32)> = self.pseudonyms(epoch, now.day(), rows)?.into_iter().zip(0..).collect();
        let (mut pseudonyms, mut positions) = (Vec::with_capacity(rows.len()), vec![0; rows.len()]);
        for (pseudonym, row) in slots::sorted(&of_rows, |(pseudonym, _)| pseudonym.number()) {
            if pseudonyms.last() != Some(&pseudonym) {
                pseudonyms.push(pseudonym);
            }
            positions[row as usize] = pseudonyms.len() as u32 - 1;
        }
        let number = self.state.question_used.saturating_add(1);
        let (rows, sweep) = (Packed(rows.to_vec()), sweep.cloned());
        // First the journal has the number, and who asks what for which case: the head that the message names commits to it.
        let event = Event::Asking { epoch, number, sweep: sweep.clone(), addresses: rows.clone() };
        let record = self.record(now, Some(by), event)?;
        let request = &Request::Question(Question { sweep, pseudonyms: &pseudonyms });
        let flight = self.sign(&Draft { epoch, sequence: number, previous: 0, settles: false, request }, now)?;
        Ok(QuestionFlight { flight, record, call, by: by.clone(), rows, positions: Packed(positions) })
    }

    /// The newest open epoch in which the partner has delivered; one that has not delivered in any asks in the newest.
    fn question_epoch(&self, day: Day) -> Result<u32, Error> {
        let (newest, older) = self.open_epochs(day)?;
        let delivered = |number: &u32| self.state.epoch(*number).is_some_and(|epoch| epoch.delivered);
        Ok([newest].into_iter().chain(older).find(delivered).unwrap_or(newest))
    }
}

/// Cuts rows so that each piece has at most as many different addresses as a question may.
fn chunks(mut rows: &[AddressKey]) -> Vec<&[AddressKey]> {
    let mut chunks = Vec::new();
    while !rows.is_empty() {
        let mut seen = HashSet::new();
        let end = rows.iter().position(|row| {
            seen.insert(row);
            seen.len() > MAX_QUESTION
        });
        let (chunk, rest) = rows.split_at(end.unwrap_or(rows.len()));
        chunks.push(chunk);
        rows = rest;
    }
    chunks
}

/// What tells one call from another.
fn call(epoch: u32, addresses: &[AddressKey], sweep: Option<&Slug>, by: &Case) -> Digest {
    // None of the texts has a line break in it.
    let mut text =
        format!("{epoch}\n{}\n{}\n{}\n", sweep.map_or("", Slug::as_str), by.actor(), by.reference()).into_bytes();
    for address in addresses {
        text.extend_from_slice(address.as_bytes());
        text.push(b'\n');
    }
    Digest::of(&[&text])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_has_a_hundred_thousand_different_addresses() {
        let address =
            |n: usize| AddressKey::from_canonical(&format!("{}JS|{}|", 1000 + n / 50_000, 1 + n % 50_000)).unwrap();
        let mut rows: Vec<_> = (0..MAX_QUESTION).map(address).collect();
        assert_eq!(chunks(&rows).len(), 1);
        rows.push(rows[0]);
        assert_eq!(chunks(&rows).len(), 1, "one of them twice");
        rows.push(address(MAX_QUESTION));
        let lengths: Vec<_> = chunks(&rows).iter().map(|chunk| chunk.len()).collect();
        assert_eq!(lengths, [MAX_QUESTION + 1, 1]);
        assert!(chunks(&[]).is_empty());
    }
}
