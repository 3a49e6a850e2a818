// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.LinkedHashMap;
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
     * Separate fields, such as {@code Row.fields().postcode("1012JS").number("1").letter("A").build()}.
     *
     * @return none of them yet
     */
    public static Fields fields() {
        return new Fields();
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
     * @param canonical such as 1012JS|1|A: docs/partner-serve.md has its form
     * @return the row
     */
    public static Row address(String canonical) {
        return new Row(Map.of("address", canonical));
    }

    /**
     * An address of separate fields. The number must be there. Without a postcode the server needs a register, and
     * street and town.
     */
    public static final class Fields {
        private final Map<String, String> given = new LinkedHashMap<>();

        private Fields() {
        }

        /**
         * Gives the postcode.
         *
         * @param text the postcode
         * @return these
         */
        public Fields postcode(String text) {
            return with("postcode", text);
        }

        /**
         * Gives the number.
         *
         * @param text the house number
         * @return these
         */
        public Fields number(String text) {
            return with("number", text);
        }

        /**
         * Gives the letter.
         *
         * @param text the house letter
         * @return these
         */
        public Fields letter(String text) {
            return with("letter", text);
        }

        /**
         * Gives the addition.
         *
         * @param text the addition
         * @return these
         */
        public Fields addition(String text) {
            return with("addition", text);
        }

        /**
         * Gives the street.
         *
         * @param text the street, which a register looks at
         * @return these
         */
        public Fields street(String text) {
            return with("street", text);
        }

        /**
         * Gives the town.
         *
         * @param text the town, which a register looks at
         * @return these
         */
        public Fields town(String text) {
            return with("town", text);
        }

        /**
         * All of them.
         *
         * @return the row
         * @throws IllegalStateException without a number
         */
        public Row build() {
            if (!given.containsKey("number")) {
                throw new IllegalStateException("an address of fields needs a number");
            }
            return new Row(given);
        }

        /** An empty one counts for none. */
        private Fields with(String name, String text) {
            if (!text.isEmpty()) {
                given.put(name, text);
            }
            return this;
        }
    }
}
