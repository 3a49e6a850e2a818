//! Every domain-separation label, in one place.
//!
//! A label says what a key or a signature is for, so that the bytes of one use are never valid in another. SPEC.md,
//! and docs/ for what is stored, have the same constants; a change of one is a change of the format.

/// HKDF salt of every key derived from an epoch secret.
pub(crate) const SALT: &[u8] = b"stapel/v1";

/// HKDF info prefix of the pseudonym key K.
pub(crate) const PSEUDONYM: &[u8] = b"pseudonym";

/// HKDF info prefix of the key id.
pub(crate) const FINGERPRINT: &[u8] = b"fingerprint";

/// HKDF info prefix of the key of the codes of what is put forward.
pub(crate) const PUT_FORWARD: &[u8] = b"put forward";

/// What a pseudonym's HMAC is taken of for the subject of a conversation.
pub(crate) const MEET: &[u8] = b"meet";

/// What the pepper's HMAC is taken of, with the subject, for the id of a conversation.
pub(crate) const CONVERSATION: &[u8] = b"conversation";

/// First bytes of what a note between partners is bound to.
pub(crate) const NOTE: &[u8; 16] = b"stapel1 note\0\0\0\0";

/// The canonicaliser's name and version. A change of its output is a new profile.
pub(crate) const PROFILE: &str = "nl-address/1";

/// First 15 bytes of the signature label of a message from a partner; the 16th is the message kind.
pub(crate) const SIGN_PARTNER: &[u8; 15] = b"stapel1 partner";

/// First 15 bytes of the signature label of a message from the broker; the 16th is the message kind.
pub(crate) const SIGN_BROKER: &[u8; 15] = b"stapel1 broker ";

/// Label of an organisation's signature over a policy digest.
pub(crate) const SIGN_POLICY: &[u8; 16] = b"stapel1 policy\0\0";

/// Label of an organisation's veto of a version that says its policy key is lost.
pub(crate) const SIGN_VETO: &[u8; 16] = b"stapel1 veto\0\0\0\0";

/// Label of an organisation's certificate or suspension of one of its partners.
pub(crate) const SIGN_CERTIFICATE: &[u8; 16] = b"stapel1 certify\0";

/// Prefix of the bytes that a policy digest is the SHA-256 of.
pub(crate) const POLICY_DIGEST: &[u8; 16] = b"stapel1 rules\0\0\0";

/// Prefix of the bytes that the check code of an enrolment file begins the SHA-256 of.
pub(crate) const ENROLMENT: &[u8; 16] = b"stapel1 enrol\0\0\0";

/// Prefix of the bytes that a secret file's checksum is the SHA-256 of.
pub(crate) const SECRET_FILE: &[u8; 16] = b"stapel1 secret\0\0";

/// Prefix of the bytes that a link of a partner's journal is the SHA-256 of.
pub(crate) const JOURNAL: &[u8; 16] = b"stapel1 journal\0";

/// Additional data of a partner's sealed state file, and HKDF info of its key.
pub(crate) const PARTNER_STATE: &[u8; 16] = b"stapel1 state\0\0\0";

/// Additional data prefix of a sealed record of a partner's journal, and HKDF info of its key.
pub(crate) const JOURNAL_RECORD: &[u8; 16] = b"stapel1 record\0\0";

/// First bytes of a partner's journal that was pruned, and additional data of what stands there sealed.
pub(crate) const JOURNAL_BASE: &[u8; 16] = b"stapel1 pruned\0\0";

/// Additional data prefix of a sealed chunk of the broker's store.
pub(crate) const STORE_CHUNK: &[u8; 16] = b"stapel1 chunk\0\0\0";

/// Additional data prefix of a sealed manifest of the broker's store.
pub(crate) const STORE_MANIFEST: &[u8; 16] = b"stapel1 manifest";

/// Additional data prefix of a sealed row of the broker's ledger.
pub(crate) const STORE_ROW: &[u8; 16] = b"stapel1 row\0\0\0\0\0";

/// Prefix of the bytes that the leaf hash of a log line is the SHA-256 of (RFC 6962).
pub(crate) const LOG_LEAF: &[u8; 1] = &[0x00];

/// Prefix of the bytes that an inner node of the log's tree is the SHA-256 of (RFC 6962).
pub(crate) const LOG_NODE: &[u8; 1] = &[0x01];

/// C2SP's type of a signed note's signature, in the key id of a checkpoint's key: Ed25519 over the note's text.
pub(crate) const NOTE_ED25519: &[u8; 1] = &[0x01];
