//! `stapel partner sync` against a broker over HTTPS: days, losses, and what is fetched.
//!
//! The broker is the testkit's, served by the stub of the service's tests; `stapel broker serve` can take its place.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use stapel::policy::{Certificate, Policy, Statement};
#[cfg(feature = "otlp")]
use stapel::{AddressKey, Case, Partner};
use stapel::{Broker, BrokerKeys, Day, Timestamp};
use stapel_testkit::{Consortium, START, partner_keys, policy_key, signatures, stored_keys};

use crate::common::{Desk, json_lines, text};
use crate::stub::{Answer, Got, Kept, Pki, Server, dead_port, response, whole};

/// A consortium whose broker is reached over HTTPS, and the configuration of its partner 1.
pub(crate) struct Town {
    pub(crate) consortium: Consortium,
    served: Arc<Served>,
    _pki: Pki,
    _server: Server,
}

struct Served {
    /// None while it is restored.
    broker: Mutex<Option<Broker>>,
    now: Mutex<Timestamp>,
    /// Seconds by which the broker's clock is put back.
    behind: AtomicU64,
    /// Replies that are lost from now on.
    lost: AtomicU32,
    /// Requests that are not heard from now on.
    dead: AtomicBool,
    /// The messages that came.
    came: Kept<Vec<u8>>,
    /// Policies that are published, and what else is.
    policies: Mutex<Vec<String>>,
    in_force: AtomicU32,
    /// What was fetched.
    fetches: AtomicU32,
    certificates: Mutex<Vec<String>>,
}

impl Served {
    fn answer(&self, got: &Got) -> Answer {
        let rest = got.path.strip_prefix("/v1/zaanstad/").unwrap();
        let json = |value: Value| whole("application/json", value.to_string().as_bytes());
        if self.dead.load(Ordering::SeqCst) {
            return Vec::new();
        }
        self.fetches.fetch_add(u32::from(got.method == "GET"), Ordering::SeqCst);
        let policies = self.policies.lock().unwrap();
        let parts: Vec<_> = rest.split('/').collect();
        match (got.method.as_str(), parts.as_slice()) {
            ("POST", ["messages"]) => {
                self.came.lock().unwrap().push(got.body.clone());
                let now = Timestamp(self.now.lock().unwrap().0 - self.behind.load(Ordering::SeqCst));
                let reply = self.broker.lock().unwrap().as_ref().unwrap().handle(&got.body, now);
                let lost = self.lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |lost| lost.checked_sub(1));
                if lost.is_ok() { Vec::new() } else { whole("application/vnd.stapel.reply", &reply) }
            }
            ("GET", ["policies"]) => {
                let versions: Vec<_> = policies.iter().map(|text| Policy::parse(text).unwrap()).collect();
                let versions = versions.iter().map(|policy| {
                    let (version, day) = (policy.version, policy.valid_from.to_string());
                    json!({ "version": version, "digest": policy.digest().to_string(), "valid_from": day })
                });
                json(json!({
                    "in_force": self.in_force.load(Ordering::SeqCst), "versions": versions.collect::<Vec<_>>(),
                }))
            }
            ("GET", ["policies", version]) => {
                let at: usize = version.parse().unwrap();
                whole("application/toml", policies[at - 1].as_bytes())
            }
            ("GET", ["policies", version, "signatures"]) => {
                let at: usize = version.parse().unwrap();
                let signed = signatures(&Policy::parse(&policies[at - 1]).unwrap());
                json(json!({ "signatures": signed.iter().map(|one| one.to_text()).collect::<Vec<_>>() }))
            }
            ("GET", ["certificates"]) => json(json!({ "certificates": *self.certificates.lock().unwrap() })),
            _ => response(404, &[("content-length", "0")], b""),
        }
    }
}

impl Town {
    pub(crate) fn new() -> Town {
        let consortium = Consortium::new();
        let broker = Broker::open(&consortium.path("broker"), stored_keys(&consortium.path("keys"))).unwrap();
        let served = Arc::new(Served {
            broker: Mutex::new(Some(broker)),
            now: Mutex::new(START),
            behind: AtomicU64::new(0),
            lost: AtomicU32::new(0),
            dead: AtomicBool::new(false),
            came: Kept::default(),
            policies: Mutex::new(vec![Consortium::policy(1)]),
            in_force: AtomicU32::new(1),
            fetches: AtomicU32::new(0),
            certificates: Mutex::default(),
        });
        let pki = Pki::new();
        let serving = served.clone();
        let server = Server::start(Some(pki.server("127.0.0.1", 2099)), move |got| serving.answer(got));
        let configuration = format!(
            "dir = \"1\"\nactor = \"night\"\n[connect]\ncertificate = {:?}\nkey = {:?}\nca = [{:?}]\n\
             addresses = [{:?}, {:?}]\n",
            pki.path("client.pem"),
            pki.path("client.key"),
            pki.path("ca.pem"),
            server.address(),
            format!("https://127.0.0.1:{}", dead_port())
        );
        for number in 1..=5 {
            let one = configuration.replacen("\"1\"", &format!("\"{number}\""), 1);
            std::fs::write(consortium.path(&format!("{number}.toml")), one).unwrap();
        }
        // Any address: what is tested is not which.
        std::fs::write(consortium.path("a.csv"), "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n").unwrap();
        std::fs::write(consortium.path("b.csv"), "adres\n\"Dam 3, 1012 JS Amsterdam\"\n").unwrap();
        Town { consortium, served, _pki: pki, _server: server }
    }

    /// Does something with the broker.
    fn with_broker<T>(&self, with: impl FnOnce(&Broker) -> T) -> T {
        with(self.served.broker.lock().unwrap().as_ref().unwrap())
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stapel"));
        command.current_dir(self.consortium.path("")).args(line.split_whitespace());
        // Of these nothing is taken.
        let dead = format!("http://127.0.0.1:{}", dead_port());
        for proxy in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"] {
            command.env(proxy, &dead);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What a command says, both ways, and its status.
    pub(crate) fn run(&self, line: &str) -> (i32, String, String) {
        let output = self.command(line).output().unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    /// Goes to an hour of a day after the consortium's first, on which the partner and the broker are alike.
    pub(crate) fn at(&self, day: u16, hour: u64) -> Timestamp {
        let now = Timestamp(START.day().plus(day + 1).start().0 + hour * 3_600);
        *self.served.now.lock().unwrap() = now;
        now
    }

    /// A run of a partner at an hour of a day, with nothing amiss; its last line.
    fn sync(&self, number: u8, day: u16, hour: u64, more: &str) -> Value {
        self.sync_ending(number, day, hour, more, 0)
    }

    fn sync_ending(&self, number: u8, day: u16, hour: u64, more: &str, wanted: i32) -> Value {
        let now = self.at(day, hour);
        let line = format!("partner sync --config {number}.toml --now {now} --patience 0 --json {more}");
        let (status, out, err) = self.run(&line);
        assert_eq!(status, wanted, "{line}\n{out}{err}");
        json_lines(&out).pop().unwrap_or(Value::Null)
    }

    fn flag(&self, number: u8, day: u16, file: &str) {
        let now = self.at(day, 0);
        let line = format!("partner flag --config {number}.toml --case Z-1 --now {now} {file}");
        let (status, _, err) = self.run(&line);
        assert_eq!(status, 0, "{err}");
    }

    /// How many messages came since it was asked last, and how many of them were different.
    fn came(&self) -> (usize, usize) {
        let came = std::mem::take(&mut *self.served.came.lock().unwrap());
        let mut different = came.clone();
        different.sort();
        different.dedup();
        (came.len(), different.len())
    }

    /// Has partner 1 send to a Logboek from now on.
    #[cfg(feature = "otlp")]
    pub(crate) fn sends_to(&self, logboek: &Server) {
        let path = self.consortium.path("1.toml");
        let settings = format!(
            "{}[logboek]\nactivity = \"https://register.example.nl/12\"\notlp = \"http://127.0.0.1:{}/v1/traces\"\n",
            std::fs::read_to_string(&path).unwrap(),
            logboek.port
        );
        std::fs::write(path, settings).unwrap();
    }

    fn status(&self, number: u8, day: u16) -> Value {
        let now = self.at(day, 23);
        let (status, out, err) = self.run(&format!("partner status --config {number}.toml --now {now} --json"));
        assert_eq!(status, 0, "{err}");
        json_lines(&out).remove(0)
    }
}

#[test]
fn each_day_has_one_message_whatever_changed_and_however_often_it_runs() {
    let town = Town::new();
    town.flag(1, 0, "a.csv");
    // At 00:00 nothing is due yet, but for one day of 82,800 draws.
    let first = town.sync(1, 0, 0, "--no-own");
    assert_eq!((&first["delivered"], town.came().0), (&json!(false), 0), "{first}");
    let next: Timestamp = first["next"].as_str().unwrap().parse().unwrap();
    assert!(next.day() == START.day().plus(1) && next.0 % 86_400 < 82_800);
    for hour in [23, 23] {
        town.sync(1, 0, hour, "");
    }
    assert_eq!(town.came(), (3, 3), "a full set, a status request and a question, once");
    for day in 1..5 {
        let changed = day == 3;
        if changed {
            town.flag(1, day, "b.csv");
        }
        let mut delivered = 0;
        for hour in [0, 6, 12, 18, 23, 23] {
            let ended = town.sync(1, day, hour, "--no-own");
            delivered += usize::from(ended["delivered"] == json!(true));
        }
        assert_eq!((delivered, town.came()), (1, (2, 2)), "day {day}: a message and a status request");
    }
    assert_eq!(town.status(1, 4)["undelivered"], json!(0));
}

#[test]
fn a_day_that_was_missed_is_made_up_at_the_next_run() {
    let town = Town::new();
    town.sync(1, 0, 23, "--no-own");
    town.came();
    let next = town.sync(1, 2, 0, "--no-own");
    assert_eq!((&next["delivered"], town.came().0), (&json!(true), 1), "the message of the day before");
    town.sync(1, 2, 23, "--no-own");
    assert_eq!(town.came().0, 2, "and that of the day, with its status request");
}

#[test]
fn at_once_delivers_before_the_moment_and_not_twice() {
    let town = Town::new();
    town.flag(1, 0, "a.csv");
    let ended = town.sync(1, 0, 0, "--no-own --at-once");
    assert_eq!((&ended["delivered"], town.came().0), (&json!(true), 2));
    let ended = town.sync(1, 0, 0, "--no-own --at-once");
    assert_eq!(
        (&ended["delivered"], town.came().0),
        (&json!(false), 1),
        "it asks where it stands, with nothing to say"
    );
    town.flag(1, 0, "b.csv");
    let ended = town.sync(1, 0, 0, "--no-own --at-once");
    assert_eq!((&ended["delivered"], town.came().0), (&json!(true), 2));
    town.sync(1, 0, 23, "--no-own");
    assert_eq!(town.came().0, 0, "it was the day's");
}

#[test]
fn a_restored_broker_has_all_flags_again_by_one_run_at_once() {
    let town = Town::new();
    town.flag(1, 0, "a.csv");
    town.sync(1, 0, 1, "--at-once");
    // The broker is lost after the day's work, and restored from a backup.
    let copy = town.consortium.path("copy");
    town.with_broker(|broker| broker.backup(&copy, town.at(0, 2))).unwrap();
    *town.served.broker.lock().unwrap() = None;
    let folder = town.consortium.path("broker");
    std::fs::remove_dir_all(&folder).unwrap();
    let keys = stored_keys(&town.consortium.path("keys"));
    *town.served.broker.lock().unwrap() = Some(Broker::restore(&copy, &folder, keys, town.at(0, 3)).unwrap());
    let missing = || town.with_broker(|broker| broker.status().epochs[0].without_full_set.clone());
    assert!(missing().contains(&1));
    town.came();
    let ended = town.sync(1, 0, 4, "--at-once");
    assert_eq!((&ended["delivered"], town.came().0), (&json!(true), 2), "where it stands, and all its flags");
    assert!(!missing().contains(&1) && !missing().is_empty());
}

#[test]
fn a_lost_reply_costs_nothing_and_the_same_bytes_go_again() {
    let town = Town::new();
    town.flag(1, 0, "a.csv");
    town.served.lost.store(1, Ordering::SeqCst);
    let now = town.at(0, 23);
    let line = format!("partner sync --config 1.toml --now {now} --patience 0 --no-own");
    let (status, _, err) = town.run(&line);
    assert!(status == 75 && err.ends_with("[unreachable]\n"), "{status} {err}");
    assert_eq!(town.came(), (1, 1));
    assert_eq!(town.status(1, 0)["in_flight"].as_array().unwrap().len(), 1);
    // The next day's first run goes on with it, before that day's moment.
    let ended = town.sync(1, 1, 0, "--no-own");
    assert_eq!(ended["delivered"], json!(true));
    assert_eq!(town.status(1, 1)["in_flight"], json!([]));
    town.came();
    // While nobody listens, nothing is spent.
    town.served.dead.store(true, Ordering::SeqCst);
    assert_eq!(town.sync_ending(1, 1, 23, "--no-own", 75), Value::Null);
    town.served.dead.store(false, Ordering::SeqCst);
    assert_eq!(town.sync(1, 1, 23, "--no-own")["delivered"], json!(true));
    // What waited too long is said again in a message of now.
    town.served.dead.store(true, Ordering::SeqCst);
    assert_eq!(town.sync_ending(1, 2, 23, "", 75), Value::Null);
    town.served.dead.store(false, Ordering::SeqCst);
    town.came();
    assert_eq!(town.sync(1, 5, 23, "")["delivered"], json!(true));
    assert_eq!((&town.status(1, 5)["in_flight"], town.came().0 > 2), (&json!([]), true));
}

#[test]
fn a_message_that_the_broker_did_not_keep_goes_in_each_run_until_it_does() {
    let town = Town::new();
    for (day, more) in [(1, "--no-own"), (3, "--no-own --at-once")] {
        town.sync(1, day - 1, 23, "--no-own");
        town.flag(1, day, if day == 1 { "a.csv" } else { "b.csv" });
        // The broker's clock is in doubt, and it keeps nothing that is flagged.
        town.served.behind.store(40 * 3_600, Ordering::SeqCst);
        for run in 1..=3 {
            town.came();
            let now = town.at(day, 23);
            let line = format!("partner sync --config 1.toml --now {now} --patience 0 {more}");
            let (status, out, err) = town.run(&line);
            let is_told = err.contains("clock is in doubt") && err.contains("[unavailable]");
            assert!(status == 75 && is_told, "run {run}: {status} {out}{err}");
            assert!(town.came().0 > 0, "run {run} sent it");
        }
        town.served.behind.store(0, Ordering::SeqCst);
        assert_eq!(town.sync(1, day, 23, more)["delivered"], json!(true));
        let status = town.status(1, day);
        assert_eq!((&status["in_flight"], &status["undelivered"]), (&json!([]), &json!(0)));
    }
}

#[test]
fn killed_at_any_time_it_goes_on_where_it_was() {
    let town = Town::new();
    let mut pause = 0;
    for day in 0..12 {
        town.flag(1, day, if day % 2 == 0 { "a.csv" } else { "b.csv" });
        let now = town.at(day, 23);
        let line = format!("partner sync --config 1.toml --now {now} --patience 0");
        let mut child = town.command(&line).spawn().unwrap();
        // Each time at another point of the run: no time is right or wrong.
        std::thread::sleep(Duration::from_millis(pause));
        pause += 25;
        child.kill().unwrap();
        child.wait().unwrap();
        town.sync(1, day, 23, "");
        let status = town.status(1, day);
        assert_eq!((&status["in_flight"], &status["undelivered"]), (&json!([]), &json!(0)), "day {day}");
        assert_eq!(status["complaints"], json!([]));
    }
}

#[test]
fn two_runs_at_once_are_one() {
    let town = Town::new();
    let lock = std::fs::File::create(town.consortium.path("1/sync.lock")).unwrap();
    lock.lock().unwrap();
    let now = town.at(0, 23);
    let line = format!("partner sync --config 1.toml --now {now}");
    let (status, _, err) = town.run(&line);
    assert!(status == 75 && err.ends_with("[folder_in_use]\n"), "{err}");
    // Other commands use the folder meanwhile.
    town.flag(1, 0, "a.csv");
    drop(lock);
    town.sync(1, 0, 23, "");
}

#[test]
fn an_overtaken_copy_of_the_folder_finds_its_way() {
    let town = Town::new();
    town.flag(1, 0, "a.csv");
    town.sync(1, 0, 23, "--no-own");
    // An old copy of the folder is put back, as from a backup.
    let copy = town.consortium.path("copy");
    let copied = |from: &str, to: &str| {
        let ended = Command::new("cp").arg("-a").args([from, to]).current_dir(town.consortium.path("")).status();
        assert!(ended.unwrap().success());
    };
    copied("1", "copy");
    for day in 1..3 {
        town.sync(1, day, 23, "--no-own");
    }
    std::fs::remove_dir_all(town.consortium.path("1")).unwrap();
    copied("copy", "1");
    assert!(copy.exists());
    let now = town.at(3, 23);
    let (status, out, err) = town.run(&format!("partner sync --config 1.toml --now {now} --patience 0 --no-own"));
    assert!([0, 3].contains(&status), "{out}{err}");
    town.sync_ending(1, 4, 23, "--no-own", status);
    let status = town.status(1, 4);
    assert_eq!((&status["in_flight"], &status["undelivered"]), (&json!([]), &json!(0)));
}

#[test]
fn a_newer_policy_is_fetched_for_a_person_to_adopt() {
    let town = Town::new();
    town.sync(1, 0, 23, "--no-own");
    town.served.policies.lock().unwrap().extend([Consortium::policy(2), Consortium::policy(3)]);
    for version in [2, 3] {
        let path = town.consortium.path(&format!("new-{version}.toml"));
        stapel_testkit::write_policy(&path, &Consortium::policy(version));
        town.with_broker(|broker| broker.adopt_policy(&path, town.at(1, 1))).unwrap();
    }
    town.served.in_force.store(2, Ordering::SeqCst);
    let now = town.at(1, 23);
    let (status, _, err) = town.run(&format!("partner sync --config 1.toml --now {now} --patience 0 --no-own"));
    assert!(status == 3 && err.contains("was announced"), "{status} {err}");
    town.served.in_force.store(3, Ordering::SeqCst);
    let now = town.at(2, 23);
    let (status, out, err) = town.run(&format!("partner sync --config 1.toml --now {now} --patience 0 --no-own"));
    assert_eq!(status, 3, "{out}{err}");
    town.came();
    let (status, _, err_again) = town.run(&format!("partner sync --config 1.toml --now {now} --patience 0 --no-own"));
    assert!(status == 3 && err_again.contains("then: stapel partner adopt"), "{err_again}");
    let adopt = err.lines().find_map(|line| line.split_once("then: stapel ")).unwrap().1.to_owned();
    assert_eq!(adopt.matches("--policy").count(), 2, "all that were missed: {adopt}");
    let (status, _, err) = town.run(&format!("{adopt} --now {now}"));
    assert_eq!(status, 0, "{err}");
    town.sync(1, 2, 23, "--no-own");
    let status = town.status(1, 2);
    assert_eq!((&status["policy_version"], &status["in_flight"]), (&json!(3), &json!([])));
}

#[test]
fn a_renewed_certificate_is_added() {
    let town = Town::new();
    town.sync(1, 0, 23, "--no-own");
    let policy = Policy::parse(&Consortium::policy(1)).unwrap();
    let sign = |partner: u16, serial| {
        let keys = Some(partner_keys(partner, 1));
        let statement = Statement { partner, epoch: 1, serial, keys, first_day: Day(0), last_day: Day(u16::MAX) };
        let organisation = policy.partner(partner).unwrap().organisation.clone();
        Certificate::sign(&policy, statement, &policy_key(organisation.as_str())).unwrap()
    };
    let published = [sign(1, 2), sign(2, 2)];
    *town.served.certificates.lock().unwrap() = published.iter().map(Certificate::to_text).collect();
    let now = town.at(1, 23);
    let (status, out, err) = town.run(&format!("partner sync --config 1.toml --now {now} --patience 0 --no-own"));
    assert!(status == 0 && out.contains("certificate 1.1.2.cert: added"), "{out}{err}");
    assert!(out.contains("1 certificate of other partners: added"), "{out}");
    assert!(town.consortium.path("1/1.1.2.cert").exists() && town.consortium.path("1/2.1.2.cert").exists());
    assert!(!town.sync(1, 2, 23, "").to_string().contains("1.1.2"));
}

#[test]
fn a_suspension_that_is_lifted_is_seen_on_the_same_day() {
    let town = Town::new();
    town.flag(1, 0, "a.csv");
    town.sync(1, 0, 23, "--no-own");
    let policy = Policy::parse(&Consortium::policy(1)).unwrap();
    let publish = |serial, keys, first_day, now| {
        let statement = Statement { partner: 1, epoch: 1, serial, keys, first_day, last_day: Day(u16::MAX) };
        let organisation = policy.partner(1).unwrap().organisation.clone();
        let certificate = Certificate::sign(&policy, statement, &policy_key(organisation.as_str())).unwrap();
        town.served.certificates.lock().unwrap().push(certificate.to_text());
        town.with_broker(|broker| broker.keep_certificate(&certificate, now)).unwrap();
    };
    publish(2, None, START.day().plus(2), town.at(1, 9));
    town.flag(1, 1, "b.csv");
    let run = |hour: u64, more: &str| {
        let now = town.at(1, hour);
        town.run(&format!("partner sync --config 1.toml --now {now} --patience 0 {more}"))
    };
    run(22, "");
    // It knows now that it is suspended; nothing is done in such a run, and that is said once.
    for more in ["", "--at-once"] {
        let (status, out, err) = run(23, more);
        assert!(status == 1 && err.trim_end().ends_with("[not_certified]"), "{status} {out}{err}");
        assert_eq!(err.matches("it is suspended").count(), 1, "{err}");
    }
    // In the same hour it is certified anew.
    publish(3, Some(partner_keys(1, 1)), START.day().plus(1), town.at(1, 23));
    let (status, out, err) = run(23, "");
    assert!(status == 0 && out.contains("certificate 1.1.3.cert: added"), "{status} {out}{err}");
    let status = town.status(1, 1);
    assert_eq!((&status["in_flight"], &status["undelivered"]), (&json!([]), &json!(0)));
}

#[test]
fn what_the_broker_did_not_say_is_asked_again_on_the_day() {
    let town = Town::new();
    let record =
        || -> Value { serde_json::from_slice(&std::fs::read(town.consortium.path("1/sync.json")).unwrap()).unwrap() };
    town.sync(1, 0, 23, "--no-own");
    let kept = record()["status"].clone();
    // The partner's clock is two days behind the broker's: each message comes too late.
    let late = |hour: u64| {
        let now = town.at(1, hour);
        *town.served.now.lock().unwrap() = Timestamp(now.0 + 2 * 86_400);
        town.run(&format!("partner sync --config 1.toml --now {now} --patience 0 --no-own"))
    };
    town.came();
    let (status, out, err) = late(23);
    assert!(status == 1 && out.contains("[clock]") && err.ends_with("[clock]\n"), "{status} {out}{err}");
    assert!(err.contains("tell the operator") && !out.contains("the next run goes on"), "{out}{err}");
    assert_eq!(record()["status"], kept, "it was rejected");
    assert_eq!(town.came().0, 1, "and nothing was sent after it");
    town.sync(1, 3, 23, "--no-own");
    assert_eq!(record()["status"], json!(kept.as_u64().unwrap() + 3));
}

#[test]
fn a_clock_far_ahead_leaves_nothing_behind() {
    let town = Town::new();
    town.flag(1, 0, "a.csv");
    town.sync(1, 0, 23, "--no-own");
    let kept = std::fs::read(town.consortium.path("1/sync.json")).unwrap();
    town.came();
    let fetches = || town.served.fetches.load(Ordering::SeqCst);
    let before = fetches();
    for (now, code) in [("2099-01-01T00:00:00Z", "[clock_ahead]\n"), ("2026-01-01T23:00:00Z", "[clock]\n")] {
        let (status, out, err) = town.run(&format!("partner sync --config 1.toml --at-once --patience 0 --now {now}"));
        assert!(status == 1 && err.contains("nothing was done") && err.ends_with(code), "{status} {out}{err}");
        assert!(err.contains("accept-clock --dir DIR --actor NAME --case REFERENCE --date DATE"), "{err}");
    }
    assert_eq!((town.came().0, fetches()), (0, before), "nothing was sent or fetched");
    assert_eq!(std::fs::read(town.consortium.path("1/sync.json")).unwrap(), kept);
    // What an earlier run wrote under such a clock does not keep a day from being done.
    let far = json!({ "delivered": 47_117, "begun": 47_116, "status": 47_117, "own": 47_117, "fetched": 47_117 });
    std::fs::write(town.consortium.path("1/sync.json"), far.to_string()).unwrap();
    assert_eq!(town.sync(1, 1, 23, "")["delivered"], json!(true));
    assert!(town.came().0 == 3 && fetches() > before, "a message, a status request, a question, and what is fetched");
}

#[test]
fn a_clock_some_days_ahead_costs_one_message_and_a_person_goes_on_from_there() {
    let town = Town::new();
    town.flag(1, 0, "a.csv");
    town.sync(1, 0, 23, "");
    town.came();
    let ahead = Timestamp(town.at(1, 23).0 + 4 * 86_400);
    let sync = |now: Timestamp| town.run(&format!("partner sync --config 1.toml --patience 0 --now {now}"));
    let (status, out, err) = sync(ahead);
    assert!(status == 1 && err.ends_with("[clock]\n"), "{status} {out}{err}");
    assert_eq!(town.came().0, 1, "{out}{err}");
    // At the right time the journal is ahead, until somebody says that the clock is right: in one go, as it is said.
    let now = town.at(1, 23);
    let (status, _, err) = sync(now);
    assert!(status == 1 && err.ends_with("[clock]\n"), "{status} {err}");
    let command = err.split_once("say so with stapel ").unwrap().1.split_once(',').unwrap().0;
    let command = command.replace("DIR", "1").replace("NAME", "me").replace("REFERENCE", "clock");
    let (status, _, err) = town.run(&format!("{} --now {now}", command.replace("DATE", &now.day().to_string())));
    assert_eq!(status, 0, "{err}");
    assert_eq!(town.sync(1, 1, 23, "")["delivered"], json!(true));
}

#[test]
fn after_all_is_done_at_once_the_next_is_due_tomorrow() {
    let town = Town::new();
    for day in 0..3 {
        let ended = town.sync(1, day, 0, "--at-once");
        let next: Timestamp = ended["next"].as_str().unwrap().parse().unwrap();
        assert_eq!(next.day(), START.day().plus(day + 2), "{ended}");
        // Before that there is nothing to do.
        town.came();
        let ended = town.sync(1, day, 23, "");
        assert_eq!((town.came().0, &ended["next"]), (0, &json!(next.to_string())));
    }
}

#[test]
fn flags_of_several_show_and_no_address_is_printed() {
    let town = Town::new();
    for number in 1..=4 {
        town.flag(number, 0, "a.csv");
        town.sync(number, 0, 23, "");
    }
    town.with_broker(|broker| broker.release(town.at(1, 1))).unwrap();
    let now = town.at(1, 23);
    let (status, out, err) = town.run(&format!("partner sync --config 1.toml --now {now} --patience 0"));
    assert_eq!(status, 0, "{out}{err}");
    assert!(out.contains("2 own flags") && out.contains("partner news --dir "), "{out}");
    // A person's question goes in any run, and its answer waits for that person.
    let (status, _, err) = town.run(&format!("partner ask --config 1.toml --case Z-9 --now {now} a.csv"));
    assert_eq!(status, 0, "{err}");
    let (status, second, err) = town.run(&format!("partner sync --config 1.toml --now {now} --patience 0"));
    assert!(status == 0 && second.contains("stapel partner read tells it"), "{second}{err}");
    for printed in [&out, &second, &err] {
        assert!(!printed.contains("1012") && !printed.contains("Dam"), "{printed}");
    }
    let (status, read, err) = town.run(&format!("partner read --config 1.toml --now {now}"));
    assert!(status == 0 && read.contains("1012JS|1|A") && read.contains("stacked"), "{read}{err}");
    let (_, news, _) = town.run("partner news --config 1.toml");
    assert!(news.contains("newly stacked"), "{news}");
    // Or it is printed where that is asked for.
    let (status, _, err) = town.run(&format!("partner ask --config 1.toml --case Z-10 --now {now} a.csv"));
    assert_eq!(status, 0, "{err}");
    let (status, shown, err) = town.run(&format!("partner sync --config 1.toml --now {now} --patience 0 --show"));
    assert!(status == 0 && shown.contains("1012JS|1|A"), "{shown}{err}");
}

/// Its clock is the machine's, and so is that of the consortium: a sandbox, which is made as of now.
#[test]
fn resident_it_does_the_days_work_and_ends_when_it_is_told() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    let broker = Broker::open(&desk.path("s/broker"), BrokerKeys::open(&desk.path("s/broker/keys")).unwrap()).unwrap();
    let now = || Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    let (told, came) = channel();
    let server = Server::start(None, move |got| match got.method.as_str() {
        "POST" => {
            told.send(()).unwrap();
            whole("application/vnd.stapel.reply", &broker.handle(&got.body, now()))
        }
        _ => response(404, &[("content-length", "0")], b""),
    });
    let address = format!("http://127.0.0.1:{}", server.port);
    desk.write("partner.toml", format!("dir = \"s/partner\"\n[connect]\naddresses = [{address:?}]\n"));
    // The message of yesterday was missed, and goes at once, whatever today's moment is.
    desk.write("s/partner/sync.json", json!({ "delivered": now().day().0 - 2 }).to_string());
    /// Ends it with the test, at the latest.
    struct Resident(Child);
    impl Drop for Resident {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let resident = Command::new(env!("CARGO_BIN_EXE_stapel"))
        .current_dir(desk.path(""))
        .args("partner sync --config partner.toml --stay --patience 0 --no-own".split(' '))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut resident = Resident(resident);
    let child = &mut resident.0;
    let (print, printed) = channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(print.send(line))));
    for wanted in ["accepted: ", "the next day's work is due"] {
        // So long for what must come: no result hangs on it.
        while !printed.recv_timeout(Duration::from_secs(120)).unwrap().contains(wanted) {}
    }
    assert!(came.try_recv().is_ok() && child.try_wait().unwrap().is_none(), "it stays when all is done");
    let ended = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(ended.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let record: Value = serde_json::from_slice(&desk.read("s/partner/sync.json")).unwrap();
    assert!(record["delivered"].as_u64().unwrap() >= u64::from(now().day().0) - 2 && record["begun"] == json!(null));
    let both = desk.run("partner sync --config partner.toml --no-own --stay --at-once", &[], b"");
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn what_is_not_said_is_asked_for() {
    let town = Town::new();
    std::fs::write(town.consortium.path("bare.toml"), "dir = \"1\"\n").unwrap();
    let (status, _, err) = town.run("partner sync --config bare.toml");
    assert!(status == 2 && err.contains("--no-own"), "{err}");
    let (status, _, err) = town.run("partner sync --config bare.toml --no-own");
    assert!(status == 1 && err.contains("operator.addresses") && err.ends_with("[connect_settings]\n"), "{err}");
}

/// The spans of a request to a Logboek.
#[cfg(feature = "otlp")]
pub(crate) fn spans(request: &Value) -> Vec<Value> {
    request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

/// What is sent are the records that the command writes to a file, each once.
#[cfg(feature = "otlp")]
#[test]
fn a_run_sends_what_the_journal_records_to_a_logboek() {
    let town = Town::new();
    let got: Kept<Value> = Kept::default();
    let is_away = Arc::new(AtomicBool::new(true));
    let (keep, away) = (got.clone(), is_away.clone());
    let logboek = Server::start(None, move |request: &Got| {
        if away.load(Ordering::SeqCst) {
            return response(503, &[("content-length", "0")], b"");
        }
        keep.lock().unwrap().push(serde_json::from_slice(&request.body).unwrap());
        whole("application/json", b"{}")
    });
    town.sends_to(&logboek);
    town.flag(1, 0, "a.csv");
    town.sync_ending(1, 0, 23, "--no-own", 3);
    assert_eq!(town.status(1, 0)["undelivered"], json!(0), "a Logboek that is away keeps nothing from the broker");
    is_away.store(false, Ordering::SeqCst);
    town.sync(1, 0, 23, "--no-own");
    town.sync(1, 0, 23, "--no-own");
    town.sync(1, 1, 23, "--no-own");
    let sent: Vec<_> = got
        .lock()
        .unwrap()
        .iter()
        .flat_map(spans)
        .map(|span| (span["traceId"].clone(), span["name"].clone()))
        .collect();
    let line = "partner logboek --dir 1 --activity https://register.example.nl/12";
    let (status, out, err) = town.run(line);
    assert_eq!(status, 0, "{err}");
    let written: Vec<_> =
        json_lines(&out).iter().map(|record| (record["trace_id"].clone(), record["name"].clone())).collect();
    assert_eq!(sent, written);
    let names: Vec<_> = sent.iter().map(|(_, name)| name.as_str().unwrap()).collect();
    assert_eq!(names, ["stapel.flag", "stapel.full_set", "stapel.status", "stapel.confirm", "stapel.status"]);
    let head = town.status(1, 1)["journal_head"].clone();
    let (_, rest, _) = town.run(&format!("{line} --after {}", head.as_str().unwrap()));
    assert_eq!(rest, "");
}

/// A first send of a long journal: what the Logboek confirmed before the kill is not sent again.
#[cfg(feature = "otlp")]
#[test]
fn a_send_to_a_logboek_that_was_killed_goes_on_after_the_last_part_that_was_confirmed() {
    let town = Town::new();
    let home = AddressKey::from_canonical("1012JS|9|").unwrap();
    let by = Case::new("j.jansen", "Z-1").unwrap();
    let mut partner = Partner::open(&town.consortium.path("1")).unwrap();
    for _ in 0..600 {
        partner.dossier(&home, &by, town.at(0, 1)).unwrap();
    }
    drop(partner);
    let got: Kept<Value> = Kept::default();
    let (told, asked) = channel();
    let (let_go, held) = channel::<()>();
    let held = Mutex::new(held);
    let keep = got.clone();
    let logboek = Server::start(None, move |request: &Got| {
        let mut kept = keep.lock().unwrap();
        kept.push(serde_json::from_slice(&request.body).unwrap());
        let is_third = kept.len() == 3;
        drop(kept);
        if is_third {
            told.send(()).unwrap();
            let _ = held.lock().unwrap().recv();
        }
        whole("application/json", b"{}")
    });
    town.sends_to(&logboek);
    let now = town.at(0, 23);
    let mut run = town.command(&format!("partner sync --config 1.toml --now {now} --patience 0 --no-own")).spawn();
    // So long for what must come: no result hangs on it.
    asked.recv_timeout(Duration::from_secs(120)).unwrap();
    let child = run.as_mut().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(let_go);
    town.sync(1, 0, 23, "--no-own");
    let parts: Vec<Vec<Value>> = got.lock().unwrap().iter().map(spans).collect();
    assert_eq!(parts[2], parts[3], "nobody confirmed it to the run that was killed");
    let sent = [&parts[..2], &parts[3..]].concat().concat();
    let (_, out, _) = town.run("partner logboek --dir 1 --activity https://register.example.nl/12");
    let ids = |records: &[Value], id: &str| records.iter().map(|record| record[id].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&sent, "traceId"), ids(&json_lines(&out), "trace_id"));
    assert!(sent.len() > 600);
}
