//! What a file is, by its first bytes: a table, or something that is none and that is named.

use crate::failure::Failure;

/// What may hold a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A zip archive, as workbooks are.
    Archive,
}

/// How other files begin, what they are, and how their table is had.
const OTHERS: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF document: ask for the table that it was made of, as CSV or xlsx"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office file (xls, doc), or a workbook with a password: open it, and save \
      it as xlsx or CSV without one",
    ),
    (b"{\\rtf", "a text document (rtf): save its table as CSV"),
    (b"\x89PNG", IMAGE),
    (b"\xff\xd8\xff", IMAGE),
    (b"GIF8", IMAGE),
    (b"II*\0", IMAGE),
    (b"MM\0*", IMAGE),
    (b"RIFF", IMAGE),
    (b"\x1f\x8b", "packed (gzip): unpack it first"),
    (b"7z\xbc\xaf", "packed (7z): unpack it first"),
    (b"Rar!", "packed (rar): unpack it first"),
    (b"SQLite format 3\0", "a database (SQLite): export its table as CSV"),
    (b"PAR1", "a Parquet file: export it as CSV"),
];

const IMAGE: &str = "an image: ask for the table that it shows, as CSV or xlsx";

impl Kind {
    /// What the bytes hold, or what they are instead of a table.
    pub(super) fn of(bytes: &[u8]) -> Result<Kind, Failure> {
        if let Some((_, what)) = OTHERS.iter().find(|(beginning, _)| bytes.starts_with(beginning)) {
            return Err(no_table(what));
        }
        if [b"PK\x03\x04", b"PK\x05\x06"].iter().any(|beginning| bytes.starts_with(*beginning)) {
            return Ok(Kind::Archive);
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        // A database writes names of columns in brackets, too.
        let is_json = match text.split_first() {
            Some((b'{', rest)) => rest.trim_ascii_start().starts_with(b"\""),
            Some((b'[', rest)) => matches!(rest.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')),
            _ => false,
        };
        if is_json {
            return Err(no_table("JSON: export it as CSV"));
        }
        if text.starts_with(b"<") {
            let what =
                "XML or HTML, whatever its name says: open it in a spreadsheet program, and save it as xlsx or CSV";
            return Err(no_table(what));
        }
        Ok(Kind::Text)
    }
}

/// Names what a file is that is no table.
pub(super) fn no_table(what: &str) -> Failure {
    Failure::new("not_a_table", format!("this is {what}"))
}
