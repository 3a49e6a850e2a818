//! How those who flag an address come to talk, of a policy's text: the table `[meet]`.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::error::PolicyError;
use super::super::model::{Meet, Organisation};
use super::shape::{RawMeet, RawPolicy, RawSet, Table};
use super::values::PolicyFile;
use crate::slug::Slug;

/// The most sets of organisations that meet directly.
const MAX_SETS: usize = 1_000;

impl PolicyFile<'_> {
    pub(super) fn meet(
        &self,
        raw: &RawMeet,
        policy: &RawPolicy,
        organisations: &[Organisation],
    ) -> Result<Meet, PolicyError> {
        if let Some(answers) = &policy.counting.0.answers {
            let finding = "nobody meets where answers are totals: take [meet] away, or this";
            return Err(self.wrong(answers.span().start, "counting.answers", finding));
        }
        let new_a_day = self.or("meet.new_a_day", &raw.new_a_day, 1..=10_000, 20)?;
        let held = self.or("meet.held", &raw.held, 1..=10_000, 200)?;
        if let Some(written) = raw.new_a_day.as_ref().or(raw.held.as_ref()).filter(|_| new_a_day > held) {
            let finding = format!(
                "an organisation may put forward {new_a_day} a day, which is more than the {held} that it may in all \
                 (meet.held): lower the one, or raise the other"
            );
            return Err(self.wrong(written.span().start, "meet.new_a_day", finding));
        }
        Ok(Meet {
            direct: self.direct(&raw.direct, policy, organisations)?,
            tell_others: raw.tell_others.unwrap_or(true),
            answer_days: self.or("meet.answer_days", &raw.answer_days, 1..=14, 5)?,
            new_a_day,
            held,
            notes_a_day: self.or("meet.notes_a_day", &raw.notes_a_day, 1..=10_000, 100)?,
            exchanges_a_day: self.or("meet.exchanges_a_day", &raw.exchanges_a_day, 1..=16, 4)?,
        })
    }

    fn direct(
        &self,
        raw: &Option<Spanned<Vec<Spanned<RawSet>>>>,
        policy: &RawPolicy,
        organisations: &[Organisation],
    ) -> Result<Vec<Vec<Slug>>, PolicyError> {
        const KEY: &str = "meet.direct";
        let Some(raw) = raw else { return Ok(Vec::new()) };
        if raw.get_ref().len() > MAX_SETS {
            return Err(self.wrong(raw.span().start, KEY, format!("list at most {MAX_SETS} sets of organisations")));
        }
        let coordinates = |slug: &Slug| {
            let mut own = policy.partners.iter().filter(|Table(one)| one.organisation.get_ref() == slug.as_str());
            own.any(|Table(one)| one.may.get_ref().iter().any(|word| word.get_ref() == "coordinate"))
        };
        let mut sets = BTreeSet::new();
        for names in raw.get_ref() {
            let mut set = BTreeSet::new();
            for name in names.get_ref() {
                let slug: Slug = self.read(KEY, name)?;
                if !organisations.iter().any(|organisation| organisation.slug == slug) {
                    let finding =
                        format!("there is no [[organisation]] with the slug '{slug}'; add it, or correct this");
                    return Err(self.wrong(name.span().start, KEY, finding));
                }
                if coordinates(&slug) {
                    let finding = format!(
                        "'{slug}' is the coordinator's, and meets all who do not meet each other directly; take it away"
                    );
                    return Err(self.wrong(name.span().start, KEY, finding));
                }
                if !set.insert(slug) {
                    return Err(self.twice(name.span().start, KEY, name.get_ref()));
                }
            }
            let at = names.span().start;
            if set.len() < 2 {
                return Err(self.wrong(at, KEY, "a set names two organisations or more, which are told of each other"));
            }
            if !sets.insert(set.into_iter().collect()) {
                return Err(self.wrong(at, KEY, "the same set stands here twice; take one away"));
            }
        }
        Ok(sets.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sample;
    use super::*;
    use crate::policy::Policy;

    /// Where the sample with a coordinator, changed so, is wrong, and how.
    fn refused(changes: &[(&str, &str)]) -> String {
        let text = changes.iter().fold(sample::text_with_meet(), |text, (from, to)| {
            assert!(text.contains(from), "the sample has no {from:?}");
            text.replacen(from, to, 1)
        });
        let error = Policy::parse(&text).unwrap_err();
        assert_eq!(error.code(), "policy_text");
        error.to_string()
    }

    #[test]
    fn what_is_left_out_has_the_defaults_of_the_specification() {
        let policy = sample::with_meet(&[]);
        let meet = policy.meet.clone().unwrap();
        assert_eq!((meet.tell_others, meet.answer_days, meet.new_a_day), (true, 5, 20));
        assert_eq!((meet.held, meet.notes_a_day, meet.exchanges_a_day), (200, 100, 4));
        let written = "[meet]\ntell_others = true\nanswer_days = 5\nnew_a_day = 20\nheld = 200\nnotes_a_day = 100\n\
                       exchanges_a_day = 4\n";
        assert_eq!(sample::with_meet(&[("[meet]\n", written)]).digest(), policy.digest());
        assert_ne!(sample::with_meet(&[("[meet]\n", "[meet]\nanswer_days = 4\n")]).digest(), policy.digest());
        assert_eq!(sample::policy().meet, None);
    }

    #[test]
    fn the_order_of_sets_and_of_their_organisations_means_nothing() {
        let of = |direct: &str| {
            let policy = sample::with_meet(&[("[[\"politie\", \"belastingdienst\"]]", direct)]);
            (policy.digest(), policy)
        };
        let (digest, policy) = of("[[\"politie\", \"zaanwonen\"], [\"belastingdienst\", \"politie\"]]");
        let again = of("[[\"politie\", \"belastingdienst\"], [\"zaanwonen\", \"politie\"]]").0;
        assert_eq!(digest, again);
        let slug = |text: &str| text.parse::<Slug>().unwrap();
        let meet = |one, other| policy.meet_directly(&slug(one), &slug(other));
        assert!(meet("politie", "zaanwonen") && meet("zaanwonen", "politie"));
        assert!(!meet("zaanwonen", "belastingdienst") && !meet("politie", "politie"));
        assert!(policy.meets_by_coordinator(&slug("politie"), 1), "it does not meet the municipality");
        let all = "[[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente-zaanstad\"]]";
        assert!(!of(all).1.meets_by_coordinator(&slug("politie"), 1));
    }

    #[test]
    fn what_nobody_can_mean_is_refused_where_it_stands() {
        let direct = "[[\"politie\", \"belastingdienst\"]]";
        for (changes, says) in [
            (&[(direct, "[[\"politie\"]]")][..], "two organisations or more"),
            (&[(direct, "[[\"politie\", \"politie\"]]")], "politie is there twice"),
            (&[(direct, "[[\"politie\", \"brandweer\"]]")], "no [[organisation]] with the slug 'brandweer'"),
            (
                &[(direct, "[[\"politie\", \"zaanwonen\"], [\"zaanwonen\", \"politie\"]]")],
                "the same set stands here twice",
            ),
            (&[("[meet]", "[meet]\nanswer_days = 0")], "meet.answer_days"),
            (&[("[meet]", "[meet]\nanswer_days = 15")], "meet.answer_days"),
            (&[("[meet]", "[meet]\nheld = 0")], "meet.held"),
            (&[(direct, "[[\"politie\", \"coordinatiepunt\"]]")], "'coordinatiepunt' is the coordinator's"),
            (&[("[meet]", "[meet]\nnew_a_day = 201")], "201 a day, which is more than the 200"),
            (&[("[meet]", "[meet]\nheld = 19")], "20 a day, which is more than the 19"),
            (&[("[meet]", "[meet]\nexchanges_a_day = 0")], "meet.exchanges_a_day"),
            (&[("[meet]", "[meet]\nexchanges_a_day = 17")], "meet.exchanges_a_day"),
            (&[("[meet]", "[meet]\nnoise = 1")], "noise"),
            (&[("threshold = 2", "threshold = 2\nanswers = \"totals\"")], "take [meet] away"),
            (&[("threshold = 2", "threshold = 2\nanswers = \"some\"")], "is not \"totals\""),
            (&[("may = [\"coordinate\"]", "may = [\"coordinate\", \"ask\"]")], "neither flags nor asks"),
            (&[("may = [\"coordinate\"]", "may = [\"ask\"]")], "partner.legal_basis_ask"),
            (&[("legal_basis_coordinate", "# legal_basis_coordinate")], "needs the partner's own legal basis"),
        ] {
            let error = refused(changes);
            assert!(error.contains("line ") && error.contains(says), "{says}: {error}");
        }
        let meet = sample::with_meet(&[("[meet]", "[meet]\nnew_a_day = 200")]).meet.clone();
        assert_eq!(meet.map(|meet| (meet.new_a_day, meet.held)), Some((200, 200)), "all of them on one day");
        let beside = "number = 5\nname = \"a\"\norganisation = \"politie\"\nmay = [\"coordinate\"]\n\
                      legal_basis_coordinate = \"a\"\n\n[[partner]]\nnumber = 6\n";
        assert!(refused(&[("number = 5\n", beside)]).contains("there are two that coordinate"));
        let other = "number = 5\nname = \"a\"\norganisation = \"coordinatiepunt\"\nmay = [\"ask\"]\n\
                     legal_basis_ask = \"a\"\n\n[[partner]]\nnumber = 6\n";
        assert!(refused(&[("number = 5\n", other)]).contains("'coordinatiepunt' has another partner"));
    }
}
