//! The rules of profile `nl-address/1`: the table of what is one address and what is two, and equations that hold for
//! any input.

use proptest::prelude::*;
use stapel::{ADDRESS_CODES, AddressError, AddressKey, Fields, Level};
use stapel_testkit::Seeded;

/// Parts of one line, written into each of these frames, must fare alike.
const FRAMES: &[&str] = &[
    "Kerkstraat {}, 1234 AB Amsterdam",
    "{}, 1234 AB",
    "1234AB {}",
    "1234 AB, Kerkstraat {}",
    "Amsterdam, 1234 ab, Kerkstraat {}",
    "Kerkstraat {} 1234 AB",
    "Kerkstraat {}, Amsterdam, 1234-AB",
    "  kerkstraat  {} ,\u{a0}1234\u{a0}ab, Nederland..",
];

fn fields(number: &str, letter: &str, addition: &str) -> AddressKey {
    AddressKey::from_fields(&Fields { postcode: "1234 AB", number, letter, addition })
        .unwrap_or_else(|error| panic!("{number} {letter} {addition}: {error}"))
}

/// The key of a number with its addition as text, the same in every frame.
fn written(part: &str) -> AddressKey {
    let keys: Vec<_> = FRAMES
        .iter()
        .map(|frame| {
            let line = frame.replace("{}", part);
            AddressKey::parse(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
        })
        .collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{part}: {keys:?}");
    keys[0]
}

/// The code that a number with its addition is refused with as text, in every frame.
fn refused(part: &str) -> &'static str {
    let codes: Vec<_> = FRAMES
        .iter()
        .map(|frame| AddressKey::parse(&frame.replace("{}", part)).map_err(|error| error.code()))
        .collect();
    assert!(codes.iter().all(|code| code == &codes[0]), "{part}: {codes:?}");
    codes[0].expect_err(part)
}

#[test]
fn same() {
    /// Ways to write an address in text, and as number, letter and addition.
    type Group = (&'static [&'static str], &'static [(&'static str, &'static str, &'static str)]);
    let groups: &[Group] = &[
        (
            &["12a", "12A", "12 A", "12-A", "12-a", "12/a", "12 - a"],
            &[("12", "a", ""), ("12", "", "A"), ("00012", "", " -a ")],
        ),
        (&["434H", "434 H", "434-h"], &[("434", "H", ""), ("434", "", "H")]),
        (&["1A/101", "1 A101", "1A-101", "1 A 101"], &[("1", "A", "101"), ("1", "", "A101"), ("1", "", "A/101")]),
        (&["146-A20", "146 A 20", "146A20", "146 A20"], &[("146", "A", "20"), ("146", "", "A 20")]),
        (&["9 R A59", "9RA59", "9R-A59"], &[("9", "R", "A59"), ("9", "", "RA59")]),
        (&["123A4", "123-A-4", "123 A4"], &[("123", "A", "4"), ("123", "", "A-4")]),
        (&["305B-BG", "305 BBG", "305 B BG", "305bbg"], &[("305", "B", "BG"), ("305", "", "BBG")]),
        (&["12 bis", "12-BIS", "12bis"], &[("12", "", "bis"), ("12", "", "BIS")]),
        (&["12-1", "12/1", "12 - 1"], &[("12", "", "1")]),
        (&["12", "00012", "012", "１２"], &[("12", "", ""), ("00012", "", "")]),
        (&["1-5A3"], &[("1", "", "5A3")]),
        (&["16 DK", "16-DK"], &[("16", "D", "K"), ("16", "", "DK")]),
    ];
    for (texts, columns) in groups {
        let expected = fields(columns[0].0, columns[0].1, columns[0].2);
        for (number, letter, addition) in *columns {
            assert_eq!(fields(number, letter, addition), expected);
        }
        for text in *texts {
            assert_eq!(written(text), expected, "{text}");
        }
    }
    for postcode in ["1234 ab", "1234AB", "1234  AB", "1234-AB", "１２３４ＡＢ", "1234\u{a0}AB", "1234\u{200b}AB"]
    {
        let expected = AddressKey::from_canonical("1234AB|12|A").unwrap();
        assert_eq!(AddressKey::parse(&format!("Kerkstraat 12a, {postcode}")), Ok(expected), "{postcode}");
        assert_eq!(
            AddressKey::from_fields(&Fields { postcode, number: "12", letter: "a", addition: "" }),
            Ok(expected)
        );
    }
}

#[test]
fn different() {
    let groups: &[&[&str]] = &[
        &["12", "12A", "12-H", "12 bis", "112", "112bis"],
        &["265 A1", "265 B1"],
        &["6b-13", "6b-31"],
        &["1 ben", "1 bov"],
        &["12 RD", "12 ZW"],
        &["12 bis", "12 bis A"],
        &["113 bis", "113 B bis"],
        &["12-1", "121", "12-11"],
        &["38-02", "38-2"],
        &["12 I", "12-1"],
        &["12 hs", "12 H"],
        &["12 bis", "12 BS"],
    ];
    for group in groups {
        let mut keys: Vec<_> = group.iter().map(|part| written(part)).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), group.len(), "{group:?}");
    }
}

#[test]
fn ranges_are_refused_in_text_and_additions_in_fields() {
    for (part, addition) in [
        ("12-14", "14"),
        ("12/14", "14"),
        ("12 - 32", "32"),
        ("12-14a", "14a"),
        ("12-014", "014"),
        ("12-13", "13"),
        ("12-101", "101"),
        ("12-12a", "12a"),
        // Backwards, on one side of the street and near.
        ("12-10", "10"),
    ] {
        assert_eq!(refused(part), "range_unclear", "{part}");
        assert_eq!(fields("12", "", addition).addition(), addition.to_uppercase());
    }
    // The same, smaller and of the other side of the street, shorter, or far: no range.
    for (number, addition) in [("12", "12"), ("12", "11"), ("12", "2"), ("146", "20"), ("146", "100")] {
        assert_eq!(written(&format!("{number}-{addition}")), fields(number, "", addition), "{number} {addition}");
    }
    for part in ["12 t/m 14", "12t/m14", "12 en 14", "12-en-14", "12en14", "12 tot 14", "12 a en b"] {
        assert_eq!(refused(part), "range_unclear", "{part}");
    }
}

#[test]
fn refused_wherever_they_stand() {
    for (part, code) in [
        ("t/o 3", "not_the_house"),
        ("t.o. 3", "not_the_house"),
        ("tegenover 3", "not_the_house"),
        ("bij 15201", "not_the_house"),
        ("naast 12", "not_the_house"),
        ("12 t/o", "not_the_house"),
        ("postbus 12", "not_a_place"),
        ("antwoordnummer 12", "not_a_place"),
        ("12 14", "two_numbers"),
        ("12, 14", "two_numbers"),
        ("000012", "number_too_long"),
        ("0", "number_zero"),
        ("12ABCDEF", "suffix_too_long"),
        ("12-1-4", "suffix_unclear"),
        ("12²", "character"),
        ("12А", "character"), // Cyrillic
        ("1٢", "character"),
        ("12á", "suffix_unclear"),
        ("12 (boven)", "suffix_unclear"),
        ("12, boven", "suffix_in_words"),
        ("12 achterhuis", "suffix_in_words"),
        ("B-12", "number_unclear"),
        ("0424200000017336", "bag_id_needs_register"),
        ("0424300000017336", "bag_id_type"),
        ("042420000001733", "bag_id_length"),
    ] {
        assert_eq!(refused(part), code, "{part}");
    }
    // Digits in the addition never run together as fields either.
    let broken = AddressKey::from_fields(&Fields { postcode: "1234AB", number: "12", letter: "", addition: "1-4" });
    assert_eq!(broken.map_err(|error| error.code()), Err("addition_form"));
}

#[test]
fn errors_name_the_field_and_the_remedy() {
    let error =
        AddressKey::from_fields(&Fields { postcode: "1012JS", number: "12a", letter: "", addition: "" }).unwrap_err();
    assert_eq!(error.field(), "huisnummer");
    assert_eq!(error.message(), "\"12a\" is not a number in digits alone; put letter and addition in their own fields");
    let error = AddressKey::from_fields(&Fields { postcode: "1012JS", number: "12", letter: "\u{7}", addition: "" })
        .unwrap_err();
    assert_eq!((error.code(), error.field()), ("character", "huisletter"));
    assert!(error.message().starts_with("\"\\u{7}\" "), "{error}");
    let error = AddressKey::parse("Dam 12-14, 1012 JS").unwrap_err();
    assert!(error.to_string().starts_with("huisnummer: \"…12-14, 1012 JS\" may be several house numbers"), "{error}");
}

/// What holds for any text: a key is canonical, reads back as itself, and its parts as fields are the same key.
fn equations(line: &[u8]) -> bool {
    let parsed = AddressKey::parse_bytes(line);
    if let Ok(text) = std::str::from_utf8(line) {
        assert_eq!(parsed, AddressKey::parse(text));
        let _ = AddressKey::from_canonical(text).map(|key| assert_eq!(key.as_str(), text));
    }
    match parsed {
        Ok(key) => {
            assert_eq!(key.level(), Level::Unit);
            assert_eq!(AddressKey::from_canonical(key.as_str()), Ok(key));
            assert_eq!(AddressKey::parse(key.as_str()), Ok(key));
            assert_eq!(AddressKey::from_canonical(key.number_key().as_str()), Ok(key.number_key()));
            let number = key.number().to_string();
            let fields = Fields { postcode: key.postcode(), number: &number, letter: "", addition: key.addition() };
            match AddressKey::from_fields(&fields) {
                Ok(read) => assert_eq!(read, key, "{}", String::from_utf8_lossy(line)),
                Err(error) => assert!(line.contains(&b'|') && is_word(&error), "{error}: {key}"),
            }
            true
        }
        Err(error) => {
            assert!(ADDRESS_CODES.iter().any(|row| row.code == error.code() && row.field == error.field()), "{error}");
            if let Some(house) = error.number_key() {
                assert_eq!((AddressKey::from_canonical(house.as_str()), house.level()), (Ok(house), Level::Number));
            }
            assert!(error.message().chars().count() < 500 && !error.message().contains(char::is_control), "{error:?}");
            false
        }
    }
}

/// Whether a field was refused for an addition that is a word or a date: only the canonical form names such a home.
fn is_word(error: &AddressError) -> bool {
    ["not_the_house", "empty_value", "spreadsheet_date", "suffix_in_words", "range_unclear"].contains(&error.code())
}

/// Fields made of a text cut in four: whatever gives a key gives it again from its parts.
fn field_equations(parts: [&str; 4]) {
    let [postcode, number, letter, addition] = parts;
    if let Ok(key) = AddressKey::from_fields(&Fields { postcode, number, letter, addition }) {
        let printed = key.number().to_string();
        let again = Fields { postcode: key.postcode(), number: &printed, letter: "", addition: key.addition() };
        match AddressKey::from_fields(&again) {
            Ok(read) => assert_eq!(read, key),
            // Of a letter and an addition that are a word when they are joined.
            Err(error) => assert!(!letter.is_empty() && is_word(&error), "{error}: {key}"),
        }
        assert_eq!(AddressKey::from_canonical(key.as_str()), Ok(key));
    }
}

proptest! {
    // A failure is printed whole and small; a file of seeds beside the tests would add nothing.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_bytes(line in proptest::collection::vec(any::<u8>(), 0..1100)) {
        equations(&line);
    }

    #[test]
    fn any_text(line in "\\PC{0,60}") {
        equations(line.as_bytes());
    }

    #[test]
    fn any_fields(postcode in "[1-9][0-9]{3} ?[A-Za-z]{2}|\\PC{0,8}", number in "[0-9]{0,6}|\\PC{0,3}",
                  letter in "[A-Za-z]?|\\PC{0,2}", addition in "[-/ A-Za-z0-9]{0,8}|\\PC{0,4}") {
        field_equations([&postcode, &number, &letter, &addition]);
    }

    /// Printed as NEN 5825 has it, in text, any unit is itself or refused; with a letter first it is never refused.
    #[test]
    fn printed_and_read_back(
        postcode in "[1-9][0-9]{3}[A-RT-Z][A-Z]",
        number in 1u32..=99999,
        addition in "[A-Z][A-Z0-9]{0,4}|[0-9][A-Z0-9]{0,4}|",
    ) {
        let unit = format!("{postcode}|{number}|{addition}");
        let separator = if addition.is_empty() { "" } else { "-" };
        let line = format!("Kerkstraat {number}{separator}{addition}, {postcode} Amsterdam");
        match AddressKey::parse(&line) {
            Ok(key) => prop_assert_eq!(key.as_str(), unit),
            Err(error) => prop_assert!(
                [
                    "range_unclear", "not_the_house", "suffix_in_words", "two_postcodes", "postcode_letters",
                    "year_unclear", "empty_value", "spreadsheet_date", "numbered_street",
                ]
                .contains(&error.code()),
                "{}: {}", line, error
            ),
        }
    }
}

/// What mutations are made of: the signs and words that the rules turn on.
const PIECES: &[&str] = &[
    "1",
    "2",
    "12",
    "14",
    "0",
    "00012",
    "99999",
    "1012",
    "1940",
    "1945",
    "45",
    "0424200000017336",
    "JS",
    "AB",
    "SA",
    "a",
    "B",
    "bis",
    "hs",
    "bg",
    "bov",
    "huis",
    "t",
    "o",
    "m",
    "h",
    "v",
    "e",
    "ste",
    "de",
    "en",
    "of",
    "to",
    "tm",
    "bij",
    "naast",
    "postbus",
    "box",
    "NL",
    "nr",
    "Nederland",
    "Amsterdam",
    "Dam",
    "Ede",
    "Exlo",
    "Duurstede",
    "hoog",
    "kamer",
    "Kerkstraat",
    "singel",
    "Mei",
    "NULL",
    "mrt",
    "8243",
    "BE",
    "Gent",
    "te",
    "by",
    "caravan",
    " ",
    " ",
    " ",
    "  ",
    "-",
    "/",
    ",",
    ".",
    "'",
    "(",
    ")",
    "|",
    ";",
    "\0",
    "\u{a0}",
    "\u{200b}",
    "é",
    "\u{301}",
    "²",
    "А",
    "１",
    "Ａ",
    "–",
    "’",
    "+",
    "&",
    "\u{7}",
];

#[test]
fn mutated_lines() {
    const LINES: &[&str] = &[
        "Dam 1-A, 1012 JS Amsterdam",
        "Plein 1940-45 3 b, 1234 AB X",
        "4e van Swindenstraat 12-3, 1093 GK",
        "1012JS|1|A",
        "9571 AB 2e Exloërmond, Kerkstraat 5",
        "1234AB 146 A 20",
        "1234AB12A",
        "Plein '40-'45 12 Atraf, 1234 AB",
        "Kerkstraat 12 te Haarlem 1234 AB",
        "Bij de Dam 12 caravan 4, 1234 AB",
    ];
    let mut random = Seeded::new(2);
    let mut keys = 0;
    for _ in 0..200_000 {
        let mut line = match random.below(3) {
            0 => (0..random.below(9)).map(|_| PIECES[random.below(PIECES.len())]).collect::<String>(),
            _ => LINES[random.below(LINES.len())].to_owned(),
        };
        for _ in 0..random.below(4) {
            let places: Vec<_> = (0..=line.len()).filter(|at| line.is_char_boundary(*at)).collect();
            let at = places[random.below(places.len())];
            match random.below(3) {
                0 => line.insert_str(at, PIECES[random.below(PIECES.len())]),
                1 if at < line.len() => drop(line.remove(at)),
                _ => line.truncate(at),
            }
        }
        let mut bytes = line.into_bytes();
        if random.below(50) == 0 && !bytes.is_empty() {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        keys += usize::from(equations(&bytes));
    }
    assert!(
        (20_000..180_000).contains(&keys),
        "{keys} of 200000 lines gave a key: the mutations are too mild or too harsh"
    );
}

/// The longest lines, of what makes a reader look ahead: none of them is an address, and none takes long.
#[test]
fn long_lines() {
    let pieces = [
        "1", "1e ", "1945 ", "1234 ", "1234 A", "bij ", "t/o", "12-", "A ", " ", "~", "é", "1e-", "1234   ", "'",
        "2e a",
    ];
    for piece in pieces {
        assert!(!equations(piece.repeat(1000 / piece.len()).as_bytes()), "{piece}");
        equations(format!("{}1012JS 1", piece.repeat(990 / piece.len())).as_bytes());
    }
    assert_eq!(AddressKey::parse(&" ".repeat(1001)).map_err(|e| e.code()), Err("too_long"));
}
