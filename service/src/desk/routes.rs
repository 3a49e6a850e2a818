//! From a request to its response: what is wrong with its head, its route, and what every response has.

use std::collections::HashMap;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, TRANSFER_ENCODING,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Router};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stapel::TraceContext;
use stapel::partner::Caller;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{self, timeout_at};
use tower::ServiceExt;

use super::calls::Origin;
use super::problem::{Code, Problem};
use super::{Desk, asking, calls, shown, talk};
use crate::connection::{HeadFault, refuse_head};
use crate::local::{Token, is_of_this_machine};
use crate::places::Place;

/// A route of the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path.
    pub path: &'static str,
}

/// All routes that are served.
pub const ROUTES: [Route; 21] = [
    Route { method: "POST", path: "/v1/flag" },
    Route { method: "POST", path: "/v1/withdraw" },
    Route { method: "POST", path: "/v1/ask" },
    Route { method: "POST", path: "/v1/ask-own" },
    Route { method: "POST", path: "/v1/answers" },
    Route { method: "POST", path: "/v1/news" },
    Route { method: "POST", path: "/v1/news/seen" },
    Route { method: "POST", path: "/v1/dossier" },
    Route { method: "POST", path: "/v1/after-hit/forward" },
    Route { method: "POST", path: "/v1/after-hit/take-back" },
    Route { method: "POST", path: "/v1/after-hit/forwarded" },
    Route { method: "POST", path: "/v1/after-hit/asked" },
    Route { method: "POST", path: "/v1/after-hit/answer" },
    Route { method: "POST", path: "/v1/after-hit/conversations" },
    Route { method: "POST", path: "/v1/after-hit/note" },
    Route { method: "POST", path: "/v1/after-hit/leave" },
    Route { method: "POST", path: "/v1/after-hit/agenda" },
    Route { method: "POST", path: "/v1/after-hit/news" },
    Route { method: "POST", path: "/v1/after-hit/news/seen" },
    Route { method: "GET", path: "/v1/status" },
    Route { method: "GET", path: "/openapi.json" },
];

/// OpenAPI 3.1 of all this.
const OPENAPI: &str = include_str!("../../partner-openapi.json");

/// The most bytes of a body.
const MAX_BODY: usize = 16 << 20;

/// How long a body may take to come.
const LONGEST_BODY: Duration = Duration::from_secs(60);

/// How many calls are worked on at once; the others wait in turn. Each waits for the partner, which one has at a time.
const AT_ONCE: usize = 64;

/// How many of those places a call takes whose body is large: its rows take many times the memory of its bytes.
const LARGE_CALL: u32 = 16;

/// A body of more bytes is large. A smaller one needs no room, because a connection has one at a time.
const SMALL: usize = 65_536;

/// How many large bodies there may be at once, coming in or waiting.
const LARGE_BODIES: usize = 16;

/// How many of them through one user of the machine, or all together at the loopback address; so one user's slow
/// programs do not keep out the others.
const LARGE_BODIES_EACH: usize = 12;

/// How whoever called came in, and whether that was looked at.
#[derive(Clone)]
pub(super) enum Door {
    /// A process of this user, through the socket.
    Socket { uid: u32 },
    /// A loopback address, with the token that is in force.
    Loopback { token: Arc<ArcSwap<Token>> },
}

/// What answers requests, however they came.
pub(super) struct Server {
    pub(super) desk: Arc<Desk>,
    working: Arc<Semaphore>,
    bodies: Arc<Bodies>,
    router: Router,
}

/// One request's: what its route needs.
#[derive(Clone)]
struct Call {
    server: Arc<Server>,
    origin: Origin,
    place: Arc<Place>,
}

/// Room for large bodies.
struct Bodies {
    all: Arc<Semaphore>,
    /// Of each caller; there are no more of them than users of the machine.
    each: Mutex<HashMap<Caller, Arc<Semaphore>>>,
}

/// A body that came, and the room that it takes where it is large.
struct Read {
    bytes: Vec<u8>,
    room: Option<[OwnedSemaphorePermit; 2]>,
}

impl Bodies {
    fn new() -> Arc<Bodies> {
        Arc::new(Bodies { all: Arc::new(Semaphore::new(LARGE_BODIES)), each: Mutex::default() })
    }

    /// Waits for room; `None` never comes, because nobody closes it.
    async fn room(&self, caller: Caller) -> Option<[OwnedSemaphorePermit; 2]> {
        let own = {
            let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
            each.entry(caller).or_insert_with(|| Arc::new(Semaphore::new(LARGE_BODIES_EACH))).clone()
        };
        Some([own.acquire_owned().await.ok()?, self.all.clone().acquire_owned().await.ok()?])
    }
}

impl Server {
    pub(super) fn new(desk: Arc<Desk>) -> Arc<Server> {
        let paths = ROUTES.map(|route| route.path);
        let [flag, withdraw, ask, ask_own, answers, news, seen, dossier, .., status, openapi] = paths;
        let [
            ..,
            forward,
            take_back,
            forwarded,
            asked,
            answer,
            conversations,
            note,
            leave,
            agenda,
            told,
            told_seen,
            _,
            _,
        ] = paths;
        let router = Router::new()
            .route(flag, post(|call, request| perform(call, request, calls::flag)))
            .route(withdraw, post(|call, request| perform(call, request, calls::withdraw)))
            .route(ask, post(|call, request| perform(call, request, asking::ask)))
            .route(ask_own, post(|call, request| perform(call, request, asking::ask_own)))
            .route(answers, post(|call, request| perform(call, request, asking::answers)))
            .route(news, post(|call, request| perform(call, request, shown::news)))
            .route(seen, post(|call, request| perform(call, request, shown::seen)))
            .route(dossier, post(|call, request| perform(call, request, shown::dossier)))
            .route(forward, post(|call, request| perform(call, request, talk::forward)))
            .route(take_back, post(|call, request| perform(call, request, talk::take_back)))
            .route(forwarded, post(|call, request| perform(call, request, talk::forwarded)))
            .route(asked, post(|call, request| perform(call, request, talk::asked)))
            .route(answer, post(|call, request| perform(call, request, talk::answer)))
            .route(conversations, post(|call, request| perform(call, request, talk::conversations)))
            .route(note, post(|call, request| perform(call, request, talk::note)))
            .route(leave, post(|call, request| perform(call, request, talk::leave)))
            .route(agenda, post(|call, request| perform(call, request, talk::agenda)))
            .route(told, post(|call, request| perform(call, request, talk::news)))
            .route(told_seen, post(|call, request| perform(call, request, talk::seen)))
            .route(status, get(tell_status))
            .route(openapi, get(async || ([(CONTENT_TYPE, "application/json")], OPENAPI)))
            .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such path"))
            .method_not_allowed_fallback(async || {
                let detail = "the path has another method, which Allow names";
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
            });
        let (working, bodies) = (Arc::new(Semaphore::new(AT_ONCE)), Bodies::new());
        Arc::new(Server { desk, working, bodies, router })
    }

    /// The response to a request that came in by a door, on the connection that has this place.
    pub(super) async fn respond(
        self: Arc<Server>,
        door: Door,
        place: Arc<Place>,
        mut request: Request<Body>,
    ) -> Response<Body> {
        let began = Instant::now();
        let path = ROUTES.iter().map(|route| route.path).find(|path| *path == request.uri().path());
        let uid = match &door {
            Door::Socket { uid } => Some(*uid),
            Door::Loopback { .. } => None,
        };
        let caller = uid.map_or(Caller::Loopback, |uid| Caller::LocalUser { uid });
        let mut response = match refuse(&door, &request) {
            Ok(()) => {
                let origin = Origin { caller, trace: trace(request.headers()) };
                request.extensions_mut().insert(Call { server: self.clone(), origin, place });
                let answered: Result<_, Infallible> = self.router.clone().oneshot(request).await;
                answered.unwrap_or_else(|never| match never {})
            }
            Err(problem) => problem.into_response(),
        };
        let code = response.extensions().get::<Code>().map(|code| code.0);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
        if code.is_some() {
            // The body was not read, or not to its end.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let status = response.status().as_u16();
        let milliseconds = began.elapsed().as_millis() as u64;
        tracing::info!(path, status, code, milliseconds, uid, "request");
        response
    }
}

/// Refuses what this is not for, and who may not call.
fn refuse(door: &Door, request: &Request<Body>) -> Result<(), Problem> {
    let (uri, headers) = (request.uri(), request.headers());
    let forbidden = |detail| Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    match refuse_head(request) {
        Err(HeadFault::Form(detail)) => return Err(Problem::bad_request(detail)),
        Err(HeadFault::TooLarge) => {
            let detail = "the head has too many fields or bytes";
            return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", detail));
        }
        Ok(()) => {}
    }
    // A page in a browser sends it, and none may call.
    if headers.contains_key(ORIGIN) {
        return forbidden("a request with an Origin is a web page's, and none is answered");
    }
    if let Door::Loopback { token } = door {
        if !is_of_this_machine(headers) {
            return forbidden("ask for localhost, 127.0.0.1 or [::1]");
        }
        if !token.load().is_given(headers) {
            let detail = "give the token, once: Authorization: Bearer TOKEN";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
        }
    }
    if uri.query().is_some() {
        return Err(Problem::bad_request("a path has no query: what is asked for stands in the body"));
    }
    Ok(())
}

async fn tell_status(Extension(call): Extension<Call>) -> Response<Body> {
    work(call, 1, |desk, _| calls::status(desk)).await
}

/// Does what a request asks for.
async fn perform<Q, R>(
    Extension(call): Extension<Call>,
    request: Request<Body>,
    act: fn(&Desk, Origin, Q) -> Result<R, Problem>,
) -> Response<Body>
where
    Q: DeserializeOwned + Send + 'static,
    R: Serialize + 'static,
{
    let Read { bytes, room } = match read(&call, request).await {
        Ok(read) => read,
        Err(problem) => return problem.into_response(),
    };
    let weight = if room.is_some() { LARGE_CALL } else { 1 };
    work(call, weight, move |desk, origin| {
        let _room = room;
        let asked = serde_json::from_slice(&bytes);
        let asked = asked.map_err(|error| Problem::bad_request(format!("the body is not in its form: {error}")))?;
        drop(bytes);
        act(desk, origin, asked)
    })
    .await
}

/// Does a call in a thread of its own, also where the caller is gone meanwhile. It takes `weight` of the places.
async fn work<R: Serialize + 'static>(
    call: Call,
    weight: u32,
    act: impl FnOnce(&Desk, Origin) -> Result<R, Problem> + Send + 'static,
) -> Response<Body> {
    let Call { server, origin, place } = call;
    let _busy = place.keep();
    let Ok(working) = server.working.clone().acquire_many_owned(weight).await else {
        return Problem::internal().into_response();
    };
    if server.desk.is_stopping() {
        return Problem::busy("the server is stopping, and nothing was done: make the request again").into_response();
    }
    let done = tokio::task::spawn_blocking(move || {
        let _working = working;
        // Each change of the partner is one transaction, which a panic ends as a failure does.
        let act =
            || act(&server.desk, origin).and_then(|told| serde_json::to_vec(&told).map_err(|_| Problem::internal()));
        catch_unwind(AssertUnwindSafe(act))
    });
    match done.await {
        Ok(Ok(Ok(told))) => ([(CONTENT_TYPE, "application/json")], told).into_response(),
        Ok(Ok(Err(problem))) => problem.into_response(),
        Ok(Err(_)) | Err(_) => {
            tracing::error!("a call could not be done for a fault of this program");
            Problem::internal().into_response()
        }
    }
}

/// The caller's action. One that is none counts for none, as W3C Trace Context has it.
fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    let mut given = headers.get_all("traceparent").iter();
    let first = given.next()?.to_str().ok()?;
    if given.next().is_some() { None } else { TraceContext::parse(first).ok() }
}

/// The body of a request. Room is taken once more has come than a small one has: a length that is only claimed takes
/// none.
async fn read(call: &Call, request: Request<Body>) -> Result<Read, Problem> {
    refuse_other_body(request.headers())?;
    let mut body = request.into_body();
    let mut read = Read { bytes: Vec::new(), room: None };
    let mut until = time::Instant::now() + LONGEST_BODY;
    loop {
        let frame = match timeout_at(until, body.frame()).await {
            Ok(None) => return Ok(read),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(Problem::bad_request("the body did not come to its end")),
            Err(_) => return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body came too slowly")),
        };
        let Ok(data) = frame.into_data() else { continue };
        read.bytes.extend_from_slice(&data);
        if read.bytes.len() > MAX_BODY {
            return Err(too_large());
        }
        if read.bytes.len() > SMALL && read.room.is_none() {
            read.room = call.server.bodies.room(call.origin.caller).await;
            until = time::Instant::now() + LONGEST_BODY;
        }
    }
}

fn too_large() -> Problem {
    let detail = "the body has more than 16 MiB: give the rows in several requests";
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

fn refuse_other_body(headers: &HeaderMap) -> Result<(), Problem> {
    let other = |detail| Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let media_type = types.next().and_then(|one| one.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    let (essence, parameter) = media_type.split_once(';').unwrap_or((&media_type, "charset=utf-8"));
    let is_json =
        essence.trim() == "application/json" && ["charset=utf-8", "charset=\"utf-8\""].contains(&parameter.trim());
    if !is_json || types.next().is_some() {
        return other("the Content-Type is not application/json");
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return other("a body has no Content-Encoding");
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > MAX_BODY as u64 => Err(too_large()),
        None if !headers.contains_key(TRANSFER_ENCODING) => Err(Problem::bad_request("there is no body")),
        _ => Ok(()),
    }
}
