//! Questions, and their answers.

use std::collections::HashSet;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use stapel::message::{Standing, Told};
use stapel::partner::{Answered, AskedRequest, AskedState, Case, Given, Partner};
use stapel::{AddressKey, Level, Slug};

use super::Desk;
use super::calls::{Origin, by, hold_to_policy, parsed};
use super::problem::Problem;
use super::rows::{self, Row, ToldRow, canonical};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskRequest {
    actor: String,
    case: String,
    request: String,
    #[serde(deserialize_with = "rows::rows")]
    rows: Vec<Row>,
    #[serde(default, deserialize_with = "parsed")]
    sweep: Option<Slug>,
    #[serde(default)]
    numbers: bool,
    #[serde(default)]
    number_only: bool,
}

/// A request that was named: to ask about own flags, or for what came of a question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedRequest {
    actor: String,
    case: String,
    request: String,
}

#[derive(Serialize)]
pub(super) struct AskResult {
    repeated: usize,
    refused: usize,
    rows: Vec<ToldRow<Nothing>>,
    #[serde(flatten)]
    asked: AnswersResult,
}

/// Of a row that is asked about there is no more to say than its address.
#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
pub(super) struct AnswersResult {
    request: String,
    state: &'static str,
    answers: Vec<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_accepted: Option<NotAccepted>,
}

#[derive(Serialize)]
struct NotAccepted {
    code: &'static str,
}

#[derive(Serialize)]
struct Answer {
    epoch: u32,
    release: u64,
    as_of: String,
    until: String,
    organisations: u16,
    fresh: u16,
    rows: Vec<ToldStanding>,
}

#[derive(Serialize)]
struct ToldStanding {
    #[serde(serialize_with = "canonical")]
    address: AddressKey,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typed: Option<String>,
    standing: &'static str,
    #[serde(flatten)]
    told: ToldNumber,
}

/// How many organisations flag an address: exactly, or at least; nothing where the policy tells neither.
#[derive(Default, Serialize)]
pub(super) struct ToldNumber {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at_least: Option<u8>,
}

pub(super) fn ask(desk: &Desk, origin: Origin, request: AskRequest) -> Result<AskResult, Problem> {
    let AskRequest { actor, case, request, rows, sweep, numbers, number_only } = request;
    let by = by(&actor, &case, origin)?.in_request(&request)?;
    let mut rows = desk.rows(&rows, number_only)?;
    let (mut partner, now) = desk.begin();
    hold_to_policy(&partner, &mut rows, number_only)?;
    rows.refuse_if_none()?;
    if numbers && !partner.policy().policy().counting.levels.contains(&Level::Number) {
        let detail = "the policy does not count house numbers: leave numbers out";
        return Err(Problem::unprocessable("level", detail));
    }
    let mut addresses = once_each(rows.given());
    let repeated = rows.found().count() - addresses.len();
    if numbers {
        let numbers: Vec<Given<'_>> = addresses.iter().filter_map(Given::number).collect();
        addresses = once_each(addresses.into_iter().chain(numbers));
    }
    let keys: Vec<AddressKey> = addresses.iter().map(Given::key).collect();
    let is_about = |asked: &AskedRequest| asked.is_about(&keys, sweep.as_ref());
    if is_to_be_asked(&mut partner, &by, is_about)? {
        match &sweep {
            None => partner.ask(&addresses, &by, now)?,
            Some(reason) => partner.sweep(&addresses, reason, &by, now)?,
        };
    }
    let asked = known(&mut partner, &by)?;
    Ok(AskResult { repeated, refused: rows.refused(), rows: rows.told(|_| Nothing {}), asked })
}

pub(super) fn ask_own(desk: &Desk, origin: Origin, request: NamedRequest) -> Result<AnswersResult, Problem> {
    let by = request.by(origin)?;
    let (mut partner, now) = desk.begin();
    // Other flags may have come since it was made first.
    if is_to_be_asked(&mut partner, &by, AskedRequest::is_about_own)? {
        partner.ask_own(&by, now)?;
    }
    known(&mut partner, &by)
}

pub(super) fn answers(desk: &Desk, origin: Origin, request: NamedRequest) -> Result<AnswersResult, Problem> {
    let by = request.by(origin)?;
    let (mut partner, _) = desk.begin();
    match partner.asked_in(&by)? {
        Some(asked) if asked.by.is_same_call(&by) => Ok(told(&partner, &by, Some(asked))),
        // Whether others asked under this name is nobody's to know.
        _ => {
            let detail = "nothing of that name was asked within 30 days by this actor, for this case, through this \
                          user of the machine";
            Err(Problem::new(StatusCode::NOT_FOUND, "not_asked", detail))
        }
    }
}

impl NamedRequest {
    fn by(&self, origin: Origin) -> Result<Case, Problem> {
        Ok(by(&self.actor, &self.case, origin)?.in_request(&self.request)?)
    }
}

/// Whether a request is to be asked: no question of it is waited for or answered. One that is the name of another is
/// refused.
fn is_to_be_asked(
    partner: &mut Partner,
    by: &Case,
    is_about: impl FnOnce(&AskedRequest) -> bool,
) -> Result<bool, Problem> {
    let Some(asked) = partner.asked_in(by)? else { return Ok(true) };
    if !asked.by.is_same_call(by) || !is_about(&asked) {
        let detail = "a request of this name asked something else, or for another case: give each request a name of \
                      its own, such as a random UUID";
        return Err(Problem::conflict("request_reused", detail));
    }
    Ok(!matches!(asked.state, AskedState::Waiting | AskedState::Answered))
}

/// What is known of a request now.
fn known(partner: &mut Partner, by: &Case) -> Result<AnswersResult, Problem> {
    let asked = partner.asked_in(by)?;
    Ok(told(partner, by, asked))
}

fn told(partner: &Partner, by: &Case, asked: Option<AskedRequest>) -> AnswersResult {
    let request = by.request().to_owned();
    // There was nothing to ask about.
    let Some(asked) = asked else {
        return AnswersResult { request, state: "nothing", answers: Vec::new(), not_accepted: None };
    };
    let (state, code) = match asked.state {
        AskedState::Waiting => ("waiting", None),
        AskedState::Answered => ("answered", None),
        AskedState::Rejected(Some(code)) => ("not_accepted", Some(code.as_str())),
        AskedState::Rejected(None) => ("not_accepted", Some("unknown")),
        _ => ("not_accepted", Some("dropped")),
    };
    let answers = asked.answers.iter().map(|answer| Answer::of(partner, answer)).collect();
    AnswersResult { request, state, answers, not_accepted: code.map(|code| NotAccepted { code }) }
}

impl Answer {
    fn of(partner: &Partner, answer: &Answered) -> Answer {
        let cap = partner.policy().policy().counting.count_cap;
        let row = |(address, standing): &(AddressKey, Standing)| {
            // A question about own flags has no texts; the flags have.
            let typed = Some(answer.typed(address)).filter(|typed| !typed.is_empty());
            let typed = typed.map_or_else(|| partner.typed(address), str::to_owned);
            let told = standing.told().map(|number| ToldNumber::of(number, cap)).unwrap_or_default();
            let typed = Some(typed).filter(|typed| !typed.is_empty());
            ToldStanding {
                address: *address,
                level: address.level().as_str(),
                typed,
                standing: standing.as_str(),
                told,
            }
        };
        let Answered { epoch, release, as_of, until, organisations, fresh, .. } = *answer;
        Answer {
            epoch,
            release,
            as_of: as_of.to_string(),
            until: until.to_string(),
            organisations,
            fresh,
            rows: answer.rows.iter().map(row).collect(),
        }
    }
}

impl ToldNumber {
    /// A count that reached the policy's cap may be more.
    pub(super) fn of(number: Told, cap: u8) -> ToldNumber {
        match number.is_exact(cap) {
            true => ToldNumber { count: number.at_least(), at_least: None },
            false => ToldNumber { count: None, at_least: number.at_least() },
        }
    }
}

/// Each address once, as it was given first.
fn once_each<'a>(rows: impl Iterator<Item = Given<'a>>) -> Vec<Given<'a>> {
    let mut seen = HashSet::new();
    rows.filter(|row| seen.insert(row.key())).collect()
}
