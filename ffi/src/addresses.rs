//! Addresses: one, and rows of them.

use std::ffi::c_char;
use std::sync::Arc;

use stapel::{AddressError, AddressKey, Fields, Level};

use crate::bytes::{
    Packed, array, bytes, out, out_of_memory, packed, past, reserve, spare, stapel_packed, stapel_str, str_bytes, utf8,
    value,
};
use crate::guard::{Outcome, guard};
use crate::handle::{Handle, Table, add, free, get};
use crate::messages::stapel_buffer;
use crate::status::stapel_status::{self, STAPEL_OK};

/// The canonical forms of an address, each ending with a NUL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_address {
    /// Of the home: postcode, number and addition, as in "1012JS|1|A"; of one without a postcode, its BAG id.
    pub unit: [c_char; 24],
    /// Of the house number that it is in, as in "1012JS|1"; empty for a home without a postcode.
    pub number: [c_char; 16],
}

/// The separate fields of one address, as a register or a table has them. Any may be empty, and is so where its pointer
/// is NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_fields {
    /// The postcode.
    pub postcode: stapel_str,
    /// The house number (huisnummer).
    pub number: stapel_str,
    /// The house letter (huisletter).
    pub letter: stapel_str,
    /// The house number's addition (huisnummertoevoeging).
    pub addition: stapel_str,
}

/// The columns of separate fields, each in one piece.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_packed_fields {
    /// The postcodes.
    pub postcode: stapel_packed,
    /// The house numbers.
    pub number: stapel_packed,
    /// The house letters.
    pub letter: stapel_packed,
    /// The additions.
    pub addition: stapel_packed,
}

/// How much of an address a row names.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum stapel_level {
    /// The row was refused.
    STAPEL_LEVEL_NONE = 0,
    /// One home.
    STAPEL_LEVEL_UNIT = 1,
    /// One house number.
    STAPEL_LEVEL_NUMBER = 2,
}

/// What became of one row. Its texts stay as long as the rows that they are of.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_row {
    /// The number of the row, counted from 0.
    pub row: usize,
    /// STAPEL_OK, or why the address was refused: STAPEL_ERROR_TOO_LONG and those after it.
    pub status: stapel_status,
    /// What it names.
    pub level: stapel_level,
    /// The caller's own reference; NULL where none were given.
    pub reference: stapel_str,
    /// The canonical form; NULL where it was refused.
    pub canonical: stapel_str,
    /// Of a refused one, the field at fault: "postcode", "huisnummer", "huisletter", "toevoeging" or "line".
    pub field: stapel_str,
    /// Of a refused one, what was found and what would help.
    pub message: stapel_str,
}

/// Rows of addresses that were read, each with its canonical form or why it was refused. They never change: any number
/// of threads may use the same rows at once, and the same rows can be given to any number of calls.
pub struct stapel_addresses {
    /// Those that were not refused, in the order of their rows.
    keys: Vec<AddressKey>,
    /// Those that were, ascending by row.
    refused: Vec<(usize, AddressError)>,
    references: Option<Arc<References>>,
}

/// After how many refused rows it is seen again whether there is memory for more.
const LOOKED_AFTER: usize = 1 << 12;

/// What the message of a refused row takes, and more.
const LONGEST_MESSAGE: usize = 1 << 10;

struct References {
    text: String,
    ends: Vec<usize>,
}

static TABLE: Table<stapel_addresses> = Table::new();

impl Handle for stapel_addresses {
    const NAME: &'static str = "addresses";

    fn table() -> &'static Table<Self> {
        &TABLE
    }
}

/// Reads one address as people write it, such as "Dam 1-a, 1012 JS Amsterdam", or in the canonical form of a home.
///
/// Errors: why it was refused, STAPEL_ERROR_TOO_LONG and those after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_address_from_text(
    text: *const c_char,
    text_len: usize,
    address: *mut stapel_address,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (text, address) = unsafe { (bytes(text, text_len, "text")?, out(address, "address")?) };
        address.write(stapel_address::of(&AddressKey::parse_bytes(text)?));
        Ok(())
    })
}

/// Reads the separate fields of one address.
///
/// Errors: why it was refused, STAPEL_ERROR_TOO_LONG and those after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_address_from_fields(
    fields: *const stapel_fields,
    address: *mut stapel_address,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (fields, address) = unsafe { (value(fields, "fields")?.bytes()?, out(address, "address")?) };
        address.write(stapel_address::of(&AddressKey::from_fields(&Fields::from_utf8(fields)?)?));
        Ok(())
    })
}

/// Reads rows of addresses as people write them: an array of texts.
///
/// A row that is refused, also because it is not UTF-8, does not stop the others: stapel_addresses_row tells why, and
/// the calls that take the rows leave it out. `references` is NULL, or an array of the caller's own references, one for
/// each row, which come back with the row; the library copies them, and they are in no message.
///
/// Errors: STAPEL_ERROR_NOT_UTF8 for a reference.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_from_texts(
    texts: *const stapel_str,
    references: *const stapel_str,
    count: usize,
    addresses: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (texts, references, addresses) = unsafe {
            (array(texts, count, "texts")?, References::of_strs(references, count)?, out(addresses, "addresses")?)
        };
        let mut read = stapel_addresses::with_room(count, references)?;
        for text in texts {
            // SAFETY: as above.
            read.push(AddressKey::parse_bytes(unsafe { str_bytes(text, "a text") }?))?;
        }
        addresses.write(add(read));
        Ok(())
    })
}

/// Reads rows of separate fields: an array of them. As stapel_addresses_from_texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_from_fields(
    fields: *const stapel_fields,
    references: *const stapel_str,
    count: usize,
    addresses: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (fields, references, addresses) = unsafe {
            (array(fields, count, "fields")?, References::of_strs(references, count)?, out(addresses, "addresses")?)
        };
        let mut read = stapel_addresses::with_room(count, references)?;
        for row in fields {
            // SAFETY: as above.
            read.push(from_fields(unsafe { row.bytes() }?))?;
        }
        addresses.write(add(read));
        Ok(())
    })
}

/// Reads rows of addresses as people write them: a column in one piece. As stapel_addresses_from_texts; `references` is
/// NULL or a column.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT where the ends of a column do not fit it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_from_packed_texts(
    texts: *const stapel_packed,
    references: *const stapel_packed,
    count: usize,
    addresses: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (texts, references, addresses) = unsafe {
            (packed(texts, count, "texts")?, References::of_packed(references, count)?, out(addresses, "addresses")?)
        };
        let mut read = stapel_addresses::with_room(count, references)?;
        texts.rows().try_for_each(|text| read.push(AddressKey::parse_bytes(text)))?;
        addresses.write(add(read));
        Ok(())
    })
}

/// Reads rows of separate fields: four columns, each in one piece. As stapel_addresses_from_packed_texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_from_packed_fields(
    fields: *const stapel_packed_fields,
    references: *const stapel_packed,
    count: usize,
    addresses: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (columns, references, addresses) = unsafe {
            let fields = value(fields, "fields")?;
            let columns = [
                packed(&fields.postcode, count, "fields.postcode")?,
                packed(&fields.number, count, "fields.number")?,
                packed(&fields.letter, count, "fields.letter")?,
                packed(&fields.addition, count, "fields.addition")?,
            ];
            (columns, References::of_packed(references, count)?, out(addresses, "addresses")?)
        };
        let mut read = stapel_addresses::with_room(count, references)?;
        let [postcodes, numbers, letters, additions] = columns.each_ref().map(Packed::rows);
        for (((postcode, number), letter), addition) in postcodes.zip(numbers).zip(letters).zip(additions) {
            read.push(from_fields([postcode, number, letter, addition]))?;
        }
        addresses.write(add(read));
        Ok(())
    })
}

/// The house numbers that homes are in, row by row, to ask about where the policy counts house numbers. An address
/// without a postcode, which is in none, stays as it is. References and refused rows are the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_numbers(
    addresses: *const stapel_addresses,
    numbers: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let numbers = unsafe { out(numbers, "numbers") }?;
        let homes = get(addresses)?;
        let mut made = stapel_addresses { keys: Vec::new(), refused: Vec::new(), references: homes.references.clone() };
        reserve(&mut made.keys, homes.keys.len())?;
        for row in homes.rows() {
            made.push(row.map(AddressKey::number_key).map_err(AddressError::clone))?;
        }
        numbers.write(add(made));
        Ok(())
    })
}

/// How many rows there are, and how many of them were refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_count(
    addresses: *const stapel_addresses,
    rows: *mut usize,
    refused: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (rows, refused) = unsafe { (out(rows, "rows")?, out(refused, "refused")?) };
        let addresses = get(addresses)?;
        rows.write(addresses.count());
        refused.write(addresses.refused.len());
        Ok(())
    })
}

/// What became of row `index`, counted from 0. The texts belong to the rows.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_row(
    addresses: *const stapel_addresses,
    index: usize,
    row: *mut stapel_row,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let row = unsafe { out(row, "row") }?;
        let addresses = get(addresses)?;
        row.write(addresses.row(index).ok_or_else(|| past("row", index, addresses.count()))?);
        Ok(())
    })
}

/// The refused row number `index` of those that were refused, counted from 0: to tell of them without looking at all
/// the others.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_refused_row(
    addresses: *const stapel_addresses,
    index: usize,
    row: *mut stapel_row,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let row = unsafe { out(row, "row") }?;
        let addresses = get(addresses)?;
        let refused = addresses.refused.get(index).and_then(|(at, _)| addresses.row(*at));
        row.write(refused.ok_or_else(|| past("refused row", index, addresses.refused.len()))?);
        Ok(())
    })
}

/// All canonical forms in one text, a line for each row, each line ending with a line feed; the line of a refused row
/// is empty.
///
/// The text is the caller's, to be freed with stapel_buffer_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_lines(
    addresses: *const stapel_addresses,
    lines: *mut *mut stapel_buffer,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let lines = unsafe { out(lines, "lines") }?;
        let addresses = get(addresses)?;
        let length = addresses.keys.iter().map(|key| key.as_bytes().len()).sum::<usize>() + addresses.count();
        let mut text = Vec::new();
        reserve(&mut text, length)?;
        for row in addresses.rows() {
            text.extend_from_slice(row.map_or(&[], AddressKey::as_bytes));
            text.push(b'\n');
        }
        lines.write(add(stapel_buffer(text)));
        Ok(())
    })
}

/// Frees rows of addresses. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_free(addresses: *mut stapel_addresses) -> stapel_status {
    free(addresses)
}

impl stapel_addresses {
    /// Room for so many rows.
    fn with_room(count: usize, references: Option<References>) -> Outcome<stapel_addresses> {
        let mut keys = Vec::new();
        reserve(&mut keys, count)?;
        Ok(stapel_addresses { keys, refused: Vec::new(), references: references.map(Arc::new) })
    }

    /// Addresses of the library's own, none of them refused.
    pub(crate) fn of(keys: Vec<AddressKey>) -> stapel_addresses {
        stapel_addresses { keys, refused: Vec::new(), references: None }
    }

    /// Those that were not refused, in the order of their rows.
    pub(crate) fn keys(&self) -> &[AddressKey] {
        &self.keys
    }

    /// How many were refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.len()
    }

    /// How many rows there are.
    pub(crate) fn count(&self) -> usize {
        self.keys.len() + self.refused.len()
    }

    /// The rows in their order, refused ones included.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Result<&AddressKey, &AddressError>> {
        let mut keys = self.keys.iter();
        let mut refused = self.refused.iter().peekable();
        (0..self.count()).filter_map(move |row| match refused.next_if(|(at, _)| *at == row) {
            Some((_, error)) => Some(Err(error)),
            None => keys.next().map(Ok),
        })
    }

    fn push(&mut self, read: Result<AddressKey, AddressError>) -> Outcome {
        match read {
            Ok(key) => self.keys.push(key),
            Err(error) => {
                if self.refused.len().is_multiple_of(LOOKED_AFTER) {
                    // What these rows are told of has room of its own, which nobody asks for.
                    spare(LOOKED_AFTER * LONGEST_MESSAGE)?;
                    reserve(&mut self.refused, LOOKED_AFTER)?;
                }
                self.refused.push((self.count(), error));
            }
        }
        Ok(())
    }

    fn row(&self, row: usize) -> Option<stapel_row> {
        let before = self.refused.partition_point(|(at, _)| *at < row);
        let reference = self.references.as_ref().map_or(stapel_str::NONE, |references| references.get(row));
        let blank = stapel_row {
            row,
            status: STAPEL_OK,
            level: stapel_level::STAPEL_LEVEL_NONE,
            reference,
            canonical: stapel_str::NONE,
            field: stapel_str::NONE,
            message: stapel_str::NONE,
        };
        Some(match self.refused.get(before).filter(|(at, _)| *at == row) {
            Some((_, error)) => stapel_row {
                status: stapel_status::of(error.code()),
                field: stapel_str::of(error.field()),
                message: stapel_str::of(error.message()),
                ..blank
            },
            None => {
                let key = self.keys.get(row - before)?;
                stapel_row { level: stapel_level::of(key), canonical: stapel_str::of(key.as_str()), ..blank }
            }
        })
    }
}

impl References {
    /// # Safety
    ///
    /// As of the functions that take them.
    unsafe fn of_strs(from: *const stapel_str, count: usize) -> Outcome<Option<References>> {
        if from.is_null() {
            return Ok(None);
        }
        let mut references = References { text: String::new(), ends: Vec::new() };
        reserve(&mut references.ends, count)?;
        // SAFETY: as the caller says.
        for reference in unsafe { array(from, count, "references") }? {
            // SAFETY: as the caller says.
            references.push(unsafe { str_bytes(reference, "a reference") }?)?;
        }
        Ok(Some(references))
    }

    /// # Safety
    ///
    /// As of the functions that take them.
    unsafe fn of_packed(from: *const stapel_packed, count: usize) -> Outcome<Option<References>> {
        if from.is_null() {
            return Ok(None);
        }
        // SAFETY: as the caller says.
        let column = unsafe { packed(from, count, "references") }?;
        let mut references = References { text: String::new(), ends: Vec::new() };
        reserve(&mut references.ends, count)?;
        references.text.try_reserve_exact(column.len()).map_err(|_| out_of_memory())?;
        for reference in column.rows() {
            references.push(reference)?;
        }
        Ok(Some(references))
    }

    fn push(&mut self, reference: &[u8]) -> Outcome {
        self.text.try_reserve(reference.len()).map_err(|_| out_of_memory())?;
        self.text.push_str(utf8(reference, "a reference")?);
        self.ends.push(self.text.len());
        Ok(())
    }

    fn get(&self, row: usize) -> stapel_str {
        let start = row.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let text = start.zip(self.ends.get(row)).and_then(|(start, end)| self.text.get(start..*end));
        text.map_or(stapel_str::NONE, stapel_str::of)
    }
}

impl stapel_fields {
    /// Postcode, number, letter and addition.
    ///
    /// # Safety
    ///
    /// Each is as for [`bytes`].
    // Always: without it, a row's four texts go through memory once more.
    #[inline(always)]
    unsafe fn bytes<'a>(&self) -> Outcome<[&'a [u8]; 4]> {
        // SAFETY: as the caller says.
        unsafe {
            Ok([
                str_bytes(&self.postcode, "a postcode")?,
                str_bytes(&self.number, "a number")?,
                str_bytes(&self.letter, "a letter")?,
                str_bytes(&self.addition, "an addition")?,
            ])
        }
    }
}

impl stapel_address {
    fn of(key: &AddressKey) -> stapel_address {
        let number = key.number_key();
        // An address without a postcode is in no house number.
        let number = if number.level() == Level::Number { number.as_bytes() } else { &[] };
        stapel_address { unit: terminated(key.as_bytes()), number: terminated(number) }
    }
}

impl stapel_level {
    pub(crate) fn of(key: &AddressKey) -> stapel_level {
        match key.level() {
            Level::Unit => stapel_level::STAPEL_LEVEL_UNIT,
            Level::Number => stapel_level::STAPEL_LEVEL_NUMBER,
        }
    }
}

fn from_fields(fields: [&[u8]; 4]) -> Result<AddressKey, AddressError> {
    AddressKey::from_fields(&Fields::from_utf8(fields)?)
}

/// A short ASCII text, and NULs up to the end.
fn terminated<const N: usize>(text: &[u8]) -> [c_char; N] {
    let mut terminated = [0; N];
    for (to, from) in terminated[..N - 1].iter_mut().zip(text) {
        *to = *from as c_char;
    }
    terminated
}
