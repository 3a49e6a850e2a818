//! What the library and the reader of spreadsheets say in English, in Dutch, by their stable codes: so that no page in
//! Dutch has a sentence in English on it. A Dutch sentence says what to do; the code beside it is the same everywhere.

use stapel::Error;
use stapel::partner::PartnerError;

/// What is said where this version has no sentence for a code.
const UNKNOWN: &str = "Dit systeem weigert dat. Waarschuw de beheerder.";

/// What the library refuses, by its code. What only whoever keeps the folder, the policy or the keys can mend says so.
const ERRORS: [(&str, &str); 39] = [
    ("not_permitted", "De afspraken staan dit niet toe, of wat u gaf kan niet."),
    ("level", "Dit kan niet met een heel huisnummer, of juist niet met één woning."),
    ("register_required", "Volgens de afspraken moet een adres eerst in een register zijn opgezocht."),
    ("last_day", "Tot en met die dag kan een melding niet gelden: binnen de dagen die mogen eindigt geen maand."),
    ("not_put_forward", "Niemand droeg dit adres aan, voor zover dit systeem weet: er is niets te antwoorden."),
    ("no_conversation", "Zo'n gesprek is er niet, of er is niemand in aan wie u kunt schrijven."),
    ("not_leading", "Een ander trekt dit gesprek: wie trekt, draagt dat over."),
    ("note_text", "Dit kan niet in een bericht staan."),
    ("talk_in_flight", "Er wordt nog op een antwoord van de teller gewacht. Probeer het later opnieuw."),
    ("year_reported", "Over dat jaar is al gemeld, en dat gaat één keer."),
    ("case", "De gebruiker of de zaak kan zo niet in het journaal: geef 1 tot 200 tekens op één regel."),
    ("not_in_roster", "Dit systeem staat niet in de afspraken. Waarschuw de beheerder."),
    ("not_certified", "Dit systeem heeft geen certificaat dat nu geldt. Waarschuw de beheerder."),
    ("secret_mismatch", "Een geheim past niet bij de afspraken. Waarschuw de beheerder."),
    ("no_epoch", "Er loopt nu geen periode waarin dit kan. Waarschuw de beheerder."),
    ("epoch_in_use", "De geheimen van die periode zijn nog nodig."),
    ("partner_folder", "De map van dit systeem is niet te gebruiken. Waarschuw de beheerder."),
    ("journal_damaged", "Het journaal is beschadigd, of een deel of een oude kopie. Waarschuw de beheerder."),
    ("clock", "De klok van deze machine staat achter. Er is niets gedaan. Waarschuw de beheerder."),
    (
        "clock_ahead",
        "De klok van deze machine staat voor, of de machine stond lang stil. Er is niets gedaan. Waarschuw de \
         beheerder.",
    ),
    ("pseudonyms_pending", "De pseudoniemen hiervoor zijn er nog niet. Probeer het later opnieuw."),
    ("source_fault", "Een houder van de sleutel gaf een antwoord dat niet kan. Waarschuw de beheerder."),
    ("unexpected_reply", "Er kwam een antwoord waarop niet werd gewacht. Waarschuw de beheerder."),
    (
        "unannounced_restore",
        "De teller is vergeten wat hij ondertekende, en zegt niet dat een kopie is teruggezet. De bestanden zijn het \
         bewijs: bewaar ze, en waarschuw de beheerder en de coördinator.",
    ),
    (
        "false_introduction",
        "Dit systeem werd met een verkeerde code aan een ander voorgesteld: door de teller verzonnen, of door die \
         ander verkeerd gestuurd. Er is niets van overgenomen. De bestanden zijn het bewijs: bewaar ze, en waarschuw \
         de coördinator.",
    ),
    (
        "late_introduction",
        "De teller stelde dit systeem aan een ander voor met iets dat toen niet aangedragen was. Die ander weet nu van \
         u: verlaat het gesprek als dat niet moet doorgaan. De bestanden zijn het bewijs: bewaar ze, en waarschuw de \
         coördinator.",
    ),
    (
        "log_inconsistent",
        "Het log van de teller volgt niet op wat dit systeem er eerder van zag: er is iets in veranderd of uit \
         verdwenen.",
    ),
    ("checkpoint", "Wat de teller als stand van zijn log toont, is geen stand van het log dat de afspraken noemen."),
    ("io", "Een bestand kon niet gelezen of geschreven worden. Waarschuw de beheerder."),
    ("file_mode", "Anderen kunnen bij een bestand waar zij niet bij mogen. Waarschuw de beheerder."),
    ("folder_in_use", "Een ander programma gebruikt de map van dit systeem. Probeer het later opnieuw."),
    ("other_user", "De map van dit systeem is van een andere gebruiker. Waarschuw de beheerder."),
    ("other_process", "Een ander proces gebruikt dit systeem. Waarschuw de beheerder."),
    ("threads", "Deze machine heeft nu te weinig ruimte voor meer werk. Probeer het later opnieuw."),
    ("random", "Deze machine geeft geen toevalsgetallen. Waarschuw de beheerder."),
    ("register", "Het adresregister is niet te gebruiken. Waarschuw de beheerder."),
    ("register_row", "Een regel van het adresregister is niet te gebruiken. Waarschuw de beheerder."),
    ("bag_id_unknown", "Het register kent dit BAG-id niet: zoek het op."),
    ("bag_id_withdrawn", "Dit BAG-id is ingetrokken: zoek het adres op."),
];

/// What is wrong with a row or a line that somebody gave, by its code.
const ROWS: [(&str, &str); 42] = [
    ("too_long", "dit is langer dan één adres kan zijn"),
    ("not_utf8", "dit is geen UTF-8: bewaar het bestand als UTF-8"),
    ("empty", "hier staat geen letter en geen cijfer"),
    ("character", "hier staat een teken dat in geen adres hoort: typ het opnieuw"),
    ("not_canonical", "dit lijkt op de vorm postcode|nummer|toevoeging en is die niet: laat de strepen weg"),
    ("no_postcode", "de postcode ontbreekt: schrijf die erbij, zoals 1012 JS"),
    ("two_postcodes", "er staan twee postcodes: geef één adres per regel"),
    ("postcode_form", "dit is geen postcode: vier cijfers en twee letters, zoals 1012 JS"),
    ("postcode_first_digit", "geen postcode begint met 0: zoek de postcode op"),
    ("postcode_letters", "geen postcode eindigt op SA, SD of SS: zoek de postcode op"),
    ("belgian_town", "dit kan een Belgische postcode zijn: laat weg wat niet in Nederland is, of de plaats"),
    ("no_number", "het huisnummer ontbreekt: schrijf het na de straat"),
    ("two_numbers", "er staat een tweede nummer: schrijf een toevoeging in cijfers met een streepje, zoals 12-3"),
    ("number_form", "dit is geen huisnummer in cijfers: zet letter en toevoeging in hun eigen veld"),
    ("number_zero", "geen huisnummer is nul: zoek het nummer op"),
    ("number_too_long", "een huisnummer heeft hoogstens vijf cijfers: zoek het op"),
    ("number_unclear", "dit kan het huisnummer zijn of bij een naam horen: schrijf straat, spatie en nummer"),
    (
        "ordinal_unclear",
        "dit kan een rangtelwoord zijn of een huisnummer: schrijf de straat voluit, en een toevoeging met een \
         streepje, zoals 2-E",
    ),
    ("year_unclear", "dit kan een jaartal in de straat zijn of het huisnummer: geef het nummer in een eigen veld"),
    (
        "numbered_street",
        "dit kan nummer en toevoeging zijn, of een genummerde straat en een huisnummer: geef ze in eigen velden",
    ),
    ("range_unclear", "dit kunnen meer huisnummers zijn, of één met een toevoeging: geef één adres per regel"),
    ("suffix_too_long", "letter en toevoeging zijn samen langer dan vijf tekens: geef ze zoals ze geregistreerd zijn"),
    (
        "suffix_unclear",
        "dit kan een toevoeging zijn of iets anders: schrijf haar met een streepje aan het nummer, zoals 12-A, en de \
         plaats na de postcode",
    ),
    ("suffix_in_words", "dit beschrijft een deel van het pand in woorden: geef letter en toevoeging, zoals 12-A"),
    ("empty_value", "zo schrijft een programma dat er niets is: laat het weg"),
    (
        "spreadsheet_date",
        "het rekenblad maakte een datum van een toevoeging als 1-3: bewaar de kolom als tekst, en geef de toevoeging",
    ),
    ("letter_form", "dit is niet één letter: zet de rest in het veld van de toevoeging"),
    ("addition_form", "geef de toevoeging in letters en cijfers, zoals zij geregistreerd is"),
    ("not_the_house", "dit noemt een plek in de buurt: geef het adres van het huis zelf"),
    ("not_a_place", "dit is een postbus of antwoordnummer: geef het adres van het huis zelf"),
    ("bag_id_length", "dit lijkt een BAG-id, maar heeft geen 16 cijfers: geef ze alle 16"),
    ("bag_id_zero_lost", "dit BAG-id mist nullen vooraan: vul ze aan tot 16 cijfers, en bewaar de kolom als tekst"),
    ("bag_id_type", "dit is geen BAG-id van een adres: geef dat van de nummeraanduiding of het verblijfsobject"),
    ("bag_id_needs_register", "een BAG-id is alleen met een adresregister te lezen: geef postcode en huisnummer"),
    ("bag_id_unknown", "het register kent dit BAG-id niet: zoek het op"),
    ("bag_id_withdrawn", "dit BAG-id is ingetrokken: zoek het adres op"),
    ("not_in_register", "het register kent dit adres niet: zoek het op"),
    ("several_in_register", "het register kent meer dan één adres dat dit kan zijn: geef de postcode of het BAG-id"),
    ("columns", "deze regel heeft niet evenveel cellen als er kolommen met een naam zijn"),
    ("cell", "een cel van het adres is geen gewone tekst: typ haar waarde in"),
    ("differs", "wat in één cel staat en wat ernaast staat, zijn niet hetzelfde adres: zie welk het is"),
    ("withdrawn", "volgens een kolom is dit geen adres meer: zoek op welk het nu is"),
];

/// Why a spreadsheet was not read, by its code.
const SHEETS: [(&str, &str); 9] = [
    ("no_sheets", "Dit programma leest geen spreadsheets: typ de adressen."),
    ("not_a_table", "Dit is geen tabel: bewaar wat erin staat als CSV, xlsx of ods."),
    ("workbook", "Dit werkboek is beschadigd: open het, en bewaar het opnieuw als xlsx of CSV."),
    ("sheet", "Niet één blad heeft regels, of meer dan één: kies hieronder het blad met de adressen."),
    ("encoding", "De tekens van dit bestand zijn niet te lezen: bewaar het als CSV in UTF-8."),
    ("csv", "Dit is geen CSV die te lezen is: misschien wordt een aanhalingsteken nergens gesloten."),
    (
        "header",
        "Welke kolommen het adres zijn, is niet zeker. Staat er een titel boven de namen van de kolommen, zeg dan op \
         welke regel die namen staan. Het heeft postcode en huisnummer nodig, of het hele adres in \
         één kolom; en van elke kolom die bij een adres kan horen, moet u zeggen wat zij is.",
    ),
    ("map", "Van de kolommen is iets gezegd dat niet samengaat, zoals twee keer hetzelfde."),
    ("too_large", "Dit werkboek is te groot: bewaar het blad met de adressen als CSV."),
];

fn found(rows: &[(&str, &'static str)], code: &str) -> Option<&'static str> {
    rows.iter().find(|row| row.0 == code).map(|row| row.1)
}

/// What the library refused, with the numbers that somebody needs to mend it.
pub(super) fn of_error(error: &Error) -> String {
    if let Error::Partner(error) = error {
        let said = match error {
            PartnerError::NotFlagged { missing } => Some(format!(
                "Bij {missing} van deze adressen is niets te verlengen: u meldde ze niet, of langer dan 30 dagen niet \
                 meer. Meld ze opnieuw."
            )),
            PartnerError::NoFlag { missing } => {
                Some(format!("{missing} van deze adressen meldt u niet. Meld ze eerst, en draag ze dan aan."))
            }
            PartnerError::TooManyRenewals { homes, days } => Some(format!(
                "Bij {homes} van deze meldingen kan verlengen niet meer: een melding staat volgens de afspraken \
                 hoogstens {days} dagen. Laat ze eindigen, en meld alleen op een nieuwe waarneming opnieuw."
            )),
            PartnerError::Shrink { withdrawn, flags, percent } => Some(format!(
                "Hiermee verdwijnen {withdrawn} van de {flags} meldingen, meer dan {percent} procent. Zie of alles er \
                 is, en laat de beheerder dat bevestigen."
            )),
            PartnerError::JournalDamaged { record, .. } => Some(format!(
                "Het journaal is beschadigd bij regel {record}, of een deel of een oude kopie. Waarschuw de beheerder."
            )),
            _ => None,
        };
        if let Some(said) = said {
            return said;
        }
    }
    of_code(error.code()).to_owned()
}

/// What the library refused or complained of, by its code alone.
pub(super) fn of_code(code: &str) -> &'static str {
    found(&ERRORS, code).unwrap_or(UNKNOWN)
}

/// What is wrong with a line or a row.
pub(super) fn of_row(code: &str) -> &'static str {
    found(&ROWS, code).unwrap_or("dit is niet als adres te lezen: schrijf het als Molenstraat 12-A, 1012 JS")
}

/// Why a spreadsheet was not read.
pub(super) fn of_sheet(code: &str) -> &'static str {
    found(&SHEETS, code).or_else(|| found(&ROWS, code)).unwrap_or_else(|| of_code(code))
}

/// What a spreadsheet is, as its reader says it: `xlsx, sheet 'A'`, or `UTF-8, semicolons`.
pub(super) fn of_form(form: &str) -> String {
    const DELIMITERS: [(&str, &str); 5] = [
        ("semicolons", "puntkomma's"),
        ("commas", "komma's"),
        ("tabs", "tabs"),
        ("bars", "staande strepen"),
        ("one column", "één kolom"),
    ];
    match form.split_once(", ") {
        Some((kind, rest)) if rest.starts_with("sheet ") => format!("{kind}, blad {}", &rest["sheet ".len()..]),
        Some((charset, delimiter)) => format!("{charset}, {}", found(&DELIMITERS, delimiter).unwrap_or(delimiter)),
        None => form.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use stapel::register::RegisterError;
    use stapel::{ADDRESS_CODES, SystemError};

    use super::*;

    #[test]
    fn each_code_that_can_come_to_a_page_has_a_sentence_of_its_own() {
        // Those with numbers in them are said of the error itself.
        let with_numbers = ["not_flagged", "no_flag", "too_many_renewals", "shrink"];
        let missing: Vec<_> = [PartnerError::CODES, SystemError::CODES]
            .concat()
            .into_iter()
            .filter(|code| !with_numbers.contains(code) && found(&ERRORS, code).is_none())
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
        let missing: Vec<_> = ADDRESS_CODES
            .iter()
            .map(|row| row.code)
            .chain(RegisterError::CODES.iter().copied().filter(|code| !matches!(*code, "register" | "register_row")))
            .filter(|code| found(&ROWS, code).is_none())
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn there_is_no_sentence_for_a_code_that_is_none() {
        let known: Vec<&str> = Error::codes().collect();
        for (code, _) in ERRORS {
            assert!(known.contains(&code), "{code}");
        }
        // What the reader of spreadsheets says of rows alone.
        let of_reader = ["columns", "cell", "differs", "withdrawn"];
        for (code, _) in ROWS {
            assert!(known.contains(&code) || of_reader.contains(&code), "{code}");
        }
    }

    #[test]
    fn what_a_spreadsheet_is_stands_there_in_dutch() {
        assert_eq!(of_form("UTF-8, semicolons"), "UTF-8, puntkomma's");
        assert_eq!(of_form("xlsx, sheet 'Blad1, sheet'"), "xlsx, blad 'Blad1, sheet'");
    }
}
