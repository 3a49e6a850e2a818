// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.time.LocalDate;

/** How addresses are flagged. Each method changes it and gives it back. */
public final class FlagOptions {
    LocalDate until;
    RenewalReason renew;
    boolean numberOnly;
    boolean forward;

    /** New flags, to the latest day that the policy allows. */
    public FlagOptions() {
    }

    /**
     * To another day.
     *
     * @param day the last valid one, which is the last of a month
     * @return these
     */
    public FlagOptions until(LocalDate day) {
        until = day;
        return this;
    }

    /**
     * Lets flags stand longer.
     *
     * @param reason why
     * @return these
     */
    public FlagOptions renew(RenewalReason reason) {
        renew = reason;
        return this;
    }

    /**
     * Has an address that is in order but for what follows its house number flagged as that house number, instead of
     * being refused; for policies that count house numbers.
     *
     * @return these
     */
    public FlagOptions numberOnly() {
        numberOnly = true;
        return this;
    }

    /**
     * Puts forward, too, what is flagged now.
     *
     * @return these
     */
    public FlagOptions forward() {
        forward = true;
        return this;
    }
}
