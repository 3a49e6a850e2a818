//! `stapel sandbox`, and a first hit in it with the commands that its help shows.

use crate::common::{Desk, json_lines, run, text};
use serde_json::{Value, json};

#[test]
fn the_first_question_gives_a_hit() {
    let desk = Desk::new();
    let made = desk.json("sandbox --dir sandbox");
    assert_eq!(made[0]["partner"], json!("sandbox/partner"));
    assert_eq!(text(&desk.read("sandbox/addresses.csv")).lines().next(), Some("ref;adres"));
    assert_eq!(made[0]["register"], json!("sandbox/bag.stapel"));
    let found = desk.stapel_with("register show --register sandbox/bag.stapel", &["Kerkplein 7, 9999 XB"]);
    assert!(found.contains("withdrawn") && found.contains("9999XB|5|"), "{found}");
    let shown = desk.stapel("partner shown --dir sandbox/partner --out shown");
    assert!(shown.contains("nothing was written") && !desk.path("shown").exists(), "{shown}");
    let help = desk.stapel("sandbox --help");
    // The commands as they are shown, from the folder that was made.
    let shown =
        help.split_once("cd sandbox\n").unwrap().1.lines().map(|line| line.trim().strip_prefix("stapel ").unwrap());
    let mut printed = Vec::new();
    for line in shown {
        let output = run(&desk.path("sandbox"), &format!("{line} --json"), &[], b"");
        assert!([0, 3].contains(&output.status.code().unwrap()), "{line}: {}", text(&output.stderr));
        printed.push(json_lines(&text(&output.stdout)));
    }
    assert_eq!((printed.len(), &printed[0][0]["refused"]), (7, &json!(1)), "one row cannot be one home");
    let standing = |reference: &str| -> Value {
        let row = printed[6].iter().find(|row| row["ref"] == json!(reference));
        let row = row.unwrap_or_else(|| panic!("no {reference} in {:?}", printed[6]));
        json!([row["standing"], row["count"], row["at_least"]])
    };
    // The cap is one less than the organisations.
    for (reference, wanted) in [
        ("Z-1001", json!(["stacked", null, 3])),
        ("Z-1002", json!(["stacked", null, 3])),
        ("Z-1003", json!(["stacked", 2, null])),
        ("Z-1006", json!(["below_threshold", null, null])),
    ] {
        assert_eq!(standing(reference), wanted, "{reference}");
    }
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("sandbox")).unwrap();
    desk.stapel("sandbox --dir sandbox");
    let before = desk.list("sandbox");
    assert!(!before.contains(&"making".to_owned()) && before.contains(&"partner".to_owned()), "{before:?}");
    assert_eq!(desk.code("sandbox --dir sandbox"), "folder_not_empty");
    assert_eq!(desk.list("sandbox"), before);
    desk.write("file", "");
    assert_eq!(desk.code("sandbox --dir file"), "io");
}

#[test]
fn what_an_earlier_attempt_left_is_no_hindrance() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("sandbox/making/partner")).unwrap();
    desk.stapel("sandbox --dir sandbox");
    assert!(!desk.path("sandbox/making").exists() && desk.path("sandbox/broker/keys/signing.key").exists());
}
