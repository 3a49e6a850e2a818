//! A partner's folder that many programs of one machine share: JSON over a Unix socket and, if asked, a loopback
//! address. `partner-openapi.json` has what it speaks, docs/partner-serve.md how it is run.
//!
//! - `calls`: what each call does with the partner; `rows`: addresses as they are given, and what became of them;
//!   `asking`: questions and their answers; `shown`: what is shown of the journal; `talk`: what comes after a hit;
//!   `sheet`: spreadsheets that pages are given;
//! - `routes`: from a request to its response; `problem`: a response other than `200`;
//! - `run`: listening, until it is told to stop.

mod asking;
mod calls;
mod problem;
mod routes;
mod rows;
mod run;
mod sheet;
mod shown;
mod talk;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Plain, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use sheet::NoReader;
use stapel::partner::{Case, FlagHistory, Partner, PartnerError};
use stapel::register::Register;
use stapel::{AddressKey, Timestamp};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use routes::{ROUTES, Route};
pub use run::{Listening, ServeError, check, open_register, run};
pub use sheet::{FIELDS, ReadSheet, RefusedSheetRow, SaidColumn, SaidSheet, Says, SheetFault, SheetReader, SheetRow};

/// A partner, and what its callers need besides.
pub struct Desk {
    /// Whoever waits for it gets it in turn.
    partner: Arc<Mutex<Partner>>,
    register: ArcSwap<Option<Register>>,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    sync: Plain<SyncRuns>,
    sheets: ArcSwap<Box<dyn SheetReader>>,
    /// What became of own flags, for pages.
    history: Plain<FlagHistory>,
    /// To whom the news over own flags was shown.
    shown: Plain<ShownTo>,
    /// To whom the news after a hit was.
    shown_after_hit: Plain<ShownTo>,
    is_stopping: AtomicBool,
}

/// The partner, for as long as nobody else has it.
pub type Lent = OwnedMutexGuard<Partner>;

/// To whom news of one kind was shown since the server began, so that a program that asks every minute fills no
/// journal.
#[derive(Default)]
struct ShownTo {
    /// The mark of that news.
    mark: String,
    to: Vec<Case>,
}

impl ShownTo {
    fn was_shown(&self, mark: &str, by: &Case) -> bool {
        self.mark == mark && self.to.iter().any(|other| other.is_same_call(by))
    }

    fn note(&mut self, mark: &str, by: Case) {
        if self.mark != mark {
            *self = ShownTo { mark: mark.to_owned(), to: Vec::new() };
        }
        self.to.push(by);
    }
}

/// How `sync` goes beside it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncRuns {
    /// Whether there is one.
    pub is_on: bool,
    /// Whether a run is at work.
    pub is_running: bool,
    /// When the last run ended, and the code of what went wrong in it; empty where nothing did.
    pub last: Option<(Timestamp, &'static str)>,
    /// When the last run ended in which the broker replied and nothing went wrong.
    pub last_done: Option<Timestamp>,
    /// Since when the broker does not reply, where all its addresses were tried after its last reply.
    pub silent_since: Option<Timestamp>,
}

impl Desk {
    /// A desk with this partner. `now` is asked in every call. It reads the partner's journal, for the requests that
    /// callers may make again.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`], [`SystemError::Io`](stapel::SystemError::Io).
    pub fn new(
        mut partner: Partner,
        register: Option<Register>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Arc<Desk>, PartnerError> {
        let nobody = Case::new("stapel partner serve", "none")?;
        partner.asked_in(&nobody)?;
        Ok(Arc::new(Desk {
            partner: Arc::new(Mutex::new(partner)),
            register: ArcSwap::from_pointee(register),
            now: Box::new(now),
            sync: Plain::default(),
            sheets: ArcSwap::from_pointee(Box::new(NoReader)),
            history: Plain::default(),
            shown: Plain::default(),
            shown_after_hit: Plain::default(),
            is_stopping: AtomicBool::new(false),
        }))
    }

    /// Lends the partner to whoever does something else with it in a thread of its own; callers wait meanwhile.
    pub fn lend(&self) -> Lent {
        self.partner.clone().blocking_lock_owned()
    }

    /// Waits for the partner as a call does, and gives it back.
    async fn try_partner(&self) {
        drop(self.partner.lock().await);
    }

    /// Says how `sync` goes.
    pub fn tell_sync(&self, change: impl FnOnce(&mut SyncRuns)) {
        change(&mut self.sync.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Has rows looked up in this register from now on.
    pub fn use_register(&self, register: Option<Register>) {
        self.register.store(Arc::new(register));
    }

    /// Has pages read spreadsheets with this from now on.
    pub fn read_sheets_with(&self, reader: impl SheetReader + 'static) {
        self.sheets.store(Arc::new(Box::new(reader)));
    }

    /// What reads spreadsheets.
    pub(crate) fn sheets(&self) -> Arc<Box<dyn SheetReader>> {
        self.sheets.load_full()
    }

    /// The register in which rows are looked up.
    pub(crate) fn register(&self) -> Arc<Option<Register>> {
        self.register.load_full()
    }

    /// What became of own flags, read on up to now. The first time reads all of the journal.
    pub(crate) fn history(
        &self,
        partner: &Partner,
        now: Timestamp,
    ) -> Result<MutexGuard<'_, FlagHistory>, PartnerError> {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        partner.follow(&mut history, now)?;
        Ok(history)
    }

    /// To whom the news over own flags was shown, as the journal has it.
    fn shown(&self) -> MutexGuard<'_, ShownTo> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To whom the news after a hit was shown, as the journal has it.
    fn shown_after_hit(&self) -> MutexGuard<'_, ShownTo> {
        self.shown_after_hit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers `busy` from now on.
    fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// The addresses of which somebody is shown what the journal has, where they typed this: with a register also the
    /// one that is read without, under which it may have been flagged. `None` where it is no address.
    pub(crate) fn looked_at(&self, text: &str) -> Option<Vec<AddressKey>> {
        rows::looked_at(&rows::Row::of(text), self.register.load().as_ref().as_ref()).ok()
    }

    /// How `sync` goes.
    pub(crate) fn sync(&self) -> SyncRuns {
        *self.sync.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What time it is.
    pub fn time(&self) -> Timestamp {
        (self.now)()
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk(..)")
    }
}
