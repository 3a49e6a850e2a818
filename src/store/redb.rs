//! The store on disk, in one redb file.

use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use super::{Batch, BatchId, Change, Key, Store};
use crate::codec::Malformed;
use crate::error::Error;
use crate::files;

const LEDGER: TableDefinition<'_, &[u8; 7], &[u8]> = TableDefinition::new("ledger");
const BATCHES: TableDefinition<'_, (u32, u16, u64), &[u8]> = TableDefinition::new("batches");

/// See the module.
pub(crate) struct RedbStore {
    database: Database,
    path: PathBuf,
}

impl RedbStore {
    /// Makes a store in a file that does not exist yet, readable by its owner only.
    pub(crate) fn create(path: &Path) -> Result<RedbStore, Error> {
        let failed = |source: redb::Error| store_error(path, &source);
        if path.exists() {
            return Err(Error::Store { path: path.into(), finding: "it exists already; nothing was changed".into() });
        }
        files::create_private(path, &[])?;
        let database = Database::builder().create(path).map_err(|error| failed(error.into()))?;
        let store = RedbStore { database, path: path.into() };
        store.write(|transaction| {
            transaction.open_table(LEDGER)?;
            transaction.open_table(BATCHES)?;
            Ok(())
        })?;
        files::sync_folder(path)?;
        Ok(store)
    }

    /// Opens a store that exists.
    pub(crate) fn open(path: &Path) -> Result<RedbStore, Error> {
        let database = Database::builder().open(path).map_err(|error| store_error(path, &error.into()))?;
        Ok(RedbStore { database, path: path.into() })
    }

    fn write(&self, change: impl FnOnce(&redb::WriteTransaction) -> Result<(), redb::Error>) -> Result<(), Error> {
        let written = || -> Result<(), redb::Error> {
            let mut transaction = self.database.begin_write()?;
            transaction.set_durability(Durability::Immediate)?;
            change(&transaction)?;
            transaction.commit()?;
            Ok(())
        };
        written().map_err(|error| store_error(&self.path, &error))
    }

    fn failed(&self, error: impl Into<redb::Error>) -> Error {
        store_error(&self.path, &error.into())
    }

    fn damaged(&self, Malformed(finding): Malformed) -> Error {
        Error::Store { path: self.path.clone(), finding: format!("a batch in it is damaged: {finding}") }
    }
}

impl Store for RedbStore {
    fn rows(&self) -> Result<Vec<(Key, Vec<u8>)>, Error> {
        let transaction = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = transaction.open_table(LEDGER).map_err(|error| self.failed(error))?;
        let mut rows = vec![];
        for row in table.iter().map_err(|error| self.failed(error))? {
            let (key, value) = row.map_err(|error| self.failed(error))?;
            let key = Key::from_bytes(*key.value()).ok_or_else(|| self.damaged(Malformed("a row of no known kind")))?;
            rows.push((key, value.value().to_vec()));
        }
        Ok(rows)
    }

    fn batches(&self, visit: &mut dyn FnMut(Batch) -> Result<(), Error>) -> Result<(), Error> {
        let transaction = self.database.begin_read().map_err(|error| self.failed(error))?;
        let table = transaction.open_table(BATCHES).map_err(|error| self.failed(error))?;
        for row in table.iter().map_err(|error| self.failed(error))? {
            let (key, value) = row.map_err(|error| self.failed(error))?;
            let (epoch, partner, sequence) = key.value();
            let id = BatchId { epoch, partner, sequence };
            visit(Batch::decode(id, value.value()).map_err(|malformed| self.damaged(malformed))?)?;
        }
        Ok(())
    }

    fn commit(&self, change: &Change) -> Result<(), Error> {
        self.write(|transaction| {
            let mut ledger = transaction.open_table(LEDGER)?;
            for (key, value) in &change.rows {
                match value {
                    Some(value) => ledger.insert(&key.to_bytes(), value.as_slice())?,
                    None => ledger.remove(&key.to_bytes())?,
                };
            }
            let mut batches = transaction.open_table(BATCHES)?;
            for batch in &change.added {
                batches.insert(key_of(&batch.id), batch.encode().as_slice())?;
            }
            for id in &change.removed {
                batches.remove(key_of(id))?;
            }
            Ok(())
        })
    }
}

fn key_of(id: &BatchId) -> (u32, u16, u64) {
    (id.epoch, id.partner, id.sequence)
}

fn store_error(path: &Path, error: &redb::Error) -> Error {
    Error::Store { path: path.into(), finding: error.to_string() }
}
