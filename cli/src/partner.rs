//! `stapel partner`: the partner's side, with messages and replies as files.
//!
//! - `enrol`: how a partner begins;
//! - `coordinator`: the commands of whoever brings others together;
//! - `acting`: flags from rows; `asking`: questions about them;
//! - `forward`: what is put forward after a hit; `answering`: what others put forward; `conversations`: what is said
//!   between those who were introduced;
//! - `exchange`: messages to the broker and its replies;
//! - `logboek`: the journal as records of a Logboek Dataverwerkingen;
//! - `look`: news, the dossier of an address, and where the partner stands;
//! - `officer`: who did what, and a year in numbers;
//! - `outbox`: messages to be carried, and replies that came back;
//! - `refs`: the partner's own references of rows, kept beside its journal;
//! - `retention`: what need not be kept any longer;
//! - `requests`: requests by data subjects, and how they were answered;
//! - `report`: what replies, news and the dossier say, as text and as JSON;
//! - `sync`: all of it over HTTPS, a day at a time; `serve`: all of it for the programs of a machine;
//! - `told`: who comes to know what of what people do after a hit, and when;
//! - `settings`: what is in a configuration file, so that nobody types it each time.

mod acting;
mod answering;
mod asking;
mod concentrate;
mod conversations;
pub(crate) mod coordinator;
mod enrol;
mod exchange;
mod forward;
mod logboek;
mod look;
mod officer;
mod outbox;
mod refs;
mod report;
mod requests;
mod retention;
#[cfg(unix)]
mod serve;
mod settings;
mod sync;
mod told;

use std::path::{Path, PathBuf};
use std::time::Duration;

use stapel::partner::{Partner, PartnerError, Place};
use stapel::policy::RegisterUse;
use stapel::{Day, SignedPolicy};

use crate::failure::{Failure, warn};
use crate::output::{Output, Shown};
use crate::rows::RowArgs;
use outbox::Outbox;
use refs::Refs;
pub(crate) use settings::{with_configuration, with_hint};

/// Flag addresses, ask about them, and read what the broker says
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel partner flag --dir police --actor j.jansen --case 2026-0117 addresses.csv\n  \
                        stapel partner deliver --dir police"
)]
pub(crate) struct Args {
    #[command(flatten)]
    config: settings::ConfigArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Init(enrol::InitArgs),
    Adopt(enrol::AdoptArgs),
    Veto(enrol::VetoArgs),
    AddSecret(enrol::AddSecretArgs),
    Keys(enrol::KeysArgs),
    AddCertificate(enrol::AddCertificateArgs),
    Flag(acting::FlagArgs),
    Withdraw(acting::WithdrawArgs),
    Full(acting::FullArgs),
    Deliver(exchange::DeliverArgs),
    Confirm(exchange::ConfirmArgs),
    Ask(asking::AskArgs),
    Read(exchange::ReadArgs),
    Sync(sync::SyncArgs),
    Logboek(logboek::LogboekArgs),
    #[cfg(unix)]
    Serve(serve::ServeArgs),
    News(look::NewsArgs),
    Dossier(look::DossierArgs),
    Journal(officer::JournalArgs),
    Report(officer::ReportArgs),
    NoteRequest(requests::NoteRequestArgs),
    Requests(requests::RequestsArgs),
    Status(look::StatusArgs),
    Shown(look::ShownArgs),
    GiveUp(exchange::GiveUpArgs),
    ForgetEpoch(retention::ForgetEpochArgs),
    PruneJournal(retention::PruneJournalArgs),
    AcceptClock(acting::AcceptClockArgs),
    Forward(forward::ForwardArgs),
    TakeBack(forward::TakeBackArgs),
    Forwarded(forward::ForwardedArgs),
    Asked(answering::AskedArgs),
    Answer(answering::AnswerArgs),
    Conversations(conversations::ConversationsArgs),
    Note(conversations::NoteArgs),
    Lead(conversations::LeadArgs),
    Outcome(conversations::OutcomeArgs),
    Leave(conversations::LeaveArgs),
    YearReport(conversations::YearReportArgs),
    Talk(exchange::TalkArgs),
    Totals(exchange::TotalsArgs),
    Concentrate(concentrate::ConcentrateArgs),
}

/// The partner's folder.
#[derive(Clone, clap::Args)]
pub(crate) struct PartnerFolder {
    /// The partner's folder
    #[arg(long, value_name = "DIR", env = settings::DIR)]
    dir: PathBuf,
    /// The folder of its keys and secrets, so that no backup of the other need hold them [default: DIR]
    #[arg(long, value_name = "DIR", env = "STAPEL_KEYS")]
    keys: Option<PathBuf>,
    /// How long to wait for the folder while another process has it open, in seconds; those that wait take turns
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=86_400))]
    wait: u64,
}

/// Where messages go.
#[derive(Clone, clap::Args)]
struct OutboxArgs {
    /// The folder of messages to be carried to the broker [default: DIR/outbox]
    #[arg(long, value_name = "DIR", env = "STAPEL_OUT")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn only_shows(&self) -> bool {
        use Command::{Asked, Conversations, Dossier, Forwarded, Journal, Keys, Logboek, News, Report};
        use Command::{Requests, Shown, Status};
        let command = &self.command;
        if matches!(command, Asked(_) | Conversations(_) | Forwarded(_) | Requests(_)) {
            return true;
        }
        matches!(command, Dossier(_) | Journal(_) | Keys(_) | Logboek(_) | News(_) | Report(_) | Shown(_) | Status(_))
    }
}

pub(crate) fn run(args: Args, out: &mut Output) -> Result<(), Failure> {
    match args.command {
        Command::Init(args) => enrol::init(&args, out),
        Command::Adopt(args) => enrol::adopt(&args, out),
        Command::Veto(args) => enrol::veto(&args),
        Command::AddSecret(args) => enrol::add_secret(&args),
        Command::Keys(args) => enrol::keys(&args, out),
        Command::AddCertificate(args) => enrol::add_certificate(&args),
        Command::Flag(args) => acting::flag(&args, out),
        Command::Withdraw(args) => acting::withdraw(&args, out),
        Command::Full(args) => acting::full(&args, out),
        Command::Deliver(args) => exchange::deliver(&args, out),
        Command::Confirm(args) => exchange::confirm(&args, out),
        Command::Ask(args) => asking::ask(&args, out),
        Command::Read(args) => exchange::read(&args, out),
        Command::Sync(sync) => sync::sync(&sync, &args.config, out),
        Command::Logboek(args) => logboek::logboek(&args, out),
        #[cfg(unix)]
        Command::Serve(serve) => serve::serve(serve, &args.config, out),
        Command::News(args) => look::news(&args, out),
        Command::Dossier(args) => look::dossier(&args, out),
        Command::Journal(args) => officer::journal(&args, out),
        Command::Report(args) => officer::year_report(&args, out),
        Command::NoteRequest(args) => requests::note_request(&args, out),
        Command::Requests(args) => requests::requests(&args, out),
        Command::Status(args) => look::status(&args, out),
        Command::Shown(args) => look::shown(&args, out),
        Command::ForgetEpoch(args) => retention::forget_epoch(&args, out),
        Command::PruneJournal(args) => retention::prune_journal(&args, out),
        Command::GiveUp(args) => exchange::give_up(&args),
        Command::AcceptClock(args) => acting::accept_clock(&args, out),
        Command::Forward(args) => forward::forward(&args, out),
        Command::TakeBack(args) => forward::take_back(&args, out),
        Command::Forwarded(args) => forward::forwarded(&args, out),
        Command::Asked(args) => answering::asked(&args, out),
        Command::Answer(args) => answering::answer(&args, out),
        Command::Conversations(args) => conversations::conversations(&args, out),
        Command::Note(args) => conversations::write(&args, out),
        Command::Lead(args) => conversations::lead(&args, out),
        Command::Outcome(args) => conversations::outcome(&args, out),
        Command::Leave(args) => conversations::leave(&args, out),
        Command::YearReport(args) => conversations::year_report(&args, out),
        Command::Talk(args) => exchange::talk(&args, out),
        Command::Totals(args) => exchange::totals(&args, out),
        Command::Concentrate(args) => concentrate::concentrate(args, out),
    }
}

/// Warns of open epochs in which the partner has delivered, and whose secret is gone.
fn warn_of_unreached(partner: &Partner, today: Day) {
    for epoch in partner.unreached_epochs(today) {
        warn(&format!(
            "the secret of epoch {epoch} is not here: nothing reaches the broker there, and what is withdrawn goes on \
             counting; put its file back from the copy of the keys, or give it again with stapel partner add-secret"
        ));
    }
}

impl PartnerFolder {
    /// The command line of a partner's command on this folder, for a person to type.
    fn command(&self, name: &str) -> String {
        let keys = self.keys.as_ref().map_or(String::new(), |keys| format!(" --keys {}", keys.shown()));
        format!("stapel partner {name} --dir {}{keys}", self.dir.shown())
    }

    /// The same of a coordinator's command.
    fn coordinators(&self, name: &str) -> String {
        self.command(name).replacen("stapel partner", "stapel coordinator", 1)
    }

    pub(crate) fn open(&self) -> Result<Partner, Failure> {
        Partner::open(self.place()).map_err(|error| self.says(error))
    }

    /// Refuses rows for which no register is given, where the policy requires one, before any of them is read.
    ///
    /// The policy is read beside the folder, which is not opened yet: nobody else waits for it while rows are read.
    fn refuse_without_register(&self, rows: &RowArgs) -> Result<(), Failure> {
        if rows.has_register() {
            return Ok(());
        }
        // Where there is no policy, or a wrong one, it is the opening of the folder that says so.
        let Ok(signed) = SignedPolicy::read(&self.dir.join(POLICY)) else { return Ok(()) };
        match signed.policy().counting.register {
            RegisterUse::Required => Err(Failure::new(
                "register_required",
                "the policy requires that addresses are looked up in a register before they are flagged or asked \
                 about: give it with --register FILE; stapel register build makes one",
            )),
            _ => Ok(()),
        }
    }

    /// Where its keys are.
    fn keys(&self) -> &Path {
        self.keys.as_deref().unwrap_or(&self.dir)
    }

    fn place(&self) -> Place<'_> {
        Place::with_keys(&self.dir, self.keys()).waiting(Duration::from_secs(self.wait))
    }

    /// The references of rows, which only who has the folder open may write.
    fn refs(&self) -> Result<Refs, Failure> {
        Refs::open(&self.dir, self.keys())
    }

    /// What an error says, or what is missing in the folder.
    fn says(&self, error: PartnerError) -> Failure {
        let is_missing = |path: &Path| matches!(path.try_exists(), Ok(false));
        let (dir, keys) = (&self.dir, self.keys());
        let files = [keys.join(JOURNAL_KEY), keys.join("partner.key"), dir.join("journal.sealed"), dir.join(POLICY)];
        let Some(missing) = files.iter().position(|file| is_missing(file)) else {
            return Failure::of_policy(&dir.join(POLICY))(error);
        };
        let dir_shown = dir.shown();
        let finding = match missing {
            0 if ["journal.sealed", "state.sealed"].iter().all(|file| is_missing(&dir.join(file))) => {
                format!("{dir_shown} is no partner's folder: make one with stapel partner init")
            }
            0 => format!(
                "{dir_shown} is without its key {JOURNAL_KEY}, which is not in {}: name the folder of its keys with \
                 --keys, or put them back there (journal.key, partner.key, epoch-*)",
                keys.shown()
            ),
            1 => format!(
                "{dir_shown} is without its message key, partner.key: put it back into {}, or make another with stapel \
                 keygen signing and have it certified",
                keys.shown()
            ),
            2 => format!(
                "{dir_shown} is without journal.sealed, and says nothing without it: put it back, with all that was \
                 beside it in the same copy. If it is lost for good, make another folder with stapel partner init, and \
                 flag again"
            ),
            _ => format!(
                "{dir_shown} is without policy.toml: give it one with stapel partner adopt, or put it back if it had \
                 one"
            ),
        };
        Failure::new("partner_folder", finding)
    }
}

/// The policy that it goes by.
const POLICY: &str = "policy.toml";

/// What the journal and the state are sealed with.
const JOURNAL_KEY: &str = "journal.key";

impl OutboxArgs {
    fn of(&self, place: &PartnerFolder) -> Outbox {
        Outbox::new(self.out.clone().unwrap_or_else(|| place.dir.join("outbox")))
    }
}
