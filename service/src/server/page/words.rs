//! The status page's words in its two languages.

use stapel::Timestamp;
use stapel::broker::{BudgetKind, Hearing, Severity};

use crate::words::Words;

impl Words {
    /// How many there are of something, by the words for one and for several.
    pub(super) fn counted(self, number: u64, one: &str, several: &str) -> String {
        format!("{} {}", self.number(number), if number == 1 { one } else { several })
    }

    /// What is said of a moment after the last day that is written, as the end of a certificate may be.
    pub(super) fn after_all(self, moment: Timestamp) -> Option<String> {
        let last = Timestamp(u64::MAX).day();
        let is_after = moment.day() == last && moment > last.start().plus(86_399);
        is_after.then(|| format!("{} {}", self.t("na", "after"), self.day(last)))
    }

    /// How long before or after `now` a moment is, in its largest unit.
    pub(super) fn distance(self, moment: Timestamp, now: Timestamp) -> String {
        let seconds = now.0.abs_diff(moment.0);
        let (number, one, several) = match seconds {
            0..60 => return self.t("nu", "now").to_owned(),
            60..3_600 => (seconds / 60, self.t("minuut", "minute"), self.t("minuten", "minutes")),
            3_600..172_800 => (seconds / 3_600, self.t("uur", "hour"), self.t("uur", "hours")),
            172_800..63_072_000 => (seconds / 86_400, self.t("dag", "day"), self.t("dagen", "days")),
            _ => (seconds / 31_557_600, self.t("jaar", "year"), self.t("jaar", "years")),
        };
        let length = self.counted(number, one, several);
        if moment > now {
            format!("{} {length}", self.t("over", "in"))
        } else {
            format!("{length} {}", self.t("geleden", "ago"))
        }
    }

    /// Bytes, in the unit in which they are at least one.
    pub(super) fn bytes(self, bytes: u64) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
        let unit = (0..units.len()).rev().find(|unit| bytes >> (10 * unit) > 0).unwrap_or_default();
        format!("{} {}", self.number(bytes >> (10 * unit)), units[unit])
    }

    pub(super) fn severity(self, severity: Option<Severity>) -> &'static str {
        match severity {
            None => self.t("In orde", "In order"),
            Some(Severity::Warning) => self.t("Let op", "Warning"),
            Some(_) => self.t("Storing", "Critical"),
        }
    }

    pub(super) fn hearing(self, hearing: Hearing) -> &'static str {
        match hearing {
            Hearing::Fresh => self.t("Vers", "Fresh"),
            Hearing::Stale => self.t("Verouderd", "Stale"),
            Hearing::Silent => self.t("Stil", "Silent"),
        }
    }

    pub(super) fn budget(self, budget: BudgetKind) -> &'static str {
        match budget {
            BudgetKind::NewFlagsADay => self.t("Nieuwe meldingen vandaag", "New flags today"),
            BudgetKind::FlagsHeld => self.t("Meldingen die staan", "Flags held"),
            BudgetKind::AskedADay => self.t("Codes gevraagd vandaag", "Pseudonyms asked today"),
            BudgetKind::AskedAnEpoch => self.t("Codes gevraagd deze periode", "Pseudonyms asked this epoch"),
            BudgetKind::SweptADay => self.t("Gevraagd zonder eigen melding, vandaag", "Pseudonyms swept today"),
            BudgetKind::StatusADay => self.t("Statusvragen vandaag", "Status requests today"),
            other => other.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use stapel::policy::Lang;

    use super::*;

    #[test]
    fn numbers_and_moments_read_as_each_language_writes_them() {
        let (dutch, english) = (Words(Lang::Nl), Words(Lang::En));
        assert_eq!([0, 999, 1_000, 1_234_567].map(|number| dutch.number(number)), ["0", "999", "1.000", "1.234.567"]);
        assert_eq!(english.number(12_345), "12,345");
        let noon = Timestamp(1_796_126_400);
        assert_eq!(dutch.moment(noon.plus(59)), "1 december 2026, 12:00 UTC");
        assert_eq!(english.moment(noon.plus(31 * 86_400)), "1 January 2027, 12:00 UTC");
        assert_eq!(dutch.after_all(noon), None);
        assert_eq!(english.after_all(Timestamp(67_090_000_000)).as_deref(), Some("after 6 June 2149"));
        let from = |seconds| (dutch.distance(noon.plus(seconds), noon), english.distance(noon, noon.plus(seconds)));
        let pairs = [59, 60, 3_599, 7_200, 172_799, 172_800, 63_115_200].map(from);
        let written = pairs.each_ref().map(|(dutch, english)| (dutch.as_str(), english.as_str()));
        assert_eq!(
            written,
            [
                ("nu", "now"),
                ("over 1 minuut", "1 minute ago"),
                ("over 59 minuten", "59 minutes ago"),
                ("over 2 uur", "2 hours ago"),
                ("over 47 uur", "47 hours ago"),
                ("over 2 dagen", "2 days ago"),
                ("over 2 jaar", "2 years ago"),
            ]
        );
        assert_eq!(
            [0, 1_023, 1_024, 5 << 30].map(|bytes| english.bytes(bytes)),
            ["0 bytes", "1,023 bytes", "1 KiB", "5 GiB"]
        );
    }
}
