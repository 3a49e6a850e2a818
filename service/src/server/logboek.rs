//! Sends what the broker's log records to a Logboek Dataverwerkingen elsewhere, beside all else that the broker does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use stapel::Digest;
use stapel::broker::LogPlace;

use super::consortium::Consortium;
use super::schedule::{LOGBOEK_UNSENT, Stop};
use crate::logboek::{Collector, LogboekError, SentUpTo};

/// How long it waits before it looks for new lines, or tries again.
const LOOKS_EVERY: Duration = Duration::from_secs(15);

/// Sends what is new in a thread of its own, which ends soon after `stop` was told.
pub(super) fn start(
    consortium: Arc<Consortium>,
    collector: Arc<ArcSwap<Collector>>,
    stop: Stop,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("logboek".into()).spawn(move || {
        let mut was_told = false;
        loop {
            let sent = catch_unwind(AssertUnwindSafe(|| send(&consortium, &collector.load(), &stop)));
            let finding = match sent {
                Ok(Ok(())) => None,
                Ok(Err(finding)) => Some(finding),
                Err(_) => Some("the log could not be read for the Logboek".to_owned()),
            };
            if let Some(finding) = finding.as_deref().filter(|_| !was_told) {
                tracing::warn!(consortium = %consortium.name, code = LOGBOEK_UNSENT, "{finding}");
            }
            was_told = finding.is_some();
            consortium.broker.tell_faults(LOGBOEK_UNSENT, finding.as_slice());
            if stop.wait(LOOKS_EVERY) {
                break;
            }
        }
    })
}

/// Sends all that is new, and notes it after each part.
///
/// # Errors
///
/// What is wrong, and what to do.
pub fn send(consortium: &Consortium, collector: &Collector, stop: &Stop) -> Result<(), String> {
    let said = |error: LogboekError| error.to_string();
    let sent = SentUpTo::of(&consortium.folder);
    let mut place = sent.read().map_err(said)?.and_then(|text| parse(&text)).unwrap_or_default();
    while !stop.is_stopped() {
        let read = consortium.broker.processings(collector.activity(), place);
        let (records, next) = read.map_err(|error| error.to_string())?;
        if next == place {
            break;
        }
        collector.send(&records).map_err(said)?;
        place = next;
        sent.note(&format!("{} {}", place.lines, place.leaf)).map_err(said)?;
    }
    Ok(())
}

/// A place as it was noted. What is none is sent again from the first line on.
fn parse(text: &str) -> Option<LogPlace> {
    let (lines, leaf) = text.split_once(' ')?;
    Some(LogPlace { lines: lines.parse().ok()?, leaf: leaf.parse::<Digest>().ok()? })
}
