//! `stapel policy`: the rules of a consortium, checked, explained, signed and compared.
//!
//! - `certify`: certificates and suspensions of partners;
//! - `draft`: versions that are made of enrolments;
//! - `letters`: what is sent where a data subject asks.

mod certify;
mod draft;
mod letters;
mod papers;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stapel::policy::{Finding, Lang, Reveal, sample_text};
use stapel::secret::SigningKey;
use stapel::{Policy, PolicySignature, SignedPolicy};

use crate::failure::{self, Failure};
use crate::files;
use crate::now::Clock;
use crate::output::{Output, Shown};

/// Check, explain, sign and compare policies
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy explain policy.toml --lang nl")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

impl Args {
    pub(crate) fn only_shows(&self) -> bool {
        use Command::{Diff, Digest, Explain, Sample};
        matches!(self.command, Sample(_) | Explain(_) | Digest(_) | Diff(_))
    }
}

#[derive(clap::Subcommand)]
enum Command {
    New(draft::NewArgs),
    Next(draft::NextArgs),
    Pack(draft::PackArgs),
    Letters(letters::LettersArgs),
    Sample(SampleArgs),
    Check(CheckArgs),
    Explain(ExplainArgs),
    Digest(DigestArgs),
    Sign(SignArgs),
    Veto(VetoArgs),
    Certify(certify::CertifyArgs),
    Suspend(certify::SuspendArgs),
    Verify(VerifyArgs),
    Diff(DiffArgs),
    Evidence(EvidenceArgs),
}

/// Print a policy to start from, valid from today on
///
/// Its texts are illustrations. Its keys are everybody's, and `policy check` refuses them: put your own in their place.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy sample > policy.toml")]
struct SampleArgs {
    #[command(flatten)]
    clock: Clock,
}

/// Refuse what is unsafe, and say what each count reveals
///
/// The exit status is 0 when the policy may be used, 1 when it may not.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy check policy.toml")]
struct CheckArgs {
    /// The policy
    file: PathBuf,
    /// The language of the findings: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Print a policy as plain text, for a citizen, a DPIA or a judge
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy explain policy.toml --lang nl")]
struct ExplainArgs {
    /// The policy
    file: PathBuf,
    /// The language: nl or en
    #[arg(long, value_name = "LANG")]
    lang: Lang,
}

/// Print the digest that every message names
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy digest policy.toml")]
struct DigestArgs {
    /// The policy
    file: PathBuf,
}

/// Sign a policy for an organisation, in a file beside it
///
/// Of a newer version it first says in plain words what changes, and from which version that is void. A key signs one
/// successor of a policy only, unless that says that the other is void: what it has signed is kept in KEY.signed.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel policy sign policy-2.toml --previous policy.toml --key police.policy.key --lang nl"
)]
struct SignArgs {
    /// The policy
    file: PathBuf,
    /// The organisation's policy key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The policy in force, which it is to follow; left out for a first version
    #[arg(long, value_name = "OLD")]
    previous: Option<PathBuf>,
    /// A version that this one says is void
    #[arg(long, value_name = "OTHER")]
    void: Vec<PathBuf>,
    /// The language in which to say what changes: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
}

/// Veto that your organisation lost its policy key
///
/// It holds against every version that follows the policy in force and says so. Send the file to the operator and to
/// all partners, who keep it: stapel broker veto, stapel partner veto.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy veto policy.toml --key police.policy.key")]
struct VetoArgs {
    /// The policy in force
    file: PathBuf,
    /// The organisation's policy key, which is not lost
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Check that a policy bears the signatures that it needs
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy verify policy-2.toml --previous policy.toml")]
struct VerifyArgs {
    /// The policy, with its signatures beside it
    file: PathBuf,
    /// The policy in force, which it is to follow
    #[arg(long, value_name = "OLD")]
    previous: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Say in plain words what changes from one policy to another
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy diff policy.toml policy-2.toml --lang nl")]
struct DiffArgs {
    /// The older policy
    old: PathBuf,
    /// The newer policy
    new: PathBuf,
    /// The language: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Say which organisations signed two policies that follow the same one
///
/// The exit status is 0 when none did, 1 when one did: then the two files and their signatures are the evidence.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy evidence policy-2.toml other/policy-2.toml")]
struct EvidenceArgs {
    /// One policy, with its signatures beside it
    one: PathBuf,
    /// The other, with its signatures beside it
    other: PathBuf,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::New(args) => draft::new(args, out),
        Command::Next(args) => draft::next(args, out),
        Command::Pack(args) => draft::pack(args, out),
        Command::Letters(args) => letters::letters(args, out),
        Command::Sample(args) => Ok(out.write_all(sample_text(args.clock.time()?.day()).as_bytes())?),
        Command::Check(args) => check(args, out),
        Command::Explain(args) => {
            out.write_all(
                Policy::read(&args.file)
                    .map_err(Failure::of_policy(&args.file))?
                    .explain(args.lang)
                    .trim_end()
                    .as_bytes(),
            )?;
            writeln!(out)?;
            Ok(())
        }
        Command::Digest(args) => {
            writeln!(out, "{}", Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?.digest())?;
            Ok(())
        }
        Command::Sign(args) => sign(args, out),
        Command::Veto(args) => veto(args, out),
        Command::Certify(args) => certify::certify(args, out),
        Command::Suspend(args) => certify::suspend(args, out),
        Command::Verify(args) => verify(args, out),
        Command::Diff(args) => diff(args, out),
        Command::Evidence(args) => evidence(args, out),
    }
}

fn check(args: &CheckArgs, out: &mut Output) -> Result<(), Failure> {
    let check = Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?.check();
    let standing = check.standing().count();
    if args.json {
        let finding = |finding: &Finding| {
            json!({
                "rule": finding.rule, "overridden": finding.overridden, "text": finding.text(args.lang)
            })
        };
        out.json(&json!({
            "safe": check.is_safe(),
            "refusals": check.refusals.iter().map(finding).collect::<Vec<_>>(),
            "notes": check.notes.iter().map(finding).collect::<Vec<_>>(),
            "reveals": check.reveals.iter().map(|reveal| reveal_json(reveal, args.lang)).collect::<Vec<_>>(),
        }))?;
    } else {
        let [refused, overridden, reason, note, reveals] = match args.lang {
            Lang::Nl => ["geweigerd", "toch toegestaan", "Reden", "let op", "verraadt"],
            _ => ["refused", "overridden", "Reason", "note", "reveals"],
        };
        for refusal in &check.refusals {
            let text = refusal.text(args.lang);
            match &refusal.overridden {
                None => writeln!(out, "{refused} [{}]: {text}", refusal.rule)?,
                Some(why) => writeln!(out, "{overridden} [{}]: {text} {reason}: {why}", refusal.rule)?,
            }
        }
        for finding in &check.notes {
            writeln!(out, "{note} [{}]: {}", finding.rule, finding.text(args.lang))?;
        }
        for reveal in &check.reveals {
            writeln!(out, "{reveals}: {}", reveal.text(args.lang))?;
        }
    }
    if !check.notes.is_empty() || !check.refusals.is_empty() {
        failure::some_warned();
    }
    match standing {
        0 => Ok(()),
        1 => Err(Failure::new("policy_unsafe", "the policy is not safe to use: 1 rule refuses it")),
        rules => Err(Failure::new("policy_unsafe", format!("the policy is not safe to use: {rules} rules refuse it"))),
    }
}

fn reveal_json(reveal: &Reveal, lang: Lang) -> Value {
    json!({
        "partners": reveal.partners,
        "sees": reveal.sees.as_str(),
        "own_flag": reveal.own_flag,
        "others": reveal.others,
        "low": reveal.low,
        "high": reveal.high,
        "sets": reveal.sets,
        "sets_of_two": reveal.sets_of_two,
        "text": reveal.text(lang),
    })
}

fn sign(args: &SignArgs, out: &mut Output) -> Result<(), Failure> {
    let policy = Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?;
    let read_old = |path: &PathBuf| Policy::read(path).map_err(Failure::of_policy(path));
    let in_force = args.previous.as_ref().map(read_old).transpose()?;
    let void = args.void.iter().map(read_old).collect::<Result<Vec<_>, _>>()?;
    // What is signed is read first.
    for difference in in_force.iter().chain(&void).flat_map(|older| older.difference(&policy, args.lang)) {
        writeln!(out, "{difference}")?;
    }
    let (key, record) = (SigningKey::read(&args.key)?, signed_beside(&args.key));
    let signature = PolicySignature::sign_recorded(&policy, in_force.as_ref(), &void, &key, &record)?;
    let known = policy.organisation(signature.organisation());
    let path = match known.is_some_and(|known| known.policy_key == signature.key()) {
        true => signature.path_beside(&args.file),
        // A name of its own, so that an organisation whose key changes can sign with both.
        false => with_suffix(&args.file, &format!(".{}.in-force.sig", signature.organisation())),
    };
    files::replace(&path, signature.to_text().as_bytes())?;
    writeln!(out, "{}", path.shown())?;
    Ok(())
}

/// Where it is kept what a policy key has signed.
fn signed_beside(key: &Path) -> PathBuf {
    with_suffix(key, ".signed")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn veto(args: &VetoArgs, out: &mut Output) -> Result<(), Failure> {
    let in_force = Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?;
    let veto = PolicySignature::veto(&in_force, &SigningKey::read(&args.key)?)?;
    let path = veto.path_beside(&args.file);
    files::replace(&path, veto.to_text().as_bytes())?;
    writeln!(out, "{}", path.shown())?;
    Ok(())
}

fn evidence(args: &EvidenceArgs, out: &mut Output) -> Result<(), Failure> {
    let read = |path: &PathBuf| Policy::read(path).map_err(Failure::of_policy(path));
    let (one, other) = (read(&args.one)?, read(&args.other)?);
    let signatures = [PolicySignature::read_beside(&args.one)?, PolicySignature::read_beside(&args.other)?].concat();
    let twice = one.signed_twice(&other, &signatures);
    if twice.is_empty() {
        writeln!(out, "no organisation signed two policies that follow the same one and neither of which is void")?;
        return Ok(());
    }
    let names: Vec<_> = twice.iter().map(|slug| slug.as_str()).collect();
    let finding = format!(
        "signed both, {} and {}, which follow the same policy: {}; keep both files with their signatures, and tell all \
         organisations",
        one.digest(),
        other.digest(),
        names.join(", ")
    );
    Err(Failure::new("policy_evidence", finding))
}

fn verify(args: &VerifyArgs, out: &mut Output) -> Result<(), Failure> {
    let signed = match &args.previous {
        None => {
            let first = SignedPolicy::read(&args.file).map_err(Failure::of_policy(&args.file))?;
            if first.policy().previous.is_some() {
                let file = args.file.shown();
                let finding = "follows another policy, whose keys say who may change it: give the one in force with \
                               --previous";
                return Err(Failure::new("policy_successor", format!("{file} {finding}")));
            }
            first
        }
        Some(old) => {
            let in_force = SignedPolicy::read(old).map_err(Failure::of_policy(old))?;
            let newer = Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?;
            let followed = in_force.succeed(newer, &PolicySignature::read_beside(&args.file)?);
            followed.map_err(Failure::of_policy(&args.file))?
        }
    };
    let version = signed.policy().version;
    let names: Vec<_> = signed.signed_by().iter().map(|organisation| organisation.as_str()).collect();
    if args.json {
        let digest = signed.digest().to_string();
        return out.json(&json!({
            "version": version, "digest": digest, "needed": signed.policy().changes.signatures, "signed_by": names
        }));
    }
    writeln!(out, "version {version}, digest {}, signed by {}", signed.digest(), names.join(", "))?;
    Ok(())
}

fn diff(args: &DiffArgs, out: &mut Output) -> Result<(), Failure> {
    let differences = Policy::read(&args.old)
        .map_err(Failure::of_policy(&args.old))?
        .difference(&Policy::read(&args.new).map_err(Failure::of_policy(&args.new))?, args.lang);
    if args.json {
        return out.json(&differences);
    }
    for difference in differences {
        writeln!(out, "{difference}")?;
    }
    Ok(())
}
