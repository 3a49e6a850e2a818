//! How a partner begins: `partner init`, `adopt`, `add-secret`, `keys` and `add-certificate`.

use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use stapel::Slug;
use stapel::partner::Partner;
use stapel::policy::{Enrolment, Lang, Policy, Sees, SignIn};

use super::PartnerFolder;
use crate::enrolment;
use crate::failure::{Failure, note};
use crate::now::Clock;
use crate::output::{Output, Shown};

/// Make a partner's folder, and print its entry for the roster, or write its enrolment
///
/// The entry goes to the coordinator, who completes it and puts it into the policy. Texts that are left empty there,
/// the policy's reader refuses. Its keys are certified once there is a policy: see `stapel partner keys`.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner init --dir police --number 1 --name 'Politie' \\\n      \
                   --organisation politie --legal-basis-flag 'Politiewet 2012, artikel 3' \\\n      --enrolment \
                   police.toml")]
pub(super) struct InitArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The number it is to have in the roster
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    number: u16,
    /// The partner's name
    #[arg(long)]
    name: Option<String>,
    /// The organisation that it belongs to, by its slug in the policy
    #[arg(long, value_name = "SLUG")]
    organisation: Option<Slug>,
    /// Its legal basis to flag
    #[arg(long, value_name = "TEXT")]
    legal_basis_flag: Option<String>,
    /// Its legal basis to ask
    #[arg(long, value_name = "TEXT")]
    legal_basis_ask: Option<String>,
    /// Of the coordinator: its legal basis to bring others together; it neither flags nor asks
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["legal_basis_flag", "legal_basis_ask"])]
    legal_basis_coordinate: Option<String>,
    /// What it is to see of a count: presence, band or count
    #[arg(long, value_name = "WHAT", default_value = "presence", value_parser = sees)]
    sees: Sees,
    /// It has one user, on its own machine, who may use its pages without signing in at a provider (sign_in); nobody
    /// then verifies who that is, and the policy's explanation says so
    #[arg(long)]
    one_user: bool,
    /// Write an enrolment file, for `stapel policy new` and `policy next`; it flags and asks for what it has a legal
    /// basis
    #[arg(long, value_name = "FILE", requires_all = ["name", "organisation"])]
    enrolment: Option<PathBuf>,
    /// Print one JSON object instead
    #[arg(long, conflicts_with = "enrolment")]
    json: bool,
}

/// Take a policy into force, the first or a newer one
///
/// The signatures are read beside it. A first policy is taken on the word of whoever hands it over: compare its digest
/// with another partner's. Versions that were missed are given together, in any order; nothing is adopted where one is
/// missing between them. Those that were adopted already are passed over.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  stapel partner adopt --dir police --policy policy.toml\n  \
                        stapel partner adopt --dir police --policy policy-2.toml --policy policy-3.toml")]
pub(super) struct AdoptArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The policy, with its signatures beside it; once for each version that was missed
    #[arg(long = "policy", value_name = "FILE", required = true)]
    policies: Vec<PathBuf>,
    /// The language in which to say what changes: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
    #[command(flatten)]
    clock: Clock,
}

/// Keep an organisation's veto of the versions that say that its policy key is lost
///
/// A version that follows the policy in force and says so is then refused.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner veto --dir police policy.toml.belastingdienst.veto.sig")]
pub(super) struct VetoArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The veto
    file: PathBuf,
}

/// Keep a copy of an epoch's secret in the folder
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner add-secret --dir police epoch-1.secret")]
pub(super) struct AddSecretArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The secret file
    file: PathBuf,
}

/// Print the partner's public keys of an epoch, for its organisation to certify
///
/// The seal key is drawn where there is none yet. Hand both, on a way on which they cannot be changed, to whoever keeps
/// the organisation's policy key: as an enrolment file, whose check code that person asks for, it is for `stapel policy
/// certify --keys`.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner keys --dir police --epoch 1 --enrolment keys.toml")]
pub(super) struct KeysArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The epoch
    #[arg(long, value_name = "N")]
    epoch: u32,
    /// Write an enrolment file
    #[arg(long, value_name = "FILE")]
    enrolment: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "enrolment")]
    json: bool,
}

/// Keep copies of certificates in the folder
///
/// Those of others are for what comes after a hit: whom this partner is told of is known by them. From the partner's
/// own on, nothing is signed in their epochs with a key that they do not name. A folder that lost its state, and its
/// number with that, has the number from the partner's own again.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner add-certificate --dir police 1.1.1.cert")]
pub(super) struct AddCertificateArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// Certificates
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

fn sees(text: &str) -> Result<Sees, String> {
    Sees::ALL.into_iter().find(|sees| sees.as_str() == text).ok_or_else(|| "it is presence, band or count".to_owned())
}

pub(super) fn init(args: &InitArgs, out: &mut Output) -> Result<(), Failure> {
    let reserved = enrolment::reserve(args.enrolment.as_ref())?;
    let enrolled = match (reserved, &args.name, &args.organisation) {
        (Some(reserved), Some(name), Some(organisation)) => {
            reserved.refuse_within(&args.place.dir)?;
            reserved.refuse_within(args.place.keys())?;
            let (flag, ask) = (args.legal_basis_flag.as_deref(), args.legal_basis_ask.as_deref());
            let coordinate = args.legal_basis_coordinate.as_deref();
            if flag.is_none() && ask.is_none() && coordinate.is_none() {
                let finding = "a partner flags or asks, and needs a legal basis for each: give --legal-basis-flag, \
                               --legal-basis-ask, or both; or of the coordinator --legal-basis-coordinate";
                return Err(Failure::Usage(finding.to_owned()));
            }
            let (number, organisation) = (args.number, organisation.clone());
            let mut enrolled = Enrolment::of_partner(number, name, organisation, args.sees, flag, ask, coordinate)?;
            if let Enrolment::Partner(entry) = &mut enrolled {
                entry.sign_in = args.one_user.then_some(SignIn::OneUser);
            }
            Some((reserved, enrolled))
        }
        _ => None,
    };
    let made = Partner::init(args.place.place(), args.number)?;
    if let Some((reserved, enrolled)) = enrolled {
        return enrolment::write(reserved, &enrolled, out);
    }
    let (number, key) = (made.number, made.verifying_key.to_string());
    if args.json {
        return out.json(&json!({ "number": number, "verifying_key": key }));
    }
    // A string in JSON is one in TOML too.
    let quoted = |text: Option<&str>| Value::from(text.unwrap_or_default());
    writeln!(out, "[[partner]]")?;
    writeln!(out, "number = {number}")?;
    writeln!(out, "name = {}", quoted(args.name.as_deref()))?;
    writeln!(out, "organisation = {}", quoted(args.organisation.as_ref().map(Slug::as_str)))?;
    if args.one_user {
        writeln!(out, "sign_in = \"{}\"", SignIn::OneUser.as_str())?;
    }
    if let Some(basis) = &args.legal_basis_coordinate {
        writeln!(out, "may = [\"coordinate\"]")?;
        writeln!(out, "legal_basis_coordinate = {}", quoted(Some(basis)))?;
        return Ok(());
    }
    writeln!(out, "may = [\"flag\", \"ask\"]")?;
    writeln!(out, "sees = \"{}\"", args.sees.as_str())?;
    writeln!(out, "legal_basis_flag = {}", quoted(args.legal_basis_flag.as_deref()))?;
    writeln!(out, "legal_basis_ask = {}", quoted(args.legal_basis_ask.as_deref()))?;
    Ok(())
}

pub(super) fn adopt(args: &AdoptArgs, out: &mut Output) -> Result<(), Failure> {
    let folder = &args.place.dir;
    let mut versions = Vec::new();
    for file in &args.policies {
        versions.push((file, Policy::read(file).map_err(Failure::of_policy(file))?));
    }
    versions.sort_by_key(|(_, policy)| policy.version);
    let joins = !folder.join("policy.toml").exists();
    if let Some((first, policy)) = versions.first()
        && joins
    {
        refuse_gap(policy, &versions[1..])?;
        Partner::join(args.place.place(), first).map_err(Failure::of_policy(first))?;
        say_in_force(&args.place.open()?, out)?;
        versions.remove(0);
    }
    let mut partner = args.place.open()?;
    pass_over(partner.policy().policy(), &mut versions);
    refuse_gap(partner.policy().policy(), &versions)?;
    if versions.is_empty() {
        say_in_force(&partner, out)?;
    }
    let files: Vec<_> = versions.iter().map(|(file, _)| file).collect();
    for (at, file) in files.iter().enumerate() {
        let before = partner.policy().clone();
        let adopted = partner.adopt_first(&files[at..], args.clock.time()?);
        adopted.map_err(Failure::of_policy(file)).map_err(|failure| match at {
            0 if !joins => failure,
            _ => {
                Failure::Partly(Box::new(failure.and(&format!(
                    "those before it were adopted: version {} is in force here",
                    before.policy().version
                ))))
            }
        })?;
        for difference in before.policy().difference(partner.policy().policy(), args.lang) {
            writeln!(out, "{difference}")?;
        }
        say_in_force(&partner, out)?;
    }
    Ok(())
}

fn say_in_force(partner: &Partner, out: &mut Output) -> Result<(), Failure> {
    let signed = partner.policy();
    writeln!(out, "policy version {}, digest {}", signed.policy().version, signed.digest())?;
    Ok(())
}

/// Takes out what was adopted before, as after a command that was broken off: that is no error.
fn pass_over(in_force: &Policy, versions: &mut Vec<(&PathBuf, Policy)>) {
    let mut adopted = vec![in_force.digest()];
    adopted.extend(in_force.previous);
    for (_, policy) in versions.iter().rev() {
        if adopted.contains(&policy.digest()) {
            adopted.extend(policy.previous);
        }
    }
    versions.retain(|(file, policy)| {
        let is_new = !adopted.contains(&policy.digest());
        if !is_new {
            note(&format!("{}: version {} was adopted already", file.shown(), policy.version));
        }
        is_new
    });
    versions.dedup_by_key(|(_, policy)| policy.digest());
}

/// Refuses versions that do not each follow the one before, the first of them the one in force.
fn refuse_gap(in_force: &Policy, versions: &[(&PathBuf, Policy)]) -> Result<(), Failure> {
    let mut before = in_force;
    for (file, policy) in versions {
        let digest = before.digest();
        if policy.previous != Some(digest) && !policy.voids.contains(&digest) {
            let (version, last) = (policy.version, before.version);
            let finding = match last.checked_add(1) {
                Some(next) if next < version => {
                    format!("version {next} is missing: give each version from that one on")
                }
                _ => format!("it does not follow version {last}, digest {digest}"),
            };
            let message = format!("{}: it is version {version}; {finding}; nothing was adopted", file.shown());
            return Err(Failure::new("policy_successor", message));
        }
        before = policy;
    }
    Ok(())
}

pub(super) fn veto(args: &VetoArgs) -> Result<(), Failure> {
    Ok(args.place.open()?.keep_veto(&args.file)?)
}

pub(super) fn keys(args: &KeysArgs, out: &mut Output) -> Result<(), Failure> {
    let partner = args.place.open()?;
    let reserved = enrolment::reserve(args.enrolment.as_ref())?;
    let keys = partner.keys(args.epoch)?;
    if let Some(reserved) = reserved {
        let consortium = partner.policy().policy().consortium.clone();
        return enrolment::write(reserved, &Enrolment::of_keys(consortium, partner.number(), args.epoch, keys), out);
    }
    let (message, seal) = (keys.message.to_string(), keys.seal.to_string());
    if args.json {
        return out.json(&json!({ "message_key": message, "seal_key": seal }));
    }
    writeln!(out, "--message-key {message} --seal-key {seal}")?;
    Ok(())
}

pub(super) fn add_certificate(args: &AddCertificateArgs) -> Result<(), Failure> {
    args.files
        .iter()
        .try_for_each(|file| Partner::add_certificate_to(args.place.place(), file))
        .map_err(|error| args.place.says(error))
}

pub(super) fn add_secret(args: &AddSecretArgs) -> Result<(), Failure> {
    Ok(args.place.open()?.add_secret(&args.file)?)
}
