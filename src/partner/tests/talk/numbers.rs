//! Numbers of notes.

use super::*;

const TOMORROW: Timestamp = Timestamp(NOW.0 + DAY);

#[test]
fn that_notes_were_read_is_said_under_a_number_that_an_old_copy_did_not_use() {
    let mut town = Town::introduced();
    let mut transaction = town.partner(POLICE).data.begin_at_latest().unwrap();
    transaction.state().after_hit.note_old_copy(TOMORROW);
    transaction.commit().unwrap();
    town.write(TAX, "een", TOMORROW);
    town.exchange(TAX, TOMORROW);
    town.exchange(POLICE, TOMORROW);
    let said = town.exchange(POLICE, TOMORROW).0.notes.remove(0);
    assert_eq!((said.partner, said.number), (TAX, (TOMORROW.0 << 32) + 1));
}
