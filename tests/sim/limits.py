"""Invariant 1: under a limit no more runs are under way than it says, counted from Jobs and pods alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.api.launchplan import LaunchPlanSpec
from launchplan_operator.api.parsing import parse_spec
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.run import is_finished
from launchplan_operator.reconcile.tombstone import occupied_since
from launchplan_operator.render import labels
from tests.fake.store import Change, Object
from tests.sim.world import World

#: Within so long a seat that got free is given on, and one whose run is over is freed.
_SETTLING = timedelta(seconds=25)
_ENDED = ("Succeeded", "Failed")
#: Phases of a run that never starts.
_NEVER = ("Skipped", "Rejected")


@dataclass(slots=True)
class Run:
    """A Job of ours and its pods; it is kept for as long as one of them has not ended.

    Attributes:
        plan: (namespace, name) of the plan that it is labelled with.
        plan_uid: the uid of the plan that it was rendered for.
        owners: uids.
        pods: uids of its pods that have not ended.
        ended: whether the Job has ended, is gone, or is a tombstone.
        over: since when neither it nor a pod is under way.
        podded: whether it ever had a pod.
    """

    name: str
    plan: tuple[str, str]
    plan_uid: str | None
    owners: frozenset[str]
    created: datetime
    ended: bool = False
    pods: set[str] = field(default_factory=set)
    over: datetime | None = None
    podded: bool = False


@dataclass(slots=True)
class Limit:
    """What was known of a plan's limit over time.

    Attributes:
        maxima: the limit that the spec had from each instant on; None for no limit.
        observed: since when the plan's status bears a ledger without a pause; None while it does not.
        free: since when fewer runs are under way than the limit says; None while none is free.
    """

    plan: tuple[str, str]
    maxima: list[tuple[datetime, int | None]] = field(default_factory=list)
    observed: datetime | None = None
    free: datetime | None = None

    def highest(self, since: datetime) -> int | None:
        """Return the highest limit in force at any time from an instant on; None if there was none at some time."""
        later = [index for index, (begin, _) in enumerate(self.maxima) if begin > since]
        first = max(0, (later[0] if later else len(self.maxima)) - 1)
        found = [maximum for _, maximum in self.maxima[first:]]
        known = [maximum for maximum in found if maximum is not None]
        return max(known) if len(known) == len(found) and known else None


class Limits:
    """Follows all Jobs, pods and plans."""

    def __init__(self, world: World, fail: Callable[[str], None]) -> None:
        self._world = world
        self._fail = fail
        self._runs: dict[str, Run] = {}
        self._pods: dict[str, Run] = {}
        self.plans: dict[str, Limit] = {}

    def job_changed(self, change: Change) -> None:
        """Note a Job that came, ended or went."""
        obj = change.after or change.before or {}
        meta = obj["metadata"]
        run = self._runs.get(meta["uid"])
        if run is None:
            if not _is_ours(obj) or change.after is None:
                return
            run = self._runs[meta["uid"]] = _run_of(obj, self._world.now())
        run.ended = change.after is None or is_finished(obj) or labels.is_tombstone(obj)
        self._settle(run)

    def pod_changed(self, change: Change) -> None:
        """Note a pod that came, ended or went; one that comes starts a run, or goes on with one."""
        obj = change.after or change.before or {}
        meta = obj["metadata"]
        # A pod that a person orphaned is its run's as before.
        owner = next((each["uid"] for each in meta.get("ownerReferences") or () if each["kind"] == "Job"), "")
        run = self._pods.get(meta["uid"]) or self._runs.get(owner)
        if run is None:
            return
        self._pods[meta["uid"]] = run
        is_open = change.after is not None and obj["status"]["phase"] not in _ENDED
        if is_open and meta["uid"] not in run.pods:
            run.pods.add(meta["uid"])
            run.podded = True
            self._check_start(run)
        elif not is_open:
            run.pods.discard(meta["uid"])
        self._settle(run)

    def plan_changed(self, change: Change) -> None:
        """Note a plan's limit, and whether the operator has seen it."""
        obj = change.after or change.before or {}
        meta, now = obj["metadata"], self._world.now()
        if change.after is None:
            self.plans.pop(meta["uid"], None)
            return
        limit = self.plans.setdefault(meta["uid"], Limit((meta["namespace"], meta["name"])))
        maximum = (obj["spec"].get("concurrency") or {}).get("max")
        if not limit.maxima or limit.maxima[-1][1] != maximum:
            limit.maxima.append((now, maximum))
        observed = bool((obj.get("status") or {}).get("concurrency"))
        if not observed:
            limit.observed = None
        elif limit.observed is None:
            limit.observed = now
        self._note_free(limit)

    def run_changed(self, change: Change) -> None:
        """Assert that a run that is told never to start has not."""
        if change.after is None or (change.after.get("status") or {}).get("phase") not in _NEVER:
            return
        meta = change.after["metadata"]
        for run in self._of((meta["namespace"], ""), meta["name"]):
            if run.podded and meta["uid"] in run.owners:
                self._fail(
                    f"{meta['namespace']}/{meta['name']} is {change.after['status']['phase']}, and yet it started"
                )

    def under_way(self, plan: tuple[str, str], plan_uid: str, before: datetime | None) -> list[Run]:
        """Return the runs of a plan that are under way; those of an earlier one of its name only from before an instant."""
        return [
            run
            for run in self._runs.values()
            if run.plan == plan
            and run.over is None
            and (run.plan_uid == plan_uid or (before is not None and run.created < before))
        ]

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the ledgers once all has come to rest."""
        now = self._world.now()
        for uid, limit in self.plans.items():
            plan = self._plan(limit)
            if plan is None or plan["metadata"]["uid"] != uid or limit.observed is None or not _is_readable(plan):
                continue
            ledger = plan["status"]["concurrency"]
            name = f"plan {'/'.join(limit.plan)}"
            yield from self._wrong_seats(name, limit, uid, ledger, now)
            if limit.free is None or now - limit.free < _SETTLING or limit.maxima[-1][1] is None:
                continue
            for run in self._waiting(limit.plan, uid):
                if now - to_instant(run["metadata"]["creationTimestamp"]) > _SETTLING:
                    yield f"{name} lets {run['metadata']['name']} wait, and has had a free seat since {limit.free}"
        yield from self._old_tombstones(now)

    def _wrong_seats(self, name: str, limit: Limit, uid: str, ledger: Object, now: datetime) -> Iterator[str]:
        seats = {seat["name"]: seat for seat in ledger.get("running") or ()}
        going = {run.name for run in self.under_way(limit.plan, uid, limit.observed)}
        lately = {run.name for run in self._runs.values() if run.over is None or now - run.over < _SETTLING}
        for seat in seats.values():
            execution = self._world.get(LAUNCH_PLAN_EXECUTIONS, limit.plan[0], seat["name"])
            waits = execution is not None and (execution.get("status") or {}).get("phase") == "Queued"
            young = now - to_instant(seat["admittedAt"]) < _SETTLING
            if seat["name"] not in going | lately and not waits and not young:
                yield f"{name} has a seat for {seat['name']}, which is not under way"
        for run in self.under_way(limit.plan, uid, None):
            if run.name not in seats and run.created >= limit.observed:  # type: ignore[operator]  # it is observed
                yield f"{name} has no seat for {run.name}, which is under way"

    def _waiting(self, plan: tuple[str, str], uid: str) -> Iterator[Object]:
        for run in self._world.all(LAUNCH_PLAN_EXECUTIONS):
            status = run.get("status") or {}
            mine = run["metadata"]["namespace"] == plan[0] and status.get("planUid") == uid
            reasons = [each["reason"] for each in status.get("conditions") or () if each["type"] == "Ready"]
            if mine and status.get("phase") == "Queued" and reasons in (["WaitingForSeat"], ["LedgerHeld"]):
                yield run

    def _old_tombstones(self, now: datetime) -> Iterator[str]:
        for job in self._world.all(JOBS):
            age = now - occupied_since(job)
            # One of a run without a plan goes with its record, and one that a person orphaned with nothing.
            plan = (job["metadata"]["namespace"], (job["metadata"].get("labels") or {}).get(labels.PLAN, ""))
            of_plan = self._world.get(LAUNCH_PLANS, *plan) is not None
            if labels.is_tombstone(job) and of_plan and age > timedelta(minutes=17):
                yield f"the tombstone {job['metadata']['namespace']}/{job['metadata']['name']} is {age} old"

    def _plan(self, limit: Limit) -> Object | None:
        return self._world.get(LAUNCH_PLANS, *limit.plan)

    def _of(self, scope: tuple[str, str], name: str) -> list[Run]:
        return [run for run in self._runs.values() if run.plan[0] == scope[0] and run.name == name]

    def _check_start(self, run: Run) -> None:
        self._check_may_start(run)
        limit = self.plans.get(run.plan_uid or "")
        if limit is None or limit.observed is None or run.plan_uid is None:
            return
        # A request that was under way when the limit came could not be taken back: its run has a seat above the limit.
        asked = self._world.network.asked.get((run.plan[0], run.name))
        if min(run.created, self._world.at(asked) if asked is not None else run.created) < limit.observed:
            return
        since = max(self._asked_at(run), limit.observed)
        highest = limit.highest(since)
        others = [other.name for other in self.under_way(run.plan, run.plan_uid, limit.observed) if other is not run]
        if highest is not None and len(others) >= highest:
            told = f"{len(others)} of at most {highest} are under way: {', '.join(sorted(others))}"
            self._fail(f"{'/'.join(run.plan)}: {run.name} starts, and {told}")

    def _check_may_start(self, run: Run) -> None:
        execution = self._world.get(LAUNCH_PLAN_EXECUTIONS, run.plan[0], run.name)
        if execution is None or execution["metadata"]["uid"] not in run.owners:
            return
        phase = (execution.get("status") or {}).get("phase")
        if phase in _NEVER:
            self._fail(f"{run.plan[0]}/{run.name} is {phase}, and yet it starts")

    def _asked_at(self, run: Run) -> datetime:
        execution = self._world.get(LAUNCH_PLAN_EXECUTIONS, run.plan[0], run.name)
        if execution is None or execution["metadata"]["uid"] not in run.owners:
            return run.created
        return to_instant(execution["metadata"]["creationTimestamp"])

    def _settle(self, run: Run) -> None:
        """Note whether a run is over."""
        if not run.ended or run.pods:
            run.over = None
        elif run.over is None:
            run.over = self._world.now()
        for limit in self.plans.values():
            if limit.plan == run.plan:
                self._note_free(limit)

    def _note_free(self, limit: Limit) -> None:
        maximum = limit.maxima[-1][1]
        going = sum(run.plan == limit.plan and run.over is None for run in self._runs.values())
        if maximum is None or limit.observed is None or going >= maximum:
            limit.free = None
        elif limit.free is None:
            limit.free = self._world.now()


def _is_readable(plan: Object) -> bool:
    """Tell whether a plan's limit can be read: else its ledger stays as it is."""
    return not isinstance(parse_spec(LaunchPlanSpec, plan), tuple)


def _is_ours(job: Object) -> bool:
    return (
        labels.PLAN in (job["metadata"].get("labels") or {})
        and (job["metadata"].get("labels") or {}).get(labels.MANAGED_BY) == labels.MANAGER
    )


def _run_of(job: Object, now: datetime) -> Run:
    meta = job["metadata"]
    return Run(
        meta["name"],
        (meta["namespace"], meta["labels"][labels.PLAN]),
        (meta.get("annotations") or {}).get(labels.PLAN_UID),
        frozenset(owner["uid"] for owner in meta.get("ownerReferences") or ()),
        now,
    )
