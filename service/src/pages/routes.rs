//! From a request to its response.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, REFRESH, SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use data_encoding::HEXLOWER;
use stapel::policy::Lang;
use tokio::sync::Semaphore;

use super::attempt::{self, Attempts};
use super::kept::Kept;
use super::person::Person;
use super::provider::{self, Back};
use super::refusal::Refusal;
use super::request::{self, ATTEMPT, Fields, Keep, SESSION, cookie, cookie_of};
use super::screens::{Act, Download, SCREENS, Screen, TAKES_FILES, Visit, coordinates};
use super::secret::fingerprint;
use super::session::{Session, Sessions};
use super::setup::{Setup, Site, Way, allows_one_user};
use super::shell::{self, Around, Page, STYLE};
use crate::desk::Desk;
use crate::places::Place;
use crate::words::Words;

/// How many pages are made at once; each waits for the partner, which one has at a time.
const AT_ONCE: usize = 16;

/// How many requests to the provider there are at once, so that one that is slow takes no more threads.
const SIGNING_IN: usize = 4;

/// Where the provider sends a browser back to.
const RETURN: &str = "/sign-in/return";

/// Where the provider says by itself that somebody signed out there.
const SIGNED_OUT_THERE: &str = "/sign-out/back-channel";

/// Where the provider sends a browser that signed out there.
const SIGNED_OUT: &str = "/signed-out";

/// What a page may do: show the one style, and send forms to this site.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What every response has. The referrer stays with this site: with `no-referrer` browsers would not say of this site's
/// own forms that they are.
const ALWAYS: [(HeaderName, HeaderValue); 7] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
];

/// The pages.
pub(super) struct Pages {
    pub(super) desk: Arc<Desk>,
    pub(super) site: Site,
    pub(super) setup: ArcSwap<Setup>,
    pub(super) sessions: Sessions,
    kept: Kept,
    attempts: Attempts,
    style: String,
    /// Whether the partner was the coordinator when a page was made last.
    coordinates: AtomicBool,
    working: Arc<Semaphore>,
    signing_in: Arc<Semaphore>,
}

/// A response as far as it is made.
enum Answer {
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

/// Where a request is to.
enum Target {
    Style,
    Start,
    Return,
    BackFromSigningOut,
    FromThere,
    SignIn,
    Begin,
    SignOut,
    SignedOut,
    Screen(&'static Screen),
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
                        true => Err(Refusal::of("form")),
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

    /// Sends a browser to the provider.
    async fn begin(self: Arc<Pages>, setup: Arc<Setup>, to: String) -> Result<Answer, Refusal> {
        let now = self.desk.time();
        let attempt = self.attempts.begin(&to, now).ok_or_else(Refusal::internal)?;
        let set = cookie(ATTEMPT, &attempt.cookie, Some(attempt::LONGEST));
        let back = self.own(RETURN);
        let url = blocking(&self.signing_in, move || match &setup.way {
            Way::Provider(provider) => provider.begin(&attempt, &back, now),
            Way::OneUser { .. } => Err(Refusal::of("not_found")),
        });
        Ok(Answer::Elsewhere(url.await?, vec![set]))
    }

    /// A browser comes back from the provider.
    async fn come_back(
        self: Arc<Pages>,
        setup: Arc<Setup>,
        cookie_text: Option<String>,
        id: Option<&str>,
        query: Fields,
    ) -> Result<Answer, Refusal> {
        if matches!(setup.way, Way::OneUser { .. }) {
            return Err(Refusal::of("not_found"));
        }
        let now = self.desk.time();
        let state = query.one("state").unwrap_or_default();
        let attempt = cookie_text.and_then(|text| self.attempts.come_back(&text, state, now));
        let attempt = attempt.ok_or_else(Refusal::other_attempt)?;
        let (Some(code), None) = (query.one("code").map(str::to_owned), query.one("error")) else {
            return Err(provider::refused(query.one("error").unwrap_or_default()));
        };
        let issuer = query.one("iss").map(str::to_owned);
        let (back, to) = (self.own(RETURN), own_page(Some(&attempt.to), Words(Lang::Nl)));
        let lasting = setup.lasting;
        let signed_in = blocking(&self.signing_in, move || {
            let Way::Provider(provider) = &setup.way else { return Err(Refusal::of("not_found")) };
            let came = Back { code: &code, issuer: issuer.as_deref() };
            let verified = provider.finish(&attempt, &came, &back, now)?;
            let person = Person::of_claims(&verified.claims, &provider.who, &setup.settings.may)?;
            Ok((person, verified.provided))
        });
        let (person, provided) = signed_in.await?;
        let begun = self.sessions.begin(person, Some(provided), now, lasting).ok_or_else(Refusal::internal)?;
        // Whoever was signed in with this browser before is not any more.
        id.into_iter().for_each(|id| self.sessions.end(id));
        let cookies = vec![cookie(SESSION, &begun, None), cookie(ATTEMPT, "", Some(0))];
        Ok(Answer::Elsewhere(to, cookies))
    }

    /// The provider says by itself that somebody signed out there: no browser's request.
    async fn sign_out_from_there(self: Arc<Pages>, setup: Arc<Setup>, form: &Fields) -> Result<Answer, Refusal> {
        let token = form.one("logout_token").unwrap_or_default().to_owned();
        let now = self.desk.time();
        let who = blocking(&self.signing_in, move || match &setup.way {
            Way::Provider(provider) => provider.signed_out(&token, now),
            Way::OneUser { .. } => Err(Refusal::of("not_found")),
        });
        self.sessions.end_of(&who.await?);
        Ok(Answer::Done)
    }

    /// The one user signs in.
    async fn sign_in_one(
        self: Arc<Pages>,
        setup: Arc<Setup>,
        words: Words,
        id: Option<&str>,
        form: &Fields,
    ) -> Result<Answer, Refusal> {
        let Way::OneUser { name, token } = &setup.way else { return Err(Refusal::of("not_found")) };
        if !token.is(form.one("token").unwrap_or_default().trim().as_bytes()) {
            return Err(Refusal::of("token"));
        }
        let desk = self.desk.clone();
        let allows = blocking(&self.working, move || Ok(allows_one_user(&desk.lend()))).await?;
        if !allows {
            return Err(Refusal::of("one_user"));
        }
        let begun = self.sessions.begin(Person::one_user(name), None, self.desk.time(), setup.lasting);
        let begun = begun.ok_or_else(Refusal::internal)?;
        id.into_iter().for_each(|id| self.sessions.end(id));
        Ok(Answer::Elsewhere(own_page(form.one("to"), words), vec![cookie(SESSION, &begun, None)]))
    }

    fn sign_out(
        &self,
        setup: &Setup,
        id: Option<&str>,
        session: Option<Session>,
        form: &Fields,
    ) -> Result<Answer, Refusal> {
        // Whose session is over is signed out already.
        let (Some(id), Some(session)) = (id, session) else { return Ok(Answer::SignedOut(None)) };
        if !session.has_csrf(form.one("csrf")) {
            return Err(Refusal::of("form"));
        }
        self.sessions.end(id);
        Ok(Answer::SignedOut(match &setup.way {
            Way::Provider(provider) => {
                let id_token = session.provided.as_ref().map(|provided| provided.id_token.as_str());
                provider.end(id_token, &self.own(SIGNED_OUT))
            }
            Way::OneUser { .. } => None,
        }))
    }

    /// An address of this site, as others name it.
    fn own(&self, path: &str) -> String {
        format!("{}{path}", self.site.origin)
    }

    /// The response that an answer makes.
    fn made(
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

fn set_cookies(headers: &mut axum::http::HeaderMap, cookies: &[String]) {
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
}

/// Does something that waits in a thread of its own, of so many at once, also where the browser is gone meanwhile. A
/// fault of this program is no more than a response.
async fn blocking<T: Send + 'static>(
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

/// The language and the target of a path.
fn target_of(path: &str) -> (Lang, Option<Target>) {
    let (lang, rest) = match path.split_at_checked(3) {
        Some(("/nl", rest)) if rest.is_empty() || rest.starts_with('/') => (Lang::Nl, rest),
        Some(("/en", rest)) if rest.is_empty() || rest.starts_with('/') => (Lang::En, rest),
        _ => {
            let target = match path {
                "/" => Some(Target::Start),
                "/style.css" => Some(Target::Style),
                RETURN => Some(Target::Return),
                SIGNED_OUT => Some(Target::BackFromSigningOut),
                SIGNED_OUT_THERE => Some(Target::FromThere),
                _ => None,
            };
            return (Lang::Nl, target);
        }
    };
    let target = match rest {
        "/sign-in" => Some(Target::SignIn),
        "/sign-in/begin" => Some(Target::Begin),
        "/sign-out" => Some(Target::SignOut),
        "/signed-out" => Some(Target::SignedOut),
        rest => SCREENS.iter().find(|screen| screen.path == rest).map(Target::Screen),
    };
    (lang, target)
}

/// The page that somebody is to see after signing in: one of these, and no other address.
fn own_page(asked: Option<&str>, words: Words) -> String {
    let asked = asked.filter(|path| matches!(target_of(path), (_, Some(Target::Screen(_)))));
    asked.map_or_else(|| format!("/{}", words.lang()), str::to_owned)
}

fn sign_in_for(path: &str, words: Words) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("to", path).finish();
    format!("/{}/sign-in?{query}", words.lang())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_signing_in_nobody_is_sent_elsewhere() {
        let to = |asked: &str| own_page(Some(asked), Words(Lang::En));
        assert_eq!([to("/nl"), to("/nl/journal"), to("/en/journal")], ["/nl", "/nl/journal", "/en/journal"]);
        for asked in [
            "",
            "/",
            "//a.nl",
            "/\\a.nl",
            "https://a.nl",
            "/nl//a.nl",
            "/nl/../..//a.nl",
            "/nl/sign-out",
            "/nl/sign-in",
            "/sign-in/return",
            "/nl/journal?x",
            "/nl\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
            "/nlx",
        ] {
            assert_eq!(to(asked), "/en", "{asked}");
        }
        assert_eq!(own_page(None, Words(Lang::Nl)), "/nl");
    }
}
