//! Rows of addresses.

use std::sync::Arc;

use stapel::partner::Given;
use stapel::register::How;
use stapel::{AddressKey, Level};

use crate::address::{Found, Refused, number_alone, read_fields, read_text, stapel_fields, stapel_how, stapel_level};
use crate::bytes::{
    Packed, array, optional_packed, out, packed, past, reserve, spare, stapel_packed, stapel_str, str_bytes, value,
};
use crate::guard::{Outcome, guard};
use crate::handle::{Handle, Table, add, free, get, get_optional};
use crate::messages::stapel_buffer;
use crate::register::stapel_register;
use crate::status::stapel_status::{self, STAPEL_OK};
use crate::texts::Texts;

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
    /// The streets, as in stapel_fields. Zeros for no such column.
    pub street: stapel_packed,
    /// The towns. Zeros for no such column.
    pub town: stapel_packed,
}

/// How many rows were found in a register in each way. All are 0 where none was given.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct stapel_how_counts {
    /// STAPEL_HOW_REGISTERED.
    pub registered: usize,
    /// STAPEL_HOW_BY_ID.
    pub by_id: usize,
    /// STAPEL_HOW_COMPLETED.
    pub completed: usize,
    /// STAPEL_HOW_STREET.
    pub street: usize,
    /// STAPEL_HOW_OTHER_SPELLING.
    pub other_spelling: usize,
    /// STAPEL_HOW_UNREGISTERED.
    pub unregistered: usize,
    /// STAPEL_HOW_WITHDRAWN.
    pub withdrawn: usize,
}

/// What became of one row. Its texts stay as long as the rows that they are of.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_row {
    /// The number of the row, counted from 0.
    pub row: usize,
    /// STAPEL_OK, or why the address was refused: STAPEL_ERROR_TOO_LONG and those after it; with a register also
    /// _BAG_ID_UNKNOWN, _BAG_ID_WITHDRAWN, _NOT_IN_REGISTER and _SEVERAL_IN_REGISTER.
    pub status: stapel_status,
    /// What it names.
    pub level: stapel_level,
    /// How the register found it; STAPEL_HOW_NONE without a register.
    pub how: stapel_how,
    /// The caller's own reference; NULL where none were given.
    pub reference: stapel_str,
    /// The canonical form; NULL where it was refused.
    pub canonical: stapel_str,
    /// The address as it was given; of fields, those that are not empty, as on one line. NULL where it was refused, and
    /// for a house number that stapel_addresses_numbers made of a home.
    pub typed: stapel_str,
    /// The canonical form of the house number; NULL for a home without a postcode. A refused row has it too where the
    /// house number is certain and only the home in it is not: stapel_addresses_refused_numbers makes rows of these.
    pub number: stapel_str,
    /// Of a refused one, the field at fault: "postcode", "huisnummer", "huisletter", "toevoeging", "straat",
    /// "woonplaats" or "line".
    pub field: stapel_str,
    /// Of a refused one, what was found and what would help.
    pub message: stapel_str,
}

/// Rows of addresses that were read, each with its canonical form or why it was refused. They never change: any number
/// of threads may use the same rows at once, and the same rows can be given to any number of calls.
pub struct stapel_addresses {
    /// Those that were not refused, in the order of their rows.
    keys: Vec<AddressKey>,
    /// How each of them was found; empty where there was no register.
    how: Vec<How>,
    /// How each of them was written; empty where no texts were given.
    typed: Texts,
    /// Those that were, ascending by row.
    refused: Vec<RefusedRow>,
    /// How each of these was written whose house number may count alone; empty for the others.
    refused_typed: Texts,
    references: Option<Arc<Texts>>,
}

/// A row that is no address.
#[derive(Clone)]
pub(crate) struct RefusedRow {
    row: usize,
    refused: Refused,
    /// Its house number, where that may count alone.
    number_alone: Option<Found>,
}

/// After how many refused rows it is seen again whether there is memory for more.
const LOOKED_AFTER: usize = 1 << 12;

/// What the message of a refused row takes, and more.
const LONGEST_MESSAGE: usize = 1 << 10;

static TABLE: Table<stapel_addresses> = Table::new();

impl Handle for stapel_addresses {
    const NAME: &'static str = "addresses";

    fn table() -> &'static Table<Self> {
        &TABLE
    }
}

/// Reads rows of addresses as people write them: an array of texts.
///
/// `local_register` is NULL or a register, as for stapel_address_from_text: then a text may be a BAG id alone, and
/// `how` of each row and stapel_addresses_how_counts tell how they were found.
///
/// A row that is refused, also because it is not UTF-8, does not stop the others: stapel_addresses_row tells why, and
/// the calls that take the rows leave it out. `references` is NULL, or an array of the caller's own references, one for
/// each row, which come back with the row; the library copies them, and they are in no message.
///
/// The text of a row stays with it. A partner that flags it or asks about it keeps the text too, sealed in its own
/// folder, the first 200 visible characters, and shows it in answers and news. It is in no message.
///
/// Errors: STAPEL_ERROR_NOT_UTF8 for a reference; _REGISTER and _IO where the register's file is at fault.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_from_texts(
    local_register: *const stapel_register,
    texts: *const stapel_str,
    references: *const stapel_str,
    count: usize,
    addresses: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (texts, references, addresses) = unsafe {
            (array(texts, count, "texts")?, Texts::of_strs(references, count)?, out(addresses, "addresses")?)
        };
        let register = get_optional(local_register)?;
        let mut read = stapel_addresses::with_room(count, references, register.is_some())?;
        for text in texts {
            // SAFETY: as above.
            read.push_text(register.as_deref(), unsafe { str_bytes(text, "a text") }?)?;
        }
        addresses.write(add(read));
        Ok(())
    })
}

/// Reads rows of separate fields: an array of them. As stapel_addresses_from_texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_from_fields(
    local_register: *const stapel_register,
    fields: *const stapel_fields,
    references: *const stapel_str,
    count: usize,
    addresses: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (fields, references, addresses) = unsafe {
            (array(fields, count, "fields")?, Texts::of_strs(references, count)?, out(addresses, "addresses")?)
        };
        let register = get_optional(local_register)?;
        let mut read = stapel_addresses::with_room(count, references, register.is_some())?;
        for row in fields {
            // SAFETY: as above.
            let (four, place) = unsafe { (row.bytes()?, row.place()?) };
            read.push_fields(register.as_deref(), four, place)?;
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
    local_register: *const stapel_register,
    texts: *const stapel_packed,
    references: *const stapel_packed,
    count: usize,
    addresses: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (texts, references, addresses) = unsafe {
            (packed(texts, count, "texts")?, Texts::of_packed(references, count)?, out(addresses, "addresses")?)
        };
        let register = get_optional(local_register)?;
        let mut read = stapel_addresses::with_room(count, references, register.is_some())?;
        read.typed.reserve(texts.len())?;
        texts.rows().try_for_each(|text| read.push_text(register.as_deref(), text))?;
        addresses.write(add(read));
        Ok(())
    })
}

/// Reads rows of separate fields: columns, each in one piece. As stapel_addresses_from_packed_texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_from_packed_fields(
    local_register: *const stapel_register,
    fields: *const stapel_packed_fields,
    references: *const stapel_packed,
    count: usize,
    addresses: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (columns, places, references, addresses) = unsafe {
            let fields = value(fields, "fields")?;
            let columns = [
                packed(&fields.postcode, count, "fields.postcode")?,
                packed(&fields.number, count, "fields.number")?,
                packed(&fields.letter, count, "fields.letter")?,
                packed(&fields.addition, count, "fields.addition")?,
            ];
            let places = [
                optional_packed(&fields.street, count, "fields.street")?,
                optional_packed(&fields.town, count, "fields.town")?,
            ];
            (columns, places, Texts::of_packed(references, count)?, out(addresses, "addresses")?)
        };
        let register = get_optional(local_register)?;
        let mut read = stapel_addresses::with_room(count, references, register.is_some())?;
        let [postcodes, numbers, letters, additions] = columns.each_ref().map(Packed::rows);
        let mut places = places.each_ref().map(|column| column.as_ref().map(Packed::rows));
        for (((postcode, number), letter), addition) in postcodes.zip(numbers).zip(letters).zip(additions) {
            let place = places.each_mut().map(|column| column.as_mut().and_then(Iterator::next).unwrap_or_default());
            read.push_fields(register.as_deref(), [postcode, number, letter, addition], place)?;
        }
        addresses.write(add(read));
        Ok(())
    })
}

/// The house numbers that homes are in, row by row, to ask about where the policy counts house numbers. An address
/// without a postcode, which is in none, stays as it is, with its text. References and refused rows are the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_numbers(
    addresses: *const stapel_addresses,
    numbers: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let numbers = unsafe { out(numbers, "numbers") }?;
        let homes = get(addresses)?;
        let mut made = stapel_addresses {
            references: homes.references.clone(),
            ..stapel_addresses::of(Vec::new(), Texts::default())
        };
        reserve(&mut made.keys, homes.keys.len())?;
        reserve(&mut made.how, homes.how.len())?;
        made.keys.extend(homes.keys.iter().map(AddressKey::number_key));
        made.how.extend_from_slice(&homes.how);
        made.typed = homes.typed_where(|key| key.number_key() == *key)?;
        for (at, refused) in homes.refused.iter().enumerate() {
            made.keep_refused(refused.clone(), |typed| homes.refused_typed.copy(at, typed))?;
        }
        numbers.write(add(made));
        Ok(())
    })
}

/// The house numbers of refused rows, where only the home is not certain ("Dam 1, 2e verdieping, 1012 JS"): rows of
/// these numbers alone, in the order of the refused ones, to be flagged, withdrawn or asked about where the policy
/// counts the level `number`. They count for no home: show the refused rows to somebody all the same.
///
/// Each has the reference of its row, and its text as it was given. Where the rows were read with a register, there are
/// only those numbers at which it has an address, found as STAPEL_HOW_REGISTERED. None of them is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_refused_numbers(
    addresses: *const stapel_addresses,
    numbers: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let numbers = unsafe { out(numbers, "numbers") }?;
        let homes = get(addresses)?;
        let mut made = stapel_addresses::of(Vec::new(), Texts::default());
        let mut references = Texts::default();
        for (at, refused) in homes.refused.iter().enumerate() {
            let Some(found) = refused.number_alone else { continue };
            reserve(&mut made.keys, 1)?;
            reserve(&mut made.how, 1)?;
            made.push(found);
            homes.refused_typed.copy(at, &mut made.typed)?;
            if let Some(given) = &homes.references {
                given.copy(refused.row, &mut references)?;
            }
        }
        made.references = homes.references.is_some().then(|| Arc::new(references));
        numbers.write(add(made));
        Ok(())
    })
}

/// Some of the rows, named by their numbers, counted from 0: in that order, each as it is, with its text and reference.
///
/// So is one flag withdrawn whose address cannot be read again, such as a home without a postcode whose id the register
/// says was withdrawn since: pick its row of stapel_partner_flags, and give that to stapel_partner_withdraw.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a number past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_pick(
    addresses: *const stapel_addresses,
    rows: *const u64,
    count: usize,
    picked: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (rows, picked) = unsafe { (array(rows, count, "rows")?, out(picked, "picked")?) };
        let addresses = get(addresses)?;
        let mut made = stapel_addresses::of(Vec::new(), Texts::default());
        let mut references = Texts::default();
        for row in rows {
            let row = usize::try_from(*row).unwrap_or(usize::MAX);
            made.push_row(&addresses, row)?;
            if let Some(given) = &addresses.references {
                given.copy(row, &mut references)?;
            }
        }
        made.references = addresses.references.is_some().then(|| Arc::new(references));
        picked.write(add(made));
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

/// How many rows were found in the register in each way. Show the last two to somebody: these addresses are flagged and
/// asked about as they were given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_addresses_how_counts(
    addresses: *const stapel_addresses,
    counts: *mut stapel_how_counts,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let to = unsafe { out(counts, "counts") }?;
        let mut counts = stapel_how_counts::default();
        for how in &get(addresses)?.how {
            *counts.of(*how) += 1;
        }
        to.write(counts);
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
        let refused = addresses.refused.get(index).and_then(|refused| addresses.row(refused.row));
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
    /// Room for so many rows, and where a register is asked for how each was found.
    fn with_room(count: usize, references: Option<Texts>, has_register: bool) -> Outcome<stapel_addresses> {
        let mut made = stapel_addresses {
            references: references.map(Arc::new),
            ..stapel_addresses::of(Vec::new(), Texts::default())
        };
        reserve(&mut made.keys, count)?;
        made.typed.reserve_rows(count)?;
        reserve(&mut made.how, if has_register { count } else { 0 })?;
        Ok(made)
    }

    /// Addresses of the library's own, none of them refused, with how each was written.
    pub(crate) fn of(keys: Vec<AddressKey>, typed: Texts) -> stapel_addresses {
        stapel_addresses {
            keys,
            how: Vec::new(),
            typed,
            refused: Vec::new(),
            refused_typed: Texts::default(),
            references: None,
        }
    }

    /// Those that were not refused, in the order of their rows.
    pub(crate) fn keys(&self) -> &[AddressKey] {
        &self.keys
    }

    /// Those that were not refused, as a partner is given them.
    pub(crate) fn given(&self) -> impl Iterator<Item = Given<'_>> {
        self.keys.iter().enumerate().map(|(at, key)| {
            let given = Given::from(key).typed(self.typed.get(at).unwrap_or_default());
            if self.how.is_empty() { given } else { given.resolved() }
        })
    }

    /// How they were written, of some alone: with no text for the others.
    fn typed_where(&self, stays: impl Fn(&AddressKey) -> bool) -> Outcome<Texts> {
        let mut typed = Texts::default();
        if self.keys.iter().any(&stays) {
            typed.reserve_rows(self.keys.len())?;
            for (at, key) in self.keys.iter().enumerate() {
                if stays(key) { self.typed.copy(at, &mut typed)? } else { typed.push_none()? }
            }
        }
        Ok(typed)
    }

    /// How many bytes the texts of all of them have.
    pub(crate) fn typed_bytes(&self) -> usize {
        self.typed.bytes()
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
    pub(crate) fn rows(&self) -> impl Iterator<Item = Result<&AddressKey, &RefusedRow>> {
        let mut keys = self.keys.iter();
        let mut refused = self.refused.iter().peekable();
        (0..self.count()).filter_map(move |row| match refused.next_if(|refused| refused.row == row) {
            Some(refused) => Some(Err(refused)),
            None => keys.next().map(Ok),
        })
    }

    fn push_text(&mut self, register: Option<&stapel_register>, text: &[u8]) -> Outcome {
        let write = |typed: &mut Texts| typed.push(text, "a text");
        match read_text(register, text)? {
            Ok(found) => {
                self.push(found);
                write(&mut self.typed)
            }
            Err(refused) => self.push_refused(register, refused, write),
        }
    }

    fn push_fields(&mut self, register: Option<&stapel_register>, fields: [&[u8]; 4], place: [&[u8]; 2]) -> Outcome {
        let ([postcode, number, letter, addition], [street, town]) = (fields, place);
        let write = |typed: &mut Texts| typed.push_joined([street, number, letter, addition, postcode, town]);
        match read_fields(register, fields, place)? {
            Ok(found) => {
                self.push(found);
                write(&mut self.typed)
            }
            Err(refused) => self.push_refused(register, refused, write),
        }
    }

    /// Takes the next row, for which there is room.
    #[inline]
    fn push(&mut self, found: Found) {
        self.keys.push(found.key);
        self.how.extend(found.how);
    }

    /// Takes a refused row, the next after those that there are. `write` writes its text.
    #[cold]
    fn push_refused(
        &mut self,
        register: Option<&stapel_register>,
        refused: Refused,
        write: impl FnOnce(&mut Texts) -> Outcome,
    ) -> Outcome {
        let number_alone = number_alone(register, &refused)?;
        self.keep_refused(RefusedRow { row: self.count(), refused, number_alone }, write)
    }

    /// Takes a row of others.
    fn push_row(&mut self, from: &stapel_addresses, row: usize) -> Outcome {
        let before = from.refused.partition_point(|refused| refused.row < row);
        if let Some(refused) = from.refused.get(before).filter(|refused| refused.row == row) {
            let refused = RefusedRow { row: self.count(), ..refused.clone() };
            return self.keep_refused(refused, |typed| from.refused_typed.copy(before, typed));
        }
        let at = row - before;
        let key = *from.keys.get(at).ok_or_else(|| past("row", row, from.count()))?;
        reserve(&mut self.keys, 1)?;
        reserve(&mut self.how, 1)?;
        self.push(Found { key, how: from.how.get(at).copied() });
        from.typed.copy(at, &mut self.typed)
    }

    fn keep_refused(&mut self, refused: RefusedRow, write: impl FnOnce(&mut Texts) -> Outcome) -> Outcome {
        if self.refused.len().is_multiple_of(LOOKED_AFTER) {
            // What these rows are told of has room of its own, which nobody asks for.
            spare(LOOKED_AFTER * LONGEST_MESSAGE)?;
            reserve(&mut self.refused, LOOKED_AFTER)?;
        }
        match refused.number_alone {
            Some(_) => write(&mut self.refused_typed)?,
            None => self.refused_typed.push_none()?,
        }
        self.refused.push(refused);
        Ok(())
    }

    fn row(&self, row: usize) -> Option<stapel_row> {
        let before = self.refused.partition_point(|refused| refused.row < row);
        let reference = self.references.as_ref().and_then(|references| references.get(row));
        let blank = stapel_row {
            row,
            status: STAPEL_OK,
            level: stapel_level::STAPEL_LEVEL_NONE,
            how: stapel_how::STAPEL_HOW_NONE,
            reference: stapel_str::optional(reference),
            canonical: stapel_str::NONE,
            typed: stapel_str::NONE,
            number: stapel_str::NONE,
            field: stapel_str::NONE,
            message: stapel_str::NONE,
        };
        Some(match self.refused.get(before).filter(|refused| refused.row == row) {
            Some(RefusedRow { refused, .. }) => stapel_row {
                status: refused.status(),
                number: stapel_str::optional(refused.number.as_ref().map(AddressKey::as_str)),
                field: stapel_str::of(refused.field()),
                message: stapel_str::of(refused.message()),
                ..blank
            },
            None => {
                let key = self.keys.get(row - before)?;
                let (canonical, number) = (key.as_str(), key.number_key());
                // The form of a home begins with that of its house number.
                let number = canonical.get(..number.as_str().len()).filter(|_| number.level() == Level::Number);
                stapel_row {
                    level: stapel_level::of(key),
                    how: stapel_how::of(self.how.get(row - before).copied()),
                    canonical: stapel_str::of(canonical),
                    typed: self.typed.shown(row - before),
                    number: stapel_str::optional(number),
                    ..blank
                }
            }
        })
    }
}

impl stapel_how_counts {
    /// The number of those that were found so.
    fn of(&mut self, how: How) -> &mut usize {
        match how {
            How::Registered => &mut self.registered,
            How::ById => &mut self.by_id,
            How::Completed => &mut self.completed,
            How::Street => &mut self.street,
            How::OtherSpelling => &mut self.other_spelling,
            How::Unregistered => &mut self.unregistered,
            How::Withdrawn => &mut self.withdrawn,
        }
    }
}
