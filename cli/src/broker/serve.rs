//! `stapel broker serve`: the broker over HTTPS, until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use stapel::Timestamp;
use stapel_service::server::{self, Environment};

use crate::failure::Failure;
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
    /// Say all that is wrong with the configuration, one line each, and serve nothing
    #[arg(long)]
    check: bool,
}

pub(super) fn serve(args: &ServeArgs, out: &mut Output) -> Result<(), Failure> {
    use std::io::Write;
    if args.check {
        let findings = server::check(&args.config, wall_clock());
        if findings.is_empty() {
            writeln!(out, "nothing is wrong with it")?;
        }
        let failures = findings.into_iter().map(|finding| Failure::new("configuration", finding)).collect();
        return Failure::of_several(failures, false);
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false).init();
    let environment = Environment { operator: Some(Arc::new(super::running::Operator)), ..Environment::of_machine() };
    server::run(&args.config, environment).map_err(|error| Failure::new("serve", error.to_string()))
}

fn wall_clock() -> Timestamp {
    Timestamp(SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()))
}
