//! Who is signed in, by the random text that their browser has as a cookie. They are in memory alone: whoever has the
//! disk can be nobody, and a restart has all sign in anew.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stapel::Timestamp;

use super::person::Person;
use super::provider::{Provided, SignedOutThere};
use super::secret::{Fingerprint, fingerprint, is_same, random_text};

/// The most sessions. Where there are so many, the one that was used longest ago ends.
const MOST: usize = 1_000;

/// The most of one person, as for a browser at the office and one at home.
const MOST_OF_ONE: usize = 5;

/// The sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Fingerprint, Session>>);

/// One.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) person: Person,
    /// What each form has in it, so that another site's form is known from it.
    pub(super) csrf: String,
    /// What the provider knows it by, where there is one.
    pub(super) provided: Option<Provided>,
    began: Timestamp,
    used: Timestamp,
    /// Which of two that were used in one second was used first.
    turn: u64,
}

/// How long a session lasts, in seconds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Lasting {
    pub(super) idle: u64,
    pub(super) longest: u64,
}

impl Session {
    fn lasts(&self, now: Timestamp, lasting: Lasting) -> bool {
        let since = |moment: Timestamp| now.0.saturating_sub(moment.0);
        since(self.used) < lasting.idle && since(self.began) < lasting.longest
    }

    /// Whether a form has this session's text in it.
    pub(super) fn has_csrf(&self, given: Option<&str>) -> bool {
        given.is_some_and(|given| is_same(given, &self.csrf))
    }
}

impl Sessions {
    /// Begins one under an id that was never used, and gives that; `None` where the system has no random bits.
    pub(super) fn begin(
        &self,
        person: Person,
        provided: Option<Provided>,
        now: Timestamp,
        lasting: Lasting,
    ) -> Option<String> {
        let (id, csrf) = (random_text()?, random_text()?);
        let mut sessions = self.sessions();
        sessions.retain(|_, session| session.lasts(now, lasting));
        while sessions.values().filter(|session| session.person.actor == person.actor).count() >= MOST_OF_ONE {
            end_oldest(&mut sessions, |session| session.person.actor == person.actor);
        }
        while sessions.len() >= MOST {
            end_oldest(&mut sessions, |_| true);
        }
        let turn = next_turn(&sessions);
        let session = Session { person, csrf, provided, began: now, used: now, turn };
        sessions.insert(fingerprint(&id), session);
        Some(id)
    }

    /// The session of that id, which is used now.
    pub(super) fn find(&self, id: &str, now: Timestamp, lasting: Lasting) -> Option<Session> {
        let mut sessions = self.sessions();
        let key = fingerprint(id);
        let turn = next_turn(&sessions);
        match sessions.get_mut(&key) {
            Some(session) if session.lasts(now, lasting) => {
                (session.used, session.turn) = (now, turn);
                Some(session.clone())
            }
            there => {
                if there.is_some() {
                    sessions.remove(&key);
                }
                None
            }
        }
    }

    /// Ends it.
    pub(super) fn end(&self, id: &str) {
        self.sessions().remove(&fingerprint(id));
    }

    /// Ends those of whom the provider signed out.
    pub(super) fn end_of(&self, who: &SignedOutThere) {
        self.sessions().retain(|_, session| !session.provided.as_ref().is_some_and(|provided| who.is_of(provided)));
    }

    /// Ends all, because how people sign in is another now.
    pub(super) fn end_all(&self) {
        self.sessions().clear();
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<Fingerprint, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn next_turn(sessions: &HashMap<Fingerprint, Session>) -> u64 {
    sessions.values().map(|session| session.turn + 1).max().unwrap_or_default()
}

fn end_oldest(sessions: &mut HashMap<Fingerprint, Session>, of: impl Fn(&Session) -> bool) {
    let candidates = sessions.iter().filter(|(_, session)| of(session));
    if let Some(key) = candidates.min_by_key(|(_, session)| (session.used, session.turn)).map(|(key, _)| *key) {
        sessions.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTING: Lasting = Lasting { idle: 900, longest: 3_600 };

    fn person(name: usize) -> Person {
        Person::one_user(&format!("user {name}"))
    }

    #[test]
    fn a_session_ends_when_it_is_not_used_and_when_it_is_long() {
        let sessions = Sessions::default();
        let at = |seconds: u64| Timestamp(1_000 + seconds);
        let id = sessions.begin(person(1), None, at(0), LASTING).unwrap();
        for seconds in [899, 1_700, 2_500, 3_399] {
            assert!(sessions.find(&id, at(seconds), LASTING).is_some(), "{seconds}");
        }
        assert!(sessions.find(&id, at(3_600), LASTING).is_none());
        let id = sessions.begin(person(1), None, at(0), LASTING).unwrap();
        assert!(sessions.find(&id, at(900), LASTING).is_none());
        assert!(sessions.find(&id, at(0), LASTING).is_none(), "it is gone, not asleep");
        let id = sessions.begin(person(1), None, at(0), LASTING).unwrap();
        sessions.end(&id);
        assert!(sessions.find(&id, at(0), LASTING).is_none());
        let id = sessions.begin(person(1), None, at(0), LASTING).unwrap();
        sessions.end_all();
        assert!(sessions.find(&id, at(0), LASTING).is_none());
    }

    #[test]
    fn of_too_many_the_one_that_was_used_longest_ago_ends() {
        let sessions = Sessions::default();
        let now = Timestamp(1_000);
        let own: Vec<String> = (0..5).map(|_| sessions.begin(person(0), None, now, LASTING).unwrap()).collect();
        sessions.find(&own[0], now, LASTING).unwrap();
        sessions.begin(person(0), None, now, LASTING).unwrap();
        let there = |id: &String| sessions.sessions().contains_key(&fingerprint(id));
        assert_eq!(own.iter().map(there).collect::<Vec<_>>(), [true, false, true, true, true]);
        for other in 1..=MOST - 5 {
            sessions.begin(person(other), None, now, LASTING).unwrap();
        }
        let count = || sessions.sessions().len();
        assert_eq!(count(), MOST);
        assert!(there(&own[2]));
        sessions.begin(person(MOST), None, now, LASTING).unwrap();
        assert_eq!(count(), MOST);
        assert!(!there(&own[2]));
    }

    #[test]
    fn a_form_of_another_session_is_none_of_this_one() {
        let sessions = Sessions::default();
        let find = |id: &str| sessions.find(id, Timestamp(1), LASTING).unwrap();
        let [one, other] = [1, 2].map(|name| sessions.begin(person(name), None, Timestamp(1), LASTING).unwrap());
        let (one, other) = (find(&one), find(&other));
        assert!(one.has_csrf(Some(&one.csrf.clone())) && !one.has_csrf(Some(&other.csrf)));
        assert!(!one.has_csrf(None) && !one.has_csrf(Some("")));
    }
}
