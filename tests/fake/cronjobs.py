"""The CronJob controller as Kubernetes 1.37 has it, moved by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from launchplan_operator.api.kinds import CRON_JOBS, JOBS
from tests.fake.api import FakeApi
from tests.fake.errors import ApiError
from tests.fake.store import Object, copy

NextSlot = Callable[[str, str, datetime], datetime | None]
"""(cron text, zone, after) → the next slot."""

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class CronJobController:
    """Creates the Jobs that are due, and removes those beyond the history limits.

    Args:
        api: The server.
        next_slot: How schedules are read.
    """

    def __init__(self, api: FakeApi, next_slot: NextSlot) -> None:
        self._api = api
        self._next_slot = next_slot

    def tick(self, now: datetime) -> None:
        """Look once at every CronJob."""
        for stored in self._api.store.of(CRON_JOBS):
            self._sync(copy(stored), now)

    def _sync(self, cron_job: Object, now: datetime) -> None:
        before = copy(cron_job["status"])
        jobs = [job for job in self._api.store.of(JOBS) if _controls(cron_job, job)]
        self._clean_up(cron_job, jobs)
        self._see_finished(cron_job, jobs)
        if not cron_job["metadata"].get("deletionTimestamp") and not cron_job["spec"].get("suspend"):
            self._start(cron_job, now)
        if cron_job["status"] != before:
            path = _path(cron_job) + "/status"
            self._api.do("PUT", path, cron_job)

    def _clean_up(self, cron_job: Object, jobs: list[Object]) -> None:
        for condition, field in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
            finished = [job for job in jobs if has_condition(job, condition)]
            finished.sort(key=lambda job: (job["status"].get("startTime", "~"), job["metadata"]["name"]))
            for job in finished[: max(0, len(finished) - cron_job["spec"][field])]:
                meta = job["metadata"]
                path = JOBS.path(meta["namespace"], meta["name"])
                self._api.do("DELETE", path, {"propagationPolicy": "Background"})
                _forget(cron_job, meta["uid"])

    def _see_finished(self, cron_job: Object, jobs: list[Object]) -> None:
        status = cron_job["status"]
        for job in jobs:
            if has_condition(job, "Complete") or has_condition(job, "Failed"):
                _forget(cron_job, job["metadata"]["uid"])
            if has_condition(job, "Complete"):
                status["lastSuccessfulTime"] = max(
                    status.get("lastSuccessfulTime", ""), job["status"]["completionTime"]
                )
        children = {job["metadata"]["uid"] for job in jobs}
        for reference in list(status.get("active", ())):
            name = (reference["namespace"], reference["name"])
            if reference["uid"] not in children and self._api.store.get(JOBS, name) is None:
                _forget(cron_job, reference["uid"])

    def _start(self, cron_job: Object, now: datetime) -> None:
        slot = self._most_recent(cron_job, now)
        if slot is None:
            return
        spec, status = cron_job["spec"], cron_job["status"]
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None and slot + timedelta(seconds=deadline) < now:
            return
        name = f"{cron_job['metadata']['name']}-{int(slot.timestamp()) // 60}"
        active = status.get("active", [])
        if status.get("lastScheduleTime") == _text(slot) or any(each["name"] == name for each in active):
            return
        if spec["concurrencyPolicy"] == "Forbid" and active:
            return
        job = self._create(cron_job, name, slot)
        if job is None:
            return
        reference = {"apiVersion": "batch/v1", "kind": "Job", "name": name}
        meta = {field: job["metadata"][field] for field in ("namespace", "resourceVersion", "uid")}
        status["active"] = [*active, reference | meta]
        status["lastScheduleTime"] = _text(slot)

    def _create(self, cron_job: Object, name: str, slot: datetime) -> Object | None:
        """Create the slot's Job, or take the one that is there; None if that one belongs to somebody else."""
        template = copy(cron_job["spec"]["jobTemplate"])
        zone = ZoneInfo(cron_job["spec"].get("timeZone") or "UTC")
        meta = {
            "name": name,
            "labels": template["metadata"].get("labels", {}),
            "annotations": template["metadata"].get("annotations", {}) | {SCHEDULED_AT: _text(slot, zone)},
            "ownerReferences": [_controller_reference(cron_job)],
        }
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": template["spec"]}
        namespace = cron_job["metadata"]["namespace"]
        try:
            return self._api.do("POST", JOBS.path(namespace), job)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                return None
        found = self._api.store.get(JOBS, (namespace, name))
        mine = found is not None and _controls(cron_job, found)
        known = found is not None and any(
            each["uid"] == found["metadata"]["uid"] for each in cron_job["status"].get("active", ())
        )
        return found if mine and not known else None

    def _most_recent(self, cron_job: Object, now: datetime) -> datetime | None:
        """Return the latest slot missed, with the real controller's approximation and its gaps."""
        spec, status = cron_job["spec"], cron_job["status"]
        zone = spec.get("timeZone") or "UTC"
        earliest = _time(status.get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"])
        deadline = spec.get("startingDeadlineSeconds")
        if deadline is not None:
            earliest = max(earliest, now - timedelta(seconds=deadline))
        first = self._next_slot(spec["schedule"], zone, earliest)
        if first is None or now < first:
            return None
        second = self._next_slot(spec["schedule"], zone, first)
        if second is None or now < second:
            return first
        between = int((second - first).total_seconds())
        missed = int((now - first).total_seconds()) // between + 1
        latest = None
        slot = self._next_slot(spec["schedule"], zone, first + timedelta(seconds=(missed - 2) * between))
        while slot is not None and slot <= now:
            latest = slot
            slot = self._next_slot(spec["schedule"], zone, slot)
        return latest


def has_condition(job: Object, wanted: str) -> bool:
    """Whether a condition of the Job is true."""
    conditions = job.get("status", {}).get("conditions", ())
    return any(each["type"] == wanted and each["status"] == "True" for each in conditions)


def _controls(cron_job: Object, job: Object) -> bool:
    owners = job["metadata"].get("ownerReferences") or ()
    return any(owner.get("controller") and owner["uid"] == cron_job["metadata"]["uid"] for owner in owners)


def _controller_reference(cron_job: Object) -> Object:
    meta = cron_job["metadata"]
    reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": meta["name"], "uid": meta["uid"]}
    return reference | {"controller": True, "blockOwnerDeletion": True}


def _forget(cron_job: Object, uid: str) -> None:
    status = cron_job["status"]
    if "active" not in status:
        return
    status["active"] = [each for each in status["active"] if each["uid"] != uid]
    if not status["active"]:
        del status["active"]


def _path(cron_job: Object) -> str:
    return CRON_JOBS.path(cron_job["metadata"]["namespace"], cron_job["metadata"]["name"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(moment: datetime, zone: ZoneInfo | None = None) -> str:
    return moment.astimezone(zone or UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
