//! Address text and fields to [`AddressKey`].
