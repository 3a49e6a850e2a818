//! What waits for this partner's people after a hit, in numbers.

use super::super::Partner;
use super::known::{CopyProgress, PutOffReason};
use super::news::TalkNews;
use crate::day::Day;
use crate::talk::NoteContent;

/// What waits for people after a hit, and what the broker has not taken. These are numbers and days alone, for a
/// status: whoever is shown what is behind them is in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TalkDue {
    /// What others put forward and nobody here answered: [`Partner::asked`].
    pub unanswered: usize,
    /// Since which day the oldest of these waits.
    pub unanswered_since: Option<Day>,
    /// Of these, those whose last day to answer is over.
    pub late: usize,
    /// The first day by which one of them was or is to be answered.
    pub answer_by: Option<Day>,
    /// Notes and decisions that nobody was shown: [`Partner::talk_news`].
    pub unread: usize,
    /// What was put forward before today and does not stand at the broker: [`Partner::put_forward_rows`].
    pub not_standing: usize,
    /// The day on which the oldest of these was put forward.
    pub not_standing_since: Option<Day>,
    /// Whether the organisation's budget of rows was spent, when the broker last said so.
    pub rows_spent: bool,
    /// Own notes that the broker does not have, each counted for each whom it is for.
    pub not_brought: usize,
    /// The day on which the oldest of these was written.
    pub not_brought_since: Option<Day>,
    /// Of these, those that the broker put off: because the organisation's notes of the day were spent
    /// ([`PutOffReason::DaySpent`]) or too many wait for the other.
    pub put_off: usize,
    /// Of those, the ones that were put off because too many wait for the other ([`PutOffReason::TooManyWait`]).
    pub too_many_wait: usize,
    /// Conversations that wait for the coordinator: [`Partner::agenda`]. At another partner 0.
    pub undecided: usize,
    /// Since which day the oldest of these waits.
    pub undecided_since: Option<Day>,
}

impl Partner {
    /// What waits for people after a hit, as of `today`.
    pub fn talk_due(&self, today: Day) -> TalkDue {
        let known = &self.data.state().after_hit;
        let open = self.asked().filter(|asked| asked.answer.is_none() && !asked.is_put_forward);
        let open: Vec<(Day, Day)> = open.map(|asked| (asked.day, asked.answer_by)).collect();
        let is_unread = |news: &&TalkNews| matches!(news, TalkNews::Note { .. } | TalkNews::Decision { .. });
        let rows = self.put_forward_rows().filter(|row| row.since < today && !row.ended);
        let rows = rows.filter(|row| row.stands_until.is_none_or(|last| last < today));
        let not_standing: Vec<Day> = rows.map(|row| row.since).collect();
        let unsent = known.conversations.iter().flat_map(|one| one.unsent());
        let written = unsent.filter(|(note, _)| note.content != NoteContent::Read);
        let not_brought: Vec<_> = written.map(|(note, copy)| (note, copy.progress)).collect();
        let reasons = not_brought.iter().filter_map(|(_, progress)| match progress {
            CopyProgress::PutOff { reason, .. } => Some(*reason),
            _ => None,
        });
        let put_off: Vec<PutOffReason> = reasons.collect();
        let undecided: Vec<Day> = self.waiting_since(today).collect();
        TalkDue {
            unanswered: open.len(),
            unanswered_since: open.iter().map(|(day, _)| *day).min(),
            late: open.iter().filter(|(_, answer_by)| *answer_by < today).count(),
            answer_by: open.iter().map(|(_, answer_by)| *answer_by).min(),
            unread: known.news.iter().filter(is_unread).count(),
            not_standing: not_standing.len(),
            not_standing_since: not_standing.iter().min().copied(),
            rows_spent: known.room.is_some_and(|(_, room)| room == 0),
            not_brought: not_brought.len(),
            not_brought_since: not_brought.iter().map(|(note, _)| note.time.day()).min(),
            put_off: put_off.len(),
            too_many_wait: put_off.iter().filter(|reason| **reason == PutOffReason::TooManyWait).count(),
            undecided: undecided.len(),
            undecided_since: undecided.iter().min().copied(),
        }
    }
}
