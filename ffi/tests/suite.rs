//! The C library as programs meet it, as one program: each module is a file beside this one.

use std::sync::Mutex;

mod c;
mod memory;
mod random;
mod register;
mod statuses;
mod talk;

/// Held by each test that makes handles in this process, because one of them counts those that are open.
static HANDLES: Mutex<()> = Mutex::new(());
