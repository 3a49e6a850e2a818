//! What is served to programs of this machine alone: a token, the name of this machine, and sockets.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

use axum::http::HeaderMap;
#[cfg(feature = "desk")]
use axum::http::header::AUTHORIZATION;
use axum::http::header::HOST;
use ring::digest::{Digest, SHA256, digest};
use tokio::net::UnixListener;

/// The most bytes of a socket's path: `sun_path` has one more, and on macOS four less.
const LONGEST_SOCKET: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The fewest characters of a token: 128 bits in hexadecimal digits.
const SHORTEST_TOKEN: usize = 32;

/// A token that a caller must give, as its SHA-256: how long a comparison takes then tells nothing of it.
#[derive(Clone, Copy)]
pub(crate) struct Token(Digest);

impl Token {
    /// Reads it from its file; else what is wrong.
    pub(crate) fn read(path: &Path) -> Result<Token, String> {
        let unread = |error: io::Error| {
            format!("the token cannot be read: {error}; see that the path is right, and this user may")
        };
        if fs::metadata(path).map_err(unread)?.permissions().mode() & 0o007 != 0 {
            return Err("every user of this machine can read the token: chmod 640".into());
        }
        let text = fs::read_to_string(path).map_err(unread)?;
        let token = text.trim_end();
        if token.len() < SHORTEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                "a token is one line of at least 32 characters without spaces: make one with openssl rand -hex 32"
                    .into(),
            );
        }
        Ok(Token(digest(&SHA256, token.as_bytes())))
    }

    /// Whether a request gives it, once, as a bearer token.
    #[cfg(feature = "desk")]
    pub(crate) fn is_given(self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let given = values.next().and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
        // The name of the scheme in whichever case (RFC 9110).
        let is_it = |(scheme, given): (&str, &str)| scheme.eq_ignore_ascii_case("bearer") && self.is(given.as_bytes());
        values.next().is_none() && given.is_some_and(is_it)
    }

    /// Whether this is it.
    pub(crate) fn is(self, given: &[u8]) -> bool {
        digest(&SHA256, given).as_ref() == self.0.as_ref()
    }
}

/// Whether a request names this machine as its host. A page in a browser may ask under a name of its own, which leads
/// here.
pub(crate) fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next()) else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// What to do where one cannot listen.
pub(crate) fn remedy_of(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => "see what else is there, or give another place",
        ErrorKind::AddrNotAvailable => "this machine has no such address: give one that it has",
        ErrorKind::InvalidInput => "give a shorter one, such as under /run/stapel",
        ErrorKind::NotFound => "its folder is not there: make it, or give a path in one that is",
        ErrorKind::PermissionDenied => "let this user do that, or give another place",
        _ => "see that the place is right, and that this user may listen there",
    }
}

/// Listens on a socket that only this user and its group may open, in the place of one that was left there.
pub(crate) fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    if path.as_os_str().len() > LONGEST_SOCKET {
        let finding = format!("the path has more than the {LONGEST_SOCKET} bytes that a socket's may have");
        return Err(io::Error::new(ErrorKind::InvalidInput, finding));
    }
    if fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_socket()) {
        if UnixStream::connect(path).is_ok() {
            return Err(ErrorKind::AddrInUse.into());
        }
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_this_machine_by_its_name_or_a_loopback_address_alone() {
        let is_it = |hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, host.parse().unwrap());
            }
            is_of_this_machine(&headers)
        };
        for host in ["localhost", "LOCALHOST:9650", "127.0.0.1:9650", "127.9.9.9", "[::1]:9650", "[::1]"] {
            assert!(is_it(&[host]), "{host}");
        }
        for host in ["", "example.nl", "localhost.example.nl:9650", "10.0.0.1", "[2001:db8::1]:9650", "1"] {
            assert!(!is_it(&[host]), "{host}");
        }
        assert!(!is_it(&[]) && !is_it(&["localhost", "localhost"]));
    }

    #[test]
    fn where_one_cannot_listen_it_says_what_to_do() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let _within = runtime.enter();
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| {
            let error = bind_socket(path).unwrap_err();
            format!("{error}; {}", remedy_of(&error))
        };
        let long = refused(&folder.path().join("a".repeat(LONGEST_SOCKET)));
        assert!(long.contains(&LONGEST_SOCKET.to_string()) && long.contains("give a shorter one"), "{long}");
        let missing = refused(&folder.path().join("none/police.sock"));
        assert!(missing.contains("its folder is not there: make it"), "{missing}");
        let fits = folder.path().join("a".repeat(LONGEST_SOCKET - folder.path().as_os_str().len() - 1));
        let _listens = bind_socket(&fits).unwrap();
        assert!(refused(&fits).contains("see what else is there"));
    }

    #[test]
    fn a_token_is_long_and_not_for_everybody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let read = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Token::read(&path)
        };
        let token = "0123456789abcdef0123456789abcdef";
        assert!(read(token, 0o644).is_err() && read(&token[1..], 0o640).is_err());
        assert!(read(&format!("{token} {token}"), 0o640).is_err());
        let read = read(&format!("{token}\n"), 0o640).unwrap();
        let gives = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            read.is_given(&headers)
        };
        let right = format!("Bearer {token}");
        assert!(gives(&[&right]) && gives(&[&right.replace("Bearer", "bearer")]));
        assert!(!gives(&[&right.replace("Bearer", "Basic")]) && !gives(&[&format!("{right} ")]));
        assert!(!gives(&[]) && !gives(&[&right, &right]) && !gives(&[token]) && !gives(&[&right[..38]]));
    }
}
