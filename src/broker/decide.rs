//! What is decided on a message that was authenticated: steps 5 to 17 of SPEC.md 5.3, and what is kept of it.

use super::accept::{Said, accept};
use super::answer::{Asked, answer};
use super::release::{Due, next_possible};
use super::state::{EpochRow, PartnerRow, State, write_row};
use super::{Broker, InForce, Sender, reply_header, undecodable};
use crate::day::Timestamp;
use crate::error::Error;
use crate::message::{self, Code, Header, Kind, LogEntry, Rejection, Reply, Request, StatusReply, Verified};
use crate::policy::Partner;
use crate::store::{Change, Key};

/// What a message says, tagged.
enum Tagged {
    State(Said),
    Question(Asked),
    Status,
}

/// A message that was authenticated, and when it is looked at.
struct Case<'a> {
    in_force: &'a InForce,
    header: &'a Header,
    partner: &'a Partner,
    sender: &'a Sender,
    now: Timestamp,
}

impl Broker {
    /// The reply to an authenticated message.
    pub(super) fn respond(
        &self,
        in_force: &InForce,
        verified: &Verified<'_>,
        partner: &Partner,
        now: Timestamp,
    ) -> Vec<u8> {
        let header = verified.header();
        let (number, epoch, sequence) = (header.partner, header.epoch, header.sequence);
        let sender = Sender { partner: number, epoch, sequence, digest: verified.digest() };
        let case = Case { in_force, header, partner, sender: &sender, now };
        let reply =
            self.tick(&mut self.state(), in_force.signed.policy(), now).map_err(|error| self.unavailable(error));
        let reply = reply.and_then(|_| {
            // Decoding and tagging is most of the work, and needs nothing that others wait for.
            let tagged = self.read(verified);
            self.decide(&mut self.state(), &case, tagged)
        });
        reply.unwrap_or_else(|rejection| self.sign(&case, &Reply::Rejection(rejection)))
    }

    fn read(&self, verified: &Verified<'_>) -> Result<Tagged, Rejection> {
        let epoch = verified.header().epoch;
        let pepper = || self.keys.pepper(epoch, false).map_err(|error| self.unavailable(error));
        Ok(match verified.request().map_err(|error| undecodable(&error))? {
            Request::Delta(delta) => Tagged::State(Said::delta(&delta, &*pepper()?)),
            Request::FullSet(set) => Tagged::State(Said::full_set(&set, &*pepper()?)),
            Request::Confirm => Tagged::State(Said::Confirm),
            Request::Question(question) => {
                Tagged::Question(Asked::new(question.pseudonyms, question.sweep, &*pepper()?))
            }
            Request::Status(_) => Tagged::Status,
        })
    }

    fn decide(
        &self,
        state: &mut State,
        case: &Case<'_>,
        tagged: Result<Tagged, Rejection>,
    ) -> Result<Vec<u8>, Rejection> {
        let mut row = state.partners.get(&case.sender.partner).cloned().unwrap_or_default();
        row.turn_day(case.now.day());
        if let Some(reply) = case.resend(state, &row)? {
            return Ok(reply);
        }
        let highest = match case.header.kind {
            Kind::Question => Some(&mut row.highest_question),
            kind if kind.is_state() => Some(&mut row.highest_state),
            _ => None,
        };
        let numbered = highest.is_some();
        if let Some(highest) = highest {
            *highest = case.sender.sequence;
        }
        let decided = case.acceptable(&row).and_then(|()| match tagged? {
            Tagged::State(said) => self.accept(state, case, row.clone(), said),
            Tagged::Question(asked) => self.answer(state, case, row.clone(), &asked),
            Tagged::Status => Ok(self.sign(case, &case.status(state, &row))),
        });
        match decided {
            Err(rejection) if numbered && rejection.code != Code::Unavailable => {
                let rows = vec![(Key::Partner(case.sender.partner), Some(write_row(&row)))];
                self.commit(&Change { rows, ..Change::default() })?;
                state.partners.insert(case.sender.partner, row);
                Err(rejection)
            }
            decided => decided,
        }
    }

    fn accept(
        &self,
        state: &mut State,
        case: &Case<'_>,
        mut row: PartnerRow,
        said: Said,
    ) -> Result<Vec<u8>, Rejection> {
        let (policy, sender, now) = (case.in_force.signed.policy(), case.sender, case.now);
        let epoch = state.epochs.get_mut(&sender.epoch).ok_or_else(wrong_epoch)?;
        let step = accept(policy, epoch, &row, sender, said, now)?;
        let receipt = self.sign(case, &Reply::Receipt(step.receipt));
        row.accept(sender, receipt.clone(), step.charge);
        let changed_since = epoch.row.changed_since.or(step.changed.then_some(now));
        let epoch_row = EpochRow { changed_since, ..epoch.row.clone() };
        self.commit(&Change {
            rows: vec![
                (Key::Partner(sender.partner), Some(write_row(&row))),
                (Key::Share(sender.epoch, sender.partner), Some(write_row(&step.share.row))),
                (Key::Epoch(sender.epoch), Some(write_row(&epoch_row))),
            ],
            added: step.batch.into_iter().collect(),
            removed: step.abandoned,
            ..Change::default()
        })?;
        epoch.row = epoch_row;
        epoch.shares.insert(sender.partner, step.share);
        state.partners.insert(sender.partner, row);
        if policy.release.immediate && step.changed {
            let due = Due { as_of: now, full: true };
            self.turn(state, policy, sender.epoch, due, now).map_err(|error| self.unavailable(error))?;
        }
        Ok(receipt)
    }

    fn answer(
        &self,
        state: &mut State,
        case: &Case<'_>,
        mut row: PartnerRow,
        asked: &Asked,
    ) -> Result<Vec<u8>, Rejection> {
        let (policy, sender) = (case.in_force.signed.policy(), case.sender);
        let epoch = state.epochs.get_mut(&sender.epoch).ok_or_else(wrong_epoch)?;
        let (mut answer, charge) = answer(policy, epoch, &row, case.partner, asked)?;
        answer.until = next_possible(policy, case.now);
        let reply = self.sign(case, &Reply::Answer(answer));
        row.answer(sender, epoch.row.release, reply.clone(), &charge);
        self.commit(&Change {
            rows: vec![
                (Key::Partner(sender.partner), Some(write_row(&row))),
                (Key::Share(sender.epoch, sender.partner), Some(write_row(&charge.share))),
            ],
            ..Change::default()
        })?;
        epoch.shares.entry(sender.partner).or_default().row = charge.share;
        state.partners.insert(sender.partner, row);
        Ok(reply)
    }

    fn commit(&self, change: &Change) -> Result<(), Rejection> {
        self.store.commit(change).map_err(|error| self.unavailable(error))
    }

    fn unavailable(&self, error: Error) -> Rejection {
        let _ = self.noted::<()>(Err(error));
        Rejection::new(
            Code::Unavailable,
            0,
            "the broker cannot keep anything now; nothing was done: send the same bytes again later",
        )
    }

    fn sign(&self, case: &Case<'_>, reply: &Reply) -> Vec<u8> {
        let policy = case.in_force.signed.digest();
        let header = reply_header(case.header, policy, reply.kind(), case.sender.digest, case.now);
        message::sign(&header, &reply.encode(), self.keys.signing()).expect("no reply is longer than an answer")
    }
}

impl Case<'_> {
    /// Step 5: the reply to a message that came before; an error for another message of an old number.
    fn resend(&self, state: &State, row: &PartnerRow) -> Result<Option<Vec<u8>>, Rejection> {
        let Sender { sequence, digest, epoch, .. } = *self.sender;
        let (highest, before) = match self.header.kind {
            Kind::Status => return Ok(None),
            Kind::Question => {
                let release = state.epochs.get(&epoch).map(|epoch| epoch.row.release);
                let same = row.answered.as_ref().filter(|answered| {
                    (answered.sequence, answered.digest, answered.epoch) == (sequence, digest, epoch)
                        && Some(answered.release) == release
                });
                (row.highest_question, same.map(|answered| &answered.answer))
            }
            _ => {
                let same = row.accepted.as_ref().filter(|it| (it.sequence, it.digest) == (sequence, digest));
                (row.highest_state, same.map(|accepted| &accepted.receipt))
            }
        };
        if let Some(reply) = before {
            return Ok(Some(reply.clone()));
        }
        if sequence <= highest {
            let free = highest.saturating_add(1);
            let sentence = format!("the number {sequence} was used before; the lowest that is free is {free}");
            return Err(Rejection::new(Code::Stale, free, sentence));
        }
        Ok(None)
    }

    /// Steps 6 to 12.
    fn acceptable(&self, row: &PartnerRow) -> Result<(), Rejection> {
        let (policy, header, today) = (self.in_force.signed.policy(), self.header, self.now.day());
        let refuse = |code, sentence: String| Err(Rejection::new(code, 0, sentence));
        if header.purpose != policy.purpose {
            return refuse(Code::WrongPurpose, format!("the policy's purpose is {}", policy.purpose));
        }
        let Some(epoch) = policy.epoch(header.epoch).filter(|epoch| epoch.is_open(today)) else {
            return refuse(
                Code::WrongEpoch,
                format!("epoch {} is not open on {today}: see the policy's epochs", header.epoch),
            );
        };
        if header.key_id != epoch.key_id {
            return refuse(
                Code::WrongKeyId,
                format!("the key id of epoch {} is {}: the partner holds another secret", epoch.number, epoch.key_id),
            );
        }
        if header.kind != Kind::Status && !self.under_policy() {
            return refuse(
                Code::WrongPolicy,
                format!(
                    "version {} of the policy is in force, with digest {}",
                    policy.version,
                    self.in_force.signed.digest()
                ),
            );
        }
        let may = self.partner.may;
        if (header.kind.is_state() && !may.flag) || (header.kind == Kind::Question && !may.ask) {
            return refuse(Code::NotPermitted, "the roster does not let this partner do this".into());
        }
        let oldest = self.now.0.saturating_sub(u64::from(policy.messages.max_delay_hours) * 3600);
        let latest = self.now.plus(u64::from(policy.messages.max_ahead_minutes) * 60);
        if header.time.0 < oldest || header.time > latest {
            return refuse(
                Code::Clock,
                format!(
                    "the message is of {}, and the broker's clock says {}: set the clock right, or send sooner",
                    header.time, self.now
                ),
            );
        }
        let accepted = row.accepted_state();
        if header.kind.is_state() && header.previous != accepted {
            return Err(Rejection::new(
                Code::Gap,
                accepted,
                format!(
                    "the message follows number {}, but the last one accepted is {accepted}: send a full set",
                    header.previous
                ),
            ));
        }
        Ok(())
    }

    /// Whether the message holds to the policy in force, or may hold to the one before.
    fn under_policy(&self) -> bool {
        let in_force = self.in_force;
        let grace = u64::from(in_force.signed.policy().changes.grace_days) * 86_400;
        let in_grace = self.header.kind.is_state() && self.now.since(in_force.row.adopted) <= grace;
        self.header.policy == in_force.signed.digest()
            || (in_grace && in_force.row.previous == Some(self.header.policy))
    }

    fn status(&self, state: &State, row: &PartnerRow) -> Reply {
        let (policy, sender) = (self.in_force.signed.policy(), self.sender);
        let epoch = state.epochs.get(&sender.epoch);
        let share = epoch
            .and_then(|epoch| epoch.shares.get(&sender.partner))
            .map(|share| share.row.clone())
            .unwrap_or_default();
        let budgets = &policy.budgets;
        Reply::Status(StatusReply {
            log: LogEntry::NONE,
            release: epoch.map_or(0, |epoch| epoch.row.release),
            as_of: epoch.map_or(self.now, |epoch| epoch.row.as_of),
            until: next_possible(policy, self.now),
            accepted_state: row.accepted_state(),
            highest_state: row.highest_state,
            highest_question: row.highest_question,
            held: share.held,
            full_set_required: !share.full_seen,
            new_flags_left: budgets.new_flags_a_day.saturating_sub(row.new_flags),
            asked_left_today: budgets.asked_a_day.saturating_sub(row.asked),
            asked_left_epoch: budgets.asked_an_epoch.saturating_sub(share.asked),
            swept_left_today: budgets.swept_a_day.saturating_sub(row.swept),
            checkpoint: Vec::new(),
            consistency: Vec::new(),
        })
    }
}

fn wrong_epoch() -> Rejection {
    Rejection::new(Code::WrongEpoch, 0, "the epoch is not open: see the policy's epochs")
}
