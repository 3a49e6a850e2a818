//! What is checked of a token: its signature by a key of the provider's and an algorithm of [`ALGORITHMS`]; `iss`,
//! `aud`, `exp` and `nonce`, by the crate `openidconnect`; and here `iat`, `nbf` and `azp`.

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{ClaimsVerificationError, ClientId, IssuerUrl, Nonce, SignatureVerificationError};
use serde_json::{Map, Value};
use stapel::Timestamp;

use super::secret::is_same;

/// The algorithms of an ID token: with a private key of the provider's. Those with a shared secret are not among them,
/// and `none` is none.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// How many seconds the provider's clock may differ from this machine's.
const SKEW: u64 = 60;

/// How many seconds old an ID token may be: it was made when the code was shown.
const OLDEST: u64 = 600;

/// What a token is taken for.
pub(super) enum Kind {
    /// One of the attempt with this nonce.
    IdToken(Nonce),
    /// One that says that somebody signed out. It has no nonce, as an ID token has, so that neither is taken for the
    /// other.
    SigningOut,
}

/// Whose tokens are taken: those of this issuer for this client, by one of these keys.
pub(super) struct Tokens<'a> {
    pub(super) issuer: &'a IssuerUrl,
    pub(super) client_id: &'a ClientId,
    pub(super) keys: &'a CoreJsonWebKeySet,
}

impl Tokens<'_> {
    /// The claims of a token that holds.
    pub(super) fn check(&self, token: &CoreIdToken, kind: &Kind, now: Timestamp) -> Result<Map<String, Value>, Fault> {
        let (earliest, latest) = (now.0.saturating_sub(OLDEST + SKEW), now.0.saturating_add(SKEW));
        let mut verifier = CoreIdTokenVerifier::new_public_client(
            ClientId::clone(self.client_id),
            IssuerUrl::clone(self.issuer),
            self.keys.clone(),
        )
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || moment(now.0.saturating_sub(SKEW)))
        .set_issue_time_verifier_fn(move |issued| {
            match (moment(earliest)..=moment(latest)).contains(&issued) {
                true => Ok(()),
                false => Err("it was made long ago, or is still to be".into()),
            }
        });
        if matches!(kind, Kind::SigningOut) {
            verifier = verifier.allow_all_jose_types();
        }
        let is_expected = |given: Option<&Nonce>| match (kind, given) {
            (Kind::IdToken(own), Some(given)) if is_same(own.secret(), given.secret()) => Ok(()),
            (Kind::SigningOut, None) => Ok(()),
            _ => Err("it is of another attempt, or of another kind".into()),
        };
        token.claims(&verifier, is_expected).map_err(Fault::of)?;
        // What was verified, with the claims that a configuration may name.
        let text = token.to_string();
        let payload = text.split('.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
        let claims: Option<Map<String, Value>> = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
        let claims = claims.ok_or(Fault::Form)?;
        if claims.get("azp").is_some_and(|party| party.as_str() != Some(self.client_id.as_str())) {
            return Err(Fault::Audience);
        }
        if claims.get("nbf").is_some_and(|from| from.as_f64().is_none_or(|from| from > latest as f64)) {
            return Err(Fault::Time);
        }
        Ok(claims)
    }
}

/// Why a token does not hold. It says nothing of what is in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("no key of the provider's is its key")]
    UnknownKey,
    #[error("its signature or algorithm")]
    Signature,
    #[error("its issuer")]
    Issuer,
    #[error("whom it is for")]
    Audience,
    #[error("its nonce")]
    Nonce,
    #[error("its times")]
    Time,
    #[error("its form")]
    Form,
}

impl Fault {
    fn of(error: ClaimsVerificationError) -> Fault {
        use SignatureVerificationError as Signature;
        match error {
            ClaimsVerificationError::SignatureVerification(Signature::NoMatchingKey) => Fault::UnknownKey,
            ClaimsVerificationError::SignatureVerification(_) => Fault::Signature,
            ClaimsVerificationError::InvalidIssuer(_) => Fault::Issuer,
            ClaimsVerificationError::InvalidAudience(_) => Fault::Audience,
            ClaimsVerificationError::InvalidNonce(_) => Fault::Nonce,
            ClaimsVerificationError::Expired(_) | ClaimsVerificationError::InvalidAuthTime(_) => Fault::Time,
            _ => Fault::Form,
        }
    }
}

fn moment(seconds: u64) -> DateTime<Utc> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
