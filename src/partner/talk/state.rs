//! What a partner knows of what comes after a hit: what it puts forward, what it was asked, and its conversations.

use std::collections::BTreeMap;

use super::agreement::Agreement;
use super::known::{CopyProgress, KnownConversation, PutOffReason};
use super::news::TalkNews;
use super::pace::MadeToday;
use super::record::{AskAnswer, HeldBack, SentRows};
use crate::address::AddressKey;
use crate::codec::encode_fields;
use crate::day::{Day, Timestamp};
use crate::message::{Code, YearCell};
use crate::slug::Slug;
use crate::talk::{ConversationId, Subject};

/// What comes after a hit, as far as it is known here.
#[derive(Default)]
pub(crate) struct AfterHit {
    /// What people put forward, in the order in which they did, each address once.
    pub(crate) rows: Vec<OwnRow>,
    /// The messages that said so, oldest first, as long as an introduction that comes of one may still be told.
    pub(crate) sent: Vec<SentMessage>,
    /// The last post after which no entry waited.
    pub(crate) all_told: Option<SaidOn>,
    /// An epoch, and how many rows more the broker said that it would take there.
    pub(crate) room: Option<(u32, u32)>,
    pub(crate) made_today: MadeToday,
    /// The number of the last entry that a post had.
    pub(crate) told: u64,
    /// The number of the last note that a post had, in the broker's counting.
    pub(crate) received: u64,
    /// What came and waits for a certificate, in the order in which it came.
    pub(crate) held_back: Vec<HeldBack>,
    /// Conversations in which somebody writes that nothing is known of here: they are left.
    pub(crate) strangers: Vec<ConversationId>,
    pub(crate) asked: Vec<Asked>,
    /// Ascending by number.
    pub(crate) conversations: Vec<KnownConversation>,
    /// The highest number that a conversation was given here.
    pub(crate) numbered: u32,
    /// New notes have numbers above this one. It is raised where this folder may be an old copy, whose numbers were
    /// used.
    pub(crate) notes_above: u64,
    /// What nobody was told yet.
    pub(crate) news: Vec<TalkNews>,
    /// The journal's record that brought the latest news, told or not; 0 for none.
    pub(crate) news_record: u64,
    /// The years that were reported, ascending.
    pub(crate) years: Vec<TalkYear>,
}

/// What was reported of the conversations of a year, once the broker keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TalkYear {
    /// The year.
    pub year: u16,
    /// The day on which the reply was read.
    pub day: Day,
    /// What was reported.
    pub cells: Vec<YearCell>,
}

/// An own flag that somebody put forward.
pub(crate) struct OwnRow {
    pub(crate) address: AddressKey,
    /// The day on which that was done last.
    pub(crate) since: Day,
    /// Who may come to be told of it.
    pub(crate) agreed: Agreement,
    /// Whether people were told that its epoch is over.
    pub(crate) ended_told: bool,
    /// The organisations of which people were told that the policy lets them know too; ascending.
    pub(crate) wider_told: Vec<Slug>,
}

/// A message that put forward.
pub(crate) struct SentMessage {
    pub(crate) said: SentRows,
    /// The day on which it was made.
    pub(crate) day: Day,
    /// Its bytes; empty where they never left the folder.
    pub(crate) bytes: Vec<u8>,
    /// What the broker replied, once that was read.
    pub(crate) reply: Option<SentReply>,
}

/// What the broker replied to a message that put forward.
#[derive(Clone, Copy)]
pub(crate) struct SentReply {
    /// The code with which it did not accept it; `None` where it keeps it.
    pub(crate) rejected: Option<u8>,
    pub(crate) said: SaidOn,
}

/// A reply of the broker that says something of what it was told or told up to a day.
#[derive(Clone, Copy)]
pub(crate) struct SaidOn {
    /// The day of the reply, by the broker's clock.
    pub(crate) day: Day,
    /// The journal's record that has it.
    pub(crate) record: u64,
    /// When the broker had been restored last.
    pub(crate) restored: Timestamp,
}

/// An own flag that somebody else put forward.
pub(crate) struct Asked {
    pub(crate) address: AddressKey,
    pub(crate) subject: Subject,
    pub(crate) epoch: u32,
    /// The day of the turn at which that was decided.
    pub(crate) day: Day,
    pub(crate) answer_by: Day,
    pub(crate) answer: Option<(AskAnswer, Day)>,
}

impl AfterHit {
    /// The conversation of this number.
    pub(crate) fn conversation(&self, number: u32) -> Option<&KnownConversation> {
        let at = self.conversations.binary_search_by_key(&number, |known| known.number).ok()?;
        self.conversations.get(at)
    }

    /// The conversation that the broker calls so.
    pub(crate) fn called(&self, id: ConversationId) -> Option<&KnownConversation> {
        self.conversations.iter().find(|known| known.id == id && id != ConversationId::NONE)
    }

    /// The row of an address that somebody put forward.
    pub(crate) fn row(&self, address: &AddressKey) -> Option<&OwnRow> {
        self.rows.iter().find(|row| row.address == *address)
    }

    /// How many new rows the broker would take in an epoch, as far as it said.
    pub(crate) fn room_in(&self, epoch: u32) -> u32 {
        self.room.filter(|(of, _)| *of == epoch).map_or(u32::MAX, |(_, room)| room)
    }

    /// How many copies of own notes the broker has yet to be brought.
    pub(crate) fn unsent(&self) -> usize {
        let reachable = self.conversations.iter().filter(|known| known.id != ConversationId::NONE);
        reachable.flat_map(KnownConversation::unsent).count()
    }

    /// Those for whom too many notes wait at the broker, and the last day on which it said so of each. Of one that it
    /// took a note for since, it is not known.
    pub(crate) fn full_receivers(&self) -> BTreeMap<u16, Day> {
        let mut full = BTreeMap::new();
        let reachable = self.conversations.iter().filter(|known| known.id != ConversationId::NONE);
        for (_, copy) in reachable.flat_map(KnownConversation::unsent) {
            if let CopyProgress::PutOff { day, reason: PutOffReason::TooManyWait } = copy.progress {
                let last = full.entry(copy.to).or_insert(day);
                *last = day.max(*last);
            }
        }
        full
    }

    /// Whether somebody put the address forward.
    pub(crate) fn has_row(&self, address: &AddressKey) -> bool {
        self.row(address).is_some()
    }
}

impl SentMessage {
    /// Its *kept*.
    pub(crate) fn kept(&self) -> Option<SaidOn> {
        self.reply.filter(|reply| reply.rejected.is_none()).map(|reply| reply.said)
    }

    /// The rejection that says that the broker never uses it, with its code. One that has no line of the log says
    /// nothing of that: the same bytes may have been accepted before, or be accepted later.
    pub(crate) fn refused(&self) -> Option<(Code, SaidOn)> {
        let reply = self.reply?;
        let code = Code::ALL.into_iter().find(|code| Some(*code as u8) == reply.rejected)?;
        code.is_logged().then_some((code, reply.said))
    }
}

encode_fields! {
    AfterHit {
        rows, sent, all_told, room, made_today, told, received, held_back, strangers, asked, conversations, numbered,
        notes_above, news, news_record, years
    }
    where |known| {
        known.conversations.is_sorted_by(|a, b| a.number < b.number) && known.years.is_sorted_by(|a, b| a.year < b.year)
    },
    else "conversations or years are not ascending, each once"
}

encode_fields! { TalkYear { year, day, cells } }
encode_fields! {
    OwnRow { address, since, agreed, ended_told, wider_told }
    where |row| row.wider_told.is_sorted_by(|a, b| a < b),
    else "organisations of which was told are not ascending, each once"
}
encode_fields! { SentMessage { said, day, bytes, reply } }
encode_fields! { SentReply { rejected, said } }
encode_fields! { SaidOn { day, record, restored } }
encode_fields! { Asked { address, subject, epoch, day, answer_by, answer } }
