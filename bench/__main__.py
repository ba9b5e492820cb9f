"""`python -m bench`: prints a table, writes `build/bench/results.json`, exits with 1 if a target is missed."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from bench.lag import measure_lag, measure_native
from bench.limits import measure_admission, measure_flow
from bench.measure import (
    WORKFLOW_STATUS,
    Load,
    Results,
    measure_floor,
    measure_memory,
    measure_quiet,
    measure_restart,
    measure_start,
)
from bench.plugin import measure_plugin
from bench.report import missed, show, write
from bench.scheduling import shared_by_process
from bench.subject import operator
from bench.world import World, await_collector, offer_held, open_world
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
        timed: whether times and memory are judged.
        runs_at_once: waiting runs, for their admission and their flow through ten places.
        admissions: how often they are admitted.
        minutely: how many plans fire every minute, in turn, and for how many minutes.
    """

    plans: int = 2000
    runs: int = 3
    quiet: float = 60.0
    inactive: int = 10_000
    timed: bool = True
    runs_at_once: int = 500
    admissions: int = 5
    minutely: tuple[int, ...] = (200, 1000)
    minutes: int = 3


_QUICK = Size(
    plans=40, runs=1, quiet=3.0, inactive=100, timed=False, runs_at_once=20, admissions=1, minutely=(10,), minutes=1
)
SECTIONS = ("start", "plugin", "admission", "flow", "lag")
_PLACES = 10
#: Seconds after which no further start is begun: on a slow machine fewer tell enough.
_STARTS_SECONDS = 180.0
_WARM_SECONDS = 60.0


def main() -> int:
    """Measure; returns the exit code."""
    options = _parse()
    size = _QUICK if options.quick else Size()
    if options.runs:
        size = replace(size, runs=options.runs)
    only = options.only or SECTIONS
    with shared_by_process(_say) if size.timed else nullcontext():
        results = _measure_sections(size, only)
    write(results)
    show(results, print, timed=size.timed)
    failures = missed(results, timed=size.timed)
    for failure in failures:
        print(f"missed: {failure}")
    return 1 if failures else 0


def _measure_sections(size: Size, only: Sequence[str]) -> Results:
    results = asyncio.run(_measure(size, _say)) if "start" in only else Results(size.plans)
    if "plugin" in only:
        results.plugin = measure_plugin()
    if {"admission", "flow", "lag"} & set(only):
        results.loads = [asyncio.run(_measure_load(size, only, throttled, _say)) for throttled in (True, False)]
    return results


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that judges call counts and no times")
    parser.add_argument("--runs", type=int, help="how many starts are measured")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="which parts; without it all, which takes an hour")
    return parser.parse_args()


async def _measure_load(size: Size, only: Sequence[str], throttled: bool, say: Say) -> Load:  # noqa: FBT001
    """Measure what is under way all the time, on a cluster whose pods end."""
    load, limits = Load(throttled), "Kubernetes' own" if throttled else "lifted"
    name = f"bench-{os.getpid()}-{'own' if throttled else 'lifted'}"
    with LocalCluster.start(name, node="stub", audit=True, throttled=throttled, say=say) as cluster:
        world = await open_world(cluster, timed=size.timed)
        try:
            if size.timed:
                await await_collector(world)
            if "admission" in only:
                await offer_held(world)
                for turn in range(1, size.admissions + 1):
                    say(f"admission {turn} of {size.admissions} of {size.runs_at_once} runs, client limits {limits}")
                    load.admissions.append(await measure_admission(world, size.runs_at_once))
            if "flow" in only:
                say(f"flow of {size.runs_at_once} runs through {_PLACES} places, client limits {limits}")
                load.flow = await measure_flow(world, size.runs_at_once, _PLACES)
            for plans in size.minutely if "lag" in only else ():
                say(f"lag of {plans} plans every minute, client limits {limits}")
                ours, floor = await measure_lag(world, plans, size.minutes)
                load.lags.append((ours, floor, await measure_native(world, plans, size.minutes)))
        finally:
            await world.close()
    return load


async def _measure(size: Size, say: Say) -> Results:
    with LocalCluster.start(f"bench-{os.getpid()}", node="none", audit=True, say=say) as cluster:
        world = await open_world(cluster, timed=size.timed)
        try:
            return await _measure_all(world, size, say)
        finally:
            await world.close()


async def _measure_all(world: World, size: Size, say: Say) -> Results:
    results = Results(size.plans)
    with operator(world) as subject:
        subject.process.await_ready()
        await world.audit.await_calls((WORKFLOW_STATUS,), 1, _WARM_SECONDS)
    await _measure_starts(world, results, size, say)
    say("a restart with nothing to do")
    results.restart = await measure_restart(world)
    await world.clear()
    say(f"memory with {size.inactive} inactive plans")
    await world.make_plans(size.inactive, active=False)
    results.memory = await measure_memory(world, size.inactive)
    return results


async def _measure_starts(world: World, results: Results, size: Size, say: Say) -> None:
    """Floor and start in turn; after the last start the operator stays for the steady state."""
    latest = time.monotonic() + _STARTS_SECONDS
    for number in range(1, size.runs + 1):
        say(f"start {number} of {size.runs}: the floor")
        await world.make_plans(size.plans, active=True)
        floor, script = await measure_floor(world)
        await world.clear()
        say(f"start {number} of {size.runs}: the operator")
        await world.make_plans(size.plans, active=True)
        with operator(world) as subject:
            results.starts.append(await measure_start(world, subject, size.plans, floor, script))
            if number == size.runs or time.monotonic() > latest:
                say(f"steady state for {size.quiet:.0f} s")
                results.quiet = await measure_quiet(world, subject, size.quiet)
                return
        await world.clear()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
