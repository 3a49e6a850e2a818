//! The English sentences.

use super::super::check::{
    LONGEST_EPOCH_DAYS, LONGEST_FLAG_DAYS, LONGEST_GRACE_DAYS, MOST_SETS, Problem, Reveal, counts_shown,
};
use super::super::model::{Counting, Epoch, OldKey, Permissions, Policy, Sees};
use super::language::{Change, Label, Language, Sentence, counted, grouped, listed};
use crate::address::Level;

pub(super) struct English;

impl Language for English {
    fn sentence(&self, sentence: Sentence<'_>, policy: &Policy) -> String {
        let (counting, release, budgets) = (&policy.counting, &policy.release, &policy.budgets);
        let (operator, messages, changes) = (&policy.operator, &policy.messages, &policy.changes);
        match sentence {
            Sentence::Title => format!("Policy of the consortium {}, version {}", policy.consortium, policy.version),
            Sentence::ForTests => FOR_TESTS.into(),
            Sentence::Unsafe => "THIS POLICY IS NOT SAFE AND CANNOT BE IN FORCE, because:".into(),
            Sentence::ValidFrom => format!("Valid from {}, if enough organisations have signed.", policy.valid_from),
            Sentence::Introduction => {
                "Some organisations want to know whether more is going on at an address. Each of them keeps its own files to \
                 itself. It only passes on that it has a current concern of its own about an address. A counter (a computer \
                 program, the 'broker') counts how many organisations do. The counter sees no addresses, only codes."
                    .into()
            }

            Sentence::PurposeHeading => "Purpose and legal basis".into(),
            Sentence::Purpose => {
                format!("Purpose: {}. The codes of this purpose do not match those of any other.", policy.purpose)
            }
            Sentence::LegalBasis => format!("Legal basis: {}", policy.legal_basis),

            Sentence::FlagHeading => "What does a flag mean?".into(),
            Sentence::FlagCriterion => policy.flag_criterion.clone(),
            Sentence::FlagIsOwn => {
                "A flag is always an observation of one's own. An organisation must never flag an address because of a hit."
                    .into()
            }
            Sentence::FlagSaysNoMore => {
                "A flag says nothing else: no name, no reason, no content. Only a code and the last day on which it holds."
                    .into()
            }

            Sentence::AfterHitHeading => "What happens after a hit?".into(),
            Sentence::AfterHit => policy.after_hit.clone(),
            Sentence::HitIsNoGround => {
                "A hit is never the sole ground for a decision about anybody. It only says that talking may be worth while."
                    .into()
            }
            Sentence::Coordinator => format!("Coordinator: {}", policy.coordinator),

            Sentence::RosterHeading => "Who takes part?".into(),
            Sentence::Organisations => format!(
                "{} organisations take part; {} of them may flag. A partner is a system of an organisation. All systems of \
                 one organisation count as one.",
                policy.organisations(),
                policy.flagging_organisations()
            ),
            Sentence::Partner(partner) => format!(
                "Partner {}: {}. Counts as organisation {} (OIN {}).",
                partner.number, partner.name, partner.organisation, partner.oin
            ),
            Sentence::MayFlag(partner) => match &partner.legal_basis_flag {
                Some(basis) => format!("May flag. Legal basis: {basis}"),
                None => "May not flag.".into(),
            },
            Sentence::MayAsk(partner) => match &partner.legal_basis_ask {
                Some(basis) => format!("May ask. Legal basis: {basis}"),
                None => "May not ask.".into(),
            },
            Sentence::SeesOfHit(partner) => format!("Sees of a hit: {}.", self.seen(counting, partner.sees)),
            Sentence::MaySweep => "May also ask about addresses that it does not flag itself (sweep).".into(),
            Sentence::OldKey(old) => {
                format!("Is changing keys: the old one holds until {}, that day included.", old.until)
            }

            Sentence::CountingHeading => "How is it counted?".into(),
            Sentence::Threshold => format!(
                "The counter counts distinct organisations, never messages or systems. Only when {} organisations flag the \
                 same address is it 'stacked'. That is a hit.",
                counting.threshold
            ),
            Sentence::MinSources => format!(
                "As long as fewer than {} organisations hold any flags, there is never a hit.",
                counting.min_sources
            ),
            Sentence::Example => format!(
                "Example: {} an address. Then the answer is 'below threshold'. Exactly the same answer holds for an address \
                 that nobody flags, and for flags that were withdrawn or ended. If one more organisation flags the same \
                 address, they are {} and after the next release the answer is 'stacked'.",
                match counting.threshold.saturating_sub(1) {
                    1 => "1 organisation flags".into(),
                    fewer => format!("{fewer} organisations flag"),
                },
                counting.threshold
            ),
            Sentence::CountCap => {
                let cap = counting.count_cap;
                format!("A number above {cap} is never shown: {cap} stands for more as well.")
            }
            Sentence::OwnFlagRequired if counting.own_flag_required => {
                "Whoever asks about an address that it does not flag itself only gets the answer 'no own flag', unless it may \
                 ask without (sweep, see above)."
                    .into()
            }
            Sentence::OwnFlagRequired => "Partners may ask about addresses that they do not flag themselves.".into(),
            Sentence::Levels if counting.levels.contains(&Level::Building) => {
                "It is counted by home and, apart from that, by house number. A hit on a house number may be about different \
                 homes with that number."
                    .into()
            }
            Sentence::Levels => "It is counted by home.".into(),

            Sentence::RevealsHeading => "What does an answer give away?".into(),
            Sentence::SetsExplained => {
                "An answer names no organisations. But whoever takes part knows which there are, and whether it flags itself. \
                 The fewer sets fit an answer, the easier it is to guess who they are:"
                    .into()
            }
            Sentence::KnowledgeAddsUp => {
                "Partners that put together what they know, know more than each alone.".into()
            }

            Sentence::ReleaseHeading => "When do flags become visible?".into(),
            Sentence::Immediate => "At once. This is for tests only.".into(),
            Sentence::Periodic => format!(
                "Not at once, but at fixed releases: at most one every {}. A release takes place only when flags of at least \
                 {} have changed, or once every organisation with a change has waited {}. That makes it harder to see who \
                 flagged what when.",
                match release.interval_hours {
                    1 => "hour".into(),
                    hours => format!("{hours} hours"),
                },
                organisations(release.min_changed),
                self.days(release.max_wait_days)
            ),
            Sentence::FlagEnds => "A flag ends after its last valid day, at the turn of the day (UTC).".into(),
            Sentence::Freshness => format!(
                "Every answer says which release it is of, and how many organisations confirmed their flags in the last {}. \
                 So 'nothing is going on' and 'nobody delivers' can be told apart.",
                self.days(policy.freshness_days)
            ),

            Sentence::RetentionHeading => "How long is anything kept?".into(),
            Sentence::FlagDays => format!(
                "A flag stands for at most {}. Whoever wants it to stand longer must declare so, and the log counts that.",
                self.days(policy.retention.max_days)
            ),
            Sentence::LogDays => format!(
                "The counter keeps a log in which nothing can be changed unnoticed afterwards: which partner sent which kind \
                 of message when, with how many codes. It holds no addresses and no codes. It is kept for {}.",
                self.days(policy.retention.log_days)
            ),

            Sentence::BudgetsHeading => "How much may a partner flag and ask?".into(),
            Sentence::FlagBudget => format!(
                "Each partner may flag {} new addresses a day, and hold at most {} flags at a time.",
                self.number(budgets.new_flags_a_day),
                self.number(budgets.flags_held)
            ),
            Sentence::AskBudget => format!(
                "Each partner may ask about {} addresses a day, and about {} in an epoch. Asking about one's own flags is \
                 free once a release.",
                self.number(budgets.asked_a_day),
                self.number(budgets.asked_an_epoch)
            ),
            Sentence::SweepBudget => format!(
                "Whoever may ask without a flag of its own (sweep) may do so for {} addresses a day. The reason goes into the \
                 log and is one of these: {}.",
                self.number(budgets.swept_a_day),
                budgets.reasons()
            ),
            Sentence::NobodySweeps => "Nobody may ask without a flag of its own (sweep).".into(),
            Sentence::MessageBounds => format!(
                "A full set that withdraws more than {} per cent of the flags must say that it means to. A message older than \
                 {} hours, or more than {} minutes ahead, is rejected.",
                policy.max_shrink_percent, messages.max_delay_hours, messages.max_ahead_minutes
            ),

            Sentence::OperatorHeading => "Who runs the counter?".into(),
            Sentence::OperatorName => format!(
                "{} (OIN {}). The counter does not have the partners' secret key, and must never get it.",
                operator.name, operator.oin
            ),
            Sentence::Collusion => {
                "Without that key the codes cannot be traced to addresses. An operator and a partner that collude can do it. \
                 So treat the codes as personal data."
                    .into()
            }
            Sentence::OperatorKeys => format!(
                "Replies are signed with key {}, the log {} with {}.",
                operator.verifying_key, operator.log_origin, operator.checkpoint_key
            ),

            Sentence::NeverHeading => "What is never done?".into(),
            Sentence::NoScores => "No scores, no profiles, no predictions.".into(),
            Sentence::NoContents => "No contents of files, no names and no readable addresses to the counter.".into(),
            Sentence::NoNames => "No answer says which organisations flag an address.".into(),
            Sentence::NoDecision => {
                "A hit is never the sole ground for a decision; a human being always decides.".into()
            }
            Sentence::NoSharing => "Nothing is shared automatically after a hit.".into(),

            Sentence::ExceptionsHeading => "Exceptions and points of attention".into(),
            Sentence::NoOverride => "No safety rule is set aside.".into(),
            Sentence::Override(aside) => {
                format!("The safety rule '{}' is set aside. Reason: {}", aside.rule, aside.reason)
            }

            Sentence::EpochsHeading => "Epochs".into(),
            Sentence::Epochs => {
                "The partners share a secret key. Each epoch has a new one. Codes of different epochs cannot be compared."
                    .into()
            }
            Sentence::Epoch(epoch) => format!("Epoch {}: {}.", epoch.number, self.epoch(epoch)),

            Sentence::ChangesHeading => "How does this policy change?".into(),
            Sentence::Signatures => format!(
                "This policy is in force only when {} of the {} organisations have signed. A new version names the digest of \
                 the one before, and needs signatures of that version's organisations too.",
                changes.signatures,
                policy.organisations()
            ),
            Sentence::Grace => format!(
                "Flags under the version before pass for another {}, unless the threshold went down. Questions under it are \
                 not answered.",
                self.days(changes.grace_days)
            ),
            Sentence::Leaving => format!(
                "When an organisation leaves, there is a new key within {}.",
                self.days(changes.new_epoch_within_days)
            ),
            Sentence::Previous => match policy.previous {
                None => "This is the first version.".into(),
                Some(digest) => format!("Digest of the version before: {digest}"),
            },
            Sentence::Digest => format!("Digest of this version: {}", policy.digest()),
            Sentence::DigestBinds => {
                "The digest is in every message and every reply. It commits the counter to these rules; it does not prove \
                 that the counter keeps them."
                    .into()
            }
        }
    }

    fn problem(&self, problem: &Problem) -> String {
        match problem {
            Problem::OperatorInRoster { partners } => format!(
                "The operator is in the roster (partner {}): with the partners' key it can find the address of every \
                 pseudonym. Choose another operator.",
                numbers(partners)
            ),
            Problem::Threshold => {
                "The threshold is under 2: an answer would give away the flag of one organisation. Make it 2 or more."
                    .into()
            }
            Problem::Immediate => {
                "Flags are visible at once (immediate), which shows who flags when. That is only for test = true.".into()
            }
            Problem::MinChanged => {
                "A release takes place after a change of 1 organisation, so that every new answer is that one's doing. Make \
                 release.min_changed 2 or more."
                    .into()
            }
            Problem::MinSources { min_sources, threshold } => format!(
                "min_sources ({min_sources}) is under the threshold ({threshold}). Make it {threshold} or more."
            ),
            Problem::OwnFlag => {
                "Partners may ask about addresses that they do not flag. Set own_flag_required; whoever really needs this can \
                 be given \"sweep\", with a budget of its own and a reason in the log."
                    .into()
            }
            Problem::MaxDays { days } => {
                format!("A flag may stand for {days} days. Make retention.max_days {LONGEST_FLAG_DAYS} or less.")
            }
            Problem::GraceDays { days } => format!(
                "Flags under the previous rules pass for {days} days. Make changes.grace_days {LONGEST_GRACE_DAYS} or less."
            ),
            Problem::EpochLength { epoch, days } => format!(
                "Epoch {epoch} lasts {days} days: for so long a stolen key opens all of it. Keep it to {LONGEST_EPOCH_DAYS} \
                 or less."
            ),
            Problem::Signatures { signatures, organisations, majority } => format!(
                "{signatures} of the {organisations} organisations can set the rules. Make changes.signatures {majority} or \
                 more."
            ),
            Problem::NamesSomebody(reveal) => format!(
                "{} That all but names somebody. Show these partners less (sees), lower count_cap, or enrol more \
                 organisations.",
                self.reveal(reveal)
            ),
            Problem::Test => FOR_TESTS.into(),
            Problem::Unreachable { flagging, needed } => {
                format!("{flagging} organisations flag and {needed} are needed: no address can ever be stacked.")
            }
            Problem::OnlyAfterWaiting { days } => format!(
                "Fewer organisations flag than release.min_changed: a release only takes place after {days} days."
            ),
            Problem::WaitedRelease { days } => format!(
                "After waiting {days} days a release takes place even if only 1 organisation changed anything. Whoever knows \
                 that can ascribe a new answer to it."
            ),
            Problem::FewSources { min_sources, worst } => format!(
                "While only {min_sources} organisations deliver flags, the answer {} leaves {} to whoever knows which they \
                 are. A higher min_sources helps.",
                self.answer(worst),
                possible_sets(worst.sets)
            ),
            Problem::Sweep { partners } => format!(
                "Partner {} may ask about addresses without a flag of its own (sweep), with a reason in the log.",
                numbers(partners)
            ),
            Problem::AsksInVain { partners } => {
                format!("Partner {} may ask but flags nothing itself, and so never gets an answer.", numbers(partners))
            }
            Problem::NoShrinkGuard => {
                "max_shrink_percent is 100: a truncated export can withdraw all of a partner's flags unnoticed.".into()
            }
            Problem::OverrideIdle { rule } => {
                format!("The rule '{rule}' is overridden, but there is nothing that it refuses.")
            }
        }
    }

    fn reveal(&self, reveal: &Reveal) -> String {
        let one = reveal.partners.len() == 1;
        let who = if one { "Partner" } else { "Partners" };
        let about = match (reveal.own_flag, one) {
            (true, true) => "an address that it flags itself",
            (true, false) => "an address that they flag themselves",
            (false, true) => "an address that it does not flag itself",
            (false, false) => "an address that they do not flag themselves",
        };
        let (partners, answer, sets) = (numbers(&reveal.partners), self.answer(reveal), possible_sets(reveal.sets));
        format!("{who} {partners}, about {about}: the answer {answer} leaves {sets}.")
    }

    fn answer(&self, reveal: &Reveal) -> String {
        match reveal.sees {
            Sees::Presence => "\"stacked\"".into(),
            Sees::Band | Sees::Count => format!("\"{}\"", range(reveal.low, reveal.high)),
        }
    }

    fn change(&self, change: Change<'_>) -> String {
        match change {
            Change::Version { older, newer, follows: true } => {
                format!("Version {} becomes version {}, valid from {}.", older.version, newer.version, newer.valid_from)
            }
            Change::Version { older, newer, follows: false } => format!(
                "Version {0} beside version {1}, valid from {2}. NOTE: that does not follow this version {0}.",
                older.version, newer.version, newer.valid_from
            ),
            Change::Threshold { from, to } if to < from => format!(
                "THE THRESHOLD GOES DOWN, from {from} to {to}: fewer organisations make a hit, also of flags that are there \
                 already: they count under the new threshold at once. Who does not want that does not sign, or withdraws \
                 them before."
            ),
            Change::Threshold { from, to } => {
                format!("The threshold goes up, from {from} to {to}: it takes more organisations to make a hit.")
            }
            Change::PartnerCame(partner) => {
                format!("New: partner {}, {} ({}).", partner.number, partner.name, partner.organisation)
            }
            Change::PartnerWent(partner) => {
                format!("Gone: partner {}, {} ({}).", partner.number, partner.name, partner.organisation)
            }
            Change::Value { label, was, becomes } => {
                format!("{label}. Was: {}. Becomes: {}.", quoted(was), quoted(becomes))
            }
        }
    }

    fn label(&self, label: Label<'_>) -> String {
        let text = match label {
            Label::Consortium => "Consortium",
            Label::Test => "For tests only",
            Label::Purpose => "Purpose",
            Label::LegalBasis => "Legal basis",
            Label::FlagCriterion => "What a flag means",
            Label::AfterHit => "What happens after a hit",
            Label::Coordinator => "Coordinator",
            Label::Operator => "Operator",
            Label::OperatorOin => "The operator's OIN",
            Label::ReplyKey => "Key of the replies",
            Label::CheckpointKey => "Key of the log",
            Label::LogOrigin => "Name of the log",
            Label::MinSources => "Organisations that must hold flags",
            Label::CountCap => "Highest count shown",
            Label::Levels => "Levels",
            Label::OwnFlagRequired => "Own flag required to ask",
            Label::IntervalHours => "Hours between releases",
            Label::MinChanged => "Organisations that must have changed for a release",
            Label::MaxWaitDays => "Longest wait for a release",
            Label::Immediate => "Flags visible at once",
            Label::MaxDays => "Longest time that a flag stands",
            Label::LogDays => "Time that the log is kept",
            Label::NewFlagsADay => "New flags a day",
            Label::FlagsHeld => "Flags at a time",
            Label::AskedADay => "Asked a day",
            Label::AskedAnEpoch => "Asked in an epoch",
            Label::SweptADay => "Swept a day",
            Label::SweepReasons => "Reasons to sweep",
            Label::FreshnessDays => "Freshness window",
            Label::MaxShrinkPercent => "Share of flags that may go at once, in per cent",
            Label::MaxDelayHours => "Hours that a message may be old",
            Label::MaxAheadMinutes => "Minutes that a message may be ahead",
            Label::Signatures => "Signatures needed",
            Label::GraceDays => "Time that flags under the version before pass",
            Label::NewEpochWithinDays => "Time to a new key when somebody leaves",
            Label::PartnerName => "name",
            Label::PartnerOrganisation => "organisation",
            Label::PartnerOin => "OIN",
            Label::PartnerKey => "key",
            Label::PartnerOldKey => "old key",
            Label::PartnerMay => "may",
            Label::PartnerSees => "sees",
            Label::PartnerBasisToFlag => "legal basis to flag",
            Label::PartnerBasisToAsk => "legal basis to ask",
            Label::Epoch(number) => return format!("Epoch {number}"),
            Label::Override(rule) => return format!("Reason to set the safety rule '{rule}' aside"),
        };
        text.into()
    }

    fn seen(&self, counting: &Counting, sees: Sees) -> String {
        match sees {
            Sees::Presence => "only that the address is stacked".into(),
            Sees::Band => {
                let bands: Vec<_> =
                    counts_shown(counting, sees).into_iter().map(|(low, high)| range(low, high)).collect();
                format!("the number of organisations, roughly: {}", bands.join("; "))
            }
            Sees::Count => {
                let cap = counting.count_cap;
                format!("the number of organisations; {cap} stands for {cap} or more")
            }
        }
    }

    fn permissions(&self, may: Permissions) -> String {
        may.named("flag", "ask", "ask without a flag of its own (sweep)").join(", ")
    }

    fn old_key(&self, old: &OldKey) -> String {
        format!("{}, until {}, that day included", old.verifying_key, old.until)
    }

    fn epoch(&self, epoch: &Epoch) -> String {
        format!("{} to {}, that day included, key id {}", epoch.opens, epoch.closes, epoch.key_id)
    }

    fn yes(&self, yes: bool) -> &'static str {
        if yes { "yes" } else { "no" }
    }

    fn days(&self, days: u16) -> String {
        counted(days, "day", "days")
    }

    fn number(&self, number: u32) -> String {
        grouped(number, ',')
    }
}

/// The explanation says it first, the check as a note.
const FOR_TESTS: &str = "THIS IS A POLICY FOR TESTS. Never use it with addresses of real people.";

fn organisations(count: u16) -> String {
    counted(count, "organisation", "organisations")
}

fn numbers(numbers: &[u16]) -> String {
    listed(numbers, "and", "others")
}

/// The counts from `low` to `high`, or from `low` on.
fn range(low: usize, high: Option<usize>) -> String {
    match high {
        Some(high) if high == low => low.to_string(),
        Some(high) => format!("{low} to {high}"),
        None => format!("{low} or more"),
    }
}

fn possible_sets(sets: u64) -> String {
    match sets {
        1 => "only 1 possible set of other organisations".into(),
        MOST_SETS => "more than a million possible sets of other organisations".into(),
        _ => format!("{sets} possible sets of other organisations"),
    }
}

fn quoted(text: &str) -> String {
    if text.is_empty() { "nothing".into() } else { format!("\"{text}\"") }
}
