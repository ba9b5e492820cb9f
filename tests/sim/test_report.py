"""A search that is long enough must have covered every call and every kind of fault."""

from collections import Counter

import pytest

from tests.sim.faults import KINDS
from tests.sim.report import FULL, LEAST_CRASHES, LEAST_STRIKES, Report
from tests.sim.sites import OFTEN, all_sites

NAMES = [site.name for site in all_sites()]


def covering(seeds: int, share: float = 1.0) -> Report:
    """Return the report of so many seeds that covered that share of what a full search must."""
    crashes = {(name, moment): int(LEAST_CRASHES * share) for name in NAMES for moment in ("before", "after")}
    strikes = {kind: int(LEAST_STRIKES * share) for kind in KINDS}
    return Report(seeds, struck=Counter(strikes), crashed=Counter(crashes))


@pytest.mark.parametrize(
    ("report", "gaps"),
    [
        (covering(FULL), 0),
        (covering(FULL, 0.9), len(KINDS) + 2 * len(NAMES)),
        (covering(FULL // 10, 0.1), 0),
        (covering(FULL // 10, 0.05), len(KINDS) + 2 * len(NAMES)),
        (covering(2 * FULL, 0.9), len(KINDS) + 2 * len(NAMES)),
    ],
    ids=[
        "a full search that covered all has no gaps",
        "one that did not has a gap for each",
        "a short one is judged by its rate",
        "and has gaps where that is too low",
        "a longer one gets no discount",
    ],
)
def test_gaps(report: Report, gaps: int) -> None:
    assert len(report.gaps()) == gaps


def test_a_gap_says_what_was_found_and_what_was_expected() -> None:
    report = covering(FULL)
    report.crashed[NAMES[0], "after"] = 3
    assert report.gaps() == [f"{NAMES[0]}: died after it 3 times, expected {LEAST_CRASHES} in {FULL} seeds"]


def test_the_calls_that_are_made_often_are_calls() -> None:
    assert set(NAMES) >= OFTEN
