//! Decides on a message of what comes after a hit whose numbers, policy and permission are in order.

use super::super::budgets::Cost;
use super::super::incoming::Incoming;
use super::super::rows::OrganisationRow;
use super::super::state::OpenEpoch;
use super::put_forward::{KeptRows, MeetSnapshot, TaggedRows, put_forward};
use super::rows::{SentToday, TotalsRow, YearRow};
use super::totals::totals;
use crate::day::{Day, Timestamp};
use crate::message::{Code, Exchange, Kind, Rejection, Year};
use crate::policy::Policy;

/// What a message asks.
pub(crate) enum MeetRequest {
    PutForward(TaggedRows),
    Exchange(Exchange),
    Totals,
    Year(Year),
}

/// What an accepted message does. Nothing of it is done yet.
pub(crate) enum MeetVerdict {
    PutForward(Box<KeptRows>),
    /// What waits and who is introduced is looked at when it is applied, because other organisations change it.
    Exchange(Exchange),
    Totals(TotalsRow),
    Year(u16, YearRow),
}

impl MeetRequest {
    /// How many pseudonyms it speaks of.
    pub(crate) fn count(&self) -> u32 {
        match self {
            MeetRequest::PutForward(rows) => rows.count(),
            _ => 0,
        }
    }
}

impl MeetVerdict {
    /// Counts the message as one of the sender's of its day.
    pub(crate) fn count(&self, today: Day, sent: &mut SentToday) {
        *sent = sent.on(today);
        match self {
            MeetVerdict::PutForward(_) => sent.put_forward = true,
            MeetVerdict::Exchange(_) => sent.exchanges = sent.exchanges.saturating_add(1),
            MeetVerdict::Totals(_) | MeetVerdict::Year(..) => {}
        }
    }
}

/// Whether the roster and the policy let a partner send that: step 10 of SPEC.md 5.3.
pub(crate) fn is_permitted(incoming: &Incoming<'_>) -> bool {
    let (policy, may) = (incoming.policy(), incoming.sender.entry.may);
    let meets = policy.meet.is_some();
    match incoming.header.kind {
        Kind::PutForward | Kind::Year => meets && may.flag,
        Kind::Exchange => meets && (may.flag || may.coordinate),
        Kind::TotalsRequest => may.ask && policy.counting.answers.is_some(),
        _ => false,
    }
}

pub(crate) fn decide_meet(
    incoming: &Incoming<'_>,
    (epoch, restored): (&OpenEpoch, Option<Timestamp>),
    (snapshot, spent): (&MeetSnapshot, &OrganisationRow),
    sent: SentToday,
    request: &MeetRequest,
) -> Result<(MeetVerdict, Cost), Rejection> {
    let free = |verdict| Ok((verdict, Cost::default()));
    let sent = sent.on(incoming.now.day());
    match (request, &incoming.policy().meet) {
        (MeetRequest::PutForward(_), Some(_)) if sent.put_forward => {
            let sentence = "what is put forward is said once a day, and today it was: say the rest tomorrow (UTC)";
            Err(Rejection::new(Code::OverBudget, 0, sentence))
        }
        (MeetRequest::Exchange(_), Some(meet)) if sent.exchanges >= meet.exchanges_a_day => {
            let a_day = meet.exchanges_a_day;
            let sentence = format!("the {a_day} exchanges of today were answered; send the next tomorrow (UTC)");
            Err(Rejection::new(Code::OverBudget, 0, sentence))
        }
        (MeetRequest::PutForward(said), Some(meet)) => {
            let (kept, cost) = put_forward(incoming, (meet, epoch), (snapshot, spent), said)?;
            Ok((MeetVerdict::PutForward(Box::new(kept)), cost))
        }
        (MeetRequest::Exchange(exchange), _) => {
            if exchange.notes.iter().any(|slot| slot.epoch != incoming.header.epoch) {
                let sentence = "a note is sealed with keys of another epoch than the message's";
                return Err(Rejection::new(Code::Malformed, 0, sentence));
            }
            free(MeetVerdict::Exchange(exchange.clone()))
        }
        (MeetRequest::Totals, _) => free(MeetVerdict::Totals(quarter(incoming, (epoch, restored), spent)?)),
        (MeetRequest::Year(year), _) => {
            let last = incoming.now.day().year() - 1;
            if year.year != last || snapshot.has_reported {
                let sentence = format!("a report is of the year before this one, {last}, and given once");
                return Err(Rejection::new(Code::NotPermitted, 0, sentence));
            }
            let cells = year.cells.iter().map(|cell| (cell.ways, cell.number)).collect();
            free(MeetVerdict::Year(year.year, YearRow { cells }))
        }
        (MeetRequest::PutForward(_), None) => Err(not_permitted(incoming.policy())),
    }
}

/// The rejection of what the policy or the roster does not have.
pub(crate) fn not_permitted(policy: &Policy) -> Rejection {
    let sentence = match (&policy.meet, policy.counting.answers) {
        (None, None) => "the policy has none of what comes after a hit",
        (_, Some(_)) => "under this policy nobody is answered or introduced: ask for totals",
        (Some(_), None) => "the roster does not let this partner do this",
    };
    Rejection::new(Code::NotPermitted, 0, sentence)
}

/// The totals of the quarter: those that were told in it before, or else those of the release in force.
fn quarter(
    incoming: &Incoming<'_>,
    (epoch, restored): (&OpenEpoch, Option<Timestamp>),
    spent: &OrganisationRow,
) -> Result<TotalsRow, Rejection> {
    let now = incoming.now.day().quarter();
    if let Some(told) = spent.totals.as_ref().filter(|told| told.as_of.day().quarter() == now) {
        return Ok(told.clone());
    }
    // Others may have been told since the copy was made, and two of them show what changed in between.
    if restored.is_some_and(|restored| restored.day().quarter() == now) {
        let sentence =
            "the broker was restored in this quarter, and does not know what was told in it: ask in the next";
        return Err(Rejection::new(Code::NotYetAnswering, 0, sentence));
    }
    let organisation = &incoming.sender.entry.organisation;
    Ok(totals(incoming.policy(), incoming.header.epoch, organisation, epoch))
}
