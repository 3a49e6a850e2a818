//! The document that is served says what the router and the code say.

use std::collections::BTreeSet;

use serde_json::Value;
use stapel_service::desk::ROUTES;

use super::Served;

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
