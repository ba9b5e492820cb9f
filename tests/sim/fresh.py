"""Invariant 5: the same manifests on an empty cluster give the same state, whatever came before.

Spared is what an empty cluster cannot know: versions that only their revisions keep, names that somebody else holds.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.api.kinds import (
    NAMESPACES as NAMESPACE_KIND,
)
from launchplan_operator.app import assemble
from launchplan_operator.render import labels
from tests.fake.api import FakeApi
from tests.fake.store import Object, copy
from tests.fake.transport import InProcessTransport
from tests.fake.virtual import seeded
from tests.sim.loop import Process
from tests.sim.replica import run_operator
from tests.sim.world import NAMESPACES, SETTINGS, NoOwnership, World

#: Reasons of plans and workflows whose past matters, or another's object.
_OF_THE_PAST = frozenset({"VersionConflict", "RevisionTampered", "CronJobNameTaken", "VersionNotFound"})
#: Seconds in which an empty cluster comes to rest.
_ENOUGH = 3.0


async def check_as_fresh(world: World) -> None:
    """Assert that what the plans came to is what they would come to on an empty cluster."""
    plans = [plan for plan in world.all(LAUNCH_PLANS) if not _has_a_past(world, plan)]
    references = world.all(REFERENCE_LAUNCH_PLANS)
    if not plans and not references:
        return
    fresh = await _apply_afresh(world)
    for problem in (problem for plan in plans for problem in _differences(world, fresh, plan)):
        raise AssertionError(f"at the end: {problem}")
    for problem in (problem for each in references for problem in _reference_differences(world, fresh, each)):
        raise AssertionError(f"at the end: {problem}")


async def _apply_afresh(world: World) -> FakeApi:
    """Apply the workflows and plans to an empty cluster, and let an operator work."""
    api = FakeApi(clock=world.now, rng=seeded(0), namespaces=NAMESPACES)
    api._ownership = NoOwnership()  # type: ignore[assignment]  # as in the world
    for space in world.all(NAMESPACE_KIND):
        body = {"metadata": {"labels": space["metadata"].get("labels")}}
        api.do("PATCH", NAMESPACE_KIND.path(None, space["metadata"]["name"]), body)
    for kind in (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS):
        for obj in world.all(kind):
            api.do("POST", kind.path(obj["metadata"]["namespace"]), _manifest(obj))
    operator = assemble(SETTINGS, InProcessTransport(api, lambda: 0.001), clock=world.now, rng=seeded(0))
    process = Process("fresh")
    process.start(run_operator(operator))
    await asyncio.sleep(_ENOUGH)
    process.kill()
    return api


def _manifest(obj: Object) -> Object:
    meta = {
        key: obj["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in obj["metadata"]
    }
    return copy({"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": meta, "spec": obj["spec"]})


def _has_a_past(world: World, plan: Object) -> bool:
    meta, spec = plan["metadata"], plan["spec"]
    workflow = world.get(WORKFLOW_DEFINITIONS, meta["namespace"], spec["workflowRef"]["name"])
    reasons = {
        each["reason"] for obj in (plan, workflow or {}) for each in (obj.get("status") or {}).get("conditions", ())
    }
    pinned = spec.get("activeVersion") not in (None, spec.get("version"))
    return pinned or bool(reasons & _OF_THE_PAST)


def _differences(world: World, fresh: FakeApi, plan: Object) -> Iterator[str]:
    space, name = plan["metadata"]["namespace"], plan["metadata"]["name"]
    other = fresh.store.get(LAUNCH_PLANS, (space, name))
    assert other is not None
    if not _is_ready(other):
        # Its newest valid version stays in force, of which an empty cluster knows nothing.
        return
    for what, here, there in (
        ("active version", _status(plan).get("activeVersion"), _status(other).get("activeVersion")),
        ("conditions", _conditions(plan), _conditions(other)),
        ("interface", _status(plan).get("interface"), _status(other).get("interface")),
        ("references", _status(plan).get("references"), _status(other).get("references")),
        ("CronJob", _cronjob(world.get(CRON_JOBS, space, name)), _cronjob(fresh.store.get(CRON_JOBS, (space, name)))),
    ):
        if here != there:
            yield f"plan {space}/{name} applied afresh has another {what}: {there}, here {here}"


def _reference_differences(world: World, fresh: FakeApi, reference: Object) -> Iterator[str]:
    """Yield how a reference stands otherwise than it would on an empty cluster where its plan is as it is here."""
    space, name = reference["metadata"]["namespace"], reference["metadata"]["name"]
    other, spec = fresh.store.get(REFERENCE_LAUNCH_PLANS, (space, name)), reference["spec"]
    assert other is not None
    place = (spec.get("namespace") or f"{spec.get('project')}-{spec.get('domain')}", spec["name"])
    plan, there = world.get(LAUNCH_PLANS, *place), fresh.store.get(LAUNCH_PLANS, place)
    if plan is not None and there is not None and (_has_a_past(world, plan) or not _is_ready(there)):
        return
    if plan is not None and spec.get("version") not in (None, plan["spec"].get("version")):
        # What an earlier version was, an empty cluster does not know.
        return
    here, afresh = _stands(reference), _stands(other)
    if here != afresh:
        yield f"reference {space}/{name} applied afresh stands otherwise: {afresh}, here {here}"


def _stands(reference: Object) -> tuple[Any, ...]:
    """Return whether a reference is ready, why, and what for; how long it has not been is its past."""
    ready = [(status, reason) for kind, status, reason in _conditions(reference) if kind == "Ready"]
    resolved = _status(reference).get("resolved") or {}
    told = {key: value for key, value in resolved.items() if key != "uid"} if ("True", "Resolved") in ready else None
    return ready, _status(reference).get("target"), told


def _is_ready(plan: Object) -> bool:
    return ("Ready", "True") in {(each[0], each[1]) for each in _conditions(plan)}


def _status(plan: Object) -> dict[str, Any]:
    status: dict[str, Any] = plan.get("status") or {}
    return status


def _conditions(plan: Object) -> list[tuple[str, str, str]]:
    return [(each["type"], each["status"], each["reason"]) for each in _status(plan).get("conditions", ())]


def _cronjob(cronjob: Object | None) -> dict[str, Any] | None:
    """Return what is rendered into a CronJob of ours, but for the uid of the plan that it bears."""
    if cronjob is None or labels.controller_of(cronjob) is None:
        return None
    spec: dict[str, Any] = copy(cronjob["spec"])
    (spec["jobTemplate"]["metadata"].get("annotations") or {}).pop("launchplan.dev/plan-uid", None)
    return spec
