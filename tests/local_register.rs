//! A local register: what it completes, what it warns of, and that it turns no existing address into another. On a made
//! register, and on a real town's.

#![allow(clippy::print_stdout)] // The measured shares are what these tests are run for, with `--nocapture`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use stapel::register::{How, Lookup, Register, RegisterBuilder, RegisterError, RegisterRow, may_be_one};
use stapel::{AddressKey, Day, Fields, Level};

/// Street, postcode, number, letter, addition, the last digits of the id and of the object.
type Made = (&'static str, &'static str, &'static str, &'static str, &'static str, u32, u32);

const MADE: &[Made] = &[
    ("Lindepad", "1234AB", "12", "", "", 1, 1),
    ("Lindepad", "1234AB", "12", "A", "", 2, 2),
    ("Lindepad", "1234AB", "14", "", "H", 3, 3),
    ("Lindepad", "1234AB", "14", "", "1", 4, 4),
    ("Lindepad", "1234AB", "14", "", "2", 5, 5),
    ("Lindepad", "1234AC", "16", "", "HS", 6, 6),
    // Two flats at one number in one street, by different postcodes.
    ("Lindepad", "1234AC", "18", "", "", 7, 7),
    ("Lindepad", "1234AD", "18", "", "", 8, 8),
    // A row of letters.
    ("Lindepad", "1234AD", "20", "G", "", 9, 9),
    ("Lindepad", "1234AD", "20", "H", "", 10, 10),
    ("Lindepad", "1234AD", "20", "I", "", 11, 11),
    ("Kotter 38", "8243AB", "2", "", "", 12, 12),
    ("Kotter 38", "8243AB", "4", "", "", 13, 13),
    ("Kotter", "8243AC", "38", "", "4", 14, 14),
    ("Plein 1940-'45", "1234AE", "3", "B", "", 15, 15),
    ("Burg. de Vriesstraat", "1234AF", "7", "", "", 16, 16),
    // A garage box has no postcode.
    ("Lindepad", "", "12", "", "G1", 17, 17),
    ("Kerkpad", "", "1", "", "", 18, 18),
    ("Eik 2", "5678AB", "4", "", "", 20, 20),
    ("Eik", "5678AB", "2", "", "4", 21, 21),
    // A street with a number in its name, and one without, in which one line is read in two ways.
    ("Beuk 1940", "5678AC", "5", "", "", 22, 22),
    ("Beuk", "5678AC", "1940", "", "5", 23, 23),
    ("Iep 37", "5678AD", "1", "", "", 24, 24),
    ("Iep", "5678AD", "37", "", "01", 25, 25),
    ("Hulst 37", "5678AE", "1", "", "", 26, 26),
    // An addition that is elsewhere an empty value written out.
    ("Lindepad", "1234AF", "22", "", "NA", 19, 19),
];

fn id(kind: &str, number: u32) -> String {
    format!("0999{kind}{number:010}")
}

fn day() -> Day {
    "2026-11-01".parse().unwrap()
}

fn made(folder: &Path) -> Register {
    let mut builder = RegisterBuilder::new();
    for (street, postcode, number, letter, addition, last, object) in MADE {
        let fields = Fields { postcode, number, letter, addition };
        let (id, object) = (id("20", *last), id("01", *object));
        let row = RegisterRow { street, town: "Lelie", fields, id: &id, object: &object, ..RegisterRow::default() };
        builder.add(&row).unwrap();
    }
    // Withdrawn: one whose object has another address now, and one that is gone.
    for (number, last, object) in [("13", 90, 1), ("99", 91, 91)] {
        let fields = Fields { postcode: "1234AB", number, ..Fields::default() };
        let (id, object) = (id("20", last), id("01", object));
        let row =
            RegisterRow { street: "Lindepad", town: "Lelie", fields, id: &id, object: &object, ..Default::default() };
        builder.add(&RegisterRow { is_withdrawn: true, ..row }).unwrap();
    }
    // A second address of the first object.
    let (second, first) = (id("20", 92), id("01", 1));
    let fields = Fields { postcode: "1234AF", number: "9", ..Fields::default() };
    let row = RegisterRow {
        street: "Burg. de Vriesstraat",
        town: "Lelie",
        fields,
        id: &second,
        object: &first,
        ..Default::default()
    };
    builder
        .add(&RegisterRow { is_secondary: true, building: "0999100000000001", at: ["52.329131", "5.035145"], ..row })
        .unwrap();
    let path = folder.join("bag.stapel");
    builder.finish(&path, day()).unwrap();
    Register::open(&path).unwrap()
}

/// The key that a look-up gives, and how; or the code it is refused with.
fn found(register: &Register, lookup: Lookup<'_>) -> Result<(String, &'static str), String> {
    match register.resolve(lookup) {
        Ok(resolved) => Ok((resolved.key.to_string(), resolved.how.as_str())),
        Err(error) => Err(stapel::Error::from(error).code().to_owned()),
    }
}

#[test]
fn bytes_are_read_as_text_is_and_what_is_no_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let register = made(folder.path());
    let of_line = |line: &[u8]| match Lookup::text_from_utf8(line) {
        Ok(lookup) => Ok(register.resolve(lookup).unwrap().key.to_string()),
        Err(error) => Err((error.code(), error.field())),
    };
    assert_eq!(of_line(b"Lindepad 12 Lelie").unwrap(), "1234AB|12|");
    assert_eq!(of_line(b"Lindepad 12 \xff Lelie"), Err(("not_utf8", "line")));
    assert_eq!(of_line(&[b'1'; 1001]), Err(("too_long", "line")));
    let of_place = |fields: [&[u8]; 4], street: &[u8], town: &[u8]| match Lookup::place_from_utf8(fields, street, town)
    {
        Ok(lookup) => Ok(register.resolve(lookup).unwrap().key.to_string()),
        Err(error) => Err((error.code(), error.field())),
    };
    assert_eq!(of_place([b"", b"12", b"a", b""], b"Lindepad", b"Lelie").unwrap(), "1234AB|12|A");
    assert_eq!(of_place([b"", b"12", b"\xff", b""], b"\xff", b""), Err(("not_utf8", "huisletter")));
    assert_eq!(of_place([b"", b"12", b"", b""], b"\xff", b"Lelie"), Err(("not_utf8", "straat")));
    assert_eq!(of_place([b"", b"12", b"", b""], b"Lindepad", &[b'a'; 101]), Err(("too_long", "woonplaats")));
}

#[test]
fn text_is_completed_and_what_could_be_two_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let register = made(folder.path());
    let box_id = id("20", 17);
    for (text, expected) in [
        ("Lindepad 12, 1234 AB Lelie", Ok(("1234AB|12|", "registered"))),
        ("Lindepad 12 b, 1234 AB Lelie", Ok(("1234AB|12|B", "unregistered"))),
        ("Lindepad 99, 1234 AB", Ok(("1234AB|99|", "withdrawn"))),
        // Another spelling of a floor.
        ("Lindepad 14-hs, 1234 AB", Ok(("1234AB|14|H", "other_spelling"))),
        ("Lindepad 14-I, 1234 AB", Ok(("1234AB|14|1", "other_spelling"))),
        ("Lindepad 16 H, 1234 AC", Ok(("1234AC|16|HS", "other_spelling"))),
        ("Lindepad 20-hs, 1234 AD", Ok(("1234AD|20|HS", "unregistered"))),
        ("Lindepad 20-1, 1234 AD", Ok(("1234AD|20|1", "unregistered"))),
        // Without a postcode.
        ("Lindepad 12 Lelie", Ok(("1234AB|12|", "completed"))),
        ("lindepad 12-a, lelie", Ok(("1234AB|12|A", "completed"))),
        ("Lindepad 16-BG, Lelie", Ok(("1234AC|16|HS", "completed"))),
        ("Burg de Vriesstraat 7, Lelie", Ok(("1234AF|7|", "completed"))),
        ("Lindepad 12 G1, Lelie", Ok((box_id.as_str(), "completed"))),
        ("Lindepad 18, Lelie", Err("several_in_register")),
        ("Lindepad 19, Lelie", Err("not_in_register")),
        ("Rozenpad 12, Lelie", Err("suffix_unclear")),
        ("Lindepad 12", Err("no_postcode")),
        // A number in the street's name.
        ("Kotter 38 2, 8243 AB Lelie", Ok(("8243AB|2|", "street"))),
        ("Kotter 38-2, 8243 AB Lelie", Ok(("8243AB|2|", "street"))),
        ("Kotter 38-02, 8243 AB", Ok(("8243AB|2|", "street"))),
        ("8243 AB, Kotter 38-4", Ok(("8243AB|4|", "street"))),
        ("Kotter 38-4, 8243 AC Lelie", Ok(("8243AC|38|4", "street"))),
        ("Kotter 38-6, 8243 AB Lelie", Err("not_in_register")),
        ("Kotter 38 2, Lelie", Ok(("8243AB|2|", "completed"))),
        ("Kotter 38-4, Lelie", Err("several_in_register")),
        // However it is written, two readings are two.
        ("Beuk 1940 5, 5678 AC Lelie", Err("several_in_register")),
        ("Beuk 1940-5, 5678 AC Lelie", Err("several_in_register")),
        ("Beuk 1940--5, 5678 AC", Err("several_in_register")),
        ("Beuk 1940 / 5, 5678 AC", Err("several_in_register")),
        ("5678 AC Beuk 1940 -- 5", Err("several_in_register")),
        ("Beuk 1940 5, Lelie", Err("several_in_register")),
        ("Beuk 1940-5, Lelie", Err("several_in_register")),
        ("Beuk 1940--5, Lelie", Err("several_in_register")),
        ("Iep 37-01, 5678 AD", Err("several_in_register")),
        ("Iep 37--01, 5678 AD", Err("several_in_register")),
        ("Iep 37 01, 5678 AD", Err("several_in_register")),
        ("Iep 37-01, Lelie", Err("several_in_register")),
        ("Iep 37--01, Lelie", Err("several_in_register")),
        ("Iep 37 01, Lelie", Err("several_in_register")),
        ("Iep 37 / 01, Lelie", Err("several_in_register")),
        ("Hulst 37 01, Lelie", Ok(("5678AE|1|", "completed"))),
        ("Hulst 37--01, Lelie", Ok(("5678AE|1|", "completed"))),
        ("Hulst 37--01, 5678 AE", Ok(("5678AE|1|", "street"))),
        ("Plein 1940-'45 3b, 1234 AE", Ok(("1234AE|3|B", "registered"))),
        // What follows the postcode is read with the rest, and no sign is lost.
        ("Kotter 38-2, 8243 AB Lelie, t/m 9", Err("two_numbers")),
        ("Kotter 38-2, 8243 AB Lelie; Kotter 38-4, 8243 AB", Err("two_numbers")),
        ("Lindepad 12, 1234 AB, 2e verdieping", Err("suffix_in_words")),
        ("Lindepad 12, 1234 AB Lelie, kamer 12", Err("suffix_in_words")),
        ("Lindepad 12\u{b2}, Lelie", Err("character")),
        ("Lindepad 12 hoek Kerkpad, Lelie", Err("suffix_unclear")),
        ("Kotter\u{a0}38-2,\u{a0}8243\u{a0}AB", Ok(("8243AB|2|", "street"))),
        ("Kotter 38-2, 0000 AA", Err("postcode_first_digit")),
        // Both readings are there.
        ("Eik 2-4, 5678 AB", Err("several_in_register")),
        // Ids, also where a spreadsheet took the zero.
        (&id("20", 2), Ok(("1234AB|12|A", "by_id"))),
        (&id("01", 3), Ok(("1234AB|14|H", "by_id"))),
        (&id("01", 1), Ok(("1234AB|12|", "by_id"))),
        (&id("20", 92), Ok(("1234AF|9|", "by_id"))),
        (&id("20", 2)[1..], Ok(("1234AB|12|A", "by_id"))),
        (&id("20", 17), Ok((box_id.as_str(), "by_id"))),
        (&format!("NL.IMBAG.Nummeraanduiding.{}", id("20", 2)), Ok(("1234AB|12|A", "by_id"))),
        (&format!(" nl.imbag.verblijfsobject.{} ", id("01", 3)), Ok(("1234AB|14|H", "by_id"))),
        (&format!("https://example.nl/bag/id/nummeraanduiding/{}/", id("20", 2)), Ok(("1234AB|12|A", "by_id"))),
        (&format!("http://example.nl/{}", id("20", 55)), Err("bag_id_unknown")),
        (&format!("NL.IMBAG.Pand.{}", id("10", 2)), Err("bag_id_type")),
        (&format!("Lindepad 12.{}", id("20", 2)), Err("suffix_unclear")),
        (&id("20", 55), Err("bag_id_unknown")),
        (&id("20", 55)[1..], Err("bag_id_zero_lost")),
        (&id("10", 2), Err("bag_id_type")),
        (&id("20", 90), Err("bag_id_withdrawn")),
        (&id("20", 91), Err("bag_id_withdrawn")),
        ("Lindepad 12 t/m 14, 1234 AB", Err("range_unclear")),
    ] {
        let expected = expected.map(|(key, how)| (key.to_owned(), how)).map_err(str::to_owned);
        assert_eq!(found(&register, Lookup::Text(text)), expected, "{text}");
    }
    let withdrawn = register.resolve(Lookup::Id(&id("20", 90))).unwrap_err();
    assert!(withdrawn.to_string().contains("has the address 1234AB|12| now"), "{withdrawn}");
}

#[test]
fn fields_are_completed_from_street_and_town() {
    let folder = tempfile::tempdir().unwrap();
    let register = made(folder.path());
    let place = |postcode, number, addition, street, town| {
        let fields = Fields { postcode, number, letter: "", addition };
        found(&register, Lookup::Place { fields, street, town })
    };
    let ok = |key: &str, how| Ok((key.to_owned(), how));
    assert_eq!(place("", "2", "", "Kotter 38", "LELIE"), ok("8243AB|2|", "completed"));
    assert_eq!(place("8243AB", "2", "", "Elsewhere", "Lelie"), ok("8243AB|2|", "registered"));
    assert_eq!(place("", "12", "G1", "Lindepad", "Lelie"), ok(&id("20", 17), "completed"));
    assert_eq!(place("", "18", "", "Lindepad", "Lelie"), Err("several_in_register".into()));
    assert_eq!(place("", "2", "", "Kotter 38", ""), Err("no_postcode".into()));
    assert_eq!(place("", "2", "", "Kotter 39", "Lelie"), Err("not_in_register".into()));
    assert_eq!(place("", "2", "", "Kotter 38", "Elders"), Err("not_in_register".into()));
    let long_id = format!("NL.IMBAG.Nummeraanduiding.{}", id("20", 2));
    assert_eq!(found(&register, Lookup::Id(&long_id)), ok("1234AB|12|A", "by_id"));
    assert_eq!(place("1234AF", "22", "NA", "", ""), ok("1234AF|22|NA", "registered"));
    assert_eq!(place("1234AF", "7", "NA", "", ""), Err("empty_value".into()));
    // No spaces are taken out of what would be another number then.
    assert_eq!(place("1234AB", "1 2", "", "", ""), Err("number_form".into()));
    assert_eq!(place("1234AB", "14", "1 1", "", ""), Err("addition_form".into()));
    assert_eq!(place("", "12", "kamer 3", "Lindepad", "Lelie"), Err("no_postcode".into()));
    let fields = Fields { postcode: "1234AB", number: "14", letter: "", addition: "huis" };
    assert_eq!(found(&register, Lookup::Fields(fields)), ok("1234AB|14|H", "other_spelling"));
}

#[test]
fn two_keys_may_be_of_one_home_where_their_suffixes_are_spellings_of_one_floor() {
    let key = |form| AddressKey::from_canonical(form).unwrap();
    let [hs, h, one, next] = ["1012JS|1|HS", "1012JS|1|H", "1012JS|1|1", "1012JS|2|H"].map(key);
    assert!(may_be_one(&hs, &h) && may_be_one(&h, &hs));
    assert!(!may_be_one(&hs, &hs) && !may_be_one(&hs, &one) && !may_be_one(&hs, &next));
}

#[test]
fn it_says_what_it_knows_of_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let register = made(folder.path());
    assert_eq!((register.len(), register.withdrawn(), register.source_day()), (MADE.len() + 3, 2, day()));
    let look_up = |form: &str| register.look_up(&AddressKey::from_canonical(form).unwrap()).unwrap();
    let findings = look_up("1234AF|9|");
    let entry = &findings.entries[0];
    assert_eq!((entry.street.as_str(), entry.town.as_str(), entry.number), ("Burg. de Vriesstraat", "Lelie", 9));
    assert_eq!((entry.building.as_str(), entry.at), ("0999100000000001", Some((52.329131, 5.035145))));
    assert!(entry.is_secondary && !entry.is_withdrawn && findings.entries.len() == 1);
    let letter = &look_up("1234AB|12|A").entries[0];
    assert_eq!((letter.letter.as_str(), letter.addition.as_str()), ("A", ""));
    let gone = look_up("1234AB|13|");
    assert!(gone.entries[0].is_withdrawn);
    assert_eq!(gone.now.unwrap().as_str(), "1234AB|12|");
    assert_eq!(look_up(&id("20", 17)).entries[0].street, "Lindepad");
    assert_eq!(look_up("1234AB|77|").entries, []);
    let keys = |postcode: &str| {
        let entries = register.of_postcode(postcode).unwrap();
        assert!(entries.iter().all(|entry| entry.postcode == postcode));
        entries.iter().map(|entry| entry.key.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert!(keys("1234AF").contains(&"1234AF|9|".to_owned()) && keys("1234AB").contains(&"1234AB|13|".to_owned()));
    for none in ["1234ZZ", "1234 AB", "1234ab", "", "12345", "1234ABC"] {
        assert_eq!(keys(none), [""; 0], "{none}");
    }
}

#[test]
fn a_row_that_is_no_address_is_refused() {
    let mut builder = RegisterBuilder::new();
    let good = id("20", 1);
    let fields = Fields { postcode: "1234AB", number: "1", ..Fields::default() };
    let row = RegisterRow { street: "Lindepad", town: "Lelie", fields, id: &good, ..RegisterRow::default() };
    builder.add(&row).unwrap();
    let object = id("10", 1);
    for wrong in [
        RegisterRow { id: "", ..row },
        RegisterRow { id: &good[1..], ..row },
        RegisterRow { object: &object, ..row },
        RegisterRow { building: &good, ..row },
        RegisterRow { town: " ", ..row },
        RegisterRow { at: ["52.3", ""], ..row },
        RegisterRow { at: ["122321", "487321"], ..row },
        RegisterRow { fields: Fields { number: "", ..fields }, ..row },
    ] {
        assert!(builder.add(&wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(builder.len(), 1);
}

/// Which of two addresses an id is of is not known here, and neither may have the key of the other.
#[test]
fn two_addresses_of_one_id_are_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bag.stapel");
    let of = |told: bool| {
        let mut builder = RegisterBuilder::new();
        for (street, postcode, number, addition, last, is_withdrawn) in [
            ("Lindepad", "1234AB", "1", "", 1, false),
            ("Lindepad", "1234AB", "2", "", 2, false),
            ("Lindepad", "1234AB", "3", "", 2, false),
            // A box without a postcode has its id as its key.
            ("Lindepad", "", "4", "G1", 3, false),
            ("Kerkpad", "", "4", "G1", 3, false),
            // Two objects at one address, and one that was renumbered.
            ("Lindepad", "1234AB", "5", "", 4, false),
            ("Lindepad", "1234AB", "5", "", 4, false),
            ("Lindepad", "1234AB", "6", "", 4, true),
        ] {
            let fields = Fields { postcode, number, letter: "", addition };
            let (id, object) = (id("20", last), id("01", builder.len() as u32 + 1));
            let row = RegisterRow {
                street,
                town: "Lelie",
                fields,
                id: &id,
                object: &object,
                is_withdrawn,
                ..RegisterRow::default()
            };
            builder.add(&row).unwrap();
        }
        let doubles = if told { builder.take_out_doubles() } else { vec![vec![1, 2], vec![3, 4]] };
        assert_eq!(doubles, [[1, 2], [3, 4]]);
        builder.finish(&path, day()).unwrap();
        let register = Register::open(&path).unwrap();
        [1, 2, 3, 4].map(|last| found(&register, Lookup::Id(&id("20", last))).map(|(key, _)| key))
    };
    let unknown = || Err("bag_id_unknown".to_owned());
    for told in [true, false] {
        assert_eq!(of(told), [Ok("1234AB|1|".into()), unknown(), unknown(), Ok("1234AB|5|".into())]);
    }
}

#[test]
fn a_damaged_file_is_an_error_and_never_another_address() {
    let folder = tempfile::tempdir().unwrap();
    let sound = made(folder.path());
    let path = folder.path().join("bag.stapel");
    let bytes = std::fs::read(&path).unwrap();
    let lookups = ["Lindepad 12, 1234 AB", "Kotter 38 2, Lelie", "0999200000000012"];
    let expected: Vec<_> = lookups.iter().map(|text| found(&sound, Lookup::Text(text))).collect();
    let damaged = folder.path().join("damaged.stapel");
    let mut noticed = 0;
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 1 << (at % 8);
        std::fs::write(&damaged, &wrong).unwrap();
        let Ok(register) = Register::open(&damaged) else {
            noticed += 1;
            continue;
        };
        for (text, expected) in lookups.iter().zip(&expected) {
            let now = found(&register, Lookup::Text(text));
            assert!(now == *expected || now == Err("register".into()), "{text}: {now:?}, byte {at}");
            noticed += usize::from(now != *expected);
        }
    }
    assert!(noticed >= bytes.len(), "each flipped bit shows at once or in a look-up");
    for length in [0, 10, 80, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&damaged, &bytes[..length]).unwrap();
        assert!(matches!(Register::open(&damaged), Err(RegisterError::Unusable { .. })), "{length}");
    }
}

/// The rows of the register of Weesp, where it is beside the project.
fn weesp() -> Option<Vec<Vec<String>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/bag_weesp.tsv");
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(_) if std::env::var_os("CI").is_some() => panic!("../shared/data/bag_weesp.tsv is not there"),
        Err(_) => return None,
    };
    Some(text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

fn build(rows: &[Vec<String>], path: &Path) -> Register {
    let mut builder = RegisterBuilder::new();
    for row in rows {
        let fields = Fields { postcode: &row[4], number: &row[1], letter: &row[2], addition: &row[3] };
        let added = builder.add(&RegisterRow {
            street: &row[0],
            town: &row[5],
            fields,
            id: &row[6],
            object: &row[7],
            is_secondary: row[9] == "t",
            at: [&row[10], &row[11]],
            ..RegisterRow::default()
        });
        added.unwrap_or_else(|error| panic!("{row:?}: {error}"));
    }
    builder.finish(path, "2021-10-15".parse().unwrap()).unwrap();
    Register::open(path).unwrap()
}

#[test]
fn all_of_a_real_town() {
    let Some(rows) = weesp() else { return };
    let folder = tempfile::tempdir().unwrap();
    let register = build(&rows, &folder.path().join("bag.stapel"));
    assert_eq!(register.shared_keys().unwrap(), 7);
    assert_eq!(register.len(), rows.len());
    // Each address by its id, by its fields, and as text with and without its postcode.
    let mut by_key: BTreeMap<AddressKey, BTreeSet<&str>> = BTreeMap::new();
    let (mut completed, mut refused) = (0, 0);
    for row in &rows {
        let [street, number, letter, addition, postcode, town, id] =
            [0, 1, 2, 3, 4, 5, 6].map(|column| row[column].as_str());
        let key = register.resolve(Lookup::Id(id)).unwrap().key;
        by_key.entry(key).or_default().insert(id);
        assert_eq!(key.level(), Level::Unit);
        let fields = Fields { postcode, number, letter, addition };
        if postcode.is_empty() {
            assert_eq!(key.as_str(), id);
        } else {
            // An addition that is refused as a word elsewhere is what it is where the register has it.
            match AddressKey::from_fields(&fields) {
                Ok(read) => assert_eq!(read, key, "{row:?}"),
                Err(error) => assert_eq!((error.code(), addition), ("not_the_house", "TO"), "{row:?}"),
            }
            assert_eq!(
                register.resolve(Lookup::Fields(fields)).unwrap(),
                stapel::register::Resolved { key, how: How::Registered }
            );
        }
        // Street, number and town name it, or are refused: never another.
        let without = Lookup::Place { fields: Fields { postcode: "", ..fields }, street, town };
        match register.resolve(without) {
            Ok(found) => {
                assert_eq!((found.key, found.how), (key, How::Completed), "{row:?}");
                completed += 1;
            }
            Err(RegisterError::Several { .. }) => refused += 1,
            Err(error) => panic!("{row:?}: {error}"),
        }
        let separator = if letter.is_empty() && !addition.is_empty() { "-" } else { "" };
        let line = format!("{street} {number}{letter}{separator}{addition}, {town}");
        match register.resolve(Lookup::Text(&line)) {
            Ok(found) => assert_eq!(found.key, key, "{line}"),
            Err(RegisterError::Several { .. } | RegisterError::Address(_)) => {}
            Err(error) => panic!("{line}: {error}"),
        }
    }
    assert_eq!(rows.iter().filter(|row| row[4].is_empty()).count(), 107);
    let shared: Vec<_> = by_key.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert_eq!(shared.len(), 7, "{shared:?}");
    println!("{completed} completed, {refused} refused");
    assert!(refused * 100 <= rows.len(), "{refused} of {} are refused without a postcode", rows.len());
}

/// A character as it may also be written: full-width, or another space or hyphen.
fn otherwise(c: char, way: u8) -> char {
    match (c, way % 8) {
        (_, 0) => c,
        (' ', way) => ['\u{200b}', '\u{a0}', '\u{3000}', '\u{feff}', '\u{2060}', '\0', '\u{ad}'][usize::from(way) - 1],
        ('-', way @ 1..=4) => ['\u{2010}', '\u{2011}', '\u{2013}', '\u{2212}'][usize::from(way) - 1],
        ('!'..='~', _) => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        _ => c,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn full_width_and_unseen_signs_say_what_plain_ones_do(
        picked in proptest::sample::select(MADE),
        house in proptest::sample::select(&["2", "4", "12a", "4-2", "38-2", "2 - 4", "14 hs", "18"][..]),
        code in proptest::sample::select(&["", "1234 AB", "5678 - AB", "5678AB", "8243 AB", "1234AD"][..]),
        ways in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let register = made(folder.path());
        let street = picked.0;
        let id = id("20", picked.5);
        let write = |text: &str| -> String {
            text.chars().zip(ways.iter().cycle()).map(|(c, way)| otherwise(c, *way)).collect()
        };
        for line in [format!("{street} {house}, {code} Lelie"), format!("{code} {street} {house} Lelie"), id.clone()] {
            let written = write(&line);
            let (plain, other) = (found(&register, Lookup::Text(&line)), found(&register, Lookup::Text(&written)));
            prop_assert_eq!(plain, other, "{:?} and {:?}", line, written);
        }
        let (written, number) = (write(&id), write("4"));
        prop_assert_eq!(found(&register, Lookup::Id(&id)), found(&register, Lookup::Id(&written)));
        let fields = |number| Fields { number, ..Fields::default() };
        let (there, town) = (write(street), write("Lelie"));
        let plain = Lookup::Place { fields: fields("4"), street, town: "Lelie" };
        let other = Lookup::Place { fields: fields(&number), street: &there, town: &town };
        prop_assert_eq!(found(&register, plain), found(&register, other));
    }
}

#[test]
fn a_postcode_is_seen_with_what_the_parser_folds() {
    let folder = tempfile::tempdir().unwrap();
    let register = made(folder.path());
    let plain = found(&register, Lookup::Text("Eik 2-4, 5678 AB"));
    for postcode in ["5678\u{200b}AB", "５６７８ＡＢ", "5678\u{2013}AB", "5678\0AB"] {
        let line = format!("Eik 2-4, {postcode}");
        assert_eq!(found(&register, Lookup::Text(&line)), plain, "{line:?}");
    }
    let id = Ok((id("20", 18), "by_id"));
    assert_eq!(found(&register, Lookup::Text("０９９９２０００００００００１８")), id);
    assert_eq!(found(&register, Lookup::Id("０９９９２０００００００００１８")), id);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever suffix is written at a number of the town: where that address exists it is the one, and where it does
    /// not, what comes is the key as written, or the only registered spelling of the same floor.
    #[test]
    fn no_existing_address_becomes_another(
        suffixes in prop::collection::vec("[A-Z0-9]{0,3}|H|HS|HUIS|BG|I|II|1|2|BIS|BS", 1..40),
        from in any::<prop::sample::Index>(),
    ) {
        static WEESP: std::sync::OnceLock<Option<(tempfile::TempDir, Register, BTreeSet<AddressKey>)>> =
            std::sync::OnceLock::new();
        let made = WEESP.get_or_init(|| {
            let rows = weesp()?;
            let folder = tempfile::tempdir().unwrap();
            let register = build(&rows, &folder.path().join("bag.stapel"));
            let mut keys = BTreeSet::new();
            register.entries(|entry| keys.extend([entry.key])).unwrap();
            Some((folder, register, keys))
        });
        let Some((_, register, keys)) = made else { return Ok(()) };
        let all: Vec<&AddressKey> = keys.iter().filter(|key| !key.postcode().is_empty()).collect();
        let first = from.index(all.len());
        for key in all.iter().cycle().skip(first).take(60) {
            let number = key.number_key();
            for suffix in &suffixes {
                let written = AddressKey::from_canonical(&format!("{number}|{suffix}")).unwrap();
                let found = register.resolve(Lookup::Text(written.as_str())).unwrap();
                if keys.contains(&written) {
                    prop_assert_eq!((found.key, found.how), (written, How::Registered));
                } else if found.key != written {
                    prop_assert_eq!((found.how, found.key.number_key()), (How::OtherSpelling, number));
                    prop_assert!(keys.contains(&found.key));
                } else {
                    prop_assert_eq!(found.how, How::Unregistered);
                }
            }
        }
    }
}

/// What became of inputs with a register and without one; what is not said is 0.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    /// The same key.
    same: usize,
    /// Another key with a register than without one: how it was found.
    differ: Counts,
    /// A key with a register only: how it was found.
    only_register: Counts,
    /// A key without a register only: the code that the register refuses it with.
    only_text: Counts,
    neither: usize,
}

type Counts = BTreeMap<String, usize>;

impl Tally {
    /// Counts an input, and gives its key by the register.
    fn count(&mut self, register: &Register, lookup: Lookup<'_>) -> Option<AddressKey> {
        let without = match lookup {
            Lookup::Text(text) | Lookup::Id(text) => AddressKey::parse(text),
            Lookup::Fields(fields) | Lookup::Place { fields, .. } => AddressKey::from_fields(&fields),
        };
        let with = register.resolve(lookup);
        let (counts, as_what) = match (&without, &with) {
            (Ok(text), Ok(found)) if *text == found.key => {
                self.same += 1;
                return Some(found.key);
            }
            (Ok(text), Ok(found)) => {
                let may_differ = matches!(found.how, How::OtherSpelling | How::Street);
                assert!(may_differ, "{lookup:?}: {text} without a register, {found:?}");
                (&mut self.differ, found.how.as_str())
            }
            (Err(_), Ok(found)) => (&mut self.only_register, found.how.as_str()),
            (Ok(_), Err(RegisterError::NotRegistered { .. })) => (&mut self.only_text, "not_in_register"),
            (Ok(_), Err(RegisterError::Several { .. })) => (&mut self.only_text, "several_in_register"),
            (Ok(text), Err(error)) => panic!("{lookup:?}: {text} without a register, {error}"),
            (Err(_), Err(_)) => {
                self.neither += 1;
                return None;
            }
        };
        *counts.entry(as_what.to_owned()).or_default() += 1;
        with.ok().map(|found| found.key)
    }
}

fn counts<const N: usize>(counts: [(&str, usize); N]) -> Counts {
    counts.into_iter().map(|(what, count)| (what.to_owned(), count)).collect()
}

/// Suffixes in use for one floor.
const FLOORS: &[&[&str]] =
    &[&["H", "HS", "HUIS", "BG", "BEN"], &["I", "1"], &["II", "2"], &["III", "3"], &["IV", "4"], &["BIS", "BS"]];

/// With a register and without one, each home of a town has one key in every way that it is written, but where its
/// floor is written in another way than the register's.
#[test]
fn with_and_without_a_register_a_home_has_one_key() {
    let (Some(rows), Some(columns)) = (super::register::register(), weesp()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let register = build(&columns, &folder.path().join("bag.stapel"));
    let [mut text, mut fields, mut ids, mut places, mut spellings] = std::array::from_fn(|_| Tally::default());
    for (row, columns) in rows.iter().zip(&columns) {
        let key = register.resolve(Lookup::Id(&row.id)).unwrap().key;
        let right = |found: Option<AddressKey>, written: &str| {
            assert!(found.is_none_or(|found| found == key), "{written}: {found:?}, is {key}");
        };
        let as_registered =
            Fields { postcode: &row.postcode, number: &row.number, letter: &row.letter, addition: &row.addition };
        right(fields.count(&register, Lookup::Fields(as_registered)), "fields");
        right(ids.count(&register, Lookup::Text(&row.id)), "id");
        // Of a second address it is the first.
        ids.count(&register, Lookup::Text(&columns[7]));
        let without_postcode = Fields { postcode: "", ..as_registered };
        let place = Lookup::Place { fields: without_postcode, street: &row.street, town: &row.town };
        right(places.count(&register, place), "street and town");
        if row.postcode.is_empty() {
            continue;
        }
        for (_, write) in super::register::WAYS {
            let line = write(row);
            right(text.count(&register, Lookup::Text(&line)), &line);
        }
        for spelling in FLOORS.iter().filter(|floor| floor.contains(&key.addition())).copied().flatten() {
            spellings.count(&register, Lookup::Fields(Fields { letter: "", addition: spelling, ..as_registered }));
        }
    }
    println!("text {text:?}\nfields {fields:?}\nids {ids:?}\nplaces {places:?}\nspellings {spellings:?}");
    assert_eq!(text, Tally { same: 190_766, neither: 66, ..Tally::default() });
    // One has an addition that is refused as a word where no register knows it.
    let only_register = counts([("registered", 1)]);
    assert_eq!(fields, Tally { same: 11_926, only_register, neither: 107, ..Tally::default() });
    assert_eq!(ids, Tally { only_register: counts([("by_id", 24_068)]), ..Tally::default() });
    assert_eq!(places, Tally { only_register: counts([("completed", 12_032)]), neither: 2, ..Tally::default() });
    assert_eq!(spellings, Tally { same: 93, differ: counts([("other_spelling", 73)]), ..Tally::default() });
}

/// The same for lines and fields as other systems write them, where all that are read are registered, and streets have
/// numbers.
#[test]
fn with_and_without_a_register_a_case_has_one_key() {
    use super::address_cases::{FIELDS_READ, FIELDS_REFUSED, READ, REFUSED};
    let registered = [
        ("Sloep 38", "8243AB|2|"),
        ("Sloep 24", "8243AB|3|"),
        ("Sloep 16", "8243AB|11|"),
        ("Hazenhof 40e", "6537AB|18|"),
        ("Iep 4", "5678AC|2|"),
        ("Es 4", "5678AD|2|"),
        ("Es", "5678AD|4|2"),
        ("Lindepad", "1234AG|14|H"),
    ];
    let keys = READ.iter().map(|(_, key)| *key).chain(FIELDS_READ.iter().map(|(_, key)| *key));
    let mut builder = RegisterBuilder::new();
    for (last, (street, key)) in (1..).zip(keys.map(|key| ("Meidoornpad", key)).chain(registered)) {
        let [postcode, number, addition] = <[&str; 3]>::try_from(key.split('|').collect::<Vec<_>>()).unwrap();
        let fields = Fields { postcode, number, letter: "", addition };
        let id = id("20", last);
        builder.add(&RegisterRow { street, town: "Lelie", fields, id: &id, ..RegisterRow::default() }).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bag.stapel");
    builder.finish(&path, day()).unwrap();
    let register = Register::open(&path).unwrap();

    let mut tally = Tally::default();
    for line in READ.iter().map(|(line, _)| *line).chain(REFUSED.iter().map(|(line, ..)| *line)) {
        tally.count(&register, Lookup::Text(line));
    }
    for [postcode, number, letter, addition] in
        FIELDS_READ.iter().map(|(row, _)| *row).chain(FIELDS_REFUSED.iter().map(|(row, ..)| *row))
    {
        tally.count(&register, Lookup::Fields(Fields { postcode, number, letter, addition }));
    }
    let only_register = counts([("registered", 1), ("street", 5)]);
    assert_eq!(tally, Tally { same: 77, only_register, neither: 142, ..Tally::default() });

    // Where the two may part.
    let mut tally = Tally::default();
    for line in ["Iep 4-2, 5678 AC", "Iep 4-1, 5678 AC", "Es 4-2, 5678 AD", "Lindepad 14 hs, 1234 AG"] {
        tally.count(&register, Lookup::Text(line));
    }
    let differ = counts([("other_spelling", 1), ("street", 1)]);
    let only_text = counts([("not_in_register", 1), ("several_in_register", 1)]);
    assert_eq!(tally, Tally { differ, only_text, ..Tally::default() });
}
