//! Messages and replies over a socket or in a file: a length of four bytes, little-endian, then so many bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// The way to the broker.
pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends bytes.
pub(crate) fn send(stream: &mut impl Write, bytes: &[u8]) {
    stream.write_all(&(bytes.len() as u32).to_le_bytes()).unwrap();
    stream.write_all(bytes).unwrap();
}

/// Takes what was sent; `None` where the other side is gone.
pub(crate) fn take(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
        read => read.unwrap(),
    }
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut bytes).unwrap();
    Some(bytes)
}
