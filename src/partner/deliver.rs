//! State messages: telling the broker what is flagged.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::Partner;
use super::error::PartnerError;
use super::flags::{Flag, Flags, Undelivered};
use super::member::{Draft, Member, counts};
use super::record::{JournalEvent, NumberedMessage, Series};
use super::source::ASKED_AT_ONCE;
use super::state::{EpochState, PartnerState};
use crate::address::{AddressKey, Level};
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::message::{Delta, FullSet, Group, MAX_FLAGS, MAX_GROUPS, MessageError, Part, Request, Terms};
use crate::pseudonym::Pseudonym;

/// What is flagged and withdrawn in one epoch, sorted as messages need it.
struct SortedPseudonyms {
    /// Ascending by terms, then pseudonym. One allocation for all terms, so that it is freed as a whole.
    flagged: Vec<Pseudonym>,
    /// How many of `flagged` are on which terms.
    counts: BTreeMap<Terms, usize>,
    withdrawn: Vec<Pseudonym>,
}

/// An epoch in which the next delivery is a full set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FullSetDue {
    /// The epoch.
    pub epoch: u32,
    /// Whether the broker may hold flags that this folder does not know of. Then the set does not say that its
    /// shrinking is meant, and the broker refuses it with `shrink` if it lacks many of them, until
    /// [`Partner::replace_all`] says so with `allow_shrink`.
    pub unknown_flags: bool,
}

/// What is to be said in one epoch, and what waits.
struct EpochUpdate {
    epoch: u32,
    content: Content,
    /// What the broker will not have been told once it accepts all of it.
    once_accepted: Undelivered,
}

/// What is to be said.
enum Content {
    Delta { rows: SortedPseudonyms },
    FullSet { shrink: bool, rows: SortedPseudonyms },
    Confirm,
}

impl Partner {
    /// The messages that bring the broker up to date, in the order in which it must get them; none where it is.
    ///
    /// First the flags that have more days than the policy allows, because an earlier one allowed more, are shortened:
    /// the broker would refuse a full set with one of them. The journal has it, by nobody, and
    /// [`Partner::take_shortened`] says how many.
    ///
    /// What was withdrawn goes first, as a delta of its own in each epoch, the oldest first: the broker takes it also
    /// while its clock is in doubt. All else that changed since the last delivery goes as one delta. An epoch's first
    /// message is a full set, as is the one after a loss or a gap; a large one comes in parts. While epochs overlap,
    /// the newest comes first, and those in which the partner has delivered are kept up to date. Where there is nothing
    /// to say, but a message was given up or lost that the broker may have accepted, a confirm asks for the gap that
    /// tells. What is new beyond the policy's budgets waits for a later day, those flagged last: see
    /// [`Partner::undelivered`]. Each message names the one before it as accepted, so that all can be sent at once. As
    /// long as one of them is in flight, those in flight come again, byte for byte. They are given up where the broker
    /// said that it cannot take one now, and there is something to withdraw that is not in them.
    ///
    /// # Errors
    ///
    /// [`PartnerError::PseudonymsPending`] where nothing can be delivered until a source was asked: see
    /// [`Partner::source_requests`]; [`PartnerError::NotPermitted`]; [`PartnerError::NoEpoch`], also where there is
    /// nothing else to deliver and the secret of an epoch is missing in which it has delivered: see
    /// [`Partner::unreached_epochs`];
    /// [`SystemError::Io`](crate::SystemError::Io), and whatever the source of pseudonyms gives.
    pub fn deliver(&mut self, now: Timestamp) -> Result<Vec<Vec<u8>>, PartnerError> {
        self.state_messages(now, false)
    }

    /// As [`Partner::deliver`]; where an epoch has nothing to deliver, the message that nothing changed, by which
    /// silence differs from no change.
    ///
    /// # Errors
    ///
    /// As [`Partner::deliver`].
    pub fn confirm(&mut self, now: Timestamp) -> Result<Vec<Vec<u8>>, PartnerError> {
        self.state_messages(now, true)
    }

    /// How many of its flags no message has told the broker yet, in the newest epoch in which it delivers: those since
    /// the last delivery, and those that wait because of the policy's budgets. They go with the next deliveries, as
    /// many as the budgets take. Those of house numbers alone are not among them where the policy does not count house
    /// numbers.
    pub fn undelivered(&self) -> usize {
        let state = self.data.state();
        let newest = state.epochs.iter().filter(|epoch| epoch.has_begun()).max_by_key(|epoch| epoch.number);
        let house_numbers = self.member.counts_house_numbers();
        newest.map_or(state.flags.deliverable(house_numbers), |epoch| {
            epoch.latest_undelivered().lacks(&state.flags, house_numbers)
        })
    }

    /// How many flags would wait for a later day because of the policy's budgets, in the newest epoch, were these
    /// addresses flagged today as well: those flagged last wait. What the broker has told of its budgets counts, and
    /// what it will take of a message in flight does not yet.
    ///
    /// # Errors
    ///
    /// [`PartnerError::NoEpoch`].
    pub fn would_wait(
        &self,
        addresses: impl IntoIterator<Item = AddressKey>,
        today: Day,
    ) -> Result<usize, PartnerError> {
        let (newest, _) = self.member.open_epochs(today)?;
        Ok(would_wait(&self.member, self.data.state(), newest, addresses.into_iter().collect(), today))
    }

    /// The open epochs in which the partner has delivered and whose secret is not here: what it withdraws goes on
    /// counting there until the secret is added.
    pub fn unreached_epochs(&self, today: Day) -> Vec<u32> {
        unreached_epochs(&self.member, self.data.state(), today).collect()
    }

    /// The epochs, newest first, in which the next delivery is a full set, also where [`Partner::undelivered`] is 0:
    /// the first one, and the one after a gap, a loss or a set that the broker refused. One in flight is not due.
    pub fn full_sets_due(&self, today: Day) -> Vec<FullSetDue> {
        if self.member.permit(|may| may.flag, "flag").is_err() {
            return Vec::new();
        }
        // Where no epoch is open nothing is delivered.
        let Ok(epochs) = delivering_epochs(&self.member, self.data.state(), today) else { return Vec::new() };
        epochs.into_iter().filter_map(|epoch| full_set_due(&self.member, self.data.state(), epoch)).collect()
    }

    /// No longer waits for the reply to a message in flight, named by its digest; nor for the state messages that
    /// follow it. Their numbers are spent, and what they said is still to be said.
    ///
    /// # Errors
    ///
    /// [`PartnerError::UnexpectedReply`] where no such message is in flight;
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn give_up(&mut self, digest: Digest, now: Timestamp) -> Result<(), PartnerError> {
        self.data.refresh()?;
        let message = self.in_flight().find(|message| message.digest == digest);
        let message =
            message.ok_or(PartnerError::UnexpectedReply { finding: "no message with that digest is in flight" })?;
        let event = JournalEvent::GaveUp { series: Series::of(message.kind), number: message.number };
        let mut transaction = self.data.begin(now)?;
        transaction.record(None, event)?;
        transaction.commit()
    }

    fn state_messages(&mut self, now: Timestamp, confirm: bool) -> Result<Vec<Vec<u8>>, PartnerError> {
        self.member.permit(|may| may.flag, "flag")?;
        let now = self.data.follow(self.member.policy(), now)?;
        let state = self.data.state();
        let first = state.chain.first().filter(|_| state.holds_up_withdrawals());
        if let Some(digest) = first.map(|message| message.head.digest) {
            self.give_up(digest, now)?;
        }
        if self.data.state().chain.is_empty() {
            self.shorten(now)?;
            self.make_state_messages(now, confirm)?;
        }
        Ok(self.data.state().chain.iter().map(|message| message.bytes.clone()).collect())
    }

    /// Makes the messages that there are to make, and puts them on disk.
    fn make_state_messages(&mut self, now: Timestamp, confirm: bool) -> Result<(), PartnerError> {
        let member = &self.member;
        let mut transaction = self.data.begin(now)?;
        let now = transaction.now();
        let today = now.day();
        let Plan { updates, missing } = plan(member, transaction.view(), today, confirm)?;
        let first = transaction.view().state_used.saturating_add(1 + self.left_out);
        let messages = numbered(&updates, first)?;
        if messages.is_empty() {
            let unreached = unreached_epochs(member, transaction.view(), today).next();
            drop(transaction);
            if unreached.is_some() {
                let finding = "the secret is missing of an open epoch in which this partner has delivered: what is \
                               withdrawn still counts there; add it";
                return Err(PartnerError::NoEpoch { day: today, finding });
            }
            return self.wait_for_pseudonyms(missing, today, None);
        }
        // Before the journal has the numbers, so that a call that is refused uses up none.
        updates.iter().try_for_each(|update| member.refuse_uncertified(update.epoch, today))?;
        member.ask_sources(transaction.state(), missing, today, None)?;
        // First the journal has the numbers, so that no other messages get them, whatever happens from here on.
        let waiting = waiting(&updates, &transaction.view().flags);
        transaction.record(None, JournalEvent::Delivering { messages, waiting })?;
        let head = transaction.head();
        let state = transaction.state();
        let mut previous = state.accepted;
        // Each update is dropped once its messages are made: its pseudonyms take as much memory as they do.
        for EpochUpdate { epoch, content, once_accepted } in updates {
            let mut is_settled = false;
            let mut flagged_before = 0;
            for request in &content.requests()? {
                let sequence = first.saturating_add(state.chain.len() as u64);
                let draft = Draft { epoch, sequence, previous, flagged_before, request };
                let message = member.sign(state, head, &draft, now)?;
                flagged_before = message.head.flagged;
                is_settled = message.settles;
                state.chain.push(message);
                previous = sequence;
            }
            if is_settled {
                state.epoch_mut(epoch).once_accepted.push(once_accepted);
            }
        }
        transaction.commit()?;
        self.left_out = 0;
        Ok(())
    }
}

/// The numbers of the messages that say these updates, from `first` on.
fn numbered(updates: &[EpochUpdate], first: u64) -> Result<Vec<NumberedMessage>, PartnerError> {
    let mut messages = Vec::new();
    for EpochUpdate { epoch, content, .. } in updates {
        for request in content.requests()? {
            let (kind, number) = (request.kind(), first.saturating_add(messages.len() as u64));
            let (_, flagged, withdrawn) = counts(&request);
            messages.push(NumberedMessage { epoch: *epoch, kind, number, pseudonyms: flagged + withdrawn });
        }
    }
    Ok(messages)
}

/// The flags that the broker lacks in each of these epochs also once it has accepted these updates. Ascending.
fn waiting(updates: &[EpochUpdate], flags: &Flags) -> Vec<AddressKey> {
    let mut lacking: Option<Vec<AddressKey>> = None;
    let mut seen = Vec::new();
    // Of two updates of an epoch, the later says what it lacks then.
    for EpochUpdate { epoch, once_accepted, .. } in updates.iter().rev() {
        if seen.contains(epoch) {
            continue;
        }
        seen.push(*epoch);
        let still = |address: &AddressKey| once_accepted.lacks_flag(flags, address);
        lacking = Some(match lacking {
            Some(others) => others.into_iter().filter(still).collect(),
            None => once_accepted.changed.iter().map(|changed| changed.address).filter(still).collect(),
        });
    }
    lacking.unwrap_or_default()
}

/// What there is to deliver.
struct Plan {
    /// What is withdrawn first, oldest epoch first; then all else, newest epoch first.
    updates: Vec<EpochUpdate>,
    /// By epoch, the addresses whose pseudonyms a source has to be asked for; what needs them is not in `updates`.
    missing: Vec<(u32, Vec<AddressKey>)>,
}

/// Decides what there is to deliver, one epoch after another.
struct Planner<'a> {
    member: &'a Member,
    state: &'a PartnerState,
    today: Day,
    /// What is left of the day's budget of new flags.
    new_flags: u32,
    /// The addresses of this epoch whose pseudonyms a source has to be asked for.
    missing: Vec<AddressKey>,
}

/// The epochs in which the partner delivers, newest first: the newest, and those in which it has delivered.
fn delivering_epochs(member: &Member, state: &PartnerState, today: Day) -> Result<Vec<u32>, PartnerError> {
    let (newest, mut epochs) = member.open_epochs(today)?;
    epochs.retain(|number| state.epoch(*number).is_some_and(|epoch| epoch.delivered));
    epochs.insert(0, newest);
    Ok(epochs)
}

/// The open epochs in which the partner has delivered, and can say no more.
fn unreached_epochs(member: &Member, state: &PartnerState, today: Day) -> impl Iterator<Item = u32> {
    let delivered = state.epochs.iter().filter(|epoch| epoch.delivered);
    delivered.map(|epoch| epoch.number).filter(move |number| member.lacks_secret(*number, today))
}

/// Whether the next delivery in an epoch is a full set, once the broker accepts all that is in flight.
fn full_set_due(member: &Member, state: &PartnerState, number: u32) -> Option<FullSetDue> {
    let begun = state.epoch(number).filter(|epoch| epoch.has_begun()).map(EpochState::latest_undelivered);
    let unknown_flags = match begun {
        None => may_hold_unknown(member, state, number),
        Some(undelivered) if undelivered.full_set => undelivered.unknown_flags,
        Some(_) => return None,
    };
    Some(FullSetDue { epoch: number, unknown_flags })
}

/// Whether the broker may hold flags that this folder does not know of, in an epoch in which it has delivered nothing.
fn may_hold_unknown(member: &Member, state: &PartnerState, epoch: u32) -> bool {
    let opens = member.policy().epoch(epoch).map(|epoch| epoch.opens);
    state.unknown_since.is_some_and(|day| opens.is_none_or(|opens| opens <= day))
}

/// Decides what there is to deliver. `confirm` asks for a message also where nothing changed.
fn plan(member: &Member, state: &PartnerState, today: Day, confirm: bool) -> Result<Plan, PartnerError> {
    // The reply to any later message tells what became of one that was lost, so one is sent although nothing changed.
    let confirm = confirm || state.may_have_lost_accepted();
    let epochs = delivering_epochs(member, state, today)?;
    let new_flags = state.new_flags.left(today).min(member.policy().budgets.new_flags_a_day);
    let mut planner = Planner { member, state, today, new_flags, missing: Vec::new() };
    let mut plan = Plan { updates: Vec::new(), missing: Vec::new() };
    for epoch in epochs {
        let [withdrawals, update] = planner.updates(epoch, confirm)?;
        plan.updates.extend(update);
        withdrawals.into_iter().for_each(|withdrawals| plan.updates.insert(0, withdrawals));
        let missing = std::mem::take(&mut planner.missing);
        if !missing.is_empty() {
            plan.missing.push((epoch, missing));
        }
    }
    Ok(plan)
}

/// Whether a message tells the broker of the flag on one of some addresses: one in flight, or one that is made when
/// [`Partner::deliver`] is called on that day.
pub(super) fn is_delivered_today(
    member: &Member,
    state: &PartnerState,
    epoch: u32,
    addresses: &[AddressKey],
    today: Day,
) -> bool {
    let tells = |then: &Undelivered| addresses.iter().any(|address| then.is_held(&state.flags, address));
    if state.epoch(epoch).is_some_and(|epoch| epoch.once_accepted.iter().any(tells)) {
        return true;
    }
    let updates = plan(member, state, today, false).map(|plan| plan.updates).unwrap_or_default();
    updates.iter().any(|update| update.epoch == epoch && tells(&update.once_accepted))
}

/// How many flags would wait for a later day in an epoch, were these addresses flagged as well.
fn would_wait(member: &Member, state: &PartnerState, epoch: u32, addresses: BTreeSet<AddressKey>, today: Day) -> usize {
    let mut flags = state.flags.clone();
    let mut changed = Vec::new();
    let new = |address| Flag { address, first_day: today, last_day: today, renewal: None };
    let added: Vec<_> = addresses.into_iter().filter(|address| flags.get(address).is_none()).collect();
    flags.set(added.into_iter().map(|address| (address, Some(new(address)))), |one| changed.push(one));
    let budgets = &member.policy().budgets;
    let Some(undelivered) = state.epoch(epoch).filter(|epoch| epoch.has_begun()).map(EpochState::latest_undelivered)
    else {
        // The first full set of an epoch has a budget of its own, beside the day's.
        let most = budgets.first_set_flags.saturating_add(budgets.new_flags_a_day).min(budgets.flags_held);
        let all = Undelivered::lacking(flags.rows().iter().map(|flag| flag.address));
        return flags.waiting(&all, member.counts_house_numbers(), most as usize).len();
    };
    let mut undelivered = undelivered.clone();
    undelivered.note(&changed, &flags);
    let new_flags = state.new_flags.left(today).min(budgets.new_flags_a_day);
    let planner = Planner { member, state, today, new_flags, missing: Vec::new() };
    planner.waiting(&flags, epoch, Some(&undelivered)).len()
}

impl Planner<'_> {
    /// What there is to say in an epoch: what is withdrawn, and all else.
    fn updates(&mut self, epoch: u32, confirm: bool) -> Result<[Option<EpochUpdate>; 2], PartnerError> {
        let state = self.state;
        let undelivered = state.epoch(epoch).filter(|epoch| epoch.delivered).map(|epoch| &epoch.undelivered);
        let withdrawals = undelivered.map(|undelivered| self.withdrawals(epoch, undelivered)).transpose()?.flatten();
        let undelivered = withdrawals.as_ref().map(|withdrawals| &withdrawals.once_accepted).or(undelivered);
        let update = self.update(epoch, undelivered, confirm && withdrawals.is_none())?;
        Ok([withdrawals, update])
    }

    /// What is withdrawn in an epoch in which the partner has delivered, as far as its pseudonyms are there.
    fn withdrawals(&mut self, epoch: u32, undelivered: &Undelivered) -> Result<Option<EpochUpdate>, PartnerError> {
        let (flags, house_numbers) = (&self.state.flags, self.member.counts_house_numbers());
        let withdrawn = flags.update(undelivered, house_numbers).withdrawn;
        // More than a delta holds only a full set withdraws.
        if withdrawn.is_empty() || withdrawn.len() > MAX_FLAGS {
            return Ok(None);
        }
        let content = self.rows(epoch, std::iter::empty(), &withdrawn)?.map(|rows| Content::Delta { rows });
        let once_accepted = undelivered.after_withdrawals(flags, house_numbers);
        Ok(content.map(|content| EpochUpdate { epoch, content, once_accepted }))
    }

    /// All else that there is to say in an epoch, of what is `undelivered` there; `None` where nothing was delivered.
    fn update(
        &mut self,
        epoch: u32,
        undelivered: Option<&Undelivered>,
        confirm: bool,
    ) -> Result<Option<EpochUpdate>, PartnerError> {
        let state = self.state;
        let mut waiting = self.waiting(&state.flags, epoch, undelivered);
        // A withdrawal does not wait for the pseudonyms of new flags; a full set is made of all of them, or not at all.
        if let Some(undelivered) = undelivered.filter(|undelivered| !undelivered.full_set) {
            waiting.extend(self.waiting_for_pseudonyms(epoch, undelivered)?);
            waiting.sort_unstable();
            waiting.dedup();
        }
        let flags =
            if waiting.is_empty() { Cow::Borrowed(&state.flags) } else { Cow::Owned(state.flags.without(&waiting)) };
        let content = match undelivered {
            None => self.full_set(&flags, epoch, !may_hold_unknown(self.member, self.state, epoch))?,
            Some(undelivered) => self.changes(&flags, undelivered, epoch, confirm)?,
        };
        let once_accepted = Undelivered::lacking(waiting.into_iter());
        Ok(content.map(|content| EpochUpdate { epoch, content, once_accepted }))
    }

    /// What there is to say in an epoch in which the partner has delivered.
    fn changes(
        &mut self,
        flags: &Flags,
        undelivered: &Undelivered,
        epoch: u32,
        confirm: bool,
    ) -> Result<Option<Content>, PartnerError> {
        let update = flags.update(undelivered, self.member.counts_house_numbers());
        self.new_flags = self.new_flags.saturating_sub(u32::try_from(update.added).unwrap_or(u32::MAX));
        if undelivered.full_set {
            return self.full_set(flags, epoch, !undelivered.unknown_flags);
        }
        if update.len() == 0 {
            return Ok(confirm.then_some(Content::Confirm));
        }
        if update.len() <= MAX_FLAGS {
            let rows = self.rows(epoch, update.flagged.iter().copied(), &update.withdrawn)?;
            let Some(rows) = rows else { return Ok(None) };
            if rows.counts.len() <= MAX_GROUPS {
                return Ok(Some(Content::Delta { rows }));
            }
        }
        // More than fits into one delta.
        self.full_set(flags, epoch, true)
    }

    /// Those of `flags` that wait for a later day, ascending: of those that are undelivered, or of all where nothing
    /// was delivered or the broker took no full set of all. With them the message would exceed the organisation's
    /// budgets, and the broker would refuse it whole, with the withdrawals in it.
    fn waiting(&self, flags: &Flags, epoch: u32, undelivered: Option<&Undelivered>) -> Vec<AddressKey> {
        let house_numbers = self.member.counts_house_numbers();
        let most = self.member.policy().budgets.flags_held as usize;
        let full_set = self.state.epoch(epoch).map_or(u32::MAX, |epoch| epoch.full_set.left(self.today)) as usize;
        let is_full_set = undelivered.is_none_or(|undelivered| undelivered.full_set);
        let held = if is_full_set { most.min(full_set) } else { most };
        // How much of an epoch's first full set is free of the day's budget, the broker knows.
        let new_flags = undelivered.map_or(usize::MAX, |_| self.new_flags as usize);
        let levels = 1 + usize::from(house_numbers);
        let lacks = undelivered.map_or(0, |undelivered| undelivered.lacks(flags, house_numbers));
        let at_most = (lacks * levels, flags.len() * levels);
        if at_most.0 <= new_flags && at_most.1 <= held {
            return Vec::new();
        }
        let all = flags.all(house_numbers).count();
        let nothing;
        let added = undelivered.map_or(all, |undelivered| flags.update(undelivered, house_numbers).added);
        let (undelivered, added, new_flags) = match undelivered {
            Some(undelivered) if !is_full_set || all - added <= held => (undelivered, added, new_flags),
            None if all <= held => return Vec::new(),
            // The broker may lack any of them, and says how many it takes.
            _ => {
                nothing = Undelivered::lacking(flags.rows().iter().map(|flag| flag.address));
                (&nothing, all, usize::MAX)
            }
        };
        let room = new_flags.min(held.saturating_sub(all - added));
        if added <= room { Vec::new() } else { flags.waiting(undelivered, house_numbers, room) }
    }

    /// Of the flags that are new to the broker, those that wait for a pseudonym, their own or their house number's.
    /// Ascending.
    fn waiting_for_pseudonyms(
        &mut self,
        epoch: u32,
        undelivered: &Undelivered,
    ) -> Result<Vec<AddressKey>, PartnerError> {
        let mut waiting = Vec::new();
        // What a source gives at once for no addresses says whether it has to be asked for any.
        if self.member.source(epoch, self.today)?.at_once(&[]).is_some() {
            return Ok(waiting);
        }
        let house_numbers = self.member.counts_house_numbers();
        let flags = &self.state.flags;
        let new = undelivered.changed.iter().filter(|changed| changed.delivered.is_none());
        for address in new.map(|changed| changed.address).filter(|address| flags.get(address).is_some()) {
            let home = Some(address).filter(|address| address.level() == Level::Unit);
            let number = Some(address.number_key()).filter(|key| house_numbers && key.level() == Level::Number);
            let keys: Vec<AddressKey> = home.into_iter().chain(number).collect();
            if self.pseudonyms(epoch, &keys)?.is_none() {
                waiting.push(address);
            }
        }
        Ok(waiting)
    }

    fn pseudonyms(&mut self, epoch: u32, addresses: &[AddressKey]) -> Result<Option<Vec<Pseudonym>>, PartnerError> {
        self.member.pseudonyms(self.state, epoch, self.today, addresses, &mut self.missing)
    }

    fn full_set(&mut self, flags: &Flags, epoch: u32, shrink: bool) -> Result<Option<Content>, PartnerError> {
        let rows = self.rows(epoch, flags.all(self.member.counts_house_numbers()), &[])?;
        Ok(rows.map(|rows| Content::FullSet { shrink, rows }))
    }

    /// The pseudonyms of what is flagged and withdrawn; `None` where some are missing.
    fn rows(
        &mut self,
        epoch: u32,
        flagged: impl Iterator<Item = (AddressKey, Terms)> + Clone,
        withdrawn: &[AddressKey],
    ) -> Result<Option<SortedPseudonyms>, PartnerError> {
        let missing_before = self.missing.len();
        let mut counts: BTreeMap<Terms, usize> = BTreeMap::new();
        flagged.clone().for_each(|(_, terms)| *counts.entry(terms).or_default() += 1);
        let mut all = 0;
        // Where the next pseudonym on each terms goes.
        let mut next: BTreeMap<Terms, usize> = BTreeMap::new();
        for (terms, count) in &counts {
            next.insert(*terms, all);
            all += count;
        }
        let mut pseudonyms = vec![Pseudonym::BLANK; all];
        let (mut addresses, mut terms_of) = (Vec::new(), Vec::new());
        let mut flagged = flagged.peekable();
        // A source is asked for many at once, but not so many that they take more room than what comes of them.
        while flagged.peek().is_some() {
            addresses.clear();
            terms_of.clear();
            for (address, terms) in flagged.by_ref().take(ASKED_AT_ONCE) {
                addresses.push(address);
                terms_of.push(terms);
            }
            let made = self.pseudonyms(epoch, &addresses)?.unwrap_or_default();
            for (pseudonym, terms) in made.into_iter().zip(&terms_of) {
                let at = next.entry(*terms).or_default();
                pseudonyms[*at] = pseudonym;
                *at += 1;
            }
        }
        let number = |pseudonym: &Pseudonym| pseudonym.number();
        let mut rest = pseudonyms.as_mut_slice();
        for count in counts.values() {
            let (rows, after) = rest.split_at_mut(*count);
            rows.sort_unstable_by_key(number);
            rest = after;
        }
        let mut withdrawn = self.pseudonyms(epoch, withdrawn)?.unwrap_or_default();
        withdrawn.sort_unstable_by_key(number);
        let rows = SortedPseudonyms { flagged: pseudonyms, counts, withdrawn };
        Ok((self.missing.len() == missing_before).then_some(rows))
    }
}

impl Content {
    /// The messages that say it, one after another.
    fn requests(&self) -> Result<Vec<Request<'_>>, PartnerError> {
        match self {
            Content::Delta { rows } => {
                Ok(vec![Request::Delta(Delta { flagged: rows.groups(), withdrawn: &rows.withdrawn })])
            }
            Content::FullSet { shrink, rows } => {
                let (shrink, parts) = (*shrink, parts(rows.groups()));
                let of = u16::try_from(parts.len())
                    .map_err(|_| MessageError::TooLarge { finding: "a full set has at most 65,535 parts" })?;
                let requests = parts
                    .into_iter()
                    .zip(1..)
                    .map(|(flagged, number)| Request::FullSet(FullSet { shrink, part: Part { number, of }, flagged }));
                Ok(requests.collect())
            }
            Content::Confirm => Ok(vec![Request::Confirm]),
        }
    }
}

impl SortedPseudonyms {
    fn groups(&self) -> Vec<Group<'_>> {
        let mut rest = self.flagged.as_slice();
        let group = |(terms, count): (&Terms, &usize)| {
            let (pseudonyms, after) = rest.split_at(*count);
            rest = after;
            Group { terms: *terms, pseudonyms }
        };
        self.counts.iter().map(group).collect()
    }
}

/// Cuts groups into parts of at most a million rows and 1,024 groups; one empty part for no rows.
fn parts(groups: Vec<Group<'_>>) -> Vec<Vec<Group<'_>>> {
    let mut parts = vec![Vec::new()];
    let mut room = MAX_FLAGS;
    for Group { terms, pseudonyms: mut rest } in groups {
        while !rest.is_empty() {
            if room == 0 || parts.last().is_some_and(|part: &Vec<_>| part.len() == MAX_GROUPS) {
                parts.push(Vec::new());
                room = MAX_FLAGS;
            }
            let (pseudonyms, after) = rest.split_at(rest.len().min(room));
            room -= pseudonyms.len();
            if let Some(part) = parts.last_mut() {
                part.push(Group { terms, pseudonyms });
            }
            rest = after;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;
    use crate::pseudonym::PseudonymKey;
    use crate::threads::Threads;

    const TODAY: Day = Day(20_802);

    fn member() -> Member {
        let file = sample::secret_file(1);
        let source = Box::new(PseudonymKey::new(&file.secret, &file.scope));
        let (key, policy) = (sample::partner_key(1), sample::signed());
        Member { number: 1, key, policy, certificates: vec![], sources: vec![(1, source)], threads: Threads::default() }
    }

    /// Flags a home until a day.
    fn flag(state: &mut PartnerState, number: u32, last_day: u16) {
        let home = AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap();
        let flag = Flag { address: home, first_day: TODAY, last_day: Day(last_day), renewal: None };
        let mut changed = Vec::new();
        state.flags.set([(home, Some(flag))].into_iter(), |home| changed.push(home));
        let flags = state.flags.clone();
        state.epoch_mut(1).undelivered.note(&changed, &flags);
    }

    /// What is delivered: of each update how many pseudonyms it has, and whether it is a delta.
    fn planned(state: &PartnerState, confirm: bool) -> Vec<(usize, bool)> {
        let member = member();
        let plan = plan(&member, state, TODAY, confirm).unwrap();
        assert!(plan.missing.is_empty());
        let size_of = |request: &Request<'_>| {
            let (_, flagged, withdrawn) = counts(request);
            (flagged + withdrawn) as usize
        };
        let size = |update: &EpochUpdate| update.content.requests().unwrap().iter().map(size_of).sum();
        plan.updates.iter().map(|update| (size(update), matches!(update.content, Content::Delta { .. }))).collect()
    }

    #[test]
    fn what_is_delivered_follows_from_the_state_alone() {
        let mut state = PartnerState { number: 1, ..PartnerState::default() };
        assert_eq!(planned(&state, false), [(0, false)], "an epoch begins with a full set, if an empty one");
        flag(&mut state, 1, 20_830);
        flag(&mut state, 2, 20_861);
        assert_eq!(planned(&state, false), [(2, false)]);
        state.epoch_mut(1).delivered = true;
        assert_eq!(planned(&state, false), [(2, true)]);
        state.epoch_mut(1).undelivered = Undelivered::default();
        assert_eq!(planned(&state, false), []);
        assert_eq!(planned(&state, true), [(0, false)], "nothing changed, and it says so");
        state.lost = 1;
        assert_eq!(planned(&state, false), [(0, false)], "what became of a lost message is asked");
        state.epoch_mut(1).undelivered.full_set = true;
        assert_eq!(planned(&state, false), [(2, false)]);
        // What is left of the day's budget goes, and the rest waits.
        state.epoch_mut(1).undelivered = Undelivered::default();
        flag(&mut state, 3, 20_830);
        flag(&mut state, 4, 20_830);
        state.new_flags.set(TODAY, 1);
        assert_eq!(planned(&state, false), [(1, true)]);
    }

    #[test]
    fn what_would_wait_is_known_before_it_is_flagged() {
        let homes = |numbers: std::ops::Range<u32>| -> BTreeSet<AddressKey> {
            numbers.map(|one| AddressKey::from_canonical(&format!("1012JS|{one}|")).unwrap()).collect()
        };
        let would_wait = |state: &PartnerState, numbers| would_wait(&member(), state, 1, homes(numbers), TODAY);
        let mut state = PartnerState { number: 1, ..PartnerState::default() };
        flag(&mut state, 1, 20_830);
        assert_eq!(would_wait(&state, 1..6_001), 0, "a first full set has a budget of its own");
        assert_eq!(would_wait(&state, 1..6_004), 3);
        state.epoch_mut(1).delivered = true;
        state.epoch_mut(1).undelivered = Undelivered::default();
        assert_eq!((would_wait(&state, 1..1_002), would_wait(&state, 2..1_005)), (0, 3), "one was delivered");
        state.new_flags.set(TODAY, 2);
        assert_eq!(would_wait(&state, 1..5), 1);
    }

    #[test]
    fn parts_hold_what_a_message_may() {
        let sizes = |counts: &[(u16, usize)]| {
            let terms = |day| Terms { last_day: Day(day), first_day: TODAY, renewal: None, house_number: false };
            let flagged = vec![Pseudonym::BLANK; counts.iter().map(|(_, count)| count).sum()];
            let counts = counts.iter().map(|(day, count)| (terms(*day), *count)).collect();
            let rows = SortedPseudonyms { flagged, counts, withdrawn: Vec::new() };
            let sizes = |part: &Vec<Group<'_>>| part.iter().map(|group| group.pseudonyms.len()).collect();
            parts(rows.groups()).iter().map(sizes).collect::<Vec<Vec<_>>>()
        };
        assert_eq!(sizes(&[]), [[0; 0]]);
        let cut = sizes(&[(1, 600_000), (2, 1_500_000), (3, 1)]);
        assert_eq!(cut, [vec![600_000, 400_000], vec![1_000_000], vec![100_000, 1]]);
        let many = sizes(&(0..2_050).map(|day| (day, 1)).collect::<Vec<_>>());
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [1_024, 1_024, 2]);
        assert_eq!(sizes(&[(1, 1_000_000)]).len(), 1);
    }
}
