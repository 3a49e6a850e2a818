//! `stapel partner serve`: a partner's folder that the programs of one machine share.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use stapel::{Partner, Timestamp};
use stapel_service::client::{Carrier, Configuration, PagesSettings, ServeSettings};
use stapel_service::desk::{self, Desk, ServeError};
use stapel_service::logboek::Collector;
use stapel_service::pages;

use super::settings::ConfigArgs;
use super::sync::{Holder, LOOKS, Step, Stop, SyncArgs, Ways, go_on};
use super::{OutboxArgs, PartnerFolder, logboek};
use crate::broker::serve::LogForm;
use crate::failure::{self, Failure};
use crate::output::Output;
use crate::rows::PageSheets;
use crate::threads::WorkArgs;

/// Have the folder open, and let the programs of this machine share it
///
/// Takes calls as JSON over HTTP, on a Unix socket and, where the configuration file says so, on a loopback address:
/// flag, withdraw, ask, answers, news, dossier and status (docs/partner-serve.md). The journal has who acted, as the
/// caller says, and beside that the user of the machine through whom the call came. Beside it goes what `stapel partner
/// sync --stay` does, without a moment in which the folder is not to be had.
///
/// Where the configuration has `[pages]`, it serves pages for people too, at an address of their own (docs/pages.md).
///
/// SIGHUP makes it read the token, the register and what the pages need again; SIGTERM makes it end what is under way
/// and stop. It tells systemd (Type=notify) when it is ready, and what it does to standard error.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner serve --config /etc/stapel/police.toml\n  curl --unix-socket \
                        /run/stapel/police.sock http://localhost/v1/status")]
pub(super) struct ServeArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// The Unix socket [default: socket under [serve] in the configuration file, or DIR/serve.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Who asks about own flags each day; stays in the partner's own journal
    #[arg(long, value_name = "NAME", env = "STAPEL_ACTOR")]
    actor: Option<String>,
    /// Ask about no own flags
    #[arg(long)]
    no_own: bool,
    /// Carry nothing to the broker: who does that stops this one meanwhile. A Logboek of the configuration file is sent
    /// what the journal records all the same
    #[arg(long)]
    no_sync: bool,
    /// What its log is written for: people, or programs that collect it, one JSON object a line
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogForm::Human, conflicts_with = "check")]
    log: LogForm,
    /// Look whether the configuration can be served, and end: files, addresses, and whether the provider of the pages
    /// can be reached. What the policy says is looked at where no other process has the folder open
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    work: WorkArgs,
}

pub(super) fn serve(args: ServeArgs, config: &ConfigArgs, out: &mut Output) -> Result<(), Failure> {
    let ServeArgs { place, outbox, socket, actor, no_own, no_sync, log, check, work } = args;
    let read = config.read()?;
    if !no_sync && !no_own && actor.is_none() {
        return Err(Failure::Usage(
            "who asks about own flags is not said: give --actor NAME, or actor in the configuration file; or --no-own"
                .into(),
        ));
    }
    let socket = socket.or_else(|| read.serve.socket.clone()).unwrap_or_else(|| place.dir.join("serve.sock"));
    if check {
        return look(&place, &read, no_sync, work.clock.time()?, out);
    }
    let partner = place.open()?.with_threads(work.threads.start()?);
    if !no_sync {
        // What is wrong with how the broker is reached is said now, and not in a log at night.
        refuse_unreachable(&partner, &read)?;
    }
    let register = desk::open_register(&read.serve).map_err(of_serving)?;
    let clock = work.clock.clone();
    // A clock before 1970 is one that the partner refuses.
    let now = move || clock.time().unwrap_or(Timestamp(0));
    let desk = Desk::new(partner, register, now)?;
    let register_of = config.clone();
    desk.read_sheets_with(PageSheets(move || register_of.read().ok().and_then(|read| read.serve.register)));
    log.begin();
    let at = desk.lend().serve_at(&socket)?;
    let stop = Arc::new(Stop::default());
    let beside: Option<Box<dyn FnOnce() + Send>> = if no_sync {
        // Nothing goes to the broker, and the Logboek is the partner's own.
        let collector = read.logboek.as_ref().map(Collector::new).transpose()?;
        let (desk, stop) = (desk.clone(), stop.clone());
        collector.map(|collector| -> Box<dyn FnOnce() + Send> {
            Box::new(move || send_to_logboek(&place, &collector, &desk, &stop))
        })
    } else {
        let args = SyncArgs::beside(place, outbox, actor.filter(|_| !no_own), work);
        let (ways, desk, stop) = (Ways::of(read)?, desk.clone(), stop.clone());
        Some(Box::new(move || carry_or_say(&args, &ways, &desk, &stop)))
    };
    let ready = || drop(beside.map(thread::spawn));
    let settings = || -> Result<(ServeSettings, Option<PagesSettings>), ServeError> {
        let read = config.read().map_err(|failure| ServeError::Settings(failure.line()))?;
        Ok((read.serve, read.pages))
    };
    let served = desk::run(desk.clone(), &socket, settings, ready, || stop.tell());
    drop(at);
    served.map_err(of_serving)
}

/// Looks whether the configuration can be served.
fn look(
    place: &PartnerFolder,
    read: &Configuration,
    no_sync: bool,
    now: Timestamp,
    out: &mut Output,
) -> Result<(), Failure> {
    desk::check(&read.serve).map_err(of_serving)?;
    let partner = match place.open() {
        Ok(partner) => Some(partner),
        Err(failure) if failure.code() == "folder_in_use" => {
            failure::note("another process has the folder open, so what the policy says was not looked at");
            None
        }
        Err(failure) => return Err(failure),
    };
    if let (Some(partner), false) = (&partner, no_sync) {
        refuse_unreachable(partner, read)?;
    }
    if let Some(settings) = &read.pages {
        pages::check(settings, partner.as_ref(), now).map_err(|error| of_serving(error.into()))?;
    }
    writeln!(out, "nothing is wrong with it")?;
    Ok(())
}

/// Refuses settings by which no broker can be reached.
fn refuse_unreachable(partner: &Partner, read: &Configuration) -> Result<(), Failure> {
    let policy = partner.policy().policy();
    Carrier::new(&read.connect, &policy.operator.addresses, &policy.consortium)
        .map(drop)
        .map_err(|error| Failure::from(error).and("give it, or --no-sync where nothing is to be carried"))
}

fn of_serving(error: ServeError) -> Failure {
    Failure::new(error.code(), error.to_string())
}

/// Sends what the journal records to the Logboek where nothing is carried to the broker, until it is told to end. What
/// goes wrong is in the log, and is tried again.
fn send_to_logboek(place: &PartnerFolder, collector: &Collector, desk: &Arc<Desk>, stop: &Stop) {
    loop {
        if let Err(failure) = logboek::send(place, collector, || Ok(desk.lend())) {
            tracing::warn!(code = failure.code(), "{}", failure.line());
        }
        if !stop.wait(LOOKS) {
            break;
        }
    }
}

/// Does every day's work, and says so where a fault of this program ends that.
fn carry_or_say(args: &SyncArgs, ways: &Ways, desk: &Arc<Desk>, stop: &Arc<Stop>) {
    if catch_unwind(AssertUnwindSafe(|| carry(args, ways, desk.clone(), stop))).is_err() {
        tracing::error!("nothing is carried any more, for a fault of this program: restart it");
        let now = desk.time();
        desk.tell_sync(|runs| (runs.is_on, runs.last) = (false, Some((now, "internal"))));
    }
}

/// Does every day's work, until it is told to end. What goes wrong is in the log and in the status, and is tried again.
fn carry(args: &SyncArgs, ways: &Ways, desk: Arc<Desk>, stop: &Arc<Stop>) {
    desk.tell_sync(|runs| runs.is_on = true);
    let holder = Holder::Desk(desk.clone());
    let at_step = |step: Step<'_>| {
        let now = desk.time();
        desk.tell_sync(|runs| match step {
            Step::Begins => runs.is_running = true,
            Step::Done { has_heard } => {
                (runs.is_running, runs.last) = (false, Some((now, "")));
                // A run in which nothing was due says nothing of the broker.
                runs.last_done = if has_heard { Some(now) } else { runs.last_done };
            }
            Step::Failed(failure) => {
                (runs.is_running, runs.last) = (false, Some((now, failure.code())));
                if failure.code() == "unreachable" {
                    runs.silent_since = runs.silent_since.or(Some(now));
                }
            }
        });
        false
    };
    failure::apart(Box::new(Lines::new(true)), || {
        let mut out = Output::to(Box::new(Lines::new(false)));
        if let Err(failure) = go_on(args, ways, &holder, stop, at_step, &mut out) {
            failure::note(&failure.line());
        }
    });
    desk.tell_sync(|runs| (runs.is_on, runs.is_running) = (false, false));
}

/// Puts lines into the log.
struct Lines {
    rest: Vec<u8>,
    are_warnings: bool,
}

impl Lines {
    fn new(are_warnings: bool) -> Lines {
        Lines { rest: Vec::new(), are_warnings }
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end().trim_start_matches("stapel: ");
            match self.are_warnings {
                true => tracing::warn!(sync = line),
                false => tracing::info!(sync = line),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
