//! `stapel policy new` and `next`: versions that are made of enrolments.

use std::io::Write;
use std::path::{Path, PathBuf};

use stapel::policy::{Change, ContactPoint, Enrolment, Finding, Following, Founding, Lang, OPEN, Paper};
use stapel::{Day, NotADay, Policy, Slug};

use super::papers::NewPapers;
use crate::enrolment;
use crate::failure::{Failure, note};
use crate::files::{self, Reserved};
use crate::now::Clock;
use crate::output::{Output, Shown, counted};

/// Make the first version of a policy of enrolments
///
/// Each is a small file that the operator (`broker init`), an organisation (`keygen policy`), a partner (`partner
/// init`) or whoever drew the secret (`keygen secret`) wrote with --enrolment, so that no key is copied by hand. It
/// says their check codes: ask for each by telephone before anybody signs. All that is missing is said at once. Texts
/// are given here or in a file: TOML with the keys legal_basis, flag_criterion, after_hit and coordinator, and the
/// table contact_point.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel policy new --consortium zaanstad --purpose ondermijning-zaanstad \\\n      \
                        --texts texts.toml --out policy.toml operator.toml epoch-1.toml police*.toml tax*.toml"
)]
pub(super) struct NewArgs {
    /// The enrolments
    #[arg(required = true, value_name = "ENROLMENT")]
    files: Vec<PathBuf>,
    /// The consortium's name: a slug
    #[arg(long, value_name = "SLUG")]
    consortium: Slug,
    /// The purpose (doel): a slug
    #[arg(long, value_name = "SLUG")]
    purpose: Slug,
    /// The policy to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The first day of its validity, on which the epoch opens [default: today]
    #[arg(long, value_name = "DAY", value_parser = day)]
    valid_from: Option<Day>,
    /// The last day of the epoch [default: a year after the first]
    #[arg(long, value_name = "DAY", value_parser = day)]
    closes: Option<Day>,
    /// How many organisations must flag an address before it is a hit
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=250))]
    threshold: u8,
    /// A file with the texts that are not given here
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// The legal basis (grondslag) of the consortium
    #[arg(long, value_name = "TEXT")]
    legal_basis: Option<String>,
    /// What a flag means
    #[arg(long, value_name = "TEXT")]
    flag_criterion: Option<String>,
    /// What a partner does after a hit
    #[arg(long, value_name = "TEXT")]
    after_hit: Option<String>,
    /// How to reach the coordinator
    #[arg(long, value_name = "TEXT")]
    coordinator: Option<String>,
    /// Where a citizen turns to: its name, with one or more ways to reach it
    #[arg(long, value_name = "NAME")]
    contact_point: Option<String>,
    /// Where its letters go, on one line
    #[arg(long, value_name = "ADDRESS", requires = "contact_point")]
    contact_address: Option<String>,
    /// Its telephone number
    #[arg(long, value_name = "NUMBER", requires = "contact_point")]
    contact_telephone: Option<String>,
    /// Its address for e-mail
    #[arg(long, value_name = "EMAIL", requires = "contact_point")]
    contact_email: Option<String>,
    /// Its page on the web
    #[arg(long, value_name = "URL", requires = "contact_point")]
    contact_url: Option<String>,
    /// For tests alone: flags show at once, and texts may be left out. Never with real addresses; no later version can
    /// change it
    #[arg(long)]
    test: bool,
    /// Also write the start pack, as `stapel policy pack` does, to this folder
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
    #[command(flatten)]
    clock: Clock,
}

/// Write the papers that a consortium needs before it begins, in Dutch, from a policy
///
/// A checklist for going live, the key ceremony on paper, a notice to citizens, an entry for the register of
/// processing (AVG, article 30), an annex for the DPIA, and an agreement with the operator to adapt (article 28). What
/// must still be filled in or decided is marked [IN TE VULLEN: ...] there, and listed here. None of it is legal
/// advice.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel policy pack policy.toml --out startpakket")]
pub(super) struct PackArgs {
    /// The policy
    file: PathBuf,
    /// The folder to write them to; papers that are there are not written over
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Begin the version that follows a policy, with its comments kept
///
/// It takes what changes from enrolments, as `stapel policy new` does, and writes the version's number, the digest of
/// the one before it, and what follows from the change. Other changes are made in the file that it writes.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
                        stapel policy next policy.toml --out policy-2.toml --epoch epoch-2.toml\n  \
                        stapel policy next policy.toml --out policy-2.toml --epoch epoch-2.toml --join fire.toml \
                        --join fire-1.toml\n  \
                        stapel policy next policy.toml --out policy-2.toml --epoch epoch-2.toml --leave \
                        belastingdienst --opens 2027-03-01\n  \
                        stapel policy next policy.toml --out policy-2.toml --lost-key tax-2.toml --announced \
                        2026-12-05")]
pub(super) struct NextArgs {
    /// The policy in force
    file: PathBuf,
    /// The version to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The first day of its validity [default: what follows from the change, or today]
    #[arg(long, value_name = "DAY", value_parser = day)]
    valid_from: Option<Day>,
    /// The enrolment of an organisation that joins, or of a partner of it or of another; once for each
    #[arg(long, value_name = "ENROLMENT")]
    join: Vec<PathBuf>,
    /// The organisation that leaves; with a new epoch, whose secret it does not get, and the day on which that opens
    #[arg(long, value_name = "SLUG")]
    leave: Option<Slug>,
    /// It leaves without signing: all others do, who are three or more
    #[arg(long)]
    unsigned: bool,
    /// The enrolment of an organisation that lost its policy key, with another one
    #[arg(long, value_name = "ENROLMENT")]
    lost_key: Option<PathBuf>,
    /// The day on which the organisation that lost its key is told so
    #[arg(long, value_name = "DAY", value_parser = day)]
    announced: Option<Day>,
    /// The enrolment of an organisation whose policy key was stolen, with another one: it signs with both
    #[arg(long, value_name = "ENROLMENT")]
    new_key: Option<PathBuf>,
    /// The enrolment of a new epoch
    #[arg(long, value_name = "ENROLMENT")]
    epoch: Option<PathBuf>,
    /// The first day of the new epoch [default: 30 days before the last one closes; with --leave it is to be given]
    #[arg(long, value_name = "DAY", value_parser = day)]
    opens: Option<Day>,
    /// The last day of the new epoch [default: a year after its first]
    #[arg(long, value_name = "DAY", value_parser = day)]
    closes: Option<Day>,
    /// The enrolment of another operator, or of the same with other keys
    #[arg(long, value_name = "ENROLMENT")]
    operator: Option<PathBuf>,
    /// An address of the broker, in the place of those that there are; once for each
    #[arg(long, value_name = "URL")]
    address: Vec<String>,
    /// The language in which to say what changes: nl or en
    #[arg(long, value_name = "LANG", default_value = "en")]
    lang: Lang,
    #[command(flatten)]
    clock: Clock,
}

pub(super) fn new(args: &NewArgs, out: &mut Output) -> Result<(), Failure> {
    let reserved = Reserved::create(&args.out)?;
    let mut pack = args.pack.as_deref().map(StartPack::begin).transpose()?;
    let enrolments = enrolment::read(&args.files)?;
    let valid_from = match args.valid_from {
        Some(day) => day,
        None => args.clock.time()?.day(),
    };
    let mut founding = Founding {
        consortium: args.consortium.clone(),
        purpose: args.purpose.clone(),
        valid_from,
        closes: args.closes.unwrap_or(valid_from.plus(EPOCH_DAYS - 1)),
        test: args.test,
        threshold: args.threshold,
        legal_basis: args.legal_basis.clone(),
        flag_criterion: args.flag_criterion.clone(),
        after_hit: args.after_hit.clone(),
        coordinator: args.coordinator.clone(),
        contact_point: contact_point(args),
    };
    if let Some(path) = &args.texts {
        founding.take_texts(&read_text(path)?).map_err(Failure::of_file(path))?;
    }
    let text = founding.text(&enrolments)?;
    let policy = Policy::parse(&text)?;
    if let Some(pack) = &mut pack {
        pack.write(&policy)?;
    }
    reserved.write(text.as_bytes())?;
    writeln!(out, "{}", args.out.shown())?;
    say_codes(&enrolments, out)?;
    if let Some(pack) = pack {
        pack.keep(out)?;
    }
    if args.test {
        note("this policy is for tests alone: its flags show at once; never use it with real addresses");
    }
    say_findings(&policy, &args.out, Lang::En)
}

fn contact_point(args: &NewArgs) -> Option<ContactPoint> {
    let mut contact = ContactPoint::default();
    contact.name.clone_from(args.contact_point.as_ref()?);
    contact.postal_address.clone_from(&args.contact_address);
    contact.telephone.clone_from(&args.contact_telephone);
    contact.email.clone_from(&args.contact_email);
    contact.url.clone_from(&args.contact_url);
    Some(contact)
}

const EPOCH_DAYS: u16 = 365;

pub(super) fn next(args: &NextArgs, out: &mut Output) -> Result<(), Failure> {
    let reserved = Reserved::create(&args.out)?;
    let old = Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?;
    let text = read_text(&args.file)?;
    let mut read = Vec::new();
    let one = |path: &Option<PathBuf>| -> Result<Option<(String, Enrolment)>, Failure> {
        path.as_ref().map(|path| Ok(enrolment::read(std::slice::from_ref(path))?.remove(0))).transpose()
    };
    let change = Change {
        valid_from: args.valid_from,
        joining: enrolment::read(&args.join)?,
        leaving: args.leave.clone(),
        unsigned: args.unsigned,
        lost_key: one(&args.lost_key)?,
        announced: args.announced,
        new_key: one(&args.new_key)?,
        epoch: one(&args.epoch)?,
        opens: args.opens,
        closes: args.closes,
        operator: one(&args.operator)?,
        addresses: args.address.clone(),
    };
    let following = Following::of(&text, &change, args.clock.time()?.day()).map_err(Failure::from)?;
    read.extend(change.joining);
    read.extend([change.lost_key, change.new_key, change.epoch, change.operator].into_iter().flatten());
    reserved.write(following.text.as_bytes())?;
    writeln!(out, "{}", args.out.shown())?;
    for difference in old.difference(&following.policy, args.lang) {
        writeln!(out, "{difference}")?;
    }
    for (from, to) in &following.renumbered {
        writeln!(out, "partner {from} begins anew as {to}: stapel partner init --number {to}")?;
    }
    say_codes(&read, out)?;
    say_findings(&following.policy, &args.out, args.lang)
}

pub(super) fn pack(args: &PackArgs, out: &mut Output) -> Result<(), Failure> {
    let policy = Policy::read(&args.file).map_err(Failure::of_policy(&args.file))?;
    let mut pack = StartPack::begin(&args.out)?;
    pack.write(&policy)?;
    pack.keep(out)
}

/// The papers to begin with.
struct StartPack {
    papers: NewPapers,
    pack: Vec<Paper>,
}

impl StartPack {
    fn begin(folder: &Path) -> Result<StartPack, Failure> {
        Ok(StartPack { papers: NewPapers::begin(folder)?, pack: Vec::new() })
    }

    fn write(&mut self, policy: &Policy) -> Result<(), Failure> {
        self.pack = policy.start_pack();
        self.pack.iter().try_for_each(|paper| self.papers.write(paper.name, &paper.text))
    }

    /// Says which papers were written, and what is open in them.
    fn keep(self, out: &mut Output) -> Result<(), Failure> {
        self.papers.keep(out)?;
        writeln!(out, "Still to be filled in or decided, where they say {OPEN} ...]:")?;
        for paper in &self.pack {
            for point in paper.open_points() {
                writeln!(out, "  {}: {point}", paper.name)?;
            }
        }
        Ok(())
    }
}

/// Says the check code of each enrolment, and whom to ask for it.
fn say_codes(enrolments: &[(String, Enrolment)], out: &mut Output) -> Result<(), Failure> {
    if enrolments.is_empty() {
        return Ok(());
    }
    writeln!(out, "Ask for these check codes by telephone, at numbers that you look up, before anybody signs:")?;
    for (file, enrolment) in enrolments {
        writeln!(out, "  {}  {} ({file})", enrolment.check_code(), enrolment.what())?;
    }
    Ok(())
}

/// Says what the check finds. What it refuses was written all the same, because a person mends it in the file.
fn say_findings(policy: &Policy, file: &Path, lang: Lang) -> Result<(), Failure> {
    let check = policy.check();
    let refusals: Vec<&Finding> = check.standing().collect();
    for finding in &refusals {
        note(&format!("{}: {}", finding.rule, finding.text(lang)));
    }
    if refusals.is_empty() {
        return Ok(());
    }
    let rules = counted(refusals.len() as u64, "rule refuses it", "rules refuse it");
    let finding = format!("{} was written, and is not safe to use: {rules}; mend it there", file.shown());
    Err(Failure::Partly(Box::new(Failure::new("policy_unsafe", finding))))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let bytes = files::read_up_to(path, stapel::policy::MAX_TEXT)?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::new("policy_text", format!("{} is not UTF-8: save it as UTF-8", path.shown())))
}

fn day(text: &str) -> Result<Day, NotADay> {
    text.parse()
}
