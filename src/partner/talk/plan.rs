//! What the day's message puts forward, in which epoch, and the message itself.

use std::collections::BTreeSet;

use super::super::ask::question_epoch;
use super::super::deliver::is_delivered_today;
use super::super::error::PartnerError;
use super::super::flags::Holds;
use super::super::member::Member;
use super::super::state::PartnerState;
use super::agreement::may_be_told;
use super::record::{SentRow, SentRows};
use super::state::{OwnRow, SentMessage};
use crate::address::AddressKey;
use crate::day::Day;
use crate::message::{MAX_ROWS, PutForward};
use crate::pseudonym::Pseudonym;
use crate::secret::{SealKey, UnsealingKey};
use crate::talk::{Row, RowCode, RowKey, RowScope, Subject};

/// The most days from the day of a message to the last one of its rows.
pub(super) const LONGEST_ROW: u16 = 14;

/// A message that puts forward, before it has its number.
pub(super) struct Planned {
    pub(super) epoch: u32,
    pub(super) last_day: Day,
    /// Whom codes are for, ascending, with the keys that they are made with.
    receivers: Vec<(u16, SealKey)>,
    /// Ascending by address.
    rows: Vec<PlannedRow>,
}

/// A row of it.
struct PlannedRow {
    address: AddressKey,
    pseudonym: Pseudonym,
    /// The receivers that it has no code for; ascending.
    without: Vec<u16>,
}

/// What the day's message puts forward.
pub(super) fn plan(
    member: &Member,
    state: &PartnerState,
    own: Option<&UnsealingKey>,
    epoch: u32,
    today: Day,
) -> Result<Planned, PartnerError> {
    let mut receivers = if own.is_some() { receivers(member, epoch, today) } else { Vec::new() };
    let rows = if receivers.is_empty() { Vec::new() } else { rows(member, state, &receivers, epoch, today)? };
    receivers.retain(|(number, _)| rows.iter().any(|row| !row.without.contains(number)));
    let is_receiver = |number: &u16| receivers.iter().any(|(receiver, _)| receiver == number);
    let rows = rows
        .into_iter()
        .map(|row| PlannedRow { without: row.without.into_iter().filter(is_receiver).collect(), ..row });
    let rows = rows.collect();
    let closes = member.policy().epoch(epoch).map_or(today, |epoch| epoch.closes);
    Ok(Planned { epoch, last_day: today.plus(LONGEST_ROW).min(closes), receivers, rows })
}

/// Whether the broker waits for a full set in an epoch: until that has come it rejects what puts forward, whatever it
/// says.
pub(super) fn waits_for_full_set(state: &PartnerState, epoch: u32) -> bool {
    state.epoch(epoch).is_some_and(|epoch| epoch.undelivered.holds != Holds::AsTold)
}

/// Whether the day's message would lack a row for want of its flag, of which a delivery of the same day tells the
/// broker. What was taken back waits for no delivery.
pub(super) fn waits_for_delivery(member: &Member, state: &PartnerState, epoch: u32, today: Day) -> bool {
    let is_said = answering(member, state, today).is_ok_and(|answers| answers == epoch);
    if !is_said || is_taken_back_in(state, epoch, &[], today) {
        return false;
    }
    let held = state.epoch(epoch).filter(|epoch| epoch.delivered).map(|epoch| &epoch.undelivered);
    let is_held = |address: &AddressKey| held.is_some_and(|held| held.is_held(&state.flags, address));
    let rows = state.after_hit.rows.iter().filter(|row| row.agreed.epoch == epoch).map(|row| row.address);
    let missing: Vec<AddressKey> = rows.filter(|address| !is_held(address)).collect();
    !missing.is_empty() && is_delivered_today(member, state, epoch, &missing, today)
}

/// The epoch of the next message that puts forward: the one in which the partner puts forward, or first another open
/// one in which a row may stand that somebody took back since.
pub(super) fn epoch_to_tell(member: &Member, state: &PartnerState, today: Day) -> Result<u32, PartnerError> {
    let answers = answering(member, state, today)?;
    Ok(others_to_tell(member, state, answers, &[], today).next().unwrap_or(answers))
}

/// The open epochs but the one that answers in which a row may stand that somebody took back since, oldest first: each
/// takes a day's message. One in which nobody would take what this partner signs is passed over: its rows end by
/// themselves.
fn others_to_tell<'a>(
    member: &'a Member,
    state: &'a PartnerState,
    answers: u32,
    back: &'a [AddressKey],
    today: Day,
) -> impl Iterator<Item = u32> + use<'a> {
    let others = member.epochs_without_secret(today).unwrap_or_default().into_iter().rev();
    let is_certified = move |epoch: u32| member.refuse_uncertified(epoch, today).is_ok();
    others
        .filter(move |other| *other != answers && is_taken_back_in(state, *other, back, today) && is_certified(*other))
}

/// Whether a row may stand in an epoch that somebody took back since, or of an address in `back`.
fn is_taken_back_in(state: &PartnerState, epoch: u32, back: &[AddressKey], today: Day) -> bool {
    let is_back = |address: &AddressKey| !state.after_hit.has_row(address) || back.contains(address);
    may_stand(state, epoch, today).any(|sent| sent.said.rows.iter().any(|row| is_back(&row.address)))
}

/// How many days after `today` the day's message is that says what is put forward, and the one by which all is said
/// that was taken back, or would be where `back` is too. `today` is the day of the first message that is not made yet.
pub(super) fn days_to_tell(member: &Member, state: &PartnerState, back: &[AddressKey], today: Day) -> (u16, u16) {
    let Ok(answers) = answering(member, state, today) else { return (0, 0) };
    let others = u16::try_from(others_to_tell(member, state, answers, back, today).count()).unwrap_or(u16::MAX);
    let back = if is_taken_back_in(state, answers, back, today) { others } else { others.saturating_sub(1) };
    (others, back)
}

/// The epoch in which a partner puts forward: the one in which it would ask.
pub(super) fn answering(member: &Member, state: &PartnerState, today: Day) -> Result<u32, PartnerError> {
    question_epoch(member, state, today)
}

/// Whom codes are for: those of other organisations that this partner may be introduced to, and whose certificate is
/// here.
fn receivers(member: &Member, epoch: u32, today: Day) -> Vec<(u16, SealKey)> {
    let policy = member.policy();
    let Ok(own) = member.entry() else { return Vec::new() };
    let others = may_be_told(policy, &own.organisation, epoch);
    others.filter_map(|other| Some((other.number, member.seal_key(other.number, epoch, today)?))).collect()
}

/// What is put forward in an epoch of what the broker holds, as far as the budgets reach, ascending by address. A row
/// goes in the epoch in which somebody agreed to it alone, and to those receivers alone that were agreed to. What the
/// broker has already comes first, and costs none of the day's budget.
fn rows(
    member: &Member,
    state: &PartnerState,
    receivers: &[(u16, SealKey)],
    epoch: u32,
    today: Day,
) -> Result<Vec<PlannedRow>, PartnerError> {
    let Some(held) = state.epoch(epoch).filter(|epoch| epoch.delivered) else { return Ok(Vec::new()) };
    if answering(member, state, today)? != epoch {
        return Ok(Vec::new());
    }
    let known = &state.after_hit;
    let standing = newest_kept(&known.sent, epoch).filter(|sent| sent.said.last_day >= today);
    let standing: BTreeSet<_> = standing.iter().flat_map(|sent| &sent.said.rows).map(|row| row.address).collect();
    let policy = member.policy();
    let is_told = |row: &OwnRow, number: u16| policy.partner(number).is_some_and(|other| row.agreed.allows(other));
    let without = |row: &OwnRow| {
        let others = receivers.iter().map(|(number, _)| *number);
        others.filter(|number| !is_told(row, *number)).collect::<Vec<u16>>()
    };
    let goes = |row: &&OwnRow| {
        row.agreed.epoch == epoch
            && held.undelivered.is_held(&state.flags, &row.address)
            && without(row).len() < receivers.len()
    };
    let wanted = known.rows.iter().filter(goes);
    let (mut rows, new): (Vec<_>, Vec<_>) = wanted.partition(|row| standing.contains(&row.address));
    let meet = member.meet()?;
    let room = meet.new_a_day.min(known.room_in(epoch)) as usize;
    // What stands goes on standing where a policy lowered the budget.
    rows.extend(new.into_iter().take(room.min((meet.held as usize).saturating_sub(rows.len()))));
    rows.truncate(MAX_ROWS);
    rows.sort_unstable_by_key(|row| row.address);
    // One whose pseudonym a source has yet to make waits for that.
    let made = rows.into_iter().map(|row| {
        let made = member.pseudonyms(state, epoch, today, &[row.address], &mut Vec::new())?;
        let made = made.and_then(|made| made.first().copied());
        Ok(made.map(|pseudonym| PlannedRow { address: row.address, pseudonym, without: without(row) }))
    });
    made.filter_map(Result::transpose).collect()
}

/// The newest message of an epoch that the broker keeps.
pub(super) fn newest_kept(sent: &[SentMessage], epoch: u32) -> Option<&SentMessage> {
    sent.iter().rev().find(|sent| sent.said.epoch == epoch && sent.kept().is_some())
}

/// The messages of an epoch whose rows the broker may hold: the newest that it kept, as far as it was not restored
/// since, and all after that, whatever it replied. One in flight comes again until there is a reply, and so counts as
/// kept.
fn may_stand(state: &PartnerState, epoch: u32, today: Day) -> impl Iterator<Item = &SentMessage> {
    let restored = state.own_lines.restored;
    let in_flight = state.talk.as_ref().map(|message| message.head.sequence);
    let is_settled = move |sent: &SentMessage| {
        in_flight == Some(sent.said.number) || sent.kept().is_some_and(|kept| kept.restored == restored)
    };
    let mut is_before = false;
    let of_epoch = state.after_hit.sent.iter().rev().filter(move |sent| sent.said.epoch == epoch);
    let newest = of_epoch.take_while(move |sent| !std::mem::replace(&mut is_before, is_settled(sent)));
    newest.filter(move |sent| sent.said.last_day >= today && !sent.said.rows.is_empty())
}

impl Planned {
    /// What the journal has of it, once it has its number.
    pub(super) fn said(&self, member: &Member, number: u64) -> SentRows {
        let receivers: Vec<u16> = self.receivers.iter().map(|(number, _)| *number).collect();
        let coordinator = member.policy().coordinating_partner().map(|entry| entry.number);
        SentRows {
            epoch: self.epoch,
            number,
            last_day: self.last_day,
            policy: member.policy.digest(),
            coordinator: coordinator.filter(|number| receivers.contains(number)),
            receivers,
            rows: self.rows.iter().map(PlannedRow::sent).collect(),
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
            (*receiver, key, policy.partner(*receiver).is_some_and(|entry| entry.may.coordinate))
        };
        let keys: Vec<_> = self.receivers.iter().map(key_for).collect();
        let code = |said: &PlannedRow, (receiver, key, coordinates): &(u16, Option<RowKey>, bool)| match (
            key.as_ref().filter(|_| !said.without.contains(receiver)),
            coordinates,
        ) {
            (Some(key), true) => key.code_for_coordinator(&row, &Subject::of(&said.pseudonym)),
            (Some(key), false) => key.code(&row, &said.pseudonym),
            (None, _) => RowCode::NONE,
        };
        let codes = |said: &PlannedRow| keys.iter().map(|key| code(said, key)).collect();
        let rows = self.rows.iter().map(|said| (said.pseudonym, codes(said))).collect();
        let receivers = self.receivers.iter().map(|(number, _)| *number).collect();
        PutForward::new(self.last_day, receivers, rows)
    }
}

impl PlannedRow {
    /// What the journal has of it.
    fn sent(&self) -> SentRow {
        let PlannedRow { address, pseudonym, without } = self;
        SentRow { address: *address, subject: Subject::of(pseudonym), without: without.clone() }
    }
}
