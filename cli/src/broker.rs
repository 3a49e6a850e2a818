//! `stapel broker`: the broker, with messages and replies as files.
//!
//! - `account`: how a year's conversations went.
//! - `running`: the same commands while a service runs the broker.
//! - `serve`: the broker over HTTPS.
//! - `status`: what the operator and a monitor see.
//! - `upkeep`: releases, policies, purging, backups and the exported log.

mod account;
#[cfg(unix)]
mod running;
pub(crate) mod serve;
mod status;
mod upkeep;

use std::cell::Cell;
use std::ffi::OsString;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use stapel::broker::{BrokerStatus, CertificateStatus};
use stapel::message::{Code, MAX_MESSAGE, Reply, Role, Unverified};
use stapel::policy::{Enrolment, Oin};
use stapel::secret::VerifyingKey;
use stapel::{Broker, BrokerKeys, Digest, Threads, Timestamp};
use stapel_service::server::consortium::Consortium;

use crate::enrolment;
use crate::failure::{self, Failure, note, warn};
use crate::files::{self, Input, Inputs};
use crate::now::Clock;
use crate::output::{self, Output, Shown, counted};
use crate::progress::Progress;
use crate::threads::WorkArgs;

/// Run the broker, which counts organisations and never holds the key to an address
///
/// Where a service runs the broker, it does what is asked, and says the same: all but `init`, `handle` and `restore`.
/// Files and folders that such a command names are then read and written by the service, as its user.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker handle --dir broker police/outbox")]
pub(crate) struct Args {
    /// Ask the service whose sockets are in this folder, as /run/stapel/zaanstad, before the broker's folder is looked
    /// at; without it that folder says where they are
    #[arg(long, value_name = "DIR")]
    runtime_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Init(InitArgs),
    Handle(HandleArgs),
    Serve(serve::ServeArgs),
    Release(upkeep::ReleaseArgs),
    AcceptClock(upkeep::AcceptClockArgs),
    Status(status::StatusArgs),
    Account(account::AccountArgs),
    Adopt(upkeep::AdoptArgs),
    Certify(upkeep::CertifyArgs),
    Announce(upkeep::AnnounceArgs),
    Veto(upkeep::VetoArgs),
    Purge(upkeep::PurgeArgs),
    Backup(upkeep::BackupArgs),
    Restore(upkeep::RestoreArgs),
    Log(upkeep::LogArgs),
    Checkpoint(upkeep::CheckpointArgs),
    Verify(upkeep::VerifyArgs),
}

#[derive(clap::Args)]
struct BrokerFolder {
    /// The broker's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The folder of its keys and peppers, which no backup of the other may hold [default: DIR/keys, or where they were
    /// when the broker was open last]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// The consortium whose broker this process runs, where this is a command that a service does.
    #[arg(skip)]
    running: Option<Arc<Consortium>>,
    /// Whether another process was found to have the broker open.
    #[arg(skip)]
    in_use: Cell<bool>,
    /// Whether something of the broker was not found, as keys that are elsewhere, or is another user's; a service may
    /// have it all.
    #[arg(skip)]
    lacking: Cell<bool>,
}

/// A broker that this command has open, or one that the service runs whose command this is.
enum Opened {
    Own(Box<Broker>),
    Running(Arc<Consortium>),
}

impl Deref for Opened {
    type Target = Broker;

    fn deref(&self) -> &Broker {
        match self {
            Opened::Own(broker) => broker,
            Opened::Running(consortium) => &consortium.broker,
        }
    }
}

impl Opened {
    /// A broker that runs has threads of its own.
    fn with_threads(self, threads: Threads) -> Opened {
        match self {
            Opened::Own(broker) => Opened::Own(Box::new(broker.with_threads(threads))),
            running => running,
        }
    }

    /// The time to act at. A person who gives a command is good reason to trust the machine's clock; a broker that runs
    /// trusts it no further than for all else.
    fn clock(&self, given: &Clock) -> Result<stapel::Clock, Failure> {
        match self {
            Opened::Own(_) => Ok(given.time()?.into()),
            Opened::Running(_) if given.is_given() => {
                let finding = "a service runs this broker, by its own clock: leave --now out; nothing was done";
                Err(Failure::new("clock", finding))
            }
            Opened::Running(consortium) => Ok(consortium.clock.read(&consortium.broker)),
        }
    }

    /// A person said that the clock is right: by how much it was set before is no matter any more.
    fn clock_accepted(&self) {
        if let Opened::Running(consortium) = self {
            consortium.clock.accept();
        }
    }
}

/// Make the broker's keys, and then its store
///
/// Without --policy it draws the keys and prints the [operator] lines for the policy, or writes them as an enrolment
/// for `stapel policy new`. With --policy, signed, it makes the store; it takes up the certificates in the policy's
/// folder.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel broker init --dir broker --name 'Stichting Voorbeeldbroker' \\\n      --oin \
                        00000099000000009000 --log-origin stapel.example.nl/zaanstad --address \
                        https://stapel.example.nl --enrolment operator.toml\n  \
                        stapel broker init --dir broker --policy policy.toml"
)]
struct InitArgs {
    #[command(flatten)]
    place: BrokerFolder,
    /// The policy, with its signatures and the partners' certificates beside it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "oin", "log_origin", "address", "enrolment"])]
    policy: Option<PathBuf>,
    /// The operator's name, for the [operator] lines
    #[arg(long)]
    name: Option<String>,
    /// The operator's OIN, 20 digits, for the [operator] lines
    #[arg(long)]
    oin: Option<Oin>,
    /// The origin of the audit log, ending in the consortium: stapel.example.nl/zaanstad, for the [operator] lines
    #[arg(long)]
    log_origin: Option<String>,
    /// An address at which partners reach the broker, as https://stapel.example.nl; once for each
    #[arg(long, value_name = "URL")]
    address: Vec<String>,
    /// Write an enrolment file, for `stapel policy new` and `policy next`
    #[arg(long, value_name = "FILE", requires_all = ["name", "oin", "log_origin"])]
    enrolment: Option<PathBuf>,
    #[command(flatten)]
    clock: Clock,
}

/// Handle messages, and write a reply to each
///
/// The reply to FILE is FILE.reply, or a file of that name in the folder that --out names. A message that has its reply
/// there already is passed over, unless the reply says that nothing could be kept; and so is a file whose name ends in
/// .reply. Of a folder, the files that end in .msg are handled, by name. Without files, one message is read from
/// standard input, and its reply written to standard output.
///
/// Whatever is wrong with a file, the others are handled all the same; the exit status is then 3. It is 75 where
/// messages could not be kept, or there are more than 10,000 files: handle them again. A reply that rejects a message
/// is the partner's to act on, and is a failure here only with --strict.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel broker handle --dir broker police/outbox")]
struct HandleArgs {
    #[command(flatten)]
    place: BrokerFolder,
    /// Message files, or folders of them
    files: Vec<PathBuf>,
    /// Write the replies to this folder
    #[arg(long, value_name = "DIR", requires = "files")]
    out: Option<PathBuf>,
    /// Print JSON Lines: message, reply, kind, and for a rejection its code and sentence
    #[arg(long, requires = "files")]
    json: bool,
    #[command(flatten)]
    work: WorkArgs,
}

impl Args {
    pub(crate) fn only_shows(&self) -> bool {
        matches!(&self.command, Command::Status(args) if !args.is_check())
    }

    /// The broker's folder, of a command that a service can do.
    fn place(&self) -> Option<&BrokerFolder> {
        Some(match &self.command {
            Command::Init(_) | Command::Handle(_) | Command::Restore(_) | Command::Serve(_) => return None,
            Command::Release(args) => &args.place,
            Command::AcceptClock(args) => &args.place,
            Command::Status(args) if args.is_check() => return None,
            Command::Status(args) => args.place(),
            Command::Account(args) => &args.place,
            Command::Adopt(args) => &args.place,
            Command::Certify(args) => &args.place,
            Command::Announce(args) => &args.place,
            Command::Veto(args) => &args.place,
            Command::Purge(args) => &args.place,
            Command::Backup(args) if args.verify.is_some() => return None,
            Command::Backup(args) => &args.place,
            Command::Log(args) => &args.place,
            Command::Checkpoint(args) => &args.place,
            Command::Verify(args) => &args.place,
        })
    }

    /// The same, with the files and folders that the command names beside it.
    fn place_and_paths(&mut self) -> Option<(&mut BrokerFolder, Vec<&mut PathBuf>)> {
        Some(match &mut self.command {
            Command::Init(_) | Command::Handle(_) | Command::Restore(_) | Command::Serve(_) => return None,
            Command::Release(args) => (&mut args.place, Vec::new()),
            Command::AcceptClock(args) => (&mut args.place, Vec::new()),
            Command::Status(args) if args.is_check() => return None,
            Command::Status(args) => (args.place_mut(), Vec::new()),
            Command::Account(args) => (&mut args.place, Vec::new()),
            Command::Adopt(args) => (&mut args.place, vec![&mut args.policy]),
            Command::Certify(args) => (&mut args.place, args.files.iter_mut().collect()),
            Command::Announce(args) => (&mut args.place, vec![&mut args.policy]),
            Command::Veto(args) => (&mut args.place, vec![&mut args.file]),
            Command::Purge(args) => (&mut args.place, Vec::new()),
            Command::Backup(args) if args.verify.is_some() => return None,
            Command::Backup(args) => (&mut args.place, args.to.iter_mut().collect()),
            Command::Log(args) => (&mut args.place, vec![&mut args.out, &mut args.checkpoints]),
            Command::Checkpoint(args) => (&mut args.place, Vec::new()),
            Command::Verify(args) => (&mut args.place, Vec::new()),
        })
    }
}

/// Does a command, or has the service do it that runs the broker; `words` are the command's, after the program's name.
pub(crate) fn run(args: Args, words: impl Iterator<Item = OsString>, out: &mut Output) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        let words: Vec<OsString> = words.collect();
        if let Some(ended) = args.runtime_dir.as_ref().and_then(|place| running::ask(&args, place, &words, out)) {
            return ended;
        }
        let ended = run_here(&args, out);
        let may_run = |place: &&BrokerFolder| place.in_use.get() || place.lacking.get();
        let place = args.place().filter(may_run).and_then(running::place_of);
        if let Some(ended) = place.and_then(|place| running::ask(&args, &place, &words, out)) {
            return ended;
        }
        fall_back(&args, ended, out)
    }
    #[cfg(not(unix))]
    {
        drop(words);
        let ended = run_here(&args, out);
        fall_back(&args, ended, out)
    }
}

/// Where another process has the broker open, and nobody was found to be asked, its status is what that one wrote.
fn fall_back(args: &Args, ended: Result<(), Failure>, out: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Status(status) if ended.is_err() && status.place().in_use.get() => status::written(status, out),
        _ => ended,
    }
}

/// Does a command with the broker in its folder, or with the one that this process runs.
fn run_here(args: &Args, out: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Init(args) => init(args, out),
        Command::Handle(args) => handle(args, out),
        Command::Serve(args) => serve::serve(args, out),
        Command::Release(args) => upkeep::release(args, out),
        Command::AcceptClock(args) => upkeep::accept_clock(args, out),
        Command::Status(args) => status::status(args, out),
        Command::Account(args) => account::account(args, out),
        Command::Adopt(args) => upkeep::adopt(args, out),
        Command::Certify(args) => upkeep::certify(args, out),
        Command::Announce(args) => upkeep::announce(args, out),
        Command::Veto(args) => upkeep::veto(args),
        Command::Purge(args) => upkeep::purge(args, out),
        Command::Backup(args) => upkeep::backup(args, out),
        Command::Restore(args) => upkeep::restore(args, out),
        Command::Log(args) => upkeep::log(args, out),
        Command::Checkpoint(args) => upkeep::checkpoint(args, out),
        Command::Verify(args) => upkeep::verify_log(args, out),
    }
}

impl BrokerFolder {
    /// The folder of the keys: the one that was named, or the one in the broker's folder. Where there is neither, that
    /// in which they were when the broker was open last, so that nobody is told that keys are gone which lie elsewhere.
    fn keys(&self) -> PathBuf {
        let own = self.named_keys();
        if self.keys.is_some() || own.exists() {
            return own;
        }
        let last = BrokerStatus::read(&self.dir).ok().and_then(|status| status.keys);
        last.filter(|last| std::path::absolute(&own).is_ok_and(|own| own != *last)).unwrap_or(own)
    }

    /// The folder of the keys that the command line says, where they are made.
    fn named_keys(&self) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| self.dir.join("keys"))
    }

    fn open(&self) -> Result<Opened, Failure> {
        if let Some(consortium) = &self.running {
            return Ok(Opened::Running(Arc::clone(consortium)));
        }
        let opened = BrokerKeys::open(&self.keys()).and_then(|keys| Broker::open(&self.dir, keys));
        let fails_by = |code: &str| opened.as_ref().is_err_and(|error| error.code() == code);
        self.in_use.set(fails_by("folder_in_use"));
        self.lacking.set(fails_by("other_user"));
        opened.map(|broker| Opened::Own(Box::new(broker))).map_err(|error| match self.lacks() {
            Some(finding) => {
                self.lacking.set(true);
                Failure::new("broker_folder", finding)
            }
            None => Failure::of_policy(&self.dir.join("policies"))(error),
        })
    }

    /// Why nothing can be written to the folder, as on a disk that became read-only, and what to do.
    fn cannot_be_written(&self) -> Option<String> {
        #[cfg(unix)]
        if let Err(error) = rustix::fs::access(&self.dir, rustix::fs::Access::WRITE_OK) {
            let dir = self.dir.shown();
            return Some(format!("{dir} cannot be written, so that nothing is accepted: {error}; see to the disk"));
        }
        None
    }

    /// What is not there of a broker, and what to do.
    fn lacks(&self) -> Option<String> {
        let keys = self.keys();
        let is_missing = |path: PathBuf| matches!(path.try_exists(), Ok(false));
        let missing_key = ["signing.key", "checkpoint.key"].iter().find(|name| is_missing(keys.join(name)));
        let has_keys = missing_key.is_none() || !is_missing(keys.join("signing.key"));
        let store = self.dir.join("store");
        let missing_file = ["ledger.redb", "flags.redb"].iter().find(|name| is_missing(store.join(name)));
        let has_store = missing_file.is_none_or(|_| !is_missing(store.clone()));
        let put_back = "put a backup back with stapel broker restore";
        if is_partners(&self.dir) {
            return Some(format!("{} is a partner's folder and no broker's: name the broker's", self.dir.shown()));
        }
        if !has_store && self.dir.join("backup").is_dir() {
            return Some(format!(
                "{} is a backup and no broker: put it back with stapel broker restore",
                self.dir.shown()
            ));
        }
        let finding = match (has_keys, has_store) {
            (false, false) => "has no keys: make them with stapel broker init".to_owned(),
            (false, true) => {
                let keys = keys.shown();
                format!("has no keys in {keys}: put the folder with them back as it was, or name it with --keys")
            }
            (true, false) => {
                format!("has no store: sign the policy, and make it with stapel broker init --policy, or {put_back}")
            }
            (true, true) => match (missing_key, missing_file) {
                (Some(key), _) => {
                    format!("lacks {}: put the folder with the keys back as it was", keys.join(key).shown())
                }
                (_, Some(file)) => {
                    let (file, store) = (store.join(file), store.shown());
                    format!("lacks {}: put it back, or take {store} away and {put_back}", file.shown())
                }
                _ if is_missing(self.dir.join("policies")) => {
                    let policies = self.dir.join("policies");
                    format!(
                        "lacks {}: put it back, or that of a backup, with the versions that were adopted since and \
                         their signatures",
                        policies.shown()
                    )
                }
                _ => return None,
            },
        };
        Some(format!("the broker in {} {finding}", self.dir.shown()))
    }
}

/// Whether a folder is that of a partner.
fn is_partners(folder: &Path) -> bool {
    ["partner.key", "journal.sealed"].iter().any(|name| files::is_regular(&folder.join(name)) == Some(true))
}

fn init(args: &InitArgs, out: &mut Output) -> Result<(), Failure> {
    if is_partners(&args.place.dir) {
        let finding = "is a partner's folder: a broker is made in a folder of its own";
        return Err(Failure::new("broker_folder", format!("{} {finding}", args.place.dir.shown())));
    }
    let keys_folder = if args.policy.is_some() { args.place.keys() } else { args.place.named_keys() };
    if let Some(policy) = &args.policy {
        let keys = BrokerKeys::open(&keys_folder)?;
        let now = args.clock.time()?;
        let broker = Broker::create(&args.place.dir, keys, policy, now).map_err(Failure::of_policy(policy))?;
        note_uncertified(&broker, now);
        if let Some(behind) = broker.status().log_behind {
            warn(&format!("log_behind: {behind}"));
        }
        let signed = broker.policy();
        writeln!(out, "broker of {}, policy {}", signed.policy().consortium, signed.digest())?;
        return Ok(());
    }
    let enrolled = |keys: [VerifyingKey; 2]| match (&args.name, args.oin, &args.log_origin) {
        (Some(name), Some(oin), Some(origin)) => {
            Enrolment::of_operator(name, oin, keys, origin, &args.address).map(Some).map_err(Failure::from)
        }
        _ => Ok(None),
    };
    let reserved = enrolment::reserve(args.enrolment.as_ref())?;
    if let Some(reserved) = &reserved {
        reserved.refuse_within(&keys_folder)?;
        enrolled([enrolment::any_key(), enrolment::other_key()])?;
    }
    let keys = BrokerKeys::create(&keys_folder)?;
    if let (Some(reserved), Some(enrolled)) = (reserved, enrolled([keys.verifying_key(), keys.checkpoint_key()])?) {
        return enrolment::write(reserved, &enrolled, out);
    }
    // A string in JSON is one in TOML too. What is left empty, the policy's reader refuses.
    let quoted = |text: Option<&str>| Value::from(text.unwrap_or_default());
    writeln!(out, "[operator]")?;
    writeln!(out, "name = {}", quoted(args.name.as_deref()))?;
    writeln!(out, "oin = {}", quoted(args.oin.as_ref().map(Oin::as_str)))?;
    writeln!(out, "verifying_key = \"{}\"", keys.verifying_key())?;
    writeln!(out, "checkpoint_key = \"{}\"", keys.checkpoint_key())?;
    writeln!(out, "log_origin = {}", quoted(args.log_origin.as_deref()))?;
    if !args.address.is_empty() {
        writeln!(out, "addresses = {}", json!(args.address))?;
    }
    Ok(())
}

fn handle(args: &HandleArgs, out: &mut Output) -> Result<(), Failure> {
    // One byte more than a message may have, so that a longer one is seen to be too long.
    let limit = MAX_MESSAGE + 1;
    if args.files.is_empty() {
        output::refuse_closed()?;
        // Before the store is opened, which others cannot use meanwhile.
        let message = files::read_stdin(limit)?;
        let broker = args.place.open()?.with_threads(args.work.threads.start()?);
        let reply = broker.handle(&message, args.work.clock.time()?);
        out.write_all(&reply)?;
        let told = ReplySummary::read(&reply, &broker.policy().policy().operator.verifying_key);
        told.note_rejection();
        return told_of(&broker, u64::from(told.is_unavailable()));
    }
    let is_new = |path: &Path| !reply_path(path, args.out.as_deref()).exists();
    let mut inputs = Inputs::of(&args.files, ".msg", limit, is_new)?;
    let broker = args.place.open()?.with_threads(args.work.threads.start()?);
    let key = broker.policy().policy().operator.verifying_key;
    if let Some(folder) = &args.out {
        files::create_folder(folder)?;
    }
    let folders = args.files.iter().chain(&args.out);
    folders.filter(|folder| folder.is_dir()).for_each(|folder| files::remove_leftovers(folder));
    let mut failures = std::mem::take(&mut inputs.failures);
    let progress = Progress::of(inputs.files.len() as u64, "messages");
    let (mut unavailable, mut any_done) = (0, false);
    for input in &mut inputs.files {
        let path = input.path.clone();
        // As of a shell's outbox/*, where replies lie beside their messages.
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".reply")) {
            note(&format!("{} is a reply by its name, and was passed over", path.shown()));
            continue;
        }
        let to = reply_path(&path, args.out.as_deref());
        progress.add(1);
        let told = match handle_file(&broker, &key, input, &to, args.work.clock.time()?) {
            Ok(Some(told)) => told,
            Ok(None) => continue,
            // The others have nothing to do with this one.
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        told.note_rejection();
        unavailable += u64::from(told.is_unavailable());
        any_done |= !told.is_unavailable();
        if args.json {
            out.json(&json!({
                "message": path.display().to_string(), "reply": to.display().to_string(), "kind": told.kind,
                "code": told.code, "sentence": told.sentence,
            }))?;
        } else {
            let why = told.sentence.map(|sentence| format!(" [{}] {sentence}", told.code.unwrap_or_default()));
            writeln!(out, "{}: {}{}", path.shown(), told.kind, why.unwrap_or_default())?;
        }
    }
    failures.extend(inputs.left());
    failures.extend(told_of(&broker, unavailable).err());
    Failure::of_several(failures, any_done)
}

/// Handles the message in a file, and writes the reply to the file `to`; `None` where that is there already.
fn handle_file(
    broker: &Broker,
    key: &VerifyingKey,
    input: &mut Input,
    to: &Path,
    now: Timestamp,
) -> Result<Option<ReplySummary>, Failure> {
    let path = input.path.clone();
    if matches!(path.try_exists(), Ok(false)) && path.extension().is_none() {
        let finding = "is not there: nothing was delivered or asked yet, or the outbox is elsewhere";
        return Err(Failure::new("io", format!("{} {finding}", path.shown())));
    }
    let message = input.read(MAX_MESSAGE + 1)?;
    // Also where a link is there that leads nowhere.
    if files::is_regular(to).is_some() && is_replied(&message, to, key)? {
        note(&format!("{} is there already: {} was passed over", to.shown(), path.shown()));
        return Ok(None);
    }
    let reply = broker.handle(&message, now);
    let told = ReplySummary::read(&reply, key);
    // What nobody can verify is no reply.
    if told.kind != NOTHING {
        files::replace(to, &reply)?;
    }
    Ok(Some(told))
}

/// Says which partners cannot send anything yet.
fn note_uncertified(broker: &Broker, now: Timestamp) {
    let (signed, status) = (broker.policy(), broker.status());
    for epoch in signed.policy().epochs.iter().filter(|epoch| (epoch.opens..=epoch.closes).contains(&now.day())) {
        for partner in &signed.policy().partners {
            let is_theirs = |one: &CertificateStatus| (one.epoch, one.partner) == (epoch.number, partner.number);
            if !status.certificates.iter().any(is_theirs) {
                warn(&format!(
                    "partner {} has no certificate in epoch {}, and its messages are rejected until it has: \
                     stapel broker certify",
                    partner.number, epoch.number
                ));
            }
        }
    }
}

/// Says what is wrong at the broker, of which a reply says nothing. It is a failure where messages could not be kept
/// for it.
fn told_of(broker: &Broker, unavailable: u64) -> Result<(), Failure> {
    let fault = broker.status().last_fault;
    if unavailable > 0 {
        let fault = fault.unwrap_or_else(|| "nothing says why".to_owned());
        let messages = counted(unavailable, "message", "messages");
        let finding = format!("{messages} could not be kept; when that is put right, handle them again: {fault}");
        return Err(Failure::new("unavailable", finding));
    }
    if let Some(fault) = fault {
        warn(&format!("last fault: {fault}"));
    }
    Ok(())
}

/// What a reply says that is not signed with the policy's key.
const NOTHING: &str = "nothing";

/// What a reply of this broker says, for the operator to see.
struct ReplySummary {
    kind: &'static str,
    code: Option<&'static str>,
    sentence: Option<String>,
}

impl ReplySummary {
    fn read(reply: &[u8], key: &VerifyingKey) -> ReplySummary {
        let Ok(unverified) = Unverified::parse(reply, Role::Broker) else {
            return ReplySummary::kind(NOTHING);
        };
        let rejection = match unverified.danger_unsigned_rejection() {
            Some(rejection) => ("unsigned rejection", rejection),
            None => match unverified.verify(key).and_then(|verified| verified.reply()) {
                Ok(Reply::Receipt(_)) => return ReplySummary::kind("receipt"),
                Ok(Reply::Answer(_)) => return ReplySummary::kind("answer"),
                Ok(Reply::Status(_)) => return ReplySummary::kind("status"),
                Ok(Reply::Kept(_)) => return ReplySummary::kind("kept"),
                Ok(Reply::Post(_)) => return ReplySummary::kind("post"),
                Ok(Reply::Totals(_)) => return ReplySummary::kind("totals"),
                Ok(Reply::Rejection(rejection)) => ("rejection", rejection),
                Ok(_) | Err(_) => return ReplySummary::kind(NOTHING),
            },
        };
        let (kind, rejection) = rejection;
        ReplySummary { kind, code: Some(rejection.code.as_str()), sentence: Some(rejection.sentence) }
    }

    /// Whether the broker could keep nothing, or sign nothing: the same message may fare better later.
    fn is_unavailable(&self) -> bool {
        self.code == Some(Code::Unavailable.as_str()) || self.kind == NOTHING
    }

    /// A reply that rejects is the partner's to act on, and no failure here; with `--strict` it counts.
    fn note_rejection(&self) {
        if self.sentence.is_some() {
            failure::some_warned();
        }
    }

    fn kind(kind: &'static str) -> ReplySummary {
        ReplySummary { kind, code: None, sentence: None }
    }
}

/// Whether the file `to` holds this broker's signed reply to `message`, and that settled something. A reply to another
/// message is not overwritten: it may be of another partner, whose messages have the same names.
fn is_replied(message: &[u8], to: &Path, key: &VerifyingKey) -> Result<bool, Failure> {
    let there = files::read_found(to, MAX_MESSAGE + 1)?;
    let unverified = Unverified::parse(&there, Role::Broker);
    if unverified.as_ref().is_ok_and(|unverified| unverified.danger_unsigned_rejection().is_some()) {
        // It settled nothing; the message, or another, may fare better now.
        return Ok(false);
    }
    let Ok(verified) = unverified.and_then(|unverified| unverified.verify(key)) else {
        let finding = "is there, and is no whole reply of this broker, as where a copy was broken off: take it away; \
                       the broker gives it again when the message is handled again";
        return Err(Failure::new("reply_exists", format!("{} {finding}", to.shown())));
    };
    if verified.header().context == Digest::of(&[message]) {
        return Ok(!ReplySummary::read(&there, key).is_unavailable());
    }
    let finding = "is there, and is not the reply to this message; give each partner a folder of its own with --out";
    Err(Failure::new("reply_exists", format!("{} {finding}", to.shown())))
}

fn reply_path(message: &Path, folder: Option<&Path>) -> PathBuf {
    let mut name = message.file_name().unwrap_or_default().to_owned();
    name.push(".reply");
    match folder {
        None => message.with_file_name(name),
        Some(folder) => folder.join(name),
    }
}
