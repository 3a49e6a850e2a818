//! Says what every answer should be, by counting with maps and sets as SPEC.md section 5 says, without cryptography.
//!
//! It is told what each partner did, never what the broker said, and says what every answer must be.

use std::collections::{BTreeMap, BTreeSet};

use stapel::message::{Standing, Told};
use stapel::policy::Sees;
use stapel::{AddressKey, Day, Timestamp};

/// What of the policy decides on standings and releases. Releases may take place at 00:00 UTC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) threshold: usize,
    pub(crate) min_sources: usize,
    pub(crate) count_cap: usize,
    pub(crate) min_changed: usize,
    pub(crate) max_wait_days: u64,
    pub(crate) freshness_days: u64,
    /// The epoch's first day.
    pub(crate) opens: Day,
}

/// Flags, each with its last valid day.
type Flags = BTreeMap<AddressKey, Day>;

/// What there is to know of one system.
struct System {
    organisation: &'static str,
    sees: Sees,
    /// What it flags by itself: homes.
    wanted: Flags,
    /// What it told the broker: homes and their house numbers.
    held: Flags,
    /// What of that shows.
    released: Flags,
    heard: Option<Timestamp>,
}

/// The plain count.
pub(crate) struct Truth {
    rules: Rules,
    systems: Vec<System>,
    release: u64,
    as_of: Timestamp,
    looked: Timestamp,
    fresh: usize,
    /// Since when all are waited for before anything shows; `None` once something did.
    waits_since: Option<Timestamp>,
}

impl System {
    /// Whether it told a flag that does not show, and has not ended.
    fn has_new_flag(&self, today: Day) -> bool {
        self.held.iter().any(|(address, last)| *last >= today && !self.released.contains_key(address))
    }
}

impl Truth {
    /// Begins at `now`, with nothing flagged. Systems are named by their place in `systems`.
    pub(crate) fn new(rules: Rules, systems: impl IntoIterator<Item = (&'static str, Sees)>, now: Timestamp) -> Truth {
        let system = |(organisation, sees)| System {
            organisation,
            sees,
            wanted: Flags::new(),
            held: Flags::new(),
            released: Flags::new(),
            heard: None,
        };
        let systems = systems.into_iter().map(system).collect();
        let waits_since = Some(now.day().start());
        Truth { rules, systems, release: now.0, as_of: now, looked: now, fresh: 0, waits_since }
    }

    /// A system flags homes, or gives them another last day.
    pub(crate) fn flag(&mut self, system: usize, homes: &[AddressKey], last_day: Day) {
        self.systems[system].wanted.extend(homes.iter().map(|home| (*home, last_day)));
    }

    /// A system withdraws homes.
    pub(crate) fn withdraw(&mut self, system: usize, homes: &[AddressKey]) {
        for home in homes {
            self.systems[system].wanted.remove(home);
        }
    }

    /// What a system flags by itself was taken by the broker at `now`.
    pub(crate) fn told(&mut self, system: usize, now: Timestamp) {
        let it = &mut self.systems[system];
        it.held = with_numbers(&it.wanted);
        it.heard = Some(now);
    }

    /// Makes the release that is due at `now`, if one is. Whether one was.
    pub(crate) fn tick(&mut self, now: Timestamp) -> bool {
        let midnight = now.day().start();
        let mut full = false;
        if midnight > self.looked {
            let today = midnight.day();
            let max_wait = self.rules.max_wait_days * 86_400;
            let forced = |moment: Timestamp| moment.since(self.rules.opens.start()) / max_wait;
            full = match self.waits_since {
                Some(since) => {
                    let delivered = self.organisations(|system| system.heard.is_some());
                    midnight.since(since) >= max_wait || delivered == self.organisations(|_| true)
                }
                None => {
                    let changed = self.organisations(|system| system.has_new_flag(today));
                    forced(midnight) > forced(self.looked) || changed >= self.rules.min_changed
                }
            };
            self.waits_since = self.waits_since.filter(|_| !full);
            self.looked = midnight;
        }
        if !full && now.day() <= self.as_of.day() {
            return false;
        }
        self.release += 1;
        self.as_of = midnight;
        let today = now.day();
        for system in &mut self.systems {
            system.wanted.retain(|_, last_day| *last_day >= today);
            system.held.retain(|_, last_day| *last_day >= today);
            if full {
                system.released = system.held.clone();
                continue;
            }
            // What ended or was withdrawn is gone; what was given a later day before it ended stays.
            let held = &system.held;
            system.released.retain(|address, last_day| {
                let Some(now_held) = held.get(address) else { return false };
                if *last_day < today || now_held < last_day {
                    *last_day = *now_held;
                }
                true
            });
        }
        let window = self.rules.freshness_days * 86_400;
        let as_of = self.as_of;
        self.fresh = self.organisations(|system| system.heard.is_some_and(|heard| as_of.since(heard) <= window));
        true
    }

    /// What an asker must be told of an address, which may be a house number.
    pub(crate) fn standing(&self, asker: usize, address: &AddressKey) -> Standing {
        let asker = &self.systems[asker];
        if !asker.released.contains_key(address) {
            return Standing::NoOwnFlag;
        }
        if !self.is_stacked(address) {
            return Standing::BelowThreshold;
        }
        let count = self.count(address).min(self.rules.count_cap);
        Standing::Stacked(match asker.sees {
            Sees::Presence => Told::Presence,
            Sees::Count => Told::Count(count as u8),
            Sees::Band => {
                let mut lower = self.rules.threshold;
                while lower * 2 <= count {
                    lower *= 2;
                }
                Told::Band(lower as u8)
            }
        })
    }

    /// Whether an address is stacked, as of the release in force.
    pub(crate) fn is_stacked(&self, address: &AddressKey) -> bool {
        let sources = self.organisations(|system| !system.released.is_empty());
        sources >= self.rules.min_sources && self.is_enough(self.count(address))
    }

    /// Whether an address is stacked by the flags of so many organisations.
    pub(crate) fn is_enough(&self, organisations: usize) -> bool {
        organisations >= self.rules.threshold
    }

    /// Whether the broker holds a flag of a system, released or not.
    pub(crate) fn holds(&self, system: usize, address: &AddressKey) -> bool {
        self.systems[system].held.contains_key(address)
    }

    /// Of how many organisations the broker holds a flag, released or not.
    pub(crate) fn held_by(&self, address: &AddressKey) -> usize {
        self.organisations(|system| system.held.contains_key(address))
    }

    /// How many organisations flag an address, as of the release in force.
    pub(crate) fn count(&self, address: &AddressKey) -> usize {
        self.organisations(|system| system.released.contains_key(address))
    }

    /// The systems that flag an address, as of the release in force.
    pub(crate) fn flaggers(&self, address: &AddressKey) -> Vec<usize> {
        let flags = |(_, system): &(usize, &System)| system.released.contains_key(address);
        self.systems.iter().enumerate().filter(flags).map(|(at, _)| at).collect()
    }

    /// By number of organisations, from 1 up: how many addresses that many organisations flag, as of the last release.
    pub(crate) fn stacks(&self, which: impl Fn(&AddressKey) -> bool) -> BTreeMap<usize, usize> {
        let addresses = self.systems.iter().flat_map(|system| system.released.keys().filter(|address| which(address)));
        let mut stacks = BTreeMap::new();
        for address in addresses.collect::<BTreeSet<_>>() {
            *stacks.entry(self.count(address)).or_default() += 1;
        }
        stacks
    }

    /// What a system flags by itself: homes, ascending, each with its last valid day.
    pub(crate) fn wanted(&self, system: usize) -> &BTreeMap<AddressKey, Day> {
        &self.systems[system].wanted
    }

    /// How many flags the broker must hold of a system, house numbers included.
    pub(crate) fn held(&self, system: usize) -> usize {
        self.systems[system].held.len()
    }

    /// How many flags of a system must show, house numbers included.
    pub(crate) fn released(&self, system: usize) -> usize {
        self.systems[system].released.len()
    }

    /// The number and the moment of the release in force.
    pub(crate) fn release(&self) -> (u64, Timestamp) {
        (self.release, self.as_of)
    }

    /// How many organisations are fresh in the release in force.
    pub(crate) fn fresh(&self) -> usize {
        self.fresh
    }

    fn organisations(&self, which: impl Fn(&System) -> bool) -> usize {
        let names: BTreeSet<_> = self.systems.iter().filter(|s| which(s)).map(|system| system.organisation).collect();
        names.len()
    }
}

/// Homes, and their house numbers until the last day of any home in them.
fn with_numbers(homes: &Flags) -> Flags {
    let mut all = homes.clone();
    for (home, last_day) in homes {
        let number_key = all.entry(home.number_key()).or_insert(*last_day);
        *number_key = (*last_day).max(*number_key);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From 2027-01-01 on.
    const RULES: Rules = Rules { opens: Day(20_819), ..crate::consortium::RULES };

    fn home(number: u32, addition: &str) -> AddressKey {
        AddressKey::from_canonical(&format!("1012JS|{number}|{addition}")).unwrap()
    }

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn at(text: &str, hour: u64) -> Timestamp {
        day(text).start().plus(hour * 3600)
    }

    /// Four organisations, the last with two systems; all flag home 1, two flag home 2, the last alone flags home 3
    /// twice.
    fn four() -> Truth {
        let systems =
            [("a", Sees::Count), ("b", Sees::Band), ("c", Sees::Presence), ("d", Sees::Count), ("d", Sees::Presence)];
        let mut truth = Truth::new(RULES, systems, at("2027-01-04", 8));
        let late = day("2027-06-30");
        for system in 0..4 {
            truth.flag(system, &[home(1, "")], late);
        }
        truth.flag(0, &[home(2, "")], late);
        truth.flag(3, &[home(2, ""), home(3, "A")], late);
        truth.flag(4, &[home(3, "A"), home(2, "")], late);
        truth.flag(1, &[home(4, "A")], day("2027-01-31"));
        truth.flag(2, &[home(4, "B")], day("2027-01-31"));
        for system in 0..5 {
            truth.told(system, at("2027-01-04", 9));
        }
        truth
    }

    #[test]
    fn nothing_shows_before_a_release() {
        let mut truth = four();
        assert_eq!(truth.standing(0, &home(1, "")), Standing::NoOwnFlag);
        assert!(!truth.tick(at("2027-01-04", 23)));
        assert!(truth.tick(at("2027-01-05", 0)));
        assert_eq!((truth.release(), truth.fresh()), ((at("2027-01-04", 8).0 + 1, at("2027-01-05", 0)), 4));
        assert!(!truth.tick(at("2027-01-05", 1)));
        assert_eq!(truth.standing(0, &home(1, "")), Standing::Stacked(Told::Count(3)));
    }

    #[test]
    fn organisations_are_counted_and_not_systems() {
        let mut truth = four();
        truth.tick(at("2027-01-05", 0));
        assert_eq!([1, 2].map(|number| truth.count(&home(number, ""))), [4, 2]);
        assert_eq!((truth.count(&home(3, "A")), truth.flaggers(&home(3, "A"))), (1, vec![3, 4]));
        assert_eq!(truth.standing(1, &home(1, "")), Standing::Stacked(Told::Band(2)));
        assert_eq!(truth.standing(2, &home(1, "")), Standing::Stacked(Told::Presence));
        assert_eq!(truth.standing(4, &home(3, "A")), Standing::BelowThreshold);
        assert_eq!(truth.standing(2, &home(3, "A")), Standing::NoOwnFlag);
        // 4A and 4B are two homes in one house number.
        assert_eq!(truth.standing(1, &home(4, "A")), Standing::BelowThreshold);
        assert_eq!(truth.standing(1, &home(4, "A").number_key()), Standing::Stacked(Told::Band(2)));
        let homes = truth.stacks(|address| address.level() == stapel::Level::Unit);
        assert_eq!(homes, BTreeMap::from([(1, 3), (2, 1), (4, 1)]));
        let number_keys = truth.stacks(|address| address.level() == stapel::Level::Number);
        assert_eq!(number_keys, BTreeMap::from([(1, 1), (2, 2), (4, 1)]));
    }

    #[test]
    fn what_is_withdrawn_goes_at_once_and_one_organisations_new_flag_waits_for_the_week() {
        let mut truth = four();
        truth.tick(at("2027-01-05", 0));
        truth.withdraw(0, &[home(2, "")]);
        truth.flag(1, &[home(2, "")], day("2027-06-30"));
        truth.told(0, at("2027-01-05", 12));
        truth.told(1, at("2027-01-05", 12));
        assert_eq!((truth.held(0), truth.released(0)), (2, 4));
        assert!(truth.tick(at("2027-01-06", 0)), "the turn of a day");
        assert_eq!((truth.count(&home(2, "")), truth.standing(3, &home(2, ""))), (1, Standing::BelowThreshold));
        assert_eq!(truth.standing(0, &home(2, "")), Standing::NoOwnFlag);
        truth.tick(at("2027-01-07", 0));
        assert_eq!(truth.count(&home(2, "")), 1);
        assert!(truth.tick(at("2027-01-08", 0)), "seven days after the epoch's first");
        assert_eq!(truth.count(&home(2, "")), 2);
    }

    #[test]
    fn what_ends_is_gone_unless_it_was_renewed() {
        let mut truth = four();
        truth.tick(at("2027-01-05", 0));
        truth.flag(1, &[home(4, "A")], day("2027-06-30"));
        truth.told(1, at("2027-01-29", 12));
        truth.tick(at("2027-01-31", 23));
        assert_eq!(truth.count(&home(4, "B")), 1, "the last day counts");
        truth.tick(at("2027-02-01", 0));
        assert_eq!([truth.count(&home(4, "A")), truth.count(&home(4, "B"))], [1, 0]);
        assert_eq!(truth.count(&home(4, "A").number_key()), 1);
        assert_eq!((truth.held(2), truth.wanted(2).len()), (2, 1));
    }

    #[test]
    fn too_few_sources_show_nothing() {
        let mut truth = Truth::new(RULES, [("a", Sees::Count), ("b", Sees::Count)], at("2027-01-04", 8));
        for system in 0..2 {
            truth.flag(system, &[home(1, "")], day("2027-06-30"));
            truth.told(system, at("2027-01-04", 9));
        }
        truth.tick(at("2027-01-05", 0));
        assert_eq!((truth.count(&home(1, "")), truth.standing(0, &home(1, ""))), (2, Standing::BelowThreshold));
    }
}
