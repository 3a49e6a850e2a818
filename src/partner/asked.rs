//! Questions that were asked in named requests: a program that lost a reply makes its request again, and asks nothing
//! twice.

use super::Partner;
use super::ask::chunks;
use super::asked_index::{KnownQuestion, about};
use super::case::Case;
use super::error::PartnerError;
use super::read::Answered;
use super::record::{JournalEvent, JournalRecord};
use crate::address::AddressKey;
use crate::digest::Digest;
use crate::message::Code;
use crate::slug::Slug;

/// What is known of the question of a named request; of a large one, of its questions together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedRequest {
    /// Who asked, and for which case.
    pub by: Case,
    /// What came of it.
    pub state: AskedState,
    /// What was answered so far, in the order in which it was asked.
    pub answers: Vec<Answered>,
    /// What each of the questions was about.
    about: Vec<Digest>,
    /// Whether it was about all own flags.
    own: bool,
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskedState {
    /// The broker's answer is waited for.
    Waiting,
    /// It was answered.
    Answered,
    /// The broker did not accept it; with its code, where that is known.
    Rejected(Option<Code>),
    /// It was given up, or never left: asked again, it is another question.
    Dropped,
}

impl Partner {
    /// What is known of the question that was asked in the request that `by` names, through the same caller; `None`
    /// where none was within 30 days, or `by` names no request. Who asked it may be others than `by` says:
    /// [`AskedRequest::by`] has them.
    ///
    /// The first call reads the whole journal.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn asked_in(&mut self, by: &Case) -> Result<Option<AskedRequest>, PartnerError> {
        self.data.refresh()?;
        self.data.know_requests()?;
        let (journal, state) = (self.data.journal(), self.data.state());
        let Some(requests) = self.data.requests() else { return Ok(None) };
        let mut questions = requests.of(by);
        let is_open = |record: u64| state.questions.iter().any(|open| open.record == record);
        let is_lost = |(record, known): &(u64, &KnownQuestion)| {
            known.answered.is_none() && known.rejected.is_none() && !known.is_given_up && !is_open(*record)
        };
        // A crash came between the record of a question and its message, and the request was made again.
        if !questions.iter().all(is_lost) {
            questions.retain(|question| !is_lost(question));
        }
        let Some((_, first)) = questions.first() else { return Ok(None) };
        let Some(by) = journal.read_at(first.asked)?.by else { return Ok(None) };
        let (answers, about, own) = (Vec::new(), Vec::new(), first.own);
        let mut asked = AskedRequest { by, state: AskedState::Answered, answers, about, own };
        for (record, known) in questions {
            asked.about.push(known.about);
            let came = match (known.answered, known.rejected) {
                (Some(place), _) => {
                    asked.answers.extend(answered(journal.read_at(known.asked)?, journal.read_at(place)?));
                    continue;
                }
                (None, _) if is_open(record) => AskedState::Waiting,
                (None, Some(code)) => AskedState::Rejected(Code::ALL.into_iter().find(|known| *known as u8 == code)),
                (None, None) => AskedState::Dropped,
            };
            // As long as one is waited for, so is the whole.
            if asked.state != AskedState::Waiting {
                asked.state = came;
            }
        }
        Ok(Some(asked))
    }
}

impl AskedRequest {
    /// Whether it is about these addresses, for this reason of a sweep or none, and was not asked about all own flags.
    pub fn is_about(&self, addresses: &[AddressKey], sweep: Option<&Slug>) -> bool {
        let given = chunks(addresses).into_iter().map(|rows| about(rows, sweep));
        !self.own && given.eq(self.about.iter().copied())
    }

    /// Whether it is about all own flags ([`Partner::ask_own`]), whichever those were when it was asked.
    pub fn is_about_own(&self) -> bool {
        self.own
    }
}

fn answered(asking: JournalRecord, answer: JournalRecord) -> Option<Answered> {
    match (asking.by, asking.event, answer.event) {
        (
            Some(by),
            JournalEvent::Asking { addresses, typed, .. },
            JournalEvent::Answered { answer: head, standings, .. },
        ) => Some(Answered::new(by, head, addresses.into_iter().zip(standings).collect(), typed)),
        _ => None,
    }
}
