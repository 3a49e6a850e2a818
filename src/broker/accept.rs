//! State messages: what a delta, a full set or a confirm does to the flags that its partner holds. SPEC.md 5.5.

use std::ops::Range;
use std::sync::Arc;

use super::budgets::{Budget, Cost};
use super::incoming::Incoming;
use super::index::Pending;
use super::join::join;
use super::rows::PartnerRow;
use super::state::{Account, OpenEpoch, StoredBatch};
use crate::address::Level;
use crate::day::Day;
use crate::message::{Code, Delta, FullSet, Group, LogEntry, Part, Receipt, Rejection, Terms};
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
    flagged: Vec<(Tag, Terms)>,
    withdrawn: Vec<Tag>,
}

/// A [`FullSet`], tagged; by ascending tag.
pub(super) struct TaggedSet {
    shrink: bool,
    part: Part,
    flagged: Vec<(Tag, Terms)>,
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
        TaggedFlags::Delta(TaggedDelta { flagged: tagged(&delta.flagged, pepper, threads), withdrawn })
    }

    pub(super) fn full_set(set: &FullSet<'_>, pepper: &Pepper, threads: &Threads) -> TaggedFlags {
        let flagged = tagged(&set.flagged, pepper, threads);
        TaggedFlags::FullSet(TaggedSet { shrink: set.shrink, part: set.part, flagged })
    }
}

/// The tags of all groups, ascending, each with its terms.
fn tagged(groups: &[Group<'_>], pepper: &Pepper, threads: &Threads) -> Vec<(Tag, Terms)> {
    let mut tagged = Vec::with_capacity(groups.iter().map(|group| group.pseudonyms.len()).sum());
    for group in groups {
        threads.extend(&mut tagged, group.pseudonyms, |pseudonym| (pepper.tag(pseudonym), group.terms));
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
    if !account.row.has_set() && !matches!(flags, TaggedFlags::FullSet(_)) {
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
        let unfinished = self.account.abandon();
        self.remove(incoming, &unfinished);
    }

    /// Drops what was said since the last full release, which a whole full set of `parts` takes the place of. Its last
    /// part is not among the batches yet.
    fn remove_overruled(&mut self, incoming: &Incoming<'_>, parts: usize) {
        let released_through = self.account.row.released_through;
        let from = self.account.batches.partition_point(|stored| stored.sequence <= released_through);
        let until = self.account.batches.len() + 1 - parts;
        self.remove_batches(incoming, from..until.max(from));
    }

    /// The rows to keep of a delta that says `rows`: either these, or all that the deltas since the last full release
    /// or full set come to, where that is less than half of what they said. So a partner that says the same again and
    /// again fills no disk.
    fn merged(&mut self, incoming: &Incoming<'_>, rows: Vec<Row>) -> Vec<Row> {
        let released_through = self.account.row.released_through;
        let is_no_delta = |stored: &StoredBatch| stored.part.is_some() || stored.sequence <= released_through;
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
        let batches: Vec<StoredBatch> = self.account.batches.drain(range).collect();
        self.remove(incoming, &batches);
    }

    fn remove(&mut self, incoming: &Incoming<'_>, batches: &[StoredBatch]) {
        self.removed_rows += batches.iter().map(|stored| stored.rows as u64).sum::<u64>();
        self.removed.extend(batches.iter().map(|stored| incoming.batch(stored.sequence)));
    }

    /// Keeps `rows` as the batch of this message.
    fn keep(&mut self, incoming: &Incoming<'_>, part: Option<Part>, rows: Vec<Row>) {
        let part = part.map(|part| (part.number, part.of));
        let sequence = incoming.header.sequence;
        self.account.batches.push(StoredBatch { sequence, part, rows: rows.len() });
        self.batch = Some(Batch { id: incoming.batch(sequence), part, rows });
    }
}

/// A flag of a message, with its days.
struct DatedFlag {
    tag: Tag,
    /// How long it lasts, or lasted, as far as that is known and not forgotten.
    known: Option<Span>,
    /// How long it lasts now.
    span: Span,
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
        let mut rows = Vec::with_capacity(delta.flagged.len() + delta.withdrawn.len());
        for DatedFlag { tag, known, span } in self.dated(acceptance, &delta.flagged)? {
            match known.filter(|known| self.is_held(known)) {
                None => acceptance.receipt.added += 1,
                Some(before) if before.last != span.last => acceptance.receipt.changed += 1,
                Some(before) if before == span => continue,
                Some(_) => {}
            }
            rows.push(Row { tag, span });
        }
        let mut known = self.epoch.known_flags(self.incoming.header.partner);
        for tag in &delta.withdrawn {
            if let Some(before) = known.get(tag).filter(|known| self.is_held(known)) {
                acceptance.receipt.withdrawn += 1;
                rows.push(Row { tag: *tag, span: before.withdrawn(self.today) });
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
        let dated = self.dated(acceptance, &set.flagged)?;
        let mut rows: Vec<Row> = dated.iter().map(|flag| Row { tag: flag.tag, span: flag.span }).collect();
        acceptance.receipt.part = if part.of == 1 { (0, 0) } else { (part.number, part.of) };
        acceptance.account.parts.push(Arc::new(rows.clone()));
        if part.number == part.of {
            rows.extend(self.whole_set(acceptance, set.shrink)?);
            // It is two ascending runs, which a stable sort merges in one pass.
            rows.sort_by_key(|row| row.tag);
            acceptance.remove_overruled(self.incoming, part.of.into());
        } else if acceptance.account.unfinished() > self.may_hold() {
            return Err(self.over_budget(self.may_hold(), "the parts of the set are more than what is left of"));
        }
        acceptance.keep(self.incoming, Some(part), rows);
        Ok(())
    }

    /// Takes the set as a whole, once its last part is there. Returns a row, with its end, for each flag that the
    /// partner had before and the set lacks, unless it is forgotten. They are kept with the set, because the batches
    /// that said them go, and the first day of a flag must be known for 30 days after its end.
    fn whole_set(&self, acceptance: &mut Acceptance, shrink: bool) -> Result<Vec<Row>, Rejection> {
        let parts = std::mem::take(&mut acceptance.account.parts);
        let said: usize = parts.iter().map(|part| part.len()).sum();
        let set = Pending::of_parts(parts);
        let mut before = self.epoch.all_known(self.incoming.header.partner).peekable();
        // Where nothing is known of the partner, the set is what changes, and millions of rows need not be copied.
        let all_news = before.peek().is_none();
        let mut distinct = 0;
        let mut held_before = 0;
        let mut held = 0;
        let mut changes = Vec::new();
        let mut left = Vec::new();
        for (tag, was, is) in join(before, set.rows().map(|row| (row.tag, row.span))) {
            distinct += usize::from(is.is_some());
            let was_held = was.filter(|was| self.is_held(was));
            // A flag of an earlier part may have ended since that part came.
            let is_held = is.filter(|is| self.is_held(is));
            held_before += u32::from(was_held.is_some());
            held += u32::from(is_held.is_some());
            match (was_held, is_held) {
                (None, Some(_)) => acceptance.receipt.added += 1,
                (Some(_), None) => acceptance.receipt.withdrawn += 1,
                (Some(was), Some(is)) => acceptance.receipt.changed += u32::from(was.last != is.last),
                (None, None) => {}
            }
            let gone = || was.map(|was| was.withdrawn(self.today));
            let Some(span) = is.or_else(gone).filter(|span| !span.is_forgotten(self.today)) else { continue };
            let row = Row { tag, span };
            if is.is_none() {
                left.push(row);
            }
            if was != Some(span) && !all_news {
                changes.push(row);
            }
        }
        if distinct < said {
            return Err(Rejection::new(Code::Malformed, 0, "a pseudonym stands in two parts of the full set"));
        }
        if !shrink {
            self.refuse_shrink(acceptance.receipt.withdrawn, held_before)?;
        }
        // The first full set of an epoch says again what was flagged before, under a new key.
        let may_carry = if acceptance.account.row.delivered { 0 } else { self.budget.left_to_carry };
        let (added, kept) = (acceptance.receipt.added, held - acceptance.receipt.added);
        let may_add = self.may_add(self.left_today().saturating_add(may_carry), kept);
        if added > may_add {
            let most = kept + may_add;
            return Err(self.over_budget(most, &format!("a full set of {held} flags is more than the {most} left by")));
        }
        let carried = added.min(may_carry);
        acceptance.cost = Cost { new_flags: added - carried, carried, delivers: true, ..Cost::default() };
        acceptance.changed = acceptance.receipt.added > 0 || !changes.is_empty();
        if all_news {
            acceptance.account.pending = set;
        } else {
            acceptance.account.pending.push(changes);
        }
        acceptance.account.row.delivered = true;
        acceptance.account.row.ended = None;
        acceptance.account.row.held = held;
        Ok(left)
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

    /// Step 14: a part follows the one before it, or is the first.
    fn follows(&self, acceptance: &Acceptance, part: Part) -> Result<(), Rejection> {
        let unfinished = acceptance.account.parts.len();
        let last = acceptance.account.batches.last().and_then(|stored| stored.part);
        let is_next =
            unfinished > 0 && unfinished == usize::from(part.number) - 1 && last.is_some_and(|(_, of)| of == part.of);
        if part.number == 1 || is_next {
            return Ok(());
        }
        let sentence = "this part of a full set does not follow the part before it: send the set again from part 1";
        Err(Rejection::new(Code::Gap, self.row.accepted_state(), sentence))
    }

    /// The days of the flags of a message: SPEC.md 5.5. Each thing is looked at in all flags before the next, so that
    /// what is said does not depend on the order of the tags, which is secret.
    fn dated(&self, acceptance: &mut Acceptance, flagged: &[(Tag, Terms)]) -> Result<Vec<DatedFlag>, Rejection> {
        let days = || flagged.iter().map(|(_, terms)| terms.last_day);
        if let Some(last) = days().min().filter(|last| *last < self.today) {
            let sentence = format!("the last valid day {last} has passed: today is {}", self.today);
            return Err(Rejection::new(Code::Clock, 0, sentence));
        }
        if !self.policy.counting.levels.contains(&Level::Number) && flagged.iter().any(|(_, terms)| terms.house_number)
        {
            // Flags that are said to be of house numbers are held to no first day.
            let sentence = "the policy counts no house numbers, so that no flag is one of a house number";
            return Err(Rejection::new(Code::NotPermitted, 0, sentence));
        }
        let retention = &self.policy.retention;
        let max_days = retention.max_days;
        let longest = self.today.plus(max_days);
        if let Some(last) = days().max().filter(|last| *last > longest) {
            let sentence = format!("a flag until {last} lasts too long: {max_days} days from today end on {longest}");
            return Err(Rejection::new(Code::NotPermitted, 0, sentence));
        }
        let mut known = self.epoch.known_flags(self.incoming.header.partner);
        let (mut too_often, mut without_reason) = (0, false);
        let mut dated = Vec::with_capacity(flagged.len());
        for (tag, terms) in flagged {
            let known = known.get(tag).filter(|known| !known.is_forgotten(self.today));
            let said = terms.first_day.min(self.today);
            // A house number's flag follows that of a home at it, so that an earlier home's first day says nothing.
            let since = known.filter(|_| !terms.house_number);
            let span = Span { first: since.map_or(said, |known| known.first.min(said)), last: terms.last_day };
            let renewals = retention.renewals(span.first, span.last);
            too_often += u64::from(renewals > retention.max_renewals.into());
            without_reason |= renewals > 0 && terms.renewal.is_none();
            acceptance.renewed +=
                u32::from(since.is_some_and(|known| retention.renewals(span.first, known.last) < renewals));
            dated.push(DatedFlag { tag: *tag, known, span });
        }
        if too_often > 0 {
            let sentence = format!(
                "{too_often} flags would last more than {} days since their first, the most that {} renewals of \
                 {max_days} days allow: end them, and flag again only on a new observation",
                retention.longest_days(),
                retention.max_renewals
            );
            return Err(Rejection::new(Code::TooManyRenewals, too_often, sentence));
        }
        if without_reason {
            let sentence = format!(
                "a flag would last more than {max_days} days since its first: look at it again and renew it, with the \
                 reason"
            );
            return Err(Rejection::new(Code::RenewalNotDeclared, 0, sentence));
        }
        Ok(dated)
    }

    fn is_held(&self, span: &Span) -> bool {
        !span.ended(self.today)
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

impl PartnerRow {
    /// Notes an accepted state message.
    pub(super) fn accept(&mut self, incoming: &Incoming<'_>, receipt: Vec<u8>) {
        self.accepted = Some(incoming.replied(receipt));
    }
}
