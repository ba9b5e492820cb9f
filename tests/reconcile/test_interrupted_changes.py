"""A change of a plan's schedule that was cut short, and what keeps the next operator from going on as if it were new."""

import asyncio
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.slottimes import slot_name
from launchplan_operator.kube.client import Reply
from launchplan_operator.kube.queue import Priority
from launchplan_operator.reconcile.execution import reconcile_execution
from launchplan_operator.reconcile.plan import reconcile_plan
from launchplan_operator.reconcile.result import Again, Outcome
from launchplan_operator.render import labels
from launchplan_operator.render.execution import render_slot_run
from launchplan_operator.render.tombstone import render_tombstone
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.fake.store import Object
from tests.fake.virtual import run_virtual, virtual_now, virtual_time
from tests.reconcile.world import NAMESPACE, World, job_of_a_person, plan, run, workflow

MINUTELY: dict[str, Any] = {"cron": "* * * * *"}
OPERATOR: dict[str, Any] = {"engine": "Operator"}
LATEST: dict[str, Any] = {"catchUp": {"policy": "Latest"}}


async def cut_short(old: Object, **change: Any) -> World:
    """Return a world without an operator: a plan's CronJob was to go, and nothing came of it but the announcement."""
    world = World()
    world.create(workflow())
    world.create(plan(schedule=old))
    await world.start()
    await world.advance(130, 5)

    def fault(call: Call) -> Fault | None:
        return Fault(Lost.HANGS, applied=False) if (call.verb, call.kind) == ("delete", CRON_JOBS) else None

    world.api.faults = fault
    world.edit(LAUNCH_PLANS, "hello", **change)
    await world.advance(10)
    assert world.status["schedule"]["replacing"] == world.get(CRON_JOBS, "hello")["metadata"]["uid"]
    await world.crash()
    world.api.faults = _no_fault
    return world


def _no_fault(_call: Call) -> Fault | None:
    return None


def lose_versions(world: World) -> None:
    """Delete what keeps the plan's versions."""
    for name in world.names(CONTROLLER_REVISIONS):
        world.delete(CONTROLLER_REVISIONS, name)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"suspend": True}, id="nothing was to fire"),
        pytest.param({"schedule": MINUTELY | OPERATOR}, id="the operator was to keep the time"),
        pytest.param({"schedule": {"cron": "*/2 * * * *"}}, id="another CronJob was to come"),
    ],
)
def test_a_cronjob_whose_end_was_announced_goes_though_the_version_cannot_be_read(change: dict[str, Any]) -> None:
    async def story() -> None:
        world = await cut_short(MINUTELY, **change)
        first = world.status["activeVersion"]
        world.edit(LAUNCH_PLANS, "hello", suspend=False, activeVersion=first, defaultInputs={"name": "moon"})
        lose_versions(world)
        counted = world.status["counts"]["started"]
        await world.start()
        await world.advance(30)
        assert world.ready() == ("False", "True", "VersionNotFound")
        assert world.names(CRON_JOBS) == []
        await world.advance(20 * 60, 10)
        assert world.status["counts"]["started"] == counted, "nothing fires, and nothing is counted once more"
        assert "unknown" not in world.status["counts"]

    run_virtual(story())


@pytest.mark.parametrize("by_hand", [False, True], ids=["as announced", "by hand"])
def test_what_the_old_cronjob_started_until_it_went_is_not_told_as_missed(*, by_hand: bool) -> None:
    async def story() -> None:
        world = await cut_short(MINUTELY | LATEST, schedule=MINUTELY | LATEST | OPERATOR)
        await world.advance(600, 5)
        if by_hand:
            world.api.do("DELETE", CRON_JOBS.path(NAMESPACE, "hello"), {"propagationPolicy": "Orphan"})
            await world.advance(10)
        await world.start()
        await world.advance(60)
        assert world.names(CRON_JOBS) == []
        assert len(world.names(JOBS)) > 10
        assert "missed" not in world.status["counts"]

    run_virtual(story())


@pytest.mark.parametrize("taken", [False, True], ids=["that nobody took", "that somebody took"])
def test_a_slots_run_that_came_when_its_slot_was_settled_is_known_by_the_next_process(*, taken: bool) -> None:
    async def story() -> None:
        world = World()
        world.create(workflow())
        world.create(plan(schedule=MINUTELY | OPERATOR))
        await world.start()
        await world.advance(125, 5)
        await world.crash()
        slot = virtual_now() - timedelta(minutes=10)
        asked = instant_text(virtual_now() if taken else slot)
        owner = world.get(LAUNCH_PLANS, "hello")
        version = owner["status"]["activeVersion"]
        times = (instant_text(slot), "Schedule")
        world.create(render_slot_run(owner, "hello-1", version, times, {}, asked))
        await world.start()
        await world.advance(90, 5)
        assert ("hello-1" in world.names(LAUNCH_PLAN_EXECUTIONS)) is taken

    run_virtual(story())


@virtual_time
async def test_a_slots_run_that_came_late_is_marked_by_whoever_takes_it() -> None:
    world = World()
    world.create(workflow())
    world.create(plan(schedule=MINUTELY | OPERATOR))
    await world.start()
    await world.advance(61, 5)
    owner = world.get(LAUNCH_PLANS, "hello")
    await world.crash()
    await world.advance(100, 5)
    slot = virtual_now().replace(second=0, microsecond=0)
    name = f"hello-{int(slot.timestamp()) // 60}"
    times = (instant_text(slot), "Schedule")
    asked = instant_text(slot - timedelta(minutes=5))
    world.create(render_slot_run(owner, name, owner["status"]["activeVersion"], times, {}, asked))
    await world.start()
    await world.advance(20)
    taken = world.get(LAUNCH_PLAN_EXECUTIONS, name)
    assert taken["status"]["phase"] == "Succeeded"
    assert taken["metadata"]["annotations"]["launchplan.dev/asked"] == taken["metadata"]["creationTimestamp"]
    assert taken["metadata"]["namespace"] == NAMESPACE


@pytest.mark.parametrize("engine", ["Auto", "Operator"])
@pytest.mark.parametrize("tombstone", [False, True], ids=["with a Job", "and a tombstone keeps it"])
def test_a_late_slot_whose_name_a_person_took_is_missed(engine: str, *, tombstone: bool) -> None:
    """Whoever keeps the time: an execution of a person's is no trace of the slot."""

    async def story() -> None:
        world = World()
        world.create(workflow())
        world.create(plan(schedule={"cron": "0 * * * *", "engine": engine}))
        await world.start()
        await world.advance(30 * 60, 30)
        slot = virtual_now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        name = f"hello-{int(slot.timestamp()) // 60}"
        await world.crash()
        theirs = world.create(run(name))
        cause = {"reason": "SlotNameTaken", "message": "it is a slot's name"}
        owners = [labels.owner_reference(theirs, controller=True)]
        kept = render_tombstone((NAMESPACE, name), theirs["metadata"]["uid"], cause, "hello", owners)
        world.create(kept if tombstone else job_of_a_person(name))
        await world.advance(40 * 60, 30)
        await world.start()
        await world.advance(30)
        assert world.status["counts"]["missed"] == 1
        assert [each["slot"] for each in world.status["decisions"] if each["outcome"] == "Missed"] == [
            instant_text(slot)
        ]

    run_virtual(story())


@virtual_time
async def test_a_job_whose_records_name_a_person_has_is_not_handed_to_that() -> None:
    world = World()
    world.create(workflow())
    world.create(plan(schedule=MINUTELY))
    await world.start()
    await world.advance(10)
    await world.crash()
    name = f"hello-{int(virtual_now().timestamp()) // 60 + 1}"
    world.create(run(name))
    await world.advance(60)
    assert world.names(JOBS) == [name]
    world.edit(LAUNCH_PLANS, "hello", suspend=True)
    await world.start()
    await world.advance(40)
    assert world.names(CRON_JOBS) == []
    owners = {each["kind"] for each in world.get(JOBS, name)["metadata"]["ownerReferences"]}
    assert owners == {"LaunchPlan"}
    await world.advance(16 * 60, 15)
    assert world.get(LAUNCH_PLAN_EXECUTIONS, name)["status"]["phase"] == "Rejected"


@virtual_time
async def test_a_run_of_which_the_watch_tells_before_the_answer_does_is_not_taken_for_late() -> None:
    """The plan's status was lost, and with it how far the books go, when a late slot was caught up."""
    world = World()
    world.create(workflow())
    world.create(plan(schedule=MINUTELY | LATEST))
    await world.start()
    await world.advance(130, 5)
    assert world._operator is not None
    context = replace(world._operator.context, elected=True)
    await world.crash()
    await asyncio.sleep(20 * 60)
    world.api.do("PATCH", LAUNCH_PLANS.path(NAMESPACE, "hello", "status"), {"status": None})
    context.caches.plans.put(deepcopy(world.get(LAUNCH_PLANS, "hello")))
    create, met = context.client.create, list[Outcome]()

    async def answer_last(kind: Kind, obj: Object) -> Reply:
        reply = await create(kind, obj)
        if kind == LAUNCH_PLAN_EXECUTIONS:
            context.caches.take(kind, deepcopy(reply.body))
            met.append(await reconcile_execution(context, NAMESPACE, obj["metadata"]["name"]))
        return reply

    with patch.object(context.client, "create", answer_last):
        await reconcile_plan(context, NAMESPACE, "hello")
    (caught_up,) = (each["execution"] for each in world.status["decisions"] if each["outcome"] == "CaughtUp")
    assert met == [Again(1.0)]
    assert await reconcile_execution(context, NAMESPACE, caught_up) == Again(0.0, Priority.LOW)
    assert caught_up in world.names(JOBS)


@virtual_time
async def test_a_cronjob_that_a_persons_job_blocks_goes_on_though_the_version_cannot_be_read() -> None:
    """Its controller stops at a name that is taken, and starts whatever comes after once somebody writes to the CronJob."""
    world = World()
    world.create(workflow())
    world.create(plan(schedule=MINUTELY | LATEST))
    await world.start()
    await world.advance(130, 5)
    lose_versions(world)
    world.delete(WORKFLOW_DEFINITIONS, "greet")
    slot = virtual_now() + timedelta(minutes=1)
    world.create(job_of_a_person(slot_name("hello", slot.replace(second=0))))
    await world.advance(9 * 60, 5)
    assert world.ready()[1:] == ("True", "WorkflowNotFound")
    told = {each["outcome"]: each["message"] for each in world.status["decisions"]}
    assert told["Missed"] == "the version that was to start it could not be read when it came"
    assert told.keys() == {"Missed", "Unknown"}, "its controller starts the newest one, and passes the others by"
    counts = world.status["counts"]
    assert counts["started"] + counts["missed"] + counts["unknown"] == 11
    await world.advance(180, 5)
    assert world.status["counts"]["started"] == counts["started"] + 3
