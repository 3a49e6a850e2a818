//! What people would do after a hit, without doing it.

use std::path::PathBuf;

use super::super::Partner;
use super::super::error::PartnerError;
use super::super::given::{Given, Taken};
use super::agreement::may_be_told;
use super::asked::to_answer;
use super::plan::answering;
use super::record::AskAnswer;
use super::rows::{to_put_forward, to_take_back};
use super::written::{NewNote, to_leave};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::policy::RosterEntry;

/// Whom a partner may come to be told to that puts an address forward, by their numbers in the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WouldBeTold {
    /// Those that meet its organisation directly; ascending.
    pub direct: Vec<u16>,
    /// The coordinator, where its organisation does not meet all others directly.
    pub coordinator: Option<u16>,
}

impl Partner {
    /// Who may come to be told, by name, of what [`Partner::put_forward`] puts forward on `today`: those that the
    /// policy in force has it meet in the epoch of that day. Those who flag the same and have not put it forward are at
    /// most told that somebody did, as the policy's `tell_others` says.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NoEpoch`] where none is open whose secret is here; [`PartnerError::NotInRoster`].
    pub fn would_be_told(&self, today: Day) -> Result<WouldBeTold, PartnerError> {
        let own = &self.member.entry()?.organisation;
        let epoch = answering(&self.member, self.data.state(), today)?;
        let told = may_be_told(self.member.policy(), own, epoch);
        let (coordinator, direct): (Vec<_>, Vec<_>) = told.partition(|entry| entry.may.coordinate);
        Ok(WouldBeTold {
            direct: direct.iter().map(|entry| entry.number).collect(),
            coordinator: coordinator.first().map(|entry| entry.number),
        })
    }

    /// The partners, by number and ascending, whose certificate is missing here, so that nothing is told to them or of
    /// them; this partner's own among them, without which nobody is told anything. They are those of
    /// [`Partner::would_be_told`], in the epoch of that day; at the coordinator those that are met by it, of which no
    /// certificate is here in any epoch that is open. None where the policy has no `[meet]`.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NoEpoch`], [`PartnerError::NotInRoster`]; [`SystemError::Io`](crate::SystemError::Io).
    pub fn missing_certificates(&self, today: Day) -> Result<Vec<u16>, PartnerError> {
        let (member, own) = (&self.member, self.member.entry()?);
        if member.meet().is_err() || !(own.may.flag || own.may.coordinate) {
            return Ok(Vec::new());
        }
        let (epochs, others): (Vec<u32>, Vec<u16>) = match own.may.coordinate {
            true => {
                let epochs = member.epochs_without_secret(today)?;
                let is_met = |other: &&RosterEntry| {
                    let met = |epoch: &u32| member.policy().may_meet(&other.organisation, own.number, *epoch);
                    other.may.flag && epochs.iter().any(met)
                };
                let others = member.policy().partners.iter().filter(is_met).map(|other| other.number).collect();
                (epochs, others)
            }
            false => {
                let answering = answering(member, self.data.state(), today)?;
                let told = may_be_told(member.policy(), &own.organisation, answering);
                (vec![answering], told.map(|other| other.number).collect())
            }
        };
        let is_missing = |other: &u16| epochs.iter().all(|epoch| member.seal_key(*other, *epoch, today).is_none());
        let mut missing: Vec<u16> = others.into_iter().filter(is_missing).collect();
        let mut own_keys = epochs.iter().map(|epoch| self.own_seal_key(*epoch, today));
        if own_keys.try_fold(true, |none, key| Ok::<_, PartnerError>(none && key?.is_none()))? {
            missing.push(own.number);
        }
        missing.sort_unstable();
        Ok(missing)
    }

    /// The file of the seal key that this partner's certificate names in an open epoch, where another key is in it, or
    /// none, or what cannot be read: nothing is told to anybody before it is put back, and no certificate helps.
    pub fn missing_seal_key(&self, today: Day) -> Option<PathBuf> {
        let (member, folder) = (&self.member, self.data.folder());
        let is_missing = |epoch: &u32| {
            let named = member.seal_key(member.number, *epoch, today);
            let own = folder.unsealing_key(*epoch).ok().flatten();
            named.is_some_and(|named| own.is_none_or(|own| own.seal_key() != named))
        };
        let epochs = member.epochs_without_secret(today).unwrap_or_default();
        epochs.into_iter().find(is_missing).map(|epoch| folder.seal_path(epoch))
    }

    /// How many addresses [`Partner::put_forward`] would put forward, or put forward anew. Nothing is written.
    ///
    /// # Errors
    ///
    /// Those of [`Partner::put_forward`].
    pub fn preview_put_forward<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = impl Into<Given<'a>>>,
        now: Timestamp,
    ) -> Result<usize, PartnerError> {
        let addresses = Taken::of(addresses).keys;
        let today = self.data.at(now)?.day();
        let (addresses, _) = to_put_forward(&self.member, self.data.state(), addresses, today)?;
        Ok(addresses.len())
    }

    /// How many addresses [`Partner::take_back`] would take back. Nothing is written.
    ///
    /// # Errors
    ///
    /// Those of [`Partner::take_back`].
    pub fn preview_take_back<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = impl Into<Given<'a>>>,
        now: Timestamp,
    ) -> Result<usize, PartnerError> {
        let addresses = Taken::of(addresses).keys;
        let today = self.data.at(now)?.day();
        Ok(to_take_back(self.data.state(), addresses, today).len())
    }

    /// Whether [`Partner::answer`] would take that answer. Nothing is written.
    ///
    /// # Errors
    ///
    /// Those of [`Partner::answer`].
    pub fn preview_answer(
        &mut self,
        address: &AddressKey,
        answer: AskAnswer,
        now: Timestamp,
    ) -> Result<(), PartnerError> {
        let today = self.data.at(now)?.day();
        to_answer(&self.member, self.data.state(), (address, answer), today).map(drop)
    }

    /// Whom [`Partner::write_note`] would write to, by their numbers in the roster. Nothing is written.
    ///
    /// # Errors
    ///
    /// Those of [`Partner::write_note`].
    pub fn preview_note(
        &mut self,
        conversation: u32,
        note: &NewNote<'_>,
        now: Timestamp,
    ) -> Result<Vec<u16>, PartnerError> {
        let now = self.data.at(now)?;
        let (_, copies) = self.compose(conversation, note, now)?;
        Ok(copies.into_iter().map(|(to, _)| to).collect())
    }

    /// Whether [`Partner::leave`] would leave the conversation. Nothing is written.
    ///
    /// # Errors
    ///
    /// Those of [`Partner::leave`].
    pub fn preview_leave(&mut self, conversation: u32, now: Timestamp) -> Result<(), PartnerError> {
        self.data.at(now)?;
        to_leave(self.data.state(), conversation)
    }
}
