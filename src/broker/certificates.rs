//! The certificates and suspensions of partners that the broker keeps, and which of them counts. SPEC.md 6.6.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::write_row;
use crate::audit::Event;
use crate::day::Day;
use crate::policy::{Certificate, Policy, PolicyError, Statement, latest};
use crate::secret::VerifyingKey;
use crate::store::Key;

/// How far a serial may be above the highest that is kept, so that no mistake uses up those that are left.
const MAX_SERIAL_LEAP: u32 = 1_000;

/// Those that hold under the policy in force, by epoch and partner, each by ascending serial.
#[derive(Clone, Default)]
pub(super) struct Certificates(BTreeMap<(u32, u16), Vec<Certificate>>);

impl Certificates {
    /// What a row of the store has.
    pub(super) fn load(&mut self, of: (u32, u16), kept: Vec<Certificate>) {
        self.0.insert(of, kept);
    }

    /// The statement on a partner that counts on a day, and the message key that was certified last; `None` where none
    /// was.
    pub(super) fn of(&self, epoch: u32, partner: u16, day: Day) -> Option<(&Statement, VerifyingKey)> {
        let kept = self.0.get(&(epoch, partner))?;
        let certified = latest(kept.iter().filter(|one| one.claimed().keys.is_some()), day)?;
        Some((latest(kept, day)?, certified.keys?.message))
    }

    /// The message key that was certified last in the newest epoch of the policy in which one was.
    pub(super) fn newest_key(&self, policy: &Policy, partner: u16, day: Day) -> Option<VerifyingKey> {
        let mut epochs = policy.epochs.iter().rev();
        epochs.find_map(|epoch| self.of(epoch.number, partner, day)).map(|(_, key)| key)
    }

    /// The partners of an epoch whose suspension began on a day after `since`, up to `until`, also where a later
    /// certificate has ended it by then.
    pub(super) fn suspensions_begun_between(&self, epoch: u32, since: Day, until: Day) -> BTreeSet<u16> {
        let of_epoch = self.0.range((epoch, 0)..=(epoch, u16::MAX));
        let has_begun = |one: &Statement| one.keys.is_none() && one.first_day > since && one.first_day <= until;
        let counted = |kept: &[Certificate], one: &Statement| latest(kept, one.first_day) == Some(one);
        let is_suspended = |kept: &[Certificate]| {
            kept.iter().map(Certificate::claimed).any(|one| has_begun(one) && counted(kept, one))
        };
        of_epoch.filter(|(_, kept)| is_suspended(kept)).map(|((_, partner), _)| *partner).collect()
    }

    /// Keeps one that holds under the policy in force; `false` where it was kept before.
    pub(super) fn keep(&mut self, certificate: &Certificate, policy: &Policy) -> Result<bool, PolicyError> {
        let Statement { partner, epoch, serial, keys, .. } = certificate.verify(policy)?;
        let kept = self.0.entry((*epoch, *partner)).or_default();
        let highest = kept.last().map_or(0, |last| last.claimed().serial);
        let seal = keys.map(|keys| keys.seal);
        let is_resealed =
            |one: &Certificate| one.claimed().keys.map(|keys| keys.seal).is_some_and(|it| Some(it) != seal);
        let wrong = |finding| Err(PolicyError::Certificate { finding });
        if kept.contains(certificate) {
            Ok(false)
        } else if *serial > highest.saturating_add(MAX_SERIAL_LEAP) {
            wrong(format!(
                "its serial {serial} is over {MAX_SERIAL_LEAP} above {highest}, the highest of partner {partner} in \
                 epoch {epoch}: sign one with a lower serial, so that others can follow"
            ))
        } else if *serial <= highest {
            wrong(format!(
                "its serial {serial} is not above {highest}, the highest of partner {partner} in epoch {epoch}: give \
                 the newest, or sign one with a higher serial"
            ))
        } else if seal.is_some() && kept.iter().any(is_resealed) {
            wrong(format!(
                "it names another seal key than the one that partner {partner} has in epoch {epoch}: that stays; name \
                 the same one"
            ))
        } else {
            kept.push(certificate.clone());
            Ok(true)
        }
    }

    /// What is left under another policy, with what lies beside that. What does not hold there is passed over, as a
    /// signature is.
    pub(super) fn under(&self, policy: &Policy, beside: &[Certificate]) -> Certificates {
        let mut after = Certificates::default();
        for certificate in self.0.values().flatten().chain(beside) {
            let _ = after.keep(certificate, policy);
        }
        after.0.retain(|_, kept| !kept.is_empty());
        after
    }

    /// The rows that differ from those `before`.
    pub(super) fn rows_since(&self, before: &Certificates) -> Vec<(Key, Option<Vec<u8>>)> {
        let all: BTreeSet<_> = self.0.keys().chain(before.0.keys()).collect();
        let differs = |of: &&&(u32, u16)| self.0.get(of) != before.0.get(of);
        let row = |of: &(u32, u16)| (Key::Certificates(of.0, of.1), self.0.get(of).map(write_row));
        all.iter().filter(differs).map(|of| row(of)).collect()
    }

    /// The epochs and partners of suspensions that were not there `before` and have begun by `today`.
    pub(super) fn new_suspensions(&self, before: &Certificates, today: Day) -> Vec<(u32, u16)> {
        let begun = |one: &&Certificate| one.claimed().keys.is_none() && one.claimed().first_day <= today;
        let is_new = |of: &(u32, u16), one: &Certificate| !before.0.get(of).is_some_and(|kept| kept.contains(one));
        let has_new = |of: &(u32, u16), kept: &[Certificate]| kept.iter().filter(begun).any(|one| is_new(of, one));
        self.0.iter().filter(|(of, kept)| has_new(of, kept)).map(|(of, _)| *of).collect()
    }

    /// What the log says of those that were not there `before`.
    pub(super) fn events_since<'a>(&'a self, before: &'a Certificates) -> impl Iterator<Item = Event> + 'a {
        let is_new = |(of, one): &(&(u32, u16), &Certificate)| !before.0.get(of).is_some_and(|kept| kept.contains(one));
        let all = self.0.iter().flat_map(|(of, kept)| kept.iter().map(move |one| (of, one)));
        all.filter(is_new).map(|((epoch, partner), one)| Event::Certificate {
            partner: *partner,
            epoch: *epoch,
            serial: one.claimed().serial,
            certificate: one.digest(),
            suspends: one.claimed().keys.is_none(),
        })
    }

    /// All, by epoch, partner and serial.
    pub(super) fn all(&self) -> impl Iterator<Item = &Certificate> {
        self.0.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{PartnerKeys, sample};
    use crate::secret::SealKey;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn sign(serial: u32, keys: Option<PartnerKeys>, first_day: &str) -> Certificate {
        let (first_day, last_day) = (day(first_day), day("2027-11-30"));
        let statement = Statement { partner: 1, epoch: 1, serial, keys, first_day, last_day };
        Certificate::sign(&sample::policy(), statement, &sample::policy_key("politie")).unwrap()
    }

    #[test]
    fn a_lower_serial_and_another_seal_key_are_refused() {
        let (keys, other) = (sample::partner_keys(1, 1), sample::partner_keys(9, 1));
        let mut kept = Certificates::default();
        let mut keep =
            |certificate: &Certificate| kept.keep(certificate, &sample::policy()).map_err(|error| error.to_string());
        let first = sign(2, Some(keys), "2026-12-01");
        assert_eq!((keep(&first), keep(&first)), (Ok(true), Ok(false)));
        assert!(keep(&sign(1, Some(keys), "2026-12-01")).unwrap_err().contains("not above 2"));
        assert!(keep(&sign(2, Some(keys), "2026-12-02")).unwrap_err().contains("not above 2"));
        assert!(keep(&sign(3, Some(other), "2026-12-01")).unwrap_err().contains("another seal key"));
        assert_eq!(keep(&sign(3, None, "2026-12-10")), Ok(true));
        let resealed = PartnerKeys { seal: SealKey::from_bytes([5; 32]), ..keys };
        assert!(keep(&sign(4, Some(resealed), "2026-12-11")).unwrap_err().contains("another seal key"));
        assert_eq!(keep(&sign(4, Some(PartnerKeys { seal: keys.seal, ..other }), "2026-12-11")), Ok(true));
        assert!(keep(&sign(1_005, None, "2026-12-12")).unwrap_err().contains("over 1000 above 4"));
        assert_eq!(keep(&first), Ok(false), "what was kept is no error again");
        let of = |today| kept.of(1, 1, day(today)).map(|(statement, key)| (statement.serial, key));
        assert_eq!(of("2026-12-09"), Some((2, keys.message)));
        assert_eq!(of("2026-12-10"), Some((3, keys.message)), "whom it was that is suspended");
        assert_eq!(of("2026-12-11"), Some((4, other.message)));
        assert_eq!((of("2026-11-30"), kept.of(1, 2, day("2026-12-11")).is_some()), (None, false));
        let suspended = |(since, until)| kept.suspensions_begun_between(1, day(since), day(until)).contains(&1);
        let spans = [("2026-12-01", "2026-12-09"), ("2026-12-09", "2026-12-10"), ("2026-12-10", "2026-12-11")];
        assert_eq!(spans.map(suspended), [false, true, false]);
        assert!(suspended(("2026-12-09", "2026-12-11")), "another counts by then");
    }

    #[derive(serde::Deserialize)]
    struct Vectors {
        policy: String,
        kept: Vec<Vector>,
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        name: String,
        given: Vec<Given>,
        counts: Vec<Count>,
    }

    #[derive(serde::Deserialize)]
    struct Given {
        text: String,
        error: Option<String>,
    }

    #[derive(serde::Deserialize)]
    struct Count {
        day: Day,
        serial: Option<u32>,
        message_key: Option<VerifyingKey>,
    }

    #[test]
    fn of_several_the_one_counts_that_the_vectors_say() {
        let file = include_str!("../../tests/vectors/v1/certificates.json");
        let vectors: Vectors = serde_json::from_str(file).unwrap();
        let policy = Policy::parse(&vectors.policy).unwrap();
        assert!(vectors.kept.len() >= 10);
        for Vector { name, given, counts } in vectors.kept {
            let mut kept = Certificates::default();
            for Given { text, error } in given {
                let made = kept.keep(&Certificate::parse(&text).unwrap(), &policy);
                assert_eq!(made.err().map(|error| error.code().to_owned()), error, "{name}");
            }
            for Count { day, serial, message_key } in counts {
                let counting = kept.of(1, 1, day).map(|(statement, key)| (statement.serial, key));
                assert_eq!(counting, serial.zip(message_key), "{name}, {day}");
            }
        }
    }

    #[test]
    fn another_policy_keeps_what_holds_under_it() {
        let all = sample::certificates(&sample::policy());
        let kept = Certificates::default().under(&sample::policy(), &all);
        assert_eq!((kept.all().count(), kept.rows_since(&Certificates::default()).len()), (4, 4));
        assert!(kept.rows_since(&kept).is_empty() && kept.events_since(&kept).next().is_none());
        let (old, new) = (sample::policy_key("politie"), sample::policy_key("nieuw"));
        let rekeyed = sample::changed(&[(&old.verifying_key().to_string(), &new.verifying_key().to_string())]);
        let after = kept.under(&rekeyed, &all);
        assert_eq!(after.all().count(), 3);
        assert!(matches!(after.rows_since(&kept)[..], [(Key::Certificates(1, 1), None)]));
    }
}
