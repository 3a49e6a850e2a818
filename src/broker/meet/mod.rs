//! What comes after a hit: what partners put forward, who is introduced to whom at the turn of the day, and what waits
//! for them. spec/after-a-hit.md.
//!
//! `turn` decides who is introduced and `put_forward` what is kept of a message, both without a disk; `exchange`
//! carries notes; `state` has what is known in memory and writes each row of it, whose forms are in `rows`; `upkeep`
//! does what is due, and what a restore, a policy or the end of an epoch changes; `status` and `years` say what the
//! operator is shown of it.
//!
//! What it takes, in memory and on disk, is bound by the policy's `[meet]`:
//!
//! - of an organisation and an epoch `held` rows, each of 56 bytes and 16 for each code;
//! - of each pseudonym on which a row stands 24 bytes, and 2 for each partner that was asked;
//! - of one partner to another 64 notes of 1,138 bytes;
//! - of a partner one entry of 84 bytes for each subject that it was asked about, and two for each introduction, until
//!   it reads them or the epoch closes;
//! - of a conversation 36 bytes and 5 for each pair, until one of each pair leaves. No more begin in a day than there
//!   are new rows, `new_a_day` of each organisation;
//! - of a partner its last reply, of at most 8 KiB, and of each year 34 bytes.

mod exchange;
#[cfg(test)]
mod games;
mod put_forward;
mod request;
mod rows;
mod state;
mod status;
mod totals;
mod turn;
mod upkeep;
mod years;

pub(super) use exchange::oldest_named;
pub(super) use put_forward::{MeetSnapshot, TaggedRows};
pub(super) use request::{MeetRequest, MeetVerdict, decide_meet, is_permitted, not_permitted};
pub(super) use rows::{
    Asked, Conversation, Forwarded, MailboxRow, SentToday, TotalsRow, TurnRow, WaitingNotes, YearRow,
};
pub(super) use state::MeetState;
pub(super) use status::after_hit_status;
pub use status::{AfterHitStatus, ExchangeStatus};
pub use years::{ReportedYear, YearTotals};
