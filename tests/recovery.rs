//! What partners and the broker do when one of them lost what it had: through the public API, on real folders.

#![allow(missing_docs, reason = "a test")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{ROSTER, START};
use stapel::message::{Code, Number, Standing};
use stapel::partner::{Complaint, Next, Received};
use stapel::secret::{Scope, Secret, SecretFile};
use stapel::{AddressKey, Broker, Case, Partner, Timestamp};

const DAY: u64 = 86_400;

/// The systems of the roster that take part: of three organisations.
const PARTNERS: usize = 3;

struct Town {
    folder: tempfile::TempDir,
    broker: Option<Broker>,
    partners: Vec<Partner>,
}

impl Town {
    /// All flag `a` and `b`, which is released the next day; and each holds a checkpoint.
    fn settled() -> Town {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        common::write_policy(&policy, &policy_text(1, "example.nl/zaanstad"));
        let keys = common::stored_keys(&folder.path().join("keys"));
        let broker = Broker::create(&folder.path().join("store"), keys, &policy, START).unwrap();
        let partners = ROSTER[..PARTNERS].iter().map(|entry| {
            let own = folder.path().join(entry.number.to_string());
            fs::create_dir(&own).unwrap();
            write_private(&own.join("partner.key"), &[entry.number as u8; 32]);
            Partner::init(&own, entry.number).unwrap();
            Partner::join(&own, &policy).unwrap();
            secret().create(&own.join("epoch-1.secret")).unwrap();
            Partner::open(&own).unwrap()
        });
        let partners = partners.collect();
        let mut town = Town { folder, broker: Some(broker), partners };
        for at in 0..PARTNERS {
            town.partners[at].flag(&[a(), b()], &by(), START).unwrap();
            town.deliver(at, START);
        }
        assert_eq!(town.ask(0, day(1)), three());
        for at in 0..PARTNERS {
            assert_eq!(town.status(at, day(1)), None);
            assert!(town.partners[at].checkpoint().is_some());
        }
        town
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn send(&mut self, at: usize, messages: Vec<Vec<u8>>, now: Timestamp) -> Vec<Received> {
        let (broker, partner) = (self.broker.as_ref().unwrap(), &mut self.partners[at]);
        messages.iter().map(|message| partner.read(&broker.handle(message, now), now).unwrap()).collect()
    }

    /// Delivers what there is; the receipt's release.
    fn deliver(&mut self, at: usize, now: Timestamp) -> u64 {
        let messages = self.partners[at].deliver(now).unwrap();
        let received = self.send(at, messages, now);
        let [Received::Receipt(receipt)] = &received[..] else { panic!("{received:?}") };
        receipt.release
    }

    /// What the broker says to what there is to say, which is not what it takes.
    fn refused(&mut self, at: usize, messages: Vec<Vec<u8>>, now: Timestamp) -> (Code, u64) {
        let received = self.send(at, messages, now);
        let [Received::Rejection { rejection, next: Next::Again }] = &received[..] else { panic!("{received:?}") };
        (rejection.code, rejection.number)
    }

    /// The standings of `a` and `b`.
    fn ask(&mut self, at: usize, now: Timestamp) -> [Standing; 2] {
        let messages = self.partners[at].ask(&[a(), b()], &by(), now).unwrap();
        let received = self.send(at, messages, now);
        let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
        [answer.rows[0].1, answer.rows[1].1]
    }

    fn status(&mut self, at: usize, now: Timestamp) -> Option<Complaint> {
        let request = self.partners[at].status(now).unwrap();
        let mut received = self.send(at, vec![request], now);
        let Some(Received::Status { complaint, .. }) = received.pop() else { panic!("no status reply") };
        complaint
    }

    fn reopen(&mut self, at: usize) {
        let partner = self.partners.remove(at);
        drop(partner);
        let own = self.path(&(at + 1).to_string());
        self.partners.insert(at, Partner::open(&own).unwrap());
    }

    fn evidence(&self, at: usize) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(&(at + 1).to_string())).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> =
            paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("evidence-")).collect();
        paths.sort();
        paths
    }
}

fn policy_text(version: u32, origin: &str) -> String {
    let rules = format!(
        "version = {version}\nvalid_from = 2026-12-01\n[counting]\nthreshold = 2\n[budgets]\nswept_a_day = 100\n\
         sweep_reasons = [\"brand\"]\n[[epoch]]\nnumber = 1\nkey_id = \"{}\"\n\
         opens = 2026-12-01\ncloses = 2027-11-30",
        secret().key_id()
    );
    common::policy_text(&ROSTER, &rules).replace("example.nl/zaanstad", origin)
}

fn secret() -> SecretFile {
    let scope = Scope { purpose: "ondermijning-zaanstad".parse().unwrap(), epoch: 1 };
    SecretFile { scope, secret: Secret::from_bytes([1; 32]) }
}

fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn by() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}

fn a() -> AddressKey {
    AddressKey::from_canonical("1012JS|1|A").unwrap()
}

fn b() -> AddressKey {
    AddressKey::from_canonical("1012JS|7|").unwrap()
}

/// The first partner sees counts.
fn three() -> [Standing; 2] {
    [Standing::Stacked(Number::Count(3)); 2]
}

fn day(number: u64) -> Timestamp {
    Timestamp(START.0 + number * DAY)
}

#[test]
fn a_restored_broker_is_noticed_and_no_withdrawn_flag_comes_back() {
    let mut town = Town::settled();
    town.broker.as_ref().unwrap().backup(&town.path("copy"), day(1)).unwrap();
    // What the copy lacks: a withdrawal, and a checkpoint.
    town.partners[1].withdraw(&[a()], &by(), day(1)).unwrap();
    town.deliver(1, day(1));
    town.partners[2].flag(&[AddressKey::from_canonical("1012JS|9|").unwrap()], &by(), day(1)).unwrap();
    let before = town.deliver(2, day(1));
    assert_eq!(town.ask(0, day(3))[0], Standing::Stacked(Number::Count(2)), "the withdrawal was released");
    assert_eq!(town.status(0, day(3)), None);
    let held = town.partners[0].checkpoint().unwrap().to_vec();

    town.broker = None;
    let now = Timestamp(day(3).0 + 3_600);
    let keys = common::stored_keys(&town.path("keys"));
    town.broker = Some(Broker::restore(&town.path("copy"), &town.path("restored"), keys, now).unwrap());

    // The first learns it by a question, the second by a message of its own, the third by its status.
    assert!(town.partners[0].deliver(now).unwrap().is_empty(), "nothing to say, as far as it knows");
    let question = town.partners[0].ask(&[a()], &by(), now).unwrap();
    assert_eq!(town.refused(0, question, now).0, Code::Recovering);
    let confirm = town.partners[1].confirm(now).unwrap();
    assert_eq!(town.refused(1, confirm, now).0, Code::Recovering);
    town.status(2, now);
    for at in 0..PARTNERS {
        assert!(town.deliver(at, now) > before, "numbers of releases go on");
    }
    let answer = town.ask(0, day(4));
    assert_eq!(answer, [Standing::Stacked(Number::Count(2)), Standing::Stacked(Number::Count(3))]);

    // The log that it shows is not the one that the first saw; what else the reply says is taken over.
    let complaint = town.status(0, day(4)).expect("a complaint");
    assert_eq!(complaint.code, "log_inconsistent");
    assert!(complaint.text.contains("restored from a backup") && complaint.text.contains("other partners"));
    assert_eq!(complaint.kept, held);
    assert_eq!(town.partners[0].checkpoint(), Some(held.as_slice()), "the one held stays");
    assert_eq!(town.evidence(0).len(), 3);
    for (path, bytes) in complaint.evidence.iter().zip([&complaint.kept, &complaint.shown]) {
        assert_eq!(fs::read(path).unwrap(), *bytes);
    }
    assert_eq!(town.status(0, day(4)).as_ref(), Some(&complaint), "the same again, and no more files");
    assert_eq!(town.evidence(0).len(), 3);

    // The complaint outlives the process, and the state file.
    for lose_state in [false, true] {
        if lose_state {
            town.partners.remove(0);
            fs::remove_file(town.path("1/state.sealed")).unwrap();
            let partner = Partner::open(&town.path("1")).unwrap();
            town.partners.insert(0, partner);
        } else {
            town.reopen(0);
        }
        assert_eq!(town.partners[0].checkpoint(), Some(held.as_slice()));
    }

    // The consortium says that it is another log.
    let policy = town.path("policy.toml");
    let previous = format!("version = 2\nprevious = \"{}\"", town.partners[0].policy().digest());
    common::write_policy(&policy, &policy_text(2, "example.nl/zaanstad-2").replace("version = 2", &previous));
    town.broker.as_ref().unwrap().adopt_policy(&policy, day(4)).unwrap();
    for at in 0..PARTNERS {
        town.partners[at].adopt_policy(&policy).unwrap();
        assert_eq!(town.status(at, day(4)), None);
        let text = String::from_utf8(town.partners[at].checkpoint().unwrap().to_vec()).unwrap();
        assert!(text.starts_with("example.nl/zaanstad-2\n"));
    }
    assert_eq!(town.status(0, day(5)), None, "and it goes on");
    assert_ne!(town.partners[0].checkpoint(), Some(held.as_slice()));
}

#[test]
fn a_lost_broker_is_made_again_from_full_sets_alone() {
    let mut town = Town::settled();
    town.partners[1].withdraw(&[a()], &by(), day(1)).unwrap();
    let before = town.deliver(1, day(1));
    town.broker = None;
    fs::remove_dir_all(town.path("store")).unwrap();
    let now = Timestamp(day(1).0 + 3_600);
    let keys = common::stored_keys(&town.path("keys"));
    let policy = town.path("policy.toml");
    town.broker = Some(Broker::create(&town.path("store"), keys, &policy, now).unwrap());

    town.partners[0].flag(&[AddressKey::from_canonical("1012JS|9|").unwrap()], &by(), now).unwrap();
    let delta = town.partners[0].deliver(now).unwrap();
    assert_eq!(town.refused(0, delta, now), (Code::Gap, 0));
    let confirm = town.partners[1].confirm(now).unwrap();
    assert_eq!(town.refused(1, confirm, now), (Code::Gap, 0));
    assert_eq!(town.status(2, now).expect("a complaint").code, "log_inconsistent");
    for at in 0..PARTNERS {
        assert!(town.deliver(at, now) > before, "numbers of releases are higher");
        assert!(town.partners[at].deliver(now).unwrap().is_empty());
    }
    let answer = town.ask(0, day(2));
    assert_eq!(answer, [Standing::Stacked(Number::Count(2)), Standing::Stacked(Number::Count(3))]);
    for partner in &town.partners {
        partner.check_journal().unwrap();
    }
}

#[test]
fn a_partner_that_lost_its_folder_goes_on_after_its_status_and_a_full_set() {
    let mut town = Town::settled();
    town.partners.remove(0);
    let own = town.path("1");
    for file in ["journal.key", "journal.sealed", "state.sealed"] {
        fs::remove_file(own.join(file)).unwrap();
    }
    Partner::init(&own, 1).unwrap();
    let partner = Partner::open(&own).unwrap();
    town.partners.insert(0, partner);
    assert_eq!(town.partners[0].checkpoint(), None);
    town.partners[0].replace_all(&[a(), b()], false, &by(), day(1)).unwrap();
    assert_eq!(town.status(0, day(1)), None, "the first checkpoint that it sees needs no proof");
    // The broker knows that these flags are a day older than this folder does, and too old for their last day.
    let messages = town.partners[0].deliver(day(1)).unwrap();
    let received = town.send(0, messages, day(1));
    assert!(matches!(received[..], [Received::Rejection { next: Next::Renew, .. }]), "{received:?}");
    town.partners[0].renew(&[a(), b()], &by(), day(1)).unwrap();
    town.deliver(0, day(1));
    assert_eq!(town.ask(0, day(2)), three());
    assert_eq!(town.status(0, day(2)), None);
}
