//! A response other than `200`: what was wrong, and what would help (RFC 9457).

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use stapel::Error;

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

/// What a caller can mend in the request itself.
const OF_REQUEST: [&str; 6] = ["case", "last_day", "level", "not_flagged", "register_required", "too_many_renewals"];

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

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
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
        let status = match (&error, code) {
            (_, "not_permitted") => StatusCode::FORBIDDEN,
            (Error::System(_), _) => StatusCode::INTERNAL_SERVER_ERROR,
            (Error::Address(_), _) => StatusCode::UNPROCESSABLE_ENTITY,
            (_, code) if OF_REQUEST.contains(&code) => StatusCode::UNPROCESSABLE_ENTITY,
            (_, code) if OF_MACHINE.contains(&code) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::CONFLICT,
        };
        Problem::new(status, code, error.to_string())
    }
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
