//! What others put forward that this partner flags too, and what its people answer.

use std::fmt;

use super::super::error::PartnerError;
use super::super::member::Member;
use super::super::record::JournalEvent;
use super::super::state::PartnerState;
use super::super::{Case, Partner};
use super::agreement::Agreement;
use super::record::{AskAnswer, TalkEvent};
use super::rows::{refuse_putting_forward, to_put_forward};
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
    /// as [`Partner::put_forward`] does; the other answers take back what is put forward here, and nobody is told of
    /// them.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPutForward`] where nobody put it forward; for a join [`PartnerError::NotPermitted`],
    /// [`PartnerError::Level`], [`PartnerError::NoFlag`] and [`PartnerError::NoEpoch`], as for
    /// [`Partner::put_forward`];
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
        let mut transaction = self.data.begin(now)?;
        let agreed = to_answer(&self.member, transaction.view(), (address, answer), transaction.now().day())?;
        let event = TalkEvent::Answered { address: *address, answer, agreed };
        transaction.record(Some(by), JournalEvent::Talk(event))?;
        transaction.keep();
        Ok(())
    }
}

/// What an answer on a day agrees to, where it is to join.
pub(super) fn to_answer(
    member: &Member,
    state: &PartnerState,
    (address, answer): (&AddressKey, AskAnswer),
    today: Day,
) -> Result<Option<Agreement>, PartnerError> {
    let joins = answer == AskAnswer::Join;
    if joins {
        refuse_putting_forward(member)?;
    }
    if !state.after_hit.is_asked(address, today) {
        return Err(PartnerError::NotPutForward);
    }
    let agreed = joins.then(|| to_put_forward(member, state, vec![*address], today)).transpose()?;
    Ok(agreed.map(|(_, agreed)| agreed))
}

/// Without the address.
impl fmt::Debug for PutForwardByOther {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PutForwardByOther(on {}, answer by {}, {:?}, ..)", self.day, self.answer_by, self.answer)
    }
}
