"""Whether a workflow or a plan can be obeyed: readable chains of checks, each yielding findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.settings import Allow
from launchplan_operator.api.template import (
    INPUTS_DIRECTORY,
    INPUTS_VOLUME,
    SECRETS_DIRECTORY,
    SECRETS_VOLUME,
    containers,
    input_env,
    is_own_key,
    is_reserved_env,
    misshapen,
    objects,
    output_container,
    pod_keys,
    pod_spec,
)
from launchplan_operator.api.types import TypeProblem, describe_value, parse_type
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.inputs import (
    Bindings,
    check_binding,
    check_values,
    listed,
    resolve_inputs,
    unbound_inputs,
)
from launchplan_operator.decide.permissions import asked_settings, check_permissions
from launchplan_operator.decide.versions import WorkflowContent


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """What a plan sees of the workflow it names: absent, or a spec with what is wrong with it.

    Attributes:
        content: what of it a run depends on; None where there is no such version.
        obstacle: why the version that was asked for cannot be had.
        unchecked: the API server was not yet asked about the Job of this very generation: nothing may start from it.
    """

    name: str
    spec: WorkflowDefinitionSpec | None = None
    version: str = ""
    findings: tuple[Finding, ...] = ()
    unchecked: bool = False
    content: WorkflowContent | None = None
    obstacle: Finding | None = None

    @property
    def allow(self) -> Allow | None:
        """What plans and runs may ask of it now; None where it is gone or unreadable."""
        return self.spec.allow if self.spec is not None else None

    def not_found(self, path: str) -> Finding:
        """Return the finding for a workflow that does not exist, named at `path`."""
        message = f"found no WorkflowDefinition {self.name!r} in this namespace"
        return Finding(Reason.WorkflowNotFound, message, path, "apply it, or see: kubectl get wfd", transient=True)


@dataclass(frozen=True, slots=True)
class PlanView:
    """What the checks of a plan look at."""

    spec: LaunchPlanSpec
    workflow: WorkflowView

    @property
    def bindings(self) -> Bindings:
        """The values that the plan gives to inputs."""
        return Bindings(self.spec.default_inputs, self.spec.fixed_inputs)


def validate_workflow(spec: WorkflowDefinitionSpec) -> tuple[Finding, ...]:
    """Return everything that is wrong with a workflow by itself."""
    checks: tuple[Callable[[WorkflowDefinitionSpec], Iterator[Finding]], ...] = (
        _types_parse,
        _env_names_differ,
        _defaults_fit,
        _template_is_readable,
        _template_has_containers,
        _output_container_exists,
        _outputs_have_one_pod,
        _reserved_names_are_free,
    )
    return tuple(chain.from_iterable(check(spec) for check in checks))


def validate_plan(view: PlanView) -> tuple[Finding, ...]:
    """Return everything that keeps a plan from running; with its workflow absent or broken, only what needs none."""
    obstacle = _workflow_obstacle(view.workflow)
    if obstacle is not None:
        # What a broken workflow denies is denied all the same.
        return (*_inputs_in_both(view), obstacle, *_settings_permitted(view))
    checks = (
        _inputs_in_both,
        _bound_inputs_fit,
        _scheduled_inputs_bound,
        _scheduled_inputs_travel,
        _settings_permitted,
    )
    return tuple(chain.from_iterable(check(view) for check in checks))


def _types_parse(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    declared = (("inputs", spec.interface.inputs), ("outputs", spec.interface.outputs))
    for side, fields in declared:
        for item in fields:
            problem = parse_type(item.type)
            if isinstance(problem, TypeProblem):
                yield Finding(
                    Reason.TypeInvalid, problem.message, f"spec.interface.{side}[{item.name}].type", problem.hint
                )


def _env_names_differ(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for parameter in spec.interface.inputs:
        first = seen.setdefault(input_env(parameter.name), parameter.name)
        if first != parameter.name:
            message = f"inputs {first!r} and {parameter.name!r} would share the environment name {input_env(first)}"
            yield Finding(Reason.InputNameCollision, message, f"spec.interface.inputs[{parameter.name}]", "rename one")


def _defaults_fit(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    for parameter in spec.interface.inputs:
        if parameter.required or isinstance(parse_type(parameter.type), TypeProblem):
            continue
        if mismatch := check_binding(parameter, parameter.default, "spec.interface.inputs"):
            path = f"spec.interface.inputs[{parameter.name}].default"
            yield Finding(Reason.DefaultInvalid, mismatch.message, path, mismatch.hint)


def _template_is_readable(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    for path, value, expected in misshapen(spec.job):
        message = f"found {describe_value(value)}, expected {expected}"
        yield Finding(Reason.JobRefused, message, f"spec.job.{path}", "see: kubectl explain job.spec")


def _template_has_containers(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    if not containers(spec.job, "containers"):
        message = "found no container in the Job's pod template, expected at least one"
        yield Finding(Reason.JobRefused, message, "spec.job.template.spec.containers")


def _output_container_exists(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    names = [str(container.get("name")) for container in containers(spec.job, "containers")]
    if names and spec.container is not None and output_container(spec.job, spec.container) is None:
        message = f"found container {spec.container!r}, expected one of the template's: {listed(names)}"
        yield Finding(Reason.ContainerUnknown, message, "spec.container")


def _outputs_have_one_pod(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    completions = spec.job.get("completions")
    if spec.interface.outputs and isinstance(completions, int) and completions > 1:
        message = f"found outputs and {completions} completions: outputs need a Job of one completion"
        yield Finding(Reason.OutputInvalid, message, "spec.job.completions", "drop the outputs or the completions")


def _reserved_names_are_free(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    for what, path in chain(_reserved_env(spec.job), _reserved_metadata(spec.job), _reserved_mounts(spec.job)):
        yield Finding(Reason.ReservedName, f"found {what}, which the operator sets itself", path, "choose another name")


def _reserved_env(job: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(containers(job, kind)):
            for place, env in enumerate(objects(container.get("env"))):
                if is_reserved_env(str(env.get("name"))):
                    path = f"spec.job.template.spec.{kind}[{index}].env[{place}].name"
                    yield f"the environment name {env['name']!r}", path


def _reserved_metadata(job: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for field in ("labels", "annotations"):
        for key in pod_keys(job, field):
            if is_own_key(key):
                yield f"the {field[:-1]} {key!r}", f"spec.job.template.metadata.{field}"


def _reserved_mounts(job: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for index, volume in enumerate(objects(pod_spec(job).get("volumes"))):
        if str(volume.get("name")) in {INPUTS_VOLUME, SECRETS_VOLUME}:
            yield f"the volume {volume['name']!r}", f"spec.job.template.spec.volumes[{index}].name"
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(containers(job, kind)):
            for place, mount in enumerate(objects(container.get("volumeMounts"))):
                directory = str(mount.get("mountPath")).rstrip("/")
                if directory in {INPUTS_DIRECTORY, SECRETS_DIRECTORY}:
                    path = f"spec.job.template.spec.{kind}[{index}].volumeMounts[{place}].mountPath"
                    yield f"a mount at {directory}", path


def _workflow_obstacle(workflow: WorkflowView) -> Finding | None:
    if workflow.obstacle is not None:
        return workflow.obstacle
    if workflow.spec is not None and not workflow.findings:
        return None
    path = "spec.workflowRef.name"
    if workflow.spec is None and not workflow.findings:
        return workflow.not_found(path)
    first = workflow.findings[0]
    message = f"the WorkflowDefinition {workflow.name!r} is not valid: {first.reason}: {first.message}"
    return Finding(Reason.WorkflowInvalid, message, path, f"kubectl describe wfd {workflow.name}")


def _inputs_in_both(view: PlanView) -> Iterator[Finding]:
    for name in sorted(set(view.spec.default_inputs) & set(view.spec.fixed_inputs)):
        message = f"found the input {name!r} among the default and the fixed inputs, expected it in one of them"
        yield Finding(Reason.InputInBoth, message, f"spec.fixedInputs.{name}", "remove it from one of the two")


def _bound_inputs_fit(view: PlanView) -> Iterator[Finding]:
    parameters = _parameters(view)
    yield from check_values(parameters, view.spec.default_inputs, "spec.defaultInputs")
    yield from check_values(parameters, view.spec.fixed_inputs, "spec.fixedInputs")


def _scheduled_inputs_bound(view: PlanView) -> Iterator[Finding]:
    if view.spec.schedule is None:
        return
    for name in unbound_inputs(_parameters(view), view.bindings):
        message = f"found a schedule but no value for the required input {name!r}: a slot has no caller to give it"
        yield Finding(
            Reason.ScheduleUnboundInput, message, f"spec.defaultInputs.{name}", "give a default or a fixed input"
        )


def _scheduled_inputs_travel(view: PlanView) -> Iterator[Finding]:
    # Only what is of its type has a text whose size can be told.
    if view.spec.schedule is None or any(_bound_inputs_fit(view)):
        return
    resolved = resolve_inputs(_parameters(view), view.bindings, {})
    for finding in resolved if isinstance(resolved, tuple) else ():
        if finding.reason is Reason.InputsTooLarge:
            yield replace(finding, path="spec.defaultInputs")


def _settings_permitted(view: PlanView) -> Iterator[Finding]:
    if view.workflow.spec is not None:
        asked = asked_settings(view.spec.env, view.spec.identity)
        yield from check_permissions(asked, view.workflow.spec.allow, view.workflow.name)


def _parameters(view: PlanView) -> tuple[Any, ...]:
    return view.workflow.spec.interface.inputs if view.workflow.spec else ()
