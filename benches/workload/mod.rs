//! What is measured with: partners that each flag a share of the country's addresses, and the messages in which they
//! say so.

#![allow(dead_code, unreachable_pub, reason = "each benchmark uses its own part of this")]

pub mod addresses;

use std::env;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use stapel::message::{Part, Reply};
use stapel::policy::SignedPolicy;
use stapel::{Broker, BrokerKeys, Day, Partner, Pseudonym, Timestamp};
use stapel_testkit::{
    Client, Entry, Flag, START, partner_folder, policy_text, read, secret, signed, stored_keys, write_policy,
};

/// Pseudonyms in a message.
pub const MESSAGE: usize = 100_000;

/// A country and its partners, which together hold four flags for every three addresses.
#[derive(Clone, Copy)]
pub struct Country {
    pub addresses: u64,
    pub partners: u16,
}

/// How a partner says what it flags.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One full set, in parts.
    FullSet,
    /// A small full set, then deltas.
    Deltas,
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
        let entry = |number| Entry {
            number,
            // Names for as long as the program runs.
            organisation: Box::leak(format!("organisation-{number}").into_boxed_str()),
            may: r#""flag", "ask""#,
            sees: "count",
        };
        let roster: Vec<Entry> = (1..=self.partners).map(entry).collect();
        let rules = format!(
            r#"version = 1
valid_from = 2026-12-01
[[override]]
rule = "first-set"
reason = "no budget is to end"
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
            secret(1).key_id()
        );
        policy_text(&roster, &rules)
    }

    /// A new broker in a folder on disk.
    pub fn broker(&self, folder: &Path) -> Broker {
        self.broker_under(&self.policy(), folder)
    }

    /// A new broker in a folder on disk under a policy, which is left there signed.
    pub fn broker_under(&self, text: &str, folder: &Path) -> Broker {
        let path = folder.join("policy.toml");
        write_policy(&path, text);
        Broker::create(&folder.join("broker"), stored_keys(&folder.join("keys")), &path, START).unwrap()
    }

    /// A new broker in memory.
    pub fn broker_in_memory(&self) -> Broker {
        stapel_testkit::broker(&signed(&self.policy()))
    }

    /// A new partner with its folder in `folder`.
    pub fn partner(&self, folder: &Path, number: u16) -> Partner {
        let path = folder.join("policy.toml");
        write_policy(&path, &self.policy());
        let own = folder.join("partner");
        partner_folder(&own, number, &path, &[1]);
        Partner::open(&own).unwrap()
    }

    /// The broker of that folder, opened again.
    pub fn open(folder: &Path) -> Broker {
        Broker::open(&folder.join("broker"), BrokerKeys::open(&folder.join("keys")).unwrap()).unwrap()
    }

    /// A client for each partner.
    pub fn clients(&self, policy: &SignedPolicy) -> Vec<Client> {
        (1..=self.partners).map(|number| Client::new(number, policy)).collect()
    }

    /// The messages in which all partners say what they flag: each partner's first, each partner's second, and so on.
    pub fn messages(&self, clients: &mut [Client], manner: Manner) -> Vec<Vec<u8>> {
        let all = clients.iter_mut().map(|client| messages(client, &self.flagged(client.number), manner));
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

/// What a partner flags, in messages of at most [`MESSAGE`] pseudonyms.
fn messages(client: &mut Client, flags: &[Flag], manner: Manner) -> Vec<Vec<u8>> {
    let pieces: Vec<&[Flag]> = flags.chunks(MESSAGE).collect();
    let of = pieces.len() as u16;
    let message = |(piece, number): (&&[Flag], u16)| match (manner, number) {
        (Manner::FullSet, number) => client.full_set(piece, Part { number, of }, START),
        (Manner::Deltas, 1) => client.full_set(piece, Part { number: 1, of: 1 }, START),
        (Manner::Deltas, _) => client.delta(piece, &[], START),
    };
    pieces.iter().zip(1..).map(message).collect()
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
    /// Nanoseconds for each of `count` items, by the clock and by the processor.
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
            _ => panic!("nobody asked for that"),
        }
    }
    took
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

/// The pseudonym of an address: as uniform as an HMAC.
pub fn pseudonym(address: u64) -> Pseudonym {
    let (high, low) = (mix(2 * address), mix(2 * address + 1));
    Pseudonym::danger_from_remote_source((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

/// One of the ends of the five months from December 2026 on.
fn last_day(address: u64, partner: u16) -> Day {
    let days = ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"];
    days[(mix(address ^ u64::from(partner) << 48) % 5) as usize].parse().unwrap()
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
