//! Who may come to be told of what is put forward: those that somebody agreed to, and nobody since.

use super::*;
use crate::partner::talk::agreement::Agreement;
use crate::partner::talk::state::AfterHit;
use crate::policy::Policy;

const TOMORROW: Timestamp = Timestamp(NOW.0 + DAY);

/// A version of the policy in which the police meet the housing corporation directly, too.
fn wider() -> String {
    let direct = "direct = [[\"politie\", \"belastingdienst\"]";
    meet_text().replacen(direct, &format!("{direct}, [\"politie\", \"zaanwonen\"]"), 1)
}

/// Has a partner adopt a text as the version after its own.
fn adopt(town: &mut Town, number: u16, text: &str, now: Timestamp) {
    let play = town.play(number);
    let newer = sample::folder(&following(text, play.partner.policy()));
    play.partner.adopt_policy(&newer.path().join("policy.toml"), now).unwrap();
    play.broker.policy = play.partner.policy().clone();
}

fn rows(town: &mut Town) -> Vec<PutForwardRow> {
    town.partner(POLICE).put_forward_rows().collect()
}

fn more(row: &PutForwardRow) -> Vec<&str> {
    row.more.iter().map(Slug::as_str).collect()
}

#[test]
fn a_policy_that_lets_more_know_tells_them_of_no_row_that_is_not_put_forward_again() {
    let mut town = Town::new();
    town.put_forward(POLICE, 1, NOW);
    assert_eq!(rows(&mut town)[0].more, []);
    adopt(&mut town, POLICE, &wider(), TOMORROW);
    town.partner(POLICE).take_talk_news().unwrap();
    let said = town.keep(POLICE, TOMORROW);
    assert_eq!(said.receivers, [TAX, COORDINATOR], "of the housing corporation nobody was asked");
    let [one] = [homes(1..2)[0]];
    assert_eq!(town.partner(POLICE).take_talk_news().unwrap(), [TalkNews::RowWider { address: one }]);
    town.run(POLICE, TOMORROW);
    assert_eq!(town.partner(POLICE).take_talk_news().unwrap(), [], "it is told once");
    assert_eq!(more(&rows(&mut town)[0]), ["zaanwonen"]);
    // One that is put forward since is told to it, in the same message as one that is not.
    let said = town.put_forward(POLICE, 2, TOMORROW);
    assert_eq!(said.receivers, [TAX, HOUSING, COORDINATOR]);
    assert_eq!(said.code(&pseudonym(1), HOUSING), RowCode::NONE);
    assert_ne!(said.code(&pseudonym(1), TAX), RowCode::NONE);
    assert_ne!(said.code(&pseudonym(2), HOUSING), RowCode::NONE);
    // Whom it has no code for it was not introduced to.
    let housing = town.put_forward(HOUSING, 1, NOW);
    let (conversation, last_day, row, own_row) = (conversation(1), housing.last_day, housing.number, said.number);
    let code = housing.code(&pseudonym(1), COORDINATOR);
    let told = EntryKind::Introduced { conversation, partner: HOUSING, last_day, row, own_row, code };
    town.tell(POLICE, subject(1), TOMORROW.day().plus(1), told);
    let posted = town.exchange(POLICE, TOMORROW.plus(DAY)).1;
    assert_eq!((posted.passed_over, posted.complaint), (1, None));
    // Somebody agrees to it.
    town.reopen(POLICE);
    assert_eq!(town.partner(POLICE).put_forward(homes(1..3), &by(), TOMORROW.plus(DAY)).unwrap(), 1, "2 is agreed to");
    assert!(rows(&mut town).iter().all(|row| row.more.is_empty()));
    assert_eq!(rows(&mut town)[0].since, TOMORROW.day().plus(1));
    let said = town.keep(POLICE, TOMORROW.plus(DAY));
    assert_ne!(said.code(&pseudonym(1), HOUSING), RowCode::NONE);
    // What became less needs no question, nor what is again as it was agreed to.
    let narrow = TOMORROW.plus(DAY);
    adopt(&mut town, POLICE, &meet_text(), narrow);
    assert_eq!(town.keep(POLICE, narrow).receivers, [TAX, COORDINATOR]);
    adopt(&mut town, POLICE, &wider(), narrow);
    town.partner(POLICE).talk_run = TalkRun::default();
    assert_eq!(town.keep(POLICE, narrow).receivers, [TAX, HOUSING, COORDINATOR]);
    assert_eq!(town.partner(POLICE).take_talk_news().unwrap(), []);
}

#[test]
fn who_joins_agrees_to_the_policy_of_that_day() {
    let mut town = Town::new();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..2), &by(), NOW).unwrap();
    police.deliver(NOW);
    town.tell(POLICE, subject(1), NOW.day(), EntryKind::Asked { answer_by: NOW.day().plus(5) });
    town.exchange(POLICE, NOW);
    town.partner(POLICE).answer(&homes(1..2)[0], AskAnswer::Join, &by(), NOW).unwrap();
    adopt(&mut town, POLICE, &wider(), TOMORROW);
    assert_eq!((more(&rows(&mut town)[0]), rows(&mut town)[0].epoch), (vec!["zaanwonen"], 1));
    town.partner(POLICE).answer(&homes(1..2)[0], AskAnswer::Join, &by(), TOMORROW).unwrap();
    assert_eq!((rows(&mut town).len(), more(&rows(&mut town)[0])), (1, vec![]), "joining again agrees again");
}

/// May, in which the first epoch answers alone, and the day on which the second opens.
fn may_and_june() -> (Timestamp, Timestamp) {
    let may = "2027-05-31".parse::<Day>().unwrap().start().plus(DAY / 2);
    (may, may.plus(DAY))
}

#[test]
fn a_row_ends_with_its_epoch_and_people_are_told_so_once() {
    let mut town = Town::new();
    let (may, june) = may_and_june();
    town.put_forward(POLICE, 1, may);
    assert!(!rows(&mut town)[0].ended && rows(&mut town)[0].stands_until.is_some());
    town.run(POLICE, may);
    town.play(POLICE).deliver(june);
    assert_eq!(town.keep(POLICE, june).rows.len(), 1, "as far as is known the older one answers still");
    assert_eq!(town.partner(POLICE).take_talk_news().unwrap(), []);
    assert_eq!(town.other_epoch(POLICE, 2, june.plus(DAY)).rows.len(), 1);
    let message = town.next(POLICE, Kind::PutForward, june.plus(DAY));
    assert_eq!(verified(POLICE, &message).header().epoch, 2);
    assert_eq!(town.keep(POLICE, june.plus(DAY)).rows.len(), 0, "nothing is put forward in the epoch that answers");
    let row = rows(&mut town).remove(0);
    assert_eq!((row.epoch, row.ended, row.stands_until), (1, true, None));
    assert_eq!(town.partner(POLICE).take_talk_news().unwrap(), [TalkNews::RowEnded { address: row.address }]);
    let june = june.plus(2 * DAY);
    assert_eq!(town.partner(POLICE).take_talk_news().unwrap(), []);
    assert_eq!(town.partner(POLICE).put_forward(homes(1..2), &by(), june).unwrap(), 1);
    let message = town.next(POLICE, Kind::PutForward, june);
    assert_eq!(verified(POLICE, &message).header().epoch, 2);
    assert_eq!(town.keep(POLICE, june).rows.len(), 1);
    let row = rows(&mut town).remove(0);
    assert_eq!((row.epoch, row.ended, row.since), (2, false, june.day()));
    assert!(row.stands_until.is_some());
}

/// Somebody agreed to it in an epoch that was thought to answer: it is said in that one, once it does, and in no other.
#[test]
fn what_was_put_forward_in_an_epoch_that_does_not_answer_yet_waits_for_it() {
    let mut town = Town::new();
    let (_, june) = may_and_june();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..2), &by(), june).unwrap();
    police.deliver(june);
    police.partner.put_forward(homes(1..2), &by(), june).unwrap();
    assert_eq!(rows(&mut town)[0].epoch, 2, "the newest, as nothing is known");
    assert_eq!(town.other_epoch(POLICE, 1, june).rows.len(), 1);
    assert_eq!(town.run(POLICE, june), [Kind::Exchange; 2], "what was refused is the day's message, as on other days");
    let june = june.plus(DAY);
    let message = town.next(POLICE, Kind::PutForward, june);
    assert_eq!(verified(POLICE, &message).header().epoch, 1);
    assert_eq!(town.keep(POLICE, june).rows.len(), 0, "nobody agreed to it there");
    let row = rows(&mut town).remove(0);
    assert_eq!((row.epoch, row.ended, row.stands_until), (2, false, None));
    assert_eq!(town.partner(POLICE).talk_due(june.day().plus(1)).not_standing, 1, "people see that it does not stand");
    let later = june.plus(9 * DAY);
    assert_eq!(town.other_epoch(POLICE, 2, later).rows.len(), 0);
    let message = town.next(POLICE, Kind::PutForward, later);
    assert_eq!(verified(POLICE, &message).header().epoch, 2);
    assert_eq!(town.keep(POLICE, later).rows.len(), 1);
}

/// Whoever asks nothing and joins what another put forward agrees to that in the epoch in which it was.
#[test]
fn which_epoch_answers_is_known_from_what_its_turn_told() {
    let (may, june) = may_and_june();
    let now = june.plus(DAY);
    for (day, expected) in [(june.day(), 2), (now.day(), 1)] {
        let mut town = Town::new();
        let police = town.play(POLICE);
        police.partner.flag(homes(1..2), &by(), may).unwrap();
        police.deliver(may);
        police.deliver(june);
        town.tell(POLICE, subject(1), day, EntryKind::Asked { answer_by: now.day().plus(5) });
        assert_eq!(town.exchange(POLICE, now).1.passed_over, 0);
        town.partner(POLICE).answer(&homes(1..2)[0], AskAnswer::Join, &by(), now).unwrap();
        assert_eq!(rows(&mut town)[0].epoch, expected, "an entry of an earlier day says nothing of today");
    }
}

/// Whoever joined with a newer epoch has no part in the one that answers, and tries again on each day.
#[test]
fn where_an_epoch_answers_in_which_it_takes_no_part_rows_are_said_again_on_the_day_after() {
    let mut town = Town::new();
    let police = town.play(POLICE);
    police.partner.flag(homes(1..2), &by(), NOW).unwrap();
    police.deliver(NOW);
    police.partner.put_forward(homes(1..2), &by(), NOW).unwrap();
    for now in [NOW, TOMORROW] {
        assert_eq!(town.other_epoch(POLICE, 9, now).rows.len(), 1);
        town.reopen(POLICE);
        assert_eq!(town.run(POLICE, now), [Kind::Exchange; 2], "once a day");
        assert_eq!((rows(&mut town).len(), rows(&mut town)[0].stands_until), (1, None));
    }
    assert_eq!(town.keep(POLICE, TOMORROW.plus(DAY)).rows.len(), 1, "it is kept once its epoch answers");
    assert!(rows(&mut town)[0].stands_until.is_some());
}

/// What was said in the older epoch may stand there still, if that answers.
#[test]
fn what_is_taken_back_is_taken_back_where_it_was_said() {
    let mut town = Town::new();
    let (may, june) = may_and_june();
    town.put_forward(POLICE, 1, may);
    town.put_forward(POLICE, 2, may);
    town.run(POLICE, may);
    town.play(POLICE).deliver(june);
    town.other_epoch(POLICE, 2, june);
    town.anew(POLICE);
    town.partner(POLICE).take_back(homes(1..2), &by(), june).unwrap();
    town.partner(POLICE).put_forward(homes(2..3), &by(), june).unwrap();
    let goes_on = |town: &mut Town| {
        let police = town.partner(POLICE);
        [police.put_forward_goes_on(june.day()), police.taken_back_goes_on(june.day())].map(Option::unwrap)
    };
    let (today, tomorrow) = (june.day(), june.day().plus(1));
    assert_eq!(goes_on(&mut town), [tomorrow, today], "today's message is of the older epoch");
    let message = town.next(POLICE, Kind::PutForward, june);
    assert_eq!(verified(POLICE, &message).header().epoch, 1);
    assert_eq!(goes_on(&mut town), [tomorrow, tomorrow], "and takes up no second day while it has no reply");
    assert_eq!(town.keep(POLICE, june).rows.len(), 0);
    assert_eq!(goes_on(&mut town), [tomorrow, tomorrow]);
    town.run(POLICE, june);
    let message = town.next(POLICE, Kind::PutForward, june.plus(DAY));
    assert_eq!(verified(POLICE, &message).header().epoch, 2);
    assert_eq!(town.keep(POLICE, june.plus(DAY)).rows.len(), 1);
}

/// Where nobody takes any more what this partner signs in an epoch, what it took back there ends by itself, and all
/// else goes on.
#[test]
fn an_epoch_in_which_its_certificate_no_longer_holds_stops_nothing_in_the_other() {
    let mut town = Town::new();
    let (may, june) = may_and_june();
    town.put_forward(POLICE, 1, may);
    town.run(POLICE, may);
    town.play(POLICE).deliver(june);
    town.other_epoch(POLICE, 2, june);
    town.run(POLICE, june);
    town.partner(POLICE).take_back(homes(1..2), &by(), june).unwrap();
    let june = june.plus(DAY);
    let suspend = |town: &mut Town, epoch: u32| {
        let policy = town.partner(POLICE).policy().policy().clone();
        let (first_day, last_day) = (june.day(), policy.epoch(epoch).unwrap().closes);
        let statement = Statement { partner: POLICE, epoch, serial: 9, keys: None, first_day, last_day };
        let suspended = Certificate::sign(&policy, statement, &sample::policy_key("politie")).unwrap();
        town.partner(POLICE).take_certificates([suspended]).unwrap();
    };
    suspend(&mut town, 1);
    let message = town.partner(POLICE).talk(june).unwrap().unwrap();
    assert_eq!((kind(&message), verified(POLICE, &message).header().epoch), (Kind::PutForward, 2));
    assert_eq!(town.run(POLICE, june), [Kind::PutForward, Kind::Exchange, Kind::Exchange]);
    suspend(&mut town, 2);
    assert_eq!(town.partner(POLICE).talk(june.plus(DAY)).unwrap_err().code(), "not_certified", "in neither");
}

/// What is only tried says the same day as what is done.
#[test]
fn the_day_on_which_the_broker_would_hear_of_what_is_taken_back_is_the_one_on_which_it_does() {
    let mut town = Town::new();
    let (may, june) = may_and_june();
    town.put_forward(POLICE, 1, may);
    town.put_forward(POLICE, 2, may);
    town.run(POLICE, may);
    town.play(POLICE).deliver(june);
    town.other_epoch(POLICE, 2, june);
    town.anew(POLICE);
    town.partner(POLICE).put_forward(homes(2..3), &by(), june).unwrap();
    town.run(POLICE, june);
    let police = town.partner(POLICE);
    let both = homes(1..3);
    let tried = police.taking_back_goes_on(&both, june.day());
    police.take_back(&both, &by(), june).unwrap();
    assert_eq!(tried, Some(june.day().plus(2)), "first in the older epoch, and on the day after in the newer one");
    assert_eq!(police.taken_back_goes_on(june.day()), tried);
}

#[test]
fn a_row_is_gone_some_time_after_its_epoch_closed_and_not_before_people_were_told() {
    let mut town = Town::new();
    town.put_forward(POLICE, 1, NOW);
    let mut known = AfterHit::default();
    std::mem::swap(&mut known.rows, &mut town.partner(POLICE).data.begin(NOW).unwrap().state().after_hit.rows);
    let closes = NOW.day().plus(10);
    known.drop_ended(closes.plus(31), |_| Some(closes));
    assert_eq!(known.rows.len(), 1, "nobody was told yet");
    known.rows[0].ended_told = true;
    known.drop_ended(closes.plus(30), |_| Some(closes));
    assert_eq!(known.rows.len(), 1);
    known.drop_ended(closes.plus(31), |epoch| (epoch == 1).then_some(closes));
    assert_eq!(known.rows.len(), 0);
}

#[test]
fn who_joined_later_or_came_in_the_place_of_another_was_not_agreed_to() {
    let under = |text: &str, epoch| Agreement::under(&Policy::parse(text).unwrap(), &"politie".parse().unwrap(), epoch);
    let names = |slugs: &[Slug]| slugs.iter().map(Slug::to_string).collect::<Vec<_>>();
    let agreed = under(&wider(), 1);
    assert_eq!(names(&agreed.direct), ["belastingdienst", "zaanwonen"]);
    assert_eq!(agreed.coordinator.as_ref().map(Slug::as_str), Some("coordinatiepunt"));
    // One that takes part from the second epoch on.
    let before = sample::signed_with_meet(Policy::parse(&wider()).unwrap());
    let later =
        following(&wider(), &before).replacen("slug = \"zaanwonen\"", "slug = \"zaanwonen\"\nfirst_epoch = 2", 1);
    assert_eq!(names(&under(&later, 1).direct), ["belastingdienst"]);
    assert_eq!(names(&under(&later, 1).lacks(&under(&later, 2))), ["zaanwonen"]);
    let another = wider().replace("coordinatiepunt", "regiecentrum");
    assert_eq!(names(&agreed.lacks(&under(&another, 1))), ["regiecentrum"]);
    assert_eq!(names(&agreed.lacks(&agreed)), Vec::<String>::new());
    // To know by a note which address it is is another thing than to flag it too.
    let slug = |slug: &str| slug.parse::<Slug>().unwrap();
    let as_direct = Agreement { epoch: 1, direct: vec![slug("regiecentrum")], coordinator: None };
    let as_coordinator = Agreement { epoch: 1, direct: vec![], coordinator: Some(slug("regiecentrum")) };
    assert_eq!(as_direct.lacks(&as_coordinator), as_coordinator.lacks(&as_direct));
    assert_eq!(names(&as_direct.lacks(&as_coordinator)), ["regiecentrum"]);
}

/// Who takes part from the second epoch on is told of nothing in the first.
#[test]
fn who_would_be_told_is_who_is_agreed_to() {
    let before = sample::signed_with_meet(Policy::parse(&wider()).unwrap());
    let later =
        following(&wider(), &before).replacen("slug = \"zaanwonen\"", "slug = \"zaanwonen\"\nfirst_epoch = 2", 1);
    let folder = folder_of(POLICE, &later);
    let mut partner = Partner::open(folder.path()).unwrap();
    let (may, june) = may_and_june();
    partner.flag(homes(1..3), &by(), may).unwrap();
    for (direct, now, home) in [(vec![TAX], may, 1), (vec![TAX, HOUSING], june, 2)] {
        let told = partner.would_be_told(now.day()).unwrap();
        assert_eq!((told.direct, told.coordinator), (direct, Some(COORDINATOR)));
        partner.put_forward(homes(home..home + 1), &by(), now).unwrap();
    }
    let more: Vec<_> = partner.put_forward_rows().map(|row| (row.epoch, row.more)).collect();
    assert_eq!(more, [(1, vec![]), (2, vec![])]);
    let closed = "2031-01-01".parse::<Day>().unwrap();
    assert_eq!(code(partner.would_be_told(closed).map(drop)), "no_epoch");
}

/// An introduction is decided by the policy of that day, and fetched under the next one.
#[test]
fn an_introduction_is_judged_by_the_policy_of_its_row() {
    let mut town = Town::new();
    let police = town.put_forward(POLICE, 1, NOW);
    let tax = town.put_forward(TAX, 1, NOW);
    town.introduce(&police, &tax, 1, TOMORROW.day());
    town.introduce_to_coordinator(&police, 1, TOMORROW.day());
    // None of the two is met in that way any more.
    let direct = "direct = [[\"politie\", \"belastingdienst\"]]";
    let other = "direct = [[\"politie\", \"zaanwonen\", \"gemeente-zaanstad\"]]";
    let none = meet_text().replacen(direct, other, 1);
    let all = "direct = [[\"politie\", \"belastingdienst\", \"zaanwonen\", \"gemeente-zaanstad\"]]";
    let all = meet_text().replacen(direct, all, 1);
    adopt(&mut town, POLICE, &none, TOMORROW);
    adopt(&mut town, POLICE, &all, TOMORROW);
    let posted = town.exchange(POLICE, TOMORROW).1;
    assert_eq!((posted.news.len(), posted.passed_over, posted.complaint), (2, 0, None));
    adopt(&mut town, COORDINATOR, &all, TOMORROW);
    let posted = town.exchange(COORDINATOR, TOMORROW).1;
    assert_eq!((posted.news.len(), posted.passed_over, posted.complaint), (1, 0, None));
    // One that was made under the version in which it is not met by the coordinator cannot be.
    town.partner(POLICE).talk_run = TalkRun::default();
    let said = town.put_forward(POLICE, 2, TOMORROW);
    assert_eq!(said.receivers, [TAX, HOUSING]);
    let (tax_adopts, day) = (town.put_forward(TAX, 2, TOMORROW), TOMORROW.day().plus(1));
    assert_eq!(tax_adopts.receivers, [POLICE, COORDINATOR]);
    town.introduce(&said, &tax_adopts, 2, day);
    assert_eq!(town.exchange(POLICE, TOMORROW.plus(DAY)).1.complaint, None, "a newer certificate may come");
    let posted = town.exchange(POLICE, TOMORROW.plus(16 * DAY)).1;
    assert_eq!(posted.complaint.map(|complaint| complaint.code), Some("false_introduction"), "rows of two policies");
}
