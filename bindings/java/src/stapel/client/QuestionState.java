// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

/** What became of a question. A text that a later server has and this version does not know is kept. */
public final class QuestionState extends Text {
    /** It waits for the broker's answer. */
    public static final QuestionState WAITING = new QuestionState("waiting");

    /** It was answered. */
    public static final QuestionState ANSWERED = new QuestionState("answered");

    /** By the broker, or it was given up: {@link Question#notAccepted} has the code. */
    public static final QuestionState NOT_ACCEPTED = new QuestionState("not_accepted");

    /** There was no address to ask about. */
    public static final QuestionState NOTHING = new QuestionState("nothing");

    private QuestionState(String text) {
        super(text);
    }

    static QuestionState of(String text) {
        return known(text, QuestionState::new, WAITING, ANSWERED, NOT_ACCEPTED, NOTHING);
    }
}
