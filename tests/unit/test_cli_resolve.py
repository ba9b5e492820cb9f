"""`resolve`: what a run would get, from manifests."""

import io
from pathlib import Path
from typing import Any

import pytest

from launchplan_operator.cli.catalogue import catalogue_of
from launchplan_operator.cli.manifests import read_manifests
from tests.unit.cli import call

WORKFLOW = """---
apiVersion: launchplan.dev/v1alpha1
kind: WorkflowDefinition
metadata: {name: report}
spec:
  interface:
    inputs:
      - {name: day, type: datetime}
      - {name: rows, type: integer, default: 10}
      - {name: ratio, type: float, default: 0.5}
      - {name: dry, type: boolean, default: false}
      - {name: title, type: string, default: none}
      - {name: mode, type: "enum[full, quick]", default: quick}
      - {name: extra, type: struct, default: {}}
  job: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox}]}}}
"""
PLAN = """---
apiVersion: launchplan.dev/v1alpha1
kind: LaunchPlan
metadata: {name: nightly}
spec:
  workflowRef: {name: report}
  defaultInputs: {rows: 20, title: "y"}
  fixedInputs: {mode: full}
"""
DAY = "2026-01-31T00:00:00Z"
GIVEN = {"day": DAY, "rows": 20, "ratio": 0.5, "dry": False, "title": "y", "mode": "full", "extra": {}}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with the workflow and its plan."""
    (tmp_path / "workflow.yaml").write_text(WORKFLOW, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        pytest.param([f"day={DAY}"], {}, id="defaults of both and the fixed one"),
        pytest.param([f"day={DAY}", "rows= 7 "], {"rows": 7}, id="an integer"),
        pytest.param([f"day={DAY}", "ratio=1e3"], {"ratio": 1000.0}, id="a float"),
        pytest.param([f"day={DAY}", "dry=T"], {"dry": True}, id="a boolean as Go reads it"),
        pytest.param([f"day={DAY}", "title=3"], {"title": "3"}, id="a string that is a number's text"),
        pytest.param([f"day={DAY}", "title=a=b"], {"title": "a=b"}, id="a text with an equals sign"),
        pytest.param([f"day={DAY}", "title="], {"title": ""}, id="an empty text"),
        pytest.param([f"day={DAY}", 'extra={"a": [1]}'], {"extra": {"a": [1]}}, id="a JSON object"),
    ],
)
def test_a_text_is_read_by_the_declared_type(
    capsys: pytest.CaptureFixture[str], files: Path, arguments: list[str], changed: dict[str, Any]
) -> None:
    """The caller's value beats the plan's default, which beats the workflow's."""
    inputs = [part for argument in arguments for part in ("--input", argument)]
    ended = call(capsys, "resolve", "-f", files, "--plan", "nightly", *inputs)
    assert (ended.code, ended.data) == (0, {"inputs": GIVEN | changed})


def test_a_file_gives_values_by_their_json_kind(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """A text on the command line wins over it."""
    (files / "values.txt").write_text(f"day: {DAY}\nrows: 0x10\ntitle: from the file\n", encoding="utf-8")
    arguments = ("resolve", "-f", files, "--plan", "nightly", "--inputs", files / "values.txt")
    assert call(capsys, *arguments).data == {"inputs": GIVEN | {"rows": 16, "title": "from the file"}}
    assert call(capsys, *arguments, "--input", "rows=3").data["inputs"]["rows"] == 3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], [("MissingInput", "spec.inputs.day")], id="a required input"),
        pytest.param(
            ["rows=x", "mode=quick", "nmae=1"],
            [
                ("FixedInputOverride", "spec.inputs.mode"),
                ("UnexpectedInput", "spec.inputs.nmae"),
                ("TypeMismatch", "spec.inputs.rows"),
                ("MissingInput", "spec.inputs.day"),
            ],
            id="everything at once",
        ),
        pytest.param(
            [f"day={DAY}", "rows=9223372036854775808"], [("TypeMismatch", "spec.inputs.rows")], id="too large"
        ),
        pytest.param(["day=tomorrow"], [("TypeMismatch", "spec.inputs.day")], id="no instant"),
    ],
)
def test_what_forbids_the_run_is_found(
    capsys: pytest.CaptureFixture[str], files: Path, arguments: list[str], expected: list[tuple[str, str]]
) -> None:
    """The findings are those of lint, all of them errors."""
    inputs = [part for argument in arguments for part in ("--input", argument)]
    ended = call(capsys, "resolve", "-f", files, "--plan", "nightly", *inputs)
    assert ended.code == 1
    assert [(each["reason"], each["path"]) for each in ended.data] == expected
    assert {each["severity"] for each in ended.data} == {"error"}
    assert {(each["file"], each["kind"], each["name"]) for each in ended.data} == {
        (str(files / "plan.yaml"), "LaunchPlan", "nightly")
    }


def test_findings_as_text_go_to_stderr(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """Whoever pipes the inputs on gets nothing."""
    ended = call(capsys, "resolve", "-f", files, "--plan", "nightly", "-o", "text")
    assert (ended.code, ended.out) == (1, "")
    assert "spec.inputs.day: MissingInput: " in ended.err


def test_inputs_as_text_are_a_table(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """Values stand there as JSON, so that 3 and "3" differ."""
    ended = call(capsys, "resolve", "-f", files, "--plan", "lp/nightly", "--input", f"day={DAY}", "-o", "text")
    assert ended.out.splitlines()[:3] == ["INPUT   VALUE", f'day     "{DAY}"', "rows    20"]


def test_yaml_quotes_what_would_come_back_as_something_else(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """The string y is no boolean."""
    ended = call(capsys, "resolve", "-f", files, "--plan", "nightly", "--input", f"day={DAY}", "-o", "yaml")
    assert "title: 'y'\n" in ended.out


def test_a_bare_workflow_has_its_own_defaults(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """wfd/NAME is a workflow without a plan."""
    ended = call(capsys, "resolve", "-f", files, "--plan", "wfd/report", "--input", f"day={DAY}")
    assert ended.data == {"inputs": GIVEN | {"rows": 10, "title": "none", "mode": "quick"}}


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        pytest.param("other", "PlanNotFound", id="a plan that is not there"),
        pytest.param("wfd/other", "WorkflowNotFound", id="a workflow that is not there"),
    ],
)
def test_what_is_not_there_is_an_error(capsys: pytest.CaptureFixture[str], files: Path, plan: str, reason: str) -> None:
    """Nothing could be resolved."""
    ended = call(capsys, "resolve", "-f", files, "--plan", plan)
    assert ended.code == 1
    assert [each["reason"] for each in ended.data] == [reason]


def test_an_invalid_plan_resolves_to_its_findings(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """A run of it would not start."""
    (files / "plan.yaml").write_text(PLAN.replace("mode: full", "mode: slow"), encoding="utf-8")
    ended = call(capsys, "resolve", "-f", files, "--plan", "nightly", "--input", f"day={DAY}")
    assert [each["reason"] for each in ended.data] == ["PlanInvalid"]
    assert "TypeMismatch" in ended.data[0]["message"]


def test_a_version_is_resolved_if_it_is_the_one_at_hand(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """By its name, or by the hash that the cluster would give it; another one is in the cluster at best."""
    plan = catalogue_of(read_manifests([str(files)]).manifests).plan("", "nightly")
    assert plan is not None
    assert len(plan.version) == 10
    arguments = ("resolve", "-f", files, "--plan", "nightly", "--input", f"day={DAY}", "--version")
    assert call(capsys, *arguments, plan.version).code == 0
    ended = call(capsys, *arguments, "v9")
    assert [(ended.code, each["reason"]) for each in ended.data] == [(1, "VersionNotFound")]


def test_a_version_counts_the_defaults_of_the_api_server(files: Path) -> None:
    """A plan that spells a default out is the same version as one that leaves it to the server."""
    schedule = "  defaultInputs: {day: '2026-01-31T00:00:00Z'}\n  schedule: {cron: '@daily'"
    texts = (f"{schedule}}}\n", f"{schedule}, timeZone: UTC, engine: Auto}}\n")
    versions = []
    for text in texts:
        (files / "plan.yaml").write_text(
            PLAN.replace('  defaultInputs: {rows: 20, title: "y"}\n', text), encoding="utf-8"
        )
        plan = catalogue_of(read_manifests([str(files)]).manifests).plan("", "nightly")
        assert plan is not None
        versions.append(plan.version)
    assert versions[0] == versions[1] != ""


def test_a_name_in_two_namespaces_must_be_chosen(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    """-n chooses."""
    for namespace in ("a", "b"):
        text = (WORKFLOW + PLAN).replace("metadata: {", f"metadata: {{namespace: {namespace}, ")
        (files / f"{namespace}.yaml").write_text(text, encoding="utf-8")
    (files / "plan.yaml").unlink()
    arguments = ("resolve", "-f", files, "--plan", "nightly", "--input", f"day={DAY}")
    ended = call(capsys, *arguments)
    assert (ended.code, "choose one with -n" in ended.err) == (2, True)
    assert call(capsys, *arguments, "-n", "b").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--input", "rows"], "expected name=value", id="a text without a value"),
        pytest.param(["--input", "=1"], "expected name=value", id="a value without a name"),
        pytest.param(["--input", "a=1", "--input", "a=2"], "'a' twice", id="an input twice"),
        pytest.param(["--inputs", "no/such/file"], "cannot read", id="a file that is not there"),
        pytest.param(["--inputs", "-"], "-: found no object", id="a list as inputs"),
    ],
)
def test_a_wrong_call_is_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    files: Path,
    arguments: list[str],
    said: str,
) -> None:
    """The exit code is 2."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"[1]")))
    ended = call(capsys, "resolve", "-f", files, "--plan", "nightly", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err
