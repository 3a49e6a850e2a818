//! The partner's side.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use stapel::message::RenewalReason;
use stapel::partner::{Changed, Partner};
use stapel::{AddressKey, Day, Digest, Slug, Timestamp};

use crate::addresses::stapel_addresses;
use crate::bytes::{array, case, invalid, out, path, place, spare, stapel_case, text};
use crate::guard::{Failure, Outcome, guard};
use crate::handle::{Handle, Table, add, free, get};
use crate::messages::{stapel_buffer, stapel_messages};
use crate::news::stapel_news;
use crate::reply::stapel_reply;
use crate::status::stapel_status::{self, STAPEL_ERROR_PANIC};
use crate::texts::Texts;

/// A partner with its folder open: its key, its flags, its journal. One handle at a time, of all processes, can have a
/// folder open.
///
/// Everything that a call did is on disk when it returns. Any thread may use it; calls take turns.
pub struct stapel_partner(Mutex<Partner>);

/// What a call changed over the partner's flags.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_changed {
    /// Addresses that were not flagged before.
    pub added: u64,
    /// Addresses that were flagged, with another last valid day now.
    pub changed: u64,
    /// Addresses that were flagged, and are no longer.
    pub withdrawn: u64,
    /// Addresses that are as they were.
    pub unchanged: u64,
    /// Addresses that were not flagged: their flag ended within the last 30 days, and only a renewal lets it go on.
    pub lapsed: u64,
    /// Rows that were left out, because their addresses were refused when they were read.
    pub refused: u64,
    /// How many rows repeat the address of another row: each address counts once.
    pub repeated: u64,
}

static TABLE: Table<stapel_partner> = Table::new();

impl Handle for stapel_partner {
    const NAME: &'static str = "a partner";

    fn table() -> &'static Table<Self> {
        &TABLE
    }
}

/// Makes the folder of a new partner: its key, the key of its journal, and an empty journal. Done once, before the
/// coordinator puts the partner into the roster.
///
/// `keys` names a folder of its own for what is secret, the epochs' secrets among it, so that no copy of `dir` need
/// hold it; NULL where that is `dir` too. It is named again wherever `dir` is.
///
/// `number` is the one it is to have in the roster. `verifying_key` becomes the public key of its messages, 64
/// hexadecimal digits, for the coordinator; to be freed with stapel_buffer_free.
///
/// Errors: STAPEL_ERROR_PARTNER_FOLDER where there is one already; _IO, _FOLDER_IN_USE, _RANDOM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_init(
    dir: *const c_char,
    dir_len: usize,
    keys: *const c_char,
    keys_len: usize,
    number: u16,
    verifying_key: *mut *mut stapel_buffer,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (place, verifying_key) =
            unsafe { (place((dir, dir_len), (keys, keys_len))?, out(verifying_key, "verifying_key")?) };
        let enrolment = Partner::init(place, number)?;
        verifying_key.write(add(stapel_buffer(enrolment.verifying_key.to_string().into_bytes())));
        Ok(())
    })
}

/// Copies a first policy, with the signatures beside it, into the folder of a partner that has none yet. It is taken on
/// the word of whoever hands it over; later ones come through stapel_partner_adopt_policy.
///
/// `keys` as for stapel_partner_init.
///
/// Errors: those of stapel_partner_open; STAPEL_ERROR_PARTNER_FOLDER where the folder has a policy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_join(
    dir: *const c_char,
    dir_len: usize,
    keys: *const c_char,
    keys_len: usize,
    policy_file: *const c_char,
    policy_file_len: usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (place, policy) =
            unsafe { (place((dir, dir_len), (keys, keys_len))?, path(policy_file, policy_file_len, "policy_file")?) };
        Ok(Partner::join(place, policy)?)
    })
}

/// Opens a partner's folder. `partner` is to be freed with stapel_partner_free, which lets the folder go. `keys` as for
/// stapel_partner_init.
///
/// Where another has the folder open, the call waits for it for about `wait_ms` milliseconds, in which the thread
/// sleeps; 0 is not at all. Those that wait take turns, so that many processes can open and close one folder all day.
/// 5000 is what whoever waits for a web page bears. A thread that has the folder open itself waits in vain.
///
/// Errors: STAPEL_ERROR_FOLDER_IN_USE where another has it open all that time; _PARTNER_FOLDER where its keys are
/// missing, and their folder is to be named; that, _JOURNAL_DAMAGED, _KEY_FILE, _SECRET_FILE, _FILE_MODE and _IO for
/// its files; _POLICY_TEXT, _POLICY_UNSAFE, _POLICY_SIGNATURES and _POLICY_SIGNATURE for its policy;
/// _NOT_IN_ROSTER, _SECRET_MISMATCH where they do not fit each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_open(
    dir: *const c_char,
    dir_len: usize,
    keys: *const c_char,
    keys_len: usize,
    wait_ms: u32,
    partner: *mut *mut stapel_partner,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (place, partner) = unsafe { (place((dir, dir_len), (keys, keys_len))?, out(partner, "partner")?) };
        let place = place.waiting(Duration::from_millis(wait_ms.into()));
        partner.write(add(stapel_partner(Mutex::new(Partner::open(place)?))));
        Ok(())
    })
}

/// Takes a newer policy into force, from its file and the signatures beside it, and keeps a copy in the folder.
///
/// Errors: STAPEL_ERROR_POLICY_SUCCESSOR where it may not follow the one in force; _POLICY_NOT_YET before its first
/// day; those of reading it; _NOT_IN_ROSTER, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_adopt_policy(
    partner: *const stapel_partner,
    policy_file: *const c_char,
    policy_file_len: usize,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let policy = unsafe { path(policy_file, policy_file_len, "policy_file") }?;
        Ok(get(partner)?.lock()?.adopt_policy(policy, Timestamp(now))?)
    })
}

/// Keeps a copy of the file of an epoch's secret in the folder, and uses it.
///
/// Errors: STAPEL_ERROR_SECRET_FILE, _FILE_MODE, _IO; _SECRET_MISMATCH where it is not the one that the policy names.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_add_secret(
    partner: *const stapel_partner,
    secret_file: *const c_char,
    secret_file_len: usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let secret = unsafe { path(secret_file, secret_file_len, "secret_file") }?;
        Ok(get(partner)?.lock()?.add_secret(secret)?)
    })
}

/// The partner's number in the roster.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_number(partner: *const stapel_partner, number: *mut u16) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let number = unsafe { out(number, "number") }?;
        number.write(get(partner)?.lock()?.number());
        Ok(())
    })
}

/// The homes that the partner flags, and the house numbers that it flags alone, as rows in the order of their canonical
/// forms, with the text in which each was flagged; without references. To be freed with stapel_addresses_free. Those
/// whose flags ended go when the partner does something on a later day.
///
/// They can be given to stapel_partner_withdraw, all or some (stapel_addresses_pick): no register is asked, so that a
/// home goes too whose id was withdrawn since.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_flags(
    partner: *const stapel_partner,
    flags: *mut *mut stapel_addresses,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let flags = unsafe { out(flags, "flags") }?;
        let partner = get(partner)?;
        let partner = partner.lock()?;
        let homes: Vec<AddressKey> = partner.flags().map(|flag| flag.address).collect();
        let mut typed = Texts::default();
        homes.iter().try_for_each(|home| typed.push(partner.typed(home).as_bytes(), "a text"))?;
        flags.write(add(stapel_addresses::of(homes, typed)));
        Ok(())
    })
}

/// How many of its flags no message has told the broker yet, in the newest epoch in which the partner delivers: those
/// since the last delivery, and those that wait because of the policy's budgets. They go with the next deliveries, as
/// many as the budgets take.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_undelivered(
    partner: *const stapel_partner,
    count: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(partner)?.lock()?.undelivered());
        Ok(())
    })
}

/// Says that somebody saw that the clock is right, where calls are refused with STAPEL_ERROR_CLOCK or _CLOCK_AHEAD: a
/// wrong time would end flags for good. `ended` is how many flags end with that, because their last valid day has
/// passed. The journal has who said it.
///
/// Errors: STAPEL_ERROR_CLOCK_AHEAD for a time after the last day of the policy's last epoch; _CASE, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_accept_clock(
    partner: *const stapel_partner,
    by: *const stapel_case,
    now: u64,
    ended: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, ended) = unsafe { (case(by)?, out(ended, "ended")?) };
        let done = get(partner)?.lock()?.accept_clock(&by, Timestamp(now))?;
        ended.write(done);
        Ok(())
    })
}

/// Flags homes, through the latest month's end that the policy's max_days reach. Those that are flagged already stay as
/// they are: looked at again, they are renewed, with stapel_partner_renew. The broker hears of it with
/// stapel_partner_deliver.
///
/// House numbers follow from their homes. Where the policy counts them, a row of one
/// (stapel_addresses_refused_numbers) flags that number alone, for where it is certain and the home is not: it counts
/// for no home.
///
/// `now` is in seconds since 1970-01-01T00:00:00Z, here and everywhere: the library reads no clock.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED where the roster does not let the partner flag; _LEVEL for house numbers where
/// the policy does not count those; _REGISTER_REQUIRED where the policy requires a register, and one of them was not
/// looked up; _LAST_DAY where no month ends within max_days; _CASE for an acting user or case that cannot be; _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_flag(
    partner: *const stapel_partner,
    homes: *const stapel_addresses,
    by: *const stapel_case,
    now: u64,
    changed: *mut stapel_changed,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, changed) = unsafe { (case(by)?, out(changed, "changed")?) };
        let (partner, homes) = (get(partner)?, get(homes)?);
        let done = partner.lock_for(&homes)?.flag(homes.given(), &by, Timestamp(now))?;
        changed.write(stapel_changed::of(&done, &homes));
        Ok(())
    })
}

/// Flags homes through `last_day`, a month's last, written as in "2027-05-31". It can also bring the end of a flag
/// forward, or put it back as far as that needs no further renewal.
///
/// Errors: those of stapel_partner_flag; STAPEL_ERROR_LAST_DAY for a day that is over, not a month's last, or too far
/// off; _INVALID_ARGUMENT for what is not a day.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_flag_until(
    partner: *const stapel_partner,
    homes: *const stapel_addresses,
    last_day: *const c_char,
    last_day_len: usize,
    by: *const stapel_case,
    now: u64,
    changed: *mut stapel_changed,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (last_day, by, changed) =
            unsafe { (text(last_day, last_day_len, "last_day")?, case(by)?, out(changed, "changed")?) };
        let last_day: Day = last_day.parse().map_err(|error| invalid(format!("last_day is {error}")))?;
        let (partner, homes) = (get(partner)?, get(homes)?);
        let done = partner.lock_for(&homes)?.flag_until(homes.given(), last_day, &by, Timestamp(now))?;
        changed.write(stapel_changed::of(&done, &homes));
        Ok(())
    })
}

/// Renews the flags of homes that were looked at again, also of those that ended or were withdrawn within the last 30
/// days. `reason` says why: "observed_again", "being_acted_on", "procedure_pending" or "under_supervision". It goes
/// with the flag to the broker, whose log counts renewals.
///
/// Errors: those of stapel_partner_flag; STAPEL_ERROR_NOT_FLAGGED where one of them has no such flag;
/// _TOO_MANY_RENEWALS where one cannot last longer; _INVALID_ARGUMENT for what is not a reason. Then none is renewed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_renew(
    partner: *const stapel_partner,
    homes: *const stapel_addresses,
    reason: *const c_char,
    reason_len: usize,
    by: *const stapel_case,
    now: u64,
    changed: *mut stapel_changed,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (reason, by, changed) =
            unsafe { (text(reason, reason_len, "reason")?, case(by)?, out(changed, "changed")?) };
        let reason: RenewalReason = reason.parse().map_err(|error| invalid(format!("reason is {error}")))?;
        let (partner, homes) = (get(partner)?, get(homes)?);
        let done = partner.lock_for(&homes)?.renew(homes.given(), reason, &by, Timestamp(now))?;
        changed.write(stapel_changed::of(&done, &homes));
        Ok(())
    })
}

/// Withdraws the flags of homes, and of house numbers that were flagged alone. Withdrawing what is not flagged does
/// nothing.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED, _CASE, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_withdraw(
    partner: *const stapel_partner,
    homes: *const stapel_addresses,
    by: *const stapel_case,
    now: u64,
    changed: *mut stapel_changed,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, changed) = unsafe { (case(by)?, out(changed, "changed")?) };
        let (partner, homes) = (get(partner)?, get(homes)?);
        let done = partner.lock_for(&homes)?.withdraw(homes.given(), &by, Timestamp(now))?;
        changed.write(stapel_changed::of(&done, &homes));
        Ok(())
    })
}

/// Makes the flags exactly those of `homes`: a full set. Those that were flagged already keep their days; all others
/// are withdrawn, also those of refused rows: see to those first.
///
/// A truncated export must not wipe a partner out: where more than the policy's share of the flags would go,
/// `allow_shrink` must not be 0, to say that it is meant.
///
/// Errors: those of stapel_partner_flag; STAPEL_ERROR_SHRINK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_replace_all(
    partner: *const stapel_partner,
    homes: *const stapel_addresses,
    allow_shrink: i32,
    by: *const stapel_case,
    now: u64,
    changed: *mut stapel_changed,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, changed) = unsafe { (case(by)?, out(changed, "changed")?) };
        let (partner, homes) = (get(partner)?, get(homes)?);
        let done = partner.lock_for(&homes)?.replace_all(homes.given(), allow_shrink != 0, &by, Timestamp(now))?;
        changed.write(stapel_changed::of(&done, &homes));
        Ok(())
    })
}

/// The messages that bring the broker up to date, in the order in which it must get them; none where it is. To be freed
/// with stapel_messages_free.
///
/// What is new beyond the policy's budgets waits for a later day, those flagged last: see stapel_partner_undelivered.
///
/// Until their replies were read, the same call gives the same bytes again.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED; _NO_EPOCH where no epoch is open, or its secret is missing; _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_deliver(
    partner: *const stapel_partner,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let messages = unsafe { out(messages, "messages") }?;
        let made = get(partner)?.lock()?.deliver(Timestamp(now))?;
        messages.write(stapel_messages::add(made));
        Ok(())
    })
}

/// As stapel_partner_deliver; where there is nothing to deliver, the message that nothing changed, by which silence
/// differs from no change.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_confirm(
    partner: *const stapel_partner,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let messages = unsafe { out(messages, "messages") }?;
        let made = get(partner)?.lock()?.confirm(Timestamp(now))?;
        messages.write(stapel_messages::add(made));
        Ok(())
    })
}

/// The questions for the standings of addresses, of homes or house numbers; several where there are more than 100,000
/// different ones. To be freed with stapel_messages_free. stapel_reply_standings brings the answers back to the rows.
///
/// As long as a question of the same call (addresses, actor and case) is in flight, those in flight come again, byte
/// for byte.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED; _REGISTER_REQUIRED where the policy requires a register, and one of them was not
/// looked up; _LEVEL for a house number where the policy does not count those; _NO_EPOCH, _CASE, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_ask(
    partner: *const stapel_partner,
    addresses: *const stapel_addresses,
    by: *const stapel_case,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, messages) = unsafe { (case(by)?, out(messages, "messages")?) };
        let (partner, addresses) = (get(partner)?, get(addresses)?);
        let made = partner.lock_for(&addresses)?.ask(addresses.given(), &by, Timestamp(now))?;
        messages.write(stapel_messages::add(made));
        Ok(())
    })
}

/// As stapel_partner_ask, about all that the partner itself flags, house numbers included where the policy counts them.
/// What changed is told by stapel_partner_news.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_ask_own(
    partner: *const stapel_partner,
    by: *const stapel_case,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, messages) = unsafe { (case(by)?, out(messages, "messages")?) };
        let made = get(partner)?.lock()?.ask_own(&by, Timestamp(now))?;
        messages.write(stapel_messages::add(made));
        Ok(())
    })
}

/// As stapel_partner_ask, about addresses that the partner need not flag itself, for a reason that the policy lists.
///
/// Errors: those of stapel_partner_ask; STAPEL_ERROR_NOT_PERMITTED also for a reason that the policy does not list;
/// _INVALID_ARGUMENT for one that cannot be.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_sweep(
    partner: *const stapel_partner,
    addresses: *const stapel_addresses,
    reason: *const c_char,
    reason_len: usize,
    by: *const stapel_case,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (reason, by, messages) =
            unsafe { (text(reason, reason_len, "reason")?, case(by)?, out(messages, "messages")?) };
        let reason: Slug = reason.parse().map_err(|error| invalid(format!("reason is {error}")))?;
        let (partner, addresses) = (get(partner)?, get(addresses)?);
        let made = partner.lock_for(&addresses)?.sweep(addresses.given(), &reason, &by, Timestamp(now))?;
        messages.write(stapel_messages::add(made));
        Ok(())
    })
}

/// The request where the partner stands with the broker: one message. It takes the place of one in flight.
///
/// Errors: STAPEL_ERROR_NO_EPOCH, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_status(
    partner: *const stapel_partner,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let messages = unsafe { out(messages, "messages") }?;
        let made = get(partner)?.lock()?.status(Timestamp(now))?;
        messages.write(stapel_messages::add(vec![made]));
        Ok(())
    })
}

/// The messages whose replies were not read yet, those that tell what is flagged first: to send them after a program
/// ended in between.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_in_flight(
    partner: *const stapel_partner,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let messages = unsafe { out(messages, "messages") }?;
        let waiting = get(partner)?.lock()?.in_flight().map(|message| message.bytes.to_vec()).collect();
        messages.write(stapel_messages::add(waiting));
        Ok(())
    })
}

/// Reads a reply of the broker: checks that it is the broker's, that it is to a message in flight, and that it speaks
/// of no older release than was seen; then does what it says. `reply` is to be freed with stapel_reply_free.
///
/// A rejection is a reply, and no error. A receipt or an answer that was read before is given again as it was, and
/// changes nothing.
///
/// Errors, by none of which anything changes: STAPEL_ERROR_MALFORMED, _TOO_LARGE; _BAD_SIGNATURE for another broker's;
/// _UNEXPECTED_REPLY for one to another message, or an answer to a question that was given up; _IO, _JOURNAL_DAMAGED.
/// Only after STAPEL_ERROR_OUT_OF_MEMORY an answer may be in the journal already: read it again, and it is given again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_read(
    partner: *const stapel_partner,
    bytes: *const u8,
    bytes_len: usize,
    now: u64,
    reply: *mut *mut stapel_reply,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (bytes, reply) = unsafe { (array(bytes, bytes_len, "bytes")?, out(reply, "reply")?) };
        let partner = get(partner)?;
        let mut partner = partner.lock()?;
        let received = partner.read(bytes, Timestamp(now))?;
        reply.write(stapel_reply::add(received, &partner)?);
        Ok(())
    })
}

/// No longer waits for the reply to a message, given by its bytes; nor for those that tell what is flagged after it.
/// What they said is still to be said.
///
/// Errors: STAPEL_ERROR_UNEXPECTED_REPLY where no such message is in flight; _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_give_up(
    partner: *const stapel_partner,
    message: *const u8,
    message_len: usize,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let message = unsafe { array(message, message_len, "message") }?;
        Ok(get(partner)?.lock()?.give_up(Digest::of(&[message]), Timestamp(now))?)
    })
}

/// What changed between the answers that were read when this was called last, and those read since; over the partner's
/// own flags. To be freed with stapel_news_free. stapel_partner_ask_own asks for all of them.
///
/// Errors: STAPEL_ERROR_IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_news(
    partner: *const stapel_partner,
    news: *mut *mut stapel_news,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let news = unsafe { out(news, "news") }?;
        let partner = get(partner)?;
        let mut partner = partner.lock()?;
        let changes = partner.news()?;
        news.write(stapel_news::add(&changes, &partner));
        Ok(())
    })
}

/// Closes a partner, and lets its folder go once the calls that are under way on other threads have ended. NULL is no
/// error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_free(partner: *mut stapel_partner) -> stapel_status {
    free(partner)
}

/// What a row takes while its flag or its question is made, and a flag that is there already, with room to spare: rows,
/// records and the state are there twice, once before and once after they are sealed.
const BYTES_A_ROW: usize = 1024;

/// How often a text that comes with a row is there meanwhile: beside its row, and in all of these.
const COPIES_OF_A_TEXT: usize = 8;

impl stapel_partner {
    /// As [`lock`](Self::lock), for a call with so many rows. Nothing is begun where memory does not suffice for them.
    pub(crate) fn lock_for(&self, rows: &stapel_addresses) -> Outcome<MutexGuard<'_, Partner>> {
        let partner = self.lock()?;
        let bytes = rows.count().saturating_add(partner.flags().len()).saturating_mul(BYTES_A_ROW);
        spare(bytes.saturating_add(rows.typed_bytes().saturating_mul(COPIES_OF_A_TEXT)))?;
        Ok(partner)
    }

    pub(crate) fn lock(&self) -> Outcome<MutexGuard<'_, Partner>> {
        self.0.lock().map_err(|_| {
            let text = "an earlier call about this partner was stopped half-way; free it and open its folder again";
            Failure::new(STAPEL_ERROR_PANIC, text)
        })
    }
}

impl stapel_changed {
    fn of(done: &Changed, homes: &stapel_addresses) -> stapel_changed {
        stapel_changed {
            added: done.added as u64,
            changed: done.changed as u64,
            withdrawn: done.withdrawn as u64,
            unchanged: done.unchanged as u64,
            lapsed: done.lapsed as u64,
            refused: homes.refused() as u64,
            repeated: done.repeated as u64,
        }
    }
}
