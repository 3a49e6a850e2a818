//! The officer's page on requests by data subjects: when each came, by when it must be answered, and how it was. No
//! name of a person and no address is on it.

use maud::{Markup, html};
use stapel::Day;
use stapel::partner::{DataSubjectRequest, RequestAnswer, RequestAnswered};

use super::Visit;
use super::forms::{Wrong, summary};
use super::officer_form::{self as form, BY, Field};
use crate::journal_words;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The columns of the list, in Dutch and in English.
const COLUMNS: [(&str, &str); 5] =
    [("Zaak", "Case"), ("Ontvangen", "Received"), ("Antwoord", "Answer"), ("Genoteerd", "Noted"), BY[0]];

/// What is noted, as it was typed.
#[derive(Default)]
struct Typed {
    case: String,
    received: String,
    answer: String,
    answered: String,
}

/// What became of what somebody noted.
#[derive(Clone, Copy)]
enum Noted {
    Now,
    /// It says the same as what was noted before.
    Before,
}

/// What is seen.
struct View<'a> {
    csrf: &'a str,
    typed: Typed,
    wrong: Option<Wrong>,
    noted: Option<Noted>,
    requests: Vec<DataSubjectRequest>,
    today: Day,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    shown(visit, Typed::default(), None, None)
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let text = |name| fields.filled(name).unwrap_or_default().to_owned();
    let typed =
        Typed { case: text("case"), received: text("received"), answer: text("answer"), answered: text("answered") };
    match read(&typed, visit.now.day()) {
        Err(wrong) => shown(visit, typed, Some(wrong), None),
        Ok((received, answered)) => {
            let by = visit.person.acting_for(&typed.case)?;
            let is_same = |known: &DataSubjectRequest| {
                known.by.reference() == typed.case && (known.received, known.answered) == (received, answered)
            };
            // The same form sent twice, as by a double click.
            if visit.partner.data_subject_requests()?.iter().any(is_same) {
                return shown(visit, Typed::default(), None, Some(Noted::Before));
            }
            visit.partner.note_data_subject_request(received, answered, &by, visit.now)?;
            shown(visit, Typed::default(), None, Some(Noted::Now))
        }
    }
}

fn shown(visit: &mut Visit<'_>, typed: Typed, wrong: Option<Wrong>, noted: Option<Noted>) -> Result<Markup, Refusal> {
    let mut requests = visit.partner.data_subject_requests()?;
    // Those that wait come first, the earliest due of them at the top; then those that were answered, the latest first.
    requests.sort_by_key(|request| match request.answered {
        None => (0, request.received.0),
        Some(answered) => (1, u16::MAX - answered.day.0),
    });
    let view = View { csrf: visit.csrf, typed, wrong, noted, requests, today: visit.now.day() };
    Ok(markup(visit.words, &view))
}

/// What is to be noted.
fn read(typed: &Typed, today: Day) -> Result<(Day, Option<RequestAnswered>), Wrong> {
    form::refuse_case(&typed.case)?;
    let received = form::day("received", &typed.received)?;
    let received = received.filter(|day| *day <= today).ok_or(Wrong::new(
        "received",
        "Wanneer kwam het verzoek? Geef een dag tot en met vandaag.",
        "When did the request come? Give a day up to today.",
    ))?;
    let answer = RequestAnswer::ALL.into_iter().find(|answer| answer.as_str() == typed.answer);
    let day = form::day("answered", &typed.answered)?;
    match (answer, day) {
        (None, None) if typed.answer.is_empty() => Ok((received, None)),
        (Some(answer), Some(day)) if (received..=today).contains(&day) => {
            Ok((received, Some(RequestAnswered { day, answer })))
        }
        (None, _) => {
            let dutch = "Hoe is het verzoek beantwoord? Kies een antwoord bij deze dag, of laat de dag leeg.";
            let english = "How was the request answered? Choose an answer for this day, or leave the day empty.";
            Err(Wrong::new("answer", dutch, english))
        }
        (Some(_), _) => {
            let dutch = "Wanneer is het beantwoord? Geef een dag vanaf het verzoek tot en met vandaag.";
            let english = "When was it answered? Give a day from the request up to today.";
            Err(Wrong::new("answered", dutch, english))
        }
    }
}

fn markup(words: Words, view: &View<'_>) -> Markup {
    let View { csrf, typed, wrong, noted, requests, today } = view;
    let wrong = wrong.as_ref();
    let field = |name, label, kind, value: &str, is_needed| {
        form::field(words, wrong, &Field { name, label, kind, value, is_needed })
    };
    let is_wrong = wrong.is_some_and(|wrong| wrong.field == "answer");
    html! {
        p {
            (words.t(
                "Verzoeken van mensen die vragen wat over hen bekend is. Noteer hier geen naam en geen adres: alleen \
                 uw zaaknummer, wanneer het verzoek kwam, en wanneer en hoe het is beantwoord.",
                "Requests by people who ask what is known of them. Note no name and no address here: only the number \
                 of your case, when the request came, and when and how it was answered.",
            ))
        }
        @if let Some(noted) = noted {
            p.done role="status" {
                (match noted {
                    Noted::Now => words.t("Genoteerd.", "Noted."),
                    Noted::Before => words.t("Dit stond er al, en blijft zoals het is.", "This was noted before."),
                })
            }
        }
        (summary(words, wrong))
        form method="post" action={ "/" (words.lang()) "/requests" } {
            input type="hidden" name="csrf" value=(csrf);
            fieldset {
                legend {
                    (words.t("Een verzoek of het antwoord daarop", "A request, or the answer to one"))
                }
                p.hint {
                    (words.t(
                        "Wat u onder dezelfde zaak eerder noteerde, wordt hierdoor vervangen.",
                        "What you noted under the same case before is replaced by this.",
                    ))
                }
                div.fields {
                    (field("case", ("Zaak", "Case"), "text", &typed.case, true))
                    (field("received", ("Ontvangen op", "Received on"), "date", &typed.received, true))
                    div.field {
                        label for="answer" { (words.t("Antwoord", "Answer")) }
                        select #answer name="answer" aria-invalid=[is_wrong.then_some("true")]
                            aria-describedby=[is_wrong.then_some("wrong")] {
                            option value="" { (words.t("nog niet beantwoord", "not answered yet")) }
                            @for answer in RequestAnswer::ALL {
                                option value=(answer.as_str()) selected[answer.as_str() == typed.answer] {
                                    (journal_words::request_answer(answer, words.0))
                                }
                            }
                        }
                    }
                    (field("answered", ("Beantwoord op", "Answered on"), "date", &typed.answered, false))
                }
            }
            button type="submit" { (words.t("Noteren", "Note")) }
        }
        section aria-labelledby="noted" {
            h2 #noted { (words.t("Verzoeken", "Requests")) ": " (words.number(requests.len() as u64)) }
            @if requests.is_empty() {
                p { (words.t("Er is nog geen verzoek genoteerd.", "No request was noted yet.")) }
            } @else {
                (form::table(words, &COLUMNS, requests.iter().map(|request| one(words, request, *today))))
            }
        }
    }
}

fn one(words: Words, request: &DataSubjectRequest, today: Day) -> Vec<Markup> {
    let due = request.answer_by();
    vec![
        html! { (request.by.reference()) },
        html! { (words.day(request.received)) },
        html! {
            @match request.answered {
                Some(answered) => {
                    (words.day(answered.day)) ": " (journal_words::request_answer(answered.answer, words.0))
                    @if answered.day > due {
                        " " span.fault {
                            (words.t("(te laat: moest uiterlijk op ", "(late: was due by ")) (words.day(due)) ")"
                        }
                    }
                }
                None if due < today => span.fault {
                    (words.t("te laat: moest uiterlijk op ", "late: was due by ")) (words.day(due))
                }
                None => { (words.t("uiterlijk op ", "due by ")) (words.day(due)) }
            }
        },
        html! { (words.moment(request.noted)) },
        html! { (request.by.actor()) },
    ]
}
