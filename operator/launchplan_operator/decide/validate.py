"""Whether a workflow or a plan can be obeyed: readable chains of checks, each yielding findings."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import Any, Final

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.mending import (
    Fix,
    edit_object,
    join_fixes,
    put_value,
    retarget,
    set_field,
    set_item,
)
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
from launchplan_operator.api.workflow import InputParameter, WorkflowDefinitionSpec
from launchplan_operator.decide.declared import check_types
from launchplan_operator.decide.engine import unserved_limit
from launchplan_operator.decide.inputs import (
    Bindings,
    check_binding,
    check_values,
    inputs_to_shrink,
    listed,
    nearest_name,
    resolve_inputs,
    unbound_inputs,
)
from launchplan_operator.decide.kickoff import check_kickoff, kickoff_names, sample_slot_inputs
from launchplan_operator.decide.permissions import asked_settings, check_permissions
from launchplan_operator.decide.samples import example_value, nearest_value
from launchplan_operator.decide.versions import WorkflowContent

#: Characters of a name that leave room for a number of four digits, so that it is a name still.
_LONGEST_STEM: Final = 59


@dataclass(frozen=True, slots=True)
class WorkflowView:
    """What a plan sees of the workflow it names: absent, or a spec with what is wrong with it.

    Attributes:
        content: what of it a run depends on; None where there is no such version.
        obstacle: why the version that was asked for cannot be had.
        unchecked: the API server was not yet asked about the Job of this very generation: nothing may start from it.
        others: the names of those that there are, where this one is absent.
    """

    name: str
    spec: WorkflowDefinitionSpec | None = None
    version: str = ""
    findings: tuple[Finding, ...] = ()
    unchecked: bool = False
    content: WorkflowContent | None = None
    obstacle: Finding | None = None
    others: tuple[str, ...] = ()

    @property
    def allow(self) -> Allow | None:
        """What plans and runs may ask of it now; None where it is gone or unreadable."""
        return self.spec.allow if self.spec is not None else None

    @property
    def meant(self) -> str | None:
        """The name of the workflow that was probably meant by one that does not exist."""
        return nearest_name(self.name, self.others)

    def not_found(self, path: str) -> Finding:
        """Return the finding for a workflow that does not exist, named at `path`."""
        message = f"found no WorkflowDefinition {self.name!r} in this namespace"
        hint = f"did you mean {self.meant!r}?" if self.meant is not None else "apply it, or see: kubectl get wfd"
        fix = set_field(self.meant, *path.split(".")) if self.meant is not None else None
        return Finding(Reason.WorkflowNotFound, message, path, hint, transient=True, fix=fix)


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
        return (*_limit_is_kept(view), *_inputs_in_both(view), obstacle, *_settings_permitted(view))
    checks = (
        _limit_is_kept,
        _inputs_in_both,
        _kickoff_fits,
        _bound_inputs_fit,
        _scheduled_inputs_bound,
        _scheduled_inputs_travel,
        _settings_permitted,
    )
    return tuple(chain.from_iterable(check(view) for check in checks))


def _types_parse(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    yield from check_types(spec.interface.inputs, "spec.interface.inputs")
    yield from check_types(spec.interface.outputs, "spec.interface.outputs")


def _env_names_differ(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    taken = {input_env(parameter.name) for parameter in spec.interface.inputs}
    for place, parameter in enumerate(spec.interface.inputs):
        first = seen.setdefault(input_env(parameter.name), parameter.name)
        if first != parameter.name:
            message = f"inputs {first!r} and {parameter.name!r} would share the environment name {input_env(first)}"
            path = f"spec.interface.inputs[{parameter.name}]"
            free = _free_name(parameter.name, taken)
            taken.add(input_env(free))
            fix = set_item(free, f"spec.interface.inputs[{place}].name")
            yield Finding(Reason.InputNameCollision, message, path, "rename one", fix=fix)


def _free_name(name: str, taken: Collection[str]) -> str:
    stem = name[:_LONGEST_STEM]
    return next(each for each in (f"{stem}{number}" for number in count(2)) if input_env(each) not in taken)


def _defaults_fit(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    for place, parameter in enumerate(spec.interface.inputs):
        declared = parse_type(parameter.type)
        if parameter.required or isinstance(declared, TypeProblem):
            continue
        if mismatch := check_binding(parameter, parameter.default, "spec.interface.inputs"):
            path = f"spec.interface.inputs[{parameter.name}].default"
            meant = nearest_value(declared, parameter.default)
            fix = set_item(meant, f"spec.interface.inputs[{place}].default")
            yield Finding(Reason.DefaultInvalid, mismatch.message, path, mismatch.hint, fix=fix)


def _template_is_readable(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    for path, value, expected in misshapen(spec.job):
        message = f"found {describe_value(value)}, expected {expected}"
        hint = "see: kubectl explain job.spec"
        yield Finding(Reason.JobRefused, message, f"spec.job.{path}", hint, fix=edit_object())


def _template_has_containers(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    if not containers(spec.job, "containers"):
        message = "found no container in the Job's pod template, expected at least one"
        yield Finding(Reason.JobRefused, message, "spec.job.template.spec.containers", fix=edit_object())


def _output_container_exists(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    names = [str(container.get("name")) for container in containers(spec.job, "containers")]
    if names and spec.container is not None and output_container(spec.job, spec.container) is None:
        message = f"found container {spec.container!r}, expected one of the template's: {listed(names)}"
        fix = set_field(nearest_name(spec.container, names) or names[0], "spec", "container")
        yield Finding(Reason.ContainerUnknown, message, "spec.container", fix=fix)


def _outputs_have_one_pod(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    completions = spec.job.get("completions")
    if spec.interface.outputs and isinstance(completions, int) and completions > 1:
        message = f"found outputs and {completions} completions: outputs need a Job of one completion"
        fix = set_field(1, "spec", "job", "completions")
        hint = "drop the outputs or the completions"
        yield Finding(Reason.OutputInvalid, message, "spec.job.completions", hint, fix=fix)


def _reserved_names_are_free(spec: WorkflowDefinitionSpec) -> Iterator[Finding]:
    for what, path, fix in chain(_reserved_env(spec.job), _reserved_metadata(spec.job), _reserved_mounts(spec.job)):
        message = f"found {what}, which the operator sets itself"
        yield Finding(Reason.ReservedName, message, path, "choose another name", fix=fix)


def _reserved_env(job: dict[str, Any]) -> Iterator[tuple[str, str, Fix]]:
    for place, env in _each_in_containers(job, "env"):
        if is_reserved_env(str(env.get("name"))):
            path = f"{place}.name"
            yield f"the environment name {env['name']!r}", path, set_item(f"MY_{env['name']}", path)


def _reserved_metadata(job: dict[str, Any]) -> Iterator[tuple[str, str, Fix]]:
    for field in ("labels", "annotations"):
        for key in pod_keys(job, field):
            if is_own_key(key):
                fix = set_field(None, "spec", "job", "template", "metadata", field, key)
                yield f"the {field[:-1]} {key!r}", f"spec.job.template.metadata.{field}", fix


def _reserved_mounts(job: dict[str, Any]) -> Iterator[tuple[str, str, Fix | None]]:
    for index, volume in enumerate(objects(pod_spec(job).get("volumes"))):
        name = str(volume.get("name"))
        if name in {INPUTS_VOLUME, SECRETS_VOLUME}:
            path = f"spec.job.template.spec.volumes[{index}].name"
            mounts = (place for place, mount in _each_in_containers(job, "volumeMounts") if mount.get("name") == name)
            renamed = (set_item(f"my-{name}", each) for each in (path, *(f"{place}.name" for place in mounts)))
            yield f"the volume {name!r}", path, join_fixes(renamed)
    for place, mount in _each_in_containers(job, "volumeMounts"):
        directory = str(mount.get("mountPath")).rstrip("/")
        if directory in {INPUTS_DIRECTORY, SECRETS_DIRECTORY}:
            path = f"{place}.mountPath"
            yield f"a mount at {directory}", path, set_item(directory.replace("/etc/", "/srv/"), path)


def _each_in_containers(job: dict[str, Any], field: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object of a list that containers have, with its path."""
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(containers(job, kind)):
            for place, item in enumerate(objects(container.get(field))):
                yield f"spec.job.template.spec.{kind}[{index}].{field}[{place}]", item


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
    fix = retarget(join_fixes(finding.fix for finding in workflow.findings), "wfd", workflow.name)
    return Finding(Reason.WorkflowInvalid, message, path, f"kubectl describe wfd {workflow.name}", fix=fix)


def _inputs_in_both(view: PlanView) -> Iterator[Finding]:
    for name in sorted(set(view.spec.default_inputs) & set(view.spec.fixed_inputs)):
        message = f"found the input {name!r} among the default and the fixed inputs, expected it in one of them"
        fix = set_field(None, "spec", "defaultInputs", name)
        yield Finding(Reason.InputInBoth, message, f"spec.fixedInputs.{name}", "remove it from one of the two", fix=fix)


def _limit_is_kept(view: PlanView) -> Iterator[Finding]:
    schedule = view.spec.schedule
    if schedule is not None and schedule.engine == "CronJob" and view.spec.concurrency is not None:
        yield unserved_limit()


def _kickoff_fits(view: PlanView) -> Iterator[Finding]:
    if view.spec.schedule is not None:
        yield from check_kickoff(view.spec.schedule, _parameters(view), view.bindings)


def _bound_inputs_fit(view: PlanView) -> Iterator[Finding]:
    parameters = _parameters(view)
    defaults, fixed = view.spec.default_inputs, view.spec.fixed_inputs
    for finding in check_values(parameters, defaults, "spec.defaultInputs", taken=fixed):
        # What is in both is removed from the defaults: there is nothing left to mend in it.
        is_kept = finding.path.removeprefix("spec.defaultInputs.") not in fixed
        yield finding if is_kept else replace(finding, fix=None)
    yield from check_values(parameters, fixed, "spec.fixedInputs", taken={*defaults, *_kickoff_names(view)})


def _scheduled_inputs_bound(view: PlanView) -> Iterator[Finding]:
    if view.spec.schedule is None:
        return
    kickoff = _kickoff_names(view)
    for name in unbound_inputs(_parameters(view), view.bindings):
        if name in kickoff:
            continue
        message = f"found a schedule but no value for the required input {name!r}: a slot has no caller to give it"
        fix = set_field(_example(view, name), "spec", "defaultInputs", name)
        path = f"spec.defaultInputs.{name}"
        yield Finding(Reason.ScheduleUnboundInput, message, path, "give a default or a fixed input", fix=fix)


def _scheduled_inputs_travel(view: PlanView) -> Iterator[Finding]:
    # Only what is of its type has a text whose size can be told.
    schedule = view.spec.schedule
    if schedule is None or any(_bound_inputs_fit(view)) or any(_kickoff_fits(view)):
        return
    given = sample_slot_inputs(schedule)
    resolved = resolve_inputs(_parameters(view), view.bindings, given)
    for finding in resolved if isinstance(resolved, tuple) else ():
        if finding.reason is Reason.InputsTooLarge:
            yield replace(finding, path="spec.defaultInputs", fix=_smaller(view, given))


def _kickoff_names(view: PlanView) -> set[str]:
    schedule = view.spec.schedule
    return kickoff_names(schedule, _parameters(view), view.bindings) if schedule is not None else set()


def _smaller(view: PlanView, given: Mapping[str, Any]) -> Fix | None:
    names = inputs_to_shrink(_parameters(view), view.bindings, given)
    return join_fixes(_without(view, name) for name in names)


def _without(view: PlanView, name: str) -> Fix:
    """Leave a value to the workflow's default, or give an example where there is none."""
    fixed = name in view.spec.fixed_inputs
    is_bound = fixed or name in view.spec.default_inputs
    needed = name in unbound_inputs(_parameters(view), Bindings())
    if not is_bound:
        return set_field(_example(view, name), "spec", "defaultInputs", name)
    value = _example(view, name) if needed else None
    return put_value(value, "spec", "fixedInputs" if fixed else "defaultInputs", name)


def _example(view: PlanView, name: str) -> Any:
    declared = next(parse_type(each.type) for each in _parameters(view) if each.name == name)
    return None if isinstance(declared, TypeProblem) else example_value(declared)


def _settings_permitted(view: PlanView) -> Iterator[Finding]:
    if view.workflow.spec is not None:
        asked = asked_settings(view.spec.env, view.spec.identity)
        yield from check_permissions(asked, view.workflow.spec.allow, view.workflow.name)


def _parameters(view: PlanView) -> tuple[InputParameter, ...]:
    return view.workflow.spec.interface.inputs if view.workflow.spec else ()
