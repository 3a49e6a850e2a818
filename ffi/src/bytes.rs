//! Pointers and lengths from the other side to slices and texts, and results to where the caller wants them: the only
//! place where a pointer of the caller's is followed.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::path::Path;
use std::{ptr, slice};

use stapel::Case;
use stapel::partner::Place;

use crate::guard::{Failure, Outcome};
use crate::status::stapel_status::{
    STAPEL_ERROR_INVALID_ARGUMENT, STAPEL_ERROR_NOT_UTF8, STAPEL_ERROR_NULL_ARGUMENT, STAPEL_ERROR_OUT_OF_MEMORY,
};

/// A text in UTF-8: where it begins, and how many bytes it has. One that the library gives out does not end with a NUL;
/// its pointer is NULL where there is none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_str {
    /// The first byte. May be NULL where there are none.
    pub ptr: *const c_char,
    /// The number of bytes; in what is given to the library also STAPEL_NUL_TERMINATED.
    pub len: usize,
}

/// A column of texts in one piece: all texts one after the other, and where each ends. What a program in Python, Java,
/// C# or PHP can hand over fastest.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_packed {
    /// All texts, one after the other, with nothing between them.
    pub bytes: *const c_char,
    /// The number of bytes in all.
    pub bytes_len: usize,
    /// For each row the place in `bytes` where its text ends, which is where that of the next row begins: never less
    /// than the one before, and the last one `bytes_len`.
    pub ends: *const u64,
}

/// Who acts, and for which case. Stays in the partner's own journal; the broker never sees it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_case {
    /// The acting user, as the partner's own systems name them: 1 to 200 characters on one line.
    pub actor: stapel_str,
    /// The reference of the case: 1 to 200 characters on one line.
    pub reference: stapel_str,
}

/// The length of a text that ends with a NUL; `STAPEL_NUL_TERMINATED` in the header.
const NUL_TERMINATED: usize = usize::MAX;

/// The most bytes of a path, a name or a reason. Far more than any has; what is longer is a length that went wrong.
const MAX_TEXT: usize = 65_536;

/// Where a result goes. It was looked at before anything was done, so that nothing is done whose result cannot be told.
pub(crate) struct Out<'a, T>(*mut T, PhantomData<&'a mut T>);

impl<T> Out<'_, T> {
    pub(crate) fn write(self, value: T) {
        // SAFETY: `out` was promised that it can be written to.
        unsafe { self.0.write(value) }
    }
}

/// Where an array of results goes. What is not written stays as the caller left it.
pub(crate) struct OutArray<'a, T> {
    to: *mut T,
    len: usize,
    lifetime: PhantomData<&'a mut T>,
}

impl<T> OutArray<'_, T> {
    pub(crate) fn write(&mut self, at: usize, value: T) {
        if at < self.len {
            // SAFETY: it is one of those that `out_array` was promised can be written to.
            unsafe { self.to.add(at).write(value) }
        }
    }
}

/// Looks at where a result is to go.
///
/// # Safety
///
/// `to` is NULL, or can be written to as long as the call lasts.
pub(crate) unsafe fn out<'a, T>(to: *mut T, name: &str) -> Outcome<Out<'a, T>> {
    check(to, name)?;
    Ok(Out(to, PhantomData))
}

/// One value.
///
/// # Safety
///
/// `from` is NULL, or holds a `T` as long as the call lasts.
pub(crate) unsafe fn value<'a, T>(from: *const T, name: &str) -> Outcome<&'a T> {
    check(from, name)?;
    // SAFETY: it is not NULL and aligned, and the caller says what it holds.
    Ok(unsafe { &*from })
}

/// An array. NULL is one of no elements.
///
/// # Safety
///
/// `from` is NULL, or holds `len` of `T` as long as the call lasts.
#[inline]
pub(crate) unsafe fn array<'a, T>(from: *const T, len: usize, name: &str) -> Outcome<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    check(from, name)?;
    if len.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(too_long(name));
    }
    // SAFETY: it is not NULL, aligned and not too long, and the caller says what it holds.
    Ok(unsafe { slice::from_raw_parts(from, len) })
}

/// Looks at where an array of results is to go. NULL is one of no elements.
///
/// # Safety
///
/// `to` is NULL, or `len` of `T` can be written to it as long as the call lasts.
pub(crate) unsafe fn out_array<'a, T>(to: *mut T, len: usize, name: &str) -> Outcome<OutArray<'a, T>> {
    // SAFETY: nothing is read.
    unsafe { array(to.cast_const().cast::<MaybeUninit<T>>(), len, name) }?;
    Ok(OutArray { to, len, lifetime: PhantomData })
}

/// The bytes of a text that may be missing: NULL without a length is an empty one.
///
/// # Safety
///
/// `from` is NULL, or holds `len` bytes, or bytes and a NUL where `len` says so, as long as the call lasts.
#[inline]
pub(crate) unsafe fn bytes<'a>(from: *const c_char, len: usize, name: &str) -> Outcome<&'a [u8]> {
    if len != NUL_TERMINATED {
        // SAFETY: as the caller says.
        return unsafe { array(from.cast(), len, name) };
    }
    check(from, name)?;
    // SAFETY: it is not NULL, and the caller says that it ends.
    Ok(unsafe { CStr::from_ptr(from) }.to_bytes())
}

/// The bytes of a text in a table of them.
///
/// # Safety
///
/// As [`bytes`].
#[inline]
pub(crate) unsafe fn str_bytes<'a>(from: &stapel_str, name: &str) -> Outcome<&'a [u8]> {
    // SAFETY: as the caller says.
    unsafe { bytes(from.ptr, from.len, name) }
}

/// A text that must be there.
///
/// # Safety
///
/// As [`bytes`].
pub(crate) unsafe fn text<'a>(from: *const c_char, len: usize, name: &str) -> Outcome<&'a str> {
    check(from, name)?;
    if len > MAX_TEXT && len != NUL_TERMINATED {
        return Err(invalid(format!("the length of {name} is more than {MAX_TEXT}, which none has")));
    }
    // SAFETY: as the caller says.
    let bytes = unsafe { bytes(from, len, name) }?;
    utf8(bytes, name)
}

/// The path of a file or a folder.
///
/// # Safety
///
/// As [`bytes`].
pub(crate) unsafe fn path<'a>(from: *const c_char, len: usize, name: &str) -> Outcome<&'a Path> {
    // SAFETY: as the caller says.
    unsafe { text(from, len, name) }.map(Path::new)
}

/// Where a partner's folder is, and its keys: in it, where no folder of theirs is named.
///
/// # Safety
///
/// Each pair is as for [`bytes`].
pub(crate) unsafe fn place<'a>(
    (dir, dir_len): (*const c_char, usize),
    (keys, keys_len): (*const c_char, usize),
) -> Outcome<Place<'a>> {
    // SAFETY: as the caller says.
    unsafe {
        let dir = path(dir, dir_len, "dir")?;
        let none = keys.is_null() && (keys_len == 0 || keys_len == NUL_TERMINATED);
        Ok(if none { dir.into() } else { Place::with_keys(dir, path(keys, keys_len, "keys")?) })
    }
}

/// Who acts.
///
/// # Safety
///
/// `from` is NULL, or holds a case whose texts are as for [`bytes`].
pub(crate) unsafe fn case(from: *const stapel_case) -> Outcome<Case> {
    // SAFETY: as the caller says.
    let (actor, reference) = unsafe {
        let case = value(from, "by")?;
        (
            text(case.actor.ptr, case.actor.len, "by.actor")?,
            text(case.reference.ptr, case.reference.len, "by.reference")?,
        )
    };
    Ok(Case::new(actor, reference)?)
}

/// A column in one piece.
pub(crate) struct Packed<'a> {
    bytes: &'a [u8],
    ends: &'a [u64],
}

/// A column in one piece. That its ends fit is seen before anything is read.
///
/// # Safety
///
/// `from` is NULL, or holds a column of `count` rows as long as the call lasts.
pub(crate) unsafe fn packed<'a>(from: *const stapel_packed, count: usize, name: &str) -> Outcome<Packed<'a>> {
    // SAFETY: as the caller says.
    let (bytes, ends) = unsafe {
        let column = value(from, name)?;
        (array(column.bytes.cast::<u8>(), column.bytes_len, name)?, array(column.ends, count, name)?)
    };
    if !ends.is_sorted() {
        let row = ends.windows(2).position(|pair| pair[0] > pair[1]).unwrap_or_default();
        return Err(invalid(format!("the ends of {name} go back after row {row}")));
    }
    if ends.last().copied().unwrap_or(0) != bytes.len() as u64 {
        return Err(invalid(format!("the last end of {name} is not its number of bytes")));
    }
    Ok(Packed { bytes, ends })
}

/// A column in one piece that may be missing, which one of zeros is.
///
/// # Safety
///
/// As [`packed`].
pub(crate) unsafe fn optional_packed<'a>(
    from: &stapel_packed,
    count: usize,
    name: &str,
) -> Outcome<Option<Packed<'a>>> {
    if from.bytes.is_null() && from.bytes_len == 0 && from.ends.is_null() {
        return Ok(None);
    }
    // SAFETY: as the caller says.
    unsafe { packed(from, count, name) }.map(Some)
}

impl<'a> Packed<'a> {
    /// How many bytes all texts have.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The texts, in the order of their rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &'a [u8]> {
        let (bytes, mut start) = (self.bytes, 0);
        self.ends.iter().map(move |end| {
            // They were looked at: each fits, and none goes back.
            let row = bytes.get(start..*end as usize).unwrap_or_default();
            start = *end as usize;
            row
        })
    }
}

impl stapel_str {
    /// No text.
    pub(crate) const NONE: stapel_str = stapel_str { ptr: ptr::null(), len: 0 };

    /// A text of the library's, which stays as long as what it is in.
    pub(crate) fn of(text: &str) -> stapel_str {
        stapel_str { ptr: text.as_ptr().cast(), len: text.len() }
    }

    /// A text of the library's, or none.
    pub(crate) fn optional(text: Option<&str>) -> stapel_str {
        text.map_or(stapel_str::NONE, stapel_str::of)
    }

    /// A text of the library's; none where it is empty.
    pub(crate) fn shown(text: &str) -> stapel_str {
        stapel_str::optional(Some(text).filter(|text| !text.is_empty()))
    }
}

/// Room for so many more in a list. What the caller hands in may need more memory than there is, which is no reason to
/// end its program.
pub(crate) fn reserve<T>(list: &mut Vec<T>, more: usize) -> Outcome {
    list.try_reserve(more).map_err(|_| out_of_memory())
}

/// Looks whether there are so many bytes for what is made next, of which no call can fail.
pub(crate) fn spare(bytes: usize) -> Outcome {
    reserve(&mut Vec::<u8>::new(), bytes)
}

#[cold]
pub(crate) fn out_of_memory() -> Failure {
    let text = "there is not enough memory for what was handed in; nothing was done: hand in fewer rows at a time";
    Failure::new(STAPEL_ERROR_OUT_OF_MEMORY, text)
}

pub(crate) fn utf8<'a>(bytes: &'a [u8], name: &str) -> Outcome<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        Failure::new(STAPEL_ERROR_NOT_UTF8, format!("{name} is not UTF-8 at byte {}", error.valid_up_to()))
    })
}

/// The failure for an index past the last.
pub(crate) fn past(what: &str, index: usize, count: usize) -> Failure {
    invalid(format!("there is no {what} {index}: there are {count}, counted from 0"))
}

pub(crate) fn invalid(text: impl Into<String>) -> Failure {
    Failure::new(STAPEL_ERROR_INVALID_ARGUMENT, text)
}

// The failures are made apart, so that the way of a row, of which there are millions, carries nothing of them.

#[inline]
fn check<T>(pointer: *const T, name: &str) -> Outcome {
    if pointer.is_null() || !pointer.is_aligned() {
        return Err(not_there(pointer.is_null(), name));
    }
    Ok(())
}

#[cold]
fn not_there(is_null: bool, name: &str) -> Failure {
    if is_null {
        Failure::new(STAPEL_ERROR_NULL_ARGUMENT, format!("{name} is NULL"))
    } else {
        invalid(format!("{name} is not aligned as its type must be"))
    }
}

#[cold]
fn too_long(name: &str) -> Failure {
    invalid(format!("the length of {name} is more than there can be"))
}
