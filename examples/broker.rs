//! A broker in one process: it answers several partners at once, makes releases on time, and is stopped and opened
//! again.
//!
//! `cargo run --example broker`
//!
//! Partners reach this broker through channels. A real one reads each message from an HTTPS request, and writes the
//! reply as the response: bytes in, bytes out is the whole protocol.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use stapel::partner::Received;
use stapel::{AddressKey, Broker, BrokerKeys, Case, Partner, Timestamp};
use stapel_testkit::{Consortium, DAY, START};

/// A message, and where its reply goes.
type Call = (Vec<u8>, SyncSender<Vec<u8>>);

fn main() -> Result<(), Box<dyn Error>> {
    let consortium = Consortium::new();
    let open = || Broker::open(&consortium.path("broker"), BrokerKeys::open(&consortium.path("keys"))?);

    let broker = open()?;
    let (calls, received) = sync_channel(16);
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let server = scope.spawn(|| serve(&broker, received, START));
        let partners: Vec<_> = ["1", "2", "3", "4"]
            .map(|folder| {
                let (folder, calls) = (consortium.path(folder), calls.clone());
                scope.spawn(move || deliver(Partner::open(&folder).map_err(|error| error.to_string())?, &calls))
            })
            .into();
        for partner in partners {
            println!("{}", partner.join().expect("a thread that does not panic")?);
        }
        // The server ends once nobody can call it any more.
        drop(calls);
        println!("{} messages handled", server.join().expect("a thread that does not panic"));
        Ok(())
    })?;

    // A timer asks every few minutes whether a release is due; only the clock that the operator trusts may be given
    // here.
    for release in broker.release(START.plus(DAY))? {
        println!("release {}: {} flags on {} addresses", release.number, release.flags, release.tags);
    }

    // All that it receipted is in its folder, whenever it stops. Status says in numbers whether something is wrong.
    drop(broker);
    let status = open()?.status();
    if let Some(fault) = &status.last_fault {
        return Err(fault.clone().into());
    }
    for partner in &status.epochs[0].partners {
        println!("partner {}: {} flags held, {} released", partner.number, partner.held, partner.released);
    }
    Ok(())
}

/// Answers until nobody can call any more. `handle` may be called by many threads at once.
fn serve(broker: &Broker, calls: Receiver<Call>, now: Timestamp) -> usize {
    let mut handled = 0;
    for (message, reply_to) in calls {
        // It always gives a reply, to any bytes. A caller that went away sends the same bytes again and gets the same
        // reply.
        let _ = reply_to.send(broker.handle(&message, now));
        handled += 1;
    }
    handled
}

/// A partner flags an address and delivers it.
fn deliver(mut partner: Partner, calls: &SyncSender<Call>) -> Result<String, String> {
    let said = |error: stapel::partner::PartnerError| error.to_string();
    let address = AddressKey::parse("Dam 1-A, 1012 JS Amsterdam").map_err(|error| error.to_string())?;
    partner.flag([address], &Case::new("j.jansen", "2026-0117").map_err(said)?, START).map_err(said)?;
    let send = |message: &[u8]| {
        let (reply_to, replies) = sync_channel(1);
        calls.send((message.to_vec(), reply_to)).map_err(|_| "the broker is gone")?;
        replies.recv().map_err(|_| "the broker gave no reply")
    };
    let messages = partner.deliver(START).map_err(said)?;
    for received in partner.carry(&messages, START, send).map_err(|error| error.to_string())? {
        if let Received::Receipt(receipt) = received {
            println!("partner {}: {} flags held", partner.number(), receipt.held);
        }
    }
    Ok(format!("partner {} is done", partner.number()))
}
