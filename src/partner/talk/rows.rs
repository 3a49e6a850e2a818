//! Putting own flags forward, and taking them back.

use super::super::error::PartnerError;
use super::super::given::{Given, Taken};
use super::super::member::Member;
use super::super::record::JournalEvent;
use super::super::state::PartnerState;
use super::super::{Case, Partner};
use super::agreement::Agreement;
use super::plan::{answering, newest_kept};
use super::record::TalkEvent;
use super::state::OwnRow;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::slug::Slug;

/// An own flag that somebody put forward.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutForwardRow {
    /// The address.
    pub address: AddressKey,
    /// The day on which it was put forward last.
    pub since: Day,
    /// The epoch in which it is put forward: the one that answered on that day.
    pub epoch: u32,
    /// Whether that epoch is over, because a newer one answers or it has closed. Nobody is introduced by it any more:
    /// put it forward again, in the epoch that answers. It is gone 30 days after its epoch closed.
    pub ended: bool,
    /// The organisations that the policy in force lets be told of it too, beside those that somebody agreed to by
    /// putting it forward; ascending. They are not told: put it forward again to agree to that.
    pub more: Vec<Slug>,
    /// The last day on which it stands at the broker, as far as is known; each day's message moves it on. `None` where
    /// the broker does not have it yet: because the day's message has gone, or is of an older epoch, in which something
    /// was taken back; because its epoch does not answer yet, as the broker said today; because it has no flag there
    /// yet, because no certificate of anybody is here that it could be introduced to, or because the budget of new rows
    /// is spent; and where it ended.
    pub stands_until: Option<Day>,
}

impl Partner {
    /// Puts own flags forward: whoever flags the same, and puts it forward too, is told that this partner does, and the
    /// other way round, directly or by the coordinator, as the policy says. It lasts until it is taken back, or its
    /// flag ends, or its epoch: [`Partner::talk`] tells the broker with the day's message, on each day again.
    ///
    /// It is told to those organisations alone that the policy in force now lets be told of it. Where a later policy
    /// lets more know, or another epoch answers, it is put forward again to agree to that, by this call. How many were
    /// not put forward yet, or are put forward anew.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] where the policy has no `[meet]`, or this partner may not flag;
    /// [`PartnerError::Level`]; [`PartnerError::NoFlag`] where one of them is not flagged; [`PartnerError::NoEpoch`]
    /// where none is open whose secret is here; [`PartnerError::Clock`], [`PartnerError::ClockAhead`];
    /// [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn put_forward<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = impl Into<Given<'a>>>,
        by: &Case,
        now: Timestamp,
    ) -> Result<usize, PartnerError> {
        let addresses = Taken::of(addresses).keys;
        let mut transaction = self.data.begin(now)?;
        let (addresses, agreed) = to_put_forward(&self.member, transaction.view(), addresses, transaction.now().day())?;
        let count = addresses.len();
        if count > 0 {
            transaction.record(Some(by), JournalEvent::Talk(TalkEvent::PutForward { addresses, agreed }))?;
        }
        transaction.keep();
        Ok(count)
    }

    /// Takes back what was put forward; what is not, is passed over. The broker hears it with the next message that
    /// puts forward: where today's has gone, that of tomorrow. Whoever was introduced stays introduced
    /// ([`Partner::leave`]). How many were taken back.
    ///
    /// # Errors
    ///
    /// [`PartnerError::Clock`], [`PartnerError::ClockAhead`]; [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::OtherProcess`](crate::SystemError::OtherProcess).
    pub fn take_back<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = impl Into<Given<'a>>>,
        by: &Case,
        now: Timestamp,
    ) -> Result<usize, PartnerError> {
        let addresses = Taken::of(addresses).keys;
        let mut transaction = self.data.begin(now)?;
        let addresses = to_take_back(transaction.view(), addresses, transaction.now().day());
        let count = addresses.len();
        if count > 0 {
            transaction.record(Some(by), JournalEvent::Talk(TalkEvent::TookBack { addresses }))?;
        }
        transaction.keep();
        Ok(count)
    }

    /// What is put forward, in the order in which it was first, as it is on the day of the journal's latest record.
    pub fn put_forward_rows(&self) -> impl Iterator<Item = PutForwardRow> {
        let (member, state) = (&self.member, self.data.state());
        let (known, today) = (&state.after_hit, state.latest.day());
        known.rows.iter().map(move |row| {
            let OwnRow { address, since, ref agreed, .. } = *row;
            let ended = row.is_over(member, state, today);
            let more = if ended { Vec::new() } else { row.more(member) };
            let standing = newest_kept(&known.sent, agreed.epoch).filter(|sent| !ended && sent.said.says(&address));
            let stands_until = standing.map(|sent| sent.said.last_day);
            PutForwardRow { address, since, epoch: agreed.epoch, ended, more, stands_until }
        })
    }

    /// Notes of which rows the epoch is over, and of which the policy lets more know than was agreed to, so that people
    /// are told, once of each.
    pub(super) fn note_lapsed(&mut self, now: Timestamp) -> Result<(), PartnerError> {
        let (member, state, today) = (&self.member, self.data.state(), now.day());
        let (mut ended, mut wider) = (Vec::new(), Vec::new());
        for row in &state.after_hit.rows {
            if row.is_over(member, state, today) {
                if !row.ended_told {
                    ended.push(row.address);
                }
                continue;
            }
            let more = row.more(member);
            if more.iter().any(|slug| row.wider_told.binary_search(slug).is_err()) {
                wider.push((row.address, more));
            }
        }
        if ended.is_empty() && wider.is_empty() {
            return Ok(());
        }
        self.data.record(now, None, JournalEvent::Talk(TalkEvent::Lapsed { ended, wider }))
    }
}

/// Which of some addresses somebody puts forward on a day, or puts forward anew, ascending, and what that agrees to.
pub(super) fn to_put_forward(
    member: &Member,
    state: &PartnerState,
    mut addresses: Vec<AddressKey>,
    today: Day,
) -> Result<(Vec<AddressKey>, Agreement), PartnerError> {
    refuse_putting_forward(member)?;
    member.refuse_uncounted(&addresses, "the policy does not count house numbers: put homes forward")?;
    let missing = addresses.iter().filter(|address| !state.flags.covers_on(address, today)).count();
    if missing > 0 {
        return Err(PartnerError::NoFlag { missing });
    }
    let agreed = agreed_now(member, state, today)?;
    addresses.retain(|address| !is_agreed(state, address, &agreed));
    addresses.sort_unstable();
    addresses.dedup();
    Ok((addresses, agreed))
}

/// An error where a partner puts nothing forward at all.
pub(super) fn refuse_putting_forward(member: &Member) -> Result<(), PartnerError> {
    member.permit(|may| may.flag, "flag, and so put nothing forward")?;
    member.meet().map(drop)
}

/// Which of some addresses somebody takes back on a day; ascending.
pub(super) fn to_take_back(state: &PartnerState, mut addresses: Vec<AddressKey>, today: Day) -> Vec<AddressKey> {
    addresses.retain(|address| state.after_hit.has_row(address) && state.flags.covers_on(address, today));
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// What somebody agrees to who puts forward on a day, under the policy in force.
fn agreed_now(member: &Member, state: &PartnerState, today: Day) -> Result<Agreement, PartnerError> {
    let own = &member.entry()?.organisation;
    Ok(Agreement::under(member.policy(), own, answering(member, state, today)?))
}

/// Whether an address is put forward, and all was agreed to for it that putting it forward again would agree to.
fn is_agreed(state: &PartnerState, address: &AddressKey, agreed: &Agreement) -> bool {
    let row = state.after_hit.row(address);
    row.is_some_and(|row| row.agreed.epoch == agreed.epoch && row.agreed.lacks(agreed).is_empty())
}

impl OwnRow {
    /// Whether its epoch is over for it: a newer one answers, or it has closed.
    fn is_over(&self, member: &Member, state: &PartnerState, today: Day) -> bool {
        let has_closed = member.policy().epoch(self.agreed.epoch).is_none_or(|epoch| epoch.closes < today);
        has_closed || answering(member, state, today).is_ok_and(|answers| answers > self.agreed.epoch)
    }

    /// The organisations that the policy lets be told of it too, beside those that were agreed to.
    fn more(&self, member: &Member) -> Vec<Slug> {
        let Ok(own) = member.entry() else { return Vec::new() };
        self.agreed.lacks(&Agreement::under(member.policy(), &own.organisation, self.agreed.epoch))
    }
}

/// Without the address.
impl std::fmt::Debug for PutForwardRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PutForwardRow(since {}, ..)", self.since)
    }
}
