//! README's blocks of commands, run as they are typed: in a new folder, one after another.

use std::path::Path;
use std::process::Command;

use crate::common::text;

/// The blocks of a language, in their order.
fn blocks<'a>(readme: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    readme.split(&begin).skip(1).map(|rest| rest.split_once("```").expect("a block that ends").0).collect()
}

/// What the lines print, when they are typed into a shell that finds the command. One of the sandbox's rows is no
/// single home, and whoever types goes on after a row that was refused (exit status 3).
fn typed(folder: &Path, lines: &str) -> String {
    let command = Path::new(env!("CARGO_BIN_EXE_stapel")).parent().expect("a folder");
    let path = format!("{}:{}", command.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-ec", &format!("{MAY_REFUSE}{lines}")])
        .env("PATH", path)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{lines}\n{}", text(&output.stderr));
    text(&output.stdout)
}

const MAY_REFUSE: &str = "stapel() { command stapel \"$@\" || { s=$?; [ $s = 3 ] || return $s; }; }\n";

#[test]
fn what_readme_says_to_type_does_what_readme_says() {
    let readme = include_str!("../../README.md");
    let shell = blocks(readme, "sh");
    let [first, building, founding, day, operator] = shell[..] else { panic!("{shell:?}") };
    let folder = tempfile::tempdir().unwrap();
    let printed = typed(folder.path(), first);
    let [answer] = blocks(readme, "text")[..] else { panic!("one block of what is printed") };
    assert!(printed.ends_with(answer), "{printed}");

    let sandbox = folder.path().join("sandbox");
    assert!(typed(&sandbox, day).contains("newly stacked"));
    let verified = typed(&sandbox, operator);
    assert!(verified.contains("as they were signed"), "{verified}");

    let [console] = blocks(readme, "console")[..] else { panic!("one block with its output") };
    let (line, output) = console.split_once('\n').unwrap();
    assert_eq!(typed(folder.path(), line.strip_prefix("$ ").unwrap()), output);

    // The tests of this repository run it.
    assert!(building.contains("tests/run"));

    let founded = folder.path().join("founded");
    std::fs::create_dir(&founded).unwrap();
    let said = typed(&founded, founding);
    assert!(said.contains("broker of zaanstad, policy "), "{said}");
    let to_a_hit = "printf 'adres\n\"Dam 9, 1012 JS\"\n' > a.csv\n\
                    for who in politie belastingdienst zaanwonen; do\n\
                    stapel partner flag --dir $who --actor me --case Z-1 a.csv\n\
                    stapel partner deliver --dir $who\nstapel broker handle --dir broker $who/outbox\n\
                    stapel partner read --dir $who\ndone\n\
                    stapel partner ask --dir politie --actor me --case Z-1 a.csv\n\
                    stapel broker handle --dir broker politie/outbox\nstapel partner read --dir politie\n";
    let said = typed(&founded, to_a_hit);
    assert!(said.contains("stacked: 3 organisations"), "{said}");
}
