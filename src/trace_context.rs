//! Trace contexts of W3C, by which two parties name one action in their records.

use data_encoding::HEXLOWER;

use crate::codec::encode_fields;
use crate::digest::Digest;
use crate::hex::from_hex;

/// One action of one trace, as in the field `traceparent` of an HTTP request (W3C Trace Context, level 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: [u8; 16],
    span: [u8; 8],
}

/// A text was not a `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent: write it as 00-, 32 and 16 lower-case hexadecimal digits with - between, and -00 or -01")]
pub struct NotATraceContext;

impl TraceContext {
    /// The context that names what has this digest: of a message its sender and its receiver make the same one, without
    /// exchanging it. Its trace id is the first 16 bytes, its span id the next 8.
    pub fn of(Digest(bytes): Digest) -> TraceContext {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        trace.copy_from_slice(&bytes[..16]);
        span.copy_from_slice(&bytes[16..24]);
        TraceContext { trace, span }
    }

    /// Reads a `traceparent`. Of a version after 00 what that version added is passed over, as the standard has it.
    ///
    /// # Errors
    ///
    /// [`NotATraceContext`], also where trace or span is all zeros.
    pub fn parse(text: &str) -> Result<TraceContext, NotATraceContext> {
        let mut parts = text.splitn(5, '-');
        let mut next = || parts.next().unwrap_or_default();
        let (version, trace, span, flags) = (next(), next(), next(), next());
        let more = parts.next();
        let is_version =
            from_hex::<1>(version).is_some_and(|[version]| version != 0xff && (version > 0 || more.is_none()));
        match (from_hex(trace), from_hex(span), from_hex::<1>(flags)) {
            (Some(trace), Some(span), Some(_)) if is_version && trace != [0; 16] && span != [0; 8] => {
                Ok(TraceContext { trace, span })
            }
            _ => Err(NotATraceContext),
        }
    }

    /// The `traceparent` of a request that this action makes. No record of a Logboek Dataverwerkingen is left out, so
    /// it says that the action is sampled.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace_id(), self.span_id())
    }

    /// The trace, as 32 lower-case hexadecimal digits.
    pub fn trace_id(&self) -> String {
        HEXLOWER.encode(&self.trace)
    }

    /// The action, as 16 lower-case hexadecimal digits.
    pub fn span_id(&self) -> String {
        HEXLOWER.encode(&self.span)
    }

    /// The bytes of both: trace and span.
    pub fn as_bytes(&self) -> (&[u8; 16], &[u8; 8]) {
        (&self.trace, &self.span)
    }
}

encode_fields! {
    TraceContext { trace, span }
    where |context| context.trace != [0; 16] && context.span != [0; 8],
    else "a trace context is all zeros"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard, 3.2.
    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_standards_example_is_read_and_written() {
        let context = TraceContext::parse(EXAMPLE).unwrap();
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id(), "b7ad6b7169203331");
        assert_eq!(context.traceparent(), EXAMPLE);
        let not_sampled = EXAMPLE.replace("-01", "-00");
        assert_eq!(TraceContext::parse(&not_sampled), Ok(context));
        let later = EXAMPLE.replacen("00", "cc", 1) + "-what-the-future-will-be-like";
        assert_eq!(TraceContext::parse(&later), Ok(context));
    }

    #[test]
    fn all_else_is_refused() {
        let ending = |end: &str| EXAMPLE.replace("-01", end);
        let zeros = |digits: &str| EXAMPLE.replace(digits, &"0".repeat(digits.len()));
        for text in [
            String::new(),
            EXAMPLE.to_uppercase(),
            EXAMPLE.replacen("00", "ff", 1),
            EXAMPLE.replacen("00", "0", 1),
            format!("{EXAMPLE}-more"),
            format!("{EXAMPLE}-"),
            format!(" {EXAMPLE}"),
            ending(""),
            ending("-1"),
            ending("-0g"),
            ending("-01\n"),
            zeros("0af7651916cd43dd8448eb211c80319c"),
            zeros("b7ad6b7169203331"),
        ] {
            assert_eq!(TraceContext::parse(&text), Err(NotATraceContext), "{text}");
        }
    }

    #[test]
    fn a_digest_gives_its_first_bytes() {
        let bytes = std::array::from_fn(|at| at as u8 + 1);
        let context = TraceContext::of(Digest(bytes));
        assert_eq!(context.traceparent(), "00-0102030405060708090a0b0c0d0e0f10-1112131415161718-01");
        assert_eq!(context.as_bytes().1[0], 0x11);
    }
}
