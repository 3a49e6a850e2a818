//! Makes the shards of the index after a release.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::pending::Pending;
use super::shard::{Flag, Shard, shard_of};
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
    /// Flags that ended before this day go.
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
    /// The partners with a flag on it that ended or, in an `OnlyLess` release, was withdrawn or shortened.
    pub(super) cut: BTreeSet<u16>,
}

/// What is known of a partner's flag on a tag.
struct KnownFlag {
    tag: Tag,
    partner: u16,
    known: Known,
}

enum Known {
    /// What was accepted of it since the last full release; no span where that is a withdrawal, or has ended.
    Pending(Option<Span>),
    /// How long it lasts as released.
    Released(Span),
}

impl Changes<'_> {
    /// The shards after the release. `shards` are some that follow each other, with their numbers.
    pub(super) fn rebuild(&self, shards: &[(usize, &Arc<Shard>)]) -> Vec<RebuiltShard> {
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
                let pending = |row: &Row| Known::Pending(row.span.filter(|_| !row.ended(self.today)));
                let known = |row: &Row| KnownFlag { tag: row.tag, partner: *partner, known: pending(row) };
                flags.extend(of_shard.iter().map(known));
            }
            self.rebuild_shard(shard, &mut flags)
        };
        shards.iter().map(rebuild).collect()
    }

    /// A shard after the release. `flags` are those pending on it, to which what is on the shard already is added; of
    /// several of one partner on one tag the newest comes first.
    fn rebuild_shard(&self, shard: &Arc<Shard>, flags: &mut Vec<KnownFlag>) -> RebuiltShard {
        let is_gone = |flag: &Flag| self.gone.contains(&flag.partner);
        let is_over = |flag: &Flag| self.has_ended(flag.span) || is_gone(flag);
        if flags.is_empty() && !shard.all_flags().any(|(_, flag)| is_over(&flag)) {
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
            let shown = self.shown(pending, released);
            if released.is_some_and(|span| self.is_cut(span, shown)) {
                cut.insert(partner);
            }
            after.extend(shown.map(|span| (tag, Flag { partner, span })));
        }
        // Snapshots share what is the same in both.
        let is_same = shard.all_flags().eq(after.iter().copied());
        let shard = if is_same { Arc::clone(shard) } else { Arc::new(Shard::new(&after)) };
        RebuiltShard { shard, cut }
    }

    /// How long a flag lasts that was `released`, and of which `pending` was accepted since.
    fn shown(&self, pending: Option<Option<Span>>, released: Option<Span>) -> Option<Span> {
        let lasting = released.filter(|span| !self.has_ended(*span));
        match (self.effect, pending) {
            (_, None) => lasting,
            (Effect::Everything, Some(pending)) => pending,
            (Effect::OnlyLess, Some(pending)) => {
                let pending = pending.filter(|_| released.is_some())?;
                Some(lasting.filter(|span| span.last <= pending.last).unwrap_or(pending))
            }
        }
    }

    fn is_cut(&self, released: Span, shown: Option<Span>) -> bool {
        self.has_ended(released) || (self.effect == Effect::OnlyLess && shown != Some(released))
    }

    fn has_ended(&self, span: Span) -> bool {
        span.last < self.today
    }
}
