//! What the partner's commands need not be told each time: the file of `--config`, beneath the environment and the
//! command line.
//!
//! What the file says becomes the default of the options of that name, so that each command has it in the one way.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Command;
use clap::builder::Resettable;
use stapel_service::client::{CarrierError, Configuration};

use crate::failure::Failure;

/// The option `--config`, which all commands on a partner's folder have.
#[derive(Clone, clap::Args)]
pub(super) struct ConfigArgs {
    /// A file with dir, keys, out, actor, and under [connect] how the broker is reached: see docs/partner-sync.md. What
    /// the environment or the command line says goes before it
    #[arg(long, value_name = "FILE", env = CONFIG, global = true)]
    config: Option<PathBuf>,
}

/// The variable of the environment that names the file.
const CONFIG: &str = "STAPEL_CONFIG";

/// The groups of commands on a partner's folder.
const GROUPS: [&str; 2] = ["partner", "coordinator"];

/// That of the partner's folder.
pub(super) const DIR: &str = "STAPEL_DIR";

impl ConfigArgs {
    /// The file's content; that of an empty one where there is none.
    pub(super) fn read(&self) -> Result<Configuration, Failure> {
        self.config.as_deref().map_or(Ok(Configuration::default()), |path| Ok(Configuration::read(path)?))
    }
}

/// Gives the options of the partner's commands what the configuration file says, if the words of the command line are
/// one of these commands and a file is named.
pub(crate) fn with_configuration(command: Command, words: &[OsString]) -> Result<Command, Failure> {
    let command = without_empty_variables(command);
    let Some((_, words)) = words.split_first() else { return Ok(command) };
    let is_word = |word: &&OsString| !word.as_encoded_bytes().starts_with(b"-");
    let Some(group) = GROUPS.iter().find(|group| words.iter().find(is_word).is_some_and(|word| word == *group)) else {
        return Ok(command);
    };
    // Help is what somebody asks for whose file is wrong.
    let asks_for_help = |word: &OsString| word == "--help" || word == "-h";
    if words.iter().any(asks_for_help) || words.iter().filter(is_word).nth(1).is_some_and(|word| word == "help") {
        return Ok(command);
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    // An empty one on the command line clap refuses.
    let named = value(words, "--config").or_else(|| variable(CONFIG));
    let Some(path) = named.filter(|path| !path.is_empty()) else { return Ok(command) };
    let Configuration { dir, keys, out, actor, logboek, .. } = Configuration::read(Path::new(&path))?;
    let other = value(words, "--dir").or_else(|| variable(DIR));
    // Keys, outbox and processing activity are those of the file's folder, however it is named, and of no other.
    let is_others = other.is_some_and(|other| dir.as_deref().is_none_or(|dir| !is_same(dir, Path::new(&other))));
    let of_folder = |path: Option<PathBuf>| path.filter(|_| !is_others).map(PathBuf::into_os_string);
    let defaults = [
        ("dir", dir.map(PathBuf::into_os_string)),
        ("keys", of_folder(keys)),
        ("out", of_folder(out)),
        ("actor", actor.map(OsString::from)),
        ("activity", logboek.filter(|_| !is_others).map(|logboek| logboek.activity.into())),
    ];
    let mut command = command;
    for (name, value) in defaults {
        let Some(value) = value else { continue };
        // Once in a process.
        let value: &'static OsStr = Box::leak(value.into_boxed_os_str());
        command = command.mut_subcommand(group, |partner| {
            partner.mut_subcommands(|one| {
                // `shown --out` is another: a folder to write to.
                let has_it = one.get_name() != "shown" || name != "out";
                let has_it = has_it && one.get_arguments().any(|arg| arg.get_id() == name);
                if has_it { one.mut_arg(name, |arg| arg.required(false).default_value(value)) } else { one }
            })
        });
    }
    Ok(command)
}

/// What clap says of a command line that it did not take; where a partner's folder is missing, that a file can name it.
pub(crate) fn with_hint(error: &clap::Error) -> Failure {
    let failure = Failure::from_clap(error);
    let Failure::Usage(text) = &failure else { return failure };
    let folder = "\n  --dir <DIR>";
    let is_partners = GROUPS.iter().any(|group| text.contains(&format!("Usage: stapel {group} ")))
        && text.contains("required arguments were not provided");
    match text.split_once(folder) {
        Some((before, after)) if is_partners => Failure::Usage(format!(
            "{before}{folder} (or {DIR}, or a configuration file that has it as dir: --config FILE, or {CONFIG}){after}"
        )),
        _ => failure,
    }
}

/// Whether two paths lead to one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path| std::fs::canonicalize(path).ok();
    one == other || real(one).is_some_and(|one| real(other) == Some(one))
}

/// Takes away each option's variable of the environment that is empty, which is how a script says that there is none.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &clap::Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    let command = command.mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg });
    command.mut_subcommands(without_empty_variables)
}

/// The value of an option among the words of a command line.
fn value(words: &[OsString], option: &str) -> Option<OsString> {
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == option {
            return words.next().cloned();
        }
        let after = word.to_str().and_then(|word| word.strip_prefix(option)?.strip_prefix('='));
        if let Some(after) = after {
            return Some(after.into());
        }
    }
    None
}

impl From<CarrierError> for Failure {
    fn from(error: CarrierError) -> Failure {
        Failure::new(error.code(), error.to_string())
    }
}
