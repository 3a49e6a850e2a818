//! How the conversations of a year went, all partners together, from what each reported: spec/after-a-hit.md,
//! section 8.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Broker;
use super::rows::YearRow;
use crate::day::Day;
use crate::message::YearCell;
use crate::policy::{Policy, RosterEntry};

/// All ways in which a conversation can go.
const ALL_WAYS: u8 = 0x1f;

/// Totals are of so many organisations at least: with two, each would read off the other's from its own.
const FEWEST_ORGANISATIONS: usize = 3;

/// What partners reported of a year.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportedYear {
    /// The year.
    pub year: u16,
    /// The partners that reported, by number, also those that left the roster since.
    pub reported: Vec<u16>,
    /// The partners of the roster that may flag, whose organisations took part in the year, and that have not
    /// reported, by number.
    pub missing: Vec<u16>,
    /// What they reported, together.
    pub totals: YearTotals,
}

/// How the conversations of a year went. Each counts once for each partner in it, the coordinator apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum YearTotals {
    /// Some may still report. Nothing is told before, since two totals with a report in between would tell that report.
    Wait,
    /// Fewer than three organisations of the roster reported ten or more conversations.
    TooFew,
    /// The sums.
    Told {
        /// Partners that had fewer than ten conversations, which are in no sum.
        small: u32,
        /// The partners that are in the sums.
        counted: u32,
        /// Ascending by what they count. Ways that one partner merged are merged for all, so that each number is a sum
        /// of whole cells that were reported, and nothing under ten follows from it.
        cells: Vec<YearCell>,
    },
}

impl Broker {
    /// How the conversations went that began in a year, as partners reported it once the year was over, and who has
    /// not. Totals are told once all have reported, or once nobody can any more, a year later.
    pub fn reported_year(&self, year: u16) -> ReportedYear {
        let in_force = self.in_force();
        self.database.inspect(|state| {
            let rows = state.meet.years.range((year, 0)..=(year, u16::MAX));
            let rows: BTreeMap<u16, &YearRow> = rows.map(|((_, partner), row)| (*partner, row)).collect();
            account(in_force.policy(), year, state.latest_moment().day(), &rows)
        })
    }
}

fn account(policy: &Policy, year: u16, today: Day, rows: &BTreeMap<u16, &YearRow>) -> ReportedYear {
    // Under a policy without a `[meet]` nobody can report.
    let may_report = |entry: &&RosterEntry| policy.meet.is_some() && entry.may.flag && took_part(policy, entry, year);
    let due = policy.partners.iter().filter(may_report);
    let mut missing: Vec<u16> = due.map(|entry| entry.number).filter(|number| !rows.contains_key(number)).collect();
    missing.sort_unstable();
    let may_come = today.year() <= year || today.year() == year + 1 && !missing.is_empty();
    let totals = if may_come { YearTotals::Wait } else { totals(policy, rows) };
    ReportedYear { year, reported: rows.keys().copied().collect(), missing, totals }
}

/// Whether a partner's organisation took part in an epoch of the year. The policy may not have the epochs of before
/// any more: then it counts whether it takes part in the first that there is.
fn took_part(policy: &Policy, entry: &RosterEntry, year: u16) -> bool {
    let first = policy.epochs.iter().map(|epoch| epoch.number).min();
    let epochs = policy.epochs.iter().filter(|epoch| epoch.opens.year() <= year || Some(epoch.number) == first);
    epochs.into_iter().any(|epoch| policy.takes_part(&entry.organisation, epoch.number))
}

fn totals(policy: &Policy, rows: &BTreeMap<u16, &YearRow>) -> YearTotals {
    let is_small = |row: &YearRow| row.cells == [(ALL_WAYS, 0)];
    let counted: Vec<(u16, &YearRow)> =
        rows.iter().map(|(partner, row)| (*partner, *row)).filter(|(_, row)| !is_small(row)).collect();
    let organisations: BTreeSet<_> =
        counted.iter().filter_map(|(partner, _)| policy.partner(*partner)).map(|entry| &entry.organisation).collect();
    if organisations.len() < FEWEST_ORGANISATIONS {
        return YearTotals::TooFew;
    }
    let mut cells: Vec<YearCell> = Vec::new();
    for (ways, number) in counted.iter().flat_map(|(_, row)| &row.cells) {
        let (joined, apart): (Vec<_>, Vec<_>) = cells.into_iter().partition(|cell| cell.ways & ways != 0);
        let mut cell = YearCell { ways: *ways, number: *number };
        for one in joined {
            cell.ways |= one.ways;
            cell.number = cell.number.saturating_add(one.number);
        }
        cells = apart;
        cells.push(cell);
    }
    cells.sort_unstable_by_key(|cell| cell.ways);
    YearTotals::Told { small: (rows.len() - counted.len()) as u32, counted: counted.len() as u32, cells }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;
    use proptest::prelude::*;

    fn of(policy: &Policy, today: &str, reports: &[(u16, &[(u8, u32)])]) -> ReportedYear {
        let rows: Vec<_> = reports.iter().map(|(of, cells)| (*of, YearRow { cells: cells.to_vec() })).collect();
        account(policy, 2026, today.parse().unwrap(), &rows.iter().map(|(of, row)| (*of, row)).collect())
    }

    const EACH: &[(u8, u32)] = &[(0x01, 12), (0x02, 30), (0x04, 11), (0x08, 10), (0x10, 40)];
    const SMALL: &[(u8, u32)] = &[(0x1f, 0)];

    #[test]
    fn totals_are_told_once_no_report_can_come_between_two_of_them() {
        let policy = sample::with_meet(&[]);
        let all: [(u16, &[(u8, u32)]); 4] = [(1, EACH), (2, EACH), (3, EACH), (4, SMALL)];
        let waits = of(&policy, "2027-12-31", &all[..3]);
        assert_eq!((waits.reported, waits.missing, waits.totals), (vec![1, 2, 3], vec![4], YearTotals::Wait));
        let sums = [(0x01, 36), (0x02, 90), (0x04, 33), (0x08, 30), (0x10, 120)];
        let told = |small, reported: ReportedYear| {
            let cells = sums.iter().map(|(ways, number)| YearCell { ways: *ways, number: *number }).collect();
            assert_eq!(reported.totals, YearTotals::Told { small, counted: 3, cells });
        };
        told(1, of(&policy, "2027-01-02", &all));
        told(0, of(&policy, "2028-01-01", &all[..3]));
        assert_eq!(of(&policy, "2026-12-31", &all).totals, YearTotals::Wait, "the year is not over");
        assert_eq!(of(&policy, "2027-01-02", &[]).missing, [1, 2, 3, 4], "and not the coordinator");
    }

    #[test]
    fn two_organisations_are_told_no_total() {
        let policy = sample::with_meet(&[]);
        let few = |reports: &[(u16, &[(u8, u32)])]| of(&policy, "2028-01-01", reports).totals == YearTotals::TooFew;
        assert!(few(&[]));
        let without = of(&sample::policy(), "2027-01-02", &[(1, EACH)]);
        assert_eq!((without.missing, without.totals), (vec![], YearTotals::TooFew), "nobody can report any more");
        assert!(few(&[(1, EACH), (2, EACH), (3, SMALL), (4, SMALL)]));
        assert!(few(&[(1, EACH), (2, EACH), (9, EACH)]), "of whom is not known whose it was");
        assert!(!few(&[(1, EACH), (2, EACH), (9, EACH), (4, EACH)]));
        let second = "[[partner]]\nnumber = 6\nname = \"Politie, recherche\"\norganisation = \"politie\"\n\
                      may = [\"flag\"]\nlegal_basis_flag = \"Politiewet 2012, artikel 3\"\n\n[[partner]]\nnumber = 2";
        let policy = sample::with_meet(&[("[[partner]]\nnumber = 2", second)]);
        assert_eq!(of(&policy, "2028-01-01", &[(1, EACH), (2, EACH), (6, EACH)]).totals, YearTotals::TooFew);
    }

    #[test]
    fn who_joined_after_the_year_is_not_waited_for() {
        let epoch = "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\nopens = 2027-02-01\n\
                     closes = 2027-11-30\n\n[[organisation]]";
        let closes = sample::with_meet(&[]).epochs[0].closes;
        let closes = format!("closes = {closes}");
        let (slug, joins) = ("slug = \"zaanwonen\"\n", "slug = \"zaanwonen\"\nfirst_epoch = 2\n");
        let version = format!("version = 2\nprevious = \"{}\"", "0".repeat(64));
        let changes = [
            ("version = 1", &version[..]),
            ("[[organisation]]", epoch),
            (&closes, "closes = 2027-02-20"),
            (slug, joins),
        ];
        let policy = sample::with_meet(&changes);
        let of_year = |year| account(&policy, year, "2028-01-01".parse().unwrap(), &BTreeMap::new()).missing;
        assert_eq!(of_year(2026).len(), 3);
        assert_eq!(of_year(2027).len(), 4);
        assert_eq!(of_year(2025), of_year(2026), "the policy has no epoch of that year");
    }

    proptest! {
        #[test]
        fn each_number_is_a_sum_of_whole_cells_and_all_of_them_are_in_one(
            counts in prop::collection::vec(prop::array::uniform5(0u8..4), 3..5)
        ) {
            // Each way's cell is the one of the same digit.
            let report = |digits: &[u8; 5]| {
                let mut cells: BTreeMap<u8, u8> = BTreeMap::new();
                digits.iter().enumerate().for_each(|(way, digit)| *cells.entry(*digit).or_default() |= 1 << way);
                let mut cells: Vec<(u8, u32)> = cells.values().map(|ways| (*ways, 10 + u32::from(*ways))).collect();
                cells.sort_unstable();
                cells
            };
            let reports: Vec<Vec<(u8, u32)>> = counts.iter().map(report).collect();
            let given: Vec<_> = (1..).zip(&reports).map(|(of, cells)| (of, &cells[..])).collect();
            let told = of(&sample::with_meet(&[]), "2028-01-01", &given).totals;
            let YearTotals::Told { cells, counted, .. } = told else {
                panic!("nothing is told");
            };
            prop_assert_eq!(counted as usize, reports.len());
            prop_assert_eq!(cells.iter().fold(0, |all, cell| all + u32::from(cell.ways)), u32::from(ALL_WAYS));
            for cell in &cells {
                let within: Vec<_> = reports.iter().flatten().filter(|one| one.0 & cell.ways != 0).collect();
                prop_assert!(within.iter().all(|one| one.0 & !cell.ways == 0));
                prop_assert_eq!(cell.number, within.iter().map(|one| one.1).sum::<u32>());
                prop_assert!(cell.number >= 10 * reports.len() as u32);
            }
        }
    }
}
