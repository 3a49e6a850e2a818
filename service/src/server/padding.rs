//! The length of a response, which whoever sees the channel sees too: spec/carrier.md 2.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, DATE};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response};
use hyper::body::{Frame, SizeHint};

use crate::carrier::PADDED;

const PADDING: HeaderName = HeaderName::from_static("padding");

/// The bytes of a date as HTTP writes it, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
const DATE_LENGTH: usize = 29;

/// What goes to TLS in one run: some full records of 16,384 bytes.
const RUN: usize = 65_536;

/// What of a request its response's length hangs on.
pub(super) struct Asked {
    /// Of such a request's response the body is not sent.
    is_head: bool,
    /// No other request comes on the connection.
    is_last: bool,
}

impl Asked {
    pub(super) fn by(request: &Request<Body>) -> Asked {
        let mut options = request.headers().get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
        let is_close = |option: &str| option.trim().eq_ignore_ascii_case("close");
        let is_last = options.any(|options| options.split(',').any(is_close));
        Asked { is_head: request.method() == Method::HEAD, is_last }
    }
}

/// Adds a field `Padding`, so that head and body together are a multiple of [`PADDED`], whatever they hold.
///
/// hyper writes the head: of every field a line with its name in lower case, and `date` besides. It adds
/// `connection: close` by itself only where it is told to stop while a response is made; then the response is 19 bytes
/// longer, which tells nothing of its body.
pub(super) fn padded(mut response: Response<Body>, asked: Asked) -> Response<Body> {
    let Some(body) = response.body().size_hint().exact() else { return response };
    let status = response.status();
    let headers = response.headers_mut();
    headers.entry(CONTENT_LENGTH).or_insert_with(|| body.into());
    if asked.is_last {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let line = |name: &HeaderName, value: usize| name.as_str().len() + ": ".len() + value + "\r\n".len();
    let first = "HTTP/1.1 200 \r\n".len() + status.canonical_reason().unwrap_or_default().len();
    let fields: usize = headers.iter().map(|(name, value)| line(name, value.len())).sum();
    let unpadded = first + fields + line(&DATE, DATE_LENGTH) + line(&PADDING, 0) + "\r\n".len();
    let sent = if asked.is_head { 0 } else { body as usize };
    let zeros = (unpadded + sent).next_multiple_of(PADDED) - (unpadded + sent);
    if let Ok(zeros) = HeaderValue::from_maybe_shared(Bytes::from(vec![b'0'; zeros])) {
        headers.insert(PADDING, zeros);
    }
    response.map(|inner| Body::new(Aligned { inner, piece: Bytes::new(), room: RUN - (unpadded + zeros) % RUN }))
}

/// A body in pieces that end where a run does, counted from the first byte of the head. Without it hyper, which sends
/// what it has when it has enough, would begin a record where its first run ends: at the length of the head.
struct Aligned {
    inner: Body,
    /// What is left of the piece that `inner` gave.
    piece: Bytes,
    /// Bytes of the run that are left.
    room: usize,
}

impl HttpBody for Aligned {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        while self.piece.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                // No body here has trailers.
                Some(Ok(frame)) => self.piece = frame.into_data().unwrap_or_default(),
                ended => return Poll::Ready(ended),
            }
        }
        let count = self.room.min(self.piece.len());
        self.room = if count == self.room { RUN } else { self.room - count };
        Poll::Ready(Some(Ok(Frame::data(self.piece.split_to(count)))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.inner.size_hint().exact().unwrap_or_default();
        SizeHint::with_exact(left + self.piece.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::{self, IoSlice};
    use std::sync::{Arc, Mutex};

    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;

    /// A connection with one request on it, which keeps what each write brings, as TLS would make records of it.
    struct Written {
        request: &'static [u8],
        writes: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl AsyncRead for Written {
        fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            buffer.put_slice(std::mem::take(&mut self.request));
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Written {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
        }

        /// Takes as much as rustls takes at once.
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let mut all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            all.truncate(65_536);
            let count = all.len();
            self.writes.lock().unwrap().push(all);
            Poll::Ready(Ok(count))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// A body that comes in pieces.
    struct Pieces(Bytes);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let count = self.0.len().min(RUN);
            Poll::Ready((count > 0).then(|| Ok(Frame::data(self.0.split_to(count)))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0.len() as u64)
        }
    }

    #[test]
    fn what_is_written_ends_where_a_run_does_whatever_the_head() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for length in [0, 1, 300, 3_900, 4_096, 65_000, 65_536, 70_000, 200_000, 1_000_000] {
            for request in [
                &b"POST / HTTP/1.1\r\n\r\n"[..],
                b"POST / HTTP/1.1\r\nconnection: x, Close\r\n\r\n",
                b"HEAD / HTTP/1.1\r\n\r\n",
            ] {
                let writes = Arc::<Mutex<Vec<Vec<u8>>>>::default();
                let respond = service_fn(async |request: Request<hyper::body::Incoming>| {
                    let asked = Asked::by(&request.map(Body::new));
                    let response = Response::new(Body::new(Pieces(vec![b'b'; length].into())));
                    Ok::<_, Infallible>(padded(response, asked))
                });
                let connection = Written { request, writes: writes.clone() };
                runtime
                    .block_on(
                        http1::Builder::new().half_close(true).serve_connection(TokioIo::new(connection), respond),
                    )
                    .unwrap();
                let writes = writes.lock().unwrap();
                let all = writes.concat();
                assert!(all.len() >= length || request.starts_with(b"HEAD"), "{}", all.len());
                assert_eq!(all.len() % PADDED, 0, "{length}: {}", String::from_utf8_lossy(&all[..300]));
                let lengths: Vec<_> = writes.iter().map(Vec::len).collect();
                let (_, others) = lengths.split_last().unwrap();
                assert!(others.iter().all(|write| *write == RUN), "{length}: {lengths:?}");
            }
        }
    }
}
