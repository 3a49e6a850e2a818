//! Whatever the number of threads, partners and the broker say the same, byte for byte.

use std::path::Path;

use proptest::prelude::*;
use stapel::message::{Answer, LogEntry, Receipt, Reply, Role, Unverified};
use stapel::{AddressKey, Broker, Case, Partner, Threads, Timestamp};
use stapel_testkit::{ROSTER, START, broker, key, partner_folder, policy_text, read, secret, signed, write_policy};

const NEXT: Timestamp = Timestamp(START.0 + 86_400);

/// House numbers are counted, and nobody's budget ends.
fn policy() -> String {
    let rules = format!(
        "version = 1\nvalid_from = 2026-12-01\n[[override]]\nrule = \"first-set\"\n\
         reason = \"a test\"\n[counting]\nthreshold = 2\nlevels = [\"unit\", \"number\"]\n\
         [budgets]\n\
         new_flags_a_day = 1_000_000\nflags_held = 1_000_000\nasked_a_day = 1_000_000\nasked_an_epoch = 1_000_000\n\
         swept_a_day = 100\nsweep_reasons = [\"brand\"]\n[[epoch]]\nnumber = 1\nkey_id = \"{}\"\nopens = 2026-12-01\n\
         closes = 2027-11-30",
        secret(1).key_id()
    );
    policy_text(&ROSTER[..3], &rules)
}

fn partner(folder: &Path, number: u16) -> Partner {
    let own = folder.join(number.to_string());
    partner_folder(&own, number, &folder.join("policy.toml"), &[]);
    Partner::open(&own).unwrap()
}

/// Three to a house number.
fn home(number: usize) -> AddressKey {
    let text = format!("{}JS|{}|{}", 1000 + number / 300, 1 + number % 300 / 3, ["", "A", "B"][number % 3]);
    AddressKey::from_canonical(&text).unwrap()
}

fn homes(numbers: std::ops::Range<usize>) -> Vec<AddressKey> {
    numbers.map(home).collect()
}

/// All that is said, but for what is drawn: salts of the log, and nonces, which the heads of journals depend on.
#[derive(Default, PartialEq)]
struct Said {
    bodies: Vec<Vec<u8>>,
    replies: Vec<Reply>,
}

impl Said {
    fn carry(&mut self, broker: &Broker, partner: &mut Partner, messages: &[Vec<u8>], now: Timestamp) {
        for message in messages {
            let verified = Unverified::parse(message, Role::Partner).unwrap();
            let verified = verified.verify(&key(partner.number()).verifying_key()).unwrap();
            self.bodies.push(verified.request().unwrap().encode().unwrap());
            let reply = broker.handle(message, now);
            let _ = partner.read(&reply, now).unwrap();
            self.replies.push(match read(&reply) {
                Reply::Receipt(receipt) => Reply::Receipt(Receipt { log: LogEntry::NONE, ..receipt }),
                Reply::Answer(answer) => Reply::Answer(Answer { log: LogEntry::NONE, ..answer }),
                other => panic!("{other:?}"),
            });
        }
    }
}

/// Each of three partners flags that many of the first homes; then one of them changes some of its own, and asks.
fn said(flags: [usize; 3], changed: usize, threads: usize) -> Said {
    let folder = tempfile::tempdir().unwrap();
    write_policy(&folder.path().join("policy.toml"), &policy());
    secret(1).create(&folder.path().join("epoch-1.secret")).unwrap();
    let threads = Threads::new(threads).unwrap();
    let broker = broker(&signed(&policy())).with_threads(threads.clone());
    let by = Case::new("j.jansen", "2026-0117").unwrap();
    let mut said = Said::default();
    let mut partners = [1, 2, 3].map(|number| {
        let mut partner = partner(folder.path(), number).with_threads(threads.clone());
        partner.add_secret(&folder.path().join("epoch-1.secret")).unwrap();
        partner
    });
    for (partner, flags) in partners.iter_mut().zip(flags) {
        partner.flag(homes(0..flags), &by, START).unwrap();
        let messages = partner.deliver(START).unwrap();
        said.carry(&broker, partner, &messages, START);
    }
    let [asker, ..] = &mut partners;
    asker.withdraw(homes(0..changed), &by, START).unwrap();
    asker.flag(homes(flags[0]..flags[0] + changed), &by, START).unwrap();
    let messages = asker.confirm(START).unwrap();
    said.carry(&broker, asker, &messages, START);
    broker.release(NEXT).unwrap();
    let asked: Vec<AddressKey> =
        homes(0..flags[0] + changed).into_iter().rev().flat_map(|a| [a, a.number_key()]).collect();
    let messages = asker.ask(&asked, &by, NEXT).unwrap();
    said.carry(&broker, asker, &messages, NEXT);
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn threads_change_nothing(
        flags in prop::array::uniform3(1_000usize..4_000),
        changed in 0usize..1_000,
        threads in 2usize..6,
    ) {
        let (one, several) = (said(flags, changed, 1), said(flags, changed, threads));
        // What is withdrawn goes as a message of its own.
        prop_assert_eq!(one.bodies.len(), if changed > 0 { 6 } else { 5 });
        let stacked = |reply: &Reply| matches!(reply, Reply::Answer(answer) if answer.standings.iter().any(|s| *s > 1));
        prop_assert!(one.replies.iter().any(stacked));
        prop_assert!(one == several);
    }
}
