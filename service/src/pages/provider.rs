//! Signing in at an OpenID Connect provider: the code flow, with PKCE, state and nonce. `token` has what is checked of
//! what it gives.

use std::fmt;
use std::fs;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::url::{Host, Url};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata,
    RedirectUrl, RequestTokenError, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stapel::Timestamp;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, http};

use super::attempt::Attempt;
use super::refusal::Refusal;
use super::setup::PagesError;
use super::token::{Fault, Tokens};
use crate::client::ProviderSettings;

/// After so many seconds the provider's document and keys are fetched anew.
const KEPT: u64 = 86_400;

/// So many seconds must pass before they are fetched anew for a key that is not among them, or after a failure. A
/// token with a made-up key has the provider asked no more often.
const APART: u64 = 60;

/// So many seconds after a failure nothing is tried: whoever signs in then is told at once.
const FAILED: u64 = 5;

/// How long one request to the provider may take.
const WHOLE: Duration = Duration::from_secs(10);

/// The most bytes of what the provider says.
const MAX_RESPONSE: u64 = 1 << 20;

/// The most bytes of an ID token that is shown to the provider again at signing out: it is part of an address.
const MAX_HINT: usize = 4_096;

/// Where systems keep the authorities that they trust: Debian, Fedora and Red Hat, SUSE, and others.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// What the discovery document has of signing out, and of RFC 9207.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct More {
    end_session_endpoint: Option<Url>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

/// A provider.
pub(super) struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    secret: Option<ClientSecret>,
    scopes: Vec<String>,
    /// The claim that says who it is.
    pub(super) who: String,
    agent: Agent,
    known: ArcSwapOption<Known>,
    /// When they could not be fetched last. Held by who fetches them, so that one at a time does.
    failed: Mutex<Option<Timestamp>>,
}

/// Its discovery document and its keys.
struct Known {
    metadata: Metadata,
    fetched: Timestamp,
}

/// What a browser came back with.
pub(super) struct Back<'a> {
    pub(super) code: &'a str,
    /// The issuer, where the provider says it (RFC 9207).
    pub(super) issuer: Option<&'a str>,
}

/// An ID token that holds.
pub(super) struct Verified {
    pub(super) claims: Map<String, Value>,
    pub(super) provided: Provided,
}

/// What the provider knows a session by.
#[derive(Clone)]
pub(super) struct Provided {
    /// With it the provider knows whom to sign out.
    pub(super) id_token: String,
    subject: String,
    /// Its own session, where it says it.
    session: Option<String>,
}

/// Whom the provider signed out: a person, one session of theirs, or a session alone.
pub(super) struct SignedOutThere {
    /// `None` only where there is a session.
    subject: Option<String>,
    session: Option<String>,
}

impl SignedOutThere {
    /// Whether a session is theirs.
    pub(super) fn is_of(&self, provided: &Provided) -> bool {
        let is_session = self.session.is_none() || self.session == provided.session;
        self.subject.as_ref().is_none_or(|subject| *subject == provided.subject) && is_session
    }
}

/// The event of a token with which a provider says that somebody signed out (OpenID Connect Back-Channel Logout 1.0).
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

impl Provider {
    pub(super) fn new(settings: &ProviderSettings) -> Result<Provider, PagesError> {
        let wrong = |finding: &str| PagesError::new("configuration", format!("[pages.provider] {finding}"));
        let ProviderSettings { issuer, client_id, secret, ca, proxy, scopes, who } = settings;
        if client_id.is_empty() {
            return Err(wrong("client_id is missing: give what the provider calls these pages"));
        }
        let url =
            Url::parse(issuer).map_err(|_| wrong("issuer is no URL: write it as its discovery document has it"))?;
        if !is_safe(&url) || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("issuer begins with https://, or with http:// and an address of this machine"));
        }
        let secret = secret.as_deref().map(read_secret).transpose()?.map(ClientSecret::new);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent("")
            .timeout_global(Some(WHOLE));
        config = match proxy {
            None => config.proxy(None),
            Some(proxy) => {
                // What is wrong with it may hold a password, and is not repeated.
                let none = |_| wrong("proxy is none: write it as http://proxy.example.nl:3128");
                config.proxy(Some(ureq::Proxy::new(proxy).map_err(none)?))
            }
        };
        let authorities = match url.scheme() {
            "https" => roots(ca)?,
            // It may name other places that are encrypted, which nobody vouches for where no authority is known.
            _ if ca.is_empty() => roots(ca).unwrap_or_else(|_| RootCerts::Specific(Arc::default())),
            _ => roots(ca)?,
        };
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder().root_certs(authorities).unversioned_rustls_crypto_provider(ring);
        config = config.tls_config(tls.build());
        Ok(Provider {
            issuer: IssuerUrl::new(issuer.clone()).map_err(|_| wrong("issuer is no URL"))?,
            client_id: ClientId::new(client_id.clone()),
            secret,
            scopes: scopes.clone(),
            who: who.clone().unwrap_or_else(|| "sub".into()),
            agent: config.build().into(),
            known: ArcSwapOption::empty(),
            failed: Mutex::default(),
        })
    }

    /// Where to send a browser that is to sign in.
    pub(super) fn begin(&self, attempt: &Attempt, back: &str, now: Timestamp) -> Result<String, Refusal> {
        let client = self.client(&self.metadata(now, false)?.metadata, back)?;
        let (state, nonce) = (CsrfToken::new(attempt.state.clone()), Nonce::new(attempt.nonce.clone()));
        let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (url, ..) = client
            .authorize_url(flow, move || state, move || nonce)
            .add_scopes(self.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    /// Shows the provider the code that a browser came back with, and checks the ID token that it gives for it.
    pub(super) fn finish(
        &self,
        attempt: &Attempt,
        came: &Back<'_>,
        back: &str,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let known = self.metadata(now, false)?;
        let metadata = &known.metadata;
        // Else a code of another provider's, at which somebody has another's, would be shown to this one (RFC 9207).
        let is_told = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match came.issuer {
            Some(issuer) if issuer != self.issuer.as_str() => return Err(Refusal::other_attempt()),
            None if is_told => return Err(Refusal::other_attempt()),
            _ => {}
        }
        let client = self.client(metadata, back)?;
        let response = client
            .exchange_code(AuthorizationCode::new(came.code.to_owned()))
            .map_err(|_| self.answered_wrong("its discovery document has no token endpoint"))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            .request(&|request| self.send(request));
        let response = match response {
            Ok(response) => response,
            Err(RequestTokenError::ServerResponse(said)) => {
                return Err(refused(said.error().as_ref()));
            }
            Err(RequestTokenError::Request(error)) => return Err(self.unreachable(&error.to_string())),
            Err(_) => return Err(self.answered_wrong("its reply to a code is not in its form")),
        };
        let token = response.id_token().ok_or_else(|| self.answered_wrong("it gave no ID token"))?;
        let nonce = Nonce::new(attempt.nonce.clone());
        let claims = self.check_anew(metadata, now, |tokens| tokens.check(token, &nonce, now));
        let claims = claims?.map_err(|fault| {
            tracing::warn!(fault = %fault, "an ID token does not hold");
            Refusal::token()
        })?;
        let subject = text_of(&claims, "sub").unwrap_or_default();
        let provided = Provided { id_token: token.to_string(), subject, session: text_of(&claims, "sid") };
        Ok(Verified { claims, provided })
    }

    /// Whom the provider signed out, as a token of it says that it sends by itself.
    pub(super) fn signed_out(&self, token: &str, now: Timestamp) -> Result<SignedOutThere, Refusal> {
        let refused = |fault: Fault| {
            tracing::warn!(fault = %fault, "a token on signing out does not hold");
            Refusal::of("logout_token")
        };
        let known = self.metadata(now, false)?;
        let claims = self.check_anew(&known.metadata, now, |tokens| tokens.check_signing_out(token, now))?;
        let claims = claims.map_err(refused)?;
        let event = claims.get("events").and_then(|events| events.get(LOGOUT));
        let (subject, session) = (text_of(&claims, "sub"), text_of(&claims, "sid"));
        // What is there but is no text is not as if it were absent: then more sessions would end.
        let are_texts =
            claims.contains_key("sub") == subject.is_some() && claims.contains_key("sid") == session.is_some();
        if !event.is_some_and(Value::is_object) || !are_texts || (&subject, &session) == (&None, &None) {
            return Err(refused(Fault::Form));
        }
        Ok(SignedOutThere { subject, session })
    }

    /// Checks a token, with keys that are fetched anew where its key is not among those that are known.
    fn check_anew(
        &self,
        metadata: &Metadata,
        now: Timestamp,
        check: impl Fn(&Tokens<'_>) -> Result<Map<String, Value>, Fault>,
    ) -> Result<Result<Map<String, Value>, Fault>, Refusal> {
        let check = |metadata: &Metadata| {
            check(&Tokens { issuer: &self.issuer, client_id: &self.client_id, keys: metadata.jwks() })
        };
        Ok(match check(metadata) {
            Err(Fault::UnknownKey) => check(&self.metadata(now, true)?.metadata),
            checked => checked,
        })
    }

    /// Where to send a browser that signed out here, so that it signs out there too; `None` where the provider has no
    /// such page.
    pub(super) fn end(&self, id_token: Option<&str>, back: &str) -> Option<String> {
        let known = self.known.load_full()?;
        let mut url = known.metadata.additional_metadata().end_session_endpoint.clone().filter(is_safe)?;
        let hint = id_token.filter(|token| token.len() <= MAX_HINT).map(|token| ("id_token_hint", token));
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("post_logout_redirect_uri", back)
            .extend_pairs(hint);
        Some(url.into())
    }

    /// Fetches the discovery document and the keys, as `--check` does.
    pub(super) fn look(&self, now: Timestamp) -> Result<(), String> {
        let metadata = self.fetch()?;
        self.known.store(Some(Arc::new(Known { metadata, fetched: now })));
        Ok(())
    }

    fn client(
        &self,
        metadata: &Metadata,
        back: &str,
    ) -> Result<
        CoreClient<
            openidconnect::EndpointSet,
            openidconnect::EndpointNotSet,
            openidconnect::EndpointNotSet,
            openidconnect::EndpointNotSet,
            openidconnect::EndpointMaybeSet,
            openidconnect::EndpointMaybeSet,
        >,
        Refusal,
    > {
        let back = RedirectUrl::new(back.to_owned()).map_err(|_| Refusal::internal())?;
        let client = CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), self.secret.clone());
        // Basic is what a provider takes that says nothing (OpenID Connect Discovery 1.0, 3).
        let takes_basic = metadata
            .token_endpoint_auth_methods_supported()
            .is_none_or(|ways| ways.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let way = if takes_basic { AuthType::BasicAuth } else { AuthType::RequestBody };
        Ok(client.set_redirect_uri(back).set_auth_type(way))
    }

    /// What is known of the provider; fetched anew where it is old, or where `anew` says so. Whoever needs nothing new
    /// waits for nobody who fetches.
    fn metadata(&self, now: Timestamp, anew: bool) -> Result<Arc<Known>, Refusal> {
        let since = |moment: Timestamp| now.0.saturating_sub(moment.0);
        let longest = if anew { APART } else { KEPT };
        let fresh = || self.known.load_full().filter(|known| since(known.fetched) < longest);
        if let Some(known) = fresh() {
            return Ok(known);
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have fetched it while this waited.
        if let Some(known) = fresh() {
            return Ok(known);
        }
        let known = self.known.load_full();
        let apart = if known.is_some() { APART } else { FAILED };
        if failed.is_some_and(|failed| since(failed) < apart) {
            return known.ok_or_else(Refusal::unreachable);
        }
        match self.fetch() {
            Ok(metadata) => {
                let known = Arc::new(Known { metadata, fetched: now });
                self.known.store(Some(known.clone()));
                *failed = None;
                Ok(known)
            }
            Err(finding) => {
                *failed = Some(now);
                let refused = self.unreachable(&finding);
                known.ok_or(refused)
            }
        }
    }

    fn fetch(&self) -> Result<Metadata, String> {
        let metadata = Metadata::discover(&self.issuer, &|request| self.send(request));
        let metadata = metadata.map_err(|error| match error {
            DiscoveryError::Request(error) => error.to_string(),
            DiscoveryError::Response(status, ..) => format!("status {status}"),
            DiscoveryError::Validation(_) => "its discovery document has another issuer".into(),
            _ => "its discovery document or its keys are not in their form".into(),
        })?;
        let places = [Some(metadata.authorization_endpoint().url()), metadata.token_endpoint().map(|one| one.url())];
        let are_safe = places.into_iter().flatten().all(is_safe);
        if !are_safe {
            return Err("its discovery document names places that are not encrypted".into());
        }
        Ok(metadata)
    }

    /// Sends a request of the protocol.
    fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unsent> {
        let fault = |error: &dyn fmt::Display| Unsent(error.to_string());
        let url = Url::parse(&request.uri().to_string()).map_err(|error| fault(&error))?;
        if !is_safe(&url) {
            return Err(Unsent("it names a place that is not encrypted".into()));
        }
        let (head, body) = request.into_parts();
        let response = match body.is_empty() {
            true => self.agent.run(http::Request::from_parts(head, ())),
            false => self.agent.run(http::Request::from_parts(head, body)),
        };
        let (head, body) = response.map_err(|error| fault(&error))?.into_parts();
        let mut bytes = Vec::new();
        body.into_reader().take(MAX_RESPONSE).read_to_end(&mut bytes).map_err(|error| fault(&error))?;
        Ok(HttpResponse::from_parts(head, bytes))
    }

    fn unreachable(&self, finding: &str) -> Refusal {
        tracing::warn!(issuer = self.issuer.as_str(), finding, "the provider cannot be reached");
        Refusal::unreachable()
    }

    fn answered_wrong(&self, finding: &str) -> Refusal {
        tracing::warn!(issuer = self.issuer.as_str(), finding, "the provider says what it should not");
        Refusal::unreachable()
    }
}

/// The errors of OAuth 2.0 and of OpenID Connect.
const ERRORS: [&str; 13] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_grant_type",
];

/// The provider did not let somebody in. The log has its word for why where it is one of those that there are; any
/// other may be anything.
pub(super) fn refused(error: &str) -> Refusal {
    let error = ERRORS.into_iter().find(|known| *known == error).unwrap_or("another");
    tracing::warn!(error, "the provider did not let somebody in");
    Refusal::refused_by_provider()
}

/// Shows neither the secret nor what was fetched.
impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.issuer.as_str()).finish_non_exhaustive()
    }
}

/// Why a request got no response.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unsent(String);

fn text_of(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name)?.as_str().map(str::to_owned)
}

/// Whether nobody on the way reads along: it is encrypted, or goes to this machine.
fn is_safe(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Domain(_)) | None => false,
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
    };
    url.scheme() == "https" || url.scheme() == "http" && is_here
}

/// The authorities by which the provider is known.
fn roots(named: &[PathBuf]) -> Result<RootCerts, PagesError> {
    let paths: Vec<&Path> = match named.is_empty() {
        false => named.iter().map(PathBuf::as_path).collect(),
        true => SYSTEM_ROOTS.iter().map(Path::new).filter(|path| path.exists()).take(1).collect(),
    };
    if paths.is_empty() {
        let finding = "the system's authorities are not found: give [pages.provider] ca the file in PEM of those by \
                       which the provider is known, or install ca-certificates";
        return Err(PagesError::new("configuration", finding));
    }
    let mut roots = Vec::new();
    for path in paths {
        let pem = fs::read(path).map_err(|error| PagesError::of_file(path, format!("cannot read it: {error}")))?;
        let before = roots.len();
        roots.extend(parse_pem(&pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some::<Certificate<'static>>(certificate),
            _ => None,
        }));
        if roots.len() == before {
            let finding = "there is no certificate in PEM in it (-----BEGIN CERTIFICATE-----)";
            return Err(PagesError::of_file(path, finding));
        }
    }
    Ok(RootCerts::Specific(Arc::new(roots)))
}

/// The client's secret, which not every user of the machine may read.
fn read_secret(path: &Path) -> Result<String, PagesError> {
    let unread = |error: std::io::Error| PagesError::of_file(path, format!("cannot read it: {error}"));
    let there = fs::metadata(path).map_err(unread)?;
    if std::os::unix::fs::MetadataExt::mode(&there) & 0o007 != 0 {
        return Err(PagesError::of_file(path, "every user of this machine can read it: chmod 640"));
    }
    let text = fs::read_to_string(path).map_err(unread)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    match !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(secret.to_owned()),
        false => Err(PagesError::of_file(path, "there is no secret in it: one line of ASCII without spaces")),
    }
}
