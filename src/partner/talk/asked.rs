//! What others put forward that this partner flags too, and what its people answer.

use std::fmt;

use super::super::error::PartnerError;
use super::super::record::JournalEvent;
use super::super::{Case, Partner};
use super::record::{AskAnswer, TalkEvent};
use super::rows::agreed_now;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};

/// An own flag that somebody else put forward. Who did is not said.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutForwardByOther {
    /// The address.
    pub address: AddressKey,
    /// The day on which that was decided.
    pub day: Day,
    /// The last day on which an answer is in time. A later one is no less an answer.
    pub answer_by: Day,
    /// What was answered, and when.
    pub answer: Option<(AskAnswer, Day)>,
    /// Whether it is put forward here, in the epoch in which the other does.
    pub is_put_forward: bool,
}

impl Partner {
    /// The own flags that somebody else put forward, oldest first, until 30 days after an answer was due. That there
    /// was no answer nobody else is told.
    pub fn asked(&self) -> impl Iterator<Item = PutForwardByOther> {
        let state = self.data.state();
        let asked = state.after_hit.asked.iter().filter(|asked| state.flags.covers(&asked.address));
        asked.map(|asked| PutForwardByOther {
            address: asked.address,
            day: asked.day,
            answer_by: asked.answer_by,
            answer: asked.answer,
            is_put_forward: state.after_hit.row(&asked.address).is_some_and(|row| row.agreed.epoch == asked.epoch),
        })
    }

    /// Notes what somebody answers where another put an own flag forward. [`AskAnswer::Join`] puts it forward here too,
    /// as [`Partner::put_forward`] does; of the other answers nobody is told.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPutForward`] where nobody put it forward; for a join [`PartnerError::NotPermitted`] and
    /// [`PartnerError::NoFlag`], as for [`Partner::put_forward`];
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`];
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn answer(
        &mut self,
        address: &AddressKey,
        answer: AskAnswer,
        by: &Case,
        now: Timestamp,
    ) -> Result<(), PartnerError> {
        if answer == AskAnswer::Join {
            self.member.permit(|may| may.flag, "flag, and so put nothing forward")?;
            self.member.meet()?;
        }
        let mut transaction = self.data.begin(now)?;
        let (state, today) = (transaction.view(), transaction.now().day());
        if !state.after_hit.asked.iter().any(|asked| asked.address == *address) {
            return Err(PartnerError::NotPutForward);
        }
        if answer == AskAnswer::Join && !state.flags.covers(address) {
            return Err(PartnerError::NoFlag { missing: 1 });
        }
        let joins = answer == AskAnswer::Join;
        let agreed = joins.then(|| agreed_now(&self.member, state, today)).transpose()?;
        let event = TalkEvent::Answered { address: *address, answer, agreed };
        transaction.record(Some(by), JournalEvent::Talk(event))?;
        transaction.keep();
        Ok(())
    }
}

/// Without the address.
impl fmt::Debug for PutForwardByOther {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PutForwardByOther(on {}, answer by {}, {:?}, ..)", self.day, self.answer_by, self.answer)
    }
}
