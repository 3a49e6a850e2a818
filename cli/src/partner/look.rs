//! What a partner has without asking anybody: `partner news`, `dossier`, `status` and `shown`.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use stapel::audit::UnverifiedCheckpoint;
use stapel::partner::{Case, InFlight, Partner, TalkDue};
use stapel::register::{Lookup, Register, RegisterError, may_be_one};
use stapel::{AddressKey, Digest, Level};
use stapel_service::after_hit;

use super::acting::CaseArgs;
use super::forward::refuse_coordinator;
use super::{OutboxArgs, PartnerFolder, outbox, report, told};
use crate::failure::{Failure, note};
use crate::files;
use crate::now::Clock;
use crate::output::{self, Output, Shown, counted};

/// Tell what changed over own flags since the last time
///
/// From the answers that were read since; `stapel partner ask --own` asks for all. And what is new after a hit: what
/// somebody else put forward (`stapel partner answer`), and conversations (`stapel partner conversations`). The journal
/// has who is shown that, and for which case, before it is printed; without --case it is only said that there is some.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner news --dir police --actor j.jansen --case 2026-0117")]
pub(super) struct NewsArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The acting user; stays in the partner's own journal
    #[arg(long, value_name = "NAME", env = "STAPEL_ACTOR")]
    actor: Option<String>,
    /// The case's reference; stays in the partner's own journal
    #[arg(long, value_name = "REFERENCE", requires = "actor")]
    case: Option<String>,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Print all that the journal has on one address
///
/// The journal has who looked, and for which case, before it is printed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner dossier --dir police --actor j.jansen --case 2027-0031 \\\n      \
                        'Dam 1-A, 1012 JS Amsterdam'")]
pub(super) struct DossierArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    case: CaseArgs,
    /// The address as people write it, or in canonical form: 1012JS|1|A a home, 1012JS|1 a house number; with
    /// --register also a BAG id, or street, number and town without a postcode
    address: String,
    /// A local register (stapel register build), by which the address is found
    #[arg(long, value_name = "FILE")]
    register: Option<PathBuf>,
    /// Print JSON Lines
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Show where the partner stands, or ask the broker
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stapel partner status --dir police\n  stapel partner status --dir police --request\n  \
                  stapel partner status --dir police --check --head \"$(cat noted-last-month)\""
)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    place: PartnerFolder,
    #[command(flatten)]
    outbox: OutboxArgs,
    /// Write a message that asks the broker where the partner stands
    #[arg(long)]
    request: bool,
    /// Read the whole journal, and check every link of its chain
    #[arg(long)]
    check: bool,
    /// Also check that the journal still has this head, which was noted before: one that was written anew has not
    #[arg(long, value_name = "HEAD", requires = "check", conflicts_with = "request")]
    head: Option<Digest>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// Write what the broker showed last, to compare with other partners
///
/// The latest checkpoint of its log, in a file named after how many lines it covers, and the latest signed reply:
/// whoever compares these with another partner's finds a broker that shows them two logs, or tells one of them of a
/// restore and not the other. The reply is a receipt, a status reply or a rejection, and never an answer: it has no
/// standing, no address and no pseudonym, but tells for instance how many flags are held.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  stapel partner shown --dir police --out ours\n  stapel audit compare --policy \
                        policy.toml --ours ours/ --theirs theirs/ --our-reply ours/latest.reply --their-reply \
                        theirs/latest.reply")]
pub(super) struct ShownArgs {
    #[command(flatten)]
    place: PartnerFolder,
    /// The folder to write to; what is there of the same name is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn news(args: &NewsArgs, out: &mut Output) -> Result<(), Failure> {
    // News are told once.
    output::refuse_closed()?;
    let mut partner = args.place.open()?;
    refuse_coordinator(&partner)?;
    let refs = args.place.refs()?;
    let news = partner.untold_news()?;
    if news.is_empty() && partner.talk_news().is_empty() && !args.json {
        writeln!(out, "no news")?;
    }
    for news in &news {
        report::news(news, &partner, &refs, args.json, out)?;
    }
    let by = args.actor.as_ref().zip(args.case.as_ref()).map(|(actor, case)| Case::new(actor, case)).transpose()?;
    match &by {
        Some(by) => {
            for news in &partner.show_talk_news(by, args.clock.time()?)? {
                report::talk_news(news, &partner, args.json, out)?;
            }
        }
        None if !partner.talk_news().is_empty() => note(&format!(
            "{} after a hit, which the journal is to have the reader of: {} --actor NAME --case REFERENCE",
            counted(partner.talk_news().len(), "piece of news", "pieces of news"),
            args.place.command("news")
        )),
        None => {}
    }
    // What could not be written was not seen, and is told again.
    out.flush()?;
    partner.news()?;
    if by.is_some() {
        partner.take_talk_news()?;
        report::more_news(&partner);
    }
    Ok(())
}

pub(super) fn dossier(args: &DossierArgs, out: &mut Output) -> Result<(), Failure> {
    let addresses = addresses_of(&args.address, args.register.as_deref())?;
    let (case, now) = (args.case.case()?, args.clock.time()?);
    let mut partner = args.place.open()?;
    let mut entries = Vec::new();
    for address in &addresses {
        entries.extend(partner.dossier(address, &case, now)?);
    }
    if entries.is_empty() && !args.json {
        let forms: Vec<_> = addresses.iter().map(AddressKey::as_str).collect();
        writeln!(out, "nothing on {}", forms.join(" and "))?;
    }
    if let Some(pruned) = partner.pruned()? {
        note(&report::pruned_line(&pruned));
    }
    if entries.iter().any(|entry| addresses.iter().any(|address| may_be_one(address, &entry.address))) {
        note(
            "some of this is of another spelling of that floor, and may be another home: see the address of each line",
        );
    }
    for entry in &entries {
        report::dossier(entry, &partner, args.json, out)?;
    }
    Ok(())
}

/// The address that is meant; where a register reads it as another one than is read without, as both, since it may have
/// been flagged without.
pub(super) fn addresses_of(text: &str, register: Option<&Path>) -> Result<Vec<AddressKey>, Failure> {
    let plainly = AddressKey::from_canonical(text).or_else(|_| AddressKey::parse(text));
    let Some(register) = register else { return Ok(vec![plainly?]) };
    let register = Register::open(register)?;
    let resolved = match &plainly {
        // A register knows no house numbers.
        Ok(key) if key.level() == Level::Number => return Ok(vec![*key]),
        _ => register.resolve(Lookup::Text(text)).map(|resolved| resolved.key),
    };
    match (resolved, plainly) {
        (Ok(resolved), Ok(plainly)) if resolved != plainly && !may_be_one(&resolved, &plainly) => {
            Ok(vec![resolved, plainly])
        }
        (Ok(resolved), _) => Ok(vec![resolved]),
        (
            Err(
                RegisterError::NotRegistered { .. }
                | RegisterError::Several { .. }
                | RegisterError::Address(_)
                // It may have been flagged while the register had it.
                | RegisterError::IdUnknown { .. }
                | RegisterError::IdWithdrawn { .. },
            ),
            Ok(plainly),
        ) => Ok(vec![plainly]),
        (Err(error), _) => Err(error.into()),
    }
}

pub(super) fn status(args: &StatusArgs, out: &mut Output) -> Result<(), Failure> {
    let mut partner = args.place.open()?;
    let outbox = args.outbox.of(&args.place);
    let had = match (args.head, args.check) {
        (Some(head), _) => Some((head, records_at(&partner, head)?)),
        (None, true) => {
            partner.check_journal()?;
            None
        }
        (None, false) => None,
    };
    if args.request {
        let request = partner.status(args.clock.time()?)?;
        return outbox.write(&partner, &[request], args.json, out);
    }
    let policy = partner.policy();
    let (version, digest) = (policy.policy().version, policy.digest().to_string());
    let brokers = partner.brokers_policy().map(|digest| digest.to_string());
    let epochs: Vec<u32> = partner.epochs().collect();
    let put_forward = partner.put_forward_rows().count();
    let (records, head) = (partner.journal_length(), partner.journal_head().to_string());
    let in_flight: Vec<InFlight<'_>> = partner.in_flight().collect();
    let (unproven, complaints) = (partner.unproven_lines(), partner.complaints()?);
    let today = args.clock.time()?.day();
    let (pruned, retired) = (partner.pruned()?, partner.retired_epochs(today)?);
    let due = partner.full_sets_due(today);
    let unreached = partner.unreached_epochs(today);
    let talk = partner.talk_due(today);
    let mut after_hit = after_hit::json::due(&talk);
    after_hit["missing_certificates"] = json!(partner.missing_certificates(today).unwrap_or_default());
    let missing = told::what_is_missing(&partner, &args.place, today).unwrap_or_default();
    super::warn_of_unreached(&partner, today);
    if args.json {
        return out.json(&json!({
            "number": partner.number(), "verifying_key": partner.verifying_key().to_string(),
            "policy_version": version, "policy": digest, "brokers_policy": brokers, "epochs": epochs,
            "flags": partner.flags().len(), "undelivered": partner.undelivered(),
            "put_forward": put_forward,
            "after_hit": after_hit,
            "full_set_due": due.iter().map(report::due_json).collect::<Vec<_>>(),
            "in_flight": in_flight.iter().map(outbox::json).collect::<Vec<_>>(),
            "journal_records": records, "journal_head": head,
            "journal_records_at_head": had.map(|(_, records)| records),
            "journal_pruned": pruned.as_ref().map(report::pruned_json),
            "retired_epochs": retired, "unreached_epochs": unreached, "unproven_lines": unproven,
            "complaints": complaints.iter().map(report::complaint_json).collect::<Vec<_>>(),
        }));
    }
    writeln!(out, "partner {}, key {}", partner.number(), partner.verifying_key())?;
    writeln!(out, "policy version {version}, digest {digest}")?;
    if let Some(brokers) = brokers {
        writeln!(out, "the broker holds to another policy: {brokers}")?;
    }
    let epochs: Vec<_> = epochs.iter().map(u32::to_string).collect();
    writeln!(out, "secrets of epochs: {}", if epochs.is_empty() { "none".into() } else { epochs.join(", ") })?;
    for epoch in retired {
        writeln!(
            out,
            "epoch {epoch} is over, and its secrets are still here: remove them with stapel partner forget-epoch \
             {epoch}"
        )?;
    }
    let flags = counted(partner.flags().len(), "flag", "flags");
    writeln!(out, "{flags}, {} of them in no delivery yet", partner.undelivered())?;
    if put_forward > 0 {
        writeln!(out, "{} put forward", counted(put_forward, "address is", "addresses are"))?;
    }
    waiting_after_hit(&talk, out)?;
    if let Some(missing) = missing {
        writeln!(out, "{missing}")?;
    }
    for due in &due {
        writeln!(out, "{}", report::due_line(due))?;
    }
    writeln!(out, "journal: {}, head {head}", counted(records, "record", "records"))?;
    if let Some((noted, at)) = had {
        writeln!(out, "head {noted} is the journal's own, of its first {}", counted(at, "record", "records"))?;
    }
    if let Some(pruned) = pruned {
        writeln!(out, "{}", report::pruned_line(&pruned))?;
    }
    writeln!(out, "{unproven} lines of the broker's log on own messages are not proven yet")?;
    for complaint in &complaints {
        writeln!(out, "{}", report::complaint_line(complaint))?;
    }
    for message in &in_flight {
        let missing = if outbox.has(message) {
            ""
        } else {
            ", which is not in the outbox: stapel partner deliver puts it there again"
        };
        writeln!(out, "waiting for the reply to {}{missing}", outbox::name(message))?;
    }
    Ok(())
}

/// What waits for people after a hit.
fn waiting_after_hit(talk: &TalkDue, out: &mut Output) -> Result<(), Failure> {
    if let Some(day) = talk.answer_by {
        let addresses = counted(talk.unanswered, "address", "addresses");
        let late = if talk.late > 0 { format!("; {} of them late", talk.late) } else { String::new() };
        writeln!(out, "{addresses} put forward by others to answer, the first by {day}{late}: stapel partner asked")?;
    }
    if talk.unread > 0 {
        let notes = counted(talk.unread, "note", "notes");
        writeln!(out, "{notes} of others that nobody was shown: stapel partner news")?;
    }
    if talk.not_standing > 0 {
        let addresses = counted(talk.not_standing, "address", "addresses");
        let why = if talk.rows_spent { "; the organisation's budget of them is spent" } else { "" };
        writeln!(out, "{addresses} put forward before today, which the broker does not have{why}")?;
    }
    if talk.put_off > 0 {
        let notes = counted(talk.put_off, "own note", "own notes");
        writeln!(out, "{notes} put off, since the day's budget is spent or too many wait there; they go another day")?;
    }
    if let Some(day) = talk.undecided_since {
        let conversations = counted(talk.undecided, "conversation waits", "conversations wait");
        writeln!(out, "{conversations} for you, the first since {day}: stapel coordinator agenda")?;
    }
    Ok(())
}

/// How many records the journal had when this was its head.
fn records_at(partner: &Partner, head: Digest) -> Result<u64, Failure> {
    if let Some(records) = partner.check_journal_has(head)? {
        return Ok(records);
    }
    let pruned = partner.pruned()?.map_or(String::new(), |pruned| {
        format!(" (of the first {}, which were pruned, only the last head is left)", pruned.records)
    });
    Err(Failure::new(
        "head_unknown",
        format!(
            "the journal never had the head {head}{pruned}: see whether it is of this partner and copied in full; if \
             it is, this is another journal, an older copy or one that was written anew: keep the folder as it is"
        ),
    ))
}

pub(super) fn shown(args: &ShownArgs, out: &mut Output) -> Result<(), Failure> {
    let partner = args.place.open()?;
    let mut shown = Vec::new();
    if let Some(checkpoint) = partner.checkpoint() {
        let size = UnverifiedCheckpoint::parse(checkpoint)?.claimed_size();
        shown.push((format!("{size}.checkpoint"), checkpoint.to_vec()));
    }
    if let Some(reply) = partner.latest_reply()? {
        shown.push(("latest.reply".into(), reply));
    }
    if shown.is_empty() {
        writeln!(out, "nothing was written: the broker has shown this partner nothing yet")?;
        return Ok(());
    }
    files::create_folder(&args.out)?;
    for (name, bytes) in shown {
        let path = args.out.join(name);
        files::replace(&path, &bytes)?;
        writeln!(out, "{}", path.shown())?;
    }
    Ok(())
}
