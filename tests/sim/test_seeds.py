"""Seed after seed, nothing that the design promises is ever violated."""

import os
import subprocess
import sys

import pytest

from tests.sim.fields import TABLES, is_covered, leaf_fields
from tests.sim.report import Report
from tests.sim.run import run_seed
from tests.sim.search import search

#: How many seeds are tried; `make sim` tries as many as it is told to.
SEEDS = int(os.environ.get("SIM_SEEDS", "1000"))
FIRST = int(os.environ.get("SIM_FIRST", "1"))


@pytest.mark.timeout(1800)
def test_no_seed_violates_anything() -> None:
    report = Report()
    for outcome in search(FIRST, SEEDS):
        report.add(outcome)
    told = [f"seed {seed} ({_replay(seed)}): {problem}" for seed, problem in report.failed.items()]
    assert not told, "\n".join(told)
    assert len(report.states) > SEEDS


def test_a_seed_is_the_same_in_every_process_whatever_the_order_of_its_sets() -> None:
    seeds = range(5, 13)
    here = [run_seed(seed).digest for seed in seeds]
    assert [_digests_elsewhere(seeds, hashing) for hashing in ("1", "2")] == [here, here]


def test_different_seeds_are_different_stories() -> None:
    assert len({run_seed(seed).digest for seed in range(5)}) == 5


def test_a_story_that_is_told_is_the_one_that_was_lived() -> None:
    told = run_seed(3, traced=True)
    assert told.digest == run_seed(3).digest
    assert told.trace[0].startswith("0.000 person POST")


@pytest.mark.parametrize(("model", "table"), TABLES, ids=lambda each: getattr(each, "__name__", ""))
def test_every_field_of_a_spec_has_values_that_people_give_it(model: type, table: dict[str, object]) -> None:
    fields = set(leaf_fields(model))
    missing = {path for path in fields if not is_covered(path, table)}  # type: ignore[arg-type]  # a table
    assert not missing, "give these fields values in tests/sim/fields.py"
    unknown = {path for path in table if not any(field == path or field.startswith(f"{path}.") for field in fields)}
    assert not unknown, "these are no fields any more"


def _digests_elsewhere(seeds: range, hashing: str) -> list[str]:
    code = f"from tests.sim.run import run_seed; print(*(run_seed(seed).digest for seed in {seeds!r}))"
    environment = os.environ | {"PYTHONHASHSEED": hashing, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.split()


def _replay(seed: int) -> str:
    return f"python -m tests.sim --replay {seed}"
