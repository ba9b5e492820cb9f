"""What a search covered: seeds a minute, states, faults by kind, and every call that the operator died at."""

from collections import Counter
from dataclasses import dataclass, field

from tests.sim.faults import KINDS
from tests.sim.run import Outcome
from tests.sim.sites import all_sites

#: From so many seeds on, the search must have covered everything.
FULL = 10_000
#: How often the operator must have died before and after each call, and how often each fault must have struck.
LEAST_CRASHES, LEAST_STRIKES = 20, 1000
_MOMENTS = ("before", "after")


@dataclass(slots=True)
class Report:
    """The sum of many seeds."""

    seeds: int = 0
    virtual: float = 0.0
    struck: Counter[str] = field(default_factory=Counter)
    crashed: Counter[tuple[str, str]] = field(default_factory=Counter)
    visited: Counter[str] = field(default_factory=Counter)
    states: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Add a seed."""
        self.seeds += 1
        self.virtual += outcome.virtual
        self.struck += outcome.struck
        self.crashed += outcome.crashed
        self.visited += outcome.visited
        self.states |= outcome.states
        if outcome.problem:
            self.failed[outcome.seed] = outcome.problem

    def gaps(self) -> list[str]:
        """Return what a full search must have covered, and this one did not or, being shorter, would not at its rate."""
        rate = max(1.0, FULL / max(self.seeds, 1))
        faults = [
            f"{kind}: struck {self.struck[kind]} times, expected {LEAST_STRIKES} in {FULL} seeds"
            for kind in KINDS
            if self.struck[kind] * rate < LEAST_STRIKES
        ]
        crashes = [
            f"{site.name}: died {moment} it {self.crashed[site.name, moment]} times, expected {LEAST_CRASHES} in {FULL} seeds"
            for site in all_sites()
            for moment in _MOMENTS
            if self.crashed[site.name, moment] * rate < LEAST_CRASHES
        ]
        return faults + crashes

    def text(self, seconds: float) -> str:
        """Return the report of a search that took so many seconds."""
        lines = [
            f"seeds: {self.seeds} in {seconds:.0f} s, {60 * self.seeds / max(seconds, 0.001):.0f} a minute",
            f"simulated: {self.virtual / 3600:.1f} hours",
            f"distinct states: {len(self.states)}",
            "faults by kind:",
            *(f"  {self.struck[kind]:>8} {kind}" for kind in KINDS),
            "calls: visits, deaths before, deaths after:",
        ]
        for site in all_sites():
            before, after = (self.crashed[site.name, moment] for moment in _MOMENTS)
            lines.append(f"  {self.visited[site.name]:>8} {before:>5} {after:>5} {site.name}")
        return "\n".join(lines)
