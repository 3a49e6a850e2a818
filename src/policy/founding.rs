//! The first version of a policy, made of enrolments: `stapel policy new`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use super::enrolment::{
    Enrolment, EnrolmentError, SecretOfEpoch, operator_lines, organisation_lines, partner_lines, quoted,
};
use super::model::{ContactPoint, Operator, Organisation, Policy, RosterEntry};
use crate::day::Day;
use crate::slug::Slug;

/// The width to which texts are wrapped in the policy's file.
const WIDTH: usize = 110;

/// What a first version says beyond what enrolments do. Texts may be missing, which [`Founding::text`] then says.
#[derive(Clone, Debug)]
pub struct Founding {
    /// The consortium.
    pub consortium: Slug,
    /// The purpose (doel) of it.
    pub purpose: Slug,
    /// The first day of its validity, on which the first epoch opens.
    pub valid_from: Day,
    /// The last day of the first epoch.
    pub closes: Day,
    /// Whether it is for tests only: flags then show at once, and texts that are missing are made up.
    pub test: bool,
    /// The fewest organisations that stack.
    pub threshold: u8,
    /// The legal basis (grondslag) of the consortium.
    pub legal_basis: Option<String>,
    /// What a flag means.
    pub flag_criterion: Option<String>,
    /// What a partner does after a hit.
    pub after_hit: Option<String>,
    /// How to reach the coordinator.
    pub coordinator: Option<String>,
    /// Where a citizen turns to.
    pub contact_point: Option<ContactPoint>,
}

/// The options of `stapel policy new` that the keys of a policy are from.
const OPTIONS: [(&str, &str); 15] = [
    ("consortium", "--consortium"),
    ("purpose", "--purpose"),
    ("valid_from", "--valid-from"),
    ("epoch.closes", "--closes"),
    ("counting.threshold", "--threshold"),
    ("legal_basis", "--legal-basis, or the file of --texts"),
    ("flag_criterion", "--flag-criterion, or the file of --texts"),
    ("after_hit", "--after-hit, or the file of --texts"),
    ("coordinator", "--coordinator, or the file of --texts"),
    ("contact_point", CONTACT_OPTIONS),
    ("contact_point.name", "--contact-point, or the file of --texts"),
    ("contact_point.postal_address", "--contact-address, or the file of --texts"),
    ("contact_point.telephone", "--contact-telephone, or the file of --texts"),
    ("contact_point.email", "--contact-email, or the file of --texts"),
    ("contact_point.url", "--contact-url, or the file of --texts"),
];

const CONTACT_OPTIONS: &str = "--contact-point with --contact-address, --contact-telephone, --contact-email or \
                               --contact-url, or the file of --texts";

/// Enrolments sorted by kind, each with the name of the file it is from.
#[derive(Default)]
pub(super) struct Enrolled<'a> {
    pub(super) operators: Vec<(&'a str, &'a Operator)>,
    pub(super) organisations: Vec<(&'a str, &'a Organisation)>,
    pub(super) partners: Vec<(&'a str, &'a RosterEntry)>,
    pub(super) epochs: Vec<(&'a str, &'a SecretOfEpoch)>,
    /// What is wrong with them, so far.
    pub(super) findings: Vec<String>,
}

/// The texts that a file of them may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTexts {
    legal_basis: Option<String>,
    flag_criterion: Option<String>,
    after_hit: Option<String>,
    coordinator: Option<String>,
    contact_point: Option<RawContact>,
}

/// The table `[contact_point]` of a file of texts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContact {
    name: String,
    postal_address: Option<String>,
    telephone: Option<String>,
    email: Option<String>,
    url: Option<String>,
}

impl Founding {
    /// Takes texts that are missing from a file of them: TOML with some of the keys `legal_basis`, `flag_criterion`,
    /// `after_hit` and `coordinator`, and perhaps the table `contact_point`.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError`], where it is something else.
    pub fn take_texts(&mut self, text: &str) -> Result<(), EnrolmentError> {
        let raw: RawTexts =
            toml::from_str(text).map_err(|error| EnrolmentError::one(error.to_string().trim_end().to_owned()))?;
        let own = [&mut self.legal_basis, &mut self.flag_criterion, &mut self.after_hit, &mut self.coordinator];
        let given = [raw.legal_basis, raw.flag_criterion, raw.after_hit, raw.coordinator];
        for (own, given) in own.into_iter().zip(given) {
            if own.is_none() {
                *own = given;
            }
        }
        if self.contact_point.is_none() {
            self.contact_point = raw.contact_point.map(|raw| ContactPoint {
                name: raw.name,
                postal_address: raw.postal_address,
                telephone: raw.telephone,
                email: raw.email,
                url: raw.url,
            });
        }
        Ok(())
    }

    /// The policy's text, with comments. `enrolments` come with the names of their files.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError`], with everything that is missing or does not fit together.
    pub fn text(&self, enrolments: &[(String, Enrolment)]) -> Result<String, EnrolmentError> {
        let mut enrolled = Enrolled::of(enrolments);
        let made_up = |what: &str| self.test.then(|| format!("{what}: een test, alleen met verzonnen adressen."));
        let texts = [
            ("legal_basis", "--legal-basis", &self.legal_basis, "Grondslag"),
            ("flag_criterion", "--flag-criterion", &self.flag_criterion, "Melding"),
            ("after_hit", "--after-hit", &self.after_hit, "Na een treffer"),
            ("coordinator", "--coordinator", &self.coordinator, "Coördinator"),
        ]
        .map(|(key, option, text, what)| (key, option, text.clone().or_else(|| made_up(what))));
        for (key, option, text) in &texts {
            if text.is_none() {
                enrolled.findings.push(format!("there is no {key}: give {option}, or write it in the file of --texts"));
            }
        }
        if self.contact_point.is_none() && !self.test {
            enrolled.findings.push(format!("there is no contact_point: give {CONTACT_OPTIONS}"));
        }
        enrolled.refuse_what_does_not_fit(&self.consortium, &self.purpose);
        let [(_, operator), ..] = enrolled.operators[..] else { return Err(enrolled.refused()) };
        let [(_, epoch), ..] = enrolled.epochs[..] else { return Err(enrolled.refused()) };
        if !enrolled.findings.is_empty() {
            return Err(enrolled.refused());
        }
        let mut text = self.head(&texts);
        let _ = write!(
            text,
            "# Who runs the broker. It never holds an epoch's secret, and takes no part in the \
             roster.\n[operator]\n{}\n",
            operator_lines(operator)
        );
        text += &self.contact_point();
        text += &self.rules();
        let _ = write!(
            text,
            "# A key period. Its secret is the partners' alone; this is the id of it.\n[[epoch]]\nnumber = {}\n\
             key_id = \"{}\"\nopens = {}\ncloses = {}\n",
            epoch.number, epoch.key_id, self.valid_from, self.closes
        );
        text += "\n# Who takes part. Each organisation counts once, and signs this file with its policy key.\n";
        enrolled.organisations.sort_by_key(|(_, organisation)| &organisation.slug);
        for (_, organisation) in &enrolled.organisations {
            let _ = write!(text, "[[organisation]]\n{}\n", organisation_lines(organisation));
        }
        text += "# The systems that flag and ask, each of one organisation.\n";
        enrolled.partners.sort_by_key(|(_, partner)| partner.number);
        let partners: Vec<_> =
            enrolled.partners.iter().map(|(_, partner)| format!("[[partner]]\n{}", partner_lines(partner))).collect();
        text += &partners.join("\n");
        // What the enrolments allow and a whole policy does not, its reader says.
        Policy::parse(&text).map_err(|error| EnrolmentError::of_unwritten(error, &OPTIONS))?;
        Ok(text)
    }

    fn head(&self, texts: &[(&str, &str, Option<String>)]) -> String {
        let Founding { consortium, purpose, valid_from, .. } = self;
        let mut text = format!(
            "# The rules of the consortium {consortium}, made by `stapel policy new` of enrolments.\n# Change what you \
             must, then: stapel policy check; each organisation signs it with stapel policy sign.\n# SPEC.md, section \
             6.1, has every key. A line with '#' before a key shows its default.\n\nformat = 1\nconsortium = \
             \"{consortium}\"\nversion = 1\nvalid_from = {valid_from}\n"
        );
        if self.test {
            text +=
                "# For tests only: with addresses that are made up. No later version can change that.\ntest = true\n";
        }
        let _ = write!(text, "\n# The purpose (doel) that every key is bound to.\npurpose = \"{purpose}\"\n");
        let comments = [
            "The legal basis (grondslag) of the consortium as a whole. Each partner has its own below.",
            "What a flag means: an own observation, never because of a hit.",
            "What a partner does after a hit.",
            "How to reach the coordinator.",
        ];
        for ((key, _, value), comment) in texts.iter().zip(comments) {
            let _ = write!(text, "# {comment}\n{key} = {}\n", prose(value.as_deref().unwrap_or_default()));
        }
        text + "\n"
    }

    fn contact_point(&self) -> String {
        let Some(contact) = &self.contact_point else { return String::new() };
        let mut text = format!(
            "# Where a citizen turns to. Every explanation says it.\n[contact_point]\nname = {}\n",
            quoted(&contact.name)
        );
        for (key, way) in contact.ways() {
            if let Some(way) = way {
                let _ = writeln!(text, "{key} = {}", quoted(way));
            }
        }
        text + "\n"
    }

    fn rules(&self) -> String {
        let immediate = if self.test { "immediate = true      # at once, which only a test may\n" } else { "" };
        format!(
            "[counting]\nthreshold = {}           # so many organisations must flag an address before it is a hit\n# \
             min_sources = 3       # so many must hold flags before anything is answered\n# count_cap = ...       # \
             the highest count that is shown; by default one less than may flag\n# register = \
             \"optional\"\n\n[release]\n\
             interval_hours = 24     # when new flags may begin to show\n{immediate}# max_wait_days = 7     # and when \
             they do in any case\n\n[retention]\nmax_days = 180          # a flag lasts no longer, unless it is \
             renewed\n# max_renewals = 1\nlog_days = 365          # how long the broker's log is kept\n\n[budgets]\n\
             # new_flags_a_day = 1_000\n# first_set_flags = 5_000\n# flags_held = 100_000\n# asked_a_day = 10_000\n\n\
             [changes]\n# signatures = ...      # by default all organisations sign a newer version\ngrace_days = 14\n\
             new_epoch_within_days = 30\n\n",
            self.threshold
        )
    }
}

impl<'a> Enrolled<'a> {
    pub(super) fn of(enrolments: &'a [(String, Enrolment)]) -> Enrolled<'a> {
        let mut enrolled = Enrolled::default();
        for (file, enrolment) in enrolments {
            match enrolment {
                Enrolment::Operator(one) => enrolled.operators.push((file, one)),
                Enrolment::Organisation(one) => enrolled.organisations.push((file, one)),
                Enrolment::Partner(one) => enrolled.partners.push((file, one)),
                Enrolment::Epoch(one) => enrolled.epochs.push((file, one)),
                Enrolment::Keys(_) => enrolled.findings.push(format!(
                    "{file} has a partner's keys, which no policy names: they are for stapel policy certify"
                )),
            }
        }
        enrolled
    }

    pub(super) fn refused(self) -> EnrolmentError {
        EnrolmentError { findings: self.findings }
    }

    fn refuse_what_does_not_fit(&mut self, consortium: &Slug, purpose: &Slug) {
        let mut findings = Vec::new();
        self.only_one(self.operators.len(), "operator", "stapel broker init --enrolment", &mut findings);
        self.only_one(self.epochs.len(), "epoch", "stapel keygen secret --enrolment", &mut findings);
        if self.organisations.is_empty() {
            findings.push("there is no organisation: give the files of stapel keygen policy --enrolment".to_owned());
        }
        if self.partners.is_empty() {
            findings.push("there is no partner: give the files of stapel partner init --enrolment".to_owned());
        }
        for (file, operator) in &self.operators {
            if !operator.log_origin.ends_with(&format!("/{consortium}")) {
                findings.push(format!(
                    "{file} has the log {}, which does not end in /{consortium}: the operator is of another consortium",
                    operator.log_origin
                ));
            }
        }
        for (file, epoch) in &self.epochs {
            if epoch.purpose != *purpose {
                findings.push(format!("{file} has a secret for '{}', and not for '{purpose}'", epoch.purpose));
            }
            if epoch.number > 1 {
                findings.push(format!("{file} is of epoch {}: the first is 0 or 1", epoch.number));
            }
        }
        self.findings.append(&mut findings);
        let known: Vec<_> = self.organisations.iter().map(|(_, one)| one.slug.clone()).collect();
        self.refuse_twice();
        for (file, partner) in &self.partners {
            if !known.contains(&partner.organisation) {
                self.findings
                    .push(format!("{file} is of '{}', and no enrolment is of that organisation", partner.organisation));
            }
        }
        for (file, organisation) in &self.organisations {
            if !self.partners.iter().any(|(_, partner)| partner.organisation == organisation.slug) {
                self.findings.push(format!("{file}: no partner is of '{}': give one", organisation.slug));
            }
        }
    }

    fn only_one(&self, count: usize, what: &str, how: &str, findings: &mut Vec<String>) {
        match count {
            1 => {}
            0 => findings.push(format!("there is no {what}: give the file of {how}")),
            _ => findings.push(format!("there are {count} enrolments of an {what}: give one")),
        }
    }

    /// Refuses two files with the same name, OIN, key or number.
    pub(super) fn refuse_twice(&mut self) {
        let mut values: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
        for (file, one) in &self.organisations {
            let facts = [
                ("slug", one.slug.to_string()),
                ("OIN", one.oin.to_string()),
                ("policy key", one.policy_key.to_string()),
            ];
            facts.into_iter().for_each(|fact| values.entry(fact).or_default().push(file));
        }
        for (file, one) in &self.partners {
            values.entry(("partner number", one.number.to_string())).or_default().push(file);
        }
        for ((what, value), files) in values.iter().filter(|(_, files)| files.len() > 1) {
            self.findings.push(format!("{} have the same {what}, {value}", files.join(" and ")));
        }
    }
}

/// A text, on several lines where it is long.
fn prose(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= WIDTH - 20 || line.contains(['"', '\\']) || line.chars().any(char::is_control) {
        return quoted(&line);
    }
    let mut lines = vec![String::new()];
    for word in words {
        let last = lines.last_mut().filter(|last| last.chars().count() + 1 + word.chars().count() <= WIDTH);
        match last {
            Some(last) if last.is_empty() => *last = word.to_owned(),
            Some(last) => *last += &format!(" {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    format!("\"\"\"\n{}\"\"\"", lines.join("\n"))
}
