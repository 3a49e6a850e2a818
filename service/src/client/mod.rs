//! How a partner reaches the broker.
