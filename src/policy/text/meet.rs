//! How those who flag an address come to talk, of a policy's text: the table `[meet]`.

use std::collections::BTreeSet;

use toml::Spanned;

use super::super::error::PolicyError;
use super::super::model::{Meet, Organisation};
use super::shape::{RawMeet, RawPolicy};
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
        Ok(Meet {
            direct: self.direct(&raw.direct, organisations)?,
            tell_others: raw.tell_others.unwrap_or(true),
            answer_days: self.or("meet.answer_days", &raw.answer_days, 1..=14, 5)?,
            new_a_day: self.or("meet.new_a_day", &raw.new_a_day, 1..=10_000, 20)?,
            held: self.or("meet.held", &raw.held, 1..=10_000, 200)?,
            notes_a_day: self.or("meet.notes_a_day", &raw.notes_a_day, 1..=10_000, 100)?,
        })
    }

    fn direct(
        &self,
        raw: &Option<Spanned<Vec<Spanned<Vec<Spanned<String>>>>>>,
        organisations: &[Organisation],
    ) -> Result<Vec<Vec<Slug>>, PolicyError> {
        const KEY: &str = "meet.direct";
        let Some(raw) = raw else { return Ok(Vec::new()) };
        if raw.get_ref().len() > MAX_SETS {
            return Err(self.wrong(raw.span().start, KEY, format!("list at most {MAX_SETS} sets of organisations")));
        }
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
