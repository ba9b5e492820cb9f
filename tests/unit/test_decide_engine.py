"""Which engine keeps a schedule: the CronJob controller where it can, the operator else or on request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.decide.engine import Engine, choose_engine, cron_text_of
from launchplan_operator.decide.schedule import Timetable, read_schedule
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan

CRON: dict[str, Any] = {"cron": "0 9 * * *"}


def every(value: int, unit: str) -> dict[str, Any]:
    """Return the fields of a rate."""
    return {"fixedRate": {"value": value, "unit": unit}}


def schedule_of(fields: dict[str, Any], engine: str) -> Schedule:
    """Return a schedule with an engine."""
    return Schedule.model_validate(fields | {"engine": engine})


def chosen(fields: dict[str, Any], engine: str, *, limited: bool = False) -> Engine | Finding:
    """Return the choice for a schedule that is good in itself."""
    table = read_schedule(schedule_of(fields, "Auto"))
    assert isinstance(table, Timetable)
    return choose_engine(schedule_of(fields, engine), table, limited=limited)


SERVED = [
    pytest.param(CRON, id="a cron text"),
    pytest.param(CRON | {"timeZone": "Europe/Berlin"}, id="in a zone"),
    pytest.param({"cron": "@every 1h"}, id="an even rate as a cron text"),
    pytest.param(every(20, "Minute"), id="minutes that divide an hour"),
    pytest.param(every(8, "Hour"), id="hours that divide a day"),
    pytest.param(every(1, "Day"), id="a day"),
    pytest.param(CRON | {"catchUp": {"policy": "All", "max": 3}}, id="catch-up goes with either engine"),
]
UNSERVED = [
    pytest.param(CRON | {"kickoffTimeInput": "day"}, "spec.schedule.kickoffTimeInput", id="an input gets the time"),
    pytest.param(CRON | {"jitter": "5m"}, "spec.schedule.jitter", id="jitter"),
    pytest.param(CRON | {"startTime": "2026-01-01T00:00:00Z"}, "spec.schedule.startTime", id="a start"),
    pytest.param(CRON | {"endTime": "2026-01-01T00:00:00Z"}, "spec.schedule.endTime", id="an end"),
    pytest.param(CRON | {"startingDeadline": "200s"}, "spec.schedule.startingDeadline", id="a deadline of one's own"),
    pytest.param(every(7, "Minute"), "spec.schedule.fixedRate", id="minutes that divide no hour"),
    pytest.param(every(2, "Day"), "spec.schedule.fixedRate", id="two days"),
    pytest.param({"cron": "@every 90m"}, "spec.schedule.cron", id="an uneven rate as a cron text"),
    pytest.param(
        every(1, "Hour") | {"startTime": "2026-01-01T00:10:00Z"}, "spec.schedule.startTime", id="an anchored rate"
    ),
    pytest.param(
        every(7, "Hour") | {"jitter": "5m", "endTime": "2026-01-01T00:00:00Z"},
        "spec.schedule.jitter",
        id="of several fields the first is named",
    ),
]


@pytest.mark.parametrize("fields", SERVED)
def test_a_cronjob_keeps_what_it_can(fields: dict[str, Any]) -> None:
    """Unless the operator is asked for, or there is a limit."""
    assert chosen(fields, "Auto") == "CronJob"
    assert chosen(fields, "CronJob") == "CronJob"
    assert chosen(fields, "Operator") == "Operator"
    assert chosen(fields, "Auto", limited=True) == "Operator"
    assert isinstance(read_schedule(schedule_of(fields, "CronJob")), Timetable)


@pytest.mark.parametrize(("fields", "path"), UNSERVED)
def test_the_operator_keeps_all_else(fields: dict[str, Any], path: str) -> None:
    """Who insists on a CronJob is told the field; reading the schedule alone tells it too, and the fix mends it."""
    assert chosen(fields, "Auto") == "Operator"
    assert chosen(fields, "Operator") == "Operator"
    finding = chosen(fields, "CronJob")
    assert isinstance(finding, Finding)
    assert (finding.reason, finding.path) == (Reason.EngineCannotServe, path)
    assert read_schedule(schedule_of(fields, "CronJob")) == (finding,)
    assert finding.fix is not None
    assert finding.fix.merge == {"spec": {"schedule": {"engine": "Auto"}}}


def test_a_limit_needs_the_operator() -> None:
    """The schedule's own fields are told first; the plan's check tells it without a cluster, workflow or not."""
    finding = chosen(CRON, "CronJob", limited=True)
    assert isinstance(finding, Finding)
    assert (finding.reason, finding.path) == (Reason.EngineCannotServe, "spec.concurrency")
    spec = {"workflowRef": {"name": "w"}, "concurrency": {"max": 1}, "schedule": CRON | {"engine": "CronJob"}}
    plan = PlanView(LaunchPlanSpec.model_validate(spec), WorkflowView("w"))
    assert [each.reason for each in validate_plan(plan)] == [Reason.EngineCannotServe, Reason.WorkflowNotFound]
    jittery = chosen(CRON | {"jitter": "1s"}, "CronJob", limited=True)
    assert isinstance(jittery, Finding)
    assert jittery.path == "spec.schedule.jitter"


@given(st.integers(1, 3000))
def test_a_cronjob_keeps_just_the_rates_that_a_cron_text_says(minutes: int) -> None:
    """Those whose times are the same on every day, at the same minutes of every hour or hours of the day."""
    table = read_schedule(Schedule.model_validate(every(minutes, "Minute")))
    assert isinstance(table, Timetable)
    even = 60 % minutes == 0 or (minutes % 60 == 0 and 1440 % minutes == 0)
    assert (cron_text_of(table) is not None) == even
