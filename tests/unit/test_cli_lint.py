"""`lint`: what the API server and the operator would say, without either."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from launchplan_operator.cli.checks import lint
from launchplan_operator.cli.manifests import Stream, Unreadable, parse_manifests
from tests.unit.cli import call, objects

ROOT = Path(__file__).parents[2]
KEYS = ["file", "kind", "namespace", "name", "path", "reason", "severity", "message"]
WORKFLOW = """---
apiVersion: launchplan.dev/v1alpha1
kind: WorkflowDefinition
metadata: {name: greet}
spec:
  interface:
    inputs:
      - {name: name, type: string}
      - {name: times, type: integer, default: 1}
  job:
    template:
      spec:
        restartPolicy: Never
        containers: [{name: main, image: busybox}]
"""


def plan(spec: str, name: str = "hello", namespace: str = "") -> str:
    """Return a plan of the workflow with some lines of spec."""
    place = f", namespace: {namespace}" if namespace else ""
    return (
        f"---\napiVersion: launchplan.dev/v1alpha1\nkind: LaunchPlan\nmetadata: {{name: {name}{place}}}\n"
        f"spec:\n  workflowRef: {{name: greet}}\n{spec}\n"
    )


def run(spec: str, metadata: str = "{name: once}") -> str:
    """Return an execution with some lines of spec."""
    return f"---\napiVersion: launchplan.dev/v1alpha1\nkind: LaunchPlanExecution\nmetadata: {metadata}\nspec:\n{spec}\n"


def scheduled(schedule: str, inputs: str = "defaultInputs: {name: x}") -> str:
    """Return an active plan with these fields of a schedule."""
    return plan(f"  autoActivate: true\n  {inputs}\n  schedule: {{{schedule}}}")


HELLO = plan("  defaultInputs: {name: Ada}\n  fixedInputs: {times: 3}")


def found(text: str, **options: Any) -> list[tuple[str, str, str]]:
    """Return severity, path and reason of each finding of a text."""
    stream = Stream()
    for each in parse_manifests(text.encode(), "x.yaml"):
        if isinstance(each, Unreadable):
            stream.unreadable.append(each)
        else:
            stream.manifests.append(each)
    return [(r.severity, r.finding.path, str(r.finding.reason)) for r in lint(stream, **options)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WORKFLOW + HELLO, id="a workflow and its plan"),
        pytest.param(HELLO + WORKFLOW, id="a plan before its workflow"),
        pytest.param(WORKFLOW + HELLO + run("  launchPlanRef: {name: hello}"), id="a run with what the plan gives"),
        pytest.param(
            WORKFLOW + HELLO + run("  launchPlanRef: {name: hello}\n  inputs: {name: Bob}"), id="a run with its own"
        ),
        pytest.param(
            WORKFLOW + run("  launchPlanRef: {kind: WorkflowDefinition, name: greet}\n  inputs: {name: x}"),
            id="a run of a bare workflow",
        ),
        pytest.param(
            WORKFLOW + run("  launchPlanRef: {kind: WorkflowDefinition, name: greet}\n  relaunchOf: x"),
            id="a run once more, whose inputs only the cluster has",
        ),
        pytest.param(
            WORKFLOW
            + run(
                "  launchPlanRef: {kind: WorkflowDefinition, name: greet}\n  inputs: {name: x}",
                "{generateName: greet-}",
            ),
            id="a run without a name of its own",
        ),
        pytest.param("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A_B}\n", id="a kind of others"),
        pytest.param("# nothing\n---\n---\n# Source: x\n\n---\n", id="nothing but noise"),
        pytest.param("replicas: 3\nimage: x\n", id="a chart's values"),
        pytest.param(
            WORKFLOW + plan("  autoActivate: true\n  defaultInputs: {name: x}\n  schedule: {cron: '0 1 * * *'}"),
            id="an active schedule",
        ),
        pytest.param(WORKFLOW + plan("  defaultInputs: {name: x}\n  suspend: null"), id="a null that is a default"),
        pytest.param(
            WORKFLOW
            + scheduled("fixedRate: {value: 7, unit: Hour}, startTime: '2026-01-01T00:00:00Z', jitter: 1h")
            + "  concurrency: {max: 1, behavior: Queue}\n",
            id="a schedule that only the operator keeps",
        ),
        pytest.param(
            WORKFLOW.replace("type: string", "type: datetime")
            + scheduled("cron: '@hourly', kickoffTimeInput: name, kickoffTimeOffset: -1h", "fixedInputs: {}"),
            id="a required input that gets the slot's time",
        ),
    ],
)
def test_what_is_right_has_no_finding(text: str) -> None:
    """Nothing is said of manifests that would be obeyed."""
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            plan("  sed: 1"),
            [("error", "spec.sed", "UnknownField"), ("warning", "spec.workflowRef.name", "WorkflowNotFound")],
            id="an unknown field, and a workflow that may be in the cluster",
        ),
        pytest.param(
            WORKFLOW + plan("  fixedInputs: {name: x}\n  schedule: {cron: '0 1 * * *'}"),
            [("warning", "spec.autoActivate", "Inactive")],
            id="a schedule that will not start",
        ),
        pytest.param(
            WORKFLOW + plan("  autoActivate: true\n  schedule: {cron: '0 9 * * 7'}"),
            [
                ("error", "spec.defaultInputs.name", "ScheduleUnboundInput"),
                ("error", "spec.schedule.cron", "CronInvalid"),
            ],
            id="several at once",
        ),
        pytest.param(
            WORKFLOW + plan("  retries: '3'"), [("error", "spec.retries", "InvalidSpec")], id="a number as text"
        ),
        pytest.param(
            WORKFLOW + plan("  timeout: 1.5s"),
            [("error", "spec.timeout", "DurationInvalid")],
            id="what a rule of the CRD refuses",
        ),
        pytest.param(
            WORKFLOW + plan("  labels: {launchplan.dev/x: z}"),
            [("error", "spec.labels", "LabelInvalid")],
            id="a label of ours",
        ),
        pytest.param(
            WORKFLOW + plan("  autoActivate: true\n  schedule: {cron: '@daily', fixedRate: {value: 1, unit: Days}}"),
            [("error", "spec.schedule.fixedRate.unit", "InvalidSpec")],
            id="an enum",
        ),
        pytest.param(
            WORKFLOW + plan("  autoActivate: true\n  schedule: {cron: '@daily', fixedRate: {value: 1, unit: Day}}"),
            [("error", "spec.schedule", "InvalidSpec")],
            id="two that exclude each other",
        ),
        pytest.param(
            WORKFLOW + plan("  workflow: greet", name="Hello_World"),
            [("error", "metadata.name", "NameInvalid"), ("error", "spec.workflow", "UnknownField")],
            id="a name that DNS does not take",
        ),
        pytest.param(WORKFLOW + plan("", name="a" * 53), [("error", "metadata.name", "NameInvalid")], id="a long name"),
        pytest.param(
            WORKFLOW + plan("", namespace="a.b"),
            [("error", "metadata.namespace", "NameInvalid"), ("warning", "spec.workflowRef.name", "WorkflowNotFound")],
            id="a namespace that is none",
        ),
        pytest.param(
            "apiVersion: launchplan.dev/v1alpha1\nkind: LaunchPlan\nmetadata: {name: a, labels: {x: yes}}\nspecs: {}\n",
            [
                ("error", "metadata.labels.x", "InvalidSpec"),
                ("error", "specs", "UnknownField"),
                ("error", "spec", "InvalidSpec"),
            ],
            id="a misspelt spec and a label that is a boolean",
        ),
        pytest.param(
            WORKFLOW + HELLO + HELLO,
            [("warning", "metadata.name", "DefinedTwice")] * 2,
            id="one plan twice",
        ),
        pytest.param(
            HELLO.replace("v1alpha1", "v1"), [("error", "apiVersion", "KindUnknown")], id="a version that is not served"
        ),
        pytest.param(
            HELLO.replace("kind: LaunchPlan", "kind: Launchplan"), [("error", "kind", "KindUnknown")], id="a wrong kind"
        ),
        pytest.param(
            HELLO.replace("apiVersion: launchplan.dev/v1alpha1\n", ""),
            [("error", "apiVersion", "KindUnknown")],
            id="a kind of ours without apiVersion",
        ),
        pytest.param(
            WORKFLOW.replace("integer", "int"),
            [("error", "spec.interface.inputs[times].type", "TypeInvalid")],
            id="a type that is none",
        ),
        pytest.param(
            WORKFLOW.replace("name: times", "name: name"),
            [("error", "spec.interface.inputs[1].name", "InvalidSpec")],
            id="an input twice",
        ),
        pytest.param(
            WORKFLOW.replace("name: times", "name: Name") + HELLO,
            [
                ("error", "spec.interface.inputs[Name]", "InputNameCollision"),
                ("error", "spec.workflowRef.name", "WorkflowInvalid"),
            ],
            id="a workflow that is wrong, and so its plan",
        ),
        pytest.param(
            WORKFLOW + HELLO + run("  launchPlanRef: {name: hello}\n  inputs: {times: 1, nmae: x}"),
            [("error", "spec.inputs.times", "FixedInputOverride"), ("error", "spec.inputs.nmae", "UnexpectedInput")],
            id="a run that overrides and misspells",
        ),
        pytest.param(
            run("  launchPlanRef: {name: hello}"),
            [("warning", "spec.launchPlanRef.name", "PlanNotFound")],
            id="a run of a plan that may be in the cluster",
        ),
        pytest.param(
            HELLO + run("  launchPlanRef: {name: hello}"),
            [
                ("warning", "spec.workflowRef.name", "WorkflowNotFound"),
                ("warning", "spec.launchPlanRef.name", "PlanInvalid"),
            ],
            id="a run of a plan whose workflow may be in the cluster",
        ),
        pytest.param(
            WORKFLOW + HELLO + run("  launchPlanRef: {name: hello}", "{name: hello-29712345}"),
            [("error", "metadata.name", "SlotNameTaken")],
            id="a run with a slot's name",
        ),
        pytest.param(
            WORKFLOW + HELLO + run("  launchPlanRef: {name: hello, version: v9}"),
            [("warning", "spec.launchPlanRef.version", "VersionNotFound")],
            id="a run of a version that may be in the cluster",
        ),
        pytest.param(
            WORKFLOW + plan("  version: v1").replace("{name: greet}", "{name: greet, version: v2}"),
            [("warning", "spec.workflowRef.version", "WorkflowVersionNotFound")],
            id="a workflow's version that may be in the cluster",
        ),
        pytest.param(
            WORKFLOW + HELLO + run("  launchPlanRef: {name: hello}\n  env: [{name: A, value: b}]"),
            [("error", "spec.env[A]", "NotPermitted")],
            id="a run that asks for more than its workflow allows",
        ),
        pytest.param(
            WORKFLOW + plan("  identity: {serviceAccountName: admin}"),
            [("error", "spec.identity.serviceAccountName", "NotPermitted")],
            id="a plan that asks for more than its workflow allows",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@daily', startTime: '2026-01-02T00:00:00Z', endTime: '2026-01-01T00:00:00Z'"),
            [("error", "spec.schedule", "InvalidSpec")],
            id="an end before its start",
        ),
        pytest.param(
            WORKFLOW
            + scheduled("cron: '0 9 * * *', startTime: '2026-01-01T10:00:00Z', endTime: '2026-01-01T11:00:00Z'"),
            [("error", "spec.schedule.endTime", "CronNeverFires")],
            id="no slot between start and end",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', jitter: 1h"),
            [("error", "spec.schedule.jitter", "JitterTooLong")],
            id="a jitter as long as the interval",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', jitter: 0s"),
            [("error", "spec.schedule.jitter", "DurationInvalid")],
            id="a jitter of nothing",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', kickoffTimeInput: day"),
            [("error", "spec.schedule.kickoffTimeInput", "KickoffUnknown")],
            id="an input for the time that is not there",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', kickoffTimeInput: name"),
            [("error", "spec.schedule.kickoffTimeInput", "KickoffWrongType")],
            id="an input for the time that holds none",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', kickoffTimeOffset: 1h"),
            [("error", "spec.schedule", "InvalidSpec")],
            id="an offset and nothing to move",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', kickoffTimeInput: day, kickoffTimeOffset: 9999999h"),
            [("error", "spec.schedule.kickoffTimeOffset", "DurationInvalid")],
            id="an offset that no duration holds",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', catchUp: {policy: All, max: 0}"),
            [("error", "spec.schedule.catchUp.max", "InvalidSpec")],
            id="a catch-up of none",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', jitter: 5m, engine: CronJob"),
            [("error", "spec.schedule.jitter", "EngineCannotServe")],
            id="jitter on a CronJob",
        ),
        pytest.param(
            WORKFLOW + scheduled("fixedRate: {value: 7, unit: Minute}, engine: CronJob"),
            [("error", "spec.schedule.fixedRate", "EngineCannotServe")],
            id="an uneven rate on a CronJob",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', kickoffTimeInput: name", "fixedInputs: {name: x}"),
            [("error", "spec.schedule.kickoffTimeInput", "KickoffWrongType")],
            id="a fixed input for the time, that holds none",
        ),
        pytest.param(
            WORKFLOW.replace("type: string", "type: datetime")
            + scheduled("cron: '@hourly', kickoffTimeInput: name", "fixedInputs: {name: '2026-01-01T00:00:00Z'}"),
            [("error", "spec.schedule.kickoffTimeInput", "KickoffFixed")],
            id="a fixed input for the time",
        ),
        pytest.param(
            WORKFLOW + scheduled("cron: '@hourly', engine: CronJob") + "  concurrency: {max: 1}\n",
            [("error", "spec.concurrency", "EngineCannotServe")],
            id="a limit on a CronJob",
        ),
        pytest.param(
            WORKFLOW + HELLO + "  concurrency: {max: 0}\n",
            [("error", "spec.concurrency.max", "InvalidSpec")],
            id="no run",
        ),
        pytest.param(
            WORKFLOW + HELLO + "  concurrency: {max: 1, queue: {max: 5}}\n",
            [("error", "spec.concurrency", "InvalidSpec")],
            id="a queue without queueing",
        ),
        pytest.param("a: [1\n---\n" + HELLO + WORKFLOW, [("error", "line 2", "ManifestUnreadable")], id="broken YAML"),
        pytest.param("- 1\n", [("error", "line 1", "ManifestUnreadable")], id="no object"),
    ],
)
def test_what_is_wrong_is_found(text: str, expected: list[tuple[str, str, str]]) -> None:
    """Each finding has its place and its reason; what another object may mend is a warning."""
    assert found(text) == expected


def test_strict_makes_warnings_errors() -> None:
    """A stream that should be whole is checked as a whole."""
    assert found(HELLO, strict=True) == [("error", "spec.workflowRef.name", "WorkflowNotFound")]


@pytest.mark.parametrize(
    ("workflow", "wanted", "namespace", "is_found"),
    [
        pytest.param("", "", "", True, id="both name none"),
        pytest.param("a", "a", "", True, id="both name the same"),
        pytest.param("a", "b", "", False, id="each names another"),
        pytest.param("a", "", "", False, id="one names none"),
        pytest.param("a", "", "a", True, id="one names none, and the default is the same"),
    ],
)
def test_references_keep_to_their_namespace(workflow: str, wanted: str, namespace: str, *, is_found: bool) -> None:
    """A plan sees the workflows of its own namespace only."""
    place = f", namespace: {workflow}" if workflow else ""
    text = WORKFLOW.replace("{name: greet}", f"{{name: greet{place}}}", 1) + plan("", namespace=wanted)
    assert (found(text, namespace=namespace) == []) is is_found


def test_the_output_is_one_line_a_finding(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The line names file, object, path, reason, message and hint; the exit code is 1."""
    file = tmp_path / "plans.yaml"
    file.write_text(WORKFLOW + plan("  defaultInputs: {nmae: x}"), encoding="utf-8")
    ended = call(capsys, "lint", file)
    assert ended.code == 1
    assert ended.out == (
        f"{file}: LaunchPlan/hello: spec.defaultInputs.nmae: UnexpectedInput: found the input 'nmae', which the "
        "workflow does not declare; it declares name, times (did you mean 'name'?)\n"
    )
    assert ended.err == "1 error, 0 warnings\n"


def test_json_has_the_documented_keys(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A list of objects with these keys, whatever is found; unreadable files among them."""
    (tmp_path / "a.yaml").write_text(plan("  suspend: 1", namespace="prod"), encoding="utf-8")
    (tmp_path / "b.json").write_text('{"a":\n 1,}', encoding="utf-8")
    ended = call(capsys, "lint", tmp_path, "-o", "json")
    assert ended.code == 1
    assert [list(each) for each in ended.data] == [KEYS] * 3
    unreadable, suspend, workflow = ended.data
    assert (workflow["reason"], workflow["severity"]) == ("WorkflowNotFound", "warning")
    assert (unreadable["file"], unreadable["path"], unreadable["kind"]) == (str(tmp_path / "b.json"), "line 2", "")
    assert suspend["message"] == "found the number 1, expected boolean"
    assert (suspend["namespace"], suspend["name"], suspend["severity"]) == ("prod", "hello", "error")


def test_warnings_leave_the_exit_code_zero(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Only an error fails a build."""
    (tmp_path / "a.yml").write_text(HELLO, encoding="utf-8")
    assert call(capsys, "lint", tmp_path, "-o", "yaml").code == 0
    assert call(capsys, "lint", tmp_path, "--strict").code == 1


def test_a_directory_is_read_as_kubectl_reads_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """YAML and JSON files, those of lower directories only with -R; others never."""
    (tmp_path / "below").mkdir()
    for name in ("a.yaml", "b.txt", "below/c.yaml"):
        (tmp_path / name).write_text("[", encoding="utf-8")
    assert len(call(capsys, "lint", tmp_path, "-o", "json").data) == 1
    assert len(call(capsys, "lint", "-R", tmp_path, "-o", "json").data) == 2
    assert len(call(capsys, "lint", tmp_path / "b.txt", "-o", "json").data) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "found no file", id="no file"),
        pytest.param(
            ["no/such/file"], "cannot read 'no/such/file': No such file or directory", id="a file that is not"
        ),
        pytest.param(["a\0b"], "cannot read", id="a name that no file has"),
        pytest.param(["x.yaml", "-o", "xml"], "invalid choice: 'xml'", id="a format that is none"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """The exit code is 2."""
    ended = call(capsys, "lint", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err


def test_stdin_may_hold_a_list(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`kubectl get -o json | lint -` checks every item."""
    items = [manifest.obj for text in (WORKFLOW, plan("  x: 1")) for manifest in objects(text)]
    whole = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(whole.encode())))
    assert [each["path"] for each in call(capsys, "lint", "-", "-o", "json").data] == ["spec.x"]


def test_the_examples_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    """The first example has no finding, the second one for every object but its workflow."""
    assert call(capsys, "lint", ROOT / "examples" / "01-hello", "--strict", "-o", "json").data == []
    refused = call(capsys, "lint", ROOT / "examples" / "02-refused", "-o", "json")
    assert refused.code == 1
    assert {each["kind"] for each in refused.data} == {"LaunchPlan", "LaunchPlanExecution"}


@given(st.binary() | st.text().map(str.encode))
@example(b"{}")
@example(b"---\n---")
@example(b"? a\n: b")
def test_any_bytes_give_findings(data: bytes) -> None:
    """Whatever a file holds, the linter ends with findings."""
    stream = Stream()
    for each in parse_manifests(data, "x.yaml"):
        if isinstance(each, Unreadable):
            stream.unreadable.append(each)
        else:
            stream.manifests.append(each)
    assert all(list(report.data()) == KEYS for report in lint(stream))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["workflowRef", "schedule", "cron", "name", "inputs", "interface", "job", "labels", "type"])
SPECS = st.recursive(JSON, lambda inner: st.dictionaries(FIELDS, inner, max_size=4), max_leaves=12)


@given(st.sampled_from(["WorkflowDefinition", "LaunchPlan", "LaunchPlanExecution"]), SPECS, JSON)
def test_any_object_of_ours_gives_findings(kind: str, spec: Any, metadata: Any) -> None:
    """Whatever stands in a spec or in metadata, there is a finding, and no traceback."""
    obj = {"apiVersion": "launchplan.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    manifests = objects(json.dumps(obj))
    assert lint(Stream(manifests))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        pytest.param(WORKFLOW + HELLO.replace("greet", "gret"), "greet", id="a workflow of the stream"),
        pytest.param(WORKFLOW + HELLO + run("  launchPlanRef: {name: hallo}"), "hello", id="a plan of the stream"),
    ],
)
def test_a_misspelt_reference_is_told_what_may_have_been_meant(text: str, meant: str) -> None:
    """As the operator does, of the objects that there are."""
    stream = Stream(
        manifests=[each for each in parse_manifests(text.encode(), "x.yaml") if not isinstance(each, Unreadable)]
    )
    (report,) = lint(stream)
    assert f"did you mean {meant!r}?" in report.message


RUN_ONCE = run("  launchPlanRef: {kind: WorkflowDefinition, name: greet}\n  inputs: {name: x}")
KUSTOMIZATION = "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [run.yaml]\n"
APPLICATION = "---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop}\n"
OTHER_KUSTOMIZATION = "---\napiVersion: example.com/v1\nkind: Kustomization\nmetadata: {name: x}\n"


def named(metadata: str) -> str:
    """Return that run with other metadata."""
    return RUN_ONCE.replace("{name: once}", metadata)


@pytest.mark.parametrize(
    ("text", "synced", "is_told"),
    [
        pytest.param(RUN_ONCE, False, False, id="a run to be created by hand"),
        pytest.param(RUN_ONCE, True, True, id="all is said to be synced"),
        pytest.param(KUSTOMIZATION + RUN_ONCE, False, True, id="a Kustomization stands beside it"),
        pytest.param(RUN_ONCE + APPLICATION, False, True, id="an Application of Argo CD stands beside it"),
        pytest.param(OTHER_KUSTOMIZATION + RUN_ONCE, False, False, id="somebody's kind of that name stands beside it"),
        pytest.param(
            named("{name: once, labels: {kustomize.toolkit.fluxcd.io/name: shop}}"),
            False,
            True,
            id="it bears Flux's mark",
        ),
        pytest.param(named("{generateName: once-}"), True, False, id="its name is made anew each time"),
        pytest.param(
            named("{name: once, annotations: {argocd.argoproj.io/hook: PostSync}}"),
            True,
            False,
            id="it is a hook of Argo CD",
        ),
        pytest.param(
            named("{name: once, annotations: {helm.sh/hook: post-upgrade}}"), True, False, id="it is a hook of Helm"
        ),
        pytest.param(HELLO, True, False, id="a plan has a name anyhow"),
    ],
)
def test_a_synced_run_of_a_fixed_name_is_warned_of(text: str, *, synced: bool, is_told: bool) -> None:
    """It would run once, and not at each sync."""
    expected = [("warning", "metadata.name", "RunNameFixed")] if is_told else []
    assert found(WORKFLOW + text, synced=synced) == expected
    assert all(severity == "error" for severity, *_ in found(WORKFLOW + text, synced=synced, strict=True))
