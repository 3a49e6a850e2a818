//! Makes the consortium that the tests of the bindings play what comes after a hit in: `meeting DIR`. In DIR are the
//! partners' folders `1` to `6`, of which 6 is the coordinator, and the broker's `broker` and `keys`; in DIR/totals
//! those of another, whose broker tells totals alone. Both begin on 1 December 2026 at noon in UTC; the tests name each
//! time themselves.

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use stapel_testkit::Consortium;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir] = &arguments[..] else { return failed("usage: meeting DIR") };
    let (meets, tells_totals) = (Consortium::that_meets(), Consortium::that_tells_totals());
    let dir = Path::new(dir);
    match copy(&meets.path(""), dir).and_then(|()| copy(&tells_totals.path(""), &dir.join("totals"))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(why: &str) -> ExitCode {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{why}\n"));
    ExitCode::FAILURE
}

/// A folder with all that is in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
