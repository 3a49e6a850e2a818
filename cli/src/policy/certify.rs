//! `stapel policy certify` and `suspend`: what an organisation states of its partners with its policy key.

use std::io::Write;
use std::path::{Path, PathBuf};

use stapel::policy::{Certificate, Enrolment, PartnerKeys, Policy, PolicyError, Statement};
use stapel::secret::{SealKey, SigningKey, VerifyingKey};
use stapel::{Day, NotADay};

use crate::enrolment;
use crate::failure::Failure;
use crate::files;
use crate::now::Clock;
use crate::output::{Output, Shown};

/// Certify the keys of a partner in an epoch, in a file beside the policy
///
/// The partner's system writes its keys with `stapel partner keys --enrolment`. Ask for their check code by telephone,
/// and compare it with what this prints. Hand the file to the operator, who keeps it with `stapel broker certify`, and
/// to the partner. A certificate with a higher serial takes the place of the one before it at once, and ends a
/// suspension; the seal key of an epoch stays.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy certify policy.toml --key police.policy.key --keys keys.toml")]
pub(super) struct CertifyArgs {
    #[command(flatten)]
    of: Of,
    /// The partner's keys, as `stapel partner keys --enrolment` writes them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["partner", "epoch", "message_key", "seal_key"])]
    keys: Option<PathBuf>,
    /// The partner's number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), required_unless_present = "keys")]
    partner: Option<u16>,
    /// The epoch
    #[arg(long, value_name = "N", required_unless_present = "keys")]
    epoch: Option<u32>,
    /// The public key of the partner's messages, 64 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = verifying_key, required_unless_present = "keys")]
    message_key: Option<VerifyingKey>,
    /// Its public seal key of the epoch, 64 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = seal_key, required_unless_present = "keys")]
    seal_key: Option<SealKey>,
    /// The first day on which it holds [default: the epoch's]
    #[arg(long, value_name = "DAY", value_parser = day)]
    first_day: Option<Day>,
}

/// Suspend a partner, in files beside the policy
///
/// From the first day on its messages are rejected, and its flags end at the next turn of the day. Hand the files to
/// the operator, who keeps them with `stapel broker certify`. A certificate with a higher serial ends the suspension;
/// the partner then begins anew, with a full set.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy suspend policy.toml --key police.policy.key --partner 1")]
pub(super) struct SuspendArgs {
    #[command(flatten)]
    of: Of,
    /// The partner's number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    partner: u16,
    /// The epoch [default: each that has not closed]
    #[arg(long, value_name = "N")]
    epoch: Option<u32>,
    /// The first day of the suspension [default: today]
    #[arg(long, value_name = "DAY", value_parser = day)]
    first_day: Option<Day>,
    #[command(flatten)]
    clock: Clock,
}

/// What a statement is of, and who makes it.
#[derive(clap::Args)]
struct Of {
    /// The policy in force
    file: PathBuf,
    /// The policy key of the partner's organisation
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The serial, above those before [default: one more than the highest beside the policy]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    serial: Option<u32>,
}

pub(super) fn certify(args: &CertifyArgs, out: &mut Output) -> Result<(), Failure> {
    let policy = args.of.policy()?;
    let (partner, epoch, keys) = args.enrolled(&policy, out)?;
    args.of.state(&policy, partner, epoch, Some(keys), args.first_day, out)
}

pub(super) fn suspend(args: &SuspendArgs, out: &mut Output) -> Result<(), Failure> {
    let policy = args.of.policy()?;
    let first_day = match args.first_day {
        Some(day) => day,
        None => args.clock.time()?.day(),
    };
    let is_meant = |number: u32, closes: Day| args.epoch.map_or(closes >= first_day, |epoch| epoch == number);
    let epochs: Vec<u32> =
        policy.epochs.iter().filter(|epoch| is_meant(epoch.number, epoch.closes)).map(|epoch| epoch.number).collect();
    if epochs.is_empty() {
        let finding = format!("the policy has no such epoch that is open on {first_day} or later");
        return Err(PolicyError::Certificate { finding }.into());
    }
    epochs.into_iter().try_for_each(|epoch| args.of.state(&policy, args.partner, epoch, None, Some(first_day), out))
}

impl CertifyArgs {
    /// The partner, the epoch and the keys to certify, from an enrolment or from the command line.
    fn enrolled(&self, policy: &Policy, out: &mut Output) -> Result<(u16, u32, PartnerKeys), Failure> {
        let Some(path) = &self.keys else {
            let (Some(partner), Some(epoch), Some(message), Some(seal)) =
                (self.partner, self.epoch, self.message_key, self.seal_key)
            else {
                return Err(Failure::Usage("give --keys, or --partner, --epoch, --message-key and --seal-key".into()));
            };
            return Ok((partner, epoch, PartnerKeys { message, seal }));
        };
        let wrong = |finding: String| Failure::new("enrolment", format!("{} {finding}", path.shown()));
        let enrolment = enrolment::read(std::slice::from_ref(path))?.remove(0).1;
        let Enrolment::Keys(keys) = &enrolment else {
            return Err(wrong(format!("is of {}, and not of a partner's keys", enrolment.what())));
        };
        if keys.consortium != policy.consortium {
            return Err(wrong(format!(
                "is of the consortium {}, and the policy of {}",
                keys.consortium, policy.consortium
            )));
        }
        writeln!(out, "{}, check code: {}", enrolment.what(), enrolment.check_code())?;
        Ok((keys.partner, keys.epoch, keys.keys))
    }
}

impl Of {
    fn policy(&self) -> Result<Policy, Failure> {
        Policy::read(&self.file).map_err(Failure::of_policy(&self.file))
    }

    /// Signs a statement, and writes it beside the policy.
    fn state(
        &self,
        policy: &Policy,
        partner: u16,
        epoch: u32,
        keys: Option<PartnerKeys>,
        first_day: Option<Day>,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let days = policy.epoch(epoch).map(|epoch| (epoch.opens, epoch.closes));
        let (opens, last_day) = days.unwrap_or((Day(0), Day(0)));
        let serial = match self.serial {
            Some(serial) => serial,
            None => self.next_serial(partner, epoch)?,
        };
        let first_day = first_day.unwrap_or(opens);
        let statement = Statement { partner, epoch, serial, keys, first_day, last_day };
        let certificate = Certificate::sign(policy, statement, &SigningKey::read(&self.key)?)?;
        let path = self.file.with_file_name(certificate.file_name());
        refuse_other(&path, &certificate)?;
        files::replace(&path, certificate.to_text().as_bytes())?;
        writeln!(out, "{}", path.shown())?;
        Ok(())
    }

    fn next_serial(&self, partner: u16, epoch: u32) -> Result<u32, Failure> {
        let beside = Certificate::read_beside(&self.file)?;
        let claimed = beside.iter().map(Certificate::claimed);
        let of_partner = claimed.filter(|one| (one.partner, one.epoch) == (partner, epoch));
        Ok(of_partner.map(|one| one.serial).max().unwrap_or(0).saturating_add(1))
    }
}

/// One serial is of one statement.
fn refuse_other(path: &Path, certificate: &Certificate) -> Result<(), Failure> {
    if path.exists() && Certificate::read(path)? != *certificate {
        let finding = "is there, and states something else: give a higher serial";
        return Err(Failure::new("certificate", format!("{} {finding}", path.shown())));
    }
    Ok(())
}

fn verifying_key(text: &str) -> Result<VerifyingKey, String> {
    VerifyingKey::from_hex(text).ok_or_else(not_hex)
}

fn seal_key(text: &str) -> Result<SealKey, String> {
    SealKey::from_hex(text).ok_or_else(not_hex)
}

fn not_hex() -> String {
    "give 64 lower-case hexadecimal digits".to_owned()
}

fn day(text: &str) -> Result<Day, NotADay> {
    text.parse()
}
