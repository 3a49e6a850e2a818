//! What comes after a hit: putting forward, the messages and their replies, totals and the report of a year. What there
//! is to read and to write is in `forward` and `conversations`.

use stapel::Timestamp;
use stapel::message::Totals;
use stapel::partner::Received;

use crate::addresses::stapel_addresses;
use crate::bytes::{case, invalid, out, out_array, past, stapel_case, stapel_str};
use crate::guard::{Outcome, guard};
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
    /// STAPEL_KIND_POSTED: not 0 where more waits: it comes with the next exchange that
    /// stapel_partner_talk makes.
    pub more: i32,
    /// STAPEL_KIND_POSTED: STAPEL_OK, or what is wrong with an introduction: STAPEL_ERROR_FALSE_INTRODUCTION or
    /// _LATE_INTRODUCTION. The evidence is in files in the partner's folder.
    pub complaint: stapel_status,
    /// What was found, and what to do.
    pub complaint_text: stapel_str,
    /// The line of the broker's audit log.
    pub log: stapel_log_entry,
}

/// How many of the organisation's flags are stacked, for a policy that tells no more.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_totals {
    /// The release that they are of.
    pub release: u64,
    /// When that release took place.
    pub as_of: u64,
    /// How many cells there are, for stapel_reply_totals_cell: none where there are fewer than 100 flags.
    pub cells: usize,
    /// The organisation's released flags, rounded down to tens.
    pub flags: u32,
    /// The year of that moment.
    pub year: u16,
    /// The quarter of that moment, 1 to 4.
    pub quarter: u8,
    /// The line of the broker's audit log.
    pub log: stapel_log_entry,
}

/// How many of the flags are stacked by some numbers of organisations.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_totals_cell {
    /// The fewest organisations.
    pub from: u8,
    /// The most; 0 for all above.
    pub to: u8,
    /// Addresses, rounded down to tens.
    pub number: u32,
}

/// How many of a year's conversations went in some ways.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_year_cell {
    /// The ways, added up: 1 open, 2 taken up together, 4 taken up by one, 8 not taken up, 16 nothing found. A wrong
    /// signal counts as not taken up.
    pub ways: u8,
    /// How many; 0 in one cell of all ways where they are fewer than ten together.
    pub number: u32,
}

/// What the broker said of what comes after a hit. The text belongs to the reply. What it says is in the partner's
/// folder and journal already: stapel_partner_talk_news tells what is new, and stapel_reply_totals the totals.
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
/// directly or by the coordinator, as the policy says. It lasts until it is taken back, or the flag or its epoch ends;
/// the broker hears of it with stapel_partner_talk. It is told to those organisations alone that the policy in force
/// now lets be told of it: put forward again, it is agreed to anew. `count` is how many were not put forward yet, or
/// are anew. Refused rows are left out.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED where the policy has no `[meet]`, or the partner may not flag; _LEVEL for house
/// numbers where the policy does not count those; _NO_FLAG where one of them is not flagged, and then none is put
/// forward; _NO_EPOCH where none is open whose secret is here; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
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

/// The next message of what comes after a hit, or none: once today's (UTC) have gone, of which there are as many on
/// each day, whatever there is to say or to fetch; once after a message that was not accepted, which ends the run; and
/// always where this partner has no part in it: the policy has no `[meet]`, or it may neither flag nor coordinate.
/// Call it until then, after stapel_partner_deliver, once a day: carry each message, and read its reply before the next
/// call. To be freed with stapel_messages_free.
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

/// How many of the organisation's flags are stacked.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_totals(reply: *const stapel_reply, totals: *mut stapel_totals) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let totals = unsafe { out(totals, "totals") }?;
        let reply = get(reply)?;
        let said = told_totals(reply.received())?;
        totals.write(stapel_totals {
            release: said.release,
            as_of: said.as_of.0,
            cells: said.cells.len(),
            flags: said.flags,
            year: said.year,
            quarter: said.quarter,
            log: stapel_log_entry::of(&said.log),
        });
        Ok(())
    })
}

/// Cell `index` of totals, counted from 0, ascending by the number of organisations.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind, and for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_totals_cell(
    reply: *const stapel_reply,
    index: usize,
    cell: *mut stapel_totals_cell,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let cell = unsafe { out(cell, "cell") }?;
        let reply = get(reply)?;
        let cells = &told_totals(reply.received())?.cells;
        let found = cells.get(index).ok_or_else(|| past("cell", index, cells.len()))?;
        cell.write(stapel_totals_cell { from: found.from, to: found.to, number: found.number });
        Ok(())
    })
}

/// The request how many of the organisation's flags are stacked, for a policy whose answers are totals: one message, to
/// be freed with stapel_messages_free. stapel_reply_totals reads its reply. The same bytes come again as long as that
/// was not read.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED where answers are not totals, or the partner may not ask; _TALK_IN_FLIGHT while
/// another message of what comes after a hit waits for its reply; _NO_EPOCH, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_totals(
    partner: *const stapel_partner,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let messages = unsafe { out(messages, "messages") }?;
        let made = get(partner)?.lock()?.totals_request(Timestamp(now))?;
        messages.write(stapel_messages::add(vec![made]));
        Ok(())
    })
}

/// How the conversations went that began in a year, as stapel_partner_report_year reports it: a cell under ten is
/// merged with the smallest other. `cells` has room for `room` of them; 5 are the most. `count` is how many there are.
/// Nothing is written.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT where there is too little room, and then none is filled in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_year_cells(
    partner: *const stapel_partner,
    year: u16,
    cells: *mut stapel_year_cell,
    room: usize,
    count: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (mut cells, count) = unsafe { (out_array(cells, room, "cells")?, out(count, "count")?) };
        let found = get(partner)?.lock()?.year_cells(year);
        if found.len() > room {
            return Err(invalid(format!("there are {} cells, and room for {room}", found.len())));
        }
        for (at, cell) in found.iter().enumerate() {
            cells.write(at, stapel_year_cell { ways: cell.ways, number: cell.number });
        }
        count.write(found.len());
        Ok(())
    })
}

/// The report how a year's conversations went, for a year that is over: one message, to be freed with
/// stapel_messages_free. The same bytes come again as long as its reply was not read; once it was, the year is not
/// reported again.
///
/// Errors: STAPEL_ERROR_NOT_PERMITTED for a year that is not over, where the policy has no `[meet]`, or where the
/// partner may not flag; _YEAR_REPORTED; _TALK_IN_FLIGHT as for stapel_partner_totals; _NO_EPOCH, _CLOCK, _CLOCK_AHEAD,
/// _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_report_year(
    partner: *const stapel_partner,
    year: u16,
    now: u64,
    messages: *mut *mut stapel_messages,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let messages = unsafe { out(messages, "messages") }?;
        let made = get(partner)?.lock()?.report_year(year, Timestamp(now))?;
        messages.write(stapel_messages::add(vec![made]));
        Ok(())
    })
}

fn told_totals(received: &Received) -> Outcome<&Totals> {
    match received {
        Received::Totals(said) => Ok(said),
        _ => Err(invalid("the reply is not totals")),
    }
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
