//! Who hands in more than there is memory for gets a status, and its program goes on.

use std::process::Command;
use std::ptr::{null, null_mut};

use stapel_testkit::{Consortium, START};

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
    unsafe { stapel_addresses_from_texts(null(), texts.as_ptr(), null(), rows, &mut addresses) }
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
    let status = unsafe {
        stapel_addresses_from_texts(null(), texts.as_ptr(), references.as_ptr(), texts.len(), &mut addresses)
    };
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
    let status = unsafe { stapel_addresses_from_packed_texts(null(), &texts, &references, 1, &mut addresses) };
    assert_eq!(status, STAPEL_ERROR_OUT_OF_MEMORY);
    drop((bytes, long));
    a_partner_with_many_rows();

    // Nothing is kept of it, and what fits is read.
    assert_eq!(read("1012JS|1|A", 3), STAPEL_OK);
    let mut open = 0;
    // SAFETY: the number goes where one does.
    assert_eq!(unsafe { stapel_open_handles(&mut open) }, STAPEL_OK);
    assert_eq!(open, 1);
}

/// A call whose rows were read begins nothing where it could not end, and the partner goes on.
fn a_partner_with_many_rows() {
    let consortium = Consortium::new();
    let dir = consortium.text("1");
    let by = stapel_case { actor: str_of("j.jansen"), reference: str_of("1") };
    let (mut partner, mut many, mut one, mut messages) = (null_mut(), null_mut(), null_mut(), null_mut());
    // SAFETY: texts as long as they say, and results where they go.
    unsafe {
        let mut changed = std::mem::zeroed();
        assert_eq!(stapel_partner_open(dir.as_ptr().cast(), dir.len(), null(), 0, 0, &mut partner), STAPEL_OK);
        let texts = vec![str_of("1012JS|1|A"); 100_000];
        assert_eq!(stapel_addresses_from_texts(null(), texts.as_ptr(), null(), texts.len(), &mut many), STAPEL_OK);
        assert_eq!(stapel_addresses_from_texts(null(), texts.as_ptr(), null(), 1, &mut one), STAPEL_OK);
        // All but so much that the rows would take the rest.
        let mut taken: Vec<Vec<u8>> = Vec::new();
        while available() > 32 << 20 {
            taken.push(Vec::with_capacity(available() - (available() / 4).max(16 << 20)));
        }
        let flagged = stapel_partner_flag(partner, many, &by, START.0, &mut changed);
        assert_eq!(flagged, STAPEL_ERROR_OUT_OF_MEMORY);
        assert_eq!(stapel_partner_ask(partner, many, &by, START.0, &mut messages), STAPEL_ERROR_OUT_OF_MEMORY);
        assert_eq!(stapel_partner_flag(partner, one, &by, START.0, &mut changed), STAPEL_OK);
        assert_eq!((changed.added, changed.unchanged), (1, 0), "nothing was flagged before");
        drop(taken);
        assert_eq!(stapel_partner_flag(partner, many, &by, START.0, &mut changed), STAPEL_OK);
        assert_eq!((changed.unchanged, changed.repeated), (1, 99_999));
        assert_eq!(stapel_addresses_free(many), STAPEL_OK);
        assert_eq!(stapel_addresses_free(one), STAPEL_OK);
        assert_eq!(stapel_partner_free(partner), STAPEL_OK);
    }
}
