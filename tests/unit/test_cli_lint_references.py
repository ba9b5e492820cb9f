"""`lint` of references: what their plans would say, where these stand in the same manifests."""

import json
from typing import Any

import pytest
import yaml

from launchplan_operator.cli.checks import lint
from launchplan_operator.cli.manifests import Stream
from tests.unit.cli import call, objects

API = "launchplan.dev/v1alpha1"
JOB = {"template": {"spec": {"containers": [{"name": "main", "image": "busybox"}]}}}
INTERFACE = {
    "inputs": [
        {"name": "city", "type": "string"},
        {"name": "days", "type": "integer", "default": 7},
        {"name": "mode", "type": "string"},
    ],
    "outputs": [{"name": "rows", "type": "integer"}],
}
FITTING: dict[str, Any] = {
    "namespace": "team-b",
    "name": "report",
    "inputs": [{"name": "city", "type": "string"}],
    "outputs": [{"name": "rows", "type": "integer"}],
}
THROUGH = {"kind": "ReferenceLaunchPlan", "name": "theirs"}
NAMES = {"from": "Names", "names": ["team-a"]}
MATCHING = {"from": "Selector", "selector": {"matchLabels": {"tier": "gold"}}}
MISMATCH = ("error", "InterfaceMismatch")

Object = dict[str, Any]


def manifest(kind: str, name: str, spec: Object, namespace: str = "team-a") -> Object:
    """Return an object of ours."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def owned(consent: Any = NAMES, **spec: Any) -> list[Object]:
    """Return the plan and its workflow."""
    whole = {
        "workflowRef": {"name": "flow", "version": "w1"},
        "version": "v1",
        "autoActivate": True,
        "fixedInputs": {"mode": "quick"},
        "allowReferencesFrom": consent,
    } | spec
    workflow = manifest("WorkflowDefinition", "flow", {"version": "w1", "interface": INTERFACE, "job": JOB}, "team-b")
    return [workflow, manifest("LaunchPlan", "report", whole, "team-b")]


def reference(name: str = "theirs", /, **spec: Any) -> Object:
    """Return a reference to it that fits, but for what is given; None takes a field away."""
    whole = {key: value for key, value in (FITTING | spec).items() if value is not None}
    return manifest("ReferenceLaunchPlan", name, whole)


def asked(version: str | None = None, /, **inputs: Any) -> Object:
    """Return a run through the reference."""
    ref = THROUGH | ({"version": version} if version else {})
    return manifest("LaunchPlanExecution", "once", {"launchPlanRef": ref, "inputs": inputs})


def space(name: str = "team-a", **labels: str) -> Object:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def found(*manifests: Object, namespace: str = "") -> list[tuple[str, str, str]]:
    """Return severity, path and reason of each finding."""
    stream = Stream(manifests=objects(yaml.safe_dump_all(manifests)))
    return [(r.severity, r.finding.path, str(r.finding.reason)) for r in lint(stream, namespace)]


@pytest.mark.parametrize(
    "manifests",
    [
        pytest.param([*owned(), reference()], id="a reference that fits and is allowed"),
        pytest.param([reference(), *owned()], id="a reference before its plan"),
        pytest.param(
            [*owned(), reference(namespace=None, project="team", domain="b")], id="a plan by project and domain"
        ),
        pytest.param([*owned(), reference(version="v1")], id="the version at hand"),
        pytest.param([*owned(), reference(outputs=[])], id="less than the plan gives"),
        pytest.param([*owned({"from": "All"}), reference()], id="a plan that allows all"),
        pytest.param([space(tier="gold"), *owned(MATCHING), reference()], id="a namespace that the plan selects"),
        pytest.param([*owned(MATCHING), reference()], id="a namespace whose labels are not at hand"),
        pytest.param(
            [
                space(),
                *owned({"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": "team-a"}}}),
                reference(),
            ],
            id="a namespace by the label of its name",
        ),
        pytest.param([reference(inputs=[{"name": "x", "type": "struct"}])], id="a plan that is not at hand"),
        pytest.param(
            [*owned(activeVersion="v0"), reference(inputs=[{"name": "x", "type": "struct"}])],
            id="another active version, which only the cluster has",
        ),
        pytest.param([*owned(), reference(), asked(city="Oslo")], id="a run with what the plan needs"),
        pytest.param([reference(), asked(city="Oslo")], id="a run whose plan is not at hand"),
        pytest.param([reference(), asked()], id="a run of which nobody knows what the plan needs"),
        pytest.param(
            [*owned(autoActivate=False), reference(version="v1"), asked(city="x")], id="a version where none is active"
        ),
    ],
)
def test_what_is_right_has_no_finding(manifests: list[Object]) -> None:
    """Nothing is said of references that would be obeyed, nor of what only the cluster knows."""
    assert found(*manifests) == []


@pytest.mark.parametrize(
    ("manifests", "expected"),
    [
        pytest.param(
            [*owned(), reference(inputs=[{"name": "city", "type": "integer"}, {"name": "mode", "type": "string"}])],
            [
                ("error", "spec.inputs[city].type", "InterfaceMismatch"),
                ("error", "spec.inputs[mode]", "InterfaceMismatch"),
            ],
            id="inputs that the plan does not take",
        ),
        pytest.param(
            [*owned(), reference(inputs=[], outputs=[{"name": "page", "type": "blob"}])],
            [("error", "spec.inputs", "InterfaceMismatch"), ("error", "spec.outputs[page]", "InterfaceMismatch")],
            id="an input that it needs, and an output that it does not give",
        ),
        pytest.param(
            [owned()[1], reference(inputs=[])],
            [("warning", "spec.workflowRef.name", "WorkflowNotFound")],
            id="a plan whose workflow is not at hand, and nothing of the reference",
        ),
        pytest.param(
            [reference(inputs=[{"name": "a", "type": "int"}])],
            [("error", "spec.inputs[a].type", "TypeInvalid")],
            id="a type that does not parse",
        ),
        pytest.param(
            [*owned(), reference(version="v0")],
            [("warning", "spec.version", "VersionNotFound")],
            id="a version that only the cluster may have",
        ),
        pytest.param(
            [*owned(autoActivate=False), reference()],
            [("warning", "spec.version", "TargetInactive")],
            id="a plan without an active version",
        ),
        pytest.param(
            [*owned({"from": "Same"}), reference()], [("error", "spec.name", "TargetUnavailable")], id="no consent"
        ),
        pytest.param(
            [*owned({"from": "Names", "names": ["team-c"]}), reference(inputs=[])],
            [("error", "spec.name", "TargetUnavailable")],
            id="consent for others, and nothing said of the interface",
        ),
        pytest.param(
            [space(tier="tin"), *owned(MATCHING), reference()],
            [("error", "spec.name", "TargetUnavailable")],
            id="other labels than the plan selects",
        ),
        pytest.param(
            [reference(namespace="team-a", name="theirs")],
            [("error", "spec.name", "ReferenceToItself")],
            id="its own name",
        ),
        pytest.param(
            [reference("other"), reference(namespace="team-a", name="other")],
            [("error", "spec.name", "ReferenceToReference")],
            id="another reference",
        ),
        pytest.param(
            [reference(namespace=None)],
            [("error", "spec", "InvalidSpec")],
            id="no namespace",
        ),
        pytest.param(
            [reference(project="team", domain="b")],
            [("error", "spec", "InvalidSpec")],
            id="both ways to say it",
        ),
        pytest.param(
            [reference(name="Report")],
            [("error", "spec.name", "InvalidSpec")],
            id="a name that no plan has",
        ),
        pytest.param(
            [reference() | {"spec": FITTING | {"nmae": "x"}}],
            [("error", "spec.nmae", "UnknownField")],
            id="a slip in a field",
        ),
        pytest.param(
            [manifest("ReferenceLaunchplan", "theirs", FITTING)],
            [("error", "kind", "KindUnknown")],
            id="a slip in the kind",
        ),
        pytest.param(
            [asked(city="x")], [("warning", "spec.launchPlanRef.name", "ReferenceNotFound")], id="a run through none"
        ),
        pytest.param(
            [*owned(), reference(), asked()],
            [("error", "spec.inputs.city", "MissingInput")],
            id="a run with too little",
        ),
        pytest.param(
            [reference(), asked(city=3, town="x")],
            [("error", "spec.inputs.city", "TypeMismatch"), ("error", "spec.inputs.town", "UnexpectedInput")],
            id="a run with another type and a slip, where the plan is not at hand",
        ),
        pytest.param(
            [*owned({"from": "Same"}), reference(), asked(city="x")],
            [
                ("error", "spec.name", "TargetUnavailable"),
                ("error", "spec.launchPlanRef.name", "ReferenceInvalid"),
            ],
            id="a run through a reference that is refused",
        ),
        pytest.param(
            [reference(version="v1"), asked("v2", city="x")],
            [("error", "spec.launchPlanRef.version", "VersionNotFound")],
            id="a run of another version than the reference names",
        ),
        pytest.param(
            [manifest("LaunchPlanExecution", "once", {"launchPlanRef": THROUGH, "labels": {"a": "b"}})],
            [("error", "spec", "InvalidSpec")],
            id="a run with more than inputs",
        ),
    ],
)
def test_what_is_wrong_is_found(manifests: list[Object], expected: list[tuple[str, str, str]]) -> None:
    """At its place, by its reason; what the cluster may mend is a warning."""
    assert found(*manifests) == expected


def test_objects_without_a_namespace_are_in_the_one_that_is_named() -> None:
    """With it a plan of the same stream is found, and the reference's own name is known."""
    plain = manifest("ReferenceLaunchPlan", "theirs", FITTING | {"inputs": []}, "")
    assert found(*owned(), plain, namespace="team-a") == [("error", "spec.inputs", "InterfaceMismatch")]
    assert found(*owned(), plain, namespace="team-c") == [("error", "spec.name", "TargetUnavailable")]
    itself = manifest("ReferenceLaunchPlan", "report", FITTING, "")
    assert found(itself, namespace="team-b") == [("error", "spec.name", "ReferenceToItself")]


def test_where_nobody_says_the_namespace_consent_cannot_be_judged() -> None:
    """The interface can."""
    plain = manifest("ReferenceLaunchPlan", "theirs", FITTING | {"inputs": []}, "")
    assert found(*owned({"from": "Same"}), plain) == [("error", "spec.inputs", "InterfaceMismatch")]


def test_the_message_names_both_types(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    """As the reference's status does."""
    file = tmp_path / "all.yaml"
    changed = reference(outputs=[{"name": "rows", "type": "string"}])
    file.write_text(yaml.safe_dump_all([*owned(), changed]))
    ended = call(capsys, "lint", file, "-o", "json")
    (report,) = ended.data
    assert (ended.code, report["reason"], report["kind"]) == (1, "InterfaceMismatch", "ReferenceLaunchPlan")
    assert "output 'rows': the reference expects string, but the plan gives integer" in report["message"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(("--input", "city=0150"), 0, {"inputs": {"city": "0150"}}, id="a text by the declared type"),
        pytest.param(("--input", "days=3"), 1, ["UnexpectedInput", "MissingInput"], id="what the reference has not"),
    ],
)
def test_resolve_shows_what_a_run_would_pass(
    words: tuple[str, ...], code: int, told: Any, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    """From manifests, as from the cluster: no value of the plan is among it."""
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all([*owned(), reference()]))
    ended = call(capsys, "resolve", "-f", file, "--plan", "rlp/theirs", *words, "-o", "json")
    shown = json.loads(ended.out)
    assert (ended.code, shown if code == 0 else [each["reason"] for each in shown]) == (code, told)
