//! What a partner fetches: spec/carrier.md 6. All of it is signed, and is checked by whoever takes it over.

use std::time::Duration;

use serde::Deserialize;
use stapel::policy::{Certificate, PolicySignature};
use stapel::{Day, Digest, Policy};

use super::carry::Carrier;
use super::error::CarrierError;
use super::settings::shown;

/// Which versions of the policy the broker has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policies {
    /// The version in force.
    pub in_force: u32,
    /// All of them, ascending; one above `in_force` was announced.
    pub versions: Vec<PolicyVersion>,
}

/// A version of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyVersion {
    /// Its number.
    pub version: u32,
    /// Its digest.
    pub digest: Digest,
    /// Its first day.
    pub valid_from: Day,
}

/// The most bytes of a list, a policy, or all its signatures or certificates.
const MAX_FETCHED: u64 = 16 << 20;

const JSON: &str = "application/json";
const TOML: &str = "application/toml";
const TEXT: &str = "text/plain; charset=utf-8";

impl Carrier {
    /// Which versions of the policy there are.
    ///
    /// # Errors
    ///
    /// As [`Carrier::exchange`]; [`CarrierError::Fetched`].
    pub fn fetch_policies(&self, patience: Duration) -> Result<Policies, CarrierError> {
        #[derive(Deserialize)]
        struct Raw {
            in_force: u32,
            versions: Vec<RawVersion>,
        }
        #[derive(Deserialize)]
        struct RawVersion {
            version: u32,
            digest: String,
            valid_from: String,
        }
        const WHAT: &str = "policies";
        let (address, raw): (_, Raw) = self.json(WHAT, patience)?;
        let version = |raw: &RawVersion| -> Result<PolicyVersion, CarrierError> {
            let digest = raw.digest.parse().map_err(|_| fetched(address, WHAT, "a digest that is none"))?;
            let valid_from = raw.valid_from.parse().map_err(|_| fetched(address, WHAT, "a day that is none"))?;
            Ok(PolicyVersion { version: raw.version, digest, valid_from })
        };
        let versions: Vec<_> = raw.versions.iter().map(version).collect::<Result<_, _>>()?;
        if !versions.is_sorted_by(|one, next| one.version < next.version) {
            return Err(fetched(address, WHAT, "the versions do not ascend"));
        }
        Ok(Policies { in_force: raw.in_force, versions })
    }

    /// The text of a version, which is that of the digest; whether it was signed is not checked here.
    ///
    /// # Errors
    ///
    /// As [`Carrier::fetch_policies`].
    pub fn fetch_policy(&self, version: &PolicyVersion, patience: Duration) -> Result<String, CarrierError> {
        let what = format!("policies/{}", version.version);
        let (address, bytes) = self.fetch(&what, TOML, MAX_FETCHED, patience)?;
        let text = String::from_utf8(bytes).map_err(|_| fetched(address, &what, "it is not UTF-8"))?;
        let policy = Policy::parse(&text).map_err(|error| fetched(address, &what, &error.to_string()))?;
        if policy.version != version.version || policy.digest() != version.digest {
            return Err(fetched(address, &what, "it is another policy than the list says"));
        }
        Ok(text)
    }

    /// The signatures of a version, vetoes among them. What they hold for is not checked here.
    ///
    /// # Errors
    ///
    /// As [`Carrier::fetch_policies`].
    pub fn fetch_signatures(&self, version: u32, patience: Duration) -> Result<Vec<PolicySignature>, CarrierError> {
        #[derive(Deserialize)]
        struct Raw {
            signatures: Vec<String>,
        }
        let what = format!("policies/{version}/signatures");
        let (address, raw): (_, Raw) = self.json(&what, patience)?;
        let parse = |text: &String| PolicySignature::parse(text);
        let signatures: Result<Vec<_>, _> = raw.signatures.iter().map(parse).collect();
        signatures.map_err(|error| fetched(address, &what, &error.to_string()))
    }

    /// The certificates and suspensions that the broker keeps, of all partners. Whether they hold is not checked here.
    ///
    /// # Errors
    ///
    /// As [`Carrier::fetch_policies`].
    pub fn fetch_certificates(&self, patience: Duration) -> Result<Vec<Certificate>, CarrierError> {
        #[derive(Deserialize)]
        struct Raw {
            certificates: Vec<String>,
        }
        const WHAT: &str = "certificates";
        let (address, raw): (_, Raw) = self.json(WHAT, patience)?;
        let parse = |text: &String| Certificate::parse(text);
        let certificates: Result<Vec<_>, _> = raw.certificates.iter().map(parse).collect();
        certificates.map_err(|error| fetched(address, WHAT, &error.to_string()))
    }

    /// The latest checkpoint of the broker's log, as it was signed.
    ///
    /// # Errors
    ///
    /// As [`Carrier::fetch_policies`].
    pub fn fetch_checkpoint(&self, patience: Duration) -> Result<Vec<u8>, CarrierError> {
        self.fetch("checkpoint", TEXT, 16_384, patience).map(|(_, bytes)| bytes)
    }

    /// Fetches something in JSON. Members that this version does not know are passed over.
    fn json<T: for<'a> Deserialize<'a>>(&self, what: &str, patience: Duration) -> Result<(&str, T), CarrierError> {
        let (address, bytes) = self.fetch(what, JSON, MAX_FETCHED, patience)?;
        let read = serde_json::from_slice(&bytes).map_err(|error| fetched(address, what, &error.to_string()))?;
        Ok((address, read))
    }
}

fn fetched(address: &str, what: &str, finding: &str) -> CarrierError {
    CarrierError::Fetched { address: address.to_owned(), what: what.to_owned(), finding: shown(finding) }
}
