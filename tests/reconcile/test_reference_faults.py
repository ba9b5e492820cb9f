"""Mistakes that the search has found since people refer to plans in it, each as one short story."""

from copy import deepcopy
from dataclasses import replace

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS
from launchplan_operator.decide.run import End
from launchplan_operator.reconcile.execution import reconcile_execution
from launchplan_operator.reconcile.result import Done
from launchplan_operator.reconcile.tombstone import occupy_name
from launchplan_operator.render import labels
from launchplan_operator.render.execution import render_slot_run
from tests.fake.virtual import virtual_time
from tests.reconcile.neighbours import ASKING, neighbours, reference
from tests.reconcile.world import NAMESPACE, run


@virtual_time
async def test_a_reference_to_what_becomes_a_reference_and_is_none_any_more_says_so_at_once() -> None:
    world = await neighbours()
    world.ask(reference("ours", namespace=ASKING, name="later"))
    await world.settle()
    assert world.stands("ours") == ("False", "False", "TargetUnavailable")
    world.ask(reference("later"))
    await world.settle()
    assert world.stands("ours") == ("False", "True", "ReferenceToReference")
    world.drop(REFERENCE_LAUNCH_PLANS, "later")
    await world.settle()
    assert world.stands("ours") == ("False", "False", "TargetUnavailable")


@virtual_time
async def test_the_name_of_a_run_stays_occupied_when_its_plan_goes_that_was_being_deleted() -> None:
    world = await neighbours()
    operator = world._operator
    assert operator is not None
    await world.crash()
    world.create(run("a"))
    world.api.do("DELETE", LAUNCH_PLANS.path(NAMESPACE, "hello"), {"propagationPolicy": "Orphan"})
    asked, leaving = world.get(LAUNCH_PLAN_EXECUTIONS, "a"), world.get(LAUNCH_PLANS, "hello")
    assert leaving["metadata"]["deletionTimestamp"]
    world.api.collect_garbage()
    assert world.names(LAUNCH_PLANS) == []
    await occupy_name(operator.context, asked["metadata"], End(Reason.Aborted, "enough"), leaving)
    world.api.collect_garbage()
    assert labels.is_tombstone(world.get(JOBS, "a"))


@virtual_time
async def test_a_slot_that_was_told_as_missed_is_not_told_as_skipped_when_its_late_run_is_removed() -> None:
    world = await neighbours()
    operator = world._operator
    assert operator is not None
    await world.crash()
    context, slot = replace(operator.context, elected=True), "2026-01-01T00:00:00Z"
    owner = deepcopy(world.get(LAUNCH_PLANS, "hello"))
    owner["status"]["decisions"] = [{"outcome": "Missed", "slot": slot, "reason": "NobodyThere", "message": ""}]
    context.caches.plans.put({**owner, "metadata": {**owner["metadata"], "resourceVersion": "1000"}})
    late = deepcopy(world.create(render_slot_run(owner, "hello-1", "v", (slot, "Schedule"), {}, slot)))
    context.caches.executions.put(late)
    context.caches.inherit_runs()
    assert await reconcile_execution(context, NAMESPACE, "hello-1") == Done()
    assert world.names(LAUNCH_PLAN_EXECUTIONS) == []
    context.caches.executions.remove(late)
    assert not context.caches.lost_runs
