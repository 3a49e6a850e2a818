//! Which policy may take the place of the one in force, and who must have agreed to that.

use super::error::PolicyError;
use super::model::{Because, Epoch, Organisation, Policy, RosterEntry, Rules, Unsigned};
use super::signature::PolicySignature;
use super::signed::{SignedPolicy, signers};
use crate::day::Day;
use crate::slug::Slug;

/// With fewer organisations than this in force, all of them sign every version.
const FEWEST_FOR_ONE_UNSIGNED: usize = 4;

/// The days in which an organisation that is said to have lost its policy key can veto.
pub(crate) const VETO_DAYS: u16 = 30;

impl SignedPolicy {
    /// Takes a newer policy into force in the place of this one.
    ///
    /// Beyond what [`SignedPolicy::verify`] asks, the newer one must follow this one, and this one's organisations must
    /// have signed it with their policy keys. Otherwise a few could write a roster of their own and sign that alone.
    /// `signatures` may hold vetoes too.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySuccessor`], [`PolicyError::PolicyUnsafe`] and [`PolicyError::PolicySignatures`].
    pub fn succeed(&self, newer: Policy, signatures: &[PolicySignature]) -> Result<SignedPolicy, PolicyError> {
        let old = self.policy();
        self.refuse_other_line(&newer)?;
        refuse_unfit(old, &newer)?;
        let newer = SignedPolicy::verify(newer, signatures)?;
        refuse_unasked_joiners(old, &newer)?;
        let unsigned = newer.policy().unsigned.as_ref().filter(|_| unsigned_now(newer.policy()));
        self.refuse_too_few(&newer, signatures, unsigned)?;
        if let Some(unsigned) = newer.policy().lost_key() {
            self.refuse_vetoed(signatures, unsigned)?;
        }
        Ok(newer)
    }

    /// Refuses a policy that comes too late: it would end or move an epoch that has opened by `today`, or let an
    /// organisation join one that has shown flags, so that whoever asks before and after would see what it brought.
    /// `has_released` says of an epoch whether its first full release was made.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySuccessor`].
    pub(crate) fn refuse_late(
        &self,
        newer: &Policy,
        today: Day,
        has_released: impl Fn(u32) -> bool,
    ) -> Result<(), PolicyError> {
        refuse_moved_epochs(self.policy(), newer, today)?;
        for Organisation { slug, .. } in entrants(self.policy(), newer) {
            let mut epochs = newer.epochs.iter().filter(|epoch| newer.takes_part(slug, epoch.number));
            if let Some(Epoch { number, .. }) = epochs.find(|epoch| has_released(epoch.number)) {
                return refused(format!(
                    "'{slug}' would join or begin to flag in epoch {number}, of which a release has shown flags: let \
                     it do so with a later one, in a version that names this one in `voids`"
                ));
            }
        }
        Ok(())
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
        let is_rival = newer.version == old.version || newer.previous == old.previous;
        if is_rival && newer.digest() != self.digest() {
            return refused(format!(
                "it is another policy that follows the same one as version {}, or of another consortium of this name; \
                 the next version follows this one. Who signed both is shown by `stapel policy evidence`",
                old.version
            ));
        }
        if Some(newer.version) != old.version.checked_add(1) {
            return refused(format!(
                "its version is {}, and that of the one in force {}: the next is one more; where versions between the \
                 two were missed, adopt those first",
                newer.version, old.version
            ));
        }
        if newer.previous != Some(self.digest()) {
            return refused(format!("it must name the digest of the one in force: previous = \"{}\"", self.digest()));
        }
        if newer.valid_from < old.valid_from {
            let (from, before) = (newer.valid_from, old.valid_from);
            return refused(format!("it is valid from {from}, before the one in force ({before})"));
        }
        // Otherwise a later version could make the flags of a real consortium visible at once.
        if newer.test != old.test {
            return refused("`test` stays as version 1 has it; another consortium can be one for tests".into());
        }
        Ok(())
    }

    /// Refuses a version that too few organisations of this one have signed with the policy keys that they have in it.
    fn refuse_too_few(
        &self,
        newer: &SignedPolicy,
        signatures: &[PolicySignature],
        unsigned: Option<&Unsigned>,
    ) -> Result<(), PolicyError> {
        let old = self.policy();
        let needed = match unsigned {
            Some(_) => old.organisations.len() - 1,
            None => old.signatures_for(newer.policy()),
        };
        // Whoever reads that fewer suffice is told why they do not here.
        let roster = if unsigned.is_none() && needed > old.changes.signatures.into() {
            "the policy in force (all of them, because the epochs change or another version is void)"
        } else {
            "the policy in force"
        };
        let approved = signers(old, newer.digest(), signatures, needed, roster)?;
        let excused = |slug: &Slug| unsigned.is_some_and(|unsigned| unsigned.organisation == *slug);
        let mut others = old.organisations.iter().filter(|organisation| !excused(&organisation.slug));
        // With all but one, it must be that one. Of fewer, each organisation decides on its own place.
        let missing = others.find(|organisation| {
            let slug = &organisation.slug;
            (unsigned.is_some() || !old.says_the_same_of(newer.policy(), slug)) && !approved.contains(slug)
        });
        match missing {
            None => Ok(()),
            Some(missing) => Err(PolicyError::PolicySignatures {
                finding: format!(
                    "'{}' has not signed with the policy key that it has in the one in force: nobody else changes its \
                     [[organisation]] or a [[partner]] of its, or lets it leave, unless all others sign and [unsigned] \
                     says so",
                    missing.slug
                ),
            }),
        }
    }

    /// Refuses a version for a lost policy key where this very key has vetoed all such that follow this one.
    fn refuse_vetoed(&self, signatures: &[PolicySignature], unsigned: &Unsigned) -> Result<(), PolicyError> {
        let keys = self.policy().organisations.iter().map(|one| (one.policy_key, &one.slug)).collect();
        let is_theirs = |one: &PolicySignature| {
            one.is_veto() && one.organisation == unsigned.organisation && one.verify(&keys, self.digest()).is_ok()
        };
        if !signatures.iter().any(is_theirs) {
            return Ok(());
        }
        refused(format!(
            "'{}' has vetoed, with its policy key, that this is lost: the one in force stays",
            unsigned.organisation
        ))
    }
}

/// Refuses what no signatures make good, of a version that is the next in the line of `old`.
pub(super) fn refuse_unfit(old: &Policy, newer: &Policy) -> Result<(), PolicyError> {
    refuse_changed_epochs(old, newer)?;
    refuse_moved_epochs(old, newer, newer.valid_from)?;
    refuse_moved_numbers(old, newer)?;
    refuse_joining_late(old, newer)?;
    refuse_leaving_amid_an_epoch(old, newer)?;
    match unsigned_version(old, newer)? {
        Some(unsigned) => refuse_unfit_exception(old, newer, unsigned),
        None => Ok(()),
    }
}

/// An epoch keeps its key, and one that closed before the newer policy's first day its last day. A new one comes after
/// all others, also those that the newer policy leaves out, and has a secret of its own.
fn refuse_changed_epochs(old: &Policy, newer: &Policy) -> Result<(), PolicyError> {
    let mut highest = old.epochs.last().map(|last| last.number);
    for Epoch { number, key_id, .. } in newer.epochs.iter().filter(|epoch| old.epoch(epoch.number).is_none()) {
        if highest.and_then(|highest| highest.checked_add(1)) != Some(*number) {
            return refused(format!("epoch {number} is new: its number must be one more than the highest before it"));
        }
        // Otherwise whoever leaves would have the secret of the epoch that takes the place of one that it knows.
        if let Some(known) = old.epochs.iter().find(|known| known.key_id == *key_id) {
            let known = known.number;
            return refused(format!("epoch {number} is new, with the key id of epoch {known}: draw another secret"));
        }
        highest = Some(*number);
    }
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

/// An epoch that has opened by `day` keeps its first day, because releases are counted from it; and it stays until it
/// has closed, because dropping it would end all that is flagged in it.
fn refuse_moved_epochs(old: &Policy, newer: &Policy, day: Day) -> Result<(), PolicyError> {
    for Epoch { number, opens, closes, .. } in old.epochs.iter().filter(|epoch| epoch.opens <= day) {
        let stays = newer.epoch(*number).map_or(*closes < day, |epoch| epoch.opens == *opens);
        if !stays {
            return refused(format!(
                "epoch {number} opened on {opens}: keep it, with that day, until it has closed; to end it, give it an \
                 earlier last day"
            ));
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

/// An organisation joins, or begins to flag, at an epoch's start, so that nobody sees from an answer what it brought.
fn refuse_joining_late(old: &Policy, newer: &Policy) -> Result<(), PolicyError> {
    for entrant in entrants(old, newer) {
        let opens = entrant.first_epoch.and_then(|number| newer.epoch(number)).map(|epoch| epoch.opens);
        if opens.is_none_or(|opens| opens < newer.valid_from) {
            return refused(format!(
                "'{}' joins or begins to flag, so first_epoch must name an epoch that opens on {} or later, when this \
                 is valid",
                entrant.slug, newer.valid_from
            ));
        }
    }
    let moved = newer.organisations.iter().find(|organisation| {
        let known = old.organisation(&organisation.slug);
        known.is_some_and(|known| known.first_epoch != organisation.first_epoch)
            && !begins_to_flag(old, newer, &organisation.slug)
    });
    match moved {
        None => Ok(()),
        Some(moved) => refused(format!("'{}' has another first_epoch; it stays as it was", moved.slug)),
    }
}

/// An organisation leaves at the start of an epoch whose secret it never had; those that it knows must close soon.
fn refuse_leaving_amid_an_epoch(old: &Policy, newer: &Policy) -> Result<(), PolicyError> {
    let days = old.changes.new_epoch_within_days;
    let Some(leaver) = leavers(old, newer).next() else { return Ok(()) };
    let until = newer.valid_from.plus(days);
    let (known, new): (Vec<_>, Vec<_>) = newer.epochs.iter().partition(|e| old.epoch(e.number).is_some());
    if new.iter().any(|epoch| epoch.opens == newer.valid_from) && known.iter().all(|epoch| epoch.closes <= until) {
        return Ok(());
    }
    refused(format!(
        "'{}' leaves and holds the key: a new epoch must open on {}, when this becomes valid, and those that it \
         knows must close within {days} days, so by {until}",
        leaver.slug, newer.valid_from
    ))
}

/// Whether the policy is the version that came into force without a signature, and not a later one that repeats it.
fn unsigned_now(policy: &Policy) -> bool {
    policy.unsigned.as_ref().is_some_and(|unsigned| unsigned.version == policy.version)
}

/// What the newer version says of an organisation that did not sign it. What earlier ones say of theirs stays as it is.
fn unsigned_version<'a>(old: &Policy, newer: &'a Policy) -> Result<Option<&'a Unsigned>, PolicyError> {
    if unsigned_now(newer) {
        return Ok(newer.unsigned.as_ref());
    }
    if newer.unsigned == old.unsigned {
        return Ok(None);
    }
    refused("its [unsigned] must be as in the one in force, unless it names this version".into()).map(|()| None)
}

/// The bounds of coming into force without one organisation's signature.
fn refuse_unfit_exception(old: &Policy, newer: &Policy, unsigned: &Unsigned) -> Result<(), PolicyError> {
    let name = &unsigned.organisation;
    if old.organisations.len() < FEWEST_FOR_ONE_UNSIGNED {
        return refused(format!("with fewer than {FEWEST_FOR_ONE_UNSIGNED} organisations in force all sign"));
    }
    if unsigned.epoch != newer.epoch_at(newer.valid_from) {
        let epoch = newer.epoch_at(newer.valid_from);
        return refused(format!("unsigned.epoch must be {epoch}, the newest epoch on {}", newer.valid_from));
    }
    if let Some(before) = &old.unsigned
        && let Some(epoch) = old.epoch(before.epoch)
        && epoch.closes >= newer.valid_from
    {
        return refused(format!(
            "version {} came into force without '{}' in epoch {}, which closes on {}: until then all sign",
            before.version, before.organisation, before.epoch, epoch.closes
        ));
    }
    let known = old.organisation(name);
    let is = newer.organisation(name);
    match (unsigned.because, known, is) {
        (_, None, _) => refused(format!("'{name}' is not in the policy in force, and so its signature is not missing")),
        (Because::Leaves, Some(_), Some(_)) => {
            refused(format!("[unsigned] says that '{name}' leaves, and it is there"))
        }
        (Because::Leaves, Some(_), None) => match leavers(old, newer).find(|leaver| leaver.slug != *name) {
            None => Ok(()),
            Some(other) => refused(format!("'{}' leaves too; one a version, or it signs itself", other.slug)),
        },
        (Because::LostKey, Some(known), Some(is)) if known.policy_key != is.policy_key => {
            refuse_more_than_a_lost_key(old, newer, unsigned)
        }
        (Because::LostKey, ..) => {
            refused(format!("[unsigned] says that '{name}' lost its key, and it has no other one"))
        }
    }
}

/// A version for a lost policy key changes nothing else, and waits for a veto.
///
/// The partners get new numbers, so that whoever the new key is of, withdraws and asks nothing of what was flagged
/// before.
fn refuse_more_than_a_lost_key(old: &Policy, newer: &Policy, unsigned: &Unsigned) -> Result<(), PolicyError> {
    let name = &unsigned.organisation;
    let announced = unsigned.announced.unwrap_or(newer.valid_from);
    if newer.valid_from < announced.plus(VETO_DAYS) || announced < old.valid_from {
        return refused(format!(
            "'{name}' has {VETO_DAYS} days to veto: valid_from must be {} or later, and announced not before the one \
             in force is valid",
            announced.plus(VETO_DAYS)
        ));
    }
    let is_old = |partner: &&RosterEntry| partner.organisation == *name && old.partner(partner.number).is_some();
    if let Some(partner) = newer.partners.iter().find(is_old) {
        return refused(format!(
            "partner {} of '{name}' needs a number that nobody has in the one in force: its flags start anew",
            partner.number
        ));
    }
    // What is left when all that may differ is taken out of both.
    let rest = |policy: &Policy| {
        let mut rules: Rules = (**policy).clone();
        (rules.version, rules.previous, rules.valid_from, rules.unsigned) = (1, None, Day(0), None);
        let operator = rules.operator.verifying_key;
        for organisation in rules.organisations.iter_mut().filter(|organisation| organisation.slug == *name) {
            organisation.policy_key = operator;
        }
        for partner in rules.partners.iter_mut().filter(|partner| partner.organisation == *name) {
            partner.number = 0;
        }
        rules.partners.sort_by_key(|partner| partner.number);
        rules
    };
    if rest(old) == rest(newer) {
        return Ok(());
    }
    refused(format!(
        "a version for the lost key of '{name}' changes nothing but that key and the numbers of its partners; make \
         other changes in the next one"
    ))
}

/// Nobody is made to take part.
fn refuse_unasked_joiners(old: &Policy, newer: &SignedPolicy) -> Result<(), PolicyError> {
    match joiners(old, newer.policy()).find(|joiner| !newer.signed_by().contains(&joiner.slug)) {
        None => Ok(()),
        Some(joiner) => {
            Err(PolicyError::PolicySignatures { finding: format!("'{}' joins and has not signed it", joiner.slug) })
        }
    }
}

fn joiners<'a>(old: &'a Policy, newer: &'a Policy) -> impl Iterator<Item = &'a Organisation> {
    newer.organisations.iter().filter(|organisation| old.organisation(&organisation.slug).is_none())
}

/// The organisations that may bring flags which nobody could see before: those that join, and those that begin to flag.
fn entrants<'a>(old: &'a Policy, newer: &'a Policy) -> impl Iterator<Item = &'a Organisation> {
    let is_new = |organisation: &&Organisation| old.organisation(&organisation.slug).is_none();
    newer.organisations.iter().filter(move |one| is_new(one) || begins_to_flag(old, newer, &one.slug))
}

/// Whether an organisation has a partner that may flag, and had none before.
fn begins_to_flag(old: &Policy, newer: &Policy, organisation: &Slug) -> bool {
    let may_flag = |policy: &Policy| policy.flagging_organisation_names().contains(organisation);
    may_flag(newer) && !may_flag(old)
}

fn leavers<'a>(old: &'a Policy, newer: &'a Policy) -> impl Iterator<Item = &'a Organisation> {
    joiners(newer, old)
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

    const ALL: &[&str] = &sample::ORGANISATIONS;
    const ALL_BUT_TAX: &[&str] = &["gemeente-zaanstad", "politie", "zaanwonen"];

    fn sign(policy: &Policy, names: &[&str]) -> Vec<PolicySignature> {
        let sign = |name: &&str| {
            let key = sample::policy_key(name);
            // Whoever leaves signs with the key that it has in the one in force.
            PolicySignature::sign(policy, &key)
                .or_else(|_| PolicySignature::sign_under(policy, &sample::policy(), &key))
        };
        names.iter().map(|name| sign(name).unwrap()).collect()
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

    /// What is said of a newer policy that the organisations have signed.
    fn refusal(policy: &Policy, names: &[&str]) -> String {
        let error = sample::signed().succeed(policy.clone(), &sign(policy, names)).unwrap_err();
        format!("{}: {error}", error.code())
    }

    const NEW_EPOCH: (&str, &str) = (
        "closes = 2027-11-30",
        "closes = 2027-01-14\n[[epoch]]\nnumber = 2\nkey_id = \"0123456789abcdef0123456789abcdef\"\n\
         opens = 2026-12-15\ncloses = 2027-06-30",
    );
    const FROM_ITS_START: (&str, &str) = ("valid_from = 2026-12-01", "valid_from = 2026-12-15");

    /// The tables on the tax office, which are taken out when it leaves.
    fn without_tax(changes: &[(&str, &str)]) -> Policy {
        let partner = sample::TEXT.find("[[partner]]\nnumber = 2").unwrap();
        let next = sample::TEXT.find("[[partner]]\nnumber = 3").unwrap();
        let gone = [(sample::entry_of("belastingdienst"), ""), (&sample::TEXT[partner..next], "")];
        newer(&[&gone, changes].concat())
    }

    const LEFT: (&str, &str) = (
        "[[epoch]]",
        "[unsigned]\norganisation = \"belastingdienst\"\nbecause = \"leaves\"\nversion = 2\nepoch = 2\n[[epoch]]",
    );

    #[test]
    fn a_successor_names_the_one_before_and_is_signed_by_all() {
        let policy = newer(&[]);
        assert_eq!(succeed(&policy, &sign(&policy, ALL)), "in force");
        assert_eq!(succeed(&policy, &sign(&policy, ALL_BUT_TAX)), "policy_signatures");
        let version_3 = newer(&[("version = 2", "version = 3")]);
        assert!(refusal(&version_3, ALL).contains("the next is one more"), "{}", refusal(&version_3, ALL));
    }

    #[test]
    fn another_policy_of_the_same_version_is_said_to_be_one() {
        let anew = sample::changed(&[("threshold = 2", "threshold = 3")]);
        let error = sample::signed().succeed(anew, &[]).unwrap_err();
        assert!(error.to_string().contains("follows the same one as version 1"), "{error}");
    }

    #[test]
    fn a_stranger_is_no_successor() {
        let digest = sample::policy().digest().to_string();
        let id = sample::secret_file(1).key_id().to_string();
        let haarlem =
            [("consortium = \"zaanstad\"", "consortium = \"haarlem\""), ("example.nl/zaanstad", "example.nl/haarlem")];
        assert!(refusal(&newer(&haarlem), ALL).starts_with("policy_successor"));
        for change in [
            ("purpose = \"ondermijning-zaanstad\"", "purpose = \"iets-anders\""),
            (digest.as_str(), &"0".repeat(64)),
            ("valid_from = 2026-12-01", "valid_from = 2026-11-30"),
            (id.as_str(), "0123456789abcdef0123456789abcdef"),
            ("[operator]", "test = true\n[operator]"),
        ] {
            let policy = newer(&[change]);
            assert_eq!(succeed(&policy, &sign(&policy, ALL)), "policy_successor", "{change:?}");
        }
        let first = sample::policy();
        assert_eq!(succeed(&first, &sign(&first, ALL)), "policy_successor");
        let second = sample::signed().succeed(newer(&[]), &sign(&newer(&[]), ALL)).unwrap();
        let again = sample::changed(&[("version = 1", &format!("version = 2\nprevious = \"{}\"", second.digest()))]);
        assert_eq!(second.succeed(again.clone(), &sign(&again, ALL)).unwrap_err().code(), "policy_successor");
    }

    /// What makes a consortium one for tests is fixed by its first version, both ways.
    #[test]
    fn a_test_stays_one() {
        let test = sample::changed(&[("[operator]", "test = true\n[operator]")]);
        let signed = sample::signed_by_all(test.clone());
        let previous = format!("version = 2\nprevious = \"{}\"", test.digest());
        let real = sample::changed(&[("version = 1", &previous)]);
        let error = signed.succeed(real.clone(), &sign(&real, ALL)).unwrap_err();
        assert!(error.to_string().contains("`test` stays"), "{error}");
        let still = sample::changed(&[("version = 1", &previous), ("[operator]", "test = true\n[operator]")]);
        assert!(signed.succeed(still.clone(), &sign(&still, ALL)).is_ok());
    }

    #[test]
    fn a_number_stays_with_its_organisation() {
        let swapped = [("number = 3", "number = 9"), ("number = 4", "number = 3")];
        let policy = newer(&swapped);
        assert_eq!(succeed(&policy, &sign(&policy, ALL)), "policy_successor");
    }

    /// An epoch that has opened is what flags are held in, and what "once an epoch" is counted by.
    #[test]
    fn an_epoch_that_has_opened_stays_until_it_has_closed() {
        let first = sample::changed(&[NEW_EPOCH, ("valid_from = 2026-12-01", "valid_from = 2026-12-02")]);
        let signed = sample::signed_by_all(first.clone());
        let version = format!("version = 2\nprevious = \"{}\"", first.digest());
        let key_id = sample::secret_file(1).key_id();
        let start = format!("[[epoch]]\nnumber = 1\nkey_id = \"{key_id}\"\nopens = 2026-12-01\ncloses = 2027-01-14\n");
        let end = NEW_EPOCH.1.strip_prefix("closes = 2027-01-14").unwrap();
        let follow = |change: (&str, &str), from: &str| {
            let from = format!("valid_from = {from}");
            let later = ("valid_from = 2026-12-01", from.as_str());
            let newer = sample::changed(&[NEW_EPOCH, later, ("version = 1", &version), change]);
            let made = signed.succeed(newer.clone(), &sign(&newer, ALL));
            made.map(|_| newer).map_err(|error| error.to_string())
        };
        assert!(follow((&start, ""), "2027-01-14").unwrap_err().contains("keep it, with that day"));
        assert!(follow((&start, ""), "2027-01-15").is_ok(), "it has closed");
        assert!(follow((end, ""), "2026-12-15").unwrap_err().contains("keep it, with that day"));
        // Before it opens it may go, but not at a broker that comes to this when it has opened.
        let dropped = follow((end, ""), "2026-12-14").unwrap();
        assert!(signed.refuse_late(&dropped, "2026-12-14".parse().unwrap(), |_| false).is_ok());
        let late = signed.refuse_late(&dropped, "2026-12-15".parse().unwrap(), |_| false).unwrap_err();
        assert!(late.code() == "policy_successor" && late.to_string().contains("epoch 2 opened"), "{late}");
        let moved = follow(("opens = 2026-12-15", "opens = 2026-12-20"), "2026-12-14").unwrap();
        assert!(signed.refuse_late(&moved, "2026-12-15".parse().unwrap(), |_| false).is_err());
    }

    /// Whoever leaves has the secret of a later epoch too, if that was drawn already. Another takes its place, and no
    /// epoch that answers has to end for it.
    #[test]
    fn an_epoch_that_has_not_opened_makes_way_for_one_whose_secret_the_leaver_never_had() {
        let in_force = sample::changed(&[NEW_EPOCH, ("valid_from = 2026-12-01", "valid_from = 2026-12-02")]);
        let signed = sample::signed_by_all(in_force.clone());
        let version = format!("version = 2\nprevious = \"{}\"", in_force.digest());
        let tax = sample::TEXT.find("[[partner]]\nnumber = 2").unwrap();
        let next = sample::TEXT.find("[[partner]]\nnumber = 3").unwrap();
        let epochs = "closes = 2027-01-09\n[[epoch]]\nnumber = 3\nkey_id = \"aa23456789abcdef0123456789abcdef\"\n\
                      opens = 2026-12-10\ncloses = 2027-06-30";
        let unsigned = LEFT.1.replace("epoch = 2", "epoch = 3");
        let put_out = |change: (&str, &str)| {
            let newer = sample::changed(&[
                (sample::entry_of("belastingdienst"), ""),
                (&sample::TEXT[tax..next], ""),
                ("[[epoch]]", &unsigned),
                (NEW_EPOCH.0, epochs),
                ("valid_from = 2026-12-01", "valid_from = 2026-12-10"),
                ("version = 1", &version),
                change,
            ]);
            signed.succeed(newer.clone(), &sign(&newer, ALL_BUT_TAX)).map_err(|error| error.to_string())
        };
        let made = put_out(("threshold = 2", "threshold = 2")).unwrap();
        let numbers = |policy: &SignedPolicy| policy.policy().epochs.iter().map(|one| one.number).collect::<Vec<_>>();
        assert_eq!(numbers(&made), [1, 3]);
        for (change, says) in [
            (("aa23456789", "0123456789"), "with the key id of epoch 2"),
            (("number = 3\nkey_id", "number = 2\nkey_id"), "another key id"),
            (("number = 3\nkey_id", "number = 4\nkey_id"), "one more than the highest"),
        ] {
            let said = put_out(change).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
    }

    #[test]
    fn one_that_leaves_may_be_missing_and_takes_the_key_along() {
        let left = [NEW_EPOCH, FROM_ITS_START, LEFT];
        let policy = without_tax(&left);
        assert_eq!(succeed(&policy, &sign(&policy, ALL_BUT_TAX)), "in force");
        assert!(refusal(&policy, &ALL_BUT_TAX[1..]).starts_with("policy_signatures"));
        // It signs itself, and nothing is said of a missing signature.
        let agreed = without_tax(&left[..2]);
        assert_eq!(succeed(&agreed, &sign(&agreed, ALL)), "in force");
        assert!(refusal(&agreed, ALL_BUT_TAX).starts_with("policy_signatures"));
        for (change, says) in [
            (&[LEFT][..], "a new epoch must open on 2026-12-01"),
            (&[NEW_EPOCH, ("valid_from = 2026-12-01", "valid_from = 2026-12-02"), LEFT], "must open on 2026-12-02"),
            (&[NEW_EPOCH, FROM_ITS_START, LEFT, ("2027-01-14", "2027-01-15")], "so by 2027-01-14"),
            (&[NEW_EPOCH, FROM_ITS_START, LEFT, ("epoch = 2", "epoch = 1")], "must be 2, the newest epoch"),
            (&[NEW_EPOCH, FROM_ITS_START, LEFT, ("\"belastingdienst\"", "\"politie\"")], "and it is there"),
            (
                &[NEW_EPOCH, FROM_ITS_START, LEFT, ("\"belastingdienst\"", "\"brandweer\"")],
                "not in the policy in force",
            ),
        ] {
            let policy = without_tax(change);
            let said = refusal(&policy, ALL_BUT_TAX);
            assert!(said.starts_with("policy_successor") && said.contains(says), "{change:?}: {said}");
        }
    }

    /// The attack that once worked: three of five expel two, and then show every flag at once. Now the first step
    /// fails, and the second would, too.
    #[test]
    fn three_of_five_do_not_expel_two_and_make_it_a_test() {
        let fire = format!(
            "[[organisation]]\nslug = \"brandweer\"\nname = \"Brandweer\"\noin = \"00000099000000005000\"\n\
             contact = \"a\"\npolicy_key = \"{}\"\n[[partner]]\nnumber = 5\nname = \"Brandweer\"\n\
             organisation = \"brandweer\"\nmay = [\"flag\", \"ask\"]\n\
             legal_basis_flag = \"a\"\nlegal_basis_ask = \"a\"\n\n[[partner]]\nnumber = 1\n",
            sample::policy_key("brandweer").verifying_key()
        );
        let five = ("[[partner]]\nnumber = 1\n", fire.as_str());
        let sign = |policy: &Policy, under: &Policy, names: &[&str]| -> Vec<_> {
            names
                .iter()
                .map(|name| PolicySignature::sign_under(policy, under, &sample::policy_key(name)).unwrap())
                .collect()
        };
        let three = ["politie", "zaanwonen", "gemeente-zaanstad"];
        for least in ["", "[changes]\nsignatures = 3\n"] {
            let changes = format!("{least}[[epoch]]");
            let in_force = sample::changed(&[five, ("[[epoch]]", &changes)]);
            let everybody = [&three[..], &["belastingdienst", "brandweer"]].concat();
            let signed = SignedPolicy::verify(in_force.clone(), &sign(&in_force, &in_force, &everybody)).unwrap();
            let tax = sample::TEXT.find("[[partner]]\nnumber = 2").unwrap();
            let next = sample::TEXT.find("[[partner]]\nnumber = 3").unwrap();
            let version = format!("version = 2\nprevious = \"{}\"", in_force.digest());
            let epochs = format!("{least}{}", LEFT.1);
            let expel = [
                ("version = 1", version.as_str()),
                (sample::entry_of("belastingdienst"), ""),
                (&sample::TEXT[tax..next], ""),
                ("[[epoch]]", &epochs),
                NEW_EPOCH,
                FROM_ITS_START,
            ];
            let expel_two = sample::changed(&expel);
            let error = signed.succeed(expel_two.clone(), &sign(&expel_two, &in_force, &three)).unwrap_err();
            assert!(error.to_string().contains("'brandweer' leaves too"), "{error}");
            let expel_one = sample::changed(&[&[five], &expel[..]].concat());
            let error = signed.succeed(expel_one.clone(), &sign(&expel_one, &in_force, &three)).unwrap_err();
            assert_eq!(error.code(), "policy_signatures", "{error}");
            let shown = sample::changed(&[
                five,
                ("version = 1", &version),
                ("[[epoch]]", &changes),
                ("[operator]", "test = true\n[operator]"),
                ("interval_hours = 24", "immediate = true"),
            ]);
            let error = signed.succeed(shown.clone(), &sign(&shown, &in_force, &everybody)).unwrap_err();
            assert!(error.to_string().contains("`test` stays"), "{error}");
            // The fourth agrees, and one is put out. The second follows when the epoch of that has closed.
            let four = [&three[..], &["brandweer"]].concat();
            let signed = signed.succeed(expel_one.clone(), &sign(&expel_one, &in_force, &four)).unwrap();
            let version = format!("version = 3\nprevious = \"{}\"", expel_one.digest());
            let unsigned = epochs.replace("belastingdienst", "brandweer").replace("version = 2", "version = 3");
            let unsigned = unsigned.replace("epoch = 2", "epoch = 3");
            let third = NEW_EPOCH.1.to_owned()
                + "\n[[epoch]]\nnumber = 3\nkey_id = \"aa23456789abcdef0123456789abcdef\"\nopens = 2027-06-10\n\
                   closes = 2027-12-30";
            let expel_second = sample::changed(&[
                ("version = 1", &version),
                (sample::entry_of("belastingdienst"), ""),
                (&sample::TEXT[tax..next], ""),
                ("[[epoch]]", &unsigned),
                (NEW_EPOCH.0, &third),
                ("valid_from = 2026-12-01", "valid_from = 2027-06-10"),
            ]);
            let error = signed.succeed(expel_second.clone(), &sign(&expel_second, &expel_one, &three)).unwrap_err();
            assert!(error.to_string().contains("until then all sign"), "{error}");
        }
    }

    /// A majority neither takes the epoch of the others away, nor ends the one in which it put somebody out in order to
    /// put out the next.
    #[test]
    fn three_of_four_do_not_change_the_epochs() {
        let three = ("[[epoch]]", "[changes]\nsignatures = 3\n[[epoch]]");
        let in_force = sample::changed(&[three, NEW_EPOCH, FROM_ITS_START]);
        let signed = SignedPolicy::verify(in_force.clone(), &sign(&in_force, ALL_BUT_TAX)).unwrap();
        let version = format!("version = 2\nprevious = \"{}\"", in_force.digest());
        let third = "closes = 2027-06-30\n[[epoch]]\nnumber = 3\nkey_id = \"aa23456789abcdef0123456789abcdef\"\n\
                     opens = 2027-06-01\ncloses = 2027-12-31";
        for (from, to) in [
            ("closes = 2027-01-14", "closes = 2027-01-13"),
            ("closes = 2027-01-14", "closes = 2026-12-14"),
            ("closes = 2027-01-14", "closes = 2027-01-15"),
            ("closes = 2027-06-30", "closes = 2027-03-30"),
            ("closes = 2027-06-30", third),
        ] {
            let newer = sample::changed(&[three, NEW_EPOCH, FROM_ITS_START, ("version = 1", &version), (from, to)]);
            let error = signed.succeed(newer.clone(), &sign(&newer, ALL_BUT_TAX)).unwrap_err();
            let says = "of 4 organisations under the policy in force (all of them, because the epochs change";
            assert!(error.code() == "policy_signatures" && error.to_string().contains(says), "{error}");
            assert!(signed.succeed(newer.clone(), &sign(&newer, ALL)).is_ok(), "{to}");
        }
        let other = ("[operator]", "freshness_days = 9\n[operator]");
        let newer = sample::changed(&[three, NEW_EPOCH, FROM_ITS_START, ("version = 1", &version), other]);
        assert!(signed.succeed(newer.clone(), &sign(&newer, ALL_BUT_TAX)).is_ok(), "it is about no epoch");
    }

    /// One organisation makes a roster of itself and an invention, both of which sign.
    #[test]
    fn nobody_replaces_the_roster_alone() {
        let version = format!("version = 2\nprevious = \"{}\"", sample::policy().digest());
        let start = sample::TEXT.find("[[organisation]]").unwrap();
        let partner = sample::TEXT.find("[[partner]]").unwrap();
        let second = sample::TEXT.find("[[partner]]\nnumber = 2").unwrap();
        let alone = sample::changed(&[
            ("version = 1", &version),
            (&sample::TEXT[start..partner], sample::entry_of("politie")),
            (&sample::TEXT[second..], ""),
            NEW_EPOCH,
            FROM_ITS_START,
        ]);
        let signatures = sign(&alone, &["politie"]);
        assert!(SignedPolicy::verify(alone.clone(), &signatures).is_ok());
        assert_eq!(succeed(&alone, &signatures), "policy_signatures");
        assert_eq!(succeed(&alone, &sign(&alone, ALL)), "in force", "unless all agree");
    }

    #[test]
    fn with_fewer_than_four_all_sign() {
        let three = without_tax(&[]);
        let first = Policy::parse(&sample::TEXT.replace(sample::entry_of("belastingdienst"), "").replace(
            &sample::TEXT[sample::TEXT.find("[[partner]]\nnumber = 2").unwrap()
                ..sample::TEXT.find("[[partner]]\nnumber = 3").unwrap()],
            "",
        ))
        .unwrap();
        assert_eq!((three.organisations.len(), first.organisations.len()), (3, 3));
        let signed = SignedPolicy::verify(first.clone(), &sign(&first, ALL_BUT_TAX)).unwrap();
        let version = format!("version = 2\nprevious = \"{}\"", first.digest());
        let third = sample::TEXT.find("[[partner]]\nnumber = 3").unwrap();
        let fourth = sample::TEXT.find("[[partner]]\nnumber = 4").unwrap();
        let second = sample::TEXT.find("[[partner]]\nnumber = 2").unwrap();
        let aside = "[[override]]\nrule = \"names-somebody\"\nreason = \"a test\"\n";
        let left = aside.to_owned() + &LEFT.1.replace("belastingdienst", "zaanwonen");
        let two = sample::changed(&[
            ("version = 1", &version),
            (sample::entry_of("belastingdienst"), ""),
            (sample::entry_of("zaanwonen"), ""),
            (&sample::TEXT[third..fourth], ""),
            (&sample::TEXT[second..third], ""),
            NEW_EPOCH,
            FROM_ITS_START,
            (LEFT.0, &left),
        ]);
        let error = signed.succeed(two.clone(), &sign(&two, &["politie", "gemeente-zaanstad"])).unwrap_err();
        assert!(error.to_string().contains("fewer than 4"), "{error}");
    }

    /// Three signatures suffice, but not where a version says that another one is void.
    #[test]
    fn all_sign_that_another_version_is_void() {
        let three = ("[[epoch]]", "[changes]\nsignatures = 3\n[[epoch]]");
        let in_force = sample::changed(&[three]);
        let signed = SignedPolicy::verify(in_force.clone(), &sign(&in_force, ALL_BUT_TAX)).unwrap();
        let previous = format!("version = 2\nprevious = \"{}\"", in_force.digest());
        let voids = format!("{previous}\nvoids = [\"{}\"]", sample::policy().digest());
        let policy = sample::changed(&[three, ("version = 1", &voids)]);
        let error = signed.succeed(policy.clone(), &sign(&policy, ALL_BUT_TAX)).unwrap_err();
        assert!(error.code() == "policy_signatures" && error.to_string().contains("of 4 organisations"), "{error}");
        assert!(signed.succeed(policy.clone(), &sign(&policy, ALL)).is_ok());
        assert!(SignedPolicy::verify(policy.clone(), &sign(&policy, ALL_BUT_TAX)).is_err(), "nor as a first one");
    }

    fn joining(first_epoch: &str) -> Policy {
        let joiner = format!(
            "[[organisation]]\nslug = \"brandweer\"\nname = \"Brandweer\"\noin = \"00000099000000005000\"\n\
             contact = \"a\"\n{first_epoch}policy_key = \"{}\"\n[[partner]]\nnumber = 5\nname = \"Brandweer\"\n\
             organisation = \"brandweer\"\nmay = [\"flag\", \"ask\"]\n\
             legal_basis_flag = \"a\"\nlegal_basis_ask = \"a\"\n\n[[partner]]\nnumber = 1\n",
            sample::policy_key("brandweer").verifying_key()
        );
        // Epoch 1 gets an end so near only once it has begun.
        let day_later = ("valid_from = 2026-12-01", "valid_from = 2026-12-02");
        newer(&[NEW_EPOCH, day_later, ("[[partner]]\nnumber = 1\n", &joiner)])
    }

    #[test]
    fn an_organisation_joins_at_an_epochs_start_and_signs() {
        let five = [ALL, &["brandweer"]].concat();
        let policy = joining("first_epoch = 2\n");
        assert_eq!(succeed(&policy, &sign(&policy, &five)), "in force");
        assert!(refusal(&policy, ALL).starts_with("policy_signatures"));
        let fire: Slug = "brandweer".parse().unwrap();
        assert!(!policy.takes_part(&fire, 1) && policy.takes_part(&fire, 2) && policy.takes_part(&fire, 9));
        for (first, says) in [("", "must name an epoch"), ("first_epoch = 3\n", "must name an epoch")] {
            let said = refusal(&joining(first), &five);
            assert!(said.starts_with("policy_successor") && said.contains(says), "{said}");
        }
        let today = policy.valid_from;
        assert!(sample::signed().refuse_late(&policy, today, |epoch| epoch == 1).is_ok());
        let error = sample::signed().refuse_late(&policy, today, |epoch| epoch == 2).unwrap_err();
        assert!(error.to_string().contains("would join or begin to flag in epoch 2"), "{error}");
        // Nor does one that was there from the beginning join later.
        let police = "slug = \"politie\"";
        let moved = newer(&[(police, &format!("{police}\nfirst_epoch = 1"))]);
        assert!(refusal(&moved, ALL).contains("another first_epoch"));
    }

    /// The coordinator, or one that only asked, gets a partner that may flag.
    #[test]
    fn an_organisation_begins_to_flag_at_an_epochs_start() {
        let tax = "slug = \"belastingdienst\"";
        let whole = sample::TEXT.find("[[partner]]\nnumber = 2").unwrap();
        let flags = &sample::TEXT[whole..][..sample::TEXT[whole..].find("may = [").unwrap() + 7];
        let asks_alone = |text: String| text.replacen(&format!("{flags}\"flag\", "), flags, 1);
        assert_ne!(asks_alone(sample::TEXT.clone()), *sample::TEXT, "it may flag and ask");
        let without_basis = |text: String| {
            let at = text.find("[[partner]]\nnumber = 2").unwrap();
            let line = at + text[at..].find("legal_basis_flag").unwrap();
            let end = line + text[line..].find('\n').unwrap() + 1;
            text[..line].to_owned() + &text[end..]
        };
        let before = Policy::parse(&without_basis(asks_alone(sample::TEXT.clone()))).unwrap();
        let signed = sample::signed_by_all(before.clone());
        let version = format!("version = 2\nprevious = \"{}\"", before.digest());
        let begins = |first_epoch: &str| {
            let slug = format!("{tax}\n{first_epoch}");
            let day_later = ("valid_from = 2026-12-01", "valid_from = 2026-12-02");
            sample::changed(&[("version = 1", version.as_str()), NEW_EPOCH, day_later, (tax, &slug)])
        };
        let said = |policy: &Policy| {
            let made = signed.succeed(policy.clone(), &sign(policy, ALL));
            made.map_or_else(|error| error.to_string(), |_| "in force".to_owned())
        };
        for amid in ["", "first_epoch = 1\n"] {
            assert!(said(&begins(amid)).contains("begins to flag, so first_epoch"), "{}", said(&begins(amid)));
        }
        let policy = begins("first_epoch = 2\n");
        assert_eq!(said(&policy), "in force");
        assert_eq!((policy.flagging_in(1).len(), policy.flagging_in(2).len()), (3, 4));
        assert!(signed.refuse_late(&policy, policy.valid_from, |epoch| epoch == 1).is_ok());
        assert!(signed.refuse_late(&policy, policy.valid_from, |epoch| epoch == 2).is_err());
    }

    #[test]
    fn an_organisation_changes_its_own_key_with_the_old_one() {
        let (old, new) = (sample::policy_key("belastingdienst"), sample::policy_key("nieuw"));
        let policy = newer(&[(&old.verifying_key().to_string(), &new.verifying_key().to_string())]);
        let mut signatures = sign(&policy, ALL_BUT_TAX);
        signatures.push(PolicySignature::sign(&policy, &new).unwrap());
        assert_eq!(succeed(&policy, &signatures), "policy_signatures");
        signatures.push(PolicySignature::sign_under(&policy, &sample::policy(), &old).unwrap());
        assert_eq!(succeed(&policy, &signatures), "in force");
    }

    /// The tax office lost its policy key: it gets another, and its partner number 9.
    fn lost_key(changes: &[(&str, &str)]) -> Policy {
        let (old, new) = (sample::policy_key("belastingdienst"), sample::policy_key("nieuw"));
        let lost = "[unsigned]\norganisation = \"belastingdienst\"\nbecause = \"lost-key\"\nversion = 2\nepoch = 1\n\
                    announced = 2026-12-05\n[[epoch]]";
        let own = [
            (&*old.verifying_key().to_string(), &*new.verifying_key().to_string()),
            ("number = 2\nname", "number = 9\nname"),
            ("valid_from = 2026-12-01", "valid_from = 2027-01-04"),
            ("[[epoch]]", lost),
        ];
        newer(&[&own[..], changes].concat())
    }

    fn signed_with_the_new_key(policy: &Policy) -> Vec<PolicySignature> {
        let mut signatures = sign(policy, ALL_BUT_TAX);
        signatures.push(PolicySignature::sign(policy, &sample::policy_key("nieuw")).unwrap());
        signatures
    }

    #[test]
    fn a_lost_policy_key_is_replaced_by_all_others_unless_it_vetoes() {
        let policy = lost_key(&[]);
        let mut signatures = signed_with_the_new_key(&policy);
        assert_eq!(succeed(&policy, &signatures), "in force");
        assert_eq!(succeed(&policy, &signatures[1..]), "policy_signatures");
        assert_eq!(succeed(&policy, &signatures[..3]), "policy_signatures", "without the new key");
        let veto = |of: &Policy, key| PolicySignature::veto(of, &sample::policy_key(key));
        assert_eq!(veto(&sample::policy(), "nieuw").unwrap_err().code(), "policy_signature");
        signatures.push(veto(&sample::policy(), "politie").unwrap());
        assert_eq!(succeed(&policy, &signatures), "in force", "another's veto");
        signatures[4] = veto(&sample::policy(), "belastingdienst").unwrap();
        let error = sample::signed().succeed(policy.clone(), &signatures).unwrap_err();
        assert!(error.code() == "policy_successor" && error.to_string().contains("has vetoed"), "{error}");
        // It holds against every version that says so, in whatever words, and against no other.
        let twin = lost_key(&[("announced = 2026-12-05", "announced = 2026-12-04")]);
        let mut twins = signed_with_the_new_key(&twin);
        twins.push(signatures[4].clone());
        assert_eq!(succeed(&twin, &twins), "policy_successor");
        let agreed = newer(&[]);
        let others = [sign(&agreed, ALL), vec![signatures[4].clone()]].concat();
        assert_eq!(succeed(&agreed, &others), "in force");
        let text = signatures[4].to_text();
        assert!(text.starts_with("stapel-policy-veto v1\n"));
        assert_eq!(PolicySignature::parse(&text).unwrap(), signatures[4]);
        // A veto is no signature, and a signature made into a veto does not hold.
        let relabelled = signatures[0].to_text().replace("stapel-policy-signature", "stapel-policy-veto");
        signatures[4] = PolicySignature::parse(&relabelled).unwrap();
        assert_eq!(succeed(&policy, &signatures), "in force");
    }

    #[test]
    fn a_version_for_a_lost_key_changes_nothing_else() {
        for (change, says) in [
            (("threshold = 2", "threshold = 3"), "changes nothing but that key"),
            (("sees = \"band\"", "sees = \"count\""), "changes nothing but that key"),
            (("number = 3\nname", "number = 8\nname"), "changes nothing but that key"),
            (("name = \"Belastingdienst\"", "name = \"Dienst\""), "changes nothing but that key"),
            (("number = 9\nname", "number = 2\nname"), "needs a number that nobody has"),
            (("2027-01-04", "2027-01-03"), "30 days to veto"),
            (("announced = 2026-12-05", "announced = 2026-11-30"), "30 days to veto"),
        ] {
            let policy = lost_key(&[change]);
            let error = sample::signed().succeed(policy.clone(), &signed_with_the_new_key(&policy)).unwrap_err();
            assert!(error.code() == "policy_successor" && error.to_string().contains(says), "{change:?}: {error}");
        }
    }

    #[test]
    fn fewer_signatures_when_the_policy_in_force_says_so() {
        let three = [("[[epoch]]", "[changes]\nsignatures = 3\n[[epoch]]")];
        let in_force = sample::changed(&three);
        let signed = SignedPolicy::verify(in_force.clone(), &sign(&in_force, ALL_BUT_TAX)).unwrap();
        let previous = format!("version = 2\nprevious = \"{}\"", in_force.digest());
        let policy = sample::changed(&[three[0], ("version = 1", &previous)]);
        assert!(signed.succeed(policy.clone(), &sign(&policy, ALL_BUT_TAX)).is_ok());
        let error = signed.succeed(policy.clone(), &sign(&policy, &ALL_BUT_TAX[..2])).unwrap_err();
        assert_eq!(error.code(), "policy_signatures");

        // Three change nothing of the fourth: not its key or OIN, nor what its partner is, may do and sees.
        let (own, other) = (sample::policy_key("belastingdienst"), sample::policy_key("nieuw"));
        let hex = |key: &crate::secret::SigningKey| key.verifying_key().to_string();
        let oin = "oin = \"00000099000000002000\"\n";
        let second = "number = 2\nname = \"Belastingdienst, stroomlijning fraude\"\n";
        let may = "may = [\"flag\", \"ask\"] # belastingdienst";
        assert!(sample::TEXT.contains(oin) && sample::TEXT.contains(second) && sample::TEXT.contains(may));
        for (from, to) in [
            (hex(&own), hex(&other)),
            (oin.into(), oin.replace('2', "7")),
            (second.into(), second.replace("number = 2", "number = 9")),
            (second.into(), second.replace(", stroomlijning fraude", "")),
            ("sleutels@belastingdienst.example".into(), "sleutels@politie.example".into()),
            ("sees = \"band\"".into(), "sees = \"presence\"".into()),
            (may.into(), "may = [\"flag\", \"ask\", \"sweep\"]".into()),
        ] {
            let sweep = ("[[epoch]]", "[budgets]\nswept_a_day = 5\nsweep_reasons = [\"a\"]\n[[epoch]]");
            let policy = sample::changed(&[sweep, three[0], ("version = 1", &previous), (&from, &to)]);
            let mut signatures = sign(&policy, ALL_BUT_TAX);
            let error = signed.succeed(policy.clone(), &signatures).unwrap_err();
            assert!(error.code() == "policy_signatures" && error.to_string().contains("has not signed"), "{error}");
            signatures.push(PolicySignature::sign_under(&policy, &in_force, &own).unwrap());
            assert!(signed.succeed(policy, &signatures).is_ok(), "it says so itself");
        }
    }
}
