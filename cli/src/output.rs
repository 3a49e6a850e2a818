//! What a command says: standard output, locked once, or what goes back to whoever gave the command to a service;
//! buffered, and written to in lines of text or JSON.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;

/// Where a command's output goes. Its errors become [`Failure::Stdout`].
pub(crate) struct Output(BufWriter<Box<dyn Write>>);

impl Output {
    /// Locks standard output for the rest of the command.
    pub(crate) fn open() -> Output {
        Output::to(Box::new(io::stdout().lock()))
    }

    /// Writes elsewhere.
    pub(crate) fn to(writer: Box<dyn Write>) -> Output {
        Output(BufWriter::with_capacity(1 << 16, writer))
    }

    /// Writes `value` as one line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        json_line(&mut self.0, value)?;
        Ok(())
    }

    /// Writes what is still in the buffer, so that an error is seen.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.0.flush()?;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Refuses to go on where standard output is closed, before anything is done: what a command says only once would be
/// lost, and nobody would be told. Rust opens a closed one as `/dev/null`, for reading too, which nobody else does who
/// only wants to see nothing.
pub(crate) fn refuse_closed() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let stdout = io::stdout();
        let is_read_too = rustix::fs::fcntl_getfl(&stdout).is_ok_and(|flags| flags.contains(rustix::fs::OFlags::RDWR));
        let device = rustix::fs::fstat(&stdout).map(|there| there.st_rdev);
        let null = std::fs::metadata("/dev/null").map(|there| there.rdev());
        if is_read_too && device.ok().zip(null.ok()).is_some_and(|(device, null)| device == null) {
            let finding = "standard output is closed, or is /dev/null opened for reading too: what this says would be \
                           lost, so that nothing was done; give it a file, or > /dev/null";
            return Err(Failure::new("io", finding));
        }
    }
    Ok(())
}

/// Text from elsewhere, for a terminal: what would steer one is escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if stapel::is_hidden(c) { shown.extend(c.escape_debug()) } else { shown.push(c) }
    }
    shown
}

/// Paths as they are printed outside JSON.
pub(crate) trait Shown {
    fn shown(&self) -> String;
}

impl Shown for Path {
    fn shown(&self) -> String {
        stapel::shown_path(self)
    }
}

/// How many of something there are, in words for one and for any other number.
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    let word = if number == N::from(1) { one } else { many };
    format!("{number} {word}")
}

/// Adds the fields of one object to another.
pub(crate) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Writes `value` as one line of JSON.
pub(crate) fn json_line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, value)?;
    to.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|number| counted(number, "flag", "flags")), ["0 flags", "1 flag", "2 flags"]);
    }

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(plain("één \u{1b}[2Jzin\r\n\u{9b}\u{202e}"), "één \\u{1b}[2Jzin\\r\\n\\u{9b}\\u{202e}");
    }
}
