//! One request at one address, and what came of it.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use ureq::http::Response;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, SocksConnector, TcpConnector};
use ureq::{Agent, Body};

use super::channel::ChannelConnector;
use super::error::CarrierError;
use super::settings::{Address, shown};
use super::timing::Pace;
use crate::carrier::{self, PADDED};

/// How long a connection and TLS may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the head of a response may take after the last byte was sent: a broker takes that long for a full set while
/// it makes a release.
const HEAD: Duration = Duration::from_secs(120);

/// Bytes of a body that come in `SLOW_TIME`, or are not waited for.
const SLOW: u64 = 16_384;
const SLOW_TIME: Duration = Duration::from_secs(10);

/// What a broker takes of a body in ten seconds, at least.
const SENT_IN_TEN: u64 = 65_536;

/// How long a body may take to be sent: a little longer than a broker waits for it, so that the broker is who says so.
const SENT_AT_LONGEST: Duration = Duration::from_secs(310);

/// A request: a message, or for something that is fetched.
pub(super) struct Request<'a> {
    /// What comes after the address.
    pub(super) path: &'a str,
    /// `None` for a GET.
    pub(super) message: Option<&'a [u8]>,
    /// The media type that must come back.
    pub(super) media: &'a str,
    /// The most bytes that may come back.
    pub(super) most: u64,
    pub(super) fields: &'a [(String, String)],
}

/// Why an attempt gave nothing.
pub(super) enum Failed {
    /// The same bytes may be sent again.
    Again {
        finding: String,
        /// For how many seconds the response asks to wait; `None` where there was no response.
        retry_after: Option<u64>,
    },
    /// Sending them again helps nothing.
    Stop(CarrierError),
}

/// An address, with what reaches it.
pub(super) struct Target {
    pub(super) address: Address,
    agent: Agent,
    has_proxy: bool,
}

/// How long a body of so many bytes may take to be sent.
fn time_to_send(length: usize) -> Duration {
    SENT_AT_LONGEST.min(SLOW_TIME + Duration::from_secs(10 * (length as u64 / SENT_IN_TEN)))
}

impl Target {
    /// `tls` is `None` where no address needs it. A proxy is not between this machine and itself.
    pub(super) fn new(address: Address, tls: Option<&Arc<ClientConfig>>, proxy: Option<&ureq::Proxy>) -> Target {
        let proxy = proxy.filter(|_| !address.is_outway);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(proxy.cloned())
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent("")
            .accept("")
            .accept_encoding("")
            .max_response_header_size(16_384)
            // What a connection still holds after a reply is then never taken for the next.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_send_request(Some(CONNECT))
            .timeout_recv_response(Some(HEAD))
            .timeout_per_read(Some(HEAD));
        let connector =
            ().chain(SocksConnector::default())
                .chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(ChannelConnector { tls: tls.filter(|_| !address.is_outway).cloned() });
        let agent = Agent::with_parts(config.build(), connector, DefaultResolver::default());
        Target { has_proxy: proxy.is_some(), address, agent }
    }

    /// Sends a request, and gives the body of the response.
    pub(super) fn attempt(&self, request: &Request<'_>, pace: &Arc<dyn Pace>) -> Result<Vec<u8>, Failed> {
        let response = self.send(request).map_err(|error| self.failed(&error))?;
        let status = response.status().as_u16();
        match status {
            200 => self.body(request, response, pace),
            408 | 425 | 429 | 500..=599 => {
                let retry_after = Some(retry_after(&response));
                let (_, said) = problem(response, pace);
                Err(Failed::Again { finding: format!("{}: {said}", self.shown()), retry_after })
            }
            _ => {
                let (problem, said) = problem(response, pace);
                let remedy = match status {
                    300..=399 => "a redirect is never followed: see whether the address is right",
                    403 => {
                        "see whether the certificate under [connect] has an OIN that the policy names for this \
                         organisation"
                    }
                    404 => "see whether the address and the consortium are right",
                    407 => "see whether proxy under [connect] is right",
                    _ => "this side and the broker do not agree on the carrier: tell the operator",
                };
                let address = self.address.text.clone();
                Err(Failed::Stop(CarrierError::Refused { address, status, problem, said, remedy }))
            }
        }
    }

    fn send(&self, request: &Request<'_>) -> Result<Response<Body>, ureq::Error> {
        let Address { authority, path, is_outway, .. } = &self.address;
        let scheme = if *is_outway { "http" } else { "https" };
        let target = format!("{path}{}", request.path);
        let url = format!("{scheme}://{authority}{target}");
        let length = request.message.map(|message| message.len().to_string());
        let mut fields = vec![("host", authority.as_str()), ("connection", "close")];
        if let Some(length) = &length {
            fields.extend([("content-type", carrier::MESSAGE), ("content-length", length)]);
        }
        fields.extend(request.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let method = if request.message.is_some() { "POST" } else { "GET" };
        let padding = padding(method, &target, &fields, request.message.map_or(0, <[u8]>::len));
        fields.push(("padding", &padding));
        let Some(message) = request.message else {
            let get = fields.into_iter().fold(self.agent.get(&url), |get, (name, value)| get.header(name, value));
            return get.call();
        };
        let post = self.agent.post(&url).config().timeout_send_body(Some(time_to_send(message.len()))).build();
        fields.into_iter().fold(post, |post, (name, value)| post.header(name, value)).send(message)
    }

    /// The address, for whoever is told of it. A proxy that is not there looks like a broker that is not.
    fn shown(&self) -> String {
        let Address { text, .. } = &self.address;
        if self.has_proxy { format!("{text} through the proxy") } else { text.clone() }
    }

    fn body(&self, request: &Request<'_>, response: Response<Body>, pace: &Arc<dyn Pace>) -> Result<Vec<u8>, Failed> {
        let retry_after = Some(retry_after(&response));
        let again = |finding: &str| Failed::Again { finding: format!("{}: {finding}", self.shown()), retry_after };
        let field = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        if field("content-type").is_none_or(|media| !media.trim().eq_ignore_ascii_case(request.media)) {
            return Err(again("200 with another media type: what replied is perhaps not the broker"));
        }
        if response.headers().contains_key("content-encoding") {
            return Err(again("200 with Content-Encoding"));
        }
        let length: Option<u64> = field("content-length").and_then(|text| text.parse().ok());
        if length.is_none() && request.message.is_some() {
            return Err(again("a reply without Content-Length"));
        }
        if length.is_some_and(|length| length > request.most) {
            return Err(again("a reply that is longer than any may be"));
        }
        let mut reader = response.into_body().into_reader();
        let mut body = Vec::with_capacity(length.unwrap_or_default().min(1 << 20) as usize);
        let begun = pace.now();
        let mut piece = [0; 16_384];
        loop {
            let read = reader.read(&mut piece).map_err(|_| again("the reply was cut short"))?;
            if read == 0 {
                break;
            }
            body.extend_from_slice(&piece[..read]);
            if body.len() as u64 > length.unwrap_or(request.most) {
                return Err(again("a reply that is longer than it says, or than any may be"));
            }
            let periods = pace.now().saturating_sub(begun).as_secs() / SLOW_TIME.as_secs();
            if (body.len() as u64) < periods * SLOW {
                return Err(again("the reply came too slowly"));
            }
        }
        match length {
            Some(length) if length != body.len() as u64 => Err(again("the reply was cut short")),
            _ => Ok(body),
        }
    }

    /// What an error of the connection is. A certificate that does not hold is for a person to look at.
    fn failed(&self, error: &ureq::Error) -> Failed {
        let address = || self.address.text.clone();
        let tls = match error {
            ureq::Error::Rustls(error) => Some(error),
            ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
            _ => None,
        };
        let finding = match tls {
            Some(rustls::Error::InvalidCertificate(error)) => {
                Some(format!("the broker's certificate does not hold: {}", shown(&error.to_string())))
            }
            Some(rustls::Error::AlertReceived(alert)) if is_of_certificate(*alert) => {
                Some(format!("the certificate under [connect] was not taken: {alert:?}"))
            }
            _ => None,
        };
        match finding {
            Some(finding) => Failed::Stop(CarrierError::Certificate { address: address(), finding }),
            None => {
                let finding = format!("{}: {}", self.shown(), shown(&error.to_string()));
                Failed::Again { finding, retry_after: None }
            }
        }
    }
}

/// Whether a broker says by an alert that it does not take the partner's certificate.
fn is_of_certificate(alert: rustls::AlertDescription) -> bool {
    use rustls::AlertDescription as Alert;
    matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::CertificateRequired
    )
}

/// As many zeros as make head and body together a multiple of [`PADDED`].
fn padding(method: &str, target: &str, fields: &[(&str, &str)], body: usize) -> String {
    let line = |parts: usize| parts + "\r\n".len();
    let first = line(method.len() + "  HTTP/1.1".len() + target.len());
    let of_fields: usize = fields.iter().map(|(name, value)| line(name.len() + ": ".len() + value.len())).sum();
    let unpadded = first + of_fields + line("padding: ".len()) + "\r\n".len() + body;
    "0".repeat(unpadded.next_multiple_of(PADDED) - unpadded)
}

/// For how many seconds a response asks to wait; what is no number, or more than an hour, counts for nothing.
fn retry_after(response: &Response<Body>) -> u64 {
    let field = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    field.and_then(|text| text.parse().ok()).filter(|seconds| *seconds <= 3_600).unwrap_or_default()
}

/// What a response that is no `200` says: its code, and a sentence with the status. Of one that is not there in
/// [`SLOW_TIME`], of which a single read may take up to [`HEAD`] more, only the status.
fn problem(response: Response<Body>, pace: &Arc<dyn Pace>) -> (Option<String>, String) {
    let status = response.status().as_u16();
    let media = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let is_problem = media.is_some_and(|media| media.trim().eq_ignore_ascii_case(carrier::PROBLEM));
    let told = || -> Option<Told> {
        let mut reader = response.into_body().into_reader().take(SLOW);
        let (mut body, mut piece, begun) = (Vec::new(), [0; 4_096], pace.now());
        loop {
            let read = reader.read(&mut piece).ok()?;
            if read == 0 {
                break serde_json::from_slice(&body).ok();
            }
            if pace.now().saturating_sub(begun) >= SLOW_TIME {
                break None;
            }
            body.extend_from_slice(&piece[..read]);
        }
    };
    let Some(Told { code, title, detail }) = Some(()).filter(|()| is_problem).and_then(|()| told()) else {
        return (None, format!("status {status}"));
    };
    let text = if detail.is_empty() { title } else { detail };
    let code = shown(&code);
    let said = format!("status {status}, {code}: {}", shown(&text));
    (Some(code), said)
}

/// What is read of a problem.
#[derive(serde::Deserialize)]
struct Told {
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_send_grows_with_the_body_and_has_an_end() {
        let seconds = |length| time_to_send(length).as_secs();
        assert_eq!((seconds(0), seconds(65_535), seconds(65_536), seconds(1_000_000)), (10, 10, 20, 160));
        assert_eq!(seconds(stapel::message::MAX_MESSAGE), 310);
    }
}
