//! The document that is served says what the router and spec/carrier.md say.

use std::collections::BTreeSet;

use serde_json::Value;
use stapel_service::carrier::{API_VERSION, ProblemCode};
use stapel_service::server::ROUTES;

use super::Running;

const CARRIER: &str = include_str!("../../../spec/carrier.md");
const OPENAPI: &str = include_str!("../../openapi.json");

#[test]
fn it_is_served_and_has_the_routes_and_codes() {
    let running = Running::new();
    let served = running.connect(1).say("GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!((served.status, served.body.as_slice()), (200, OPENAPI.as_bytes()));
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    assert_eq!(document["info"]["version"], API_VERSION);
    let mut there = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        there.extend(item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(there, routes);
    let codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].as_array().unwrap();
    let codes: Vec<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(codes, ProblemCode::ALL.map(ProblemCode::as_str));
}

#[test]
fn the_codes_and_routes_are_those_of_the_specification() {
    let rows = CARRIER.lines().filter_map(|line| {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let status: u16 = cells.next()?.parse().ok()?;
        Some((status, cells.next()?.trim_matches('`').to_owned()))
    });
    let codes: Vec<_> = ProblemCode::ALL.iter().map(|code| (code.status(), code.as_str().to_owned())).collect();
    assert_eq!(rows.collect::<Vec<_>>(), codes);
    for route in ROUTES {
        let there = CARRIER.lines().any(|line| {
            line.trim().starts_with(route.method) && line.split_whitespace().any(|word| word.ends_with(route.path))
        });
        assert!(there, "{route:?}");
    }
}
