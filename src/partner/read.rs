//! Reading the broker's replies.

use std::collections::{BTreeMap, HashMap};

use super::error::PartnerError;
use super::given::Texts;
use super::log::Complaint;
use super::member::Member;
use super::record::{AnswerHead, JournalEvent, ReplyRecord, Series, StatusRecord};
use super::sent::{End, MessageHead, PastMessage};
use super::state::OpenQuestion;
use super::talk::Posted;
use super::talk::record::TalkEvent;
use super::{Case, Partner};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{
    Answer, Code, Header, Kept, Kind, LogEntry, Receipt, Rejection, Reply, Role, Standing, StatusReply, Totals,
    Unverified,
};

/// What is wrong with a reply whose message is not known.
const NOT_IN_FLIGHT: &str = "it is to a message that is not in flight here";
/// So old that the folder no longer knows it, or sent from a newer copy of the folder.
const NOT_KNOWN: &str = "it is to a message that this folder does not know, or knows no longer";
const SETTLED: &str = "the message is no longer waited for: another reply to it was read, or it was given up";

/// What the broker said, which may be that it did not accept the message. [`Partner::carry`] makes an error of that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it may say that the broker did not accept the message"]
#[non_exhaustive]
pub enum Received {
    /// It accepted a state message.
    Receipt(Receipt),
    /// It answered a question.
    Answer(Answered),
    /// It keeps what is put forward, or the report of a year.
    Kept(Kept),
    /// What waited at it of what comes after a hit.
    Posted(Posted),
    /// How many of the organisation's flags are stacked.
    Totals(Totals),
    /// Where the partner stands.
    Status {
        /// What the broker said. Its numbers are taken over, whatever is wrong with its log: without them a partner
        /// that lost its folder, or a broker that was restored, would be stuck.
        status: StatusReply,
        /// What is wrong with the log that it shows; or else the first of [`Partner::complaints`], so that none is
        /// overlooked until somebody took its evidence away.
        complaint: Option<Complaint>,
    },
    /// It did not accept a message.
    Rejection {
        /// Why.
        rejection: Rejection,
        /// What to do.
        next: Next,
    },
    /// It did not accept a message that the partner no longer waited for, such as one that followed another that was
    /// not accepted. Nothing changed.
    Late(Rejection),
    /// Somebody, perhaps the broker, says that a message was not accepted, and could not sign that. Nothing changed: if
    /// it is true, the message, the roster or the carrier needs a look; if it is not, the right reply is still to come.
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
    /// How many organisations may flag.
    pub organisations: u16,
    /// How many of them were fresh at that release: where it is few, "below threshold" may be "nobody delivers".
    pub fresh: u16,
    /// The line of the broker's audit log.
    pub log: LogEntry,
    /// The addresses in the order in which they were asked, each with its standing.
    pub rows: Vec<(AddressKey, Standing)>,
    /// The addresses as they were written in the question.
    typed: Texts,
}

/// What to do after a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Next {
    /// Deliver or ask again: what was wrong is put right in the next message. Where the epoch that answers is one in
    /// which the organisation takes no part yet, ask again once its own answers.
    Again,
    /// Send the same bytes again later.
    Resend,
    /// Fetch the policy in force, adopt it, and deliver or ask again.
    FetchPolicy,
    /// Deliver again, which says as much as is left of the budgets and the rest later, or ask about less. A day's
    /// budgets are new at 00:00 UTC, an epoch's with the next epoch; of `flags_held` there is more when flags were
    /// withdrawn. Where no epoch answers yet, ask again after the next release.
    Wait,
    /// See whether the set is complete, and say that its shrinking is meant.
    DeclareShrink,
    /// Look at the flags again, and renew those that are still right.
    Renew,
    /// Withdraw flags that cannot be renewed any more, or give them an earlier last valid day; flag them again only on
    /// a new observation.
    End,
    /// Set this side's clock right if it is wrong; else the message came too late: deliver or ask again, and send it
    /// sooner.
    SetClock,
    /// Ask the coordinator: this software and the broker, or this partner and the roster, do not agree. Where the
    /// partner is not certified, ask whoever keeps its organisation's policy key.
    AskCoordinator,
}

impl Partner {
    /// Reads a reply of the broker: checks that it is the broker's, and that it is to a message in flight; then does
    /// what it says.
    ///
    /// A receipt or an answer that was read before is given again, from the journal, and changes nothing: so what it
    /// said is not lost with a program that ended between reading it and acting on it.
    ///
    /// A status reply's checkpoint takes the place of the one kept where it continues it. Where it does not, where a
    /// reply names a line of the log that cannot be that of its message, where a line is not proven, or where the
    /// broker forgot what it had said and does not say that it was restored, that is no error, but a [`Complaint`]
    /// beside what else the reply says ([`Partner::complaints`]): all that shows it is written to files in the folder
    /// before anything else of the reply is taken over.
    ///
    /// # Errors
    ///
    /// Nothing changes by any of them. [`MessageError::Malformed`](crate::message::MessageError::Malformed),
    /// [`MessageError::TooLarge`](crate::message::MessageError::TooLarge);
    /// [`MessageError::BadSignature`](crate::message::MessageError::BadSignature) for another broker's;
    /// [`PartnerError::UnexpectedReply`] for one to another message, or an answer to a question that was given up;
    /// [`SystemError::Io`](crate::SystemError::Io), [`PartnerError::JournalDamaged`].
    pub fn read(&mut self, bytes: &[u8], now: Timestamp) -> Result<Received, PartnerError> {
        let unverified = Unverified::parse(bytes, Role::Broker)?;
        if let Some(rejection) = unverified.danger_unsigned_rejection() {
            return Ok(Received::Hint(rejection));
        }
        let now = self.data.at(now)?;
        let policy = self.member.policy();
        let verified = unverified.verify(&policy.operator.verifying_key)?;
        let header = verified.header();
        if header.consortium != policy.consortium || header.purpose != policy.purpose {
            return Err(unexpected("it is of another consortium or purpose"));
        }
        if header.partner != self.member.number {
            return Err(unexpected("it is for another partner"));
        }
        let reply = verified.reply()?;
        let (state, today) = (self.data.state(), now.day());
        let Some(sent) = state.messages().find(|message| message.head.digest == header.context) else {
            return self.read_late(header, reply, bytes, now);
        };
        let message = &sent.head;
        message.refuse_unfit(header, &reply, &self.member.policy)?;
        let (epoch, number) = (message.epoch, message.sequence);
        let (record, findings) = self.look_at_line(message, header, &reply, bytes);
        // What is left of the day's budget of new flags, where the reply says it.
        let mut new_flags = None;
        // How many flags a full set may have, where it does.
        let mut full_set = None;
        // Whether a message of what comes after a hit is stale, or keeps the next from being sent.
        let (mut is_stale, mut ends_run) = (false, false);
        let told_before = state.after_hit.news.len();
        let (event, mut received) = match (Series::of(message.kind), reply) {
            (Series::State, Reply::Receipt(receipt)) => {
                new_flags = self.new_flags_after(&receipt, epoch, today);
                (accepted(message, &receipt, record), Received::Receipt(receipt))
            }
            (Series::Question, Reply::Answer(answer)) => {
                let question = state.questions.iter().find(|question| question.message.head.digest == message.digest);
                let question = question.ok_or(unexpected(NOT_IN_FLIGHT))?;
                answered(&self.member, question, header.policy, answer, record)?
            }
            (Series::Status, Reply::Status(status)) => {
                let asked = sent.asked_lines(&self.member.key.verifying_key());
                if status.lines.iter().any(|line| asked.binary_search(&line.index).is_err()) {
                    return Err(unexpected("it proves lines of the log that were not asked for"));
                }
                let days = (header.time.day(), message.time.day());
                let (checkpoint, proven, complaint) = self.watch_log(bytes, &status, &asked, days, today)?;
                new_flags = Some(status.new_flags_left);
                let left = status.new_flags_left.saturating_add(status.first_sets_left).min(status.held_left);
                // If the broker holds some flags we cannot tell which, so no limit follows.
                full_set = Some(left).filter(|_| status.full_set_required && status.held == 0);
                let event = JournalEvent::Status(StatusRecord {
                    epoch,
                    number,
                    release: status.release,
                    accepted: status.accepted_state,
                    highest_state: status.highest_state,
                    highest_question: status.highest_question,
                    full_set: status.full_set_required,
                    checkpoint,
                    proven,
                    reply: record,
                });
                (event, Received::Status { status, complaint })
            }
            (Series::Talk, Reply::Kept(kept)) => (self.check_kept(sent, &kept, record)?, Received::Kept(kept)),
            (Series::Talk, Reply::Post(post)) => {
                let checked = self.check_post(sent, &post, today, record)?;
                let mut posted = checked.posted;
                posted.complaint = self.complain_of_post(checked.findings, bytes)?;
                (checked.event, Received::Posted(posted))
            }
            (Series::Talk, Reply::Totals(totals)) => {
                let event = TalkEvent::Totals { number, reply: record };
                (JournalEvent::Talk(event), Received::Totals(totals))
            }
            (series, Reply::Rejection(rejection)) => {
                is_stale = series == Series::Talk && rejection.code == Code::Stale;
                let goes_on = matches!(rejection.code, Code::Stale | Code::OverBudget)
                    || rejection.code == Code::OtherEpoch && sent.head.kind == Kind::PutForward;
                ends_run = series == Series::Talk && !goes_on;
                let (code, detail) = (rejection.code as u8, rejection.number);
                let next = Next::after(rejection.code);
                let event = JournalEvent::Rejected { series, epoch, number, code, detail, reply: record };
                (event, Received::Rejection { rejection, next })
            }
            _ => return Err(unexpected(NOT_IN_FLIGHT)),
        };
        let complained = self.complain_of_all(findings, bytes)?;
        if let Received::Status { complaint: complaint @ None, .. } = &mut received {
            *complaint = complained.or(self.complaints()?.into_iter().next());
        }
        let brokers_policy = Some(header.policy).filter(|digest| *digest != self.member.policy.digest());
        let mut transaction = self.data.begin(now)?;
        transaction.record(None, event)?;
        let state = transaction.state();
        state.brokers_policy = brokers_policy;
        if let Some(left) = new_flags {
            state.new_flags.set(today, left);
        }
        if let Some(left) = full_set {
            state.epoch_mut(epoch).full_set.set(today, left);
        }
        if let Received::Posted(posted) = &mut received {
            posted.news = state.after_hit.news.get(told_before..).unwrap_or_default().to_vec();
        }
        // The journal has it all. The state is written once there is nothing to wait for, not with each of many
        // answers.
        if state.messages().next().is_none() {
            transaction.keep_and_write();
        } else {
            transaction.keep();
        }
        if is_stale {
            self.talk_run.stale();
        }
        if ends_run {
            self.talk_run.end();
        }
        Ok(received)
    }

    /// What is left of the day's budget of new flags after a receipt; `None` where it cost nothing.
    fn new_flags_after(&self, receipt: &Receipt, epoch: u32, today: Day) -> Option<u32> {
        let state = self.data.state();
        // How much of an epoch's first full set is free of the budget, the broker knows.
        state.epoch(epoch).filter(|epoch| epoch.delivered)?;
        let left = state.new_flags.left(today).min(self.member.policy().budgets.new_flags_a_day);
        Some(left.saturating_sub(receipt.added))
    }

    /// Reads a reply to a message that is not in flight, or is no longer. A receipt that comes after that of a later
    /// message is taken as it is, and so is one of a message that was given up; one that was read before is given again
    /// from the journal, since a question is gone once it was answered.
    fn read_late(
        &mut self,
        header: &Header,
        reply: Reply,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<Received, PartnerError> {
        let past = self.data.state().past.iter().rev().find(|past| past.head.digest == header.context);
        let PastMessage { head, end } = past.ok_or(unexpected(NOT_KNOWN))?;
        head.refuse_unfit(header, &reply, &self.member.policy)?;
        let (record, findings) = self.look_at_line(head, header, &reply, bytes);
        let (event, received) = match reply {
            Reply::Receipt(receipt) if *end != End::Read => {
                (Some(accepted(head, &receipt, record)), Received::Receipt(receipt))
            }
            Reply::Rejection(rejection) => {
                let (series, number) = (Series::of(head.kind), head.sequence);
                let is_new = *end == End::Dropped;
                let event = is_new.then_some(JournalEvent::Late { series, number, reply: record });
                (event, Received::Late(rejection))
            }
            // What was to be complained of it was complained of when it was read first.
            reply => return self.read_again(header, &reply),
        };
        self.complain_of_all(findings, bytes)?;
        if let Some(event) = event {
            self.data.record(now, None, event)?;
        }
        Ok(received)
    }

    /// Gives a reply that was read before again, from the journal.
    fn read_again(&self, header: &Header, reply: &Reply) -> Result<Received, PartnerError> {
        let (epoch, number) = (header.epoch, header.sequence);
        let mut asked: BTreeMap<u64, (Option<Case>, Vec<AddressKey>, Texts)> = BTreeMap::new();
        let mut found = None;
        self.data.journal().read(|at, record| match (record.event, reply) {
            (JournalEvent::Asking { epoch: of, number: is, addresses, typed, .. }, Reply::Answer(_))
                if (of, is) == (epoch, number) =>
            {
                asked.insert(at, (record.by, addresses, typed));
            }
            (JournalEvent::Answered { asking, answer: head, standings, .. }, Reply::Answer(answer))
                if head.log == answer.log && head.release == answer.release =>
            {
                if let Some((Some(by), addresses, typed)) = asked.remove(&asking) {
                    let rows = addresses.into_iter().zip(standings).collect();
                    found = Some(Received::Answer(Answered::new(by, head, rows, typed)));
                }
            }
            (JournalEvent::Accepted { epoch: of, number: is, release, reply, .. }, Reply::Receipt(receipt))
                if (of, is) == (epoch, number) && (release, reply.log) == (receipt.release, receipt.log) =>
            {
                found = Some(Received::Receipt(receipt.clone()));
            }
            _ => {}
        })?;
        found.ok_or(unexpected(SETTLED))
    }
}

/// The journal's event for a receipt.
fn accepted(message: &MessageHead, receipt: &Receipt, reply: ReplyRecord) -> JournalEvent {
    let Receipt { release, held, .. } = *receipt;
    JournalEvent::Accepted { epoch: message.epoch, number: message.sequence, release, held, reply }
}

/// The journal's event for an answer, and the answer as the caller gets it. `policy` is the digest of the policy that
/// it was answered under.
fn answered(
    member: &Member,
    question: &OpenQuestion,
    policy: Digest,
    answer: Answer,
    reply: ReplyRecord,
) -> Result<(JournalEvent, Received), PartnerError> {
    if policy != member.policy.digest() {
        // The same byte is a count under one policy and a band under another.
        return Err(unexpected("it was answered under another policy than the partner's: ask again"));
    }
    let epoch = question.message.head.epoch;
    let asked = question.positions.iter().max().map_or(0, |last| *last as usize + 1);
    if answer.standings.len() != asked {
        return Err(unexpected("it has another number of standings than were asked"));
    }
    if usize::from(answer.organisations) > member.policy().organisations.len() {
        return Err(unexpected("it counts more organisations than the roster has"));
    }
    let (sees, counting) = (member.entry()?.sees, &member.policy().counting);
    let told: Option<Vec<Standing>> =
        answer.standings.iter().map(|byte| Standing::from_byte(*byte, counting, sees)).collect();
    let told = told.ok_or(unexpected("it has a standing that the policy does not let this partner be told"))?;
    let standings: Vec<Standing> = question.positions.iter().map(|at| told[*at as usize]).collect();
    let to_keep = standings.iter().map(|standing| standing.to_keep(counting.count_cap)).collect();
    let head = AnswerHead {
        epoch,
        number: question.message.head.sequence,
        release: answer.release,
        as_of: answer.as_of,
        until: answer.until,
        organisations: answer.organisations,
        fresh: answer.fresh,
        log: answer.log,
    };
    let rows = question.addresses.iter().copied().zip(standings).collect();
    let event = JournalEvent::Answered { asking: question.record, answer: head, standings: to_keep, reply };
    Ok((event, Received::Answer(Answered::new(question.by.clone(), head, rows, question.typed.clone()))))
}

impl Answered {
    pub(super) fn new(by: Case, head: AnswerHead, rows: Vec<(AddressKey, Standing)>, typed: Texts) -> Answered {
        let AnswerHead { epoch, number: _, release, as_of, until, organisations, fresh, log } = head;
        Answered { by, epoch, release, as_of, until, organisations, fresh, log, rows, typed }
    }

    /// An address as it was written in the question; empty where it had no text. For an own flag use
    /// [`Partner::typed`].
    pub fn typed(&self, address: &AddressKey) -> &str {
        self.typed.get(address)
    }

    /// The standings of addresses, in their order; none for one that was not asked here.
    ///
    /// For a caller that left addresses out before it asked, or whose call became several questions: each standing
    /// comes at the place of its address.
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
            Code::Gap | Code::Stale | Code::FullSetRequired | Code::Recovering | Code::OtherEpoch => Next::Again,
            Code::Unavailable => Next::Resend,
            Code::WrongPolicy | Code::WrongEpoch | Code::WrongKeyId | Code::WrongPurpose | Code::WrongConsortium => {
                Next::FetchPolicy
            }
            Code::OverBudget | Code::NotYetAnswering => Next::Wait,
            Code::Shrink => Next::DeclareShrink,
            Code::RenewalNotDeclared => Next::Renew,
            Code::TooManyRenewals => Next::End,
            Code::Clock => Next::SetClock,
            Code::Malformed
            | Code::UnknownPartner
            | Code::BadSignature
            | Code::NotPermitted
            | Code::NotCertified
            | Code::TooLarge => Next::AskCoordinator,
        }
    }
}

impl PartnerError {
    /// Whether a reply of the broker to this partner could not be read only because nothing waits for it any more:
    /// then nothing is lost with it.
    pub fn is_no_longer_awaited(&self) -> bool {
        matches!(self, PartnerError::UnexpectedReply { finding } if [NOT_KNOWN, SETTLED].contains(finding))
    }
}

fn unexpected(finding: &'static str) -> PartnerError {
    PartnerError::UnexpectedReply { finding }
}
