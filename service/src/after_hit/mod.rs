//! What people read of what comes after a hit, in Dutch and in English: on the command line and on the pages.
//!
//! - here: what a note, an answer and an outcome are called, and how far a note came;
//! - `agenda`: the coordinator's agenda; `audience`: who would learn what; [`json`]: for programs.

mod agenda;
mod audience;
pub mod json;

use stapel::Day;
use stapel::partner::{AskAnswer, NoteProgress, PutOffReason};
use stapel::policy::Lang;
use stapel::talk::Outcome;

pub use agenda::{AgendaWords, agenda, ended, in_order, waits_for};
pub use audience::{Audience, joined_names, present};

/// What stands there in Dutch, or in English.
fn t<T>(lang: Lang, dutch: T, english: T) -> T {
    if lang == Lang::En { english } else { dutch }
}

/// How a conversation ended.
pub fn outcome(outcome: Outcome, lang: Lang) -> &'static str {
    match outcome {
        Outcome::Together => t(lang, "samen opgepakt", "taken up together"),
        Outcome::ByOne => t(lang, "door één opgepakt", "taken up by one"),
        Outcome::NotTakenUp => t(lang, "niet opgepakt", "not taken up"),
        Outcome::NothingFound => t(lang, "niets gevonden", "nothing found"),
        Outcome::WrongSignal => t(lang, "verkeerd signaal", "wrong signal"),
        _ => t(lang, "op een manier die deze versie niet kent", "in a way that this version does not know"),
    }
}

/// What somebody answers where another put an own flag forward.
pub fn answer(answer: AskAnswer, lang: Lang) -> &'static str {
    match answer {
        AskAnswer::Join => t(lang, "meedoen", "join"),
        AskAnswer::NotNow => t(lang, "nu niet", "not now"),
        AskAnswer::Review => t(lang, "mijn melding nakijken", "review my flag"),
        _ => t(lang, "iets dat deze versie niet kent", "something that this version does not know"),
    }
}

/// How far an own note came. `shown` writes a day.
pub fn progress(progress: NoteProgress, lang: Lang, shown: impl Fn(Day) -> String) -> String {
    let text = match progress {
        NoteProgress::Waiting => t(
            lang,
            "gaat mee met een van de volgende uitwisselingen",
            "goes with one of the next exchanges with the broker",
        ),
        NoteProgress::PutOff(day, PutOffReason::TooManyWait) => {
            let day = shown(day);
            return t(
                lang,
                format!(
                    "de teller nam het op {day} niet aan, want daar wachten veel berichten op die ander; het gaat de \
                     volgende dag opnieuw, en komt door zodra er een paar zijn opgehaald"
                ),
                format!(
                    "the broker did not take it on {day}, since many notes wait there for that one; it goes again on \
                     the next day, and comes through once some were fetched"
                ),
            );
        }
        NoteProgress::PutOff(day, _) => {
            let day = shown(day);
            return t(
                lang,
                format!(
                    "de teller nam het op {day} niet aan, want de berichten van deze organisatie waren die dag op; het \
                     gaat de volgende dag"
                ),
                format!(
                    "the broker did not take it on {day}, since this organisation's notes of that day were spent; it \
                     goes on the next"
                ),
            );
        }
        NoteProgress::Kept => t(lang, "bij de teller, en nog niet gelezen", "at the broker, and not read yet"),
        NoteProgress::Read => t(lang, "gelezen", "read"),
        NoteProgress::NotIntroduced => {
            t(lang, "niet aangenomen, want een van beiden is vertrokken", "not taken, because one of the two left")
        }
        _ => t(lang, "op een manier die deze versie niet kent", "in a way that this version does not know"),
    };
    text.to_owned()
}
