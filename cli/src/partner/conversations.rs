//! What people read and write once they were introduced: `partner conversations`, `note`, `lead`, `outcome` and
//! `leave`; and how a year's conversations went: `partner year-report`.

use std::io::Write;

use serde_json::json;
use stapel::partner::{NewNote, Partner};
use stapel::talk::Outcome;

use super::acting::CaseArgs;
use super::{OutboxArgs, PartnerFolder, report};
use crate::failure::Failure;
use crate::files;
use crate::now::Clock;
use crate::output::Output;

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
/// are told.
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
/// What was written stays here.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner leave --dir police --actor j.jansen --case 2026-0117 3")]
pub(super) struct LeaveArgs {
    #[command(flatten)]
    one: InOne,
}

/// Report how a year's conversations went, once it is over
///
/// Prints what is reported, in numbers of which none is small, and writes the message into the outbox; `stapel partner
/// sync` carries it too.
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
    /// Print what would be reported, and make no message
    #[arg(long)]
    dry_run: bool,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

fn outcome_of(text: &str) -> Result<Outcome, String> {
    let name = text.replace('-', "_");
    let found = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == name);
    found.ok_or_else(|| {
        "it is taken-up-together, taken-up-by-one, not-taken-up, nothing-found or wrong-signal".to_owned()
    })
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

pub(super) fn note(args: &NoteArgs, out: &mut Output) -> Result<(), Failure> {
    let text = text_of(&args.text)?;
    args.one.write(out, |partner| {
        let to = args.to.as_deref().map(|to| number_of(partner, to)).transpose()?;
        Ok(NewNote::Text { text: &text, to })
    })
}

pub(super) fn lead(args: &LeadArgs, out: &mut Output) -> Result<(), Failure> {
    args.one.write(out, |partner| {
        let lead = args.partner.as_deref().map(|lead| number_of(partner, lead)).transpose()?;
        Ok(NewNote::Lead { partner: lead.unwrap_or(partner.number()), text: &args.text })
    })
}

pub(super) fn outcome(args: &OutcomeArgs, out: &mut Output) -> Result<(), Failure> {
    args.one.write(out, |_| Ok(NewNote::Outcome { outcome: args.way, text: &args.text }))
}

pub(super) fn leave(args: &LeaveArgs, out: &mut Output) -> Result<(), Failure> {
    let one = &args.one;
    let (case, now) = (one.case.case()?, one.clock.time()?);
    one.place.open()?.leave(one.number, &case, now)?;
    if one.json {
        return out.json(&json!({ "conversation": one.number, "left": true }));
    }
    writeln!(out, "conversation {} is left; the others are told with the next run of stapel partner sync", one.number)?;
    Ok(())
}

pub(super) fn year_report(args: &YearReportArgs, out: &mut Output) -> Result<(), Failure> {
    let now = args.clock.time()?;
    let mut partner = args.place.open()?;
    let message = if args.dry_run { None } else { Some(partner.report_year(args.year, now)?) };
    for cell in partner.year_cells(args.year) {
        let ways: Vec<_> = WAYS.iter().filter(|(bit, _)| cell.ways & bit != 0).map(|(_, way)| *way).collect();
        if args.json {
            out.json(&json!({ "year": args.year, "ways": ways, "number": cell.number }))?;
            continue;
        }
        let number = match cell.number {
            0 => "fewer than ten".to_owned(),
            number => number.to_string(),
        };
        writeln!(out, "{}: {number}", ways.join(" or ").replace('_', " "))?;
    }
    let Some(message) = message else { return Ok(()) };
    args.outbox.of(&args.place).write(&partner, &[message], args.json, out)
}

/// The ways in which a conversation can go, by their bits in a report.
const WAYS: [(u8, &str); 5] = [
    (0x01, "open"),
    (0x02, "taken_up_together"),
    (0x04, "taken_up_by_one"),
    (0x08, "not_taken_up"),
    (0x10, "nothing_found"),
];

/// The text of a note, or what comes from standard input.
pub(super) fn text_of(text: &str) -> Result<String, Failure> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let bytes = files::read_stdin(MOST_READ)?;
    String::from_utf8(bytes).map_err(|_| Failure::new("note_text", "the note is not in UTF-8: save it as that"))
}

/// The partner that is meant, by its number or its name in the policy.
pub(super) fn number_of(partner: &Partner, text: &str) -> Result<u16, Failure> {
    let partners = &partner.policy().policy().partners;
    let is_meant = |name: &str| name.to_lowercase() == text.trim().to_lowercase();
    let found = match text.trim().parse::<u16>() {
        Ok(number) => partners.iter().find(|entry| entry.number == number),
        Err(_) => partners.iter().find(|entry| is_meant(&entry.name)),
    };
    found.map(|entry| entry.number).ok_or_else(|| {
        let finding = "no partner of the policy has that number or name: see who was introduced with stapel partner \
                       conversations";
        Failure::new("no_such_partner", finding)
    })
}

impl InOne {
    /// Writes a note.
    pub(super) fn write<'a>(
        &self,
        out: &mut Output,
        note: impl FnOnce(&Partner) -> Result<NewNote<'a>, Failure>,
    ) -> Result<(), Failure> {
        let (case, now) = (self.case.case()?, self.clock.time()?);
        let mut partner = self.place.open()?;
        let note = note(&partner)?;
        partner.write_note(self.number, &note, &case, now)?;
        let goes = partner.notes_go_on(now.day()).unwrap_or(now.day());
        if self.json {
            let goes = goes.to_string();
            return out.json(&json!({ "conversation": self.number, "written": true, "goes_on": goes }));
        }
        let when = match goes == now.day() {
            true => "with what stapel partner sync still sends today".to_owned(),
            false => format!("on {goes}, since today's exchanges have gone or are full"),
        };
        writeln!(out, "written in conversation {}; it goes {when}", self.number)?;
        Ok(())
    }
}
