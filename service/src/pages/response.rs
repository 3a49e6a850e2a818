//! From an answer to the response that a browser gets.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, REFRESH, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::refusal::Refusal;
use super::request::{SESSION, cookie};
use super::routes::Pages;
use super::screens::Download;
use super::session::Session;
use super::shell::{self, Around, Page, STYLE};
use crate::words::Words;

/// What a page may do: show the one style, and send forms to this site.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What every response has. The referrer stays with this site: with `no-referrer` browsers would not say of this site's
/// own forms that they are.
pub(super) const ALWAYS: [(HeaderName, HeaderValue); 7] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
];

/// A response as far as it is made.
pub(super) enum Answer {
    /// A page, with who is signed in.
    Page(Page, Option<Session>),
    /// Another place, with cookies that are set.
    Elsewhere(String, Vec<String>),
    /// Signed out here, and where one signs out at the provider.
    SignedOut(Option<String>),
    /// A file to keep.
    File(Download),
    /// It was done, and nobody sees a page of it.
    Done,
    Style,
}

impl Pages {
    /// The response that an answer makes.
    pub(super) fn made(
        &self,
        words: Words,
        path: &str,
        session: Option<Session>,
        answered: Result<Answer, Refusal>,
    ) -> Response<Body> {
        let bare = path.strip_prefix("/nl").or_else(|| path.strip_prefix("/en")).unwrap_or_default();
        let show = |page: Page, session: Option<&Session>| {
            let person = session.map(|session| (&session.person, session.csrf.as_str()));
            let coordinates = self.coordinates.load(Ordering::Relaxed);
            let around = Around { words, path: bare, coordinates, person, style: &self.style };
            let mut response = Response::new(Body::from(around.show(page)));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(words.lang()));
            response
        };
        match answered {
            Ok(Answer::Page(page, session)) => show(page, session.as_ref()),
            Ok(Answer::SignedOut(at)) => {
                let mut response = show(shell::signed_out(words, at.as_deref()), None);
                let headers = response.headers_mut();
                set_cookies(headers, &[cookie(SESSION, "", Some(0))]);
                // Not `Location`: a browser holds what a form leads to by that to `form-action`.
                if let Some(Ok(refresh)) = at.map(|at| HeaderValue::from_str(&format!("0; url={at}"))) {
                    headers.insert(REFRESH, refresh);
                }
                response
            }
            Ok(Answer::Elsewhere(to, cookies)) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::SEE_OTHER;
                let headers = response.headers_mut();
                set_cookies(headers, &cookies);
                if let Ok(to) = HeaderValue::from_str(&to) {
                    headers.insert(LOCATION, to);
                }
                response
            }
            Ok(Answer::File(Download { name, kind, bytes })) => {
                let mut response = Response::new(Body::from(bytes));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                let disposition = format!("attachment; filename=\"{name}\"");
                if let Ok(disposition) = HeaderValue::from_str(&disposition) {
                    headers.insert(CONTENT_DISPOSITION, disposition);
                }
                response
            }
            Ok(Answer::Done) => Response::new(Body::empty()),
            Ok(Answer::Style) => {
                let mut response = Response::new(Body::from(STYLE));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
                response
            }
            Err(refusal) => {
                let mut response = show(shell::refused(words, &refusal), session.as_ref());
                *response.status_mut() = refusal.status;
                response
            }
        }
    }
}

fn set_cookies(headers: &mut HeaderMap, cookies: &[String]) {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
}
