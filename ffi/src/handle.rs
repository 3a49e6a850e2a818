//! Handles: numbers in the form of pointers, which nobody follows. What they stand for is in a table per kind.
//!
//! So a handle that was freed, or is of another kind, is a status and no undefined behaviour; and what a call works on
//! stays until it ends, also when another thread frees the handle meanwhile.

use std::collections::BTreeMap;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::bytes::out;
use crate::guard::{Failure, Outcome, guard};
use crate::status::stapel_status::{self, STAPEL_ERROR_INVALID_HANDLE, STAPEL_ERROR_NULL_ARGUMENT};

/// How many handles are open, of all kinds: what a program that freed everything finds to be 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_open_handles(count: *mut usize) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(OPEN.load(Ordering::Relaxed));
        Ok(())
    })
}

/// What a handle can stand for.
pub(crate) trait Handle: Sized + 'static {
    /// What it is called in errors.
    const NAME: &'static str;

    /// Where all of its kind are.
    fn table() -> &'static Table<Self>;
}

/// All open handles of a kind.
pub(crate) struct Table<T>(RwLock<BTreeMap<usize, Arc<T>>>);

/// The next number. Numbers are not used again before all others of the address space were.
static NEXT: AtomicUsize = AtomicUsize::new(STEP);

static OPEN: AtomicUsize = AtomicUsize::new(0);

/// So that a handle is as aligned as a pointer from an allocator.
const STEP: usize = 16;

impl<T> Table<T> {
    pub(crate) const fn new() -> Table<T> {
        Table(RwLock::new(BTreeMap::new()))
    }
}

/// Makes a handle.
pub(crate) fn add<T: Handle>(value: T) -> *mut T {
    let value = Arc::new(value);
    let mut table = T::table().0.write().unwrap_or_else(PoisonError::into_inner);
    loop {
        let number = NEXT.fetch_add(STEP, Ordering::Relaxed);
        if number != 0 && !table.contains_key(&number) {
            table.insert(number, value);
            OPEN.fetch_add(1, Ordering::Relaxed);
            return ptr::without_provenance_mut(number);
        }
    }
}

/// What a handle stands for.
pub(crate) fn get<T: Handle>(handle: *const T) -> Outcome<Arc<T>> {
    if handle.is_null() {
        return Err(Failure::new(STAPEL_ERROR_NULL_ARGUMENT, format!("the handle of {} is NULL", T::NAME)));
    }
    let table = T::table().0.read().unwrap_or_else(PoisonError::into_inner);
    table.get(&handle.addr()).cloned().ok_or_else(invalid::<T>)
}

/// What a handle stands for that may be NULL, for none.
pub(crate) fn get_optional<T: Handle>(handle: *const T) -> Outcome<Option<Arc<T>>> {
    if handle.is_null() { Ok(None) } else { get(handle).map(Some) }
}

/// Takes a handle away. NULL is none, and no error.
pub(crate) fn free<T: Handle>(handle: *mut T) -> stapel_status {
    guard(|| {
        if handle.is_null() {
            return Ok(());
        }
        let taken = T::table().0.write().unwrap_or_else(PoisonError::into_inner).remove(&handle.addr());
        // Dropped here, when the table is no longer locked: it may take a while.
        let taken = taken.ok_or_else(invalid::<T>)?;
        OPEN.fetch_sub(1, Ordering::Relaxed);
        drop(taken);
        Ok(())
    })
}

fn invalid<T: Handle>() -> Failure {
    Failure::new(STAPEL_ERROR_INVALID_HANDLE, format!("the handle is not one of {}, or it was freed", T::NAME))
}
