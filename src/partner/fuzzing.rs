//! What fuzz targets reach of a partner's stored forms. No part of the API: it may change or go in any version.

use super::record::JournalRecord;
use super::state::PartnerState;

/// What the journal's record that is read from `bytes` is written as; `None` where they are no record.
pub fn rewritten_record(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(JournalRecord::read(bytes).ok()?.write(Vec::new()))
}

/// What the state that is read from `bytes` is written as; `None` where they are no state.
pub fn rewritten_state(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(PartnerState::read(bytes).ok()?.write(Vec::new()))
}
