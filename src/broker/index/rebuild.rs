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
    /// What becomes visible, for each partner once.
    pub(crate) pending: Vec<(u16, &'a Pending)>,
    /// Flags that ended before this day go.
    pub(crate) today: Day,
    /// Partners whose flags go.
    pub(crate) gone: &'a BTreeSet<u16>,
    /// For a flag that ended, and of which `pending` says nothing: how long it lasts, if it was renewed before it
    /// ended.
    pub(crate) renewed: &'a (dyn Fn(u16, &Tag) -> Option<Span> + Sync),
    /// The threads that shards are made on.
    pub(crate) threads: &'a Threads,
}

/// A shard after a release.
pub(super) struct RebuiltShard {
    pub(super) shard: Arc<Shard>,
    /// The partners of which a flag ended that was on it.
    pub(super) ended: BTreeSet<u16>,
}

/// A partner's flag on a tag as it is after the release; no span where there is none.
struct ChangedFlag {
    tag: Tag,
    partner: u16,
    span: Option<Span>,
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
                let lasting = |row: &Row| row.span.filter(|_| !row.ended(self.today));
                let changed = |row: &Row| ChangedFlag { tag: row.tag, partner: *partner, span: lasting(row) };
                flags.extend(of_shard.iter().map(changed));
            }
            self.rebuild_shard(shard, &mut flags)
        };
        shards.iter().map(rebuild).collect()
    }

    /// A shard after the release. `flags` are those that change, of which what is on the shard already becomes part; of
    /// several of one partner on one tag the newest comes first.
    fn rebuild_shard(&self, shard: &Arc<Shard>, flags: &mut Vec<ChangedFlag>) -> RebuiltShard {
        let has_ended = |flag: &Flag| flag.span.last < self.today;
        let is_gone = |flag: &Flag| self.gone.contains(&flag.partner);
        if flags.is_empty() && !shard.all_flags().any(|(_, flag)| has_ended(&flag) || is_gone(&flag)) {
            return RebuiltShard { shard: Arc::clone(shard), ended: BTreeSet::new() };
        }
        let ended = shard.all_flags().filter(|(_, flag)| has_ended(flag)).map(|(_, flag)| flag.partner).collect();
        flags.extend(shard.all_flags().filter(|(_, flag)| !is_gone(flag)).map(|(tag, flag)| {
            let Flag { partner, span } = flag;
            let span = if has_ended(&flag) { (self.renewed)(partner, &tag) } else { Some(span) };
            ChangedFlag { tag, partner, span }
        }));
        // The sort is stable, so that the newest of equal ones stays first. It merges sorted runs where they are long.
        flags.sort_by_key(|flag| (flag.tag, flag.partner));
        flags.dedup_by_key(|flag| (flag.tag, flag.partner));
        let held = |flag: &ChangedFlag| Some((flag.tag, Flag { partner: flag.partner, span: flag.span? }));
        let held: Vec<(Tag, Flag)> = flags.iter().filter_map(held).collect();
        RebuiltShard { shard: Arc::new(Shard::new(&held)), ended }
    }
}
