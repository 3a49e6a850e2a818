//! The option `--threads`: how many threads hash addresses and make releases; one by default.

use stapel::Threads;

use crate::failure::Failure;
use crate::now::Clock;

/// The option `--threads`.
#[derive(Clone, clap::Args)]
pub(crate) struct ThreadArgs {
    /// Make pseudonyms or tags of large batches, and releases, on this many threads; what is written is the same
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
}

/// How a command works that may have much to do, and at which time.
#[derive(Clone, clap::Args)]
pub(crate) struct WorkArgs {
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) clock: Clock,
}

impl ThreadArgs {
    /// Starts them.
    pub(crate) fn start(&self) -> Result<Threads, Failure> {
        Ok(Threads::new(self.threads)?)
    }
}
