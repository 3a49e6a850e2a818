//! What others put forward after a hit, and what is answered: `partner asked` and `answer`.

use std::io::Write;

use serde_json::json;
use stapel::AddressKey;
use stapel::partner::{AskAnswer, Partner};
use stapel_service::after_hit::{self, Audience};

use super::acting::{CaseArgs, named};
use super::forward::{refuse_coordinator, say_who_is_told};
use super::look::addresses_of;
use super::{PartnerFolder, report, told};
use crate::failure::Failure;
use crate::now::Clock;
use crate::output::Output;

/// Show which own flags somebody else put forward
///
/// And by when to answer, and what was answered. Who put it forward is not told: only whoever puts it forward too
/// learns that. The journal has who looked, and for which case.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner asked --dir police --actor j.jansen --case 2026-0117")]
pub(super) struct AskedArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Answer where somebody else put an own flag forward
///
/// With join this partner puts it forward too; who is told of that is what the policy says. Of not-now and review (the
/// own flag is to be looked at again) nobody is told: they are for this partner's own journal.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner answer --dir police --actor j.jansen --case 2026-0117 \\\n      \
                        'Dam 1-A, 1012 JS Amsterdam' join")]
pub(super) struct AnswerArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// The address, as people write it or as `stapel partner asked` shows it
    address: String,
    /// join, not-now or review
    #[arg(value_name = "ANSWER", value_parser = answer_of)]
    answer: AskAnswer,
    /// Say what would be done, and who would be told, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

fn answer_of(text: &str) -> Result<AskAnswer, String> {
    named(text, &AskAnswer::ALL, AskAnswer::as_str)
}

pub(super) fn asked(args: &AskedArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    refuse_coordinator(&partner)?;
    let asked = partner.show_asked(&case, now)?;
    if asked.is_empty() && !args.json {
        writeln!(out, "nobody else put an own flag forward")?;
    }
    for one in &asked {
        let (address, typed) = (one.address.as_str(), partner.typed(&one.address));
        let answer = one.answer.map(|(answer, day)| (said(answer), day));
        if args.json {
            out.json(&after_hit::json::asked(one, &partner))?;
            continue;
        }
        let answer = match (answer, one.is_put_forward) {
            (Some((answer, day)), _) => format!("answered {answer} on {day}"),
            (None, true) => "put forward here too".to_owned(),
            (None, false) => format!("answer by {}", one.answer_by),
        };
        writeln!(out, "{address}{}  put forward by somebody else; {answer}", report::typed_text(&typed))?;
    }
    Ok(())
}

pub(super) fn answer(args: &AnswerArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    refuse_coordinator(&partner)?;
    let address = asked_about(&partner, &args.address)?;
    let was_put_forward = partner.put_forward_rows().any(|row| row.address == address);
    match args.dry_run {
        true => partner.preview_answer(&address, args.answer, now)?,
        false => partner.answer(&address, args.answer, &case, now)?,
    }
    let joins = args.answer == AskAnswer::Join;
    if joins {
        told::warn_of_what_is_missing(&partner, &args.place, now.day());
    }
    if args.json {
        let mut value = json!({
            "address": address.as_str(), "answer": args.answer.as_str(), "dry_run": args.dry_run,
        });
        if joins {
            value["told"] = told::json(&Audience::of(&partner, now)?);
        }
        return out.json(&value);
    }
    let then = match (args.answer, args.dry_run) {
        (AskAnswer::Join, false) => "it is put forward here too",
        (AskAnswer::Join, true) => "it would be put forward here too",
        (AskAnswer::Review, _) => "nobody else is told; look at the flag again, and renew or withdraw it",
        _ => "nobody else is told",
    };
    let would = if args.dry_run { "would be: " } else { "" };
    writeln!(out, "{would}{}  {}: {then}", address.as_str(), said(args.answer))?;
    if joins {
        say_who_is_told(&partner, &args.place, 1, now, out)?;
    } else if was_put_forward {
        let is = if args.dry_run { "would be" } else { "is" };
        let when = told::taken_back(&partner, &args.place, &[address], now)?;
        writeln!(out, "what was put forward here {is} taken back; the broker hears of that {when}")?;
    }
    Ok(())
}

/// The address that is meant, where it was read without a register; one that was found by one has its key in what
/// `asked` shows.
fn asked_about(partner: &Partner, text: &str) -> Result<AddressKey, Failure> {
    let shown = partner.asked().map(|one| one.address).find(|address| address.as_str() == text);
    match shown {
        Some(address) => Ok(address),
        None => addresses_of(text, None)?.first().copied().ok_or_else(|| Failure::new("address", "name an address")),
    }
}

/// An answer, as it is typed.
fn said(answer: AskAnswer) -> &'static str {
    match answer {
        AskAnswer::NotNow => "not-now",
        other => other.as_str(),
    }
}
