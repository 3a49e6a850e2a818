//! Whether an entry of a post can be: that this partner flags what it is about, that the row which the broker used was
//! there, and that the code is the other's.

use std::collections::HashMap;

use super::super::error::PartnerError;
use super::plan::LONGEST_ROW;
use super::reader::{Finding, Meeting, PostReader};
use super::record::{HeldBack, Introduction, TakenEntry};
use super::state::{SaidOn, SentMessage};
use crate::address::AddressKey;
use crate::day::Day;
use crate::digest::Digest;
use crate::message::{Entry, EntryKind};
use crate::policy::Policy;
use crate::pseudonym::Pseudonym;
use crate::secret::UnsealingKey;
use crate::talk::{ConversationId, Row, RowCode, RowKey, RowScope, Subject};

/// What was found of an entry.
pub(super) enum CheckedEntry {
    /// It is taken over; what is wrong with it is complained of all the same.
    Taken(TakenEntry, Option<Finding>),
    /// Its code is right by no certificate of the other that is known here. On the next day with a post, which comes
    /// after another look for certificates, it is complained of, where that shows that it is wrong, and nothing of it
    /// is taken over.
    Wrong(Option<Finding>),
    /// It cannot be checked here, now or ever: what that takes is gone.
    Unreadable,
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
    /// It is, under this policy.
    Right(Digest),
    Wrong,
    /// It cannot be said, now or ever: the own key that it is for is gone, or the secret of the epoch.
    Unknown,
    NotYet,
}

impl PostReader<'_> {
    pub(super) fn check_entry(&mut self, entry: &Entry) -> Result<CheckedEntry, PartnerError> {
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

    fn check_asked(&mut self, entry: &Entry, answer_by: Day) -> Result<CheckedEntry, PartnerError> {
        let Some(address) = self.flagged(entry)? else { return Ok(CheckedEntry::PassedOver) };
        let (subject, epoch, day) = (entry.subject, entry.epoch, entry.day);
        Ok(CheckedEntry::Taken(TakenEntry::Asked { address, subject, epoch, day, answer_by }, None))
    }

    /// The own address that an entry is about; none where the flag is gone.
    fn flagged(&mut self, entry: &Entry) -> Result<Option<AddressKey>, PartnerError> {
        let subjects = match self.subjects.remove(&entry.epoch) {
            Some(subjects) => subjects,
            None => self.own_subjects(entry.epoch)?,
        };
        let found = subjects.get(&entry.subject).copied();
        self.subjects.insert(entry.epoch, subjects);
        Ok(found)
    }

    /// The own flags, and those that were put forward and are flagged still, by their subjects in an epoch.
    fn own_subjects(&self, epoch: u32) -> Result<HashMap<Subject, AddressKey>, PartnerError> {
        let (member, state) = (&self.partner.member, self.partner.data.state());
        let sent = state.after_hit.sent.iter().filter(|sent| sent.said.epoch == epoch);
        let sent = sent.flat_map(|sent| &sent.said.rows).filter(|row| state.flags.covers(&row.address));
        let mut subjects: HashMap<Subject, AddressKey> = sent.map(|row| (row.subject, row.address)).collect();
        let addresses: Vec<_> = state.flags.all(member.counts_house_numbers()).map(|(address, _)| address).collect();
        match member.pseudonyms(state, epoch, self.today, &addresses, &mut Vec::new()) {
            Ok(Some(made)) => subjects.extend(made.iter().map(Subject::of).zip(addresses)),
            // Of a source that has to be asked, what it made before.
            Ok(None) => {
                for address in addresses {
                    subjects.extend(self.pseudonym(epoch, &address)?.map(|made| (Subject::of(&made), address)));
                }
            }
            // The secret of the epoch is gone, and with it what the entry is about.
            Err(PartnerError::NoEpoch { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(subjects)
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
            if is_over || told.own_row != 0 {
                return Ok(CheckedEntry::PassedOver);
            }
            let former = self.partner.data.folder().read_former_policies()?;
            let policies: Vec<&Policy> = [policy].into_iter().chain(&former).collect();
            let digests: Vec<Digest> = policies.iter().map(|policy| policy.digest()).collect();
            let meets = |digest: &Digest| {
                let of_row = digests.iter().zip(&policies).find(|(known, _)| *known == digest);
                of_row.is_some_and(|(_, of_row)| meets_coordinator(of_row, told.partner, member.number, entry.epoch))
            };
            let made = |key: &RowKey, row: &Row| Ok(Some(key.code_for_coordinator(row, &entry.subject)));
            return Ok(match self.check_code(entry, &told, &digests, made)? {
                CodeCheck::Right(of_row) if meets(&of_row) => {
                    CheckedEntry::Taken(introduced(None), self.out_of_time(entry, &told))
                }
                CodeCheck::Right(_) => CheckedEntry::PassedOver,
                CodeCheck::Unknown => CheckedEntry::Unreadable,
                // Else the row may be of a version before these, of before this folder.
                CodeCheck::Wrong => CheckedEntry::Wrong(
                    reaches_back(&policies, entry.day).then(|| falsely(entry, told.partner, told.row, told.last_day)),
                ),
                CodeCheck::NotYet => CheckedEntry::NotYet,
            });
        }
        // Whom it has codes for is by the policy of that row, which may be another one than that in force now.
        let Some((sent, address)) = self.own_row(entry, &told) else { return Ok(CheckedEntry::PassedOver) };
        let late = self.did_not_stand(entry, sent).or_else(|| self.out_of_time(entry, &told));
        if sent.said.coordinator == Some(other.number) {
            let is_whole = told.row == 0 && told.code == RowCode::NONE && told.last_day == sent.said.last_day;
            return Ok(match is_whole {
                true => CheckedEntry::Taken(introduced(Some(address)), late),
                false => CheckedEntry::PassedOver,
            });
        }
        if is_over {
            return Ok(CheckedEntry::PassedOver);
        }
        let pseudonym = self.pseudonym(entry.epoch, &address)?;
        let made = |key: &RowKey, row: &Row| Ok(pseudonym.map(|pseudonym| key.code(row, &pseudonym)));
        // The broker uses rows of one policy at a turn, so the other's is of that of the own one.
        Ok(match self.check_code(entry, &told, &[sent.said.policy], made)? {
            CodeCheck::Right(_) => CheckedEntry::Taken(introduced(Some(address)), late),
            CodeCheck::Wrong => CheckedEntry::Wrong(Some(falsely(entry, told.partner, told.row, told.last_day))),
            CodeCheck::Unknown => CheckedEntry::Unreadable,
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
    /// partner.
    fn own_row(&self, entry: &Entry, told: &Told) -> Option<(&SentMessage, AddressKey)> {
        let mut sent = self.partner.data.state().after_hit.sent.iter();
        let sent = sent.find(|sent| (sent.said.number, sent.said.epoch) == (told.own_row, entry.epoch))?;
        let row = sent.said.row(&entry.subject).filter(|row| sent.said.tells(row, told.partner))?;
        Some((sent, row.address))
    }

    /// What shows that the own row did not stand on the day of an entry: the message that said it was refused, or was
    /// kept on that day at the earliest, or its last day was over, or a later one had taken it back.
    fn did_not_stand(&self, entry: &Entry, row: &SentMessage) -> Option<Finding> {
        let (number, day) = (row.said.number, entry.day);
        let late = |finding: String, other: Option<SaidOn>, message: &SentMessage| {
            let finding =
                format!("entry {} says that what message {number} put forward stood on {day}, {finding}", entry.number);
            let (other, message) = (other.map(|said| said.record), message.bytes.clone());
            Some(Finding { error: PartnerError::LateIntroduction { finding }, other, message, post: None })
        };
        if let Some((code, said)) = row.refused().filter(|(_, said)| self.is_held(said)) {
            return late(
                format!("and that message was rejected on {}, as {}", said.day, code.as_str()),
                Some(said),
                row,
            );
        }
        if row.said.last_day < day {
            return late(format!("and its last day was {}", row.said.last_day), None, row);
        }
        // The turn of a day comes before all that is kept on it. A message whose reply was not read may have been kept
        // on the day on which it was made, by the broker's clock, or after it.
        match row.kept().filter(|kept| self.is_held(kept)) {
            Some(kept) if day <= kept.day => {
                return late(
                    format!("and that message was kept on {}, after the turn of that day", kept.day),
                    Some(kept),
                    row,
                );
            }
            None if day < row.day => return late(format!("and that message was made on {}", row.day), None, row),
            _ => {}
        }
        let (by, kept) = self.taken_back(entry, row)?;
        let finding = format!("and message {}, which took it back, was kept on {}", by.said.number, kept.day);
        late(finding, Some(kept), by)
    }

    /// The message that had taken the own row back: a later one of that epoch that lacks it, and was kept before the
    /// turn. What is said in another epoch takes nothing back.
    fn taken_back(&self, entry: &Entry, row: &SentMessage) -> Option<(&SentMessage, SaidOn)> {
        let lacks_it =
            |later: &&SentMessage| later.said.epoch == entry.epoch && later.said.row(&entry.subject).is_none();
        let later = self.partner.data.state().after_hit.sent.iter();
        let later = later.filter(|later| later.said.number > row.said.number).filter(lacks_it);
        let kept = |later: &'_ SentMessage| later.kept().filter(|kept| self.is_held(kept) && kept.day < entry.day);
        later.filter_map(|later| Some((later, kept(later)?))).next()
    }

    /// What shows that an entry was not decided on the day that it has: that is after the post, or at or before the
    /// turn of the day of a post after which nothing waited.
    fn out_of_time(&self, entry: &Entry, told: &Told) -> Option<Finding> {
        let (number, day) = (entry.number, entry.day);
        let (finding, other) = if day > self.posted {
            (format!("entry {number} is of {day}, and the post that has it of {}", self.posted), None)
        } else {
            let known = &self.partner.data.state().after_hit;
            let earlier = known.all_told.filter(|all| self.is_held(all) && day <= all.day)?;
            // Told twice it was there the first time.
            let before = known.called(told.conversation).and_then(|one| one.with(told.partner));
            if before.is_some_and(|before| before.since == day) {
                return None;
            }
            let finding = format!(
                "entry {number} is of {day}, and in a post of {} the broker said that nothing more waited: it was not \
                 there",
                earlier.day
            );
            (finding, Some(earlier.record))
        };
        Some(Finding { error: PartnerError::LateIntroduction { finding }, other, message: Vec::new(), post: None })
    }

    /// Whether the broker is held to an earlier reply: what it said before it was restored it may have lost, and says
    /// so.
    fn is_held(&self, said: &SaidOn) -> bool {
        said.restored >= self.restored
    }

    /// Whether the code is one that the other made under one of these policies.
    fn check_code(
        &self,
        entry: &Entry,
        told: &Told,
        policies: &[Digest],
        made: impl Fn(&RowKey, &Row) -> Result<Option<RowCode>, PartnerError>,
    ) -> Result<CodeCheck, PartnerError> {
        let (member, folder) = (&self.partner.member, self.partner.data.folder());
        let Some(own) = folder.unsealing_key(entry.epoch)? else { return Ok(CodeCheck::Unknown) };
        let theirs = member.seal_keys(told.partner, entry.epoch);
        if theirs.is_empty() {
            return Ok(CodeCheck::NotYet);
        }
        for key in &theirs {
            let scope = RowScope {
                consortium: &member.policy().consortium,
                purpose: &member.policy().purpose,
                epoch: entry.epoch,
                sender: told.partner,
                receiver: member.number,
            };
            let Some(key) = RowKey::new(&own, key, &scope) else { continue };
            for policy in policies {
                let row = Row { policy: *policy, number: told.row, last_day: told.last_day };
                match made(&key, &row)? {
                    None => return Ok(CodeCheck::Unknown),
                    Some(code) if code == told.code => return Ok(CodeCheck::Right(*policy)),
                    Some(_) => {}
                }
            }
        }
        // A code for a key that was certified before is the other's no less, and cannot be made here any more.
        Ok(if self.is_only_key(entry.epoch, &own) { CodeCheck::Wrong } else { CodeCheck::Unknown })
    }

    /// What is complained of where a code was found to be wrong on an earlier look and what that takes is gone by now:
    /// the epoch is over or left the policy, or the other left the roster. Not where the own seal key was replaced: the
    /// other may have said it anew.
    pub(super) fn stays_wrong(
        &self,
        one: &HeldBack,
        entry: &Entry,
        checked: &CheckedEntry,
    ) -> Result<Option<Finding>, PartnerError> {
        let is_gone = matches!(checked, CheckedEntry::PassedOver | CheckedEntry::Unreadable | CheckedEntry::NotYet);
        let EntryKind::Introduced { partner, last_day, row, .. } = entry.told else { return Ok(None) };
        if one.wrong.is_none() || !is_gone {
            return Ok(None);
        }
        let own = self.partner.data.folder().unsealing_key(entry.epoch)?;
        let was_replaced = own.is_some_and(|own| !self.is_only_key(entry.epoch, &own));
        Ok((!was_replaced).then(|| falsely(entry, partner, row, last_day)))
    }

    /// Whether others know this partner's own seal key of an epoch, and no other of before: one that is gone.
    pub(super) fn is_only_key(&self, epoch: u32, own: &UnsealingKey) -> bool {
        let member = &self.partner.member;
        member.seal_keys(member.number, epoch) == [own.seal_key()]
    }
}

/// That an introduction has a code that is not the other's. No subject is in it.
fn falsely(entry: &Entry, partner: u16, row: u64, last_day: Day) -> Finding {
    let finding = format!(
        "entry {} says that partner {partner} put it forward by message {row}, until {last_day}, and the code there is \
         not that partner's",
        entry.number
    );
    Finding { error: PartnerError::FalseIntroduction { finding }, other: None, message: Vec::new(), post: None }
}

/// Whether no version before these can have been in force when a row was made that stood on a day.
fn reaches_back(policies: &[&Policy], day: Day) -> bool {
    let oldest = policies.iter().min_by_key(|policy| policy.version);
    oldest.is_some_and(|oldest| oldest.version == 1 || oldest.valid_from.plus(LONGEST_ROW + 1) <= day)
}

/// Whether a policy has a partner introduced to the coordinator in an epoch.
fn meets_coordinator(policy: &Policy, partner: u16, coordinator: u16, epoch: u32) -> bool {
    policy.flags_for(partner, epoch).is_some_and(|own| policy.may_meet(own, coordinator, epoch))
}
