//! What is decided on a message that was authenticated: steps 5 to 17 of SPEC.md 5.3, and what is kept of it.
//!
//! The work is done on a copy of what it needs, so that others do not wait for it; the state is changed in one go with what
//! is put in line for the disk; and the reply leaves when that is kept.

use super::accept::{Said, Step, accept};
use super::answer::{Asked, Charge, answer};
use super::release::{Due, next_possible};
use super::rows::{PartnerRow, write_row};
use super::state::{Epoch, State};
use super::{Broker, InForce, Sender, reply_header, undecodable};
use crate::audit::{Event, Outcome, Subject};
use crate::day::Timestamp;
use crate::error::Error;
use crate::message::{self, Answer, Code, Header, Kind, LogEntry, Rejection, Reply, Request, StatusReply, Verified};
use crate::policy::{self, RosterEntry};
use crate::store::{Change, Key, Staged, Ticket};
use crate::threads::Threads;

/// So far above the highest that was used a number may be.
const LONGEST_LEAP: u64 = 1 << 32;

/// What a message says, tagged.
enum Tagged {
    State(Said),
    Question(Asked),
    Status { tree_size: u64 },
}

/// A message that was authenticated, and when it is looked at.
pub(super) struct Case<'a> {
    pub(super) in_force: &'a InForce,
    pub(super) header: &'a Header,
    pub(super) partner: &'a RosterEntry,
    pub(super) sender: &'a Sender,
    pub(super) threads: &'a Threads,
    pub(super) now: Timestamp,
}

/// What a message is decided on. It is still true while the epoch's release is the same: all else is the partner's own.
struct Basis {
    row: PartnerRow,
    /// The epoch, with the partner's share alone.
    epoch: Option<Epoch>,
    /// When the store was put back from a copy, if it was.
    restored: Option<Timestamp>,
}

/// What was decided, and nothing of it done yet.
enum Decision {
    /// The same bytes as before.
    Again(Vec<u8>),
    State(Box<Step>),
    Answer(Answer, Charge),
    Status {
        tree_size: u64,
    },
}

/// What became of a message.
pub(super) enum Settled {
    Reply(Vec<u8>),
    /// The policy changed meanwhile, or a release began: it is to be looked at anew.
    Overtaken,
}

impl Broker {
    /// The reply to an authenticated message.
    pub(super) fn respond(&self, case: &Case<'_>, verified: &Verified<'_>) -> Settled {
        let settled = || {
            if case.header.kind.is_state() {
                // It waits before it takes its partner's turn, so that the partner's questions need not.
                drop(self.state_at_rest()?);
            }
            let _turn = self.turns.take(case.sender.partner);
            self.settle(case, verified)
        };
        settled().unwrap_or_else(|error| {
            let _ = self.noted::<()>(Err(error));
            let sentence = "the broker cannot keep anything now; nothing was done: send the same bytes again later";
            Settled::Reply(self.sign(case, &Reply::Rejection(Rejection::new(Code::Unavailable, 0, sentence))))
        })
    }

    fn settle(&self, case: &Case<'_>, verified: &Verified<'_>) -> Result<Settled, Error> {
        let mut basis = {
            let state = self.state()?;
            if self.is_overtaken(&state, case) {
                return Ok(Settled::Overtaken);
            }
            let (state, _) = self.tick(state, case.in_force, case.now)?;
            Basis::of(&state, case)
        };
        // Tagging is most of the work: not for what was seen before.
        let tagged = match case.is_new(&basis) {
            true => self.read(verified)?,
            false => Err(Rejection::new(Code::Stale, 0, "")),
        };
        loop {
            let mut row = basis.row.clone();
            let decision = case.decide(&basis, &mut row, &tagged);
            let staged = match &decision {
                Ok(Decision::State(step)) => step.batch.as_ref().map(|batch| self.store.stage(batch)).transpose()?,
                _ => None,
            };
            let mut state = self.state()?;
            if self.is_overtaken(&state, case) {
                return Ok(Settled::Overtaken);
            }
            if state.release(case.sender.epoch) != basis.release() {
                basis = Basis::of(&state, case);
                continue;
            }
            let (reply, ticket) = self.conclude(&mut state, case, row, decision, staged, &tagged)?;
            drop(state);
            self.wait(ticket)?;
            return Ok(Settled::Reply(reply));
        }
    }

    /// Whether a message is to be looked at anew: while a release is made, what partners hold stays as it is.
    fn is_overtaken(&self, state: &State, case: &Case<'_>) -> bool {
        !self.is_in_force(case.in_force) || (case.header.kind.is_state() && state.releasing.is_some())
    }

    fn read(&self, verified: &Verified<'_>) -> Result<Result<Tagged, Rejection>, Error> {
        let epoch = verified.header().epoch;
        let request = match verified.request() {
            Ok(request) => request,
            Err(error) => return Ok(Err(undecodable(&error))),
        };
        // An epoch without a pepper is not open, which is found before the body is looked at.
        let Some(pepper) = self.keys.drawn_pepper(epoch)? else {
            return Ok(Err(wrong_epoch()));
        };
        Ok(Ok(match request {
            Request::Delta(delta) => Tagged::State(Said::delta(&delta, &pepper, &self.threads)),
            Request::FullSet(set) => Tagged::State(Said::full_set(&set, &pepper, &self.threads)),
            Request::Confirm => Tagged::State(Said::Confirm),
            Request::Question(question) => {
                Tagged::Question(Asked::new(question.pseudonyms, question.sweep, &pepper, &self.threads))
            }
            Request::Status(status) => Tagged::Status { tree_size: status.tree_size },
        }))
    }

    /// Does what was decided: in memory at once, and in line for the disk.
    fn conclude(
        &self,
        state: &mut State,
        case: &Case<'_>,
        mut row: PartnerRow,
        decision: Result<Decision, Rejection>,
        staged: Option<Staged>,
        tagged: &Result<Tagged, Rejection>,
    ) -> Result<(Vec<u8>, Ticket), Error> {
        let (policy, sender) = (case.in_force.signed.policy(), case.sender);
        if let Ok(Decision::Again(reply)) = decision {
            // It was kept before it left the first time, and nobody else has this partner's turn: so it can be said again also
            // where nothing can be kept.
            return Ok((reply, Ticket::kept()));
        }
        let mut change = Change { staged: staged.into_iter().collect(), ..Change::default() };
        let event = case.event(&decision, tagged);
        let log = state.journal.append(&mut change, case.now, case.in_force.signed.digest(), event)?;
        let mut immediate = false;
        let reply = match decision {
            Ok(Decision::Again(reply)) => reply,
            Ok(Decision::State(step)) => {
                let receipt = self.sign(case, &Reply::Receipt(message::Receipt { log, ..step.receipt }));
                row.accept(sender, receipt.clone(), step.charge);
                if let Some(epoch) = state.epochs.get_mut(&sender.epoch) {
                    change.rows.push((Key::Share(sender.epoch, sender.partner), Some(write_row(&step.share.row))));
                    change.removed = step.abandoned;
                    epoch.shares.insert(sender.partner, step.share);
                    state.gone(step.gone_rows, &mut change);
                }
                immediate = policy.release.immediate && step.changed;
                receipt
            }
            Ok(Decision::Answer(mut answer, charge)) => {
                answer.log = log;
                // While a release is made, it may be in force before the answer is read.
                answer.until = if state.releasing.is_some() { case.now } else { next_possible(policy, case.now) };
                let (release, all) = (answer.release, answer.standings.len() as u64);
                let stacked = answer.standings.iter().filter(|standing| **standing > 1).count() as u64;
                let reply = self.sign(case, &Reply::Answer(answer));
                row.answer(sender, release, reply.clone(), &charge);
                if let Some(epoch) = state.epochs.get_mut(&sender.epoch) {
                    change.rows.push((Key::Share(sender.epoch, sender.partner), Some(write_row(&charge.share))));
                    epoch.shares.entry(sender.partner).or_default().row = charge.share;
                }
                state.journal.count(&mut change, sender.epoch, stacked, all);
                reply
            }
            Ok(Decision::Status { tree_size }) => self.sign(case, &case.status(state, &row, log, tree_size)),
            Err(rejection) => self.sign(case, &Reply::Rejection(Rejection { log, ..rejection })),
        };
        if case.header.kind != Kind::Status {
            change.rows.push((Key::Partner(sender.partner), Some(write_row(&row))));
            state.partners.insert(sender.partner, row);
        }
        let mut ticket = self.submit(state, &change)?;
        if immediate {
            let due = Due { as_of: case.now, full: true, looked: case.now };
            let mut change = Change::default();
            self.turn(state, case.in_force, sender.epoch, due, case.now, &mut change)?;
            ticket = self.submit(state, &change)?;
        }
        Ok((reply, ticket))
    }

    fn sign(&self, case: &Case<'_>, reply: &Reply) -> Vec<u8> {
        let policy = case.in_force.signed.digest();
        let header = reply_header(case.header, policy, reply.kind(), case.sender.digest, case.now);
        message::sign(&header, &reply.encode(), self.keys.signing()).expect("no reply is longer than an answer")
    }
}

impl Basis {
    fn of(state: &State, case: &Case<'_>) -> Basis {
        let partner = case.sender.partner;
        let mut row = state.partners.get(&partner).cloned().unwrap_or_default();
        row.turn_day(case.now.day());
        let epoch = state.epochs.get(&case.sender.epoch).map(|epoch| epoch.with_share_of(partner));
        Basis { row, epoch, restored: state.restored }
    }

    fn release(&self) -> Option<u64> {
        self.epoch.as_ref().map(|epoch| epoch.row.release)
    }
}

impl Case<'_> {
    /// Decides, on what `basis` says; `row` is the partner's, and takes note of the number that is used up.
    fn decide(
        &self,
        basis: &Basis,
        row: &mut PartnerRow,
        tagged: &Result<Tagged, Rejection>,
    ) -> Result<Decision, Rejection> {
        self.for_this_purpose()?;
        if let Some(reply) = self.resend(basis)? {
            return Ok(Decision::Again(reply));
        }
        match self.header.kind {
            Kind::Status => {}
            Kind::Question => row.highest_question = self.sender.sequence,
            _ => row.highest_state = self.sender.sequence,
        }
        self.acceptable(basis)?;
        let policy = self.in_force.signed.policy();
        let epoch = || basis.epoch.as_ref().ok_or_else(wrong_epoch);
        match tagged {
            Err(rejection) => Err(rejection.clone()),
            Ok(Tagged::State(said)) => {
                self.continues(basis, said)?;
                accept(policy, epoch()?, row, self.sender, said, self.now).map(|step| Decision::State(Box::new(step)))
            }
            Ok(Tagged::Question(asked)) => {
                let (answer, charge) = answer(policy, epoch()?, row, self.partner, asked, self.threads)?;
                Ok(Decision::Answer(answer, charge))
            }
            Ok(Tagged::Status { tree_size }) => Ok(Decision::Status { tree_size: *tree_size }),
        }
    }

    /// Whether it is neither a resend nor of an old number, as far as `basis` says.
    fn is_new(&self, basis: &Basis) -> bool {
        self.for_this_purpose().is_ok() && matches!(self.resend(basis), Ok(None))
    }

    /// Step 5: a partner may use one key for two purposes; a message for the other uses up no number here.
    fn for_this_purpose(&self) -> Result<(), Rejection> {
        let purpose = &self.in_force.signed.policy().purpose;
        if self.header.purpose == *purpose {
            return Ok(());
        }
        Err(Rejection::new(
            Code::WrongPurpose,
            0,
            format!("the policy's purpose is {purpose}: check where the message is sent"),
        ))
    }

    /// Step 6: the reply to a message that came before; an error for another message of an old number.
    fn resend(&self, basis: &Basis) -> Result<Option<Vec<u8>>, Rejection> {
        let (Sender { sequence, digest, epoch, .. }, row) = (*self.sender, &basis.row);
        let (highest, before) = match self.header.kind {
            Kind::Status => return Ok(None),
            Kind::Question => {
                let same = row.answered.as_ref().filter(|answered| {
                    (answered.sequence, answered.digest, answered.epoch) == (sequence, digest, epoch)
                        && Some(answered.release) == basis.release()
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
        let free = highest.saturating_add(1);
        if sequence > highest.saturating_add(LONGEST_LEAP) {
            // Nobody is to use up all the numbers that there are with one message.
            let sentence = format!("the number {sequence} is too far above the lowest that is free, {free}");
            return Err(Rejection::new(Code::Stale, free, sentence));
        }
        if sequence <= highest {
            let sentence = format!("the number {sequence} was used before; the lowest that is free is {free}");
            return Err(Rejection::new(Code::Stale, free, sentence));
        }
        Ok(None)
    }

    /// Steps 7 to 12.
    fn acceptable(&self, basis: &Basis) -> Result<(), Rejection> {
        let (policy, header, today) = (self.in_force.signed.policy(), self.header, self.now.day());
        let refuse = |code, sentence: String| Err(Rejection::new(code, 0, sentence));
        // One whose keys were destroyed is not opened again, whatever the policy says.
        let is_open = |epoch: &&policy::Epoch| epoch.is_open(today) && basis.epoch.is_some();
        let Some(epoch) = policy.epoch(header.epoch).filter(is_open) else {
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
        // Who may not flag has nothing to send before it is answered.
        let recovering = may.flag && basis.recovering(self.sender.partner, epoch);
        if recovering && !matches!(header.kind, Kind::FullSet | Kind::Status) {
            return refuse(
                Code::Recovering,
                "the broker was restored from a copy: send all your flags as a full set, then it counts and answers you again"
                    .into(),
            );
        }
        let older = basis.restored.filter(|restored| header.kind == Kind::FullSet && header.time < *restored);
        if let Some(restored) = older.filter(|_| recovering) {
            return refuse(
                Code::Recovering,
                format!("the broker was restored at {restored}, and this full set is of {}: make it anew", header.time),
            );
        }
        let accepted = basis.row.accepted_state();
        // What a restored broker last accepted is of an older time, and says nothing of the partner's series.
        if header.kind.is_state() && header.previous != accepted && !recovering {
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

    /// Step 14: a later part of a full set follows the part before it, also where the first may follow anything (5.10).
    fn continues(&self, basis: &Basis, said: &Said) -> Result<(), Rejection> {
        let accepted = basis.row.accepted_state();
        if said.is_later_part() && self.header.previous != accepted {
            let sentence = "this part of a full set does not follow the part before it: send the set again from part 1";
            return Err(Rejection::new(Code::Gap, accepted, sentence));
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

    /// The line of the log for what was decided.
    fn event(&self, decision: &Result<Decision, Rejection>, tagged: &Result<Tagged, Rejection>) -> Event {
        let renewed = match decision {
            Ok(Decision::State(step)) => step.renewed,
            _ => 0,
        };
        let subject = match (self.header.kind, tagged) {
            (Kind::Delta, _) => Subject::Delta { renewed },
            (Kind::FullSet, _) => Subject::FullSet { renewed },
            (Kind::Confirm, _) => Subject::Confirm,
            (Kind::Question, Ok(Tagged::Question(Asked { sweep: Some(reason), .. }))) => {
                Subject::Sweep { reason: reason.clone() }
            }
            (Kind::Question, _) => Subject::Question,
            _ => Subject::Status,
        };
        let count = match tagged {
            Ok(Tagged::State(said)) => said.count(),
            Ok(Tagged::Question(asked)) => asked.count(),
            _ => 0,
        };
        let outcome = match decision {
            Ok(_) => Outcome::Accepted,
            Err(rejection) => Outcome::Rejected(rejection.code),
        };
        Event::Message {
            partner: self.sender.partner,
            epoch: self.sender.epoch,
            subject,
            message: self.sender.digest,
            journal: self.header.context,
            count,
            outcome,
        }
    }

    fn status(&self, state: &State, row: &PartnerRow, log: LogEntry, tree_size: u64) -> Reply {
        let (policy, sender) = (self.in_force.signed.policy(), self.sender);
        let epoch = state.epochs.get(&sender.epoch);
        let share = epoch
            .and_then(|epoch| epoch.shares.get(&sender.partner))
            .map(|share| share.row.clone())
            .unwrap_or_default();
        let (checkpoint, consistency) = state.journal.continuing(tree_size);
        let budgets = &policy.budgets;
        Reply::Status(StatusReply {
            log,
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
            checkpoint,
            consistency,
        })
    }
}

impl Basis {
    /// Whether the partner's full set is waited for because the store was put back, in an epoch that was open by then. So also where
    /// the copy knows nothing of the partner or of the epoch: then more was lost, not less.
    fn recovering(&self, partner: u16, epoch: &policy::Epoch) -> bool {
        let share = self.epoch.as_ref().and_then(|epoch| epoch.shares.get(&partner));
        let lost = self.restored.is_some_and(|restored| epoch.opens <= restored.day());
        share.is_some_and(|share| share.row.recovering) || (lost && share.is_none_or(|share| !share.row.full_seen))
    }
}

fn wrong_epoch() -> Rejection {
    Rejection::new(Code::WrongEpoch, 0, "the epoch is not open: see the policy's epochs")
}
