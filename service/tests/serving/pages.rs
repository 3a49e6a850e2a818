//! The status page, of brokers in several states. `tests/pages/run` looks at the same ones in a browser.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use stapel::Timestamp;
use stapel::broker::BrokerStatus;
use stapel::message::{Exchange, Part, Request};
use stapel_service::server::schedule::Schedule;
use stapel_service::server::{MonitorAt, Serving};
use stapel_testkit::{Client, Consortium, day, noon, numbered};

use super::monitor::{ask, get};
use super::{Running, environment};
use crate::alerts::listed;

/// A name that is no name: what a page does not escape, a browser would run.
const HOSTILE: &str = "Politie <script>alert('x')</script> & \\\"Co\\\"";

/// A broker with a place for a monitor.
struct Watched {
    running: Running,
    address: SocketAddr,
    clients: Vec<Client>,
}

impl Watched {
    /// Just founded: nothing was delivered.
    fn empty() -> Watched {
        Watched::under(&policy(), |_| ())
    }

    fn under(policy: &str, change: impl FnOnce(&mut Running)) -> Watched {
        let mut running = Running::under(policy, |_| ());
        assert!(running.runtime.block_on(running.serving.take().unwrap().stop()));
        running.config.monitor = Some(MonitorAt { address: "127.0.0.1:0".parse().unwrap(), token: None });
        change(&mut running);
        let starting = Serving::start(running.config.clone(), environment(&running.now));
        let serving = running.runtime.block_on(starting).unwrap();
        let address = serving.monitor().unwrap();
        running.address = serving.addresses()[0];
        running.serving = Some(serving);
        let clients = (1..=5).map(|number| Client::new(number, &running.policy)).collect();
        Watched { running, address, clients }
    }

    /// All went well for a week.
    fn healthy() -> Watched {
        let mut watched = Watched::empty();
        for number in 1..=5 {
            watched.deliver_all(number);
        }
        for number in 1..7 {
            watched.pass_until(noon(number));
            for client in 1..=5 {
                watched.deliver_more(client, number);
            }
        }
        watched.fetch(1);
        let broker = watched.consortium(0);
        broker.broker.backup(&watched.running.path("copy"), noon(6)).unwrap();
        watched.pass_until(noon(6).plus(5 * 3_600));
        watched
    }

    /// Two consortia, one of them just founded, and the other with every fault that there is.
    fn faulty() -> Watched {
        let text = policy()
            .replace("Politie, eenheid Noord-Holland", HOSTILE)
            .replace("Basisvoorziening", HOSTILE)
            .replace("[budgets]", "[budgets]\nflags_held = 400");
        let other = Consortium::under(
            &policy().replace("\"zaanstad\"", "\"haarlem\"").replace("example.nl/zaanstad", "example.nl/haarlem"),
        );
        let mut watched = Watched::under(&text, |running| {
            let authority = &running.authority;
            let server = authority.identity_until(&[], &["localhost"], 2027);
            std::fs::write(running.path("tls.pem"), &server.chain).unwrap();
            std::fs::write(running.path("tls.key"), &server.key).unwrap();
            std::fs::write(running.path("ca.crl"), authority.crl_until(&[], (2026, 12, 20))).unwrap();
            running.config.consortia.push((other.path("broker"), other.path("keys")));
        });
        // Its folder is kept until the machine is started again, as temporary ones are.
        std::mem::forget(other);
        for number in [1, 2, 3, 5] {
            watched.deliver_all(number);
        }
        for number in 1..3 {
            watched.pass_until(noon(number));
            watched.deliver_more(2, number);
        }
        watched.fetch(1);
        // One more than it may hold.
        watched.deliver_more(1, 3);
        let stale = Client::new(1, &watched.running.policy).full_set(&[], Part { number: 1, of: 1 }, noon(2));
        let mut forged = stale.clone();
        *forged.last_mut().unwrap() ^= 1;
        for bytes in [&stale[..], &forged, b"no message"] {
            assert_eq!(watched.running.connect(1).send(bytes).unwrap().status, 200);
        }
        assert_eq!(watched.running.connect(2).send(&stale).unwrap().code(), "not_admitted");
        watched.pass_until(noon(20));
        let consortium = watched.consortium(0);
        let there: Vec<String> =
            consortium.broker.status().faults_at(noon(20), 2).into_iter().map(|fault| fault.code).collect();
        for code in BrokerStatus::FAULT_CODES.iter().filter(|code| there.iter().all(|one| one != *code)) {
            let finding = format!("/var/lib/stapel/zaanstad: what was found, of {code}, and what to do about it");
            consortium.broker.tell_faults(code, &[finding]);
        }
        watched
    }

    fn consortium(&self, at: usize) -> std::sync::Arc<stapel_service::server::Consortium> {
        let consortia = self.running.serving.as_ref().unwrap().server().consortia();
        let name = ["zaanstad", "haarlem"][at];
        consortia.values().find(|one| one.name.as_str() == name).unwrap().clone()
    }

    fn pass_until(&mut self, now: Timestamp) {
        self.running.now.store(now.0, Ordering::SeqCst);
        let consortia = self.running.serving.as_ref().unwrap().server().consortia();
        consortia.values().for_each(|one| {
            Schedule::new(one.clone()).turn();
        });
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.running.now.load(Ordering::SeqCst))
    }

    fn send(&self, number: u16, message: &[u8]) {
        assert_eq!(self.running.connect(number).send(message).unwrap().code(), "ok");
    }

    /// Stacks: 200 pseudonyms of two organisations, 65 of three and 25 of four.
    fn deliver_all(&mut self, number: u16) {
        let range = [0..400, 0..260, 0..90, 0..25, 300..330][usize::from(number) - 1].clone();
        let flags: Vec<_> = numbered(range).into_iter().map(|one| (one, day("2027-01-31"))).collect();
        let now = self.now();
        let message = self.clients[usize::from(number) - 1].full_set(&flags, Part { number: 1, of: 1 }, now);
        self.send(number, &message);
    }

    fn deliver_more(&mut self, number: u16, of_day: u64) {
        let new = numbered([10_000 + u128::from(of_day) * 10 + u128::from(number)]);
        let now = self.now();
        let message = self.clients[usize::from(number) - 1].delta(&[(new[0], day("2027-01-31"))], &[], now);
        self.send(number, &message);
    }

    /// Has a partner fetch what there is for it after a hit.
    fn fetch(&mut self, number: u16) {
        let now = self.now();
        let message = self.clients[usize::from(number) - 1].message(&Request::Exchange(Exchange::default()), now);
        self.send(number, &message);
    }

    fn page(&self, lang: &str) -> String {
        let (status, response) = get(self.address, &format!("/?lang={lang}"));
        assert_eq!(status, 200);
        response.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

/// The policy of the tests, with names as there may be.
fn policy() -> String {
    let names = [
        ("name = \"politie\"", "name = \"Politie, eenheid Noord-Holland\""),
        ("name = \"belastingdienst\"", "name = \"Belastingdienst\""),
        ("name = \"zaanwonen\"", "name = \"Woningcorporatie Zaanwonen\""),
        ("name = \"gemeente\"", "name = \"Gemeente Zaanstad\""),
        ("System 1", "Basisvoorziening"),
        ("System 2", "Toezicht"),
        ("System 3", "Woonfraude"),
        ("System 4", "Handhaving"),
        ("System 5", "Vergunningen"),
        (
            "[operator]",
            "[meet]\ndirect = [[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente\"]]\n[operator]",
        ),
    ];
    let text = Consortium::policy(1).replace("version = 1", "version = 1\nfreshness_days = 7");
    names.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

/// The words of a page as they are read, without its style.
fn read_out(page: &str) -> String {
    let (_, body) = page.split_once("</style>").unwrap();
    let mut text = String::new();
    let mut is_tag = false;
    for character in body.chars() {
        match character {
            '<' => (is_tag, text) = (true, text + " "),
            '>' => is_tag = false,
            _ if !is_tag => text.push(character),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names of the figures that have a value.
fn figures(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types.map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() }).collect()
}

#[track_caller]
fn says(page: &str, sentences: &[&str]) {
    let text = read_out(page);
    for sentence in sentences {
        assert!(text.contains(sentence), "{sentence}\n{text}");
    }
}

#[test]
fn a_broker_just_founded_says_that_nothing_came_yet() {
    let watched = Watched::empty();
    let sentences = [
        "Warning: 1 warning As of 1 December 2026, 12:00 UTC . Look again",
        "No recent backup backup_overdue no backup was made of this store: run stapel broker backup, once a day",
        "Politie, eenheid Noord-Holland 1: Basisvoorziening Silent fewer than 10",
        "Next release 2 December 2026, 00:00 UTC (in 12 hours)",
        "Not yet: this epoch waits until all partners that flag have delivered their full set",
        "Missing: 5: partner 1, 2, 3, 4, 5.",
        "Epoch 1: nothing can be stacked yet.",
        "Of partners: none.",
        "After a hit Each partner fetches every day what there is for it",
        "Partner Fetched last Politie, eenheid Noord-Holland 1: Basisvoorziening not yet",
        "How much there was on 1 December 2026. These numbers are rounded down to whole tens, and change once a month.",
        "Put forward fewer than 10 Conversations fewer than 10 Notes that waited fewer than 10",
        "Clock is kept in step Last backup none yet",
        "Policy of the consortium zaanstad, version 1",
        "No request came over HTTPS yet.",
    ];
    says(&watched.page("en"), &sentences);
    let sentences = [
        "Let op: 1 waarschuwing Stand van 1 december 2026, 12:00 UTC . Opnieuw kijken",
        "Er is geen recente back-up backup_overdue Wat te doen: Maak iedere dag een back-up: stapel broker backup.",
        "Stil minder dan 10",
        "Aangedragen minder dan 10 Gesprekken minder dan 10 Wachtende berichten minder dan 10",
        "Afspraken van het samenwerkingsverband zaanstad, versie 1",
    ];
    says(&watched.page("nl"), &sentences);
}

#[test]
fn a_broker_with_which_all_is_well_says_so_and_tells_nothing_small() {
    let mut watched = Watched::healthy();
    let sentences = [
        "In order: nothing is wrong",
        "What is wrong Nothing.",
        "Gemeente Zaanstad 4: Handhaving Fresh 7 December 2026, 12:00 UTC (5 hours ago) 30 or more",
        "Organisations Pseudonyms 2 200 or more 3 or more 90 or more",
        "Belastingdienst Budget Used Left New flags today 0 1,000",
        "Politie, eenheid Noord-Holland 1: Basisvoorziening 7 December 2026 Belastingdienst 2: Toezicht not yet",
        "Last backup 7 December 2026, 12:00 UTC (5 hours ago)",
        "TLS of organisations, as they connected last Organisation Ends Belastingdienst 1 January 2149, 00:00 UTC",
        "zaanstad 200",
    ];
    let page = watched.page("en");
    says(&page, &sentences);
    // What one partner changes shows to nobody who looks before the release, and a single pseudonym not after it.
    let of = |text: &str, name: &str| {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        lines.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let before = get(watched.address, "/metrics").1;
    assert!(figures(&before).iter().all(|name| listed().contains(name.as_str())), "{before}");
    let told = of(&before, "stapel_stacks");
    let lines = [
        "stapel_stacks{consortium=\"zaanstad\",epoch=\"1\",organisations=\"2\"} 200.0",
        "stapel_stacks{consortium=\"zaanstad\",epoch=\"1\",organisations=\"3+\"} 90.0",
    ];
    assert!(told.iter().map(String::as_str).eq(lines), "{told:?}");
    let shared = numbered([270]);
    let now = watched.now();
    let message = watched.clients[2].delta(&[(shared[0], day("2027-01-31"))], &[], now);
    watched.send(3, &message);
    let after = get(watched.address, "/metrics").1;
    for name in ["stapel_stacks", "stapel_flags_released", "stapel_budget_used"] {
        assert!(!of(&before, name).is_empty(), "{name}");
        assert_eq!(of(&after, name), of(&before, name));
    }
    for number in 7..9 {
        watched.pass_until(noon(number));
        for client in 1..=5 {
            watched.deliver_more(client, number);
        }
    }
    assert_eq!(of(&get(watched.address, "/metrics").1, "stapel_stacks"), told, "one more has two");
}

#[test]
fn a_broker_with_every_fault_shows_each_and_runs_no_name() {
    let watched = Watched::faulty();
    for lang in ["nl", "en"] {
        let page = watched.page(lang);
        for code in BrokerStatus::FAULT_CODES.iter().copied().chain(["certificate_ends", "crl_outdated"]) {
            assert!(page.contains(&format!("<code>{code}</code>")), "{code}");
        }
        assert!(!page.contains("<script") && !page.contains("alert('x')</"), "{page}");
        assert!(page.contains("Politie &lt;script&gt;alert('x')&lt;/script&gt; &amp; &quot;Co&quot;"), "{page}");
    }
    // Every figure has a value now but that of a backup, and each is listed in docs/operate.md.
    let mut figures = figures(&get(watched.address, "/metrics").1);
    figures.insert("stapel_backup_timestamp_seconds".to_owned());
    assert!(figures.iter().map(String::as_str).eq(listed()), "{figures:?}");
    let page = watched.page("en");
    let sentences = [
        "Critical:",
        "Critical The clock may be ahead clock_ahead",
        "haarlem Critical zaanstad Critical",
        "Stale 3 December 2026, 12:00 UTC (18 days ago)",
        "Of partners Code Messages stale 1 over_budget 1",
        "not authenticated Code Messages malformed 1 bad_signature 1",
        "zaanstad 403 not_admitted 1",
        "Flags held epoch 1 400 0 Warning",
    ];
    says(&page, &sentences);
}

#[test]
fn the_page_is_in_the_language_of_whoever_asks_and_may_do_nothing_but_be_read() {
    let watched = Watched::empty();
    let asked = |path: &str, fields: &str| {
        ask(watched.address, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")).1
    };
    assert!(asked("/", "").contains("<html lang=\"nl\">"));
    assert!(asked("/", "Accept-Language: en-GB,en;q=0.9\r\n").contains("<html lang=\"en\">"));
    let page = asked("/?lang=en", "Accept-Language: nl\r\n");
    for part in [
        "<html lang=\"en\">",
        "content-language: en",
        "content-type: text/html; charset=utf-8",
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "x-frame-options: DENY",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "vary: Accept-Language",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    for part in ["<script", "http://", " onclick", "style=", "<form", "<img"] {
        assert!(!page.split_once("\r\n\r\n").unwrap().1.contains(part), "{part}");
    }
    assert!(!page.replace("https://broker.example.nl", "").contains("src="));
}

/// The states that a browser looks at have a page each. For `tests/pages/run`, which sets the variable, they are served
/// until standard input ends.
#[test]
fn pages_for_a_browser() {
    let states = [("empty", Watched::empty()), ("healthy", Watched::healthy()), ("every-fault", Watched::faulty())];
    for (name, watched) in &states {
        for lang in ["nl", "en"] {
            assert!(watched.page(lang).contains(&format!("<html lang=\"{lang}\"")), "{name}");
        }
    }
    if std::env::var_os("STAPEL_PAGES").is_none() {
        return;
    }
    let mut out = std::io::stdout();
    for (name, watched) in &states {
        writeln!(out, "\nPAGE {name} http://{}/", watched.address).unwrap();
    }
    writeln!(out, "READY").unwrap();
    out.flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
