//! A policy's canonical form, of which its digest is taken: the keys of the TOML file as JSON by RFC 8785 (JCS).
//!
//! Every default is filled in and every order that means nothing is fixed, so that a comment, white space, the order of
//! keys and tables, or a default that is written out does not change the digest.

use serde::Serialize;

use super::model::{Policy, Rules};
use crate::digest::Digest;
use crate::json::canonical;
use crate::label;

/// The keys of a policy's file.
#[derive(Serialize)]
struct Keys<'a> {
    format: u8,
    #[serde(flatten)]
    rules: &'a Rules,
}

impl Policy {
    /// The canonical form: one line of JSON without white space.
    pub fn canonical_json(&self) -> String {
        canonical(&Keys { format: 1, rules: &self.0 })
    }

    /// The digest: SHA-256 of the label and the canonical form.
    pub fn digest(&self) -> Digest {
        Digest::of(&[label::POLICY_DIGEST, self.canonical_json().as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

    use super::super::{sample, sample_text};
    use super::*;

    /// Every default that the sample leaves out, beside its table.
    const DEFAULTS: &[(&str, &str)] = &[
        ("", "test = false"),
        ("", "freshness_days = 35"),
        ("", "max_shrink_percent = 20"),
        ("[operator]", "addresses = []"),
        ("[counting]", "min_sources = 3"),
        ("[counting]", "count_cap = 3"),
        ("[counting]", "levels = [\"unit\"]"),
        ("[counting]", "own_flag_required = true"),
        ("[counting]", "register = \"optional\""),
        ("[release]", "min_changed = 3"),
        ("[release]", "max_wait_days = 7"),
        ("[release]", "immediate = false"),
        ("[retention]", "max_days = 180"),
        ("[retention]", "max_renewals = 1"),
        ("[retention]", "log_days = 365"),
        ("[budgets]", "new_flags_a_day = 1_000"),
        ("[budgets]", "first_set_flags = 5_000"),
        ("[budgets]", "flags_held = 100_000"),
        ("[budgets]", "asked_a_day = 10_000"),
        ("[budgets]", "asked_an_epoch = 1_000_000"),
        ("[budgets]", "swept_a_day = 0"),
        ("[budgets]", "status_a_day = 100"),
        ("[budgets]", "sweep_reasons = []"),
        ("[messages]", "max_delay_hours = 24"),
        ("[messages]", "max_ahead_minutes = 10"),
        ("[changes]", "signatures = 4"),
        ("[changes]", "grace_days = 14"),
        ("[changes]", "new_epoch_within_days = 30"),
    ];

    /// The sample taken apart: tables by header, "" for what stands before the first, each with its entries.
    fn tables() -> Vec<(String, Vec<String>)> {
        let mut tables = vec![(String::new(), Vec::new())];
        let mut open: Option<String> = None;
        for line in sample::TEXT.lines() {
            let entries = &mut tables.last_mut().unwrap().1;
            if let Some(entry) = &mut open {
                *entry += &format!("\n{line}");
                if line.ends_with("\"\"\"") {
                    entries.extend(open.take());
                }
            } else if line.ends_with("= \"\"\"") {
                open = Some(line.to_owned());
            } else if line.starts_with('[') {
                tables.push((line.to_owned(), Vec::new()));
            } else if line.contains(" = ") {
                entries.push(line.to_owned());
            }
        }
        tables
    }

    /// The sample in another layout: some defaults written out, everything in another order, with `noise` between.
    fn relaid() -> impl Strategy<Value = String> {
        let noise = prop::sample::select(vec!["", "\n", "  \n\t\n", "# a comment\n", "# threshold = 9\n\n"]);
        (
            prop::sample::subsequence(DEFAULTS.to_vec(), 0..=DEFAULTS.len()),
            prop::collection::vec((any::<u32>(), noise, prop::bool::ANY), 200),
        )
            .prop_map(|(written, choices)| {
                let mut tables = tables();
                for (table, line) in written {
                    match tables.iter_mut().find(|(header, _)| header == table) {
                        Some((_, entries)) => entries.push(line.to_owned()),
                        None => tables.push((table.to_owned(), vec![line.to_owned()])),
                    }
                }
                let mut choices = choices.into_iter().cycle();
                let mut place = || choices.next().unwrap().0;
                tables[1..].sort_by_cached_key(|_| place());
                for (_, entries) in &mut tables {
                    entries.sort_by_cached_key(|_| place());
                }
                let mut text = String::new();
                for (header, entries) in tables {
                    text += &format!("{header}\n");
                    for entry in entries {
                        let (_, noise, indent) = choices.next().unwrap();
                        text += noise;
                        text += if indent { "  " } else { "" };
                        text += &entry;
                        text += if indent { " # why\n" } else { "\n" };
                    }
                }
                text
            })
    }

    proptest! {
        #[test]
        fn layout_comments_and_written_defaults_change_nothing(text in relaid()) {
            let policy = Policy::parse(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(policy.canonical_json(), sample::policy().canonical_json());
            prop_assert_eq!(policy.digest(), sample::policy().digest());
        }
    }

    #[test]
    fn line_breaks_within_texts_change_nothing() {
        let broken =
            sample::TEXT.replace("een concrete\naanwijzing", "een \t concrete aanwijzing").replace('\n', "\r\n");
        assert_ne!(broken, *sample::TEXT);
        assert_eq!(Policy::parse(&broken).unwrap().digest(), sample::policy().digest());
    }

    #[test]
    fn lists_of_words_are_sets() {
        let both = |levels: &str| sample::changed(&[("threshold = 2", &format!("threshold = 2\nlevels = {levels}"))]);
        let (one, other) = (both("[\"unit\", \"number\"]"), both("[\"number\", \"unit\"]"));
        assert_eq!(one.digest(), other.digest());
        assert!(one.canonical_json().contains("\"levels\":[\"number\",\"unit\"]"));
    }

    /// A known answer, made by an independent implementation: the vectors in `tests/vectors/v1/policies.json` hold
    /// more.
    #[test]
    fn the_samples_digest() {
        let sample = Policy::parse(&sample_text("2026-12-01".parse().unwrap())).unwrap();
        let text = sample.canonical_json();
        assert!(text.starts_with("{\"after_hit\":\"De partner draagt de treffer aan en wordt dan aan"), "{text}");
        assert!(text.ends_with("\"test\":false,\"valid_from\":\"2026-12-01\",\"version\":1}"), "{text}");
        assert_eq!(sample.digest().to_string(), "cac89011ef5f1958a3b03df201cc13de31352848854647d3aa1a65bfb5bbec33");
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_and_nothing_else() {
        let policy = sample::changed(&[("\"Stichting Voorbeeldbroker\"", r#"'Sti"ch\ting /é€𝄞'"#)]);
        assert!(
            policy.canonical_json().contains(r#""name":"Sti\"ch\\ting /é€𝄞","oin""#),
            "{}",
            policy.canonical_json()
        );
    }

    /// JSON whose objects' keys ascend strictly, read one by one so that no map's order hides theirs.
    struct Ascending;

    impl<'de> Deserialize<'de> for Ascending {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ascending, D::Error> {
            deserializer.deserialize_any(Ascending)
        }
    }

    impl<'de> Visitor<'de> for Ascending {
        type Value = Ascending;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object, list, string, number or truth value")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ascending, A::Error> {
            let mut last = String::new();
            while let Some((key, Ascending)) = map.next_entry::<String, Ascending>()? {
                assert!(last < key, "{key} after {last}");
                last = key;
            }
            Ok(Ascending)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ascending, A::Error> {
            while list.next_element::<Ascending>()?.is_some() {}
            Ok(Ascending)
        }

        fn visit_str<E>(self, _: &str) -> Result<Ascending, E> {
            Ok(Ascending)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Ascending, E> {
            Ok(Ascending)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Ascending, E> {
            Ok(Ascending)
        }
    }

    #[test]
    fn keys_ascend_at_every_depth_and_there_is_no_space_between() {
        let reason = "[[override]]\nrule = \"max-days\"\nreason = \"a\"\n[[epoch]]";
        let text = sample::changed(&[("[[epoch]]", reason)]).canonical_json();
        let Ascending = serde_json::from_str(&text).unwrap();
        assert!(!text.contains("\": ") && !text.contains(", \""), "{text}");
    }
}
