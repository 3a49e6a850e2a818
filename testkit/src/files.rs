//! Files that only their owner may read, as the library wants keys and stores to be.

use std::fs;
use std::path::Path;

/// Writes a file that only its owner may read.
///
/// # Panics
///
/// If it cannot be written.
pub fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a file can be written");
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode can be set");
}
