//! A response that says what is wrong: a page for people, with a stable code.

use axum::http::StatusCode;
use stapel::Error;

/// What is wrong, in both languages. It goes to whoever asked, and to no log but for its code.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) dutch: String,
    pub(super) english: String,
    /// What the partner said of it, in English, where the sentence in Dutch has not all of that.
    pub(super) said: Option<String>,
}

/// The pages' own codes, each with its status and what it says in Dutch and in English. docs/pages.md has them.
const OWN: [(&str, u16, &str, &str); 20] = [
    (
        "bad_request",
        400,
        "De aanvraag is niet te lezen. Ga terug en probeer het opnieuw.",
        "The request cannot be read. Go back and try again.",
    ),
    (
        "logout_token",
        400,
        "Het bewijs dat iemand zich afmeldde klopt niet.",
        "The token on somebody who signed out does not hold.",
    ),
    (
        "form",
        403,
        "Dit formulier is niet van deze pagina, of van voor u zich aanmeldde. Er is niets gedaan. Open de pagina \
         opnieuw en vul het nog eens in.",
        "This form is not of this page, or of before you signed in. Nothing was done. Open the page again and fill it \
         in once more.",
    ),
    (
        "id_token",
        403,
        "De aanmelddienst gaf een bewijs dat niet klopt. U bent niet aangemeld. Waarschuw de beheerder.",
        "The provider gave a token that does not hold. You are not signed in. Tell the administrator.",
    ),
    (
        "no_name",
        403,
        "De aanmelddienst zegt niet wie u bent. U bent niet aangemeld. Waarschuw de beheerder.",
        "The provider does not say who you are. You are not signed in. Tell the administrator.",
    ),
    (
        "no_right",
        403,
        "U mag hier niets. Wie dat hoort te kunnen, krijgt bij de aanmelddienst een rol.",
        "You may do nothing here. Whoever should is given a role at the provider.",
    ),
    ("not_for_you", 403, "Deze pagina is niet voor uw rol.", "This page is not for your role."),
    (
        "one_user",
        403,
        "De afspraken staan geen vaste gebruiker zonder aanmelddienst toe. Waarschuw de beheerder.",
        "The policy does not allow one user without a provider. Tell the administrator.",
    ),
    (
        "other_attempt",
        403,
        "Deze aanmelding hoort niet bij uw browser, duurde te lang of is al gebruikt. Meld u opnieuw aan.",
        "This attempt to sign in is not of your browser, took too long or was used before. Sign in again.",
    ),
    (
        "refused_by_provider",
        403,
        "De aanmelddienst liet u niet binnen. Meld u opnieuw aan.",
        "The provider did not let you in. Sign in again.",
    ),
    ("token", 403, "Dat is niet de sleutel van deze pagina's.", "That is not the token of these pages."),
    (
        "not_asked",
        409,
        "Dit is niet meer te bevestigen: het is te lang geleden, of de dienst is opnieuw gestart. Kijk in de lijst of \
         het gedaan is, en begin anders opnieuw.",
        "This can no longer be confirmed: it is too long ago, or the service was started anew. See in the list \
         whether it was done, and else begin again.",
    ),
    ("not_found", 404, "Die pagina is er niet.", "There is no such page."),
    ("method_not_allowed", 405, "Deze pagina kan dat niet.", "This page cannot do that."),
    ("too_slow", 408, "De aanvraag kwam te langzaam.", "The request came too slowly."),
    ("too_large", 413, "Dat is te veel in één keer.", "That is too much at once."),
    (
        "other_host",
        421,
        "Onder deze naam zijn de pagina's er niet. Gebruik het adres dat de beheerder gaf.",
        "The pages are not found under this name. Use the address that the administrator gave.",
    ),
    ("head_too_large", 431, "Uw browser stuurt te veel mee.", "Your browser sends too much along."),
    (
        "internal",
        500,
        "Er ging hier iets mis. Waarschuw de beheerder.",
        "Something went wrong here. Tell the administrator.",
    ),
    (
        "provider_unreachable",
        502,
        "De aanmelddienst is niet bereikbaar. Probeer het over een minuut opnieuw.",
        "The provider cannot be reached. Try again in a minute.",
    ),
];

impl Refusal {
    /// One of the pages' own.
    pub(super) fn of(code: &'static str) -> Refusal {
        let row = OWN.iter().find(|row| row.0 == code);
        let (code, status, dutch, english) = *row.unwrap_or(&OWN[OWN.len() - 2]);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Refusal { status, code, dutch: dutch.to_owned(), english: english.to_owned(), said: None }
    }

    pub(super) fn no_name() -> Refusal {
        Refusal::of("no_name")
    }

    pub(super) fn no_right() -> Refusal {
        Refusal::of("no_right")
    }

    pub(super) fn other_attempt() -> Refusal {
        Refusal::of("other_attempt")
    }

    pub(super) fn refused_by_provider() -> Refusal {
        Refusal::of("refused_by_provider")
    }

    pub(super) fn token() -> Refusal {
        Refusal::of("id_token")
    }

    pub(super) fn unreachable() -> Refusal {
        Refusal::of("provider_unreachable")
    }

    pub(super) fn internal() -> Refusal {
        Refusal::of("internal")
    }
}

/// What the partner refuses most, by its code, in Dutch. Numbers and names in it are in what it said.
const OF_PARTNER: [(&str, &str); 20] = [
    ("not_permitted", "De afspraken staan dit niet toe, of wat u gaf kan niet."),
    ("level", "Dit kan niet met een heel huisnummer, of juist niet met één woning."),
    ("register_required", "Volgens de afspraken moet een adres eerst in een register zijn opgezocht."),
    ("last_day", "Tot en met die dag kan een melding niet gelden."),
    ("not_flagged", "Een van de adressen heeft geen melding die verlengd kan worden: meld het opnieuw."),
    ("no_flag", "Een van de adressen is niet door dit systeem gemeld: meld het eerst."),
    ("not_put_forward", "Niemand droeg dit adres aan, voor zover dit systeem weet: er is niets te antwoorden."),
    ("no_conversation", "Zo'n gesprek is er niet, of er is niemand in aan wie u kunt schrijven."),
    ("not_leading", "Een ander leidt dit gesprek: wie leidt, draagt dat over."),
    ("note_text", "Dit kan niet in een bericht staan."),
    ("talk_in_flight", "Er wordt nog op een antwoord van de teller gewacht. Probeer het later opnieuw."),
    ("year_reported", "Over dat jaar is al gemeld, en dat gaat één keer."),
    (
        "too_many_renewals",
        "Een van de meldingen kan volgens de afspraken niet meer verlengd worden: laat haar eindigen.",
    ),
    ("case", "De gebruiker of de zaak kan zo niet in het journaal: geef 1 tot 200 tekens op één regel."),
    (
        "shrink",
        "Er zouden te veel meldingen ineens verdwijnen. Zie of alles er is, en laat de beheerder dat bevestigen.",
    ),
    ("not_in_roster", "Dit systeem staat niet in de afspraken. Waarschuw de beheerder."),
    ("journal_damaged", "Het journaal is beschadigd, of een deel of een oude kopie. Waarschuw de beheerder."),
    ("clock", "De klok van deze machine staat achter. Waarschuw de beheerder."),
    ("clock_ahead", "De klok van deze machine staat voor, of de machine stond lang stil. Waarschuw de beheerder."),
    ("io", "Een bestand kon niet gelezen of geschreven worden. Waarschuw de beheerder."),
];

/// What the partner refuses. Its own text is in English.
impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        let error = error.into();
        let (code, english) = (error.code(), error.to_string());
        let dutch = OF_PARTNER.iter().find(|row| row.0 == code).map(|row| row.1);
        let dutch = dutch.unwrap_or("Dit systeem weigert dat. Waarschuw de beheerder.").to_owned();
        Refusal { status: StatusCode::CONFLICT, code, dutch, said: Some(english.clone()), english }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_says_what_to_do_and_is_in_the_page() {
        let page = include_str!("../../../docs/pages.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | `"));
        let told: BTreeSet<(u16, &str)> =
            rows.filter_map(|(status, rest)| Some((status.parse().ok()?, rest.split_once('`')?.0))).collect();
        let own: BTreeSet<(u16, &str)> = OWN.iter().map(|row| (row.1, row.0)).collect();
        assert_eq!(told, own, "docs/pages.md");
        for (code, status, ..) in OWN {
            let refusal = Refusal::of(code);
            assert_eq!((refusal.status.as_u16(), refusal.code), (status, code));
        }
        assert_eq!(Refusal::of("what is in no list").code, "internal");
    }

    #[test]
    fn what_the_partner_refuses_is_said_in_dutch_by_codes_that_there_are() {
        for (code, _) in OF_PARTNER {
            assert!(Error::codes().any(|known| known == code), "{code}");
        }
        let refusal = Refusal::from(stapel::Case::new("", "1").unwrap_err());
        assert!(refusal.dutch.contains("1 tot 200 tekens") && refusal.english.contains("1 to 200 characters"));
        assert_eq!(refusal.said, Some(refusal.english));
    }
}
