//! A bar on standard error for work that takes long, when somebody looks on.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that goes away when the work is done. It draws nothing where standard error is no terminal.
pub(crate) struct Progress(Option<ProgressBar>);

/// The pace at which it draws.
const PACE: Duration = Duration::from_millis(200);

impl Progress {
    /// For `total` pieces of work.
    pub(crate) fn of(total: u64, what: &'static str) -> Progress {
        Progress::new(ProgressBar::new(total), "{bar:40} {pos}/{len} {msg}, {eta} to go", what)
    }

    /// For work of which nobody knows how much there is.
    pub(crate) fn counting(what: &'static str) -> Progress {
        Progress::new(ProgressBar::new_spinner(), "{spinner} {pos} {msg}, {per_sec}", what)
    }

    /// For none: output goes to the same terminal.
    pub(crate) fn none() -> Progress {
        Progress(None)
    }

    /// Counts pieces that were done.
    pub(crate) fn add(&self, pieces: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(pieces);
        }
    }

    fn new(bar: ProgressBar, template: &str, what: &'static str) -> Progress {
        if bar.is_hidden() {
            // Even one that is not drawn looks at the clock at each step.
            return Progress(None);
        }
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(PACE);
        Progress(Some(bar))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
