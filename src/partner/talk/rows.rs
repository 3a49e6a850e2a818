//! Putting own flags forward, and the message that says all that is.

use std::collections::BTreeSet;

use super::super::ask::question_epoch;
use super::super::error::PartnerError;
use super::super::flags::Holds;
use super::super::given::{Given, Taken};
use super::super::member::Member;
use super::super::record::JournalEvent;
use super::super::state::PartnerState;
use super::super::{Case, Partner};
use super::record::{SentRows, TalkEvent};
use super::state::SentMessage;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::message::{MAX_ROWS, PutForward};
use crate::pseudonym::Pseudonym;
use crate::secret::{SealKey, UnsealingKey};
use crate::talk::{Row, RowCode, RowKey, RowScope, Subject};

/// The most days from the day of a message to the last one of its rows.
const LONGEST_ROW: u16 = 14;

/// An own flag that somebody put forward.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutForwardRow {
    /// The address.
    pub address: AddressKey,
    /// The day on which it was put forward.
    pub since: Day,
    /// The last day on which it stands at the broker, as far as is known; each day's message moves it on. `None` where
    /// the broker does not have it yet: because it has no flag there yet, because no certificate of anybody is here
    /// that it could be introduced to, or because the budget of new rows is spent.
    pub stands_until: Option<Day>,
}

/// A message that puts forward, before it has its number.
pub(super) struct Planned {
    pub(super) epoch: u32,
    pub(super) last_day: Day,
    /// Whom codes are for, ascending, with the keys that they are made with.
    receivers: Vec<(u16, SealKey)>,
    /// Ascending by address.
    rows: Vec<(AddressKey, Pseudonym)>,
}

impl Partner {
    /// Puts own flags forward: whoever flags the same, and puts it forward too, is told that this partner does, and the
    /// other way round, directly or by the coordinator, as the policy says. It lasts until it is taken back, or its
    /// flag ends; [`Partner::talk`] tells the broker, and tells it again on each day. How many were not put forward
    /// yet.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NotPermitted`] where the policy has no `[meet]`, or this partner may not flag;
    /// [`PartnerError::Level`]; [`PartnerError::NoFlag`] where one of them is not flagged;
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn put_forward<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = impl Into<Given<'a>>>,
        by: &Case,
        now: Timestamp,
    ) -> Result<usize, PartnerError> {
        self.member.permit(|may| may.flag, "flag, and so put nothing forward")?;
        self.member.meet()?;
        let mut addresses = Taken::of(addresses).keys;
        self.member.refuse_uncounted(&addresses, "the policy does not count house numbers: put homes forward")?;
        let mut transaction = self.data.begin(now)?;
        let state = transaction.view();
        let missing = addresses.iter().filter(|address| !state.flags.covers(address)).count();
        if missing > 0 {
            return Err(PartnerError::NoFlag { missing });
        }
        addresses.retain(|address| !state.after_hit.has_row(address));
        addresses.sort_unstable();
        addresses.dedup();
        let count = addresses.len();
        if count > 0 {
            transaction.record(Some(by), JournalEvent::Talk(TalkEvent::PutForward { addresses }))?;
        }
        transaction.keep();
        Ok(count)
    }

    /// Takes back what was put forward; what is not, is passed over. Whoever was introduced stays introduced
    /// ([`Partner::leave`]). How many were.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn take_back<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = impl Into<Given<'a>>>,
        by: &Case,
        now: Timestamp,
    ) -> Result<usize, PartnerError> {
        let mut addresses = Taken::of(addresses).keys;
        let mut transaction = self.data.begin(now)?;
        addresses.retain(|address| transaction.view().after_hit.has_row(address));
        addresses.sort_unstable();
        addresses.dedup();
        let count = addresses.len();
        if count > 0 {
            transaction.record(Some(by), JournalEvent::Talk(TalkEvent::TookBack { addresses }))?;
        }
        transaction.keep();
        Ok(count)
    }

    /// What is put forward, in the order in which it was.
    pub fn put_forward_rows(&self) -> impl Iterator<Item = PutForwardRow> {
        let known = &self.data.state().after_hit;
        let newest = known.sent.iter().rev().find(|sent| sent.kept.is_some());
        known.rows.iter().map(move |row| {
            let standing = newest.filter(|sent| sent.said.says(&row.address));
            let stands_until = standing.map(|sent| sent.said.last_day);
            PutForwardRow { address: row.address, since: row.since, stands_until }
        })
    }
}

/// The message that says what is put forward, where there is one to send: what is has changed, or the day has.
pub(super) fn plan(
    member: &Member,
    state: &PartnerState,
    own: Option<&UnsealingKey>,
    epoch: u32,
    today: Day,
) -> Result<Option<Planned>, PartnerError> {
    let held = state.epoch(epoch).map(|epoch| &epoch.undelivered);
    if !state.after_hit.rows.is_empty() && held.is_some_and(|held| held.holds != Holds::AsTold) {
        // The broker waits for a full set. Without its flags no row would be kept, and none is to be taken back.
        return Ok(None);
    }
    let receivers = if own.is_some() { receivers(member, epoch, today) } else { Vec::new() };
    let rows = if receivers.is_empty() { Vec::new() } else { rows(member, state, epoch, today)? };
    let closes = member.policy().epoch(epoch).map_or(today, |epoch| epoch.closes);
    let planned = Planned { epoch, last_day: today.plus(LONGEST_ROW).min(closes), receivers, rows };
    Ok(planned.is_due(member, state, today).then_some(planned))
}

/// The epoch in which a partner puts forward: the one in which it would ask.
pub(super) fn epoch(member: &Member, state: &PartnerState, today: Day) -> Result<u32, PartnerError> {
    question_epoch(member, state, today)
}

/// Whom codes are for: those of other organisations that this partner may be introduced to, and whose certificate is
/// here.
fn receivers(member: &Member, epoch: u32, today: Day) -> Vec<(u16, SealKey)> {
    let policy = member.policy();
    let Ok(own) = member.entry() else { return Vec::new() };
    let others = policy.partners.iter().filter(|other| {
        may_meet(member, &own.organisation, other.number, epoch) && other.organisation != own.organisation
    });
    others.filter_map(|other| Some((other.number, member.seal_key(other.number, epoch, today)?))).collect()
}

/// Whether partners of an organisation may be introduced to another partner, directly or as to the coordinator.
pub(super) fn may_meet(member: &Member, organisation: &crate::slug::Slug, other: u16, epoch: u32) -> bool {
    let policy = member.policy();
    match policy.partner(other) {
        Some(entry) if entry.may.coordinate => {
            policy.takes_part(&entry.organisation, epoch) && policy.meets_by_coordinator(organisation, epoch)
        }
        Some(_) => policy.flags_for(other, epoch).is_some_and(|other| policy.meet_directly(organisation, other)),
        None => false,
    }
}

/// What is put forward of what the broker holds, as far as the budgets reach, ascending by address. What the broker has
/// already comes first, and costs none of the day's budget.
fn rows(
    member: &Member,
    state: &PartnerState,
    epoch: u32,
    today: Day,
) -> Result<Vec<(AddressKey, Pseudonym)>, PartnerError> {
    let Some(held) = state.epoch(epoch).filter(|epoch| epoch.delivered) else { return Ok(Vec::new()) };
    let known = &state.after_hit;
    let newest = known.sent.iter().rev().find(|sent| sent.kept.is_some());
    let standing = newest.filter(|sent| sent.said.epoch == epoch && sent.said.last_day >= today);
    let standing: BTreeSet<_> = standing.iter().flat_map(|sent| &sent.said.rows).map(|(address, _)| *address).collect();
    let is_held = |address: &AddressKey| held.undelivered.is_held(&state.flags, address);
    let wanted = known.rows.iter().map(|row| row.address).filter(is_held);
    let (mut rows, new): (Vec<_>, Vec<_>) = wanted.partition(|address| standing.contains(address));
    let meet = member.meet()?;
    let room = meet.new_a_day.min(known.new_rows_left(today)) as usize;
    let most = MAX_ROWS.min(meet.held as usize);
    rows.extend(new.into_iter().take(room.min(most.saturating_sub(rows.len()))));
    rows.truncate(most);
    rows.sort_unstable();
    // One whose pseudonym a source has yet to make waits for that.
    let made = rows.into_iter().map(|address| {
        let made = member.pseudonyms(state, epoch, today, &[address], &mut Vec::new())?;
        Ok(made.and_then(|made| made.first().map(|pseudonym| (address, *pseudonym))))
    });
    made.filter_map(Result::transpose).collect()
}

/// Whether the broker may hold rows: of a message after which it kept none, as far as it was not restored since.
fn some_may_stand(state: &PartnerState, today: Day) -> bool {
    let is_unsettled = |sent: &&SentMessage| sent.kept.is_none_or(|kept| kept.restored != state.own_lines.restored);
    let sent = &state.after_hit.sent;
    let unsettled = sent.iter().rev().take_while(is_unsettled).count();
    // The newest that was kept counts too.
    let may_stand = sent.iter().rev().take(unsettled + 1);
    may_stand.into_iter().any(|sent| sent.said.last_day >= today && !sent.said.rows.is_empty())
}

impl Planned {
    /// Whether it says another thing than the last one that the broker kept, or is the first of its day.
    fn is_due(&self, member: &Member, state: &PartnerState, today: Day) -> bool {
        let Some(last) = state.after_hit.sent.last() else { return !self.rows.is_empty() };
        let is_said = |(address, _): &(AddressKey, Pseudonym)| last.said.says(address);
        let says_the_same = self.rows.len() == last.said.rows.len() && self.rows.iter().all(is_said);
        if self.rows.is_empty() {
            return some_may_stand(state, today);
        }
        let is_for_the_same = self.receivers.iter().map(|(number, _)| number).eq(&last.said.receivers);
        let is_kept = last.kept.is_some_and(|kept| kept.restored == state.own_lines.restored);
        let is_same = (last.said.epoch, last.said.policy, last.day) == (self.epoch, member.policy.digest(), today);
        !(says_the_same && is_for_the_same && is_kept && is_same)
    }

    /// What the journal has of it, once it has its number.
    pub(super) fn said(&self, member: &Member, number: u64) -> SentRows {
        SentRows {
            epoch: self.epoch,
            number,
            last_day: self.last_day,
            policy: member.policy.digest(),
            receivers: self.receivers.iter().map(|(number, _)| *number).collect(),
            rows: self.rows.iter().map(|(address, pseudonym)| (*address, Subject::of(pseudonym))).collect(),
        }
    }

    /// The body, with a code for each receiver in each row.
    pub(super) fn body(&self, member: &Member, own: Option<&UnsealingKey>, number: u64) -> PutForward<'static> {
        let policy = member.policy();
        let row = Row { policy: member.policy.digest(), number, last_day: self.last_day };
        let key_for = |(receiver, key): &(u16, SealKey)| {
            let (epoch, sender) = (self.epoch, member.number);
            let scope = RowScope {
                consortium: &policy.consortium,
                purpose: &policy.purpose,
                epoch,
                sender,
                receiver: *receiver,
            };
            // No certificate that holds names a key of small order.
            let key = own.and_then(|own| RowKey::new(own, key, &scope));
            (key, policy.partner(*receiver).is_some_and(|entry| entry.may.coordinate))
        };
        let keys: Vec<_> = self.receivers.iter().map(key_for).collect();
        let code = |pseudonym: &Pseudonym, (key, coordinates): &(Option<RowKey>, bool)| match (key, coordinates) {
            (Some(key), true) => key.code_for_coordinator(&row, &Subject::of(pseudonym)),
            (Some(key), false) => key.code(&row, pseudonym),
            (None, _) => RowCode::NONE,
        };
        let codes = |pseudonym: &Pseudonym| keys.iter().map(|key| code(pseudonym, key)).collect();
        let rows = self.rows.iter().map(|(_, pseudonym)| (*pseudonym, codes(pseudonym))).collect();
        let receivers = self.receivers.iter().map(|(number, _)| *number).collect();
        PutForward::new(self.last_day, receivers, rows)
    }
}

/// Without the address.
impl std::fmt::Debug for PutForwardRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PutForwardRow(since {}, ..)", self.since)
    }
}
