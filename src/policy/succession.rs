//! Which policy may take the place of the one in force, and who must have agreed to that.

use std::collections::BTreeSet;

use super::error::PolicyError;
use super::model::{Epoch, Policy};
use super::signature::PolicySignature;
use super::signed::{SignedPolicy, signers};
use crate::day::Day;
use crate::slug::Slug;

impl SignedPolicy {
    /// Takes a newer policy into force in the place of this one.
    ///
    /// Beyond what [`SignedPolicy::verify`] asks, the newer one must follow this one, and this one's organisations must
    /// have signed it under this one's keys. Otherwise a few could write a roster of their own and sign that alone.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySuccessor`], [`PolicyError::PolicyUnsafe`] and [`PolicyError::PolicySignatures`].
    pub fn succeed(&self, newer: Policy, signatures: &[PolicySignature]) -> Result<SignedPolicy, PolicyError> {
        self.refuse_other_line(&newer)?;
        refuse_changed_epochs(self.policy(), &newer)?;
        refuse_moved_numbers(self.policy(), &newer)?;
        refuse_open_epochs_of_leavers(self.policy(), &newer)?;
        let newer = SignedPolicy::verify(newer, signatures)?;
        let needed = approvals_needed(self.policy(), newer.policy());
        let approved = signers(self.policy(), newer.digest(), signatures, needed, "the roster in force")?;
        refuse_foreign_keys(self.policy(), newer.policy(), &approved)?;
        Ok(newer)
    }

    /// Refuses a policy that lets an epoch close later that has closed before `today`, because its keys are gone by
    /// then.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySuccessor`].
    pub(crate) fn refuse_reopened(&self, newer: &Policy, today: Day) -> Result<(), PolicyError> {
        let mut both = shared_epochs(self.policy(), newer);
        match both.find(|(known, epoch)| known.closes < today && epoch.closes > known.closes) {
            Some((known, _)) => refused(stays_closed(known)),
            None => Ok(()),
        }
    }

    /// Refuses a policy of another consortium or purpose, and one that is not the next in this one's line of versions.
    fn refuse_other_line(&self, newer: &Policy) -> Result<(), PolicyError> {
        let old = self.policy();
        if newer.consortium != old.consortium || newer.purpose != old.purpose {
            return refused(format!(
                "it is of '{}' for '{}', and the one in force of '{}' for '{}'; another purpose is another consortium",
                newer.consortium, newer.purpose, old.consortium, old.purpose
            ));
        }
        if newer.version == old.version && newer.digest() != self.digest() {
            return refused(format!(
                "it is another policy of version {}: of another consortium of this name, or written anew; the next \
                 version follows this one",
                old.version
            ));
        }
        if newer.version <= old.version {
            return refused(format!("its version {} is not after {}", newer.version, old.version));
        }
        if newer.previous != Some(self.digest()) {
            return refused(format!(
                "it must name the digest of the one in force: previous = \"{}\"; where versions between the two were \
                 missed, adopt those first",
                self.digest()
            ));
        }
        if newer.valid_from < old.valid_from {
            let (from, before) = (newer.valid_from, old.valid_from);
            return refused(format!("it is valid from {from}, before the one in force ({before})"));
        }
        Ok(())
    }
}

/// An epoch keeps its key, and one that closed before the newer policy's first day keeps its last day.
fn refuse_changed_epochs(old: &Policy, newer: &Policy) -> Result<(), PolicyError> {
    for (known, epoch) in shared_epochs(old, newer) {
        if known.key_id != epoch.key_id {
            return refused(format!("epoch {} has another key id; a new key is a new epoch", epoch.number));
        }
        if known.closes < newer.valid_from && epoch.closes != known.closes {
            return refused(stays_closed(known));
        }
    }
    Ok(())
}

/// A partner's number stays with its organisation, because the broker knows the partner's flags by the number.
fn refuse_moved_numbers(old: &Policy, newer: &Policy) -> Result<(), PolicyError> {
    let moved = newer
        .partners
        .iter()
        .find(|partner| old.partner(partner.number).is_some_and(|known| known.organisation != partner.organisation));
    match moved {
        None => Ok(()),
        Some(partner) => refused(format!(
            "partner {} is of another organisation; give a new partner a number never used before",
            partner.number
        )),
    }
}

/// An organisation that leaves still holds the secrets of the epochs it knew, so these must close soon and a new one
/// open.
fn refuse_open_epochs_of_leavers(old: &Policy, newer: &Policy) -> Result<(), PolicyError> {
    let days = old.changes.new_epoch_within_days;
    let stay = newer.organisation_names();
    let Some(leaver) = old.organisation_names().into_iter().find(|name| !stay.contains(name)) else {
        return Ok(());
    };
    let until = newer.valid_from.plus(days);
    let (known, new): (Vec<_>, Vec<_>) = newer.epochs.iter().partition(|e| old.epoch(e.number).is_some());
    if new.iter().any(|epoch| epoch.opens <= until) && known.iter().all(|epoch| epoch.closes <= until) {
        return Ok(());
    }
    refused(format!(
        "'{leaver}' leaves and holds the key: within {days} days, so by {until}, a new epoch must open, and those that \
         it knows must close"
    ))
}

/// How many organisations of `old` must have signed `newer`.
///
/// As many as `old` asks for, but those that leave cannot block it, and less than a majority is never enough.
fn approvals_needed(old: &Policy, newer: &Policy) -> usize {
    let own = old.organisation_names();
    let remaining = newer.organisation_names().intersection(&own).count();
    remaining.max(own.len() / 2 + 1).min(old.changes.signatures.into())
}

/// Only an organisation itself, by a key that it has in the policy in force, gives its partners other keys.
///
/// Whoever has the key of a partner's number can withdraw its flags and ask about them, so the others must not replace
/// it.
fn refuse_foreign_keys(old: &Policy, newer: &Policy, approved: &BTreeSet<Slug>) -> Result<(), PolicyError> {
    for partner in &newer.partners {
        let Some(known) = old.partner(partner.number) else { continue };
        let is_new = |key| !known.all_keys().any(|before| before == key);
        if partner.all_keys().any(is_new) && !approved.contains(&partner.organisation) {
            return Err(PolicyError::PolicySignatures {
                finding: format!(
                    "partner {} has another key in it, and '{}' has not signed with a key that it has in the roster in \
                     force; one that lost its keys gets a number never used before",
                    partner.number, partner.organisation
                ),
            });
        }
    }
    Ok(())
}

/// The epochs that both policies have, by number: as in the old one, and as in the newer one.
fn shared_epochs<'a>(old: &'a Policy, newer: &'a Policy) -> impl Iterator<Item = (&'a Epoch, &'a Epoch)> {
    newer.epochs.iter().filter_map(|epoch| Some((old.epoch(epoch.number)?, epoch)))
}

fn stays_closed(epoch: &Epoch) -> String {
    format!(
        "epoch {} closed on {}, and its keys are destroyed: leave its last day as it is, and open a new epoch",
        epoch.number, epoch.closes
    )
}

fn refused(finding: String) -> Result<(), PolicyError> {
    Err(PolicyError::PolicySuccessor { finding })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn sign(policy: &Policy, keys: &[u8]) -> Vec<PolicySignature> {
        keys.iter().map(|key| PolicySignature::sign(policy, &sample::partner_key(*key)).unwrap()).collect()
    }

    /// The sample's text as version 2, changed further.
    fn newer(changes: &[(&str, &str)]) -> Policy {
        let version = format!("version = 2\nprevious = \"{}\"", sample::policy().digest());
        let changes: Vec<_> = [("version = 1", version.as_str())].into_iter().chain(changes.iter().copied()).collect();
        sample::changed(&changes)
    }

    fn succeed(policy: &Policy, signatures: &[PolicySignature]) -> &'static str {
        sample::signed().succeed(policy.clone(), signatures).map_or_else(|error| error.code(), |_| "in force")
    }

    /// The sample's text without its last partner, as version 2.
    fn without_partner_4(changes: &[(&str, &str)]) -> Policy {
        let start = sample::TEXT.rfind("[[partner]]").unwrap();
        newer(&[&[(&sample::TEXT[start..], "")], changes].concat())
    }

    const NEW_EPOCH: (&str, &str) = (
        "closes = 2027-11-30",
        "closes = 2026-12-31\n[[epoch]]\nnumber = 2\nkey_id = \"0123456789abcdef\"\nopens = 2026-12-15\n\
         closes = 2027-06-30",
    );

    #[test]
    fn a_successor_names_the_one_before_and_is_signed_under_both_rosters() {
        let policy = newer(&[]);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3, 4])), "in force");
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3])), "policy_signatures");
        let version_5 = newer(&[("version = 2", "version = 5")]);
        assert_eq!(succeed(&version_5, &sign(&version_5, &[1, 2, 3, 4])), "in force");
    }

    #[test]
    fn another_policy_of_the_same_version_is_said_to_be_one() {
        let anew = sample::changed(&[("threshold = 2", "threshold = 3")]);
        let error = sample::signed().succeed(anew, &[]).unwrap_err();
        assert!(error.to_string().contains("another policy of version 1"), "{error}");
    }

    #[test]
    fn a_stranger_is_no_successor() {
        let digest = sample::policy().digest().to_string();
        let id = sample::secret_file(1).key_id().to_string();
        for change in [
            ("consortium = \"zaanstad\"", "consortium = \"haarlem\""),
            ("purpose = \"ondermijning-zaanstad\"", "purpose = \"iets-anders\""),
            (digest.as_str(), &"0".repeat(64)),
            ("valid_from = 2026-12-01", "valid_from = 2026-11-30"),
            (id.as_str(), "0123456789abcdef"),
        ] {
            let policy = newer(&[change]);
            assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3, 4])), "policy_successor", "{change:?}");
        }
        let first = sample::policy();
        assert_eq!(succeed(&first, &sign(&first, &[1, 2, 3, 4])), "policy_successor");
        let second = sample::signed().succeed(newer(&[]), &sign(&newer(&[]), &[1, 2, 3, 4])).unwrap();
        let again = sample::changed(&[("version = 1", &format!("version = 2\nprevious = \"{}\"", second.digest()))]);
        assert_eq!(second.succeed(again.clone(), &sign(&again, &[1, 2, 3, 4])).unwrap_err().code(), "policy_successor");
    }

    #[test]
    fn an_epoch_that_has_closed_is_not_opened_again() {
        let longer = newer(&[("closes = 2027-11-30", "closes = 2027-12-31")]);
        let (last, after): (Day, Day) = ("2027-11-30".parse().unwrap(), "2027-12-01".parse().unwrap());
        assert!(sample::signed().refuse_reopened(&longer, last).is_ok());
        let error = sample::signed().refuse_reopened(&longer, after).unwrap_err();
        assert_eq!(error.code(), "policy_successor");
        assert!(error.to_string().contains("epoch 1 closed on 2027-11-30"), "{error}");
        assert!(sample::signed().refuse_reopened(&newer(&[]), after).is_ok());
    }

    #[test]
    fn a_number_stays_with_its_organisation() {
        let swapped = [("number = 3", "number = 9"), ("number = 4", "number = 3")];
        let policy = newer(&swapped);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3, 4])), "policy_successor");
    }

    #[test]
    fn who_leaves_need_not_sign_but_takes_the_key_along() {
        let policy = without_partner_4(&[]);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3])), "policy_successor", "no new epoch");
        let late = (NEW_EPOCH.0, &*NEW_EPOCH.1.replace("2026-12-31", "2027-01-01"));
        let policy = without_partner_4(&[late]);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3])), "policy_successor", "the old epoch closes late");
        let policy = without_partner_4(&[NEW_EPOCH]);
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2, 3])), "in force");
        assert_eq!(succeed(&policy, &sign(&policy, &[1, 2])), "policy_signatures");
    }

    /// One organisation makes a roster of itself and two inventions, all of which sign.
    #[test]
    fn nobody_replaces_the_roster_alone() {
        let key = |number| sample::partner_key(number).verifying_key().to_string();
        let (two, three, ten, eleven) = (key(2), key(3), key(10), key(11));
        let policy = without_partner_4(&[
            NEW_EPOCH,
            (&two, &ten),
            (&three, &eleven),
            ("organisation = \"belastingdienst\"", "organisation = \"verzonnen-een\""),
            ("organisation = \"zaanwonen\"", "organisation = \"verzonnen-twee\""),
            ("number = 2\nname", "number = 12\nname"),
            ("number = 3\nname", "number = 13\nname"),
        ]);
        let mut signatures = sign(&policy, &[1, 10, 11]);
        assert!(SignedPolicy::verify(policy.clone(), &signatures).is_ok());
        assert_eq!(succeed(&policy, &signatures), "policy_signatures");
        // A majority of those in force may do it: three of four.
        let leaving = |number| PolicySignature::sign_under(&policy, &sample::policy(), &sample::partner_key(number));
        signatures.push(leaving(2).unwrap());
        assert_eq!(succeed(&policy, &signatures), "policy_signatures");
        signatures.push(leaving(4).unwrap());
        assert_eq!(succeed(&policy, &signatures), "in force");
    }

    #[test]
    fn a_new_key_is_vouched_for_by_the_old_one() {
        let (old, new) = (sample::partner_key(2), sample::partner_key(22));
        let policy = newer(&[(&old.verifying_key().to_string(), &new.verifying_key().to_string())]);
        let mut signatures = sign(&policy, &[1, 22, 3, 4]);
        assert_eq!(succeed(&policy, &signatures), "policy_signatures");
        signatures.push(PolicySignature::sign_under(&policy, &sample::policy(), &old).unwrap());
        assert_eq!(succeed(&policy, &signatures), "in force");
    }

    #[test]
    fn fewer_signatures_when_the_policy_in_force_says_so() {
        let three = [("[[epoch]]", "[changes]\nsignatures = 3\n[[epoch]]")];
        let in_force = sample::changed(&three);
        let signed = SignedPolicy::verify(in_force.clone(), &sign(&in_force, &[1, 2, 4])).unwrap();
        let previous = format!("version = 2\nprevious = \"{}\"", in_force.digest());
        let policy = sample::changed(&[three[0], ("version = 1", &previous)]);
        assert!(signed.succeed(policy.clone(), &sign(&policy, &[2, 3, 4])).is_ok());
        assert_eq!(signed.succeed(policy.clone(), &sign(&policy, &[2, 3])).unwrap_err().code(), "policy_signatures");

        // Three do not take over the number of the fourth, by its key or by an old one, and with it the fourth's flags.
        let (theirs, own) = (sample::partner_key(44).verifying_key().to_string(), sample::partner_key(4));
        let key = own.verifying_key().to_string();
        let line = format!("verifying_key = \"{key}\"");
        let beside = format!("{line}\nold_key = {{ verifying_key = \"{theirs}\", until = 2027-11-30 }}");
        for change in [(key.as_str(), theirs.as_str()), (line.as_str(), beside.as_str())] {
            let policy = sample::changed(&[three[0], ("version = 1", &previous), change]);
            let mut signatures = sign(&policy, &[1, 2, 3]);
            let error = signed.succeed(policy.clone(), &signatures).unwrap_err();
            assert!(error.code() == "policy_signatures" && error.to_string().contains("partner 4"), "{error}");
            signatures.push(PolicySignature::sign_under(&policy, &in_force, &own).unwrap());
            assert!(signed.succeed(policy, &signatures).is_ok(), "it says so itself");
        }
    }
}
