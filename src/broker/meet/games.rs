//! Games after a hit: organisations that play to find out more than they are told, with what a turn of the day decides.
//!
//! Every way in which the others may act is played, and what the players saw is held against all of these ways. A
//! player knows of the others what holds in each way that it could have seen the same in. Section 4.2 of
//! spec/threats.md has the figures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::index::{Changes, Effect, Index, Pending};
use super::rows::{Asked, Conversation, Forwarded, ForwardedRow};
use super::turn::MeetTurn;
use crate::day::Day;
use crate::digest::Digest;
use crate::message::EntryKind;
use crate::policy::{Policy, sample};
use crate::store::{Row, Span};
use crate::tag::Tag;
use crate::talk::{ConversationId, RowCode, Subject};
use crate::threads::Threads;

const COORDINATOR: u16 = 5;
const FIRST_DAY: Day = Day(20_790);
const TURNS: usize = 4;

/// What an organisation that does not play does about the address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    /// It does not flag it.
    Absent,
    /// It flags it, and puts it forward in no case.
    Flags,
    /// It puts it forward before the first turn.
    Forwards,
    /// It puts it forward once it is asked.
    Joins,
    /// It puts it forward before the first turn, and withdraws its flag before the third.
    Drops,
    /// It puts it forward before the first turn, and takes that back before the third.
    TakesBack,
    /// It flags it, never puts it forward, and withdraws its flag before the third turn.
    Goes,
}

/// All of them. With eight organisations and more the first four alone are played, in which nothing ends.
const ACTS: [Act; 7] = [Act::Absent, Act::Flags, Act::Forwards, Act::Joins, Act::Drops, Act::TakesBack, Act::Goes];

/// What the players do. They flag the address in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Play {
    /// They put it forward before the first turn, and take it back before the third.
    Probe,
    /// They wait until one of them is asked, put it forward, and take it back after the turn.
    Peek,
    /// They never put it forward.
    Wait,
}

const PLAYS: [Play; 3] = [Play::Probe, Play::Peek, Play::Wait];

/// A consortium, and who plays in it.
struct Game {
    policy: Policy,
    /// The partners that play, each of an organisation of its own.
    players: Vec<u16>,
    /// Whether the coordinator tells the players all that it is told.
    with_coordinator: bool,
    play: Play,
    /// The partners that do not play, those together that meet the same ones directly. So partners of one class can
    /// change places, and nobody sees a difference.
    classes: Vec<Vec<u16>>,
}

/// One way in which the others act, and what is seen of it.
struct World {
    /// What each of the others does, in the order of the classes.
    acts: Vec<Act>,
    /// How many ways differ from this one only in places changed within a class.
    ways: u64,
    /// The turn after which each of the others puts it forward because it was asked.
    asked: Vec<Option<usize>>,
    /// Whether a player was asked, at which turn.
    player_asked: Option<usize>,
    /// What the players see: answers, who of them is asked, and who of them is introduced to each other or to the
    /// coordinator, each with its turn.
    seen: Vec<(usize, u16, u16)>,
    /// Of each of the others, to whom of those who play, or of the coordinator if it does, it was introduced, and when.
    introduced: Vec<Vec<(usize, u16)>>,
}

/// In how many of all ways that are a stack at the first turn something is certain, and nearly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Figure {
    ways: u64,
    /// There is one explanation, and somebody is named in it.
    certain: u64,
    /// There are two.
    nearly: u64,
}

/// What is found out by a game.
#[derive(Debug, Default)]
struct Found {
    /// Who put it forward without being introduced to a player.
    forward: Figure,
    /// Who flags it without having been introduced to a player.
    flags: Figure,
    /// Who flags it, by the answers alone.
    answers: Figure,
}

/// The partner of an organisation by its place; the number 5 is the coordinator's.
fn partner(place: usize) -> u16 {
    let number = place as u16 + 1;
    if number < COORDINATOR { number } else { number + 1 }
}

/// The sample with so many organisations, of which the first `direct` meet directly.
fn consortium(organisations: usize, direct: usize, threshold: usize) -> Policy {
    const NAMES: [&str; 4] = ["politie", "belastingdienst", "zaanwonen", "gemeente-zaanstad"];
    let name = |place: usize| NAMES.get(place).map_or_else(|| format!("org-{place}"), |name| (*name).to_owned());
    let set: Vec<String> = (0..direct).map(|place| format!("\"{}\"", name(place))).collect();
    let sets = if set.is_empty() { String::new() } else { format!("[{}]", set.join(", ")) };
    let mut text = sample::text_with_meet()
        .replacen("[[\"politie\", \"belastingdienst\"]]", &format!("[{sets}]"), 1)
        .replacen("threshold = 2", &format!("threshold = {threshold}"), 1);
    for place in NAMES.len()..organisations {
        let (slug, number) = (name(place), partner(place));
        text += &format!(
            "\n[[organisation]]\nslug = \"{slug}\"\nname = \"{slug}\"\noin = \"000000990000{number:05}000\"\n\
             contact = \"a\"\npolicy_key = \"{}\"\n\n[[partner]]\nnumber = {number}\nname = \"{slug}\"\n\
             organisation = \"{slug}\"\nmay = [\"flag\", \"ask\"]\nsees = \"count\"\nlegal_basis_flag = \"a\"\n\
             legal_basis_ask = \"a\"\n",
            sample::policy_key(&slug).verifying_key()
        );
    }
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.flagging_in(1).len(), organisations);
    policy
}

/// All ways to divide `places` that are alike among so many acts, as how many of them have each act.
fn shares(places: usize, acts: usize) -> Vec<Vec<usize>> {
    if acts == 1 {
        return vec![vec![places]];
    }
    let of = |first: usize| shares(places - first, acts - 1).into_iter().map(move |rest| [vec![first], rest].concat());
    (0..=places).flat_map(of).collect()
}

/// In how many ways places can be divided so that each act has its share of them.
fn ways(share: &[usize]) -> u64 {
    let mut left: usize = share.iter().sum();
    share.iter().fold(1, |ways, part| {
        let these = choose(left, *part);
        left -= part;
        ways * these
    })
}

fn choose(of: usize, size: usize) -> u64 {
    (0..size as u64).fold(1, |ways, at| ways * (of as u64 - at) / (at + 1))
}

impl Game {
    fn new(policy: Policy, organisations: usize, players: &[usize], with_coordinator: bool, play: Play) -> Game {
        let slug = |number: u16| &policy.partner(number).unwrap().organisation;
        let players: Vec<u16> = players.iter().map(|place| partner(*place)).collect();
        let mut classes: BTreeMap<BTreeSet<u16>, Vec<u16>> = BTreeMap::new();
        let all: Vec<u16> = (0..organisations).map(partner).collect();
        for one in all.iter().filter(|one| !players.contains(one)) {
            let meets = |other: &&u16| *other == one || policy.meet_directly(slug(*one), slug(**other));
            let mut met: BTreeSet<u16> = all.iter().filter(meets).copied().collect();
            if met.len() == 1 {
                met.clear();
            }
            classes.entry(met).or_default().push(*one);
        }
        Game { classes: classes.into_values().collect(), players, with_coordinator, play, policy }
    }

    fn others(&self) -> Vec<u16> {
        self.classes.concat()
    }

    fn worlds(&self) -> Vec<World> {
        let played = if self.others().len() + self.players.len() >= 8 { &ACTS[..4] } else { &ACTS };
        let mut all = vec![(Vec::new(), 1)];
        for class in &self.classes {
            let shares = shares(class.len(), played.len());
            let with = |(acts, number): &(Vec<Act>, u64)| {
                let more = shares.iter().map(|share| {
                    let act = share.iter().zip(played).flat_map(|(count, act)| vec![*act; *count]);
                    (acts.iter().copied().chain(act).collect::<Vec<_>>(), number * ways(share))
                });
                more.collect::<Vec<_>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        let world = |(acts, ways): (Vec<Act>, u64)| World {
            asked: vec![None; acts.len()],
            introduced: vec![Vec::new(); acts.len()],
            player_asked: None,
            seen: Vec::new(),
            ways,
            acts,
        };
        all.into_iter().map(world).collect()
    }

    /// Whether one of the others flags at a turn, and whether a row of its stands.
    fn of_other(world: &World, at: usize, turn: usize) -> (bool, bool) {
        match world.acts[at] {
            Act::Absent => (false, false),
            Act::Flags => (true, false),
            Act::Forwards => (true, true),
            Act::Joins => (true, world.asked[at].is_some_and(|asked| asked < turn)),
            Act::Drops => (turn < 3, turn < 3),
            Act::TakesBack => (true, turn < 3),
            Act::Goes => (turn < 3, false),
        }
    }

    fn plays_row(&self, world: &World, turn: usize) -> bool {
        match self.play {
            Play::Probe => turn < 3,
            Play::Peek => world.player_asked.is_some_and(|asked| asked + 1 == turn),
            Play::Wait => false,
        }
    }

    /// Plays all worlds side by side, each an address of its own.
    fn play(&self) -> Vec<World> {
        let (mut worlds, others) = (self.worlds(), self.others());
        let (mut asked, mut conversations) = (Asked::default(), BTreeMap::new());
        for turn in 1..=TURNS {
            let mut flags: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
            let mut rows: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
            for (number, world) in worlds.iter().enumerate() {
                for (at, other) in others.iter().enumerate() {
                    let (is_flagged, stands) = Game::of_other(world, at, turn);
                    flags.entry(*other).or_default().extend(is_flagged.then_some(number));
                    rows.entry(*other).or_default().extend(stands.then_some(number));
                }
                for player in &self.players {
                    flags.entry(*player).or_default().push(number);
                    rows.entry(*player).or_default().extend(self.plays_row(world, turn).then_some(number));
                }
            }
            let today = FIRST_DAY.plus(turn as u16);
            let (index, forwarded) = (release(&flags, today), self.forwarded(&rows));
            let decision = MeetTurn {
                policy: &self.policy,
                meet: self.policy.meet.as_ref().unwrap(),
                digest: Digest([1; 32]),
                epoch: 1,
                today,
                index: &index,
                enough_sources: true,
                forwarded: forwarded.iter().map(|(partner, forwarded)| (*partner, forwarded)).collect(),
                asked: &asked,
                conversations: &conversations,
            }
            .decide();
            for world in &mut worlds {
                let flagging = (0..others.len()).filter(|at| Game::of_other(world, *at, turn).0).count();
                world.seen.push((turn, 0, self.answer(flagging + self.players.len())));
            }
            for (to, entry) in &decision.entries {
                let world = &mut worlds[number_of(&entry.subject)];
                let place = others.iter().position(|other| other == to);
                let is_told = self.players.contains(to) || (self.with_coordinator && *to == COORDINATOR);
                match entry.told {
                    EntryKind::Asked { .. } if is_told => {
                        world.player_asked.get_or_insert(turn);
                        world.seen.push((turn, *to, 0));
                    }
                    EntryKind::Asked { .. } => world.asked[place.unwrap()] = Some(turn),
                    EntryKind::Introduced { partner, .. } if is_told => {
                        match others.iter().position(|other| *other == partner) {
                            Some(other) => world.introduced[other].push((turn, *to)),
                            None => world.seen.push((turn, *to, partner)),
                        }
                    }
                    _ => (),
                }
            }
            for (id, pair) in &decision.introduced {
                let new = || Conversation { epoch: 1, ..Conversation::default() };
                conversations.entry(*id).or_insert_with(new).pairs.insert(*pair, true);
            }
            asked = decision.asked;
        }
        worlds
    }

    /// The count that an asker is shown, who sees counts.
    fn answer(&self, flagging: usize) -> u16 {
        let counting = &self.policy.counting;
        if flagging < counting.threshold.into() { 0 } else { flagging.min(counting.count_cap.into()) as u16 }
    }

    fn forwarded(&self, rows: &BTreeMap<u16, Vec<usize>>) -> Vec<(u16, Forwarded)> {
        let all: Vec<u16> = self.policy.partners.iter().map(|entry| entry.number).collect();
        let of = |(partner, numbers): (&u16, &Vec<usize>)| {
            let receivers: Vec<u16> = all.iter().filter(|other| *other != partner).copied().collect();
            let row = |number: &usize| ForwardedRow {
                tag: tag(*number),
                subject: subject(*number),
                conversation: ConversationId::from_bytes(bytes(*number)),
                codes: vec![RowCode::from_bytes([1; 16]); receivers.len()],
            };
            let mut rows: Vec<_> = numbers.iter().map(row).collect();
            rows.sort_unstable_by_key(|row| row.tag);
            let last_day = FIRST_DAY.plus(13);
            (*partner, Forwarded { number: 1, policy: Digest([1; 32]), last_day, receivers: receivers.clone(), rows })
        };
        rows.iter().map(of).collect()
    }

    fn found(&self) -> Found {
        let worlds = self.play();
        let is_stack = |world: &World| world.seen[0].2 > 0;
        let mut by_seen: BTreeMap<_, Vec<&World>> = BTreeMap::new();
        let mut by_answers: BTreeMap<_, Vec<&World>> = BTreeMap::new();
        for world in &worlds {
            let answers: Vec<_> = world.seen.iter().filter(|seen| seen.1 == 0).copied().collect();
            by_answers.entry(answers).or_default().push(world);
            // Who of a class was introduced can be any of them.
            let mut introduced = Vec::new();
            let mut seen = world.seen.clone();
            seen.sort_unstable();
            for places in self.places() {
                let mut of_class: Vec<_> = places.map(|at| world.introduced[at].clone()).collect();
                of_class.iter_mut().for_each(|one| one.sort_unstable());
                of_class.sort_unstable();
                introduced.push(of_class);
            }
            by_seen.entry((seen, introduced)).or_default().push(world);
        }
        let mut found = Found::default();
        let counted = |figure: &mut Figure, worlds: &[&World], explanations: Option<u64>| {
            let ways: u64 = worlds.iter().filter(|world| is_stack(world)).map(|world| world.ways).sum();
            figure.ways += ways;
            figure.certain += if explanations == Some(1) { ways } else { 0 };
            figure.nearly += if explanations == Some(2) { ways } else { 0 };
        };
        let flags = |world: &World, at: usize| world.acts[at] != Act::Absent;
        let forwards = |world: &World, at: usize| match world.acts[at] {
            Act::Forwards | Act::Drops | Act::TakesBack => true,
            Act::Joins => world.asked[at].is_some(),
            _ => false,
        };
        for worlds in by_seen.values() {
            counted(&mut found.forward, worlds, self.explanations(worlds, true, &forwards));
            counted(&mut found.flags, worlds, self.explanations(worlds, true, &flags));
        }
        for worlds in by_answers.values() {
            counted(&mut found.answers, worlds, self.explanations(worlds, false, &flags));
        }
        found
    }

    /// The places of each class among the others.
    fn places(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.classes.iter().scan(0, |from, class| {
            *from += class.len();
            Some(*from - class.len()..*from)
        })
    }

    /// How many sets of others explain what was seen: those of which something holds, apart from whoever was
    /// introduced. `None` where the empty one is among them.
    fn explanations(
        &self,
        worlds: &[&World],
        without_introduced: bool,
        holds: &dyn Fn(&World, usize) -> bool,
    ) -> Option<u64> {
        let mut sizes: BTreeSet<Vec<(usize, usize)>> = BTreeSet::new();
        for world in worlds {
            let of_class = |places: std::ops::Range<usize>| {
                let free: Vec<usize> =
                    places.filter(|at| !without_introduced || world.introduced[*at].is_empty()).collect();
                (free.len(), free.iter().filter(|at| holds(world, **at)).count())
            };
            sizes.insert(self.places().map(of_class).collect());
        }
        if sizes.iter().any(|classes| classes.iter().all(|(_, size)| *size == 0)) {
            return None;
        }
        Some(sizes.iter().map(|classes| classes.iter().map(|(of, size)| choose(*of, *size)).product::<u64>()).sum())
    }
}

fn bytes(number: usize) -> [u8; 16] {
    // Spread as tags are, and never zeros.
    (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
}

fn tag(number: usize) -> Tag {
    Tag(bytes(number))
}

fn subject(number: usize) -> Subject {
    Subject::from_bytes((number as u128 + 1).to_be_bytes())
}

fn number_of(subject: &Subject) -> usize {
    (u128::from_be_bytes(*subject.expose_bytes()) - 1) as usize
}

fn release(flags: &BTreeMap<u16, Vec<usize>>, today: Day) -> Arc<Index> {
    let pending = flags.iter().map(|(partner, numbers)| {
        let row = |number: &usize| Row { tag: tag(*number), span: Span { first: FIRST_DAY, last: FIRST_DAY.plus(90) } };
        let mut rows: Vec<Row> = numbers.iter().map(row).collect();
        rows.sort_unstable_by_key(|row| row.tag);
        let mut pending = Pending::default();
        pending.push(rows);
        (*partner, pending)
    });
    let pending: Vec<_> = pending.collect();
    let pending = pending.iter().map(|(partner, pending)| (*partner, pending)).collect();
    let (gone, threads) = (BTreeSet::new(), Threads::default());
    let changes = Changes { pending, effect: Effect::Everything, today, gone: &gone, threads: &threads };
    Index::empty().rebuild(&changes).index
}

/// Who plays: their places, where those who meet directly are the first, and whether the coordinator tells them all.
type Players = (&'static [usize], bool);

/// One plays, two play together, or one together with the coordinator. The place `LAST` is that of the last.
const PLAYERS: [&[Players]; 3] = [
    &[(&[0], false), (&[LAST], false)],
    &[(&[0, 1], false), (&[0, LAST], false), (&[LAST - 1, LAST], false)],
    &[(&[0], true), (&[LAST], true)],
];

const LAST: usize = 100;

impl Figure {
    /// In hundredths of all ways that are a stack.
    fn shares(self) -> [f64; 2] {
        [self.certain, self.nearly].map(|ways| 100.0 * ways as f64 / self.ways as f64)
    }
}

/// The most that is found out by players of one kind, however they play: of who put it forward, and of who flags it.
fn worst(organisations: usize, direct: usize, players: &[Players]) -> [[f64; 2]; 2] {
    // Where all meet in the same way no place differs from another.
    let places = if direct == 0 || direct == organisations { 1 } else { players.len() };
    let mut worst = [[0.0f64; 2]; 2];
    for threshold in [2, 3] {
        let policy = consortium(organisations, direct, threshold);
        for (places, with_coordinator) in &players[..places] {
            let place = |place: &usize| if *place > LAST / 2 { organisations - 1 - (LAST - place) } else { *place };
            let places: Vec<usize> = places.iter().map(place).collect();
            for play in PLAYS {
                let found = Game::new(policy.clone(), organisations, &places, *with_coordinator, play).found();
                assert_eq!(found.answers.shares(), [0.0, 0.0], "answers alone name nobody");
                for (worst, figure) in worst.iter_mut().zip([found.forward, found.flags]) {
                    let shares = figure.shares();
                    *worst = [worst[0].max(shares[0]), worst[1].max(shares[1])];
                }
            }
        }
    }
    worst
}

/// The figures that stand in section 4.2 of spec/threats.md, a line for each consortium.
#[test]
fn who_plays_after_a_hit_finds_out_no_more_than_the_threat_model_says() {
    let threats = include_str!("../../../spec/threats.md");
    let mut unsaid = Vec::new();
    for organisations in [4, 5, 8, 12] {
        for direct in [0, 2, organisations] {
            let [one, two, with_coordinator] = PLAYERS.map(|players| worst(organisations, direct, players));
            assert_eq!(one[0], [0.0, 0.0], "nobody who put it forward is named to one that it was not introduced to");
            assert_eq!(with_coordinator[0], [0.0, 0.0], "nor to the coordinator");
            let meet = if direct == 0 { "none".to_owned() } else { direct.to_string() };
            let mut line = format!("| {organisations} | {meet} |");
            for [certain, nearly] in [one, two, with_coordinator].concat() {
                line += &format!(" {certain:.1} / {nearly:.1} |");
            }
            if !threats.contains(&line) {
                unsaid.push(line);
            }
        }
    }
    assert!(unsaid.is_empty(), "section 4.2 of spec/threats.md does not have:\n{}", unsaid.join("\n"));
}
