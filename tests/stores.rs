//! A frozen folder of a broker, keys and all: it must open, answer what it answered, and its log must verify.
//!
//! It lies under `tests/stores/v1/broker`. Until v0.1.0 the commit that changes a stored form makes it anew, and the
//! store's own beside it, with `STAPEL_KEEP_STORE=1 cargo test -p stapel frozen`; from then on it is never written
//! again. What [`check`] asks of it stays the same whenever it is made anew.
//!
//! In it one puts addresses forward, and the others who flag them were asked to answer: sealed, as the flags are.

use stapel_testkit as common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Client, ROSTER, RULES, START, code, policy_text, pseudonym, stored_keys, write_policy};
use stapel::audit::{Checkpoint, ExportedLog, LogKey};
use stapel::message::{
    Answer, Delta, EntryKind, Exchange, FullSet, Group, Kept, Part, Post, PutForward, Question, Reply, Request,
};
use stapel::talk::RowCode;
use stapel::{Broker, BrokerKeys, Timestamp};

const DAY: u64 = 86_400;

/// What each of four organisations flags, by numbers of pseudonyms. The second has withdrawn 2, and the third flagged
/// 6, which is not released yet; the fourth has sent part 1 of 2 of another set.
const FLAGGED: [&[u8]; 4] = [&[1, 2, 3, 4], &[1, 2, 4], &[1, 4], &[4, 5]];
const ASKED: [u8; 6] = [1, 2, 3, 4, 5, 6];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stores/v1/broker")
}

fn day(number: u64) -> Timestamp {
    START.plus(number * DAY)
}

/// Copies a folder, each file for its owner only, as version control does not keep it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.as_ref().unwrap().file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
    }
}

fn ask(broker: &Broker, client: &mut Client, now: Timestamp) -> (u64, Vec<u8>) {
    let pseudonyms = ASKED.map(pseudonym);
    let question = Request::Question(Question { sweep: None, pseudonyms: &pseudonyms });
    match client.say(broker, &question, now) {
        Reply::Answer(Answer { release, standings, .. }) => (release, standings),
        other => panic!("{}", code(&other)),
    }
}

#[test]
fn a_frozen_broker_opens_answers_and_has_its_log() {
    if std::env::var_os("STAPEL_KEEP_STORE").is_some() {
        let made = tempfile::tempdir().unwrap();
        write(made.path());
        let _ = fs::remove_dir_all(folder());
        for name in ["store", "policies", "keys"] {
            copy(&made.path().join(name), &folder().join(name));
        }
    }
    let own = tempfile::tempdir().unwrap();
    copy(&folder(), own.path());
    check(own.path());
}

#[test]
fn a_broker_that_is_written_today_is_the_same() {
    let own = tempfile::tempdir().unwrap();
    write(own.path());
    check(own.path());
}

/// Opens a broker as [`write`] leaves it, and goes on with it.
fn check(own: &Path) {
    let open = || Broker::open(own, BrokerKeys::open(&own.join("keys")).unwrap()).unwrap();
    let broker = open();
    let status = broker.status();
    assert_eq!((status.last_fault, status.log_behind), (None, None));
    let epoch = &status.epochs[0];
    assert_eq!((status.policy_version, epoch.number, epoch.tags), (1, 1, 5));
    let partners: Vec<_> = epoch.partners.iter().map(|it| (it.number, it.held, it.released)).collect();
    assert_eq!(partners, [(1, 4, 4), (2, 2, 3), (3, 3, 2), (4, 2, 2)]);

    let mut log = ExportedLog::default();
    broker.log_rows(|index, row| Ok(log.push(row.to_json(index).as_bytes()).map(drop)?)).unwrap();
    let name = LogKey::of(broker.policy().policy());
    let checkpoints = broker.checkpoints().unwrap();
    assert_eq!(checkpoints.len(), 2);
    let checkpoints: Vec<_> = checkpoints.iter().map(|bytes| Checkpoint::verify(bytes, &name).unwrap()).collect();
    log.check(&checkpoints).unwrap();

    // The second puts forward what the first did a day before, and each is told of the other at the next turn.
    let mut second = Client::new(2, &broker.policy());
    (second.accepted, second.highest_state) = (2, 2);
    let said = put_forward(&[1, 4], 1);
    assert!(matches!(second.say(&broker, &said, day(1).plus(60)), Reply::Kept(Kept { kept: 2, new: 2, .. })));

    // The first sees counts, which are capped at 3. 1 is "no own flag", 0 below the threshold.
    let mut first = Client::new(1, &broker.policy());
    (first.accepted, first.highest_state, first.highest_question) = (1, 1, 1);
    let (release, standings) = ask(&broker, &mut first, day(1).plus(60));
    assert_eq!((release, standings), (epoch.release, vec![3, 2, 0, 3, 1, 1]));
    // The fourth goes on with its set, in the midst of which the folder was written.
    let mut fourth = Client::new(4, &broker.policy());
    (fourth.accepted, fourth.highest_state) = (2, 2);
    let one = [pseudonym(1)];
    let flagged = vec![Group { terms: common::until(common::day("2027-03-31")), pseudonyms: &one }];
    let set = FullSet { shrink: true, part: Part { number: 2, of: 2 }, flagged };
    assert_eq!(code(&fourth.say(&broker, &Request::FullSet(set), day(1).plus(60))), "ok");
    // With the second, three organisations have new flags.
    let seven = second.delta(&[(pseudonym(7), common::day("2027-03-31"))], &[], day(1).plus(60));
    assert_eq!(code(&second.send(&broker, &seven, day(1).plus(60))), "ok");
    drop(broker);
    // What was changed is released at the next midnight, and the broker has not forgotten it by then.
    let broker = open();
    assert_eq!(ask(&broker, &mut first, day(2)).1, [3, 0, 0, 3, 1, 1]);
    assert_eq!(broker.status().epochs[0].partners[3].released, 2);
    first.highest_talk = 1;
    assert_eq!(told(&broker, &mut first), [2, 2]);
    assert_eq!(told(&broker, &mut second), [1, 1]);
    let mut third = Client::new(3, &broker.policy());
    (third.accepted, third.highest_state) = (2, 2);
    assert_eq!(told(&broker, &mut third), [0, 0], "asked in the folder");
}

/// Whom a partner is introduced to; 0 where it is asked to answer.
fn told(broker: &Broker, client: &mut Client) -> Vec<u16> {
    let Reply::Post(Post { entries, .. }) = client.say(broker, &Request::Exchange(Exchange::default()), day(2)) else {
        panic!("no post")
    };
    let what = |told| match told {
        EntryKind::Introduced { partner, code: of, .. } if of == code_of(partner) => partner,
        EntryKind::Asked { .. } => 0,
        _ => panic!("nobody said that"),
    };
    entries.iter().map(|entry| what(entry.told)).collect()
}

fn code_of(sender: u16) -> RowCode {
    RowCode::from_bytes([sender as u8; 16])
}

/// What is put forward by a partner for another, from the first day on.
fn put_forward(rows: &[u8], receiver: u16) -> Request<'static> {
    let code = || vec![code_of(3 - receiver)];
    let rows = rows.iter().map(|row| (pseudonym(*row), code())).collect();
    Request::PutForward(PutForward::new(START.day().plus(12), vec![receiver], rows))
}

/// Makes the broker, and has its partners say what is in the folder.
fn write(own: &Path) {
    let policy = own.join("policy.toml");
    let rules = format!("{RULES}[meet]\ndirect = [[\"politie\", \"belastingdienst\"]]\n");
    write_policy(&policy, &policy_text(&ROSTER, &rules));
    let broker = Broker::create(own, stored_keys(&own.join("keys")), &policy, START).unwrap();
    let mut clients: Vec<Client> = (1..=4).map(|number| Client::new(number, &broker.policy())).collect();
    let last_day = common::day("2027-03-31");
    let set = |client: &mut Client, flags: &[u8], part, now| {
        let pseudonyms: Vec<_> = flags.iter().map(|flag| pseudonym(*flag)).collect();
        let flagged = vec![Group { terms: common::until(last_day), pseudonyms: &pseudonyms }];
        let request = Request::FullSet(FullSet { shrink: true, part, flagged });
        assert_eq!(code(&client.say(&broker, &request, now)), "ok");
    };
    for (client, flags) in clients.iter_mut().zip(FLAGGED) {
        set(client, flags, Part { number: 1, of: 1 }, START);
    }
    let kept = clients[0].say(&broker, &put_forward(&[1, 4], 2), START);
    assert!(matches!(kept, Reply::Kept(Kept { kept: 2, .. })));
    ask(&broker, &mut clients[0], day(1));
    let six = [pseudonym(6)];
    let flagged = vec![Group { terms: common::until(last_day), pseudonyms: &six }];
    for (at, flagged, withdrawn) in [(1, vec![], vec![pseudonym(2)]), (2, flagged, vec![])] {
        let delta = Request::Delta(Delta { flagged, withdrawn: &withdrawn });
        assert_eq!(code(&clients[at].say(&broker, &delta, day(1))), "ok");
    }
    set(&mut clients[3], &[4], Part { number: 1, of: 2 }, day(1));
}
