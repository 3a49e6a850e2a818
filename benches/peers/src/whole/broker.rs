//! The broker, as a process that answers whoever connects.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use stapel::{Broker, Timestamp};

use stapel_testkit::{DAY, START};

use crate::wire::{send, take};
use crate::workload::Country;
use crate::{show, show_process, timed};

/// What the broker did, and how long that took it: waiting for a partner is not in it, waiting for the disk is.
#[derive(Default)]
struct Work {
    accepted: Duration,
    answered: Duration,
}

/// Opens the broker of a folder and prints its port; makes the release when a line comes; ends when none does any more.
pub(crate) fn serve(folder: &Path) {
    let mut opened = Duration::ZERO;
    let broker = Arc::new(timed(&mut opened, || Country::open(folder)));
    let work = Arc::new(Mutex::new(Work::default()));
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let clock = Arc::new(Mutex::new(START));
    {
        let (broker, work, clock) = (broker.clone(), work.clone(), clock.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (broker, work, clock) = (broker.clone(), work.clone(), clock.clone());
                thread::spawn(move || converse(&broker, &work, &clock, stream.unwrap()));
            }
        });
    }
    let mut released = Duration::ZERO;
    for line in io::stdin().lines() {
        assert_eq!(line.unwrap(), "release");
        let now = START.plus(DAY);
        *clock.lock().unwrap() = now;
        let releases = timed(&mut released, || broker.release(now)).unwrap();
        assert!(releases.iter().any(|release| release.full));
        println!("released");
    }
    let work = work.lock().unwrap();
    show("broker opened", opened.as_secs_f64());
    show("broker accepted", work.accepted.as_secs_f64());
    show("broker released", released.as_secs_f64());
    show("broker answered", work.answered.as_secs_f64());
    show_process("broker");
}

fn converse(broker: &Broker, work: &Mutex<Work>, clock: &Mutex<Timestamp>, mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    while let Some(message) = take(&mut stream) {
        let now = *clock.lock().unwrap();
        let mut took = Duration::ZERO;
        let reply = timed(&mut took, || broker.handle(&message, now));
        // Before the release come full sets, after it questions.
        let mut work = work.lock().unwrap();
        let of = if now == START { &mut work.accepted } else { &mut work.answered };
        *of += took;
        drop(work);
        send(&mut stream, &reply);
    }
}
