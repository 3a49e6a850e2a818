//! What the page says of one consortium: what is wrong, who delivered, and what shows when.

use maud::{Markup, html};
use stapel::Timestamp;
use stapel::broker::{EpochOverview, EpochStatus, Fault, Hearing, Severity, Stacks};

use super::super::view::OfConsortium;
use super::{after_hit, badge, class, faults, surroundings};
use crate::words::Words;

/// All of a consortium.
pub(super) fn consortium(words: Words, one: &OfConsortium) -> Markup {
    let part = |name: &str| format!("{}-{name}", one.name);
    let mut parts = vec![
        ("faults", words.t("Wat er mis is", "What is wrong"), faults_of(words, one)),
        ("deliveries", words.t("Wie leverde wanneer", "Who delivered when"), deliveries(words, one)),
        ("releases", words.t("Wanneer iets zichtbaar wordt", "What shows when"), releases(words, one)),
        ("stacks", words.t("Stapels", "Stacks"), stacks(words, one)),
        ("budgets", words.t("Budgetten", "Budgets"), surroundings::budgets(words, one)),
        ("traffic", words.t("Geweigerde berichten", "Rejected messages"), surroundings::traffic(words, one)),
        ("machine", words.t("Machine en back-up", "Machine and backup"), surroundings::machine(words, one)),
        ("certificates", words.t("Certificaten", "Certificates"), surroundings::certificates(words, one)),
        ("log", words.t("Logboek", "Log"), surroundings::log(words, one)),
        ("policy", words.t("De afspraken", "The policy"), surroundings::policy(words, one)),
    ];
    if let Some(shown) = &one.status.after_hit {
        let title = words.t("Na een treffer", "After a hit");
        parts.insert(4, ("after-hit", title, after_hit::after_hit(words, one, shown)));
    }
    html! {
        section aria-labelledby=(one.name) {
            div class="heading" {
                h2 id=(one.name) { (one.name) }
                (badge(words, one.worst()))
            }
            nav class="parts" aria-label={ (words.t("Onderdelen van ", "Parts of ")) (one.name) } {
                ul { @for (name, title, _) in &parts { li { a href={ "#" (part(name)) } { (title) } } } }
            }
            div class="parts" {
                @for (name, title, content) in &parts {
                    div class={ "part " (name) } {
                        h3 id=(part(name)) { (title) }
                        (content)
                    }
                }
            }
        }
    }
}

/// A moment, as people and as programs read it.
pub(super) fn time(words: Words, moment: Timestamp) -> Markup {
    html! { time datetime=(moment.to_string()) { (words.moment(moment)) } }
}

/// A moment, and how long before or after now it is.
pub(super) fn time_and_distance(words: Words, moment: Timestamp, now: Timestamp) -> Markup {
    if let Some(after) = words.after_all(moment) {
        return html! { (after) };
    }
    html! { (time(words, moment)) " " span class="distance" { "(" (words.distance(moment, now)) ")" } }
}

fn faults_of(words: Words, one: &OfConsortium) -> Markup {
    if one.faults.is_empty() {
        return html! { p { (words.t("Niets.", "Nothing.")) } };
    }
    html! { ul class="faults" { @for fault in &one.faults { (fault_of(words, fault, one.now)) } } }
}

fn fault_of(words: Words, fault: &Fault, now: Timestamp) -> Markup {
    let remedy = faults::remedy(words, &fault.code);
    html! {
        li class=(class(Some(fault.severity))) {
            p class="title" {
                (badge(words, Some(fault.severity))) " " strong { (faults::title(words, &fault.code)) } " "
                code { (fault.code) }
            }
            @if let Some(since) = fault.since {
                p { (words.t("Sinds ", "Since ")) (time_and_distance(words, since, now)) "." }
            }
            @if let Some(remedy) = remedy { p { (words.t("Wat te doen: ", "What to do: ")) (remedy) } }
            // What was found is in English, whatever the page's language.
            p class="finding" lang=[remedy.map(|_| "en")] { (fault.finding) }
        }
    }
}

fn deliveries(words: Words, one: &OfConsortium) -> Markup {
    if one.overview.epochs.is_empty() {
        return no_epoch(words);
    }
    let window = one.policy().freshness_days.into();
    html! {
        p {
            (words.t("Vers is wie in de laatste ", "Fresh is who sent a state message in the last "))
            (words.counted(window, words.t("dag", "day"), words.t("dagen", "days")))
            (words.t(" liet weten dat zijn meldingen kloppen; verouderd is wie dat langer geleden deed; stil is van \
                      wie in deze periode nog niets kwam.",
                     "; stale is who did so longer ago; silent is of whom nothing came in this epoch."))
        }
        @for epoch in &one.overview.epochs { (deliveries_in(words, one, epoch)) }
    }
}

fn deliveries_in(words: Words, one: &OfConsortium, epoch: &EpochOverview) -> Markup {
    let name = |number| {
        let entry = one.policy().partner(number)?;
        Some((one.organisation_name(&entry.organisation), &entry.name, entry.may.flag))
    };
    html! {
        table {
            caption { (words.t("Leveringen in sleutelperiode ", "Deliveries in epoch ")) (epoch.number) }
            thead { tr {
                th scope="col" { (words.t("Partner", "Partner")) }
                th scope="col" { (words.t("Laatst gehoord", "Last heard")) }
                th scope="col" class="number" { (words.t("Meldingen", "Flags")) }
            } }
            tbody {
                @for partner in &epoch.partners {
                    @if let Some((organisation, name, may_flag)) = name(partner.number) {
                        tr {
                            th scope="row" { (organisation) span class="under" { (partner.number) ": " (name) } }
                            td {
                                @if may_flag { (hearing(words, partner.hearing)) }
                                @else { (words.t("Meldt niet", "Does not flag")) }
                                " "
                                @if let Some(heard) = partner.heard {
                                    span class="when" { (time_and_distance(words, heard, one.now)) }
                                }
                            }
                            td class="number" { (at_least(words, partner.released)) }
                        }
                    }
                }
            }
        }
    }
}

/// A number that was rounded down to whole tens.
pub(super) fn at_least(words: Words, number: u64) -> Markup {
    html! {
        @if number == 0 { (words.t("minder dan 10", "fewer than 10")) }
        @else { (words.number(number)) " " (words.t("of meer", "or more")) }
    }
}

fn hearing(words: Words, hearing: Hearing) -> Markup {
    let severity = match hearing {
        Hearing::Fresh => None,
        Hearing::Stale | Hearing::Silent => Some(Severity::Warning),
    };
    html! { span class={ "badge " (class(severity)) } { (words.hearing(hearing)) } }
}

fn no_epoch(words: Words) -> Markup {
    html! { p { (words.t("Er is geen sleutelperiode open.", "No epoch is open.")) } }
}

fn releases(words: Words, one: &OfConsortium) -> Markup {
    if one.status.epochs.is_empty() {
        return no_epoch(words);
    }
    html! {
        @for epoch in &one.status.epochs {
            h4 { (words.t("Sleutelperiode ", "Epoch ")) (epoch.number) }
            dl {
                (term(words.t("Laatste peilmoment", "Release in force"), html! {
                    (time_and_distance(words, epoch.as_of, one.now))
                }))
                (term(words.t("Volgende peilmoment", "Next release"), html! {
                    (time_and_distance(words, epoch.next_release, one.now))
                }))
                (term(words.t("Nieuwe meldingen", "New flags"), shows(words, one, epoch)))
            }
        }
    }
}

/// A term and what is said of it.
pub(super) fn term(name: &str, said: Markup) -> Markup {
    html! { div { dt { (name) } dd { (said) } } }
}

/// When new flags show, and why not yet.
fn shows(words: Words, one: &OfConsortium, epoch: &EpochStatus) -> Markup {
    let shown = one.overview.epochs.iter().find(|shown| shown.number == epoch.number);
    let suffice = shown.is_some_and(|shown| shown.changes_suffice);
    let needed = words.counted(
        epoch.min_changed as u64,
        words.t("organisatie", "organisation"),
        words.t("organisaties", "organisations"),
    );
    html! {
        @if epoch.waits_since.is_some() {
            (words.t("Nog niet: deze periode wacht tot alle partners die melden hun volledige lijst leverden, \
                      uiterlijk ",
                     "Not yet: this epoch waits until all partners that flag have delivered their full set, at the \
                      latest "))
            (time(words, epoch.shows_by)) "."
            @if !epoch.without_full_set.is_empty() {
                " " (words.t("Er ontbreken er nog ", "Missing: ")) (epoch.without_full_set.len())
                (words.t(": partner ", ": partner ")) (listed(&epoch.without_full_set)) "."
            }
        } @else if epoch.shows_from == epoch.shows_by {
            (words.t("Zichtbaar vanaf ", "Show from ")) (time(words, epoch.shows_by)) "."
        } @else if suffice {
            (words.t("Zichtbaar vanaf ", "Show from ")) (time(words, epoch.shows_from))
            (words.t(": minstens ", ": at least ")) (needed) (words.t(" hebben iets nieuws.", " have some."))
        } @else {
            (words.t("Nog niet: minder dan ", "Not yet: fewer than ")) (needed)
            (words.t(" hebben iets nieuws. Zodra het er genoeg zijn, vanaf ", " have some. Once enough do, from "))
            (time(words, epoch.shows_from)) (words.t("; uiterlijk ", "; at the latest "))
            (time(words, epoch.shows_by)) "."
        }
    }
}

fn listed(numbers: &[u16]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn stacks(words: Words, one: &OfConsortium) -> Markup {
    html! {
        p {
            (words.t("Codes die door zoveel organisaties gemeld zijn, op het laatste peilmoment. Aantallen zijn \
                      afgerond op hele tientallen, en wat minder is dan tien is samengenomen.",
                     "Pseudonyms that so many organisations flag, as of the release in force. Numbers are rounded down \
                      to whole tens, and what is less than ten is merged."))
        }
        @for epoch in &one.overview.epochs {
            @if epoch.stacks.is_empty() {
                p {
                    (words.t("Sleutelperiode ", "Epoch ")) (epoch.number) ": "
                    (words.t("er kan nog niets gestapeld zijn.", "nothing can be stacked yet."))
                }
            } @else {
                table {
                    caption { (words.t("Stapels in sleutelperiode ", "Stacks in epoch ")) (epoch.number) }
                    thead { tr {
                        th scope="col" { (words.t("Organisaties", "Organisations")) }
                        th scope="col" class="number" { (words.t("Codes", "Pseudonyms")) }
                    } }
                    tbody { @for cell in &epoch.stacks { (stack(words, cell)) } }
                }
            }
        }
    }
}

fn stack(words: Words, cell: &Stacks) -> Markup {
    let organisations = match cell.to {
        None => format!("{} {}", cell.from, words.t("of meer", "or more")),
        Some(to) if to == cell.from => to.to_string(),
        Some(to) => format!("{} {} {to}", cell.from, words.t("tot en met", "to")),
    };
    html! {
        tr {
            th scope="row" { (organisations) }
            td class="number" { (at_least(words, cell.at_least)) }
        }
    }
}
