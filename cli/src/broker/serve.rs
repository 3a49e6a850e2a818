//! `stapel broker serve`: the broker over HTTPS, until it is told to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use stapel_service::server::clock::{Machine, ServiceClock, Source};
use stapel_service::server::{self, Checked, Environment};

use crate::failure::Failure;
use crate::now::Clock;
use crate::output::Output;

/// Serve consortia over HTTPS, as a configuration file says
///
/// One process serves several consortia, each in a folder of its own. SIGHUP makes it read the file again, with the
/// certificates and consortia that it names; SIGTERM makes it end what is in flight and stop. It tells systemd
/// (Type=notify) when it is ready, and what it does to standard error.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker serve --config broker.toml --check\n  \
                        stapel broker serve --config broker.toml")]
pub(super) struct ServeArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "STAPEL_BROKER_CONFIG")]
    config: PathBuf,
    /// Say what is wrong with the configuration, one line each, and serve nothing. A line of the file that cannot be
    /// read at all hides the rest: mend it, and check again, until nothing is wrong with it
    #[arg(long)]
    check: bool,
    /// What its log is written for: people, or programs that collect it, one JSON object a line
    #[arg(long, value_name = "FORM", value_enum, default_value_t = LogForm::Human, conflicts_with = "check")]
    log: LogForm,
    #[command(flatten)]
    clock: Clock,
}

/// What a log is written for.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum LogForm {
    Human,
    Json,
}

impl LogForm {
    /// Has what the service does written to standard error from now on.
    pub(crate) fn begin(self) {
        let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false);
        match self {
            LogForm::Human => log.init(),
            LogForm::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
        }
        // What a panic says may be a text that it was about, such as an address.
        std::panic::set_hook(Box::new(|panicked| {
            let place = panicked.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "a fault of this program: tell whoever made it");
        }));
    }
}

/// The machine's clocks, which say another time by as much as `--now` does.
struct Moved {
    /// From 1970 to the machine's start, by `--now`.
    started: Duration,
}

impl Source for Moved {
    fn wall(&self) -> Duration {
        self.started.saturating_add(self.boot())
    }

    fn boot(&self) -> Duration {
        Machine.boot()
    }

    /// Nobody keeps it in step with others.
    fn is_synchronised(&self) -> bool {
        false
    }
}

pub(super) fn serve(args: &ServeArgs, out: &mut Output) -> Result<(), Failure> {
    use std::io::Write;
    let now = args.clock.time()?;
    if args.check {
        let Checked { findings, unchecked } = server::check(&args.config, now);
        for one in unchecked {
            writeln!(out, "{one}")?;
        }
        if findings.is_empty() {
            writeln!(out, "nothing is wrong with it")?;
        }
        let failures = findings.into_iter().map(|finding| Failure::new("configuration", finding)).collect();
        return Failure::of_several(failures, false);
    }
    until_told(&args.config, &args.clock, args.log, || ())
}

/// Serves what a configuration file says, until SIGTERM or Ctrl-C; calls `ready` once it listens.
pub(crate) fn until_told(config: &Path, clock: &Clock, log: LogForm, ready: impl FnOnce()) -> Result<(), Failure> {
    log.begin();
    let mut environment =
        Environment { operator: Some(Arc::new(super::running::Operator)), ..Environment::of_machine() };
    if clock.is_given() {
        let now = clock.time()?;
        let started = Duration::from_secs(now.0).saturating_sub(Machine.boot());
        environment.clock = Arc::new(move || ServiceClock::new(Moved { started }));
    }
    server::run(config, environment, ready).map_err(|error| Failure::new(error.code(), error.to_string()))
}
