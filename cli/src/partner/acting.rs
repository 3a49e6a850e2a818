//! What a partner's own people do with rows of a spreadsheet: `partner flag`, `withdraw` and `full`.

use std::collections::{HashMap, HashSet};
use std::io::Write;

use serde_json::json;
use stapel::message::RenewalReason;
use stapel::partner::{Case, Change, Changed, Partner};
use stapel::register::may_be_one;
use stapel::{AddressKey, Day, Level, Timestamp};

use super::PartnerFolder;
use super::forward::FlaggedForward;
use crate::failure::{self, Failure, note, warn};
use crate::now::{Clock, refuse_other_date};
use crate::output::{Output, counted, merge};
use crate::rows::{RowArgs, Rows, Sheet};

/// Who acts, and for which case.
#[derive(clap::Args)]
pub(super) struct CaseArgs {
    /// The acting user; stays in the partner's own journal
    #[arg(long, value_name = "NAME", env = "STAPEL_ACTOR")]
    actor: String,
    /// The case's reference; stays in the partner's own journal
    #[arg(long, value_name = "REFERENCE")]
    pub(super) case: String,
}

/// The one of a list that a person names, as its name is or with hyphens for its underscores.
pub(super) fn named<T: Copy>(text: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, String> {
    let typed = |one: &T| name(*one).replace('_', "-");
    let found = all.iter().find(|one| typed(one) == text.replace('_', "-"));
    found.copied().ok_or_else(|| {
        let names: Vec<String> = all.iter().map(typed).collect();
        let (last, others) = names.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
        format!("it is {} or {last}", others.join(", "))
    })
}

/// What the commands have in common that do something with rows.
#[derive(clap::Args)]
pub(super) struct Acting {
    #[command(flatten)]
    pub(super) place: PartnerFolder,
    #[command(flatten)]
    pub(super) case: CaseArgs,
    #[command(flatten)]
    pub(super) rows: RowArgs,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) clock: Clock,
}

/// Flag addresses
///
/// Through the latest month's end that the policy allows, unless --until says otherwise. The broker hears of it with
/// `stapel partner deliver`. With --forward they are put forward too, in one act: a hit on one of them then goes its
/// way by itself. The answer says who comes to know what, and --dry-run says it before.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner flag --dir police --actor j.jansen --case 2026-0117 \\\n      \
                   --refused refused.csv addresses.csv")]
pub(super) struct FlagArgs {
    #[command(flatten)]
    acting: Acting,
    /// The last valid day, a month's last, as 2027-05-31
    #[arg(long, value_name = "DAY", conflicts_with = "renew")]
    until: Option<Day>,
    /// These are or were flagged, and were looked at again; why they stand for longer: observed_again, being_acted_on,
    /// procedure_pending or under_supervision
    #[arg(long, value_name = "REASON")]
    renew: Option<RenewalReason>,
    /// Put them forward too: where one is a hit, those are told of it whom the policy lets be told, as by stapel
    /// partner forward
    #[arg(long)]
    forward: bool,
}

/// Withdraw the flags of addresses
///
/// A row may also name an own flag by its key, as 1012JS|1|A or the id of a home without a postcode: that is taken as
/// it is, with a register and without one.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner withdraw --dir police --actor j.jansen --case 2026-0117 closed.csv")]
pub(super) struct WithdrawArgs {
    #[command(flatten)]
    acting: Acting,
}

/// Say that the clock is right, where calls are refused with `clock` or `clock_ahead`
///
/// With that, the flags end whose last valid day has passed: without --date it only says how many those are. The
/// journal has who said it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner accept-clock --dir police --actor j.jansen --case clock \\\n      \
                   --date 2027-01-11")]
pub(super) struct AcceptClockArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// Today's date in UTC, typed out from a calendar and not from this machine's clock
    #[arg(long, value_name = "DAY")]
    date: Option<Day>,
    #[command(flatten)]
    clock: Clock,
}

/// Make the flags exactly those of the rows
///
/// The next delivery is a full set. Rows that are refused are not in it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner full --dir police --actor export --case nightly all.csv")]
pub(super) struct FullArgs {
    #[command(flatten)]
    acting: Acting,
    /// It is meant that more than the policy's share of the flags goes
    #[arg(long)]
    allow_shrink: bool,
}

impl CaseArgs {
    pub(super) fn case(&self) -> Result<Case, Failure> {
        Ok(Case::new(&self.actor, &self.case)?)
    }
}

pub(super) fn flag(args: &FlagArgs, out: &mut Output) -> Result<(), Failure> {
    let acting = &args.acting;
    let (case, now) = (acting.case.case()?, acting.clock.time()?);
    acting.place.refuse_without_register(&acting.rows)?;
    let mut sheet = acting.rows.read_sorted()?;
    let mut partner = acting.place.open()?;
    sheet.count_numbers(counts_house_numbers(&partner))?;
    let forward = args.forward.then(|| FlaggedForward::begin(&mut partner, sheet.addresses(), now)).transpose()?;
    let homes = sheet.rows.given();
    if acting.rows.dry_run {
        let change = match (args.until, args.renew) {
            (Some(until), _) => Change::FlagUntil(until),
            (None, Some(reason)) => Change::Renew(reason),
            (None, None) => Change::Flag,
        };
        let changed = partner.preview(homes, change, now)?;
        let forward = forward.map(|forward| forward.would(&partner, changed.lapsed));
        return acting.say(&changed, forward.as_ref(), (&partner, now), &sheet, out);
    }
    warn_after_last_epoch(&partner, now.day());
    // Before anything is done: what is wrong with them is said while nothing is.
    let refs = acting.place.refs()?;
    let changed = match (args.until, args.renew) {
        (Some(until), _) => partner.flag_until(homes, until, &case, now)?,
        (None, Some(reason)) => partner.renew(homes, reason, &case, now)?,
        (None, None) => partner.flag(homes, &case, now)?,
    };
    let kept = refs.flagged(std::mem::take(&mut sheet.rows), &partner);
    let forward = forward.map(|forward| forward.put(&mut partner, &case, now)).transpose()?;
    acting.say(&changed, forward.as_ref(), (&partner, now), &sheet, out)?;
    kept.map_err(|failure| done_without_references(failure, "give the same rows again once there is room"))
}

pub(super) fn withdraw(args: &WithdrawArgs, out: &mut Output) -> Result<(), Failure> {
    let acting = &args.acting;
    let (case, now) = (acting.case.case()?, acting.clock.time()?);
    let mut partner = acting.place.open()?;
    let sheet = acting.rows.read_of(flagged(&partner))?;
    warn_of_what_stays(&partner, &sheet);
    if acting.rows.dry_run {
        let changed = partner.preview(sheet.rows.given(), Change::Withdraw, now)?;
        return acting.say(&changed, None, (&partner, now), &sheet, out);
    }
    let refs = acting.place.refs()?;
    let changed = partner.withdraw(sheet.rows.given(), &case, now)?;
    let kept = refs.flagged(Rows::default(), &partner);
    acting.say(&changed, None, (&partner, now), &sheet, out)?;
    kept.map_err(|failure| done_without_references(failure, "those of what was withdrawn go with the next change"))
}

pub(super) fn accept_clock(args: &AcceptClockArgs, out: &mut Output) -> Result<(), Failure> {
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    let ending = partner.flags().filter(|flag| flag.last_day < now.day()).count();
    let told = format!("the clock says {now}; with that, {ending} of {} flags end", partner.flags().len());
    refuse_other_date(args.date, now, &told)?;
    let ended = partner.accept_clock(&case, now)?;
    let ended = counted(ended, "flag has ended", "flags have ended");
    writeln!(out, "accepted that it is {now}; {ended}")?;
    Ok(())
}

pub(super) fn full(args: &FullArgs, out: &mut Output) -> Result<(), Failure> {
    let acting = &args.acting;
    let (case, now) = (acting.case.case()?, acting.clock.time()?);
    acting.place.refuse_without_register(&acting.rows)?;
    let mut sheet = acting.rows.read_sorted()?;
    let mut partner = acting.place.open()?;
    sheet.count_numbers(counts_house_numbers(&partner))?;
    let refs = acting.place.refs()?;
    let homes = sheet.rows.given();
    let changed = if acting.rows.dry_run {
        partner.preview(homes, Change::ReplaceAll { allow_shrink: args.allow_shrink }, now)
    } else {
        warn_after_last_epoch(&partner, now.day());
        partner.replace_all(homes, args.allow_shrink, &case, now)
    };
    let changed = changed.map_err(|error| match error.code() {
        code @ "shrink" => Failure::new(code, error.to_string().replace("(allow_shrink)", "with --allow-shrink")),
        _ => error.into(),
    })?;
    if acting.rows.dry_run {
        return acting.say(&changed, None, (&partner, now), &sheet, out);
    }
    let kept = refs.replaced(std::mem::take(&mut sheet.rows), &partner);
    acting.say(&changed, None, (&partner, now), &sheet, out)?;
    kept.map_err(|failure| done_without_references(failure, "give the same rows again once there is room"))
}

/// Why references could not be kept, where what the rows were given for is done.
pub(super) fn done_without_references(failure: Failure, then: &str) -> Failure {
    Failure::Partly(Box::new(
        failure.and(&format!("the rest was done, and the references of rows were not kept: {then}")),
    ))
}

impl Acting {
    /// Says what was done, or with --dry-run would be, with the flags and with what was put forward with them.
    fn say(
        &self,
        changed: &Changed,
        forward: Option<&FlaggedForward>,
        (partner, now): (&Partner, Timestamp),
        sheet: &Sheet,
        out: &mut Output,
    ) -> Result<(), Failure> {
        let dry_run = self.rows.dry_run;
        let Changed { added, changed, withdrawn, unchanged, lapsed, repeated } = *changed;
        if lapsed > 0 {
            failure::some_refused();
        }
        if self.json {
            let mut value = json!({
                "added": added, "changed": changed, "withdrawn": withdrawn, "unchanged": unchanged, "lapsed": lapsed,
                "dry_run": dry_run,
            });
            if let Some(forward) = forward {
                merge(&mut value, forward.json(partner, now)?);
            }
            merge(&mut value, sheet.json());
            return out.json(&value);
        }
        let would = if dry_run { "would be: " } else { "" };
        writeln!(out, "{would}{added} added, {changed} changed, {withdrawn} withdrawn, {unchanged} unchanged")?;
        say_repeated(repeated);
        if lapsed > 0 {
            note(&format!(
                "{lapsed} were not flagged: their flags ended within the last 30 days; look at them again, and flag \
                 them with --renew REASON, or leave them out"
            ));
        }
        if let Some(forward) = forward {
            forward.say(partner, &self.place, (dry_run, now), out)?;
        }
        Ok(())
    }
}

/// Says which own flags stay that somebody who withdraws these rows may mean too: another spelling of the same floor, a
/// house number that was flagged alone, homes at such a number.
fn warn_of_what_stays(partner: &Partner, sheet: &Sheet) {
    let given: HashSet<AddressKey> = sheet.rows.addresses().copied().collect();
    let numbers: HashSet<AddressKey> = given.iter().map(AddressKey::number_key).collect();
    let mut own: HashMap<AddressKey, Vec<AddressKey>> = HashMap::new();
    for flag in partner.flags().filter(|flag| numbers.contains(&flag.address.number_key())) {
        own.entry(flag.address.number_key()).or_default().push(flag.address);
    }
    let mut told = HashSet::new();
    for address in sheet.addresses() {
        let at_number = own.get(&address.number_key()).map(Vec::as_slice).unwrap_or_default();
        let is_flagged = at_number.contains(&address);
        for other in at_number.iter().filter(|other| !given.contains(other)) {
            let why = match (address.level(), other.level()) {
                (Level::Unit, Level::Number) => "the house number is flagged alone",
                (Level::Number, Level::Unit) if !is_flagged => {
                    "the house number is not flagged alone, and a home at it is"
                }
                (Level::Unit, Level::Unit) if !is_flagged && may_be_one(other, &address) => {
                    "it is not flagged, and another spelling of that floor is, which may be the same home"
                }
                _ => continue,
            };
            if told.insert(*other) && told.len() <= STAYING_TOLD {
                warn(&format!("{address}: {why}; {other} stays: withdraw that too if it is meant"));
            }
        }
    }
    if told.len() > STAYING_TOLD {
        warn(&format!("and {} more flags stay that may be meant", told.len() - STAYING_TOLD));
    }
}

/// The most own flags of which it is said that they stay.
const STAYING_TOLD: usize = 20;

/// Says that what is flagged now cannot be delivered.
fn warn_after_last_epoch(partner: &Partner, today: Day) {
    if let Some(closes) = partner.policy().policy().epochs.iter().map(|epoch| epoch.closes).max()
        && closes < today
    {
        warn(&format!(
            "all epochs of the policy are over since {closes}: the broker hears of no flags until a newer policy is \
             adopted"
        ));
    }
}

/// Says how many rows count for nothing, because another names the same address.
pub(super) fn say_repeated(repeated: usize) {
    if repeated > 0 {
        let rows = counted(repeated, "row repeats", "rows repeat");
        note(&format!("{rows} the address of another row; each address counts once"));
    }
}

impl Sheet {
    /// The addresses of the rows, each once, in the order of the rows.
    fn addresses(&self) -> Vec<AddressKey> {
        once_each(self.rows.addresses().copied(), |address| *address).collect()
    }
}

pub(super) fn once_each<T>(
    rows: impl Iterator<Item = T>,
    address: impl Fn(&T) -> AddressKey,
) -> impl Iterator<Item = T> {
    let mut seen = HashSet::new();
    rows.filter(move |row| seen.insert(address(row)))
}

pub(super) fn counts_house_numbers(partner: &Partner) -> bool {
    partner.policy().policy().counting.levels.contains(&Level::Number)
}

/// The own flags.
pub(super) fn flagged(partner: &Partner) -> HashSet<AddressKey> {
    partner.flags().map(|flag| flag.address).collect()
}
