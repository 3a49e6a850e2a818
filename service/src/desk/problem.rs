//! A response other than `200`: what was wrong, and what would help (RFC 9457).

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use stapel::{ADDRESS_CODES, Error};

use crate::carrier::PROBLEM;

/// What was wrong. It goes back to whoever called, and to no log.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: String,
    /// What became of each row, where all were refused.
    pub(super) rows: Option<Value>,
}

/// Its code, for the log.
#[derive(Clone, Copy)]
pub(super) struct Code(pub(super) &'static str);

/// The desk's own codes, each with its status.
const OWN: [(u16, &str); 17] = [
    (400, "bad_request"),
    (401, "unauthorized"),
    (403, "forbidden"),
    (404, "not_asked"),
    (404, "not_found"),
    (405, "method_not_allowed"),
    (408, "too_slow"),
    (409, "conversation_changed"),
    (409, "news_changed"),
    (409, "request_reused"),
    (413, "too_large"),
    (415, "unsupported_media_type"),
    (422, "level"),
    (422, "rows_refused"),
    (431, "head_too_large"),
    (500, "internal"),
    (503, "busy"),
];

/// What a caller can mend in the request itself.
const OF_REQUEST: [&str; 8] =
    ["case", "last_day", "level", "no_flag", "not_flagged", "note_text", "register_required", "too_many_renewals"];

/// The machine's or the folder's faults.
const OF_MACHINE: [&str; 11] = [
    "file_mode",
    "folder_in_use",
    "io",
    "journal_damaged",
    "other_process",
    "other_user",
    "partner_folder",
    "random",
    "register",
    "source_fault",
    "threads",
];

/// The partner's state, which somebody has to change first.
#[cfg(test)]
const OF_STATE: [&str; 7] =
    ["clock", "clock_ahead", "no_epoch", "not_certified", "not_in_roster", "pseudonyms_pending", "secret_mismatch"];

/// How it stands with a conversation, or with what others put forward.
#[cfg(test)]
const OF_TALK: [&str; 3] = ["no_conversation", "not_leading", "not_put_forward"];

/// Codes of a partner's that no call has here: those of deliveries, replies and secrets, and of reports.
#[cfg(test)]
const OF_NO_CALL: [&str; 8] = [
    "epoch_in_use",
    "false_introduction",
    "late_introduction",
    "shrink",
    "talk_in_flight",
    "unannounced_restore",
    "unexpected_reply",
    "year_reported",
];

/// Why a register does not know a row.
const OF_REGISTER: [&str; 5] =
    ["bag_id_unknown", "bag_id_withdrawn", "not_in_register", "register_row", "several_in_register"];

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        debug_assert!(OWN.contains(&(status.as_u16(), code)), "{status} {code} is in no list");
        Problem { status, code, detail: detail.into(), rows: None }
    }

    /// What came is not in its form.
    pub(super) fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    pub(super) fn unprocessable(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    pub(super) fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, code, detail)
    }

    pub(super) fn busy(detail: &str) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    }

    pub(super) fn internal() -> Problem {
        let detail = "a fault of this program; see its log, and make the request again";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl<E: Into<Error>> From<E> for Problem {
    fn from(error: E) -> Problem {
        let error = error.into();
        let code = error.code();
        Problem { status: status_of(code), code, detail: error.to_string(), rows: None }
    }
}

/// The status of a code of the library's. Whatever is neither the request's nor the machine's is the partner's state.
fn status_of(code: &str) -> StatusCode {
    match code {
        "not_permitted" => StatusCode::FORBIDDEN,
        _ if OF_REQUEST.contains(&code) || is_of_row(code) => StatusCode::UNPROCESSABLE_ENTITY,
        _ if OF_MACHINE.contains(&code) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    }
}

/// Whether it says why a row is no address.
fn is_of_row(code: &str) -> bool {
    OF_REGISTER.contains(&code) || ADDRESS_CODES.iter().any(|row| row.code == code)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let Problem { status, code, detail, rows } = self;
        let title = status.canonical_reason().unwrap_or_default();
        let mut body = json!({
            "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
        });
        if let Some(rows) = rows {
            body["rows"] = rows;
        }
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        match status {
            StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1"))),
            StatusCode::UNAUTHORIZED => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            _ => {}
        }
        response.extensions_mut().insert(Code(code));
        response
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use stapel::partner::PartnerError;
    use stapel::{ADDRESS_CODES, SystemError};

    use super::{OF_MACHINE, OF_NO_CALL, OF_REGISTER, OF_REQUEST, OF_STATE, OF_TALK, OWN, status_of};

    const PAGE: &str = include_str!("../../../docs/partner-serve.md");

    #[test]
    fn the_page_has_every_code_with_its_status() {
        let library = [&OF_REQUEST[..], &OF_MACHINE, &OF_STATE, &OF_TALK, &["not_permitted"]].concat();
        let there = OWN.map(|(status, code)| (status, code.to_owned())).into_iter();
        let there = there.chain(library.iter().map(|code| (status_of(code).as_u16(), (*code).to_owned())));
        let told = PAGE.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
        let told = told.filter_map(|(status, rest)| Some((status.parse().ok()?, rest.split_once(" |")?.0)));
        let told: Vec<(u16, String)> = told
            .flat_map(|(status, codes)| codes.split(", ").map(move |code| (status, code.replace('`', ""))))
            .collect();
        assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), there.collect(), "docs/partner-serve.md");
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "a code stands in the page twice");
    }

    #[test]
    fn every_code_of_a_partner_is_sorted_in() {
        let sorted = [&OF_REQUEST[..], &OF_MACHINE, &OF_STATE, &OF_TALK, &OF_NO_CALL, &["not_permitted"]].concat();
        let unsorted: Vec<_> =
            PartnerError::CODES.iter().chain(SystemError::CODES).filter(|code| !sorted.contains(code)).collect();
        assert!(unsorted.is_empty(), "{unsorted:?} in none of the lists above, nor in docs/partner-serve.md");
    }

    #[test]
    fn the_page_has_every_code_of_a_refused_row() {
        let (_, told) = PAGE.split_once("\nThe code of a refused row is one of these:\n").unwrap();
        let told = told.trim_start().split("\n\n").next().unwrap();
        let told: BTreeSet<&str> = told.split('`').skip(1).step_by(2).collect();
        let codes = ADDRESS_CODES.iter().map(|row| row.code).chain(OF_REGISTER).chain(["register_required"]);
        assert_eq!(told, codes.collect());
    }
}
