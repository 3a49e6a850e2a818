//! A workbook's sheet as text: a line for each row, tabs between cells, and a note of each cell that is no plain value.

use super::package::too_large;
use crate::failure::Failure;

/// What a cell holds that is no text and no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    Date,
    Boolean,
    Error,
    /// A formula that no program has worked out.
    Formula,
    /// A number that is shown with zeros before it: 2 as 02.
    Padded,
    /// A number that is shown with something else in it, as another or not at all: 12 as 12A, 3 as 300%.
    Dressed,
    /// A number of more digits than a spreadsheet program keeps.
    Long,
    /// It is merged with the one above or beside it, which has the value.
    Merged,
}

impl Odd {
    /// What it is, and what would help.
    pub(super) fn said(self) -> &'static str {
        match self {
            Odd::Date => "a date, as a spreadsheet makes of 1-3: make the column text, and type it again",
            Odd::Boolean => "true or false: make the column text, and type it again",
            Odd::Error => "an error of the spreadsheet: mend it there",
            Odd::Formula => "a formula without a value: open the workbook in a spreadsheet program, and save it again",
            Odd::Padded => {
                "shown with zeros before it that the cell does not have: make the column text, and type it again"
            }
            Odd::Dressed => "shown as something that the cell does not have: make the column text, and type it again",
            Odd::Long => {
                "a number of more than 15 digits, of which a spreadsheet program keeps 15: make the column text, and \
                 give it again from where it came"
            }
            Odd::Merged => "of merged cells, of which one has the value: take them apart, and fill in each",
        }
    }
}

/// The most columns of a sheet, in every program.
pub(super) const MOST_COLUMNS: u32 = 16_384;

/// The most rows of a sheet.
pub(super) const MOST_ROWS: u32 = 1_048_576;

/// The most bytes of text. Few strings of a workbook may stand in very many cells.
const MOST_TEXT: usize = 1 << 30;

/// The most cells that are noted.
const MOST_ODD: usize = 1 << 24;

/// What a sheet becomes. Rows and columns count from 0, and come in order.
#[derive(Default)]
pub(super) struct Grid {
    pub(super) text: String,
    /// Row and column of each cell that is odd, sorted when all are there.
    pub(super) odd: Vec<((u32, u32), Odd)>,
    /// How many lines there are.
    lines: u32,
    /// The cells of the row at hand, and how many there are.
    row: String,
    width: u32,
    has_value: bool,
    /// Whether one of them is a formula without a value.
    has_formula: bool,
}

impl Grid {
    /// Writes a cell of the row at hand; those before it that were not written are empty.
    pub(super) fn cell(&mut self, column: u32, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        while self.width <= column {
            if self.width > 0 {
                self.row.push('\t');
            }
            self.width += 1;
        }
        self.has_value |= !text.trim().is_empty();
        let is_quoted = text.contains('"');
        self.row.extend(is_quoted.then_some('"'));
        for c in text.chars() {
            // A line is a row.
            match c {
                '\t' | '\n' | '\r' => self.row.push(' '),
                '"' => self.row.push_str("\"\""),
                c => self.row.push(c),
            }
        }
        self.row.extend(is_quoted.then_some('"'));
        if self.text.len() + self.row.len() > MOST_TEXT { Err(too_large()) } else { Ok(()) }
    }

    /// Notes that a cell is odd.
    pub(super) fn note(&mut self, row: u32, column: u32, odd: Odd) -> Result<(), Failure> {
        self.odd.push(((row, column), odd));
        self.has_formula |= odd == Odd::Formula;
        if self.odd.len() > MOST_ODD { Err(too_large()) } else { Ok(()) }
    }

    /// Ends the row at hand, which is the one with that number; rows before it that have nothing are blank lines.
    pub(super) fn end_row(&mut self, row: u32) -> Result<(), Failure> {
        if !self.has_value && self.has_formula {
            // It is a row all the same, and must not vanish.
            self.row.push('=');
        }
        if self.has_value || self.has_formula {
            if row >= MOST_ROWS || self.text.len() + self.row.len() + MOST_ROWS as usize > MOST_TEXT {
                return Err(too_large());
            }
            while self.lines < row {
                self.text.push('\n');
                self.lines += 1;
            }
            self.text.push_str(&self.row);
            self.text.push('\n');
            self.lines += 1;
        }
        self.row.clear();
        (self.width, self.has_value, self.has_formula) = (0, false, false);
        Ok(())
    }
}

/// Whether a number, written out, has more digits than a spreadsheet program keeps.
pub(super) fn is_long(number: &str) -> bool {
    number.bytes().filter(u8::is_ascii_digit).count() > 15
}

/// A number as people write it: 12.0 is 12, and no digit of a long one is lost.
pub(super) fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    Some(format!("{value}"))
}
