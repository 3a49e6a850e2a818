//! Papers that a command writes for people to fill in or send: all of them, or none.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::files;
use crate::output::{Output, Shown};

/// The papers and their folder, which is made before anything is written. Where the command fails, neither is left: it
/// could not be repeated then, because papers that are there are not written over.
pub(super) struct NewPapers {
    folder: PathBuf,
    /// The folders that were not there, the innermost first.
    made: Vec<PathBuf>,
    written: Vec<PathBuf>,
}

impl NewPapers {
    /// Refuses a folder with papers, which somebody may have filled in.
    pub(super) fn begin(folder: &Path) -> Result<NewPapers, Failure> {
        if folder.exists() && !files::list(folder, ".md")?.is_empty() {
            let finding = "has papers already, which may have been filled in; nothing was written: give another folder";
            return Err(Failure::new("folder_not_empty", format!("{} {finding}", folder.shown())));
        }
        let is_made = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let made = folder.ancestors().take_while(is_made).map(Path::to_owned).collect();
        let papers = NewPapers { folder: folder.to_owned(), made, written: Vec::new() };
        files::create_folder(folder)?;
        Ok(papers)
    }

    pub(super) fn write(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.folder.join(name);
        files::replace(&path, text.as_bytes())?;
        self.written.push(path);
        Ok(())
    }

    /// Says which papers were written.
    pub(super) fn keep(mut self, out: &mut Output) -> Result<(), Failure> {
        for path in &self.written {
            writeln!(out, "{}", path.shown())?;
        }
        self.made.clear();
        self.written.clear();
        Ok(())
    }
}

impl Drop for NewPapers {
    fn drop(&mut self) {
        self.written.iter().for_each(|path| drop(fs::remove_file(path)));
        self.made.iter().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}
