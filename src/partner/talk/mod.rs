//! What comes after a hit, at the partner: putting forward, being introduced, and notes. spec/after-a-hit.md.
//!
//! - `state`, `known`, `record`, `apply`: what is known of it, made from the journal as all else is;
//! - `rows`: what people put forward; `plan`: the message that says it; `agreement`: who may come to know of it by
//!   that; `asked`: what others put forward; `preview`: what would be done, without doing it;
//! - `written`: notes that people write, and leaving; `exchange`: the message that brings them;
//! - `run`, `pace`: which message is next; `post`, `reader`, `entries`, `notes`: what the broker's replies say, and
//!   whether it can be;
//! - `conversation`, `agenda`: what there is to show; `due`: what waits for people, in numbers; `news`, `shown`: what
//!   is new in it, and who was shown it;
//! - `acts`: what was done, and with which address;
//! - `year`: how a year's conversations went, and totals.

mod acts;
mod agenda;
pub(crate) mod agreement;
mod apply;
mod asked;
mod conversation;
mod due;
mod entries;
mod exchange;
pub(crate) mod known;
mod news;
mod notes;
pub(crate) mod pace;
mod plan;
mod post;
mod preview;
mod reader;
pub(crate) mod record;
mod rows;
mod run;
mod shown;
pub(crate) mod state;
mod written;
mod year;

pub(crate) use acts::TalkAddresses;
pub use acts::{TalkAct, TalkPlace};
pub use agenda::{AgendaEnd, AgendaItem, WaitsFor};
pub use asked::PutForwardByOther;
pub use conversation::{Conversation, ConversationNote, Decision, Introduced, NoteCopy, NoteProgress};
pub use due::TalkDue;
pub use known::PutOffReason;
pub use news::TalkNews;
pub use pace::TalkRun;
pub use post::Posted;
pub use preview::WouldBeTold;
pub use record::AskAnswer;
pub use rows::PutForwardRow;
pub use shown::ShownNews;
pub use state::TalkYear;
pub use written::NewNote;
