//! What comes after a hit where messages are carried as files, as somebody does it who was told nothing before.

use serde_json::json;

use crate::common::{Desk, text};
use crate::consortium::{BY, carry, consortium_that_meets, deliver};

/// The hour at which all is done, of a day of December 2026.
fn at(day: u16) -> String {
    format!("2026-12-{day:02}T09:00:00Z")
}

/// What a command prints, and what it says beside that.
fn said(desk: &Desk, line: &str) -> (String, String) {
    let output = desk.run(line, &[], &[]);
    assert!(output.status.success(), "stapel {line}\n{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// A consortium in which three organisations flag one address, which is released on day 2.
fn flagged() -> Desk {
    let desk = consortium_that_meets("");
    desk.write("dam.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n");
    for folder in ["politie", "fiscus", "woonbron"] {
        desk.stapel(&format!("partner flag --dir {folder} {BY} --now {} dam.csv", at(1)));
        deliver(&desk, folder, &at(1));
    }
    desk.stapel(&format!("partner confirm --dir gemeente --now {}", at(1)));
    carry(&desk, "gemeente", &at(1));
    desk.stapel(&format!("broker release --dir broker --now {}", at(2)));
    desk
}

/// Carries the day's messages of some partners.
fn day(desk: &Desk, day: u16, folders: &[&str]) {
    for folder in folders {
        for _ in 0..5 {
            desk.stapel(&format!("partner talk --dir {folder} --now {}", at(day)));
            carry(desk, folder, &at(day));
        }
    }
}

/// Gives folders the certificates of all.
fn certificates(desk: &Desk, folders: &[&str]) {
    for folder in folders {
        desk.stapel(&format!(
            "partner add-certificate --dir {folder} 1.1.1.cert 2.1.1.cert 3.1.1.cert 4.1.1.cert 5.1.1.cert"
        ));
    }
}

/// Two that put it forward, and a coordinator; on day 3 they are introduced to it.
fn introduced() -> Desk {
    let desk = flagged();
    certificates(&desk, &["politie", "fiscus", "regie"]);
    for folder in ["politie", "fiscus"] {
        desk.stapel(&format!("partner forward --dir {folder} {BY} --now {} dam.csv", at(2)));
    }
    day(&desk, 2, &["politie", "fiscus", "regie"]);
    day(&desk, 3, &["politie", "fiscus", "regie"]);
    desk
}

/// What a person does on a day in a folder.
fn does(desk: &Desk, on: u16, folder: &str, line: &str) -> (String, String) {
    said(desk, &format!("{line} --dir {folder} {BY} --now {}", at(on)))
}

const ADDRESS: &str = "1012JS|1|A  (Dam 1-A, 1012 JS Amsterdam)";

#[test]
fn without_certificates_nothing_is_told_and_each_command_says_so_and_what_to_type() {
    let desk = flagged();
    let missing = "no certificate is here of this partner and Coördinatiepunt (partner 5), and before there is one, \
                   nothing is told to anybody: stapel partner add-certificate --dir politie, with the files that \
                   stapel policy certify wrote (1.*.cert, 5.*.cert); over HTTPS stapel partner sync fetches them";
    let (_, dry) = does(&desk, 2, "politie", "partner forward --dry-run dam.csv");
    assert!(dry.contains(missing), "{dry}");
    let told = does(&desk, 2, "politie", "partner forward --json dam.csv");
    assert!(told.0.contains("\"missing_certificates\":[1,5]") && told.1.contains(missing), "{told:?}");
    let (_, talk) = said(&desk, &format!("partner talk --dir politie --now {}", at(2)));
    assert!(talk.contains(missing), "{talk}");
    assert_eq!(carry(&desk, "politie", &at(2))[0]["kept"], 0);
    let status = desk.stapel(&format!("partner status --dir politie --now {}", at(3)));
    assert!(status.contains(missing) && status.contains("which the broker does not have"), "{status}");
    let (status, code) = desk.ended(&format!("partner forward --strict --dir politie {BY} --now {} dam.csv", at(2)));
    assert_eq!((status, code.as_str()), (3, "strict"), "a script learns of it too");
    // With its own, the coordinator's is missing still; the coordinator's folder has none.
    desk.stapel("partner add-certificate --dir politie 1.1.1.cert");
    let status = desk.json(&format!("partner status --dir politie --now {}", at(3))).remove(0);
    assert_eq!(status["after_hit"]["missing_certificates"], json!([5]));
    let status = desk.json(&format!("partner status --dir regie --now {}", at(3))).remove(0);
    assert_eq!(status["after_hit"]["missing_certificates"], json!([1, 2, 3, 4, 5]));
    certificates(&desk, &["politie"]);
    let (_, talk) = said(&desk, &format!("partner talk --dir politie --now {}", at(3)));
    assert_eq!(talk, "");
    assert_eq!(carry(&desk, "politie", &at(3))[0]["kept"], 1);
    // A flag that the broker does not have is the other cause.
    desk.write("dam-2.csv", "adres\n\"Dam 2, 1012 JS Amsterdam\"\n");
    does(&desk, 3, "politie", "partner flag --forward dam-2.csv");
    let (_, talk) = said(&desk, &format!("partner talk --dir politie --now {}", at(4)));
    let first = "what is put forward waits for a flag that the broker has yet to take: have that delivered (stapel \
                 partner deliver --dir politie), read the reply, and go on with stapel partner talk";
    assert!(talk.contains(first), "{talk}");
    assert_eq!(carry(&desk, "politie", &at(4))[0]["reply"], "post", "all else goes");
    for _ in 0..3 {
        desk.stapel(&format!("partner talk --dir politie --now {}", at(4)));
        assert_eq!(carry(&desk, "politie", &at(4))[0]["reply"], "post");
    }
    let (_, talk) = said(&desk, &format!("partner talk --dir politie --now {}", at(4)));
    assert!(talk.contains(first) && talk.contains("of today's that message is left"), "{talk}");
    deliver(&desk, "politie", &at(4));
    desk.stapel(&format!("partner talk --dir politie --now {}", at(4)));
    let kept = carry(&desk, "politie", &at(4));
    assert_eq!((kept.len(), &kept[0]["kept"], &kept[0]["unflagged"]), (1, &json!(2), &json!(0)), "{kept:?}");
}

#[test]
fn rows_are_flagged_and_put_forward_in_one_act() {
    let desk = consortium_that_meets("");
    certificates(&desk, &["politie"]);
    desk.write(
        "rows.csv",
        "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n\"Dam 3 t/m 9, 1012 JS Amsterdam\"\n\"Dam 5, 1012JS\"\n",
    );
    let flag = |more: &str| {
        let output =
            desk.run(&format!("partner flag --forward {more} --dir politie {BY} --now {} rows.csv", at(2)), &[], &[]);
        assert_eq!(output.status.code(), Some(3), "a row is refused");
        text(&output.stdout)
    };
    let would = flag("--dry-run");
    let who = "who is told: where it is a hit, Coördinatiepunt (partner 5), the coordinator, is told that this \
               partner";
    for line in ["would be: 2 added, ", "\nwould be: 2 put forward, 0 put forward already\n", who] {
        assert!(would.contains(line), "{line}: {would}");
    }
    assert_eq!(desk.json(&format!("partner status --dir politie --now {}", at(2)))[0]["flags"], 0);
    let did = flag("");
    assert!(did.contains("2 added, ") && did.contains("\n2 put forward, 0 put forward already\n"), "{did}");
    assert!(flag("--dry-run").contains("would be: 0 put forward, 2 put forward already\n"));
    let again = flag("--json");
    assert!(again.contains("\"put_forward\":0,\"put_forward_already\":2,\"told\":{\"direct\":[],"), "{again}");
    let forwarded = does(&desk, 2, "politie", "partner forwarded").0;
    assert_eq!(forwarded.lines().count(), 2, "{forwarded}");
    // More than the day's budget takes waits, and that is said.
    let rows: String = (100..121).map(|number| format!("\"Dam {number}, 1012 JS Amsterdam\"\n")).collect();
    desk.write("many.csv", format!("adres\n{rows}"));
    let (many, _) = does(&desk, 2, "politie", "partner flag --forward --dry-run many.csv");
    let waits = "the organisation may put forward 20 new addresses a day, and 200 in all: the others wait for that\n";
    assert!(many.contains("would be: 21 put forward, ") && many.ends_with(waits), "{many}");
    desk.write("many.csv", format!("adres\n{}", rows.split_once('\n').unwrap().1));
    assert!(!does(&desk, 2, "politie", "partner flag --forward --dry-run many.csv").0.contains(waits));
}

#[test]
fn answers_name_the_address_and_say_who_is_named_to_whom_before_it_is_done() {
    let desk = introduced();
    let (note, _) = does(&desk, 3, "politie", "partner note 1 hoi --dry-run");
    assert!(
        note.starts_with(&format!("would be written in conversation 1 here, {ADDRESS}, for case 2026-0117\n")),
        "{note}"
    );
    // Today's exchanges have gone: a note that is only tried would go with tomorrow's too.
    assert!(note.contains("of 2026-12-04; today's have gone\n"), "{note}");
    let known = does(&desk, 3, "politie", "partner conversations 1").0;
    assert!(!known.contains("hoi"), "{known}");
    for folder in ["politie", "fiscus"] {
        let (lead, _) = does(&desk, 3, folder, "partner lead 1");
        assert!(lead.contains("who is told: Coördinatiepunt (partner 5), and nobody else") && !lead.contains("named"));
    }
    day(&desk, 4, &["politie", "fiscus", "regie"]);
    // Each said that it leads, and only the coordinator sees both.
    let agenda = does(&desk, 4, "regie", "coordinator agenda").0;
    let both = [
        "  Trekker:       Politie, eenheid \"Noord\" (partner 1)",
        "                 LET OP: zij noemden tegelijk een trekker; besluit wie het is",
        "                 Politie, eenheid \"Noord\" (partner 1)",
        "                 Belastingdienst (partner 2)",
    ];
    assert!(agenda.contains(&both.join("\n")), "{agenda}");
    let inbox = does(&desk, 4, "regie", "coordinator inbox").0;
    assert!(inbox.contains("Belastingdienst (partner 2): Belastingdienst (partner 2) leads\n"), "{inbox}");
    let decide = "coordinator decide 1 --text Samen --lead 2";
    let (would, _) = does(&desk, 4, "regie", &format!("{decide} --dry-run"));
    let named =
        "who is named: Belastingdienst (partner 2) as the one that leads, to Politie, eenheid \"Noord\" (partner 1)\n";
    assert!(would.contains(&format!("conversation 1 here, {ADDRESS}, for case 2026-0117\n")), "{would}");
    assert!(would.starts_with("would be written") && would.ends_with(named), "{would}");
    assert!(does(&desk, 4, "regie", "coordinator agenda").0.contains("er is nog niets besloten"), "nothing was done");
    assert!(does(&desk, 4, "regie", decide).0.ends_with(named));
    assert!(!does(&desk, 4, "regie", "coordinator agenda").0.contains("LET OP"), "the decision settles it");
    day(&desk, 5, &["regie", "politie", "fiscus"]);
    assert!(does(&desk, 5, "fiscus", "partner conversations").0.contains("\n  Belastingdienst (this partner) leads\n"));
    // Handed over to the coordinator, its inbox says so of itself by name.
    does(&desk, 5, "fiscus", "partner lead 1 --partner 5");
    day(&desk, 6, &["fiscus", "regie"]);
    let inbox = does(&desk, 6, "regie", "coordinator inbox").0;
    assert!(inbox.contains("Belastingdienst (partner 2): Coördinatiepunt (this partner) leads\n"), "{inbox}");
}

#[test]
fn what_was_written_before_one_leaves_arrives_and_is_said() {
    let desk = introduced();
    does(&desk, 3, "politie", "partner outcome 1 nothing-found");
    let waits = "1 note that was written there waits: the broker is brought that first, but not from 2026-12-05 on\n";
    for line in ["partner leave 1 --dry-run", "partner leave 1"] {
        let (left, _) = does(&desk, 3, "politie", line);
        assert!(left.contains(waits), "{left}");
        assert!(
            left.contains("that this partner left, once the broker hears of it with the ")
                && left.contains("2026-12-04")
        );
    }
    day(&desk, 4, &["politie", "regie"]);
    let inbox = does(&desk, 4, "regie", "coordinator inbox").0;
    assert!(inbox.contains(": outcome: nothing found\n") && inbox.contains("(partner 1) left\n"), "{inbox}");
}

#[test]
fn a_message_that_is_refused_and_a_reply_of_another_say_what_to_do() {
    let desk = flagged();
    certificates(&desk, &["politie", "fiscus"]);
    desk.stapel(&format!("partner talk --dir politie --now {}", at(2)));
    desk.stapel(&format!("broker handle --dir broker politie/outbox --now {}", at(9)));
    let output = desk.run(&format!("partner read --dir politie --now {}", at(9)), &[], &[]);
    assert_eq!(output.status.code(), Some(3));
    let read = text(&output.stdout);
    let what = "[clock]; if this side's clock is wrong, set it right; else the message came too late: go on with \
                stapel partner talk";
    assert!(read.contains(what), "{read}");
    desk.stapel(&format!("partner talk --dir politie --now {}", at(9)));
    desk.stapel(&format!("broker handle --dir broker politie/outbox --now {}", at(9)));
    let reply = desk.list("politie/outbox").into_iter().find(|name| name.ends_with(".reply")).unwrap();
    std::fs::create_dir_all(desk.path("fiscus/outbox")).unwrap();
    desk.write(&format!("fiscus/outbox/{reply}"), desk.read(&format!("politie/outbox/{reply}")));
    let output = desk.run(&format!("partner read --dir fiscus --now {}", at(9)), &[], &[]);
    let err = text(&output.stderr);
    let what = "it is for another partner; it is a reply to partner 1: take the file to the outbox of that one";
    assert!(err.contains(what), "{err}");
}

/// What was written is written, whatever is missing for it to go; and what is missing is named.
#[test]
fn a_note_is_written_once_where_a_secret_or_a_seal_key_is_missing() {
    let desk = introduced();
    let seal = "politie/epoch-1.seal";
    let away = |name: &str| std::fs::rename(desk.path(name), desk.path("aside")).unwrap();
    away(seal);
    std::fs::copy(desk.path("fiscus/epoch-1.seal"), desk.path(seal)).unwrap();
    let (out, err) = does(&desk, 3, "politie", "partner note 1 een");
    let missing = "politie/epoch-1.seal is not the seal key that this partner's certificate names";
    assert!(out.starts_with("written in conversation 1 ") && err.contains(missing), "{out}{err}");
    let status = desk.stapel(&format!("partner status --dir politie --now {}", at(3)));
    assert!(status.contains(missing) && !status.contains("no certificate is here"), "{status}");
    std::fs::rename(desk.path("aside"), desk.path(seal)).unwrap();
    away("politie/epoch-1.secret");
    let (out, err) = does(&desk, 3, "politie", "partner note 1 twee");
    assert!(out.starts_with("written in conversation 1 ") && err.contains("[no_epoch]"), "{out}{err}");
    std::fs::rename(desk.path("aside"), desk.path("politie/epoch-1.secret")).unwrap();
    let (out, err) = does(&desk, 3, "politie", "partner conversations 1");
    assert_eq!((out.matches("een").count(), out.matches("twee").count()), (1, 1), "{out}{err}");
}
