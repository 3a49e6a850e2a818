//! Holds the library to `tests/vectors/v1/addresses.json`, which an implementation in another language must agree with
//! too.

use std::collections::BTreeSet;

use serde_json::Value;
use stapel::{ADDRESS_CODES, AddressError, AddressKey, Fields};

#[test]
fn every_vector() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/v1/addresses.json")).unwrap();
    assert_eq!(vectors["profile"], "nl-address/1");
    let mut codes = BTreeSet::new();
    let mut check = |row: &Value, got: Result<AddressKey, AddressError>| match got {
        Ok(key) => {
            assert_eq!(key.as_str(), text(row, "unit"), "{row}");
            assert_eq!(key.number_key().as_str(), text(row, "number"), "{row}");
            assert!(row.get("error").is_none(), "{row}");
        }
        Err(error) => {
            assert_eq!(error.code(), text(row, "error"), "{row}");
            assert!(row.get("unit").is_none(), "{row}");
            let certain = error.number_key();
            assert_eq!(certain.as_ref().map(AddressKey::as_str), row["number"].as_str(), "{row}");
            codes.insert(error.code());
        }
    };

    for row in rows(&vectors, "text", 400) {
        check(row, AddressKey::parse(text(row, "input")));
        check(row, AddressKey::parse_bytes(text(row, "input").as_bytes()));
    }
    for row in rows(&vectors, "bytes", 6) {
        let line = data_encoding::HEXLOWER.decode(text(row, "hex").as_bytes()).unwrap();
        check(row, AddressKey::parse_bytes(&line));
    }
    for row in rows(&vectors, "fields", 135) {
        let fields = Fields {
            postcode: text(row, "postcode"),
            number: text(row, "huisnummer"),
            letter: text(row, "huisletter"),
            addition: text(row, "toevoeging"),
        };
        check(row, AddressKey::from_fields(&fields));
    }

    let documented: BTreeSet<_> = ADDRESS_CODES.iter().map(|row| row.code).collect();
    assert_eq!(codes, documented, "each documented code has a vector, and none else is given");
}

/// The rows under a name, of which there are at least `floor`: a file cut short must not pass.
fn rows<'a>(vectors: &'a Value, name: &str, floor: usize) -> &'a [Value] {
    let rows = vectors[name].as_array().unwrap();
    assert!(rows.len() >= floor, "{} rows of {name}", rows.len());
    rows
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_else(|| panic!("no {name} in {row}"))
}
