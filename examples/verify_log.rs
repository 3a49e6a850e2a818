//! Verifying a log: that the broker's log is what it signed, that a partner's receipt is in it, and that a changed line
//! is found out.
//!
//! `cargo run --example verify_log`
//!
//! Whoever verifies needs three things: the policy, the exported log, and signed checkpoints. The broker is not asked.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use stapel::audit::{Checkpoint, ExportedLog, InclusionProof, LogKey, LoggedReply};
use stapel::partner::Received;
use stapel::{AddressKey, Broker, BrokerKeys, Case, Partner, Policy};
use stapel_testkit::{Consortium, DAY, START};

fn main() -> Result<(), Box<dyn Error>> {
    let consortium = Consortium::new();
    let (receipt, rows, checkpoints) = a_day_of_work(&consortium)?;

    // The policy names the log and the key that signs its checkpoints.
    let policy = Policy::read(&consortium.path("policy.toml"))?;
    let log_key = LogKey::of(&policy);
    let verified =
        checkpoints.iter().map(|bytes| Checkpoint::verify(bytes, &log_key)).collect::<Result<Vec<_>, _>>()?;

    let log = read_log(&rows)?;
    let report = log.check(&verified)?;
    println!("{} lines, of which {} are covered by {} checkpoints", report.lines, report.covered, report.checkpoints);

    // The partner's receipt names a line, and the proof shows to anyone that this line is in the signed log.
    let logged = LoggedReply::verify(&receipt, &policy)?;
    let entry = logged.entry();
    let latest = verified.last().ok_or("no checkpoint was signed yet")?;
    let proof = InclusionProof::make(log.log(), entry.index, latest)?;
    proof.verify(entry.leaf, &log_key)?;
    println!("the receipt's line, number {}, is in the log of {} lines", entry.index, latest.size());

    // A digit more in a number that lines have: every checkpoint after it shows that.
    let changed: Vec<String> = rows.iter().map(|row| row.replace("\\\"count\\\":", "\\\"count\\\":9")).collect();
    assert_ne!(rows, changed, "a line says how many flags a message brought");
    match read_log(&changed)?.check(&verified) {
        Ok(_) => Err("the change was not noticed".into()),
        Err(error) => {
            println!("a changed line: {error} [{}]", error.code());
            Ok(())
        }
    }
}

/// The rows of an exported log, each a line of a file.
fn read_log(rows: &[String]) -> Result<ExportedLog, stapel::Error> {
    let mut log = ExportedLog::default();
    for row in rows {
        log.push(row.as_bytes())?;
    }
    Ok(log)
}

/// What there is to verify: a partner's receipt, the log's rows, and the checkpoints that the broker signed.
type Evidence = (Vec<u8>, Vec<String>, Vec<Vec<u8>>);

fn a_day_of_work(consortium: &Consortium) -> Result<Evidence, Box<dyn Error>> {
    let broker = Broker::open(&consortium.path("broker"), BrokerKeys::open(&consortium.path("keys"))?)?;
    let mut partner = Partner::open(&consortium.path("1"))?;
    partner.flag([AddressKey::parse("Dam 1-A, 1012 JS Amsterdam")?], &Case::new("j.jansen", "2026-0117")?, START)?;
    let message = partner.deliver(START)?.remove(0);
    let receipt = broker.handle(&message, START);
    let Received::Receipt(_) = partner.read(&receipt, START)? else { return Err("the flag was not accepted".into()) };

    // The broker signs a checkpoint once a day.
    broker.release(START.plus(DAY))?;
    let mut rows = Vec::new();
    broker.log_rows(|index, row| {
        rows.push(row.to_json(index));
        Ok(())
    })?;
    Ok((receipt, rows, broker.checkpoints()?))
}
