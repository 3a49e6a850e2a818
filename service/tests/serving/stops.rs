//! What ends a request, a connection or a reload, and what goes on.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, Response};
use stapel::Broker;
use stapel_service::server::Peer;
use stapel_testkit::{Client, Consortium, START, pseudonym, stored_keys, write_policy};

use super::{BROKEN, Running};

#[test]
fn a_panic_is_one_requests_and_the_same_bytes_are_answered_later() {
    let running = Running::new();
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    running.now.store(BROKEN, Ordering::SeqCst);
    let mut connection = running.connect(1);
    let response = connection.send(&question).unwrap();
    assert_eq!(response.code(), "internal");
    assert!(!String::from_utf8(response.body).unwrap().contains("the clock broke"));
    running.now.store(START.0, Ordering::SeqCst);
    assert_eq!(running.connect(1).send(&question).unwrap().code(), "ok");
}

#[test]
fn whoever_comes_while_it_stops_is_told_to_come_again() {
    let running = Running::new();
    let server = running.serving.as_ref().unwrap().server();
    let get = || -> Response<Body> {
        let peer = Peer { oin: Some(running.oin(1).parse().unwrap()), ..Peer::default() };
        let request = Request::get("/v1/zaanstad/policies").header("host", "localhost").body(Body::empty()).unwrap();
        running.runtime.block_on(server.clone().respond(Arc::new(peer), request))
    };
    assert_eq!(get().status(), 200);
    server.stop();
    let response = get();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    let body = running.runtime.block_on(axum::body::to_bytes(response.into_body(), 65_536)).unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["code"], "busy");
}

#[test]
fn it_lives_while_its_schedules_and_workers_get_things_done() {
    let running = Running::new();
    let serving = running.serving.as_ref().unwrap();
    let now = Instant::now();
    assert!(serving.is_alive(now) && serving.is_alive(now + Duration::from_secs(600)));
    // Whatever did something until now, and nothing after it.
    assert!(!serving.is_alive(Instant::now() + Duration::from_secs(1_000)));
}

#[test]
fn a_connection_has_a_longest_life_and_ends_between_two_requests() {
    let running = Running::bounded(|bounds| {
        (bounds.life, bounds.head) = (Duration::from_millis(300), Duration::from_secs(3_600));
    });
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    let mut connection = running.connect(1);
    assert_eq!(connection.send(&question).unwrap().status, 200);
    let ended = connection.0.read(&mut [0]);
    assert!(matches!(ended, Ok(0)), "in good order, and not because the test waits no longer: {ended:?}");
}

#[test]
fn a_reload_whose_new_consortium_cannot_begin_changes_nothing() {
    let mut running = Running::new();
    let question = Client::new(1, &running.policy).question(&[pseudonym(1)], START);
    let mut connection = running.connect(1);
    assert_eq!(connection.send(&question).unwrap().status, 200);
    let text = Consortium::policy(1).replace("\"zaanstad\"", "\"elders\"").replace("nl/zaanstad", "nl/elders");
    write_policy(&running.path("elders.toml"), &text);
    let (folder, keys) = (running.path("elders"), running.path("elders-keys"));
    drop(Broker::create(&folder, stored_keys(&keys), &running.path("elders.toml"), START).unwrap());
    // Where its sockets would be there is a file.
    std::fs::write(running.path("run/elders"), "").unwrap();
    running.config.consortia.push((folder.clone(), keys));
    let refused = running.reload().unwrap_err();
    assert!(refused.contains("run") && refused.contains("cannot listen"), "{refused}");
    assert_eq!(connection.send(&question).unwrap().status, 200, "on the same connection");
    let names: Vec<_> =
        running.serving.as_ref().unwrap().server().consortia().keys().map(|name| name.to_string()).collect();
    assert_eq!(names, ["zaanstad"]);
    assert!(running.path("run/zaanstad/operator.sock").exists());
    // The new one is closed again, so that it can be begun once nothing is in its way.
    std::fs::remove_file(running.path("run/elders")).unwrap();
    running.reload().unwrap();
    let names: Vec<_> =
        running.serving.as_ref().unwrap().server().consortia().keys().map(|name| name.to_string()).collect();
    assert_eq!(names, ["elders", "zaanstad"]);
}
