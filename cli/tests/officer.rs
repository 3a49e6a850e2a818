//! docs/officer.md, typed as it stands, and what it says of each output.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::{Desk, text};
use crate::consortium::{carry, consortium, deliver};

/// How lines end that are typed into a shell which finds the command.
fn ran(folder: &Path, lines: &str) -> Output {
    let command = Path::new(env!("CARGO_BIN_EXE_stapel")).parent().expect("a folder");
    let path = format!("{}:{}", command.display(), std::env::var("PATH").unwrap_or_default());
    Command::new("sh").args(["-ec", lines]).env("PATH", path).current_dir(folder).output().unwrap()
}

/// What lines print that are typed. Each must succeed.
fn typed(folder: &Path, lines: &str) -> String {
    let output = ran(folder, lines);
    assert!(output.status.success(), "{lines}\n{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn what_the_officers_page_says_to_type_does_what_it_says() {
    let page = include_str!("../../docs/officer.md");
    let blocks: Vec<&str> =
        page.split("```sh\n").skip(1).map(|rest| rest.split_once("```").expect("a block that ends").0).collect();
    let [files, own, first, policy, newer, log, told, account, journal, council, talked, letters, dossier, due] =
        blocks[..]
    else {
        panic!("{blocks:?}")
    };
    let desk = Desk::new();
    desk.stapel("sandbox --dir sandbox");
    let folder = desk.path("sandbox");
    // One of the sandbox's rows is refused.
    let flag = desk.run("partner flag --dir sandbox/partner --actor me --case Z-1 sandbox/addresses.csv", &[], b"");
    assert_eq!(flag.status.code(), Some(3), "{}", text(&flag.stderr));
    typed(&folder, files);
    let another =
        files.replace("--dir partner ", "--dir others/politie ").replace("partner/outbox", "others/politie/outbox");
    typed(&folder, &another.replace("--out shown/gemeente", "--out shown/politie"));
    typed(&folder, first);
    assert_eq!(text(&desk.read("sandbox/noted/policy-keys")).matches("policy_key").count(), 5);
    let said = typed(&folder, policy);
    assert!(said.contains("LET OP") || said.contains("let op"), "{said}");
    let explained = text(&desk.read("sandbox/regels.txt"));
    assert!(explained.contains("contactpunt: Privacyloket"), "{explained}");
    assert!(typed(&folder, log).contains("as they were signed"));
    assert_eq!(typed(&folder, told).matches("The replies say the same of restores").count(), 2);
    let said = typed(&folder, account);
    assert!(said.contains("Verantwoording van de teller") && said.contains("dagen zonder bericht"), "{said}");
    let said = typed(&folder, journal);
    assert!(said.contains("; me for Z-1"), "{said}");
    let noted = text(&desk.read("sandbox/noted/journal"));
    let heads: Vec<&str> = noted.lines().collect();
    assert!(heads.len() == 2 && heads.iter().all(|head| head.len() == 64), "{noted}");
    typed(&folder, journal);
    assert_eq!(text(&desk.read("sandbox/noted/journal")).lines().count(), 3, "the next month's");
    // As on an installed machine, but that nobody stops a service and that the user is whoever runs this.
    let alone = "systemctl() { :; }; runuser() { shift 3; \"$@\"; }\n";
    desk.write("sandbox/installed.toml", "dir = \"partner\"\n");
    typed(&folder, &format!("{alone}{}", own.replace("/etc/stapel/partner.toml", "installed.toml")));
    let looked = desk.stapel("partner journal --dir sandbox/partner --actor f.officer --case AUDIT-1 --by f.officer");
    assert!(looked.contains("searched the journal by me; f.officer for AUDIT-1"), "{looked}");
    let acts = text(&desk.read("sandbox/acts.txt"));
    assert!(acts.contains("flagged: ") && acts.contains("; me for Z-1"), "{acts}");
    let said = typed(&folder, council);
    assert!(said.contains(" gezet") && !said.contains("9999X") && !said.contains("Z-1"), "{said}");
    let report = text(&desk.read("sandbox/report.json"));
    assert!(!report.contains("9999X") && !report.contains("\"me\"") && !report.contains("Z-1"), "{report}");
    let said = typed(&folder, talked);
    assert!(said.starts_with("Hoe de gesprekken gingen die in 20") && said.contains("\nNog niet gemeld: "), "{said}");
    assert!(text(&desk.read("sandbox/conversations.json")).contains("\"missing\":"));
    let said = typed(&folder, letters);
    assert_eq!(said.lines().count(), desk.list("sandbox/request-7").len());
    assert!(typed(&folder, dossier).contains("looked up; f.officer for AUDIT-1"), "a search is a look at it");
    let said = typed(&folder, due);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("REQUEST-7: came on ") && lines[0].contains("; answer by "));
    assert!(lines[1].ends_with(": told that nothing is known") && lines[1] == lines[2], "{said}");
    // What differs has the code by which the page explains it.
    let differs = |line: &str, code: &str| {
        assert!(page.contains(&format!("`{code}`")), "{code}");
        assert_eq!(desk.code(line), code);
    };
    let log = text(&desk.read("sandbox/log.jsonl"));
    desk.write("sandbox/log.jsonl", log.replacen("\\\"partner\\\":1,", "\\\"partner\\\":2,", 1));
    let verify = "audit verify --policy sandbox/policy.toml --log sandbox/log.jsonl --checkpoints";
    let kept = format!("sandbox/kept/{}", desk.list("sandbox/kept")[0]);
    differs(&format!("{verify} {kept}"), "log_altered");
    desk.write("sandbox/log.jsonl", log);
    let checkpoint = text(&desk.read(&format!("{kept}/{}", desk.list(&kept)[0])));
    desk.write("other.checkpoint", checkpoint.replacen('\n', "x\n", 1));
    differs(&format!("{verify} other.checkpoint"), "checkpoint");
    let mut journal = desk.read("sandbox/partner/journal.sealed");
    let middle = journal.len() / 2;
    journal[middle] ^= 1;
    desk.write("sandbox/partner/journal.sealed", journal);
    differs("partner status --dir sandbox/partner --check", "journal_damaged");
    let other = desk.json("partner status --dir sandbox/others/politie").remove(0)["journal_head"].clone();
    let check = "partner status --dir sandbox/others/belastingdienst --check --head";
    differs(&format!("{check} {}", other.as_str().unwrap()), "head_unknown");
    // The next version.
    std::fs::create_dir(desk.path("sandbox/policy-2")).unwrap();
    let next = text(&desk.read("sandbox/policy.toml")).replacen("version = 1\n", "version = 2\n", 1);
    let digest = text(&desk.read("sandbox/noted/policy"));
    let next = next.replacen("version = 2\n", &format!("version = 2\nprevious = \"{}\"\n", digest.trim()), 1);
    desk.write("sandbox/policy-2/policy.toml", next);
    for who in ["politie", "belastingdienst", "woningcorporatie", "gemeente", "coordinatiepunt"] {
        desk.stapel(&format!(
            "policy sign sandbox/policy-2/policy.toml --previous sandbox/policy.toml --key \
             sandbox/policy-keys/{who}.key"
        ));
    }
    differs("policy verify sandbox/policy-2/policy.toml", "policy_successor");
    assert!(typed(&folder, newer).starts_with("version 2, "));
    for signature in desk.list("sandbox").iter().filter(|name| name.ends_with(".sig")) {
        std::fs::remove_file(desk.path(&format!("sandbox/{signature}"))).unwrap();
    }
    differs("policy verify sandbox/policy.toml", "policy_signatures");
}

/// An operator that writes last month's log anew and signs it in as many lines has checkpoints of the same names. What
/// the officer kept is not replaced by them, and does not fit.
#[test]
fn a_log_that_was_written_anew_does_not_fit_what_was_kept() {
    let desk = consortium();
    let page = include_str!("../../docs/officer.md");
    let block = page.split("```sh\n").find(|block| block.starts_with("today=")).unwrap().split("```").next().unwrap();
    // The same consortium and the same keys of the broker, in two histories: politie delivers, or fiscus.
    typed(&desk.path(""), "cp -r broker before; mkdir -p kept shown/gemeente");
    let month = |who: &str| {
        desk.write("a.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n");
        let now = "2026-12-01T09:00:00Z";
        desk.stapel(&format!("partner flag --dir {who} --actor j.jansen --case Z-1 --now {now} a.csv"));
        assert_eq!(deliver(&desk, who, now)["reply"], "receipt");
        desk.stapel("broker release --dir broker --now 2026-12-02T09:00:00Z");
        typed(&desk.path(""), "rm -rf checkpoints");
        desk.stapel("broker log --dir broker --out log.jsonl --checkpoints checkpoints");
        desk.list("checkpoints")
    };
    let names = month("politie");
    let shown = format!("cp checkpoints/* shown/gemeente/; {block}");
    assert!(typed(&desk.path(""), &shown).contains("as they were signed"));
    typed(&desk.path(""), "mv kept/2* kept/last-month; rm -rf broker; mv before broker; rm -r shown/gemeente/*");
    let kept = desk.read(&format!("kept/last-month/{}", names[0]));
    assert_eq!(month("fiscus"), names, "it looks the same");
    let verify = "audit verify --policy policy.toml --log log.jsonl --checkpoints checkpoints";
    assert!([Some(0), Some(4)].contains(&desk.run(verify, &[], b"").status.code()), "by itself it is whole");
    let refused = ran(&desk.path(""), block);
    assert!(text(&refused.stderr).contains("[log_"), "{}", text(&refused.stderr));
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(desk.read(&format!("kept/last-month/{}", names[0])), kept);
    assert_eq!(desk.list("kept").len(), 2, "what is refused is kept beside it");
}

/// Every organisation of the roster gets a letter, and those who flag the same one.
#[test]
fn a_letter_goes_to_each_organisation_and_says_the_same() {
    let desk = consortium();
    let said = desk.stapel("policy letters policy.toml --out letters --lang en");
    let names = desk.list("letters");
    assert_eq!(said.lines().count(), names.len());
    let organisations = text(&desk.read("policy.toml")).matches("[[organisation]]").count();
    assert_eq!(names.len(), organisations);
    let rest = |name: &String| text(&desk.read(&format!("letters/{name}"))).split_once('\n').unwrap().1.to_owned();
    assert!(names.iter().all(|name| rest(name) == rest(&names[0])));
    assert!(rest(&names[0]).contains("telephone: 14 075"));
    assert_eq!(desk.code("policy letters policy.toml --out letters"), "folder_not_empty");
}

#[test]
fn the_journal_is_searched_by_actor_case_address_and_days() {
    let desk = consortium();
    let (first, second) = ("2026-12-01T09:00:00Z", "2027-01-04T09:00:00Z");
    desk.write("a.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n\"Dam 3, 1012 JS Amsterdam\"\n");
    desk.write("b.csv", "adres\n\"Dam 5, 1012 JS Amsterdam\"\n");
    desk.stapel(&format!("partner flag --dir politie --actor j.jansen --case Z-1 --now {first} a.csv"));
    desk.stapel(&format!("partner flag --dir politie --actor p.smit --case Z-2 --now {second} b.csv"));
    let search = |words: &str| {
        let line = format!("partner journal --dir politie --actor f.officer --case A-1 --now {second} {words}");
        let acts = desk.json(&line);
        acts.into_iter().map(|act| act["act"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search("--by j.jansen"), ["flagged"]);
    assert_eq!(search("--for Z-2"), ["flagged"]);
    assert_eq!(search("--by j.jansen --for Z-2"), [""; 0]);
    assert_eq!(search("--address 1012JS|1|A --year 2026"), ["flagged"]);
    assert_eq!(search("--address 1012JS|1 --from 2026-12-01 --to 2026-12-01"), ["flagged"], "a number's homes");
    assert_eq!(search("--address 1012JS|1|A --year 2027"), ["searched", "searched"], "looks at it are acts");
    assert_eq!(search("--by f.officer").len(), 6, "who looked is found too");
    let all = desk.json(&format!("partner journal --dir politie --actor f.officer --case A-1 --now {second}"));
    assert_eq!(all[0]["addresses"], serde_json::json!(["1012JS|1|A", "1012JS|3|"]));
    let sought = &all.last().unwrap()["sought"];
    assert_eq!((&sought["by"], &sought["for"]), (&serde_json::json!("f.officer"), &serde_json::Value::Null));
    let both = desk.run("partner journal --dir politie --actor f --case A --year 2026 --from 2026-12-01", &[], b"");
    assert_eq!(both.status.code(), Some(2));
    let turned =
        desk.run("partner journal --dir politie --actor f --case A --from 2026-12-31 --to 2026-01-01", &[], b"");
    let err = text(&turned.stderr);
    assert!(turned.status.code() == Some(2) && err.contains("--from 2026-12-31 is after --to 2026-01-01"), "{err}");
    assert_eq!(desk.ended("partner journal --dir politie --actor f --case A --address nowhere").0, 1);
    let text = desk
        .stapel(&format!("partner journal --dir politie --actor f.officer --case A-1 --now {second} --by j.jansen"));
    assert_eq!(text, "2026-12-01T09:00:00Z  flagged: 1012JS|1|A, 1012JS|3|; j.jansen for Z-1\n");
}

/// Another journal of the same partner, under the same key, is whole too: only a head that was noted tells them apart.
#[test]
fn a_head_that_was_noted_shows_a_journal_that_was_written_anew() {
    let desk = consortium();
    let now = "2026-12-01T09:00:00Z";
    let folder_as_it_was = ["journal.sealed", "state.sealed"].map(|name| {
        let path = format!("politie/{name}");
        let bytes = desk.path(&path).exists().then(|| desk.read(&path));
        (path, bytes)
    });
    let flag = |case: &str, house: &str| {
        desk.write("a.csv", format!("adres\n\"Dam {house}, 1012 JS Amsterdam\"\n"));
        desk.stapel(&format!("partner flag --dir politie --actor j.jansen --case {case} --now {now} a.csv"));
    };
    flag("Z-1", "1");
    let noted = desk.json(&format!("partner status --dir politie --now {now}")).remove(0);
    let (head, records) = (noted["journal_head"].as_str().unwrap().to_owned(), noted["journal_records"].clone());
    flag("Z-2", "3");
    let check = format!("partner status --dir politie --check --now {now}");
    let with_head = format!("{check} --head {head}");
    let said = desk.json(&with_head).remove(0);
    assert_eq!(said["journal_records_at_head"], records);
    assert_ne!(said["journal_records"], records);
    assert!(desk.stapel(&with_head).contains(&format!("head {head} is the journal's own, of its first ")));
    // What was done for Z-1 is taken out, and all else is done again.
    for (path, bytes) in folder_as_it_was {
        match bytes {
            Some(bytes) => desk.write(&path, bytes),
            None => _ = std::fs::remove_file(desk.path(&path)),
        }
    }
    flag("Z-2", "3");
    assert_eq!(desk.json(&check).remove(0)["journal_records_at_head"], serde_json::Value::Null, "it is whole");
    assert_eq!(desk.code(&with_head), "head_unknown");
    assert_eq!(desk.run(&format!("partner status --dir politie --head {head}"), &[], b"").status.code(), Some(2));
    // So it is where the last records were cut off, and nothing of them was delivered.
    let before = desk.read("politie/journal.sealed");
    flag("Z-3", "5");
    let head = desk.json(&check).remove(0)["journal_head"].as_str().unwrap().to_owned();
    desk.write("politie/journal.sealed", before);
    assert_eq!(desk.json(&check).remove(0)["journal_records_at_head"], serde_json::Value::Null, "it is whole");
    assert_eq!(desk.code(&format!("{check} --head {head}")), "head_unknown");
}

/// The account of the year from files, as whoever has them makes it.
#[test]
fn the_account_is_made_from_the_log_the_checkpoints_and_the_policy() {
    let desk = consortium();
    let now = "2026-12-01T09:00:00Z";
    desk.write("a.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n");
    desk.stapel(&format!("partner flag --dir politie --actor j.jansen --case Z-1 --now {now} a.csv"));
    assert_eq!(deliver(&desk, "politie", now)["reply"], "receipt");
    let later = "2026-12-03T09:00:00Z";
    desk.stapel(&format!("partner confirm --dir politie --now {later}"));
    carry(&desk, "politie", later);
    desk.stapel("broker log --dir broker --out log.jsonl --checkpoints checkpoints");
    let account = |more: &str| {
        desk.run(
            &format!("audit account --policy policy.toml --log log.jsonl --checkpoints checkpoints --year {more}"),
            &[],
            b"",
        )
    };
    let made = account("2026 --json");
    assert!([Some(0), Some(4)].contains(&made.status.code()), "{}", text(&made.stderr));
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let organisations = made["organisations"].as_array().unwrap();
    let police = organisations.iter().find(|one| one["organisation"] == "politie").unwrap();
    assert_eq!(police["partners"][0]["messages"]["full_set"]["ok"], 1);
    assert_eq!(police["partners"][0]["messages"]["confirm"]["ok"], 1);
    assert_eq!(police["partners"][0]["days_without_message"], 1, "the second of December");
    let others = organisations.iter().filter(|one| one["organisation"] != "politie");
    assert!(others.clone().count() > 1);
    assert!(others.clone().all(|one| one["partners"][0]["days_without_message"] == 3));
    assert_eq!(made["policies"][0]["version"], 1);
    assert_eq!(made["epochs_opened"][0]["epoch"], 1);
    assert_eq!(made["certificates"], 4);
    let dutch = text(&account("2026 --lang nl").stdout);
    assert!(dutch.contains("politie, partner 1: dagen zonder bericht: 1,"), "{dutch}");
    assert_eq!(made["told"], serde_json::json!({ "stacked": 0, "others": 0, "until": "2026-12-02" }));
    assert!(dutch.contains("aan alle partners samen, tot en met 2026-12-02: 0 gestapeld, 0 andere."), "{dutch}");
    assert!(!dutch.contains("voorgesteld"), "the policy has no [meet]");
    // A year of which there is nothing is no quiet year.
    let none = account("2030");
    let err = text(&none.stderr);
    assert!(
        err.contains("no lines of 2030: they are of 2026-12-01 to 2026-12-03") && err.ends_with("[no_lines]\n"),
        "{err}"
    );
    assert_eq!((none.status.code(), none.stdout.len()), (Some(1), 0));
    // A log that was altered has no account.
    let altered = text(&desk.read("log.jsonl")).replacen("\\\"partner\\\":1,", "\\\"partner\\\":2,", 1);
    desk.write("log.jsonl", altered);
    let refused = account("2026");
    assert_eq!((refused.status.code(), text(&refused.stdout).as_str()), (Some(1), ""));
}

#[test]
fn the_report_is_numbers_alone() {
    let desk = consortium();
    let (first, second) = ("2026-12-01T09:00:00Z", "2027-01-04T09:00:00Z");
    desk.write("a.csv", "adres\n\"Dam 1-A, 1012 JS Amsterdam\"\n\"Dam 3, 1012 JS Amsterdam\"\n");
    desk.write("b.csv", "adres\n\"Dam 3, 1012 JS Amsterdam\"\n");
    desk.stapel(&format!("partner flag --dir politie --actor j.jansen --case Z-1 --now {first} a.csv"));
    desk.stapel(&format!("partner withdraw --dir politie --actor j.jansen --case Z-1 --now {second} b.csv"));
    let report = |year: u16| desk.json(&format!("partner report --dir politie --year {year} --now {second}")).remove(0);
    let made = report(2026);
    assert_eq!((&made["total"]["flagged"], &made["held"]), (&2.into(), &2.into()));
    assert_eq!(made["until"], "2026-12-31");
    let made = report(2027);
    assert_eq!((&made["held_before"], &made["total"]["withdrawn"], &made["held"]), (&2.into(), &1.into(), &1.into()));
    assert_eq!(made["months"].as_array().unwrap().len(), 1, "the year is not over");
    let dutch = desk.stapel(&format!("partner report --dir politie --year 2027 --lang nl --now {second}"));
    assert!(dutch.contains("         1 ingetrokken\n"), "{dutch}");
    assert!(!dutch.contains("van die "), "of what there is none, no part is told: {dutch}");
    assert!(!dutch.contains("jansen") && !dutch.contains("1012JS"), "{dutch}");
    let early = format!("partner report --dir politie --year 2028 --now {second}");
    assert_eq!(desk.code(&early), "not_permitted");
    let err = text(&desk.run(&early, &[], b"").stderr);
    assert!(err.contains("the year 2028 has not begun: there is nothing to count"), "{err}");
}

#[test]
fn requests_by_data_subjects_are_noted_and_said_when_they_are_due() {
    let desk = consortium();
    let note = |more: &str| {
        format!("partner note-request --dir politie --actor f.officer --now 2027-03-01T09:00:00Z --case {more}")
    };
    let all = |day: &str| desk.stapel(&format!("partner requests --dir politie --now {day}T09:00:00Z"));
    assert_eq!(all("2027-03-01"), "nothing\n");
    let said = desk.stapel(&note("R-1 --received 2027-01-31"));
    assert_eq!(said, "R-1: came on 2027-01-31; late: was due by 2027-02-28\n");
    assert_eq!(desk.stapel(&note("R-2")), "R-2: came on 2027-03-01; answer by 2027-04-01\n");
    // An answer leaves the day on which the request came as it was.
    let said = desk.stapel(&note("R-1 --answer changed --answered 2027-02-15"));
    assert_eq!(said, "R-1: came on 2027-01-31; answered on 2027-02-15: corrected or erased\n");
    let said = all("2027-04-02");
    assert!(said.starts_with("R-2: came on 2027-03-01; late: was due by 2027-04-01\nR-1: "), "{said}");
    let said = desk.json("partner requests --dir politie --now 2027-04-01T09:00:00Z");
    assert_eq!(
        (&said[0]["late"], &said[0]["answer"], &said[1]["answer"]),
        (&false.into(), &().into(), &"changed".into())
    );
    // A day that is to be, an answer before the request, an answer that is none, and a day without an answer.
    assert_eq!(desk.code(&note("R-3 --received 2027-03-02")), "not_permitted");
    assert_eq!(desk.code(&note("R-2 --answer told --answered 2027-02-28")), "not_permitted");
    for wrong in ["R-2 --answer perhaps", "R-2 --answered 2027-03-01"] {
        assert_eq!(desk.run(&note(wrong), &[], b"").status.code(), Some(2), "{wrong}");
    }
    assert_eq!(all("2027-03-01").lines().count(), 2);
}
