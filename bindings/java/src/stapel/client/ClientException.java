// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.util.List;

/** A request failed. {@link #getMessage} says in a sentence what was found and what to do. */
public final class ClientException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The stable code. */
    private final String code;

    /** That of HTTP, 0 without a reply. */
    private final int status;

    /** Why each row was refused. */
    private final transient List<Refusal> rows;

    ClientException(String code, String message, int status, List<Refusal> rows) {
        super(message);
        this.code = code;
        this.status = status;
        this.rows = rows;
    }

    ClientException(String code, String message, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.status = 0;
        this.rows = List.of();
    }

    static ClientException badReply(int status, Throwable cause) {
        ClientException error = new ClientException("bad_reply", "the reply, with status " + status
                + ", is none of stapel partner serve's: see whether another program has its socket or port",
                status, List.of());
        error.initCause(cause);
        return error;
    }

    /**
     * The stable code: the server's or the library's, such as "rows_refused"; "unreachable" where no reply came in
     * time, and "bad_reply" where what came is none of the server's.
     *
     * @return the same in every language and version
     */
    public String code() {
        return code;
    }

    /**
     * The status of HTTP.
     *
     * @return 0 without a reply
     */
    public int status() {
        return status;
    }

    /**
     * With "rows_refused", why each row was refused that was given.
     *
     * @return in the order of the rows; else empty
     */
    public List<Refusal> rows() {
        return rows;
    }
}
