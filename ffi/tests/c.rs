//! The programs in C, in `tests/c`: compiled without a warning, linked to the shared and to the static library, and run
//! as they are, under Valgrind and under AddressSanitizer. And every function of the header is in one of them.

#![allow(clippy::print_stdout, reason = "a test that was left out says so")]
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

use stapel_testkit::{Consortium, START};

const PROGRAMS: [&str; 5] = ["journey", "misuse", "register", "talk", "conversation"];

/// What a program is linked to, and what else the compiler is told.
#[derive(Clone, Copy)]
enum Build {
    Shared,
    Static,
    Sanitized,
}

#[test]
fn programs_run_with_the_shared_library() {
    for program in PROGRAMS {
        run(program, &mut Command::new(compiled(program, Build::Shared)));
    }
}

#[test]
fn programs_run_with_the_static_library() {
    for program in PROGRAMS {
        run(program, &mut Command::new(compiled(program, Build::Static)));
    }
}

#[test]
fn programs_run_under_valgrind_without_an_error_or_a_leak() {
    if !is_there("valgrind") {
        return;
    }
    for program in PROGRAMS {
        let mut valgrind = Command::new("valgrind");
        valgrind.args([
            "--quiet",
            "--error-exitcode=9",
            "--leak-check=full",
            "--errors-for-leak-kinds=definite,possible",
        ]);
        valgrind.arg(format!("--suppressions={}", source_folder().join("tests/c/valgrind.supp").display()));
        run(program, valgrind.arg(compiled(program, Build::Shared)));
    }
}

#[test]
fn programs_run_under_address_sanitizer() {
    for program in PROGRAMS {
        let mut sanitized = Command::new(compiled(program, Build::Sanitized));
        run(program, sanitized.env("ASAN_OPTIONS", "detect_stack_use_after_return=1"));
    }
}

#[test]
fn the_header_is_one_for_cpp_too() {
    if !is_there("c++") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("includes.cpp");
    std::fs::write(
        &source,
        "#include \"stapel.h\"\nint main() { return stapel_abi_version() == STAPEL_ABI_VERSION ? 0 : 1; }\n",
    )
    .unwrap();
    let program = folder.path().join("includes");
    let mut compiler = Command::new("c++");
    compiler
        .args(["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(source_folder().join("include"));
    compiler.arg(source).arg("-o").arg(&program).args(link(Build::Shared));
    succeed(&mut compiler);
    succeed(with_library(&mut Command::new(program)));
}

#[test]
fn every_function_of_the_header_is_called_by_a_program() {
    let header = std::fs::read_to_string(source_folder().join("include/stapel.h")).unwrap();
    let programs: String = ["check.h", "journey.c", "misuse.c", "register.c", "talk.c", "conversation.c"]
        .map(|name| std::fs::read_to_string(source_folder().join("tests/c").join(name)).unwrap())
        .concat();
    let functions: Vec<&str> = header.lines().filter_map(declared).collect();
    assert!(functions.len() > 50, "{functions:?}");
    let missing: Vec<_> = functions.iter().filter(|name| !programs.contains(&format!("{name}("))).collect();
    assert!(missing.is_empty(), "no program calls {missing:?}");
    // And what is exported is what is declared.
    let library = library_folder().join("libstapel_ffi.so");
    let symbols = Command::new("nm").args(["--dynamic", "--defined-only"]).arg(library).output().unwrap();
    let symbols = String::from_utf8(symbols.stdout).unwrap();
    let mut exported: Vec<&str> = symbols
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .filter(|name| name.starts_with("stapel_"))
        .collect();
    let mut functions = functions;
    exported.sort_unstable();
    functions.sort_unstable();
    assert_eq!(exported, functions);
}

/// The function that a line of the header declares.
fn declared(line: &str) -> Option<&str> {
    let before = line.split('(').next()?;
    let name = before.rsplit([' ', '*']).next()?;
    let is_one =
        before.len() < line.len() && line.starts_with(|c: char| c.is_ascii_lowercase()) && name.starts_with("stapel_");
    is_one.then_some(name)
}

/// Runs a program in a consortium of its own.
fn run(name: &str, program: &mut Command) {
    let consortium = match name {
        "talk" | "conversation" => Consortium::that_meets(),
        _ => Consortium::new(),
    };
    crate::register::make(&consortium.path("bag.stapel"));
    succeed(with_library(program).arg(consortium.path("")).arg(START.0.to_string()));
}

fn compiled(program: &str, build: Build) -> PathBuf {
    let source = source_folder().join("tests/c").join(program).with_extension("c");
    let (name, flags): (_, &[&str]) = match build {
        Build::Shared => ("shared", &[]),
        Build::Static => ("static", &[]),
        Build::Sanitized => ("sanitized", &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]),
    };
    let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{program}-{name}-{}", std::process::id()));
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1", "-pthread"]).args(flags);
    compiler.arg("-I").arg(source_folder().join("include")).arg(source).arg("-o").arg(&to).args(link(build));
    succeed(&mut compiler);
    to
}

fn link(build: Build) -> Vec<String> {
    let folder = library_folder().display().to_string();
    match build {
        Build::Static => vec![format!("{folder}/libstapel_ffi.a"), "-lm".into(), "-ldl".into(), "-pthread".into()],
        Build::Shared | Build::Sanitized => {
            vec![format!("-L{folder}"), "-lstapel_ffi".into(), format!("-Wl,-rpath,{folder}")]
        }
    }
}

/// Cargo names the folder first in which an older build may have left its library.
fn with_library(program: &mut Command) -> &mut Command {
    program.env("LD_LIBRARY_PATH", library_folder())
}

/// Where cargo put the libraries of this build: beside this test.
fn library_folder() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

fn source_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
}

/// Whether a tool is there. In CI it must be.
fn is_there(tool: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok();
    if !there {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{tool} is missing");
        println!("left out: {tool} is missing");
    }
    there
}
