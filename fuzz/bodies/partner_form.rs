//! Bytes that claim to be a record of a partner's journal, or a partner's state: what is read is written as the same
//! bytes.

use stapel::partner::fuzzing::{rewritten_record, rewritten_state};

pub fn run(data: &[u8]) {
    for rewritten in [rewritten_record(data), rewritten_state(data)].into_iter().flatten() {
        assert_eq!(rewritten, data, "what is stored has one form");
    }
}
