//! What partners of a hit say to each other, and the codes by which they know each other: what the broker carries and
//! can neither make nor read. spec/after-a-hit.md.
//!
//! A [`Subject`] is what those concerned call a pseudonym, and a [`ConversationId`] what the broker calls it. A
//! [`RowKey`] makes the codes of what is put forward. A [`Note`] is what two that were introduced write to each other;
//! [`NoteScope`] seals and opens it.

#[doc(hidden)]
pub mod fuzzing;
mod note;
mod row_code;
mod seal;
mod subject;

pub use note::{MAX_NOTE_TEXT, Note, NoteContent, NoteTextError, Outcome};
pub use row_code::{Row, RowCode, RowKey, RowScope};
pub use seal::{NotOpened, NoteScope, SealedNote};
pub use subject::{ConversationId, Subject};
