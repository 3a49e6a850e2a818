// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.ptr.PointerByReference;
import java.nio.file.Path;
import java.time.Instant;

/**
 * A broker with its store open. One at a time, of all processes, can have a store open.
 *
 * <p>What it replied to is on disk when the call returns. Any number of threads may use it at once. Every call throws
 * {@link StapelException} for what stapel.h lists as its errors, and {@link IllegalStateException} after {@link
 * #close}.
 */
public final class Broker implements AutoCloseable {
    /**
     * The public keys of a broker, 64 hexadecimal digits each, for the policy's [operator].
     *
     * @param verifyingKey that of its replies
     * @param checkpointKey that of the checkpoints of its audit log
     */
    public record Keys(String verifyingKey, String checkpointKey) {}

    private final Handle handle;

    private Broker(PointerByReference made) {
        handle = new Handle("the broker", made, Lib::stapel_broker_free);
    }

    /**
     * Draws a broker's keys and writes them to a folder, which is made if it is not there; keys that are there already
     * stay.
     *
     * @param keysFolder the folder
     * @return the public keys
     */
    public static Keys initKeys(Path keysFolder) {
        byte[] keys = Scratch.utf8(keysFolder.toString());
        PointerByReference verifyingKey = new PointerByReference();
        PointerByReference checkpointKey = new PointerByReference();
        StapelException.check(Lib.stapel_broker_init_keys(keys, Scratch.length(keys), verifyingKey, checkpointKey));
        return new Keys(Scratch.takeText(verifyingKey), Scratch.takeText(checkpointKey));
    }

    /**
     * Makes a broker in a folder, under the policy in a file and the signatures beside it.
     *
     * @param folder the folder
     * @param keysFolder the folder of its keys
     * @param policyFile the policy
     * @param now the broker's time
     * @return the broker, open until {@link #close}
     */
    public static Broker create(Path folder, Path keysFolder, Path policyFile, Instant now) {
        byte[] path = Scratch.utf8(folder.toString());
        byte[] keys = Scratch.utf8(keysFolder.toString());
        byte[] policy = Scratch.utf8(policyFile.toString());
        PointerByReference made = new PointerByReference();
        StapelException.check(Lib.stapel_broker_create(
                path, Scratch.length(path), keys, Scratch.length(keys), policy, Scratch.length(policy),
                    Scratch.seconds(now), made));
        return new Broker(made);
    }

    /**
     * Opens the broker in a folder.
     *
     * @param folder the folder
     * @param keysFolder the folder of its keys
     * @return the broker, open until {@link #close}
     * @throws StapelException "folder_in_use" while another has it open, or what is wrong in it
     */
    public static Broker open(Path folder, Path keysFolder) {
        byte[] path = Scratch.utf8(folder.toString());
        byte[] keys = Scratch.utf8(keysFolder.toString());
        PointerByReference made = new PointerByReference();
        StapelException.check(Lib.stapel_broker_open(path, Scratch.length(path), keys, Scratch.length(keys), made));
        return new Broker(made);
    }

    /**
     * Takes a message, and gives the reply to carry back: the whole protocol. Whatever the bytes, there is a reply;
     * what was not accepted is a rejection in it, and no exception.
     *
     * @param message the message
     * @param now the broker's time
     * @return the reply
     */
    public byte[] handle(byte[] message, Instant now) {
        return handle.use(broker -> {
            PointerByReference reply = new PointerByReference();
            StapelException.check(
                    Lib.stapel_broker_handle(broker, message, Scratch.length(message), Scratch.seconds(now), reply));
            return Scratch.take(reply);
        });
    }

    /**
     * Keeps a certificate or a suspension of a partner, from its file. One that was kept before is no error.
     *
     * @param file the file, as the partner's organisation signed it
     * @param now the broker's time
     */
    public void certify(Path file, Instant now) {
        byte[] path = Scratch.utf8(file.toString());
        handle.use(broker -> {
            StapelException.check(
                    Lib.stapel_broker_certify(broker, path, Scratch.length(path), Scratch.seconds(now)));
            return null;
        });
    }

    /**
     * Makes the releases that are due, closes epochs whose last day has passed, and purges what went. {@link #handle}
     * releases too; a broker needs this once a day.
     *
     * @param now the broker's time
     * @param acceptClock that somebody saw that a clock more than three days past the last release is right
     * @return JSON: an array with an object for each release
     */
    public String release(Instant now, boolean acceptClock) {
        return handle.use(broker -> {
            PointerByReference releases = new PointerByReference();
            StapelException.check(Lib.stapel_broker_release(broker, Scratch.seconds(now), acceptClock ? 1 : 0,
                releases));
            return Scratch.takeText(releases);
        });
    }

    /**
     * Numbers for the operator.
     *
     * @return a JSON object
     */
    public String status() {
        return handle.use(broker -> {
            PointerByReference status = new PointerByReference();
            StapelException.check(Lib.stapel_broker_status(broker, status));
            return Scratch.takeText(status);
        });
    }

    /** Closes the broker, and lets its store go once the calls that are under way on other threads have ended. */
    @Override
    public void close() {
        handle.close();
    }
}
