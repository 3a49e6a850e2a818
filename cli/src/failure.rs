//! The errors that end a command: their codes, sentences and exit statuses.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use stapel_demo::DemoError;

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
}

const USAGE: u8 = 2;

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
                code if code.starts_with("policy_") => Failure::new(code, format!("{}: {error}", file.display())),
                _ => error.into(),
            }
        }
    }

    /// Names the file in which something was found, unless the failure names one itself, as a system's does.
    pub(crate) fn of_file<E: Into<Failure>>(file: &Path) -> impl Fn(E) -> Failure + '_ {
        move |error| match error.into() {
            Failure::Stapel(error) if !matches!(error.code(), "io" | "file_mode") => {
                Failure::new(error.code(), format!("{}: {error}", file.display()))
            }
            Failure::Refused { code, message } => Failure::new(code, format!("{}: {message}", file.display())),
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

    /// Says each of several failures, and gives the last one to end the command with; none where there is none.
    pub(crate) fn of_several(mut failures: Vec<Failure>) -> Result<(), Failure> {
        let last = failures.pop();
        failures.iter().for_each(|failure| note(&failure.line()));
        last.map_or(Ok(()), Err)
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

    /// Says it on standard error, and gives the exit status.
    pub(crate) fn report(self) -> ExitCode {
        let (status, text) = match self {
            // Whoever reads the output has seen enough of it.
            Failure::Stdout(error) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Failure::Stdout(error) => (1, format!("cannot write to standard output: {error} [io]")),
            Failure::Stapel(error) => (1, format!("{error} [{}]", error.code())),
            Failure::Refused { code, message } => (1, format!("{message} [{code}]")),
            Failure::Usage(message) => match message.split_once("\n\n") {
                Some((first, rest)) => (USAGE, format!("{first} [usage]\n\n{rest}")),
                None => (USAGE, format!("{message} [usage]")),
            },
            Failure::Shown(text) => {
                // Help that nobody reads to its end is no failure.
                let _ = io::stdout().write_all(text.as_bytes());
                return ExitCode::SUCCESS;
            }
            Failure::Help(text) => {
                let _ = io::stderr().write_all(text.as_bytes());
                return ExitCode::from(USAGE);
            }
        };
        note(&text);
        ExitCode::from(status)
    }

    /// The sentence and the code, for a report on one of several files.
    pub(crate) fn line(&self) -> String {
        match self {
            Failure::Stapel(error) => format!("{error} [{}]", error.code()),
            Failure::Refused { code, message } => format!("{message} [{code}]"),
            Failure::Usage(message) | Failure::Shown(message) | Failure::Help(message) => message.clone(),
            Failure::Stdout(error) => error.to_string(),
        }
    }
}

/// Says something on standard error that is not output. If nobody can hear it, nothing is lost.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "stapel: {text}");
}

stapel_demo::from_stapel_errors!(Failure);

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Failure {
        match error {
            DemoError::Stapel(error) => Failure::Stapel(error),
            DemoError::Output(error) => Failure::Stdout(error),
            DemoError::Rejected { code, sentence } => Failure::new(code, sentence),
            error @ DemoError::File { .. } => Failure::new("io", error.to_string()),
            error => Failure::new("demo", error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Stdout(error)
    }
}
