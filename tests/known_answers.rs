//! Answers that others published, through the same calls that the library makes: hmac over sha2 for pseudonyms and
//! tags, ring for HKDF and Ed25519, hpke for notes.

use std::convert::Infallible;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use ring::hkdf;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// The cases of a file of known answers.
fn cases<T: DeserializeOwned>(text: &str, count: usize) -> Vec<T> {
    #[derive(Deserialize)]
    struct File<T> {
        cases: Vec<T>,
    }
    let file: File<T> = serde_json::from_str(text).unwrap();
    assert_eq!(file.cases.len(), count);
    file.cases
}

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

fn mac(key: &str, message: &str) -> Hmac<Sha256> {
    // As pseudonyms are made: one keyed state, cloned.
    let keyed = <Hmac<Sha256> as KeyInit>::new_from_slice(&bytes(key)).unwrap();
    let mut mac = keyed.clone();
    mac.update(&bytes(message));
    mac
}

#[test]
fn hmac_sha256_of_rfc_4231() {
    #[derive(Deserialize)]
    struct Case {
        case: u8,
        key: String,
        msg: String,
        tag: String,
    }
    for case in cases::<Case>(include_str!("vectors/known/rfc4231_hmac_sha256.json"), 7) {
        let made = mac(&case.key, &case.msg).finalize().into_bytes();
        assert!(HEXLOWER.encode(&made).starts_with(&case.tag), "case {}", case.case);
    }
}

#[test]
fn hmac_sha256_of_wycheproof() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Case {
        tc_id: u16,
        tag_size: usize,
        key: String,
        msg: String,
        tag: String,
        result: String,
    }
    let cases = cases::<Case>(include_str!("vectors/known/wycheproof_hmac_sha256.json"), 174);
    assert_eq!(cases.iter().filter(|case| case.result == "valid").count(), 66);
    for case in cases {
        let made = mac(&case.key, &case.msg).finalize().into_bytes();
        let same = made[..case.tag_size / 8] == bytes(&case.tag)[..];
        assert_eq!(same, case.result == "valid", "case {}", case.tc_id);
        let accepted = mac(&case.key, &case.msg).verify_truncated_left(&bytes(&case.tag)).is_ok();
        assert_eq!(accepted, case.result == "valid", "case {}", case.tc_id);
    }
}

#[test]
fn hkdf_sha256_of_rfc_5869() {
    #[derive(Deserialize)]
    struct Case {
        case: String,
        ikm: String,
        salt: String,
        info: String,
        length: usize,
        prk: String,
        okm: String,
    }
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    for case in cases::<Case>(include_str!("vectors/known/rfc5869_hkdf_sha256.json"), 3) {
        let mut okm = vec![0; case.length];
        let info = bytes(&case.info);
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, &bytes(&case.salt));
        salt.extract(&bytes(&case.ikm)).expand(&[&info], Length(case.length)).unwrap().fill(&mut okm).unwrap();
        assert_eq!(HEXLOWER.encode(&okm), case.okm, "case {}", case.case);
        // HKDF-Extract is an HMAC under the salt; ring keeps its result inside.
        let prk = mac(&case.salt, &case.ikm).finalize().into_bytes();
        assert_eq!(HEXLOWER.encode(&prk), case.prk, "case {}", case.case);
        let given = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &prk);
        let mut again = vec![0; case.length];
        given.expand(&[&info], Length(case.length)).unwrap().fill(&mut again).unwrap();
        assert_eq!(again, okm, "case {}", case.case);
    }
}

#[test]
fn ed25519_of_rfc_8032() {
    #[derive(Deserialize)]
    struct Case {
        case: String,
        seed: String,
        public: String,
        msg: String,
        signature: String,
    }
    for case in cases::<Case>(include_str!("vectors/known/rfc8032_ed25519.json"), 4) {
        let key = Ed25519KeyPair::from_seed_unchecked(&bytes(&case.seed)).unwrap();
        assert_eq!(HEXLOWER.encode(key.public_key().as_ref()), case.public, "test {}", case.case);
        let message = bytes(&case.msg);
        let made = key.sign(&message);
        assert_eq!(HEXLOWER.encode(made.as_ref()), case.signature, "test {}", case.case);
        let public = bytes(&case.public);
        let verifies = |message: &[u8], signature: &[u8]| {
            UnparsedPublicKey::new(&ED25519, &public).verify(message, signature).is_ok()
        };
        assert!(verifies(&message, made.as_ref()), "test {}", case.case);
        assert!(!verifies(&[&message[..], b"\0"].concat(), made.as_ref()), "test {}", case.case);
        for at in 0..64 {
            let mut flipped = made.as_ref().to_vec();
            flipped[at] ^= 1;
            assert!(!verifies(&message, &flipped), "test {}, byte {at}", case.case);
        }
    }
}

/// Gives the bytes of a known answer once, as if they were drawn.
struct Given(Option<Vec<u8>>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("sealing draws bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("sealing draws bytes")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0.take().expect("sealing draws once"));
        Ok(())
    }
}

impl TryCryptoRng for Given {}

#[test]
fn hpke_in_auth_mode_of_rfc_9180() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Case {
        info: String,
        ikm_r: String,
        ikm_s: String,
        ikm_e: String,
        sk_rm: String,
        sk_sm: String,
        pk_rm: String,
        pk_sm: String,
        enc: String,
        aad: String,
        pt: String,
        ct: String,
    }
    type X25519 = X25519HkdfSha256;
    for case in cases::<Case>(include_str!("vectors/known/rfc9180_hpke_auth.json"), 1) {
        let private = |hex: &str| <X25519 as Kem>::PrivateKey::from_bytes(&bytes(hex)).unwrap();
        let public = |hex: &str| <X25519 as Kem>::PublicKey::from_bytes(&bytes(hex)).unwrap();
        for (ikm, sk, pk) in [(&case.ikm_r, &case.sk_rm, &case.pk_rm), (&case.ikm_s, &case.sk_sm, &case.pk_sm)] {
            // A private key comes back with its bits set as X25519 sets them, so that public keys are compared.
            let derived = X25519::derive_keypair(&bytes(ikm)).1;
            for public in [derived, X25519::sk_to_pk(&private(sk))] {
                assert_eq!(&HEXLOWER.encode(&public.to_bytes()), pk);
            }
        }
        let (info, aad, text) = (bytes(&case.info), bytes(&case.aad), bytes(&case.pt));
        let sender = OpModeS::Auth((private(&case.sk_sm), public(&case.pk_sm)));
        let mut drawn = Given(Some(bytes(&case.ikm_e)));
        let (enc, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519>(
            &sender,
            &public(&case.pk_rm),
            &info,
            &text,
            &aad,
            &mut drawn,
        )
        .unwrap();
        assert_eq!((HEXLOWER.encode(&enc.to_bytes()), HEXLOWER.encode(&sealed)), (case.enc, case.ct));
        let open = |sender: &str, aad: &[u8]| {
            let mode = OpModeR::Auth(public(sender));
            let own = private(&case.sk_rm);
            hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519>(&mode, &own, &enc, &info, &sealed, aad)
        };
        assert_eq!(open(&case.pk_sm, &aad).unwrap(), text);
        assert!(open(&case.pk_rm, &aad).is_err(), "another sender");
        assert!(open(&case.pk_sm, b"").is_err(), "without what was sealed with it");
    }
}
