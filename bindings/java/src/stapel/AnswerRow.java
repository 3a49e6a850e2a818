// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * One row of an answer.
 *
 * @param canonical the canonical form of the address
 * @param typed as it was written when it was asked about, or else when it was flagged; null where there was no text
 * @param level whether it is of a home or of a house number
 * @param standing its standing
 */
public record AnswerRow(String canonical, String typed, Level level, Standing standing) {
    /** Without the address as it was written: in such texts people write more than an address. */
    @Override
    public String toString() {
        return "AnswerRow[canonical=" + canonical + ", level=" + level + ", standing=" + standing + "]";
    }

    static AnswerRow of(Lib.AnswerRowOut out) {
        return new AnswerRow(out.canonical.text(), out.typed.text(), Level.of(out.level), Standing.of(out.standing));
    }
}
