//! The start pack: papers in Dutch that a consortium needs before it begins, made of the same facts as the explanation.
//!
//! Each paper is a template beside this file. A blank `{name}` is a fact; `{:name}` is a sentence of the explanation.
//! What nobody can know from the policy is marked with [`OPEN`].

mod letters;

use std::fmt::Write;

pub use self::letters::Letter;
use super::catalogue::{Blank, Catalogue};
use super::facts::{explained, of_contact};
use super::lang::Lang;
use crate::policy::enrolment::Enrolment;
use crate::policy::model::{Epoch, Organisation, Policy, RegisterUse, RosterEntry};

/// What begins a place in a paper that a person must fill in or decide; a `]` ends it.
pub const OPEN: &str = "[IN TE VULLEN:";

const PAPERS: [(&str, &str); 6] = [
    ("1-ingebruikname.md", include_str!("1-ingebruikname.md")),
    ("2-sleutelceremonie.md", include_str!("2-sleutelceremonie.md")),
    ("3-bericht-inwoners.md", include_str!("3-bericht-inwoners.md")),
    ("4-register.md", include_str!("4-register.md")),
    ("5-bijlage-dpia.md", include_str!("5-bijlage-dpia.md")),
    ("6-verwerkersovereenkomst.md", include_str!("6-verwerkersovereenkomst.md")),
];

/// A paper of the start pack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paper {
    /// The name of its file.
    pub name: &'static str,
    /// Its text, Markdown in Dutch.
    pub text: String,
}

impl Paper {
    /// What must still be filled in or decided, in the order in which it stands there.
    pub fn open_points(&self) -> Vec<String> {
        let points = self.text.split(OPEN).skip(1);
        let whole = points.filter_map(|rest| rest.split_once(']'));
        whole.map(|(point, _)| point.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

impl Policy {
    /// The start pack: checklist, key ceremony, notice to citizens, processing register, annex of the DPIA, and an
    /// agreement with the operator.
    pub fn start_pack(&self) -> Vec<Paper> {
        let words = Lang::Nl.catalogue();
        let facts = facts(self, words);
        PAPERS.iter().map(|(name, template)| Paper { name, text: filled(template, self, words, &facts) }).collect()
    }
}

/// A template with its blanks filled in.
fn filled(template: &str, policy: &Policy, words: &Catalogue, facts: &[Blank]) -> String {
    let (mut rest, mut text) = (template, String::new());
    while let Some((before, (blank, after))) =
        rest.split_once('{').and_then(|(before, inner)| Some((before, inner.split_once('}')?)))
    {
        text += before;
        match blank.strip_prefix(':') {
            Some(name) => text += &words.say(sentence(policy, name), facts),
            None => {
                let fact = facts.iter().find(|(name, _)| *name == blank);
                debug_assert!(fact.is_some(), "nothing fills '{blank}'");
                text += fact.map_or(blank, |(_, fact)| fact);
            }
        }
        rest = after;
    }
    text + rest
}

/// A sentence of which the policy decides which one it is.
fn sentence<'a>(policy: &Policy, name: &'a str) -> &'a str {
    let is_required = policy.counting.register == RegisterUse::Required;
    match name {
        "renewal" if policy.retention.max_renewals == 0 => "no_renewals",
        "renewal" => "renewals",
        "register_rule" if is_required => "register_required",
        "register_rule" => "register_optional",
        name => name,
    }
}

fn facts(policy: &Policy, words: &Catalogue) -> Vec<Blank> {
    let check = policy.check();
    let last = policy.epochs.last();
    let own_flag = if policy.counting.own_flag_required { "own_flag_required" } else { "own_flag_not_required" };
    let found = check.refusals.iter().chain(&check.notes).map(|finding| format!("- {}", finding.text(Lang::Nl)));
    let base = explained(policy, words);
    let own_flag = words.say(own_flag, &base);
    let mut facts = vec![
        ("own_flag", own_flag),
        ("flag_says", if policy.test { words.word("problem.test") } else { String::new() }),
        ("last_epoch", last.map_or(String::new(), |epoch| epoch.number.to_string())),
        ("last_closes", last.map_or(String::new(), |epoch| epoch.closes.to_string())),
        ("next_epoch", last.map_or(String::new(), |epoch| epoch.number.saturating_add(1).to_string())),
        ("reveals", lines(check.reveals.iter().map(|reveal| format!("- {}", reveal.text(Lang::Nl))))),
        ("findings", lines(found)),
        ("operator_code", Enrolment::Operator(policy.operator.clone()).check_code()),
        ("contact", contact(policy, words)),
        ("reach", reach(policy)),
        ("basis_rows", bases(policy, words)),
        ("partner_commands", partner_commands(policy)),
        ("partner_codes", partner_codes(policy)),
        ("epoch_codes", epoch_codes(policy)),
        ("certificate_rows", certificate_rows(policy)),
    ];
    let each = |line: &dyn Fn(&Organisation) -> String| lines(policy.organisations.iter().map(line));
    facts.push(("participants", each(&|one| format!("- {}", one.name))));
    facts.push(("participants_oin", each(&|one| format!("- {}, OIN {}; {}", one.name, one.oin, one.contact))));
    facts.push((
        "sign_commands",
        each(&|one| format!("      stapel policy sign policy.toml --key {}.policy.key    # {}", one.slug, one.name)),
    ));
    let row = |line: &dyn Fn(&Organisation) -> String| each(line) + "\n";
    facts.push(("party_rows", row(&|one| format!("| {} | | | |", cell(&one.name)))));
    facts.push(("keeper_rows", row(&|one| format!("| afsprakensleutel van {} | | | |", cell(&one.name)))));
    let code = |one: &Organisation| {
        let enrolled = Enrolment::Organisation(Organisation { first_epoch: None, ..one.clone() });
        format!("| {} | `{}` | `{}` | | |", cell(&one.name), enrolled.check_code(), one.policy_key)
    };
    let head =
        "| organisatie | controlecode | afsprakensleutel | voorgelezen door | akkoord van |\n|---|---|---|---|---|\n";
    facts.push(("organisation_codes", head.to_owned() + &each(&code)));
    let head = "| namens | naam en functie | datum | handtekening |\n|---|---|---|---|\n";
    let signing = each(&|one| format!("| {} | | | |", cell(&one.name)));
    facts.push(("signature_rows", format!("{head}{signing}\n| {} | | | |", cell(&policy.operator.name))));
    facts.extend(base);
    facts
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Where a citizen turns to; in a test perhaps nowhere yet.
fn contact(policy: &Policy, words: &Catalogue) -> String {
    match &policy.contact_point {
        Some(contact) => of_contact(contact, words),
        None => format!("{OPEN} waar een inwoner terecht kan; zet het als [contact_point] in de regels]"),
    }
}

fn reach(policy: &Policy) -> String {
    if policy.operator.addresses.is_empty() {
        let finding = "- [ ] Berichten gaan niet over HTTPS: afgesproken is hoe dan wel.";
        return format!("{finding} {OPEN} langs welke weg, hoe vaak, door wie]");
    }
    let addresses = policy.operator.addresses.join(", ");
    let mut text = format!("- [ ] Partners bereiken de teller op {addresses}, zoals docs/connect.md zegt:\n");
    for one in &policy.organisations {
        let oins: Vec<_> = one.tls_oins.iter().map(|oin| oin.to_string()).collect();
        let _ = writeln!(text, "  - [ ] {}: TLS-certificaat met OIN {}", one.name, oins.join(" of "));
    }
    text.trim_end().to_owned()
}

fn bases(policy: &Policy, words: &Catalogue) -> String {
    let mut text =
        "| nr. | partner | organisatie | ziet bij een treffer | grondslag om te melden | grondslag om te vragen \
                    |\n|---|---|---|---|---|---|\n"
            .to_owned();
    let row = |one: &RosterEntry| {
        let basis = |basis: &Option<String>| basis.as_deref().map_or("mag niet".to_owned(), cell);
        format!(
            "| {} | {} | {} | {} | {} | {} |",
            one.number,
            cell(&one.name),
            one.organisation,
            words.seen(&policy.counting, one.sees),
            basis(&one.legal_basis_flag),
            basis(&one.legal_basis_ask)
        )
    };
    text += &lines(policy.partners.iter().map(row));
    text
}

/// The epochs in which a partner takes part and that this version does not begin after.
fn epochs_of<'a>(policy: &'a Policy, one: &'a RosterEntry) -> impl Iterator<Item = &'a Epoch> {
    let goes_on = |epoch: &&Epoch| epoch.closes >= policy.valid_from;
    policy.epochs.iter().filter(goes_on).filter(|epoch| policy.takes_part(&one.organisation, epoch.number))
}

fn partner_commands(policy: &Policy) -> String {
    let commands = |one: &RosterEntry| {
        let (number, organisation) = (one.number, &one.organisation);
        let dir = format!("partner-{number}");
        let mut text = format!(
            "- [ ] Partner {number}, {} ({organisation}): het systeem neemt de regels aan:\n\n      \
             stapel partner adopt --dir {dir} --policy policy.toml",
            one.name
        );
        for Epoch { number: epoch, .. } in epochs_of(policy, one) {
            let _ = write!(
                text,
                "\n\n  - [ ] Sleutelperiode {epoch}, als het die nog niet heeft: het systeem neemt de geheime sleutel \
                 aan, en\n    schrijft zijn sleutels op:\n\n        \
                 stapel keygen join --policy policy.toml --out epoch-{epoch}.secret epoch-{epoch}.secret.1 \
                 epoch-{epoch}.secret.2\n        \
                 stapel partner add-secret --dir {dir} epoch-{epoch}.secret\n        \
                 stapel partner keys --dir {dir} --epoch {epoch} --enrolment sleutels-{number}-{epoch}.toml\n\n    \
                 Wie de afsprakensleutel van {organisation} heeft, vergelijkt de controlecode en certificeert:\n\n    \
                 \x20   stapel policy certify policy.toml --key {organisation}.policy.key --keys \
                 sleutels-{number}-{epoch}.toml\n\n    \
                 Het bestand gaat naar de beheerder en terug naar het systeem:\n\n        \
                 stapel partner add-certificate --dir {dir} {number}.{epoch}.1.cert"
            );
        }
        text
    };
    policy.partners.iter().map(commands).collect::<Vec<_>>().join("\n\n")
}

fn partner_codes(policy: &Policy) -> String {
    let row = |one: &RosterEntry| {
        let code = Enrolment::Partner(one.clone()).check_code();
        format!("| {} | {} | `{code}` | | |", one.number, cell(&one.name))
    };
    "| nr. | partner | controlecode van de aanmelding | voorgelezen door | akkoord van |\n|---|---|---|---|---|\n"
        .to_owned()
        + &lines(policy.partners.iter().map(row))
}

fn certificate_rows(policy: &Policy) -> String {
    let rows = |one: &'_ RosterEntry| {
        let row = |epoch: &Epoch| format!("| {} | {} | {} | | | |", one.number, cell(&one.name), epoch.number);
        epochs_of(policy, one).map(row).collect::<Vec<_>>()
    };
    "| nr. | partner | sleutelperiode | controlecode van de sleutels | voorgelezen door | gecertificeerd door |\n\
     |---|---|---|---|---|---|\n"
        .to_owned()
        + &lines(policy.partners.iter().flat_map(rows))
}

fn epoch_codes(policy: &Policy) -> String {
    let row = |epoch: &Epoch| {
        let code = Enrolment::of_epoch(policy.purpose.clone(), epoch.number, epoch.key_id).check_code();
        format!("| {} | {} tot en met {} | `{}` | `{code}` | |", epoch.number, epoch.opens, epoch.closes, epoch.key_id)
    };
    "| sleutelperiode | dagen | sleutelkenmerk | controlecode | nagelezen door |\n|---|---|---|---|---|\n".to_owned()
        + &lines(policy.epochs.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;

    #[test]
    fn each_paper_is_filled_in_and_says_what_is_open() {
        for policy in [
            sample::policy(),
            sample::changed(&[("[operator]", "[operator]\naddresses = [\"https://stapel.example.nl\"]")]),
            sample::changed(&[("[counting]", "[retention]\nmax_renewals = 0\n[counting]\nregister = \"required\"")]),
        ] {
            let papers = policy.start_pack();
            assert_eq!(papers.len(), 6);
            for paper in &papers {
                assert!(!paper.text.contains(['{', '}']), "{}", paper.text);
                assert!(!paper.open_points().is_empty(), "{}", paper.name);
                assert_eq!(paper.text.matches(OPEN).count(), paper.open_points().len());
                assert!(paper.text.contains("zaanstad"), "{}", paper.name);
            }
            let all: String = papers.into_iter().map(|paper| paper.text).collect();
            for organisation in &policy.organisations {
                assert!(all.contains(&organisation.name) && all.contains(&organisation.policy_key.to_string()));
            }
            assert!(all.contains(&policy.epochs[0].key_id.to_string()) && all.contains(&policy.digest().to_string()));
        }
    }
}
