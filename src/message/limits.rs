//! How large a message and its parts may be.

/// The most pseudonyms in one state message: a delta, or one part of a full set.
pub const MAX_FLAGS: usize = 1_000_000;

/// The most pseudonyms in one question.
pub const MAX_QUESTION: usize = 100_000;

/// The most groups of flags in one message. Those of a partner that flags for years have as many as it has first days
/// and reasons; a message can hold the most pseudonyms beside the most groups.
pub(crate) const MAX_GROUPS: usize = 1_024;

/// The most by which a message's number may exceed the highest that the broker saw of its series, so that no message
/// uses up all numbers.
pub(crate) const LONGEST_LEAP: u64 = 1 << 32;

/// The most lines of the log whose inclusion one status request asks to be proven.
pub const MAX_PROVEN_LINES: usize = 1_000;

/// The most bytes of the receipt that a status request has with it.
pub(super) const MAX_RECEIPT: usize = 2_048;

/// The most hashes of a proof in a status reply. A log of 2^64 lines needs no more.
pub(super) const MAX_PROOF: usize = 65;

/// The most bytes of a message's body.
pub(super) const MAX_BODY: usize = 16 * 1024 * 1024;

/// The most bytes of a message: envelope byte, header, body and signature.
pub const MAX_MESSAGE: usize = 1 + MAX_HEADER + MAX_BODY + SIGNATURE;

/// The most bytes of a header.
pub(super) const MAX_HEADER: usize = 1024;

/// The bytes of a signature.
pub(super) const SIGNATURE: usize = 64;
