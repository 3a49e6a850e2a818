//! What waits for this partner's people after a hit, in numbers.

use super::super::Partner;
use super::news::TalkNews;
use super::state::CopyProgress;
use crate::day::Day;

/// What waits for people after a hit, and what the broker has not taken. These are numbers alone, for a status: whoever
/// is shown what is behind them is in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TalkDue {
    /// What others put forward and nobody here answered: [`Partner::asked`].
    pub unanswered: usize,
    /// Of these, those whose last day to answer is over.
    pub late: usize,
    /// The first day by which one of them was or is to be answered.
    pub answer_by: Option<Day>,
    /// Notes and decisions that nobody was shown: [`Partner::talk_news`].
    pub unread: usize,
    /// What was put forward before today and does not stand at the broker: [`Partner::put_forward_rows`].
    pub not_standing: usize,
    /// Whether the organisation's budget of rows was spent, when the broker last said so.
    pub rows_spent: bool,
    /// Own notes that the broker put off, each counted for each whom it is for, because the organisation's notes of the
    /// day were spent or too many wait for the other.
    pub put_off: usize,
}

impl Partner {
    /// What waits for people after a hit, as of `today`.
    pub fn talk_due(&self, today: Day) -> TalkDue {
        let known = &self.data.state().after_hit;
        let open: Vec<Day> = self
            .asked()
            .filter(|asked| asked.answer.is_none() && !asked.is_put_forward)
            .map(|asked| asked.answer_by)
            .collect();
        let is_unread = |news: &&TalkNews| matches!(news, TalkNews::Note { .. } | TalkNews::Decision { .. });
        let rows = self.put_forward_rows().filter(|row| row.since < today && !row.ended);
        let copies = known.conversations.iter().flat_map(|one| &one.notes).flat_map(|note| &note.copies);
        TalkDue {
            unanswered: open.len(),
            late: open.iter().filter(|day| **day < today).count(),
            answer_by: open.iter().min().copied(),
            unread: known.news.iter().filter(is_unread).count(),
            not_standing: rows.filter(|row| row.stands_until.is_none_or(|last| last < today)).count(),
            rows_spent: known.room.is_some_and(|(_, room)| room == 0),
            put_off: copies.filter(|copy| matches!(copy.progress, CopyProgress::PutOff { .. })).count(),
        }
    }
}
