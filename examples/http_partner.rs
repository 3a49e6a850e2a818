//! A partner in a program of one's own: it delivers what it flags, over HTTPS, with ureq.
//!
//! `cargo run -p stapel-service --example http_partner -- FOLDER ADDRESS`, with the folder and the address that
//! `http_broker` prints.
//!
//! spec/carrier.md has what is sent. `stapel_service::client::Carrier` does the same over all addresses of the policy,
//! waits between attempts, passes through proxies, and hides how long messages are, which this does not (*Length*
//! there). Take it rather than this where its crate may come in.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stapel::partner::Received;
use stapel::{AddressKey, Case, Partner};
use stapel_service::carrier::{MESSAGE, REPLY};
use stapel_testkit::START;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, TlsProvider, parse_pem};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(address)) = (arguments.next(), arguments.next()) else {
        return Err("name the partner's folder and the broker's address, as http_broker prints them".into());
    };
    // The library reads no clock: the program says what time it is. Yours looks at one.
    let now = START;
    let mut partner = Partner::open(Path::new(&folder))?;
    let agent = agent(Path::new(&folder))?;
    let url = format!("{address}/v1/{}/messages", partner.policy().policy().consortium);

    let by = Case::new("j.jansen", "2026-0117")?;
    partner.flag([AddressKey::parse("Dam 1-A, 1012 JS Amsterdam")?], &by, now)?;
    // What was made before and got no reply comes first, byte for byte: so a program that broke off is run again.
    let messages = partner.deliver(now)?;
    for received in partner.carry(&messages, now, |message| send(&agent, &url, message))? {
        if let Received::Receipt(receipt) = received {
            println!("partner {}: {} flags held", partner.number(), receipt.held);
        }
    }
    Ok(())
}

/// Sends a message until its reply came, at most five times. Any status but 200 is the carrier's alone: the same bytes
/// may always be sent again, and those of the 500s and a few more should be.
fn send(agent: &Agent, url: &str, message: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let finding = match agent.post(url).header("content-type", MESSAGE).send(message) {
            Ok(mut response) => {
                let media = response.headers().get("content-type").and_then(|media| media.to_str().ok());
                let is_reply = media.is_some_and(|media| media.eq_ignore_ascii_case(REPLY));
                match response.status().as_u16() {
                    200 if is_reply => match response.body_mut().with_config().limit(16_778_305).read_to_vec() {
                        Ok(reply) => return Ok(reply),
                        Err(error) => error.to_string(),
                    },
                    status @ (200 | 408 | 425 | 429 | 500..=599) => format!("status {status}"),
                    // The problem in its body is for a person to read; nothing else is taken from it.
                    status => return Err(format!("{status}: {}", response.body_mut().read_to_string()?).into()),
                }
            }
            Err(error) => error.to_string(),
        };
        if attempt == 5 {
            return Err(finding.into());
        }
        std::thread::sleep(Duration::from_secs(1 << attempt));
    }
}

/// A client with the partner's certificate, that trusts the broker's authority alone and follows no redirect.
fn agent(folder: &Path) -> Result<Agent, Box<dyn Error>> {
    let read = |name| fs::read(folder.join(name));
    let key = PrivateKey::from_pem(&read("tls.key")?)?;
    let client = ClientCert::new_with_certs(&certificates(&read("tls.pem")?)?, key);
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from(certificates(&read("ca.pem")?)?))
        .client_cert(Some(client))
        .build();
    let config = Agent::config_builder().tls_config(tls).max_redirects(0).http_status_as_error(false);
    let config = config
        .accept_encoding("")
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_secs(120)));
    Ok(config.build().new_agent())
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, ureq::Error> {
    let of = |item| if let PemItem::Certificate(one) = item { Some(one) } else { None };
    parse_pem(pem).filter_map(|item| item.map(of).transpose()).collect()
}
