//! A policy in plain words, for a citizen, a data protection impact assessment (DPIA) or a judge.
//!
//! Which sentences are said, and in what order, is decided here, once; what they say is in one file for each language (`nl.rs`,
//! `en.rs`). Every sentence is made of the policy's fields. What a policy leaves to its consortium to word, stands there as worded.

mod difference;
mod en;
mod lang;
mod language;
mod nl;

use language::{Language, Sentence};

pub use self::lang::{Lang, NotALang};
use super::check::{Finding, Reveal};
use super::model::{Policy, RosterEntry};

/// The longest line of an explanation, in characters.
const WIDTH: usize = 80;

impl Policy {
    /// The policy in plain words, as text with lines of at most 80 characters where words allow.
    pub fn explain(&self, lang: Lang) -> String {
        let mut page = Page { language: lang.language(), policy: self, text: String::new() };
        page.heading(Sentence::Title);
        opening(&mut page);
        page.heading(Sentence::PurposeHeading);
        page.lines(&[Sentence::Purpose, Sentence::LegalBasis]);
        page.heading(Sentence::FlagHeading);
        page.lines(&[Sentence::FlagCriterion, Sentence::FlagIsOwn, Sentence::FlagSaysNoMore]);
        page.heading(Sentence::AfterHitHeading);
        page.lines(&[Sentence::AfterHit, Sentence::HitIsNoGround, Sentence::Coordinator]);
        page.heading(Sentence::RosterHeading);
        page.lines(&[Sentence::Organisations]);
        self.partners.iter().for_each(|partner| one_partner(&mut page, partner));
        page.heading(Sentence::CountingHeading);
        page.lines(&[Sentence::Threshold, Sentence::MinSources, Sentence::Example, Sentence::CountCap]);
        page.lines(&[Sentence::OwnFlagRequired, Sentence::Levels]);
        page.heading(Sentence::RevealsHeading);
        page.lines(&[Sentence::SetsExplained]);
        for reveal in self.check().reveals {
            page.wrapped(UNDER, &reveal.text(lang));
        }
        page.lines(&[Sentence::KnowledgeAddsUp]);
        page.heading(Sentence::ReleaseHeading);
        page.lines(&[if self.release.immediate { Sentence::Immediate } else { Sentence::Periodic }]);
        page.lines(&[Sentence::FlagEnds, Sentence::Freshness]);
        page.heading(Sentence::RetentionHeading);
        page.lines(&[Sentence::FlagDays, Sentence::LogDays]);
        page.heading(Sentence::BudgetsHeading);
        page.lines(&[Sentence::FlagBudget, Sentence::AskBudget]);
        if self.partners.iter().any(|partner| partner.may.sweep) {
            page.lines(&[Sentence::SweepBudget]);
        } else if self.counting.own_flag_required {
            page.lines(&[Sentence::NobodySweeps]);
        }
        page.lines(&[Sentence::MessageBounds]);
        page.heading(Sentence::OperatorHeading);
        page.lines(&[Sentence::OperatorName, Sentence::Collusion, Sentence::OperatorKeys]);
        page.heading(Sentence::NeverHeading);
        page.lines(&[
            Sentence::NoScores,
            Sentence::NoContents,
            Sentence::NoNames,
            Sentence::NoDecision,
            Sentence::NoSharing,
        ]);
        page.heading(Sentence::ExceptionsHeading);
        exceptions(&mut page, lang);
        page.heading(Sentence::EpochsHeading);
        page.lines(&[Sentence::Epochs]);
        self.epochs.iter().for_each(|epoch| page.under(Sentence::Epoch(epoch)));
        page.heading(Sentence::ChangesHeading);
        page.lines(&[Sentence::Signatures, Sentence::Grace, Sentence::Leaving, Sentence::Previous, Sentence::Digest]);
        page.wrapped("", &page.said(Sentence::DigestBinds));
        page.text
    }
}

impl Finding {
    /// What was found, and what to do.
    pub fn text(&self, lang: Lang) -> String {
        lang.language().problem(&self.problem)
    }
}

impl Reveal {
    /// The answer as it is shown, with what it leaves open.
    pub fn text(&self, lang: Lang) -> String {
        lang.language().reveal(self)
    }

    /// The answer in quotes: "2", "2 to 3", "4 or more", or that there is a stack.
    pub fn answer(&self, lang: Lang) -> String {
        lang.language().answer(self)
    }
}

/// The explanation as far as it is written.
struct Page<'a> {
    language: &'static dyn Language,
    policy: &'a Policy,
    text: String,
}

/// What a sentence that stands under another begins with.
const UNDER: &str = "    ";

impl Page<'_> {
    fn heading(&mut self, heading: Sentence<'_>) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let heading = self.said(heading);
        self.wrapped("", &heading);
        let length = heading.chars().count().min(WIDTH);
        self.text.push_str(&"-".repeat(length));
        self.text.push('\n');
    }

    fn lines(&mut self, sentences: &[Sentence<'_>]) {
        for sentence in sentences {
            self.wrapped("- ", &self.said(*sentence));
        }
    }

    fn under(&mut self, sentence: Sentence<'_>) {
        self.wrapped(UNDER, &self.said(sentence));
    }

    fn said(&self, sentence: Sentence<'_>) -> String {
        self.language.sentence(sentence, self.policy)
    }

    /// A paragraph, its first line after `first`, the rest as far from the margin.
    fn wrapped(&mut self, first: &str, paragraph: &str) {
        let indent = first.chars().count();
        self.text.push_str(first);
        let mut column = indent;
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if column > indent {
                if column + 1 + length > WIDTH {
                    self.text.push('\n');
                    self.text.push_str(&" ".repeat(indent));
                    column = indent;
                } else {
                    self.text.push(' ');
                    column += 1;
                }
            }
            self.text.push_str(word);
            column += length;
        }
        self.text.push('\n');
    }
}

fn opening(page: &mut Page<'_>) {
    if page.policy.test {
        page.lines(&[Sentence::ForTests]);
    }
    let check = page.policy.check();
    if !check.is_safe() {
        page.lines(&[Sentence::Unsafe]);
        for refusal in check.standing() {
            page.wrapped(UNDER, &page.language.problem(&refusal.problem));
        }
    }
    page.lines(&[Sentence::ValidFrom, Sentence::Introduction]);
}

fn one_partner(page: &mut Page<'_>, partner: &RosterEntry) {
    page.lines(&[Sentence::Partner(partner)]);
    page.under(Sentence::MayFlag(partner));
    page.under(Sentence::MayAsk(partner));
    if partner.may.ask {
        page.under(Sentence::SeesOfHit(partner));
    }
    if partner.may.sweep {
        page.under(Sentence::MaySweep);
    }
    if let Some(old) = &partner.old_key {
        page.under(Sentence::OldKey(old));
    }
}

fn exceptions(page: &mut Page<'_>, lang: Lang) {
    let (policy, check) = (page.policy, page.policy.check());
    if policy.overrides.is_empty() {
        page.lines(&[Sentence::NoOverride]);
    }
    for aside in &policy.overrides {
        page.lines(&[Sentence::Override(aside)]);
        for refusal in check.refusals.iter().filter(|refusal| refusal.rule == aside.rule) {
            page.wrapped(UNDER, &refusal.text(lang));
        }
    }
    // That it is for tests is said first of all.
    for note in check.notes.iter().filter(|note| note.rule != "test") {
        page.wrapped("- ", &note.text(lang));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    #[test]
    fn every_text_of_the_policy_is_in_it() {
        let policy = sample::policy();
        for lang in [Lang::Nl, Lang::En] {
            let page = policy.explain(lang).split_whitespace().collect::<Vec<_>>().join(" ");
            let mut texts = vec![
                policy.legal_basis.clone(),
                policy.flag_criterion.clone(),
                policy.after_hit.clone(),
                policy.coordinator.clone(),
                policy.operator.name.clone(),
                policy.operator.verifying_key.to_string(),
                policy.operator.checkpoint_key.to_string(),
                policy.operator.log_origin.clone(),
                policy.digest().to_string(),
                policy.epochs[0].key_id.to_string(),
                policy.epochs[0].closes.to_string(),
                policy.valid_from.to_string(),
            ];
            for partner in &policy.partners {
                texts.extend([partner.name.clone(), partner.oin.to_string(), partner.organisation.to_string()]);
                texts.extend(partner.legal_basis_flag.clone());
                texts.extend(partner.legal_basis_ask.clone());
            }
            for text in texts {
                assert!(page.contains(&text), "{lang:?} lacks {text}");
            }
        }
    }

    #[test]
    fn an_override_and_its_reason_are_in_it() {
        let policy = sample::changed(&[
            ("threshold = 2", "threshold = 2\ncount_cap = 4"),
            ("[[epoch]]", "[[override]]\nrule = \"names-somebody\"\nreason = \"Zo besloten\"\n[[epoch]]"),
        ]);
        for (lang, reason) in [(Lang::Nl, "Reden: Zo besloten"), (Lang::En, "Reason: Zo besloten")] {
            let page = policy.explain(lang);
            assert!(page.contains(reason) && page.contains("\"4 "), "{page}");
        }
    }

    #[test]
    fn what_is_unsafe_or_a_test_is_said_first() {
        let policy = sample::changed(&[("threshold = 2", "threshold = 1"), ("[operator]", "test = true\n[operator]")]);
        let page = policy.explain(Lang::Nl);
        let opening: String = page.lines().take(10).collect();
        assert!(opening.contains("REGELS VOOR EEN TEST") && opening.contains("NIET VEILIG"), "{opening}");
        assert!(!sample::policy().explain(Lang::Nl).contains("NIET VEILIG"));
    }

    #[test]
    fn lines_are_short_where_words_allow() {
        for lang in [Lang::Nl, Lang::En] {
            for line in sample::policy().explain(lang).lines() {
                assert!(line.chars().count() <= WIDTH || !line.trim().contains(' '), "{line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }
}
