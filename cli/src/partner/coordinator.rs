//! `stapel coordinator`: what is new, the agenda, what is decided, and what is closed. A coordinator's folder is a
//! partner's folder, and all else that it needs is in `stapel partner`.

mod agenda;

use std::io::Write;

use stapel::Day;
use stapel::partner::{AgendaItem, NewNote, Partner, ShownNews, TalkNews};
use stapel::policy::Lang;
use stapel::talk::Outcome;
use stapel_service::after_hit;

use super::acting::CaseArgs;
use super::conversations::{InOne, number_of, outcome_of, text_of};
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
    Close(CloseArgs),
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

/// Print the agenda: one block for each conversation that has not ended
///
/// What waits longest comes first: since when and for what, who joined, the address where a note said it, who leads,
/// what was decided, and when it is looked at next. A conversation has ended where all who joined said how, where the
/// coordinator closed it, or where all left; it comes back when somebody joins or writes. The journal has who looked,
/// and for which case.
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
    /// Those that have ended in the place of the others, the latest first
    #[arg(long)]
    ended: bool,
    /// Print JSON Lines, one for each conversation
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Write a decision to all who joined
///
/// It goes with the next `stapel partner sync`. With --lead it names who leads to all who joined, who do not know of
/// each other unless the policy has them meet directly: it says whom it names to whom, and with --dry-run it does that
/// alone.
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

/// Close a conversation: say how it ended
///
/// All who joined are told. It goes from the agenda to those that have ended, and comes back when somebody joins or
/// writes.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel coordinator close --dir coordinator --actor r.bakker --case overleg 3 \\\n      \
                        taken-up-together --text 'Afgerond op 1 februari'"
)]
struct CloseArgs {
    #[command(flatten)]
    one: InOne,
    /// taken-up-together, taken-up-by-one, not-taken-up, nothing-found or wrong-signal
    #[arg(value_name = "WAY", value_parser = outcome_of)]
    way: Outcome,
    /// What goes with it, or - for standard input, which no list of commands keeps
    #[arg(long, value_name = "TEXT", default_value = "")]
    text: String,
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
        Command::Close(args) => close(args, out),
    }
}

/// The folder, which has to be the coordinator's.
fn open(place: &PartnerFolder) -> Result<Partner, Failure> {
    let partner = place.open()?;
    let coordinates = partner.policy().policy().partner(partner.number()).is_some_and(|own| own.may.coordinate);
    if !coordinates {
        let finding = "this folder is not the coordinator's: see what is new with stapel partner news, and who was \
                       introduced with stapel partner conversations";
        return Err(Failure::new("not_permitted", finding));
    }
    Ok(partner)
}

fn inbox(args: &InboxArgs, out: &mut Output) -> Result<(), Failure> {
    // News are told once.
    output::refuse_closed()?;
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = open(&args.place)?;
    let news = partner.show_talk_news(&case, now)?;
    if args.json {
        news.iter().try_for_each(|news| report::talk_news(news, &partner, true, out))?;
    } else if news.is_empty() {
        writeln!(out, "nothing new")?;
    } else {
        let with_news = |item: &AgendaItem| news.iter().any(|one| one.news.conversation() == Some(item.conversation));
        for item in partner.agenda(now.day())?.iter().filter(|item| with_news(item)) {
            new_in(item, &news, &partner, out)?;
        }
        for one in news.iter().filter(|one| one.news.conversation().is_none()) {
            report::talk_news(one, &partner, false, out)?;
        }
    }
    // What could not be written was not seen, and is told again.
    out.flush()?;
    partner.take_talk_news()?;
    report::more_news(&partner);
    Ok(())
}

/// What is new in one conversation, in the order in which it came.
fn new_in(item: &AgendaItem, news: &[ShownNews], partner: &Partner, out: &mut Output) -> Result<(), Failure> {
    let number = item.conversation;
    let known = partner.conversations().find(|known| known.number == number);
    let addresses = agenda::addresses(item);
    let about = if addresses.is_empty() { String::new() } else { format!("  {}", addresses.join("; ")) };
    writeln!(out, "conversation {number}, since {}{about}", item.began)?;
    for shown in news.iter().filter(|shown| shown.news.conversation() == Some(number)) {
        match (&shown.news, &shown.note) {
            (TalkNews::Introduced { partner: other, .. }, _) => {
                let since = known.iter().flat_map(|known| &known.introduced).find(|it| it.partner == *other);
                let since = since.map_or(item.began, |it| it.since);
                writeln!(out, "  {} joined on {since}", report::who(partner, *other))?;
            }
            (TalkNews::Left { partner: other, .. }, _) => writeln!(out, "  {} left", report::who(partner, *other))?,
            (TalkNews::Note { partner: other, .. }, Some(note)) => {
                let (who, says) = (report::who(partner, *other), report::says(note, partner));
                writeln!(out, "  {}  {who}: {says}", note.time)?;
            }
            _ => report::talk_news(shown, partner, false, out)?,
        }
    }
    Ok(())
}

/// The addresses of one of the coordinator's conversations, as notes said them; none in another's folder.
pub(super) fn addresses(partner: &Partner, conversation: u32, today: Day) -> Vec<String> {
    let items = partner.agenda(today).unwrap_or_default();
    items.iter().find(|item| item.conversation == conversation).map(agenda::addresses).unwrap_or_default()
}

fn agenda(args: &AgendaArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = open(&args.place)?;
    let items = after_hit::in_order(partner.show_agenda(&case, now)?, args.ended);
    if args.json {
        return items.iter().try_for_each(|item| out.json(&after_hit::json::agenda_item(item, &partner)));
    }
    agenda::print(&items, &partner, now.day(), (args.lang, args.ended), out)
}

fn decide(args: &DecideArgs, out: &mut Output) -> Result<(), Failure> {
    let text = text_of(&args.text)?;
    open_for(&args.one)?;
    args.one.write(out, |partner| {
        let lead = args.lead.as_deref().map(|lead| number_of(partner, args.one.number, lead, true)).transpose()?;
        Ok(NewNote::Decision { lead, next: args.next, text: &text })
    })
}

fn close(args: &CloseArgs, out: &mut Output) -> Result<(), Failure> {
    let text = text_of(&args.text)?;
    open_for(&args.one)?;
    args.one.write(out, |_| Ok(NewNote::Outcome { outcome: args.way, text: &text }))
}

/// Refuses a folder that is not the coordinator's, before anything is written there.
fn open_for(one: &InOne) -> Result<(), Failure> {
    open(&one.place).map(drop)
}
