"""A run through a reference: it asks for an execution in the plan's namespace, counts on it, and mirrors it to its end.

The write of the run's own status that notes the other execution is what makes that one count: it starts nothing before.
A request that arrives too late therefore starts nothing at all, whatever became of the run meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.execution import LaunchPlanExecutionSpec
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, REFERENCE_LAUNCH_PLANS
from launchplan_operator.api.mending import target_of
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.api.reference import ReferenceLaunchPlanSpec
from launchplan_operator.decide.inputs import nearest_name
from launchplan_operator.decide.mirror import lost_status, mirror_status
from launchplan_operator.decide.pointers import (
    Offer,
    another_version,
    check_passed,
    declared_parameters,
    reference_invalid,
    reference_not_found,
    target_unavailable,
)
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.references import check_run_name
from launchplan_operator.decide.runcommand import RunWish, run_after, run_instead, wish_of
from launchplan_operator.kube.client import Reply
from launchplan_operator.reconcile.choice import read_wish
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.ending import reject
from launchplan_operator.reconcile.requester import end_remote
from launchplan_operator.reconcile.resolution import resolve
from launchplan_operator.reconcile.result import Done, Failed, Outcome
from launchplan_operator.reconcile.standing import Standing, find_end
from launchplan_operator.reconcile.unstarted import requested_facts, write_aborted
from launchplan_operator.reconcile.waiting import refuse
from launchplan_operator.render import labels
from launchplan_operator.render.execution import render_remote


async def follow_reference(context: Context, execution: Mapping[str, Any]) -> Outcome:
    """Bring a run through a reference that has not ended one step forward."""
    noted = (execution.get("status") or {}).get("remote")
    return await (_ask(context, execution) if noted is None else _mirror(context, execution, noted))


async def _ask(context: Context, execution: Mapping[str, Any]) -> Outcome:
    """Check a run, ask for the execution that does the work, and note it."""
    if end := find_end(execution, Standing()):
        return await write_aborted(context, execution, end)
    spec = await read_wish(context, execution)
    if isinstance(spec, tuple):
        return await refuse(context, execution, spec)
    if misnamed := check_run_name(execution["metadata"]["name"]):
        return await reject(context, execution, *run_instead((misnamed,), wish_of(spec)))
    offer = await _offer(context, execution, spec)
    if offer is None:
        # The plan's verdict wakes the references to it, and the runs that wait for those.
        return Done()
    if isinstance(offer, tuple):
        return await refuse(context, execution, offer)
    remote = await _make(context, execution, offer, spec.inputs)
    if isinstance(remote, Finding):
        return await refuse(context, execution, (remote,))
    return remote if isinstance(remote, Failed) else await _note(context, execution, spec, remote)


async def _offer(
    context: Context, execution: Mapping[str, Any], spec: LaunchPlanExecutionSpec
) -> Offer | tuple[Finding, ...] | None:
    """Return what the run's reference stands for, if the run may have it with its inputs."""
    namespace, name, wanted = (
        execution["metadata"]["namespace"],
        spec.launch_plan_ref.name,
        spec.launch_plan_ref.version,
    )
    reference = context.caches.references.get(namespace, name)
    if reference is None or reference["metadata"].get("deletionTimestamp"):
        return _absent(context, namespace, wish_of(spec))
    read = parse_spec(ReferenceLaunchPlanSpec, reference)
    if isinstance(read, tuple):
        return _invalid(read, wish_of(spec))
    if wanted is not None and read.version not in {None, wanted}:
        other = another_version(name, wanted, str(read.version))
        return run_instead((other,), replace(wish_of(spec), version=None), declared_parameters(read))
    found = await resolve(context, reference, read, wanted)
    if isinstance(found, tuple):
        return _invalid(found, wish_of(spec))
    if found is None:
        return None
    findings = check_passed(read, found, spec.inputs)
    return run_instead(findings, wish_of(spec), declared_parameters(read)) if findings else found


def _absent(context: Context, namespace: str, wish: RunWish) -> tuple[Finding, ...]:
    others = context.caches.names(REFERENCE_LAUNCH_PLANS, namespace)
    absent = (reference_not_found(wish.name, others),)
    meant = nearest_name(wish.name, others)
    return run_instead(absent, replace(wish, name=meant)) if meant is not None else absent


def _invalid(findings: Sequence[Finding], wish: RunWish) -> tuple[Finding, ...]:
    """Let a run suffer from its reference: it waits for what may be mended, else it must be started once more."""
    suffered = [reference_invalid(wish.name, finding) for finding in findings]
    return tuple(each if each.transient else replace(each, fix=run_after(each.fix, wish)) for each in suffered)


async def _make(
    context: Context, execution: Mapping[str, Any], offer: Offer, inputs: Mapping[str, Any]
) -> Mapping[str, Any] | Finding | Failed:
    """Return the execution that does the work: made now, or by an earlier look whose answer was lost."""
    plan = context.caches.plans.get(offer.namespace, offer.name)
    if plan is None:
        return Failed(f"LaunchPlan {offer.place} vanished between two looks")
    wanted = render_remote(execution, plan, offer.version, inputs)
    reply = await context.client.create(LAUNCH_PLAN_EXECUTIONS, wanted)
    if reply.ok:
        return reply.body
    if not reply.exists:
        return _refused(reply, offer)
    name = wanted["metadata"]["name"]
    found = await context.client.get(LAUNCH_PLAN_EXECUTIONS, offer.namespace, name)
    if found is None:
        return Failed(f"LaunchPlanExecution {offer.namespace}/{name} vanished between two looks")
    return found if _is_wanted(found, wanted) else _taken(offer.namespace, name)


def _is_wanted(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Tell whether an execution asks for what we would ask for; its version may be the one of an earlier look."""
    asked, ours = found["spec"]["launchPlanRef"], wanted["spec"]["launchPlanRef"]
    same_plan = "version" in asked and {**asked, "version": ours["version"]} == ours
    same_inputs = (found["spec"].get("inputs") or {}) == wanted["spec"]["inputs"]
    return labels.requester_of(found) == labels.requester_of(wanted) and same_plan and same_inputs


def _refused(reply: Reply, offer: Offer) -> Finding | Failed:
    if reply.not_found:
        # The namespace itself is gone, with the plan in it.
        return target_unavailable(offer.place)
    if not reply.refused:
        return Failed(reply.message)
    # A 403 is a quota's or an admission's word, or a namespace's that ends.
    transient = reply.status == HTTPStatus.FORBIDDEN
    message = f"the API server refuses the execution in the namespace {offer.namespace!r}: {reply.message}"
    return Finding(Reason.RemoteRefused, message, "spec.launchPlanRef.name", transient=transient)


def _taken(namespace: str, name: str) -> Finding:
    message = (
        f"found an execution {namespace}/{name} that does not do what this one asks for, expected none of that name"
    )
    return Finding(
        Reason.RemoteNameTaken, message, "metadata.uid", "create this execution anew: its uid is in that name"
    )


async def _note(
    context: Context, execution: Mapping[str, Any], spec: LaunchPlanExecutionSpec, remote: Mapping[str, Any]
) -> Outcome:
    """Accept the run, and with it the execution that does the work."""
    facts = {
        **requested_facts(context, execution),
        **(execution.get("status") or {}),
        "launchPlanVersion": remote["spec"]["launchPlanRef"]["version"],
        "inputs": dict(spec.inputs),
        "remote": {field: remote["metadata"][field] for field in ("namespace", "name", "uid")},
    }
    target, generation = target_of(LAUNCH_PLAN_EXECUTIONS, execution), execution["metadata"]["generation"]
    status = mirror_status(remote, target, generation, context.clock(), facts)
    return await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)


async def _mirror(context: Context, execution: Mapping[str, Any], noted: Mapping[str, str]) -> Outcome:
    """Hand a wish to terminate on, and write what the other execution shows."""
    remote = await _find(context, execution, noted)
    generation, now, previous = execution["metadata"]["generation"], context.clock(), execution["status"]
    if remote is None:
        status = lost_status(f"{noted['namespace']}/{noted['name']}", generation, now, previous)
    else:
        handed = await _hand_on(context, execution, remote)
        if not isinstance(handed, Done):
            return handed
        status = mirror_status(remote, target_of(LAUNCH_PLAN_EXECUTIONS, execution), generation, now, previous)
    outcome = await write_status(context, LAUNCH_PLAN_EXECUTIONS, execution, status)
    error = status.get("error")
    if isinstance(outcome, Done) and is_terminal(status) and error:
        context.events.record(execution, "Warning", error["code"], error["message"][:900])
    return outcome


async def _find(context: Context, execution: Mapping[str, Any], noted: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Return the execution that a run counts on; absence is never concluded from a cache."""
    namespace, name = noted["namespace"], noted["name"]
    remote: Mapping[str, Any] | None = context.caches.executions.get(namespace, name)
    if remote is None or remote["metadata"]["uid"] != noted["uid"]:
        remote = await context.client.get(LAUNCH_PLAN_EXECUTIONS, namespace, name)
    if remote is None or remote["metadata"]["uid"] != noted["uid"]:
        return None
    # A forged status cannot make a run show what is not its own: the other one's name and labels say whose it is.
    requester = labels.requester_of(remote)
    return remote if requester is not None and requester.uid == execution["metadata"]["uid"] else None


async def _hand_on(context: Context, execution: Mapping[str, Any], remote: Mapping[str, Any]) -> Outcome:
    terminate = execution["spec"].get("terminate")
    if terminate is None:
        return Done()
    return await end_remote(context, remote, str(terminate.get("cause")))
