//! What each call does, and what stands in the journal after it.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use stapel::partner::{Caller, DossierEvent};
use stapel::{Case, Digest, Partner};
use stapel_testkit::DAY;

use super::{NAME, Served, acting, own_user, post};

const DAM: &str = "Dam 1-A, 1012 JS Amsterdam";

fn ask(rows: &[&str]) -> Value {
    json!({ "request": NAME, "rows": rows.iter().map(|row| json!({ "text": row })).collect::<Vec<_>>() })
}

#[test]
fn rows_come_in_four_ways_and_each_says_what_became_of_it() {
    let served = Served::new();
    let rows = json!([
        { "text": DAM },
        { "postcode": "1012 js", "number": "2", "letter": "b", "street": "Dam" },
        { "address": "1012JS|3|" },
        { "text": "Dam 4, 2e verdieping, 1012 JS" },
        { "text": "Dam 1 A, 1012JS" },
        { "bag_id": "036301001234567" },
    ]);
    let flagged = served.call("/v1/flag", json!({ "rows": rows }));
    let count = |told: &Value, name: &str| told[name].as_u64().unwrap();
    let told: Vec<String> = flagged["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["address"].as_str().or(row["refused"]["code"].as_str()).unwrap().to_owned())
        .collect();
    let addresses = ["1012JS|1|A", "1012JS|2|B", "1012JS|3|"];
    assert_eq!(
        (&told[..3], told[3].as_str(), told[4].as_str()),
        (&addresses.map(str::to_owned)[..], "suffix_in_words", addresses[0])
    );
    assert!(flagged["rows"][5]["refused"]["code"].as_str().unwrap().starts_with("bag_id"), "{told:?}");
    assert_eq!((count(&flagged, "added"), count(&flagged, "repeated"), count(&flagged, "refused")), (3, 1, 2));
    let refused = &flagged["rows"][3]["refused"];
    assert!(refused["message"].as_str().unwrap().contains("verdieping"), "{refused}");
    let wrong = json!([
        { "text": DAM },
        { "number": "2", "postcode": "12" },
        { "number": "a", "postcode": "1012JS" },
        { "number": "2", "letter": "bb", "postcode": "1012JS" },
        { "number": "2", "addition": "--", "postcode": "1012JS" },
        { "text": "bij Dam 1, 1012 JS" },
    ]);
    let fields = served.call("/v1/flag", json!({ "rows": wrong }));
    let fields: Vec<_> = (1..6).map(|at| fields["rows"][at]["refused"]["field"].clone()).collect();
    assert_eq!(fields, ["postcode", "number", "letter", "addition", "line"], "as a row has them");
    assert_eq!((&flagged["rows"][0]["how"], &flagged["rows"][0]["last_day"]), (&json!("read"), &json!("2027-04-30")));

    // Made again it does nothing more.
    let again = served.call("/v1/flag", json!({ "rows": rows }));
    assert_eq!((count(&again, "added"), count(&again, "unchanged")), (0, 3));
    assert_eq!(again["rows"], flagged["rows"]);

    // A house number alone, where the policy counts those.
    let words = json!([{ "text": "Dam 4, 2e verdieping, 1012 JS" }]);
    let alone = served.call("/v1/flag", json!({ "rows": words, "number_only": true }));
    let row = &alone["rows"][0];
    assert_eq!((&row["address"], &row["level"]), (&json!("1012JS|4"), &json!("number")));
    assert_eq!(row["only_number"]["code"], "suffix_in_words");
    let all_refused = served.post("/v1/flag", &acting(json!({ "rows": words })));
    assert_eq!(all_refused.code(), (422, "rows_refused".to_owned()));
    assert_eq!(all_refused.json()["rows"][0]["refused"]["code"], "suffix_in_words");
}

#[test]
fn the_journal_has_who_acted_and_the_user_through_whom() {
    let served = Served::new();
    served.call("/v1/flag", json!({ "actor": "m.smit", "case": "Z-7", "rows": [{ "text": DAM }] }));
    let head = format!("Authorization: Bearer {}\r\n", super::TOKEN);
    let body = acting(json!({ "rows": [{ "text": DAM }], "renew": "observed_again" }));
    let through_loopback = served.say_loopback(&post("/v1/flag", &head, &body.to_string()));
    assert_eq!(through_loopback.status, 200);
    let entries = served.dossier(DAM);
    let by = entries[0].by.as_ref().unwrap();
    assert_eq!((by.actor(), by.reference(), by.caller()), ("m.smit", "Z-7", own_user(&served)));
    let by = entries[1].by.as_ref().unwrap();
    assert_eq!((by.actor(), by.caller()), ("j.jansen", Caller::Loopback));
    // And so the dossier through the socket.
    let shown = served.call("/v1/dossier", json!({ "row": { "text": DAM } }));
    let Caller::LocalUser { uid } = own_user(&served) else { unreachable!() };
    assert_eq!((&shown["entries"][0]["caller"], &shown["entries"][0]["uid"]), (&json!("local_user"), &json!(uid)));
    assert_eq!((&shown["entries"][1]["caller"], &shown["entries"][1]["uid"]), (&json!("loopback"), &Value::Null));
    let looked = served.dossier(DAM).into_iter().filter(|entry| entry.event == DossierEvent::LookedUp);
    let lookers: Vec<_> = looked.map(|entry| entry.by.unwrap().caller()).collect();
    assert_eq!(lookers, [Caller::OwnProcess, own_user(&served)], "who was shown it through the socket too");
}

#[test]
fn what_is_withdrawn_says_what_stays() {
    let served = Served::new();
    let rows = json!([{ "text": "Dam 1 hs, 1012 JS" }, { "address": "1012JS|1" }, { "address": "1012JS|2|" }]);
    served.call("/v1/flag", json!({ "rows": rows }));
    let told =
        served.call("/v1/withdraw", json!({ "rows": [{ "text": "Dam 1 H, 1012 JS" }, { "text": "Dam 2, 1012JS" }] }));
    assert_eq!((&told["withdrawn"], &told["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(told["rows"][0]["was_flagged"], false);
    assert_eq!(told["rows"][0]["stay"], json!(["1012JS|1", "1012JS|1|HS"]));
    assert_eq!((&told["rows"][1]["was_flagged"], &told["rows"][1]["stay"]), (&json!(true), &json!([])));
    let again = served.call("/v1/withdraw", json!({ "rows": [{ "address": "1012JS|2|" }] }));
    assert_eq!((&again["withdrawn"], &again["rows"][0]["was_flagged"]), (&json!(0), &json!(false)));
}

#[test]
fn a_question_that_is_made_again_asks_nothing_twice() {
    let served = Served::new();
    served.call("/v1/flag", json!({ "rows": [{ "text": DAM }] }));
    served.carry();
    served.others_flag(&[DAM]);
    let rows = [DAM, "Dam 2, 1012 JS", "niets"];
    let first = served.call("/v1/ask", ask(&rows));
    assert_eq!((&first["state"], &first["refused"], &first["request"]), (&json!("waiting"), &json!(1), &json!(NAME)));
    let records = || served.desk.lend().journal_length();
    let before = records();
    assert_eq!(served.call("/v1/ask", ask(&rows)), first);
    assert_eq!(records(), before, "nothing was asked twice");
    served.carry();
    let answered = served.call("/v1/ask", ask(&rows));
    assert_eq!(answered["state"], "answered");
    let standings = &answered["answers"][0]["rows"];
    assert_eq!((&standings[0]["address"], &standings[0]["standing"]), (&json!("1012JS|1|A"), &json!("stacked")));
    assert_eq!((&standings[0]["count"], &standings[0]["typed"]), (&json!(2), &json!(DAM)));
    assert_eq!(standings[1]["standing"], "no_own_flag");
    let again = served.call("/v1/answers", json!({ "request": NAME }));
    assert_eq!((&again["state"], &again["answers"]), (&json!("answered"), &answered["answers"]));

    // The same name with anything else in it, and another's question.
    let reused = (409, "request_reused".to_owned());
    assert_eq!(served.refused("/v1/ask", ask(&rows[..1])), reused);
    let mut other_case = ask(&rows);
    other_case["case"] = json!("Z-8");
    assert_eq!(served.refused("/v1/ask", other_case), reused);
    assert_eq!(served.refused("/v1/ask-own", json!({ "request": NAME })), reused, "own flags were not asked about");
    let not_asked = (404, "not_asked".to_owned());
    assert_eq!(served.refused("/v1/answers", json!({ "request": NAME, "actor": "m.smit" })), not_asked);
    assert_eq!(served.refused("/v1/answers", json!({ "request": NAME.replace('3', "4") })), not_asked);
    let body = acting(json!({ "request": NAME })).to_string();
    let head = format!("Authorization: Bearer {}\r\n", super::TOKEN);
    let other_door = served.say_loopback(&post("/v1/answers", &head, &body));
    assert_eq!(other_door.code(), not_asked, "another user's question");
    // Through that door the name is free.
    let theirs = served.say_loopback(&post("/v1/ask", &head, &acting(ask(&rows)).to_string()));
    assert_eq!(theirs.json()["state"], "waiting");
}

#[test]
fn questions_about_own_flags_and_what_is_not_accepted() {
    let served = Served::new();
    let nothing = served.call("/v1/ask-own", json!({ "request": NAME }));
    assert_eq!(nothing, json!({ "request": NAME, "state": "nothing", "answers": [] }));
    served.call("/v1/flag", json!({ "rows": [{ "text": DAM }] }));
    served.carry();
    served.others_flag(&[DAM]);
    let waiting = served.call("/v1/ask-own", json!({ "request": NAME }));
    assert_eq!(waiting["state"], "waiting");
    served.call("/v1/flag", json!({ "rows": [{ "text": "Dam 5, 1012 JS" }] }));
    assert_eq!(served.call("/v1/ask-own", json!({ "request": NAME })), waiting, "other flags have come meanwhile");
    served.carry();
    let answered = served.call("/v1/answers", json!({ "request": NAME }));
    let rows = answered["answers"][0]["rows"].as_array().unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row["address"].as_str().unwrap(), row["count"].as_u64())).collect();
    assert_eq!(told, [("1012JS|1|A", Some(2)), ("1012JS|1", Some(2))]);
    assert_eq!(rows[0]["typed"], DAM);
    let mut same = ask(&[]);
    same["rows"] = rows.iter().map(|row| json!({ "address": row["address"] })).collect();
    assert_eq!(served.refused("/v1/ask", same), (409, "request_reused".to_owned()));

    // One that a person gives up is asked anew by the same request.
    let name = NAME.replace('3', "5");
    served.call("/v1/ask-own", json!({ "request": name }));
    let mut partner = served.desk.lend();
    let digest = partner.in_flight().last().unwrap().digest;
    partner.give_up(digest, served.desk.time()).unwrap();
    drop(partner);
    let dropped = served.call("/v1/answers", json!({ "request": name }));
    assert_eq!((&dropped["state"], &dropped["not_accepted"]["code"]), (&json!("not_accepted"), &json!("dropped")));
    assert_eq!(served.call("/v1/ask-own", json!({ "request": name }))["state"], "waiting");
}

#[test]
fn news_is_given_until_it_was_seen() {
    let served = Served::new();
    assert_eq!(served.call("/v1/news", json!({})), json!({ "news": [] }));
    served.call("/v1/flag", json!({ "rows": [{ "text": DAM }] }));
    served.carry();
    served.others_flag(&[DAM]);
    served.call("/v1/ask-own", json!({ "request": NAME }));
    served.carry();
    let news = served.call("/v1/news", json!({}));
    assert_eq!(news["news"].as_array().unwrap().len(), 2, "the home and its number");
    assert_eq!(news["news"][1]["change"], "newly_stacked");
    assert_eq!((&news["news"][1]["now"], &news["news"][1]["typed"]), (&json!({ "count": 2 }), &json!(DAM)));
    assert_eq!(served.call("/v1/news", json!({})), news, "a reply that was lost loses none");
    assert_eq!(served.call("/v1/news", json!({ "actor": "m.smit" })), news, "nor does a colleague who looks");
    let changed = (409, "news_changed".to_owned());
    assert_eq!(served.refused("/v1/news/seen", json!({ "mark": "0".repeat(64) })), changed);
    let mark = &news["mark"];
    assert_eq!(served.call("/v1/news/seen", json!({ "mark": mark })), json!({ "seen": 2 }));
    assert_eq!(served.refused("/v1/news/seen", json!({ "mark": mark })), changed);
    assert_eq!(served.call("/v1/news", json!({})), json!({ "news": [] }));
    let shown = served.dossier(DAM).into_iter().filter(|entry| entry.event == DossierEvent::NewsShown);
    let shown: Vec<_> = shown.map(|entry| entry.by.unwrap()).collect();
    assert!(shown.iter().all(|by| by.caller() == own_user(&served)));
    let actors: Vec<_> = shown.iter().map(Case::actor).collect();
    assert_eq!(actors, ["j.jansen", "j.jansen", "m.smit", "m.smit"], "home and number, once to each");
}

/// What was stacked, was not, and is again is other news than the first time, also where nobody looked here in between.
#[test]
fn what_is_stacked_once_more_is_other_news() {
    let served = Served::new();
    served.call("/v1/flag", json!({ "rows": [{ "text": DAM }] }));
    served.carry();
    served.others_flag(&[DAM]);
    let ask = |name: char| {
        served.call("/v1/ask-own", json!({ "request": NAME.replace('3', &name.to_string()) }));
        served.carry();
    };
    let news = || served.call("/v1/news", json!({}));
    let seen = |news: &Value| json!({ "mark": news["mark"] });
    ask('3');
    let first = news();
    assert_eq!(served.call("/v1/news/seen", seen(&first)), json!({ "seen": 2 }));
    served.other_withdraws(DAM);
    ask('4');
    assert_eq!(served.desk.lend().news().unwrap().len(), 2, "it is stacked no longer, which the command line told");
    served.others_flag(&[DAM]);
    // The broker has what ended and came again count some days later.
    served.now.fetch_add(4 * DAY, Ordering::SeqCst);
    ask('5');
    let before = served.desk.lend().journal_length();
    let again = news();
    assert_eq!(again["news"], first["news"]);
    assert_eq!(served.desk.lend().journal_length(), before + 1, "the journal has to whom it was shown");
    assert_eq!(served.refused("/v1/news/seen", seen(&first)), (409, "news_changed".to_owned()));
    assert_eq!(news(), again, "it was not taken unseen");
    ask('6');
    assert_eq!(news(), again, "an answer that changes nothing leaves the news as it is");
    assert_eq!(served.call("/v1/news/seen", seen(&again)), json!({ "seen": 2 }));
}

/// What is shown anew is another piece of news, and the journal has to whom.
#[test]
fn news_after_that_which_was_shown_is_noted_too() {
    let served = Served::new();
    let other = "Dam 2-B, 1012 JS Amsterdam";
    served.call("/v1/flag", json!({ "rows": [{ "text": DAM }, { "text": other }] }));
    served.carry();
    served.others_flag(&[DAM, other]);
    served.call("/v1/ask-own", json!({ "request": NAME }));
    served.carry();
    let shown = || served.call("/v1/news", json!({}))["news"].as_array().unwrap().len();
    assert_eq!(shown(), 4, "two homes and their numbers");
    served.call("/v1/withdraw", json!({ "rows": [{ "text": DAM }] }));
    assert_eq!(shown(), 2, "what is flagged no longer is no news");
    let records = served.desk.lend().processings("https://register.example.nl/12", Digest::NONE).unwrap();
    assert_eq!(records.iter().filter(|record| record.name == "stapel.show_news").count(), 2);
}

#[test]
fn what_cannot_be_done_says_so_and_changes_nothing() {
    let served = Served::new();
    let row = json!([{ "text": DAM }]);
    served.call("/v1/flag", json!({ "rows": row }));
    let before = served.desk.lend().journal_length();
    for (path, body, expected) in [
        ("/v1/flag", json!({ "rows": row, "actor": " " }), (422, "case")),
        ("/v1/flag", json!({ "rows": row, "case": "a\u{202e}b" }), (422, "case")),
        ("/v1/flag", json!({ "rows": row, "until": "2027-05-30" }), (422, "last_day")),
        (
            "/v1/flag",
            json!({ "rows": [{ "text": "Dam 9, 1012 JS" }], "renew": "observed_again" }),
            (422, "not_flagged"),
        ),
        ("/v1/ask", json!({ "rows": row, "request": "short" }), (422, "case")),
        ("/v1/ask", json!({ "rows": row, "request": NAME, "sweep": "brand" }), (403, "not_permitted")),
        ("/v1/dossier", json!({ "row": { "text": "niets" } }), (422, "no_postcode")),
    ] {
        let (status, code) = served.refused(path, body.clone());
        assert_eq!((status, code.as_str()), expected, "{path} {body}");
    }
    served.now.store(served.desk.time().0 - 2 * DAY, Ordering::SeqCst);
    assert_eq!(served.refused("/v1/withdraw", json!({ "rows": row })), (409, "clock".to_owned()));
    assert_eq!(served.desk.lend().journal_length(), before);
}

#[test]
fn what_was_done_is_on_disk_when_it_is_said() {
    let mut served = Served::new();
    for number in 1..20 {
        served.call("/v1/flag", json!({ "rows": [{ "postcode": "1012JS", "number": number.to_string() }] }));
    }
    // As a kill leaves it: the folder's files as they are now, of a partner that was never closed.
    let copy = served.path("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(served.path("1")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let copied = Partner::open(copy.as_path()).unwrap();
    copied.check_journal().unwrap();
    assert_eq!(copied.flags().len(), 19);
    let path = served.path("1/state.sealed");
    let before = std::fs::metadata(&path).unwrap().len();
    assert!(served.stop());
    assert!(!served.path("serve.sock").exists());
    let after = std::fs::metadata(path).unwrap().len();
    assert!(after > before, "the next start has nothing to apply: {before}, {after}");
}

#[test]
fn the_status_has_numbers_alone() {
    let served = Served::new();
    served.call("/v1/flag", json!({ "rows": [{ "text": DAM }] }));
    served.call("/v1/ask-own", json!({ "request": NAME }));
    let response = served.say(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let status = response.json();
    assert_eq!((&status["partner"], &status["flags"], &status["undelivered"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(status["waiting"], json!({ "flags": 0, "questions": 1, "status": 0, "talk": 0 }));
    assert_eq!(status["sync"], json!({ "state": "off" }));
    let text = String::from_utf8(response.body).unwrap();
    assert!(!text.contains("1012JS") && !text.contains("jansen") && !text.contains("0117"), "{text}");
}

#[test]
fn the_callers_trace_is_in_the_record_and_does_not_make_it_another_call() {
    let served = Served::new();
    let body = acting(json!({ "rows": [{ "text": DAM }] })).to_string();
    let traces = [
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        "traceparent: none\r\n",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\
         traceparent: 00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n",
        "",
    ];
    for fields in traces {
        let response = served.say(&post("/v1/flag", fields, &body));
        assert_eq!(response.code().0, 200, "one that is none is passed over: {fields}");
    }
    let records = served.desk.lend().processings("https://register.example.nl/12", Digest::NONE).unwrap();
    let traces: Vec<_> = records.iter().map(|record| record.foreign_operation.as_ref()).collect();
    assert_eq!(traces[0].unwrap().action.span_id(), "b7ad6b7169203331");
    assert!(traces[1..].iter().all(Option::is_none), "{traces:?}");

    let question = acting(ask(&[DAM])).to_string();
    let asked = |fields: &str| served.say(&post("/v1/ask", fields, &question)).json();
    let first = asked("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
    assert_eq!(asked("traceparent: 00-0af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01\r\n"), first);
    assert_eq!(served.desk.lend().in_flight().count(), 1, "asked once");
}
