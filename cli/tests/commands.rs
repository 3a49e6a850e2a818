//! The command line itself: help, errors, and the exact lines of `address` and `pseudonym`.

use crate::common::{Desk, json_lines, run, text};
use crate::consortium::consortium;
use serde_json::{Map, Value, json};

const ADDRESSES: &str = include_str!("../../tests/vectors/v1/addresses.json");
const DERIVATIONS: &str = include_str!("../../tests/vectors/v1/derivations.json");

#[test]
fn every_subcommand_has_an_example_and_a_man_page_with_it() {
    let desk = Desk::new();
    desk.stapel("pages --out pages");
    let mut waiting = vec![String::new()];
    let mut expected = Vec::new();
    while let Some(command) = waiting.pop() {
        let help = desk.stapel(&format!("{command} --help"));
        assert!(help.contains("\nExample"), "stapel {command} --help\n{help}");
        let page = format!("stapel{}.1", command.replace(' ', "-"));
        let written = text(&desk.read(&format!("pages/man/{page}")));
        assert!(written.contains("\n.SH EXAMPLE"), "{page}\n{written}");
        expected.push(page);
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
        waiting.extend(names.map(|name| format!("{command} {name}")));
    }
    assert!(expected.len() >= 35, "{expected:?}");
    expected.sort();
    assert_eq!(desk.list("pages/man"), expected);
    for completions in ["bash/stapel", "zsh/_stapel", "fish/stapel.fish"] {
        let written = text(&desk.read(&format!("pages/{completions}")));
        assert!(written.contains("accept-clock"), "{completions}");
    }
}

#[test]
fn errors_say_what_and_which() {
    let desk = Desk::new();
    for (line, status, said) in [
        ("keygen show none.key", 1, "stapel: cannot open none.key: "),
        ("pseudonym", 2, "stapel: "),
        ("address --flieds", 2, "stapel: unexpected argument '--flieds' found [usage]\n"),
        (
            "pseudonym --secret-hex 00 --purpose a --epoch 1",
            2,
            "stapel: --secret-hex takes 64 hexadecimal digits [usage]\n",
        ),
        ("broker release --dir x --now yesterday", 2, "stapel: invalid value 'yesterday' for '--now <TIME>'"),
        ("partner", 2, "Flag addresses"),
    ] {
        let output = desk.run(line, &[], b"");
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{line}\n{err}");
        assert!(err.starts_with(said), "{line}\n{err}");
        assert!(output.stdout.is_empty(), "{line}");
    }
    assert!(desk.stapel("--version").starts_with("stapel 0."));
}

/// What `stapel address` must print for line `number` with that `input`, made with the library, fields in the order of
/// the specification of the command.
fn expected(number: usize, input: &str, got: Result<stapel::AddressKey, stapel::AddressError>) -> String {
    let mut line = Map::new();
    line.insert("line".into(), number.into());
    line.insert("input".into(), input.into());
    match got {
        Ok(unit) => {
            line.insert("unit".into(), unit.as_str().into());
            line.insert("number".into(), unit.number_key().as_str().into());
        }
        Err(error) => {
            let mut details = Map::new();
            details.insert("code".into(), error.code().into());
            details.insert("field".into(), error.field().into());
            details.insert("message".into(), error.message().into());
            if let Some(number) = error.number_key() {
                details.insert("number".into(), number.as_str().into());
            }
            line.insert("error".into(), details.into());
        }
    }
    Value::from(line).to_string()
}

#[test]
fn addresses_are_the_vectors() {
    let vectors: Value = serde_json::from_str(ADDRESSES).unwrap();
    let rows = vectors["text"].as_array().unwrap();
    // A line break in an input would be two lines here.
    let rows: Vec<_> = rows.iter().filter(|row| !row["input"].as_str().unwrap().contains(['\n', '\r'])).collect();
    assert!(rows.len() > 400);
    let inputs: Vec<&str> = rows.iter().map(|row| row["input"].as_str().unwrap()).collect();
    let output = run(std::path::Path::new("."), "address", &[], inputs.join("\n").as_bytes());
    assert!(output.status.success() && output.stderr.is_empty());
    let printed = text(&output.stdout);
    assert_eq!(printed.lines().count(), rows.len());
    for ((number, row), line) in (1..).zip(&rows).zip(printed.lines()) {
        let input = row["input"].as_str().unwrap();
        assert_eq!(line, expected(number, input, stapel::AddressKey::parse(input)));
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&value["unit"], number_of(&value)), (&row["unit"], &row["number"]), "{input}");
        assert_eq!(value["error"]["code"], row["error"], "{input}");
    }
}

/// The key of the house number that a line of output has: of a refused one, in its error.
fn number_of(value: &Value) -> &Value {
    let refused = &value["error"]["number"];
    if refused.is_null() { &value["number"] } else { refused }
}

#[test]
fn fields_are_the_vectors() {
    let vectors: Value = serde_json::from_str(ADDRESSES).unwrap();
    let names = ["toevoeging", "postcode", "huisletter", "huisnummer"];
    let cell = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = vectors["fields"].as_array().unwrap();
    let fits = |row: &&Value| names.iter().all(|name| !cell(row, name).contains(['\t', '\n', '\r']));
    let rows: Vec<_> = rows.iter().filter(fits).collect();
    assert!(rows.len() > 130);
    let lines: Vec<_> = rows.iter().map(|row| names.map(|name| cell(row, name)).join("\t")).collect();
    for addition in ["toevoeging", "huisnummertoevoeging"] {
        let header = names.join("\t").replace("toevoeging", addition).to_uppercase();
        let input = format!("\u{feff}{header}\r\n{}\r\n", lines.join("\r\n"));
        let output = run(std::path::Path::new("."), "address --fields", &[], input.as_bytes());
        let mut printed = json_lines(&text(&output.stdout));
        let summary = printed.pop().unwrap()["summary"].clone();
        let refused = printed.iter().filter(|line| line["error"].is_object()).count();
        assert_eq!((&summary["rows"], &summary["refused"]), (&json!(rows.len()), &json!(refused)));
        let err = text(&output.stderr);
        assert!(
            output.status.success() && err.contains(&format!("{}' is toevoeging;", addition.to_uppercase())),
            "{err}"
        );
        let others = &summary["other_spellings"];
        let counted = format!(", {refused} refused; {others} with a suffix that others may write differently\n");
        assert!(err.ends_with(&counted), "{err}");
        assert_eq!(printed.len(), rows.len());
        for (((number, row), line), value) in (2..).zip(&rows).zip(&lines).zip(&printed) {
            assert_eq!((&value["line"], &value["input"]), (&json!(number), &json!(line)));
            assert_eq!((&value["unit"], number_of(value)), (&row["unit"], &row["number"]), "{line}");
            assert_eq!(value["error"]["code"], row["error"], "{line}");
        }
    }
}

#[test]
fn whatever_the_bytes_there_is_a_line_each() {
    let desk = Desk::new();
    let long = "x".repeat(3_000_000);
    let input = [b"\xff\n\n\0\r\n".as_slice(), long.as_bytes(), b"\nDam 1, 1012 JS"].concat();
    let output = desk.run("address", &[], &input);
    assert!(output.status.success());
    let printed = json_lines(&text(&output.stdout));
    let codes: Vec<_> = printed.iter().map(|line| line["error"]["code"].as_str().unwrap_or("none")).collect();
    assert_eq!(codes, ["not_utf8", "empty", "empty", "too_long", "none"]);
    assert_eq!(printed[0]["input"], "\u{fffd}");
    assert_eq!((&printed[4]["line"], &printed[4]["unit"]), (&json!(5), &json!("1012JS|1|")));

    let rows = b"huisnummer\tpostcode\n1\t1012JS\tA\n2\t1012JS\t \n1\t\xff\n3\n";
    let printed = json_lines(&text(&desk.run("address --fields", &[], rows).stdout));
    let codes: Vec<_> = printed.iter().map(|line| line["error"]["code"].as_str().unwrap_or("none")).collect();
    assert_eq!(codes, ["columns", "none", "not_utf8", "columns", "none"]);
    assert_eq!(desk.run("address --fields", &[], b"").status.code(), Some(0), "no lines are handled lines");
    for header in ["naam\tstraat\n", "postcode\tpostcode\n", "toevoeging\thuisnummertoevoeging\n"] {
        let output = desk.run("address --fields", &[], header.as_bytes());
        assert!(output.status.code() == Some(1) && text(&output.stderr).ends_with("[header]\n"), "{header}");
    }
}

/// The file may be a document, whatever its name says.
#[test]
fn a_file_that_is_no_table_is_named() {
    // A withdrawal reads the own flags first.
    let desk = consortium();
    desk.write("rows.csv", b"%PDF-1.7\n%\xe2\xe3\n");
    for command in ["flag", "withdraw", "full", "ask"] {
        let output = desk.run(&format!("partner {command} --dir politie --actor a --case b rows.csv"), &[], b"");
        let err = text(&output.stderr);
        assert!(
            err.starts_with("stapel: rows.csv: this is a PDF document: ") && err.ends_with("[not_a_table]\n"),
            "{err}"
        );
    }
    let output = desk.run("partner flag --dir none --actor a --case b", &[], b"{\"adres\":\"Dam 1\"}");
    assert!(text(&output.stderr).contains("standard input: this is JSON"));
}

/// The columns of `stapel address --fields` are those of `stapel partner flag`.
#[test]
fn columns_of_fields_are_accounted_for() {
    let desk = Desk::new();
    let rows = "Postcode\tHUISNR\tTvg\tnr\n1012JS\t1\tA\t7\n1012JS\t1\ta\t8\n1012JS\t1\n1012JS\t1\tB\t9\n";
    let refused = desk.run("address --fields", &[], rows.as_bytes());
    let err = text(&refused.stderr);
    assert!(refused.status.code() == Some(1) && refused.stdout.is_empty(), "{err}");
    assert!(err.contains("--map \"Tvg=toevoeging\"") && err.contains("--ignore \"nr\""), "{err}");
    for command in ["address", "pseudonym --secret-hex 00 --purpose zorg --epoch 1"] {
        let secret = "00".repeat(32);
        let command = command.replace("00", &secret);
        let line = format!("{command} --fields --map Tvg=toevoeging --ignore nr");
        let printed = json_lines(&text(&desk.run(&line, &[], rows.as_bytes()).stdout));
        let summary = &printed[4]["summary"];
        let counts = ["rows", "addresses", "repeated", "refused"].map(|name| summary[name].as_u64());
        assert_eq!(counts, [Some(4), Some(2), Some(1), Some(1)], "{summary}");
        assert_eq!(summary["columns"][2], json!({ "column": "Tvg", "read_as": "toevoeging" }));
        assert_eq!(printed[2]["error"]["code"], "columns");
    }
    let usage = desk.run("address --ignore nr", &[], b"");
    assert!(usage.status.code() == Some(2) && text(&usage.stderr).contains("give --fields too"));
}

#[test]
fn pseudonyms_are_the_vectors() {
    let desk = Desk::new();
    let vectors: Value = serde_json::from_str(DERIVATIONS).unwrap();
    let derivations = vectors["derivations"].as_array().unwrap();
    assert!(derivations.len() >= 9);
    for derivation in derivations {
        let pseudonyms = derivation["pseudonyms"].as_array().unwrap();
        let of = |key: &str| pseudonyms.iter().find(|row| row["address_key"] == key).unwrap()["pseudonym"].clone();
        let (secret, purpose) = (derivation["secret"].as_str().unwrap(), derivation["purpose"].as_str().unwrap());
        let line = format!("pseudonym --secret-hex {secret} --purpose {purpose} --epoch {}", derivation["epoch"]);
        let output = desk.run(&line, &[], b"Dam 1, 1012 JS\nDam\n");
        assert!(output.status.success());
        let (unit, number_key) = (of("1012JS|1|"), of("1012JS|1"));
        let printed = text(&output.stdout);
        let first = format!(
            "{{\"line\":1,\"input\":\"Dam 1, 1012 JS\",\"unit\":\"1012JS|1|\",\"number\":\"1012JS|1\",\
             \"unit_pseudonym\":{unit},\"number_pseudonym\":{number_key}}}"
        );
        assert_eq!(printed.lines().next(), Some(first.as_str()));
        assert!(printed.lines().nth(1).unwrap().starts_with(r#"{"line":2,"input":"Dam","error":{"code":""#));
    }
    let file = vectors["secret_files"][0]["text"].as_str().unwrap();
    desk.write("s.secret", file);
    let open = desk.run("pseudonym --secret s.secret", &[], b"");
    assert!(!cfg!(unix) || text(&open.stderr).contains("chmod 600 s.secret"));
    private(&desk, "s.secret");
    let output =
        desk.run("pseudonym --secret s.secret --fields", &[], b"postcode\thuisnummer\thuisletter\n1012JS\t1\ta\n");
    assert_eq!(json_lines(&text(&output.stdout))[0]["unit_pseudonym"], "62597af4dd868e6320cac89f1f6e36a0");
}

#[test]
fn keys_are_shown_and_secrets_are_not() {
    let desk = Desk::new();
    let public = desk.stapel("keygen signing --out a.key");
    assert_eq!(desk.stapel("keygen show a.key"), public);
    assert_eq!(desk.code("keygen signing --out a.key"), "io");
    let made = desk.stapel("keygen secret --purpose zorg --epoch 7 --out s");
    let key_id = made.lines().find_map(|line| line.strip_prefix("key id: ")).unwrap();
    let shown = desk.stapel("keygen show s");
    assert!(shown.contains(key_id) && shown.contains("zorg"), "{shown}");
    let secret = text(&desk.read("s"));
    let secret = secret.lines().find_map(|line| line.strip_prefix("secret: ")).unwrap();
    assert!(!shown.contains(secret) && !made.contains(secret));
    desk.stapel("keygen secret --purpose zorg --epoch 8 --out p --parts 3");
    assert_eq!(desk.list(".").len(), 5);
    let part = &desk.json("keygen show p.2")[0];
    assert_eq!((&part["kind"], &part["epoch"]), (&json!("part 2 of 3 of a secret"), &json!(8)));
    assert_eq!(desk.code("keygen join p.1 p.2 --out j"), "secret_parts");
    assert!(!desk.path("j").exists());
    desk.stapel("keygen join p.3 p.1 p.2 --out j");
    assert_eq!(desk.json("keygen show j")[0]["key_id"], part["key_id"]);
    assert_eq!(desk.run("keygen secret --purpose zorg --epoch 8 --out q --parts 1", &[], b"").status.code(), Some(2));
}

/// The file may be a secret key that was named by mistake, or begin with an address for want of a header.
#[test]
fn an_error_on_rows_repeats_nothing_of_what_may_be_secret() {
    // A withdrawal reads the own flags first.
    let desk = consortium();
    let key: Vec<u8> = (0..32).map(|at| b'@' + at).collect();
    let named = "several columns may be the postcode";
    for (bytes, said) in [
        (key, "1 column"),
        (vec![0; 300_000], "1 column"),
        (b"5ec7e75ec7e75ec7e7\n".to_vec(), "1 column"),
        ("Dam 1-A;1012 JS\nDam 2;1012 JS\n".as_bytes().to_vec(), "2 columns"),
        (b"a;b;".repeat(30), "61 columns"),
        (b"straat;plaats naam\n".to_vec(), "its columns are straat, plaats naam;"),
        (format!("postcode;{}pc\n", "-".repeat(9_000)).into_bytes(), named),
        (b"pc;huisnummer;pc\n".to_vec(), "two columns are named 'postcode'"),
    ] {
        desk.write("rows", &bytes);
        for command in ["flag", "withdraw", "full", "ask"] {
            let output = desk.run(&format!("partner {command} --dir politie --actor a --case b rows"), &[], b"");
            let err = text(&output.stderr);
            assert!(err.starts_with("stapel: rows: ") && err.ends_with("[header]\n") && err.contains(said), "{err}");
            assert!(err.len() < 400 && !err.contains("KLMNO") && !err.contains("Dam"), "{err}");
        }
    }
    let output = desk.run("partner flag --dir none --actor a --case b --map pc=postcode rows", &[], b"");
    assert!(text(&output.stderr).contains("two columns are named 'pc'"), "{}", text(&output.stderr));
}

#[test]
fn what_a_key_file_has_too_much_is_named() {
    let desk = Desk::new();
    desk.stapel("keygen secret --purpose zorg --epoch 7 --out s");
    let good = text(&desk.read("s"));
    for (bad, said) in [(format!("\u{feff}{good}"), "byte order mark"), (good.replace('\n', "\r\n"), "CR LF")] {
        desk.write("s", bad);
        let output = desk.run("keygen show s", &[], b"");
        let err = text(&output.stderr);
        assert!(err.contains(said) && err.ends_with("[secret_file]\n"), "{err}");
    }
    let output = desk.run("keygen signing --out s", &[], b"");
    assert!(text(&output.stderr).contains("s is there already"), "{}", text(&output.stderr));
}

#[test]
fn parts_are_written_all_or_none() {
    let desk = Desk::new();
    desk.stapel("keygen secret --purpose zorg --epoch 8 --out p --parts 3");
    let two = desk.read("p.2");
    for gone in ["p.1", "p.3"] {
        std::fs::remove_file(desk.path(gone)).unwrap();
    }
    let output = desk.run("keygen secret --purpose zorg --epoch 8 --out p --parts 3", &[], b"");
    let said = text(&output.stderr);
    assert!(said.contains("p.2 is there already") && said.contains("[parts_exist]"), "{said}");
    assert_eq!(desk.list("."), ["p.2"]);
    assert!(desk.read("p.2") == two);
    // A link to nowhere is not there, and cannot be written either.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere/at/all", desk.path("q.2")).unwrap();
        assert_eq!(desk.code("keygen secret --purpose zorg --epoch 8 --out q --parts 3"), "io");
        assert!(!desk.path("q.1").exists(), "no part is left alone");
    }
}

#[test]
fn a_policy_to_start_from_is_printed_and_one_that_is_wrong_is_named() {
    let desk = Desk::new();
    desk.write("policy.toml", desk.stapel("policy sample"));
    assert_eq!(desk.code("policy check policy.toml"), "policy_unsafe", "its keys are everybody's");
    assert_eq!(desk.code("policy verify policy.toml"), "policy_unsafe");
    let dated = desk.stapel("policy sample --now 2030-02-01T00:00:00Z");
    assert!(dated.contains("valid_from = 2030-02-01") && dated.contains("closes = 2031-01-31"), "{dated}");
    desk.write("wrong.toml", desk.stapel("policy sample").replace("threshold = 2", "threshold = two"));
    for line in ["policy check wrong.toml", "policy digest wrong.toml", "policy diff policy.toml wrong.toml"] {
        let output = desk.run(line, &[], b"");
        let said = text(&output.stderr);
        assert!(said.starts_with("stapel: wrong.toml: ") && said.contains("[policy_text]"), "{said}");
    }
    let output = desk.run("policy verify policy.toml", &[], b"");
    assert!(text(&output.stderr).starts_with("stapel: policy.toml: "));
}

#[cfg(unix)]
#[test]
fn a_reader_who_stops_reading_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_stapel"))
        .arg("address")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        // The command ends before it has read all of this.
        let _ = std::io::Write::write_all(&mut stdin, "Dam 1, 1012 JS\n".repeat(200_000).as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[cfg(unix)]
fn private(desk: &Desk, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(desk.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Desk, _: &str) {}
