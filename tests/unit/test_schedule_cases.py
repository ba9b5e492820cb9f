"""Schedules as other systems keep them: what we agree with, and what the design overrules."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.activation import Activation
from launchplan_operator.decide.catchup import decide_catchup
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.kickoff import slot_inputs
from launchplan_operator.decide.planreading import PlanReading, Runnable
from launchplan_operator.decide.schedule import Timetable, next_slots, read_schedule, slot_name
from launchplan_operator.decide.slots import due_slots
from launchplan_operator.decide.validate import WorkflowView
from launchplan_operator.reconcile.planforce import _is_scheduled
from launchplan_operator.reconcile.plansituation import Situation, mark_of
from launchplan_operator.render.execution import render_slot_run
from tests.fake.api import FakeApi
from tests.fake.errors import ApiError

DATA = Path(__file__).parents[1] / "data" / "schedules"


def table_of(row: Mapping[str, Any]) -> Timetable:
    """Return what a row's schedule means; it must be good."""
    table = read_schedule(Schedule.model_validate(row["schedule"]))
    assert isinstance(table, Timetable), table
    return table


def is_scheduled(row: Mapping[str, Any]) -> bool | None:
    """Tell whether the slots of a row's plan fire at all, by its spec."""
    fields = {"workflowRef": {"name": "w"}, "schedule": Schedule.model_validate(row["schedule"])}
    spec = LaunchPlanSpec.model_validate({**fields, "suspend": row.get("suspend", False)})
    workflow = WorkflowDefinitionSpec.model_validate({"job": {}})
    view, version = WorkflowView("w", workflow, "1"), Runnable("v1", spec, "1", workflow, table_of(row), {})
    return _is_scheduled(PlanReading(spec, view, view), Activation("v1"), version, permitted=True)


def look(row: Mapping[str, Any]) -> Any:
    """Return what starts at a look, and when the next slot is due."""
    if not is_scheduled(row):
        return {"starts": 0, "next": None}
    table, now = table_of(row), row["now"]
    due = due_slots(table, "default/plan", row["base"], now, table.deadline)
    rule = Schedule.model_validate(row["schedule"]).catch_up
    late = decide_catchup(rule, due.late, now, started_later=bool(due.on_time))
    starts = sorted((*late.run, *due.on_time))
    return {"starts": len(starts), **({"latest": starts[-1]} if starts else {}), "next": due.next_at}


def repeat(row: Mapping[str, Any]) -> Any:
    """Return how many runs a look makes, and how many the same look makes once more."""
    api, table, made = FakeApi(), table_of(row), list[int]()
    kind, metadata = LAUNCH_PLANS, {"name": "plan", "namespace": "default", "uid": "1"}
    plan = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": {}}
    for _ in range(2):
        made.append(0)
        for slot in due_slots(table, "default/plan", row["base"], row["now"], table.deadline).on_time:
            run = render_slot_run(
                plan, slot_name("plan", slot), "v1", (instant_text(slot), "Schedule"), {}, instant_text(slot)
            )
            with suppress(ApiError):
                api.do("POST", LAUNCH_PLAN_EXECUTIONS.path("default"), run)
                made[-1] += 1
    return {"made": made[0], "again": made[1]}


def come(row: Mapping[str, Any]) -> Any:
    """Return as many of the next slots as the row has; one more is asked for where they end."""
    count = len(row.get("there", row["expect"]))
    return next_slots(table_of(row), row["after"], count + bool(row.get("ends")))


def give(row: Mapping[str, Any]) -> Any:
    """Return the inputs that a slot gives."""
    return slot_inputs(Schedule.model_validate(row["schedule"]), row["slot"])


def call(row: Mapping[str, Any]) -> Any:
    """Return the name of a slot's run."""
    return slot_name(row["plan"], row["slot"])


def count_from(row: Mapping[str, Any]) -> Any:
    """Return the mark after which slots are looked for."""
    return mark_of(Situation({}, row["status"], None, None, None))


def take(row: Mapping[str, Any]) -> Any:
    """Return what the API server says of a plan with a name of that length."""
    kind, metadata = LAUNCH_PLANS, {"name": "a" * row["length"], "namespace": "default"}
    plan = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": metadata,
        "spec": {"workflowRef": {"name": "w"}},
    }
    try:
        FakeApi().do("POST", kind.path("default"), plan)
    except ApiError as error:
        return "refused " + str(error).rpartition("is invalid: ")[2].partition(":")[0]
    return "accept"


RULES: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "looks": look,
    "times": come,
    "kickoff": give,
    "names": call,
    "bases": count_from,
    "lengths": take,
    "repeats": repeat,
}


def rows(part: str) -> list[Any]:
    """Return the rows of one part of each table."""
    tables = {name: yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8")) for name in RULES}
    return [pytest.param(name, row, id=row["id"]) for name, table in tables.items() for row in table.get(part, ())]


@pytest.mark.parametrize(("rule", "row"), rows("cases"))
def test_we_agree(rule: str, row: dict[str, Any]) -> None:
    """The outcome is the other system's, in our words."""
    assert RULES[rule](row) == row["expect"]


@pytest.mark.parametrize(("rule", "row"), rows("overruled"))
def test_we_differ_and_say_why(rule: str, row: dict[str, Any]) -> None:
    """The outcome is ours, is another one indeed, and has a reason."""
    outcome = RULES[rule](row)
    assert outcome == row["expect"]
    assert outcome != row["there"]
    assert len(row["reason"]) > 20
