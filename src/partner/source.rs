//! Sources of pseudonyms that have to be asked: what they made, what they are being asked, and what the caller carries.
//!
//! The shared key makes its pseudonyms at once, and nothing of it is here. What another source made is kept with the
//! flags, in the sealed state, so that no address is asked for twice while the partner flags it, has a change of it to
//! deliver, or asked about it within the policy's `max_days`.

use std::fmt;

use super::Partner;
use super::error::PartnerError;
use super::member::{Member, refuse_other_number};
use super::state::PartnerState;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::pseudonym::{Finished, SourceReply, SourceRequest};
use crate::secret::random;
use crate::trace;

/// The most addresses that a source is asked for at once.
pub(super) const ASKED_AT_ONCE: usize = 1 << 16;

/// What a source of pseudonyms is to be asked: requests of one evaluation, that the caller carries to their holders.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SourceRequests<'a> {
    /// The epoch that the pseudonyms are of.
    pub epoch: u32,
    /// The number of the evaluation in its epoch, by which the replies are given back.
    pub number: u64,
    /// The moment before which the holders do not answer; `None` for at once.
    pub not_before: Option<Timestamp>,
    /// The requests. Until their replies were given back they stay the same, byte for byte, also after a crash.
    pub requests: &'a [SourceRequest],
}

impl Partner {
    /// What has to be asked of sources of pseudonyms, oldest first; nothing under shared keys.
    ///
    /// Where pseudonyms are missing, [`Partner::deliver`] and [`Partner::ask`] say so with
    /// [`PartnerError::PseudonymsPending`]. Then: send these requests to their holders, give the replies to
    /// [`Partner::source_replies`], and make the call again. A delivery may also go without the flags whose pseudonyms
    /// are missing, so look here after it as well.
    pub fn source_requests(&self) -> impl Iterator<Item = SourceRequests<'_>> {
        let sources = self.data.state().sources.iter();
        sources.flat_map(|source| {
            source.evaluations.iter().map(|(number, evaluation)| SourceRequests {
                epoch: source.epoch,
                number: *number,
                not_before: evaluation.not_before,
                requests: &evaluation.requests,
            })
        })
    }

    /// Takes over the replies to requests of one evaluation: all of them, or those that have come. What is still to be
    /// asked after that, [`Partner::source_requests`] says.
    ///
    /// # Errors
    ///
    /// Nothing changes by any of them. [`PartnerError::UnexpectedReply`] where no such evaluation waits for replies;
    /// [`PartnerError::SourceFault`] for a reply that no honest holder gives, with the evidence in a file;
    /// [`MessageError::Malformed`](crate::message::MessageError) where the source gives another number of pseudonyms
    /// than it was asked; [`PartnerError::NoEpoch`] where the source is not there;
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn source_replies(
        &mut self,
        epoch: u32,
        number: u64,
        replies: &[SourceReply],
        now: Timestamp,
    ) -> Result<(), PartnerError> {
        let today = self.data.at(now)?.day();
        let source = self.member.source(epoch, today)?;
        let key_id = source.key_id();
        let evaluation = self.data.state().source(epoch, key_id).and_then(|state| state.evaluations.get(&number));
        let evaluation = evaluation.ok_or(NO_EVALUATION)?;
        let mut pending = evaluation.pending.clone();
        let finished = source.finish(&mut pending, replies);
        match &finished {
            Finished::Done(made) => refuse_other_number(made.len(), evaluation.addresses.len())?,
            Finished::Bad { holder, evidence } => {
                let name = format!("evidence-{}.source", &Digest::of(&[evidence]).to_string()[..16]);
                let evidence = self.data.folder().keep_evidence(&name, evidence)?;
                trace::event!(ERROR, "a holder of a source's key gave a wrong reply", epoch = epoch, number = number);
                return Err(PartnerError::SourceFault { holder: holder.clone(), evidence });
            }
            Finished::Need { .. } => {}
        }
        let mut transaction = self.data.begin_at_latest()?;
        let state = transaction.state().source_mut(epoch, key_id);
        match finished {
            Finished::Done(made) => state.done(number, &made),
            Finished::Need { requests, not_before } => state.need(number, pending, requests, not_before),
            Finished::Bad { .. } => {}
        }
        transaction.commit()
    }

    /// No longer asks a source for the pseudonyms of one evaluation. Where they are needed again they are asked for
    /// anew, which may cost once more.
    ///
    /// # Errors
    ///
    /// [`PartnerError::UnexpectedReply`] where there is no such evaluation;
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn give_up_source(&mut self, epoch: u32, number: u64) -> Result<(), PartnerError> {
        if !self.source_requests().any(|requests| (requests.epoch, requests.number) == (epoch, number)) {
            return Err(NO_EVALUATION);
        }
        let mut transaction = self.data.begin_at_latest()?;
        let sources = transaction.state().sources.iter_mut().filter(|source| source.epoch == epoch);
        sources.for_each(|source| drop(source.evaluations.remove(&number)));
        transaction.commit()
    }

    /// Has the sources asked for what is missing in each epoch, and says that it is missing; nothing where nothing is.
    /// `asked_on` is the day of the question that needs it.
    pub(super) fn wait_for_pseudonyms(
        &mut self,
        missing: Vec<(u32, Vec<AddressKey>)>,
        today: Day,
        asked_on: Option<Day>,
    ) -> Result<(), PartnerError> {
        let count = missing.iter().map(|(_, addresses)| addresses.len()).sum();
        if count == 0 {
            return Ok(());
        }
        let mut transaction = self.data.begin_at_latest()?;
        self.member.ask_sources(transaction.state(), missing, today, asked_on)?;
        transaction.commit()?;
        Err(PartnerError::PseudonymsPending { missing: count })
    }
}

impl Member {
    /// Begins to ask the sources for the addresses of each epoch that they are not being asked for already. The state
    /// must be on disk before the requests are handed out.
    pub(super) fn ask_sources(
        &self,
        state: &mut PartnerState,
        missing: Vec<(u32, Vec<AddressKey>)>,
        today: Day,
        asked_on: Option<Day>,
    ) -> Result<(), PartnerError> {
        for (epoch, mut addresses) in missing {
            let source = self.source(epoch, today)?;
            let of_source = state.source_mut(epoch, source.key_id());
            addresses.retain(|address| !of_source.is_being_asked(address));
            addresses.sort_unstable();
            addresses.dedup();
            for addresses in addresses.chunks(ASKED_AT_ONCE) {
                let (pending, requests) = source.begin(addresses, &random()?);
                of_source.begin(addresses.to_vec(), asked_on, pending, requests);
            }
        }
        Ok(())
    }
}

const NO_EVALUATION: PartnerError = PartnerError::UnexpectedReply { finding: "no such pseudonyms are being asked for" };

/// Shows no bytes.
impl fmt::Debug for SourceRequests<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceRequests({} of epoch {}, {:?})", self.number, self.epoch, self.requests)
    }
}
