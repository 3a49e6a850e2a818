//! `stapel sandbox`, and a first hit in it with the commands that its help shows.

#[cfg(unix)]
use std::io::{BufRead, BufReader, Lines, Read};
#[cfg(unix)]
use std::process::{Child, ChildStdout, Command, Stdio};
#[cfg(unix)]
use std::thread::JoinHandle;

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
    let shown = help.split_once("cd sandbox\n").unwrap().1.lines().take_while(|line| !line.is_empty());
    let shown = shown.map(|line| line.trim().strip_prefix("stapel ").unwrap());
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

/// A process that serves a sandbox. It ends with the test, at the latest.
#[cfg(unix)]
struct Served {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    log: JoinHandle<Vec<u8>>,
}

#[cfg(unix)]
impl Served {
    fn begin(desk: &Desk, more: &[&str]) -> Served {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stapel"));
        command.current_dir(desk.path("")).args(["sandbox", "--dir", "sandbox", "--serve"]).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        // It is read to its end, so that the server never waits for its reader.
        let mut log = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut all = Vec::new();
            log.read_to_end(&mut all).unwrap();
            all
        });
        Served { child, out, log }
    }

    fn line(&mut self) -> String {
        self.out.next().expect("a line more").unwrap()
    }

    /// Has it end as a person or a service manager does; what it logged.
    fn end(mut self, signal: &str) -> String {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(told.success() && self.child.wait().unwrap().success());
        let log = std::mem::replace(&mut self.log, std::thread::spawn(Vec::new));
        text(&log.join().unwrap())
    }
}

#[cfg(unix)]
impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn a_served_sandbox_says_what_to_type_until_a_hit() {
    let desk = Desk::new();
    let mut served = Served::begin(&desk, &[]);
    let said: Vec<_> = (0..9).map(|_| served.line()).collect();
    let typed: Vec<_> = said.iter().filter_map(|line| line.trim().strip_prefix("stapel ")).collect();
    assert_eq!(typed.len(), 4, "{said:?}");
    assert!(said[1].contains("in this folder") && said[1].contains("the first and the third end with exit status 3"));
    let mut printed = String::new();
    for (line, status) in typed.into_iter().zip([3, 0, 3, 0]) {
        let output = desk.run(line, &[], b"");
        assert_eq!(output.status.code(), Some(status), "{line}: {}", text(&output.stderr));
        printed = text(&output.stdout);
    }
    assert!(printed.contains("(Kerkplein 5, 9999 XB Voorbeeldstad)  stacked: 2 organisations"), "{printed}");
    for other in ["politie", "belastingdienst", "woningcorporatie"] {
        let printed = desk.stapel(&format!("partner sync --config sandbox/others/{other}.toml --at-once"));
        assert!(printed.contains("flags held"), "{printed}");
    }
    let log = served.end("-TERM");
    assert!(log.contains("status=200") && log.contains("stopping"), "{log}");
    // It is served again as it says, also to whoever tries what made it.
    let again = text(&desk.run("sandbox --dir sandbox --serve", &[], b"").stderr);
    assert!(again.contains("stapel broker serve --config sandbox/broker.toml [folder_not_empty]"), "{again}");
    let checked = desk.stapel("broker serve --config sandbox/broker.toml --check");
    assert!(checked.contains("nothing is wrong"), "{checked}");
}

#[cfg(unix)]
#[test]
fn a_program_is_told_where_a_served_sandbox_is() {
    let desk = Desk::new();
    let mut served = Served::begin(&desk, &["--json"]);
    let told: Value = serde_json::from_str(&served.line()).unwrap();
    let policy = text(&desk.read(told["policy"].as_str().unwrap()));
    assert!(policy.contains(&format!("addresses = [{}]", told["address"])), "{told}");
    assert!(
        ["partner", "broker", "config", "broker_config"]
            .iter()
            .all(|name| { desk.path(told[*name].as_str().unwrap()).exists() })
    );
    // Ctrl-C.
    served.end("-INT");
}
