//! For a privacy officer, from the partner's own journal: `partner journal` and `partner report`.

use std::io::Write;

use serde_json::{Value, json};
use stapel::partner::{Act, ActKind, ActQuery, Caller, Case, FEWEST_TOLD, Partner, YearNumbers, YearReport};
use stapel::policy::Lang;
use stapel::{AddressKey, Day, Timestamp};
use stapel_service::journal_words;

use super::acting::CaseArgs;
use super::{PartnerFolder, report};
use crate::failure::{Failure, note};
use crate::now::Clock;
use crate::output::{Output, merge};

/// How many addresses of one act are printed, but with --json, which has all.
const MOST_ADDRESSES: usize = 10;

/// Print who did what for which case, from the journal
///
/// All that is given must hold; where nothing is, all of the journal is printed. The journal has who looked, for which
/// case and for what, before it is printed.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  stapel partner journal --dir police --actor f.officer --case AUDIT-2027 \
                        --by j.jansen --year 2027\n  \
                        stapel partner journal --dir police --actor f.officer --case AUDIT-2027 \
                        --address 'Dam 1-A, 1012 JS Amsterdam'")]
pub(super) struct JournalArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// What this acting user did
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// What was done for this case
    #[arg(long = "for", value_name = "REFERENCE")]
    case_for: Option<String>,
    /// What was done with this address, as people write it or in canonical form: of a home also with its house number,
    /// of a house number also with its homes
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// What was done in this year (UTC)
    #[arg(long, value_name = "YEAR", conflicts_with_all = ["from", "to"], value_parser = year())]
    year: Option<u16>,
    /// From this day on, as 2027-01-31
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// Up to this day, which is counted
    #[arg(long, value_name = "DAY")]
    to: Option<Day>,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Print what the partner did in a year, in numbers
///
/// For a council or a board: no address, no person and no case is in it, so nothing of it is noted. Answers are told by
/// standing where each standing has none, or ten or more.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner report --dir police --year 2027 --lang nl")]
pub(super) struct ReportArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The year (UTC)
    #[arg(long, value_name = "YEAR", value_parser = year())]
    year: u16,
    /// The language: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

fn year() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1970..=2148)
}

pub(super) fn journal(args: &JournalArgs, out: &mut Output) -> Result<(), Failure> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        return Err(Failure::Usage(format!(
            "--from {from} is after --to {to}, and no day is both: give the earlier first"
        )));
    }
    let mut query = ActQuery::default();
    query.actor.clone_from(&args.by);
    query.case.clone_from(&args.case_for);
    let read = |text: &String| AddressKey::from_canonical(text).or_else(|_| AddressKey::parse(text));
    query.address = args.address.as_ref().map(read).transpose()?;
    (query.from, query.to) = match args.year {
        Some(year) => (Day::from_ymd(year.into(), 1, 1), Day::from_ymd(year.into(), 12, 31)),
        None => (args.from, args.to),
    };
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    let acts = partner.acts(&query, &case, now)?;
    if let Some(pruned) = partner.pruned()? {
        note(&report::pruned_line(&pruned));
    }
    if acts.is_empty() && !args.json {
        writeln!(out, "nothing")?;
    }
    acts.iter().try_for_each(|act| one(act, &partner, args.json, out))
}

/// One act.
fn one(act: &Act, partner: &Partner, as_json: bool, out: &mut Output) -> Result<(), Failure> {
    let (word, details) = kind(&act.kind);
    let place = journal_words::place(&act.place, Lang::En, |number| report::who(partner, number));
    let text = journal_words::act(&act.kind, Lang::En) + &place;
    let (actor, case) = act.by.as_ref().map(|by| (by.actor(), by.reference())).unzip();
    let addresses: Vec<&str> = act.addresses.iter().map(AddressKey::as_str).collect();
    let time = act.time.to_string();
    if as_json {
        let caller = act.by.as_ref().map(Case::caller);
        let mut value = json!({
            "record": act.record, "time": time, "act": word, "actor": actor, "case": case, "addresses": addresses,
            "caller": caller.map(Caller::as_str), "uid": caller.and_then(Caller::uid),
            "conversations": act.place.conversations, "to": act.place.to,
        });
        merge(&mut value, details);
        return out.json(&value);
    }
    let by = actor.zip(case).map_or(String::new(), |(actor, case)| format!("; {actor} for {case}"));
    let through = report::through(act.by.as_ref());
    let shown = addresses.iter().take(MOST_ADDRESSES).copied().collect::<Vec<_>>().join(", ");
    let more = match addresses.len().saturating_sub(MOST_ADDRESSES) {
        0 => String::new(),
        more => format!(" and {more} more (all with --json)"),
    };
    let about = if addresses.is_empty() { String::new() } else { format!(": {shown}{more}") };
    writeln!(out, "{time}  {text}{about}{by}{through}")?;
    Ok(())
}

/// The word for an act, and what more it tells.
fn kind(kind: &ActKind) -> (&'static str, Value) {
    match kind {
        ActKind::Flagged => ("flagged", json!({})),
        ActKind::Renewed(reason) => ("renewed", json!({ "reason": reason.as_str() })),
        ActKind::Withdrawn => ("withdrawn", json!({})),
        ActKind::Replaced => ("replaced", json!({})),
        ActKind::Shortened => ("shortened", json!({})),
        ActKind::Asked { epoch, number, sweep } => {
            let sweep = sweep.as_ref().map(|reason| reason.as_str());
            ("asked", json!({ "epoch": epoch, "number": number, "sweep": sweep }))
        }
        ActKind::Answered { epoch, number } => ("answered", json!({ "epoch": epoch, "number": number })),
        ActKind::NewsShown => ("news_shown", json!({})),
        ActKind::LookedUp => ("looked_up", json!({})),
        ActKind::Queried(query) => ("searched", query_json(query)),
        ActKind::Delivered(messages) => ("delivered", json!({ "messages": messages })),
        ActKind::Accepted => ("accepted", json!({})),
        ActKind::Rejected(code) => ("rejected", json!({ "code": code.map_or("unknown", |code| code.as_str()) })),
        ActKind::Late => ("late", json!({})),
        ActKind::GaveUp => ("gave_up", json!({})),
        ActKind::Status => ("status", json!({})),
        ActKind::AnotherOperator(version) => ("another_operator", json!({ "version": version })),
        ActKind::ClockAccepted => ("clock_accepted", json!({})),
        ActKind::EpochForgotten(epoch) => ("epoch_forgotten", json!({ "epoch": epoch })),
        ActKind::Pruned(records) => ("pruned", json!({ "records": records })),
        ActKind::RequestNoted { received, answered } => {
            let answer =
                answered.map(|answered| json!({ "day": answered.day.to_string(), "answer": answered.answer.as_str() }));
            ("request_noted", json!({ "received": received.to_string(), "answered": answer }))
        }
        ActKind::Talked(act) => (act.as_str(), json!({})),
        _ => ("other", json!({})),
    }
}

fn query_json(query: &ActQuery) -> Value {
    let day = |day: Option<Day>| day.map(|day| day.to_string());
    json!({ "sought": {
        "by": query.actor, "for": query.case, "address": query.address.as_ref().map(AddressKey::as_str),
        "from": day(query.from), "to": day(query.to),
    }})
}

pub(super) fn year_report(args: &ReportArgs, out: &mut Output) -> Result<(), Failure> {
    let today = args.clock.time()?.day();
    let partner = args.place.open()?;
    let report = partner.year_report(args.year, today)?;
    if args.json {
        return out.json(&report_json(&report));
    }
    for line in sentences(&report, partner.number(), args.lang == Lang::Nl) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The report in plain words, and a table of months.
fn sentences(report: &YearReport, number: u16, nl: bool) -> Vec<String> {
    let YearReport { year, until, held_before, held, answers, .. } = report;
    let total = report.total();
    let mut said = vec![if nl {
        format!("Partner {number} in {year}, tot en met {until} (UTC).")
    } else {
        format!("Partner {number} in {year}, up to {until} (UTC).")
    }];
    if let Some(to) = &report.pruned_to {
        said.push(pruned(to, nl));
    }
    let YearNumbers { flagged, resumed, withdrawn, ended, questions, sweeps, asked, dossiers, searches, .. } = &total;
    let renewed: u64 = total.renewed.values().sum();
    let rows: Vec<(u64, &str, &str)> = vec![
        (*held_before, "meldingen bij het begin", "flags at the beginning"),
        (*flagged, "gezet", "set"),
        (renewed, "verlengd", "renewed"),
        (*resumed, "van die verlengde waren geëindigd, en tellen weer", "of these had ended, and count again"),
        (*withdrawn, "ingetrokken", "withdrawn"),
        (*ended, "geëindigd", "ended"),
        (*held, "meldingen aan het eind", "flags at the end"),
        (*questions, "vragen", "questions"),
        (*sweeps, "van die vragen zonder eigen melding (sweep)", "of these without an own flag (sweeps)"),
        (*asked, "adressen in vragen", "addresses in questions"),
        (answers.all, "antwoorden, een per adres", "answers, one for each address"),
        (*dossiers, "dossiers van een adres ingezien", "dossiers of an address looked at"),
        (*searches, "keer in het journaal gezocht", "searches of the journal"),
    ];
    // Of what is part of the row before, nothing is said where there is none.
    let is_part = |english: &str| english.starts_with("of these");
    let rows = rows.into_iter().filter(|(count, _, english)| *count > 0 || !is_part(english));
    said.extend(rows.map(|(count, dutch, english)| row(count, if nl { dutch } else { english })));
    for (reason, count) in &total.renewed {
        said.push(row(
            *count,
            &format!(
                "{}{}",
                if nl { "verlengd: " } else { "renewed: " },
                journal_words::renewal(*reason, if nl { Lang::Nl } else { Lang::En })
            ),
        ));
    }
    match answers.by_standing {
        Some([stacked, below, no_own]) => {
            let names = if nl {
                ["gestapeld", "onder de drempel", "geen eigen melding"]
            } else {
                ["stacked", "below threshold", "no own flag"]
            };
            let prefix = if nl { "antwoord: " } else { "answer: " };
            let counts = [stacked, below, no_own].into_iter().zip(names);
            said.extend(counts.map(|(count, name)| row(count, &format!("{prefix}{name}"))));
        }
        None if nl => said.push(format!(
            "De antwoorden zijn niet uitgesplitst: van een soort zijn er minder dan {FEWEST_TOLD}, en zo'n aantal kan \
             over één woning gaan."
        )),
        None => said.push(format!(
            "Answers are not told apart: of one kind there are fewer than {FEWEST_TOLD}, and such a number could be \
             about one home."
        )),
    }
    for (code, count) in &total.rejected {
        let text = if nl { "berichten geweigerd" } else { "messages not accepted" };
        said.push(row(*count, &format!("{text}: {}", code.as_str())));
    }
    said.push(if nl {
        "maand: gezet, verlengd, ingetrokken, geëindigd; vragen, adressen; dossiers, geweigerd".to_owned()
    } else {
        "month: set, renewed, withdrawn, ended; questions, addresses; dossiers, not accepted".to_owned()
    });
    for (at, month) in report.months.iter().enumerate() {
        let (renewed, rejected): (u64, u64) = (month.renewed.values().sum(), month.rejected.values().sum());
        let YearNumbers { flagged, withdrawn, ended, questions, asked, dossiers, .. } = month;
        said.push(format!(
            "{year}-{:02}: {flagged}, {renewed}, {withdrawn}, {ended}; {questions}, {asked}; {dossiers}, {rejected}",
            at + 1
        ));
    }
    said
}

fn row(count: u64, text: &str) -> String {
    format!("{count:>10} {text}")
}

fn pruned(to: &Timestamp, nl: bool) -> String {
    if nl {
        format!("NIET COMPLEET: het journaal is gewist tot en met {to}.")
    } else {
        format!("NOT WHOLE: the journal is pruned up to {to}.")
    }
}

fn report_json(report: &YearReport) -> Value {
    let by_standing = report
        .answers
        .by_standing
        .map(|[stacked, below, no_own]| json!({ "stacked": stacked, "below_threshold": below, "no_own_flag": no_own }));
    json!({
        "year": report.year, "until": report.until.to_string(),
        "pruned_to": report.pruned_to.map(|to| to.to_string()),
        "held_before": report.held_before, "held": report.held,
        "answers": { "all": report.answers.all, "by_standing": by_standing },
        "total": numbers_json(&report.total()),
        "months": report.months.iter().map(numbers_json).collect::<Vec<_>>(),
    })
}

fn numbers_json(numbers: &YearNumbers) -> Value {
    let renewed: serde_json::Map<String, Value> =
        numbers.renewed.iter().map(|(reason, count)| (reason.as_str().to_owned(), (*count).into())).collect();
    let rejected: serde_json::Map<String, Value> =
        numbers.rejected.iter().map(|(code, count)| (code.as_str().to_owned(), (*count).into())).collect();
    json!({
        "flagged": numbers.flagged, "renewed": renewed, "resumed": numbers.resumed, "withdrawn": numbers.withdrawn,
        "ended": numbers.ended, "questions": numbers.questions, "sweeps": numbers.sweeps, "asked": numbers.asked,
        "dossiers": numbers.dossiers, "searches": numbers.searches, "rejected": rejected,
    })
}
