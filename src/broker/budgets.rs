//! What an organisation spent of its budgets, and what is left of them: they are its own, whatever its number of
//! partners. SPEC.md 5.6.

use serde::Serialize;

use super::rows::{OrganisationRow, write_row};
use super::state::{BrokerState, OpenEpoch};
use crate::codes::named;
use crate::day::Day;
use crate::policy::Policy;
use crate::slug::Slug;
use crate::store::{Change, Key};

named! {
    /// A budget of an organisation.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    pub enum BudgetKind {
        /// New flags on a day.
        NewFlagsADay => "new_flags_a_day",
        /// Flags held at a time.
        FlagsHeld => "flags_held",
        /// Pseudonyms asked on a day.
        AskedADay => "asked_a_day",
        /// Pseudonyms asked in an epoch.
        AskedAnEpoch => "asked_an_epoch",
        /// Pseudonyms swept on a day.
        SweptADay => "swept_a_day",
        /// Status requests on a day.
        StatusADay => "status_a_day",
    }
}

/// What an organisation used of a budget, in tenths of it: of a budget of less than a hundred in steps of ten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BudgetUse {
    /// The organisation.
    pub organisation: Slug,
    /// The budget.
    pub budget: BudgetKind,
    /// The epoch, where the budget is one's.
    pub epoch: Option<u32>,
    /// How much the policy allows.
    pub allowed: u32,
    /// At least so much was used.
    pub used: u32,
}

/// What bounds a message of an organisation's partner in the epoch that it names.
#[derive(Clone)]
pub(super) struct Budget {
    /// What the organisation spent.
    pub(super) spent: OrganisationRow,
    /// Flags that its other partners hold there, or say in full sets whose last part has not come.
    pub(super) held_by_others: u32,
    /// New flags beyond the day's that first full sets may still bring there.
    pub(super) left_to_carry: u32,
}

/// What a message costs.
#[derive(Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) new_flags: u32,
    /// New flags of a first full set that are free of the day's budget.
    pub(super) carried: u32,
    pub(super) asked: u32,
    pub(super) swept: u32,
    pub(super) status: u32,
    /// New rows put forward.
    pub(super) new_rows: u32,
    /// Whether it is a full set, or the last part of one.
    pub(super) delivers: bool,
}

impl OrganisationRow {
    pub(super) fn new(slug: Slug) -> OrganisationRow {
        let (began_in, held_before, epochs, totals) = Default::default();
        OrganisationRow {
            slug,
            day: Day(0),
            new_flags: 0,
            asked: 0,
            swept: 0,
            status: 0,
            new_rows: 0,
            notes: 0,
            began_in,
            held_before,
            epochs,
            totals,
        }
    }

    /// Begins a new day's budgets, if it is one.
    fn turn_day(&mut self, today: Day) {
        if today > self.day {
            self.day = today;
            (self.new_flags, self.asked, self.swept, self.status) = (0, 0, 0, 0);
            (self.new_rows, self.notes) = (0, 0);
        }
    }

    pub(super) fn asked_in(&self, epoch: u32) -> u32 {
        self.epochs.get(&epoch).map_or(0, |spent| spent.asked)
    }

    pub(super) fn spend(&mut self, epoch: u32, cost: &Cost) {
        let add = |spent: &mut u32, cost| *spent = spent.saturating_add(cost);
        add(&mut self.new_flags, cost.new_flags);
        add(&mut self.asked, cost.asked);
        add(&mut self.swept, cost.swept);
        add(&mut self.status, cost.status);
        add(&mut self.new_rows, cost.new_rows);
        if cost.delivers {
            self.began_in.get_or_insert(epoch);
        }
        if cost.asked > 0 || cost.carried > 0 {
            let spent = self.epochs.entry(epoch).or_default();
            add(&mut spent.asked, cost.asked);
            add(&mut spent.carried, cost.carried);
        }
    }
}

/// The fewest of a budget's steps: of a smaller step, two pages a while apart would tell what few flags or questions
/// came in between.
const SMALLEST_STEP: u32 = 10;

impl BudgetUse {
    fn new(organisation: &Slug, budget: BudgetKind, epoch: Option<u32>, (allowed, used): (u32, u32)) -> BudgetUse {
        let step = (allowed / 10).max(SMALLEST_STEP);
        // That nothing is left is told, since the organisation's messages are rejected then.
        let used = if used >= allowed { allowed } else { used - used % step };
        BudgetUse { organisation: organisation.clone(), budget, epoch, allowed, used }
    }
}

/// What the organisations used of their budgets, as it is shown. Those are left out that nobody may use of the
/// organisation.
pub(super) fn used(state: &BrokerState, policy: &Policy, today: Day) -> Vec<BudgetUse> {
    let mut all = Vec::new();
    let budgets = &policy.budgets;
    for organisation in policy.organisations.iter().map(|one| &one.slug) {
        let entries = || policy.partners.iter().filter(|entry| entry.organisation == *organisation);
        let flags = entries().any(|entry| entry.may.flag);
        let asks = entries().any(|entry| entry.may.ask);
        let sweeps = entries().any(|entry| entry.may.sweep);
        let mut spent = state.spent(organisation);
        spent.turn_day(today);
        let mut add = |may: bool, budget, epoch, allowed: u32, used| {
            if may && allowed > 0 {
                all.push(BudgetUse::new(organisation, budget, epoch, (allowed, used)));
            }
        };
        add(flags, BudgetKind::NewFlagsADay, None, budgets.new_flags_a_day, spent.new_flags);
        for (number, open) in &state.epochs {
            let held = open.accounts_of(policy, organisation).map(|(_, account)| account.row.held).sum();
            add(flags, BudgetKind::FlagsHeld, Some(*number), budgets.flags_held, held);
        }
        add(asks, BudgetKind::AskedADay, None, budgets.asked_a_day, spent.asked);
        for number in state.epochs.keys() {
            add(asks, BudgetKind::AskedAnEpoch, Some(*number), budgets.asked_an_epoch, spent.asked_in(*number));
        }
        add(sweeps, BudgetKind::SweptADay, None, budgets.swept_a_day, spent.swept);
        add(true, BudgetKind::StatusADay, None, budgets.status_a_day, spent.status);
    }
    all
}

impl BrokerState {
    /// What bounds a message of `partner`, which is one of `organisation`'s.
    pub(super) fn budget(
        &self,
        policy: &Policy,
        (organisation, partner): (&Slug, u16),
        epoch: u32,
        today: Day,
    ) -> Budget {
        let mut spent = self.spent(organisation);
        spent.turn_day(today);
        let open = self.epochs.get(&epoch);
        let others = open.into_iter().flat_map(|open| open.accounts_of(policy, organisation));
        let others = others.filter(|(number, _)| **number != partner);
        let held_by_others = others.map(|(_, account)| account.row.held.max(account.unfinished())).sum();
        Budget { spent, held_by_others, left_to_carry: self.left_to_carry(policy, organisation, epoch) }
    }

    fn spent(&self, organisation: &Slug) -> OrganisationRow {
        let found = self.organisations.iter().find(|row| row.slug == *organisation);
        found.cloned().unwrap_or_else(|| OrganisationRow::new(organisation.clone()))
    }

    /// Keeps what an organisation spent.
    pub(super) fn keep_spent(&mut self, row: OrganisationRow, change: &mut Change) {
        let at = self.organisations.iter().position(|known| known.slug == row.slug);
        let at = at.unwrap_or(self.organisations.len());
        change.rows.push((Key::Organisation(at as u32), Some(write_row(&row))));
        match self.organisations.get_mut(at) {
            Some(known) => *known = row,
            None => self.organisations.push(row),
        }
    }

    /// New flags beyond the day's that first full sets of an organisation's partners may still bring in an epoch: as
    /// many as it holds in the epoch before, or held when that closed; in the epoch of its first full set of all as the
    /// policy says. None once all its partners that may flag have delivered.
    fn left_to_carry(&self, policy: &Policy, organisation: &Slug, epoch: u32) -> u32 {
        let is_delivered = |number: &u16| {
            let account = self.epochs.get(&epoch).and_then(|open| open.accounts.get(number));
            account.is_some_and(|account| account.row.delivered)
        };
        let flagging = policy.partners.iter().filter(|entry| entry.organisation == *organisation && entry.may.flag);
        if flagging.map(|entry| entry.number).all(|number| is_delivered(&number)) {
            return 0;
        }
        let row = self.spent(organisation);
        let spent = row.epochs.get(&epoch).copied().unwrap_or_default();
        let may_carry = spent.may_carry.or_else(|| {
            let mut before = self.epochs.range(..epoch).rev();
            let held = before.find_map(|(number, open)| self.held_in(policy, organisation, *number, open));
            held.or(row.held_before)
        });
        let is_first = row.began_in.is_none_or(|began_in| began_in == epoch);
        let to_begin_with = if is_first { policy.budgets.first_set_flags } else { 0 };
        may_carry.unwrap_or(to_begin_with).saturating_sub(spent.carried)
    }

    /// Flags that an organisation holds in an epoch; `None` where it has delivered nothing there. After a restore those
    /// count too that it may still say again.
    fn held_in(&self, policy: &Policy, organisation: &Slug, number: u32, open: &OpenEpoch) -> Option<u32> {
        let accounts = || open.accounts_of(policy, organisation).map(|(_, account)| &account.row);
        let is_restored = self.spent(organisation).epochs.get(&number).is_some_and(|spent| spent.may_carry.is_some());
        let held = accounts().map(|row| row.held).sum();
        if is_restored {
            return Some(self.left_to_carry(policy, organisation, number).saturating_add(held));
        }
        accounts().any(|row| row.delivered).then_some(held)
    }

    /// Notes what organisations hold in an epoch that closes: so much they may carry over to the next one.
    pub(super) fn close_budgets(&mut self, policy: &Policy, number: u32, change: &mut Change) {
        let Some(open) = self.epochs.get(&number) else { return };
        let held = |slug: &Slug| self.held_in(policy, slug, number, open);
        let rows: Vec<_> = policy.organisations.iter().map(|one| (self.spent(&one.slug), held(&one.slug))).collect();
        for (mut row, held) in rows {
            let was_spent = row.epochs.remove(&number).is_some();
            if held.is_some() || was_spent {
                row.held_before = held.or(row.held_before);
                self.keep_spent(row, change);
            }
        }
    }

    /// After a restore what each organisation held in the copy may come again in first full sets, and what it could
    /// flag on the `days` between; flags of the day of the restore itself are new on the day on which they come.
    pub(super) fn restore_budgets(&mut self, policy: &Policy, days: u16, change: &mut Change) {
        let added = policy.budgets.new_flags_a_day.saturating_mul(days.into());
        let mut rows = Vec::new();
        for organisation in &policy.organisations {
            let mut row = self.spent(&organisation.slug);
            for (number, open) in &self.epochs {
                let held: u32 = open.accounts_of(policy, &organisation.slug).map(|(_, account)| account.row.held).sum();
                let left = self.left_to_carry(policy, &organisation.slug, *number);
                let spent = row.epochs.entry(*number).or_default();
                spent.carried = 0;
                spent.may_carry = Some(held.saturating_add(left).saturating_add(added));
            }
            rows.push(row);
        }
        rows.into_iter().for_each(|row| self.keep_spent(row, change));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_told_in_steps_in_which_few_flags_do_not_show() {
        let organisation: Slug = "politie".parse().unwrap();
        let told = |allowed, used| BudgetUse::new(&organisation, BudgetKind::NewFlagsADay, None, (allowed, used)).used;
        assert_eq!(
            [0, 99, 100, 199, 999, 1_000, 1_001].map(|used| told(1_000, used)),
            [0, 0, 100, 100, 900, 1_000, 1_000]
        );
        assert_eq!([0, 9, 10, 24, 25].map(|used| told(25, used)), [0, 0, 10, 20, 25]);
        assert_eq!([0, 3, 4].map(|used| told(4, used)), [0, 0, 4]);
    }
}
