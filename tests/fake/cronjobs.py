"""The CronJob controller as Kubernetes 1.37 has it, moved by hand."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from launchplan_operator.api.kinds import CRON_JOBS, JOBS
from tests.fake.api import FakeApi
from tests.fake.errors import ApiError
from tests.fake.store import Change, Object, copy
from tests.fake.tally import condition, deleted, is_finished
from tests.fake.view import View, controller_uid

NextSlot = Callable[[str, str, datetime], datetime | None]
"""(cron text, zone, after) → the next slot."""

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class CronJobController:
    """Creates the Jobs that are due, and removes those beyond the history limits.

    It looks at a CronJob when that or one of its Jobs changed, and at the next time of its schedule; only where it
    found the name of a slot's Job taken by a stranger it does not come back by itself.

    Args:
        api: The server.
        next_slot: How schedules are read.

    Attributes:
        view: Its cache. While that is frozen it acts on what it saw: also for a CronJob that is gone or was changed.
    """

    def __init__(self, api: FakeApi, next_slot: NextSlot) -> None:
        self.view = View(api.store, CRON_JOBS, JOBS)
        self._api = api
        self._next_slot = next_slot
        self._due: dict[str, datetime] = {}

    def tick(self, now: datetime) -> None:
        """Look at every CronJob that has news or whose time has come."""
        for change in self.view.refresh():
            self._notice(change, now)
        due = {uid: self._due.pop(uid) for uid, moment in list(self._due.items()) if moment <= now}
        for stored in self.view.of(CRON_JOBS) if due else ():
            if stored["metadata"]["uid"] in due:
                self._try(copy(stored), now)

    def _notice(self, change: Change, now: datetime) -> None:
        """Look soon at a CronJob that changed, or a Job of which did; but a new schedule is waited for."""
        if change.kind == JOBS:
            for job in filter(None, (change.before, change.after)):
                self._wake(controller_uid(job) or "", now)
            return
        uid, old, new = change.object["metadata"]["uid"], change.before, change.after
        if new is None:
            self._due.pop(uid, None)
        elif old is not None and _schedule(old) != _schedule(new):
            self._wake(uid, self._next_time(new, now))
        else:
            self._wake(uid, now)

    def _wake(self, uid: str, moment: datetime | None) -> None:
        if moment is not None:
            self._due[uid] = min(moment, self._due.get(uid, moment))

    def _try(self, cron_job: Object, now: datetime) -> None:
        """Look at one CronJob; what the server refuses is tried again at once."""
        uid = cron_job["metadata"]["uid"]
        try:
            self._wake(uid, self._sync(cron_job, now))
        except ApiError:
            self._wake(uid, now)

    def _sync(self, cron_job: Object, now: datetime) -> datetime | None:
        """Do what is to be done; returns when to look again, None for never."""
        before = copy(cron_job["status"])
        jobs = self.view.controlled(JOBS, cron_job["metadata"]["uid"])
        self._clean_up(cron_job, jobs)
        self._see_finished(cron_job, jobs)
        again = None
        if not deleted(cron_job) and not cron_job["spec"].get("suspend") and self._start(cron_job, now):
            again = self._next_time(cron_job, now)
        if cron_job["status"] != before:
            self._api.do("PUT", _path(cron_job) + "/status", cron_job)
        return again

    def _clean_up(self, cron_job: Object, jobs: list[Object]) -> None:
        for kind, field in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
            if field not in cron_job["spec"]:
                continue
            finished = [job for job in jobs if condition(job, kind) is not None]
            finished.sort(key=lambda job: (job["status"].get("startTime", "~"), job["metadata"]["name"]))
            for job in finished[: max(0, len(finished) - cron_job["spec"][field])]:
                with suppress(ApiError):
                    self._delete(cron_job, job["metadata"])

    def _delete(self, cron_job: Object, reference: Object) -> None:
        path = JOBS.path(reference["namespace"], reference["name"])
        self._api.do("DELETE", path, {"propagationPolicy": "Background"})
        _forget(cron_job, reference["uid"])

    def _see_finished(self, cron_job: Object, jobs: list[Object]) -> None:
        status = cron_job["status"]
        for job in filter(is_finished, jobs):
            _forget(cron_job, job["metadata"]["uid"])
            if condition(job, "Complete") is not None:
                status["lastSuccessfulTime"] = max(
                    status.get("lastSuccessfulTime", ""), job["status"]["completionTime"]
                )
        children = {job["metadata"]["uid"] for job in jobs}
        for reference in list(status.get("active", ())):
            name = (reference["namespace"], reference["name"])
            if reference["uid"] not in children and self._api.store.get(JOBS, name) is None:
                _forget(cron_job, reference["uid"])

    def _start(self, cron_job: Object, now: datetime) -> bool:
        """Start the slot that is due, if any; False if a stranger has its name."""
        slot = self._most_recent(cron_job, now, cron_job["spec"].get("startingDeadlineSeconds"))[1]
        if slot is None or _is_too_late(cron_job, slot, now):
            return True
        spec, status = cron_job["spec"], cron_job["status"]
        name = f"{cron_job['metadata']['name']}-{int(slot.timestamp()) // 60}"
        active = list(status.get("active", ()))
        if status.get("lastScheduleTime") == _text(slot) or any(each["name"] == name for each in active):
            return True
        if spec["concurrencyPolicy"] == "Forbid" and active:
            return True
        if spec["concurrencyPolicy"] == "Replace":
            for reference in active:
                self._delete(cron_job, reference)
        job = self._create(cron_job, name, slot)
        if job is None:
            return False
        reference = {"apiVersion": "batch/v1", "kind": "Job", "name": name}
        meta = {field: job["metadata"][field] for field in ("namespace", "resourceVersion", "uid")}
        status["active"] = [*status.get("active", ()), reference | meta]
        status["lastScheduleTime"] = _text(slot)
        return True

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
                raise
        found = self._api.do("GET", JOBS.path(namespace, name))
        mine = controller_uid(found) == cron_job["metadata"]["uid"]
        known = any(each["uid"] == found["metadata"]["uid"] for each in cron_job["status"].get("active", ()))
        return found if mine and not known else None

    def _most_recent(
        self, cron_job: Object, now: datetime, deadline: int | None
    ) -> tuple[datetime, datetime | None, bool]:
        """Return where the search began, the latest slot missed since, and whether any was.

        With the real controller's approximation and its gaps: of uneven schedules it may see none.
        """
        spec, status = cron_job["spec"], cron_job["status"]
        zone = spec.get("timeZone") or "UTC"
        earliest = _time(status.get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"])
        if deadline is not None:
            earliest = max(earliest, now - timedelta(seconds=deadline))
        first = self._next_slot(spec["schedule"], zone, earliest)
        if first is None or now < first:
            return earliest, None, False
        second = self._next_slot(spec["schedule"], zone, first)
        if second is None or now < second:
            return earliest, first, False
        between = int((second - first).total_seconds())
        missed = int((now - first).total_seconds()) // between + 1
        latest = None
        slot = self._next_slot(spec["schedule"], zone, first + timedelta(seconds=(missed - 2) * between))
        while slot is not None and slot <= now:
            latest = slot
            slot = self._next_slot(spec["schedule"], zone, slot)
        return earliest, latest, True

    def _next_time(self, cron_job: Object, now: datetime) -> datetime | None:
        """Return when to look again; the real one adds a tenth of a second, less than a step of these controllers."""
        earliest, latest, missed = self._most_recent(cron_job, now, None)
        base = latest or (now if missed else earliest)
        return self._next_slot(cron_job["spec"]["schedule"], cron_job["spec"].get("timeZone") or "UTC", base)


def _schedule(cron_job: Object) -> tuple[str, str | None]:
    return cron_job["spec"]["schedule"], cron_job["spec"].get("timeZone")


def _is_too_late(cron_job: Object, slot: datetime, now: datetime) -> bool:
    deadline = cron_job["spec"].get("startingDeadlineSeconds")
    return deadline is not None and slot + timedelta(seconds=deadline) < now


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
