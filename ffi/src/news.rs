//! What changed over a partner's own flags.

use stapel::AddressKey;
use stapel::message::{Standing, Told};
use stapel::partner::{News, Partner, StackChange};

use crate::address::stapel_level;
use crate::bytes::{out, past, stapel_str};
use crate::guard::guard;
use crate::handle::{Handle, Table, add, free, get};
use crate::reply::stapel_standing;
use crate::status::stapel_status;

/// What changed over a partner's own flags, ascending by address. It never changes: any number of threads may look at
/// it at once.
pub struct stapel_news(Vec<NewsRow>);

struct NewsRow {
    address: AddressKey,
    typed: String,
    change: stapel_change,
    before: stapel_standing,
    now: stapel_standing,
}

/// What changed.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum stapel_change {
    /// It is stacked now.
    STAPEL_CHANGE_NEWLY_STACKED = 1,
    /// It was stacked, and another number of organisations flag it now.
    STAPEL_CHANGE_COUNT_CHANGED = 2,
    /// It was stacked, and is no longer.
    STAPEL_CHANGE_NO_LONGER_STACKED = 3,
}

/// A change over one of the partner's own addresses, home or house number.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_news_row {
    /// The canonical form of the address.
    pub canonical: stapel_str,
    /// As it was written when it was flagged; of a house number as its homes were. NULL where there was no text.
    pub typed: stapel_str,
    /// What it names.
    pub level: stapel_level,
    /// What changed.
    pub change: stapel_change,
    /// The standing before; STAPEL_STANDING_NONE where it was not stacked.
    pub before: stapel_standing,
    /// The standing now; STAPEL_STANDING_NONE where it is not stacked.
    pub now: stapel_standing,
}

static TABLE: Table<stapel_news> = Table::new();

impl Handle for stapel_news {
    const NAME: &'static str = "news";

    fn table() -> &'static Table<Self> {
        &TABLE
    }
}

/// How many changes there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_news_count(news: *const stapel_news, count: *mut usize) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(news)?.0.len());
        Ok(())
    })
}

/// Change `index`, counted from 0. The text belongs to the news.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_news_get(
    news: *const stapel_news,
    index: usize,
    row: *mut stapel_news_row,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let row = unsafe { out(row, "row") }?;
        let news = get(news)?;
        let changed = news.0.get(index).ok_or_else(|| past("change", index, news.0.len()))?;
        row.write(stapel_news_row {
            canonical: stapel_str::of(changed.address.as_str()),
            typed: stapel_str::shown(&changed.typed),
            level: stapel_level::of(&changed.address),
            change: changed.change,
            before: changed.before,
            now: changed.now,
        });
        Ok(())
    })
}

/// Frees news. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_news_free(news: *mut stapel_news) -> stapel_status {
    free(news)
}

impl stapel_news {
    /// News of a partner.
    pub(crate) fn add(news: &[News], partner: &Partner) -> *mut stapel_news {
        let policy = partner.policy().policy();
        let standing = |number: Option<Told>| match number {
            Some(number) => stapel_standing::of(Standing::Stacked(number), policy.counting.count_cap),
            None => stapel_standing::none(),
        };
        let changed = news.iter().map(|news| {
            let (change, before, now) = match news.change {
                StackChange::NewlyStacked(now) => (stapel_change::STAPEL_CHANGE_NEWLY_STACKED, None, Some(now)),
                StackChange::CountChanged { before, now } => {
                    (stapel_change::STAPEL_CHANGE_COUNT_CHANGED, Some(before), Some(now))
                }
                StackChange::NoLongerStacked(before) => {
                    (stapel_change::STAPEL_CHANGE_NO_LONGER_STACKED, Some(before), None)
                }
            };
            let typed = partner.typed(&news.address);
            NewsRow { address: news.address, typed, change, before: standing(before), now: standing(now) }
        });
        add(stapel_news(changed.collect()))
    }
}
