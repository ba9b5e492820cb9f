"""The kickoff input: which input may get the slot's time, what value that is, and what mends a wrong one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.durations import format_go_duration
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.mending import Target, mend_command
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.scalars import SCALARS
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.api.types import check_value
from launchplan_operator.decide.inputs import MAX_INPUT_BYTES
from launchplan_operator.decide.kickoff import kickoff_value, sample_slot_inputs, slot_inputs
from launchplan_operator.decide.planreading import Runnable, read_runnable
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan
from launchplan_operator.decide.versions import WorkflowContent, take_snapshot
from tests.unit.mended import patched
from tests.unit.strategies import INSTANTS
from tests.unit.test_decide_validate import workflow

SLOT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
INPUTS: list[dict[str, Any]] = [
    {"name": "day", "type": "datetime"},
    {"name": "since", "type": "optional[datetime]", "default": None},
    {"name": "city", "type": "string", "default": "Oslo"},
    {"name": "rows", "type": "integer"},
]
WORKFLOW = workflow(interface__inputs=INPUTS)
BOUND: dict[str, Any] = {"defaultInputs": {"rows": 1}}
PATH = "spec.schedule.kickoffTimeInput"


def schedule_with(name: str, **more: str) -> dict[str, Any]:
    """Return a plan's schedule that hands its time to an input."""
    return {"schedule": {"cron": "30 2 * * *", "timeZone": "Europe/Berlin", "kickoffTimeInput": name, **more}}


def checked(fields: dict[str, Any]) -> tuple[Finding, ...]:
    """Return what is wrong with a plan over the workflow."""
    spec = LaunchPlanSpec.model_validate({"workflowRef": {"name": "report"}, **fields})
    return validate_plan(PlanView(spec, WorkflowView("report", WORKFLOW, "1")))


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        pytest.param(None, "2026-03-29T00:30:00Z", id="the slot's time, in UTC whatever the zone"),
        pytest.param("1h", "2026-03-29T01:30:00Z", id="moved on"),
        pytest.param("-24h30m", "2026-03-28T00:00:00Z", id="moved back, by a length of time and no calendar's day"),
        pytest.param("+0.25s", "2026-03-29T00:30:00.25Z", id="with as much of a fraction as the offset has"),
        pytest.param("-1ns", "2026-03-29T00:30:00Z", id="to the microsecond"),
        pytest.param("-292y", None, id="in no other unit than hours"),
    ],
)
def test_the_value_is_the_slots_time_and_the_offset(offset: str | None, value: str | None) -> None:
    """As a caller would have to write it."""
    more = {} if offset is None else {"kickoffTimeOffset": offset}
    fields = schedule_with("day", **more)["schedule"]
    schedule = parse_spec(Schedule, {"spec": fields})
    if value is None:
        assert not isinstance(schedule, Schedule)
        return
    assert isinstance(schedule, Schedule)
    assert kickoff_value(schedule, SLOT) == value
    assert slot_inputs(schedule, SLOT.astimezone()) == {"day": value}


@given(INSTANTS, st.timedeltas(-timedelta(days=106_000), timedelta(days=106_000)))
def test_every_value_is_a_datetime(slot: datetime, offset: timedelta) -> None:
    """However far it is moved; and none is longer than the sample by which the size of inputs is judged."""
    text = format_go_duration(offset).replace("µ", "u")
    schedule = Schedule(cron="0 9 * * *", kickoff_time_input="day", kickoff_time_offset=text)
    value = kickoff_value(schedule, slot)
    assert check_value(SCALARS["datetime"], value) is None
    assert datetime.fromisoformat(value) == slot + offset
    assert len(value) == len(sample_slot_inputs(schedule)["day"])


def test_an_offset_beyond_all_bounds_is_a_finding() -> None:
    """The schema's pattern takes it."""
    found = parse_spec(Schedule, {"spec": schedule_with("day", kickoffTimeOffset="-9999999h")["schedule"]})
    assert isinstance(found, tuple)
    assert [(each.reason, each.path) for each in found] == [(Reason.DurationInvalid, "spec.kickoffTimeOffset")]


GOOD = [
    pytest.param(BOUND | schedule_with("day"), id="a required datetime, which needs no other value"),
    pytest.param(
        {"defaultInputs": {"rows": 1, "day": "2026-01-01T00:00:00Z"}} | schedule_with("day"), id="it may have a default"
    ),
    pytest.param(
        {"defaultInputs": {"rows": 1}, "fixedInputs": {"day": "2026-01-01T00:00:00Z"}} | schedule_with("since"),
        id="an optional datetime",
    ),
]
BAD = [
    pytest.param(
        BOUND | schedule_with("dya"),
        Reason.KickoffUnknown,
        "found 'dya', which the workflow does not declare, expected one of its inputs; it declares day, since, city, rows",
        "day",
        id="an unknown name that is near one",
    ),
    pytest.param(
        BOUND | {"fixedInputs": {"day": "2026-01-01T00:00:00Z"}} | schedule_with("nowhere"),
        Reason.KickoffUnknown,
        "found 'nowhere', which the workflow does not declare",
        "since",
        id="an unknown name, where one free datetime is left",
    ),
    pytest.param(
        {"fixedInputs": {"day": "2026-01-01T00:00:00Z", "since": None, "rows": 1}} | schedule_with("nowhere"),
        Reason.KickoffUnknown,
        "found 'nowhere', which the workflow does not declare",
        None,
        id="an unknown name, where none is left",
    ),
    pytest.param(
        BOUND | {"fixedInputs": {"day": "2026-01-01T00:00:00Z"}} | schedule_with("day"),
        Reason.KickoffFixed,
        "found 'day', which the plan fixes, expected a free input",
        "day",
        id="a fixed input",
    ),
    pytest.param(
        {"defaultInputs": {"day": "2026-01-01T00:00:00Z", "rows": 1}, "fixedInputs": {"since": None}}
        | schedule_with("city", kickoffTimeOffset="-1h"),
        Reason.KickoffWrongType,
        "found 'city', which is of type string, expected one of type datetime",
        "day",
        id="a string",
    ),
    pytest.param(
        {"defaultInputs": {"day": "2026-01-01T00:00:00Z"}} | schedule_with("rows", kickoffTimeOffset="-1h"),
        Reason.KickoffWrongType,
        "found 'rows', which is of type integer, expected one of type datetime",
        None,
        id="a required integer: it then needs another value",
    ),
    pytest.param(
        BOUND | {"fixedInputs": {"city": "Rome", "day": "2026-01-01T00:00:00Z"}} | schedule_with("city"),
        Reason.KickoffWrongType,
        "found 'city', which is of type string",
        "since",
        id="fixed and of the wrong type: its type is the greater mistake",
    ),
]


@pytest.mark.parametrize("fields", GOOD)
def test_a_free_datetime_may_get_the_time(fields: dict[str, Any]) -> None:
    """The plan has nothing wrong with it."""
    assert checked(fields) == ()


@pytest.mark.parametrize(("fields", "reason", "message", "meant"), BAD)
def test_another_input_is_told_and_mended(
    fields: dict[str, Any], reason: Reason, message: str, meant: str | None
) -> None:
    """It is the only finding, and after its command there is none: another input is named, or none."""
    (finding,) = checked(fields)
    assert (finding.reason, finding.path) == (reason, PATH)
    assert finding.message.startswith(message)
    assert reason is Reason.KickoffFixed or (finding.hint == f"did you mean {meant!r}?") == (meant is not None)
    command = mend_command([finding.fix], Target("lp", "demo", "daily"))
    after = patched({"spec": fields}, command)["spec"]
    assert checked(after) == ()
    assert after["schedule"].get("kickoffTimeInput") == meant
    assert meant is not None or "kickoffTimeOffset" not in after["schedule"]


def test_a_misspelt_fixed_input_does_not_become_the_kickoff_input() -> None:
    """Though its name is near: then the plan would fix what the slot gives."""
    fields = BOUND | {"fixedInputs": {"dayy": "2026-01-01T00:00:00Z"}} | schedule_with("day")
    findings = checked(fields)
    assert [finding.reason for finding in findings] == [Reason.UnexpectedInput]
    command = mend_command([finding.fix for finding in findings], Target("lp", "demo", "daily"))
    assert checked(patched({"spec": fields}, command)["spec"]) == ()


def test_a_union_of_more_gets_no_time() -> None:
    """As text, it could mean something else."""
    spec = workflow(interface__inputs=[{"name": "when", "type": "union[datetime, string]"}])
    plan = LaunchPlanSpec.model_validate({"workflowRef": {"name": "report"}, **schedule_with("when")})
    found = validate_plan(PlanView(plan, WorkflowView("report", spec, "1")))
    assert [finding.reason for finding in found] == [Reason.KickoffWrongType]


def test_other_required_inputs_still_need_a_value() -> None:
    """Only the kickoff input has one."""
    assert [(each.reason, each.path) for each in checked(schedule_with("day"))] == [
        (Reason.ScheduleUnboundInput, "spec.defaultInputs.rows")
    ]


def test_inputs_are_too_large_with_the_time_among_them() -> None:
    """A plan that fits but for the time does not fit."""
    spec = workflow(interface__inputs=[{"name": "day", "type": "datetime"}, {"name": "text", "type": "string"}])
    view = WorkflowView("report", spec, "1")
    bare = len('{"day":"2026-01-01T00:00:00Z","text":""}')
    for size, reasons in ((MAX_INPUT_BYTES - bare, []), (MAX_INPUT_BYTES - bare + 1, [Reason.InputsTooLarge])):
        fields = {"workflowRef": {"name": "report"}, "fixedInputs": {"text": "x" * size}, **schedule_with("day")}
        found = validate_plan(PlanView(LaunchPlanSpec.model_validate(fields), view))
        assert [finding.reason for finding in found] == reasons


def runnable(fields: dict[str, Any]) -> Runnable:
    """Return a plan's version, read from what was kept of it."""
    kept = WORKFLOW.model_dump(mode="json", by_alias=True, exclude_unset=True)
    content = WorkflowContent("1", "0" * 64, kept)
    read = read_runnable(take_snapshot({"workflowRef": {"name": "report"}, **fields}, content))
    assert isinstance(read, Runnable), read
    return read


def test_a_slot_gets_its_time() -> None:
    """In place of the default, and beside all other inputs, in declared order."""
    version = runnable(
        {"defaultInputs": {"rows": 1, "day": "2026-01-01T00:00:00Z"}} | schedule_with("day", kickoffTimeOffset="-1h")
    )
    got = version.slot_inputs(SLOT)
    assert got is not None
    assert list(got.items()) == [("day", "2026-03-28T23:30:00Z"), ("since", None), ("city", "Oslo"), ("rows", 1)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"schedule": {"cron": "0 9 * * *"}}, None, id="a required input has no value"),
        pytest.param({}, None, id="nor without a schedule"),
        pytest.param(
            {
                "defaultInputs": {"rows": 1},
                "fixedInputs": {"day": "2026-01-01T00:00:00Z"},
                "schedule": {"cron": "@daily"},
            },
            {"day": "2026-01-01T00:00:00Z", "since": None, "city": "Oslo", "rows": 1},
            id="every slot gets the same",
        ),
    ],
)
def test_without_a_kickoff_input_all_slots_are_alike(fields: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """Whatever their time."""
    version = runnable(fields)
    assert version.slot_inputs(SLOT) == version.slot_inputs(SLOT + timedelta(days=1)) == version.inputs == expected
