"""WorkflowDefinition: checked by itself once per generation, with the API server's own word on its Job."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from launchplan_operator.api.conditions import ConditionType, Finding, Reason, find_condition
from launchplan_operator.api.kinds import JOBS, WORKFLOW_DEFINITIONS
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.settings import RunSettings
from launchplan_operator.api.workflow import WorkflowDefinitionSpec
from launchplan_operator.decide.readiness import Verdict, ready_conditions
from launchplan_operator.decide.samples import sample_inputs
from launchplan_operator.decide.validate import WorkflowView, validate_workflow
from launchplan_operator.decide.versions import workflow_version
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.result import Again, Done, Outcome
from launchplan_operator.reconcile.retention import retain_bare
from launchplan_operator.render.content import workflow_content
from launchplan_operator.render.job import render_job

_ASK_AGAIN = 30.0


def view_workflow(name: str, obj: Mapping[str, Any] | None) -> WorkflowView:
    """Return what a plan or a run sees of a workflow: its spec and version, or what is wrong with it."""
    if obj is None:
        return WorkflowView(name)
    spec = parse_spec(WorkflowDefinitionSpec, obj)
    if isinstance(spec, tuple):
        return WorkflowView(name, findings=spec)
    findings = validate_workflow(spec) or _refusal(obj)
    return WorkflowView(name, spec, workflow_version(obj["spec"]), findings, unchecked=not _is_observed(obj))


async def reconcile_workflow(context: Context, namespace: str, name: str) -> Outcome:
    """Bring a workflow's status up to its spec, and keep the history of its bare runs."""
    obj = context.caches.workflows.get(namespace, name)
    if obj is None or obj["metadata"].get("deletionTimestamp"):
        return Done()
    if not _is_settled(obj):
        outcome = await _check(context, obj)
        if not isinstance(outcome, Done):
            return outcome
    return await retain_bare(context, namespace, name)


async def _check(context: Context, obj: Mapping[str, Any]) -> Outcome:
    spec = parse_spec(WorkflowDefinitionSpec, obj)
    findings = spec if isinstance(spec, tuple) else validate_workflow(spec)
    version = workflow_version(obj["spec"])
    if not isinstance(spec, tuple) and not findings:
        findings = await _dry_run(context, obj, spec, version)
    verdict = Verdict(Reason.Valid, f"plans may use it; its version is {version}", findings)
    generation = obj["metadata"]["generation"]
    previous = (obj.get("status") or {}).get("conditions") or ()
    conditions = ready_conditions(verdict, generation, context.clock(), previous)
    status = {"observedGeneration": generation, "version": version, "conditions": conditions}
    outcome = await write_status(context, WORKFLOW_DEFINITIONS, obj, status)
    if not findings or not isinstance(outcome, Done):
        return outcome
    context.events.record(obj, "Warning", findings[0].reason, conditions[0]["message"])
    return Again(_ASK_AGAIN) if any(finding.transient for finding in findings) else outcome


async def _dry_run(
    context: Context, obj: Mapping[str, Any], spec: WorkflowDefinitionSpec, version: str
) -> tuple[Finding, ...]:
    # Interruptible, so that the server sees that placement too: it only adds to the template.
    settings = RunSettings(interruptible=True)
    content = workflow_content(obj, version, spec, sample_inputs(spec.interface.inputs), settings)
    job = render_job(content, obj["metadata"]["namespace"], obj["metadata"]["name"], obj)
    # A Job of the workflow's own name may exist; a generated name meets none.
    job["metadata"]["generateName"] = job["metadata"].pop("name") + "-"
    reply = await context.client.create(JOBS, job, dry_run=True, strict=True)
    if not reply.refused:
        return ()
    message = f"the API server refuses the Job: {reply.message}"
    # A 403 is an admission's or a quota's word, which may change without the workflow.
    transient = reply.status == HTTPStatus.FORBIDDEN
    return (Finding(Reason.JobRefused, message, "spec.job", transient=transient),)


def _is_settled(obj: Mapping[str, Any]) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    waiting = find_condition(conditions, ConditionType.Reconciling)
    return _is_observed(obj) and waiting is not None and waiting["status"] == "False"


def _is_observed(obj: Mapping[str, Any]) -> bool:
    return bool((obj.get("status") or {}).get("observedGeneration") == obj["metadata"]["generation"])


def _refusal(obj: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the API server said of the Job, as far as this very generation was asked about."""
    ready = find_condition((obj.get("status") or {}).get("conditions") or (), ConditionType.Ready)
    if ready is None or ready["reason"] != Reason.JobRefused or not _is_observed(obj):
        return ()
    return (Finding(Reason.JobRefused, ready["message"], "spec.job"),)
