//! The partner's own flags, and how far what the broker holds is behind them.
//!
//! Flags are kept at the level of homes only. What stands at the level of buildings follows from them: a building is flagged
//! while a home in it is, through the latest last valid day of those.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::packed::{Packed, Row};
use crate::address::AddressKey;
use crate::codec::{Malformed, Reader, Writer};
use crate::day::Day;

/// One of the partner's flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The home.
    pub address: AddressKey,
    /// The day on which it was flagged, or renewed last, at this partner.
    pub first_day: Day,
    /// The last day on which it is valid.
    pub last_day: Day,
}

/// All flags, ascending by address, each address once.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flags(Packed<Flag>);

/// How the broker's flags in one epoch, at the level of homes, differ from the partner's.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Behind {
    /// Only a full set brings the broker up to date: what it holds is not known, or the partner wants to be sure.
    pub(super) full_set: bool,
    /// A set that withdraws more than the policy's share is meant.
    pub(super) shrink: bool,
    /// Flags were renewed.
    pub(super) renewal: bool,
    /// What the broker holds where it holds another thing; ascending by address, each address once.
    pub(super) changes: Packed<Was>,
}

/// What the broker holds on a home.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Was {
    pub(super) address: AddressKey,
    /// The last valid day; `None` for no flag.
    pub(super) last_day: Option<Day>,
}

/// What brings the broker up to date.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) flagged: Vec<(AddressKey, Day)>,
    pub(super) withdrawn: Vec<AddressKey>,
    /// Something that the broker holds gets a later last valid day. That may reach past `max_days` since its first, which only
    /// the broker knows: a building's first day is that of the first home in it, and a flag that was withdrawn and set again
    /// before the broker heard of either was never gone there.
    pub(super) extends: bool,
    /// How many of `flagged` are new to the broker.
    pub(super) added: usize,
}

impl Flags {
    pub(super) fn len(&self) -> usize {
        self.rows().len()
    }

    /// How many bytes they take when they are encoded.
    pub(super) fn room(&self) -> usize {
        self.0.room()
    }

    pub(super) fn rows(&self) -> &[Flag] {
        &self.0.0
    }

    pub(super) fn get(&self, address: &AddressKey) -> Option<&Flag> {
        let at = self.rows().binary_search_by_key(address, |flag| flag.address).ok()?;
        self.rows().get(at)
    }

    /// Whether the address, of either level, is flagged.
    pub(super) fn covers(&self, address: &AddressKey) -> bool {
        self.get(address).is_some() || !self.homes(address).is_empty()
    }

    /// Gives each of `addresses` (ascending, each once) the flag that `to` makes of what it has, or none. What was goes to `was` where
    /// that is another.
    pub(super) fn set(
        &mut self,
        addresses: &[AddressKey],
        to: impl Fn(AddressKey, Option<&Flag>) -> Option<Flag>,
        mut was: impl FnMut(Was),
    ) {
        let mut merged = Vec::with_capacity(self.len() + addresses.len());
        let mut rows = self.rows().iter().peekable();
        for address in addresses {
            while let Some(row) = rows.next_if(|row| row.address < *address) {
                merged.push(*row);
            }
            let held = rows.next_if(|row| row.address == *address);
            let flag = to(*address, held);
            let last_day = held.map(|row| row.last_day);
            if last_day != flag.map(|flag| flag.last_day) {
                was(Was { address: *address, last_day });
            }
            merged.extend(flag);
        }
        merged.extend(rows);
        self.0.0 = merged;
    }

    /// Drops what ended before `today`; the broker does so by itself. Whether there was any.
    pub(super) fn expire(&mut self, today: Day) -> bool {
        let before = self.len();
        self.0.0.retain(|flag| flag.last_day >= today);
        self.len() != before
    }

    /// The flags but those on `addresses`, which ascend.
    pub(super) fn without(&self, addresses: &[AddressKey]) -> Flags {
        let stays = |flag: &&Flag| addresses.binary_search(&flag.address).is_err();
        Flags(Packed(self.rows().iter().filter(stays).copied().collect()))
    }

    /// All that the partner flags: homes, and their buildings if `buildings`.
    pub(super) fn all(&self, buildings: bool) -> impl Iterator<Item = (AddressKey, Day)> + Clone {
        let homes = self.rows().iter().map(|flag| (flag.address, flag.last_day));
        let counted = if buildings { self.rows() } else { &[] };
        let homes_of = counted.chunk_by(|a, b| a.address.shares_building(&b.address));
        homes.chain(homes_of.filter_map(|homes| Some((homes.first()?.address.building(), latest(homes)?))))
    }

    /// What brings a broker that is `behind` up to date.
    pub(super) fn changes(&self, behind: &Behind, buildings: bool) -> Changes {
        let mut changes = Changes::default();
        for was in &behind.changes.0 {
            changes.add(was.address, was.last_day, self.get(&was.address).map(|flag| flag.last_day));
        }
        if buildings {
            for changed in behind.changes.0.chunk_by(|a, b| a.address.shares_building(&b.address)) {
                let building = changed[0].address.building();
                let homes = self.homes(&building);
                changes.add(building, was(homes, changed), latest(homes));
            }
        }
        changes
    }

    /// Of the homes that are new to a broker that is `behind`, those that wait where no more than `room` flags may be new to it, those of
    /// buildings included: the ones flagged last. Ascending.
    pub(super) fn waiting(&self, behind: &Behind, buildings: bool, room: usize) -> Vec<AddressKey> {
        let changes = &behind.changes.0;
        let is_new = |was: &&Was| was.last_day.is_none();
        let mut new: Vec<&Flag> = changes.iter().filter(is_new).filter_map(|was| self.get(&was.address)).collect();
        new.sort_by_key(|flag| (flag.first_day, flag.address));
        let (mut left, mut told, mut waiting) = (room, HashSet::new(), Vec::new());
        for flag in new {
            let building = flag.address.building();
            let with_building = buildings && !told.contains(&building) && {
                let changed = in_building(changes, |was| &was.address, &building);
                was(self.homes(&building), changed).is_none()
            };
            match left.checked_sub(1 + usize::from(with_building)) {
                Some(rest) => {
                    left = rest;
                    told.insert(building);
                }
                None => waiting.push(flag.address),
            }
        }
        waiting.sort_unstable();
        waiting
    }

    /// The flags in a building; none for a home.
    fn homes(&self, building: &AddressKey) -> &[Flag] {
        in_building(self.rows(), |flag| &flag.address, building)
    }
}

impl Behind {
    /// Of a broker that lacks the flags on these homes, which ascend, and nothing else.
    pub(super) fn lacking(homes: impl Iterator<Item = AddressKey>) -> Behind {
        let changes = Packed(homes.map(|address| Was { address, last_day: None }).collect());
        Behind { changes, ..Behind::default() }
    }

    /// How many flags the broker lacks.
    pub(super) fn lacks(&self) -> usize {
        self.changes.0.iter().filter(|was| was.last_day.is_none()).count()
    }

    /// What the broker holds is not known: only `flags` as a whole bring it up to date.
    pub(super) fn forget(&mut self, flags: &Flags, buildings: bool) {
        self.full_set = true;
        self.renewal |= flags.changes(self, buildings).extends;
        self.changes = Packed::default();
    }

    /// Takes into account that `was` (ascending by address) is no longer what the partner flags: `flags` is.
    pub(super) fn note(&mut self, was: &[Was], flags: &Flags) {
        let mut merged = Vec::with_capacity(self.changes.0.len() + was.len());
        let (mut old, mut new) = (self.changes.0.iter().peekable(), was.iter().peekable());
        loop {
            let held = match (old.peek(), new.peek()) {
                (None, None) => break,
                (Some(_), None) => old.next(),
                (None, Some(_)) => new.next(),
                (Some(a), Some(b)) => match a.address.cmp(&b.address) {
                    Ordering::Less => old.next(),
                    Ordering::Greater => new.next(),
                    Ordering::Equal => {
                        // What the broker holds is the older of the two.
                        new.next();
                        old.next()
                    }
                },
            };
            merged.extend(held.copied());
        }
        self.changes.0 = merged;
        self.drop_equal(flags);
    }

    /// Takes into account that the broker dropped what ended before `today`.
    pub(super) fn expire(&mut self, today: Day, flags: &Flags) {
        for was in &mut self.changes.0 {
            was.last_day = was.last_day.filter(|last_day| *last_day >= today);
        }
        self.drop_equal(flags);
    }

    fn drop_equal(&mut self, flags: &Flags) {
        self.changes.0.retain(|was| flags.get(&was.address).map(|flag| flag.last_day) != was.last_day);
    }
}

impl Changes {
    pub(super) fn len(&self) -> usize {
        self.flagged.len() + self.withdrawn.len()
    }

    fn add(&mut self, address: AddressKey, was: Option<Day>, now: Option<Day>) {
        match now {
            _ if now == was => {}
            Some(last_day) => {
                self.extends |= was.is_some_and(|was| was < last_day);
                self.added += usize::from(was.is_none());
                self.flagged.push((address, last_day));
            }
            None => self.withdrawn.push(address),
        }
    }
}

impl Row for Flag {
    fn length(&self) -> usize {
        self.address.length() + 4
    }

    fn put(&self, writer: &mut Writer) {
        self.address.put(writer);
        writer.u16(self.first_day.0).u16(self.last_day.0);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Flag, Malformed> {
        Ok(Flag { address: Row::take(reader)?, first_day: Day(reader.u16()?), last_day: Day(reader.u16()?) })
    }
}

/// A day of 0 stands for none: no flag ends on 1970-01-01, which is no month's last day.
impl Row for Was {
    fn length(&self) -> usize {
        self.address.length() + 2
    }

    fn put(&self, writer: &mut Writer) {
        self.address.put(writer);
        writer.u16(self.last_day.map_or(0, |day| day.0));
    }

    fn take(reader: &mut Reader<'_>) -> Result<Was, Malformed> {
        Ok(Was { address: Row::take(reader)?, last_day: Some(Day(reader.u16()?)).filter(|day| day.0 != 0) })
    }
}

fn latest(homes: &[Flag]) -> Option<Day> {
    homes.iter().map(|flag| flag.last_day).max()
}

/// What the broker holds on a building: its homes that are flagged are `homes`, and of those in it the broker lacks `changed`.
fn was(homes: &[Flag], changed: &[Was]) -> Option<Day> {
    let same = homes.iter().filter(|flag| changed.binary_search_by_key(&flag.address, |was| was.address).is_err());
    same.map(|flag| flag.last_day).chain(changed.iter().filter_map(|was| was.last_day)).max()
}

/// Those of `rows`, which ascend by address, that are on homes in a building.
fn in_building<'a, T>(rows: &'a [T], address: impl Fn(&T) -> &AddressKey, building: &AddressKey) -> &'a [T] {
    let mut prefix = building.as_bytes().to_vec();
    prefix.push(b'|');
    // The homes of a building stand together: their forms begin with its own and a bar.
    let from = &rows[rows.partition_point(|row| address(row).as_bytes() < prefix.as_slice())..];
    &from[..from.partition_point(|row| address(row).as_bytes().starts_with(&prefix))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn home(number: u8, addition: u8) -> AddressKey {
        let addition = ["", "A", "B", "C"][usize::from(addition)];
        AddressKey::from_canonical(&format!("1012JS|{number}|{addition}")).unwrap()
    }

    fn flag(address: AddressKey, last_day: u16) -> (AddressKey, Option<Flag>) {
        let flag = Flag { address, first_day: Day(1), last_day: Day(last_day) };
        (address, (last_day > 0).then_some(flag))
    }

    fn set(flags: &mut Flags, wanted: &[(AddressKey, Option<Flag>)]) -> Vec<Was> {
        let addresses: Vec<_> = wanted.iter().map(|(address, _)| *address).collect();
        let to =
            |address, _: Option<&Flag>| wanted.iter().find(|(other, _)| *other == address).and_then(|(_, flag)| *flag);
        let mut was = Vec::new();
        flags.set(&addresses, to, |row| was.push(row));
        was
    }

    fn plain(changes: &Changes) -> (BTreeMap<String, u16>, Vec<String>) {
        let flagged = changes.flagged.iter().map(|(address, day)| (address.as_str().to_owned(), day.0)).collect();
        let mut withdrawn: Vec<_> = changes.withdrawn.iter().map(|address| address.as_str().to_owned()).collect();
        withdrawn.sort();
        (flagged, withdrawn)
    }

    #[test]
    fn a_building_is_flagged_while_a_home_in_it_is() {
        let mut flags = Flags::default();
        // A bar stands after the digits in ASCII.
        set(&mut flags, &[flag(home(10, 0), 50), flag(home(1, 1), 50), flag(home(1, 2), 90)]);
        let all: BTreeMap<_, _> = flags.all(true).map(|(a, day)| (a.as_str().to_owned(), day.0)).collect();
        assert_eq!((all["1012JS|1"], all["1012JS|10"], all.len()), (90, 50, 5));
        assert!(flags.covers(&home(1, 1).building()) && !flags.covers(&home(1, 0)));

        let mut behind = Behind::default();
        let was = set(&mut flags, &[flag(home(1, 2), 0)]);
        behind.note(&was, &flags);
        let changes = flags.changes(&behind, true);
        assert_eq!(plain(&changes), ([("1012JS|1".to_owned(), 50)].into(), vec!["1012JS|1|B".to_owned()]));
        assert!(!changes.extends);

        let was = set(&mut flags, &[flag(home(1, 1), 0)]);
        behind.note(&was, &flags);
        let withdrawn = ["1012JS|1", "1012JS|1|A", "1012JS|1|B"].map(str::to_owned).to_vec();
        assert_eq!(plain(&flags.changes(&behind, true)), ([].into(), withdrawn));
        assert_eq!(flags.changes(&behind, false).len(), 2);
    }

    #[test]
    fn a_later_flat_extends_its_building() {
        let (mut flags, mut behind) = (Flags::default(), Behind::default());
        set(&mut flags, &[flag(home(1, 1), 50)]);
        let was = set(&mut flags, &[flag(home(1, 2), 90)]);
        behind.note(&was, &flags);
        assert!(flags.changes(&behind, true).extends);
        assert!(!flags.changes(&behind, false).extends);
    }

    #[test]
    fn what_expired_needs_no_message() {
        let (mut flags, mut behind) = (Flags::default(), Behind::default());
        set(&mut flags, &[flag(home(1, 1), 50), flag(home(2, 1), 50)]);
        let was = set(&mut flags, &[flag(home(1, 1), 0), flag(home(2, 1), 90)]);
        behind.note(&was, &flags);
        assert!(flags.changes(&behind, true).extends);
        flags.expire(Day(51));
        behind.expire(Day(51), &flags);
        let changes = flags.changes(&behind, true);
        assert_eq!(plain(&changes).0.len(), 2);
        assert!(changes.withdrawn.is_empty() && !changes.extends);
    }

    proptest! {
        /// Against plain maps: whatever is set, the changes make of what the broker held what the partner flags.
        #[test]
        fn changes_bring_the_broker_up_to_date(
            rounds in prop::collection::vec(prop::collection::btree_map((1u8..14, 0u8..4), 0u16..4, 0..12), 1..8),
            forget in 0usize..8,
            room in 0usize..24,
        ) {
            let (mut flags, mut behind) = (Flags::default(), Behind::default());
            let mut held: BTreeMap<AddressKey, Day> = BTreeMap::new();
            for (round, wanted) in rounds.iter().enumerate() {
                let mut wanted: Vec<_> =
                    wanted.iter().map(|((number, addition), day)| flag(home(*number, *addition), day * 30)).collect();
                wanted.sort_by_key(|(address, _)| *address);
                let was = set(&mut flags, &wanted);
                behind.note(&was, &flags);
                if round == forget {
                    behind = Behind::default();
                    held = flags.all(true).collect();
                }
            }
            if forget < rounds.len() {
                // What waits leaves no more new than there is room for, and no less than a home with its building would take.
                let waiting = flags.waiting(&behind, true, room);
                let fewer = flags.without(&waiting);
                let added = fewer.changes(&behind, true).added;
                prop_assert!(added <= room && (waiting.is_empty() || added + 2 > room));
                // First all but those, then the rest.
                let lacking = Behind::lacking(waiting.into_iter());
                for (flags, behind) in [(&fewer, &behind), (&flags, &lacking)] {
                    let changes = flags.changes(behind, true);
                    let was = |address: &AddressKey| held.get(address);
                    prop_assert_eq!(changes.added, changes.flagged.iter().filter(|(a, _)| was(a).is_none()).count());
                    let extends = changes.flagged.iter().any(|(a, day)| was(a).is_some_and(|was| was < day));
                    prop_assert_eq!(changes.extends, extends);
                    for (address, day) in changes.flagged {
                        prop_assert_ne!(held.insert(address, day), Some(day));
                    }
                    for address in changes.withdrawn {
                        prop_assert!(held.remove(&address).is_some());
                    }
                    prop_assert_eq!(&held, &flags.all(true).collect::<BTreeMap<_, _>>());
                }
            }
        }
    }
}
