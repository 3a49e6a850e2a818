//! The versions of TLS, and what each must have.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ProtocolVersion};
use stapel_testkit::{Client, START, pseudonym};

use super::Running;

#[test]
fn both_versions_serve_and_no_session_is_resumed() {
    let running = Running::new();
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    let identity = running.identity(1);
    for (offered, version) in [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)] {
        // One client, which would resume what it could.
        let client = running.authority.client_of(&[offered], Some(&identity));
        for _ in 0..3 {
            let mut connection = running.connect_with(client.clone());
            assert_eq!(connection.send(&question).unwrap().status, 200);
            assert_eq!(connection.0.conn.protocol_version(), Some(version));
            assert_eq!(connection.0.conn.handshake_kind(), Some(HandshakeKind::Full), "{version:?}");
        }
    }
}

/// The extended master secret (RFC 7627).
const EXTENDED_MASTER_SECRET: &[u8] = &[0, 23, 0, 0];

/// A ClientHello of TLS 1.2 that offers ECDHE with ECDSA and AES-256-GCM over x25519, and these extensions besides.
fn hello(more: &[u8]) -> Vec<u8> {
    let extensions = [
        &[0, 10, 0, 4, 0, 2, 0, 29][..], // groups: x25519
        &[0, 11, 0, 2, 1, 0],            // forms of points: uncompressed
        &[0, 13, 0, 4, 0, 2, 4, 3],      // signatures: ecdsa_secp256r1_sha256
        more,
    ]
    .concat();
    let with_length = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0xc0, 0x2c], &[1, 0], &with_length(&extensions)].concat();
    let handshake = [&[1, 0][..], &with_length(&body)].concat();
    [&[22, 3, 1][..], &with_length(&handshake)].concat()
}

#[test]
fn tls_1_2_is_taken_with_the_extended_master_secret_alone() {
    let running = Running::new();
    let answer = |hello: &[u8]| {
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(hello).unwrap();
        let mut record = [0; 7];
        stream.read_exact(&mut record).unwrap();
        (record[0], record[5], record[6])
    };
    let (kind, message, _) = answer(&hello(EXTENDED_MASTER_SECRET));
    assert_eq!((kind, message), (22, 2), "a handshake's ServerHello");
    assert_eq!(answer(&hello(&[])), (21, 2, 40), "a fatal alert: handshake_failure");
}
