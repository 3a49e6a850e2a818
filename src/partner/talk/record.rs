//! What the journal records of what comes after a hit.

use super::super::reply_record::ReplyRecord;
use super::agreement::Agreement;
use crate::address::AddressKey;
use crate::codec::{encode_fields, encode_variants};
use crate::codes::named;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{Entry, NoteFate, NoteSlot, YearCell};
use crate::slug::Slug;
use crate::talk::{ConversationId, NoteContent, Subject};

named! {
    /// What somebody answered where another put an own flag forward.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum AskAnswer {
        /// It is put forward here too.
        Join => "join",
        /// Not now. Nobody else is told.
        NotNow => "not_now",
        /// The own flag is to be looked at again. Nobody else is told.
        Review => "review",
    }
}

/// What was done.
pub(crate) enum TalkEvent {
    /// Own flags were put forward, and who may come to be told of it.
    PutForward { addresses: Vec<AddressKey>, agreed: Agreement },
    /// Own flags are put forward no longer.
    TookBack { addresses: Vec<AddressKey> },
    /// It was answered that another put an own flag forward. A join puts it forward too, and has who may come to be
    /// told; another answer takes back what is put forward.
    Answered { address: AddressKey, answer: AskAnswer, agreed: Option<Agreement> },
    /// A note was written, to these partners, each with its number there.
    NoteWritten { conversation: u32, content: NoteContent, copies: Vec<(u16, u64)> },
    /// A conversation was left, and what is put forward there taken back.
    Left { conversation: u32 },
    /// A message that puts forward was given its number.
    PuttingForward { said: SentRows },
    /// The broker keeps what such a message said: how many rows, how many not, and how many more it would hold.
    Kept { number: u64, kept: u32, unflagged: u32, left: u32, reply: ReplyRecord },
    /// What waited at the broker was read.
    Posted { post: PostRecord },
    /// The broker said how many flags are stacked.
    Totals { number: u64, reply: ReplyRecord },
    /// The broker keeps the report of a year, with these cells.
    YearKept { number: u64, year: u16, cells: Vec<YearCell>, reply: ReplyRecord },
    /// A person was shown conversations, and what is new over own addresses.
    Shown { conversations: Vec<u32>, addresses: Vec<AddressKey> },
    /// The epoch of these rows is over, and of those the policy lets more know than was agreed to: these organisations.
    Lapsed { ended: Vec<AddressKey>, wider: Vec<(AddressKey, Vec<Slug>)> },
}

/// All of a message that puts forward but its codes.
#[derive(Clone)]
pub(crate) struct SentRows {
    pub(crate) epoch: u32,
    /// The number of the message, and of its rows.
    pub(crate) number: u64,
    pub(crate) last_day: Day,
    /// The policy under which it was made.
    pub(crate) policy: Digest,
    /// Whom codes are for.
    pub(crate) receivers: Vec<u16>,
    /// The one of them that coordinates.
    pub(crate) coordinator: Option<u16>,
    /// Ascending by address.
    pub(crate) rows: Vec<SentRow>,
}

/// A row of such a message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SentRow {
    pub(crate) address: AddressKey,
    pub(crate) subject: Subject,
    /// The receivers that it has no code for: nobody agreed to tell them of this one. Ascending.
    pub(crate) without: Vec<u16>,
}

/// What was read of a post.
pub(crate) struct PostRecord {
    /// The number of the exchange.
    pub(crate) number: u64,
    /// The last entry that it had, and the last note.
    pub(crate) told: u64,
    pub(crate) received: u64,
    /// Whether it had as many entries as it can, so that more may wait.
    pub(crate) is_full: bool,
    /// What became of the notes that the exchange brought.
    pub(crate) fates: Vec<SentCopy>,
    /// The conversations that the exchange left.
    pub(crate) left: Vec<ConversationId>,
    pub(crate) entries: Vec<TakenEntry>,
    pub(crate) notes: Vec<TakenNote>,
    /// How many entries and notes there were that could not be, or could not be read.
    pub(crate) passed_over: u32,
    /// All that waits after it for a certificate by which it can be checked or opened.
    pub(crate) held_back: Vec<HeldBack>,
    /// Of whom something was passed over for which no certificate came in time.
    pub(crate) expired: Vec<u16>,
    /// Of whom something could not be read here.
    pub(crate) unreadable: Vec<u16>,
    /// Conversations of notes that nothing is known of.
    pub(crate) strangers: Vec<ConversationId>,
    pub(crate) reply: ReplyRecord,
}

/// An entry or a note of a post that cannot be checked or opened yet, because a certificate is missing, or may be: it
/// is right by none that is here. The broker was told that it was read, so that nothing after it has to wait.
#[derive(Clone)]
pub(crate) struct HeldBack {
    /// The day on which it came.
    pub(crate) since: Day,
    /// The journal's record of the post that had it; 0 in that record itself.
    pub(crate) record: u64,
    /// The day on which the code of an introduction was found to be wrong, by all certificates of the other that were
    /// here.
    pub(crate) wrong: Option<Day>,
    pub(crate) held: Held,
}

/// See [`HeldBack`].
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "few are held back, and most of these are notes")]
pub(crate) enum Held {
    Entry(Entry),
    Note(NoteSlot),
}

/// What became of a note that was sent.
#[derive(Clone, Copy)]
pub(crate) struct SentCopy {
    pub(crate) conversation: ConversationId,
    pub(crate) to: u16,
    pub(crate) number: u64,
    /// The epoch whose keys it is sealed with.
    pub(crate) epoch: u32,
    pub(crate) fate: NoteFate,
}

/// An entry that was taken over.
pub(crate) enum TakenEntry {
    Asked { address: AddressKey, subject: Subject, epoch: u32, day: Day, answer_by: Day },
    Introduced(Introduction),
    Left { conversation: ConversationId, partner: u16, day: Day },
}

/// That two are introduced.
#[derive(Clone, Copy)]
pub(crate) struct Introduction {
    pub(crate) subject: Subject,
    pub(crate) epoch: u32,
    pub(crate) conversation: ConversationId,
    /// The own flag; the coordinator has none.
    pub(crate) address: Option<AddressKey>,
    pub(crate) partner: u16,
    pub(crate) day: Day,
    pub(crate) last_day: Day,
}

/// A note that was opened.
pub(crate) struct TakenNote {
    pub(crate) conversation: ConversationId,
    pub(crate) partner: u16,
    pub(crate) number: u64,
    /// Up to which of the notes to it the other has read all.
    pub(crate) received: u64,
    pub(crate) time: Timestamp,
    /// `None` where its sender may not say what it says, or not yet: a turn far above all that is known.
    pub(crate) content: Option<NoteContent>,
}

impl TalkEvent {
    /// The broker's reply that it records.
    pub(crate) fn reply(&self) -> Option<&ReplyRecord> {
        match self {
            TalkEvent::Kept { reply, .. }
            | TalkEvent::Posted { post: PostRecord { reply, .. } }
            | TalkEvent::Totals { reply, .. }
            | TalkEvent::YearKept { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// The number of the message that it records the reply to.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            TalkEvent::Kept { number, .. }
            | TalkEvent::Posted { post: PostRecord { number, .. } }
            | TalkEvent::Totals { number, .. }
            | TalkEvent::YearKept { number, .. } => Some(*number),
            _ => None,
        }
    }
}

impl PostRecord {
    /// The epoch that answers on the day of the post, where that day's turn brought an entry: who is asked and who is
    /// introduced is looked at in that one alone.
    pub(crate) fn answering(&self) -> Option<u32> {
        let decided = self.entries.iter().filter_map(|entry| match entry {
            TakenEntry::Asked { epoch, day, .. } => Some((*epoch, *day)),
            TakenEntry::Introduced(told) => Some((told.epoch, told.day)),
            TakenEntry::Left { .. } => None,
        });
        let mut of_today = decided.filter(|(_, day)| *day == self.reply.told);
        of_today.next().map(|(epoch, _)| epoch)
    }

    /// The conversations that it is about, by the broker's names.
    pub(crate) fn conversations(&self) -> impl Iterator<Item = ConversationId> {
        let told = |entry: &TakenEntry| match entry {
            TakenEntry::Asked { .. } => None,
            TakenEntry::Introduced(told) => Some(told.conversation),
            TakenEntry::Left { conversation, .. } => Some(*conversation),
        };
        let sent = self.fates.iter().map(|sent| sent.conversation);
        let written = self.notes.iter().map(|note| note.conversation);
        self.entries.iter().filter_map(told).chain(sent).chain(written).chain(self.left.iter().copied())
    }
}

impl SentRows {
    /// Whether the address is among them.
    pub(crate) fn says(&self, address: &AddressKey) -> bool {
        self.rows.binary_search_by_key(address, |row| row.address).is_ok()
    }

    /// The row on a subject.
    pub(crate) fn row(&self, subject: &Subject) -> Option<&SentRow> {
        self.rows.iter().find(|row| row.subject == *subject)
    }

    /// Whether a row has a code for a partner.
    pub(crate) fn tells(&self, row: &SentRow, partner: u16) -> bool {
        self.receivers.contains(&partner) && !row.without.contains(&partner)
    }
}

encode_variants! {
    AskAnswer { 1 => Join, 2 => NotNow, 3 => Review }, else "an answer to being asked is unknown"
}

encode_variants! {
    TalkEvent {
        1 => PutForward { addresses, agreed },
        2 => TookBack { addresses },
        3 => Answered { address, answer, agreed },
        4 => NoteWritten { conversation, content, copies },
        5 => Left { conversation },
        6 => PuttingForward { said },
        7 => Kept { number, kept, unflagged, left, reply },
        8 => Posted { post },
        9 => Totals { number, reply },
        10 => YearKept { number, year, cells, reply },
        11 => Shown { conversations, addresses },
        12 => Lapsed { ended, wider },
    },
    else "what was done after a hit is unknown"
}

encode_fields! {
    SentRows { epoch, number, last_day, policy, receivers, coordinator, rows }
    where |said| said.rows.is_sorted_by(|a, b| a.address < b.address),
    else "rows that were put forward are not ascending by address, each once"
}

encode_fields! { SentRow { address, subject, without } }
encode_fields! {
    PostRecord {
        number, told, received, is_full, fates, left, entries, notes, passed_over, held_back, expired, unreadable,
        strangers, reply
    }
}
encode_fields! { HeldBack { since, record, wrong, held } }

encode_variants! {
    Held { 1 => Entry(entry), 2 => Note(slot) },
    else "what waits for a certificate is of no known kind"
}

encode_fields! { SentCopy { conversation, to, number, epoch, fate } }

encode_variants! {
    TakenEntry {
        1 => Asked { address, subject, epoch, day, answer_by },
        2 => Introduced(introduction),
        3 => Left { conversation, partner, day },
    },
    else "an entry that was taken over is of no known kind"
}

encode_fields! { Introduction { subject, epoch, conversation, address, partner, day, last_day } }
encode_fields! { TakenNote { conversation, partner, number, received, time, content } }
