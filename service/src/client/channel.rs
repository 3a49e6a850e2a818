//! Connections of which an observer sees how long a request is, and not where its head ends.
//!
//! ureq writes the head of a request and then its body, and rustls makes a TLS record of each write. The lengths of
//! records travel in the clear, so padding in the head would hide nothing. Here what ureq writes is cut into records
//! anew: every 16,384 bytes from the first byte of the head, and what is left when a response is waited for.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use ureq::Error;
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

/// The most bytes of a TLS record before it is encrypted.
const RECORD: usize = 16_384;

/// Makes a [`Channel`] of a connection over TCP or through a proxy.
pub(super) struct ChannelConnector {
    /// `None` for an outway on this machine, which is reached without TLS.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// A connection.
struct Channel {
    session: Option<ClientConnection>,
    below: TransportAdapter,
    buffers: LazyBuffers,
    /// What was written and not yet sent: less than a record, or what one write of ureq's has.
    held: Vec<u8>,
    /// The other end takes nothing any more. It may have said why: a broker that is busy replies without reading.
    is_broken: bool,
}

impl<In: Transport> Connector<In> for ChannelConnector {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let Some(below) = chained else { return Ok(None) };
        let config = match &self.tls {
            // The way to a proxy, on which only CONNECT is said.
            Some(_) if !details.needs_tls() || below.is_tls() => return Ok(Some(Box::new(below))),
            config => config,
        };
        let mut below = TransportAdapter::new(Box::new(below) as Box<dyn Transport>, details.current_time.clone());
        let session = match config {
            Some(config) => {
                let host = details.uri.host().unwrap_or_default();
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name =
                    ServerName::try_from(host).map_err(|_| Error::Tls("the host is no name of a certificate"))?;
                let mut session = ClientConnection::new(config.clone(), name)?;
                below.set_timeout(left(details));
                session.complete_io(&mut below)?;
                Some(session)
            }
            None => None,
        };
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Box::new(Channel { session, below, buffers, held: Vec::new(), is_broken: false })))
    }
}

/// What is left for TLS of the time for a connection.
fn left(details: &ConnectionDetails<'_>) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (Duration::Exact(limit), Instant::Exact(begun), Instant::Exact(now)) =
        (timeout.after, details.now, (details.current_time)())
    {
        timeout.after = limit.saturating_sub(now.saturating_duration_since(begun)).into();
    }
    timeout
}

impl Channel {
    /// Sends a record.
    fn send(&mut self, plaintext: &[u8]) -> io::Result<()> {
        if self.is_broken || plaintext.is_empty() {
            return Ok(());
        }
        let sent = match &mut self.session {
            None => self.below.write_all(plaintext),
            Some(session) => session.writer().write_all(plaintext).and_then(|()| flush(session, &mut self.below)),
        };
        match sent {
            Err(error) if is_closed(&error) => {
                self.is_broken = true;
                Ok(())
            }
            sent => sent,
        }
    }
}

/// Whether the other end closed the connection.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

fn flush(session: &mut ClientConnection, below: &mut TransportAdapter) -> io::Result<()> {
    while session.wants_write() {
        session.write_tls(below)?;
    }
    Ok(())
}

/// Reads what came over TLS; 0 at its end. What came before the other end closed is still read.
fn receive(
    session: &mut ClientConnection,
    below: &mut TransportAdapter,
    input: &mut [u8],
    is_broken: bool,
) -> io::Result<usize> {
    loop {
        match session.reader().read(input) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
        session.read_tls(below)?;
        let read = session.process_new_packets().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
        // What TLS itself has to say to what came, such as an alert.
        let told = if is_broken { Ok(()) } else { flush(session, below) };
        read?;
        told.or_else(|error| if is_closed(&error) { Ok(()) } else { Err(error) })?;
    }
}

impl Transport for Channel {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.below.set_timeout(timeout);
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(&self.buffers.output()[..amount]);
        let records = held.chunks_exact(RECORD);
        let rest = records.remainder().len();
        for record in records {
            self.send(record)?;
        }
        held.drain(..held.len() - rest);
        self.held = held;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.below.set_timeout(timeout);
        let held = std::mem::take(&mut self.held);
        self.send(&held)?;
        let input = self.buffers.input_append_buf();
        let amount = match &mut self.session {
            None => self.below.read(input)?,
            Some(session) => receive(session, &mut self.below, input, self.is_broken)?,
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.below.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        self.session.is_some()
    }
}

/// Shows nothing of the keys.
impl fmt::Debug for ChannelConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelConnector(..)")
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channel(..)")
    }
}
