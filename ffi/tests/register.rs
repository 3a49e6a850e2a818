//! A small register of addresses that nobody has.

use std::path::Path;

use stapel::Fields;
use stapel::register::{RegisterBuilder, RegisterRow};

/// Street, postcode, number, letter and addition, the last digit of the object, and whether it was withdrawn. The
/// nummeraanduidingen are numbered from 1.
type Made = (&'static str, &'static str, &'static str, &'static str, &'static str, u32, bool);

const MADE: [Made; 9] = [
    ("Lindepad", "9999XA", "12", "", "", 1, false),
    ("Lindepad", "9999XA", "14", "H", "", 2, false),
    // A garage box, which has no postcode.
    ("Lindepad", "", "12", "", "G1", 3, false),
    ("Kotter 38", "9999XB", "2", "", "", 4, false),
    ("Lindepad", "9999XC", "18", "", "", 5, false),
    ("Lindepad", "9999XD", "18", "", "", 6, false),
    // Its object is Lindepad 12 now.
    ("Lindepad", "9999XA", "10", "", "", 1, true),
    // Two objects of one address.
    ("Lindepad", "9999XA", "16", "", "", 8, false),
    ("Lindepad", "9999XA", "16", "", "", 9, false),
];

/// Writes it.
pub(crate) fn make(path: &Path) {
    let mut builder = RegisterBuilder::new();
    for ((street, postcode, number, letter, addition, object, is_withdrawn), id) in MADE.into_iter().zip(1..) {
        let (id, object) =
            (format!("9999{:012}", 200_000_000_000u64 + id), format!("9999{:012}", 10_000_000_000 + u64::from(object)));
        let fields = Fields { postcode, number, letter, addition };
        let at = if postcode.is_empty() { ["", ""] } else { ["52.329131", "5.035145"] };
        let row = RegisterRow {
            street,
            town: "Lelie",
            fields,
            id: &id,
            object: &object,
            building: "9999100000000001",
            at,
            is_secondary: false,
            is_withdrawn,
        };
        builder.add(&row).unwrap();
    }
    builder.finish(path, "2026-11-01".parse().unwrap()).unwrap();
}
