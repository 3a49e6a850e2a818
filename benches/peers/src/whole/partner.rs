//! A partner, as a process that does one thing and ends.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use stapel::message::{Number, Standing};
use stapel::partner::{Answered, Received};
use stapel::{AddressKey, Case, Partner, Timestamp};

use crate::wire::{send, take};
use crate::workload::{DAY, START};
use crate::{show, show_process, timed};

/// From a file of addresses to a full set that the broker has accepted.
pub(crate) fn deliver(folder: &Path, number: u16, port: u16) {
    let mut partner = Partner::open(&own(folder, number)).unwrap();
    let [mut read, mut flagged, mut made, mut waited, mut taken] = [Duration::ZERO; 5];
    let homes = timed(&mut read, || addresses(&folder.join(format!("flags-{number}.txt"))));
    timed(&mut flagged, || partner.flag(&homes, &case(), START)).unwrap();
    drop(homes);
    let messages = timed(&mut made, || partner.deliver(START)).unwrap();
    carry(&mut partner, messages, port, START, [&mut waited, &mut taken], |received| {
        assert!(matches!(received, Received::Receipt(_)), "{received:?}");
    });
    show("deliver: addresses read", read.as_secs_f64());
    show("deliver: flags set", flagged.as_secs_f64());
    show("deliver: full set signed", made.as_secs_f64());
    show("deliver: waited for the broker", waited.as_secs_f64());
    show("deliver: receipts read", taken.as_secs_f64());
    show_process("deliver:");
}

/// From a file of addresses to their standings, which are left in `answers-stapel-<number>.txt`: the count of each, a line each.
pub(crate) fn ask(folder: &Path, number: u16, port: u16) {
    let now = START.plus(DAY);
    let [mut opened, mut made, mut waited, mut taken] = [Duration::ZERO; 4];
    let mut partner = timed(&mut opened, || Partner::open(&own(folder, number))).unwrap();
    let asked = addresses(&folder.join(format!("asked-{number}.txt")));
    let questions = timed(&mut made, || partner.ask(&asked, &case(), now)).unwrap();
    let path = folder.join(format!("answers-stapel-{number}.txt"));
    carry(&mut partner, questions, port, now, [&mut waited, &mut taken], |received| match received {
        Received::Answer(answer) => write_counts(&path, &asked, &answer),
        other => panic!("{other:?}"),
    });
    show("ask: folder opened", opened.as_secs_f64());
    show("ask: question signed", made.as_secs_f64());
    show("ask: waited for the broker", waited.as_secs_f64());
    show("ask: answer read", taken.as_secs_f64());
    show_process("ask:");
}

/// Brings messages to the broker, and reads its replies; adds the time that went by at the broker, and here.
fn carry(
    partner: &mut Partner,
    messages: Vec<Vec<u8>>,
    port: u16,
    now: Timestamp,
    [waited, taken]: [&mut Duration; 2],
    mut act: impl FnMut(Received),
) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    for message in messages {
        let reply = timed(waited, || {
            send(&mut stream, &message);
            take(&mut stream).expect("a reply")
        });
        timed(taken, || act(partner.read(&reply, now).unwrap()));
    }
}

fn write_counts(path: &Path, asked: &[AddressKey], answer: &Answered) {
    assert!(answer.rows.iter().map(|(address, _)| address).eq(asked));
    let mut file = BufWriter::new(File::create(path).unwrap());
    for (_, standing) in &answer.rows {
        let count = match standing {
            // The threshold is two, and the partner's own flag is one.
            Standing::BelowThreshold => 1,
            Standing::Stacked(Number::Count(count)) => *count,
            other => panic!("{other:?}"),
        };
        writeln!(file, "{count}").unwrap();
    }
    file.flush().unwrap();
}

fn addresses(path: &Path) -> Vec<AddressKey> {
    let file = File::open(path).unwrap();
    // As long as a line of addresses is, so that the room for them need not grow.
    let mut addresses = Vec::with_capacity(fs::metadata(path).unwrap().len() as usize / 10);
    addresses.extend(BufReader::new(file).lines().map(|line| AddressKey::from_canonical(&line.unwrap()).unwrap()));
    addresses
}

fn own(folder: &Path, number: u16) -> std::path::PathBuf {
    folder.join(format!("partner-{number}"))
}

fn case() -> Case {
    Case::new("j.jansen", "2026-0117").unwrap()
}
