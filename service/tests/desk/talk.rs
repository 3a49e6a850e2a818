//! What comes after a hit, as programs call it: two partners that meet directly, and a broker.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use stapel::partner::{NewNote, Received};
use stapel::{AddressKey, Case, Partner, Timestamp};
use stapel_testkit::DAY;

use super::{NAME, Served};

const DAM: &str = "Dam 1-A, 1012 JS Amsterdam";
const KEY: &str = "1012JS|1|A";
const MEET: &str = "[meet]\ndirect = [[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente\"]]\n";

impl Served {
    /// The folder of partner 2, whom nobody serves.
    fn other(&self) -> Partner {
        Partner::open(self.path("2").as_path()).unwrap()
    }

    /// The messages that a partner sends after a hit on a day.
    fn talk(&self, partner: &mut Partner) {
        let now = self.desk.time();
        while let Some(message) = partner.talk(now).unwrap() {
            let received = partner.read(&self.broker.handle(&message, now), now).unwrap();
            assert!(!matches!(received, Received::Rejection { .. } | Received::Hint(_)), "{received:?}");
        }
    }

    /// A day on which both have a run.
    fn day(&self) {
        for _ in 0..2 {
            self.talk(&mut self.desk.lend());
            self.talk(&mut self.other());
        }
        self.now.fetch_add(DAY, Ordering::SeqCst);
        self.carry();
        self.talk(&mut self.desk.lend());
        self.talk(&mut self.other());
    }
}

/// Both flag an address, which is stacked.
fn stacked() -> Served {
    let served = Served::that_meet(MEET);
    served.call("/v1/flag", json!({ "rows": [{ "text": DAM }] }));
    served.carry();
    served.others_flag(&[DAM]);
    served
}

fn count(served: &Served) -> u64 {
    served.desk.lend().journal_length()
}

fn rows() -> Value {
    json!([{ "text": DAM }])
}

#[test]
fn who_puts_forward_is_introduced_reads_and_writes() {
    let served = stacked();
    let before = count(&served);
    let would = served.call("/v1/after-hit/forward", json!({ "rows": rows(), "dry_run": true }));
    assert_eq!((&would["changed"], &would["rows"][0]["address"]), (&json!(1), &json!(KEY)));
    assert_eq!(count(&served), before, "nothing was done");
    let twice = json!({ "rows": [{ "text": DAM }, { "address": KEY }, { "text": "niets" }] });
    let did = served.call("/v1/after-hit/forward", twice);
    assert_eq!(
        (&did["changed"], &did["unchanged"], &did["repeated"], &did["refused"]),
        (&json!(1), &json!(0), &json!(1), &json!(1))
    );
    let again = served.call("/v1/after-hit/forward", json!({ "rows": rows() }));
    assert_eq!((&again["changed"], &again["unchanged"]), (&json!(0), &json!(1)));
    let before = count(&served);
    let forwarded = served.call("/v1/after-hit/forwarded", json!({}));
    let row = &forwarded["forwarded"][0];
    assert_eq!((&row["address"], &row["typed"], &row["epoch"]), (&json!(KEY), &json!(DAM), &json!(1)));
    assert_eq!((&row["more"], row.get("stands_until")), (&json!([]), None), "the broker does not have it yet");
    assert_eq!(count(&served), before + 1, "the journal has who looked");
    let missing = json!({ "rows": [{ "text": "Dam 9, 1012 JS" }] });
    assert_eq!(served.refused("/v1/after-hit/forward", missing), (422, "no_flag".to_owned()));
    let by = Case::new("p.peters", "B-1").unwrap();
    let address = AddressKey::from_canonical(KEY).unwrap();
    served.other().put_forward([&address], &by, served.desk.time()).unwrap();
    served.day();

    // What is new is given until it was seen, with what it is about; the journal has to whom.
    let before = count(&served);
    let news = served.call("/v1/after-hit/news", json!({}));
    assert_eq!(news["news"].as_array().unwrap().len(), 1, "{news}");
    let one = &news["news"][0];
    assert_eq!((&one["news"], &one["partner"], &one["conversation"]), (&json!("introduced"), &json!(2), &json!(1)));
    assert_eq!((&one["address"], &one["case"], &one["actor"]), (&json!(KEY), &json!("2026-0117"), &json!("j.jansen")));
    assert_eq!(served.call("/v1/after-hit/news", json!({})), news);
    assert_eq!(count(&served), before + 1, "it was shown to one, for one case");
    let other_mark = json!({ "mark": "0".repeat(64) });
    assert_eq!(served.refused("/v1/after-hit/news/seen", other_mark), (409, "news_changed".to_owned()));
    assert_eq!(served.refused("/v1/after-hit/news/seen", json!({ "mark": "x" })), (400, "bad_request".to_owned()));
    let mark = json!({ "mark": news["mark"] });
    assert_eq!(served.call("/v1/after-hit/news/seen", mark.clone()), json!({ "seen": 1 }));
    assert_eq!(served.call("/v1/after-hit/news", json!({})), json!({ "more": false, "news": [] }));
    assert_eq!(served.refused("/v1/after-hit/news/seen", mark), (409, "news_changed".to_owned()));

    // A note is written once, also where it is sent again; and not by one who has not seen what was written.
    let note = json!({ "conversation": 1, "after": 0, "kind": "text", "text": "Belt u mij?" });
    assert_eq!(served.call("/v1/after-hit/note", note.clone()), json!({ "conversation": 1, "told": [2] }));
    let before = count(&served);
    assert_eq!(served.call("/v1/after-hit/note", note)["told"], json!([2]));
    assert_eq!(count(&served), before);
    let late = json!({ "conversation": 1, "after": 0, "kind": "text", "text": "Iets anders" });
    assert_eq!(served.refused("/v1/after-hit/note", late), (409, "conversation_changed".to_owned()));
    let early = json!({ "conversation": 1, "after": 2, "kind": "lead" });
    assert_eq!(served.refused("/v1/after-hit/note", early), (409, "conversation_changed".to_owned()));
    for (after, note) in [
        (1, json!({ "kind": "lead", "text": "ik" })),
        (2, json!({ "kind": "outcome", "outcome": "taken_up_by_one" })),
        (3, json!({ "kind": "text", "text": "twee\nregels", "to": 2 })),
    ] {
        let mut body = json!({ "conversation": 1, "after": after });
        body.as_object_mut().unwrap().extend(note.as_object().unwrap().clone());
        served.call("/v1/after-hit/note", body.clone());
        let before = count(&served);
        served.call("/v1/after-hit/note", body);
        assert_eq!(count(&served), before, "{after}");
    }
    let refused = |body: Value| {
        let mut all = json!({ "conversation": 1, "after": 4 });
        all.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        served.refused("/v1/after-hit/note", all)
    };
    assert_eq!(refused(json!({ "kind": "text", "text": "" })), (422, "note_text".to_owned()));
    assert_eq!(refused(json!({ "kind": "text", "text": "a", "lead": 2 })), (400, "bad_request".to_owned()));
    assert_eq!(refused(json!({ "kind": "text", "text": "a", "to": 0 })), (400, "bad_request".to_owned()));
    assert_eq!(refused(json!({ "kind": "text", "text": "a", "to": null })), (400, "bad_request".to_owned()));
    assert_eq!(refused(json!({ "kind": "outcome" })), (400, "bad_request".to_owned()));
    assert_eq!(refused(json!({ "kind": "decision", "text": "ja" })), (403, "not_permitted".to_owned()));
    let nowhere = json!({ "conversation": 7, "after": 0, "kind": "text", "text": "a" });
    assert_eq!(served.refused("/v1/after-hit/note", nowhere), (409, "no_conversation".to_owned()));

    served.day();
    let shown = served.call("/v1/after-hit/conversations", json!({ "conversation": 1 }));
    let one = &shown["conversations"][0];
    assert_eq!((&one["address"], &one["lead"], &one["outcome"]), (&json!(KEY), &json!(1), &json!("taken_up_by_one")));
    assert_eq!((&one["introduced"][0]["partner"], one["notes"].as_array().unwrap().len()), (&json!(2), 4));
    assert_eq!((&one["notes"][0]["text"], &one["notes"][0]["from"]), (&json!("Belt u mij?"), &Value::Null));
    assert_eq!(one["notes"][0]["copies"][0]["to"], 2);
    let none = json!({ "conversation": 7 });
    assert_eq!(served.refused("/v1/after-hit/conversations", none), (409, "no_conversation".to_owned()));

    // Taken back, and left; made again it does nothing more.
    let back = served.call("/v1/after-hit/take-back", json!({ "rows": rows() }));
    assert_eq!((&back["changed"], &back["unchanged"]), (&json!(1), &json!(0)));
    assert_eq!(served.call("/v1/after-hit/take-back", json!({ "rows": rows() }))["changed"], 0);
    let before = count(&served);
    let told = json!({ "conversation": 1, "told": [2] });
    assert_eq!(served.call("/v1/after-hit/leave", json!({ "conversation": 1, "dry_run": true })), told);
    assert_eq!(count(&served), before);
    assert_eq!(served.call("/v1/after-hit/leave", json!({ "conversation": 1 })), told);
    assert_eq!(served.call("/v1/after-hit/leave", json!({ "conversation": 1 })), told);
    assert_eq!(count(&served), before + 1);
    assert_eq!(
        served.refused("/v1/after-hit/leave", json!({ "conversation": 7 })),
        (409, "no_conversation".to_owned())
    );
    assert_eq!(served.refused("/v1/after-hit/agenda", json!({})), (403, "not_permitted".to_owned()));
}

/// A note that is told in the same words as one before it is other news: it is not taken by the mark of that one, and
/// the journal has to whom it was shown.
#[test]
fn a_later_note_of_the_same_partner_is_other_news() {
    let served = stacked();
    served.call("/v1/after-hit/forward", json!({ "rows": rows() }));
    let (by, address) = (Case::new("p.peters", "B-1").unwrap(), AddressKey::from_canonical(KEY).unwrap());
    served.other().put_forward([&address], &by, served.desk.time()).unwrap();
    served.day();
    let news = || served.call("/v1/after-hit/news", json!({}));
    let seen = |news: &Value| json!({ "mark": news["mark"] });
    served.call("/v1/after-hit/news/seen", seen(&news()));
    let writes = |text: &str| {
        let note = NewNote::Text { text, to: None };
        served.other().write_note(1, &note, &by, served.desk.time()).unwrap();
        // One day brings it to the broker, and the next one here.
        (0..2).for_each(|_| served.day());
        let before = count(&served);
        let told = news();
        assert_eq!((&told["news"][0]["note"]["text"], told["news"].as_array().unwrap().len()), (&json!(text), 1));
        assert_eq!(count(&served), before + 1, "the journal has to whom it was shown");
        assert_eq!(news(), told);
        assert_eq!(count(&served), before + 1);
        told
    };
    let first = writes("een");
    assert_eq!(served.call("/v1/after-hit/news/seen", seen(&first)), json!({ "seen": 1 }));
    let second = writes("twee");
    assert_eq!(served.refused("/v1/after-hit/news/seen", seen(&first)), (409, "news_changed".to_owned()));
    assert_eq!(news(), second, "it was not taken unseen");
    assert_eq!(served.call("/v1/after-hit/news/seen", seen(&second)), json!({ "seen": 1 }));
}

#[test]
fn a_program_that_asks_for_both_kinds_of_news_each_minute_fills_no_journal() {
    let served = stacked();
    served.call("/v1/after-hit/forward", json!({ "rows": rows() }));
    let (by, address) = (Case::new("p.peters", "B-1").unwrap(), AddressKey::from_canonical(KEY).unwrap());
    served.other().put_forward([&address], &by, served.desk.time()).unwrap();
    served.day();
    served.call("/v1/ask-own", json!({ "request": NAME }));
    served.carry();
    let before = count(&served);
    for _ in 0..3 {
        for path in ["/v1/news", "/v1/after-hit/news"] {
            assert_ne!(served.call(path, json!({}))["news"], json!([]), "{path}");
        }
        assert_eq!(count(&served), before + 2, "each was shown to one, for one case");
    }
}

#[test]
fn what_is_flagged_is_put_forward_with_it_where_that_is_asked_for() {
    let served = Served::that_meet(&format!("[retention]\nmax_days = 31\n{MEET}"));
    let rows = json!([{ "text": DAM }, { "text": "niets" }, { "address": KEY }]);
    let with = |forward: bool| json!({ "rows": rows, "forward": forward });
    let did = served.call("/v1/flag", with(true));
    assert_eq!(
        (&did["added"], &did["refused"], &did["repeated"], &did["put_forward"]),
        (&json!(1), &json!(1), &json!(1), &json!(1))
    );
    assert_eq!(did["rows"][1]["refused"]["code"], "no_postcode");
    assert_eq!(served.call("/v1/flag", with(true))["put_forward"], 0, "made again it does nothing more");
    assert_eq!(served.call("/v1/flag", with(false)).get("put_forward"), None);
    assert_eq!(served.desk.lend().put_forward_rows().count(), 1);
    // Once the flag is over only a renewal lets it go on, and until then there is nothing to put forward.
    served.now.fetch_add(34 * DAY, Ordering::SeqCst);
    let late = served.call("/v1/flag", json!({ "rows": [{ "text": DAM }], "forward": true }));
    assert_eq!((&late["lapsed"], &late["put_forward"]), (&json!(1), &json!(0)));
}

#[test]
fn where_nothing_may_be_put_forward_nothing_is_flagged_with_it() {
    let served = Served::new();
    let both = json!({ "rows": rows(), "forward": true });
    assert_eq!(served.refused("/v1/flag", both), (403, "not_permitted".to_owned()));
    assert_eq!(served.desk.lend().flags().len(), 0);
    assert_eq!(served.call("/v1/flag", json!({ "rows": rows() }))["added"], 1);
}

#[test]
fn the_status_says_what_waits_after_a_hit() {
    let served = stacked();
    let waits = || served.say(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").json();
    let waits = || waits()["after_hit"].clone();
    assert_eq!((&waits()["unanswered"], waits().get("unanswered_since")), (&json!(0), None));
    let (by, address) = (Case::new("p.peters", "B-1").unwrap(), AddressKey::from_canonical(KEY).unwrap());
    served.other().put_forward([&address], &by, served.desk.time()).unwrap();
    served.day();
    let today = served.desk.time().day().to_string();
    let due = waits();
    assert_eq!((&due["unanswered"], &due["late"], &due["unanswered_since"]), (&json!(1), &json!(0), &json!(today)));
    assert!(due["answer_by"].as_str().unwrap() > today.as_str());
    served.call("/v1/after-hit/forward", json!({ "rows": rows() }));
    assert_eq!(waits()["unanswered"], 0);
    // Today's messages have gone: it is put forward tomorrow, and the two are introduced the day after.
    (0..2).for_each(|_| served.day());
    served.call("/v1/after-hit/note", json!({ "conversation": 1, "after": 0, "kind": "text", "text": "Belt u?" }));
    let due = waits();
    let written = served.desk.time().day().to_string();
    assert_eq!((&due["notes_waiting"], &due["notes_waiting_since"]), (&json!(1), &json!(written)));
    assert_eq!((&due["notes_day_spent"], &due["notes_too_many_wait"]), (&json!(0), &json!(0)));
    served.day();
    assert_eq!((&waits()["notes_waiting"], waits().get("notes_waiting_since")), (&json!(0), None));
}

#[test]
fn who_is_asked_answers() {
    let served = stacked();
    let answer = |answer: &str, dry_run: bool| json!({ "address": KEY, "answer": answer, "dry_run": dry_run });
    let nobody = (409, "not_put_forward".to_owned());
    assert_eq!(served.refused("/v1/after-hit/answer", answer("join", false)), nobody);
    assert_eq!(served.call("/v1/after-hit/asked", json!({})), json!({ "asked": [] }));
    let (by, address) = (Case::new("p.peters", "B-1").unwrap(), AddressKey::from_canonical(KEY).unwrap());
    let now: Timestamp = served.desk.time();
    served.other().put_forward([&address], &by, now).unwrap();
    served.day();
    let asked = served.call("/v1/after-hit/asked", json!({}));
    let one = &asked["asked"][0];
    assert_eq!((&one["address"], &one["typed"], &one["put_forward"]), (&json!(KEY), &json!(DAM), &json!(false)));
    let before = count(&served);
    served.call("/v1/after-hit/answer", answer("join", true));
    assert_eq!(count(&served), before);
    for _ in 0..2 {
        served.call("/v1/after-hit/answer", answer("not_now", false));
        assert_eq!(count(&served), before + 1);
    }
    for _ in 0..2 {
        let done = served.call("/v1/after-hit/answer", answer("join", false));
        assert_eq!(done, json!({ "address": KEY, "answer": "join" }));
        assert_eq!(count(&served), before + 2);
    }
    let asked = served.call("/v1/after-hit/asked", json!({}));
    assert_eq!((&asked["asked"][0]["answer"], &asked["asked"][0]["put_forward"]), (&json!("join"), &json!(true)));
    assert_eq!(served.refused("/v1/after-hit/answer", answer("perhaps", false)), (400, "bad_request".to_owned()));
}
