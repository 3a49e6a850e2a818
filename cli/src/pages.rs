//! `stapel pages`: the man pages and the shells' completions, written by the command that they are about, so that
//! neither says what it does not do. For whoever makes a package; it is hidden from all others.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::aot::{self, Shell};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, roman};

use crate::failure::Failure;
use crate::files;
use crate::output::Output;

/// Write a man page for each command, and completions for bash, zsh and fish
#[derive(clap::Args)]
#[command(hide = true, after_help = "Example:\n  stapel pages --out pages")]
pub(crate) struct Args {
    /// The folder to write them to: man/*.1, bash/stapel, zsh/_stapel, fish/stapel.fish
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, command: Command, _: &mut Output) -> Result<(), Failure> {
    for (shell, folder) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
        let folder = args.out.join(folder);
        files::create_folder(&folder)?;
        let mut command = command.clone();
        let mut text = Vec::new();
        aot::generate(shell, &mut command, "stapel", &mut text);
        let name = match shell {
            Shell::Bash => "stapel",
            Shell::Zsh => "_stapel",
            _ => "stapel.fish",
        };
        write(&folder.join(name), &text)?;
    }
    let folder = args.out.join("man");
    files::create_folder(&folder)?;
    // `help` is no command of its own: each has `--help`.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    pages(&command, &folder)
}

/// The page of a command, and those of its subcommands, each named as `stapel-broker-serve.1`.
fn pages(command: &Command, folder: &Path) -> Result<(), Failure> {
    for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        pages(one, folder)?;
    }
    let man = Man::new(command.clone());
    let path = folder.join(man.get_filename());
    let mut text = title(command).into_bytes();
    let subcommands = command.get_subcommands().any(|one| !one.is_hide_set());
    man.render_name_section(&mut text)
        .and_then(|()| man.render_synopsis_section(&mut text))
        .and_then(|()| man.render_description_section(&mut text))
        .and_then(|()| man.render_options_section(&mut text))
        .and_then(|()| if subcommands { man.render_subcommands_section(&mut text) } else { Ok(()) })
        .and_then(|()| after(command).to_writer(&mut text))
        .map_err(|source| files::error("write", &path, source))?;
    // JSON in a text has no blank at which a line could end: it may end after a comma.
    let text = String::from_utf8_lossy(&text).replace(",\"", ",\\:\"");
    write(&path, text.as_bytes())
}

/// The head of a page. It has no date, so that one commit gives the same pages on each day; and lines end ragged and
/// words whole, since much of what is in them is to be typed.
fn title(command: &Command) -> String {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    format!(".TH \"{name}\" 1 \"\" \"stapel {}\" \"Stapel\"\n.ad l\n.nh\n", env!("CARGO_PKG_VERSION"))
}

/// What a command's help ends with. A line that ends in a colon is a heading here, and the lines under it stay lines:
/// clap_mangen would run the examples together into a paragraph.
fn after(command: &Command) -> Roff {
    let mut roff = Roff::new();
    let Some(text) = command.get_after_help() else { return roff };
    for block in text.to_string().split("\n\n") {
        match block.split_once(":\n") {
            Some((heading, lines)) if !heading.contains('\n') => {
                roff.control("SH", [heading.to_uppercase().as_str()]);
                roff.control("nf", []);
                roff.text(as_typed(lines));
                roff.control("fi", []);
            }
            _ => {
                roff.control("PP", []);
                roff.text([roman(block.replace('\n', " "))]);
            }
        }
    }
    roff
}

/// Lines without the two blanks that clap's help has before each.
fn as_typed(lines: &str) -> Vec<Inline> {
    let lines: Vec<_> = lines.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    vec![roman(lines.join("\n"))]
}

fn write(path: &Path, text: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|source| files::error("write", path, source))
}
