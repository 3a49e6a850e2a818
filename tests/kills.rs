//! Kills a process that runs the broker with SIGKILL at random moments: what it receipted must be there afterwards.
//!
//! The process is this test binary once more. It hands a broker on disk a stream of messages that depends on nothing
//! but their number, and writes each reply to a file after the broker gave it. So whoever looks afterwards knows from
//! that file alone what must be there, and of the one message after it that it must be there whole or not at all.
//!
//! `STAPEL_KILLS` says how often; without it 200 times.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use stapel::audit::{Checkpoint, ExportedLog, LogKey};
use stapel::message::{self, Answer, Code, Delta, FullSet, Group, LogEntry, Part, Question, Reply, Request};
use stapel::policy::SignedPolicy;
use stapel::{Broker, Day, Pseudonym, Timestamp};
use stapel_testkit as testkit;
use stapel_testkit::{Client, ROSTER, RULES, START, Seeded, code, key, policy_text, signed, stored_keys, write_policy};

/// What makes the child a child: the folder that it works in.
const FOLDER: &str = "STAPEL_KILLS_FOLDER";
/// What the child says when its broker is open.
const OPENED: &str = "the broker is open";
/// What it says when a reply is written.
const REPLIED: &str = "a reply is written";
/// Kills before a new broker is begun: checking goes through all messages, so its cost grows with each.
const KILLS_OF_A_LIFE: u64 = 40;
/// The most messages of a life; at six a day these are 150 days.
const MESSAGES: usize = 900;
const SECONDS_APART: u64 = 4 * 3_600;
const PSEUDONYMS: usize = 60;
/// The partners of the stream, of an organisation each. The fifth asks, from outside the stream.
const PARTNERS: usize = 4;

type Flags = BTreeMap<u8, Day>;

/// What the message of a number says.
enum Said {
    FullSet(Flags),
    Delta { flagged: Flags, withdrawn: Vec<u8> },
    Confirm,
    Question(Vec<u8>),
}

fn text() -> String {
    let (head, rest) = RULES.split_once("[budgets]").unwrap();
    let epochs = &rest[rest.find("[[epoch]]").unwrap()..];
    let tables = r#"[[override]]
rule = "own-flag"
reason = "one partner looks at every number"
[[override]]
rule = "names-somebody"
reason = "every number is looked at"
[[override]]
rule = "max-wait"
reason = "releases are to come often"
[[override]]
rule = "first-set"
reason = "no budget is to end"
[counting]
own_flag_required = false
[retention]
max_days = 365
max_renewals = 0
[release]
max_wait_days = 1
[budgets]
new_flags_a_day = 100000
asked_a_day = 100000
asked_an_epoch = 10000000
swept_a_day = 100
sweep_reasons = ["brand"]
"#;
    policy_text(&ROSTER, &format!("{head}{tables}{epochs}"))
}

fn time(number: usize) -> Timestamp {
    START.plus(number as u64 * SECONDS_APART)
}

fn partner(number: usize) -> usize {
    number % PARTNERS
}

/// Every fourth message of a partner is a question.
fn is_question(number: usize) -> bool {
    number / PARTNERS % 4 == 3
}

fn said(number: usize) -> Said {
    let random = &mut Seeded::new(number as u64);
    let mut some = |most: usize| -> Vec<u8> {
        let mut some: Vec<u8> = (0..1 + random.below(most)).map(|_| random.below(PSEUDONYMS) as u8).collect();
        some.sort_unstable();
        some.dedup();
        some
    };
    let flags = |numbers: Vec<u8>| -> Flags {
        let last = |flag: &u8| {
            testkit::day(if (usize::from(*flag) + number).is_multiple_of(2) { "2027-06-30" } else { "2027-07-31" })
        };
        numbers.iter().map(|flag| (*flag, last(flag))).collect()
    };
    match number / PARTNERS {
        turn if turn % 16 == 0 => Said::FullSet(flags(some(40))),
        turn if turn % 16 == 5 => Said::Confirm,
        _ if is_question(number) => Said::Question(some(30)),
        _ => {
            let flagged = flags(some(12));
            let withdrawn = some(12).into_iter().filter(|flag| !flagged.contains_key(flag)).collect();
            Said::Delta { flagged, withdrawn }
        }
    }
}

/// The message of a number, as it was or will be sent: its partner had all before it receipted.
fn message(number: usize, policy: &SignedPolicy) -> Vec<u8> {
    let turn = (number / PARTNERS) as u64;
    let (questions, states) = (turn / 4, turn - turn / 4);
    let mut client = Client::new(ROSTER[partner(number)].number, policy);
    (client.accepted, client.highest_state, client.highest_question) = (states, states, questions);
    let mut columns: BTreeMap<Day, Vec<Pseudonym>> = BTreeMap::new();
    let said = said(number);
    if let Said::FullSet(flags) | Said::Delta { flagged: flags, .. } = &said {
        for (flag, last) in flags {
            columns.entry(*last).or_default().push(testkit::pseudonym(*flag));
        }
    }
    let flagged =
        columns.iter().map(|(last_day, pseudonyms)| Group { terms: testkit::until(*last_day), pseudonyms }).collect();
    let others: Vec<_> = match &said {
        Said::Delta { withdrawn: others, .. } | Said::Question(others) => {
            others.iter().map(|flag| testkit::pseudonym(*flag)).collect()
        }
        _ => vec![],
    };
    let request = match said {
        Said::FullSet(_) => Request::FullSet(FullSet { shrink: true, part: Part { number: 1, of: 1 }, flagged }),
        Said::Delta { .. } => Request::Delta(Delta { flagged, withdrawn: &others }),
        Said::Confirm => Request::Confirm,
        Said::Question(_) => Request::Question(Question { sweep: None, pseudonyms: &others }),
    };
    let header = client.header(request.kind(), time(number));
    message::sign(&header, &request.encode().unwrap(), &key(client.number)).unwrap()
}

/// What the partners hold, and what of that is released: at every midnight all that came before it, because the policy
/// lets nothing wait for more than a day.
#[derive(Clone)]
struct Model {
    number: usize,
    held: [Flags; PARTNERS],
    released: [Flags; PARTNERS],
}

impl Model {
    fn new() -> Model {
        Model { number: 0, held: Default::default(), released: Default::default() }
    }

    /// The turn of the day before the message that is next.
    fn tick(&mut self) {
        if self.number > 0 && time(self.number).day() > time(self.number - 1).day() {
            self.released = self.held.clone();
        }
    }

    fn step(&mut self) {
        self.tick();
        let held = &mut self.held[partner(self.number)];
        match said(self.number) {
            Said::FullSet(flags) => *held = flags,
            Said::Delta { flagged, withdrawn } => {
                held.extend(flagged);
                held.retain(|flag, _| !withdrawn.contains(flag));
            }
            Said::Confirm | Said::Question(_) => {}
        }
        self.number += 1;
    }

    fn standings(&self, asker: usize, asked: &[u8]) -> Vec<u8> {
        let sources = self.released.iter().filter(|flags| !flags.is_empty()).count();
        let standing = |flag: &u8| match self.released.iter().filter(|flags| flags.contains_key(flag)).count() {
            count if count < 2 || sources < 3 => 0,
            count => match ROSTER[asker].sees {
                "presence" => 255,
                "band" => 2,
                _ => count.min(3) as u8,
            },
        };
        asked.iter().map(standing).collect()
    }
}

/// A folder with a broker, the replies of the stream, and the model of what was replied to.
struct Life {
    folder: tempfile::TempDir,
    policy: SignedPolicy,
    model: Model,
    replies: Vec<Vec<u8>>,
    asker: Client,
}

fn open(folder: &Path) -> Broker {
    Broker::open(&folder.join("broker"), stored_keys(&folder.join("keys"))).unwrap()
}

fn replies_path(folder: &Path) -> PathBuf {
    folder.join("replies")
}

/// The replies that were written whole; a torn one at the end is cut off.
fn read_replies(folder: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(replies_path(folder)).unwrap();
    let (mut replies, mut rest) = (vec![], bytes.as_slice());
    while let Some((length, after)) = rest.split_first_chunk() {
        let Some((reply, after)) = after.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
        replies.push(reply.to_vec());
        rest = after;
    }
    let whole = bytes.len() - rest.len();
    OpenOptions::new().write(true).open(replies_path(folder)).unwrap().set_len(whole as u64).unwrap();
    replies
}

impl Life {
    fn begin() -> Life {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        write_policy(&policy, &text());
        drop(
            Broker::create(&folder.path().join("broker"), stored_keys(&folder.path().join("keys")), &policy, START)
                .unwrap(),
        );
        File::create(replies_path(folder.path())).unwrap();
        let policy = signed(&text());
        let asker = Client::new(5, &policy);
        Life { folder, policy, model: Model::new(), replies: vec![], asker }
    }

    /// Lets a child work until it is killed, so long after it began, or after it said `said`.
    fn kill(&self, after: Duration, said: Option<&str>) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::child", "--nocapture"])
            .env(FOLDER, self.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        if let Some(said) = said {
            let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
            assert!(lines.any(|line| line.unwrap().contains(said)), "the child ended before it was killed");
        }
        thread::sleep(after);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(!status.success() && status.code().is_none(), "the child ended by itself: {status}");
    }

    /// Opens the broker and holds it to the model. How many messages more were replied to, and how many standings are
    /// stacked.
    fn check(&mut self) -> (usize, usize) {
        let replies = read_replies(self.folder.path());
        assert_eq!(replies[..self.replies.len()], self.replies, "replies stay");
        let more = replies.len() - self.replies.len();
        self.replies = replies;
        while self.model.number < self.replies.len() {
            self.check_reply();
        }
        let broker = open(self.folder.path());
        let now = time(self.model.number);
        self.check_held(&broker);
        self.check_resends(&broker, now);
        let stacked = self.check_standings(&broker, now);
        self.check_log(&broker);
        let status = broker.status();
        assert_eq!((status.last_fault, status.log_behind), (None, None));
        (more, stacked)
    }

    /// The reply to the model's next message.
    fn check_reply(&mut self) {
        let number = self.model.number;
        self.model.step();
        let reply = testkit::read(&self.replies[number]);
        match (reply, said(number)) {
            (Reply::Receipt(receipt), Said::FullSet(_) | Said::Delta { .. } | Said::Confirm) => {
                assert_eq!(receipt.held as usize, self.model.held[partner(number)].len());
            }
            (Reply::Answer(answer), Said::Question(asked)) => {
                assert_eq!(answer.standings, self.model.standings(partner(number), &asked), "message {number}");
            }
            (Reply::Rejection(rejection), Said::Question(_)) if rejection.code == Code::NotYetAnswering => {
                assert_eq!(time(number).day(), time(0).day(), "message {number}");
            }
            (other, _) => panic!("message {number}: {}", code(&other)),
        }
    }

    /// What each partner holds is what was receipted; of the next message, all is there or nothing.
    fn check_held(&self, broker: &Broker) {
        let before = self.model.clone();
        let mut after = self.model.clone();
        after.step();
        let next = before.number;
        let epochs = broker.status().epochs;
        let seen = |at: usize| {
            let partner = epochs[0].partners.iter().find(|p| p.number == ROSTER[at].number);
            partner.map_or((0, None), |p| (p.held as usize, p.heard))
        };
        for at in 0..PARTNERS {
            let said_last = (0..next).rev().find(|number| partner(*number) == at && !is_question(*number));
            let old = (before.held[at].len(), said_last.map(time));
            let new = (after.held[at].len(), Some(time(next)));
            let may_be_new = partner(next) == at && !is_question(next);
            assert!(seen(at) == old || may_be_new && seen(at) == new, "{:?} is neither {old:?} nor {new:?}", seen(at));
        }
    }

    /// Each partner's last message gets the same bytes again, unless the one after it was accepted.
    fn check_resends(&self, broker: &Broker, now: Timestamp) {
        let next = self.model.number;
        for number in next.saturating_sub(PARTNERS)..next {
            let reply = broker.handle(&message(number, &self.policy), now);
            let released = broker.status().epochs[0].release;
            match testkit::read(&self.replies[number]) {
                Reply::Rejection(_) => assert_eq!(code(&testkit::read(&reply)), "stale", "message {number}"),
                Reply::Answer(answer) if answer.release != released => {
                    assert_eq!(code(&testkit::read(&reply)), "stale", "message {number}");
                }
                // The first of these has a successor that may have been accepted before the kill.
                _ if reply != self.replies[number] => {
                    assert_eq!((number + PARTNERS, code(&testkit::read(&reply))), (next, "stale"));
                }
                _ => {}
            }
        }
    }

    fn check_standings(&mut self, broker: &Broker, now: Timestamp) -> usize {
        let asked: Vec<u8> = (0..PSEUDONYMS as u8).collect();
        let pseudonyms: Vec<_> = asked.iter().map(|flag| testkit::pseudonym(*flag)).collect();
        let question = Request::Question(Question { sweep: None, pseudonyms: &pseudonyms });
        let standings = match self.asker.say(broker, &question, now) {
            Reply::Answer(Answer { standings, .. }) => standings,
            other => {
                assert_eq!((code(&other), now.day()), ("not_yet_answering", time(0).day()));
                return 0;
            }
        };
        let mut model = self.model.clone();
        model.tick();
        assert_eq!(standings, model.standings(4, &asked));
        standings.iter().filter(|standing| **standing > 0).count()
    }

    /// The log is what its checkpoints signed, and has the line of every reply.
    fn check_log(&self, broker: &Broker) {
        let mut log = ExportedLog::default();
        broker.log_rows(|index, row| Ok(log.push(row.to_json(index).as_bytes()).map(drop)?)).unwrap();
        let name = LogKey::of(self.policy.policy());
        let checkpoints: Vec<_> =
            broker.checkpoints().unwrap().iter().map(|bytes| Checkpoint::verify(bytes, &name).unwrap()).collect();
        log.check(&checkpoints).unwrap();
        for reply in &self.replies {
            let (Reply::Receipt(message::Receipt { log: LogEntry { index, leaf, .. }, .. })
            | Reply::Answer(Answer { log: LogEntry { index, leaf, .. }, .. })) = testkit::read(reply)
            else {
                panic!("a rejection in the stream")
            };
            assert_eq!(log.log().leaf(index), Some(leaf));
        }
    }
}

/// The process that is killed. As a test of its own it has nothing to do.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let mut file = OpenOptions::new().append(true).open(replies_path(folder)).unwrap();
    let broker = open(folder);
    writeln!(std::io::stdout(), "{OPENED}").unwrap();
    let policy = signed(&text());
    for number in read_replies(folder).len()..MESSAGES {
        if number % 8 == 7 {
            broker.release(time(number)).unwrap();
        }
        let reply = broker.handle(&message(number, &policy), time(number));
        let record = [&(reply.len() as u32).to_le_bytes()[..], &reply].concat();
        file.write_all(&record).unwrap();
        file.sync_all().unwrap();
        writeln!(std::io::stdout(), "{REPLIED}").unwrap();
    }
    // Nothing is left to do but to be killed.
    thread::sleep(Duration::from_secs(600));
}

#[test]
fn what_was_receipted_survives_a_kill_at_any_moment() {
    let kills: u64 = std::env::var("STAPEL_KILLS").map_or(200, |kills| kills.parse().unwrap());
    let mut random = Seeded::new(kills);
    let (mut at_work, mut with_stacks) = (0, 0);
    let mut life = Life::begin();
    for kill in 0..kills {
        if kill % KILLS_OF_A_LIFE == KILLS_OF_A_LIFE - 1 {
            life = Life::begin();
        }
        let said = [None, Some(OPENED), Some(OPENED), Some(REPLIED)][kill as usize % 4];
        life.kill(Duration::from_micros(random.below(40_000) as u64), said);
        let (more, stacked) = life.check();
        at_work += u64::from(more > 0);
        with_stacks += u64::from(stacked > 0);
    }
    // Kills that met nothing, and standings that are all below the threshold, would show nothing.
    assert!(at_work >= kills / 4, "of {kills} kills only {at_work} met a broker that had worked");
    assert!(with_stacks >= kills / 10, "after {kills} kills there were stacks only {with_stacks} times");
}
