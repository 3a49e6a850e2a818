//! One run at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::failure::Failure;
use crate::files;
use crate::output::Shown;

/// Holds a partner's folder against other runs, and not against other commands: those may use it while the broker is
/// waited for.
pub(super) struct RunLock {
    _file: File,
}

impl RunLock {
    pub(super) fn hold(dir: &Path) -> Result<RunLock, Failure> {
        let path = dir.join("sync.lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|source| files::error("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let finding = format!("another stapel partner sync is at work in {}; try again later", dir.shown());
                Err(Failure::new("folder_in_use", finding))
            }
            Err(TryLockError::Error(source)) => Err(files::error("lock", &path, source)),
        }
    }
}
