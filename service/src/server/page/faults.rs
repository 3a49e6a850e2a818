//! What each fault is called on the page, and what to do about it in Dutch. In English the fault says that itself.

use crate::words::Words;

/// The code, what it is called in Dutch and in English, and what to do in Dutch.
const FAULTS: [(&str, &str, &str, &str); 30] = [
    (
        "backup_overdue",
        "Er is geen recente back-up",
        "No recent backup",
        "Maak iedere dag een back-up: stapel broker backup.",
    ),
    (
        "broker_keys",
        "Een sleutel van de teller ontbreekt",
        "A key of the broker is missing",
        "Zet de map met sleutels terug zoals die was.",
    ),
    (
        "certificate_ends",
        "Een TLS-certificaat loopt af",
        "A TLS certificate ends",
        "Vervang het certificaat en laat de teller zijn bestanden opnieuw lezen (reload).",
    ),
    ("clock", "De klok loopt achter", "The clock is behind", "Zet de klok van de machine goed."),
    (
        "clock_ahead",
        "De klok loopt misschien voor",
        "The clock may be ahead",
        "Kijk of de klok goed staat. Zo ja, zeg dat met stapel broker accept-clock.",
    ),
    (
        "clock_unconfirmed",
        "Niemand heeft gezegd dat de klok goed staat",
        "Nobody has said that the clock is right",
        "Kijk of de klok goed staat. Zo ja, zeg dat met stapel broker accept-clock.",
    ),
    (
        "clock_untrusted",
        "De klok is niet te vertrouwen",
        "The clock is not trusted",
        "Laat de klok gelijk houden (NTP), of zeg met stapel broker accept-clock dat hij goed staat.",
    ),
    (
        "coordinator_absent",
        "De coördinator haalt niets op",
        "The coordinator fetches nothing",
        "Vraag de coördinator of stapel partner sync daar iedere dag loopt.",
    ),
    (
        "crl_outdated",
        "Een intrekkingslijst is verouderd",
        "A revocation list is outdated",
        "Haal de nieuwste lijst op en laat de teller zijn bestanden opnieuw lezen (reload).",
    ),
    (
        "file_mode",
        "Anderen kunnen een bestand met een sleutel lezen",
        "Others can read a file with a key",
        "Geef het bestand de rechten die hieronder staan.",
    ),
    (
        "folder_in_use",
        "Een ander proces gebruikt de map",
        "Another process uses the folder",
        "Laat dat proces eerst eindigen.",
    ),
    (
        "forgotten",
        "De teller mist wat hij een partner bevestigde",
        "The broker lacks what it confirmed to a partner",
        "Er is een oudere kopie teruggezet: zet de nieuwste terug, of herstel met stapel broker restore.",
    ),
    (
        "full_set_missing",
        "Een periode wacht op volledige lijsten",
        "An epoch waits for full sets",
        "Vraag de genoemde partners om nog een keer alles te leveren.",
    ),
    (
        "io",
        "Een bestand is niet te lezen of te schrijven",
        "A file cannot be read or written",
        "Kijk of de schijf vol, alleen-lezen of stuk is.",
    ),
    (
        "log_behind",
        "Het logboek is ouder dan wat getekend is",
        "The log is behind what was signed",
        "Er is een oudere kopie teruggezet: zet de nieuwste terug, of herstel met stapel broker restore.",
    ),
    (
        "logboek_unsent",
        "Niet alles staat in het Logboek Dataverwerkingen",
        "Not all is in the Logboek Dataverwerkingen",
        "Kijk waarom het Logboek het niet aanneemt; alles wordt vanzelf opnieuw verstuurd.",
    ),
    (
        "not_certified",
        "Een partner heeft geen geldig certificaat",
        "A partner has no certificate that holds",
        "Vraag de organisatie om een certificaat en bewaar het met stapel broker certify.",
    ),
    (
        "not_fetched",
        "Een partner haalt niets op",
        "A partner fetches nothing",
        "Vraag de genoemde partners of stapel partner sync daar iedere dag loopt.",
    ),
    (
        "not_running",
        "De dienst schreef zijn stand niet op tijd",
        "The service did not write its status in time",
        "Kijk of de dienst werkt, en of de klok is verzet.",
    ),
    (
        "other_process",
        "Een afsplitsing van het proces gebruikt de teller",
        "A fork of the process uses the broker",
        "Open de teller in het proces dat hem gebruikt.",
    ),
    (
        "other_user",
        "Een andere gebruiker opende de map",
        "Another user opened the folder",
        "Gebruik de map als haar eigenaar.",
    ),
    (
        "outcome_unknown",
        "Onbekend of het laatste bewaard is",
        "It is not known whether the last was kept",
        "Herstart de dienst: hij gaat verder met wat bewaard is. Partners sturen hetzelfde nog eens.",
    ),
    (
        "policy_ends",
        "De afspraken lopen af",
        "The policy ends",
        "Neem op tijd een nieuwe versie in gebruik: stapel broker adopt.",
    ),
    (
        "policy_operator",
        "De afspraken noemen andere sleutels dan de teller heeft",
        "The policy names other keys than the broker's",
        "Zet de goede sleutels terug, of neem afspraken in gebruik die deze noemen.",
    ),
    (
        "random",
        "De machine geeft geen willekeurige getallen",
        "The machine gives no random numbers",
        "Kijk wat er met de machine is: zonder kan er niets getekend worden.",
    ),
    (
        "release_overdue",
        "Een peilmoment is te laat",
        "A release is overdue",
        "Kijk of de dienst werkt. Zo nodig: stapel broker release.",
    ),
    (
        "store",
        "De opslag is niet te gebruiken",
        "The store cannot be used",
        "Doe wat hieronder staat, en schrijf intussen niets in de map.",
    ),
    (
        "store_damaged",
        "De opslag is beschadigd",
        "The store is damaged",
        "Schrijf niets meer in de map en zet een back-up terug: stapel broker restore.",
    ),
    ("store_format", "Een andere versie schreef de opslag", "Another version wrote the store", "Gebruik die versie."),
    (
        "threads",
        "De machine geeft geen threads meer",
        "The machine gives no more threads",
        "Kijk welke grens voor processen de machine heeft.",
    ),
];

/// What a fault is called; its code, where it is a fault of another program.
pub(super) fn title(words: Words, code: &str) -> String {
    let found = FAULTS.iter().find(|(known, ..)| *known == code);
    found.map_or_else(|| code.to_owned(), |(_, dutch, english, _)| words.t(dutch, english).to_string())
}

/// What to do about it, where what was found does not say so in the page's language.
pub(super) fn remedy(words: Words, code: &str) -> Option<&'static str> {
    let found = FAULTS.iter().find(|(known, ..)| *known == code);
    words.t(found.map(|(.., remedy)| *remedy), None)
}

#[cfg(test)]
mod tests {
    use super::super::super::schedule::{CERTIFICATE_ENDS, CRL_OUTDATED, LOGBOEK_UNSENT};
    use super::*;
    use stapel::broker::BrokerStatus;

    #[test]
    fn every_fault_has_a_name_and_no_other_code_has() {
        let mut codes = BrokerStatus::FAULT_CODES.to_vec();
        codes.extend([CERTIFICATE_ENDS, CRL_OUTDATED, LOGBOEK_UNSENT]);
        codes.sort_unstable();
        assert_eq!(FAULTS.map(|(code, ..)| code).to_vec(), codes);
    }
}
