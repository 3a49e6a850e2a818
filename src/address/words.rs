//! Words that decide something beside a house number.
//!
//! The street itself is no part of a key. These words are read because each says that the number beside it is not the
//! whole story: another house, no house, several, or one part of a house. All are matched as whole words.

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

/// What a word of folded letters says; 0 for most.
pub(super) fn meanings(word: &[u8]) -> Meanings {
    if !(2..=14).contains(&word.len()) {
        return 0;
    }
    match word {
        b"NAAST" | b"TEGENOVER" | b"NABIJ" | b"OMGEVING" | b"THV" | b"BIJ" => NOT_THE_HOUSE,
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
        b"KELDER" | b"ZOLDER" | b"BEGANE" | b"EERSTE" | b"TWEEDE" | b"DERDE" | b"VIERDE" => PART_AFTER,
        b"ZIJ" | b"OND" | b"ACHT" | b"SOUS" | b"ROOD" | b"ZWART" => PART_AFTER | ADDITION,
        b"III" | b"VII" => ADDITION,
        b"TUSSEN" | b"LANGS" | b"VANAF" | b"TO" | b"KAVEL" | b"PERCEEL" | b"SECTIE" | b"KM" | b"BLOK" | b"FLAT" => {
            BEFORE
        }
        b"PB" => BOX_BEFORE,
        b"EN" | b"OF" | b"TOT" | b"TM" => BEFORE | JOINS,
        b"NEDERLAND" => COUNTRY,
        b"NL" | b"NR" => UNCLEAR,
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
    word == b"NL" || SHORT_TOWNS.binary_search(&std::str::from_utf8(word).unwrap_or_default()).is_ok()
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
        assert!(is_short_town(b"WEESP") && is_short_town(b"NL") && !is_short_town(b"BIS"));
    }

    #[test]
    fn no_town_is_also_an_addition() {
        for town in SHORT_TOWNS {
            assert!(!can_stand_apart(town.as_bytes()), "{town}");
        }
    }
}
