//! Addresses, made up as a register and as people write them.

use stapel::{AddressKey, Fields, Pseudonym, PseudonymKey, Threads};

/// Postcode, number, letter and addition.
pub type Row = [String; 4];

/// `count` rows as a register has them, no two alike.
pub fn rows(count: usize) -> Vec<Row> {
    let letters = ["", "", "", "A", "", "b", "C"];
    let additions = ["", "", "2", "", "bis", "12", "101"];
    let row = |n: usize| {
        let (a, b) = ((b'A' + (n / 26 % 18) as u8) as char, (b'B' + (n % 20) as u8) as char);
        // Below the postcodes whose streets have numbers, and numbers above the addition 2, or lines are refused.
        let postcode = format!("{}{a}{b}", 1000 + n % 5500);
        [postcode, (n % 400 + 3).to_string(), letters[n % 7].to_owned(), additions[n % 7].to_owned()]
    };
    (0..count).map(row).collect()
}

/// The rows as lines of text, in three forms.
pub fn texts(rows: &[Row]) -> Vec<String> {
    rows.iter()
        .enumerate()
        .map(|(n, [postcode, number, letter, addition])| {
            let mark = match (letter.is_empty() && addition.is_empty(), n % 2) {
                (true, _) => "",
                (false, 0) => "-",
                (false, _) => "/",
            };
            match n % 3 {
                0 => format!("Dorpsstraat {number}{mark}{letter}{addition}, {postcode} Weesp"),
                1 => format!("{postcode} {number}{mark}{letter}{addition}"),
                _ => format!("Nieuwe Achtergracht {number}{mark}{letter}{addition} {} WEESP", postcode.to_lowercase()),
            }
        })
        .collect()
}

pub fn from_fields([postcode, number, letter, addition]: &Row) -> AddressKey {
    AddressKey::from_fields(&Fields { postcode, number, letter, addition }).unwrap()
}

#[allow(clippy::ptr_arg, reason = "it reads an element of the texts")]
pub fn from_text(text: &String) -> AddressKey {
    AddressKey::parse(text).unwrap()
}

/// The pseudonyms of rows, of which `read` makes homes, and of the house number of each.
pub fn both_levels<T: Sync>(
    key: &PseudonymKey,
    threads: &Threads,
    rows: &[T],
    read: impl Fn(&T) -> AddressKey + Send + Sync,
) -> Vec<Pseudonym> {
    let keys = threads.map(rows, |row| {
        let unit = read(row);
        [unit, unit.number_key()]
    });
    key.pseudonyms(&keys.into_flattened())
}
