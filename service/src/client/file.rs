//! The configuration file of a partner: `stapel partner --config`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::CarrierError;
use super::settings::Settings;

/// What a partner's commands need not be told each time. Paths are relative to the file's folder in the file, and are
/// not here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Configuration {
    /// The partner's folder.
    pub dir: Option<PathBuf>,
    /// The folder of its keys.
    pub keys: Option<PathBuf>,
    /// The folder of messages to be carried.
    pub out: Option<PathBuf>,
    /// The acting user.
    pub actor: Option<String>,
    /// How the broker is reached.
    #[serde(default)]
    pub connect: Settings,
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
        let length = std::fs::metadata(path).map_err(|source| error(format!("cannot read it: {source}")))?.len();
        if length > MAX_BYTES {
            return Err(error("it is no configuration: longer than 1 MiB".into()));
        }
        let text = std::fs::read_to_string(path).map_err(|source| error(format!("cannot read it: {source}")))?;
        let mut read: Configuration = toml::from_str(&text).map_err(|source| {
            let before = source.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.as_bytes()[..before].iter().filter(|byte| **byte == b'\n').count();
            error(format!("line {line}: {}", source.message()))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let Settings { certificate, key, ca, .. } = &mut read.connect;
        let paths = [&mut read.dir, &mut read.keys, &mut read.out, certificate, key].into_iter().flatten();
        for path in paths.chain(ca) {
            *path = folder.join(&*path);
        }
        Ok(read)
    }
}
