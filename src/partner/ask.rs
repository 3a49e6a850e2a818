//! Questions and status requests.

use std::collections::HashSet;

use super::error::PartnerError;
use super::given::{Given, Taken, Texts};
use super::member::{Draft, Member};
use super::record::JournalEvent;
use super::state::{OpenQuestion, PartnerState};
use super::{Case, Partner};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{MAX_QUESTION, Question, Request, StatusRequest};
use crate::pseudonym::Pseudonym;
use crate::slug::Slug;

/// What is asked in one call.
struct Asked<'a> {
    addresses: Vec<AddressKey>,
    /// The addresses as they were written.
    typed: Texts,
    sweep: Option<&'a Slug>,
    /// Whether it is about all own flags.
    own: bool,
    by: &'a Case,
}

impl Asked<'_> {
    /// What tells one call from another.
    fn call(&self, epoch: u32) -> Digest {
        let Asked { addresses, typed: _, sweep, own: _, by } = self;
        // None of the texts has a line break in it.
        let (sweep, actor, case) = (sweep.map_or("", Slug::as_str), by.actor(), by.reference());
        let (caller, request) = (by.caller(), by.request());
        let mut text = format!("{epoch}\n{sweep}\n{actor}\n{case}\n{caller}\n{request}\n").into_bytes();
        for address in addresses {
            text.extend_from_slice(address.as_bytes());
            text.push(b'\n');
        }
        Digest::of(&[&text])
    }
}

impl Partner {
    /// The questions for the standings of addresses, of either level; several where there are more than 100,000
    /// different ones. The answers give the standings back in the order of `addresses`.
    ///
    /// As long as a question of the same call (addresses, and all of `by`) is in flight, those in flight come again,
    /// byte for byte.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`]; [`PartnerError::RegisterRequired`]; [`PartnerError::Level`] for a house number
    /// where the policy does not count those; [`PartnerError::NoEpoch`]; [`SystemError::Io`](crate::SystemError::Io);
    /// whatever the source of pseudonyms gives.
    pub fn ask<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = impl Into<Given<'a>>>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, PartnerError> {
        self.member.permit(|may| may.ask, "ask")?;
        let Taken { keys: addresses, typed, are_resolved } = Taken::of(addresses);
        self.member.refuse_without_register(are_resolved)?;
        self.question(&Asked { addresses, typed, sweep: None, own: false, by }, now)
    }

    /// As [`Partner::ask`], about addresses that the partner need not flag itself, for a reason that the policy lists.
    ///
    /// # Errors
    ///
    /// As [`Partner::ask`]; [`PartnerError::NotPermitted`] also for a reason that the policy does not list.
    pub fn sweep<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = impl Into<Given<'a>>>,
        reason: &Slug,
        by: &Case,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, PartnerError> {
        self.member.permit(|may| may.sweep, "sweep")?;
        let reasons = &self.member.policy().budgets.sweep_reasons;
        if !reasons.contains(reason) {
            let listed: Vec<_> = reasons.iter().map(Slug::as_str).collect();
            let finding = format!("'{reason}' is not a reason of the policy's; those are: {}", listed.join(", "));
            return Err(PartnerError::NotPermitted { finding });
        }
        let Taken { keys: addresses, typed, are_resolved } = Taken::of(addresses);
        self.member.refuse_without_register(are_resolved)?;
        self.question(&Asked { addresses, typed, sweep: Some(reason), own: false, by }, now)
    }

    /// As [`Partner::ask`], about all that the partner itself flags, house numbers included where the policy counts
    /// them. What changed is told by [`Partner::news`].
    ///
    /// # Errors
    ///
    /// As [`Partner::ask`], but no register is required: nothing is looked up anew.
    pub fn ask_own(&mut self, by: &Case, now: Timestamp) -> Result<Vec<Vec<u8>>, PartnerError> {
        self.member.permit(|may| may.ask, "ask")?;
        let today = self.data.at(now)?.day();
        let own = self.data.state().flags.all(self.member.counts_house_numbers());
        let addresses = own.filter(|(_, terms)| terms.last_day >= today).map(|(address, _)| address).collect();
        // The texts are those of the flags.
        self.question(&Asked { addresses, typed: Texts::default(), sweep: None, own: true, by }, now)
    }

    /// The request where the partner stands with the broker, in the newest open epoch, and for the proofs that the
    /// broker's log continues the checkpoint that is kept, and has the lines on the partner's own messages. It takes
    /// the place of one in flight.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NoEpoch`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn status(&mut self, now: Timestamp) -> Result<Vec<u8>, PartnerError> {
        let now = self.data.at(now)?;
        let epoch = match self.member.coordinates() {
            true => self.member.epochs_without_secret(now.day())?[0],
            false => self.member.open_epochs(now.day())?.0,
        };
        let state = self.data.state();
        let origin = self.member.log_origin(state.own_lines.restored);
        let (tree_size, lines) = (state.tree_size(&origin), state.own_lines.to_prove(&origin));
        let receipt = state.receipt.as_ref().map(|receipt| receipt.bytes.clone()).unwrap_or_default();
        let request = &Request::Status(StatusRequest { tree_size, lines, receipt });
        let mut transaction = self.data.begin_at_latest()?;
        let head = transaction.head();
        let state = transaction.state();
        state.status_used = state.status_used.saturating_add(1);
        let draft = Draft { epoch, sequence: state.status_used, previous: 0, flagged_before: 0, request };
        let message = self.member.sign(state, head, &draft, now)?;
        let bytes = message.bytes.clone();
        state.status = Some(message);
        transaction.commit()?;
        Ok(bytes)
    }

    fn question(&mut self, asked: &Asked<'_>, now: Timestamp) -> Result<Vec<Vec<u8>>, PartnerError> {
        self.member.refuse_uncounted(&asked.addresses, "the policy does not count house numbers: ask about homes")?;
        let now = self.data.at(now)?;
        let epoch = question_epoch(&self.member, self.data.state(), now.day())?;
        let call = asked.call(epoch);
        if !self.data.state().questions.iter().any(|question| question.call == call) {
            self.make_questions(epoch, call, asked, now)?;
        }
        let questions = self.data.state().questions.iter().filter(|question| question.call == call);
        Ok(questions.map(|question| question.message.bytes.clone()).collect())
    }

    /// Makes the questions of a call, and puts them on disk.
    fn make_questions(
        &mut self,
        epoch: u32,
        call: Digest,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<(), PartnerError> {
        let Asked { addresses, typed, sweep, own, by } = asked;
        let (member, today) = (&self.member, now.day());
        let (mut drafts, mut missing) = (Vec::new(), Vec::new());
        for rows in chunks(addresses) {
            let pseudonyms = member.pseudonyms(self.data.state(), epoch, today, rows, &mut missing)?;
            drafts.extend(pseudonyms.map(|pseudonyms| (rows, sorted(&pseudonyms))));
        }
        if !missing.is_empty() {
            return self.wait_for_pseudonyms(vec![(epoch, missing)], today, Some(today));
        }
        if drafts.is_empty() {
            return Ok(());
        }
        let key_id = member.source(epoch, today)?.key_id();
        // Before the journal has the numbers, so that a call that is refused uses up none.
        member.refuse_uncertified(epoch, today)?;
        let mut transaction = self.data.begin(now)?;
        transaction.state().note_asked(epoch, key_id, addresses, today);
        for (rows, (pseudonyms, positions)) in drafts {
            let number = transaction.state().question_used.saturating_add(1);
            // First the journal has the number, and who asks what for which case: the head that the message names
            // commits to it.
            let (addresses, typed) = (rows.to_vec(), typed.of_rows(rows));
            let event = JournalEvent::Asking {
                epoch,
                number,
                sweep: sweep.cloned(),
                own: *own,
                addresses: addresses.clone(),
                typed: typed.clone(),
            };
            let record = transaction.record(Some(by), event)?;
            let request = &Request::Question(Question { sweep: sweep.cloned(), pseudonyms: &pseudonyms });
            let draft = Draft { epoch, sequence: number, previous: 0, flagged_before: 0, request };
            let head = transaction.head();
            let message = member.sign(transaction.state(), head, &draft, now)?;
            let question = OpenQuestion { message, record, call, by: (*by).clone(), addresses, typed, positions };
            transaction.state().questions.push(question);
        }
        transaction.commit()
    }
}

/// The epoch that answers, where the broker said it; else the newest open one in which the partner has delivered, or
/// the newest where it has delivered in none.
pub(super) fn question_epoch(member: &Member, state: &PartnerState, today: Day) -> Result<u32, PartnerError> {
    let (newest, older) = member.open_epochs(today)?;
    let open = || [newest].into_iter().chain(older.iter().copied());
    let delivered = |number: &u32| state.epoch(*number).is_some_and(|epoch| epoch.delivered);
    let answering = open().find(|number| state.answering == Some(*number));
    Ok(answering.or_else(|| open().find(delivered)).unwrap_or(newest))
}

/// The different pseudonyms, ascending, and for each of those given where it stands among them.
fn sorted(given: &[Pseudonym]) -> (Vec<Pseudonym>, Vec<u32>) {
    let mut rows: Vec<(Pseudonym, u32)> = given.iter().copied().zip(0..).collect();
    rows.sort_unstable_by_key(|(pseudonym, _)| pseudonym.number());
    let mut pseudonyms = Vec::with_capacity(rows.len());
    let mut positions = vec![0; rows.len()];
    for (pseudonym, row) in rows {
        if pseudonyms.last() != Some(&pseudonym) {
            pseudonyms.push(pseudonym);
        }
        positions[row as usize] = pseudonyms.len() as u32 - 1;
    }
    (pseudonyms, positions)
}

/// Cuts rows so that each piece has at most as many different addresses as a question may.
pub(super) fn chunks(mut rows: &[AddressKey]) -> Vec<&[AddressKey]> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_that_is_asked_twice_is_sent_once() {
        let [two, nine] = [2, 9].map(|byte| Pseudonym::danger_from_remote_source([byte; 16]));
        assert_eq!(sorted(&[nine, two, nine]), (vec![two, nine], vec![1, 0, 1]));
        assert_eq!(sorted(&[]), (vec![], vec![]));
    }

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
