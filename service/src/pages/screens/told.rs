//! Who comes to know what, of each thing that people do with their flags: said before it is done.

use maud::{Markup, html};
use stapel::partner::{Partner, PartnerError};
use stapel::{Day, Timestamp};

use super::deeds::Kind;
use crate::words::Words;

/// What is said before something is done: a list of sentences.
pub(super) fn who_learns(words: Words, partner: &Partner, kind: Kind, now: Timestamp) -> Result<Markup, PartnerError> {
    let said: Vec<String> = match kind {
        Kind::Flag => vec![
            words.t(
                "De teller krijgt bij de volgende uitwisseling een pseudoniem, en geen adres, zaak of naam.".into(),
                "With the next exchange the broker gets a pseudonym, and no address, case or name.".into(),
            ),
            words.t(
                "Wie hetzelfde adres meldt, ziet na een volgend peilmoment dat er een organisatie meer is, en nooit \
                 welke."
                    .into(),
                "Those who flag the same address see after a later release that there is one organisation more, and \
                 never which."
                    .into(),
            ),
            words.t("Verder verneemt niemand het.".into(), "Nobody else learns of it.".into()),
            until(words, partner, now.day()),
        ],
        Kind::Renew(_) => vec![
            words.t(
                "De teller krijgt bij de volgende uitwisseling de nieuwe laatste dag en de reden, en telt de redenen \
                 in zijn logboek."
                    .into(),
                "With the next exchange the broker gets the new last day and the reason, and counts reasons in its \
                 log."
                    .into(),
            ),
            words.t(
                "Andere organisaties zien er niets van: wat zij tellen, blijft gelijk.".into(),
                "Other organisations see nothing of it: what they count stays the same.".into(),
            ),
            until(words, partner, now.day()),
        ],
        Kind::Withdraw => vec![
            words.t(
                "De melding telt niet meer mee vanaf de dag nadat de teller het hoort (om 00:00 UTC).".into(),
                "The flag no longer counts from the day after the broker hears of it (at 00:00 UTC).".into(),
            ),
            words.t(
                "Wie hetzelfde adres meldt, kan zien dat er een organisatie minder is, en nooit welke.".into(),
                "Those who flag the same address can see that there is one organisation less, and never which.".into(),
            ),
            words.t(
                "U ziet daarna niet meer of anderen dit adres melden.".into(),
                "You no longer see then whether others flag this address.".into(),
            ),
            words.t(
                "Een gesprek dat al begonnen is, gaat door.".into(),
                "A conversation that has begun goes on.".into(),
            ),
        ],
        Kind::PutForward => put_forward(words, partner, now)?,
    };
    Ok(html! {
        h2 { (words.t("Wie dit te weten komt", "Who will learn of this")) }
        ul { @for one in &said { li { (one) } } }
    })
}

/// Until when a flag of today stands.
fn until(words: Words, partner: &Partner, today: Day) -> String {
    let most = today.plus(partner.policy().policy().retention.max_days);
    match most.latest_month_end().filter(|day| *day >= today) {
        Some(day) => format!(
            "{}{}{}",
            words.t("De melding geldt ten langste tot en met ", "The flag stands until "),
            words.day(day),
            words.t(", en eindigt dan vanzelf.", " at the latest, and ends by itself then.")
        ),
        None => String::new(),
    }
}

fn put_forward(words: Words, partner: &Partner, now: Timestamp) -> Result<Vec<String>, PartnerError> {
    let told = partner.would_be_told(now.day())?;
    let tells_others = partner.policy().policy().meet.as_ref().is_some_and(|meet| meet.tell_others);
    let mut said = Vec::new();
    if let Some(coordinator) = told.coordinator {
        let name = name(partner, coordinator);
        said.push(words.t(
            format!(
                "{name}, de coördinator, verneemt waar het een treffer is dat u dit aandraagt, en krijgt het adres."
            ),
            format!(
                "{name}, the coordinator, is told where it is a hit that you put this forward, and gets the address."
            ),
        ));
    }
    for other in &told.direct {
        let name = name(partner, *other);
        said.push(words.t(
            format!("{name} verneemt dat u dit aandraagt, als zij hetzelfde adres aandragen; en u van hen."),
            format!("{name} is told that you put this forward, if they put the same address forward; and you of them."),
        ));
    }
    if tells_others {
        said.push(words.t(
            "Anderen die het adres melden, vernemen dat iemand het aandraagt, en niet wie.".into(),
            "Others who flag the address may be told that somebody put it forward, and not who.".into(),
        ));
    }
    said.push(match said.is_empty() {
        true => words.t(
            "Niemand: de afspraken laten u niemand ontmoeten.".into(),
            "Nobody: the policy has you meet nobody.".into(),
        ),
        false => words.t("Verder verneemt niemand het.".into(), "Nobody else learns of it.".into()),
    });
    let day = partner.put_forward_goes_on(now.day()).unwrap_or(now.day());
    said.push(format!(
        "{}{}.",
        words.t("De teller hoort het bij de uitwisseling van ", "The broker hears of it with the exchange of "),
        words.day(day)
    ));
    Ok(said)
}

/// A partner by its name and its organisation's.
fn name(partner: &Partner, number: u16) -> String {
    let policy = partner.policy().policy();
    let Some(entry) = policy.partner(number) else { return number.to_string() };
    match policy.organisation(&entry.organisation) {
        Some(organisation) if organisation.name != entry.name => format!("{} ({})", entry.name, organisation.name),
        _ => entry.name.clone(),
    }
}
