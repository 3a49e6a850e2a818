//! `stapel partner concentrate`: streets where a branch is far more common than in its town.

use std::fmt::Write;

use crate::common::{Desk, json_lines, text};
use crate::consortium::{BY, consortium};

/// A register of two streets of a town, with 10 and 30 addresses.
fn desk() -> Desk {
    let desk = consortium();
    let mut extract = "straat;huisnummer;huisletter;toevoeging;postcode;woonplaats;nummeraanduiding\n".to_owned();
    for (street, postcode, last) in [("Lindepad", "1012JS", 10), ("Rozenpad", "1013AA", 30)] {
        for number in 1..=last {
            let letter = if number == 2 { "A" } else { "" };
            let id = format!("03632000{}{number:06}", &postcode[2..4]);
            writeln!(extract, "{street};{number};{letter};;{postcode};Lelie;{id}").unwrap();
        }
    }
    desk.write("bag.csv", extract);
    desk.stapel("register build bag.csv --date 2026-11-01 --out bag.stapel");
    desk
}

/// Six barbers among ten in the one street, and one among thirty in the other; the owners are named.
fn establishments() -> String {
    let mut rows = "Eigenaar;Postcode;Huisnummer;Huisletter;Branche\n".to_owned();
    for number in 1..=10 {
        let letter = if number == 2 { "A" } else { "" };
        let branch = if number <= 6 { "Kapper" } else { "bakker" };
        writeln!(rows, "P. Persoon;1012JS;{number};{letter};{branch}").unwrap();
    }
    for number in (1..=30).filter(|number| *number != 2) {
        let branch = if number == 3 { "kapper" } else { "bakker" };
        writeln!(rows, "P. Persoon;1013AA;{number};;{branch}").unwrap();
    }
    rows
}

const FIND: &str = "partner concentrate --register bag.stapel --branch branche --at-least 5 --times 3 --out found.csv";

#[test]
fn a_street_is_found_read_and_flagged() {
    let desk = desk();
    let unknown = "P. Persoon;9999ZZ;1;;kapper\nP. Persoon;1013AA;7;;\n";
    desk.write("list.csv", establishments() + unknown);
    let output = desk.run(&format!("{FIND} list.csv"), &[], b"");
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{told}");
    // 6 of 10 in the street, and 7 of 39 in the town: 3.34 times.
    assert_eq!(
        said,
        "Lindepad, Lelie: 6 of 10 addresses with an establishment are 'Kapper', and 7 of 39 in the town: 3.3 times the \
         share\n"
    );
    for told_of in ["'Branche' is branch", "does not have the address", "no branch stands there", "read them before"] {
        assert!(told.contains(told_of), "{told_of}: {told}");
    }
    let written = text(&desk.read("found.csv"));
    let rows: Vec<&str> = written.lines().collect();
    assert_eq!(rows.len(), 7);
    assert_eq!(
        rows[2],
        "Lindepad;Lelie;1012JS;2;A;;0363200012000002;Kapper;6;10;7;39;3,3;\"6 van de 10 adressen met een vestiging in \
         Lindepad zijn Kapper, en 7 van de 39 in Lelie: 3,3 keer het aandeel; regel: ten minste 5, en ten minste 3 \
         keer het aandeel\""
    );
    assert!(!written.contains("Persoon"), "a name of a person is in what is written");
    // As it is, it can be flagged, with the register and without it.
    let flagged = desk.told(&format!("partner flag --dir gemeente {BY} --dry-run found.csv"));
    assert_eq!((&flagged[0]["addresses"], &flagged[0]["refused"]), (&6.into(), &0.into()));
    let flagged = desk.told(&format!("partner flag --dir gemeente {BY} --register bag.stapel found.csv"));
    assert_eq!((&flagged[0]["addresses"], &flagged[0]["how"]["registered"]), (&6.into(), &6.into()));
}

#[test]
fn what_is_written_is_only_what_the_rule_finds() {
    let desk = desk();
    desk.write("list.csv", establishments());
    let lines = json_lines(&desk.stapel(&format!("{FIND} --json list.csv")));
    assert_eq!(
        (&lines[0]["here"], &lines[0]["all_in_town"], &lines[0]["times"]),
        (&6.into(), &39.into(), &"3.3".into())
    );
    let before = desk.read("found.csv");
    let higher = FIND.replace("--times 3", "--times 3.4");
    assert_eq!(desk.stapel(&format!("{higher} --dry-run list.csv")), "");
    assert_eq!(desk.read("found.csv"), before, "a dry run writes nothing");
    assert_eq!(desk.stapel(&format!("{higher} list.csv")), "");
    assert_eq!(text(&desk.read("found.csv")).lines().count(), 1, "a header alone");
}

#[test]
fn what_is_written_is_text_under_its_own_name_and_no_formula() {
    let desk = desk();
    for name in ["found.xlsx", "found.ODS", "found.xls"] {
        desk.write("list.csv", establishments());
        assert_eq!(desk.code(&format!("{} list.csv", FIND.replace("found.csv", name))), "out_file");
        assert!(!desk.path(name).exists());
    }
    for formula in ["=1+1", "+kapper", "-kapper", "@kapper"] {
        desk.write("list.csv", establishments().replace("kapper", formula).replace("Kapper", formula));
        desk.stapel(&format!("{FIND} list.csv"));
        let written = text(&desk.read("found.csv"));
        assert!(written.contains(&format!(";'{formula};6;10;")), "{written}");
        assert!(!written.contains(&format!(";{formula}")), "{written}");
    }
}

#[test]
fn what_is_missing_is_said() {
    let desk = desk();
    desk.write("list.csv", establishments());
    let code = |line: &str| desk.code(&format!("{line} list.csv"));
    assert_eq!(code(&FIND.replace("--register bag.stapel ", "")), "register_required");
    assert_eq!(code(&FIND.replace("--branch branche", "--branch sbi")), "map");
    assert_eq!(code(&FIND.replace("--branch branche", "--branch huisnummer")), "header");
    assert_eq!(code(&FIND.replace("--branch branche", "--branch branche --ignore branche")), "map");
    assert_eq!(code(&format!("{FIND} --number-only")), "level");
    assert_eq!(code(&FIND.replace("--out found.csv", "--out .")), "not_a_file");
    for read in ["list.csv", "bag.stapel"] {
        let before = desk.read(read);
        assert_eq!(code(&FIND.replace("--out found.csv", &format!("--out ./{read}"))), "out_file");
        assert_eq!(desk.read(read), before);
    }
    for wrong in ["--at-least 1", "--times 0.5"] {
        let name = wrong.split(' ').next().unwrap();
        let line = FIND.replace(if name == "--times" { "--times 3" } else { "--at-least 5" }, wrong);
        assert_eq!(desk.run(&format!("{line} list.csv"), &[], b"").status.code(), Some(2));
    }
    assert!(!desk.path("found.csv").exists());
}
