"""`python -m bench`: prints a table, writes `build/bench/results.json`, exits with 1 if a target is missed."""

import argparse
import asyncio
import os
import sys
from dataclasses import dataclass

from bench.audit import tally
from bench.measure import (
    Results,
    Start,
    await_started,
    check_started,
    measure_floor,
    measure_memory,
    measure_quiet,
    measure_restart,
)
from bench.report import missed, show, write
from bench.subject import operator
from bench.world import World, open_world
from localcluster.cluster import LocalCluster
from localcluster.places import Say


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        plans: scheduled plans.
        runs: starts, each beside its floor.
        quiet: seconds of steady state.
        inactive: plans for the memory.
    """

    plans: int = 2000
    runs: int = 3
    quiet: float = 60.0
    inactive: int = 10_000


_QUICK = Size(plans=40, runs=1, quiet=3.0, inactive=100)


def main() -> int:
    """Measure; returns the exit code."""
    options = _parse()
    size = _QUICK if options.quick else Size()
    results = asyncio.run(_measure(options.runs or size.runs, size, _say))
    write(results)
    show(results, print)
    failures = missed(results, timed=not options.quick)
    for failure in failures:
        print(f"missed: {failure}")
    return 1 if failures else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that judges call counts and no times")
    parser.add_argument("--runs", type=int, help="how many starts are measured")
    return parser.parse_args()


async def _measure(runs: int, size: Size, say: Say) -> Results:
    with LocalCluster.start(f"bench-{os.getpid()}", node="none", audit=True, say=say) as cluster:
        world = await open_world(cluster)
        try:
            return await _measure_all(world, runs, size, say)
        finally:
            await world.close()


async def _measure_all(world: World, runs: int, size: Size, say: Say) -> Results:
    results = Results(size.plans)
    with operator(world) as subject:
        subject.process.await_ready()
        await world.settle()
    for number in range(1, runs + 1):
        await _measure_start(world, results, size, f"start {number} of {runs}", say, last=number == runs)
    say("a restart with nothing to do")
    results.restart = await measure_restart(world)
    await world.clear()
    say(f"memory with {size.inactive} inactive plans")
    await world.make_plans(size.inactive, active=False)
    results.memory = await measure_memory(world, size.inactive)
    return results


async def _measure_start(world: World, results: Results, size: Size, what: str, say: Say, *, last: bool) -> None:
    """One floor, one start; after the last start the operator stays for the steady state."""
    say(f"{what}: the floor")
    await world.make_plans(size.plans, active=True)
    floor, script = await measure_floor(world)
    await world.clear()
    say(f"{what}: the operator")
    await world.make_plans(size.plans, active=True)
    world.audit.mark()
    with operator(world) as subject:
        effort, ready = await await_started(world, subject, size.plans)
        results.starts.append(Start(effort, ready, floor, tally(world.audit.calls()), script.size))
        await check_started(world, size.plans)
        if last:
            say(f"steady state for {size.quiet:.0f} s")
            results.quiet = await measure_quiet(world, subject, size.quiet)
    if not last:
        await world.clear()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
