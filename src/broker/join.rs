//! Two lists of tags side by side, as in a merge join of two sorted tables.

use std::iter;

use crate::tag::Tag;

/// The tags of two lists, ascending, each with what either list has of it. Both lists must ascend, each tag once.
pub(super) fn join<A, B>(
    left: impl Iterator<Item = (Tag, A)>,
    right: impl Iterator<Item = (Tag, B)>,
) -> impl Iterator<Item = (Tag, Option<A>, Option<B>)> {
    let mut left = left.peekable();
    let mut right = right.peekable();
    iter::from_fn(move || {
        let tag = match (left.peek(), right.peek()) {
            (Some((one, _)), Some((other, _))) => *one.min(other),
            (Some((tag, _)), None) | (None, Some((tag, _))) => *tag,
            (None, None) => return None,
        };
        let one = left.next_if(|row| row.0 == tag).map(|row| row.1);
        let other = right.next_if(|row| row.0 == tag).map(|row| row.1);
        Some((tag, one, other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_of_either_list_comes_once_in_order() {
        let list = |numbers: &[u8]| numbers.iter().map(|number| (Tag([*number; 16]), *number)).collect::<Vec<_>>();
        let joined = join(list(&[1, 3, 5, 6]).into_iter(), list(&[2, 3, 6, 7]).into_iter());
        let joined: Vec<_> = joined.map(|(tag, one, other)| (tag.0[0], one, other)).collect();
        let expected = [
            (1, Some(1), None),
            (2, None, Some(2)),
            (3, Some(3), Some(3)),
            (5, Some(5), None),
            (6, Some(6), Some(6)),
            (7, None, Some(7)),
        ];
        assert_eq!(joined, expected);
    }
}
