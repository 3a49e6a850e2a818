//! Lines and fields as they come from other systems, each with its key, or the code that it is refused with and the
//! house number that is certain none the less.

use stapel::{AddressError, AddressKey, Fields};

/// A line, and what it is: a unit key; or a code, and the key of the house number if that is certain.
pub(super) type Case = (&'static str, &'static str);

/// Read, each as one home.
pub(super) const READ: &[Case] = &[
    // The town stands before the postcode.
    ("Meidoornpad 12 Amsterdam 1234 AB", "1234AB|12|"),
    ("Meidoornpad 12-A Amsterdam, 1234 AB", "1234AB|12|A"),
    ("Meidoornpad 12 A Amsterdam 1234 AB", "1234AB|12|A"),
    ("Meidoornpad 36 te Haarlem, 1234 AB", "1234AB|36|"),
    ("Meidoornpad 36 te Ede 1234 AB", "1234AB|36|"),
    ("Meidoornpad 12 Weesp 1234 AB", "1234AB|12|"),
    ("Meidoornpad 12 Weesp, 1234 AB", "1234AB|12|"),
    ("Meidoornpad 12 's-Gravenhage 1234 AB", "1234AB|12|"),
    ("Meidoornpad 12 bis Den Haag 1234 AB", "1234AB|12|BIS"),
    ("Meidoornpad 12-3 Bergen op Zoom, 1234 AB", "1234AB|12|3"),
    ("Meidoornpad 12 Wijk bij Duurstede 1234 AB", "1234AB|12|"),
    ("Meidoornpad 12 Huis ter Heide 1234 AB", "1234AB|12|"),
    ("Meidoornpad 12 Hoog Soeren 1234 AB", "1234AB|12|"),
    ("Meidoornpad 12 Capelle a/d IJssel 1234 AB", "1234AB|12|"),
    ("Meidoornpad 12 Súdwest-Fryslân 1234 AB", "1234AB|12|"),
    ("Meidoornpad 318-4, 1234 AB Amsterdam, NLD", "1234AB|318|4"),
    // What follows the postcode and is no addition.
    ("Meidoornpad 12, 1234 AB X", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB Ee", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB 't Veld", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB 's-Graveland", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB H.I. Ambacht", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB A'dam", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB NL", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB Epe", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB Hengelo O", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB Beek L", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB Bergen (L)", "1234AB|12|"),
    ("Meidoornpad 12, 1234 AB Nw Weerdinge", "1234AB|12|"),
    ("Willem II singel 12, 1234 AB Tilburg", "1234AB|12|"),
    ("1234 AB, B Bakkerpad 12", "1234AB|12|"),
    // The postcode and the number are glued.
    ("1234AB12", "1234AB|12|"),
    ("1234ab12a", "1234AB|12|A"),
    ("1234 AB12-3", "1234AB|12|3"),
    ("  1234AB12A3", "1234AB|12|A3"),
    ("1234AB 12A3", "1234AB|12|A3"),
    ("1234AB12, Meidoornpad, Amsterdam", "1234AB|12|"),
    // Letter and addition joined, as NEN 5825 prints them.
    ("St. Corneliapad 312 MToe, 1234 AB  WEESP", "1234AB|312|MTOE"),
    ("Meidoornpad 12 Atraf, 1234 AB", "1234AB|12|ATRAF"),
    ("Meidoornpad 1 TRAF 1234 AB Weesp", "1234AB|1|TRAF"),
    ("Meidoornpad 1 TRAF, 1234 AB Weesp", "1234AB|1|TRAF"),
    ("Meidoornpad 12 ark, 1234 AB", "1234AB|12|ARK"),
    ("Meidoornpad 47 - II, 1234 AB", "1234AB|47|II"),
    ("Meidoornpad  1 - B , 1234 AB Weesp", "1234AB|1|B"),
    ("Meidoornpad 200E-H18C, 1234 AB", "1234AB|200|EH18C"),
    ("Meidoornpad 28 zw/3, 1234 AB", "1234AB|28|ZW3"),
    // Numbers in the name of the street.
    ("Vest 1940-'45 8, 1234 AB", "1234AB|8|"),
    ("Vest '39-'44 7, 1234 AB", "1234AB|7|"),
    ("1105-singel 6, 1234 AB", "1234AB|6|"),
    ("250 singel 4-2, 1234 AB", "1234AB|4|2"),
    ("5 Meiplein 3, 1234 AB", "1234AB|3|"),
    ("1234 AB, 18 Septemberstraat 3a", "1234AB|3|A"),
    ("Waterkant 3e Straat 41., 1234 AB", "1234AB|41|"),
    ("C 71, 1234 AB", "1234AB|71|"),
    ("Meidoornpad K 17, 1234 AB", "1234AB|17|"),
    // Names.
    ("Bakker & Visserpad 12, 1234 AB", "1234AB|12|"),
    ("Bij de Oostermolen 3, 1234 AB", "1234AB|3|"),
    ("1234 AB, Bij 't Veer 3", "1234AB|3|"),
    ("By de Mar 3, 1234 AB", "1234AB|3|"),
    // What looks like a range and is in use as an addition.
    ("Meidoornpad 4-2, 1234 AB", "1234AB|4|2"),
    ("Meidoornpad 12-11, 1234 AB", "1234AB|12|11"),
    ("Meidoornpad 146-20, 1234 AB", "1234AB|146|20"),
    ("Meidoornpad 38-02, 1234 AB", "1234AB|38|02"),
    ("Meidoornpad 6b-8, 1234 AB", "1234AB|6|B8"),
    ("Meidoornpad 6b-1a, 1234 AB", "1234AB|6|B1A"),
    ("Meidoornpad 1A/101, 1234 AB", "1234AB|1|A101"),
    ("Meidoornpad 12 A III, 1234 AB", "1234AB|12|AIII"),
    // Canonical forms are read as they are, so that no home is out of reach.
    ("1234AB|12|TO", "1234AB|12|TO"),
    ("1234AB|12|NA", "1234AB|12|NA"),
];

/// Refused, with the code and the house number that is certain.
pub(super) const REFUSED: &[(&str, &str, Option<&str>)] = &[
    // Not the house itself.
    ("Meidoornpad by 3, 1234 AB", "not_the_house", None),
    ("Meidoornpad 3 by, 1234 AB", "not_the_house", None),
    ("Meidoornpad 3 to, 1234 AB", "not_the_house", None),
    ("Meidoornpad 3-TO, 1234 AB", "not_the_house", None),
    ("Meidoornpad 3bij, 1234 AB", "not_the_house", None),
    ("bij Meidoornpad 3, 1234 AB", "not_the_house", None),
    ("Meidoornpad bij de brug 3, 1234 AB", "not_the_house", None),
    ("Meidoornpad 3, bij de brug, 1234 AB", "not_the_house", None),
    ("Meidoornpad hk Dorpsdreef 12, 1234 AB", "not_the_house", None),
    ("Bakker & 12, 1234 AB", "not_the_house", None),
    // Numbered streets.
    ("Sloep 38-02, 8243 AB Lelystad", "numbered_street", None),
    ("Sloep 24-3, 8243 AB Lelystad", "numbered_street", None),
    ("8243 AB 24-3", "numbered_street", None),
    ("Wijk 6-3, 8321 AB Urk", "numbered_street", None),
    ("Sloep 06-40, 8243 AB Lelystad", "range_unclear", None),
    ("Hazenhof 60-27, 6537 AB Nijmegen", "numbered_street", None),
    ("Hazenhof 40e 18, 6537 AB Nijmegen", "ordinal_unclear", None),
    ("Meidoornpad 40e 18, 1234 AB", "ordinal_unclear", None),
    ("Sloep 16 11, 8243 AB Lelystad", "two_numbers", None),
    ("Zuidenk 23 12, 6903 AB Zevenaar", "two_numbers", None),
    ("Sloep 16 caravan 11, 8243 AB Lelystad", "suffix_in_words", None),
    // Ranges.
    ("Meidoornpad 12a-12c, 1234 AB", "range_unclear", None),
    ("Meidoornpad 3a-3c, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12a/14b, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12a-14, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12-12a, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12a-c, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12 a/b, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12-1a-1c, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12-1a-c, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12 A1-A3, 1234 AB", "range_unclear", None),
    ("Meidoornpad 1 A-B-C, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12 I-II, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12 I-III, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12 I II, 1234 AB", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12-34, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12-13, 1234 AB", "range_unclear", None),
    ("Meidoornpad 14-12, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12 & 14, 1234 AB", "range_unclear", None),
    ("Meidoornpad 7 8, 1234 AB", "two_numbers", None),
    // A part of the building in words, and a number that is certain.
    ("Meidoornpad 15, 2e verdieping, 1234 AB", "suffix_in_words", Some("1234AB|15")),
    ("Meidoornpad 12 2hoog, 1234 AB", "suffix_in_words", Some("1234AB|12")),
    ("Meidoornpad 12 2 hoog, 1234 AB", "suffix_in_words", Some("1234AB|12")),
    ("Meidoornpad 12 A begane gro, 1234 AB", "suffix_in_words", Some("1234AB|12")),
    ("Meidoornpad 1 - ruimte E5, 1234 AB", "suffix_in_words", Some("1234AB|1")),
    ("Meidoornpad 12 caravan 4, 1234 AB", "suffix_in_words", Some("1234AB|12")),
    ("1234 AB 12 caravan 4", "suffix_in_words", Some("1234AB|12")),
    ("Meidoornpad 12-1hoog, 1234 AB", "suffix_in_words", Some("1234AB|12")),
    ("Meidoornpad 12-1e, 1234 AB", "suffix_in_words", Some("1234AB|12")),
    ("Meidoornpad 16 (2), 1234 AB", "suffix_unclear", Some("1234AB|16")),
    ("Meidoornpad 16 (boven), 1234 AB", "suffix_unclear", Some("1234AB|16")),
    ("Meidoornpad 12ABCDEF, 1234 AB", "suffix_too_long", Some("1234AB|12")),
    ("1234AB12XA", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12 Zuid, 1234 AB", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12 Ee, 1234 AB", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12 Amsterdam", "suffix_too_long", None),
    ("Meidoornpad 12 A begane gro", "suffix_in_words", None),
    ("Meidoornpad 15, kamer 3, 1234 AB, 4321 BA", "suffix_in_words", None),
    ("Meidoornpad 12, kamer 3, 14, 1234 AB", "suffix_in_words", None),
    // The number is not certain, whatever else is.
    ("Meidoornpad 12 kelder en 14 kelder, 1234 AB", "suffix_in_words", None),
    ("Meidoornpad 12 kelder t/o, 1234 AB", "suffix_in_words", None),
    ("Meidoornpad 12-1-4, 1234 AB", "suffix_unclear", None),
    ("Meidoornpad 2e Wijk, 1234 AB", "suffix_unclear", None),
    ("5 Meiplein, 1234 AB", "number_unclear", None),
    ("Blok B 12, 1234 AB", "number_unclear", None),
    ("Rijksweg A 2, 1234 AB", "number_unclear", None),
    ("Meidoornpad t o 3, 1234 AB", "number_unclear", None),
    ("Meidoornpad (B 12), 1234 AB", "number_unclear", None),
    ("Vest '40 8, 1234 AB", "number_unclear", None),
    // No value, and no addition.
    ("Meidoornpad 12 NULL, 1234 AB", "empty_value", Some("1234AB|12")),
    ("Meidoornpad 12nan, 1234 AB", "empty_value", Some("1234AB|12")),
    ("Meidoornpad 12 N/A, 1234 AB", "range_unclear", None),
    ("Meidoornpad 12-0, 1234 AB", "empty_value", Some("1234AB|12")),
    ("Meidoornpad 12-mrt, 1234 AB", "spreadsheet_date", Some("1234AB|12")),
    ("Meidoornpad 12-1-mrt, 1234 AB", "spreadsheet_date", Some("1234AB|12")),
    ("Meidoornpad 12-3jan, 1234 AB", "spreadsheet_date", Some("1234AB|12")),
    // What follows the postcode may be the addition, written last.
    ("Meidoornpad 12, 1234AB II", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB a", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12 1234 AB V Amsterdam", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12-A, 1234 AB II", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB K", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB l.", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB RD", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB (zw)", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12 1234 AB tr, Nederland", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB Amsterdam II", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB Den Haag (IV)", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, Amsterdam III, 1234 AB", "suffix_unclear", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB bis", "suffix_in_words", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB hs", "suffix_in_words", Some("1234AB|12")),
    ("Meidoornpad 12, 1234 AB 2", "two_numbers", None),
    // Not in the Netherlands.
    ("Meidoornpad 12, 2000 BE Antwerpen", "belgian_town", None),
    ("Meidoornpad 12 Antwerpen 2000 BE", "belgian_town", None),
    ("Meidoornpad 12, 1000 BX Brussel", "belgian_town", None),
    ("Meidoornpad 12, 2000 BE Antwerpen, België", "belgian_town", None),
    ("Plaats A 1234", "no_postcode", None),
    // Ids.
    ("363200000081087", "bag_id_zero_lost", None),
    ("363100000081087", "bag_id_length", None),
    ("NL.IMBAG.Nummeraanduiding.0363200000081087", "bag_id_needs_register", None),
    ("https://example.nl/bag/id/verblijfsobject/0363010000081087", "bag_id_needs_register", None),
    ("NL.IMBAG.Pand.0363100000081087", "bag_id_type", None),
];

/// Fields: postcode, number, letter and addition.
pub(super) type Row = [&'static str; 4];

pub(super) const FIELDS_READ: &[(Row, &str)] = &[
    (["1234AB", "163", "F", "C4"], "1234AB|163|FC4"),
    (["1234AB", "6", "", "GB7"], "1234AB|6|GB7"),
    (["1234AB", "12", "", "14"], "1234AB|12|14"),
    (["1234AB", "12", "", "-14a"], "1234AB|12|14A"),
    (["1234AB", "12", "", "mtoe"], "1234AB|12|MTOE"),
    (["1234AB", "6", "b", "1a"], "1234AB|6|B1A"),
    (["1234AB", "12", "D", "K"], "1234AB|12|DK"),
    (["1234AB", "12", "N", "A"], "1234AB|12|NA"),
    (["1234AB", "12", "", "III"], "1234AB|12|III"),
];

pub(super) const FIELDS_REFUSED: &[(Row, &str, &str, Option<&str>)] = &[
    (["1234AB", "12", "", "by"], "not_the_house", "toevoeging", None),
    (["1234AB", "12", "", "BIJ"], "not_the_house", "toevoeging", None),
    (["1234AB", "12", "", "to"], "not_the_house", "toevoeging", None),
    (["1234AB", "12", "", "t/o"], "not_the_house", "toevoeging", None),
    (["1234AB", "12", "", "t.o."], "not_the_house", "toevoeging", None),
    (["1234AB", "12", "", "tegenover"], "not_the_house", "toevoeging", None),
    (["1234AB", "12", "", "naast"], "not_the_house", "toevoeging", None),
    (["1234AB", "12", "", "postbus"], "not_a_place", "toevoeging", None),
    (["1234AB", "12", "", "tm14"], "range_unclear", "toevoeging", None),
    (["1234AB", "12", "", "en14"], "range_unclear", "toevoeging", None),
    (["1234AB", "12", "", "t/m 14"], "range_unclear", "toevoeging", None),
    (["1234AB", "12", "t", "/m14"], "range_unclear", "toevoeging", None),
    (["1234AB", "12", "", "a-c"], "range_unclear", "toevoeging", None),
    (["1234AB", "12", "", "A-B-C"], "range_unclear", "toevoeging", None),
    (["1234AB", "12", "", "a-14"], "range_unclear", "toevoeging", None),
    (["1234AB", "12", "", "a/14b"], "range_unclear", "toevoeging", None),
    (["1234AB", "12", "", "I II"], "addition_form", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "NULL"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "None"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "nan"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "N/A"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "nvt"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "n.v.t."], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "geen"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "-"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "0"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "0000"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "ONG"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "B", "null"], "empty_value", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "NULL", "B"], "empty_value", "huisletter", Some("1234AB|12")),
    (["1234AB", "12", "-", ""], "empty_value", "huisletter", Some("1234AB|12")),
    (["1234AB", "12", "0", ""], "empty_value", "huisletter", Some("1234AB|12")),
    (["1234AB", "12", "", "1-mrt"], "spreadsheet_date", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "3jan"], "spreadsheet_date", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "mrt-01"], "spreadsheet_date", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "1-Mar-2026"], "spreadsheet_date", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "1-3-2026"], "spreadsheet_date", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "2026-03-01"], "spreadsheet_date", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "1hoog"], "suffix_in_words", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "1e"], "suffix_in_words", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "", "achterhuis"], "suffix_in_words", "toevoeging", Some("1234AB|12")),
    (["1234AB", "12", "AB", ""], "letter_form", "huisletter", Some("1234AB|12")),
    (["1234AB", "12-mrt", "", ""], "spreadsheet_date", "huisnummer", None),
    (["1234AB", "0", "AB", ""], "number_zero", "huisnummer", None),
    (["", "363200000081087", "", ""], "bag_id_zero_lost", "huisnummer", None),
    (["", "0363200000081087", "", ""], "bag_id_needs_register", "huisnummer", None),
    (["", "12", "", ""], "no_postcode", "postcode", None),
];

fn certain(error: &AddressError) -> Option<String> {
    error.number_key().map(|key| key.as_str().to_owned())
}

#[test]
fn lines_that_are_read() {
    for (line, unit) in READ {
        let read = AddressKey::parse(line).unwrap_or_else(|error| panic!("{line:?}: {} {error}", error.code()));
        assert_eq!(read.as_str(), *unit, "{line:?}");
    }
}

#[test]
fn lines_that_are_refused() {
    for (line, code, house) in REFUSED {
        let error = AddressKey::parse(line).expect_err(line);
        assert_eq!((error.code(), certain(&error).as_deref()), (*code, *house), "{line:?}");
    }
}

#[test]
fn fields_that_are_read_and_refused() {
    let read = |[postcode, number, letter, addition]: Row| {
        AddressKey::from_fields(&Fields { postcode, number, letter, addition })
    };
    for (row, unit) in FIELDS_READ {
        assert_eq!(read(*row).unwrap_or_else(|error| panic!("{row:?}: {error}")).as_str(), *unit, "{row:?}");
    }
    for (row, code, field, house) in FIELDS_REFUSED {
        let error = read(*row).expect_err(row[3]);
        assert_eq!((error.code(), error.field(), certain(&error).as_deref()), (*code, *field, *house), "{row:?}");
    }
}

/// What a line says of one home, its fields say too: a field refuses what a line with that addition refuses.
#[test]
fn fields_refuse_what_lines_refuse() {
    for (row, code, field, _) in FIELDS_REFUSED {
        let [postcode, number, letter @ "", addition] = *row else { continue };
        let signs = addition.contains(['.', ' ', '/']) || matches!(*code, "empty_value" | "spreadsheet_date");
        if *field != "toevoeging" || signs || !letter.is_empty() {
            continue;
        }
        let line = format!("Meidoornpad {number}-{addition}, {postcode}");
        let error = AddressKey::parse(&line).expect_err(&line);
        assert!([*code, "suffix_too_long"].contains(&error.code()), "{line:?}: {}", error.code());
    }
}
