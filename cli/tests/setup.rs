//! A consortium made of enrolment files, and how its policy goes on: who joins, who leaves, and keys that are lost.

use crate::common::{Desk, text};
use crate::consortium::carry;

const NAMES: [&str; 4] = ["politie", "fiscus", "woonbron", "gemeente"];

const TEXTS: &str = "legal_basis = \"Wgs\"\nflag_criterion = \"Een eigen aanwijzing.\"\nafter_hit = \"\"\"\nBel de \
                     coördinator.\"\"\"\ncoordinator = \"coordinatie@zaanstad.example\"\n[contact_point]\nname = \
                     \"Privacyloket\"\nemail = \"privacy@zaanstad.example\"\n";

const NEW: &str = "policy new --consortium zaanstad --purpose ondermijning --valid-from 2026-12-01 --out policy.toml";

/// An organisation and its partner, enrolled in NAME.toml and NAME-NUMBER.toml.
fn enrol(desk: &Desk, name: &str, number: u16) -> String {
    policy_key(desk, name, number, name) + &partner(desk, name, number)
}

/// A policy key of an organisation in FILE.policy.key, enrolled in FILE.toml.
fn policy_key(desk: &Desk, name: &str, number: u16, file: &str) -> String {
    desk.stapel_with(
        &format!(
            "keygen policy --out {file}.policy.key --organisation {name} --oin 00000099{number:09}000 --enrolment \
             {file}.toml"
        ),
        &["--name", &format!("De {name}"), "--contact", "Sleutelbeheer, 075 000 00 00"],
    )
}

fn partner(desk: &Desk, name: &str, number: u16) -> String {
    desk.stapel_with(
        &format!(
            "partner init --dir {name}-{number} --number {number} --organisation {name} --enrolment \
             {name}-{number}.toml"
        ),
        &["--name", &format!("De {name} \"zelf\""), "--legal-basis-flag", "Wet, 1", "--legal-basis-ask", "Wet, 2"],
    )
}

fn secret(desk: &Desk, epoch: u32) -> String {
    desk.stapel(&format!(
        "keygen secret --purpose ondermijning --epoch {epoch} --out epoch-{epoch}.secret --enrolment epoch-{epoch}.toml"
    ))
}

/// All enrolments of a consortium; what the commands said of them.
fn enrolled() -> (Desk, String) {
    let desk = Desk::new();
    desk.write("texts.toml", TEXTS);
    let mut said = desk.stapel_with(
        "broker init --dir broker --oin 00000099000000009000 --log-origin stapel.example/zaanstad --address \
         https://stapel.example --enrolment operator.toml",
        &["--name", "Stichting Voorbeeldbroker"],
    );
    said += &secret(&desk, 1);
    for (number, name) in (1..).zip(NAMES) {
        said += &enrol(&desk, name, number);
    }
    (desk, said)
}

fn files() -> String {
    let theirs = (1..).zip(NAMES).map(|(number, name): (u16, _)| format!("{name}.toml {name}-{number}.toml"));
    format!("operator.toml epoch-1.toml {}", theirs.collect::<Vec<_>>().join(" "))
}

/// A consortium whose broker and partners go by policy.toml.
fn founded() -> Desk {
    let (desk, said) = enrolled();
    let new = desk.stapel(&format!("{NEW} --texts texts.toml {}", files()));
    let codes: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("check code: ")).collect();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 24 && new.contains(code)), "{new}");
    desk.stapel("policy check policy.toml");
    for name in NAMES {
        desk.stapel(&format!("policy sign policy.toml --key {name}.policy.key"));
    }
    desk.stapel("policy verify policy.toml");
    for (number, name) in (1..).zip(NAMES) {
        begin(&desk, name, number, 1, "policy.toml");
    }
    desk.stapel("broker init --dir broker --policy policy.toml --now 2026-12-01T08:00:00Z");
    desk
}

/// Has a partner adopt a policy, take an epoch's secret, and be certified.
fn begin(desk: &Desk, name: &str, number: u16, epoch: u32, policy: &str) -> String {
    let dir = format!("{name}-{number}");
    desk.stapel(&format!("partner adopt --dir {dir} --policy {policy} --now 2026-12-01T08:00:00Z"));
    desk.stapel(&format!("partner add-secret --dir {dir} epoch-{epoch}.secret"));
    let keys = format!("keys-{number}-{epoch}.toml");
    let wrote = desk.stapel(&format!("partner keys --dir {dir} --epoch {epoch} --enrolment {keys}"));
    let said = desk.stapel(&format!("policy certify {policy} --key {name}.policy.key --keys {keys}"));
    let code = |text: &str| text.split_once("check code: ").unwrap().1.lines().next().unwrap().to_owned();
    assert_eq!(code(&wrote), code(&said));
    said.lines().last().unwrap().to_owned()
}

fn sign(desk: &Desk, keys: &[&str]) {
    for key in keys {
        desk.stapel(&format!("policy sign policy-2.toml --previous policy.toml --key {key}.policy.key"));
    }
}

const NEXT: &str = "policy next policy.toml --out policy-2.toml --now 2026-12-03T09:00:00Z";
const VERIFY: &str = "policy verify policy-2.toml --previous policy.toml";

/// What is said on standard error by a command that must write nothing.
fn refused(desk: &Desk, line: &str) -> String {
    let output = desk.run(line, &[], b"");
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "stapel {line}\n{error}");
    assert!(error.trim_end().ends_with("[enrolment]"), "{error}");
    error
}

#[test]
fn a_consortium_is_made_of_enrolments_and_its_partners_are_heard() {
    let desk = founded();
    let policy = text(&desk.read("policy.toml"));
    assert!(policy.contains("addresses = [\"https://stapel.example\"]") && policy.contains("De fiscus \\\"zelf\\\""));
    let now = "2026-12-01T09:00:00Z";
    desk.stapel(&format!("partner confirm --dir fiscus-2 --now {now}"));
    assert_eq!(carry(&desk, "fiscus-2", now)[0]["reply"], "receipt");
    // Comments and keys of the next version stay as they were written.
    let edited = policy.replace("threshold = 2  ", "threshold = 3 # three, we said\n# more:\n");
    desk.write("policy.toml", edited);
    desk.stapel(NEXT);
    let next = text(&desk.read("policy-2.toml"));
    assert!(next.contains("version = 2\nprevious = \"") && next.contains("threshold = 3 # three, we said\n# more:\n"));
    assert!(next.contains("valid_from = 2026-12-03\n"));
}

#[test]
fn one_user_without_a_provider_is_asked_for_by_the_partner_and_shown_by_the_policy() {
    let (desk, _) = enrolled();
    let init =
        "partner init --dir one --number 1 --organisation politie --name Politie --legal-basis-flag a --one-user";
    assert!(desk.stapel(init).contains("\nsign_in = \"one-user\"\n"));
    desk.stapel(&format!("{} --enrolment one.toml", init.replace("--dir one", "--dir again")));
    desk.stapel(&format!("{NEW} --texts texts.toml {}", files().replace("politie-1.toml", "one.toml")));
    assert_eq!(text(&desk.read("policy.toml")).matches("sign_in = \"one-user\"").count(), 1);
    let check = desk.stapel("policy check policy.toml --lang nl");
    assert!(check.contains("[one-user]"), "{check}");
}

#[test]
fn everything_that_is_missing_is_said_at_once() {
    let (desk, _) = enrolled();
    let said = refused(&desk, &format!("{NEW} politie.toml woonbron-3.toml"));
    for missing in [
        "there is no legal_basis",
        "there is no flag_criterion",
        "there is no after_hit",
        "there is no coordinator",
        "there is no contact_point",
        "there is no operator",
        "there is no epoch",
        "no partner is of 'politie'",
        "no enrolment is of that organisation",
    ] {
        assert!(said.contains(missing), "{missing}: {said}");
    }
    assert!(!desk.path("policy.toml").exists());
    // What an enrolment needs, before a key is drawn.
    let output = desk.run("keygen policy --out other.policy.key --enrolment other.toml", &[], b"");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(["--organisation", "--name", "--oin", "--contact"].iter().all(|option| said.contains(option)), "{said}");
    let line = "partner init --dir other --number 9 --organisation other --name Other --enrolment other.toml";
    assert_eq!(desk.ended(line), (2, "usage".to_owned()));
    let line = "broker init --dir other --oin 00000099000000009000 --name B --log-origin nowhere/A --enrolment o.toml";
    assert!(refused(&desk, line).contains("operator.log_origin"));
    let line = "keygen secret --purpose p --epoch 2 --out s --enrolment operator.toml";
    assert_eq!(desk.code(line), "io", "it is there already");
    assert!(["other.policy.key", "other", "s"].iter().all(|name| !desk.path(name).exists()));
}

#[test]
fn what_is_wrong_with_a_version_that_was_not_written_names_no_line_of_it() {
    let (desk, _) = enrolled();
    let says = |line: &str, wanted: &str| {
        let said = refused(&desk, line);
        assert!(said.contains(wanted) && !said.contains("line "), "{wanted}: {said}");
    };
    let new = format!("{NEW} --texts texts.toml {}", files());
    says(&format!("{new} --closes 2026-11-29"), "--closes");
    says(&format!("{new} --contact-point Loket --contact-telephone 1"), "--contact-telephone");
    says(&format!("{new} --contact-point Loket"), "--contact-point with");
    desk.write("texts.toml", TEXTS.replace("\"Wgs\"", "\"\""));
    says(&new, "--legal-basis");
    assert!(!desk.path("policy.toml").exists());

    let desk = founded();
    secret(&desk, 2);
    let said = refused(&desk, &format!("{NEXT} --epoch epoch-2.toml --opens 2027-03-01 --closes 2027-02-01"));
    assert!(said.contains("--closes") && !said.contains("line "), "{said}");
    let said = refused(&desk, &format!("{NEXT} --address stapel.example"));
    assert!(said.contains("--address") && !said.contains("line "), "{said}");
    // Of the policy that is followed there is a file, and a line is one of that.
    desk.write("policy.toml", text(&desk.read("policy.toml")).replace("threshold = 2", "threshold = two"));
    let said = text(&desk.run(NEXT, &[], b"").stderr);
    assert!(said.contains("policy.toml") && said.contains("line "), "{said}");
}

#[test]
fn a_pack_that_cannot_be_written_leaves_no_policy() {
    let (desk, _) = enrolled();
    desk.write("file", "mine");
    let new = format!("{NEW} --texts texts.toml {}", files());
    for (pack, named) in [("file/sub", "file/sub"), ("file", "file")] {
        let output = desk.run(&format!("{new} --pack {pack}"), &[], b"");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(named) && !said.contains(".stapel-") && !desk.path("policy.toml").exists(), "{said}");
    }
    // The folder of the policy itself.
    let said = text(&desk.run(&new.replace("--out policy.toml", "--out none/policy.toml"), &[], b"").stderr);
    assert!(said.contains("none/policy.toml") && !said.contains(".stapel-"), "{said}");
    desk.stapel(&format!("{new} --pack start"));
}

#[test]
fn an_enrolment_that_was_changed_or_does_not_fit_is_refused() {
    let (desk, _) = enrolled();
    let whole = text(&desk.read("politie.toml"));
    let twice = |what: &str| format!("{NEW} --texts texts.toml {} {what}", files());
    for (from, to, says) in [
        ("075 000 00 00", "075 000 00 01", "the file was changed or damaged"),
        ("name = ", "nam = ", "there is no such key as"),
        ("format = 1", "format = 2", "is not a format"),
        ("[organisation]", "[partner]", "there is no"),
        ("[organisation]", "[[organisation]]", "a table"),
    ] {
        assert!(whole.contains(from));
        desk.write("changed.toml", whole.replacen(from, to, 1));
        let said = refused(&desk, &twice("changed.toml"));
        assert!(said.contains("changed.toml: ") && said.contains(says), "{said}");
    }
    desk.write("changed.toml", whole);
    let said = refused(&desk, &twice("changed.toml operator.toml epoch-1.toml"));
    for says in ["the same slug", "the same OIN", "the same policy key", "2 enrolments of an operator", "of an epoch"] {
        assert!(said.contains(says), "{says}: {said}");
    }
    let said = refused(&desk, &twice("texts.toml nothing.toml"));
    assert!(said.contains("texts.toml: ") && said.contains("nothing.toml"), "{said}");
    let other = NEW.replace("zaanstad", "purmerend").replace("ondermijning", "zorg");
    let said = refused(&desk, &format!("{other} --texts texts.toml {}", files()));
    assert!(said.contains("does not end in /purmerend") && said.contains("not for 'zorg'"), "{said}");
    desk.write("wrong.toml", "legal_bases = \"Wgs\"\n");
    refused(&desk, &format!("{NEW} --texts wrong.toml {}", files()));
    // A policy that is there is not written over, and one that is not safe is written and said to be.
    desk.write("policy.toml", "mine");
    assert_eq!(desk.code(&twice("")), "io");
    assert_eq!(desk.read("policy.toml"), b"mine");
    let unsafe_one = twice("").replace("policy.toml", "other.toml") + " --closes 2026-12-20";
    assert_eq!(desk.ended(&unsafe_one), (3, "policy_unsafe".to_owned()));
    assert!(desk.path("other.toml").exists());
}

#[test]
fn flags_show_at_once_in_a_test_and_its_texts_are_made_up() {
    let (desk, _) = enrolled();
    desk.stapel(&format!("{NEW} --test {}", files()));
    let policy = text(&desk.read("policy.toml"));
    assert!(policy.contains("\ntest = true\n") && policy.contains("immediate = true"), "{policy}");
    desk.stapel("policy check policy.toml");
    // And so does a policy for tests alone get certificates for trying, once.
    let said = desk.stapel("keygen test-tls --policy policy.toml --out tls");
    assert_eq!((desk.list("tls").len(), said.lines().count()), (12, 12));
    let before = desk.read("tls/ca.pem");
    assert_eq!(desk.code("keygen test-tls --policy policy.toml --out tls"), "io");
    assert_eq!(desk.read("tls/ca.pem"), before);
    // What the system refuses is said with what helps.
    let said = text(&desk.run("keygen test-tls --policy policy.toml --out policy.toml/tls", &[], b"").stderr);
    assert!(said.contains("a part of the path is no folder"), "{said}");
    desk.write("policy.toml", policy.replace("test = true", "").replace("immediate = true", ""));
    assert_eq!(desk.code("keygen test-tls --policy policy.toml --out other"), "not_for_tests");
    assert!(!desk.path("other").exists());
}

#[test]
fn a_certificate_is_not_made_of_other_enrolments() {
    let desk = founded();
    for file in ["politie.toml", "operator.toml"] {
        refused(&desk, &format!("policy certify policy.toml --key politie.policy.key --keys {file}"));
    }
    let other = text(&desk.read("policy.toml")).replace("zaanstad\"", "purmerend\"");
    desk.write("other.toml", other);
    let said = refused(&desk, "policy certify other.toml --key politie.policy.key --keys keys-1-1.toml");
    assert!(said.contains("consortium zaanstad"), "{said}");
    // Nor with another organisation's key; and no check code is given to read out before that is known.
    let output = desk.run("policy certify policy.toml --key fiscus.policy.key --keys keys-1-1.toml", &[], b"");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()), "{}", text(&output.stderr));
    let output = desk.run("policy certify policy.toml --key politie.policy.key", &[], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_was_certified_last_is_not_certified_again_unless_a_serial_is_given() {
    let desk = founded();
    let certify = "policy certify policy.toml --key politie.policy.key --keys keys-1-1.toml";
    let output = desk.run(certify, &[], b"");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && out.ends_with("\n1.1.1.cert\n"), "{out}{err}");
    assert!(err.contains("states just that already") && err.contains("--serial"), "{err}");
    assert!(!desk.path("1.1.2.cert").exists());
    assert!(desk.stapel(&format!("{certify} --serial 3")).ends_with("\n1.1.3.cert\n"));
    // After a suspension the same keys are something else again.
    let suspend = "policy suspend policy.toml --key politie.policy.key --partner 1 --first-day 2027-01-05";
    assert_eq!(desk.stapel(suspend), "1.1.4.cert\n");
    assert_eq!(desk.stapel(suspend), "1.1.4.cert\n");
    assert!(desk.stapel(certify).ends_with("\n1.1.5.cert\n"));
}

#[test]
fn an_organisation_joins_with_one_command_a_side() {
    let desk = founded();
    enrol(&desk, "brandweer", 5);
    let join = "--join brandweer.toml --join brandweer-5.toml";
    assert!(refused(&desk, &format!("{NEXT} {join}")).contains("give a new one, --epoch"));
    secret(&desk, 2);
    let join = format!("{NEXT} {join} --epoch epoch-2.toml --opens 2027-03-01 --closes 2028-02-28");
    let said = desk.stapel(&join);
    assert!(said.contains("brandweer") && said.contains("epoch 2 (epoch-2.toml)"), "{said}");
    sign(&desk, &NAMES);
    assert_eq!(desk.code(VERIFY), "policy_signatures", "the new one has not signed");
    sign(&desk, &["brandweer"]);
    desk.stapel(VERIFY);
    desk.stapel("broker adopt --dir broker --policy policy-2.toml --now 2026-12-03T09:00:00Z");
    desk.stapel("partner adopt --dir politie-1 --policy policy-2.toml --now 2026-12-03T09:00:00Z");
    assert_eq!(begin(&desk, "brandweer", 5, 2, "policy-2.toml"), "5.2.1.cert");
    desk.stapel("broker certify --dir broker 5.2.1.cert --now 2026-12-03T09:00:00Z");
    // The papers of that version say of each partner which epochs it has, and who joined has none from before.
    desk.stapel("policy pack policy-2.toml --out start");
    let checklist = text(&desk.read("start/1-ingebruikname.md"));
    for keys in ["4-1", "4-2", "5-2"] {
        assert!(checklist.contains(&format!("--keys sleutels-{keys}.toml")), "{keys}: {checklist}");
    }
    assert!(!checklist.contains("sleutels-5-1.toml") && checklist.contains("docs/connect.md"), "{checklist}");
    let ceremony = text(&desk.read("start/2-sleutelceremonie.md"));
    assert!(ceremony.contains("\n| 5 | De brandweer \"zelf\" | 2 |"), "{ceremony}");

    // Who is there does not join, and a number has one owner.
    std::fs::remove_file(desk.path("policy-2.toml")).unwrap();
    let said = refused(&desk, &format!("{NEXT} --join politie.toml --join fiscus-2.toml --join operator.toml"));
    for says in ["'politie' is in the policy already", "number 2 is that of", "give it with --operator"] {
        assert!(said.contains(says), "{says}: {said}");
    }
    // Another partner of an organisation that flags needs no epoch.
    partner(&desk, "fiscus", 6);
    desk.stapel(&format!("{NEXT} --join fiscus-6.toml"));
}

#[test]
fn an_organisation_leaves_with_one_command_signed_or_not() {
    let desk = founded();
    secret(&desk, 2);
    let leave = format!("{NEXT} --leave fiscus");
    assert!(refused(&desk, &leave).contains("--epoch"));
    // Today would be too soon: the secret is still to be handed over, and all are to sign.
    let leave = format!("{leave} --epoch epoch-2.toml");
    assert!(refused(&desk, &leave).contains("--opens"));
    assert!(!desk.path("policy-2.toml").exists());
    let leave = format!("{leave} --opens 2027-03-01");
    assert!(refused(&desk, &leave.replace("fiscus", "brandweer")).contains("no organisation 'brandweer'"));
    assert!(refused(&desk, &format!("{leave} --valid-from 2027-02-01")).contains("on that day too"));
    let said = desk.stapel(&leave);
    assert!(said.contains("fiscus"), "{said}");
    let written = text(&desk.read("policy-2.toml"));
    assert!(!written.contains("[unsigned]") && !written.contains("De fiscus"), "{written}");
    assert!(written.contains("valid_from = 2027-03-01\n") && written.contains("closes = 2027-03-31\n"), "{written}");
    sign(&desk, &["politie", "woonbron", "gemeente"]);
    assert_eq!(desk.code(VERIFY), "policy_signatures");
    sign(&desk, &["fiscus"]);
    desk.stapel(VERIFY);

    for file in std::fs::read_dir(desk.path("")).unwrap().map(|file| file.unwrap().path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("policy-2.toml") || name.ends_with(".signed") {
            std::fs::remove_file(file).unwrap();
        }
    }
    desk.stapel(&format!("{leave} --unsigned"));
    sign(&desk, &["politie", "woonbron", "gemeente"]);
    desk.stapel(VERIFY);
    desk.stapel("broker accept-clock --dir broker --date 2027-03-01 --now 2027-03-01T08:00:00Z");
    desk.stapel("broker adopt --dir broker --policy policy-2.toml --now 2027-03-01T09:00:00Z");
    desk.stapel("partner adopt --dir politie-1 --policy policy-2.toml --now 2027-03-01T09:00:00Z");
}

#[test]
fn a_lost_policy_key_is_replaced_with_one_command() {
    let desk = founded();
    policy_key(&desk, "fiscus", 2, "fiscus-new");
    let lost = format!("{NEXT} --lost-key fiscus-new.toml");
    assert!(refused(&desk, &lost).contains("--announced"));
    let lost = format!("{lost} --announced 2026-12-05");
    assert!(refused(&desk, &format!("{lost} --address https://other.example")).contains("changes nothing else"));
    assert!(refused(&desk, &format!("{lost} --valid-from 2026-12-20")).contains("30 days to veto"));
    assert!(refused(&desk, &lost.replace("fiscus-new", "fiscus")).contains("it needs another one"));
    let said = desk.stapel(&lost);
    assert!(said.contains("partner 2 begins anew as 5"), "{said}");
    sign(&desk, &["politie", "woonbron", "gemeente", "fiscus-new"]);
    desk.stapel(VERIFY);
    desk.stapel("broker accept-clock --dir broker --date 2026-12-05 --now 2026-12-05T08:00:00Z");
    desk.stapel("broker announce --dir broker --policy policy-2.toml --now 2026-12-05T09:00:00Z");
    desk.stapel("broker accept-clock --dir broker --date 2027-01-04 --now 2027-01-04T08:00:00Z");
    desk.stapel("broker adopt --dir broker --policy policy-2.toml --now 2027-01-04T09:00:00Z");
}

#[test]
fn a_stolen_policy_key_and_another_operator_take_one_command_each() {
    let desk = founded();
    policy_key(&desk, "politie", 1, "politie-new");
    desk.stapel_with(
        "broker init --dir new --oin 00000099000000008000 --log-origin stapel.example/2/zaanstad --enrolment new.toml",
        &["--name", "Stichting Andere"],
    );
    desk.stapel(&format!("{NEXT} --new-key politie-new.toml --operator new.toml"));
    let written = text(&desk.read("policy-2.toml"));
    assert!(written.contains("Stichting Andere") && !written.contains("addresses"), "{written}");
    sign(&desk, &["politie-new", "fiscus", "woonbron", "gemeente"]);
    assert_eq!(desk.code(VERIFY), "policy_signatures", "with the old key too");
    sign(&desk, &["politie"]);
    desk.stapel(VERIFY);
    desk.stapel("broker init --dir new --policy policy-2.toml --now 2026-12-03T09:00:00Z");
    desk.stapel("partner adopt --dir fiscus-2 --policy policy-2.toml --now 2026-12-03T09:00:00Z");
    std::fs::remove_file(desk.path("policy-2.toml")).unwrap();
    desk.stapel(&format!("{NEXT} --address https://b.example --address https://a.example"));
    assert!(text(&desk.read("policy-2.toml")).contains("[\"https://b.example\", \"https://a.example\"]"));
}

#[test]
fn a_start_pack_says_what_is_open_and_is_not_written_over() {
    let (desk, _) = enrolled();
    let said = desk.stapel(&format!("{NEW} --texts texts.toml --pack start {}", files()));
    assert_eq!(desk.list("start").len(), 6);
    let papers: String = desk.list("start").iter().map(|name| text(&desk.read(&format!("start/{name}")))).collect();
    assert_eq!(
        papers.matches("[IN TE VULLEN:").count(),
        said.matches("\n  1-").count()
            + (2..=6).map(|number| said.matches(&format!("\n  {number}-")).count()).sum::<usize>()
    );
    // The ceremony has the check codes that the commands said.
    for code in said.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| line.ends_with(".toml)")) {
        assert!(papers.contains(code.split("  ").next().unwrap()), "{code}");
    }
    assert!(papers.contains("stapel policy sign policy.toml --key woonbron.policy.key"));
    desk.write("start/3-bericht-inwoners.md", "ours");
    assert_eq!(desk.code("policy pack policy.toml --out start"), "folder_not_empty");
    assert_eq!(desk.read("start/3-bericht-inwoners.md"), b"ours");
    desk.stapel("policy pack policy.toml --out other");
}
