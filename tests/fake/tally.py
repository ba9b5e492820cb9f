"""Jobs by their status and their pods: what the Job controller reads out of both, and how it counts. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fake.store import Object

TRACKING = "batch.kubernetes.io/job-tracking"
ENDED = ("Succeeded", "Failed")


@dataclass(slots=True)
class Tally:
    """What the pods of a Job come to.

    Attributes:
        active: Those that have neither ended nor been deleted.
        ready: How many of these are ready.
        terminating: How many were deleted and have not ended.
        succeeded: How many ended well, ever.
        failed: How many failed, ever.
        news: Those that failed or ended well and are in no count yet.
    """

    active: list[Object]
    ready: int
    terminating: int
    succeeded: int
    failed: int
    news: list[Object] = field(default_factory=list)

    def drop(self, pods: Iterable[Object]) -> None:
        """Move active pods that have just been deleted."""
        for pod in pods:
            self.active.remove(pod)
            self.ready -= _is_ready(pod)
            self.terminating += 1


def tally(job: Object, pods: list[Object]) -> Tally:
    """Return what the pods of a Job come to before anything is done."""
    status, waiting = job["status"], uncounted(job["status"])
    active = [pod for pod in pods if not has_ended(pod) and not deleted(pod)]
    news = [pod for pod in pods if tracked(pod) and pod["metadata"]["uid"] not in (*waiting[0], *waiting[1])]
    good = [pod for pod in news if pod["status"]["phase"] == "Succeeded"]
    bad = [pod for pod in news if is_failed(pod, job)]
    return Tally(
        active,
        ready=sum(map(_is_ready, active)),
        terminating=sum(1 for pod in pods if deleted(pod) and not has_ended(pod)),
        succeeded=status.get("succeeded", 0) + len(waiting[0]) + len(good),
        failed=status.get("failed", 0) + len(waiting[1]) + len(bad),
        news=[*good, *bad],
    )


def uncounted(status: Object) -> tuple[list[str], list[str]]:
    """Return the uids that are to be counted as (succeeded, failed) once their pods are let go."""
    found = status.get("uncountedTerminatedPods") or {}
    return found.get("succeeded", []), found.get("failed", [])


def note_uncounted(status: Object, pod: Object, field_name: str) -> None:
    """Enter a pod that is to be counted."""
    uid = pod["metadata"]["uid"]
    if uid not in [*uncounted(status)[0], *uncounted(status)[1]]:
        status["uncountedTerminatedPods"].setdefault(field_name, []).append(uid)


def settle(status: Object, held: set[str]) -> None:
    """Count the entered pods that no finalizer holds any more."""
    for name in ("succeeded", "failed"):
        uids = status["uncountedTerminatedPods"].pop(name, [])
        kept = [uid for uid in uids if uid in held]
        if kept:
            status["uncountedTerminatedPods"][name] = kept
        set_count(status, name, status.get(name, 0) + len(uids) - len(kept))


def is_failed(pod: Object, job: Object) -> bool:
    """Whether a pod counts as failed: by default also one that was deleted and has not ended well."""
    if pod["status"]["phase"] == "Failed":
        return True
    if replaces_only_failed(job):
        return False
    return deleted(pod) and pod["status"]["phase"] != "Succeeded"


def replaces_only_failed(job: Object) -> bool:
    """Whether a pod is replaced only once it has ended."""
    return bool(job["spec"]["podReplacementPolicy"] == "Failed")


def has_ended(pod: Object) -> bool:
    """Whether all containers of a pod have ended for good."""
    return pod["status"]["phase"] in ENDED


def deleted(obj: Object) -> bool:
    """Whether an object is being deleted."""
    return "deletionTimestamp" in obj["metadata"]


def tracked(pod: Object) -> bool:
    """Whether a pod is held until it is counted."""
    return TRACKING in pod["metadata"].get("finalizers", ())


def end_of(pod: Object) -> datetime | None:
    """Return when the last container of a pod ended; None if one has not."""
    states = [each["state"].get("terminated") for each in pod["status"].get("containerStatuses", ())]
    if not states or not all(states):
        return None
    return max(datetime.fromisoformat(state["finishedAt"]) for state in states)


def _is_ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def condition(job: Object, wanted: str) -> Object | None:
    """Return a condition of a Job that is true."""
    conditions = job.get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == wanted and each["status"] == "True"), None)


def is_finished(job: Object) -> bool:
    """Whether a Job is Complete or Failed."""
    return condition(job, "Complete") is not None or condition(job, "Failed") is not None


def new_condition(kind: str, reason: str, message: str, now: datetime, value: str = "True") -> Object:
    """Return a condition."""
    times = {"lastProbeTime": text(now), "lastTransitionTime": text(now)}
    return {"type": kind, "status": value, "reason": reason, "message": message} | times


def set_condition(status: Object, new: Object) -> bool:
    """Add a condition or update the one of its type; False where that changes nothing. None begins as False."""
    conditions: list[Any] = status.setdefault("conditions", [])
    for index, old in enumerate(conditions):
        if old["type"] == new["type"]:
            if all(old[part] == new[part] for part in ("status", "reason", "message")):
                return False
            conditions[index] = new
            return True
    if new["status"] == "True":
        conditions.append(new)
    if not conditions:
        del status["conditions"]
    return bool(new["status"] == "True")


def set_count(status: Object, name: str, count: int) -> None:
    """Set a counter, which is left out where it is zero."""
    status.pop(name, None)
    if count:
        status[name] = count


def text(moment: datetime) -> str:
    """Return a moment as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
