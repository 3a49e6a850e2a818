//! Makes the shards of the index after a release.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::pending::Pending;
use super::shard::{PartnerFlag, Shard, shard_of};
use crate::day::Day;
use crate::store::{Row, Span};
use crate::tag::Tag;
use crate::threads::Threads;

/// What a release changes.
pub(crate) struct Changes<'a> {
    /// What was accepted since the last full release, for each partner once.
    pub(crate) pending: Vec<(u16, &'a Pending)>,
    /// How much of that takes effect.
    pub(crate) effect: Effect,
    /// Flags that ended before this day do not show any more, and go once they are forgotten.
    pub(crate) today: Day,
    /// Partners whose flags go.
    pub(crate) gone: &'a BTreeSet<u16>,
    /// The threads that shards are made on.
    pub(crate) threads: &'a Threads,
}

/// How much of what was accepted since the last full release takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// All of it.
    Everything,
    /// Only what takes a released flag away or shortens it. A released flag that would end today, and was given a later
    /// day before, stays: that is no new flag.
    OnlyLess,
}

/// A shard after a release.
pub(super) struct RebuiltShard {
    pub(super) shard: Arc<Shard>,
    /// The partners with a flag on it that is forgotten or, in an `OnlyLess` release, was withdrawn or shortened.
    pub(super) cut: BTreeSet<u16>,
}

/// What is known of a partner's flag on a tag.
struct KnownFlag {
    tag: Tag,
    partner: u16,
    known: Known,
}

enum Known {
    /// How long it lasts by what was accepted since the last full release.
    Pending(Span),
    /// How long it lasts as released.
    Released(Span),
}

impl Changes<'_> {
    /// The shards after the release. `shards` are some that follow each other, with their numbers; flags that ended
    /// before the day `shown_on` did not show in them.
    pub(super) fn rebuild(&self, shards: &[(usize, &Arc<Shard>)], shown_on: Day) -> Vec<RebuiltShard> {
        let first = shards.first().map_or(0, |(number, _)| *number);
        let runs = self.pending.iter().flat_map(|(partner, said)| said.runs().map(|run| (*partner, run)));
        let from_first = |run: &[Row]| run.partition_point(|row| shard_of(&row.tag) < first);
        // What is left of each run. A partner's runs come newest first.
        let mut runs: Vec<(u16, &[Row])> = runs.map(|(partner, run)| (partner, &run[from_first(run)..])).collect();
        let mut flags = Vec::new();
        let rebuild = |(number, shard): &(usize, &Arc<Shard>)| {
            flags.clear();
            for (partner, run) in &mut runs {
                let length = run.iter().take_while(|row| shard_of(&row.tag) == *number).count();
                let (of_shard, rest) = run.split_at(length);
                *run = rest;
                let known = |row: &Row| KnownFlag { tag: row.tag, partner: *partner, known: Known::Pending(row.span) };
                flags.extend(of_shard.iter().map(known));
            }
            self.rebuild_shard(shard, &mut flags, shown_on)
        };
        shards.iter().map(rebuild).collect()
    }

    /// A shard after the release. `flags` are those pending on it, to which what is on the shard already is added; of
    /// several of one partner on one tag the newest comes first.
    fn rebuild_shard(&self, shard: &Arc<Shard>, flags: &mut Vec<KnownFlag>, shown_on: Day) -> RebuiltShard {
        let is_gone = |flag: &PartnerFlag| self.gone.contains(&flag.partner);
        let goes = |flag: &PartnerFlag| flag.span.is_forgotten(self.today) || is_gone(flag);
        if flags.is_empty() && !shard.all_flags().any(|(_, flag)| goes(&flag)) {
            return RebuiltShard { shard: Arc::clone(shard), cut: BTreeSet::new() };
        }
        flags.extend(shard.all_flags().filter(|(_, flag)| !is_gone(flag)).map(|(tag, flag)| KnownFlag {
            tag,
            partner: flag.partner,
            known: Known::Released(flag.span),
        }));
        // The sort is stable, so that the newest of equal ones stays first. It merges sorted runs where they are long.
        flags.sort_by_key(|flag| (flag.tag, flag.partner));
        let mut after = Vec::with_capacity(flags.len());
        let mut cut = BTreeSet::new();
        for of_one in flags.chunk_by(|one, next| (one.tag, one.partner) == (next.tag, next.partner)) {
            let (tag, partner) = (of_one[0].tag, of_one[0].partner);
            let pending = match of_one[0].known {
                Known::Pending(span) => Some(span),
                Known::Released(_) => None,
            };
            let released = match of_one[of_one.len() - 1].known {
                Known::Released(span) => Some(span),
                Known::Pending(_) => None,
            };
            let span = self.span(pending, released.map(|span| (span, !span.ended(shown_on))));
            if released.is_some_and(|released| self.is_cut(released, span)) {
                cut.insert(partner);
            }
            after.extend(span.map(|span| (tag, PartnerFlag { partner, span })));
        }
        // Snapshots share what is the same in both.
        let is_same = shard.all_flags().eq(after.iter().copied());
        let shard = if is_same { Arc::clone(shard) } else { Arc::new(Shard::new(&after)) };
        RebuiltShard { shard, cut }
    }

    /// How long a flag lasts, or lasted, that was `released` so long, with whether it showed, and of which `pending`
    /// was accepted since.
    fn span(&self, pending: Option<Span>, released: Option<(Span, bool)>) -> Option<Span> {
        let span = match (self.effect, pending, released) {
            (Effect::Everything, pending, released) => pending.or(released.map(|(span, _)| span)),
            (Effect::OnlyLess, _, None) => None,
            (Effect::OnlyLess, Some(pending), Some((released, true))) => {
                let is_less = released.ended(self.today) || pending.last < released.last;
                Some(if is_less { pending } else { released })
            }
            // One that did not show, and was flagged again, is a new flag.
            (Effect::OnlyLess, _, Some((released, _))) => Some(released),
        };
        span.filter(|span| !span.is_forgotten(self.today))
    }

    fn is_cut(&self, released: Span, span: Option<Span>) -> bool {
        released.is_forgotten(self.today) || (self.effect == Effect::OnlyLess && span != Some(released))
    }
}
