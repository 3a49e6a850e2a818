//! The first page of a case worker, as somebody needs it who opens it on Monday morning: how the exchange stands,
//! what is to be done today, what is new since they were last here, what ends, what was refused, and their flags, the
//! highest rank first.

use std::collections::BTreeSet;

use maud::{Markup, html};
use stapel::Day;
use stapel::partner::{TalkDue, TalkNews};

use super::overview::{Overview, Row, SOON, may_look, others};
use super::standing::Standing;
use super::start::who;
use super::{SCREENS, Visit, table};
use crate::pages::kept::Refused;
use crate::pages::person::Person;
use crate::pages::refusal::Refusal;
use crate::words::Words;

/// The most of what is new, ends or is gone that is shown here; the list has all.
const MOST: usize = 10;

/// The most flags that are shown here.
const MOST_FLAGS: usize = 25;

/// What is seen.
struct View<'a> {
    person: &'a Person,
    standing: Standing,
    today: Day,
    /// What waits for people after a hit; `None` for whoever may not see that.
    due: Option<TalkDue>,
    /// The conversations that began and that nobody opened yet; 0 for whoever may not see them.
    unopened: usize,
    refused: Option<Refused>,
    /// Own flags; `None` for whoever may not see them.
    overview: Option<Overview>,
    /// Why own flags are not shown: the journal could not have it.
    unseen: Option<Refusal>,
    /// Who looks.
    who: Markup,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    let view = view(visit);
    Ok(markup(visit.words, &view))
}

fn view<'a>(visit: &mut Visit<'a>) -> View<'a> {
    let (mut overview, mut unseen) = (None, None);
    if may_look(visit.person) {
        match Overview::of(visit) {
            Ok(seen) => overview = Some(seen),
            Err(error) => unseen = Some(error.into()),
        }
    }
    let today = visit.now.day();
    let begun = visit.partner.talk_news().iter().filter_map(|news| match news {
        TalkNews::Introduced { conversation, .. } => Some(*conversation),
        _ => None,
    });
    let unopened = if may_look(visit.person) { begun.collect::<BTreeSet<u32>>().len() } else { 0 };
    View {
        person: visit.person,
        standing: Standing::of(visit),
        today,
        due: may_look(visit.person).then(|| visit.partner.talk_due(today)),
        unopened,
        refused: visit.kept.refused(&visit.person.actor),
        overview,
        unseen,
        who: who(visit),
    }
}

fn markup(words: Words, view: &View<'_>) -> Markup {
    html! {
        (view.standing.show(words))
        @if let Some(refusal) = &view.unseen {
            div.alert role="alert" {
                p {
                    (words.t(
                        "Uw meldingen zijn nu niet te tonen: het journaal kan niet vastleggen dat u ze ziet. ",
                        "Your flags cannot be shown now: the journal cannot note that you see them. ",
                    ))
                    (words.t(&refusal.dutch, &refusal.english))
                }
                p.code { "Code: " code { (refusal.code) } }
            }
        }
        @if let Some(due) = &view.due { (today(words, view, due)) }
        @if let Some(overview) = &view.overview {
            (new(words, overview, view.unopened))
            (ending(words, overview, view.today))
            (refused(words, view))
            (list(words, overview))
        }
        (view.who)
    }
}

/// What asks somebody to act today.
fn today(words: Words, view: &View<'_>, due: &TalkDue) -> Markup {
    let page = |path: &str, text: &str| {
        let theirs = SCREENS.iter().any(|screen| screen.path == path && view.person.has(screen.needs));
        html! {
            @if theirs { a href={ "/" (words.lang()) (path) } { (text) } } @else { (text) }
        }
    };
    let nothing = due.unanswered + due.unread + due.not_standing + due.put_off + view.unopened == 0;
    html! {
        section aria-labelledby="today" {
            h2 #today { (words.t("Vandaag te doen", "To be done today")) }
            @if nothing {
                p { (words.t("Niets wacht op u.", "Nothing waits for you.")) }
            } @else {
                ul {
                    @if due.unanswered > 0 {
                        li {
                            (page("/asked", words.t(
                                "Door anderen aangedragen, nog te beantwoorden: ",
                                "Put forward by others, to be answered: ",
                            )))
                            (words.number(due.unanswered as u64))
                            @if let Some(day) = due.answer_by {
                                (words.t("; de eerste uiterlijk ", "; the first by ")) (words.day(day))
                            }
                            @if due.late > 0 {
                                strong.late {
                                    (words.t("; te laat: ", "; late: ")) (words.number(due.late as u64))
                                }
                            }
                        }
                    }
                    @if view.unopened > 0 {
                        li {
                            (page("/conversations", words.t("Nieuwe gesprekken, nog niet geopend: ",
                                "New conversations, not opened yet: ")))
                            (words.number(view.unopened as u64))
                        }
                    }
                    @if due.unread > 0 {
                        li {
                            (page("/conversations", words.t(
                                "Ongelezen berichten en besluiten: ",
                                "Unread notes and decisions: ",
                            )))
                            (words.number(due.unread as u64))
                        }
                    }
                    @if due.not_standing > 0 {
                        li {
                            (words.t(
                                "Aangedragen, maar nog niet bij de teller: ",
                                "Put forward, and not at the broker yet: ",
                            ))
                            (words.number(due.not_standing as u64))
                        }
                    }
                    @if due.put_off > 0 {
                        li {
                            (words.t("Berichten die later gaan: ", "Notes that go later: "))
                            (words.number(due.put_off as u64))
                        }
                    }
                }
            }
        }
    }
}

/// What is new since somebody was last here.
fn new(words: Words, overview: &Overview, unopened: usize) -> Markup {
    let rows: Vec<&Row> = overview.rows.iter().filter(|row| row.is_new(overview)).collect();
    let gone: Vec<_> = overview.newly_gone().collect();
    html! {
        section aria-labelledby="new" {
            h2 #new { (words.t("Nieuw sinds uw vorige bezoek", "New since your last visit")) }
            p {
                @match overview.visit {
                    Some(visit) => {
                        (words.t("U was hier het laatst op ", "You were last here on ")) (words.moment(visit)) "."
                    }
                    None => (words.t(
                        "Het journaal kent geen eerder bezoek van u op een andere dag: alles is nieuw.",
                        "The journal knows no visit of yours on an earlier day: all is new.",
                    )),
                }
            }
            @if rows.is_empty() && gone.is_empty() && unopened == 0 {
                p { (words.t("Er is niets nieuws.", "There is nothing new.")) }
            }
            @if unopened > 0 {
                p {
                    (words.t("Gesprekken die nog niemand opende: ", "Conversations that nobody opened yet: "))
                    (words.number(unopened as u64))
                }
            }
            @if !rows.is_empty() {
                ul {
                    @for row in rows.iter().take(MOST) {
                        li {
                            b { (row.typed) } ": "
                            @if let Some(stacked) = row.home.as_ref().or(row.number.as_ref()) {
                                (others(words, stacked.told, overview.cap))
                            }
                        }
                    }
                }
                (more(words, rows.len(), "new"))
            }
            @if !gone.is_empty() {
                h3 { (words.t("Geen treffer meer", "No longer a hit")) }
                (table::gone(words, &gone[..gone.len().min(MOST)]))
                (more(words, gone.len(), "gone"))
            }
        }
    }
}

/// How many there are more than are shown, and where.
fn more(words: Words, all: usize, show: &str) -> Markup {
    html! {
        @if all > MOST {
            p {
                a href={ "/" (words.lang()) "/flags?show=" (show) } {
                    (words.t("Alle ", "All ")) (words.number(all as u64))
                }
            }
        }
    }
}

/// Own flags that end soon.
fn ending(words: Words, overview: &Overview, today: Day) -> Markup {
    let mut rows: Vec<&Row> = overview.rows.iter().filter(|row| row.ends_soon(today)).collect();
    rows.sort_by_key(|row| (row.last_day, row.address));
    html! {
        section aria-labelledby="ending" {
            h2 #ending {
                (words.t("Meldingen die eindigen binnen ", "Flags that end within ")) (SOON)
                (words.t(" dagen", " days"))
            }
            @if rows.is_empty() {
                p { (words.t("Geen.", "None.")) }
            } @else {
                ul {
                    @for row in rows.iter().take(MOST) {
                        li {
                            b { (row.typed) } ": " (words.t("tot en met ", "until ")) (words.day(row.last_day))
                            @if !row.case.is_empty() { (words.t(", zaak ", ", case ")) (row.case) }
                        }
                    }
                }
                (more(words, rows.len(), "ending"))
                p {
                    a href={ "/" (words.lang()) "/flags?show=ending" } {
                        (words.t(
                            "Bekijk ze opnieuw: verlengen of laten eindigen",
                            "Look at them again: renew, or let them end",
                        ))
                    }
                }
            }
        }
    }
}

/// Rows that were refused and are not mended.
fn refused(words: Words, view: &View<'_>) -> Markup {
    html! {
        section aria-labelledby="refused" {
            h2 #refused { (words.t("Geweigerde regels", "Rows refused")) }
            @match &view.refused {
                Some(refused) => p {
                    (words.number(refused.rows.len() as u64))
                    (words.t(" van ", " of ")) (words.moment(refused.since)) ": "
                    a href={ "/" (words.lang()) "/flag" } { (words.t("herstel ze", "mend them")) } "."
                },
                None => p {
                    (words.t(
                        "Geen. Van voordat deze dienst startte, zijn ze niet meer bekend.",
                        "None. Those of before this service began are no longer known.",
                    ))
                },
            }
        }
    }
}

/// The first of own flags, and where all are.
fn list(words: Words, overview: &Overview) -> Markup {
    let rows: Vec<&Row> = overview.rows.iter().take(MOST_FLAGS).collect();
    html! {
        section.list aria-labelledby="list" {
            h2 #list { (words.t("Uw meldingen", "Your flags")) }
            (proves_nothing(words))
            @if rows.is_empty() {
                p { (words.t("Uw organisatie meldt nog niets.", "Your organisation flags nothing yet.")) }
            } @else {
                (table::rows(words, overview, &rows, None))
            }
            p {
                a.button href={ "/" (words.lang()) "/flags" } {
                    (words.t("Alle meldingen: ", "All flags: ")) (words.number(overview.rows.len() as u64))
                }
            }
        }
    }
}

/// What a hit is, and in which order flags are.
pub(super) fn proves_nothing(words: Words) -> Markup {
    html! {
        p.note {
            (words.t(
                "Een treffer bewijst niets. Hij zegt dat ook anderen hier een zorg hebben, en niet welke, over wie of \
                 waarom. Kijk zelf.",
                "A hit proves nothing. It says that others have a concern here too, and not which, about whom or why. \
                 Look for yourself.",
            ))
        }
        p {
            (words.t(
                "Bovenaan staat wat de meeste organisaties melden, eerst voor de woning en dan voor het huisnummer; \
                 daarna wat het eerst eindigt. Een cijfer voor hoe erg het is, bestaat niet.",
                "At the top is what most organisations flag, of the home first and then of the house number; after \
                 that what ends first. There is no score of how bad it is.",
            ))
        }
    }
}
