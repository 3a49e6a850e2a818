//! docs/operate.md, typed as it stands, by an operator and four partners, each with folders of its own. Users and the
//! service manager are played: `tests/packages` and `tests/machine` have real ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use stapel::Timestamp;

use crate::common::text;

const PAGE: &str = include_str!("../../docs/operate.md");

const PARTNERS: [&str; 4] = ["politie", "belastingdienst", "zaanwonen", "gemeente"];

/// Starts and stops the broker and the partner as their units would.
const SYSTEMCTL: &str = r#"#!/bin/sh
for unit; do :; done
who=${unit#stapel-} pid="$MACHINE/$unit.pid" log="$MACHINE/$unit.log"
is_active() { [ -e "$pid" ] && kill -0 "$(cat "$pid")" 2> /dev/null; }
start() {
  is_active && return
  stapel "$who" serve --config "$MACHINE/etc/stapel/$who.toml" > /dev/null 2> "$log" &
  echo $! > "$pid"
  until grep -Eq 'ready (addresses|socket)=' "$log"; do kill -0 $! || { cat "$log" >&2; exit 1; }; sleep 0.1; done
}
stop() {
  is_active || return 0
  kill "$(cat "$pid")"
  while is_active; do sleep 0.1; done
}
case "$*" in
"enable --now $unit" | "start $unit") start ;;
"disable --now $unit" | "stop $unit") stop ;;
"restart $unit") stop && start ;;
"reload $unit") kill -HUP "$(cat "$pid")" ;;
"is-active $unit") is_active ;;
"is-enabled $unit") ;;
"--failed") ;;
*) exit 1 ;;
esac
"#;

/// Takes the options that give another user's rights away, and does the command.
const SETPRIV: &str = "#!/bin/sh\nwhile case $1 in --*) ;; *) false ;; esac do shift; done\nexec \"$@\"\n";

/// Commands that are not typed: what they ask is of a machine that runs systemd and has a network.
const NOT_TYPED: [&str; 8] = [
    "journalctl ",
    "systemctl status ",
    "systemctl show ",
    "systemctl list-timers",
    "timedatectl",
    "ss ",
    "getent ",
    // Of a trust service provider, whose lists somebody fetched.
    "openssl crl -in /etc/stapel/broker-tls/tsp.crl ",
];

/// The machines, and what is on them.
struct Place {
    folder: tempfile::TempDir,
    port: u16,
    monitor: u16,
}

impl Place {
    fn new() -> Place {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let [port, monitor] = [free(), free()].map(|one| one.local_addr().unwrap().port());
        let place = Place { folder: tempfile::tempdir().unwrap(), port, monitor };
        fs::create_dir_all(place.shared()).unwrap();
        for (name, script) in [
            ("runuser", "#!/bin/sh\nshift 3\nexec \"$@\"\n"),
            ("chown", "#!/bin/sh\n"),
            ("systemctl", SYSTEMCTL),
            ("setpriv", SETPRIV),
        ] {
            let path = place.path("bin").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        place.machine("operator");
        PARTNERS.iter().for_each(|name| place.machine(name));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shared(&self) -> PathBuf {
        self.path("srv/consortium")
    }

    /// What the packages make on a machine.
    fn machine(&self, name: &str) {
        let machine = self.path(name);
        for folder in ["root", "run/stapel-partner"] {
            fs::create_dir_all(machine.join(folder)).unwrap();
        }
        for who in ["broker", "partner"] {
            let tls = format!("etc/stapel/{who}-tls");
            let keys = format!("var/lib/stapel-{who}-keys");
            for folder in [tls, format!("var/lib/stapel-{who}"), keys, format!("var/backups/stapel-{who}")] {
                fs::create_dir_all(machine.join(folder)).unwrap();
            }
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../packages/{who}/{who}.toml"));
            let shipped = self.on(name, &fs::read_to_string(file).unwrap());
            let sockets =
                if who == "broker" { format!("runtime_dir = {:?}\n", machine.join("run")) } else { String::new() };
            fs::write(machine.join(format!("etc/stapel/{who}.toml")), sockets + &shipped).unwrap();
        }
    }

    /// Lines with this machine's paths and this test's port.
    fn on(&self, machine: &str, lines: &str) -> String {
        let root = self.path(machine).display().to_string();
        let mut lines = lines
            .replace("/srv/consortium", &self.shared().display().to_string())
            .replace("https://stapel.example.nl", &format!("https://localhost:{}", self.port))
            .replace("0.0.0.0:443", &format!("127.0.0.1:{}", self.port))
            .replace("127.0.0.1:9640", &format!("127.0.0.1:{}", self.monitor))
            .replace("tar -C / ", &format!("tar -C {root} "));
        for who in ["broker", "partner"] {
            lines = lines.replace(&format!("! -user stapel-{who}"), "! -uid $(id -u)");
        }
        for place in ["/etc/stapel", "/var/lib/stapel", "/var/backups/stapel", "/run/stapel-partner", "/root/"] {
            lines = lines.replace(place, &format!("{root}{place}"));
        }
        lines
    }

    /// What a person types there, who has typed the page's first block, and what it prints.
    fn typed(&self, machine: &str, lines: &str) -> String {
        let number = PARTNERS.iter().position(|name| *name == machine).map_or(0, |at| at + 1);
        let lines = lines.replace("who=politie number=1\n", "");
        let first = blocks(PAGE)[0].clone();
        let lines = self.on(machine, &format!("{first}cd /srv/consortium\nwho={machine} number={number}\n{lines}"));
        let command = Path::new(env!("CARGO_BIN_EXE_stapel")).parent().unwrap().display();
        let path = format!("{}:{command}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell
            .args(["-ec", &lines])
            .env("PATH", path)
            .env("MACHINE", self.path(machine))
            .current_dir(self.path(machine));
        let output = shell.output().unwrap();
        let said = text(&output.stdout);
        assert!(output.status.success(), "on {machine}:\n{lines}\n{said}\n{}", text(&output.stderr));
        said
    }

    /// Types a section's blocks, each where its first line says: `one` is the partner whose section it is.
    fn section(&self, heading: &str, one: &str) -> String {
        let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).expect("the section");
        let section = section.split("\n## ").next().unwrap();
        let mut said = String::new();
        for block in blocks(section) {
            match block.lines().next().unwrap() {
                "# operator" => said += &self.typed("operator", &block),
                "# coordinator" => {
                    said += &self.typed("politie", &block);
                    for (who, part) in PARTNERS.iter().flat_map(|who| [(who, 1), (who, 2)]) {
                        let part = format!("root/epoch-1.secret.{part}");
                        if !self.path(who).join(&part).exists() {
                            fs::copy(self.path("politie").join(&part), self.path(who).join(&part)).unwrap();
                        }
                    }
                }
                "# partner" if one.is_empty() => {
                    PARTNERS.iter().for_each(|who| said += &self.typed(who, &block));
                }
                "# partner" | "# one partner" => {
                    let who = if one.is_empty() { "politie" } else { one };
                    said += &self.typed(who, &block);
                }
                other => self.special(other, &block),
            }
        }
        said
    }

    /// A drill with a backup that is no longer good leaves no copy of the keys either.
    fn drill_that_fails(&self) {
        let drill = blocks(PAGE).into_iter().find(|block| block.contains("/drill'")).expect("the drill");
        let drill = drill.replace("/var/backups/stapel-broker/1", "/var/backups/stapel-broker/none");
        let said = self.typed("operator", &format!("{{ {drill} }} 2>&1 || :\n"));
        assert!(said.contains("there is no such backup"), "{said}");
        assert!(!self.path("operator/var/lib/stapel-broker/drill").exists());
    }

    /// Types what is said for each alert, on the operator's machine.
    fn alerts(&self) {
        let (_, section) = PAGE.split_once("\n## Alerts\n").expect("the section");
        for block in blocks(section.split("\n## ").next().unwrap()) {
            self.line_by_line("operator", &block);
            self.typed("operator", "systemctl start stapel-broker\n");
        }
    }

    /// Types a block line by line, but what cannot be typed here; what is printed.
    fn line_by_line(&self, machine: &str, block: &str) -> String {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let today = Timestamp(since_1970).day().to_string();
        let mut said = String::new();
        for line in block.lines().filter(|line| !is_untyped(line)) {
            said += &match line {
                // Without a date it only says what would end.
                "as broker accept-clock $broker" => {
                    let said = self.typed(machine, &format!("{line} 2>&1 || [ $? = 1 ]\n"));
                    assert!(said.contains("with that, 0 flags end, no epoch closes"), "{said}");
                    said
                }
                // A test's machine may have nothing that keeps its clock in step.
                "as broker purge $broker" => {
                    let refused = "grep -qF '[clock_unconfirmed]' <<< \"$said\"";
                    self.typed(machine, &format!("said=$({line} 2>&1) || {refused}\n"))
                }
                "as broker status $broker --check" => self.typed(machine, &format!("{line} || [ $? -le 2 ]\n")),
                _ => self.typed(machine, &format!("{}\n", line.replace("2026-12-21", &today))),
            };
        }
        said
    }

    /// Blocks before which something happens.
    fn special(&self, mark: &str, block: &str) {
        match mark {
            "# operator, new machine" => {
                fs::rename(self.path("operator"), self.path("old")).unwrap();
                self.machine("operator");
                let carried = ["root/move.tar", "root/broker-keys.tar"];
                carried.iter().for_each(|file| {
                    fs::copy(self.path("old").join(file), self.path("operator").join(file)).unwrap();
                });
                let backups = "var/backups/stapel-broker";
                fs::remove_dir(self.path("operator").join(backups)).unwrap();
                fs::rename(self.path("old").join(backups), self.path("operator").join(backups)).unwrap();
                self.typed("operator", block);
            }
            "# operator, at night" => {
                let said = self.line_by_line("operator", block);
                assert!(said.contains(", as of ") && said.ends_with("nothing is wrong with it\n"), "{said}");
            }
            "# operator, before a change" => {
                self.typed("operator", &format!("{block}systemctl start stapel-broker\n"));
                let kept = self.typed("operator", "cat /root/before-*.tar | tar -t\n");
                assert!(kept.contains("zaanstad/signing.key") && kept.contains("zaanstad/store/ledger.redb"), "{kept}");
            }
            "# operator, keys lost" => {
                let keys = self.path("operator/var/lib/stapel-broker-keys/zaanstad");
                self.typed("operator", "systemctl stop stapel-broker\n");
                fs::rename(keys.join("signed.logs"), self.path("signed.logs")).unwrap();
                fs::remove_dir_all(&keys).unwrap();
                let said = self.typed("operator", "as broker status $broker 2>&1 || [ $? = 1 ]\n");
                assert!(said.contains("[broker_folder]") && said.contains("has no keys in"), "{said}");
                self.typed("operator", block);
                // It is lost in earnest.
                assert!(!keys.join("signed.logs").exists());
            }
            "# operator, store lost" => {
                let store = self.path("operator/var/lib/stapel-broker/zaanstad/store");
                fs::write(store.join("flags.redb"), [0; 9_000]).unwrap();
                let said = self.typed("operator", "as broker status $broker 2>&1 || [ $? = 1 ]\n");
                assert!(said.contains("[store_damaged]"), "{said}");
                self.typed("operator", block);
                let said = self.typed("operator", "as broker status $broker\n");
                assert!(said.contains("not heard of since the restore of "), "{said}");
            }
            "# operator, all delivered" => {
                let said = self.typed("operator", block);
                assert!(!said.contains("no full set yet") && said.contains("1 flags held"), "{said}");
            }
            "# partner, keys lost" => {
                self.typed("belastingdienst", "systemctl stop stapel-partner\n");
                fs::remove_dir_all(self.path("belastingdienst/var/lib/stapel-partner-keys/folder")).unwrap();
                self.typed("belastingdienst", block);
            }
            "# partner, disk lost" => {
                let journal = self.path("belastingdienst/var/lib/stapel-partner/folder/journal.sealed");
                fs::write(&journal, [0; 9_000]).unwrap();
                let said = self.typed("belastingdienst", "as partner status --check 2>&1 || [ $? = 1 ]\n");
                assert!(said.contains("[journal_damaged]"), "{said}");
                self.typed("belastingdienst", block);
            }
            "# operator, newer policy" => {
                let next = "stapel policy next policy.toml --out policy-2.toml --address https://stapel.example.nl \
                            --address https://two.example\n";
                self.typed("politie", next);
                let sign = "stapel policy sign policy-2.toml --previous policy.toml --key /root/$who.policy.key\n";
                PARTNERS.iter().for_each(|who| drop(self.typed(who, sign)));
                self.typed("operator", block);
            }
            "# each partner, broker restored" => PARTNERS.iter().for_each(|who| drop(self.typed(who, block))),
            "# partner, newer policy" => PARTNERS.iter().for_each(|who| drop(self.typed(who, block))),
            "# partner, at night" => {
                let said = self.line_by_line("belastingdienst", block);
                assert!(said.contains("addresses = [\"https://localhost:") && said.contains("notAfter="), "{said}");
            }
            "# partner, by hand" | "# partner, files of another user" => {
                self.typed("belastingdienst", block);
            }
            "# partner, secret missing" => {
                let secret = self.path("belastingdienst/var/lib/stapel-partner-keys/folder/epoch-1.secret");
                fs::remove_file(&secret).unwrap();
                let ask = "systemctl stop stapel-partner\nas partner status 2>&1\n";
                let missing = "the secret of epoch 1 is not here";
                let said = self.typed("belastingdienst", ask);
                assert!(said.contains(missing) && said.contains("from the copy of the keys"), "{said}");
                self.typed("belastingdienst", block);
                assert!(secret.exists() && !self.typed("belastingdienst", ask).contains(missing));
            }
            other => panic!("nobody types a block that begins with {other}"),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = Command::new("sh").args(["-c", "kill $(cat */*.pid)"]).current_dir(self.folder.path()).output();
    }
}

fn is_untyped(line: &str) -> bool {
    NOT_TYPED.iter().any(|untyped| line.starts_with(untyped))
}

/// The blocks of commands in their order, without the margin that a list gives them.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(begin) = lines.next() {
        let margin = begin.len() - begin.trim_start().len();
        if begin.trim_start() == "```sh" {
            let block = lines.by_ref().take_while(|line| line.trim_start() != "```");
            blocks.push(block.map(|line| format!("{}\n", line.get(margin..).unwrap_or_default())).collect());
        }
    }
    blocks
}

#[test]
fn every_procedure_of_the_page_for_operators_does_what_the_page_says() {
    let place = Place::new();
    let said = place.section("First day", "");
    assert!(said.contains("(Dam 9, 1012 JS Amsterdam)  stacked: 3 organisations or more"), "{said}");
    let said = place.section("Backup and a restore drill", "belastingdienst");
    assert!(said.contains("as of") && said.ends_with("zaanstad\n"), "{said}");
    place.drill_that_fails();
    place.section("Something is wrong", "");
    place.section("Upgrade", "");
    place.section("Moving to another machine", "");
    place.section("A key leaked", "politie");
    place.section("The disk is lost", "");
    place.alerts();
    place.section("An organisation joins or leaves", "");
    place.section("A partner's machine", "");
    // After all of that the four are heard, and the same question has its answer.
    place.typed("politie", "systemctl stop stapel-partner\n");
    let again = "as partner ask --case Z-3 /var/lib/stapel-partner/addresses.csv\nas partner sync --show\n";
    let said = place.typed("politie", again);
    assert!(said.contains("(Dam 9, 1012 JS Amsterdam)  stacked: 3 organisations or more"), "{said}");
    // All of the page was typed, but for what installs packages.
    let typed = [
        "Something is",
        "First day",
        "Backup and",
        "Upgrade",
        "Moving to",
        "A key leaked",
        "The disk is",
        "An organisation",
        "A partner's",
        "Alerts",
    ];
    for section in PAGE.split("\n## ").skip(1).filter(|section| section.contains("```sh\n")) {
        assert!(section.starts_with("Install\n") || typed.iter().any(|one| section.starts_with(one)), "{section}");
    }
    for untyped in NOT_TYPED {
        let named = blocks(PAGE).concat().lines().any(|line| line.starts_with(untyped));
        assert!(named, "nothing on the page is {untyped}");
    }
}
