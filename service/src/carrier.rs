//! What both sides of the carrier know by name: paths, media types, and the codes of problems. spec/carrier.md.

/// The media type of a message.
pub const MESSAGE: &str = "application/vnd.stapel.message";

/// The media type of a reply.
pub const REPLY: &str = "application/vnd.stapel.reply";

/// The media type of a problem (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";

/// The version of the carrier's text, in every response as `API-Version`.
pub const API_VERSION: &str = "1.0.0";

/// The most fields of a request's head.
pub const MAX_FIELDS: usize = 100;

/// The most bytes of a request before its body.
pub const MAX_HEAD: usize = 16_384;

/// Who sees the channel sees lengths, but only as multiples of this.
pub const PADDED: usize = 4_096;

/// What a broker's response other than `200` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProblemCode {
    /// What came is no request that HTTP/1.1 and the carrier allow.
    BadRequest,
    /// The OIN is of no organisation of the policy in force, or not of the message's sender.
    NotAdmitted,
    /// No such path, consortium, version, checkpoint or tile.
    NotFound,
    /// Another method than those that there are.
    MethodNotAllowed,
    /// The request came too slowly.
    TooSlow,
    /// A message without a `Content-Length`, or with `Transfer-Encoding`.
    LengthRequired,
    /// A message longer than any.
    TooLarge,
    /// Another `Content-Type`, or any `Content-Encoding`.
    UnsupportedMediaType,
    /// Too many fields, or too many bytes before the body.
    HeadTooLarge,
    /// A fault of the broker.
    Internal,
    /// Too much at once, or the broker is stopping.
    Busy,
    /// The address leads to a standby.
    NotLeader,
}

impl ProblemCode {
    /// All of them, in the order of their statuses.
    pub const ALL: [ProblemCode; 12] = [
        ProblemCode::BadRequest,
        ProblemCode::NotAdmitted,
        ProblemCode::NotFound,
        ProblemCode::MethodNotAllowed,
        ProblemCode::TooSlow,
        ProblemCode::LengthRequired,
        ProblemCode::TooLarge,
        ProblemCode::UnsupportedMediaType,
        ProblemCode::HeadTooLarge,
        ProblemCode::Internal,
        ProblemCode::Busy,
        ProblemCode::NotLeader,
    ];

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.row().1
    }

    /// The status in words, as RFC 9110 has it.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            ProblemCode::BadRequest => ("bad_request", 400, "Bad Request"),
            ProblemCode::NotAdmitted => ("not_admitted", 403, "Forbidden"),
            ProblemCode::NotFound => ("not_found", 404, "Not Found"),
            ProblemCode::MethodNotAllowed => ("method_not_allowed", 405, "Method Not Allowed"),
            ProblemCode::TooSlow => ("too_slow", 408, "Request Timeout"),
            ProblemCode::LengthRequired => ("length_required", 411, "Length Required"),
            ProblemCode::TooLarge => ("too_large", 413, "Content Too Large"),
            ProblemCode::UnsupportedMediaType => ("unsupported_media_type", 415, "Unsupported Media Type"),
            ProblemCode::HeadTooLarge => ("head_too_large", 431, "Request Header Fields Too Large"),
            ProblemCode::Internal => ("internal", 500, "Internal Server Error"),
            ProblemCode::Busy => ("busy", 503, "Service Unavailable"),
            ProblemCode::NotLeader => ("not_leader", 503, "Service Unavailable"),
        }
    }
}
