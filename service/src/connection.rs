//! What every server here does with connections and heads, whoever they come from.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::carrier::{MAX_FIELDS, MAX_HEAD};

/// The next connection; `None` when the server stops.
pub(crate) async fn next<T, F: Future<Output = io::Result<T>>>(
    accept: impl Fn() -> F,
    stop: &watch::Receiver<bool>,
) -> Option<T> {
    let mut stop = stop.clone();
    loop {
        tokio::select! {
            accepted = accept() => match accepted {
                Ok(accepted) => return Some(accepted),
                // As where there are no more file descriptors: others end, and free theirs.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be taken");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            () = stopped(&mut stop) => return None,
        }
    }
}

pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Answers the requests of a connection. It ends after the one that it is at when `ended` is, and at once when it is to
/// give way, which it is only while nothing is done for it.
pub(crate) async fn serve<S, F>(
    stream: S,
    longest_head: Duration,
    respond: impl Fn(Request<Body>) -> F,
    ended: impl Future<Output = ()>,
    gives_way: impl Future<Output = ()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(request.map(Body::new));
        let boxed: Pin<Box<dyn Future<Output = Result<_, Infallible>> + Send>> =
            Box::pin(async move { Ok(response.await) });
        boxed
    });
    // Twice what is allowed can be read, so that what is too much is answered with a problem, and not by hyper.
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(longest_head)
        .max_headers(256)
        .max_buf_size(2 * MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let (mut ended, mut gives_way) = (pin!(ended), pin!(gives_way));
    let mut is_ending = false;
    let served = loop {
        tokio::select! {
            served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break served,
            // Nothing was done for it: whoever it is makes the request again.
            () = &mut gives_way => return,
            () = &mut ended, if !is_ending => {}
        }
        is_ending = true;
        Pin::new(&mut connection).graceful_shutdown();
    };
    if served.is_ok() {
        linger(connection.into_parts().io.into_inner()).await;
    }
}

/// Closes a connection so that the other end sees the response, although it still sends: a socket that is closed with
/// bytes unread resets the connection, and what was written is lost.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    const MOST: u64 = 1 << 20;
    let discard = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(MOST), &mut tokio::io::sink()).await
    };
    let _ = timeout(Duration::from_secs(1), discard).await;
}

/// What no server here takes of a head.
pub(crate) enum HeadFault {
    /// Its form is wrong.
    Form(&'static str),
    /// It has too many fields or bytes.
    TooLarge,
}

/// Refuses a head of another version, one that is too large, and one without one `Host`.
pub(crate) fn refuse_head(request: &Request<Body>) -> Result<(), HeadFault> {
    if request.version() != Version::HTTP_11 {
        return Err(HeadFault::Form("the version is not HTTP/1.1"));
    }
    if request.headers().len() > MAX_FIELDS || length_of_head(request) > MAX_HEAD {
        return Err(HeadFault::TooLarge);
    }
    if request.headers().get_all(HOST).iter().count() != 1 {
        return Err(HeadFault::Form("there is not one Host"));
    }
    Ok(())
}

/// The bytes of a head, if it has no more spaces than it must.
fn length_of_head(request: &Request<Body>) -> usize {
    let line = |parts: usize| parts + "\r\n".len();
    // What comes before the path of a whole address is short, and a path has no fragment.
    let before = request.uri().authority().map_or(0, |authority| "https://".len() + authority.as_str().len());
    let target = before + request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let first = line(request.method().as_str().len() + "  HTTP/1.1".len() + target);
    let fields = request.headers().iter().map(|(name, value)| line(name.as_str().len() + ": ".len() + value.len()));
    first + fields.sum::<usize>() + "\r\n".len()
}
