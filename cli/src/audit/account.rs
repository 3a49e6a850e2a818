//! `stapel audit account`: the broker's account of a year, in plain words and as JSON.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use stapel::audit::{Account, AccountTotals, PartnerAccount, Report};
use stapel::policy::Lang;
use stapel::{Day, Timestamp};

use super::trusted::{Trusted, read_log_by};
use super::{POLICY_NOT_GIVEN, Policies, refuse_unproven, say, unproven};
use crate::failure::{Failure, note};

/// Make the broker's account of a year from its log, the checkpoints and the policies
///
/// Messages by organisation and outcome, days without a message, releases, policies, epochs, copies and suspensions.
/// Whoever has the same files gets the same account: so the operator's own can be checked. The log is held to the
/// checkpoints first, as by `stapel audit verify`; the exit status is 4 where it has lines after the latest one.
///
/// Give each policy that was in force in the year. Messages under another are counted, and not by organisation; the
/// exit status is 3 then. The log is pruned after the policy's `log_days`: make the account soon after the year.
/// Answers are in the log once their day is over.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel audit account --policy policy.toml --log log.jsonl --checkpoints \
                        checkpoints/ --year 2027 --lang nl")]
pub(super) struct AccountArgs {
    #[command(flatten)]
    policies: Policies,
    /// The exported log
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// Checkpoints, and folders of files that end in .checkpoint
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    checkpoints: Vec<PathBuf>,
    /// The year, of which the log must have lines
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(u16).range(1970..=2148))]
    year: u16,
    /// The language: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn account(args: &AccountArgs, out: &mut impl Write) -> Result<(), Failure> {
    let trusted = Trusted::read(&args.policies)?;
    let checkpoints = trusted.checkpoints(&args.checkpoints)?;
    let none = || Failure::new("usage", "no log has lines of that year");
    let mut account = Account::new(args.year, &trusted.0).ok_or_else(none)?;
    let (mut first_left, mut last) = (None, None);
    let log = read_log_by(&args.log, |line| {
        first_left.get_or_insert(line.time);
        last = Some(line.time);
        account.add(line);
    })?;
    let report = log.check(&checkpoints)?;
    // Lines that were pruned may have been of the year.
    let gone = first_left.filter(|left| report.pruned > 0 && left.day() >= first_day(args.year));
    // An account of nothing would be read as one of a quiet year.
    if let (0, None, Some(first), Some(last)) = (account.totals().lines, gone, first_left, last) {
        let (year, first, last) = (args.year, first.day(), last.day());
        let finding = format!("the log has no lines of {year}: they are of {first} to {last}; give a year of these");
        return Err(Failure::new("no_lines", finding));
    }
    let sentences = sentences(&account, &report, gone, args.lang);
    say(out, args.json, &sentences, &as_json(&account, &report, gone))?;
    let proven = refuse_unproven(&report, out);
    let totals = account.totals();
    let Some(digest) = totals.unknown.keys().next() else { return proven };
    if let Err(unproven) = &proven {
        note(&unproven.line());
    }
    let lines: u64 = totals.unknown.values().sum();
    let finding = format!(
        "{lines} lines are under a policy that was not given, and no organisation is named for them: give each as \
         --policy, first the one with digest {digest}"
    );
    Err(Failure::Partly(Box::new(Failure::new(POLICY_NOT_GIVEN, finding))))
}

fn first_day(year: u16) -> Day {
    Day::from_ymd(year.into(), 1, 1).unwrap_or_default()
}

/// The account in plain words, a sentence a line.
fn sentences(account: &Account<'_>, report: &Report, gone: Option<Timestamp>, lang: Lang) -> Vec<String> {
    let nl = lang == Lang::Nl;
    let pick = |dutch: String, english: String| if nl { dutch } else { english };
    let totals = account.totals();
    let (year, lines, covered) = (account.year(), totals.lines, report.covered);
    let mut said = vec![
        pick(
            format!("Verantwoording van de teller over {year}, gemaakt uit het logboek en de regels."),
            format!("The broker's account of {year}, made from its log and the policies."),
        ),
        pick(
            format!(
                "Het logboek heeft {lines} regels van dit jaar. Van het hele logboek zijn {covered} regels getekend."
            ),
            format!("The log has {lines} lines of this year. Of the whole log {covered} are as they were signed."),
        ),
    ];
    if unproven(report) > 0 {
        let last = unproven(report);
        said.push(pick(
            format!("Niet bewezen regels aan het eind, na het laatste ijkpunt: {last}."),
            format!("Lines at the end that are not proven, after the latest checkpoint: {last}."),
        ));
    }
    if let Some(left) = gone {
        said.push(pick(
            format!("NIET COMPLEET: regels van voor {left} zijn gewist, omdat hun bewaartijd om is."),
            format!("NOT WHOLE: lines from before {left} were pruned, because they need not be kept any longer."),
        ));
    }
    for policy in &totals.policies {
        let version = policy.version.map_or("?".to_owned(), |version| version.to_string());
        let (since, digest) = (policy.since, policy.digest);
        said.push(pick(
            format!("Regels: versie {version} vanaf {since} ({digest})."),
            format!("Policy: version {version} from {since} on ({digest})."),
        ));
    }
    for (time, version, organisation) in &totals.announced {
        said.push(pick(
            format!("Aangekondigd op {time}: versie {version}, om een verloren sleutel van {organisation}."),
            format!("Announced on {time}: version {version}, for a lost key of {organisation}."),
        ));
    }
    said.extend(organisations(account, nl));
    for (epoch, (showed, ended)) in &totals.releases {
        said.push(pick(
            format!("Peilmomenten in periode {epoch}: {showed} met nieuwe meldingen, {ended} met alleen einden."),
            format!("Releases in epoch {epoch}: {showed} with new flags, {ended} in which flags only ended."),
        ));
    }
    let (stacked, others) = totals.told;
    said.push(match totals.told_until {
        Some(day) => pick(
            format!(
                "Antwoorden over adressen, aan alle partners samen, tot en met {day}: {stacked} gestapeld, {others} \
                 andere."
            ),
            format!(
                "Answers on addresses, to all partners together, up to and with {day}: {stacked} stacked, {others} \
                 others."
            ),
        ),
        None => pick(
            "Antwoorden over adressen staan in het logboek zodra de dag om is: van dit jaar nog geen.".into(),
            "Answers on addresses are in the log once their day is over: of this year none yet.".into(),
        ),
    });
    // Under a policy without a `[meet]` there is none.
    if totals.turns > 0 {
        let (turns, introduced) = (totals.turns, totals.introduced);
        said.push(pick(
            format!(
                "Keren dat bekeken is wie aan elkaar voorgesteld wordt: {turns}. Voorgestelde paren: {introduced}."
            ),
            format!("Turns at which it was looked at who is introduced: {turns}. Pairs introduced: {introduced}."),
        ));
    }
    said.extend(events(totals, nl));
    said.extend(counts(totals, nl));
    said
}

/// What each organisation's partners sent.
fn organisations(account: &Account<'_>, nl: bool) -> Vec<String> {
    let mut said = Vec::new();
    let last = account.days().map(|(_, last)| last);
    for (organisation, partners) in &account.totals().organisations {
        for (number, partner) in partners {
            let (silent, longest) = last.map_or((0, 0), |last| partner.silent_days(last));
            said.push(if nl {
                format!("{organisation}, partner {number}: dagen zonder bericht: {silent}, op rij hoogstens {longest}.")
            } else {
                format!("{organisation}, partner {number}: days without a message: {silent}, on end at most {longest}.")
            });
            for ((kind, outcome), count) in &partner.messages {
                said.push(format!("{count:>10} {kind} {outcome}"));
            }
        }
    }
    said
}

/// What happened at a moment that matters.
fn events(totals: &AccountTotals, nl: bool) -> Vec<String> {
    let mut said = Vec::new();
    let mut add = |time: &Timestamp, dutch: String, english: String| {
        said.push(format!("{time}  {}", if nl { dutch } else { english }));
    };
    for (time, epoch) in &totals.opened {
        add(time, format!("periode {epoch} geopend"), format!("epoch {epoch} opened"));
    }
    for (time, epoch) in &totals.closed {
        add(
            time,
            format!("periode {epoch} gesloten, en de sleutels ervan vernietigd"),
            format!("epoch {epoch} closed, and its keys destroyed"),
        );
    }
    for (time, partner, epoch) in &totals.suspensions {
        add(
            time,
            format!("partner {partner} geschorst in periode {epoch}"),
            format!("partner {partner} suspended in epoch {epoch}"),
        );
    }
    for (time, _) in &totals.restores {
        add(time, "TERUGGEZET van een kopie".into(), "RESTORED from a copy".into());
    }
    for (time, partner, announced) in &totals.forgotten {
        let why = |explained: &str, not: &str| if *announced { explained.to_owned() } else { not.to_owned() };
        let (dutch, english) = (
            why("een teruggezette kopie verklaart dat", "NIETS VERKLAART DAT"),
            why("a restore explains it", "NOTHING EXPLAINS IT"),
        );
        add(
            time,
            format!("partner {partner} toonde een ontvangstbewijs dat het logboek niet heeft; {dutch}"),
            format!("partner {partner} showed a receipt that the log does not have; {english}"),
        );
    }
    for time in &totals.clock_accepted {
        add(time, "de beheerder heeft de klok bevestigd".into(), "the operator confirmed the clock".into());
    }
    said.sort();
    said
}

fn counts(totals: &AccountTotals, nl: bool) -> Vec<String> {
    let AccountTotals { backups, certificates, purged, pruned, replayed, .. } = totals;
    let copies = backups.len();
    let mut said = vec![if nl {
        format!(
            "Kopieën: {copies}. Certificaten: {certificates}. Gewiste rijen van geëindigde meldingen: {purged}. \
             Gewiste logregels: {pruned}. Berichten die opnieuw kwamen: {replayed}."
        )
    } else {
        format!(
            "Copies: {copies}. Certificates: {certificates}. Rows of ended flags erased: {purged}. Lines of the log \
             pruned: {pruned}. Messages that came again: {replayed}."
        )
    }];
    for (code, count) in &totals.unauthenticated {
        said.push(if nl {
            format!("{count:>10} van een onbekende afzender, geweigerd: {}", code.as_str())
        } else {
            format!("{count:>10} of an unknown sender, rejected: {}", code.as_str())
        });
    }
    said
}

fn as_json(account: &Account<'_>, report: &Report, gone: Option<Timestamp>) -> Value {
    let totals = account.totals();
    let last = account.days().map(|(_, last)| last);
    let partner = |number: &u16, partner: &PartnerAccount| {
        let mut messages: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for ((kind, outcome), count) in &partner.messages {
            messages.entry(kind).or_default().insert(outcome, *count);
        }
        let (silent, longest) = last.map_or((0, 0), |last| partner.silent_days(last));
        let sweeps: BTreeMap<&str, u64> = partner.sweeps.iter().map(|(why, count)| (why.as_str(), *count)).collect();
        json!({
            "partner": number, "messages": messages, "pseudonyms": partner.pseudonyms, "renewed": partner.renewed,
            "sweeps": sweeps, "days_without_message": silent, "longest_silence_days": longest,
        })
    };
    let organisations: Vec<Value> = totals
        .organisations
        .iter()
        .map(|(slug, partners)| {
            let partners: Vec<Value> = partners.iter().map(|(number, one)| partner(number, one)).collect();
            json!({ "organisation": slug.as_str(), "partners": partners })
        })
        .collect();
    let policies = totals
        .policies
        .iter()
        .map(|one| json!({ "since": one.since.to_string(), "version": one.version, "digest": one.digest.to_string() }));
    let releases = totals
        .releases
        .iter()
        .map(|(epoch, (showed, ended))| json!({ "epoch": epoch, "with_new_flags": showed, "ends_only": ended }));
    let epochs = |of: &[(Timestamp, u32)]| {
        of.iter().map(|(time, epoch)| json!({ "time": time.to_string(), "epoch": epoch })).collect::<Vec<_>>()
    };
    let times = |of: &[Timestamp]| of.iter().map(Timestamp::to_string).collect::<Vec<_>>();
    let unknown: BTreeMap<String, u64> = totals.unknown.iter().map(|(of, count)| (of.to_string(), *count)).collect();
    let unauthenticated: BTreeMap<&str, u64> =
        totals.unauthenticated.iter().map(|(code, count)| (code.as_str(), *count)).collect();
    json!({
        "year": account.year(),
        "lines": totals.lines,
        "first": totals.span.map(|(first, _)| first.to_string()),
        "last": totals.span.map(|(_, last)| last.to_string()),
        "covered": report.covered,
        "unproven": unproven(report),
        "pruned_before": gone.map(|left| left.to_string()),
        "policies": policies.collect::<Vec<_>>(),
        "lines_under_other_policies": unknown,
        "announced": totals.announced.iter().map(|(time, version, organisation)| {
            json!({ "time": time.to_string(), "version": version, "organisation": organisation.as_str() })
        }).collect::<Vec<_>>(),
        "organisations": organisations,
        "releases": releases.collect::<Vec<_>>(),
        "told": {
            "stacked": totals.told.0, "others": totals.told.1, "until": totals.told_until.map(|day| day.to_string()),
        },
        "introduced": { "turns": totals.turns, "pairs": totals.introduced },
        "epochs_opened": epochs(&totals.opened),
        "epochs_closed": epochs(&totals.closed),
        "certificates": totals.certificates,
        "suspensions": totals.suspensions.iter().map(|(time, partner, epoch)| {
            json!({ "time": time.to_string(), "partner": partner, "epoch": epoch })
        }).collect::<Vec<_>>(),
        "backups": times(&totals.backups),
        "restores": totals.restores.iter().map(|(time, _)| time.to_string()).collect::<Vec<_>>(),
        "forgotten": totals.forgotten.iter().map(|(time, partner, announced)| {
            json!({ "time": time.to_string(), "partner": partner, "announced": announced })
        }).collect::<Vec<_>>(),
        "clock_accepted": times(&totals.clock_accepted),
        "purged": totals.purged,
        "pruned": totals.pruned,
        "unauthenticated": unauthenticated,
        "replayed": totals.replayed,
    })
}
