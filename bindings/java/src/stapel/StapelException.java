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

    private StapelException(int status, String message) {
        super(message);
        this.status = status;
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

    @Override
    public String toString() {
        return getClass().getName() + ": " + code() + ": " + getMessage();
    }

    /** Throws what a status says, unless it says that all is well. */
    static void check(int status) {
        if (status != 0) {
            // The sentence is this thread's, until its next call that fails.
            throw new StapelException(status, Scratch.text(Lib.stapel_last_error_message()));
        }
    }
}
