//! Who hands in more than there is memory for gets a status, and its program goes on.

use std::process::Command;
use std::ptr::{null, null_mut};

use stapel_ffi::stapel_status::*;
use stapel_ffi::*;

/// Set in the process that has little memory.
const LITTLE: &str = "STAPEL_TEST_LITTLE_MEMORY";

#[cfg(target_os = "linux")]
#[test]
fn more_rows_than_there_is_memory_for_are_a_status() {
    if std::env::var_os(LITTLE).is_some() {
        return in_little_memory();
    }
    let limited = "ulimit -v 600000 && exec \"$0\" --exact memory::more_rows_than_there_is_memory_for_are_a_status";
    let program = std::env::current_exe().unwrap();
    let done = Command::new("sh").arg("-c").arg(limited).arg(program).env(LITTLE, "1").output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("1 passed"), "{:?}\n{said}\n{complained}", done.status);
}

/// How many bytes can be had in one piece.
fn available() -> usize {
    let mut bytes = 1 << 30;
    while Vec::<u8>::new().try_reserve_exact(bytes).is_err() {
        bytes -= bytes / 16;
    }
    bytes
}

fn str_of(text: &str) -> stapel_str {
    stapel_str { ptr: text.as_ptr().cast(), len: text.len() }
}

/// What a call with rows of which each has this text and no reference says.
fn read(text: &str, rows: usize) -> stapel_status {
    let texts = vec![str_of(text); rows];
    let mut addresses = null_mut();
    // SAFETY: there are so many rows, and the handle goes where one does.
    unsafe { stapel_addresses_from_texts(texts.as_ptr(), null(), rows, &mut addresses) }
}

fn in_little_memory() {
    let row = size_of::<stapel_str>();
    // No room for the addresses.
    assert_eq!(read("1012JS|1|A", available() / 2 / row), STAPEL_ERROR_OUT_OF_MEMORY);
    // No room for why each is refused, which shows when many were.
    assert_eq!(read("geen adres", available() / 4 / row), STAPEL_ERROR_OUT_OF_MEMORY);

    // No room for a copy of the references: many of one long text, and a column that is longer than what is left.
    let long = "x".repeat(1 << 20);
    let (texts, references) = (vec![str_of("1012JS|1|A"); 1000], vec![str_of(&long); 1000]);
    let mut addresses = null_mut();
    // SAFETY: there are so many rows, and the handle goes where one does.
    let status =
        unsafe { stapel_addresses_from_texts(texts.as_ptr(), references.as_ptr(), texts.len(), &mut addresses) };
    assert_eq!(status, STAPEL_ERROR_OUT_OF_MEMORY);
    let bytes = vec![b'x'; available() / 3 * 2];
    let (ends, end) = ([bytes.len() as u64], [10]);
    let column = |bytes: &[u8], ends: &[u64]| stapel_packed {
        bytes: bytes.as_ptr().cast(),
        bytes_len: bytes.len(),
        ends: ends.as_ptr(),
    };
    let (texts, references) = (column(b"1012JS|1|A", &end), column(&bytes, &ends));
    // SAFETY: each column has one row, and the handle goes where one does.
    let status = unsafe { stapel_addresses_from_packed_texts(&texts, &references, 1, &mut addresses) };
    assert_eq!(status, STAPEL_ERROR_OUT_OF_MEMORY);
    drop((bytes, long));

    // Nothing is kept of it, and what fits is read.
    assert_eq!(read("1012JS|1|A", 3), STAPEL_OK);
    let mut open = 0;
    // SAFETY: the number goes where one does.
    assert_eq!(unsafe { stapel_open_handles(&mut open) }, STAPEL_OK);
    assert_eq!(open, 1);
}
