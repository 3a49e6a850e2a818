//! How many of an organisation's flags are stacked, for a pilot that is told no more: spec/after-a-hit.md, section 7.

use std::collections::BTreeSet;

use super::super::stacks::tens;
use super::super::state::OpenEpoch;
use super::rows::TotalsRow;
use crate::policy::{Counting, Policy};
use crate::slug::Slug;

/// Of fewer flags nothing is told but their number.
const FEWEST_FLAGS: u64 = 100;

/// A cell of fewer is merged.
const FEWEST_IN_A_CELL: u64 = 10;

/// The totals of the release in force.
pub(super) fn totals(policy: &Policy, number: u32, organisation: &Slug, epoch: &OpenEpoch) -> TotalsRow {
    let today = epoch.row.as_of.day();
    let enough_sources = epoch.tally.sources(policy, number, today) >= usize::from(policy.counting.min_sources);
    let mut flags = 0;
    // By how many organisations flag it, of those that the organisation flags.
    let mut counted: Vec<u64> = Vec::new();
    let mut count = |flagging: &mut BTreeSet<&Slug>| {
        if flagging.contains(organisation) {
            flags += 1;
            if counted.len() <= flagging.len() {
                counted.resize(flagging.len() + 1, 0);
            }
            counted[flagging.len()] += 1;
        }
        flagging.clear();
    };
    let mut flagging = BTreeSet::new();
    let mut last = None;
    for (tag, flag) in epoch.index.all_known().filter(|(_, flag)| !flag.span.ended(today)) {
        if last.replace(tag).is_some_and(|last| last != tag) {
            count(&mut flagging);
        }
        flagging.extend(policy.flags_for(flag.partner, number));
    }
    count(&mut flagging);
    if !enough_sources {
        // Nothing is stacked then.
        counted.clear();
    }
    TotalsRow {
        release: epoch.row.release,
        as_of: epoch.row.as_of,
        flags: tens(flags) as u32,
        cells: if flags >= FEWEST_FLAGS { cells(&counted, &policy.counting) } else { Vec::new() },
    }
}

/// The bands, merged until each has ten or there is one alone.
fn cells(counted: &[u64], counting: &Counting) -> Vec<(u8, (u8, u32))> {
    let bounds: Vec<u8> = counting.bands().collect();
    let sum = |from: u8, to: u8| -> u64 {
        let all = counted.iter().enumerate().skip(from.into());
        all.filter(|(count, _)| to == 0 || *count <= usize::from(to)).map(|(_, number)| number).sum()
    };
    // From the highest down, each with the one below where it has too few.
    let mut cells: Vec<(u8, u8, u64)> = Vec::new();
    let mut to = 0;
    for from in bounds.iter().rev() {
        let number = sum(*from, to);
        if number >= FEWEST_IN_A_CELL || *from == counting.threshold {
            cells.push((*from, to, number));
            to = from - 1;
        }
    }
    // The lowest, with the one above.
    if let [.., above, lowest] = &mut cells[..]
        && lowest.2 < FEWEST_IN_A_CELL
    {
        *above = (lowest.0, above.1, above.2 + lowest.2);
        cells.pop();
    }
    cells.into_iter().rev().map(|(from, to, number)| (from, (to, tens(number) as u32))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;
    use proptest::prelude::*;

    fn of(counted: &[u64], cap: u8) -> Vec<(u8, u8, u32)> {
        let changed = format!("threshold = 2\ncount_cap = {cap}");
        let counting = sample::changed(&[("threshold = 2", &changed)]).counting.clone();
        cells(counted, &counting).into_iter().map(|(from, (to, number))| (from, to, number)).collect()
    }

    #[test]
    fn small_cells_are_merged_with_the_one_below_and_the_lowest_with_the_one_above() {
        // Bands from 2, 4 and 8.
        assert_eq!(of(&[0, 50, 20, 15, 13, 0, 0, 0, 10], 8), [(2, 3, 30), (4, 7, 10), (8, 0, 10)]);
        assert_eq!(of(&[0, 50, 20, 15, 13, 0, 0, 0, 9], 8), [(2, 3, 30), (4, 0, 20)]);
        assert_eq!(of(&[0, 50, 20, 15, 3, 0, 0, 0, 9], 8), [(2, 3, 30), (4, 0, 10)]);
        assert_eq!(of(&[0, 50, 20, 15, 0, 0, 0, 0, 9], 8), [(2, 0, 40)]);
        assert_eq!(of(&[0, 50, 4, 4, 13, 0, 0, 0, 10], 8), [(2, 7, 20), (8, 0, 10)]);
        assert_eq!(of(&[0, 50, 4, 4], 8), [(2, 0, 0)], "fewer than ten");
        assert_eq!(of(&[0, 50], 8), of(&[0, 50, 4, 4], 8), "also where there is none");
    }

    proptest! {
        #[test]
        fn each_cell_has_ten_or_is_alone_and_together_they_are_all(
            counted in prop::collection::vec(0u64..40, 0..12),
            cap in 2u8..12,
        ) {
            let told = of(&counted, cap);
            let all: u64 = counted.iter().skip(2).sum();
            prop_assert_eq!(told.first().map(|cell| cell.0), Some(2));
            prop_assert_eq!(told.last().map(|cell| cell.1), Some(0));
            prop_assert!(told.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
            prop_assert!(told.len() == 1 || told.iter().all(|cell| cell.2 >= 10));
            let sum: u64 = told.iter().map(|cell| u64::from(cell.2)).sum();
            prop_assert!(sum <= all && all - sum < 10 * told.len() as u64);
        }
    }
}
