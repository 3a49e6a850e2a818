//! State messages: what a delta, a full set or a confirm does to the flags that its partner holds. SPEC.md 5.5.

use std::ops::Range;
use std::sync::Arc;

use super::budgets::{Budget, Cost};
use super::incoming::Incoming;
use super::index::Pending;
use super::join::join;
use super::rows::PartnerRow;
use super::state::{Account, OpenEpoch, StoredBatch};
use crate::day::Day;
use crate::message::{Code, Delta, FullSet, Group, LogEntry, Part, Receipt, Rejection};
use crate::policy::Policy;
use crate::store::{Batch, BatchId, Row, Span};
use crate::tag::{Pepper, Tag};
use crate::threads::Threads;

/// After this many deltas, it is checked whether they repeat each other and can be kept as one.
const DELTAS_BETWEEN_MERGES: usize = 16;

/// What a state message says, with tags in the place of pseudonyms.
pub(super) enum TaggedFlags {
    /// Flags and withdrawals.
    Delta(TaggedDelta),
    /// A part of a full set.
    FullSet(TaggedSet),
    /// Nothing changed.
    Confirm,
}

/// A [`Delta`], tagged; by ascending tag.
pub(super) struct TaggedDelta {
    renewal: bool,
    flagged: Vec<(Tag, Day)>,
    withdrawn: Vec<Tag>,
}

/// A [`FullSet`], tagged; by ascending tag.
pub(super) struct TaggedSet {
    renewal: bool,
    shrink: bool,
    part: Part,
    flagged: Vec<(Tag, Day)>,
}

/// What an accepted state message does. Nothing of it is done yet.
pub(super) struct Acceptance {
    /// The sender's account after it.
    pub(super) account: Account,
    /// The receipt, without its entry in the log.
    pub(super) receipt: Receipt,
    /// The batch to add to the store; `None` where the message changes nothing.
    pub(super) batch: Option<Batch>,
    /// The batches to remove: of a full set that the message abandons, or whose rows it says again.
    pub(super) removed: Vec<BatchId>,
    /// How many rows these have.
    pub(super) removed_rows: u64,
    pub(super) cost: Cost,
    /// Whether what the partner holds changed.
    pub(super) changed: bool,
    /// How many flags were renewed.
    pub(super) renewed: u32,
}

impl TaggedFlags {
    pub(super) fn delta(delta: &Delta<'_>, pepper: &Pepper, threads: &Threads) -> TaggedFlags {
        let mut withdrawn = threads.map(delta.withdrawn, |pseudonym| pepper.tag(pseudonym));
        withdrawn.sort_unstable();
        TaggedFlags::Delta(TaggedDelta {
            renewal: delta.renewal,
            flagged: tagged(&delta.flagged, pepper, threads),
            withdrawn,
        })
    }

    pub(super) fn full_set(set: &FullSet<'_>, pepper: &Pepper, threads: &Threads) -> TaggedFlags {
        let flagged = tagged(&set.flagged, pepper, threads);
        TaggedFlags::FullSet(TaggedSet { renewal: set.renewal, shrink: set.shrink, part: set.part, flagged })
    }
}

/// The tags of all groups, ascending, each with its last valid day.
fn tagged(groups: &[Group<'_>], pepper: &Pepper, threads: &Threads) -> Vec<(Tag, Day)> {
    let mut tagged = Vec::with_capacity(groups.iter().map(|group| group.pseudonyms.len()).sum());
    for group in groups {
        threads.extend(&mut tagged, group.pseudonyms, |pseudonym| (pepper.tag(pseudonym), group.last_day));
    }
    tagged.sort_unstable_by_key(|(tag, _)| *tag);
    tagged
}

/// Decides on a state message whose numbers, policy and permission are in order: steps 14 to 17 of SPEC.md 5.3.
pub(super) fn accept(
    incoming: &Incoming<'_>,
    epoch: &OpenEpoch,
    row: &PartnerRow,
    budget: &Budget,
    flags: &TaggedFlags,
) -> Result<Acceptance, Rejection> {
    let account = epoch.accounts.get(&incoming.header.partner).cloned().unwrap_or_default();
    if !account.row.full_seen && !matches!(flags, TaggedFlags::FullSet(_)) {
        let sentence = "the first state message in an epoch must be a full set: send all your flags as one";
        return Err(Rejection::new(Code::FullSetRequired, 0, sentence));
    }
    let mut acceptance = Acceptance {
        receipt: Receipt {
            log: LogEntry::NONE,
            release: epoch.row.release,
            part: (0, 0),
            added: 0,
            changed: 0,
            withdrawn: 0,
            held: account.row.held,
            renewed: 0,
        },
        account,
        batch: None,
        removed: Vec::new(),
        removed_rows: 0,
        cost: Cost::default(),
        changed: false,
        renewed: 0,
    };
    let context = Context { incoming, policy: incoming.policy(), epoch, row, budget, today: incoming.now.day() };
    match flags {
        TaggedFlags::Confirm => acceptance.abandon(incoming),
        TaggedFlags::Delta(delta) => context.delta(&mut acceptance, delta)?,
        TaggedFlags::FullSet(set) => context.full_set(&mut acceptance, set)?,
    }
    let row = &mut acceptance.account.row;
    if !incoming.in_doubt {
        row.heard = Some(incoming.now);
    }
    acceptance.receipt.held = row.held;
    acceptance.receipt.renewed = acceptance.renewed;
    Ok(acceptance)
}

impl TaggedFlags {
    /// Whether it is a delta that adds nothing.
    pub(super) fn only_withdraws(&self) -> bool {
        matches!(self, TaggedFlags::Delta(delta) if delta.flagged.is_empty())
    }

    /// How many pseudonyms it speaks of.
    pub(super) fn count(&self) -> u32 {
        let count = match self {
            TaggedFlags::Delta(delta) => delta.flagged.len() + delta.withdrawn.len(),
            TaggedFlags::FullSet(set) => set.flagged.len(),
            TaggedFlags::Confirm => 0,
        };
        count as u32
    }
}

impl Acceptance {
    /// Drops a full set whose last part has not come.
    fn abandon(&mut self, incoming: &Incoming<'_>) {
        let unfinished = self.account.parts.len();
        self.account.parts.clear();
        let whole = self.account.batches.len() - unfinished;
        self.remove_batches(incoming, whole..self.account.batches.len());
    }

    /// Drops what was said since the last full release, which a whole full set of `parts` takes the place of. Its last
    /// part is not among the batches yet.
    fn remove_overruled(&mut self, incoming: &Incoming<'_>, parts: usize) {
        let released = self.account.row.released;
        let from = self.account.batches.partition_point(|stored| stored.sequence <= released);
        let until = self.account.batches.len() + 1 - parts;
        self.remove_batches(incoming, from..until.max(from));
    }

    /// The rows to keep of a delta that says `rows`: either these, or all that the deltas since the last full release
    /// or full set come to, where that is less than half of what they said. So a partner that says the same again and
    /// again fills no disk.
    fn merged(&mut self, incoming: &Incoming<'_>, rows: Vec<Row>) -> Vec<Row> {
        let released = self.account.row.released;
        let is_no_delta = |stored: &StoredBatch| stored.part.is_some() || stored.sequence <= released;
        let from = self.account.batches.iter().rposition(is_no_delta).map_or(0, |at| at + 1);
        let deltas = &self.account.batches[from..];
        if deltas.is_empty() || !deltas.len().is_multiple_of(DELTAS_BETWEEN_MERGES) {
            return rows;
        }
        let said = deltas.iter().map(|stored| stored.rows).sum::<usize>() + rows.len();
        let all: Vec<Row> = self.account.pending.rows().collect();
        if said <= 2 * all.len() {
            return rows;
        }
        self.remove_batches(incoming, from..self.account.batches.len());
        all
    }

    fn remove_batches(&mut self, incoming: &Incoming<'_>, range: Range<usize>) {
        for stored in self.account.batches.drain(range) {
            self.removed_rows += stored.rows as u64;
            self.removed.push(incoming.batch(stored.sequence));
        }
    }

    /// Keeps `rows` as the batch of this message.
    fn keep(&mut self, incoming: &Incoming<'_>, part: Option<Part>, rows: Vec<Row>) {
        let part = part.map(|part| (part.number, part.of));
        let sequence = incoming.header.sequence;
        self.account.batches.push(StoredBatch { sequence, part, rows: rows.len() });
        self.batch = Some(Batch { id: incoming.batch(sequence), part, rows });
    }
}

/// What a message is decided by.
struct Context<'a> {
    incoming: &'a Incoming<'a>,
    policy: &'a Policy,
    epoch: &'a OpenEpoch,
    row: &'a PartnerRow,
    budget: &'a Budget,
    today: Day,
}

impl Context<'_> {
    fn delta(&self, acceptance: &mut Acceptance, delta: &TaggedDelta) -> Result<(), Rejection> {
        self.refuse_days(&delta.flagged)?;
        let mut rows = Vec::with_capacity(delta.flagged.len() + delta.withdrawn.len());
        let mut held = self.epoch.held_flags(self.incoming.header.partner);
        for (tag, last) in &delta.flagged {
            let before = held.get(tag);
            let span = self.span(before, *last, delta.renewal)?;
            acceptance.renewed += u32::from(is_renewal(before, span));
            match before {
                None => acceptance.receipt.added += 1,
                Some(before) if before.last != span.last => acceptance.receipt.changed += 1,
                Some(before) if before == span => continue,
                Some(_) => {}
            }
            rows.push(Row { tag: *tag, span: Some(span) });
        }
        for tag in &delta.withdrawn {
            if held.get(tag).is_some() {
                acceptance.receipt.withdrawn += 1;
                rows.push(Row { tag: *tag, span: None });
            }
        }
        let after = acceptance.account.row.held + acceptance.receipt.added - acceptance.receipt.withdrawn;
        let new_flags = acceptance.receipt.added;
        let may_add = self.may_add(self.left_today(), after - new_flags);
        if new_flags > may_add {
            let left = format!("{new_flags} new flags are more than the {may_add} that are left of");
            return Err(self.over_budget(may_add, &left));
        }
        acceptance.cost = Cost { new_flags, ..Cost::default() };
        acceptance.abandon(self.incoming);
        if !rows.is_empty() {
            // It is two ascending runs, which a stable sort merges in one pass.
            rows.sort_by_key(|row| row.tag);
            acceptance.account.pending.push(rows.clone());
            let rows = acceptance.merged(self.incoming, rows);
            acceptance.keep(self.incoming, None, rows);
            acceptance.changed = true;
        }
        acceptance.account.row.held = after;
        Ok(())
    }

    fn full_set(&self, acceptance: &mut Acceptance, set: &TaggedSet) -> Result<(), Rejection> {
        let part = set.part;
        self.follows(acceptance, part)?;
        if part.number == 1 {
            acceptance.abandon(self.incoming);
        }
        self.refuse_days(&set.flagged)?;
        let mut rows = Vec::with_capacity(set.flagged.len());
        let mut held = self.epoch.held_flags(self.incoming.header.partner);
        for (tag, last) in &set.flagged {
            let before = held.get(tag);
            let span = self.span(before, *last, set.renewal)?;
            acceptance.renewed += u32::from(is_renewal(before, span));
            rows.push(Row { tag: *tag, span: Some(span) });
        }
        acceptance.receipt.part = if part.of == 1 { (0, 0) } else { (part.number, part.of) };
        acceptance.account.parts.push(Arc::new(rows.clone()));
        if part.number == part.of {
            self.whole_set(acceptance, set.shrink)?;
            acceptance.remove_overruled(self.incoming, part.of.into());
        } else if acceptance.account.unfinished() > self.may_hold() {
            return Err(self.over_budget(self.may_hold(), "the parts of the set are more than what is left of"));
        }
        acceptance.keep(self.incoming, Some(part), rows);
        Ok(())
    }

    /// Takes the set as a whole, once its last part is there.
    fn whole_set(&self, acceptance: &mut Acceptance, shrink: bool) -> Result<(), Rejection> {
        let parts = std::mem::take(&mut acceptance.account.parts);
        let said: usize = parts.iter().map(|part| part.len()).sum();
        let set = Pending::of_parts(parts);
        let mut before = self.epoch.all_held(self.incoming.header.partner).peekable();
        // Where the partner held nothing, the set is what changes, and millions of rows need not be copied.
        let all_news = before.peek().is_none() && acceptance.account.pending.is_empty();
        let mut distinct = 0;
        let mut held_before = 0;
        let mut held = 0;
        let mut changes = Vec::new();
        for (tag, was, row) in join(before, set.rows().map(|row| (row.tag, row.span))) {
            // A flag of an earlier part may have ended since that part came.
            let is = row.flatten().filter(|span| span.last >= self.today);
            distinct += usize::from(row.is_some());
            held_before += u32::from(was.is_some());
            held += u32::from(is.is_some());
            match (was, is) {
                (None, Some(_)) => acceptance.receipt.added += 1,
                (Some(_), None) => acceptance.receipt.withdrawn += 1,
                (Some(was), Some(is)) => acceptance.receipt.changed += u32::from(was.last != is.last),
                (None, None) => {}
            }
            if was != is && !all_news {
                changes.push(Row { tag, span: is });
            }
        }
        if distinct < said {
            return Err(Rejection::new(Code::Malformed, 0, "a pseudonym stands in two parts of the full set"));
        }
        if !shrink {
            self.refuse_shrink(acceptance.receipt.withdrawn, held_before)?;
        }
        // The first full set of an epoch says again what was flagged before, under a new key.
        let may_carry = if acceptance.account.row.full_seen { 0 } else { self.budget.left_to_carry };
        let (added, kept) = (acceptance.receipt.added, held - acceptance.receipt.added);
        let may_add = self.may_add(self.left_today().saturating_add(may_carry), kept);
        if added > may_add {
            let most = kept + may_add;
            return Err(self.over_budget(most, &format!("a full set of {held} flags is more than the {most} left by")));
        }
        let carried = added.min(may_carry);
        acceptance.cost = Cost { new_flags: added - carried, carried, ..Cost::default() };
        acceptance.changed = acceptance.receipt.added > 0 || !changes.is_empty();
        if all_news {
            acceptance.account.pending = set;
            acceptance.account.pending.expire(self.today);
        } else {
            acceptance.account.pending.push(changes);
        }
        acceptance.account.row.full_seen = true;
        acceptance.account.row.held = held;
        Ok(())
    }

    /// Refuses a full set that withdraws more of the flags that were held than the policy lets pass unsaid.
    fn refuse_shrink(&self, withdrawn: u32, held: u32) -> Result<(), Rejection> {
        let percent = self.policy.max_shrink_percent;
        if u64::from(withdrawn) * 100 <= u64::from(percent) * u64::from(held) {
            return Ok(());
        }
        let sentence = format!(
            "the full set would withdraw {withdrawn} of {held} flags, more than {percent} per cent: \
             if the export was whole, send it again with the shrink bit"
        );
        Err(Rejection::new(Code::Shrink, withdrawn.into(), sentence))
    }

    /// Step 14: a part follows the one before it, or is the first. A later part does so even where the first may follow
    /// anything (5.10).
    fn follows(&self, acceptance: &Acceptance, part: Part) -> Result<(), Rejection> {
        let accepted = self.row.accepted_state();
        let unfinished = acceptance.account.parts.len();
        let last = acceptance.account.batches.last().and_then(|stored| stored.part);
        let is_next = unfinished > 0
            && self.incoming.header.previous == accepted
            && unfinished == usize::from(part.number) - 1
            && last.is_some_and(|(_, of)| of == part.of);
        if part.number == 1 || is_next {
            return Ok(());
        }
        let sentence = "this part of a full set does not follow the part before it: send the set again from part 1";
        Err(Rejection::new(Code::Gap, accepted, sentence))
    }

    /// Refuses last valid days that no flag may have. All days are checked before any flag is, so that the sentence
    /// does not depend on the order of the tags, which is secret.
    fn refuse_days(&self, flagged: &[(Tag, Day)]) -> Result<(), Rejection> {
        let days = || flagged.iter().map(|(_, last)| *last);
        if let Some(last) = days().min().filter(|last| *last < self.today) {
            let sentence = format!("the last valid day {last} has passed: today is {}", self.today);
            return Err(Rejection::new(Code::Clock, 0, sentence));
        }
        let max_days = self.policy.retention.max_days;
        let longest = self.today.plus(max_days);
        if let Some(last) = days().max().filter(|last| *last > longest) {
            let sentence = format!("a flag until {last} lasts too long: {max_days} days from today end on {longest}");
            return Err(Rejection::new(Code::NotPermitted, 0, sentence));
        }
        Ok(())
    }

    /// How long a flag lasts that was held as `before` and is flagged until `last`: SPEC.md 5.5.
    fn span(&self, before: Option<Span>, last: Day, renewal: bool) -> Result<Span, Rejection> {
        let max_days = self.policy.retention.max_days;
        match before {
            Some(before) if last <= before.first.plus(max_days) => Ok(Span { first: before.first, last }),
            Some(_) if !renewal => {
                let sentence = format!(
                    "a flag would last more than {max_days} days since its first: look at it again and declare its \
                     renewal"
                );
                Err(Rejection::new(Code::RenewalNotDeclared, 0, sentence))
            }
            _ => Ok(Span { first: self.today, last }),
        }
    }

    fn left_today(&self) -> u32 {
        self.policy.budgets.new_flags_a_day.saturating_sub(self.budget.spent.new_flags)
    }

    /// How many flags the partner may hold beside those of its organisation's other partners.
    fn may_hold(&self) -> u32 {
        self.policy.budgets.flags_held.saturating_sub(self.budget.held_by_others)
    }

    /// How many flags may be new, where `left` are left of other budgets and `kept` are held already.
    fn may_add(&self, left: u32, kept: u32) -> u32 {
        left.min(self.may_hold().saturating_sub(kept))
    }

    fn over_budget(&self, most: u32, finding: &str) -> Rejection {
        let organisation = &self.incoming.sender.entry.organisation;
        let sentence = format!(
            "{finding} the budgets of '{organisation}', for all its partners together; \
             send fewer, withdraw some first, or send the rest tomorrow (UTC)"
        );
        Rejection::new(Code::OverBudget, most.into(), sentence)
    }
}

/// Whether a flag that was held begins anew.
fn is_renewal(before: Option<Span>, span: Span) -> bool {
    before.is_some_and(|before| before.first != span.first)
}

impl PartnerRow {
    /// Notes an accepted state message.
    pub(super) fn accept(&mut self, incoming: &Incoming<'_>, receipt: Vec<u8>) {
        self.accepted = Some(incoming.replied(receipt));
    }
}
