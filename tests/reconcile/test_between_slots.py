"""A CronJob never goes beside a slot of it: a Job that its controller makes meanwhile would be collected."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.decide.cronjob import last_fired
from launchplan_operator.decide.slottimes import slot_name
from launchplan_operator.reconcile import plancron
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.result import Outcome
from tests.fake.cronjobs import CronJobController
from tests.fake.faults import Fault
from tests.fake.routing import Call
from tests.fake.virtual import run_virtual, virtual_now
from tests.reconcile.world import NAMESPACE, World, plan, workflow

MINUTE = timedelta(minutes=1)
OPERATOR: dict[str, Any] = {"schedule": {"cron": "* * * * *", "engine": "Operator"}}
OTHER: dict[str, Any] = {"schedule": {"cron": "*/2 * * * *"}}
PAUSED: dict[str, Any] = {"suspend": True}
_STEP = 0.25


class Ends:
    """Notes of each deletion of a CronJob how long after its latest slot it came, and whether that had been started."""

    def __init__(self, world: World) -> None:
        self.seen: list[tuple[float, bool]] = []
        self._world = world
        world.api.faults = self.look

    def look(self, call: Call) -> Fault | None:
        """Let every call pass, and note the deletions."""
        if (call.verb, call.kind) == ("delete", CRON_JOBS):
            fired = last_fired(self._world.get(CRON_JOBS, "hello"))
            slot = virtual_now().replace(second=0, microsecond=0)
            started = fired is not None and fired >= slot
            self.seen.append(((virtual_now() - slot).total_seconds(), started))
        return None


async def world_before(slot_in: float) -> tuple[World, Ends, datetime]:
    """Return a world in which a CronJob's slot is to come in so many seconds, and that slot."""
    world = World()
    world.create(workflow())
    world.create(plan())
    await world.start()
    await world.advance(130, 5)
    slot = virtual_now().replace(second=0, microsecond=0) + MINUTE
    await world.advance((slot - virtual_now()).total_seconds() - slot_in, _STEP)
    return world, Ends(world), slot


@contextmanager
def standing_still(controller: CronJobController, *, late: bool) -> Iterator[None]:
    """Let the CronJob controller do nothing meanwhile, if it is late."""
    if not late:
        yield
        return
    with patch.object(controller, "tick", lambda _now: None):
        yield


def check(ends: Ends) -> None:
    """No CronJob went in the two seconds before a slot, or in the ten after one that it had not started."""
    assert ends.seen
    for after, started in ends.seen:
        assert after < 58
        assert started or after >= 10


@pytest.mark.parametrize("late", [False, True], ids=["in time", "by a controller that is late"])
@pytest.mark.parametrize("change", [OPERATOR, OTHER, PAUSED], ids=["the operator", "another CronJob", "nobody"])
@pytest.mark.parametrize("slot_in", [5.0, 2.5, 1.75, 1.0, 0.25, 0.0, -0.25, -3.0])
def test_a_change_beside_a_slot_waits_for_its_start(slot_in: float, change: dict[str, Any], *, late: bool) -> None:
    """And that is one run, whoever keeps the time from then on."""

    async def story() -> None:
        world, ends, slot = await world_before(slot_in)
        with standing_still(world.cluster.cron_jobs, late=late):
            world.edit(LAUNCH_PLANS, "hello", **change)
            await world.advance(8, _STEP)
        await world.advance(20, _STEP)
        check(ends)
        name = slot_name("hello", slot)
        if slot_in < 2:
            assert world.jobs_made[name] == 1
        if world.jobs_made[name]:
            assert world.get(LAUNCH_PLAN_EXECUTIONS, name)["status"]["phase"] == "Succeeded"
        assert max(world.jobs_made.values()) == 1

    run_virtual(story())


@pytest.mark.parametrize("late", [False, True], ids=["in time", "by a controller that is late"])
def test_what_took_until_a_slot_came_goes_after_its_start(*, late: bool) -> None:
    """The announcement was in time, the look at the Jobs was not; the Job of that slot is handed over like the others."""
    hand_over = plancron._hand_over

    async def slow(context: Context, owner: Mapping[str, Any], job: Mapping[str, Any]) -> Outcome:
        await asyncio.sleep(3)
        return await hand_over(context, owner, job)

    async def story() -> None:
        world, ends, slot = await world_before(6)
        with patch.object(plancron, "_hand_over", slow):
            with standing_still(world.cluster.cron_jobs, late=late):
                world.edit(LAUNCH_PLANS, "hello", **OPERATOR)
                await world.advance(14, _STEP)
            await world.advance(26, _STEP)
        check(ends)
        assert world.get(LAUNCH_PLAN_EXECUTIONS, slot_name("hello", slot))["status"]["phase"] == "Succeeded"
        assert max(world.jobs_made.values()) == 1

    run_virtual(story())


def test_a_cronjob_that_started_a_slot_since_it_was_looked_at_does_not_go() -> None:
    """Its Job would have no second owner: the list that showed the others is older."""

    async def story() -> None:
        world, ends, slot = await world_before(-12)
        edited = False

        def change(call: Call) -> Fault | None:
            nonlocal edited
            ends.look(call)
            if (call.verb, call.kind) == ("delete", CRON_JOBS) and not edited:
                edited = True
                live = world.get(CRON_JOBS, "hello")
                path = f"{CRON_JOBS.path(NAMESPACE, 'hello')}/status"
                world.api.do(
                    "PUT", path, live | {"status": live["status"] | {"lastSuccessfulTime": "2026-01-01T00:00:00Z"}}
                )
            return None

        world.api.faults = change
        world.edit(LAUNCH_PLANS, "hello", **OPERATOR)
        await world.advance(30, _STEP)
        assert edited
        assert len(ends.seen) == 2
        assert world.names(CRON_JOBS) == []
        assert slot_name("hello", slot) in world.names(JOBS)

    run_virtual(story())
