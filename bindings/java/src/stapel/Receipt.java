// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;

/**
 * What was delivered was accepted, and is kept.
 *
 * @param release the release in force when it was accepted; its flags show from a later one on
 * @param added flags that were not held before
 * @param altered flags that were held, with another last valid day
 * @param withdrawn flags that were held and are no longer
 * @param held all flags that the broker now holds of the partner in this epoch, homes and house numbers
 * @param part of a full set in parts: the part. 0 for all else
 * @param parts of a full set in parts: of how many. 0 for all else
 * @param log the line of the broker's audit log
 */
public record Receipt(long release, long added, long altered, long withdrawn, long held, int part, int parts,
    LogEntry log)
        implements Reply {
    @Override
    public Kind kind() {
        return Kind.RECEIPT;
    }

    static Receipt of(Pointer reply) {
        Lib.ReceiptOut out = new Lib.ReceiptOut();
        StapelException.check(Lib.stapel_reply_receipt(reply, out));
        return new Receipt(
                out.release,
                Integer.toUnsignedLong(out.added),
                Integer.toUnsignedLong(out.changed),
                Integer.toUnsignedLong(out.withdrawn),
                Integer.toUnsignedLong(out.held),
                Short.toUnsignedInt(out.part),
                Short.toUnsignedInt(out.parts),
                LogEntry.of(out.log));
    }
}
