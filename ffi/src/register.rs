//! A local register of addresses, and what it says of one.

use std::ffi::c_char;

use stapel::AddressKey;
use stapel::register::{Findings, Register, RegisterEntry};

use crate::address::terminated;
use crate::bytes::{out, past, path, stapel_str, text};
use crate::guard::guard;
use crate::handle::{Handle, Table, add, free, get};
use crate::status::stapel_status;

/// A local register of the addresses that exist (BAG), which `stapel register build` made. Open it once, and give it to
/// the calls that read addresses. It never changes: any number of threads may look things up in it at once. What is
/// looked up stays in the process.
pub struct stapel_register(pub(crate) Register);

/// What a register says of the address of a key. It never changes: any number of threads may look at it at once.
pub struct stapel_findings(Findings);

/// What a register says of itself.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_register_about {
    /// How many addresses it has, those that were withdrawn included.
    pub addresses: usize,
    /// How many of them were withdrawn.
    pub withdrawn: usize,
    /// The day of the extract that it was built from, as in "2026-11-01"; ends with a NUL.
    pub source_day: [c_char; 16],
}

/// An address as the register has it. Texts that it does not have are empty.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_register_entry {
    /// Its canonical form.
    pub canonical: stapel_str,
    /// The street (openbare ruimte).
    pub street: stapel_str,
    /// The town (woonplaats).
    pub town: stapel_str,
    /// The postcode; empty for an address without one.
    pub postcode: stapel_str,
    /// The house number.
    pub number: u32,
    /// The house letter.
    pub letter: stapel_str,
    /// The house number's addition.
    pub addition: stapel_str,
    /// The id of the nummeraanduiding.
    pub id: stapel_str,
    /// The id of the verblijfsobject, ligplaats or standplaats.
    pub object: stapel_str,
    /// The id of the building (pand).
    pub building: stapel_str,
    /// The latitude in degrees (ETRS89); NaN where the register has no coordinates.
    pub latitude: f64,
    /// The longitude in degrees; NaN where there is no latitude.
    pub longitude: f64,
    /// Not 0 where it is a second address (nevenadres) of its object.
    pub is_secondary: i32,
    /// Not 0 where it was withdrawn.
    pub is_withdrawn: i32,
}

static REGISTERS: Table<stapel_register> = Table::new();
static FINDINGS: Table<stapel_findings> = Table::new();

impl Handle for stapel_register {
    const NAME: &'static str = "a register";

    fn table() -> &'static Table<Self> {
        &REGISTERS
    }
}

impl Handle for stapel_findings {
    const NAME: &'static str = "findings";

    fn table() -> &'static Table<Self> {
        &FINDINGS
    }
}

/// Opens a register. `local_register` is to be freed with stapel_register_free. A new file may be put in the place of
/// one that is open, which goes on with what it was.
///
/// Errors: STAPEL_ERROR_REGISTER where the file is none or is damaged; _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_register_open(
    file: *const c_char,
    file_len: usize,
    local_register: *mut *mut stapel_register,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (file, register) = unsafe { (path(file, file_len, "file")?, out(local_register, "local_register")?) };
        register.write(add(stapel_register(Register::open(file)?)));
        Ok(())
    })
}

/// How many addresses a register has, and of which day they are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_register_describe(
    local_register: *const stapel_register,
    about: *mut stapel_register_about,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let about = unsafe { out(about, "about") }?;
        let register = get(local_register)?;
        about.write(stapel_register_about {
            addresses: register.0.len(),
            withdrawn: register.0.withdrawn(),
            source_day: terminated(register.0.source_day().to_string().as_bytes()),
        });
        Ok(())
    })
}

/// Looks up what a register says of a canonical form, such as `canonical` of a row. `findings` is to be freed with
/// stapel_findings_free.
///
/// Errors: STAPEL_ERROR_NOT_CANONICAL; _REGISTER and _IO where the register's file is at fault.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_register_look_up(
    local_register: *const stapel_register,
    canonical: *const c_char,
    canonical_len: usize,
    findings: *mut *mut stapel_findings,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (canonical, findings) =
            unsafe { (text(canonical, canonical_len, "canonical")?, out(findings, "findings")?) };
        let key = AddressKey::from_canonical(canonical)?;
        findings.write(add(stapel_findings(get(local_register)?.0.look_up(&key)?)));
        Ok(())
    })
}

/// Frees a register. NULL is no error. Rows that were read with it stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_register_free(local_register: *mut stapel_register) -> stapel_status {
    free(local_register)
}

/// How many entries the register has for the address, those that were withdrawn among them: 0 where it does not have
/// it, several where it is that of more than one object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_findings_count(findings: *const stapel_findings, count: *mut usize) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(findings)?.0.entries.len());
        Ok(())
    })
}

/// Entry `index`, counted from 0. The texts belong to the findings.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_findings_get(
    findings: *const stapel_findings,
    index: usize,
    entry: *mut stapel_register_entry,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let entry = unsafe { out(entry, "entry") }?;
        let findings = get(findings)?;
        let entries = &findings.0.entries;
        let found = entries.get(index).ok_or_else(|| past("entry", index, entries.len()))?;
        entry.write(stapel_register_entry::of(found));
        Ok(())
    })
}

/// Where all entries were withdrawn, the canonical form of the address that their object has now; NULL where it has
/// none, or not all were withdrawn. The text belongs to the findings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_findings_now(findings: *const stapel_findings, now: *mut stapel_str) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let now = unsafe { out(now, "now") }?;
        let findings = get(findings)?;
        now.write(stapel_str::optional(findings.0.now.as_ref().map(AddressKey::as_str)));
        Ok(())
    })
}

/// Frees findings. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_findings_free(findings: *mut stapel_findings) -> stapel_status {
    free(findings)
}

impl stapel_register_entry {
    fn of(entry: &RegisterEntry) -> stapel_register_entry {
        let (latitude, longitude) = entry.at.unwrap_or((f64::NAN, f64::NAN));
        stapel_register_entry {
            canonical: stapel_str::of(entry.key.as_str()),
            street: stapel_str::of(&entry.street),
            town: stapel_str::of(&entry.town),
            postcode: stapel_str::of(&entry.postcode),
            number: entry.number,
            letter: stapel_str::of(&entry.letter),
            addition: stapel_str::of(&entry.addition),
            id: stapel_str::of(&entry.id),
            object: stapel_str::of(&entry.object),
            building: stapel_str::of(&entry.building),
            latitude,
            longitude,
            is_secondary: entry.is_secondary.into(),
            is_withdrawn: entry.is_withdrawn.into(),
        }
    }
}
