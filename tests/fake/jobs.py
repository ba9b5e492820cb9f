"""The Job controller as Kubernetes 1.37 has it, for Jobs of plain completions, moved by hand."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from launchplan_operator.api.kinds import JOBS, PODS
from tests.fake.api import FakeApi
from tests.fake.cronjobs import has_condition
from tests.fake.errors import ApiError
from tests.fake.store import Object, copy

_TRACKING = "batch.kubernetes.io/job-tracking"
_FIRST_BACKOFF, _LONGEST_BACKOFF = timedelta(seconds=10), timedelta(minutes=10)


class JobController:
    """Makes pods for Jobs, counts how they end, and writes the Jobs' status.

    Args:
        api: The server.
    """

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self._failed_at: dict[str, datetime] = {}

    def tick(self, now: datetime) -> None:
        """Look once at every Job."""
        for stored in self._api.store.of(JOBS):
            if not stored["metadata"].get("deletionTimestamp") and "managedBy" not in stored["spec"]:
                self._sync(copy(stored), now)
        self._free_orphans()

    def _sync(self, job: Object, now: datetime) -> None:
        before = copy(job["status"])
        self._count(job, now)
        if not (has_condition(job, "Complete") or has_condition(job, "Failed")):
            self._advance(job, now)
        if job["status"] != before:
            meta = job["metadata"]
            self._api.do("PUT", JOBS.path(meta["namespace"], meta["name"], "status"), job)

    def _advance(self, job: Object, now: datetime) -> None:
        status = job["status"]
        if job["spec"]["suspend"] and not has_condition(job, "FailureTarget"):
            self._suspend(job, now)
        else:
            self._resume(job, now)
            status.setdefault("startTime", _text(now))
            self._decide(job, now)
        live = self._live(job)
        _set_count(status, "active", len([pod for pod in live if not _deleted(pod)]))
        status["ready"] = len([pod for pod in live if pod["status"]["phase"] == "Running"])
        status["terminating"] = len([pod for pod in live if _deleted(pod)])
        status["uncountedTerminatedPods"] = {}
        self._finish(job, now, still_running=bool(live))

    def _decide(self, job: Object, now: datetime) -> None:
        """Set the condition that announces the end, or make the pods that are missing."""
        spec, status = job["spec"], job["status"]
        if has_condition(job, "FailureTarget") or has_condition(job, "SuccessCriteriaMet"):
            return
        deadline = spec.get("activeDeadlineSeconds")
        elapsed = now - datetime.fromisoformat(status["startTime"])
        if status.get("failed", 0) > spec["backoffLimit"]:
            self._fail(job, now, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        elif deadline is not None and elapsed >= timedelta(seconds=deadline):
            self._fail(job, now, "DeadlineExceeded", "Job was active longer than specified deadline")
        elif status.get("succeeded", 0) >= spec.get("completions", 1):
            words = "Reached expected number of succeeded pods"
            _condition(status, "SuccessCriteriaMet", "CompletionsReached", words, now)
        else:
            self._make_pods(job, now)

    def _fail(self, job: Object, now: datetime, reason: str, message: str) -> None:
        _condition(job["status"], "FailureTarget", reason, message, now)
        self._delete_pods(job)
        self._count(job, now)

    def _finish(self, job: Object, now: datetime, *, still_running: bool) -> None:
        """Set the final condition once no pod is left that could still do something."""
        status = job["status"]
        if still_running:
            return
        for announced, final in (("FailureTarget", "Failed"), ("SuccessCriteriaMet", "Complete")):
            found = next((each for each in status.get("conditions", ()) if each["type"] == announced), None)
            if found is not None:
                _condition(status, final, found["reason"], found["message"], now)
                if final == "Complete":
                    status["completionTime"] = _text(now)

    def _suspend(self, job: Object, now: datetime) -> None:
        self._delete_pods(job)
        job["status"].pop("startTime", None)
        if not has_condition(job, "Suspended"):
            _condition(job["status"], "Suspended", "JobSuspended", "Job suspended", now)

    def _resume(self, job: Object, now: datetime) -> None:
        if has_condition(job, "Suspended"):
            _condition(job["status"], "Suspended", "JobResumed", "Job resumed", now, value="False")

    def _make_pods(self, job: Object, now: datetime) -> None:
        spec, status, uid = job["spec"], job["status"], job["metadata"]["uid"]
        failed = status.get("failed", 0)
        if failed and uid in self._failed_at:
            wait = min(_FIRST_BACKOFF * 2 ** min(failed - 1, 10), _LONGEST_BACKOFF)
            if now < self._failed_at[uid] + wait:
                return
        active = [pod for pod in self._live(job) if not _deleted(pod)]
        missing = min(spec["parallelism"], spec.get("completions", 1) - status.get("succeeded", 0)) - len(active)
        for _ in range(missing):
            self._make_pod(job)

    def _make_pod(self, job: Object) -> None:
        template, meta = copy(job["spec"]["template"]), job["metadata"]
        reference = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
        own = template.get("metadata", {}) | {
            "generateName": f"{meta['name']}-",
            "finalizers": [_TRACKING],
            "ownerReferences": [reference | {"controller": True, "blockOwnerDeletion": True}],
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": template["spec"]}
        with suppress(ApiError):  # as in a namespace that is being deleted
            self._api.do("POST", PODS.path(meta["namespace"]), pod)

    def _count(self, job: Object, now: datetime) -> None:
        """Count every ended pod once: its tracking finalizer says that it is not counted yet."""
        status = job["status"]
        only_failed = job["spec"]["podReplacementPolicy"] == "Failed"
        for pod in self._pods(job):
            phase = pod["status"]["phase"]
            lost = _deleted(pod) and not only_failed
            if _TRACKING not in pod["metadata"].get("finalizers", ()) or not (phase in _ENDED or lost):
                continue
            field = "succeeded" if phase == "Succeeded" else "failed"
            status[field] = status.get(field, 0) + 1
            if field == "failed":
                self._failed_at[job["metadata"]["uid"]] = now
            self._untrack(pod)

    def _untrack(self, pod: Object) -> None:
        meta = pod["metadata"]
        kept = [name for name in meta["finalizers"] if name != _TRACKING]
        self._api.do("PATCH", PODS.path(meta["namespace"], meta["name"]), {"metadata": {"finalizers": kept or None}})

    def _free_orphans(self) -> None:
        """A pod whose Job is gone is tracked by nobody."""
        for pod in self._api.store.of(PODS):
            meta = pod["metadata"]
            owners = [owner for owner in meta.get("ownerReferences", ()) if owner["kind"] == "Job"]
            jobs = [self._api.store.get(JOBS, (meta["namespace"], owner["name"])) for owner in owners]
            alive = any(job and job["metadata"]["uid"] == owners[0]["uid"] for job in jobs)
            if not alive and _TRACKING in meta.get("finalizers", ()):
                self._untrack(pod)

    def _delete_pods(self, job: Object) -> None:
        for pod in self._live(job):
            if not _deleted(pod):
                self._api.do("DELETE", PODS.path(pod["metadata"]["namespace"], pod["metadata"]["name"]))

    def _live(self, job: Object) -> list[Object]:
        return [pod for pod in self._pods(job) if pod["status"]["phase"] not in _ENDED]

    def _pods(self, job: Object) -> list[Object]:
        uid = job["metadata"]["uid"]
        return [
            pod
            for pod in self._api.store.of(PODS)
            if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences", ()))
        ]


_ENDED = ("Succeeded", "Failed")


def _deleted(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _condition(status: Object, kind: str, reason: str, message: str, now: datetime, value: str = "True") -> None:
    entry = {"type": kind, "status": value, "lastProbeTime": _text(now), "lastTransitionTime": _text(now)}
    others = [each for each in status.get("conditions", ()) if each["type"] != kind]
    status["conditions"] = [*others, entry | {"reason": reason, "message": message}]


def _set_count(status: Object, field: str, count: int) -> None:
    status.pop(field, None)
    if count:
        status[field] = count


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
