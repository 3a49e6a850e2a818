//! What changed over the partner's own flags.

use super::Partner;
use super::state::Stacked;
use crate::address::AddressKey;
use crate::error::Error;
use crate::message::Number;

/// A change over one of the partner's own addresses, home or building.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News {
    /// The address.
    pub address: AddressKey,
    /// What changed.
    pub change: Change,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is stacked now.
    NewlyStacked(Number),
    /// It was stacked, and another number of organisations flag it now.
    CountChanged {
        /// The number before.
        before: Number,
        /// The number now.
        now: Number,
    },
    /// It was stacked, and is no longer.
    NoLongerStacked(Number),
}

impl Partner {
    /// What changed between the answers that were read when this was called last, and those read since; over own flags, ascending by
    /// address. [`Partner::ask_own`] asks for all of them.
    ///
    /// An address that the partner itself no longer flags is not news: nothing more is known of it. What is returned is not told
    /// again; after an error it is.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn news(&mut self) -> Result<Vec<News>, Error> {
        let state = &mut self.state;
        let flags = &state.flags;
        state.stacked.0.retain(|stacked| flags.covers(&stacked.address));
        state.told.0.retain(|stacked| flags.covers(&stacked.address));
        let news = difference(&state.told.0, &state.stacked.0);
        if !news.is_empty() {
            let told = std::mem::replace(&mut state.told, state.stacked.clone());
            // What was not told yet must be told when it is asked for again.
            self.save().inspect_err(|_| self.state.told = told)?;
        }
        Ok(news)
    }
}

fn difference(told: &[Stacked], stacked: &[Stacked]) -> Vec<News> {
    let find = |rows: &[Stacked], address: &AddressKey| {
        rows.binary_search_by_key(address, |row| row.address).ok().map(|at| rows[at].number)
    };
    let gone = told.iter().filter(|row| find(stacked, &row.address).is_none());
    let gone = gone.map(|row| News { address: row.address, change: Change::NoLongerStacked(row.number) });
    let there = stacked.iter().filter_map(|row| {
        let change = match find(told, &row.address) {
            None => Change::NewlyStacked(row.number),
            // A count that was not exact was kept in another way by earlier versions.
            Some(before) if before.at_least() != row.number.at_least() => {
                Change::CountChanged { before, now: row.number }
            }
            Some(_) => return None,
        };
        Some(News { address: row.address, change })
    });
    let mut news: Vec<News> = gone.chain(there).collect();
    news.sort_unstable_by_key(|news| news.address);
    news
}
