"""What the reconcilers tell of their decisions: once each, when they were written, whatever the write met."""

import asyncio
import json
import logging
from collections import Counter
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.observe.logs import JsonFormatter
from tests.fake.faults import Fault
from tests.fake.routing import Call
from tests.fake.virtual import virtual_time
from tests.reconcile.neighbours import asked, neighbours
from tests.reconcile.world import World, plan, run, workflow

LIMITED = {"concurrency": {"max": 1, "behavior": "Queue"}}


def numbers(world: World, name: str) -> dict[str, float]:
    """Return the non-zero values of a metric of the running operator, by the last of its labels."""
    assert world._operator is not None
    text, _ = world._operator.metrics.render("")
    samples = (each for family in text_string_to_metric_families(text.decode()) for each in family.samples)
    found = ((list(each.labels.values()) or [""], each.value) for each in samples if each.name == name)
    return {labels[-1]: number for labels, number in found if number}


def decided(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the log lines of decisions."""
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    return [line for line in lines if line["logger"] == "launchplan_operator.decisions"]


@virtual_time
async def test_a_schedule_is_told_slot_by_slot(caplog: pytest.LogCaptureFixture) -> None:
    """Each of its runs is started once and ended once, in numbers and in lines."""
    caplog.set_level(logging.INFO)
    world = World()
    world.create(workflow())
    world.create(plan())
    await world.start()
    await world.advance(190)
    ended = numbers(world, "launchplan_executions_ended_total")
    assert ended == {"Succeeded": len(world.names(LAUNCH_PLAN_EXECUTIONS))} == {"Succeeded": 3}
    assert numbers(world, "launchplan_slots_total") == {"started": 3}
    assert numbers(world, "launchplan_slot_start_lag_seconds_count") == {"Schedule": 3}
    assert numbers(world, "launchplan_admission_wait_seconds_count") == {}
    lines = decided(caplog)
    assert Counter(line["decision"] for line in lines) == {"started": 3, "ended": 3}
    assert {frozenset(line) for line in lines} == {
        frozenset(
            ("time", "level", "logger", "message", "decision", "namespace", "plan", "execution", "slot", "reason")
        )
    }
    assert {line["plan"] for line in lines} == {"hello"}


@virtual_time
async def test_a_write_that_met_another_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Every first write of a status meets a conflict; the decisions are those of a quiet day, and the conflicts counted."""
    caplog.set_level(logging.INFO)
    world = World()
    world.create(workflow())
    world.create(plan(None, **LIMITED))
    await world.start()
    met: set[str] = set()

    def conflict(call: Call) -> Fault | None:
        wanted = f"{call.verb} {call.target} {call.name}"
        if call.verb != "update" or not call.target.endswith("/status") or wanted in met:
            return None
        met.add(wanted)
        return Fault(409, message="the object has been modified")

    world.api.faults = conflict
    world.pods_end = False
    for name in ("one", "two"):
        world.create(run(name))
    await world.advance(30)
    assert numbers(world, "launchplan_runs_running") == {"default": 1}
    assert numbers(world, "launchplan_runs_queued") == {"default": 1}
    world.pods_end = True
    await world.advance(60)
    assert world.status["counts"] == {"started": 2, "succeeded": 2}
    assert numbers(world, "launchplan_executions_started_total") == {"Manual": 2}
    assert numbers(world, "launchplan_executions_ended_total") == {"Succeeded": 2}
    assert numbers(world, "launchplan_admission_wait_seconds_count") == {"": 2}
    assert numbers(world, "launchplan_status_conflicts_total") == {"LaunchPlan": 1, "LaunchPlanExecution": 2}
    assert numbers(world, "launchplan_ledger_conflicts_total") == {"": 1}
    assert numbers(world, "launchplan_runs_running") == {}
    told = Counter((line["decision"], line["execution"]) for line in decided(caplog))
    assert told == {(word, name): 1 for word in ("queued", "started", "ended") for name in ("one", "two")}


@virtual_time
async def test_slots_that_nobody_started_are_missed_once() -> None:
    """While the operator was away; and the plan that is stalled is counted for as long as it is."""
    world = World()
    world.create(workflow())
    world.create(plan(None, schedule={"fixedRate": {"value": 7, "unit": "Minute"}}))
    await world.start()
    await world.crash()
    await world.advance(3600, 60)
    await world.start()
    await world.advance(60)
    missed = world.status["counts"]["missed"]
    assert missed >= 7
    assert numbers(world, "launchplan_slots_total")["missed"] == missed
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"nmae": "x"})
    await world.settle()
    assert numbers(world, "launchplan_plans_stalled") == {"default": 1}
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": "x", "nmae": None})
    await world.settle()
    assert numbers(world, "launchplan_plans_stalled") == {}


@virtual_time
async def test_a_start_is_seen_in_the_queue_and_in_the_requests() -> None:
    """Once it rests, nothing waits and nothing is under way."""
    world = World()
    world.create(workflow())
    world.create(plan(None))
    await world.start()
    await asyncio.sleep(1)
    assert numbers(world, "workqueue_longest_running_processor_seconds") == {}
    assert set(numbers(world, "rest_client_requests_total")) == {"GET", "POST", "PUT"}
    assert numbers(world, "workqueue_adds_total")["LaunchPlan"] >= 1
    assert numbers(world, "workqueue_work_duration_seconds_count")["WorkflowDefinition"] >= 1
    assert numbers(world, "workqueue_depth") == {}


@virtual_time
async def test_a_run_through_a_reference_is_told_where_each_of_its_two_executions_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The one that does the work is started, and waited for its turn; both end, each in its namespace."""
    world = await neighbours(**LIMITED)
    caplog.set_level(logging.INFO)
    world.ask(asked())
    await world.settle()
    await world.advance(100)
    assert world.run_of()["phase"] == "Succeeded"
    assert numbers(world, "launchplan_executions_started_total") == {"Reference": 1}
    assert numbers(world, "launchplan_admission_wait_seconds_count") == {"": 1}
    assert numbers(world, "launchplan_references") == {"Resolved": 1}
    told = [(line["namespace"], line["plan"], line["decision"]) for line in decided(caplog)]
    there = [("default", "hello", word) for word in ("queued", "started", "ended")]
    here = [("team-a", "theirs", word) for word in ("queued", "ended")]
    assert sorted(told) == sorted([*there, *here])
