//! What both sides of the carrier know by name: paths, media types, and the codes of problems. spec/carrier.md.

/// The media type of a message.
pub const MESSAGE: &str = "application/vnd.stapel.message";

/// The media type of a reply.
pub const REPLY: &str = "application/vnd.stapel.reply";

/// The media type of a problem (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";

/// The version of the carrier's text, in every response as `API-Version`.
pub const API_VERSION: &str = "1.0.0";
