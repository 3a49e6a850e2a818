//! The partner's side: its folder, its flags, its questions.
//!
//! A program opens a folder, flags and asks, carries the messages that come out to the broker by whatever way it has,
//! and reads the replies:
//!
//! ```no_run
//! use stapel::{AddressKey, Timestamp};
//! use stapel::partner::{Case, Partner, Received};
//!
//! # fn send(message: &[u8]) -> std::io::Result<Vec<u8>> { Ok(message.to_vec()) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (folder, now) = (std::path::Path::new("police"), Timestamp(0));
//! # let address = AddressKey::from_canonical("1012JS|1|A")?;
//! let mut police = Partner::open(folder)?;
//! let by = Case::new("j.jansen", "2026-0117")?;
//! police.flag([address], &by, now)?;
//! let messages = police.deliver(now)?;
//! police.carry(&messages, now, send)?; // an error where the broker does not accept one
//! let questions = police.ask([address], &by, now)?;
//! for received in police.carry(&questions, now, send)? {
//!     if let Received::Answer(answer) = received {
//!         for (address, standing) in &answer.rows {
//!             println!("{address:?}: {standing:?}");
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Everything that a call did is on disk when it returns. A message's number and bytes are there before the bytes are
//! handed out, so a crash never leads to one number for two different messages; until its reply was read, the same call
//! gives the same bytes again.
//!
//! - `folder`, `seal`: the files, and how they are sealed;
//! - `record`, `journal`: who did what for which case, and the chain that messages commit to;
//! - `state`, `apply`: numbers, flags and messages in flight, made from the journal;
//! - `sent`: the messages that were made, and what a reply to one must fit;
//! - `transaction`: the one way in which journal and state change; `clock`: whether the caller's time can be right;
//! - `member`: the partner's key, policy, certificates and sources of pseudonyms; `source`: a source that has to be
//!   asked;
//! - `given`: addresses as callers give them, and as people wrote them;
//! - `flags`: own flags, and what of them the broker has not been told;
//! - `change`, `deliver`, `ask`, `read`: what the calls decide and do; `carry`: messages there and replies back;
//! - `asked`, `asked_index`: questions of programs that may make a request again;
//! - `talk`: what comes after a hit: putting forward, being introduced, and notes;
//! - `log`, `own_lines`: whether the broker's audit log is one that only grows;
//! - `news`, `history`, `dossier`: what there is to tell; `acts`, `act_query`: who did what for which case; `year`: a
//!   year in numbers; `retention`: what need not be kept any longer; `data_subject`, `request_answer`: what data
//!   subjects asked.

mod act_query;
mod acts;
mod apply;
mod ask;
mod asked;
mod asked_index;
mod carry;
mod case;
mod change;
mod clock;
mod data_subject;
mod deliver;
mod dossier;
mod error;
mod flags;
mod folder;
#[doc(hidden)]
pub mod fuzzing;
mod given;
mod history;
mod journal;
mod log;
mod member;
mod news;
mod own_lines;
mod processing;
mod read;
mod record;
mod reply_record;
mod request_answer;
mod retention;
mod seal;
mod sent;
mod source;
mod source_state;
mod state;
mod talk;
#[cfg(test)]
mod tests;
mod transaction;
mod year;

use std::fmt;
use std::path::Path;

#[cfg(unix)]
pub use crate::lock::ServedAt;
pub use act_query::ActQuery;
pub use acts::{Act, ActKind};
pub use asked::{AskedRequest, AskedState};
pub use carry::{CarryCause, CarryError};
pub use case::{Caller, Case};
pub use change::{Change, Changed, Shortened};
pub use data_subject::DataSubjectRequest;
pub use deliver::FullSetDue;
pub use dossier::{DossierEntry, DossierEvent};
pub use error::PartnerError;
pub use flags::Flag;
pub use folder::Place;
pub use given::Given;
pub use history::{FlagHistory, FlagPast, Gone, GoneWhy, Stack};
pub use log::Complaint;
pub use news::{News, StackChange};
pub use processing::Processings;
pub use read::{Answered, Next, Received};
pub use request_answer::{RequestAnswer, RequestAnswered};
pub use retention::{ForgottenEpoch, PrunedJournal, Removal, Removed};
pub use source::SourceRequests;
pub use state::SeenRelease;
pub use talk::{
    AgendaEnd, AgendaItem, AskAnswer, Conversation, ConversationNote, Decision, Introduced, NewNote, NoteCopy,
    NoteProgress, Posted, PutForwardByOther, PutForwardRow, PutOffReason, ShownNews, TalkAct, TalkDue, TalkNews,
    TalkPlace, TalkRun, TalkYear, WaitsFor, WouldBeTold,
};
pub use year::{AnswerNumbers, FEWEST_TOLD, YearNumbers, YearReport};

use folder::PartnerFolder;
use member::{Member, Source};
use record::JournalEvent;
use sent::{MessageHead, SignedMessage};
use transaction::PartnerData;

use crate::address::AddressKey;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::message::Kind;
use crate::policy::{Certificate, PartnerKeys, Policy, PolicyError, PolicySignature, SignedPolicy};
use crate::pseudonym::{PseudonymKey, PseudonymSource};
use crate::secret::{KeyId, SecretFile, SigningKey, VerifyingKey, random};
use crate::threads::Threads;

/// A partner with its folder open. One at a time can have it open.
pub struct Partner {
    member: Member,
    data: PartnerData,
    /// What was shortened since it was asked last.
    shortened: Shortened,
    /// How many numbers the next state message leaves out. An old copy of the folder counts on from where the folder
    /// itself did: so the two hardly ever use one number for two messages.
    left_out: u64,
    talk_run: TalkRun,
}

/// The most numbers that are left out: few enough that a copy of a year ago still finds free ones.
const MOST_LEFT_OUT: u16 = 4_095;

/// What a partner has of itself when its folder was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewPartner {
    /// The number it is to have in the roster.
    pub number: u16,
    /// The public key of its messages, which its organisation certifies.
    pub verifying_key: VerifyingKey,
}

/// A message that was made and whose reply was not read yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InFlight<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its epoch.
    pub epoch: u32,
    /// Its number in its series.
    pub number: u64,
    /// Its digest, by which it is given up.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl Partner {
    /// Makes the folder of a new partner: its key, the key of its journal, and an empty journal and state.
    ///
    /// A folder in which there is no journal and no state, but keys are, is begun anew around them: after a loss, the
    /// next message that the broker accepts is a full set, and the broker's replies say which numbers are still free.
    ///
    /// # Errors
    ///
    /// [`PartnerError::PartnerFolder`] where there is one already, [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::FolderInUse`](crate::SystemError::FolderInUse),
    /// [`SystemError::Random`](crate::SystemError::Random).
    pub fn init<'a>(place: impl Into<Place<'a>>, number: u16) -> Result<NewPartner, PartnerError> {
        let key = PartnerFolder::create(place.into(), number)?;
        Ok(NewPartner { number, verifying_key: key.verifying_key() })
    }

    /// Opens a folder: `policy.toml` with the signatures beside it, the partner's certificates, and the secrets of its
    /// epochs in `epoch-<number>.secret`, as far as they are there. Where its keys are in another folder,
    /// [`Place::with_keys`] names both; [`Place::waiting`] lets it wait for a folder that is in use.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io), [`SystemError::FileMode`](crate::SystemError::FileMode),
    /// [`SystemError::FolderMode`](crate::SystemError::FolderMode),
    /// [`SecretError::KeyFile`](crate::secret::SecretError::KeyFile),
    /// [`SystemError::FolderInUse`](crate::SystemError::FolderInUse); [`PartnerError::PartnerFolder`] where its keys
    /// are missing, or, as [`PartnerError::JournalDamaged`], where a file was altered; those of
    /// [`SignedPolicy::read`]; [`PartnerError::NotInRoster`];
    /// [`SecretError::SecretFile`](crate::secret::SecretError::SecretFile) and [`PartnerError::SecretMismatch`].
    pub fn open<'a>(place: impl Into<Place<'a>>) -> Result<Partner, PartnerError> {
        Partner::open_from(place.into(), |folder, policy| folder.read_sources(policy))
    }

    /// Says to other processes that find the folder in use at which Unix socket they can call this one instead, as long
    /// as what this gives lives: they wait for no server
    /// ([`SystemError::FolderInUse`](crate::SystemError::FolderInUse)).
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io); `FolderInUse` where this process says so already.
    #[cfg(unix)]
    pub fn serve_at(&self, socket: &Path) -> Result<ServedAt, PartnerError> {
        Ok(self.data.folder().serve_at(socket)?)
    }

    /// Opens a folder whose pseudonyms come from elsewhere than its secrets: each source is that of the epoch whose key
    /// id it has.
    ///
    /// # Errors
    ///
    /// As [`Partner::open`]; [`PartnerError::NoEpoch`] where no epoch of the policy has a source's key id.
    pub fn open_with<'a>(
        place: impl Into<Place<'a>>,
        sources: Vec<Box<dyn PseudonymSource + Send>>,
    ) -> Result<Partner, PartnerError> {
        Partner::open_from(place.into(), |_, policy| {
            let find = |id: KeyId| policy.epochs.iter().find(|epoch| epoch.key_id == id);
            let mut found = Vec::new();
            for source in sources {
                let epoch = find(source.key_id()).ok_or(PartnerError::NoEpoch {
                    day: policy.valid_from,
                    finding: "the policy has no epoch with the key id of a source",
                })?;
                found.push((epoch.number, source));
            }
            found.sort_by_key(|(epoch, _)| *epoch);
            Ok(found)
        })
    }

    fn open_from(
        place: Place<'_>,
        sources: impl FnOnce(&PartnerFolder, &Policy) -> Result<Vec<(u32, Source)>, PartnerError>,
    ) -> Result<Partner, PartnerError> {
        let (mut data, key) = PartnerData::open(place)?;
        let policy = data.folder().read_policy()?;
        let number = own_number(&data, &key)?;
        member::entry(policy.policy(), number)?;
        data.set_number(number);
        data.adopted(policy.digest());
        let sources = sources(data.folder(), policy.policy())?;
        let certificates = data.folder().read_certificates()?;
        let mut member = Member { number, key, policy, certificates, sources, threads: Threads::default() };
        member.drop_void_certificates();
        let left_out = u16::from_be_bytes(random()?) & MOST_LEFT_OUT;
        let talk_run = TalkRun::default();
        Ok(Partner { member, data, shortened: Shortened::default(), left_out: left_out.into(), talk_run })
    }

    /// Makes pseudonyms of many addresses on these threads; it does so on the caller's alone otherwise. The messages
    /// are the same.
    pub fn with_threads(mut self, threads: Threads) -> Partner {
        self.member.sources.iter_mut().for_each(|(_, source)| source.use_threads(&threads));
        self.member.threads = threads;
        self
    }

    /// Writes the state of the folder as it is now, for a program that had it open for long and closes it. Nothing is
    /// lost without it: the next opening then applies the records of the journal that came after the last state, of
    /// which there may be many, because flags and withdrawals write none.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io), [`SystemError::OtherProcess`](crate::SystemError::OtherProcess);
    /// [`PartnerError::JournalDamaged`].
    pub fn save_state(&mut self) -> Result<(), PartnerError> {
        self.data.save()
    }

    /// Copies a first policy, with the signatures beside it, into the folder of a partner that has none yet.
    ///
    /// It is taken on the word of whoever hands it over; later ones come through [`Partner::adopt_policy`].
    ///
    /// # Errors
    ///
    /// Those of [`SignedPolicy::read`] and of [`Partner::open`]; [`PartnerError::PartnerFolder`] where the folder has a
    /// policy.
    pub fn join<'a>(place: impl Into<Place<'a>>, path: &Path) -> Result<(), PartnerError> {
        let (data, key) = PartnerData::open(place.into())?;
        data.folder().refuse_policy()?;
        let (policy, text) = Policy::read_with_text(path)?;
        let signatures = PolicySignature::read_beside(path)?;
        let signed = SignedPolicy::verify(policy, &signatures)?;
        member::entry(signed.policy(), own_number(&data, &key)?)?;
        data.folder().write_policy(signed.policy().version, &text, &signatures, false)
    }

    /// Takes a newer policy into force, from its file and the signatures beside it, and keeps a copy in the folder.
    ///
    /// It follows the one in force. Or it follows the one before that, says that the one in force is void, and the
    /// broker's latest reply named one of these two: then the one that was adopted here never came into force at the
    /// broker, and the newer one takes its place. A version for a lost policy key is taken once the broker's latest
    /// reply named it. Where that reply named a later version, see [`Partner::adopt_policies`].
    ///
    /// # Errors
    ///
    /// Those of [`SignedPolicy::succeed`] and of reading it; [`PolicyError::PolicyNotYet`] before its first day;
    /// [`PartnerError::NotInRoster`]; [`SystemError::Io`](crate::SystemError::Io).
    pub fn adopt_policy(&mut self, path: &Path, now: Timestamp) -> Result<(), PartnerError> {
        self.adopt_policies(&[path], now)
    }

    /// Takes newer policies into force, each of which follows the one before it, as [`Partner::adopt_policy`] does one.
    ///
    /// A broker adopts each version after the one before, so a reply that names one of them says that the broker
    /// adopted those before it too. A partner that read no reply meanwhile adopts the versions that it missed together.
    ///
    /// # Errors
    ///
    /// As [`Partner::adopt_policy`]. The versions before the one that is refused may have been adopted.
    pub fn adopt_policies<P: AsRef<Path>>(&mut self, paths: &[P], now: Timestamp) -> Result<(), PartnerError> {
        (0..paths.len()).try_for_each(|at| self.adopt_first(&paths[at..], now))
    }

    /// Takes the first of these into force, as [`Partner::adopt_policies`] does; the others, which are to be adopted
    /// after it, are read for what the broker's latest reply says of them. So a program can tell of each one by one.
    ///
    /// # Errors
    ///
    /// As [`Partner::adopt_policy`]; nothing was adopted then.
    pub fn adopt_first<P: AsRef<Path>>(&mut self, paths: &[P], now: Timestamp) -> Result<(), PartnerError> {
        let read = |path: &P| ShownPolicy::read(path.as_ref(), self.data.folder());
        let shown = paths.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        shown.split_first().map_or(Ok(()), |(first, later)| self.adopt(first, later, now))
    }

    /// Takes a policy into force; `later` are versions that are to follow it.
    fn adopt(&mut self, shown: &ShownPolicy, later: &[ShownPolicy], now: Timestamp) -> Result<(), PartnerError> {
        let before = self.policy_before(&shown.policy)?;
        let newer = shown.follow(before.as_ref().unwrap_or(&self.member.policy))?;
        // No flag ends by this. So it is done also where the clock may be wrong: the epochs of the policy in force may
        // be over, and until there is another nobody can say that the clock is right.
        self.data.refresh()?;
        clock::refuse_out_of_range(self.data.state().latest, now)?;
        let today = now.day();
        let valid_from = newer.policy().valid_from;
        if today < valid_from {
            return Err(PolicyError::PolicyNotYet { valid_from, today }.into());
        }
        self.refuse_unnamed(&newer, later, before.is_some())?;
        let member = &mut self.member;
        member::entry(newer.policy(), member.number)?;
        if newer.policy().operator.verifying_key != member.policy.policy().operator.verifying_key {
            // Before the policy is written: forgotten without need, the same broker asks for a full set, and no more.
            let mut transaction = self.data.begin_at_latest()?;
            transaction.record(None, JournalEvent::AnotherOperator { version: newer.policy().version })?;
            transaction.keep();
        }
        let transaction = self.data.begin_at_latest()?;
        // Whichever the newer one follows is in force at the broker until that has adopted it.
        let keeps_one_before = newer.policy().previous == Some(member.policy.digest());
        if keeps_one_before && member.coordinates() {
            // What was put forward under it may be told of long after.
            transaction.folder().keep_former_policy(member.policy().version, today)?;
        }
        transaction.folder().write_policy(newer.policy().version, &shown.text, &shown.signatures, keeps_one_before)?;
        transaction.keep();
        self.data.adopted(newer.digest());
        member.sources.retain(|(number, _)| newer.policy().epoch(*number).is_some());
        member.policy = newer;
        member.drop_void_certificates();
        Ok(())
    }

    /// The public keys of the partner in an epoch, for whoever keeps its organisation's policy key to certify. The
    /// seal key is drawn where there is none yet; its private half is in `epoch-<number>.seal`.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Certificate`] where the policy has no such epoch, or the epoch was over at the journal's latest
    /// record and has no seal key here; [`SystemError::Io`](crate::SystemError::Io),
    /// [`SystemError::Random`](crate::SystemError::Random),
    /// [`SecretError::KeyFile`](crate::secret::SecretError::KeyFile).
    pub fn keys(&self, epoch: u32) -> Result<PartnerKeys, PartnerError> {
        match self.member.policy().epoch(epoch) {
            // Its keys may have been forgotten, and a new one would be of no use.
            Some(known)
                if known.closes < self.data.state().latest.day() && !self.data.folder().has_secrets(epoch)?.1 =>
            {
                let finding = format!("epoch {epoch} closed on {}, and gets no new keys", known.closes);
                Err(PolicyError::Certificate { finding }.into())
            }
            Some(_) => self.data.folder().keys(epoch),
            None => Err(PolicyError::Certificate { finding: format!("the policy has no epoch {epoch}") }.into()),
        }
    }

    /// Keeps a copy of a certificate or a suspension. Of the partner's own: from its first day on nothing is signed in
    /// that epoch with another key. Of another's: what is put forward is shown to it, and notes are sealed to it, with
    /// the key that it names.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Certificate`] where it does not hold under the policy;
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn add_certificate(&mut self, path: &Path) -> Result<(), PartnerError> {
        let certificate = Certificate::read(path)?;
        certificate.verify(self.member.policy())?;
        self.take_certificates([certificate]).map(drop)
    }

    /// As [`Partner::add_certificate`], of those that were fetched from the broker: keeps copies of those that hold
    /// under the policy and are not here yet, and passes over all others. How many are new.
    ///
    /// # Errors
    ///
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn take_certificates(
        &mut self,
        certificates: impl IntoIterator<Item = Certificate>,
    ) -> Result<usize, PartnerError> {
        let mut taken = 0;
        for certificate in certificates {
            let holds = certificate.verify(self.member.policy()).is_ok();
            if holds && !self.member.certificates.contains(&certificate) {
                self.data.folder().write_certificate(&certificate)?;
                self.member.certificates.push(certificate);
                taken += 1;
            }
        }
        Ok(taken)
    }

    /// As [`Partner::add_certificate`], of a folder that is not open. It may be one that lost its state, and its number
    /// with that: then a certificate of the key in the folder gives the number back.
    ///
    /// # Errors
    ///
    /// As [`Partner::add_certificate`] and [`Partner::open`]; [`PartnerError::PartnerFolder`] where the number is lost
    /// and the certificate is not of the folder's key.
    pub fn add_certificate_to<'a>(place: impl Into<Place<'a>>, path: &Path) -> Result<(), PartnerError> {
        let (data, key) = PartnerData::open(place.into())?;
        let policy = data.folder().read_policy()?;
        let certificate = Certificate::read(path)?;
        let statement = certificate.verify(policy.policy())?;
        let is_own = statement.keys.is_some_and(|keys| keys.message == key.verifying_key());
        if !is_own {
            own_number(&data, &key)?;
        }
        data.folder().write_certificate(&certificate)
    }

    /// Keeps an organisation's veto of the versions that follow the policy in force and say that its key is lost. Such
    /// a version is then refused.
    ///
    /// # Errors
    ///
    /// [`PolicyError::PolicySignature`] where it is no veto over the policy in force, by a policy key of that;
    /// [`SystemError::Io`](crate::SystemError::Io).
    pub fn keep_veto(&mut self, veto: &Path) -> Result<(), PartnerError> {
        let veto = PolicySignature::read_veto(veto, self.member.policy())?;
        self.data.folder().keep_veto(&veto)
    }

    /// The policy before the one in force here, if `newer` follows it and says that the one in force is void.
    fn policy_before(&self, newer: &Policy) -> Result<Option<SignedPolicy>, PartnerError> {
        if !newer.voids.contains(&self.member.policy.digest()) {
            return Ok(None);
        }
        Ok(self.data.folder().read_policy_before()?.filter(|before| Some(before.digest()) == newer.previous))
    }

    /// Refuses a version that is adopted only on the broker's word where its latest reply does not give that: one in
    /// the place of the policy in force here, and one for a lost policy key. `later` are versions that are to follow.
    fn refuse_unnamed(&self, newer: &SignedPolicy, later: &[ShownPolicy], replaces: bool) -> Result<(), PartnerError> {
        let named = self.data.state().brokers_policy;
        let finding = if replaces && (named.is_none() || named != newer.policy().previous) {
            "it says that the one in force here is void, and the broker's latest reply does not: send a status \
             request, and adopt it when the reply was read"
                .into()
        } else if let Some(unsigned) = newer.policy().lost_key() {
            // The thirty days for a veto pass at the broker, which has a line of its log that they are counted from.
            format!(
                "'{}' may still veto it: adopt it once a reply of the broker was read that names it",
                unsigned.organisation
            )
        } else {
            return Ok(());
        };
        let mut reached = newer.clone();
        let mut later = later.iter();
        while named != Some(reached.digest()) {
            let Some(next) = later.next() else {
                let finding =
                    format!("{finding}. Where the reply names a later version, give the versions up to that one too");
                return Err(PolicyError::PolicySuccessor { finding }.into());
            };
            reached = next.follow(&reached)?;
        }
        Ok(())
    }

    /// Keeps a copy of an epoch's secret in the folder and uses it.
    ///
    /// # Errors
    ///
    /// Those of [`SecretFile::read`]; [`PartnerError::SecretMismatch`] where it is not the one that the policy names,
    /// another epoch has it too, or it is of an epoch before the one with which the organisation joined, or of one that
    /// is over.
    pub fn add_secret(&mut self, path: &Path) -> Result<(), PartnerError> {
        let file = SecretFile::read(path)?;
        if self.member.coordinates() {
            let finding = "whoever coordinates holds no secret of an epoch: destroy it";
            return Err(PartnerError::NotPermitted { finding: finding.into() });
        }
        let organisation = &self.member.entry()?.organisation;
        if !self.member.policy().takes_part(organisation, file.scope.epoch) {
            let finding =
                "the organisation takes part from a later epoch on, and needs the secret of none before: destroy it";
            return Err(PartnerError::SecretMismatch { epoch: file.scope.epoch, finding });
        }
        let closes = self.member.policy().epoch(file.scope.epoch).map(|epoch| epoch.closes);
        if closes.is_some_and(|closes| closes < self.data.state().latest.day()) {
            let finding = "the epoch is over, and nothing is done in it any more: destroy the secret";
            return Err(PartnerError::SecretMismatch { epoch: file.scope.epoch, finding });
        }
        self.data.folder().write_secret(&file, self.member.policy())?;
        self.member.set_source(file.scope.epoch, Box::new(PseudonymKey::new(&file.secret, &file.scope)));
        Ok(())
    }

    /// The partner's number in the roster.
    pub fn number(&self) -> u16 {
        self.member.number
    }

    /// The public key of its messages.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.member.key.verifying_key()
    }

    /// The policy that it holds to.
    pub fn policy(&self) -> &SignedPolicy {
        &self.member.policy
    }

    /// The digest of the policy that the broker said to hold to, where that is another than the partner's: there is a
    /// newer one to fetch, or the broker has yet to adopt this one.
    pub fn brokers_policy(&self) -> Option<Digest> {
        self.data.state().brokers_policy
    }

    /// The broker's release that the latest answer spoke of, and how many organisations were fresh at it; `None` where
    /// no answer was read.
    pub fn seen_release(&self) -> Option<SeenRelease> {
        self.data.state().seen
    }

    /// The epochs for which there is a secret or another source, ascending.
    pub fn epochs(&self) -> impl Iterator<Item = u32> {
        self.member.sources.iter().map(|(number, _)| *number)
    }

    /// Its flags, of homes and of house numbers that were flagged alone, ascending by address. Those that ended go when
    /// the partner does something on a later day.
    pub fn flags(&self) -> impl ExactSizeIterator<Item = &Flag> {
        self.data.state().flags.rows().iter()
    }

    /// The flag of an address, home or house number.
    pub fn flag_of(&self, address: &AddressKey) -> Option<&Flag> {
        self.data.state().flags.get(address)
    }

    /// The flags at a house number: of the homes at it, and its own where it was flagged alone. Of a home without a
    /// postcode, which is its own number, that one's.
    pub fn flags_at(&self, number: &AddressKey) -> impl Iterator<Item = &Flag> {
        let rows = self.data.state().flags.rows();
        let of_homes = format!("{}|", number.as_str());
        let from = rows.partition_point(|flag| flag.address.as_str() < of_homes.as_str());
        let homes = rows[from..].iter().take_while(move |flag| flag.address.as_str().starts_with(&of_homes));
        self.flag_of(number).into_iter().chain(homes)
    }

    /// How an address was written that is flagged: as it was given last with a text. For a house number that has no
    /// text of its own, as the homes at it were written, with semicolons between. Empty where it is not
    /// flagged, or no text was given.
    pub fn typed(&self, address: &AddressKey) -> String {
        self.data.state().typed.shown(address)
    }

    /// Whether all messages that are waited for are among those of [`Partner::in_flight`]: not after a change that
    /// failed, as on a full disk, where the folder could not be read again either. The next call that changes something
    /// reads it, or says what is wrong.
    pub fn is_in_flight_known(&self) -> bool {
        self.data.is_known()
    }

    /// The messages whose replies were not read yet, state messages first.
    pub fn in_flight(&self) -> impl Iterator<Item = InFlight<'_>> {
        self.data.state().messages().map(SignedMessage::in_flight)
    }

    /// Who asked a question in flight, named by its digest, and for which case.
    pub fn asked_by(&self, digest: Digest) -> Option<&Case> {
        let mut questions = self.data.state().questions.iter();
        questions.find(|question| question.message.head.digest == digest).map(|question| &question.by)
    }

    /// The head of its journal's chain, as the next message will name it.
    pub fn journal_head(&self) -> Digest {
        self.data.journal().position().head
    }

    /// How many records its journal has.
    pub fn journal_length(&self) -> u64 {
        self.data.journal().position().records
    }

    /// Reads the whole journal and checks every link of its chain. [`Partner::open`] checks those only that are newer
    /// than the state.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`] and [`SystemError::Io`](crate::SystemError::Io).
    pub fn check_journal(&self) -> Result<(), PartnerError> {
        self.data.journal().read(|_, _| {})
    }

    /// As [`Partner::check_journal`], and how many records its journal had when this was the head of its chain
    /// ([`Partner::journal_head`]); `None` where that is no head that it has.
    ///
    /// Whoever has the journal's key can write another journal whose chain is whole. A head that was noted where they
    /// cannot write shows that: the other journal does not have it. Of records that were pruned only the last head is
    /// there.
    ///
    /// # Errors
    ///
    /// [`PartnerError::JournalDamaged`] and [`SystemError::Io`](crate::SystemError::Io).
    pub fn check_journal_has(&self, head: Digest) -> Result<Option<u64>, PartnerError> {
        let journal = self.data.journal();
        let first = journal.first();
        let mut records = (first.head == head).then_some(first.records);
        journal.read_places(|_, _, after| {
            if after.head == head {
                records = Some(after.records);
            }
        })?;
        Ok(records)
    }
}

/// A policy's file and the signatures beside it, before it is known whether it may come into force.
struct ShownPolicy {
    policy: Policy,
    text: String,
    /// With the vetoes that hold against it.
    signatures: Vec<PolicySignature>,
}

impl ShownPolicy {
    fn read(path: &Path, folder: &PartnerFolder) -> Result<ShownPolicy, PartnerError> {
        let (policy, text) = Policy::read_with_text(path)?;
        let mut signatures = PolicySignature::read_beside(path)?;
        signatures.extend(folder.read_vetoes(policy.previous)?);
        Ok(ShownPolicy { policy, text, signatures })
    }

    /// The policy as one that takes the place of `before`.
    fn follow(&self, before: &SignedPolicy) -> Result<SignedPolicy, PolicyError> {
        before.succeed(self.policy.clone(), &self.signatures)
    }
}

/// The number that the state says, or a certificate of the partner's key where the state was lost.
fn own_number(data: &PartnerData, key: &SigningKey) -> Result<u16, PartnerError> {
    if data.state().number != 0 {
        return Ok(data.state().number);
    }
    let own = key.verifying_key();
    let certificates = data.folder().read_certificates()?;
    let mut statements = certificates.iter().map(Certificate::claimed);
    let found = statements.find(|statement| statement.keys.is_some_and(|keys| keys.message == own));
    found.map(|statement| statement.partner).ok_or_else(|| PartnerError::PartnerFolder {
        path: data.folder().path().into(),
        finding: "its state is gone, and with it its number: add the certificate of its key, which has it".into(),
    })
}

/// Shows no address, no case and no key.
impl fmt::Debug for Partner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partner({}, {} flags, ..)", self.member.number, self.data.state().flags.len())
    }
}

/// Shows no bytes.
impl fmt::Debug for InFlight<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InFlight({:?} {} of epoch {}, {})", self.kind, self.number, self.epoch, self.digest)
    }
}

impl SignedMessage {
    fn in_flight(&self) -> InFlight<'_> {
        let MessageHead { kind, epoch, sequence: number, digest, .. } = self.head;
        InFlight { kind, epoch, number, digest, bytes: &self.bytes }
    }
}
