//! Words that decide something beside a house number.
//!
//! The street itself is no part of a key. These words are read because each says that the number beside it is not the
//! whole story: another house, no house, several, or one part of a house. All are matched as whole words.

use super::parts::SUFFIX_MAX;

/// What a word says. A set of the constants below.
pub(super) type Meanings = u16;

/// Near a house, not the house itself; anywhere in the line.
pub(super) const NOT_THE_HOUSE: Meanings = 1;
/// A box or a reply number; anywhere in the line.
pub(super) const NOT_A_PLACE: Meanings = 2;
/// A part of a building; anywhere in the line.
pub(super) const PART: Meanings = 4;
/// A part of a building when it stands after the number, apart from it; often a street's or town's word before it.
pub(super) const PART_AFTER: Meanings = 8;
/// Directly before a number: the number is not the house's own.
pub(super) const BEFORE: Meanings = 16;
/// Directly before a number: the number is a box's.
pub(super) const BOX_BEFORE: Meanings = 32;
/// Between two numbers or letters: several addresses.
pub(super) const JOINS: Meanings = 64;
/// Used as an addition, although it has three letters or more.
pub(super) const ADDITION: Meanings = 128;
/// After the number and apart from it: the country, and no addition.
pub(super) const COUNTRY: Meanings = 256;
/// After the number and apart from it: may be an addition, the country, or the word "number".
pub(super) const UNCLEAR: Meanings = 512;
/// Before the number: it stands between two streets, at a corner.
pub(super) const CORNER: Meanings = 1024;
/// A letter and a number after it are its own, as in block B 12.
pub(super) const LETTERED: Meanings = 2048;
/// After the number and apart from it, before the postcode: no addition, although it is short.
pub(super) const DISTRICT: Meanings = 4096;
/// A Belgian town or the country: after four digits and a code of a country or language, not in the Netherlands.
pub(super) const BELGIAN: Meanings = 8192;

/// What a word of folded letters says; 0 for most.
pub(super) fn meanings(word: &[u8]) -> Meanings {
    if !(2..=14).contains(&word.len()) {
        return 0;
    }
    match word {
        b"NAAST" | b"TEGENOVER" | b"NABIJ" | b"OMGEVING" | b"THV" | b"BIJ" | b"BY" => NOT_THE_HOUSE,
        b"POSTBUS" | b"POSTBUSNR" | b"POSTBUSNUMMER" | b"ANTWOORDNUMMER" | b"ANTWOORDNR" => NOT_A_PLACE,
        b"BOVENWONING" | b"BENEDENWONING" | b"ACHTERWONING" | b"BOVENHUIS" | b"BENEDENHUIS" | b"ACHTERHUIS"
        | b"VOORHUIS" | b"SOUTERRAIN" | b"SOUTERREIN" | b"SOUSTERRAIN" | b"PARTERRE" | b"VERDIEPING" | b"ETAGE"
        | b"APPARTEMENT" | b"KAMER" | b"GARAGE" | b"GARAGEBOX" | b"BERGING" | b"SCHUUR" | b"EENHOOG" | b"TWEEHOOG"
        | b"DRIEHOOG" | b"VIERHOOG" => PART,
        b"ACHTER" | b"BENEDEN" | b"HOOG" | b"RECHTS" => PART_AFTER | BEFORE,
        b"HS" | b"BG" => PART_AFTER | BEFORE | ADDITION,
        b"BIS" | b"BEN" | b"BOV" | b"BENED" | b"BOVEN" | b"ONDER" | b"VOOR" | b"LINKS" | b"UNIT" | b"APP" => {
            PART_AFTER | BEFORE | ADDITION
        }
        b"BOX" => PART_AFTER | BOX_BEFORE | ADDITION,
        b"HUIS" => PART_AFTER | ADDITION,
        b"KELDER" | b"ZOLDER" | b"BEGANE" | b"EERSTE" | b"TWEEDE" | b"DERDE" | b"VIERDE" | b"CARAVAN"
        | b"STACARAVAN" | b"CHALET" | b"BUNGALOW" | b"WOONBOOT" | b"WOONSCHIP" | b"WOONARK" | b"WOONWAGEN"
        | b"LIGPLAATS" | b"STANDPLAATS" | b"KANTOOR" | b"ATELIER" | b"MAGAZIJN" | b"WERKPLAATS" | b"PENTHOUSE"
        | b"DAKOPBOUW" | b"LOKAAL" | b"VLEUGEL" => PART_AFTER,
        b"INGANG" | b"PORTIEK" | b"LOODS" | b"GEBOUW" => PART_AFTER | LETTERED,
        b"ZIJ" | b"OND" | b"ACHT" | b"SOUS" | b"ROOD" | b"ZWART" => PART_AFTER | ADDITION,
        b"III" | b"VII" => ADDITION,
        b"TUSSEN" | b"LANGS" | b"VANAF" | b"TO" | b"KM" => BEFORE,
        b"KAVEL" | b"PERCEEL" | b"SECTIE" | b"BLOK" | b"FLAT" => BEFORE | LETTERED,
        b"TOREN" | b"VAK" | b"STEIGER" | b"RIJKSWEG" | b"SNELWEG" | b"AUTOWEG" => LETTERED,
        b"HK" => CORNER,
        b"NOORD" | b"OOST" | b"ZUID" | b"WEST" => DISTRICT,
        b"ANTWERPEN" | b"BRUSSEL" | b"BRUXELLES" | b"GENT" | b"BRUGGE" | b"LEUVEN" | b"LUIK" | b"NAMEN"
        | b"OOSTENDE" | b"ROESELARE" | b"TURNHOUT" | b"GENK" | b"CHARLEROI" | b"BELGIE" | b"BELGI~" | b"BELGIUM"
        | b"BELGIQUE" => BELGIAN,
        b"PB" => BOX_BEFORE,
        b"EN" | b"OF" | b"TOT" | b"TM" => BEFORE | JOINS,
        b"NEDERLAND" => COUNTRY,
        b"NL" | b"NLD" | b"NR" | b"EE" => UNCLEAR,
        _ => 0,
    }
}

/// Whether a word after the number and apart from it ends as the name of a part of a building does, as in
/// `zolderkamer`.
pub(super) fn ends_as_part(word: &[u8]) -> bool {
    PART_ENDINGS.iter().any(|ending| word.ends_with(ending))
}

const PART_ENDINGS: &[&[u8]] =
    &[b"WONING", b"KAMER", b"ETAGE", b"VERDIEPING", b"RUIMTE", b"DEUR", b"HOOG", b"HUIS", b"BOX", b"KELDER", b"STUDIO"];

/// Whether a word written apart from the number can still be its addition: two letters at most, or a word in use,
/// alone or with a letter before or after it (letter B and addition BG are `BBG`).
pub(super) fn can_stand_apart(word: &[u8]) -> bool {
    let known = |word: &[u8]| meanings(word) & ADDITION != 0;
    match word {
        [] | [_] | [_, _] => true,
        [first @ .., _] if known(first) => true,
        [_, last @ ..] if known(last) => true,
        _ => known(word),
    }
}

/// Whether a word is the name of a street that a number is a part of: a kind of street, alone or after a month, as in
/// `250 singel`, `3e Straat` and `5 Meiplein`.
pub(super) fn takes_number(word: &[u8]) -> bool {
    // The shortest kind has three letters.
    if word.len() < 3 {
        return false;
    }
    let kind = MONTHS.iter().find_map(|month| word.strip_prefix(*month)).unwrap_or(word);
    STREETS.contains(&kind)
}

const MONTHS: &[&[u8]] = &[
    b"JANUARI",
    b"FEBRUARI",
    b"MAART",
    b"APRIL",
    b"MEI",
    b"JUNI",
    b"JULI",
    b"AUGUSTUS",
    b"SEPTEMBER",
    b"OKTOBER",
    b"NOVEMBER",
    b"DECEMBER",
];

const STREETS: &[&[u8]] = &[
    b"STRAAT",
    b"DWARSSTRAAT",
    b"LAAN",
    b"WEG",
    b"PAD",
    b"PLEIN",
    b"SINGEL",
    b"GRACHT",
    b"KADE",
    b"DIJK",
    b"STEEG",
    b"DREEF",
];

/// Whether a word stands after the first word of a street's name that begins with Bij, as in `Bij de Westermolen`.
pub(super) fn is_article(word: &[u8]) -> bool {
    matches!(word, b"DE" | b"DEN" | b"DER" | b"HET" | b"IT" | b"T")
}

/// Whether a word names a floor by the number before it, as in `2 hoog`.
pub(super) fn is_storey(word: &[u8]) -> bool {
    matches!(word, b"HOOG" | b"HG" | b"ETAGE" | b"VERDIEPING" | b"WOONLAAG")
}

/// Whether a word is written of Roman digits alone.
pub(super) fn is_roman(word: &[u8]) -> bool {
    word.iter().all(|b| matches!(b, b'I' | b'V' | b'X'))
}

/// Whether a word may be the addition of a number that stands apart before it: a letter with which rows of homes begin,
/// or a Roman number. One letter X stands for a town that is not told.
pub(super) fn may_be_suffix_alone(word: &[u8]) -> bool {
    match word {
        [b'A'..=b'H'] => true,
        [b'I' | b'V' | b'X', ..] => word != b"X" && word.len() <= SUFFIX_MAX && is_roman(word),
        _ => false,
    }
}

/// Whether the only word after the postcode stands where a town does: the country, Ee, X for a town that is not told,
/// or what is longer.
pub(super) fn is_told_last(word: &[u8]) -> bool {
    word.len() > 2 || matches!(word, b"NL" | b"EE" | b"X")
}

/// Letters after four digits that are the code of a country or a language, or of Brussels, beside a Belgian town.
pub(super) fn is_belgian_code(letters: &[u8]) -> bool {
    matches!(letters, b"BE" | b"BX" | b"NL" | b"FR" | b"DE" | b"EN" | b"LU")
}

/// The postcodes' digits where the streets are numbered, so that `Kotter 24-3` is number 3 in the street `Kotter 24`:
/// in Dukenburg (Nijmegen), Zevenaar, Lelystad and Urk. Others may be missing; a register knows them all.
pub(super) fn has_numbered_streets(digits: &[u8]) -> bool {
    match digits {
        [b'6', b'5', b'3', last] => (b'5'..=b'8').contains(last),
        [b'6', b'9', b'0', last] => (b'1'..=b'5').contains(last),
        [b'8', b'2', ten, _] => (b'0'..=b'4').contains(ten),
        [b'8', b'3', b'2', last] => matches!(last, b'1' | b'2'),
        _ => false,
    }
}

/// Word pairs in the names of towns whose first word would otherwise be refused: the second may follow it.
pub(super) fn exempt_before(word: &[u8]) -> Option<&'static [u8]> {
    match word {
        b"BIJ" => Some(b"DUURSTEDE"),
        b"HOOG" => Some(b"SOEREN"),
        b"HUIS" => Some(b"TER"),
        _ => None,
    }
}

/// Whether a single word of at most five letters between commas, after the number, is a town or the country rather
/// than an addition. What is missing here is refused, with the advice to write the town after the postcode.
pub(super) fn is_short_town(word: &[u8]) -> bool {
    matches!(word, b"NL" | b"NLD") || SHORT_TOWNS.binary_search(&std::str::from_utf8(word).unwrap_or_default()).is_ok()
}

/// Towns of three to five letters in the BAG, in order.
const SHORT_TOWNS: &[&str] = &[
    "AALST", "AERDT", "ALMEN", "ARUM", "ASCH", "ASSEN", "AXEL", "BAARN", "BAFLO", "BAKEL", "BANT", "BATH", "BEDUM",
    "BEEK", "BEERS", "BEESD", "BEETS", "BERN", "BEST", "BLIJA", "BORN", "BREDA", "BUDEL", "BUREN", "CUIJK", "DALEN",
    "DEEST", "DEIL", "DELFT", "DOORN", "DRIEL", "ECHT", "EDAM", "EDE", "EEDE", "EELDE", "EERDE", "EEXT", "ELP", "ELST",
    "EMMEN", "EMST", "ENS", "ENTER", "EPE", "ERICA", "ERM", "ERP", "EXLOO", "EYS", "GARYP", "GEES", "GENDT", "GOES",
    "GOOR", "GOUDA", "GRAVE", "GROU", "HALL", "HALLE", "HANK", "HAREN", "HEEG", "HEEL", "HEEZE", "HEIDE", "HEINO",
    "HERPT", "HOEK", "HOORN", "HORN", "HORST", "HULST", "JOPPE", "JOURE", "KATS", "LAREN", "LEEK", "LEENS", "LENT",
    "LEUR", "LEUTH", "LIES", "LITH", "MADE", "MARUM", "MEGEN", "MHEER", "MILL", "MOOK", "NEER", "NORG", "NUIS", "NUTH",
    "ODIJK", "OENE", "OIJEN", "OLST", "OMMEL", "OMMEN", "ONNEN", "OOIJ", "OPLOO", "OSS", "PEEST", "PEIZE", "PESSE",
    "PUTTE", "REEK", "RHEE", "RHOON", "RODEN", "ROLDE", "SNEEK", "SOEST", "SON", "SPIER", "STEIN", "STROE", "TIEL",
    "UDEN", "ULFT", "URK", "VAALS", "VARIK", "VEEN", "VEERE", "VELP", "VENLO", "VRIES", "VUGHT", "WAPSE", "WARNS",
    "WEERT", "WEESP", "WELL", "WIJHE", "WOUW", "YDE", "ZALK", "ZEIST", "ZWAAG",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn towns_are_sorted_and_short() {
        assert!(SHORT_TOWNS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(SHORT_TOWNS.iter().all(|town| (3..=5).contains(&town.len())));
        assert!(is_short_town(b"WEESP") && is_short_town(b"NLD") && !is_short_town(b"BIS"));
    }

    #[test]
    fn no_town_is_also_an_addition() {
        for town in SHORT_TOWNS {
            assert!(!can_stand_apart(town.as_bytes()), "{town}");
        }
    }

    #[test]
    fn kinds_of_street_take_a_number() {
        for word in ["SINGEL", "STRAAT", "MEIPLEIN", "SEPTEMBERSTRAAT"] {
            assert!(takes_number(word.as_bytes()), "{word}");
        }
        for word in ["", "MEI", "KERKSTRAAT", "PADMEI", "INGANG"] {
            assert!(!takes_number(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn streets_have_numbers_in_few_places() {
        let count = (1000..=9999).filter(|digits| has_numbered_streets(digits.to_string().as_bytes())).count();
        assert_eq!(count, 4 + 5 + 50 + 2);
        assert!(has_numbered_streets(b"8243") && !has_numbered_streets(b"8250") && !has_numbered_streets(b"8320"));
    }
}
