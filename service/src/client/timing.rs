//! Time and chance, as far as carrying needs them.

use std::fmt;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};

/// Time that passes, waits, and draws.
pub trait Pace: Send + Sync {
    /// Time since some moment, which never runs backwards.
    fn now(&self) -> Duration;

    /// Waits; `false` where it was asked to stop meanwhile.
    fn wait(&self, time: Duration) -> bool;

    /// A number below `bound`, every one as likely; 0 for a bound of 0.
    fn draw(&self, bound: u64) -> u64 {
        draw(bound)
    }
}

/// The machine's own.
#[derive(Clone, Copy)]
pub struct WallPace(Instant);

impl Default for WallPace {
    fn default() -> WallPace {
        WallPace(Instant::now())
    }
}

impl fmt::Debug for WallPace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WallPace")
    }
}

impl Pace for WallPace {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn wait(&self, time: Duration) -> bool {
        std::thread::sleep(time);
        true
    }
}

/// A number below `bound`. Where the system gives no randomness, the clock's last digits: all that hangs on it is when
/// an attempt is made, and at which address.
fn draw(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes = u64::from(since.subsec_nanos()).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    }
    // Of 64 bits, what is left over for the small bounds that there are is less than can be seen.
    u64::from_le_bytes(bytes).checked_rem(bound).unwrap_or_default()
}
