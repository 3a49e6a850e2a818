//! A broker that is served, and its operator: commands as other processes, a monitor, SIGHUP, SIGTERM and SIGKILL.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use stapel::{Broker, Timestamp};
use stapel_testkit::{Client, START, code, day, leaks, numbered, pseudonym, read, signed, stored_keys, write_policy};

use crate::served::{Server, Town, policy};

/// Two partners flag the same.
fn town() -> (Town, Vec<Client>) {
    Town::new(|at| vec![1, 10 + at as u8])
}

/// What a partner's question gets.
fn ask(town: &Town, server: &Server, client: &mut Client) -> &'static str {
    let question = client.question(&[pseudonym(1)], town.now());
    code(&read(&town.carrier(client.number, server).exchange(&question, Duration::ZERO).unwrap()))
}

/// What a monitor sees so many seconds from now, and its exit status.
fn check(town: &Town, seconds: u64) -> (i32, String) {
    let now = town.now().plus(seconds);
    let (status, out, err) = town.run(&format!("broker status --dir broker --keys keys --check --now {now}"));
    (status, out + &err)
}

#[test]
fn a_served_broker_does_what_its_operator_says() {
    let (town, mut clients) = town();
    let server = town.serve();
    // With --keys and without: the service knows where the keys are.
    for (keys, copy) in [("", "copy"), (" --keys keys", "copy-2")] {
        let say = |command: &str| {
            let (status, out, err) = town.run(&format!("broker {command}{keys} --dir broker"));
            assert_eq!(status, 0, "{command}{keys}\n{out}{err}");
            out
        };
        assert!(say("status").contains("policy version 1"));
        say("release");
        say(&format!("backup --to {copy}"));
        say("log --out log.jsonl --checkpoints checkpoints");
        assert!(say("checkpoint").starts_with("example.nl/zaanstad\n"));
        say("verify");
    }
    assert!(town.path("log.jsonl").exists() && town.path("copy/backup").exists());
    assert_eq!(ask(&town, &server, &mut clients[0]), "ok");

    write_policy(&town.path("policy-2.toml"), &policy(2));
    let (status, out, err) = town.run("broker adopt --dir broker --policy policy-2.toml");
    assert_eq!(status, 0, "{out}{err}");
    clients[0].policy = signed(&policy(2)).digest();
    assert_eq!(ask(&town, &server, &mut clients[0]), "ok");
    assert!(town.run("broker status --dir broker").1.contains("policy version 2"));

    // What a service does not do needs the folder.
    let (status, _, err) = town.run("broker handle --dir broker --keys keys policy.toml");
    assert!(status == 75 && err.ends_with("[folder_in_use]\n"), "{err}");
    assert!(server.stop().success());
    assert_eq!(town.run("broker verify --dir broker --keys keys").0, 0);
    // Nobody is there who knows of its keys; where they were last is known.
    assert_eq!(town.run("broker verify --dir broker").0, 0);
    std::fs::rename(town.path("keys"), town.path("elsewhere")).unwrap();
    let (status, _, err) = town.run("broker verify --dir broker");
    assert!(status == 1 && err.ends_with("[broker_folder]\n") && err.contains("/keys: put the folder"), "{err}");
}

#[test]
fn nothing_of_a_message_or_a_key_is_logged_whatever_the_environment_says() {
    let (town, mut clients) = town();
    let server = town.serve();
    let mut secrets = Vec::new();
    let pseudonyms = numbered((1..=4).map(|number| number * 0x0e3d_94b5_a1c7_2f68_83d9_471e_b6f0_5a2c));
    for (at, one) in pseudonyms.iter().enumerate() {
        secrets.push((format!("pseudonym {at}"), one.expose_bytes().to_vec()));
    }
    for name in ["signing.key", "checkpoint.key", "epoch-1.pepper"] {
        secrets.push((name.to_owned(), std::fs::read(town.path("keys").join(name)).unwrap()));
    }
    let flags: Vec<_> = pseudonyms.iter().map(|one| (*one, day("2027-06-30"))).collect();
    let now = town.now();
    let client = &mut clients[0];
    let messages = [
        client.delta(&flags, &[], now),
        client.question(&pseudonyms, now),
        client.question(&pseudonyms, Timestamp(1)),
        pseudonyms[0].expose_bytes().repeat(100),
    ];
    let carrier = town.carrier(1, &server);
    for message in messages {
        let reply = carrier.exchange(&message, Duration::ZERO).unwrap();
        secrets.push(("a message".to_owned(), message[message.len() - 64..].to_vec()));
        secrets.push(("a reply".to_owned(), reply[reply.len() - 64..].to_vec()));
    }
    assert!(town.carrier(2, &server).exchange(&client.question(&pseudonyms, now), Duration::ZERO).is_err());
    carrier.fetch_certificates(Duration::ZERO).unwrap();
    for command in ["status", "release", "checkpoint", "verify", "log --out log.jsonl", "adopt --policy tls.key"] {
        town.run(&format!("broker {command} --dir broker"));
    }
    town.configure("[[consortium]]\nfolder = \"keys\"\n");
    let mut server = server;
    server.signal("HUP");
    server.wait_for("not reloaded");
    let logged = server.logged();
    assert!(logged.contains("milliseconds=") && logged.contains("stopping"), "{logged}");
    assert!(!logged.contains("TRACE") && !logged.contains("DEBUG"), "{logged}");
    assert_eq!(leaks(&logged, &secrets), [].into());
}

#[cfg(target_os = "linux")]
#[test]
fn what_hostile_clients_send_does_not_stay_in_memory() {
    use std::net::TcpStream;

    use stapel_testkit::Seeded;

    const BODIES: usize = 600;
    let (town, mut clients) = town();
    let server = town.serve();
    assert_eq!(ask(&town, &server, &mut clients[0]), "ok");
    let before = server.peak();
    let half_open: Vec<_> = (0..30).map(|_| TcpStream::connect(("127.0.0.1", server.port)).unwrap()).collect();
    std::thread::scope(|scope| {
        for number in 1..=2 {
            let carrier = town.carrier(number, &server);
            scope.spawn(move || {
                let mut random = Seeded::new(number.into());
                for _ in 0..BODIES / 2 {
                    let body: Vec<u8> = (0..65_536).map(|_| random.byte()).collect();
                    let reply = carrier.exchange(&body, Duration::ZERO).unwrap();
                    assert_ne!(code(&read(&reply)), "ok");
                }
            });
        }
    });
    drop(half_open);
    assert_eq!(ask(&town, &server, &mut clients[0]), "ok");
    // What came is 37.5 MiB, of which two bodies are there at once.
    let grown = server.peak() - before;
    assert!(grown < 16 << 10, "{grown} KiB more than before");
    assert!(server.stop().success());
}

#[test]
fn a_monitor_misses_a_server_that_was_killed_until_it_runs_again_or_was_stopped() {
    let (town, _) = town();
    let server = town.serve();
    assert_eq!(town.run("broker backup --dir broker --to copy").0, 0);
    let (status, told) = check(&town, 0);
    assert!(status < 2, "{told}");
    // Whoever is in its group reaches the status.
    let mode = |name: &str| town.path(name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("run/zaanstad"), mode("run/zaanstad/status.sock")), (0o750, 0o660));
    server.kill();
    let (status, told) = check(&town, 0);
    assert!(status < 2, "within the minute: {told}");
    // Commands that open the broker meanwhile do not stand in for it.
    for _ in 0..2 {
        let (status, told) = check(&town, 100);
        assert!(status == 2 && told.contains("[not_running]"), "{told}");
        let now = town.now().plus(100);
        let (status, out, err) = town.run(&format!("broker release --dir broker --keys keys --now {now}"));
        assert_eq!(status, 0, "{out}{err}");
        let (status, out, _) = town.run(&format!("broker status --dir broker --keys keys --now {now}"));
        assert!(status == 0 && out.contains("[not_running]"), "{out}");
    }
    // The note of a server that is gone leads nowhere, and keeps nobody from opening the broker.
    let (status, out, err) = town.run("broker verify --dir broker");
    assert_eq!(status, 0, "{out}{err}");

    let mut server = town.serve();
    let (status, told) = check(&town, 0);
    assert!(!told.contains("[not_running]"), "{status}: {told}");
    server.signal("INT");
    server.wait_for("stopping");
    assert!(server.stop().success());
    let (status, told) = check(&town, 1_000);
    assert!(!told.contains("[not_running]"), "{status}: {told}");
}

#[test]
fn a_hangup_takes_up_consortia_and_changes_nothing_where_the_file_is_wrong() {
    let (town, mut clients) = town();
    let text = policy(1).replace("zaanstad", "elders");
    std::fs::create_dir(town.path("other")).unwrap();
    write_policy(&town.path("other/policy.toml"), &text);
    let keys = stored_keys(&town.path("other/keys"));
    drop(Broker::create(&town.path("other/broker"), keys, &town.path("other/policy.toml"), START).unwrap());

    let mut server = town.serve();
    let one = "[[consortium]]\nfolder = \"broker\"\nkeys = \"keys\"\n";
    let other = "[[consortium]]\nfolder = \"other/broker\"\nkeys = \"other/keys\"\n";
    for wrong in ["nonsense = 1\n".to_owned(), format!("{one}[[consortium]]\nfolder = \"nowhere\"\n")] {
        town.configure(&wrong);
        server.signal("HUP");
        server.wait_for("not reloaded: all is as it was");
        assert_eq!(ask(&town, &server, &mut clients[0]), "ok");
        assert_eq!(town.run("broker status --dir broker").0, 0);
    }
    town.configure(&format!("{one}{other}"));
    server.signal("HUP");
    server.wait_for("INFO reloaded");
    assert_eq!(ask(&town, &server, &mut clients[0]), "ok");
    let (status, out, err) = town.run("broker status --dir other/broker");
    assert_eq!(status, 0, "{out}{err}");

    // One that is served stays in its folder, whatever copy of it another names.
    let copied = std::process::Command::new("cp").args(["-r", "other", "copied"]).current_dir(town.path("")).status();
    assert!(copied.unwrap().success());
    town.configure(&format!("{one}{}", other.replace("other", "copied")));
    server.signal("HUP");
    server.wait_for("the consortium elders has other folders");

    // One that is named no longer is let go of, and others may open it.
    town.configure(other);
    server.signal("HUP");
    server.wait_for("INFO reloaded");
    assert_eq!(town.run("broker verify --dir broker --keys keys").0, 0);
    assert!(!town.path("run/zaanstad/operator.sock").exists());
    assert!(server.stop().success());
    assert!(!town.path("run/elders/operator.sock").exists());
}
