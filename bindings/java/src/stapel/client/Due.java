// SPDX-License-Identifier: EUPL-1.2
package stapel.client;

import java.time.LocalDate;

/**
 * What waits after a hit: numbers and days alone. A day is null where nothing waits.
 *
 * @param unanswered what others put forward and nobody here answered
 * @param unansweredSince since when the oldest of these waits
 * @param late how many of these are past their day
 * @param answerBy the first day by which one of them was or is to be answered
 * @param unreadNotes notes and decisions that nobody was shown
 * @param notAtBroker what was put forward before today and does not stand at the broker
 * @param notAtBrokerSince when the oldest of these was put forward
 * @param rowsSpent whether the organisation's budget of what is put forward was spent, when the broker last said so
 * @param notesWaiting own notes that the broker does not have, each counted for each whom it is for
 * @param notesWaitingSince when the oldest of these was written
 * @param notesDaySpent how many of these the broker put off because the organisation's notes of the day were spent
 * @param notesTooManyWait how many of these the broker put off because as many wait for the other as may
 * @param undecided at the coordinator, conversations that wait for it
 * @param undecidedSince since when the oldest of these waits
 */
public record Due(
    int unanswered, LocalDate unansweredSince, int late, LocalDate answerBy, int unreadNotes, int notAtBroker,
    LocalDate notAtBrokerSince, boolean rowsSpent, int notesWaiting, LocalDate notesWaitingSince, int notesDaySpent,
    int notesTooManyWait, int undecided, LocalDate undecidedSince) {
}
