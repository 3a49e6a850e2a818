//! What is shown of the journal: news, and all that there is on one address. The journal has to whom, before it is
//! handed out.

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stapel::AddressKey;
use stapel::message::Told;
use stapel::partner::{Case, DossierEntry, DossierEvent, News, Partner};

use super::Desk;
use super::asking::ToldNumber;
use super::calls::{Acting, Origin, by};
use super::problem::Problem;
use super::rows::{Row, canonical, looked_at};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenRequest {
    pub(super) actor: String,
    pub(super) case: String,
    pub(super) mark: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DossierRequest {
    actor: String,
    case: String,
    row: Row,
}

#[derive(Serialize)]
pub(super) struct NewsResult {
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
    news: Vec<ToldNews>,
}

#[derive(Serialize)]
struct ToldNews {
    #[serde(serialize_with = "canonical")]
    address: AddressKey,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typed: Option<String>,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<ToldNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<ToldNumber>,
}

#[derive(Serialize)]
pub(super) struct SeenResult {
    seen: usize,
}

#[derive(Serialize)]
pub(super) struct DossierResult {
    entries: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<Value>,
}

pub(super) fn news(desk: &Desk, origin: Origin, request: Acting) -> Result<NewsResult, Problem> {
    let by = request.by(origin)?;
    let (mut partner, now) = desk.begin();
    let news = partner.untold_news()?;
    let record = partner.news_record()?;
    let mark = (!news.is_empty()).then(|| mark(record, &news));
    if let Some(mark) = mark.as_ref().filter(|mark| !desk.shown().was_shown(mark, &by)) {
        partner.show_news(&by, now)?;
        desk.shown().note(mark, by);
    }
    Ok(NewsResult { mark, news: news.iter().map(|one| ToldNews::of(&partner, one)).collect() })
}

pub(super) fn seen(desk: &Desk, origin: Origin, request: SeenRequest) -> Result<SeenResult, Problem> {
    by(&request.actor, &request.case, origin)?;
    refuse_no_mark(&request.mark)?;
    let (mut partner, _) = desk.begin();
    let news = partner.untold_news()?;
    if news.is_empty() || mark(partner.news_record()?, &news) != request.mark {
        let detail = "this is not the news that there is now: read the news again";
        return Err(Problem::conflict("news_changed", detail));
    }
    partner.news()?;
    Ok(SeenResult { seen: news.len() })
}

/// Refuses what is no mark of any news.
pub(super) fn refuse_no_mark(mark: &str) -> Result<(), Problem> {
    match mark.len() == 64 && mark.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        true => Ok(()),
        false => Err(Problem::bad_request("mark: give that of the news that was seen")),
    }
}

pub(super) fn dossier(desk: &Desk, origin: Origin, request: DossierRequest) -> Result<DossierResult, Problem> {
    let by: Case = by(&request.actor, &request.case, origin)?;
    let addresses = looked_at(&request.row, desk.register.load().as_ref().as_ref())?;
    let (mut partner, now) = desk.begin();
    let cap = partner.policy().policy().counting.count_cap;
    let mut entries = Vec::new();
    for address in &addresses {
        entries.extend(partner.dossier(address, &by, now)?.iter().map(|entry| told_entry(entry, cap)));
    }
    let pruned = partner.pruned()?.map(
        |pruned| json!({ "records": pruned.records, "from": pruned.from.to_string(), "to": pruned.to.to_string() }),
    );
    Ok(DossierResult { entries, pruned })
}

/// What tells one list of news from another. What is stacked once more reads as it did the first time: the journal's
/// record, with which it came, tells the two apart.
fn mark(record: u64, news: &[News]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(format!("{record}\n").as_bytes());
    for one in news {
        context.update(format!("{}\n{:?}\n", one.address.as_str(), one.change).as_bytes());
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ToldNews {
    fn of(partner: &Partner, news: &News) -> ToldNews {
        let cap = partner.policy().policy().counting.count_cap;
        let number = |told: Told| ToldNumber::of(told, cap);
        let typed = Some(partner.typed(&news.address)).filter(|typed| !typed.is_empty());
        ToldNews {
            address: news.address,
            level: news.address.level().as_str(),
            typed,
            change: news.change.as_str(),
            before: news.change.before().map(number),
            now: news.change.now().map(number),
        }
    }
}

fn told_entry(entry: &DossierEntry, cap: u8) -> Value {
    let details = match &entry.event {
        DossierEvent::Flagged { last_day } => json!({ "last_day": last_day.to_string() }),
        DossierEvent::Renewed { last_day, reason } => {
            json!({ "last_day": last_day.to_string(), "reason": reason.as_str() })
        }
        DossierEvent::Asked { epoch, number, sweep } => {
            json!({ "epoch": epoch, "number": number, "sweep": sweep.as_ref().map(|reason| reason.as_str()) })
        }
        DossierEvent::Answered { epoch, number, standing, release, as_of, .. } => {
            let told = standing.told().map(|number| ToldNumber::of(number, cap)).unwrap_or_default();
            json!({
                "epoch": epoch, "number": number, "standing": standing.as_str(), "count": told.count,
                "at_least": told.at_least, "release": release, "as_of": as_of.to_string(),
            })
        }
        _ => json!({}),
    };
    let by = entry.by.as_ref();
    let mut told = json!({
        "record": entry.record, "time": entry.time.to_string(), "event": entry.event.as_str(),
        "address": entry.address.as_str(),
        "level": entry.address.level().as_str(), "typed": Some(&entry.typed).filter(|typed| !typed.is_empty()),
        "actor": by.map(Case::actor), "case": by.map(Case::reference),
        "caller": by.map(|by| by.caller().as_str()), "uid": by.and_then(|by| by.caller().uid()),
        "conversations": Some(&entry.place.conversations).filter(|all| !all.is_empty()),
        "to": Some(&entry.place.to).filter(|all| !all.is_empty()),
    });
    if let (Value::Object(told), Value::Object(details)) = (&mut told, details) {
        told.extend(details);
        // What there is nothing to say of is left out.
        told.retain(|_, value| !value.is_null());
    }
    told
}
