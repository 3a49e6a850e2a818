//! Who comes to know what, of each thing that people do with their flags: said before it is done.

use maud::{Markup, html};
use stapel::partner::{Changed, Partner, PartnerError};
use stapel::{Day, Timestamp};

use super::asked::capital;
use super::deeds::Kind;
use super::parts;
use crate::after_hit::Audience;
use crate::words::Words;

/// What is said before something is done: a list of sentences.
pub(super) fn who_learns(
    words: Words,
    partner: &Partner,
    kind: Kind,
    changed: &Changed,
    now: Timestamp,
) -> Result<Markup, PartnerError> {
    let already = words.t(
        "Van wat u al meldt, verneemt niemand iets nieuws, en er telt geen organisatie meer mee. Wie opnieuw gekeken \
         heeft, verlengt zo'n melding bij Meldingen.",
        "Nobody learns anything new of what you flag already, and no organisation more is counted for it. Who looked \
         again renews such a flag at Flags.",
    );
    let said: Vec<String> = match kind {
        Kind::Flag if changed.added == 0 => match changed.unchanged {
            0 => vec![words.t("Niemand verneemt iets.", "Nobody learns anything.").to_owned()],
            _ => vec![already.to_owned()],
        },
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
            if changed.unchanged > 0 { already.to_owned() } else { String::new() },
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
        ul { @for one in said.iter().filter(|one| !one.is_empty()) { li { (one) } } }
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

/// Who would be told what of something that is put forward, and when.
pub(super) fn put_forward(words: Words, partner: &Partner, now: Timestamp) -> Result<Vec<String>, PartnerError> {
    let told = Audience::of(partner, now)?.clauses(words.0, |number| parts::who(words, partner, number));
    let mut said: Vec<String> = told.into_iter().map(|clause| format!("{}.", capital(&clause))).collect();
    said.push(match said.is_empty() {
        true => words.t("Niemand hoort iets.", "Nobody is told.").to_owned(),
        false => words
            .t(
                "Dat alles alleen als het een treffer is. Niemand anders hoort iets.",
                "All that only where it is a hit. Nobody else is told.",
            )
            .to_owned(),
    });
    let today = now.day();
    said.push(format!(
        "{} {}",
        parts::hears(words, partner.put_forward_goes_on(today).unwrap_or(today)),
        words.t(
            "Voor middernacht (00:00 UTC) daarna hoort niemand iets.",
            "Nobody is told before the midnight (00:00 UTC) after that.",
        )
    ));
    Ok(said)
}
