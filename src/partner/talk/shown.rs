//! What is new, and who was shown what.

use super::super::error::PartnerError;
use super::super::record::JournalEvent;
use super::super::{Case, Partner};
use super::asked::PutForwardByOther;
use super::conversation::Conversation;
use super::news::TalkNews;
use super::record::TalkEvent;
use super::rows::PutForwardRow;
use crate::day::Timestamp;

impl Partner {
    /// What is new of what comes after a hit, since [`Partner::take_talk_news`] was called last; in the order in which
    /// it came.
    pub fn talk_news(&self) -> &[TalkNews] {
        &self.data.state().after_hit.news
    }

    /// The same, for a person to be shown. Before it is handed out the journal has who is shown it, and for which case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`], [`SystemError::Io`](crate::SystemError::Io).
    pub fn show_talk_news(&mut self, by: &Case, now: Timestamp) -> Result<Vec<TalkNews>, PartnerError> {
        self.data.refresh()?;
        let news = self.talk_news().to_vec();
        let mut conversations: Vec<u32> = news.iter().filter_map(TalkNews::conversation).collect();
        conversations.sort_unstable();
        conversations.dedup();
        let address = |news: &TalkNews| match news {
            TalkNews::Asked { address, .. } | TalkNews::RowEnded { address } | TalkNews::RowWider { address } => {
                Some(*address)
            }
            _ => None,
        };
        let mut addresses: Vec<_> = news.iter().filter_map(address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        if !news.is_empty() {
            self.data.record(now, Some(by), JournalEvent::Talk(TalkEvent::Shown { conversations, addresses }))?;
        }
        Ok(news)
    }

    /// What is new, which is not told again; after an error it is.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn take_talk_news(&mut self) -> Result<Vec<TalkNews>, PartnerError> {
        self.data.refresh()?;
        if self.talk_news().is_empty() {
            return Ok(Vec::new());
        }
        let mut transaction = self.data.begin_at_latest()?;
        let news = std::mem::take(&mut transaction.state().after_hit.news);
        transaction.commit()?;
        Ok(news)
    }

    /// What is put forward ([`Partner::put_forward_rows`]), for a person to be shown. Before it is handed out the
    /// journal has who is shown it, and for which case.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`], [`SystemError::Io`](crate::SystemError::Io).
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
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`], [`SystemError::Io`](crate::SystemError::Io).
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
    /// [`SystemError::Io`](crate::SystemError::Io).
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
