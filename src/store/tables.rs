//! The names, tables and format of the two files.

use redb::{Database, ReadTransaction, ReadableTable, TableDefinition};

/// The format of the files, which is in the additional data of all that is sealed too.
pub(super) const FORMAT: u32 = 1;

pub(super) const FLAGS: &str = "flags.redb";
pub(super) const LEDGER: &str = "ledger.redb";

/// In both files: the format, and 16 bytes that the two files of one store share.
pub(super) const ABOUT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("about");
/// In `flags.redb`: sealed chunks by number. No number is given twice while a file lives.
pub(super) const BLOBS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blobs");
pub(super) const ROWS: TableDefinition<'_, &[u8; 7], &[u8]> = TableDefinition::new("rows");
pub(super) const MANIFESTS: TableDefinition<'_, (u32, u16, u64), &[u8]> = TableDefinition::new("manifests");
pub(super) const LINES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("lines");
pub(super) const LEAVES: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("leaves");

pub(super) const ABOUT_FORMAT: &str = "format";
pub(super) const ABOUT_STORE: &str = "store";
/// In `ledger.redb`: how many commits there were, so that one that failed can be told from the one before it.
pub(super) const ABOUT_COMMITS: &str = "commits";

/// The name of a file while it is written to take the place of `name`.
pub(super) fn fresh(name: &str) -> String {
    format!("{name}.new")
}

/// Makes the tables of a new file.
pub(super) fn create_tables(database: &Database, name: &str, id: &[u8; 16]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut about = transaction.open_table(ABOUT)?;
        about.insert(ABOUT_FORMAT, FORMAT.to_le_bytes().as_slice())?;
        about.insert(ABOUT_STORE, id.as_slice())?;
        if name == FLAGS {
            transaction.open_table(BLOBS)?;
        } else {
            about.insert(ABOUT_COMMITS, 0u64.to_le_bytes().as_slice())?;
            transaction.open_table(ROWS)?;
            transaction.open_table(MANIFESTS)?;
            transaction.open_table(LINES)?;
            transaction.open_table(LEAVES)?;
        }
    }
    Ok(transaction.commit()?)
}

pub(super) fn about(file: &ReadTransaction, name: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    Ok(file.open_table(ABOUT)?.get(name)?.map(|value| value.value().to_vec()))
}

/// How many commits there were, as the ledger's table [`ABOUT`] says.
pub(super) fn commits(about: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u64, redb::Error> {
    let bytes = about.get(ABOUT_COMMITS)?.and_then(|bytes| bytes.value().try_into().ok());
    bytes.map(u64::from_le_bytes).ok_or_else(|| redb::Error::Corrupted("no number of commits".into()))
}
