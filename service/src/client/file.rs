//! The configuration file of a partner: `stapel partner --config`.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use stapel::policy::Enrolment;

use super::error::CarrierError;
use super::pages::PagesSettings;
use super::settings::Settings;
use crate::logboek::LogboekSettings;

/// What a partner's commands need not be told each time. Paths are relative to the file's folder in the file, and are
/// not here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Configuration {
    /// The partner's folder.
    #[serde(default, deserialize_with = "filled")]
    pub dir: Option<PathBuf>,
    /// The folder of its keys.
    #[serde(default, deserialize_with = "filled")]
    pub keys: Option<PathBuf>,
    /// The folder of messages to be carried.
    #[serde(default, deserialize_with = "filled")]
    pub out: Option<PathBuf>,
    /// The acting user.
    #[serde(default, deserialize_with = "filled")]
    pub actor: Option<String>,
    /// How the broker is reached.
    #[serde(default)]
    pub connect: Settings,
    /// The Logboek Dataverwerkingen to which the journal is sent as records.
    pub logboek: Option<LogboekSettings>,
    /// Where `stapel partner serve` is called.
    #[serde(default)]
    pub serve: ServeSettings,
    /// Where people find its pages, and how they sign in.
    pub pages: Option<PagesSettings>,
}

/// Where the programs of this machine call a partner, and how their rows are read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ServeSettings {
    /// The Unix socket; by default `serve.sock` in the partner's folder.
    #[serde(default, deserialize_with = "filled")]
    pub socket: Option<PathBuf>,
    /// A loopback address to listen on too.
    #[serde(default, deserialize_with = "address")]
    pub listen: Option<SocketAddr>,
    /// The file of the token that whoever calls there must give.
    #[serde(default, deserialize_with = "filled")]
    pub token: Option<PathBuf>,
    /// The register in which rows are looked up.
    #[serde(default, deserialize_with = "filled")]
    pub register: Option<PathBuf>,
}

/// A text of which something is in it. An empty path would be the file's own folder.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Filled(String);

impl TryFrom<String> for Filled {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Filled, &'static str> {
        if text.is_empty() {
            Err("it is empty: write what it is to be, or take the line out")
        } else {
            Ok(Filled(text))
        }
    }
}

/// Reads a text that is not empty.
pub(super) fn filled<'de, D: Deserializer<'de>, T: From<String>>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Some(Filled::deserialize(from)?.0.into()))
}

/// Reads an address and a port.
pub(super) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let finding = "it is no address and port: give numbers, such as 127.0.0.1:9650 or [::1]:9650";
    String::deserialize(from)?.parse().map(Some).map_err(|_| D::Error::custom(finding))
}

/// Reads several such.
pub(super) fn all_filled<'de, D: Deserializer<'de>, T: From<String>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Vec::<Filled>::deserialize(from)?.into_iter().map(|filled| filled.0.into()).collect())
}

/// What to do where the configuration file cannot be read.
fn remedy_of(source: &io::Error) -> &'static str {
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => "name the file with --config",
        ErrorKind::IsADirectory => "it is a folder: name the file in it",
        ErrorKind::InvalidData => "write it anew in UTF-8",
        ErrorKind::PermissionDenied => "let the user that this runs as read it",
        _ => "see whether the path and the disk are right",
    }
}

/// A configuration takes a few lines; what is longer is another file.
const MAX_BYTES: u64 = 1 << 20;

impl Configuration {
    /// Reads a file. What it does not know is refused.
    ///
    /// # Errors
    ///
    /// [`CarrierError::File`], with the line.
    pub fn read(path: &Path) -> Result<Configuration, CarrierError> {
        let error = |finding: String| CarrierError::File { path: path.into(), finding };
        let unread = |source: io::Error| error(format!("cannot read it: {source}; {}", remedy_of(&source)));
        let length = std::fs::metadata(path).map_err(unread)?.len();
        if length > MAX_BYTES {
            return Err(error("it is no configuration: longer than 1 MiB".into()));
        }
        let text = std::fs::read_to_string(path).map_err(unread)?;
        let mut read: Configuration = toml::from_str(&text).map_err(|source| {
            let before = source.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.as_bytes()[..before].iter().filter(|byte| **byte == b'\n').count();
            match Enrolment::parse(&text) {
                Ok(enrolment) => error(format!(
                    "this is an enrolment (of {}), which goes to whoever makes the policy; a configuration file is \
                     expected, with dir, actor and [connect]: in the guides it is config-NAME.toml",
                    enrolment.what()
                )),
                Err(_) => error(format!("line {line}: {}", source.message())),
            }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let Settings { certificate, key, ca, .. } = &mut read.connect;
        let ServeSettings { socket, token, register, listen: _ } = &mut read.serve;
        let own = [&mut read.dir, &mut read.keys, &mut read.out, certificate, key];
        let paths = own.into_iter().chain([socket, token, register]).flatten();
        for path in paths.chain(ca) {
            *path = folder.join(&*path);
        }
        read.pages = read.pages.map(|pages| pages.in_folder(folder));
        read.logboek = read.logboek.map(|logboek| logboek.from_folder(folder));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_or_is_no_address_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("police.toml");
        let refused = |path: &Path| Configuration::read(path).unwrap_err().to_string();
        assert!(refused(&path).contains("name the file with --config"), "{}", refused(&path));
        assert!(refused(folder.path()).contains("it is a folder"), "{}", refused(folder.path()));
        std::fs::write(&path, b"actor = \"\xe9\"").unwrap();
        assert!(refused(&path).contains("in UTF-8"), "{}", refused(&path));
        std::fs::write(&path, "[serve]\nlisten = \"localhost:9650\"\n").unwrap();
        let said = refused(&path);
        assert!(said.contains("line 2: ") && said.contains("such as 127.0.0.1:9650"), "{said}");
    }
}
