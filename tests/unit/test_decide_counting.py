"""Counts: each ended run once, whatever is lost in between."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pydantic import ValidationError

from launchplan_operator.api.execution import Phase
from launchplan_operator.api.planstatus import LaunchPlanStatus, RunCounts
from launchplan_operator.decide.counting import MAX_UNCOUNTED, Countable, Counting, count_executions

FIELDS = {
    "Succeeded": "succeeded",
    "Failed": "failed",
    "TimedOut": "timedOut",
    "Aborted": "aborted",
    "Rejected": "rejected",
    "Skipped": "skipped",
}
#: Phases that only a run without a Job ends in.
NEVER_STARTED = {"Rejected", "Skipped"}


def run(uid: str, phase: str = "Succeeded", reason: str | None = None, *, counted: bool = False) -> Countable:
    """Return an ended run that is named like its uid, and that started where such a run can have started."""
    return Countable(uid, f"run-{uid}", phase, counted, reason, phase not in NEVER_STARTED)


ABORTED_EARLY = replace(run("a", "Aborted"), started=False)


@pytest.mark.parametrize(
    ("counts", "uncounted", "ended", "slots", "expected"),
    [
        pytest.param({}, [], [], {}, Counting({}, (), ()), id="nothing happened, nothing is written"),
        pytest.param(
            {"failed": 1},
            [],
            [run("b"), run("a", "Failed")],
            {},
            Counting(
                {"failed": 2, "succeeded": 1, "started": 2}, ("a", "b"), ("run-a", "run-b"), new=("run-a", "run-b")
            ),
            id="ended runs are added and remembered by uid",
        ),
        pytest.param(
            {"succeeded": 1},
            ["a"],
            [run("a")],
            {},
            Counting({"succeeded": 1}, ("a",), ("run-a",)),
            id="a run that is counted but not marked is marked again, not counted again",
        ),
        pytest.param(
            {"succeeded": 1, "started": 1},
            ["a"],
            [run("a"), run("b")],
            {},
            Counting({"succeeded": 2, "started": 2}, ("a", "b"), ("run-a", "run-b"), new=("run-b",)),
            id="only what the totals did not hold is new",
        ),
        pytest.param(
            {},
            [],
            [
                run("a", "Skipped", "LimitReached"),
                run("b", "Skipped", "QueueExpired"),
                run("c", "Skipped", "QueueFull"),
            ],
            {},
            Counting(
                {"skipped": 2, "expired": 1},
                ("a", "b", "c"),
                ("run-a", "run-b", "run-c"),
                new=("run-a", "run-b", "run-c"),
            ),
            id="a run that waited too long has expired and is not among the skipped",
        ),
        pytest.param(
            {"aborted": 1, "started": 1},
            [],
            [ABORTED_EARLY],
            {},
            Counting({"aborted": 2, "started": 1}, ("a",), ("run-a",), new=("run-a",)),
            id="one that was aborted while it waited never started",
        ),
        pytest.param(
            {"succeeded": 1},
            ["a"],
            [run("a", counted=True)],
            {},
            Counting({"succeeded": 1}, (), ()),
            id="a marked run's uid is forgotten",
        ),
        pytest.param(
            {"succeeded": 1}, ["a"], [], {}, Counting({"succeeded": 1}, (), ()), id="a removed run stays in the totals"
        ),
        pytest.param(
            {"missed": 1},
            [],
            [],
            {"missed": 2, "unknown": 1},
            Counting({"missed": 3, "unknown": 1}, (), ()),
            id="slots without a run are added",
        ),
        pytest.param({"failed": 0}, [], [], {"missed": 0}, Counting({}, (), ()), id="a total of zero is left out"),
        pytest.param(
            {}, [], [run("a", "Running")], {}, Counting({}, (), ()), id="a run that has not ended is not counted"
        ),
    ],
)
def test_totals_follow_from_what_is_known(
    counts: dict[str, int], uncounted: list[str], ended: list[Countable], slots: dict[str, int], expected: Counting
) -> None:
    """Each row is one look."""
    assert count_executions(counts, uncounted, ended, slots=slots) == expected


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase.terminal])
def test_every_terminal_phase_has_a_total_of_its_own(phase: Phase) -> None:
    """And the schema knows that total."""
    counts = count_executions({}, [], [run("a", phase.value)], slots={}).counts
    started = {} if phase in NEVER_STARTED else {"started": 1}
    assert counts == {FIELDS[phase.value]: 1, **started}
    assert RunCounts.model_validate(counts).model_dump(by_alias=True)[FIELDS[phase.value]] == 1


def test_more_runs_than_the_status_can_remember_are_counted_by_turns() -> None:
    """After a long outage thousands end at once; a status with more uids would be refused for ever."""
    runs = [run(f"{number:05}") for number in range(MAX_UNCOUNTED + 5)]
    first = count_executions({}, [], runs, slots={})
    assert (first.counts, len(first.uncounted)) == (
        {"succeeded": MAX_UNCOUNTED, "started": MAX_UNCOUNTED},
        MAX_UNCOUNTED,
    )
    marked = [run(r.uid, counted=r.name in first.to_mark) for r in runs]
    assert first.new == first.to_mark
    second = count_executions(first.counts, first.uncounted, marked, slots={})
    assert second.counts == {"succeeded": len(runs), "started": len(runs)}
    assert (first.complete, second.complete) == (False, True)


def test_a_remembered_run_keeps_its_place_before_new_ones() -> None:
    """Else its uid would be forgotten before its mark is seen, and it would be counted twice."""
    newer = [run(f"a{number:05}") for number in range(MAX_UNCOUNTED)]
    again = count_executions({"succeeded": 1}, ["z"], [*newer, run("z")], slots={})
    assert "z" in again.uncounted
    assert again.counts["succeeded"] == MAX_UNCOUNTED
    assert "run-z" not in again.new


def test_the_bound_is_the_schemas() -> None:
    """One uid more is refused by the API server."""
    uids = [{"uid": str(number)} for number in range(MAX_UNCOUNTED + 1)]
    LaunchPlanStatus.model_validate({"uncounted": uids[1:]})
    with pytest.raises(ValidationError):
        LaunchPlanStatus.model_validate({"uncounted": uids})


@given(st.lists(st.sampled_from(sorted(FIELDS)), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_a_listing_does_not_matter(phases: list[str], random: Random) -> None:
    """Caches hand out their objects in any order."""
    runs = [run(str(number), phase) for number, phase in enumerate(phases)]
    shuffled = random.sample(runs, len(runs))
    assert count_executions({}, [], shuffled, slots={}) == count_executions({}, [], runs, slots={})


class Interleavings(RuleBasedStateMachine):
    """Runs end, are counted, marked and removed; any write may be lost, and any pass may stop between two writes."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[str, Countable] = {}
        self.ended = 0
        self.counts: dict[str, int] = {}
        self.uncounted: tuple[str, ...] = ()
        self.told = Counter[str]()

    @rule(phase=st.sampled_from(sorted(FIELDS)))
    def a_run_ends(self, phase: str) -> None:
        """A new execution reaches a terminal phase."""
        self.ended += 1
        self.runs[str(self.ended)] = run(str(self.ended), phase)

    @rule(writes=st.integers(0, 4))
    def a_pass_gets_so_far(self, writes: int) -> None:
        """A pass is cut short after so many writes: none, the status alone, or the status and some marks."""
        result = count_executions(self.counts, self.uncounted, self.runs.values(), slots={})
        if writes == 0:
            return
        self.counts, self.uncounted = dict(result.counts), result.uncounted
        self.told.update(result.new)
        for name in result.to_mark[: writes - 1]:
            self._mark(name)

    @rule(index=st.integers(0, 50))
    def retention_removes_a_counted_run(self, index: int) -> None:
        """Only what bears its mark is ever removed by us."""
        marked = [uid for uid, item in self.runs.items() if item.counted]
        if marked:
            del self.runs[marked[index % len(marked)]]

    @invariant()
    def no_run_is_counted_twice(self) -> None:
        """What the totals hold is never more than what ended."""
        assert self._sum(self.counts) <= self.ended

    @invariant()
    def no_run_is_new_twice(self) -> None:
        """What is told with the totals is told once."""
        assert max(self.told.values(), default=0) <= 1
        assert sum(self.told.values()) == self._sum(self.counts)

    @invariant()
    def two_undisturbed_passes_count_everything_once(self) -> None:
        """From any reachable state the totals become exact, and then nothing is left to do."""
        first = count_executions(self.counts, self.uncounted, self.runs.values(), slots={})
        assert self._sum(first.counts) == self.ended
        marked = [run(item.uid, item.phase, counted=True) for item in self.runs.values()]
        assert count_executions(first.counts, first.uncounted, marked, slots={}) == Counting(first.counts, (), ())

    @staticmethod
    def _sum(counts: Mapping[str, int]) -> int:
        """Return how many runs the totals hold."""
        return sum(total for field, total in counts.items() if field != "started")

    def _mark(self, name: str) -> None:
        uid = name.removeprefix("run-")
        self.runs[uid] = run(uid, self.runs[uid].phase, counted=True)


TestInterleavings = Interleavings.TestCase
