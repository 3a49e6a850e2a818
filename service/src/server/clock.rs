//! What time it is, and how far that is to be trusted by a program at whose clock nobody looks. SPEC.md 5.7.
//!
//! The machine has a wall clock, which can be set, and one that counts from its start and cannot be. Their difference
//! changes only where the wall clock is set, because both are slowed down and sped up together. So a step shows,
//! whoever made it.

use std::fmt;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stapel::broker::Destroys;
use stapel::{Broker, Clock, Timestamp};

/// How far the wall clock may be set, in all, before that makes it doubtful: as far as the broker lets two callers'
/// clocks be apart, so that less changes nothing that it decides.
pub const LONGEST_STEP: Duration = Duration::from_secs(60);

/// How far the wall clock may be from what messages of two organisations say, to be taken for right by them.
const AGREES_WITHIN: u64 = 300;

/// How often the kernel is asked whether its clock is kept in step with others.
const ASKED_EVERY: Duration = Duration::from_secs(60);

/// How long `timedatectl` may take to say so.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);

/// The clocks of a machine.
pub trait Source: Send + Sync {
    /// The wall clock: since 1970.
    fn wall(&self) -> Duration;

    /// The clock that cannot be set: since the machine's start, sleep included.
    fn boot(&self) -> Duration;

    /// Whether the kernel says that the wall clock is kept in step with others. It may take seconds.
    fn is_synchronised(&self) -> bool;
}

/// A clock that stands still at a moment, and yet says that it is kept in step with others, so that keys may be
/// destroyed by it. For tests and examples alone: under it nothing becomes due.
#[derive(Clone, Copy, Debug)]
pub struct FrozenForTests(pub Timestamp);

impl Source for FrozenForTests {
    fn wall(&self) -> Duration {
        Duration::from_secs(self.0.0)
    }

    fn boot(&self) -> Duration {
        self.wall()
    }

    fn is_synchronised(&self) -> bool {
        true
    }
}

/// The clocks of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Source for Machine {
    fn wall(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn boot(&self) -> Duration {
        #[cfg(target_os = "linux")]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let id = rustix::time::ClockId::Monotonic;
        let since = rustix::time::clock_gettime(id);
        let (seconds, nanoseconds) = (u64::try_from(since.tv_sec), u32::try_from(since.tv_nsec));
        Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
    }

    /// Asks `timedatectl`, which reads the kernel's own state (`adjtimex`), whichever program keeps the clock in step.
    /// It does not make that system call itself: none of the crates that this one depends on wraps it safely, and
    /// unsafe code is forbidden here. Where the program is missing or does not answer, nothing is known: `false`.
    fn is_synchronised(&self) -> bool {
        let mut asked = Command::new("/usr/bin/timedatectl");
        asked.args(["show", "--property=NTPSynchronized", "--value"]).env_clear();
        asked.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut child) = asked.spawn() else { return false };
        let begun = Instant::now();
        let ended = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status.success(),
                Ok(None) if begun.elapsed() < LONGEST_ANSWER => thread::sleep(Duration::from_millis(20)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return false;
                }
            }
        };
        let mut said = String::new();
        let read = child.stdout.take().map(|stdout| stdout.take(16).read_to_string(&mut said));
        ended && matches!(read, Some(Ok(_))) && said.trim() == "yes"
    }
}

/// The clock of a broker that runs by itself.
pub struct ServiceClock {
    source: Box<dyn Source>,
    seen: Mutex<Seen>,
}

/// What was seen of the machine's clocks.
struct Seen {
    /// The wall clock less the boot clock, in milliseconds, when this began, or when the clock was last found right.
    began: i64,
    /// The same, where messages of two organisations agreed with it since.
    agreed: i64,
    is_synchronised: bool,
    /// Whether it ever was: a clock that is first put in step by being set back was merely wrong before.
    was_synchronised: bool,
    /// By the boot clock, when the kernel was last asked.
    asked: Duration,
}

/// What the machine says of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockState {
    /// Whether the kernel says that it is kept in step with others.
    pub is_synchronised: bool,
    /// By how many seconds it was set, in all, since this began or a person said that it is right; set back is below 0.
    pub set_by: i64,
    /// Whether that is more than [`LONGEST_STEP`].
    pub was_set: bool,
}

impl ServiceClock {
    /// A clock that begins now.
    pub fn new(source: impl Source + 'static) -> ServiceClock {
        let source: Box<dyn Source> = Box::new(source);
        let is_synchronised = source.is_synchronised();
        let (_, difference, asked) = read(&*source);
        let (began, agreed, was_synchronised) = (difference, difference, is_synchronised);
        let seen = Seen { began, agreed, is_synchronised, was_synchronised, asked };
        ServiceClock { source, seen: Mutex::new(seen) }
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.source.wall().as_secs())
    }

    /// What `broker` is to be told that the time is.
    ///
    /// - It is trusted where the clock was not set since this began, where it is kept in step with others, or where
    ///   messages of two organisations agree with it.
    /// - By it all that is over may be destroyed where it is kept in step and was not set; where it was set, what was
    ///   over at the moment that messages of two organisations are dated at or after; where it is not kept in step,
    ///   nothing.
    pub fn read(&self, broker: &Broker) -> Clock {
        self.read_with(broker.attested())
    }

    fn read_with(&self, attested: Timestamp) -> Clock {
        let mut seen = self.seen();
        let (now, difference, _) = read(&*self.source);
        if is_set(seen.agreed, difference) && now.0.abs_diff(attested.0) <= AGREES_WITHIN {
            seen.agreed = difference;
        }
        let was_set = is_set(seen.began, difference);
        let is_trusted = !was_set || !is_set(seen.agreed, difference) || seen.is_synchronised;
        let destroys = match (seen.is_synchronised, was_set) {
            (true, false) => Destroys::Ended,
            (true, true) => Destroys::Attested,
            (false, _) => Destroys::Nothing,
        };
        let clock = if is_trusted { Clock::from(now) } else { Clock::untrusted(now) };
        clock.destroying(destroys)
    }

    /// Asks the kernel whether its clock is kept in step, where it was not asked within a minute. It may take seconds,
    /// so that only the schedule calls this.
    pub fn ask_kernel(&self) {
        let due = self.source.boot().saturating_sub(self.seen().asked) >= ASKED_EVERY;
        if !due {
            return;
        }
        let is_synchronised = self.source.is_synchronised();
        let mut seen = self.seen();
        let (_, difference, asked) = read(&*self.source);
        seen.asked = asked;
        seen.is_synchronised = is_synchronised;
        if is_synchronised && !seen.was_synchronised {
            seen.was_synchronised = true;
            // Set back, what has ended stays a while longer. Set forward, it would be destroyed on the word of one
            // source of time.
            if difference <= seen.began {
                (seen.began, seen.agreed) = (difference, difference);
            }
        }
    }

    /// A person says that the clock is right: what it was set by before is no matter.
    pub fn accept(&self) {
        let mut seen = self.seen();
        let (_, difference, _) = read(&*self.source);
        (seen.began, seen.agreed) = (difference, difference);
    }

    /// What the machine says of its clock.
    pub fn state(&self) -> ClockState {
        let seen = self.seen();
        let (_, difference, _) = read(&*self.source);
        let set_by = difference.saturating_sub(seen.began) / 1_000;
        ClockState { is_synchronised: seen.is_synchronised, set_by, was_set: is_set(seen.began, difference) }
    }

    /// The clock that cannot be set, since the machine's start.
    pub(super) fn boot(&self) -> Duration {
        self.source.boot()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ServiceClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServiceClock").field(&self.state()).finish()
    }
}

/// The wall clock, by how many milliseconds it is ahead of the boot clock, and that.
fn read(source: &dyn Source) -> (Timestamp, i64, Duration) {
    let (boot, wall) = (source.boot(), source.wall());
    let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    (Timestamp(wall.as_secs()), milliseconds(wall).saturating_sub(milliseconds(boot)), boot)
}

/// Whether the clock was set by more than is no matter.
fn is_set(before: i64, now: i64) -> bool {
    u128::from(before.abs_diff(now)) > LONGEST_STEP.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    #[derive(Default)]
    struct Told {
        wall: AtomicU64,
        boot: AtomicU64,
        is_synchronised: AtomicBool,
    }

    impl Source for Arc<Told> {
        fn wall(&self) -> Duration {
            Duration::from_secs(self.wall.load(Ordering::Relaxed))
        }

        fn boot(&self) -> Duration {
            Duration::from_secs(self.boot.load(Ordering::Relaxed))
        }

        fn is_synchronised(&self) -> bool {
            self.is_synchronised.load(Ordering::Relaxed)
        }
    }

    const NOON: u64 = 1_796_126_400;

    fn begin(is_synchronised: bool) -> (Arc<Told>, ServiceClock) {
        let told = Arc::new(Told::default());
        told.wall.store(NOON, Ordering::Relaxed);
        told.boot.store(500, Ordering::Relaxed);
        told.is_synchronised.store(is_synchronised, Ordering::Relaxed);
        (Arc::clone(&told), ServiceClock::new(told))
    }

    /// Lets time pass, by each clock.
    fn pass(told: &Told, wall: i64, boot: u64) {
        told.wall.store(told.wall.load(Ordering::Relaxed).saturating_add_signed(wall), Ordering::Relaxed);
        told.boot.fetch_add(boot, Ordering::Relaxed);
    }

    fn says(clock: &ServiceClock, attested: u64) -> (bool, Destroys) {
        let Clock { now, trusted, destroys } = clock.read_with(Timestamp(attested));
        assert_eq!(now, clock.now());
        (trusted, destroys)
    }

    #[test]
    fn a_clock_in_step_that_was_not_set_may_destroy_and_small_steps_add_up() {
        let (told, clock) = begin(true);
        assert_eq!(says(&clock, 0), (true, Destroys::Ended));
        pass(&told, 90 * 86_400, 90 * 86_400);
        assert_eq!(says(&clock, 0), (true, Destroys::Ended));
        pass(&told, 59, 0);
        assert_eq!(says(&clock, 0), (true, Destroys::Ended));
        pass(&told, 2, 0);
        assert_eq!(says(&clock, 0), (true, Destroys::Attested));
        assert_eq!(clock.state(), ClockState { is_synchronised: true, set_by: 61, was_set: true });
        clock.accept();
        assert_eq!(says(&clock, 0), (true, Destroys::Ended));
        pass(&told, -61, 0);
        assert_eq!(says(&clock, 0), (true, Destroys::Attested), "set back is set, too");
    }

    #[test]
    fn a_clock_that_is_not_in_step_is_answered_by_until_it_is_set() {
        let (told, clock) = begin(false);
        pass(&told, 86_400, 86_400);
        assert_eq!(says(&clock, 0), (true, Destroys::Nothing));
        pass(&told, 3_600, 0);
        assert_eq!(says(&clock, 0), (false, Destroys::Nothing));
        let now = NOON + 90_000;
        assert_eq!(says(&clock, now - 301), (false, Destroys::Nothing));
        assert_eq!(says(&clock, now - 300), (true, Destroys::Nothing), "two organisations agree");
        pass(&told, 86_400, 86_400);
        assert_eq!(says(&clock, now - 300), (true, Destroys::Nothing), "and did");
        pass(&told, -120, 0);
        assert_eq!(says(&clock, now - 300), (false, Destroys::Nothing));
        clock.accept();
        assert_eq!(says(&clock, now - 300), (true, Destroys::Nothing));
    }

    #[test]
    fn a_clock_that_is_first_put_in_step_forward_waits_for_two_organisations() {
        let (told, clock) = begin(false);
        pass(&told, 7_200, 60);
        told.is_synchronised.store(true, Ordering::Relaxed);
        clock.ask_kernel();
        assert_eq!(says(&clock, 0), (true, Destroys::Attested));
    }

    #[test]
    fn a_clock_is_first_put_in_step_by_a_step_back_that_is_no_fault() {
        let (told, clock) = begin(false);
        pass(&told, -7_200, 30);
        told.is_synchronised.store(true, Ordering::Relaxed);
        clock.ask_kernel();
        assert_eq!(says(&clock, 0), (false, Destroys::Nothing), "the kernel was asked less than a minute ago");
        pass(&told, 30, 30);
        clock.ask_kernel();
        assert_eq!(says(&clock, 0), (true, Destroys::Ended));
        // It was in step before, so that what happens now is no first step.
        told.is_synchronised.store(false, Ordering::Relaxed);
        pass(&told, 60, 60);
        clock.ask_kernel();
        assert_eq!(says(&clock, 0), (true, Destroys::Nothing));
        told.is_synchronised.store(true, Ordering::Relaxed);
        pass(&told, 3_600, 60);
        clock.ask_kernel();
        assert_eq!(says(&clock, 0), (true, Destroys::Attested));
    }

    #[test]
    fn this_machine_has_clocks() {
        let (first, _, before) = read(&Machine);
        let (second, _, after) = read(&Machine);
        assert!(first > Timestamp(0) && second >= first && after >= before && before > Duration::ZERO);
        let _ = Machine.is_synchronised();
    }
}
