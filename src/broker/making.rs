//! While a release is made, the state is free for questions; who would change what partners hold waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, MutexGuard, PoisonError};

use super::Broker;
use super::state::State;
use crate::error::Error;

/// Tells those who wait that no release is being made any more.
#[derive(Default)]
pub(super) struct Rest {
    begun: AtomicU64,
    came: Condvar,
}

/// A release that is being made, until it ends or is dropped.
pub(super) struct Making<'a> {
    broker: &'a Broker,
    /// A state that was read anew from the store knows nothing of it.
    number: u64,
    ended: bool,
}

impl Broker {
    /// The state, once no release is being made.
    pub(super) fn state_at_rest(&self) -> Result<MutexGuard<'_, State>, Error> {
        loop {
            let state = self.state()?;
            if state.releasing.is_none() {
                return Ok(state);
            }
            drop(self.rest.came.wait(state).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Takes note that a release is being made; nobody else must be making one.
    pub(super) fn begin_making(&self, state: &mut State) -> Making<'_> {
        let number = self.rest.begun.fetch_add(1, Ordering::Relaxed);
        state.releasing = Some(number);
        Making { broker: self, number, ended: false }
    }
}

impl Making<'_> {
    /// Whether the state is still the one that the release was begun in; if not, the release must not be put in force.
    pub(super) fn end(mut self, state: &mut State) -> bool {
        self.ended = true;
        self.leave(state)
    }

    fn leave(&self, state: &mut State) -> bool {
        let mine = state.releasing == Some(self.number);
        if mine {
            state.releasing = None;
        }
        self.broker.rest.came.notify_all();
        mine
    }
}

/// It failed: nothing of it shows.
impl Drop for Making<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.leave(&mut self.broker.state.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pseudonym::Pseudonym;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use crate::broker::BrokerKeys;
    use crate::day::Timestamp;
    use crate::digest::Digest;
    use crate::message::{self, FullSet, Header, Kind, Part, Question, Reply, Request, Role, Unverified, VERSION};
    use crate::policy::{SignedPolicy, sample};

    const NOW: Timestamp = Timestamp(1_796_126_400);

    fn message(policy: &SignedPolicy, request: &Request<'_>) -> Vec<u8> {
        let header = Header {
            version: VERSION,
            kind: request.kind(),
            consortium: policy.policy().consortium.clone(),
            purpose: policy.policy().purpose.clone(),
            epoch: 1,
            key_id: policy.policy().epochs[0].key_id,
            partner: 1,
            sequence: 1,
            previous: 0,
            time: NOW,
            policy: policy.digest(),
            context: Digest::NONE,
            body_length: 0,
        };
        message::sign(&header, &request.encode(), &sample::partner_key(1)).unwrap()
    }

    fn kind(reply: &[u8]) -> Kind {
        let reply = Unverified::parse(reply, Role::Broker).unwrap();
        reply.verify(&sample::operator_key().verifying_key()).unwrap().reply().map(|reply: Reply| reply.kind()).unwrap()
    }

    #[test]
    fn while_a_release_is_made_questions_are_answered_and_state_messages_wait() {
        let policy = sample::signed();
        let keys = BrokerKeys::in_memory(sample::operator_key(), sample::checkpoint_key());
        let broker = Broker::in_memory(keys, policy.clone(), NOW).unwrap();
        let question = message(
            &policy,
            &Request::Question(Question { sweep: None, pseudonyms: &[Pseudonym::danger_from_remote_source([7; 16])] }),
        );
        let part = Part { number: 1, of: 1 };
        let set = FullSet { renewal: false, shrink: false, part, flagged: vec![] };
        let set = message(&policy, &Request::FullSet(set));
        let making = broker.begin_making(&mut broker.state().unwrap());
        let (done, accepted) = mpsc::channel();
        thread::scope(|scope| {
            // Dropped also where an assertion fails, so that the other thread ends.
            let making = making;
            scope.spawn(|| done.send(kind(&broker.handle(&set, NOW))).unwrap());
            assert!(accepted.recv_timeout(Duration::from_millis(100)).is_err(), "it waits");
            // That its own state message waits does not keep a partner from asking.
            assert_eq!(kind(&broker.handle(&question, NOW)), Kind::Answer);
            assert!(accepted.try_recv().is_err(), "it still waits");
            drop(making);
            assert_eq!(accepted.recv().unwrap(), Kind::Receipt);
        });
    }

    #[test]
    fn a_release_of_a_state_that_was_read_anew_is_not_put_in_force() {
        let policy = sample::signed();
        let keys = BrokerKeys::in_memory(sample::operator_key(), sample::checkpoint_key());
        let broker = Broker::in_memory(keys, policy, NOW).unwrap();
        let first = broker.begin_making(&mut broker.state().unwrap());
        broker.state().unwrap().ahead = true;
        let second = broker.begin_making(&mut broker.state().unwrap());
        assert!(!first.end(&mut broker.state().unwrap()));
        assert!(broker.state().unwrap().releasing.is_some(), "the other one is still being made");
        assert!(second.end(&mut broker.state().unwrap()));
        assert!(broker.state_at_rest().unwrap().releasing.is_none());
    }
}
