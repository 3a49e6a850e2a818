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

    /** The name of the question that was asked. */
    private final String request;

    ClientException(String code, String message, int status, List<Refusal> rows, String request, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.status = status;
        this.rows = rows;
        this.request = request;
    }

    ClientException(String code, String message, int status, List<Refusal> rows) {
        this(code, message, status, rows, null, null);
    }

    static ClientException badReply(int status, Throwable cause) {
        return new ClientException("bad_reply", "the reply, with status " + status
                + ", is none of stapel partner serve's: see whether another program has its socket or port",
                status, List.of(), null, cause);
    }

    /** The same of a question. */
    ClientException of(String name) {
        return new ClientException(code, getMessage(), status, rows, name, this);
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

    /**
     * The name of the question that was asked: under it, it may be asked again without being asked twice.
     *
     * @return null where none was asked
     */
    public String request() {
        return request;
    }
}
