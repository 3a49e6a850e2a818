//! What is checked of a token: its signature by a key of the provider's and an algorithm of [`ALGORITHMS`], whom it is
//! for, and when. Of an ID token the crate `openidconnect` checks `iss`, `aud`, `exp` and `nonce`, and this the others.
//! A token on signing out need not say who it is about, which the crate asks of all; so it is read here, and only its
//! signature is checked by the crate.

use chrono::{DateTime, Utc};
use data_encoding::BASE64URL_NOPAD;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    ClaimsVerificationError, ClientId, IssuerUrl, JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeyUse, Nonce,
    SignatureVerificationError,
};
use serde::Deserialize;
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

/// The head of a token on signing out.
#[derive(Deserialize)]
struct Head {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    typ: Option<String>,
    /// Extensions that must be understood: none is.
    crit: Option<Value>,
}

/// Whose tokens are taken: those of this issuer for this client, by one of these keys.
pub(super) struct Tokens<'a> {
    pub(super) issuer: &'a IssuerUrl,
    pub(super) client_id: &'a ClientId,
    pub(super) keys: &'a CoreJsonWebKeySet,
}

impl Tokens<'_> {
    /// The claims of an ID token that holds, of the attempt with this nonce.
    pub(super) fn check(&self, token: &CoreIdToken, own: &Nonce, now: Timestamp) -> Result<Map<String, Value>, Fault> {
        let (earliest, latest) = (now.0.saturating_sub(OLDEST + SKEW), now.0.saturating_add(SKEW));
        let verifier = CoreIdTokenVerifier::new_public_client(
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
        let is_expected = |given: Option<&Nonce>| match given {
            Some(given) if is_same(own.secret(), given.secret()) => Ok(()),
            _ => Err("it is of another attempt".into()),
        };
        token.claims(&verifier, is_expected).map_err(Fault::of)?;
        // What was verified, with the claims that a configuration may name.
        let text = token.to_string();
        let claims = text.split('.').nth(1).and_then(read_part::<Map<String, Value>>).ok_or(Fault::Form)?;
        self.refuse_others(&claims, latest)?;
        Ok(claims)
    }

    /// The claims of a token that holds and says that somebody signed out (OpenID Connect Back-Channel Logout 1.0,
    /// 2.6). It has no nonce, as an ID token has, so that neither is taken for the other.
    pub(super) fn check_signing_out(&self, token: &str, now: Timestamp) -> Result<Map<String, Value>, Fault> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Form)?;
        let (head, claims) = signed.split_once('.').ok_or(Fault::Form)?;
        let head: Head = read_part(head).ok_or(Fault::Form)?;
        let claims: Map<String, Value> = read_part(claims).ok_or(Fault::Form)?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).map_err(|_| Fault::Form)?;
        let is_of_kind = |typ: &String| typ.eq_ignore_ascii_case("logout+jwt") || typ.eq_ignore_ascii_case("jwt");
        if head.crit.is_some() || !head.typ.as_ref().is_none_or(is_of_kind) {
            return Err(Fault::Form);
        }
        if !ALGORITHMS.contains(&head.alg) {
            return Err(Fault::Signature);
        }
        let is_candidate = |key: &&CoreJsonWebKey| {
            let is_named = head.kid.is_none() || key.key_id().map(|id| id.as_str()) == head.kid.as_deref();
            let signs = key.key_use().is_none_or(JsonWebKeyUse::allows_signature);
            let fits = match key.signing_alg() {
                JsonWebKeyAlgorithm::Algorithm(alg) => *alg == head.alg,
                JsonWebKeyAlgorithm::Unspecified => true,
                JsonWebKeyAlgorithm::Unsupported => false,
            };
            is_named && signs && fits
        };
        let mut candidates = self.keys.keys().iter().filter(is_candidate).peekable();
        candidates.peek().ok_or(Fault::UnknownKey)?;
        if !candidates.any(|key| key.verify_signature(&head.alg, signed.as_bytes(), &signature).is_ok()) {
            return Err(Fault::Signature);
        }
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(Fault::Issuer);
        }
        let own = Some(self.client_id.as_str());
        let is_for_here = match claims.get("aud") {
            Some(Value::Array(all)) => !all.is_empty() && all.iter().all(|one| one.as_str() == own),
            one => one.and_then(Value::as_str) == own,
        };
        if !is_for_here {
            return Err(Fault::Audience);
        }
        if claims.contains_key("nonce") {
            return Err(Fault::Nonce);
        }
        let (earliest, latest) = (now.0.saturating_sub(OLDEST + SKEW) as f64, now.0.saturating_add(SKEW));
        let time = |name: &str| claims.get(name).and_then(Value::as_f64);
        let is_new = time("iat").is_some_and(|made| (earliest..=latest as f64).contains(&made));
        if !is_new || time("exp").is_none_or(|until| until <= now.0.saturating_sub(SKEW) as f64) {
            return Err(Fault::Time);
        }
        self.refuse_others(&claims, latest)?;
        Ok(claims)
    }

    /// Refuses a token that was given to another, or that holds only from later on.
    fn refuse_others(&self, claims: &Map<String, Value>, latest: u64) -> Result<(), Fault> {
        if claims.get("azp").is_some_and(|party| party.as_str() != Some(self.client_id.as_str())) {
            return Err(Fault::Audience);
        }
        if claims.get("nbf").is_some_and(|from| from.as_f64().is_none_or(|from| from > latest as f64)) {
            return Err(Fault::Time);
        }
        Ok(())
    }
}

/// A part of a token between its dots, which is JSON.
fn read_part<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).ok()?;
    serde_json::from_slice(&bytes).ok()
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
