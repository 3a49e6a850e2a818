//! What the operator and an officer do, through files: the log, backups, and a broker that is lost.

use std::fs;

use crate::common::{Desk, json_lines, text};
use crate::consortium::{BY, PARTNERS, carry, consortium, deliver, standings};
use serde_json::{Value, json};

#[test]
fn the_log_is_checked_and_a_lost_store_comes_back_without_what_was_withdrawn() {
    let desk = consortium();
    flag_and_deliver(&desk, "2026-12-01T09:00:00Z");
    desk.stapel("broker release --dir broker --now 2026-12-02T09:00:00Z");
    let asked = ask(&desk, "2026-12-02T09:00:00Z", Some("answer.msg"));
    let first = ["- 1012JS|1| stacked 3", "- 1012JS|2| stacked 2", "- 1012JS|3| below_threshold"];
    assert_eq!(asked, first);

    // A checkpoint covers what was said once the day has turned.
    desk.stapel("broker release --dir broker --now 2026-12-03T09:00:00Z");
    let purged = &desk.json("broker purge --dir broker --now 2026-12-03T09:00:00Z")[0];
    assert_eq!(purged["rows"], 0, "nothing went since the release");
    assert!(purged["bytes_after"].as_u64().unwrap() > 0);
    an_officer_checks(&desk);

    // What is said after the backup is not in it.
    desk.stapel("broker backup --dir broker --to copy --now 2026-12-03T10:00:00Z");
    assert_eq!(desk.list("copy"), ["backup", "policies"], "the keys are not in it");
    // Nobody goes on with it as if it were the broker.
    let opened = desk.run("broker release --dir copy --keys broker/keys --now 2026-12-03T10:00:00Z", &[], b"");
    let told = text(&opened.stderr);
    assert!(told.contains("is a backup and no broker") && told.contains("stapel broker restore"), "{told}");
    assert_eq!(desk.run("broker status --dir copy --keys broker/keys --check", &[], b"").status.code(), Some(3));
    assert_eq!(desk.list("copy"), ["backup", "policies"]);
    assert_eq!(desk.code("broker backup --dir broker --to copy --now 2026-12-03T10:00:00Z"), "store");
    for folder in ["broker", "broker/store", "broker/policies", "politie"] {
        assert_eq!(desk.code(&format!("broker backup --dir broker --to {folder} --now 2026-12-03T10:00:00Z")), "store");
    }
    // What a backup that was broken off left is made whole by the next.
    fs::create_dir_all(desk.path("torn/store.making")).unwrap();
    desk.write("torn/store.making/ledger.redb", "torn");
    assert_eq!(desk.code("broker restore --from torn --dir elsewhere --keys broker/keys"), "store");
    assert_eq!(desk.code("broker restore --from nowhere --dir elsewhere --keys broker/keys"), "store");
    assert!(!desk.path("elsewhere").exists(), "nothing is left of what could not begin");
    desk.stapel("broker backup --dir broker --to torn --now 2026-12-03T10:00:00Z");
    assert_eq!(desk.list("torn"), ["backup", "policies"]);
    let later = "2026-12-03T11:00:00Z";
    desk.write("one.csv", "adres\n\"Dam 1, 1012 JS\"\n");
    desk.write("two.csv", "adres\n\"Dam 2, 1012 JS\"\n");
    desk.stapel(&format!("partner withdraw --dir fiscus {BY} one.csv --now {later}"));
    desk.stapel(&format!("partner flag --dir gemeente {BY} two.csv --now {later}"));
    assert_eq!(deliver(&desk, "fiscus", later)["withdrawn"], 1);
    assert_eq!(deliver(&desk, "gemeente", later)["added"], 1);
    let lost = "2026-12-04T09:00:00Z";
    desk.stapel(&format!("broker release --dir broker --now {lost}"));
    // What was withdrawn no longer counts, and what one organisation flagged alone does not show yet.
    let second = ["- 1012JS|1| stacked 2", "- 1012JS|2| stacked 2", "- 1012JS|3| below_threshold"];
    assert_eq!(ask(&desk, lost, None), second);
    desk.stapel("broker log --dir broker --out before.jsonl --checkpoints before");

    let restore = "broker restore --from copy --dir broker";
    let restored = "2026-12-04T12:00:00Z";
    assert_eq!(desk.code(&format!("{restore} --now {restored}")), "store", "a store is not written over");
    let refused = text(&desk.run(&format!("{restore} --now {restored}"), &[], b"").stderr);
    assert!(refused.contains("To have another in its place, move it away under another name"), "{refused}");
    fs::remove_dir_all(desk.path("broker/store")).unwrap();
    assert_eq!(desk.code(&format!("broker release --dir broker --now {restored}")), "broker_folder");
    assert_eq!(desk.code(&format!("{restore} --keys nowhere --now {restored}")), "io");
    assert!(!desk.path("broker/store").exists(), "without keys nothing is put in place");
    let told = &desk.json(&format!("{restore} --keys broker/keys --now {restored}"))[0];
    assert_eq!((&told["policy_version"], &told["epochs"]), (&json!(1), &json!([1])));
    let first = told["first"].as_str().unwrap();
    let status = desk.stapel(&format!("broker status --dir broker --now {restored}"));
    assert!(status.contains(&format!("not heard of since the restore of {restored}; no full set yet")), "{status}");
    assert!(first.contains("stapel broker adopt") && first.contains("keep the certificates and suspensions"), "{told}");

    // Nobody is answered out of the old copy, and everybody counts again with a full set.
    desk.stapel(&format!("partner ask --dir politie {BY} --own --now {restored}"));
    assert_eq!(carry(&desk, "politie", restored)[0]["code"], "recovering");
    // The police know it from their question; the others learn it when they say that nothing changed.
    deliver_all(&desk, "politie", restored);
    for (folder, _) in PARTNERS.into_iter().filter(|(folder, _)| *folder != "politie") {
        deliver_anew(&desk, folder, restored, "recovering");
    }
    let after = "2026-12-05T09:00:00Z";
    let releases = desk.json(&format!("broker release --dir broker --now {after}"));
    assert_eq!((&releases[0]["flags"], &releases[0]["tags"]), (&json!(6), &json!(3)));
    let third = ["- 1012JS|1| stacked 2", "- 1012JS|2| stacked 3", "- 1012JS|3| below_threshold"];
    assert_eq!(ask(&desk, after, None), third, "what fiscus withdrew after the backup does not come back");
    desk.stapel("broker log --dir broker --out log.jsonl --checkpoints restored");
    let report = &verified(&desk, "policy.toml", "restored");
    assert_eq!(report["kinds"]["restore"], 1, "{report}");

    // The store was put back to before a checkpoint that was signed. Whoever kept that one can show it.
    let newest = |folder: &str| format!("{folder}/{}", desk.list(folder).last().unwrap());
    let (older, newer) = (newest("before"), newest("restored"));
    let prove = format!("audit prove --policy policy.toml --log log.jsonl --older {older} --checkpoint {newer}");
    assert_eq!(desk.code(&prove), "log_altered");
}

#[test]
fn a_lost_broker_is_made_again_from_the_policy_the_keys_and_full_sets() {
    let desk = consortium();
    flag_and_deliver(&desk, "2026-12-01T09:00:00Z");
    desk.stapel("broker release --dir broker --now 2026-12-02T09:00:00Z");
    let before = ask(&desk, "2026-12-02T09:00:00Z", None);
    for folder in ["broker/store", "broker/policies"] {
        fs::remove_dir_all(desk.path(folder)).unwrap();
    }
    let now = "2026-12-02T12:00:00Z";
    desk.stapel(&format!("broker init --dir broker --policy policy.toml --now {now}"));
    for (folder, _) in PARTNERS {
        deliver_anew(&desk, folder, now, "gap");
    }
    let releases = desk.json("broker release --dir broker --now 2026-12-03T09:00:00Z");
    assert_eq!((&releases[0]["full"], &releases[0]["flags"]), (&json!(true), &json!(6)));
    assert_eq!(ask(&desk, "2026-12-03T09:00:00Z", None), before);

    // After days off somebody must have looked at the clock.
    let ahead = "broker release --dir broker --now 2026-12-28T09:00:00Z";
    assert_eq!(desk.code(ahead), "clock_ahead");
    let accept = "broker accept-clock --dir broker --now 2026-12-28T09:00:00Z";
    let told = text(&desk.run(accept, &[], b"").stderr);
    let ends = "with that, 0 flags end, no epoch closes, and 0 lines of the log are pruned";
    assert!(told.contains(ends) && told.contains("nothing was done"), "{told}");
    assert_eq!(desk.code(&format!("{accept} --date 2026-12-27")), "clock");
    assert_eq!(desk.code(ahead), "clock_ahead", "nobody accepted it");
    let releases = desk.json(&format!("{accept} --date 2026-12-28"));
    assert_eq!((&releases[0]["epoch"], &releases[0]["flags"]), (&json!(1), &json!(6)));

    // The keys know that another log was signed under this name: the new one is signed under a new one.
    let behind = desk.json("broker status --dir broker")[0]["log_behind"].to_string();
    assert!(behind.contains("new log_origin"), "{behind}");
    desk.stapel("broker log --dir broker --out log.jsonl --checkpoints none");
    assert!(desk.list("none").is_empty());
    let version = format!("version = 2\nprevious = \"{}\"", desk.stapel("policy digest policy.toml").trim());
    let renamed = text(&desk.read("policy.toml")).replace("version = 1", &version);
    desk.write("policy-2.toml", renamed.replace("stapel.example/zaanstad", "stapel.example/2/zaanstad"));
    for (folder, _) in PARTNERS {
        desk.stapel(&format!("policy sign policy-2.toml --key {folder}.policy.key --previous policy.toml"));
    }
    desk.stapel("broker adopt --dir broker --policy policy-2.toml --now 2026-12-28T10:00:00Z");
    assert_eq!(desk.json("broker status --dir broker")[0]["log_behind"], json!(null));
    desk.stapel("broker log --dir broker --out log.jsonl --checkpoints checkpoints");
    let report = &verified(&desk, "policy-2.toml", "checkpoints");
    assert_eq!(report["kinds"]["clock_accepted"], 1, "{report}");
}

#[test]
fn a_log_is_said_to_be_right_as_far_as_a_checkpoint_of_it_goes() {
    let desk = consortium();
    flag_and_deliver(&desk, "2026-12-01T09:00:00Z");
    assert!(desk.stapel("broker verify --dir broker").contains("held to 1 checkpoint\n"));
    let checkpoint = desk.stapel("broker checkpoint --dir broker --now 2026-12-02T09:00:00Z");
    let signed: u64 = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    let all_proven = desk.stapel("broker verify --dir broker");
    assert!(!all_proven.contains("nothing is proven"), "{all_proven}");
    ask(&desk, "2026-12-02T10:00:00Z", None);
    let json = desk.json("broker verify --dir broker").remove(0);
    let lines = json["lines"].as_u64().unwrap();
    assert!(json["covered"] == signed && json["checkpoints"] == 2 && lines > signed, "{json}");
    let said = desk.stapel("broker verify --dir broker");
    assert!(said.contains(&format!("{signed} of them are as they were signed, held to 2 checkpoints\n")), "{said}");
    assert!(said.contains(&format!("of the last {} nothing is proven", lines - signed)), "{said}");
}

#[test]
fn a_clock_that_is_ahead_destroys_no_keys_of_the_epoch() {
    let desk = consortium();
    flag_and_deliver(&desk, "2026-12-01T09:00:00Z");
    desk.stapel("broker backup --dir broker --to copy --now 2026-12-01T10:00:00Z");
    let ahead = "2028-01-01T09:00:00Z";
    let accept = "broker accept-clock --dir broker --date 2028-01-01 --now";
    assert_eq!(desk.code(&format!("{accept} {ahead}")), "clock_ahead");
    fs::rename(desk.path("broker/store"), desk.path("lost")).unwrap();
    for date in ["", " --date 2028-01-01"] {
        assert_eq!(desk.code(&format!("broker restore --from copy --dir broker{date} --now {ahead}")), "clock_ahead");
    }
    fs::rename(desk.path("broker/policies"), desk.path("policies")).unwrap();
    assert_eq!(desk.code(&format!("broker init --dir broker --policy policy.toml --now {ahead}")), "clock_ahead");
    // A backup that is older than three days asks for the day, and puts nothing in place before.
    let late = "broker restore --from copy --dir broker --now 2026-12-05T09:00:00Z";
    let told = text(&desk.run(late, &[], b"").stderr);
    assert!(told.contains("--date") && told.contains("[clock_ahead]"), "{told}");
    assert_eq!(desk.code(&format!("{late} --date 2026-12-04")), "clock");
    assert!(!desk.path("broker/store").exists());
    desk.stapel(&format!("{late} --date 2026-12-05"));
    assert!(desk.path("broker/keys/epoch-1.pepper").exists());

    // The end of the epoch is said as one.
    let last = "broker accept-clock --dir broker --now 2027-11-30T09:00:00Z --date 2027-11-30";
    desk.stapel(last);
    let release = "broker release --dir broker --now 2027-12-01T09:00:00Z";
    let told = desk.stapel(release);
    assert_eq!(told, "epoch 1 closed, because its last day is over; its keys were destroyed\n");
    assert!(desk.path("broker/keys/epoch-1.destroyed").exists());
}

#[test]
fn the_status_says_that_something_was_done_under_a_clock_that_was_ahead() {
    let desk = consortium();
    desk.stapel("broker release --dir broker --now 2026-12-03T12:00:00Z");
    let status = "broker status --dir broker --now";
    assert_eq!(desk.json(&format!("{status} 2026-12-03T12:00:00Z"))[0]["clock"], json!(null));
    assert!(!desk.stapel(&format!("{status} 2026-12-03T12:00:00Z")).contains("clock"));
    let fault = "the latest moment that was acted on is 2026-12-03T12:00:00Z, ahead of this clock, \
                 2026-12-01T11:30:00Z, by 48 hours and 30 minutes: set the clock right; if it is right, it was wrong";
    let told = desk.stapel(&format!("{status} 2026-12-01T11:30:00Z"));
    assert!(told.contains(&format!("clock: {fault}")) && told.contains("wait until that moment, or restore"), "{told}");
    let told = &desk.json(&format!("{status} 2026-12-01T11:30:00Z"))[0];
    assert!(told["clock"].as_str().unwrap().starts_with(fault), "{told}");
    assert_eq!(told["last_fault"], json!(null), "it was only looked at");
    let told = desk.stapel(&format!("{status} 2026-12-19T12:00:00Z"));
    assert!(told.contains("clock: the time") && told.contains("stapel broker accept-clock"), "{told}");
}

#[test]
fn what_could_not_be_kept_is_said_and_handled_again() {
    let desk = consortium();
    flag_and_deliver(&desk, "2026-12-01T09:00:00Z");
    desk.stapel("broker release --dir broker --now 2026-12-02T09:00:00Z");
    desk.write("flags.csv", "adres\n\"Dam 9, 1012 JS\"\n");
    let now = "2026-12-02T10:00:00Z";
    desk.stapel(&format!("partner flag --dir politie {BY} flags.csv --now {now}"));
    desk.stapel(&format!("partner deliver --dir politie --now {now}"));
    // A clock that was put back.
    let handled = desk.run("broker handle --dir broker politie/outbox --now 2026-12-01T12:00:00Z", &[], b"");
    let err = text(&handled.stderr);
    assert_eq!(handled.status.code(), Some(75));
    assert!(err.contains("1 message could not be kept") && err.contains("[unavailable]"), "{err}");
    let handled = desk.json(&format!("broker handle --dir broker politie/outbox --now {now}"));
    assert_eq!((handled.len(), &handled[0]["kind"]), (1, &json!("receipt")), "not passed over");
    desk.stapel(&format!("partner read --dir politie --now {now}"));
    // A clock too far ahead: only withdrawals are taken, and nothing is released until somebody looks.
    desk.stapel(&format!("partner confirm --dir politie --now {now}"));
    let handled = desk.run("broker handle --dir broker politie/outbox --now 2026-12-19T10:00:00Z", &[], b"");
    let err = text(&handled.stderr);
    assert_eq!(handled.status.code(), Some(75));
    assert!(err.contains("1 message could not be kept") && err.contains("broker accept-clock"), "{err}");
}

#[test]
fn a_broker_without_its_keys_asks_for_them_and_not_for_new_ones() {
    let desk = consortium();
    flag_and_deliver(&desk, "2026-12-01T09:00:00Z");
    fs::rename(desk.path("broker/keys"), desk.path("keys")).unwrap();
    let lost = desk.run("broker status --dir broker", &[], b"");
    let err = text(&lost.stderr);
    assert!(err.contains("--keys") && err.contains("[broker_folder]") && !err.contains("init"), "{err}");
    assert_eq!(desk.json("broker status --dir broker --keys keys")[0]["last_fault"], json!(null));
    // Other keys than the policy names open the store, but the operator is told.
    fs::rename(desk.path("keys/signing.key"), desk.path("signing.key")).unwrap();
    desk.stapel("broker init --dir broker --keys keys --name B --oin 00000001003214345000 --log-origin example.nl/b");
    let fault = desk.json("broker status --dir broker --keys keys")[0]["last_fault"].to_string();
    assert!(fault.contains("has other keys") && fault.contains("[operator]"), "{fault}");
    // Nobody could verify its replies: it accepts nothing, and the same messages are taken with the right key.
    desk.stapel("partner status --dir politie --request --now 2026-12-01T10:00:00Z");
    let handle = "broker handle --dir broker --keys keys politie/outbox --now 2026-12-01T10:00:00Z";
    let handled = desk.run(handle, &[], b"");
    let err = text(&handled.stderr);
    assert_eq!(desk.list("politie/outbox"), ["status.msg"]);
    assert!(err.contains("has other keys") && err.ends_with("[unavailable]\n"), "{err}");
    fs::rename(desk.path("signing.key"), desk.path("keys/signing.key")).unwrap();
    desk.stapel(handle);
    let read = desk.json("partner read --dir politie politie/outbox --now 2026-12-01T10:00:00Z");
    assert_eq!(read[0]["reply"], "status");
}

/// Dam 1 is flagged by three, Dam 2 by two, Dam 3 by one. The municipality flags nothing.
fn flag_and_deliver(desk: &Desk, now: &str) {
    let dam = |numbers: &[u32]| {
        numbers.iter().fold("adres\n".to_owned(), |rows, number| rows + &format!("\"Dam {number}, 1012 JS\"\n"))
    };
    let numbers: [&[u32]; 4] = [&[1, 2, 3], &[1, 2], &[1], &[]];
    for ((folder, _), numbers) in PARTNERS.iter().zip(numbers) {
        if !numbers.is_empty() {
            desk.write("flags.csv", dam(numbers));
            desk.stapel(&format!("partner flag --dir {folder} {BY} flags.csv --now {now}"));
        }
        assert_eq!(deliver(desk, folder, now)["held"], numbers.len());
    }
}

/// What the police read of their own flags. The answer is kept as a file, where one is named.
fn ask(desk: &Desk, now: &str, keep: Option<&str>) -> Vec<String> {
    desk.stapel(&format!("partner ask --dir politie {BY} --own --now {now}"));
    desk.stapel(&format!("broker handle --dir broker politie/outbox --now {now}"));
    if let Some(keep) = keep {
        let names = desk.list("politie/outbox");
        let answer = names.iter().find(|name| name.ends_with(".reply")).unwrap();
        desk.write(keep, desk.read(&format!("politie/outbox/{answer}")));
    }
    standings(&desk.told(&format!("partner read --dir politie --now {now}")))
}

/// A partner says that nothing changed, learns with `code` that the broker knows nothing of it, and delivers all of its
/// flags.
fn deliver_anew(desk: &Desk, folder: &str, now: &str, code: &str) {
    desk.stapel(&format!("partner confirm --dir {folder} --now {now}"));
    assert_eq!(carry(desk, folder, now)[0]["code"], code, "{folder}");
    deliver_all(desk, folder, now);
}

/// A partner that knows that the broker needs all of its flags delivers them.
fn deliver_all(desk: &Desk, folder: &str, now: &str) {
    let written = desk.json(&format!("partner deliver --dir {folder} --now {now}"));
    assert_eq!(written[0]["kind"], "full_set", "{folder}");
    assert_eq!(carry(desk, folder, now)[0]["reply"], "receipt", "{folder}");
}

/// What is found of a log that is as it was signed. The exit status says whether that is all of it.
fn verified(desk: &Desk, policy: &str, checkpoints: &str) -> Value {
    let line = format!("audit verify --policy {policy} --log log.jsonl --checkpoints {checkpoints} --json");
    let output = desk.run(&line, &[], b"");
    let report = json_lines(&text(&output.stdout)).remove(0);
    let status = if report["unproven"] == 0 { 0 } else { 4 };
    assert_eq!(output.status.code(), Some(status), "{report} {}", text(&output.stderr));
    report
}

/// Exports the log, and checks it and what it says of `answer.msg` from files alone.
fn an_officer_checks(desk: &Desk) {
    let export = "broker log --dir broker --out log.jsonl --checkpoints checkpoints";
    let exported = &desk.json(export)[0];
    let verify = "audit verify --policy policy.toml --log log.jsonl --checkpoints checkpoints";
    let report = &verified(desk, "policy.toml", "checkpoints");
    for field in ["lines", "pruned", "checkpoints"] {
        assert_eq!(report[field], exported[field], "{field}");
    }
    let kinds = |kind: &str| report["kinds"][kind].as_u64().unwrap_or_default();
    assert_eq!((kinds("full_set"), kinds("question")), (4, 1), "{report}");

    let names = desk.list("checkpoints");
    assert_eq!(exported["checkpoints"], names.len());
    let (oldest, newest) = (&names[0], &names[names.len() - 1]);
    let prove = format!("audit prove --policy policy.toml --log log.jsonl --checkpoint checkpoints/{newest}");
    desk.stapel(&format!("{prove} --reply answer.msg --out answer.tlog-proof"));
    let checked: &Value =
        &desk.json("audit check --policy policy.toml --proof answer.tlog-proof --reply answer.msg")[0];
    assert_eq!(checked["size"], report["covered"]);
    desk.stapel(&format!("{prove} --older checkpoints/{oldest} --out continues"));
    let both = format!("--older checkpoints/{oldest} --newer checkpoints/{newest}");
    desk.stapel(&format!("audit check --policy policy.toml --proof continues {both}"));

    // One digit of one line.
    let log = text(&desk.read("log.jsonl"));
    let altered = log.replacen("\\\"count\\\":3", "\\\"count\\\":4", 1);
    assert_ne!(altered, log);
    desk.write("log.jsonl", altered);
    assert_eq!(desk.code(verify), "log_altered");
    desk.stapel(export);
    assert_eq!(text(&desk.read("log.jsonl")), log);

    // A checkpoint that contradicts this log is not written over.
    fs::create_dir(desk.path("other")).unwrap();
    desk.write(&format!("other/{newest}"), desk.read(&format!("checkpoints/{oldest}")));
    assert_eq!(desk.code("broker log --dir broker --out log.jsonl --checkpoints other"), "checkpoint_exists");
}
