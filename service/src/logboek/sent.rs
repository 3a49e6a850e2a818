//! What a Logboek confirmed that it has.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::settings::LogboekError;

/// The file that says up to where records were confirmed: `logboek.sent` in the folder of the log or the journal.
///
/// Where it is lost, all is sent again; every record has the ids that it had.
#[derive(Clone, Debug)]
pub struct SentUpTo(PathBuf);

impl SentUpTo {
    /// That of a folder.
    pub fn of(folder: &Path) -> SentUpTo {
        SentUpTo(folder.join("logboek.sent"))
    }

    /// The place that was noted last; `None` where none was.
    ///
    /// # Errors
    ///
    /// [`LogboekError::Note`]
    pub fn read(&self) -> Result<Option<String>, LogboekError> {
        match fs::read_to_string(&self.0) {
            Ok(text) => Ok(text.strip_suffix('\n').map(str::to_owned)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(&error)),
        }
    }

    /// Notes a place, in one piece: what is read later is the old or the new one.
    ///
    /// # Errors
    ///
    /// [`LogboekError::Note`]
    pub fn note(&self, place: &str) -> Result<(), LogboekError> {
        let new = self.0.with_extension("sent.new");
        let written = fs::File::create(&new)
            .and_then(|mut file| writeln!(file, "{place}"))
            .and_then(|()| fs::rename(&new, &self.0));
        written.map_err(|error| self.error(&error))
    }

    fn error(&self, error: &std::io::Error) -> LogboekError {
        LogboekError::Note { path: self.0.clone(), finding: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_last_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let sent = SentUpTo::of(folder.path());
        assert_eq!(sent.read(), Ok(None));
        sent.note("here").unwrap();
        sent.note("there").unwrap();
        assert_eq!(sent.read(), Ok(Some("there".into())));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        let error = SentUpTo::of(&folder.path().join("missing")).note("here").unwrap_err();
        assert_eq!(error.code(), "logboek_unsent");
    }
}
