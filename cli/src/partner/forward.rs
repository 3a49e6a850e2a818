//! What people put forward after a hit: `partner forward`, `take-back` and `forwarded`.

use std::io::Write;

use serde_json::{Value, json};
use stapel::partner::{Case, Conversation, Given, Partner, PutForwardRow};
use stapel::{AddressKey, Timestamp};
use stapel_service::after_hit::{self, Audience};

use super::acting::{Acting, CaseArgs, flagged};
use super::look::addresses_of;
use super::told;
use super::{PartnerFolder, report};
use crate::failure::Failure;
use crate::now::Clock;
use crate::output::{Output, merge};

/// Put own flags forward, to meet who flags the same
///
/// Whoever flags the same address and puts it forward too is told that this partner does, and this partner of the
/// other: directly, or both by the coordinator, as the policy says. Nobody is named who did not put it forward. It
/// lasts until it is taken back, or the flag or the epoch ends. Only who may be told by the policy of today is told:
/// where a later policy lets more know, or another epoch answers, `stapel partner forwarded` says so, and putting it
/// forward again agrees to that. The answer says who comes to know what, and when the broker hears of it; --dry-run
/// says the same and does nothing.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  stapel partner forward --dir police --actor j.jansen --case 2026-0117 hits.csv\n  \
                        stapel partner forward --dir police --actor j.jansen --case 2026-0117 \\\n      --address \
                        'Dam 1-A, 1012 JS Amsterdam'"
)]
pub(super) struct ForwardArgs {
    #[command(flatten)]
    rows: AddressRows,
}

/// Take back what was put forward
///
/// Nobody more is told of this partner there. Whoever was introduced stays introduced: `stapel partner leave` ends a
/// conversation.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel partner take-back --dir police --actor j.jansen --case 2026-0117 closed.csv"
)]
pub(super) struct TakeBackArgs {
    #[command(flatten)]
    rows: AddressRows,
}

/// Rows, or one address.
#[derive(clap::Args)]
struct AddressRows {
    #[command(flatten)]
    acting: Acting,
    /// One address in place of rows, as people write it or in canonical form
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["file", "refused", "number_only"])]
    address: Option<String>,
}

/// Show what is put forward
///
/// Since when, in which epoch, and through when the broker has it. What ended with its epoch, and what the policy lets
/// more organisations know of than somebody agreed to, is to be put forward again. The journal has who looked, and for
/// which case.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner forwarded --dir police --actor j.jansen --case 2026-0117")]
pub(super) struct ForwardedArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

pub(super) fn forward(args: &ForwardArgs, out: &mut Output) -> Result<(), Failure> {
    let change = Change { done: "put forward", already: "put forward already", puts_forward: true };
    args.rows.change(&change, out)
}

pub(super) fn take_back(args: &TakeBackArgs, out: &mut Output) -> Result<(), Failure> {
    let change = Change { done: "taken back", already: "not put forward", puts_forward: false };
    args.rows.change(&change, out)
}

/// What is put forward in one act with its flags.
pub(super) struct FlaggedForward {
    addresses: Vec<AddressKey>,
    /// How many are put forward, or would be.
    done: usize,
    already: usize,
}

impl FlaggedForward {
    /// Before anything is flagged: refuses it where nothing can be put forward at all.
    pub(super) fn begin(partner: &mut Partner, addresses: Vec<AddressKey>, now: Timestamp) -> Result<Self, Failure> {
        partner.preview_put_forward(Vec::<Given<'_>>::new(), now)?;
        Ok(FlaggedForward { addresses, done: 0, already: 0 })
    }

    /// What would be put forward; `lapsed` of the addresses would not be flagged.
    pub(super) fn would(self, partner: &Partner, lapsed: usize) -> FlaggedForward {
        let is_already =
            |row: &PutForwardRow| !row.ended && row.more.is_empty() && self.addresses.contains(&row.address);
        let already = partner.put_forward_rows().filter(is_already).count();
        let done = self.addresses.len().saturating_sub(already + lapsed);
        FlaggedForward { done, already, ..self }
    }

    /// Puts forward what is flagged now.
    pub(super) fn put(mut self, partner: &mut Partner, by: &Case, now: Timestamp) -> Result<FlaggedForward, Failure> {
        let own = flagged(partner);
        self.addresses.retain(|address| own.contains(address));
        let done = partner.put_forward(self.addresses.iter().map(Given::from), by, now).map_err(|error| {
            let then = "the rows were flagged all the same, and are not put forward: stapel partner forward does that";
            Failure::Partly(Box::new(Failure::from(error).and(then)))
        })?;
        let already = self.addresses.len() - done;
        Ok(FlaggedForward { done, already, ..self })
    }

    pub(super) fn json(&self, partner: &Partner, now: Timestamp) -> Result<Value, Failure> {
        Ok(json!({
            "put_forward": self.done, "put_forward_already": self.already,
            "told": told::json(&Audience::of(partner, now)?),
            "missing_certificates": partner.missing_certificates(now.day()).unwrap_or_default(),
        }))
    }

    pub(super) fn say(
        &self,
        partner: &Partner,
        place: &PartnerFolder,
        (dry_run, now): (bool, Timestamp),
        out: &mut Output,
    ) -> Result<(), Failure> {
        let would = if dry_run { "would be: " } else { "" };
        writeln!(out, "{would}{} put forward, {} put forward already", self.done, self.already)?;
        if self.done > 0 {
            say_who_is_told(partner, place, self.done, now, out)?;
        }
        told::warn_of_what_is_missing(partner, place, now.day());
        Ok(())
    }
}

/// Who comes to know of so many addresses that are put forward, and when.
pub(super) fn say_who_is_told(
    partner: &Partner,
    place: &PartnerFolder,
    done: usize,
    now: Timestamp,
    out: &mut Output,
) -> Result<(), Failure> {
    let when = told::put_forward(partner, place, now)?;
    writeln!(out, "who is told: {}", told::sentence(&Audience::of(partner, now)?, partner))?;
    writeln!(out, "the broker hears of it {when}, and tells nobody before the 00:00 UTC after that")?;
    let meet = partner.policy().policy().meet.as_ref();
    if let Some(meet) = meet.filter(|meet| done > meet.new_a_day as usize) {
        writeln!(
            out,
            "the organisation may put forward {} new addresses a day, and {} in all: the others wait for that",
            meet.new_a_day, meet.held
        )?;
    }
    Ok(())
}

/// Which of the two is done.
struct Change {
    done: &'static str,
    already: &'static str,
    puts_forward: bool,
}

impl AddressRows {
    fn change(&self, change: &Change, out: &mut Output) -> Result<(), Failure> {
        let acting = &self.acting;
        let (case, now) = (acting.case.case()?, acting.clock.time()?);
        let mut partner = acting.place.open()?;
        refuse_coordinator(&partner)?;
        let own = flagged(&partner);
        let (mut addresses, read) = match &self.address {
            Some(text) => {
                let meant = addresses_of(text, acting.rows.register())?;
                let found = meant.iter().find(|address| own.contains(address)).or(meant.first());
                (found.copied().into_iter().collect(), json!({}))
            }
            None => {
                let sheet = acting.rows.read_of(own)?;
                (sheet.rows.addresses().copied().collect::<Vec<_>>(), sheet.json())
            }
        };
        addresses.sort_unstable();
        addresses.dedup();
        let all = addresses.len();
        let given = || addresses.iter().map(Given::from);
        let done = match (acting.rows.dry_run, change.puts_forward) {
            (true, true) => partner.preview_put_forward(given(), now)?,
            (true, false) => partner.preview_take_back(given(), now)?,
            (false, true) => partner.put_forward(given(), &case, now)?,
            (false, false) => partner.take_back(given(), &case, now)?,
        };
        let others = all - done;
        if change.puts_forward {
            told::warn_of_what_is_missing(&partner, &acting.place, now.day());
        }
        if acting.json {
            let word = if change.puts_forward { "put_forward" } else { "taken_back" };
            let mut value = json!({ word: done, "unchanged": others, "dry_run": acting.rows.dry_run });
            if change.puts_forward {
                value["told"] = told::json(&Audience::of(&partner, now)?);
                value["missing_certificates"] = json!(partner.missing_certificates(now.day()).unwrap_or_default());
            }
            merge(&mut value, read);
            return out.json(&value);
        }
        let would = if acting.rows.dry_run { "would be: " } else { "" };
        writeln!(out, "{would}{done} {}, {others} {}", change.done, change.already)?;
        if done == 0 {
            return Ok(());
        }
        if change.puts_forward {
            return say_who_is_told(&partner, &acting.place, done, now, out);
        }
        let when = told::taken_back(&partner, &acting.place, &addresses, now)?;
        let hears = format!("the broker hears of it {when}: from the 00:00 UTC after that nobody more is told");
        writeln!(out, "{hears} of this partner there")?;
        let is_there = |one: &Conversation| one.address.is_some_and(|address| addresses.contains(&address));
        for one in partner.conversations().filter(|one| one.left.is_none() && is_there(one)) {
            let number = one.number;
            writeln!(
                out,
                "conversation {number} here{} goes on; stapel partner leave {number} ends it for this partner",
                told::about(&partner, number, now.day())
            )?;
        }
        Ok(())
    }
}

pub(super) fn forwarded(args: &ForwardedArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    let rows = partner.show_put_forward(&case, now)?;
    if rows.is_empty() && !args.json {
        writeln!(out, "nothing is put forward")?;
    }
    for row in &rows {
        let (address, typed) = (row.address.as_str(), partner.typed(&row.address));
        if args.json {
            out.json(&after_hit::json::put_forward(row, &partner))?;
            continue;
        }
        let stands = match row.stands_until {
            Some(day) => format!("the broker has it until {day}, and each day's run moves that on"),
            None if row.ended => format!("ended with epoch {}: put it forward again", row.epoch),
            None => "the broker does not have it yet".to_owned(),
        };
        writeln!(out, "{address}{}  put forward on {}; {stands}", report::typed_text(&typed), row.since)?;
        if !row.more.is_empty() {
            writeln!(out, "  {}", report::lets_more_know(&row.more, &partner))?;
        }
    }
    Ok(())
}

/// Refuses the coordinator's folder, where nothing is flagged and so nothing put forward.
pub(super) fn refuse_coordinator(partner: &Partner) -> Result<(), Failure> {
    let coordinates = partner.policy().policy().partner(partner.number()).is_some_and(|own| own.may.coordinate);
    if coordinates {
        let finding = "this folder is the coordinator's, which flags nothing: see what is new with stapel coordinator \
                       inbox, and what waits with stapel coordinator agenda";
        return Err(Failure::new("not_permitted", finding));
    }
    Ok(())
}
