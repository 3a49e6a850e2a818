// SPDX-License-Identifier: EUPL-1.2
package stapel;

import java.util.List;

/**
 * What a register says of an address.
 *
 * @param entries its entries, those that were withdrawn among them; several where it is that of more than one object
 * @param now where all of them were withdrawn, the canonical form of the address that their object has now; else null
 */
public record Findings(List<RegisterEntry> entries, String now) {}
