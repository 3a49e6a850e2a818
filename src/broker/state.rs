//! What the broker knows, in memory: the ledger's rows, and what is derived from them and the batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::{Index, Pending, PendingCursor};
use super::join::join;
use super::log::AuditLog;
use super::meet::{MeetState, SentToday};
use super::rows::{EpochRow, OrganisationRow, PartnerRow, ShareRow, SilenceRow, write_row};
use super::tally::Tally;
use crate::day::{Day, Timestamp};
use crate::policy::Policy;
use crate::slug::Slug;
use crate::store::{BatchId, Change, Key, Row, Span};
use crate::tag::Tag;

/// A longer time in seconds without a release may come from a wrong clock: three days. The broker goes on, but destroys
/// nothing until a person says that the clock is right.
pub(super) const LONGEST_SILENCE: u64 = 3 * 86_400;

/// Everything that the broker knows, except its keys.
#[derive(Default)]
pub(super) struct BrokerState {
    pub(super) log: AuditLog,
    /// Rows removed from the store whose bytes are in its files until the next purge.
    pub(super) unpurged: u64,
    /// Times without a release that nobody has said to be right yet.
    pub(super) silence: Option<SilenceRow>,
    pub(super) partners: BTreeMap<u16, PartnerRow>,
    /// Those of which anything was spent, in the order in which they came.
    pub(super) organisations: Vec<OrganisationRow>,
    pub(super) epochs: BTreeMap<u32, OpenEpoch>,
    /// What comes after a hit.
    pub(super) meet: MeetState,
}

/// An epoch that is open: its release, and what each partner has in it.
pub(super) struct OpenEpoch {
    pub(super) row: EpochRow,
    /// The released flags.
    pub(super) index: Arc<Index>,
    /// Their counts.
    pub(super) tally: Arc<Tally>,
    pub(super) accounts: BTreeMap<u16, Account>,
}

/// What one partner has in an epoch.
#[derive(Clone, Default)]
pub(super) struct Account {
    pub(super) row: ShareRow,
    /// What was accepted since the last full release.
    pub(super) pending: Pending,
    /// The rows of a full set whose last part has not come, by part.
    pub(super) parts: Vec<Arc<Vec<Row>>>,
    /// Its batches in the store, by ascending sequence.
    pub(super) batches: Vec<StoredBatch>,
}

/// A batch in the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredBatch {
    pub(super) sequence: u64,
    /// Of a full set: which part, and of how many.
    pub(super) part: Option<(u16, u16)>,
    pub(super) rows: usize,
}

/// Looks up what a partner holds or held, released or not; fastest by ascending tag.
pub(super) struct KnownFlags<'a> {
    partner: u16,
    pending: Option<PendingCursor<'a>>,
    released: Option<&'a Index>,
}

impl BrokerState {
    /// When the store was last restored from a copy; `None` if it never was.
    pub(super) fn restored(&self) -> Option<Timestamp> {
        Some(self.log.restored).filter(|restored| restored.0 > 0)
    }

    /// The latest moment at which anything was done. No reply is of before the restore that it names.
    pub(super) fn latest_moment(&self) -> Timestamp {
        let releases = self.epochs.values().map(|epoch| epoch.row.as_of.max(epoch.row.considered));
        releases.max().unwrap_or_default().max(self.log.last).max(self.log.restored)
    }

    /// The time to go by where `now` was judged before a wait, in which others may have acted on a later moment: time
    /// never runs backwards.
    pub(super) fn not_before_latest(&self, now: Timestamp) -> Timestamp {
        now.max(self.latest_moment())
    }

    /// The moment of the latest release of any epoch.
    pub(super) fn as_of(&self) -> Option<Timestamp> {
        self.epochs.values().map(|epoch| epoch.row.as_of).max()
    }

    /// The times without a release that nobody has said to be right yet, once the broker acts at `now`.
    pub(super) fn silence_at(&self, now: Timestamp) -> Option<SilenceRow> {
        let Some(as_of) = self.as_of() else { return self.silence };
        let before = self.silence.unwrap_or(SilenceRow { since: as_of, until: as_of, seconds: 0 });
        let more = now.since(as_of.max(before.until));
        let seconds = before.seconds.saturating_add(more);
        if more > LONGEST_SILENCE { Some(SilenceRow { until: now, seconds, ..before }) } else { self.silence }
    }

    /// Keeps what there is of such times; `None` once a person said that the clock is right.
    pub(super) fn keep_silence(&mut self, silence: Option<SilenceRow>, change: &mut Change) {
        if self.silence != silence {
            self.silence = silence;
            change.rows.push((Key::Silence, silence.as_ref().map(write_row)));
        }
    }

    /// The epoch that answers questions: the newest that had its first full release.
    pub(super) fn answering(&self, policy: &Policy) -> Option<u32> {
        self.answering_before(policy, u32::MAX)
    }

    /// The newest epoch up to this one that had its first full release.
    ///
    /// After a restore no epoch answers that is older than one which may have answered before. A partner that saw both
    /// answers could subtract one from the other, and would know what the organisations flag that joined in between.
    pub(super) fn answering_before(&self, policy: &Policy, epoch: u32) -> Option<u32> {
        let restored = self.log.restored;
        // The copy may not know it.
        let was_open = |number| policy.epoch(number).is_some_and(|listed| listed.opens <= restored.day());
        let may_have = |(number, epoch): &(&u32, &OpenEpoch)| {
            epoch.row.waits_since.is_none_or(|since| since <= restored) || was_open(**number)
        };
        let (number, newest) = self.epochs.range(..=epoch).rev().find(may_have)?;
        newest.row.waits_since.is_none().then_some(*number)
    }

    /// The number of the release in force in an epoch; `None` where it is not open.
    pub(super) fn release(&self, epoch: u32) -> Option<u64> {
        self.epochs.get(&epoch).map(|epoch| epoch.row.release)
    }

    /// Counts rows that `change` removes from the store. The count is kept, because another process may do the next
    /// purge.
    pub(super) fn count_removed(&mut self, rows: u64, change: &mut Change) {
        if rows > 0 {
            self.unpurged += rows;
            change.rows.retain(|(key, _)| *key != Key::Unpurged);
            change.rows.push((Key::Unpurged, Some(write_row(&self.unpurged))));
        }
    }

    /// Takes back from what [`BrokerState::count_removed`] counted the rows that a purge took out of the store's files.
    pub(super) fn count_purged(&mut self, rows: u64, change: &mut Change) {
        self.unpurged = self.unpurged.saturating_sub(rows);
        change.rows.push((Key::Unpurged, (self.unpurged > 0).then(|| write_row(&self.unpurged))));
    }

    /// Forgets what was accepted of partners and replied to them: after a restore it is true no more. Their numbers
    /// stay used.
    pub(super) fn forget_partners(&mut self, change: &mut Change) {
        for (partner, row) in &mut self.partners {
            row.accepted = None;
            row.status.iter_mut().for_each(|status| status.reply.clear());
            row.answered = None;
            // What was sent today may be lost, so that it may come again.
            row.sent_today = SentToday::default();
            change.rows.push((Key::Partner(*partner), Some(write_row(row))));
        }
    }

    /// Ends all that a partner holds in an epoch: see [`OpenEpoch::end_flags`].
    pub(super) fn end_flags(&mut self, (number, partner): (u32, u16), today: Day, change: &mut Change) {
        let Some(epoch) = self.epochs.get_mut(&number) else { return };
        let unfinished = epoch.end_flags(partner, today);
        let row = epoch.accounts.get(&partner).map(|account| write_row(&account.row));
        change.rows.extend(row.map(|row| (Key::Share(number, partner), Some(row))));
        change.removed.extend(unfinished.iter().map(|stored| stored.id(number, partner)));
        self.count_removed(unfinished.iter().map(|stored| stored.rows as u64).sum(), change);
        // What it puts forward rests on what it flags.
        self.keep_forwarded((number, partner), None, change);
    }

    /// Removes all of an epoch, from memory and from the store.
    pub(super) fn remove_epoch(&mut self, policy: &Policy, number: u32, today: Day, change: &mut Change) {
        self.close_budgets(policy, number, change);
        self.close_meet(number, today, change);
        let Some(epoch) = self.epochs.remove(&number) else { return };
        self.count_removed(epoch.stored_rows(), change);
        change.rows.push((Key::Epoch(number), None));
        for (partner, account) in &epoch.accounts {
            change.rows.push((Key::Share(number, *partner), None));
            change.removed.extend(account.ids(number, *partner));
        }
    }
}

impl OpenEpoch {
    /// An epoch in which nobody has flagged yet.
    pub(super) fn new(row: EpochRow) -> OpenEpoch {
        OpenEpoch { row, index: Index::empty(), tally: Arc::default(), accounts: BTreeMap::new() }
    }

    /// The epoch with the account of one partner alone.
    pub(super) fn with_account_of(&self, partner: u16) -> OpenEpoch {
        let account = self.accounts.get(&partner).map(|account| (partner, account.clone()));
        OpenEpoch {
            row: self.row.clone(),
            index: Arc::clone(&self.index),
            tally: Arc::clone(&self.tally),
            accounts: account.into_iter().collect(),
        }
    }

    /// A copy of the epoch as it is now.
    pub(super) fn with_all_accounts(&self) -> OpenEpoch {
        OpenEpoch { accounts: self.accounts.clone(), ..self.with_account_of(0) }
    }

    /// The accounts of an organisation's partners.
    pub(super) fn accounts_of(&self, policy: &Policy, organisation: &Slug) -> impl Iterator<Item = (&u16, &Account)> {
        let is_theirs = |partner: u16| policy.partner(partner).is_some_and(|entry| entry.organisation == *organisation);
        self.accounts.iter().filter(move |(partner, _)| is_theirs(**partner))
    }

    /// Looks up what `partner` holds or held, released or not.
    pub(super) fn known_flags(&self, partner: u16) -> KnownFlags<'_> {
        let pending = self.accounts.get(&partner).map(|account| account.pending.cursor());
        // A partner that sends its first full set has none released, so that the index need not be searched.
        let released = (self.tally.known_of(partner) > 0).then_some(self.index.as_ref());
        KnownFlags { partner, pending, released }
    }

    /// All flags that `partner` holds or held, released or not, by ascending tag.
    pub(super) fn all_known(&self, partner: u16) -> impl Iterator<Item = (Tag, Span)> {
        let pending = self.accounts.get(&partner).into_iter().flat_map(|account| account.pending.rows());
        let released = (self.tally.known_of(partner) > 0).then(|| self.index.known_of(partner));
        let pending = pending.map(|row| (row.tag, row.span));
        // What is pending takes the place of what is released.
        join(released.into_iter().flatten(), pending).filter_map(|(tag, was, is)| Some((tag, is.or(was)?)))
    }

    /// Ends all that a partner holds, as if it withdrew it today, and drops a full set whose last part has not come:
    /// the batches of that. Only a full set begins anew.
    pub(super) fn end_flags(&mut self, partner: u16, today: Day) -> Vec<StoredBatch> {
        let held = self.all_known(partner).filter(|(_, span)| !span.ended(today));
        let withdrawn = held.map(|(tag, span)| Row { tag, span: span.withdrawn(today) }).collect();
        let Some(account) = self.accounts.get_mut(&partner) else { return Vec::new() };
        account.pending.push(withdrawn);
        let row = &mut account.row;
        (row.held, row.heard) = (0, None);
        row.ended = row.ended.or(Some(today));
        account.abandon()
    }

    /// How many rows the store has of it.
    pub(super) fn stored_rows(&self) -> u64 {
        self.accounts.values().map(Account::stored_rows).sum()
    }

    /// Forgets what its partners hold, because a restored copy may have flags that were withdrawn since. Each partner
    /// counts again once its full set has come.
    pub(super) fn recover(&mut self, number: u32, now: Timestamp, change: &mut Change) {
        for (partner, account) in &mut self.accounts {
            change.removed.extend(account.ids(number, *partner));
            *account = Account::default();
            change.rows.push((Key::Share(number, *partner), Some(write_row(&account.row))));
        }
        self.index = Index::empty();
        self.tally = Arc::default();
        let release = self.row.release.max(now.0) + 1;
        self.row = EpochRow { release, as_of: now, considered: now, fresh: 0, waits_since: Some(now) };
        change.rows.push((Key::Epoch(number), Some(write_row(&self.row))));
    }
}

impl KnownFlags<'_> {
    /// How long the flag on `tag` lasts, or lasted; `None` where nothing is known of one.
    pub(super) fn get(&mut self, tag: &Tag) -> Option<Span> {
        let said = self.pending.as_mut().and_then(|pending| pending.get(tag));
        said.or_else(|| self.released?.known_span(tag, self.partner))
    }
}

impl Account {
    /// Whether `partner` holds a flag that `index` does not show, apart from what ends before `today` anyhow.
    pub(super) fn has_new_flag(&self, index: &Index, partner: u16, today: Day) -> bool {
        let is_new = |row: &Row| !row.span.ended(today) && !index.shows(&row.tag, partner);
        self.pending.rows().any(|row| is_new(&row))
    }

    /// How many flags `partner` holds on `today`, the day of the release, of which `index` shows `released`.
    pub(super) fn held(&self, index: &Index, partner: u16, released: u32, today: Day) -> u32 {
        self.pending.rows().fold(released, |held, row| {
            held + u32::from(!row.span.ended(today)) - u32::from(index.shows(&row.tag, partner))
        })
    }

    /// Its batches without those of a full set whose last part has not come.
    pub(super) fn whole_batches(&self) -> &[StoredBatch] {
        &self.batches[..self.batches.len() - self.parts.len()]
    }

    /// Drops a full set whose last part has not come: its batches.
    pub(super) fn abandon(&mut self) -> Vec<StoredBatch> {
        let whole = self.whole_batches().len();
        self.parts.clear();
        self.batches.split_off(whole)
    }

    /// How many rows a full set has whose last part has not come.
    pub(super) fn unfinished(&self) -> u32 {
        self.parts.iter().map(|part| part.len() as u32).sum()
    }

    /// How many rows the store has of it.
    pub(super) fn stored_rows(&self) -> u64 {
        self.batches.iter().map(|stored| stored.rows as u64).sum()
    }

    /// The names of its batches in the store.
    pub(super) fn ids(&self, epoch: u32, partner: u16) -> impl Iterator<Item = BatchId> {
        self.batches.iter().map(move |stored| stored.id(epoch, partner))
    }
}

impl StoredBatch {
    /// Its name in the store.
    pub(super) fn id(&self, epoch: u32, partner: u16) -> BatchId {
        BatchId { epoch, partner, sequence: self.sequence }
    }
}
