//! The last phase: how many comparisons were made and differed, and the search at the broker.

use std::fs;
use std::io::Write;
use std::path::Path;

use stapel::PseudonymKey;

use super::Story;
use crate::consortium::{COORDINATING, SYSTEMS};
use crate::error::{DemoError, Result};
use crate::scan::{Scan, What};
use crate::show::thousands;
use crate::talking::text_of;

impl<W: Write> Story<'_, W> {
    /// Tells what the comparisons came to, and searches the broker.
    pub(super) fn checks(&mut self) -> Result<()> {
        self.show.phase("The checks")?;
        for seat in &self.play.seats {
            seat.partner.check_journal()?;
        }
        let tally = &self.play.tally;
        self.show.say(&format!(
            "{} standings in answers, and {} other things that the broker and the partners said, were compared with \
             the plain count. Different: {}.",
            thousands(tally.standings),
            thousands(tally.others),
            thousands(tally.mismatches)
        ))?;
        self.show.lines(&tally.differences)?;

        let addresses = self.town.homes.iter().flat_map(|home| [home.key, home.key.number_key()]);
        let key = PseudonymKey::new(&self.secret.secret, &self.secret.scope);
        let pseudonyms = addresses.map(|address| key.pseudonym(&address));
        let scan = Scan::new(self.homes.keys(), pseudonyms, self.secret.secret.expose_secret());
        let scan = scan.with_notes(&self.outcome.texts);
        self.outcome.leaks = self.controls(&scan)?;
        let (mut files, mut bytes) = (0, 0);
        for folder in [&self.play.operator.folder, &self.play.operator.keys] {
            let searched = scan.folder(folder).map_err(DemoError::file("read", folder))?;
            (files, bytes) = (files + searched.files, bytes + searched.bytes);
            let leaks = searched.leaks.iter().map(|found| format!("the broker's file {}: {}", found.file, found.leak));
            self.outcome.leaks.extend(leaks);
        }
        for (at, returned) in self.play.tally.returned.iter().enumerate() {
            (files, bytes) = (files + 1, bytes + returned.len() as u64);
            let found = scan.bytes(returned);
            self.outcome
                .leaks
                .extend(found.iter().map(|leak| format!("what the broker returned as number {}: {leak}", at + 1)));
        }
        self.outcome.searched = (files, bytes);
        self.show.say(&format!(
            "{} files and replies of the broker, {} bytes, were searched for every address of the town, for the \
             secret, for what was written in notes, and for every raw pseudonym, as they are, in hexadecimal and in \
             decimal numbers. Found: {}.",
            thousands(files),
            thousands(bytes),
            self.outcome.leaks.len()
        ))?;
        let most = self.outcome.leaks.len().min(10);
        self.show.lines(&self.outcome.leaks[..most])?;
        Ok(())
    }

    /// The same search must find all of it where it is: at the partners. What it does not find there is told.
    fn controls(&mut self, scan: &Scan) -> Result<Vec<String>> {
        let count = |bytes: &[u8], what| scan.bytes(bytes).iter().filter(|leak| leak.what == what).count();
        let sent = self.play.tally.sent.iter().map(|message| count(message, What::Pseudonym)).sum::<usize>();
        let secret = count(&read(&self.secret_path)?, What::Secret);
        let read_there = self.play.conversations(COORDINATING);
        let read_there = read_there.iter().flat_map(|one| &one.notes).filter_map(|note| text_of(&note.content));
        let notes: usize = read_there.map(|text| count(text.as_bytes(), What::Note)).sum();
        let mut addresses = 0;
        for seat in &self.play.seats[..SYSTEMS.len()] {
            addresses += count(&read(&seat.folder.join("export.txt"))?, What::Address);
        }
        self.show.say(&format!(
            "That the search works is seen at the partners: it finds {} raw pseudonyms in what they sent, {} addresses \
             in their exports, {} notes among those that the coordinator reads, and the secret in \
             their secret's file ({}).",
            thousands(sent),
            thousands(addresses),
            thousands(notes),
            if secret > 0 { "yes" } else { "no" }
        ))?;
        let mut failed = Vec::new();
        if sent < self.outcome.flags || addresses < self.outcome.flags / 2 || secret == 0 || notes == 0 {
            failed.push("the search does not find what is there, so that it finds nothing means nothing".to_owned());
        }
        Ok(failed)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(DemoError::file("read", path))
}
