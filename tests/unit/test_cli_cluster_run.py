"""`run`, `wait`, `terminate` and `relaunch` through `main`, against the in-memory API server."""

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
from tests.unit.cli_cluster import JOB, NAMESPACE, VERSION_1, VERSION_2, Desk, ready

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
    reasons: dict[str, Any] = {"error": {"kind": "User", "code": "Exit7", "message": "no\nrows"}}
    if phase == "Succeeded":
        reasons = {}
    if phase == "Skipped":
        reasons = {"conditions": [ready("Exit7", message="no\nrows")]}
    outputs = {"outputs": {"rows": 3}} if phase == "Succeeded" else {}
    desk.connection.steps = [lambda: end_only(desk, phase, duration="5s", **reasons, **outputs)]
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
