//! The one form of a policy that its digest is taken of: JSON by RFC 8785 (JCS), of the keys of the TOML file.
//!
//! Every default is filled in and every order that means nothing is fixed, so that a comment, white space, the order of keys
//! and tables, or a default that is written out does not change the digest. The writer is our own and sorts by itself:
//! whether `serde_json` keeps the order of insertion depends on what else is in the build.

use std::collections::BTreeMap;

use super::{Epoch, Override, Partner, Policy, level_word};
use crate::digest::Digest;
use crate::label;

/// The part of JSON that a policy needs. Keys are ASCII, so that byte order is RFC 8785's order of UTF-16 units.
enum Json {
    Text(String),
    Number(u64),
    Bool(bool),
    List(Vec<Json>),
    Object(BTreeMap<&'static str, Json>),
}

impl Policy {
    /// The canonical form: one line of JSON without white space.
    pub fn canonical_json(&self) -> String {
        let mut text = String::new();
        policy(self).write(&mut text);
        text
    }

    /// The digest: SHA-256 of the label and the canonical form.
    pub fn digest(&self) -> Digest {
        Digest::of(&[label::POLICY_DIGEST, self.canonical_json().as_bytes()])
    }
}

fn policy(policy: &Policy) -> Json {
    let Policy(rules) = policy;
    let operator = object([
        ("name", text(&rules.operator.name)),
        ("oin", text(rules.operator.oin)),
        ("verifying_key", text(rules.operator.verifying_key)),
        ("checkpoint_key", text(rules.operator.checkpoint_key)),
        ("log_origin", text(&rules.operator.log_origin)),
    ]);
    let counting = object([
        ("threshold", number(rules.counting.threshold)),
        ("min_sources", number(rules.counting.min_sources)),
        ("count_cap", number(rules.counting.count_cap)),
        ("levels", words(rules.counting.levels.iter().map(|level| level_word(*level)))),
        ("own_flag_required", Json::Bool(rules.counting.own_flag_required)),
    ]);
    let release = object([
        ("interval_hours", number(rules.release.interval_hours)),
        ("min_changed", number(rules.release.min_changed)),
        ("max_wait_days", number(rules.release.max_wait_days)),
        ("immediate", Json::Bool(rules.release.immediate)),
    ]);
    let retention =
        object([("max_days", number(rules.retention.max_days)), ("log_days", number(rules.retention.log_days))]);
    let budgets = object([
        ("new_flags_a_day", number(rules.budgets.new_flags_a_day)),
        ("flags_held", number(rules.budgets.flags_held)),
        ("asked_a_day", number(rules.budgets.asked_a_day)),
        ("asked_an_epoch", number(rules.budgets.asked_an_epoch)),
        ("swept_a_day", number(rules.budgets.swept_a_day)),
        ("sweep_reasons", words(rules.budgets.sweep_reasons.iter().map(|reason| reason.as_str()))),
    ]);
    let messages = object([
        ("max_delay_hours", number(rules.messages.max_delay_hours)),
        ("max_ahead_minutes", number(rules.messages.max_ahead_minutes)),
    ]);
    let changes = object([
        ("signatures", number(rules.changes.signatures)),
        ("grace_days", number(rules.changes.grace_days)),
        ("new_epoch_within_days", number(rules.changes.new_epoch_within_days)),
    ]);
    let mut all = vec![
        ("format", Json::Number(1)),
        ("consortium", text(&rules.consortium)),
        ("version", number(rules.version)),
        ("valid_from", text(rules.valid_from)),
        ("test", Json::Bool(rules.test)),
        ("purpose", text(&rules.purpose)),
        ("legal_basis", text(&rules.legal_basis)),
        ("flag_criterion", text(&rules.flag_criterion)),
        ("after_hit", text(&rules.after_hit)),
        ("coordinator", text(&rules.coordinator)),
        ("operator", operator),
        ("counting", counting),
        ("release", release),
        ("retention", retention),
        ("budgets", budgets),
        ("freshness_days", number(rules.freshness_days)),
        ("max_shrink_percent", number(rules.max_shrink_percent)),
        ("messages", messages),
        ("changes", changes),
        ("override", list(&rules.overrides, overriding)),
        ("epoch", list(&rules.epochs, epoch)),
        ("partner", list(&rules.partners, partner)),
    ];
    all.extend(rules.previous.map(|previous| ("previous", text(previous))));
    object(all)
}

fn overriding(overriding: &Override) -> Json {
    object([("rule", text(&overriding.rule)), ("reason", text(&overriding.reason))])
}

fn epoch(epoch: &Epoch) -> Json {
    object([
        ("number", number(epoch.number)),
        ("key_id", text(epoch.key_id)),
        ("opens", text(epoch.opens)),
        ("closes", text(epoch.closes)),
    ])
}

fn partner(partner: &Partner) -> Json {
    let may = [("flag", partner.may.flag), ("ask", partner.may.ask), ("sweep", partner.may.sweep)];
    let mut all = vec![
        ("number", number(partner.number)),
        ("name", text(&partner.name)),
        ("oin", text(partner.oin)),
        ("organisation", text(&partner.organisation)),
        ("verifying_key", text(partner.verifying_key)),
        ("may", words(may.iter().filter(|(_, may)| *may).map(|(word, _)| *word))),
        ("sees", text(partner.sees.as_str())),
    ];
    all.extend(
        partner
            .old_key
            .as_ref()
            .map(|old| ("old_key", object([("verifying_key", text(old.verifying_key)), ("until", text(old.until))]))),
    );
    all.extend(partner.legal_basis_flag.as_ref().map(|basis| ("legal_basis_flag", text(basis))));
    all.extend(partner.legal_basis_ask.as_ref().map(|basis| ("legal_basis_ask", text(basis))));
    object(all)
}

fn object(entries: impl IntoIterator<Item = (&'static str, Json)>) -> Json {
    Json::Object(entries.into_iter().collect())
}

fn list<T>(items: &[T], form: impl Fn(&T) -> Json) -> Json {
    Json::List(items.iter().map(form).collect())
}

/// A list of strings is a set: written in byte order.
fn words<'a>(words: impl Iterator<Item = &'a str>) -> Json {
    let mut words: Vec<_> = words.collect();
    words.sort_unstable();
    list(&words, |word| text(word))
}

fn text(value: impl ToString) -> Json {
    Json::Text(value.to_string())
}

fn number(value: impl Into<u64>) -> Json {
    Json::Number(value.into())
}

impl Json {
    fn write(&self, out: &mut String) {
        match self {
            // serde_json escapes '"', '\' and what is below U+0020, and nothing else, as RFC 8785 wants it.
            Json::Text(text) => out.push_str(&serde_json::Value::from(text.as_str()).to_string()),
            Json::Number(number) => out.push_str(&number.to_string()),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    out.push('"');
                    out.push_str(key);
                    out.push_str("\":");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}
