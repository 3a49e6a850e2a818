// SPDX-License-Identifier: EUPL-1.2
package stapel;

/** The native library behind these classes. One with another ABI than theirs is an {@link UnsatisfiedLinkError}. */
public final class Stapel {
    private Stapel() {}

    /**
     * Its version.
     *
     * @return such as "0.1.0"
     */
    public static String version() {
        return Scratch.text(Lib.stapel_version());
    }

    /**
     * The version of its ABI.
     *
     * @return the one that these classes are for
     */
    public static int abiVersion() {
        return Lib.stapel_abi_version();
    }

    /**
     * How many of its handles are open in this process.
     *
     * @return 0 where all was closed
     */
    public static int openHandles() {
        Lib.SizeTByReference count = new Lib.SizeTByReference();
        StapelException.check(Lib.stapel_open_handles(count));
        return count.count();
    }

    /**
     * The stable code of a status.
     *
     * @param status a number that stapel.h gives
     * @return such as "folder_in_use"; "ok" for 0, "unknown" for a number that it does not know
     */
    public static String codeOf(int status) {
        return Scratch.text(Lib.stapel_status_code(status));
    }
}
