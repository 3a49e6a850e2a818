//! The errors that end a command: their codes, sentences and exit statuses.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use stapel_demo::DemoError;

use crate::files;
use crate::output::Shown;

/// Why a command ended early.
pub(crate) enum Failure {
    /// The library refused.
    Stapel(stapel::Error),
    /// The command itself refused: a stable code in `snake_case`, and what was found and would help.
    Refused {
        /// The code.
        code: &'static str,
        /// The message.
        message: String,
    },
    /// The command line does not say what to do.
    Usage(String),
    /// Standard output could not be written.
    Stdout(io::Error),
    /// There is nothing to say but this: help or a version was asked for.
    Shown(String),
    /// There is nothing to do, so what there is to do is shown.
    Help(String),
    /// Something was refused, this last, and the rest was done.
    Partly(Box<Failure>),
    /// A monitor's plug-in ends with this status, and has said why.
    Monitor(u8),
}

/// The most failures of one command that are named, one a line.
const TOLD: usize = 20;

// The exit statuses. README says what each of them is.

/// Nothing was done.
const FAILED: u8 = 1;
/// The command line does not say what to do.
const USAGE: u8 = 2;
/// Something was refused, and the rest was done.
const SOME_REFUSED: u8 = 3;
/// All is as it was signed, as far as anything was: some lines of a log are after the latest checkpoint.
const SOME_UNPROVEN: u8 = 4;
/// What a command did is done, and what it says of it could not be written: EX_IOERR of sysexits.
const UNSAID: u8 = 74;
/// The same command may fare better later: EX_TEMPFAIL of sysexits, which mailers and schedulers know.
const TRY_LATER: u8 = 75;

/// What was come upon by a command that goes on. It has one exit status, whichever of its parts that is.
#[derive(Default)]
struct Command {
    strict: bool,
    warned: bool,
    refused: bool,
    /// Where it says what is no output; standard error where there is none.
    err: Option<Box<dyn Write>>,
}

thread_local! {
    /// The command that this thread does. A service does several at once, each in a thread of its own.
    static COMMAND: RefCell<Command> = RefCell::default();
}

/// Does a command that is another's: it says there what is no output, and what it came upon ends with it.
pub(crate) fn apart<T>(err: Box<dyn Write>, command: impl FnOnce() -> T) -> T {
    /// Puts the command before in its place again.
    struct Before(Command);
    impl Drop for Before {
        fn drop(&mut self) {
            COMMAND.with_borrow_mut(|command| *command = std::mem::take(&mut self.0));
        }
    }
    let apart = Command { err: Some(err), ..Command::default() };
    let _before = Before(COMMAND.replace(apart));
    command()
}

/// The code of a log of which some lines are after the latest checkpoint.
pub(crate) const UNPROVEN: &str = "unproven";

impl Failure {
    /// A refusal of the command itself.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Failure {
        Failure::Refused { code, message: message.into() }
    }

    /// Names the file of a policy with what is wrong with it.
    pub(crate) fn of_policy<E: Into<stapel::Error>>(file: &Path) -> impl Fn(E) -> Failure + '_ {
        move |error| {
            let error = error.into();
            match error.code() {
                code if code.starts_with("policy_") => Failure::new(code, format!("{}: {error}", file.shown())),
                _ => error.into(),
            }
        }
    }

    /// Names the file in which something was found, unless the failure names one itself, as a system's does.
    pub(crate) fn of_file<E: Into<Failure>>(file: &Path) -> impl Fn(E) -> Failure + '_ {
        move |error| match error.into() {
            Failure::Stapel(error) if !matches!(error.code(), "io" | "file_mode") => {
                Failure::new(error.code(), format!("{}: {error}", file.shown()))
            }
            Failure::Refused { code, message } => Failure::new(code, format!("{}: {message}", file.shown())),
            other => other,
        }
    }

    /// The same failure, with something more to say.
    pub(crate) fn and(self, more: &str) -> Failure {
        match self {
            Failure::Stapel(error) => Failure::new(error.code(), format!("{error}; {more}")),
            Failure::Refused { code, message } => Failure::new(code, format!("{message}; {more}")),
            other => other,
        }
    }

    /// Says each of several failures, and gives the last one to end the command with; none where there is none. Those
    /// that may fare better later come first, so that they do not stand for the others. What several say alike is said
    /// once. `any_done` says whether anything else was done.
    pub(crate) fn of_several(mut failures: Vec<Failure>, any_done: bool) -> Result<(), Failure> {
        let mut said = HashSet::new();
        failures.retain(|failure| said.insert(failure.line()));
        failures.sort_by_key(|failure| !failure.is_for_later());
        let Some(last) = failures.pop() else { return Ok(()) };
        failures.iter().take(TOLD).for_each(|failure| note(&failure.line()));
        if failures.len() > TOLD {
            note(&format!("and {} more like these", failures.len() - TOLD));
        }
        Err(if any_done { Failure::Partly(Box::new(last)) } else { last })
    }

    /// What clap says of a command line that it did not take.
    pub(crate) fn from_clap(error: &clap::Error) -> Failure {
        let text = error.to_string();
        if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            return Failure::Help(text);
        }
        if !error.use_stderr() {
            return Failure::Shown(text);
        }
        Failure::Usage(text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned())
    }

    /// The exit status.
    fn status(&self) -> u8 {
        match self {
            Failure::Stapel(error) => status_of(error.code()),
            Failure::Refused { code, .. } => status_of(code),
            Failure::Stdout(_) => UNSAID,
            Failure::Usage(_) | Failure::Help(_) => USAGE,
            Failure::Shown(_) => 0,
            Failure::Monitor(status) => *status,
            Failure::Partly(last) => {
                if last.is_for_later() {
                    TRY_LATER
                } else {
                    SOME_REFUSED
                }
            }
        }
    }

    /// Whether the same may fare better later, and no person need look.
    pub(crate) fn is_for_later(&self) -> bool {
        self.status() == TRY_LATER
    }

    /// Says it on standard error, and gives the exit status.
    pub(crate) fn report(self) -> u8 {
        let status = self.status();
        let text = match &self {
            Failure::Stdout(error) => format!(
                "cannot write to standard output: {error}; what it did is done, and not all of it was said: see that \
                 there is room, and run it again [io]"
            ),
            Failure::Usage(message) => match message.split_once("\n\n") {
                Some((first, rest)) => format!("{first} [usage]\n\n{rest}"),
                None => format!("{message} [usage]"),
            },
            Failure::Shown(text) => {
                // Help that nobody reads to its end is no failure.
                let _ = io::stdout().write_all(text.as_bytes());
                return 0;
            }
            Failure::Monitor(status) => return *status,
            Failure::Help(text) => {
                let _ = io::stderr().write_all(text.as_bytes());
                return USAGE;
            }
            Failure::Stapel(_) | Failure::Refused { .. } | Failure::Partly(_) => self.line(),
        };
        note(&text);
        status
    }

    /// Whether a reader stopped reading the output.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Failure::Stdout(error) if error.kind() == ErrorKind::BrokenPipe)
    }

    /// The sentence and the code, for a report on one of several files.
    pub(crate) fn line(&self) -> String {
        match self {
            Failure::Stapel(error) => format!("{error} [{}]", error.code()),
            Failure::Refused { code, message } => format!("{message} [{code}]"),
            Failure::Usage(message) | Failure::Shown(message) | Failure::Help(message) => message.clone(),
            Failure::Stdout(error) => error.to_string(),
            Failure::Partly(last) => last.line(),
            Failure::Monitor(_) => String::new(),
        }
    }

    /// The code; empty where there is none.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Failure::Stapel(error) => error.code(),
            Failure::Refused { code, .. } => code,
            Failure::Partly(last) => last.code(),
            _ => "",
        }
    }
}

/// The exit status of a command that ends with a code.
fn status_of(code: &str) -> u8 {
    match code {
        "folder_in_use" | "unavailable" | "files_left" | "policy_not_yet" | "random" | "unreachable" | "stopped" => {
            TRY_LATER
        }
        UNPROVEN => SOME_UNPROVEN,
        _ => FAILED,
    }
}

/// The option `--strict`.
pub(crate) fn be_strict(strict: bool) {
    COMMAND.with_borrow_mut(|command| command.strict = strict);
}

/// Whether a warning counts as a refusal, and a refusal as a failure of the whole.
pub(crate) fn is_strict() -> bool {
    COMMAND.with_borrow(|command| command.strict)
}

/// Says something that is no failure and that a person should look at. With `--strict` it counts as a refusal.
pub(crate) fn warn(text: &str) {
    some_warned();
    note(text);
}

/// Notes that something was refused, by this command or by the broker, and the rest done. It was said elsewhere.
pub(crate) fn some_refused() {
    COMMAND.with_borrow_mut(|command| command.refused = true);
}

/// Forgets what was refused and warned of, for a command that goes on for days.
pub(crate) fn forget_refused() {
    COMMAND.with_borrow_mut(|command| (command.refused, command.warned) = (false, false));
}

/// Notes that something was refused that is no failure, as a line that is no address. With `--strict` it is one.
pub(crate) fn some_warned() {
    COMMAND.with_borrow_mut(|command| command.warned = true);
}

/// The exit status of a command that came to its end.
pub(crate) fn ended() -> u8 {
    let (warned, refused) = COMMAND.with_borrow(|command| (command.strict && command.warned, command.refused));
    if warned {
        note("it was done, and there were warnings; with --strict they count as refusals [strict]");
    }
    if warned || refused { SOME_REFUSED } else { 0 }
}

/// Says something on standard error that is not output. If nobody can hear it, nothing is lost.
pub(crate) fn note(text: &str) {
    let _ = COMMAND.with_borrow_mut(|command| match &mut command.err {
        // Whole, so that no other line comes between.
        Some(err) => err.write_all(format!("stapel: {text}\n").as_bytes()),
        None => writeln!(io::stderr(), "stapel: {text}"),
    });
}

stapel_demo::from_stapel_errors!(Failure);

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Failure {
        match error {
            DemoError::Stapel(error) => Failure::Stapel(error),
            DemoError::Output(error) => Failure::Stdout(error),
            DemoError::Rejected { code, sentence } => Failure::new(code, sentence),
            // With the remedy for what the system says.
            DemoError::File { action, path, source } => files::error(action, &path, source),
            error @ DemoError::NotForTests => Failure::new("not_for_tests", error.to_string()),
            error => Failure::new("demo", error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Stdout(error)
    }
}
