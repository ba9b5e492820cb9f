"""The native CronJob of a scheduled plan: its Jobs start without us, through our outages."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.canonical import content_hash
from launchplan_operator.api.kinds import CRON_JOBS
from launchplan_operator.api.schedule import STARTING_DEADLINE_SECONDS
from launchplan_operator.render import labels
from launchplan_operator.render.job import JobContent, render_job_metadata, render_job_spec

#: Finished Jobs are removed by the plan's own retention, after they were recorded; this bounds a long outage of ours.
HISTORY_LIMIT = 1000
_ARGO_IGNORE_HEALTH = "argocd.argoproj.io/ignore-healthcheck"


def render_cronjob(
    content: JobContent, plan: Mapping[str, Any], cron: str, zone: str, schedule_hash: str
) -> dict[str, Any]:
    """Return the CronJob of a plan, controlled by it and named like it.

    Its `launchplan.dev/rendered` annotation is the hash of all else in it: equal hashes need no write.
    """
    job = {"metadata": render_job_metadata(content), "spec": render_job_spec(content)}
    spec = {
        "schedule": cron,
        "timeZone": zone,
        "concurrencyPolicy": "Allow",
        "startingDeadlineSeconds": STARTING_DEADLINE_SECONDS,
        "successfulJobsHistoryLimit": HISTORY_LIMIT,
        "failedJobsHistoryLimit": HISTORY_LIMIT,
        "suspend": False,
        "jobTemplate": job,
    }
    # A health check on the last success would call a plan Degraded between two slots.
    annotations = {_ARGO_IGNORE_HEALTH: "true", labels.SCHEDULE: schedule_hash, labels.RENDERED: content_hash(spec)}
    metadata = {
        "name": plan["metadata"]["name"],
        "namespace": plan["metadata"]["namespace"],
        "labels": {labels.MANAGED_BY: labels.MANAGER, labels.PLAN: plan["metadata"]["name"]},
        "annotations": annotations,
        "ownerReferences": [labels.owner_reference(plan, controller=True)],
    }
    return {"apiVersion": CRON_JOBS.api_version, "kind": CRON_JOBS.kind, "metadata": metadata, "spec": spec}
