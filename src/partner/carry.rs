//! Carrying messages to the broker and reading its replies, so that nothing that it refused is overlooked.

use std::fmt;

use super::read::Received;
use super::{Partner, PartnerError};
use crate::day::Timestamp;

/// What keeps messages from being carried, and what was read before it.
#[derive(Debug)]
pub struct CarryError<E> {
    /// What the broker said to the messages before, which stands.
    pub before: Vec<Received>,
    /// What happened then. The messages after it were not sent.
    pub cause: CarryCause<E>,
}

/// What keeps a message from being carried.
#[derive(Debug)]
#[non_exhaustive]
pub enum CarryCause<E> {
    /// The carrier failed. The message is still in flight: the same call gives it again.
    Carrier(E),
    /// The reply could not be read.
    Partner(PartnerError),
    /// The broker did not accept the message: a [`Received::Rejection`], which says what to do, or a
    /// [`Received::Late`] or a [`Received::Hint`].
    NotAccepted(Box<Received>),
}

impl Partner {
    /// Sends messages one after another, and reads the reply to each. `send` carries a message's bytes to the broker
    /// and gives its reply's. What comes back are receipts, answers and status replies, in the messages' order.
    ///
    /// # Errors
    ///
    /// What `send` gives, those of [`Partner::read`], and [`CarryCause::NotAccepted`] where the broker did not accept a
    /// message. Then the rest is not sent: of state messages it would not be accepted, and a question is in flight.
    pub fn carry<E>(
        &mut self,
        messages: &[Vec<u8>],
        now: Timestamp,
        mut send: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<Received>, CarryError<E>> {
        let mut before = Vec::with_capacity(messages.len());
        for message in messages {
            let read = send(message)
                .map_err(CarryCause::Carrier)
                .and_then(|reply| self.read(&reply, now).map_err(CarryCause::Partner));
            match read {
                Ok(refused @ (Received::Rejection { .. } | Received::Late(_) | Received::Hint(_))) => {
                    return Err(CarryError { before, cause: CarryCause::NotAccepted(Box::new(refused)) });
                }
                Ok(received) => before.push(received),
                Err(cause) => return Err(CarryError { before, cause }),
            }
        }
        Ok(before)
    }
}

impl<E: fmt::Display> fmt::Display for CarryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            CarryCause::Carrier(error) => write!(f, "a message could not be carried: {error}; send it again later"),
            CarryCause::Partner(error) => write!(f, "the broker's reply could not be read: {error}"),
            CarryCause::NotAccepted(received) => {
                let (who, rejection) = match received.as_ref() {
                    Received::Hint(rejection) => ("somebody who could not sign it says that a message was", rejection),
                    Received::Rejection { rejection, .. } | Received::Late(rejection) => ("a message was", rejection),
                    _ => return f.write_str("a message was not accepted"),
                };
                write!(f, "{who} not accepted, {}: {}", rejection.code.as_str(), rejection.sentence)
            }
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for CarryError<E> {}
