//! What a request brings: cookies, a form, and where it comes from.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::multipart;
use super::refusal::Refusal;
use super::setup::Site;
use crate::connection::{HeadFault, refuse_head};

/// The most bytes of a form.
const MAX_FORM: usize = 65_536;

/// The most bytes of a form with a file.
const MAX_FORM_WITH_FILE: usize = 4 << 20;

/// The most fields of one.
const MAX_FIELDS: usize = 1_000;

/// How long a form may take to come.
const LONGEST_FORM: Duration = Duration::from_secs(30);

/// The cookie of a session. `__Host-` has the browser take it only over HTTPS or from this machine, of this host alone.
pub(super) const SESSION: &str = "__Host-stapel";

/// The cookie of an attempt to sign in.
pub(super) const ATTEMPT: &str = "__Host-stapel-attempt";

/// A cookie, for as many seconds or until the browser ends.
///
/// `Lax` and not `Strict`: it is sent along when somebody follows a link from elsewhere, as the provider's back to here
/// or one in a mail. Nothing is changed by following a link: forms have a text of the session's, and are of this site.
pub(super) fn cookie(name: &str, value: &str, seconds: Option<u64>) -> String {
    let age = seconds.map_or(String::new(), |seconds| format!("; Max-Age={seconds}"));
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}")
}

/// The value of a cookie that a request has once.
pub(super) fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

/// Refuses a head that no server here takes, and one for another site: a name that leads here may be anybody's.
pub(super) fn refuse(request: &Request<Body>, site: &Site) -> Result<(), Refusal> {
    match refuse_head(request) {
        Err(HeadFault::Form(_)) => return Err(Refusal::of("bad_request")),
        Err(HeadFault::TooLarge) => return Err(Refusal::of("head_too_large")),
        Ok(()) => {}
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let is_own = |host: &str| host.eq_ignore_ascii_case(&site.host);
    let whole = request.uri().authority().is_none_or(|authority| is_own(authority.as_str()));
    if !host.is_some_and(is_own) || !whole {
        return Err(Refusal::of("other_host"));
    }
    Ok(())
}

/// Refuses a form of another site's. Browsers name the site of the page that a form is on; one that does not, says at
/// least that it is the same.
pub(super) fn refuse_other_origin(headers: &HeaderMap, site: &Site) -> Result<(), Refusal> {
    let mut origins = headers.get_all(ORIGIN).iter();
    let fetched_from = headers.get("sec-fetch-site");
    let is_own = match (origins.next(), origins.next()) {
        (Some(origin), None) => *origin == site.origin && fetched_from.is_none_or(|from| from == "same-origin"),
        (None, _) => fetched_from.is_some_and(|from| from == "same-origin"),
        _ => false,
    };
    if is_own { Ok(()) } else { Err(Refusal::of("form")) }
}

/// The fields of a form or of a query, in their order.
#[derive(Default)]
pub(super) struct Fields {
    fields: Vec<(String, String)>,
    file: Option<Vec<u8>>,
}

impl Fields {
    pub(super) fn parse(text: &[u8]) -> Result<Fields, Refusal> {
        let fields: Vec<_> = form_urlencoded::parse(text).take(MAX_FIELDS + 1).collect();
        if fields.len() > MAX_FIELDS {
            return Err(Refusal::of("too_large"));
        }
        let fields = fields.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Ok(Fields { fields, file: None })
    }

    /// The value of a field that is there once.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }

    /// The same, where something is in it.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        self.one(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// All values of a field, in their order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The file that came with the form, where one did.
    pub(super) fn file(&self) -> Option<&[u8]> {
        self.file.as_deref().filter(|file| !file.is_empty())
    }
}

/// Has the connection of a request keep its place from now on.
pub(super) type Keep<'a> = &'a (dyn Fn() + Send + Sync);

/// Reads a form. From then on its connection keeps its place.
pub(super) async fn form(request: Request<Body>, keep: Keep<'_>) -> Result<Fields, Refusal> {
    let headers = request.headers();
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") || headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::of("bad_request"));
    }
    Fields::parse(&body(request, MAX_FORM, keep).await?)
}

/// Reads a form that may have a file with it.
pub(super) async fn form_with_file(request: Request<Body>, keep: Keep<'_>) -> Result<Fields, Refusal> {
    let headers = request.headers();
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Some(boundary) = multipart::boundary(kind) else { return form(request, keep).await };
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(Refusal::of("bad_request"));
    }
    let boundary = boundary.to_owned();
    let bytes = body(request, MAX_FORM_WITH_FILE, keep).await?;
    let (fields, file) = multipart::read(&bytes, &boundary).ok_or_else(|| Refusal::of("bad_request"))?;
    let typed: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    match fields.len() > MAX_FIELDS || typed > MAX_FORM {
        true => Err(Refusal::of("too_large")),
        false => Ok(Fields { fields, file }),
    }
}

/// The bytes of a body, at most so many. From then on its connection keeps its place.
async fn body(request: Request<Body>, most: usize, keep: Keep<'_>) -> Result<Vec<u8>, Refusal> {
    let mut body = request.into_body();
    let read = async {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::of("bad_request"))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > most {
                return Err(Refusal::of("too_large"));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    };
    let form = timeout(LONGEST_FORM, read).await.unwrap_or_else(|_| Err(Refusal::of("too_slow")));
    keep();
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_cookie_is_there_once_or_not() {
        let of = |lines: &[&str]| {
            let pairs: Vec<_> = lines.iter().map(|line| ("cookie", *line)).collect();
            cookie_of(&headers(&pairs), "a").map(str::to_owned)
        };
        assert_eq!(of(&["b=1; a=2;c=3"]).as_deref(), Some("2"));
        assert_eq!(of(&["b=1", "a=2"]).as_deref(), Some("2"));
        assert_eq!(of(&["aa=1; A=2"]), None);
        assert_eq!(of(&["a=1; a=2"]), None, "which of them is meant cannot be known");
        assert_eq!(of(&["a=1", "a=2"]), None);
    }

    #[test]
    fn a_form_is_of_this_site_as_the_browser_says() {
        let site = Site { origin: "https://a.nl".into(), host: "a.nl".into(), is_encrypted: true };
        let is_own = |pairs: &[(&'static str, &str)]| refuse_other_origin(&headers(pairs), &site).is_ok();
        let (own, same) = (("origin", "https://a.nl"), ("sec-fetch-site", "same-origin"));
        assert!(is_own(&[own]) && is_own(&[own, same]) && is_own(&[same]));
        for others in [
            &[][..],
            &[("origin", "https://b.nl")],
            &[("origin", "http://a.nl")],
            &[("origin", "https://a.nl:8443")],
            &[("origin", "null")],
            &[("origin", "null"), same],
            &[own, own],
            &[own, ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(!is_own(others), "{others:?}");
        }
    }

    #[test]
    fn a_field_is_there_once_or_not() {
        let fields = Fields::parse(b"a=1&b=x+y%26&c=&a=2&d=+").unwrap();
        assert_eq!((fields.one("a"), fields.one("b"), fields.one("c")), (None, Some("x y&"), Some("")));
        assert_eq!((fields.filled("c"), fields.filled("d"), fields.filled("b")), (None, None, Some("x y&")));
        assert!(Fields::parse("a=1&".repeat(1_000).as_bytes()).is_ok());
        assert_eq!(Fields::parse("a=1&".repeat(1_001).as_bytes()).err().unwrap().code, "too_large");
    }
}
