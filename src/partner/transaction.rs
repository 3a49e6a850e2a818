//! A partner's data on disk and in memory, and the one way in which it changes.

use super::asked_index::AskedIndex;
use super::case::Case;
use super::clock;
use super::error::PartnerError;
use super::folder::{PartnerFolder, Place};
use super::journal::{Journal, JournalBase};
use super::record::{JournalEvent, JournalRecord};
use super::state::PartnerState;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::digest::Digest;
use crate::policy::Policy;
use crate::secret::SigningKey;
use crate::system::SystemError;
use crate::trace;

/// A partner's folder, its journal, and the state that is made from the journal.
pub(super) struct PartnerData {
    folder: PartnerFolder,
    journal: Journal,
    state: PartnerState,
    /// Whether a change failed and the folder could not be read again since: then it is read before the next change.
    stale: bool,
    /// The named requests, once somebody wanted to know of one.
    requests: Option<AskedIndex>,
    /// The process that opened the folder.
    process: u32,
}

/// A change of a partner's data, from its beginning to where it is on disk.
///
/// What is recorded is in the journal before the state has it. When a transaction that changed something ends without
/// [`keep`](Transaction::keep) or [`commit`](Transaction::commit), the state is read again from the disk: so nothing is
/// handed out that is not there, and no flag ends in a call that did nothing.
pub(super) struct Transaction<'a> {
    data: &'a mut PartnerData,
    /// The time of what is recorded.
    now: Timestamp,
    /// Whether the state in memory is no longer what it was when the transaction began.
    is_changed: bool,
    ended: bool,
}

impl PartnerData {
    /// Locks the folder, and reads key, state and journal.
    pub(super) fn open(place: Place<'_>) -> Result<(PartnerData, SigningKey), PartnerError> {
        let folder = PartnerFolder::open(place)?;
        let key = folder.read_signing_key()?;
        // Before the journal: of a wrong folder of keys this says so.
        let state = folder.read_state()?;
        let mut journal = folder.open_journal()?;
        let mut state = at_least(&journal, state)?;
        journal.read_from(state.journal, |number, record| state.replay(number, &record))?;
        Ok((PartnerData { folder, journal, state, stale: false, requests: None, process: std::process::id() }, key))
    }

    pub(super) fn folder(&self) -> &PartnerFolder {
        &self.folder
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(super) fn state(&self) -> &PartnerState {
        &self.state
    }

    /// The named requests, where they are known.
    pub(super) fn requests(&self) -> Option<&AskedIndex> {
        self.requests.as_ref()
    }

    /// Reads the journal for named requests, where that was not done.
    pub(super) fn know_requests(&mut self) -> Result<(), PartnerError> {
        if self.requests.is_none() {
            self.requests = Some(AskedIndex::read(&self.journal, &self.state)?);
        }
        Ok(())
    }

    /// Takes the number that the roster has for the partner.
    pub(super) fn set_number(&mut self, number: u16) {
        self.state.number = number;
    }

    /// Notes that a policy is in force here: a broker that holds to it holds to no other. Adopting writes no state, so
    /// it is said again of the policy that is found when the folder is opened.
    pub(super) fn adopted(&mut self, policy: Digest) {
        self.state.brokers_policy = self.state.brokers_policy.filter(|digest| *digest != policy);
    }

    /// Begins a change at a moment, in a state without the flags that ended before its day.
    pub(super) fn begin(&mut self, now: Timestamp) -> Result<Transaction<'_>, PartnerError> {
        let now = self.at(now)?;
        let is_changed = self.state.expire(now.day());
        Ok(Transaction { data: self, now, is_changed, ended: false })
    }

    /// Drops what the policy has no more use for, which follows from policy and day and needs no record. The time of
    /// what is done at `now`.
    pub(super) fn follow(&mut self, policy: &Policy, now: Timestamp) -> Result<Timestamp, PartnerError> {
        let now = self.at(now)?;
        self.state.follow(policy, now.day());
        Ok(now)
    }

    /// Begins a change in which no flag ends: at the moment of the latest record.
    pub(super) fn begin_at_latest(&mut self) -> Result<Transaction<'_>, PartnerError> {
        self.refresh()?;
        let now = self.state.latest;
        Ok(Transaction { data: self, now, is_changed: false, ended: false })
    }

    /// Begins to record that a person saw that the clock is right, whatever the journal says.
    pub(super) fn begin_trusting(&mut self, now: Timestamp) -> Result<Transaction<'_>, PartnerError> {
        self.refresh()?;
        Ok(Transaction { data: self, now, is_changed: false, ended: false })
    }

    /// The time of what is done at `now`; an error where the clock is wrong, or may be.
    pub(super) fn at(&mut self, now: Timestamp) -> Result<Timestamp, PartnerError> {
        self.refresh()?;
        clock::judge(self.state.latest, now)
    }

    /// Reads the folder again where that failed after a change that failed. An error in a process that did not open it.
    pub(super) fn refresh(&mut self) -> Result<(), PartnerError> {
        if self.process != std::process::id() {
            return Err(SystemError::OtherProcess.into());
        }
        if self.stale { self.read_again() } else { Ok(()) }
    }

    /// A change that is one record of the journal.
    pub(super) fn record(
        &mut self,
        now: Timestamp,
        by: Option<&Case>,
        event: JournalEvent,
    ) -> Result<(), PartnerError> {
        let mut transaction = self.begin(now)?;
        transaction.record(by, event)?;
        transaction.keep();
        Ok(())
    }

    /// Prunes the first records of the journal, up to the first one that may not be.
    pub(super) fn prune(
        &mut self,
        by: &Case,
        now: Timestamp,
        may_be_pruned: impl Fn(u64, Timestamp) -> bool,
    ) -> Result<Option<JournalBase>, PartnerError> {
        let today = self.at(now)?.day();
        let first = self.journal.first();
        let cut = self.first_kept(may_be_pruned)?;
        let Some((base, from)) = self.base_at(cut, today)? else { return Ok(None) };
        let records = base.position.records - first.records;
        let mut transaction = self.begin(now)?;
        let (to, head) = (base.to, base.position.head);
        transaction.record(Some(by), JournalEvent::Pruned { records, from, to, head })?;
        // A state from before the base would not be read again, and the messages in flight are in the state alone.
        transaction.commit()?;
        self.journal.prune(&base)?;
        self.requests = None;
        Ok(Some(base))
    }

    /// The number of the first record that stays where those before it that may be pruned are: also a question whose
    /// answer stays, because only with it that says anything.
    fn first_kept(&self, may_be_pruned: impl Fn(u64, Timestamp) -> bool) -> Result<u64, PartnerError> {
        let mut first_kept = None;
        let mut answers = Vec::new();
        self.journal.read(|number, record| {
            if !may_be_pruned(number, record.time) {
                first_kept.get_or_insert(number);
            }
            if let JournalEvent::Answered { asking, .. } = record.event {
                answers.push((number, asking));
            }
        })?;
        let mut first_kept = first_kept.unwrap_or(self.journal.position().records);
        // The latest first: each that stays because of its answer may have others' answers after it stay too.
        for (number, asking) in answers.into_iter().rev() {
            if number >= first_kept {
                first_kept = first_kept.min(asking);
            }
        }
        Ok(first_kept)
    }

    /// What stands in the place of the records before `cut` once they are pruned, and the time of the first of them;
    /// `None` where there are none.
    fn base_at(&self, cut: u64, today: Day) -> Result<Option<(JournalBase, Timestamp)>, PartnerError> {
        let mut state = before_all(&self.journal)?;
        let (mut position, mut first, mut to) = (self.journal.first(), None, Timestamp::default());
        self.journal.read_places(|number, record, after| {
            if number < cut {
                state.replay(number, &record);
                first.get_or_insert(record.time);
                (position, to) = (after, record.time);
            }
        })?;
        let Some(first) = first else { return Ok(None) };
        // Those that went since are not kept with what was pruned; records that stay have the others.
        let stands = |address: &AddressKey| self.state.flags.get(address).is_some_and(|flag| flag.last_day >= today);
        state.typed = state.typed.only(|address, text| stands(address) && self.state.typed.get(address) == text);
        // So it is with conversations: of those that no later record is about nothing is kept.
        let known = &self.state.after_hit;
        let stays = |number| known.conversation(number).is_some_and(|known| known.touched > to);
        state.after_hit.keep_conversations(|known| stays(known.number));
        // No record has the partner's number.
        (state.number, state.journal) = (self.state.number, position);
        let from = self.journal.base()?.map_or(first, |base| base.from);
        Ok(Some((JournalBase { position, from, to, state: state.write(Vec::new()) }, first)))
    }

    fn read_again(&mut self) -> Result<(), PartnerError> {
        self.requests = None;
        let mut state = at_least(&self.journal, self.folder.read_state()?)?;
        state.number = self.state.number;
        self.journal.read_from(state.journal, |number, record| state.replay(number, &record))?;
        self.state = state;
        // What was read may be what a failed write left in the system's memory. Written once more, it is on disk.
        if let Err(error) = self.write_state() {
            self.state.forget_messages();
            return Err(error);
        }
        self.stale = false;
        Ok(())
    }

    /// Whether the state is that of the disk.
    pub(super) fn is_known(&self) -> bool {
        !self.stale
    }

    /// Writes the state as it is, so that the next opening has no records to apply to it.
    pub(super) fn save(&mut self) -> Result<(), PartnerError> {
        self.refresh()?;
        self.write_state()
    }

    fn write_state(&mut self) -> Result<(), PartnerError> {
        self.state.journal = self.journal.position();
        self.folder.write_state(&self.state)
    }
}

/// What all that was pruned comes to: the state before the first record that is there.
pub(super) fn before_all(journal: &Journal) -> Result<PartnerState, PartnerError> {
    at_least(journal, PartnerState::default())
}

/// The state to go on from: `state`, or what all that was pruned comes to, where `state` is older than that.
fn at_least(journal: &Journal, state: PartnerState) -> Result<PartnerState, PartnerError> {
    if state.journal.records >= journal.first().records {
        return Ok(state);
    }
    let Some(base) = journal.base()? else { return Ok(state) };
    PartnerState::read(&base.state).map_err(|_| journal.damaged(0, "what stands for pruned records is no state"))
}

impl Transaction<'_> {
    pub(super) fn folder(&self) -> &PartnerFolder {
        &self.data.folder
    }

    /// The time of what is recorded: the caller's, or that of the latest record where that is up to a minute later.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// The state as it is now.
    pub(super) fn view(&self) -> &PartnerState {
        &self.data.state
    }

    /// The state, to be changed.
    pub(super) fn state(&mut self) -> &mut PartnerState {
        self.is_changed = true;
        &mut self.data.state
    }

    /// The head of the journal's chain.
    pub(super) fn head(&self) -> Digest {
        #[cfg(test)]
        if super::tests::transcripts::names_no_journal() {
            return Digest::NONE;
        }
        self.data.journal.position().head
    }

    /// Writes down what is done, on disk before it returns, and does it. Gives the record's number.
    pub(super) fn record(&mut self, by: Option<&Case>, event: JournalEvent) -> Result<u64, PartnerError> {
        let record = JournalRecord { time: self.now, by: by.cloned(), event };
        self.is_changed = true;
        let before = self.data.journal.position();
        let number = self.data.journal.append(&record)?;
        self.data.state.apply(number, &record);
        if let Some(requests) = &mut self.data.requests {
            requests.note(number, before, &record);
        }
        Ok(number)
    }

    /// Ends a change that the journal has all of, or that need not outlive the process: the state is written with a
    /// later one.
    pub(super) fn keep(mut self) {
        self.ended = true;
    }

    /// Ends a change and writes the state.
    pub(super) fn commit(mut self) -> Result<(), PartnerError> {
        self.data.write_state()?;
        self.ended = true;
        Ok(())
    }

    /// Ends a change that the journal has all of, and writes the state if it can be written. Where that fails, the
    /// change is no less true, and a later one writes the state or says that it fails.
    pub(super) fn keep_and_write(mut self) {
        if let Err(error) = self.data.write_state() {
            trace::event!(WARN, "the partner's state was not written; its journal has all of it", code = error.code());
        }
        self.ended = true;
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.ended || !self.is_changed {
            return;
        }
        if let Err(error) = self.data.read_again() {
            trace::event!(ERROR, "the partner's folder could not be read again after a failure", code = error.code());
            // Their bytes may not be on disk, so they must not be handed out.
            self.data.state.forget_messages();
            self.data.stale = true;
        }
    }
}
