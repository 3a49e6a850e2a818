// SPDX-License-Identifier: EUPL-1.2
package stapel;

/** A reply of a kind that this version does not know. */
public record OtherReply() implements Reply {
    @Override
    public Kind kind() {
        return Kind.OTHER;
    }
}
