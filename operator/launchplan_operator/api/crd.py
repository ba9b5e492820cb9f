"""The CustomResourceDefinitions, made from the models: `python -m launchplan_operator crds` prints them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic.config import JsonDict

from launchplan_operator.api.conditions import UNOBSERVED
from launchplan_operator.api.execution import LaunchPlanExecutionSpec, LaunchPlanExecutionStatus
from launchplan_operator.api.kinds import (
    CUSTOM_RESOURCE_DEFINITIONS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.model import MAX_EXECUTION_NAME, MAX_NAME, MAX_PLAN_NAME, rule
from launchplan_operator.api.planstatus import LaunchPlanStatus
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec, ReferenceLaunchPlanStatus
from launchplan_operator.api.structural import structural_schema
from launchplan_operator.api.workflow import WorkflowDefinitionSpec, WorkflowDefinitionStatus

CATEGORY = "launchplan-all"
#: Written as a whole by one writer: the server need not keep, and compare at each write, who set which field of it.
_STATUS = {"x-kubernetes-map-type": "atomic", "default": {"observedGeneration": UNOBSERVED}}
_HEADER = "# Made from the models by `python -m launchplan_operator crds`; do not edit.\n"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; a wide one shows with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False

    def render(self) -> dict[str, Any]:
        """Return the column as it stands in a CRD."""
        made: dict[str, Any] = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return made | {"priority": 1} if self.wide else made


@dataclass(frozen=True, slots=True)
class Resource:
    """All that a CRD says beyond its models."""

    kind: Kind
    short_name: str
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    max_name: int
    columns: tuple[Column, ...]
    selectable: tuple[str, ...] = ()


AGE = Column("Age", ".metadata.creationTimestamp", "date")


def _ready(field: str) -> str:
    return f'.status.conditions[?(@.type=="Ready")].{field}'


_READY = (
    Column("Ready", _ready("status")),
    AGE,
    Column("Reason", _ready("reason"), wide=True),
    Column("Message", _ready("message"), wide=True),
)

RESOURCES = (
    Resource(
        kind=WORKFLOW_DEFINITIONS,
        short_name="wfd",
        description="What runs: a typed interface and the template of a Kubernetes Job.",
        spec=WorkflowDefinitionSpec,
        status=WorkflowDefinitionStatus,
        max_name=MAX_PLAN_NAME,
        columns=(Column("Version", ".status.version"), *_READY),
    ),
    Resource(
        kind=LAUNCH_PLANS,
        short_name="lp",
        description="How a workflow runs: its inputs, its schedule and its run settings.",
        spec=LaunchPlanSpec,
        status=LaunchPlanStatus,
        max_name=MAX_PLAN_NAME,
        columns=(
            Column("Active", ".status.activeVersion"),
            Column("Schedule", ".status.schedule.text"),
            # A column of type date shows an age, which a time to come has not.
            Column("Next", ".status.schedule.nextTimes[0]"),
            Column("Last", ".status.lastExecution.phase"),
            Column("Running", ".status.running", "integer"),
            Column("Queued", ".status.concurrency.queued", "integer"),
            *_READY[:2],
            Column("Version", ".status.latestVersion", wide=True),
            *_READY[2:],
        ),
    ),
    Resource(
        kind=REFERENCE_LAUNCH_PLANS,
        short_name="rlp",
        description="A typed pointer to a launch plan that somebody else owns.",
        spec=ReferenceLaunchPlanSpec,
        status=ReferenceLaunchPlanStatus,
        max_name=MAX_PLAN_NAME,
        columns=(
            Column("Target", ".status.target"),
            Column("Version", ".status.resolved.version"),
            _READY[0],
            Column("Reason", _ready("reason")),
            AGE,
            _READY[3],
        ),
    ),
    Resource(
        kind=LAUNCH_PLAN_EXECUTIONS,
        short_name="lpx",
        description="One run, whoever started it: a request and its record in one object.",
        spec=LaunchPlanExecutionSpec,
        status=LaunchPlanExecutionStatus,
        max_name=MAX_EXECUTION_NAME,
        columns=(
            Column("Plan", ".spec.launchPlanRef.name"),
            Column("Version", ".status.launchPlanVersion"),
            Column("Phase", ".status.phase"),
            Column("Origin", ".status.origin.type"),
            Column("Slot", ".status.origin.slot", wide=True),
            Column("Duration", ".status.duration"),
            AGE,
        ),
        selectable=(".spec.launchPlanRef.name", ".status.phase", ".status.launchPlanVersion"),
    ),
)


def build_crds() -> list[dict[str, Any]]:
    """Return the CRDs as they are applied, in the order of `RESOURCES`."""
    return [_crd(resource) for resource in RESOURCES]


def write_crds(directory: Path) -> list[Path]:
    """Write one YAML file per CRD, named by its plural, and return the paths."""
    return [_write(directory / f"{crd['spec']['names']['plural']}.yaml", crd) for crd in build_crds()]


def render_crd(crd: dict[str, Any]) -> str:
    """Return a CRD as the text of its file."""
    return _HEADER + yaml.safe_dump(crd, sort_keys=False, width=120, allow_unicode=True)


def _write(path: Path, crd: dict[str, Any]) -> Path:
    path.write_text(render_crd(crd), encoding="utf-8")
    return path


def _crd(resource: Resource) -> dict[str, Any]:
    kind = resource.kind
    names = {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.kind.lower(),
        "shortNames": [resource.short_name],
        "categories": [CATEGORY],
    }
    return {
        "apiVersion": CUSTOM_RESOURCE_DEFINITIONS.api_version,
        "kind": CUSTOM_RESOURCE_DEFINITIONS.kind,
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "names": names, "scope": "Namespaced", "versions": [_version(resource)]},
    }


def _version(resource: Resource) -> dict[str, Any]:
    version: dict[str, Any] = {
        "name": resource.kind.version,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [column.render() for column in resource.columns],
    }
    if resource.selectable:
        version["selectableFields"] = [{"jsonPath": path} for path in resource.selectable]
    return version | {"schema": {"openAPIV3Schema": _schema(resource)}}


def _schema(resource: Resource) -> dict[str, Any]:
    name = {"type": "string", "maxLength": MAX_NAME}
    return {
        "type": "object",
        "description": resource.description,
        "required": ["spec"],
        "x-kubernetes-validations": [_name_rule(resource.max_name)],
        "properties": {
            "metadata": {"type": "object", "properties": {"name": name}},
            "spec": structural_schema(resource.spec, defaults=True),
            "status": structural_schema(resource.status, defaults=False) | _STATUS,
        },
    }


def _name_rule(longest: int) -> JsonDict:
    message = f"expected at most {longest} characters: the names of Jobs are made from it"
    return rule(f"self.metadata.name.size() <= {longest}", message) | {"fieldPath": ".metadata.name"}
