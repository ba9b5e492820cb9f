"""Many plans that fire at once: whatever is to start goes before whatever tells of it."""

import asyncio
from typing import Any
from unittest.mock import patch

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.kube.transport import Response
from launchplan_operator.reconcile.plan import reconcile_plan
from launchplan_operator.reconcile.result import Again
from tests.fake.transport import InProcessTransport
from tests.fake.virtual import virtual_now, virtual_time
from tests.reconcile.world import NAMESPACE, World, plan, workflow

_PLANS = 300
_OPERATOR = {"cron": "* * * * *", "engine": "Operator"}
_CALL_SECONDS = 0.5


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
    assert alarm.urgent
    assert (virtual_now().timestamp() + alarm.after) % 60 == 0


@virtual_time
async def test_no_other_alarm_is_urgent() -> None:
    """What a CronJob fires is looked at when it should have."""
    assert not (await _look(cron="* * * * *")).urgent


@virtual_time
async def test_in_a_rush_all_jobs_come_before_any_status_of_their_runs() -> None:
    """On a slow server, on which the runs of the minute before all end as the slots are due."""
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
        mark = len(world.api.log)
        world.pods_end = True
        await world.advance(58)
    calls = [(call.verb, call.target) for call, _ in world.api.log[mark:] if call.writes]
    jobs = [at for at, call in enumerate(calls) if call == ("create", JOBS.plural)]
    statuses = [at for at, call in enumerate(calls) if call == ("update", f"{LAUNCH_PLAN_EXECUTIONS.plural}/status")]
    assert len(jobs) == _PLANS
    assert len(statuses) >= _PLANS
    assert jobs[-1] < statuses[0]
