//! Who is asked and who is introduced at a turn of the day: spec/after-a-hit.md, sections 3 and 4.
//!
//! Nothing here touches the disk or the broker's state: what is put forward, the release in force and the policy go in,
//! and entries come out.

use std::collections::{BTreeMap, BTreeSet};

use super::super::index::Index;
use super::rows::{Asked, Conversation, Forwarded, ForwardedRow};
use crate::day::Day;
use crate::digest::Digest;
use crate::message::{Entry, EntryKind};
use crate::policy::{Meet, Policy};
use crate::slug::Slug;
use crate::tag::Tag;
use crate::talk::{ConversationId, RowCode};

/// What a turn of the day is decided by, in the epoch that answers.
pub(crate) struct MeetTurn<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) meet: &'a Meet,
    /// The policy's digest.
    pub(crate) digest: Digest,
    pub(crate) epoch: u32,
    pub(crate) today: Day,
    /// The release in force.
    pub(crate) index: &'a Index,
    /// Whether so many organisations hold released flags that something may be stacked.
    pub(crate) enough_sources: bool,
    /// By ascending partner.
    pub(crate) forwarded: Vec<(u16, &'a Forwarded)>,
    /// Who was asked before.
    pub(crate) asked: &'a Asked,
    pub(crate) conversations: &'a BTreeMap<ConversationId, Conversation>,
}

/// What comes of a turn. Nothing of it is done yet.
#[derive(Default)]
pub(crate) struct MeetDecision {
    /// Who is asked, or was before and is not to be asked again.
    pub(crate) asked: Asked,
    /// For whom each entry is, in the order in which they get numbers.
    pub(crate) entries: Vec<(u16, Entry)>,
    /// The pairs that are introduced, the lower partner first.
    pub(crate) introduced: Vec<(ConversationId, (u16, u16))>,
    /// What the coordinator left and may be introduced in again.
    pub(crate) returned: Vec<(ConversationId, u16)>,
}

/// A row that stands.
struct StandingRow<'a> {
    partner: u16,
    organisation: &'a Slug,
    forwarded: &'a Forwarded,
    row: &'a ForwardedRow,
}

impl StandingRow<'_> {
    fn code_for(&self, receiver: u16) -> Option<RowCode> {
        let code = self.row.codes.get(self.forwarded.place_of(receiver)?).copied();
        // Zeros stand for none.
        code.filter(|code| *code != RowCode::NONE)
    }
}

impl<'a> MeetTurn<'a> {
    pub(crate) fn decide(&self) -> MeetDecision {
        let standing = self.standing();
        let unsafe_numbers: BTreeSet<usize> = self.policy.unsafe_introductions(self.epoch).into_iter().collect();
        let never_asked = self.policy.never_asked(self.epoch);
        let mut decision = MeetDecision { returned: self.returned(&standing), ..MeetDecision::default() };
        for (tag, rows) in &standing {
            let mut asked = self.asked.partners.get(tag).cloned().unwrap_or_default();
            let flagging = self.flagging(tag);
            if self.is_stacked(&flagging) {
                if self.meet.tell_others {
                    let mut asking = flagging;
                    asking.retain(|partner| {
                        let organisation = self.policy.flags_for(*partner, self.epoch);
                        organisation.is_some_and(|one| !never_asked.contains(&one))
                    });
                    self.ask(rows, &asking, &mut asked, &mut decision.entries);
                }
                self.introduce(rows, &unsafe_numbers, &mut decision);
            }
            if !asked.is_empty() {
                decision.asked.partners.insert(*tag, asked);
            }
        }
        decision
    }

    /// The rows that stand, by tag and then by partner.
    fn standing(&self) -> BTreeMap<Tag, Vec<StandingRow<'a>>> {
        let mut standing: BTreeMap<Tag, Vec<StandingRow<'a>>> = BTreeMap::new();
        for (partner, forwarded) in &self.forwarded {
            let Some(organisation) = self.policy.flags_for(*partner, self.epoch) else { continue };
            if forwarded.last_day < self.today || forwarded.policy != self.digest {
                continue;
            }
            // A row without a code for anybody would ask others, and have its sender named to none of those who join.
            for row in forwarded.rows.iter().filter(|row| row.codes.iter().any(|code| *code != RowCode::NONE)) {
                if self.flagging(&row.tag).contains(partner) {
                    let row = StandingRow { partner: *partner, organisation, forwarded, row };
                    standing.entry(row.row.tag).or_default().push(row);
                }
            }
        }
        standing
    }

    /// The partners with a released flag on a tag, ascending.
    fn flagging(&self, tag: &Tag) -> Vec<u16> {
        self.index.flags(tag).filter(|flag| !flag.span.ended(self.today)).map(|flag| flag.partner).collect()
    }

    fn is_stacked(&self, flagging: &[u16]) -> bool {
        let organisations: BTreeSet<&Slug> =
            flagging.iter().filter_map(|partner| self.policy.flags_for(*partner, self.epoch)).collect();
        self.enough_sources && organisations.len() >= usize::from(self.policy.counting.threshold)
    }

    /// Asks those of `asking` whose organisation did not put it forward, each once while a row stands.
    fn ask(&self, rows: &[StandingRow<'_>], asking: &[u16], asked: &mut Vec<u16>, entries: &mut Vec<(u16, Entry)>) {
        let answer_by = self.today.plus(self.meet.answer_days);
        for partner in asking {
            let Some(organisation) = self.policy.flags_for(*partner, self.epoch) else { continue };
            if rows.iter().any(|row| row.organisation == organisation) {
                continue;
            }
            if let Err(place) = asked.binary_search(partner) {
                asked.insert(place, *partner);
                entries.push((*partner, self.entry(&rows[0], EntryKind::Asked { answer_by })));
            }
        }
    }

    /// Introduces all pairs that are to be introduced over one subject, or none of them.
    fn introduce(&self, rows: &[StandingRow<'_>], unsafe_numbers: &BTreeSet<usize>, decision: &mut MeetDecision) {
        let id = rows[0].row.conversation;
        let none = Conversation::default();
        let conversation = self.conversations.get(&id).unwrap_or(&none);
        // Messages and exchanges have numbers of one series. A row of a later message was put forward anew: its sender
        // took it back when it left.
        let has_left = |one: &StandingRow<'_>| {
            conversation.left.get(&one.partner).is_some_and(|exchange| one.forwarded.number < *exchange)
        };
        let mut entries = Vec::new();
        let mut introduced = Vec::new();
        for (at, one) in rows.iter().enumerate() {
            for other in &rows[at + 1..] {
                let is_new = self.policy.meet_directly(one.organisation, other.organisation)
                    && !conversation.introduces(one.partner, other.partner)
                    && !has_left(one)
                    && !has_left(other);
                let codes = one.code_for(other.partner).zip(other.code_for(one.partner));
                if let Some((to_other, to_one)) = codes.filter(|_| is_new) {
                    introduced.push(Conversation::pair(one.partner, other.partner));
                    entries.push((one.partner, self.introduction(one, other, to_one)));
                    entries.push((other.partner, self.introduction(other, one, to_other)));
                }
            }
        }
        let coordinator = self.coordinator();
        for (row, coordinator) in rows.iter().filter_map(|row| Some((row, coordinator?))) {
            // The coordinator left only those that it had been introduced to. One that left too comes back by its row.
            let is_left = conversation.left.contains_key(&coordinator)
                && conversation.pairs.contains_key(&Conversation::pair(row.partner, coordinator))
                && !conversation.left.contains_key(&row.partner);
            let is_new = self.policy.meets_by_coordinator(row.organisation, self.epoch)
                && !conversation.introduces(row.partner, coordinator)
                && !has_left(row)
                && !is_left;
            if let Some(code) = row.code_for(coordinator).filter(|_| is_new) {
                introduced.push(Conversation::pair(row.partner, coordinator));
                let (last_day, number) = (row.forwarded.last_day, row.forwarded.number);
                let told = EntryKind::Introduced {
                    conversation: id,
                    partner: coordinator,
                    last_day,
                    row: 0,
                    own_row: number,
                    code: RowCode::NONE,
                };
                entries.push((row.partner, self.entry(row, told)));
                let partner = row.partner;
                let told = EntryKind::Introduced { conversation: id, partner, last_day, row: number, own_row: 0, code };
                entries.push((coordinator, self.entry(row, told)));
            }
        }
        let pairs: BTreeSet<(u16, u16)> = conversation.pairs.keys().chain(&introduced).copied().collect();
        // Under most policies no number is unsafe, and counting is most of the work.
        if !unsafe_numbers.is_empty()
            && self.known_numbers(rows, &pairs).iter().any(|number| unsafe_numbers.contains(number))
        {
            return;
        }
        decision.entries.extend(entries);
        decision.introduced.extend(introduced.into_iter().map(|pair| (id, pair)));
    }

    /// How many organisations put the subject forward, as the coordinator and each organisation that meets others
    /// directly would know of it by these pairs.
    fn known_numbers(&self, rows: &[StandingRow<'_>], pairs: &BTreeSet<(u16, u16)>) -> BTreeSet<usize> {
        let organisation = |partner: u16| self.policy.flags_for(partner, self.epoch);
        let introduced_to = |knows: &dyn Fn(u16) -> bool| -> usize {
            let others = pairs.iter().flat_map(|(low, high)| [(*low, *high), (*high, *low)]);
            let others = others.filter(|(one, _)| knows(*one)).filter_map(|(_, other)| organisation(other));
            others.collect::<BTreeSet<_>>().len()
        };
        let mut numbers = BTreeSet::new();
        if let Some(coordinator) = self.coordinator() {
            numbers.insert(introduced_to(&|partner| partner == coordinator));
        }
        let forwarding: BTreeSet<&Slug> = rows.iter().map(|row| row.organisation).collect();
        for one in &forwarding {
            if forwarding.iter().any(|other| self.policy.meet_directly(one, other)) {
                numbers.insert(1 + introduced_to(&|partner| organisation(partner) == Some(one)));
            }
        }
        numbers
    }

    /// The conversations that the coordinator left and on which nobody has a row any more: it may be introduced again.
    fn returned(&self, standing: &BTreeMap<Tag, Vec<StandingRow<'_>>>) -> Vec<(ConversationId, u16)> {
        let Some(coordinator) = self.policy.coordinating_partner().map(|entry| entry.number) else { return Vec::new() };
        let rows = standing.values().flatten();
        let forwarded: BTreeSet<ConversationId> = rows.map(|row| row.row.conversation).collect();
        let of_epoch = self.conversations.iter().filter(|(_, one)| one.epoch == self.epoch);
        let left = of_epoch.filter(|(_, one)| one.left.contains_key(&coordinator)).map(|(id, _)| *id);
        left.filter(|id| !forwarded.contains(id)).map(|id| (id, coordinator)).collect()
    }

    /// The coordinator, where it takes part in the epoch.
    fn coordinator(&self) -> Option<u16> {
        let entry = self.policy.coordinating_partner()?;
        self.policy.takes_part(&entry.organisation, self.epoch).then_some(entry.number)
    }

    /// What `one` is told of `other`, whose code for it this is.
    fn introduction(&self, one: &StandingRow<'_>, other: &StandingRow<'_>, code: RowCode) -> Entry {
        let told = EntryKind::Introduced {
            conversation: one.row.conversation,
            partner: other.partner,
            last_day: other.forwarded.last_day,
            row: other.forwarded.number,
            own_row: one.forwarded.number,
            code,
        };
        self.entry(one, told)
    }

    fn entry(&self, row: &StandingRow<'_>, told: EntryKind) -> Entry {
        Entry { number: 0, subject: row.row.subject, epoch: self.epoch, day: self.today, told }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::index::{Changes, Effect, Pending};
    use super::*;
    use crate::policy::sample;
    use crate::store::{Row, Span};
    use crate::talk::Subject;
    use crate::threads::Threads;
    use proptest::prelude::*;

    const TODAY: Day = Day(20_790);
    const COORDINATOR: u16 = 5;

    /// A release that shows these flags, each a partner and what it flags, through today.
    fn release(flags: &[(u16, u8)]) -> Arc<Index> {
        let mut of: BTreeMap<u16, Vec<Row>> = BTreeMap::new();
        for (partner, number) in flags {
            let row = Row { tag: Tag([*number; 16]), span: Span { first: TODAY, last: TODAY } };
            of.entry(*partner).or_default().push(row);
        }
        let pending = of.into_iter().map(|(partner, mut rows)| {
            rows.sort_unstable_by_key(|row| row.tag);
            rows.dedup();
            let mut pending = Pending::default();
            pending.push(rows);
            (partner, pending)
        });
        let pending: Vec<_> = pending.collect();
        let pending = pending.iter().map(|(partner, pending)| (*partner, pending)).collect();
        let (gone, threads) = (BTreeSet::new(), Threads::default());
        let changes = Changes { pending, effect: Effect::Everything, today: TODAY, gone: &gone, threads: &threads };
        Index::empty().rebuild(&changes).index
    }

    fn code(sender: u16, receiver: u16, number: u8) -> RowCode {
        RowCode::from_bytes([sender as u8, receiver as u8, number].repeat(6)[..16].try_into().unwrap())
    }

    fn id(number: u8) -> ConversationId {
        ConversationId::from_bytes([number | 0x80; 16])
    }

    /// What a partner puts forward, with codes for all others but one.
    fn rows(partner: u16, numbers: &[u8], not_for: u16) -> Forwarded {
        let receivers: Vec<u16> = (1..=5).filter(|other| *other != partner && *other != not_for).collect();
        let row = |number: &u8| ForwardedRow {
            tag: Tag([*number; 16]),
            subject: Subject::from_bytes([*number | 0x40; 16]),
            conversation: id(*number),
            codes: receivers.iter().map(|receiver| code(partner, *receiver, *number)).collect(),
        };
        Forwarded {
            number: 100 + u64::from(partner),
            policy: Digest([1; 32]),
            last_day: TODAY.plus(partner),
            receivers: receivers.clone(),
            rows: numbers.iter().map(row).collect(),
        }
    }

    /// The state of a consortium before a turn.
    struct World {
        policy: Policy,
        index: Arc<Index>,
        enough_sources: bool,
        forwarded: Vec<(u16, Forwarded)>,
        asked: Asked,
        conversations: BTreeMap<ConversationId, Conversation>,
        /// The number of the next message.
        next: u64,
    }

    impl World {
        fn new(flags: &[(u16, u8)], forwarded: &[(u16, &[u8])]) -> World {
            World {
                policy: sample::with_meet(&[]),
                index: release(flags),
                enough_sources: true,
                forwarded: forwarded.iter().map(|(partner, said)| (*partner, rows(*partner, said, 0))).collect(),
                asked: Asked::default(),
                conversations: BTreeMap::new(),
                next: 1_000,
            }
        }

        /// Has a partner say its rows in another message.
        fn say_again(&mut self, partner: u16) {
            let said = self.forwarded.iter_mut().find(|said| said.0 == partner);
            said.unwrap().1.number = self.next;
            self.next += 1;
        }

        fn decide(&self) -> MeetDecision {
            let turn = MeetTurn {
                policy: &self.policy,
                meet: self.policy.meet.as_ref().unwrap(),
                digest: Digest([1; 32]),
                epoch: 1,
                today: TODAY,
                index: &self.index,
                enough_sources: self.enough_sources,
                forwarded: self.forwarded.iter().map(|(partner, forwarded)| (*partner, forwarded)).collect(),
                asked: &self.asked,
                conversations: &self.conversations,
            };
            turn.decide()
        }

        /// Decides a turn, and goes on from it.
        fn turn(&mut self) -> Vec<(u16, &'static str, u16)> {
            let decision = self.decide();
            for (id, pair) in &decision.introduced {
                let new = || Conversation { epoch: 1, ..Conversation::default() };
                self.conversations.entry(*id).or_insert_with(new).pairs.insert(*pair, true);
            }
            for (id, partner) in &decision.returned {
                self.conversations.get_mut(id).unwrap().left.remove(partner);
            }
            self.asked = decision.asked;
            told(&decision.entries)
        }

        /// Has a partner leave a conversation.
        fn leave(&mut self, number: u8, partner: u16) {
            let one = self.conversations.get_mut(&id(number)).unwrap();
            let others: Vec<u16> = one.others(partner).collect();
            one.left.retain(|other, _| !others.contains(other));
            one.pairs
                .iter_mut()
                .filter(|(pair, _)| pair.0 == partner || pair.1 == partner)
                .for_each(|it| *it.1 = false);
            one.left.insert(partner, self.next);
            self.next += 1;
        }
    }

    /// Who is told what of whom.
    fn told(entries: &[(u16, Entry)]) -> Vec<(u16, &'static str, u16)> {
        let mut told: Vec<_> = entries
            .iter()
            .map(|(partner, entry)| match entry.told {
                EntryKind::Asked { .. } => (*partner, "asked", 0),
                EntryKind::Introduced { partner: other, .. } => (*partner, "introduced", other),
                _ => (*partner, "left", 0),
            })
            .collect();
        told.sort_unstable();
        told
    }

    /// What all of 1 and 2, who meet directly, and of the coordinator are told of each other.
    const BOTH: [(u16, &str, u16); 6] = [
        (1, "introduced", 2),
        (1, "introduced", 5),
        (2, "introduced", 1),
        (2, "introduced", 5),
        (5, "introduced", 1),
        (5, "introduced", 2),
    ];

    #[test]
    fn who_puts_the_same_forward_is_introduced_as_the_policy_says() {
        let mut world = World::new(&[(1, 7), (2, 7), (3, 7), (4, 8)], &[(1, &[7]), (2, &[7])]);
        let decision = world.decide();
        let of = |partner: u16, other: u16| {
            let mut entries = decision.entries.iter().filter(|(to, _)| *to == partner).map(|(_, entry)| *entry);
            entries.find(|it| matches!(it.told, EntryKind::Introduced { partner, .. } if partner == other)).unwrap()
        };
        let entry = |told| {
            let subject = Subject::from_bytes([0x47; 16]);
            Entry { number: 0, subject, epoch: 1, day: TODAY, told }
        };
        let introduced = |partner, last_day, (row, own_row), code| {
            entry(EntryKind::Introduced { conversation: id(7), partner, last_day, row, own_row, code })
        };
        assert_eq!(of(1, 2), introduced(2, TODAY.plus(2), (102, 101), code(2, 1, 7)));
        assert_eq!(of(2, 1), introduced(1, TODAY.plus(1), (101, 102), code(1, 2, 7)));
        assert_eq!(of(1, 5), introduced(5, TODAY.plus(1), (0, 101), RowCode::NONE));
        assert_eq!(of(5, 2), introduced(2, TODAY.plus(2), (102, 0), code(2, 5, 7)));
        let answer_by = TODAY.plus(5);
        assert!(decision.entries.contains(&(3, entry(EntryKind::Asked { answer_by }))));
        let mut expected = BOTH.to_vec();
        expected.push((3, "asked", 0));
        expected.sort_unstable();
        assert_eq!(world.turn(), expected);
        assert_eq!(world.turn(), [], "nobody is told twice");
        world.forwarded.push((3, rows(3, &[7], 0)));
        assert_eq!(world.turn(), [(3, "introduced", 5), (5, "introduced", 3)], "3 meets the others by the coordinator");
    }

    #[test]
    fn a_row_that_does_not_stand_tells_nobody_anything() {
        let flags = [(1, 7), (2, 7), (3, 7)];
        let both: [(u16, &[u8]); 2] = [(1, &[7]), (2, &[7])];
        let nothing = |what: &str, world: &World| {
            let decision = world.decide();
            assert_eq!(told(&decision.entries), [], "{what}");
            assert!(decision.introduced.is_empty() && decision.asked.partners.is_empty(), "{what}");
        };
        nothing("nobody puts it forward", &World::new(&flags, &[]));
        nothing("the flags are not released", &World::new(&[(3, 7), (4, 7)], &both));
        nothing("another address", &World::new(&flags, &[(1, &[9])]));
        nothing("below the threshold", &World::new(&[(1, 7)], &both));
        nothing("too few sources", &World { enough_sources: false, ..World::new(&flags, &both) });
        let with = |change: fn(&mut Forwarded)| {
            let mut world = World::new(&flags, &both);
            world.forwarded.iter_mut().for_each(|(_, forwarded)| change(forwarded));
            world
        };
        nothing("the last day is over", &with(|rows| rows.last_day = Day(TODAY.0 - 1)));
        nothing("no code for anybody", &with(|rows| rows.rows[0].codes.fill(RowCode::NONE)));
        nothing("another policy", &with(|rows| rows.policy = Digest([2; 32])));
        let asked = told(&World::new(&flags, &[(1, &[7])]).decide().entries);
        let alone = [(1, "introduced", 5), (3, "asked", 0), (5, "introduced", 1)];
        assert_eq!(asked, alone, "but for these a row tells the others");
        let mut silent = World::new(&flags, &[(1, &[7])]);
        silent.policy = sample::with_meet(&[("[meet]", "[meet]\ntell_others = false")]);
        assert_eq!(told(&silent.decide().entries), [(1, "introduced", 5), (5, "introduced", 1)]);
    }

    #[test]
    fn who_leaves_a_code_out_is_not_named_to_that_one_and_is_told_nothing_of_it() {
        let flags = [(1, 7), (2, 7)];
        let without = |partner: usize, not_for: u16| {
            let mut world = World::new(&flags, &[(1, &[7]), (2, &[7])]);
            world.forwarded[partner - 1].1 = rows(partner as u16, &[7], not_for);
            told(&world.decide().entries)
        };
        let by_coordinator: Vec<_> = BOTH.into_iter().filter(|(one, _, other)| *one == 5 || *other == 5).collect();
        assert_eq!(without(1, 2), by_coordinator);
        assert_eq!(without(2, 1), by_coordinator);
        assert_eq!(
            without(1, 5),
            BOTH.into_iter().filter(|it| !matches!(it, (1, _, 5) | (5, _, 1))).collect::<Vec<_>>()
        );
    }

    #[test]
    fn nobody_is_asked_again_while_a_row_stands() {
        let mut world = World::new(&[(1, 7), (3, 7)], &[(1, &[7])]);
        assert_eq!(world.turn(), [(1, "introduced", 5), (3, "asked", 0), (5, "introduced", 1)]);
        world.index = release(&[(1, 7), (3, 7), (4, 7)]);
        assert_eq!(world.turn(), [(4, "asked", 0)], "who flags it since is asked");
        world.index = release(&[(1, 7)]);
        assert_eq!(world.turn(), [], "the stack is gone, and the row stands");
        world.index = release(&[(1, 7), (3, 7)]);
        assert_eq!(world.turn(), []);
        let said = std::mem::take(&mut world.forwarded);
        assert_eq!(world.turn(), [], "no row stands");
        world.forwarded = said;
        assert_eq!(world.turn(), [(3, "asked", 0)]);
    }

    /// Whoever is asked, joins, and is introduced to none of those that it meets directly, knows that it was one of the
    /// rest: one or two of these would be named.
    #[test]
    fn who_could_tell_by_an_absence_who_it_was_is_never_asked() {
        let asked = |direct: &str, flagging: &[u16], by: u16| {
            let flags: Vec<_> = flagging.iter().map(|partner| (*partner, 7)).collect();
            let mut world = World::new(&flags, &[(by, &[7])]);
            world.policy = sample::with_meet(&[("[[\"politie\", \"belastingdienst\"]]", direct)]);
            let told = told(&world.decide().entries);
            told.iter().filter(|told| told.1 == "asked").map(|told| told.0).collect::<Vec<_>>()
        };
        const PAIR: &str = "[[\"politie\", \"belastingdienst\"]]";
        const THREE: &str = "[[\"politie\", \"belastingdienst\", \"zaanwonen\"]]";
        const ALL: &str = "[[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente-zaanstad\"]]";
        let all = [1, 2, 3, 4];
        assert_eq!(asked("[]", &all, 1), [2, 3, 4], "three others, of which it meets none");
        assert_eq!(asked(PAIR, &all, 4), [3], "two others");
        assert_eq!(asked(PAIR, &all, 1), [3, 4], "also where it was one that it meets, which it is not to learn");
        assert_eq!(asked(PAIR, &[1, 2], 1), [0; 0], "whoever flags it");
        assert_eq!(asked(THREE, &all, 4), [0; 0], "one other");
        assert_eq!(asked(THREE, &all, 1), [4]);
        assert_eq!(asked(ALL, &all, 1), [2, 3, 4], "whoever it was is introduced to whoever joins");
    }

    #[test]
    fn whoever_left_is_introduced_again_by_a_row_of_a_later_message() {
        let both: [(u16, &[u8]); 2] = [(1, &[7]), (2, &[7])];
        let mut world = World::new(&[(1, 7), (2, 7)], &both);
        assert_eq!(world.turn(), BOTH);
        world.leave(7, 1);
        for _ in 0..2 {
            assert_eq!(world.turn(), [], "its row is of before");
        }
        // Those of the other are said anew on each day.
        world.say_again(2);
        assert_eq!(world.turn(), []);
        world.say_again(1);
        let again: Vec<_> = BOTH.into_iter().filter(|(one, _, other)| *one == 1 || *other == 1).collect();
        assert_eq!(world.turn(), again);
        assert_eq!(world.turn(), []);
    }

    #[test]
    fn whom_the_coordinator_left_it_meets_again_once_nobody_has_a_row_and_others_at_once() {
        let both: [(u16, &[u8]); 2] = [(1, &[7]), (2, &[7])];
        let mut world = World::new(&[(1, 7), (2, 7), (3, 7)], &both);
        let met = |told: Vec<(u16, &'static str, u16)>| {
            told.into_iter()
                .filter(|one| one.1 == "introduced" && one.2 == COORDINATOR)
                .map(|one| one.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(met(world.turn()), [1, 2]);
        world.leave(7, COORDINATOR);
        assert_eq!(met(world.turn()), [0; 0]);
        world.say_again(1);
        assert_eq!(met(world.turn()), [0; 0], "its row of a later day has a higher number, and it did not leave");
        // Who joins after that is introduced to it, and so is who leaves and comes back.
        world.forwarded.push((3, rows(3, &[7], 0)));
        assert_eq!(met(world.turn()), [3]);
        world.leave(7, 1);
        world.say_again(1);
        assert_eq!(met(world.turn()), [1]);
        world.leave(7, COORDINATOR);
        world.say_again(1);
        assert_eq!(met(world.turn()), [0; 0], "it left that one after it had come back");
        let rows = std::mem::take(&mut world.forwarded);
        assert_eq!(met(world.turn()), [0; 0]);
        world.forwarded = rows;
        assert_eq!(met(world.turn()), [1, 2, 3]);
    }

    /// Who is told that all four flag it knows, of each number but four, who the others are.
    #[test]
    fn where_a_number_would_name_somebody_all_wait() {
        let direct = |direct: &str| {
            let changes = [("[[\"politie\", \"belastingdienst\"]]", direct)];
            sample::with_meet(&[changes[0], ("threshold = 2", "threshold = 2\ncount_cap = 4")])
        };
        let all = "[[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente-zaanstad\"]]";
        let flags = [(1, 7), (2, 7), (3, 7), (4, 7)];
        let rows_of = |partners: &[u16]| partners.iter().map(|it| (*it, rows(*it, &[7], 0))).collect();
        let introduced = |world: &World| world.decide().introduced.len();
        let mut world = World::new(&flags, &[]);
        world.policy = direct(all);
        assert_eq!(world.policy.unsafe_introductions(1), [1, 2, 3]);
        for (partners, pairs) in [(&[1, 2][..], 0), (&[1, 2, 3], 0), (&[1, 2, 3, 4], 6)] {
            world.forwarded = rows_of(partners);
            assert_eq!(introduced(&world), pairs, "{partners:?}");
        }
        // Whom one was introduced to before counts, also where that one has left since.
        world.forwarded = rows_of(&[2, 3, 4]);
        assert_eq!(introduced(&world), 0);
        let pairs = [2, 3, 4].map(|other| ((1, other), false)).into();
        world.conversations.insert(id(7), Conversation { epoch: 1, pairs, left: [(1, 9)].into() });
        assert_eq!(introduced(&world), 3);
        // The coordinator knows of all four, and the two that meet directly of two.
        world.conversations.clear();
        world.policy = direct("[[\"politie\", \"belastingdienst\"]]");
        world.forwarded = rows_of(&[1, 2, 3, 4]);
        assert_eq!(introduced(&world), 0);
        // Where all of them meet the coordinator, an introduction would tell each that all four put it forward.
        world.policy = direct("[]");
        assert_eq!(world.policy.unsafe_introductions(1), [1, 2, 3, 4]);
        assert_eq!(introduced(&world), 0);
        assert_eq!(told(&world.decide().entries), []);
    }

    proptest! {
        /// Whatever is flagged, put forward and coded: who is named agreed to that one, both or none are told, no
        /// number is unsafe after it, and another turn tells nothing new.
        #[test]
        fn nobody_is_named_who_did_not_agree(
            flags in prop::collection::btree_set((1u16..5, 1u8..4), 0..12),
            said in prop::collection::btree_set((1u16..5, 1u8..4), 0..12),
            not_for in prop::collection::vec(0u16..6, 4),
            direct in prop::sample::select(vec![
                "[]",
                "[[\"politie\", \"belastingdienst\"]]",
                "[[\"politie\", \"belastingdienst\"], [\"zaanwonen\", \"politie\"]]",
                "[[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente-zaanstad\"]]",
            ]),
            counting in prop::sample::select(vec![
                "threshold = 2", "threshold = 3", "threshold = 2\ncount_cap = 4", "threshold = 4\ncount_cap = 4",
            ]),
        ) {
            let flags: Vec<_> = flags.into_iter().collect();
            let numbers =
                |partner| said.iter().filter(|row| row.0 == partner).map(|row| row.1).collect::<Vec<u8>>();
            let policy = sample::with_meet(&[
                ("[[\"politie\", \"belastingdienst\"]]", direct),
                ("threshold = 2", counting),
            ]);
            let mut world = World { policy, ..World::new(&flags, &[]) };
            let said_by = |partner: u16| rows(partner, &numbers(partner), not_for[partner as usize - 1]);
            world.forwarded = (1..5).map(|partner| (partner, said_by(partner))).collect();
            let decision = world.decide();
            let agreed = |one: u16, other: u16, number: u8| {
                one == COORDINATOR
                    || said.contains(&(one, number))
                        && flags.contains(&(one, number))
                        && not_for[one as usize - 1] != other
            };
            let threshold = usize::from(world.policy.counting.threshold);
            for (id, (low, high)) in &decision.introduced {
                let number = id.as_bytes()[0] & 0x3f;
                prop_assert!(agreed(*low, *high, number) && agreed(*high, *low, number));
                prop_assert!(flags.iter().filter(|flag| flag.1 == number).count() >= threshold);
                for (to, of) in [(low, high), (high, low)] {
                    let names = |entry: &Entry| matches!(
                        entry.told, EntryKind::Introduced { partner, conversation, .. }
                            if partner == *of && conversation == *id
                    );
                    prop_assert_eq!(decision.entries.iter().filter(|it| it.0 == *to && names(&it.1)).count(), 1);
                }
            }
            let introduced = decision.entries.iter().filter(|it| matches!(it.1.told, EntryKind::Introduced { .. }));
            prop_assert_eq!(introduced.count(), 2 * decision.introduced.len());
            for (to, entry) in decision.entries.iter().filter(|it| matches!(it.1.told, EntryKind::Asked { .. })) {
                let number = entry.subject.expose_bytes()[0] & 0x3f;
                prop_assert!(flags.contains(&(*to, number)) && !said.contains(&(*to, number)));
            }
            let slug = |partner: u16| world.policy.partner(partner).unwrap().organisation.clone();
            for (to, _) in decision.entries.iter().filter(|it| matches!(it.1.told, EntryKind::Asked { .. })) {
                let apart = |other: &u16| other != to && !world.policy.meet_directly(&slug(*to), &slug(*other));
                prop_assert!(![1, 2].contains(&(1..5).filter(apart).count()));
            }
            let unsafe_numbers = world.policy.unsafe_introductions(1);
            for number in 1..4u8 {
                let pairs: Vec<_> = decision.introduced.iter().filter(|it| it.0 == id(number)).map(|it| it.1).collect();
                let knows = |one: u16| pairs.iter().filter(move |pair| pair.0 == one || pair.1 == one);
                prop_assert!(!unsafe_numbers.contains(&knows(COORDINATOR).count()));
                for partner in 1..5u16 {
                    let direct = knows(partner).filter(|pair| pair.1 != COORDINATOR).count();
                    prop_assert!(direct == 0 || !unsafe_numbers.contains(&(1 + direct)));
                }
            }
            world.turn();
            prop_assert_eq!(world.turn(), vec![]);
        }
    }
}
