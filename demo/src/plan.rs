//! Chooses which homes each system flags, so that stacks of every height occur.

use crate::chance::Chance;
use crate::consortium::{HOUSING, INSPECTION, POLICE, SAFETY, SYSTEMS, TAX};

/// Which homes each system flags. Homes are named by their place in the town.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// By system: homes flagged as long as the policy lets a flag last.
    pub(crate) long: [Vec<usize>; SYSTEMS.len()],
    /// By system: homes flagged until the end of the month.
    pub(crate) short: [Vec<usize>; SYSTEMS.len()],
    /// What the tax office flags later: half of it is flagged by somebody else already.
    pub(crate) later: Vec<usize>,
}

/// The municipality, which has two systems.
const MUNICIPALITY: &[&[usize]] = &[&[SAFETY], &[INSPECTION], &[SAFETY, INSPECTION]];

const SINGLES: &[&[usize]] = &[&[TAX], &[SAFETY], &[POLICE], &[HOUSING], &[TAX], &[SAFETY]];
const PAIRS: &[&[usize]] =
    &[&[POLICE, SAFETY], &[POLICE, TAX], &[TAX, HOUSING], &[HOUSING, SAFETY], &[POLICE, HOUSING], &[TAX, SAFETY]];
const TRIPLES: &[&[usize]] =
    &[&[POLICE, TAX, SAFETY], &[TAX, HOUSING, SAFETY], &[POLICE, HOUSING, SAFETY], &[POLICE, TAX, HOUSING]];
const ALL: &[&[usize]] = &[&[POLICE, TAX, HOUSING, SAFETY]];

impl Plan {
    /// Shares out a town of `homes` homes. Each organisation flags 8 to 20 per cent of one that is not very small.
    pub(crate) fn new(homes: usize, seed: u64) -> Plan {
        let mut chance = Chance::new(seed, "plan");
        let mut order: Vec<usize> = (0..homes).collect();
        chance.shuffle(&mut order);
        let mut plan = Plan { long: Default::default(), short: Default::default(), later: Vec::new() };
        let share = |thousandths: usize| homes * thousandths / 1000;
        let mut rest = order.into_iter();
        let stacks =
            [(ALL, share(4).max(3)), (TRIPLES, share(12).max(8)), (PAIRS, share(40).max(24)), (SINGLES, share(300))];
        let mut alone = Vec::new();
        for (sets, count) in stacks {
            for (home, set) in rest.by_ref().take(count).zip(sets.iter().cycle()) {
                if **set == [POLICE] || **set == [HOUSING] {
                    alone.push(home);
                }
                for organisation in *set {
                    for system in systems(*organisation, &mut chance) {
                        let list = if chance.percent(15) { &mut plan.short } else { &mut plan.long };
                        list[*system].push(home);
                    }
                }
            }
        }
        let half = share(5).max(2);
        plan.later = alone.into_iter().take(half).chain(rest.take(half)).collect();
        plan
    }
}

/// The systems by which an organisation, named by the first of them, flags one home.
fn systems(organisation: usize, chance: &mut Chance) -> &'static [usize] {
    match organisation {
        SAFETY => chance.weighted(&[(MUNICIPALITY[0], 35), (MUNICIPALITY[1], 25), (MUNICIPALITY[2], 40)]),
        POLICE => &[POLICE],
        TAX => &[TAX],
        _ => &[HOUSING],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// By home: the organisations that flag it.
    fn stacks(plan: &Plan) -> BTreeMap<usize, BTreeSet<&'static str>> {
        let mut stacks: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for (at, system) in SYSTEMS.iter().enumerate() {
            for home in plan.long[at].iter().chain(&plan.short[at]) {
                stacks.entry(*home).or_default().insert(system.organisation);
            }
        }
        stacks
    }

    #[test]
    fn stacks_of_every_height_occur() {
        for homes in [100, 300, 5000, 11_920] {
            let plan = Plan::new(homes, 1);
            let stacks = stacks(&plan);
            let heights = |height| stacks.values().filter(|set| set.len() == height).count();
            assert!(heights(4) >= 3 && heights(3) >= 8 && heights(2) >= 24 && heights(1) >= 30, "{homes}");
            for (at, system) in SYSTEMS.iter().enumerate() {
                let flags: BTreeSet<_> = plan.long[at].iter().chain(&plan.short[at]).collect();
                assert_eq!(flags.len(), plan.long[at].len() + plan.short[at].len(), "each home once");
                let least = if homes < 1000 { 5 } else { 7 };
                assert!(
                    (least..=60).contains(&(flags.len() * 100 / homes)),
                    "{homes} {}: {}",
                    system.short,
                    flags.len()
                );
                assert!(homes < 1000 || flags.len() * 100 / homes <= 20);
                assert!(!plan.short[at].is_empty() && plan.short[at].len() < plan.long[at].len());
            }
        }
    }

    #[test]
    fn what_comes_later_is_new_to_the_tax_office_and_half_of_it_to_all() {
        let plan = Plan::new(5000, 1);
        let stacks = stacks(&plan);
        assert_eq!(plan.later.len(), 50);
        let known = plan.later.iter().filter(|home| stacks.contains_key(home)).count();
        assert_eq!(known, 25);
        assert!(plan.later.iter().all(|home| !plan.long[TAX].contains(home) && !plan.short[TAX].contains(home)));
    }

    #[test]
    fn the_same_seed_gives_the_same_plan() {
        assert_eq!(Plan::new(700, 4), Plan::new(700, 4));
        assert_ne!(Plan::new(700, 4), Plan::new(700, 5));
    }
}
