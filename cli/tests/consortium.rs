//! Four partners and a broker, made with the command alone.

use serde_json::{Value, json};

use crate::common::Desk;

pub(crate) const PARTNERS: [(&str, &str); 4] = [
    ("politie", "Politie, eenheid \"Noord\""),
    ("fiscus", "Belastingdienst"),
    ("woonbron", "Woningcorporatie"),
    ("gemeente", "Gemeente Zaanstad"),
];

pub(crate) const BY: &str = "--actor j.jansen --case 2026-0117";

/// Keys, rosters and signatures of a consortium, made with the command alone.
pub(crate) fn consortium() -> Desk {
    consortium_counting("")
}

/// The same, with more lines under `[counting]` in the policy.
pub(crate) fn consortium_counting(counting: &str) -> Desk {
    founded(counting, "")
}

/// The coordinator's folder, and its name; it is partner 5.
pub(crate) const COORDINATOR: (&str, &str) = ("regie", "Coördinatiepunt");

/// The same, with a coordinator, and these lines under `[meet]` in the policy.
pub(crate) fn consortium_that_meets(meet: &str) -> Desk {
    founded("", &format!("[meet]\n{meet}\n"))
}

fn founded(counting: &str, meet: &str) -> Desk {
    let coordinator = Some(COORDINATOR).filter(|_| !meet.is_empty());
    let all: Vec<_> = PARTNERS.into_iter().chain(coordinator).collect();
    let desk = Desk::new();
    let made = desk.json("keygen secret --purpose ondermijning-zaanstad --epoch 1 --out half --parts 2");
    assert_eq!(made[0]["written"], json!(["half.1", "half.2"]));
    assert!(!desk.path("half").exists(), "nobody keeps the whole");

    let mut roster = String::new();
    for (number, (folder, name)) in (1..).zip(all.clone()) {
        let line = format!(
            "keygen policy --out {folder}.policy.key --organisation {folder} --oin 00000099{number:09}000 \
             --contact a@b.nl"
        );
        roster += &desk.stapel_with(&line, &["--name", name]);
        let line = format!("partner init --dir {folder} --number {number} --organisation {folder}");
        let basis = "Gemeentewet, artikel 172";
        let more: &[&str] = match Some((folder, name)) == coordinator {
            true => &["--name", name, "--legal-basis-coordinate", basis],
            false => &["--name", name, "--legal-basis-flag", basis, "--legal-basis-ask", basis],
        };
        roster += &desk.stapel_with(&line, more);
    }
    // Two see counts, two only that there is a stack.
    let roster = roster.replacen("\"presence\"", "\"count\"", 2);
    let operator = desk.stapel_with(
        "broker init --dir broker --oin 00000099000000009000 --log-origin stapel.example/zaanstad",
        &["--name", "Stichting Voorbeeldbroker"],
    );
    let key_id = made[0]["key_id"].as_str().unwrap();
    let policy = format!(
        "format = 1\nconsortium = \"zaanstad\"\nversion = 1\nvalid_from = 2026-12-01\n\
         purpose = \"ondermijning-zaanstad\"\n\
         legal_basis = \"WGS\"\nflag_criterion = \"Een eigen aanwijzing.\"\nafter_hit = \"Bel de coördinator.\"\n\
         coordinator = \"coordinatie@zaanstad.example\"\n{operator}\n[contact_point]\nname = \"Loket\"\n\
         telephone = \"14 075\"\n[counting]\nthreshold = 2\n{counting}\n{meet}[[epoch]]\n\
         number = 1\n\
         key_id = \"{key_id}\"\nopens = 2026-12-01\ncloses = 2027-11-30\n\n{roster}"
    );
    desk.write("policy.toml", policy);
    desk.stapel("policy check policy.toml");
    assert!(desk.stapel("policy explain policy.toml --lang nl").contains("Gemeente Zaanstad"));
    assert_eq!(desk.code("policy verify policy.toml"), "policy_signatures");
    for (folder, _) in &all {
        let signed = desk.stapel(&format!("policy sign policy.toml --key {folder}.policy.key"));
        assert_eq!(signed.trim(), format!("policy.toml.{folder}.sig"));
    }
    let digest = desk.stapel("policy digest policy.toml");
    assert_eq!(desk.json("policy verify policy.toml")[0]["digest"], digest.trim());

    assert_eq!(desk.code("keygen join half.1 --out whole.secret --policy policy.toml"), "secret_parts");
    desk.stapel("keygen join half.2 half.1 --out whole.secret --policy policy.toml");
    for (number, (folder, name)) in (1..).zip(all) {
        desk.stapel(&format!("partner adopt --dir {folder} --policy policy.toml"));
        if Some((folder, name)) != coordinator {
            desk.stapel(&format!("partner add-secret --dir {folder} whole.secret"));
        }
        certify(&desk, folder, folder, number, "policy.toml");
    }
    desk.stapel("broker init --dir broker --policy policy.toml --now 2026-12-01T08:00:00Z");
    desk
}

/// Has an organisation certify what keys its partner has in epoch 1, and gives the file's name.
pub(crate) fn certify(desk: &Desk, folder: &str, key: &str, number: u16, policy: &str) -> String {
    let keys = desk.stapel(&format!("partner keys --dir {folder} --epoch 1"));
    let line = format!("policy certify {policy} --key {key}.policy.key --partner {number} --epoch 1 {keys}");
    desk.stapel(&line).trim().to_owned()
}

/// Carries what is in a partner's outbox to the broker, and gives what the partner reads of the replies.
pub(crate) fn carry(desk: &Desk, folder: &str, now: &str) -> Vec<Value> {
    desk.stapel(&format!("broker handle --dir broker {folder}/outbox --now {now}"));
    desk.told(&format!("partner read --dir {folder} --now {now}"))
}

pub(crate) fn deliver(desk: &Desk, folder: &str, now: &str) -> Value {
    desk.stapel(&format!("partner deliver --dir {folder} --now {now}"));
    carry(desk, folder, now).remove(0)
}

/// The standings as `ref address standing`.
pub(crate) fn standings(read: &[Value]) -> Vec<String> {
    let rows = read.iter().filter(|value| value["reply"] == "standing");
    let shown = rows.map(|row| {
        let number = row.get("count").or(row.get("at_least")).map_or(String::new(), |number| format!(" {number}"));
        format!(
            "{} {} {}{number}",
            row["ref"].as_str().unwrap_or("-"),
            row["address"].as_str().unwrap(),
            row["standing"].as_str().unwrap()
        )
    });
    shown.collect()
}
