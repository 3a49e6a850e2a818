// SPDX-License-Identifier: EUPL-1.2
package stapel;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/**
 * A local register of the addresses that exist (BAG), which {@code stapel register build} made. Open it once; any
 * number of threads may use it. What is looked up stays in the process.
 */
public final class Register implements AutoCloseable {
    private final Handle handle;
    private final Lib.RegisterAboutOut about = new Lib.RegisterAboutOut();

    private Register(PointerByReference made) {
        handle = new Handle("the register", made, Lib::stapel_register_free);
        handle.use(pointer -> {
            StapelException.check(Lib.stapel_register_describe(pointer, about));
            return null;
        });
    }

    /**
     * Opens a register.
     *
     * @param file the file
     * @return the register, open until {@link #close}
     * @throws StapelException "register" where the file is none or is damaged, "io" where it cannot be read
     */
    public static Register open(Path file) {
        byte[] path = Scratch.utf8(file.toString());
        PointerByReference made = new PointerByReference();
        StapelException.check(Lib.stapel_register_open(path, Scratch.length(path), made));
        return new Register(made);
    }

    /**
     * How many addresses it has.
     *
     * @return those that were withdrawn included
     */
    public int size() {
        return about.addresses.intValue();
    }

    /**
     * How many of its addresses were withdrawn.
     *
     * @return their number
     */
    public int withdrawnSize() {
        return about.withdrawn.intValue();
    }

    /**
     * The day of the extract that it was built from.
     *
     * @return the day
     */
    public LocalDate sourceDay() {
        return LocalDate.parse(Scratch.text(about.sourceDay));
    }

    /**
     * What it says of an address.
     *
     * @param canonical a canonical form, such as that of a row
     * @return its entries, and where it was withdrawn the address that its object has now
     * @throws StapelException "not_canonical" for any other text
     */
    public Findings lookUp(String canonical) {
        byte[] bytes = Scratch.utf8(canonical);
        PointerByReference made = new PointerByReference();
        handle.use(register -> {
            StapelException.check(Lib.stapel_register_look_up(register, bytes, Scratch.length(bytes), made));
            return null;
        });
        try (Handle findings = new Handle("the findings", made, Lib::stapel_findings_free)) {
            return findings.use(pointer -> {
                Lib.SizeTByReference count = new Lib.SizeTByReference();
                StapelException.check(Lib.stapel_findings_count(pointer, count));
                List<RegisterEntry> entries = new ArrayList<>(count.count());
                Lib.RegisterEntryOut entry = new Lib.RegisterEntryOut();
                for (int index = 0; index < count.count(); index++) {
                    StapelException.check(Lib.stapel_findings_get(pointer, new Lib.SizeT(index), entry));
                    entries.add(RegisterEntry.of(entry));
                }
                Lib.Str now = new Lib.Str();
                StapelException.check(Lib.stapel_findings_now(pointer, now));
                return new Findings(Collections.unmodifiableList(entries), now.text());
            });
        }
    }

    /** Frees it, once the calls that are under way on other threads have ended. Again, it does nothing. */
    @Override
    public void close() {
        handle.close();
    }

    /** Makes a call with a register, or with none. */
    static <T> T use(Register register, Function<Pointer, T> call) {
        return register == null ? call.apply(null) : register.handle.use(call);
    }
}
