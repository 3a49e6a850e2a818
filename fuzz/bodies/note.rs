//! Bytes that claim to be what is in a sealed note, which its sender alone chooses: what is read is written as the same
//! bytes. Bytes that are too few are filled with zeros, as a text is.

use stapel::talk::fuzzing::rewritten_note;

/// The bytes of a note.
const NOTE: usize = 1_048;

pub fn run(data: &[u8]) {
    let mut filled = data.to_vec();
    filled.resize(data.len().max(NOTE), 0);
    for bytes in [data, &filled] {
        if let Some(rewritten) = rewritten_note(bytes) {
            assert_eq!(rewritten, bytes, "a note has one form");
        }
    }
}
