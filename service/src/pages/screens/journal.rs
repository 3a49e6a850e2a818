//! The officer's page: what was done by whom for which case. Looking is an act too, which the journal has first.

use maud::{Markup, html};
use stapel::partner::{Act, ActKind, ActQuery, Caller};
use stapel::{AddressKey, Case, Day};

use super::Visit;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

/// The most acts that are shown, the latest. A longer list is for the command, which writes a file.
const MOST: usize = 500;

/// The most addresses of one act that are shown.
const MOST_ADDRESSES: usize = 20;

/// The columns of the list, in Dutch and in English.
const COLUMNS: [(&str, &str); 6] = [
    ("Wanneer", "When"),
    ("Wat", "What"),
    ("Adres", "Address"),
    ("Wie", "Who"),
    ("Zaak", "Case"),
    ("Langs", "Through"),
];

/// What is asked for, as it was typed.
#[derive(Default)]
struct Typed {
    case: String,
    actor: String,
    about: String,
    address: String,
    from: String,
    to: String,
}

/// Why nothing is looked for.
struct Wrong {
    field: &'static str,
    dutch: &'static str,
    english: &'static str,
}

/// What is seen.
struct View<'a> {
    csrf: &'a str,
    typed: Typed,
    wrong: Option<Wrong>,
    /// `None` where nothing was looked for.
    acts: Option<Vec<Act>>,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    let view = View { csrf: visit.csrf, typed: Typed::default(), wrong: None, acts: None };
    Ok(markup(visit.words, &view))
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let text = |name| fields.filled(name).unwrap_or_default().to_owned();
    let typed = Typed {
        case: text("case"),
        actor: text("actor"),
        about: text("about"),
        address: text("address"),
        from: text("from"),
        to: text("to"),
    };
    let (wrong, acts) = match query(&typed) {
        Err(wrong) => (Some(wrong), None),
        Ok(query) => {
            let by = visit.person.acting_for(&typed.case)?;
            (None, Some(visit.partner.acts(&query, &by, visit.now)?))
        }
    };
    Ok(markup(visit.words, &View { csrf: visit.csrf, typed, wrong, acts }))
}

/// What is looked for.
fn query(typed: &Typed) -> Result<ActQuery, Wrong> {
    let is_of_journal = |text: &str| Case::new(text, text).is_ok();
    if !is_of_journal(&typed.case) {
        let dutch = "Voor welke zaak kijkt u? Geef 1 tot 200 tekens.";
        return Err(Wrong { field: "case", dutch, english: "For which case do you look? Give 1 to 200 characters." });
    }
    for (field, text) in [("actor", &typed.actor), ("about", &typed.about)] {
        if !text.is_empty() && !is_of_journal(text) {
            let dutch = "Dit kan in geen journaal staan: geef hoogstens 200 tekens.";
            return Err(Wrong { field, dutch, english: "No journal can have this: give at most 200 characters." });
        }
    }
    let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
    let day = |field, text: &str| match text {
        "" => Ok(None),
        text => text.parse::<Day>().map(Some).map_err(|_| {
            let dutch = "Dit is geen dag: schrijf 2027-03-09.";
            Wrong { field, dutch, english: "This is no day: write 2027-03-09." }
        }),
    };
    let mut query = ActQuery::default();
    (query.actor, query.case) = (filled(&typed.actor), filled(&typed.about));
    (query.from, query.to) = (day("from", &typed.from)?, day("to", &typed.to)?);
    if !typed.address.is_empty() {
        let address = AddressKey::parse(&typed.address).map_err(|_| {
            let dutch = "Dit adres is niet te lezen: schrijf het als Molenstraat 12-A, 9999 XA.";
            Wrong {
                field: "address",
                dutch,
                english: "This address cannot be read: write it as Molenstraat 12-A, 9999 XA.",
            }
        });
        query.address = Some(address?);
    }
    Ok(query)
}

fn markup(words: Words, view: &View<'_>) -> Markup {
    let View { csrf, typed, wrong, acts } = view;
    html! {
        p {
            (words.t(
                "Wat u hier zoekt, komt zelf ook in het journaal: wie keek, voor welke zaak en waarnaar.",
                "What you look for here is in the journal too: who looked, for which case, and for what.",
            ))
        }
        @if let Some(wrong) = wrong {
            div.alert #wrong role="alert" {
                p { a href={ "#" (wrong.field) } { (words.t(wrong.dutch, wrong.english)) } }
            }
        }
        form method="post" action={ "/" (words.lang()) "/journal" } {
            input type="hidden" name="csrf" value=(csrf);
            (field(words, wrong, "case", ("Uw zaak", "Your case"), "text", &typed.case, true))
            fieldset {
                legend {
                    (words.t("Wat u zoekt; wat leeg is, telt niet", "What you look for; what is empty does not count"))
                }
                div.fields {
                    (field(words, wrong, "actor", ("Wie het deed", "Who did it"), "text", &typed.actor, false))
                    (field(words, wrong, "about", ("Voor welke zaak", "For which case"), "text", &typed.about, false))
                    (field(words, wrong, "address", ("Adres", "Address"), "text", &typed.address, false))
                    (field(words, wrong, "from", ("Vanaf", "From"), "date", &typed.from, false))
                    (field(words, wrong, "to", ("Tot en met", "Up to"), "date", &typed.to, false))
                }
            }
            button type="submit" { (words.t("Zoeken", "Look")) }
        }
        @if let Some(acts) = acts { (found(words, acts)) }
    }
}

fn field(
    words: Words,
    wrong: &Option<Wrong>,
    name: &str,
    label: (&str, &str),
    kind: &str,
    value: &str,
    is_needed: bool,
) -> Markup {
    let is_wrong = wrong.as_ref().is_some_and(|wrong| wrong.field == name);
    html! {
        div.field {
            label for=(name) { (words.t(label.0, label.1)) }
            input id=(name) name=(name) type=(kind) value=(value) required[is_needed] autocomplete="off" maxlength="400"
                aria-invalid=[is_wrong.then_some("true")] aria-describedby=[is_wrong.then_some("wrong")];
        }
    }
}

/// What was found, the latest first.
fn found(words: Words, acts: &[Act]) -> Markup {
    let shown = acts.iter().rev().take(MOST);
    html! {
        section aria-labelledby="found" {
            h2 #found { (words.t("Gevonden", "Found")) ": " (words.number(acts.len() as u64)) }
            @if acts.len() > MOST {
                p {
                    (words.t("Alleen de laatste staan hier: ", "Only the latest are here: "))
                    (words.number(MOST as u64))
                    (words.t(". Zoek nauwer, of gebruik ", ". Look for less, or use "))
                    code { "stapel partner journal" } "."
                }
            }
            @if !acts.is_empty() {
                // On a narrow screen each row is a block. The roles say that it is a table all the same.
                table role="table" {
                    thead role="rowgroup" {
                        tr role="row" {
                            @for column in COLUMNS {
                                th role="columnheader" scope="col" { (words.t(column.0, column.1)) }
                            }
                        }
                    }
                    tbody role="rowgroup" { @for act in shown { (one(words, act)) } }
                }
            }
        }
    }
}

fn one(words: Words, act: &Act) -> Markup {
    let more = act.addresses.len().saturating_sub(MOST_ADDRESSES);
    let by = act.by.as_ref();
    let cells: [Markup; 6] = [
        html! { (words.moment(act.time)) },
        html! { (kind(words, &act.kind)) },
        html! {
            @for address in act.addresses.iter().take(MOST_ADDRESSES) { span.address { (address.as_str()) } " " }
            @if more > 0 { (words.t("en nog ", "and more: ")) (words.number(more as u64)) }
        },
        html! { (by.map_or(words.t("niemand: dit ging vanzelf", "nobody: it went by itself"), Case::actor)) },
        html! { (by.map_or("", Case::reference)) },
        html! { (by.map_or(String::new(), |by| through(words, by.caller()))) },
    ];
    html! {
        tr role="row" {
            @for (column, cell) in COLUMNS.iter().zip(cells) {
                td role="cell" data-label=(words.t(column.0, column.1)) { (cell) }
            }
        }
    }
}

/// How the act came in, and so who vouches for the name.
fn through(words: Words, caller: Caller) -> String {
    match caller {
        Caller::OwnProcess => words.t("een opdracht", "a command").to_owned(),
        Caller::LocalUser { uid } => format!("{} {uid}", words.t("programma van gebruiker", "program of user")),
        Caller::Loopback => words.t("programma, gebruiker onbekend", "program, user unknown").to_owned(),
        Caller::SignedIn => words.t("deze pagina's, aangemeld", "these pages, signed in").to_owned(),
        Caller::OneUser => words.t("deze pagina's, vaste gebruiker", "these pages, their one user").to_owned(),
    }
}

/// What was done, in a word or two.
fn kind(words: Words, kind: &ActKind) -> &'static str {
    match kind {
        ActKind::Flagged => words.t("gemeld", "flagged"),
        ActKind::Renewed(_) => words.t("verlengd", "renewed"),
        ActKind::Withdrawn => words.t("ingetrokken", "withdrawn"),
        ActKind::Replaced => words.t("alle meldingen vervangen", "all flags given anew"),
        ActKind::Shortened => words.t("verkort door de afspraken", "shortened by the policy"),
        ActKind::Asked { sweep: None, .. } => words.t("gevraagd", "asked"),
        ActKind::Asked { .. } => words.t("gevraagd zonder eigen melding", "asked without a flag of its own"),
        ActKind::Answered { .. } => words.t("beantwoord", "answered"),
        ActKind::LookedUp => words.t("opgezocht", "looked up"),
        ActKind::NewsShown => words.t("nieuws getoond", "news shown"),
        ActKind::Queried(_) => words.t("in het journaal gezocht", "looked in the journal"),
        ActKind::Delivered(_) => words.t("aangeleverd", "delivered"),
        ActKind::Accepted => words.t("aanlevering aanvaard", "delivery accepted"),
        ActKind::Rejected(_) => words.t("door de teller geweigerd", "rejected by the counter"),
        ActKind::Late => words.t("antwoord dat te laat kwam", "reply that came too late"),
        ActKind::GaveUp => words.t("niet langer gewacht", "no longer waited for"),
        ActKind::Status => words.t("stand van de teller gelezen", "status of the counter read"),
        ActKind::AnotherOperator(_) => words.t("andere beheerder van de teller", "another operator"),
        ActKind::ClockAccepted => words.t("klok bevestigd", "clock confirmed"),
        ActKind::EpochForgotten(_) => words.t("sleutels van een periode gewist", "secrets of an epoch removed"),
        ActKind::Pruned(_) => words.t("begin van het journaal gewist", "first records removed"),
        ActKind::Talked(_) => words.t("na een treffer", "after a hit"),
        _ => words.t("iets dat deze versie niet kent", "something that this version does not know"),
    }
}
