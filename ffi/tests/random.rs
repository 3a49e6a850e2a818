//! Ten thousand random byte strings to every function that takes bytes: statuses, and nothing else.

use std::ffi::c_char;
use std::path::Path;
use std::ptr::{null, null_mut};

use stapel_ffi::stapel_status::*;
use stapel_ffi::*;

use stapel_testkit::{Consortium, START, Seeded};

const STRINGS: usize = 10_000;
const NOW: u64 = START.0;

#[test]
fn ten_thousand_byte_strings_give_statuses() {
    let _handles = crate::HANDLES.lock();
    let consortium = Consortium::new();
    let (partner, broker) = open(&consortium);
    // A file in the place of a folder, so that no path below it can be made.
    let nowhere = consortium.text("policy.toml");
    let real = messages(&consortium, partner, broker);
    let nobody = rows(&[]);
    let bag = open_register(&consortium);
    let mut random = Seeded::new(7);
    let mut reached = 0;
    for round in 0..STRINGS {
        let bytes = string(&mut random, &real[round % real.len()]);
        let (text, length) = (bytes.as_ptr().cast::<c_char>(), bytes.len());
        let below = [nowhere.as_bytes(), b"/", &bytes].concat();
        let (path, path_length) = (below.as_ptr().cast::<c_char>(), below.len());
        let of = |bytes: &[u8]| stapel_str { ptr: bytes.as_ptr().cast(), len: bytes.len() };
        let cut = random.below(length + 1);
        let (front, back) = (of(&bytes[..cut]), of(&bytes[cut..]));
        let by = stapel_case { actor: front, reference: back };
        let fields = stapel_fields {
            postcode: of(b"1012JS"),
            number: front,
            letter: of(b""),
            addition: back,
            street: back,
            town: front,
        };
        let ends = [cut as u64, length as u64];
        let column = stapel_packed { bytes: text, bytes_len: length, ends: ends.as_ptr() };
        let columns = stapel_packed_fields {
            postcode: column,
            number: column,
            letter: column,
            addition: column,
            street: column,
            town: column,
        };
        // Ends of no column, as the bytes have them.
        let odd: Vec<u64> = bytes.chunks_exact(8).map(|eight| u64::from_le_bytes(eight.try_into().unwrap())).collect();
        let odd_column = stapel_packed { bytes: text, bytes_len: length, ends: odd.as_ptr() };
        // SAFETY: every pointer is to what its length says.
        let statuses = unsafe {
            let mut address = std::mem::zeroed();
            let mut changed = std::mem::zeroed();
            let mut ended = 0;
            let day = c"2027-01-31".as_ptr();
            let valid = stapel_case { actor: of(b"j.jansen"), reference: of(b"1") };
            [
                stapel_address_from_text(null(), text, length, &mut address),
                stapel_address_from_text(bag, text, length, &mut address),
                stapel_address_from_fields(null(), &fields, &mut address),
                stapel_address_from_fields(bag, &fields, &mut address),
                register_of(|to| stapel_register_open(path, path_length, to)),
                found(|to| stapel_register_look_up(bag, text, length, to)),
                made(|to| stapel_addresses_from_texts(bag, [front, back].as_ptr(), null(), 2, to)),
                made(|to| stapel_addresses_from_packed_fields(bag, &columns, null(), 2, to)),
                made(|to| stapel_addresses_from_texts(null(), [front, back].as_ptr(), [back, front].as_ptr(), 2, to)),
                made(|to| stapel_addresses_from_fields(null(), &fields, &back, 1, to)),
                made(|to| stapel_addresses_from_packed_texts(null(), &column, &column, 2, to)),
                made(|to| stapel_addresses_from_packed_texts(null(), &odd_column, null(), odd.len(), to)),
                made(|to| stapel_addresses_from_packed_fields(null(), &columns, null(), 2, to)),
                buffer(|to| stapel_partner_init(path, path_length, text, length, 1, to)),
                stapel_partner_join(path, path_length, null(), 0, text, length),
                partner_of(|to| stapel_partner_open(path, path_length, text, length, 0, to)),
                stapel_partner_adopt_policy(partner, path, path_length, NOW),
                stapel_partner_add_secret(partner, path, path_length),
                stapel_partner_flag(partner, nobody, &by, NOW, &mut changed),
                stapel_partner_flag_until(partner, nobody, text, length, &valid, NOW, &mut changed),
                stapel_partner_flag_until(partner, nobody, day, 10, &by, NOW, &mut changed),
                stapel_partner_renew(partner, nobody, text, length, &by, NOW, &mut changed),
                stapel_partner_accept_clock(partner, &long(&bytes), NOW, &mut ended),
                stapel_partner_withdraw(partner, nobody, &by, NOW, &mut changed),
                stapel_partner_replace_all(partner, nobody, 0, &long(&bytes), NOW, &mut changed),
                stapel_partner_take_back(partner, nobody, &by, NOW, &mut ended),
                stapel_partner_answer(partner, text, length, c"join".as_ptr(), 4, &valid, NOW),
                stapel_partner_answer(partner, c"1012JS|1|A".as_ptr(), 10, text, length, &by, NOW),
                stapel_partner_write_text(partner, 1, 0, text, length, &by, NOW),
                stapel_partner_write_lead(partner, 1, 1, text, length, &by, NOW),
                stapel_partner_write_outcome(partner, 1, text, length, text, length, &valid, NOW),
                stapel_partner_write_decision(partner, 1, 0, text, length, text, length, &valid, NOW),
                stapel_partner_leave(partner, 1, &by, NOW),
                asked(|to| stapel_partner_ask(partner, nobody, &by, NOW, to)),
                asked(|to| stapel_partner_ask_own(partner, &long(&bytes), NOW, to)),
                asked(|to| stapel_partner_sweep(partner, nobody, text, length, &by, NOW, to)),
                read(|to| stapel_partner_read(partner, bytes.as_ptr(), length, NOW, to)),
                stapel_partner_give_up(partner, bytes.as_ptr(), length, NOW),
                buffer(|to| stapel_broker_handle(broker, bytes.as_ptr(), length, NOW, to)),
                stapel_broker_certify(broker, path, path_length, NOW),
                two_buffers(|one, other| stapel_broker_init_keys(path, path_length, one, other)),
                broker_of(|to| stapel_broker_create(path, path_length, path, path_length, path, path_length, NOW, to)),
                broker_of(|to| stapel_broker_open(path, path_length, path, path_length, to)),
            ]
        };
        assert!(!statuses.contains(&STAPEL_ERROR_PANIC), "{bytes:?}: {statuses:?}");
        reached += statuses.iter().filter(|status| **status == STAPEL_OK).count();
    }
    assert!(reached > STRINGS, "some of it is accepted");
    // SAFETY: handles, and where a number goes.
    unsafe {
        assert_eq!(stapel_addresses_free(nobody), STAPEL_OK);
        assert_eq!(stapel_register_free(bag), STAPEL_OK);
        assert_eq!(stapel_partner_free(partner), STAPEL_OK);
        assert_eq!(stapel_broker_free(broker), STAPEL_OK);
        let mut open = 1;
        assert_eq!(stapel_open_handles(&mut open), STAPEL_OK);
        assert_eq!(open, 0, "what was made was freed");
    }
}

/// A case that is never one, with the bytes as its actor: more than 200 characters.
fn long(bytes: &[u8]) -> stapel_case {
    let of = |text: &[u8]| stapel_str { ptr: text.as_ptr().cast(), len: text.len() };
    stapel_case { actor: of(bytes), reference: of(&[b'x'; 201]) }
}

/// Messages, replies and addresses as they are, to be altered.
fn messages(consortium: &Consortium, partner: *mut stapel_partner, broker: *mut stapel_broker) -> Vec<Vec<u8>> {
    let mut real = vec![b"Dam 1-A, 1012 JS Amsterdam".to_vec(), b"2027-01-31".to_vec(), b"brand".to_vec()];
    // SAFETY: handles, bytes, and where results go.
    unsafe {
        let mut messages = null_mut();
        assert_eq!(stapel_partner_status(partner, NOW, &mut messages), STAPEL_OK);
        let (mut bytes, mut length) = (null(), 0);
        assert_eq!(stapel_messages_get(messages, 0, &mut bytes, &mut length), STAPEL_OK);
        real.push(std::slice::from_raw_parts(bytes, length).to_vec());
        let mut reply = null_mut();
        assert_eq!(stapel_broker_handle(broker, bytes, length, NOW, &mut reply), STAPEL_OK);
        assert_eq!(stapel_buffer_bytes(reply, &mut bytes, &mut length), STAPEL_OK);
        real.push(std::slice::from_raw_parts(bytes, length).to_vec());
        assert_eq!(stapel_buffer_free(reply), STAPEL_OK);
        assert_eq!(stapel_messages_free(messages), STAPEL_OK);
    }
    real.push(std::fs::read(consortium.path("policy.toml")).unwrap());
    real
}

fn open(consortium: &Consortium) -> (*mut stapel_partner, *mut stapel_broker) {
    let (dir, store, keys) = (consortium.text("1"), consortium.text("broker"), consortium.text("keys"));
    let (mut partner, mut broker) = (null_mut(), null_mut());
    // SAFETY: texts, and where handles go.
    unsafe {
        assert_eq!(stapel_partner_open(dir.as_ptr().cast(), dir.len(), null(), 0, 0, &mut partner), STAPEL_OK);
        let (store, store_length) = (store.as_ptr().cast(), store.len());
        let opened = stapel_broker_open(store, store_length, keys.as_ptr().cast(), keys.len(), &mut broker);
        assert_eq!(opened, STAPEL_OK);
    }
    (partner, broker)
}

fn open_register(consortium: &Consortium) -> *mut stapel_register {
    let file = consortium.text("bag.stapel");
    crate::register::make(Path::new(&file));
    let mut register = null_mut();
    // SAFETY: a text, and where a handle goes.
    assert_eq!(unsafe { stapel_register_open(file.as_ptr().cast(), file.len(), &mut register) }, STAPEL_OK);
    register
}

fn rows(texts: &[stapel_str]) -> *mut stapel_addresses {
    let mut rows = null_mut();
    // SAFETY: as many texts as are said, and where a handle goes.
    assert_eq!(
        unsafe { stapel_addresses_from_texts(null(), texts.as_ptr(), null(), texts.len(), &mut rows) },
        STAPEL_OK
    );
    rows
}

/// Makes a function that calls what makes a handle, and frees what it made.
macro_rules! freeing {
    ($name:ident, $handle:ty, $free:ident) => {
        fn $name(call: impl FnOnce(*mut *mut $handle) -> stapel_status) -> stapel_status {
            let mut handle = null_mut();
            let status = call(&mut handle);
            assert_eq!(status == STAPEL_OK, !handle.is_null(), "written on success alone");
            // SAFETY: a handle, or NULL.
            assert_eq!(unsafe { $free(handle) }, STAPEL_OK);
            status
        }
    };
}

freeing!(register_of, stapel_register, stapel_register_free);
freeing!(found, stapel_findings, stapel_findings_free);
freeing!(made, stapel_addresses, stapel_addresses_free);
freeing!(buffer, stapel_buffer, stapel_buffer_free);
freeing!(partner_of, stapel_partner, stapel_partner_free);
freeing!(broker_of, stapel_broker, stapel_broker_free);
freeing!(asked, stapel_messages, stapel_messages_free);
freeing!(read, stapel_reply, stapel_reply_free);

fn two_buffers(call: impl FnOnce(*mut *mut stapel_buffer, *mut *mut stapel_buffer) -> stapel_status) -> stapel_status {
    let mut other = null_mut();
    let status = buffer(|one| call(one, &mut other));
    // SAFETY: a handle, or NULL.
    assert_eq!(unsafe { stapel_buffer_free(other) }, STAPEL_OK);
    status
}

/// Random bytes; random letters and digits; or something real with a few bytes changed, or cut.
fn string(random: &mut Seeded, real: &[u8]) -> Vec<u8> {
    let length = random.below(200);
    match random.below(4) {
        0 => (0..length).map(|_| random.byte()).collect(),
        1 => (0..length).map(|_| b" 0123456789-/,.JSAam|\xc3\xa9\n"[random.below(24)]).collect(),
        2 => real[..random.below(real.len() + 1)].to_vec(),
        _ => {
            let mut bytes = real.to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                bytes[at] = random.byte();
            }
            bytes
        }
    }
}
