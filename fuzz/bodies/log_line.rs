//! Bytes that claim to be a line of an audit log, or a row of an exported one: what is read is written as the same
//! bytes.

use stapel::audit::{ExportedLog, Line, LogRow, leaf_hash};

pub fn run(data: &[u8]) {
    if let Ok(line) = Line::parse(data) {
        assert_eq!(line.to_json().as_bytes(), data, "a line has one form");
        assert_eq!(line.leaf(), leaf_hash(data));
        let row = LogRow::Line(line).to_json(0);
        assert!(LogRow::parse(0, row.as_bytes()).is_ok(), "{row}");
    }
    if let Ok(row) = LogRow::parse(0, data) {
        assert_eq!(row.to_json(0).as_bytes(), data, "a row has one form");
        assert!(LogRow::parse(1, data).is_err(), "a row stands in one place");
    }
    let mut log = ExportedLog::default();
    for (at, row) in data.split(|byte| *byte == b'\n').enumerate() {
        let Ok(row) = log.push(row) else { break };
        assert_eq!(log.log().leaf(at as u64), Some(row.leaf()));
        assert_eq!(log.log().size(), at as u64 + 1);
    }
}
