//! Reading the broker's replies.

use std::collections::{BTreeMap, HashMap};

use super::journal::{AnswerHead, Event, Series};
use super::log::Complaint;
use super::packed::Packed;
use super::state::Flight;
use super::{Case, Partner};
use crate::address::AddressKey;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::error::Error;
use crate::message::{
    Answer, Code, Header, LogEntry, Receipt, Rejection, Reply, Role, Standing, StatusReply, Unverified,
};

/// What the broker said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// It accepted a state message.
    Receipt(Receipt),
    /// It answered a question.
    Answer(Answered),
    /// Where the partner stands.
    Status {
        /// What the broker said. Its numbers are taken over, whatever is wrong with its log: without them a partner that lost its
        /// folder, or a broker that was restored, would be stuck.
        status: StatusReply,
        /// What is wrong with the log that it shows; `None` where that continues what was seen of it.
        complaint: Option<Complaint>,
    },
    /// It did not accept a message.
    Rejection {
        /// Why.
        rejection: Rejection,
        /// What to do.
        next: Next,
    },
    /// It did not accept a message that the partner no longer waited for, such as one that followed another that was not accepted.
    /// Nothing changed.
    Late(Rejection),
    /// Somebody, perhaps the broker, says that a message was not accepted, and could not sign that. Nothing changed: if it is true, the
    /// message, the roster or the carrier needs a look; if it is not, the right reply is still to come.
    Hint(Rejection),
}

/// The standings that were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Who asked, and for which case.
    pub by: Case,
    /// The epoch in which it was asked.
    pub epoch: u32,
    /// The release that all of this speaks of.
    pub release: u64,
    /// When that release took place.
    pub as_of: Timestamp,
    /// Until then, unless a policy is adopted, the same question has the same answer.
    pub until: Timestamp,
    /// How many organisations the roster has.
    pub organisations: u16,
    /// How many of them are fresh: where it is few, "below threshold" may be "nobody delivers".
    pub fresh: u16,
    /// The line of the broker's audit log.
    pub log: LogEntry,
    /// The addresses in the order in which they were asked, each with its standing.
    pub rows: Vec<(AddressKey, Standing)>,
}

/// What to do after a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Next {
    /// Deliver or ask again: what was wrong is put right in the next message.
    Again,
    /// Send the same bytes again later.
    Resend,
    /// Fetch the policy in force, adopt it, and deliver or ask again.
    FetchPolicy,
    /// Deliver again, which says as much as is left of the budgets and the rest later, or ask about less. A day's budgets are new at
    /// 00:00 UTC, an epoch's with the next epoch; of `flags_held` there is more when flags were withdrawn.
    Wait,
    /// See whether the set is complete, and say that its shrinking is meant.
    DeclareShrink,
    /// Look at the flags again, and renew those that are still right.
    Renew,
    /// Set this side's clock right.
    SetClock,
    /// Ask the coordinator: this software and the broker, or this partner and the roster, do not agree.
    AskCoordinator,
}

impl Partner {
    /// Reads a reply of the broker: checks that it is the broker's, that it is to a message in flight, and that it speaks of no older
    /// release than was seen; then does what it says.
    ///
    /// A receipt or an answer that was read before is given again, from the journal, and changes nothing: so what it said is not lost with a
    /// program that ended between reading it and acting on it.
    ///
    /// A status reply's checkpoint takes the place of the one kept where it continues it. Where it does not, that is no error, but a
    /// [`Complaint`] beside what else the reply says: the one kept stays, and both are written to files in the folder.
    ///
    /// # Errors
    ///
    /// Nothing changes by any of them. [`MessageError::Malformed`](crate::message::MessageError::Malformed), [`MessageError::TooLarge`](crate::message::MessageError::TooLarge); [`MessageError::BadSignature`](crate::message::MessageError::BadSignature) for another broker's;
    /// [`Error::UnexpectedReply`] for one to another message, or to one that was given up; [`Error::OlderRelease`]; [`SystemError::Io`](crate::SystemError::Io),
    /// [`Error::JournalDamaged`].
    pub fn read(&mut self, bytes: &[u8], now: Timestamp) -> Result<Received, Error> {
        let unverified = Unverified::parse(bytes, Role::Broker)?;
        if let Some(rejection) = unverified.danger_unsigned_rejection() {
            return Ok(Received::Hint(rejection));
        }
        let verified = unverified.verify(&self.policy.policy().operator.verifying_key)?;
        let header = verified.header();
        let policy = self.policy.policy();
        if header.consortium != policy.consortium || header.purpose != policy.purpose {
            return Err(unexpected("it is of another consortium or purpose"));
        }
        if header.partner != self.state.number {
            return Err(unexpected("it is for another partner"));
        }
        let reply = verified.reply()?;
        let received = match (self.find(header)?, reply) {
            (Found::Dropped, Reply::Rejection(rejection)) => return Ok(Received::Late(rejection)),
            (Found::Dropped, reply) => return self.read_before(header, reply),
            (Found::State(flight), Reply::Receipt(receipt)) => {
                // A receipt that was sent again speaks of the release of its first time.
                refuse_older(receipt.release, flight.release)?;
                let event = Event::Accepted {
                    epoch: flight.epoch,
                    number: flight.sequence,
                    release: receipt.release,
                    held: receipt.held,
                    log: (receipt.log.index, receipt.log.leaf),
                };
                let is_first = self.state.epoch(flight.epoch).is_none_or(|epoch| !epoch.delivered);
                self.record(now, None, event)?;
                // The first full set of an epoch is free of the budget.
                if !is_first {
                    let (today, a_day) = (now.day(), self.policy.policy().budgets.new_flags_a_day);
                    let left = self.state.new_flags.left(today).min(a_day);
                    self.state.new_flags.set(today, left.saturating_sub(receipt.added));
                }
                Received::Receipt(receipt)
            }
            (Found::Question(at), Reply::Answer(answer)) => self.answered(at, header.policy, answer, now)?,
            (Found::Status(flight), Reply::Status(status)) => {
                let epoch = flight.epoch;
                refuse_older(status.release, self.state.epoch(epoch).map_or(0, |epoch| epoch.release))?;
                let (log, complaint) = self.watch(bytes, &status)?;
                let event = Event::Status {
                    epoch,
                    release: status.release,
                    accepted: status.accepted_state,
                    highest_state: status.highest_state,
                    highest_question: status.highest_question,
                    full_set: status.full_set_required,
                    log,
                };
                self.record(now, None, event)?;
                self.state.new_flags.set(now.day(), status.new_flags_left);
                Received::Status { status, complaint }
            }
            (found, Reply::Rejection(rejection)) => {
                let (series, flight) = match found {
                    Found::State(flight) => (Series::State, flight),
                    Found::Status(flight) => (Series::Status, flight),
                    Found::Question(at) => (Series::Question, &self.state.questions[at].flight),
                    Found::Dropped => return Ok(Received::Late(rejection)),
                };
                let event = Event::Rejected {
                    series,
                    epoch: flight.epoch,
                    number: flight.sequence,
                    code: rejection.code as u8,
                    detail: rejection.number,
                    log: (rejection.log.index, rejection.log.leaf),
                };
                self.record(now, None, event)?;
                let next = Next::after(rejection.code);
                Received::Rejection { rejection, next }
            }
            _ => return Err(unexpected("its kind is not one of a reply to that message")),
        };
        let brokers = header.policy;
        self.state.brokers_policy = Some(brokers).filter(|digest| *digest != self.policy.digest());
        // The journal has it all. The state is copied once there is nothing to wait for, not with each of many answers; where that
        // fails, what was received is no less true, and the next copy says so if it fails too.
        if self.in_flight().next().is_none() {
            let _ = self.save();
        }
        Ok(received)
    }

    fn answered(&mut self, at: usize, policy: Digest, answer: Answer, now: Timestamp) -> Result<Received, Error> {
        if policy != self.policy.digest() {
            // The same byte is a count under one policy and a band under another.
            return Err(unexpected("it was answered under another policy than the partner's: ask again"));
        }
        let sees = self.entry()?.sees;
        let question = &self.state.questions[at];
        let epoch = question.flight.epoch;
        let asked = question.positions.0.iter().max().map_or(0, |last| *last as usize + 1);
        if answer.standings.len() != asked {
            return Err(unexpected("it has another number of standings than were asked"));
        }
        let counting = &self.policy.policy().counting;
        let standings: Option<Vec<Standing>> =
            answer.standings.iter().map(|byte| Standing::from_byte(*byte, counting, sees)).collect();
        let standings =
            standings.ok_or(unexpected("it has a standing that the policy does not let this partner be told"))?;
        refuse_older(answer.release, self.state.epoch(epoch).map_or(0, |epoch| epoch.release))?;
        let restored: Vec<Standing> = question.positions.0.iter().map(|at| standings[*at as usize]).collect();
        let kept = restored.iter().map(|standing| standing.to_keep(counting.count_cap)).collect();
        let (release, as_of, until) = (answer.release, answer.as_of, answer.until);
        let (organisations, fresh) = (answer.organisations, answer.fresh);
        let rows = question.rows.0.iter().copied().zip(restored).collect();
        let by = question.by.clone();
        let answered = Answered { by, epoch, release, as_of, until, organisations, fresh, log: answer.log, rows };
        let event = Event::Answered {
            asking: question.record,
            answer: AnswerHead {
                epoch,
                number: question.flight.sequence,
                release,
                as_of,
                until,
                organisations,
                fresh,
                log: (answer.log.index, answer.log.leaf),
            },
            standings: Packed(kept),
        };
        self.record(now, None, event)?;
        Ok(Received::Answer(answered))
    }

    /// What a reply said that was read before: of an answer, what the journal says of it, since the question is gone.
    fn read_before(&self, header: &Header, reply: Reply) -> Result<Received, Error> {
        let (epoch, number) = (header.epoch, header.sequence);
        let mut asked: BTreeMap<u64, (Option<Case>, Packed<AddressKey>)> = BTreeMap::new();
        let mut found = None;
        self.journal.read(|at, record| match (record.event, &reply) {
            (Event::Asking { epoch: of, number: is, addresses, .. }, Reply::Answer(_))
                if (of, is) == (epoch, number) =>
            {
                asked.insert(at, (record.by, addresses));
            }
            (Event::Answered { asking, answer: head, standings }, Reply::Answer(answer))
                if log_entry(head.log) == answer.log && head.release == answer.release =>
            {
                if let Some((Some(by), addresses)) = asked.remove(&asking) {
                    let AnswerHead { release, as_of, until, organisations, fresh, .. } = head;
                    let rows = addresses.0.into_iter().zip(standings.0).collect();
                    let log = answer.log;
                    let answered = Answered { by, epoch, release, as_of, until, organisations, fresh, log, rows };
                    found = Some(Received::Answer(answered));
                }
            }
            (Event::Accepted { epoch: of, number: is, release, log, .. }, Reply::Receipt(receipt))
                if (of, is) == (epoch, number) && (release, log_entry(log)) == (receipt.release, receipt.log) =>
            {
                found = Some(Received::Receipt(receipt.clone()));
            }
            _ => {}
        })?;
        found.ok_or(unexpected("the message is no longer waited for: its reply was read, or it was given up"))
    }

    /// The message that a reply is to: the one whose digest it names.
    fn find(&self, header: &Header) -> Result<Found<'_>, Error> {
        let (state, digest) = (&self.state, header.context);
        let is_it = |flight: &Flight| flight.digest == digest;
        let (flight, found) = if let Some(flight) = state.chain.iter().find(|flight| is_it(flight)) {
            (flight, Found::State(flight))
        } else if let Some(at) = state.questions.iter().position(|question| is_it(&question.flight)) {
            (&state.questions[at].flight, Found::Question(at))
        } else if let Some(flight) = state.status.as_ref().filter(|flight| is_it(flight)) {
            (flight, Found::Status(flight))
        } else if state.is_dropped(digest) {
            return Ok(Found::Dropped);
        } else {
            return Err(unexpected("it is to a message that is not in flight here"));
        };
        let repeats = header.epoch == flight.epoch
            && header.key_id == flight.key_id
            && header.sequence == flight.sequence
            && header.previous == flight.previous;
        if repeats {
            Ok(found)
        } else {
            Err(unexpected("its header does not repeat that of the message it replies to"))
        }
    }
}

impl Answered {
    /// The standings of addresses, in their order; none for one that was not asked here.
    ///
    /// Rows that were left out before they were asked, and questions that were cut in pieces, so find their places again.
    pub fn standings(&self, addresses: &[AddressKey]) -> Vec<Option<Standing>> {
        let as_asked = addresses.iter().eq(self.rows.iter().map(|(address, _)| address));
        if as_asked {
            return self.rows.iter().map(|(_, standing)| Some(*standing)).collect();
        }
        let standings: HashMap<&AddressKey, Standing> =
            self.rows.iter().map(|(address, standing)| (address, *standing)).collect();
        addresses.iter().map(|address| standings.get(address).copied()).collect()
    }
}

impl Next {
    /// What to do after a rejection with this code: SPEC.md 7.5.
    pub fn after(code: Code) -> Next {
        match code {
            Code::Gap | Code::Stale | Code::FullSetRequired | Code::Recovering => Next::Again,
            Code::Unavailable => Next::Resend,
            Code::WrongPolicy | Code::WrongEpoch | Code::WrongKeyId | Code::WrongPurpose | Code::WrongConsortium => {
                Next::FetchPolicy
            }
            Code::OverBudget => Next::Wait,
            Code::Shrink => Next::DeclareShrink,
            Code::RenewalNotDeclared => Next::Renew,
            Code::Clock => Next::SetClock,
            Code::Malformed | Code::UnknownPartner | Code::BadSignature | Code::NotPermitted | Code::TooLarge => {
                Next::AskCoordinator
            }
        }
    }
}

/// Where a message that a reply is to was found.
enum Found<'a> {
    State(&'a Flight),
    Question(usize),
    Status(&'a Flight),
    Dropped,
}

fn unexpected(finding: &'static str) -> Error {
    Error::UnexpectedReply { finding }
}

fn refuse_older(release: u64, seen: u64) -> Result<(), Error> {
    if release < seen { Err(Error::OlderRelease { release, seen }) } else { Ok(()) }
}

/// The broker's audit log line, as the journal keeps it.
pub(super) fn log_entry((index, leaf): (u64, Digest)) -> LogEntry {
    LogEntry { index, leaf }
}
