//! What people do with flags: asked once more before it is done, and done once.

use std::collections::BTreeSet;

use maud::{Markup, html};
use stapel::message::RenewalReason;
use stapel::partner::{Change, Changed, Given, Partner};
use stapel::{AddressKey, Timestamp};

use super::Visit;
use super::forms::{self, Wrong, hidden};
use super::held::{self, Held, Later};
use super::overview::shown;
use super::told::who_learns;
use crate::pages::kept::{Found, Refused, RefusedRow};
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The most addresses that are named before they are confirmed; the rest is counted.
const MOST_NAMED: usize = 200;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pages) enum Kind {
    Flag,
    Withdraw,
    Renew(RenewalReason),
    PutForward,
}

/// Something that waits to be confirmed.
#[derive(Clone)]
pub(in crate::pages) struct Deed {
    pub(super) kind: Kind,
    pub(super) case: String,
    pub(in crate::pages) rows: Vec<GivenRow>,
    /// What was given beside them and is no address.
    pub(in crate::pages) refused: Vec<RefusedRow>,
    /// These as a file, where they came in one.
    pub(super) refused_file: Option<Vec<u8>>,
}

/// An address with which something is done.
#[derive(Clone)]
pub(in crate::pages) struct GivenRow {
    pub(super) key: AddressKey,
    pub(super) typed: String,
    /// Whether a register found it.
    pub(super) is_resolved: bool,
}

/// What was done.
#[derive(Clone)]
pub(in crate::pages) struct Outcome {
    kind: Kind,
    case: String,
    changed: Changed,
    /// The flags that stood already.
    held: Option<Held>,
    /// The flags that a day's budget does not take.
    later: Option<Later>,
    /// How many rows were refused beside.
    refused: usize,
}

impl Deed {
    fn given(&self) -> impl Iterator<Item = Given<'_>> {
        self.rows.iter().map(|row| {
            let given = Given::from(row.key).typed(&row.typed);
            if row.is_resolved { given.resolved() } else { given }
        })
    }

    /// As the library takes it; `None` for what is put forward.
    fn change(&self) -> Option<Change> {
        match self.kind {
            Kind::Flag => Some(Change::Flag),
            Kind::Withdraw => Some(Change::Withdraw),
            Kind::Renew(reason) => Some(Change::Renew(reason)),
            Kind::PutForward => None,
        }
    }

    /// The flags that are on its addresses already, where it is to flag them.
    fn held(&self, partner: &Partner) -> Option<Held> {
        if self.kind == Kind::Flag { Held::of(partner, &self.rows) } else { None }
    }

    /// The flags that are beyond a day's budget, where it is to flag.
    fn later(&self, partner: &Partner, now: Timestamp) -> Option<Later> {
        if self.kind == Kind::Flag { Later::of(partner, &self.rows, now) } else { None }
    }

    fn preview(&self, visit: &mut Visit<'_>) -> Result<Changed, Refusal> {
        let Some(change) = self.change() else {
            let added = visit.partner.preview_put_forward(self.given(), visit.now)?;
            return Ok(self.put_forward(added));
        };
        Ok(visit.partner.preview(self.given(), change, visit.now)?)
    }

    fn do_it(&self, visit: &mut Visit<'_>) -> Result<Changed, Refusal> {
        let by = visit.person.acting_for(&self.case)?;
        let (partner, now) = (&mut visit.partner, visit.now);
        Ok(match self.kind {
            Kind::Flag => partner.flag(self.given(), &by, now)?,
            Kind::Withdraw => partner.withdraw(self.given(), &by, now)?,
            Kind::Renew(reason) => partner.renew(self.given(), reason, &by, now)?,
            Kind::PutForward => {
                let added = partner.put_forward(self.given(), &by, now)?;
                self.put_forward(added)
            }
        })
    }

    /// So many put forward, as a change.
    fn put_forward(&self, added: usize) -> Changed {
        let all: BTreeSet<AddressKey> = self.rows.iter().map(|row| row.key).collect();
        let mut changed = Changed::default();
        (changed.added, changed.unchanged) = (added, all.len().saturating_sub(added));
        changed
    }
}

/// Asks whether it is meant, and says who will learn of it.
pub(super) fn ask(visit: &mut Visit<'_>, deed: Deed, path: &str) -> Result<Markup, Refusal> {
    let words = visit.words;
    let changed = deed.preview(visit)?;
    let learns = who_learns(words, &visit.partner, deed.kind, &changed, visit.now)?;
    let (held, later) = (deed.held(&visit.partner), deed.later(&visit.partner, visit.now));
    let token = visit.kept.ask(visit.csrf, deed.clone(), visit.now).ok_or_else(Refusal::internal)?;
    let question = question(words, deed.kind);
    Ok(html! {
        section.ask aria-labelledby="ask" {
            h2 #ask { (question) }
            dl {
                div {
                    dt { (words.t("Zaak", "Case")) }
                    dd { (deed.case) }
                }
                @if let Kind::Renew(given) = deed.kind {
                    div {
                        dt { (words.t("Reden", "Reason")) }
                        dd { (forms::reason(words, given)) }
                    }
                }
                (numbers(words, deed.kind, &changed, held, later))
            }
            (addresses(words, &visit.partner, &deed))
        }
        @if !deed.refused.is_empty() {
            section aria-labelledby="refused" {
                h2 #refused {
                    (words.t("Niet te lezen, en niet meegenomen: ", "Cannot be read, and not taken along: "))
                    (words.number(deed.refused.len() as u64))
                }
                (refused_list(words, &deed.refused))
            }
        }
        section aria-label=(words.t("Wie dit te weten komt", "Who will learn of this")) { (learns) }
        form method="post" action={ "/" (words.lang()) (path) } {
            (hidden(visit, "confirm"))
            input type="hidden" name="token" value=(token);
            div.actions {
                button type="submit" { (yes(words, deed.kind)) }
                a href={ "/" (words.lang()) (path) } { (words.t("Nee, terug", "No, go back")) }
            }
        }
    })
}

/// What is refused, as something that is wrong with a field.
pub(super) fn wrong_with(field: &'static str, refusal: &Refusal) -> Wrong {
    Wrong::new(field, refusal.dutch.clone(), refusal.english.clone())
}

/// Does what a token stands for, once.
pub(super) fn confirm(visit: &mut Visit<'_>, form: &Fields, path: &str) -> Result<Markup, Refusal> {
    let token = form.one("token").unwrap_or_default();
    match visit.kept.find(visit.csrf, token, visit.now) {
        Found::Unknown => Err(Refusal::of("not_asked")),
        Found::Done(outcome) => Ok(done(visit.words, &outcome, true, path)),
        Found::Open(deed) => {
            let (held, later) = (deed.held(&visit.partner), deed.later(&visit.partner, visit.now));
            let changed = deed.do_it(visit)?;
            let refused = deed.refused.len();
            let outcome = Outcome { kind: deed.kind, case: deed.case, changed, held, later, refused };
            visit.kept.done(token, &outcome);
            if outcome.kind == Kind::Flag {
                let (case, rows, file) = (outcome.case.clone(), deed.refused, deed.refused_file);
                visit.kept.refuse(&visit.person.actor, Refused { since: visit.now, case, rows, file });
            }
            Ok(done(visit.words, &outcome, false, path))
        }
    }
}

fn done(words: Words, outcome: &Outcome, was_before: bool, path: &str) -> Markup {
    html! {
        section.done aria-labelledby="done" role="status" {
            h2 #done {
                @if was_before {
                    (words.t("Dit was al gedaan, één keer", "This was done before, once"))
                } @else {
                    (words.t("Gedaan", "Done"))
                }
            }
            dl {
                div {
                    dt { (words.t("Zaak", "Case")) }
                    dd { (outcome.case) }
                }
                (numbers(words, outcome.kind, &outcome.changed, outcome.held, outcome.later))
                @if outcome.refused > 0 {
                    div {
                        dt { (words.t("Niet te lezen", "Cannot be read")) }
                        dd {
                            (words.number(outcome.refused as u64)) " – "
                            a href={ "/" (words.lang()) "/flag" } { (words.t("herstel ze", "mend them")) }
                        }
                    }
                }
            }
        }
        p {
            a.button href={ "/" (words.lang()) "/flags" } { (words.t("Naar de meldingen", "To the flags")) } " "
            @if path != "/flags" {
                a href={ "/" (words.lang()) (path) } { (words.t("Nog meer melden", "Flag more")) }
            }
        }
    }
}

fn question(words: Words, kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => words.t("Wilt u dit melden?", "Do you want to flag this?"),
        Kind::Withdraw => words.t("Wilt u deze meldingen intrekken?", "Do you want to withdraw these flags?"),
        Kind::Renew(_) => words.t("Wilt u deze meldingen verlengen?", "Do you want to renew these flags?"),
        Kind::PutForward => words.t("Wilt u deze adressen aandragen?", "Do you want to put these addresses forward?"),
    }
}

fn yes(words: Words, kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => words.t("Ja, melden", "Yes, flag"),
        Kind::Withdraw => words.t("Ja, intrekken", "Yes, withdraw"),
        Kind::Renew(_) => words.t("Ja, verlengen", "Yes, renew"),
        Kind::PutForward => words.t("Ja, aandragen", "Yes, put forward"),
    }
}

/// What it comes to, as rows of a list.
fn numbers(words: Words, kind: Kind, changed: &Changed, held: Option<Held>, later: Option<Later>) -> Markup {
    let Changed { added, changed, withdrawn, unchanged, lapsed, repeated } = *changed;
    let new = match kind {
        Kind::PutForward => words.t("Aangedragen", "Put forward"),
        _ => words.t("Nieuw gemeld", "Newly flagged"),
    };
    let rows = [
        (new, added),
        (words.t("Verlengd of met een andere laatste dag", "Renewed, or with another last day"), changed),
        (words.t("Ingetrokken", "Withdrawn"), withdrawn),
        (words.t("Blijft zoals het is", "Stays as it is"), unchanged),
        (
            words.t(
                "Niet gemeld: liep korter dan 30 dagen geleden af. Kijk er opnieuw naar en verleng ze",
                "Not flagged: ended less than 30 days ago. Look at them again, and renew them",
            ),
            lapsed,
        ),
        (words.t("Dubbel gegeven", "Given more than once"), repeated),
    ];
    html! {
        @for (name, count) in rows.into_iter().filter(|(_, count)| *count > 0) {
            div {
                dt { (name) }
                dd { (words.number(count as u64)) }
            }
        }
        @if let Some(held) = held { (held.row(words)) }
        @if let Some(later) = later { (later.row(words)) }
    }
}

/// The addresses as they were written, each with what it was read as.
fn addresses(words: Words, partner: &Partner, deed: &Deed) -> Markup {
    let more = deed.rows.len().saturating_sub(MOST_NAMED);
    html! {
        ul.addresses {
            @for row in deed.rows.iter().take(MOST_NAMED) {
                @let read = shown(String::new(), &row.key);
                @let held = if deed.kind == Kind::Flag { held::beside(words, partner, &row.key) } else { None };
                li {
                    (shown(row.typed.clone(), &row.key))
                    @if !row.typed.is_empty() && row.typed != read { " " span.read { (read) } }
                    @if let Some(held) = held { ", " (held) }
                }
            }
        }
        @if more > 0 {
            p { (words.t("En nog ", "And ")) (words.number(more as u64)) (words.t(".", " more.")) }
        }
    }
}

/// Rows that were refused, each with why.
pub(super) fn refused_list(words: Words, rows: &[RefusedRow]) -> Markup {
    let more = rows.len().saturating_sub(MOST_NAMED);
    html! {
        ul {
            @for row in rows.iter().take(MOST_NAMED) {
                li {
                    (words.t("Regel ", "Line ")) (row.line) ": " q { (row.text) } " – "
                    (words.t(row.dutch.as_str(), row.english.as_str())) " " code { (row.code) }
                }
            }
        }
        @if more > 0 {
            p { (words.t("En nog ", "And ")) (words.number(more as u64)) (words.t(".", " more.")) }
        }
    }
}
