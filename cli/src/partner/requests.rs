//! Requests by data subjects, for a privacy officer: `partner note-request` and `partner requests`.

use std::io::Write;

use serde_json::json;
use stapel::Day;
use stapel::partner::{DataSubjectRequest, RequestAnswer, RequestAnswered};
use stapel::policy::Lang;
use stapel_service::journal_words;

use super::acting::{CaseArgs, named};
use super::{PartnerFolder, report};
use crate::failure::{Failure, note};
use crate::now::Clock;
use crate::output::Output;

/// Note a request by a data subject, or how it was answered
///
/// Under the case for which it was looked up. What was noted under that case before no longer counts. No name of a
/// person and no address is noted: give none in the case.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  stapel partner note-request --dir police --actor f.officer --case REQUEST-7 \
                        --received 2027-03-01\n  \
                        stapel partner note-request --dir police --actor f.officer --case REQUEST-7 --answer told")]
pub(super) struct NoteRequestArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// The day on which it came, as 2027-03-01 [default: as noted under this case before, or today]
    #[arg(long, value_name = "DAY")]
    received: Option<Day>,
    /// How it was answered: told, nothing-known, changed, refused or taken-back; without it the request waits
    #[arg(long, value_name = "HOW", value_parser = answer)]
    answer: Option<RequestAnswer>,
    /// The day on which it was answered [default: today]
    #[arg(long, value_name = "DAY", requires = "answer")]
    answered: Option<Day>,
    #[command(flatten)]
    clock: Clock,
}

/// Print the requests by data subjects: when each came, by when to answer, and how it was answered
///
/// Those that wait come first, the earliest due of them at the top. No address is in it, so nothing of it is noted.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner requests --dir police")]
pub(super) struct RequestsArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

fn answer(text: &str) -> Result<RequestAnswer, String> {
    named(text, &RequestAnswer::ALL, RequestAnswer::as_str)
}

pub(super) fn note_request(args: &NoteRequestArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    let today = now.day();
    let before = partner.data_subject_requests()?.into_iter().find(|one| one.by.reference() == case.reference());
    let received = args.received.or(before.map(|one| one.received)).unwrap_or(today);
    let answered = args.answer.map(|answer| RequestAnswered { answer, day: args.answered.unwrap_or(today) });
    partner.note_data_subject_request(received, answered, &case, now)?;
    let noted = partner.data_subject_requests()?.into_iter().find(|one| one.by.reference() == case.reference());
    noted.iter().try_for_each(|one| Ok(writeln!(out, "{}", line(one, today))?))
}

pub(super) fn requests(args: &RequestsArgs, out: &mut Output) -> Result<(), Failure> {
    let today = args.clock.time()?.day();
    let partner = args.place.open()?;
    let mut all = partner.data_subject_requests()?;
    all.sort_by_key(|one| (one.answered.is_some(), one.answer_by()));
    if let Some(pruned) = partner.pruned()? {
        note(&report::pruned_line(&pruned));
    }
    if all.is_empty() && !args.json {
        writeln!(out, "nothing")?;
    }
    for one in &all {
        if args.json {
            out.json(&json!({
                "case": one.by.reference(), "actor": one.by.actor(), "noted": one.noted.to_string(),
                "received": one.received.to_string(), "answer_by": one.answer_by().to_string(),
                "late": is_late(one, today), "answer": one.answered.map(|answered| answered.answer.as_str()),
                "answered": one.answered.map(|answered| answered.day.to_string()),
            }))?;
        } else {
            writeln!(out, "{}", line(one, today))?;
        }
    }
    Ok(())
}

fn is_late(request: &DataSubjectRequest, today: Day) -> bool {
    request.answered.is_none() && request.answer_by() < today
}

fn line(request: &DataSubjectRequest, today: Day) -> String {
    let stands = match request.answered {
        Some(RequestAnswered { day, answer }) => {
            format!("answered on {day}: {}", journal_words::request_answer(answer, Lang::En))
        }
        None if is_late(request, today) => format!("late: was due by {}", request.answer_by()),
        None => format!("answer by {}", request.answer_by()),
    };
    format!("{}: came on {}; {stands}", request.by.reference(), request.received)
}
