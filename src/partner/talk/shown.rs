//! What is new, and who was shown what.

use std::collections::{HashMap, HashSet};
use std::fmt;

use super::super::error::PartnerError;
use super::super::record::JournalEvent;
use super::super::{Case, Partner};
use super::asked::PutForwardByOther;
use super::conversation::{Conversation, ConversationNote};
use super::news::TalkNews;
use super::record::{AskAnswer, TalkEvent};
use super::rows::PutForwardRow;
use crate::address::AddressKey;
use crate::day::Timestamp;
use crate::slug::Slug;
use crate::talk::NoteContent;

/// A piece of news, with what a person needs to know what it is about.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShownNews {
    /// What is new.
    pub news: TalkNews,
    /// The address; `None` at the coordinator, who has it from a note ([`Partner::agenda`]).
    pub address: Option<AddressKey>,
    /// The address as it was written when it was flagged; empty where no text was given.
    pub typed: String,
    /// Who put the address forward here last, and for which case; `None` where nobody did, and where the journal has it
    /// no longer.
    pub put_forward_by: Option<Case>,
    /// Of a note or a decision, what was written.
    pub note: Option<ConversationNote>,
    /// Of [`TalkNews::RowWider`], the organisations that the policy lets know too ([`PutForwardRow::more`]); none where
    /// that changed since, or somebody agreed to it. Else none.
    pub more: Vec<Slug>,
}

impl Partner {
    /// How much of what is new after a hit is shown and taken at once, so that no answer is without bound. Of what is
    /// left [`Partner::talk_news`] says how much there is.
    pub const NEWS_AT_ONCE: usize = 500;

    /// What is new of what comes after a hit, since [`Partner::take_talk_news`] was called last; in the order in which
    /// it came.
    pub fn talk_news(&self) -> &[TalkNews] {
        &self.data.state().after_hit.news
    }

    /// The number of the journal's record that brought the latest of it, also where that was taken; 0 where none did.
    /// News that says the same as news that was taken came with a later one.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn talk_news_record(&mut self) -> Result<u64, PartnerError> {
        self.data.refresh()?;
        Ok(self.data.state().after_hit.news_record)
    }

    /// What is new, with what it is about, for a person to be shown: the first [`Partner::NEWS_AT_ONCE`] of it. Before
    /// it is handed out the journal has who is shown it, and for which case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`], [`PartnerError::JournalDamaged`],
    /// [`SystemError::Io`](crate::SystemError::Io), [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn show_talk_news(&mut self, by: &Case, now: Timestamp) -> Result<Vec<ShownNews>, PartnerError> {
        self.data.refresh()?;
        let shown = self.untold_talk_news()?;
        let mut conversations: Vec<u32> = shown.iter().filter_map(|one| one.news.conversation()).collect();
        conversations.sort_unstable();
        conversations.dedup();
        let mut addresses: Vec<_> = shown.iter().filter_map(|one| one.news.address()).collect();
        addresses.sort_unstable();
        addresses.dedup();
        if !shown.is_empty() {
            self.data.record(now, Some(by), JournalEvent::Talk(TalkEvent::Shown { conversations, addresses }))?;
        }
        Ok(shown)
    }

    /// What is new, with what it is about, for a program to tell how much there is or where; the first
    /// [`Partner::NEWS_AT_ONCE`] of it. For a person it is [`Partner::show_talk_news`], which notes who is shown it.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn untold_talk_news(&self) -> Result<Vec<ShownNews>, PartnerError> {
        let news = self.talk_news();
        let named: HashSet<u32> = news.iter().filter_map(TalkNews::conversation).collect();
        let known: HashMap<u32, Conversation> =
            self.conversations().filter(|one| named.contains(&one.number)).map(|one| (one.number, one)).collect();
        let about = |one: &TalkNews| one.address().or_else(|| known.get(&one.conversation()?)?.address);
        let put_forward_by = match news.iter().any(|one| about(one).is_some()) {
            true => self.put_forward_by()?,
            false => HashMap::new(),
        };
        let mut wider = HashMap::new();
        if news.iter().any(|one| matches!(one, TalkNews::RowWider { .. })) {
            wider.extend(self.put_forward_rows().map(|row| (row.address, row.more)));
        }
        // The latest news is of the latest note.
        let mut taken: HashMap<u32, usize> = HashMap::new();
        let mut shown: Vec<ShownNews> = Vec::new();
        for (at, one) in news.iter().enumerate().rev() {
            let note = one.conversation().and_then(|number| {
                let mut last = known.get(&number)?.notes.iter().enumerate().rev();
                let before = |place: &usize| taken.get(&number).is_none_or(|taken| place < taken);
                let (place, note) = last.find(|(place, note)| before(place) && is_news_of(one, note))?;
                taken.insert(number, place);
                Some(note)
            });
            if at >= Partner::NEWS_AT_ONCE {
                continue;
            }
            let address = about(one);
            let is_wider = |address: &AddressKey| matches!(one, TalkNews::RowWider { .. }).then(|| wider.get(address));
            shown.push(ShownNews {
                news: *one,
                typed: address.map(|address| self.typed(&address)).unwrap_or_default(),
                put_forward_by: address.and_then(|address| put_forward_by.get(&address).cloned()),
                note: note.cloned(),
                more: address.as_ref().and_then(is_wider).flatten().cloned().unwrap_or_default(),
                address,
            });
        }
        shown.reverse();
        Ok(shown)
    }

    /// Of each address that somebody put forward, who did last and for which case, as far as the journal goes back.
    fn put_forward_by(&self) -> Result<HashMap<AddressKey, Case>, PartnerError> {
        let mut found = HashMap::new();
        self.data.journal().read(|_, record| {
            let JournalEvent::Talk(event) = record.event else { return };
            let addresses = match event {
                TalkEvent::PutForward { addresses, .. } => addresses,
                TalkEvent::Answered { address, answer: AskAnswer::Join, .. } => vec![address],
                _ => return,
            };
            let Some(by) = record.by else { return };
            found.extend(addresses.into_iter().map(|address| (address, by.clone())));
        })?;
        Ok(found)
    }

    /// Takes what [`Partner::show_talk_news`] shows, which is not told again; after an error it is. Where there is more
    /// than [`Partner::NEWS_AT_ONCE`], the rest is left for the next time.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn take_talk_news(&mut self) -> Result<Vec<TalkNews>, PartnerError> {
        self.data.refresh()?;
        if self.talk_news().is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.data.begin_at_latest()?;
        let waiting = &mut transaction.state().after_hit.news;
        let news = waiting.drain(..waiting.len().min(Partner::NEWS_AT_ONCE)).collect();
        transaction.commit()?;
        Ok(news)
    }

    /// Takes what is new in one conversation, of which a person was shown all: it is not told again. How much that was.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn take_talk_news_of(&mut self, conversation: u32) -> Result<usize, PartnerError> {
        self.data.refresh()?;
        let is_of = |one: &TalkNews| one.conversation() == Some(conversation);
        let count = self.talk_news().iter().filter(|one| is_of(one)).count();
        if count > 0 {
            let mut transaction = self.data.begin_at_latest()?;
            transaction.state().after_hit.news.retain(|one| !is_of(one));
            transaction.commit()?;
        }
        Ok(count)
    }

    /// What is put forward ([`Partner::put_forward_rows`]), for a person to be shown. Before it is handed out the
    /// journal has who is shown it, and for which case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`]; [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn show_put_forward(&mut self, by: &Case, now: Timestamp) -> Result<Vec<PutForwardRow>, PartnerError> {
        self.data.refresh()?;
        let rows: Vec<_> = self.put_forward_rows().collect();
        let mut addresses: Vec<_> = rows.iter().map(|row| row.address).collect();
        addresses.sort_unstable();
        if !rows.is_empty() {
            let event = TalkEvent::Shown { conversations: Vec::new(), addresses };
            self.data.record(now, Some(by), JournalEvent::Talk(event))?;
        }
        Ok(self.put_forward_rows().collect())
    }

    /// What others put forward ([`Partner::asked`]), for a person to be shown. Before it is handed out the journal has
    /// who is shown it, and for which case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`]; [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn show_asked(&mut self, by: &Case, now: Timestamp) -> Result<Vec<PutForwardByOther>, PartnerError> {
        self.data.refresh()?;
        let asked: Vec<_> = self.asked().collect();
        let mut addresses: Vec<_> = asked.iter().map(|asked| asked.address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        if !asked.is_empty() {
            let event = TalkEvent::Shown { conversations: Vec::new(), addresses };
            self.data.record(now, Some(by), JournalEvent::Talk(event))?;
        }
        Ok(asked)
    }

    /// Conversations, for a person to be shown: all, or one. Before they are handed out the journal has who is shown
    /// them, and for which case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NoConversation`]; [`PartnerError::Clock`], [`PartnerError::ClockAhead`];
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn show_conversations(
        &mut self,
        one: Option<u32>,
        by: &Case,
        now: Timestamp,
    ) -> Result<Vec<Conversation>, PartnerError> {
        self.data.refresh()?;
        let found: Vec<_> = self.conversations().filter(|known| one.is_none_or(|one| one == known.number)).collect();
        if let (Some(conversation), true) = (one, found.is_empty()) {
            return Err(PartnerError::NoConversation { conversation });
        }
        if !found.is_empty() {
            let conversations = found.iter().map(|known| known.number).collect();
            let event = TalkEvent::Shown { conversations, addresses: Vec::new() };
            self.data.record(now, Some(by), JournalEvent::Talk(event))?;
        }
        Ok(found)
    }
}

/// Whether a note is one that a piece of news can be of.
fn is_news_of(news: &TalkNews, note: &ConversationNote) -> bool {
    let decides = matches!(note.content, NoteContent::Decision { .. });
    match news {
        TalkNews::Note { partner, .. } => note.from == Some(*partner) && !decides,
        TalkNews::Decision { .. } => note.from.is_some() && decides,
        _ => false,
    }
}

/// Shows what is new, and not the address, the case or what was written, because this may be logged.
impl fmt::Debug for ShownNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownNews").field("news", &self.news).finish_non_exhaustive()
    }
}
