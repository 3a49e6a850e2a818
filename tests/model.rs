//! Random histories against a model: plain maps and sets, made from SPEC.md section 5 without any cryptography.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stapel::message::{Delta, FullSet, Group, Part, Question, RenewalReason, Reply, Request, StatusRequest, Terms};
use stapel::policy::{Certificate, Statement};
use stapel::{Broker, Clock, Day, Pseudonym, Timestamp};
use stapel_testkit as testkit;
use stapel_testkit::{Client, Entry, ROSTER, RULES, START, code, policy_text, pseudonym, signed, write_policy};

type Spans = BTreeMap<u8, (Day, Day)>;

/// What is said of a few of twenty pseudonyms.
#[derive(Clone, Debug)]
enum Step {
    Delta {
        partner: usize,
        flagged: BTreeMap<u8, u8>,
        withdrawn: BTreeSet<u8>,
        claim: Claim,
    },
    FullSet {
        partner: usize,
        flagged: BTreeMap<u8, u8>,
        claim: Claim,
        shrink: bool,
        parts: u16,
    },
    Confirm {
        partner: usize,
    },
    /// A delta that only withdraws, to a broker whose clock is in doubt.
    WithdrawInDoubt {
        partner: usize,
        withdrawn: BTreeSet<u8>,
    },
    Ask {
        partner: usize,
        asked: BTreeSet<u8>,
        sweep: bool,
    },
    Resend {
        partner: usize,
        question: bool,
    },
    Gap {
        partner: usize,
    },
    /// Its organisation suspends it, and certifies it again at once.
    Suspend {
        partner: usize,
    },
    Wait {
        hours: u16,
    },
    Reopen,
    BackUp,
    Restore,
}

/// What a message says of all its flags.
#[derive(Clone, Copy, Debug)]
struct Claim {
    renewal: Option<RenewalReason>,
    /// How many days ago they were flagged first.
    ago: u16,
    house_number: bool,
}

fn claim() -> impl Strategy<Value = Claim> {
    let renewal = prop::option::of(prop::sample::select(RenewalReason::ALL.to_vec()));
    let ago = prop_oneof![4 => Just(0u16), 1 => 0u16..90, 1 => Just(3_000)];
    (renewal, ago, prop::bool::weighted(0.1)).prop_map(|(renewal, ago, house_number)| Claim {
        renewal,
        ago,
        house_number,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let partner = 0usize..5;
    let month = || prop_oneof![15 => 1u8..3, 1 => 0u8..5];
    let flagged = move || prop::collection::btree_map(0u8..20, month(), 0..10);
    let some = || prop::collection::btree_set(0u8..20, 1..8);
    prop_oneof![
        5 => (partner.clone(), flagged(), prop::collection::btree_set(0u8..20, 0..5), claim())
            .prop_map(|(partner, flagged, withdrawn, claim)| Step::Delta { partner, flagged, withdrawn, claim }),
        4 => (partner.clone(), flagged(), claim(), prop::bool::weighted(0.8), 1u16..4)
            .prop_map(|(partner, flagged, claim, shrink, parts)| {
                Step::FullSet { partner, flagged, claim, shrink, parts }
            }),
        1 => partner.clone().prop_map(|partner| Step::Confirm { partner }),
        1 => (partner.clone(), some()).prop_map(|(partner, withdrawn)| Step::WithdrawInDoubt { partner, withdrawn }),
        4 => (partner.clone(), some(), prop::bool::weighted(0.2))
            .prop_map(|(partner, asked, sweep)| Step::Ask { partner, asked, sweep }),
        1 => (partner.clone(), any::<bool>()).prop_map(|(partner, question)| Step::Resend { partner, question }),
        1 => partner.clone().prop_map(|partner| Step::Gap { partner }),
        1 => partner.prop_map(|partner| Step::Suspend { partner }),
        4 => (1u16..60).prop_map(|hours| Step::Wait { hours }),
        2 => (7u16..40).prop_map(|days| Step::Wait { hours: days * 24 }),
        1 => Just(Step::Reopen),
        2 => Just(Step::BackUp),
        2 => Just(Step::Restore),
    ]
}

/// The rules that differ from one history to the next.
#[derive(Clone, Copy, Debug)]
struct Rules {
    threshold: u8,
    min_sources: u16,
    own_flag_required: bool,
    interval_hours: u16,
    min_changed: u16,
    asked_a_day: u32,
    new_flags_a_day: u32,
    first_set_flags: u32,
    max_renewals: u32,
}

fn rules() -> impl Strategy<Value = Rules> {
    let interval_hours = prop::sample::select(vec![6u16, 24, 36]);
    (2u8..4, 3u16..5, any::<bool>(), (interval_hours, 1u16..5), 5u32..60, (5u32..40, 0u32..12, 0u32..3)).prop_map(
        |(threshold, min_sources, own_flag_required, (interval_hours, min_changed), asked_a_day, new_flags)| {
            let (new_flags_a_day, first_set_flags, max_renewals) = new_flags;
            Rules {
                threshold,
                min_sources: min_sources.max(threshold.into()),
                own_flag_required,
                interval_hours,
                min_changed,
                asked_a_day,
                new_flags_a_day,
                first_set_flags,
                max_renewals,
            }
        },
    )
}

const MAX_DAYS: u16 = 62;
const REMEMBERED: u16 = 30;
const MAX_WAIT_DAYS: u64 = 3;
const FRESH_DAYS: u64 = 9;
const MAX_SHRINK: u64 = 50;
const FLAGS_HELD: usize = 15;
const SWEPT_A_DAY: usize = 9;

impl Rules {
    fn text(self) -> String {
        let Rules { threshold, min_sources, own_flag_required, interval_hours, min_changed, .. } = self;
        let Rules { asked_a_day, new_flags_a_day, first_set_flags, max_renewals, .. } = self;
        let tables = format!(
            r#"freshness_days = {FRESH_DAYS}
max_shrink_percent = {MAX_SHRINK}
[[override]]
rule = "own-flag"
reason = "the model wants every number"
[[override]]
rule = "names-somebody"
reason = "the model wants every number"
[[override]]
rule = "max-wait"
reason = "the model wants every number"
[[override]]
rule = "min-changed"
reason = "the model wants every number"
[counting]
levels = ["unit", "number"]
threshold = {threshold}
min_sources = {min_sources}
own_flag_required = {own_flag_required}
[release]
interval_hours = {interval_hours}
min_changed = {min_changed}
max_wait_days = {MAX_WAIT_DAYS}
[retention]
max_days = {MAX_DAYS}
max_renewals = {max_renewals}
[budgets]
new_flags_a_day = {new_flags_a_day}
first_set_flags = {first_set_flags}
flags_held = {FLAGS_HELD}
asked_a_day = {asked_a_day}
swept_a_day = {SWEPT_A_DAY}
sweep_reasons = ["brand"]
"#
        );
        let (head, rest) = RULES.split_once("[budgets]").unwrap();
        let epochs = &rest[rest.find("[[epoch]]").unwrap()..];
        policy_text(&ROSTER, &format!("{head}{tables}{epochs}"))
    }
}

#[derive(Clone, Default)]
struct Partner {
    held: Spans,
    /// What ended or was withdrawn in the last thirty days.
    ended: Spans,
    released: Spans,
    /// A full set has come, and it was not suspended since.
    full_seen: bool,
    /// A full set has come, since the restore if there was one.
    delivered: bool,
    /// The broker was restored, and waits for this partner's full set.
    recovering: bool,
    heard: Option<Timestamp>,
    free: (u64, u32),
    /// Rows of a full set whose last part has not come.
    unfinished: usize,
}

/// What an organisation spent: all its partners together.
#[derive(Clone, Default)]
struct Spent {
    new_flags: (Day, u32),
    asked: (Day, u32),
    swept: (Day, usize),
    /// What first full sets brought beyond a day's new flags, and since a restore how much that may be.
    carried: u32,
    may_carry: Option<u32>,
}

/// What a copy of the store has.
#[derive(Clone)]
struct Copied {
    partners: Vec<Partner>,
    spent: BTreeMap<&'static str, Spent>,
    /// The day of the last thing that it knows of.
    day: Day,
}

impl Partner {
    /// What is flagged again is no longer one that ended.
    fn forget_about(&mut self, flagged: &Spans) {
        self.ended.retain(|number, _| !flagged.contains_key(number));
    }

    /// What is held, and not among what stays, ended yesterday.
    fn remember(&mut self, stays: &Spans, today: Day) {
        let gone = self.held.iter().filter(|(number, _)| !stays.contains_key(number));
        self.ended.extend(gone.map(|(number, (first, _))| (*number, (*first, Day(today.0 - 1)))));
    }
}

struct Model {
    rules: Rules,
    partners: Vec<Partner>,
    spent: BTreeMap<&'static str, Spent>,
    release: u64,
    as_of: Timestamp,
    looked: Timestamp,
    fresh: usize,
    /// Since when the epoch waits for full sets; `None` once it answers.
    waits_since: Option<Timestamp>,
}

impl Model {
    fn new(rules: Rules) -> Model {
        let partners = vec![Partner::default(); 5];
        let waits_since = Some(START.day().start());
        let spent = BTreeMap::new();
        Model { rules, partners, spent, release: START.0, as_of: START, looked: START, fresh: 0, waits_since }
    }

    /// Distinct organisations of the partners that `which` holds for.
    fn organisations(&self, which: impl Fn(&Partner) -> bool) -> usize {
        let names: BTreeSet<_> = self
            .partners
            .iter()
            .zip(ROSTER)
            .filter(|(partner, _)| which(partner))
            .map(|(_, entry)| entry.organisation)
            .collect();
        names.len()
    }

    /// The other partners of an organisation.
    fn others(&self, partner: usize) -> impl Iterator<Item = &Partner> {
        let is_other =
            move |(at, entry): &(usize, Entry)| *at != partner && entry.organisation == ROSTER[partner].organisation;
        ROSTER.into_iter().enumerate().filter(is_other).map(|(at, _)| &self.partners[at])
    }

    fn spent(&mut self, partner: usize) -> &mut Spent {
        self.spent.entry(ROSTER[partner].organisation).or_default()
    }

    /// How many flags first full sets of the partner's organisation may bring beyond a day's.
    fn left_to_carry(&self, partner: usize) -> u32 {
        if self.partners[partner].delivered && self.others(partner).all(|other| other.delivered) {
            return 0;
        }
        let spent = self.spent.get(ROSTER[partner].organisation).cloned().unwrap_or_default();
        spent.may_carry.unwrap_or(self.rules.first_set_flags).saturating_sub(spent.carried)
    }

    /// How many flags the partner may hold beside the others of its organisation.
    fn may_hold(&self, partner: usize) -> usize {
        FLAGS_HELD.saturating_sub(self.others(partner).map(|other| other.held.len().max(other.unfinished)).sum())
    }

    /// How many flags a message may add that keeps so many.
    fn may_add(&self, partner: usize, carried: u32, kept: usize, now: Timestamp) -> usize {
        let spent = self.spent.get(ROSTER[partner].organisation).cloned().unwrap_or_default();
        let left = self.rules.new_flags_a_day.saturating_sub(of_today(spent.new_flags, now)) + carried;
        (left as usize).min(self.may_hold(partner).saturating_sub(kept))
    }

    /// All that is held ends, as if it was withdrawn, and another full set is wanted.
    fn suspend(&mut self, partner: usize, today: Day) {
        let it = &mut self.partners[partner];
        it.remember(&Spans::new(), today);
        it.held.clear();
        (it.full_seen, it.heard, it.unfinished) = (false, None, 0);
    }

    fn copied(&self) -> Copied {
        let heard = self.partners.iter().filter_map(|partner| partner.heard).max();
        let latest = self.as_of.max(self.looked).max(heard.unwrap_or(START));
        Copied { partners: self.partners.clone(), spent: self.spent.clone(), day: latest.day() }
    }

    /// The store is a copy again, with the partners as they were then: what they held counts no longer, what their
    /// organisations spent does. What they held, and what they could flag since, may come in first full sets.
    fn restore(&mut self, copied: Copied, now: Timestamp) {
        (self.partners, self.spent) = (copied.partners, copied.spent);
        let added = self.rules.new_flags_a_day * u32::from(now.day().0 - copied.day.0);
        let mut restored = BTreeMap::new();
        for (at, entry) in ROSTER.into_iter().enumerate() {
            let others: usize = self.others(at).map(|other| other.held.len()).sum();
            let held = (self.partners[at].held.len() + others) as u32;
            let left = self.left_to_carry(at);
            let spent = self.spent.get(entry.organisation).cloned().unwrap_or_default();
            // The second partner of an organisation comes to the same.
            restored.insert(entry.organisation, Spent { carried: 0, may_carry: Some(held + left + added), ..spent });
        }
        self.spent = restored;
        for partner in &mut self.partners {
            *partner = Partner { recovering: true, ..Partner::default() };
        }
        self.release = now.0 + 1;
        (self.as_of, self.looked, self.fresh) = (now, now, 0);
        self.waits_since = Some(now);
    }

    fn tick(&mut self, now: Timestamp) {
        let interval = u64::from(self.rules.interval_hours) * 3600;
        let max_wait = MAX_WAIT_DAYS * 86_400;
        let opens = START.day().start();
        let forced = Timestamp(opens.0 + (now.0 - opens.0) / max_wait * max_wait);
        let moment = Timestamp(now.0 / interval * interval).max(forced);
        let mut full = false;
        if moment > self.looked {
            let changed = self.organisations(|partner| has_new_flag(partner, moment.day()));
            full = match self.waits_since {
                Some(since) => moment.0 - since.0 >= max_wait || self.organisations(|partner| partner.full_seen) == 4,
                None => forced > self.looked || changed >= usize::from(self.rules.min_changed),
            };
            self.waits_since = self.waits_since.filter(|_| !full);
            self.looked = moment;
        }
        let turned = now.day() > self.as_of.day();
        if !full && !turned {
            return;
        }
        let today = now.day();
        self.as_of = if turned { today.start() } else { Timestamp(0) }.max(if full { moment } else { Timestamp(0) });
        self.release += 1;
        for partner in &mut self.partners {
            let held = std::mem::take(&mut partner.held);
            let (held, ended): (Spans, Spans) = held.into_iter().partition(|(_, (_, last))| *last >= today);
            partner.held = held;
            partner.ended.extend(ended);
            partner.ended.retain(|_, (_, last)| last.0 + REMEMBERED >= today.0);
            if full {
                partner.released = partner.held.clone();
            }
            // What ended or was withdrawn is gone, and what was shortened is shorter. A flag that ended as released and
            // was renewed before stays.
            let held = &partner.held;
            partner.released.retain(|number, span| {
                let Some(now_held) = held.get(number) else { return false };
                if span.1 < today || now_held.1 < span.1 {
                    *span = *now_held;
                }
                true
            });
        }
        let as_of = self.as_of;
        self.fresh =
            self.organisations(|p| p.heard.is_some_and(|heard| as_of.0.saturating_sub(heard.0) <= FRESH_DAYS * 86_400));
    }

    /// The spans of flags, with how many were renewed, or the code of the rejection. Each thing is looked at in all of
    /// them before the next.
    fn spans(
        &self,
        partner: usize,
        flagged: &BTreeMap<u8, Day>,
        claim: Claim,
        today: Day,
    ) -> Result<(Spans, u32), &'static str> {
        if flagged.values().any(|last| *last < today) {
            return Err("clock");
        }
        if flagged.values().any(|last| *last > Day(today.0 + MAX_DAYS)) {
            return Err("not_permitted");
        }
        let Partner { held, ended, .. } = &self.partners[partner];
        let renewals = |first: Day, last: Day| {
            let mut renewals = 0;
            while u32::from(last.0) > u32::from(first.0) + u32::from(MAX_DAYS) * (renewals + 1) {
                renewals += 1;
            }
            renewals
        };
        let (mut spans, mut renewed) = (Spans::new(), 0);
        let (mut too_often, mut without_reason) = (false, false);
        for (number, last) in flagged {
            let known = held.get(number).or(ended.get(number)).filter(|_| !claim.house_number);
            let first = known.map_or(today, |(first, _)| *first).min(Day(today.0 - claim.ago));
            too_often |= renewals(first, *last) > self.rules.max_renewals;
            without_reason |= renewals(first, *last) > 0 && claim.renewal.is_none();
            renewed += u32::from(known.is_some_and(|(_, was)| renewals(first, *was) < renewals(first, *last)));
            spans.insert(*number, (first, *last));
        }
        match (too_often, without_reason) {
            (true, _) => Err("too_many_renewals"),
            (_, true) => Err("renewal_not_declared"),
            _ => Ok((spans, renewed)),
        }
    }

    fn put(&mut self, partner: usize, after: Spans, charge: u32, now: Timestamp) {
        let it = &mut self.partners[partner];
        it.forget_about(&after);
        it.remember(&after, now.day());
        it.held = after;
        it.heard = Some(now);
        it.unfinished = 0;
        let spent = self.spent(partner);
        spent.new_flags = (now.day(), of_today(spent.new_flags, now) + charge);
    }

    fn standings(&self, partner: usize, asked: &BTreeSet<u8>, sweep: bool) -> Vec<u8> {
        let sources = self.organisations(|p| !p.released.is_empty());
        asked
            .iter()
            .map(|number| {
                let own = self.partners[partner].released.contains_key(number);
                let count = self.organisations(|p| p.released.contains_key(number));
                let (threshold, cap) = (usize::from(self.rules.threshold), 3.max(usize::from(self.rules.threshold)));
                if self.rules.own_flag_required && !sweep && !own {
                    1
                } else if sources < usize::from(self.rules.min_sources) || count < threshold {
                    0
                } else {
                    match ROSTER[partner].sees {
                        "presence" => 255,
                        "band" => threshold as u8,
                        _ => count.min(cap) as u8,
                    }
                }
            })
            .collect()
    }
}

/// Whether a partner holds a flag that does not show, and has not ended.
fn has_new_flag(partner: &Partner, today: Day) -> bool {
    partner.held.iter().any(|(number, (_, last))| *last >= today && !partner.released.contains_key(number))
}

/// What a rejection says that is left.
fn over_budget(reply: Reply) -> usize {
    let Reply::Rejection(rejection) = reply else { panic!("it was accepted") };
    assert_eq!(rejection.code.as_str(), "over_budget");
    rejection.number as usize
}

/// What a partner is told that has not delivered a full set.
fn first_wanted(partner: &Partner) -> &'static str {
    if partner.recovering { "recovering" } else { "full_set_required" }
}

fn of_today((day, count): (Day, u32), now: Timestamp) -> u32 {
    if day == now.day() { count } else { 0 }
}

/// Flags of a step as groups: the last days are ends of the coming months, the first of which may have passed.
fn days(flagged: &BTreeMap<u8, u8>, now: Timestamp) -> BTreeMap<u8, Day> {
    let ends: Vec<Day> =
        std::iter::successors(Some(Day(now.day().0 - 20).month_end()), |end| Some(Day(end.0 + 1).month_end()))
            .take(6)
            .collect();
    flagged.iter().map(|(number, month)| (*number, ends[usize::from(*month)])).collect()
}

fn columns(flagged: &BTreeMap<u8, Day>) -> BTreeMap<Day, Vec<Pseudonym>> {
    let mut columns: BTreeMap<Day, Vec<Pseudonym>> = BTreeMap::new();
    for (number, last) in flagged {
        columns.entry(*last).or_default().push(pseudonym(*number));
    }
    columns
}

fn groups(columns: &BTreeMap<Day, Vec<Pseudonym>>, claim: Claim, now: Timestamp) -> Vec<Group<'_>> {
    let Claim { renewal, ago, house_number } = claim;
    let first_day = Day(now.day().0 - ago);
    let terms = |last_day: &Day| Terms { last_day: *last_day, first_day, renewal, house_number };
    columns.iter().map(|(last_day, pseudonyms)| Group { terms: terms(last_day), pseudonyms }).collect()
}

/// A question and its answer, in a release.
#[derive(Clone)]
struct Asked {
    message: Vec<u8>,
    answer: Vec<u8>,
    release: u64,
}

/// Where the broker keeps its store.
struct Home {
    broker: Option<Broker>,
    folder: Option<tempfile::TempDir>,
    /// The newest copy of the store, how many there were, and the partners when it was made.
    copy: Option<(std::path::PathBuf, Copied)>,
    copies: u32,
}

impl Home {
    fn new(text: &str, on_disk: bool) -> Home {
        if !on_disk {
            return Home { broker: Some(testkit::broker(&signed(text))), folder: None, copy: None, copies: 0 };
        }
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        write_policy(&policy, text);
        let keys = testkit::stored_keys(&folder.path().join("keys"));
        let broker = Broker::create(&folder.path().join("broker"), keys, &policy, START).unwrap();
        Home { broker: Some(broker), folder: Some(folder), copy: None, copies: 0 }
    }

    fn reopen(&mut self) {
        let Some(folder) = &self.folder else { return };
        // The file is let go of before it is opened again.
        self.broker = None;
        self.broker = Some(
            Broker::open(&folder.path().join("broker"), testkit::stored_keys(&folder.path().join("keys"))).unwrap(),
        );
    }

    fn back_up(&mut self, model: &Model, now: Timestamp) {
        let Some(folder) = &self.folder else { return };
        self.copies += 1;
        let to = folder.path().join(format!("copy-{}", self.copies));
        std::fs::create_dir(&to).unwrap();
        self.broker.as_ref().unwrap().backup(&to, now).unwrap();
        self.copy = Some((to, model.copied()));
    }

    /// Loses the store, and puts the newest copy in its place; what that has.
    fn restore(&mut self, now: Timestamp) -> Option<Copied> {
        let (from, copied) = self.copy.clone()?;
        let folder = self.folder.as_ref()?.path();
        self.broker = None;
        std::fs::remove_dir_all(folder.join("broker")).unwrap();
        let keys = testkit::stored_keys(&folder.join("keys"));
        self.broker = Some(Broker::restore_under(&from, &folder.join("broker"), keys, &[], now).unwrap());
        Some(copied)
    }
}

fn play(rules: Rules, steps: Vec<Step>, on_disk: bool) {
    let text = rules.text();
    let mut home = Home::new(&text, on_disk);
    let policy = signed(&text);
    let certified = testkit::certificates(policy.policy());
    let mut model = Model::new(rules);
    let mut clients: Vec<Client> = ROSTER.iter().map(|entry| Client::new(entry.number, &policy)).collect();
    let mut last_state: Vec<Option<(Vec<u8>, Vec<u8>)>> = vec![None; 5];
    let mut last_question: Vec<Option<Asked>> = vec![None; 5];
    let mut now = START;
    let mut serial = 1;
    let mut state = |partner: usize, keys, first_day| {
        serial += 1;
        let statement = Statement { serial, keys, first_day, ..certified[partner].claimed().clone() };
        Certificate::sign(policy.policy(), statement, &testkit::policy_key(ROSTER[partner].organisation)).unwrap()
    };
    for step in steps {
        now = now.plus(7);
        if matches!(step, Step::Reopen) {
            home.reopen();
            continue;
        }
        if matches!(step, Step::BackUp) {
            model.tick(now);
            home.broker.as_ref().unwrap().accept_clock(now).unwrap();
            home.back_up(&model, now);
            continue;
        }
        if matches!(step, Step::Restore) {
            model.tick(now);
            let Some(copied) = home.restore(now) else { continue };
            model.restore(copied, now);
            last_state.fill(None);
            last_question.fill(None);
            let broker = home.broker.as_ref().unwrap();
            // What the broker last accepted is of the time of the copy: each partner asks, and goes on from there.
            for (client, partner) in clients.iter_mut().zip(&model.partners) {
                let reply = client.say(broker, &Request::Status(StatusRequest::default()), now);
                let Reply::Status(status) = reply else { panic!("{}", code(&reply)) };
                assert_eq!((status.held, status.full_set_required), (0, true));
                assert_eq!((status.release, status.as_of), (model.release, model.as_of));
                assert!(status.accepted_state <= client.accepted && partner.recovering);
                client.accepted = status.accepted_state;
            }
            continue;
        }
        let broker = home.broker.as_ref().unwrap();
        match step {
            Step::Reopen | Step::BackUp | Step::Restore => unreachable!("done above"),
            Step::Wait { hours } => {
                // Not past the end of the only epoch.
                if now.day().0 + 60 > policy.policy().epochs[0].closes.0 {
                    continue;
                }
                now = now.plus(u64::from(hours) * 3600);
                model.tick(now);
                broker.accept_clock(now).unwrap();
            }
            Step::Delta { partner, flagged, mut withdrawn, claim } => {
                model.tick(now);
                withdrawn.retain(|number| !flagged.contains_key(number));
                if flagged.is_empty() && withdrawn.is_empty() {
                    continue;
                }
                let flagged = days(&flagged, now);
                let columns = columns(&flagged);
                let gone: Vec<_> = withdrawn.iter().map(|number| pseudonym(*number)).collect();
                let request = Request::Delta(Delta { flagged: groups(&columns, claim, now), withdrawn: &gone });
                let before = model.partners[partner].held.clone();
                let spans = model.spans(partner, &flagged, claim, now.day());
                let message = clients[partner].message(&request, now);
                let bytes = broker.handle(&message, now);
                let reply = clients[partner].send(broker, &message, now);
                if !model.partners[partner].full_seen {
                    assert_eq!(code(&reply), "stale", "the second time; the first is a spent number");
                    assert_eq!(code(&testkit::read(&bytes)), first_wanted(&model.partners[partner]));
                    continue;
                }
                let (spans, renewed) = match spans {
                    Ok(spans) => spans,
                    Err(expected) => {
                        assert_eq!(code(&testkit::read(&bytes)), expected);
                        continue;
                    }
                };
                let mut after = before.clone();
                after.extend(spans);
                after.retain(|number, _| !withdrawn.contains(number));
                let added = flagged.keys().filter(|number| !before.contains_key(number)).count();
                let may_add = model.may_add(partner, 0, after.len() - added, now);
                if added > may_add {
                    assert_eq!(over_budget(testkit::read(&bytes)), may_add);
                    continue;
                }
                let Reply::Receipt(receipt) = reply else { panic!("{}", code(&reply)) };
                assert_eq!(testkit::read(&bytes), Reply::Receipt(receipt.clone()), "a resend gets the same receipt");
                assert_eq!((receipt.added as usize, receipt.renewed), (added, renewed));
                assert_eq!(receipt.held as usize, after.len());
                assert_eq!(receipt.release, model.release);
                assert_eq!(
                    receipt.withdrawn as usize,
                    withdrawn.iter().filter(|number| before.contains_key(number)).count()
                );
                model.put(partner, after, added as u32, now);
                last_state[partner] = Some((message, bytes));
            }
            Step::FullSet { partner, flagged, claim, shrink, parts } => {
                model.tick(now);
                let flagged = days(&flagged, now);
                let before = model.partners[partner].held.clone();
                for number in 1..=parts {
                    let mine = flagged.iter().filter(|(n, _)| u16::from(**n) % parts == number - 1);
                    let mine: BTreeMap<u8, Day> = mine.map(|(n, last)| (*n, *last)).collect();
                    let columns = columns(&mine);
                    let part = Part { number, of: parts };
                    let request = Request::FullSet(FullSet { shrink, part, flagged: groups(&columns, claim, now) });
                    let reply = clients[partner].say(broker, &request, now);
                    if let Err(expected) = model.spans(partner, &mine, claim, now.day()) {
                        assert_eq!(code(&reply), expected);
                        break;
                    } else if number < parts {
                        let said = if number == 1 { 0 } else { model.partners[partner].unfinished } + mine.len();
                        if said > model.may_hold(partner) {
                            assert_eq!(over_budget(reply), model.may_hold(partner));
                            break;
                        }
                        assert_eq!(code(&reply), "ok");
                        model.partners[partner].unfinished = said;
                    } else {
                        let (after, _) = model.spans(partner, &flagged, claim, now.day()).unwrap();
                        let gone = before.keys().filter(|number| !after.contains_key(number)).count();
                        let added = after.keys().filter(|number| !before.contains_key(number)).count();
                        let is_first = !model.partners[partner].delivered;
                        let carry = if is_first { model.left_to_carry(partner) } else { 0 };
                        let kept = after.len() - added;
                        let may_add = model.may_add(partner, carry, kept, now);
                        if !shrink && gone as u64 * 100 > before.len() as u64 * MAX_SHRINK {
                            assert_eq!(code(&reply), "shrink");
                        } else if added > may_add {
                            assert_eq!(over_budget(reply), kept + may_add);
                        } else {
                            let Reply::Receipt(receipt) = reply else { panic!("{}", code(&reply)) };
                            assert_eq!((receipt.added as usize, receipt.withdrawn as usize), (added, gone));
                            assert_eq!(receipt.held as usize, after.len());
                            let carried = carry.min(added as u32);
                            model.put(partner, after, added as u32 - carried, now);
                            model.spent(partner).carried += carried;
                            model.partners[partner].full_seen = true;
                            model.partners[partner].delivered = true;
                            model.partners[partner].recovering = false;
                            last_state[partner] = None;
                        }
                    }
                    if number < parts {
                        model.partners[partner].heard = Some(now);
                        last_state[partner] = None;
                    }
                }
            }
            Step::Confirm { partner } => {
                model.tick(now);
                let reply = clients[partner].say(broker, &Request::Confirm, now);
                if model.partners[partner].full_seen {
                    assert_eq!(code(&reply), "ok");
                    model.partners[partner].heard = Some(now);
                    model.partners[partner].unfinished = 0;
                    last_state[partner] = None;
                } else {
                    assert_eq!(code(&reply), first_wanted(&model.partners[partner]));
                }
            }
            Step::WithdrawInDoubt { partner, withdrawn } => {
                // A time that nothing is to be done by: long ago, or far ahead.
                let wrong = Timestamp(if withdrawn.contains(&0) { 7 } else { now.0 * 2 });
                let clock = if withdrawn.contains(&1) { Clock::from(wrong) } else { Clock::untrusted(now) };
                let gone: Vec<_> = withdrawn.iter().map(|number| pseudonym(*number)).collect();
                let request = Request::Delta(Delta { flagged: vec![], withdrawn: &gone });
                if withdrawn.contains(&2) {
                    // A suspension may have begun whatever its first day; the certificate that ends it counts.
                    let last = Day(u16::MAX);
                    assert!(broker.keep_certificate(&state(partner, None, last), clock).unwrap());
                    let refused = clients[partner].message(&request, now);
                    assert_eq!(code(&testkit::read(&broker.handle(&refused, clock))), "unavailable");
                    clients[partner].highest_state -= 1;
                    let keys = certified[partner].claimed().keys;
                    assert!(broker.keep_certificate(&state(partner, keys, Day(0)), clock).unwrap());
                }
                let message = clients[partner].message(&request, now);
                let bytes = broker.handle(&message, clock);
                let asked = Request::Question(Question { sweep: None, pseudonyms: &gone });
                let question = clients[partner].message(&asked, now);
                assert_eq!(code(&testkit::read(&broker.handle(&question, clock))), "unavailable");
                clients[partner].highest_question -= 1;
                let it = &mut model.partners[partner];
                let Reply::Receipt(receipt) = testkit::read(&bytes) else {
                    assert_eq!(code(&testkit::read(&bytes)), first_wanted(it));
                    assert!(!it.full_seen);
                    continue;
                };
                clients[partner].accepted = clients[partner].highest_state;
                let before = it.held.len();
                let mut after = it.held.clone();
                after.retain(|number, _| !withdrawn.contains(number));
                it.remember(&after, now.day());
                it.held = after;
                it.unfinished = 0;
                assert_eq!(receipt.withdrawn as usize, before - it.held.len());
                assert_eq!((receipt.held as usize, receipt.release), (it.held.len(), model.release));
                last_state[partner] = Some((message, bytes));
            }
            Step::Ask { partner, asked, sweep } => {
                model.tick(now);
                let pseudonyms: Vec<_> = asked.iter().map(|number| pseudonym(*number)).collect();
                let reason = sweep.then(|| "brand".parse().unwrap());
                let request = Request::Question(Question { sweep: reason, pseudonyms: &pseudonyms });
                let message = clients[partner].message(&request, now);
                let bytes = broker.handle(&message, now);
                let reply = testkit::read(&bytes);
                let is_answering = model.waits_since.is_none();
                let it = &mut model.partners[partner];
                let expected = match () {
                    () if it.recovering => "recovering",
                    () if !is_answering => "not_yet_answering",
                    () if sweep && partner != 3 => "not_permitted",
                    () => "",
                };
                if !expected.is_empty() {
                    assert_eq!(code(&reply), expected);
                    continue;
                }
                let spent = model.spent.entry(ROSTER[partner].organisation).or_default();
                if sweep {
                    let swept = if spent.swept.0 == now.day() { spent.swept.1 } else { 0 };
                    if swept + asked.len() > SWEPT_A_DAY {
                        assert_eq!(code(&reply), "over_budget");
                        continue;
                    }
                    spent.swept = (now.day(), swept + asked.len());
                } else {
                    let own = asked.iter().filter(|number| it.released.contains_key(number)).count() as u32;
                    let used = if it.free.0 == model.release { it.free.1 } else { 0 };
                    let free = own.min((it.released.len() as u32).saturating_sub(used));
                    let costs = of_today(spent.asked, now) + asked.len() as u32 - free;
                    if costs > rules.asked_a_day {
                        assert_eq!(code(&reply), "over_budget");
                        continue;
                    }
                    spent.asked = (now.day(), costs);
                    it.free = (model.release, used + free);
                }
                let Reply::Answer(answer) = reply else { panic!("{}", code(&reply)) };
                assert_eq!(answer.standings, model.standings(partner, &asked, sweep));
                assert_eq!((answer.release, answer.as_of), (model.release, model.as_of));
                assert_eq!((answer.organisations, usize::from(answer.fresh)), (4, model.fresh));
                assert!(answer.until > now && answer.until <= Day(now.day().0 + 1).start());
                last_question[partner] = Some(Asked { message, answer: bytes, release: model.release });
            }
            Step::Resend { partner, question } => {
                model.tick(now);
                if question {
                    let Some(Asked { message, answer, release }) = &last_question[partner] else { continue };
                    let reply = broker.handle(message, now);
                    let newest = clients[partner].highest_question == sequence(message);
                    if *release == model.release && newest {
                        assert_eq!(&reply, answer);
                    } else if *release != model.release {
                        assert_eq!(code(&testkit::read(&reply)), "stale");
                    }
                } else if let Some((message, bytes)) = &last_state[partner] {
                    assert_eq!(&broker.handle(message, now), bytes);
                }
            }
            Step::Suspend { partner } => {
                model.tick(now);
                broker.accept_clock(now).unwrap();
                for keys in [None, certified[partner].claimed().keys] {
                    assert!(broker.keep_certificate(&state(partner, keys, Day(0)), now).unwrap());
                }
                model.suspend(partner, now.day());
            }
            Step::Gap { partner } => {
                model.tick(now);
                let accepted = clients[partner].accepted;
                clients[partner].accepted = accepted + 1;
                let reply = clients[partner].say(broker, &Request::Confirm, now);
                clients[partner].accepted = accepted;
                let Reply::Rejection(rejection) = reply else { panic!("a gap was accepted") };
                let expected = if model.partners[partner].recovering { ("recovering", 0) } else { ("gap", accepted) };
                assert_eq!((rejection.code.as_str(), rejection.number), expected);
            }
        }
    }
}

/// The number in a message's header: it stands after two slugs, epoch, key id and partner.
fn sequence(message: &[u8]) -> u64 {
    let at = 1 + 2 + 8 + "zaanstad".len() + 8 + "ondermijning-zaanstad".len() + 4 + 8 + 2;
    u64::from_le_bytes(message[at..at + 8].try_into().unwrap())
}

/// How many times as many histories as usual are played: `STAPEL_CASES`.
fn times() -> u32 {
    std::env::var("STAPEL_CASES").map_or(1, |times| times.parse().unwrap())
}

/// How many histories are played, and how many attempts are made to shorten one that fails.
fn config(cases: u32, max_shrink_iters: u32) -> ProptestConfig {
    ProptestConfig { cases: cases * times(), failure_persistence: None, max_shrink_iters, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(2_000, 5_000))]

    #[test]
    fn a_broker_is_a_map_of_sets(rules in rules(), steps in prop::collection::vec(step(), 1..40)) {
        play(rules, steps, false);
    }
}

proptest! {
    #![proptest_config(config(60, 200))]

    #[test]
    fn a_broker_on_disk_is_one_too_opened_again_at_any_step(
        rules in rules(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        play(rules, steps, true);
    }
}
