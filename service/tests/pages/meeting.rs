//! Four organisations and a coordinator whose people use the pages, and a broker: what a person sees and does after a
//! hit.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stapel::partner::{Case, Given, Received};
use stapel::{AddressKey, Broker, Partner, Timestamp};
use stapel_service::client::{MaySettings, PagesSettings, ProviderSettings};
use stapel_service::desk::Desk;
use stapel_service::pages::ListeningPages;
use stapel_testkit::{Consortium, DAY, START, stored_keys};
use tokio::runtime::Runtime;

use super::provider::{self, Provider};
use super::{Browser, TOKEN, begin, text};
use crate::desk::Response;

pub(super) const DAM: &str = "Dam 1-A, 1012 JS Amsterdam";
pub(super) const KEY: &str = "1012JS|1|A";

/// The partners: the first two meet directly, and all others by the coordinator.
pub(super) const POLICE: u16 = 1;
pub(super) const TAX: u16 = 2;
pub(super) const HOUSING: u16 = 3;
pub(super) const TOWN_HALL: u16 = 4;
pub(super) const COORDINATOR: u16 = 6;

/// All of them, each with pages.
pub(super) struct Meeting {
    consortium: Consortium,
    broker: Broker,
    provider: Provider,
    runtime: Runtime,
    now: Arc<AtomicU64>,
    desks: BTreeMap<u16, Arc<Desk>>,
    pages: BTreeMap<u16, ListeningPages>,
}

impl Meeting {
    /// People sign in at a provider.
    pub(super) fn new() -> Meeting {
        let mut meeting = Meeting::without_pages(Consortium::that_meets());
        let secret = meeting.written("secret", provider::SECRET);
        let mut settings = PagesSettings::default();
        settings.listen = Some("127.0.0.1:0".parse().unwrap());
        let mut at = ProviderSettings::default();
        at.issuer = meeting.provider.issuer();
        at.client_id = provider::CLIENT.to_owned();
        at.secret = Some(secret);
        at.who = Some("preferred_username".to_owned());
        settings.provider = Some(at);
        let mut may = MaySettings::default();
        may.claim = Some("roles".to_owned());
        (may.look, may.meet) = (vec!["look".to_owned()], vec!["meet".to_owned()]);
        may.officer = vec!["officer".to_owned()];
        settings.may = may;
        meeting.listen(&settings);
        meeting
    }

    /// Each has one user, who signs in with a token.
    pub(super) fn of_one_user_each() -> Meeting {
        let allowed = |text: String| text.replace("[[partner]]\n", "[[partner]]\nsign_in = \"one-user\"\n");
        let mut meeting = Meeting::without_pages(Consortium::that_meets_by(allowed));
        let mut settings = PagesSettings::default();
        settings.listen = Some("127.0.0.1:0".parse().unwrap());
        settings.user = Some("j.jansen".to_owned());
        settings.token = Some(meeting.written("token", TOKEN));
        meeting.listen(&settings);
        meeting
    }

    fn without_pages(consortium: Consortium) -> Meeting {
        let broker = Broker::open(&consortium.path("broker"), stored_keys(&consortium.path("keys"))).unwrap();
        let now = Arc::new(AtomicU64::new(START.0));
        let desk = |number: u16| {
            let partner = Partner::open(consortium.path(&number.to_string()).as_path()).unwrap();
            let clock = now.clone();
            (number, Desk::new(partner, None, move || Timestamp(clock.load(Ordering::SeqCst))).unwrap())
        };
        let desks = (1..=COORDINATOR).map(desk).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let (provider, pages) = (Provider::start(), BTreeMap::new());
        Meeting { consortium, broker, provider, runtime, now, desks, pages }
    }

    fn written(&self, name: &str, text: &str) -> PathBuf {
        let path = self.consortium.path(name);
        fs::write(&path, format!("{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn listen(&mut self, settings: &PagesSettings) {
        for (number, desk) in &self.desks {
            let started = self.runtime.block_on(ListeningPages::start(desk.clone(), settings));
            self.pages.insert(*number, started.unwrap());
        }
    }

    pub(super) fn origin(&self, number: u16) -> &str {
        self.pages[&number].origin()
    }

    /// A browser at a partner's pages, with which somebody signed in who has these roles.
    pub(super) fn browser(&self, number: u16, roles: &[&str]) -> Browser {
        self.provider.set_time(self.now.load(Ordering::SeqCst));
        let mut browser = Browser::new(self.pages[&number].address());
        let code = self.provider.grant(&begin(&mut browser, "/nl"), "j.jansen", roles);
        assert_eq!(browser.come_back(&code).status, 303);
        browser
    }

    /// A browser at a partner's pages, in which nobody signed in.
    pub(super) fn browser_of_the_one_user(&self, number: u16) -> Browser {
        Browser::new(self.pages[&number].address())
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    pub(super) fn partner<T>(&self, number: u16, act: impl FnOnce(&mut Partner, &Case, Timestamp) -> T) -> T {
        act(&mut self.desks[&number].lend(), &Case::new("p.peters", "B-1").unwrap(), self.now())
    }

    pub(super) fn journal_length(&self, number: u16) -> u64 {
        self.desks[&number].lend().journal_length()
    }

    /// A day on which all have a run, from its noon to the next.
    pub(super) fn day(&self) {
        let now = self.now();
        for number in 1..=COORDINATOR {
            let mut partner = self.desks[&number].lend();
            let carry = |partner: &mut Partner, message: &[u8]| {
                let received = partner.read(&self.broker.handle(message, now), now).unwrap();
                let is_refused = matches!(received, Received::Rejection { .. } | Received::Hint(_));
                assert!(!is_refused, "{number}, {now}: {received:?}");
            };
            if number != COORDINATOR {
                let mut messages = partner.deliver(now).unwrap();
                if messages.is_empty() {
                    messages = partner.confirm(now).unwrap();
                }
                messages.iter().for_each(|message| carry(&mut partner, message));
            }
            while let Some(message) = partner.talk(now).unwrap() {
                carry(&mut partner, &message);
            }
        }
        self.now.fetch_add(DAY, Ordering::SeqCst);
    }

    pub(super) fn flag(&self, number: u16, typed: &str) {
        let key = AddressKey::parse(typed).unwrap();
        self.partner(number, |partner, by, now| partner.flag([Given::from(&key).typed(typed)], by, now).unwrap());
    }

    pub(super) fn put_forward(&self, number: u16, key: &str) {
        let key = AddressKey::from_canonical(key).unwrap();
        self.partner(number, |partner, by, now| partner.put_forward([&key], by, now).unwrap());
    }

    /// Police, tax office and housing flag an address, and it is a hit.
    pub(super) fn stack(&self) {
        [POLICE, TAX, HOUSING].into_iter().for_each(|number| self.flag(number, DAM));
        (0..2).for_each(|_| self.day());
    }

    /// The same, and these put it forward, so that they are introduced.
    pub(super) fn introduce(&self, numbers: &[u16]) {
        self.stack();
        numbers.iter().for_each(|number| self.put_forward(*number, KEY));
        (0..3).for_each(|_| self.day());
    }
}

/// Sends the form of a page that has these marks in it, as a browser does that presses the button `pressed`.
pub(super) fn send(browser: &mut Browser, page: &Response, marks: &[&str], filled: &[(&str, &str)]) -> Response {
    let page = text(page);
    let forms = page.split("<form ").skip(1).map(|form| form.split("</form>").next().unwrap());
    let found: Vec<_> = forms.filter(|form| marks.iter().all(|mark| form.contains(mark))).collect();
    assert!(!found.is_empty(), "no form with {marks:?}: {page}");
    let form = found[0];
    let (_, action) = form.split_once("action=\"").unwrap();
    let mut fields: Vec<(String, String)> = Vec::new();
    for input in form.split("<input ").skip(1).filter(|input| input.starts_with("type=\"hidden\"")) {
        let of = |name: &str| {
            let (_, rest) = input.split_once(&format!("{name}=\"")).unwrap();
            plain(rest.split('"').next().unwrap())
        };
        fields.push((of("name"), of("value")));
    }
    fields.retain(|(name, _)| !filled.iter().any(|(other, _)| other == name));
    fields.extend(filled.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    browser.post(action.split('"').next().unwrap(), &body.join("&"))
}

/// What a page's markup stands for.
pub(super) fn plain(markup: &str) -> String {
    markup.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The page, once the case was given.
pub(super) fn look(browser: &mut Browser, path: &str, case: &str) -> Response {
    let page = browser.get(path);
    assert_eq!(page.status, 200, "{}", text(&page));
    send(browser, &page, &["value=\"look\""], &[("case", case)])
}

pub(super) fn has(page: &Response, said: &[&str]) {
    let shown = text(page);
    assert_eq!(page.status, 200, "{shown}");
    said.iter().for_each(|one| assert!(shown.contains(one), "{one}: {shown}"));
}

pub(super) fn lacks(page: &Response, unsaid: &[&str]) {
    let shown = text(page);
    unsaid.iter().for_each(|one| assert!(!shown.contains(one), "{one}: {shown}"));
}
