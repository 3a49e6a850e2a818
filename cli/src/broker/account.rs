//! `stapel broker account`: how a year's conversations went, as the partners reported it, for the council and the
//! officer.

use std::io::Write;

use serde_json::{Value, json};
use stapel::Broker;
use stapel::broker::{ReportedYear, YearTotals};
use stapel::message::YearCell;
use stapel::policy::Lang;

use super::BrokerFolder;
use crate::failure::Failure;
use crate::output::Output;
use crate::ways;

/// Tell how the conversations of a year went, as the partners reported it
///
/// Each partner reports a year once it is over (`stapel partner year-report`). The totals are told once all have, or a
/// year later, when nobody can any more: two totals with a report in between would tell that report. Ways that one
/// partner had to merge are merged for all, and whoever had fewer than ten conversations in all is in no number. Fewer
/// than three organisations are told no totals.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker account --dir broker --year 2027 --lang nl")]
pub(super) struct AccountArgs {
    #[command(flatten)]
    pub(super) place: BrokerFolder,
    /// The year
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(u16).range(1970..=2148))]
    year: u16,
    /// The language: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn account(args: &AccountArgs, out: &mut Output) -> Result<(), Failure> {
    let broker = args.place.open()?;
    let reported = broker.reported_year(args.year);
    if args.json {
        return out.json(&as_json(&broker, &reported));
    }
    for sentence in sentences(&broker, &reported, args.lang) {
        writeln!(out, "{sentence}")?;
    }
    Ok(())
}

fn sentences(broker: &Broker, reported: &ReportedYear, lang: Lang) -> Vec<String> {
    let nl = lang == Lang::Nl;
    let pick = |dutch: String, english: String| if nl { dutch } else { english };
    let year = reported.year;
    let mut said = vec![pick(
        format!("Hoe de gesprekken gingen die in {year} begonnen, zoals de partners het meldden."),
        format!("How the conversations went that began in {year}, as the partners reported it."),
    )];
    let listed = |numbers: &[u16]| {
        let names: Vec<String> = numbers.iter().map(|number| named(broker, *number)).collect();
        if names.is_empty() { pick("niemand".into(), "nobody".into()) } else { names.join("; ") }
    };
    said.push(pick("Gemeld: ".into(), "Reported: ".into()) + &listed(&reported.reported));
    said.push(pick("Nog niet gemeld: ".into(), "Not reported yet: ".into()) + &listed(&reported.missing));
    match &reported.totals {
        YearTotals::Wait => said.push(pick(
            format!("Aantallen volgen als iedereen gemeld heeft, en anders na 31 december {}.", year + 1),
            format!("Numbers follow once all have reported, and else after 31 December {}.", year + 1),
        )),
        YearTotals::TooFew => said.push(pick(
            "Geen aantallen: minder dan drie organisaties hadden tien gesprekken of meer.".into(),
            "No numbers: fewer than three organisations had ten conversations or more.".into(),
        )),
        YearTotals::Told { small, counted, cells } => {
            said.push(pick(
                format!(
                    "Een gesprek telt eens bij iedere partner die eraan meedeed. Meegeteld: partners met tien \
                     gesprekken of meer, {counted}. Niet meegeteld: partners met minder dan tien, {small}."
                ),
                format!(
                    "A conversation counts once for each partner in it. Counted: partners with ten conversations or \
                     more, {counted}. Not counted: partners with fewer than ten, {small}."
                ),
            ));
            for YearCell { ways, number } in cells {
                let names: Vec<&str> = ways::of(*ways).map(|way| way.called(lang)).collect();
                said.push(format!("{number:>10} {}", names.join(if nl { " of " } else { " or " })));
            }
        }
        _ => {}
    }
    said
}

/// A partner's name and number; its number alone, where it is in the roster no more.
fn named(broker: &Broker, number: u16) -> String {
    broker.inspect_policy(|signed| {
        let policy = signed.policy();
        let organisation = policy.partner(number).and_then(|entry| policy.organisation(&entry.organisation));
        organisation.map_or(format!("partner {number}"), |one| format!("{} (partner {number})", one.name))
    })
}

fn as_json(broker: &Broker, reported: &ReportedYear) -> Value {
    let partner = |number: &u16| {
        let organisation = broker.inspect_policy(|signed| {
            signed.policy().partner(*number).map(|entry| entry.organisation.as_str().to_owned())
        });
        json!({ "partner": number, "organisation": organisation })
    };
    let partners = |numbers: &[u16]| numbers.iter().map(partner).collect::<Vec<_>>();
    let mut value = json!({
        "year": reported.year, "reported": partners(&reported.reported), "missing": partners(&reported.missing),
        "totals": match reported.totals {
            YearTotals::Wait => "wait",
            YearTotals::TooFew => "too_few",
            _ => "told",
        },
    });
    if let YearTotals::Told { small, counted, cells } = &reported.totals {
        value["partners_counted"] = json!(counted);
        value["partners_with_fewer_than_ten"] = json!(small);
        let cell = |YearCell { ways, number }: &YearCell| {
            let names: Vec<_> = ways::of(*ways).map(|way| way.name).collect();
            json!({ "ways": names, "number": number })
        };
        value["cells"] = cells.iter().map(cell).collect();
    }
    value
}
