//! What the broker said.

use stapel::message::{LogEntry, Receipt, Rejection, Standing, StatusReply};
use stapel::partner::{Answered, Complaint, Next, Partner, Received};

use crate::address::stapel_level;
use crate::addresses::stapel_addresses;
use crate::bytes::{invalid, out, out_array, past, spare, stapel_str};
use crate::guard::{Failure, Outcome, guard};
use crate::handle::{Handle, Table, add, free, get};
use crate::status::stapel_status::{self, STAPEL_ERROR_OUT_OF_MEMORY, STAPEL_OK};
use crate::texts::Texts;

/// A reply that was read. It never changes: any number of threads may look at it at once.
pub struct stapel_reply {
    received: Received,
    /// How the addresses of an answer were written, in the order of its rows.
    typed: Texts,
    count_cap: u8,
}

/// What a reply is, and which function tells more.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum stapel_kind {
    /// One that this version of the library does not know.
    STAPEL_KIND_OTHER = 0,
    /// The broker accepted what was delivered: stapel_reply_receipt.
    STAPEL_KIND_RECEIPT = 1,
    /// It answered a question: stapel_reply_answer, stapel_reply_standings, stapel_reply_row.
    STAPEL_KIND_ANSWER = 2,
    /// Where the partner stands: stapel_reply_status.
    STAPEL_KIND_STATUS = 3,
    /// It did not accept a message: stapel_reply_rejection.
    STAPEL_KIND_REJECTION = 4,
    /// It did not accept a message that the partner no longer waited for; nothing changed: stapel_reply_rejection.
    STAPEL_KIND_LATE = 5,
    /// Somebody, perhaps the broker, says that a message was not accepted, and could not sign that. Nothing changed: if
    /// it is true, the message, the roster or the carrier needs a look; if not, the right reply is still to come:
    /// stapel_reply_rejection.
    STAPEL_KIND_HINT = 6,
    /// The broker keeps what is put forward, or the report of a year: stapel_reply_talked.
    STAPEL_KIND_KEPT = 7,
    /// What waited at the broker of what comes after a hit, such as introductions and notes: stapel_reply_talked.
    STAPEL_KIND_POSTED = 8,
    /// How many of the organisation's flags are stacked: stapel_reply_totals.
    STAPEL_KIND_TOTALS = 9,
}

/// What a standing says.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum stapel_standing_kind {
    /// Nothing: no answer spoke of it.
    STAPEL_STANDING_NONE = 0,
    /// Its address was refused when it was read, so it was not asked.
    STAPEL_STANDING_REFUSED = 1,
    /// Fewer organisations flag it than the policy's threshold. Unknown, withdrawn and expired are the same.
    STAPEL_STANDING_BELOW_THRESHOLD = 2,
    /// The partner does not flag it itself, so it is not told.
    STAPEL_STANDING_NO_OWN_FLAG = 3,
    /// Stacked: as many organisations as the threshold or more flag it, the partner's own included; no more is told.
    STAPEL_STANDING_STACKED = 4,
    /// Stacked: `count` organisations or more flag it.
    STAPEL_STANDING_AT_LEAST = 5,
    /// Stacked: exactly `count` organisations flag it.
    STAPEL_STANDING_COUNT = 6,
}

/// The standing of one address: two bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct stapel_standing {
    /// What it says. It is stacked from STAPEL_STANDING_STACKED on.
    pub kind: stapel_standing_kind,
    /// The number of organisations, where the kind has one; else 0.
    pub count: u8,
}

/// The line of the broker's audit log that a reply was logged with.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_log_entry {
    /// The number of the line, counted from 0.
    pub index: u64,
    /// The line's RFC 6962 leaf hash; zeros where there is no line.
    pub leaf: [u8; 32],
}

/// What was delivered was accepted, and is kept.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_receipt {
    /// The release in force when it was accepted; its flags show from a later one on.
    pub release: u64,
    /// Flags that were not held before.
    pub added: u32,
    /// Flags that were held, with another last valid day.
    pub changed: u32,
    /// Flags that were held and are no longer.
    pub withdrawn: u32,
    /// All flags that the broker now holds of the partner in this epoch, homes and house numbers.
    pub held: u32,
    /// Of a full set in parts: the part. 0 for all else.
    pub part: u16,
    /// Of a full set in parts: of how many. 0 for all else.
    pub parts: u16,
    /// The line of the broker's audit log.
    pub log: stapel_log_entry,
}

/// What an answer says of itself.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_answer {
    /// Who asked.
    pub actor: stapel_str,
    /// For which case.
    pub reference: stapel_str,
    /// The release that all of it speaks of.
    pub release: u64,
    /// When that release took place.
    pub as_of: u64,
    /// Until then, unless a policy is adopted, the same question has the same answer.
    pub until: u64,
    /// How many addresses it speaks of, for stapel_reply_row.
    pub rows: usize,
    /// The epoch in which it was asked.
    pub epoch: u32,
    /// How many organisations may flag.
    pub organisations: u16,
    /// How many of them are fresh: where it is few, "below threshold" may be "nobody delivers".
    pub fresh: u16,
    /// The line of the broker's audit log.
    pub log: stapel_log_entry,
}

/// One row of an answer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_answer_row {
    /// The canonical form of the address.
    pub canonical: stapel_str,
    /// As it was written when it was asked about, or else when it was flagged; of a house number as its homes were
    /// flagged. NULL where there was no text.
    pub typed: stapel_str,
    /// What it names.
    pub level: stapel_level,
    /// Its standing.
    pub standing: stapel_standing,
}

/// Where a partner stands with the broker.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_position {
    /// The release in force.
    pub release: u64,
    /// When it took place.
    pub as_of: u64,
    /// No release takes place before this moment, unless a policy is adopted.
    pub until: u64,
    /// The number of the last state message that was accepted; 0 for none.
    pub accepted_state: u64,
    /// The highest state number that was used.
    pub highest_state: u64,
    /// The highest question number that was used.
    pub highest_question: u64,
    /// Flags that the broker holds of the partner in this epoch.
    pub held: u32,
    /// What is left of its organisation's budget of new flags today. All budgets are the organisation's.
    pub new_flags_left: u32,
    /// How many flags beyond these first full sets of the organisation's partners may bring in this epoch.
    pub first_sets_left: u32,
    /// How many flags more the organisation may hold in this epoch.
    pub held_left: u32,
    /// What is left of today's budget of addresses asked.
    pub asked_left_today: u32,
    /// What is left of the epoch's budget of addresses asked.
    pub asked_left_epoch: u32,
    /// What is left of today's budget of addresses swept.
    pub swept_left_today: u32,
    /// What is left of today's budget of status requests.
    pub status_left_today: u32,
    /// Not 0 where the next delivery must be a full set; it will be one.
    pub full_set_required: i32,
    /// STAPEL_OK, or what is wrong with what the broker said: STAPEL_ERROR_LOG_INCONSISTENT, _CHECKPOINT or
    /// _UNANNOUNCED_RESTORE for its audit log, _FALSE_INTRODUCTION or _LATE_INTRODUCTION for whom it introduced. The
    /// evidence is in files in the partner's folder.
    pub complaint: stapel_status,
    /// What was found, and what to do.
    pub complaint_text: stapel_str,
    /// The line of the broker's audit log.
    pub log: stapel_log_entry,
}

/// What to do after a rejection.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum stapel_next {
    /// Nothing: it was no longer waited for, or nobody signed it.
    STAPEL_NEXT_NOTHING = 0,
    /// Deliver or ask again: what was wrong is put right in the next message. Where another epoch answers, in which the
    /// organisation takes no part, ask once its own does.
    STAPEL_NEXT_AGAIN = 1,
    /// Send the same bytes again later.
    STAPEL_NEXT_RESEND = 2,
    /// Fetch the policy in force, adopt it, and deliver or ask again.
    STAPEL_NEXT_FETCH_POLICY = 3,
    /// Where no epoch answers yet, ask after the next release. Else deliver again, which says as much as the budgets
    /// take and the rest later, or ask about less. A day's budgets are new at 00:00 UTC, and an epoch's with the next
    /// epoch.
    STAPEL_NEXT_WAIT = 4,
    /// See whether the set is complete, and say that its shrinking is meant.
    STAPEL_NEXT_DECLARE_SHRINK = 5,
    /// Look at the flags again, and renew those that are still right.
    STAPEL_NEXT_RENEW = 6,
    /// Set this side's clock right; where it is, the message came too late: deliver or ask again.
    STAPEL_NEXT_SET_CLOCK = 7,
    /// Ask the coordinator: this software, the roster and the broker do not agree.
    STAPEL_NEXT_ASK_COORDINATOR = 8,
    /// Withdraw the flags that cannot be renewed any more, or give them an earlier last valid day.
    STAPEL_NEXT_END = 9,
}

/// Why a message was not accepted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_rejection {
    /// Why: its code is that of the rejection.
    pub status: stapel_status,
    /// What to do.
    pub next: stapel_next,
    /// What the status says that it is: the last state number accepted, the lowest number still free, what is left of a
    /// budget.
    pub number: u64,
    /// What was wrong and what to do, in English, as the broker says it.
    pub sentence: stapel_str,
    /// The line of the broker's audit log.
    pub log: stapel_log_entry,
}

static TABLE: Table<stapel_reply> = Table::new();

impl Handle for stapel_reply {
    const NAME: &'static str = "a reply";

    fn table() -> &'static Table<Self> {
        &TABLE
    }
}

/// What a reply is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_kind(reply: *const stapel_reply, kind: *mut stapel_kind) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let kind = unsafe { out(kind, "kind") }?;
        kind.write(match get(reply)?.received {
            Received::Receipt(_) => stapel_kind::STAPEL_KIND_RECEIPT,
            Received::Answer(_) => stapel_kind::STAPEL_KIND_ANSWER,
            Received::Status { .. } => stapel_kind::STAPEL_KIND_STATUS,
            Received::Rejection { .. } => stapel_kind::STAPEL_KIND_REJECTION,
            Received::Late(_) => stapel_kind::STAPEL_KIND_LATE,
            Received::Hint(_) => stapel_kind::STAPEL_KIND_HINT,
            Received::Kept(_) => stapel_kind::STAPEL_KIND_KEPT,
            Received::Posted(_) => stapel_kind::STAPEL_KIND_POSTED,
            Received::Totals(_) => stapel_kind::STAPEL_KIND_TOTALS,
            _ => stapel_kind::STAPEL_KIND_OTHER,
        });
        Ok(())
    })
}

/// What a receipt says.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_receipt(
    reply: *const stapel_reply,
    receipt: *mut stapel_receipt,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let receipt = unsafe { out(receipt, "receipt") }?;
        let reply = get(reply)?;
        let Received::Receipt(said) = &reply.received else { return Err(invalid("the reply is not a receipt")) };
        receipt.write(stapel_receipt::of(said));
        Ok(())
    })
}

/// What an answer says of itself. The texts belong to the reply.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_answer(reply: *const stapel_reply, answer: *mut stapel_answer) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let answer = unsafe { out(answer, "answer") }?;
        let reply = get(reply)?;
        answer.write(stapel_answer::of(reply.answered()?));
        Ok(())
    })
}

/// The standings of rows, in their order: `standings[i]` becomes that of row i of `addresses`, for duplicates and
/// refused rows too.
///
/// `count` is the number of rows. Set the array to zeros first. Of rows that this answer does not speak of the elements
/// stay as they are, so that where a question was cut into several, each answer in turn fills in its part.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind, and for another number of rows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_standings(
    reply: *const stapel_reply,
    addresses: *const stapel_addresses,
    standings: *mut stapel_standing,
    count: usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let mut standings = unsafe { out_array(standings, count, "standings") }?;
        let (reply, addresses) = (get(reply)?, get(addresses)?);
        let answered = reply.answered()?;
        if count != addresses.count() {
            return Err(invalid(format!("there are {} rows, and room for {count} standings", addresses.count())));
        }
        // For the addresses of the answer by name, and a standing for each row.
        let sizes = [(answered.rows.len(), 64), (count, 8)].map(|(rows, size)| rows.saturating_mul(size));
        spare(sizes[0].saturating_add(sizes[1]))?;
        let mut told = answered.standings(addresses.keys()).into_iter();
        for (at, row) in addresses.rows().enumerate() {
            match row {
                Err(_) => standings.write(at, stapel_standing::refused()),
                Ok(_) => {
                    if let Some(standing) = told.next().flatten() {
                        standings.write(at, stapel_standing::of(standing, reply.count_cap));
                    }
                }
            }
        }
        Ok(())
    })
}

/// Row `index` of an answer, counted from 0, in the order in which it was asked. The text belongs to the reply.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind, and for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_row(
    reply: *const stapel_reply,
    index: usize,
    row: *mut stapel_answer_row,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let row = unsafe { out(row, "row") }?;
        let reply = get(reply)?;
        let rows = &reply.answered()?.rows;
        let (address, standing) = rows.get(index).ok_or_else(|| past("row", index, rows.len()))?;
        row.write(stapel_answer_row {
            canonical: stapel_str::of(address.as_str()),
            typed: reply.typed.shown(index),
            level: stapel_level::of(address),
            standing: stapel_standing::of(*standing, reply.count_cap),
        });
        Ok(())
    })
}

/// Where the partner stands with the broker. The text belongs to the reply.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_status(
    reply: *const stapel_reply,
    status: *mut stapel_position,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let status = unsafe { out(status, "status") }?;
        let reply = get(reply)?;
        let Received::Status { status: said, complaint } = &reply.received else {
            return Err(invalid("the reply is not a status reply"));
        };
        status.write(stapel_position::of(said, complaint.as_ref()));
        Ok(())
    })
}

/// Why a message was not accepted: of a rejection, one that came late, or a hint. The text belongs to the reply.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for a reply of another kind.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_rejection(
    reply: *const stapel_reply,
    rejection: *mut stapel_rejection,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let rejection = unsafe { out(rejection, "rejection") }?;
        let reply = get(reply)?;
        rejection.write(match &reply.received {
            Received::Rejection { rejection, next } => stapel_rejection::of(rejection, stapel_next::of(*next)),
            Received::Late(rejection) | Received::Hint(rejection) => {
                stapel_rejection::of(rejection, stapel_next::STAPEL_NEXT_NOTHING)
            }
            _ => return Err(invalid("the reply is not a rejection")),
        });
        Ok(())
    })
}

/// Frees a reply. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_reply_free(reply: *mut stapel_reply) -> stapel_status {
    free(reply)
}

impl stapel_reply {
    /// A reply that `partner` read, and has in its journal.
    pub(crate) fn add(received: Received, partner: &Partner) -> Outcome<*mut stapel_reply> {
        let mut typed = Texts::default();
        if let Received::Answer(answered) = &received {
            for (address, _) in &answered.rows {
                let text = match answered.typed(address) {
                    "" => &partner.typed(address),
                    asked => asked,
                };
                typed.push(text.as_bytes(), "a text").map_err(|_| unread())?;
            }
        }
        Ok(add(stapel_reply { received, typed, count_cap: partner.policy().policy().counting.count_cap }))
    }

    pub(crate) fn received(&self) -> &Received {
        &self.received
    }

    fn answered(&self) -> Outcome<&Answered> {
        match &self.received {
            Received::Answer(answered) => Ok(answered),
            _ => Err(invalid("the reply is not an answer")),
        }
    }
}

#[cold]
fn unread() -> Failure {
    let text = "there is not enough memory for what the answer says; it is in the journal, and nothing is lost: read \
                the same reply again";
    Failure::new(STAPEL_ERROR_OUT_OF_MEMORY, text)
}

impl stapel_standing {
    pub(crate) fn of(standing: Standing, count_cap: u8) -> stapel_standing {
        let of = |kind, count| stapel_standing { kind, count };
        match standing {
            Standing::BelowThreshold => of(stapel_standing_kind::STAPEL_STANDING_BELOW_THRESHOLD, 0),
            Standing::NoOwnFlag => of(stapel_standing_kind::STAPEL_STANDING_NO_OWN_FLAG, 0),
            Standing::Stacked(number) => match number.at_least() {
                None => of(stapel_standing_kind::STAPEL_STANDING_STACKED, 0),
                Some(count) if number.is_exact(count_cap) => of(stapel_standing_kind::STAPEL_STANDING_COUNT, count),
                Some(count) => of(stapel_standing_kind::STAPEL_STANDING_AT_LEAST, count),
            },
        }
    }

    pub(crate) fn none() -> stapel_standing {
        stapel_standing { kind: stapel_standing_kind::STAPEL_STANDING_NONE, count: 0 }
    }

    fn refused() -> stapel_standing {
        stapel_standing { kind: stapel_standing_kind::STAPEL_STANDING_REFUSED, count: 0 }
    }
}

impl stapel_log_entry {
    pub(crate) fn of(entry: &LogEntry) -> stapel_log_entry {
        stapel_log_entry { index: entry.index, leaf: entry.leaf.0 }
    }
}

impl stapel_receipt {
    fn of(receipt: &Receipt) -> stapel_receipt {
        let Receipt { release, part: (part, parts), added, changed, withdrawn, held, log, .. } = *receipt;
        stapel_receipt { release, added, changed, withdrawn, held, part, parts, log: stapel_log_entry::of(&log) }
    }
}

impl stapel_answer {
    fn of(answered: &Answered) -> stapel_answer {
        stapel_answer {
            actor: stapel_str::of(answered.by.actor()),
            reference: stapel_str::of(answered.by.reference()),
            release: answered.release,
            as_of: answered.as_of.0,
            until: answered.until.0,
            rows: answered.rows.len(),
            epoch: answered.epoch,
            organisations: answered.organisations,
            fresh: answered.fresh,
            log: stapel_log_entry::of(&answered.log),
        }
    }
}

impl stapel_position {
    fn of(status: &StatusReply, complaint: Option<&Complaint>) -> stapel_position {
        stapel_position {
            release: status.release,
            as_of: status.as_of.0,
            until: status.until.0,
            accepted_state: status.accepted_state,
            highest_state: status.highest_state,
            highest_question: status.highest_question,
            held: status.held,
            new_flags_left: status.new_flags_left,
            first_sets_left: status.first_sets_left,
            held_left: status.held_left,
            asked_left_today: status.asked_left_today,
            asked_left_epoch: status.asked_left_epoch,
            swept_left_today: status.swept_left_today,
            status_left_today: status.status_left_today,
            full_set_required: status.full_set_required.into(),
            complaint: complaint.map_or(STAPEL_OK, |complaint| stapel_status::of(complaint.code)),
            complaint_text: complaint.map_or(stapel_str::NONE, |complaint| stapel_str::of(&complaint.text)),
            log: stapel_log_entry::of(&status.log),
        }
    }
}

impl stapel_rejection {
    fn of(rejection: &Rejection, next: stapel_next) -> stapel_rejection {
        stapel_rejection {
            status: stapel_status::of(rejection.code.as_str()),
            next,
            number: rejection.number,
            sentence: stapel_str::of(&rejection.sentence),
            log: stapel_log_entry::of(&rejection.log),
        }
    }
}

impl stapel_next {
    fn of(next: Next) -> stapel_next {
        match next {
            Next::Again => stapel_next::STAPEL_NEXT_AGAIN,
            Next::Resend => stapel_next::STAPEL_NEXT_RESEND,
            Next::FetchPolicy => stapel_next::STAPEL_NEXT_FETCH_POLICY,
            Next::Wait => stapel_next::STAPEL_NEXT_WAIT,
            Next::DeclareShrink => stapel_next::STAPEL_NEXT_DECLARE_SHRINK,
            Next::Renew => stapel_next::STAPEL_NEXT_RENEW,
            Next::End => stapel_next::STAPEL_NEXT_END,
            Next::SetClock => stapel_next::STAPEL_NEXT_SET_CLOCK,
            _ => stapel_next::STAPEL_NEXT_ASK_COORDINATOR,
        }
    }
}
