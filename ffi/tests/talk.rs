//! What comes after a hit: a consortium that may meet, for the program in C; and totals, as a program reads them that
//! finds such a request in flight.

use std::fs;
use std::ptr::{null, null_mut};

use stapel::policy::{Certificate, Statement};
use stapel::{AddressKey, Broker, Case, Partner};
use stapel_ffi::stapel_status::*;
use stapel_ffi::*;

use stapel_testkit::{Consortium, START, noon, organisation_text, policy_key, stored_keys};

/// A consortium in which police and tax office may be introduced to each other, and have each other's certificates.
pub(crate) fn who_meet() -> Consortium {
    let meet = "[meet]\ndirect = [[\"politie\", \"belastingdienst\"]]\ntell_others = false\n[[epoch]]";
    let coordinator = organisation_text("coordinatiepunt");
    let text = Consortium::policy(1).replacen("[[epoch]]", meet, 1)
        + &coordinator
        + "[[partner]]\nnumber = 6\nname = \"System 6\"\norganisation = \"coordinatiepunt\"\n\
           may = [\"coordinate\"]\nlegal_basis_coordinate = \"basis\"\n";
    let consortium = Consortium::under(&text);
    // Those of the test kit name seal keys whose private halves nobody has.
    let certified = |number: u16| {
        let partner = Partner::open(&consortium.path(&number.to_string())).unwrap();
        let policy = partner.policy().policy();
        let (first_day, last_day) = (policy.epochs[0].opens, policy.epochs[0].closes);
        let keys = Some(partner.keys(1).unwrap());
        let statement = Statement { partner: number, epoch: 1, serial: 1, keys, first_day, last_day };
        let organisation = policy.partner(number).unwrap().organisation.as_str();
        Certificate::sign(policy, statement, &policy_key(organisation)).unwrap()
    };
    for certificate in [1, 2].map(certified) {
        for folder in ["1", "2", "."] {
            let path = consortium.path(folder).join(certificate.file_name());
            fs::write(path, certificate.to_text()).unwrap();
        }
    }
    fs::remove_dir_all(consortium.path("broker")).unwrap();
    let keys = stored_keys(&consortium.path("keys"));
    Broker::create(&consortium.path("broker"), keys, &consortium.path("policy.toml"), START).unwrap();
    consortium
}

#[test]
fn the_same_bytes_come_again_until_their_reply_was_read() {
    let _handles = crate::HANDLES.lock();
    let consortium = who_meet();
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
fn totals_that_were_asked_for_elsewhere_are_read_as_such() {
    let _handles = crate::HANDLES.lock();
    let policy = Consortium::policy(1).replacen("threshold = 2", "threshold = 2\nanswers = \"totals\"", 1);
    let consortium = Consortium::under(&policy);
    let broker = Broker::open(&consortium.path("broker"), stored_keys(&consortium.path("keys"))).unwrap();
    let by = Case::new("j.jansen", "2026-0117").unwrap();
    let home = AddressKey::parse("1012JS 1").unwrap();
    for number in 1..=5 {
        let mut partner = Partner::open(&consortium.path(&number.to_string())).unwrap();
        partner.flag([&home], &by, noon(0)).unwrap();
        for message in partner.deliver(noon(0)).unwrap() {
            let _ = partner.read(&broker.handle(&message, noon(0)), noon(0)).unwrap();
        }
    }
    broker.release(noon(1)).unwrap();
    let now = noon(1);
    let message = Partner::open(&consortium.path("1")).unwrap().totals_request(now).unwrap();
    let answered = broker.handle(&message, now);

    let dir = consortium.text("1");
    // SAFETY: a text, handles, bytes, and where results go.
    unsafe {
        let (mut partner, mut messages, mut reply) = (null_mut(), null_mut(), null_mut());
        let opened = stapel_partner_open(dir.as_ptr().cast(), dir.len(), null(), 0, 0, &mut partner);
        assert_eq!(opened, STAPEL_OK);
        assert_eq!(stapel_partner_in_flight(partner, &mut messages), STAPEL_OK);
        let (mut bytes, mut length) = (null(), 0);
        assert_eq!(stapel_messages_get(messages, 0, &mut bytes, &mut length), STAPEL_OK);
        assert_eq!(std::slice::from_raw_parts(bytes, length), message);
        assert_eq!(stapel_partner_read(partner, answered.as_ptr(), answered.len(), now.0, &mut reply), STAPEL_OK);
        let (mut kind, mut talked) = (stapel_kind::STAPEL_KIND_OTHER, std::mem::zeroed::<stapel_talked>());
        assert_eq!(stapel_reply_kind(reply, &mut kind), STAPEL_OK);
        assert_eq!(kind as i32, stapel_kind::STAPEL_KIND_TOTALS as i32);
        assert_eq!(stapel_reply_talked(reply, &mut talked), STAPEL_OK);
        assert!(talked.log.index > 0 && talked.complaint == STAPEL_OK);
        assert_eq!(stapel_messages_free(messages), STAPEL_OK);
        assert_eq!(stapel_reply_free(reply), STAPEL_OK);
        assert_eq!(stapel_partner_free(partner), STAPEL_OK);
    }
}
