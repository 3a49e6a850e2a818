//! What comes after a hit, as far as a program in C carries it: what is put forward, the messages, and their replies.
//! Conversations are read and written with the command, or from Rust.

use stapel::Timestamp;
use stapel::partner::Received;

use crate::addresses::stapel_addresses;
use crate::bytes::{case, invalid, out, stapel_case, stapel_str};
use crate::guard::guard;
use crate::handle::get;
use crate::messages::stapel_messages;
use crate::partner::stapel_partner;
use crate::reply::{stapel_log_entry, stapel_reply};
use crate::status::stapel_status::{self, STAPEL_OK};

/// What the broker said of what comes after a hit. What the kind of the reply does not speak of is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_talked {
    /// STAPEL_KIND_KEPT: how many of the addresses put forward the broker keeps.
    pub kept: u32,
    /// STAPEL_KIND_KEPT: how many it does not keep, because it holds no flag of the partner there.
    pub unflagged: u32,
    /// STAPEL_KIND_KEPT: how many of those that it keeps are new.
    pub added: u32,
    /// STAPEL_KIND_KEPT: how many new ones the organisation may put forward today still.
    pub new_left: u32,
    /// STAPEL_KIND_KEPT: how many more the organisation may have put forward in this epoch.
    pub held_left: u32,
    /// STAPEL_KIND_POSTED: how much is new, such as an introduction or a note.
    pub news: u32,
    /// STAPEL_KIND_POSTED: how much was passed over, because it is not for this partner or does not open.
    pub passed_over: u32,
    /// STAPEL_KIND_POSTED: not 0 where more waits: stapel_partner_talk fetches it.
    pub more: i32,
    /// STAPEL_KIND_POSTED: STAPEL_OK, or what is wrong with an introduction: STAPEL_ERROR_FALSE_INTRODUCTION or
    /// _LATE_INTRODUCTION. The evidence is in files in the partner's folder.
    pub complaint: stapel_status,
    /// What was found, and what to do.
    pub complaint_text: stapel_str,
    /// The line of the broker's audit log.
    pub log: stapel_log_entry,
}

/// What the broker said of what comes after a hit. The text belongs to the reply. What it says is in the partner's
/// folder and journal already: who was introduced, notes and totals are shown by the command (stapel partner), or from
/// Rust.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_talked(reply: *const stapel_reply, talked: *mut stapel_talked) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let talked = unsafe { out(talked, "talked") }?;
        let reply = get(reply)?;
        let said = stapel_talked::of(reply.received());
        talked.write(said.ok_or_else(|| invalid("the reply is not about what comes after a hit"))?);
        Ok(())
    })
}

/// Puts own flags forward: whoever flags the same and puts it forward too is told so, and this partner of them,
/// directly or by the coordinator, as the policy says. It lasts until it is taken back, or the flag ends; the broker
/// hears of it with stapel_partner_talk. `count` is how many were not put forward yet. Refused rows are left out.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED where the policy has no `[meet]`, or the partner may not flag; _LEVEL for house
/// numbers where the policy does not count those; _NO_FLAG where one of them is not flagged, and then none is put
/// forward; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_put_forward(
    partner: *const stapel_partner,
    homes: *const stapel_addresses,
    by: *const stapel_case,
    now: u64,
    count: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, count) = unsafe { (case(by)?, out(count, "count")?) };
        let (partner, homes) = (get(partner)?, get(homes)?);
        count.write(partner.lock_for(&homes)?.put_forward(homes.given(), &by, Timestamp(now))?);
        Ok(())
    })
}

/// Takes back what was put forward; what is not put forward is passed over. Whoever was introduced stays so. `count` is
/// how many were taken back. The broker hears of it with stapel_partner_talk.
///
/// Errors: STAPEL_ERROR_CASE, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_take_back(
    partner: *const stapel_partner,
    homes: *const stapel_addresses,
    by: *const stapel_case,
    now: u64,
    count: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, count) = unsafe { (case(by)?, out(count, "count")?) };
        let (partner, homes) = (get(partner)?, get(homes)?);
        count.write(partner.lock_for(&homes)?.take_back(homes.given(), &by, Timestamp(now))?);
        Ok(())
    })
}

/// The next message of what comes after a hit: one, or none once today's (UTC) have gone, of which there are as many on
/// each day, whatever there is to say or to fetch. Call it until then, after stapel_partner_deliver, once a day: carry
/// each message, and read its reply before the next call. To be freed with stapel_messages_free. None either where the
/// policy has no `[meet]`.
///
/// Until its reply was read, the same call gives the same bytes again.
///
/// Errors: STAPEL_ERROR_NO_EPOCH where no epoch is open; _NOT_CERTIFIED, _CLOCK, _CLOCK_AHEAD, _RANDOM, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_talk(
    partner: *const stapel_partner,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let messages = unsafe { out(messages, "messages") }?;
        let made = get(partner)?.lock()?.talk(Timestamp(now))?;
        messages.write(stapel_messages::add(made.into_iter().collect()));
        Ok(())
    })
}

impl stapel_talked {
    fn of(received: &Received) -> Option<stapel_talked> {
        Some(match received {
            Received::Kept(said) => stapel_talked {
                kept: said.kept,
                unflagged: said.unflagged,
                added: said.new,
                new_left: said.new_left,
                held_left: said.held_left,
                ..stapel_talked::nothing(stapel_log_entry::of(&said.log))
            },
            Received::Posted(said) => stapel_talked {
                news: u32::try_from(said.news.len()).unwrap_or(u32::MAX),
                passed_over: said.passed_over,
                more: said.more.into(),
                complaint: said.complaint.as_ref().map_or(STAPEL_OK, |complaint| stapel_status::of(complaint.code)),
                complaint_text: stapel_str::optional(said.complaint.as_ref().map(|complaint| complaint.text.as_str())),
                ..stapel_talked::nothing(stapel_log_entry::of(&said.log))
            },
            Received::Totals(said) => stapel_talked::nothing(stapel_log_entry::of(&said.log)),
            _ => return None,
        })
    }

    fn nothing(log: stapel_log_entry) -> stapel_talked {
        stapel_talked {
            kept: 0,
            unflagged: 0,
            added: 0,
            new_left: 0,
            held_left: 0,
            news: 0,
            passed_over: 0,
            more: 0,
            complaint: STAPEL_OK,
            complaint_text: stapel_str::NONE,
            log,
        }
    }
}
