//! What was found in the journal, as a file for a spreadsheet: CSV in UTF-8, with a semicolon between cells, as
//! spreadsheets in Dutch open it.

use stapel::partner::{Act, Partner};
use stapel::{AddressKey, Case};

use super::{Download, parts};
use crate::journal_words;
use crate::words::Words;

const COLUMNS: [(&str, &str); 7] = [
    ("regel", "record"),
    ("tijd", "time"),
    ("wat", "what"),
    ("adres", "address"),
    ("wie", "who"),
    ("zaak", "case"),
    ("langs", "through"),
];

/// The file: a line for each act and address, oldest first.
pub(super) fn file(words: Words, partner: &Partner, acts: &[Act]) -> Download {
    // Without it spreadsheets take UTF-8 for something else.
    let mut text = String::from('\u{feff}');
    line(&mut text, COLUMNS.map(|(dutch, english)| words.t(dutch, english).to_owned()));
    for act in acts {
        let by = act.by.as_ref();
        let place = journal_words::place(&act.place, words.0, |number| parts::who(words, partner, number));
        let what = journal_words::act(&act.kind, words.0) + &place;
        let mut one = |address: &str| {
            let cells = [
                act.record.to_string(),
                act.time.to_string(),
                what.clone(),
                address.to_owned(),
                by.map(Case::actor).unwrap_or_default().to_owned(),
                by.map(Case::reference).unwrap_or_default().to_owned(),
                by.map(|by| journal_words::through(by.caller(), words.0)).unwrap_or_default(),
            ];
            line(&mut text, cells);
        };
        match &act.addresses[..] {
            [] => one(""),
            addresses => addresses.iter().map(AddressKey::as_str).for_each(one),
        }
    }
    Download { name: words.t("journaal.csv", "journal.csv"), kind: "text/csv; charset=utf-8", bytes: text.into_bytes() }
}

fn line(text: &mut String, cells: [String; 7]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            text.push(';');
        }
        text.push('"');
        // A spreadsheet would work out what begins so, and what somebody typed could be made to do anything.
        if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
            text.push('\'');
        }
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_quotes_end_nothing() {
        let mut text = String::new();
        let cells = ["=1+1", "+1", "-1", "@a", "a\"b;c", "\t=1", "a=1"].map(str::to_owned);
        line(&mut text, cells);
        assert_eq!(text, "\"'=1+1\";\"'+1\";\"'-1\";\"'@a\";\"a\"\"b;c\";\"'\t=1\";\"a=1\"\r\n");
    }
}
