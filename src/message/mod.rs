//! The messages between a partner and the broker, byte for byte as SPEC.md has them.
//!
//! Received bytes become an [`Unverified`], which tells only whose signature to check. Checking it makes a
//! [`Verified`], and only that shows what the message says. [`sign`] makes a message.

mod envelope;
mod error;
mod header;
mod limits;
mod log_entry;
mod rejection;
mod reply;
mod request;
mod standing;
mod talk;
mod terms;

pub use envelope::{Unverified, Verified, sign};
pub(crate) use envelope::{sign_request, unsigned_rejection};
pub use error::MessageError;
pub use header::{Header, Kind, NotAKind, Role, VERSION};
pub(crate) use limits::{LONGEST_LEAP, MAX_GROUPS};
pub use limits::{MAX_FLAGS, MAX_MESSAGE, MAX_PROVEN_LINES, MAX_QUESTION};
pub use log_entry::LogEntry;
pub use rejection::{Code, Rejection};
pub use reply::{Answer, LineProof, Receipt, Reply, StatusReply};
pub use request::{Delta, FullSet, Group, Part, Question, Request, StatusRequest};
pub use standing::{Standing, Told};
pub use talk::{
    ENTRIES_AT_ONCE, Entry, EntryKind, Exchange, Kept, LEFT_AT_ONCE, MAX_RECEIVERS, MAX_ROWS, NOTES_AT_ONCE, NoteFate,
    NoteSlot, Post, PutForward, PutForwardRow, Totals, TotalsCell, Year, YearCell,
};
pub use terms::{NotAReason, RenewalReason, Terms};
