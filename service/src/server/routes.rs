//! From a request to its response: what is wrong with its head, who it is of, its route, and what every response has.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Router};
use hyper::body::{Frame, SizeHint};
use stapel::message::{MAX_MESSAGE, Role, Unverified};
use stapel::policy::Oin;
use stapel::{Slug, Timestamp};
use tokio::sync::OwnedSemaphorePermit;
use tower::ServiceExt;

use super::admission::{Admission, Admitted, Holder};
use super::config::Bounds;
use super::consortium::Consortium;
use super::fetched;
use super::identity::Peer;
use super::padding::{Asked, padded};
use super::problem::Problem;
use crate::carrier::{API_VERSION, MESSAGE, ProblemCode, REPLY};
use crate::connection::{HeadFault, refuse_head};

/// A route of the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, as OpenAPI writes it.
    pub path: &'static str,
}

/// All routes that are served.
pub const ROUTES: [Route; 9] = [
    Route { method: "POST", path: "/v1/{consortium}/messages" },
    Route { method: "GET", path: "/v1/openapi.json" },
    Route { method: "GET", path: "/v1/{consortium}/policies" },
    Route { method: "GET", path: "/v1/{consortium}/policies/{version}" },
    Route { method: "GET", path: "/v1/{consortium}/policies/{version}/signatures" },
    Route { method: "GET", path: "/v1/{consortium}/certificates" },
    Route { method: "GET", path: "/v1/{consortium}/checkpoint" },
    Route { method: "GET", path: "/v1/{consortium}/tile/{level}/{index}" },
    Route { method: "GET", path: "/v1/{consortium}/tile/{level}/{index}.p/{width}" },
];

/// What every response has, as the carrier and the API Design Rules of Logius say.
const ALWAYS: [(HeaderName, HeaderValue); 6] = [
    (HeaderName::from_static("api-version"), HeaderValue::from_static(API_VERSION)),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("strict-transport-security"), HeaderValue::from_static("max-age=31536000")),
    (HeaderName::from_static("content-security-policy"), HeaderValue::from_static("frame-ancestors 'none'")),
    (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")),
];

/// OpenAPI 3.1 of all this.
const OPENAPI: &str = include_str!("../../openapi.json");

/// How many responses there were: by consortium, where it is one's, status, and the problem's code.
pub(super) type Counted = BTreeMap<(Option<Slug>, u16, Option<ProblemCode>), u64>;

/// What answers requests, however they came.
pub struct Server {
    consortia: ArcSwap<BTreeMap<Slug, Arc<Consortium>>>,
    admission: Admission,
    is_stopping: AtomicBool,
    counted: Mutex<Counted>,
    /// When the certificates end with which those connected whom a policy names; the last of each.
    certificates_seen: Mutex<BTreeMap<Oin, Timestamp>>,
    /// How long a reply may take to be taken.
    whole: Duration,
    router: Router,
}

/// Whose request it is. Every request for a consortium has this, or was refused.
#[derive(Clone)]
pub(super) struct Caller {
    server: Arc<Server>,
    pub(super) consortium: Arc<Consortium>,
    oin: Oin,
    organisations: Arc<[Slug]>,
}

impl Caller {
    /// Lets in what has no body, and waits for a worker: in the share of small messages.
    pub(super) async fn admit(&self) -> Result<(Admitted, Option<OwnedSemaphorePermit>), Problem> {
        let place = self.server.admission.admit_small(&self.holder())?;
        let worker = self.server.admission.small_worker().await;
        Ok((place, worker))
    }

    fn holder(&self) -> Holder {
        Holder::of(&self.consortium.name, &self.organisations, self.oin)
    }
}

impl Server {
    /// A server of these consortia.
    pub fn new(consortia: impl IntoIterator<Item = Arc<Consortium>>, bounds: &Bounds) -> Arc<Server> {
        let router = Router::new()
            .route(ROUTES[0].path, post(message))
            .route(ROUTES[1].path, get(openapi))
            .route(ROUTES[2].path, get(fetched::policies))
            .route(ROUTES[3].path, get(fetched::policy))
            .route(ROUTES[4].path, get(fetched::signatures))
            .route(ROUTES[5].path, get(fetched::certificates))
            .route(ROUTES[6].path, get(fetched::checkpoint))
            // An index has `/` in it, and so has a width.
            .route("/v1/{consortium}/tile/{level}/{*index}", get(fetched::tile))
            .fallback(async || Problem::new(ProblemCode::NotFound, "there is no such path"))
            .method_not_allowed_fallback(async || {
                Problem::new(ProblemCode::MethodNotAllowed, "the path has another method, which Allow names")
            });
        let server = Server {
            consortia: ArcSwap::default(),
            admission: Admission::new(bounds),
            is_stopping: AtomicBool::new(false),
            counted: Mutex::default(),
            certificates_seen: Mutex::default(),
            whole: bounds.whole,
            router,
        };
        server.serve(consortia);
        Arc::new(server)
    }

    /// The consortia that are served.
    pub fn consortia(&self) -> Arc<BTreeMap<Slug, Arc<Consortium>>> {
        self.consortia.load_full()
    }

    /// Serves these from now on. What is under way for another is ended.
    pub fn serve(&self, consortia: impl IntoIterator<Item = Arc<Consortium>>) {
        self.consortia.store(Arc::new(consortia.into_iter().map(|one| (one.name.clone(), one)).collect()));
    }

    /// Whether a policy in force names this OIN, of a consortium that is served.
    pub(super) fn knows(&self, oin: &Oin) -> bool {
        self.consortia.load().values().any(|consortium| !consortium.organisations_of(oin).is_empty())
    }

    /// Waits until a worker is free as small messages wait for one, and has it do nothing.
    pub(super) async fn try_worker(&self) {
        let worker = self.admission.small_worker().await;
        let _ = tokio::task::spawn_blocking(move || drop(worker)).await;
    }

    /// Answers `busy` from now on.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// How many responses there were.
    pub(super) fn counted(&self) -> Counted {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes when the certificate ends with which somebody connected whom a policy names.
    pub(super) fn saw_certificate(&self, oin: Oin, end: Timestamp) {
        self.certificates_seen.lock().unwrap_or_else(PoisonError::into_inner).insert(oin, end);
    }

    pub(super) fn certificates_seen(&self) -> BTreeMap<Oin, Timestamp> {
        self.certificates_seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The response to a request from `peer`.
    pub async fn respond(self: Arc<Server>, peer: Arc<Peer>, mut request: Request<Body>) -> Response<Body> {
        let began = Instant::now();
        let has_body = !request.body().is_end_stream();
        let length = request.body().size_hint().exact();
        let asked = Asked::by(&request);
        let mut caller = None;
        let mut response = match self.refuse(&peer, &mut request, &mut caller) {
            Ok(()) => match self.router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            Err(problem) => problem.into_response(),
        };
        let headers = response.headers_mut();
        for (name, value) in ALWAYS {
            headers.insert(name, value);
        }
        let code = response.extensions().get::<ProblemCode>().copied();
        if code.is_some() && has_body {
            // The body was not read, or not to its end.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let consortium = caller.as_ref().map(|one: &Caller| one.consortium.name.clone());
        let kind = (consortium, response.status().as_u16(), code);
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
        tracing::info!(
            consortium = caller.as_ref().map(|one: &Caller| one.consortium.name.as_str()),
            status = response.status().as_u16(),
            code = code.map(ProblemCode::as_str),
            milliseconds = began.elapsed().as_millis() as u64,
            received = length,
            sent = response.body().size_hint().exact(),
            oin = caller.as_ref().map(|one| one.oin.to_string()),
            from = peer.address.map(|address| address.to_string()),
            "request"
        );
        padded(response, asked)
    }

    /// Refuses what the carrier does not allow, and who is not admitted.
    fn refuse(
        self: &Arc<Server>,
        peer: &Peer,
        request: &mut Request<Body>,
        known: &mut Option<Caller>,
    ) -> Result<(), Problem> {
        let bad = |detail| Err(Problem::new(ProblemCode::BadRequest, detail));
        let (uri, headers) = (request.uri(), request.headers());
        match refuse_head(request) {
            Err(HeadFault::Form(detail)) => return bad(detail),
            Err(HeadFault::TooLarge) => {
                return Err(Problem::new(ProblemCode::HeadTooLarge, "the head has too many fields or bytes"));
            }
            Ok(()) => {}
        }
        // A whole address counts as its path (RFC 9112, 3.2.2); CONNECT has an authority alone, and OPTIONS may have *.
        if uri.authority().is_some() != uri.scheme().is_some() || !uri.path().starts_with('/') {
            return bad("the target is not a path");
        }
        if uri.query().is_some() {
            return bad("a path has no query");
        }
        if let Some(expected) = headers.get(EXPECT)
            && !expected.as_bytes().eq_ignore_ascii_case(b"100-continue")
        {
            return bad("what is expected is not 100-continue");
        }
        if self.is_stopping() {
            return Err(Problem::new(ProblemCode::Busy, "the broker is stopping; send the same bytes again"));
        }
        // The router decodes what is behind the consortium, and a path has one form.
        if uri.path().contains('%') {
            return Err(Problem::new(ProblemCode::NotFound, "a path has no percent-encoding"));
        }
        let mut segments = uri.path().split('/').skip(1);
        let (Some("v1"), Some(name), Some(_)) = (segments.next(), segments.next(), segments.next()) else {
            return Ok(());
        };
        let not_found = || Problem::new(ProblemCode::NotFound, "there is no such consortium here");
        let name: Slug = name.parse().map_err(|_| not_found())?;
        let consortium = self.consortia.load().get(&name).cloned().ok_or_else(not_found)?;
        let not_admitted = |detail| Problem::new(ProblemCode::NotAdmitted, detail);
        let oin = peer
            .oin_of(headers)
            .ok_or_else(|| not_admitted("the certificate, or the gateway, names no OIN, or more than one"))?;
        let organisations = consortium.organisations_of(&oin);
        let caller = Caller { server: self.clone(), consortium, oin, organisations: organisations.into() };
        *known = Some(caller.clone());
        if caller.organisations.is_empty() {
            return Err(not_admitted("the certificate's OIN is of no organisation of the policy in force"));
        }
        request.extensions_mut().insert(caller);
        Ok(())
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server(..)")
    }
}

async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}

async fn message(Extension(caller): Extension<Caller>, request: Request<Body>) -> Response<Body> {
    match handle(&caller, request).await {
        Ok((reply, place)) => {
            let (length, until) = (reply.len(), Instant::now() + caller.server.whole);
            let mut response = Response::new(Body::new(Held { rest: reply.into(), until, _place: place }));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(REPLY));
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
            response
        }
        Err(problem) => problem.into_response(),
    }
}

async fn handle(caller: &Caller, request: Request<Body>) -> Result<(Vec<u8>, Arc<Admitted>), Problem> {
    let length = length_of(request.headers())?;
    let admission = &caller.server.admission;
    let place = Arc::new(admission.admit(&caller.holder(), length).await?);
    let bytes = admission.read(request.into_body(), length).await?;
    if let Ok(unverified) = Unverified::parse(&bytes, Role::Partner)
        && let Some(organisation) = caller.consortium.organisation_of(unverified.claimed_partner())
        && !caller.organisations.contains(&organisation)
    {
        let detail = "the certificate's OIN is not of the organisation of the message's sender";
        return Err(Problem::new(ProblemCode::NotAdmitted, detail));
    }
    let worker = admission.worker(&place).await;
    // Both are held until it is handled, also where the other end is gone meanwhile.
    let (consortium, held) = (caller.consortium.clone(), (place.clone(), worker));
    let handled = tokio::task::spawn_blocking(move || {
        let _held = held;
        // Its state is behind locks that a panic does not poison, and each change is one transaction.
        let handle = || consortium.broker.handle(&bytes, consortium.clock.read(&consortium.broker));
        catch_unwind(AssertUnwindSafe(handle))
    });
    match handled.await {
        Ok(Ok(reply)) if !reply.is_empty() => Ok((reply, place)),
        // The broker itself notes why it has no reply to give.
        Ok(Ok(_)) => {
            let detail = "it is not known whether the message was kept; send the same bytes again";
            Err(Problem::new(ProblemCode::Internal, detail))
        }
        Ok(Err(_)) | Err(_) => {
            tracing::error!("a message could not be handled for a fault of this program");
            Err(Problem::new(ProblemCode::Internal, "a fault of the broker; send the same bytes again"))
        }
    }
}

/// The length of a message, as its head has it.
fn length_of(headers: &HeaderMap) -> Result<usize, Problem> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(Problem::new(ProblemCode::LengthRequired, "a message has no Transfer-Encoding"));
    }
    let Some(length) = headers.get(CONTENT_LENGTH) else {
        return Err(Problem::new(ProblemCode::LengthRequired, "a message has a Content-Length"));
    };
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    if types.next().is_none_or(|one| !one.as_bytes().eq_ignore_ascii_case(MESSAGE.as_bytes())) || types.next().is_some()
    {
        let detail = "the Content-Type is not application/vnd.stapel.message";
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, "a message has no Content-Encoding"));
    }
    let length = length.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    let length = length.ok_or_else(|| Problem::new(ProblemCode::BadRequest, "the Content-Length is no number"))?;
    match usize::try_from(length) {
        Ok(length) if length <= MAX_MESSAGE => Ok(length),
        _ => Err(Problem::new(ProblemCode::TooLarge, "the body is longer than any message")),
    }
}

/// A reply, and the place of its message, which is free when the reply is written. It is given in pieces, because the
/// connection lets go of a piece when it has taken it, not when the other end has. Who takes it too slowly as a whole
/// gets no more of it, and the connection is closed.
struct Held {
    rest: Bytes,
    until: Instant,
    _place: Arc<Admitted>,
}

/// Bytes of a piece.
const PIECE: usize = 65_536;

impl HttpBody for Held {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        if Instant::now() >= self.until {
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        }
        let piece = PIECE.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_reply_is_given_in_pieces_until_its_time_is_over() {
        let admission = Admission::new(&Bounds::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let oin = "00000099000000001000".parse().unwrap();
        let holder = Holder::of(&"zaanstad".parse().unwrap(), &["politie".parse().unwrap()], oin);
        let place = Arc::new(runtime.block_on(admission.admit(&holder, 1)).unwrap());
        let until = Instant::now() + Duration::from_secs(3_600);
        let mut held = Held { rest: vec![7; PIECE + 1].into(), until, _place: place };
        let mut next = || Pin::new(&mut held).poll_frame(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(Ok(first))) = next() else { panic!() };
        assert_eq!(first.into_data().unwrap().len(), PIECE);
        held.until = Instant::now();
        let mut next = || Pin::new(&mut held).poll_frame(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(next(), Poll::Ready(Some(Err(error))) if error.kind() == io::ErrorKind::TimedOut));
    }
}
