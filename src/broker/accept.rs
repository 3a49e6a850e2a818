//! State messages: what a delta, a full set or a confirm does to what its partner holds.

use std::ops::Range;
use std::sync::Arc;

use super::Sender;
use super::rows::{Accepted, PartnerRow};
use super::state::{Epoch, Share, Stored};
use super::view::Pending;
use crate::day::{Day, Timestamp};
use crate::message::{Code, Delta, FullSet, Group, LogEntry, Part, Receipt, Rejection};
use crate::policy::Policy;
use crate::slots;
use crate::store::{Batch, BatchId, Row, Span};
use crate::tag::{Pepper, Tag};
use crate::threads::Threads;

/// So many deltas are looked at together, whether they say the same again and again.
const DELTAS_BETWEEN_FOLDS: usize = 16;

/// What a state message says, tagged: what the broker works on once a message was verified.
pub(super) enum Said {
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

/// What an accepted state message does: nothing of it is kept or seen until all of it is on disk.
pub(super) struct Step {
    pub(super) share: Share,
    pub(super) receipt: Receipt,
    /// The batch to keep, if it says anything.
    pub(super) batch: Option<Batch>,
    /// The batches that this message leaves without meaning: of a full set that it abandoned, or that it says again.
    pub(super) abandoned: Vec<BatchId>,
    /// How many rows these have.
    pub(super) gone_rows: u64,
    /// Flags to charge to today's budget.
    pub(super) charge: u32,
    /// Whether what the partner holds changed.
    pub(super) changed: bool,
    /// Flags that were renewed.
    pub(super) renewed: u32,
}

impl Said {
    pub(super) fn delta(delta: &Delta<'_>, pepper: &Pepper, threads: &Threads) -> Said {
        let withdrawn = threads.map(delta.withdrawn, |pseudonym| pepper.tag(pseudonym));
        let withdrawn = slots::sorted(&withdrawn, |tag| tag.number());
        Said::Delta(TaggedDelta { renewal: delta.renewal, flagged: tagged(&delta.flagged, pepper, threads), withdrawn })
    }

    pub(super) fn full_set(set: &FullSet<'_>, pepper: &Pepper, threads: &Threads) -> Said {
        let flagged = tagged(&set.flagged, pepper, threads);
        Said::FullSet(TaggedSet { renewal: set.renewal, shrink: set.shrink, part: set.part, flagged })
    }
}

/// The tags of all groups, ascending, each with its last valid day.
fn tagged(groups: &[Group<'_>], pepper: &Pepper, threads: &Threads) -> Vec<(Tag, Day)> {
    let mut tagged = Vec::with_capacity(groups.iter().map(|group| group.pseudonyms.len()).sum());
    for group in groups {
        threads.extend(&mut tagged, group.pseudonyms, |pseudonym| (pepper.tag(pseudonym), group.last_day));
    }
    slots::sorted(&tagged, |row| row.0.number())
}

/// Decides on a state message whose numbers, policy and permission are in order: steps 14 to 17 of SPEC.md 5.3.
pub(super) fn accept(
    policy: &Policy,
    epoch: &Epoch,
    row: &PartnerRow,
    sender: &Sender,
    said: &Said,
    now: Timestamp,
) -> Result<Step, Rejection> {
    let context = Context { policy, epoch, row, sender, today: now.day() };
    let share = epoch.shares.get(&sender.partner).cloned().unwrap_or_default();
    if !share.row.full_seen && !matches!(said, Said::FullSet(_)) {
        let sentence = "the first state message in an epoch must be a full set: send all your flags as one";
        return Err(Rejection::new(Code::FullSetRequired, 0, sentence));
    }
    let mut step = Step {
        receipt: Receipt {
            log: LogEntry::NONE,
            release: epoch.row.release,
            part: (0, 0),
            added: 0,
            changed: 0,
            withdrawn: 0,
            held: share.row.held,
        },
        share,
        batch: None,
        abandoned: Vec::new(),
        gone_rows: 0,
        charge: 0,
        changed: false,
        renewed: 0,
    };
    match said {
        Said::Confirm => step.abandon(sender),
        Said::Delta(delta) => context.delta(&mut step, delta)?,
        Said::FullSet(set) => context.full_set(&mut step, set)?,
    }
    step.share.row.heard = Some(now);
    step.share.row.changed_since = step.share.row.changed_since.or(step.changed.then_some(now));
    step.receipt.held = step.share.row.held;
    Ok(step)
}

impl Said {
    /// Whether it is a part of a full set, and not the first.
    pub(super) fn is_later_part(&self) -> bool {
        matches!(self, Said::FullSet(set) if set.part.number > 1)
    }

    /// How many pseudonyms it speaks of.
    pub(super) fn count(&self) -> u32 {
        let count = match self {
            Said::Delta(delta) => delta.flagged.len() + delta.withdrawn.len(),
            Said::FullSet(set) => set.flagged.len(),
            Said::Confirm => 0,
        };
        count as u32
    }
}

impl Step {
    /// Lets go of a full set whose last part has not come.
    fn abandon(&mut self, sender: &Sender) {
        let unfinished = self.share.parts.len();
        self.share.parts.clear();
        let whole = self.share.batches.len() - unfinished;
        self.drop_batches(sender, whole..self.share.batches.len());
    }

    /// Lets go of what was said since the last full release, when a whole full set of `parts`, the last not among the batches
    /// yet, is there: it stands for all of it.
    fn drop_overruled(&mut self, sender: &Sender, parts: usize) {
        let released = self.share.row.released;
        let from = self.share.batches.partition_point(|stored| stored.sequence <= released);
        let until = self.share.batches.len() + 1 - parts;
        self.drop_batches(sender, from..until.max(from));
    }

    /// What the delta that said `rows` is to be kept as: now and then all that the deltas since the last full release or full set
    /// come to, when that is less than half of what they said. So a partner that says the same again and again fills no disk.
    fn folded(&mut self, sender: &Sender, rows: Vec<Row>) -> Vec<Row> {
        let released = self.share.row.released;
        let no_delta = |stored: &Stored| stored.part.is_some() || stored.sequence <= released;
        let from = self.share.batches.iter().rposition(no_delta).map_or(0, |at| at + 1);
        let deltas = &self.share.batches[from..];
        if deltas.is_empty() || !deltas.len().is_multiple_of(DELTAS_BETWEEN_FOLDS) {
            return rows;
        }
        let said = deltas.iter().map(|stored| stored.rows).sum::<usize>() + rows.len();
        let all: Vec<Row> = self.share.pending.rows().collect();
        if said <= 2 * all.len() {
            return rows;
        }
        self.drop_batches(sender, from..self.share.batches.len());
        all
    }

    fn drop_batches(&mut self, sender: &Sender, range: Range<usize>) {
        for stored in self.share.batches.drain(range) {
            self.gone_rows += stored.rows as u64;
            self.abandoned.push(sender.batch(stored.sequence));
        }
    }

    /// Keeps `rows` as the batch of this message.
    fn keep(&mut self, sender: &Sender, part: Option<Part>, rows: Vec<Row>) {
        let part = part.map(|part| (part.number, part.of));
        self.share.batches.push(Stored { sequence: sender.sequence, part, rows: rows.len() });
        self.batch = Some(Batch { id: sender.batch(sender.sequence), part, rows });
    }
}

/// What a message is decided in.
struct Context<'a> {
    policy: &'a Policy,
    epoch: &'a Epoch,
    row: &'a PartnerRow,
    sender: &'a Sender,
    today: Day,
}

impl Context<'_> {
    fn delta(&self, step: &mut Step, delta: &TaggedDelta) -> Result<(), Rejection> {
        self.refuse_days(&delta.flagged)?;
        let mut rows = Vec::with_capacity(delta.flagged.len() + delta.withdrawn.len());
        let mut held = self.epoch.held(self.sender.partner);
        for (tag, last) in &delta.flagged {
            let before = held.get(tag);
            let span = self.span(before, *last, delta.renewal)?;
            step.renewed += u32::from(is_renewal(before, span));
            match before {
                None => step.receipt.added += 1,
                Some(before) if before.last != span.last => step.receipt.changed += 1,
                Some(before) if before == span => continue,
                Some(_) => {}
            }
            rows.push(Row { tag: *tag, span: Some(span) });
        }
        for tag in &delta.withdrawn {
            if held.get(tag).is_some() {
                step.receipt.withdrawn += 1;
                rows.push(Row { tag: *tag, span: None });
            }
        }
        let after = step.share.row.held + step.receipt.added - step.receipt.withdrawn;
        self.within_budgets(step.receipt.added, after)?;
        step.charge = step.receipt.added;
        step.abandon(self.sender);
        if !rows.is_empty() {
            // Two runs, that need only be merged.
            rows.sort_by_key(|row| row.tag);
            step.share.pending.push(rows.clone());
            let rows = step.folded(self.sender, rows);
            step.keep(self.sender, None, rows);
            step.changed = true;
        }
        step.share.row.held = after;
        Ok(())
    }

    fn full_set(&self, step: &mut Step, set: &TaggedSet) -> Result<(), Rejection> {
        let part = set.part;
        self.follows(step, part)?;
        if part.number == 1 {
            step.abandon(self.sender);
        }
        self.refuse_days(&set.flagged)?;
        let mut rows = Vec::with_capacity(set.flagged.len());
        let mut held = self.epoch.held(self.sender.partner);
        for (tag, last) in &set.flagged {
            let before = held.get(tag);
            let span = self.span(before, *last, set.renewal)?;
            step.renewed += u32::from(is_renewal(before, span));
            rows.push(Row { tag: *tag, span: Some(span) });
        }
        step.receipt.part = if part.of == 1 { (0, 0) } else { (part.number, part.of) };
        let so_far: usize = step.share.parts.iter().map(|part| part.len()).sum::<usize>() + rows.len();
        let is_too_many = so_far > self.policy.budgets.flags_held as usize;
        if part.number < part.of {
            if is_too_many {
                return Err(held_too_many(self.policy.budgets.flags_held));
            }
            step.share.parts.push(Arc::new(rows.clone()));
        } else {
            self.last_part(step, set.shrink, is_too_many, rows.clone())?;
            step.drop_overruled(self.sender, part.of.into());
        }
        step.keep(self.sender, Some(part), rows);
        Ok(())
    }

    /// Takes the set as a whole, once its last part is there.
    fn last_part(&self, step: &mut Step, shrink: bool, is_too_many: bool, last: Vec<Row>) -> Result<(), Rejection> {
        let mut parts = std::mem::take(&mut step.share.parts);
        parts.push(Arc::new(last));
        let said = parts.iter().map(|part| part.len()).sum::<usize>();
        let set = Pending::of_parts(parts);
        let mut before = 0u64;
        let mut was = self.epoch.all_held(self.sender.partner).inspect(|_| before += 1);
        let mut next_was = was.next();
        // All that is said by a partner that held nothing is news: of millions of rows there is no second copy.
        let all_news = next_was.is_none() && step.share.pending.is_empty();
        let (mut seen, mut held) = (0, 0);
        let (mut changes, mut withdrawn) = (Vec::new(), Vec::new());
        for row in set.rows() {
            seen += 1;
            // A flag of an earlier part may have ended since that part came.
            let Some(is) = row.span.filter(|span| span.last >= self.today) else { continue };
            held += 1;
            while let Some((tag, _)) = next_was.take_if(|(tag, _)| *tag < row.tag) {
                withdrawn.push(Row { tag, span: None });
                next_was = was.next();
            }
            let was_held = next_was.take_if(|(tag, _)| *tag == row.tag).map(|(_, span)| span);
            if was_held.is_some() {
                next_was = was.next();
            }
            match was_held {
                None => step.receipt.added += 1,
                Some(was) if was.last != is.last => step.receipt.changed += 1,
                Some(_) => {}
            }
            if was_held != Some(is) && !all_news {
                changes.push(row);
            }
        }
        if seen < said {
            return Err(Rejection::new(Code::Malformed, 0, "a pseudonym stands in two parts of the full set"));
        }
        withdrawn.extend(next_was.into_iter().chain(was).map(|(tag, _)| Row { tag, span: None }));
        step.receipt.withdrawn = withdrawn.len() as u32;
        let share = u64::from(self.policy.max_shrink_percent) * before;
        if !shrink && u64::from(step.receipt.withdrawn) * 100 > share {
            return Err(Rejection::new(
                Code::Shrink,
                step.receipt.withdrawn.into(),
                format!(
                    "the full set would withdraw {} of {} flags, more than {} per cent: if the export was whole, send it again with the shrink bit",
                    step.receipt.withdrawn, before, self.policy.max_shrink_percent
                ),
            ));
        }
        if is_too_many {
            return Err(held_too_many(self.policy.budgets.flags_held));
        }
        // The first full set of an epoch says again what was flagged before, under a new key.
        step.charge = if step.share.row.full_seen { step.receipt.added } else { 0 };
        self.within_budgets(step.charge, held)?;
        step.changed = step.receipt.added > 0 || !changes.is_empty() || !withdrawn.is_empty();
        if all_news {
            step.share.pending = set;
            step.share.pending.expire(self.today);
        } else {
            if !withdrawn.is_empty() {
                changes.append(&mut withdrawn);
                changes.sort_by_key(|row| row.tag);
            }
            step.share.pending.push(changes);
        }
        step.share.row.full_seen = true;
        step.share.row.recovering = false;
        step.share.row.held = held;
        Ok(())
    }

    /// A part follows the one before it, or is the first.
    fn follows(&self, step: &Step, part: Part) -> Result<(), Rejection> {
        if part.number == 1 {
            return Ok(());
        }
        let unfinished = step.share.parts.len();
        let of = step.share.batches.last().and_then(|stored| stored.part).map(|(_, of)| of);
        if unfinished > 0 && unfinished == usize::from(part.number) - 1 && of == Some(part.of) {
            return Ok(());
        }
        let sentence = "this part of a full set does not follow the part before it: send the set again from part 1";
        Err(Rejection::new(Code::Gap, self.row.accepted_state(), sentence))
    }

    /// Last valid days that no flag may have, held or not. All are looked at before any flag is, so that what is said does not
    /// depend on the order of the tags, which nobody is to learn.
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

    /// How long a flag lasts that is flagged until `last`, and was held as `before`: SPEC.md 5.5.
    fn span(&self, before: Option<Span>, last: Day, renewal: bool) -> Result<Span, Rejection> {
        let max_days = self.policy.retention.max_days;
        match before {
            Some(before) if last <= before.first.plus(max_days) => Ok(Span { first: before.first, last }),
            Some(_) if !renewal => Err(Rejection::new(
                Code::RenewalNotDeclared,
                0,
                format!(
                    "a flag would last more than {max_days} days since its first: look at it again and declare its renewal"
                ),
            )),
            _ => Ok(Span { first: self.today, last }),
        }
    }

    fn within_budgets(&self, charge: u32, held: u32) -> Result<(), Rejection> {
        let budgets = &self.policy.budgets;
        let left = budgets.new_flags_a_day.saturating_sub(self.row.new_flags);
        if charge > left {
            return Err(Rejection::new(
                Code::OverBudget,
                left.into(),
                format!(
                    "{charge} new flags are more than the {left} that are left today; send fewer, or the rest tomorrow (UTC)"
                ),
            ));
        }
        if held > budgets.flags_held && charge > 0 {
            return Err(held_too_many(budgets.flags_held));
        }
        Ok(())
    }
}

/// Whether a flag that was held begins anew.
fn is_renewal(before: Option<Span>, span: Span) -> bool {
    before.is_some_and(|before| before.first != span.first)
}

fn held_too_many(most: u32) -> Rejection {
    let sentence = format!("more than {most} flags would be held; withdraw some first");
    Rejection::new(Code::OverBudget, most.into(), sentence)
}

impl PartnerRow {
    /// Takes note of an accepted state message.
    pub(super) fn accept(&mut self, sender: &Sender, receipt: Vec<u8>, charge: u32) {
        self.accepted = Some(Accepted { sequence: sender.sequence, digest: sender.digest, receipt });
        self.new_flags = self.new_flags.saturating_add(charge);
    }
}
