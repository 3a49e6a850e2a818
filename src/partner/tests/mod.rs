//! The partner's side as a whole, against a small broker of its own.

mod broker;
mod clock;
mod crashes;
mod forms;
mod history;
mod log;
mod messages;
mod officer;
mod replies;
mod requests;
mod retention;
mod sources;
mod talk;
pub(super) mod transcripts;

use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use broker::Broker;

use super::record::{JournalEvent, JournalRecord};
use super::state::PartnerState;
use super::*;
use crate::address::AddressKey;
use crate::day::{Day, Timestamp};
use crate::files;
use crate::message::{self, Code, Header, Receipt, Rejection, Reply, Standing, Told};
use crate::policy::{Statement, sample};
use crate::secret::SecretFile;

/// 2026-12-15, in the sample's epoch 1. A flag of that day lasts through 2027-05-31.
const NOW: Timestamp = Timestamp(20_802 * 86_400);
const LAST_DAY: &str = "2027-05-31";

/// 2027-06-10, when the second epoch is open too.
const OVERLAP: Timestamp = Timestamp((20_802 + 177) * 86_400);

/// The sample with its house numbers counted, and a second epoch that overlaps the first from 2027-06-01.
fn policy_text() -> String {
    let key_id = sample::secret_file(2).key_id();
    sample::changed_text(&[
        ("threshold = 2", "threshold = 2\nlevels = [\"unit\", \"number\"]"),
        (
            "[[partner]]",
            &format!(
                "[[epoch]]\nnumber = 2\nkey_id = \"{key_id}\"\nopens = 2027-06-01\ncloses = 2028-05-31\n\n[[partner]]"
            ),
        ),
    ])
}

/// The folder of partner 1 with a policy and the secret of epoch 1.
fn partner_folder(policy: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files::create_private(&folder.path().join("partner.key"), &[1; 32]).unwrap();
    let enrolment = Partner::init(folder.path(), 1).unwrap();
    assert_eq!(enrolment.verifying_key, sample::partner_key(1).verifying_key());
    Partner::join(folder.path(), &sample::folder(policy).path().join("policy.toml")).unwrap();
    sample::secret_file(1).create(&folder.path().join("epoch-1.secret")).unwrap();
    folder
}

/// A partner, its folder, and a broker.
struct Play {
    folder: TempDir,
    partner: Partner,
    broker: Broker,
}

impl Play {
    fn new() -> Play {
        Play::under(&policy_text())
    }

    fn under(policy: &str) -> Play {
        let folder = partner_folder(policy);
        let partner = Partner::open(folder.path()).unwrap();
        let broker = Broker::new(partner.policy().clone());
        Play { folder, partner, broker }
    }

    /// Carries the messages to the broker and the replies back.
    fn carry(&mut self, messages: Vec<Vec<u8>>, now: Timestamp) -> Vec<Received> {
        let read = |message: &Vec<u8>| self.partner.read(&self.broker.handle(message, now), now).unwrap();
        let received = messages.iter().map(read).collect();
        assert_eq!(self.partner.complaints().unwrap(), [], "of an honest broker");
        received
    }

    fn deliver(&mut self, now: Timestamp) -> Vec<Received> {
        let messages = self.partner.deliver(now).unwrap();
        self.carry(messages, now)
    }

    fn reopen(self) -> Play {
        let Play { folder, partner, broker } = self;
        drop(partner);
        let partner = Partner::open(folder.path()).unwrap();
        Play { folder, partner, broker }
    }

    /// What the broker should hold in an epoch, if it is up to date.
    fn assert_up_to_date(&self, epoch: u32, now: Timestamp) {
        let source = source(epoch);
        let flags = self.partner.data.state().flags.all(self.partner.member.counts_house_numbers());
        let wanted = flags.into_iter().filter(|(_, terms)| terms.last_day >= now.day());
        let wanted: std::collections::BTreeMap<_, _> =
            wanted.map(|(address, terms)| (source.pseudonym(&address), terms.last_day)).collect();
        let mut held = self.broker.held.get(&epoch).cloned().unwrap_or_default();
        held.retain(|_, last_day| *last_day >= now.day());
        assert!(held == wanted, "the broker holds {} and should hold {}", held.len(), wanted.len());
    }
}

/// What was done with an address, shown to somebody at the moment of the latest record.
fn dossier(play: &mut Play, address: &AddressKey) -> Vec<DossierEntry> {
    let now = play.partner.data.state().latest;
    play.partner.dossier(address, &Case::new("m.smit", "request 7").unwrap(), now).unwrap()
}

/// Lets so much time pass at the partner that somebody has to say that the clock is right.
fn pass(partner: &mut Partner, now: Timestamp) {
    partner.accept_clock(&by(), now).unwrap();
}

fn source(epoch: u32) -> PseudonymKey {
    let SecretFile { scope, secret } = sample::secret_file(epoch as u8);
    PseudonymKey::new(&secret, &scope)
}

fn home(text: &str) -> AddressKey {
    AddressKey::from_canonical(text).unwrap()
}

fn homes(numbers: std::ops::Range<u32>) -> Vec<AddressKey> {
    numbers.map(|number| home(&format!("1012JS|{number}|A"))).collect()
}

fn by() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}

fn code<T>(result: Result<T, PartnerError>) -> &'static str {
    result.err().map_or("none", |error| error.code())
}

/// A header as the partner wrote it.
fn header(message: &[u8]) -> Header {
    let key = sample::partner_key(1).verifying_key();
    let message = message::Unverified::parse(message, message::Role::Partner).unwrap().verify(&key).unwrap();
    message.header().clone()
}

#[test]
fn a_new_folder_is_private_and_made_once() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("police");
    let enrolment = Partner::init(&folder, 7).unwrap();
    assert_eq!(enrolment.number, 7);
    assert_eq!(code(Partner::init(&folder, 7)), "partner_folder");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for entry in fs::read_dir(&folder).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
    assert_eq!(code(Partner::open(&folder)), "io", "there is no policy");
    let policy = sample::folder(&policy_text());
    assert_eq!(code(Partner::join(&folder, &policy.path().join("policy.toml"))), "not_in_roster");
}

#[cfg(unix)]
#[test]
fn a_folder_or_a_journal_that_is_shared_is_refused_with_the_remedy() {
    use std::os::unix::fs::PermissionsExt;
    let Play { folder, partner, .. } = Play::new();
    drop(partner);
    let journal = folder.path().join("journal.sealed");
    let refused = |path: &Path, mode, usual| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Partner::open(folder.path()).map(|_| ()).err();
        fs::set_permissions(path, fs::Permissions::from_mode(usual)).unwrap();
        error.map(|error| (error.code(), error.to_string()))
    };
    for mode in [0o666, 0o640] {
        let (code, said) = refused(&journal, mode, 0o600).unwrap();
        assert!(code == "file_mode" && said.contains(&format!("chmod 600 {}", journal.display())), "{said}");
    }
    for mode in [0o777, 0o770] {
        let (code, said) = refused(folder.path(), mode, 0o700).unwrap();
        assert!(code == "file_mode" && said.contains(&format!("chmod 700 {}", folder.path().display())), "{said}");
    }
    assert_eq!(refused(folder.path(), 0o755, 0o700), None, "others may see which files there are, and read none");
}

#[test]
fn a_state_that_is_saved_leaves_nothing_to_apply() {
    let mut play = Play::new();
    let state = play.folder.path().join("state.sealed");
    let length = || fs::metadata(&state).unwrap().len();
    let before = length();
    play.partner.flag(homes(1..30), &by(), NOW).unwrap();
    assert_eq!(length(), before, "a flag is in the journal alone");
    play.partner.save_state().unwrap();
    assert!(length() > before);
    let Play { folder, partner, .. } = play;
    let (flags, head) = (partner.flags().count(), partner.journal_head());
    drop(partner);
    // It says that the journal was that far: with a journal that is shorter it does not open.
    let partner = Partner::open(folder.path()).unwrap();
    assert_eq!((partner.flags().count(), partner.journal_head()), (flags, head));
    drop(partner);
    fs::write(folder.path().join("journal.sealed"), b"").unwrap();
    assert_eq!(code(Partner::open(folder.path())), "journal_damaged");
}

#[test]
fn one_process_at_a_time() {
    let play = Play::new();
    assert_eq!(code(Partner::open(play.folder.path())), "folder_in_use");
    // A server says where it is once it has the folder, and one that was killed says so no longer.
    let served = play.partner.serve_at(Path::new("/run/stapel/police.sock")).unwrap();
    let waiting = |seconds| Place::from(play.folder.path()).waiting(Duration::from_secs(seconds));
    let said = |seconds| Partner::open(waiting(seconds)).err().unwrap().to_string();
    assert!(said(86_400).contains("call it at /run/stapel/police.sock"));
    let says = play.folder.path().join("serve.at");
    assert!(says.exists());
    drop(served);
    fs::write(&says, "/run/stapel/police.sock").unwrap();
    assert!(said(0).contains("wait longer for it"));
    play.reopen();
}

#[test]
fn a_folder_that_was_made_by_half_is_made_whole() {
    let folder = tempfile::tempdir().unwrap();
    files::create_private(&folder.path().join("partner.key"), &[1; 32]).unwrap();
    files::create_private(&folder.path().join("journal.key"), &[2; 32]).unwrap();
    assert_eq!(Partner::init(folder.path(), 1).unwrap().verifying_key, sample::partner_key(1).verifying_key());
    Partner::join(folder.path(), &sample::folder(&policy_text()).path().join("policy.toml")).unwrap();
    Partner::open(folder.path()).unwrap();
    // What a full disk leaves of a key is no key.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("partner.key"), b"").unwrap();
    fs::write(folder.path().join("journal.key"), b"").unwrap();
    Partner::init(folder.path(), 1).unwrap();
    assert_eq!(code(Partner::init(folder.path(), 1)), "partner_folder");
}

#[test]
fn a_lost_state_takes_the_number_along_unless_a_certificate_has_it() {
    let play = Play::new();
    let Play { folder, partner, .. } = play;
    drop(partner);
    fs::remove_file(folder.path().join("state.sealed")).unwrap();
    assert_eq!(code(Partner::open(folder.path())), "partner_folder");
    let certificate = sample::certificates(&sample::policy()).remove(0);
    fs::write(folder.path().join(certificate.file_name()), certificate.to_text()).unwrap();
    assert_eq!(Partner::open(folder.path()).unwrap().number(), 1);
}

/// A certificate of partner 1, as a file.
fn certificate(serial: u32, keys: Option<PartnerKeys>, first_day: &str) -> tempfile::NamedTempFile {
    let (first_day, last_day) = (first_day.parse().unwrap(), "2027-11-30".parse().unwrap());
    let statement = Statement { partner: 1, epoch: 1, serial, keys, first_day, last_day };
    let policy = Policy::parse(&policy_text()).unwrap();
    let made = Certificate::sign(&policy, statement, &sample::policy_key("politie")).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), made.to_text()).unwrap();
    file
}

#[test]
fn a_partner_signs_only_with_the_key_that_is_certified() {
    let mut play = Play::new();
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    let own = play.partner.keys(1).unwrap();
    assert_eq!(own.message, play.partner.verifying_key());
    assert_eq!(play.partner.keys(1).unwrap(), own, "the seal key of an epoch is drawn once");
    assert_eq!(code(play.partner.keys(9)), "certificate");
    let other = PartnerKeys { message: sample::partner_key(9).verifying_key(), ..own };
    play.partner.add_certificate(certificate(1, Some(own), "2026-12-01").path()).unwrap();
    play.partner.add_certificate(certificate(2, Some(other), "2026-12-16").path()).unwrap();
    assert!(!play.partner.deliver(NOW).unwrap().is_empty(), "until its first day the one before counts");
    let tomorrow = NOW.plus(86_400);
    play.deliver(NOW);
    play.partner.flag(homes(2..3), &by(), tomorrow).unwrap();
    let records = play.partner.journal_length();
    assert_eq!(code(play.partner.deliver(tomorrow)), "not_certified");
    assert_eq!(code(play.partner.ask(homes(1..2), &by(), tomorrow)), "not_certified");
    assert_eq!(play.partner.journal_length(), records, "no number is used up");
    play.partner.add_certificate(certificate(3, Some(own), "2026-12-16").path()).unwrap();
    let mut play = play.reopen();
    assert_eq!(play.deliver(tomorrow).len(), 1);
    play.partner.flag(homes(3..4), &by(), tomorrow).unwrap();
    play.partner.add_certificate(certificate(4, None, "2026-12-16").path()).unwrap();
    let error = play.partner.deliver(tomorrow).unwrap_err();
    assert!(error.code() == "not_certified" && error.to_string().contains("suspended since 2026-12-16"), "{error}");
}

#[test]
fn a_partner_keeps_the_certificates_of_all_that_hold_and_signs_by_its_own() {
    let mut play = Play::new();
    let policy = Policy::parse(&policy_text()).unwrap();
    let all = sample::certificates(&policy);
    let other = all.iter().find(|one| one.claimed().partner == 2).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), other.to_text()).unwrap();
    play.partner.add_certificate(file.path()).unwrap();
    assert!(play.folder.path().join(other.file_name()).exists());
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    assert_eq!(play.deliver(NOW).len(), 1, "another's certificate says nothing of this one's key");
    let others: Vec<_> = all.iter().filter(|one| one.claimed().partner != 1).cloned().collect();
    assert_eq!(play.partner.take_certificates(others.clone()).unwrap(), others.len() - 1);
    assert_eq!(play.partner.take_certificates(others.clone()).unwrap(), 0, "they are there");
    let foreign = Certificate::parse(&other.to_text().replace("partner: 2", "partner: 3")).unwrap();
    assert_eq!(play.partner.take_certificates([foreign.clone()]).unwrap(), 0, "it does not hold");
    fs::write(file.path(), foreign.to_text()).unwrap();
    assert_eq!(code(play.partner.add_certificate(file.path())), "certificate");
    let play = play.reopen();
    assert_eq!(play.partner.member.certificates.len(), others.len());
}

#[test]
fn secrets_must_be_those_of_the_policy() {
    let mut play = Play::new();
    let outside = tempfile::tempdir().unwrap();
    let path = |name: &str| outside.path().join(name);
    sample::secret_file(2).create(&path("two")).unwrap();
    sample::secret_file(3).create(&path("three")).unwrap();
    let scope = crate::secret::Scope { purpose: sample::policy().purpose.clone(), epoch: 2 };
    SecretFile { scope, secret: crate::secret::Secret::from_bytes([9; 32]) }.create(&path("other")).unwrap();
    assert_eq!(code(play.partner.add_secret(&path("other"))), "secret_mismatch");
    assert_eq!(code(play.partner.add_secret(&path("three"))), "secret_mismatch");
    play.partner.add_secret(&path("two")).unwrap();
    play.partner.add_secret(&path("two")).unwrap();
    assert_eq!(play.partner.epochs().collect::<Vec<_>>(), [1, 2]);
    let play = play.reopen();
    assert_eq!(play.partner.epochs().collect::<Vec<_>>(), [1, 2]);
    let second = play.folder.path().join("epoch-2.secret");
    let Play { folder, partner, .. } = play;
    drop(partner);
    fs::copy(path("other"), &second).unwrap();
    assert_eq!(code(Partner::open(folder.path())), "secret_mismatch");
    fs::copy(folder.path().join("epoch-1.secret"), &second).unwrap();
    assert_eq!(code(Partner::open(folder.path())), "secret_mismatch", "a file under another epoch's name");
}

#[test]
fn one_secret_does_not_serve_two_epochs() {
    let scope = crate::secret::Scope { purpose: sample::policy().purpose.clone(), epoch: 2 };
    let reused = SecretFile { scope, secret: sample::secret_file(1).secret };
    let text = policy_text();
    let own = sample::secret_file(2).key_id().to_string();
    let folder = partner_folder(&text.replace(&own, &reused.key_id().to_string()));
    let outside = tempfile::tempdir().unwrap();
    reused.create(&outside.path().join("two")).unwrap();
    let mut partner = Partner::open(folder.path()).unwrap();
    assert_eq!(code(partner.add_secret(&outside.path().join("two"))), "secret_mismatch");
    assert_eq!(partner.epochs().collect::<Vec<_>>(), [1]);
    drop(partner);
    fs::copy(outside.path().join("two"), folder.path().join("epoch-2.secret")).unwrap();
    assert_eq!(code(Partner::open(folder.path())), "secret_mismatch");
}

#[test]
fn without_an_open_epoch_it_is_said_which_way_the_clock_is_out() {
    let folder = partner_folder(&policy_text());
    let mut partner = Partner::open(folder.path()).unwrap();
    let mut said = |moment: &str| {
        let error = partner.confirm(moment.parse::<Day>().unwrap().start()).unwrap_err();
        assert_eq!(error.code(), "no_epoch");
        error.to_string()
    };
    let early = said("2001-01-01");
    assert!(early.contains("has not opened yet") && !early.contains("newer policy"), "{early}");
    assert!(said("2040-01-01").contains("adopt a newer policy"));
}

#[test]
fn a_source_is_that_of_the_epoch_with_its_key_id() {
    let folder = partner_folder(&policy_text());
    fs::remove_file(folder.path().join("epoch-1.secret")).unwrap();
    let mut partner = Partner::open(folder.path()).unwrap();
    assert_eq!(code(partner.deliver(NOW)), "no_epoch");
    drop(partner);
    let mut partner = Partner::open_with(folder.path(), vec![Box::new(source(2)), Box::new(source(1))]).unwrap();
    assert_eq!(partner.epochs().collect::<Vec<_>>(), [1, 2]);
    partner.flag(homes(1..3), &by(), NOW).unwrap();
    assert_eq!(partner.deliver(NOW).unwrap().len(), 1);
    drop(partner);
    assert_eq!(code(Partner::open_with(folder.path(), vec![Box::new(source(3))])), "no_epoch");
}

#[test]
fn a_policy_is_followed_by_its_successor_only() {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), NOW).unwrap();
    play.deliver(NOW);
    let digest = play.partner.policy().digest();
    let successor = |previous: &str| {
        policy_text().replacen("version = 1\n", &format!("version = 2\nprevious = \"{previous}\"\n"), 1)
    };
    let stranger = sample::folder(&successor(&"00".repeat(32)));
    assert_eq!(code(play.partner.adopt_policy(&stranger.path().join("policy.toml"), NOW)), "policy_successor");
    let newer = sample::folder(&successor(&digest.to_string()));
    let path = newer.path().join("policy.toml");
    // Wherever it is interrupted, the folder has one policy whole: the old one or the new one.
    for steps in 0.. {
        files::crash::after(Some(steps));
        let adopted = play.partner.adopt_policy(&path, NOW);
        files::crash::after(None);
        play = play.reopen();
        let version = play.partner.policy().policy().version;
        if adopted.is_ok() {
            assert_eq!(version, 2);
            assert!(steps > 12, "four signatures and the text");
            break;
        }
        if version == 2 {
            // Interrupted after the text was in place.
            assert_ne!(play.partner.policy().digest(), digest);
            break;
        }
    }
    play.broker.policy = play.partner.policy().clone();
    play.partner.flag(homes(3..4), &by(), NOW).unwrap();
    assert!(matches!(play.deliver(NOW)[..], [Received::Receipt(_)]));
    assert_eq!(play.partner.brokers_policy(), None);
}

#[test]
fn a_policy_is_adopted_on_its_day_and_replaced_where_it_never_came_into_force() {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), NOW).unwrap();
    play.deliver(NOW);
    let first = play.partner.policy().digest();
    let version = |more: &str| format!("version = 2\nprevious = \"{first}\"\n{more}");
    let successor = |more: &str| policy_text().replacen("version = 1\n", &version(more), 1);
    let adopt = |play: &mut Play, text: &str| {
        let folder = sample::folder(text);
        play.partner.adopt_policy(&folder.path().join("policy.toml"), NOW)
    };
    let later = successor("").replace("valid_from = 2026-12-01", "valid_from = 2027-03-01");
    assert_eq!(code(adopt(&mut play, &later)), "policy_not_yet");
    assert_eq!(play.partner.policy().digest(), first);
    adopt(&mut play, &successor("")).unwrap();
    let voids = format!("voids = [\"{}\"]\n", play.partner.policy().digest());
    let (rival, other) = (successor("freshness_days = 20\n"), successor(&format!("{voids}freshness_days = 20\n")));
    assert_eq!(code(adopt(&mut play, &other)), "policy_successor", "the broker may have taken it");
    play.partner.flag(homes(3..4), &by(), NOW).unwrap();
    play.deliver(NOW);
    assert_eq!(play.partner.brokers_policy(), Some(first), "the broker still goes by the one before");
    assert_eq!(code(adopt(&mut play, &rival)), "policy_successor", "its signatures are evidence, and no replacement");
    adopt(&mut play, &other).unwrap();
    play = play.reopen();
    assert_eq!(play.partner.policy().policy().freshness_days, 20);

    // A partner that comes later finds a broker that has adopted the other one already.
    let mut late = Play::new();
    let brokers = play.partner.policy().clone();
    adopt(&mut late, &successor("")).unwrap();
    late.broker.policy = brokers.clone();
    late.partner.flag(homes(1..3), &by(), NOW).unwrap();
    late.deliver(NOW);
    assert_eq!(late.partner.brokers_policy(), Some(brokers.digest()));
    adopt(&mut late, &other).unwrap();
    assert_eq!(late.partner.policy().digest(), brokers.digest());
}

/// The text as that of the version after a policy.
fn following(text: &str, before: &SignedPolicy) -> String {
    let version = before.policy().version + 1;
    let previous = format!("version = {version}\nprevious = \"{}\"\n", before.digest());
    text.replacen("version = 1\n", &previous, 1)
}

/// A folder with a policy, `policy.toml`, and signatures made with these policy keys.
fn signed_folder(text: &str, keys: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    fs::write(&path, text).unwrap();
    let policy = Policy::parse(text).unwrap();
    for key in keys {
        let signature = PolicySignature::sign(&policy, &sample::policy_key(key)).unwrap();
        fs::write(signature.path_beside(&path), signature.to_text()).unwrap();
    }
    folder
}

/// The broker adopts a version for a lost policy key and the next one while the partner reads nothing.
#[test]
fn a_version_for_a_lost_key_is_adopted_where_the_broker_names_one_that_follows_it() {
    let mut play = Play::new();
    let later = "2027-02-01".parse::<Day>().unwrap().start();
    let [old, new] = ["belastingdienst", "nieuw"].map(|name| sample::policy_key(name).verifying_key().to_string());
    let lost = "[unsigned]\norganisation = \"belastingdienst\"\nbecause = \"lost-key\"\nversion = 2\nepoch = 1\n\
                announced = 2026-12-05\n[[epoch]]";
    let text = policy_text()
        .replacen(&old, &new, 1)
        .replacen("number = 2\nname", "number = 9\nname", 1)
        .replacen("valid_from = 2026-12-01", "valid_from = 2027-01-04", 1)
        .replacen("[[epoch]]", lost, 1);
    let keys = ["gemeente-zaanstad", "politie", "zaanwonen", "nieuw"];
    let second = signed_folder(&following(&text, play.partner.policy()), &keys);
    let signed = |folder: &TempDir| SignedPolicy::read(&folder.path().join("policy.toml")).unwrap();
    let third = text.replacen("version = 1\n", "version = 1\nfreshness_days = 20\n", 1);
    let third = signed_folder(&following(&third, &signed(&second)), &keys);
    let [second, third] = [&second, &third].map(|folder| folder.path().join("policy.toml"));
    assert_eq!(code(play.partner.adopt_policies(&[&second, &third], later)), "policy_successor", "nothing was read");
    play.broker.policy = SignedPolicy::read(&third).unwrap();
    play.partner.flag(homes(1..3), &by(), later).unwrap();
    play.deliver(later);
    assert_eq!(code(play.partner.adopt_policy(&second, later)), "policy_successor", "the reply names the third");
    play.partner.adopt_policies(&[&second, &third], later).unwrap();
    assert_eq!(play.partner.policy().digest(), play.broker.policy.digest());
}

/// Version 2 never came into force at the broker, and another one after it did, with the next.
#[test]
fn a_void_policy_is_replaced_where_the_broker_names_one_that_follows_the_other() {
    let mut play = Play::new();
    let first = play.partner.policy().clone();
    let text = |more: &str| policy_text().replacen("version = 1\n", &format!("version = 1\n{more}\n"), 1);
    let mine = sample::folder(&following(&text(""), &first));
    play.partner.adopt_policy(&mine.path().join("policy.toml"), NOW).unwrap();
    let voids = format!("voids = [\"{}\"]\nfreshness_days = 20", play.partner.policy().digest());
    let other = sample::folder(&following(&text(&voids), &first));
    let other_path = other.path().join("policy.toml");
    let next = sample::folder(&following(&text("freshness_days = 21"), &SignedPolicy::read(&other_path).unwrap()));
    let next_path = next.path().join("policy.toml");
    play.broker.policy = SignedPolicy::read(&next_path).unwrap();
    assert_eq!(code(play.partner.adopt_policies(&[&other_path, &next_path], NOW)), "policy_successor");
    play.partner.flag(homes(1..3), &by(), NOW).unwrap();
    play.deliver(NOW);
    assert_eq!(code(play.partner.adopt_policy(&other_path, NOW)), "policy_successor", "the reply names neither");
    play.partner.adopt_policies(&[&other_path, &next_path], NOW).unwrap();
    assert_eq!(play.partner.policy().digest(), play.broker.policy.digest());
}

#[test]
fn a_policy_that_begins_to_count_house_numbers_leads_to_a_full_set() {
    let unit_only = policy_text().replacen("levels = [\"unit\", \"number\"]\n", "", 1);
    let mut play = Play::under(&unit_only);
    play.partner.flag(homes(1..6), &by(), NOW).unwrap();
    play.deliver(NOW);
    assert_eq!(play.broker.held[&1].len(), 5);
    assert_eq!(code(play.partner.ask([home("1012JS|1")], &by(), NOW)), "level");
    let mut digest = play.partner.policy().digest();
    let texts = [(2, policy_text(), 10), (3, unit_only, 5)];
    for (version, text, held) in texts {
        let text = text.replacen("version = 1\n", &format!("version = {version}\nprevious = \"{digest}\"\n"), 1);
        let newer = sample::folder(&text);
        play.partner.adopt_policy(&newer.path().join("policy.toml"), NOW).unwrap();
        play.broker.policy = play.partner.policy().clone();
        digest = play.broker.policy.digest();
        let messages = play.partner.deliver(NOW).unwrap();
        assert_eq!(header(&messages[0]).kind, Kind::FullSet);
        assert!(matches!(play.carry(messages, NOW)[..], [Received::Receipt(_)]));
        assert_eq!(play.broker.held[&1].len(), held);
    }
}

#[test]
fn house_numbers_alone_wait_for_a_policy_that_counts_them() {
    let unit_only = policy_text().replacen("levels = [\"unit\", \"number\"]\n", "", 1);
    let mut play = Play::new();
    let numbers = [home("1012JS|1"), home("1012JS|2"), home("1012JS|3")];
    play.partner.flag([numbers[0], numbers[1], home("1012JS|2|A")], &by(), NOW).unwrap();
    play.deliver(NOW);
    assert_eq!(play.broker.held[&1].len(), 3);
    let adopt = |play: &mut Play, version: u32, text: &str| {
        let digest = play.partner.policy().digest();
        let text = text.replacen("version = 1\n", &format!("version = {version}\nprevious = \"{digest}\"\n"), 1);
        play.partner.adopt_policy(&sample::folder(&text).path().join("policy.toml"), NOW).unwrap();
        play.broker.policy = play.partner.policy().clone();
    };
    adopt(&mut play, 2, &unit_only);
    play.deliver(NOW);
    assert_eq!(play.broker.held[&1].len(), 1, "the home alone");
    let renewed = play.partner.renew(&numbers[..1], message::RenewalReason::ObservedAgain, &by(), NOW);
    assert_eq!(code(renewed), "level");
    assert_eq!(code(play.partner.flag(&numbers[2..], &by(), NOW)), "level");
    assert_eq!(code(play.partner.flag_until(&numbers[2..], LAST_DAY.parse().unwrap(), &by(), NOW)), "level");
    assert_eq!(code(play.partner.replace_all(&numbers[..2], true, &by(), NOW)), "level");
    // They stay, are not told, and can be withdrawn.
    assert_eq!((play.partner.flags().len(), play.partner.undelivered()), (3, 0));
    assert!(play.partner.deliver(NOW).unwrap().is_empty());
    assert_eq!(play.partner.withdraw(&numbers[1..2], &by(), NOW).unwrap().withdrawn, 1);
    assert!(play.partner.deliver(NOW).unwrap().is_empty(), "nobody was told of it");
    adopt(&mut play, 3, &policy_text());
    play.deliver(NOW);
    assert_eq!(play.broker.held[&1].len(), 3, "the number that stayed, and the home with its own");
    play.assert_up_to_date(1, NOW);
}

#[test]
fn a_partner_can_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Partner>();
}

#[test]
fn debug_shows_no_address_and_no_case() {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), NOW).unwrap();
    play.partner.deliver(NOW).unwrap();
    let shown = format!("{:?} {:?}", play.partner, play.partner.in_flight().collect::<Vec<_>>());
    assert!(!shown.contains("1012JS") && !shown.contains("jansen"), "{shown}");
    assert!(shown.starts_with("Partner(1, 2 flags, ..)"), "{shown}");
}

#[test]
fn nothing_in_the_folder_shows_an_address_or_a_case() {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), NOW).unwrap();
    play.deliver(NOW);
    play.partner.ask(homes(1..3), &by(), NOW).unwrap();
    for entry in fs::read_dir(play.folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for needle in
            [b"1012JS".as_slice(), b"jansen", b"2026-0117", source(1).pseudonym(&homes(1..2)[0]).expose_bytes()]
        {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle));
        }
    }
}

#[test]
fn keys_may_be_in_another_folder() {
    let outer = tempfile::tempdir().unwrap();
    let (folder, keys) = (outer.path().join("data"), outer.path().join("keys"));
    let place = Place::with_keys(&folder, &keys);
    let enrolment = Partner::init(place, 1).unwrap();
    assert_eq!(code(Partner::init(place, 1)), "partner_folder");
    fs::write(keys.join("partner.key"), [1; 32]).unwrap();
    Partner::join(place, &sample::folder(&policy_text()).path().join("policy.toml")).unwrap();
    let mut partner = Partner::open(place).unwrap();
    assert_ne!(partner.verifying_key(), enrolment.verifying_key, "its key is the one that is there");
    let given = tempfile::tempdir().unwrap();
    sample::secret_file(1).create(&given.path().join("given")).unwrap();
    partner.add_secret(&given.path().join("given")).unwrap();
    partner.keys(1).unwrap();
    partner.flag(homes(1..3), &by(), NOW).unwrap();
    partner.deliver(NOW).unwrap();
    drop(partner);

    let names = |folder: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&keys), ["epoch-1.seal", "epoch-1.secret", "journal.key", "partner.key"]);
    let secret = |name: &String| name.ends_with(".key") || name.ends_with(".secret") || name.ends_with(".seal");
    assert!(!names(&folder).iter().any(secret), "{:?}", names(&folder));

    // A folder that was moved without its keys says which are missing, and makes no others.
    let moved = outer.path().join("moved");
    fs::rename(&folder, &moved).unwrap();
    let missing = Partner::open(&moved).unwrap_err();
    assert!(missing.code() == "partner_folder" && missing.to_string().contains("journal.key"), "{missing}");
    assert!(missing.to_string().contains("--keys"), "{missing}");
    assert_eq!(code(Partner::init(&moved, 1)), "partner_folder");
    let halfway = outer.path().join("halfway");
    fs::create_dir(&halfway).unwrap();
    fs::copy(keys.join("journal.key"), halfway.join("journal.key")).unwrap();
    let missing = Partner::open(Place::with_keys(&moved, &halfway)).unwrap_err();
    assert!(missing.code() == "partner_folder" && missing.to_string().contains("partner.key"), "{missing}");
    let other = partner_folder(&policy_text());
    assert_eq!(code(Partner::open(Place::with_keys(&moved, other.path()))), "partner_folder", "another's keys");
    let mut partner = Partner::open(Place::with_keys(&moved, &keys)).unwrap();
    assert_eq!((partner.flags().len(), partner.in_flight().count()), (2, 1));

    // What is forgotten goes where it is.
    let after = "2028-01-10".parse::<Day>().unwrap().start();
    pass(&mut partner, after);
    let digest = partner.in_flight().next().unwrap().digest;
    partner.give_up(digest, after).unwrap();
    assert_eq!(partner.retired_epochs(after.day()).unwrap(), [1]);
    partner.forget_epoch(1, &by(), after).unwrap();
    assert_eq!(names(&keys), ["journal.key", "partner.key"]);
}
