//! A source of pseudonyms that has to be asked: it is slow, answers in parts, and counts what it evaluates.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::*;
use crate::codec::{self, Encode, Malformed, Reader, Writer};
use crate::pseudonym::{Finished, Pseudonym, SourceReply, SourceRequest};

/// The holders of the source's key. Each gives the pseudonyms for a request; the second only from `opens` on.
#[derive(Default)]
struct Holders {
    opens: Option<Timestamp>,
    /// Requests that came, by holder and bytes: the same bytes cost once.
    seen: BTreeSet<(String, Vec<u8>)>,
    /// Addresses evaluated, by both together.
    evaluated: usize,
    lies: bool,
}

struct Metered {
    key: PseudonymKey,
    holders: Arc<Mutex<Holders>>,
}

const HOLDERS: [&str; 2] = ["een", "twee"];

/// What is pending of an evaluation.
struct Pending {
    addresses: Vec<AddressKey>,
    blind: [u8; 32],
    replies: Vec<Vec<u8>>,
}

impl Encode for Pending {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&self.addresses).put(&self.blind).put(&self.replies);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Pending, Malformed> {
        Ok(Pending { addresses: reader.get()?, blind: reader.get()?, replies: reader.get()? })
    }
}

impl Pending {
    fn request(&self, holder: usize) -> SourceRequest {
        let mut writer = Writer::default();
        writer.put(&self.blind).put(&self.addresses);
        SourceRequest { holder: HOLDERS[holder].to_owned(), bytes: writer.finish() }
    }
}

impl PseudonymSource for Metered {
    fn key_id(&self) -> KeyId {
        self.key.key_id()
    }

    fn begin(&self, keys: &[AddressKey], random: &[u8; 32]) -> (Vec<u8>, Vec<SourceRequest>) {
        let pending = Pending { addresses: keys.to_vec(), blind: *random, replies: Vec::new() };
        let requests = vec![pending.request(0), pending.request(1)];
        (codec::write_record(Vec::new(), 1, &pending), requests)
    }

    fn finish(&self, bytes: &mut Vec<u8>, replies: &[SourceReply]) -> Finished {
        let mut pending: Pending = codec::read_record(bytes, 1).unwrap();
        for reply in replies.iter().filter(|reply| !reply.bytes.is_empty()) {
            if reply.holder == HOLDERS[pending.replies.len()] {
                pending.replies.push(reply.bytes.clone());
            }
        }
        match &pending.replies[..] {
            [first, second] if first == second => Finished::Done(
                first.as_chunks::<16>().0.iter().map(|bytes| Pseudonym::danger_from_remote_source(*bytes)).collect(),
            ),
            [_, second] => Finished::Bad { holder: HOLDERS[1].to_owned(), evidence: second.clone() },
            replies => {
                let requests = (replies.len()..2).map(|holder| pending.request(holder)).collect();
                *bytes = codec::write_record(Vec::new(), 1, &pending);
                Finished::Need { requests, not_before: self.holders.lock().unwrap().opens }
            }
        }
    }
}

impl Holders {
    /// What a holder answers; nothing where it is too early.
    fn answer(&mut self, request: &SourceRequest, now: Timestamp) -> SourceReply {
        let holder = request.holder.clone();
        if holder == HOLDERS[1] && self.opens.is_some_and(|opens| now < opens) {
            return SourceReply { holder, bytes: Vec::new() };
        }
        let mut reader = Reader::new(&request.bytes);
        let _: [u8; 32] = reader.get().unwrap();
        let addresses: Vec<AddressKey> = reader.get().unwrap();
        if self.seen.insert((holder.clone(), request.bytes.clone())) && holder == HOLDERS[0] {
            self.evaluated += addresses.len();
        }
        let mut bytes: Vec<u8> =
            source(1).pseudonyms(&addresses).iter().flat_map(|made| *made.expose_bytes()).collect();
        if self.lies && holder == HOLDERS[1] {
            bytes[0] ^= 1;
        }
        SourceReply { holder, bytes }
    }
}

/// A partner without the secret of epoch 1, whose pseudonyms come from a metered source.
struct Remote {
    folder: TempDir,
    partner: Option<Partner>,
    broker: Broker,
    holders: Arc<Mutex<Holders>>,
}

impl Remote {
    fn new() -> Remote {
        let folder = partner_folder(&policy_text().replacen("levels = [\"unit\", \"number\"]\n", "", 1));
        fs::remove_file(folder.path().join("epoch-1.secret")).unwrap();
        let partner = Partner::open(folder.path()).unwrap();
        let broker = Broker::new(partner.policy().clone());
        Remote { folder, partner: Some(partner), broker, holders: Arc::default() }.reopen()
    }

    /// The process ends, and another one opens the folder.
    fn reopen(mut self) -> Remote {
        drop(self.partner.take());
        let metered = Metered { key: source(1), holders: self.holders.clone() };
        self.partner = Some(Partner::open_with(self.folder.path(), vec![Box::new(metered)]).unwrap());
        self
    }

    fn partner(&mut self) -> &mut Partner {
        self.partner.as_mut().unwrap()
    }

    /// Number, holders and bytes of what is to be asked.
    fn requests(&self) -> Vec<(u64, Vec<SourceRequest>)> {
        let requests = self.partner.as_ref().unwrap().source_requests();
        requests.map(|requests| (requests.number, requests.requests.to_vec())).collect()
    }

    /// Carries all requests to the holders and their replies back.
    fn answer(&mut self, now: Timestamp) {
        for (number, requests) in self.requests() {
            let replies: Vec<_> = {
                let mut holders = self.holders.lock().unwrap();
                requests.iter().map(|request| holders.answer(request, now)).collect()
            };
            self.partner().source_replies(1, number, &replies, now).unwrap();
        }
    }

    fn evaluated(&self) -> usize {
        self.holders.lock().unwrap().evaluated
    }

    /// Carries messages to the broker, which takes them all.
    fn carry(&mut self, messages: Vec<Vec<u8>>, now: Timestamp) {
        for message in messages {
            let reply = self.broker.handle(&message, now);
            let received = self.partner().read(&reply, now).unwrap();
            assert!(matches!(received, Received::Receipt(_) | Received::Answer(_)), "{received:?}");
        }
    }

    /// Flags homes and delivers them.
    fn flag(&mut self, numbers: std::ops::Range<u32>, now: Timestamp) {
        self.partner().flag(homes(numbers), &by(), now).unwrap();
        assert_eq!(code(self.partner().deliver(now)), "pseudonyms_pending");
        self.answer(now);
        let messages = self.partner().deliver(now).unwrap();
        self.carry(messages, now);
    }

    /// Asks about homes, in a case of its own each time.
    fn ask(&mut self, numbers: std::ops::Range<u32>, case: u32, now: Timestamp) {
        let by = Case::new("j.jansen", &case.to_string()).unwrap();
        let messages = match self.partner().ask(homes(numbers.clone()), &by, now) {
            Err(PartnerError::PseudonymsPending { .. }) => {
                self.answer(now);
                self.partner().ask(homes(numbers), &by, now).unwrap()
            }
            messages => messages.unwrap(),
        };
        self.carry(messages, now);
    }
}

fn later(days: u64) -> Timestamp {
    Timestamp(NOW.0 + days * 86_400)
}

#[test]
fn a_thousand_homes_asked_ten_times_cost_one_evaluation_each() {
    let mut remote = Remote::new();
    remote.flag(1..1001, NOW);
    assert_eq!(remote.evaluated(), 1000);
    for case in 0..10 {
        remote.ask(1..1001, case, NOW);
        remote = remote.reopen();
    }
    // A withdrawal needs no source either, nor does flagging again before it was delivered.
    remote.partner().withdraw(homes(1..11), &by(), NOW).unwrap();
    remote.partner().flag(homes(1..6), &by(), NOW).unwrap();
    let messages = remote.partner().deliver(NOW).unwrap();
    remote.carry(messages, NOW);
    assert_eq!((remote.evaluated(), remote.broker.held[&1].len()), (1000, 995));
    // The same of homes that the partner does not flag, as long as the policy's `max_days`.
    for case in 10..20 {
        remote.ask(2001..3001, case, later(17 * u64::from(case - 10)));
    }
    assert_eq!(remote.evaluated(), 2000);
    assert!(remote.requests().is_empty());
}

#[test]
fn a_crash_asks_nothing_twice() {
    let mut remote = Remote::new();
    let opens = later(1);
    remote.holders.lock().unwrap().opens = Some(opens);
    remote.partner().flag(homes(1..4), &by(), NOW).unwrap();
    assert_eq!(code(remote.partner().deliver(NOW)), "pseudonyms_pending");
    let begun = remote.requests();
    assert_eq!(begun[0].1.len(), 2);
    let mut remote = remote.reopen();
    assert_eq!(code(remote.partner().deliver(NOW)), "pseudonyms_pending", "only a whole set is a full set");
    assert!(remote.requests() == begun, "the same requests, byte for byte");
    // The first holder answers, the second not yet: what has come is kept.
    remote.answer(NOW);
    let mut remote = remote.reopen();
    let requests = remote.requests();
    assert!(requests.len() == 1 && requests[0].1 == begun[0].1[1..]);
    assert_eq!(remote.partner().source_requests().next().unwrap().not_before, Some(opens));
    assert_eq!(code(remote.partner().deliver(NOW)), "pseudonyms_pending");
    remote.answer(opens);
    let mut remote = remote.reopen();
    assert!(remote.requests().is_empty());
    let messages = remote.partner().deliver(opens).unwrap();
    assert_eq!(header(&messages[0]).kind, Kind::FullSet);
    remote.carry(messages, opens);
    assert_eq!((remote.evaluated(), remote.broker.held[&1].len()), (3, 3));
}

#[test]
fn a_withdrawal_does_not_wait_for_the_pseudonyms_of_new_flags() {
    let mut remote = Remote::new();
    remote.flag(1..4, NOW);
    remote.partner().withdraw(homes(1..2), &by(), NOW).unwrap();
    remote.partner().flag(homes(7..9), &by(), NOW).unwrap();
    let messages = remote.partner().deliver(NOW).unwrap();
    remote.carry(messages, NOW);
    assert_eq!((remote.broker.held[&1].len(), remote.partner().undelivered()), (2, 2));
    assert_eq!(remote.requests().len(), 1);
    assert_eq!(code(remote.partner().deliver(NOW)), "pseudonyms_pending");
    remote.answer(NOW);
    let messages = remote.partner().deliver(NOW).unwrap();
    remote.carry(messages, NOW);
    assert_eq!((remote.broker.held[&1].len(), remote.partner().undelivered(), remote.evaluated()), (4, 0, 5));
}

#[test]
fn pseudonyms_go_with_what_they_are_for() {
    let mut remote = Remote::new();
    remote.flag(1..4, NOW);
    let kept = |remote: &mut Remote| {
        remote.partner().data.state().sources.iter().map(|source| source.made.len()).sum::<usize>()
    };
    remote.ask(11..13, 1, NOW);
    assert_eq!(kept(&mut remote), 5);
    remote.partner().withdraw(homes(1..2), &by(), NOW).unwrap();
    let messages = remote.partner().deliver(NOW).unwrap();
    assert_eq!(kept(&mut remote), 5, "until the broker has heard of the withdrawal");
    remote.carry(messages, NOW);
    assert!(remote.partner().deliver(NOW).unwrap().is_empty());
    assert_eq!(kept(&mut remote), 4);
    // The flags end, and 180 days after the question nothing needs the others.
    pass(remote.partner(), later(180));
    assert!(remote.partner().deliver(later(180)).unwrap().is_empty());
    assert_eq!(kept(&mut remote), 2);
    assert!(remote.partner().deliver(later(181)).unwrap().is_empty());
    assert_eq!(kept(&mut remote), 0);
    // An epoch's go with it.
    let mut remote = Remote::new();
    remote.flag(1..4, NOW);
    let policy = remote.partner().member.policy();
    let closed = policy.epoch(1).unwrap().closes.plus(1);
    pass(remote.partner(), closed.start());
    let _ = remote.partner().deliver(closed.start());
    assert!(remote.partner().data.state().sources.is_empty());
}

#[test]
fn what_a_source_does_wrong_changes_nothing() {
    let mut remote = Remote::new();
    remote.partner().flag(homes(1..4), &by(), NOW).unwrap();
    assert_eq!(code(remote.partner().deliver(NOW)), "pseudonyms_pending");
    let (number, requests) = remote.requests().remove(0);
    remote.holders.lock().unwrap().lies = true;
    let replies: Vec<_> = requests.iter().map(|it| remote.holders.lock().unwrap().answer(it, NOW)).collect();
    let error = remote.partner().source_replies(1, number, &replies, NOW).unwrap_err();
    let PartnerError::SourceFault { holder, evidence } = &error else { panic!("{error}") };
    assert_eq!((holder.as_str(), fs::read(evidence).unwrap()), ("twee", replies[1].bytes.clone()));
    let short: Vec<_> =
        HOLDERS.map(|holder| SourceReply { holder: holder.to_owned(), bytes: vec![1; 16] }).into_iter().collect();
    assert_eq!(code(remote.partner().source_replies(1, number, &short, NOW)), "malformed");
    assert_eq!(code(remote.partner().source_replies(1, number + 1, &[], NOW)), "unexpected_reply");
    assert!(remote.requests() == [(number, requests)]);
    // Given up, they are asked for anew.
    assert_eq!(code(remote.partner().give_up_source(1, number + 1)), "unexpected_reply");
    remote.partner().give_up_source(1, number).unwrap();
    assert!(remote.requests().is_empty());
    assert_eq!(code(remote.partner().deliver(NOW)), "pseudonyms_pending");
    assert_eq!(remote.requests()[0].0, number + 1);
}

#[test]
fn nothing_shows_what_a_source_made() {
    let mut remote = Remote::new();
    remote.flag(1..4, NOW);
    remote.partner().flag(homes(4..5), &by(), NOW).unwrap();
    assert_eq!(code(remote.partner().deliver(NOW)), "pseudonyms_pending");
    let shown = format!("{:?}", remote.partner().source_requests().collect::<Vec<_>>());
    assert_eq!(
        shown,
        "[SourceRequests(2 of epoch 1, [SourceRequest(to \"een\", ..), SourceRequest(to \"twee\", ..)])]"
    );
    for entry in fs::read_dir(remote.folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for needle in [b"1012JS".as_slice(), source(1).pseudonym(&homes(1..2)[0]).expose_bytes()] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle));
        }
    }
}

#[test]
fn the_shared_keys_are_stored_nowhere() {
    let mut play = Play::new();
    play.partner.flag(homes(1..4), &by(), NOW).unwrap();
    play.deliver(NOW);
    let messages = play.partner.ask(homes(1..4), &by(), NOW).unwrap();
    play.carry(messages, NOW);
    assert!(play.partner.data.state().sources.is_empty() && play.partner.source_requests().next().is_none());
}
