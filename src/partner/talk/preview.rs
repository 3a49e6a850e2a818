//! What people would do after a hit, without doing it.

use super::super::Partner;
use super::super::error::PartnerError;
use super::super::given::{Given, Taken};
use super::record::AskAnswer;
use super::rows::{agreed_now, is_agreed};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};

impl Partner {
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
        self.member.permit(|may| may.flag, "flag, and so put nothing forward")?;
        self.member.meet()?;
        let today = self.data.at(now)?.day();
        let mut addresses = Taken::of(addresses).keys;
        self.member.refuse_uncounted(&addresses, "the policy does not count house numbers: put homes forward")?;
        let missing = addresses.iter().filter(|address| !self.stands(address, today)).count();
        if missing > 0 {
            return Err(PartnerError::NoFlag { missing });
        }
        let agreed = agreed_now(&self.member, self.data.state(), today)?;
        addresses.retain(|address| !is_agreed(self.data.state(), address, &agreed));
        addresses.sort_unstable();
        addresses.dedup();
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
        let today = self.data.at(now)?.day();
        let mut addresses = Taken::of(addresses).keys;
        addresses.retain(|address| self.data.state().after_hit.has_row(address) && self.stands(address, today));
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses.len())
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
        if answer == AskAnswer::Join {
            self.member.permit(|may| may.flag, "flag, and so put nothing forward")?;
            self.member.meet()?;
        }
        let today = self.data.at(now)?.day();
        if !self.data.state().after_hit.asked.iter().any(|asked| asked.address == *address) {
            return Err(PartnerError::NotPutForward);
        }
        if answer == AskAnswer::Join && !self.stands(address, today) {
            return Err(PartnerError::NoFlag { missing: 1 });
        }
        if answer == AskAnswer::Join {
            agreed_now(&self.member, self.data.state(), today)?;
        }
        Ok(())
    }

    /// Whether [`Partner::leave`] would leave the conversation. Nothing is written.
    ///
    /// # Errors
    ///
    /// Those of [`Partner::leave`].
    pub fn preview_leave(&mut self, conversation: u32, now: Timestamp) -> Result<(), PartnerError> {
        self.data.at(now)?;
        let known = self.data.state().after_hit.conversation(conversation);
        known.filter(|known| known.left.is_none()).ok_or(PartnerError::NoConversation { conversation })?;
        Ok(())
    }

    /// Whether a flag is on it that has not ended.
    fn stands(&self, address: &AddressKey, today: Day) -> bool {
        self.data.state().flags.covers_on(address, today)
    }
}
