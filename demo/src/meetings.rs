//! Says who must be asked and who must be introduced to whom, and on which day, by sets as spec/after-a-hit.md 3 says,
//! without cryptography.
//!
//! It is told what people did and what reached the broker, never what the broker said. The policy of the demonstration
//! has no number that names somebody (section 4), so that of those who are to be introduced all are.

use std::collections::{BTreeMap, BTreeSet};

use stapel::{AddressKey, Day};

use crate::consortium::{COORDINATING, DIRECT, SYSTEMS};
use crate::truth::Truth;

/// Days from that of a message to the last one of its rows.
const ROW_DAYS: u16 = 14;

/// The plain count of what comes after a hit. Seats are named as in [`Play::seats`](crate::play::Play::seats).
pub(crate) struct Meetings {
    /// By system: what its people put forward.
    wanted: [BTreeSet<AddressKey>; SYSTEMS.len()],
    /// By system: what the broker must keep of that, each with its last day.
    rows: [BTreeMap<AddressKey, Day>; SYSTEMS.len()],
    /// Whom another's row was told of, as long as a row stands.
    asked: BTreeSet<(AddressKey, usize)>,
    /// Everybody who was ever asked, and on which day last.
    asks: BTreeMap<(usize, AddressKey), Day>,
    /// The pairs that are introduced, the lower seat first.
    introduced: BTreeSet<(AddressKey, usize, usize)>,
    /// Every introduction there ever was: a seat, the address, the other seat and the day.
    told: BTreeSet<(usize, AddressKey, usize, Day)>,
    /// Who left, which the broker hears with their next message.
    leaving: BTreeSet<(AddressKey, usize)>,
    /// Who left, until they put it forward anew.
    left: BTreeSet<(AddressKey, usize)>,
    /// Since which day the broker has all that an introduction needs: a row, and enough flags.
    complete: BTreeMap<AddressKey, Day>,
    /// From then to the first introduction, in days.
    waits: BTreeMap<AddressKey, u16>,
}

/// Figures of what comes after a hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Addresses that somebody put forward.
    pub(crate) put_forward: usize,
    /// Partners that were asked, once for each address.
    pub(crate) asked: usize,
    /// Pairs that were introduced.
    pub(crate) introduced: usize,
    /// Addresses over which anybody was.
    pub(crate) addresses: usize,
    /// The most days from the message that completed what an introduction needs to the turn at which it was made.
    pub(crate) longest_wait: u16,
}

impl Meetings {
    /// With nothing put forward.
    pub(crate) fn new() -> Meetings {
        Meetings {
            wanted: Default::default(),
            rows: Default::default(),
            asked: BTreeSet::new(),
            asks: BTreeMap::new(),
            introduced: BTreeSet::new(),
            told: BTreeSet::new(),
            leaving: BTreeSet::new(),
            left: BTreeSet::new(),
            complete: BTreeMap::new(),
            waits: BTreeMap::new(),
        }
    }

    /// People put homes forward.
    pub(crate) fn put_forward(&mut self, system: usize, homes: &[AddressKey]) {
        self.wanted[system].extend(homes);
    }

    /// People put a home forward no longer.
    pub(crate) fn take_back(&mut self, system: usize, home: &AddressKey) {
        self.wanted[system].remove(home);
    }

    /// Whether people put a home forward.
    pub(crate) fn is_put_forward(&self, system: usize, home: &AddressKey) -> bool {
        self.wanted[system].contains(home)
    }

    /// A system leaves the conversation over a home: what it put forward there is taken back.
    pub(crate) fn leave(&mut self, system: usize, home: AddressKey) {
        self.take_back(system, &home);
        self.leaving.insert((home, system));
    }

    /// The broker has heard what a system puts forward and what it left; how many rows it must keep. What is not
    /// flagged any more is not put forward, and what the broker has no flag of waits.
    pub(crate) fn sent(&mut self, system: usize, truth: &Truth, today: Day) -> usize {
        let left: BTreeSet<_> = self.leaving.iter().filter(|(_, seat)| *seat == system).copied().collect();
        self.leaving.retain(|(_, seat)| *seat != system);
        // What was left before today's messages, and is in them, was put forward anew.
        self.left.retain(|(home, seat)| *seat != system || !self.wanted[system].contains(home));
        self.introduced.retain(|(home, low, high)| !left.contains(&(*home, *low)) && !left.contains(&(*home, *high)));
        self.left.extend(left);
        let wanted = &mut self.wanted[system];
        wanted.retain(|home| truth.wanted(system).contains_key(home));
        let held = wanted.iter().filter(|home| truth.holds(system, home));
        self.rows[system] = held.map(|home| (*home, today.plus(ROW_DAYS))).collect();
        self.completed(truth, today);
        self.rows[system].len()
    }

    /// Notes since when what an introduction needs is at the broker.
    pub(crate) fn completed(&mut self, truth: &Truth, today: Day) {
        for home in self.rows.iter().flat_map(BTreeMap::keys) {
            if truth.is_enough(truth.held_by(home)) {
                self.complete.entry(*home).or_insert(today);
            }
        }
    }

    /// The turn of the day, after its release.
    pub(crate) fn turn(&mut self, truth: &Truth, today: Day) {
        let mut standing: BTreeMap<AddressKey, Vec<usize>> = BTreeMap::new();
        for (system, rows) in self.rows.iter_mut().enumerate() {
            rows.retain(|home, last_day| *last_day >= today && truth.holds(system, home));
            for home in rows.keys().filter(|home| truth.flaggers(home).contains(&system)) {
                standing.entry(*home).or_default().push(system);
            }
        }
        self.asked.retain(|(home, _)| standing.contains_key(home));
        for (home, systems) in &standing {
            if !truth.is_stacked(home) {
                continue;
            }
            for other in truth.flaggers(home) {
                let puts_forward = systems.iter().any(|system| organisation(*system) == organisation(other));
                if !puts_forward && self.asked.insert((*home, other)) {
                    self.asks.insert((other, *home), today);
                }
            }
            let pairs = systems.iter().flat_map(|one| systems.iter().map(|other| (*one, *other)));
            let direct = pairs.filter(|(one, other)| one < other && meet_directly(*one, *other));
            let pairs: Vec<_> = direct.chain(systems.iter().map(|one| (*one, COORDINATING))).collect();
            for (one, other) in pairs {
                let has_left = self.left.contains(&(*home, one)) || self.left.contains(&(*home, other));
                if !has_left && self.introduced.insert((*home, one, other)) {
                    self.told.insert((one, *home, other, today));
                    self.told.insert((other, *home, one, today));
                    let complete = self.complete.get(home).copied().unwrap_or(today);
                    self.waits.entry(*home).or_insert(today.0 - complete.0);
                }
            }
        }
    }

    /// Everybody that a seat was introduced to: the home, the other seat and the day.
    pub(crate) fn introductions(&self, seat: usize) -> BTreeSet<(AddressKey, usize, Day)> {
        self.told.iter().filter(|told| told.0 == seat).map(|(_, home, other, day)| (*home, *other, *day)).collect()
    }

    /// What a system was asked to answer, and when last.
    pub(crate) fn asks(&self, system: usize) -> BTreeMap<AddressKey, Day> {
        self.asks.iter().filter(|((asked, _), _)| *asked == system).map(|((_, home), day)| (*home, *day)).collect()
    }

    /// Whether a system is asked at all. One is, where of the organisations that may have put the address forward its
    /// own meets none directly, so that of three or more none is named by that none was introduced. Of the others
    /// nothing is said here.
    pub(crate) fn is_asked(system: usize) -> bool {
        !DIRECT.contains(&organisation(system))
    }

    /// The figures up to now.
    pub(crate) fn counted(&self) -> Counted {
        let over: BTreeSet<_> = self.told.iter().map(|(_, home, _, _)| *home).collect();
        let rows: BTreeSet<_> = self.complete.keys().chain(self.wanted.iter().flatten()).collect();
        Counted {
            put_forward: rows.len(),
            asked: self.asks.len(),
            introduced: self.told.len() / 2,
            addresses: over.len(),
            longest_wait: self.waits.values().copied().max().unwrap_or(0),
        }
    }
}

fn organisation(system: usize) -> &'static str {
    SYSTEMS[system].organisation
}

fn meet_directly(one: usize, other: usize) -> bool {
    organisation(one) != organisation(other) && [one, other].iter().all(|one| DIRECT.contains(&organisation(*one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consortium::{HOUSING, INSPECTION, POLICE, RULES, SAFETY, TAX};
    use stapel::Timestamp;

    fn home(number: u32) -> AddressKey {
        AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap()
    }

    fn day(number: u16) -> Day {
        RULES.opens.plus(number)
    }

    fn noon(number: u16) -> Timestamp {
        day(number).start().plus(43_200)
    }

    /// All but the inspection flag home 1, which was released on day 1.
    fn flagged() -> (Truth, Meetings) {
        let systems = SYSTEMS.iter().map(|system| (system.organisation, system.sees));
        let mut truth = Truth::new(RULES, systems, noon(0));
        for system in 0..SYSTEMS.len() {
            if system != INSPECTION {
                truth.flag(system, &[home(1)], day(150));
            }
            truth.told(system, noon(0));
        }
        let meetings = Meetings::new();
        (truth, meetings)
    }

    fn turn(truth: &mut Truth, meetings: &mut Meetings, number: u16) {
        assert!(truth.tick(noon(number)));
        meetings.turn(truth, day(number));
    }

    #[test]
    fn those_who_put_forward_meet_and_the_others_are_asked_once() {
        let (mut truth, mut meetings) = flagged();
        for system in [POLICE, SAFETY] {
            meetings.put_forward(system, &[home(1)]);
            assert_eq!(meetings.sent(system, &truth, day(0)), 1);
        }
        turn(&mut truth, &mut meetings, 1);
        let told = |other, number| (home(1), other, day(number));
        assert_eq!(meetings.introductions(POLICE), BTreeSet::from([told(SAFETY, 1), told(COORDINATING, 1)]));
        assert_eq!(meetings.introductions(COORDINATING), BTreeSet::from([told(POLICE, 1), told(SAFETY, 1)]));
        assert_eq!(meetings.asks(TAX), BTreeMap::from([(home(1), day(1))]));
        assert!(meetings.asks(INSPECTION).is_empty(), "it does not flag it, and its organisation put it forward");
        meetings.put_forward(TAX, &[home(1)]);
        meetings.sent(TAX, &truth, day(1));
        turn(&mut truth, &mut meetings, 2);
        assert_eq!(meetings.introductions(TAX), BTreeSet::from([told(COORDINATING, 2)]));
        assert_eq!(meetings.asks(HOUSING), BTreeMap::from([(home(1), day(1))]), "not again");
        let counted = Counted { put_forward: 1, asked: 2, introduced: 4, addresses: 1, longest_wait: 1 };
        assert_eq!(meetings.counted(), counted);
    }

    #[test]
    fn what_is_not_released_not_stacked_or_over_introduces_nobody() {
        let (mut truth, mut meetings) = flagged();
        turn(&mut truth, &mut meetings, 1);
        // One organisation alone flags home 2.
        truth.flag(POLICE, &[home(2)], day(150));
        meetings.put_forward(POLICE, &[home(1), home(2)]);
        assert_eq!(meetings.sent(POLICE, &truth, day(1)), 1, "the broker has no flag on home 2 yet");
        truth.told(POLICE, noon(1));
        assert_eq!(meetings.sent(POLICE, &truth, day(1)), 2);
        // It is not heard of again, so that its rows are over.
        truth.tick(noon(16));
        meetings.turn(&truth, day(16));
        assert!(meetings.introductions(POLICE).is_empty());
        meetings.sent(POLICE, &truth, day(16));
        turn(&mut truth, &mut meetings, 17);
        let met: Vec<_> = meetings.introductions(POLICE).into_iter().map(|(home, ..)| home).collect();
        assert_eq!(met, [home(1)]);
        assert_eq!(meetings.counted().longest_wait, 16, "since the broker had it on day 1");
    }

    #[test]
    fn who_left_is_introduced_until_the_broker_heard_of_it() {
        let (mut truth, mut meetings) = flagged();
        meetings.put_forward(SAFETY, &[home(1)]);
        meetings.sent(SAFETY, &truth, day(0));
        turn(&mut truth, &mut meetings, 1);
        meetings.leave(SAFETY, home(1));
        meetings.put_forward(POLICE, &[home(1)]);
        meetings.sent(POLICE, &truth, day(1));
        turn(&mut truth, &mut meetings, 2);
        assert!(meetings.introductions(POLICE).contains(&(home(1), SAFETY, day(2))));
        meetings.sent(SAFETY, &truth, day(2));
        meetings.put_forward(TAX, &[home(1)]);
        meetings.sent(TAX, &truth, day(2));
        turn(&mut truth, &mut meetings, 3);
        assert_eq!(meetings.introductions(SAFETY).len(), 2, "nobody new");
    }

    #[test]
    fn who_leaves_meets_again_only_after_a_turn_without_its_row() {
        let (mut truth, mut meetings) = flagged();
        meetings.put_forward(TAX, &[home(1)]);
        meetings.sent(TAX, &truth, day(0));
        turn(&mut truth, &mut meetings, 1);
        meetings.leave(TAX, home(1));
        meetings.put_forward(TAX, &[home(1)]);
        meetings.sent(TAX, &truth, day(1));
        turn(&mut truth, &mut meetings, 2);
        assert_eq!(meetings.introductions(TAX).len(), 1);
        meetings.leave(TAX, home(1));
        meetings.sent(TAX, &truth, day(2));
        turn(&mut truth, &mut meetings, 3);
        meetings.put_forward(TAX, &[home(1)]);
        meetings.sent(TAX, &truth, day(3));
        turn(&mut truth, &mut meetings, 4);
        assert_eq!(meetings.introductions(TAX).len(), 2);
    }
}
