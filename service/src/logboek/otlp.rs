//! Sends records over OTLP/HTTP, in its form of JSON: each record is a span.
//!
//! The standard recommends OTLP between an application and its Logboek, and leaves how fields are written in it open:
//! `foreign_operation` is a link of the span, with `dpl.core.foreign_operation.entity`; the resource's `name` and
//! `version` are OpenTelemetry's `service.name` and `service.version`.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use stapel::Timestamp;
use stapel::audit::{AttributeValue, ForeignOperation, ProcessingRecord, ProcessingStatus};
use ureq::http::Uri;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, http};

use super::settings::{LogboekError, LogboekSettings};

/// Sends records to a Logboek.
#[derive(Clone)]
pub struct Collector {
    agent: Agent,
    url: String,
    authorization: Option<String>,
    activity: String,
}

/// Shows neither the token nor a key.
impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("url", &self.url).finish_non_exhaustive()
    }
}

/// How many records are in one request: some 400 bytes each.
const MOST: usize = 1_000;

/// How long a request may take, from its first byte to the last of what comes back.
const WHOLE: Duration = Duration::from_secs(15);

/// The most bytes of a response that are read.
const MAX_RESPONSE: u64 = 65_536;

/// OTLP's number for an action within one system. Who asked for it is in its link.
const SPAN_KIND_INTERNAL: u8 = 1;

/// What a Logboek says of a request that it took.
#[derive(Deserialize)]
struct Response {
    #[serde(rename = "partialSuccess")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Deserialize)]
struct PartialSuccess {
    #[serde(rename = "rejectedSpans")]
    rejected_spans: Option<Count>,
}

/// A number of 64 bits, which is a text in this form, and which some write as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Text(String),
    Number(i64),
}

impl Count {
    fn is_zero(&self) -> bool {
        matches!(self, Count::Number(0)) || matches!(self, Count::Text(text) if text == "0")
    }
}

impl Collector {
    /// One of these settings. Files are read once, here.
    ///
    /// # Errors
    ///
    /// [`LogboekError::Settings`]
    pub fn new(settings: &LogboekSettings) -> Result<Collector, LogboekError> {
        let LogboekSettings { activity, otlp, token, .. } = settings;
        if !activity.contains(':') || activity.chars().any(char::is_whitespace) {
            return Err(wrong("activity is no URI: write it as the organisation's register has it, with https://"));
        }
        let uri: Uri = otlp.parse().map_err(|_| wrong("otlp is no URL: write it as https://HOST/v1/traces"))?;
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        if authority.contains('@') || uri.query().is_some() {
            // Findings name it, and are logged.
            return Err(wrong("otlp has a password or a query in it: give what the Logboek asks for as token"));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here = host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let tls = match uri.scheme_str() {
            Some("https") => Some(tls(settings)?),
            Some("http") if is_here => None,
            _ => return Err(wrong("otlp begins with https://, or with http:// and an address of this machine")),
        };
        let token = token.as_deref().map(read_token).transpose()?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent("")
            .timeout_global(Some(WHOLE));
        if let Some(tls) = tls {
            config = config.tls_config(tls);
        }
        let authorization = token.map(|token| format!("Bearer {token}"));
        Ok(Collector { agent: config.build().into(), url: otlp.clone(), authorization, activity: activity.clone() })
    }

    /// The URI of the processing activity.
    pub fn activity(&self) -> &str {
        &self.activity
    }

    /// Sends records, and returns when all of them were confirmed.
    ///
    /// # Errors
    ///
    /// [`LogboekError::Unreachable`], [`LogboekError::Refused`]: then some may have been taken, and all are to be sent
    /// again.
    pub fn send(&self, records: &[ProcessingRecord]) -> Result<(), LogboekError> {
        records.chunks(MOST).try_for_each(|records| self.send_some(records))
    }

    fn send_some(&self, records: &[ProcessingRecord]) -> Result<(), LogboekError> {
        let body = request(records).to_string();
        let mut post = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(authorization) = &self.authorization {
            post = post.header("authorization", authorization);
        }
        let response = post.send(body.as_bytes()).map_err(|error| self.unreachable(error.to_string()))?;
        let status = response.status().as_u16();
        match status {
            200 => self.look_at(response),
            429 | 502 | 503 | 504 => Err(self.unreachable(format!("status {status}"))),
            _ => Err(self.refused(format!("status {status}"))),
        }
    }

    /// A Logboek confirms each record, so one that left some out has not done its part.
    fn look_at(&self, response: http::Response<ureq::Body>) -> Result<(), LogboekError> {
        let mut body = Vec::new();
        let read = response.into_body().into_reader().take(MAX_RESPONSE).read_to_end(&mut body);
        read.map_err(|error| self.unreachable(error.to_string()))?;
        let said: Result<Response, _> = serde_json::from_slice(&body);
        let said = said.map_err(|_| self.refused("status 200, and what came with it is not OTLP's".into()))?;
        match said.partial_success.and_then(|partial| partial.rejected_spans) {
            Some(count) if !count.is_zero() => Err(self.refused("some of the records were rejected".into())),
            _ => Ok(()),
        }
    }

    fn unreachable(&self, finding: String) -> LogboekError {
        LogboekError::Unreachable { at: self.url.clone(), finding }
    }

    fn refused(&self, finding: String) -> LogboekError {
        LogboekError::Refused { at: self.url.clone(), finding }
    }
}

fn wrong(finding: &str) -> LogboekError {
    LogboekError::Settings { finding: finding.to_owned() }
}

fn of_file(path: &Path, finding: impl std::fmt::Display) -> LogboekError {
    LogboekError::Settings { finding: format!("{}: {finding}", stapel::shown_path(path)) }
}

/// What TLS goes by. Nothing is trusted by default.
fn tls(settings: &LogboekSettings) -> Result<TlsConfig, LogboekError> {
    let LogboekSettings { ca, certificate, key, .. } = settings;
    if ca.is_empty() {
        return Err(wrong("no ca: name the files in PEM of the authorities by which the Logboek is known"));
    }
    let mut roots = Vec::new();
    for path in ca {
        roots.extend(certificates(path)?);
    }
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            refuse_open(key)?;
            let pem = fs::read(key).map_err(|error| of_file(key, error))?;
            let none = |_| of_file(key, "there is no private key in PEM in it, or it has a password");
            Some(ClientCert::new_with_certs(&certificates(certificate)?, PrivateKey::from_pem(&pem).map_err(none)?))
        }
        (None, None) => None,
        _ => return Err(wrong("certificate and key go together: give both or neither")),
    };
    let roots = RootCerts::Specific(Arc::new(roots));
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(ring);
    Ok(tls.client_cert(client).build())
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, LogboekError> {
    let pem = fs::read(path).map_err(|error| of_file(path, error))?;
    let found: Result<Vec<_>, _> = parse_pem(&pem).collect();
    let found = found.unwrap_or_default().into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    match found.collect::<Vec<_>>() {
        found if found.is_empty() => {
            Err(of_file(path, "there is no certificate in PEM in it (-----BEGIN CERTIFICATE-----)"))
        }
        found => Ok(found),
    }
}

fn read_token(path: &Path) -> Result<String, LogboekError> {
    refuse_open(path)?;
    let text = fs::read_to_string(path).map_err(|error| of_file(path, error))?;
    let token = text.trim_end_matches(['\r', '\n']);
    match !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(token.to_owned()),
        false => Err(of_file(path, "there is no token in it: one line of ASCII without spaces")),
    }
}

/// Refuses a secret that every user of this machine can read.
fn refuse_open(path: &Path) -> Result<(), LogboekError> {
    let there = fs::metadata(path).map_err(|error| of_file(path, error))?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&there) & 0o007 != 0 {
        return Err(of_file(path, "every user of this machine can read it: chmod 640"));
    }
    let _ = there;
    Ok(())
}

/// The body of a request: the records as spans, those of one resource together.
fn request(records: &[ProcessingRecord]) -> Value {
    let groups = records.chunk_by(|one, other| one.resource == other.resource);
    let resource_spans = groups.map(|records| {
        let spans: Vec<Value> = records.iter().map(span).collect();
        json!({"resource": {"attributes": pairs(&records[0].resource)}, "scopeSpans": [{"spans": spans}]})
    });
    json!({"resourceSpans": resource_spans.collect::<Vec<_>>()})
}

/// Numbers of 64 bits are texts and enumerations are numbers, as OTLP has them in JSON.
fn span(record: &ProcessingRecord) -> Value {
    let status = match record.status {
        ProcessingStatus::Unset => 0,
        ProcessingStatus::Ok => 1,
        ProcessingStatus::Error => 2,
    };
    let nanoseconds = |moment: Timestamp| moment.0.saturating_mul(1_000_000_000).to_string();
    let links: Vec<Value> = record.foreign_operation.iter().map(link).collect();
    json!({
        "traceId": record.action.trace_id(),
        "spanId": record.action.span_id(),
        "name": record.name,
        "kind": SPAN_KIND_INTERNAL,
        "startTimeUnixNano": nanoseconds(record.start),
        "endTimeUnixNano": nanoseconds(record.end),
        "attributes": pairs(&record.attributes),
        "links": links,
        "status": {"code": status},
    })
}

fn link(ForeignOperation { action, entity, .. }: &ForeignOperation) -> Value {
    let entity = pair("dpl.core.foreign_operation.entity", &AttributeValue::Text(entity.clone()));
    json!({"traceId": action.trace_id(), "spanId": action.span_id(), "attributes": [entity]})
}

fn pairs(attributes: &[(&'static str, AttributeValue)]) -> Vec<Value> {
    let name = |key: &'static str| match key {
        "name" => "service.name",
        "version" => "service.version",
        key => key,
    };
    attributes.iter().map(|(key, value)| pair(name(key), value)).collect()
}

fn pair(key: &str, value: &AttributeValue) -> Value {
    let value = match value {
        AttributeValue::Text(text) => json!({"stringValue": text}),
        AttributeValue::Number(number) => json!({"intValue": number.to_string()}),
    };
    json!({"key": key, "value": value})
}
