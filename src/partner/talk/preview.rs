//! What people would do after a hit, without doing it.

use super::super::Partner;
use super::super::error::PartnerError;
use super::super::given::{Given, Taken};
use super::agreement::may_be_told;
use super::asked::to_answer;
use super::record::AskAnswer;
use super::rows::{epoch, to_put_forward, to_take_back};
use super::written::{NewNote, to_leave};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};

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
        let answering = epoch(&self.member, self.data.state(), today)?;
        let told = may_be_told(self.member.policy(), own, answering);
        let (coordinator, direct): (Vec<_>, Vec<_>) = told.partition(|entry| entry.may.coordinate);
        Ok(WouldBeTold {
            direct: direct.iter().map(|entry| entry.number).collect(),
            coordinator: coordinator.first().map(|entry| entry.number),
        })
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
