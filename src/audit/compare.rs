//! Whether two checkpoints are of one log: a partner asks this of each new checkpoint, and two parties of theirs.

use super::checkpoint::{Checkpoint, LogKey, UnverifiedCheckpoint};
use super::error::AuditError;
use super::proof::ConsistencyProof;
use super::reply::LoggedReply;
use super::tree::verify_consistency;
use crate::digest::Digest;

/// How the checkpoints of two parties relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They have the same size and the same root.
    Same,
    /// The proof shows that one continues the other.
    Continues,
    /// Their sizes differ and no proof was given, so nothing is known. The broker, or whoever holds the log, can make a
    /// proof.
    Unproved,
}

/// How many seconds after the moment of a restore a reply of before it may bear: the clocks that a broker is given may
/// be a minute apart.
const RESTORE_TOLERANCE: u64 = 60;

/// Checks that the checkpoint of a status reply continues the one that was kept, and gives the one to keep from now on.
///
/// `kept` is the checkpoint that was kept. It was verified when it came and is not verified again, because the policy
/// may name another key by now. `newer` is the status reply's checkpoint, empty where it has none. `consistency` is the
/// reply's proof, from the size of `kept`, which the request named.
///
/// Where the policy names another log than that of `kept`, the newer checkpoint is taken without a proof: all
/// organisations signed that policy.
///
/// # Errors
///
/// [`AuditError::LogInconsistent`], with both, where `newer` does not continue `kept`; [`AuditError::Checkpoint`] where
/// one of them is not a checkpoint, or `newer` is not signed by the policy's key.
pub fn follow(
    kept: Option<&[u8]>,
    newer: &[u8],
    consistency: &[Digest],
    key: &LogKey,
) -> Result<Option<Checkpoint>, AuditError> {
    let kept = kept.map(UnverifiedCheckpoint::parse).transpose()?;
    let kept = kept.filter(|kept| kept.claimed_origin() == key.origin());
    let Some(kept) = kept else {
        return if newer.is_empty() { Ok(None) } else { Checkpoint::verify(newer, key).map(Some) };
    };
    let inconsistent = |finding: String| AuditError::LogInconsistent {
        finding,
        older: kept.to_text().into_bytes(),
        newer: newer.to_vec(),
    };
    let size = kept.claimed_size();
    if newer.is_empty() {
        return Err(inconsistent(format!("it had {size} lines, and now the broker shows no checkpoint")));
    }
    let newer = Checkpoint::verify(newer, key)?;
    if newer.size() < size {
        return Err(inconsistent(format!(
            "it had {size} lines, and now it has {}: if the broker was restored from an older backup, its operator \
             must say so",
            newer.size()
        )));
    }
    if !verify_consistency(size, kept.claimed_root(), newer.size(), newer.root(), consistency) {
        return Err(inconsistent(format!(
            "the broker does not show that its {} lines begin with the {size} that there were",
            newer.size()
        )));
    }
    Ok(Some(newer))
}

/// Compares the checkpoints of two parties, in either order.
///
/// # Errors
///
/// [`AuditError::LogInconsistent`], with both, where they are of one size with different roots: the broker showed two
/// logs. [`AuditError::LogProof`] where the proof does not show that one continues the other, which is no evidence
/// against the broker yet: anybody can make a wrong proof. [`AuditError::Checkpoint`] where they are of different logs.
pub fn compare(
    ours: &Checkpoint,
    theirs: &Checkpoint,
    proof: Option<&ConsistencyProof>,
) -> Result<Comparison, AuditError> {
    if !are_of_one_log(ours, theirs)? {
        let finding = "the two are of different logs: after a restore the broker begins one of its own";
        return Err(AuditError::Checkpoint { finding });
    }
    if ours.size() == theirs.size() {
        if ours.root() == theirs.root() {
            return Ok(Comparison::Same);
        }
        return Err(AuditError::LogInconsistent {
            finding: format!("of {} lines it signed two different roots", ours.size()),
            older: ours.as_bytes().to_vec(),
            newer: theirs.as_bytes().to_vec(),
        });
    }
    let (older, newer) = if ours.size() < theirs.size() { (ours, theirs) } else { (theirs, ours) };
    match proof {
        None => Ok(Comparison::Unproved),
        Some(proof) => proof.verify(older, newer).map(|()| Comparison::Continues),
    }
}

/// Compares what signed replies to two parties say of the broker's last restore, in either order. After a restore all
/// of its replies name that moment. So one that bears a later time and does not name it is of a broker that told its
/// restore to some and went on as before with others, or whose clock was ahead before the restore: what a broker signed
/// after its copy was made it cannot know any more. Its operator is to be asked which.
///
/// # Errors
///
/// [`AuditError::LogInconsistent`] where one of them is such a reply: the two together show it.
pub fn compare_restores(ours: &LoggedReply, theirs: &LoggedReply) -> Result<(), AuditError> {
    let [older, newer] = if ours.entry().restored < theirs.entry().restored { [ours, theirs] } else { [theirs, ours] };
    let (named, restored) = (older.entry().restored, newer.entry().restored);
    if named == restored || older.time().since(restored) <= RESTORE_TOLERANCE {
        return Ok(());
    }
    let finding = format!(
        "one reply says that the store was restored at {restored}, and another, of {}, does not know of that; it shows \
         two histories unless the broker's clock was ahead before it was restored, so ask the operator that first",
        older.time()
    );
    Err(AuditError::LogInconsistent { finding, older: Vec::new(), newer: Vec::new() })
}

/// Whether two checkpoints are of one origin.
pub(super) fn are_of_one_log(one: &Checkpoint, other: &Checkpoint) -> Result<bool, AuditError> {
    let one = UnverifiedCheckpoint::parse(one.as_bytes())?;
    Ok(UnverifiedCheckpoint::parse(other.as_bytes())?.claimed_origin() == one.claimed_origin())
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::tests::{log_key, sign};
    use super::super::reply::tests::signed;
    use super::super::tree::{Log, leaf_hash};
    use super::*;
    use crate::day::Timestamp;
    use crate::message::{Code, LogEntry, Rejection, Reply};
    use crate::policy::sample;

    fn log(size: u8) -> Log {
        (0..size).map(|line| leaf_hash(&[line])).collect()
    }

    /// The same as `log` save for line 1.
    fn forked(size: u8) -> Log {
        (0..size).map(|line| leaf_hash(&[line + u8::from(line == 1) * 100])).collect()
    }

    fn followed(kept: &Log, newer: &Log) -> Result<Option<Checkpoint>, AuditError> {
        let proof = newer.prove_consistency(kept.size(), newer.size()).unwrap_or_default();
        follow(Some(sign(kept).as_bytes()), sign(newer).as_bytes(), &proof, &log_key())
    }

    #[test]
    fn a_log_that_grows_is_followed() {
        let first = follow(None, sign(&log(3)).as_bytes(), &[], &log_key()).unwrap();
        assert_eq!(first, Some(sign(&log(3))));
        assert_eq!(follow(None, &[], &[], &log_key()).unwrap(), None);
        for old in 0..20 {
            for new in old..20 {
                assert_eq!(followed(&log(old), &log(new)).unwrap(), Some(sign(&log(new))), "{old} to {new}");
            }
        }
    }

    #[test]
    fn a_log_that_does_not_continue_is_complained_of_with_both_as_evidence() {
        for (kept, newer) in
            [(log(7), forked(7)), (log(7), forked(12)), (log(8), forked(12)), (log(7), log(5)), (forked(7), log(5))]
        {
            let error = followed(&kept, &newer).unwrap_err();
            assert_eq!(error.code(), "log_inconsistent");
            let (kept, signed) = (sign(&kept), sign(&newer));
            let AuditError::LogInconsistent { older, newer, .. } = &error else { panic!("{error}") };
            assert_eq!((older.as_slice(), newer.as_slice()), (kept.as_bytes(), signed.as_bytes()));
            let text = error.to_string();
            for evidence in [older, newer] {
                assert!(text.contains(std::str::from_utf8(evidence).unwrap()), "{text}");
            }
        }
        let error = follow(Some(sign(&log(7)).as_bytes()), &[], &[], &log_key()).unwrap_err();
        assert_eq!(error.code(), "log_inconsistent");
        let error = follow(Some(sign(&log(7)).as_bytes()), sign(&log(9)).as_bytes(), &[], &log_key()).unwrap_err();
        assert_eq!(error.code(), "log_inconsistent", "a proof is due");
    }

    #[test]
    fn what_the_broker_did_not_sign_is_no_evidence() {
        let bytes = sign(&forked(9)).as_bytes().to_vec();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            let error = follow(Some(sign(&log(7)).as_bytes()), &flipped, &[], &log_key()).unwrap_err();
            assert_eq!(error.code(), "checkpoint", "byte {at}");
        }
    }

    #[test]
    fn another_log_or_key_comes_with_a_policy() {
        let moved = sample::changed(&[("stapel.example.nl/zaanstad", "stapel.example.nl/2/zaanstad")]);
        let newer = Checkpoint::sign(&log(2), &LogKey::of(&moved), &sample::checkpoint_key()).unwrap();
        let kept = sign(&log(7));
        let followed = follow(Some(kept.as_bytes()), newer.as_bytes(), &[], &LogKey::of(&moved)).unwrap();
        assert_eq!(followed, Some(newer));
        let (old, new) = (sample::checkpoint_key().verifying_key(), sample::partner_key(77));
        let rekeyed = sample::changed(&[(&old.to_string(), &new.verifying_key().to_string())]);
        let newer = Checkpoint::sign(&log(9), &LogKey::of(&rekeyed), &new).unwrap();
        let proof = log(9).prove_consistency(7, 9).unwrap();
        let followed = follow(Some(kept.as_bytes()), newer.as_bytes(), &proof, &LogKey::of(&rekeyed)).unwrap();
        assert_eq!(followed, Some(newer), "the kept one is not asked for the new key");
    }

    #[test]
    fn two_parties_compare() {
        let proof = ConsistencyProof::make(&log(9), &sign(&log(7)), &sign(&log(9))).unwrap();
        let compared = |a: &Log, b: &Log, proof| compare(&sign(a), &sign(b), proof);
        assert_eq!(compared(&log(7), &log(7), None).unwrap(), Comparison::Same);
        assert_eq!(compared(&log(7), &log(9), None).unwrap(), Comparison::Unproved);
        assert_eq!(compared(&log(7), &log(9), Some(&proof)).unwrap(), Comparison::Continues);
        assert_eq!(compared(&log(9), &log(7), Some(&proof)).unwrap(), Comparison::Continues);
        assert_eq!(compared(&log(7), &forked(9), Some(&proof)).unwrap_err().code(), "log_proof");
        let error = compared(&log(7), &forked(7), None).unwrap_err();
        assert_eq!(error.code(), "log_inconsistent");
        let AuditError::LogInconsistent { older, newer, .. } = error else { panic!("{error}") };
        assert_eq!((older.as_slice(), newer.as_slice()), (sign(&log(7)).as_bytes(), sign(&forked(7)).as_bytes()));
    }

    #[test]
    fn a_restore_that_is_told_to_one_alone_is_found_by_their_replies() {
        let at = |restored: u64, time: u64| {
            let log = LogEntry { restored: Timestamp(restored), index: 4, leaf: Digest([7; 32]), salt: [9; 16] };
            let reply = Reply::Rejection(Rejection { log, ..Rejection::new(Code::Gap, 1, "no") });
            LoggedReply::verify(&signed(&reply, Timestamp(time)), &sample::policy()).unwrap()
        };
        let (restored, before, race, hidden) = (at(1_000, 5_000), at(0, 999), at(0, 1_060), at(0, 1_061));
        for (one, other) in [(&restored, &before), (&restored, &race), (&restored, &at(1_000, 1_000)), (&race, &hidden)]
        {
            assert!(compare_restores(one, other).is_ok() && compare_restores(other, one).is_ok());
        }
        for (one, other) in [(&restored, &hidden), (&hidden, &restored), (&at(2_000, 2_000), &at(1_000, 2_061))] {
            let error = compare_restores(one, other).unwrap_err();
            assert_eq!(error.code(), "log_inconsistent");
            assert!(error.to_string().ends_with("tell the coordinator."), "there is no checkpoint to show: {error}");
        }
    }
}
