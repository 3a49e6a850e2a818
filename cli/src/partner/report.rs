//! What replies, news and the dossier say, as text and as JSON.

mod talk;

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use stapel::Timestamp;
use stapel::message::{Code, Kind, Receipt, Rejection, Standing, StatusReply, Told};
use stapel::partner::{
    Answered, Caller, Case, Complaint, DossierEntry, DossierEvent, FullSetDue, News, Next, Partner, PrunedJournal,
    Received,
};
use stapel::policy::Lang;
use stapel_service::journal_words;

use super::refs::Refs;
use crate::failure::Failure;
use crate::output::{Output, Shown, counted, merge, plain};
pub(super) use talk::{conversation, conversation_line, lets_more_know, more_news, says, talk_news, who};

/// What a reply says; `kind` is that of the message that it is to, where that is known.
pub(super) fn received(
    (path, kind): (&Path, Option<Kind>),
    received: &Received,
    partner: &Partner,
    refs: &Refs,
    now: Timestamp,
    as_json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let file = path.display().to_string();
    if !as_json {
        write!(out, "{}: ", path.shown())?;
    }
    match received {
        Received::Receipt(receipt) if as_json => out.json(&receipt_json(&file, receipt)),
        Received::Receipt(receipt) => {
            let Receipt { added, changed, withdrawn, held, .. } = receipt;
            let held = counted(*held, "flag", "flags");
            writeln!(out, "accepted: {added} added, {changed} changed, {withdrawn} withdrawn; {held} held")?;
            Ok(())
        }
        Received::Kept(kept) => talk::kept(&file, kept, as_json, out),
        Received::Posted(posted) => talk::posted(&file, posted, as_json, out),
        Received::Totals(totals) => talk::totals(&file, totals, as_json, out),
        Received::Answer(answer) => answered(&file, answer, partner, refs, now, as_json, out),
        Received::Status { status, complaint } if as_json => out.json(&status_json(&file, status, complaint.as_ref())),
        Received::Status { status, complaint } => status_text(status, complaint.as_ref(), partner, now, out),
        Received::Rejection { rejection, next } => {
            let asks_there = u32::try_from(rejection.number).is_ok_and(|epoch| can_ask_in(partner, epoch));
            let next = next_after(kind, rejection.code, *next, asks_there);
            rejected(&file, "rejection", rejection, Some(next), as_json, out)
        }
        Received::Late(rejection) => rejected(&file, "late", rejection, None, as_json, out),
        Received::Hint(rejection) => rejected(&file, "hint", rejection, Some(HINT), as_json, out),
        _ => {
            writeln!(out, "a reply that this version does not know")?;
            Ok(())
        }
    }
}

/// One piece of news.
pub(super) fn news(
    news: &News,
    partner: &Partner,
    refs: &Refs,
    as_json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let cap = cap(partner);
    let refs: Vec<&str> = refs.of(&news.address).into_iter().collect();
    let typed = partner.typed(&news.address);
    let (before, now) = (news.change.before(), news.change.now());
    if as_json {
        let shown = |number: Option<Told>| number.map(|number| stacked_json(number, cap));
        return out.json(&json!({
            "news": news.change.as_str(), "address": news.address.as_str(), "level": news.address.level().as_str(),
            "typed": typed_json(&typed), "refs": refs,
            "before": shown(before), "now": shown(now),
        }));
    }
    let text = match (before, now) {
        (None, Some(now)) => format!("newly {}", journal_words::stacked(now, cap, Lang::En)),
        (Some(before), Some(now)) => format!(
            "{}, before {}",
            journal_words::stacked(now, cap, Lang::En),
            journal_words::stacked(before, cap, Lang::En)
        ),
        _ => "no longer stacked".to_owned(),
    };
    writeln!(out, "{}{}  {text}{}", news.address.as_str(), typed_text(&typed), refs_text(&refs))?;
    Ok(())
}

/// What the journal no longer has.
pub(super) fn pruned_line(pruned: &PrunedJournal) -> String {
    journal_words::pruned(pruned, Lang::En)
}

/// The same as JSON.
pub(super) fn pruned_json(pruned: &PrunedJournal) -> Value {
    let PrunedJournal { records, from, to, head } = pruned;
    json!({ "records": records, "from": from.to_string(), "to": to.to_string(), "head": head.to_string() })
}

/// One thing that was done with an address.
pub(super) fn dossier(entry: &DossierEntry, partner: &Partner, as_json: bool, out: &mut Output) -> Result<(), Failure> {
    let cap = cap(partner);
    let place = journal_words::place(&entry.place, Lang::En, |number| who(partner, number));
    let text = journal_words::event(&entry.event, cap, Lang::En) + &place;
    let details = match &entry.event {
        DossierEvent::Flagged { last_day } => json!({ "last_day": last_day.to_string() }),
        DossierEvent::Renewed { last_day, reason } => {
            json!({ "last_day": last_day.to_string(), "reason": reason.as_str() })
        }
        DossierEvent::Asked { epoch, number, sweep } => {
            let sweep = sweep.as_ref().map(|reason| reason.as_str());
            json!({ "epoch": epoch, "number": number, "sweep": sweep })
        }
        DossierEvent::Answered { epoch, number, standing, release, as_of, log } => {
            let mut details = standing_json(*standing, cap);
            details["epoch"] = (*epoch).into();
            details["number"] = (*number).into();
            details["release"] = (*release).into();
            details["as_of"] = as_of.to_string().into();
            details["log_index"] = log.index.into();
            details["log_leaf"] = log.leaf.to_string().into();
            details
        }
        _ => json!({}),
    };
    let (actor, case) = entry.by.as_ref().map(|by| (by.actor(), by.reference())).unzip();
    let caller = entry.by.as_ref().map(Case::caller);
    let (time, address) = (entry.time.to_string(), entry.address.as_str());
    if as_json {
        let mut value = json!({
            "record": entry.record, "time": time, "event": entry.event.as_str(), "address": address,
            "level": entry.address.level().as_str(), "typed": typed_json(&entry.typed), "actor": actor,
            "case": case, "caller": caller.map(Caller::as_str),
            "uid": caller.and_then(Caller::uid), "conversations": entry.place.conversations, "to": entry.place.to,
        });
        merge(&mut value, details);
        return out.json(&value);
    }
    let by = actor.zip(case).map_or(String::new(), |(actor, case)| format!("; {actor} for {case}"));
    let through = through(entry.by.as_ref());
    writeln!(out, "{time}  {address}{}  {text}{by}{through}", typed_text(&entry.typed))?;
    Ok(())
}

/// Through whom a call came that the process did not make for itself.
pub(super) fn through(by: Option<&Case>) -> String {
    let caller = by.map(Case::caller).filter(|caller| *caller != Caller::OwnProcess);
    caller.map_or(String::new(), |caller| format!(", through {caller}"))
}

const HINT: &str = "this is not signed, so the message is still waited for: see whether the message, the roster and \
                    the way to the broker are right, and send it again";

fn answered(
    file: &str,
    answer: &Answered,
    partner: &Partner,
    refs: &Refs,
    now: Timestamp,
    as_json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let cap = cap(partner);
    let Answered { by, epoch, release, as_of, until, organisations, fresh, rows, .. } = answer;
    if as_json {
        out.json(&json!({
            "reply": "answer", "file": file, "actor": by.actor(), "case": by.reference(), "epoch": epoch,
            "release": release, "as_of": as_of.to_string(), "until": until.to_string(), "organisations": organisations,
            "fresh": fresh, "standings": rows.len(),
        }))?;
    } else {
        let (actor, case) = (by.actor(), by.reference());
        writeln!(
            out,
            "answer to {actor} for {case}, as of release {release} ({as_of}), {}; {fresh} of {organisations} \
             organisations fresh",
            holds(*until, now)
        )?;
    }
    for (address, standing) in rows {
        let refs: Vec<&str> = refs.of(address).into_iter().collect();
        // A question about own flags has no texts; the flags have.
        let typed = Some(answer.typed(address)).filter(|typed| !typed.is_empty());
        let typed = typed.map_or_else(|| partner.typed(address), str::to_owned);
        if as_json {
            let one_or_none = if refs.is_empty() { vec![None] } else { refs.into_iter().map(Some).collect() };
            for reference in one_or_none {
                let mut value = json!({
                    "reply": "standing", "ref": reference, "address": address.as_str(),
                    "level": address.level().as_str(),
                    "typed": typed_json(&typed),
                });
                merge(&mut value, standing_json(*standing, cap));
                out.json(&value)?;
            }
        } else {
            let (address, typed) = (address.as_str(), typed_text(&typed));
            writeln!(
                out,
                "  {address}{typed}  {}{}",
                journal_words::standing(*standing, cap, Lang::En),
                refs_text(&refs)
            )?;
        }
    }
    Ok(())
}

fn rejected(
    file: &str,
    word: &str,
    rejection: &Rejection,
    next: Option<&str>,
    as_json: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let (code, sentence) = (rejection.code.as_str(), &rejection.sentence);
    if as_json {
        return out.json(&json!({
            "reply": word, "file": file, "code": code, "number": rejection.number, "sentence": sentence, "next": next,
        }));
    }
    let next = next.unwrap_or("it was no longer waited for; nothing changed");
    let word = if word == "hint" { "not accepted, says somebody" } else { "not accepted" };
    writeln!(out, "{word}: {} [{code}]; {next}", plain(sentence))?;
    Ok(())
}

fn receipt_json(file: &str, receipt: &Receipt) -> Value {
    let Receipt { release, part, added, changed, withdrawn, held, .. } = receipt;
    json!({
        "reply": "receipt", "file": file, "release": release, "part": part.0, "of": part.1, "added": added,
        "changed": changed, "withdrawn": withdrawn, "held": held, "log_index": receipt.log.index,
        "log_leaf": receipt.log.leaf.to_string(),
    })
}

/// A full set that is due.
pub(super) fn due_json(due: &FullSetDue) -> Value {
    json!({ "epoch": due.epoch, "unknown_flags": due.unknown_flags })
}

/// The same on one line.
pub(super) fn due_line(due: &FullSetDue) -> String {
    let line = format!("epoch {}: the next delivery must be a full set, and will be", due.epoch);
    if !due.unknown_flags {
        return line;
    }
    format!(
        "{line}. The broker may hold flags that this folder does not know of, and refuses a set that lacks many of \
         them (shrink): see whether the set is complete, and if it is, give all of it with stapel partner full \
         --allow-shrink, and deliver"
    )
}

/// A complaint about the broker's log.
pub(super) fn complaint_json(complaint: &Complaint) -> Value {
    json!({ "code": complaint.code, "text": complaint.text, "evidence": evidence(complaint) })
}

/// The same on one line.
pub(super) fn complaint_line(complaint: &Complaint) -> String {
    let Complaint { code, text, .. } = complaint;
    format!("COMPLAINT ({code}): {}; evidence: {}", text.replace('\n', " "), evidence(complaint).join(", "))
}

fn evidence(complaint: &Complaint) -> Vec<String> {
    complaint.evidence.iter().map(|path| path.display().to_string()).collect()
}

fn status_json(file: &str, status: &StatusReply, complaint: Option<&Complaint>) -> Value {
    let complaint = complaint.map(complaint_json);
    json!({
        "reply": "status", "file": file, "release": status.release, "as_of": status.as_of.to_string(),
        "until": status.until.to_string(), "accepted_state": status.accepted_state,
        "highest_state": status.highest_state, "highest_question": status.highest_question, "held": status.held,
        "full_set_required": status.full_set_required, "new_flags_left": status.new_flags_left,
        "first_sets_left": status.first_sets_left, "held_left": status.held_left,
        "asked_left_today": status.asked_left_today, "asked_left_epoch": status.asked_left_epoch,
        "swept_left_today": status.swept_left_today, "status_left_today": status.status_left_today,
        "complaint": complaint,
    })
}

/// How long what a reply says stays so, or that it may not be so any more where the reply was read late.
fn holds(until: Timestamp, now: Timestamp) -> String {
    if now < until { format!("the same until {until}") } else { format!("which may have changed since {until}") }
}

fn status_text(
    status: &StatusReply,
    complaint: Option<&Complaint>,
    partner: &Partner,
    now: Timestamp,
    out: &mut Output,
) -> Result<(), Failure> {
    let StatusReply { release, as_of, until, .. } = status;
    // Whoever brings others together has no flags, and asks about none.
    let coordinates = partner.policy().policy().partner(partner.number()).is_some_and(|own| own.may.coordinate);
    let held = counted(status.held, "flag", "flags");
    let held = if coordinates { String::new() } else { format!("; {held} held") };
    writeln!(out, "release {release} as of {as_of}, {}{held}", holds(*until, now))?;
    if !coordinates {
        status_of_flags(status, out)?;
    }
    if let Some(complaint) = complaint {
        writeln!(out, "  COMPLAINT ({}): {}", complaint.code, complaint.text)?;
        for path in &complaint.evidence {
            writeln!(out, "  evidence: {}", path.shown())?;
        }
    }
    Ok(())
}

/// What a status says of flags and questions.
fn status_of_flags(status: &StatusReply, out: &mut Output) -> Result<(), Failure> {
    let (state, question) = (status.accepted_state, status.highest_question);
    writeln!(out, "  last accepted: state message {state}; last question used: {question}")?;
    let (flags, asked, epoch) = (status.new_flags_left, status.asked_left_today, status.asked_left_epoch);
    let StatusReply { first_sets_left, held_left, swept_left_today, status_left_today, .. } = status;
    writeln!(
        out,
        "  the organisation can still, today: set {flags} new flags, ask about {asked} addresses, of which \
         {swept_left_today} without an own flag (sweeps), and ask {status_left_today} times where it stands; in this \
         epoch: hold {held_left} more flags, and ask about {epoch} addresses"
    )?;
    if *first_sets_left > 0 {
        writeln!(out, "  first full sets may bring {first_sets_left} flags beyond those of today")?;
    }
    if status.full_set_required {
        writeln!(out, "  the next delivery must be a full set, and will be")?;
    }
    Ok(())
}

/// Whether the partner's next question can be in this epoch.
fn can_ask_in(partner: &Partner, epoch: u32) -> bool {
    let policy = partner.policy().policy();
    let takes_part = policy.partner(partner.number()).is_some_and(|own| policy.takes_part(&own.organisation, epoch));
    takes_part && partner.epochs().any(|own| own == epoch)
}

/// What to do after a rejection of a message of some kind.
fn next_after(kind: Option<Kind>, code: Code, next: Next, asks_there: bool) -> &'static str {
    match kind {
        Some(Kind::TotalsRequest) => talk::next_of_totals(code, next, asks_there),
        Some(Kind::PutForward | Kind::Exchange) => talk::next_of(code, next, asks_there),
        Some(Kind::Year) => talk::next_of_year(code, next),
        _ => next_of(code, next, asks_there),
    }
}

/// What to do after a rejection of flags or a question. `asks_there` is whether the partner can ask in the epoch that
/// the rejection names.
fn next_of(code: Code, next: Next, asks_there: bool) -> &'static str {
    match code {
        Code::NotCertified => "deliver or ask again once the broker has a certificate that holds",
        Code::NotYetAnswering => "no epoch answers yet: ask again after the broker's next release",
        Code::OtherEpoch if asks_there => "ask again: the next question is in that epoch",
        Code::OtherEpoch => {
            "an epoch answers still in which this partner cannot ask: ask again after the releases to come, until its \
             own answers; if it is to take part in that one already, add its secret"
        }
        Code::Recovering => {
            "the broker was put back from a copy: deliver, and ask again. If there is nothing to deliver, ask again \
             all the same: that reply says what the broker needs, so deliver after it once more"
        }
        _ => next_text(next),
    }
}

fn next_text(next: Next) -> &'static str {
    match next {
        Next::Again => "deliver or ask again: what was wrong is put right in the next message",
        Next::Resend => "send the same message again later",
        Next::FetchPolicy => "fetch the policy in force, adopt it, and deliver or ask again",
        Next::Wait => {
            "deliver again, and what fits goes today, or ask about less; a day's budgets are new at 00:00 UTC, an \
             epoch's with the next epoch"
        }
        Next::DeclareShrink => {
            "see whether the set is complete, and if it is, give all of it with stapel partner full --allow-shrink, \
             and deliver"
        }
        Next::Renew => "look at the flags again, and renew those that are still right with flag --renew REASON",
        Next::End => "withdraw the flags that cannot be renewed any more; flag them again only on a new observation",
        Next::SetClock => {
            "if this side's clock is wrong, set it right; else the message came too late: deliver or ask again, and \
             send it sooner"
        }
        _ => "ask the coordinator: this software, the roster and the broker do not agree",
    }
}

fn cap(partner: &Partner) -> u8 {
    partner.policy().policy().counting.count_cap
}

fn standing_json(standing: Standing, cap: u8) -> Value {
    let mut value = json!({ "standing": standing.as_str() });
    if let Some(number) = standing.told() {
        merge(&mut value, stacked_json(number, cap));
    }
    value
}

/// `count` is exact, `at_least` is not.
fn stacked_json(number: Told, cap: u8) -> Value {
    match number.at_least() {
        None => json!({}),
        Some(count) if number.is_exact(cap) => json!({ "count": count }),
        Some(least) => json!({ "at_least": least }),
    }
}

/// An address as it was written, after its key.
pub(super) fn typed_text(typed: &str) -> String {
    if typed.is_empty() { String::new() } else { format!("  ({})", plain(typed)) }
}

pub(super) fn typed_json(typed: &str) -> Option<&str> {
    Some(typed).filter(|typed| !typed.is_empty())
}

fn refs_text(refs: &[&str]) -> String {
    if refs.is_empty() { String::new() } else { format!("  {}", plain(&refs.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(code: Code, asks_there: bool) -> &'static str {
        next_of(code, Next::after(code), asks_there)
    }

    #[test]
    fn what_to_do_is_what_helps() {
        assert!(next(Code::NotYetAnswering, false).ends_with("ask again after the broker's next release"));
        assert!(next(Code::OverBudget, false).contains("budgets"));
        assert!(next(Code::OtherEpoch, true).contains("the next question is in that epoch"));
        assert!(next(Code::OtherEpoch, false).contains("until its own answers"), "it asked in no other one before");
        assert!(next(Code::Clock, false).contains("the message came too late"));
        assert!(next(Code::Recovering, false).contains("ask again all the same"));
    }

    #[test]
    fn what_to_do_is_said_of_the_message_that_was_refused() {
        let after = |kind: Kind, code: Code, is_own: bool| next_after(Some(kind), code, Next::after(code), is_own);
        assert!(after(Kind::Question, Code::OtherEpoch, true).contains("the next question"));
        let totals = after(Kind::TotalsRequest, Code::OtherEpoch, true);
        assert!(totals.contains("stapel partner totals") && totals.contains("the next request"), "{totals}");
        for takes_part in [true, false] {
            let rows = after(Kind::PutForward, Code::OtherEpoch, takes_part);
            assert!(rows.contains("stapel partner talk") && rows.contains("no row is kept"), "{rows}");
            assert!(!rows.contains("question") && !rows.contains("ask "), "{rows}");
            assert_eq!(rows.contains("put forward again"), takes_part);
        }
        for (kind, goes_on) in [(Kind::PutForward, "talk"), (Kind::Exchange, "talk"), (Kind::Year, "year-report")] {
            for code in [Code::Stale, Code::Recovering, Code::WrongPolicy, Code::Clock, Code::NotCertified] {
                assert!(after(kind, code, true).contains(&format!("stapel partner {goes_on}")), "{code:?}");
            }
        }
        assert!(after(Kind::TotalsRequest, Code::NotYetAnswering, false).contains("ask again after the broker's next"));
    }
}
