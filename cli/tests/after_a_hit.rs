//! What comes after a hit, as people and the runs of their partners do it: over HTTPS, over some days.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use stapel::{Broker, BrokerKeys, Day, Timestamp};

use crate::common::{Desk, json_lines, text};
use crate::consortium::{BY, COORDINATOR, PARTNERS, carry, consortium_counting, consortium_that_meets, deliver};
use crate::stub::{Pki, Server, response, whole};

/// A consortium with a coordinator, and its broker, served at the moment that a test says.
struct Town {
    desk: Desk,
    broker: Arc<Broker>,
    now: Arc<Mutex<Timestamp>>,
    _pki: Pki,
    _server: Server,
}

impl Town {
    fn new() -> Town {
        let desk = consortium_that_meets("answer_days = 4");
        let keys = BrokerKeys::open(&desk.path("broker/keys")).unwrap();
        let broker = Arc::new(Broker::open(&desk.path("broker"), keys).unwrap());
        let now = Arc::new(Mutex::new(Timestamp(0)));
        let certificates: Vec<_> = (1..=5).map(|number| text(&desk.read(&format!("{number}.1.1.cert")))).collect();
        let pki = Pki::new();
        let (serving, at) = (broker.clone(), now.clone());
        let server = Server::start(Some(pki.server("127.0.0.1", 2099)), move |got| {
            match (got.method.as_str(), got.path.rsplit('/').next().unwrap()) {
                ("POST", "messages") => {
                    let now = *at.lock().unwrap();
                    whole("application/vnd.stapel.reply", &serving.handle(&got.body, now))
                }
                ("GET", "certificates") => {
                    whole("application/json", json!({ "certificates": certificates }).to_string().as_bytes())
                }
                _ => response(404, &[("content-length", "0")], b""),
            }
        });
        for (folder, _) in PARTNERS.into_iter().chain([COORDINATOR]) {
            let configuration = format!(
                "dir = \"{folder}\"\nactor = \"night\"\n[connect]\ncertificate = {:?}\nkey = {:?}\nca = [{:?}]\n\
                 addresses = [{:?}]\n",
                pki.path("client.pem"),
                pki.path("client.key"),
                pki.path("ca.pem"),
                server.address()
            );
            desk.write(&format!("{folder}.toml"), configuration);
        }
        desk.write("dam.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n");
        Town { desk, broker, now, _pki: pki, _server: server }
    }

    /// Goes to the end of a day, after each partner's moment.
    fn at(&self, day: u16) -> Timestamp {
        let first: Day = "2026-12-01".parse().unwrap();
        let now = Timestamp(first.plus(day).start().0 + 23 * 3_600);
        *self.now.lock().unwrap() = now;
        now
    }

    /// A run in which nothing is amiss; how many pieces of news after a hit wait after it.
    fn sync(&self, folder: &str, day: u16) -> u64 {
        let now = self.at(day);
        let line = format!("partner sync --config {folder}.toml --now {now} --patience 0 --no-own --at-once --json");
        let said = self.desk.stapel(&line);
        assert!(!said.contains("1012JS") && !said.contains("Dam"), "{said}");
        json_lines(&said).pop().unwrap()["news_after_hit"].as_u64().unwrap()
    }

    /// What somebody does in a folder.
    fn does(&self, day: u16, folder: &str, line: &str, more: &[&str]) -> Vec<Value> {
        json_lines(&self.desk.stapel_with(&self.line(day, folder, line, "--json"), more))
    }

    /// The same, as people read it.
    fn reads(&self, day: u16, folder: &str, line: &str) -> String {
        self.desk.stapel(&self.line(day, folder, line, ""))
    }

    fn line(&self, day: u16, folder: &str, line: &str, form: &str) -> String {
        let now = self.at(day);
        format!("{line} --config {folder}.toml {BY} --now {now} {form}")
    }
}

#[test]
fn those_who_put_a_hit_forward_meet_by_the_coordinator_who_hears_the_address_from_them() {
    let town = Town::new();
    for folder in ["politie", "fiscus", "woonbron"] {
        town.does(0, folder, "partner flag dam.csv", &[]);
    }
    for (folder, _) in PARTNERS.into_iter().chain([COORDINATOR]) {
        assert_eq!(town.sync(folder, 0), 0);
    }
    assert!(town.desk.path("regie/1.1.1.cert").exists(), "a run fetches the certificates of all");
    // The first release is on day 1. Then it is put forward, and nothing is told before the turn of the day.
    let would = town.does(1, "politie", "partner forward --dry-run dam.csv", &[]).remove(0);
    assert_eq!((&would["put_forward"], &would["dry_run"]), (&json!(1), &json!(true)));
    let did = town.does(1, "politie", "partner forward", &["--address", "Dam 1-A, 1012 JS Amsterdam"]).remove(0);
    assert_eq!((&did["put_forward"], &did["unchanged"]), (&json!(1), &json!(0)));
    assert_eq!(town.does(1, "politie", "partner forward dam.csv", &[])[0]["put_forward"], 0, "it is already");
    let forwarded = town.does(1, "politie", "partner forwarded", &[]).remove(0);
    assert_eq!((&forwarded["address"], &forwarded["stands_until"]), (&json!("1012JS|1|A"), &json!(null)));
    for folder in ["politie", "fiscus", "woonbron", "gemeente", "regie"] {
        assert_eq!(town.sync(folder, 1), 0, "{folder}");
    }
    let forwarded = town.does(1, "politie", "partner forwarded", &[]).remove(0);
    let said = ["epoch", "ended", "more", "stands_until"].map(|key| &forwarded[key]);
    assert_eq!(said, [&json!(1), &json!(false), &json!([]), &json!("2026-12-16")]);
    let forwarded = town.reads(1, "politie", "partner forwarded");
    assert!(forwarded.contains("  put forward on 2026-12-02; the broker has it until 2026-12-16"), "{forwarded}");
    assert_eq!(town.reads(1, "fiscus", "partner forwarded"), "nothing is put forward\n");

    // Who put it forward meets the coordinator; the others who flag it are asked.
    assert_eq!(town.sync("politie", 2), 1);
    assert_eq!((town.sync("fiscus", 2), town.sync("gemeente", 2), town.sync("regie", 2)), (1, 0, 2));
    assert_eq!(town.desk.stapel("partner news --dir politie"), "", "nobody is shown it without a case");
    let met = town.reads(2, "politie", "partner news");
    assert_eq!(met, "conversation 1: introduced to Coördinatiepunt (partner 5)\n");
    assert_eq!(town.desk.stapel("partner news --dir politie"), "no news\n", "it is told once");
    // The journal has each look.
    let looks = |day, folder: &str| {
        town.reads(day, folder, "partner journal").matches("shown, of what comes after a hit").count()
    };
    assert_eq!(looks(2, "politie"), 1);
    let asked = town.does(2, "fiscus", "partner asked", &[]).remove(0);
    assert_eq!((&asked["address"], &asked["answer_by"]), (&json!("1012JS|1|A"), &json!("2026-12-07")));
    let inbox = town.reads(2, "regie", "coordinator inbox");
    let police = "Politie, eenheid \"Noord\" (partner 1)";
    assert!(inbox.starts_with("conversation 1, since 2026-12-03\n"), "{inbox}");
    assert!(inbox.contains(&format!("  {police} joined on 2026-12-03\n")), "{inbox}");
    assert!(inbox.contains(&format!("{police}: the address is 1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)\n")), "{inbox}");
    assert_eq!(town.reads(2, "regie", "coordinator inbox"), "nothing new\n");
    assert_eq!((looks(2, "fiscus"), looks(2, "regie")), (1, 1));

    // One of them joins, and one does not, of which nobody hears.
    town.does(2, "fiscus", "partner answer 1012JS|1|A join", &[]);
    let line = town.line(2, "woonbron", "partner answer 1012JS|1|A not-now", "");
    assert_eq!(town.desk.code(&line), "not_put_forward", "its run has not fetched that yet");
    assert_eq!(town.sync("woonbron", 2), 1);
    town.does(2, "woonbron", "partner answer 1012JS|1|A not-now", &[]);
    assert_eq!(town.does(2, "woonbron", "partner asked", &[])[0]["answer"], "not_now");
    assert_eq!(
        (town.sync("fiscus", 3), town.sync("woonbron", 3)),
        (1, 1),
        "the answer goes with the next day's messages"
    );
    assert_eq!((town.sync("fiscus", 4), town.sync("woonbron", 4), town.sync("politie", 4)), (2, 1, 0));
    assert_eq!(town.sync("regie", 4), 2);
    let agenda = town.does(4, "regie", "coordinator agenda", &[]).remove(0);
    let joined: Vec<_> = agenda["joined"].as_array().unwrap().iter().map(|one| one["partner"].clone()).collect();
    assert_eq!((joined, &agenda["new"]), (vec![json!(1), json!(2)], &json!(true)));

    // The coordinator decides, and who joined reads it.
    town.does(4, "regie", "coordinator decide 1 --lead 1 --next 2026-12-20", &["--text", "Politie gaat erheen"]);
    let agenda = town.reads(4, "regie", "coordinator agenda");
    for line in [
        "Agenda zaanstad, 2026-12-05",
        "Gesprek 1, sinds 2026-12-03",
        "  Adres:         1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)",
        &format!("  Trekker:       {police}"),
        "  Besluit:       Politie gaat erheen",
        "  Opnieuw op:    2026-12-20",
    ] {
        assert!(agenda.lines().any(|said| said == line), "{line}\n{agenda}");
    }
    assert!(town.reads(4, "regie", "coordinator agenda --lang en").contains("Conversation 1, since 2026-12-03"));
    assert_eq!(looks(4, "regie"), 4, "three times the agenda");
    town.sync("regie", 5);
    assert_eq!((town.sync("politie", 5), town.sync("woonbron", 5)), (1, 1), "what woonbron was asked is not read yet");
    let known = town.does(5, "politie", "partner conversations 1", &[]).remove(0);
    assert_eq!((&known["lead"], &known["decision"]["text"]), (&json!(1), &json!("Politie gaat erheen")));
    assert_eq!(looks(5, "politie"), 2);
    assert_eq!(known["introduced"][0]["name"], "Coördinatiepunt", "and nobody else is named");
    assert_eq!(known["introduced"].as_array().unwrap().len(), 1);
    let line = town.line(5, "politie", "partner note 1 hoi --to 2", "");
    assert_eq!(town.desk.code(&line), "no_conversation", "the tax office was not introduced to the police");
    let line = town.line(5, "politie", "partner note 1 hoi --to Brandweer", "");
    assert_eq!(town.desk.code(&line), "no_such_partner");

    // How it ended, and that one leaves.
    town.does(5, "politie", "partner note 1", &["Wij waren er.", "--to", "coördinatiepunt"]);
    town.does(5, "politie", "partner outcome 1 nothing-found", &[]);
    town.does(5, "fiscus", "partner leave 1", &[]);
    town.sync("politie", 6);
    town.sync("fiscus", 6);
    town.sync("regie", 6);
    let inbox = town.reads(6, "regie", "coordinator inbox");
    let said: Vec<_> = inbox.lines().map(|line| line.rsplit(": ").next().unwrap()).collect();
    let address = "the address is 1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)";
    assert_eq!(
        said[1..],
        [
            "  Belastingdienst (partner 2) joined on 2026-12-05",
            "  Belastingdienst (partner 2) left",
            address,
            "Wij waren er.",
            "nothing found",
        ]
    );
    assert_eq!(town.does(6, "politie", "partner take-back dam.csv", &[])[0]["taken_back"], 1);
    let told = town.desk.stapel("partner year-report --dir politie --dry-run --year 2026");
    let all = "open or taken up together or taken up by one or not taken up or nothing found: fewer than ten\n";
    assert_eq!(told, all);

    // Where messages are carried by hand, the next of them is a file.
    let now = town.at(7);
    let written = town.desk.json(&format!("partner talk --dir politie --now {now}")).remove(0);
    assert_eq!(written["kind"], "put_forward", "that it is taken back");
    let file = written["file"].as_str().unwrap();
    let reply = town.broker.handle(&town.desk.read(file), now);
    town.desk.write(&format!("{file}.reply"), reply);
    let read = town.desk.json(&format!("partner read --dir politie --now {now}")).remove(0);
    assert_eq!((&read["reply"], &read["kept"]), (&json!("kept"), &json!(0)));
    assert!(!town.desk.path(file).exists(), "it was replied to");
}

#[test]
fn without_a_meet_nothing_is_put_forward_and_nothing_goes() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    desk.write("dam.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n");
    desk.stapel(&format!("partner flag --dir s/partner {BY} dam.csv"));
    assert_eq!(desk.code(&format!("partner forward --dir s/partner {BY} dam.csv")), "not_permitted");
    assert_eq!(desk.stapel("partner talk --dir s/partner"), "");
    assert!(!desk.path("s/partner/outbox").exists());
    assert_eq!(desk.code(&format!("partner conversations --dir s/partner {BY} 1")), "no_conversation");
}

#[test]
fn under_a_policy_of_totals_the_request_is_a_file_and_its_reply_has_no_cell_under_a_hundred_flags() {
    let desk = consortium_counting("answers = \"totals\"");
    let [first, second] = ["2026-12-01T09:00:00Z", "2026-12-02T09:00:00Z"];
    desk.write("dam.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n");
    for (folder, _) in PARTNERS {
        desk.stapel(&format!("partner flag --dir {folder} {BY} --now {first} dam.csv"));
        deliver(&desk, folder, first);
    }
    desk.stapel(&format!("broker release --dir broker --now {second}"));
    let written = desk.json(&format!("partner totals --dir politie --now {second}")).remove(0);
    assert_eq!(written["kind"], "totals_request");
    let read = carry(&desk, "politie", second).remove(0);
    assert_eq!((&read["reply"], &read["quarter"], &read["flags"]), (&json!("totals"), &json!(4), &json!(0)));
    assert_eq!(read["cells"], json!([]));
}

/// What somebody agreed to is what is told. Where a policy lets more know, a person says so anew.
#[test]
fn a_policy_that_lets_more_know_is_told_to_people_who_agree_by_putting_it_forward_again() {
    let town = Town::new();
    town.does(0, "politie", "partner flag dam.csv", &[]);
    town.sync("politie", 0);
    town.does(0, "politie", "partner forward dam.csv", &[]);
    town.sync("politie", 0);
    let digest = town.desk.stapel("policy digest policy.toml");
    let version = format!("version = 2\nprevious = \"{}\"", digest.trim());
    let policy = text(&town.desk.read("policy.toml")).replacen("version = 1", &version, 1);
    let direct = "[meet]\ndirect = [[\"politie\", \"woonbron\"]]\n";
    town.desk.write("policy-2.toml", policy.replacen("[meet]\n", direct, 1));
    for (folder, _) in PARTNERS.into_iter().chain([COORDINATOR]) {
        town.desk.stapel(&format!("policy sign policy-2.toml --previous policy.toml --key {folder}.policy.key"));
    }
    town.desk.stapel("partner adopt --dir politie --policy policy-2.toml --now 2026-12-02T09:00:00Z");
    town.desk.stapel("partner talk --dir politie --now 2026-12-02T10:00:00Z");
    let more = "the policy now lets Woningcorporatie know too, who is not told: put it forward again to agree to that";
    let line = format!("1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)  {more}\n");
    assert_eq!(town.desk.stapel("partner news --dir politie"), line);
    assert_eq!(town.desk.stapel("partner news --dir politie"), "no news\n");
    let forwarded = town.reads(1, "politie", "partner forwarded");
    assert!(forwarded.ends_with(&format!("\n  {more}\n")), "{forwarded}");
    let would = town.does(1, "politie", "partner forward --dry-run dam.csv", &[]).remove(0);
    assert_eq!(would["put_forward"], 1);
    assert_eq!(town.does(1, "politie", "partner forward dam.csv", &[])[0]["put_forward"], 1);
    assert_eq!(town.does(1, "politie", "partner forwarded", &[])[0]["more"], json!([]));
}
