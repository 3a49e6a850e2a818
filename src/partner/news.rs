//! What changed over the partner's own flags.

use super::error::PartnerError;
use super::record::JournalEvent;
use super::state::{PartnerState, Stacked};
use super::{Case, Partner};
use crate::address::AddressKey;
use crate::day::Timestamp;
use crate::message::Told;

/// A change over one of the partner's own addresses, home or house number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// The address.
    pub address: AddressKey,
    /// What changed.
    pub change: StackChange,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackChange {
    /// It is stacked now.
    NewlyStacked(Told),
    /// It was stacked, and another number of organisations flag it now.
    CountChanged {
        /// The number before.
        before: Told,
        /// The number now.
        now: Told,
    },
    /// It was stacked, and is no longer.
    NoLongerStacked(Told),
}

impl StackChange {
    /// Its name in JSON: `newly_stacked`, `count_changed` or `no_longer_stacked`.
    pub fn as_str(self) -> &'static str {
        match self {
            StackChange::NewlyStacked(_) => "newly_stacked",
            StackChange::CountChanged { .. } => "count_changed",
            StackChange::NoLongerStacked(_) => "no_longer_stacked",
        }
    }

    /// The number before; none where it was not stacked.
    pub fn before(self) -> Option<Told> {
        match self {
            StackChange::NewlyStacked(_) => None,
            StackChange::CountChanged { before, .. } | StackChange::NoLongerStacked(before) => Some(before),
        }
    }

    /// The number now; none where it is stacked no longer.
    pub fn now(self) -> Option<Told> {
        match self {
            StackChange::NewlyStacked(now) | StackChange::CountChanged { now, .. } => Some(now),
            StackChange::NoLongerStacked(_) => None,
        }
    }
}

impl Partner {
    /// What changed between the answers that were read when this was called last, and those read since; over own flags,
    /// ascending by address. [`Partner::ask_own`] asks for all of them.
    ///
    /// An address that the partner itself no longer flags is not news: nothing more is known of it. What is returned is
    /// not told again; after an error it is.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn news(&mut self) -> Result<Vec<News>, PartnerError> {
        let news = self.untold_news()?;
        if !news.is_empty() {
            let mut transaction = self.data.begin_at_latest()?;
            let state = transaction.state();
            state.stacked = state.own_of(&state.stacked);
            state.reported = state.stacked.clone();
            transaction.commit()?;
        }
        Ok(news)
    }

    /// The same news, which is told again, for a person to be shown. Before it is handed out the journal has who is
    /// shown it, and for which case. Whoever has seen it calls [`Partner::news`] then.
    ///
    /// # Errors
    ///
    /// As [`Partner::news`]; [`PartnerError::Clock`], [`PartnerError::ClockAhead`].
    pub fn show_news(&mut self, by: &Case, now: Timestamp) -> Result<Vec<News>, PartnerError> {
        let news = self.untold_news()?;
        if !news.is_empty() {
            let addresses = news.iter().map(|news| news.address).collect();
            self.data.record(now, Some(by), JournalEvent::NewsShown { addresses })?;
        }
        Ok(news)
    }

    /// The same news, which is told again: for whoever shows it first, and calls [`Partner::news`] once it was seen.
    ///
    /// # Errors
    ///
    /// As [`Partner::news`].
    pub fn untold_news(&mut self) -> Result<Vec<News>, PartnerError> {
        self.data.refresh()?;
        let state = self.data.state();
        Ok(difference(&state.own_of(&state.reported), &state.own_of(&state.stacked)))
    }

    /// The number of the journal's record that changed last which own addresses are stacked; 0 where none did. News
    /// that says the same as news that was told before came with a later one.
    ///
    /// # Errors
    ///
    /// As [`Partner::news`].
    pub fn news_record(&mut self) -> Result<u64, PartnerError> {
        self.data.refresh()?;
        Ok(self.data.state().stacked_record)
    }
}

impl PartnerState {
    /// Those of stacked addresses that the partner itself flags.
    fn own_of(&self, stacked: &[Stacked]) -> Vec<Stacked> {
        stacked.iter().filter(|stacked| self.flags.covers(&stacked.address)).copied().collect()
    }
}

/// What changed between what was reported and what is stacked now; both ascend by address.
fn difference(reported: &[Stacked], stacked: &[Stacked]) -> Vec<News> {
    let find = |rows: &[Stacked], address: &AddressKey| {
        rows.binary_search_by_key(address, |row| row.address).ok().map(|at| rows[at].number)
    };
    let gone = reported.iter().filter(|row| find(stacked, &row.address).is_none());
    let gone = gone.map(|row| News { address: row.address, change: StackChange::NoLongerStacked(row.number) });
    let there = stacked.iter().filter_map(|row| {
        let change = match find(reported, &row.address) {
            None => StackChange::NewlyStacked(row.number),
            Some(before) if before.at_least() != row.number.at_least() => {
                StackChange::CountChanged { before, now: row.number }
            }
            Some(_) => return None,
        };
        Some(News { address: row.address, change })
    });
    let mut news: Vec<News> = gone.chain(there).collect();
    news.sort_unstable_by_key(|news| news.address);
    news
}
