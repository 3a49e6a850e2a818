//! A stream whose other end must take what is written at a least rate, so that nobody holds a reply for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The stream.
pub(crate) struct Paced<S> {
    stream: S,
    window: Duration,
    least: usize,
    /// Runs out when the window does; `None` while nothing waits to be written.
    until: Option<Pin<Box<Sleep>>>,
    written: usize,
}

impl<S> Paced<S> {
    pub(crate) fn new(stream: S, window: Duration, least: usize) -> Paced<S> {
        Paced { stream, window, least, until: None, written: 0 }
    }

    /// Called where the other end takes nothing now.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let until = self.until.get_or_insert_with(|| Box::pin(sleep(self.window)));
        loop {
            ready!(until.as_mut().poll(cx));
            if self.written < self.least {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.written = 0;
            until.as_mut().reset(Instant::now() + self.window);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending => self.wait(cx).map(Err),
            Poll::Ready(result) => {
                self.written += result.as_ref().map_or(0, |count| *count);
                Poll::Ready(result)
            }
        }
    }

    /// All that was to be written is: both TLS and hyper flush when they have no more.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        (self.until, self.written) = (None, 0);
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// What comes of writing so many bytes, of which the other end takes some in each window at most.
    fn write(length: usize, least: usize, taken: Option<usize>) -> io::Result<()> {
        let window = Duration::from_millis(20);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (near, mut far) = duplex(16);
            let taking = async {
                let mut bytes = vec![0; taken.unwrap_or_default()];
                while taken.is_some() && far.read_exact(&mut bytes).await.is_ok() {
                    sleep(window / 4).await;
                }
                std::future::pending::<()>().await;
            };
            let mut paced = Paced::new(near, window, least);
            let bytes = vec![7; length];
            tokio::select! {
                written = paced.write_all(&bytes) => written,
                () = taking => Ok(()),
            }
        })
    }

    #[test]
    fn who_takes_too_little_in_a_window_ends_the_connection() {
        let kind = |written: io::Result<()>| written.map_err(|error| error.kind());
        assert_eq!(kind(write(1_000, 1, None)), Err(io::ErrorKind::TimedOut), "takes nothing");
        assert_eq!(kind(write(1_000, 500, Some(1))), Err(io::ErrorKind::TimedOut), "takes too little");
        assert_eq!(kind(write(200, 1, Some(16))), Ok(()), "takes what it must, over several windows");
        assert_eq!(kind(write(16, 500, None)), Ok(()), "nothing waits");
    }
}
