"""Invariant 9: once faults and edits have stopped, the cluster is as the specs say, and nothing is written any more."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.decide.cronjob import live_timetable
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.schedule import read_described, slot_name, slots_between
from launchplan_operator.reconcile.planpast import CRONJOB_GIVES_UP
from launchplan_operator.render import labels
from tests.fake.store import Object
from tests.sim.checks import Checks
from tests.sim.fresh import check_as_fresh
from tests.sim.ledger import PlanHistory
from tests.sim.world import World

#: How long after its creation a run may still be under way: no pod lives longer than this.
_UNDER_WAY = timedelta(seconds=180)
#: How long after a slot its outcome is still open.
_SETTLING = timedelta(seconds=25)
#: Seconds without a write.
_QUIET = 25.0
#: What says whether all is well with it.
_STANDING = (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS)


async def check_rest(world: World, checks: Checks, mover: "asyncio.Task[None]") -> None:
    """Assert the state in which everything has come to rest."""
    loop = asyncio.get_running_loop()
    # Look half-way between two full minutes: nothing is starting then.
    await asyncio.sleep((90.0 - loop.time()) % 60.0 + 5.0)
    for problem in _problems(world, checks):
        raise AssertionError(f"at the end: {problem}")
    mover.cancel()
    mark = len(world.api.log)
    await asyncio.sleep(_QUIET)
    written = _writes(world, mark)
    # What goes with a removed run, as a version that it alone was of, goes after it.
    expected = _has_alarms(world) or any(map(_is_retention, written))
    assert not written or expected, f"at the end the operator still writes: {written[:6]}"
    await check_as_fresh(world)


def _problems(world: World, checks: Checks) -> Iterator[str]:
    yield from _process_problems(world)
    for obj in (obj for kind in _STANDING for obj in world.all(kind)):
        yield from _standing_problems(obj)
    for execution in world.all(LAUNCH_PLAN_EXECUTIONS):
        yield from _run_problems(world, execution)
    for job in world.all(JOBS):
        yield from _job_problems(world, job)
    for obj in world.all(LAUNCH_PLANS):
        history = checks.plans[obj["metadata"]["uid"]]
        yield from _count_problems(obj, history)
        yield from _slot_problems(checks, obj, history)
        yield from _forgotten(checks, obj, history)
    yield from checks.limits.problems()
    yield from checks.crossings.problems()


def _process_problems(world: World) -> Iterator[str]:
    process = world.leader.process
    if process.ended:
        yield f"{process.name} ended by itself: {process.failure()!r}"


def _standing_problems(obj: Object) -> Iterator[str]:
    status, meta = obj.get("status") or {}, obj["metadata"]
    name = f"{obj['kind']} {meta['namespace']}/{meta['name']}"
    if status.get("observedGeneration") != meta["generation"]:
        yield f"{name} has generation {meta['generation']}, observed {status.get('observedGeneration')}"
    ready = next((each for each in status.get("conditions") or () if each["type"] == "Ready"), None)
    if ready is None:
        yield f"{name} has no Ready condition"
    elif ready["reason"] == "ScheduleChangePending":
        yield f"{name} still changes its schedule"


def _run_problems(world: World, execution: Object) -> Iterator[str]:
    """Invariant 3: a run ends, or waits for a stated reason."""
    status, meta = execution.get("status") or {}, execution["metadata"]
    admitted = [each["lastTransitionTime"] for each in status.get("conditions") or () if each["type"] == "Admitted"]
    # What just got its turn, after a long wait, has no start yet.
    since = status.get("startTime") or max([meta["creationTimestamp"], *admitted])
    young = world.now() - to_instant(since) < _UNDER_WAY
    if young or is_terminal(status) or meta.get("deletionTimestamp"):
        return
    waiting = [each for each in status.get("conditions") or () if each["reason"] and each["message"]]
    job = world.get(JOBS, meta["namespace"], meta["name"])
    # A Job that a person suspended waits for that person, also where the record that was told to end is made again.
    mine = job is not None and labels.is_owned_by(job, meta["uid"]) and not job["spec"].get("suspend")
    if status.get("phase") != "Queued" or not waiting or mine:
        yield f"execution {meta['namespace']}/{meta['name']} never ended: {status}"


def _job_problems(world: World, job: Object) -> Iterator[str]:
    """A Job of ours has its record, and one that is recorded has an owner that outlives its CronJob."""
    meta = job["metadata"]
    annotations = meta.get("annotations") or {}
    plan = world.get(LAUNCH_PLANS, meta["namespace"], (meta.get("labels") or {}).get(labels.PLAN, ""))
    mine = plan is not None and annotations.get(labels.PLAN_UID) == plan["metadata"]["uid"]
    if not mine or meta.get("deletionTimestamp"):
        return
    if labels.controller_of(job) is None and {each["kind"] for each in meta.get("ownerReferences") or ()} <= {
        "LaunchPlan"
    }:
        # A person orphaned it before it was seen, or had its record's name: only its own is left of it.
        return
    if world.get(LAUNCH_PLAN_EXECUTIONS, meta["namespace"], meta["name"]) is None:
        yield f"Job {meta['namespace']}/{meta['name']} has no record"


def _count_problems(plan: Object, history: PlanHistory) -> Iterator[str]:
    counts = (plan.get("status") or {}).get("counts") or {}
    if not history.first:
        return
    for name, (low, high) in history.counts().items():
        if not low <= counts.get(name, 0) <= high:
            yield f"plan {history.namespace}/{history.name} counts {name}={counts.get(name, 0)}, right is {low}..{high}"


def _slot_problems(checks: Checks, plan: Object, history: PlanHistory) -> Iterator[str]:
    """Invariant 2: every slot since `schedule.since` has exactly one outcome."""
    world = checks.world
    name = f"plan {history.namespace}/{history.name}"
    for slot, outcome in history.told.items():
        # What a person deleted while nobody had taken note of it is as if it had never been.
        if slot_name(history.name, slot) in history.started - history.deleted:
            yield f"{name} told slot {slot} as {outcome}, and yet there is an execution of it"
    slots = _owed(world, plan)
    lost = [slot for slot in slots if slot not in history.told and slot_name(history.name, slot) not in history.started]
    taken = {slot for slot in slots if _is_taken(world, history, slot) or _ran_unrecorded(checks, plan, history, slot)}
    # A CronJob whose slot's name is taken starts none of the next, until the operator sees that one late.
    stuck = taken or _meets_forerunner(world, plan, history)
    settled = world.now() - (CRONJOB_GIVES_UP + _SETTLING if stuck else timedelta())
    lost = [slot for slot in lost if slot not in taken and slot <= settled]
    if len(lost) > history.untold:
        yield f"{name} has lost slots {[str(slot) for slot in lost]}, {history.untold} more were counted than named"


def _forgotten(checks: Checks, plan: Object, history: PlanHistory) -> Iterator[str]:
    """A slot whose Job was started is known, unless a person deleted what told of it."""
    namespace, uid = history.namespace, plan["metadata"]["uid"]
    for slot in (slot for slot, outcome in history.told.items() if outcome == "Unknown"):
        name = slot_name(history.name, slot)
        jobs = [job for job in checks.births.get((namespace, name), ()) if job.plan == uid]
        if jobs and name not in history.deleted and not any(checks.was_deleted_by_hand(job) for job in jobs):
            yield f"plan {namespace}/{history.name} told slot {slot} as Unknown, and yet its Job was started"


def _owed(world: World, plan: Object) -> list[datetime]:
    """Return the slots whose outcome must be known by now."""
    meta, schedule = plan["metadata"], (plan.get("status") or {}).get("schedule") or {}
    cronjob = world.get(CRON_JOBS, meta["namespace"], meta["name"])
    if "since" not in schedule:
        return []
    if schedule["engine"] == "Operator":
        return _owed_by_us(world, plan, schedule)
    if cronjob is None or not labels.is_owned_by(cronjob, meta["uid"]):
        return []
    if cronjob["spec"].get("suspend"):
        # A person did that while the plan's version cannot be read, so that nobody can mend it: the plan says so.
        return []
    table = live_timetable(cronjob)
    assert table is not None
    return slots_between(table, to_instant(schedule["since"]), world.now() - _SETTLING, 2000)


def _owed_by_us(world: World, plan: Object, schedule: Object) -> list[datetime]:
    """Return the slots of a schedule that the operator keeps, of a plan that is well."""
    ready = [(each["status"], each["reason"]) for each in plan["status"]["conditions"] if each["type"] == "Ready"]
    table = read_described(schedule.get("text") or "")
    if ready != [("True", "Active")] or table is None:
        return []
    return slots_between(table, to_instant(schedule["since"]), world.now() - _SETTLING - table.jitter, 2000)


def _is_taken(world: World, history: PlanHistory, slot: datetime) -> bool:
    """Tell whether somebody else's object bears the slot's name."""
    name = slot_name(history.name, slot)
    return any(world.get(kind, history.namespace, name) is not None for kind in (JOBS, LAUNCH_PLAN_EXECUTIONS))


def _meets_forerunner(world: World, plan: Object, history: PlanHistory) -> bool:
    """Tell whether a CronJob was made just before a slot that an operator's fast clock had come to, and had started."""
    since = ((plan.get("status") or {}).get("schedule") or {}).get("since")
    return since is not None and _is_taken(world, history, to_instant(since).replace(second=0, microsecond=0))


def _ran_unrecorded(checks: Checks, plan: Object, history: PlanHistory, slot: datetime) -> bool:
    """Tell whether a CronJob started a slot whose record could not be made, as a person's execution had that name."""
    name = slot_name(history.name, slot)
    jobs = checks.births.get((history.namespace, name), ())
    return name in history.squatted and any(job.plan == plan["metadata"]["uid"] for job in jobs)


def _writes(world: World, mark: int) -> list[str]:
    # What is refused writes nothing: a name that is taken is asked for once more from time to time.
    done = (call for call, code in world.api.log[mark:] if call.writes and code < HTTPStatus.BAD_REQUEST)
    calls = (call for call in done if call.kind.plural not in ("events", "leases"))
    return [f"{call.verb} {call.target} {call.namespace}/{call.name}" for call in calls]


def _has_alarms(world: World) -> bool:
    """Tell whether time alone lets something happen between two full minutes: a jitter, or a wait that ends."""
    for plan in world.all(LAUNCH_PLANS):
        status = plan.get("status") or {}
        ledger = status.get("concurrency") or {}
        table = read_described((status.get("schedule") or {}).get("text") or "")
        odd = table is not None and (bool(table.jitter) or table.start is not None)
        if odd or ledger.get("queued") or ledger.get("holdUntil"):
            return True
    return False


def _is_retention(line: str) -> bool:
    return line.startswith("delete ")
