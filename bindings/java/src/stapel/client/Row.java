// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.HashMap;
import java.util.Map;

/** An address as it is handed over, in one of four ways. */
public final class Row {
    /** As the server takes it. */
    final Map<String, String> sent;

    private Row(Map<String, String> sent) {
        this.sent = Map.copyOf(sent);
    }

    /**
     * One line, as people write it.
     *
     * @param text such as "Dam 1-A, 1012 JS Amsterdam"
     * @return the row
     */
    public static Row text(String text) {
        return new Row(Map.of("text", text));
    }

    /**
     * Separate fields; any but the number may be empty. Without a postcode the server needs a register.
     *
     * @param postcode the postcode
     * @param number the house number
     * @param letter the house letter
     * @param addition the addition
     * @param street the street, which a register looks at
     * @param town the town, which a register looks at
     * @return the row
     */
    public static Row fields(
            String postcode, String number, String letter, String addition, String street, String town) {
        Map<String, String> sent = new HashMap<>(Map.of("number", number));
        Map<String, String> others =
                Map.of("postcode", postcode, "letter", letter, "addition", addition, "street", street, "town", town);
        others.forEach((name, text) -> {
            if (!text.isEmpty()) {
                sent.put(name, text);
            }
        });
        return new Row(sent);
    }

    /**
     * The BAG id of an address, where the server has a register.
     *
     * @param number 16 digits
     * @return the row
     */
    public static Row bagId(String number) {
        return new Row(Map.of("bag_id", number));
    }

    /**
     * An address as results have it.
     *
     * @param canonical such as 1012JS|1|A
     * @return the row
     */
    public static Row address(String canonical) {
        return new Row(Map.of("address", canonical));
    }
}
