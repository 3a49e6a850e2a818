//! Writes `ffi/include/stapel.h` from the comments in `ffi/src`: `cargo run -p stapel-header`.
//!
//! A program of its own, so that whoever builds the C library builds nothing of this.

use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    std::fs::write(path(), made())
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in the C library's")
}

fn path() -> PathBuf {
    crate_folder().join("include/stapel.h")
}

/// The header as the source makes it.
fn made() -> String {
    let mut made = Vec::new();
    cbindgen::generate(crate_folder()).expect("the source makes a header").write(&mut made);
    on_one_line(&String::from_utf8(made).expect("a header is text"))
}

/// Puts comments of one line on one line, which halves what there is to read.
fn on_one_line(header: &str) -> String {
    let lines: Vec<&str> = header.lines().collect();
    let mut text = String::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let indent = &line[..line.len() - line.trim_start().len()];
        let comment = lines.get(at + 1).and_then(|line| line.trim_start().strip_prefix("* "));
        let closes = lines.get(at + 2).is_some_and(|line| line.trim_start() == "*/");
        match comment {
            Some(comment) if line.trim_start() == "/**" && closes => {
                text += &format!("{indent}/** {comment} */\n");
                at += 3;
            }
            _ => {
                text += &format!("{line}\n");
                at += 1;
            }
        }
    }
    text
}

#[test]
fn the_committed_header_is_made_from_the_source() {
    let made = made();
    let committed = std::fs::read_to_string(path()).unwrap();
    let first = made.lines().zip(committed.lines()).position(|(made, committed)| made != committed);
    assert!(
        made == committed,
        "ffi/include/stapel.h differs at line {:?}; run: cargo run -p stapel-header",
        first.map(|line| line + 1)
    );
}
