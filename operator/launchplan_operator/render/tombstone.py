"""A tombstone: a Job that never runs and only occupies a run's name, so that no late write can start the run."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.kinds import JOBS
from launchplan_operator.render import labels

#: Never pulled: the Job is suspended, and wants no pod should anybody resume it.
_IMAGE = "launchplan.dev/tombstone"


def render_tombstone(plan: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the tombstone of a plan's run; it goes with the plan."""
    marks = {labels.MANAGED_BY: labels.MANAGER, labels.PLAN: plan["metadata"]["name"], labels.EXECUTION: name}
    pod = {"restartPolicy": "Never", "containers": [{"name": "tombstone", "image": _IMAGE}]}
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": name,
            "namespace": plan["metadata"]["namespace"],
            "labels": marks | {labels.TOMBSTONE: "true"},
            "ownerReferences": [labels.owner_reference(plan, controller=False)],
        },
        "spec": {"suspend": True, "parallelism": 0, "template": {"metadata": {"labels": marks}, "spec": pod}},
    }
