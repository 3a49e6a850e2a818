//! What is new, and how much of it is shown at once.

use super::*;
use crate::partner::talk::agreement::Agreement;
use crate::partner::talk::record::TalkEvent;
use crate::partner::talk::state::AfterHit;
use crate::talk::NoteContent;

const TOMORROW: Timestamp = Timestamp(NOW.0 + DAY);

#[test]
fn what_is_new_says_what_was_written_and_for_which_case_the_address_was_put_forward() {
    let mut town = Town::introduced();
    for text in ["een", "twee"] {
        town.write(POLICE, text, TOMORROW);
    }
    town.run(POLICE, TOMORROW);
    town.run(TAX, TOMORROW);
    let length = town.partner(TAX).journal_length();
    let other = Case::new("p.peters", "B-7").unwrap();
    let news = town.partner(TAX).show_talk_news(&other, TOMORROW).unwrap();
    let told: Vec<_> = news.iter().map(|one| (one.news, one.address, one.note.clone().unwrap().content)).collect();
    let note = |text: &str| {
        let content = NoteContent::Text(text.to_owned());
        (TalkNews::Note { conversation: 1, partner: POLICE }, Some(homes(1..2)[0]), content)
    };
    assert_eq!(told, [note("een"), note("twee")]);
    assert!(
        news.iter().all(|one| one.put_forward_by.as_ref().is_some_and(|case| case.reference() == by().reference()))
    );
    assert_eq!(town.partner(TAX).journal_length(), length + 1, "the journal has who was shown it");
    assert!(!format!("{news:?}").contains("een"));
    assert_eq!(town.partner(TAX).untold_talk_news().unwrap(), news);
    assert_eq!(town.partner(TAX).journal_length(), length + 1);
}

/// News that reads as other news did before is told from it by the record that brought it.
#[test]
fn a_later_note_came_with_a_later_record() {
    let mut town = Town::introduced();
    let mut came_with = |text: &str, now: Timestamp| {
        town.write(POLICE, text, now);
        town.run(POLICE, now);
        town.run(TAX, now);
        let record = town.partner(TAX).talk_news_record().unwrap();
        town.partner(TAX).show_talk_news(&by(), now).unwrap();
        town.reopen(TAX);
        assert_eq!(town.partner(TAX).talk_news().len(), 1);
        let news = town.partner(TAX).take_talk_news().unwrap();
        town.run(TAX, now.plus(DAY));
        assert_eq!(town.partner(TAX).talk_news_record().unwrap(), record, "nothing new came");
        (record, news)
    };
    let (first, news) = came_with("een", TOMORROW);
    let (second, same) = came_with("twee", TOMORROW.plus(2 * DAY));
    assert_eq!(news, same);
    assert!(0 < first && first < second, "{first} {second}");
}

/// As much as may wait does not hide that more came.
#[test]
fn news_in_the_place_of_the_oldest_came_with_its_own_record() {
    let (one, other) = (homes(1..2)[0], homes(2..3)[0]);
    let agreed = Agreement { epoch: 1, direct: vec![], coordinator: None };
    let mut known = AfterHit { news: vec![TalkNews::RowEnded { address: other }; 10_000], ..AfterHit::default() };
    known.apply(1, NOW, &TalkEvent::PutForward { addresses: vec![one], agreed });
    assert_eq!(known.news_record, 0);
    known.apply(2, NOW, &TalkEvent::Lapsed { ended: vec![one], wider: vec![] });
    assert_eq!((known.news.len(), known.news.last()), (10_000, Some(&TalkNews::RowEnded { address: one })));
    assert_eq!(known.news_record, 2);
}

#[test]
fn no_more_is_shown_at_once_than_is_taken() {
    let mut town = Town::introduced();
    let all: Vec<_> =
        (1..=Partner::NEWS_AT_ONCE as u16 + 7).map(|partner| TalkNews::NeverCertified { partner }).collect();
    let mut transaction = town.partner(POLICE).data.begin_at_latest().unwrap();
    transaction.state().after_hit.news.clone_from(&all);
    transaction.commit().unwrap();
    let police = town.partner(POLICE);
    let (first, rest) = all.split_at(Partner::NEWS_AT_ONCE);
    for news in [first, rest, &[]] {
        let shown: Vec<_> = police.show_talk_news(&by(), TOMORROW).unwrap().iter().map(|one| one.news).collect();
        assert_eq!(shown, news, "the oldest first");
        assert_eq!(police.take_talk_news().unwrap(), news);
    }
}

/// What is shown first is the oldest, and the notes of what is left are not taken for its own.
#[test]
fn news_that_is_left_keeps_its_note() {
    let mut town = Town::introduced();
    for text in ["een", "twee"] {
        town.write(POLICE, text, TOMORROW);
    }
    town.run(POLICE, TOMORROW);
    town.run(TAX, TOMORROW);
    let mut transaction = town.partner(TAX).data.begin_at_latest().unwrap();
    let news = &mut transaction.state().after_hit.news;
    assert_eq!(news.len(), 2);
    let between = vec![TalkNews::NeverCertified { partner: HOUSING }; Partner::NEWS_AT_ONCE];
    news.splice(1..1, between);
    transaction.commit().unwrap();
    let said = |shown: &[ShownNews]| -> Vec<_> {
        shown.iter().filter_map(|one| Some(one.note.as_ref()?.content.clone())).collect()
    };
    let shown = town.partner(TAX).untold_talk_news().unwrap();
    assert_eq!(said(&shown), [NoteContent::Text("een".into())]);
    town.partner(TAX).take_talk_news().unwrap();
    let shown = town.partner(TAX).untold_talk_news().unwrap();
    assert_eq!((shown.len(), said(&shown)), (2, vec![NoteContent::Text("twee".into())]));
}
