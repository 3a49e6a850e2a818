//! README's blocks of commands, run as they are typed: in a new folder, one after another.

use std::path::Path;
use std::process::Command;

use crate::common::text;

/// The blocks of a language, in their order.
fn blocks<'a>(readme: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    readme.split(&begin).skip(1).map(|rest| rest.split_once("```").expect("a block that ends").0).collect()
}

/// What the lines print, when they are typed into a shell that finds the command. Each must succeed.
fn typed(folder: &Path, lines: &str) -> String {
    let command = Path::new(env!("CARGO_BIN_EXE_stapel")).parent().expect("a folder");
    let path = format!("{}:{}", command.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh").args(["-ec", lines]).env("PATH", path).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{lines}\n{}", text(&output.stderr));
    text(&output.stdout)
}

/// One of the sandbox's rows is no single home, and whoever types goes on after a row that was refused (exit status 3).
const MAY_REFUSE: &str = "stapel() { command stapel \"$@\" || { s=$?; [ $s = 3 ] || return $s; }; }\n";

/// The heading of the walk from nothing to a first hit, and on to its outcome.
const WALK: &str = "## Four partners over HTTPS\n";

/// The port in it, which may be taken on this machine.
const PORT: &str = "18443";

/// README in two: all but the walk, and the walk.
fn readme() -> (String, &'static str) {
    let (before, rest) = include_str!("../../README.md").split_once(WALK).expect("the walk");
    let (walk, after) = rest.split_once("\n## ").expect("another section");
    (format!("{before}\n## {after}"), walk)
}

#[test]
fn what_readme_says_to_type_does_what_readme_says() {
    let (readme, _) = readme();
    let shell = blocks(&readme, "sh");
    let [first, after, building, day, operator] = shell[..] else { panic!("{shell:?}") };
    let folder = tempfile::tempdir().unwrap();
    let typed_on = |folder: &Path, lines: &str| typed(folder, &format!("{MAY_REFUSE}{lines}"));
    let printed = typed_on(folder.path(), first);
    let [answer, told] = blocks(&readme, "text")[..] else { panic!("two blocks of what is printed") };
    assert!(printed.ends_with(answer), "{printed}");
    let printed = typed_on(folder.path(), after);
    assert_eq!(printed.matches("conversation ").count(), 5 + 1, "{printed}");
    assert!(told.lines().all(|line| printed.contains(line)), "{printed}");

    let sandbox = folder.path().join("sandbox");
    assert!(typed_on(&sandbox, day).contains("newly stacked"));
    let verified = typed(&sandbox, operator);
    assert!(verified.contains("as they were signed"), "{verified}");

    let [console] = blocks(&readme, "console")[..] else { panic!("one block with its output") };
    let (line, output) = console.split_once('\n').unwrap();
    assert_eq!(typed(folder.path(), line.strip_prefix("$ ").unwrap()), output);

    // The tests of this repository run it.
    assert!(building.contains("tests/run"));
}

/// The walk, all of it in one shell. Whatever becomes of it, the broker ends with the shell.
#[cfg(unix)]
#[test]
fn four_partners_reach_a_broker_over_https_as_readme_says_to_type() {
    let (_, walk) = readme();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let lines = blocks(walk, "sh").concat();
    assert_eq!(lines.matches(PORT).count(), 2);
    let folder = tempfile::tempdir().unwrap();
    let until_it_ends = "trap 'kill $! 2> /dev/null || :' EXIT\n";
    let said = typed(folder.path(), &format!("{until_it_ends}{}wait\n", lines.replace(PORT, &free.to_string())));
    let [hit, ended] = blocks(walk, "text")[..] else { panic!("two blocks of what is printed") };
    assert!(said.contains(hit) && said.contains(ended), "{said}");
    let log = std::fs::read_to_string(folder.path().join("broker.log")).unwrap();
    assert!(log.contains("ready addresses=") && log.contains("stopping"), "{log}");
    // Nothing of it is for others on the machine: neither keys nor what connects.
    for key in ["tls/server.key", "tls/client-politie.key", "politie.policy.key"] {
        let mode = std::os::unix::fs::MetadataExt::mode(&folder.path().join(key).metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600, "{key}");
    }
}
