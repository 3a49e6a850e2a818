//! Bytes that claim to be a message, the body of one, or one for a broker: what decodes encodes to the same bytes.

use std::sync::OnceLock;

use stapel::Broker;
use stapel::message::{self, Kind, Role, Unverified};
use stapel_testkit as testkit;
use stapel_testkit::{Client, START, key, signed};

pub fn run(data: &[u8]) {
    for role in [Role::Partner, Role::Broker] {
        let _ = Unverified::parse(data, role);
    }
    let broker = broker();
    let before = broker.status();
    let reply = broker.handle(data, START);
    let unverified = Unverified::parse(&reply, Role::Broker).expect("every reply is a message");
    assert!(unverified.danger_unsigned_rejection().is_some(), "nobody has the key");
    // The status is as of the time that the broker was told last.
    let mut after = broker.status();
    after.as_of = before.as_of;
    assert_eq!(after, before, "what is not authenticated changes nothing");

    // The bytes as the body of a message that is signed, so that what is behind the signature is reached, too.
    let Some((kind, body)) = data.split_first() else { return };
    let kinds: Vec<Kind> = (0..=255).filter_map(|byte| Kind::try_from(byte).ok()).collect();
    let kind = kinds[usize::from(*kind) % kinds.len()];
    let key = key(1);
    let header = Client::new(1, &broker.policy()).header(kind, START);
    let bytes = message::sign(&header, body, &key).expect("the body is short");
    let verified = Unverified::parse(&bytes, kind.role()).and_then(|message| message.verify(&key.verifying_key()));
    let verified = verified.expect("it was just signed");
    match kind.role() {
        Role::Partner => {
            if let Ok(request) = verified.request() {
                assert_eq!(request.encode().unwrap(), body);
                assert_eq!(request.kind(), kind);
            }
            let reply = broker.handle(&bytes, START);
            Unverified::parse(&reply, Role::Broker).expect("every reply is a message");
        }
        Role::Broker => {
            if let Ok(reply) = verified.reply() {
                assert_eq!(reply.encode().unwrap(), body);
                assert_eq!(reply.kind(), kind);
            }
        }
    }
}

fn broker() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(|| testkit::broker(&signed(&testkit::sample_policy_text())))
}
