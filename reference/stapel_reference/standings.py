"""The standings of an answer: section 5.7, what a broker says, and 4.8, what a partner can be told."""

from dataclasses import dataclass

BELOW_THRESHOLD = 0
NO_OWN_FLAG = 1
PRESENCE = 255


@dataclass(frozen=True)
class Counting:
    """What the policy says of counting."""

    threshold: int
    min_sources: int
    count_cap: int
    own_flag_required: bool

    def bands(self) -> list[int]:
        """The lower ends of the bands."""
        ends = [self.threshold]
        while ends[-1] * 2 <= self.count_cap:
            ends.append(ends[-1] * 2)
        return ends

    def standing(self, sees: str, organisations: int, sources: int, own_flag: bool, sweep: bool) -> int:
        """The byte for a pseudonym that so many organisations flag, where so many sources have flags at all."""
        if self.own_flag_required and not sweep and not own_flag:
            return NO_OWN_FLAG
        if sources < self.min_sources or organisations < self.threshold:
            return BELOW_THRESHOLD
        count = min(organisations, self.count_cap)
        if sees == "presence":
            return PRESENCE
        if sees == "band":
            return max(end for end in self.bands() if end <= count)
        return count

    def sayable(self, sees: str) -> set[int]:
        """All bytes that a partner who sees so much can be told."""
        stacked = {
            "presence": {PRESENCE},
            "band": set(self.bands()),
            "count": set(range(self.threshold, self.count_cap + 1)),
        }
        return {BELOW_THRESHOLD, NO_OWN_FLAG} | stacked[sees]
