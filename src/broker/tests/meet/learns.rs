//! Who learns what, by bytes: two worlds that differ in what another does give the same, but for what the text says.

use super::*;

/// What each partner's post has after a turn in a world, without its line in the log.
fn learned(change: impl Fn(&mut Town)) -> Vec<Vec<u8>> {
    let mut town = Town::begin(&[]);
    change(&mut town);
    town.turn();
    (1..=5).map(|partner| without_line(town.say(partner, &Request::Exchange(Exchange::default())))).collect()
}

const NOBODY: [usize; 0] = [];

/// The partners whose posts differ.
fn differ(one: &[Vec<u8>], other: &[Vec<u8>]) -> Vec<usize> {
    (1..).zip(one.iter().zip(other)).filter(|(_, (one, other))| one != other).map(|(partner, _)| partner).collect()
}

#[test]
fn what_does_not_stand_at_the_turn_tells_nobody_anything() {
    let nothing = learned(|_| {});
    let tells = |change: &dyn Fn(&mut Town)| differ(&nothing, &learned(change));
    assert_eq!(
        tells(&|town| {
            town.put(1, &[1]);
        }),
        [1, 3, 5],
        "but for these a row tells the others; 2, which meets 1 directly and two others not, is never asked"
    );
    assert_eq!(
        tells(&|town| {
            town.put(4, &[4]);
        }),
        NOBODY,
        "below the threshold"
    );
    assert_eq!(
        tells(&|town| {
            town.put(4, &[1, 2]);
        }),
        NOBODY,
        "no flag of its own"
    );
    let taken_back = |town: &mut Town| {
        town.put(1, &[1]);
        town.put(2, &[1]);
        town.put(1, &[]);
        town.put(2, &[]);
    };
    assert_eq!(tells(&taken_back), NOBODY, "taken back before the turn");
    let withdrawn = |town: &mut Town| {
        town.put(1, &[1]);
        assert_eq!(town.flag(1, &[2]), "ok");
    };
    assert_eq!(tells(&withdrawn), NOBODY, "its flag was withdrawn");
    let unreleased = |town: &mut Town| {
        assert_eq!(town.flag(4, &[1, 4]), "ok");
        assert_eq!(town.put(4, &[1]).kept, 1);
    };
    assert_eq!(tells(&unreleased), NOBODY, "its flag is not released");
    let expired = |town: &mut Town| {
        let today = town.now.day();
        assert!(matches!(town.say(1, &put_forward(1, &[1], today)), Reply::Kept(Kept { kept: 1, .. })));
    };
    assert_eq!(tells(&expired), NOBODY, "its last day was over");
    let suspended = |town: &mut Town| {
        town.put(1, &[1]);
        ends::suspend(town, 1);
    };
    let mut town = Town::begin(&[]);
    suspended(&mut town);
    town.turn();
    assert!(Town::waiting(&town.broker).is_empty(), "its sender is suspended");
}

/// Each partner sees by the number of its own line how many there are.
#[test]
fn the_number_of_lines_does_not_tell_whether_others_were_introduced() {
    let index = |rows: &[u8]| {
        let mut town = Town::begin(&[]);
        town.put(1, rows);
        town.put(2, rows);
        town.turn();
        let index = town.exchange(4, Exchange::default()).log.index;
        (index, Town::waiting(&town.broker).len())
    };
    let (introduced, nobody) = (index(&[1]), index(&[]));
    assert_eq!((introduced.1, nobody.1), (4, 0));
    assert_eq!(introduced.0, nobody.0);
}

/// Two worlds that differ in one flag or row of another.
#[test]
fn what_is_kept_tells_nothing_of_another_organisation() {
    let kept = |change: &dyn Fn(&mut Town), rows: &[u8]| {
        let mut town = Town::begin(&[]);
        change(&mut town);
        let first = without_line(town.say(1, &put_forward(1, rows, town.now.day().plus(9))));
        town.turn();
        let second = without_line(town.say(1, &put_forward(1, &[1], town.now.day().plus(9))));
        [first, second]
    };
    let worlds: [&dyn Fn(&mut Town); 6] = [
        &|_| {},
        &|town| {
            town.put(2, &[1, 3]);
        },
        &|town| {
            town.put(2, &[1]);
            town.put(3, &[1, 2]);
        },
        &|town| assert_eq!(town.flag(2, &[]), "ok"),
        &|town| assert_eq!(town.flag(4, &[1, 2, 3, 4]), "ok"),
        &|town| {
            town.put(2, &[1]);
            town.exchange(2, Exchange::default());
            town.put(2, &[]);
        },
    ];
    for rows in [&[1, 2][..], &[1], &[], &[1, 2, 3, 4]] {
        let of_first = kept(worlds[0], rows);
        for (number, world) in worlds.iter().enumerate() {
            assert!(kept(*world, rows) == of_first, "world {number}, {rows:?}");
        }
    }
}

/// Each other world differs from the first in one thing that another does, and each partner's post in that alone.
#[test]
fn a_post_tells_what_concerns_its_receiver_alone() {
    let both = |town: &mut Town| {
        town.put(1, &[1]);
        town.put(2, &[1]);
    };
    let first = learned(both);
    let tells = |more: &dyn Fn(&mut Town)| {
        let world = learned(|town| {
            both(town);
            more(town);
        });
        differ(&first, &world)
    };
    assert_eq!(
        tells(&|town| {
            town.put(3, &[1]);
        }),
        [3, 5],
        "it joins by the coordinator"
    );
    let more = learned(|town| {
        town.put(1, &[1]);
        town.put(2, &[1, 3]);
    });
    assert_eq!(differ(&first, &more), NOBODY, "2 puts forward besides what nobody else flags");
    assert_eq!(tells(&|town| assert_eq!(town.flag(3, &[2]), "ok")), [3], "it flags it no more, and is not asked");
    assert_eq!(tells(&|town| assert_eq!(town.flag(4, &[1, 4]), "ok")), NOBODY, "not released yet");
    assert_eq!(
        tells(&|town| {
            town.put(2, &[]);
        }),
        [1, 2, 5],
        "it takes it back"
    );
}

/// Whoever is told, and then withdraws, has told as much of itself: the introduction stays with the others.
#[test]
fn peeking_names_whoever_peeks() {
    let mut town = Town::begin(&[]);
    town.introduce();
    town.put(1, &[]);
    assert_eq!(town.flag(1, &[]), "ok");
    town.turn();
    town.turn();
    assert_eq!((town.told(1), town.told(2), town.told(5)), (vec![], vec![], vec![]), "nothing is taken back");
    assert_eq!(town.exchange(2, Exchange::default()).entries, []);
    let id = town.broker.database.inspect(|state| *state.meet.conversations.keys().next().unwrap());
    let exchange = Exchange { notes: vec![slot(id, 1, 1)], ..Exchange::default() };
    assert_eq!(town.exchange(2, exchange).sent[0], NoteFate::Kept, "2 knows whom it wrote to");
}

/// Whoever puts all forward is told of those alone who put the same forward, and names itself to each of them.
#[test]
fn probing_tells_of_nobody_who_did_not_put_it_forward() {
    let mut town = Town::begin(&[]);
    town.put(1, &[1, 2]);
    town.turn();
    let told = town.told(1);
    assert_eq!(told, [("introduced", 5), ("introduced", 5)], "the coordinator, which flags nothing");
    assert_eq!((town.told(2), town.told(3)), (vec![], vec![("asked", 0), ("asked", 0)]));
    // Two that put all forward and act together are told of nobody else either.
    town.put(2, &[1, 3]);
    town.turn();
    assert_eq!((town.told(1), town.told(2)), (vec![("introduced", 2)], vec![("introduced", 1), ("introduced", 5)]));
    assert_eq!((town.told(3), town.told(4)), (vec![], vec![]));
}

/// When a flag ends, nobody that was introduced is told of it.
#[test]
fn waiting_for_the_drop_tells_nothing() {
    let drops = |withdraws: bool| {
        let mut town = Town::begin(&[]);
        town.introduce();
        if withdraws {
            assert_eq!(town.flag(2, &[3]), "ok");
            assert_eq!(town.flag(3, &[2]), "ok");
        }
        let mut posts = Vec::new();
        for _ in 0..3 {
            town.turn();
            posts.extend(
                [1, 2, 3, 5].map(|partner| without_line(Reply::Post(town.exchange(partner, Exchange::default())))),
            );
        }
        posts
    };
    assert!(drops(false) == drops(true));
}

/// Neither a pseudonym, a tag, a subject, a code nor what stands in a reply is in the store's files.
#[test]
fn nothing_at_rest_tells_of_a_pseudonym() {
    let (folder, keys) = (tempfile::tempdir().unwrap(), key_folder());
    let mut town = ends::in_folder(folder.path(), keys, &sample::text_with_meet());
    // The certificates of the sample have keys whose bytes are those of the first pseudonyms.
    for partner in [1, 2, 3] {
        assert_eq!(town.flag(partner, &[1, 161, 162]), "ok");
    }
    town.turn();
    let id = town.introduce();
    town.put(3, &[162]);
    town.put(1, &[1, 161, 162]);
    town.turn();
    town.exchange(1, Exchange { notes: vec![slot(id, 2, 200)], ..Exchange::default() });
    assert!(town.broker.database.inspect(|state| !state.meet.asked.is_empty() && !state.meet.last.is_empty()));
    assert!(!Town::waiting(&town.broker).is_empty());
    let pepper = town.broker.keys.pepper(1).unwrap();
    let Town { broker, .. } = town;
    drop(broker);
    let store = folder.path().join("store");
    let bytes: Vec<Vec<u8>> = ["ledger.redb", "flags.redb"].map(|name| std::fs::read(store.join(name)).unwrap()).into();
    let is_there = |what: &[u8]| bytes.iter().any(|file| file.windows(what.len()).any(|window| window == what));
    for number in [161, 162] {
        assert!(!is_there(&[number; 16]), "a pseudonym");
        let pseudonym = pseudonym(number);
        assert!(!is_there(&pepper.tag(&pseudonym).0), "a tag");
        assert!(!is_there(Subject::of(&pseudonym).expose_bytes()), "a subject");
        assert!(!is_there(row_code(1, 2, number).as_bytes()), "a code");
        assert!(!is_there(row_code(3, 5, number).as_bytes()), "a code");
    }
    assert!(is_there(id.as_bytes()), "a conversation is, from which nothing leads to its subject without the pepper");
}
