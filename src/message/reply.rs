//! The bodies of the broker's messages: receipts, answers, status replies and rejections. Those of what comes after a
//! hit are in talk.rs.

use super::error::MessageError;
use super::header::Kind;
use super::limits::{MAX_PROOF, MAX_PROVEN_LINES, MAX_QUESTION};
use super::log_entry::LogEntry;
use super::rejection::Rejection;
use super::standing::Standing;
use super::talk::{Kept, Post, Totals};
use crate::codec::{Reader, Writer, encode_fields};
use crate::day::Timestamp;
use crate::digest::Digest;

const TOO_MANY_STANDINGS: &str = "an answer has at most 100,000 standings";

/// A message of the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// A state message was accepted.
    Receipt(Receipt),
    /// The standings that were asked.
    Answer(Answer),
    /// Where the partner stands.
    Status(StatusReply),
    /// The message was not accepted.
    Rejection(Rejection),
    /// What was put forward, or a year, is kept.
    Kept(Kept),
    /// What waited.
    Post(Post),
    /// How many of the organisation's flags are stacked.
    Totals(Totals),
}

/// A state message was accepted, and is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The log line.
    pub log: LogEntry,
    /// The release in force when it was accepted; its flags show from a later one on.
    pub release: u64,
    /// Of a full set in several parts: the part, and of how many. Both 0 for all else.
    pub part: (u16, u16),
    /// Flags that were not held before.
    pub added: u32,
    /// Flags that were held, with another last valid day.
    pub changed: u32,
    /// Flags that were held and are no longer.
    pub withdrawn: u32,
    /// All flags that the broker now holds of the partner in this epoch.
    pub held: u32,
    /// Flags of the message that were renewed past the policy's `max_days`; of a full set in parts, of this part.
    pub renewed: u32,
}

/// The standings of the pseudonyms of a question, in their order there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The log line.
    pub log: LogEntry,
    /// The release that all of this speaks of.
    pub release: u64,
    /// When that release took place.
    pub as_of: Timestamp,
    /// No release takes place before this moment, unless a policy is adopted; until then the same question has the same
    /// answer.
    pub until: Timestamp,
    /// How many organisations may flag.
    pub organisations: u16,
    /// How many of them, at most all, said within the policy's freshness window, in this epoch, what they flag or that
    /// nothing changed.
    pub fresh: u16,
    /// A byte for each pseudonym, in the question's order. With the policy it makes a [`Standing`](super::Standing).
    pub standings: Vec<u8>,
}

/// Where a partner stands with the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReply {
    /// The log line.
    pub log: LogEntry,
    /// The release in force.
    pub release: u64,
    /// When it took place.
    pub as_of: Timestamp,
    /// No release takes place before this moment, unless a policy is adopted.
    pub until: Timestamp,
    /// The number of the last state message that was accepted; 0 for none.
    pub accepted_state: u64,
    /// The highest state number that was used; the next must be higher.
    pub highest_state: u64,
    /// The highest question number that was used.
    pub highest_question: u64,
    /// Flags that the broker holds of the partner in this epoch.
    pub held: u32,
    /// Whether the partner's next state message in this epoch must be a full set.
    pub full_set_required: bool,
    /// What is left of its organisation's budget of new flags today. All budgets are the organisation's.
    pub new_flags_left: u32,
    /// How many flags beyond these first full sets of the organisation's partners may bring in this epoch.
    pub first_sets_left: u32,
    /// How many flags more the organisation may hold in this epoch.
    pub held_left: u32,
    /// What is left of today's budget of pseudonyms asked.
    pub asked_left_today: u32,
    /// What is left of the epoch's budget of pseudonyms asked.
    pub asked_left_epoch: u32,
    /// What is left of today's budget of pseudonyms swept.
    pub swept_left_today: u32,
    /// What is left of today's budget of status requests.
    pub status_left_today: u32,
    /// The latest signed checkpoint of the audit log, in C2SP's form; empty where there is none.
    pub checkpoint: Vec<u8>,
    /// The RFC 6962 consistency proof from the tree size that the request named to the checkpoint's.
    pub consistency: Vec<Digest>,
    /// That lines which the request named are among those of the checkpoint; ascending by line.
    pub lines: Vec<LineProof>,
}

/// The proof that a line is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProof {
    /// The number of the line.
    pub index: u64,
    /// The RFC 6962 audit path from the line to the root of the status reply's checkpoint.
    pub path: Vec<Digest>,
}

impl Reply {
    /// The body.
    ///
    /// # Errors
    ///
    /// [`MessageError::TooLarge`] for more than 100,000 standings, a checkpoint of more than 65,535 bytes, a proof of
    /// more than 65 hashes, or more than 1,000 lines.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        let too_large = |finding| Err(MessageError::TooLarge { finding });
        match self {
            Reply::Receipt(receipt) => {
                let mut writer = Writer::default();
                writer.put(receipt);
                Ok(writer.finish())
            }
            Reply::Answer(answer) if answer.standings.len() > MAX_QUESTION => too_large(TOO_MANY_STANDINGS),
            Reply::Answer(answer) => Ok(answer.encode()),
            Reply::Status(status) if u16::try_from(status.checkpoint.len()).is_err() => {
                too_large("a checkpoint has at most 65,535 bytes")
            }
            Reply::Status(status) if status.lines.len() > MAX_PROVEN_LINES => {
                too_large("a status reply proves at most 1,000 lines")
            }
            Reply::Status(StatusReply { consistency, lines, .. })
                if lines.iter().map(|line| &line.path).chain([consistency]).any(|proof| proof.len() > MAX_PROOF) =>
            {
                too_large("a proof has at most 65 hashes")
            }
            Reply::Status(status) => Ok(status.encode()),
            Reply::Rejection(rejection) => Ok(rejection.encode()),
            Reply::Kept(kept) => Ok(kept.encode()),
            Reply::Post(post) => post.encode(),
            Reply::Totals(totals) => totals.encode(),
        }
    }

    /// The line of the log that it names.
    pub fn log_entry(&self) -> LogEntry {
        match self {
            Reply::Receipt(receipt) => receipt.log,
            Reply::Answer(answer) => answer.log,
            Reply::Status(status) => status.log,
            Reply::Rejection(rejection) => rejection.log,
            Reply::Kept(kept) => kept.log,
            Reply::Post(post) => post.log,
            Reply::Totals(totals) => totals.log,
        }
    }

    /// The kind of message that it is the body of.
    pub fn kind(&self) -> Kind {
        match self {
            Reply::Receipt(_) => Kind::Receipt,
            Reply::Answer(_) => Kind::Answer,
            Reply::Status(_) => Kind::StatusReply,
            Reply::Rejection(_) => Kind::Rejection,
            Reply::Kept(_) => Kind::Kept,
            Reply::Post(_) => Kind::Post,
            Reply::Totals(_) => Kind::Totals,
        }
    }

    pub(super) fn decode(kind: Kind, body: &[u8]) -> Result<Reply, MessageError> {
        match kind {
            Kind::Receipt => {
                let mut reader = Reader::new(body);
                let receipt = reader.get()?;
                reader.end()?;
                Ok(Reply::Receipt(receipt))
            }
            Kind::Answer => Answer::decode(body).map(Reply::Answer),
            Kind::StatusReply => StatusReply::decode(body).map(Reply::Status),
            Kind::Rejection => Rejection::decode(body).map(Reply::Rejection),
            Kind::Kept => Kept::decode(body).map(Reply::Kept),
            Kind::Post => Post::decode(body).map(Reply::Post),
            Kind::Totals => Totals::decode(body).map(Reply::Totals),
            _ => Err(MessageError::Malformed { finding: "the kind is one that the other side sends" }),
        }
    }
}

encode_fields! {
    Receipt { log, release, part, added, changed, withdrawn, held, renewed }
    where |receipt| {
        let (number, of) = receipt.part;
        let is_part = receipt.part == (0, 0) || (of > 1 && (1..=of).contains(&number));
        let has_effect = (receipt.added, receipt.changed, receipt.withdrawn) != (0, 0, 0);
        let told = u64::from(receipt.added) + u64::from(receipt.changed);
        is_part
            && !(number < of && has_effect)
            && told <= u64::from(receipt.held)
    },
    else "no message has a receipt of such a part, or of such numbers"
}

impl Answer {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(&self.log);
        writer.u64(self.release).u64(self.as_of.0).u64(self.until.0).u16(self.organisations).u16(self.fresh);
        writer.u32(self.standings.len() as u32).bytes(&self.standings);
        writer.finish()
    }

    fn decode(body: &[u8]) -> Result<Answer, MessageError> {
        let mut reader = Reader::new(body);
        let log = reader.get()?;
        let (release, as_of, until) = (reader.u64()?, Timestamp(reader.u64()?), Timestamp(reader.u64()?));
        let (organisations, fresh) = (reader.u16()?, reader.u16()?);
        let count = reader.u32()? as usize;
        let standings = reader.take(count)?.to_vec();
        reader.end()?;
        if count > MAX_QUESTION {
            return Err(MessageError::TooLarge { finding: TOO_MANY_STANDINGS });
        }
        if count == 0 {
            return Err(MessageError::Malformed { finding: "the answer says nothing" });
        }
        if fresh > organisations {
            return Err(MessageError::Malformed { finding: "more organisations are fresh than there are" });
        }
        if !standings.iter().all(|byte| Standing::is_known(*byte)) {
            return Err(MessageError::Malformed { finding: "a standing has no meaning" });
        }
        Ok(Answer { log, release, as_of, until, organisations, fresh, standings })
    }
}

impl StatusReply {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(&self.log);
        writer.u64(self.release).u64(self.as_of.0).u64(self.until.0);
        writer.u64(self.accepted_state).u64(self.highest_state).u64(self.highest_question);
        writer.u32(self.held).u8(self.full_set_required.into());
        writer.u32(self.new_flags_left).u32(self.first_sets_left).u32(self.held_left);
        writer.u32(self.asked_left_today).u32(self.asked_left_epoch).u32(self.swept_left_today);
        writer.u32(self.status_left_today);
        writer.u16(self.checkpoint.len() as u16).bytes(&self.checkpoint);
        write_hashes(&mut writer, &self.consistency);
        writer.u16(self.lines.len() as u16);
        for line in &self.lines {
            writer.u64(line.index);
            write_hashes(&mut writer, &line.path);
        }
        writer.finish()
    }

    fn decode(body: &[u8]) -> Result<StatusReply, MessageError> {
        let mut reader = Reader::new(body);
        let status = StatusReply {
            log: reader.get()?,
            release: reader.u64()?,
            as_of: Timestamp(reader.u64()?),
            until: Timestamp(reader.u64()?),
            accepted_state: reader.u64()?,
            highest_state: reader.u64()?,
            highest_question: reader.u64()?,
            held: reader.u32()?,
            full_set_required: match reader.u8()? {
                0 => false,
                1 => true,
                _ => return Err(MessageError::Malformed { finding: "a yes or no is neither 1 nor 0" }),
            },
            new_flags_left: reader.u32()?,
            first_sets_left: reader.u32()?,
            held_left: reader.u32()?,
            asked_left_today: reader.u32()?,
            asked_left_epoch: reader.u32()?,
            swept_left_today: reader.u32()?,
            status_left_today: reader.u32()?,
            checkpoint: {
                let length = usize::from(reader.u16()?);
                reader.take(length)?.to_vec()
            },
            consistency: read_hashes(&mut reader)?,
            lines: {
                let count = reader.u16()?;
                let mut line =
                    || Ok::<_, MessageError>(LineProof { index: reader.u64()?, path: read_hashes(&mut reader)? });
                (0..count).map(|_| line()).collect::<Result<Vec<_>, _>>()?
            },
        };
        reader.end()?;
        if status.accepted_state > status.highest_state {
            return Err(MessageError::Malformed { finding: "a state number was accepted and not used" });
        }
        if status.checkpoint.is_empty() && !(status.consistency.is_empty() && status.lines.is_empty()) {
            return Err(MessageError::Malformed { finding: "a proof stands without a checkpoint" });
        }
        if status.lines.len() > MAX_PROVEN_LINES || !status.lines.is_sorted_by(|a, b| a.index < b.index) {
            let finding = "the lines that are proven are more than 1,000, or not ascending, each once";
            return Err(MessageError::Malformed { finding });
        }
        Ok(status)
    }
}

fn write_hashes(writer: &mut Writer, hashes: &[Digest]) {
    writer.u8(hashes.len() as u8);
    for hash in hashes {
        writer.bytes(&hash.0);
    }
}

fn read_hashes(reader: &mut Reader<'_>) -> Result<Vec<Digest>, MessageError> {
    let count = usize::from(reader.u8()?);
    if count > MAX_PROOF {
        return Err(MessageError::Malformed { finding: "a proof has more than 65 hashes" });
    }
    (0..count).map(|_| Ok(Digest(reader.array()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies() -> [Reply; 3] {
        let log = LogEntry { restored: Timestamp(7), index: 9, leaf: Digest([5; 32]), salt: [6; 16] };
        let (release, as_of, until) = (3, Timestamp(1_000), Timestamp(2_000));
        [
            Reply::Receipt(Receipt {
                log,
                release,
                part: (2, 2),
                added: 3,
                changed: 4,
                withdrawn: 5,
                held: 7,
                renewed: 2,
            }),
            Reply::Answer(Answer {
                log,
                release,
                as_of,
                until,
                organisations: 4,
                fresh: 3,
                standings: vec![0, 1, 2, 255],
            }),
            Reply::Status(StatusReply {
                log,
                release,
                as_of,
                until,
                accepted_state: 1,
                highest_state: 2,
                highest_question: 3,
                held: 4,
                full_set_required: true,
                new_flags_left: 5,
                first_sets_left: 9,
                held_left: 10,
                asked_left_today: 6,
                asked_left_epoch: 7,
                swept_left_today: 8,
                status_left_today: 11,
                checkpoint: b"note".to_vec(),
                consistency: vec![Digest([1; 32]), Digest([2; 32])],
                lines: vec![
                    LineProof { index: 3, path: vec![Digest([3; 32])] },
                    LineProof { index: 4, path: vec![Digest([4; 32]), Digest([5; 32])] },
                ],
            }),
        ]
    }

    #[test]
    fn what_no_reply_says_is_refused() {
        let [Reply::Receipt(receipt), Reply::Answer(answer), Reply::Status(status)] = replies() else { panic!() };
        let fits = |reply: Reply| Reply::decode(reply.kind(), &reply.encode().unwrap()).is_ok();
        for (part, is_right) in [((0, 0), true), ((2, 2), true), ((0, 2), false), ((3, 2), false), ((1, 1), false)] {
            assert_eq!(fits(Reply::Receipt(Receipt { part, ..receipt.clone() })), is_right, "{part:?}");
        }
        let early = Receipt { part: (1, 2), added: 0, changed: 0, withdrawn: 0, renewed: 0, ..receipt.clone() };
        assert!(fits(Reply::Receipt(early.clone())));
        assert!(!fits(Reply::Receipt(Receipt { added: 1, ..early.clone() })));
        assert!(!fits(Reply::Receipt(Receipt { changed: 1, ..early.clone() })));
        assert!(!fits(Reply::Receipt(Receipt { withdrawn: 1, ..early })));
        assert!(!fits(Reply::Receipt(Receipt { held: 6, ..receipt.clone() })), "fewer than were added and changed");
        assert!(!fits(Reply::Receipt(Receipt { added: u32::MAX, held: 3, ..receipt.clone() })));
        for (index, salt) in [(9, [0; 16]), (0, [6; 16])] {
            let no_line = LogEntry { restored: Timestamp(7), index, leaf: Digest::NONE, salt };
            assert!(!fits(Reply::Receipt(Receipt { log: no_line, ..receipt.clone() })));
        }
        assert!(fits(Reply::Receipt(Receipt { log: LogEntry::NONE, ..receipt.clone() })));
        assert!(fits(Reply::Answer(Answer { fresh: 4, ..answer.clone() })));
        assert!(!fits(Reply::Answer(Answer { fresh: 5, ..answer.clone() })));
        assert!(fits(Reply::Status(StatusReply { accepted_state: 2, ..status.clone() })));
        assert!(!fits(Reply::Status(StatusReply { accepted_state: 3, ..status.clone() })));
        let none = StatusReply { checkpoint: vec![], consistency: vec![], lines: vec![], ..status.clone() };
        assert!(fits(Reply::Status(none.clone())));
        let (consistency, lines) = (status.consistency.clone(), status.lines.clone());
        assert!(!fits(Reply::Status(StatusReply { consistency, ..none.clone() })), "a proof of nothing");
        assert!(!fits(Reply::Status(StatusReply { lines: lines.clone(), ..none })), "a proof of nothing");
        for wrong in [vec![lines[1].clone(), lines[0].clone()], vec![lines[0].clone(), lines[0].clone()]] {
            assert!(!fits(Reply::Status(StatusReply { lines: wrong, ..status.clone() })), "the order of lines");
        }
        let longest = StatusReply { consistency: vec![Digest([1; 32]); 65], lines: vec![], ..status.clone() };
        assert!(fits(Reply::Status(longest.clone())));
        let mut body = longest.encode();
        body[longest.encode().len() - 2 - 65 * 32 - 1] = 66;
        body.extend([0; 32]);
        assert!(Reply::decode(Kind::StatusReply, &body).is_err(), "66 hashes");
        for too_long in [
            StatusReply { consistency: vec![Digest([1; 32]); 256], ..status.clone() },
            StatusReply { lines: vec![LineProof { index: 0, path: vec![Digest([1; 32]); 66] }], ..status.clone() },
            StatusReply { lines: vec![lines[0].clone(); 1_001], ..status.clone() },
            StatusReply { checkpoint: vec![1; 65_536], ..status },
        ] {
            assert_eq!(Reply::Status(too_long).encode().unwrap_err().code(), "too_large");
        }
        for (standings, fits) in [(vec![0, 1, 250, 255], true), (vec![], false), (vec![251], false), (vec![254], false)]
        {
            let answer = Answer { standings: standings.clone(), ..answer.clone() };
            assert_eq!(Answer::decode(&answer.encode()).is_ok(), fits, "{standings:?}");
        }
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes_and_no_cut_decodes() {
        for reply in replies() {
            let body = reply.encode().unwrap();
            assert_eq!(Reply::decode(reply.kind(), &body).unwrap(), reply);
            for at in 0..body.len() {
                assert!(Reply::decode(reply.kind(), &body[..at]).is_err());
                let mut flipped = body.clone();
                flipped[at] ^= 1;
                if let Ok(other) = Reply::decode(reply.kind(), &flipped) {
                    assert_eq!(other.encode().unwrap(), flipped);
                }
            }
            assert!(Reply::decode(reply.kind(), &[body.as_slice(), &[0]].concat()).is_err());
        }
    }
}
