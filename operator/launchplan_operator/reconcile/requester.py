"""The other side of a reference: an execution that somebody asks for from elsewhere, and whether that one still does."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.run import End
from launchplan_operator.reconcile.context import Context
from launchplan_operator.reconcile.ending import abort, reject
from launchplan_operator.reconcile.resolution import consents
from launchplan_operator.reconcile.result import Again, Done, Failed, Outcome
from launchplan_operator.reconcile.standing import Standing
from launchplan_operator.reconcile.unstarted import let_wait
from launchplan_operator.render import labels
from launchplan_operator.render.labels import Requester

#: How long after it was made a run may wait for the note of it without saying so.
_NOTED_WITHIN = timedelta(seconds=10)


async def meet_requester(context: Context, execution: Mapping[str, Any], standing: Standing) -> Outcome | None:
    """Return what becomes of a run that may not start yet, or never; None where nobody asks for it from elsewhere, or may."""
    requester = labels.requester_of(execution)
    if requester is None:
        return None
    asking = await _find(context, requester)
    if asking is None or _counts_on_none(asking, execution):
        return await abort(context, execution, standing, End(Reason.RequesterGone, _gone(requester)))
    if "remote" not in (asking.get("status") or {}):
        return await _await_note(context, execution, requester)
    if standing.plan is not None and not consents(context, standing.plan, requester.namespace):
        return await reject(context, execution, _not_allowed(standing.plan, requester))
    return None


async def _await_note(context: Context, execution: Mapping[str, Any], requester: Requester) -> Outcome:
    """Wait for the write that makes a run count, which wakes it; as a rule it comes at once, and nothing is said."""
    quiet = to_instant(execution["metadata"]["creationTimestamp"]) + _NOTED_WITHIN - context.clock()
    if quiet > timedelta():
        return Again(quiet.total_seconds())
    return await let_wait(context, execution, (_unnoted(requester),), {})


async def end_unasked(context: Context, execution: Mapping[str, Any]) -> Outcome:
    """Tell a run to end that nobody asks for any more."""
    requester = labels.requester_of(execution)
    if requester is None or "terminate" in execution["spec"]:
        return Done()
    asking = await _find(context, requester)
    if asking is not None and not _counts_on_none(asking, execution):
        return Done()
    return await end_remote(context, execution, _gone(requester))


async def end_remote(context: Context, remote: Mapping[str, Any], cause: str) -> Outcome:
    """Tell an execution that we made for a reference to end, unless it was told so already or has ended."""
    if "terminate" in remote["spec"] or is_terminal(remote.get("status") or {}):
        return Done()
    metadata = remote["metadata"]
    body = {"metadata": {"uid": metadata["uid"]}, "spec": {"terminate": {"cause": cause}}}
    reply = await context.client.patch(LAUNCH_PLAN_EXECUTIONS, metadata["namespace"], metadata["name"], body)
    if reply.ok or reply.not_found:
        return Done()
    return Failed(f"terminate {metadata['namespace']}/{metadata['name']}: {reply.message}")


def is_awaited(context: Context, execution: Mapping[str, Any]) -> bool:
    """Tell whether a run's end is still to be mirrored: until then it is not removed."""
    requester = labels.requester_of(execution)
    if requester is None:
        return False
    asking = context.caches.executions.get(requester.namespace, requester.execution)
    return asking is not None and _is(asking, requester) and not is_terminal(asking.get("status") or {})


async def _find(context: Context, requester: Requester) -> Mapping[str, Any] | None:
    """Return the execution that asks, or None; absence is never concluded from a cache."""
    if context.served and requester.namespace not in context.served:
        return None
    asking: Mapping[str, Any] | None = context.caches.executions.get(requester.namespace, requester.execution)
    if asking is None or not _is(asking, requester):
        asking = await context.client.get(LAUNCH_PLAN_EXECUTIONS, requester.namespace, requester.execution)
    return asking if asking is not None and _is(asking, requester) else None


def _is(asking: Mapping[str, Any], requester: Requester) -> bool:
    """Tell whether an execution is the one that labels name: of that uid, and a run through that reference."""
    reference = asking["spec"].get("launchPlanRef") or {}
    through = (reference.get("kind"), reference.get("name")) == ("ReferenceLaunchPlan", requester.reference)
    return asking["metadata"]["uid"] == requester.uid and through


def _counts_on_none(asking: Mapping[str, Any], execution: Mapping[str, Any]) -> bool:
    """Tell whether the execution that asks has ended, or counts on another one than this."""
    status = asking.get("status") or {}
    noted = status.get("remote")
    return is_terminal(status) or (noted is not None and noted["uid"] != execution["metadata"]["uid"])


def _unnoted(requester: Requester) -> Finding:
    message = (
        f"the execution {requester.namespace}/{requester.execution}, which asked for this one, has not noted it yet, "
        "or waits itself"
    )
    return Finding(Reason.AwaitingRequester, message, "metadata.labels", transient=True)


def _gone(requester: Requester) -> str:
    return f"the execution {requester.namespace}/{requester.execution}, which asked for this one, is gone or has ended"


def _not_allowed(plan: Mapping[str, Any], requester: Requester) -> Finding:
    message = (
        f"the LaunchPlan {plan['metadata']['name']!r} does not allow references from the namespace "
        f"{requester.namespace!r}, whose execution {requester.execution!r} asked for this run"
    )
    hint = "spec.allowReferencesFrom of the plan says which it allows"
    return Finding(Reason.ReferenceNotAllowed, message, "metadata.labels", hint)
