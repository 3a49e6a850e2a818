//! The one way into every function that can fail: panics stop here, and what went wrong is kept for the thread.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use stapel::message::MessageError;
use stapel::register::RegisterError;
use stapel::secret::SecretError;
use stapel::{AddressError, Error, SystemError};

use crate::status::stapel_status::{self, STAPEL_ERROR_PANIC, STAPEL_OK};

/// Why a call failed.
pub(crate) struct Failure {
    pub(crate) status: stapel_status,
    pub(crate) text: String,
}

/// What a call found, or why it failed.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// What was wrong with the last call on this thread that failed: a sentence in English that says what was found and
/// what to do; empty where none failed. Like the errors of the library it says nothing of keys and pseudonyms; it may
/// quote the address or the path that the caller gave.
///
/// The text is the library's and ends with a NUL; it stays until the next call on this thread that fails, or the
/// thread's end. Call this on the thread on which the call failed, before anything else is called there.
#[unsafe(no_mangle)]
pub extern "C" fn stapel_last_error_message() -> *const c_char {
    LAST.try_with(|last| last.try_borrow().map_or(c"".as_ptr(), |text| text.as_ptr())).unwrap_or(c"".as_ptr())
}

/// Runs what a function does. Whatever comes of it, it returns.
pub(crate) fn guard(call: impl FnOnce() -> Outcome) -> stapel_status {
    // What a call can leave half done is behind a lock, which a panic poisons.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => STAPEL_OK,
        Ok(Err(failure)) => {
            keep(failure.text);
            failure.status
        }
        Err(payload) => {
            // Dropping it could panic again.
            std::mem::forget(payload);
            keep(
                "the library failed in a way that it should not, and stopped the call; report it with what was called"
                    .into(),
            );
            STAPEL_ERROR_PANIC
        }
    }
}

fn keep(text: String) {
    let text = CString::new(text)
        .or_else(|error| CString::new(String::from_utf8_lossy(&error.into_vec()).replace('\0', "\\0")));
    // There is nobody to tell where the thread is at its end.
    let _ = LAST.try_with(|last| last.replace(text.unwrap_or_default()));
}

impl Failure {
    pub(crate) fn new(status: stapel_status, text: impl Into<String>) -> Failure {
        Failure { status, text: text.into() }
    }
}

macro_rules! failures {
    ($($error:ty),+) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::new(stapel_status::of(error.code()), error.to_string())
            }
        })+
    };
}

failures!(Error, AddressError, SystemError, SecretError, MessageError, RegisterError, stapel::partner::PartnerError);
#[cfg(feature = "broker")]
failures!(stapel::BrokerError);

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;
    use crate::status::stapel_status::STAPEL_ERROR_IO;

    fn last() -> String {
        // SAFETY: the text stays until the next call that fails.
        unsafe { CStr::from_ptr(stapel_last_error_message()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_is_a_status_and_the_thread_goes_on() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert_eq!(last(), "");
        assert_eq!(guard(|| panic!("with a text")), STAPEL_ERROR_PANIC);
        assert_eq!(guard(|| std::panic::panic_any(Bomb)), STAPEL_ERROR_PANIC);
        assert!(last().contains("report it"), "{}", last());
        assert_eq!(guard(|| Ok(())), STAPEL_OK);
        assert!(last().contains("report it"), "what went well does not take it away");
        std::thread::spawn(|| assert_eq!(last(), "", "each thread has its own")).join().unwrap();
    }

    #[test]
    fn a_nul_in_a_text_does_not_cut_it() {
        assert_eq!(guard(|| Err(Failure::new(STAPEL_ERROR_IO, "a\0b"))), STAPEL_ERROR_IO);
        assert_eq!(last(), "a\\0b");
    }
}
