//! The C ABI of Stapel, for programs in C, C++, C#, Java, Python, PHP and whatever else calls C: the partner's side and
//! the broker's.
//!
//! A thin layer over the crate `stapel`: handles, status codes, conversion, and no logic of its own. Programs in Rust
//! use that crate. What the functions mean, who owns what and which threads may do what, is in the header,
//! `include/stapel.h`, which `cargo run -p stapel-header` makes from the comments here; its test compares the two.
//!
//! - `status`: what came of a call, one number for each stable code;
//! - `guard`: the way into every call, where panics stop, and the last error of a thread;
//! - `handle`: handles, and what they stand for;
//! - `bytes`: the only place where pointers of the caller's are followed;
//! - `texts`: texts that come with rows, in one piece;
//! - `address`, `addresses`, `register`, `partner`, `messages`, `reply`, `news`, `talk`, `forward`, `conversations`,
//!   `broker`: the functions. Those of `broker` come with the feature of that name.
//!
//! Nothing secret crosses: keys and secrets go from files to the library and stay there, wiped when a handle is freed.
//! The texts of addresses, actors and cases are the caller's and are not wiped here.

#![deny(unsafe_op_in_unsafe_fn)]
#![deny(clippy::undocumented_unsafe_blocks)]
#![allow(non_camel_case_types, reason = "these are the names in C")]
#![allow(clippy::missing_safety_doc, reason = "what a caller must hold to is said once, in the header's first comment")]
#![allow(clippy::too_many_arguments, reason = "in C a text is two of them")]

mod status;
mod guard;
mod handle;
mod bytes;
mod texts;
mod address;
mod addresses;
mod register;
mod messages;
mod reply;
mod news;
mod partner;
mod talk;
mod forward;
mod conversations;
#[cfg(feature = "broker")]
mod broker;

use std::ffi::c_char;

pub use address::*;
pub use addresses::*;
#[cfg(feature = "broker")]
pub use broker::*;
pub use bytes::{stapel_case, stapel_packed, stapel_str};
pub use conversations::*;
pub use forward::*;
pub use guard::stapel_last_error_message;
pub use handle::stapel_open_handles;
pub use messages::*;
pub use news::*;
pub use partner::*;
pub use register::*;
pub use reply::*;
pub use status::*;
pub use talk::*;

/// The version of the library, such as "0.1.0". The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn stapel_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the ABI that the library has. A program compares it with STAPEL_ABI_VERSION, for which it was
/// compiled: they must be equal.
#[unsafe(no_mangle)]
pub extern "C" fn stapel_abi_version() -> u32 {
    STAPEL_ABI_VERSION
}

/// The version of the ABI that this header describes.
pub const STAPEL_ABI_VERSION: u32 = 1;

/// `tests/long` installs the library with cargo-c; this is what takes no minutes of that.
#[test]
fn the_installed_library_has_the_version_of_the_abi() {
    let version = format!("version = \"{STAPEL_ABI_VERSION}.0.0\"");
    let (_, capi) = include_str!("../Cargo.toml").split_once("[package.metadata.capi]").unwrap();
    assert_eq!(capi.matches(&version).count(), 2, "the library's and that of stapel.pc are {version}");
}
