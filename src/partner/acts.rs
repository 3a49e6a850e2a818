//! Who did what for which case: the journal by acting user, case, address and days, for a privacy officer.

use super::act_query::ActQuery;
use super::dossier::concerns;
use super::error::PartnerError;
use super::record::{JournalEvent, JournalRecord};
use super::request_answer::RequestAnswered;
use super::talk::{TalkAct, TalkAddresses, TalkPlace};
use super::{Case, Partner};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::message::{Code, RenewalReason};
use crate::slug::Slug;

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Act {
    /// The number of the journal's record.
    pub record: u64,
    /// When.
    pub time: Timestamp,
    /// Who did it, and for which case; of an answer, who asked. `None` where no person did.
    pub by: Option<Case>,
    /// What was done.
    pub kind: ActKind,
    /// The addresses that it is about; where one was looked for, those of them that it concerns.
    pub addresses: Vec<AddressKey>,
    /// Where it was done, of what comes after a hit; empty of all else.
    pub place: TalkPlace,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActKind {
    /// Addresses were flagged, or were flagged already.
    Flagged,
    /// Flags were renewed.
    Renewed(RenewalReason),
    /// Flags were withdrawn.
    Withdrawn,
    /// All flags were given anew: the addresses are those that came and those that went.
    Replaced,
    /// A policy allows fewer days than flags had, or no flag any longer.
    Shortened,
    /// A question was made.
    Asked {
        /// The epoch of the question.
        epoch: u32,
        /// Its number.
        number: u64,
        /// The reason, of a sweep.
        sweep: Option<Slug>,
    },
    /// A question was answered. What the answer was, the dossier of each address has.
    Answered {
        /// The epoch of the question.
        epoch: u32,
        /// Its number.
        number: u64,
    },
    /// Somebody was shown all that the journal has on an address.
    LookedUp,
    /// Somebody was shown what changed over own addresses.
    NewsShown,
    /// Somebody looked in the journal for this.
    Queried(ActQuery),
    /// Messages on flags were made; so many.
    Delivered(usize),
    /// The broker accepted such a message.
    Accepted,
    /// The broker did not accept a message; `None` for a code that this version does not know.
    Rejected(Option<Code>),
    /// A reply came that was no longer waited for.
    Late,
    /// The reply to a message is no longer waited for.
    GaveUp,
    /// The broker said where the partner stands.
    Status,
    /// A policy of this version has another operator.
    AnotherOperator(u32),
    /// A person said that the clock is right.
    ClockAccepted,
    /// The secrets of an epoch that is over went.
    EpochForgotten(u32),
    /// So many of the first records went.
    Pruned(u64),
    /// A request by a data subject was noted, which came on that day, or its answer.
    RequestNoted {
        /// The day on which it came.
        received: Day,
        /// When it was answered, and how; `None` where it was not yet.
        answered: Option<RequestAnswered>,
    },
    /// Something of what comes after a hit.
    Talked(TalkAct),
}

impl Partner {
    /// What was done by whom for which case, oldest first, as far as `query` looks for it. What was pruned is not in
    /// it ([`Partner::pruned`]).
    ///
    /// To look is an act too: before anything is handed out, the journal has who looked, for which case, and for what.
    /// The next one who looks in it sees that.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Case`] where nobody can have acted under the name or for the case that is looked for;
    /// [`PartnerError::JournalDamaged`], [`PartnerError::Clock`], [`PartnerError::ClockAhead`],
    /// [`SystemError::Io`](crate::SystemError::Io), [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn acts(&mut self, query: &ActQuery, by: &Case, now: Timestamp) -> Result<Vec<Act>, PartnerError> {
        let trimmed = |text: &Option<String>| text.as_ref().map(|text| text.trim().to_owned());
        let query = ActQuery { actor: trimmed(&query.actor), case: trimmed(&query.case), ..*query };
        query.refuse_impossible()?;
        self.data.at(now)?;
        let mut acts = Vec::new();
        // Who asked what, by the number of the question's record.
        let mut questions: Vec<(u64, Option<Case>, Vec<AddressKey>)> = Vec::new();
        let talked = TalkAddresses::new(&self.data.state().after_hit);
        self.data.journal().read(|number, record| {
            let JournalRecord { time, mut by, event } = record;
            let mut place = TalkPlace::default();
            let (kind, mut addresses) = match event {
                JournalEvent::Answered { asking, answer, .. } => {
                    let mut addresses = Vec::new();
                    if let Some(at) = questions.iter().position(|(record, ..)| *record == asking) {
                        (_, by, addresses) = questions.swap_remove(at);
                    }
                    (ActKind::Answered { epoch: answer.epoch, number: answer.number }, addresses)
                }
                JournalEvent::Talk(event) => {
                    place = match &query.address {
                        Some(wanted) => talked.place(&event, |address| concerns(wanted, address)),
                        None => event.place(),
                    };
                    (ActKind::Talked(event.act()), talked.of(&event))
                }
                event => told(event),
            };
            if let ActKind::Asked { .. } = kind {
                questions.push((number, by.clone(), addresses.clone()));
            }
            if let Some(wanted) = &query.address {
                addresses.retain(|address| concerns(wanted, address));
                if addresses.is_empty() {
                    return;
                }
            }
            if query.holds(time, by.as_ref()) {
                acts.push(Act { record: number, time, by, kind, addresses, place });
            }
        })?;
        self.data.record(now, Some(by), JournalEvent::Queried(query))?;
        Ok(acts)
    }
}

/// What a record tells, and of which addresses. An answer's addresses are with its question.
fn told(event: JournalEvent) -> (ActKind, Vec<AddressKey>) {
    match event {
        JournalEvent::Flagged { renewal, flags, .. } => {
            let kind = renewal.map_or(ActKind::Flagged, ActKind::Renewed);
            (kind, flags.into_iter().map(|flag| flag.address).collect())
        }
        JournalEvent::Withdrawn { homes } => (ActKind::Withdrawn, homes),
        JournalEvent::Replaced { added, withdrawn, .. } => {
            (ActKind::Replaced, added.into_iter().map(|flag| flag.address).chain(withdrawn).collect())
        }
        JournalEvent::Shortened { flags, ended } => {
            (ActKind::Shortened, flags.into_iter().map(|flag| flag.address).chain(ended).collect())
        }
        JournalEvent::Asking { epoch, number, sweep, addresses, .. } => {
            (ActKind::Asked { epoch, number, sweep }, addresses)
        }
        JournalEvent::Answered { answer, .. } => {
            (ActKind::Answered { epoch: answer.epoch, number: answer.number }, Vec::new())
        }
        JournalEvent::LookedUp { address } => (ActKind::LookedUp, vec![address]),
        JournalEvent::NewsShown { addresses } => (ActKind::NewsShown, addresses),
        JournalEvent::Queried(query) => {
            let address = query.address;
            (ActKind::Queried(query), address.into_iter().collect())
        }
        JournalEvent::Delivering { messages, .. } => (ActKind::Delivered(messages.len()), Vec::new()),
        JournalEvent::Accepted { .. } => (ActKind::Accepted, Vec::new()),
        JournalEvent::Rejected { code, .. } => {
            let known = Code::ALL.into_iter().find(|known| *known as u8 == code);
            (ActKind::Rejected(known), Vec::new())
        }
        JournalEvent::Late { .. } => (ActKind::Late, Vec::new()),
        JournalEvent::GaveUp { .. } => (ActKind::GaveUp, Vec::new()),
        JournalEvent::Status(_) => (ActKind::Status, Vec::new()),
        JournalEvent::AnotherOperator { version } => (ActKind::AnotherOperator(version), Vec::new()),
        JournalEvent::ClockAccepted => (ActKind::ClockAccepted, Vec::new()),
        JournalEvent::EpochForgotten { epoch, .. } => (ActKind::EpochForgotten(epoch), Vec::new()),
        JournalEvent::Pruned { records, .. } => (ActKind::Pruned(records), Vec::new()),
        JournalEvent::RequestNoted { received, answered } => (ActKind::RequestNoted { received, answered }, Vec::new()),
        // Its addresses follow from the records before it.
        JournalEvent::Talk(event) => (ActKind::Talked(event.act()), Vec::new()),
    }
}
