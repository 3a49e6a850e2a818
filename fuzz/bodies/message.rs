//! Bytes that claim to be a message, the body of one, or one for a broker: what decodes encodes to the same bytes.

use std::sync::OnceLock;

use stapel::message::{self, Header, Kind, Role, Unverified};
use stapel::policy::{Policy, PolicySignature, SignedPolicy};
use stapel::secret::{KeyId, SigningKey};
use stapel::{Broker, BrokerKeys, Digest, Timestamp};

const NOW: Timestamp = Timestamp(1_796_126_400);

pub fn run(data: &[u8]) {
    for role in [Role::Partner, Role::Broker] {
        let _ = Unverified::parse(data, role);
    }
    let broker = broker();
    let before = broker.status();
    let reply = broker.handle(data, NOW);
    let unverified = Unverified::parse(&reply, Role::Broker).expect("every reply is a message");
    assert!(unverified.danger_unsigned_rejection().is_some(), "nobody has the key");
    assert_eq!(broker.status(), before, "what is not authenticated changes nothing");

    // The bytes as the body of a message that is signed, so that what is behind the signature is reached, too.
    let Some((kind, body)) = data.split_first() else { return };
    let kinds: Vec<Kind> = (0..=255).filter_map(|byte| Kind::try_from(byte).ok()).collect();
    let kind = kinds[usize::from(*kind) % kinds.len()];
    let key = key(1);
    let bytes = message::sign(&header(kind, broker), body, &key).expect("the body is short");
    let verified = Unverified::parse(&bytes, kind.role()).and_then(|message| message.verify(&key.verifying_key()));
    let verified = verified.expect("it was just signed");
    match kind.role() {
        Role::Partner => {
            if let Ok(request) = verified.request() {
                assert_eq!(request.encode(), body);
                assert_eq!(request.kind(), kind);
            }
            let reply = broker.handle(&bytes, NOW);
            Unverified::parse(&reply, Role::Broker).expect("every reply is a message");
        }
        Role::Broker => {
            if let Ok(reply) = verified.reply() {
                assert_eq!(reply.encode(), body);
                assert_eq!(reply.kind(), kind);
            }
        }
    }
}

fn header(kind: Kind, broker: &Broker) -> Header {
    Header {
        version: message::VERSION,
        kind,
        consortium: "zaanstad".parse().expect("a slug"),
        purpose: "ondermijning-zaanstad".parse().expect("a slug"),
        epoch: 1,
        key_id: KeyId([0xbf, 0xc6, 0x4f, 0x89, 0x8d, 0x29, 0x80, 0x84]),
        partner: 1,
        sequence: u64::from(kind != Kind::Status),
        previous: 0,
        time: NOW,
        policy: broker.policy().digest(),
        context: Digest::NONE,
        body_length: 0,
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).expect("any seed is a key")
}

fn broker() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(|| {
        let policy = Policy::parse(include_str!("../../src/policy/sample.toml")).expect("the sample is a policy");
        let signatures: Vec<_> =
            (1..=4).map(|n| PolicySignature::sign(&policy, &key(n)).expect("in the roster")).collect();
        let policy = SignedPolicy::verify(policy, &signatures).expect("it is signed");
        let keys = BrokerKeys::in_memory(key(0xb0), key(0xc0));
        Broker::in_memory(keys, policy, NOW).expect("the policy fits")
    })
}
