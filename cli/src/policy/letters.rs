//! `stapel policy letters`: what a contact point sends where a data subject asks.

use std::io::Write;
use std::path::PathBuf;

use stapel::Policy;
use stapel::policy::Lang;

use super::draft::refuse_papers;
use crate::failure::Failure;
use crate::files;
use crate::output::{Output, Shown};

/// Write the letter to each organisation for a request by a data subject (AVG, articles 15 to 21)
///
/// One to every organisation of the roster, all of the same text, whether or not anybody flags: the contact point does
/// not know who does, and a letter tells nobody. Each organisation looks in its own journal and answers by itself. The
/// person's data are written into the letters by hand; this command asks for none.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy letters policy.toml --out request-7 --lang nl")]
pub(super) struct LettersArgs {
    /// The policy in force
    file: PathBuf,
    /// The folder to write them to; letters that are there are not written over
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The language: nl or en
    #[arg(long, value_name = "LANG", default_value = "nl")]
    lang: Lang,
}

pub(super) fn letters(args: &LettersArgs, out: &mut Output) -> Result<(), Failure> {
    let policy = Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?;
    refuse_papers(&args.out)?;
    files::create_folder(&args.out)?;
    for letter in policy.letters(args.lang) {
        let path = args.out.join(format!("letter-{}.md", letter.organisation));
        files::replace(&path, letter.text.as_bytes())?;
        writeln!(out, "{}", path.shown())?;
    }
    Ok(())
}
