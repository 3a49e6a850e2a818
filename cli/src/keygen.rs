//! `stapel keygen`: secrets of an epoch, their parts, policy keys, signing keys and seal keys, and TLS certificates for
//! trying.

mod test_tls;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stapel::partner::PartnerError;
use stapel::policy::{Enrolment, Oin};
use stapel::secret::{KeyId, Scope, SecretFile, SecretPart, SigningKey, UnsealingKey, VerifyingKey};
use stapel::{Policy, Slug};

use crate::enrolment;
use crate::failure::Failure;
use crate::files;
use crate::output::{Output, Shown};

/// Make secrets and keys
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel keygen secret --purpose ondermijning-zaanstad --epoch 1 \\\n      --out \
                  epoch-1.secret --parts 2")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Secret(SecretArgs),
    Join(JoinArgs),
    Policy(PolicyArgs),
    Signing(SigningArgs),
    Seal(SealArgs),
    TestTls(test_tls::TestTlsArgs),
    Show(ShowArgs),
}

/// Draw the secret of an epoch, which the partners share and the broker never holds
///
/// With --parts, nobody keeps the whole: officers carry FILE.1 to FILE.N by separate ways, and each partner joins them.
/// Prints the key id, which the policy names.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel keygen secret --purpose ondermijning-zaanstad --epoch 1 \\\n      --out \
                  epoch-1.secret --parts 2")]
struct SecretArgs {
    /// The consortium's purpose (doel)
    #[arg(long, value_name = "SLUG")]
    purpose: Slug,
    /// The key period
    #[arg(long, value_name = "N")]
    epoch: u32,
    /// The file to write, or with --parts the beginning of the files' names
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Split it into so many parts, all of which are needed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=9))]
    parts: Option<u8>,
    /// Write an enrolment file with its key id, for `stapel policy new` and `policy next`
    #[arg(long, value_name = "FILE")]
    enrolment: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "enrolment")]
    json: bool,
}

/// Put the parts of a secret together
///
/// Checks the result against the key id that each part names, and against the policy's when --policy is given.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel keygen join epoch-1.secret.1 epoch-1.secret.2 \\\n      --policy policy.toml \
                  --out epoch-1.secret"
)]
struct JoinArgs {
    /// The parts, in any order
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
    /// The secret file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The policy whose epoch must have this secret's key id
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Draw an organisation's policy key, and print its table for the policy, or write its enrolment
///
/// The enrolment is a small file of public facts that `stapel policy new` reads, with a check code for the telephone.
/// Whoever has the key decides for the organisation. Keep it offline, and a copy elsewhere.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel keygen policy --out police.policy.key --organisation politie \\\n      \
                  --name Politie --oin 00000099000000001000 --contact 'Sleutelbeheer, 0900 88 44' \\\n      \
                  --enrolment politie.toml")]
struct PolicyArgs {
    /// The file to write: the raw 32-byte seed
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What it counts as in the roster: a slug
    #[arg(long, value_name = "SLUG")]
    organisation: Option<Slug>,
    /// The organisation's name
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// The organisation's OIN, 20 digits
    #[arg(long, value_name = "OIN")]
    oin: Option<Oin>,
    /// How to reach whoever keeps the key
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// An OIN in the TLS certificates of its partners, other than its own; once for each
    #[arg(long, value_name = "OIN", requires = "enrolment")]
    tls_oin: Vec<Oin>,
    /// Write an enrolment file, for `stapel policy new` and `policy next`
    #[arg(long, value_name = "FILE", requires_all = ["organisation", "name", "oin", "contact"])]
    enrolment: Option<PathBuf>,
    /// Print one JSON object instead
    #[arg(long, conflicts_with = "enrolment")]
    json: bool,
}

/// Draw an Ed25519 signing key, such as a partner's message key, and print its public key
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel keygen signing --out police/partner.key")]
struct SigningArgs {
    /// The file to write: the raw 32-byte seed
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Draw an X25519 key, to which others seal notes to a partner in an epoch, and print its public key
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel keygen seal --out police/epoch-2.seal")]
struct SealArgs {
    /// The file to write: the raw 32 bytes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Show what a key, secret or part is; never the secret itself
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel keygen show epoch-1.secret")]
struct ShowArgs {
    /// A signing key, a seal key (its name ends in .seal), a secret file, or one of its parts
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Secret(args) => secret(args, out),
        Command::Join(args) => join(args, out),
        Command::Policy(args) => policy(args, out),
        Command::Signing(args) => signing(args, out),
        Command::Seal(args) => {
            let key = UnsealingKey::create(&args.out).map_err(|error| refuse_existing(&args.out, error))?;
            show_seal(&key, args.json, out)
        }
        Command::TestTls(args) => test_tls::test_tls(args, out),
        Command::Show(args) => show(args, out),
    }
}

fn secret(args: &SecretArgs, out: &mut Output) -> Result<(), Failure> {
    let reserved = enrolment::reserve(args.enrolment.as_ref())?;
    if let Some(reserved) = &reserved {
        let parts = args.parts.unwrap_or(0);
        (1..=parts).try_for_each(|number| reserved.refuse_same(&part_path(&args.out, number)))?;
        if parts == 0 {
            reserved.refuse_same(&args.out)?;
        }
    }
    let secret = SecretFile::generate(Scope { purpose: args.purpose.clone(), epoch: args.epoch })?;
    let mut written = Vec::new();
    match args.parts {
        None => {
            secret.create(&args.out).map_err(|error| refuse_existing(&args.out, error))?;
            written.push(args.out.clone());
        }
        Some(parts) => {
            let parts = secret.split(parts)?;
            let paths: Vec<_> = parts.iter().map(|part| part_path(&args.out, part.number().0)).collect();
            if let Some(there) = paths.iter().find(|path| path.exists()) {
                let finding = "is there already, and nothing was written: give another name; or, if drawing them was \
                               broken off, take its parts away, which are of no use alone";
                return Err(Failure::new("parts_exist", format!("{} {finding}", there.shown())));
            }
            for (part, path) in parts.iter().zip(&paths) {
                if let Err(error) = part.create(path) {
                    // The others open nothing without it.
                    written.iter().try_for_each(|path| files::remove(path))?;
                    return Err(error.into());
                }
                written.push(path.clone());
            }
        }
    }
    show_secret("secret", &secret.scope, secret.key_id(), &written, args.json, out)?;
    match reserved {
        None => Ok(()),
        Some(reserved) => {
            let enrolled = Enrolment::of_epoch(args.purpose.clone(), args.epoch, secret.key_id());
            enrolment::write(reserved, &enrolled, out)
        }
    }
}

fn join(args: &JoinArgs, out: &mut Output) -> Result<(), Failure> {
    let parts = args.parts.iter().map(|path| SecretPart::read(path)).collect::<Result<Vec<_>, _>>()?;
    let secret = SecretFile::join(&parts)?;
    if let Some(path) = &args.policy {
        refuse_stranger(&secret, &Policy::read(path).map_err(Failure::of_policy(path))?)?;
    }
    secret.create(&args.out).map_err(|error| refuse_existing(&args.out, error))?;
    show_secret("secret", &secret.scope, secret.key_id(), std::slice::from_ref(&args.out), args.json, out)
}

fn policy(args: &PolicyArgs, out: &mut Output) -> Result<(), Failure> {
    let reserved = enrolment::reserve(args.enrolment.as_ref())?;
    if let Some(reserved) = &reserved {
        reserved.refuse_same(&args.out)?;
        enrolled(args, enrolment::any_key())?;
    }
    let key = SigningKey::create(&args.out).map_err(|error| refuse_existing(&args.out, error))?;
    if args.json {
        return show_signing(&key, true, out);
    }
    if let (Some(reserved), Some(enrolled)) = (reserved, enrolled(args, key.verifying_key())?) {
        return enrolment::write(reserved, &enrolled, out);
    }
    // A string in JSON is one in TOML too. What is left empty, the policy's reader refuses.
    let quoted = |text: Option<&str>| Value::from(text.unwrap_or_default());
    writeln!(out, "[[organisation]]")?;
    writeln!(out, "slug = {}", quoted(args.organisation.as_ref().map(Slug::as_str)))?;
    writeln!(out, "name = {}", quoted(args.name.as_deref()))?;
    writeln!(out, "oin = {}", quoted(args.oin.as_ref().map(Oin::as_str)))?;
    writeln!(out, "contact = {}", quoted(args.contact.as_deref()))?;
    writeln!(out, "policy_key = \"{}\"", key.verifying_key())?;
    Ok(())
}

/// The enrolment of an organisation with that policy key.
fn enrolled(args: &PolicyArgs, key: VerifyingKey) -> Result<Option<Enrolment>, Failure> {
    let PolicyArgs { organisation: Some(slug), name: Some(name), oin: Some(oin), contact: Some(contact), .. } = args
    else {
        return Ok(None);
    };
    Ok(Some(Enrolment::of_organisation(slug.clone(), name, *oin, contact, key, &args.tls_oin)?))
}

fn signing(args: &SigningArgs, out: &mut Output) -> Result<(), Failure> {
    let key = SigningKey::create(&args.out).map_err(|error| refuse_existing(&args.out, error))?;
    show_signing(&key, args.json, out)
}

fn show(args: &ShowArgs, out: &mut Output) -> Result<(), Failure> {
    const PART: &[u8] = b"stapel-secret-part ";
    const SECRET: &[u8] = b"stapel-secret ";
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    // A file's beginning says what it is, and nothing that is secret in the two kinds that begin with a name.
    let head = files::read_up_to(&args.file, PART.len() + BYTE_ORDER_MARK.len())?;
    // The reader says that the mark is too much.
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&head);
    if head.starts_with(PART) {
        let part = SecretPart::read(&args.file)?;
        let (number, of) = part.number();
        let kind = format!("part {number} of {of} of a secret");
        show_secret(&kind, part.scope(), part.key_id(), &[], args.json, out)
    } else if head.starts_with(SECRET) {
        let secret = SecretFile::read(&args.file)?;
        show_secret("secret", &secret.scope, secret.key_id(), &[], args.json, out)
    } else if args.file.extension().is_some_and(|ending| ending == "seal") {
        show_seal(&UnsealingKey::read(&args.file)?, args.json, out)
    } else {
        show_signing(&SigningKey::read(&args.file)?, args.json, out)
    }
}

fn show_secret(
    kind: &str,
    scope: &Scope,
    key_id: KeyId,
    written: &[PathBuf],
    json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let (purpose, epoch, key_id) = (scope.purpose.as_str(), scope.epoch, key_id.to_string());
    if json {
        let files: Vec<_> = written.iter().map(|path| path.display().to_string()).collect();
        return out.json(&json!({
            "kind": kind, "purpose": purpose, "epoch": epoch, "key_id": key_id, "written": files
        }));
    }
    writeln!(out, "{kind} of epoch {epoch}, purpose {purpose}")?;
    writeln!(out, "key id: {key_id}")?;
    for path in written {
        writeln!(out, "written: {}", path.shown())?;
    }
    Ok(())
}

fn show_signing(key: &SigningKey, json: bool, out: &mut Output) -> Result<(), Failure> {
    let public = key.verifying_key().to_string();
    if json {
        return out.json(&json!({ "kind": "signing key", "verifying_key": public }));
    }
    writeln!(out, "{public}")?;
    Ok(())
}

fn show_seal(key: &UnsealingKey, json: bool, out: &mut Output) -> Result<(), Failure> {
    let public = key.seal_key().to_string();
    if json {
        return out.json(&json!({ "kind": "seal key", "seal_key": public }));
    }
    writeln!(out, "{public}")?;
    Ok(())
}

/// Says that a file is there already, where that is why it could not be made.
fn refuse_existing(path: &Path, error: impl Into<Failure>) -> Failure {
    match error.into() {
        Failure::Stapel(error) if error.code() == "io" && path.exists() => {
            let finding = "is there already, and was left as it is: use it, or give another name";
            Failure::new("io", format!("{} {finding}", path.shown()))
        }
        other => other,
    }
}

fn refuse_stranger(secret: &SecretFile, policy: &Policy) -> Result<(), PartnerError> {
    let epoch = secret.scope.epoch;
    let wrong = |finding| Err(PartnerError::SecretMismatch { epoch, finding });
    if secret.scope.purpose != policy.purpose {
        return wrong("it is for another purpose; nothing was written");
    }
    match policy.epoch(epoch) {
        None => wrong("the policy has no such epoch; nothing was written"),
        Some(named) if named.key_id != secret.key_id() => wrong(
            "the policy names another key id for that epoch; nothing was written: ask the coordinator for the right \
             parts",
        ),
        Some(_) => Ok(()),
    }
}

fn part_path(out: &Path, number: u8) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}
