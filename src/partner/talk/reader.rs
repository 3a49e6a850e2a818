//! A post while it is read: what was taken of it so far, and who is known to be introduced.

use std::collections::{BTreeMap, HashMap};

use super::super::Partner;
use super::super::error::PartnerError;
use super::record::{HeldBack, Introduction, TakenEntry, TakenNote};
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::message::Exchange;
use crate::talk::{ConversationId, Subject};

/// What was read of a post so far.
pub(super) struct PostReader<'a> {
    pub(super) partner: &'a Partner,
    pub(super) today: Day,
    /// When the broker was restored last, as the post says.
    pub(super) restored: Timestamp,
    /// The day of the post, by the broker's clock.
    pub(super) posted: Day,
    /// The own flags by subject, in the epochs of which that was looked for.
    pub(super) subjects: BTreeMap<u32, HashMap<Subject, AddressKey>>,
    pub(super) meetings: Vec<Meeting>,
    pub(super) told: u64,
    pub(super) received: u64,
    pub(super) entries: Vec<TakenEntry>,
    pub(super) notes: Vec<TakenNote>,
    pub(super) passed_over: u32,
    pub(super) findings: Vec<Finding>,
    pub(super) held_back: Vec<HeldBack>,
    pub(super) expired: Vec<u16>,
    pub(super) unreadable: Vec<u16>,
    pub(super) strangers: Vec<ConversationId>,
}

/// Who was introduced to this partner in a conversation: before, or by the post that is being read.
pub(super) struct Meeting {
    pub(super) id: ConversationId,
    pub(super) subject: Subject,
    pub(super) epoch: u32,
    pub(super) partners: Vec<u16>,
}

/// What is complained of.
pub(crate) struct Finding {
    pub(crate) error: PartnerError,
    /// The journal's record with the other reply that shows it.
    pub(crate) other: Option<u64>,
    /// The own message that this is the reply to, or that the post is about; empty for none.
    pub(crate) message: Vec<u8>,
    /// The journal's record with the post, where that is one that was read before.
    pub(crate) post: Option<u64>,
}

impl<'a> PostReader<'a> {
    pub(super) fn new(
        partner: &'a Partner,
        (today, posted): (Day, Day),
        restored: Timestamp,
        exchange: &Exchange,
    ) -> PostReader<'a> {
        let known = &partner.data.state().after_hit;
        let meetings = known.conversations.iter().map(|known| Meeting {
            id: known.id,
            subject: known.subject,
            epoch: known.epoch,
            partners: known.introduced.iter().map(|other| other.partner).collect(),
        });
        PostReader {
            partner,
            today,
            restored,
            posted,
            subjects: BTreeMap::new(),
            meetings: meetings.collect(),
            told: exchange.told,
            received: exchange.received,
            entries: Vec::new(),
            notes: Vec::new(),
            passed_over: 0,
            findings: Vec::new(),
            held_back: Vec::new(),
            expired: Vec::new(),
            unreadable: Vec::new(),
            strangers: Vec::new(),
        }
    }

    pub(super) fn meet(&mut self, told: &Introduction) {
        let is_it = |meeting: &&mut Meeting| (meeting.subject, meeting.epoch) == (told.subject, told.epoch);
        match self.meetings.iter_mut().find(is_it) {
            Some(meeting) => {
                meeting.id = told.conversation;
                meeting.partners.push(told.partner);
            }
            None => self.meetings.push(Meeting {
                id: told.conversation,
                subject: told.subject,
                epoch: told.epoch,
                partners: vec![told.partner],
            }),
        }
    }
}
