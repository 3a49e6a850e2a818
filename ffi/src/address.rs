//! One address: how it is given, and what is read of it.

use std::ffi::c_char;

use stapel::register::{How, Lookup, RegisterError};
use stapel::{AddressError, AddressKey, Fields, Level};

use crate::bytes::{bytes, out, stapel_str, str_bytes, value};
use crate::guard::{Failure, Outcome, guard};
use crate::handle::get_optional;
use crate::register::stapel_register;
use crate::status::stapel_status;

/// The canonical forms of an address, each ending with a NUL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_address {
    /// Of the home: postcode, number and addition, as in "1012JS|1|A"; of one without a postcode, its BAG id. Empty
    /// where it was refused.
    pub unit: [c_char; 24],
    /// Of the house number that it is in, as in "1012JS|1"; empty for a home without a postcode. Where the home was
    /// refused, this is filled in still if the house number is certain.
    pub number: [c_char; 16],
    /// How the register found it; STAPEL_HOW_NONE without a register.
    pub how: stapel_how,
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
    /// The street (openbare ruimte): with a register used where there is no postcode; else it stands only in the text
    /// that is kept of the address.
    pub street: stapel_str,
    /// The town (woonplaats): as the street.
    pub town: stapel_str,
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

/// How an address was found in a register.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum stapel_how {
    /// It was read without a register, or refused.
    STAPEL_HOW_NONE = 0,
    /// As it was given; the register has it.
    STAPEL_HOW_REGISTERED = 1,
    /// By its BAG id.
    STAPEL_HOW_BY_ID = 2,
    /// From street, number and town, which only one address has.
    STAPEL_HOW_COMPLETED = 3,
    /// By the name of its street, without which it could not be told which number is the house's.
    STAPEL_HOW_STREET = 4,
    /// The register has only another spelling of that floor, as H for hs.
    STAPEL_HOW_OTHER_SPELLING = 5,
    /// As it was given; the register has no such address.
    STAPEL_HOW_UNREGISTERED = 6,
    /// As it was given; the register says that the address was withdrawn.
    STAPEL_HOW_WITHDRAWN = 7,
}

/// What is no address.
#[derive(Clone)]
pub(crate) struct Refused {
    why: Refusal,
    /// The house number, where it is certain.
    pub(crate) number: Option<AddressKey>,
}

/// Why it is none.
#[derive(Clone)]
enum Refusal {
    Address(AddressError),
    /// What the register says of it.
    Register {
        status: stapel_status,
        message: String,
    },
}

/// An address that was read.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) key: AddressKey,
    pub(crate) how: Option<How>,
}

/// Reads one address as people write it, such as "Dam 1-a, 1012 JS Amsterdam", or in the canonical form of a home.
///
/// `local_register` is NULL, or a register, which has it read as the registered address that it means: then a BAG id
/// alone is enough, and so are street, number and town without a postcode.
///
/// Where it is refused, `address` is written too: its `number`, if that is certain.
///
/// Errors: why it was refused, STAPEL_ERROR_TOO_LONG and those after it; with a register also _BAG_ID_UNKNOWN,
/// _BAG_ID_WITHDRAWN, _NOT_IN_REGISTER, _SEVERAL_IN_REGISTER, and _REGISTER and _IO where its file is at fault.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_address_from_text(
    local_register: *const stapel_register,
    text: *const c_char,
    text_len: usize,
    address: *mut stapel_address,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (text, address) = unsafe { (bytes(text, text_len, "text")?, out(address, "address")?) };
        let register = get_optional(local_register)?;
        let read = read_text(register.as_deref(), text)?;
        address.write(stapel_address::of(&read));
        read.map(drop).map_err(Failure::from)
    })
}

/// Reads the separate fields of one address. As stapel_address_from_text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_address_from_fields(
    local_register: *const stapel_register,
    fields: *const stapel_fields,
    address: *mut stapel_address,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (fields, address) = unsafe { (value(fields, "fields")?, out(address, "address")?) };
        let register = get_optional(local_register)?;
        // SAFETY: as above.
        let (fields, place) = unsafe { (fields.bytes()?, fields.place()?) };
        let read = read_fields(register.as_deref(), fields, place)?;
        address.write(stapel_address::of(&read));
        read.map(drop).map_err(Failure::from)
    })
}

#[inline]
pub(crate) fn read_text(register: Option<&stapel_register>, text: &[u8]) -> Outcome<Result<Found, Refused>> {
    match register {
        None => Ok(alone(AddressKey::parse_bytes(text))),
        Some(register) => resolve(register, Lookup::text_from_utf8(text)),
    }
}

/// Postcode, number, letter and addition; street and town.
#[inline]
pub(crate) fn read_fields(
    register: Option<&stapel_register>,
    fields: [&[u8]; 4],
    [street, town]: [&[u8]; 2],
) -> Outcome<Result<Found, Refused>> {
    let place = || Lookup::place_from_utf8(fields, street, town);
    match register {
        None if street.is_empty() && town.is_empty() => Ok(alone(from_fields(fields))),
        None => Ok(alone(place().and_then(|_| from_fields(fields)))),
        Some(register) => resolve(register, place()),
    }
}

/// An address that was read without a register.
#[inline]
fn alone(read: Result<AddressKey, AddressError>) -> Result<Found, Refused> {
    read.map(|key| Found { key, how: None }).map_err(Refused::from)
}

/// What a register makes of an address. A fault of its file says nothing of the address, and ends the call.
fn resolve(register: &stapel_register, lookup: Result<Lookup<'_>, AddressError>) -> Outcome<Result<Found, Refused>> {
    let found = lookup.map_err(RegisterError::from).and_then(|lookup| register.0.resolve(lookup));
    Ok(match found {
        Ok(found) => Ok(Found { key: found.key, how: Some(found.how) }),
        Err(RegisterError::Address(error)) => Err(error.into()),
        Err(
            error @ (RegisterError::IdUnknown { .. }
            | RegisterError::IdWithdrawn { .. }
            | RegisterError::NotRegistered { .. }
            | RegisterError::Several { .. }),
        ) => {
            let why = Refusal::Register { status: stapel_status::of(error.code()), message: error.to_string() };
            Err(Refused { why, number: None })
        }
        Err(error) => return Err(error.into()),
    })
}

/// The house number of a home that was refused, as it may count alone: where it is certain, and a register, if there is
/// one, has an address at it.
pub(crate) fn number_alone(register: Option<&stapel_register>, refused: &Refused) -> Outcome<Option<Found>> {
    let Some(key) = refused.number else { return Ok(None) };
    let Some(register) = register else { return Ok(Some(Found { key, how: None })) };
    let is_there = register.0.look_up(&key)?.entries.iter().any(|entry| !entry.is_withdrawn);
    Ok(is_there.then_some(Found { key, how: Some(How::Registered) }))
}

impl From<AddressError> for Refused {
    fn from(error: AddressError) -> Refused {
        Refused { number: error.number_key(), why: Refusal::Address(error) }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Failure {
        match refused.why {
            Refusal::Address(error) => error.into(),
            Refusal::Register { status, message } => Failure::new(status, message),
        }
    }
}

impl Refused {
    pub(crate) fn status(&self) -> stapel_status {
        match &self.why {
            Refusal::Address(error) => stapel_status::of(error.code()),
            Refusal::Register { status, .. } => *status,
        }
    }

    pub(crate) fn field(&self) -> &'static str {
        match &self.why {
            Refusal::Address(error) => error.field(),
            Refusal::Register { .. } => "line",
        }
    }

    pub(crate) fn message(&self) -> &str {
        match &self.why {
            Refusal::Address(error) => error.message(),
            Refusal::Register { message, .. } => message,
        }
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
    pub(crate) unsafe fn bytes<'a>(&self) -> Outcome<[&'a [u8]; 4]> {
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

    /// Street and town.
    ///
    /// # Safety
    ///
    /// Each is as for [`bytes`].
    pub(crate) unsafe fn place<'a>(&self) -> Outcome<[&'a [u8]; 2]> {
        // SAFETY: as the caller says.
        unsafe { Ok([str_bytes(&self.street, "a street")?, str_bytes(&self.town, "a town")?]) }
    }
}

impl stapel_address {
    fn of(read: &Result<Found, Refused>) -> stapel_address {
        let (unit, number, how) = match read {
            // An address without a postcode is in no house number.
            Ok(Found { key, how }) => {
                (key.as_bytes(), Some(key.number_key()).filter(|number| number.level() == Level::Number), *how)
            }
            Err(refused) => (&[][..], refused.number, None),
        };
        stapel_address {
            unit: terminated(unit),
            number: terminated(number.as_ref().map_or(&[], AddressKey::as_bytes)),
            how: stapel_how::of(how),
        }
    }
}

impl stapel_how {
    pub(crate) fn of(how: Option<How>) -> stapel_how {
        match how {
            None => stapel_how::STAPEL_HOW_NONE,
            Some(How::Registered) => stapel_how::STAPEL_HOW_REGISTERED,
            Some(How::ById) => stapel_how::STAPEL_HOW_BY_ID,
            Some(How::Completed) => stapel_how::STAPEL_HOW_COMPLETED,
            Some(How::Street) => stapel_how::STAPEL_HOW_STREET,
            Some(How::OtherSpelling) => stapel_how::STAPEL_HOW_OTHER_SPELLING,
            Some(How::Unregistered) => stapel_how::STAPEL_HOW_UNREGISTERED,
            Some(How::Withdrawn) => stapel_how::STAPEL_HOW_WITHDRAWN,
        }
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
pub(crate) fn terminated<const N: usize>(text: &[u8]) -> [c_char; N] {
    let mut terminated = [0; N];
    for (to, from) in terminated[..N - 1].iter_mut().zip(text) {
        *to = *from as c_char;
    }
    terminated
}
