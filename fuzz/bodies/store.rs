//! Bytes that claim to be one of the two files of a broker's store: the broker opens with the counts and the log that
//! it kept, or it says that they are not what it wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use stapel::{Broker, BrokerKeys, Error};
use stapel_testkit::write_private;

/// The files; which one an input stands for is in its first byte.
const FILES: [&str; 2] = ["flags.redb", "ledger.redb"];

/// What a broker kept: what each partner holds and has released, and each row of the log.
type Kept = (Vec<(u16, u32, u32)>, Vec<String>);

static SOUND: LazyLock<Kept> = LazyLock::new(|| opened(None).unwrap());

pub fn run(data: &[u8]) {
    let Some((which, bytes)) = data.split_first() else { return };
    match opened(Some((FILES[usize::from(which % 2)], bytes))) {
        Ok(kept) => assert!(kept == *SOUND, "the store shows what was never kept"),
        Err(error) => assert!(["store_damaged", "store_format"].contains(&error.code()), "{error}"),
    }
}

/// The files of a broker's folder that was kept.
#[allow(dead_code, reason = "the fuzz target has a corpus of its own")]
pub fn seeds() -> Vec<Vec<u8>> {
    let file = |(which, name)| [vec![which], fs::read(folder().join("store").join(name)).unwrap()].concat();
    (0..).zip(FILES).map(file).collect()
}

/// Opens the folder, with one file of its store replaced.
fn opened(replaced: Option<(&str, &[u8])>) -> Result<Kept, Error> {
    let own = tempfile::tempdir().unwrap();
    for part in ["store", "policies", "keys"] {
        fs::create_dir(own.path().join(part)).unwrap();
        for entry in fs::read_dir(folder().join(part)).unwrap() {
            let name = entry.unwrap().file_name();
            write_private(&own.path().join(part).join(&name), &fs::read(folder().join(part).join(&name)).unwrap());
        }
    }
    if let Some((name, bytes)) = replaced {
        write_private(&own.path().join("store").join(name), bytes);
    }
    let broker = Broker::open(own.path(), BrokerKeys::open(&own.path().join("keys"))?)?;
    let partners = broker.status().epochs.into_iter().flat_map(|epoch| epoch.partners);
    let mut rows = Vec::new();
    broker.log_rows(|index, row| {
        rows.push(row.to_json(index));
        Ok(())
    })?;
    Ok((partners.map(|partner| (partner.number, partner.held, partner.released)).collect(), rows))
}

/// From the library's folder, or from the fuzz targets' in it.
fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = |root: &Path| root.join("tests/stores/v1/broker");
    if kept(here).exists() { kept(here) } else { kept(&here.join("..")) }
}
