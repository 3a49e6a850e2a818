//! Whether an entry of a post can be: that this partner flags what it is about, that the row which the broker used was
//! there, and that the code is the other's.

use std::collections::HashMap;

use super::super::error::PartnerError;
use super::reader::{Finding, Meeting, PostReader};
use super::record::{Introduction, TakenEntry};
use super::rows::may_meet;
use super::state::{KeptRows, SentMessage};
use crate::address::AddressKey;
use crate::day::Day;
use crate::digest::Digest;
use crate::message::{Entry, EntryKind};
use crate::pseudonym::Pseudonym;
use crate::secret::UnsealingKey;
use crate::talk::{ConversationId, Row, RowCode, RowKey, RowScope, Subject};

/// What was found of an entry.
pub(super) enum CheckedEntry {
    /// It is taken over; what is wrong with it is complained of all the same.
    Taken(TakenEntry, Option<Finding>),
    /// It is complained of, and nothing of it is taken over.
    False(Finding),
    /// It is of nothing that this partner can do anything with.
    PassedOver,
    /// A certificate is missing that it cannot be checked without.
    NotYet,
}

/// What an entry says of an introduction.
#[derive(Clone, Copy)]
struct Told {
    conversation: ConversationId,
    partner: u16,
    last_day: Day,
    row: u64,
    own_row: u64,
    code: RowCode,
}

/// Whether the code of a row is the other's.
enum CodeCheck {
    Right,
    Wrong,
    /// It cannot be said, now or ever.
    Unknown,
    NotYet,
}

impl PostReader<'_> {
    pub(super) fn check_entry(&self, entry: &Entry) -> Result<CheckedEntry, PartnerError> {
        let policy = self.partner.member.policy();
        if policy.epoch(entry.epoch).is_none() {
            return Ok(CheckedEntry::PassedOver);
        }
        match entry.told {
            EntryKind::Asked { answer_by } => self.check_asked(entry, answer_by),
            EntryKind::Introduced { conversation, partner, last_day, row, own_row, code } => {
                self.check_introduced(entry, Told { conversation, partner, last_day, row, own_row, code })
            }
            EntryKind::Left { conversation, partner } => {
                let is_it = |meeting: &Meeting| meeting.id == conversation && meeting.partners.contains(&partner);
                Ok(match self.meetings.iter().any(is_it) {
                    true => CheckedEntry::Taken(TakenEntry::Left { conversation, partner, day: entry.day }, None),
                    false => CheckedEntry::PassedOver,
                })
            }
        }
    }

    fn check_asked(&self, entry: &Entry, answer_by: Day) -> Result<CheckedEntry, PartnerError> {
        let Some(address) = self.flagged(entry)? else { return Ok(CheckedEntry::PassedOver) };
        let (subject, epoch, day) = (entry.subject, entry.epoch, entry.day);
        Ok(CheckedEntry::Taken(TakenEntry::Asked { address, subject, epoch, day, answer_by }, None))
    }

    /// The own address that an entry is about; none where the flag is gone.
    fn flagged(&self, entry: &Entry) -> Result<Option<AddressKey>, PartnerError> {
        let (member, state) = (&self.partner.member, self.partner.data.state());
        if let Some(address) = state.after_hit.sent.iter().find_map(|sent| sent.said.address_of(&entry.subject))
            && state.flags.covers(&address)
        {
            return Ok(Some(address));
        }
        let addresses: Vec<_> = state.flags.all(member.counts_house_numbers()).map(|(address, _)| address).collect();
        let mut missing = Vec::new();
        let made = match member.pseudonyms(state, entry.epoch, self.today, &addresses, &mut missing) {
            Ok(Some(made)) => made,
            // Of a source that has to be asked, what it made before.
            Ok(None) => return self.flagged_one_by_one(entry, &addresses),
            // The secret of the epoch is gone, and with it what the entry is about.
            Err(PartnerError::NoEpoch { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let subjects: HashMap<Subject, AddressKey> = made.iter().map(Subject::of).zip(addresses).collect();
        Ok(subjects.get(&entry.subject).copied())
    }

    fn flagged_one_by_one(&self, entry: &Entry, addresses: &[AddressKey]) -> Result<Option<AddressKey>, PartnerError> {
        for address in addresses {
            if self.pseudonym(entry.epoch, address)?.is_some_and(|made| Subject::of(&made) == entry.subject) {
                return Ok(Some(*address));
            }
        }
        Ok(None)
    }

    fn pseudonym(&self, epoch: u32, address: &AddressKey) -> Result<Option<Pseudonym>, PartnerError> {
        let (member, state) = (&self.partner.member, self.partner.data.state());
        match member.pseudonyms(state, epoch, self.today, &[*address], &mut Vec::new()) {
            Ok(made) => Ok(made.and_then(|made| made.first().copied())),
            Err(PartnerError::NoEpoch { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn check_introduced(&self, entry: &Entry, told: Told) -> Result<CheckedEntry, PartnerError> {
        if !self.is_of_one_conversation(entry, &told) {
            return Ok(CheckedEntry::PassedOver);
        }
        let (member, policy) = (&self.partner.member, self.partner.member.policy());
        let own = &member.entry()?.organisation;
        let Some(other) = policy.partner(told.partner).filter(|other| other.organisation != *own) else {
            return Ok(CheckedEntry::PassedOver);
        };
        let introduced = |address| {
            TakenEntry::Introduced(Introduction {
                subject: entry.subject,
                epoch: entry.epoch,
                conversation: told.conversation,
                address,
                partner: told.partner,
                day: entry.day,
                last_day: told.last_day,
            })
        };
        let is_over = told.last_day < entry.day;
        if member.coordinates() {
            let meets = policy.flags_for(told.partner, entry.epoch).is_some()
                && may_meet(member, &other.organisation, member.number, entry.epoch);
            if is_over || told.own_row != 0 || !meets {
                return Ok(CheckedEntry::PassedOver);
            }
            let made = |key: &RowKey, row: &Row| Ok(Some(key.code_for_coordinator(row, &entry.subject)));
            return Ok(match self.check_code(entry, &told, None, made)? {
                CodeCheck::Right => CheckedEntry::Taken(introduced(None), None),
                CodeCheck::Wrong => CheckedEntry::False(falsely(entry, &told)),
                CodeCheck::Unknown => CheckedEntry::PassedOver,
                CodeCheck::NotYet => CheckedEntry::NotYet,
            });
        }
        let Some((sent, address)) = self.own_row(entry, &told) else { return Ok(CheckedEntry::PassedOver) };
        let late = self.taken_back(entry, sent);
        if !may_meet(member, own, told.partner, entry.epoch) || is_over {
            return Ok(CheckedEntry::PassedOver);
        }
        if other.may.coordinate {
            let is_whole = told.row == 0 && told.code == RowCode::NONE && told.last_day == sent.said.last_day;
            return Ok(match is_whole {
                true => CheckedEntry::Taken(introduced(Some(address)), late),
                false => CheckedEntry::PassedOver,
            });
        }
        let pseudonym = self.pseudonym(entry.epoch, &address)?;
        let made = |key: &RowKey, row: &Row| Ok(pseudonym.map(|pseudonym| key.code(row, &pseudonym)));
        // The broker uses rows of one policy at a turn, so the other's is of that of the own one.
        Ok(match self.check_code(entry, &told, Some(sent.said.policy), made)? {
            CodeCheck::Right => CheckedEntry::Taken(introduced(Some(address)), late),
            CodeCheck::Wrong => CheckedEntry::False(falsely(entry, &told)),
            CodeCheck::Unknown => CheckedEntry::PassedOver,
            CodeCheck::NotYet => CheckedEntry::NotYet,
        })
    }

    /// Whether one name of the broker's is of one subject in one epoch, and the other way round.
    fn is_of_one_conversation(&self, entry: &Entry, told: &Told) -> bool {
        let about = (entry.subject, entry.epoch);
        let fits = |meeting: &Meeting| match (meeting.subject, meeting.epoch) == about {
            true => meeting.id == told.conversation || meeting.id == ConversationId::NONE,
            false => meeting.id != told.conversation,
        };
        self.meetings.iter().all(fits)
    }

    /// The own message that the broker says to have introduced by, and the address: it said this subject, for this
    /// partner, and was not over.
    fn own_row(&self, entry: &Entry, told: &Told) -> Option<(&SentMessage, AddressKey)> {
        let mut sent = self.partner.data.state().after_hit.sent.iter();
        let sent = sent.find(|sent| (sent.said.number, sent.said.epoch) == (told.own_row, entry.epoch))?;
        let stands = sent.said.last_day >= entry.day && sent.said.receivers.contains(&told.partner);
        Some((sent, sent.said.address_of(&entry.subject).filter(|_| stands)?))
    }

    /// What shows that the own row had been taken back: a later message of that epoch lacks it, and was kept before the
    /// turn. What is said in another epoch takes nothing back.
    fn taken_back(&self, entry: &Entry, row: &SentMessage) -> Option<Finding> {
        let lacks_it =
            |later: &&SentMessage| later.said.epoch == entry.epoch && later.said.address_of(&entry.subject).is_none();
        let later = self.partner.data.state().after_hit.sent.iter();
        let later = later.filter(|later| later.said.number > row.said.number);
        // What a broker kept before it was restored it may have lost, and says so.
        let is_held = |kept: &KeptRows| kept.restored >= self.restored;
        let kept = |later: &SentMessage| Some((later.said.number, later.kept.filter(is_held)?));
        let (by, kept) = later.filter(lacks_it).filter_map(kept).find(|(_, kept)| kept.told < entry.day)?;
        let finding = format!(
            "entry {} says that what message {} put forward stood on {}, and message {by}, which took it back, was \
             kept on {}",
            entry.number, row.said.number, entry.day, kept.told
        );
        Some(Finding { error: PartnerError::LateIntroduction { finding }, kept: Some(kept.record) })
    }

    /// Whether the code is one that the other made: under the policy here, the one before it, or that of the own row.
    fn check_code(
        &self,
        entry: &Entry,
        told: &Told,
        of_own_row: Option<Digest>,
        made: impl Fn(&RowKey, &Row) -> Result<Option<RowCode>, PartnerError>,
    ) -> Result<CodeCheck, PartnerError> {
        let (member, folder) = (&self.partner.member, self.partner.data.folder());
        let Some(own) = folder.unsealing_key(entry.epoch)? else { return Ok(CodeCheck::Unknown) };
        let theirs = member.seal_keys(told.partner, entry.epoch);
        if theirs.is_empty() {
            return Ok(CodeCheck::NotYet);
        }
        let before = folder.read_policy_before()?.map(|before| before.digest());
        let policies: Vec<Digest> = [member.policy.digest()].into_iter().chain(before).chain(of_own_row).collect();
        for key in &theirs {
            let scope = RowScope {
                consortium: &member.policy().consortium,
                purpose: &member.policy().purpose,
                epoch: entry.epoch,
                sender: told.partner,
                receiver: member.number,
            };
            let Some(key) = RowKey::new(&own, key, &scope) else { continue };
            for policy in &policies {
                let row = Row { policy: *policy, number: told.row, last_day: told.last_day };
                match made(&key, &row)? {
                    None => return Ok(CodeCheck::Unknown),
                    Some(code) if code == told.code => return Ok(CodeCheck::Right),
                    Some(_) => {}
                }
            }
        }
        // A code for a key that was certified before is the other's no less, and cannot be made here any more.
        let is_only = member.seal_keys(member.number, entry.epoch) == [UnsealingKey::seal_key(&own)];
        Ok(if is_only { CodeCheck::Wrong } else { CodeCheck::Unknown })
    }
}

/// That an introduction has a code that is not the other's. No subject is in it.
fn falsely(entry: &Entry, told: &Told) -> Finding {
    let finding = format!(
        "entry {} says that partner {} put it forward by message {}, until {}, and the code there is not that \
         partner's",
        entry.number, told.partner, told.row, told.last_day
    );
    Finding { error: PartnerError::FalseIntroduction { finding }, kept: None }
}
