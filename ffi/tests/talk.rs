//! What comes after a hit: messages that come again, and totals.

use std::ptr::{null, null_mut};

use stapel::partner::{ActKind, ActQuery, Partner, TalkAct};
use stapel::{AddressKey, Broker, Case};
use stapel_ffi::stapel_status::*;
use stapel_ffi::*;

use stapel_testkit::{Consortium, noon, stored_keys};

#[test]
fn the_same_bytes_come_again_until_their_reply_was_read() {
    let _handles = crate::HANDLES.lock();
    let consortium = Consortium::that_meets();
    let dir = consortium.text("1");
    // SAFETY: a text, handles, and where results go.
    unsafe {
        let mut partner = null_mut();
        let opened = stapel_partner_open(dir.as_ptr().cast(), dir.len(), null(), 0, 0, &mut partner);
        assert_eq!(opened, STAPEL_OK);
        // The second call is a later one, in which a message that was made anew would name its own time.
        let [first, second] = [0, 60].map(|later| {
            let (mut messages, mut bytes, mut length) = (null_mut(), null(), 0);
            assert_eq!(stapel_partner_talk(partner, noon(0).0 + later, &mut messages), STAPEL_OK);
            assert_eq!(stapel_messages_get(messages, 0, &mut bytes, &mut length), STAPEL_OK);
            let message = std::slice::from_raw_parts(bytes, length).to_vec();
            assert_eq!(stapel_messages_free(messages), STAPEL_OK);
            message
        });
        assert_eq!(first, second);
        assert_eq!(stapel_partner_free(partner), STAPEL_OK);
    }
}

#[test]
fn totals_are_asked_for_and_read() {
    let _handles = crate::HANDLES.lock();
    let consortium = Consortium::that_tells_totals();
    let broker = Broker::open(&consortium.path("broker"), stored_keys(&consortium.path("keys"))).unwrap();
    let now = noon(1).0;

    let dir = consortium.text("1");
    // SAFETY: a text, handles, bytes, and where results go.
    unsafe {
        let (mut partner, mut reply) = (null_mut(), null_mut());
        let opened = stapel_partner_open(dir.as_ptr().cast(), dir.len(), null(), 0, 0, &mut partner);
        assert_eq!(opened, STAPEL_OK);
        // Its reply was not read yet: the same bytes come again, also to a program that asks what is in flight.
        let [first, second, third] = [0, 1, 2].map(|call| {
            let (mut messages, mut bytes, mut length) = (null_mut(), null(), 0);
            let made = match call {
                2 => stapel_partner_in_flight(partner, &mut messages),
                later => stapel_partner_totals(partner, now + 60 * later, &mut messages),
            };
            assert_eq!(made, STAPEL_OK);
            assert_eq!(stapel_messages_get(messages, 0, &mut bytes, &mut length), STAPEL_OK);
            let message = std::slice::from_raw_parts(bytes, length).to_vec();
            assert_eq!(stapel_messages_free(messages), STAPEL_OK);
            message
        });
        assert_eq!((&first, &first), (&second, &third));
        let answered = broker.handle(&first, noon(1));
        assert_eq!(stapel_partner_read(partner, answered.as_ptr(), answered.len(), now, &mut reply), STAPEL_OK);
        let (mut kind, mut talked) = (stapel_kind::STAPEL_KIND_OTHER, std::mem::zeroed::<stapel_talked>());
        assert_eq!(stapel_reply_kind(reply, &mut kind), STAPEL_OK);
        assert_eq!(kind as i32, stapel_kind::STAPEL_KIND_TOTALS as i32);
        assert_eq!(stapel_reply_talked(reply, &mut talked), STAPEL_OK);
        assert!(talked.log.index > 0 && talked.complaint == STAPEL_OK);
        let (mut totals, mut cell) = (std::mem::zeroed::<stapel_totals>(), std::mem::zeroed::<stapel_totals_cell>());
        assert_eq!(stapel_reply_totals(reply, &mut totals), STAPEL_OK);
        // House numbers count too.
        assert_eq!((totals.flags, totals.cells, totals.year, totals.quarter), (240, 1, 2026, 4));
        assert!(totals.release > 0 && totals.as_of > 0 && totals.log.index == talked.log.index);
        assert_eq!(stapel_reply_totals_cell(reply, 0, &mut cell), STAPEL_OK);
        assert_eq!((cell.from, cell.to, cell.number), (2, 0, 70));
        assert_eq!(stapel_reply_totals_cell(reply, 1, &mut cell), STAPEL_ERROR_INVALID_ARGUMENT);
        assert_eq!(stapel_reply_free(reply), STAPEL_OK);
        assert_eq!(stapel_partner_free(partner), STAPEL_OK);
    }
}

#[test]
fn what_a_person_is_shown_is_in_the_journal() {
    let _handles = crate::HANDLES.lock();
    let consortium = Consortium::that_meets();
    let day = those_who_agree_meet(&consortium);
    let now = noon(day).0;
    // Partner 3 was asked; the coordinator was introduced.
    type Look = unsafe fn(*const stapel_partner, *const stapel_case, u64) -> stapel_status;
    let looks: [(&str, &str, Look); 5] = [
        ("3", "asked", |partner, by, now| unsafe {
            // SAFETY: handles, and where one goes.
            let mut list = null_mut();
            let status = stapel_partner_asked(partner, by, now, &mut list);
            assert_eq!(stapel_asked_free(list), STAPEL_OK);
            status
        }),
        ("3", "news", news),
        ("6", "news", news),
        ("6", "conversations", |partner, by, now| unsafe {
            // SAFETY: as above.
            let mut list = null_mut();
            let status = stapel_partner_conversations(partner, 0, by, now, &mut list);
            assert_eq!(stapel_conversations_free(list), STAPEL_OK);
            status
        }),
        ("6", "agenda", |partner, by, now| unsafe {
            // SAFETY: as above.
            let mut list = null_mut();
            let status = stapel_partner_agenda(partner, by, now, &mut list);
            assert_eq!(stapel_agenda_free(list), STAPEL_OK);
            status
        }),
    ];
    for (folder, reference, look) in looks {
        let text = |text: &str| stapel_str { ptr: text.as_ptr().cast(), len: text.len() };
        let by = stapel_case { actor: text("j.jansen"), reference: text(reference) };
        let dir = consortium.text(folder);
        // SAFETY: texts, a handle, and where it goes.
        unsafe {
            let mut partner = null_mut();
            let opened = stapel_partner_open(dir.as_ptr().cast(), dir.len(), null(), 0, 0, &mut partner);
            assert_eq!(opened, STAPEL_OK);
            assert_eq!(look(partner, &by, now), STAPEL_OK);
            assert_eq!(stapel_partner_free(partner), STAPEL_OK);
        }
        let mut partner = Partner::open(&consortium.path(folder)).unwrap();
        let mut query = ActQuery::default();
        query.case = Some(reference.into());
        let acts = partner.acts(&query, &Case::new("officer", "audit").unwrap(), noon(day)).unwrap();
        let shown = acts.iter().filter(|act| act.kind == ActKind::Talked(TalkAct::Shown)).count();
        assert_eq!((shown, acts.len()), (1, 1), "{folder} {reference}");
    }
}

unsafe fn news(partner: *const stapel_partner, by: *const stapel_case, now: u64) -> stapel_status {
    let mut list = null_mut();
    // SAFETY: the caller gives a handle and a case, and the list goes where one does.
    unsafe {
        let status = stapel_partner_talk_news(partner, by, now, &mut list);
        let mut count = 0;
        assert_eq!(stapel_talk_news_count(list, &mut count), STAPEL_OK);
        assert!(count > 0, "there is news to be shown");
        assert_eq!(stapel_talk_news_free(list), STAPEL_OK);
        status
    }
}

/// Partners 1 to 3 flag a home, and 1 and 2 put it forward. The day on which the coordinator knows of it.
fn those_who_agree_meet(consortium: &Consortium) -> u64 {
    let broker = Broker::open(&consortium.path("broker"), stored_keys(&consortium.path("keys"))).unwrap();
    let mut all: Vec<_> =
        (1..=6).map(|number: u16| Partner::open(&consortium.path(&number.to_string())).unwrap()).collect();
    let by = Case::new("j.jansen", "2026-0117").unwrap();
    let home = AddressKey::parse("1012JS 1").unwrap();
    for partner in all.iter_mut().take(3) {
        partner.flag([&home], &by, noon(0)).unwrap();
    }
    for day in 0..8 {
        let now = noon(day);
        for partner in all.iter_mut().take(5) {
            for message in partner.confirm(now).unwrap() {
                let _ = partner.read(&broker.handle(&message, now), now).unwrap();
            }
        }
        if day == 1 {
            for partner in all.iter_mut().take(2) {
                assert_eq!(partner.put_forward([&home], &by, now).unwrap(), 1);
            }
        }
        for partner in &mut all {
            while let Some(message) = partner.talk(now).unwrap() {
                let _ = partner.read(&broker.handle(&message, now), now).unwrap();
            }
        }
        if !all[5].agenda(now.day()).unwrap().is_empty() && all[2].asked().count() > 0 {
            return day;
        }
    }
    panic!("nobody met within eight days");
}
