//! From a request to its answer: who asks, whether they may, and the page, made in a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::header::{CONNECTION, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderValue, Method, Request, Response};
use data_encoding::HEXLOWER;
use tokio::sync::Semaphore;

use super::attempt::Attempts;
use super::kept::Kept;
use super::paths::{Target, own_page, sign_in_for, target_of};
use super::refusal::Refusal;
use super::request::{self, ATTEMPT, Fields, Keep, SESSION, cookie_of};
use super::response::{ALWAYS, Answer};
use super::screens::{Act, Screen, TAKES_FILES, Visit, coordinates};
use super::secret::fingerprint;
use super::session::{Session, Sessions};
use super::setup::{Setup, Site, Way, allows_one_user};
use super::shell::{self, Page, STYLE};
use crate::desk::Desk;
use crate::places::Place;
use crate::words::Words;

/// How many pages are made at once; each waits for the partner, which one has at a time.
const AT_ONCE: usize = 16;

/// How many requests to the provider there are at once, so that one that is slow takes no more threads.
const SIGNING_IN: usize = 4;

/// The pages.
pub(super) struct Pages {
    pub(super) desk: Arc<Desk>,
    pub(super) site: Site,
    pub(super) setup: ArcSwap<Setup>,
    pub(super) sessions: Sessions,
    kept: Kept,
    pub(super) attempts: Attempts,
    pub(super) style: String,
    /// Whether the partner was the coordinator when a page was made last.
    pub(super) coordinates: AtomicBool,
    pub(super) working: Arc<Semaphore>,
    pub(super) signing_in: Arc<Semaphore>,
}

impl Pages {
    /// `None` where the system has no random bits.
    pub(super) fn new(desk: Arc<Desk>, site: Site, setup: Setup, coordinates: bool) -> Option<Pages> {
        let style = format!("/style.css?{}", &HEXLOWER.encode(&fingerprint(STYLE))[..16]);
        Some(Pages {
            desk,
            site,
            setup: ArcSwap::from_pointee(setup),
            sessions: Sessions::default(),
            kept: Kept::default(),
            attempts: Attempts::new()?,
            style,
            coordinates: AtomicBool::new(coordinates),
            working: Arc::new(Semaphore::new(AT_ONCE)),
            signing_in: Arc::new(Semaphore::new(SIGNING_IN)),
        })
    }

    /// The response to a request, whose connection keeps its place meanwhile, but not while a form is still to come:
    /// whoever sends one slowly gives way to others.
    pub(super) async fn respond(self: Arc<Pages>, request: Request<Body>, place: Arc<Place>) -> Response<Body> {
        let began = Instant::now();
        let busy = OnceLock::new();
        let keep = || {
            busy.get_or_init(|| place.keep());
        };
        if request.method() != Method::POST {
            keep();
        }
        let (lang, target) = target_of(request.uri().path());
        let words = Words(lang);
        let path = if target.is_some() { request.uri().path().to_owned() } else { String::new() };
        let (person, answered) = self.clone().answer(request, words, target, &keep).await;
        let code = answered.as_ref().err().map(|refusal| refusal.code);
        let mut response = self.made(words, &path, person, answered);
        let headers = response.headers_mut();
        for (name, value) in ALWAYS {
            headers.entry(name).or_insert(value);
        }
        if self.site.is_encrypted {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        if code.is_some() {
            // The form was not read, or not to its end.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let (status, milliseconds) = (response.status().as_u16(), began.elapsed().as_millis() as u64);
        tracing::info!(page = path, status, code, milliseconds, "request");
        response
    }

    /// The answer, and the session of whoever asked.
    async fn answer(
        self: Arc<Pages>,
        request: Request<Body>,
        words: Words,
        target: Option<Target>,
        keep: Keep<'_>,
    ) -> (Option<Session>, Result<Answer, Refusal>) {
        if let Err(refusal) = request::refuse(&request, &self.site) {
            return (None, Err(refusal));
        }
        let setup = self.setup.load_full();
        let id = cookie_of(request.headers(), SESSION).map(str::to_owned);
        let session = id.as_deref().and_then(|id| self.sessions.find(id, self.desk.time(), setup.lasting));
        let answered = self.reach((request, keep), words, target, &setup, id.as_deref(), session.clone()).await;
        (session, answered)
    }

    async fn reach(
        self: Arc<Pages>,
        (request, keep): (Request<Body>, Keep<'_>),
        words: Words,
        target: Option<Target>,
        setup: &Arc<Setup>,
        id: Option<&str>,
        session: Option<Session>,
    ) -> Result<Answer, Refusal> {
        let target = target.ok_or_else(|| Refusal::of("not_found"))?;
        let is_form = match *request.method() {
            Method::GET | Method::HEAD => false,
            Method::POST => true,
            _ => return Err(Refusal::of("method_not_allowed")),
        };
        if is_form && !matches!(target, Target::FromThere) {
            request::refuse_other_origin(request.headers(), &self.site)?;
        }
        let query = Fields::parse(request.uri().query().unwrap_or_default().as_bytes())?;
        match (target, is_form) {
            (Target::Style, false) => Ok(Answer::Style),
            (Target::Start, false) => Ok(Answer::Elsewhere("/nl".into(), Vec::new())),
            (Target::BackFromSigningOut, false) => Ok(Answer::Elsewhere("/nl/signed-out".into(), Vec::new())),
            (Target::SignedOut, false) => Ok(Answer::Page(shell::signed_out(words, None), session)),
            (Target::SignIn, false) => {
                let to = own_page(query.one("to"), words);
                let page = match &setup.way {
                    Way::Provider(_) => shell::sign_in(words, &to),
                    Way::OneUser { name, .. } => shell::sign_in_one(words, name, &to),
                };
                Ok(Answer::Page(page, None))
            }
            (Target::SignIn, true) => {
                let form = request::form(request, keep).await?;
                self.sign_in_one(setup.clone(), words, id, &form).await
            }
            (Target::Begin, false) => self.begin(setup.clone(), own_page(query.one("to"), words)).await,
            (Target::Return, false) => {
                let cookie = cookie_of(request.headers(), ATTEMPT).map(str::to_owned);
                self.come_back(setup.clone(), cookie, id, query).await
            }
            (Target::FromThere, true) => {
                let form = request::form(request, keep).await?;
                self.sign_out_from_there(setup.clone(), &form).await
            }
            (Target::SignOut, true) => {
                let form = request::form(request, keep).await?;
                self.sign_out(setup, id, session, &form)
            }
            (Target::Screen(screen), _) => {
                let Some(session) = session else {
                    // What was asked for is done by whoever signs in, and not by whoever signed in before.
                    return match is_form {
                        true => Err(Refusal::of("signed_out")),
                        false => Ok(Answer::Elsewhere(sign_in_for(request.uri().path(), words), Vec::new())),
                    };
                };
                if !session.person.has(screen.needs) {
                    return Err(Refusal::of("not_for_you"));
                }
                let form = match (is_form, screen.act) {
                    (false, _) => None,
                    (true, None) => return Err(Refusal::of("method_not_allowed")),
                    (true, Some(act)) => {
                        let form = match screen.path {
                            TAKES_FILES => request::form_with_file(request, keep).await?,
                            _ => request::form(request, keep).await?,
                        };
                        if !session.has_csrf(form.one("csrf")) {
                            return Err(Refusal::of("form"));
                        }
                        Some((act, form))
                    }
                };
                self.screen(screen, words, session, query, form).await
            }
            _ => Err(Refusal::of("method_not_allowed")),
        }
    }

    /// Makes a page in a thread of its own.
    async fn screen(
        self: Arc<Pages>,
        screen: &'static Screen,
        words: Words,
        session: Session,
        query: Fields,
        form: Option<(Act, Fields)>,
    ) -> Result<Answer, Refusal> {
        let pages = self.clone();
        let make = move || {
            let desk = &pages.desk;
            let (partner, now) = (desk.lend(), desk.time());
            if !session.person.is_verified && !allows_one_user(&partner) {
                return Err(Refusal::of("one_user"));
            }
            let coordinates = coordinates(&partner);
            pages.coordinates.store(coordinates, Ordering::Relaxed);
            if !screen.whose.is_for(coordinates) {
                return Err(Refusal::of("not_found"));
            }
            if let Some(path) = screen.leads_to(coordinates, &session.person) {
                return Ok(Answer::Elsewhere(format!("/{}{path}", words.lang()), Vec::new()));
            }
            let csrf = session.csrf.clone();
            let mut visit = Visit {
                desk,
                kept: &pages.kept,
                partner,
                now,
                words,
                person: &session.person,
                csrf: &csrf,
                query: &query,
                file: None,
            };
            let content = match form {
                None => (screen.show)(&mut visit),
                Some((act, form)) => act(&mut visit, &form),
            }?;
            if let Some(file) = visit.file.take() {
                return Ok(Answer::File(file));
            }
            drop(visit);
            Ok(Answer::Page(Page { title: words.t(screen.title.0, screen.title.1), content }, Some(session)))
        };
        blocking(&self.working, make).await
    }
}

/// Does something that waits in a thread of its own, of so many at once, also where the browser is gone meanwhile. A
/// fault of this program is no more than a response.
pub(super) async fn blocking<T: Send + 'static>(
    places: &Arc<Semaphore>,
    make: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let place = places.clone().acquire_owned().await.map_err(|_| Refusal::internal())?;
    let making = tokio::task::spawn_blocking(move || {
        let _place = place;
        catch_unwind(AssertUnwindSafe(make))
    });
    let made = making.await;
    match made {
        Ok(Ok(made)) => made,
        _ => {
            tracing::error!("a page could not be made for a fault of this program");
            Err(Refusal::internal())
        }
    }
}
