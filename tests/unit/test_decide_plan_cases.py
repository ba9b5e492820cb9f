"""Plans, inputs, settings and phases as another system handles them: what we agree with, and what the design overrules."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.defaults import RunDefaults
from launchplan_operator.api.execution import LaunchPlanExecutionSpec, Phase
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, Kind
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.mending import Target
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.api.workflow import InputParameter, Interface, WorkflowDefinitionSpec
from launchplan_operator.decide.concurrency import Candidate, Seat, decide_admission, read_policy
from launchplan_operator.decide.inputs import Bindings, resolve_inputs
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.ledger import Ledger, ledger_status, read_ledger, take_seats
from launchplan_operator.decide.planstatus import plan_interface
from launchplan_operator.decide.progress import is_terminal, rejected_status, run_status
from launchplan_operator.decide.results import ResultContract
from launchplan_operator.decide.run import End, observe_run
from launchplan_operator.decide.schedule import (
    Timetable,
    next_slots,
    read_schedule,
    schedule_hash,
    slot_name,
    slots_between,
)
from launchplan_operator.decide.settings import resolve_settings
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan
from launchplan_operator.decide.versions import read_workflow_content, take_snapshot
from tests.fake.api import FakeApi
from tests.fake.errors import ApiError

DATA = Path(__file__).parents[1] / "data" / "plans"
JOB = {"template": {"spec": {"containers": [{"name": "main"}]}}}
Outcome = Callable[[Mapping[str, Any]], Any]


def told(findings: tuple[Finding, ...]) -> list[str]:
    """Return reason and place of each finding as a row has them."""
    return [f"{finding.reason} {finding.path}" for finding in findings]


def register(row: Mapping[str, Any]) -> Any:
    """Return what applying a row's plan comes to."""
    inputs = [{"name": name, "type": kind} for name, kind in row["inputs"].items()]
    workflow = WorkflowDefinitionSpec.model_validate({"interface": {"inputs": inputs}, "job": JOB})
    spec = parse_spec(LaunchPlanSpec, {"spec": {"workflowRef": {"name": "w"}, **row["plan"]}})
    if isinstance(spec, tuple):
        return told(spec)
    timetable = read_schedule(spec.schedule) if spec.schedule else ()
    findings = validate_plan(PlanView(spec, WorkflowView("w", workflow, "1")))
    return told((*findings, *(timetable if isinstance(timetable, tuple) else ()))) or "accept"


def resolve(row: Mapping[str, Any]) -> Any:
    """Return what a row's call resolves to; the caller's own map stays as it is."""
    parameters = [
        InputParameter.model_validate({"name": name, "type": parts[0]} | ({"default": parts[1]} if parts[1:] else {}))
        for name, parts in row["inputs"].items()
    ]
    caller = deepcopy(row["caller"])
    resolved = resolve_inputs(parameters, Bindings({}, row["fixed"]), caller)
    assert caller == row["caller"]
    return told(resolved) if isinstance(resolved, tuple) else resolved


def expect_inputs(row: Mapping[str, Any]) -> Any:
    """Return what the plan's status says of the inputs: the free ones, required or with a default, and the fixed ones."""
    inputs = [{"name": name, "type": kind} for name, kind in row["inputs"].items()]
    told = plan_interface(Interface.model_validate({"inputs": inputs}), Bindings(row["defaults"], row["fixed"]))
    free = {
        each["name"]: {"required": True} if each["required"] else {"default": each["default"]}
        for each in told.get("parameters", ())
    }
    return {"free": free, "fixed": told.get("fixedInputs", {})}


def has_schedule(row: Mapping[str, Any]) -> Any:
    """Return whether a plan with that schedule counts as scheduled, or what is wrong with it."""
    spec = parse_spec(LaunchPlanSpec, {"spec": {"workflowRef": {"name": "w"}, "schedule": row["schedule"]}})
    if isinstance(spec, tuple):
        return told(spec)
    timetable = read_schedule(spec.schedule) if spec.schedule else None
    if timetable is None:
        return "none"
    return told(timetable) if isinstance(timetable, tuple) else "scheduled"


def request(row: Mapping[str, Any]) -> Any:
    """Return what applying a run comes to: the API server's word on the object, then ours on its spec."""
    stored = apply_object(LAUNCH_PLAN_EXECUTIONS, row["name"], row["spec"])
    if isinstance(stored, str):
        return stored
    spec = parse_spec(LaunchPlanExecutionSpec, stored)
    return told(spec) if isinstance(spec, tuple) else "accept"


def apply_object(kind: Kind, name: str, spec: Any) -> Any:
    """Return the object as the API server stores it, or the place of what it refuses."""
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name, "namespace": "default"}}
    try:
        return FakeApi().do("POST", kind.path("default"), {**obj, "spec": spec})
    except ApiError as error:
        return "refused " + str(error).rpartition("is invalid: ")[2].partition(":")[0]


def settle(row: Mapping[str, Any]) -> Any:
    """Return the settings that a run gets, those that are set."""
    plan = LaunchPlanSpec.model_validate({"workflowRef": {"name": "w"}, **row.get("plan", {})})
    run = LaunchPlanExecutionSpec.model_validate({"launchPlanRef": {"name": "p"}, **row.get("run", {})})
    made = resolve_settings(run, plan, RunDefaults.model_validate(row.get("operator", {})))
    told = {
        "labels": made.labels or None,
        "annotations": made.annotations or None,
        "prefix": made.output_prefix,
        "account": made.identity.value.service_account_name,
        "parallelism": made.max_parallelism,
        "interruptible": made.interruptible,
        "env": {var.name: var.value for var in made.env.value} or None,
    }
    return {name: value for name, value in told.items() if value is not None}


JOBS: Mapping[str, Mapping[str, Any]] = {
    "suspended": {"spec": {"suspend": True}},
    "running": {"status": {"startTime": "2026-01-31T09:00:00Z"}},
    "complete": {"status": {"conditions": [{"type": "Complete", "reason": "x"}]}},
    "failed": {"status": {"conditions": [{"type": "Failed", "reason": "BackoffLimitExceeded"}]}},
    "deadline": {"status": {"conditions": [{"type": "Failed", "reason": "DeadlineExceeded"}]}},
}


def live(row: Mapping[str, Any]) -> Any:
    """Return the phase of a run at each sight of its Job, or the phases in which a run has ended."""
    if row.get("terminal"):
        return [phase.value for phase in Phase if phase.terminal]
    if "refused" in row:
        finding, target = Finding(Reason[row["refused"]], "why"), Target("lpx", "demo", "run")
        return [rejected_status((finding,), target, 1, to_instant("2026-01-31T10:00:00Z"), {})["phase"]]
    now, status, phases = to_instant("2026-01-31T10:00:00Z"), dict[str, Any](), list[str]()
    for place, name in enumerate(row["jobs"]):
        job = deepcopy(dict(JOBS[name]))
        for condition in job.get("status", {}).get("conditions", ()):
            condition |= {"status": "True", "lastTransitionTime": "2026-01-31T09:30:00Z"}
        if not is_terminal(status):
            end = End(Reason.Aborted, "enough") if place >= row.get("asked", len(row["jobs"])) else None
            status = run_status(observe_run(job, ResultContract("main", {}), [], end=end), 1, now, status)
        phases.append(status["phase"])
    return phases


def admit(row: Mapping[str, Any]) -> Any:
    """Return what becomes of each waiting run, what is wrong with the limit, or the limit as the API gives it back."""
    limit = {"concurrency": row["limit"]} if row["limit"] is not None else {}
    spec = parse_spec(LaunchPlanSpec, {"spec": {"workflowRef": {"name": "w"}, **limit}})
    if isinstance(spec, tuple):
        return told(spec)
    if row.get("kept"):
        assert spec.concurrency is not None
        return spec.concurrency.model_dump(by_alias=True, exclude_none=True)
    if spec.concurrency is None:
        return ["started"] * row["waiting"]
    if "was" in row:
        workflow = read_workflow_content({"job": JOB})
        content = spec.model_dump(by_alias=True, exclude_none=True, mode="json")
        assert take_snapshot(content, workflow) == take_snapshot({**content, "concurrency": row["was"]}, workflow)
    now = to_instant("2026-01-31T10:00:00Z")
    others = [Seat(f"other-{n}", f"other-{n}", now) for n in range(row.get("elsewhere", 0))]
    written = {"concurrency": ledger_status(Ledger(tuple(others), None, "another plan"), 0)} if others else {}
    ledger = read_ledger(written, "this plan") or Ledger((), None, "this plan")
    ledger = take_seats(ledger, [_manual(f"active-{n}", now) for n in range(row["active"])], now)
    waiting = [_manual(f"run-{n:02}", now) for n in range(row["waiting"])]
    admission = decide_admission(read_policy(spec.concurrency, None), ledger.seats, waiting, now)
    found = dict.fromkeys((each.name for each in waiting), "waits")
    found |= dict.fromkeys((each.name for each in admission.admit), "started")
    found |= {skipping.candidate.name: skipping.reason.value for skipping in admission.skip}
    return list(found.values())


def _manual(name: str, created: datetime) -> Candidate:
    return Candidate(name, name, "Manual", None, created)


def trigger(row: Mapping[str, Any]) -> Any:
    """Return what a row asks of a plan: its slots, whether they go on, a run's name, or what applying or calling it does."""
    if "plan" in row:
        return register(row)
    if "caller" in row:
        return resolve(row)
    if "slot" in row:
        return slot_name(row["name"], row["slot"])
    if "name" in row:
        return apply_object(LAUNCH_PLANS, row["name"], {"workflowRef": {"name": "w"}})
    schedule = Schedule.model_validate(row["schedule"])
    if "now" not in row and "again" not in row:
        return schedule.model_dump(by_alias=True, exclude_unset=True)
    table = timetable_of(schedule)
    if "again" in row:
        again = timetable_of(Schedule.model_validate(row["again"]))
        return "goes on" if schedule_hash(table) == schedule_hash(again) else "begins anew"
    due = slots_between(table, row["since"], row["now"], 99)
    return {"due": due, "next": next_slots(table, row["now"], 1)[0]}


def timetable_of(schedule: Schedule) -> Timetable:
    """Return what a valid schedule means."""
    table = read_schedule(schedule)
    assert not isinstance(table, tuple)
    return table


RULES: Mapping[str, Outcome] = {
    "triggers": trigger,
    "concurrency": admit,
    "registration": register,
    "schedules": has_schedule,
    "expected-inputs": expect_inputs,
    "inputs": resolve,
    "executions": request,
    "settings": settle,
    "lifecycle": live,
}


def rows(part: str) -> list[Any]:
    """Return the rows of one part of each table, each with what is given for all."""
    found = []
    for name in RULES:
        table = yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))
        found += [pytest.param(name, {**table.get("given", {}), **row}, id=row["id"]) for row in table.get(part, ())]
    return found


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
