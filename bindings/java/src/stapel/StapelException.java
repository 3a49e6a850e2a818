// SPDX-License-Identifier: EUPL-1.2
package stapel;

/**
 * What the library did not do. {@link #getMessage} says in a sentence what was found and what to do.
 *
 * <p>A rejection by the broker is no exception but a {@link Rejection}, and an address that was refused is a row that
 * says so.
 */
public final class StapelException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The number that stapel.h gives it. */
    private final int status;

    /** Null for none. */
    private final String number;

    private StapelException(int status, String message, String number) {
        super(message);
        this.status = status;
        this.number = number;
    }

    /**
     * The stable code, such as "folder_in_use".
     *
     * @return the same in every language and version
     */
    public String code() {
        return Stapel.codeOf(status);
    }

    /**
     * The number that stapel.h gives it.
     *
     * @return a number that is not 0; a later version of the library may have more of them
     */
    public int status() {
        return status;
    }

    /**
     * Of one home that was refused, its house number.
     *
     * @return the canonical form of the house number, where that is certain; else null
     */
    public String number() {
        return number;
    }

    @Override
    public String toString() {
        return getClass().getName() + ": " + code() + ": " + getMessage();
    }

    /** Throws what a status says, unless it says that all is well. */
    static void check(int status) {
        check(status, null);
    }

    /** Throws what the status of a refused home says, whose house number is certain or null. */
    static void check(int status, String number) {
        if (status != 0) {
            // The sentence is this thread's, until its next call that fails.
            throw new StapelException(status, Scratch.text(Lib.stapel_last_error_message()), number);
        }
    }
}
