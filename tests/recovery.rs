//! What partners and the broker do when one of them lost what it had: through the public API, on real folders.

use stapel_testkit as common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Client, Entry, ROSTER, START, key};
use sha2::Digest as _;
use stapel::audit::{Event, LogRow, SignedTree, UnverifiedCheckpoint};
use stapel::message::{
    Code, FullSet, Group, Part, Question, RenewalReason, Reply, Request, Role, Standing, StatusRequest, Told,
    Unverified,
};
use stapel::partner::{Complaint, Next, Received};
use stapel::secret::KeyId;
use stapel::{AddressKey, Broker, BrokerKeys, Case, Partner, Timestamp};

const DAY: u64 = 86_400;

/// The systems of the roster that take part: of three organisations. All that they flag shows on the next day.
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
            common::partner_folder(&own, entry.number, &policy, &[1]);
            Partner::open(&own).unwrap()
        });
        let partners = partners.collect();
        let mut town = Town { folder, broker: Some(broker), partners };
        for at in 0..PARTNERS {
            town.partners[at].flag([a(), b()], &by(), START).unwrap();
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
        let messages = self.partners[at].ask([a(), b()], &by(), now).unwrap();
        let received = self.send(at, messages, now);
        let [Received::Answer(answer)] = &received[..] else { panic!("{received:?}") };
        [answer.rows[0].1, answer.rows[1].1]
    }

    fn status(&mut self, at: usize, now: Timestamp) -> Option<Complaint> {
        let request = self.partners[at].status(now).unwrap();
        match self.send(at, vec![request], now).pop() {
            Some(Received::Status { complaint, .. }) => complaint,
            // A folder that was lost begins with number 1, and is told which is free.
            Some(Received::Rejection { next: Next::Again, .. }) => self.status(at, now),
            other => panic!("{other:?}"),
        }
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
        "version = {version}\nvalid_from = 2026-12-01\n[[override]]\nrule = \"names-somebody\"\nreason = \"a test\"\n\
         [[override]]\nrule = \"max-wait\"\nreason = \"a test\"\n[counting]\nthreshold = 2\ncount_cap = 3\n[release]\n\
         max_wait_days = 1\n[[epoch]]\n\
         number = 1\nkey_id = \"{}\"\nopens = 2026-12-01\ncloses = 2027-11-30",
        common::secret(1).key_id()
    );
    common::policy_text(&ROSTER[..PARTNERS], &rules).replace("example.nl/zaanstad", origin)
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
    [Standing::Stacked(Told::Count(3)); 2]
}

fn day(number: u64) -> Timestamp {
    Timestamp(START.0 + number * DAY)
}

#[test]
fn a_restored_broker_is_noticed_and_no_withdrawn_flag_comes_back() {
    let mut town = Town::settled();
    town.broker.as_ref().unwrap().backup(&town.path("copy"), day(1)).unwrap();
    // What the copy lacks: a withdrawal, and a checkpoint.
    town.partners[1].withdraw([a()], &by(), day(1)).unwrap();
    town.deliver(1, day(1));
    town.partners[2].flag([AddressKey::from_canonical("1012JS|9|").unwrap()], &by(), day(1)).unwrap();
    let before = town.deliver(2, day(1));
    assert_eq!(town.ask(0, day(3))[0], Standing::Stacked(Told::Count(2)), "the withdrawal was released");
    assert_eq!(town.status(0, day(3)), None);
    let held = town.partners[0].checkpoint().unwrap().to_vec();

    town.broker = None;
    let now = Timestamp(day(3).0 + 3_600);
    let keys = common::stored_keys(&town.path("keys"));
    town.broker = Some(Broker::restore(&town.path("copy"), &town.path("restored"), keys, now).unwrap());

    // The first learns it by a question, the second by a message of its own, the third by its status.
    assert!(town.partners[0].deliver(now).unwrap().is_empty(), "nothing to say, as far as it knows");
    let question = town.partners[0].ask([a()], &by(), now).unwrap();
    assert_eq!(town.refused(0, question, now).0, Code::Recovering);
    let confirm = town.partners[1].confirm(now).unwrap();
    assert_eq!(town.refused(1, confirm, now).0, Code::Recovering);
    town.status(2, now);
    for at in 0..PARTNERS {
        assert!(town.deliver(at, now) > before, "numbers of releases go on");
    }
    let answer = town.ask(0, day(4));
    assert_eq!(answer, [Standing::Stacked(Told::Count(2)), Standing::Stacked(Told::Count(3))]);

    // The log is one of its own, whose line on the restore names the last checkpoint of the one before. It is a notice
    // to the partners, and no cause for complaint.
    for lose_state in [false, true] {
        if lose_state {
            town.partners.remove(0);
            fs::remove_file(town.path("1/state.sealed")).unwrap();
            let partner = Partner::open(&town.path("1")).unwrap();
            town.partners.insert(0, partner);
        } else {
            town.reopen(0);
        }
        assert_eq!(town.partners[0].broker_restored(), Some(now));
    }
    for at in 0..PARTNERS {
        assert_eq!(town.status(at, day(4)), None);
        assert_eq!(town.partners[at].complaints().unwrap(), []);
        assert_eq!(town.partners[at].broker_restored(), Some(now));
        let text = String::from_utf8(town.partners[at].checkpoint().unwrap().to_vec()).unwrap();
        assert!(text.starts_with(&format!("example.nl/zaanstad/{}\n", now.0)), "{text}");
    }
    assert_eq!(town.status(0, day(5)), None, "and it goes on");
    let held = UnverifiedCheckpoint::parse(&held).unwrap().claimed_size();
    let (restores, forgotten) = town.restores();
    let named = |last: &Option<SignedTree>| last.as_ref().map(|last| (last.origin.clone(), last.size));
    assert_eq!(restores.iter().map(named).collect::<Vec<_>>(), [Some(("example.nl/zaanstad".to_owned(), held))]);
    // The receipts that the copy lacks are a notice to the operator, too.
    assert!(!forgotten.is_empty() && forgotten.iter().all(|announced| *announced), "{forgotten:?}");
    assert_eq!(town.broker.as_ref().unwrap().status().last_fault, None);
}

#[test]
fn a_lost_broker_is_made_again_from_full_sets_alone() {
    let mut town = Town::settled();
    town.partners[1].withdraw([a()], &by(), day(1)).unwrap();
    let before = town.deliver(1, day(1));
    town.broker = None;
    fs::remove_dir_all(town.path("store")).unwrap();
    let now = Timestamp(day(1).0 + 3_600);
    let keys = common::stored_keys(&town.path("keys"));
    let policy = town.path("policy.toml");
    town.broker = Some(Broker::create(&town.path("store"), keys, &policy, now).unwrap());

    town.partners[0].flag([AddressKey::from_canonical("1012JS|9|").unwrap()], &by(), now).unwrap();
    let delta = town.partners[0].deliver(now).unwrap();
    assert_eq!(town.refused(0, delta, now), (Code::Gap, 0));
    let confirm = town.partners[1].confirm(now).unwrap();
    assert_eq!(town.refused(1, confirm, now), (Code::Gap, 0));
    assert!(town.status(2, now).is_some());
    for at in 0..PARTNERS {
        assert!(town.deliver(at, now) > before, "numbers of releases are higher");
        assert!(town.partners[at].deliver(now).unwrap().is_empty());
    }
    let answer = town.ask(0, day(2));
    assert_eq!(answer, [Standing::Stacked(Told::Count(2)), Standing::Stacked(Told::Count(3))]);
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
    town.partners[0].replace_all([a(), b()], false, &by(), day(1)).unwrap();
    assert_eq!(town.status(0, day(1)), None, "the first checkpoint that it sees needs no proof");
    // The broker knows that these flags are a day older than this folder does, and too old for their last day.
    let messages = town.partners[0].deliver(day(1)).unwrap();
    let received = town.send(0, messages, day(1));
    assert!(matches!(received[..], [Received::Rejection { next: Next::Renew, .. }]), "{received:?}");
    town.partners[0].renew([a(), b()], RenewalReason::ObservedAgain, &by(), day(1)).unwrap();
    town.deliver(0, day(1));
    assert_eq!(town.ask(0, day(2)), three());
    assert_eq!(town.status(0, day(2)), None);
}

impl Town {
    /// Of the lines of the log on restores, which checkpoint each names; and of those on receipts that it lacks,
    /// whether a restore explains it.
    fn restores(&self) -> (Vec<Option<SignedTree>>, Vec<bool>) {
        let (mut restores, mut forgotten) = (Vec::new(), Vec::new());
        let rows = self.broker.as_ref().unwrap().log_rows(|_, row| {
            if let LogRow::Line(line) = row {
                match &line.event {
                    Event::Restore { last } => restores.push(last.clone()),
                    Event::Forgotten { announced, .. } => forgotten.push(*announced),
                    _ => {}
                }
            }
            Ok(())
        });
        rows.unwrap();
        (restores, forgotten)
    }

    /// Somebody takes the evidence away.
    fn take_evidence(&self, at: usize) {
        self.evidence(at).iter().for_each(|path| fs::remove_file(path).unwrap());
    }

    /// Puts the copy back in a folder of its own, with the keys that there are.
    fn restore(&mut self, copy: &str, to: &str, now: Timestamp) {
        self.broker = None;
        let keys = common::stored_keys(&self.path("keys"));
        self.broker = Some(Broker::restore(&self.path(copy), &self.path(to), keys, now).unwrap());
    }

    /// The consortium gives the log another name.
    fn rename_log(&mut self, version: u32, origin: &str, now: Timestamp) {
        let broker = self.broker.as_ref().unwrap();
        let previous = format!("version = {version}\nprevious = \"{}\"", broker.policy().digest());
        let text = policy_text(version, origin).replace(&format!("version = {version}"), &previous);
        common::write_policy(&self.path("policy.toml"), &text);
        broker.adopt_policy(&self.path("policy.toml"), now).unwrap();
    }

    /// The sizes of the checkpoints that the broker signed as `origin`.
    fn signed(&self, origin: &str) -> Vec<u64> {
        let checkpoints = self.broker.as_ref().unwrap().checkpoints().unwrap();
        let checkpoints = checkpoints.iter().map(|bytes| UnverifiedCheckpoint::parse(bytes).unwrap());
        checkpoints.filter(|it| it.claimed_origin() == origin).map(|it| it.claimed_size()).collect()
    }

    fn log_behind(&self) -> Option<String> {
        self.broker.as_ref().unwrap().status().log_behind
    }
}

#[test]
fn a_log_that_was_signed_further_is_not_signed_on_under_its_name() {
    const OLD: &str = "example.nl/zaanstad";
    let mut town = Town::settled();
    town.broker.as_ref().unwrap().backup(&town.path("copy"), day(1)).unwrap();
    town.broker.as_ref().unwrap().release(day(2)).unwrap();
    let before = town.signed(OLD);
    assert_eq!(before.len(), 3, "one a day");
    assert_eq!(town.log_behind(), None);

    town.restore("copy", "restored", day(2));
    assert_eq!(town.log_behind(), None, "it is signed under a name of its own");
    for at in 0..PARTNERS {
        let confirm = town.partners[at].confirm(day(3)).unwrap();
        assert_eq!(town.refused(at, confirm, day(3)).0, Code::Recovering);
        town.deliver(at, day(3));
    }
    assert_eq!(town.ask(0, day(4)), three());
    for number in 5..8 {
        town.broker.as_ref().unwrap().release(day(number)).unwrap();
    }
    let own = format!("{OLD}/{}", day(2).0);
    assert_eq!(town.signed(OLD), before[..2], "the copy's own, and nothing after it");
    assert_eq!(town.signed(&own).len(), 5);
    // Another opening knows no less, and another restore has another name, even at the same moment.
    town.broker = None;
    town.broker = Some(Broker::open(&town.path("restored"), common::stored_keys(&town.path("keys"))).unwrap());
    town.broker.as_ref().unwrap().release(day(8)).unwrap();
    assert_eq!(town.signed(&own).len(), 6);
    for (name, to) in [("second", "again"), ("third", "last")] {
        town.broker.as_ref().unwrap().backup(&town.path(name), day(8)).unwrap();
        town.restore(name, to, day(8));
    }
    town.broker.as_ref().unwrap().release(day(9)).unwrap();
    let names = [0, 1].map(|at| format!("{OLD}/{}", day(8).0 + at));
    assert_eq!((town.signed(&own).len(), names.map(|name| town.signed(&name).len())), (6, [0, 1]));

    // A policy may give it another name; what was signed under a name stays what it is.
    town.rename_log(2, "example.nl/2/zaanstad", day(11));
    assert_eq!(town.signed(&format!("example.nl/2/zaanstad/{}", day(8).0 + 1)).len(), 1);
    assert_eq!(town.signed(OLD), before[..2]);
}

/// The broker holds what an old copy of a partner's folder does not know of. Before that is withdrawn, a person looks.
#[test]
fn an_old_copy_of_a_folder_withdraws_nothing_that_it_never_knew_of() {
    let home = |number| AddressKey::from_canonical(&format!("1012JS|{number}|")).unwrap();
    for ask_status in [true, false] {
        let mut town = Town::settled();
        town.partners.remove(0);
        copy(&town.path("1"), &town.path("copy of 1"));
        town.partners.insert(0, Partner::open(&town.path("1")).unwrap());
        town.partners[0].flag([home(9)], &by(), day(1)).unwrap();
        town.deliver(0, day(1));
        town.partners.remove(0);
        fs::remove_dir_all(town.path("1")).unwrap();
        copy(&town.path("copy of 1"), &town.path("1"));
        town.partners.insert(0, Partner::open(&town.path("1")).unwrap());

        town.partners[0].flag([home(10)], &by(), day(1)).unwrap();
        assert_eq!(town.partners[0].deliver(day(1)).unwrap().len(), 1, "it is lost on its way");
        if ask_status {
            town.status(0, day(1));
        }
        let mut codes = Vec::new();
        loop {
            let messages = town.partners[0].deliver(day(1)).unwrap();
            match &town.send(0, messages, day(1))[..] {
                [Received::Rejection { rejection, next }] => {
                    codes.push(rejection.code);
                    if *next == Next::DeclareShrink {
                        // What the broker holds is flagged nowhere here, so a person looks: it was right.
                        town.partners[0].replace_all([a(), b(), home(9), home(10)], true, &by(), day(1)).unwrap();
                    }
                }
                received => break assert!(matches!(received, [Received::Receipt(_)]), "{received:?}"),
            }
        }
        assert_eq!(codes.pop(), Some(Code::Shrink));
        assert!([1, 2].contains(&codes.len()) && codes.iter().all(|code| [Code::Stale, Code::Gap].contains(code)));
        assert_eq!(town.status(0, day(1)), None);
    }
}

#[test]
fn one_copy_that_is_put_back_twice_gives_two_logs() {
    let mut town = Town::settled();
    town.broker.as_ref().unwrap().backup(&town.path("copy"), day(1)).unwrap();
    town.restore("copy", "first", day(2));
    town.status(0, day(2));
    // At the same second, and by a clock that is behind.
    for (to, now) in [("second", day(2)), ("third", Timestamp(day(2).0 - 30))] {
        let before = town.partners[0].broker_restored();
        town.restore("copy", to, now);
        town.status(0, day(2));
        assert!(town.partners[0].broker_restored() > before);
        assert_eq!(town.partners[0].complaints().unwrap(), []);
    }
    town.broker = None;
    let keys = common::stored_keys(&town.path("keys"));
    let before = Broker::restore(&town.path("copy"), &town.path("fourth"), keys, Timestamp(day(2).0 - 61));
    assert_eq!(before.unwrap_err().code(), "clock", "partners would take it for an alarm");
}

/// Where a newer policy is adopted at a restore, nothing is signed under the name of the log that was lost.
#[test]
fn a_copy_whose_policy_is_over_signs_nothing_as_the_lost_log() {
    const OLD: &str = "example.nl/zaanstad";
    let mut town = Town::settled();
    let last = day(364);
    town.broker.as_ref().unwrap().accept_clock(last).unwrap();
    for partner in &mut town.partners {
        partner.accept_clock(&by(), last).unwrap();
    }
    let before = town.signed(OLD);
    town.broker.as_ref().unwrap().backup(&town.path("copy"), last).unwrap();
    let confirm = town.partners[0].confirm(last).unwrap();
    town.send(0, confirm, last);
    let epoch = format!(
        "closes = 2027-11-30\n[[epoch]]\nnumber = 2\nkey_id = \"{}\"\nopens = 2027-11-01\ncloses = 2028-10-31",
        common::secret(2).key_id()
    );
    let previous = format!("version = 2\nprevious = \"{}\"", town.broker.as_ref().unwrap().policy().digest());
    let text = policy_text(1, OLD).replace("version = 1", &previous).replace("closes = 2027-11-30", &epoch);
    common::write_policy(&town.path("policy-2.toml"), &text);
    town.broker = None;
    let keys = common::stored_keys(&town.path("keys"));
    let newer = [town.path("policy-2.toml")];
    let now = day(368);
    let broker = Broker::restore_under(&town.path("copy"), &town.path("restored"), keys, &newer, now).unwrap();
    broker.release(now).unwrap();
    broker.release(day(369)).unwrap();
    assert_eq!(broker.policy().policy().version, 2);
    town.broker = Some(broker);
    assert_eq!(town.signed(OLD), before);
    assert!(!town.signed(&format!("{OLD}/{}", now.0)).is_empty());
    assert_eq!(town.restores().0.len(), 1);
}

#[test]
fn a_day_that_was_not_signed_before_a_crash_is_signed_in_doubt() {
    let mut town = Town::settled();
    town.broker.as_ref().unwrap().release(day(1)).unwrap();
    let confirm = town.partners[0].confirm(day(1)).unwrap();
    town.send(0, confirm.clone(), day(1));
    // The same bytes again: the turn of the day is in line for the disk when the receipt leaves, and then it is lost.
    let now = Timestamp(day(3).0 - day(3).0 % DAY);
    town.broker.as_ref().unwrap().handle(&confirm[0], now);
    town.broker = None;
    town.broker = Some(Broker::open(&town.path("store"), common::stored_keys(&town.path("keys"))).unwrap());
    // The broker's clock is in doubt, and its replies bear the day on which it acted last.
    assert_eq!(town.status(0, day(30)), None, "a false blame");
}

#[test]
fn a_copy_after_which_nothing_was_signed_is_signed_on() {
    let mut town = Town::settled();
    let broker = town.broker.as_ref().unwrap();
    broker.release(day(2)).unwrap();
    broker.backup(&town.path("copy"), day(2)).unwrap();
    let confirm = town.partners[1].confirm(day(2)).unwrap();
    town.send(1, confirm, day(2));
    let before = town.signed("example.nl/zaanstad");
    town.restore("copy", "restored", day(2));
    town.broker.as_ref().unwrap().release(day(3)).unwrap();
    assert_eq!(town.signed("example.nl/zaanstad")[..2], before[..2]);
    for at in 0..PARTNERS {
        assert_eq!(town.status(at, day(3)), None, "the line on the confirm is lost, and that is said");
    }
}

#[test]
fn a_store_put_back_where_nothing_says_what_was_signed_names_the_copys_last_checkpoint() {
    let mut town = Town::settled();
    town.broker.as_ref().unwrap().backup(&town.path("copy"), day(1)).unwrap();
    let signed = town.signed("example.nl/zaanstad");
    town.broker = None;
    fs::remove_file(town.path("keys/signed.logs")).unwrap();
    town.restore("copy", "restored", day(1));
    assert_eq!(town.log_behind(), None);
    let last = town.restores().0.remove(0).unwrap();
    assert_eq!((last.origin.as_str(), Some(&last.size)), ("example.nl/zaanstad", signed.last()));
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.as_ref().unwrap().file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn a_snapshot_put_back_is_an_alarm_on_both_sides_and_nobody_can_forge_one() {
    let mut town = Town::settled();
    let open = |town: &Town, name: &str| {
        Some(Broker::open(&town.path(name), common::stored_keys(&town.path("keys"))).unwrap())
    };
    town.broker = None;
    copy(&town.path("store"), &town.path("snapshot"));
    town.broker = open(&town, "store");
    town.partners[1].flag([AddressKey::from_canonical("1012JS|9|").unwrap()], &by(), day(1)).unwrap();
    town.deliver(1, day(1));
    assert_eq!(town.status(1, day(1)), None);

    town.broker = None;
    town.broker = open(&town, "snapshot");
    let now = Timestamp(day(1).0 + 60);
    // One that lost nothing sees nothing.
    assert_eq!(town.status(2, now), None);
    assert_eq!(town.broker.as_ref().unwrap().status().last_fault, None);
    // What proves nothing is no alarm: other bytes, and the receipt of another partner.
    let shown = town.partners[1].status(now).unwrap();
    let shown = Unverified::parse(&shown, Role::Partner).unwrap().verify(&key(2).verifying_key()).unwrap();
    let Request::Status(StatusRequest { receipt, .. }) = shown.request().unwrap() else { panic!("no status request") };
    let mut forger = Client::new(3, &town.broker.as_ref().unwrap().policy());
    for receipt in [vec![1; 300], receipt.clone()] {
        let request = Request::Status(StatusRequest { receipt, ..StatusRequest::default() });
        forger.say(town.broker.as_ref().unwrap(), &request, now);
    }
    assert_eq!(town.restores().1, [false; 0]);

    // What cannot be kept is not answered, however often it is said. A folder in its place stops even a superuser.
    let digest = sha2::Sha256::digest(&receipt).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let blocked = town.path("snapshot").join(format!("evidence-{}.new", &digest[..16]));
    fs::create_dir(&blocked).unwrap();
    for _ in 0..2 {
        let message = town.partners[1].status(now).unwrap();
        let reply = town.broker.as_ref().unwrap().handle(&message, now);
        assert!(matches!(
            town.partners[1].read(&reply, now).unwrap(),
            Received::Rejection { rejection, .. } if rejection.code == Code::Unavailable
        ));
    }
    assert_eq!(town.restores().1, [false; 0]);
    fs::remove_dir(&blocked).unwrap();

    for reopened in [false, false, true] {
        if reopened {
            town.broker = None;
            town.broker = open(&town, "snapshot");
        }
        let complaint = town.status(1, now).expect("a complaint");
        assert_eq!(complaint.code, "unannounced_restore", "{}", complaint.text);
        let fault = town.broker.as_ref().unwrap().status().last_fault.expect("a fault");
        assert!(fault.contains("partner 2") && fault.contains("older store"), "{fault}");
        assert_eq!(town.restores().1, [false], "one line for each receipt");
    }
    let names = fs::read_dir(town.path("snapshot")).unwrap().map(|entry| entry.unwrap().file_name());
    let evidence = names.filter(|name| name.to_string_lossy().starts_with("evidence-")).count();
    assert_eq!(evidence, 1, "the receipt");
    let standing = town.broker.as_ref().unwrap().status().faults;
    assert_eq!((standing.len(), standing[0].code.as_str()), (1, "forgotten"), "until it is taken away");
    // The numbers were taken over all the same, and the flags come again.
    town.deliver(1, now);
    assert_eq!(town.broker.as_ref().unwrap().status().epochs[0].partners[1].held, 3);
}

#[test]
fn a_broker_that_was_made_anew_signs_no_second_log_under_one_name() {
    let mut town = Town::settled();
    town.broker = None;
    fs::remove_dir_all(town.path("store")).unwrap();
    let keys = common::stored_keys(&town.path("keys"));
    town.broker = Some(Broker::create(&town.path("store"), keys, &town.path("policy.toml"), day(1)).unwrap());
    assert!(town.log_behind().is_some());
    assert!(town.signed("example.nl/zaanstad").is_empty());
    for at in 0..PARTNERS {
        assert!(town.status(at, day(1)).is_some());
        town.deliver(at, day(1));
    }
    assert_eq!(town.ask(0, day(2)), three());
    town.rename_log(2, "example.nl/2/zaanstad", day(2));
    let policy = town.path("policy.toml");
    for at in 0..PARTNERS {
        town.partners[at].adopt_policy(&policy, day(4)).unwrap();
        town.take_evidence(at);
        assert_eq!(town.status(at, day(2)), None);
    }
}

#[cfg(unix)]
#[test]
fn where_nothing_can_be_noted_nothing_is_signed_and_partners_are_answered() {
    use std::os::unix::fs::PermissionsExt;
    let mut town = Town::settled();
    let keys = town.path("keys");
    // A folder in its place stops even a superuser.
    fs::create_dir(keys.join("signed.new")).unwrap();
    let before = town.signed("example.nl/zaanstad");
    assert_eq!(town.ask(0, day(2)), three());
    assert_eq!(town.signed("example.nl/zaanstad"), before);
    assert!(town.broker.as_ref().unwrap().status().last_fault.unwrap().contains("signed.new"));
    let standing = |town: &Town| town.broker.as_ref().unwrap().status().faults;
    assert_eq!((standing(&town)[0].code.as_str(), standing(&town)[0].since), ("io", Some(day(2))));
    fs::remove_dir(keys.join("signed.new")).unwrap();
    assert_eq!(town.ask(0, day(2)), three());
    assert_eq!(town.signed("example.nl/zaanstad").len(), before.len() + 1, "as soon as it can");
    assert_eq!(standing(&town), []);
    let mode = fs::metadata(keys.join("signed.logs")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_policy_with_another_checkpoint_key_is_adopted_by_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    common::write_policy(&policy, &policy_text(1, "example.nl/zaanstad"));
    let (store, keys) = (folder.path().join("store"), folder.path().join("keys"));
    let broker = Broker::create(&store, common::stored_keys(&keys), &policy, START).unwrap();
    let old = (broker.policy().digest(), broker.policy().policy().operator.checkpoint_key);
    drop(broker);
    let lost = stapel::secret::SigningKey::from_seed(&[0xc1; 32]).unwrap();
    common::write_private(&keys.join("checkpoint.key"), &[0xc1; 32]);
    // Days later nothing is signed and all else goes on.
    let broker = Broker::open(&store, BrokerKeys::open(&keys).unwrap()).unwrap();
    broker.release(day(2)).unwrap();
    assert!(broker.status().last_fault.unwrap().contains("has other keys"));
    assert_eq!(broker.checkpoints().unwrap().len(), 1);
    let text =
        policy_text(2, "example.nl/zaanstad").replace("version = 2", &format!("version = 2\nprevious = \"{}\"", old.0));
    common::write_policy(&policy, &text.replace(&old.1.to_string(), &lost.verifying_key().to_string()));
    broker.adopt_policy(&policy, day(2)).unwrap();
    assert_eq!(broker.status().last_fault, None);
    assert_eq!(broker.checkpoints().unwrap().len(), 2);
}

/// A policy with an epoch that closes at the end of the year, and one that goes on; as of version 2 the first is
/// longer.
fn two_epochs(version: &str, closes: &str) -> String {
    let rules = format!(
        "{version}\nvalid_from = 2026-12-01\n[[override]]\nrule = \"epoch-length\"\nreason = \"a test\"\n\
         [[epoch]]\nnumber = 1\nkey_id = \"11111111111111111111111111111111\"\n\
         opens = 2026-12-01\ncloses = {closes}\n[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\n\
         opens = 2026-12-01\ncloses = 2027-11-30"
    );
    common::policy_text(&ROSTER[..PARTNERS], &rules)
}

fn full_set(client: &mut Client, broker: &Broker, now: Timestamp) -> &'static str {
    let pseudonyms = [common::pseudonym(1), common::pseudonym(2)];
    let flagged = vec![Group { terms: common::until(common::day("2027-03-31")), pseudonyms: &pseudonyms }];
    let part = Part { number: 1, of: 1 };
    common::code(&client.say(broker, &Request::FullSet(FullSet { shrink: true, part, flagged }), now))
}

struct Closed {
    folder: tempfile::TempDir,
    clients: Vec<Client>,
}

impl Closed {
    fn keys(&self) -> BrokerKeys {
        common::stored_keys(&self.folder.path().join("keys"))
    }

    /// A broker with a copy of before epoch 1 closed, and that it closed.
    fn begin() -> (Closed, Broker) {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        common::write_policy(&policy, &two_epochs("version = 1", "2026-12-31"));
        let keys = common::stored_keys(&folder.path().join("keys"));
        let broker = Broker::create(&folder.path().join("broker"), keys, &policy, START).unwrap();
        let clients = [1, 2].map(|epoch| {
            let client = Client::new(1, &broker.policy());
            Client { epoch, key_id: KeyId([epoch as u8 * 0x11; 16]), ..client }
        });
        let mut closed = Closed { folder, clients: clients.into() };
        assert_eq!(full_set(&mut closed.clients[0], &broker, START), "ok");
        broker.backup(&closed.folder.path().join("copy"), START).unwrap();
        broker.accept_clock(day(31)).unwrap();
        assert_eq!(broker.status().epochs.len(), 1, "epoch 1 closed");
        (closed, broker)
    }
}

fn kinds(broker: &Broker) -> Vec<String> {
    let mut kinds = Vec::new();
    broker
        .log_rows(|index, row| {
            let row = row.to_json(index);
            kinds.extend(row.split("kind\\\":\\\"").nth(1).and_then(|rest| rest.split('\\').next()).map(str::to_owned));
            Ok(())
        })
        .unwrap();
    kinds
}

#[test]
fn what_a_copy_has_of_an_epoch_that_closed_since_is_dropped() {
    let (mut closed, broker) = Closed::begin();
    drop(broker);
    let (copy, restored) = (closed.folder.path().join("copy"), closed.folder.path().join("restored"));
    // Restored; and its files put in a store's place by hand.
    let broker = Broker::restore_under(&copy, &restored, closed.keys(), &[], day(31)).unwrap();
    assert_eq!(broker.status().epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [2]);
    assert!(broker.status().last_fault.unwrap().contains("epoch 1"));
    assert_eq!(kinds(&broker)[kinds(&broker).len() - 3..], ["restore", "clock_accepted", "epoch_closed"]);
    assert_eq!(full_set(&mut closed.clients[0], &broker, day(31)), "wrong_epoch");
    // One series over all epochs.
    (closed.clients[1].highest_state, closed.clients[1].accepted) = (closed.clients[0].highest_state, 0);
    assert_eq!(full_set(&mut closed.clients[1], &broker, day(31)), "ok");
    drop(broker);
    let broker = Broker::open(&restored, closed.keys()).unwrap();
    assert_eq!(broker.status().last_fault, None, "it is gone from the files");
    drop(broker);
    assert_eq!(Broker::open(&copy, closed.keys()).unwrap_err().code(), "store", "a backup is no broker");
    // A broker with such a folder beside its store is one, and what is nothing is no backup.
    fs::create_dir(restored.join("backup")).unwrap();
    drop(Broker::open(&restored, closed.keys()).unwrap());
    let nothing = closed.folder.path().join("nothing");
    fs::create_dir(&nothing).unwrap();
    let error = Broker::open(&nothing, closed.keys()).unwrap_err();
    assert!(!error.to_string().contains("it is a backup"), "{error}");
    fs::rename(copy.join("backup"), copy.join("store")).unwrap();
    let broker = Broker::open(&copy, closed.keys()).unwrap();
    assert!(broker.status().last_fault.unwrap().contains("cannot be opened any more"));
    broker.accept_clock(day(31)).unwrap();
    assert_eq!(broker.status().epochs.len(), 1);
    // Its clock may say what it will: what was destroyed is closed.
    drop(broker);
    let policy = closed.folder.path().join("policy.toml");
    let broker = Broker::create(&closed.folder.path().join("anew"), closed.keys(), &policy, START).unwrap();
    assert_eq!(broker.status().epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [2]);
    closed.clients[0].highest_state = 0;
    assert_eq!(full_set(&mut closed.clients[0], &broker, START), "wrong_epoch");
}

/// After a restore partners may deliver in the older epoch alone. What it said less than the newer one did before would
/// be what those flag that joined with that.
#[test]
fn an_older_epoch_answers_no_more_after_a_newer_one_did() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    common::write_policy(&at("policy.toml"), &two_epochs("version = 1", "2027-11-30"));
    let keys = || common::stored_keys(&at("keys"));
    let broker = Broker::create(&at("broker"), keys(), &at("policy.toml"), START).unwrap();
    let mut clients = [1, 2, 3].map(|number| Client::new(number, &broker.policy()));
    let go_to = |client: &mut Client, epoch: u32| {
        (client.epoch, client.key_id) = (epoch, KeyId([epoch as u8 * 0x11; 16]));
    };
    let deliver = |clients: &mut [Client], broker: &Broker, epoch: u32, now: Timestamp| {
        for client in clients {
            go_to(client, epoch);
            assert_eq!(full_set(client, broker, now), "ok");
        }
    };
    let ask = |client: &mut Client, broker: &Broker, epoch: u32, now: Timestamp| {
        go_to(client, epoch);
        let asked = [common::pseudonym(1)];
        common::code(&client.say(broker, &Request::Question(Question { sweep: None, pseudonyms: &asked }), now))
    };
    deliver(&mut clients, &broker, 1, START);
    deliver(&mut clients, &broker, 2, START);
    broker.release(day(1)).unwrap();
    assert_eq!([1, 2].map(|epoch| ask(&mut clients[0], &broker, epoch, day(1))), ["other_epoch", "ok"]);
    broker.backup(&at("copy"), day(1)).unwrap();
    drop(broker);
    let now = day(1).plus(60);
    let broker = Broker::restore(&at("copy"), &at("restored"), keys(), now).unwrap();
    clients.iter_mut().for_each(|client| client.accepted = 0);
    deliver(&mut clients, &broker, 1, now.plus(60));
    broker.release(day(2)).unwrap();
    assert_eq!(ask(&mut clients[0], &broker, 1, day(2)), "not_yet_answering");
    deliver(&mut clients, &broker, 2, day(2));
    broker.release(day(3)).unwrap();
    assert_eq!([1, 2].map(|epoch| ask(&mut clients[0], &broker, epoch, day(3))), ["other_epoch", "ok"]);
}

/// The copy is of before the newer epoch opened, and the broker comes to that the day after the restore.
#[test]
fn an_older_epoch_answers_no_more_after_one_that_the_copy_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let epochs =
        two_epochs("version = 1", "2027-11-30").replace("2222\"\nopens = 2026-12-01", "2222\"\nopens = 2026-12-03");
    common::write_policy(&at("policy.toml"), &epochs);
    let keys = || common::stored_keys(&at("keys"));
    let broker = Broker::create(&at("broker"), keys(), &at("policy.toml"), START).unwrap();
    let mut clients = [1, 2, 3].map(|number| Client::new(number, &broker.policy()));
    broker.backup(&at("copy"), START).unwrap();
    (1..=3).for_each(|days| drop(broker.release(day(days)).unwrap()));
    assert_eq!(broker.status().epochs.len(), 2);
    drop(broker);
    let broker = Broker::restore(&at("copy"), &at("restored"), keys(), day(3)).unwrap();
    assert_eq!(broker.status().epochs.len(), 1);
    for client in &mut clients {
        assert_eq!(full_set(client, &broker, day(4)), "ok");
    }
    broker.release(day(5)).unwrap();
    let asked = [common::pseudonym(1)];
    let question = Request::Question(Question { sweep: None, pseudonyms: &asked });
    assert_eq!(common::code(&clients[0].say(&broker, &question, day(5))), "not_yet_answering");
    for client in &mut clients {
        (client.epoch, client.key_id) = (2, KeyId([0x22; 16]));
        assert_eq!(full_set(client, &broker, day(5)), "ok");
    }
    broker.release(day(6)).unwrap();
    assert_eq!(common::code(&clients[0].say(&broker, &question, day(6))), "ok");
}

#[test]
fn a_key_that_is_missing_is_said_and_nothing_is_drawn_in_its_place() {
    let (closed, broker) = Closed::begin();
    drop(broker);
    let store = closed.folder.path().join("broker");
    for name in ["epoch-2.pepper", "epoch-2.blobs"] {
        let path = closed.folder.path().join("keys").join(name);
        let key = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let error = Broker::open(&store, closed.keys()).unwrap_err();
        assert_eq!(error.code(), "broker_keys");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("epoch 2") && text.contains("back as it was"), "{text}");
        assert!(!path.exists());
        common::write_private(&path, &key);
        drop(Broker::open(&store, closed.keys()).unwrap());
    }
    let error = Broker::open(&store, common::broker_keys()).unwrap_err();
    assert_eq!(error.code(), "broker_keys", "keys in memory were others");
}

#[test]
fn a_policy_that_opens_a_closed_epoch_again_is_adopted_and_that_stays_closed() {
    let (mut closed, broker) = Closed::begin();
    let policy = closed.folder.path().join("policy.toml");
    // On its face valid before the epoch closed, but adopted after.
    let version = format!("version = 2\nprevious = \"{}\"", broker.policy().digest());
    common::write_policy(&policy, &two_epochs(&version, "2027-06-30"));
    let differences = broker.adopt_policy(&policy, day(31)).unwrap();
    assert!(differences.iter().any(|line| line.starts_with("Epoch 1 stays closed here")), "{differences:?}");
    assert_eq!(broker.status().epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [2]);
    closed.clients[0].policy = broker.policy().digest();
    assert_eq!(full_set(&mut closed.clients[0], &broker, day(31)), "wrong_epoch");
}

/// A broker in a folder, spoken to through messages alone; 6 asks and sweeps, and cannot flag.
struct Restored {
    folder: tempfile::TempDir,
    broker: Broker,
    policy: stapel::SignedPolicy,
}

impl Restored {
    fn new() -> Restored {
        Restored::under(common::RULES)
    }

    fn under(rules: &str) -> Restored {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        let asker = Entry { number: 6, organisation: "omgevingsdienst", may: r#""ask", "sweep""#, sees: "presence" };
        common::write_policy(&policy, &common::policy_text(&[&ROSTER[..], &[asker]].concat(), rules));
        let keys = common::stored_keys(&folder.path().join("keys"));
        let broker = Broker::create(&folder.path().join("broker"), keys, &policy, START).unwrap();
        let policy = broker.policy();
        Restored { folder, broker, policy }
    }

    fn back_up(&self, now: Timestamp) {
        self.broker.backup(&self.folder.path().join("copy"), now).unwrap();
    }

    fn restore(self, now: Timestamp) -> Restored {
        let Restored { folder, broker, policy } = self;
        drop(broker);
        fs::remove_dir_all(folder.path().join("broker")).unwrap();
        let keys = common::stored_keys(&folder.path().join("keys"));
        let (from, to) = (folder.path().join("copy"), folder.path().join("broker"));
        let broker = Broker::restore(&from, &to, keys, now).unwrap();
        Restored { folder, broker, policy }
    }
}

/// The message of a part of a full set that flags these.
fn set(client: &mut Client, flags: &[u8], part: (u16, u16), now: Timestamp) -> Vec<u8> {
    let pseudonyms: Vec<_> = flags.iter().map(|number| common::pseudonym(*number)).collect();
    let flagged = vec![Group { terms: common::until(common::day("2027-03-31")), pseudonyms: &pseudonyms }];
    let part = Part { number: part.0, of: part.1 };
    client.message(&Request::FullSet(FullSet { shrink: true, part, flagged }), now)
}

#[test]
fn after_a_restore_who_can_flag_must_send_a_full_set_and_nobody_is_answered_before_all_have() {
    let town = Restored::new();
    let sweep =
        Request::Question(Question { sweep: Some("brand".parse().unwrap()), pseudonyms: &[common::pseudonym(1)] });
    let mut asker = Client::new(6, &town.policy);
    assert_eq!(common::code(&asker.say(&town.broker, &sweep, START)), "not_yet_answering");
    town.back_up(START);
    // The copy does not know this one, and what it flagged since is lost.
    let mut client = Client::new(1, &town.policy);
    let message = set(&mut client, &[1, 2], (1, 1), START);
    assert_eq!(common::code(&client.send(&town.broker, &message, START)), "ok");
    let town = town.restore(Timestamp(START.0 + 60));
    let now = Timestamp(START.0 + 120);
    assert_eq!(common::code(&asker.say(&town.broker, &sweep, now)), "not_yet_answering");
    let own = Request::Question(Question { sweep: None, pseudonyms: &[common::pseudonym(1)] });
    assert_eq!(common::code(&client.say(&town.broker, &own, now)), "recovering");
    let message = set(&mut client, &[1, 2], (1, 1), now);
    assert_eq!(common::code(&client.send(&town.broker, &message, now)), "gap", "it follows one of before");
    client.accepted = 0;
    let message = set(&mut client, &[1, 2], (1, 1), now);
    assert_eq!(common::code(&client.send(&town.broker, &message, now)), "ok");
    assert_eq!(common::code(&client.say(&town.broker, &own, now)), "not_yet_answering");
}

#[test]
fn a_full_set_of_before_the_restore_does_not_bring_back_what_was_withdrawn() {
    let town = Restored::new();
    town.back_up(START);
    let mut client = Client::new(1, &town.policy);
    let old = set(&mut client, &[1, 2, 3], (1, 1), START);
    assert_eq!(common::code(&client.send(&town.broker, &old, START)), "ok");
    let fewer = set(&mut client, &[1], (1, 1), Timestamp(START.0 + 10));
    assert_eq!(common::code(&client.send(&town.broker, &fewer, Timestamp(START.0 + 10))), "ok");
    let town = town.restore(Timestamp(START.0 + 60));
    // Somebody on the way kept it.
    let now = Timestamp(START.0 + 120);
    assert_eq!(common::code(&common::read(&town.broker.handle(&old, now))), "recovering");
    client.accepted = 0;
    let anew = set(&mut client, &[1], (1, 1), now);
    assert_eq!(common::code(&client.send(&town.broker, &anew, now)), "ok");
}

#[test]
fn what_was_replied_before_the_restore_is_not_said_again() {
    let town = Restored::new();
    let mut client = Client::new(1, &town.policy);
    let full_set = set(&mut client, &[1], (1, 1), START);
    let status = client.message(&Request::Status(StatusRequest::default()), START);
    for message in [&full_set, &status, &full_set, &status] {
        assert_eq!(common::code(&client.send(&town.broker, message, START)), "ok");
    }
    town.back_up(START);
    let now = START.plus(60);
    let town = town.restore(now);
    for message in [&full_set, &status] {
        assert_eq!(common::code(&client.send(&town.broker, message, now)), "stale", "the receipt holds no longer");
    }
}

#[test]
fn a_question_of_before_the_restore_is_neither_answered_nor_charged_again() {
    let town = Restored::new();
    let mut clients: Vec<_> = ROSTER.iter().map(|entry| Client::new(entry.number, &town.policy)).collect();
    let deliver = |clients: &mut [Client], town: &Restored, now: Timestamp| {
        for client in clients {
            let message = set(client, &[1, 2], (1, 1), now);
            assert_eq!(common::code(&client.send(&town.broker, &message, now)), "ok");
        }
    };
    deliver(&mut clients, &town, START);
    town.back_up(START);
    let client = &mut clients[0];
    let question = client.question(&[common::pseudonym(7), common::pseudonym(8)], day(1));
    assert_eq!(common::code(&client.send(&town.broker, &question, day(1))), "ok");
    let town = town.restore(day(1).plus(60));
    clients.iter_mut().for_each(|client| client.accepted = 0);
    deliver(&mut clients, &town, day(1).plus(120));
    // Somebody on the way kept it.
    let now = day(2);
    town.broker.release(now).unwrap();
    assert_eq!(common::code(&common::read(&town.broker.handle(&question, now))), "recovering");
    let client = &mut clients[0];
    let request = client.message(&Request::Status(StatusRequest::default()), now);
    let Reply::Status(status) = client.send(&town.broker, &request, now) else { panic!("no status reply") };
    assert_eq!(status.asked_left_today, 10_000);
    let question = client.question(&[common::pseudonym(7), common::pseudonym(8)], now);
    assert_eq!(common::code(&client.send(&town.broker, &question, now)), "ok");
}

#[test]
fn a_restore_is_no_way_round_the_budgets_and_nobody_is_stuck_after_it() {
    let budgets = "[budgets]\nnew_flags_a_day = 3\nfirst_set_flags = 2";
    let town = Restored::under(&common::RULES.replace("[budgets]", budgets));
    // Both are of the municipality.
    let mut clients = [4, 5].map(|number| Client::new(number, &town.policy));
    let said = |town: &Restored, client: &mut Client, flags: &[u8], now| {
        let message = set(client, flags, (1, 1), now);
        match client.send(&town.broker, &message, now) {
            Reply::Rejection(rejection) => (rejection.code.as_str(), rejection.number),
            _ => ("ok", 0),
        }
    };
    assert_eq!(said(&town, &mut clients[0], &[1, 2, 3, 4], START), ("ok", 0));
    assert_eq!(said(&town, &mut clients[1], &[1], START), ("ok", 0));
    town.back_up(START);
    assert_eq!(said(&town, &mut clients[0], &[1, 2, 3, 4, 5, 6], day(1)), ("ok", 0));
    let now = day(2);
    assert_eq!(said(&town, &mut clients[0], &[1, 2, 3, 4, 5, 6, 7], now), ("ok", 0));
    let town = town.restore(now.plus(60));
    clients.iter_mut().for_each(|client| client.accepted = 0);
    // The copy has five. In the two days since, six could be flagged, and today three.
    let now = now.plus(120);
    let many: Vec<u8> = (1..=15).collect();
    assert_eq!(said(&town, &mut clients[1], &many, now), ("over_budget", 14));
    assert_eq!(said(&town, &mut clients[0], &many[..7], now), ("ok", 0), "all that it had flagged");
    assert_eq!(said(&town, &mut clients[1], &many[..8], now), ("over_budget", 7));
    assert_eq!(said(&town, &mut clients[1], &many[..7], now), ("ok", 0));
    assert_eq!(said(&town, &mut clients[1], &many[..8], now), ("over_budget", 7));
    assert_eq!(said(&town, &mut clients[1], &many[..8], day(3)), ("ok", 0));
}

#[test]
fn a_full_set_that_comes_after_midnight_is_taken_after_a_restore() {
    let town = Restored::new();
    town.back_up(START);
    let town = town.restore(Timestamp(START.0 + 60));
    let mut client = Client::new(1, &town.policy);
    let (evening, night) = (Timestamp(START.0 + 6 * 3_600), Timestamp(START.0 + 14 * 3_600));
    let first = set(&mut client, &[1], (1, 2), evening);
    assert_eq!(common::code(&client.send(&town.broker, &first, evening)), "ok");
    let second = set(&mut client, &[2], (2, 2), evening);
    assert_eq!(common::code(&client.send(&town.broker, &second, night)), "ok");
    let mut other = Client::new(2, &town.policy);
    let message = set(&mut other, &[1], (1, 1), evening);
    assert_eq!(common::code(&other.send(&town.broker, &message, night)), "ok");
}

/// A policy was adopted after the copy, with another epoch, and a partner more.
#[test]
fn what_a_copy_does_not_know_of_is_waited_for_too() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    let text = |partners: usize, rules: &str| common::policy_text(&ROSTER[..partners], rules);
    common::write_policy(&policy, &text(3, common::RULES));
    let keys = || common::stored_keys(&folder.path().join("keys"));
    let place = folder.path().join("broker");
    let broker = Broker::create(&place, keys(), &policy, START).unwrap();
    broker.backup(&folder.path().join("copy"), START).unwrap();
    let second = "[[epoch]]\nnumber = 2\nkey_id = \"22222222222222222222222222222222\"\n\
                  opens = 2026-12-02\ncloses = 2027-11-30\n";
    let version = format!("version = 2\nprevious = \"{}\"", broker.policy().digest());
    let rules = common::RULES.replace("version = 1", &version) + second;
    let slug = "slug = \"gemeente\"\n";
    common::write_policy(&policy, &text(4, &rules).replace(slug, &format!("{slug}first_epoch = 2\n")));
    broker.adopt_policy(&policy, day(1)).unwrap();
    let newer = broker.policy();
    let mut clients = [(1, 2), (4, 2)].map(|(number, epoch)| {
        let client = Client::new(number, &newer);
        Client { epoch, key_id: KeyId([epoch as u8 * 0x11; 16]), ..client }
    });
    let old = clients.each_mut().map(|client| {
        let message = set(client, &[1, 2], (1, 1), day(1));
        assert_eq!(common::code(&client.send(&broker, &message, day(1))), "ok");
        message
    });
    drop(broker);
    fs::remove_dir_all(&place).unwrap();
    // By then the fourth would join too late, had it not joined before.
    let broker = Broker::restore(&folder.path().join("copy"), &place, keys(), day(1).plus(13 * 3_600)).unwrap();
    let now = day(1).plus(13 * 3_600 + 120);
    broker.adopt_policy(&policy, now).unwrap();
    for (client, old) in clients.iter_mut().zip(&old) {
        let own = Request::Question(Question { sweep: None, pseudonyms: &[common::pseudonym(1)] });
        assert_eq!(common::code(&client.say(&broker, &own, now)), "recovering");
        assert_eq!(common::code(&common::read(&broker.handle(old, now))), "recovering");
        client.accepted = 0;
        let message = set(client, &[1], (1, 1), now);
        assert_eq!(common::code(&client.send(&broker, &message, now)), "ok");
        assert_eq!(common::code(&client.say(&broker, &own, now)), "not_yet_answering");
    }
}

/// As the command does, which is a process each time.
#[test]
fn what_one_process_lets_go_of_or_counts_another_purges_and_has_logged() {
    let town = Restored::new();
    let mut clients = [1, 2].map(|number| Client::new(number, &town.policy));
    for client in &mut clients {
        let message = set(client, &[1, 2, 3], (1, 1), START);
        assert_eq!(common::code(&client.send(&town.broker, &message, START)), "ok");
    }
    let Restored { folder, broker, .. } = town;
    drop(broker);
    let open = || {
        let keys = common::stored_keys(&folder.path().join("keys"));
        Broker::open(&folder.path().join("broker"), keys).unwrap()
    };
    // A set takes the place of what was not released yet, and a stranger comes; then the process ends.
    let broker = open();
    let message = set(&mut clients[0], &[1], (1, 1), START);
    assert_eq!(common::code(&clients[0].send(&broker, &message, START)), "ok");
    broker.handle(b"?", START);
    drop(broker);
    let broker = open();
    assert_eq!(kinds(&broker).last().unwrap(), "unauthenticated");
    broker.release(START).unwrap();
    assert_eq!(kinds(&broker).last().unwrap(), "purge");
    drop(broker);
    let broker = open();
    let lines = kinds(&broker).len();
    broker.release(START).unwrap();
    assert_eq!(kinds(&broker).len(), lines, "all went");
}

#[test]
fn parts_of_two_full_sets_are_not_taken_as_one_after_a_restore() {
    let town = Restored::new();
    town.back_up(START);
    let town = town.restore(Timestamp(START.0 + 60));
    let now = Timestamp(START.0 + 120);
    let mut client = Client::new(1, &town.policy);
    let first = set(&mut client, &[1, 2], (1, 3), now);
    assert_eq!(common::code(&client.send(&town.broker, &first, now)), "ok");
    // That set was given up. Of the next, the first part is lost on the way; the others follow it.
    drop(set(&mut client, &[3, 4], (1, 3), now));
    client.accepted = client.highest_state;
    let second = set(&mut client, &[5], (2, 3), now);
    let reply = client.send(&town.broker, &second, now);
    assert_eq!(common::code(&reply), "gap");
}

#[test]
fn a_line_of_a_release_says_when_it_came() {
    let town = Restored::new();
    let late = Timestamp(day(1).0 + 9 * 3_600);
    assert_eq!(town.broker.release(late).unwrap().len(), 1);
    let mut times = Vec::new();
    let kept = |_, row: &LogRow| {
        if let LogRow::Line(line) = row
            && let Event::Release { as_of, .. } = line.event
        {
            times.push((line.time, as_of));
        }
        Ok(())
    };
    town.broker.log_rows(kept).unwrap();
    assert_eq!(times, [(late, day(1).day().start())]);
}

/// A broker is a process for each message, perhaps. What it says in doubt must not be of before what it said last.
#[test]
fn a_broker_that_is_opened_again_says_no_earlier_time() {
    let town = Restored::new();
    let operator = common::operator_key().verifying_key();
    let time = |reply: &[u8]| Unverified::parse(reply, Role::Broker).unwrap().verify(&operator).unwrap().header().time;
    let mut client = Client::new(1, &town.policy);
    let mut status = |now| client.message(&Request::Status(StatusRequest::default()), now);
    let late = day(1).plus(60);
    assert_eq!(time(&town.broker.handle(&status(late), late)), late);
    let Restored { folder, broker, .. } = town;
    drop(broker);
    let keys = common::stored_keys(&folder.path().join("keys"));
    let broker = Broker::open(&folder.path().join("broker"), keys).unwrap();
    assert_eq!(time(&broker.handle(&status(late), stapel::Clock::untrusted(late))), late);
}
