"""WorkflowDefinition: checked by itself once per generation, with the API server's own word on its Job."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from launchplan_operator.api.conditions import ConditionType, Finding, Reason, find_condition
from launchplan_operator.api.kinds import JOBS, WORKFLOW_DEFINITIONS
from launchplan_operator.api.mending import target_of
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.settings import RunSettings
from launchplan_operator.api.workflow import MAX_WORKFLOW_VERSIONS, WorkflowDefinitionSpec
from launchplan_operator.decide.readiness import Verdict, ready_conditions
from launchplan_operator.decide.refusals import mend_template, without_suffix
from launchplan_operator.decide.samples import sample_inputs
from launchplan_operator.decide.validate import WorkflowView, validate_workflow
from launchplan_operator.decide.versions import WorkflowContent, read_workflow_content, workflow_conflict
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.result import Again, Done, Outcome
from launchplan_operator.reconcile.retention import retain_bare
from launchplan_operator.render.content import workflow_content
from launchplan_operator.render.job import render_job

_ASK_AGAIN = 30.0
_JOB = "spec.job"


def see_workflow(context: Context, namespace: str, name: str) -> WorkflowView:
    """Return what a plan or a run sees of a workflow; one that did not change is not read again."""
    obj = context.caches.workflows.get(namespace, name)
    if obj is None:
        context.caches.views.pop((namespace, name), None)
        return WorkflowView(name, others=context.caches.names(WORKFLOW_DEFINITIONS, namespace))
    version, view = context.caches.views.get((namespace, name), ("", WorkflowView(name)))
    if version != obj["metadata"]["resourceVersion"]:
        view = view_workflow(name, obj)
        context.caches.views[namespace, name] = (obj["metadata"]["resourceVersion"], view)
    return view


def view_workflow(name: str, obj: Mapping[str, Any]) -> WorkflowView:
    """Return what a workflow object means: its spec and version, or what is wrong with it."""
    spec = parse_spec(WorkflowDefinitionSpec, obj)
    if isinstance(spec, tuple):
        return WorkflowView(name, findings=spec)
    content = read_workflow_content(obj["spec"])
    findings = (*validate_workflow(spec), *_conflict(obj, content)) or _refusal(obj)
    return WorkflowView(name, spec, content.version, findings, unchecked=not _is_observed(obj), content=content)


async def reconcile_workflow(context: Context, namespace: str, name: str) -> Outcome:
    """Bring a workflow's status up to its spec, and keep the history of its bare runs."""
    obj = context.caches.workflows.get(namespace, name)
    if obj is None or obj["metadata"].get("deletionTimestamp"):
        return Done()
    if not _is_settled(obj):
        outcome = await _check(context, obj)
        if not isinstance(outcome, Done):
            return outcome
    return await retain_bare(context, WORKFLOW_DEFINITIONS, namespace, name)


async def _check(context: Context, obj: Mapping[str, Any]) -> Outcome:
    spec = parse_spec(WorkflowDefinitionSpec, obj)
    content = read_workflow_content(obj["spec"])
    version = content.version
    findings = spec if isinstance(spec, tuple) else (*validate_workflow(spec), *_conflict(obj, content))
    if not isinstance(spec, tuple) and not findings:
        findings = await _dry_run(context, obj, spec, version)
    said = f"plans may use it; its version is {version}"
    verdict = Verdict(Reason.Valid, said, target_of(WORKFLOW_DEFINITIONS, obj), findings)
    generation = obj["metadata"]["generation"]
    previous = (obj.get("status") or {}).get("conditions") or ()
    conditions = ready_conditions(verdict, generation, context.clock(), previous)
    seen = _seen_versions(obj, content, valid=not findings)
    status = {"observedGeneration": generation, "version": version, "versions": seen, "conditions": conditions}
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
    job = render_job(content, obj)
    # A Job of the workflow's own name may exist; a generated name meets none.
    job["metadata"]["generateName"] = job["metadata"].pop("name") + "-"
    reply = await context.client.create(JOBS, job, dry_run=True, strict=True)
    if not reply.refused:
        return ()
    message = f"the API server refuses the Job: {without_suffix(reply.message, obj['metadata']['name'])}"
    # A 403 is an admission's or a quota's word, which may change without the workflow.
    transient = reply.status == HTTPStatus.FORBIDDEN
    fix = mend_template(reply.message, spec.job)
    return (Finding(Reason.JobRefused, message, _JOB, transient=transient, fix=fix),)


def _is_settled(obj: Mapping[str, Any]) -> bool:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    waiting = find_condition(conditions, ConditionType.Reconciling)
    return _is_observed(obj) and waiting is not None and waiting["status"] == "False"


def _is_observed(obj: Mapping[str, Any]) -> bool:
    return bool((obj.get("status") or {}).get("observedGeneration") == obj["metadata"]["generation"])


def _conflict(obj: Mapping[str, Any], content: WorkflowContent) -> tuple[Finding, ...]:
    """A version's name stands for the content that it was first seen valid with."""
    seen = (obj.get("status") or {}).get("versions") or ()
    finding = workflow_conflict(((known["version"], known["hash"]) for known in seen), content)
    return (finding,) if finding else ()


def _seen_versions(obj: Mapping[str, Any], content: WorkflowContent, *, valid: bool) -> list[dict[str, str]]:
    seen = list((obj.get("status") or {}).get("versions") or ())
    if not valid:
        return seen
    others = [each for each in seen if each["version"] != content.version]
    return [*others, {"version": content.version, "hash": content.hash}][-MAX_WORKFLOW_VERSIONS:]


def _refusal(obj: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the API server said of the Job, as far as this very generation was asked about."""
    ready = find_condition((obj.get("status") or {}).get("conditions") or (), ConditionType.Ready)
    if ready is None or ready["reason"] != Reason.JobRefused or not _is_observed(obj):
        return ()
    message = ready["message"].removeprefix(f"{_JOB}: ")
    return (Finding(Reason.JobRefused, message, _JOB, fix=mend_template(message, obj["spec"].get("job") or {})),)
