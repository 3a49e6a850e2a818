//! A partner as a process: it delivers or asks once, and ends.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use stapel::message::{Told, Standing};
use stapel::partner::{Answered, Received};
use stapel::{AddressKey, Case, Partner, Timestamp};

use stapel_testkit::{DAY, START};

use crate::wire::{connect, send, take};
use crate::{show, show_process, timed};

/// The day after the full sets.
const ASKED_AT: Timestamp = Timestamp(START.0 + DAY);

/// From a file of addresses to a full set that the broker has accepted.
pub(crate) fn deliver(folder: &Path, number: u16, port: u16) {
    let mut partner = Partner::open(&own(folder, number)).unwrap();
    let messages = full_set(&mut partner, folder);
    carry(&mut partner, "deliver", messages, port, START, |_, received| {
        assert!(matches!(received, Received::Receipt(_)), "{received:?}");
    });
    show_process("deliver:");
}

/// From a file of addresses to their standings, which are left in `answers-stapel-<number>.txt`: the count of each, a
/// line each.
pub(crate) fn ask(folder: &Path, number: u16, port: u16) {
    let mut opened = Duration::ZERO;
    let mut partner = timed(&mut opened, || Partner::open(&own(folder, number))).unwrap();
    show("ask: folder opened", opened.as_secs_f64());
    let questions = question(&mut partner, folder);
    carry(&mut partner, "ask", questions, port, ASKED_AT, |partner, received| match received {
        Received::Answer(answer) => write_counts(partner, folder, &answer),
        other => panic!("{other:?}"),
    });
    show_process("ask:");
}

/// Makes the messages of both, and leaves them for who brings them to the broker.
pub(crate) fn write(folder: &Path, number: u16) {
    let mut partner = Partner::open(&own(folder, number)).unwrap();
    for (what, messages) in [("deliver", full_set(&mut partner, folder)), ("ask", question(&mut partner, folder))] {
        let mut file = BufWriter::new(File::create(mail(folder, what, number)).unwrap());
        messages.iter().for_each(|message| send(&mut file, message));
        file.flush().unwrap();
    }
}

/// Reads the replies to those messages, and leaves the standings as [`ask`] does.
pub(crate) fn read(folder: &Path, number: u16) {
    let mut partner = Partner::open(&own(folder, number)).unwrap();
    for what in ["deliver", "ask"] {
        let mut file = BufReader::new(File::open(replies(folder, what, number)).unwrap());
        while let Some(reply) = take(&mut file) {
            match partner.read(&reply, ASKED_AT).unwrap() {
                Received::Receipt(_) => {}
                Received::Answer(answer) => write_counts(&partner, folder, &answer),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Where a partner's messages wait for who brings them to the broker.
pub(crate) fn mail(folder: &Path, what: &str, number: u16) -> PathBuf {
    folder.join(format!("mail-{what}-{number}"))
}

/// Where the replies to them wait.
pub(crate) fn replies(folder: &Path, what: &str, number: u16) -> PathBuf {
    folder.join(format!("replies-{what}-{number}"))
}

/// Sets flags, and makes the full set that says so.
fn full_set(partner: &mut Partner, folder: &Path) -> Vec<Vec<u8>> {
    let [mut read, mut flagged, mut made] = [Duration::ZERO; 3];
    let homes = timed(&mut read, || addresses(folder, "flags", partner.number()));
    timed(&mut flagged, || partner.flag(&homes, &case(), START)).unwrap();
    drop(homes);
    let messages = timed(&mut made, || partner.deliver(START)).unwrap();
    show("deliver: addresses read", read.as_secs_f64());
    show("deliver: flags set", flagged.as_secs_f64());
    show("deliver: full set signed", made.as_secs_f64());
    messages
}

fn question(partner: &mut Partner, folder: &Path) -> Vec<Vec<u8>> {
    let mut made = Duration::ZERO;
    let asked = addresses(folder, "asked", partner.number());
    let questions = timed(&mut made, || partner.ask(&asked, &case(), ASKED_AT)).unwrap();
    show("ask: question signed", made.as_secs_f64());
    questions
}

/// Brings messages to the broker, and reads its replies.
fn carry(
    partner: &mut Partner,
    what: &str,
    messages: Vec<Vec<u8>>,
    port: u16,
    now: Timestamp,
    mut act: impl FnMut(&Partner, Received),
) {
    let mut stream = connect(port);
    let mut read = Duration::ZERO;
    for message in messages {
        send(&mut stream, &message);
        let reply = take(&mut stream).expect("a reply");
        timed(&mut read, || {
            let received = partner.read(&reply, now).unwrap();
            act(partner, received);
        });
    }
    show(&format!("{what}: replies read"), read.as_secs_f64());
}

fn write_counts(partner: &Partner, folder: &Path, answer: &Answered) {
    let path = folder.join(format!("answers-stapel-{}.txt", partner.number()));
    let mut file = BufWriter::new(File::create(path).unwrap());
    for (_, standing) in &answer.rows {
        let count = match standing {
            // The threshold is two, and the partner's own flag is one.
            Standing::BelowThreshold => 1,
            Standing::Stacked(Told::Count(count)) => *count,
            other => panic!("{other:?}"),
        };
        writeln!(file, "{count}").unwrap();
    }
    file.flush().unwrap();
}

fn addresses(folder: &Path, what: &str, number: u16) -> Vec<AddressKey> {
    let path = folder.join(format!("{what}-{number}.txt"));
    let file = File::open(&path).unwrap();
    // At least as short as a line is, so that the room for them need not grow.
    let mut addresses = Vec::with_capacity(fs::metadata(&path).unwrap().len() as usize / 10);
    addresses.extend(BufReader::new(file).lines().map(|line| AddressKey::from_canonical(&line.unwrap()).unwrap()));
    addresses
}

fn own(folder: &Path, number: u16) -> PathBuf {
    folder.join(format!("partner-{number}"))
}

fn case() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}
