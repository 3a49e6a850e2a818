//! A response that says what is wrong: a page for people, with a stable code.

use axum::http::StatusCode;
use stapel::Error;

use super::dutch;

/// What is wrong, in both languages. It goes to whoever asked, and to no log but for its code.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) dutch: String,
    pub(super) english: String,
}

/// The pages' own codes, each with its status and what it says in Dutch and in English. docs/pages.md has them.
const OWN: [(&str, u16, &str, &str); 21] = [
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
    (
        "signed_out",
        403,
        "U bent niet meer aangemeld: u was te lang weg, of meldde zich af. Er is niets gedaan. Meld u aan, en vul het \
         formulier opnieuw in.",
        "You are no longer signed in: you were away too long, or signed out. Nothing was done. Sign in, and fill the \
         form in again.",
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
        Refusal { status, code, dutch: dutch.to_owned(), english: english.to_owned() }
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

/// What the library refuses. Its own text is in English.
impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Refusal {
        let error = error.into();
        let (dutch, english) = (dutch::of_error(&error), error.to_string());
        Refusal { status: StatusCode::CONFLICT, code: error.code(), dutch, english }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stapel::partner::PartnerError;

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
    fn what_the_partner_refuses_is_said_in_both_languages() {
        let refusal = Refusal::from(stapel::Case::new("", "1").unwrap_err());
        assert!(refusal.dutch.contains("1 tot 200 tekens") && refusal.english.contains("1 to 200 characters"));
        let refusal = Refusal::from(PartnerError::TooManyRenewals { homes: 3, days: 365 });
        assert!(
            refusal.dutch.contains("Bij 3 van deze meldingen") && refusal.dutch.contains("365 dagen"),
            "{refusal:?}"
        );
    }
}
