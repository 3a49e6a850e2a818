//! What is fetched: whoever has it can check it, and gets no more than was signed.

use std::fs;

use super::*;
use crate::audit::Log;
use crate::policy::{PolicySignature, SignedPolicy};

/// A broker in a folder, with the policy it was made under.
struct Made {
    folder: tempfile::TempDir,
    keys: tempfile::TempDir,
    policy: tempfile::TempDir,
    broker: Broker,
}

impl Made {
    fn begin() -> Made {
        let keep = "[retention]\nlog_days = 30\n[[epoch]]";
        let policy = sample::folder(&sample::changed_text(&[("[[epoch]]", keep)]));
        let (folder, keys) = (tempfile::tempdir().unwrap(), key_folder());
        let path = policy.path().join("policy.toml");
        let open = BrokerKeys::open(keys.path()).unwrap();
        let broker = Broker::create(folder.path(), open, &path, START).unwrap();
        Made { folder, keys, policy, broker }
    }

    /// Writes a version that follows the one in force, with signatures of these keys.
    fn write(&self, changes: &[(&str, &str)], keys: &[&str]) -> PathBuf {
        let path = self.policy.path().join("2.toml");
        let in_force = self.broker.policy().policy().clone();
        let version = format!("version = 2\nprevious = \"{}\"", in_force.digest());
        let keep = ("[[epoch]]", "[retention]\nlog_days = 30\n[[epoch]]");
        fs::write(&path, sample::changed_text(&[&[keep, ("version = 1", &version)], changes].concat())).unwrap();
        let policy = Policy::read(&path).unwrap();
        for key in keys {
            let signature = PolicySignature::sign(&policy, &sample::policy_key(key)).unwrap();
            fs::write(signature.path_beside(&path), signature.to_text()).unwrap();
        }
        path
    }
}

/// Appends lines of a policy to the log, and signs it on the next day.
fn grow(broker: &Broker, lines: u64, now: Timestamp) {
    let mut transaction = broker.database.begin().unwrap();
    for _ in 0..lines {
        transaction.record(now, Digest::NONE, Event::Backup).unwrap();
    }
    transaction.commit().unwrap();
    broker.release(now.plus(DAY)).unwrap();
}

/// The log that the tiles of a broker make, whose root its checkpoint must have.
fn fetch(broker: &Broker) -> Log {
    let name = broker.database.inspect(|state| state.log.name(broker.in_force().policy()));
    let checkpoint = Checkpoint::verify(&broker.published_checkpoint().unwrap(), &name).unwrap();
    let mut log = Log::new();
    while log.size() < checkpoint.size() {
        let width = (checkpoint.size() - log.size()).min(256) as u16;
        let tile = broker.published_tile(0, log.size() / 256, width).unwrap();
        assert_eq!(tile.len(), 32 * usize::from(width));
        for leaf in tile.chunks(32) {
            log.append(Digest(leaf.try_into().unwrap()));
        }
    }
    assert_eq!(log.root(), checkpoint.root());
    log
}

#[test]
fn tiles_make_the_tree_of_the_latest_checkpoint_and_no_other() {
    let Made { folder, keys, broker, .. } = Made::begin();
    let first = fetch(&broker).size();
    assert_eq!(broker.published_tile(0, 0, 0), None);
    assert_eq!(broker.published_tile(0, 0, first as u16 + 1), None);
    grow(&broker, 300, START);
    let signed = fetch(&broker);
    assert!(signed.size() >= 300 && signed.size() < 400, "{}", signed.size());
    assert_eq!(broker.published_tile(1, 0, 1).unwrap(), signed.root_at(256).unwrap().0);
    assert_eq!(broker.published_tile(1, 0, 2), None);
    assert_eq!(broker.published_tile(0, 0, 257), None);
    // What was not signed yet is in no tile.
    let mut transaction = broker.database.begin().unwrap();
    transaction.record(day(1), Digest::NONE, Event::Backup).unwrap();
    transaction.commit().unwrap();
    let rest = (signed.size() - 256) as u16;
    assert!(broker.published_tile(0, 1, rest).is_some());
    assert_eq!(broker.published_tile(0, 1, rest + 1), None);

    // Of a line that was pruned its hash is left.
    for number in 2..40 {
        broker.release(day(number)).unwrap();
    }
    let mut rows = Vec::new();
    let visit = |_, row: &LogRow| {
        rows.push(matches!(row, LogRow::Pruned(_)));
        Ok(())
    };
    broker.log_rows(visit).unwrap();
    assert!(rows[..300].iter().all(|is_pruned| *is_pruned));
    let pruned = fetch(&broker);
    assert_eq!(pruned.root_at(signed.size()), Some(signed.root()));

    // After a restore the log has another name, under which nothing is signed at first.
    let (copy, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    broker.backup(copy.path(), day(40)).unwrap();
    drop((broker, folder));
    let keys = BrokerKeys::open(keys.path()).unwrap();
    let restored = Broker::restore(copy.path(), place.path(), keys, day(40).plus(60)).unwrap();
    assert_eq!((restored.published_checkpoint(), restored.published_tile(0, 0, 1)), (None, None));
    restored.release(day(41)).unwrap();
    let went_on = fetch(&restored);
    assert!(went_on.size() > pruned.size());
    assert_eq!(went_on.root_at(pruned.size()), Some(pruned.root()));
}

#[test]
fn policies_are_fetched_as_they_were_signed_with_their_signatures() {
    let made = Made::begin();
    let broker = &made.broker;
    let first = broker.published_policies().unwrap();
    assert_eq!((first.in_force, first.versions.len()), (1, 1));
    assert_eq!(first.versions[0].digest, broker.policy().digest());
    assert!(
        serde_json::to_string(&first).unwrap().starts_with("{\"in_force\":1,\"versions\":[{\"version\":1,\"digest")
    );
    for none in [0, 2, u32::MAX] {
        assert!(broker.published_policy(none).unwrap().is_none());
        assert!(broker.published_signatures(none).unwrap().is_none());
    }

    let newer = made.write(&[("threshold = 2", "threshold = 3")], &sample::ORGANISATIONS);
    // An adoption that broke off left a copy, and a signature of another text.
    let other = fs::read_to_string(made.policy.path().join("policy.toml")).unwrap();
    let stray = PolicySignature::sign(&Policy::parse(&other).unwrap(), &sample::policy_key("politie")).unwrap();
    folder::keep_policy(&folder::policy_path(made.folder.path(), 2), &other, &[stray]).unwrap();
    assert_eq!(broker.published_policies().unwrap(), first);
    broker.adopt_policy(&newer, day(1)).unwrap();
    let second = broker.published_policies().unwrap();
    assert_eq!((second.in_force, second.versions.len()), (2, 2));
    assert_eq!(second.versions[0], first.versions[0]);
    for version in [1, 2] {
        let policy = Policy::parse(&broker.published_policy(version).unwrap().unwrap()).unwrap();
        let signatures = broker.published_signatures(version).unwrap().unwrap();
        assert_eq!(signatures.len(), 4);
        let signatures: Vec<_> = signatures.iter().map(|text| PolicySignature::parse(text).unwrap()).collect();
        assert_eq!(SignedPolicy::verify(policy, &signatures).unwrap().policy().version, version);
    }
    assert_eq!(broker.published_policy(2).unwrap().unwrap(), fs::read_to_string(newer).unwrap());
}

#[test]
fn a_version_for_a_lost_key_is_fetched_once_it_is_announced_with_what_vetoes_it() {
    let made = Made::begin();
    let (old, new) = (sample::policy_key("belastingdienst"), sample::policy_key("nieuw"));
    let lost = "[unsigned]\norganisation = \"belastingdienst\"\nbecause = \"lost-key\"\nversion = 2\nepoch = 1\n\
                announced = 2026-12-05\n[retention]";
    let (old_key, new_key) = (old.verifying_key().to_string(), new.verifying_key().to_string());
    let changes = [
        (&*old_key, &*new_key),
        ("number = 2\nname", "number = 9\nname"),
        ("valid_from = 2026-12-01", "valid_from = 2027-01-04"),
        ("[retention]", lost),
    ];
    let keys = ["gemeente-zaanstad", "politie", "zaanwonen", "nieuw"];
    let path = made.write(&changes, &keys);
    made.broker.announce_policy(&path, day(4)).unwrap();
    let published = made.broker.published_policies().unwrap();
    assert_eq!((published.in_force, published.versions.len(), published.versions[1].version), (1, 2, 2));
    assert_eq!(made.broker.published_policy(2).unwrap(), fs::read_to_string(&path).ok());
    assert_eq!(made.broker.published_signatures(2).unwrap().unwrap().len(), 4);
    let veto = PolicySignature::veto(made.broker.policy().policy(), &old).unwrap();
    let file = made.policy.path().join("veto");
    fs::write(&file, veto.to_text()).unwrap();
    made.broker.keep_veto(&file).unwrap();
    let signatures = made.broker.published_signatures(2).unwrap().unwrap();
    assert!(signatures.len() == 5 && signatures.contains(&veto.to_text()));
    assert_eq!(made.broker.published_signatures(1).unwrap().unwrap().len(), 4, "a veto is of what is to come");
}

#[test]
fn all_certificates_are_fetched_suspensions_too() {
    let made = Made::begin();
    assert!(made.broker.published_certificates().is_empty());
    let certificates = sample::certificates(&sample::policy());
    for certificate in &certificates {
        made.broker.keep_certificate(certificate, START).unwrap();
    }
    let mut suspension = certificates[0].claimed().clone();
    (suspension.serial, suspension.keys) = (2, None);
    let slug = sample::policy().partner(suspension.partner).unwrap().organisation.to_string();
    let suspension = Certificate::sign(&sample::policy(), suspension, &sample::policy_key(&slug)).unwrap();
    made.broker.keep_certificate(&suspension, START).unwrap();
    let mut fetched = made.broker.published_certificates();
    assert_eq!(fetched.len(), certificates.len() + 1);
    assert!(fetched.contains(&suspension.to_text()));
    fetched.retain(|text| certificates.iter().any(|one| one.to_text() == *text));
    assert_eq!(fetched.len(), certificates.len());
}
