//! What fuzz targets reach of the ledger's stored forms. No part of the API: it may change or go in any version.

use std::collections::BTreeMap;

use super::meet::{Asked, Conversation, Forwarded, MailboxRow, TurnRow, WaitingNotes, YearRow};
use super::rows::{EpochRow, LogCountsRow, PartnerRow, PolicyRow, ShareRow, read_row, write_row};
use crate::codec::Encode;
use crate::day::Timestamp;
use crate::message::Entry;
use crate::policy::Certificate;
use crate::talk::ConversationId;

/// For each kind of row that `bytes` can be read as: what that row is written as.
pub fn rewritten_rows(bytes: &[u8]) -> Vec<Vec<u8>> {
    let kinds = [
        rewritten::<u32>,
        rewritten::<PolicyRow>,
        rewritten::<PartnerRow>,
        rewritten::<EpochRow>,
        rewritten::<ShareRow>,
        rewritten::<LogCountsRow>,
        rewritten::<Vec<Certificate>>,
        rewritten::<Timestamp>,
        rewritten::<u64>,
        rewritten::<Forwarded>,
        rewritten::<Asked>,
        rewritten::<BTreeMap<ConversationId, Conversation>>,
        rewritten::<MailboxRow>,
        rewritten::<TurnRow>,
        rewritten::<Vec<Entry>>,
        rewritten::<WaitingNotes>,
        rewritten::<YearRow>,
    ];
    kinds.iter().filter_map(|rewritten| rewritten(bytes)).collect()
}

fn rewritten<R: Encode>(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(write_row(&read_row::<R>(bytes).ok()?))
}
