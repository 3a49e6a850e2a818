//! What is put forward, by this partner and by others, and what is new of what comes after a hit.

use std::ffi::c_char;

use stapel::partner::{AskAnswer, Case, Partner, PutForwardByOther, PutForwardRow, ShownNews, TalkNews};
use stapel::{AddressKey, Slug, Timestamp};

use crate::address::stapel_level;
use crate::bytes::{case, invalid, out, past, stapel_case, stapel_str, text};
use crate::guard::guard;
use crate::handle::{Handle, Table, add, free, get};
use crate::partner::stapel_partner;
use crate::status::stapel_status;

/// What this partner puts forward, in the order in which it was. It never changes: any number of threads may look at it
/// at once.
pub struct stapel_forwarded(Vec<ForwardedRow>);

/// What others put forward that this partner flags too, oldest first. It never changes: any number of threads may look
/// at it at once.
pub struct stapel_asked(Vec<AskedRow>);

/// What is new of what comes after a hit, in the order in which it came. It never changes: any number of threads may
/// look at it at once.
pub struct stapel_talk_news(Vec<TalkNewsRow>);

struct ForwardedRow {
    address: AddressKey,
    typed: String,
    since: String,
    epoch: u32,
    ended: bool,
    more: String,
    stands_until: Option<String>,
}

struct AskedRow {
    asked: PutForwardByOther,
    typed: String,
    day: String,
    answer_by: String,
    answered: Option<String>,
}

struct TalkNewsRow {
    shown: ShownNews,
    name: Option<String>,
    answer_by: Option<String>,
    more: String,
}

/// An own flag that is put forward.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_forwarded_row {
    /// The canonical form of the address.
    pub canonical: stapel_str,
    /// As it was written when it was flagged. NULL where there was no text.
    pub typed: stapel_str,
    /// What it names.
    pub level: stapel_level,
    /// The day on which it was put forward last, written as in "2027-05-31".
    pub since: stapel_str,
    /// The epoch in which it is put forward: the one that answered on that day.
    pub epoch: u32,
    /// Not 0 where that epoch is over. Nobody is introduced by it any more: put it forward again, in the epoch that
    /// answers.
    pub ended: i32,
    /// The organisations that the policy in force lets be told of it too, beside those that somebody agreed to by
    /// putting it forward: their short names in the policy, with a space between. They are not told: put it forward
    /// again to agree to that. NULL where there are none.
    pub more: stapel_str,
    /// The last day on which it stands at the broker, as far as is known; each day's message moves it on. NULL where
    /// the broker does not have it yet: it has no flag there yet, there is nobody it could be introduced to, or the
    /// budget of new ones is spent; and where it ended.
    pub stands_until: stapel_str,
}

/// An own flag that somebody else put forward. Who did is not said.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_asked_row {
    /// The canonical form of the address: what stapel_partner_answer takes.
    pub canonical: stapel_str,
    /// As it was written when it was flagged. NULL where there was no text.
    pub typed: stapel_str,
    /// What it names.
    pub level: stapel_level,
    /// The day on which that was decided, written as in "2027-05-31".
    pub day: stapel_str,
    /// The last day on which an answer is in time. A later one is no less an answer.
    pub answer_by: stapel_str,
    /// What was answered: "join", "not_now" or "review". NULL where nothing was yet.
    pub answer: stapel_str,
    /// The day of the answer. NULL where there is none.
    pub answered: stapel_str,
    /// Not 0 where it is put forward here too.
    pub is_put_forward: i32,
}

/// What is new.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum stapel_talk_news_kind {
    /// Something that this version of the library does not know.
    STAPEL_TALK_NEWS_OTHER = 0,
    /// Somebody put forward what this partner flags too: stapel_partner_answer.
    STAPEL_TALK_NEWS_ASKED = 1,
    /// This partner was introduced to another.
    STAPEL_TALK_NEWS_INTRODUCED = 2,
    /// A note came.
    STAPEL_TALK_NEWS_NOTE = 3,
    /// The coordinator decided.
    STAPEL_TALK_NEWS_DECISION = 4,
    /// Another left.
    STAPEL_TALK_NEWS_LEFT = 5,
    /// What is put forward ended with its epoch: stapel_partner_put_forward puts it forward in the one that answers.
    STAPEL_TALK_NEWS_ROW_ENDED = 6,
    /// The policy lets more know of what is put forward than was agreed to: `more` in stapel_forwarded_row. They are
    /// not told, unless somebody agrees to that by putting it forward again.
    STAPEL_TALK_NEWS_ROW_WIDER = 7,
    /// Something of another was passed over, because for two weeks no certificate of it came: ask its organisation.
    STAPEL_TALK_NEWS_NEVER_CERTIFIED = 8,
    /// A note of another was passed over, because its writer may not say what it says.
    STAPEL_TALK_NEWS_REFUSED = 9,
    /// Something of another could not be read here, and was passed over; it does not know: ask its organisation to
    /// write anew, or to put the address forward anew.
    STAPEL_TALK_NEWS_UNREADABLE = 10,
}

/// Something new of what comes after a hit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct stapel_talk_news_row {
    /// What it is.
    pub kind: stapel_talk_news_kind,
    /// The number of the conversation that it is in; 0 where it is in none.
    pub conversation: u32,
    /// Who was introduced, wrote or left, or whose certificate is missing: its number in the roster. 0 where it is
    /// nobody.
    pub partner: u16,
    /// Its name in the roster. NULL where it is nobody, or in the roster no longer.
    pub name: stapel_str,
    /// The canonical form of the address, also of what is in a conversation. NULL at the coordinator, who has it from a
    /// note, and where it is about no address.
    pub canonical: stapel_str,
    /// The address as it was written when it was flagged. NULL where there was no text.
    pub typed: stapel_str,
    /// STAPEL_TALK_NEWS_ASKED: the last day on which an answer is in time, written as in "2027-05-31". Else NULL.
    pub answer_by: stapel_str,
    /// Who put the address forward here last. NULL where nobody did, or the journal has it no longer.
    pub actor: stapel_str,
    /// The case for which that was done. NULL where `actor` is.
    pub case_reference: stapel_str,
    /// STAPEL_TALK_NEWS_ROW_WIDER: the organisations that the policy lets know too, as in stapel_forwarded_row. Else
    /// NULL, and where somebody agreed to it since.
    pub more: stapel_str,
}

static FORWARDED: Table<stapel_forwarded> = Table::new();
static ASKED: Table<stapel_asked> = Table::new();
static TALK_NEWS: Table<stapel_talk_news> = Table::new();

impl Handle for stapel_forwarded {
    const NAME: &'static str = "what is put forward";

    fn table() -> &'static Table<Self> {
        &FORWARDED
    }
}

impl Handle for stapel_asked {
    const NAME: &'static str = "what others put forward";

    fn table() -> &'static Table<Self> {
        &ASKED
    }
}

impl Handle for stapel_talk_news {
    const NAME: &'static str = "news after a hit";

    fn table() -> &'static Table<Self> {
        &TALK_NEWS
    }
}

/// What this partner puts forward, for a person to be shown. To be freed with stapel_forwarded_free. Before it is
/// handed out the journal has who is shown it, and for which case.
///
/// Errors: STAPEL_ERROR_CASE, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_forwarded(
    partner: *const stapel_partner,
    by: *const stapel_case,
    now: u64,
    forwarded: *mut *mut stapel_forwarded,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, forwarded) = unsafe { (case(by)?, out(forwarded, "forwarded")?) };
        let partner = get(partner)?;
        let mut partner = partner.lock()?;
        let shown = partner.show_put_forward(&by, Timestamp(now))?;
        let rows = shown.iter().map(|row| ForwardedRow::of(row, &partner));
        forwarded.write(add(stapel_forwarded(rows.collect())));
        Ok(())
    })
}

/// How many rows there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_forwarded_count(
    forwarded: *const stapel_forwarded,
    count: *mut usize,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(forwarded)?.0.len());
        Ok(())
    })
}

/// Row `index`, counted from 0. The texts belong to the list.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_forwarded_get(
    forwarded: *const stapel_forwarded,
    index: usize,
    row: *mut stapel_forwarded_row,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let row = unsafe { out(row, "row") }?;
        let forwarded = get(forwarded)?;
        let found = forwarded.0.get(index).ok_or_else(|| past("row", index, forwarded.0.len()))?;
        row.write(stapel_forwarded_row {
            canonical: stapel_str::of(found.address.as_str()),
            typed: stapel_str::shown(&found.typed),
            level: stapel_level::of(&found.address),
            since: stapel_str::of(&found.since),
            epoch: found.epoch,
            ended: found.ended.into(),
            more: stapel_str::shown(&found.more),
            stands_until: stapel_str::optional(found.stands_until.as_deref()),
        });
        Ok(())
    })
}

/// Frees the list. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_forwarded_free(forwarded: *mut stapel_forwarded) -> stapel_status {
    free(forwarded)
}

/// What others put forward that this partner flags too, for a person to be shown, until 30 days after an answer was
/// due. To be freed with stapel_asked_free. Before it is handed out the journal has who is shown it, and for which
/// case.
///
/// Errors: STAPEL_ERROR_CASE, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_asked(
    partner: *const stapel_partner,
    by: *const stapel_case,
    now: u64,
    asked: *mut *mut stapel_asked,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, asked) = unsafe { (case(by)?, out(asked, "asked")?) };
        let partner = get(partner)?;
        let mut partner = partner.lock()?;
        let shown = partner.show_asked(&by, Timestamp(now))?;
        let rows = shown.into_iter().map(|one| AskedRow::of(one, &partner));
        asked.write(add(stapel_asked(rows.collect())));
        Ok(())
    })
}

/// How many rows there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_asked_count(asked: *const stapel_asked, count: *mut usize) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(asked)?.0.len());
        Ok(())
    })
}

/// Row `index`, counted from 0. The texts belong to the list.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_asked_get(
    asked: *const stapel_asked,
    index: usize,
    row: *mut stapel_asked_row,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let row = unsafe { out(row, "row") }?;
        let asked = get(asked)?;
        let found = asked.0.get(index).ok_or_else(|| past("row", index, asked.0.len()))?;
        row.write(stapel_asked_row {
            canonical: stapel_str::of(found.asked.address.as_str()),
            typed: stapel_str::shown(&found.typed),
            level: stapel_level::of(&found.asked.address),
            day: stapel_str::of(&found.day),
            answer_by: stapel_str::of(&found.answer_by),
            answer: stapel_str::optional(found.asked.answer.map(|(answer, _)| answer.as_str())),
            answered: stapel_str::optional(found.answered.as_deref()),
            is_put_forward: found.asked.is_put_forward.into(),
        });
        Ok(())
    })
}

/// Frees the list. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_asked_free(asked: *mut stapel_asked) -> stapel_status {
    free(asked)
}

/// Notes what somebody answers where another put an own flag forward, given by its canonical form. `answer` is "join",
/// which puts it forward here too, as stapel_partner_put_forward does; "not_now"; or "review", where the own flag is to
/// be looked at again. The last two take back what is put forward here, and nobody else is told of them.
///
/// Errors: STAPEL_ERROR_NOT_CANONICAL; _INVALID_ARGUMENT for what is no answer; _NOT_PUT_FORWARD where nobody put it
/// forward; for "join" those of stapel_partner_put_forward; _CASE, _CLOCK, _CLOCK_AHEAD, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_answer(
    partner: *const stapel_partner,
    canonical: *const c_char,
    canonical_len: usize,
    answer: *const c_char,
    answer_len: usize,
    by: *const stapel_case,
    now: u64,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (canonical, answer, by) =
            unsafe { (text(canonical, canonical_len, "canonical")?, text(answer, answer_len, "answer")?, case(by)?) };
        let address = AddressKey::from_canonical(canonical)?;
        let found = AskAnswer::ALL.into_iter().find(|known| known.as_str() == answer);
        let answer = found.ok_or_else(|| invalid("answer is none; give join, not_now or review"))?;
        Ok(get(partner)?.lock()?.answer(&address, answer, &by, Timestamp(now))?)
    })
}

/// What is new of what comes after a hit since this was called last, for a person to be shown. To be freed with
/// stapel_talk_news_free. Before it is handed out the journal has who is shown it, and for which case. It is told once;
/// after an error it is told again. At most 500 are told at a time, the oldest first: where it tells as many, call it
/// again. What it is about stays in stapel_partner_asked and stapel_partner_conversations.
///
/// Errors: STAPEL_ERROR_CASE, _CLOCK, _CLOCK_AHEAD, _JOURNAL_DAMAGED, _IO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_partner_talk_news(
    partner: *const stapel_partner,
    by: *const stapel_case,
    now: u64,
    news: *mut *mut stapel_talk_news,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let (by, news) = unsafe { (case(by)?, out(news, "news")?) };
        let partner = get(partner)?;
        let mut partner = partner.lock()?;
        let shown = partner.show_talk_news(&by, Timestamp(now))?;
        partner.take_talk_news()?;
        let rows = shown.into_iter().map(|one| TalkNewsRow::of(one, &partner));
        news.write(add(stapel_talk_news(rows.collect())));
        Ok(())
    })
}

/// How many there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_talk_news_count(news: *const stapel_talk_news, count: *mut usize) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let count = unsafe { out(count, "count") }?;
        count.write(get(news)?.0.len());
        Ok(())
    })
}

/// Number `index`, counted from 0. The texts belong to the news.
///
/// Errors: STAPEL_ERROR_INVALID_ARGUMENT for an index past the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_talk_news_get(
    news: *const stapel_talk_news,
    index: usize,
    row: *mut stapel_talk_news_row,
) -> stapel_status {
    guard(|| {
        // SAFETY: the caller holds to the rules for pointers.
        let row = unsafe { out(row, "row") }?;
        let news = get(news)?;
        let found = news.0.get(index).ok_or_else(|| past("piece of news", index, news.0.len()))?;
        let ShownNews { news, address, typed, put_forward_by: by, .. } = &found.shown;
        row.write(stapel_talk_news_row {
            kind: stapel_talk_news_kind::of(news),
            conversation: news.conversation().unwrap_or(0),
            partner: news.partner().unwrap_or(0),
            name: stapel_str::optional(found.name.as_deref()),
            canonical: stapel_str::optional(address.as_ref().map(AddressKey::as_str)),
            typed: stapel_str::shown(typed),
            answer_by: stapel_str::optional(found.answer_by.as_deref()),
            actor: stapel_str::optional(by.as_ref().map(Case::actor)),
            case_reference: stapel_str::optional(by.as_ref().map(Case::reference)),
            more: stapel_str::shown(&found.more),
        });
        Ok(())
    })
}

/// Frees news. NULL is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stapel_talk_news_free(news: *mut stapel_talk_news) -> stapel_status {
    free(news)
}

/// The name of a partner in the roster.
pub(crate) fn name(partner: &Partner, number: u16) -> Option<String> {
    partner.policy().policy().partner(number).map(|entry| entry.name.clone())
}

impl ForwardedRow {
    fn of(row: &PutForwardRow, partner: &Partner) -> ForwardedRow {
        ForwardedRow {
            address: row.address,
            typed: partner.typed(&row.address),
            since: row.since.to_string(),
            epoch: row.epoch,
            ended: row.ended,
            more: slugs(&row.more),
            stands_until: row.stands_until.map(|day| day.to_string()),
        }
    }
}

impl AskedRow {
    fn of(asked: PutForwardByOther, partner: &Partner) -> AskedRow {
        AskedRow {
            typed: partner.typed(&asked.address),
            day: asked.day.to_string(),
            answer_by: asked.answer_by.to_string(),
            answered: asked.answer.map(|(_, day)| day.to_string()),
            asked,
        }
    }
}

impl TalkNewsRow {
    fn of(shown: ShownNews, partner: &Partner) -> TalkNewsRow {
        TalkNewsRow {
            name: shown.news.partner().and_then(|number| name(partner, number)),
            answer_by: shown.news.answer_by().map(|day| day.to_string()),
            more: slugs(&shown.more),
            shown,
        }
    }
}

impl stapel_talk_news_kind {
    fn of(news: &TalkNews) -> stapel_talk_news_kind {
        match news {
            TalkNews::Asked { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_ASKED,
            TalkNews::Introduced { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_INTRODUCED,
            TalkNews::Note { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_NOTE,
            TalkNews::Decision { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_DECISION,
            TalkNews::Left { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_LEFT,
            TalkNews::RowEnded { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_ROW_ENDED,
            TalkNews::RowWider { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_ROW_WIDER,
            TalkNews::NeverCertified { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_NEVER_CERTIFIED,
            TalkNews::Refused { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_REFUSED,
            TalkNews::Unreadable { .. } => stapel_talk_news_kind::STAPEL_TALK_NEWS_UNREADABLE,
            _ => stapel_talk_news_kind::STAPEL_TALK_NEWS_OTHER,
        }
    }
}

/// Short names of the policy, with a space between.
fn slugs(all: &[Slug]) -> String {
    all.iter().map(Slug::as_str).collect::<Vec<_>>().join(" ")
}
