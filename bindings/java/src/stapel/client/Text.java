// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.function.Function;

/** A text of an enumeration of the server's, to which a later one may add. Equal texts are equal. */
abstract class Text {
    private final String text;

    Text(String text) {
        this.text = text;
    }

    /** The constant of that text, so that {@code ==} with constants does what it seems to; or else a new one. */
    @SafeVarargs
    static <T extends Text> T known(String text, Function<String, T> other, T... constants) {
        for (T constant : constants) {
            if (constant.toString().equals(text)) {
                return constant;
            }
        }
        return other.apply(text);
    }

    /** As the server has it. */
    @Override
    public final String toString() {
        return text;
    }

    /** Whether it is of the same enumeration, with the same text. */
    @Override
    public final boolean equals(Object other) {
        return other != null && other.getClass() == getClass() && ((Text) other).text.equals(text);
    }

    /** That of its text. */
    @Override
    public final int hashCode() {
        return text.hashCode();
    }
}
