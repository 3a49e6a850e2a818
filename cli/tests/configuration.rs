//! What a partner's commands take from a configuration file, the environment and the command line.

use std::process::Command;

use crate::common::{Desk, text};

/// Runs `stapel` with variables of the environment; what it prints, both ways, and its status.
fn run(desk: &Desk, line: &str, variables: &[(&str, &str)]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stapel"))
        .current_dir(desk.path(""))
        .args(line.split_whitespace())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    std::fs::create_dir(desk.path("etc")).unwrap();
    // Paths are from the file's folder.
    desk.write("etc/partner.toml", "dir = \"../s/partner\"\nactor = \"file\"\nout = \"../post\"\n");
    let dossier = "partner dossier --case Z-1 9999XA|14|";
    let actors = |variables: &[(&str, &str)]| {
        let flag = "partner flag --case Z-1 s/addresses.csv --json";
        let (status, _, err) = run(&desk, flag, variables);
        assert_eq!(status, 3, "one row cannot be read: {err}");
        let (_, shown, err) = run(&desk, &format!("{dossier} --dir s/partner --actor reader"), &[]);
        assert!(!shown.is_empty(), "{err}");
        shown
    };
    let shown = actors(&[("STAPEL_CONFIG", "etc/partner.toml")]);
    assert!(shown.contains("file for Z-1"), "{shown}");
    let withdraw = |variables: &[(&str, &str)], more: &str| {
        run(&desk, &format!("partner withdraw {more} --case Z-2 s/addresses.csv"), variables)
    };
    let (status, _, err) = withdraw(&[("STAPEL_ACTOR", "environment")], "--config etc/partner.toml");
    assert_eq!(status, 3, "{err}");
    let (_, shown, _) = run(&desk, &format!("{dossier} --config=etc/partner.toml --actor line"), &[]);
    assert!(shown.contains("withdrawn; environment for Z-2"), "{shown}");
    let (status, printed, err) = run(&desk, "partner deliver --config etc/partner.toml", &[]);
    assert!(status == 0 && printed.contains("post"), "{printed}{err}");
    let (status, _, err) = run(&desk, "partner status", &[]);
    assert!(status == 2 && err.contains("--dir"), "nothing is assumed: {err}");
    assert!(err.contains("--config FILE, or STAPEL_CONFIG") && err.contains("[usage]\n"), "{err}");
    let (status, _, err) = run(&desk, "partner sync", &[]);
    assert!(status == 2 && err.contains("--config FILE, or STAPEL_CONFIG"), "{err}");
    let (status, _, err) = run(&desk, "partner status", &[("STAPEL_DIR", "s/partner")]);
    assert_eq!(status, 0, "{err}");
}

/// `stapel partner logboek` takes the activity of `[logboek]`, which a Logboek elsewhere is sent too.
#[test]
fn the_processing_activity_is_that_of_the_file() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    let activity = "https://register.example.nl/12";
    let logboek = format!("[logboek]\nactivity = \"{activity}\"\notlp = \"http://127.0.0.1:1/v1/traces\"\n");
    desk.write("partner.toml", format!("dir = \"s/partner\"\n{logboek}"));
    let said = |line: &str| run(&desk, line, &[]);
    let (status, _, err) = said("partner dossier --config partner.toml --actor me --case Z-1 9999XA|14|");
    assert_eq!(status, 0, "{err}");
    let (status, out, err) = said("partner logboek --config partner.toml");
    assert!(status == 0 && out.contains(activity), "{out}{err}");
    let (status, out, _) = said("partner logboek --config partner.toml --activity https://other.example.nl/1");
    assert!(status == 0 && out.contains("other.example.nl") && !out.contains(activity), "{out}");
    assert_eq!(said("partner logboek --config partner.toml --dir s/others/politie").0, 2, "another's activity");
    assert_eq!(said("partner logboek --dir s/partner").0, 2);
}

#[test]
fn keys_and_outbox_are_those_of_the_files_folder_alone() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    desk.write("partner.toml", "dir = \"elsewhere\"\nkeys = \"elsewhere-keys\"\nout = \"post\"\n");
    let (status, _, err) = run(&desk, "partner deliver --config partner.toml --dir s/partner", &[]);
    assert_eq!(status, 0, "{err}");
    assert!(!desk.path("post").exists() && desk.path("s/partner/outbox").exists());
    let (status, _, err) = run(&desk, "partner status --config partner.toml", &[("STAPEL_DIR", "s/partner")]);
    assert_eq!(status, 0, "{err}");
    let (status, _, err) = run(&desk, "partner status --config partner.toml", &[]);
    assert!(status == 1 && err.contains("elsewhere"), "{err}");
}

#[test]
fn one_folder_is_the_same_by_each_of_its_names() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    std::fs::create_dir(desk.path("keys")).unwrap();
    let names = desk.list("s/partner").into_iter();
    for key in names.filter(|name| name.ends_with(".key") || name.starts_with("epoch-")) {
        std::fs::rename(desk.path("s/partner").join(&key), desk.path("keys").join(&key)).unwrap();
    }
    let dir = desk.path("s/partner");
    desk.write("partner.toml", format!("dir = {dir:?}\nkeys = \"keys\"\nout = \"post\"\n"));
    let deliver = "partner confirm --config partner.toml";
    for named in ["s/partner", "./s/partner/", "s/broker/../partner"] {
        let (status, out, err) = run(&desk, &format!("{deliver} --dir {named}"), &[]);
        assert!(status == 0 && out.contains("post"), "--dir {named}: {out}{err}");
        let (status, out, err) = run(&desk, deliver, &[("STAPEL_DIR", named)]);
        assert!(status == 0 && out.contains("post"), "STAPEL_DIR={named}: {out}{err}");
    }
    assert!(!desk.path("s/partner/outbox").exists());
}

#[test]
fn an_empty_variable_is_none() {
    let desk = Desk::new();
    desk.stapel("sandbox --dir s");
    desk.write("partner.toml", "dir = \"s/partner\"\nout = \"post\"\nactor = \"file\"\n");
    let empty = [("STAPEL_DIR", ""), ("STAPEL_KEYS", ""), ("STAPEL_OUT", ""), ("STAPEL_ACTOR", "")];
    let (status, out, err) = run(&desk, "partner confirm --config partner.toml", &empty);
    assert!(status == 0 && out.contains("post"), "{out}{err}");
    let (status, _, err) = run(&desk, "partner flag --config partner.toml --case Z-1 s/addresses.csv", &empty);
    assert_eq!(status, 3, "one row cannot be read: {err}");
    let all = [&empty[..], &[("STAPEL_CONFIG", "")]].concat();
    let (status, _, err) = run(&desk, "partner status --dir s/partner", &all);
    assert_eq!(status, 0, "{err}");
    let (status, _, err) = run(&desk, "partner status", &all);
    assert!(status == 2 && err.contains("--dir"), "{err}");
    // On the command line it is a slip.
    for line in ["partner status --dir=", "partner status --dir s/partner --config="] {
        assert_eq!(run(&desk, line, &[]).0, 2, "{line}");
    }
    let (_, _, err) = run(&desk, "broker serve --check", &[("STAPEL_BROKER_CONFIG", "")]);
    assert!(err.contains("--config") && err.ends_with("[usage]\n") || err.contains("required"), "{err}");
}

#[test]
fn help_is_given_whatever_the_file_is() {
    let desk = Desk::new();
    desk.write("wrong.toml", "dir = 3\n");
    for file in ["none.toml", "wrong.toml"] {
        for line in ["partner --help", "partner -h", "partner status --help", "partner help", "partner help status"] {
            let (status, out, err) = run(&desk, line, &[("STAPEL_CONFIG", file)]);
            assert!(status == 0 && out.contains("Usage:"), "{line}: {err}");
        }
        let (status, _, err) = run(&desk, "partner status", &[("STAPEL_CONFIG", file)]);
        assert!(status == 1 && err.ends_with("[connect_settings]\n"), "{err}");
    }
}

#[test]
fn what_a_file_says_and_nobody_knows_is_refused_with_its_line() {
    let desk = Desk::new();
    for (written, line) in [
        ("dir = \"x\"\ndri = \"y\"\n", "line 2"),
        ("[connect]\ncertificate = \"x\"\n\ncertificat = \"x\"\n", "line 4"),
        ("dir = 3\n", "line 1"),
        ("dir = \"a\"\ndir = \"b\"\n", "line 2"),
        ("[connect]\nca = \"ca.pem\"\n", "line 2"),
        ("actor = \"a\"\ndir = \"\"\n", "line 2"),
        ("keys = \"\"\n", "line 1"),
        ("out = \"\"\n", "line 1"),
        ("dir = \"x\"\nactor = \"\"\n", "line 2"),
        ("[connect]\nca = [\"a.pem\", \"\"]\n", "line 2"),
        ("[connect]\n\nproxy = \"\"\n", "line 3"),
        ("[connect]\nkey = \"\"\n", "line 2"),
    ] {
        desk.write("partner.toml", written);
        let (status, _, err) = run(&desk, "partner status --config partner.toml", &[]);
        assert!(status == 1 && err.contains(line) && err.contains("partner.toml"), "{written}: {err}");
        assert!(err.ends_with("[connect_settings]\n"), "{err}");
    }
    // The two kinds of files with that ending are not taken for each other.
    desk.stapel("keygen secret --purpose proef --epoch 1 --out half --parts 2 --enrolment epoch-1.toml");
    let (status, _, err) = run(&desk, "partner status --config epoch-1.toml", &[]);
    let kind = "epoch-1.toml: this is an enrolment (of epoch 1), which goes to whoever makes the policy; a \
                configuration file is expected, with dir, actor and [connect]: in the guides it is config-NAME.toml";
    assert!(status == 1 && err.contains(kind), "{err}");
    desk.write("config-police.toml", "dir = \"police\"\n");
    let new = "policy new --test --consortium proef --purpose proef --out policy.toml epoch-1.toml config-police.toml";
    let (status, _, err) = run(&desk, new, &[]);
    let kind = "config-police.toml: this is a configuration file (--config); an enrolment is expected";
    assert!(status == 1 && err.contains(kind) && err.ends_with("[enrolment]\n"), "{err}");
    let (status, _, err) = run(&desk, "partner status --config none.toml", &[]);
    assert!(status == 1 && err.contains("none.toml"), "{err}");
    // Other commands have no such file.
    let (status, _, err) = run(&desk, "address --json", &[("STAPEL_CONFIG", "none.toml")]);
    assert_ne!(status, 1, "{err}");
}
