//! What a policy says, as types that hold nothing but well-formed values.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::address::Level;
use crate::codes::named;
use crate::day::Day;
use crate::digest::Digest;
use crate::secret::{KeyId, VerifyingKey};
use crate::slug::Slug;

/// A well-formed policy. Whether it is safe and in force is another matter: see [`SignedPolicy`](super::SignedPolicy).
///
/// Its fields are those of [`Rules`], read-only, so that the digest is always that of the text that was parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(pub(super) Rules);

/// What a policy says, field by field as SPEC.md lists the keys of its file.
///
/// Every text is one line: a run of white space in the file counts as one space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rules {
    /// The consortium that this is the policy of.
    pub consortium: Slug,
    /// The version, counted from 1.
    pub version: u32,
    /// The digest of the version before; none in version 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// Other versions that follow the same one, were signed and cannot come into force: digests, ascending. With any,
    /// all organisations sign.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub voids: Vec<Digest>,
    /// The first day of its validity.
    pub valid_from: Day,
    /// Whether this policy is for tests only, without real addresses.
    pub test: bool,
    /// The purpose (doel) that every derived key is bound to.
    pub purpose: Slug,
    /// The legal basis (grondslag) of the consortium as a whole.
    pub legal_basis: String,
    /// The act that sets bounds of its own; `None` where there is none of those that this version knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_act: Option<LegalAct>,
    /// What a flag means: an own observation, never because of a hit.
    pub flag_criterion: String,
    /// What a partner does after a hit.
    pub after_hit: String,
    /// How to reach the coordinator.
    pub coordinator: String,
    /// Where a citizen turns to. A policy that is not for tests is not safe without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_point: Option<ContactPoint>,
    /// Who runs the broker.
    pub operator: Operator,
    /// How organisations are counted.
    pub counting: Counting,
    /// When accepted flags become visible in answers.
    pub release: ReleaseRules,
    /// How long things are kept.
    pub retention: Retention,
    /// How much a partner may flag and ask.
    pub budgets: Budgets,
    /// How those who flag an address come to talk; `None` where they do not, by this library.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meet: Option<Meet>,
    /// An organisation is fresh when the broker accepted a delta, a full set or a confirm of it within this many days.
    pub freshness_days: u16,
    /// A full set that withdraws more than this percentage of a partner's flags must say that it means to. 0 to 100.
    pub max_shrink_percent: u8,
    /// What messages' times must keep to.
    pub messages: MessageRules,
    /// How the policy itself changes.
    pub changes: ChangeRules,
    /// The rules of [`Policy::check`] that this policy sets aside, ascending by name.
    #[serde(rename = "override")]
    pub overrides: Vec<Override>,
    /// Without whose signature a version came into force last, if that ever happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsigned: Option<Unsigned>,
    /// Those who take part, ascending by slug. At least one, each with at least one partner.
    #[serde(rename = "organisation")]
    pub organisations: Vec<Organisation>,
    /// The key periods, ascending by number and by opening day. At least one.
    #[serde(rename = "epoch")]
    pub epochs: Vec<Epoch>,
    /// The roster, ascending by number. At least one.
    #[serde(rename = "partner")]
    pub partners: Vec<RosterEntry>,
}

named! {
    /// An act that sets bounds of its own.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum LegalAct {
        /// The Wet gegevensverwerking door samenwerkingsverbanden: its log is kept for at most five years.
        Wgs => "wgs",
    }
}

/// Where a citizen turns to with a question, a request or an objection. One or more ways to reach it are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ContactPoint {
    /// Its name.
    pub name: String,
    /// Where letters go, on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_address: Option<String>,
    /// Its telephone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telephone: Option<String>,
    /// Its address for e-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its page on the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Who runs the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Operator {
    /// The operator's name.
    pub name: String,
    /// The operator's organisation number.
    pub oin: Oin,
    /// What the broker's replies are signed with.
    pub verifying_key: VerifyingKey,
    /// What the audit log's checkpoints are signed with; another key than that of replies.
    pub checkpoint_key: VerifyingKey,
    /// The audit log's origin line (C2SP tlog-checkpoint), which is its key's name too.
    pub log_origin: String,
    /// Where partners reach the broker over HTTPS (spec/carrier.md), ascending. Empty where messages are carried
    /// otherwise.
    pub addresses: Vec<String>,
}

/// How organisations are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counting {
    /// How many organisations must flag a pseudonym before its standing is stacked.
    pub threshold: u8,
    /// How many organisations must hold released flags before any standing is stacked.
    pub min_sources: u16,
    /// The highest count that is shown; it stands for that many or more. At least the threshold, at most 250.
    pub count_cap: u8,
    /// The levels that are flagged and asked: [`Level::Unit`] always, then perhaps [`Level::Number`].
    #[serde(serialize_with = "as_set")]
    pub levels: Vec<Level>,
    /// Whether a question about a pseudonym that the asker does not flag is left unanswered.
    pub own_flag_required: bool,
    /// Whether partners look addresses up in a register of addresses (BAG).
    pub register: RegisterUse,
    /// What a partner is told instead of standings, where it is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
}

named! {
    /// What a partner is told instead of the standing of each address.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Answers {
        /// How many of its flags are stacked, once a quarter, and nothing of one address.
        Totals => "totals",
    }
}

named! {
    /// Whether partners look the addresses that they flag and ask about up in a register of addresses.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum RegisterUse {
        /// A partner may, and need not.
        #[default]
        Optional => "optional",
        /// Nothing is flagged or asked about that was not looked up.
        Required => "required",
    }
}

/// When accepted flags become visible in answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReleaseRules {
    /// A release may take place at whole multiples of this many hours since 1970-01-01T00:00:00Z.
    pub interval_hours: u16,
    /// How many organisations must hold flags that do not show yet for a release to take place at such a moment.
    pub min_changed: u16,
    /// Every so many days, counted from the epoch's opening day, a release takes place whatever changed.
    pub max_wait_days: u16,
    /// Whether flags are visible at once; for tests only.
    pub immediate: bool,
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Retention {
    /// The most days that a flag lasts from its first day, unless it is renewed for a reason.
    pub max_days: u16,
    /// How many times it may be renewed. Each time the first day is `max_days` further back.
    pub max_renewals: u16,
    /// The days that the broker's audit log is kept.
    pub log_days: u16,
}

/// How much an organisation may flag and ask, whatever its number of partners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Budgets {
    /// New flags a day (UTC).
    pub new_flags_a_day: u32,
    /// New flags beyond those of a day that the first full sets of an organisation's first epoch may bring. In later
    /// epochs it is as many as it held in the one before.
    pub first_set_flags: u32,
    /// Flags held at a time.
    pub flags_held: u32,
    /// Pseudonyms asked a day (UTC).
    pub asked_a_day: u32,
    /// Pseudonyms asked in an epoch.
    pub asked_an_epoch: u32,
    /// Pseudonyms swept a day (UTC); 0 where nobody may.
    pub swept_a_day: u32,
    /// Status requests answered a day (UTC).
    pub status_a_day: u32,
    /// The reasons that may be given for sweeping, ascending.
    pub sweep_reasons: Vec<Slug>,
}

/// How those who flag an address come to talk: spec/after-a-hit.md.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Meet {
    /// Sets of organisations of which each two are told of each other when both put an address forward, each ascending.
    /// All others meet by the coordinator.
    pub direct: Vec<Vec<Slug>>,
    /// Whether those who flag an address learn that somebody else put it forward.
    pub tell_others: bool,
    /// Within how many days they are asked to answer.
    pub answer_days: u16,
    /// New rows of an organisation a day (UTC).
    pub new_a_day: u32,
    /// Rows of an organisation in an epoch.
    pub held: u32,
    /// Notes of an organisation a day (UTC).
    pub notes_a_day: u32,
    /// Exchanges of each partner a day (UTC): as many are sent, whether there is something to say or not.
    pub exchanges_a_day: u8,
}

/// What messages' times must keep to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MessageRules {
    /// The broker rejects a message that is older than this.
    pub max_delay_hours: u16,
    /// The broker rejects a message whose time is further ahead of its clock than this.
    pub max_ahead_minutes: u16,
}

/// How the policy itself changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChangeRules {
    /// How many organisations must sign a policy before it is in force.
    pub signatures: u16,
    /// The broker accepts flags under the previous policy's digest for this many days, unless the threshold went down.
    pub grace_days: u16,
    /// When an organisation leaves, a new epoch must open and the old ones close within this many days, because it
    /// still holds their secrets.
    pub new_epoch_within_days: u16,
}

/// A rule of [`Policy::check`] that is set aside, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Override {
    /// The rule's name.
    pub rule: String,
    /// The reason, which every explanation of the policy shows.
    pub reason: String,
}

/// The organisation without whose signature a version came into force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unsigned {
    /// The organisation.
    pub organisation: Slug,
    /// Why its signature is missing.
    pub because: Because,
    /// The version that came into force without it.
    pub version: u32,
    /// The newest epoch on its first day: it is allowed once an epoch.
    pub epoch: u32,
    /// For a lost key, the day on which the organisation was told: it has 30 days to veto. `None` for one that leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announced: Option<Day>,
}

named! {
    /// Why a version bears no signature of an organisation.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Because {
        /// It leaves, or the others put it out.
        Leaves => "leaves",
        /// It lost its policy key, and the version names its new one.
        LostKey => "lost-key",
    }
}

/// A body that takes part, and counts once however many partners it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Organisation {
    /// What it is called in the roster, in signatures and in counts.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Its organisation number.
    pub oin: Oin,
    /// How to reach whoever keeps its policy key.
    pub contact: String,
    /// What it signs policies with, and its partners' certificates. The private half stays offline.
    pub policy_key: VerifyingKey,
    /// The organisation numbers in the TLS certificates with which its partners connect, ascending: its own, or that of
    /// a service centre that connects for it. At least one.
    pub tls_oins: Vec<Oin>,
    /// The first epoch that it counts in; `None` for one that was there when the consortium began, and flagged then or
    /// does not flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_epoch: Option<u32>,
}

/// A key period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Epoch {
    /// The epoch's number.
    pub number: u32,
    /// The id of its key.
    pub key_id: KeyId,
    /// Its first day.
    pub opens: Day,
    /// Its last day.
    pub closes: Day,
}

/// One row of the roster: a partner, which is one system of an organisation that flags or asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RosterEntry {
    /// The partner's number, counted from 1.
    pub number: u16,
    /// The partner's name.
    pub name: String,
    /// The organisation that it belongs to, which certifies its keys. All partners of one organisation count as one.
    pub organisation: Slug,
    /// What it may do.
    pub may: Permissions,
    /// What it is shown of a stacked pseudonym.
    pub sees: Sees,
    /// How people sign in at the partner's pages where they do so at no provider of their organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,
    /// Its legal basis to flag; `None` exactly when it may not flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis_flag: Option<String>,
    /// Its legal basis to ask; `None` exactly when it may not ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis_ask: Option<String>,
    /// Its legal basis to bring others together; `None` exactly when it may not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_basis_coordinate: Option<String>,
}

named! {
    /// How people sign in at a partner's pages where they do so at no provider of their organisation.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum SignIn {
        /// One person, on the partner's own machine, under the one name that its configuration gives. The journal then
        /// has that name, and nobody verified whose it is.
        OneUser => "one-user",
    }
}

/// What a partner may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permissions {
    /// Flag.
    pub flag: bool,
    /// Ask.
    pub ask: bool,
    /// Ask about what it does not flag itself, under a budget of its own and with a reason in the log.
    pub sweep: bool,
    /// Bring together those who put an address forward, and nothing else.
    pub coordinate: bool,
}

named! {
    /// What a partner is shown of a stacked pseudonym.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Sees {
        /// That it is stacked.
        #[default]
        Presence => "presence",
        /// The band that the count is in: see [`Counting::band`].
        Band => "band",
        /// The count, up to the cap.
        Count => "count",
    }
}

/// An organisation's identification number (Organisatie-identificatienummer): 20 digits.
///
/// Eight digits name the register, nine or eight are the organisation's number there, and zeros follow. Numbers of the
/// prefix 00000099 are for tests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oin([u8; 20]);

/// A text was not an OIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an OIN: {0}")]
pub struct NotAnOin(&'static str);

impl ContactPoint {
    /// The ways to reach it, each with its key in the policy's file: those that are not given have `None`.
    pub(super) fn ways(&self) -> [(&'static str, &Option<String>); 4] {
        [
            ("postal_address", &self.postal_address),
            ("telephone", &self.telephone),
            ("email", &self.email),
            ("url", &self.url),
        ]
    }
}

impl Policy {
    /// The roster's entry of the partner with that number; `None` where there is none.
    pub fn partner(&self, number: u16) -> Option<&RosterEntry> {
        let at = self.partners.binary_search_by_key(&number, |partner| partner.number).ok()?;
        self.partners.get(at)
    }

    /// The epoch with that number; `None` where there is none.
    pub fn epoch(&self, number: u32) -> Option<&Epoch> {
        let at = self.epochs.binary_search_by_key(&number, |epoch| epoch.number).ok()?;
        self.epochs.get(at)
    }

    /// The organisation of that slug; `None` where there is none.
    pub fn organisation(&self, slug: &Slug) -> Option<&Organisation> {
        let at = self.organisations.binary_search_by_key(&slug, |organisation| &organisation.slug).ok()?;
        self.organisations.get(at)
    }

    /// Whether an organisation counts in an epoch: one that joined or began to flag later does not.
    pub fn takes_part(&self, organisation: &Slug, epoch: u32) -> bool {
        self.organisation(organisation).is_some_and(|found| found.first_epoch.is_none_or(|first| first <= epoch))
    }

    /// What a version says that itself replaces a policy key without a signature by that, and so waits for a veto.
    pub(crate) fn lost_key(&self) -> Option<&Unsigned> {
        let is_own = |unsigned: &&Unsigned| unsigned.version == self.version;
        self.unsigned.as_ref().filter(is_own).filter(|unsigned| unsigned.because == Because::LostKey)
    }

    /// How many of these organisations must sign `version`. All must where that says that others are void, so that none
    /// is left with what the rest holds void; and where it changes the epochs, so that none is left without a secret.
    pub(super) fn signatures_for(&self, version: &Policy) -> usize {
        let lasting = |policy: &Policy| -> Vec<Epoch> {
            policy.epochs.iter().filter(|epoch| epoch.closes >= version.valid_from).cloned().collect()
        };
        let all_sign = !version.voids.is_empty() || lasting(self) != lasting(version);
        if all_sign { self.organisations.len() } else { self.changes.signatures.into() }
    }

    /// Whether `other` says the same of an organisation and its partners.
    pub(super) fn says_the_same_of(&self, other: &Policy, organisation: &Slug) -> bool {
        let theirs = |entry: &&RosterEntry| entry.organisation == *organisation;
        self.organisation(organisation) == other.organisation(organisation)
            && self.partners.iter().filter(theirs).eq(other.partners.iter().filter(theirs))
    }

    /// How many distinct organisations have a partner that may flag.
    pub(crate) fn flagging_organisations(&self) -> usize {
        self.flagging_organisation_names().len()
    }

    /// How many organisations may flag in the oldest epoch, numbered `first` or higher, that closes on the policy's
    /// first day or later. In no other of these may fewer: who joins with a later epoch does not count in those before.
    pub(crate) fn fewest_flagging(&self, first: u32) -> usize {
        let oldest = self.epochs.iter().find(|epoch| epoch.number >= first && epoch.closes >= self.valid_from);
        oldest.map_or_else(|| self.flagging_organisations(), |epoch| self.flagging_in(epoch.number).len())
    }

    /// The newest epoch that has opened by `day`, or else the first one.
    pub(crate) fn epoch_at(&self, day: Day) -> u32 {
        let opened = self.epochs.iter().rev().find(|epoch| epoch.opens <= day);
        opened.or(self.epochs.first()).map_or(0, |epoch| epoch.number)
    }

    /// The partner that brings others together, where there is one.
    pub fn coordinating_partner(&self) -> Option<&RosterEntry> {
        self.partners.iter().find(|partner| partner.may.coordinate)
    }

    /// Whether two organisations are told of each other when both put an address forward.
    pub fn meet_directly(&self, one: &Slug, other: &Slug) -> bool {
        let sets = self.meet.iter().flat_map(|meet| &meet.direct);
        one != other && sets.into_iter().any(|set| set.contains(one) && set.contains(other))
    }

    /// Whether an organisation that puts an address forward in an epoch is told to the coordinator: one that meets not
    /// all others directly.
    pub(crate) fn meets_by_coordinator(&self, organisation: &Slug, epoch: u32) -> bool {
        self.coordinating_partner().is_some() && !self.not_met_directly(organisation, epoch).is_empty()
    }

    /// Whether a partner of `organisation` may come to be introduced to partner `other` in an epoch: because their
    /// organisations meet directly, or because `other` is the coordinator and `organisation` is told to it.
    pub(crate) fn may_meet(&self, organisation: &Slug, other: u16, epoch: u32) -> bool {
        match self.partner(other) {
            Some(entry) if entry.may.coordinate => {
                self.takes_part(&entry.organisation, epoch) && self.meets_by_coordinator(organisation, epoch)
            }
            Some(_) => self.flags_for(other, epoch).is_some_and(|other| self.meet_directly(organisation, other)),
            None => false,
        }
    }

    /// The organisation that the flags of a partner count for in an epoch; `None` where it may not flag there.
    pub(crate) fn flags_for(&self, partner: u16, epoch: u32) -> Option<&Slug> {
        let entry = self.partner(partner).filter(|entry| entry.may.flag)?;
        Some(&entry.organisation).filter(|organisation| self.takes_part(organisation, epoch))
    }

    /// The organisations that may flag in an epoch.
    pub(crate) fn flagging_in(&self, epoch: u32) -> BTreeSet<&Slug> {
        let names = self.flagging_organisation_names().into_iter();
        names.filter(|organisation| self.takes_part(organisation, epoch)).collect()
    }

    pub(crate) fn flagging_organisation_names(&self) -> BTreeSet<&Slug> {
        self.partners.iter().filter(|partner| partner.may.flag).map(|partner| &partner.organisation).collect()
    }
}

impl Deref for Policy {
    type Target = Rules;

    fn deref(&self) -> &Rules {
        &self.0
    }
}

impl Counting {
    /// The lower bounds of the bands: the threshold, doubled again and again, up to the cap.
    pub(crate) fn bands(&self) -> impl Iterator<Item = u8> {
        let cap = self.count_cap;
        std::iter::successors(Some(self.threshold), |bound| bound.checked_mul(2)).take_while(move |bound| *bound <= cap)
    }

    /// The lower bound of the band that `count` organisations are in; counts over the cap are in the cap's band. `None`
    /// below the threshold.
    pub fn band(&self, count: usize) -> Option<u8> {
        self.bands().take_while(|bound| usize::from(*bound) <= count).last()
    }
}

impl Retention {
    /// How many renewals a flag needs that stands from `first` through `last`.
    pub(crate) fn renewals(&self, first: Day, last: Day) -> u32 {
        // The first `max_days` need none.
        u32::from(last.0.saturating_sub(first.0)).div_ceil(self.max_days.max(1).into()).saturating_sub(1)
    }

    /// The last day on which a flag may stand that began on `first` and is renewed so many times.
    pub(crate) fn longest(&self, first: Day, renewals: u32) -> Day {
        let days = u32::from(self.max_days).saturating_mul(renewals.saturating_add(1));
        first.plus(u16::try_from(days).unwrap_or(u16::MAX))
    }

    /// The most days that a flag stands in all, with every renewal that it may have.
    pub fn longest_days(&self) -> u32 {
        u32::from(self.max_days) * (u32::from(self.max_renewals) + 1)
    }
}

impl Budgets {
    /// The reasons for sweeping, in one line.
    pub(super) fn reasons(&self) -> String {
        self.sweep_reasons.iter().map(Slug::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl Permissions {
    /// The words for what is permitted, of those for flagging, asking, sweeping and coordinating.
    pub(super) fn named(self, [flag, ask, sweep, coordinate]: [&str; 4]) -> Vec<&str> {
        let all = [(self.flag, flag), (self.ask, ask), (self.sweep, sweep), (self.coordinate, coordinate)];
        all.into_iter().filter(|(may, _)| *may).map(|(_, word)| word).collect()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let words: BTreeSet<_> = self.named(["flag", "ask", "sweep", "coordinate"]).into_iter().collect();
        to.collect_seq(words)
    }
}

/// Levels in the order of their names, because their order in a policy's file says nothing.
fn as_set<S: Serializer>(levels: &[Level], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(levels.iter().map(|level| level.as_str()).collect::<BTreeSet<_>>())
}

impl Epoch {
    /// Whether the epoch is open on `day`.
    pub(crate) fn is_open(&self, day: Day) -> bool {
        (self.opens..=self.closes).contains(&day)
    }
}

impl Oin {
    /// The 20 digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Oin {
    type Err = NotAnOin;

    /// Refuses what the register of OINs would not have: see SPEC.md 6.1.
    fn from_str(text: &str) -> Result<Oin, NotAnOin> {
        let wrong = |finding| Err(NotAnOin(finding));
        let Ok(digits) = <[u8; 20]>::try_from(text.as_bytes()) else { return wrong("use 20 digits") };
        if !digits.iter().all(u8::is_ascii_digit) {
            return wrong("use 20 digits");
        }
        let (prefix, number, suffix) = (&digits[..8], &digits[8..17], &digits[17..]);
        let is_zero = |digits: &[u8]| digits.iter().all(|digit| *digit == b'0');
        if !is_zero(&prefix[..6]) || is_zero(prefix) {
            return wrong("its first eight digits name the register, from 00000001 to 00000099");
        }
        if is_zero(number) {
            return wrong("the organisation's number after the first eight digits is zero");
        }
        // A sub-OIN of the first years has a number of its own in its last three digits.
        if prefix != b"00000004" && !is_zero(suffix) {
            return wrong("the last three digits are 000");
        }
        if prefix == b"00000003" && number[8] != b'0' {
            return wrong("a number of the Chamber of Commerce has eight digits, and four zeros follow");
        }
        if matches!(prefix, b"00000001" | b"00000002") && !passes_eleven_test(number) {
            return wrong("its RSIN does not pass the test of eleven: a digit is wrong, or two have changed places");
        }
        Ok(Oin(digits))
    }
}

/// The check of an RSIN's nine digits (elfproef): 9, 8, ... 2 times the first eight, less the last, is a multiple of
/// 11.
fn passes_eleven_test(number: &[u8]) -> bool {
    let weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
    let sum: i32 = number.iter().zip(weights).map(|(digit, weight)| i32::from(digit - b'0') * weight).sum();
    sum % 11 == 0
}

impl fmt::Display for Oin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Oin {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl fmt::Debug for Oin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn look_ups() {
        let policy = sample::policy();
        assert_eq!(policy.partner(2).unwrap().organisation.as_str(), "belastingdienst");
        assert_eq!(policy.partner(0), None);
        assert_eq!(policy.partner(9), None);
        assert_eq!(policy.epoch(1).unwrap().key_id, sample::secret_file(1).key_id());
        assert_eq!(policy.epoch(2), None);
        assert_eq!((policy.organisations.len(), policy.flagging_organisations()), (4, 4));
        let police = policy.organisation(&"politie".parse().unwrap()).unwrap();
        assert_eq!(police.policy_key, sample::policy_key("politie").verifying_key());
        assert_eq!(policy.organisation(&"brandweer".parse().unwrap()), None);
    }

    #[test]
    fn bands_double() {
        let policy = sample::changed(&[("threshold = 2", "threshold = 3\ncount_cap = 30")]);
        assert_eq!(policy.counting.bands().collect::<Vec<_>>(), [3, 6, 12, 24]);
        let band = |count| policy.counting.band(count);
        assert_eq!(
            [2, 3, 5, 6, 23, 24, 31, 500].map(band),
            [None, Some(3), Some(3), Some(6), Some(12), Some(24), Some(24), Some(24)]
        );
        let highest = sample::changed(&[("threshold = 2", "threshold = 250\ncount_cap = 250")]);
        assert_eq!(highest.counting.bands().collect::<Vec<_>>(), [250]);
    }

    #[test]
    fn an_epoch_is_open_on_its_last_day() {
        let policy = sample::policy();
        let epoch = &policy.epochs[0];
        assert!(epoch.is_open(epoch.opens) && epoch.is_open(epoch.closes));
        assert!(!epoch.is_open(epoch.closes.plus(1)) && !epoch.is_open(Day(epoch.opens.0 - 1)));
    }

    #[test]
    fn oins() {
        // Logius itself, one of its services, a sub-OIN of the first years, a company, and one for tests.
        for good in [
            "00000001822477348000",
            "00000004194049711000",
            "00000004003214345001",
            "00000003123456780000",
            "00000099000000001000",
        ] {
            assert_eq!(good.parse::<Oin>().unwrap().to_string(), good);
        }
        for (bad, says) in [
            ("", "20 digits"),
            ("0000000182247734800", "20 digits"),
            ("0000000182247734800a", "20 digits"),
            ("000000018224773480000", "20 digits"),
            ("٠٠٠٠٠٠٠٠٠٠", "20 digits"),
            ("00000000822477348000", "name the register"),
            ("00000101822477348000", "name the register"),
            ("00000006000000000000", "is zero"),
            ("00000001822477348001", "last three"),
            ("00000003123456789000", "eight digits"),
            ("00000001822477384000", "test of eleven"),
            ("00000002822477349000", "test of eleven"),
        ] {
            let error = bad.parse::<Oin>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
