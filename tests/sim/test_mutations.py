"""The search has teeth: every way to break the operator is found, by the seed that is noted or one soon after it."""

import pytest

from tests.sim.mutations import MUTATIONS
from tests.sim.search import run_mutated, run_unbroken

#: How many seeds are tried: what a seed finds moves with every change of the operator and of the simulation.
_NEAR = 150


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "seed"), [(name, each.seed) for name, each in MUTATIONS.items()])
def test_a_broken_operator_is_found(name: str, seed: int) -> None:
    for each in (seed, *range(1, _NEAR)):
        if run_mutated(each, name).problem and not run_unbroken(each, name).problem:
            return
    pytest.fail(f"no seed up to {_NEAR} finds it: python -m tests.sim --mutation {name!r}")
