// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.Arrays;
import java.util.stream.Collectors;

/** What is printed of objects that may be logged: no address, no user, no case and no standing. */
final class Discreet {
    private Discreet() {
    }

    /** The names of a record's fields alone. */
    static String names(Record record) {
        return Arrays.stream(record.getClass().getRecordComponents())
            .map(component -> component.getName().replaceAll("_$", ""))
            .collect(Collectors.joining(", ", record.getClass().getSimpleName() + "[", "]"));
    }
}
