//! The C library as programs meet it, as one program: each module is a file beside this one.

mod c;
mod random;
mod statuses;
