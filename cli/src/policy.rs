//! `stapel policy`: the rules of a consortium, checked, explained, signed and compared.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stapel::policy::{Finding, Lang, Reveal, SAMPLE};
use stapel::secret::SigningKey;
use stapel::{Policy, PolicySignature, SignedPolicy};

use crate::failure::Failure;
use crate::files;
use crate::output::Output;

/// Check, explain, sign and compare policies
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy explain policy.toml --lang nl")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print a policy to start from
    ///
    /// Its keys are public, and its texts are illustrations: put your own in their place.
    #[command(after_help = "Example:\n  stapel policy sample > policy.toml")]
    Sample,
    Check(CheckArgs),
    Explain(ExplainArgs),
    Digest(DigestArgs),
    Sign(SignArgs),
    Verify(VerifyArgs),
    Diff(DiffArgs),
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
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy sign policy.toml --key police/partner.key")]
struct SignArgs {
    /// The policy
    file: PathBuf,
    /// The key of one of the organisation's partners in the roster
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Sign with a key of this policy's roster, which is in force: for an organisation that leaves or has another key
    /// in the new one
    #[arg(long, value_name = "OLD_POLICY")]
    under: Option<PathBuf>,
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

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Sample => Ok(out.write_all(SAMPLE.as_bytes())?),
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
        Command::Verify(args) => verify(args, out),
        Command::Diff(args) => diff(args, out),
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
        "text": reveal.text(lang),
    })
}

fn sign(args: &SignArgs, out: &mut Output) -> Result<(), Failure> {
    let policy = Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?;
    let key = SigningKey::read(&args.key)?;
    let (signature, path) = match &args.under {
        None => {
            let signature = PolicySignature::sign(&policy, &key)?;
            let path = signature.path_beside(&args.file);
            (signature, path)
        }
        Some(old) => {
            let signature =
                PolicySignature::sign_under(&policy, &Policy::read(old).map_err(Failure::of_policy(old))?, &key)?;
            let path = path_under(&signature, &args.file);
            (signature, path)
        }
    };
    files::replace(&path, signature.to_text().as_bytes())?;
    writeln!(out, "{}", path.display())?;
    Ok(())
}

/// A name of its own, so that an organisation whose key changes can sign with both:
/// `policy.toml.<organisation>.in-force.sig`.
fn path_under(signature: &PolicySignature, policy: &Path) -> PathBuf {
    let mut name = policy.as_os_str().to_owned();
    name.push(format!(".{}.in-force.sig", signature.organisation()));
    name.into()
}

fn verify(args: &VerifyArgs, out: &mut Output) -> Result<(), Failure> {
    let signed = match &args.previous {
        None => SignedPolicy::read(&args.file).map_err(Failure::of_policy(&args.file))?,
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
