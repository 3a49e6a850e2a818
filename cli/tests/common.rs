//! Runs the command in a folder of its own, as a person or a script would.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder in which commands run.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The names of the files in a folder.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The one delivery that is in an outbox. Its number is another in each run.
    pub(crate) fn delivery(&self, outbox: &str) -> String {
        let names = self.list(outbox).into_iter();
        let mut deliveries = names.filter(|name| name.starts_with("delivery-") && name.ends_with(".msg"));
        let (only, none) = (deliveries.next().unwrap(), deliveries.next());
        assert_eq!(none, None);
        format!("{outbox}/{only}")
    }

    /// Runs `stapel` with the words of `line` and then `more`, and `input` on standard input.
    pub(crate) fn run(&self, line: &str, more: &[&str], input: &[u8]) -> Output {
        run(self.0.path(), line, more, input)
    }

    /// Standard output of a command that must succeed.
    pub(crate) fn stapel(&self, line: &str) -> String {
        self.stapel_with(line, &[])
    }

    /// The same, with more arguments, which may have spaces in them.
    pub(crate) fn stapel_with(&self, line: &str, more: &[&str]) -> String {
        let output = self.run(line, more, b"");
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "stapel {line} {more:?}\n{out}{err}");
        out
    }

    /// The lines of JSON that a command prints.
    pub(crate) fn json(&self, line: &str) -> Vec<Value> {
        json_lines(&self.stapel(&format!("{line} --json")))
    }

    /// The lines of JSON that a command prints which may say that something was refused.
    pub(crate) fn told(&self, line: &str) -> Vec<Value> {
        let output = self.run(&format!("{line} --json"), &[], b"");
        let status = output.status.code().unwrap();
        assert!([0, 3, 75].contains(&status), "stapel {line}\n{}", text(&output.stderr));
        json_lines(&text(&output.stdout))
    }

    /// The code of a command that must do nothing, and say so in the one form.
    pub(crate) fn code(&self, line: &str) -> String {
        let (status, code) = self.ended(line);
        assert_eq!(status, 1, "stapel {line}");
        code
    }

    /// The exit status of a command that must fail in whole or in part, and the code of what it says last.
    pub(crate) fn ended(&self, line: &str) -> (i32, String) {
        let output = self.run(line, &[], b"");
        let err = text(&output.stderr);
        let last = err.lines().last().unwrap_or_default();
        assert!(err.starts_with("stapel: ") && last.ends_with(']'), "stapel {line}\n{err}");
        let code = last.rsplit_once('[').unwrap().1.trim_end_matches(']').to_owned();
        (output.status.code().unwrap(), code)
    }
}

pub(crate) fn run(folder: &Path, line: &str, more: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stapel"))
        .current_dir(folder)
        .args(line.split_whitespace())
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A command that fails early does not read its input.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
