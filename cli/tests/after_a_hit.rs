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
            desk.write(&format!("config-{folder}.toml"), configuration);
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
        let line =
            format!("partner sync --config config-{folder}.toml --now {now} --patience 0 --no-own --at-once --json");
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
        format!("{line} --config config-{folder}.toml {BY} --now {now} {form}")
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
    assert_eq!(would["told"], json!({ "direct": [], "coordinator": 5, "others": true }));
    let line = town.line(1, "politie", "partner forward --dry-run --address 1012JS|2|", "");
    assert_eq!(town.desk.code(&line), "no_flag", "what would be refused is said");
    let said = town.reads(1, "politie", "partner forward --dry-run dam.csv");
    let who = "who is told: where it is a hit, Coördinatiepunt (partner 5), the coordinator, is told that this \
               partner put it forward, and gets the address; others who flag it may be told that somebody did, \
               and never who; nobody else is told\n";
    assert!(said.starts_with("would be: 1 put forward, 0 put forward already\n") && said.contains(who), "{said}");
    let when = "the broker hears of it with the next run of stapel partner sync, and tells nobody before";
    assert!(said.contains(when), "{said}");
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
    let about = "1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)  conversation 1: ";
    let case = "put forward for case 2026-0117";
    assert_eq!(met, format!("{about}introduced to Coördinatiepunt (partner 5); {case}\n"));
    assert_eq!(town.desk.stapel("partner news --dir politie"), "no news\n", "it is told once");
    // The journal has each look.
    let looks = |day, folder: &str| {
        town.reads(day, folder, "partner journal").matches("shown, of what comes after a hit").count()
    };
    assert_eq!(looks(2, "politie"), 4, "three times what is put forward, and the news");
    let asked = town.does(2, "fiscus", "partner asked", &[]).remove(0);
    assert_eq!((&asked["address"], &asked["answer_by"]), (&json!("1012JS|1|A"), &json!("2026-12-07")));
    let inbox = town.reads(2, "regie", "coordinator inbox");
    let police = "Politie, eenheid \"Noord\" (partner 1)";
    let first = "conversation 1, since 2026-12-03  1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)\n";
    assert!(inbox.starts_with(first), "{inbox}");
    assert!(inbox.contains(&format!("  {police} joined on 2026-12-03\n")), "{inbox}");
    assert!(inbox.contains(&format!("{police}: the address is 1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)\n")), "{inbox}");
    assert_eq!(town.reads(2, "regie", "coordinator inbox"), "nothing new\n");
    assert_eq!((looks(2, "fiscus"), looks(2, "regie")), (1, 1));

    // One of them joins, and one does not, of which nobody hears.
    let said = town.reads(2, "fiscus", "partner answer 1012JS|1|A join --dry-run");
    assert!(said.starts_with("would be: 1012JS|1|A  join: it would be put forward here too\n"), "{said}");
    assert!(said.contains("Coördinatiepunt (partner 5), the coordinator, is told that this partner"), "{said}");
    assert_eq!(town.does(2, "fiscus", "partner asked", &[])[0]["answer"], Value::Null, "nothing was done");
    town.does(2, "fiscus", "partner answer 1012JS|1|A join", &[]);
    let said = town.reads(2, "fiscus", "partner answer 1012JS|1|A not-now --dry-run");
    assert!(said.contains("what was put forward here would be taken back; the broker hears of that "), "{said}");
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
    let joined = town.reads(4, "fiscus", "partner news");
    let introduced = "introduced to Coördinatiepunt (partner 5); put forward for case 2026-0117\n";
    assert!(joined.contains(introduced), "{joined}");
    assert_eq!(town.sync("regie", 4), 2);
    let agenda = town.does(4, "regie", "coordinator agenda", &[]).remove(0);
    let joined: Vec<_> = agenda["joined"].as_array().unwrap().iter().map(|one| one["partner"].clone()).collect();
    assert_eq!((joined, &agenda["is_new"]), (vec![json!(1), json!(2)], &json!(true)));

    let text = town.reads(4, "regie", "coordinator agenda");
    assert!(text.starts_with("Agenda zaanstad, 2026-12-05\n1 gesprek, 1 nieuw, 1 wacht op u\n"), "{text}");
    assert!(text.contains("\n  Wacht:         sinds 2026-12-03: er is nog niets besloten\n"), "{text}");

    // The coordinator decides, and who joined reads it.
    town.does(4, "regie", "coordinator decide 1 --lead 1 --next 2026-12-20", &["--text", "Politie gaat erheen"]);
    let agenda = town.reads(4, "regie", "coordinator agenda");
    for line in [
        "Agenda zaanstad, 2026-12-05",
        "Gesprek 1, sinds 2026-12-03",
        "  Wacht:         niet op u",
        "  Adres:         1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)",
        &format!("  Trekker:       {police}"),
        "  Besluit:       Politie gaat erheen",
        "  Opnieuw op:    2026-12-20",
    ] {
        assert!(agenda.lines().any(|said| said == line), "{line}\n{agenda}");
    }
    assert!(town.reads(4, "regie", "coordinator agenda --lang en").contains("Conversation 1, since 2026-12-03"));
    assert_eq!(looks(4, "regie"), 5, "four times the agenda");
    town.sync("regie", 5);
    assert_eq!((town.sync("politie", 5), town.sync("woonbron", 5)), (1, 1), "what woonbron was asked is not read yet");
    let known = town.does(5, "politie", "partner conversations 1", &[]).remove(0);
    assert_eq!((&known["lead"], &known["decision"]["text"]), (&json!(1), &json!("Politie gaat erheen")));
    assert_eq!(looks(5, "politie"), 5);
    assert_eq!(known["introduced"][0]["name"], "Coördinatiepunt", "and nobody else is named");
    assert_eq!(known["introduced"].as_array().unwrap().len(), 1);
    // The tax office was not introduced to the police, and whoever is in the conversation is named.
    let refused = |folder: &str, line: &str| {
        let output = town.desk.run(&town.line(5, folder, line, ""), &[], b"");
        assert_eq!(output.status.code(), Some(1), "{line}");
        crate::common::text(&output.stderr)
    };
    let named = "stapel: nobody in conversation 1 has that number or name: name Coördinatiepunt (partner 5)";
    for to in ["2", "Belastingdienst", "Brandweer", "1"] {
        assert_eq!(
            refused("politie", &format!("partner note 1 hoi --to {to}")),
            format!("{named} [no_such_partner]\n")
        );
    }
    let said = refused("politie", "partner lead 1 --partner 2");
    assert_eq!(said, format!("{named} or this partner [no_such_partner]\n"));
    for line in ["partner note 9 hoi --to 5", "partner lead 9 --partner 1"] {
        assert!(refused("politie", line).ends_with("[no_conversation]\n"), "{line}");
    }
    let said = refused("regie", "coordinator decide 1 --lead 3 --text hoi");
    assert!(said.ends_with("[no_such_partner]\n"), "who did not join does not lead: {said}");

    // How it ended, and that one leaves.
    let line = town.line(5, "politie", "partner note 1", "");
    let said = town.desk.stapel_with(&line, &["Wij waren er.", "--to", "coördinatiepunt"]);
    let told = "who is told: Coördinatiepunt (partner 5), and nobody else; it goes with the run";
    assert!(said.contains(told), "{said}");
    town.does(5, "politie", "partner outcome 1 nothing-found", &[]);
    let said = town.reads(5, "fiscus", "partner leave 1 --dry-run");
    let left = "conversation 1 here, 1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam): it would be left, and what is put \
                forward there taken back\n";
    assert!(said.starts_with(left), "{said}");
    assert!(said.contains("who is told: Coördinatiepunt (partner 5), that this partner left, once"), "{said}");
    assert_eq!(town.does(5, "fiscus", "partner conversations 1", &[])[0]["left"], Value::Null);
    town.does(5, "fiscus", "partner leave 1", &[]);
    town.sync("politie", 6);
    town.sync("fiscus", 6);
    town.sync("regie", 6);
    let inbox = town.reads(6, "regie", "coordinator inbox");
    let said: Vec<_> = inbox.lines().map(|line| line.rsplit(": ").next().unwrap()).collect();
    let address = "the address is 1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)";
    let mut said = said[1..].to_vec();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "  Belastingdienst (partner 2) joined on 2026-12-05",
            "  Belastingdienst (partner 2) left",
            "Wij waren er.",
            "nothing found",
            address,
        ]
    );
    // All who are left said how it ended.
    let ended = town.reads(6, "regie", "coordinator agenda --ended");
    assert!(ended.starts_with("Afgelopen gesprekken zaanstad, 2026-12-07\n1 gesprek\n"), "{ended}");
    assert!(ended.contains("  Afgelopen:     op 2026-12-07: allen die meedoen gaven de afloop door\n"), "{ended}");
    assert!(ended.contains("  Vertrokken:    Belastingdienst (partner 2) op 2026-12-07\n"), "{ended}");
    let open = town.reads(6, "regie", "coordinator agenda");
    assert_eq!(open, "Agenda zaanstad, 2026-12-07\n\nEr zijn geen gesprekken die lopen.\n");
    // Somebody writes, so that it is back; and the coordinator closes it.
    town.does(6, "politie", "partner note 1", &["Toch weer licht aan."]);
    town.sync("politie", 7);
    town.sync("regie", 7);
    let news = town.does(7, "regie", "coordinator inbox", &[]).remove(0);
    assert_eq!((&news["news"], &news["note"]["text"]), (&json!("note"), &json!("Toch weer licht aan.")));
    let agenda = town.does(7, "regie", "coordinator agenda", &[]).remove(0);
    assert_eq!((&agenda["waits_for"], &agenda["waiting_since"]), (&json!("note"), &json!("2026-12-07")));
    town.does(7, "regie", "coordinator close 1 nothing-found", &["--text", "Klaar"]);
    assert_eq!(town.does(7, "regie", "coordinator agenda --ended", &[])[0]["ended"], "closed");
    let said = town.reads(7, "politie", "partner take-back dam.csv --dry-run");
    assert!(said.starts_with("would be: 1 taken back, 0 not put forward\n"), "{said}");
    let when = "the broker hears of it with the run of stapel partner sync of 2026-12-09, from ";
    assert!(said.contains(when) && said.contains("; today's has gone: from the 00:00 UTC after that"), "{said}");
    assert!(
        said.contains("conversation 1 here, 1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam) goes on; stapel partner leave 1 "),
        "{said}"
    );
    assert_eq!(town.does(7, "politie", "partner take-back dam.csv", &[])[0]["taken_back"], 1);
    let told =
        town.desk.stapel(&format!("partner year-report --dir politie --dry-run --year 2026 --now {}", town.at(7)));
    let all = "open or taken up together or taken up by one or not taken up or nothing found: fewer than ten\n";
    assert_eq!(told, all);

    // Where messages are carried by hand, the next of them is a file.
    let now = town.at(8);
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
fn a_coordinator_s_run_says_nothing_of_flags_that_it_never_has() {
    let town = Town::new();
    let now = town.at(1);
    let line = format!("partner sync --config config-regie.toml --now {now} --patience 0 --no-own --at-once");
    let said = town.desk.stapel(&line);
    assert!(said.contains("release ") && !said.contains("flag") && !said.contains("ask about"), "{said}");
}

#[test]
fn a_coordinator_s_folder_and_a_partner_s_are_not_taken_for_each_other() {
    let desk = consortium_that_meets("");
    desk.write("dam.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n");
    for line in ["coordinator inbox", "coordinator agenda", "coordinator decide 1 --text ja"] {
        assert_eq!(desk.code(&format!("{line} --dir politie {BY}")), "not_permitted", "{line}");
    }
    assert_eq!(desk.code(&format!("coordinator close 1 nothing-found --dir politie {BY}")), "not_permitted");
    for line in ["partner forward dam.csv", "partner take-back dam.csv", "partner asked", "partner answer Dam not-now"]
    {
        assert_eq!(desk.code(&format!("{line} --dir regie {BY}")), "not_permitted", "{line}");
    }
    assert_eq!(desk.code("partner news --dir regie"), "not_permitted", "it would not be in the inbox then");
    // Of a folder that no run serves nobody knows a moment.
    desk.stapel(&format!("partner flag --dir politie {BY} --now 2026-12-02T09:00:00Z dam.csv"));
    let said = desk.stapel(&format!("partner forward --dir politie {BY} --now 2026-12-02T09:00:00Z dam.csv"));
    let by_hand = "with the next run of stapel partner sync, or of stapel partner talk where files are carried, and";
    assert!(said.contains(by_hand), "{said}");
    assert_eq!(
        desk.stapel(&format!("coordinator agenda --dir regie {BY} --now 2026-12-02T09:00:00Z")),
        "Agenda zaanstad, \
         2026-12-02\n\nEr zijn geen gesprekken die lopen.\n"
    );
}

/// What a command prints, and what it says beside that.
fn both(desk: &Desk, line: &str) -> (String, String) {
    let output = desk.run(line, &[], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_year_is_reported_once_and_the_command_says_when_it_may_be_and_what_was() {
    let desk = consortium_that_meets("");
    let line = |more: &str, now: &str| format!("partner year-report --dir politie --year 2026 {more} --now {now}");
    let (before, after) = ("2026-12-05T09:00:00Z", "2027-01-05T09:00:00Z");
    assert_eq!(desk.code(&line("", before)), "not_permitted");
    let all = "open or taken up together or taken up by one or not taken up or nothing found: fewer than ten\n";
    assert_eq!(desk.stapel(&line("--dry-run", before)), all);
    let (_, said) = both(&desk, &line("--dry-run", before));
    assert!(
        said.contains("2026 is not over; it can be reported from 2027-01-01 on. As of today it would say:"),
        "{said}"
    );
    desk.stapel(&format!("partner accept-clock --dir politie {BY} --date 2027-01-05 --now {after}"));
    let (_, said) = both(&desk, &line("--dry-run", after));
    assert!(said.contains("2026 was not reported yet; it can be until 2027-12-31:"), "{said}");
    let (_, said) = both(&desk, &line("", after));
    assert!(said.contains("the broker is told these numbers and nothing else, once and for all"), "{said}");
    desk.stapel(&format!("broker accept-clock --dir broker --date 2027-01-05 --now {after}"));
    let read = carry(&desk, "politie", after).remove(0);
    assert_eq!(read["reply"], "kept", "{read}");
    assert_eq!(desk.code(&line("", after)), "year_reported");
    let (told, said) = both(&desk, &line("--dry-run", after));
    assert!(said.contains("2026 was reported on 2027-01-05, once and for all:"), "{said}");
    assert_eq!(told, all);
}

#[test]
fn without_a_meet_nothing_is_put_forward_and_nothing_goes() {
    let desk = consortium_counting("");
    let by = format!("{BY} --now 2026-12-02T09:00:00Z");
    desk.write("dam.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n");
    assert_eq!(desk.code(&format!("partner flag --dir politie {by} --forward dam.csv")), "not_permitted");
    assert_eq!(desk.json(&format!("partner flag --dir politie {by} dam.csv"))[0]["added"], 1, "nothing was done");
    assert_eq!(desk.code(&format!("partner forward --dir politie {by} dam.csv")), "not_permitted");
    assert_eq!(desk.stapel("partner talk --dir politie --now 2026-12-02T09:00:00Z"), "");
    assert!(!desk.path("politie/outbox").exists());
    assert_eq!(desk.code(&format!("partner conversations --dir politie {by} 1")), "no_conversation");
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
    let line = format!("1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)  {more}; put forward for case 2026-0117\n");
    assert_eq!(town.reads(1, "politie", "partner news"), line);
    assert_eq!(town.desk.stapel("partner news --dir politie"), "no news\n");
    let forwarded = town.reads(1, "politie", "partner forwarded");
    assert!(forwarded.ends_with(&format!("\n  {more}\n")), "{forwarded}");
    let would = town.does(1, "politie", "partner forward --dry-run dam.csv", &[]).remove(0);
    assert_eq!(would["put_forward"], 1);
    assert_eq!(would["told"], json!({ "direct": [3], "coordinator": 5, "others": true }));
    assert_eq!(town.does(1, "politie", "partner forward dam.csv", &[])[0]["put_forward"], 1);
    assert_eq!(town.does(1, "politie", "partner forwarded", &[])[0]["more"], json!([]));
}

const PAGE: &str = include_str!("../../docs/after-a-hit.md");

const COORDINATORS_PAGE: &str = include_str!("../../docs/coordinator.md");

/// What stands in the fences of a page, in its order: the language, and the lines.
fn fences(page: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(begin) = lines.next() {
        let margin = begin.len() - begin.trim_start().len();
        let Some(language) = begin.trim_start().strip_prefix("```") else { continue };
        let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
        found.push((language, block.map(|line| format!("{}\n", line.get(margin..).unwrap_or_default())).collect()));
    }
    found
}

/// A text with one word for each day, which on the page is another than here.
fn without_days(text: &str) -> String {
    let word = |word: &str| {
        let end = word.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(word.len());
        let (day, rest) = word.split_at(end);
        if day.parse::<Day>().is_ok() { format!("DAY{rest}") } else { word.to_owned() }
    };
    text.split_inclusive(char::is_whitespace).map(word).collect()
}

impl Town {
    /// Types a block of a page in somebody's folder on a day; what it prints.
    fn typed(&self, folder: &str, day: u16, lines: &str) -> String {
        let now = self.at(day);
        let command = std::path::Path::new(env!("CARGO_BIN_EXE_stapel")).parent().unwrap().display();
        let path = format!("{command}:{}", std::env::var("PATH").unwrap());
        let at = format!("stapel() {{ command stapel \"$@\" --now {now}; }}\n");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-ec", &format!("{at}{lines}")]).env("PATH", path).current_dir(self.desk.path(""));
        let output = shell
            .env("STAPEL_CONFIG", format!("config-{folder}.toml"))
            .env("STAPEL_ACTOR", "j.jansen")
            .output()
            .unwrap();
        assert!(output.status.success(), "{lines}\n{}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Types the blocks of a page that are of a day, of which the first line says whose they are; what follows a block
    /// as text is what it prints. How many were typed.
    fn types(&self, page: &str, day: u16) -> usize {
        let mut said = None;
        let mut typed = 0;
        for (language, block) in fences(page) {
            let first = block.lines().next().unwrap_or_default();
            let of_day = first.strip_prefix("# ").and_then(|first| first.strip_suffix(&format!(", day {day}")));
            match (language, of_day) {
                ("sh", Some(folder)) => {
                    let folder = if folder == "belastingdienst" { "fiscus" } else { folder };
                    said = Some(self.typed(folder, day, &block));
                    typed += 1;
                }
                ("text", _) => {
                    if let Some(said) = said.take() {
                        let said = without_days(&said);
                        for line in block.lines().map(without_days) {
                            assert!(said.contains(&line), "{line:?} is not in\n{said}");
                        }
                    }
                }
                _ => said = None,
            }
        }
        typed
    }

    fn sync_all(&self, day: u16) {
        for (folder, _) in PARTNERS.into_iter().chain([COORDINATOR]) {
            self.sync(folder, day);
        }
    }
}

#[test]
fn the_pages_for_people_say_what_is_typed_and_what_comes_of_it() {
    let town = Town::new();
    for folder in ["politie", "fiscus", "woonbron"] {
        town.does(0, folder, "partner flag dam.csv", &[]);
    }
    let mut typed = [0, 0];
    for day in 0..=7 {
        town.sync_all(day);
        typed = [typed[0] + town.types(PAGE, day), typed[1] + town.types(COORDINATORS_PAGE, day)];
        town.sync_all(day);
    }
    // All of both pages was typed, but for where a folder is named, and how a coordinator is founded.
    let blocks = |page| fences(page).into_iter().filter(|(language, _)| *language == "sh").count();
    assert_eq!(typed, [blocks(PAGE) - 1, blocks(COORDINATORS_PAGE) - 6]);
}

#[test]
fn a_coordinator_is_founded_as_its_page_says() {
    let desk = Desk::new();
    let [first, policy, last] = ["# coordinator\nstapel keygen", "# policy\n", "# coordinator\nstapel policy"]
        .map(|begin| fences(COORDINATORS_PAGE).into_iter().find(|(_, block)| block.starts_with(begin)).unwrap().1);
    let types = |lines: &str| {
        let command = std::path::Path::new(env!("CARGO_BIN_EXE_stapel")).parent().unwrap().display();
        let path = format!("{command}:{}", std::env::var("PATH").unwrap());
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-ec", lines]).env("PATH", path).current_dir(desk.path("")).output().unwrap();
        assert!(output.status.success(), "{lines}\n{}", text(&output.stderr));
        text(&output.stdout)
    };
    types(&first);
    let mut enrolments = "operator.toml epoch.toml regie.toml regie-5.toml".to_owned();
    desk.stapel_with(
        "broker init --dir broker --oin 00000099000000009000 --log-origin stapel.example/zaanstad",
        &["--enrolment", "operator.toml", "--name", "Stichting Voorbeeldbroker"],
    );
    desk.stapel("keygen secret --purpose ondermijning-zaanstad --epoch 1 --out half --parts 2 --enrolment epoch.toml");
    for (number, (folder, name)) in (1..).zip(PARTNERS) {
        let line = format!(
            "keygen policy --out {folder}.policy.key --organisation {folder} --oin 00000099{number:09}000 \
             --contact a@b.nl --enrolment {folder}.toml"
        );
        desk.stapel_with(&line, &["--name", name]);
        let line = format!(
            "partner init --dir {folder} --number {number} --organisation {folder} --sees count --legal-basis-flag a \
             --legal-basis-ask a --enrolment {folder}-{number}.toml"
        );
        desk.stapel_with(&line, &["--name", name]);
        enrolments += &format!(" {folder}.toml {folder}-{number}.toml");
    }
    desk.stapel(&format!(
        "policy new --test --consortium zaanstad --purpose ondermijning-zaanstad --out policy.toml {enrolments}"
    ));
    let explained = types(&policy);
    assert!(explained.contains("Coördinatiepunt"), "{explained}");
    for (folder, _) in PARTNERS {
        desk.stapel(&format!("policy sign policy.toml --key {folder}.policy.key"));
    }
    types(&last);
    assert!(desk.path("5.1.1.cert").exists());
    let agenda = desk.stapel(&format!("coordinator agenda --dir coordinator {BY}"));
    assert!(agenda.ends_with("\n\nEr zijn geen gesprekken die lopen.\n"), "{agenda}");
}
