"""`list` and `describe` through `main`, and what became of each slot."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.cli.ages import age_text, length_text
from launchplan_operator.cli.slots import MAX_SLOTS, slot_outcomes
from launchplan_operator.decide.schedule import slot_name
from tests.fake import Fault
from tests.unit.cli_cluster import INTERFACE, Answer, Desk, ready, run_status

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
SINCE = "2026-01-01T10:00:00Z"


def schedule(**changed: Any) -> dict[str, Any]:
    """Return the status of a schedule that fires every half hour."""
    return {"text": "*/30 * * * * UTC", "since": SINCE, "cronJob": {"name": "daily"}} | changed


def plan_with(schedule_status: dict[str, Any], *decisions: dict[str, Any]) -> dict[str, Any]:
    """Return a plan with this much status."""
    return {"metadata": {"name": "daily"}, "status": {"schedule": schedule_status, "decisions": list(decisions)}}


def run_at(slot: str, phase: str | None = "Succeeded", **status: Any) -> dict[str, Any]:
    """Return the run of a slot; without a phase one that the operator has not seen."""
    name = slot_name("daily", datetime.fromisoformat(slot))
    seen = run_status(phase, origin={"type": "Schedule", "slot": slot}) | status if phase else {}
    return {"metadata": {"name": name}, "spec": {}, "status": seen}


def told(plan: dict[str, Any], *runs: dict[str, Any], hours: float = 6) -> list[tuple[str, str, str]]:
    """Return (time of the day, outcome, what is said) of each slot."""
    found = slot_outcomes(plan, runs, NOW, hours)
    return [(each.slot.strftime("%H:%M"), each.outcome, each.reason or each.message) for each in found]


def test_each_slot_since_the_schedule_counts_has_one_outcome() -> None:
    """From runs, from decisions, and from what the status says of the rest."""
    missed = {"slot": "2026-01-01T11:00:00Z", "outcome": "Missed", "reason": "Missed", "message": "away"}
    plan = plan_with(schedule(lastSlot="2026-01-01T11:30:00Z"), missed)
    failed = run_at("2026-01-01T10:30:00Z", "Failed", error={"code": "Exit7", "message": "no\nrows"})
    assert told(plan, failed) == [
        ("10:30", "Failed", "Exit7"),
        ("11:00", "Missed", "Missed"),
        ("11:30", "NotKept", "no record of it is left: history removed it, a person did, or it is older than the last decisions"),
        ("12:00", "Pending", "it came moments ago and can still start"),
    ]  # fmt: skip


def test_a_run_tells_more_of_its_slot_than_a_decision() -> None:
    """The decision may be older."""
    missed = {"slot": "2026-01-01T11:00:00Z", "outcome": "Missed", "reason": "Missed"}
    plan = plan_with(schedule(cronJob=None), missed)
    assert told(plan, run_at("2026-01-01T11:00:00Z")) == [("11:00", "Succeeded", "")]


def test_a_slot_whose_run_was_skipped_says_why() -> None:
    """Though that is no error."""
    why = {"conditions": [ready("LimitReached", message="1 of at most 1 run is under way: x")]}
    (found,) = slot_outcomes(
        plan_with(schedule(cronJob=None)), [run_at("2026-01-01T11:00:00Z", "Skipped", **why)], NOW, 6
    )
    assert (found.outcome, found.reason, found.message) == (
        "Skipped",
        "LimitReached",
        "1 of at most 1 run is under way: x",
    )


@pytest.mark.parametrize(
    ("status", "runs", "expected"),
    [
        pytest.param(schedule(lastSlot=SINCE), [], [("10:30", "Unrecorded"), ("11:00", "Unrecorded"), ("11:30", "Unrecorded"), ("12:00", "Pending")], id="no operator for hours"),
        pytest.param(schedule(cronJob=None), [run_at("2026-01-01T09:00:00Z")], [("09:00", "Succeeded")], id="nothing fires now, but something did"),
        pytest.param(schedule(), [run_at("2026-01-01T09:00:00Z"), run_at("2026-01-01T05:30:00Z")], [("09:00", "Succeeded"), ("10:30", "Unrecorded"), ("11:00", "Unrecorded"), ("11:30", "Unrecorded"), ("12:00", "Pending")], id="before the schedule counts, runs alone are known"),
        pytest.param(schedule(since="2026-01-01T11:45:00Z"), [run_at("2026-01-01T12:00:00Z", None)], [("12:00", "Pending")], id="a run that the operator has not seen yet"),
        pytest.param(schedule(cronJob=None, engine="Operator", scheduleHash="x", text="every 40 minutes from 2026-01-01T10:20:00Z, jitter 20m0s, deadline 10m0s"), [], [("10:20", "Unrecorded"), ("11:00", "Unrecorded"), ("11:40", "Pending")], id="a rate that the operator keeps is late by its own deadline and jitter"),
        pytest.param(schedule(cronJob=None, engine="Operator"), [], [], id="a schedule for the operator that does not count yet"),
        pytest.param({}, [], [], id="no schedule"),
        pytest.param(schedule(text="gibberish"), [], [], id="a schedule that cannot be read"),
    ],
)  # fmt: skip
def test_slots_that_left_little(
    status: dict[str, Any], runs: list[dict[str, Any]], expected: list[tuple[str, str]]
) -> None:
    """What is not known is not made up."""
    assert [(slot, outcome) for slot, outcome, _ in told(plan_with(status), *runs)] == expected


def test_of_very_many_slots_the_latest_are_told() -> None:
    """A year of minutes is no description."""
    plan = plan_with(schedule(text="* * * * * UTC", since="2025-01-01T00:00:00Z"))
    found = slot_outcomes(plan, [], NOW, 24 * 365)
    assert (len(found), found[-1].slot) == (MAX_SLOTS, NOW.replace(second=0))


@given(st.integers(0, 10**8))
def test_a_length_of_time_is_short(seconds: int) -> None:
    """At most two units, and never longer than what it stands for."""
    text = length_text(timedelta(seconds=seconds))
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    total, number = 0, ""
    for char in text:
        if char.isdigit():
            number += char
        else:
            total, number = total + int(number) * units[char], ""
    assert len(text) <= 7
    assert total <= seconds < total + 86400 + seconds * 0.2
    assert age_text("2026-01-01T12:00:00Z", NOW) == "30s"


def desk_of_runs() -> Desk:
    """Return runs of two plans and a workflow, in two namespaces."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    desk.plan("daily-2")
    desk.run("a", "Failed", launchPlanRef={"kind": "LaunchPlan", "name": "daily"})
    desk.run("b", "Succeeded", launchPlanRef={"kind": "WorkflowDefinition", "name": "daily"})
    desk.run("c", None, launchPlanRef={"kind": "LaunchPlan", "name": "daily-2"})
    desk.api.add_namespace("other")
    ref = {"launchPlanRef": {"kind": "LaunchPlan", "name": "daily"}}
    desk.create(LAUNCH_PLAN_EXECUTIONS, "d", ref, run_status("Running"), namespace="other")
    return desk


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param((), ["a", "b", "c"], id="the namespace's"),
        pytest.param(("-A",), ["a", "b", "c", "d"], id="all namespaces'"),
        pytest.param(("-n", "other"), ["d"], id="another namespace's"),
        pytest.param(("daily",), ["a"], id="a plan's, not the workflow's of its name"),
        pytest.param(("wfd/daily",), ["b"], id="a workflow's"),
        pytest.param(("--phase", "failed,Succeeded"), ["a", "b"], id="of two phases"),
        pytest.param(("--phase", "Pending", "--phase", "Failed"), ["a", "c"], id="phases given one by one"),
        pytest.param(("--phase", "TimedOut"), [], id="of a phase that none is in"),
        pytest.param(("--plans",), ["daily", "daily-2"], id="plans"),
    ],
)
def test_list_chooses(words: tuple[str, ...], expected: list[str]) -> None:
    """As a table and for programs alike."""
    desk = desk_of_runs()
    found = json.loads(desk.type("list", *words, "-o", "json").out)
    assert (found["kind"], sorted(obj["metadata"]["name"] for obj in found["items"])) == ("List", expected)
    header, *rows = desk.type("list", *words).out.splitlines()
    column = header.split().index("NAME")
    assert sorted(row.split()[column] for row in rows) == expected


@pytest.mark.parametrize(
    ("words", "code", "found"),
    [
        pytest.param(("nope",), 1, "found no LaunchPlan 'nope'", id="no such plan"),
        pytest.param(
            ("--phase", "Lost"), 2, "found the phase 'Lost', expected one of Pending, Queued", id="no such phase"
        ),
        pytest.param(("--plans", "daily"), 2, "found --plans with PLAN or --phase", id="plans of a plan"),
    ],
)
def test_list_refuses(words: tuple[str, ...], code: int, found: str) -> None:
    """In one sentence."""
    ended = desk_of_runs().type("list", *words)
    assert (ended.code, ended.out, found in ended.err) == (code, "", True)


def test_a_plan_is_described_with_why_it_is_inactive_and_its_slots() -> None:
    """The present is the machine's own clock here: the slot lies just before it."""
    slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    text = slot.strftime("%Y-%m-%dT%H:%M:%SZ")
    desk = Desk()
    desk.plan()
    message = "nothing will run on schedule until spec.autoActivate is true"
    status = {
        "activeVersion": None,
        "conditions": [ready("Inactive", message=message)],
        "schedule": {"engine": "CronJob", "text": "0 2 * * * Europe/Oslo", "since": text, "warnings": ["02:30 does not exist on 2026-03-29"]},
        "counts": {"succeeded": 3, "missed": 0},
        "decisions": [{"time": text, "slot": text, "outcome": "Missed", "reason": "Missed", "message": "seen too late"}],
    }  # fmt: skip
    desk.report(LAUNCH_PLANS, "daily", status)
    name = slot_name("daily", slot - timedelta(minutes=5))
    desk.run(name, "Failed")
    ended = desk.type("describe", "daily")
    assert ended.code == 0
    for expected in (
        f"Inactive: {message}",
        "none is active, 2222222222 is the latest",
        "0 2 * * * Europe/Oslo",
        "never",
        "02:30 does not exist",
        "succeeded 3",
        "city   string    default Oslo",
        "days   integer   required",
        "mode:  quick",
        "Slots of the last 6 h:",
        f"{text}   Missed",
        "Missed: seen too late",
        name,
        "No slot comes now: see the state above.",
    ):
        assert expected in ended.out, ended.out
    assert "missed 0" not in ended.out
    found = json.loads(desk.type("describe", "lp/daily", "-o", "json").out)
    assert [each["outcome"] for each in found["slots"]] == ["Failed", "Missed"]
    assert found["plan"]["metadata"]["name"] == "daily"
    assert json.loads(desk.type("describe", "daily", "--hours", "0.1", "-o", "json").out)["slots"] == []


def test_a_plan_that_nobody_has_looked_at_is_described() -> None:
    """As that."""
    desk = Desk()
    desk.plan(status={})
    assert "Unseen: the operator has not looked at it yet" in desk.type("describe", "daily").out


def ledger(*names: str, **changed: Any) -> dict[str, Any]:
    """Return a plan's ledger with the seats of these runs."""
    seats = [{"name": name, "uid": name, "admittedAt": SINCE} for name in names]
    return {"planUid": "u", "queued": 0, "running": seats, **changed}


@pytest.mark.parametrize(
    ("limit", "found", "expected"),
    [
        pytest.param({"max": 2}, ledger(), "2 at once, Skip; under way 0; waiting 0", id="nobody"),
        pytest.param(
            {"max": 2, "behavior": "Queue"},
            ledger("a", "b", queued=3),
            "2 at once, Queue; under way 2: a, b; waiting 3",
            id="who is and how many wait",
        ),
        pytest.param(
            {"max": 20},
            ledger(*map(str, range(12))),
            "under way 12: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more; waiting 0",
            id="of many some",
        ),
        pytest.param(
            {"max": 1},
            ledger(holdUntil="2026-01-01T10:15:00Z"),
            "waiting 0; none starts before 2026-01-01T10:15:00Z",
            id="a ledger that is held",
        ),
        pytest.param({"max": 1}, None, "1 at once, Skip; not in force yet", id="a limit that was just set"),
    ],
)
def test_a_plan_is_described_with_its_limit(limit: dict[str, Any], found: dict[str, Any] | None, expected: str) -> None:
    """Who is under way, and how many wait."""
    desk = Desk()
    desk.plan(concurrency=limit)
    desk.report(LAUNCH_PLANS, "daily", {"concurrency": found} if found else {})
    (line,) = [line for line in desk.type("describe", "daily").out.splitlines() if line.startswith("Limit:")]
    assert line.endswith(expected)


def test_a_plan_without_a_limit_has_nothing_to_say_of_it() -> None:
    """Not even that there is none."""
    desk = Desk()
    desk.plan()
    assert "Limit:" not in desk.type("describe", "daily").out


def test_a_plan_is_described_with_the_decisions_about_runs_that_are_no_slots() -> None:
    """A slot's stands among the slots, and only there."""
    desk = Desk()
    desk.plan()
    told = {"time": SINCE, "outcome": "Skipped", "reason": "QueueFull", "message": "found 1 run waiting before it"}
    decisions = [told | {"execution": "by-hand"}, told | {"execution": "daily-29453880", "slot": SINCE}]
    desk.report(LAUNCH_PLANS, "daily", {"decisions": decisions})
    said = desk.type("describe", "daily").out
    _, _, other = said.partition("Latest decisions about other runs:\n")
    assert other.splitlines()[1].split(maxsplit=3) == [
        SINCE,
        "Skipped",
        "by-hand",
        "QueueFull: found 1 run waiting before it",
    ]
    assert "daily-29453880" not in other.partition("\n\n")[0]


def test_a_skipped_run_is_described_with_its_reason() -> None:
    """On one line; there is no error to show."""
    desk = Desk()
    desk.run()
    why = ready("QueueFull", message="found 100 runs waiting\nbefore it")
    desk.ends("daily-abcde", "Skipped", conditions=[why])()
    described = desk.type("describe", "daily-abcde").out
    assert "Skipped: QueueFull: found 100 runs waiting before it\n" in described
    assert "Error" not in described


def test_a_run_is_described() -> None:
    """With what it got, what came out, and where its log is."""
    desk = Desk()
    error = {"kind": "User", "code": "Exit7", "message": "line 1\nline 2"}
    desk.run(relaunchOf="first")
    desk.ends(
        "daily-abcde",
        "Failed",
        inputs={"days": 3},
        outputs={"rows": 4},
        error=error,
        jobRef={"name": "daily-abcde", "uid": "u"},
    )()
    ended = desk.type("describe", "daily-abcde")
    for expected in (
        "Phase:        Failed",
        "first",
        "days:  3",
        "rows:  4",
        "Error (User, Exit7):\n  line 1\n  line 2",
        "kubectl launchplan logs daily-abcde",
    ):
        assert expected in ended.out, ended.out
    assert json.loads(desk.type("describe", "lpx/daily-abcde", "-o", "json").out)["status"]["phase"] == "Failed"


def test_a_workflow_is_described() -> None:
    """With its inputs."""
    desk = Desk()
    parameters = [*INTERFACE["inputs"], {"name": "hint", "type": "optional[string]"}]
    desk.workflow(interface=INTERFACE | {"inputs": parameters})
    out = desk.type("describe", "report").out
    assert "hint   optional[string]   default null" in out
    assert "Valid" in out
    assert "city   string             required" in out
    assert "days   integer            default 7" in out
    assert "rows (integer)" in out


@pytest.mark.parametrize(
    ("words", "code", "found"),
    [
        pytest.param(("x",), 2, "'x' names both lp/x and lpx/x (say which: lp/x)", id="a plan and a run of one name"),
        pytest.param(
            ("y",),
            1,
            "found no LaunchPlan, LaunchPlanExecution, WorkflowDefinition or ReferenceLaunchPlan 'y'",
            id="nothing of that name",
        ),
        pytest.param(("lpx/y",), 1, "found no LaunchPlanExecution 'y'", id="no run of that name"),
        pytest.param(
            ("pod/y",), 2, "found 'pod/y', expected NAME or lp/NAME or lpx/NAME or wfd/NAME", id="another kind"
        ),
        pytest.param(("lp/x", "--hours", "0"), 2, "found --hours 0, expected more than 0", id="no hours"),
    ],
)
def test_describe_refuses(words: tuple[str, ...], code: int, found: str) -> None:
    """In one sentence."""
    desk = Desk()
    desk.plan("x")
    desk.run("x")
    ended = desk.type("describe", *words)
    assert (ended.code, ended.out, found in ended.err) == (code, "", True), ended.err


@pytest.mark.parametrize("words", [("describe", "daily-abcde"), ("wait", "daily-abcde")])
def test_what_a_container_wrote_does_not_steer_the_terminal(words: tuple[str, ...]) -> None:
    """Its control characters are shown and not obeyed."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    said = {"kind": "User", "code": "Exit1", "message": "\x1b[2Jgone\r"}
    desk.run()
    desk.ends("daily-abcde", "Failed", outputs={"x": "\x1b]0;title\x07"}, error=said)()
    ended = desk.type(*words)
    assert not {"\x1b", "\r", "\x07"} & set(ended.out + ended.err)
    assert "\\x1b[2Jgone" in ended.out


def test_a_cell_of_many_lines_stays_in_its_row() -> None:
    """A default that is a text of two lines leaves the table whole."""
    desk = Desk()
    desk.workflow(interface={"inputs": [{"name": "note", "type": "string", "default": "a\nb"}]})
    assert "  note   string   default a\\nb\n" in desk.type("describe", "wfd/report").out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(("describe", "daily"), 0, "Plan:", id="a plan is described"),
        pytest.param(("clone", "daily", "weekly"), 0, "lp/weekly created", id="a plan is copied"),
        pytest.param(("logs", "daily-abcde"), 0, "words", id="a log is shown"),
        pytest.param(("run", "none"), 1, "found no LaunchPlan 'none' in the namespace", id="a typing error is told"),
        pytest.param(("describe", "none"), 1, "found no LaunchPlan, LaunchPlanExecution, Work", id="an unknown name"),
        pytest.param(("describe", "wfd/report"), 2, "the API server forbids it", id="the workflow itself is refused"),
    ],
)
def test_who_may_not_see_workflows_uses_plans(words: tuple[str, ...], code: int, told: str) -> None:
    """A right that a command can do without does not stop it."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    desk.run()
    desk.pod("daily-abcde", "a", {"terminated": {"exitCode": 0}})
    desk.connection.logs = {"a": [Answer(200, (b"words",))]}
    desk.api.faults = lambda call: Fault(403) if call.kind == WORKFLOW_DEFINITIONS else None
    ended = desk.type(*words)
    assert (ended.code, told in ended.out + ended.err) == (code, True)
