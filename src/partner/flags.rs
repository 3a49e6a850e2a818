//! The partner's own flags, and what of them the broker has not been told.
//!
//! Flags are kept at the level of homes only. What stands at the level `number` follows from them: a house number is
//! flagged while a home in it is, with the days of the home in it that lasts longest.

use std::collections::HashSet;

use crate::address::{AddressKey, Level};
use crate::codec::{encode_fields, encode_variants};
use crate::day::Day;
use crate::message::{RenewalReason, Terms};

/// One of the partner's flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The home.
    pub address: AddressKey,
    /// The day on which it was flagged first. A renewal does not change it, nor does flagging again within 30 days.
    pub first_day: Day,
    /// The last day on which it is valid; of one that was withdrawn, the day before.
    pub last_day: Day,
    /// Why it was renewed last; `None` where it never was.
    pub renewal: Option<RenewalReason>,
}

/// All flags, ascending by address, each address once.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Flags(Vec<Flag>);

/// How the broker's flags in one epoch, at the level of homes, differ from the partner's.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Undelivered {
    /// Only a full set brings the broker up to date: what it holds is not known, or the partner wants to be sure.
    pub(super) full_set: bool,
    /// The broker may hold flags that this folder does not know of: what a set lacks of them nobody has withdrawn.
    pub(super) unknown_flags: bool,
    pub(super) holds: Holds,
    /// The homes of which the broker holds another thing than the partner; ascending, each once.
    pub(super) homes: Vec<ChangedHome>,
}

/// What the broker holds, as far as that is known here.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Holds {
    /// What it was told: what the partner flags, but for the homes that differ.
    #[default]
    AsTold,
    /// It may have accepted messages that were given up, and hold whatever was ever flagged.
    Unsure,
    /// Nothing: so nothing has to be withdrawn before the full set.
    Nothing,
}

/// A home of which the broker holds another thing than the partner.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ChangedHome {
    pub(super) address: AddressKey,
    /// The last valid day of the flag that the broker holds; `None` where it holds none.
    pub(super) delivered: Option<Day>,
    /// Where the flag of the home was withdrawn and its house number has one still: the last valid day of that, as far
    /// as it comes from this home.
    pub(super) at_number: Option<Day>,
}

/// What brings the broker up to date.
#[derive(Default)]
pub(super) struct Update {
    pub(super) flagged: Vec<(AddressKey, Terms)>,
    pub(super) withdrawn: Vec<AddressKey>,
    /// How many of `flagged` are new to the broker.
    pub(super) added: usize,
}

impl Flag {
    fn terms(&self) -> Terms {
        let Flag { first_day, last_day, renewal, .. } = *self;
        Terms { last_day, first_day, renewal, house_number: false }
    }
}

impl Flags {
    pub(super) fn len(&self) -> usize {
        self.rows().len()
    }

    pub(super) fn rows(&self) -> &[Flag] {
        &self.0
    }

    pub(super) fn get(&self, address: &AddressKey) -> Option<&Flag> {
        let at = self.rows().binary_search_by_key(address, |flag| flag.address).ok()?;
        self.rows().get(at)
    }

    /// Whether the address, of either level, is flagged.
    pub(super) fn covers(&self, address: &AddressKey) -> bool {
        self.get(address).is_some() || !self.homes(address).is_empty()
    }

    /// The same, but for flags that ended before `today`.
    pub(super) fn covers_on(&self, address: &AddressKey, today: Day) -> bool {
        let stands = |flag: &Flag| flag.last_day >= today;
        self.get(address).is_some_and(stands) || self.homes(address).iter().any(stands)
    }

    /// Gives each of some addresses (ascending, each once) a flag, or none. Where that changes its last valid day,
    /// `changed` gets the one before.
    pub(super) fn set(
        &mut self,
        wanted: impl Iterator<Item = (AddressKey, Option<Flag>)>,
        mut changed: impl FnMut(ChangedHome),
    ) {
        let mut merged = Vec::with_capacity(self.len() + wanted.size_hint().0);
        let mut rows = self.rows().iter().peekable();
        for (address, flag) in wanted {
            while let Some(row) = rows.next_if(|row| row.address < address) {
                merged.push(*row);
            }
            let last_day = rows.next_if(|row| row.address == address).map(|row| row.last_day);
            if last_day != flag.map(|flag| flag.last_day) {
                changed(ChangedHome { address, delivered: last_day, at_number: None });
            }
            merged.extend(flag);
        }
        merged.extend(rows);
        self.0 = merged;
    }

    /// Takes out what ended before `today`; the broker does so by itself.
    pub(super) fn expire(&mut self, today: Day) -> Vec<Flag> {
        self.0.extract_if(.., |flag| flag.last_day < today).collect()
    }

    /// Of flags that ended: has that on this home end on `last_day`, if it ended earlier.
    pub(super) fn end_no_earlier(&mut self, home: &AddressKey, last_day: Day) {
        if let Ok(at) = self.0.binary_search_by_key(home, |flag| flag.address) {
            self.0[at].last_day = self.0[at].last_day.max(last_day);
        }
    }

    /// The same for all of them.
    pub(super) fn all_end_no_earlier(&mut self, last_day: Day) {
        self.0.iter_mut().for_each(|flag| flag.last_day = flag.last_day.max(last_day));
    }

    /// Drops what is forgotten by `today`.
    pub(super) fn forget(&mut self, today: Day) {
        self.0.retain(|flag| !flag.last_day.is_forgotten(today));
    }

    /// The flags but those on `addresses`, which ascend.
    pub(super) fn without(&self, addresses: &[AddressKey]) -> Flags {
        let stays = |flag: &&Flag| addresses.binary_search(&flag.address).is_err();
        Flags(self.rows().iter().filter(stays).copied().collect())
    }

    /// All that the partner flags: homes, and their house numbers if `house_numbers`.
    pub(super) fn all(&self, house_numbers: bool) -> impl Iterator<Item = (AddressKey, Terms)> + Clone {
        let homes = self.rows().iter().map(|flag| (flag.address, flag.terms()));
        let counted = if house_numbers { self.rows() } else { &[] };
        let homes_of = counted.chunk_by(|a, b| a.address.shares_number(&b.address));
        homes.chain(homes_of.filter_map(|homes| Some((house_number(&homes.first()?.address)?, of_number(homes)?))))
    }

    /// What brings a broker up to date that lacks what is `undelivered`.
    pub(super) fn update(&self, undelivered: &Undelivered, house_numbers: bool) -> Update {
        let mut update = Update::default();
        for home in &undelivered.homes {
            update.add(home.address, home.delivered, self.get(&home.address).map(Flag::terms));
        }
        if house_numbers {
            for changed in undelivered.homes.chunk_by(|a, b| a.address.shares_number(&b.address)) {
                let Some(number_key) = house_number(&changed[0].address) else { continue };
                let homes = self.homes(&number_key);
                update.add(number_key, delivered_at_number(homes, changed), of_number(homes));
            }
        }
        update
    }

    /// Of the homes that are new to the broker, those flagged last, which wait where no more than `room` flags may be
    /// new to it, those of house numbers included. Ascending.
    pub(super) fn waiting(&self, undelivered: &Undelivered, house_numbers: bool, room: usize) -> Vec<AddressKey> {
        let is_new = |home: &&ChangedHome| home.delivered.is_none();
        let new = undelivered.homes.iter().filter(is_new);
        let mut new: Vec<&Flag> = new.filter_map(|home| self.get(&home.address)).collect();
        new.sort_by_key(|flag| (flag.first_day, flag.address));
        let mut left = room;
        // The house numbers that go with a home before.
        let mut going = HashSet::new();
        let mut waiting = Vec::new();
        for flag in new {
            let number_key = house_number(&flag.address).filter(|number| house_numbers && !going.contains(number));
            let with_house_number = number_key.filter(|number| {
                let changed = at_number(&undelivered.homes, |home| &home.address, number);
                delivered_at_number(self.homes(number), changed).is_none()
            });
            match left.checked_sub(1 + usize::from(with_house_number.is_some())) {
                Some(rest) => {
                    left = rest;
                    going.extend(number_key);
                }
                None => waiting.push(flag.address),
            }
        }
        waiting.sort_unstable();
        waiting
    }

    /// The flags in a house number; none for a home.
    fn homes(&self, number_key: &AddressKey) -> &[Flag] {
        at_number(self.rows(), |flag| &flag.address, number_key)
    }
}

impl Undelivered {
    /// Where the broker lacks the flags on these homes, which ascend, and nothing else.
    pub(super) fn lacking(homes: impl Iterator<Item = AddressKey>) -> Undelivered {
        let homes = homes.map(|address| ChangedHome { address, delivered: None, at_number: None }).collect();
        Undelivered { homes, ..Undelivered::default() }
    }

    /// Whether the broker holds another thing on the address, a home or the house number of one.
    pub(super) fn covers(&self, address: &AddressKey) -> bool {
        let is_listed = self.homes.binary_search_by_key(address, |home| home.address).is_ok();
        is_listed || !at_number(&self.homes, |home| &home.address, address).is_empty()
    }

    /// How many of these flags the broker lacks.
    pub(super) fn lacks(&self, flags: &Flags) -> usize {
        let is_new = |home: &&ChangedHome| home.delivered.is_none() && flags.get(&home.address).is_some();
        self.homes.iter().filter(is_new).count()
    }

    /// What the broker will not have been told once it was told what is withdrawn, homes and house numbers.
    pub(super) fn after_withdrawals(&self, flags: &Flags, house_numbers: bool) -> Undelivered {
        let after = |home: &ChangedHome| {
            let number_stays = || house_numbers && !flags.homes(&home.address.number_key()).is_empty();
            match flags.get(&home.address) {
                Some(_) => Some(*home),
                None if number_stays() => Some(ChangedHome { delivered: None, at_number: home.held(), ..*home }),
                None => None,
            }
        };
        Undelivered { homes: self.homes.iter().filter_map(after).collect(), ..*self }
    }

    /// What the broker holds is not known: only all flags as a whole bring it up to date. What was withdrawn it may
    /// hold, and that need not wait for them.
    pub(super) fn forget(&mut self, flags: &Flags) {
        (self.full_set, self.holds) = (true, Holds::Unsure);
        self.homes.retain(|home| home.held().is_some() && flags.get(&home.address).is_none());
    }

    /// Adds homes whose flags changed (ascending): `flags` are what the partner flags now.
    pub(super) fn note(&mut self, changed: &[ChangedHome], flags: &Flags) {
        let holds_nothing = self.holds == Holds::Nothing;
        self.homes.extend(changed.iter().filter(|home| !holds_nothing || home.delivered.is_none()));
        // Stable, and the first of two stays: what the broker holds is what was noted before.
        self.homes.sort_by_key(|home| home.address);
        self.homes.dedup_by_key(|home| home.address);
        self.drop_equal(flags);
    }

    /// Takes into account that the broker dropped what ended before `today`.
    pub(super) fn expire(&mut self, today: Day, flags: &Flags) {
        for home in &mut self.homes {
            home.delivered = home.delivered.filter(|last_day| *last_day >= today);
            home.at_number = home.at_number.filter(|last_day| *last_day >= today);
        }
        self.drop_equal(flags);
    }

    /// Drops the homes of which the broker holds what the partner flags.
    fn drop_equal(&mut self, flags: &Flags) {
        let is_equal = |home: &ChangedHome| flags.get(&home.address).map(|flag| flag.last_day) == home.delivered;
        self.homes.retain(|home| home.at_number.is_some() || !is_equal(home));
    }
}

impl ChangedHome {
    /// How long the broker holds the house number because of this home.
    fn held(&self) -> Option<Day> {
        self.delivered.max(self.at_number)
    }
}

impl Update {
    pub(super) fn len(&self) -> usize {
        self.flagged.len() + self.withdrawn.len()
    }

    fn add(&mut self, address: AddressKey, delivered: Option<Day>, now: Option<Terms>) {
        match now {
            _ if now.map(|terms| terms.last_day) == delivered => {}
            Some(terms) => {
                self.added += usize::from(delivered.is_none());
                self.flagged.push((address, terms));
            }
            None => self.withdrawn.push(address),
        }
    }
}

encode_fields! { Flag { address, first_day, last_day, renewal } }

encode_fields! {
    Flags { 0 }
    where |flags| are_ascending_homes(flags.0.iter().map(|flag| &flag.address)),
    else "the flags are not on homes, ascending, each once"
}

encode_fields! {
    Undelivered { full_set, unknown_flags, holds, homes }
    where |undelivered| are_ascending_homes(undelivered.homes.iter().map(|home| &home.address)),
    else "what is undelivered is not on homes, ascending, each once"
}

encode_variants! {
    Holds { 1 => AsTold, 2 => Unsure, 3 => Nothing },
    else "what the broker holds is told in no known way"
}

encode_fields! { ChangedHome { address, delivered, at_number } }

/// Whether these are homes, ascending, each once.
pub(super) fn are_ascending_homes<'a>(addresses: impl Iterator<Item = &'a AddressKey> + Clone) -> bool {
    addresses.clone().all(|address| address.level() == Level::Unit) && addresses.is_sorted_by(|a, b| a < b)
}

/// What is said of a house number: the days of the home at it that lasts longest, since it is flagged because of that.
fn of_number(homes: &[Flag]) -> Option<Terms> {
    let longest = homes.iter().map(Flag::terms).max()?;
    Some(Terms { house_number: true, ..longest })
}

/// The last valid day of the flag that the broker holds on a house number: `flagged` are the homes at it that the
/// partner flags, `changed` those of which the broker holds another thing.
fn delivered_at_number(flagged: &[Flag], changed: &[ChangedHome]) -> Option<Day> {
    let is_same = |flag: &&Flag| changed.binary_search_by_key(&flag.address, |home| home.address).is_err();
    let same = flagged.iter().filter(is_same).map(|flag| flag.last_day);
    same.chain(changed.iter().filter_map(ChangedHome::held)).max()
}

/// The house number that a home is in; none for one without a postcode.
fn house_number(home: &AddressKey) -> Option<AddressKey> {
    Some(home.number_key()).filter(|key| key.level() == Level::Number)
}

/// Those of `rows`, which ascend by address, that are on homes in a house number.
fn at_number<'a, T>(rows: &'a [T], address: impl Fn(&T) -> &AddressKey, number_key: &AddressKey) -> &'a [T] {
    let mut prefix = number_key.as_bytes().to_vec();
    prefix.push(b'|');
    // The homes of a house number stand together: their forms begin with its own and a bar.
    let from = &rows[rows.partition_point(|row| address(row).as_bytes() < prefix.as_slice())..];
    &from[..from.partition_point(|row| address(row).as_bytes().starts_with(&prefix))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn home(number: u8, addition: u8) -> AddressKey {
        if number == 13 {
            // One without a postcode, which is in no house number.
            return AddressKey::from_canonical(&format!("042420000000000{addition}")).unwrap();
        }
        let addition = ["", "A", "B", "C"][usize::from(addition)];
        AddressKey::from_canonical(&format!("1012JS|{number}|{addition}")).unwrap()
    }

    fn flag(address: AddressKey, last_day: u16) -> (AddressKey, Option<Flag>) {
        let flag = Flag { address, first_day: Day(1), last_day: Day(last_day), renewal: None };
        (address, (last_day > 0).then_some(flag))
    }

    fn set(flags: &mut Flags, wanted: &[(AddressKey, Option<Flag>)]) -> Vec<ChangedHome> {
        let mut changed = Vec::new();
        flags.set(wanted.iter().copied(), |row| changed.push(row));
        changed
    }

    fn plain(changes: &Update) -> (BTreeMap<String, u16>, Vec<String>) {
        let flagged =
            changes.flagged.iter().map(|(address, day)| (address.as_str().to_owned(), day.last_day.0)).collect();
        let mut withdrawn: Vec<_> = changes.withdrawn.iter().map(|address| address.as_str().to_owned()).collect();
        withdrawn.sort();
        (flagged, withdrawn)
    }

    #[test]
    fn a_house_number_is_flagged_while_a_home_in_it_is() {
        let mut flags = Flags::default();
        // A bar stands after the digits in ASCII.
        set(&mut flags, &[flag(home(10, 0), 50), flag(home(1, 1), 50), flag(home(1, 2), 90)]);
        let all: BTreeMap<_, _> = flags.all(true).map(|(a, terms)| (a.as_str().to_owned(), terms.last_day.0)).collect();
        assert_eq!((all["1012JS|1"], all["1012JS|10"], all.len()), (90, 50, 5));
        assert!(flags.covers(&home(1, 1).number_key()) && !flags.covers(&home(1, 0)));

        let mut undelivered = Undelivered::default();
        let changed = set(&mut flags, &[flag(home(1, 2), 0)]);
        undelivered.note(&changed, &flags);
        let changes = flags.update(&undelivered, true);
        assert_eq!(plain(&changes), ([("1012JS|1".to_owned(), 50)].into(), vec!["1012JS|1|B".to_owned()]));

        let changed = set(&mut flags, &[flag(home(1, 1), 0)]);
        undelivered.note(&changed, &flags);
        let withdrawn = ["1012JS|1", "1012JS|1|A", "1012JS|1|B"].map(str::to_owned).to_vec();
        assert_eq!(plain(&flags.update(&undelivered, true)), ([].into(), withdrawn));
        assert_eq!(flags.update(&undelivered, false).len(), 2);
    }

    #[test]
    fn a_house_number_has_the_days_of_the_home_that_lasts_longest() {
        let (mut flags, mut undelivered) = (Flags::default(), Undelivered::default());
        let reason = Some(RenewalReason::BeingActedOn);
        let at = |addition, first, last, renewal| {
            let address = home(1, addition);
            (address, Some(Flag { address, first_day: Day(first), last_day: Day(last), renewal }))
        };
        let number = |flags: &Flags, undelivered: &Undelivered| {
            let update = flags.update(undelivered, true);
            update.flagged.iter().find(|(address, _)| address.level() == Level::Number).map(|(_, terms)| *terms)
        };
        let terms = |first, last, renewal| {
            Some(Terms { last_day: Day(last), first_day: Day(first), renewal, house_number: true })
        };
        let changed = set(&mut flags, &[at(1, 3, 50, reason)]);
        undelivered.note(&changed, &flags);
        assert_eq!(number(&flags, &undelivered), terms(3, 50, reason));
        // A later home puts off its end, with a first day of its own.
        let changed = set(&mut flags, &[at(2, 40, 90, None)]);
        undelivered = Undelivered::default();
        undelivered.note(&changed, &flags);
        assert_eq!(number(&flags, &undelivered), terms(40, 90, None));
        // A home that ends no later changes nothing of it.
        let changed = set(&mut flags, &[at(3, 45, 90, None)]);
        undelivered = Undelivered::default();
        undelivered.note(&changed, &flags);
        assert_eq!(number(&flags, &undelivered), None);
        assert!(flags.all(true).all(|(address, terms)| terms.house_number == (address.level() == Level::Number)));
    }

    #[test]
    fn what_expired_needs_no_message() {
        let (mut flags, mut undelivered) = (Flags::default(), Undelivered::default());
        set(&mut flags, &[flag(home(1, 1), 50), flag(home(2, 1), 50)]);
        let changed = set(&mut flags, &[flag(home(1, 1), 0), flag(home(2, 1), 90)]);
        undelivered.note(&changed, &flags);
        assert_eq!(flags.expire(Day(51)).len(), 0);
        undelivered.expire(Day(51), &flags);
        let changes = flags.update(&undelivered, true);
        assert_eq!(plain(&changes).0.len(), 2);
        assert!(changes.withdrawn.is_empty());
    }

    proptest! {
        /// Against plain maps: whatever is set, the changes make of what the broker held what the partner flags.
        #[test]
        fn changes_bring_the_broker_up_to_date(
            rounds in prop::collection::vec(prop::collection::btree_map((1u8..14, 0u8..4), 0u16..4, 0..12), 1..8),
            forget in 0usize..8,
            room in 0usize..24,
        ) {
            let (mut flags, mut undelivered) = (Flags::default(), Undelivered::default());
            let mut held: BTreeMap<AddressKey, Day> = BTreeMap::new();
            for (round, wanted) in rounds.iter().enumerate() {
                let mut wanted: Vec<_> =
                    wanted.iter().map(|((number, addition), day)| flag(home(*number, *addition), day * 30)).collect();
                wanted.sort_by_key(|(address, _)| *address);
                let changed = set(&mut flags, &wanted);
                undelivered.note(&changed, &flags);
                if round == forget {
                    undelivered = Undelivered::default();
                    held = flags.all(true).map(|(address, terms)| (address, terms.last_day)).collect();
                }
            }
            if forget < rounds.len() {
                // What waits leaves no more new than there is room for, and no less than a home with its house number
                // would take.
                let waiting = flags.waiting(&undelivered, true, room);
                let fewer = flags.without(&waiting);
                let added = fewer.update(&undelivered, true).added;
                prop_assert!(added <= room && (waiting.is_empty() || added + 2 > room));
                // First all but those, then the rest.
                let lacking = Undelivered::lacking(waiting.into_iter());
                for (flags, undelivered) in [(&fewer, &undelivered), (&flags, &lacking)] {
                    let changes = flags.update(undelivered, true);
                    let before = |address: &AddressKey| held.get(address);
                    let added = changes.flagged.iter().filter(|(address, _)| before(address).is_none()).count();
                    prop_assert_eq!(changes.added, added);
                    for (address, Terms { last_day, .. }) in changes.flagged {
                        prop_assert_ne!(held.insert(address, last_day), Some(last_day));
                    }
                    for address in changes.withdrawn {
                        prop_assert!(held.remove(&address).is_some());
                    }
                    let all = flags.all(true).map(|(address, terms)| (address, terms.last_day));
                    prop_assert_eq!(&held, &all.collect::<BTreeMap<_, _>>());
                }
            }
        }
    }
}
