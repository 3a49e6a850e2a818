//! A partner's day: flag addresses, deliver, ask, and read what came back.
//!
//! `cargo run --example partner_day`
//!
//! The consortium is one that the tests have, in a temporary folder. Yours is founded with the command `stapel`, which
//! makes the same folders; `docs/` says what is in them.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::convert::Infallible;
use std::error::Error;

use stapel::message::{Standing, Told};
use stapel::partner::{Received, StackChange};
use stapel::{AddressKey, Broker, BrokerKeys, Case, Partner, Timestamp};
use stapel_testkit::{Consortium, DAY, START};

fn main() -> Result<(), Box<dyn Error>> {
    let consortium = Consortium::new();
    let broker = Broker::open(&consortium.path("broker"), BrokerKeys::open(&consortium.path("keys"))?)?;
    // Two other organisations are concerned about the same home, a third about nothing. Nobody gets an answer before
    // all organisations have delivered, were it nothing.
    for folder in ["2", "3", "4"] {
        let mut other = Partner::open(&consortium.path(folder))?;
        if folder != "4" {
            other.flag([AddressKey::parse("Dam 1-A, 1012 JS Amsterdam")?], &Case::new("somebody", "1")?, START)?;
        }
        let messages = other.deliver(START)?;
        carry(&mut other, &broker, messages, START)?;
    }

    // What a case officer typed. A line that can be read in two ways is refused, and somebody has to mend it.
    let lines =
        ["Dam 1-A, 1012 JS Amsterdam", "Kerkplein 3 bis, 1012 JT Amsterdam", "Lindelaan 10 t/m 14, 1012 JV Amsterdam"];
    let mut addresses = Vec::new();
    for line in lines {
        match AddressKey::parse(line) {
            Ok(address) => addresses.push(address),
            Err(error) => println!("refused: {line}: {error}"),
        }
    }

    // The library reads no clock: the program says what time it is.
    let morning = START;
    let mut police = Partner::open(&consortium.path("1"))?;
    let by = Case::new("j.jansen", "2026-0117")?;
    let changed = police.flag(&addresses, &by, morning)?;
    println!("{} flagged, {} to deliver", changed.added, police.undelivered());

    let messages = police.deliver(morning)?;
    carry(&mut police, &broker, messages, morning)?;

    // Flags show from the next release on, which is the next day's here.
    let next_day = morning.plus(DAY);
    broker.release(next_day)?;
    let messages = police.ask_own(&by, next_day)?;
    carry(&mut police, &broker, messages, next_day)?;
    for news in police.news()? {
        if let StackChange::NewlyStacked(number) = news.change {
            println!("news: {} is {}", news.address, in_words(Standing::Stacked(number), &police));
        }
    }
    Ok(())
}

/// Carries messages to the broker, and reads every reply. A real program sends the bytes over HTTPS; where that breaks
/// off, it sends what `Partner::in_flight` holds again.
fn carry(partner: &mut Partner, broker: &Broker, messages: Vec<Vec<u8>>, now: Timestamp) -> Result<(), Box<dyn Error>> {
    // An error where the broker does not accept a message: its cause says what to do, such as to send it again, to wait
    // or to fetch the policy.
    for received in partner.carry(&messages, now, |message| Ok::<_, Infallible>(broker.handle(message, now)))? {
        match received {
            Received::Receipt(receipt) => println!("partner {}: {} flags held", partner.number(), receipt.held),
            Received::Answer(answer) => {
                println!("as of {}, {} of {} organisations fresh:", answer.as_of, answer.fresh, answer.organisations);
                for (address, standing) in &answer.rows {
                    println!("  {address}: {}", in_words(*standing, partner));
                }
            }
            other => return Err(format!("the broker said what nobody asked for: {other:?}").into()),
        }
    }
    Ok(())
}

fn in_words(standing: Standing, partner: &Partner) -> String {
    let cap = partner.policy().policy().counting.count_cap;
    match standing {
        Standing::BelowThreshold => "below the threshold, which may be nobody else".into(),
        Standing::NoOwnFlag => "not told: no flag of our own".into(),
        Standing::Stacked(Told::Presence) => "stacked".into(),
        Standing::Stacked(Told::Count(count)) if count < cap => format!("stacked, {count} organisations"),
        Standing::Stacked(Told::Band(count) | Told::Count(count)) => format!("stacked, {count} or more"),
    }
}
