//! What is measured with: partners that each flag a share of the country's addresses, and the messages in which they say so.

#![allow(dead_code, unreachable_pub, reason = "each benchmark uses its own part of this")]

pub mod addresses;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stapel::message::{self, Delta, FullSet, Group, Header, Kind, Part, Question, Reply, Request, Role, Unverified};
use stapel::policy::{Policy, PolicySignature, SignedPolicy};
use stapel::secret::{KeyId, Scope, Secret, SecretFile, SigningKey};
use stapel::{Broker, BrokerKeys, Day, Digest, Partner, Timestamp};

/// 2026-12-01T12:00:00Z.
pub const START: Timestamp = Timestamp(1_796_126_400);

pub const DAY: u64 = 86_400;

/// Pseudonyms in a message.
pub const MESSAGE: usize = 100_000;

const BROKER: [u8; 32] = [0xb0; 32];
const CHECKPOINT: [u8; 32] = [0xc0; 32];

/// So many partners, which together flag four of every three addresses.
#[derive(Clone, Copy)]
pub struct Country {
    pub addresses: u64,
    pub partners: u16,
}

/// A flag: a pseudonym, and the last day on which it is valid.
pub type Flag = ([u8; 16], Day);

/// How a partner says what it flags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One full set, in parts.
    FullSet,
    /// A small full set, then deltas.
    Deltas,
}

/// A partner that is nothing but its numbers.
pub struct Client {
    number: u16,
    policy: Digest,
    key_id: KeyId,
    sequence: u64,
    accepted: u64,
    asked: u64,
    key: SigningKey,
}

/// A number from the environment, or what stands in its place.
pub fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |value| value.replace('_', "").parse().expect("a number"))
}

impl Country {
    /// Flags of one partner.
    pub fn flags_each(&self) -> u64 {
        self.addresses * 4 / 3 / u64::from(self.partners)
    }

    /// Flags of all.
    pub fn flags(&self) -> u64 {
        self.flags_each() * u64::from(self.partners)
    }

    /// The numbers of the addresses that a partner flags, in no order: far apart.
    pub fn addresses_of(self, partner: u16) -> impl Iterator<Item = u64> {
        let (start, step) = (mix(partner.into()) % self.addresses, coprime(mix(!u64::from(partner)), self.addresses));
        let address =
            move |n: u64| ((u128::from(start) + u128::from(n) * u128::from(step)) % u128::from(self.addresses)) as u64;
        (0..self.flags_each()).map(address)
    }

    /// What a partner flags, in no order, each until one of five months' ends.
    pub fn flagged(&self, partner: u16) -> Vec<Flag> {
        self.addresses_of(partner).map(|address| (pseudonym(address), last_day(address, partner))).collect()
    }

    /// The policy's text: rules as they are by default, and budgets for what is measured.
    pub fn policy(&self) -> String {
        self.policy_with("")
    }

    /// As [`policy`](Self::policy), with rules of its own.
    pub fn policy_with(&self, rules: &str) -> String {
        let public = |seed: &[u8; 32]| SigningKey::from_seed(seed).unwrap().verifying_key();
        let mut text = format!(
            r#"format = 1
version = 1
valid_from = 2026-12-01
consortium = "land"
purpose = "meting"
legal_basis = "basis"
flag_criterion = "own observation"
after_hit = "call"
coordinator = "coordinator@example.nl"
[operator]
name = "Operator"
oin = "00000009000000000000"
verifying_key = "{}"
checkpoint_key = "{}"
log_origin = "example.nl/land"
[budgets]
new_flags_a_day = 100000000
flags_held = 100000000
asked_a_day = 1000000000
asked_an_epoch = 1000000000
{rules}
[[epoch]]
number = 1
key_id = "{}"
opens = 2026-12-01
closes = 2027-11-30
"#,
            public(&BROKER),
            public(&CHECKPOINT),
            secret().key_id()
        );
        for number in 1..=self.partners {
            text += &format!(
                r#"[[partner]]
number = {number}
name = "System {number}"
oin = "0000000{number:013}"
organisation = "organisation-{number}"
verifying_key = "{}"
may = ["flag", "ask"]
sees = "count"
legal_basis_flag = "basis"
legal_basis_ask = "basis"
"#,
                public(&seed(number))
            );
        }
        text
    }

    /// A new broker in a folder on disk, and its policy's digest.
    pub fn broker(&self, folder: &Path) -> (Broker, Digest) {
        self.broker_under(&self.policy(), folder)
    }

    /// A new broker in a folder on disk under a policy, which is left there signed, and the policy's digest.
    pub fn broker_under(&self, text: &str, folder: &Path) -> (Broker, Digest) {
        let (policy, path) = self.write_policy(text, folder);
        let keys = folder.join("keys");
        fs::create_dir(&keys).unwrap();
        for (name, seed) in [("signing.key", BROKER), ("checkpoint.key", CHECKPOINT)] {
            write_private(&keys.join(name), &seed);
        }
        let broker = Broker::create(&folder.join("broker"), BrokerKeys::open(&keys).unwrap(), &path, START).unwrap();
        (broker, policy.digest())
    }

    /// A new broker in memory, and its policy's digest.
    pub fn broker_in_memory(&self) -> (Broker, Digest) {
        let (policy, _) = self.sign_policy(&self.policy());
        let key = |seed| SigningKey::from_seed(&seed).unwrap();
        let digest = policy.digest();
        (Broker::in_memory(BrokerKeys::in_memory(key(BROKER), key(CHECKPOINT)), policy, START).unwrap(), digest)
    }

    /// A new partner with its folder in `folder`, and its policy's digest. Its pseudonyms are those of [`secret`].
    pub fn partner(&self, folder: &Path, number: u16) -> (Partner, Digest) {
        let (policy, path) = self.write_policy(&self.policy(), folder);
        let own = folder.join("partner");
        fs::create_dir(&own).unwrap();
        write_private(&own.join("partner.key"), &seed(number));
        Partner::init(&own, number).unwrap();
        Partner::join(&own, &path).unwrap();
        secret().create(&own.join("epoch-1.secret")).unwrap();
        (Partner::open(&own).unwrap(), policy.digest())
    }

    fn write_policy(&self, text: &str, folder: &Path) -> (SignedPolicy, PathBuf) {
        let (policy, signatures) = self.sign_policy(text);
        let path = folder.join("policy.toml");
        fs::write(&path, text).unwrap();
        for signature in signatures {
            fs::write(signature.path_beside(&path), signature.to_text()).unwrap();
        }
        (policy, path)
    }

    fn sign_policy(&self, text: &str) -> (SignedPolicy, Vec<PolicySignature>) {
        let policy = Policy::parse(text).unwrap();
        let sign = |number| PolicySignature::sign(&policy, &SigningKey::from_seed(&seed(number)).unwrap()).unwrap();
        let signatures: Vec<PolicySignature> = (1..=self.partners).map(sign).collect();
        (SignedPolicy::verify(policy, &signatures).unwrap(), signatures)
    }

    /// The broker of that folder, opened again.
    pub fn open(folder: &Path) -> Broker {
        Broker::open(&folder.join("broker"), BrokerKeys::open(&folder.join("keys")).unwrap()).unwrap()
    }

    /// A client for each partner.
    pub fn clients(&self, policy: Digest) -> Vec<Client> {
        (1..=self.partners).map(|number| Client::new(number, policy)).collect()
    }

    /// The messages in which all partners say what they flag: each partner's first, each partner's second, and so on.
    pub fn messages(&self, clients: &mut [Client], manner: Manner) -> Vec<Vec<u8>> {
        let all = clients.iter_mut().map(|client| client.messages(&self.flagged(client.number), manner));
        let mut all: Vec<_> = all.map(Vec::into_iter).collect();
        let mut messages = Vec::new();
        loop {
            let before = messages.len();
            messages.extend(all.iter_mut().filter_map(Iterator::next));
            if messages.len() == before {
                return messages;
            }
        }
    }
}

impl Client {
    pub fn new(number: u16, policy: Digest) -> Client {
        let key = SigningKey::from_seed(&seed(number)).unwrap();
        Client { number, policy, key_id: secret().key_id(), sequence: 0, accepted: 0, asked: 0, key }
    }

    pub fn number(&self) -> u16 {
        self.number
    }

    /// What it flags, in messages of at most [`MESSAGE`] pseudonyms.
    pub fn messages(&mut self, flags: &[Flag], manner: Manner) -> Vec<Vec<u8>> {
        let pieces: Vec<&[Flag]> = flags.chunks(MESSAGE).collect();
        let of = pieces.len() as u16;
        let message = |(piece, number): (&&[Flag], u16)| match (manner, number) {
            (Manner::FullSet, number) => self.full_set(piece, Part { number, of }),
            (Manner::Deltas, 1) => self.full_set(piece, Part { number: 1, of: 1 }),
            (Manner::Deltas, _) => self.delta(piece, &[], START),
        };
        pieces.iter().zip(1..).map(message).collect()
    }

    pub fn full_set(&mut self, flags: &[Flag], part: Part) -> Vec<u8> {
        let columns = columns(flags);
        let flagged = groups(&columns);
        self.sign(&Request::FullSet(FullSet { renewal: false, shrink: true, part, flagged }), START)
    }

    pub fn delta(&mut self, flags: &[Flag], withdrawn: &[[u8; 16]], now: Timestamp) -> Vec<u8> {
        let columns = columns(flags);
        let mut withdrawn = withdrawn.to_vec();
        withdrawn.sort_unstable();
        self.sign(&Request::Delta(Delta { renewal: false, flagged: groups(&columns), withdrawn: &withdrawn }), now)
    }

    pub fn question(&mut self, pseudonyms: &[[u8; 16]], now: Timestamp) -> Vec<u8> {
        let mut pseudonyms = pseudonyms.to_vec();
        pseudonyms.sort_unstable();
        pseudonyms.dedup();
        self.sign(&Request::Question(Question { sweep: None, pseudonyms: &pseudonyms }), now)
    }

    fn sign(&mut self, request: &Request<'_>, time: Timestamp) -> Vec<u8> {
        let kind = request.kind();
        let (sequence, previous) = if kind == Kind::Question {
            self.asked += 1;
            (self.asked, 0)
        } else {
            self.sequence += 1;
            (self.sequence, std::mem::replace(&mut self.accepted, self.sequence))
        };
        let header = Header {
            version: message::VERSION,
            kind,
            consortium: "land".parse().unwrap(),
            purpose: "meting".parse().unwrap(),
            epoch: 1,
            key_id: self.key_id,
            partner: self.number,
            sequence,
            previous,
            time,
            policy: self.policy,
            context: Digest::NONE,
            body_length: 0,
        };
        message::sign(&header, &request.encode(), &self.key).unwrap()
    }
}

/// What a piece of work took.
#[derive(Clone, Copy)]
pub struct Took {
    pub wall: Duration,
    pub processor: Duration,
}

/// Does a piece of work, and says what it took.
pub fn took(work: impl FnOnce()) -> Took {
    let (start, before) = (Instant::now(), processor());
    work();
    Took { wall: start.elapsed(), processor: processor() - before }
}

impl Took {
    /// Nanoseconds of each of so many, by the clock and by the processor.
    pub fn each(self, count: u64) -> String {
        let nanos = |took: Duration| took.as_nanos() as f64 / count as f64;
        format!("{:.0} ns (processor {:.0})", nanos(self.wall), nanos(self.processor))
    }
}

/// Hands messages to the broker, and says how long that took it.
pub fn deliver(broker: &Broker, messages: &[Vec<u8>], now: Timestamp) -> Duration {
    let start = Instant::now();
    let replies: Vec<Vec<u8>> = messages.iter().map(|message| broker.handle(message, now)).collect();
    let took = start.elapsed();
    for reply in &replies {
        match read(reply) {
            Reply::Receipt(_) | Reply::Answer(_) => {}
            Reply::Rejection(rejection) => panic!("{}: {}", rejection.code.as_str(), rejection.sentence),
            Reply::Status(_) => panic!("nobody asked for a status"),
        }
    }
    took
}

/// What a reply says.
pub fn read(reply: &[u8]) -> Reply {
    let key = SigningKey::from_seed(&BROKER).unwrap().verifying_key();
    Unverified::parse(reply, Role::Broker).unwrap().verify(&key).unwrap().reply().unwrap()
}

/// The processor's time that this process took so far, all threads together; Linux says it, in hundredths of a second.
///
/// On a machine that does other work, it says more than the clock.
pub fn processor() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().skip(11).take(2);
    Duration::from_millis(fields.map(|ticks| 10 * ticks.parse::<u64>().unwrap_or(0)).sum())
}

/// Bytes of a folder's files.
pub fn bytes_in(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

/// The secret that the partners share.
pub fn secret() -> SecretFile {
    let scope = Scope { purpose: "meting".parse().unwrap(), epoch: 1 };
    SecretFile { scope, secret: Secret::from_bytes([7; 32]) }
}

/// The pseudonym of an address: as uniform as an HMAC.
pub fn pseudonym(address: u64) -> [u8; 16] {
    let (high, low) = (mix(2 * address), mix(2 * address + 1));
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

/// One of the ends of the five months from December 2026 on.
fn last_day(address: u64, partner: u16) -> Day {
    let days = ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"];
    days[(mix(address ^ u64::from(partner) << 48) % 5) as usize].parse().unwrap()
}

/// The flags by last day, each day's in order.
fn columns(flags: &[Flag]) -> Vec<(Day, Vec<[u8; 16]>)> {
    let mut columns = std::collections::BTreeMap::<Day, Vec<[u8; 16]>>::new();
    for (pseudonym, day) in flags {
        columns.entry(*day).or_default().push(*pseudonym);
    }
    columns.values_mut().for_each(|column| column.sort_unstable());
    columns.into_iter().collect()
}

fn groups(columns: &[(Day, Vec<[u8; 16]>)]) -> Vec<Group<'_>> {
    columns.iter().map(|(last_day, pseudonyms)| Group { last_day: *last_day, pseudonyms }).collect()
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// What a partner's key is made from.
pub fn seed(number: u16) -> [u8; 32] {
    let mut seed = [7; 32];
    seed[..2].copy_from_slice(&number.to_le_bytes());
    seed
}

/// SplitMix64's finish.
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn coprime(number: u64, with: u64) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (number % with..).find(|step| gcd(*step, with) == 1).unwrap_or(1)
}
