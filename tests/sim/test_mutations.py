"""The search has teeth: every way to break the operator is found by the seed that is noted beside it."""

import pytest

from tests.sim.mutations import MUTATIONS
from tests.sim.search import run_mutated


@pytest.mark.parametrize(("name", "seed"), [(name, each.seed) for name, each in MUTATIONS.items() if each.seed])
def test_a_broken_operator_is_found(name: str, seed: int) -> None:
    assert not run_mutated(seed, "").problem, "the seed finds something without the mutation"
    assert run_mutated(seed, name).problem, (
        f"seed {seed} does not find it any more: python -m tests.sim --mutation {name!r}"
    )
