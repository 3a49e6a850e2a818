//! The letter to each organisation where a data subject asks what is known of them.
//!
//! All are of one text but for whom they are to, and each organisation gets one: so no letter, and none that is
//! missing, tells who flags.

use super::super::facts::{explained, of_contact};
use super::super::lang::Lang;
use super::{OPEN, filled};
use crate::policy::model::{Organisation, Policy, RosterEntry};
use crate::slug::Slug;

/// A letter to an organisation, Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Letter {
    /// Whom it is to.
    pub organisation: Slug,
    /// Its text. What a person must fill in is marked with [`OPEN`].
    pub text: String,
}

impl Policy {
    /// The letters for a request by a data subject: one to each organisation, ascending. They hold no datum of a
    /// person; those are filled in by hand.
    pub fn letters(&self, lang: Lang) -> Vec<Letter> {
        let words = lang.catalogue();
        let (template, missing) = match lang {
            Lang::Nl => (include_str!("brief.md"), "waar het contactpunt te bereiken is"),
            Lang::En => (include_str!("letter.md"), "where the contact point is reached"),
        };
        let contact = self.contact_point.as_ref().map(|contact| of_contact(contact, words));
        let bases: Vec<String> = self.partners.iter().map(|partner| bases(partner, lang)).collect();
        let mut facts = explained(self, words);
        facts.retain(|(name, _)| *name != "contact_point");
        facts.push(("contact_point", contact.unwrap_or_else(|| format!("{OPEN} {missing}]"))));
        facts.push(("bases", bases.join("\n")));
        let letter = |organisation: &Organisation| {
            let mut facts = facts.clone();
            facts.push(("addressee", organisation.name.clone()));
            Letter { organisation: organisation.slug.clone(), text: filled(template, self, words, &facts) }
        };
        self.organisations.iter().map(letter).collect()
    }
}

/// On what grounds a partner flags and asks.
fn bases(partner: &RosterEntry, lang: Lang) -> String {
    let (flags, asks) = match lang {
        Lang::Nl => ("meldt", "vraagt"),
        Lang::En => ("flags", "asks"),
    };
    let given = [(flags, &partner.legal_basis_flag), (asks, &partner.legal_basis_ask)];
    let given = given.iter().filter_map(|(what, basis)| Some(format!("{what}: {}", basis.as_ref()?)));
    format!("- {} ({}): {}", partner.name, partner.organisation, given.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::sample;

    #[test]
    fn each_organisation_gets_the_same_letter() {
        let policy = sample::policy();
        for lang in [Lang::Nl, Lang::En] {
            let letters = policy.letters(lang);
            assert_eq!(letters.len(), policy.organisations.len());
            for (letter, organisation) in letters.iter().zip(&policy.organisations) {
                assert_eq!(letter.organisation, organisation.slug);
                let heading = letter.text.lines().next().unwrap();
                assert!(heading.ends_with(&organisation.name), "{heading}");
                let (_, rest) = letter.text.split_once('\n').unwrap();
                assert_eq!(Some(rest), letters[0].text.split_once('\n').map(|(_, rest)| rest));
            }
        }
    }

    #[test]
    fn a_letter_says_where_it_is_from_on_what_grounds_and_what_to_do() {
        let policy = sample::policy();
        for lang in [Lang::Nl, Lang::En] {
            let text = &policy.letters(lang)[0].text;
            for partner in &policy.partners {
                for basis in [&partner.legal_basis_flag, &partner.legal_basis_ask].into_iter().flatten() {
                    assert!(text.contains(basis), "{basis}");
                }
            }
            for said in ["Privacyloket", "privacy@zaanstad.example", "stapel partner dossier"] {
                assert!(text.contains(said), "{said}");
            }
            assert!(text.contains(OPEN) && !text.contains('{'), "{text}");
        }
        let test = sample::changed(&[("[operator]", "test = true\n[operator]"), (sample::CONTACT_POINT, "")]);
        assert!(test.letters(Lang::Nl)[0].text.contains("[IN TE VULLEN: waar het contactpunt te bereiken is]"));
    }
}
