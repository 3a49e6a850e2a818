//! The document that is served says what the router and the code say.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stapel::Case;
use stapel::partner::TalkAct;
use stapel_service::desk::ROUTES;

use super::{NAME, Served};

const OPENAPI: &str = include_str!("../../partner-openapi.json");

#[test]
fn it_is_served_and_has_the_routes() {
    let served = Served::new();
    let response = served.say(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!((response.status, response.body.as_slice()), (200, OPENAPI.as_bytes()));
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut there = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        there.extend(item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(there, routes);
}

#[test]
fn what_is_done_after_a_hit_is_told_by_the_names_that_it_has() {
    const HOME: &str = "Dam 1-A, 1012 JS Amsterdam";
    let served = Served::under("[meet]\ndirect = [[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente\"]]\n");
    served.call("/v1/flag", json!({ "rows": [{ "text": HOME }] }));
    served.call("/v1/ask-own", json!({ "request": NAME }));
    let (by, now) = (Case::new("m.smit", "7").unwrap(), served.desk.time());
    {
        let mut partner = served.desk.lend();
        let flagged: Vec<_> = partner.flags().map(|flag| flag.address).collect();
        partner.put_forward(&flagged, &by, now).unwrap();
        partner.talk(now).unwrap().expect("an exchange");
    }
    let status = served.say(b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").json();
    assert_eq!(status["waiting"], json!({ "flags": 0, "questions": 1, "status": 0, "talk": 1 }));

    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let names = &document["components"]["schemas"]["DossierEntry"]["properties"]["event"]["enum"];
    let names: BTreeSet<&str> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let told = served.call("/v1/dossier", json!({ "row": { "text": HOME } }));
    let told: Vec<&str> =
        told["entries"].as_array().unwrap().iter().map(|one| one["event"].as_str().unwrap()).collect();
    assert_eq!(told, ["flagged", "asked", "asked", "put_forward"], "asked about as a home and as a house number");
    // Of no address, so that no dossier has them.
    let elsewhere = [TalkAct::Kept, TalkAct::Totals, TalkAct::YearReported];
    for act in TalkAct::ALL {
        assert_eq!(names.contains(act.as_str()), !elsewhere.contains(&act), "{act:?}");
    }
    assert!(told.iter().all(|event| names.contains(event)));
}
