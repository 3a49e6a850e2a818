//! An enrolment's text: what is accepted is written in one form and read as the same, and the versions of a policy that
//! are made of it are policies.

use stapel::Day;
use stapel::policy::fuzzing::parse_unchecked;
use stapel::policy::{Change, Enrolment, Following, Policy, sample_text};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(enrolment) = parse_unchecked(text) else {
        assert!(Enrolment::parse(text).is_err(), "its code does not make it one");
        return;
    };
    let written = enrolment.to_text();
    let again = Enrolment::parse(&written).expect("what is written is read");
    assert_eq!(again.check_code(), enrolment.check_code());
    assert_eq!(again.to_text(), written, "an enrolment has one form");

    let day = first_day();
    let old = sample_text(day);
    let file = || ("enrolment.toml".to_owned(), enrolment.clone());
    for change in [
        Change { joining: vec![file()], ..Change::default() },
        Change { lost_key: Some(file()), announced: Some(day), ..Change::default() },
        Change { new_key: Some(file()), ..Change::default() },
        Change { epoch: Some(file()), ..Change::default() },
        Change { operator: Some(file()), ..Change::default() },
    ] {
        follows(&old, &change, day);
    }
}

fn first_day() -> Day {
    Day::from_ymd(2026, 12, 1).expect("a day")
}

/// A version that is written is a policy, and the one that was said.
fn follows(old: &str, change: &Change, today: Day) {
    if let Ok(following) = Following::of(old, change, today) {
        let written = Policy::parse(&following.text).expect("what is written is read");
        assert_eq!(written.digest(), following.policy.digest());
    }
}

/// Enrolments of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let policy = Policy::parse(&sample_text(first_day())).expect("the sample is a policy");
    let epoch = &policy.epochs[0];
    let mut enrolments = vec![
        Enrolment::Operator(policy.operator.clone()),
        Enrolment::of_epoch(policy.purpose.clone(), epoch.number + 1, epoch.key_id),
    ];
    enrolments.extend(policy.organisations.iter().cloned().map(Enrolment::Organisation));
    enrolments.extend(policy.partners.iter().cloned().map(Enrolment::Partner));
    enrolments.into_iter().map(|enrolment| enrolment.to_text().into_bytes()).collect()
}
