//! What comes after a hit: what is put forward, what waits at the broker, and notes.

use stapel::message::{Code, Kind};
use stapel::partner::Next;

use super::{Outcome, ROUNDS, Run};
use crate::failure::Failure;
use crate::output::Output;

impl Run<'_> {
    /// Sends the day's messages, as many as on every day, by which what waits is fetched too. What the broker refuses
    /// of it keeps nothing else from being done.
    pub(super) fn talk(&mut self, out: &mut Output) -> Result<(), Failure> {
        // Whom one is told of is known by a certificate, and so is whom one writes to.
        let fetched = self.renewed(out).map(drop);
        self.go_on(fetched)?;
        for _ in 0..ROUNDS {
            let last = self.talk_once(out)?;
            let again = match last {
                // A message of an earlier run came too late; made now, it is in time.
                Some(Outcome::Rejected(Code::Clock, _)) | Some(Outcome::Rejected(_, Next::Again)) => true,
                Some(Outcome::Rejected(Code::NotCertified, _)) => self.renewed(out)?,
                _ => false,
            };
            if again {
                continue;
            }
            let waits = self.open()?.in_flight().any(|message| is_talk(message.kind));
            let is_unheard = matches!(last, Some(Outcome::Rejected(Code::Clock | Code::NotCertified, _)));
            if waits || is_unheard {
                break;
            }
            let today = self.today()?.0;
            return self.record.change(|kept| kept.talked = Some(today));
        }
        Ok(())
    }

    /// One message after another, until the partner has none, or one was not accepted; what came of the last.
    fn talk_once(&mut self, out: &mut Output) -> Result<Option<Outcome>, Failure> {
        let mut last = None;
        loop {
            let now = self.now()?;
            let mut partner = self.open()?;
            partner.resume_talk(self.talk);
            let made = partner.talk(now);
            self.talk = partner.talk_run();
            drop(partner);
            if made?.is_none() {
                return Ok(last);
            }
            // One that the broker did not keep in this run waits for the next.
            let Some(flight) = self.next(is_talk)? else { return Ok(last) };
            last = Some(self.carry(&flight, out)?);
        }
    }
}

/// Whether a message is one of what comes after a hit.
fn is_talk(kind: Kind) -> bool {
    matches!(kind, Kind::PutForward | Kind::Exchange | Kind::TotalsRequest | Kind::Year)
}
