//! Each procedure of docs/keys.md, with the commands as they stand there.

use crate::common::{Desk, text};
use crate::consortium::{BY, PARTNERS, carry, certify, consortium, deliver};

/// Version 2 of a desk's policy, with pieces of its text replaced, each of which must be there.
fn second(desk: &Desk, changes: &[(&str, &str)]) {
    let version = format!("version = 2\nprevious = \"{}\"", desk.stapel("policy digest policy.toml").trim());
    let first = text(&desk.read("policy.toml")).replace("version = 1", &version);
    let second = changes.iter().fold(first, |text, (from, to)| {
        assert!(text.contains(from), "the policy has no {from:?}");
        text.replacen(from, to, 1)
    });
    desk.write("policy-2.toml", second);
}

fn sign(desk: &Desk, keys: &[&str]) {
    for key in keys {
        desk.stapel(&format!("policy sign policy-2.toml --previous policy.toml --key {key}.policy.key --lang nl"));
    }
}

/// The tables of an organisation and its partner in the policy's text.
fn tables_of(desk: &Desk, slug: &str) -> [String; 2] {
    let whole = text(&desk.read("policy.toml"));
    ["slug", "organisation"].map(|key| {
        let at = whole.find(&format!("\n{key} = \"{slug}\"\n")).unwrap();
        let start = whole[..at + 1].rfind("[[").unwrap();
        let end = whole[at..].find("[[").map_or(whole.len(), |next| at + next);
        whole[start..end].to_owned()
    })
}

/// Version 2 says that the tax office lost its policy key, and gives it the one of this table.
fn lost_key(desk: &Desk, table: &str) {
    let key_line = |table: &str| table.lines().find(|line| line.starts_with("policy_key")).unwrap().to_owned();
    let old = key_line(&tables_of(desk, "fiscus")[0]);
    let unsigned = "[unsigned]\norganisation = \"fiscus\"\nbecause = \"lost-key\"\nversion = 2\nepoch = 1\n\
                    announced = 2026-12-05\n[[epoch]]";
    second(
        desk,
        &[
            (&old, &key_line(table)),
            ("number = 2\n", "number = 5\n"),
            ("valid_from = 2026-12-01", "valid_from = 2027-01-04"),
            ("[[epoch]]", unsigned),
        ],
    );
}

const VERIFY: &str = "policy verify policy-2.toml --previous policy.toml";

#[test]
fn a_lost_policy_key_is_replaced_and_one_that_is_not_lost_vetoes() {
    let desk = consortium();
    let table = desk.stapel("keygen policy --out fiscus-2.policy.key --organisation fiscus");
    lost_key(&desk, &table);
    let said = desk.stapel("policy diff policy.toml policy-2.toml --lang nl");
    assert!(
        said.contains("ZONDER DE HANDTEKENING VAN fiscus") && said.contains("EEN ANDERE AFSPRAKENSLEUTEL"),
        "{said}"
    );
    sign(&desk, &["politie", "woonbron", "gemeente", "fiscus-2"]);
    desk.stapel(VERIFY);
    // The day that the version names is not enough: the broker's log announces it.
    let broker =
        |what: &str, now: &str| format!("broker {what} --dir broker --policy policy-2.toml --now {now}T09:00:00Z");
    desk.stapel("broker accept-clock --dir broker --date 2027-01-04 --now 2027-01-04T09:00:00Z");
    let partner = "partner adopt --dir politie --policy policy-2.toml --now 2027-02-03T09:00:00Z";
    assert_eq!(desk.code(&broker("adopt", "2027-01-04")), "policy_successor");
    assert_eq!(desk.code(partner), "policy_successor", "no reply of the broker has named it");
    let announced = desk.stapel(&broker("announce", "2027-01-04"));
    assert!(announced.contains("from 2027-02-03 on"), "{announced}");
    desk.stapel("broker accept-clock --dir broker --date 2027-02-02 --now 2027-02-02T09:00:00Z");
    assert_eq!(desk.stapel(&broker("announce", "2027-02-02")), announced, "once is enough");
    assert_eq!(desk.ended(&broker("adopt", "2027-02-02")), (75, "policy_not_yet".to_owned()));
    let lines = desk.stapel("broker log --dir broker --out log.jsonl --checkpoints checkpoints")
        + &text(&desk.read("log.jsonl"));
    assert_eq!(lines.matches("policy_announced").count(), 1);

    desk.stapel("policy veto policy.toml --key fiscus.policy.key");
    let veto = "policy.toml.fiscus.veto.sig";
    assert_eq!(desk.code("broker veto --dir broker policy-2.toml.politie.sig"), "policy_signature");
    // Who was sent it keeps it. It counts although whoever hands over the version leaves it out, or words that anew.
    desk.stapel(&format!("broker veto --dir broker {veto}"));
    desk.stapel(&format!("partner veto --dir politie {veto}"));
    assert_eq!(desk.code(&broker("adopt", "2027-02-03")), "policy_successor");
    let anew = text(&desk.read("policy-2.toml")).replace("announced = 2026-12-05", "announced = 2026-12-04");
    desk.write("policy-2.toml", anew);
    for key in ["politie", "woonbron", "gemeente", "fiscus-2"] {
        // Its signers forget that they signed the other.
        std::fs::remove_file(desk.path(&format!("{key}.policy.key.signed"))).unwrap();
    }
    sign(&desk, &["politie", "woonbron", "gemeente", "fiscus-2"]);
    assert_eq!(desk.code(&broker("announce", "2027-02-03")), "policy_successor");
    assert_eq!(desk.code(partner), "policy_successor");
}

#[test]
fn a_version_for_a_lost_key_that_nobody_vetoes_is_adopted_by_the_broker_first() {
    let desk = consortium();
    let table = desk.stapel("keygen policy --out fiscus-2.policy.key --organisation fiscus");
    lost_key(&desk, &table);
    sign(&desk, &["politie", "woonbron", "gemeente", "fiscus-2"]);
    desk.stapel("broker accept-clock --dir broker --date 2026-12-05 --now 2026-12-05T08:00:00Z");
    desk.stapel("broker announce --dir broker --policy policy-2.toml --now 2026-12-05T09:00:00Z");
    desk.stapel("broker accept-clock --dir broker --date 2027-01-04 --now 2027-01-04T08:00:00Z");
    desk.stapel("broker adopt --dir broker --policy policy-2.toml --now 2027-01-04T09:00:00Z");
    let adopt = "partner adopt --dir politie --policy policy-2.toml --now 2027-01-04T09:00:00Z";
    assert_eq!(desk.code(adopt), "policy_successor");
    desk.stapel("partner status --dir politie --request --now 2027-01-04T09:00:00Z");
    carry(&desk, "politie", "2027-01-04T09:00:00Z");
    desk.stapel(adopt);
}

/// The partner reads nothing between the version for a lost key and the next one, and the broker names that alone.
#[test]
fn a_partner_that_missed_a_version_for_a_lost_key_adopts_it_with_the_next() {
    let desk = consortium();
    let table = desk.stapel("keygen policy --out fiscus-2.policy.key --organisation fiscus");
    lost_key(&desk, &table);
    let all = ["politie", "woonbron", "gemeente", "fiscus-2"];
    sign(&desk, &all);
    let digest = desk.stapel("policy digest policy-2.toml");
    let second = text(&desk.read("policy-2.toml"));
    let version = second.lines().find(|line| line.starts_with("previous")).unwrap();
    let third = second.replacen("version = 2\n", "version = 3\nfreshness_days = 20\n", 1);
    desk.write("policy-3.toml", third.replacen(version, &format!("previous = \"{}\"", digest.trim()), 1));
    for key in all {
        desk.stapel(&format!("policy sign policy-3.toml --previous policy-2.toml --key {key}.policy.key --lang nl"));
    }
    desk.stapel("broker accept-clock --dir broker --date 2026-12-05 --now 2026-12-05T08:00:00Z");
    desk.stapel("broker announce --dir broker --policy policy-2.toml --now 2026-12-05T09:00:00Z");
    desk.stapel("broker accept-clock --dir broker --date 2027-01-04 --now 2027-01-04T08:00:00Z");
    let now = "2027-01-04T09:00:00Z";
    for version in ["policy-2.toml", "policy-3.toml"] {
        desk.stapel(&format!("broker adopt --dir broker --policy {version} --now {now}"));
    }
    let alone = format!("partner adopt --dir politie --policy policy-2.toml --now {now}");
    let together = format!("partner adopt --dir politie --policy policy-2.toml --policy policy-3.toml --now {now}");
    assert_eq!(desk.code(&together), "policy_successor", "no reply of the broker was read");
    desk.stapel(&format!("partner status --dir politie --request --now {now}"));
    carry(&desk, "politie", now);
    assert_eq!(desk.code(&alone), "policy_successor", "the reply names version 3");
    let said = desk.stapel(&together);
    assert!(said.contains("policy version 3"), "{said}");
    desk.stapel(&together);
}

#[test]
fn a_version_that_cannot_come_into_force_is_replaced_by_one_that_says_so() {
    let desk = consortium();
    second(&desk, &[("[[epoch]]", "[retention]\nmax_days = 90\n[[epoch]]")]);
    let all = ["politie", "fiscus", "woonbron", "gemeente"];
    sign(&desk, &all);
    let void = desk.stapel("policy digest policy-2.toml");
    let text = text(&desk.read("policy-2.toml")).replace("max_days = 90", "max_days = 100");
    desk.write("policy-2b.toml", text.replacen("valid_from", &format!("voids = [\"{}\"]\nvalid_from", void.trim()), 1));
    let sign = |key: &str| format!("policy sign policy-2b.toml --previous policy.toml --key {key}.policy.key");
    assert_eq!(desk.code(&sign("politie")), "policy_signature", "it was not read");
    for key in all {
        let said = desk.stapel(&format!("{} --void policy-2.toml", sign(key)));
        assert!(said.contains("VOID WITH THIS") && said.contains("Was: \"90 days\". Becomes: \"100 days\""), "{said}");
    }
    assert!(desk.stapel("policy evidence policy-2.toml policy-2b.toml").starts_with("no organisation"));
    desk.stapel("policy verify policy-2b.toml --previous policy.toml");
    let now = "2026-12-02T09:00:00Z";
    let adopted = desk.stapel(&format!("broker adopt --dir broker --policy policy-2b.toml --now {now}"));
    assert!(adopted.contains(void.trim()), "{adopted}");
    assert_eq!(desk.code(&format!("broker adopt --dir broker --policy policy-2.toml --now {now}")), "policy_successor");
}

#[test]
fn a_stolen_policy_key_is_replaced_by_its_organisation() {
    let desk = consortium();
    let table = desk.stapel("keygen policy --out politie-2.policy.key");
    let key_line = |table: &str| table.lines().find(|line| line.starts_with("policy_key")).unwrap().to_owned();
    second(&desk, &[(&key_line(&tables_of(&desk, "politie")[0]), &key_line(&table))]);
    sign(&desk, &["fiscus", "woonbron", "gemeente", "politie-2"]);
    assert_eq!(desk.code(VERIFY), "policy_signatures");
    sign(&desk, &["politie"]);
    assert!(desk.path("policy-2.toml.politie.in-force.sig").exists());
    desk.stapel(VERIFY);
    // What the old key certified ends with it.
    let certificate = certify(&desk, "politie", "politie-2", 1, "policy-2.toml");
    assert_eq!(certificate, "1.1.2.cert");
    desk.stapel("broker adopt --dir broker --policy policy-2.toml --now 2026-12-02T09:00:00Z");
    let status = desk.json("broker status --dir broker");
    assert_eq!(status[0]["policy_version"], 2);
    let of_police = |one: &&serde_json::Value| one["partner"] == 1;
    let kept: Vec<_> = status[0]["certificates"].as_array().unwrap().iter().filter(of_police).collect();
    assert_eq!((kept.len(), &kept[0]["serial"]), (1, &2.into()));
}

#[test]
fn a_lost_message_key_is_replaced_without_a_newer_policy() {
    let desk = consortium();
    let now = "2026-12-01T09:00:00Z";
    desk.write("flags.csv", "adres\n\"Dam 9, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} flags.csv --now {now}"));
    assert_eq!(deliver(&desk, "politie", now)["reply"], "receipt");
    desk.write("more.csv", "adres\n\"Dam 10, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} more.csv --now {now}"));
    desk.stapel(&format!("partner deliver --dir politie --now {now}"));

    std::fs::remove_file(desk.path("politie/partner.key")).unwrap();
    let lost = desk.run("partner status --dir politie", &[], b"");
    assert!(text(&lost.stderr).contains("stapel keygen signing"), "{}", text(&lost.stderr));
    desk.stapel("keygen signing --out politie/partner.key");
    let certificate = certify(&desk, "politie", "politie", 1, "policy.toml");
    assert_eq!(certificate, "1.1.2.cert");
    let kept = desk.stapel(&format!("broker certify --dir broker {certificate} --now {now}"));
    assert!(kept.contains("partner 1 is certified in epoch 1"), "{kept}");
    assert!(desk.stapel(&format!("broker certify --dir broker {certificate} --now {now}")).contains("kept before"));
    desk.stapel(&format!("partner add-certificate --dir politie {certificate}"));
    assert_eq!(carry(&desk, "politie", now)[0]["code"], "bad_signature", "it was signed with the lost key");
    let lost = desk.delivery("politie/outbox").replace("politie/outbox/", "");
    desk.stapel(&format!("partner give-up --dir politie {lost} --now {now}"));
    let receipt = deliver(&desk, "politie", now);
    assert_eq!((&receipt["reply"], &receipt["held"]), (&"receipt".into(), &2.into()), "{receipt}");
    // An older certificate does not come back.
    desk.stapel("broker certify --dir broker 1.1.1.cert");
    let [message, seal] = ["ab", "cd"].map(|pair| pair.repeat(32));
    desk.stapel(&format!(
        "policy certify policy.toml --key politie.policy.key --partner 1 --epoch 1 --serial 3 --message-key {message} \
         --seal-key {seal}"
    ));
    assert_eq!(desk.code("broker certify --dir broker 1.1.3.cert"), "certificate", "another seal key");
    let foreign = format!(
        "policy certify policy.toml --key fiscus.policy.key --partner 1 --epoch 1 --message-key {message} \
         --seal-key {seal}"
    );
    assert_eq!(desk.code(&foreign), "certificate", "the police are not theirs");
}

#[test]
fn a_stolen_message_key_is_suspended_and_another_certified() {
    let desk = consortium();
    let now = "2026-12-01T09:00:00Z";
    desk.write("flags.csv", "adres\n\"Dam 9, 1012 JS\"\n");
    for (folder, _) in PARTNERS {
        desk.stapel(&format!("partner flag --dir {folder} {BY} flags.csv --now {now}"));
        assert_eq!(deliver(&desk, folder, now)["reply"], "receipt");
    }
    let noon = "2026-12-02T12:00:00Z";
    desk.stapel(&format!("broker release --dir broker --now {noon}"));
    let released = || desk.json("broker status --dir broker")[0]["epochs"][0]["partners"][0]["released"].clone();
    assert_eq!(released(), 1);
    let made = desk.stapel(&format!("policy suspend policy.toml --key politie.policy.key --partner 1 --now {noon}"));
    assert_eq!(made.trim(), "1.1.2.cert");
    let kept = desk.stapel(&format!("broker certify --dir broker 1.1.2.cert --now {noon}"));
    assert!(kept.contains("partner 1 is suspended in epoch 1 from 2026-12-02 on"), "{kept}");
    desk.stapel(&format!("partner confirm --dir politie --now {noon}"));
    assert_eq!(carry(&desk, "politie", noon)[0]["code"], "not_certified");
    desk.stapel("partner add-certificate --dir politie 1.1.2.cert");
    assert_eq!(desk.code(&format!("partner confirm --dir politie --now {noon}")), "not_certified");
    assert!(desk.stapel("broker status --dir broker").contains("suspension of partner 1 in epoch 1: serial 2"));
    let after = "2026-12-03T09:00:00Z";
    desk.stapel(&format!("broker release --dir broker --now {after}"));
    assert_eq!(released(), 0);

    std::fs::remove_file(desk.path("politie/partner.key")).unwrap();
    desk.stapel("keygen signing --out politie/partner.key");
    assert_eq!(certify(&desk, "politie", "politie", 1, "policy.toml"), "1.1.3.cert");
    desk.stapel(&format!("broker certify --dir broker 1.1.3.cert --now {after}"));
    desk.stapel("partner add-certificate --dir politie 1.1.3.cert");
    // It does not know yet that the broker holds nothing of it.
    desk.stapel(&format!("partner confirm --dir politie --now {after}"));
    assert_eq!(carry(&desk, "politie", after)[0]["code"], "full_set_required");
    let receipt = deliver(&desk, "politie", after);
    assert_eq!((&receipt["reply"], &receipt["held"]), (&"receipt".into(), &1.into()), "{receipt}");
}

#[test]
fn an_organisation_is_put_out_and_another_joins() {
    let desk = consortium();
    desk.stapel("keygen secret --purpose ondermijning-zaanstad --epoch 2 --out second.secret");
    let id = desk.json("keygen show second.secret")[0]["key_id"].as_str().unwrap().to_owned();
    let mut joiner = desk.stapel_with(
        "keygen policy --out brandweer.policy.key --organisation brandweer --oin 00000099000000005000 --contact a@b.nl",
        &["--name", "Brandweer"],
    );
    joiner += "first_epoch = 2\n";
    joiner += &desk.stapel_with(
        "partner init --dir brandweer --number 5 --name Brandweer --organisation brandweer",
        &["--legal-basis-flag", "Wet", "--legal-basis-ask", "Wet"],
    );
    let [organisation, partner] = tables_of(&desk, "fiscus");
    let epochs = format!(
        "closes = 2026-12-31\n\n[[epoch]]\nnumber = 2\nkey_id = \"{id}\"\nopens = 2026-12-03\ncloses = 2027-11-30\n\n\
         [unsigned]\norganisation = \"fiscus\"\nbecause = \"leaves\"\nversion = 2\nepoch = 2\n"
    );
    second(
        &desk,
        &[
            (&organisation, &joiner),
            (&partner, ""),
            ("valid_from = 2026-12-01", "valid_from = 2026-12-03"),
            ("closes = 2027-11-30", &epochs),
        ],
    );
    sign(&desk, &["politie", "woonbron", "gemeente"]);
    assert_eq!(desk.code(VERIFY), "policy_signatures", "the new one has not signed");
    sign(&desk, &["brandweer"]);
    desk.stapel(VERIFY);
    desk.stapel("broker adopt --dir broker --policy policy-2.toml --now 2026-12-03T00:00:00Z");
    desk.stapel("partner adopt --dir brandweer --policy policy-2.toml");
    // Of the epoch before it gets neither the secret nor a certificate.
    assert_eq!(desk.code("partner add-secret --dir brandweer whole.secret"), "secret_mismatch");
    let before = desk.stapel("partner keys --dir brandweer --epoch 1");
    let line = format!("policy certify policy-2.toml --key brandweer.policy.key --partner 5 --epoch 1 {before}");
    assert_eq!(desk.code(&line), "certificate");
    desk.stapel("partner add-secret --dir brandweer second.secret");
    let keys = desk.stapel("partner keys --dir brandweer --epoch 2");
    let line = format!("policy certify policy-2.toml --key brandweer.policy.key --partner 5 --epoch 2 {keys}");
    assert_eq!(desk.stapel(&line).trim(), "5.2.1.cert");
    desk.stapel("broker certify --dir broker 5.2.1.cert --now 2026-12-03T00:00:00Z");
    let now = "2026-12-03T09:00:00Z";
    desk.stapel(&format!("partner confirm --dir brandweer --now {now}"));
    assert_eq!(carry(&desk, "brandweer", now)[0]["reply"], "receipt");
    desk.stapel(&format!("partner confirm --dir fiscus --now {now}"));
    assert_ne!(carry(&desk, "fiscus", now)[0]["reply"], "receipt", "it takes no part any more");
}

#[test]
fn another_operator_begins_with_keys_of_its_own() {
    let desk = consortium();
    desk.write("flags.csv", "adres\n\"Dam 9, 1012 JS\"\n");
    desk.stapel(&format!("partner flag --dir politie {BY} flags.csv --now 2026-12-01T09:00:00Z"));
    desk.stapel("partner deliver --dir politie --now 2026-12-01T09:00:00Z");
    assert_eq!(carry(&desk, "politie", "2026-12-01T09:00:00Z")[0]["reply"], "receipt");
    let operator = desk.stapel_with(
        "broker init --dir new --oin 00000099000000008000 --log-origin stapel.example/2/zaanstad",
        &["--name", "Stichting Andere"],
    );
    let policy = text(&desk.read("policy.toml"));
    let start = policy.find("[operator]").unwrap();
    let end = policy.find("[contact_point]").unwrap();
    second(&desk, &[(&policy[start..end], &operator)]);
    sign(&desk, &PARTNERS.map(|(slug, _)| slug));
    let now = "2026-12-02T09:00:00Z";
    assert_eq!(desk.code(&format!("broker adopt --dir broker --policy policy-2.toml --now {now}")), "policy_operator");
    desk.stapel(&format!("broker init --dir new --policy policy-2.toml --now {now}"));
    desk.stapel(&format!("partner adopt --dir politie --policy policy-2.toml --now {now}"));
    desk.stapel(&format!("partner status --dir politie --request --now {now}"));
    desk.stapel(&format!("broker handle --dir new politie/outbox --now {now}"));
    desk.stapel(&format!("partner read --dir politie --now {now}"));
    desk.stapel(&format!("partner deliver --dir politie --now {now}"));
    desk.stapel(&format!("broker handle --dir new politie/outbox --now {now}"));
    let read = desk.json(&format!("partner read --dir politie --now {now}"));
    assert_eq!((&read[0]["reply"], &read[0]["held"]), (&"receipt".into(), &1.into()), "{read:?}");
    // What was known of the old one is not held against the new one, also where only the journal is left.
    std::fs::remove_file(desk.path("politie/state.sealed")).unwrap();
    assert_eq!(desk.code("partner status --dir politie"), "partner_folder");
    assert_eq!(desk.code("partner add-certificate --dir politie 2.1.1.cert"), "partner_folder", "not its key");
    desk.stapel("partner add-certificate --dir politie 1.1.1.cert");
    desk.stapel("partner add-certificate --dir politie 2.1.1.cert");
    assert!(desk.path("politie/2.1.1.cert").exists(), "by it another is known");
    desk.stapel(&format!("partner status --dir politie --request --now {now}"));
    desk.stapel(&format!("broker handle --dir new politie/outbox --now {now}"));
    desk.stapel(&format!("partner read --dir politie --now {now}"));
    let is_evidence = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("evidence-");
    let entries = std::fs::read_dir(desk.path("politie")).unwrap();
    assert!(!entries.map(Result::unwrap).any(is_evidence), "nobody went back");
}

/// Versions 2, 3 and 4 of the consortium's policy, signed by all.
fn three_versions(desk: &Desk) {
    let mut before = ("policy.toml".to_owned(), "version = 1\n".to_owned());
    for version in 2..=4 {
        let digest = desk.stapel(&format!("policy digest {}", before.0));
        let line = format!("version = {version}\nprevious = \"{}\"\n", digest.trim());
        let newer = text(&desk.read("policy.toml")).replacen("version = 1\n", &line, 1);
        let name = format!("policy-{version}.toml");
        desk.write(
            &name,
            newer.replacen("[[epoch]]", &format!("[retention]\nmax_days = {}\n[[epoch]]", 80 + version), 1),
        );
        for key in ["politie", "fiscus", "woonbron", "gemeente"] {
            desk.stapel(&format!("policy sign {name} --previous {} --key {key}.policy.key", before.0));
        }
        before = (name, line);
    }
}

#[test]
fn versions_are_adopted_in_their_order_and_each_is_told() {
    let desk = consortium();
    three_versions(&desk);
    let now = "2026-12-02T09:00:00Z";
    let adopt = |folder: &str, versions: &[u32]| {
        let files: String = versions.iter().map(|version| format!(" --policy policy-{version}.toml")).collect();
        format!("partner adopt --dir {folder}{files} --now {now}")
    };
    let failed = |line: &str, status| {
        let output = desk.run(line, &[], b"");
        assert_eq!(output.status.code(), Some(status), "{line}");
        (text(&output.stdout), text(&output.stderr))
    };
    let version = |folder: &str| desk.json(&format!("partner status --dir {folder}"))[0]["policy_version"].clone();

    // One is missing: nothing is adopted.
    let (_, error) = failed(&adopt("politie", &[2, 4]), 1);
    assert!(error.starts_with("stapel: policy-4.toml: ") && error.contains("version 3 is missing"), "{error}");
    assert_eq!(version("politie"), 1);
    // One that does not hold: those before it are adopted, and that is said.
    std::fs::rename(desk.path("policy-4.toml.fiscus.sig"), desk.path("aside")).unwrap();
    let (said, error) = failed(&adopt("politie", &[4, 2, 3]), 3);
    assert!(error.starts_with("stapel: policy-4.toml: ") && error.contains("version 3 is in force here"), "{error}");
    assert!(said.contains("policy version 2, ") && said.contains("policy version 3, "), "{said}");
    std::fs::rename(desk.path("aside"), desk.path("policy-4.toml.fiscus.sig")).unwrap();
    // Those that were adopted are passed over, in any order, and once more.
    let output = desk.run(&adopt("politie", &[4, 3, 2, 2]), &[], b"");
    let (said, noted) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && said.contains("policy version 4, "), "{said}{noted}");
    assert_eq!(noted.matches("was adopted already").count(), 3, "{noted}");
    assert!(!said.contains("does not follow"), "{said}");
    assert_eq!(version("politie"), 4);

    let said = desk.stapel(&adopt("fiscus", &[2, 3, 4]));
    assert!(said.contains("Becomes: \"82 days\"") && said.contains("Becomes: \"84 days\""), "{said}");
    assert!(!said.contains("does not follow"), "{said}");
    assert_eq!(said.matches("policy version ").count(), 3, "{said}");

    // What the broker holds to is no other policy once it is adopted.
    for number in 2..=4 {
        desk.stapel(&format!("broker adopt --dir broker --policy policy-{number}.toml --now {now}"));
    }
    desk.write("a.csv", "postcode,huisnummer\n1012JS,1\n1012JS,3\n");
    desk.stapel(&format!("partner flag --dir woonbron {BY} a.csv --now {now}"));
    desk.stapel(&format!("partner confirm --dir woonbron --now {now}"));
    carry(&desk, "woonbron", now);
    assert!(desk.stapel("partner status --dir woonbron").contains("the broker holds to another policy"));
    desk.stapel(&adopt("woonbron", &[2, 3, 4]));
    let status = desk.stapel("partner status --dir woonbron");
    assert!(!status.contains("the broker holds to another policy"), "{status}");

    // And what a policy with fewer days does to flags is said once.
    let output = desk.run(&format!("partner deliver --dir woonbron --json --now {now}"), &[], b"");
    let (said, noted) = (text(&output.stdout), text(&output.stderr));
    assert!(said.starts_with("{\"shortened\":2,\"ended\":0}\n"), "{said}{noted}");
    assert!(noted.contains("2 flags were shortened, and 0 ended"), "{noted}");
    assert!(!desk.stapel(&format!("partner deliver --dir woonbron --json --now {now}")).contains("shortened"));
}
