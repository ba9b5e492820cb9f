"""The Job controller as Kubernetes 1.37 has it, for Jobs of plain completions, moved by hand."""

from contextlib import suppress
from datetime import datetime, timedelta

from launchplan_operator.api.kinds import JOBS, PODS
from tests.fake.api import FakeApi
from tests.fake.errors import ApiError
from tests.fake.store import Change, Object, copy
from tests.fake.tally import (
    TRACKING,
    Tally,
    condition,
    deleted,
    end_of,
    is_failed,
    is_finished,
    new_condition,
    note_uncounted,
    replaces_only_failed,
    set_condition,
    set_count,
    settle,
    tally,
    text,
    tracked,
)
from tests.fake.view import View, controller_uid

_FIRST_BACKOFF, _LONGEST_BACKOFF = timedelta(seconds=10), timedelta(minutes=10)
_MYSELF = "kubernetes.io/job-controller"


class JobController:
    """Makes pods for Jobs, counts how they end, and writes the Jobs' status.

    Args:
        api: The server.

    Attributes:
        view: Its cache; a frozen one delays it, and makes it do nothing wrong: it waits until it sees its own writes.
    """

    def __init__(self, api: FakeApi) -> None:
        self.view = View(api.store, JOBS, PODS)
        self._api = api
        self._due: dict[str, datetime] = {}
        self._failures: dict[str, tuple[int, datetime]] = {}
        self._wrote: dict[str, int] = {}

    def tick(self, now: datetime) -> None:
        """Look once at every Job that has news or whose time has come."""
        changes = self.view.refresh()
        for change in changes:
            self._notice(change, now)
        due = {uid: self._due.pop(uid) for uid, moment in list(self._due.items()) if moment <= now}
        for stored in self.view.of(JOBS) if due else ():
            if stored["metadata"]["uid"] in due:
                self._try(stored, now)
        for change in changes:
            self._free_orphans(change)

    def _notice(self, change: Change, now: datetime) -> None:
        """Look at a Job soon that changed itself, or a pod of which did."""
        if change.kind == PODS:
            for pod in filter(None, (change.before, change.after)):
                self._wake(controller_uid(pod) or "", now)
        elif change.after is not None:
            self._wake(change.after["metadata"]["uid"], now)
        else:
            self._due.pop(change.object["metadata"]["uid"], None)

    def _wake(self, uid: str, moment: datetime) -> None:
        self._due[uid] = min(moment, self._due.get(uid, moment))

    def _try(self, stored: Object, now: datetime) -> None:
        """Look at one Job, unless it is not yet seen as it was last left; what the server refuses is tried again."""
        uid = stored["metadata"]["uid"]
        if self._wrote.get(uid, 0) > self.view.version:
            self._wake(uid, now)
            return
        if is_finished(stored) or stored["spec"].get("managedBy", _MYSELF) != _MYSELF:
            return
        before = self._api.store.version
        try:
            self._sync(copy(stored), now)
        except ApiError:
            self._wake(uid, now)
        if self._api.store.version != before:
            self._wrote[uid] = self._api.store.version

    def _sync(self, job: Object, now: datetime) -> None:
        status, before = job["status"], copy(job["status"])
        status.setdefault("uncountedTerminatedPods", {})
        pods = self.view.controlled(PODS, job["metadata"]["uid"])
        found = tally(job, pods)
        if not job["spec"]["suspend"]:
            status.setdefault("startTime", text(now))
        self._note_failures(job, found, now)
        end = self._failing(job, found, now)
        if end is not None:
            self._delete(job, found, found.active)
        elif not deleted(job):
            self._manage(job, found, now)
        if end is None and _is_done(job, found):
            words = "Reached expected number of succeeded pods"
            end = new_condition("SuccessCriteriaMet", "CompletionsReached", words, now)
        elif end is None and not deleted(job):
            _note_suspension(job, now)
        set_count(status, "active", len(found.active))
        status |= {"ready": found.ready, "terminating": found.terminating}
        self._track(job, before, pods, end, now)

    def _failing(self, job: Object, found: Tally, now: datetime) -> Object | None:
        """Return the condition that ends the Job without more work: one of earlier, or a reason to fail."""
        if (met := condition(job, "SuccessCriteriaMet")) is not None:
            return met
        if (target := condition(job, "FailureTarget")) is not None:
            return new_condition("Failed", target["reason"], target["message"], now)
        if found.failed > job["spec"]["backoffLimit"]:
            words = "Job has reached the specified backoff limit"
            return new_condition("FailureTarget", "BackoffLimitExceeded", words, now)
        if not self._is_overdue(job, now):
            return None
        words = "Job was active longer than specified deadline"
        return new_condition("FailureTarget", "DeadlineExceeded", words, now)

    def _is_overdue(self, job: Object, now: datetime) -> bool:
        seconds, start = job["spec"].get("activeDeadlineSeconds"), job["status"].get("startTime")
        if seconds is None or start is None or job["spec"]["suspend"]:
            return False
        deadline = datetime.fromisoformat(start) + timedelta(seconds=seconds)
        if now < deadline:
            self._wake(job["metadata"]["uid"], deadline)
        return bool(now >= deadline)

    def _manage(self, job: Object, found: Tally, now: datetime) -> None:
        """Delete the pods that are too many, or make those that are missing."""
        active = len(found.active)
        wanted = _wanted(job, found)
        if active > wanted:
            self._let_go(found.active[wanted:])
            self._delete(job, found, found.active[wanted:])
            return
        waited_for = found.terminating if replaces_only_failed(job) else 0
        if wanted - waited_for - active > 0 and self._is_time_to_retry(job, now):
            for _ in range(wanted - waited_for - active):
                self._make_pod(job, found)

    def _is_time_to_retry(self, job: Object, now: datetime) -> bool:
        failures, last = self._failures.get(job["metadata"]["uid"], (0, now))
        if not failures:
            return True
        retry: datetime = last + min(_FIRST_BACKOFF * 2 ** min(failures - 1, 10), _LONGEST_BACKOFF)
        if now < retry:
            self._wake(job["metadata"]["uid"], retry)
        return now >= retry

    def _note_failures(self, job: Object, found: Tally, now: datetime) -> None:
        """Remember the failures since the last success, and when the latest was."""
        if not found.news:
            return
        ended = [(end_of(pod) or now, is_failed(pod, job)) for pod in found.news]
        success = max((moment for moment, failed in ended if not failed), default=None)
        since = [moment for moment, failed in ended if failed and (success is None or moment > success)]
        uid = job["metadata"]["uid"]
        before = self._failures.get(uid, (0, now))[0] if success is None else 0
        if since:
            self._failures[uid] = before + len(since), max(since)
        elif success is not None:
            self._failures.pop(uid, None)

    def _make_pod(self, job: Object, found: Tally) -> None:
        template, meta = copy(job["spec"]["template"]), job["metadata"]
        reference = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
        own = template.get("metadata", {}) | {
            "generateName": f"{meta['name']}-",
            "finalizers": [TRACKING],
            "ownerReferences": [reference | {"controller": True, "blockOwnerDeletion": True}],
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": template["spec"]}
        with suppress(ApiError):  # as in a namespace that is being deleted
            found.active.append(self._api.do("POST", PODS.path(meta["namespace"]), pod))

    def _track(self, job: Object, before: Object, pods: list[Object], end: Object | None, now: datetime) -> None:
        """Enter what ended, write that, let go of it, and only then count it and call the Job finished."""
        status = job["status"]
        held = {pod["metadata"]["uid"] for pod in pods if tracked(pod)}
        settle(status, held)
        freed = [pod for pod in pods if tracked(pod) and _may_go(job, pod, end)]
        for pod in freed:
            _enter(job, pod, end)
        end = _announce(status, end, now)
        job = self._write(job, before)
        self._let_go(freed)
        before = copy(job["status"])
        settle(job["status"], held - {pod["metadata"]["uid"] for pod in freed})
        _finish(job["status"], end, now)
        self._write(job, before)

    def _write(self, job: Object, before: Object) -> Object:
        if job["status"] == before:
            return job
        meta = job["metadata"]
        return self._api.do("PUT", JOBS.path(meta["namespace"], meta["name"], "status"), job)

    def _let_go(self, pods: list[Object]) -> None:
        """Take the tracking finalizer from pods, as they are now."""
        for pod in pods:
            meta = pod["metadata"]
            live = self._api.store.get(PODS, (meta["namespace"], meta["name"]))
            if live is not None and live["metadata"]["uid"] == meta["uid"] and tracked(live):
                kept = [name for name in live["metadata"]["finalizers"] if name != TRACKING]
                body = {"metadata": {"finalizers": kept or None}}
                self._api.do("PATCH", PODS.path(meta["namespace"], meta["name"]), body)

    def _delete(self, job: Object, found: Tally, pods: list[Object]) -> None:
        gone = list(pods)
        for pod in gone:
            with suppress(ApiError):  # the pod is gone
                self._api.do("DELETE", PODS.path(job["metadata"]["namespace"], pod["metadata"]["name"]))
        found.drop(gone)

    def _free_orphans(self, change: Change) -> None:
        """Let go of pods whose Job is gone or finished: nobody will count them."""
        of_job = self.view.controlled(PODS, change.object["metadata"]["uid"])
        pods = of_job if change.kind == JOBS else [change.after] if change.after else []
        self._let_go([pod for pod in pods if tracked(pod) and self._is_orphan(pod)])

    def _is_orphan(self, pod: Object) -> bool:
        meta = pod["metadata"]
        owner = next((each for each in meta.get("ownerReferences", ()) if each.get("controller")), None)
        if owner is None or owner["kind"] != "Job":
            return owner is None
        job = self.view.get(JOBS, (meta["namespace"], owner["name"]))
        return job is None or job["metadata"]["uid"] != owner["uid"] or is_finished(job)


def _is_done(job: Object, found: Tally) -> bool:
    if found.active:
        return False
    wanted = job["spec"].get("completions")
    return found.succeeded > 0 if wanted is None else bool(found.succeeded >= wanted)


def _wanted(job: Object, found: Tally) -> int:
    """Return how many pods should be active now."""
    spec = job["spec"]
    if spec["suspend"]:
        return 0
    if "completions" in spec:
        return int(max(0, min(spec["parallelism"], spec["completions"] - found.succeeded)))
    return len(found.active) if found.succeeded else int(spec["parallelism"])


def _note_suspension(job: Object, now: datetime) -> None:
    status = job["status"]
    if job["spec"]["suspend"]:
        if set_condition(status, new_condition("Suspended", "JobSuspended", "Job suspended", now)):
            status.pop("startTime", None)
    elif set_condition(status, new_condition("Suspended", "JobResumed", "Job resumed", now, "False")):
        status["startTime"] = text(now)


def _may_go(job: Object, pod: Object, end: Object | None) -> bool:
    """Whether a pod is held no longer: it has ended, or the whole Job ends or is being deleted."""
    return deleted(job) or end is not None or pod["status"]["phase"] == "Succeeded" or is_failed(pod, job)


def _enter(job: Object, pod: Object, end: Object | None) -> None:
    """Enter a pod as succeeded or failed; where the Job fails, one that has not ended has failed with it."""
    fails = end is not None and end["type"] != "SuccessCriteriaMet"
    if pod["status"]["phase"] == "Succeeded":
        note_uncounted(job["status"], pod, "succeeded")
    elif is_failed(pod, job) or fails:
        note_uncounted(job["status"], pod, "failed")


def _announce(status: Object, end: Object | None, now: datetime) -> Object | None:
    """Set the condition that comes before the last one; returns the last one."""
    if end is None or end["type"] == "Failed":
        return end
    set_condition(status, end)
    last = "Failed" if end["type"] == "FailureTarget" else "Complete"
    return new_condition(last, end["reason"], end["message"], now)


def _finish(status: Object, end: Object | None, now: datetime) -> None:
    """Set the last condition, once every pod is counted and none is left that could still do something."""
    if end is None or status["terminating"] or status["uncountedTerminatedPods"]:
        return
    set_condition(status, end)
    if end["type"] == "Complete":
        status["completionTime"] = text(now)
