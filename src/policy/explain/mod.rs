//! A policy in plain words, for a citizen, a data protection impact assessment (DPIA) or a judge.
//!
//! Which sentences are said, and in what order, is decided here, once; their words are in one file for each language
//! (`nl.txt`, `en.txt`). What a policy leaves to its consortium to word, stands there as worded.

mod catalogue;
mod difference;
mod facts;
mod lang;
mod pack;

use catalogue::{Blank, Catalogue};
use facts::{explained, of_finding, of_unsigned, tls_oins};

pub use self::lang::{Lang, NotALang};
pub use self::pack::{Letter, OPEN, Paper};
use super::check::{Check, Finding, NOT_ASKED, Reveal};
use super::model::{Answers, Organisation, Policy, RegisterUse, RosterEntry, SignIn};
use crate::address::Level;

/// The longest line of an explanation, in characters.
const WIDTH: usize = 80;

/// What a sentence that stands under another begins with.
const UNDER: &str = "    ";

/// A part of an explanation, for a program that lays it out by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Paragraph {
    /// The heading of what follows.
    Heading(String),
    /// A sentence, or a few.
    Sentence(String),
    /// What belongs to the sentence before.
    Detail(String),
}

impl Policy {
    /// The policy in plain words, part by part.
    pub fn explained(&self, lang: Lang) -> Vec<Paragraph> {
        self.page(lang).paragraphs
    }

    /// The policy in plain words, as text with lines of at most 80 characters where words allow.
    pub fn explain(&self, lang: Lang) -> String {
        self.page(lang).text
    }

    fn page(&self, lang: Lang) -> Page {
        let words = lang.catalogue();
        let mut page = Page { lang, words, facts: explained(self, words), text: String::new(), paragraphs: Vec::new() };
        let check = self.check();
        introduction(&mut page, self, &check);
        meaning(&mut page, self, &check);
        answers(&mut page, self, &check);
        bounds(&mut page, self);
        exceptions(&mut page, self, &check);
        epochs_and_changes(&mut page, self);
        page
    }
}

fn introduction(page: &mut Page, policy: &Policy, check: &Check) {
    page.heading("title");
    if policy.test {
        page.lines(&["problem.test"]);
    }
    if !check.is_safe() {
        page.lines(&["unsafe"]);
        check.standing().for_each(|refusal| page.wrapped(UNDER, &refusal.text(page.lang)));
    }
    page.lines(&["valid_from", "introduction"]);
}

/// What a flag and a hit mean, and who takes part.
fn meaning(page: &mut Page, policy: &Policy, check: &Check) {
    page.heading("purpose_heading");
    page.lines(&["purpose", "legal_basis"]);
    page.heading("flag_heading");
    page.wrapped("- ", &policy.flag_criterion);
    page.lines(&["flag_is_own", "flag_says_no_more"]);
    page.heading("after_hit_heading");
    page.wrapped("- ", &policy.after_hit);
    page.lines(&["hit_is_no_ground", "coordinator"]);
    meeting(page, policy, check);
    page.heading("roster_heading");
    page.lines(&["organisations"]);
    policy.organisations.iter().for_each(|organisation| one_organisation(page, organisation));
    policy.partners.iter().for_each(|partner| one_partner(page, policy, partner));
}

/// How those who flag an address come to talk.
fn meeting(page: &mut Page, policy: &Policy, check: &Check) {
    if policy.counting.answers == Some(Answers::Totals) {
        page.lines(&["totals_only"]);
    }
    let Some(meet) = &policy.meet else { return page.lines(&["no_meet"]) };
    page.lines(&["put_forward"]);
    if policy.coordinating_partner().is_some() {
        page.lines(&["met_by_coordinator"]);
    }
    if !meet.direct.is_empty() {
        page.lines(&["met_directly"]);
    }
    page.lines(&[if meet.tell_others { "tells_others" } else { "tells_no_others" }]);
    for note in check.notes.iter().filter(|note| note.rule == NOT_ASKED) {
        page.wrapped(UNDER, &note.text(page.lang));
    }
    page.lines(&["notes"]);
}

/// How answers come about, and what they give away.
fn answers(page: &mut Page, policy: &Policy, check: &Check) {
    page.heading("counting_heading");
    page.lines(&["threshold", "min_sources", "example", "count_cap"]);
    let own_flag = policy.counting.own_flag_required;
    page.lines(&[if own_flag { "own_flag_required" } else { "own_flag_not_required" }]);
    let numbers = policy.counting.levels.contains(&Level::Number);
    page.lines(&[if numbers { "number_level" } else { "unit_level" }]);
    page.lines(&[match policy.counting.register {
        RegisterUse::Required => "register_required",
        RegisterUse::Optional => "register_optional",
    }]);
    if !check.reveals.is_empty() {
        page.heading("reveals_heading");
        page.lines(&["sets_explained"]);
        check.reveals.iter().for_each(|reveal| page.wrapped(UNDER, &reveal.text(page.lang)));
        page.lines(&["knowledge_adds_up"]);
    }
    page.heading("release_heading");
    page.lines(&[if policy.release.immediate { "immediate" } else { "periodic" }, "flag_ends", "freshness"]);
}

/// How long things are kept, how much may be done, and what never is.
fn bounds(page: &mut Page, policy: &Policy) {
    page.heading("retention_heading");
    let renewable = policy.retention.max_renewals > 0;
    page.lines(&["flag_days", if renewable { "renewals" } else { "no_renewals" }, "flagged_again", "log_days"]);
    page.heading("budgets_heading");
    page.lines(&["flag_budget", "first_set_budget", "ask_budget"]);
    if policy.partners.iter().any(|partner| partner.may.sweep) {
        page.lines(&["sweep_budget"]);
    } else if policy.counting.own_flag_required {
        page.lines(&["nobody_sweeps"]);
    }
    page.lines(&["message_bounds"]);
    page.heading("operator_heading");
    page.lines(&["operator_name", "collusion", "operator_keys"]);
    page.lines(&[if policy.operator.addresses.is_empty() { "no_addresses" } else { "addresses" }]);
    page.heading("never_heading");
    page.lines(&["no_scores", "no_contents", "no_names", "no_decision", "no_sharing"]);
    page.heading("contact_heading");
    match policy.contact_point {
        Some(_) => page.lines(&["contact_point", "contact_answers"]),
        None => page.lines(&["no_contact_point"]),
    }
}

fn exceptions(page: &mut Page, policy: &Policy, check: &Check) {
    page.heading("exceptions_heading");
    if policy.overrides.is_empty() {
        page.lines(&["no_override"]);
    }
    for aside in &policy.overrides {
        page.with("- ", "override", &[("rule", aside.rule.clone()), ("reason", aside.reason.clone())]);
        let refusals = check.refusals.iter().filter(|refusal| refusal.rule == aside.rule);
        refusals.for_each(|refusal| page.wrapped(UNDER, &refusal.text(page.lang)));
    }
    // That it is for tests is said first of all, and who is never asked with how they meet.
    for note in check.notes.iter().filter(|note| !["test", NOT_ASKED].contains(&note.rule)) {
        page.wrapped("- ", &note.text(page.lang));
    }
}

fn epochs_and_changes(page: &mut Page, policy: &Policy) {
    page.heading("epochs_heading");
    page.lines(&["epochs"]);
    for epoch in &policy.epochs {
        page.with(UNDER, "epoch", &[("number", epoch.number.to_string()), ("days", page.words.epoch(epoch))]);
    }
    page.heading("changes_heading");
    let before = if policy.previous.is_some() { "previous" } else { "first_version" };
    page.lines(&["signatures", "one_unsigned", "joining", "grace", "leaving", "certificates"]);
    if let Some(unsigned) = &policy.unsigned {
        page.wrapped("- ", &of_unsigned(unsigned, page.words));
    }
    page.lines(if policy.voids.is_empty() { &[] } else { &["voids"] });
    page.lines(&[before, "digest"]);
    page.wrapped("", &page.words.word("digest_binds"));
}

impl Finding {
    /// What was found, and what to do.
    pub fn text(&self, lang: Lang) -> String {
        let words = lang.catalogue();
        words.say(&format!("problem.{}", self.rule), &of_finding(self, words))
    }
}

impl Reveal {
    /// The answer as it is shown, with what it leaves open.
    pub fn text(&self, lang: Lang) -> String {
        lang.catalogue().reveal(self)
    }
}

fn one_organisation(page: &mut Page, organisation: &Organisation) {
    let blanks = [
        ("slug", organisation.slug.to_string()),
        ("name", organisation.name.clone()),
        ("oin", organisation.oin.to_string()),
        ("policy_key", organisation.policy_key.to_string()),
        ("contact", organisation.contact.clone()),
    ];
    page.with("- ", "organisation", &blanks);
    page.with(UNDER, "connects", &[("tls_oins", tls_oins(organisation))]);
    if let Some(epoch) = organisation.first_epoch {
        page.with(UNDER, "joined", &[("first_epoch", epoch.to_string())]);
    }
}

fn one_partner(page: &mut Page, policy: &Policy, partner: &RosterEntry) {
    let blanks = [
        ("number", partner.number.to_string()),
        ("name", partner.name.clone()),
        ("organisation", partner.organisation.to_string()),
    ];
    page.with("- ", "partner", &blanks);
    match &partner.legal_basis_flag {
        Some(basis) => page.with(UNDER, "may_flag", &[("basis", basis.clone())]),
        None => page.with(UNDER, "may_not_flag", &[]),
    }
    match &partner.legal_basis_ask {
        Some(basis) => {
            page.with(UNDER, "may_ask", &[("basis", basis.clone())]);
            page.with(UNDER, "sees_of_hit", &[("seen", page.words.seen(&policy.counting, partner.sees))]);
        }
        None => page.with(UNDER, "may_not_ask", &[]),
    }
    if partner.may.sweep {
        page.with(UNDER, "may_sweep", &[]);
    }
    if let Some(basis) = &partner.legal_basis_coordinate {
        page.with(UNDER, "may_coordinate", &[("basis", basis.clone())]);
    }
    if partner.sign_in == Some(SignIn::OneUser) {
        page.with(UNDER, "one_user", &[]);
    }
}

/// The explanation as far as it is written.
struct Page {
    lang: Lang,
    words: &'static Catalogue,
    facts: Vec<Blank>,
    text: String,
    paragraphs: Vec<Paragraph>,
}

impl Page {
    fn heading(&mut self, name: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let heading = self.words.say(name, &self.facts);
        self.write("", &heading);
        let length = heading.chars().count().min(WIDTH);
        self.text.push_str(&"-".repeat(length));
        self.text.push('\n');
        self.paragraphs.push(Paragraph::Heading(heading));
    }

    /// Sentences on the policy as a whole, each on lines of its own.
    fn lines(&mut self, names: &[&str]) {
        for name in names {
            self.wrapped("- ", &self.words.say(name, &self.facts));
        }
    }

    /// A sentence with blanks of its own.
    fn with(&mut self, first: &str, name: &str, blanks: &[Blank]) {
        self.wrapped(first, &self.words.say(name, blanks));
    }

    /// A sentence, and what belongs to the one before where it stands under that.
    fn wrapped(&mut self, first: &str, sentence: &str) {
        self.write(first, sentence);
        let make = if first == UNDER { Paragraph::Detail } else { Paragraph::Sentence };
        self.paragraphs.push(make(sentence.to_owned()));
    }

    /// A paragraph, its first line after `first`, the rest as far from the margin.
    fn write(&mut self, first: &str, paragraph: &str) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    #[test]
    fn one_user_without_a_provider_is_shown_at_the_partner_that_has_it() {
        let sees = "sees = \"presence\"";
        let policy = sample::changed(&[(sees, &format!("{sees}\nsign_in = \"one-user\""))]);
        for (lang, said) in [(Lang::Nl, "niemand controleerde wie het was"), (Lang::En, "nobody verified who it was")] {
            let shown = |policy: &Policy| {
                let page = policy.explain(lang).split_whitespace().collect::<Vec<_>>().join(" ");
                page.matches(said).count()
            };
            assert_eq!((shown(&policy), shown(&sample::policy())), (1, 0), "{said}");
        }
    }

    #[test]
    fn every_text_of_the_policy_is_in_it() {
        let policy = sample::policy();
        let contact = policy.contact_point.as_ref().unwrap();
        for lang in [Lang::Nl, Lang::En] {
            let page = policy.explain(lang).split_whitespace().collect::<Vec<_>>().join(" ");
            let mut texts = vec![
                policy.legal_basis.clone(),
                policy.flag_criterion.clone(),
                policy.after_hit.clone(),
                policy.coordinator.clone(),
                contact.name.clone(),
                policy.operator.name.clone(),
                policy.operator.verifying_key.to_string(),
                policy.operator.checkpoint_key.to_string(),
                policy.operator.log_origin.clone(),
                policy.digest().to_string(),
                policy.epochs[0].key_id.to_string(),
                policy.epochs[0].closes.to_string(),
                policy.valid_from.to_string(),
            ];
            texts.extend(contact.ways().into_iter().filter_map(|(_, way)| way.clone()));
            for partner in &policy.partners {
                texts.extend([partner.name.clone(), partner.organisation.to_string()]);
                texts.extend(partner.legal_basis_flag.clone());
                texts.extend(partner.legal_basis_ask.clone());
            }
            for organisation in &policy.organisations {
                texts.extend([organisation.name.clone(), organisation.oin.to_string(), organisation.contact.clone()]);
                texts.push(organisation.policy_key.to_string());
            }
            for text in texts {
                assert!(page.contains(&text), "{lang:?} lacks {text}");
            }
        }
    }

    #[test]
    fn how_is_counted_and_what_that_gives_away_is_in_it() {
        let said = |changes: &[(&str, &str)], sentences: [&str; 3]| {
            let page = sample::changed(changes).explain(Lang::En).split_whitespace().collect::<Vec<_>>().join(" ");
            for sentence in sentences {
                assert!(page.contains(sentence), "{sentence}\n{page}");
            }
        };
        said(&[], ["Only when 2 organisations", "only gets the answer 'no own flag'", "It is counted by home. "]);
        let open = "threshold = 3\nlevels = [\"unit\", \"number\"]\nown_flag_required = false";
        let sentences =
            ["Only when 3 organisations", "may ask about addresses that they do not flag", "also one that does not"];
        said(&[("threshold = 2", open)], sentences);
    }

    #[test]
    fn where_the_broker_is_and_who_connects_is_in_it() {
        let page = |changes: &[(&str, &str)]| {
            sample::changed(changes).explain(Lang::En).split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let changed = page(&[
            ("log_origin =", "addresses = [\"https://b.example.nl\", \"https://a.example.nl\"]\nlog_origin ="),
            ("slug = \"politie\"", "slug = \"politie\"\ntls_oins = [\"00000099000000007000\"]"),
        ]);
        assert!(changed.contains("reach the broker at https://a.example.nl, https://b.example.nl."), "{changed}");
        assert!(changed.contains("TLS certificates of OIN 00000099000000007000."), "{changed}");
        let as_it_is = page(&[]);
        assert!(as_it_is.contains("has no address on a network"), "{as_it_is}");
        let own = sample::policy().organisations[0].oin;
        assert!(as_it_is.contains(&format!("TLS certificates of OIN {own}.")), "{as_it_is}");
    }

    #[test]
    fn a_test_without_a_contact_point_says_so() {
        let test = sample::changed(&[("[operator]", "test = true\n[operator]"), (sample::CONTACT_POINT, "")]);
        assert!(test.explain(Lang::En).contains("There is no contact point"));
        assert!(test.explain(Lang::Nl).contains("Er is geen contactpunt"));
        let whole = sample::policy().explain(Lang::Nl).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(!whole.contains("geen contactpunt") && whole.contains("per e-mail: privacy@zaanstad.example."));
    }

    #[test]
    fn whether_a_register_is_required_is_in_it() {
        let said = |register: &str, lang: Lang| {
            let counting = format!("threshold = 2\nregister = \"{register}\"");
            let page = sample::changed(&[("threshold = 2", &counting)]).explain(lang);
            page.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let (required, optional) = ("Every partner looks each address up", "A partner need not look addresses up");
        let page = said("required", Lang::En);
        assert!(page.contains(required) && !page.contains(optional), "{page}");
        let page = said("optional", Lang::En);
        assert!(page.contains(optional) && !page.contains(required), "{page}");
        assert!(said("required", Lang::Nl).contains("Iedere partner zoekt elk adres op"));
        assert!(said("optional", Lang::Nl).contains("Een partner hoeft adressen niet op te zoeken"));
    }

    #[test]
    fn how_those_who_put_forward_meet_is_in_it() {
        let said = |policy: &Policy, lang: Lang| policy.explain(lang).split_whitespace().collect::<Vec<_>>().join(" ");
        let policy = sample::with_meet(&[]);
        let page = said(&policy, Lang::En);
        for sentence in [
            "May not flag. May not ask. Brings together those who put an address forward. Legal basis: Wet",
            "may put forward 20 a day and 200 at a time.",
            "to the coordinator, partner 5 (Coördinatiepunt ondermijning), once it is stacked",
            "put the same address forward: belastingdienst, politie.",
            "asked to answer within 5 days:",
            "writes at most 100 a day.",
            "politie does not hear that another organisation put an address forward",
        ] {
            assert!(page.contains(sentence), "{sentence}\n{page}");
        }
        let page = said(&policy, Lang::Nl);
        assert!(page.contains("mag er 20 per dag aandragen") && page.contains("partner 5 (Coördinatiepunt"), "{page}");
        let silent = said(&sample::with_meet(&[("[meet]", "[meet]\ntell_others = false")]), Lang::En);
        assert!(
            silent.contains("do not hear that somebody put it forward") && !silent.contains("politie does not hear")
        );
        assert_eq!(
            said(&policy, Lang::En).matches("politie does not hear").count(),
            1,
            "and not among the exceptions again"
        );
        assert!(said(&sample::policy(), Lang::En).contains("is not arranged by the broker"));
        let totals = sample::changed(&[("threshold = 2", "threshold = 2\nanswers = \"totals\"")]);
        let page = said(&totals, Lang::En);
        assert!(page.contains("This is a pilot") && page.contains("is not arranged by the broker"), "{page}");
        assert!(said(&totals, Lang::Nl).contains("Dit is een proef"));
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
    fn the_parts_are_those_of_the_text() {
        let policy = sample::policy();
        let text = policy.explain(Lang::Nl);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let mut parts = Vec::new();
        for part in policy.explained(Lang::Nl) {
            let (marker, said) = match part {
                Paragraph::Heading(said) => ("", said),
                Paragraph::Sentence(said) => ("-", said),
                Paragraph::Detail(said) => ("", said),
            };
            parts.extend(words(&format!("{marker} {said}")));
        }
        // Lines under headings are no words, and the last sentence has no dash.
        let mut said: Vec<String> = words(&text).into_iter().filter(|word| !word.starts_with("--")).collect();
        let last = policy.explained(Lang::Nl).pop();
        let Some(Paragraph::Sentence(last)) = last else { panic!("{last:?}") };
        said.insert(said.len() - words(&last).len(), "-".to_owned());
        assert_eq!(parts, said);
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
