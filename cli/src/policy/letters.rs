//! `stapel policy letters`: what a contact point sends where a data subject asks.

use std::path::PathBuf;

use stapel::Policy;
use stapel::policy::Lang;

use super::papers::NewPapers;
use crate::failure::Failure;
use crate::output::Output;

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
    // To write to fewer than all would tell who flags.
    let mut papers = NewPapers::begin(&args.out)?;
    for letter in policy.letters(args.lang) {
        papers.write(&format!("letter-{}.md", letter.organisation), &letter.text)?;
    }
    papers.keep(out)
}
