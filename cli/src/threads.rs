//! The option `--threads`: how many threads hash addresses and make releases; one by default.

use stapel::Threads;

use crate::failure::Failure;

/// The option `--threads`.
#[derive(clap::Args)]
pub(crate) struct ThreadArgs {
    /// Make pseudonyms or tags of large batches, and releases, on this many threads; what is written is the same
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
}

impl ThreadArgs {
    /// Starts them.
    pub(crate) fn start(&self) -> Result<Threads, Failure> {
        Ok(Threads::new(self.threads)?)
    }
}
