"""Many plans that fire at once: whatever is to start goes before whatever tells of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.kube.queue import Priority
from launchplan_operator.kube.transport import Response
from launchplan_operator.reconcile.plan import reconcile_plan
from launchplan_operator.reconcile.result import Again
from launchplan_operator.render.labels import JOB_NAME
from tests.fake.transport import InProcessTransport
from tests.fake.virtual import virtual_now, virtual_time
from tests.reconcile.world import NAMESPACE, World, plan, workflow

_PLANS = 100
_OPERATOR = {"cron": "* * * * *", "engine": "Operator"}
_CALL_SECONDS = 1.5
_STATUS = ("update", f"{LAUNCH_PLAN_EXECUTIONS.plural}/status")


async def _look(**schedule: Any) -> Again:
    """Return what a look at a plan that rests says of the next one."""
    world = World()
    world.create(workflow())
    world.create(plan(None, schedule=schedule))
    await world.start()
    assert world._operator is not None
    outcome = await reconcile_plan(world._operator.context, NAMESPACE, "hello")
    assert isinstance(outcome, Again)
    return outcome


@virtual_time
async def test_the_alarm_of_a_slot_is_urgent() -> None:
    """It rings at the slot itself."""
    alarm = await _look(**_OPERATOR)
    assert alarm.priority is Priority.HIGH
    assert (virtual_now().timestamp() + alarm.after) % 60 == 0


@virtual_time
async def test_no_other_alarm_is_urgent() -> None:
    """What a CronJob fires is looked at when it should have."""
    assert (await _look(cron="* * * * *")).priority is Priority.NORMAL


@asynccontextmanager
async def _rush() -> AsyncIterator[World]:
    """Rest a second before the slots of many plans, whose runs of the minute before go on, on a server that is slow now."""
    world = World()
    world.pods_end = False
    world.create(workflow())
    for number in range(_PLANS):
        manifest = plan(None, schedule=_OPERATOR)
        manifest["metadata"]["name"] = f"hello-{number}"
        world.create(manifest)
    await world.start()
    await world.advance(90, 2)
    send = InProcessTransport.request

    async def send_slowly(self: InProcessTransport, *args: Any, **kwargs: Any) -> Response:
        await asyncio.sleep(_CALL_SECONDS)
        return await send(self, *args, **kwargs)

    with patch.object(InProcessTransport, "request", send_slowly):
        await asyncio.sleep(59 - virtual_now().second)
        yield world


@virtual_time
async def test_in_a_rush_all_jobs_come_before_any_status_of_their_runs() -> None:
    """All runs of the minute before end as the slots are due."""
    async with _rush() as world:
        mark = len(world.api.log)
        world.pods_end = True
        await world.advance(58)
    calls = [(call.verb, call.target) for call, _ in world.api.log[mark:] if call.writes]
    jobs = [at for at, call in enumerate(calls) if call == ("create", JOBS.plural)]
    statuses = [at for at, call in enumerate(calls) if call == _STATUS]
    assert len(jobs) == _PLANS
    assert len(statuses) >= _PLANS
    assert jobs[-1] < statuses[0]


@virtual_time
async def test_in_a_rush_nobody_writes_that_a_run_goes_on_which_ends_meanwhile() -> None:
    """While those are told of that ended, the others end: most runs have one status written."""
    async with _rush() as world:
        before = set(world.names(JOBS))
        mark = len(world.api.log)
        while len(new := set(world.names(JOBS)) - before) < _PLANS:
            await world.advance(1)
        for pod in _pods(world, new):
            world.cluster.kubelet.start(pod)
        _end(world, set(sorted(new)[: _PLANS // 2]))
        await world.advance(8)
        _end(world, new)
        await world.advance(57 - virtual_now().second)
    calls = [(call.verb, call.target, call.name) for call, _ in world.api.log[mark:] if call.writes]
    # All but the few that were told of while the last Jobs were made.
    assert sum(call[:2] == _STATUS and call[2] in new for call in calls) < 1.5 * _PLANS


def _pods(world: World, jobs: set[str]) -> list[dict[str, Any]]:
    return [pod for pod in world.cluster.kubelet.pods() if pod["metadata"]["labels"][JOB_NAME] in jobs]


def _end(world: World, jobs: set[str]) -> None:
    for pod in _pods(world, jobs):
        world.cluster.kubelet.finish(pod)
