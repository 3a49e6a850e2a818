// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.util.HexFormat;

/**
 * The line of the broker's audit log that a reply was logged with.
 *
 * @param index the number of the line, counted from 0
 * @param leaf the line's RFC 6962 leaf hash, 64 hexadecimal digits; zeros where there is no line
 */
public record LogEntry(long index, String leaf) {
    static LogEntry of(Lib.LogEntryOut out) {
        return new LogEntry(out.index, HexFormat.of().formatHex(out.leaf));
    }
}
