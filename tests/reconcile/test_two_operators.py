"""What two operators that know nothing of each other must not do to each other's work, as far as one of them decides it."""

import asyncio
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.decide.decisions import plain_decision
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.timetable import read_timetable
from launchplan_operator.kube.queue import Priority
from launchplan_operator.reconcile.booking import TOO_LATE, book
from launchplan_operator.reconcile.caches import Caches
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.execution import reconcile_execution
from launchplan_operator.reconcile.plan import reconcile_plan
from launchplan_operator.reconcile.planslots import traceless_slots
from launchplan_operator.reconcile.result import Again, Done, Failed
from launchplan_operator.reconcile.tombstone import occupy_name
from launchplan_operator.reconcile.uncounted import confirm_uncounted
from launchplan_operator.render import labels
from launchplan_operator.render.execution import render_slot_run
from tests.fake.virtual import virtual_now, virtual_time
from tests.reconcile.world import NAMESPACE, World, plan, run, workflow

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS


async def begun(schedule: str | None = None) -> tuple[World, Context]:
    """Return a world with a plan, and what its operator works with."""
    world = World()
    world.create(workflow())
    world.create(plan(schedule))
    await world.start()
    operator = world._operator
    assert operator is not None
    return world, operator.context


@virtual_time
async def test_a_run_that_another_counted_is_not_counted_again_by_one_whose_cache_lags() -> None:
    world, context = await begun()
    world.create(run("a"))
    await world.advance(10)
    marked = world.get(EXECUTIONS, "a")
    assert marked["status"]["counted"]
    stale = deepcopy(dict(marked))
    del stale["status"]["counted"]
    forgetful: dict[str, Any] = {"status": {}}
    (seen,) = await confirm_uncounted(context, forgetful, [stale])
    assert seen["status"]["counted"]
    elected = replace(context, elected=True, leader_since=lambda: virtual_now() - timedelta(hours=1))
    assert await confirm_uncounted(elected, forgetful, [stale]) == [stale]
    just_elected = replace(context, elected=True, leader_since=virtual_now)
    (seen,) = await confirm_uncounted(just_elected, forgetful, [stale])
    assert seen["status"]["counted"]
    world.delete(EXECUTIONS, "a")
    assert await confirm_uncounted(context, forgetful, [stale]) == []


@virtual_time
async def test_a_run_that_another_counted_is_not_forgotten_by_one_that_does_not_know_yet_that_it_ended() -> None:
    world, context = await begun()
    world.create(run("a"))
    await world.advance(10)
    marked = world.get(EXECUTIONS, "a")
    stale = deepcopy(dict(marked))
    stale["status"] = {"phase": "Running"}
    telling = world.get(LAUNCH_PLANS, "hello") | {"status": {"uncounted": [{"uid": marked["metadata"]["uid"]}]}}
    for known in ([stale], []):
        for each in (context, replace(context, elected=True)):
            (seen,) = await confirm_uncounted(each, telling, known)
            assert seen["status"]["phase"] == "Succeeded"


@virtual_time
async def test_a_run_of_a_settled_slot_is_left_for_a_minute_to_whoever_may_have_made_it() -> None:
    world, context = await begun()
    await world.crash()
    owner = world.get(LAUNCH_PLANS, "hello")
    slot = (virtual_now() - timedelta(hours=1)).replace(second=0, microsecond=0)
    time = slot.strftime("%Y-%m-%dT%H:%M:%SZ")
    made = render_slot_run(owner, "hello-1", "v", (time, "Schedule"), {}, time)
    context.caches.executions.put(deepcopy(world.create(made)))
    outcome = await reconcile_execution(context, NAMESPACE, "hello-1")
    assert isinstance(outcome, Again)
    assert 55 < outcome.after <= 60
    assert world.names(EXECUTIONS) == ["hello-1"]
    await world.advance(61)
    assert await reconcile_execution(context, NAMESPACE, "hello-1") == Done()
    assert world.names(EXECUTIONS) == []


@pytest.mark.parametrize("booked", [False, True], ids=["that nobody takes", "that the plan takes"])
def test_a_slots_run_that_may_have_come_late_waits_for_its_plans_books(*, booked: bool) -> None:
    """Its plan asked once more while it came, found nothing, and is about to tell the slot as missed."""

    @virtual_time
    async def story() -> None:
        world, context = await begun("0 0 1 1 *")
        await world.crash()
        owner = world.get(LAUNCH_PLANS, "hello")
        slot, asked = (instant_text(virtual_now() + timedelta(seconds=after)) for after in (60, -30))
        version = owner["status"]["activeVersion"]
        created = deepcopy(world.create(render_slot_run(owner, "hello-1", version, (slot, "Schedule"), {}, asked)))
        context.caches.executions.put(created)
        assert await reconcile_execution(context, NAMESPACE, "hello-1") == Again(1.0)
        if booked:
            assert await book(context, created) is None
        else:
            await asyncio.sleep(58)
            assert await reconcile_execution(context, NAMESPACE, "hello-1") == Again(1.0)
            await asyncio.sleep(3)
        assert await reconcile_execution(context, NAMESPACE, "hello-1") == Again(0.0, Priority.LOW)
        assert world.names(JOBS) == ["hello-1"]

    story()


@pytest.mark.parametrize("seen", [False, True], ids=["whose Job is not in the cache", "whose Job is"])
def test_a_run_of_a_settled_slot_is_kept_where_somebody_started_it(*, seen: bool) -> None:
    """Whoever made its Job had it in the books, and did not live to note that."""

    @virtual_time
    async def story() -> None:
        world, context = await begun()
        await world.crash()
        owner = world.get(LAUNCH_PLANS, "hello")
        slot = (virtual_now() - timedelta(hours=1)).replace(second=0, microsecond=0)
        time = slot.strftime("%Y-%m-%dT%H:%M:%SZ")
        made = render_slot_run(owner, "hello-1", "v", (time, "Schedule"), {}, time)
        execution = deepcopy(world.create(made))
        context.caches.executions.put(execution)
        started = world.create(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": "hello-1",
                    "namespace": NAMESPACE,
                    "ownerReferences": [labels.owner_reference(execution, controller=True)],
                },
                "spec": workflow()["spec"]["job"],
            }
        )
        if seen:
            context.caches.jobs.put(deepcopy(started))
        await world.advance(61)
        await reconcile_execution(context, NAMESPACE, "hello-1")
        assert world.names(EXECUTIONS) == ["hello-1"]

    story()


@virtual_time
async def test_a_run_that_an_earlier_leader_started_is_not_started_again_by_one_that_began_with_an_old_list() -> None:
    """Its Job was deleted by hand: nothing but its status on the server tells of it."""
    world, context = await begun()
    world.create(run("a"))
    await world.advance(3)
    noted = world.get(EXECUTIONS, "a")
    await world.crash()
    world.delete(JOBS, "a")
    caches = Caches()
    caches.workflows.put(world.get(WORKFLOW_DEFINITIONS, "greet"))
    caches.plans.put(world.get(LAUNCH_PLANS, "hello"))
    caches.executions.put({**noted, "status": {}, "metadata": {**noted["metadata"], "resourceVersion": "1"}})
    just_elected = replace(context, caches=caches, leader_since=virtual_now)
    assert isinstance(await reconcile_execution(just_elected, NAMESPACE, "a"), Again)
    assert world.names(JOBS) == []
    assert (caches.executions.get(NAMESPACE, "a") or {})["status"] == noted["status"]


@virtual_time
async def test_a_slot_that_its_cronjob_started_late_is_told_as_missed_no_more() -> None:
    """Its controller stood still while the CronJob's end was announced, and the operator when it was to go."""
    world, _ = await begun("* * * * *")
    await world.advance(70)
    slot = world.all(EXECUTIONS)[-1]["status"]["origin"]["slot"]
    await world.crash()
    told = plain_decision(virtual_now(), "Missed", Reason.Missed, "the schedule ended before", slot=slot)
    status = world.status
    lie = {"status": {"decisions": [told], "counts": {"missed": 1}}}
    world.api.do("PATCH", LAUNCH_PLANS.path(NAMESPACE, "hello", "status"), lie)
    await world.start()
    await world.advance(5)
    assert "decisions" not in world.status
    assert world.status["counts"] == status["counts"]


@virtual_time
async def test_a_run_that_explains_a_cronjobs_slot_stands_in_the_books() -> None:
    """Else it would be taken for one that came when its slot was settled."""
    world, context = await begun("* * * * *")
    await world.advance(70)
    await world.crash()
    owner = world.get(LAUNCH_PLANS, "hello")
    slot = virtual_now().replace(second=0, microsecond=0)
    names = [f"hello-{int(each.timestamp()) // 60}" for each in (slot - timedelta(minutes=5), slot)]
    for name in names:
        if name in world.names(EXECUTIONS):
            world.delete(EXECUTIONS, name)
        asked = instant_text(slot - timedelta(minutes=5))
        made = render_slot_run(owner, name, "v", (instant_text(slot), "Schedule"), {}, asked)
        context.caches.executions.put(deepcopy(world.create(made)))
    table = read_timetable("* * * * *", "UTC")
    assert table is not None
    past = await traceless_slots(context, owner, table, slot - timedelta(seconds=30), slot)
    assert not isinstance(past, Failed)
    assert past.unexplained == ()
    booked = {world.get(EXECUTIONS, name)["metadata"]["uid"]: name for name in names}
    assert {booked.get(uid) for uid in context.caches.booked_runs & booked.keys()} == {names[1]}


@virtual_time
async def test_a_cronjob_that_an_old_list_does_not_show_is_asked_for() -> None:
    """Else the plan would be told as suspended while its CronJob fires on."""
    world, context = await begun("* * * * *")
    await world.advance(5)
    await world.crash()
    world.edit(LAUNCH_PLANS, "hello", suspend=True)
    context.caches.plans.put(deepcopy(world.get(LAUNCH_PLANS, "hello")))
    context.caches.cronjobs.remove(dict(world.get(CRON_JOBS, "hello")))
    assert isinstance(await reconcile_plan(context, NAMESPACE, "hello"), Again)
    assert context.caches.cronjobs.get(NAMESPACE, "hello") is not None
    assert world.ready()[2] == "Active"


@virtual_time
async def test_a_late_run_that_was_not_removed_to_the_end_is_removed_by_the_next_process() -> None:
    """Its name was occupied, and its slot is told as missed: it is not told as rejected besides."""
    world, context = await begun("0 0 1 1 *")
    await world.crash()
    owner = world.get(LAUNCH_PLANS, "hello")
    slot, asked = (instant_text(virtual_now() + timedelta(seconds=after)) for after in (60, 0))
    run_of_slot = render_slot_run(owner, "hello-1", owner["status"]["activeVersion"], (slot, "Schedule"), {}, asked)
    created = deepcopy(world.create(run_of_slot))
    context.caches.executions.put(created)
    assert not isinstance(await occupy_name(context, created["metadata"], TOO_LATE, owner), Failed)
    assert await reconcile_execution(context, NAMESPACE, "hello-1") == Done()
    assert world.names(EXECUTIONS) == []


@pytest.mark.parametrize(
    ("before", "under_way", "left"),
    [
        pytest.param(60, 0, ["hello-1"], id="what was there before is in the books"),
        pytest.param(-4, 0, ["hello-1"], id="clocks may differ"),
        pytest.param(-6, 0, [], id="what was made since, and not booked, came when the slot was settled"),
        pytest.param(60, 46, [], id="what came late nobody may have taken"),
    ],
)
def test_a_slots_run_that_was_there_before_is_in_the_books_whether_or_not_a_list_had_it(
    before: float, under_way: float, left: list[str]
) -> None:
    """It was made so many seconds before this process began to write, by a request under way for so many."""

    @virtual_time
    async def story() -> None:
        world, context = await begun("0 0 1 1 *")
        await world.crash()
        slot, asked = (instant_text(virtual_now() - timedelta(seconds=ago)) for ago in (0, under_way))
        settled = {"status": {"schedule": {"lastSlot": slot}}}
        world.api.do("PATCH", LAUNCH_PLANS.path(NAMESPACE, "hello", "status"), settled)
        owner = world.get(LAUNCH_PLANS, "hello")
        context.caches.plans.put(deepcopy(owner))
        made = render_slot_run(owner, "hello-1", owner["status"]["activeVersion"], (slot, "Schedule"), {}, asked)
        context.caches.executions.put(deepcopy(world.create(made)))
        began = virtual_now() + timedelta(seconds=before)
        elected = replace(context, elected=True, leader_since=lambda: began)
        await reconcile_execution(elected, NAMESPACE, "hello-1")
        assert world.names(EXECUTIONS) == left

    story()
