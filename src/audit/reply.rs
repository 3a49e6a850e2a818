//! What a receipt, an answer or another signed reply says of the log: it commits the broker to one line.

use super::error::AuditError;
use super::event::{Event, Outcome};
use super::line::Line;
use super::tree::leaf_hash;
use crate::day::Timestamp;
use crate::digest::Digest;
use crate::message::{LogEntry, Reply, Role, Unverified};
use crate::policy::Policy;

/// The line of the log that a broker's reply commits it to, and what that line must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedReply {
    entry: LogEntry,
    partner: u16,
    epoch: u32,
    message: Digest,
    policy: Digest,
    time: Timestamp,
    outcome: Outcome,
    /// The kinds of event that the line may be of.
    kinds: &'static [&'static str],
    /// The number of pseudonyms that were asked; `None` where the reply is no answer.
    asked: Option<u32>,
}

impl LoggedReply {
    /// Reads a reply, and checks that it is of the broker that `policy` names.
    ///
    /// # Errors
    ///
    /// [`AuditError::Message`]; [`AuditError::LogProof`] where it names no line.
    pub fn verify(bytes: &[u8], policy: &Policy) -> Result<LoggedReply, AuditError> {
        let verified = Unverified::parse(bytes, Role::Broker)?.verify(&policy.operator.verifying_key)?;
        let header = verified.header();
        let (entry, outcome, kinds, asked): (_, _, &'static [&'static str], _) = match verified.reply()? {
            Reply::Receipt(it) => (it.log, Outcome::Accepted, &["delta", "full_set", "confirm"], None),
            Reply::Answer(it) => {
                let asked = u32::try_from(it.standings.len()).ok();
                (it.log, Outcome::Accepted, &["question", "sweep"], asked)
            }
            Reply::Status(it) => (it.log, Outcome::Accepted, &["status"], None),
            Reply::Kept(it) => (it.log, Outcome::Accepted, &["put_forward", "year"], None),
            Reply::Post(it) => (it.log, Outcome::Accepted, &["exchange"], None),
            Reply::Totals(it) => (it.log, Outcome::Accepted, &["totals"], None),
            Reply::Rejection(it) => {
                let any: &'static [&'static str] = &[
                    "delta",
                    "full_set",
                    "confirm",
                    "question",
                    "sweep",
                    "status",
                    "put_forward",
                    "exchange",
                    "totals",
                    "year",
                ];
                (it.log, Outcome::Rejected(it.code), any, None)
            }
        };
        if (&header.consortium, &header.purpose) != (&policy.consortium, &policy.purpose) {
            return Err(AuditError::LogProof { finding: "the reply is of another consortium or purpose" });
        }
        if !entry.is_line() {
            return Err(AuditError::LogProof { finding: "the reply names no line of the log" });
        }
        Ok(LoggedReply {
            entry,
            partner: header.partner,
            epoch: header.epoch,
            message: header.context,
            policy: header.policy,
            time: header.time,
            outcome,
            kinds,
            asked,
        })
    }

    /// When it was made, by the broker's clock.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The line that the reply names.
    pub fn entry(&self) -> LogEntry {
        self.entry
    }

    /// Checks that `line` is the line that the reply names, and that it says of the message what the reply says.
    ///
    /// # Errors
    ///
    /// [`AuditError::LogLine`], [`AuditError::LogProof`].
    pub fn check_line(&self, line: &[u8]) -> Result<Line, AuditError> {
        let parsed = Line::parse(line)?;
        if leaf_hash(line) != self.entry.leaf {
            return Err(AuditError::LogProof { finding: "the line is not the one that the reply names" });
        }
        if self.agrees(&parsed) {
            return Ok(parsed);
        }
        let finding =
            "the line that the reply names says something else than the reply; keep both, and tell the coordinator";
        Err(AuditError::LogProof { finding })
    }

    fn agrees(&self, line: &Line) -> bool {
        let Event::Message { partner, epoch, message, count, outcome, .. } = &line.event else {
            return false;
        };
        let is_salted = line.salt == self.entry.salt;
        is_salted
            && (*partner, *epoch, *message, *outcome) == (self.partner, self.epoch, self.message, self.outcome)
            && (line.policy, line.time) == (self.policy, self.time)
            && self.kinds.contains(&line.event.kind())
            && self.asked.is_none_or(|asked| asked == *count)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::event::Subject;
    use super::*;
    use crate::message::{self, Answer, Code, Header, Receipt, Rejection, StatusReply};
    use crate::policy::sample;

    const NOW: Timestamp = Timestamp(1_796_126_400);

    fn line(subject: Subject, outcome: Outcome) -> Line {
        let event = Event::Message {
            partner: 2,
            epoch: 1,
            subject,
            message: Digest([5; 32]),
            journal: Digest::NONE,
            count: 3,
            outcome,
        };
        Line { salt: [9; 16], time: NOW, policy: sample::policy().digest(), event }
    }

    fn subjects() -> [Subject; 6] {
        let reason = "wijkactie".parse().unwrap();
        [
            Subject::Delta { renewed: 0 },
            Subject::FullSet { renewed: 0 },
            Subject::Confirm,
            Subject::Question,
            Subject::Sweep { reason },
            Subject::Status,
        ]
    }

    pub(in crate::audit) fn signed(reply: &Reply, time: Timestamp) -> Vec<u8> {
        let policy = sample::policy();
        let header = Header {
            version: message::VERSION,
            kind: reply.kind(),
            consortium: policy.consortium.clone(),
            purpose: policy.purpose.clone(),
            epoch: 1,
            key_id: policy.epochs[0].key_id,
            partner: 2,
            sequence: 1,
            previous: 0,
            time,
            policy: policy.digest(),
            context: Digest([5; 32]),
            body_length: 0,
        };
        message::sign(&header, &reply.encode().unwrap(), &sample::operator_key()).unwrap()
    }

    fn answer(line: &Line) -> Reply {
        Reply::Answer(Answer {
            log: LogEntry { index: 4, leaf: line.leaf(), salt: line.salt, ..LogEntry::NONE },
            release: 1,
            as_of: NOW,
            until: NOW,
            organisations: 4,
            fresh: 4,
            standings: vec![0, 1, 2],
        })
    }

    fn replies(log: LogEntry) -> [Reply; 4] {
        let receipt =
            Receipt { log, release: 1, part: (0, 0), added: 3, changed: 0, withdrawn: 0, held: 3, renewed: 0 };
        let status = StatusReply {
            log,
            release: 1,
            as_of: NOW,
            until: NOW,
            accepted_state: 1,
            highest_state: 1,
            highest_question: 1,
            held: 3,
            full_set_required: false,
            new_flags_left: 1,
            first_sets_left: 0,
            held_left: 0,
            asked_left_today: 1,
            asked_left_epoch: 1,
            swept_left_today: 0,
            status_left_today: 1,
            checkpoint: vec![],
            consistency: vec![],
            lines: vec![],
        };
        let answer =
            Answer { log, release: 1, as_of: NOW, until: NOW, organisations: 4, fresh: 4, standings: vec![0, 1, 2] };
        let rejection = Rejection { log, code: Code::Gap, number: 1, sentence: "no".into() };
        [Reply::Receipt(receipt), Reply::Answer(answer), Reply::Status(status), Reply::Rejection(rejection)]
    }

    #[test]
    fn each_reply_agrees_with_the_lines_of_its_kinds_and_no_others() {
        let outcomes = [Outcome::Accepted, Outcome::Rejected(Code::Gap), Outcome::Rejected(Code::Stale)];
        let mut agreed = vec![];
        for subject in subjects() {
            for outcome in outcomes {
                let line = line(subject.clone(), outcome);
                let log = LogEntry { index: 4, leaf: line.leaf(), salt: line.salt, ..LogEntry::NONE };
                for reply in replies(log) {
                    let logged = LoggedReply::verify(&signed(&reply, NOW), &sample::policy()).unwrap();
                    assert_eq!(logged.entry(), log);
                    if logged.check_line(line.to_json().as_bytes()).is_ok() {
                        agreed.push((line.event.kind(), outcome.as_str(), reply.kind() as u8));
                    }
                }
            }
        }
        let expected = [
            ("delta", "ok", 0x11),
            ("delta", "gap", 0x14),
            ("full_set", "ok", 0x11),
            ("full_set", "gap", 0x14),
            ("confirm", "ok", 0x11),
            ("confirm", "gap", 0x14),
            ("question", "ok", 0x12),
            ("question", "gap", 0x14),
            ("sweep", "ok", 0x12),
            ("sweep", "gap", 0x14),
            ("status", "ok", 0x13),
            ("status", "gap", 0x14),
        ];
        assert_eq!(agreed, expected);
    }

    #[test]
    fn a_line_that_says_otherwise_is_found_out() {
        let honest = line(Subject::Question, Outcome::Accepted);
        let mut lies = vec![];
        for change in 0..6 {
            let mut lie = honest.clone();
            let Event::Message { partner, epoch, message, count, .. } = &mut lie.event else { panic!() };
            match change {
                0 => *partner = 3,
                1 => *epoch = 2,
                2 => *message = Digest([6; 32]),
                3 => *count = 4,
                4 => lie.time = Timestamp(NOW.0 - 1),
                _ => lie.policy = Digest([1; 32]),
            }
            lies.push(lie);
        }
        lies.push(Line { event: Event::Backup, ..honest.clone() });
        let told = LogEntry { index: 4, leaf: honest.leaf(), salt: [8; 16], ..LogEntry::NONE };
        let other_salt = LoggedReply::verify(&signed(&replies(told)[1], NOW), &sample::policy()).unwrap();
        assert_eq!(other_salt.check_line(honest.to_json().as_bytes()).unwrap_err().code(), "log_proof");
        let check = |committed: &Line, shown: &Line| {
            let reply = LoggedReply::verify(&signed(&answer(committed), NOW), &sample::policy()).unwrap();
            reply.check_line(shown.to_json().as_bytes())
        };
        assert_eq!(check(&honest, &honest).unwrap(), honest);
        for lie in lies {
            assert_eq!(check(&lie, &lie).unwrap_err().code(), "log_proof", "the broker logged a lie");
            assert_eq!(check(&honest, &lie).unwrap_err().code(), "log_proof", "it shows another line");
        }
    }

    #[test]
    fn what_the_broker_did_not_sign_or_log_is_refused() {
        let bytes = signed(&answer(&line(Subject::Question, Outcome::Accepted)), NOW);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(LoggedReply::verify(&flipped, &sample::policy()).is_err(), "byte {at}");
        }
        // After a restore every reply names that, also where it has no line.
        for restored in [Timestamp(0), NOW] {
            let none = signed(&replies(LogEntry { restored, ..LogEntry::NONE })[0], NOW);
            assert_eq!(LoggedReply::verify(&none, &sample::policy()).unwrap_err().code(), "log_proof");
        }
    }
}
