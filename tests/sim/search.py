"""Many seeds over all cores, each in a process that does nothing else."""

import gc
import multiprocessing
import os
from collections.abc import Iterator

from tests.sim.mutations import MUTATIONS
from tests.sim.run import Outcome, run_seed

#: How many seeds a process is handed at once.
_BATCH = 5


def search(first: int, count: int, *, mutation: str = "", jobs: int = 0) -> Iterator[Outcome]:
    """Yield the outcome of each seed, in order, from as many processes as there are cores."""
    workers = jobs or os.cpu_count() or 1
    if workers == 1:
        _prepare()
        yield from (_one((seed, mutation)) for seed in range(first, first + count))
        return
    tasks = [(seed, mutation) for seed in range(first, first + count)]
    with multiprocessing.get_context("spawn").Pool(workers, _prepare) as pool:
        yield from pool.imap(_one, tasks, _BATCH)


def run_mutated(seed: int, mutation: str, *, traced: bool = False) -> Outcome:
    """Run a seed with the operator's code changed as the mutation of that name says."""
    if not mutation:
        return run_seed(seed, traced=traced)
    with MUTATIONS[mutation].applied():
        return run_unbroken(seed, mutation, traced=traced)


def run_unbroken(seed: int, mutation: str, *, traced: bool = False) -> Outcome:
    """Run a seed in the world of a mutation, with the operator as it is."""
    return run_seed(seed, traced=traced, shape=MUTATIONS[mutation].shape)


def _one(task: tuple[int, str]) -> Outcome:
    return run_mutated(*task)


def _prepare() -> None:
    """Import all that a seed needs, and let the collector never look at it again."""
    run_seed(0)
    gc.collect()
    gc.freeze()
