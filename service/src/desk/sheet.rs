//! Spreadsheets that people give on a page. How one is read is the business of whoever serves them: the command reads
//! them as it does those of its own commands.

use stapel::AddressKey;

/// Reads spreadsheets.
pub trait SheetReader: Send + Sync {
    /// Reads a spreadsheet's bytes, its sheet, header and columns as they were said, or else the only sheet that has
    /// rows, its first line that is not blank, and the columns as their names say. `says` has the stable
    /// code of a row and what was found in it, in English, and gives what the file of refused rows is to say of it.
    ///
    /// # Errors
    ///
    /// [`SheetFault`] where it is no spreadsheet, or it is not certain what its sheet or its columns are.
    fn read(&self, bytes: &[u8], said: &SaidSheet, says: Says<'_>) -> Result<ReadSheet, SheetFault>;
}

/// What is said of a row that is no address, by its stable code and what was found in it, in English.
pub type Says<'a> = &'a dyn Fn(&'static str, &str) -> String;

/// What somebody said of a spreadsheet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaidSheet {
    /// Its sheet, of a workbook.
    pub sheet: Option<String>,
    /// The line of its header, from 1 on.
    pub header_row: Option<u64>,
    /// Its columns, as far as something was said of them.
    pub columns: Vec<SaidColumn>,
}

/// What somebody said of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidColumn {
    /// Its name.
    pub name: String,
    /// The field that it is: one of [`FIELDS`]; none where it is to be passed over.
    pub field: Option<String>,
}

/// The fields that a column may be said to be.
pub const FIELDS: [&str; 12] = [
    "adres",
    "postcode",
    "huisnummer",
    "huisletter",
    "toevoeging",
    "straat",
    "woonplaats",
    "bag_id",
    "aanduiding",
    "locatiebeschrijving",
    "status",
    "ref",
];

/// A spreadsheet that was read.
pub struct ReadSheet {
    /// What it is: its kind, its sheet, its delimiter.
    pub form: String,
    /// The names of all sheets, of a workbook.
    pub sheets: Vec<String>,
    /// Each column's name, and what it was read as: one of [`FIELDS`], `ignored`, `unnamed` or `other`.
    pub columns: Vec<(String, String)>,
    /// The rows that are addresses, in their order.
    pub rows: Vec<SheetRow>,
    /// Those that are not.
    pub refused: Vec<RefusedSheetRow>,
    /// These as a file like the one that was read, with columns that say why: mended, it can be given again.
    pub refused_file: Vec<u8>,
}

/// A row that is an address.
pub struct SheetRow {
    /// The address.
    pub key: AddressKey,
    /// As it was written.
    pub typed: String,
    /// Whether a register found it.
    pub is_resolved: bool,
}

/// A row that is none.
pub struct RefusedSheetRow {
    /// Its line, from 1 on.
    pub line: u64,
    /// The stable code.
    pub code: &'static str,
    /// What was found, and what would help.
    pub message: String,
    /// Its address on one line, as it was given; of a row without one, all its cells.
    pub text: String,
}

/// Why a spreadsheet was not read.
#[derive(Debug)]
pub struct SheetFault {
    /// The stable code.
    pub code: &'static str,
    /// What was found, and what would help.
    pub message: String,
    /// The names of all its sheets, of a workbook.
    pub sheets: Vec<String>,
    /// The names of its columns, as far as those could be read: so somebody can say what they are.
    pub columns: Vec<String>,
}

/// Reads none: where no reader was given.
pub(super) struct NoReader;

impl SheetReader for NoReader {
    fn read(&self, _: &[u8], _: &SaidSheet, _: Says<'_>) -> Result<ReadSheet, SheetFault> {
        let message = "this program reads no spreadsheets: type the addresses".to_owned();
        Err(SheetFault { code: "no_sheets", message, sheets: Vec::new(), columns: Vec::new() })
    }
}

/// Shows no address.
impl std::fmt::Debug for ReadSheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReadSheet({} rows, {} refused)", self.rows.len(), self.refused.len())
    }
}

/// Shows no address.
impl std::fmt::Debug for SheetRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SheetRow(..)")
    }
}

/// Shows no cell.
impl std::fmt::Debug for RefusedSheetRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RefusedSheetRow(line {}, {})", self.line, self.code)
    }
}
