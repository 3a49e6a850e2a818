//! What a run fetches: certificates of all partners, and policies for a person to adopt.

use std::path::PathBuf;
use std::time::Duration;

use stapel_service::client::Carrier;

use super::holder::Holder;
use super::{PartnerFolder, SyncArgs};
use crate::failure::Failure;
use crate::files;
use crate::output::Shown;

/// What the broker publishes of the policy.
#[derive(Default)]
pub(super) struct Newer {
    /// The version that is in force there.
    pub(super) in_force: u32,
    /// One that was announced, and what there is to say of it.
    pub(super) announced: Option<String>,
}

/// Where what was fetched lies for a person to read.
const FOLDER: &str = "fetched";

/// The most versions that are fetched in one run: many years of them, and no more than a disk holds.
const MOST_VERSIONS: usize = 100;

/// Certificates that were added.
#[derive(Default)]
pub(super) struct Added {
    /// The names of those that are the partner's own.
    pub(super) own: Vec<String>,
    /// How many are of others.
    pub(super) others: usize,
}

/// Adds the certificates that the broker publishes and the folder has not: the partner's own, and by those of others it
/// knows whom it is told of after a hit. One that does not hold under this partner's policy may hold under the next.
pub(super) fn certificates(
    carrier: &Carrier,
    holder: &Holder,
    args: &SyncArgs,
    number: u16,
    patience: Duration,
) -> Result<Added, Failure> {
    let mut added = Added::default();
    let published = match carrier.fetch_certificates(patience) {
        // A broker may be reached otherwise than it publishes.
        Err(error) if error.is_not_found() => return Ok(added),
        published => published?,
    };
    let is_here = |name: &str| args.place.dir.join(name).exists();
    let mut missing = published;
    missing.retain(|certificate| !is_here(&certificate.file_name()));
    if missing.is_empty() {
        return Ok(added);
    }
    let named: Vec<_> = missing.iter().map(|one| (one.claimed().partner, one.file_name())).collect();
    holder.open(args)?.take_certificates(missing)?;
    for (partner, name) in named.into_iter().filter(|(_, name)| is_here(name)) {
        if partner == number {
            added.own.push(name);
        } else {
            added.others += 1;
        }
    }
    Ok(added)
}

/// Puts the versions of the policy that this partner has not adopted into the folder, with their signatures.
pub(super) fn policies(
    carrier: &Carrier,
    place: &PartnerFolder,
    version: u32,
    patience: Duration,
) -> Result<Newer, Failure> {
    let folder = place.dir.join(FOLDER);
    let mut newer = Newer::default();
    let listed = match carrier.fetch_policies(patience) {
        Err(error) if error.is_not_found() => return Ok(newer),
        listed => listed?,
    };
    newer.in_force = listed.in_force;
    for one in listed.versions.iter().filter(|one| one.version > version).take(MOST_VERSIONS) {
        let path = path_of(place, one.version);
        let text = carrier.fetch_policy(one, patience)?;
        let signatures = carrier.fetch_signatures(one.version, patience)?;
        files::create_folder(&folder)?;
        let mut written = Vec::new();
        for (signature, at) in signatures.iter().zip(1..) {
            let mut beside = signature.path_beside(&path);
            if written.contains(&beside) {
                beside = path.with_file_name(format!("policy-{}.toml.{at}.sig", one.version));
            }
            files::replace(&beside, signature.to_text().as_bytes())?;
            written.push(beside);
        }
        // Last: without its signatures it is nothing to adopt.
        files::replace(&path, text.as_bytes())?;
        if one.version > listed.in_force {
            newer.announced = Some(format!(
                "version {} of the policy was announced, and is to be valid from {}: read {}",
                one.version,
                one.valid_from,
                path.shown()
            ));
        }
    }
    Ok(newer)
}

/// The versions of the policy that lie in the folder to be adopted, up to the one that is in force at the broker.
pub(super) fn to_adopt(place: &PartnerFolder, version: u32, in_force: u32) -> Vec<PathBuf> {
    let newer = (version.saturating_add(1)..=in_force).take(MOST_VERSIONS);
    newer.map(|one| path_of(place, one)).filter(|path| path.exists()).collect()
}

/// The command that adopts them.
pub(super) fn command(place: &PartnerFolder, to_adopt: &[PathBuf]) -> String {
    let mut command = place.command("adopt");
    to_adopt.iter().for_each(|path| command += &format!(" --policy {}", path.shown()));
    command
}

fn path_of(place: &PartnerFolder, version: u32) -> PathBuf {
    place.dir.join(FOLDER).join(format!("policy-{version}.toml"))
}
