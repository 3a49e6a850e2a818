//! The sentences and words of one language, read from its file (`nl.txt`, `en.txt`).

use std::collections::BTreeMap;

use super::super::check::{MOST_SETS, Reveal, counts_shown};
use super::super::model::{Counting, Epoch, Permissions, Sees};

/// What is filled into a sentence: the name of a blank, and the text for it.
pub(super) type Blank = (&'static str, String);

/// The most numbers that are listed; of more, the rest are counted.
const MAX_LISTED: usize = 20;

/// The sentences of one language, by name.
pub(super) struct Catalogue(BTreeMap<&'static str, String>);

impl Catalogue {
    /// Reads a language's file. Its form is told at its top.
    pub(super) fn read(file: &'static str) -> Catalogue {
        let mut sentences = BTreeMap::new();
        let mut last = "";
        for line in file.lines().filter(|line| !line.starts_with('#')) {
            if let Some(more) = line.strip_prefix("    ") {
                sentences.entry(last).and_modify(|sentence: &mut String| *sentence += &format!(" {more}"));
            } else if let Some((name, sentence)) = line.split_once(": ") {
                last = name;
                sentences.insert(name, sentence.to_owned());
            }
        }
        Catalogue(sentences)
    }

    /// The sentence of that name, its blanks filled in.
    pub(super) fn say(&self, name: &str, blanks: &[Blank]) -> String {
        let found = self.0.get(name);
        debug_assert!(found.is_some(), "there is no sentence '{name}'");
        let mut rest = found.map_or(name, String::as_str);
        let mut said = String::new();
        // What is filled in is not looked at again: it may hold braces of its own.
        while let Some((before, (blank, after))) =
            rest.split_once('{').and_then(|(before, inner)| Some((before, inner.split_once('}')?)))
        {
            let text = blanks.iter().find(|(name, _)| *name == blank);
            debug_assert!(text.is_some(), "nothing fills '{blank}' in '{name}'");
            said += before;
            said += text.map_or(blank, |(_, text)| text);
            rest = after;
        }
        said + rest
    }

    /// A sentence or word without blanks.
    pub(super) fn word(&self, name: &str) -> String {
        self.say(name, &[])
    }

    /// Yes or no.
    pub(super) fn yes(&self, yes: bool) -> String {
        self.word(if yes { "yes" } else { "no" })
    }

    /// A number and the word that goes with it, in the singular or the plural: "1 day", "14 days".
    pub(super) fn counted(&self, what: &str, count: impl Into<u64>) -> String {
        let count = count.into();
        let name = format!("{what}.{}", if count == 1 { "one" } else { "more" });
        if count == 1 { self.word(&name) } else { self.say(&name, &[("count", count.to_string())]) }
    }

    /// A number with its thousands apart: 10.000 in Dutch, 10,000 in English.
    pub(super) fn number(&self, number: impl Into<u32>) -> String {
        let (digits, separator) = (number.into().to_string(), self.word("thousands"));
        let mut text = String::new();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                text.push_str(&separator);
            }
            text.push(digit);
        }
        text
    }

    /// "1, 2 and 3", or the first of them and how many more there are.
    pub(super) fn listed(&self, named: &[impl ToString]) -> String {
        let texts: Vec<_> = named.iter().take(MAX_LISTED).map(ToString::to_string).collect();
        match (named.len().saturating_sub(MAX_LISTED), texts.split_last()) {
            (0, Some((last, most))) if !most.is_empty() => {
                self.say("list", &[("most", most.join(", ")), ("last", last.clone())])
            }
            (0, _) => texts.concat(),
            (more, _) => self.say("list.cut", &[("most", texts.join(", ")), ("more", more.to_string())]),
        }
    }

    /// The days of an epoch, and the id of its key.
    pub(super) fn epoch(&self, epoch: &Epoch) -> String {
        let (opens, closes) = (epoch.opens.to_string(), epoch.closes.to_string());
        self.say("epoch_days", &[("opens", opens), ("closes", closes), ("key_id", epoch.key_id.to_string())])
    }

    /// What a partner may do.
    pub(super) fn permissions(&self, may: Permissions) -> String {
        let words: Vec<_> = may
            .named(["may.flag", "may.ask", "may.sweep", "may.coordinate"])
            .into_iter()
            .map(|name| self.word(name))
            .collect();
        words.join(", ")
    }

    /// What a partner is shown of a count.
    pub(super) fn seen(&self, counting: &Counting, sees: Sees) -> String {
        match sees {
            Sees::Presence => self.word("sees.presence"),
            Sees::Band => {
                let bands = counts_shown(counting, sees).into_iter().map(|(low, high)| self.range(low, high));
                self.say("sees.band", &[("bands", bands.collect::<Vec<_>>().join("; "))])
            }
            Sees::Count => self.say("sees.count", &[("count_cap", counting.count_cap.to_string())]),
        }
    }

    /// An answer, who may be shown it, and what it leaves open.
    pub(super) fn reveal(&self, reveal: &Reveal) -> String {
        let name = match (reveal.own_flag, reveal.partners.len()) {
            (true, 1) => "reveal.own.one",
            (true, _) => "reveal.own.more",
            (false, 1) => "reveal.other.one",
            (false, _) => "reveal.other.more",
        };
        let (partners, answer) = (self.listed(&reveal.partners), self.answer(reveal));
        let sets = self.sets(reveal.sets);
        let of_two = match reveal.sets_of_two {
            MOST_SETS => self.word("of_two.million"),
            sets => sets.to_string(),
        };
        self.say(name, &[("partners", partners), ("answer", answer), ("sets", sets), ("of_two", of_two)])
    }

    /// An answer in quotes.
    pub(super) fn answer(&self, reveal: &Reveal) -> String {
        let answer = match reveal.sees {
            Sees::Presence => self.word("stacked"),
            Sees::Band | Sees::Count => self.range(reveal.low, reveal.high),
        };
        format!("\"{answer}\"")
    }

    /// How many sets of other organisations there may be.
    pub(super) fn sets(&self, sets: u64) -> String {
        if sets == MOST_SETS { self.word("sets.million") } else { self.counted("sets", sets) }
    }

    /// The counts from `low` to `high`, or from `low` on.
    fn range(&self, low: usize, high: Option<usize>) -> String {
        match high {
            Some(high) if high == low => low.to_string(),
            Some(high) => self.say("range", &[("low", low.to_string()), ("high", high.to_string())]),
            None => self.say("range.open", &[("low", low.to_string())]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn blanks(sentence: &str) -> BTreeSet<&str> {
        sentence.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    /// A sentence that one language lacks, or a blank that it forgets, shows here and not before a citizen.
    #[test]
    fn every_language_has_the_same_sentences_with_the_same_blanks() {
        let (dutch, english) = (include_str!("nl.txt"), include_str!("en.txt"));
        let (dutch, english) = (Catalogue::read(dutch).0, Catalogue::read(english).0);
        assert!(dutch.keys().eq(english.keys()));
        for ((name, dutch), english) in dutch.iter().zip(english.values()) {
            assert_eq!(blanks(dutch), blanks(english), "{name}");
            assert!(!dutch.is_empty() && !english.is_empty() && dutch.trim() == dutch, "{name}");
        }
    }

    #[test]
    fn what_is_filled_in_is_taken_as_it_is() {
        let words = Catalogue::read("# a comment\n\na: {x} and {y}\n    and {x}\n");
        assert_eq!(words.say("a", &[("x", "{y}".into()), ("y", "}{".into())]), "{y} and }{ and {y}");
    }
}
