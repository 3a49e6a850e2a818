//! Every status is reached by a call, save those that are listed here with the reason.

use std::collections::BTreeSet;
use std::ffi::c_char;
use std::fs;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use stapel::audit::{Checkpoint, Event, Line, Log, LogKey, Outcome, Subject};
use stapel::message::{self, Code, Kind, LogEntry, Rejection, Reply, Role, StatusReply, Unverified};
use stapel::secret::SigningKey;
use stapel::{Digest, Timestamp};
use stapel_ffi::stapel_status::*;
use stapel_ffi::*;

use stapel_testkit::{
    Consortium, START, checkpoint_key, key, operator_key, partner_folder, secret, stored_keys, write_policy,
    write_private,
};

const DAY: u64 = 86_400;
const NOW: u64 = START.0;

/// What no call from C gives, and why.
const UNREACHED: [(stapel_status, &str); 24] = [
    (STAPEL_ERROR_PANIC, "no call panics; a test of `guard` shows that one that did would give this"),
    (STAPEL_ERROR_OUT_OF_MEMORY, "a test of its own has a process with little memory"),
    (STAPEL_ERROR_RANDOM, "the operating system gives randomness here"),
    (STAPEL_ERROR_OTHER_USER, "who runs the tests makes the folders; a test of the lock looks at another's"),
    (STAPEL_ERROR_OTHER_PROCESS, "no process is forked here; the tests of the Python binding fork one"),
    (STAPEL_ERROR_FORGOTTEN, "a broker that forgot something says it in its status, and goes on"),
    (STAPEL_ERROR_LOG_BEHIND, "a broker that was restored says it in its status, and goes on"),
    (
        STAPEL_ERROR_OUTCOME_UNKNOWN,
        "a store whose outcome is unknown cannot be had from C; the library's tests have one",
    ),
    (STAPEL_ERROR_CLOCK_UNTRUSTED, "from C the caller's clock is taken to be trusted"),
    (STAPEL_ERROR_CLOCK_UNCONFIRMED, "from C nothing is purged but by a release, which waits without an error"),
    (STAPEL_ERROR_REGISTER_ROW, "registers are built by the command, or from Rust"),
    (STAPEL_ERROR_THREADS, "from C everything is done on the caller's thread"),
    (STAPEL_ERROR_PSEUDONYMS_PENDING, "from C the pseudonyms are those of the shared key, which is never asked"),
    (STAPEL_ERROR_SOURCE_FAULT, "from C the pseudonyms are those of the shared key, which is never asked"),
    (STAPEL_ERROR_EPOCH_IN_USE, "an epoch's secrets are removed by the command, or from Rust"),
    (STAPEL_ERROR_NOT_LEADING, "the program in C about a conversation gets it, once it has one"),
    (STAPEL_ERROR_NOTE_TEXT, "the program in C about a conversation gets it, once it has one"),
    (STAPEL_ERROR_FALSE_INTRODUCTION, "the broker introduces nobody falsely; the library's tests have one that does"),
    (STAPEL_ERROR_LATE_INTRODUCTION, "the broker introduces nobody late; the library's tests have one that does"),
    (STAPEL_ERROR_SECRET_PARTS, "secrets are split and put together by the command"),
    (STAPEL_ERROR_LOG_LINE, "audit logs are looked at by the command"),
    (STAPEL_ERROR_LOG_FILE, "audit logs are looked at by the command"),
    (STAPEL_ERROR_LOG_ALTERED, "audit logs are looked at by the command"),
    (STAPEL_ERROR_LOG_PROOF, "audit logs are looked at by the command"),
];

/// The names of the statuses that calls gave.
struct Seen(BTreeSet<String>);

impl Seen {
    fn expect(&mut self, expected: stapel_status, got: stapel_status) {
        assert_eq!(got, expected, "{}", last());
        self.0.insert(format!("{got:?}"));
    }
}

#[test]
fn every_status_is_reached() {
    let _handles = crate::HANDLES.lock();
    let mut seen = Seen(BTreeSet::new());
    let consortium = Consortium::new();
    arguments(&mut seen);
    addresses(&mut seen);
    registers(&mut seen, &consortium);
    partner_files(&mut seen, &consortium);
    policies(&mut seen, &consortium);
    partner_calls(&mut seen, &consortium);
    replies(&mut seen, &consortium);
    brokers(&mut seen, &consortium);
    after_a_hit(&mut seen);
    let mut open = 1;
    // SAFETY: where a number goes.
    seen.expect(STAPEL_OK, unsafe { stapel_open_handles(&mut open) });
    assert_eq!(open, 0, "all was freed, whichever test comes next");

    let header = include_str!("../include/stapel.h");
    let names = header.lines().filter_map(|line| line.trim().split_once(" = "));
    let names: BTreeSet<String> =
        names.map(|(name, _)| name.to_owned()).filter(|name| name.starts_with("STAPEL_ERROR_")).collect();
    assert!(names.len() > 80);
    let unreached: BTreeSet<String> = UNREACHED.iter().map(|(status, _)| format!("{status:?}")).collect();
    let missing: Vec<_> = names.difference(&seen.0).filter(|name| !unreached.contains(*name)).collect();
    assert!(missing.is_empty(), "no call gave {missing:?}");
    let reached: Vec<_> = unreached.intersection(&seen.0).collect();
    assert!(reached.is_empty(), "{reached:?} can be reached after all");
}

fn arguments(seen: &mut Seen) {
    // SAFETY: NULL and a text are what the rules for pointers allow.
    unsafe {
        let mut address = std::mem::zeroed();
        seen.expect(STAPEL_ERROR_NULL_ARGUMENT, stapel_address_from_text(null(), null(), 1, &mut address));
        seen.expect(
            STAPEL_ERROR_INVALID_ARGUMENT,
            stapel_address_from_text(null(), c"a".as_ptr(), usize::MAX - 1, &mut address),
        );
        seen.expect(STAPEL_ERROR_INVALID_HANDLE, stapel_news_free(std::ptr::without_provenance_mut(1)));
    }
}

/// All vectors, one by one and in one batch: each gives the form or the status that it should.
fn addresses(seen: &mut Seen) {
    let vectors: Value = serde_json::from_str(include_str!("../../tests/vectors/v1/addresses.json")).unwrap();
    let (mut texts, mut rows) = (Vec::new(), Vec::new());
    for row in vectors["text"].as_array().unwrap() {
        texts.push(row["input"].as_str().unwrap().as_bytes().to_vec());
        rows.push(row);
    }
    for row in vectors["bytes"].as_array().unwrap() {
        let hex = row["hex"].as_str().unwrap();
        texts.push((0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect());
        rows.push(row);
    }
    for (text, row) in texts.iter().zip(&rows) {
        check(seen, row, |address| {
            // SAFETY: the text and the address are as the rules for pointers say.
            unsafe { stapel_address_from_text(null(), text.as_ptr().cast(), text.len(), address) }
        });
    }
    let strs: Vec<stapel_str> = texts.iter().map(|text| of(text)).collect();
    let mut batch = null_mut();
    // SAFETY: as many texts as are said, and each row is one of the batch.
    unsafe {
        seen.expect(STAPEL_OK, stapel_addresses_from_texts(null(), strs.as_ptr(), null(), strs.len(), &mut batch));
        for (at, expected) in rows.iter().enumerate() {
            let mut row = std::mem::zeroed();
            seen.expect(STAPEL_OK, stapel_addresses_row(batch, at, &mut row));
            match expected.get("unit") {
                Some(unit) => {
                    let canonical = std::slice::from_raw_parts(row.canonical.ptr.cast::<u8>(), row.canonical.len);
                    assert_eq!(canonical, unit.as_str().unwrap().as_bytes());
                }
                None => assert_eq!(code(row.status), expected["error"].as_str().unwrap()),
            }
        }
        seen.expect(STAPEL_OK, stapel_addresses_free(batch));
    }
    for row in vectors["fields"].as_array().unwrap() {
        let field = |name: &str| of(row[name].as_str().unwrap().as_bytes());
        let fields = stapel_fields {
            postcode: field("postcode"),
            number: field("huisnummer"),
            letter: field("huisletter"),
            addition: field("toevoeging"),
            street: of(b""),
            town: of(b""),
        };
        // SAFETY: the fields and the address are as the rules for pointers say.
        check(seen, row, |address| unsafe { stapel_address_from_fields(null(), &fields, address) });
    }
}

/// Each of what a register says of an address, for one and in a batch; and a register that was damaged ends a call.
fn registers(seen: &mut Seen, consortium: &Consortium) {
    let (file, damaged) = (consortium.text("bag.stapel"), consortium.text("damaged.stapel"));
    crate::register::make(Path::new(&file));
    let open = |file: &str, register: &mut *mut stapel_register| {
        // SAFETY: a text, and where a handle goes.
        unsafe { stapel_register_open(file.as_ptr().cast(), file.len(), register) }
    };
    let mut register = null_mut();
    seen.expect(STAPEL_OK, open(&file, &mut register));
    for (text, status) in [
        ("9999200000000099", STAPEL_ERROR_BAG_ID_UNKNOWN),
        ("9999200000000007", STAPEL_ERROR_BAG_ID_WITHDRAWN),
        ("Lindepad 19, Lelie", STAPEL_ERROR_NOT_IN_REGISTER),
        ("Lindepad 18, Lelie", STAPEL_ERROR_SEVERAL_IN_REGISTER),
    ] {
        let (texts, mut batch) = ([of(text.as_bytes())], null_mut());
        // SAFETY: a handle, a text, and where results go.
        unsafe {
            let mut address = std::mem::zeroed();
            seen.expect(status, stapel_address_from_text(register, text.as_ptr().cast(), text.len(), &mut address));
            let read = stapel_addresses_from_texts(register, texts.as_ptr(), null(), 1, &mut batch);
            seen.expect(STAPEL_OK, read);
            let mut row = std::mem::zeroed();
            seen.expect(STAPEL_OK, stapel_addresses_row(batch, 0, &mut row));
            assert_eq!(row.status, status);
            seen.expect(STAPEL_OK, stapel_addresses_free(batch));
        }
    }
    required(seen, consortium, register);
    // SAFETY: a handle.
    seen.expect(STAPEL_OK, unsafe { stapel_register_free(register) });

    seen.expect(STAPEL_ERROR_REGISTER, open(&consortium.text("policy.toml"), &mut register));
    // A byte of the first block, which no look-up reads before one needs it.
    let mut bytes = fs::read(&file).unwrap();
    bytes[40] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    seen.expect(STAPEL_OK, open(&damaged, &mut register));
    let (texts, mut batch) = ([of(b"1012JS 1"), of(b"Lindepad 12, 9999 XA")], null_mut());
    // SAFETY: a handle, as many texts as are said, and where results go.
    unsafe {
        let read = stapel_addresses_from_texts(register, texts.as_ptr(), null(), 2, &mut batch);
        seen.expect(STAPEL_ERROR_REGISTER, read);
        assert!(batch.is_null());
        seen.expect(STAPEL_OK, stapel_register_free(register));
    }
}

/// Where the policy requires a register, rows that were read without one are not flagged nor asked about.
fn required(seen: &mut Seen, consortium: &Consortium, register: *const stapel_register) {
    let policy = consortium.path("required/policy.toml");
    fs::create_dir(consortium.path("required")).unwrap();
    let rules = "threshold = 2\nregister = \"required\"\n";
    write_policy(&policy, &Consortium::policy(1).replace("threshold = 2\n", rules));
    partner_folder(&consortium.path("required/1"), 1, &policy, &[1]);
    let partner = opened(&consortium.text("required/1"));
    let by = stapel_case { actor: of(b"j.jansen"), reference: of(b"1") };
    let (text, mut looked_up, mut numbers) = ([of(b"Lindepad 12, Lelie")], null_mut(), null_mut());
    let (alone, mut messages) = (rows(&["9999XA|12|"]), null_mut());
    // SAFETY: handles, a text, and where results go.
    unsafe {
        let mut changed = std::mem::zeroed();
        let flagged = stapel_partner_flag(partner, alone, &by, NOW, &mut changed);
        seen.expect(STAPEL_ERROR_REGISTER_REQUIRED, flagged);
        let asked = stapel_partner_ask(partner, alone, &by, NOW, &mut messages);
        seen.expect(STAPEL_ERROR_REGISTER_REQUIRED, asked);
        let read = stapel_addresses_from_texts(register, text.as_ptr(), null(), 1, &mut looked_up);
        seen.expect(STAPEL_OK, read);
        seen.expect(STAPEL_OK, stapel_addresses_numbers(looked_up, &mut numbers));
        seen.expect(STAPEL_OK, stapel_partner_flag(partner, looked_up, &by, NOW, &mut changed));
        assert_eq!(changed.added, 1);
        // A house number alone was looked up too.
        let (refused, mut read, mut refused_numbers) =
            ([of(b"Lindepad 12, 2e verdieping, 9999 XA")], null_mut(), null_mut());
        seen.expect(STAPEL_OK, stapel_addresses_from_texts(register, refused.as_ptr(), null(), 1, &mut read));
        seen.expect(STAPEL_OK, stapel_addresses_refused_numbers(read, &mut refused_numbers));
        seen.expect(STAPEL_OK, stapel_partner_flag(partner, refused_numbers, &by, NOW, &mut changed));
        assert_eq!(changed.added, 1);
        seen.expect(STAPEL_OK, stapel_partner_withdraw(partner, refused_numbers, &by, NOW, &mut changed));
        seen.expect(STAPEL_OK, stapel_addresses_free(refused_numbers));
        seen.expect(STAPEL_OK, stapel_addresses_free(read));
        // What is flagged is looked up again by its canonical form.
        let (canonical, reason, mut again) = ([of(b"9999XA|12|")], c"being_acted_on".as_ptr(), null_mut());
        let read = stapel_addresses_from_texts(register, canonical.as_ptr(), null(), 1, &mut again);
        seen.expect(STAPEL_OK, read);
        let renew = |homes, changed: &mut stapel_changed| {
            stapel_partner_renew(partner, homes, reason, usize::MAX, &by, NOW, changed)
        };
        seen.expect(STAPEL_ERROR_REGISTER_REQUIRED, renew(alone, &mut changed));
        seen.expect(STAPEL_OK, renew(again, &mut changed));
        // Their house numbers were looked up with them.
        seen.expect(STAPEL_OK, stapel_partner_ask(partner, numbers, &by, NOW, &mut messages));
        seen.expect(STAPEL_OK, stapel_messages_free(messages));
        seen.expect(STAPEL_OK, stapel_partner_withdraw(partner, alone, &by, NOW, &mut changed));
        assert_eq!(changed.withdrawn, 1);
        for rows in [alone, looked_up, numbers, again] {
            seen.expect(STAPEL_OK, stapel_addresses_free(rows));
        }
    }
    free(partner);
}

/// Holds a call to a vector.
fn check(seen: &mut Seen, row: &Value, call: impl FnOnce(*mut stapel_address) -> stapel_status) {
    // SAFETY: an address is bytes, for which zeros are values.
    let mut address: stapel_address = unsafe { std::mem::zeroed() };
    let status = call(&mut address);
    match row.get("error") {
        Some(error) => {
            assert_eq!(code(status), error.as_str().unwrap(), "{row}");
            seen.0.insert(format!("{status:?}"));
        }
        None => {
            assert_eq!(status, STAPEL_OK, "{row}");
            assert_eq!(terminated(&address.unit), row["unit"].as_str().unwrap());
            assert_eq!(terminated(&address.number), row["number"].as_str().unwrap());
        }
    }
}

fn partner_files(seen: &mut Seen, consortium: &Consortium) {
    seen.expect(STAPEL_ERROR_IO, open(&consortium.text("nowhere"), None));
    let partner = opened(&consortium.text("1"));
    seen.expect(STAPEL_ERROR_FOLDER_IN_USE, open(&consortium.text("1"), None));
    write_private(&consortium.path("not.secret"), b"stapel-secret v1\nno");
    secret(2).create(&consortium.path("other.secret")).unwrap();
    seen.expect(STAPEL_ERROR_SECRET_FILE, add_secret(partner, &consortium.text("not.secret")));
    seen.expect(STAPEL_ERROR_SECRET_MISMATCH, add_secret(partner, &consortium.text("other.secret")));
    free(partner);

    for (name, damage, status) in [
        ("short", Damage::Write("partner.key", b"short"), STAPEL_ERROR_KEY_FILE),
        ("shared", Damage::Share("partner.key"), STAPEL_ERROR_FILE_MODE),
        ("altered", Damage::Flip("state.sealed"), STAPEL_ERROR_PARTNER_FOLDER),
        ("torn", Damage::Flip("journal.sealed"), STAPEL_ERROR_JOURNAL_DAMAGED),
    ] {
        consortium.add_partner(name, 2);
        {
            // Something in the journal, and no state from which it could be passed over.
            let mut partner = stapel::Partner::open(&consortium.path(name)).unwrap();
            let by = stapel::Case::new("j.jansen", "1").unwrap();
            let homes =
                [stapel::AddressKey::parse("1012JS 1").unwrap(), stapel::AddressKey::parse("1012JS 3").unwrap()];
            partner.flag(&homes[..1], &by, START).unwrap();
            partner.flag(&homes[1..], &by, START).unwrap();
        }
        damage.done(&consortium.path(name));
        seen.expect(status, open(&consortium.text(name), None));
    }
}

enum Damage {
    Write(&'static str, &'static [u8]),
    Share(&'static str),
    Flip(&'static str),
}

impl Damage {
    fn done(&self, folder: &Path) {
        match self {
            Damage::Write(name, bytes) => fs::write(folder.join(name), bytes).unwrap(),
            Damage::Share(name) => {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
                fs::set_permissions(folder.join(name), mode).unwrap();
            }
            Damage::Flip(name) => {
                let path = folder.join(name);
                let mut bytes = fs::read(&path).unwrap();
                bytes[20] ^= 1;
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

fn policies(seen: &mut Seen, consortium: &Consortium) {
    let join = |name: &str, policy: &str| {
        let (dir, policy) = (consortium.text(name), consortium.text(policy));
        // SAFETY: two texts.
        unsafe { stapel_partner_join(dir.as_ptr().cast(), dir.len(), null(), 0, policy.as_ptr().cast(), policy.len()) }
    };
    let mut enrolment = null_mut();
    let dir = consortium.text("new");
    // SAFETY: a text, and where a handle goes.
    unsafe {
        seen.expect(STAPEL_OK, stapel_partner_init(dir.as_ptr().cast(), dir.len(), null(), 0, 9, &mut enrolment));
        seen.expect(STAPEL_OK, stapel_buffer_free(enrolment));
    }
    seen.expect(STAPEL_ERROR_NOT_IN_ROSTER, join("new", "policy.toml"));
    fs::write(consortium.path("text.toml"), "format = 2").unwrap();
    seen.expect(STAPEL_ERROR_POLICY_TEXT, join("new", "text.toml"));
    fs::write(consortium.path("unsafe.toml"), Consortium::policy(1).replace("threshold = 2", "threshold = 1")).unwrap();
    seen.expect(STAPEL_ERROR_POLICY_UNSAFE, join("new", "unsafe.toml"));
    fs::write(consortium.path("unsigned.toml"), Consortium::policy(1)).unwrap();
    seen.expect(STAPEL_ERROR_POLICY_SIGNATURES, join("new", "unsigned.toml"));
    fs::write(consortium.path("unsigned.toml.politie.sig"), "no signature").unwrap();
    seen.expect(STAPEL_ERROR_POLICY_SIGNATURE, join("new", "unsigned.toml"));
    let partner = opened(&consortium.text("1"));
    let policy = consortium.text("policy.toml");
    // SAFETY: a text.
    let adopted = unsafe { stapel_partner_adopt_policy(partner, policy.as_ptr().cast(), policy.len(), NOW) };
    seen.expect(STAPEL_ERROR_POLICY_SUCCESSOR, adopted);
    free(partner);
}

fn partner_calls(seen: &mut Seen, consortium: &Consortium) {
    let partner = opened(&consortium.text("1"));
    let (homes, numbers) = (rows(&["1012JS 1", "1012JS 3"]), {
        let (homes, mut numbers) = (rows(&["1012JS 1"]), null_mut());
        // SAFETY: a handle, and where one goes.
        unsafe {
            assert_eq!(stapel_addresses_numbers(homes, &mut numbers), STAPEL_OK);
            assert_eq!(stapel_addresses_free(homes), STAPEL_OK);
        }
        numbers
    });
    let few = rows(&["1012JS 1"]);
    let by = stapel_case { actor: of(b"j.jansen"), reference: of(b"1") };
    let nobody = stapel_case { actor: of(b""), reference: of(b"1") };
    let mut messages = null_mut();
    // SAFETY: handles, texts, and where results go.
    unsafe {
        let mut changed = std::mem::zeroed();
        let (day, reason) = (c"2027-01-30".as_ptr(), c"brand".as_ptr());
        seen.expect(STAPEL_ERROR_CASE, stapel_partner_flag(partner, homes, &nobody, NOW, &mut changed));
        let counts_homes = counting_homes_alone(consortium);
        seen.expect(STAPEL_ERROR_LEVEL, stapel_partner_flag(counts_homes, numbers, &by, NOW, &mut changed));
        free(counts_homes);
        let flagged = stapel_partner_flag_until(partner, homes, day, usize::MAX, &by, NOW, &mut changed);
        seen.expect(STAPEL_ERROR_LAST_DAY, flagged);
        let renew = |changed: &mut stapel_changed| {
            stapel_partner_renew(partner, homes, c"being_acted_on".as_ptr(), usize::MAX, &by, NOW, changed)
        };
        seen.expect(STAPEL_ERROR_NOT_FLAGGED, renew(&mut changed));
        seen.expect(STAPEL_OK, stapel_partner_flag(partner, homes, &by, NOW, &mut changed));
        seen.expect(STAPEL_ERROR_SHRINK, stapel_partner_replace_all(partner, few, 0, &by, NOW, &mut changed));
        let swept = stapel_partner_sweep(partner, homes, reason, usize::MAX, &by, NOW, &mut messages);
        seen.expect(STAPEL_ERROR_NOT_PERMITTED, swept);
        let late = NOW + 2_000 * DAY;
        seen.expect(STAPEL_ERROR_CLOCK_AHEAD, stapel_partner_deliver(partner, late, &mut messages));
        // One that did nothing yet knows no time.
        let fresh = opened(&consortium.text("3"));
        seen.expect(STAPEL_ERROR_NO_EPOCH, stapel_partner_deliver(fresh, late, &mut messages));
        free(fresh);
        for rows in [homes, numbers, few] {
            seen.expect(STAPEL_OK, stapel_addresses_free(rows));
        }
    }
    free(partner);
}

/// Replies as a broker makes them, and as none does.
fn replies(seen: &mut Seen, consortium: &Consortium) {
    let partner = opened(&consortium.text("1"));
    let mut reply = null_mut();
    // Each at a later second, so that no two are the same.
    let mut now = NOW;
    let mut request = || {
        now += 1;
        let mut messages = null_mut();
        // SAFETY: a handle, where one goes, and a message of the messages.
        unsafe {
            assert_eq!(stapel_partner_status(partner, now, &mut messages), STAPEL_OK);
            let (mut bytes, mut length) = (null(), 0);
            assert_eq!(stapel_messages_get(messages, 0, &mut bytes, &mut length), STAPEL_OK);
            let message = std::slice::from_raw_parts(bytes, length).to_vec();
            assert_eq!(stapel_messages_free(messages), STAPEL_OK);
            message
        }
    };
    // SAFETY: a handle, bytes, and where a handle goes.
    let mut read = |bytes: &[u8]| unsafe { stapel_partner_read(partner, bytes.as_ptr(), bytes.len(), NOW, &mut reply) };
    let operator = operator_key();
    seen.expect(STAPEL_ERROR_MALFORMED, read(b"no reply"));
    seen.expect(STAPEL_ERROR_TOO_LARGE, read(&vec![1; message::MAX_MESSAGE + 1]));
    let message = request();
    seen.expect(STAPEL_ERROR_BAD_SIGNATURE, read(&signed(&message, &Reply::Status(status(0)), &key(7))));
    request();
    seen.expect(STAPEL_ERROR_UNEXPECTED_REPLY, read(&signed(&message, &Reply::Status(status(0)), &operator)));
    seen.expect(STAPEL_OK, read(&signed(&request(), &Reply::Status(status(7)), &operator)));
    // SAFETY: the reply that was read.
    seen.expect(STAPEL_OK, unsafe { stapel_reply_free(reply) });

    // What is wrong with the log stands beside what else a status reply says.
    let odd = StatusReply { checkpoint: b"no checkpoint".to_vec(), ..status(7) };
    let bytes = signed(&request(), &Reply::Status(odd), &operator);
    // SAFETY: handles, and where results go.
    let complaint = |bytes: &[u8]| unsafe {
        // Until somebody takes the evidence away, it is told again.
        for entry in fs::read_dir(consortium.path("1")).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with("evidence-") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        let (mut reply, mut position) = (null_mut(), std::mem::zeroed::<stapel_position>());
        assert_eq!(stapel_partner_read(partner, bytes.as_ptr(), bytes.len(), NOW, &mut reply), STAPEL_OK, "{}", last());
        assert_eq!(stapel_reply_status(reply, &mut position), STAPEL_OK);
        let (complaint, text) = (position.complaint, position.complaint_text.len);
        assert_eq!(stapel_reply_free(reply), STAPEL_OK);
        assert_eq!(complaint == STAPEL_OK, text == 0);
        complaint
    };
    seen.expect(STAPEL_ERROR_CHECKPOINT, complaint(&bytes));
    let broker = stapel::Broker::open(&consortium.path("broker"), stored_keys(&consortium.path("keys"))).unwrap();
    broker.accept_clock(Timestamp(NOW + DAY)).unwrap();
    // Of no lines yet, so that it need not have those that were named.
    let name = LogKey::of(broker.policy().policy());
    let checkpoint = Checkpoint::sign(&Log::new(), &name, &checkpoint_key()).unwrap().as_bytes().to_vec();
    let shown = StatusReply { checkpoint: checkpoint.clone(), ..status(7) };
    seen.expect(STAPEL_OK, complaint(&signed(&request(), &Reply::Status(shown), &operator)));
    let nothing = signed(&request(), &Reply::Status(status(7)), &operator);
    seen.expect(STAPEL_ERROR_LOG_INCONSISTENT, complaint(&nothing));
    let before = signed(&request(), &Reply::Status(StatusReply { checkpoint, ..status(6) }), &operator);
    seen.expect(STAPEL_ERROR_UNANNOUNCED_RESTORE, complaint(&before));

    // Every code of a rejection; nobody may sign those of a sender who is not authenticated.
    for code in Code::ALL {
        let hint = is_hint(code);
        // Only a question can be told that another epoch answers, or none yet.
        let is_asked = matches!(code, Code::OtherEpoch | Code::NotYetAnswering);
        let message = if is_asked { question(partner) } else { full_set(partner) };
        let number = if code == Code::Stale { 1 << 20 } else { 0 };
        let rejection = Rejection { log: LogEntry::NONE, code, number, sentence: "no".into() };
        let mut bytes = signed(&message, &Reply::Rejection(rejection), &operator);
        if hint {
            let signature = bytes.len() - 64;
            bytes[signature..].fill(0);
        }
        // SAFETY: handles, and where results go.
        unsafe {
            let (mut reply, mut said) = (null_mut(), std::mem::zeroed::<stapel_rejection>());
            let read = stapel_partner_read(partner, bytes.as_ptr(), bytes.len(), NOW, &mut reply);
            assert_eq!(read, STAPEL_OK, "{code:?}: {}", last());
            assert_eq!(stapel_reply_rejection(reply, &mut said), STAPEL_OK);
            assert_eq!(self::code(said.status), code.as_str());
            assert_eq!((said.number, said.sentence.len), (number, 2));
            assert!(hint || said.next as i32 != stapel_next::STAPEL_NEXT_NOTHING as i32);
            seen.0.insert(format!("{:?}", said.status));
            assert_eq!(stapel_reply_free(reply), STAPEL_OK);
        }
    }
    free(partner);
}

fn brokers(seen: &mut Seen, consortium: &Consortium) {
    let create = |name: &str, keys: &str, now: u64| {
        let (dir, keys, policy, mut broker) =
            (consortium.text(name), consortium.text(keys), consortium.text("policy.toml"), null_mut());
        // SAFETY: texts, and where a handle goes.
        unsafe {
            let (dir, dir_len) = (dir.as_ptr().cast(), dir.len());
            let (keys, keys_len) = (keys.as_ptr().cast(), keys.len());
            let (policy, policy_len) = (policy.as_ptr().cast::<c_char>(), policy.len());
            let status = stapel_broker_create(dir, dir_len, keys, keys_len, policy, policy_len, now, &mut broker);
            assert_eq!(stapel_broker_free(broker), STAPEL_OK);
            status
        }
    };
    seen.expect(STAPEL_ERROR_STORE, create("broker", "keys", NOW));
    seen.expect(STAPEL_ERROR_POLICY_NOT_YET, create("early", "keys", NOW - 30 * DAY));
    let (keys, mut one, mut other) = (consortium.text("other-keys"), null_mut(), null_mut());
    // SAFETY: a text, and where handles go.
    unsafe {
        let made = stapel_broker_init_keys(keys.as_ptr().cast(), keys.len(), &mut one, &mut other);
        seen.expect(STAPEL_OK, made);
        seen.expect(STAPEL_OK, stapel_buffer_free(one));
        seen.expect(STAPEL_OK, stapel_buffer_free(other));
    }
    seen.expect(STAPEL_ERROR_POLICY_OPERATOR, create("elsewhere", "other-keys", NOW));

    let open = |name: &str| {
        let (dir, keys, mut broker) = (consortium.text(name), consortium.text("keys"), null_mut());
        // SAFETY: texts, and where a handle goes.
        let status = unsafe {
            stapel_broker_open(dir.as_ptr().cast(), dir.len(), keys.as_ptr().cast(), keys.len(), &mut broker)
        };
        (status, broker)
    };
    let (status, broker) = open("broker");
    seen.expect(STAPEL_OK, status);
    let certify = |name: &str| {
        let path = consortium.text(name);
        // SAFETY: a handle and a text.
        unsafe { stapel_broker_certify(broker, path.as_ptr().cast(), path.len(), NOW) }
    };
    seen.expect(STAPEL_OK, certify("1.1.1.cert"));
    seen.expect(STAPEL_ERROR_CERTIFICATE, certify("policy.toml"));
    let mut text = null_mut();
    // SAFETY: a handle, and where one goes.
    unsafe {
        seen.expect(STAPEL_ERROR_CLOCK, stapel_broker_release(broker, NOW - DAY, 0, &mut text));
        seen.expect(STAPEL_ERROR_CLOCK_AHEAD, stapel_broker_release(broker, NOW + 19 * DAY, 0, &mut text));
        seen.expect(STAPEL_OK, stapel_broker_free(broker));
    }
    let (pepper, aside) = (consortium.path("keys/epoch-1.pepper"), consortium.path("keys/aside"));
    fs::rename(&pepper, &aside).unwrap();
    seen.expect(STAPEL_ERROR_BROKER_KEYS, open("broker").0);
    fs::rename(aside, pepper).unwrap();
    write_format(&consortium.path("broker/store/ledger.redb"), 99);
    seen.expect(STAPEL_ERROR_STORE_FORMAT, open("broker").0);
    let ledger = consortium.path("broker/store/ledger.redb");
    let mut bytes = fs::read(&ledger).unwrap();
    bytes[..4].fill(0);
    fs::write(ledger, bytes).unwrap();
    seen.expect(STAPEL_ERROR_STORE_DAMAGED, open("broker").0);
}

fn after_a_hit(seen: &mut Seen) {
    let consortium = Consortium::that_meets();
    let partner = opened(&consortium.text("1"));
    let (home, by) = (rows(&["1012JS 1"]), stapel_case { actor: of(b"j.jansen"), reference: of(b"1") });
    let (address, join) = (c"1012JS|1|A".as_ptr(), c"join".as_ptr());
    let (store, keys) = (consortium.text("broker"), consortium.text("keys"));
    let (mut count, mut messages, mut broker) = (0, null_mut(), null_mut());
    let (mut bytes, mut length, mut answer, mut reply) = (null(), 0, null_mut(), null_mut());
    // SAFETY: handles, texts, and where results go.
    unsafe {
        let put_forward = stapel_partner_put_forward(partner, home, &by, NOW, &mut count);
        seen.expect(STAPEL_ERROR_NO_FLAG, put_forward);
        let answered = stapel_partner_answer(partner, address, 10, join, 4, &by, NOW);
        seen.expect(STAPEL_ERROR_NOT_PUT_FORWARD, answered);
        seen.expect(STAPEL_ERROR_NO_CONVERSATION, stapel_partner_leave(partner, 1, &by, NOW));

        seen.expect(STAPEL_OK, stapel_partner_report_year(partner, 2025, NOW, &mut messages));
        let mut other = null_mut();
        let second = opened(&consortium.text("2"));
        seen.expect(STAPEL_OK, stapel_partner_talk(second, NOW, &mut other));
        seen.expect(STAPEL_OK, stapel_messages_free(other));
        other = null_mut();
        seen.expect(STAPEL_ERROR_TALK_IN_FLIGHT, stapel_partner_report_year(second, 2025, NOW, &mut other));
        free(second);
        let opened =
            stapel_broker_open(store.as_ptr().cast(), store.len(), keys.as_ptr().cast(), keys.len(), &mut broker);
        seen.expect(STAPEL_OK, opened);
        seen.expect(STAPEL_OK, stapel_messages_get(messages, 0, &mut bytes, &mut length));
        seen.expect(STAPEL_OK, stapel_broker_handle(broker, bytes, length, NOW, &mut answer));
        seen.expect(STAPEL_OK, stapel_buffer_bytes(answer, &mut bytes, &mut length));
        seen.expect(STAPEL_OK, stapel_partner_read(partner, bytes, length, NOW, &mut reply));
        seen.expect(STAPEL_ERROR_YEAR_REPORTED, stapel_partner_report_year(partner, 2025, NOW, &mut other));
        assert!(other.is_null());
        seen.expect(STAPEL_OK, stapel_messages_free(messages));
        seen.expect(STAPEL_OK, stapel_buffer_free(answer));
        seen.expect(STAPEL_OK, stapel_reply_free(reply));
        seen.expect(STAPEL_OK, stapel_addresses_free(home));
        seen.expect(STAPEL_OK, stapel_broker_free(broker));
    }
    free(partner);
}

/// Lets a store say that it has another format.
fn write_format(ledger: &Path, format: u32) {
    let about: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("about");
    let write = redb::Database::open(ledger).unwrap().begin_write().unwrap();
    write.open_table(about).unwrap().insert("format", format.to_le_bytes().as_slice()).unwrap();
    write.commit().unwrap();
}

/// The full set that a partner without flags begins with.
fn full_set(partner: *mut stapel_partner) -> Vec<u8> {
    let mut messages = null_mut();
    // SAFETY: a handle, where one goes, and a message of the messages.
    unsafe {
        assert_eq!(stapel_partner_deliver(partner, NOW, &mut messages), STAPEL_OK, "{}", last());
        let (mut bytes, mut length) = (null(), 0);
        assert_eq!(stapel_messages_get(messages, 0, &mut bytes, &mut length), STAPEL_OK);
        let message = std::slice::from_raw_parts(bytes, length).to_vec();
        assert_eq!(stapel_messages_free(messages), STAPEL_OK);
        message
    }
}

/// A question about one home.
fn question(partner: *mut stapel_partner) -> Vec<u8> {
    let (home, by) = (rows(&["1012JS 1"]), stapel_case { actor: of(b"j.jansen"), reference: of(b"1") });
    let mut messages = null_mut();
    // SAFETY: handles, where one goes, and a message of the messages.
    unsafe {
        assert_eq!(stapel_partner_ask(partner, home, &by, NOW, &mut messages), STAPEL_OK, "{}", last());
        let (mut bytes, mut length) = (null(), 0);
        assert_eq!(stapel_messages_get(messages, 0, &mut bytes, &mut length), STAPEL_OK);
        let message = std::slice::from_raw_parts(bytes, length).to_vec();
        assert_eq!(stapel_messages_free(messages), STAPEL_OK);
        assert_eq!(stapel_addresses_free(home), STAPEL_OK);
        message
    }
}

/// A reply to a message, signed by `signer`.
fn signed(message: &[u8], reply: &Reply, signer: &SigningKey) -> Vec<u8> {
    let sender = key(1).verifying_key();
    let mut header = Unverified::parse(message, Role::Partner).unwrap().verify(&sender).unwrap().header().clone();
    let journal = header.context;
    let kind = header.kind;
    (header.kind, header.context) = (reply.kind(), Digest::of(&[message]));
    let (subject, outcome) = match reply {
        Reply::Rejection(rejection) => (Subject::FullSet { renewed: 0 }, Outcome::Rejected(rejection.code)),
        _ => (Subject::Status, Outcome::Accepted),
    };
    assert_eq!(kind == Kind::Status, subject == Subject::Status);
    let (partner, epoch, message) = (header.partner, header.epoch, header.context);
    let event = Event::Message { partner, epoch, subject, message, journal, count: 0, outcome };
    let line = Line { salt: [1; 16], time: header.time, policy: header.policy, event };
    static LINES: AtomicU64 = AtomicU64::new(0);
    let index = LINES.fetch_add(1, Ordering::Relaxed);
    let entry = LogEntry { index, leaf: line.leaf(), salt: line.salt, ..LogEntry::NONE };
    let mut reply = reply.clone();
    match &mut reply {
        Reply::Status(status) => status.log = entry,
        Reply::Rejection(rejection) if !is_hint(rejection.code) => rejection.log = entry,
        _ => {}
    }
    message::sign(&header, &reply.encode().unwrap(), signer).unwrap()
}

/// Whether nobody may sign a rejection with the code: its sender is not authenticated.
fn is_hint(code: Code) -> bool {
    matches!(code, Code::UnknownPartner | Code::BadSignature | Code::WrongConsortium)
}

fn status(release: u64) -> StatusReply {
    StatusReply {
        log: LogEntry::NONE,
        release,
        as_of: START,
        until: START,
        accepted_state: 0,
        highest_state: 0,
        highest_question: 0,
        held: 0,
        full_set_required: true,
        new_flags_left: 0,
        first_sets_left: 0,
        held_left: 0,
        asked_left_today: 0,
        asked_left_epoch: 0,
        swept_left_today: 0,
        status_left_today: 1,
        checkpoint: Vec::new(),
        consistency: Vec::new(),
        lines: Vec::new(),
    }
}

fn open(dir: &str, to: Option<&mut *mut stapel_partner>) -> stapel_status {
    let mut partner = null_mut();
    // SAFETY: a text, and where a handle goes.
    unsafe { stapel_partner_open(dir.as_ptr().cast(), dir.len(), null(), 0, 0, to.unwrap_or(&mut partner)) }
}

/// A partner whose policy does not count house numbers.
fn counting_homes_alone(consortium: &Consortium) -> *mut stapel_partner {
    let policy = consortium.path("homes.toml");
    write_policy(&policy, &Consortium::policy(1).replace("levels = [\"unit\", \"number\"]\n", ""));
    partner_folder(&consortium.path("homes"), 1, &policy, &[1]);
    opened(&consortium.text("homes"))
}

fn opened(dir: &str) -> *mut stapel_partner {
    let mut partner = null_mut();
    assert_eq!(open(dir, Some(&mut partner)), STAPEL_OK, "{}", last());
    partner
}

fn add_secret(partner: *mut stapel_partner, path: &str) -> stapel_status {
    // SAFETY: a handle and a text.
    unsafe { stapel_partner_add_secret(partner, path.as_ptr().cast(), path.len()) }
}

fn free(partner: *mut stapel_partner) {
    // SAFETY: a handle.
    assert_eq!(unsafe { stapel_partner_free(partner) }, STAPEL_OK);
}

fn rows(texts: &[&str]) -> *mut stapel_addresses {
    let texts: Vec<stapel_str> = texts.iter().map(|text| of(text.as_bytes())).collect();
    let mut rows = null_mut();
    // SAFETY: as many texts as are said, and where a handle goes.
    assert_eq!(
        unsafe { stapel_addresses_from_texts(null(), texts.as_ptr(), null(), texts.len(), &mut rows) },
        STAPEL_OK
    );
    rows
}

fn of(text: &[u8]) -> stapel_str {
    stapel_str { ptr: text.as_ptr().cast(), len: text.len() }
}

fn terminated(text: &[c_char]) -> String {
    text.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8 as char).collect()
}

fn code(status: stapel_status) -> &'static str {
    // SAFETY: a static text.
    unsafe { std::ffi::CStr::from_ptr(stapel_status_code(status as i32)) }.to_str().unwrap()
}

fn last() -> String {
    // SAFETY: the text stays until the next call that fails.
    unsafe { std::ffi::CStr::from_ptr(stapel_last_error_message()) }.to_str().unwrap().to_owned()
}
