//! The committed header is the one that the comments in the source make, and is installed under the ABI's version.

#![allow(missing_docs, reason = "a test")]

use std::path::Path;

#[test]
fn the_header_is_made_from_the_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut made = Vec::new();
    cbindgen::generate(folder).expect("the source makes a header").write(&mut made);
    let made = on_one_line(&String::from_utf8(made).unwrap());
    let path = folder.join("include/stapel.h");
    if std::env::var_os("STAPEL_WRITE_HEADER").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let first = made.lines().zip(committed.lines()).position(|(made, committed)| made != committed);
    assert!(
        made == committed,
        "include/stapel.h differs at line {:?}; run: STAPEL_WRITE_HEADER=1 cargo test -p stapel-ffi --test header",
        first.map(|line| line + 1)
    );
}

/// `tests/long` installs the library with cargo-c; this is what takes no minutes of that.
#[test]
fn the_installed_library_has_the_version_of_the_abi() {
    let version = format!("version = \"{}.0.0\"", stapel_ffi::STAPEL_ABI_VERSION);
    let (_, capi) = include_str!("../Cargo.toml").split_once("[package.metadata.capi]").unwrap();
    assert_eq!(capi.matches(&version).count(), 2, "the library's and that of stapel.pc are {version}");
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
