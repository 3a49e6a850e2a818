//! Messages and replies.

use std::sync::atomic::Ordering;

use stapel::message::{Part, Standing};
use stapel::partner::Received;
use stapel::{AddressKey, Case, Partner, Timestamp};
use stapel_testkit::{Client, DAY, START, code, day, pseudonym, read};

use super::Running;

#[test]
fn messages_get_their_replies_as_from_the_broker_itself() {
    let running = Running::new();
    let mut all = Vec::new();
    for number in [1, 2, 3] {
        let mut client = Client::new(number, &running.policy);
        let mut connection = running.connect(number);
        let part = Part { number: 1, of: 1 };
        let message = client.full_set(&[(pseudonym(7), day("2027-01-31"))], part, START);
        let response = connection.send(&message).unwrap();
        assert_eq!(response.status, 200, "{response:?}");
        for header in [
            "api-version: 1.0.0",
            "cache-control: no-store",
            "x-content-type-options: nosniff",
            "content-type: application/vnd.stapel.reply",
            "strict-transport-security: max-age=",
        ] {
            assert!(response.head.contains(header), "{header} in {}", response.head);
        }
        assert_eq!(code(&read(&response.body)), "ok");
        // The same bytes again get the same reply, on the same connection and on another.
        assert_eq!(connection.send(&message).unwrap().body, response.body);
        assert_eq!(running.connect(number).send(&message).unwrap().body, response.body);
        all.push((client, connection));
    }
    for (client, connection) in &mut all {
        let question = client.question(&[pseudonym(7)], START);
        let reply = read(&connection.send(&question).unwrap().body);
        assert_ne!(code(&reply), "internal");
    }
}

#[test]
fn partners_deliver_and_ask_over_the_wire() {
    let running = Running::new();
    let by = Case::new("j.jansen", "2026-0117").unwrap();
    let home = AddressKey::parse("Dam 1-A, 1012 JS Amsterdam").unwrap();
    let mut partners = Vec::new();
    for number in 1..=5 {
        let mut partner = Partner::open(&running.path(&number.to_string())).unwrap();
        let mut connection = running.connect(number);
        let mut send = move |message: &[u8]| connection.send(message).map(|reply| reply.body).ok_or("no reply");
        if number <= 3 {
            partner.flag(std::slice::from_ref(&home), &by, START).unwrap();
        }
        let messages = partner.deliver(START).unwrap();
        assert_eq!(partner.carry(&messages, START, &mut send).unwrap().len(), messages.len());
        partners.push((partner, send));
    }
    let tomorrow = Timestamp(START.0 + DAY);
    running.now.store(tomorrow.0, Ordering::SeqCst);
    let consortia = running.serving.as_ref().unwrap().server().consortia();
    consortia.values().for_each(|one| drop(one.broker.release(tomorrow).unwrap()));
    let (police, send) = &mut partners[0];
    let questions = police.ask_own(&by, tomorrow).unwrap();
    let received = police.carry(&questions, tomorrow, send).unwrap();
    let Some(Received::Answer(answer)) = received.first() else { panic!("{received:?}") };
    assert!(!answer.rows.is_empty());
    assert!(answer.rows.iter().all(|(_, standing)| matches!(standing, Standing::Stacked(_))), "{:?}", answer.rows);
}

#[test]
fn what_is_no_message_gets_a_hint() {
    let running = Running::new();
    let response = running.connect(1).send(b"no message").unwrap();
    assert_eq!(response.status, 200);
    assert_ne!(code(&read(&response.body)), "ok");
}
