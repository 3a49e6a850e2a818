//! Four partners and a broker play the whole protocol from nothing, through files in folders.

use crate::common::{Desk, json_lines, text};
use crate::consortium::{BY, PARTNERS, carry, consortium, consortium_counting, deliver, standings};
use serde_json::json;

#[test]
fn the_whole_protocol_through_files() {
    let desk = consortium();
    let (first, second, third) = ("2026-12-01T09:00:00Z", "2026-12-02T09:00:00Z", "2026-12-03T09:00:00Z");

    // Each writes the same addresses in its own way: Dam 1-A all four, Dam 2 three, Dam 3 one.
    desk.write(
        "politie.csv",
        "postcode;huisnummer;toevoeging;ref\n1012 JS;1;a;P-1\n1012js;00002;;P-2\n1012JS;3;;P-3\n",
    );
    desk.write("fiscus.csv", "Adres,Zaak\n\"Dam 1-A, 1012 JS Amsterdam\",F-1\n\"Dam 2, 1012JS\",F-2\n");
    desk.write("woonbron.csv", b"\xef\xbb\xbfPC\tHuisnr\tHuisletter\r\n1012 JS\t1\tA\r\n1012 JS\t2\t\r\n");
    desk.write("gemeente.csv", b"adres\r\nCo\xf6rdinaat 1a, 1012 JS Weesp\r\nDam 9 t/m 11, 1012 JS\r\n");
    desk.stapel(&format!("partner flag --dir politie {BY} politie.csv --now {first}"));
    desk.stapel(&format!("partner flag --dir fiscus {BY} fiscus.csv --ref zaak --now {first}"));
    desk.stapel(&format!("partner flag --dir woonbron {BY} woonbron.csv --map Huisnr=huisnummer --now {first}"));
    let said = desk.told(&format!("partner flag --dir gemeente {BY} gemeente.csv --refused refused.csv --now {first}"));
    assert_eq!((&said[0]["added"], &said[0]["refused"]), (&json!(1), &json!(1)));
    for (folder, _) in PARTNERS {
        let receipt = deliver(&desk, folder, first);
        assert_eq!(receipt["reply"], "receipt", "{receipt}");
        assert!(desk.list(&format!("{folder}/outbox")).is_empty(), "what was replied to is gone");
    }

    // The mended row is flagged as well, and goes as a delta.
    // The file is in Windows-1252, as the one it came from: each byte is a character here, and back.
    let mended: String = desk.read("refused.csv").iter().map(|byte| char::from(*byte)).collect();
    let mended = mended.replace(";Dam 9 t/m 11", ";Dam 9");
    desk.write("refused.csv", mended.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<_>>());
    desk.stapel(&format!("partner flag --dir gemeente {BY} refused.csv --now {first}"));
    assert_eq!(deliver(&desk, "gemeente", first)["held"], 2);

    // Nothing shows before the release, and no question is answered.
    desk.stapel(&format!("partner ask --dir politie {BY} politie.csv --now {first}"));
    assert_eq!(carry(&desk, "politie", first)[0]["code"], "not_yet_answering");
    let releases = desk.json(&format!("broker release --dir broker --now {second}"));
    assert_eq!(
        (&releases[0]["full"], &releases[0]["flags"], &releases[0]["tags"]),
        (&json!(true), &json!(9), &json!(4))
    );
    assert!(desk.json(&format!("broker release --dir broker --now {second}")).is_empty());

    // Rows come back in their order, with their references.
    desk.write(
        "vraag.csv",
        "ref;adres\nv3;Dam 3, 1012 JS\nv1;Dam 1a, 1012 JS\nv9;Dam 9, 1012 JS\n\
                             v1bis;Dam 1 A, 1012 JS\nv2;Dam 2, 1012 JS\n",
    );
    desk.stapel(&format!("partner ask --dir politie {BY} vraag.csv --now {second}"));
    let read = carry(&desk, "politie", second);
    assert_eq!(read[1]["typed"], "Dam 3, 1012 JS");
    assert_eq!(
        (&read[0]["reply"], &read[0]["organisations"], &read[0]["case"]),
        (&json!("answer"), &json!(4), &json!("2026-0117"))
    );
    let wanted = [
        "P-3 1012JS|3| below_threshold",
        "v3 1012JS|3| below_threshold",
        "P-1 1012JS|1|A stacked 3",
        "v1 1012JS|1|A stacked 3",
        "v1bis 1012JS|1|A stacked 3",
        "v9 1012JS|9| no_own_flag",
        "P-2 1012JS|2| stacked 3",
        "v2 1012JS|2| stacked 3",
    ];
    assert_eq!(standings(&read), wanted, "the cap is 3 of 4, so that all of them never shows");
    desk.stapel(&format!("partner ask --dir woonbron {BY} --own --now {second}"));
    let seen = standings(&carry(&desk, "woonbron", second));
    assert_eq!(seen, ["- 1012JS|1|A stacked", "- 1012JS|2| stacked"], "one who sees presence is told no number");

    // What changed, what the journal has, and what the broker's numbers are.
    // What could not be written is told again.
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut news = std::process::Command::new(env!("CARGO_BIN_EXE_stapel"));
    let news = news.args(["partner", "news", "--dir"]).arg(desk.path("politie")).stdout(full).output().unwrap();
    assert!(!news.status.success() && text(&news.stderr).ends_with("[io]\n"));
    let news = desk.json("partner news --dir politie");
    let told: Vec<_> = news.iter().map(|news| (&news["news"], &news["address"], &news["refs"])).collect();
    assert_eq!(news[0]["typed"], "1 a 1012 JS");
    let (stacked, one, two) = (json!("newly_stacked"), json!("1012JS|1|A"), json!("1012JS|2|"));
    assert_eq!(told, [(&stacked, &one, &json!(["P-1"])), (&stacked, &two, &json!(["P-2"]))]);
    assert!(desk.json("partner news --dir politie").is_empty());
    desk.stapel(&format!("partner withdraw --dir fiscus {BY} fiscus.csv --ref zaak --now {second}"));
    assert_eq!(deliver(&desk, "fiscus", second)["withdrawn"], 2);
    desk.told(&format!("partner withdraw --dir gemeente {BY} gemeente.csv --now {second}"));
    assert_eq!(deliver(&desk, "gemeente", second)["held"], 1);
    desk.stapel(&format!("broker release --dir broker --now {third}"));
    desk.stapel(&format!("partner ask --dir politie {BY} --own --now {third}"));
    let after = standings(&carry(&desk, "politie", third));
    assert_eq!(after, ["P-1 1012JS|1|A stacked 2", "P-2 1012JS|2| stacked 2", "P-3 1012JS|3| below_threshold"]);
    assert_eq!(desk.json("partner news --dir politie")[0]["news"], "count_changed");
    let unnamed = desk.run("partner dossier --dir politie 1012JS|1|A", &[], b"");
    assert_eq!(unnamed.status.code(), Some(2), "who looks, and why?");
    let look = "partner dossier --dir politie --actor m.smit --case verzoek-7";
    let dossier = desk.json(&format!("{look} --now {third} 1012JS|1|A"));
    let events: Vec<_> = dossier.iter().map(|entry| entry["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["flagged", "asked", "asked", "answered", "asked", "answered"]);
    assert!(dossier.iter().all(|entry| entry["actor"] == "j.jansen" && entry["case"] == "2026-0117"));
    // As the rows had it: a column each in one file, and one line in another.
    let typed: Vec<_> = dossier.iter().map(|entry| entry["typed"].as_str()).collect();
    let [cells, line] = [Some("1 a 1012 JS"), Some("Dam 1a, 1012 JS")];
    assert_eq!(typed, [cells, cells, line, line, None, None], "of own flags the flag has it");
    let shown = desk.stapel(&format!("{look} --now {third} 1012JS|1|A"));
    assert!(shown.contains("  1012JS|1|A  (Dam 1a, 1012 JS)  asked in question"), "{shown}");
    let looked = desk.json(&format!("{look} --now {third} 1012JS|1")).pop().unwrap();
    assert_eq!((&looked["event"], &looked["actor"]), (&json!("looked_up"), &json!("m.smit")));
    let status = &desk.json("broker status --dir broker")[0];
    assert_eq!(status["epochs"][0]["partners"].as_array().unwrap().len(), 4);

    desk.stapel(&format!("partner confirm --dir politie --now {third}"));
    desk.stapel(&format!("partner status --dir politie --request --now {third}"));
    let replies = carry(&desk, "politie", third);
    let kinds: Vec<_> = replies.iter().map(|reply| reply["reply"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["receipt", "status"]);
    assert_eq!(replies[1]["held"], 3);
    assert!(desk.json("partner status --dir politie --check")[0]["in_flight"].as_array().unwrap().is_empty());

    // Two partners compare what the broker showed them.
    desk.stapel(&format!("partner status --dir fiscus --request --now {third}"));
    carry(&desk, "fiscus", third);
    for folder in ["politie", "fiscus"] {
        let written = desk.stapel(&format!("partner shown --dir {folder} --out shown/{folder}"));
        assert_eq!(written.lines().count(), 2, "{written}");
        assert_eq!(desk.list(&format!("shown/{folder}")).len(), 2);
    }
    let compared = desk.stapel(
        "audit compare --policy broker/policies/1.toml --ours shown/politie --theirs shown/fiscus --our-reply \
         shown/politie/latest.reply --their-reply shown/fiscus/latest.reply",
    );
    assert!(compared.contains("Both were shown the same log of"), "{compared}");
    nothing_leaks(&desk);
}

/// No address, reference or secret is in the broker's folder, and no address or reference lies open in a partner's.
fn nothing_leaks(desk: &Desk) {
    let needles: [&[u8]; 4] = [b"1012JS", b"1012 JS", b"v1bis", b"j.jansen"];
    for folder in ["broker", "broker/policies", "politie", "politie/outbox"] {
        for name in desk.list(folder) {
            let path = format!("{folder}/{name}");
            if !desk.path(&path).is_dir() {
                let bytes = desk.read(&path);
                let found = needles.iter().find(|needle| bytes.windows(needle.len()).any(|window| window == **needle));
                assert!(found.is_none(), "{path}");
            }
        }
    }
}

#[test]
fn messages_and_replies_can_be_lost_and_come_twice() {
    let desk = consortium();
    let now = "--now 2026-12-01T09:00:00Z";
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {now}"));
    let written = desk.json(&format!("partner deliver --dir politie {now}"));
    let delivery = desk.delivery("politie/outbox");
    assert_eq!(written[0]["file"], delivery);
    assert_eq!(written[0]["kind"], "full_set");
    let message = desk.read(&delivery);
    std::fs::remove_file(desk.path(&delivery)).unwrap();
    desk.stapel(&format!("partner deliver --dir politie {now}"));
    assert!(desk.read(&delivery) == message, "the same bytes come again");

    let handled = desk.json(&format!("broker handle --dir broker politie/outbox {now}"));
    assert_eq!(handled[0]["kind"], "receipt");
    let receipt = desk.read(&format!("{delivery}.reply"));
    let elsewhere = delivery.replace("politie/outbox", "elsewhere") + ".reply";
    // What has its reply is passed over; what is carried again gets the same receipt.
    assert!(desk.json(&format!("broker handle --dir broker politie/outbox {now}")).is_empty());
    desk.stapel(&format!("broker handle --dir broker politie/outbox --out elsewhere {now}"));
    assert!(desk.read(&elsewhere) == receipt);
    let piped = desk.run(&format!("broker handle --dir broker {now}"), &[], &message);
    assert!(piped.status.success() && piped.stdout == receipt);

    desk.stapel(&format!("partner read --dir politie elsewhere {now}"));
    assert!(desk.list("politie/outbox").is_empty());
    let again = desk.json(&format!("partner read --dir politie elsewhere {now}"));
    assert_eq!((&again[0]["reply"], &again[0]["added"]), (&json!("receipt"), &json!(1)));
    assert_eq!(desk.code(&format!("partner read --dir fiscus elsewhere {now}")), "unexpected_reply");

    // Another partner's message has the same name; its reply does not take the place of this one.
    desk.stapel(&format!("partner flag --dir fiscus {BY} a.csv {now}"));
    desk.stapel(&format!("partner deliver --dir fiscus {now}"));
    let same_name = delivery.replace("politie", "fiscus");
    std::fs::rename(desk.path(&desk.delivery("fiscus/outbox")), desk.path(&same_name)).unwrap();
    assert_eq!(desk.code(&format!("broker handle --dir broker fiscus/outbox --out elsewhere {now}")), "reply_exists");
    assert!(desk.read(&elsewhere) == receipt);

    // Junk gets an unsigned rejection, which only hints at something.
    desk.write("junk.msg", b"\x01junk");
    let junk = desk.json(&format!("broker handle --dir broker junk.msg {now}"));
    assert_eq!((&junk[0]["kind"], &junk[0]["code"]), (&json!("unsigned rejection"), &json!("malformed")));
    assert_eq!(desk.told(&format!("partner read --dir politie junk.msg.reply {now}"))[0]["reply"], "hint");

    desk.stapel(&format!("partner ask --dir politie {BY} --own {now}"));
    assert_eq!(desk.json("partner status --dir politie")[0]["in_flight"][0]["message"], "question-0000000001.msg");

    // A question whose file a crash kept from being written is not lost.
    let question = desk.read("politie/outbox/question-0000000001.msg");
    assert!(!desk.stapel("partner status --dir politie").contains("not in the outbox"));
    for again in ["partner deliver --dir politie", "partner ask --dir politie --own"] {
        std::fs::remove_file(desk.path("politie/outbox/question-0000000001.msg")).unwrap();
        assert!(
            desk.stapel("partner status --dir politie").contains("question-0000000001.msg, which is not in the outbox")
        );
        let by = if again.contains("ask") { BY } else { "" };
        let written = desk.json(&format!("{again} {by} {now}"));
        assert_eq!(written[0]["file"], "politie/outbox/question-0000000001.msg");
        assert!(desk.read("politie/outbox/question-0000000001.msg") == question);
    }
    desk.stapel(&format!("partner give-up --dir politie question-0000000001.msg {now}"));
    assert!(desk.list("politie/outbox").is_empty());
    assert_eq!(desk.code(&format!("partner give-up --dir politie question-0000000001.msg {now}")), "no_such_message");
}

#[test]
fn more_than_a_days_budget_is_delivered_over_days() {
    let desk = consortium();
    let (first, second) = ("2026-12-01T09:00:00Z", "2026-12-02T09:00:00Z");
    desk.write("a.csv", "adres\nDam 1, 1012 JS\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv --now {first}"));
    deliver(&desk, "politie", first);
    let rows: String = (2..1_103).map(|number| format!("Dam {number}, 1012 JS\n")).collect();
    desk.write("b.csv", format!("adres\n{rows}"));
    desk.stapel(&format!("partner flag --dir politie {BY} b.csv --now {first}"));
    desk.stapel(&format!("partner withdraw --dir politie {BY} a.csv --now {first}"));
    let receipt = deliver(&desk, "politie", first);
    assert_eq!((&receipt["added"], &receipt["withdrawn"]), (&json!(0), &json!(1)), "what is withdrawn goes first");
    assert_eq!(desk.json("partner status --dir politie")[0]["undelivered"], 101, "the default budget took 1,000");
    let output = desk.run(&format!("partner deliver --dir politie --now {first}"), &[], b"");
    assert!(output.status.success() && output.stdout.is_empty());
    let said = text(&output.stderr);
    assert!(said.contains("101 flags wait for a later delivery") && said.contains("1000 new flags a day"), "{said}");
    assert_eq!(deliver(&desk, "politie", second)["added"], 101);
    assert_eq!(desk.json("partner status --dir politie")[0]["undelivered"], 0);
}

#[test]
fn a_full_set_that_the_broker_refused_is_still_due() {
    let desk = consortium();
    let now = "2026-12-01T09:00:00Z";
    let status = || desk.json(&format!("partner status --dir politie --now {now}")).remove(0);
    let said = || desk.stapel(&format!("partner status --dir politie --now {now}"));
    assert_eq!(status()["full_set_due"], json!([{ "epoch": 1, "unknown_flags": false }]), "the first");
    desk.write("a.csv", "adres\nDam 1, 1012 JS\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv --now {now}"));
    desk.stapel(&format!("partner deliver --dir politie --now {now}"));
    assert_eq!(status()["full_set_due"], json!([]), "it is in flight");
    carry(&desk, "politie", now);
    assert_eq!(status()["full_set_due"], json!([]));
    // The folder is put back as it was before most of its flags.
    let copied = std::process::Command::new("cp").arg("-r").args([desk.path("politie"), desk.path("old")]).status();
    assert!(copied.unwrap().success());
    let rows: String = (2..12).map(|number| format!("Dam {number}, 1012 JS\n")).collect();
    desk.write("b.csv", format!("adres\n{rows}"));
    desk.stapel(&format!("partner flag --dir politie {BY} b.csv --now {now}"));
    assert_eq!(deliver(&desk, "politie", now)["held"], 11);
    std::fs::rename(desk.path("politie"), desk.path("lost")).unwrap();
    std::fs::rename(desk.path("old"), desk.path("politie")).unwrap();
    desk.write("c.csv", "adres\nDam 20, 1012 JS\n");
    desk.stapel(&format!("partner flag --dir politie {BY} c.csv --now {now}"));
    let codes: Vec<_> = (0..3).map(|_| deliver(&desk, "politie", now)["code"].clone()).collect();
    assert_eq!(codes.last(), Some(&json!("shrink")), "{codes:?}");

    let found = status();
    assert_eq!((&found["undelivered"], &found["in_flight"]), (&json!(0), &json!([])), "{found}");
    assert_eq!(found["full_set_due"], json!([{ "epoch": 1, "unknown_flags": true }]));
    assert!(said().contains("stapel partner full --allow-shrink"), "{}", said());
    desk.write("all.csv", "adres\nDam 1, 1012 JS\nDam 20, 1012 JS\n");
    desk.stapel(&format!("partner full --dir politie {BY} all.csv --allow-shrink --now {now}"));
    assert!(said().contains("must be a full set, and will be\n"), "{}", said());
    let receipt = deliver(&desk, "politie", now);
    assert_eq!((&receipt["reply"], &receipt["held"]), (&json!("receipt"), &json!(2)), "{receipt}");
    assert_eq!(status()["full_set_due"], json!([]));
}

#[test]
fn what_may_not_be_done_changes_nothing() {
    let desk = consortium();
    let now = "--now 2026-12-01T09:00:00Z";
    desk.write("a.csv", "ref;adres\n1;Dam 1, 1012 JS\n2;Dam 2, 1012 JS\n3;geen adres\n");
    let dry = desk.told(&format!("partner flag --dir politie {BY} a.csv --dry-run {now}"));
    assert_eq!((&dry[0]["added"], &dry[0]["dry_run"]), (&json!(2), &json!(true)));
    assert_eq!(desk.json("partner status --dir politie")[0]["flags"], 0);
    assert!(!desk.path("politie/refs.sealed").exists());

    desk.told(&format!("partner flag --dir politie {BY} a.csv {now}"));
    desk.write("b.csv", "adres\nDam 1, 1012 JS\n");
    // A dry run says what the call would, errors included.
    desk.write("c.csv", "adres\nDam 9 hs, 1012 JS\n");
    for (more, code) in [
        ("--renew observed_again", "not_flagged"),
        ("--until 2027-02-15", "last_day"),
        ("--until 2020-01-31", "last_day"),
    ] {
        for dry in ["", " --dry-run"] {
            let line = format!("partner flag --dir politie {BY} c.csv {more}{dry} {now}");
            assert_eq!(desk.code(&line), code, "{line}");
        }
    }
    let late = format!("partner flag --dir politie {BY} c.csv --dry-run --now 2049-01-01T00:00:00Z");
    assert_eq!(desk.code(&late), "clock_ahead");
    // What was never flagged is not withdrawn, and another spelling of a floor is pointed out.
    let withdraw = format!("partner withdraw --dir politie {BY} c.csv {now}");
    assert!(desk.stapel(&withdraw).starts_with("0 added, 0 changed, 0 withdrawn, 1 unchanged"));
    let dossier = format!("partner dossier --dir politie {BY} 1012JS|9|HS {now}");
    assert!(desk.stapel(&dossier).starts_with("nothing on"));
    desk.write("h.csv", "adres\nDam 9-H, 1012 JS\n");
    desk.stapel(&format!("partner flag --dir politie {BY} h.csv {now}"));
    let said = desk.run(&withdraw, &[], b"");
    assert!(text(&said.stderr).contains("1012JS|9|H stays: withdraw that too"), "{}", text(&said.stderr));
    desk.stapel(&format!("partner withdraw --dir politie {BY} h.csv {now}"));
    let shrunk = ["", " --dry-run"].map(|dry| {
        let output = desk.run(&format!("partner full --dir politie {BY} b.csv {now}{dry}"), &[], b"");
        text(&output.stderr)
    });
    assert!(shrunk[0].ends_with("[shrink]\n") && shrunk[0] == shrunk[1], "{shrunk:?}");
    let dry = desk.told(&format!("partner full --dir politie {BY} b.csv --allow-shrink --dry-run {now}"));
    assert_eq!((&dry[0]["withdrawn"], &dry[0]["unchanged"]), (&json!(1), &json!(1)));
    let full = desk.json(&format!("partner full --dir politie {BY} b.csv --allow-shrink {now}"));
    assert_eq!((&full[0]["withdrawn"], &full[0]["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(desk.code(&format!("partner flag --dir politie {BY} b.csv --until 2026-12-30 {now}")), "last_day");
    assert_eq!(desk.code(&format!("partner ask --dir politie {BY} a.csv --sweep nood {now}")), "not_permitted");
    for dry in ["", "--dry-run"] {
        assert_eq!(desk.code(&format!("partner ask --dir politie {BY} a.csv --numbers {dry} {now}")), "level");
    }
    assert_eq!(desk.code(&format!("partner flag --dir politie {BY} a.csv --refused ./a.csv {now}")), "refused_file");
    assert_eq!(desk.code(&format!("partner dossier --dir politie {BY} nergens")), "no_postcode");
    assert_eq!(desk.code("partner init --dir politie --number 1"), "partner_folder");
    assert_eq!(desk.code("broker init --dir broker --policy policy.toml --now 2026-12-01T09:00:00Z"), "store");
    assert_eq!(desk.code("broker release --dir broker --now 2026-11-01T00:00:00Z"), "clock");
    assert_eq!(desk.code("partner status --dir nobody"), "partner_folder");
    assert_eq!(desk.code("broker status --dir nobody"), "broker_folder");
    desk.stapel("partner init --dir new --number 9");
    assert_eq!(desk.code("partner status --dir new"), "partner_folder");
    desk.stapel("broker init --dir new-broker");
    assert_eq!(desk.code("broker status --dir new-broker"), "broker_folder");
    let usage = desk.run("partner flag --dir politie a.csv", &[], b"");
    assert_eq!(usage.status.code(), Some(2), "who acts, and for which case, must be said");
}

#[test]
fn what_a_broken_off_read_had_read_is_told_again() {
    let desk = consortium();
    // Nobody has delivered, and the wait for that is over.
    let now = "--now 2026-12-08T09:00:00Z";
    desk.stapel(&format!("broker accept-clock --dir broker --date 2026-12-08 {now}"));
    desk.write("a.csv", "ref;adres\n1;Dam 1, 1012 JS\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {now}"));
    desk.stapel(&format!("partner deliver --dir politie {now}"));
    desk.stapel(&format!("partner ask --dir politie {BY} --own {now}"));
    desk.stapel(&format!("broker handle --dir broker politie/outbox {now}"));
    let names = [desk.delivery("politie/outbox"), "politie/outbox/question-0000000001.msg".to_owned()];
    let files = names.iter().flat_map(|name| [name.clone(), format!("{name}.reply")]);
    let files: Vec<_> = files.map(|name| (desk.read(&name), name)).collect();
    let told = desk.json(&format!("partner read --dir politie {now}"));
    assert_eq!((&told[0]["reply"], &told[2]["reply"]), (&json!("receipt"), &json!("standing")));
    // As where the command ended after it had read the replies, and before it had shown them.
    for (bytes, name) in files {
        desk.write(&name, bytes);
    }
    assert_eq!(desk.json(&format!("partner read --dir politie {now}")), told);
    assert!(std::fs::read_dir(desk.path("politie/outbox")).unwrap().next().is_none());
}

#[test]
fn threads_are_given_by_number() {
    let desk = consortium();
    // Nobody has delivered, and the wait for that is over.
    let now = "--now 2026-12-08T09:00:00Z";
    desk.stapel(&format!("broker accept-clock --dir broker --date 2026-12-08 {now}"));
    let rows: String = (1..=2_000).map(|number| format!("Dam {number}, 1012 JS\n")).collect();
    desk.write("a.csv", format!("adres\n{rows}"));
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {now}"));
    for line in [
        format!("partner deliver --dir politie {now}"),
        format!("partner ask --dir politie {BY} a.csv {now}"),
        format!("broker handle --dir broker politie/outbox {now}"),
        "broker release --dir broker --now 2026-12-09T09:00:00Z".to_owned(),
    ] {
        assert_eq!(desk.code(&format!("{line} --threads 0")), "threads");
        desk.stapel(&format!("{line} --threads 2"));
    }
    let read = desk.json(&format!("partner read --dir politie {now}"));
    assert_eq!((&read[0]["reply"], &read[0]["held"]), (&json!("receipt"), &json!(2_000)));
    assert_eq!((&read[1]["reply"], &read[1]["standings"]), (&json!("answer"), &json!(2_000)));
}

#[test]
fn a_reply_is_no_message_to_handle() {
    let desk = consortium();
    let now = "--now 2026-12-01T09:00:00Z";
    desk.stapel(&format!("partner confirm --dir politie {now}"));
    desk.stapel(&format!("broker handle --dir broker politie/outbox {now}"));
    let reply = desk.delivery("politie/outbox") + ".reply";
    assert!(desk.path(&reply).exists());
    desk.stapel(&format!("broker handle --dir broker {reply} {now}"));
    assert!(!desk.path(&format!("{reply}.reply")).exists());
}

#[test]
fn a_newer_policy_is_signed_adopted_and_told_of() {
    let desk = consortium();
    let old = text(&desk.read("policy.toml"));
    let digest = desk.stapel("policy digest policy.toml");
    let version = format!("version = 2\nprevious = \"{}\"", digest.trim());
    desk.write("policy-2.toml", old.replace("version = 1", &version).replace("threshold = 2", "threshold = 3"));
    let differences = desk.json("policy diff policy.toml policy-2.toml --lang nl");
    assert!(
        differences[0].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains('3')),
        "{differences:?}"
    );
    let sign = |key: &str| format!("policy sign policy-2.toml --key {key} --previous policy.toml");
    assert_eq!(desk.code("policy sign policy-2.toml --key politie.policy.key"), "policy_signature");
    assert_eq!(desk.code(&sign("politie/partner.key")), "policy_signature", "a message key signs messages only");
    for (folder, _) in PARTNERS {
        let said = desk.stapel(&sign(&format!("{folder}.policy.key")));
        assert!(said.contains("The threshold goes up, from 2 to 3"), "what is signed is said first: {said}");
        assert!(said.ends_with(&format!("policy-2.toml.{folder}.sig\n")), "{said}");
    }
    // A second successor of the same policy is not signed; and signed with a copy of the key, it is evidence.
    desk.write("other.toml", text(&desk.read("policy-2.toml")).replace("threshold = 3", "threshold = 2"));
    let other = "policy sign other.toml --previous policy.toml --key";
    assert_eq!(desk.code(&format!("{other} politie.policy.key")), "policy_signature");
    assert!(desk.stapel("policy evidence policy-2.toml other.toml").contains("no organisation"));
    std::fs::copy(desk.path("politie.policy.key"), desk.path("copy.key")).unwrap();
    desk.stapel(&format!("{other} copy.key"));
    assert_eq!(desk.code("policy evidence policy-2.toml other.toml"), "policy_evidence");
    desk.stapel("policy verify policy-2.toml --previous policy.toml");
    assert_eq!(desk.code("policy verify policy.toml --previous policy-2.toml"), "policy_successor");
    let adopt = "broker adopt --dir broker --policy policy-2.toml --now 2026-12-01T09:00:00Z";
    let differences = desk.json("policy diff policy.toml policy-2.toml --lang en");
    assert_eq!(desk.json(adopt), differences, "the operator is told what changes");
    // Once more, as after a command that was broken off.
    assert_eq!(desk.json(adopt), [json!([])]);
    assert_eq!(desk.json("broker status --dir broker")[0]["policy_version"], 2);
    for (folder, _) in PARTNERS {
        let told =
            desk.stapel(&format!("partner adopt --dir {folder} --policy policy-2.toml --now 2026-12-01T09:00:00Z"));
        for difference in differences[0].as_array().unwrap() {
            assert!(told.contains(difference.as_str().unwrap()), "{told}");
        }
        desk.stapel(&format!("partner adopt --dir {folder} --policy policy-2.toml --now 2026-12-01T09:00:00Z"));
        assert_eq!(desk.json(&format!("partner status --dir {folder}"))[0]["policy_version"], 2);
    }
    desk.write("unsafe.toml", old.replace("threshold = 2", "threshold = 1"));
    assert_eq!(desk.code("policy check unsafe.toml"), "policy_unsafe");
    let check = desk.run("policy check unsafe.toml --lang nl", &[], b"");
    assert!(text(&check.stdout).starts_with("geweigerd [threshold]: De drempel"), "{}", text(&check.stdout));
}

/// Whoever else may write to the outbox puts there what leads elsewhere, or is no message.
#[cfg(unix)]
#[test]
fn what_others_put_in_an_outbox_leads_nowhere_and_stops_nothing() {
    use std::os::unix::fs::symlink;
    let desk = consortium();
    let now = "--now 2026-12-01T09:00:00Z";
    desk.write("a.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    desk.write("b.csv", "adres\n\"Dam 2, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {now}"));
    desk.stapel(&format!("partner deliver --dir politie {now}"));
    desk.write("victim", "untouched");
    let delivery = desk.delivery("politie/outbox");
    symlink("../../victim", desk.path(&format!("{delivery}.reply.new"))).unwrap();
    symlink("d.msg", desk.path("politie/outbox/d.msg")).unwrap();
    // As a message, another's file; as the place of a reply, a file of the broker's and a folder.
    symlink("../../broker/keys/epoch-1.pepper", desk.path("politie/outbox/e.msg")).unwrap();
    desk.write("politie/outbox/f.msg", "no message");
    symlink("../../broker/keys/epoch-1.pepper", desk.path("politie/outbox/f.msg.reply")).unwrap();
    desk.write("politie/outbox/g.msg", "no message");
    std::fs::create_dir(desk.path("politie/outbox/g.msg.reply")).unwrap();
    let pepper = desk.read("broker/keys/epoch-1.pepper");
    symlink("nowhere", desk.path("politie/outbox/a.msg")).unwrap();
    std::fs::create_dir(desk.path("politie/outbox/b.msg")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(desk.path("politie/outbox/c.msg")).status().unwrap();
    assert!(made.success());

    let handled = desk.run(&format!("broker handle --dir broker politie/outbox {now}"), &[], b"");
    let err = text(&handled.stderr);
    assert_eq!((handled.status.code(), err.matches("[not_a_file]").count()), (Some(3), 7), "{err}");
    assert_eq!(text(&handled.stdout), format!("{delivery}: receipt\n"));
    assert_eq!(text(&desk.read("victim")), "untouched");
    assert_eq!(desk.read("broker/keys/epoch-1.pepper"), pepper);
    assert!(!desk.list("politie/outbox").iter().any(|name| name.starts_with(".stapel-")), "nothing is left over");

    // What was flagged meanwhile waits for that reply, and not for a budget.
    desk.stapel(&format!("partner flag --dir politie {BY} b.csv {now}"));
    let delivered = desk.run(&format!("partner deliver --dir politie {now}"), &[], b"");
    let err = text(&delivered.stderr);
    assert!(err.contains(&delivery.replace("politie/outbox/", "1 flag waits for the reply to ")), "{err}");

    std::fs::create_dir(desk.path("politie/outbox/a.reply")).unwrap();
    let read = desk.run(&format!("partner read --dir politie {now}"), &[], b"");
    let err = text(&read.stderr);
    assert!(read.status.code() == Some(3) && err.matches("[not_a_file]").count() == 3, "{err}");
    assert!(!desk.path(&delivery).exists(), "the others were read");

    for (line, said) in [
        (format!("broker handle --dir broker fiscus/outbox {now}"), "nothing was delivered or asked yet"),
        (format!("partner full --dir politie {BY} empty.csv {now}"), "--allow-shrink"),
    ] {
        desk.write("empty.csv", "adres\n");
        let err = text(&desk.run(&line, &[], b"").stderr);
        assert!(err.contains(said), "{err}");
    }
    desk.write("politie/policy.toml", "format = 1\n");
    let err = text(&desk.run("partner status --dir politie", &[], b"").stderr);
    assert!(err.starts_with("stapel: politie/policy.toml: "), "{err}");
}

#[test]
fn a_house_number_is_flagged_alone_where_it_is_asked_for() {
    let now = "2026-12-01T09:00:00Z";
    let table = "ref;adres\nz1;Dam 1 2e verdieping, 1012 JS\nz2;Dam 3, 1012 JS\n";
    let desk = consortium();
    desk.write("a.csv", table);
    let plain = desk.run(&format!("partner flag a.csv --dir politie {BY} --now {now}"), &[], b"");
    assert!(!text(&plain.stderr).contains("--number-only"), "no number is counted: {}", text(&plain.stderr));
    for command in ["flag", "full", "ask", "flag --dry-run"] {
        let line = format!("partner {command} a.csv --number-only --dir politie {BY} --now {now}");
        let (status, code) = desk.ended(&line);
        assert_eq!((status, code.as_str()), (1, "level"), "{line}");
    }
    // What was flagged under a policy that counted them can be withdrawn under one that does not.
    desk.stapel(&format!("partner withdraw a.csv --number-only --dir politie {BY} --now {now}"));

    let desk = consortium_counting("levels = [\"unit\", \"number\"]\n");
    desk.write("a.csv", table);
    let did = |command: &str| {
        let line = format!("partner {command} --dir politie {BY} --now {now} --json");
        let output = desk.run(&line, &[], b"");
        let said = json_lines(&text(&output.stdout)).into_iter().next();
        (output.status.code().unwrap(), said.unwrap_or_default(), text(&output.stderr))
    };
    let (status, said, err) = did("flag a.csv");
    assert_eq!((status, &said["added"], said.get("number_only")), (3, &json!(1), None), "{err}");
    assert!(err.contains("1 refused row has a house number that is certain: with --number-only it"), "{err}");
    let (status, said, err) = did("flag a.csv --number-only --dry-run");
    assert_eq!((status, &said["added"], &said["number_only"]), (0, &json!(1), &json!(1)), "{err}");
    let (status, said, err) = did("flag a.csv --number-only --refused refused.csv");
    assert_eq!((status, &said["added"], &said["refused"]), (0, &json!(1), &json!(0)), "{err}");
    assert!(err.contains("line 2: only as the house number 1012JS|1: toevoeging: "), "{err}");
    assert!(err.contains("1 row counts only for a house number, and for no home"), "{err}");
    assert!(!text(&desk.read("refused.csv")).contains("verdieping"), "it is not refused");
    assert_eq!(deliver(&desk, "politie", now)["held"], 3, "one number alone, and a home with its own");

    let (status, said, err) = did("ask a.csv --number-only --numbers --dry-run");
    assert_eq!((status, &said["number_only"]), (0, &json!(1)), "{err}");
    assert!(err.contains("3 addresses would be asked about"), "{err}");
    assert_eq!(
        desk.run(&format!("partner ask --own --number-only --dir politie {BY}"), &[], b"").status.code(),
        Some(2)
    );
    let shown = desk.json(&format!("partner dossier 1012JS|1|A --dir politie {BY} --now {now}"));
    assert_eq!((&shown[0]["event"], &shown[0]["level"]), (&json!("flagged"), &json!("number")));

    let dry = desk.run(&format!("partner ask --own --dry-run --dir politie {BY} --now {now}"), &[], b"");
    assert!(text(&dry.stderr).contains("3 addresses would be asked about"), "{}", text(&dry.stderr));
    // Where the row was mended, or a register reads it, the number is pointed out that stays.
    desk.write("mended.csv", "adres\nDam 1-A, 1012 JS\n");
    let (status, said, err) = did("withdraw mended.csv --dry-run");
    assert_eq!((status, &said["unchanged"]), (0, &json!(1)), "{err}");
    assert!(err.contains("1012JS|1|A: the house number is flagged alone; 1012JS|1 stays"), "{err}");
    desk.write("number.csv", "adres\n1012JS|1\n");
    let (status, said, err) = did("withdraw number.csv --dry-run");
    assert_eq!((status, &said["withdrawn"]), (0, &json!(1)), "{err}");
    desk.write("other.csv", "adres\nDam 3 2e verdieping, 1012 JS\n");
    let (_, _, err) = did("withdraw other.csv --number-only --dry-run");
    assert!(err.contains("a home at it is; 1012JS|3| stays"), "{err}");
    // A row that names an own flag beside another number is of two addresses.
    desk.write("two.csv", "adres;huisnummer\n1012JS|3|;5\n");
    let (status, _, err) = did("withdraw two.csv --dry-run");
    assert!(status == 3 && err.contains("[differs]"), "{err}");

    // Of the same rows it is withdrawn again.
    let (status, said, err) = did("withdraw a.csv");
    assert_eq!((status, &said["withdrawn"]), (3, &json!(1)), "{err}");
    let (status, said, err) = did("withdraw a.csv --number-only");
    assert_eq!((status, &said["withdrawn"], &said["unchanged"]), (0, &json!(1), &json!(1)), "{err}");
    assert_eq!(deliver(&desk, "politie", now)["held"], 0);
}

#[test]
fn rows_that_repeat_an_address_are_counted_and_said() {
    let desk = consortium();
    let now = "2026-12-01T09:00:00Z";
    desk.write("a.csv", "ref;adres\n1;Dam 1, 1012 JS\n2;Dam 2, 1012 JS\n3;Dam 1, 1012JS Amsterdam\n");
    for line in ["flag a.csv --dry-run", "flag a.csv", "full a.csv", "withdraw a.csv --dry-run", "ask a.csv"] {
        let line = format!("partner {line} --dir politie {BY} --now {now}");
        let shown = desk.run(&line, &[], b"");
        assert!(text(&shown.stderr).contains("1 row repeats the address"), "{line}: {}", text(&shown.stderr));
        let said = text(&shown.stderr);
        assert!(said.contains("a.csv: columns: 'ref' is ref; 'adres' is adres\n"), "{line}: {said}");
        assert!(said.contains("3 rows (UTF-8, semicolons), 2 addresses, 1 repeat, 0 refused\n"), "{line}: {said}");
        let json = &desk.json(&line)[0];
        let counts = ["rows", "addresses", "repeated", "refused"].map(|name| json[name].as_u64());
        assert_eq!(counts, [Some(3), Some(2), Some(1), Some(0)], "{line}: {json}");
        assert_eq!(json["columns"][1], json!({ "column": "adres", "read_as": "adres" }), "{line}");
    }
    desk.write("a.csv", "adres\nDam 1, 1012 JS\nDam 2, 1012 JS\n");
    assert_eq!(desk.json(&format!("partner flag a.csv --dir politie {BY} --now {now}"))[0]["repeated"], 0);
    let shown = desk.run(&format!("partner ask a.csv --dir politie {BY} --now {now}"), &[], b"");
    assert!(text(&shown.stderr).contains("0 repeats, 0 refused") && !text(&shown.stderr).contains("row repeats"));
    let json = &desk.json(&format!("partner ask a.csv --dir politie {BY} --now {now} --dry-run"))[0];
    assert_eq!((&json["addresses"], &json["repeated"]), (&json!(2), &json!(0)));

    // A column that is not accounted for ends every one of them before anything is done.
    desk.write("b.csv", "postcode;huisnummer;tvg\n1012JS;1;A\n1012JS;1;B\n");
    for command in ["flag", "full", "withdraw", "ask"] {
        let line = format!("partner {command} b.csv --dir politie {BY} --now {now}");
        assert_eq!(desk.code(&line), "header", "{line}");
    }
    let mapped = format!("partner ask b.csv --map tvg=toevoeging --dir politie {BY} --now {now}");
    assert_eq!(desk.json(&mapped)[0]["addresses"], 2);
}

#[test]
fn what_need_not_be_kept_goes_and_the_status_says_so() {
    let desk = consortium();
    let (first, last, after) = ("2026-12-01T09:00:00Z", "2027-11-30T09:00:00Z", "2027-12-20T09:00:00Z");
    desk.write("a.csv", "adres\nDam 1, 1012 JS\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv --now {first}"));
    deliver(&desk, "politie", first);
    assert_eq!(desk.code(&format!("partner forget-epoch --dir politie {BY} 1 --now {first}")), "epoch_in_use");
    assert_eq!(desk.code(&format!("partner prune-journal --dir politie {BY} --days 5 --now {first}")), "not_permitted");
    assert!(desk.stapel(&format!("partner prune-journal --dir politie {BY} --now {first}")).contains("nothing"));
    desk.stapel(&format!("partner accept-clock --dir politie {BY} --date 2027-11-30 --now {last}"));
    let told = |now: &str| desk.stapel(&format!("partner status --dir politie --now {now}"));
    assert!(!told(last).contains("forget-epoch"));
    assert!(told(after).contains("epoch 1 is over") && told(after).contains("forget-epoch 1"), "{}", told(after));
    let status = format!("partner status --dir politie --check --now {after}");
    assert_eq!(
        (&desk.json(&status)[0]["retired_epochs"], &desk.json(&status)[0]["journal_pruned"]),
        (&json!([1]), &json!(null))
    );

    let forgotten = desk.json(&format!("partner forget-epoch --dir politie {BY} 1 --now {after}"));
    assert_eq!(forgotten[0]["removed"], json!(["epoch-1.secret", "epoch-1.seal"]));
    assert!(!desk.path("politie/epoch-1.secret").exists() && !desk.path("politie/epoch-1.seal").exists());
    assert!(desk.stapel(&format!("partner forget-epoch --dir politie {BY} 1 --now {after}")).contains("nothing"));
    assert_eq!(desk.code("partner add-secret --dir politie whole.secret"), "secret_mismatch");
    let pruned = desk.json(&format!("partner prune-journal --dir politie {BY} --now {after}"));
    // The flag, its delivery and the receipt.
    assert_eq!((&pruned[0]["pruned"], &pruned[0]["journal_pruned"]["from"]), (&json!(3), &json!(first)));
    let status = &desk.json(&status)[0];
    assert_eq!((&status["retired_epochs"], &status["journal_records"]), (&json!([]), &json!(6)));
    assert_eq!(status["journal_pruned"], pruned[0]["journal_pruned"]);
    assert!(told(after).contains("first 3 records, from 2026-12-01T09:00:00Z to 2026-12-01T09:00:00Z, are pruned"));
    let dossier = desk.run(&format!("partner dossier --dir politie {BY} 1012JS|1| --now {after}"), &[], b"");
    assert!(text(&dossier.stdout).contains("nothing on") && text(&dossier.stderr).contains("are pruned"));
}

#[test]
fn a_partners_keys_may_be_apart() {
    let desk = consortium();
    let now = "--now 2026-12-01T09:00:00Z";
    std::fs::create_dir(desk.path("keys")).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(desk.path("keys"), std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let key = |name: &str| name.starts_with("epoch-") || name.ends_with(".key");
    for name in desk.list("politie").into_iter().filter(|name| key(name)) {
        std::fs::rename(desk.path(&format!("politie/{name}")), desk.path(&format!("keys/{name}"))).unwrap();
    }
    let missing = text(&desk.run("partner status --dir politie", &[], b"").stderr);
    assert!(missing.contains("--keys") && missing.contains("journal.key") && missing.contains("[partner_folder]"));
    let place = "--dir politie --keys keys";
    desk.write("a.csv", "ref;adres\nP-1;Dam 1, 1012 JS\n");
    desk.stapel(&format!("partner flag {place} {BY} a.csv {now}"));
    desk.stapel(&format!("partner deliver {place} {now}"));
    desk.stapel(&format!("broker handle --dir broker politie/outbox {now}"));
    assert_eq!(desk.json(&format!("partner read {place} {now}"))[0]["reply"], "receipt");
    assert_eq!(desk.json(&format!("partner status {place} --check"))[0]["flags"], 1);
    assert!(desk.path("keys/refs.key").exists() && desk.path("politie/refs.sealed").exists());
    assert!(!desk.list("politie").into_iter().any(|name| key(&name)), "no key comes back");

    desk.stapel("partner init --dir new --keys new-keys --number 9");
    assert_eq!(desk.list("new-keys"), ["journal.key", "partner.key"]);
    assert!(text(&desk.run("partner status --dir new", &[], b"").stderr).contains("--keys"));
    assert!(text(&desk.run("partner status --dir new --keys new-keys", &[], b"").stderr).contains("adopt"));
    assert!(text(&desk.run("partner status --dir nobody --keys new-keys", &[], b"").stderr).contains("init"));
}
