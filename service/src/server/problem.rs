//! A response other than `200`. spec/carrier.md 4.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;

use crate::carrier::{PROBLEM, ProblemCode};

/// What was wrong, and a sentence for a person. It repeats nothing of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The code.
    pub code: ProblemCode,
    /// The sentence.
    pub detail: &'static str,
}

/// Seconds after which whoever was turned away may come again: it draws its wait itself, and this is the least.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

impl Problem {
    /// A problem.
    pub fn new(code: ProblemCode, detail: &'static str) -> Problem {
        Problem { code, detail }
    }

    /// The body.
    pub fn body(&self) -> String {
        let Problem { code, detail } = self;
        let body = serde_json::json!({
            "type": "about:blank", "title": code.title(), "status": code.status(), "code": code.as_str(),
            "detail": detail,
        });
        body.to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if matches!(self.code, ProblemCode::Busy | ProblemCode::NotLeader) {
            response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        }
        response.extensions_mut().insert(self.code);
        response
    }
}
