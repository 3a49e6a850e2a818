//! What the journal has, in words: the same for the command line and for a privacy officer's pages, in Dutch and in
//! English.

use stapel::Day;
use stapel::message::{RenewalReason, Standing, Told};
use stapel::partner::{ActKind, ActQuery, Caller, DossierEvent, PrunedJournal, RequestAnswer, TalkAct, TalkPlace};
use stapel::policy::Lang;

use crate::words::Words;

/// The most conversations of one act that are named.
const MOST_CONVERSATIONS: usize = 20;

/// What stands there in Dutch, or in English.
fn t<T>(lang: Lang, dutch: T, english: T) -> T {
    match lang {
        Lang::Nl => dutch,
        _ => english,
    }
}

/// A day: in Dutch as people write it, in English as the command line takes it.
fn day(day: Day, lang: Lang) -> String {
    match lang {
        Lang::Nl => Words(lang).day(day),
        _ => day.to_string(),
    }
}

/// What was done. Who did it, for which case, and with which addresses comes beside it.
pub fn act(kind: &ActKind, lang: Lang) -> String {
    let t = |dutch: &str, english: &str| t(lang, dutch, english).to_owned();
    match kind {
        ActKind::Flagged => t("gemeld", "flagged"),
        ActKind::Renewed(reason) => format!("{}{}", t("verlengd, ", "renewed, "), renewal(*reason, lang)),
        ActKind::Withdrawn => t("ingetrokken", "withdrawn"),
        ActKind::Replaced => {
            t("alle meldingen opnieuw gegeven, waarmee wijzigden", "gave all flags anew, which changed")
        }
        ActKind::Shortened => t("ingekort door afspraken", "shortened by a policy"),
        ActKind::Asked { epoch, number, sweep } => asked(*epoch, *number, sweep.as_ref().map(|one| one.as_str()), lang),
        ActKind::Answered { epoch, number } => {
            format!("{} {number} {} {epoch}", t("antwoord op vraag", "answered to question"), of_epoch(lang))
        }
        ActKind::NewsShown => t("kreeg het nieuws te zien", "was shown the news"),
        ActKind::LookedUp => t("opgezocht in het dossier", "looked up in the dossier"),
        ActKind::Queried(query) => {
            format!("{}{}", t("zocht in het journaal", "searched the journal"), sought(query, lang))
        }
        ActKind::Delivered(1) => t("maakte 1 bericht over meldingen", "made 1 message on flags"),
        ActKind::Delivered(messages) => match lang {
            Lang::Nl => format!("maakte {messages} berichten over meldingen"),
            _ => format!("made {messages} messages on flags"),
        },
        ActKind::Accepted => {
            t("de teller aanvaardde een bericht over meldingen", "the broker accepted a message on flags")
        }
        ActKind::Rejected(code) => {
            let said = t("de teller aanvaardde een bericht niet", "the broker did not accept a message");
            format!("{said} [{}]", code.map_or("unknown", |code| code.as_str()))
        }
        ActKind::Late => {
            t("er kwam een antwoord waarop niet meer werd gewacht", "a reply came that was no longer waited for")
        }
        ActKind::GaveUp => t("wacht niet langer op het antwoord op een bericht", "gave a message up"),
        ActKind::Status => t("de teller zei hoe dit systeem ervoor staat", "the broker said where the partner stands"),
        ActKind::AnotherOperator(version) => match lang {
            Lang::Nl => format!("versie {version} van de afspraken heeft een andere beheerder"),
            _ => format!("policy version {version} has another operator"),
        },
        ActKind::ClockAccepted => t("zei dat de klok goed staat", "said that the clock is right"),
        ActKind::EpochForgotten(epoch) => epoch_forgotten(*epoch, lang),
        ActKind::Pruned(records) => pruned_records(*records, lang),
        ActKind::RequestNoted { received, answered } => {
            let came = match lang {
                Lang::Nl => format!("een verzoek van een betrokkene genoteerd, van {}", day(*received, lang)),
                _ => format!("noted a request by a data subject, of {received}"),
            };
            match answered {
                None => came,
                Some(answered) => {
                    let on = t("beantwoord op", "answered on");
                    format!("{came}, {on} {}: {}", day(answered.day, lang), request_answer(answered.answer, lang))
                }
            }
        }
        ActKind::Talked(act) => talked(*act, lang).to_owned(),
        _ => unknown(lang).to_owned(),
    }
}

/// What was done with one address, and what was answered. `cap` is the policy's `count_cap`.
pub fn event(event: &DossierEvent, cap: u8, lang: Lang) -> String {
    let t = |dutch: &str, english: &str| t(lang, dutch, english).to_owned();
    match event {
        DossierEvent::Flagged { last_day } => {
            format!("{} {}", t("gemeld tot en met", "flagged until"), day(*last_day, lang))
        }
        DossierEvent::Renewed { last_day, reason } => {
            let until = t("verlengd tot en met", "renewed until");
            format!("{until} {}, {}", day(*last_day, lang), renewal(*reason, lang))
        }
        DossierEvent::Written => t("bleef gemeld, zo geschreven", "flagged on, written like this"),
        DossierEvent::Withdrawn => t("ingetrokken", "withdrawn"),
        DossierEvent::Asked { epoch, number, sweep } => {
            asked(*epoch, *number, sweep.as_ref().map(|one| one.as_str()), lang)
        }
        DossierEvent::LookedUp => t("opgezocht", "looked up"),
        DossierEvent::NewsShown => t("getoond als nieuws", "shown as news"),
        DossierEvent::Answered { epoch, number, standing: answer, release, as_of, .. } => {
            let answer = standing(*answer, cap, lang);
            match lang {
                Lang::Nl => format!(
                    "antwoord op vraag {number} van periode {epoch}: {answer}, op peilmoment {release} ({as_of})"
                ),
                _ => format!(
                    "answered to question {number} of epoch {epoch}: {answer}, as of release {release} ({as_of})"
                ),
            }
        }
        DossierEvent::Talked(act) => talked(*act, lang).to_owned(),
        _ => unknown(lang).to_owned(),
    }
}

/// What was done after a hit.
pub fn talked(act: TalkAct, lang: Lang) -> &'static str {
    let t = |dutch: &'static str, english: &'static str| t(lang, dutch, english);
    match act {
        TalkAct::PutForward => t("aangedragen", "put forward"),
        TalkAct::TookBack => t("teruggenomen", "taken back"),
        TalkAct::Joined => t("een ander had het aangedragen: doet mee", "another had put it forward: joined"),
        TalkAct::NotNow => t("een ander had het aangedragen: nu niet", "another had put it forward: not now"),
        TalkAct::Review => t(
            "een ander had het aangedragen: de eigen melding wordt opnieuw bekeken",
            "another had put it forward: the own flag is to be looked at again",
        ),
        TalkAct::AddressWritten => {
            t("de coördinator kreeg te lezen welk adres het is", "the coordinator was written which address it is")
        }
        TalkAct::ReadTold => {
            t("een ander hoorde dat de berichten zijn gelezen", "another was told that its notes were read")
        }
        TalkAct::NoteWritten => t("een bericht geschreven", "a note was written"),
        TalkAct::LeadWritten => t("geschreven wie verdergaat", "it was written who leads"),
        TalkAct::OutcomeWritten => t("geschreven hoe het afliep", "it was written how it ended"),
        TalkAct::DecisionWritten => t("een besluit geschreven", "a decision was written"),
        TalkAct::Left => t("het gesprek verlaten", "the conversation was left"),
        TalkAct::PuttingForward => t("de teller kreeg wat is aangedragen", "the broker was sent what is put forward"),
        TalkAct::Kept => t("de teller bewaart wat is aangedragen", "the broker keeps what is put forward"),
        TalkAct::Posted => t("opgehaald wat bij de teller wachtte", "what waited at the broker was fetched"),
        TalkAct::Totals => t("de teller zei hoeveel meldingen stapelen", "the broker said how many flags are stacked"),
        TalkAct::YearReported => {
            t("gemeld hoe de gesprekken van een jaar gingen", "how a year's conversations went was reported")
        }
        TalkAct::Shown => t("getoond wat er na een treffer is", "shown, of what comes after a hit"),
        TalkAct::Lapsed => t("het aandragen eindigde vanzelf", "what was put forward ended by itself"),
        _ => unknown(lang),
    }
}

/// In which conversations that was, and to whom, after what was done; `who` names a partner. Empty where it is of none.
pub fn place(place: &TalkPlace, lang: Lang, who: impl Fn(u16) -> String) -> String {
    let TalkPlace { conversations, to, .. } = place;
    let more = conversations.len().saturating_sub(MOST_CONVERSATIONS);
    let numbers: Vec<_> = conversations.iter().take(MOST_CONVERSATIONS).map(u32::to_string).collect();
    let mut text = match conversations.len() {
        0 => String::new(),
        1 => format!(", {} {}", t(lang, "gesprek", "conversation"), numbers.join(", ")),
        _ => format!(", {} {}", t(lang, "gesprekken", "conversations"), numbers.join(", ")),
    };
    if more > 0 {
        text.push_str(&match lang {
            Lang::Nl => format!(" en nog {more}"),
            _ => format!(" and {more} more"),
        });
    }
    if !to.is_empty() {
        let names: Vec<_> = to.iter().map(|number| who(*number)).collect();
        text.push_str(&format!(", {} {}", t(lang, "aan", "to"), names.join(", ")));
    }
    text
}

/// How a call came in, and so who vouches for the acting user.
pub fn through(caller: Caller, lang: Lang) -> String {
    match (caller, lang) {
        (Caller::OwnProcess, Lang::Nl) => "een opdracht".to_owned(),
        (Caller::LocalUser { uid }, Lang::Nl) => format!("programma van gebruiker {uid}"),
        (Caller::Loopback, Lang::Nl) => "programma, gebruiker onbekend".to_owned(),
        (Caller::SignedIn, Lang::Nl) => "een pagina, aangemeld".to_owned(),
        (Caller::OneUser, Lang::Nl) => "een pagina, vaste gebruiker".to_owned(),
        (caller, _) => caller.to_string(),
    }
}

/// Why a flag was renewed. In English it is the word that the command line takes.
pub fn renewal(reason: RenewalReason, lang: Lang) -> &'static str {
    match (reason, lang) {
        (RenewalReason::ObservedAgain, Lang::Nl) => "opnieuw waargenomen",
        (RenewalReason::BeingActedOn, Lang::Nl) => "er loopt een onderzoek of maatregel",
        (RenewalReason::ProcedurePending, Lang::Nl) => "er loopt een procedure",
        (RenewalReason::UnderSupervision, Lang::Nl) => "onder toezicht",
        (reason, _) => reason.as_str(),
    }
}

/// What was answered of an address.
pub fn standing(standing: Standing, cap: u8, lang: Lang) -> String {
    match standing {
        Standing::BelowThreshold => t(lang, "onder de drempel", "below threshold").to_owned(),
        Standing::NoOwnFlag => t(lang, "geen eigen melding", "no own flag").to_owned(),
        Standing::Stacked(number) => stacked(number, cap, lang),
    }
}

/// That an address is stacked, and as much of the number as the policy lets the partner be told.
pub fn stacked(number: Told, cap: u8, lang: Lang) -> String {
    match (number, lang) {
        (Told::Presence, Lang::Nl) => "gestapeld".to_owned(),
        (Told::Band(least), Lang::Nl) => format!("gestapeld: minstens {least} organisaties"),
        (Told::Count(count), Lang::Nl) if count == cap => format!("gestapeld: {count} organisaties of meer"),
        (Told::Count(count), Lang::Nl) => format!("gestapeld: {count} organisaties"),
        (Told::Presence, _) => "stacked".to_owned(),
        (Told::Band(least), _) => format!("stacked: at least {least} organisations"),
        (Told::Count(count), _) if count == cap => format!("stacked: {count} organisations or more"),
        (Told::Count(count), _) => format!("stacked: {count} organisations"),
    }
}

/// How a request by a data subject was answered.
pub fn request_answer(answer: RequestAnswer, lang: Lang) -> &'static str {
    let t = |dutch: &'static str, english: &'static str| t(lang, dutch, english);
    match answer {
        RequestAnswer::Told => t("verteld wat bekend is", "told what is known"),
        RequestAnswer::NothingKnown => t("verteld dat niets bekend is", "told that nothing is known"),
        RequestAnswer::Changed => t("gecorrigeerd of gewist", "corrected or erased"),
        RequestAnswer::Refused => t("geweigerd", "refused"),
        RequestAnswer::TakenBack => t("ingetrokken door wie het vroeg", "taken back by whoever asked"),
        _ => unknown(lang),
    }
}

/// What the journal no longer has.
pub fn pruned(pruned: &PrunedJournal, lang: Lang) -> String {
    let PrunedJournal { records, from, to, head } = pruned;
    match lang {
        Lang::Nl => format!(
            "de eerste {records} regels van het journaal, van {from} tot en met {to}, zijn gewist; kop voor de \
             volgende: {head}"
        ),
        _ => format!(
            "the journal's first {records} records, from {from} to {to}, are pruned; head before the next: {head}"
        ),
    }
}

/// That so many of the first records went.
pub fn pruned_records(records: u64, lang: Lang) -> String {
    match (records, lang) {
        (1, Lang::Nl) => "1 regel van het begin gewist".to_owned(),
        (_, Lang::Nl) => format!("{records} regels van het begin gewist"),
        (1, _) => "pruned 1 record from the beginning".to_owned(),
        _ => format!("pruned {records} records from the beginning"),
    }
}

/// That the secrets of an epoch went.
pub fn epoch_forgotten(epoch: u32, lang: Lang) -> String {
    format!("{} {epoch}", t(lang, "geheimen gewist van periode", "removed the secrets of epoch"))
}

fn asked(epoch: u32, number: u64, sweep: Option<&str>, lang: Lang) -> String {
    let how = sweep.map_or(String::new(), |reason| match lang {
        Lang::Nl => format!(", zonder eigen melding (sweep) voor {reason}"),
        _ => format!(", a sweep for {reason}"),
    });
    format!("{} {number} {} {epoch}{how}", t(lang, "gevraagd in vraag", "asked in question"), of_epoch(lang))
}

fn of_epoch(lang: Lang) -> &'static str {
    t(lang, "van periode", "of epoch")
}

/// What this version does not know.
pub fn unknown(lang: Lang) -> &'static str {
    t(lang, "iets dat deze versie niet kent", "something that this version does not know")
}

/// What was looked for, after "searched the journal". The address comes beside it.
fn sought(query: &ActQuery, lang: Lang) -> String {
    let words = t(lang, ["van", "voor", "vanaf", "tot en met", "naar"], ["by", "for", "from", "to", "about"]);
    let day = |word: &str, day: Option<Day>| day.map(|day| format!(" {word} {day}"));
    let text = |word: &str, text: &Option<String>| text.as_ref().map(|text| format!(" {word} {text}"));
    let given = [
        text(words[0], &query.actor),
        text(words[1], &query.case),
        day(words[2], query.from),
        day(words[3], query.to),
        query.address.map(|_| format!(" {}", words[4])),
    ];
    given.into_iter().flatten().collect()
}
