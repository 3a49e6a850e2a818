//! Carries a message through the broker: who sent it, what is decided, what is kept of that, and the reply.

use super::accept::TaggedFlags;
use super::answer::TaggedQuestion;
use super::clock::{Clock, Moment};
use super::decide::{
    Decision, Snapshot, TaggedRequest, Verdict, decide, refuse_in_doubt, refuse_perhaps_suspended, wrong_epoch,
};
use super::incoming::{Incoming, PolicyInForce, authenticate, reply_header, undecodable, unverified_header};
use super::meet::{MeetRequest, TaggedRows, oldest_named};
use super::rows::{PartnerRow, write_row};
use super::schedule::{Due, next_possible};
use super::state::BrokerState;
use super::transaction::Transaction;
use super::{Broker, BrokerError};
use crate::audit::{Event, Line};
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::message::{
    self, Code, Kind, LogEntry, Receipt, Rejection, Reply, Request, StatusReply, StatusRequest, Verified,
};
use crate::store::{Key, Staged, StoreError};

/// Optimistic concurrency: a message is decided on a snapshot, and the decision is applied only if the snapshot still
/// holds.
enum Attempt {
    /// The reply, with the code if it rejects.
    Done(Vec<u8>, Option<Code>),
    /// The policy or the day changed, or a release began or ended in between. Nothing was applied: decide again.
    Conflict,
}

/// A message's request, once its pseudonyms are tagged. That is most of the work, so that it is kept for the next
/// attempt.
type Tagged = Option<Result<TaggedRequest, Rejection>>;

impl Broker {
    /// Takes a message, and gives the reply to carry back.
    ///
    /// `clock` says the broker's time. While that is in doubt (SPEC.md 5.7), withdrawals are accepted, and questions
    /// and all that adds flags are rejected as `unavailable`. Whatever the bytes, there is a reply; one that was not
    /// accepted is a rejection with a code and a sentence. What was accepted, and its line in the log, is kept before
    /// this returns. Where the policy names another signing key than the broker's, nothing is accepted (`unavailable`),
    /// and no partner can verify the reply: see [`BrokerStatus::last_fault`](super::BrokerStatus::last_fault).
    ///
    /// Empty bytes are no reply, and nothing is to be carried back: nobody knows whether what the message says was
    /// kept ([`StoreError::OutcomeUnknown`]). Then the broker must be opened again, and the same bytes get their reply.
    pub fn handle(&self, message: &[u8], clock: impl Into<Clock>) -> Vec<u8> {
        let reply = self.reply_to(message, clock.into());
        self.settle();
        reply
    }

    fn reply_to(&self, message: &[u8], clock: Clock) -> Vec<u8> {
        let mut moment = self.read_clock(clock);
        let mut tagged = None;
        loop {
            let Moment { now, in_doubt, is_unconfirmed, certain } = moment;
            let in_force = self.in_force();
            if in_force.policy().operator.verifying_key != self.keys.verifying_key() {
                return self.reject_unverifiably(&in_force, message, now);
            }
            match authenticate(&in_force, message, moment) {
                Ok((verified, sender)) => {
                    let incoming = Incoming {
                        in_force: &in_force,
                        header: verified.header(),
                        sender: &sender,
                        digest: verified.digest(),
                        threads: &self.threads,
                        now,
                        in_doubt,
                        is_unconfirmed,
                        certain,
                    };
                    self.attested.note(incoming.sender, incoming.header.time);
                    match self.attempt(&incoming, &verified, &mut tagged) {
                        Ok(Attempt::Done(reply, code)) => {
                            code.into_iter().for_each(|code| self.rejections.count(code));
                            return reply;
                        }
                        Ok(Attempt::Conflict) => {
                            // A rejection may rest on what changed.
                            tagged.take_if(|request| request.is_err());
                            moment = self.database.inspect(|state| moment.after_wait(state));
                        }
                        Err(error @ BrokerError::Store(StoreError::OutcomeUnknown { .. })) => {
                            self.note_fault(&error);
                            // A rejection would say that nothing was done.
                            return Vec::new();
                        }
                        Err(error) => {
                            self.note_fault(&error);
                            self.rejections.count(Code::Unavailable);
                            return self.reject_unlogged(&incoming, unkept());
                        }
                    }
                }
                Err(unauthenticated) => {
                    let (header, rejection) = *unauthenticated;
                    self.rejections.count_unauthenticated(rejection.code);
                    if let Some(event) = self.unauthenticated.count(now, rejection.code) {
                        self.log_unauthenticated(&in_force, event, now);
                    }
                    let digest = Digest::of(&[message]);
                    let header = reply_header(&header, in_force.digest(), Kind::Rejection, digest, now);
                    return message::unsigned_rejection(&header, &rejection).unwrap_or_default();
                }
            }
        }
    }

    /// Decides one message and applies the decision.
    ///
    /// The expensive steps (tagging the pseudonyms, looking them up, writing a large batch ahead) run outside a
    /// transaction, so that other partners' messages do not wait for them.
    fn attempt(
        &self,
        incoming: &Incoming<'_>,
        verified: &Verified<'_>,
        tagged: &mut Tagged,
    ) -> Result<Attempt, BrokerError> {
        if let Some(rejection) = refuse_perhaps_suspended(incoming) {
            return Ok(self.unlogged(incoming, rejection));
        }
        let is_status = incoming.header.kind == Kind::Status;
        let kind = incoming.header.kind;
        if kind.is_state() || kind.is_talk() || is_status {
            // These wait for a release without the lock, so that their organisation's questions go on: a state message
            // because it changes what is released, a status request because the day's checkpoint is signed after it,
            // and what comes after a hit because it changes who is introduced with the release.
            drop(self.database.begin_after_release()?);
        }
        let _lock = self.organisation_locks.lock(&incoming.sender.entry.organisation);

        let transaction = self.database.begin()?;
        if !self.is_in_force(incoming.in_force) {
            return Ok(Attempt::Conflict);
        }
        let Some(incoming) = &incoming.at_latest(&transaction) else { return Ok(Attempt::Conflict) };
        let transaction = match incoming.in_doubt {
            // A crash may have come between the turn of a day and its checkpoint, which partners look for.
            true if is_status => {
                self.upkeep(incoming.in_force, incoming.now, incoming.certain).sign_day(transaction)?
            }
            true => transaction,
            false => self.upkeep(incoming.in_force, incoming.now, incoming.certain).catch_up(transaction)?.0,
        };
        if is_status && !incoming.in_doubt && transaction.log.row.day < incoming.now.day() {
            // Another thread is making the release that this day begins with.
            return Ok(Attempt::Conflict);
        }
        let snapshot = Snapshot::of(&transaction, incoming);
        drop(transaction);

        let mut decision = match snapshot.earlier_reply(incoming) {
            // It was kept before it was first sent, so that it can be sent again even where nothing can be kept now.
            Ok(Some(reply)) => return Ok(Attempt::Done(reply, None)),
            Ok(None) => {
                let request = match tagged {
                    Some(request) => request,
                    None => tagged.insert(self.tag(verified)?),
                };
                if let Some(rejection) = incoming.in_doubt.then(|| refuse_in_doubt(request)).flatten() {
                    return Ok(self.unlogged(incoming, rejection));
                }
                decide(incoming, &snapshot, request)
            }
            Err(rejection) if rejection.code == Code::Unavailable => {
                return Ok(self.unlogged(incoming, rejection));
            }
            Err(rejection) => {
                let mut transaction = self.database.begin()?;
                let now = transaction.not_before_latest(incoming.now);
                let (state, change) = transaction.change();
                state.log.count_replayed(change, now);
                transaction.commit()?;
                return Ok(self.unlogged(incoming, rejection));
            }
        };
        let staged = decision.batch().map(|batch| self.database.store().stage(batch)).transpose()?;

        let mut transaction = self.database.begin()?;
        let Some(incoming) = &incoming.at_latest(&transaction) else { return Ok(Attempt::Conflict) };
        if !self.still_holds(&snapshot, &transaction, incoming) {
            return Ok(Attempt::Conflict);
        }
        if let Ok(Verdict::Status(request)) = &decision.verdict {
            self.look_at_receipt(&mut transaction, incoming, &mut decision.partner, &request.receipt)?;
        }
        let code = decision.verdict.as_ref().err().map(|rejection| rejection.code);
        let reply = self.apply(&mut transaction, incoming, decision, staged)?;
        transaction.commit()?;
        self.watch.was_kept();
        Ok(Attempt::Done(reply, code))
    }

    /// Whether a decision on a snapshot can be applied: the policy and the epoch's release are the same, and no release
    /// is being made that would take the place of what a state message changes, or rest on what was put forward.
    fn still_holds(&self, snapshot: &Snapshot, transaction: &Transaction<'_>, incoming: &Incoming<'_>) -> bool {
        let kind = incoming.header.kind;
        let is_overwritten = (kind.is_state() || kind.is_talk()) && transaction.is_release_in_progress();
        self.is_in_force(incoming.in_force) && !is_overwritten && snapshot.is_current(transaction, incoming)
    }

    /// The message's request with tags in the place of pseudonyms, or the rejection of a body that does not decode.
    fn tag(&self, verified: &Verified<'_>) -> Result<Result<TaggedRequest, Rejection>, StoreError> {
        let request = match verified.request() {
            Ok(request) => request,
            Err(error) => return Ok(Err(undecodable(&error))),
        };
        let Some(pepper) = self.keys.pepper(verified.header().epoch) else { return Ok(Err(wrong_epoch())) };
        let threads = &self.threads;
        Ok(Ok(match request {
            Request::Delta(delta) => TaggedRequest::State(TaggedFlags::delta(&delta, &pepper, threads)),
            Request::FullSet(set) => TaggedRequest::State(TaggedFlags::full_set(&set, &pepper, threads)),
            Request::Confirm => TaggedRequest::State(TaggedFlags::Confirm),
            Request::Question(question) => {
                TaggedRequest::Question(TaggedQuestion::new(question.pseudonyms, question.sweep, &pepper, threads))
            }
            Request::Status(mut status) => {
                self.retain_own(&mut status.lines, verified.header().partner)?;
                TaggedRequest::Status(status)
            }
            Request::PutForward(said) => {
                TaggedRequest::Meet(MeetRequest::PutForward(TaggedRows::new(&said, &pepper, threads)))
            }
            Request::Exchange(exchange) => TaggedRequest::Meet(MeetRequest::Exchange(exchange)),
            Request::Totals => TaggedRequest::Meet(MeetRequest::Totals),
            Request::Year(year) => TaggedRequest::Meet(MeetRequest::Year(year)),
        }))
    }

    /// Keeps of the numbers of lines those of lines on messages of `partner`. Nobody is told anything of another's, nor
    /// of one that was pruned, since nothing says any more whose it was.
    fn retain_own(&self, lines: &mut Vec<u64>, partner: u16) -> Result<(), StoreError> {
        let mut own = Vec::new();
        for index in lines.iter().copied().filter(|index| *index < u64::MAX) {
            for (_, line) in self.database.store().lines(index..index + 1)? {
                let event = Line::parse(&line).ok().map(|line| line.event);
                if matches!(event, Some(Event::Message { partner: of, .. }) if of == partner) {
                    own.push(index);
                }
            }
        }
        *lines = own;
        Ok(())
    }

    /// Does what was decided, and gives the reply.
    fn apply(
        &self,
        transaction: &mut Transaction<'_>,
        incoming: &Incoming<'_>,
        decision: Decision,
        staged: Option<Staged>,
    ) -> Result<Vec<u8>, BrokerError> {
        let policy = incoming.policy();
        let (partner, epoch) = (incoming.header.partner, incoming.header.epoch);
        let is_release_in_progress = transaction.is_release_in_progress();
        let mut row = decision.partner;
        let mut release_now = false;
        let log = transaction.record(incoming.now, incoming.in_force.digest(), decision.event)?;
        let (state, change) = transaction.change();
        change.added.extend(staged);
        let mut spent = decision.organisation;
        if decision.verdict.is_ok() {
            state.keep_spent(spent.clone(), change);
        }
        let reply = match decision.verdict {
            Ok(Verdict::Accept(acceptance)) => {
                let receipt = self.sign(incoming, &Reply::Receipt(Receipt { log, ..acceptance.receipt }));
                row.accept(incoming, receipt.clone());
                if let Some(open) = state.epochs.get_mut(&epoch) {
                    change.rows.push((Key::Share(epoch, partner), Some(write_row(&acceptance.account.row))));
                    change.removed.extend(acceptance.removed);
                    open.accounts.insert(partner, acceptance.account);
                    state.count_removed(acceptance.removed_rows, change);
                }
                release_now = policy.release.immediate && acceptance.changed && !incoming.in_doubt;
                receipt
            }
            Ok(Verdict::Answer(mut answer, account)) => {
                answer.log = log;
                // A release that is being made may be in force before the answer is read.
                answer.until = if is_release_in_progress { incoming.now } else { next_possible(policy, incoming.now) };
                let release = answer.release;
                let stacked = answer.standings.iter().filter(|standing| **standing > 1).count() as u64;
                state.log.count(change, epoch, stacked, answer.standings.len() as u64);
                let reply = self.sign(incoming, &Reply::Answer(answer));
                row.answer(incoming, release, reply.clone());
                if let Some(open) = state.epochs.get_mut(&epoch) {
                    change.rows.push((Key::Share(epoch, partner), Some(write_row(&account))));
                    open.accounts.entry(partner).or_default().row = account;
                }
                reply
            }
            Ok(Verdict::Status(request)) => {
                let reply = self.sign(incoming, &Reply::Status(status(incoming, state, &row, log, &request)));
                row.status = Some(incoming.replied(reply.clone()));
                reply
            }
            Ok(Verdict::Meet(verdict)) => {
                let reply = state.apply_meet(incoming, verdict, (log, &mut spent), change);
                state.keep_spent(spent, change);
                // It goes with the first epoch to close of those whose subjects it names.
                let sealed_in = oldest_named(&reply).map_or(epoch, |named| named.min(epoch));
                let reply = self.sign(incoming, &reply);
                state.meet.keep_last(partner, sealed_in, incoming.replied(reply.clone()), change);
                reply
            }
            Err(rejection) => self.sign(incoming, &Reply::Rejection(Rejection { log, ..rejection })),
        };
        change.rows.push((Key::Partner(partner), Some(write_row(&row))));
        state.partners.insert(partner, row);
        if release_now {
            // A change of its own, because the release may remove the batch that this one adds.
            transaction.submit()?;
            let due = Due { as_of: incoming.now, full: true, considered: incoming.now };
            self.upkeep(incoming.in_force, incoming.now, incoming.certain).release_now(transaction, epoch, due)?;
        }
        Ok(reply)
    }

    fn sign(&self, incoming: &Incoming<'_>, reply: &Reply) -> Vec<u8> {
        let policy = incoming.in_force.digest();
        let header = reply_header(incoming.header, policy, reply.kind(), incoming.digest, incoming.now);
        let signed = reply.encode().and_then(|body| message::sign(&header, &body, self.keys.signing()));
        signed.expect("no reply is longer than an answer")
    }

    /// The time to go by. Whatever is wrong with it, a withdrawal is not to wait for a person.
    pub(super) fn read_clock(&self, clock: Clock) -> Moment {
        self.watch.tell(clock.now);
        let certain = self.certain(clock);
        let (judged, latest, is_unconfirmed) = self
            .database
            .inspect(|state| (clock.judge(state), state.latest_moment(), state.silence_at(clock.now).is_some()));
        match judged {
            Ok(now) => {
                self.watch.clock_is_right();
                Moment { now, in_doubt: false, is_unconfirmed, certain }
            }
            Err(doubt) => {
                self.note_fault(&doubt);
                Moment { now: latest, in_doubt: true, is_unconfirmed, certain }
            }
        }
    }

    /// The reply where nothing is done: no number is used, and no line is logged.
    fn reject_unlogged(&self, incoming: &Incoming<'_>, rejection: Rejection) -> Vec<u8> {
        self.sign(incoming, &Reply::Rejection(self.without_line(rejection)))
    }

    fn unlogged(&self, incoming: &Incoming<'_>, rejection: Rejection) -> Attempt {
        let code = rejection.code;
        Attempt::Done(self.reject_unlogged(incoming, rejection), Some(code))
    }

    /// A rejection that is not logged: it names the last restore, as every signed reply does.
    fn without_line(&self, rejection: Rejection) -> Rejection {
        let restored = self.database.inspect(|state| state.log.restored);
        Rejection { log: LogEntry { restored, ..LogEntry::NONE }, ..rejection }
    }

    /// The reply where the policy names another key than the one that signs it. Nothing is accepted, because no partner
    /// could verify the receipt.
    fn reject_unverifiably(&self, in_force: &PolicyInForce, message: &[u8], now: Timestamp) -> Vec<u8> {
        self.rejections.count_unauthenticated(Code::Unavailable);
        let header = unverified_header(in_force.policy(), message, now);
        let header = reply_header(&header, in_force.digest(), Kind::Rejection, Digest::of(&[message]), now);
        let sentence =
            "the broker has other keys than the policy names; nothing was done: send the same bytes again later";
        let rejection = Reply::Rejection(self.without_line(Rejection::new(Code::Unavailable, 0, sentence)));
        let signed = rejection.encode().and_then(|body| message::sign(&header, &body, self.keys.signing()));
        signed.unwrap_or_default()
    }

    fn log_unauthenticated(&self, in_force: &PolicyInForce, event: Event, now: Timestamp) {
        let logged = self.database.begin().and_then(|mut transaction| {
            transaction.record(now, in_force.digest(), event)?;
            transaction.commit()
        });
        if let Err(error) = logged {
            self.note_fault(&error.into());
        }
    }
}

/// The rejection where the store fails.
fn unkept() -> Rejection {
    let sentence = "the broker cannot keep anything now; nothing was done: send the same bytes again later";
    Rejection::new(Code::Unavailable, 0, sentence)
}

/// A program may handle a message and end, so that what is counted of unauthenticated messages is logged here, and the
/// status written.
impl Drop for Broker {
    fn drop(&mut self) {
        if let Some((last, event)) = self.unauthenticated.take_rest() {
            self.log_unauthenticated(&self.in_force(), event, last);
        }
        // Whoever panics may hold what the status is read from.
        if !std::thread::panicking() {
            self.write_status();
        }
    }
}

/// The reply to a status request.
fn status(
    incoming: &Incoming<'_>,
    state: &BrokerState,
    row: &PartnerRow,
    log: LogEntry,
    request: &StatusRequest,
) -> StatusReply {
    let epoch = state.epochs.get(&incoming.header.epoch);
    let account = epoch.and_then(|epoch| epoch.accounts.get(&incoming.header.partner));
    let account = account.map(|account| account.row.clone()).unwrap_or_default();
    let name = state.log.name(incoming.policy());
    let (checkpoint, consistency, lines) = state.log.show(&name, request.tree_size, &request.lines);
    let budgets = &incoming.policy().budgets;
    let organisation = (&incoming.sender.entry.organisation, incoming.header.partner);
    let budget = state.budget(incoming.policy(), organisation, incoming.header.epoch, incoming.now.day());
    let spent = &budget.spent;
    StatusReply {
        log,
        release: epoch.map_or(0, |epoch| epoch.row.release),
        as_of: epoch.map_or(incoming.now, |epoch| epoch.row.as_of),
        until: next_possible(incoming.policy(), incoming.now),
        accepted_state: row.accepted_state(),
        highest_state: row.highest_state,
        highest_question: row.highest_question,
        held: account.held,
        full_set_required: !account.has_set(),
        new_flags_left: budgets.new_flags_a_day.saturating_sub(spent.new_flags),
        first_sets_left: budget.left_to_carry,
        held_left: budgets.flags_held.saturating_sub(budget.held_by_others.saturating_add(account.held)),
        asked_left_today: budgets.asked_a_day.saturating_sub(spent.asked),
        asked_left_epoch: budgets.asked_an_epoch.saturating_sub(spent.asked_in(incoming.header.epoch)),
        swept_left_today: budgets.swept_a_day.saturating_sub(spent.swept),
        status_left_today: budgets.status_a_day.saturating_sub(spent.status),
        checkpoint,
        consistency,
        lines,
    }
}
