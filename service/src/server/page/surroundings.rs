//! What the page says of a consortium's budgets, traffic, machine, certificates, log and policy, and of the service.

use std::collections::BTreeMap;

use maud::{Markup, html};
use stapel::broker::{BudgetUse, Severity};
use stapel::message::Code;
use stapel::policy::{Paragraph, Policy};
use stapel::{Slug, Timestamp};

use super::super::view::{OfConsortium, View};
use super::badge;
use super::sections::{term, time_and_distance};
use crate::words::Words;

pub(super) fn budgets(words: Words, one: &OfConsortium) -> Markup {
    let mut of_organisations = BTreeMap::<&Slug, Vec<&BudgetUse>>::new();
    for used in &one.overview.budgets {
        of_organisations.entry(&used.organisation).or_default().push(used);
    }
    html! {
        p {
            (words.t("Van ieder budget staat er hoeveel er minstens van gebruikt is, in tienden ervan, en hoeveel er \
                      hoogstens over is: zo is niet te zien wie iets kleins deed.",
                     "Of each budget it is said how much was used at least, in tenths of it, and how much is left at \
                      most: so nobody sees who did something small."))
        }
        div class="tables" { @for (organisation, budgets) in of_organisations {
            table {
                caption { (one.organisation_name(organisation)) }
                thead { tr {
                    th scope="col" { (words.t("Budget", "Budget")) }
                    th scope="col" class="number" { (words.t("Gebruikt", "Used")) }
                    th scope="col" class="number" { (words.t("Over", "Left")) }
                } }
                tbody {
                    @for used in budgets {
                        tr {
                            th scope="row" {
                                (words.budget(used.budget))
                                @if let Some(epoch) = used.epoch {
                                    span class="under" { (words.t("sleutelperiode ", "epoch ")) (epoch) }
                                }
                            }
                            td class="number" { (words.number(used.used.into())) }
                            td class="number" {
                                (words.number((used.allowed - used.used).into()))
                                @if used.used == used.allowed { " " (badge(words, Some(Severity::Warning))) }
                            }
                        }
                    }
                }
            }
        } }
    }
}

pub(super) fn traffic(words: Words, one: &OfConsortium) -> Markup {
    let rejected = &one.overview.rejected;
    html! {
        p { (words.t("Geteld sinds de dienst begon.", "Counted since the service began.")) }
        (codes(words, words.t("Van partners", "Of partners"), &rejected.authenticated))
        (codes(words, words.t("Van afzenders die niet vast te stellen waren", "Of senders that were not authenticated"),
               &rejected.unauthenticated))
    }
}

fn codes(words: Words, caption: &str, counts: &BTreeMap<Code, u64>) -> Markup {
    html! {
        @if counts.is_empty() {
            p { (caption) ": " (words.t("geen.", "none.")) }
        } @else {
            table {
                caption { (caption) }
                thead { tr {
                    th scope="col" { (words.t("Reden", "Code")) }
                    th scope="col" class="number" { (words.t("Berichten", "Messages")) }
                } }
                tbody {
                    @for (code, count) in counts {
                        tr { th scope="row" { code { (code.as_str()) } } td class="number" { (words.number(*count)) } }
                    }
                }
            }
        }
    }
}

pub(super) fn machine(words: Words, one: &OfConsortium) -> Markup {
    let clock = &one.clock;
    html! {
        dl {
            (term(words.t("Klok", "Clock"), html! {
                (if clock.is_synchronised {
                    words.t("wordt gelijk gehouden", "is kept in step")
                } else {
                    words.t("wordt niet gelijk gehouden", "is not kept in step")
                })
                @if clock.set_by != 0 {
                    (words.t("; sinds de dienst begon verzet met ", "; set since the service began by "))
                    (clock.set_by) " s"
                }
            }))
            (term(words.t("Laatste back-up", "Last backup"), html! {
                @match one.status.last_backup {
                    Some(made) => (time_and_distance(words, made, one.now)),
                    None => (words.t("nog geen", "none yet")),
                }
            }))
            (term(words.t("Schijf", "Disk"), html! {
                @match one.disk {
                    Some((free, size)) => {
                        (words.bytes(free)) (words.t(" vrij van ", " free of ")) (words.bytes(size))
                    }
                    None => (words.t("niet te zien", "cannot be seen")),
                }
            }))
        }
    }
}

pub(super) fn certificates(words: Words, one: &OfConsortium) -> Markup {
    let partner = |number| one.policy().partner(number).map_or_else(String::new, |entry| entry.name.clone());
    let own = one.certificate_ends.iter().map(|(file, end)| (file.clone(), *end));
    let lists = one.list_ends.iter().map(|(file, end)| (file.clone(), *end));
    let connected = one.connected_ends.iter().map(|(slug, end)| (one.organisation_name(slug), *end));
    let keys = one.partner_ends().into_iter().map(|((epoch, number), end)| {
        (format!("{number}: {} ({} {epoch})", partner(number), words.t("sleutelperiode", "epoch")), end)
    });
    html! { div class="tables" {
        (ends(words, words.t("TLS van de teller, en de uitgevers die hij vertrouwt",
                             "The broker's TLS, and the authorities that it trusts"),
              words.t("Bestand", "File"), one.now, own))
        (ends(words, words.t("Intrekkingslijsten", "Revocation lists"), words.t("Bestand", "File"), one.now, lists))
        (ends(words, words.t("TLS van organisaties, zoals zij het laatst verbinding maakten",
                             "TLS of organisations, as they connected last"),
              words.t("Organisatie", "Organisation"), one.now, connected))
        (ends(words, words.t("Sleutels van partners", "Keys of partners"), words.t("Partner", "Partner"), one.now,
              keys))
    } }
}

/// When what is in a table ends.
fn ends(
    words: Words,
    caption: &str,
    of: &str,
    now: Timestamp,
    rows: impl Iterator<Item = (String, Timestamp)>,
) -> Markup {
    let rows: Vec<_> = rows.collect();
    html! {
        @if rows.is_empty() {
            div class="none" {
                p class="caption" { (caption) }
                p { (words.t("Geen bekend.", "None known.")) }
            }
        } @else {
            table {
                caption { (caption) }
                thead { tr { th scope="col" { (of) } th scope="col" { (words.t("Loopt af", "Ends")) } } }
                tbody {
                    @for (name, end) in rows {
                        tr {
                            th scope="row" { (name) }
                            td { (time_and_distance(words, end, now)) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn log(words: Words, one: &OfConsortium) -> Markup {
    html! {
        dl {
            (term(words.t("Regels, ten minste", "Lines, at least"), html! { (words.number(one.overview.log_size)) }))
            (term(words.t("Laatst getekend", "Latest checkpoint"), html! {
                @match one.overview.checkpoint {
                    Some(last) => {
                        (words.t("op ", "on ")) (words.day(last.day)) ", "
                        (words.counted(last.size, words.t("regel", "line"), words.t("regels", "lines")))
                        ", " (words.t("wortel ", "root ")) code { (last.root) }
                    }
                    None => (words.t("nog niet", "none yet")),
                }
            }))
        }
    }
}

pub(super) fn policy(words: Words, one: &OfConsortium) -> Markup {
    let policy = one.policy();
    html! {
        dl {
            (term(words.t("Versie", "Version"), html! { (policy.version) }))
            (term(words.t("Laatste dag", "Last day"), html! { (words.day(one.status.closes)) }))
            (term(words.t("Kenmerk", "Digest"), html! { code { (one.status.policy) } }))
        }
        details {
            summary { (words.t("De afspraken in gewone taal", "The policy in plain words")) }
            (explained(words, policy))
        }
    }
}

fn explained(words: Words, policy: &Policy) -> Markup {
    html! {
        @for paragraph in policy.explained(words.0) {
            @match paragraph {
                Paragraph::Heading(text) => h4 { (text) },
                Paragraph::Sentence(text) => p { (text) },
                Paragraph::Detail(text) => p class="detail" { (text) },
                _ => "",
            }
        }
    }
}

/// What is so of the process, whichever consortium it is for.
pub(super) fn service(words: Words, view: &View) -> Markup {
    html! {
        section aria-labelledby="service" {
            h2 id="service" { (words.t("De dienst", "The service")) }
            p {
                (if view.is_alive {
                    words.t("Schema's en werkers doen hun werk.", "Schedules and workers get things done.")
                } else {
                    words.t("Een schema of de werkers deden een kwartier niets: herstart de dienst.",
                            "A schedule or the workers have done nothing for 15 minutes: restart the service.")
                })
            }
            @if view.requests.is_empty() {
                p { (words.t("Er kwam nog geen verzoek over HTTPS.", "No request came over HTTPS yet.")) }
            } @else {
                table {
                    caption { (words.t("Antwoorden over HTTPS", "Responses over HTTPS")) }
                    thead { tr {
                        th scope="col" { (words.t("Samenwerkingsverband", "Consortium")) }
                        th scope="col" { (words.t("Antwoord", "Response")) }
                        th scope="col" class="number" { (words.t("Aantal", "Number")) }
                    } }
                    tbody {
                        @for ((consortium, status, code), count) in &view.requests {
                            tr {
                                th scope="row" {
                                    @match consortium {
                                        Some(name) => (name),
                                        None => (words.t("geen", "none")),
                                    }
                                }
                                td { (status) @if let Some(code) = code { " " code { (code.as_str()) } } }
                                td class="number" { (words.number(*count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
