//! How much is sent in one run: a folder that is opened anew begins another one, unless a program goes on with it.

/// The most exchanges of one run.
const MOST_EXCHANGES: u8 = 8;

/// How far one run of messages of what comes after a hit came: [`Partner::talk`](crate::Partner::talk).
#[derive(Clone, Copy, Debug, Default)]
pub struct TalkRun {
    has_put_forward: bool,
    /// Whether what was put forward did not fit a budget.
    was_over_budget: bool,
    exchanges: u8,
    /// Whether the last post said that more waits.
    waits: bool,
    is_over: bool,
}

impl TalkRun {
    pub(crate) fn has_put_forward(&self) -> bool {
        self.has_put_forward
    }

    pub(crate) fn put_forward(&mut self) {
        self.has_put_forward = true;
    }

    /// What was put forward does not fit a budget, of which the broker said what is left: what fits is said once more,
    /// and then the run goes on.
    pub(crate) fn over_budget(&mut self) {
        (self.has_put_forward, self.was_over_budget) = (self.was_over_budget, true);
    }

    /// Whether it ended with a message that was not accepted.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Nothing more is sent in it.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
    }

    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// A post was read.
    pub(crate) fn posted(&mut self, waits: bool) {
        self.waits = waits;
    }

    /// Whether there is another exchange: there is one in each run, and more of them where there is more to say or to
    /// fetch.
    pub(crate) fn begin_exchange(&mut self, has_more: bool) -> bool {
        let begins = self.exchanges == 0 || (has_more && self.exchanges < MOST_EXCHANGES);
        self.exchanges += u8::from(begins);
        begins
    }
}
