"""Waiting for a run, ending it, and running it once more, from the command line."""

import json
from typing import Any

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from tests.fake import Fault, Lost
from tests.fake.routing import Call
from tests.unit.cli_cluster import VERSION_1, VERSION_2, Desk, plan_status, ready, run_status


@pytest.fixture
def desk() -> Desk:
    """A workflow and an active plan of it."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    return desk


def test_wait_tells_each_phase_once_and_the_end(desk: Desk) -> None:
    """Through a watch: the run is asked for once, and never again and again."""
    desk.run(phase=None)
    desk.connection.steps = [
        lambda: (
            desk.report(LAUNCH_PLAN_EXECUTIONS, "daily-abcde", run_status("Running")),
            desk.report(LAUNCH_PLAN_EXECUTIONS, "daily-abcde", {"startTime": "2026-01-01T00:00:00Z"}),
            desk.ends("daily-abcde", "Succeeded")(),
        )
    ]
    ended = desk.type("wait", "lpx/daily-abcde")
    assert (ended.code, ended.out) == (0, "lpx/daily-abcde: Succeeded\n")
    assert ended.err == "lpx/daily-abcde: Pending\nlpx/daily-abcde: Running\n"
    assert (desk.api.count("list"), desk.api.count("watch")) == (1, 1)


def test_wait_says_what_a_run_waits_for(desk: Desk) -> None:
    """Its own condition's reason and message."""
    waiting = run_status("Queued", conditions=[ready("WorkflowNotFound", "True", "Reconciling", "no report")])
    desk.run(phase="Queued")
    desk.report(LAUNCH_PLAN_EXECUTIONS, "daily-abcde", waiting)
    desk.connection.steps = [desk.ends("daily-abcde", "Rejected")]
    ended = desk.type("wait", "daily-abcde")
    assert ended.code == 6
    assert "lpx/daily-abcde: Queued, WorkflowNotFound: no report\n" in ended.err


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param(Fault(Lost.DROPPED), "trying again", id="the connection breaks"),
        pytest.param(Fault(503), "trying again", id="the server restarts"),
        pytest.param(Fault(410), "", id="the history is gone"),
    ],
)
def test_waiting_goes_on_over_a_connection_that_breaks(desk: Desk, fault: Fault, told: str) -> None:
    """What happened meanwhile is in the next list."""
    desk.run()
    faults = [fault]

    def breaking(call: Call) -> Fault | None:
        if call.verb != "watch" or not faults:
            return None
        desk.ends("daily-abcde", "Failed")()
        return faults.pop()

    desk.api.faults = breaking
    ended = desk.type("wait", "daily-abcde")
    assert (ended.code, faults) == (3, [])
    assert told in ended.err


def test_waiting_goes_on_over_many_watches_that_end(desk: Desk) -> None:
    """As a server that restarts ends them."""
    desk.run()
    desk.connection.steps = [desk.api.break_watches] * 5 + [desk.ends("daily-abcde", "Succeeded")]
    assert desk.type("wait", "daily-abcde").code == 0


def test_a_server_that_stays_away_ends_the_wait_with_a_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that the run goes on."""
    monkeypatch.setattr("launchplan_operator.cli.watching._LAST_PAUSE", 0.001)
    desk.run()
    lists = iter([None])
    desk.api.faults = lambda call: next(lists, Fault(Lost.DROPPED)) if call.verb == "list" else Fault(Lost.DROPPED)
    ended = desk.type("wait", "daily-abcde")
    assert ended.code == 2
    assert "does not answer any more" in ended.err
    assert "what was started goes on" in ended.err


def test_a_server_that_never_answered_is_not_waited_for(desk: Desk) -> None:
    """A mistake in the kubeconfig is told at once."""
    desk.run()
    desk.api.faults = lambda _: Fault(Lost.DROPPED)
    ended = desk.type("wait", "daily-abcde")
    assert (ended.code, "gave no usable answer" in ended.err, desk.api.count("list")) == (2, True, 1)


def test_a_run_deleted_while_waiting_has_a_code_of_its_own(desk: Desk) -> None:
    """Nothing is known of its end."""
    desk.run()
    desk.connection.steps = [desk.deletes(LAUNCH_PLAN_EXECUTIONS, "daily-abcde")]
    ended = desk.type("wait", "daily-abcde")
    assert (ended.code, "was deleted before its end was seen" in ended.err) == (7, True)


def test_a_run_deleted_and_made_anew_is_not_the_same_run(desk: Desk) -> None:
    """Not even where the watch saw neither."""
    desk.run()

    def replace(call: Call) -> Fault | None:
        if call.verb != "watch":
            return None
        desk.deletes(LAUNCH_PLAN_EXECUTIONS, "daily-abcde")()
        desk.run(phase="Succeeded")
        return Fault(410)

    desk.api.faults = replace
    assert desk.type("wait", "daily-abcde").code == 7


def test_wait_gives_up_after_its_time(desk: Desk) -> None:
    """As timeout(1) does."""
    desk.run()
    ended = desk.type("wait", "daily-abcde", "--timeout", "20ms")
    assert (ended.code, "it goes on: kubectl launchplan wait daily-abcde" in ended.err) == (124, True)


def test_wait_for_a_run_that_is_not_there(desk: Desk) -> None:
    """With the nearest name."""
    desk.run()
    ended = desk.type("wait", "daily-abcd")
    assert (ended.code, "did you mean daily-abcde?" in ended.err) == (1, True)


def test_terminate_adds_the_cause(desk: Desk) -> None:
    """And nothing else."""
    desk.run()
    before = desk.get(LAUNCH_PLAN_EXECUTIONS, "daily-abcde")["spec"]
    assert desk.type("terminate", "daily-abcde", "--cause", "wrong city").code == 0
    after = desk.get(LAUNCH_PLAN_EXECUTIONS, "daily-abcde")["spec"]
    assert after == before | {"terminate": {"cause": "wrong city"}}


@pytest.mark.parametrize(
    ("phase", "spec", "words", "code", "told"),
    [
        pytest.param("Failed", {}, ("--cause", "x"), 1, "has ended already: Failed", id="a run that has ended"),
        pytest.param(
            "Running",
            {"terminate": {"cause": "y"}},
            ("--cause", "x"),
            1,
            "was told to end already, with the cause 'y'",
            id="told before",
        ),
        pytest.param("Running", {}, (), 2, "--cause", id="without a cause"),
    ],
)
def test_terminate_refuses(
    desk: Desk, phase: str, spec: dict[str, Any], words: tuple[str, ...], code: int, told: str
) -> None:
    """And writes nothing."""
    desk.run(phase=phase, **spec)
    ended = desk.type("terminate", "daily-abcde", *words)
    assert (ended.code, told in ended.err, desk.api.writes()) == (code, True, [])


def test_relaunch_repeats_version_inputs_and_settings(desk: Desk) -> None:
    """What is given anew takes the place of one input."""
    desk.run(phase="Failed", inputs={"days": 3, "city": "Rome"}, timeout="1m", terminate={"cause": "x"})
    ended = desk.type("relaunch", "daily-abcde", "--input", "days=4")
    assert ended.code == 0
    (name,) = set(desk.names(LAUNCH_PLAN_EXECUTIONS)) - {"daily-abcde"}
    assert desk.get(LAUNCH_PLAN_EXECUTIONS, name)["spec"] == {
        "launchPlanRef": {"kind": "LaunchPlan", "name": "daily", "version": VERSION_2},
        "relaunchOf": "daily-abcde",
        "inputs": {"days": 4, "city": "Rome"},
        "timeout": "1m",
    }


def test_relaunch_of_a_relaunch_repeats_what_both_gave(desk: Desk) -> None:
    """What the later one did not say itself it took over."""
    desk.run("daily-first", phase="Failed", inputs={"days": 3, "city": "Rome"}, timeout="1m")
    desk.run(phase="Failed", inputs={"city": "Oslo"}, relaunchOf="daily-first")
    assert desk.type("relaunch", "daily-abcde").code == 0
    (name,) = set(desk.names(LAUNCH_PLAN_EXECUTIONS)) - {"daily-abcde", "daily-first"}
    spec = desk.get(LAUNCH_PLAN_EXECUTIONS, name)["spec"]
    assert (spec["relaunchOf"], spec["timeout"]) == ("daily-abcde", "1m")
    assert spec["inputs"] == {"days": 3, "city": "Oslo"}


def test_relaunch_needs_the_run_that_gave_the_inputs(desk: Desk) -> None:
    """Without it nobody knows them any more."""
    desk.run(phase="Failed", relaunchOf="daily-gone")
    ended = desk.type("relaunch", "daily-abcde")
    assert (ended.code, "found no LaunchPlanExecution 'daily-gone'" in ended.err) == (1, True)
    assert desk.names(LAUNCH_PLAN_EXECUTIONS) == ["daily-abcde"]


def test_relaunch_waits_as_run_does(desk: Desk) -> None:
    """The exit code is the new run's."""
    desk.run(phase="Succeeded", inputs={"days": 3})

    def end_new() -> None:
        (name,) = set(desk.names(LAUNCH_PLAN_EXECUTIONS)) - {"daily-abcde"}
        desk.ends(name, "TimedOut")()

    desk.connection.steps = [end_new]
    assert desk.type("relaunch", "daily-abcde", "--wait").code == 4


def test_relaunch_of_a_version_that_is_gone_is_refused(desk: Desk) -> None:
    """Nothing is created."""
    desk.run(phase="Failed")
    desk.report(LAUNCH_PLANS, "daily", plan_status(versions=plan_status()["versions"][:1], latestVersion=VERSION_1))
    ended = desk.type("relaunch", "daily-abcde")
    assert (ended.code, "VersionNotFound" in ended.err) == (1, True)
    assert desk.names(LAUNCH_PLAN_EXECUTIONS) == ["daily-abcde"]


def test_relaunch_of_a_run_that_the_plan_no_longer_takes(desk: Desk) -> None:
    """Its inputs are checked as for a new run."""
    desk.run(phase="Failed", inputs={"day": 3})
    assert "UnexpectedInput: spec.inputs.day" in desk.type("relaunch", "daily-abcde").err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            ("resolve", "--plan", "daily", "--input", "days=3"),
            {"mode": "quick", "city": "Oslo", "days": 3},
            id="a plan",
        ),
        pytest.param(
            ("resolve", "--plan", "wfd/report", "--input", "city=x"), {"city": "x", "days": 7}, id="a workflow"
        ),
    ],
)
def test_resolve_asks_the_cluster(desk: Desk, words: tuple[str, ...], expected: dict[str, Any]) -> None:
    """What a run would get, fixed inputs among it."""
    ended = desk.type(*words, "-o", "json")
    assert (ended.code, json.loads(ended.out)) == (0, {"inputs": expected})


def test_resolve_tells_the_findings_of_the_cluster(desk: Desk) -> None:
    """As for manifests."""
    ended = desk.type("resolve", "--plan", "daily")
    assert (ended.code, json.loads(ended.out)[0]["reason"]) == (1, "MissingInput")


def test_next_asks_the_cluster(desk: Desk) -> None:
    """By the plan's own schedule."""
    desk.plan("nightly", schedule={"cron": "0 2 * * *"})
    ended = desk.type("next", "nightly", "--after", "2026-01-01T00:00:00Z", "--count", "1", "-o", "json")
    assert json.loads(ended.out)["times"] == ["2026-01-01T02:00:00Z"]
