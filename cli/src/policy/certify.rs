//! `stapel policy certify` and `suspend`: what an organisation states of its partners with its policy key.

use std::io::Write;
use std::path::PathBuf;

use stapel::policy::{Certificate, Enrolment, PartnerKeys, Policy, PolicyError, Statement};
use stapel::secret::{SealKey, SigningKey, VerifyingKey};
use stapel::{Day, NotADay};

use crate::enrolment;
use crate::failure::{Failure, note};
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
    /// The serial, above those before [default: one more than the highest beside the policy, unless that states the
    /// same]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    serial: Option<u32>,
}

pub(super) fn certify(args: &CertifyArgs, out: &mut Output) -> Result<(), Failure> {
    let policy = args.of.policy()?;
    let (partner, epoch, keys, enrolled) = args.enrolled(&policy)?;
    let signed = args.of.sign(&policy, partner, epoch, Some(keys), args.first_day)?;
    // Not before it is known that there is something to certify: a check code is read to somebody then.
    if let Some(enrolled) = enrolled {
        writeln!(out, "{}, check code: {}", enrolled.what(), enrolled.check_code())?;
    }
    signed.write(out)
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
    epochs.into_iter().try_for_each(|epoch| {
        let signed = args.of.sign(&policy, args.partner, epoch, None, Some(first_day))?;
        signed.write(out)
    })
}

impl CertifyArgs {
    /// The partner, the epoch and the keys to certify, from an enrolment or from the command line.
    fn enrolled(&self, policy: &Policy) -> Result<(u16, u32, PartnerKeys, Option<Enrolment>), Failure> {
        let Some(path) = &self.keys else {
            let (Some(partner), Some(epoch), Some(message), Some(seal)) =
                (self.partner, self.epoch, self.message_key, self.seal_key)
            else {
                return Err(Failure::Usage("give --keys, or --partner, --epoch, --message-key and --seal-key".into()));
            };
            return Ok((partner, epoch, PartnerKeys { message, seal }, None));
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
        Ok((keys.partner, keys.epoch, keys.keys, Some(enrolment)))
    }
}

impl Of {
    fn policy(&self) -> Result<Policy, Failure> {
        Policy::read(&self.file).map_err(Failure::of_policy(&self.file))
    }

    /// Signs a statement. What was stated last is not stated again under a higher serial, unless one is given: it would
    /// change nothing, and the broker would have one more to keep.
    fn sign(
        &self,
        policy: &Policy,
        partner: u16,
        epoch: u32,
        keys: Option<PartnerKeys>,
        first_day: Option<Day>,
    ) -> Result<Signed, Failure> {
        let days = policy.epoch(epoch).map(|epoch| (epoch.opens, epoch.closes));
        let (opens, last_day) = days.unwrap_or((Day(0), Day(0)));
        let first_day = first_day.unwrap_or(opens);
        let key = SigningKey::read(&self.key)?;
        let of = |serial| {
            let statement = Statement { partner, epoch, serial, keys, first_day, last_day };
            Certificate::sign(policy, statement, &key).map_err(Failure::from)
        };
        let latest = match self.serial {
            Some(_) => None,
            None => self.latest(partner, epoch)?,
        };
        let highest = latest.as_ref().map_or(0, |latest| latest.claimed().serial);
        let certificate = match latest {
            // Of another policy key it is another, although it states the same.
            Some(latest) if of(highest)? == latest => latest,
            _ => of(self.serial.unwrap_or(highest.saturating_add(1)))?,
        };
        let path = self.file.with_file_name(certificate.file_name());
        let is_there = path.exists();
        // One serial is of one statement.
        if is_there && Certificate::read(&path)? != certificate {
            let finding = "is there, and states something else: give a higher serial";
            return Err(Failure::new("certificate", format!("{} {finding}", path.shown())));
        }
        Ok(Signed { certificate, path, is_there })
    }

    /// That of the highest serial beside the policy.
    fn latest(&self, partner: u16, epoch: u32) -> Result<Option<Certificate>, Failure> {
        let beside = Certificate::read_beside(&self.file)?.into_iter();
        let of_partner = beside.filter(|one| (one.claimed().partner, one.claimed().epoch) == (partner, epoch));
        Ok(of_partner.max_by_key(|one| one.claimed().serial))
    }
}

/// A statement that was signed, and its place beside the policy.
struct Signed {
    certificate: Certificate,
    path: PathBuf,
    /// Whether the same is there.
    is_there: bool,
}

impl Signed {
    fn write(&self, out: &mut Output) -> Result<(), Failure> {
        if self.is_there {
            note(&format!(
                "{} states just that already, and nothing was written; where the broker has a later one that is not \
                 here, give --serial with a higher number than that",
                self.path.shown()
            ));
        } else {
            files::replace(&self.path, self.certificate.to_text().as_bytes())?;
        }
        writeln!(out, "{}", self.path.shown())?;
        Ok(())
    }
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
