"""One seed: a cluster lives for a while under the adversary, then the faults stop and all must come to rest."""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.versions import bound_history
from launchplan_operator.kube import elector, events
from launchplan_operator.reconcile import planreport
from launchplan_operator.render import labels
from tests.fake.store import Object
from tests.sim.checks import Checks
from tests.sim.disasters import Disasters
from tests.sim.inclinations import incline
from tests.sim.liveness import check_rest
from tests.sim.loop import run_simulated
from tests.sim.stumbles import listening
from tests.sim.tastes import gather_people
from tests.sim.world import World, stream

#: Seconds of a life; the longest sees what is removed after its 15 minutes.
_LIVES = (240.0, 240.0, 420.0, 420.0, 600.0, 600.0, 900.0, 1400.0)
#: Seconds after the faults in which all that was missed is found again: calls that hang, back-off, a last round.
_RECOVERY = 200.0
#: A watch that fell silent is given up after 315 s; one that lost an event is repaired by the list after 720 s.
_SILENCE, _REPAIR = 370.0, 760.0
#: Seconds that what waits for another object waits at most.
_PATIENCE = 320.0
#: Seconds for which a name stays occupied, and then some.
_TOMBSTONES = 1100.0
#: What a short life would not see else: an event that is told again, and a version that is forgotten. And seconds between
#: two renewals of a Lease: seldom enough that a seed is not made of them.
_SHORTENED: tuple[tuple[Any, str, Any], ...] = (
    (elector, "RETRY_PERIOD", 4.0),
    (events, "_QUIET", timedelta(seconds=30)),
    (planreport, "bound_history", partial(bound_history, limit=2)),
)
#: The same once the faults are over, when nothing delays a renewal.
_CALM_RENEWALS = 7.0
#: Every how many seeds garbage is collected: never in the middle of one, whose order of events it might change.
_COLLECT = 10
Shape = Callable[[World], None]


@dataclass(slots=True)
class Outcome:
    """What became of a seed.

    Attributes:
        problem: what was violated, or empty.
        digest: of all that happened, in hex.
        virtual: seconds that passed in the simulation.
    """

    seed: int
    problem: str = ""
    digest: str = ""
    virtual: float = 0.0
    struck: Counter[str] = field(default_factory=Counter)
    crashed: Counter[tuple[str, str]] = field(default_factory=Counter)
    visited: Counter[str] = field(default_factory=Counter)
    states: set[int] = field(default_factory=set)
    trace: list[str] = field(default_factory=list)


def run_seed(seed: int, *, traced: bool = False, shape: Shape | None = None) -> Outcome:
    """Live through one seed; `shape` may change which faults it has, and who lives there."""
    outcome = Outcome(seed)
    gc.disable()
    try:
        with ExitStack() as stack:
            for module, name, value in _SHORTENED:
                stack.enter_context(patch.object(module, name, value))
            run_simulated(_live(outcome, shape, traced=traced))
    except AssertionError as error:
        outcome.problem = str(error) or "an assertion without words"
    finally:
        gc.enable()
        if seed % _COLLECT == 0:
            gc.collect()
    return outcome


async def _live(outcome: Outcome, shape: Shape | None, *, traced: bool) -> None:
    world = World(outcome.seed, traced=traced)
    (shape or incline)(world)
    checks = Checks(world)
    with listening(world.failed):
        try:
            await _tell(world, checks)
        finally:
            world.stop()
            await asyncio.sleep(0.01)
            _report(world, checks, outcome)


async def _tell(world: World, checks: Checks) -> None:
    loop = asyncio.get_running_loop()
    # Who sleeps long wakes while the others still live.
    lasts = max(stream(world.seed, "life").choice(_LIVES), world.lasts_at_least) + world.adversary.profile.sleep
    people, disasters = gather_people(world), Disasters(world, lasts)
    mover = loop.create_task(world.cluster.run())
    mover.add_done_callback(_must_go_on)
    watcher = loop.create_task(checks.watch())
    try:
        people.settle_in()
        world.start_first()
        disasters.arrange()
        await _either(watcher, people.live(lasts))
        await _either(watcher, asyncio.sleep(max(0.0, lasts - loop.time())))
        world.adversary.active = False
        world.note("the faults stop")
        elector.RETRY_PERIOD = _CALM_RENEWALS
        disasters.end()
        await _either(watcher, asyncio.sleep(_recovery(world)))
        await _either(watcher, asyncio.sleep(_still_waits(world)))
        if people.patient and any(labels.is_tombstone(job) for job in world.all(JOBS)):
            await _either(watcher, asyncio.sleep(_TOMBSTONES))
        await _either(watcher, check_rest(world, checks, mover))
    finally:
        mover.cancel()
        watcher.cancel()


async def _either(watcher: "asyncio.Task[None]", story: Coroutine[Any, Any, None]) -> None:
    """Go on with the story until it ends or a check fails."""
    task = asyncio.get_running_loop().create_task(story)
    await asyncio.wait({watcher, task}, return_when=asyncio.FIRST_COMPLETED)
    if watcher.done():
        task.cancel()
        await watcher
    await task


def _must_go_on(task: "asyncio.Task[None]") -> None:
    """A part of the world that ends by a mistake ends the seed."""
    if not task.cancelled():
        task.result()


def _recovery(world: World) -> float:
    """Return the seconds in which all is mended: when the last late write has arrived, and what was not told is found."""
    struck, now = world.adversary.struck, asyncio.get_running_loop().time()
    found = _REPAIR if struck["watch event lost"] else _SILENCE if struck["watch silent"] else 0.0
    return max(_RECOVERY, found, world.network.last_arrival - now + _RECOVERY)


def _still_waits(world: World) -> float:
    """Return for how long anything still waits: five minutes for another object, or until nothing may arrive any more."""
    waits = [0.0]
    for kind in (LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS):
        for obj in world.all(kind):
            status = obj.get("status") or {}
            reasons = {each["reason"] for each in status.get("conditions") or () if _is_reconciling(each)}
            if reasons - {"WaitingForSeat", "LedgerHeld", "Running", "Aborting"}:
                waits.append(_TOMBSTONES if "JobNameTaken" in reasons else _PATIENCE)
            if (hold := (status.get("concurrency") or {}).get("holdUntil")) is not None:
                waits.append((to_instant(hold) - world.now()).total_seconds() + _PATIENCE)
            if any(_is_held_by_a_stranger(world, obj, seat) for seat in _seats(status)):
                waits.append(_TOMBSTONES + _PATIENCE)
    return max(waits)


def _seats(status: Object) -> list[Object]:
    seats: list[Object] = (status.get("concurrency") or {}).get("running") or []
    return seats


def _is_held_by_a_stranger(world: World, plan: Object, seat: Object) -> bool:
    """Tell whether a person's Job has, or had, the name of a run with a seat: until no late write may come, the seat stays.

    The operator follows Jobs of ours alone, so that it does not hear of that one's going: it looks again when a request
    that was sent before it took over can arrive no more, 15 minutes after that.
    """
    namespace, name = plan["metadata"]["namespace"], seat["name"]
    job, run = world.get(JOBS, namespace, name), world.get(LAUNCH_PLAN_EXECUTIONS, namespace, name)
    if job is None:
        return run is not None and is_terminal(run.get("status") or {})
    return labels.PLAN not in (job["metadata"].get("labels") or {})


def _is_reconciling(condition: Object) -> bool:
    return bool(condition["type"] == "Reconciling" and condition["status"] == "True")


def _report(world: World, checks: Checks, outcome: Outcome) -> None:
    outcome.virtual = asyncio.get_running_loop().time()
    outcome.digest = world.digest.hexdigest()
    outcome.struck, outcome.crashed = world.adversary.struck, world.adversary.crashed
    outcome.visited = world.adversary.visited
    outcome.states = checks.states
    outcome.trace = world.trace or []
