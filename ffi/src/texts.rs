//! Texts that come with rows: how addresses were written, and references.

use crate::bytes::{array, out_of_memory, packed, reserve, stapel_packed, stapel_str, str_bytes, utf8};
use crate::guard::Outcome;

/// Texts in one piece, of which there may be millions.
#[derive(Default)]
pub(crate) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    /// # Safety
    ///
    /// As of the functions that take references.
    pub(crate) unsafe fn of_strs(from: *const stapel_str, count: usize) -> Outcome<Option<Texts>> {
        if from.is_null() {
            return Ok(None);
        }
        let mut references = Texts::default();
        references.reserve_rows(count)?;
        // SAFETY: as the caller says.
        for reference in unsafe { array(from, count, "references") }? {
            // SAFETY: as the caller says.
            references.push(unsafe { str_bytes(reference, "a reference") }?, "a reference")?;
        }
        Ok(Some(references))
    }

    /// # Safety
    ///
    /// As of the functions that take references.
    pub(crate) unsafe fn of_packed(from: *const stapel_packed, count: usize) -> Outcome<Option<Texts>> {
        if from.is_null() {
            return Ok(None);
        }
        // SAFETY: as the caller says.
        let column = unsafe { packed(from, count, "references") }?;
        let mut references = Texts::default();
        references.reserve_rows(count)?;
        references.reserve(column.len())?;
        for reference in column.rows() {
            references.push(reference, "a reference")?;
        }
        Ok(Some(references))
    }

    /// Room for so many texts.
    pub(crate) fn reserve_rows(&mut self, rows: usize) -> Outcome {
        reserve(&mut self.ends, rows)
    }

    /// Room for texts of so many bytes in all.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Outcome {
        self.text.try_reserve(bytes).map_err(|_| out_of_memory())
    }

    pub(crate) fn push(&mut self, text: &[u8], name: &str) -> Outcome {
        self.reserve(text.len())?;
        self.text.push_str(utf8(text, name)?);
        self.end()
    }

    /// What is not empty of the fields of an address, with spaces between.
    pub(crate) fn push_joined(&mut self, fields: [&[u8]; 6]) -> Outcome {
        self.reserve(fields.iter().map(|field| field.len() + 1).sum())?;
        let start = self.text.len();
        for field in fields {
            let field = utf8(field, "a field")?.trim();
            if !field.is_empty() && self.text.len() > start {
                self.text.push(' ');
            }
            self.text.push_str(field);
        }
        self.end()
    }

    /// No text, for a row that has none.
    pub(crate) fn push_none(&mut self) -> Outcome {
        self.end()
    }

    /// Adds the text at a place to others; none where there is none.
    pub(crate) fn copy(&self, at: usize, to: &mut Texts) -> Outcome {
        let text = self.get(at).unwrap_or_default();
        to.reserve(text.len())?;
        to.text.push_str(text);
        to.end()
    }

    /// How many bytes all of them have.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    fn end(&mut self) -> Outcome {
        self.reserve_rows(1)?;
        self.ends.push(self.text.len());
        Ok(())
    }

    /// The text at a place, for the caller; none where it is empty.
    pub(crate) fn shown(&self, at: usize) -> stapel_str {
        stapel_str::optional(self.get(at).filter(|text| !text.is_empty()))
    }

    /// The text at a place; `None` where there is none.
    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => *self.ends.get(before)?,
        };
        self.text.get(start..*self.ends.get(at)?)
    }
}
