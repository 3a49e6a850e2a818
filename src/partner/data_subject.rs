//! Requests by data subjects who ask what is known of them: when each came and how it was answered. No name of a person
//! and no address is noted; what the answer was made of, the dossiers of that case show.

use super::error::PartnerError;
use super::record::JournalEvent;
use super::request_answer::RequestAnswered;
use super::{Case, Partner};
use crate::day::{Day, Timestamp};

/// A request by a data subject, as it was noted last.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataSubjectRequest {
    /// Under which case it was noted, by whom last, and how that came in.
    pub by: Case,
    /// When it was noted last.
    pub noted: Timestamp,
    /// The day on which it came.
    pub received: Day,
    /// `None` while it waits for its answer.
    pub answered: Option<RequestAnswered>,
}

impl DataSubjectRequest {
    /// The day by which it must be answered: a month after it came (GDPR, article 12(3)).
    pub fn answer_by(&self) -> Day {
        self.received.month_later()
    }
}

impl Partner {
    /// Notes a request by a data subject, or its answer: what was noted under the same case before no longer counts.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] for a day that is still to be, or an answer from before the request;
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`], [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn note_data_subject_request(
        &mut self,
        received: Day,
        answered: Option<RequestAnswered>,
        by: &Case,
        now: Timestamp,
    ) -> Result<(), PartnerError> {
        let today = self.data.at(now)?.day();
        let refused = |finding| Err(PartnerError::NotPermitted { finding });
        if let Some(day) = [Some(received), answered.map(|answered| answered.day)].into_iter().flatten().max()
            && day > today
        {
            return refused(format!("{day} is still to be: give the day on which it came or was answered"));
        }
        if let Some(RequestAnswered { day, .. }) = answered.filter(|answered| answered.day < received) {
            return refused(format!("an answer on {day} is from before the request, which came on {received}"));
        }
        self.data.record(now, Some(by), JournalEvent::RequestNoted { received, answered })
    }

    /// The requests by data subjects, in the order in which they were noted first. What was pruned is not among them
    /// ([`Partner::pruned`]). To look at them is no act that the journal has: they are about no address.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn data_subject_requests(&self) -> Result<Vec<DataSubjectRequest>, PartnerError> {
        let mut requests: Vec<DataSubjectRequest> = Vec::new();
        self.data.journal().read(|_, record| {
            let (JournalEvent::RequestNoted { received, answered }, Some(by)) = (record.event, record.by) else {
                return;
            };
            let noted = DataSubjectRequest { by, noted: record.time, received, answered };
            match requests.iter_mut().find(|known| known.by.reference() == noted.by.reference()) {
                Some(known) => *known = noted,
                None => requests.push(noted),
            }
        })?;
        Ok(requests)
    }
}
