//! The broker's side.

use std::ffi::c_char;

use stapel::policy::Certificate;
use stapel::{Broker, BrokerError, BrokerKeys, Timestamp};

use crate::bytes::{array, out, path};
use crate::guard::{Failure, Outcome, guard};
use crate::handle::{Handle, Table, add, free, get};
use crate::messages::stapel_buffer;
use crate::status::stapel_status::{self, STAPEL_ERROR_PANIC};

/// A broker with its store open. One handle at a time, of all processes, can have a store open.
///
/// What it replied to is on disk when the call returns. Any number of threads may use it at once.
pub struct stapel_broker(Broker);

static TABLE: Table<stapel_broker> = Table::new();

impl Handle for stapel_broker {
    const NAME: &'static str = "a broker";

    fn table() -> &'static Table<Self> {
        &TABLE
    }
}

/// Draws a broker's keys and writes them to the folder `keys_dir`, which is made if it is not there; keys that are
/// there already stay.
///
/// `verifying_key` and `checkpoint_key` become the public keys, 64 hexadecimal digits each, for the operator's table in
/// the policy; to be freed with stapel_buffer_free.
///
/// Errors: STAPEL_ERROR_IO, _FILE_MODE, _KEY_FILE, _RANDOM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_broker_init_keys(
    keys_dir: *const c_char,
    keys_dir_len: usize,
    verifying_key: *mut *mut stapel_buffer,
    checkpoint_key: *mut *mut stapel_buffer,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (keys_dir, verifying_key, checkpoint_key) = unsafe {
            (
                path(keys_dir, keys_dir_len, "keys_dir")?,
                out(verifying_key, "verifying_key")?,
                out(checkpoint_key, "checkpoint_key")?,
            )
        };
        let keys = BrokerKeys::create(keys_dir)?;
        verifying_key.write(text(keys.verifying_key().to_string()));
        checkpoint_key.write(text(keys.checkpoint_key().to_string()));
        Ok(())
    })
}

/// Makes a broker in the folder `dir`, with the keys in `keys_dir`, under the policy in `policy_file`, with the
/// signatures and certificates beside it. `broker` is to be freed with stapel_broker_free.
///
/// Errors: STAPEL_ERROR_STORE where there is one already; _FOLDER_IN_USE; _POLICY_OPERATOR where the policy names other
/// keys; _POLICY_NOT_YET; _POLICY_TEXT, _POLICY_UNSAFE, _POLICY_SIGNATURES, _POLICY_SIGNATURE, _CERTIFICATE; _KEY_FILE,
/// _FILE_MODE, _IO, _RANDOM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_broker_create(
    dir: *const c_char,
    dir_len: usize,
    keys_dir: *const c_char,
    keys_dir_len: usize,
    policy_file: *const c_char,
    policy_file_len: usize,
    now: u64,
    broker: *mut *mut stapel_broker,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (dir, keys_dir, policy_file, broker) = unsafe {
            (
                path(dir, dir_len, "dir")?,
                path(keys_dir, keys_dir_len, "keys_dir")?,
                path(policy_file, policy_file_len, "policy_file")?,
                out(broker, "broker")?,
            )
        };
        let made = Broker::create(dir, BrokerKeys::open(keys_dir)?, policy_file, Timestamp(now))?;
        broker.write(add(stapel_broker(made)));
        Ok(())
    })
}

/// Opens the broker in the folder `dir`, with the keys in `keys_dir`. `broker` is to be freed with stapel_broker_free.
///
/// Errors: STAPEL_ERROR_FOLDER_IN_USE while another has it open; _STORE, _STORE_DAMAGED, _STORE_FORMAT; _POLICY_TEXT,
/// _POLICY_UNSAFE, _POLICY_SIGNATURES, _POLICY_SIGNATURE; _KEY_FILE, _BROKER_KEYS, _FILE_MODE, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_broker_open(
    dir: *const c_char,
    dir_len: usize,
    keys_dir: *const c_char,
    keys_dir_len: usize,
    broker: *mut *mut stapel_broker,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (dir, keys_dir, broker) =
            unsafe { (path(dir, dir_len, "dir")?, path(keys_dir, keys_dir_len, "keys_dir")?, out(broker, "broker")?) };
        broker.write(add(stapel_broker(Broker::open(dir, BrokerKeys::open(keys_dir)?)?)));
        Ok(())
    })
}

/// Takes a message, and gives the reply to carry back: the whole protocol. Whatever the bytes, there is a reply; what
/// was not accepted is a rejection in it, and no error. `reply` is to be freed with stapel_buffer_free.
///
/// `now` is the broker's time.
///
/// Errors: STAPEL_ERROR_OUTCOME_UNKNOWN where the broker cannot tell whether it kept what the message says: then there
/// is no reply. Free the broker and open it again, and the same bytes get theirs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_broker_handle(
    broker: *const stapel_broker,
    message: *const u8,
    message_len: usize,
    now: u64,
    reply: *mut *mut stapel_buffer,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (message, reply) = unsafe { (array(message, message_len, "message")?, out(reply, "reply")?) };
        let bytes = get(broker)?.0.handle(message, Timestamp(now));
        if bytes.is_empty() {
            return Err(Failure {
                status: stapel_status::STAPEL_ERROR_OUTCOME_UNKNOWN,
                text: "it is not known whether the broker kept what the message says: open the broker again, and send \
                       the same bytes again"
                    .into(),
            });
        }
        reply.write(add(stapel_buffer(bytes)));
        Ok(())
    })
}

/// Keeps a certificate or a suspension of a partner, which its organisation signed, from its file. One that was
/// kept before is no error.
///
/// Errors: STAPEL_ERROR_CERTIFICATE where it does not hold under the policy in force, or its serial is not above those
/// that are kept; _STORE, _IO, _RANDOM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_broker_certify(
    broker: *const stapel_broker,
    file: *const c_char,
    file_len: usize,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let file = unsafe { path(file, file_len, "file") }?;
        let broker = get(broker)?;
        let certificate = Certificate::read(file).map_err(BrokerError::from)?;
        broker.0.keep_certificate(&certificate, Timestamp(now))?;
        Ok(())
    })
}

/// Makes the releases that are due, closes epochs whose last day has passed, and purges what went. stapel_broker_handle
/// releases too; a broker needs this once a day.
///
/// `accept_clock` is 0, or, where there was no release for more than three days and somebody saw that the clock is
/// right, not 0: until then no epoch is closed, and nothing destroyed or purged. `releases` becomes a text, a JSON
/// array with an object for each release: epoch, release, as_of, full (whether new flags show), flags, tags; to be
/// freed with stapel_buffer_free.
///
/// Errors: STAPEL_ERROR_CLOCK where `now` is before the last release, _CLOCK_AHEAD where there was none for more than
/// two weeks, in all times of more than three days, or it is accepted after the last day of the policy's last epoch:
/// adopt a newer policy first; _STORE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_broker_release(
    broker: *const stapel_broker,
    now: u64,
    accept_clock: i32,
    releases: *mut *mut stapel_buffer,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let releases = unsafe { out(releases, "releases") }?;
        let (broker, now) = (get(broker)?, Timestamp(now));
        let made = if accept_clock == 0 { broker.0.release(now) } else { broker.0.accept_clock(now) }?;
        releases.write(json(serde_json::to_string(&made))?);
        Ok(())
    })
}

/// Numbers for the operator, as a JSON object: as_of and latest (the latest time that the broker was told, and acted
/// on), policy_version, policy, closes (the last day of its last epoch), silence (since, seconds; null where there was
/// none or a person said that the clock is right), last_backup (or null), epochs (number, release, as_of, tags,
/// next_release, shows_from, shows_by, changed, min_changed, waits_since, partners (number, held, released, heard,
/// full_set_seen), uncertified, without_full_set (numbers of partners)), certificates (epoch, partner, serial,
/// suspends, first_day, last_day), last_fault, log_behind (why the audit log is not signed on, or null), faults
/// (severity, code, since, finding: what stands). `status` is to be freed with stapel_buffer_free. Another process
/// reads the same with `stapel broker status`, while this one has the broker open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_broker_status(
    broker: *const stapel_broker,
    status: *mut *mut stapel_buffer,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let status = unsafe { out(status, "status") }?;
        status.write(json(serde_json::to_string(&get(broker)?.0.status()))?);
        Ok(())
    })
}

/// Closes a broker, and lets its store go once the calls that are under way on other threads have ended. NULL is no
/// error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_broker_free(broker: *mut stapel_broker) -> stapel_status {
    free(broker)
}

fn text(text: String) -> *mut stapel_buffer {
    add(stapel_buffer(text.into_bytes()))
}

/// A text in JSON. Numbers and texts alone do not fail to be one.
fn json(made: serde_json::Result<String>) -> Outcome<*mut stapel_buffer> {
    made.map(text).map_err(|error| Failure::new(STAPEL_ERROR_PANIC, error.to_string()))
}
