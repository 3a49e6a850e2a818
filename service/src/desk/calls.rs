//! What each call does with the partner: flags, withdrawals, and how it goes.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stapel::message::{Kind, RenewalReason};
use stapel::partner::{Caller, Case, Changed, Partner};
use stapel::policy::RegisterUse;
use stapel::register::may_be_one;
use stapel::{AddressKey, Day, Level, Timestamp, TraceContext};

use super::problem::Problem;
use super::rows::{self, Found, Row, Rows, ToldRow, canonical, given};
use super::{Desk, Lent};
use crate::after_hit::{self, json::without_nulls};

/// Who acts, and for which case, as each call says that writes or shows something.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Acting {
    pub(super) actor: String,
    pub(super) case: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlagRequest {
    actor: String,
    case: String,
    #[serde(deserialize_with = "rows::rows")]
    rows: Vec<Row>,
    #[serde(default, deserialize_with = "parsed")]
    until: Option<Day>,
    #[serde(default, deserialize_with = "parsed")]
    renew: Option<RenewalReason>,
    #[serde(default)]
    number_only: bool,
    #[serde(default)]
    forward: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WithdrawRequest {
    actor: String,
    case: String,
    #[serde(deserialize_with = "rows::rows")]
    rows: Vec<Row>,
    #[serde(default)]
    number_only: bool,
}

/// A text of which the library has a type.
pub(super) fn parsed<'de, D: serde::Deserializer<'de>, T>(from: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    let text: Option<String> = given(from)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

#[derive(Serialize)]
pub(super) struct FlagResult {
    added: usize,
    changed: usize,
    unchanged: usize,
    lapsed: usize,
    repeated: usize,
    refused: usize,
    /// How many addresses are put forward that were not before, or are anew; where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    put_forward: Option<usize>,
    rows: Vec<ToldRow<FlagRow>>,
}

#[derive(Serialize)]
struct FlagRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_day: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    lapsed: bool,
}

#[derive(Serialize)]
pub(super) struct WithdrawResult {
    withdrawn: usize,
    unchanged: usize,
    repeated: usize,
    refused: usize,
    rows: Vec<ToldRow<WithdrawRow>>,
}

#[derive(Serialize)]
struct WithdrawRow {
    was_flagged: bool,
    stay: Vec<Shown>,
}

/// An address in a list.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(#[serde(serialize_with = "canonical")] AddressKey);

impl Acting {
    /// Who acts, with what this process saw itself of how the call came in.
    pub(super) fn by(&self, origin: Origin) -> Result<Case, Problem> {
        by(&self.actor, &self.case, origin)
    }
}

/// What a call shows of who makes it, besides what its body says.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) caller: Caller,
    /// The action of the program that calls, where it says so: `traceparent`.
    pub(super) trace: Option<TraceContext>,
}

pub(super) fn by(actor: &str, case: &str, origin: Origin) -> Result<Case, Problem> {
    let case = Case::new(actor, case)?.through(origin.caller);
    Ok(match origin.trace {
        Some(action) => case.within(action),
        None => case,
    })
}

impl Desk {
    /// The partner, for one call, and the moment of it.
    pub(super) fn begin(&self) -> (Lent, Timestamp) {
        let partner = self.lend();
        (partner, self.time())
    }

    /// Reads rows as callers give them. The partner is not waited for meanwhile.
    pub(super) fn rows(&self, rows: &[Row], number_only: bool) -> Result<Rows, Problem> {
        Rows::read(rows, self.register.load().as_ref().as_ref(), number_only)
    }
}

pub(super) fn flag(desk: &Desk, origin: Origin, request: FlagRequest) -> Result<FlagResult, Problem> {
    let FlagRequest { actor, case, rows, until, renew, number_only, forward } = request;
    let by = by(&actor, &case, origin)?;
    let mut rows = desk.rows(&rows, number_only)?;
    let (mut partner, now) = desk.begin();
    hold_to_policy(&partner, &mut rows, number_only)?;
    rows.refuse_if_none()?;
    if forward {
        // Where nothing may be put forward, nothing is flagged either.
        partner.preview_put_forward(Vec::<AddressKey>::new(), now)?;
    }
    let changed = match (until, renew) {
        (Some(_), Some(_)) => return Err(Problem::bad_request("give until or renew, not both")),
        (Some(until), None) => partner.flag_until(rows.given(), until, &by, now)?,
        (None, Some(reason)) => partner.renew(rows.given(), reason, &by, now)?,
        (None, None) => partner.flag(rows.given(), &by, now)?,
    };
    let Changed { added, changed, unchanged, lapsed, repeated, .. } = changed;
    let put_forward = match forward {
        true => {
            let flagged = flagged_today(&partner, &rows, now);
            Some(partner.put_forward(flagged, &by, now)?)
        }
        false => None,
    };
    let of = |found: &Found| {
        let last_day = partner.flag_of(&found.key).map(|flag| flag.last_day.to_string());
        FlagRow { lapsed: last_day.is_none(), last_day }
    };
    let (refused, rows) = (rows.refused(), rows.told(of));
    Ok(FlagResult { added, changed, unchanged, lapsed, repeated, refused, put_forward, rows })
}

/// The addresses of a call that are flagged: one whose flag ended of late stays out until it is renewed.
fn flagged_today(partner: &Partner, rows: &Rows, now: Timestamp) -> Vec<AddressKey> {
    let is_flagged = |key: &AddressKey| partner.flag_of(key).is_some_and(|flag| flag.last_day >= now.day());
    rows.found().map(|found| found.key).filter(is_flagged).collect()
}

pub(super) fn withdraw(desk: &Desk, origin: Origin, request: WithdrawRequest) -> Result<WithdrawResult, Problem> {
    let WithdrawRequest { actor, case, rows, number_only } = request;
    let by = by(&actor, &case, origin)?;
    let rows = desk.rows(&rows, number_only)?;
    let (mut partner, now) = desk.begin();
    rows.refuse_if_none()?;
    let flagged: HashSet<AddressKey> =
        rows.found().map(|found| found.key).filter(|key| partner.flag_of(key).is_some()).collect();
    let Changed { withdrawn, unchanged, repeated, .. } = partner.withdraw(rows.given(), &by, now)?;
    let of = |found: &Found| {
        let was_flagged = flagged.contains(&found.key);
        WithdrawRow { was_flagged, stay: staying(&partner, &found.key, was_flagged) }
    };
    Ok(WithdrawResult { withdrawn, unchanged, repeated, refused: rows.refused(), rows: rows.told(of) })
}

/// The own flags that stay, and that somebody who withdraws this address may mean too: another spelling of the same
/// floor, a house number that was flagged alone, homes at such a number.
fn staying(partner: &Partner, address: &AddressKey, was_flagged: bool) -> Vec<Shown> {
    let may_be_meant = |other: &AddressKey| match (address.level(), other.level()) {
        (Level::Unit, Level::Number) => true,
        (Level::Number, Level::Unit) => !was_flagged,
        (Level::Unit, Level::Unit) => !was_flagged && may_be_one(other, address),
        _ => false,
    };
    let number = address.number_key();
    let at_number = partner.flags_at(&number).map(|flag| flag.address);
    at_number.filter(|other| other != address && may_be_meant(other)).map(Shown).collect()
}

/// Refuses what the policy does not allow of rows that are flagged or asked about.
pub(super) fn hold_to_policy(partner: &Partner, rows: &mut Rows, number_only: bool) -> Result<(), Problem> {
    let counting = &partner.policy().policy().counting;
    if number_only && !counting.levels.contains(&Level::Number) {
        let detail = "the policy does not count house numbers: leave number_only out";
        return Err(Problem::unprocessable("level", detail));
    }
    if matches!(counting.register, RegisterUse::Required) {
        rows.require_register();
    }
    Ok(())
}

/// How it goes, in numbers alone.
pub(super) fn status(desk: &Desk) -> Result<Value, Problem> {
    let sync = desk.sync();
    let state = match (sync.is_on, sync.is_running) {
        (false, _) => "off",
        (true, false) => "waiting",
        (true, true) => "running",
    };
    let mut told = json!({ "state": state });
    if let Some((ended, code)) = sync.last {
        told["last_run"] = ended.to_string().into();
        if !code.is_empty() {
            told["last_code"] = code.into();
        }
    }
    if let Some(done) = sync.last_done {
        told["last_done"] = done.to_string().into();
    }
    let has_register = desk.register.load().is_some();
    let (partner, now) = desk.begin();
    let kinds: Vec<Kind> = partner.in_flight().map(|message| message.kind).collect();
    let count = |of: fn(Kind) -> bool| kinds.iter().filter(|kind| of(**kind)).count();
    let policy = partner.policy();
    Ok(without_nulls(json!({
        "partner": partner.number(), "policy_version": policy.policy().version, "policy": policy.digest().to_string(),
        "flags": partner.flags().len(), "undelivered": partner.undelivered(),
        "waiting": {
            "flags": count(|kind| matches!(kind, Kind::Delta | Kind::FullSet | Kind::Confirm)),
            "questions": count(|kind| kind == Kind::Question), "status": count(|kind| kind == Kind::Status),
            "talk": count(|kind| {
                matches!(kind, Kind::PutForward | Kind::Exchange | Kind::TotalsRequest | Kind::Year)
            }),
        },
        "journal_records": partner.journal_length(), "journal_head": partner.journal_head().to_string(),
        "complaints": partner.complaints()?.len(), "has_register": has_register,
        "counts_house_numbers": policy.policy().counting.levels.contains(&Level::Number), "sync": told,
        "after_hit": after_hit::json::due(&partner.talk_due(now.day())),
    })))
}
