//! How a run ends: what there is to say of all of it, and when there is something to do next.

use std::io::Write;

use serde_json::json;
use stapel::Timestamp;

use super::super::day::{self, Due};
use super::super::fetched;
use super::{Run, Turn};
use crate::failure::{self, Failure, note};
use crate::output::{Output, counted};
use crate::partner::{logboek, report};

impl Run<'_> {
    /// Says what there is to say of all of it.
    pub(super) fn end(mut self, out: &mut Output) -> Result<Turn, Failure> {
        let now = self.now()?;
        self.send_to_logboek()?;
        let mut partner = self.open()?;
        let outbox = self.args.outbox.of(&self.args.place);
        self.failures.extend(outbox.clean(&partner, &[])?);
        let (news, talk_news) = (partner.untold_news()?.len(), partner.talk_news().len());
        let coordinates = partner.policy().policy().coordinating_partner().map(|one| one.number) == Some(self.number);
        let (waiting, complaints) = (partner.undelivered(), partner.complaints()?);
        drop(partner);
        let to_adopt = fetched::to_adopt(&self.args.place, self.version, self.record.kept().brokers_version);
        let is_done = self.is_done(now);
        let next = match now < self.moment && !is_done {
            true => self.moment,
            false => day::moment(self.args.place.keys(), now.day().plus(1))?,
        };
        let turn = Turn { next, has_heard: self.has_heard };
        if self.args.stay && self.tried.is_empty() {
            // Whoever stays looks often, and says only what it did.
            return Failure::of_several(std::mem::take(&mut self.failures), self.any_done).map(|()| turn);
        }
        for complaint in &complaints {
            failure::some_refused();
            note(&report::complaint_line(complaint));
        }
        let shows = self.until.filter(|_| self.changed);
        if self.args.json {
            out.json(&json!({
                "sync": "done", "delivered": self.delivered, "shows_not_before": shows.map(|shows| shows.to_string()),
                "waiting": waiting, "news": news, "news_after_hit": talk_news, "next": next.to_string(),
                "adopt": to_adopt.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            }))?;
        } else {
            if let Some(shows) = shows {
                writeln!(
                    out,
                    "what was delivered shows at the broker's next release, not before {shows}; what was withdrawn \
                     counts no more from 00:00 UTC on"
                )?;
            }
            if waiting > 0 {
                writeln!(out, "{} for a later delivery", counted(waiting, "flag waits", "flags wait"))?;
            }
            if news > 0 {
                let news = counted(news, "piece of news", "pieces of news");
                writeln!(out, "{news}: {}", self.args.place.command("news"))?;
            }
            if talk_news > 0 {
                let news = counted(talk_news, "piece of news", "pieces of news");
                let command =
                    if coordinates { self.args.place.coordinators("inbox") } else { self.args.place.command("news") };
                writeln!(out, "{news} after a hit: {command}")?;
            }
            if now >= self.moment && !is_done {
                let needs_person = self.is_refused || self.failures.iter().any(|failure| !failure.is_for_later());
                let rest = match needs_person {
                    true => "a person is to look at what was refused",
                    false => "the next run goes on with it",
                };
                writeln!(out, "the day's work is not all done, and {rest}")?;
            }
            writeln!(out, "the next day's work is due from {next} on")?;
        }
        out.finish()?;
        if !to_adopt.is_empty() {
            failure::some_refused();
            let command = fetched::command(&self.args.place, &to_adopt);
            note(&format!("there is a newer policy, which a person is to read first; then: {command}"));
        }
        Failure::of_several(std::mem::take(&mut self.failures), self.any_done).map(|()| turn)
    }
    /// Sends what the journal records to the Logboek, where there is one. A Logboek that is away keeps nobody from the
    /// rest.
    fn send_to_logboek(&mut self) -> Result<(), Failure> {
        let Some(collector) = &self.ways.logboek else { return Ok(()) };
        let sent = logboek::send(&self.args.place, collector, || self.open());
        self.go_on(sent)
    }

    /// Whether all of the day's work is done.
    fn is_done(&self, now: Timestamp) -> bool {
        let (kept, today) = (self.record.kept(), now.day().0);
        let has_delivered = !self.may_flag || self.record.due(now, self.moment) == Due::Gone;
        let has_asked = self.args.no_own || !self.may_ask || kept.own >= Some(today);
        let has_talked = !self.may_talk || kept.talked >= Some(today);
        has_delivered && has_asked && has_talked && kept.status >= Some(today) && kept.fetched >= Some(today)
    }
}
