//! A time that cannot be right changes nothing, and a call that did nothing ends no flag.

use super::*;
use crate::message::RenewalReason;

const DAY: u64 = 86_400;

/// Play at which partner 1 flags three homes through 2027-05-31, last on 2027-05-15.
fn in_may() -> (Play, Timestamp) {
    let mut play = Play::new();
    play.partner.flag(homes(1..3), &by(), NOW).unwrap();
    play.deliver(NOW);
    let may = "2027-05-15".parse::<Day>().unwrap().start();
    assert_eq!(code(play.partner.flag(homes(3..4), &by(), may)), "clock_ahead", "five months later");
    assert_eq!(play.partner.accept_clock(&by(), may).unwrap(), 0);
    let last_day = LAST_DAY.parse().unwrap();
    play.partner.flag_until(homes(3..4), last_day, &by(), may).unwrap();
    (play, may)
}

#[test]
fn a_wrong_time_changes_nothing_whatever_the_call() {
    let (mut play, may) = in_may();
    play.partner.ask(homes(1..2), &by(), may).unwrap();
    let reply = {
        let message = play.partner.deliver(may).unwrap().remove(0);
        play.broker.handle(&message, may)
    };
    let length = play.partner.journal_length();
    let digest = play.partner.in_flight().next().unwrap().digest;
    let policy = sample::folder(&policy_text());
    let times =
        [(may.0 * 1000, "clock_ahead"), (may.0 + 365 * DAY, "clock_ahead"), (u64::MAX, "clock_ahead"), (0, "clock")];
    for (time, wrong) in times {
        let (partner, now, one) = (&mut play.partner, Timestamp(time), homes(1..2));
        let last_day = LAST_DAY.parse().unwrap();
        let codes = [
            code(partner.flag(homes(5..6), &by(), now)),
            code(partner.flag_until(&one, last_day, &by(), now)),
            code(partner.renew(&one, RenewalReason::ObservedAgain, &by(), now)),
            code(partner.withdraw(&one, &by(), now)),
            code(partner.replace_all(&one, true, &by(), now)),
            code(partner.deliver(now)),
            code(partner.confirm(now)),
            code(partner.ask(&one, &by(), now)),
            code(partner.ask_own(&by(), now)),
            code(partner.status(now)),
            code(partner.read(&reply, now)),
            code(partner.give_up(digest, now)),
            code(partner.source_replies(1, 1, &[], now)),
            code(partner.check_clock(now)),
        ];
        assert_eq!(codes, [wrong; 14]);
        // A version that does not follow is refused for that.
        assert_ne!(code(partner.adopt_policy(&policy.path().join("policy.toml"), now)), "none");
    }
    assert_eq!(
        play.partner.accept_clock(&by(), Timestamp(may.0 * 1000)).err().map(|error| error.code()),
        Some("clock_ahead")
    );
    assert_eq!((play.partner.journal_length(), play.partner.flags().len()), (length, 3));
    let mut play = play.reopen();
    assert_eq!(play.partner.flags().len(), 3);
    assert!(matches!(play.partner.read(&reply, may).unwrap(), Received::Receipt(_)));
}

#[test]
fn a_call_that_did_nothing_ends_no_flag() {
    let (mut play, may) = in_may();
    play.deliver(may);
    // Three weeks ahead, as a clock is that was set to the wrong month.
    let ahead = Timestamp(may.0 + 21 * DAY);
    assert_eq!(code(play.partner.flag_until(homes(1..2), Day(1), &by(), ahead)), "last_day");
    assert_eq!(code(play.partner.renew(homes(7..8), RenewalReason::ObservedAgain, &by(), ahead)), "not_flagged");
    assert_eq!(play.partner.ask_own(&by(), ahead).unwrap(), [[0; 0]; 0], "nothing is flagged then");
    assert_eq!(play.partner.withdraw(&[] as &[AddressKey], &by(), ahead).unwrap(), Changed::default());
    assert_eq!(play.partner.flags().len(), 3);
    // The clock is set right, and what is written now has all three.
    play.partner.flag(homes(4..5), &by(), may).unwrap();
    play.deliver(may);
    let play = play.reopen();
    assert_eq!(play.partner.flags().len(), 4);
    play.assert_up_to_date(1, may);
}

#[test]
fn who_says_that_the_clock_is_right_is_in_the_journal_and_ends_what_has_ended() {
    let (mut play, may) = in_may();
    let july = "2027-07-20".parse::<Day>().unwrap().start();
    let error = play.partner.flag(homes(5..6), &by(), july).unwrap_err();
    assert!(error.to_string().contains("2027-05-15T00:00:00Z") && error.code() == "clock_ahead", "{error}");
    assert_eq!(play.partner.accept_clock(&by(), july).unwrap(), 3);
    assert_eq!(play.partner.flags().len(), 0);
    // It was wrong after all: a person says so once more, and the time goes back.
    assert_eq!(code(play.partner.flag(homes(5..6), &by(), may)), "clock");
    play.partner.accept_clock(&by(), may).unwrap();
    let mut play = play.reopen();
    play.partner.flag(homes(5..6), &by(), may).unwrap();
    let past = Timestamp("2028-06-01".parse::<Day>().unwrap().start().0);
    assert_eq!(code(play.partner.accept_clock(&by(), past)), "clock_ahead", "no epoch is open then");
}

#[test]
fn times_in_the_journal_do_not_run_backwards() {
    let mut play = Play::new();
    play.partner.flag(homes(1..2), &by(), NOW).unwrap();
    play.partner.renew(homes(1..2), RenewalReason::ObservedAgain, &by(), Timestamp(NOW.0 - 60)).unwrap();
    assert_eq!(code(play.partner.withdraw(homes(1..2), &by(), Timestamp(NOW.0 - 61))), "clock");
    let times: Vec<u64> = dossier(&mut play, &homes(1..2)[0]).iter().map(|entry| entry.time.0).collect();
    assert_eq!(times, [NOW.0, NOW.0]);
}

/// Nobody can say that the clock is right once the policy's epochs are over, unless there is a newer policy.
#[test]
fn a_newer_policy_is_adopted_whatever_the_clock_says() {
    let (mut play, _) = in_may();
    let past = "2028-06-15".parse::<Day>().unwrap().start();
    assert_eq!(code(play.partner.accept_clock(&by(), past)), "clock_ahead");
    assert_eq!(code(Play::new().partner.flag(homes(1..2), &by(), past)), "clock_ahead", "in a new folder, too");
    assert_eq!(code(Play::new().partner.preview(homes(1..2), Change::Flag, past)), "clock_ahead");
    let text = policy_text().replace("closes = 2028-05-31", "closes = 2028-06-30");
    let newer = sample::folder(&following(&text, play.partner.policy()));
    let path = newer.path().join("policy.toml");
    assert_eq!(code(play.partner.adopt_policy(&path, Timestamp(past.0 * 1000))), "clock_ahead");
    let length = play.partner.journal_length();
    play.partner.adopt_policy(&path, past).unwrap();
    assert_eq!((play.partner.journal_length(), play.partner.flags().len()), (length, 3), "no flag ends by it");
    assert_eq!(play.partner.accept_clock(&by(), past).unwrap(), 3);
}
