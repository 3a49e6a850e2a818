//! Pages for people, and signing in: a browser that does as browsers do, and a provider that a test has do as it says.

mod acting;
mod attacks;
mod dutch;
mod forms;
mod listening;
mod map;
mod meeting;
mod monday;
mod officer;
mod provider;
mod sheets;
mod signing_in;
mod talking;
mod walked;

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;

use stapel_service::client::{MaySettings, PagesSettings, ProviderSettings};
use stapel_service::pages::ListeningPages;

use crate::desk::{Response, Served, exchange};
use provider::Provider;

/// The token of the one user.
const TOKEN: &str = "fedcba9876543210fedcba9876543210";

/// A partner with pages, and a provider to sign in at.
struct Office {
    served: Served,
    provider: Provider,
    pages: Option<ListeningPages>,
}

impl Office {
    fn new() -> Office {
        Office::with(|settings| settings.idle_minutes = Some(10))
    }

    fn with(change: impl FnOnce(&mut PagesSettings)) -> Office {
        Office::of(Served::new(), change)
    }

    /// That of a partner that is served.
    fn of(served: Served, change: impl FnOnce(&mut PagesSettings)) -> Office {
        let mut office = Office { served, provider: Provider::start(), pages: None };
        let mut settings = office.settings();
        change(&mut settings);
        office.listen(&settings).unwrap();
        office
    }

    fn settings(&self) -> PagesSettings {
        write_secret(&self.served, "secret", provider::SECRET);
        let mut provider = ProviderSettings::default();
        provider.issuer = self.provider.issuer();
        provider.client_id = provider::CLIENT.to_owned();
        provider.secret = Some(self.served.path("secret"));
        provider.who = Some("preferred_username".to_owned());
        let mut may = MaySettings::default();
        may.claim = Some("roles".to_owned());
        may.look = vec!["look".to_owned()];
        may.flag = vec!["flag".to_owned()];
        may.meet = vec!["meet".to_owned()];
        may.officer = vec!["officer".to_owned()];
        let mut settings = PagesSettings::default();
        settings.listen = Some("127.0.0.1:0".parse().unwrap());
        settings.provider = Some(provider);
        settings.may = may;
        settings
    }

    /// Listens anew.
    fn listen(&mut self, settings: &PagesSettings) -> Result<(), (&'static str, String)> {
        let started = ListeningPages::start(self.served.desk.clone(), settings);
        let started = self.served.runtime.block_on(started);
        self.pages = Some(started.map_err(|error| (error.code(), error.to_string()))?);
        Ok(())
    }

    fn pages(&self) -> &ListeningPages {
        self.pages.as_ref().unwrap()
    }

    fn browser(&self) -> Browser {
        Browser::new(self.pages().address())
    }

    /// A browser with which somebody signed in who has these roles.
    fn signed_in(&self, name: &str, roles: &[&str]) -> Browser {
        let mut browser = self.browser();
        let code = self.provider.grant(&begin(&mut browser, "/nl"), name, roles);
        let back = browser.come_back(&code);
        assert_eq!((back.status, back.field("location")), (303, Some("/nl".to_owned())), "{}", text(&back));
        browser
    }

    /// Lets seconds pass.
    fn pass(&self, seconds: u64) {
        self.served.now.fetch_add(seconds, Ordering::SeqCst);
        self.provider.set_time(self.served.now.load(Ordering::SeqCst));
    }

    fn journal_length(&self) -> u64 {
        self.served.desk.lend().journal_length()
    }
}

fn write_secret(served: &Served, name: &str, text: &str) {
    fs::write(served.path(name), format!("{text}\n")).unwrap();
    fs::set_permissions(served.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

/// What a browser was sent to the provider with.
#[derive(Clone, Debug)]
struct Begun {
    nonce: String,
    challenge: String,
    back: String,
}

/// Begins to sign in, to see the page `to` afterwards.
fn begin(browser: &mut Browser, to: &str) -> Begun {
    let sent = browser.get(&format!("/nl/sign-in/begin?to={to}"));
    assert_eq!(sent.status, 303, "{}", text(&sent));
    let to = sent.field("location").unwrap();
    let query = fields(to.split_once('?').unwrap().1);
    let one = |name: &str| query.get(name).cloned().unwrap_or_default();
    assert_eq!((one("response_type").as_str(), one("code_challenge_method").as_str()), ("code", "S256"));
    assert_eq!(one("client_id"), provider::CLIENT);
    browser.begun = Some(one("state"));
    Begun { nonce: one("nonce"), challenge: one("code_challenge"), back: one("redirect_uri") }
}

/// The fields of a query or a form.
fn fields(text: &str) -> BTreeMap<String, String> {
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.into(), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

/// The code that a page shows where something is refused.
fn refusal(response: &Response) -> (u16, String) {
    let page = text(response);
    let code = page.split_once("<code>").map(|(_, rest)| rest.split('<').next().unwrap().to_owned());
    (response.status, code.unwrap_or_default())
}

impl Response {
    /// A field of the head, as it came.
    fn field(&self, name: &str) -> Option<String> {
        self.lines(name).into_iter().next()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.raw.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).collect()
    }
}

/// A browser: it keeps cookies, and says with a form of which site it is.
#[derive(Clone)]
struct Browser {
    address: SocketAddr,
    host: String,
    cookies: BTreeMap<String, String>,
    begun: Option<String>,
}

impl Browser {
    fn new(address: SocketAddr) -> Browser {
        let host = format!("localhost:{}", address.port());
        Browser { address, host, cookies: BTreeMap::new(), begun: None }
    }

    fn get(&mut self, path: &str) -> Response {
        self.say(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.host), "")
    }

    /// Sends a form as this site's own.
    fn post(&mut self, path: &str, form: &str) -> Response {
        let origin = format!("Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", self.host);
        self.post_from(path, form, &origin)
    }

    /// Sends a form, with more fields in its head.
    fn post_from(&mut self, path: &str, form: &str, more: &str) -> Response {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n{more}",
            self.host,
            form.len()
        );
        self.say(&head, form)
    }

    fn say(&mut self, head: &str, body: &str) -> Response {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        let request = format!("{head}{cookies}Connection: close\r\n\r\n{body}");
        let response = exchange(TcpStream::connect(self.address).unwrap(), request.as_bytes());
        for line in response.lines("set-cookie") {
            for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(line.split("; ").any(|one| one == part), "{part}: {line}");
            }
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            assert!(name.starts_with("__Host-") && !line.contains("Domain"), "{line}");
            match line.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        response
    }

    /// The provider sends the browser back with a code.
    fn come_back(&mut self, code: &str) -> Response {
        let state = self.begun.clone().unwrap();
        self.get(&format!("/sign-in/return?code={code}&state={state}"))
    }

    fn session(&self) -> Option<&String> {
        self.cookies.get("__Host-stapel")
    }

    fn is_signed_in(&mut self) -> bool {
        let first = self.get("/nl");
        assert!([200, 303].contains(&first.status), "{}", text(&first));
        first.status == 200
    }

    /// What a form of the page has in it.
    fn csrf(&mut self) -> String {
        let page = text(&self.get("/nl"));
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}
