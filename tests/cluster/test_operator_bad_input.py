"""Bad input: each mistake has its reason and says what was found and expected; nothing is half made."""

from collections.abc import Callable
from typing import Any

import pytest

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from tests.cluster.support import (
    INTERFACE,
    NEVER,
    OUTPUTS,
    Object,
    Space,
    condition,
    controller_uid,
    plan,
    run_of,
    standing,
    template,
    workflow,
)

CRON_PATH = "spec.schedule.cron"


def cron(text: str, zone: str = "UTC") -> Object:
    """Return what a plan says of a cron text."""
    return {"schedule": {"cron": text, "timeZone": zone}}


def rate(value: int, unit: str) -> Object:
    """Return what a plan says that wants a CronJob to keep a fixed rate."""
    return {"schedule": {"fixedRate": {"value": value, "unit": unit}, "engine": "CronJob"}}


def kickoff(name: str) -> Object:
    """Return what a plan says of the input that gets the slot's time."""
    return {"schedule": NEVER | {"kickoffTimeInput": name}}


BAD_PLANS = [
    ("an unknown default input", "UnexpectedInput", {"defaultInputs": {"city": "Oslo", "cities": 1}},
     ["spec.defaultInputs.cities", "'cities'", "declares city, days", "did you mean 'city'?"]),
    ("an unknown fixed input", "UnexpectedInput", {"fixedInputs": {"true": 1}},
     ["spec.fixedInputs.true", "declares city, days", "quote the key"]),
    ("a default input of the wrong type", "TypeMismatch", {"defaultInputs": {"city": "Oslo", "days": "3"}},
     ["spec.defaultInputs.days", "expected integer, found the string '3'"]),
    ("a fixed input of the wrong type", "TypeMismatch", {"fixedInputs": {"days": True}},
     ["spec.fixedInputs.days", "expected integer", "true"]),
    ("an input that is both default and fixed", "InputInBoth", {"fixedInputs": {"city": "Rome"}},
     ["spec.fixedInputs.city", "among the default and the fixed inputs, expected it in one"]),
    ("a schedule without a value for a required input", "ScheduleUnboundInput", {"defaultInputs": None, "schedule": NEVER},
     ["'city'", "a slot has no caller"]),
    ("7 as Sunday", "CronInvalid", cron("0 9 * * 7"), [CRON_PATH, "'0 9 * * 7'", "7", "0"]),
    ("a sixtieth minute", "CronInvalid", cron("60 * * * *"), [CRON_PATH, "60", "59"]),
    ("@reboot", "CronInvalid", cron("@reboot"), [CRON_PATH, "'@reboot'"]),
    ("six fields", "CronInvalid", cron("0 0 9 * * 1"), [CRON_PATH, "found 6 fields", "expected 5"]),
    ("a zone in the cron text", "CronInvalid", cron("TZ=Europe/Berlin 0 9 * * 1"), [CRON_PATH, "timeZone"]),
    ("a zone that does not exist", "TimeZoneUnknown", cron("0 9 * * 1", "Europe/Berlim"),
     ["spec.schedule.timeZone", "'Europe/Berlim'", "IANA", "did you mean Europe/Berlin?"]),
    ("a date that never comes", "CronNeverFires", cron("0 0 31 2 *"), [CRON_PATH, "'0 0 31 2 *'", "within five years"]),
    ("a rate in seconds", "CronTooFine", cron("@every 90s"), [CRON_PATH, "'@every 90s'", "whole minutes"]),
    ("a rate that divides no hour", "EngineCannotServe", rate(7, "Minute"),
     ["spec.schedule.fixedRate", "7 Minute", "minutes that divide an hour"]),
    ("a rate of two days", "EngineCannotServe", rate(2, "Day"), ["spec.schedule.fixedRate", "2 Day", "one day"]),
    ("the time for an unknown input", "KickoffUnknown", kickoff("day"),
     ["spec.schedule.kickoffTimeInput", "found 'day'", "it declares city, days"]),
    ("the time for a string", "KickoffWrongType", kickoff("city"),
     ["spec.schedule.kickoffTimeInput", "of type string", "expected one of type datetime"]),
    ("a jitter as long as the interval", "JitterTooLong", {"schedule": {"cron": "0 0 1 1 *", "jitter": "8760h"}},
     ["spec.schedule.jitter", "8760h0m0s", "expected less than"]),
    ("bounds without a slot", "CronNeverFires",
     {"schedule": {"cron": "0 0 1 1 *", "startTime": "2026-02-01T00:00:00Z", "endTime": "2026-03-01T00:00:00Z"}},
     ["spec.schedule.endTime", "found no slot from 2026-02-01T00:00:00Z until 2026-03-01T00:00:00Z", "expected one"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "mistake", "words"), [pytest.param(*rest, id=case.replace(" ", "_")) for case, *rest in BAD_PLANS]
)
def test_a_plan_says_what_is_wrong_and_starts_nothing(
    space: Space, reason: str, mistake: Object, words: list[str]
) -> None:
    """Stalled for a reason, told by an event too; nothing is made, runs are refused, and the mended plan is ready."""
    space.offer()
    space.create(LAUNCH_PLANS, "daily", plan(**mistake))
    daily = space.stalled(LAUNCH_PLANS, "daily", reason)
    message = condition(daily, "Ready")["message"]
    assert [word for word in words if word not in message] == [], message
    assert space.warned(daily, reason) == message
    rejected = space.run("by-hand", run_of("daily", inputs={"city": "Rome"}), "Rejected")
    assert (rejected["status"]["error"]["code"], reason in rejected["status"]["error"]["message"]) == (
        "PlanInvalid",
        True,
    )
    assert space.makes_nothing()
    space.replace(LAUNCH_PLANS, "daily", plan())
    space.ready(LAUNCH_PLANS, "daily", "Active")


def test_all_that_is_wrong_is_said_at_once(space: Space) -> None:
    """Three mistakes are three sentences; the first gives the reason."""
    space.offer()
    mistakes = {"defaultInputs": {"city": 1, "x": 1}, "schedule": {"cron": "x", "timeZone": "Mars/Base"}}
    space.create(LAUNCH_PLANS, "daily", plan(**mistakes))
    message = condition(space.stalled(LAUNCH_PLANS, "daily", "TypeMismatch"), "Ready")["message"]
    assert all(part in message for part in ("expected string", "'x'", CRON_PATH, "'Mars/Base'")), message


BAD_RUNS = [
    ("an unknown input", "UnexpectedInput", {"inputs": {"dayz": 1}}, ["spec.inputs.dayz", "declares city, days", "'days'"]),
    ("an input of the wrong type", "TypeMismatch", {"inputs": {"city": 4}},
     ["spec.inputs.city", "expected string, found the number 4"]),
    ("an override of a fixed input", "FixedInputOverride", {"inputs": {"days": 1}},
     ["spec.inputs.days", "'days'", "the plan fixes"]),
    ("a missing input", "MissingInput", {}, ["spec.inputs.city", "no value for the required input 'city'"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "spec", "words"), [pytest.param(*rest, id=case.replace(" ", "_")) for case, *rest in BAD_RUNS]
)
def test_a_run_with_bad_inputs_is_rejected(space: Space, reason: str, spec: Object, words: list[str]) -> None:
    """Phase Rejected, the reason in its conditions, its error and an event; no Job; the plan stays as it is."""
    space.offer()
    space.plan("free", defaultInputs=None, fixedInputs={"days": 2})
    rejected = space.run("bad", run_of("free", **spec), "Rejected")
    assert standing(rejected) == {"Ready": "False", "Reconciling": "False", "Stalled": "True"}
    assert condition(rejected, "Accepted")["status"] == "False"
    assert {each["reason"] for each in rejected["status"]["conditions"]} == {reason}
    message = rejected["status"]["error"]["message"]
    assert [word for word in words if word not in message] == [], message
    assert rejected["status"]["error"]["code"] == reason
    assert space.warned(rejected, reason) == message
    assert space.makes_nothing()
    counted = space.until(LAUNCH_PLANS, "free", lambda obj: obj["status"].get("counts"))
    assert counted["status"]["counts"] == {"rejected": 1}
    assert condition(counted, "Ready")["reason"] == "Active"


def test_a_bare_run_with_bad_inputs_is_rejected(space: Space) -> None:
    """A run of a workflow is checked as one of a plan."""
    space.offer()
    rejected = space.run("bad", run_of("report", "WorkflowDefinition", inputs={"days": 1.5, "x": 0}), "Rejected")
    message = rejected["status"]["error"]["message"]
    assert all(part in message for part in ("expected integer", "1.5", "'x'", "required input 'city'")), message
    assert space.makes_nothing()


def test_a_run_on_a_slots_name_is_rejected(space: Space) -> None:
    """Such a name belongs to a schedule: the run would occupy a slot."""
    space.offer()
    space.plan("daily")
    rejected = space.run("daily-29923098", run_of("daily"), "Rejected")
    assert rejected["status"]["error"]["code"] == "SlotNameTaken"
    assert "seven to nine digits" in rejected["status"]["error"]["message"]
    assert space.makes_nothing()


def test_a_plan_waits_for_its_workflow_and_heals(space: Space) -> None:
    """Applied in the wrong order: Reconciling, not Stalled; the workflow's arrival makes the CronJob."""
    space.create(LAUNCH_PLANS, "daily", plan(schedule=NEVER))
    daily = space.waiting(LAUNCH_PLANS, "daily", "WorkflowNotFound")
    message = condition(daily, "Ready")["message"]
    assert "spec.workflowRef.name: found no WorkflowDefinition 'report'" in message
    assert space.warned(daily, "WorkflowNotFound") == message
    assert space.makes_nothing()
    space.offer()
    space.ready(LAUNCH_PLANS, "daily", "Active")
    assert controller_uid(space.read(CRON_JOBS, "daily")) == daily["metadata"]["uid"]


def test_a_run_waits_for_its_plan_and_the_plans_workflow(space: Space) -> None:
    """Applied before both: Queued, saying for what; it starts by itself when all is there."""
    space.create(LAUNCH_PLAN_EXECUTIONS, "early", run_of("daily"))
    early = space.waiting(LAUNCH_PLAN_EXECUTIONS, "early", "PlanNotFound")
    assert (early["status"]["phase"], condition(early, "Accepted")["status"]) == ("Queued", "Unknown")
    assert "found no LaunchPlan 'daily'" in condition(early, "Accepted")["message"]
    space.create(LAUNCH_PLANS, "daily", plan())
    early = space.waiting(LAUNCH_PLAN_EXECUTIONS, "early", "PlanInvalid")
    assert "WorkflowNotFound" in condition(early, "Accepted")["message"]
    assert space.makes_nothing()
    space.create(WORKFLOW_DEFINITIONS, "report", workflow())
    assert space.ended("early")["status"]["outputs"] == OUTPUTS


def test_a_bare_run_waits_for_its_workflow(space: Space) -> None:
    """A run of a workflow that is yet to come starts when it comes."""
    space.create(LAUNCH_PLAN_EXECUTIONS, "early", run_of("report", "WorkflowDefinition", inputs={"city": "Rome"}))
    early = space.waiting(LAUNCH_PLAN_EXECUTIONS, "early", "WorkflowNotFound")
    assert early["status"]["phase"] == "Queued"
    space.create(WORKFLOW_DEFINITIONS, "report", workflow())
    assert space.ended("early")["status"]["outputs"] == OUTPUTS


def without_image(job: Object) -> None:
    """Forget the image."""
    del job["template"]["spec"]["containers"][0]["image"]


def with_typing_error(job: Object) -> None:
    """Misspell a field."""
    job["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"


def with_restarts(job: Object) -> None:
    """Ask for what no Job can do."""
    job["template"]["spec"]["restartPolicy"] = "Always"


def with_text_for_number(job: Object) -> None:
    """Give a text where a number belongs."""
    job["parallelism"] = "two"


def with_impossible_env(job: Object) -> None:
    """Refer to an annotation in a way that the API server does not know."""
    env = {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "metadata.colour"}}}
    job["template"]["spec"]["containers"][0]["env"] = [env]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_image, ["containers[0].image", "Required value"]),
        (with_typing_error, ["unknown field", "imagePullPolice"]),
        (with_restarts, ["restartPolicy", "OnFailure", "Never"]),
        (with_text_for_number, ["parallelism"]),
        (with_impossible_env, ["metadata.colour"]),
    ],
)
def test_a_template_that_the_api_server_refuses(
    space: Space, spoil: Callable[[Object], None], words: list[str]
) -> None:
    """The workflow is Stalled with the server's words, its plan too; the mended workflow makes both ready."""
    spec = workflow()
    spoil(spec["job"])
    space.create(WORKFLOW_DEFINITIONS, "report", spec)
    space.create(LAUNCH_PLANS, "daily", plan(schedule=NEVER))
    refused = space.stalled(WORKFLOW_DEFINITIONS, "report", "JobRefused")
    message = condition(refused, "Ready")["message"]
    assert "the API server refuses the Job" in message
    assert [word for word in words if word not in message] == [], message
    assert space.warned(refused, "JobRefused") == message
    daily = space.stalled(LAUNCH_PLANS, "daily", "WorkflowInvalid")
    assert "'report' is not valid: JobRefused" in condition(daily, "Ready")["message"]
    assert space.makes_nothing()
    space.replace(WORKFLOW_DEFINITIONS, "report", workflow())
    space.ready(WORKFLOW_DEFINITIONS, "report", "Valid")
    space.ready(LAUNCH_PLANS, "daily", "Active")
    assert space.names(CRON_JOBS) == {"daily"}


def with_env(*names: str) -> Object:
    """Return a workflow's spec whose container sets environment names."""
    spec = workflow()
    spec["job"]["template"]["spec"]["containers"][0]["env"] = [{"name": name, "value": "x"} for name in names]
    return spec


def with_pod_mark(field: str, key: str) -> Object:
    """Return a workflow's spec whose pods bear a label or an annotation."""
    spec = workflow()
    spec["job"]["template"]["metadata"][field] = {key: "x"}
    return spec


def with_interface(**changes: Any) -> Object:
    """Return a workflow's spec with another interface."""
    return workflow(interface=INTERFACE | changes)


BAD_WORKFLOWS = [
    ("an environment name of an input", "ReservedName", with_env("MINE", "LP_INPUT_CITY"),
     ["'LP_INPUT_CITY'", "spec.job.template.spec.containers[0].env[1].name"]),
    ("an environment name of ours", "ReservedName", with_env("LAUNCHPLAN_NAME"), ["'LAUNCHPLAN_NAME'", "env[0].name"]),
    ("a label of ours", "ReservedName", with_pod_mark("labels", "launchplan.dev/plan"), ["label 'launchplan.dev/plan'"]),
    ("an annotation of ours", "ReservedName", with_pod_mark("annotations", "inputs.launchplan.dev/x"),
     ["annotation 'inputs.launchplan.dev/x'"]),
    ("a type that does not exist", "TypeInvalid", with_interface(inputs=[{"name": "n", "type": "int"}]),
     ["spec.interface.inputs[n].type", "'int'", "integer"]),
    ("a default of another type", "DefaultInvalid",
     with_interface(inputs=[{"name": "n", "type": "integer", "default": "1"}]),
     ["spec.interface.inputs[n].default", "expected integer, found the string '1'"]),
    ("two inputs of one environment name", "InputNameCollision",
     with_interface(inputs=[{"name": "n", "type": "integer"}, {"name": "N", "type": "integer"}]), ["LP_INPUT_N"]),
    ("a container that is not there", "ContainerUnknown", workflow() | {"container": "side"}, ["'side'", "main"]),
    ("outputs of several pods", "OutputInvalid", workflow(completions=2), ["spec.job.completions", "2 completions"]),
    ("no container at all", "JobRefused", {"job": {"template": {"spec": {}}}}, ["found no container"]),
    ("a list where an object belongs", "JobRefused", {"job": {"template": []}}, ["spec.job.template", "an object"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "spec", "words"), [pytest.param(*rest, id=case.replace(" ", "_")) for case, *rest in BAD_WORKFLOWS]
)
def test_a_workflow_says_what_is_wrong(space: Space, reason: str, spec: Object, words: list[str]) -> None:
    """Stalled for a reason with an event; its plans and bare runs start nothing, and say why."""
    space.create(WORKFLOW_DEFINITIONS, "report", spec)
    report = space.stalled(WORKFLOW_DEFINITIONS, "report", reason)
    message = condition(report, "Ready")["message"]
    assert [word for word in words if word not in message] == [], message
    assert space.warned(report, reason) == message
    space.create(LAUNCH_PLANS, "daily", plan(schedule=NEVER))
    daily = space.stalled(LAUNCH_PLANS, "daily", "WorkflowInvalid")
    assert reason in condition(daily, "Ready")["message"]
    rejected = space.run("bare", run_of("report", "WorkflowDefinition"), "Rejected")
    assert rejected["status"]["error"]["code"] == reason
    assert space.makes_nothing()


def test_a_workflow_that_disappears_leaves_the_schedule_in_force(space: Space) -> None:
    """The CronJob stays untouched, and a run gets the version as it was kept; an edit waits until all is there again."""
    space.offer()
    before = space.plan("daily", schedule=NEVER)
    cronjob = space.read(CRON_JOBS, "daily")
    space.delete(WORKFLOW_DEFINITIONS, "report")
    daily = space.waiting(LAUNCH_PLANS, "daily", "WorkflowNotFound")
    assert space.warned(daily, "WorkflowNotFound")
    for field in ("activeVersion", "latestVersion", "interface", "schedule"):
        assert daily["status"][field] == before["status"][field]
    kept = space.run("as-kept", run_of("daily"))
    assert kept["status"]["launchPlanVersion"] == before["status"]["activeVersion"]
    space.edit(LAUNCH_PLANS, "daily", spec={"defaultInputs": {"city": "Rome"}})
    space.create(LAUNCH_PLAN_EXECUTIONS, "edited", run_of("daily"))
    space.waiting(LAUNCH_PLAN_EXECUTIONS, "edited", "PlanInvalid")
    assert space.read(CRON_JOBS, "daily") == cronjob
    assert space.names(JOBS) == {"as-kept"}
    space.offer()
    space.ready(LAUNCH_PLANS, "daily", "Active")
    assert space.ended("edited")["status"]["inputs"]["city"] == "Rome"
    assert space.read(CRON_JOBS, "daily")["metadata"]["uid"] == cronjob["metadata"]["uid"]


EDITS = [
    ("a wrong type", "TypeMismatch", {"defaultInputs": {"days": "3"}}),
    ("a bad cron text", "CronInvalid", cron("60 * * * *")),
    ("an unknown zone", "TimeZoneUnknown", cron("0 0 29 2 *", "Mars/Base")),
    ("a rate that cannot be served", "EngineCannotServe", {"schedule": {"cron": None, "fixedRate": {"value": 7, "unit": "Hour"}, "engine": "CronJob"}}),
    ("an input that gets no time", "KickoffWrongType", {"schedule": {"kickoffTimeInput": "days"}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "change"), [pytest.param(*rest, id=case.replace(" ", "_")) for case, *rest in EDITS]
)
def test_an_edit_that_makes_a_plan_invalid_leaves_its_schedule_in_force(
    space: Space, reason: str, change: Object
) -> None:
    """The CronJob and the rest of the status stay as they were, runs by hand are rejected; the old text heals it."""
    space.offer()
    before = space.plan("daily", schedule=NEVER)
    cronjob = space.read(CRON_JOBS, "daily")
    space.edit(LAUNCH_PLANS, "daily", spec=change)
    daily = space.stalled(LAUNCH_PLANS, "daily", reason)
    for field in ("activeVersion", "latestVersion", "interface"):
        assert daily["status"][field] == before["status"][field]
    for field in ("cronJob", "nextTimes", "since", "scheduleHash"):
        assert daily["status"]["schedule"][field] == before["status"]["schedule"][field]
    rejected = space.run("by-hand", run_of("daily"), "Rejected")
    assert rejected["status"]["error"]["code"] == "PlanInvalid"
    assert reason in rejected["status"]["error"]["message"]
    assert space.read(CRON_JOBS, "daily") == cronjob
    assert space.all(JOBS) == []
    space.replace(LAUNCH_PLANS, "daily", plan(schedule=NEVER))
    space.ready(LAUNCH_PLANS, "daily", "Active")
    assert space.read(CRON_JOBS, "daily") == cronjob


def test_a_workflow_edited_into_an_invalid_one_leaves_the_schedule_in_force(space: Space) -> None:
    """The plan is Stalled, its CronJob stays with the template that was valid."""
    space.offer()
    space.plan("daily", schedule=NEVER)
    cronjob = space.read(CRON_JOBS, "daily")
    space.replace(WORKFLOW_DEFINITIONS, "report", with_env("LAUNCHPLAN_NAME"))
    daily = space.stalled(LAUNCH_PLANS, "daily", "WorkflowInvalid")
    assert "ReservedName" in condition(daily, "Ready")["message"]
    assert space.read(CRON_JOBS, "daily") == cronjob


@pytest.mark.parametrize(
    ("kind", "length", "spec"),
    [
        (LAUNCH_PLANS, 53, plan()),
        (WORKFLOW_DEFINITIONS, 53, {"job": template()}),
        (LAUNCH_PLAN_EXECUTIONS, 64, run_of("daily")),
    ],
    ids=lambda value: getattr(value, "plural", None),
)
def test_a_name_that_is_too_long_is_refused_at_apply(space: Space, kind: Kind, length: int, spec: Object) -> None:
    """What is derived from the name would not fit; the server says so at once, and one character less is taken."""
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "a" * length}, "spec": spec}
    reply = space.ask("POST", kind, None, body)
    assert reply.status == 422
    assert str(length - 1) in reply.body["message"]
    assert space.all(kind) == []
    space.create(kind, "a" * (length - 1), spec)
