//! The shape of a policy's text: which keys there are and of what type. The values are checked after that.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use toml::Spanned;
use toml::value::Datetime;

#[derive(Deserialize)]
pub(super) struct RawFormat {
    pub(super) format: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    #[serde(rename = "format")]
    pub(super) _format: i64,
    pub(super) consortium: Spanned<String>,
    pub(super) version: Spanned<i64>,
    pub(super) previous: Option<Spanned<String>>,
    pub(super) voids: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) valid_from: Spanned<Datetime>,
    #[serde(default)]
    pub(super) test: bool,
    pub(super) purpose: Spanned<String>,
    pub(super) legal_basis: Spanned<String>,
    pub(super) legal_act: Option<Spanned<String>>,
    pub(super) flag_criterion: Spanned<String>,
    pub(super) after_hit: Spanned<String>,
    pub(super) coordinator: Spanned<String>,
    pub(super) freshness_days: Option<Spanned<i64>>,
    pub(super) max_shrink_percent: Option<Spanned<i64>>,
    pub(super) contact_point: Option<Table<RawContactPoint>>,
    pub(super) operator: Table<RawOperator>,
    #[serde(default)]
    pub(super) counting: Table<RawCounting>,
    #[serde(default)]
    pub(super) release: Table<RawRelease>,
    #[serde(default)]
    pub(super) retention: Table<RawRetention>,
    #[serde(default)]
    pub(super) budgets: Table<RawBudgets>,
    pub(super) meet: Option<Table<RawMeet>>,
    #[serde(default)]
    pub(super) messages: Table<RawMessages>,
    #[serde(default)]
    pub(super) changes: Table<RawChanges>,
    #[serde(default, rename = "override")]
    pub(super) overrides: Vec<Table<RawOverride>>,
    pub(super) unsigned: Option<Table<RawUnsigned>>,
    #[serde(rename = "organisation")]
    pub(super) organisations: Vec<Table<RawOrganisation>>,
    #[serde(rename = "epoch")]
    pub(super) epochs: Vec<Table<RawEpoch>>,
    #[serde(rename = "partner")]
    pub(super) partners: Vec<Table<RawPartner>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawContactPoint {
    pub(super) name: Spanned<String>,
    pub(super) postal_address: Option<Spanned<String>>,
    pub(super) telephone: Option<Spanned<String>>,
    pub(super) email: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOperator {
    pub(super) name: Spanned<String>,
    pub(super) oin: Spanned<String>,
    pub(super) verifying_key: Spanned<String>,
    pub(super) checkpoint_key: Spanned<String>,
    pub(super) log_origin: Spanned<String>,
    pub(super) addresses: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCounting {
    pub(super) threshold: Option<Spanned<i64>>,
    pub(super) min_sources: Option<Spanned<i64>>,
    pub(super) count_cap: Option<Spanned<i64>>,
    pub(super) levels: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) own_flag_required: Option<bool>,
    pub(super) register: Option<Spanned<String>>,
    pub(super) answers: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRelease {
    pub(super) interval_hours: Option<Spanned<i64>>,
    pub(super) min_changed: Option<Spanned<i64>>,
    pub(super) max_wait_days: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) immediate: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetention {
    pub(super) max_days: Option<Spanned<i64>>,
    pub(super) max_renewals: Option<Spanned<i64>>,
    pub(super) log_days: Option<Spanned<i64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudgets {
    pub(super) new_flags_a_day: Option<Spanned<i64>>,
    pub(super) first_set_flags: Option<Spanned<i64>>,
    pub(super) flags_held: Option<Spanned<i64>>,
    pub(super) asked_a_day: Option<Spanned<i64>>,
    pub(super) asked_an_epoch: Option<Spanned<i64>>,
    pub(super) swept_a_day: Option<Spanned<i64>>,
    pub(super) status_a_day: Option<Spanned<i64>>,
    #[serde(default)]
    pub(super) sweep_reasons: Vec<Spanned<String>>,
}

/// Slugs of organisations.
pub(super) type RawSet = Vec<Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMeet {
    pub(super) direct: Option<Spanned<Vec<Spanned<RawSet>>>>,
    pub(super) tell_others: Option<bool>,
    pub(super) answer_days: Option<Spanned<i64>>,
    pub(super) new_a_day: Option<Spanned<i64>>,
    pub(super) held: Option<Spanned<i64>>,
    pub(super) notes_a_day: Option<Spanned<i64>>,
    pub(super) exchanges_a_day: Option<Spanned<i64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMessages {
    pub(super) max_delay_hours: Option<Spanned<i64>>,
    pub(super) max_ahead_minutes: Option<Spanned<i64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawChanges {
    pub(super) signatures: Option<Spanned<i64>>,
    pub(super) grace_days: Option<Spanned<i64>>,
    pub(super) new_epoch_within_days: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOverride {
    pub(super) rule: Spanned<String>,
    pub(super) reason: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawUnsigned {
    pub(super) organisation: Spanned<String>,
    pub(super) because: Spanned<String>,
    pub(super) version: Spanned<i64>,
    pub(super) epoch: Spanned<i64>,
    pub(super) announced: Option<Spanned<Datetime>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOrganisation {
    pub(super) slug: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) oin: Spanned<String>,
    pub(super) contact: Spanned<String>,
    pub(super) policy_key: Spanned<String>,
    pub(super) tls_oins: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) first_epoch: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEpoch {
    pub(super) number: Spanned<i64>,
    pub(super) key_id: Spanned<String>,
    pub(super) opens: Spanned<Datetime>,
    pub(super) closes: Spanned<Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPartner {
    pub(super) number: Spanned<i64>,
    pub(super) name: Spanned<String>,
    pub(super) organisation: Spanned<String>,
    pub(super) may: Spanned<Vec<Spanned<String>>>,
    pub(super) sees: Option<Spanned<String>>,
    pub(super) sign_in: Option<Spanned<String>>,
    pub(super) legal_basis_flag: Option<Spanned<String>>,
    pub(super) legal_basis_ask: Option<Spanned<String>>,
    pub(super) legal_basis_coordinate: Option<Spanned<String>>,
}

/// A TOML table. What serde derives for a struct would also take an array with the values in order, which this refuses.
#[derive(Default)]
pub(super) struct Table<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Table<T>, D::Error> {
        struct OfTable<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfTable<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(OfTable(PhantomData)).map(Table)
    }
}
