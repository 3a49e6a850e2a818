//! Commands while a service runs the broker: given to it over its sockets, and done there by the same functions.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use stapel_service::server::consortium::Consortium;
use stapel_service::server::operator::{self, Command, Perform};

use super::{Args, BrokerFolder};
use crate::failure::{self, Failure};
use crate::output::{Output, Shown};

/// Does the commands that a service is given with the broker that it runs.
pub(crate) struct Operator;

impl Perform for Operator {
    fn perform(&self, consortium: &Arc<Consortium>, command: &Command, out: Box<dyn Write>, err: Box<dyn Write>) -> u8 {
        failure::apart(err, || {
            let mut out = Output::to(out);
            let ended = perform(consortium, command, &mut out);
            match ended.and_then(|()| out.finish()) {
                Ok(()) => failure::ended(),
                Err(failure) => failure.report(),
            }
        })
    }
}

fn perform(consortium: &Arc<Consortium>, command: &Command, out: &mut Output) -> Result<(), Failure> {
    let words = std::iter::once("stapel").chain(command.arguments.iter().map(String::as_str));
    let parsed = crate::Cli::try_parse_from(words);
    let parsed = parsed.map_err(|_| Failure::Usage("the service does not know this command".into()))?;
    failure::be_strict(parsed.strict);
    let not_here = || Failure::Usage("the service does not do this command".into());
    let crate::Command::Broker(mut args) = parsed.command else { return Err(not_here()) };
    if command.only_status && !args.only_shows() {
        return Err(Failure::Usage("only the status is shown here".into()));
    }
    let (place, paths) = args.place_and_paths().ok_or_else(not_here)?;
    let named = command.folder.join(&place.dir);
    let is_it = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if !is_it(&named, &consortium.folder) {
        return Err(Failure::new(
            "operator_socket",
            format!("the service here runs the broker in {}, not in {}", consortium.folder.shown(), named.shown()),
        ));
    }
    place.dir.clone_from(&consortium.folder);
    place.keys = Some(consortium.keys.clone());
    place.running = Some(Arc::clone(consortium));
    for path in paths {
        *path = command.folder.join(&*path);
    }
    super::run_here(&args, out)
}

/// Where the service's sockets are that runs the broker in a folder.
pub(super) fn place_of(place: &BrokerFolder) -> Option<PathBuf> {
    operator::place_of(&place.dir)
}

/// Has the service do a command whose sockets are in the folder `place`; `None` where no service is there.
pub(super) fn ask(args: &Args, place: &Path, words: &[OsString], out: &mut Output) -> Option<Result<(), Failure>> {
    args.place()?;
    let socket = place.join(if args.only_shows() { operator::STATUS } else { operator::OPERATOR });
    let asked = command(words).map(|command| operator::ask(&socket, &command, out, &mut io::stderr()));
    let failure = match asked {
        Ok(Ok(0)) => return Some(Ok(())),
        // The service said why.
        Ok(Ok(status)) => Failure::Monitor(status),
        Ok(Err(error)) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => return None,
            ErrorKind::BrokenPipe => Failure::Stdout(error),
            ErrorKind::PermissionDenied => Failure::new(
                "operator_socket",
                format!(
                    "a service runs this broker, and {} is not yours to open: give the command as root or as the \
                     service's user",
                    socket.shown()
                ),
            ),
            _ => Failure::new(
                "operator_socket",
                format!(
                    "the service that runs this broker did not answer to the end, at {}: {error}; see with stapel \
                     broker status what was done",
                    socket.shown()
                ),
            ),
        },
        Err(failure) => failure,
    };
    Some(Err(failure))
}

fn command(words: &[OsString]) -> Result<Command, Failure> {
    let word = |word: &OsString| {
        word.clone()
            .into_string()
            .map_err(|_| Failure::Usage("a service takes no file names that are not UTF-8: rename the file".into()))
    };
    let arguments = words.iter().map(word).collect::<Result<Vec<String>, Failure>>()?;
    let folder = std::env::current_dir().map_err(|source| crate::files::error("open", Path::new("."), source))?;
    Ok(Command { folder, arguments, only_status: false })
}

#[cfg(test)]
mod tests;
