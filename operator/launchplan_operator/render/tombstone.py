"""A tombstone: a Job that never runs and only occupies a run's name, so that no late write can start the run."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.kinds import JOBS
from launchplan_operator.render import labels

#: Never pulled.
_IMAGE = "launchplan.dev/tombstone"


def render_tombstone(
    name: tuple[str, str], uid: str, cause: Mapping[str, str], plan: str | None, owners: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a tombstone.

    Args:
        name: the run's namespace and name.
        uid: the run's.
        cause: `{reason, message}`: why the run never starts, for whoever finds the tombstone.
        plan: the name of the run's plan, or None for a bare workflow's run.
        owners: with whom it goes.
    """
    marks = {labels.MANAGED_BY: labels.MANAGER, labels.EXECUTION: name[1]} | ({labels.PLAN: plan} if plan else {})
    pod = {"restartPolicy": "Never", "containers": [{"name": "tombstone", "image": _IMAGE}]}
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": name[1],
            "namespace": name[0],
            "labels": marks | {labels.TOMBSTONE: "true"},
            "annotations": {labels.RUN_UID: uid, labels.CAUSE: canonical_json(dict(cause))},
            "ownerReferences": owners,
        },
        # No completions, which nobody can change: it is over at once, and never has a pod, whoever resumes it.
        "spec": {
            "suspend": True,
            "completions": 0,
            "parallelism": 0,
            "template": {"metadata": {"labels": marks}, "spec": pod},
        },
    }


def render_burial(job: Mapping[str, Any], uid: str, cause: Mapping[str, str], now: str) -> dict[str, Any]:
    """Return the merge patch that makes a suspended Job, which never started, the tombstone of its run.

    It has completions, which nobody can change: that it has neither parallelism nor time keeps it without pods where
    somebody resumes it. The patch is refused where the Job is not as it was seen.

    Args:
        job: as it was seen.
        uid: the run's.
        cause: `{reason, message}`.
        now: the instant as text, which the cause bears as `since`: the Job may have been made long before.
    """
    metadata = job["metadata"]
    noted = canonical_json({**cause, "since": now})
    return {
        "metadata": {
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "labels": {labels.TOMBSTONE: "true"},
            "annotations": {labels.RUN_UID: uid, labels.CAUSE: noted},
        },
        "spec": {"parallelism": 0, "activeDeadlineSeconds": 1},
    }
