//! What can be said of a policy, in any language: a language is one implementation of [`Language`].

use super::super::check::{Problem, Reveal};
use super::super::model::{Counting, Epoch, OldKey, Override, Permissions, Policy, RosterEntry, Sees};

/// All the sentences and words of one language.
pub(super) trait Language {
    /// A sentence of the explanation.
    fn sentence(&self, sentence: Sentence<'_>, policy: &Policy) -> String;

    /// What is wrong with a policy or worth knowing of it, and what to do.
    fn problem(&self, problem: &Problem) -> String;

    /// An answer, who may be shown it, and what it leaves open.
    fn reveal(&self, reveal: &Reveal) -> String;

    /// An answer in quotes.
    fn answer(&self, reveal: &Reveal) -> String;

    /// What changes between two versions of a policy.
    fn change(&self, change: Change<'_>) -> String;

    /// The name of a value that a policy holds.
    fn label(&self, label: Label<'_>) -> String;

    /// What a partner is shown of a count.
    fn seen(&self, counting: &Counting, sees: Sees) -> String;

    /// What a partner may do, in words.
    fn permissions(&self, may: Permissions) -> String;

    /// A key that is being replaced, and until when it holds.
    fn old_key(&self, old: &OldKey) -> String;

    /// The days of an epoch and its key id.
    fn epoch(&self, epoch: &Epoch) -> String;

    /// Yes or no.
    fn yes(&self, yes: bool) -> &'static str;

    /// A number of days: "14 days".
    fn days(&self, days: u16) -> String;

    /// A number with its thousands apart: 10.000 in Dutch, 10,000 in English.
    fn number(&self, number: u32) -> String;
}

/// A heading or a sentence of the explanation. What it says is in the policy, save what it carries itself.
#[derive(Clone, Copy)]
pub(super) enum Sentence<'a> {
    Title,
    ForTests,
    Unsafe,
    ValidFrom,
    Introduction,

    PurposeHeading,
    Purpose,
    LegalBasis,

    FlagHeading,
    FlagCriterion,
    FlagIsOwn,
    FlagSaysNoMore,

    AfterHitHeading,
    AfterHit,
    HitIsNoGround,
    Coordinator,

    RosterHeading,
    Organisations,
    Partner(&'a RosterEntry),
    MayFlag(&'a RosterEntry),
    MayAsk(&'a RosterEntry),
    SeesOfHit(&'a RosterEntry),
    MaySweep,
    OldKey(&'a OldKey),

    CountingHeading,
    Threshold,
    MinSources,
    Example,
    CountCap,
    OwnFlagRequired,
    Levels,

    RevealsHeading,
    SetsExplained,
    KnowledgeAddsUp,

    ReleaseHeading,
    Immediate,
    Periodic,
    FlagEnds,
    Freshness,

    RetentionHeading,
    FlagDays,
    LogDays,

    BudgetsHeading,
    FlagBudget,
    AskBudget,
    SweepBudget,
    NobodySweeps,
    MessageBounds,

    OperatorHeading,
    OperatorName,
    Collusion,
    OperatorKeys,

    NeverHeading,
    NoScores,
    NoContents,
    NoNames,
    NoDecision,
    NoSharing,

    ExceptionsHeading,
    NoOverride,
    Override(&'a Override),

    EpochsHeading,
    Epochs,
    Epoch(&'a Epoch),

    ChangesHeading,
    Signatures,
    Grace,
    Leaving,
    Previous,
    Digest,
    DigestBinds,
}

/// What changes between two versions of a policy.
#[derive(Clone, Copy)]
pub(super) enum Change<'a> {
    /// The versions themselves, and whether the newer one names the older as the one before it.
    Version {
        older: &'a Policy,
        newer: &'a Policy,
        follows: bool,
    },
    Threshold {
        from: u8,
        to: u8,
    },
    PartnerCame(&'a RosterEntry),
    PartnerWent(&'a RosterEntry),
    /// A value under its label. An empty text stands for nothing.
    Value {
        label: &'a str,
        was: &'a str,
        becomes: &'a str,
    },
}

/// The name of a value that a policy holds.
#[derive(Clone, Copy)]
pub(super) enum Label<'a> {
    Consortium,
    Test,
    Purpose,
    LegalBasis,
    FlagCriterion,
    AfterHit,
    Coordinator,
    Operator,
    OperatorOin,
    ReplyKey,
    CheckpointKey,
    LogOrigin,
    MinSources,
    CountCap,
    Levels,
    OwnFlagRequired,
    IntervalHours,
    MinChanged,
    MaxWaitDays,
    Immediate,
    MaxDays,
    LogDays,
    NewFlagsADay,
    FlagsHeld,
    AskedADay,
    AskedAnEpoch,
    SweptADay,
    SweepReasons,
    FreshnessDays,
    MaxShrinkPercent,
    MaxDelayHours,
    MaxAheadMinutes,
    Signatures,
    GraceDays,
    NewEpochWithinDays,

    PartnerName,
    PartnerOrganisation,
    PartnerOin,
    PartnerKey,
    PartnerOldKey,
    PartnerMay,
    PartnerSees,
    PartnerBasisToFlag,
    PartnerBasisToAsk,

    Epoch(u32),
    Override(&'a str),
}

/// "1 day", "14 days": a number and the word that goes with it.
pub(super) fn counted(count: u16, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// "1, 2 and 3". Of more than 20 numbers the rest are counted: "… 20 and 5 others".
pub(super) fn listed(numbers: &[u16], and: &str, others: &str) -> String {
    const MAX_LISTED: usize = 20;
    let texts: Vec<_> = numbers.iter().take(MAX_LISTED).map(u16::to_string).collect();
    match (numbers.len().saturating_sub(MAX_LISTED), texts.split_last()) {
        (0, Some((last, rest))) if !rest.is_empty() => format!("{} {and} {last}", rest.join(", ")),
        (0, _) => texts.concat(),
        (more, _) => format!("{} {and} {more} {others}", texts.join(", ")),
    }
}

/// A number with `separator` between its thousands.
pub(super) fn grouped(number: u32, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}
