"""`run`, `wait`, `terminate` and `relaunch` through `main`, against the in-memory API server."""

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.execution import Phase
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.cli.outcomes import EXIT_CODES
from launchplan_operator.cli.requests import request_name
from tests.fake import Fault, Lost
from tests.fake.routing import Call
from tests.unit.cli_cluster import JOB, NAMESPACE, VERSION_1, VERSION_2, Desk, plan_status, ready, run_status

SLOT_NAME = re.compile(r"-[0-9]{7,9}$")


@pytest.fixture
def desk() -> Desk:
    """A workflow and an active plan of it."""
    desk = Desk()
    desk.workflow()
    desk.plan()
    return desk


def only_run(desk: Desk) -> dict[str, Any]:
    """Return the spec of the one run that was created."""
    (name,) = desk.names(LAUNCH_PLAN_EXECUTIONS)
    spec: dict[str, Any] = desk.get(LAUNCH_PLAN_EXECUTIONS, name)["spec"]
    return spec


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("daily", "--input", "days=3"), {"days": 3}, id="a text is read by the declared type"),
        pytest.param(
            ("lp/daily", "--input", "days=3", "--input", "city=7"), {"days": 3, "city": "7"}, id="a text stays a text"
        ),
        pytest.param(("wfd/report", "--input", "city=Rome"), {"city": "Rome"}, id="a workflow without a plan"),
    ],
)
def test_run_creates_an_execution(desk: Desk, words: tuple[str, ...], expected: dict[str, Any]) -> None:
    """The caller's inputs alone stand in it, and no label."""
    ended = desk.type("run", *words)
    assert ended.code == 0
    spec = only_run(desk)
    assert spec["inputs"] == expected
    assert spec["launchPlanRef"]["kind"] == ("WorkflowDefinition" if words[0].startswith("wfd/") else "LaunchPlan")
    (name,) = desk.names(LAUNCH_PLAN_EXECUTIONS)
    assert ended.out == f"lpx/{name} created\n"
    assert "labels" not in desk.get(LAUNCH_PLAN_EXECUTIONS, name)["metadata"]


def test_a_file_gives_inputs_and_a_text_beats_it(desk: Desk) -> None:
    """Values of a file are of their JSON kind."""
    ended = desk.type("run", "daily", "--inputs", "-", "--input", "city=Rome", stdin="days: 4\ncity: Oslo\n")
    assert (ended.code, only_run(desk)["inputs"]) == (0, {"days": 4, "city": "Rome"})


@pytest.mark.parametrize(
    ("words", "found"),
    [
        pytest.param((), ["MissingInput: spec.inputs.days"], id="a required input is missing"),
        pytest.param(
            ("--input", "day=3"),
            ["UnexpectedInput: spec.inputs.day", "did you mean 'days'?", "MissingInput"],
            id="a name is misspelt, which leaves another without a value",
        ),
        pytest.param(
            ("--input", "days=x"), ["TypeMismatch: spec.inputs.days", "found the text 'x'"], id="a text is no integer"
        ),
        pytest.param(
            ("--input", "days=3", "--input", "mode=full"), ["FixedInputOverride: spec.inputs.mode"], id="a fixed input"
        ),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_mistakes_are_told_before_anything_is_created(
    desk: Desk, words: tuple[str, ...], found: list[str], dry: tuple[str, ...]
) -> None:
    """Each with the operator's reason, its path and its hint; nothing is sent to be written."""
    ended = desk.type("run", "daily", *words, *dry)
    assert (ended.code, ended.out, desk.api.writes()) == (1, "", [])
    assert all(text in ended.err for text in found), ended.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(
            ("dayly",),
            1,
            "found no LaunchPlan 'dayly' in the namespace 'default' (did you mean daily?)",
            id="a plan that is misspelt",
        ),
        pytest.param(("report",), 1, "did you mean the workflow, wfd/report?", id="a workflow's name without its kind"),
        pytest.param(
            ("lpx/daily",), 2, "found 'lpx/daily', expected NAME or lp/NAME or wfd/NAME", id="a kind that cannot run"
        ),
        pytest.param(("lp/",), 2, "found 'lp/', expected", id="no name"),
        pytest.param(
            ("Daily",), 2, "found the name 'Daily', expected lower-case letters", id="a name that none can have"
        ),
        pytest.param(("../x",), 2, "found '../x', expected NAME", id="a path"),
        pytest.param(("daily?x=1",), 2, "found the name 'daily?x=1'", id="a query"),
        pytest.param(("daily", "-n", "a/b"), 2, "found the name 'a/b'", id="a namespace that none can be"),
        pytest.param(
            ("daily", "--version", "3"),
            1,
            f"VersionNotFound: found no version '3' of the plan 'daily'; it has {VERSION_2}, {VERSION_1}",
            id="an unknown version",
        ),
        pytest.param(
            ("wfd/report", "--version", "3", "--input", "city=x"),
            1,
            "VersionNotFound: found the version '3'",
            id="an old version of a workflow",
        ),
        pytest.param(
            ("daily", "--input", "days"), 2, "found --input 'days', expected name=value", id="an input without a value"
        ),
        pytest.param(("daily", "--input", "days=1", "--input", "days=2"), 2, "twice", id="an input given twice"),
        pytest.param(("daily", "--inputs", "/nowhere.yaml"), 2, "/nowhere.yaml", id="a file that is not there"),
        pytest.param(
            ("daily", "--timeout", "soon"), 2, "found 'soon', expected a duration", id="a time-out that is none"
        ),
        pytest.param((), 2, "PLAN", id="no plan"),
    ],
)
def test_run_refuses(desk: Desk, words: tuple[str, ...], code: int, told: str) -> None:
    """One sentence on stderr, nothing on stdout, nothing written."""
    ended = desk.type("run", *words)
    assert (ended.code, ended.out, desk.api.writes()) == (code, "", [])
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_a_plan_that_was_never_valid_is_told_with_its_finding() -> None:
    """The operator would reject the run for it."""
    desk = Desk()
    conditions = [ready("CronInvalid", "False", message="spec.schedule.cron: found 61"), ready("x", "True", "Stalled")]
    desk.plan(status={"observedGeneration": 1, "conditions": conditions})
    ended = desk.type("run", "daily")
    assert (ended.code, desk.api.writes()) == (1, [])
    assert "PlanInvalid: the LaunchPlan 'daily' is not valid: CronInvalid: spec.schedule.cron: found 61" in ended.err


@pytest.mark.parametrize(
    ("spec", "status", "told"),
    [
        pytest.param(
            {"interface": {"inputs": [{"name": "x", "type": "int"}]}},
            {},
            "TypeInvalid: spec.interface.inputs[x].type: found the type 'int'",
            id="by its spec",
        ),
        pytest.param(
            {},
            {"conditions": [ready("JobRefused", "False", message="no image"), ready("x", "True", "Stalled")]},
            "WorkflowInvalid: the WorkflowDefinition 'bad' is not valid: JobRefused: no image",
            id="by what the operator says of it",
        ),
    ],
)
def test_a_workflow_that_is_not_valid_is_not_run(spec: dict[str, Any], status: dict[str, Any], told: str) -> None:
    """The operator would reject the run for it."""
    desk = Desk()
    desk.workflow("bad", **spec)
    desk.report(WORKFLOW_DEFINITIONS, "bad", status)
    ended = desk.type("run", "wfd/bad", "--input", "city=x")
    assert (ended.code, desk.api.writes()) == (1, [])
    assert told in ended.err


def test_a_plan_that_the_operator_has_not_seen_is_checked_by_its_spec() -> None:
    """Its workflow says what may be passed, its own values count."""
    desk = Desk()
    desk.workflow()
    desk.plan(status={}, fixedInputs={"days": 1})
    assert "FixedInputOverride" in desk.type("run", "daily", "--input", "days=2").err
    assert desk.type("run", "daily").code == 0


def test_an_older_version_is_checked_by_what_it_was(desk: Desk) -> None:
    """Its own inputs count, not those of the newest version; the run names it."""
    old = {"interface": {"inputs": [{"name": "town", "type": "string"}]}, "job": JOB}
    desk.revision("daily", "1" * 64, {"workflowRef": {"name": "report"}}, old)
    assert "UnexpectedInput" in desk.type("run", "daily", "--version", VERSION_1, "--input", "days=3").err
    assert desk.type("run", "daily", "--version", VERSION_1, "--input", "town=Oslo").code == 0
    assert only_run(desk)["launchPlanRef"]["version"] == VERSION_1


def test_a_pinned_older_version_is_what_a_run_without_a_version_gets(desk: Desk) -> None:
    """Its defaults fill what is not given."""
    desk.report(LAUNCH_PLANS, "daily", {"activeVersion": VERSION_1})
    desk.revision("daily", "1" * 64, {"workflowRef": {"name": "report"}, "defaultInputs": {"city": "Rome"}})
    assert desk.type("run", "daily").code == 0
    assert "version" not in only_run(desk)["launchPlanRef"]


def test_who_may_not_read_revisions_is_checked_by_the_newest_version(desk: Desk) -> None:
    """And is told so."""
    desk.api.faults = lambda call: Fault(403) if call.kind.plural == "controllerrevisions" else None
    ended = desk.type("run", "daily", "--version", VERSION_1, "--input", "days=3")
    assert ended.code == 0
    assert "checked against the newest version" in ended.err


def test_a_dry_run_prints_what_the_server_took_and_creates_nothing(desk: Desk) -> None:
    """The manifest can be applied as it is."""
    ended = desk.type("run", "daily", "--input", "days=3", "--dry-run")
    manifest = yaml.safe_load(ended.out)
    assert (ended.code, manifest["kind"], manifest["spec"]["inputs"]) == (0, "LaunchPlanExecution", {"days": 3})
    assert desk.names(LAUNCH_PLAN_EXECUTIONS) == []
    assert [call.request.query["dryRun"] for call, _ in desk.api.log if call.verb == "create"] == ["All"]
    desk.api.do("POST", LAUNCH_PLAN_EXECUTIONS.path(NAMESPACE), manifest)


def test_a_dry_run_tells_what_the_server_refuses(desk: Desk) -> None:
    """In the server's words."""
    desk.api.faults = lambda call: Fault(422, message="no such field") if call.verb == "create" else None
    ended = desk.type("run", "daily", "--input", "days=3", "--dry-run")
    assert (ended.code, ended.out) == (1, "")
    assert "the API server refuses it: no such field" in ended.err


@pytest.mark.parametrize(("phase", "code"), EXIT_CODES.items())
def test_the_exit_code_says_how_the_run_ended(desk: Desk, phase: str, code: int) -> None:
    """What came out, or why not, is told as well."""
    error = {} if phase == "Succeeded" else {"error": {"kind": "User", "code": "Exit7", "message": "no\nrows"}}
    outputs = {"outputs": {"rows": 3}} if phase == "Succeeded" else {}
    desk.connection.steps = [lambda: end_only(desk, phase, duration="5s", **error, **outputs)]
    ended = desk.type("run", "daily", "--input", "days=3", "--wait")
    (name,) = desk.names(LAUNCH_PLAN_EXECUTIONS)
    assert ended.code == code
    told = "\n  rows: 3\n" if phase == "Succeeded" else ": Exit7: no rows\n"
    assert ended.out == f"lpx/{name}: {phase} in 5s{told}"
    assert ended.err.startswith(f"lpx/{name}: created\n")


def end_only(desk: Desk, phase: str, **status: Any) -> None:
    """Let the one run end."""
    (name,) = desk.names(LAUNCH_PLAN_EXECUTIONS)
    desk.ends(name, phase, **status)()


def test_each_terminal_phase_has_an_exit_code_of_its_own() -> None:
    """No two ends are taken for one another."""
    assert EXIT_CODES.keys() == {phase.value for phase in Phase if phase.terminal}
    assert len(set(EXIT_CODES.values())) == len(EXIT_CODES)
    assert {code for code in EXIT_CODES.values() if code} & {1, 2, 7, 70, 124, 130, 141} == set()


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_ended_run_can_be_read_by_programs(desk: Desk, form: str) -> None:
    """The whole object, on stdout alone."""
    desk.connection.steps = [lambda: end_only(desk, "Failed")]
    ended = desk.type("run", "daily", "--input", "days=3", "--wait", "-o", form)
    assert ended.code == 3
    assert yaml.safe_load(ended.out)["status"]["phase"] == "Failed"


def test_the_name_alone_can_be_asked_for(desk: Desk) -> None:
    """As kubectl writes it."""
    ended = desk.type("run", "daily", "--input", "days=3", "-o", "name")
    assert ended.out == f"lpx/{desk.names(LAUNCH_PLAN_EXECUTIONS)[0]}\n"


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_never_makes_two_runs(desk: Desk, applied: bool) -> None:
    """The name is ours: it tells whether the server did the work."""
    faults = [Fault(Lost.DROPPED, applied=applied)]
    desk.api.faults = lambda call: faults.pop() if call.verb == "create" and faults else None
    ended = desk.type("run", "daily", "--input", "days=3")
    assert ended.code == (0 if applied else 2)
    assert len(desk.names(LAUNCH_PLAN_EXECUTIONS)) == (1 if applied else 0)


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True), st.binary(min_size=5, max_size=5))
def test_no_name_of_a_run_is_a_slots(launcher: str, noise: bytes) -> None:
    """Whatever the plan is called and whatever the noise."""
    name = request_name(launcher, noise)
    assert SLOT_NAME.search(name) is None
    assert len(name) <= 63
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)


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
