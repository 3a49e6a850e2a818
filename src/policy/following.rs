//! The text of a following version of a policy, made of the one in force and enrolments: `stapel policy next`.

use std::collections::BTreeSet;

use super::enrolment::{
    Enrolment, EnrolmentError, SecretOfEpoch, operator_lines, organisation_lines, partner_lines, quoted, strings,
};
use super::founding::Enrolled;
use super::layout::Layout;
use super::model::{Epoch, Organisation, Policy};
use super::succession::{VETO_DAYS, refuse_unfit};
use crate::day::Day;
use crate::slug::Slug;

/// How many days the last epoch and a new one are open together, where nobody says otherwise.
const OVERLAP_DAYS: u16 = 30;

/// How many days a new epoch has, where nobody says otherwise.
const EPOCH_DAYS: u16 = 365;

/// What changes with a following version. What is left empty stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The first day of its validity. Without it, it follows from what changes: the day on which a new epoch opens with
    /// which somebody leaves, the end of the time for a veto, or else `today`.
    pub valid_from: Option<Day>,
    /// Organisations that join, and partners of these or of others, each with the name of its file.
    pub joining: Vec<(String, Enrolment)>,
    /// An organisation that leaves.
    pub leaving: Option<Slug>,
    /// Whether the one that leaves will not sign.
    pub unsigned: bool,
    /// The organisation that lost its policy key, enrolled with another one.
    pub lost_key: Option<(String, Enrolment)>,
    /// The day on which the one that lost its key is told.
    pub announced: Option<Day>,
    /// The organisation that replaces its policy key itself, enrolled with another one.
    pub new_key: Option<(String, Enrolment)>,
    /// A new epoch.
    pub epoch: Option<(String, Enrolment)>,
    /// The first day of the new epoch. Whoever has somebody leave says it; otherwise it is some days before the last
    /// one closes.
    pub opens: Option<Day>,
    /// The last day of the new epoch.
    pub closes: Option<Day>,
    /// Another operator, or the same with other keys.
    pub operator: Option<(String, Enrolment)>,
    /// Other addresses of the broker.
    pub addresses: Vec<String>,
}

/// A following version.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Following {
    /// Its text.
    pub text: String,
    /// What it says.
    pub policy: Policy,
    /// Partners that have another number: the old one and the new one.
    pub renumbered: Vec<(u16, u16)>,
}

impl Following {
    /// Writes the version that follows the policy in `text`.
    ///
    /// # Errors
    ///
    /// [`EnrolmentError`], with everything that is missing or does not fit together.
    pub fn of(text: &str, change: &Change, today: Day) -> Result<Following, EnrolmentError> {
        let old = Policy::parse(text).map_err(EnrolmentError::of)?;
        let valid_from = change.valid_from(&old, today)?;
        let mut draft =
            Draft { layout: Layout::of(text), old: &old, valid_from, renumbered: Vec::new(), findings: Vec::new() };
        draft.begin();
        let new_epoch = draft.epoch(change);
        draft.leave(change, new_epoch);
        draft.join(change, new_epoch);
        draft.keys(change);
        draft.operator(change);
        draft.signatures(change);
        if !draft.findings.is_empty() {
            return Err(EnrolmentError { findings: draft.findings });
        }
        let text = draft.layout.text();
        let policy = Policy::parse(&text).map_err(|error| EnrolmentError::of_unwritten(error, &OPTIONS))?;
        // A text laid out in a way that the edits do not know would come out as it was.
        if policy.previous != Some(old.digest()) || Some(policy.version) != old.version.checked_add(1) {
            return Err(EnrolmentError::one(format!("the policy's text {NOT_FOUND}")));
        }
        refuse_unfit(&old, &policy).map_err(EnrolmentError::of)?;
        Ok(Following { text, policy, renumbered: draft.renumbered })
    }
}

/// The options of `stapel policy next` that the keys of a policy are from.
const OPTIONS: [(&str, &str); 4] = [
    ("valid_from", "--valid-from"),
    ("epoch.opens", "--opens"),
    ("epoch.closes", "--closes"),
    ("operator.addresses", "--address, or the enrolment of --operator"),
];

const NOT_FOUND: &str = "is laid out in a way that is not known here: write each table under a header of its own, as \
                         stapel policy sample does";

impl Change {
    fn valid_from(&self, old: &Policy, today: Day) -> Result<Day, EnrolmentError> {
        let mut findings = Vec::new();
        if self.lost_key.is_some() {
            let others = [
                !self.joining.is_empty(),
                self.leaving.is_some(),
                self.new_key.is_some(),
                self.epoch.is_some(),
                self.operator.is_some(),
                !self.addresses.is_empty(),
            ];
            if others.contains(&true) {
                findings.push("a version for a lost key changes nothing else: make the others in the next one".into());
            }
            if self.announced.is_none() {
                findings.push("say on which day the organisation is told: --announced".to_owned());
            }
        } else if self.announced.is_some() {
            findings.push("--announced belongs to a lost key: give --lost-key too".to_owned());
        }
        if self.leaving.is_some() && self.epoch.is_none() {
            findings.push("whoever leaves has the secret of each epoch that there is: give a new one, --epoch".into());
        }
        if self.leaving.is_some() && self.epoch.is_some() && self.opens.is_none() {
            findings.push(
                "say on which day the new epoch opens, with which the organisation leaves: --opens. Before that day \
                 the others sign, get its secret, and have their keys certified"
                    .to_owned(),
            );
        }
        if self.unsigned && self.leaving.is_none() {
            findings.push("--unsigned belongs to an organisation that leaves: give --leave too".to_owned());
        }
        if self.epoch.is_none() && (self.opens.is_some() || self.closes.is_some()) {
            findings.push("--opens and --closes belong to a new epoch: give --epoch too".to_owned());
        }
        if !findings.is_empty() {
            return Err(EnrolmentError { findings });
        }
        let by_itself = match (self.announced, self.leaving.as_ref().and(self.opens)) {
            (Some(announced), _) => announced.plus(VETO_DAYS),
            (None, Some(opens)) => opens,
            (None, None) => today,
        };
        Ok(self.valid_from.unwrap_or(by_itself.max(old.valid_from)))
    }
}

/// A version that is being written.
struct Draft<'a> {
    layout: Layout,
    old: &'a Policy,
    valid_from: Day,
    renumbered: Vec<(u16, u16)>,
    findings: Vec<String>,
}

impl Draft<'_> {
    fn begin(&mut self) {
        let head = self.layout.head();
        head.set("version", &self.old.version.saturating_add(1).to_string());
        head.set_behind("previous", &format!("\"{}\"", self.old.digest()), "version");
        head.unset("voids");
        head.set("valid_from", &self.valid_from.to_string());
    }

    fn finding(&mut self, finding: impl Into<String>) {
        self.findings.push(finding.into());
    }

    /// Adds a new epoch, if there is one, and says which it is and when it opens.
    fn epoch(&mut self, change: &Change) -> Option<(u32, Day)> {
        let (file, enrolment) = change.epoch.as_ref()?;
        let Enrolment::Epoch(SecretOfEpoch { purpose, number, key_id }) = enrolment else {
            self.finding(format!("{file} is of {}, and not of an epoch", enrolment.what()));
            return None;
        };
        let last = self.old.epochs.last()?;
        if *purpose != self.old.purpose {
            self.finding(format!("{file} has a secret for '{purpose}', and not for '{}'", self.old.purpose));
        }
        let next = last.number.saturating_add(1);
        if *number != next {
            self.finding(format!("{file} is of epoch {number}, and the next one is {next}: draw a secret for that"));
        }
        let by_itself = Day(last.closes.0.saturating_sub(OVERLAP_DAYS - 1)).max(self.valid_from);
        let opens = change.opens.unwrap_or(by_itself);
        let closes = change.closes.unwrap_or(opens.plus(EPOCH_DAYS - 1));
        self.layout.add(
            "[[epoch]]",
            &format!("number = {number}\nkey_id = \"{key_id}\"\nopens = {opens}\ncloses = {closes}\n"),
        );
        Some((*number, opens))
    }

    fn leave(&mut self, change: &Change, new_epoch: Option<(u32, Day)>) {
        let (Some(leaver), Some((new, opens))) = (&change.leaving, new_epoch) else { return };
        if self.old.organisation(leaver).is_none() {
            return self.finding(format!("there is no organisation '{leaver}' in the policy"));
        }
        if opens != self.valid_from {
            let valid_from = self.valid_from;
            self.finding(format!(
                "'{leaver}' leaves on {valid_from}, and the new epoch opens on {opens}: on that day too"
            ));
        }
        let name = quoted(leaver.as_str());
        let partners = self.old.partners.iter().filter(|partner| partner.organisation == *leaver).count();
        if self.layout.remove("organisation", "slug", &name) != 1
            || self.layout.remove("partner", "organisation", &name) != partners
        {
            return self.finding(format!("the table of '{leaver}' or of a partner of it {NOT_FOUND}"));
        }
        self.end_known_epochs();
        if change.unsigned {
            self.unsigned(leaver, "leaves", new, None);
        }
    }

    /// Whoever leaves has the secrets of all epochs before. The newest that is open lasts some days more, until the new
    /// one answers.
    fn end_known_epochs(&mut self) {
        let from = self.valid_from;
        let until = from.plus(self.old.changes.new_epoch_within_days);
        let open: Vec<&Epoch> =
            self.old.epochs.iter().filter(|epoch| epoch.opens < from && epoch.closes >= from).collect();
        for (at, epoch) in open.iter().enumerate() {
            // Two are open at a time.
            let last = if at + 1 < open.len() { Day(from.0.saturating_sub(1)) } else { until };
            if epoch.closes > last {
                self.set_epoch(epoch.number, |table| table.set("closes", &last.to_string()));
            }
        }
        for epoch in self.old.epochs.iter().filter(|epoch| epoch.opens >= from) {
            if self.layout.remove("epoch", "number", &epoch.number.to_string()) != 1 {
                self.finding(format!("the table of epoch {} {NOT_FOUND}", epoch.number));
            }
        }
    }

    fn set_epoch(&mut self, number: u32, set: impl Fn(&mut super::layout::Table)) {
        match self.layout.one("epoch", "number", &number.to_string()) {
            Some(table) => set(table),
            None => self.finding(format!("the table of epoch {number} {NOT_FOUND}")),
        }
    }

    fn unsigned(&mut self, organisation: &Slug, because: &str, epoch: u32, announced: Option<Day>) {
        self.layout.remove_table("unsigned");
        let version = self.old.version.saturating_add(1);
        let mut lines = format!(
            "organisation = \"{organisation}\"\nbecause = \"{because}\"\nversion = {version}\nepoch = {epoch}\n"
        );
        if let Some(day) = announced {
            lines += &format!("announced = {day}\n");
        }
        self.layout.add("[unsigned]", &lines);
    }

    fn join(&mut self, change: &Change, new_epoch: Option<(u32, Day)>) {
        let mut enrolled = Enrolled::of(&change.joining);
        for (file, what) in enrolled
            .operators
            .iter()
            .map(|(file, _)| (*file, "--operator"))
            .chain(enrolled.epochs.iter().map(|(file, _)| (*file, "--epoch")))
        {
            self.findings.push(format!("{file} is of nobody that joins: give it with {what}"));
        }
        enrolled.refuse_twice();
        self.findings.append(&mut enrolled.findings);
        if enrolled.organisations.is_empty() && enrolled.partners.is_empty() {
            return;
        }
        // Of the epochs that there are, one that opens when the version is valid or later.
        let known = self.old.epochs.iter().find(|epoch| epoch.opens >= self.valid_from).map(|epoch| epoch.number);
        let known = known.filter(|_| change.leaving.is_none());
        let first = known.or(new_epoch.map(|(number, _)| number));
        for (file, organisation) in &enrolled.organisations {
            if self.old.organisation(&organisation.slug).is_some() {
                self.finding(format!("{file}: '{}' is in the policy already", organisation.slug));
            }
            if let Some(other) = self.old.organisations.iter().find(|other| other.oin == organisation.oin) {
                self.finding(format!("{file}: '{}' has that OIN already", other.slug));
            }
            if !enrolled.partners.iter().any(|(_, partner)| partner.organisation == organisation.slug) {
                self.finding(format!("{file}: no partner is of '{}': give one", organisation.slug));
            }
            let Some(first) = first else {
                self.finding(format!("{file}: {NO_EPOCH}"));
                continue;
            };
            let joiner = Organisation { first_epoch: Some(first), ..(*organisation).clone() };
            self.layout.add("[[organisation]]", &organisation_lines(&joiner));
        }
        let flagging: BTreeSet<Slug> = self.old.flagging_organisation_names().into_iter().cloned().collect();
        for (file, partner) in &enrolled.partners {
            let is_joining = enrolled.organisations.iter().any(|(_, one)| one.slug == partner.organisation);
            let known = self.old.organisation(&partner.organisation);
            if known.is_none() && !is_joining {
                self.finding(format!(
                    "{file} is of '{}', which is no organisation of the policy",
                    partner.organisation
                ));
            }
            if let Some(other) = self.old.partner(partner.number) {
                let highest = self.highest_number();
                let finding = format!(
                    "{file}: number {} is that of {}; make the partner with one that nobody had, such as {}",
                    partner.number,
                    other.name,
                    highest.saturating_add(1)
                );
                self.finding(finding);
            }
            if known.is_some() && partner.may.flag && !flagging.contains(&partner.organisation) {
                match (first, self.layout.one("organisation", "slug", &quoted(partner.organisation.as_str()))) {
                    (Some(first), Some(table)) => table.set("first_epoch", &first.to_string()),
                    (None, _) => self.finding(format!("{file}: {NO_EPOCH}")),
                    (_, None) => self.finding(format!("the table of '{}' {NOT_FOUND}", partner.organisation)),
                }
            }
            self.layout.add("[[partner]]", &partner_lines(partner));
        }
    }

    fn highest_number(&self) -> u16 {
        self.old.partners.last().map_or(0, |last| last.number)
    }

    fn keys(&mut self, change: &Change) {
        if let Some((file, enrolment)) = &change.new_key {
            self.policy_key(file, enrolment);
        }
        let Some((file, enrolment)) = &change.lost_key else { return };
        let Some(slug) = self.policy_key(file, enrolment) else { return };
        let mut next = self.highest_number();
        for partner in self.old.partners.iter().filter(|partner| partner.organisation == slug) {
            next = next.saturating_add(1);
            match self.layout.one("partner", "number", &partner.number.to_string()) {
                Some(table) => table.set("number", &next.to_string()),
                None => self.findings.push(format!("the table of partner {} {NOT_FOUND}", partner.number)),
            }
            self.renumbered.push((partner.number, next));
        }
        self.unsigned(&slug, "lost-key", self.old.epoch_at(self.valid_from), change.announced);
    }

    /// Gives an organisation the policy key of an enrolment, which says nothing else that is new.
    fn policy_key(&mut self, file: &str, enrolment: &Enrolment) -> Option<Slug> {
        let Enrolment::Organisation(one) = enrolment else {
            self.finding(format!("{file} is of {}, and not of an organisation", enrolment.what()));
            return None;
        };
        let Some(known) = self.old.organisation(&one.slug) else {
            self.finding(format!("{file}: there is no organisation '{}' in the policy", one.slug));
            return None;
        };
        if (known.oin, &known.name) != (one.oin, &one.name) {
            self.finding(format!("{file}: the policy has '{}' with another name or OIN", one.slug));
        }
        if known.policy_key == one.policy_key {
            self.finding(format!("{file}: that is the key that '{}' has: it needs another one", one.slug));
        }
        match self.layout.one("organisation", "slug", &quoted(one.slug.as_str())) {
            Some(table) => table.set("policy_key", &format!("\"{}\"", one.policy_key)),
            None => self.finding(format!("the table of '{}' {NOT_FOUND}", one.slug)),
        }
        Some(one.slug.clone())
    }

    fn operator(&mut self, change: &Change) {
        if change.operator.is_none() && change.addresses.is_empty() {
            return;
        }
        if self.layout.table("operator").is_none() {
            return self.finding(format!("the table [operator] {NOT_FOUND}"));
        }
        let mut lines = String::new();
        let mut addresses = change.addresses.clone();
        if let Some((file, enrolment)) = &change.operator {
            let Enrolment::Operator(one) = enrolment else {
                return self.finding(format!("{file} is of {}, and not of an operator", enrolment.what()));
            };
            lines = operator_lines(one);
            if addresses.is_empty() {
                addresses.clone_from(&one.addresses);
            }
        }
        let Some(table) = self.layout.table("operator") else { return };
        for (key, value) in lines.lines().filter_map(|line| line.split_once(" = ")) {
            table.set(key, value);
        }
        match addresses.is_empty() {
            true => table.unset("addresses"),
            false => table.set("addresses", &strings(&addresses)),
        }
    }

    /// Where all sign, and the policy gives their number, all do when there are more or fewer.
    fn signatures(&mut self, change: &Change) {
        let before = self.old.organisations.len();
        let joining = change.joining.iter().filter(|(_, one)| matches!(one, Enrolment::Organisation(_))).count();
        let now = before + joining - usize::from(change.leaving.is_some());
        if usize::from(self.old.changes.signatures) == before
            && let Some(table) = self.layout.table("changes")
            && table.has("signatures")
        {
            table.set("signatures", &now.to_string());
        }
    }
}

const NO_EPOCH: &str = "it counts from an epoch on that has not opened when the version becomes valid, and there is \
                        none: give a new one, --epoch";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample_text;
    use crate::secret::KeyId;

    const FIRST: Day = Day(20_788);

    /// What follows the sample when the secret of its second epoch is for this purpose.
    fn with_epoch(old: &str, purpose: &str) -> Result<Following, EnrolmentError> {
        let key_id = KeyId::from_hex("00112233445566778899aabbccddeeff").unwrap();
        let enrolment = Enrolment::of_epoch(purpose.parse().unwrap(), 2, key_id);
        let change = Change { epoch: Some(("epoch-2.toml".to_owned(), enrolment)), ..Change::default() };
        Following::of(old, &change, FIRST.plus(300))
    }

    #[test]
    fn a_new_epoch_and_the_last_one_are_open_together_for_thirty_days() {
        let old = sample_text(FIRST);
        let policy = Policy::parse(&old).unwrap();
        let next = with_epoch(&old, policy.purpose.as_str()).unwrap().policy;
        let (last, new) = (&next.epochs[0], &next.epochs[1]);
        assert_eq!(last.closes.0 - new.opens.0 + 1, 30);
        assert_eq!(new.closes.0 - new.opens.0 + 1, 365);
        let refused = with_epoch(&old, "another").unwrap_err().to_string();
        assert!(refused.contains("epoch-2.toml has a secret for 'another'"), "{refused}");
    }

    #[test]
    fn what_a_version_voids_is_its_own_and_not_the_next_ones() {
        let second = Following::of(&sample_text(FIRST), &Change::default(), FIRST.plus(1)).unwrap().text;
        let previous = second.lines().find(|line| line.starts_with("previous = ")).unwrap();
        let second = second.replace(previous, &format!("{previous}\nvoids = [\"{}\"]", "ab".repeat(32)));
        assert!(Policy::parse(&second).unwrap().voids.len() == 1);
        let third = Following::of(&second, &Change::default(), FIRST.plus(2)).unwrap().policy;
        assert_eq!((third.version, third.voids.len()), (3, 0));
    }
}
