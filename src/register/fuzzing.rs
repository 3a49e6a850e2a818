//! What the fuzz target `register` needs of the file's form.

/// A file's bytes with the checksums that its blocks and its front would need: so what is fuzzed reaches what reads
/// them. `None` where that is no file of this form.
pub fn with_checksums(bytes: &[u8]) -> Option<Vec<u8>> {
    super::file::with_checksums(bytes)
}
