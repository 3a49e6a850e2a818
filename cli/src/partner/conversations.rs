//! What people read and write once they were introduced: `partner conversations`, `note`, `lead`, `outcome` and
//! `leave`; and how a year's conversations went: `partner year-report`.

use std::io::Write;

use serde_json::{Value, json};
use stapel::partner::{NewNote, NoteProgress, Partner, PartnerError};
use stapel::policy::Lang;
use stapel::talk::Outcome;
use stapel_service::after_hit::present;

use super::acting::{CaseArgs, named};
use super::{OutboxArgs, PartnerFolder, report, told};
use crate::failure::{Failure, note};
use crate::files;
use crate::now::Clock;
use crate::output::{Output, counted, merge, plain};
use crate::ways;

/// The most bytes of a note that are read from standard input: far more than one holds.
const MOST_READ: usize = 1 << 16;

/// Show the conversations, or all of one
///
/// Who was introduced and since when, who leads, how it ended and what was decided; of one, all notes. The journal has
/// who looked, and for which case.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  stapel partner conversations --dir police --actor j.jansen --case 2026-0117\n  \
                        stapel partner conversations --dir police --actor j.jansen --case 2026-0117 3")]
pub(super) struct ConversationsArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// The conversation's number
    #[arg(value_name = "N")]
    number: Option<u32>,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// What the commands have in common that do something in one conversation.
#[derive(clap::Args)]
pub(super) struct InOne {
    #[command(flatten)]
    pub(super) place: PartnerFolder,
    #[command(flatten)]
    pub(super) case: CaseArgs,
    /// The conversation's number, as `stapel partner conversations` shows it
    #[arg(value_name = "N")]
    pub(super) number: u32,
    /// Say what would be done, and who would be told, and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) clock: Clock,
}

/// Write a note to those who were introduced
///
/// To all of them, unless --to names one. The broker cannot read it. It goes with the next `stapel partner sync`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  stapel partner note --dir police --actor j.jansen --case 2026-0117 3 'Bel mij \
                        vandaag'\n  stapel partner note --dir police --actor j.jansen --case 2026-0117 3 - --to 2 < \
                        note.txt")]
pub(super) struct NoteArgs {
    #[command(flatten)]
    one: InOne,
    /// What it says, or - for standard input, which no list of commands keeps
    text: String,
    /// The one whom it is for, by number or name
    #[arg(long, value_name = "PARTNER")]
    to: Option<String>,
}

/// Say who leads
///
/// Where nobody does, a partner says that it does itself; whoever leads hands the lead over. All who were introduced
/// are told. Where two who meet only the coordinator say it, each without knowing of the other, the coordinator sees
/// both and decides.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  stapel partner lead --dir police --actor j.jansen --case 2026-0117 3\n  stapel \
                        partner lead --dir police --actor j.jansen --case 2026-0117 3 --partner 2")]
pub(super) struct LeadArgs {
    #[command(flatten)]
    one: InOne,
    /// Who leads from now on, by number or name [default: this partner]
    #[arg(long, value_name = "PARTNER")]
    partner: Option<String>,
    /// What goes with it
    #[arg(long, value_name = "TEXT", default_value = "")]
    text: String,
}

/// Say how it ended
///
/// All who were introduced are told. That a signal was wrong stays among them.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner outcome --dir police --actor j.jansen --case 2026-0117 3 \
                        taken-up-together")]
pub(super) struct OutcomeArgs {
    #[command(flatten)]
    one: InOne,
    /// taken-up-together, taken-up-by-one, not-taken-up, nothing-found or wrong-signal
    #[arg(value_name = "WAY", value_parser = outcome_of)]
    way: Outcome,
    /// What goes with it
    #[arg(long, value_name = "TEXT", default_value = "")]
    text: String,
}

/// Leave a conversation
///
/// What is put forward there is taken back, the others are told, and nobody can write to this partner there any more.
/// What was written before goes first; what does not get through by the second day after is not brought any more. What
/// was written stays here.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner leave --dir police --actor j.jansen --case 2026-0117 3")]
pub(super) struct LeaveArgs {
    #[command(flatten)]
    one: InOne,
}

/// Report how a year's conversations went, once it is over
///
/// A year is reported once, in the year after it: see first with --dry-run what the report would say. Prints what is
/// reported, in numbers of which none is small, and writes the message into the outbox; `stapel partner sync` carries
/// it too. With --dry-run it says of a year that was reported when that was, and what was reported.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner year-report --dir police --year 2027")]
pub(super) struct YearReportArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// The year (UTC)
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(u16).range(1970..=2148))]
    year: u16,
    /// Print what would be reported, or what was, and make no message
    #[arg(long)]
    dry_run: bool,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

pub(super) fn outcome_of(text: &str) -> Result<Outcome, String> {
    named(text, &Outcome::ALL, Outcome::as_str)
}

pub(super) fn conversations(args: &ConversationsArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    let shown = partner.show_conversations(args.number, &case, now)?;
    if shown.is_empty() && !args.json {
        writeln!(out, "there are no conversations")?;
    }
    for one in &shown {
        if args.json || args.number.is_some() {
            report::conversation(one, &partner, args.json, out)?;
        } else {
            report::conversation_line(one, &partner, out)?;
        }
    }
    Ok(())
}

pub(super) fn write(args: &NoteArgs, out: &mut Output) -> Result<(), Failure> {
    let text = text_of(&args.text)?;
    args.one.write(out, |partner| {
        let to = args.to.as_deref().map(|to| number_of(partner, args.one.number, to, false)).transpose()?;
        Ok(NewNote::Text { text: &text, to })
    })
}

pub(super) fn lead(args: &LeadArgs, out: &mut Output) -> Result<(), Failure> {
    args.one.write(out, |partner| {
        let lead = args.partner.as_deref().map(|lead| number_of(partner, args.one.number, lead, true)).transpose()?;
        Ok(NewNote::Lead { partner: lead.unwrap_or(partner.number()), text: &args.text })
    })
}

pub(super) fn outcome(args: &OutcomeArgs, out: &mut Output) -> Result<(), Failure> {
    args.one.write(out, |_| Ok(NewNote::Outcome { outcome: args.way, text: &args.text }))
}

pub(super) fn leave(args: &LeaveArgs, out: &mut Output) -> Result<(), Failure> {
    let one = &args.one;
    let (case, now) = (one.case.case()?, one.clock.time()?);
    let mut partner = one.place.open()?;
    let told = present(&partner, one.number);
    let waiting = waiting(&partner, one.number);
    match one.dry_run {
        true => partner.preview_leave(one.number, now)?,
        false => partner.leave(one.number, &case, now)?,
    }
    let goes = partner.leaving_goes_on(one.number, now.day()).unwrap_or(now.day());
    if one.json {
        let mut value = one.json(&partner);
        merge(
            &mut value,
            json!({ "left": !one.dry_run, "told": told, "goes_on": goes.to_string(), "notes_first": waiting }),
        );
        return out.json(&value);
    }
    let is = if one.dry_run { "would be" } else { "is" };
    let about = told::about(&partner, one.number, now.day());
    writeln!(out, "conversation {} here{about}: it {is} left, and what is put forward there taken back", one.number)?;
    if waiting > 0 {
        let notes = counted(waiting, "note that was written there waits", "notes that were written there wait");
        writeln!(out, "{notes}: the broker is brought that first, but not from {} on", now.day().plus(2))?;
    }
    let (names, when) = (told::names(&partner, &told, "and"), told::when(&one.place, goes, now)?);
    writeln!(out, "who is told: {names}, that this partner left, once the broker hears of it {when}")?;
    writeln!(out, "nobody can write to this partner there any more; what was written stays, here and with the others")?;
    Ok(())
}

/// How many notes of a conversation the broker has yet to be brought.
fn waiting(partner: &Partner, conversation: u32) -> usize {
    let known = partner.conversations().find(|known| known.number == conversation);
    let waits = |progress: NoteProgress| matches!(progress, NoteProgress::Waiting | NoteProgress::PutOff(..));
    let notes = known.map(|known| known.notes).unwrap_or_default();
    notes.iter().filter(|note| note.copies.iter().any(|copy| waits(copy.progress))).count()
}

pub(super) fn year_report(args: &YearReportArgs, out: &mut Output) -> Result<(), Failure> {
    let now = args.clock.time()?;
    let mut partner = args.place.open()?;
    let reported = partner.reported_years().iter().find(|reported| reported.year == args.year).cloned();
    let message = if args.dry_run { None } else { Some(partner.report_year(args.year, now)?) };
    if args.dry_run {
        let this_year = now.day().to_string().get(..4).and_then(|year| year.parse::<i32>().ok());
        note(&match (&reported, this_year.unwrap_or_default() - i32::from(args.year)) {
            (Some(reported), _) => format!("{} was reported on {}, once and for all:", args.year, reported.day),
            (None, 1) => format!("{} was not reported yet; it can be until {}-12-31:", args.year, args.year + 1),
            (None, ..1) => format!(
                "{} is not over; it can be reported from {}-01-01 on. As of today it would say:",
                args.year,
                args.year + 1
            ),
            (None, _) => {
                format!("{} was not reported, and no longer can be, since that is for the year after it:", args.year)
            }
        });
    } else {
        note(
            "the broker is told these numbers and nothing else, once and for all; nobody else is told before the \
              operator's account of that year",
        );
    }
    for cell in reported.map_or_else(|| partner.year_cells(args.year), |reported| reported.cells) {
        if args.json {
            let ways: Vec<_> = ways::of(cell.ways).map(|way| way.name).collect();
            out.json(&json!({ "year": args.year, "ways": ways, "number": cell.number }))?;
            continue;
        }
        let number = match cell.number {
            0 => "fewer than ten".to_owned(),
            number => number.to_string(),
        };
        let ways: Vec<_> = ways::of(cell.ways).map(|way| way.called(Lang::En)).collect();
        writeln!(out, "{}: {number}", ways.join(" or "))?;
    }
    let Some(message) = message else { return Ok(()) };
    args.outbox.of(&args.place).write(&partner, &[message], args.json, out)
}

/// The text of a note, or what comes from standard input.
pub(super) fn text_of(text: &str) -> Result<String, Failure> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let bytes = files::read_stdin(MOST_READ)?;
    String::from_utf8(bytes).map_err(|_| Failure::new("note_text", "the note is not in UTF-8: save it as that"))
}

/// The partner of a conversation that is meant, by its number or its name in the policy: one that can be written to, or
/// where `or_own` this one.
pub(super) fn number_of(partner: &Partner, conversation: u32, text: &str, or_own: bool) -> Result<u16, Failure> {
    let mut there = present(partner, conversation);
    if there.is_empty() {
        return Err(PartnerError::NoConversation { conversation }.into());
    }
    there.extend(Some(partner.number()).filter(|_| or_own));
    let policy = partner.policy().policy();
    let name = |number: u16| policy.partner(number).map(|entry| entry.name.to_lowercase());
    let found = match text.trim().parse::<u16>() {
        Ok(number) => there.iter().find(|one| **one == number),
        Err(_) => there.iter().find(|one| name(**one) == Some(text.trim().to_lowercase())),
    };
    found.copied().ok_or_else(|| {
        let finding = format!(
            "nobody in conversation {conversation} has that number or name: name {}",
            told::names(partner, &there, "or")
        );
        Failure::new("no_such_partner", finding)
    })
}

impl InOne {
    /// Writes a note, or says what would be written.
    pub(super) fn write<'a>(
        &self,
        out: &mut Output,
        note: impl FnOnce(&Partner) -> Result<NewNote<'a>, Failure>,
    ) -> Result<(), Failure> {
        let (case, now) = (self.case.case()?, self.clock.time()?);
        let mut partner = self.place.open()?;
        let note = note(&partner)?;
        let to = partner.preview_note(self.number, &note, now)?;
        if !self.dry_run {
            partner.write_note(self.number, &note, &case, now)?;
        }
        let copies = if self.dry_run { to.len() } else { 0 };
        let goes = partner.notes_would_go_on(copies, now.day()).unwrap_or(now.day());
        let lead = match &note {
            NewNote::Lead { partner, .. } => Some(*partner),
            NewNote::Decision { lead, .. } => *lead,
            _ => None,
        };
        if self.json {
            let mut value = self.json(&partner);
            merge(
                &mut value,
                json!({ "written": !self.dry_run, "to": to, "goes_on": goes.to_string(), "leads": lead }),
            );
            return out.json(&value);
        }
        let when = told::when(&self.place, goes, now)?;
        let is = if self.dry_run { "would be written" } else { "written" };
        let about = told::about(&partner, self.number, now.day());
        writeln!(out, "{is} in conversation {} here{about}, for case {}", self.number, plain(&self.case.case))?;
        writeln!(out, "who is told: {}, and nobody else; it goes {when}", told::names(&partner, &to, "and"))?;
        if let Some(named) = lead.and_then(|lead| told::naming(&partner, lead, &to)) {
            writeln!(out, "who is named: {named}")?;
        }
        told::warn_of_what_is_missing(&partner, &self.place, now.day());
        Ok(())
    }

    /// What is said of each act.
    fn json(&self, partner: &Partner) -> Value {
        let known = partner.conversations().find(|known| known.number == self.number);
        let address = known.as_ref().and_then(|known| known.address);
        json!({
            "conversation": self.number, "address": address.map(|address| address.as_str().to_owned()),
            "typed": known.as_ref().and_then(|known| report::typed_json(&known.typed)), "case": self.case.case,
            "dry_run": self.dry_run,
        })
    }
}
