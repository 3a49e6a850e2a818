//! The `stapel` command.

fn main() {}
