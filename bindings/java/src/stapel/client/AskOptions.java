// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

/** How addresses are asked about. Each method changes it and gives it back. */
public final class AskOptions {
    String request;
    String sweep;
    boolean numbers;
    boolean numberOnly;

    /** Under a random name. */
    public AskOptions() {
    }

    /**
     * Under a name of the caller's own.
     *
     * @param name 16 to 64 letters, digits, "-" and "_", such as a random UUID; under the same name the same question
     *     is never asked twice
     * @return these
     */
    public AskOptions request(String name) {
        request = name;
        return this;
    }

    /**
     * For what the partner need not flag itself.
     *
     * @param reason a reason of the policy
     * @return these
     */
    public AskOptions sweep(String reason) {
        sweep = reason;
        return this;
    }

    /**
     * About the house number of each address too.
     *
     * @return these
     */
    public AskOptions numbers() {
        numbers = true;
        return this;
    }

    /**
     * Has an address that is in order but for what follows its house number asked about as that house number, instead
     * of being refused; for policies that count house numbers.
     *
     * @return these
     */
    public AskOptions numberOnly() {
        numberOnly = true;
        return this;
    }
}
