//! What a monitor asks, at an address of its own: whether the service lives, whether it is ready, its figures, and a
//! page for people. Over HTTP without TLS, so that it is for programs of this machine, or of a network on which a token
//! may be read.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_LANGUAGE, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    REFERRER_POLICY, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use data_encoding::BASE64;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::config::{Config, ConfigError};
use super::connections::Ends;
use super::routes::Server;
use super::view::View;
use super::{figures, page};
use crate::carrier::PROBLEM;
use crate::connection::next;
use crate::local::{Token, is_of_this_machine};
use crate::places::Places;
use crate::pulse::Pulse;

/// How many may ask at once. Where there are so many, a connection that says nothing gives way to whoever comes.
const AT_ONCE: usize = 16;

/// How long a request's head may take.
const LONGEST_HEAD: Duration = Duration::from_secs(5);

/// How long a request and its response may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Reads the token that a monitor must give, where the configuration has one.
pub(super) fn token_of(config: &Config) -> Result<Option<Token>, ConfigError> {
    let Some(path) = config.monitor.as_ref().and_then(|monitor| monitor.token.as_deref()) else { return Ok(None) };
    let refuse = |finding| ConfigError { file: path.to_owned(), line: None, finding };
    Token::read(path).map(Some).map_err(refuse)
}

/// Whether a request gives the token, once.
fn is_given(token: Token, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let given = values.next().and_then(|value| value.to_str().ok());
    values.next().is_none() && given.and_then(given_in).is_some_and(|given| token.is(&given))
}

/// The token that somebody gives: a program as a bearer token, a browser as a password beside any name (RFC 7617),
/// because a page in a browser cannot be asked for with a field of one's own.
fn given_in(authorization: &str) -> Option<Vec<u8>> {
    let (scheme, given) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(given.as_bytes().to_vec());
    }
    let pair = BASE64.decode(given.as_bytes()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    Some(pair[colon + 1..].to_vec())
}

/// What every response has, so that no other page can show it, read it or be told of it.
const ALWAYS: [(HeaderName, HeaderValue); 7] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// What answers a monitor.
pub(super) struct Monitor {
    pub(super) server: Arc<Server>,
    pub(super) workers: Pulse,
    pub(super) token: Arc<ArcSwap<Option<Token>>>,
    /// Held by who looks at the broker, so that many who ask at once cost it no more than one after the other.
    pub(super) looking: Arc<Semaphore>,
}

impl Monitor {
    /// Answers until the broker stops.
    pub(super) async fn accept(self: Arc<Monitor>, listener: TcpListener, ends: Ends) {
        let places = Places::new(AT_ONCE);
        let accept = || async {
            let (stream, _) = listener.accept().await?;
            std::io::Result::Ok((stream, places.take().await))
        };
        loop {
            let Some((stream, place)) = next(accept, &ends.stop).await else { return };
            let (this, place) = (self.clone(), Arc::new(place));
            tokio::spawn(async move {
                let own = place.clone();
                let respond = service_fn(move |request: Request<Incoming>| {
                    let (this, busy) = (this.clone(), own.keep());
                    async move {
                        let _busy = busy;
                        Ok::<_, Infallible>(this.respond(&request).await)
                    }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(LONGEST_HEAD)
                    .max_buf_size(16_384)
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), respond);
                tokio::select! {
                    _ = timeout(LONGEST, connection) => {}
                    () = place.give_way() => {}
                }
            });
        }
    }

    async fn respond(&self, request: &Request<Incoming>) -> Response<Body> {
        let mut response = self.answer(request).await;
        let headers = response.headers_mut();
        for (name, value) in ALWAYS {
            headers.entry(name).or_insert(value);
        }
        response
    }

    async fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let headers = request.headers();
        match **self.token.load() {
            Some(token) if !is_given(token, headers) => {
                let detail = "give the token: Authorization: Bearer TOKEN";
                let mut refused = refused(StatusCode::UNAUTHORIZED, "unauthorized", detail);
                refused.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                let basic =
                    HeaderValue::from_static(r#"Basic realm="stapel: any name, and the token", charset="UTF-8""#);
                refused.headers_mut().append(WWW_AUTHENTICATE, basic);
                return refused;
            }
            // A page in a browser of this machine may ask under a name of its own, which leads here.
            None if !is_of_this_machine(headers) => {
                let detail = "ask for localhost, 127.0.0.1 or [::1], or configure a token";
                return refused(StatusCode::FORBIDDEN, "forbidden", detail);
            }
            _ => {}
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut refused = refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "use GET");
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        let is_alive = self.is_alive(Instant::now());
        match request.uri().path() {
            "/health/live" => live(is_alive),
            "/health/ready" if self.server.is_stopping() => {
                refused(StatusCode::SERVICE_UNAVAILABLE, "stopping", "it is stopping")
            }
            "/health/ready" => live(is_alive),
            "/metrics" => {
                let Some(Ok(text)) = self.look(is_alive, |view| figures::text(&view)).await else { return failed() };
                let mut response = Response::new(Body::from(text));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(figures::MEDIA_TYPE));
                response
            }
            "/" => {
                let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
                let lang = page::language(request.uri().query(), accepted);
                let Some(html) = self.look(is_alive, move |view| page::html(&view, lang)).await else {
                    return failed();
                };
                let Ok(allowed) = HeaderValue::from_str(&page::CONTENT_SECURITY_POLICY) else { return failed() };
                let mut response = Response::new(Body::from(html));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(lang.as_str()));
                headers.insert(VARY, HeaderValue::from_static("Accept-Language"));
                headers.insert(CONTENT_SECURITY_POLICY, allowed);
                response
            }
            _ => {
                let detail = "there are /, /health/live, /health/ready and /metrics";
                refused(StatusCode::NOT_FOUND, "not_found", detail)
            }
        }
    }

    /// Looks at the broker, and makes something of what is seen; `None` where that broke off.
    async fn look<T: Send + 'static>(
        &self,
        is_alive: bool,
        make: impl FnOnce(View) -> T + Send + 'static,
    ) -> Option<T> {
        // It goes with the work, which goes on where whoever asked is gone.
        let looking = self.looking.clone().acquire_owned().await.ok()?;
        let server = self.server.clone();
        let make = move || {
            let _looking = looking;
            make(View::of(&server, is_alive))
        };
        tokio::task::spawn_blocking(make).await.ok()
    }

    /// Whether what must go on goes on: schedules make their turns, and small messages get workers.
    fn is_alive(&self, now: Instant) -> bool {
        self.workers.is_alive(now) && self.server.consortia().values().all(|one| one.pulse.is_alive(now))
    }
}

fn failed() -> Response<Body> {
    tracing::error!("what a monitor asked for could not be made");
    refused(StatusCode::INTERNAL_SERVER_ERROR, "internal", "it could not be made: see the log")
}

fn live(is_alive: bool) -> Response<Body> {
    if !is_alive {
        let detail = "a schedule or the workers have done nothing for 15 minutes";
        return refused(StatusCode::SERVICE_UNAVAILABLE, "not_alive", detail);
    }
    let mut response = Response::new(Body::from("ok\n"));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A response other than `200` (RFC 9457), with a code as those of the broker's other addresses have.
fn refused(status: StatusCode, code: &str, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
    });
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    response
}
