//! `stapel coordinator`: what is new, the agenda, and what is decided. A coordinator's folder is a partner's folder,
//! and all else that it needs is in `stapel partner`.

mod agenda;

use std::collections::HashMap;
use std::io::Write;

use stapel::Day;
use stapel::partner::{Conversation, NewNote, Partner, TalkNews};
use stapel::policy::Lang;

use super::acting::CaseArgs;
use super::conversations::{InOne, number_of, text_of};
use super::{PartnerFolder, report, settings};
use crate::failure::Failure;
use crate::now::Clock;
use crate::output::{self, Output};

/// Bring together those who put the same address forward
///
/// A coordinator's folder is a partner's folder: it begins with `stapel partner init --legal-basis-coordinate`, adopts
/// policies, has its keys certified and reaches the broker (`stapel partner sync`) as any other. It neither flags nor
/// asks, and learns an address from the notes of those who put it forward.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel partner sync --config coordinator.toml --no-own\n  stapel coordinator inbox \
                        --dir coordinator --actor r.bakker --case overleg\n  stapel coordinator agenda --dir \
                        coordinator --actor r.bakker --case overleg"
)]
pub(crate) struct Args {
    #[command(flatten)]
    config: settings::ConfigArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Inbox(InboxArgs),
    Agenda(AgendaArgs),
    Decide(DecideArgs),
}

/// Tell what is new: who joined, and what was written
///
/// Each is told once; `stapel partner conversations` shows all. The journal has who looked, and for which case.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel coordinator inbox --dir coordinator --actor r.bakker --case overleg")]
struct InboxArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// Print JSON Lines, one for each piece of news
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Print the agenda: one block for each conversation
///
/// Since when it waits, who joined, the address where a note said it, who leads, what was decided, and when it is
/// looked at next. The journal has who looked, and for which case.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel coordinator agenda --dir coordinator --actor r.bakker --case overleg > \
                        agenda.txt")]
struct AgendaArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// The language: nl or en
    #[arg(long, value_name = "LANG", default_value = "nl")]
    lang: Lang,
    /// Print JSON Lines, one for each conversation
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Write a decision to all who joined
///
/// It goes with the next `stapel partner sync`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel coordinator decide --dir coordinator --actor r.bakker --case overleg 3 \\\n      \
                        --text 'Samen op huisbezoek' --lead 2 --next 2027-02-01"
)]
struct DecideArgs {
    #[command(flatten)]
    one: InOne,
    /// What is decided, or - for standard input, which no list of commands keeps
    #[arg(long, value_name = "TEXT")]
    text: String,
    /// Who leads from now on, by number or name; without it that stays as it is
    #[arg(long, value_name = "PARTNER")]
    lead: Option<String>,
    /// The day on which it is looked at next, as 2027-02-01
    #[arg(long, value_name = "DAY")]
    next: Option<Day>,
}

impl Args {
    pub(crate) fn only_shows(&self) -> bool {
        matches!(self.command, Command::Agenda(_))
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    // What is wrong with the file is said, also where nothing of it is needed.
    args.config.read()?;
    match &args.command {
        Command::Inbox(args) => inbox(args, out),
        Command::Agenda(args) => agenda(args, out),
        Command::Decide(args) => decide(args, out),
    }
}

fn inbox(args: &InboxArgs, out: &mut Output) -> Result<(), Failure> {
    // News are told once.
    output::refuse_closed()?;
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    let news = partner.show_talk_news(&case, now)?;
    if args.json {
        news.iter().try_for_each(|news| report::talk_news(news, &partner, true, out))?;
    } else if news.is_empty() {
        writeln!(out, "nothing new")?;
    } else {
        let with_news = |one: &Conversation| news.iter().any(|news| news.conversation() == Some(one.number));
        for one in partner.conversations().filter(with_news) {
            new_in(&one, &news, &partner, out)?;
        }
    }
    // What could not be written was not seen, and is told again.
    out.flush()?;
    partner.take_talk_news()?;
    Ok(())
}

/// What is new in one conversation.
fn new_in(one: &Conversation, news: &[TalkNews], partner: &Partner, out: &mut Output) -> Result<(), Failure> {
    writeln!(out, "conversation {}, since {}", one.number, one.began)?;
    let of_this = || news.iter().filter(|news| news.conversation() == Some(one.number));
    for news in of_this() {
        match news {
            TalkNews::Introduced { partner: other, .. } => {
                let since = one.introduced.iter().find(|it| it.partner == *other).map_or(one.began, |it| it.since);
                writeln!(out, "  {} joined on {since}", report::who(partner, *other))?;
            }
            TalkNews::Left { partner: other, .. } => writeln!(out, "  {} left", report::who(partner, *other))?,
            _ => {}
        }
    }
    // The last notes of each that has news: as many as came.
    let mut left: HashMap<u16, usize> = HashMap::new();
    for news in of_this() {
        if let TalkNews::Note { partner: other, .. } = news {
            *left.entry(*other).or_default() += 1;
        }
    }
    let mut lines = Vec::new();
    for note in one.notes.iter().rev() {
        let Some(other) = note.from else { continue };
        if let Some(left) = left.get_mut(&other).filter(|left| **left > 0) {
            *left -= 1;
            let (who, says) = (report::who(partner, other), report::says(note, partner));
            lines.push(format!("  {}  {who}: {says}", note.time));
        }
    }
    lines.iter().rev().try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(())
}

fn agenda(args: &AgendaArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    // The journal has who is shown them.
    partner.show_conversations(None, &case, now)?;
    let items = partner.agenda();
    if args.json {
        return items.iter().try_for_each(|item| out.json(&agenda::json(item, &partner)));
    }
    agenda::print(&items, &partner, now.day(), args.lang, out)
}

fn decide(args: &DecideArgs, out: &mut Output) -> Result<(), Failure> {
    let text = text_of(&args.text)?;
    args.one.write(out, |partner| {
        let lead = args.lead.as_deref().map(|lead| number_of(partner, lead)).transpose()?;
        Ok(NewNote::Decision { lead, next: args.next, text: &text })
    })
}
