//! `stapel partner sync`: a partner's day over HTTPS.
//!
//! - `day`: when the message of a day goes, and what was done of each day;
//! - `turn`: one run: what is under way, the day's message, status, own flags, and what is fetched;
//! - `fetched`: the partner's own certificates, and policies for a person to adopt;
//! - `lock`: one run at a time; `holder`: how a run gets at the partner;
//! - `stay`: every day's work, until it is told to end.

mod day;
mod fetched;
mod holder;
mod lock;
mod stay;
mod turn;

use stapel_service::client::{Configuration, Settings, WallPace};
use stapel_service::logboek::Collector;

pub(super) use day::next_talk;
pub(super) use holder::Holder;
#[cfg(unix)]
pub(super) use stay::{LOOKS, Step, Stop, go_on};

use super::settings::ConfigArgs;
use super::{OutboxArgs, PartnerFolder};
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::threads::WorkArgs;

/// Carry what is due to the broker and back over HTTPS, and end
///
/// Takes up what is under way, with the same bytes. Once a day, changed or not, it sends the one message that says what
/// is flagged, at a moment that is drawn for the day: so that whoever sees the channel learns nothing from when it is
/// sent. Before that moment a run delivers nothing, and says when it will; one that was missed goes at the next run.
/// Then it asks where the partner stands and about all own flags (`stapel partner news` tells what changed), adds
/// certificates of all partners, and fetches newer policies for a person to read and adopt. Where the policy has a
/// `[meet]`, it tells the broker what is put forward, and fetches and brings what there is after a hit. Questions that
/// people wrote with `stapel partner ask` go in every run; their answers are put into the outbox for `stapel partner
/// read`.
/// No address is printed, so that what is printed may be logged or mailed.
///
/// The broker's addresses are the policy's. How it is reached is in the configuration file; of the environment no
/// proxy is taken. The folder is locked only while it is used, not while the broker is waited for.
///
/// The exit status is 75 where the broker was not reached in time or another run is at work: run it again, nothing is
/// lost. It is 3 where there is a policy to adopt, where a message was not accepted, or where something is wrong with
/// the broker's log.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  stapel partner sync --config /etc/stapel/police.toml\n  \
                        stapel partner sync --config /etc/stapel/police.toml --stay")]
pub(super) struct SyncArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// Who asks about own flags; stays in the partner's own journal
    #[arg(long, value_name = "NAME", env = "STAPEL_ACTOR")]
    actor: Option<String>,
    /// The case's reference of that, which no person's question has; stays in the partner's own journal
    #[arg(long, value_name = "REFERENCE", default_value = "sync")]
    case: String,
    /// Ask about no own flags
    #[arg(long)]
    no_own: bool,
    /// Do the day's work at once, whatever its moment is. Whoever sees the channel then learns that somebody did
    /// something now; and the broker, that what it brings was worth not waiting for. What is new counts from the
    /// broker's next release on all the same, and what is withdrawn from 00:00 UTC on. Where the day's work is done, it
    /// asks the broker where the partner stands, and sends what there is to say since: all flags again, where the
    /// broker was restored from a backup
    #[arg(long)]
    at_once: bool,
    /// Read the answers to people's questions too, and print them with their addresses
    #[arg(long, conflicts_with = "stay")]
    show: bool,
    /// Go on until SIGTERM, and do each day's work, for a service manager
    #[arg(long, conflicts_with_all = ["at_once", "now"])]
    stay: bool,
    /// How long a run goes on trying while the broker does not reply, in minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=1_440))]
    patience: u64,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    work: WorkArgs,
}

/// How the broker is reached, and a Logboek, where one is to have what the journal records.
pub(in crate::partner) struct Ways {
    connect: Settings,
    logboek: Option<Collector>,
}

impl Ways {
    pub(in crate::partner) fn of(read: Configuration) -> Result<Ways, Failure> {
        let logboek = read.logboek.as_ref().map(Collector::new).transpose()?;
        Ok(Ways { connect: read.connect, logboek })
    }
}

pub(super) fn sync(args: &SyncArgs, config: &ConfigArgs, out: &mut Output) -> Result<(), Failure> {
    if !args.no_own && args.actor.is_none() {
        return Err(Failure::Usage(
            "who asks about own flags is not said: give --actor NAME, or actor in the configuration file; or --no-own"
                .into(),
        ));
    }
    // A reply is read once.
    output::refuse_closed()?;
    let ways = Ways::of(config.read()?)?;
    if args.stay {
        return stay::stay(args, &ways, out);
    }
    turn::turn(args, &ways, std::sync::Arc::new(WallPace::default()), &Holder::Folder, out).map(|_| ())
}

impl SyncArgs {
    /// Those of who goes on beside a server; `actor` asks about own flags each day, or nobody does.
    #[cfg(unix)]
    pub(super) fn beside(place: PartnerFolder, outbox: OutboxArgs, actor: Option<String>, work: WorkArgs) -> SyncArgs {
        SyncArgs {
            place,
            outbox,
            no_own: actor.is_none(),
            actor,
            case: "sync".to_owned(),
            at_once: false,
            show: false,
            stay: true,
            patience: 30,
            json: false,
            work,
        }
    }
}
