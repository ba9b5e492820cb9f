"""The CRDs: committed as generated, structural, bounded, and small enough for client-side apply."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from launchplan_operator.api.crd import RESOURCES, build_crds, render_crd, write_crds
from launchplan_operator.api.structural import structural_schema

COMMITTED = Path(__file__).parents[2] / "crds"
CRDS = {crd["spec"]["names"]["kind"]: crd for crd in build_crds()}
#: What kubectl's client-side apply may keep in its annotation.
MAX_ANNOTATION = 262_144
MAX_FILE = 60_000

Node = dict[str, Any]


def schema_of(kind: str) -> Node:
    """Return a CRD's schema."""
    schema: Node = CRDS[kind]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def nodes(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """Yield every node of a schema with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            yield from nodes(node[word], f"{path}.{word}")


EVERY_NODE = [pytest.param(node, id=path) for kind in CRDS for path, node in nodes(schema_of(kind), kind)]
BOUNDED_BY = {"array": "maxItems", "integer": "maximum"}
KNOWN_KEYS = {
    "additionalProperties", "default", "description", "enum", "format", "items", "maxItems", "maxLength", "maxProperties",
    "maximum", "minLength", "minimum", "nullable", "pattern", "properties", "required", "type",
    "x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields", "x-kubernetes-validations",
}  # fmt: skip


def test_the_committed_files_are_the_generated_ones(tmp_path: Path) -> None:
    """A changed model without its CRD would be refused or pruned by the API server."""
    generated = {path.name: path.read_text(encoding="utf-8") for path in write_crds(tmp_path)}
    committed = {path.name: path.read_text(encoding="utf-8") for path in COMMITTED.iterdir()}
    assert committed == generated


@pytest.mark.parametrize("node", EVERY_NODE)
def test_a_node_has_a_type_or_holds_any_json(node: Node) -> None:
    """The first rule of structural schemas; any JSON may be null, which would else be dropped."""
    if "type" not in node:
        assert node["x-kubernetes-preserve-unknown-fields"]
        assert node["nullable"]


@pytest.mark.parametrize("node", EVERY_NODE)
def test_a_node_says_only_what_a_structural_schema_may_say(node: Node) -> None:
    """No reference, no choice of types, no title; properties and additionalProperties exclude each other."""
    assert set(node) <= KNOWN_KEYS
    assert not {"properties", "additionalProperties"} <= set(node)


@pytest.mark.parametrize("node", EVERY_NODE)
def test_a_node_has_a_maximum(node: Node) -> None:
    """The cost of a CEL rule is estimated from the bounds; a text of few values or an instant has one by itself."""
    kind = node.get("type")
    if kind == "string" and node.get("format") != "date-time":
        assert "enum" in node or "maxLength" in node
    elif kind == "object" and "additionalProperties" in node:
        assert "maxProperties" in node
    elif kind in BOUNDED_BY:
        assert BOUNDED_BY[kind] in node


@pytest.mark.parametrize("node", EVERY_NODE)
def test_a_default_and_a_required_field_are_declared_ones(node: Node) -> None:
    """A default is one of the enum's values; a required field is a property."""
    assert set(node.get("required", ())) <= set(node.get("properties", {}))
    if "enum" in node and "default" in node:
        assert node["default"] in node["enum"]


@pytest.mark.parametrize("node", EVERY_NODE)
def test_a_list_of_named_things_merges_by_name(node: Node) -> None:
    """The key of a list-map is a required field of its items."""
    for key in node.get("x-kubernetes-list-map-keys", ()):
        assert key in node["items"]["required"]


@pytest.mark.parametrize("kind", list(CRDS))
def test_every_field_of_ours_has_a_short_description(kind: str) -> None:
    """It is what `kubectl explain` shows."""
    for root in ("spec", "status"):
        for path, node in nodes(schema_of(kind)["properties"][root], root):
            if not path.endswith((".items", ".additionalProperties")):
                assert 4 <= len(node["description"]) <= 130, path
                assert node["description"].endswith("."), path


@pytest.mark.parametrize("kind", list(CRDS))
def test_only_a_status_has_one_owner_as_a_whole(kind: str) -> None:
    """Of a spec, several people may each apply their part."""
    found = [path for path, node in nodes(schema_of(kind), "") if node.get("x-kubernetes-map-type") == "atomic"]
    assert found == [".status"]


@pytest.mark.parametrize("kind", list(CRDS))
def test_nothing_in_a_status_has_a_default(kind: str) -> None:
    """What the operator writes is what is stored, so that equal means unchanged; before, nothing was observed."""
    found = {
        path: node["default"]
        for path, node in nodes(schema_of(kind)["properties"]["status"], "status")
        if "default" in node
    }
    assert found == {"status": {"observedGeneration": -1}}


@pytest.mark.parametrize("crd", CRDS.values(), ids=CRDS)
def test_a_crd_is_small_enough_for_client_side_apply(crd: Node) -> None:
    """Kubectl keeps a copy in an annotation."""
    assert len(json.dumps(crd)) < MAX_ANNOTATION
    assert len(render_crd(crd).encode()) < MAX_FILE


@pytest.mark.parametrize("crd", CRDS.values(), ids=CRDS)
def test_a_file_reads_as_the_crd_and_has_no_anchors(crd: Node) -> None:
    """YAML anchors are legal and unreadable."""
    text = render_crd(crd)
    assert yaml.safe_load(text) == crd
    assert "&id" not in text


@pytest.mark.parametrize(
    ("kind", "short", "plural", "longest"),
    [
        ("WorkflowDefinition", "wfd", "workflowdefinitions", 52),
        ("LaunchPlan", "lp", "launchplans", 52),
        ("LaunchPlanExecution", "lpx", "launchplanexecutions", 63),
        ("ReferenceLaunchPlan", "rlp", "referencelaunchplans", 52),
    ],
)
def test_a_crd_has_its_names_and_its_longest_name(kind: str, short: str, plural: str, longest: int) -> None:
    """Namespaced, in one category, with a status of its own."""
    crd = CRDS[kind]
    assert crd["metadata"]["name"] == f"{plural}.launchplan.dev"
    names = crd["spec"]["names"]
    assert (names["shortNames"], names["categories"], names["plural"]) == ([short], ["launchplan-all"], plural)
    assert (crd["spec"]["scope"], crd["spec"]["versions"][0]["subresources"]) == ("Namespaced", {"status": {}})
    assert f"size() <= {longest}" in schema_of(kind)["x-kubernetes-validations"][0]["rule"]


@pytest.mark.parametrize(
    ("kind", "columns", "wide"),
    [
        ("WorkflowDefinition", ["Version", "Ready", "Age"], ["Reason", "Message"]),
        (
            "LaunchPlan",
            ["Active", "Schedule", "Next", "Last", "Running", "Queued", "Ready", "Age"],
            ["Version", "Reason", "Message"],
        ),
        ("ReferenceLaunchPlan", ["Target", "Version", "Ready", "Reason", "Age"], ["Message"]),
        ("LaunchPlanExecution", ["Plan", "Version", "Phase", "Origin", "Duration", "Age"], ["Slot"]),
    ],
)
def test_the_columns_are_those_of_a_dashboard(kind: str, columns: list[str], wide: list[str]) -> None:
    """Few by default, causes with `-o wide`."""
    printed = CRDS[kind]["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in printed if not column.get("priority")] == columns
    assert [column["name"] for column in printed if column.get("priority")] == wide


@pytest.mark.parametrize("kind", list(CRDS))
def test_a_column_and_a_selectable_field_show_a_field_that_exists(kind: str) -> None:
    """A path into nothing would show an empty column for ever."""
    version = CRDS[kind]["spec"]["versions"][0]
    known = {path.replace(".items", "") for path, _ in nodes(schema_of(kind), "")}
    paths = [column["jsonPath"] for column in version["additionalPrinterColumns"]]
    for path in [*paths, *(field["jsonPath"] for field in version.get("selectableFields", ()))]:
        plain = path.replace('[?(@.type=="Ready")]', "").replace("[0]", "")
        assert plain in known or plain == ".metadata.creationTimestamp"


def test_executions_are_selected_by_plan_phase_and_version() -> None:
    """As `kubectl get lpx --field-selector` needs it."""
    fields = CRDS["LaunchPlanExecution"]["spec"]["versions"][0]["selectableFields"]
    assert [field["jsonPath"] for field in fields] == [
        ".spec.launchPlanRef.name",
        ".status.phase",
        ".status.launchPlanVersion",
    ]


def test_a_job_template_is_kept_whole_and_unread() -> None:
    """Its real schema would burst the annotation."""
    job = schema_of("WorkflowDefinition")["properties"]["spec"]["properties"]["job"]
    assert job["x-kubernetes-preserve-unknown-fields"]
    assert "additionalProperties" not in job


@pytest.mark.parametrize("resource", RESOURCES, ids=[resource.kind.kind for resource in RESOURCES])
def test_a_models_defaults_are_the_schemas(resource: Any) -> None:
    """What the API server fills in is what the model would have filled in."""
    for path, node in nodes(structural_schema(resource.spec, defaults=True), ""):
        if "default" in node:
            assert default_of(resource.spec, path.split(".")[1:]) == node["default"], path


def default_of(model: type[BaseModel], path: list[str]) -> Any:
    """Return the default of a model's field, given by its JSON path; a list's items are no step."""
    name, *rest = (part for part in path if part != "items")
    field = next(field for field in model.model_fields.values() if field.alias == name)
    return default_of(next(models_in(field.annotation)), rest) if rest else field.default


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in a type, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def test_a_choice_of_types_is_refused_by_the_converter() -> None:
    """A structural schema cannot say it."""

    class Ambiguous(BaseModel):
        field: int | str

    with pytest.raises(ValueError, match="no choice of types"):
        structural_schema(Ambiguous, defaults=True)
