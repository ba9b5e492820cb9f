"""What a caller may pass to a plan, a workflow or a reference of the cluster, and whether what is given fits."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.kinds import LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.api.types import TypeProblem, parse_text, parse_type
from launchplan_operator.api.workflow import InputParameter, Interface, WorkflowDefinitionSpec
from launchplan_operator.cli.cluster import KINDS, SHORT, Cluster, Forbidden, with_cluster
from launchplan_operator.cli.given import Given
from launchplan_operator.cli.output import visible
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.cli.references import check_given, offer_of
from launchplan_operator.cli.revisions import find_revision, unknown_version
from launchplan_operator.cli.targets import Target
from launchplan_operator.decide.inputs import Bindings, resolve_inputs
from launchplan_operator.decide.pointers import declared_parameters
from launchplan_operator.decide.validate import validate_workflow
from launchplan_operator.kube.transport import Object


@dataclass(frozen=True, slots=True)
class Contract:
    """What may be passed, and what is bound already.

    Attributes:
        parameters: what a caller may give a value; of a plan's own interface its defaults are part.
        version: the version that it is the contract of; None where nothing is known of versions.
        findings: what is wrong with a workflow, so that no run of it starts.
        check: of a reference, what is wrong with a caller's values; all else is the plan's and not to be seen.
    """

    parameters: Sequence[InputParameter]
    bindings: Bindings = field(default_factory=Bindings)
    version: str | None = None
    findings: tuple[Finding, ...] = ()
    check: Callable[[Mapping[str, Any]], tuple[Finding, ...]] | None = None

    def resolve(self, caller: Mapping[str, Any]) -> dict[str, Any] | tuple[Finding, ...]:
        """Return what a run gets with a caller's values, as far as it is known here, or every finding."""
        if self.check is not None:
            return self.check(caller) or dict(caller)
        return resolve_inputs(self.parameters, self.bindings, caller)


@dataclass(frozen=True, slots=True)
class Resolved:
    """What was given, as values, and what the run gets with it."""

    caller: Mapping[str, Any]
    inputs: Mapping[str, Any]


async def read_contract(cluster: Cluster, target: Target, version: str | None) -> Contract:
    """Return the contract of a plan's or a workflow's version; without one, of that which a run would get.

    Raises:
        Problem: there is no such plan, workflow, reference or version.
    """
    obj = await cluster.read(target.kind, target.name)
    if target.kind == WORKFLOW_DEFINITIONS:
        return _workflow_contract(obj, version)
    if target.kind == REFERENCE_LAUNCH_PLANS:
        return _reference_contract(obj, version)
    return await _plan_contract(cluster, obj, version)


def resolve_given(contract: Contract, given: Given) -> Resolved | tuple[Finding, ...]:
    """Return what a run gets with what is given, or every finding; texts are read by declared type."""
    if contract.findings:
        return contract.findings
    types = {parameter.name: parameter.type for parameter in contract.parameters}
    read = {name: _value(types.get(name), text) for name, text in given.texts.items()}
    unread = {f"spec.inputs.{name}": value for name, value in read.items() if isinstance(value, TypeProblem)}
    values = {name: given.texts[name] if isinstance(value, TypeProblem) else value for name, value in read.items()}
    caller = {**given.values, **values}
    resolved = contract.resolve(caller)
    if isinstance(resolved, tuple):
        return tuple(_better(finding, unread.get(finding.path)) for finding in resolved)
    return Resolved(caller, {**contract.bindings.fixed, **resolved})


def resolve_live(
    options: argparse.Namespace, kind: str, name: str, version: str | None, given: Given
) -> tuple[str, dict[str, Any] | tuple[Finding, ...]]:
    """Return the namespace, and what a run would get in the cluster, or every finding.

    Raises:
        Problem: as `with_cluster` and `read_contract`.
    """
    found: list[tuple[str, dict[str, Any] | tuple[Finding, ...]]] = []

    async def resolve(cluster: Cluster, _options: argparse.Namespace) -> int:
        contract = await read_contract(cluster, Target(KINDS[kind], name), version)
        resolved = resolve_given(contract, given)
        found.append((cluster.namespace, resolved if isinstance(resolved, tuple) else dict(resolved.inputs)))
        return 0

    with_cluster(options, resolve)
    return found[0]


def write_findings(findings: Sequence[Finding]) -> int:
    """Write findings to stderr, each a line; returns the exit code."""
    for finding in findings:
        sys.stderr.write(f"error: {finding.reason}: {visible(finding.text)}\n")
    return FAILURE_EXIT


def _value(declared: str | None, text: str) -> Any:
    """Return what a text stands for; one that belongs to no known input stays, and is a finding of its own."""
    known = parse_type(declared) if declared is not None else None
    return text if known is None or isinstance(known, TypeProblem) else parse_text(known, text)


def _better(finding: Finding, problem: TypeProblem | None) -> Finding:
    if problem is None or finding.reason is not Reason.TypeMismatch:
        return finding
    name = finding.path.rpartition(".")[2]
    return replace(finding, message=f"input {name!r}: {problem.message}", hint=problem.hint)


def _workflow_contract(workflow: Object, version: str | None) -> Contract:
    spec = parse_spec(WorkflowDefinitionSpec, workflow)
    if isinstance(spec, tuple):
        raise Problem(spec[0].text, reason=spec[0].reason, exit_code=FAILURE_EXIT)
    live = (workflow.get("status") or {}).get("version")
    if version is not None and live is not None and version != live:
        message = f"found the version {version!r}, but a workflow without a plan has its present one alone, {live!r}"
        raise Problem(message, reason="VersionNotFound", exit_code=FAILURE_EXIT)
    findings = validate_workflow(spec)
    if not findings:
        _refuse_stalled(workflow, Reason.WorkflowInvalid)
    return Contract(spec.interface.inputs, version=live, findings=findings)


def _reference_contract(reference: Object, version: str | None) -> Contract:
    """Return what a reference declares; what its plan needs is known of the version alone that it stands for."""
    spec = parse_spec(ReferenceLaunchPlanSpec, reference)
    if isinstance(spec, tuple):
        raise Problem(spec[0].text, reason=spec[0].reason, exit_code=FAILURE_EXIT)
    if version is None:  # another version may be there where the present one is not
        _refuse_stalled(reference, Reason.ReferenceInvalid)
    resolved = (reference.get("status") or {}).get("resolved")
    check = partial(check_given, reference["metadata"]["name"], spec, offer_of(resolved) if resolved else None, version)
    return Contract(declared_parameters(spec), check=check)


async def _plan_contract(cluster: Cluster, plan: Object, version: str | None) -> Contract:
    status = plan.get("status") or {}
    known = [entry["version"] for entry in status.get("versions") or ()]
    if version is not None and known and version not in known:
        raise unknown_version(plan, version, known)
    wanted = version or status.get("activeVersion") or status.get("latestVersion")
    if wanted is None:
        _refuse_stalled(plan, Reason.PlanInvalid)
    if wanted is not None and wanted != status.get("latestVersion"):
        kept = await _kept_contract(cluster, plan, wanted)
        if kept is not None:
            return kept
    if status.get("interface"):
        return _status_contract(status["interface"], wanted)
    return await _live_contract(cluster, plan)


def _refuse_stalled(obj: Object, reason: Reason) -> None:
    """Refuse what the operator says is wrong, a plan without any valid version or a workflow, as it would do itself."""
    conditions = {each["type"]: each for each in (obj.get("status") or {}).get("conditions") or ()}
    if (conditions.get("Stalled") or {}).get("status") != "True":
        return
    kind, name, ready = obj["kind"], obj["metadata"]["name"], conditions["Ready"]
    message = f"the {kind} {name!r} is not valid: {ready['reason']}: {ready['message']}"
    hint = f"kubectl describe {SHORT[KINDS[kind]]} {name}"
    raise Problem(message, reason=reason, hint=hint, exit_code=FAILURE_EXIT)


async def _kept_contract(cluster: Cluster, plan: Object, version: str) -> Contract | None:
    """Return the contract of a version that is not the newest, from its revision; None where that cannot be read."""
    try:
        content = await find_revision(cluster, plan, version)
    except Forbidden:
        sys.stderr.write(
            f"note: the inputs are checked against the newest version: version {version} may not be read\n"
        )
        return None
    if content is None:
        return None
    spec, workflow = content.get("spec") or {}, (content.get("workflow") or {}).get("spec") or {}
    interface = Interface.model_validate(workflow.get("interface") or {})
    bindings = Bindings(spec.get("defaultInputs") or {}, spec.get("fixedInputs") or {})
    return Contract(interface.inputs, bindings, version)


def _status_contract(interface: Mapping[str, Any], version: str | None) -> Contract:
    parameters = [
        InputParameter.model_validate(
            {"name": each["name"], "type": each["type"]}
            | ({} if each["required"] else {"default": each.get("default")})
        )
        for each in interface.get("parameters") or ()
    ]
    return Contract(parameters, Bindings(fixed=interface.get("fixedInputs") or {}), version)


async def _live_contract(cluster: Cluster, plan: Object) -> Contract:
    """Return what the plan's spec and its workflow say, where the operator has not said it yet."""
    spec = plan["spec"]
    name = spec["workflowRef"]["name"]
    workflow = await cluster.client.get(WORKFLOW_DEFINITIONS, cluster.namespace, name)
    if workflow is None:
        message = f"found no WorkflowDefinition {name!r}, which the plan {plan['metadata']['name']!r} names"
        hint = f"kubectl describe {LAUNCH_PLANS.kind.lower()} {plan['metadata']['name']}"
        raise Problem(message, reason=Reason.WorkflowNotFound, hint=hint, exit_code=FAILURE_EXIT)
    bindings = Bindings(spec.get("defaultInputs") or {}, spec.get("fixedInputs") or {})
    return replace(_workflow_contract(workflow, None), bindings=bindings, version=None)
