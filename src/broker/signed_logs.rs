//! Which trees of the log were signed, kept apart from the store. A restored store may lack lines that were signed, and
//! another log must not be signed on under the same name. spec/audit-log.md, section 3.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::BrokerError;
use crate::audit::{Log, SignedTree};
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::files;
use crate::store::StoreError;
use crate::system::SystemError;

/// The file's first line.
const HEADER: &str = "stapel-signed-logs v1";

/// The last tree that was signed of each log, by its origin.
///
/// A tree is noted when its lines are on disk and before it is signed. So whatever was signed is noted, and whatever is
/// noted is in the store, unless that was restored from a copy.
pub(super) struct SignedLogs {
    /// `None` keeps it in memory only.
    path: Option<PathBuf>,
    logs: Mutex<BTreeMap<String, Last>>,
}

/// The last tree of a log that was signed; an empty one where none was yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Last {
    size: u64,
    root: Digest,
}

impl SignedLogs {
    pub(super) fn in_memory() -> SignedLogs {
        SignedLogs { path: None, logs: Mutex::default() }
    }

    /// Reads what was noted in a folder; nothing, where there is no such file.
    pub(super) fn open(folder: &Path) -> Result<SignedLogs, StoreError> {
        let path = folder.join("signed.logs");
        let logs = match files::read_found(&path) {
            Ok(bytes) => parse(&bytes).ok_or_else(|| StoreError::BrokerKeys {
                path: path.clone(),
                finding: "it is not as the broker wrote it, and says what was signed of the log: put it back as it \
                          was. If it is lost, take it away and restore the store from a backup: then a policy with a \
                          new log_origin is asked for"
                    .into(),
            })?,
            Err(SystemError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(SignedLogs { path: Some(path), logs: Mutex::new(logs) })
    }

    /// Why `log` must not be signed as `origin`; `None` where it continues what was signed under that name.
    pub(super) fn refusal(&self, origin: &str, log: &Log) -> Option<BrokerError> {
        let finding = match *self.logs().get(origin)? {
            Last { size, root } if log.root_at(size) == Some(root) => return None,
            Last { size, .. } if size > log.size() => {
                format!("a checkpoint of {size} lines was signed, and the log in this store has {}", log.size())
            }
            Last { size, .. } => {
                format!("a checkpoint of {size} lines was signed, and the log in this store has others in their place")
            }
        };
        Some(BrokerError::LogBehind { origin: origin.into(), finding })
    }

    /// Notes a tree that is about to be signed: it is on disk when this returns.
    pub(super) fn note(&self, origin: &str, size: u64, root: Digest) -> Result<(), SystemError> {
        self.put(origin, Last { size, root })
    }

    /// The last tree that was signed under a name.
    pub(super) fn last(&self, origin: &str) -> Option<SignedTree> {
        let Last { size, root } = *self.logs().get(origin).filter(|last| last.size > 0)?;
        Some(SignedTree { origin: origin.to_owned(), size, root })
    }

    /// Notes that there is a log of this name, of which nothing was signed yet.
    pub(super) fn begin(&self, origin: &str) -> Result<(), SystemError> {
        let nothing = Log::default();
        self.put(origin, Last { size: nothing.size(), root: nothing.root() })
    }

    /// The latest restore after which a log of this origin began: its moment is in the log's name.
    pub(super) fn latest_restore(&self, origin: &str) -> Option<Timestamp> {
        let logs = self.logs();
        let moment = |name: &String| name.strip_prefix(origin)?.strip_prefix('/')?.parse().ok();
        logs.keys().filter_map(moment).map(Timestamp).max()
    }

    fn put(&self, origin: &str, last: Last) -> Result<(), SystemError> {
        let mut logs = self.logs();
        let mut newer = logs.clone();
        newer.insert(origin.into(), last);
        if let Some(path) = &self.path {
            files::replace_private(path, to_text(&newer).as_bytes())?;
        }
        *logs = newer;
        Ok(())
    }

    fn logs(&self) -> MutexGuard<'_, BTreeMap<String, Last>> {
        // It is replaced whole.
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The header, then a line for each log, by origin: size, root, origin, a space between.
fn to_text(logs: &BTreeMap<String, Last>) -> String {
    let rows = logs.iter().map(|(origin, Last { size, root })| format!("{size} {root} {origin}\n"));
    format!("{HEADER}\n{}", rows.collect::<String>())
}

fn parse(bytes: &[u8]) -> Option<BTreeMap<String, Last>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut logs = BTreeMap::new();
    for row in text.strip_prefix(HEADER)?.strip_prefix('\n')?.lines() {
        let (origin, last) = match row.split(' ').collect::<Vec<_>>()[..] {
            [size, root, origin] => (origin, Last { size: size.parse().ok()?, root: root.parse().ok()? }),
            _ => return None,
        };
        logs.insert(origin.to_owned(), last);
    }
    (to_text(&logs) == text).then_some(logs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::leaf_hash;

    fn log(lines: &[u8]) -> Log {
        lines.iter().map(|line| leaf_hash(&[*line])).collect()
    }

    fn finding(logs: &SignedLogs, origin: &str, lines: &[u8]) -> Option<String> {
        let error = logs.refusal(origin, &log(lines))?;
        assert_eq!(error.code(), "log_behind");
        assert!(error.to_string().contains("log_origin"), "{error}");
        Some(error.to_string())
    }

    #[test]
    fn only_a_log_that_continues_what_was_signed_is_signed_on() {
        let folder = tempfile::tempdir().unwrap();
        let logs = SignedLogs::open(folder.path()).unwrap();
        assert_eq!(finding(&logs, "a", &[]), None, "nothing was signed");
        logs.note("a", 3, log(&[1, 2, 3]).root()).unwrap();
        for logs in [logs, SignedLogs::open(folder.path()).unwrap()] {
            assert_eq!(finding(&logs, "a", &[1, 2, 3]), None);
            assert_eq!(finding(&logs, "a", &[1, 2, 3, 4]), None);
            assert!(
                finding(&logs, "a", &[1, 2]).unwrap().contains("3 lines was signed, and the log in this store has 2")
            );
            assert!(finding(&logs, "a", &[1, 2, 4]).unwrap().contains("others in their place"));
            assert!(finding(&logs, "a", &[1, 2, 4, 5]).unwrap().contains("others in their place"));
            assert_eq!(finding(&logs, "b", &[1, 2, 3]), None);
            let last = logs.last("a").unwrap();
            assert_eq!((last.origin.as_str(), last.size, last.root), ("a", 3, log(&[1, 2, 3]).root()));
            assert_eq!(logs.last("c"), None);
            assert_eq!(finding(&logs, "c", &[1]), None);
        }
    }

    #[test]
    fn what_was_signed_is_noted_whole_or_not_at_all() {
        use crate::files::crash;
        let folder = tempfile::tempdir().unwrap();
        SignedLogs::open(folder.path()).unwrap().note("a", 1, log(&[1]).root()).unwrap();
        let (mut steps, mut noted) = (0, false);
        while !noted {
            let logs = SignedLogs::open(folder.path()).unwrap();
            crash::after(Some(steps));
            noted = logs.note("a", 2, log(&[1, 2]).root()).is_ok();
            crash::after(None);
            // The one who signs is told no less than what is on disk.
            let kept = SignedLogs::open(folder.path()).unwrap().refusal("a", &log(&[1])).is_some();
            assert!(kept || !noted, "step {steps}");
            steps += 1;
        }
        assert!(steps > 3);
    }

    #[test]
    fn a_file_that_is_not_as_it_was_written_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = log(&[1]).root();
        for text in [
            String::new(),
            HEADER.into(),
            format!("{HEADER}\n\n"),
            format!("{HEADER}\n1 {root} a"),
            format!("{HEADER}\n01 {root} a\n"),
            format!("{HEADER}\n1 {root} b\n1 {root} a\n"),
            format!("{HEADER}\n1 {root}\n"),
            format!("{HEADER}\nunknown a b\n"),
        ] {
            files::replace_private(&folder.path().join("signed.logs"), text.as_bytes()).unwrap();
            let error = SignedLogs::open(folder.path()).err().expect(&text);
            assert_eq!(error.code(), "broker_keys", "{text}");
        }
    }
}
