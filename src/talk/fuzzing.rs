//! What fuzz targets reach of notes. No part of the API: it may change or go in any version.

use super::note::Note;

/// What the note of these bytes is written as; `None` where they are no note.
pub fn rewritten_note(bytes: &[u8]) -> Option<Vec<u8>> {
    Note::decode(bytes).ok().map(|note| note.encode().expect("what was read can be written"))
}
