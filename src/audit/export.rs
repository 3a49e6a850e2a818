//! An exported log: its file, one row for each line of the log, and what an officer checks of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::{Value, json};

use super::checkpoint::Checkpoint;
use super::compare::{are_of_one_log, compare};
use super::error::AuditError;
use super::event::Event;
use super::line::{Line, MAX_LINE};
use super::proof::refuse_other;
use super::tree::Log;
use crate::day::Day;
use crate::digest::Digest;
use crate::files::io;
use crate::json::canonical;

/// The most bytes of a row: a line whose every character is an escaped quote, and the row's own fields.
const MAX_ROW: usize = 2 * MAX_LINE + 100;

/// A row of an exported log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRow {
    /// A line that is there.
    Line(Line),
    /// The leaf hash of a line that was pruned.
    Pruned(Digest),
}

/// An exported log while its rows are read one after the other. It keeps only the hash of each line, so that a log of
/// any length can be read.
#[derive(Clone, Debug, Default)]
pub struct ExportedLog {
    log: Log,
    pruned: u64,
    /// What the last line on pruning says: how many lines were pruned in all, and before which day.
    last_prune: Option<(u64, Day)>,
    /// The day of the first line that was not pruned.
    first_left: Option<Day>,
    /// The first fault found in how lines were pruned.
    wrongly_pruned: Option<String>,
    kinds: BTreeMap<&'static str, u64>,
}

/// What a log that is as it was signed consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Lines in all, pruned ones included.
    pub lines: u64,
    /// Lines that were pruned, of which only the hash is left.
    pub pruned: u64,
    /// The number of checkpoints that the log was checked against.
    pub checkpoints: usize,
    /// The number of lines that the latest checkpoint covers. Nothing is shown yet of the lines after them.
    pub covered: u64,
    /// Lines that are there, by kind.
    pub kinds: BTreeMap<&'static str, u64>,
}

impl LogRow {
    /// The row's only form: canonical JSON, without a line break.
    pub fn to_json(&self, index: u64) -> String {
        match self {
            LogRow::Line(line) => canonical(&json!({"index": index, "line": line.to_json()})),
            LogRow::Pruned(leaf) => canonical(&json!({"index": index, "leaf": leaf})),
        }
    }

    /// Reads the row of line `index`, without its line break, in its one form only.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogFile`].
    pub fn parse(index: u64, bytes: &[u8]) -> Result<LogRow, AuditError> {
        let wrong = |finding| AuditError::LogFile { row: index, finding };
        if bytes.len() > MAX_ROW {
            return Err(wrong("it is longer than any row is"));
        }
        let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else {
            return Err(wrong("it is not a JSON object"));
        };
        let field = |key: &str| fields.get(key).and_then(Value::as_str);
        let row = match (field("line"), field("leaf")) {
            (Some(line), None) => match Line::parse(line.as_bytes()) {
                Ok(line) => LogRow::Line(line),
                Err(AuditError::LogLine { finding }) => return Err(wrong(finding)),
                Err(error) => return Err(error),
            },
            (None, Some(leaf)) => {
                LogRow::Pruned(leaf.parse().map_err(|_| wrong("its leaf is not 64 lower-case hexadecimal digits"))?)
            }
            _ => return Err(wrong("it has not either a line or a leaf")),
        };
        if row.to_json(index).as_bytes() == bytes {
            Ok(row)
        } else {
            Err(wrong("its index is not the number of the row, or it is not in canonical form"))
        }
    }

    /// The leaf hash.
    pub fn leaf(&self) -> Digest {
        match self {
            LogRow::Line(line) => line.leaf(),
            LogRow::Pruned(leaf) => *leaf,
        }
    }
}

impl ExportedLog {
    /// Reads a file of rows, each ended by a line break, and shows each row with its number to `visit`.
    ///
    /// # Errors
    ///
    /// [`AuditError::System`], [`AuditError::LogFile`], and what `visit` gives.
    pub fn read<E: From<AuditError>>(
        path: &Path,
        mut visit: impl FnMut(u64, &LogRow) -> Result<(), E>,
    ) -> Result<ExportedLog, E> {
        let unreadable = |action| move |source| AuditError::from(io(action, path, source));
        let mut file = BufReader::new(File::open(path).map_err(unreadable("open"))?);
        let mut log = ExportedLog::default();
        let mut row = Vec::new();
        loop {
            row.clear();
            // One byte more than a row and its break may have, so that a longer one shows.
            let mut bounded = file.by_ref().take(MAX_ROW as u64 + 2);
            bounded.read_until(b'\n', &mut row).map_err(unreadable("read"))?;
            if row.is_empty() {
                return Ok(log);
            }
            let index = log.log.size();
            if row.pop() != Some(b'\n') {
                let finding = "it does not end in a line break, or is longer than any row is";
                return Err(AuditError::LogFile { row: index, finding }.into());
            }
            visit(index, &log.push(&row)?)?;
        }
    }

    /// Reads the next row, without its line break.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogFile`].
    pub fn push(&mut self, row: &[u8]) -> Result<LogRow, AuditError> {
        let row = LogRow::parse(self.log.size(), row)?;
        match &row {
            LogRow::Pruned(_) => {
                self.pruned += 1;
                if self.first_left.is_some() {
                    self.pruned_wrongly("a line is gone after one that is left, and the oldest go first");
                }
            }
            LogRow::Line(line) => {
                *self.kinds.entry(line.event.kind()).or_default() += 1;
                self.first_left.get_or_insert(line.time.day());
                if let Event::Prune { before, lines, total } = line.event {
                    let so_far = self.last_prune.map_or(total.saturating_sub(lines), |(total, _)| total);
                    if so_far.checked_add(lines) != Some(total) || before > line.time.day() {
                        self.pruned_wrongly("what it says was pruned does not follow what it said before");
                    }
                    self.last_prune = Some((total, before));
                }
            }
        }
        self.log.append(row.leaf());
        Ok(row)
    }

    fn pruned_wrongly(&mut self, finding: &str) {
        let row = self.log.size();
        self.wrongly_pruned.get_or_insert_with(|| format!("row {row}: {finding}"));
    }

    /// The hashes of the rows read so far, for proofs.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Checks the log against signed checkpoints, at least one, in any order.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogInconsistent`] where two checkpoints contradict each other; [`AuditError::LogAltered`] where
    /// the log is not what a checkpoint says, or lines are gone that were not pruned; [`AuditError::Checkpoint`] where
    /// there is none.
    pub fn check(&self, checkpoints: &[Checkpoint]) -> Result<Report, AuditError> {
        let mut sorted: Vec<&Checkpoint> = checkpoints.iter().collect();
        sorted.sort_by_key(|checkpoint| checkpoint.size());
        let Some(latest) = sorted.last() else {
            return Err(AuditError::Checkpoint { finding: "there is none: without one the log shows nothing" });
        };
        for pair in sorted.windows(2) {
            // After a restore there are those of several logs. Each is held to the lines.
            if are_of_one_log(pair[0], pair[1])? {
                compare(pair[0], pair[1], None)?;
            }
        }
        let mut held = 0;
        for checkpoint in &sorted {
            refuse_other(&self.log, checkpoint).map_err(|error| narrowed(error, held))?;
            held = checkpoint.size();
        }
        let said = self.last_prune.map_or(0, |(total, _)| total);
        if self.pruned != said {
            let finding = format!("{} lines are gone, and the log says that {said} were pruned", self.pruned);
            return Err(AuditError::LogAltered { finding });
        }
        if let Some(finding) = &self.wrongly_pruned {
            return Err(AuditError::LogAltered { finding: finding.clone() });
        }
        if let (Some((_, before)), Some(left)) = (self.last_prune, self.first_left)
            && left < before
        {
            let finding =
                format!("the log says that lines before {before} were pruned, and the first left is of {left}");
            return Err(AuditError::LogAltered { finding });
        }
        Ok(Report {
            lines: self.log.size(),
            pruned: self.pruned,
            checkpoints: sorted.len(),
            covered: latest.size(),
            kinds: self.kinds.clone(),
        })
    }
}

/// The first day whose lines are kept on `today`, under the policy's `log_days`. Whoever prunes the days before it logs
/// that ([`Event::Prune`]).
pub(crate) fn prune_before(today: Day, log_days: u16) -> Day {
    Day(today.0.saturating_sub(log_days))
}

/// Says how far the log was as it was signed.
fn narrowed(error: AuditError, held: u64) -> AuditError {
    match error {
        AuditError::LogAltered { finding } if held > 0 => {
            AuditError::LogAltered { finding: format!("{finding}; its first {held} are as they were signed") }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::tests::sign;
    use super::super::line::tests::examples;
    use super::*;
    use crate::day::Timestamp;

    /// The examples without those on pruning, as rows.
    fn rows() -> Vec<LogRow> {
        examples().into_iter().filter(|line| line.event.kind() != "prune").map(LogRow::Line).collect()
    }

    fn texts(rows: &[LogRow]) -> Vec<String> {
        rows.iter().enumerate().map(|(index, row)| row.to_json(index as u64)).collect()
    }

    fn read(texts: &[String]) -> Result<ExportedLog, AuditError> {
        let mut log = ExportedLog::default();
        texts.iter().try_for_each(|text| log.push(text.as_bytes()).map(drop)).map(|()| log)
    }

    fn checkpoints(rows: &[LogRow], sizes: &[usize]) -> Vec<Checkpoint> {
        sizes.iter().map(|size| sign(&rows[..*size].iter().map(LogRow::leaf).collect())).collect()
    }

    #[test]
    fn a_log_as_it_was_signed_passes() {
        let rows = rows();
        let report = read(&texts(&rows)).unwrap().check(&checkpoints(&rows, &[12, 5, 16, 0, 5])).unwrap();
        assert_eq!((report.lines, report.pruned, report.checkpoints, report.covered), (19, 0, 5, 16));
        assert_eq!(report.kinds["release"], 2);
        assert_eq!(report.kinds.values().sum::<u64>(), 19);
    }

    #[test]
    fn rows_come_back_and_have_their_form() {
        let pruned = LogRow::Pruned(Digest([0xab; 32]));
        let text = r#"{"index":3,"leaf":"abababababababababababababababababababababababababababababababab"}"#;
        assert_eq!(pruned.to_json(3), text);
        assert_eq!(LogRow::parse(3, text.as_bytes()).unwrap(), pruned);
        for (index, row) in rows().into_iter().enumerate() {
            let text = row.to_json(index as u64);
            assert_eq!(LogRow::parse(index as u64, text.as_bytes()).unwrap(), row, "{text}");
            for at in 0..text.len() {
                assert!(LogRow::parse(index as u64, &text.as_bytes()[..at]).is_err());
            }
            for wrong in [
                format!("{text}\n"),
                text.replacen(":", ": ", 1),
                text.replacen("\"line\"", "\"leaf\"", 1),
                text.replacen("{", "{\"a\":1,", 1),
                text.replacen(
                    "}\"}",
                    "}\",\"leaf\":\"abababababababababababababababababababababababababababababababab\"}",
                    1,
                ),
            ] {
                assert_eq!(LogRow::parse(index as u64, wrong.as_bytes()).unwrap_err().code(), "log_file", "{wrong}");
            }
            assert_eq!(LogRow::parse(index as u64 + 1, text.as_bytes()).unwrap_err().code(), "log_file");
        }
    }

    #[test]
    fn a_file_is_rows_that_each_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let rows = rows();
        let text = texts(&rows).join("\n") + "\n";
        std::fs::write(&path, &text).unwrap();
        let mut seen = vec![];
        let log = ExportedLog::read(&path, |index, row| {
            assert_eq!(index, seen.len() as u64);
            seen.push(row.clone());
            Ok::<_, AuditError>(())
        });
        assert_eq!(log.unwrap().log().root(), rows.iter().map(LogRow::leaf).collect::<Log>().root());
        assert_eq!(seen, rows);
        for wrong in [text.trim_end().to_owned(), text.clone() + "\n", "\n".into(), "a".repeat(1 << 20), text + "{"] {
            std::fs::write(&path, wrong).unwrap();
            assert_eq!(ExportedLog::read(&path, |_, _| Ok::<_, AuditError>(())).unwrap_err().code(), "log_file");
        }
        std::fs::write(&path, "").unwrap();
        assert_eq!(ExportedLog::read(&path, |_, _| Ok::<_, AuditError>(())).unwrap().log().size(), 0);
        assert_eq!(
            ExportedLog::read(&folder.path().join("none"), |_, _| Ok::<_, AuditError>(())).unwrap_err().code(),
            "io"
        );
    }

    #[test]
    fn a_flipped_bit_of_any_byte_of_the_log_is_noticed() {
        let every = std::env::var_os("STAPEL_EVERY_BYTE").is_some();
        let rows = rows();
        let texts = texts(&rows);
        let checkpoints = checkpoints(&rows, &[rows.len()]);
        read(&texts).unwrap().check(&checkpoints).unwrap();
        for (index, text) in texts.iter().enumerate() {
            for at in 0..text.len() {
                for bit in (0..7).filter(|bit| every || *bit == at % 7) {
                    let mut flipped = text.clone().into_bytes();
                    flipped[at] ^= 1 << bit;
                    let mut changed = texts.clone();
                    changed[index] = String::from_utf8(flipped).unwrap();
                    assert!(
                        read(&changed).and_then(|log| log.check(&checkpoints)).is_err(),
                        "row {index} byte {at} bit {bit}"
                    );
                }
            }
        }
    }

    #[test]
    fn lines_taken_out_put_in_or_changed_about_are_noticed() {
        let rows = rows();
        let checkpoints = checkpoints(&rows, &[5, rows.len()]);
        let code = |rows: &[LogRow]| {
            let error = read(&texts(rows)).unwrap().check(&checkpoints).unwrap_err();
            (error.code(), error.to_string())
        };
        for at in 0..rows.len() {
            let mut less = rows.clone();
            less.remove(at);
            assert_eq!(code(&less).0, "log_altered");
            let mut more = rows.clone();
            more.insert(at, rows[0].clone());
            assert_eq!(code(&more).0, "log_altered");
            let mut swapped = rows.clone();
            swapped.swap(at, (at + 1) % rows.len());
            assert_eq!(code(&swapped).0, "log_altered");
            let mut hidden = rows.clone();
            hidden[at] = LogRow::Pruned(rows[at].leaf());
            let (found, text) = code(&hidden);
            assert!(
                found == "log_altered" && text.contains("1 lines are gone"),
                "a line hidden behind its hash: {text}"
            );
        }
        let mut late = rows.clone();
        late.remove(9);
        assert!(code(&late).1.contains("its first 5 are as they were signed"), "{}", code(&late).1);
    }

    #[test]
    fn a_log_is_held_to_at_least_one_checkpoint_and_checkpoints_to_each_other() {
        let rows = rows();
        let log = read(&texts(&rows)).unwrap();
        assert_eq!(log.check(&[]).unwrap_err().code(), "checkpoint");
        let mut forked = rows.clone();
        forked.swap(0, 1);
        let both = [checkpoints(&rows, &[9]), checkpoints(&forked, &[9])].concat();
        assert_eq!(log.check(&both).unwrap_err().code(), "log_inconsistent");
    }

    /// Prunes the lines of days before `before`, from the first line on, as a broker does; gives how many went.
    fn prune(rows: &mut [LogRow], before: Day) -> u64 {
        let mut gone = 0;
        for row in rows {
            if let LogRow::Line(line) = row {
                if line.time.day() >= before {
                    break;
                }
                *row = LogRow::Pruned(line.leaf());
                gone += 1;
            }
        }
        gone
    }

    #[test]
    fn pruning_takes_old_lines_and_leaves_the_tree() {
        let mut rows = rows();
        let before: Log = rows.iter().map(LogRow::leaf).collect();
        let signed = checkpoints(&rows, &[rows.len()]);
        let today = Timestamp(1_795_996_799).day().plus(1095);
        assert_eq!(prune_before(today, 1095), Timestamp(1_795_996_799).day());
        assert_eq!(prune_before(Day(3), 1095), Day(0));
        assert_eq!(prune(&mut rows, prune_before(today, 1095)), 0, "the day itself stays");
        // The first example is of the last second of its day, and the others are of the next.
        let gone = prune(&mut rows, prune_before(today.plus(1), 1095));
        assert_eq!(gone, 1);
        assert!(matches!(rows[0], LogRow::Pruned(_)) && matches!(rows[1], LogRow::Line(_)));
        assert_eq!(prune(&mut rows, prune_before(today.plus(1), 1095)), 0, "what is gone is not counted again");
        assert_eq!(rows.iter().map(LogRow::leaf).collect::<Log>().root(), before.root());
        assert_eq!(read(&texts(&rows)).unwrap().check(&signed).unwrap_err().code(), "log_altered", "no line says so");
        let left = Timestamp(1_795_996_800);
        let says = |lines, total, before| {
            let time = left.day().plus(1095).start();
            LogRow::Line(Line { time, event: Event::Prune { before, lines, total }, ..examples().remove(3) })
        };
        let check = |rows: &[LogRow]| read(&texts(rows)).unwrap().check(&signed);
        rows.push(says(1, 1, left.day()));
        let report = check(&rows).unwrap();
        assert_eq!((report.lines, report.pruned, report.covered), (20, 1, 19));

        // Who writes such a line cannot hide whichever line they like behind its hash.
        let finding = |rows: &[LogRow]| check(rows).unwrap_err().to_string();
        rows.push(says(1, 2, left.day()));
        let mut hidden = rows.clone();
        hidden[7] = LogRow::Pruned(rows[7].leaf());
        assert!(finding(&hidden).contains("row 7: a line is gone after one that is left"), "{}", finding(&hidden));
        let mut older = rows.clone();
        older[1] = LogRow::Pruned(rows[1].leaf());
        assert!(check(&older).is_ok());
        older[20] = says(2, 2, left.day());
        assert!(finding(&older).contains("row 20: what it says was pruned does not follow"), "{}", finding(&older));
        older[20] = says(1, 2, left.day().plus(1));
        assert!(finding(&older).contains("the first left is of"), "{}", finding(&older));
    }
}
