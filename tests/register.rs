//! The canonicaliser on the whole register of one town (open data of the Kadaster, extract of 15 October 2021).
//!
//! The register is too large for the repository, so without it the tests say that they were left out, and on CI they
//! fail.

#![allow(clippy::print_stdout)] // The measured shares are what these tests are run for, with `--nocapture`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use stapel::{AddressKey, Fields};

/// The rows of the register of Weesp.
const ROWS: usize = 12_034;
/// Rows without a postcode.
const WITHOUT_POSTCODE: usize = 107;
/// Keys that two registered addresses share although they differ in nothing but their id: renewals.
const FLOOR: usize = 7;

pub(super) struct Row {
    pub(super) street: String,
    pub(super) number: String,
    pub(super) letter: String,
    pub(super) addition: String,
    pub(super) postcode: String,
    pub(super) town: String,
    pub(super) id: String,
}

impl Row {
    fn key(&self) -> Option<AddressKey> {
        let fields =
            Fields { postcode: &self.postcode, number: &self.number, letter: &self.letter, addition: &self.addition };
        match AddressKey::from_fields(&fields) {
            Ok(key) => Some(key),
            // The one flat of a tower whose two letters say "opposite" elsewhere; its canonical form names it.
            Err(error) if (error.code(), self.addition.as_str()) == ("not_the_house", "TO") => {
                AddressKey::from_canonical(&format!("{}|{}|TO", self.postcode, self.number)).ok()
            }
            Err(error) => {
                assert_eq!((error.code(), self.postcode.as_str()), ("no_postcode", ""), "{error}");
                None
            }
        }
    }
}

pub(super) fn register() -> Option<Vec<Row>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/bag_weesp.tsv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must have the register at {}", path.display());
        println!("left out: no register at {}", path.display());
        return None;
    };
    let rows: Vec<_> = text
        .lines()
        .skip(1)
        .map(|line| {
            let columns: Vec<_> = line.split('\t').map(str::to_owned).collect();
            let [street, number, letter, addition, postcode, town, id, ..] = <[String; 12]>::try_from(columns).unwrap();
            Row { street, number, letter, addition, postcode, town, id }
        })
        .collect();
    assert_eq!(rows.len(), ROWS);
    Some(rows)
}

#[test]
fn fields_part_all_that_the_register_parts() {
    let Some(rows) = register() else { return };
    let mut by_key = BTreeMap::<_, BTreeSet<_>>::new();
    let mut by_columns = BTreeMap::<_, BTreeSet<_>>::new();
    let mut keys = 0;
    for row in &rows {
        let Some(key) = row.key() else { continue };
        keys += 1;
        by_key.entry(key).or_default().insert(&row.id);
        by_columns.entry((&row.postcode, &row.number, &row.letter, &row.addition)).or_default().insert(&row.id);
    }
    let shared = |sets: Vec<&BTreeSet<&String>>| -> BTreeSet<Vec<String>> {
        let several = sets.into_iter().filter(|ids| ids.len() > 1);
        several.map(|ids| ids.iter().map(|id| (*id).clone()).collect()).collect()
    };
    let (ours, floor) = (shared(by_key.values().collect()), shared(by_columns.values().collect()));
    println!("{keys} of {} rows give a unit key; {} keys are shared by distinct addresses", rows.len(), ours.len());
    assert_eq!(keys, ROWS - WITHOUT_POSTCODE);
    assert_eq!(floor.len(), FLOOR);
    assert_eq!(ours, floor, "the canonicaliser merges what the register itself cannot part, and nothing else");
}

/// A way to write an address that the rules call the same: a name, and what it makes of a row.
pub(super) type Way = (&'static str, fn(&Row) -> String);

pub(super) const WAYS: &[Way] = &[
    ("as NEN 5825 prints it", |r| {
        let suffix = format!("{}{}", r.letter, r.addition).to_uppercase();
        let before = match suffix.chars().next() {
            None => "",
            Some(c) if c.is_ascii_digit() => "-",
            Some(_) => " ",
        };
        format!("{} {}{before}{suffix}, {} {}", r.street, r.number, spaced(&r.postcode), r.town)
    }),
    ("lower case, hyphens", |r| {
        format!("{} {}, {} {}", r.street, suffixed(r, "-", "-"), r.postcode, r.town).to_lowercase()
    }),
    ("slash, postcode with hyphen", |r| {
        let postcode = spaced(&r.postcode).replace(' ', "-");
        let before = if r.letter.is_empty() { "/" } else { "" };
        format!("{} {}, {postcode} {}", r.street, suffixed(r, before, "/"), r.town)
    }),
    ("spaces wherever they fit", |r| {
        let before = if r.letter.is_empty() && starts_with_digit(&r.addition) { " - " } else { "  " };
        format!(
            "  {}  {} ,  {}  {}  ",
            r.street,
            suffixed(r, before, " "),
            spaced(&r.postcode).replace(' ', "  "),
            r.town
        )
    }),
    ("NBSP and zero-width spaces", |r| {
        let line = format!("{} {}, {} {}", r.street, suffixed(r, " -", " "), spaced(&r.postcode), r.town);
        format!("\u{feff}{}\u{200b}", line.replace(' ', "\u{a0}"))
    }),
    ("full width", |r| {
        let line = format!("{} {}, {} {}", r.street, suffixed(r, "-", "/"), r.postcode, r.town);
        line.chars().map(|c| if c.is_ascii_graphic() { wide(c) } else { c }).collect()
    }),
    ("postcode first, glued", |r| {
        let before = if r.letter.is_empty() && starts_with_digit(&r.addition) { "-" } else { "" };
        format!("{} {}", r.postcode.to_lowercase(), suffixed(r, before, ""))
    }),
    ("town, postcode, street", |r| format!("{}, {}, {} {}", r.town, r.postcode, r.street, suffixed(r, "-", " "))),
    ("country and trailing dots", |r| {
        format!("{} {}. {} {} NL...", r.street.to_uppercase(), suffixed(r, "-", "-"), r.postcode, r.town.to_uppercase())
    }),
    ("fixed width, NUL, accents apart, province", |r| {
        let street =
            r.street.replace('ü', "u\u{308}").replace('ë', "e\u{308}").replace('é', "e\u{301}").replace('\'', "’");
        let number: u32 = r.number.parse().unwrap();
        let padded =
            Row { number: format!("{number:05}"), letter: r.letter.clone(), addition: r.addition.clone(), ..empty() };
        format!("{street} {}, {} (Noord-Holland), Nederland\0\0", suffixed(&padded, "–", "-"), r.postcode)
    }),
    ("letter and addition joined", |r| {
        let before = if r.letter.is_empty() && starts_with_digit(&r.addition) { "-" } else { " " };
        let before = if r.letter.is_empty() && r.addition.is_empty() { "" } else { before };
        format!("{} {}{before}{}{}, {}  {}", r.street, r.number, r.letter, r.addition, spaced(&r.postcode), r.town)
    }),
    ("the same, before the postcode", |r| {
        let before = if r.letter.is_empty() && starts_with_digit(&r.addition) { "-" } else { " " };
        let before = if r.letter.is_empty() && r.addition.is_empty() { "" } else { before };
        format!("{} {}{before}{}{} {}", r.street, r.number, r.letter, r.addition, r.postcode)
    }),
    ("town before the postcode", |r| {
        format!("{} {} {} {}", r.street, suffixed(r, "-", "-"), r.town, spaced(&r.postcode))
    }),
    ("te and the town, a comma", |r| format!("{} {} te {}, {}", r.street, suffixed(r, " -", ""), r.town, r.postcode)),
    ("a longer town before the postcode", |r| {
        format!("{} {} Amsterdam Zuidoost {}", r.street, suffixed(r, "/", " "), r.postcode)
    }),
    ("all glued", |r| {
        let before = if r.letter.is_empty() && starts_with_digit(&r.addition) { "-" } else { "" };
        format!("{}{}", r.postcode, suffixed(r, before, ""))
    }),
];

#[test]
fn many_ways_to_write_every_address() {
    let Some(rows) = register() else { return };
    println!("{:<44} {:>6} {:>8} {:>8} {:>6}", "written", "same", "by rule", "refused", "wrong");
    for (name, write) in WAYS {
        let (mut same, mut by_rule, mut refused, mut wrong) = (0, 0, 0, 0);
        for row in &rows {
            let Some(key) = row.key() else { continue };
            let line = write(row);
            match AddressKey::parse(&line) {
                Ok(read) if read == key => same += 1,
                Ok(read) => {
                    wrong += 1;
                    println!("wrong: {line:?} read as {read}, is {key}");
                }
                Err(error) if is_by_rule(row, error.code()) => by_rule += 1,
                Err(error) => {
                    refused += 1;
                    println!("refused: {line:?}: {error}");
                }
            }
        }
        println!("{name:<44} {same:>6} {by_rule:>8} {refused:>8} {wrong:>6}");
        assert_eq!(same + by_rule + refused + wrong, ROWS - WITHOUT_POSTCODE);
        assert_eq!(wrong, 0, "{name}");
        assert!(refused * 1000 < ROWS - WITHOUT_POSTCODE, "{name}: {refused} refused");
    }
}

/// Whether the rules themselves have this row refused: in text, where a sign parts letter and addition, they look like
/// the end of a range; or the addition is a word.
fn is_by_rule(row: &Row, code: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let to = digits(&row.addition);
    let lettered = to > 0 && to < row.addition.len();
    let longer = row.addition[..to].parse::<u32>().ok() >= row.number.parse().ok();
    let goes_on = to == row.number.len() && lettered && longer && !row.letter.is_empty();
    (code == "range_unclear" && goes_on) || (code == "not_the_house" && row.addition == "TO")
}

/// Number, letter and addition with a sign before the first suffix that is there, and one between the two.
fn suffixed(row: &Row, before: &str, between: &str) -> String {
    let Row { number, letter, addition, .. } = row;
    match (letter.as_str(), addition.as_str()) {
        ("", "") => number.clone(),
        (one, "") | ("", one) => format!("{number}{before}{one}"),
        (letter, addition) => format!("{number}{before}{letter}{between}{addition}"),
    }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn spaced(postcode: &str) -> String {
    format!("{} {}", &postcode[..4], &postcode[4..])
}

fn wide(c: char) -> char {
    char::from_u32(c as u32 + 0xfee0).unwrap()
}

fn empty() -> Row {
    let none = String::new;
    Row { street: none(), number: none(), letter: none(), addition: none(), postcode: none(), town: none(), id: none() }
}
