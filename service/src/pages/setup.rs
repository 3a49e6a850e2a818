//! What the configuration's `[pages]` comes to, or what is wrong with it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use openidconnect::url::{Host, Url};
use rustls::ServerConfig;
use stapel::policy::SignIn;
use stapel::{Case, Partner, shown_path};

use super::provider::Provider;
use super::session::Lasting;
use super::tls;
use crate::client::PagesSettings;
use crate::local::Token;

/// Why pages are not served.
#[derive(Debug, thiserror::Error)]
#[error("[pages]: {finding}")]
pub struct PagesError {
    code: &'static str,
    finding: String,
}

impl PagesError {
    pub(super) fn new(code: &'static str, finding: impl Into<String>) -> PagesError {
        PagesError { code, finding: finding.into() }
    }

    pub(super) fn of_file(path: &Path, finding: impl std::fmt::Display) -> PagesError {
        PagesError::new("configuration", format!("{}: {finding}", shown_path(path)))
    }

    /// The stable code: `configuration`, `pages_not_encrypted`, `pages_sign_in`, `pages_one_user` or `serve`.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

/// What is served, as of one reading of the configuration.
pub(super) struct Setup {
    pub(super) settings: PagesSettings,
    pub(super) lasting: Lasting,
    pub(super) way: Way,
    /// `None` where there is no TLS: on this machine alone.
    pub(super) tls: Option<Arc<ServerConfig>>,
}

/// How people sign in.
pub(super) enum Way {
    Provider(Box<Provider>),
    OneUser { name: String, token: Token },
}

/// What people type, and what a browser says of a page of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// The scheme, host and port, as `Origin` has them.
    pub(super) origin: String,
    /// The host and port, as `Host` has them.
    pub(super) host: String,
    pub(super) is_encrypted: bool,
}

/// The defaults and bounds of how long a session lasts.
const IDLE_MINUTES: (u16, std::ops::RangeInclusive<u16>) = (15, 1..=120);
const LONGEST_HOURS: (u16, std::ops::RangeInclusive<u16>) = (10, 1..=24);

impl Setup {
    /// Reads what the settings name. `allows_one_user` is what the policy says.
    pub(super) fn new(settings: &PagesSettings, allows_one_user: bool) -> Result<Setup, PagesError> {
        let listen = listen(settings)?;
        let tls = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => Some(tls::config(certificate, key)?),
            (None, None) if listen.ip().is_loopback() => None,
            (None, None) => {
                let finding = format!(
                    "listen has {listen}, which other machines reach, and nothing is encrypted: give a certificate and \
                     its key, or an address of this machine alone, such as 127.0.0.1:9651"
                );
                return Err(PagesError::new("pages_not_encrypted", finding));
            }
            _ => return Err(wrong("certificate and key go together: give both or neither")),
        };
        let bounded = |name: &str, given: Option<u16>, (default, within): (u16, std::ops::RangeInclusive<u16>)| {
            let number = given.unwrap_or(default);
            match within.contains(&number) {
                true => Ok(u64::from(number)),
                false => Err(wrong(format!("{name} is {number}: give {} to {}", within.start(), within.end()))),
            }
        };
        let lasting = Lasting {
            idle: 60 * bounded("idle_minutes", settings.idle_minutes, IDLE_MINUTES)?,
            longest: 3_600 * bounded("longest_hours", settings.longest_hours, LONGEST_HOURS)?,
        };
        let way = way(settings, allows_one_user, listen, tls.is_some())?;
        Ok(Setup { settings: settings.clone(), lasting, way, tls })
    }
}

fn wrong(finding: impl Into<String>) -> PagesError {
    PagesError::new("configuration", finding)
}

pub(super) fn listen(settings: &PagesSettings) -> Result<SocketAddr, PagesError> {
    settings.listen.ok_or_else(|| wrong("listen is missing: give an address and port, such as 127.0.0.1:9651"))
}

fn way(settings: &PagesSettings, allows: bool, listen: SocketAddr, is_tls: bool) -> Result<Way, PagesError> {
    let sign_in = |finding: &str| PagesError::new("pages_sign_in", finding);
    match (&settings.provider, &settings.user) {
        (Some(provider), None) => {
            if settings.token.is_some() {
                return Err(sign_in("token is that of the one user, and there is a provider: take one of them out"));
            }
            let may = &settings.may;
            if may.claim.is_none() || [&may.look, &may.flag, &may.meet, &may.officer].iter().all(|one| one.is_empty()) {
                let finding = "nobody may anything: give [pages.may] the claim, and its values under look, flag, meet \
                               and officer";
                return Err(sign_in(finding));
            }
            Ok(Way::Provider(Box::new(Provider::new(provider)?)))
        }
        (None, Some(name)) => {
            if Case::new(name, "1").is_err() {
                return Err(sign_in("user is no name that the journal can have: 1 to 200 characters on one line"));
            }
            if is_tls || !listen.ip().is_loopback() || settings.url.is_some() {
                let finding = "the one user works on this machine: take url, certificate and key out, and listen on \
                               127.0.0.1 or [::1]";
                return Err(PagesError::new("pages_one_user", finding));
            }
            if !allows {
                let finding = "the policy does not allow one user without a provider for this partner: give \
                               [pages.provider], or have the policy say sign_in = \"one-user\" of it";
                return Err(PagesError::new("pages_one_user", finding));
            }
            let Some(token) = &settings.token else {
                let finding = "user without a token: every program of this machine could act in that name; give token \
                               the path of a file with one, of openssl rand -hex 32";
                return Err(sign_in(finding));
            };
            let read = Token::read(token).map_err(|finding| PagesError::of_file(token, finding))?;
            Ok(Way::OneUser { name: name.trim().to_owned(), token: read })
        }
        (Some(_), Some(_)) => Err(sign_in("there are both user and provider: take one of them out")),
        (None, None) => Err(sign_in("how people sign in is not said: give [pages.provider]; docs/pages.md")),
    }
}

/// Whether the policy allows one user of this partner without a provider.
pub(super) fn allows_one_user(partner: &Partner) -> bool {
    let entry = partner.policy().policy().partner(partner.number());
    entry.is_some_and(|entry| entry.sign_in == Some(SignIn::OneUser))
}

impl Site {
    /// What the settings say that people type, or what leads to where it listens.
    pub(super) fn new(settings: &PagesSettings, bound: SocketAddr) -> Result<Site, PagesError> {
        let is_tls = settings.certificate.is_some();
        let Some(text) = &settings.url else {
            if is_tls || !bound.ip().is_loopback() {
                return Err(wrong("url is missing: give what people type, such as https://stapel.example.nl"));
            }
            let host = format!("localhost:{}", bound.port());
            return Ok(Site { origin: format!("http://{host}"), host, is_encrypted: false });
        };
        let refused = |finding: &str| wrong(format!("url is '{}': {finding}", text.escape_debug()));
        let url = Url::parse(text).map_err(|_| refused("write it as https://stapel.example.nl"))?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !text.ends_with('/');
        if !is_bare || !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it ends after the host and the port, without a path"));
        }
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(refused("write it as https://stapel.example.nl")),
        };
        let is_encrypted = match url.scheme() {
            "https" => true,
            "http" if is_here && !is_tls => false,
            "http" => {
                let finding = "nothing on the way to it is encrypted: begin it with https://";
                return Err(PagesError::new("pages_not_encrypted", format!("url is {text}: {finding}")));
            }
            _ => return Err(refused("it begins with https://")),
        };
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Site { origin: format!("{}://{host}", url.scheme()), host, is_encrypted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str, listen: &str, is_tls: bool) -> Result<Site, &'static str> {
        let mut settings = PagesSettings { certificate: is_tls.then(|| "a".into()), ..PagesSettings::default() };
        settings.url = (!url.is_empty()).then(|| url.to_owned());
        Site::new(&settings, listen.parse().unwrap()).map_err(|error| error.code())
    }

    #[test]
    fn what_people_type_is_encrypted_or_on_this_machine() {
        let origin = |url, listen, is_tls| site(url, listen, is_tls).map(|site| (site.origin, site.host));
        let is = |origin: &str, host: &str| Ok((origin.to_owned(), host.to_owned()));
        assert_eq!(origin("", "127.0.0.1:9651", false), is("http://localhost:9651", "localhost:9651"));
        assert_eq!(origin("https://A.nl", "10.0.0.1:443", true), is("https://a.nl", "a.nl"));
        assert_eq!(origin("https://a.nl:8443", "10.0.0.1:8443", true), is("https://a.nl:8443", "a.nl:8443"));
        // A proxy of this machine encrypts.
        assert_eq!(origin("https://a.nl", "127.0.0.1:9651", false), is("https://a.nl", "a.nl"));
        assert_eq!(
            origin("http://127.0.0.1:9651", "127.0.0.1:9651", false).map(|it| it.1),
            Ok("127.0.0.1:9651".into())
        );
        assert_eq!(origin("http://[::1]:9651", "[::1]:9651", false).map(|it| it.1), Ok("[::1]:9651".into()));
        for (url, code) in [
            ("http://a.nl", "pages_not_encrypted"),
            ("http://10.0.0.1:80", "pages_not_encrypted"),
            ("a.nl", "configuration"),
            ("ftp://a.nl", "configuration"),
            ("https://a.nl/", "configuration"),
            ("https://a.nl/pad", "configuration"),
            ("https://a.nl?x", "configuration"),
            ("https://u:p@a.nl", "configuration"),
        ] {
            assert_eq!(origin(url, "127.0.0.1:9651", false), Err(code), "{url}");
        }
        assert_eq!(origin("", "10.0.0.1:443", true), Err("configuration"));
        assert_eq!(origin("http://localhost:443", "127.0.0.1:443", true), Err("pages_not_encrypted"));
    }
}
