"""Registration and activation as another system handles them, with the whole operator over an in-memory API server."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.kinds import CRON_JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from tests.fake.faults import Fault
from tests.fake.routing import Call
from tests.fake.virtual import run_virtual
from tests.reconcile.world import World, plan, run, workflow

TABLE = yaml.safe_load((Path(__file__).parents[1] / "data" / "plans" / "activation.yaml").read_text(encoding="utf-8"))


def rows(part: str) -> list[Any]:
    """Return the rows of one part of the table, each with what is given for all."""
    return [pytest.param({**TABLE["given"], **row}, id=row["id"]) for row in TABLE[part]]


def scheduled(world: World) -> dict[str, str]:
    """Return the cron text of each CronJob by its uid."""
    return {each["metadata"]["uid"]: each["spec"]["schedule"] for each in world.all(CRON_JOBS)}


def refuse(fault: Mapping[str, Any], struck: list[Call]) -> Callable[[Call], Fault | None]:
    """Refuse each call of one kind."""

    def answer(call: Call) -> Fault | None:
        if (call.verb, call.target) != (fault["verb"], fault["target"]):
            return None
        struck.append(call)
        return Fault(fault["answer"])

    return answer


async def live(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an edit of a plan comes to."""
    world, struck = World(), list[Call]()
    world.create(workflow(version="w1"))
    world.create(plan(None, **{"workflowRef": {"name": "greet", "version": "w1"}, **row["before"]}))
    await world.start()
    before, fault = scheduled(world), row.get("fault")
    if fault:
        world.api.faults = refuse(fault, struck)
    world.edit(LAUNCH_PLANS, "hello", **row["then"])
    await world.advance(60, 5)
    assert bool(struck) == bool(fault), "the fault never struck"
    if fault and "minutes" in fault:
        world.api.faults = lambda _call: None
    await world.advance(120, 5)
    after = scheduled(world)
    outcome = {
        "active": world.status.get("activeVersion"),
        "removed": next((text for uid, text in before.items() if uid not in after), None),
        "added": next((text for uid, text in after.items() if uid not in before), None),
        "ready": world.ready()[2],
    }
    assert len(after) <= 1
    return outcome | (await by_hand(world, row["run"]) if "run" in row else {})


async def by_hand(world: World, version: str) -> dict[str, Any]:
    """Return how a run of a version ends."""
    world.create(run("by-hand", launchPlanRef={"name": "hello", "version": version}))
    await world.advance(5)
    status = world.get(LAUNCH_PLAN_EXECUTIONS, "by-hand")["status"]
    assert status["launchPlanVersion"] == version
    return {"ran": status["phase"]}


@pytest.mark.parametrize("row", rows("cases"))
def test_we_agree(row: dict[str, Any]) -> None:
    """The outcome is the other system's, in our words."""
    assert run_virtual(live(row)) == row["expect"]


@pytest.mark.parametrize("row", rows("overruled"))
def test_we_differ_and_say_why(row: dict[str, Any]) -> None:
    """The outcome is ours, is another one indeed, and has a reason."""
    outcome = run_virtual(live(row))
    assert outcome == row["expect"]
    assert outcome != row["there"]
    assert len(row["reason"]) > 20
