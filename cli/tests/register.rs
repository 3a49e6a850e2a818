//! A local register: built of an extract, shown, and held against a partner's own flags.

use serde_json::Value;

use crate::common::{Desk, text};
use crate::consortium::{BY, consortium, consortium_counting};

const NOW: &str = "--now 2026-12-01T09:00:00Z";

/// As NLExtract's bagadres has them, with a column that is not read, and a garage box without a postcode.
const EXTRACT: &str = "\
openbareruimte;huisnummer;huisletter;huisnummertoevoeging;postcode;woonplaats;nummeraanduiding;object_id;\
pandid;nevenadres;nummeraanduidingstatus;gemeente;lat;lon
Dam;1;;;1012JS;Amsterdam;0363200000000001;0363010000000001;0363100000000001;f;Naamgeving uitgegeven;;52.372920;4.893690
Dam;1;A;;1012JS;Amsterdam;0363200000000002;0363010000000002;;f;Naamgeving uitgegeven;Amsterdam;;
Dam;3;;H;1012JS;Amsterdam;0363200000000003;0363010000000003;;f;Naamgeving uitgegeven;Amsterdam;;
Dam;5;;;1012JS;Amsterdam;0363200000000004;0363010000000001;;f;Naamgeving ingetrokken;Amsterdam;;
Dam;7;;;1012JS;Amsterdam;0363200000000005;0363010000000005;;f;Naamgeving ingetrokken;Amsterdam;;
Dam;9;;;1012JS;Amsterdam;0363200000000006;0363010000000006;;f;Naamgeving uitgegeven;Amsterdam;;
Dam;9;;;1012JS;Amsterdam;0363200000000007;0363010000000007;;f;Naamgeving uitgegeven;Amsterdam;;
Dam;1;;G1;;Amsterdam;0363200000000008;0363010000000008;;f;Naamgeving uitgegeven;Amsterdam;;
";

fn built() -> Desk {
    built_in(consortium())
}

fn built_in(desk: Desk) -> Desk {
    desk.write("bag.csv", EXTRACT);
    desk.stapel("register build bag.csv --date 2026-11-01 --out bag.stapel");
    desk
}

#[test]
fn an_extract_becomes_a_register() {
    let desk = consortium();
    desk.write("bag.csv", EXTRACT);
    let output = desk.run("register build bag.csv --date 2026-11-01 --out bag.stapel --json", &[], b"");
    assert!(output.status.success());
    let built: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&built["addresses"], &built["withdrawn"], &built["left_out"]), (&8.into(), &2.into(), &0.into()));
    let said = text(&output.stderr);
    assert!(
        said.contains("columns read: openbareruimte, huisnummer") && said.contains("passed over: gemeente"),
        "{said}"
    );

    for (address, expected) in [
        (
            "Dam 1, Amsterdam",
            "1012JS|1|: completed\n  Dam 1, 1012JS Amsterdam; nummeraanduiding 0363200000000001, object ",
        ),
        ("Dam 3 huis, 1012 JS", "1012JS|3|H: other_spelling\n"),
        ("363200000000002", "1012JS|1|A: by_id\n"),
        ("Dam 1-G1, Amsterdam", "0363200000000008: completed\n"),
        ("Dam 5, 1012 JS", "its object has the address 1012JS|1| now\n"),
        ("Dam 11, 1012 JS", "1012JS|11|: unregistered\n"),
    ] {
        let output = desk.run("register show --register bag.stapel", &[address], b"");
        let shown = text(&output.stdout);
        assert!(output.status.success() && shown.contains(expected), "{address}: {shown}");
    }
    let output = desk.run("register show --json --register bag.stapel", &["Dam 1, 1012 JS"], b"");
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&shown["key"], &shown["how"]), (&"1012JS|1|".into(), &"registered".into()));
    assert_eq!(shown["entries"][0]["building"], "0363100000000001");
    assert_eq!(shown["entries"][0]["latitude"], 52.37292);
}

#[test]
fn what_is_no_extract_and_no_register_is_said() {
    let desk = consortium();
    let build = "register build bag.csv --date 2026-11-01 --out bag.stapel";
    for (extract, expected) in [
        ("postcode;huisnummer\n1012JS;1\n", "no column is called street or straat"),
        (&EXTRACT.replace(";huisletter;", ";soort;"), "no column is called huisletter;"),
        (&EXTRACT.replace(";huisnummertoevoeging;", ";soort;"), "called toevoeging or huisnummertoevoeging;"),
        ("street;straat;huisnummer;postcode;woonplaats;nummeraanduiding\n", "are the same column"),
        (&EXTRACT.replace(";52.372920;4.893690", ";52.372920"), "line 2 has 13 cells, and the header 14"),
    ] {
        desk.write("bag.csv", extract);
        let output = desk.run(build, &[], b"");
        let said = text(&output.stderr);
        let code = if expected.contains("called ") { "header" } else { "register_row" };
        assert!(said.contains(expected) && said.ends_with(&format!("[{code}]\n")), "{said}");
        assert_eq!(output.status.code(), Some(1));
        assert!(!desk.path("bag.stapel").exists());
    }
    for (extract, expected) in [
        (EXTRACT.replace(";huisletter;", ";lettertje;"), "the column 'lettertje' may have letters or additions"),
        (EXTRACT.replace(";gemeente;", ";appt;"), "the column 'appt' may have letters or additions"),
        (EXTRACT.replace(";;52.372920;4.893690", ";;52.372920;\"4.893690"), "a quotation mark is not closed"),
    ] {
        desk.write("bag.csv", extract);
        let said = text(&desk.run(build, &[], b"").stderr);
        assert!(said.contains(expected) && !desk.path("bag.stapel").exists(), "{said}");
    }
    // A row that is no address is left out, and the rest is built.
    desk.write("bag.csv", EXTRACT.replace("Dam;9;;;1012JS;Amsterdam;0363200000000007", "Dam;9;;;1012JS;Amsterdam;"));
    let output = desk.run(build, &[], b"");
    let said = text(&output.stderr);
    assert!(said.contains("bag.csv line 8: left out: ") && output.status.code() == Some(3), "{said}");
    desk.stapel("register show --register bag.stapel 1012JS|1|");

    desk.write("bag.stapel", "not a register, and long enough to be one: ".repeat(9));
    assert_eq!(desk.code("register show --register bag.stapel 1012JS|1|"), "register");
    assert_eq!(desk.code("register show --register missing.stapel 1012JS|1|"), "io");
}

/// A row that has ended by the day of the extract is withdrawn; one that will end later stands.
#[test]
fn a_row_that_has_ended_is_withdrawn() {
    let desk = consortium();
    let build = "register build bag.csv --date 2026-11-01 --out bag.stapel";
    let head =
        "straat;huisnummer;huisletter;toevoeging;postcode;woonplaats;nummeraanduiding;object_id;eindgeldigheid\n";
    let row = |number: u32, object: u32, end: &str| {
        format!("Dam;{number};;;1012JS;Amsterdam;036320000000000{number};036301000000000{object};{end}\n")
    };
    let rows = [(1, 1, ""), (2, 1, "2026-11-01T00:00:00Z"), (3, 3, "2026-11-02"), (4, 4, "9999-12-31"), (5, 5, "ja")];
    desk.write("bag.csv", head.to_owned() + &rows.map(|(number, object, end)| row(number, object, end)).concat());
    let output = desk.run(build, &[], b"");
    let said = text(&output.stderr);
    assert!(said.contains("1 row had ended by 2026-11-01, and is withdrawn in the register"), "{said}");
    assert!(said.contains("bag.csv line 6: left out: the row cannot be used: its end is not a day"), "{said}");
    assert_eq!(output.status.code(), Some(3));
    for (address, how) in
        [("Dam 1", "registered"), ("Dam 2", "withdrawn"), ("Dam 3", "registered"), ("Dam 4", "registered")]
    {
        let output = desk.run("register show --register bag.stapel", &[&format!("{address}, 1012 JS")], b"");
        assert!(text(&output.stdout).contains(how), "{address}");
    }
}

#[test]
fn a_build_never_writes_over_its_extract_or_another_build() {
    let desk = consortium();
    desk.write("bag.csv", EXTRACT);
    let build = |out: &str| desk.run(&format!("register build bag.csv --date 2026-11-01 --out {out}"), &[], b"");
    std::fs::create_dir(desk.path("folder")).unwrap();
    for out in ["bag.csv", "./bag.csv", "folder/../bag.csv", "folder", "niets/bag.stapel"] {
        let output = build(out);
        assert!(!output.status.success() && text(&output.stdout).is_empty(), "{out}");
        // It is said before the extract is read.
        assert_eq!(text(&output.stderr).lines().count(), 1, "{out}: {}", text(&output.stderr));
        assert_eq!(std::fs::read_to_string(desk.path("bag.csv")).unwrap(), EXTRACT, "{out}");
    }
    // What another build is writing, or somebody put there, is left alone.
    desk.write("bag.stapel.new", "of another");
    assert!(build("bag.stapel").status.success());
    assert_eq!(std::fs::read_to_string(desk.path("bag.stapel.new")).unwrap(), "of another");
    let names = std::fs::read_dir(desk.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with(".stapel-")));
}

#[test]
fn keys_of_several_addresses_and_columns_passed_over_are_warned_of() {
    let desk = consortium();
    // Dam 9 is two addresses in eight.
    desk.write("bag.csv", EXTRACT.replace(";gemeente;", ";huisnr2;"));
    let output = desk.run("--strict register build bag.csv --date 2026-11-01 --out bag.stapel --json", &[], b"");
    let built: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = text(&output.stderr);
    assert_eq!((&built["shared_keys"], output.status.code()), (&1.into(), Some(3)), "{said}");
    assert!(said.contains("1 key is that of several standing addresses"), "{said}");
    assert!(said.contains("'huisnr2' could be of an address, and is passed over"), "{said}");
    let said = desk.stapel("register build bag.csv --date 2026-11-01 --out bag.stapel");
    assert!(said.contains("1 key of several addresses"), "{said}");
}

#[test]
fn names_in_a_register_steer_no_terminal() {
    let desk = consortium();
    let evil = EXTRACT.replacen("Dam;1;;;1012JS;Amsterdam", "D\u{1b}[31mam\u{7};1;;;1012JS;Amster\u{202e}dam", 1);
    desk.write("bag.csv", evil);
    desk.stapel("register build bag.csv --date 2026-11-01 --out bag.stapel");
    let shown = desk.stapel("register show --register bag.stapel 1012JS|1|");
    assert!(shown.contains("D\\u{1b}[31mam\\u{7} 1, 1012JS Amster\\u{202e}dam; "), "{shown}");
}

#[test]
fn two_addresses_with_one_id_are_left_out_and_said() {
    let desk = consortium();
    desk.write("bag.csv", EXTRACT);
    let header = EXTRACT.lines().next().unwrap();
    let row = "Dam;2;;;1012JS;Amsterdam;0363200000000003;0363010000000009;;f;Naamgeving uitgegeven;Amsterdam;;";
    desk.write("more.csv", format!("{header}\n{row}\n"));
    let output = desk.run("register build bag.csv more.csv --date 2026-11-01 --out bag.stapel", &[], b"");
    let said = text(&output.stderr);
    for expected in [
        "bag.csv line 4: left out: its nummeraanduiding is also that of another address, more.csv line 2",
        "more.csv line 2: left out: its nummeraanduiding is also that of another address, bag.csv line 4",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains("7 addresses") && text(&output.stdout).contains("2 rows left out"));
    assert_eq!(desk.code("register show --register bag.stapel 0363200000000003"), "bag_id_unknown");
    let strict = desk.run("--strict register build bag.csv more.csv --date 2026-11-01 --out no.stapel", &[], b"");
    assert!(!desk.path("no.stapel").exists() && text(&strict.stderr).contains("[rows_refused]"));
}

#[test]
fn an_extract_in_utf_16_that_does_not_say_so_is_named() {
    let desk = consortium();
    let bytes: Vec<u8> = EXTRACT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    desk.write("bag.csv", bytes);
    assert_eq!(desk.code("register build bag.csv --date 2026-11-01 --out bag.stapel"), "encoding");
}

#[test]
fn own_flags_that_a_register_does_not_know_are_looked_at() {
    let desk = built();
    desk.write("a.csv", "postcode;huisnummer\n1012JS;1\n1012JS;5\n1012JS;7\n1012JS;9\n1012JS;11\n");
    desk.stapel(&format!("partner flag --dir politie {BY} a.csv {NOW}"));
    let output = desk.run("register check --dir politie --register bag.stapel", &[], b"");
    assert_eq!(
        text(&output.stdout),
        "1012JS|11|: the register has no such address\n\
         1012JS|5|: it was withdrawn, and renumbered: its object has the address 1012JS|1| now\n\
         1012JS|7|: it was withdrawn\n\
         1012JS|9|: it is the address of more than one object\n\
         5 flags, 4 to look at, by the register of 2026-11-01\n"
    );
    assert!(output.status.success());
    let output = desk.run("--strict register check --json --dir politie --register bag.stapel", &[], b"");
    assert_eq!((output.status.code(), text(&output.stdout).lines().count()), (Some(3), 4));
}

#[test]
fn a_policy_that_requires_a_register_has_one() {
    let desk = built_in(consortium_counting("register = \"required\""));
    desk.write("a.csv", "postcode;huisnummer\n1012JS;1\nnergens;1\n");
    desk.write("good.csv", "postcode;huisnummer\n1012JS;1\n");
    let flags = || desk.json("partner status --dir politie")[0]["flags"].clone();
    for line in [
        "flag",
        "flag --until 2026-12-31",
        "flag --renew observed_again",
        "flag --dry-run",
        "full",
        "full --allow-shrink --dry-run",
        "ask",
        "ask --numbers --dry-run",
        "ask --sweep onderzoek",
    ] {
        let line = format!("partner {line} --json --dir politie {BY} --refused refused.csv a.csv {NOW}");
        let output = desk.run(&line, &[], b"");
        let said = text(&output.stderr);
        assert!(said.ends_with("[register_required]\n") && said.lines().count() == 1, "{line}: {said}");
        assert!(said.contains("stapel register build") && said.contains("--register FILE"), "{said}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{line}");
        assert!(!desk.path("refused.csv").exists() && !desk.path("politie/outbox").exists(), "{line}");
    }
    assert_eq!(flags(), 0);

    let by_register = |line: &str| desk.stapel(&format!("partner {line} --register bag.stapel good.csv {NOW}"));
    for line in ["flag", "flag --renew observed_again", "full", "ask"] {
        by_register(&format!("{line} --dir politie {BY}"));
        assert_eq!(flags(), 1, "{line}");
    }
    // What ends a flag, and what is about own flags, waits for no register.
    for line in ["ask --own", "withdraw good.csv"] {
        desk.stapel(&format!("partner {line} --dir politie {BY} {NOW}"));
    }
    assert_eq!(flags(), 0);
    desk.stapel_with(&format!("partner dossier --dir politie {BY} {NOW}"), &["Dam 1, 1012 JS"]);
}

#[test]
fn a_folder_that_is_none_says_so_whether_a_register_is_given_or_not() {
    let desk = built();
    desk.write("a.csv", "postcode;huisnummer\n1012JS;1\n");
    for register in ["", "--register bag.stapel"] {
        assert_eq!(desk.code(&format!("partner flag --dir niets {BY} {register} a.csv {NOW}")), "partner_folder");
    }
}

#[test]
fn a_house_number_alone_is_one_that_the_register_has() {
    let desk = built_in(consortium_counting("levels = [\"unit\", \"number\"]\n"));
    // There are homes at 1 and 9, none at 2, and those of 7 were withdrawn.
    let rows = [1, 9, 2, 7].map(|number| format!("Dam {number} 2e verdieping, 1012 JS"));
    desk.write("a.csv", table("adres", &rows.each_ref().map(String::as_str)));
    let flag = format!("partner flag a.csv --number-only --json --dir politie {BY} {NOW}");
    let output = desk.run(&format!("{flag} --dry-run --register bag.stapel"), &[], b"");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let counts = ["added", "number_only", "refused"].map(|name| said[name].as_u64());
    assert_eq!(counts, [Some(2), Some(2), Some(2)], "{}", text(&output.stderr));
    for verb in ["flag", "withdraw"] {
        let line =
            format!("partner {verb} a.csv --number-only --dry-run --dir politie {BY} --register bag.stapel {NOW}");
        let said = text(&desk.run(&line, &[], b"").stderr);
        assert_eq!(said.matches("does not count alone, since the register has no address at it").count(), 2, "{said}");
    }
    // An id beside it is held against it.
    desk.write("b.csv", "adres;bag_id\n\"Dam 1 2e verdieping, 1012 JS\";0363200000000006\n");
    let line = format!("partner flag b.csv --number-only --dry-run --dir politie {BY} {NOW} --register bag.stapel");
    assert_eq!(desk.told(&line)[0]["number_only"], 0);

    desk.stapel(&flag);
    let output = desk.run("register check --dir politie --register bag.stapel", &[], b"");
    assert_eq!(
        text(&output.stdout),
        "1012JS|2: the register has no such address\n1012JS|7: it was withdrawn\n\
         4 flags, 2 to look at, by the register of 2026-11-01\n"
    );
}

fn table(header: &str, rows: &[&str]) -> String {
    format!("{header}\n{}\n", rows.join("\n"))
}

#[test]
fn rows_are_read_by_a_register() {
    let desk = built();
    let flag = |table: &str| {
        desk.write("a.csv", table);
        let line = format!("partner flag --json --dry-run --dir politie {BY} a.csv --register bag.stapel {NOW}");
        let output = desk.run(&line, &[], b"");
        let said: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (output.status.code().unwrap(), said, text(&output.stderr))
    };
    let how = |said: &[Value]| said[0]["how"].to_string();

    // Ids alone; one has lost its zero, one was withdrawn, one nobody knows.
    let (status, said, err) =
        flag("nummeraanduiding\n0363200000000002\n363200000000003\n0363200000000004\n0363200000000077\n");
    assert_eq!((status, how(&said)), (3, r#"{"by_id":2}"#.to_owned()), "{err}");
    assert!(err.contains("'nummeraanduiding' is bag_id (for the register)"), "{err}");
    assert!(err.contains("its object has the address 1012JS|1| now; look the address up [bag_id_withdrawn]"), "{err}");
    assert!(err.contains("[bag_id_unknown]"), "{err}");

    // Street and town in the place of a postcode; a garage box has an id for its key.
    let rows = ["Dam;1;;Amsterdam", "Dam;1;G1;Amsterdam", "Dam;3;hs;Amsterdam", "Dam;2;;Amsterdam"];
    let (status, said, err) = flag(&table("straat;huisnummer;toevoeging;woonplaats", &rows));
    assert_eq!((status, how(&said)), (3, r#"{"completed":3}"#.to_owned()), "{err}");
    assert!(err.contains("by the register: 3 completed") && err.contains("[not_in_register]"), "{err}");

    // Each row by what it has.
    let rows = ["1012JS;1;;", ";;;0363200000000003", "1012JS;3;huis;", "1012JS;11;;", "1012JS;7;;"];
    let (status, said, err) = flag(&table("postcode;huisnummer;toevoeging;bag_id", &rows));
    let expected = r#"{"registered":1,"by_id":1,"other_spelling":1,"unregistered":1,"withdrawn":1}"#;
    assert_eq!((status, how(&said)), (0, expected.to_owned()), "{err}");
    assert!(err.contains("5 rows (UTF-8, semicolons), 4 addresses, 1 repeat"), "{err}");
    assert!(err.contains("1 in another spelling, 1 that it does not have, 1 that were withdrawn"), "{err}");

    // An id is held against what stands beside it, and none that a spreadsheet rounded is read.
    let rows = ["1012JS;3;;0363200000000001", ";3;;0363200000000001", ";1;A;0363200000000001", ";1;A;0363200000000002"];
    let (status, said, err) = flag(&table("postcode;huisnummer;toevoeging;bag_id", &rows));
    assert_eq!((status, how(&said)), (3, r#"{"by_id":1}"#.to_owned()), "{err}");
    assert_eq!(err.matches("[differs]").count(), 3, "{err}");
    let rows = [
        "1012JS;1;;0363200000000001;0363200000000002;",
        ";;;;0363200000000003;",
        ";;;0363200000000002;;Dam 3",
        ";;;0363200000000002;;Dam 1a",
        ";;;0363200000000008;;Dam 1 G1",
        ";;;0363200000000008;;Dam 1 G2",
    ];
    let header = "postcode;huisnummer;toevoeging;nummeraanduiding_id;verblijfsobject_id;adres";
    let (status, said, err) = flag(&table(header, &rows));
    assert_eq!((status, how(&said)), (3, r#"{"by_id":3}"#.to_owned()), "{err}");
    assert_eq!(err.matches("[differs]").count(), 3, "{err}");
    assert!(err.contains("3 refused; 1 with a suffix that others may write differently; by"), "{err}");
    // The ids of lines are held against them, and a postcode that a line repeats is no second one.
    let rows = ["Dam 1, 1012 JS Amsterdam;1012JS;0363200000000001", "Dam 1;1012JS;0363200000000002"];
    let (status, said, err) = flag(&table("adres;postcode;bag_id", &rows));
    assert_eq!((status, how(&said)), (3, r#"{"registered":1}"#.to_owned()), "{err}");
    assert_eq!(err.matches("[differs]").count(), 1, "{err}");

    // Lines of text.
    let (_, said, err) = flag("adres\n\"Dam 1, Amsterdam\"\n\"Dam 3-H, 1012 JS\"\n0363200000000002\n");
    assert_eq!(how(&said), r#"{"registered":1,"by_id":1,"completed":1}"#, "{err}");
    let output = desk.run("address --register bag.stapel", &[], b"Dam 1-G1, Amsterdam\n0363200000000002\nDam 1\n");
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["unit"], &lines[0]["how"]), (&"0363200000000008".into(), &"completed".into()));
    assert_eq!((lines[0].get("number"), &lines[1]["number"]), (None, &"1012JS|1".into()));
    assert!(lines[2]["error"]["code"].is_string());

    // What cannot be read ends the command, and nothing is done.
    desk.write("bag.stapel", "no register");
    desk.write("a.csv", "nummeraanduiding\n0363200000000002\n");
    let line = format!("partner flag --dir politie {BY} a.csv --register bag.stapel {NOW}");
    assert_eq!(desk.code(&line), "register");
    let line = format!("partner flag --dir politie {BY} a.csv {NOW}");
    assert_eq!(desk.code(&line), "bag_id_needs_register");
}

/// What the register knows as another street than the one beside a postcode says that one of the two is wrong.
#[test]
fn a_street_beside_a_postcode_is_held_against_the_register() {
    let desk = consortium();
    let header = EXTRACT.lines().next().unwrap();
    let rows = [
        ("Achtergracht;5;;;1381BK;Weesp", 1),
        ("Oude Papelaan;5;;;1384CA;Weesp", 2),
        ("Kerkpad;3;;;1381BL;Weesp", 3),
        ("Kerkpad;3;;;1398AB;Muiden", 4),
        ("Achtergracht;7;;;1381BK;Weesp", 5),
        ("Plein 1940-1945;5;;;1381BM;Weesp", 6),
        ("Plein;1;;;1381BN;Weesp", 7),
    ];
    let rows = rows.map(|(row, id)| format!("{row};045720000000000{id};045701000000000{id};;f;;;;"));
    desk.write("bag.csv", format!("{header}\n{}\n", rows.join("\n")));
    desk.stapel("register build bag.csv --date 2026-11-01 --out bag.stapel");
    let code = |row: &str, more: &str| {
        desk.write("a.csv", format!("postcode;huisnummer;toevoeging;straat;woonplaats;bag_id\n{row}\n"));
        let line = format!("partner flag --dry-run --dir politie {BY} a.csv --register bag.stapel {more} {NOW}");
        let said = text(&desk.run(&line, &[], b"").stderr);
        let is_differs = said.contains("[differs]");
        assert!(is_differs || said.contains(" 0 refused"), "{row}: {said}");
        is_differs
    };
    for (row, differs) in [
        ("1381BK;5;;Achtergracht;Weesp;", false),
        ("1381BK;5;;ACHTERGRACHT;;", false),
        ("1381BK;5;;Oude Papelaan;Weesp;", true),
        ("1381BK;5;;Oude Papelaan;;", true),
        ("1381BK;5;;Oude Papelaan 5;;", true),
        ("1381BK;5;;Achtergracht 5;;", false),
        ("1381BK;5;;Achtergracht 7;;", true),
        // At a number or a postcode that the register has not, the street of those beside it counts.
        ("1381BK;5;B;Oude Papelaan;;", true),
        ("1381BK;6;;Oude Papelaan;;", true),
        ("1381BK;6;;Achtergracht;;", false),
        ("9999ZZ;6;;Achtergracht;;", false),
        // Misspelt, or unknown.
        ("1381BK;5;;Achtergragt;Weesp;", false),
        ("1381BK;5;;;Amsterdam;", false),
        ("1381BM;5;;Plein 40-45;;", false),
        ("1381BM;5;;Plein 1940-1945 5;;", false),
        ("1381BM;5;;Plein;;", true),
        // One name in two towns.
        ("1381BL;3;;Kerkpad;Weesp;", false),
        ("1381BL;3;;Kerkpad;Muiden;", true),
        ("1381BL;3;;Kerkpad;Amsterdam;", false),
        // Beside an id.
        (";;;Oude Papelaan;Weesp;0457200000000001", true),
        (";;;Achtergracht;Weesp;0457200000000001", false),
    ] {
        assert_eq!(code(row, ""), differs, "{row}");
    }
}

#[test]
fn a_look_up_without_a_postcode_says_what_the_register_lacks() {
    let desk = built();
    let flag = |table: &str| {
        desk.write("a.csv", table);
        let line = format!("partner flag --json --dry-run --dir politie {BY} a.csv --register bag.stapel {NOW}");
        let output = desk.run(&line, &[], b"");
        (text(&output.stdout), text(&output.stderr))
    };
    for rows in ["Rozenpad;1;Amsterdam", "Dam;1;Weesp"] {
        let (_, said) = flag(&table("straat;huisnummer;woonplaats", &[rows]));
        assert!(
            said.contains("the register has no such street in that town") && !said.contains("no_postcode"),
            "{said}"
        );
        assert!(said.contains("[not_in_register]"), "{said}");
    }
    // A line and a town in columns are looked up together.
    let (out, said) = flag(&table("adres;woonplaats", &["Dam 1;Amsterdam", "Dam 3-H, 1012 JS;Amsterdam"]));
    assert!(out.contains(r#""completed":1"#) && out.contains(r#""registered":1"#), "{out} {said}");
    let (_, said) = flag(&table("adres;woonplaats", &["Dam 1;Weesp", "Dam 2;Amsterdam", "Dam 1;"]));
    for expected in ["no such street in that town", "no such number in that street", "[no_postcode]"] {
        assert!(said.contains(expected), "{said}");
    }
}

/// A home without a postcode is flagged and counted, and its house number is no part of what is said.
#[test]
fn an_address_without_a_postcode_is_stacked() {
    let desk = built();
    desk.write("a.csv", "bag_id\n0363200000000008\n");
    for folder in ["politie", "fiscus"] {
        desk.stapel(&format!("partner flag --dir {folder} {BY} a.csv --register bag.stapel {NOW}"));
    }
    // A dossier finds it by its id, and with the register as people write it.
    let line = format!("partner dossier --dir politie {BY} --register bag.stapel {NOW}");
    for address in ["0363200000000008", "Dam 1-G1, Amsterdam"] {
        let shown = desk.stapel_with(&line, &[address]);
        assert!(shown.contains("  0363200000000008  flagged until"), "{shown}");
    }
    let message = desk.stapel(&format!("partner deliver --dir politie {NOW}"));
    assert!(!message.is_empty());
}

/// An own flag is named by its canonical form also once the register has the id no more, or with another address: so it
/// can be withdrawn, and its dossier be read.
#[test]
fn a_home_of_an_id_is_withdrawn_whatever_becomes_of_the_id() {
    let desk = built();
    let header = EXTRACT.lines().next().unwrap();
    for (register, row) in [
        ("gone.stapel", "Dam;1;;G1;;Amsterdam;0363200000000008;0363010000000008;;f;Naamgeving ingetrokken;Amsterdam;;"),
        ("moved.stapel", "Dam;1;;G1;1012JT;Amsterdam;0363200000000008;;;f;Naamgeving uitgegeven;Amsterdam;;"),
        ("other.stapel", EXTRACT.lines().nth(1).unwrap()),
    ] {
        desk.write("extract.csv", format!("{header}\n{row}\n"));
        desk.stapel(&format!("register build extract.csv --date 2026-12-01 --out {register}"));
    }
    let (id, other) = ("0363200000000008", "0363200000000999");
    desk.write("flag.csv", format!("bag_id\n{id}\n"));
    desk.write("adres.csv", format!("adres\n{id}\n"));
    let fields = "postcode;huisnummer;toevoeging;bag_id;status\n";
    desk.write("fields.csv", format!("{fields};1;G1;{id};Naamgeving ingetrokken\n"));
    let flag = format!("partner flag --dir politie {BY} flag.csv --register bag.stapel {NOW}");
    for table in ["flag.csv", "adres.csv", "fields.csv"] {
        for register in ["", "--register gone.stapel", "--register moved.stapel", "--register other.stapel"] {
            desk.stapel(&flag);
            for (dry, line) in [("would be: ", "--dry-run"), ("", "")] {
                let told = desk.stapel(&format!("partner withdraw --dir politie {BY} {table} {register} {line} {NOW}"));
                let expected = format!("{dry}0 added, 0 changed, 1 withdrawn, 0 unchanged");
                assert!(told.contains(&expected), "{table} {register} {line}: {told}");
            }
        }
    }
    desk.stapel(&flag);
    for register in ["gone.stapel", "moved.stapel", "other.stapel"] {
        let line = format!("partner dossier --dir politie {BY} --register {register} {NOW}");
        let shown = desk.stapel_with(&line, &[id]);
        assert!(shown.contains(&format!("  {id}  flagged until")), "{register}: {shown}");
    }
    // What is no own flag needs a register still; and what has a postcode beside it is another home.
    desk.write("other.csv", format!("bag_id\n{other}\n"));
    desk.write("beside.csv", format!("{fields}1012JS;1;G1;{id};\n"));
    let withdraw = format!("partner withdraw --dir politie {BY} {NOW}");
    let refused = desk.run(&format!("{withdraw} other.csv"), &[], b"");
    assert!(text(&refused.stderr).contains("[bag_id_needs_register]"), "{}", text(&refused.stderr));
    assert!(desk.stapel(&format!("{withdraw} beside.csv")).contains("0 withdrawn, 1 unchanged"));
    // One without such flags is told at the header.
    assert_eq!(desk.code(&format!("partner withdraw --dir gemeente {BY} {NOW} flag.csv")), "bag_id_needs_register");
}
