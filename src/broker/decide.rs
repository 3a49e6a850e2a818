//! Decides on a message whose sender is authenticated: steps 5 to 17 of SPEC.md 5.3.
//!
//! Nothing here touches the disk or the broker's state: a message and a [`Snapshot`] go in, a [`Decision`] comes out.

use super::accept::{Acceptance, TaggedFlags, accept};
use super::answer::{TaggedQuestion, answer};
use super::budgets::{Budget, Cost};
use super::incoming::Incoming;
use super::meet::{MeetRequest, MeetSnapshot, MeetVerdict, decide_meet, is_permitted, not_permitted};
use super::rows::{OrganisationRow, PartnerRow, Replied, ShareRow};
use super::state::{BrokerState, OpenEpoch};
use crate::audit::{Event, Outcome, Subject};
use crate::day::Timestamp;
use crate::message::{Answer, Code, Kind, LONGEST_LEAP, Rejection, StatusRequest};
use crate::policy::{self, Statement};
use crate::store::Batch;

/// What the broker knows that decides one partner's message.
///
/// It is taken in a transaction and used without one. While the organisation's lock is held, only a release, a new
/// policy or a re-reading after a failure changes what it holds: see [`Snapshot::is_current`].
pub(super) struct Snapshot {
    partner: PartnerRow,
    budget: Budget,
    /// The epoch that the message names, with the sender's account alone; `None` where that epoch is not open.
    epoch: Option<OpenEpoch>,
    /// When the store was last restored from a copy.
    restored: Option<Timestamp>,
    /// The epoch that answers questions.
    answering: Option<u32>,
    /// Of a message of what comes after a hit, what decides it beside all this.
    meet: MeetSnapshot,
}

/// What a message asks of the broker, with tags in the place of pseudonyms.
pub(super) enum TaggedRequest {
    State(TaggedFlags),
    Question(TaggedQuestion),
    /// The lines to be proven are the sender's own.
    Status(StatusRequest),
    Meet(MeetRequest),
}

/// What is to be done with a message. Nothing of it is done yet.
pub(super) struct Decision {
    /// The sender's row, in which the message's number is used up.
    pub(super) partner: PartnerRow,
    /// What its organisation spent, this message included.
    pub(super) organisation: OrganisationRow,
    /// The message's line in the log.
    pub(super) event: Event,
    pub(super) verdict: Result<Verdict, Rejection>,
}

/// What an accepted message does.
pub(super) enum Verdict {
    Accept(Box<Acceptance>),
    Answer(Answer, ShareRow),
    Status(StatusRequest),
    Meet(MeetVerdict),
}

/// Decides on a message that is neither a resend nor of an old number: see [`Snapshot::earlier_reply`].
pub(super) fn decide(
    incoming: &Incoming<'_>,
    snapshot: &Snapshot,
    request: &Result<TaggedRequest, Rejection>,
) -> Decision {
    let mut partner = snapshot.partner.clone();
    match incoming.header.kind {
        Kind::Status => partner.highest_status = incoming.header.sequence,
        Kind::Question => partner.highest_question = incoming.header.sequence,
        kind if kind.is_talk() => partner.highest_talk = incoming.header.sequence,
        _ => partner.highest_state = incoming.header.sequence,
    }
    let mut organisation = snapshot.budget.spent.clone();
    let verdict = verdict(incoming, snapshot, request).map(|(verdict, cost)| {
        organisation.spend(incoming.header.epoch, &cost);
        if let Verdict::Meet(verdict) = &verdict {
            verdict.count(incoming.now.day(), &mut partner.sent_today);
        }
        verdict
    });
    Decision { partner, organisation, event: event(incoming, request.as_ref().ok(), &verdict), verdict }
}

fn verdict(
    incoming: &Incoming<'_>,
    snapshot: &Snapshot,
    request: &Result<TaggedRequest, Rejection>,
) -> Result<(Verdict, Cost), Rejection> {
    let only_withdraws = matches!(request, Ok(TaggedRequest::State(flags)) if flags.only_withdraws());
    // Of a clock that nobody confirmed after a silence nobody knows whether it is wrong, and a withdrawal needs none.
    let is_time_judged = !(incoming.in_doubt || incoming.is_unconfirmed && only_withdraws);
    let epoch = acceptable(incoming, snapshot, is_time_judged)?;
    let budget = &snapshot.budget;
    match request.as_ref().map_err(Rejection::clone)? {
        TaggedRequest::State(flags) => {
            let acceptance = accept(incoming, epoch, &snapshot.partner, budget, flags)?;
            let cost = acceptance.cost;
            Ok((Verdict::Accept(Box::new(acceptance)), cost))
        }
        TaggedRequest::Question(question) => {
            let (answer, row, cost) = answer(incoming, epoch, &budget.spent, question)?;
            Ok((Verdict::Answer(answer, row), cost))
        }
        TaggedRequest::Meet(request) => {
            if matches!(request, MeetRequest::PutForward(said) if said.count() > 0) {
                refuse_other_epoch(incoming.header.epoch, snapshot.answering)?;
            }
            let known = (&snapshot.meet, &budget.spent);
            let (verdict, cost) =
                decide_meet(incoming, (epoch, snapshot.restored), known, snapshot.partner.sent_today, request)?;
            Ok((Verdict::Meet(verdict), cost))
        }
        TaggedRequest::Status(request) => {
            let status_a_day = incoming.policy().budgets.status_a_day;
            if budget.spent.status >= status_a_day {
                let sentence =
                    format!("the {status_a_day} status requests of today were answered; ask again tomorrow (UTC)");
                return Err(Rejection::new(Code::OverBudget, 0, sentence));
            }
            Ok((Verdict::Status(request.clone()), Cost { status: 1, ..Cost::default() }))
        }
    }
}

impl Snapshot {
    pub(super) fn of(state: &BrokerState, incoming: &Incoming<'_>) -> Snapshot {
        let sender = incoming.header.partner;
        let partner = state.partners.get(&sender).cloned().unwrap_or_default();
        let organisation = (&incoming.sender.entry.organisation, sender);
        let budget = state.budget(incoming.policy(), organisation, incoming.header.epoch, incoming.now.day());
        let epoch = state.epochs.get(&incoming.header.epoch).map(|epoch| epoch.with_account_of(sender));
        let meet = match incoming.header.kind.is_talk() {
            true => MeetSnapshot::of(state, incoming),
            false => MeetSnapshot::default(),
        };
        let (restored, answering) = (state.restored(), state.answering(incoming.policy()));
        Snapshot { partner, budget, epoch, restored, answering, meet }
    }

    /// Whether the epoch's release is still the one that the snapshot was taken in, and the same epoch answers; and, of
    /// what comes after a hit, whether no turn of the day has been decided since.
    pub(super) fn is_current(&self, state: &BrokerState, incoming: &Incoming<'_>) -> bool {
        if incoming.header.kind.is_talk() && self.meet.turned != state.meet.turned {
            return false;
        }
        state.release(incoming.header.epoch) == self.release() && state.answering(incoming.policy()) == self.answering
    }

    /// Steps 5 and 6: the reply to the same message that came before; or the rejection of one for another purpose, in
    /// an epoch that is not open, or of a number that is not free. That uses up no number, so that it can be had again
    /// and again; and so a key that was replaced, but not yet in an epoch to come, uses up none of its partner's.
    pub(super) fn earlier_reply(&self, incoming: &Incoming<'_>) -> Result<Option<Vec<u8>>, Rejection> {
        let header = incoming.header;
        // A partner may use one key for two purposes.
        let purpose = &incoming.policy().purpose;
        if header.purpose != *purpose {
            let sentence = format!("the policy's purpose is {purpose}: check where the message is sent");
            return Err(Rejection::new(Code::WrongPurpose, 0, sentence));
        }
        // What was replied before a restore is not true any more, and not kept.
        let is_same = |before: &&Replied| {
            before.sequence == header.sequence && before.digest == incoming.digest && !before.reply.is_empty()
        };
        let replied = |before: &Option<Replied>| before.as_ref().filter(is_same).map(|before| before.reply.clone());
        let (highest, before) = match header.kind {
            Kind::Status => (self.partner.highest_status, replied(&self.partner.status)),
            Kind::Question => {
                let same = self.partner.answered.as_ref().filter(|answered| {
                    answered.sequence == header.sequence
                        && answered.digest == incoming.digest
                        && answered.epoch == header.epoch
                        && Some(answered.release) == self.release()
                });
                (self.partner.highest_question, same.map(|answered| answered.answer.clone()))
            }
            kind if kind.is_talk() => (self.partner.highest_talk, replied(&self.meet.last)),
            _ => (self.partner.highest_state, replied(&self.partner.accepted)),
        };
        // A partner whose keys do not hold is told nothing again.
        if before.is_some() && refuse_uncertified(incoming).is_ok() {
            return Ok(before);
        }
        self.open(incoming)?;
        let sequence = header.sequence;
        let free = highest.saturating_add(1);
        if sequence > highest.saturating_add(LONGEST_LEAP) {
            let sentence = format!("the number {sequence} is too far above the lowest that is free, {free}");
            return Err(Rejection::new(Code::Stale, free, sentence));
        }
        if sequence <= highest {
            let sentence = format!("the number {sequence} was used before; the lowest that is free is {free}");
            return Err(Rejection::new(Code::Stale, free, sentence));
        }
        Ok(None)
    }

    /// The epoch that the message names, as the policy lists it and as the broker has it.
    fn open<'a>(&'a self, incoming: &Incoming<'a>) -> Result<(&'a policy::Epoch, &'a OpenEpoch), Rejection> {
        let (epoch, today) = (incoming.header.epoch, incoming.now.day());
        let refuse = |sentence: String| Err(Rejection::new(Code::WrongEpoch, 0, sentence));
        let organisation = &incoming.sender.entry.organisation;
        // An epoch whose keys were destroyed is not opened again, whatever the policy says.
        let listed = incoming.policy().epoch(epoch).filter(|epoch| epoch.is_open(today));
        match listed.zip(self.epoch.as_ref()) {
            // It may be one that could not be opened.
            None if incoming.in_doubt => Err(in_doubt()),
            None => refuse(format!("epoch {epoch} is not open on {today}: see the policy's epochs")),
            Some(_) if !incoming.policy().takes_part(organisation, epoch) => refuse(format!(
                "'{organisation}' takes part from a later epoch on than {epoch}: see its first_epoch in the policy"
            )),
            Some(open) => Ok(open),
        }
    }

    fn release(&self) -> Option<u64> {
        self.epoch.as_ref().map(|epoch| epoch.row.release)
    }

    /// Whether a restored broker waits for the partner's full set, in an epoch that was open when it was restored. It
    /// also waits where the copy knows nothing of the partner or of the epoch, because then more was lost.
    fn recovering(&self, partner: u16, epoch: &policy::Epoch) -> bool {
        let account = self.epoch.as_ref().and_then(|epoch| epoch.accounts.get(&partner));
        let lost = self.restored.is_some_and(|restored| epoch.opens <= restored.day());
        lost && account.is_none_or(|account| !account.row.delivered)
    }
}

impl Decision {
    /// The batch that an accepted message adds to the store.
    pub(super) fn batch(&self) -> Option<&Batch> {
        match &self.verdict {
            Ok(Verdict::Accept(acceptance)) => acceptance.batch.as_ref(),
            _ => None,
        }
    }
}

/// The rejection of what cannot be decided on while the broker's clock is in doubt.
///
/// A question could be told of what has ended, and the days of a flag that is added come from the clock. A delta that
/// only withdraws needs no clock, and a status request gives the numbers that it needs.
pub(super) fn refuse_in_doubt(request: &Result<TaggedRequest, Rejection>) -> Option<Rejection> {
    let goes_on = match request {
        Ok(TaggedRequest::State(flags)) => flags.only_withdraws(),
        Ok(TaggedRequest::Status { .. }) => true,
        Ok(TaggedRequest::Question(_) | TaggedRequest::Meet(_)) | Err(_) => false,
    };
    (!goes_on).then(in_doubt)
}

fn in_doubt() -> Rejection {
    let sentence = "the broker's clock is in doubt, so that it only accepts deltas that do nothing but withdraw; \
                    nothing was done: send the same bytes again later";
    Rejection::new(Code::Unavailable, 0, sentence)
}

/// The rejection of all that a partner sends while nobody knows whether its suspension has begun: the clock is in
/// doubt, and stands on a day before the first.
pub(super) fn refuse_perhaps_suspended(incoming: &Incoming<'_>) -> Option<Rejection> {
    let Statement { partner, keys, first_day, .. } = incoming.sender.statement.as_ref()?;
    let sentence = format!(
        "the broker's clock is in doubt, and partner {partner} is suspended from {first_day} on; nothing was done: \
         send the same bytes again later"
    );
    let is_unknown = keys.is_none() && *first_day > incoming.now.day();
    is_unknown.then(|| Rejection::new(Code::Unavailable, 0, sentence))
}

/// After step 6: whether the sender is suspended, or has no certificate that holds in an epoch that is open.
fn refuse_uncertified(incoming: &Incoming<'_>) -> Result<(), Rejection> {
    let (partner, epoch, today) = (incoming.header.partner, incoming.header.epoch, incoming.now.day());
    let is_open = incoming.policy().epoch(epoch).is_some_and(|epoch| epoch.is_open(today));
    let finding = match &incoming.sender.statement {
        Some(Statement { keys: None, first_day, serial, .. }) => {
            format!("partner {partner} is suspended in epoch {epoch} since {first_day}, by serial {serial}")
        }
        Some(statement) if is_open && today > statement.last_day => {
            format!("the certificate of partner {partner} in epoch {epoch} has ended on {}", statement.last_day)
        }
        None if is_open => format!("partner {partner} has no certificate in epoch {epoch}"),
        _ => return Ok(()),
    };
    let remedy = "ask whoever keeps your organisation's policy key for one, above any serial before it";
    Err(Rejection::new(Code::NotCertified, 0, format!("{finding}: {remedy}")))
}

/// The rejection of a message in an epoch that is not open, found before its body is decoded.
pub(super) fn wrong_epoch() -> Rejection {
    Rejection::new(Code::WrongEpoch, 0, "the epoch is not open: see the policy's epochs")
}

/// Steps 7 to 12; the epoch that the message names.
fn acceptable<'a>(
    incoming: &Incoming<'a>,
    snapshot: &'a Snapshot,
    is_time_judged: bool,
) -> Result<&'a OpenEpoch, Rejection> {
    refuse_uncertified(incoming)?;
    let policy = incoming.policy();
    let header = incoming.header;
    let refuse = |code, sentence: String| Err(Rejection::new(code, 0, sentence));
    let (listed, epoch) = snapshot.open(incoming)?;
    if header.key_id != listed.key_id {
        let sentence =
            format!("the key id of epoch {} is {}: the partner holds another secret", listed.number, listed.key_id);
        return refuse(Code::WrongKeyId, sentence);
    }
    if header.kind != Kind::Status && !is_under_policy(incoming) {
        let digest = incoming.in_force.digest();
        let sentence = format!("version {} of the policy is in force, with digest {digest}", policy.version);
        return refuse(Code::WrongPolicy, sentence);
    }
    let may = incoming.sender.entry.may;
    if (header.kind.is_state() && !may.flag) || (header.kind == Kind::Question && !may.ask) {
        return refuse(Code::NotPermitted, "the roster does not let this partner do this".into());
    }
    let is_refused = header.kind.is_talk() && !is_permitted(incoming);
    if is_refused || header.kind == Kind::Question && policy.counting.answers.is_some() {
        return Err(not_permitted(policy));
    }
    let oldest = incoming.now.0.saturating_sub(u64::from(policy.messages.max_delay_hours) * 3600);
    let latest = incoming.now.plus(u64::from(policy.messages.max_ahead_minutes) * 60);
    if is_time_judged && (header.time.0 < oldest || header.time > latest) {
        let mut sentence = format!(
            "the message is of {}, and the broker's clock says {}: set the clock right, or send sooner",
            header.time, incoming.now
        );
        if incoming.is_unconfirmed {
            sentence += ". Nobody has confirmed the broker's clock since days without a release: if yours is right, \
                         tell the operator";
        }
        return refuse(Code::Clock, sentence);
    }
    continues_series(incoming, snapshot, listed)?;
    if matches!(header.kind, Kind::Question | Kind::TotalsRequest) {
        is_answering(header.epoch, snapshot.answering)?;
    }
    Ok(epoch)
}

/// Of rows: a person agrees to be told of in the epoch that answers, and where that is another one nobody is introduced
/// by them. Where none answers yet they wait for that.
fn refuse_other_epoch(epoch: u32, answering: Option<u32>) -> Result<(), Rejection> {
    let Some(number) = answering.filter(|number| *number != epoch) else { return Ok(()) };
    let sentence =
        format!("epoch {number} answers now: put forward in that one what people agree to put forward there");
    Err(Rejection::new(Code::OtherEpoch, number.into(), sentence))
}

/// Step 12, of a question: one epoch answers at a time, so that nobody compares what two of them show.
fn is_answering(epoch: u32, answering: Option<u32>) -> Result<(), Rejection> {
    match answering {
        Some(number) if number == epoch => Ok(()),
        Some(number) => {
            let sentence = format!("epoch {number} answers now: ask in that one");
            Err(Rejection::new(Code::OtherEpoch, number.into(), sentence))
        }
        None => {
            let sentence = "no epoch answers yet, because not all organisations that may flag have delivered: \
                            ask again after the next release";
            Err(Rejection::new(Code::NotYetAnswering, 0, sentence))
        }
    }
}

/// Step 12: a state message follows the last one that was accepted. A partner that a restored broker waits for sends a
/// full set first. That set must be made after the restore, because an older one could bring back what was withdrawn.
/// So must every question, because an older one may have been answered and charged in what was lost.
fn continues_series(incoming: &Incoming<'_>, snapshot: &Snapshot, epoch: &policy::Epoch) -> Result<(), Rejection> {
    let header = incoming.header;
    let refuse = |sentence: String| Err(Rejection::new(Code::Recovering, 0, sentence));
    // A partner that may not flag has no full set to send.
    let is_recovering = incoming.sender.entry.may.flag && snapshot.recovering(header.partner, epoch);
    let must_be_new =
        header.kind == Kind::Question || header.kind.is_talk() || (is_recovering && header.kind == Kind::FullSet);
    if let Some(restored) = snapshot.restored.filter(|restored| must_be_new && header.time < *restored) {
        let time = header.time;
        return refuse(format!("the broker was restored at {restored}, and this message is of {time}: make it anew"));
    }
    if is_recovering && !matches!(header.kind, Kind::FullSet | Kind::Status) {
        return refuse(
            "the broker was restored from a copy: \
             send all your flags as a full set, then it counts and answers you again"
                .into(),
        );
    }
    let accepted = snapshot.partner.accepted_state();
    if header.kind.is_state() && header.previous != accepted {
        let sentence = format!(
            "the message follows number {}, but the last one accepted is {accepted}: send a full set",
            header.previous
        );
        return Err(Rejection::new(Code::Gap, accepted, sentence));
    }
    Ok(())
}

/// Whether the message names the policy in force, or may still name the one before.
fn is_under_policy(incoming: &Incoming<'_>) -> bool {
    let in_force = incoming.in_force;
    let grace = u64::from(in_force.policy().changes.grace_days) * 86_400;
    let is_in_grace = incoming.header.kind.is_state() && incoming.now.since(in_force.row.adopted) <= grace;
    incoming.header.policy == in_force.digest()
        || (is_in_grace && in_force.row.previous == Some(incoming.header.policy))
}

/// The line of the log for a message; `request` is `None` where its body was not decoded.
fn event(incoming: &Incoming<'_>, request: Option<&TaggedRequest>, verdict: &Result<Verdict, Rejection>) -> Event {
    let renewed = match verdict {
        Ok(Verdict::Accept(acceptance)) => acceptance.renewed,
        _ => 0,
    };
    let subject = match (incoming.header.kind, request) {
        (Kind::Delta, _) => Subject::Delta { renewed },
        (Kind::FullSet, _) => Subject::FullSet { renewed },
        (Kind::Confirm, _) => Subject::Confirm,
        (Kind::Question, Some(TaggedRequest::Question(TaggedQuestion { sweep: Some(reason), .. }))) => {
            Subject::Sweep { reason: reason.clone() }
        }
        (Kind::Question, _) => Subject::Question,
        (Kind::PutForward, _) => Subject::PutForward,
        (Kind::Exchange, _) => Subject::Exchange,
        (Kind::TotalsRequest, _) => Subject::Totals,
        (Kind::Year, _) => Subject::Year,
        _ => Subject::Status,
    };
    let count = match request {
        Some(TaggedRequest::State(flags)) => flags.count(),
        Some(TaggedRequest::Question(question)) => question.count(),
        Some(TaggedRequest::Meet(request)) => request.count(),
        _ => 0,
    };
    let outcome = match verdict {
        Ok(_) => Outcome::Accepted,
        Err(rejection) => Outcome::Rejected(rejection.code),
    };
    Event::Message {
        partner: incoming.header.partner,
        epoch: incoming.header.epoch,
        subject,
        message: incoming.digest,
        journal: incoming.header.context,
        count,
        outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificates::Certificates;
    use super::super::incoming::{PolicyInForce, Sender};
    use super::super::rows::{EpochRow, PolicyRow};
    use super::*;
    use crate::digest::Digest;
    use crate::message::{FullSet, Group, Header, Part, Terms, VERSION};
    use crate::policy::sample;
    use crate::pseudonym::Pseudonym;
    use crate::secret::Key32;
    use crate::slug::Slug;
    use crate::tag::Pepper;
    use crate::threads::Threads;

    /// 2026-12-01T12:00:00Z, the first day of the sample.
    const NOW: Timestamp = Timestamp(1_796_126_400);

    fn in_force() -> PolicyInForce {
        let signed = sample::signed();
        let row = PolicyRow { version: 1, digest: signed.digest(), previous: None, adopted: NOW, announced: None };
        PolicyInForce { signed, row, certificates: Certificates::default() }
    }

    /// The header of a message that nothing is wrong with.
    fn header(kind: Kind) -> Header {
        let signed = sample::signed();
        Header {
            version: VERSION,
            kind,
            consortium: signed.policy().consortium.clone(),
            purpose: signed.policy().purpose.clone(),
            epoch: 1,
            key_id: signed.policy().epochs[0].key_id,
            partner: 1,
            sequence: 1,
            previous: 0,
            time: NOW,
            policy: signed.digest(),
            context: Digest::NONE,
            body_length: 0,
        }
    }

    /// What a broker knows of a partner that has sent nothing.
    fn snapshot() -> Snapshot {
        let row = EpochRow { release: 1, as_of: NOW, considered: NOW, fresh: 0, waits_since: None };
        Snapshot {
            partner: PartnerRow::default(),
            budget: Budget {
                spent: OrganisationRow::new("politie".parse().unwrap()),
                held_by_others: 0,
                left_to_carry: 5_000,
            },
            epoch: Some(OpenEpoch::new(row)),
            restored: None,
            answering: Some(1),
            meet: MeetSnapshot::default(),
        }
    }

    fn full_set() -> Result<TaggedRequest, Rejection> {
        let pseudonyms = [1, 2].map(|number| Pseudonym::danger_from_remote_source([number; 16]));
        let today = NOW.day();
        let terms = Terms { last_day: today.plus(30), first_day: today, renewal: None, house_number: false };
        let flagged = vec![Group { terms, pseudonyms: &pseudonyms }];
        let set = FullSet { shrink: false, part: Part { number: 1, of: 1 }, flagged };
        let pepper = Pepper::new(&Key32::from_bytes([7; 32]));
        Ok(TaggedRequest::State(TaggedFlags::full_set(&set, &pepper, &Threads::default())))
    }

    fn with_incoming<T>(header: &Header, run: impl FnOnce(&Incoming<'_>) -> T) -> T {
        let in_force = in_force();
        let entry = in_force.policy().partner(1).unwrap().clone();
        let statement = Some(sample::certificates(in_force.policy())[0].claimed().clone());
        let sender = Sender { entry, statement };
        let (digest, threads) = (Digest::of(&[b"the message"]), Threads::default());
        let incoming = Incoming {
            in_force: &in_force,
            header,
            sender: &sender,
            digest,
            threads: &threads,
            now: NOW,
            in_doubt: false,
            is_unconfirmed: false,
            certain: NOW.day(),
        };
        run(&incoming)
    }

    fn code(header: &Header, snapshot: &Snapshot) -> &'static str {
        with_incoming(header, |incoming| match decide(incoming, snapshot, &full_set()).verdict {
            Ok(_) => "ok",
            Err(rejection) => rejection.code.as_str(),
        })
    }

    #[test]
    fn a_full_set_is_accepted_without_a_disk_or_a_broker() {
        let snapshot = snapshot();
        let decision = with_incoming(&header(Kind::FullSet), |incoming| decide(incoming, &snapshot, &full_set()));
        assert_eq!(decision.batch().unwrap().rows.len(), 2);
        let Ok(Verdict::Accept(acceptance)) = decision.verdict else { panic!("it was not accepted") };
        assert_eq!((acceptance.receipt.added, acceptance.account.row.held), (2, 2));
        assert_eq!((decision.partner.highest_state, decision.partner.highest_question), (1, 0));
        assert!(matches!(decision.event, Event::Message { count: 2, outcome: Outcome::Accepted, .. }));
        // The snapshot is as it was, so that the message can be decided again.
        assert_eq!(snapshot.partner.highest_state, 0);
        assert!(snapshot.epoch.unwrap().accounts.is_empty());
    }

    #[test]
    fn what_is_wrong_with_a_message_is_found_in_the_order_of_the_specification() {
        let mut header = header(Kind::FullSet);
        let mut snapshot = snapshot();
        header.epoch = 9;
        header.key_id.0[0] ^= 1;
        header.policy = Digest::NONE;
        header.time = NOW.plus(365 * 86_400);
        header.previous = 5;
        assert_eq!(code(&header, &snapshot), "wrong_epoch");
        header.epoch = 1;
        assert_eq!(code(&header, &snapshot), "wrong_key_id");
        header.key_id.0[0] ^= 1;
        assert_eq!(code(&header, &snapshot), "wrong_policy");
        header.policy = sample::signed().digest();
        assert_eq!(code(&header, &snapshot), "clock");
        header.time = NOW;
        assert_eq!(code(&header, &snapshot), "gap");
        // A restored broker waits for a full set that was made since, and that follows nothing.
        snapshot.restored = Some(NOW);
        assert_eq!(code(&header, &snapshot), "gap");
        header.previous = 0;
        assert_eq!(code(&header, &snapshot), "ok");
        header.time = Timestamp(NOW.0 - 1);
        assert_eq!(code(&header, &snapshot), "recovering");
        header.time = NOW;
        header.kind = Kind::Delta;
        assert_eq!(code(&header, &snapshot), "recovering");
        // An epoch that the policy lists is not open where its keys were destroyed.
        snapshot.epoch = None;
        assert_eq!(code(&header, &snapshot), "wrong_epoch");
    }

    #[test]
    fn a_resend_gets_its_earlier_reply_and_uses_up_no_number() {
        let earlier = |header: &Header, snapshot: &Snapshot| {
            let reply = with_incoming(header, |incoming| snapshot.earlier_reply(incoming));
            reply.map_err(|rejection| (rejection.code.as_str(), rejection.number))
        };
        let mut header = header(Kind::FullSet);
        let mut snapshot = snapshot();
        assert_eq!(earlier(&header, &snapshot), Ok(None));
        snapshot.partner.highest_state = 3;
        assert_eq!(earlier(&header, &snapshot), Err(("stale", 4)));
        let digest = Digest::of(&[b"the message"]);
        snapshot.partner.accepted = Some(Replied { sequence: 1, digest, reply: b"the receipt".to_vec() });
        assert_eq!(earlier(&header, &snapshot), Ok(Some(b"the receipt".to_vec())));
        header.sequence = 4 + LONGEST_LEAP;
        assert_eq!(earlier(&header, &snapshot), Err(("stale", 4)));
        header.purpose = "another-purpose".parse::<Slug>().unwrap();
        assert_eq!(earlier(&header, &snapshot).unwrap_err().0, "wrong_purpose");
    }
}
