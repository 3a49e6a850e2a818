//! The tests through the public API, as one program: it is linked once, and they run side by side. Each module is a
//! file beside this one; one that needs the broker or the partner says so here.

mod address_cases;
mod addresses;
mod known_answers;
mod local_register;
mod register;
mod vectors_address;
mod vectors_derivations;
mod vectors_log;
mod vectors_messages;
mod vectors_policy;
mod vectors_talk;
mod worked_example;

#[cfg(feature = "broker")]
mod attribution;
#[cfg(feature = "broker")]
mod certificates;
#[cfg(feature = "broker")]
mod concurrency;
#[cfg(feature = "broker")]
mod full_disk;
#[cfg(feature = "broker")]
mod games;
#[cfg(feature = "broker")]
mod kills;
#[cfg(feature = "broker")]
mod leakage;
#[cfg(feature = "broker")]
mod model;
#[cfg(feature = "broker")]
mod protocol;
#[cfg(feature = "broker")]
mod reference;
#[cfg(feature = "broker")]
mod silence;
#[cfg(feature = "broker")]
mod stores;
#[cfg(feature = "broker")]
mod vectors_standings;
#[cfg(feature = "broker")]
mod vectors_transcripts;
#[cfg(feature = "broker")]
mod watch;

#[cfg(all(feature = "partner", feature = "broker"))]
mod after_a_hit;
#[cfg(all(feature = "partner", feature = "broker"))]
mod examples;
#[cfg(all(feature = "partner", feature = "broker"))]
mod fuzz;
#[cfg(all(feature = "partner", feature = "broker"))]
mod logboek;
#[cfg(all(feature = "partner", feature = "broker"))]
mod mishaps;
#[cfg(all(feature = "partner", feature = "broker"))]
mod partner;
#[cfg(all(feature = "partner", feature = "broker"))]
mod recovery;
#[cfg(all(feature = "partner", feature = "broker"))]
mod stores_partner;
#[cfg(all(feature = "partner", feature = "broker"))]
mod talk_histories;
#[cfg(all(feature = "partner", feature = "broker", feature = "threads"))]
mod threads;
