//! Crashes between any two steps of what comes after a hit.

use super::*;

/// The files of a folder, as a crash leaves them.
fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

/// Does something that a crash ends after so many steps, finds the files as another process does, and does it again.
/// Whether it ended before it was done.
fn crashed(town: &mut Town, steps: u32, done: impl Fn(&mut Town) -> Result<(), PartnerError>) -> bool {
    files::crash::after(Some(steps));
    let first = done(town);
    let ended = files::crash::point().is_err();
    files::crash::after(None);
    assert!(ended || first.is_ok());
    let Play { folder, partner, broker } = town.plays.remove(&POLICE).unwrap();
    let found = copy(folder.path());
    drop(partner);
    let partner = Partner::open(found.path()).unwrap();
    partner.check_journal().unwrap();
    town.plays.insert(POLICE, Play { folder: found, partner, broker });
    if first.is_err() {
        done(town).unwrap();
    }
    ended
}

#[test]
fn what_people_do_is_done_once_at_every_step() {
    for steps in 0.. {
        let mut town = Town::introduced();
        let now = NOW.plus(DAY);
        let play = town.play(POLICE);
        play.partner.flag(homes(2..3), &by(), now).unwrap();
        play.deliver(now);
        let ended = crashed(&mut town, steps, |town| {
            let police = town.partner(POLICE);
            police.put_forward(homes(2..3), &by(), now)?;
            if police.conversations().next().unwrap().notes.is_empty() {
                police.write_note(1, &NewNote::Text { text: "eenmaal", to: None }, &by(), now)?;
            }
            police.take_back(homes(2..3), &by(), now).map(drop)
        });
        assert_eq!(town.partner(POLICE).put_forward_rows().count(), 1, "step {steps}");
        assert_eq!(progress(&town.conversation(POLICE)), [NoteProgress::Waiting], "step {steps}");
        town.run(POLICE, now);
        town.run(TAX, now);
        assert_eq!(texts(&town.conversation(TAX)), ["eenmaal"], "step {steps}");
        if !ended {
            assert!(steps > 3);
            break;
        }
    }
}

#[test]
fn no_message_is_handed_out_that_is_not_on_disk_and_no_number_comes_twice() {
    for steps in 0.. {
        let mut town = Town::introduced();
        let now = NOW.plus(DAY);
        town.partner(POLICE).take_back(homes(1..2), &by(), now).unwrap();
        town.write(POLICE, "een", now);
        town.anew(POLICE);
        let mut handed = Vec::new();
        files::crash::after(Some(steps));
        for _ in 0..2 {
            if let Ok(Some(message)) = town.partner(POLICE).talk(now) {
                handed.push(message);
            }
        }
        let ended = files::crash::point().is_err();
        files::crash::after(None);
        let Play { folder, partner, mut broker } = town.plays.remove(&POLICE).unwrap();
        let found = copy(folder.path());
        drop(partner);
        // The broker panics where one number comes with two different messages.
        let rejection = || Reply::Rejection(Rejection::new(Code::Unavailable, 0, "later"));
        handed.iter().for_each(|message| drop(broker.reply(message, rejection())));
        let partner = Partner::open(found.path()).unwrap();
        town.plays.insert(POLICE, Play { folder: found, partner, broker });
        if let Some(message) = handed.first() {
            assert_eq!(town.partner(POLICE).talk(now).unwrap().as_ref(), Some(message), "step {steps}");
        }
        assert_eq!(town.run(POLICE, now)[0], Kind::PutForward, "step {steps}");
        town.run(TAX, now);
        assert_eq!(texts(&town.conversation(TAX)), ["een"], "step {steps}");
        if !ended {
            break;
        }
    }
}

#[test]
fn a_post_is_taken_over_whole_at_every_step() {
    for steps in 0.. {
        let mut town = Town::introduced();
        let now = NOW.plus(DAY);
        town.write(TAX, "voor de politie", now);
        town.run(TAX, now);
        town.write(POLICE, "voor de belastingdienst", now);
        let message = town.next(POLICE, Kind::Exchange, now);
        let exchange = exchange_of(POLICE, &message);
        let post = town.post(POLICE, &exchange);
        let bytes = town.play(POLICE).broker.reply(&message, Reply::Post(post));
        let ended = crashed(&mut town, steps, |town| match town.partner(POLICE).read(&bytes, now) {
            // It was read before the crash.
            Err(error) if error.code() == "unexpected_reply" => Ok(()),
            read => read.map(drop),
        });
        let one = town.conversation(POLICE);
        assert_eq!((texts(&one), progress(&one)), (vec!["voor de politie".to_owned()], vec![NoteProgress::Kept]));
        let received = town.exchange(POLICE, now).0.received;
        assert_eq!(received, town.counted, "step {steps}");
        if !ended {
            assert!(steps > 3);
            break;
        }
    }
}

/// An old state, or none, beside the whole journal: what comes after a hit is in the journal.
#[test]
fn without_its_state_a_folder_has_its_conversations() {
    let mut town = Town::introduced();
    let now = NOW.plus(DAY);
    let old = fs::read(town.play(POLICE).folder.path().join("state.sealed")).unwrap();
    town.write(POLICE, "een", now);
    town.write(TAX, "twee", now);
    town.run(POLICE, now);
    town.run(TAX, now);
    town.exchange(POLICE, now);
    let before = town.conversation(POLICE);
    for state in [Some(old), None] {
        let Play { folder, partner, broker } = town.plays.remove(&POLICE).unwrap();
        drop(partner);
        match state {
            Some(old) => fs::write(folder.path().join("state.sealed"), old).unwrap(),
            None => fs::remove_file(folder.path().join("state.sealed")).unwrap(),
        }
        let partner = Partner::open(folder.path()).unwrap();
        town.plays.insert(POLICE, Play { folder, partner, broker });
        assert!(town.conversation(POLICE) == before);
        town.run(POLICE, now);
        assert_eq!(texts(&town.conversation(POLICE)), ["twee"]);
    }
}
