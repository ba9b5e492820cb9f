"""The record of a run that a schedule started."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.render import labels


def render_record(job: Mapping[str, Any], plan: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Return the execution that records a CronJob's Job: named like it, owned by the plan, with the plan's labels and annotations."""
    job_labels = job["metadata"].get("labels") or {}
    own_labels = {
        labels.MANAGED_BY: labels.MANAGER,
        labels.PLAN: plan["metadata"]["name"],
        labels.VERSION: job_labels.get(labels.VERSION, ""),
        labels.ORIGIN: origin,
    }
    metadata = {
        "name": job["metadata"]["name"],
        "namespace": job["metadata"]["namespace"],
        "labels": dict(plan["spec"].get("labels") or {}) | own_labels,
        "annotations": dict(plan["spec"].get("annotations") or {}),
        "ownerReferences": [labels.owner_reference(plan, controller=True)],
    }
    return {
        "apiVersion": LAUNCH_PLAN_EXECUTIONS.api_version,
        "kind": LAUNCH_PLAN_EXECUTIONS.kind,
        "metadata": metadata,
        "spec": {"launchPlanRef": {"kind": "LaunchPlan", "name": plan["metadata"]["name"]}},
    }
