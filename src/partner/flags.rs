//! The partner's own flags, and what of them the broker has not been told.
//!
//! Flags are kept of homes, and of house numbers that were flagged alone, because only the number is known. What stands
//! at the level `number` follows from both: a house number is flagged while a home at it is, or while it is flagged
//! alone, with the days of the one of them that lasts longest. A number alone has nothing at the level `unit`.

use std::collections::HashSet;

use crate::address::{AddressKey, Level};
use crate::codec::{encode_fields, encode_variants};
use crate::day::Day;
use crate::message::{RenewalReason, Terms};

/// One of the partner's flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The home; or the house number, of one that was flagged alone.
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

/// How the broker's flags in one epoch differ from the partner's.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Undelivered {
    /// Only a full set brings the broker up to date: what it holds is not known, or the partner wants to be sure.
    pub(super) full_set: bool,
    /// The broker may hold flags that this folder does not know of: what a set lacks of them nobody has withdrawn.
    pub(super) unknown_flags: bool,
    pub(super) holds: Holds,
    /// The flags of which the broker was told another thing than the partner has; ascending by address, each once.
    pub(super) changed: Vec<ChangedFlag>,
}

/// What the broker holds, as far as that is known here.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Holds {
    /// What it was told: what the partner flags, but for what differs.
    #[default]
    AsTold,
    /// It may have accepted messages that were given up, and hold whatever was ever flagged.
    Unsure,
    /// Nothing: so nothing has to be withdrawn before the full set.
    Nothing,
}

/// A flag, of a home or of a house number alone, of which the broker was told another thing than the partner has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ChangedFlag {
    pub(super) address: AddressKey,
    /// The last valid day that the broker was told; `None` where it holds none.
    pub(super) delivered: Option<Day>,
    /// Where the flag was withdrawn and its house number has one still: the last valid day of that, as far as it comes
    /// from this flag.
    pub(super) at_number: Option<Day>,
}

/// The rows that are at one house number.
#[derive(Clone, Copy)]
struct AtNumber<'a, T> {
    key: AddressKey,
    /// Of the number alone.
    alone: Option<&'a T>,
    /// Of its homes.
    homes: &'a [T],
}

/// What is kept by address: of a home, or of a house number alone.
pub(super) trait Row {
    fn address(&self) -> &AddressKey;

    fn is_of_home(&self) -> bool {
        self.address().level() == Level::Unit
    }
}

impl Row for Flag {
    fn address(&self) -> &AddressKey {
        &self.address
    }
}

impl Row for ChangedFlag {
    fn address(&self) -> &AddressKey {
        &self.address
    }
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
        find(self.rows(), address)
    }

    /// How many there are that a broker is told: without those of house numbers alone, unless `house_numbers`.
    pub(super) fn deliverable(&self, house_numbers: bool) -> usize {
        self.rows().iter().filter(|flag| house_numbers || flag.is_of_home()).count()
    }

    /// Whether the address, of either level, is flagged.
    pub(super) fn covers(&self, address: &AddressKey) -> bool {
        self.get(address).is_some() || !homes_at(self.rows(), address).is_empty()
    }

    /// The same, but for flags that ended before `today`.
    pub(super) fn covers_on(&self, address: &AddressKey, today: Day) -> bool {
        let stands = |flag: &Flag| flag.last_day >= today;
        self.get(address).is_some_and(stands) || homes_at(self.rows(), address).iter().any(stands)
    }

    /// Gives each of some addresses (ascending, each once) a flag, or none. Where that changes its last valid day,
    /// `changed` gets the one before.
    pub(super) fn set(
        &mut self,
        wanted: impl Iterator<Item = (AddressKey, Option<Flag>)>,
        mut changed: impl FnMut(ChangedFlag),
    ) {
        let mut merged = Vec::with_capacity(self.len() + wanted.size_hint().0);
        let mut rows = self.rows().iter().peekable();
        for (address, flag) in wanted {
            while let Some(row) = rows.next_if(|row| row.address < address) {
                merged.push(*row);
            }
            let last_day = rows.next_if(|row| row.address == address).map(|row| row.last_day);
            if last_day != flag.map(|flag| flag.last_day) {
                changed(ChangedFlag { address, delivered: last_day, at_number: None });
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

    /// The same for those of all homes.
    pub(super) fn homes_end_no_earlier(&mut self, last_day: Day) {
        let homes = self.0.iter_mut().filter(|flag| flag.is_of_home());
        homes.for_each(|flag| flag.last_day = flag.last_day.max(last_day));
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

    /// All that the partner flags: homes, and house numbers if `house_numbers`.
    pub(super) fn all(&self, house_numbers: bool) -> impl Iterator<Item = (AddressKey, Terms)> + Clone {
        let homes = self.rows().iter().filter(|flag| flag.is_of_home()).map(|flag| (flag.address, flag.terms()));
        let counted = if house_numbers { self.rows() } else { &[] };
        homes.chain(numbers(counted).filter_map(|at| Some((at.key, of_number(at)?))))
    }

    /// What brings a broker up to date that lacks what is `undelivered`.
    pub(super) fn update(&self, undelivered: &Undelivered, house_numbers: bool) -> Update {
        let mut update = Update::default();
        for home in undelivered.changed.iter().filter(|changed| changed.is_of_home()) {
            update.add(home.address, home.delivered, self.get(&home.address).map(Flag::terms));
        }
        if house_numbers {
            for changed in numbers(&undelivered.changed) {
                let flagged = at_number(self.rows(), changed.key);
                update.add(changed.key, delivered_at_number(flagged, changed), of_number(flagged));
            }
        }
        update
    }

    /// Of the flags that are new to the broker, those flagged last, which wait where no more than `room` may be new to
    /// it at both levels. Ascending.
    pub(super) fn waiting(&self, undelivered: &Undelivered, house_numbers: bool, room: usize) -> Vec<AddressKey> {
        let new = undelivered.changed.iter().filter(|changed| changed.delivered.is_none());
        let new = new.filter(|changed| house_numbers || changed.is_of_home());
        let mut new: Vec<&Flag> = new.filter_map(|changed| self.get(&changed.address)).collect();
        new.sort_by_key(|flag| (flag.first_day, flag.address));
        let mut left = room;
        // The house numbers that go with a flag before.
        let mut going = HashSet::new();
        let mut waiting = Vec::new();
        for flag in new {
            let number_key = house_number(&flag.address).filter(|number| house_numbers && !going.contains(number));
            let is_new_number = number_key.is_some_and(|number| undelivered.delivered_at(self, number).is_none());
            match left.checked_sub(usize::from(flag.is_of_home()) + usize::from(is_new_number)) {
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
}

impl Undelivered {
    /// Where the broker lacks the flags on these addresses, which ascend, and nothing else.
    pub(super) fn lacking(addresses: impl Iterator<Item = AddressKey>) -> Undelivered {
        let changed = addresses.map(|address| ChangedFlag { address, delivered: None, at_number: None }).collect();
        Undelivered { changed, ..Undelivered::default() }
    }

    /// Whether the broker was told another thing of the address, a home or a house number.
    pub(super) fn covers(&self, address: &AddressKey) -> bool {
        find(&self.changed, address).is_some() || !homes_at(&self.changed, address).is_empty()
    }

    /// Whether the broker holds a flag of the address, a home or a house number, that the partner flags.
    pub(super) fn is_held(&self, flags: &Flags, address: &AddressKey) -> bool {
        let is_known = self.holds == Holds::AsTold && flags.covers(address);
        is_known
            && match address.level() {
                Level::Number => self.delivered_at(flags, *address).is_some(),
                Level::Unit => find(&self.changed, address).is_none_or(|changed| changed.delivered.is_some()),
            }
    }

    /// Whether the broker has nothing of an address that is flagged.
    pub(super) fn lacks_flag(&self, flags: &Flags, address: &AddressKey) -> bool {
        flags.get(address).is_some() && find(&self.changed, address).is_some_and(|changed| changed.delivered.is_none())
    }

    /// How many of these flags the broker lacks. It has that of a house number alone where it holds one on the number.
    pub(super) fn lacks(&self, flags: &Flags, house_numbers: bool) -> usize {
        let is_new = |changed: &&ChangedFlag| {
            let lacks_number = || house_numbers && self.delivered_at(flags, changed.address).is_none();
            changed.delivered.is_none()
                && flags.get(&changed.address).is_some()
                && (changed.is_of_home() || lacks_number())
        };
        self.changed.iter().filter(is_new).count()
    }

    /// The last valid day of the flag that the broker holds on a house number.
    fn delivered_at(&self, flags: &Flags, number_key: AddressKey) -> Option<Day> {
        delivered_at_number(at_number(flags.rows(), number_key), at_number(&self.changed, number_key))
    }

    /// What the broker will not have been told once it was told what is withdrawn, at both levels.
    pub(super) fn after_withdrawals(&self, flags: &Flags, house_numbers: bool) -> Undelivered {
        let after = |changed: &ChangedFlag| {
            let number_stays = || house_numbers && flags.covers(&changed.address.number_key());
            match flags.get(&changed.address) {
                Some(_) => Some(*changed),
                None if number_stays() => Some(ChangedFlag { delivered: None, at_number: changed.held(), ..*changed }),
                None => None,
            }
        };
        Undelivered { changed: self.changed.iter().filter_map(after).collect(), ..*self }
    }

    /// What the broker holds is not known: only all flags as a whole bring it up to date. What was withdrawn it may
    /// hold, and that need not wait for them.
    pub(super) fn forget(&mut self, flags: &Flags) {
        (self.full_set, self.holds) = (true, Holds::Unsure);
        self.changed.retain(|changed| changed.held().is_some() && flags.get(&changed.address).is_none());
    }

    /// Adds what changed of flags (ascending): `flags` are what the partner flags now.
    pub(super) fn note(&mut self, changed: &[ChangedFlag], flags: &Flags) {
        let holds_nothing = self.holds == Holds::Nothing;
        self.changed.extend(changed.iter().filter(|changed| !holds_nothing || changed.delivered.is_none()));
        // Stable, and the first of two stays: what the broker holds is what was noted before.
        self.changed.sort_by_key(|changed| changed.address);
        self.changed.dedup_by_key(|changed| changed.address);
        self.drop_equal(flags);
    }

    /// Takes into account that the broker dropped what ended before `today`.
    pub(super) fn expire(&mut self, today: Day, flags: &Flags) {
        for changed in &mut self.changed {
            changed.delivered = changed.delivered.filter(|last_day| *last_day >= today);
            changed.at_number = changed.at_number.filter(|last_day| *last_day >= today);
        }
        self.drop_equal(flags);
    }

    /// Drops the flags of which the broker was told what the partner has.
    fn drop_equal(&mut self, flags: &Flags) {
        let is_equal =
            |changed: &ChangedFlag| flags.get(&changed.address).map(|flag| flag.last_day) == changed.delivered;
        self.changed.retain(|changed| changed.at_number.is_some() || !is_equal(changed));
    }
}

impl ChangedFlag {
    /// How long the broker holds the house number because of this flag.
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
    where |flags| are_ascending(flags.0.iter().map(|flag| &flag.address)),
    else "the flags are not ascending by address, each once"
}

encode_fields! {
    Undelivered { full_set, unknown_flags, holds, changed }
    where |undelivered| are_ascending(undelivered.changed.iter().map(|changed| &changed.address)),
    else "what is undelivered is not ascending by address, each once"
}

encode_variants! {
    Holds { 1 => AsTold, 2 => Unsure, 3 => Nothing },
    else "what the broker holds is told in no known way"
}

encode_fields! { ChangedFlag { address, delivered, at_number } }

/// Whether these ascend, each once.
pub(super) fn are_ascending<'a>(addresses: impl Iterator<Item = &'a AddressKey>) -> bool {
    addresses.is_sorted_by(|a, b| a < b)
}

/// What is said of a house number: the days of what lasts longest at it, since it is flagged because of that.
fn of_number(flagged: AtNumber<'_, Flag>) -> Option<Terms> {
    let longest = flagged.rows().map(Flag::terms).max()?;
    Some(Terms { house_number: true, ..longest })
}

/// The last valid day of the flag that the broker holds on a house number: `flagged` is what the partner flags at it,
/// `changed` that of which the broker was told another thing.
fn delivered_at_number(flagged: AtNumber<'_, Flag>, changed: AtNumber<'_, ChangedFlag>) -> Option<Day> {
    let same = flagged.rows().filter(|flag| !changed.has(&flag.address)).map(|flag| flag.last_day);
    same.chain(changed.rows().filter_map(ChangedFlag::held)).max()
}

impl<'a, T: Row> AtNumber<'a, T> {
    fn rows(self) -> impl Iterator<Item = &'a T> {
        self.alone.into_iter().chain(self.homes)
    }

    fn has(&self, address: &AddressKey) -> bool {
        if *address == self.key { self.alone.is_some() } else { find(self.homes, address).is_some() }
    }
}

/// The house number that an address is at; none for one without a postcode.
fn house_number(address: &AddressKey) -> Option<AddressKey> {
    Some(address.number_key()).filter(|key| key.level() == Level::Number)
}

fn find<'a, T: Row>(rows: &'a [T], address: &AddressKey) -> Option<&'a T> {
    let at = rows.binary_search_by_key(address, |row| *row.address()).ok()?;
    rows.get(at)
}

/// Those of `rows`, which ascend by address, that are at a house number.
fn at_number<T: Row>(rows: &[T], key: AddressKey) -> AtNumber<'_, T> {
    AtNumber { key, alone: find(rows, &key), homes: homes_at(rows, &key) }
}

/// Those of `rows`, which ascend by address, that are of homes at a house number; none for a home.
fn homes_at<'a, T: Row>(rows: &'a [T], number_key: &AddressKey) -> &'a [T] {
    let mut prefix = number_key.as_bytes().to_vec();
    prefix.push(b'|');
    // The homes of a house number stand together: their forms begin with its own and a bar.
    let from = &rows[rows.partition_point(|row| row.address().as_bytes() < prefix.as_slice())..];
    &from[..from.partition_point(|row| row.address().as_bytes().starts_with(&prefix))]
}

/// Rows, which ascend by address, by house number; without those that are at none.
fn numbers<T: Row>(rows: &[T]) -> impl Iterator<Item = AtNumber<'_, T>> + Clone {
    let is_alone = |row: &T| row.address().level() == Level::Number;
    // Mostly no number is alone, and none is looked for.
    let some_are_alone = rows.iter().any(is_alone);
    // A number that is alone need not stand beside its homes: 10 stands between 1 and the homes at 1.
    let together = move |a: &T, b: &T| is_alone(a) == is_alone(b) && a.address().shares_number(b.address());
    rows.chunk_by(together).filter_map(move |chunk| {
        let first = chunk.first()?;
        let key = house_number(first.address())?;
        if is_alone(first) {
            // With its homes, where it has any.
            return homes_at(rows, &key).is_empty().then_some(AtNumber { key, alone: Some(first), homes: &[] });
        }
        let alone = if some_are_alone { find(rows, &key) } else { None };
        Some(AtNumber { key, alone, homes: chunk })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// A home; with addition 4 its house number.
    fn home(number: u8, addition: u8) -> AddressKey {
        if number == 13 {
            // One without a postcode, which is in no house number.
            return AddressKey::from_canonical(&format!("042420000000000{addition}")).unwrap();
        }
        if addition == 4 {
            return AddressKey::from_canonical(&format!("1012JS|{number}")).unwrap();
        }
        let addition = ["", "A", "B", "C"][usize::from(addition)];
        AddressKey::from_canonical(&format!("1012JS|{number}|{addition}")).unwrap()
    }

    fn flag(address: AddressKey, last_day: u16) -> (AddressKey, Option<Flag>) {
        let flag = Flag { address, first_day: Day(1), last_day: Day(last_day), renewal: None };
        (address, (last_day > 0).then_some(flag))
    }

    fn set(flags: &mut Flags, wanted: &[(AddressKey, Option<Flag>)]) -> Vec<ChangedFlag> {
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
    fn a_house_number_alone_is_one_more_thing_at_it() {
        let (mut flags, mut undelivered) = (Flags::default(), Undelivered::default());
        let number = home(1, 4);
        // The home at 10 stands between the number 1 and its own homes.
        assert!(number < home(10, 0) && home(10, 0) < home(1, 0));
        let changed = set(&mut flags, &[flag(number, 50), flag(home(10, 0), 50), flag(home(1, 1), 30)]);
        undelivered.note(&changed, &flags);
        let (flagged, _) = plain(&flags.update(&undelivered, true));
        assert_eq!((flagged["1012JS|1"], flagged["1012JS|1|A"], flagged.len()), (50, 30, 4));
        assert_eq!(flags.all(true).count(), 4);
        assert_eq!((flags.all(false).count(), flags.deliverable(false), flags.deliverable(true)), (2, 2, 3));
        assert!(flags.covers(&number) && !flags.covers(&home(1, 0)));
        // It costs what its number costs.
        assert_eq!((undelivered.lacks(&flags, true), undelivered.lacks(&flags, false)), (3, 2));
        assert_eq!(flags.waiting(&undelivered, true, 1), [home(10, 0), home(1, 1)]);
        assert_eq!(flags.waiting(&undelivered, true, 3), [home(1, 1)]);
        assert_eq!(flags.waiting(&undelivered, false, 1), [home(1, 1)]);

        let mut undelivered = Undelivered::default();
        let changed = set(&mut flags, &[flag(number, 0)]);
        undelivered.note(&changed, &flags);
        assert_eq!(plain(&flags.update(&undelivered, true)), ([("1012JS|1".to_owned(), 30)].into(), vec![]));
        assert_eq!(flags.update(&undelivered, false).len(), 0);
        let after = undelivered.after_withdrawals(&flags, true);
        assert_eq!(plain(&flags.update(&after, true)).0["1012JS|1"], 30, "the broker has its days of before still");
        // At a number that the broker holds it lacks nothing, whatever else is at it.
        let mut undelivered = Undelivered::default();
        let changed = set(&mut flags, &[flag(number, 20)]);
        undelivered.note(&changed, &flags);
        assert_eq!((undelivered.lacks(&flags, true), flags.update(&undelivered, true).len()), (0, 0));
        assert!(flags.waiting(&undelivered, true, 0).is_empty());
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

    /// What is flagged at both levels, found flag by flag.
    fn at_both_levels(flags: &Flags) -> BTreeMap<AddressKey, Day> {
        let mut all = BTreeMap::new();
        for flag in flags.rows() {
            for address in [flag.address, flag.address.number_key()] {
                let last_day: &mut Day = all.entry(address).or_default();
                *last_day = flag.last_day.max(*last_day);
            }
        }
        all
    }

    proptest! {
        /// Against plain maps: whatever is set, the changes make of what the broker held what the partner flags.
        #[test]
        fn changes_bring_the_broker_up_to_date(
            rounds in prop::collection::vec(prop::collection::btree_map((1u8..14, 0u8..5), 0u16..4, 0..14), 1..8),
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
                    let all: Vec<_> = flags.all(true).map(|(address, terms)| (address, terms.last_day)).collect();
                    prop_assert_eq!(all.len(), held.len(), "each address once");
                    prop_assert_eq!(&held, &all.into_iter().collect::<BTreeMap<_, _>>());
                    prop_assert_eq!(&held, &at_both_levels(flags));
                }
            }
        }
    }
}
