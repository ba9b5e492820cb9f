"""The workflows, plans and runs of some manifests, with the references between them resolved within these manifests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from launchplan_operator.api.conditions import Finding
from launchplan_operator.api.defaults import RunDefaults
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    NAMESPACES,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.cli.manifests import Manifest
from launchplan_operator.cli.schema import fill_defaults, spec_schemas
from launchplan_operator.decide.inputs import Bindings, resolve_inputs
from launchplan_operator.decide.permissions import permit_settings
from launchplan_operator.decide.references import (
    bare_version_not_found,
    plan_invalid,
    plan_not_found,
    plan_version_not_found,
    workflow_version_not_found,
)
from launchplan_operator.decide.schedule import read_schedule
from launchplan_operator.decide.settings import resolve_settings
from launchplan_operator.decide.validate import PlanView, WorkflowView, validate_plan, validate_workflow
from launchplan_operator.decide.versions import read_workflow_content, take_snapshot

KINDS: Final = {
    kind.kind: kind for kind in (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS)
}
#: Kubernetes gives it to each namespace.
_NAME_LABEL: Final = "kubernetes.io/metadata.name"

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """A plan as a run sees it: what it binds, or everything that is wrong with it.

    Attributes:
        version: the version that the spec stands for; empty while there is a finding.
    """

    spec: LaunchPlanSpec | None
    workflow: WorkflowView
    version: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def bindings(self) -> Bindings:
        """The values that the plan gives."""
        return Bindings(self.spec.default_inputs, self.spec.fixed_inputs) if self.spec else Bindings()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Objects by kind, namespace and name; what has no namespace counts as being in the default one.

    Attributes:
        labels: those of each namespace that is among the manifests.
    """

    objects: Mapping[Key, Mapping[str, Any]]
    namespace: str = ""
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _workflows: dict[Key, WorkflowView] = field(default_factory=dict, repr=False)
    _plans: dict[Key, PlanFacts] = field(default_factory=dict, repr=False)

    def named(self, kind: Kind, name: str) -> list[str]:
        """Return the namespaces in which an object of this name stands."""
        return sorted(namespace for each, namespace, called in self.objects if (each, called) == (kind.kind, name))

    def names(self, kind: Kind, namespace: str) -> tuple[str, ...]:
        """Return the names of a namespace's objects of a kind."""
        place = (kind.kind, namespace or self.namespace)
        return tuple(sorted(called for each, where, called in self.objects if (each, where) == place))

    def workflow(self, namespace: str, name: str) -> WorkflowView:
        """Return a workflow as a plan or a run sees it."""
        key = (WORKFLOW_DEFINITIONS.kind, namespace or self.namespace, name)
        if key not in self._workflows:
            obj = self.objects.get(key)
            self._workflows[key] = view_manifest(name, obj) if obj is not None else self._absent(*key[1:])
        return self._workflows[key]

    def _absent(self, namespace: str, name: str) -> WorkflowView:
        return WorkflowView(name, others=self.names(WORKFLOW_DEFINITIONS, namespace))

    def plan(self, namespace: str, name: str) -> PlanFacts | None:
        """Return a plan as a run sees it, or None if it is not here."""
        key = (LAUNCH_PLANS.kind, namespace or self.namespace, name)
        if key not in self._plans and key in self.objects:
            self._plans[key] = self.read_plan(key[1], self.objects[key])
        return self._plans.get(key)

    def read_plan(self, namespace: str, plan: Mapping[str, Any]) -> PlanFacts:
        """Return what a plan means, with the same checks as the operator's."""
        spec = parse_spec(LaunchPlanSpec, plan)
        if isinstance(spec, tuple):
            return PlanFacts(None, WorkflowView(""), findings=spec)
        workflow = self.workflow(namespace, spec.workflow_ref.name)
        wanted = spec.workflow_ref.version
        if wanted is not None and workflow.content is not None and wanted != workflow.version:
            workflow = replace(workflow, obstacle=workflow_version_not_found(workflow.name, wanted, workflow.version))
        timetable = read_schedule(spec.schedule) if spec.schedule is not None else None
        broken = timetable if isinstance(timetable, tuple) else ()
        findings = (*validate_plan(PlanView(spec, workflow)), *broken)
        if findings or workflow.content is None:
            return PlanFacts(spec, workflow, findings=findings)
        return PlanFacts(spec, workflow, take_snapshot(plan["spec"], workflow.content).version)


def catalogue_of(manifests: Iterable[Manifest], namespace: str = "") -> Catalogue:
    """Return the objects of some manifests by their names; of two of one name the last wins."""
    given = list(manifests)
    known = {key_of(each, namespace): stored(each) for each in given if is_ours(each)}
    return Catalogue(known, namespace, {each.name: _labels(each) for each in given if _is_namespace(each)})


def is_ours(manifest: Manifest) -> bool:
    """Tell whether a manifest is of a kind and a version that the operator serves."""
    kind = KINDS.get(manifest.kind)
    return kind is not None and manifest.api_version == kind.api_version


def _is_namespace(manifest: Manifest) -> bool:
    return (manifest.api_version, manifest.kind) == (NAMESPACES.api_version, NAMESPACES.kind)


def _labels(namespace: Manifest) -> Mapping[str, str]:
    given = namespace.metadata.get("labels")
    return (given if isinstance(given, dict) else {}) | {_NAME_LABEL: namespace.name}


def stored(manifest: Manifest) -> Mapping[str, Any]:
    """Return an object of ours as the API server stores it, with its defaults."""
    return manifest.obj | {"spec": fill_defaults(spec_schemas()[manifest.kind], manifest.obj.get("spec"))}


def key_of(manifest: Manifest, namespace: str) -> Key:
    """Return a manifest's kind, namespace and name."""
    return (manifest.kind, manifest.namespace or namespace, manifest.name)


def view_manifest(name: str, obj: Mapping[str, Any]) -> WorkflowView:
    """Return a workflow's manifest as a plan sees it; nobody asked an API server about its Job."""
    spec = parse_spec(WorkflowDefinitionSpec, obj)
    if isinstance(spec, tuple):
        return WorkflowView(name, findings=spec)
    content = read_workflow_content(obj["spec"])
    return WorkflowView(name, spec, content.version, validate_workflow(spec), content=content)


def check_run(catalogue: Catalogue, namespace: str, spec: LaunchPlanExecutionSpec) -> tuple[Finding, ...]:
    """Return everything that keeps a run from starting, as far as these objects tell."""
    found = resolve_run(catalogue, namespace, spec)
    if isinstance(found, tuple):
        return found
    ref = spec.launch_plan_ref
    plan = catalogue.plan(namespace, ref.name) if ref.kind == LAUNCH_PLANS.kind else None
    workflow = plan.workflow if plan else catalogue.workflow(namespace, ref.name)
    permitted = permit_settings(
        resolve_settings(spec, plan.spec if plan else None, RunDefaults()), workflow.allow, workflow.name
    )
    return permitted if isinstance(permitted, tuple) else ()


def resolve_run(
    catalogue: Catalogue, namespace: str, spec: LaunchPlanExecutionSpec
) -> dict[str, Any] | tuple[Finding, ...]:
    """Return the inputs that a run would get, or why it would not start, as far as these objects tell."""
    ref = spec.launch_plan_ref
    if ref.kind == WORKFLOW_DEFINITIONS.kind:
        return resolve_bare(catalogue.workflow(namespace, ref.name), ref.version, spec.inputs)
    plan = catalogue.plan(namespace, ref.name)
    if plan is None:
        return (plan_not_found(ref.name, catalogue.names(LAUNCH_PLANS, namespace)),)
    return resolve_plan(ref.name, plan, ref.version, spec.inputs)


def resolve_bare(
    view: WorkflowView, version: str | None, inputs: Mapping[str, Any]
) -> dict[str, Any] | tuple[Finding, ...]:
    """Return the inputs of a run of a workflow without a plan, or why it would not start."""
    if view.spec is None or view.findings:
        return view.findings or (view.not_found("spec.launchPlanRef.name"),)
    if version is not None and version != view.version:
        return (bare_version_not_found(view.name, version, view.version),)
    return resolve_inputs(view.spec.interface.inputs, Bindings(), inputs)


def resolve_plan(
    name: str, plan: PlanFacts, version: str | None, inputs: Mapping[str, Any]
) -> dict[str, Any] | tuple[Finding, ...]:
    """Return the inputs of a run of a plan, or why it would not start.

    Of a plan's other versions than the one at hand only the cluster knows the inputs.
    """
    if plan.findings or plan.workflow.spec is None:
        return tuple(plan_invalid(name, finding) for finding in plan.findings)
    if version is not None and version != plan.version:
        return (plan_version_not_found(name, version, [plan.version]),)
    return resolve_inputs(plan.workflow.spec.interface.inputs, plan.bindings, inputs)
