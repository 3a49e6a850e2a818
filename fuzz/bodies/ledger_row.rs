//! Bytes that claim to be a row of a broker's ledger: what is read is written as the same bytes, whichever kind of row
//! they are read as.

use stapel::broker::fuzzing::rewritten_rows;

pub fn run(data: &[u8]) {
    for rewritten in rewritten_rows(data) {
        assert_eq!(rewritten, data, "a row has one form");
    }
}
