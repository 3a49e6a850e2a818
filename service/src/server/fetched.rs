//! What whoever is admitted may fetch: policies, signatures, certificates, the log's checkpoint and hashes.
//! spec/carrier.md 6.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse;
use serde::Serialize;
use stapel::BrokerError;

use super::consortium::Consortium;
use super::problem::Problem;
use super::routes::Caller;
use crate::carrier::ProblemCode;

const JSON: &str = "application/json";

pub(super) async fn policies(Extension(caller): Extension<Caller>) -> Result<Response<Body>, Problem> {
    let found = look(caller, |one| one.broker.published_policies()).await?;
    json(&found)
}

pub(super) async fn policy(
    Extension(caller): Extension<Caller>,
    Path((_, version)): Path<(String, String)>,
) -> Result<Response<Body>, Problem> {
    let version = number(&version).ok_or_else(no_version)?;
    let text = look(caller, move |one| one.broker.published_policy(version)).await?;
    Ok(response("application/toml", text.ok_or_else(no_version)?.into_bytes()))
}

pub(super) async fn signatures(
    Extension(caller): Extension<Caller>,
    Path((_, version)): Path<(String, String)>,
) -> Result<Response<Body>, Problem> {
    let version = number(&version).ok_or_else(no_version)?;
    let signatures = look(caller, move |one| one.broker.published_signatures(version)).await?;
    json(&Signatures { signatures: signatures.ok_or_else(no_version)? })
}

pub(super) async fn certificates(Extension(caller): Extension<Caller>) -> Result<Response<Body>, Problem> {
    let certificates = look(caller, |one| Ok(one.broker.published_certificates())).await?;
    json(&Certificates { certificates })
}

pub(super) async fn checkpoint(Extension(caller): Extension<Caller>) -> Result<Response<Body>, Problem> {
    let none = || Problem::new(ProblemCode::NotFound, "the log has no checkpoint yet");
    let checkpoint = look(caller, |one| Ok(one.broker.published_checkpoint())).await?;
    Ok(response("text/plain; charset=utf-8", checkpoint.ok_or_else(none)?))
}

pub(super) async fn tile(
    Extension(caller): Extension<Caller>,
    Path((_, level, index)): Path<(String, String, String)>,
) -> Result<Response<Body>, Problem> {
    let none = || Problem::new(ProblemCode::NotFound, "the latest checkpoint's tree has no such tile");
    let level = number(&level).and_then(|level| u8::try_from(level).ok()).ok_or_else(none)?;
    let (index, width) = index_and_width(&index).ok_or_else(none)?;
    let hashes = look(caller, move |one| Ok(one.broker.published_tile(level, index, width))).await?;
    Ok(response("application/octet-stream", hashes.ok_or_else(none)?))
}

#[derive(Serialize)]
struct Signatures {
    signatures: Vec<String>,
}

#[derive(Serialize)]
struct Certificates {
    certificates: Vec<String>,
}

fn no_version() -> Problem {
    Problem::new(ProblemCode::NotFound, "there is no such version of the policy here")
}

/// Looks something up in a broker, in a thread that may wait for its store: whoever answers others must not.
async fn look<T: Send + 'static>(
    caller: Caller,
    find: impl FnOnce(&Consortium) -> Result<T, BrokerError> + Send + 'static,
) -> Result<T, Problem> {
    let consortium = Arc::clone(&caller.consortium);
    let fault = || Problem::new(ProblemCode::Internal, "a fault of the broker; ask again later");
    let held = caller.admit().await?;
    let found = tokio::task::spawn_blocking(move || {
        let _held = held;
        find(&consortium)
    });
    found.await.map_err(|_| fault())?.map_err(|error| {
        tracing::error!(code = error.code(), "what is published could not be read");
        fault()
    })
}

fn json(value: &impl Serialize) -> Result<Response<Body>, Problem> {
    let fault = |_| Problem::new(ProblemCode::Internal, "a fault of the broker; ask again later");
    Ok(response(JSON, serde_json::to_vec(value).map_err(fault)?))
}

fn response(media: &'static str, body: Vec<u8>) -> Response<Body> {
    ([(CONTENT_TYPE, HeaderValue::from_static(media))], body).into_response()
}

/// A number in decimal, without leading zeros.
fn number(text: &str) -> Option<u32> {
    let is_it = text == "0" || !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_it)
}

/// The number of a tile and its width, as C2SP tlog-tiles writes them: `x001/x234/067`, and with fewer hashes than 256
/// `x001/x234/067.p/12`.
fn index_and_width(text: &str) -> Option<(u64, u16)> {
    let (index, width) = match text.split_once(".p/") {
        None => (text, 256),
        Some((index, width)) => (index, number(width).and_then(|width| u16::try_from(width).ok())?),
    };
    if text.contains(".p/") && width == 256 {
        return None;
    }
    let mut groups = index.split('/').peekable();
    let mut number = 0_u64;
    let mut is_first = true;
    while let Some(group) = groups.next() {
        let is_last = groups.peek().is_none();
        let digits = if is_last { group } else { group.strip_prefix('x')? };
        let is_group = digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit());
        // Each index has one form.
        if !is_group || is_first && !is_last && digits == "000" {
            return None;
        }
        number = number.checked_mul(1_000)?.checked_add(digits.parse().ok()?)?;
        is_first = false;
    }
    Some((number, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_has_one_path() {
        for (path, tile) in [
            ("000", Some((0, 256))),
            ("067", Some((67, 256))),
            ("x001/x234/067", Some((1_234_067, 256))),
            ("067.p/1", Some((67, 1))),
            ("x001/000.p/255", Some((1_000, 255))),
        ] {
            assert_eq!(index_and_width(path), tile, "{path}");
        }
        for path in [
            "",
            "0",
            "67",
            "0067",
            "x067",
            "001/067",
            "x000/067",
            "067.p/",
            "067.p/256",
            "067.p/01",
            "067.p/0/1",
            "+67",
            "067.p",
            "x001//067",
            "x99999/067",
            "067.p/70000",
        ] {
            assert!(index_and_width(path).is_none_or(|(_, width)| width == 0), "{path}");
        }
        assert_eq!(["0", "12", "01", "", "-1", "+1"].map(number), [Some(0), Some(12), None, None, None, None]);
    }
}
