//! What others put forward and somebody here can answer, and what is put forward here.

use maud::{Markup, html};
use stapel::partner::{AskAnswer, Case, Partner, PutForwardByOther, PutForwardRow};
use stapel::{AddressKey, Day};

use super::Visit;
use super::parts::{self, Step, hears, row, shown};
use super::told;
use crate::after_hit::{self, Audience};
use crate::pages::kept::Asked;
use crate::pages::refusal::Refusal;
use crate::pages::request::Fields;
use crate::words::Words;

const PATH: &str = "/asked";

/// What can be done with one address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Answer(AskAnswer),
    /// Puts it forward again, where it ended or more may come to know of it.
    Renew,
    TakeBack,
}

pub(super) fn show(visit: &mut Visit<'_>) -> Result<Markup, Refusal> {
    Ok(begin(visit, &Step::of(visit, PATH, ""), false))
}

pub(super) fn act(visit: &mut Visit<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let case = fields.filled("case").unwrap_or_default().to_owned();
    let step = Step { case: &case, ..Step::of(visit, PATH, "") };
    let Ok(by) = visit.person.acting_for(&case) else { return Ok(begin(visit, &step, true)) };
    match fields.one("do") {
        Some("ask") => confirm(visit, &step, fields),
        Some("yes") => perform(visit, &step, fields, &by),
        _ => list(visit, &step, &by),
    }
}

fn begin(visit: &Visit<'_>, step: &Step<'_>, is_wrong: bool) -> Markup {
    let words = step.words;
    html! {
        p {
            (words.t(
                "Hier staat wat een ander aandroeg en u ook meldt, en wat hier is aangedragen. Niemand hoeft te \
                 antwoorden.",
                "This is what another put forward and you flag too, and what is put forward here. Nobody has to \
                 answer.",
            ))
            " " (who_put_it_forward(visit, words))
        }
        (step.case_form(is_wrong, words.t("Bekijken", "Look")))
    }
}

/// From whom somebody hears who joins, as far as the policy lets it be known.
fn who_put_it_forward(visit: &Visit<'_>, words: Words) -> String {
    let partner = &visit.partner;
    let name = |number: u16| parts::who(words, partner, number);
    // Where it cannot be known, as before the first epoch, nobody joins either.
    let (direct, coordinator) = Audience::of(partner, visit.now)
        .map_or((Vec::new(), None), |audience| (audience.named.direct, audience.named.coordinator.map(name)));
    let is_nobody = direct.is_empty();
    let direct = after_hit::joined_names(&direct, words.t("of", "or"), words.0, name);
    match (is_nobody, coordinator) {
        (true, None) => words.t("Wie het aandroeg, hoort u niet.", "Who put it forward you are not told.").to_owned(),
        (true, Some(coordinator)) => words.t(
            format!("Wie het aandroeg, hoort u niet: wie meedoet, spreekt met {coordinator}, de coördinator."),
            format!("Who put it forward you are not told: who joins talks with {coordinator}, the coordinator."),
        ),
        (false, None) => words.t(
            format!("Wie het aandroeg, hoort u pas als u meedoet, en alleen als dat {direct} is."),
            format!("Who put it forward you learn only if you join, and only where that is {direct}."),
        ),
        (false, Some(coordinator)) => words.t(
            format!(
                "Wie het aandroeg, hoort u pas als u meedoet, en alleen als dat {direct} is. Van een ander hoort u \
                 alleen door {coordinator}, de coördinator."
            ),
            format!(
                "Who put it forward you learn only if you join, and only where that is {direct}. Of another you hear \
                 through {coordinator}, the coordinator, alone."
            ),
        ),
    }
}

fn list(visit: &mut Visit<'_>, step: &Step<'_>, by: &Case) -> Result<Markup, Refusal> {
    let (words, now) = (step.words, visit.now);
    let mut asked = visit.partner.show_asked(by, now)?;
    // Those that nobody answered first, and of these the first to answer.
    asked.sort_by_key(|one| (one.answer.is_some() || one.is_put_forward, one.answer_by));
    let rows = visit.partner.show_put_forward(by, now)?;
    let partner = &visit.partner;
    Ok(html! {
        (step.case_line())
        section.plain aria-labelledby="asked" {
            h2 #asked { (words.t("Door een ander aangedragen", "Put forward by another")) ": " (asked.len()) }
            @if asked.is_empty() {
                p { (words.t("Niemand droeg iets aan dat u meldt.", "Nobody put forward what you flag.")) }
            }
            @for (at, one) in asked.iter().enumerate() { (asked_item(step, partner, one, at, now.day())) }
        }
        section.plain aria-labelledby="forwarded" {
            h2 #forwarded { (words.t("Hier aangedragen", "Put forward here")) ": " (rows.len()) }
            @if rows.is_empty() {
                p { (words.t("Hier is niets aangedragen.", "Nothing is put forward here.")) }
            }
            @for (at, one) in rows.iter().enumerate() { (forwarded_item(step, partner, one, at)) }
        }
    })
}

fn asked_item(step: &Step<'_>, partner: &Partner, one: &PutForwardByOther, at: usize, today: Day) -> Markup {
    let (words, id) = (step.words, format!("asked-{at}"));
    let is_open = one.answer.is_none() && !one.is_put_forward;
    let answers = html! {
        (of(&one.address))
        div.buttons {
            @for answer in AskAnswer::ALL.into_iter().filter(|it| !is_done(partner, Deed::Answer(*it), &one.address)) {
                button type="submit" name="what" value=(answer.as_str()) aria-describedby=(id)
                    .second[answer != AskAnswer::Join] { (capital(after_hit::answer(answer, words.0))) }
            }
        }
    };
    html! {
        article.item.waits[is_open] aria-labelledby=(id) {
            h3 id=(id) { (parts::address(&partner.typed(&one.address), one.address.as_str())) }
            dl {
                (row(words.t("Aangedragen op", "Put forward on"), &html! { (words.day(one.day)) }))
                (row(words.t("Antwoord uiterlijk op", "Answer by"), &html! {
                    (words.day(one.answer_by))
                    @if is_open && one.answer_by < today {
                        " – " b {
                            (words.t("voorbij; een later antwoord telt ook", "over; a later answer counts as well"))
                        }
                    }
                }))
                (row(words.t("Uw antwoord", "Your answer"), &html! {
                    @match one.answer {
                        Some((answer, day)) => { (after_hit::answer(answer, words.0)) ", " (words.day(day)) },
                        None => (words.t("nog geen", "none yet")),
                    }
                    @if one.is_put_forward { "; " (words.t("hier ook aangedragen", "put forward here too")) }
                }))
            }
            (step.form("ask", &answers))
        }
    }
}

fn forwarded_item(step: &Step<'_>, partner: &Partner, one: &PutForwardRow, at: usize) -> Markup {
    let (words, id) = (step.words, format!("forwarded-{at}"));
    let is_renewed = one.ended || !one.more.is_empty();
    let deeds = html! {
        (of(&one.address))
        div.buttons {
            @if is_renewed {
                button type="submit" name="what" value="renew" aria-describedby=(id) {
                    (words.t("Opnieuw aandragen", "Put forward again"))
                }
            }
            button.second type="submit" name="what" value="take_back" aria-describedby=(id) {
                (words.t("Terugnemen", "Take back"))
            }
        }
    };
    html! {
        article.item.waits[is_renewed] aria-labelledby=(id) {
            h3 id=(id) { (parts::address(&partner.typed(&one.address), one.address.as_str())) }
            dl {
                (row(words.t("Aangedragen op", "Put forward on"), &html! { (words.day(one.since)) }))
                (row(words.t("Bij de teller", "At the broker"), &html! {
                    @match one.stands_until {
                        Some(day) => {
                            (words.t("tot en met ", "until ")) (words.day(day))
                            (words.t("; elke dag schuift dat op", "; each day moves that on"))
                        },
                        None if one.ended => b {
                            (words.t("geëindigd met zijn periode", "ended with its epoch"))
                        },
                        None => (words.t("nog niet", "not yet")),
                    }
                }))
                @if !one.more.is_empty() {
                    (row(words.t("Let op", "Note"), &html! { b { (more(words, partner, one)) } }))
                }
            }
            (step.form("ask", &deeds))
        }
    }
}

/// That the policy lets more know of it than somebody agreed to.
fn more(words: Words, partner: &Partner, one: &PutForwardRow) -> String {
    let policy = partner.policy().policy();
    let name =
        |slug| policy.organisation(slug).map_or_else(|| slug.to_string(), |organisation| organisation.name.clone());
    let names = one.more.iter().map(name).collect::<Vec<_>>().join(", ");
    words.t(
        format!("de afspraken laten dit nu ook weten aan {names}; dat gebeurt pas als u het opnieuw aandraagt"),
        format!("the policy now lets {names} know too; that is only done if you put it forward again"),
    )
}

fn of(address: &AddressKey) -> Markup {
    html! { input type="hidden" name="address" value=(address.as_str()); }
}

/// What is asked for, and of which address.
fn read(fields: &Fields) -> Result<(Deed, AddressKey), Refusal> {
    let deed = match fields.one("what").unwrap_or_default() {
        "renew" => Deed::Renew,
        "take_back" => Deed::TakeBack,
        other => {
            let found = AskAnswer::ALL.into_iter().find(|answer| answer.as_str() == other);
            Deed::Answer(found.ok_or_else(|| Refusal::of("bad_request"))?)
        }
    };
    let address = AddressKey::from_canonical(fields.one("address").unwrap_or_default());
    Ok((deed, address.map_err(|_| Refusal::of("bad_request"))?))
}

/// What is asked to be confirmed.
fn what(step: &Step<'_>, deed: Deed, address: &AddressKey) -> String {
    format!("{} {} {}", name(deed), address.as_str(), step.case)
}

/// How it stands with an address. A form that was made when it stood otherwise does nothing.
fn stands(partner: &Partner, address: &AddressKey) -> String {
    let asked = partner.asked().find(|one| one.address == *address);
    let answer = asked.and_then(|one| one.answer).map(|(answer, day)| format!("{} {day}", answer.as_str()));
    let row = partner.put_forward_rows().find(|row| row.address == *address);
    let row = row.map(|row| format!("{} {} {} {}", row.since, row.epoch, row.ended, row.more.len()));
    format!("{}, {}", answer.unwrap_or_default(), row.unwrap_or_default())
}

/// Whether it is as it would be once that is done.
fn is_done(partner: &Partner, deed: Deed, address: &AddressKey) -> bool {
    let row = partner.put_forward_rows().find(|row| row.address == *address);
    let is_current = row.as_ref().is_some_and(|row| !row.ended && row.more.is_empty());
    let answer = partner.asked().find(|one| one.address == *address).and_then(|one| one.answer);
    match deed {
        Deed::Answer(AskAnswer::Join) => is_current && answer.is_some_and(|(said, _)| said == AskAnswer::Join),
        Deed::Answer(other) => row.is_none() && answer.is_some_and(|(said, _)| said == other),
        Deed::Renew => is_current,
        Deed::TakeBack => row.is_none(),
    }
}

fn confirm(visit: &mut Visit<'_>, step: &Step<'_>, fields: &Fields) -> Result<Markup, Refusal> {
    let (words, now) = (step.words, visit.now);
    let (deed, address) = read(fields)?;
    let back = step.button("look", words.t("Nee, terug", "No, back"));
    if is_done(&visit.partner, deed, &address) {
        return Ok(html! { (parts::done(words, false, "")) (back) });
    }
    match deed {
        Deed::Answer(answer) => visit.partner.preview_answer(&address, answer, now)?,
        Deed::Renew => drop(visit.partner.preview_put_forward([&address], now)?),
        Deed::TakeBack => drop(visit.partner.preview_take_back([&address], now)?),
    }
    let lines = who_learns(visit, words, deed, &address)?;
    let token = visit.kept.ask_for(visit.csrf, &what(step, deed, &address), now).ok_or_else(Refusal::internal)?;
    let yes = html! {
        (of(&address))
        input type="hidden" name="what" value=(name(deed));
        input type="hidden" name="stood" value=(stands(&visit.partner, &address));
        input type="hidden" name="token" value=(token);
        button type="submit" { (words.t("Ja, ", "Yes, ")) (called(words, deed)) }
    };
    Ok(html! {
        h2 { (capital(called(words, deed))) ": " (shown(&visit.partner, &address)) "?" }
        p.case-line { (words.t("Zaak: ", "Case: ")) b { (step.case) } }
        (parts::told(words, &lines))
        div.buttons { (step.form("yes", &yes)) (back) }
    })
}

fn perform(visit: &mut Visit<'_>, step: &Step<'_>, fields: &Fields, by: &Case) -> Result<Markup, Refusal> {
    let (words, now) = (step.words, visit.now);
    let (deed, address) = read(fields)?;
    let back = step.button("look", words.t("Terug naar de lijst", "Back to the list"));
    let token = fields.one("token").unwrap_or_default();
    let asked = visit.kept.asked(visit.csrf, token, &what(step, deed, &address), now);
    if asked == Asked::Confirmed || (asked == Asked::Unknown && is_done(&visit.partner, deed, &address)) {
        return Ok(html! { (parts::done(words, false, "")) (back) });
    }
    if asked == Asked::Unknown {
        return Err(Refusal::of("not_asked"));
    }
    if fields.one("stood") != Some(stands(&visit.partner, &address).as_str()) {
        let said = match is_done(&visit.partner, deed, &address) {
            true => parts::done(words, false, ""),
            false => parts::changed(words),
        };
        return Ok(html! { (said) (back) });
    }
    match deed {
        Deed::Answer(answer) => visit.partner.answer(&address, answer, by, now)?,
        Deed::Renew => drop(visit.partner.put_forward([&address], by, now)?),
        Deed::TakeBack => drop(visit.partner.take_back([&address], by, now)?),
    }
    visit.kept.confirmed(token);
    let text = format!("{}: {}.", capital(called(words, deed)), shown(&visit.partner, &address));
    Ok(html! { (parts::done(words, true, &text)) (back) })
}

/// Who would learn what, and when.
fn who_learns(visit: &Visit<'_>, words: Words, deed: Deed, address: &AddressKey) -> Result<Vec<String>, Refusal> {
    let (partner, today) = (&visit.partner, visit.now.day());
    let is_row = partner.put_forward_rows().any(|row| row.address == *address);
    let taken_back = hears(words, partner.taking_back_goes_on(&[*address], today).unwrap_or(today));
    Ok(match deed {
        Deed::Answer(AskAnswer::Join) | Deed::Renew => told::put_forward(words, partner, visit.now)?,
        Deed::Answer(_) => {
            let nobody = words.t(
                "Niemand hoort iets: ook niet dat u antwoordde. Uw antwoord staat in het eigen journaal.",
                "Nobody is told, not even that you answered. Your answer is in your own journal.",
            );
            let mut lines = vec![nobody.to_owned()];
            if is_row {
                let back =
                    words.t("Wat hier is aangedragen, wordt teruggenomen.", "What is put forward here is taken back.");
                lines.push(format!("{back} {taken_back}"));
            }
            lines
        }
        Deed::TakeBack => {
            let from = words.t(
                "Vanaf middernacht (00:00 UTC) daarna hoort niemand meer van u bij dit adres.",
                "From the midnight (00:00 UTC) after that nobody more is told of you there.",
            );
            let mut lines = vec![format!("{taken_back} {from}")];
            let here = |one: &stapel::partner::Conversation| one.left.is_none() && one.address == Some(*address);
            if partner.conversations().any(|one| here(&one)) {
                lines.push(
                    words
                        .t(
                            "Het gesprek dat er al is, gaat door: verlaat het bij Gesprekken om het te beëindigen.",
                            "The conversation that there is goes on: leave it at Conversations to end it.",
                        )
                        .to_owned(),
                );
            }
            lines
        }
    })
}

fn name(deed: Deed) -> &'static str {
    match deed {
        Deed::Answer(answer) => answer.as_str(),
        Deed::Renew => "renew",
        Deed::TakeBack => "take_back",
    }
}

fn called(words: Words, deed: Deed) -> &'static str {
    match deed {
        Deed::Answer(answer) => after_hit::answer(answer, words.0),
        Deed::Renew => words.t("opnieuw aandragen", "put forward again"),
        Deed::TakeBack => words.t("terugnemen", "take back"),
    }
}

/// A text that begins a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
