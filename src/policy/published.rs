//! The sample that everybody can print, and the keys in it, which nobody may use.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::model::Policy;
use crate::day::Day;
use crate::secret::{KeyId, VerifyingKey};

/// The sample as it lies in the repository, with days of its own.
pub(super) const SAMPLE: &str = include_str!("sample.toml");

/// The day from which the sample in the repository is valid, and the last one of its epoch.
const SAMPLE_DAYS: [&str; 2] = ["2026-12-01", "2027-11-30"];

/// The keys in the sample.
struct Published {
    keys: BTreeSet<VerifyingKey>,
    key_ids: Vec<KeyId>,
}

static PUBLISHED: LazyLock<Published> = LazyLock::new(|| {
    let sample = Policy::parse(SAMPLE).ok();
    let keys = sample.iter().flat_map(keys_of).collect();
    let key_ids = sample.iter().flat_map(|policy| &policy.epochs).map(|epoch| epoch.key_id).collect();
    Published { keys, key_ids }
});

/// The text of a policy to start from, valid from `today` on, with an epoch of 365 days.
///
/// Its texts are illustrations. Its keys are everybody's: [`Policy::check`] refuses a policy with one of them.
pub fn sample_text(today: Day) -> String {
    let days = [today.to_string(), today.plus(364).to_string()];
    SAMPLE_DAYS.iter().zip(&days).fold(SAMPLE.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Whether the policy has a key of the sample, or is for its secret.
pub(super) fn has_published_key(policy: &Policy) -> bool {
    let epoch = policy.epochs.iter().any(|epoch| PUBLISHED.key_ids.contains(&epoch.key_id));
    epoch || keys_of(policy).iter().any(|key| PUBLISHED.keys.contains(key))
}

/// All public keys that a policy names.
fn keys_of(policy: &Policy) -> Vec<VerifyingKey> {
    let mut keys = vec![policy.operator.verifying_key, policy.operator.checkpoint_key];
    keys.extend(policy.organisations.iter().map(|organisation| organisation.policy_key));
    keys
}

#[cfg(test)]
mod tests {
    use super::super::{Lang, sample};
    use super::*;

    fn refused(text: &str) -> Vec<&'static str> {
        Policy::parse(text).unwrap().check().standing().map(|finding| finding.rule).collect()
    }

    #[test]
    fn the_sample_is_refused_for_its_keys_alone_and_in_tests_for_nothing() {
        let text = sample_text("2030-02-01".parse().unwrap());
        assert!(text.contains("valid_from = 2030-02-01\n") && text.contains("closes = 2031-01-31\n"), "{text}");
        assert_eq!(refused(&text), ["published-key"]);
        assert!(refused(&text.replace("[operator]", "test = true\n[operator]")).is_empty());
        assert!(refused(&sample::TEXT).is_empty(), "with other keys");
    }

    #[test]
    fn the_sample_has_a_coordinator_that_who_puts_forward_is_named_to() {
        let sample = Policy::parse(SAMPLE).unwrap();
        assert_eq!(sample.coordinating_partner().map(|partner| partner.number), Some(5));
        assert!(sample.unsafe_introductions(1).is_empty());
        let said = |lang| sample.explain(lang).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said(Lang::Nl).contains("Wie een adres aandraagt, wordt genoemd aan de coördinator, partner 5"));
        assert!(said(Lang::En).contains("Whoever puts an address forward is named to the coordinator, partner 5"));
    }

    #[test]
    fn each_key_of_the_sample_is_refused_wherever_it_stands() {
        let published = Policy::parse(SAMPLE).unwrap();
        let own = sample::policy();
        let policy_key = own.organisations[0].policy_key;
        for key in keys_of(&published) {
            assert_eq!(
                refused(&sample::TEXT.replacen(&policy_key.to_string(), &key.to_string(), 1)),
                ["published-key"]
            );
        }
        let id = own.epochs[0].key_id.to_string();
        let same_secret = sample::TEXT.replace(&id, &published.epochs[0].key_id.to_string());
        assert_eq!(refused(&same_secret), ["published-key"]);
    }
}
