//! All that the journal has on one address: for a data subject who asks for it, and for the account that the Dutch
//! Police Data Act (Wpg) demands.

use std::fmt;

use super::error::PartnerError;
use super::flags::Flag;
use super::given::Texts;
use super::record::{AnswerHead, JournalEvent};
use super::talk::{TalkAct, TalkAddresses, TalkPlace};
use super::{Case, Partner};
use crate::address::{AddressKey, Level};
use crate::day::{Day, Timestamp};
use crate::message::{LogEntry, RenewalReason, Standing};
use crate::register::may_be_one;
use crate::slug::Slug;

/// Something that was done with one address.
#[derive(Clone, PartialEq, Eq)]
pub struct DossierEntry {
    /// The number of the journal's record.
    pub record: u64,
    /// When.
    pub time: Timestamp,
    /// Who did it, and for which case. Of an answer: who asked.
    pub by: Option<Case>,
    /// The address: the one that was asked for, another spelling of it, a home at it, or the house number that it has.
    pub address: AddressKey,
    /// The address as it was written then; empty where no text was given.
    pub typed: String,
    /// What was done.
    pub event: DossierEvent,
    /// Where it was done, of what comes after a hit; empty of all else.
    pub place: TalkPlace,
}

/// What was done with one address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DossierEvent {
    /// It was flagged, or its flag got another last valid day; one that was flagged already may have stayed as it was.
    /// Where nobody did it, a policy allowed fewer days.
    Flagged {
        /// The last valid day.
        last_day: Day,
    },
    /// Its flag was renewed.
    Renewed {
        /// The last valid day.
        last_day: Day,
        /// Why.
        reason: RenewalReason,
    },
    /// It was in a set that took the place of all flags, written otherwise than before; its flag stayed as it was.
    Written,
    /// Its flag was withdrawn. Where nobody did it, a policy allowed it no longer.
    Withdrawn,
    /// A question about it was made.
    Asked {
        /// The epoch of the question.
        epoch: u32,
        /// The number of the question.
        number: u64,
        /// The reason, of a sweep.
        sweep: Option<Slug>,
    },
    /// Somebody was shown all that the journal has on it.
    LookedUp,
    /// Somebody was shown what changed over it.
    NewsShown,
    /// Something was done with it after a hit.
    Talked(TalkAct),
    /// A question about it was answered.
    Answered {
        /// The epoch of the question.
        epoch: u32,
        /// The number of the question.
        number: u64,
        /// What was answered.
        standing: Standing,
        /// The release that the answer speaks of.
        release: u64,
        /// When that release took place.
        as_of: Timestamp,
        /// The line of the broker's audit log.
        log: LogEntry,
    },
}

/// A question about the address that is not answered yet, as far as the journal was read.
struct UnansweredQuestion {
    record: u64,
    by: Option<Case>,
    /// The rows that are about it.
    rows: Vec<(usize, AddressKey)>,
    typed: Texts,
}

impl DossierEvent {
    /// Its name in JSON, such as `flagged`.
    pub fn as_str(&self) -> &'static str {
        match self {
            DossierEvent::Flagged { .. } => "flagged",
            DossierEvent::Renewed { .. } => "renewed",
            DossierEvent::Written => "written",
            DossierEvent::Withdrawn => "withdrawn",
            DossierEvent::Asked { .. } => "asked",
            DossierEvent::LookedUp => "looked_up",
            DossierEvent::NewsShown => "news_shown",
            DossierEvent::Talked(act) => act.as_str(),
            DossierEvent::Answered { .. } => "answered",
        }
    }
}

impl fmt::Debug for DossierEntry {
    /// Without the text, in which people write more than an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DossierEntry { record, time, by, address, typed: _, event, place } = self;
        let mut shown = f.debug_struct("DossierEntry");
        shown.field("record", record).field("time", time).field("by", by).field("address", address);
        shown.field("event", event).field("place", place).finish_non_exhaustive()
    }
}

impl Partner {
    /// All that the journal has on an address, oldest first: of a home also what was done with its house number as a
    /// whole, of a house number also what was done with its homes. A home whose suffix others write differently, as
    /// `12 hs` and `12 H`, is found in each spelling: [`DossierEntry::address`] says in which, and a register whether
    /// those are one home. What was pruned is not in it ([`Partner::pruned`]).
    ///
    /// Before it is handed out the journal has who looked, and for which case: the next one shows that.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`PartnerError::Clock`], [`PartnerError::ClockAhead`],
    /// [`SystemError::Io`](crate::SystemError::Io), [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn dossier(
        &mut self,
        address: &AddressKey,
        by: &Case,
        now: Timestamp,
    ) -> Result<Vec<DossierEntry>, PartnerError> {
        self.data.at(now)?;
        let concerns = |other: &AddressKey| concerns(address, other);
        let mut entries = Vec::new();
        let mut unanswered: Vec<UnansweredQuestion> = Vec::new();
        let talked = TalkAddresses::new(&self.data.state().after_hit);
        self.data.journal().read(|number, record| {
            let (time, by) = (record.time, record.by);
            let place = match &record.event {
                JournalEvent::Talk(event) => talked.place(event, concerns),
                _ => TalkPlace::default(),
            };
            let mut add = |address: AddressKey, typed: &Texts, by: &Option<Case>, event| {
                let typed = typed.get(&address).to_owned();
                let (by, place) = (by.clone(), place.clone());
                entries.push(DossierEntry { record: number, time, by, address, typed, event, place });
            };
            let none = Texts::default();
            match record.event {
                JournalEvent::Flagged { renewal, flags, typed } => {
                    for Flag { address, last_day, .. } in flags.into_iter().filter(|flag| concerns(&flag.address)) {
                        let event = match renewal {
                            Some(reason) => DossierEvent::Renewed { last_day, reason },
                            None => DossierEvent::Flagged { last_day },
                        };
                        add(address, &typed, &by, event);
                    }
                }
                JournalEvent::Withdrawn { homes } => {
                    homes.into_iter().filter(concerns).for_each(|a| add(a, &none, &by, DossierEvent::Withdrawn));
                }
                JournalEvent::Replaced { added, withdrawn, typed, .. } => {
                    for Flag { address, last_day, .. } in added.iter().filter(|flag| concerns(&flag.address)) {
                        let (address, last_day) = (*address, *last_day);
                        add(address, &typed, &by, DossierEvent::Flagged { last_day });
                    }
                    let is_added = |home: &AddressKey| added.binary_search_by_key(home, |flag| flag.address).is_ok();
                    for address in typed.addresses().filter(|address| concerns(address) && !is_added(address)) {
                        add(*address, &typed, &by, DossierEvent::Written);
                    }
                    withdrawn.into_iter().filter(concerns).for_each(|a| add(a, &none, &by, DossierEvent::Withdrawn));
                }
                JournalEvent::Shortened { flags, ended } => {
                    for Flag { address, last_day, .. } in flags.into_iter().filter(|flag| concerns(&flag.address)) {
                        add(address, &none, &by, DossierEvent::Flagged { last_day });
                    }
                    ended.into_iter().filter(concerns).for_each(|a| add(a, &none, &by, DossierEvent::Withdrawn));
                }
                JournalEvent::Asking { epoch, number: question, sweep, addresses, typed, own: _ } => {
                    let rows: Vec<_> = addresses.into_iter().enumerate().filter(|(_, a)| concerns(a)).collect();
                    for (_, address) in &rows {
                        let event = DossierEvent::Asked { epoch, number: question, sweep: sweep.clone() };
                        add(*address, &typed, &by, event);
                    }
                    if !rows.is_empty() {
                        unanswered.push(UnansweredQuestion { record: number, by, rows, typed });
                    }
                }
                JournalEvent::Answered { asking, answer, standings, .. } => {
                    if let Some(at) = unanswered.iter().position(|question| question.record == asking) {
                        let question = unanswered.swap_remove(at);
                        let AnswerHead { epoch, number, release, as_of, log, .. } = answer;
                        for (row, address) in question.rows {
                            if let Some(standing) = standings.get(row).copied() {
                                let event = DossierEvent::Answered { epoch, number, standing, release, as_of, log };
                                add(address, &question.typed, &question.by, event);
                            }
                        }
                    }
                }
                JournalEvent::LookedUp { address } => {
                    Some(address).into_iter().filter(concerns).for_each(|a| add(a, &none, &by, DossierEvent::LookedUp));
                }
                JournalEvent::NewsShown { addresses } => {
                    addresses.into_iter().filter(concerns).for_each(|a| add(a, &none, &by, DossierEvent::NewsShown));
                }
                // Whoever looks for an address in the journal is shown what was done with it.
                JournalEvent::Queried(query) => {
                    let looked = query.address.into_iter().filter(concerns);
                    looked.for_each(|a| add(a, &none, &by, DossierEvent::LookedUp));
                }
                JournalEvent::Talk(event) => {
                    let act = DossierEvent::Talked(event.act());
                    talked.of(&event).into_iter().filter(concerns).for_each(|a| add(a, &none, &by, act.clone()));
                }
                JournalEvent::EpochForgotten { .. }
                | JournalEvent::RequestNoted { .. }
                | JournalEvent::Pruned { .. }
                | JournalEvent::Delivering { .. }
                | JournalEvent::Accepted { .. }
                | JournalEvent::Rejected { .. }
                | JournalEvent::Late { .. }
                | JournalEvent::GaveUp { .. }
                | JournalEvent::AnotherOperator { .. }
                | JournalEvent::ClockAccepted
                | JournalEvent::Status(_) => {}
            }
        })?;
        self.data.record(now, Some(by), JournalEvent::LookedUp { address: *address })?;
        Ok(entries)
    }
}

/// Whether what was done with `other` belongs to `address`: of a home also what was done with its house number, and
/// with another spelling of it; of a house number also what was done with its homes.
pub(super) fn concerns(address: &AddressKey, other: &AddressKey) -> bool {
    match address.level() {
        Level::Unit => other == address || *other == address.number_key() || may_be_one(other, address),
        Level::Number => other.number_key() == *address,
    }
}
