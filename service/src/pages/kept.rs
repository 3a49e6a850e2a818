//! What is kept in memory of somebody between two requests: a spreadsheet until its columns are confirmed; what they
//! are about to do until they confirm it, once; and rows that were refused until they are mended. A restart forgets it,
//! and what was not confirmed by then is not done.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stapel::Timestamp;

use super::screens::{Deed, Outcome};
use super::secret::{Fingerprint, fingerprint, random_text};

/// How long something waits to be confirmed, in seconds; and how long it is known that it was done.
const LONGEST: u64 = 3_600;

/// The most that waits to be confirmed, or was, of all people.
const MOST: usize = 100;

/// The most of one session.
const MOST_OF_ONE: usize = 5;

/// The most questions of which a form itself has what is asked: some 200 bytes each.
const MOST_QUESTIONS: usize = 1_000;

/// The most of these of one session.
const MOST_QUESTIONS_OF_ONE: usize = 50;

/// The most rows of all that waits to be confirmed: some 150 bytes each.
const MOST_ROWS: usize = 200_000;

/// The most spreadsheets, of one session one: 4 MiB each at most.
const MOST_UPLOADS: usize = 16;

/// The most people of whom refused rows are kept.
const MOST_PEOPLE: usize = 100;

/// All of it.
#[derive(Default)]
pub(super) struct Kept(Mutex<All>);

#[derive(Default)]
struct All {
    /// By the token that the page which asks to confirm has in it.
    deeds: HashMap<String, Waiting>,
    /// By the token of the form that asks.
    questions: HashMap<String, Question>,
    /// By the token that the page on its columns has in it.
    uploads: HashMap<String, WaitingUpload>,
    /// By who acts.
    refused: HashMap<String, Refused>,
    /// Counts what was kept, so that of two of one second the older is known.
    count: u64,
}

struct Waiting {
    /// The session's text of forms.
    session: String,
    since: Timestamp,
    number: u64,
    state: State,
}

/// A question whose form has in it what is asked, for which this is known alone.
struct Question {
    session: String,
    since: Timestamp,
    number: u64,
    /// What is asked, so that with this token nothing else is confirmed.
    what: Fingerprint,
    is_confirmed: bool,
}

/// What is known of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Open,
    /// It was confirmed before.
    Confirmed,
    /// It is of another session, of something else, too old, or of before a restart.
    Unknown,
}

struct WaitingUpload {
    session: String,
    since: Timestamp,
    number: u64,
    upload: Upload,
}

/// A spreadsheet that somebody gave.
#[derive(Clone)]
pub(super) struct Upload {
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) case: String,
}

enum State {
    Open(Deed),
    Done(Outcome),
}

/// Rows that were refused, as they were given.
#[derive(Clone)]
pub(super) struct Refused {
    /// When.
    pub(super) since: Timestamp,
    /// For which case they were given.
    pub(super) case: String,
    pub(super) rows: Vec<RefusedRow>,
    /// They as a file like the one that they came in; `None` where they were typed.
    pub(super) file: Option<Vec<u8>>,
}

/// One of them.
#[derive(Clone)]
pub(super) struct RefusedRow {
    /// Counted from 1.
    pub(super) line: u64,
    pub(super) text: String,
    /// Why, by its stable code, and in a sentence of each language.
    pub(super) code: String,
    pub(super) dutch: String,
    pub(super) english: String,
}

/// What a token stands for.
pub(super) enum Found {
    Open(Deed),
    /// It was confirmed before.
    Done(Outcome),
    /// It is of another session, too old, or of before a restart.
    Unknown,
}

impl Kept {
    /// Keeps what is to be confirmed, under a token; `None` where the system has no random bits.
    pub(super) fn ask(&self, session: &str, deed: Deed, now: Timestamp) -> Option<String> {
        let token = random_text()?;
        let mut all = self.all();
        all.deeds.retain(|_, waiting| now.since(waiting.since) < LONGEST);
        let is_own = |waiting: &Waiting| waiting.session == session;
        while all.deeds.values().filter(|waiting| is_own(waiting)).count() >= MOST_OF_ONE {
            drop_oldest(&mut all.deeds, |waiting| waiting.number, is_own);
        }
        while !all.deeds.is_empty() && (all.deeds.len() >= MOST || all.rows() + deed.rows.len() > MOST_ROWS) {
            drop_oldest(&mut all.deeds, |waiting| waiting.number, |_| true);
        }
        let (session, number) = (session.to_owned(), all.next());
        all.deeds.insert(token.clone(), Waiting { session, since: now, number, state: State::Open(deed) });
        Some(token)
    }

    /// What a token stands for. Whoever does it has the partner meanwhile, so that nobody finds it open twice.
    pub(super) fn find(&self, session: &str, token: &str, now: Timestamp) -> Found {
        let all = self.all();
        let waiting = all.deeds.get(token);
        match waiting.filter(|waiting| waiting.session == session && now.since(waiting.since) < LONGEST) {
            Some(Waiting { state: State::Open(deed), .. }) => Found::Open(deed.clone()),
            Some(Waiting { state: State::Done(outcome), .. }) => Found::Done(outcome.clone()),
            None => Found::Unknown,
        }
    }

    /// It was done.
    pub(super) fn done(&self, token: &str, outcome: &Outcome) {
        if let Some(waiting) = self.all().deeds.get_mut(token) {
            waiting.state = State::Done(outcome.clone());
        }
    }

    /// A token for a form that asks to confirm `what`; `None` where the system has no random bits.
    pub(super) fn ask_for(&self, session: &str, what: &str, now: Timestamp) -> Option<String> {
        let token = random_text()?;
        let mut all = self.all();
        all.questions.retain(|_, question| now.since(question.since) < LONGEST);
        let is_own = |question: &Question| question.session == session;
        while all.questions.values().filter(|question| is_own(question)).count() >= MOST_QUESTIONS_OF_ONE {
            drop_oldest(&mut all.questions, |question| question.number, is_own);
        }
        while all.questions.len() >= MOST_QUESTIONS {
            drop_oldest(&mut all.questions, |question| question.number, |_| true);
        }
        let (session, number, what) = (session.to_owned(), all.next(), fingerprint(what));
        all.questions.insert(token.clone(), Question { session, since: now, number, what, is_confirmed: false });
        Some(token)
    }

    /// What is known of the question of a token. Whoever confirms it has the partner meanwhile, as in [`Kept::find`].
    pub(super) fn asked(&self, session: &str, token: &str, what: &str, now: Timestamp) -> Asked {
        let all = self.all();
        let question = all.questions.get(token).filter(|question| {
            question.session == session && question.what == fingerprint(what) && now.since(question.since) < LONGEST
        });
        match question.map(|question| question.is_confirmed) {
            Some(true) => Asked::Confirmed,
            Some(false) => Asked::Open,
            None => Asked::Unknown,
        }
    }

    /// It was confirmed and done.
    pub(super) fn confirmed(&self, token: &str) {
        if let Some(question) = self.all().questions.get_mut(token) {
            question.is_confirmed = true;
        }
    }

    /// Keeps a spreadsheet, in the place of the session's one before, under a token; `None` where the system has no
    /// random bits.
    pub(super) fn take(&self, session: &str, upload: Upload, now: Timestamp) -> Option<String> {
        let token = random_text()?;
        let mut all = self.all();
        all.uploads.retain(|_, waiting| now.since(waiting.since) < LONGEST && waiting.session != session);
        while all.uploads.len() >= MOST_UPLOADS {
            drop_oldest(&mut all.uploads, |waiting| waiting.number, |_| true);
        }
        let (session, number) = (session.to_owned(), all.next());
        all.uploads.insert(token.clone(), WaitingUpload { session, since: now, number, upload });
        Some(token)
    }

    /// The spreadsheet of a token.
    pub(super) fn upload(&self, session: &str, token: &str, now: Timestamp) -> Option<Upload> {
        let all = self.all();
        let waiting = all.uploads.get(token);
        let waiting = waiting.filter(|waiting| waiting.session == session && now.since(waiting.since) < LONGEST);
        waiting.map(|waiting| waiting.upload.clone())
    }

    /// Forgets the rows of somebody that were refused.
    pub(super) fn forget_refused(&self, actor: &str) {
        self.all().refused.remove(actor);
    }

    /// Keeps the rows of somebody that were refused, in the place of those before.
    pub(super) fn refuse(&self, actor: &str, refused: Refused) {
        if refused.rows.is_empty() {
            return self.forget_refused(actor);
        }
        let mut all = self.all();
        if all.refused.len() >= MOST_PEOPLE && !all.refused.contains_key(actor) {
            let oldest = all.refused.iter().min_by_key(|(_, refused)| refused.since).map(|(actor, _)| actor.clone());
            oldest.into_iter().for_each(|oldest| drop(all.refused.remove(&oldest)));
        }
        all.refused.insert(actor.to_owned(), refused);
    }

    /// The rows of somebody that were refused.
    pub(super) fn refused(&self, actor: &str) -> Option<Refused> {
        self.all().refused.get(actor).cloned()
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// How many rows wait to be confirmed.
    fn rows(&self) -> usize {
        let rows = |waiting: &Waiting| match &waiting.state {
            State::Open(deed) => deed.rows.len() + deed.refused.len(),
            State::Done(_) => 0,
        };
        self.deeds.values().map(rows).sum()
    }
}

/// Drops the one that was kept first, by its number, of those that `of` says.
fn drop_oldest<T>(kept: &mut HashMap<String, T>, number: impl Fn(&T) -> u64, of: impl Fn(&T) -> bool) {
    let candidates = kept.iter().filter(|(_, one)| of(one));
    if let Some(token) = candidates.min_by_key(|(_, one)| number(one)).map(|(token, _)| token.clone()) {
        kept.remove(&token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    #[test]
    fn a_question_is_confirmed_once_by_whom_it_was_put_to_in_time_and_for_what_it_asked() {
        let kept = Kept::default();
        let token = kept.ask_for("jo", "join 1012JS|1|A", NOW).unwrap();
        let late = Timestamp(NOW.0 + LONGEST);
        for (session, what, now) in
            [("mo", "join 1012JS|1|A", NOW), ("jo", "join 1012JS|1|B", NOW), ("jo", "join 1012JS|1|A", late)]
        {
            assert_eq!(kept.asked(session, &token, what, now), Asked::Unknown);
        }
        let asked = || kept.asked("jo", &token, "join 1012JS|1|A", NOW);
        assert_eq!(asked(), Asked::Open);
        kept.confirmed(&token);
        assert_eq!((asked(), asked()), (Asked::Confirmed, Asked::Confirmed));
        assert_eq!(kept.asked("jo", "", "join 1012JS|1|A", NOW), Asked::Unknown);
        // Of many, the one that was asked first is forgotten, which does nothing again.
        (0..MOST_QUESTIONS_OF_ONE).for_each(|_| drop(kept.ask_for("jo", "", NOW).unwrap()));
        assert_eq!(asked(), Asked::Unknown);
    }
}
