//! `stapel partner logboek`: the journal as records of a Logboek Dataverwerkingen, and what a day's run sends to one.

use std::io::Write;
use std::ops::Deref;

use stapel::partner::Processings;
use stapel::{Digest, Partner};
use stapel_service::logboek::{Collector, LogboekError, SentUpTo};

use super::PartnerFolder;
use crate::failure::Failure;
use crate::output::Output;

/// Write the journal's processings as records of a Logboek Dataverwerkingen, one line of JSON each
///
/// A record says what was done, when, and how many addresses it was about. It has no address, no acting user and no
/// case: `dpl.stapel.record` is the number of the journal's record, which has those. Where [logboek] is in the
/// configuration file, `stapel partner sync` and `stapel partner serve` send the same records by themselves.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner logboek --dir police --activity \
                        https://register.example.nl/verwerkingen/12 > ldv.jsonl")]
pub(super) struct LogboekArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The processing activity's URI in the organisation's register
    #[arg(long, value_name = "URI", value_parser = crate::audit::uri)]
    activity: String,
    /// Only those after this head of the journal, which `stapel partner status` shows; of a head that the journal does
    /// not have, all
    #[arg(long, value_name = "HEAD")]
    after: Option<Digest>,
}

pub(super) fn logboek(args: &LogboekArgs, out: &mut Output) -> Result<(), Failure> {
    let partner = args.place.open()?;
    let mut read = Processings::after(args.after.unwrap_or(Digest::NONE));
    while let Some(records) = partner.next_processings(&args.activity, &mut read)? {
        records.iter().try_for_each(|record| writeln!(out, "{record}"))?;
    }
    Ok(())
}

/// Sends what the journal has that the Logboek has not, and notes it after each part. The partner is held only while a
/// part is read, so that whoever else needs it gets it in between.
pub(super) fn send<P: Deref<Target = Partner>>(
    place: &PartnerFolder,
    collector: &Collector,
    open: impl Fn() -> Result<P, Failure>,
) -> Result<(), Failure> {
    let sent = SentUpTo::of(&place.dir);
    let noted = sent.read()?.and_then(|head| head.parse().ok()).unwrap_or(Digest::NONE);
    let mut read = Processings::after(noted);
    loop {
        let partner = open()?;
        let records = partner.next_processings(collector.activity(), &mut read)?;
        drop(partner);
        let Some(records) = records else { return Ok(()) };
        collector.send(&records)?;
        if let Some(head) = read.head() {
            sent.note(&head.to_string())?;
        }
    }
}

impl From<LogboekError> for Failure {
    fn from(error: LogboekError) -> Failure {
        Failure::new(error.code(), error.to_string())
    }
}
