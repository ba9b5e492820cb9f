"""The executions that we make: records of what a CronJob started, runs of slots, and what references ask for."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.api.labels import usable
from launchplan_operator.render import labels


def render_record(job: Mapping[str, Any], plan: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the execution that records a CronJob's Job: named like it, owned by the plan, with the plan's labels and annotations."""
    version = (job["metadata"].get("labels") or {}).get(labels.VERSION, "")
    return _render(plan, job["metadata"]["name"], version, origin, {}, {})


def render_slot_run(
    plan: Mapping[str, Any], name: str, version: str, slot: tuple[str, str], inputs: Mapping[str, Any], asked: str
) -> dict[str, Any]:
    """Return the execution that starts a slot: named like it, owned by the plan, of one version.

    `slot` is the slot's time, RFC 3339, and its origin, Schedule or CatchUp; `inputs` are what the slot adds; `asked` is
    the time at which it is asked for.
    """
    time, origin = slot
    marks = {labels.SLOT: time, labels.ASKED: asked}
    wish = {"launchPlanRef": {"kind": "LaunchPlan", "name": plan["metadata"]["name"], "version": version}}
    return _render(plan, name, version, origin, marks, wish | ({"inputs": dict(inputs)} if inputs else {}))


def render_remote(
    asking: Mapping[str, Any], plan: Mapping[str, Any], version: str, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the execution that does what another one asks for through a reference, in the namespace of the plan.

    It has no owner, as none may be in another namespace. `asking` is the execution that asks, `inputs` what it gives.
    """
    metadata, plan_name = asking["metadata"], plan["metadata"]["name"]
    own_labels = {
        labels.MANAGED_BY: labels.MANAGER,
        labels.PLAN: plan_name,
        labels.VERSION: version,
        labels.ORIGIN: "Reference",
        labels.FROM_NAMESPACE: metadata["namespace"],
        labels.FROM_REFERENCE: asking["spec"]["launchPlanRef"]["name"],
        labels.FROM_EXECUTION: metadata["name"],
        labels.FROM_UID: metadata["uid"],
    }
    wish = {"launchPlanRef": {"kind": "LaunchPlan", "name": plan_name, "version": version}, "inputs": dict(inputs)}
    return {
        "apiVersion": LAUNCH_PLAN_EXECUTIONS.api_version,
        "kind": LAUNCH_PLAN_EXECUTIONS.kind,
        "metadata": {
            "name": labels.remote_name(metadata["uid"]),
            "namespace": plan["metadata"]["namespace"],
            "labels": usable(plan["spec"].get("labels")) | own_labels,
            "annotations": usable(plan["spec"].get("annotations")),
        },
        "spec": wish,
    }


def _render(
    plan: Mapping[str, Any],
    name: str,
    version: str,
    origin: str,
    annotations: Mapping[str, str],
    wish: Mapping[str, Any],
) -> dict[str, Any]:
    own_labels = {
        labels.MANAGED_BY: labels.MANAGER,
        labels.PLAN: plan["metadata"]["name"],
        labels.VERSION: version,
        labels.ORIGIN: origin,
    }
    metadata = {
        "name": name,
        "namespace": plan["metadata"]["namespace"],
        "labels": usable(plan["spec"].get("labels")) | own_labels,
        "annotations": usable(plan["spec"].get("annotations")) | dict(annotations),
        "ownerReferences": [labels.owner_reference(plan, controller=True)],
    }
    return {
        "apiVersion": LAUNCH_PLAN_EXECUTIONS.api_version,
        "kind": LAUNCH_PLAN_EXECUTIONS.kind,
        "metadata": metadata,
        "spec": {"launchPlanRef": {"kind": "LaunchPlan", "name": plan["metadata"]["name"]}} | dict(wish),
    }
