//! Looks at the receipts that partners show: one of this broker's own signature that its log does not have means that
//! an older store was put back. SPEC.md 5.10.

use super::incoming::Incoming;
use super::rows::PartnerRow;
use super::state::BrokerState;
use super::transaction::Transaction;
use super::{Broker, BrokerError, folder};
use crate::audit::Event;
use crate::digest::Digest;
use crate::message::{LogEntry, Reply, Role, Unverified};

impl Broker {
    /// Writes down in the log and in the partner's row that it has a receipt which this broker signed and does not
    /// know, once until the partner shows another. Where no restore that it knows of explains it, the operator is told,
    /// and the receipt is kept as evidence.
    pub(super) fn look_at_receipt(
        &self,
        transaction: &mut Transaction<'_>,
        incoming: &Incoming<'_>,
        row: &mut PartnerRow,
        bytes: &[u8],
    ) -> Result<(), BrokerError> {
        let Some(log) = self.own_entry(incoming, bytes) else { return Ok(()) };
        let Some(announced) = forgotten(transaction, &log) else { return Ok(()) };
        let (partner, receipt) = (incoming.header.partner, Digest::of(&[bytes]));
        if !announced {
            self.note_fault(&BrokerError::Forgotten { partner, index: log.index });
        }
        if row.forgotten == Some(receipt) {
            return Ok(());
        }
        if let Some(folder) = self.folder.as_ref().filter(|_| !announced) {
            // On disk before the line that speaks of it.
            folder::keep_evidence(folder, &receipt, bytes)?;
        }
        let event = Event::Forgotten { partner, receipt, announced };
        transaction.record(incoming.now, incoming.in_force.digest(), event)?;
        row.forgotten = Some(receipt);
        Ok(())
    }

    /// The line that a receipt names which this broker signed for the sender; `None` for any other bytes, which prove
    /// nothing.
    fn own_entry(&self, incoming: &Incoming<'_>, bytes: &[u8]) -> Option<LogEntry> {
        let receipt = Unverified::parse(bytes, Role::Broker).ok()?.verify(&self.keys.verifying_key()).ok()?;
        let (header, sender) = (receipt.header(), incoming.header);
        let is_theirs = (&header.consortium, &header.purpose, header.partner)
            == (&sender.consortium, &sender.purpose, sender.partner);
        match receipt.reply().ok()? {
            Reply::Receipt(receipt) if is_theirs && receipt.log.is_line() => Some(receipt.log),
            _ => None,
        }
    }
}

/// Whether the log lacks a line that the broker signed for: `Some(true)` where a restore explains it that the broker
/// knows of, `Some(false)` where none does, `None` where the log has it.
fn forgotten(state: &BrokerState, line: &LogEntry) -> Option<bool> {
    if line.restored <= state.log.restored && state.log.tree.leaf(line.index) == Some(line.leaf) {
        return None;
    }
    Some(line.restored < state.log.restored)
}
