"""A plan's status, whole: made from what was read, decided and done, and unchanged while its meaning is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import Target
from launchplan_operator.api.planstatus import LaunchPlanStatus
from launchplan_operator.api.workflow import Interface
from launchplan_operator.decide.counting import Counting
from launchplan_operator.decide.inputs import Bindings
from launchplan_operator.decide.planstatus import (
    Engine,
    PlanReport,
    ScheduleFacts,
    build_plan_status,
    plan_interface,
    schedule_status,
)
from launchplan_operator.decide.schedule import read_timetable
from launchplan_operator.decide.versions import KnownVersion

NINE = datetime(2026, 1, 31, 9, tzinfo=UTC)
HOURLY = read_timetable("0 * * * *", "UTC")
assert HOURLY is not None
CRONJOB = {"name": "report", "uid": "cj", "generation": 1}
FIRING = ScheduleFacts(HOURLY, "0 * * * * UTC", CRONJOB, "hash", NINE - timedelta(days=1), NINE)
INTERFACE = {"parameters": [{"name": "x", "type": "string", "required": True}]}
VERSIONS = (KnownVersion("v1", "1" * 64, "w1"), KnownVersion("v2", "2" * 64, "w2"))
REPORT = PlanReport(
    generation=3,
    target=Target("lp", "demo", "report"),
    active="v2",
    pinned=False,
    suspended=False,
    versions=VERSIONS,
    findings=(),
    pending=None,
    interface=INTERFACE,
    schedule=FIRING,
    counting=Counting({"succeeded": 5}, ("a",), ("run-a",)),
    running=1,
    last_execution={"name": "run-a", "phase": "Succeeded", "time": "2026-01-31T08:05:00Z"},
    decisions=(),
)


def built(previous: dict[str, Any] | None = None, now: datetime = NINE, **changes: Any) -> dict[str, Any]:
    """Return the status of the report with changes."""
    return build_plan_status(replace(REPORT, **changes), previous or {}, now)


def test_a_status_tells_everything_about_a_plan() -> None:
    """And it is one that the schema takes."""
    status = built()
    assert {key: status[key] for key in status if key not in {"conditions", "schedule"}} == {
        "observedGeneration": 3,
        "running": 1,
        "activeVersion": "v2",
        "latestVersion": "v2",
        "versions": [
            {"version": "v1", "hash": "1" * 64, "workflow": "w1"},
            {"version": "v2", "hash": "2" * 64, "workflow": "w2"},
        ],
        "interface": INTERFACE,
        "counts": {"succeeded": 5},
        "uncounted": [{"uid": "a"}],
        "lastExecution": {"name": "run-a", "phase": "Succeeded", "time": "2026-01-31T08:05:00Z"},
    }
    assert status["schedule"] == {
        "engine": "CronJob",
        "text": "0 * * * * UTC",
        "cronJob": CRONJOB,
        "scheduleHash": "hash",
        "since": "2026-01-30T09:00:00Z",
        "lastSlot": "2026-01-31T09:00:00Z",
        "nextTimes": [f"2026-01-31T{hour}:00:00Z" for hour in range(10, 15)],
    }
    LaunchPlanStatus.model_validate(status)


SILENT = replace(FIRING, timetable=None)
ENDED = replace(FIRING, timetable=replace(HOURLY, end=NINE))


@pytest.mark.parametrize(
    ("changes", "reason", "message"),
    [
        pytest.param({}, "Active", "version v2 is active; its schedule starts runs", id="an active, scheduled plan"),
        pytest.param(
            {"schedule": ENDED},
            "Active",
            "version v2 is active; its schedule has ended, and starts no more runs",
            id="a plan whose endTime has passed",
        ),
        pytest.param({"schedule": None}, "Active", "version v2 is active", id="an active plan without a schedule"),
        pytest.param(
            {"schedule": ScheduleFacts(None, None)},
            "Active",
            "version v2 is active",
            id="one whose schedule was dropped",
        ),
        pytest.param(
            {"suspended": True, "schedule": SILENT},
            "Suspended",
            "no slot fires until spec.suspend is false, and none is replayed; manual runs start",
            id="a suspended plan",
        ),
        pytest.param(
            {"active": None, "schedule": SILENT},
            "Inactive",
            "nothing will run on schedule until spec.autoActivate is true or spec.activeVersion names a version;"
            " manual runs start",
            id="an inactive plan with a schedule says loudly that it will not run",
        ),
        pytest.param(
            {"active": None, "schedule": None, "suspended": True},
            "Inactive",
            "no version is active: set spec.autoActivate or spec.activeVersion; manual runs start",
            id="an inactive plan without a schedule, suspended or not",
        ),
        pytest.param(
            {"active": "v1", "pinned": True},
            "Active",
            "version v1 is active by spec.activeVersion, not the newest, v2; its schedule starts runs",
            id="a plan that was rolled back says so",
        ),
        pytest.param(
            {"pinned": True},
            "Active",
            "version v2 is active; its schedule starts runs",
            id="one that is pinned to the newest has nothing to say of it",
        ),
    ],
)
def test_a_plan_without_findings_is_ready_and_says_what_will_happen(
    changes: dict[str, Any], reason: str, message: str
) -> None:
    """Inactive and suspended plans are ready too."""
    ready = built(**changes)["conditions"][0]
    assert (ready["status"], ready["reason"], ready["message"]) == ("True", reason, message)


def test_a_plan_that_turned_invalid_keeps_what_was_good() -> None:
    """The finding is told; the last good version, its interface and its schedule stand."""
    good = built()
    finding = Finding(Reason.CronInvalid, "bad", "spec.schedule.cron")
    bad = built(good, generation=4, findings=(finding,), interface=None)
    assert {c["type"]: c["status"] for c in bad["conditions"]} == {
        "Ready": "False",
        "Reconciling": "False",
        "Stalled": "True",
    }
    kept = ("activeVersion", "latestVersion", "interface", "schedule", "counts")
    assert {key: bad[key] for key in kept} == {key: good[key] for key in kept}
    assert bad["observedGeneration"] == 4


def test_a_status_made_again_is_the_same() -> None:
    """Between two slots nothing is written."""
    status = built()
    assert built(status, NINE + timedelta(minutes=59)) == status
    assert built(status, NINE + timedelta(minutes=60)) != status


def test_marks_alone_are_no_news() -> None:
    """Uids that were marked meanwhile leave the status with its next change."""
    status = built()
    marked = Counting({"succeeded": 5}, (), ())
    assert built(status, counting=marked) == status
    assert "uncounted" not in built(status, counting=marked, running=0)


def test_a_new_uid_is_news() -> None:
    """Without it a run would be counted twice after a crash."""
    status = built()
    assert built(status, counting=Counting({"succeeded": 5}, ("a", "b"), ()))["uncounted"] == [
        {"uid": "a"},
        {"uid": "b"},
    ]


@given(st.lists(st.sampled_from("abcd"), unique=True), st.lists(st.sampled_from("abcd"), unique=True))
def test_no_uid_is_forgotten_before_its_mark(before: list[str], after: list[str]) -> None:
    """Whatever was remembered, all that is to be remembered now stands in the status."""
    status = built(counting=Counting({"succeeded": 5}, tuple(before), ()))
    following = built(status, counting=Counting({"succeeded": 5}, tuple(after), ()))
    assert set(after) <= {entry["uid"] for entry in following.get("uncounted", [])}


def test_only_the_latest_decisions_are_kept() -> None:
    """Ten of them, newest last, so that a describe answers what happened."""
    decisions = [{"time": "2026-01-31T09:00:00Z", "outcome": str(number)} for number in range(13)]
    assert [d["outcome"] for d in built(decisions=decisions)["decisions"]] == [str(number) for number in range(3, 13)]


def test_a_schedule_that_does_not_fire_has_no_next_times() -> None:
    """It still says what it would be."""
    facts = ScheduleFacts(None, "0 * * * * UTC", replacing="cj")
    assert schedule_status(facts, NINE) == {"engine": "CronJob", "text": "0 * * * * UTC", "replacing": "cj"}


@pytest.mark.parametrize("engine", ["CronJob", "Operator"])
def test_a_status_says_who_keeps_the_time(engine: Engine) -> None:
    """The CronJob controller, or the operator."""
    status = schedule_status(replace(FIRING, engine=engine), NINE)
    assert status == {**schedule_status(FIRING, NINE), "engine": engine}


LEDGER = {"planUid": "plan", "queued": 1, "running": [{"name": "a", "uid": "u", "admittedAt": "2026-01-31T09:00:00Z"}]}


def test_a_limited_plans_ledger_is_written_as_it_is() -> None:
    """An empty one too: a plan without one has no limit."""
    status = built(concurrency=LEDGER)
    assert status["concurrency"] == LEDGER
    LaunchPlanStatus.model_validate(status)
    assert "concurrency" not in built(status, concurrency=None)
    assert built(concurrency={"planUid": "plan", "queued": 0})["concurrency"] == {"planUid": "plan", "queued": 0}


def test_a_ledger_that_did_not_change_is_no_news() -> None:
    """Any other is."""
    status = built(concurrency=LEDGER)
    assert built(status, NINE + timedelta(minutes=5), concurrency=LEDGER) == status
    assert built(status, concurrency={**LEDGER, "queued": 0}) != status


def test_a_clock_change_ahead_is_warned_of() -> None:
    """A slot that will be skipped is known in advance."""
    facts = ScheduleFacts(read_timetable("30 2 * * *", "Europe/Berlin"), "30 2 * * * Europe/Berlin")
    warnings = schedule_status(facts, datetime(2026, 3, 28, tzinfo=UTC))["warnings"]
    assert any("2026-03-29" in warning for warning in warnings)


def test_an_interface_that_lost_its_last_field_is_told_as_empty() -> None:
    """The one that was told before is not that of the version in force."""
    assert "interface" not in built(built(), generation=4, interface={})


def interface(*inputs: dict[str, Any]) -> Interface:
    """Return an interface with these inputs and one output."""
    return Interface.model_validate({"inputs": inputs, "outputs": [{"name": "rows", "type": "integer"}]})


REQUIRED, OPTIONAL = {"name": "x", "type": "string"}, {"name": "x", "type": "string", "default": "own"}


@pytest.mark.parametrize(
    ("parameter", "bindings", "expected"),
    [
        pytest.param(REQUIRED, Bindings(), {"required": True}, id="without any value it is required"),
        pytest.param(OPTIONAL, Bindings(), {"required": False, "default": "own"}, id="the workflow's default shows"),
        pytest.param(
            REQUIRED,
            Bindings({"x": "plan"}),
            {"required": False, "default": "plan"},
            id="a plan's default makes it free",
        ),
        pytest.param(
            OPTIONAL, Bindings({"x": "plan"}), {"required": False, "default": "plan"}, id="a plan's default beats it"
        ),
        pytest.param(REQUIRED, Bindings({}, {"x": "fixed"}), None, id="a fixed input can no longer be passed"),
        pytest.param(
            {"name": "x", "type": "optional[string]"},
            Bindings(),
            {"required": False, "default": None},
            id="an optional input is null unless it is passed",
        ),
        pytest.param(
            {"name": "x", "type": "optional[string]"},
            Bindings({"x": "plan"}),
            {"required": False, "default": "plan"},
            id="an optional input may have a default",
        ),
    ],
)
def test_the_interface_says_what_a_caller_may_still_pass(
    parameter: dict[str, Any], bindings: Bindings, expected: dict[str, Any] | None
) -> None:
    """With its default, or as required; what is fixed stands apart."""
    found = plan_interface(interface(parameter), bindings)
    assert found.get("parameters") == ([{"name": "x", "type": parameter["type"], **expected}] if expected else None)
    assert found.get("fixedInputs") == (dict(bindings.fixed) or None)
    assert found["outputs"] == [{"name": "rows", "type": "integer"}]
