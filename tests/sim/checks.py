"""What must hold after every change of the cluster, read from its objects and their past alone."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    EVENTS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    LEASES,
    NAMESPACES,
    PODS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.render import labels
from tests.fake.store import Change, Name, Object
from tests.sim.adoptions import Adoptions, is_leaving
from tests.sim.births import Birth
from tests.sim.crossings import Crossings
from tests.sim.ledger import PlanHistory
from tests.sim.limits import Limits
from tests.sim.world import World

#: What a run's status keeps once it ended, but for the mark that it was counted.
_FINAL = ("phase", "outputs", "completionTime", "error", "inputs", "jobRef", "launchPlanVersion")
_FROM_CRONJOB = "cronjob.kubernetes.io/instantiate"
_OWN = {"app.kubernetes.io/managed-by": "launchplan-operator"}
#: How long an ended run stays at least, but for what two clocks differ.
_STAYS = timedelta(minutes=15) - timedelta(seconds=20)
#: Calls that one process makes in a minute at most, however bad the minute.
_BUSY = 3000


#: How many Jobs a CronJob keeps once a person has changed that.
SHORT_HISTORY = 3


@dataclass(slots=True)
class Checks:
    """Follows every change, and says at the first violation what it is.

    Attributes:
        plans: what is known of each plan, by its uid.
        states: hashes of the abstract states that were seen.
        births: every Job that ever was, by namespace and name.
        by_hand: uids of objects that people made.
        limits: what is known of the plans' limits.
        crossings: what is known of runs through references.
        deleted_by_hand: uids of objects that people deleted.
    """

    world: World
    plans: dict[str, PlanHistory] = field(default_factory=dict)
    states: set[int] = field(default_factory=set)
    births: dict[tuple[str, str], list[Birth]] = field(default_factory=dict)
    recorded: set[tuple[str, str]] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    deleted_by_hand: set[str] = field(default_factory=set)
    homes: dict[str, str] = field(default_factory=dict)
    calls: Counter[tuple[str, int]] = field(default_factory=Counter)
    limits: Limits = field(init=False)
    crossings: Crossings = field(init=False)
    adoptions: Adoptions = field(init=False)
    _parts: dict[Name, dict[Kind, str]] = field(default_factory=dict)
    _failed: asyncio.Event = field(default_factory=asyncio.Event)
    _problem: str = ""

    def __post_init__(self) -> None:
        self.limits = Limits(self.world, self.fail)
        self.crossings = Crossings(self.world, self.fail)
        self.adoptions = Adoptions(self.world, self.fail)
        self.world.api.store.listeners.append(self.changed)
        self.world.network.on_call = self.called
        self.world.failed = self.fail

    async def watch(self) -> None:
        """Raise the first violation, when there is one."""
        await self._failed.wait()
        raise AssertionError(self._problem)

    def fail(self, problem: str) -> None:
        """Note a violation."""
        self.world.note(f"VIOLATION {problem}")
        self._problem = self._problem or f"at {asyncio.get_running_loop().time():.3f}: {problem}"
        self._failed.set()

    def called(self, process: str) -> None:
        """Look at how much a process calls."""
        minute = int(asyncio.get_running_loop().time()) // 60
        self.calls[process, minute] += 1
        if self.calls[process, minute] == _BUSY:
            self.fail(f"{process} made {_BUSY} calls in a minute")

    def changed(self, change: Change) -> None:
        """Look at one change."""
        self.crossings.changed(change)
        self.adoptions.changed(change)
        if change.kind in (EVENTS, LEASES, NAMESPACES):
            return
        by_operator = self.world.network.caller is not None
        if change.after is not None:
            self.homes[change.after["metadata"]["uid"]] = change.after["metadata"].get("namespace", "")
        self._note_hand(change)
        if by_operator:
            self._check_touch(change)
        self._follow_limits(change)
        look = {
            JOBS: self._job,
            PODS: self._pod,
            LAUNCH_PLAN_EXECUTIONS: self._execution,
            LAUNCH_PLANS: self._plan,
        }.get(change.kind)
        if look is not None:
            look(change)
        if change.kind == CRON_JOBS and (by_operator or change.before is None):
            self._cronjob_written(change)
        self._see(change)
        if by_operator:
            self.states.add(self._state())

    def _follow_limits(self, change: Change) -> None:
        follow = {
            JOBS: self.limits.job_changed,
            PODS: self.limits.pod_changed,
            LAUNCH_PLANS: self.limits.plan_changed,
            LAUNCH_PLAN_EXECUTIONS: self.limits.run_changed,
        }.get(change.kind)
        if follow is not None:
            follow(change)

    def _note_hand(self, change: Change) -> None:
        if not self.world.by_person:
            return
        if change.before is None and change.after is not None:
            self.by_hand.add(change.after["metadata"]["uid"])
        gone = change.before if change.after is None else change.after
        if gone is not None and (change.after is None or gone["metadata"].get("deletionTimestamp")):
            self.deleted_by_hand.add(gone["metadata"]["uid"])
        if (
            change.after is not None
            and (change.after.get("spec") or {}).get("successfulJobsHistoryLimit") == SHORT_HISTORY
        ):
            # Its controller removes Jobs for this person.
            self.deleted_by_hand.add(change.after["metadata"]["uid"])

    def _check_touch(self, change: Change) -> None:
        """Invariants 7 and 8: what people made stays as they made it, and nothing crosses a namespace."""
        obj = change.after or change.before or {}
        meta = obj["metadata"]
        name = f"{change.kind.kind} {meta.get('namespace')}/{meta['name']}"
        if change.before is None:
            for owner in meta.get("ownerReferences") or ():
                home = self.homes.get(owner["uid"])
                if home not in (None, meta.get("namespace")):
                    self.fail(f"{name} is owned by an object of {home}")
            return
        if meta["uid"] not in self.by_hand or _may_be_touched(change.kind, obj):
            return
        if change.kind == CRON_JOBS and is_leaving(change.after) and self.adoptions.may_be_removed(obj):
            return
        if change.after is None:
            if change.kind != LAUNCH_PLAN_EXECUTIONS:
                self.fail(f"the operator deleted {name}, which a person made")
            return
        if _theirs(change.before) != _theirs(change.after):
            self.fail(f"the operator changed {name}, which a person made")

    def _job(self, change: Change) -> None:
        if change.after is None and change.before is not None:
            self._note_end(change.before["metadata"])
        if change.before is not None or change.after is None:
            return
        meta = change.after["metadata"]
        owners = frozenset(owner["uid"] for owner in meta.get("ownerReferences") or ())
        plan = (meta.get("annotations") or {}).get("launchplan.dev/plan-uid")
        place = (meta["namespace"], meta["name"])
        network = self.world.network
        sent = network.sent if network.caller is not None else asyncio.get_running_loop().time()
        birth = Birth(meta["uid"], owners, plan, sent, overtook=network.occupying[place] > 0)
        self.births.setdefault(place, []).append(birth)
        slot = _slot_of(change.after)
        if slot is not None and plan in self.plans and self.plans[plan].rested_at(slot):
            self.fail(f"slot {slot} of {meta['namespace']}/{meta['name']} was started, and the plan was suspended then")

    def _pod(self, change: Change) -> None:
        """Invariant 2: a slot's name, or one execution, starts pods through one Job at most."""
        if change.before is not None or change.after is None:
            return
        meta = change.after["metadata"]
        job = next((each for each in meta.get("ownerReferences") or () if each["kind"] == "Job"), None)
        if job is None:
            return
        births = self.births.get((meta["namespace"], job["name"]), [])
        mine = next((each for each in births if each.uid == job["uid"]), None)
        if mine is None or mine.podded:
            return
        mine.podded = True
        if any(self._made_room(other, mine) for other in births if other is not mine):
            return
        for other in births:
            if other is not mine and other.podded and self._is_alive(mine) and _same_run(job["name"], mine, other):
                self.fail(f"{meta['namespace']}/{job['name']} was started twice, by Jobs {other.uid} and {mine.uid}")

    def _made_room(self, other: Birth, mine: Birth) -> bool:
        """Tell whether a person deleted a Job that nobody had noted, or whose successor was on its way."""
        if other.deleted is None or not self.was_deleted_by_hand(other):
            return False
        return not other.noted or mine.overtook or mine.sent <= other.deleted

    def _note_end(self, gone: Object) -> None:
        """Remember when a Job was deleted, and whether its run had noted it."""
        place = (gone["namespace"], gone["name"])
        run = self.world.get(LAUNCH_PLAN_EXECUTIONS, *place)
        # Of a run that was deleted the name is occupied, whatever it had noted.
        mine = ((run or {}).get("status") or {}).get("jobRef") or {}
        noted = place in self.recorded if run is None else mine.get("uid") == gone["uid"]
        for birth in self.births.get(place, ()):
            if birth.uid == gone["uid"]:
                birth.deleted, birth.noted = asyncio.get_running_loop().time(), noted

    def _is_alive(self, birth: Birth) -> bool:
        """Tell whether a Job's plan is there; what is started for one that went is collected with it."""
        return birth.plan not in self.plans or self.plans[birth.plan].alive

    def was_deleted_by_hand(self, birth: Birth) -> bool:
        """Tell whether a person deleted a Job, or what it went with."""
        return bool({birth.uid, *birth.owners} & self.deleted_by_hand)

    def _execution(self, change: Change) -> None:
        before, after = change.before, change.after
        self.recorded.add((change.object["metadata"]["namespace"], change.object["metadata"]["name"]))
        self._tell_plans(change)
        if after is None and before is not None and self.world.network.caller is not None:
            self._check_age(before)
        if before is None or after is None or self.world.by_person:
            return
        old, new = before.get("status") or {}, after.get("status") or {}
        name = f"execution {after['metadata']['namespace']}/{after['metadata']['name']}"
        if is_terminal(old):
            changed = [key for key in _FINAL if old.get(key) != new.get(key)]
            if changed:
                found = {key: (old.get(key), new.get(key)) for key in changed}
                self.fail(f"{name} had ended, and yet changed {found}")
            if old.get("counted") and not new.get("counted"):
                self.fail(f"{name} lost the mark that it is counted")
        if new.get("outputs") is not None and new.get("phase") != "Succeeded":
            self.fail(f"{name} has outputs in phase {new.get('phase')}")

    def _check_age(self, execution: Object) -> None:
        """What ended stays for 15 minutes: a late write meets its name.

        A slot's run that nobody accepted is one that came after its slot was settled, and goes at once.
        """
        if labels.is_slot_run(execution) and not (execution.get("status") or {}).get("phase"):
            return
        ended = (execution.get("status") or {}).get("completionTime") or execution["metadata"]["creationTimestamp"]
        if self.world.now() - to_instant(ended) < _STAYS:
            name = f"{execution['metadata']['namespace']}/{execution['metadata']['name']}"
            self.fail(f"execution {name} was removed at once: it ended at {ended}")

    def _tell_plans(self, change: Change) -> None:
        obj = change.after or change.before or {}
        reference = obj["spec"].get("launchPlanRef") or {}
        if reference.get("kind", "LaunchPlan") != "LaunchPlan":
            return
        for plan in self.plans.values():
            if (plan.namespace, plan.name) == (obj["metadata"]["namespace"], reference.get("name")):
                plan.execution_changed(change, self.deleted_by_hand)

    def _plan(self, change: Change) -> None:
        obj = change.after or change.before or {}
        meta = obj["metadata"]
        if meta["uid"] not in self.plans:
            same = [
                each for each in self.plans.values() if (each.namespace, each.name) == (meta["namespace"], meta["name"])
            ]
            self.plans[meta["uid"]] = PlanHistory(meta["namespace"], meta["name"], first=not same)
            if not same:
                self._tell_past(self.plans[meta["uid"]])
        self.plans[meta["uid"]].plan_changed(change, self.world.now())
        if change.after is not None and (gap := self.plans[meta["uid"]].gap(change.after)):
            self.fail(f"plan {meta['namespace']}/{meta['name']}: {gap}")

    def _cronjob_written(self, change: Change) -> None:
        """Note a removal of a plan's CronJob, until there is one of its name again, whoever made that."""
        obj = change.after or change.before or {}
        plan = self.world.get(LAUNCH_PLANS, obj["metadata"]["namespace"], obj["metadata"]["name"])
        if plan is None or plan["metadata"]["uid"] not in self.plans:
            return
        # Whose end was announced began the next schedule then; whatever begins later closes the books of that one.
        announced = ((plan.get("status") or {}).get("schedule") or {}).get("replacing") == obj["metadata"]["uid"]
        gone = is_leaving(change.after) and not announced
        history = self.plans[plan["metadata"]["uid"]]
        history.removed = (self.world.now(), plan["metadata"]["generation"]) if gone else None

    def _tell_past(self, plan: PlanHistory) -> None:
        """Tell a plan of the executions that were there before it."""
        for obj in self.world.all(LAUNCH_PLAN_EXECUTIONS):
            reference = obj["spec"].get("launchPlanRef") or {}
            mine = (obj["metadata"]["namespace"], reference.get("name")) == (plan.namespace, plan.name)
            if mine and reference.get("kind", "LaunchPlan") == "LaunchPlan":
                plan.execution_changed(Change(0, LAUNCH_PLAN_EXECUTIONS, None, obj), self.deleted_by_hand)

    def _see(self, change: Change) -> None:
        """Note what a changed object looks like now."""
        look = _LOOKS.get(change.kind)
        if look is None:
            return
        meta = change.object["metadata"]
        seen = self._parts.setdefault((meta["namespace"], meta["name"]), {})
        if change.after is None:
            seen.pop(change.kind, None)
        else:
            seen[change.kind] = look(change.after)

    def _state(self) -> int:
        named = ((name, kind, part) for name, seen in self._parts.items() for kind, part in seen.items())
        lasting = sorted(f"{kind.plural} {name[1]} {part}" for name, kind, part in named if kind in _LASTING)
        runs = (seen for seen in self._parts.values() if LAUNCH_PLAN_EXECUTIONS in seen)
        courses = sorted(f"{seen[LAUNCH_PLAN_EXECUTIONS]} {seen.get(JOBS)}" for seen in runs)
        text = "|".join((*lasting, *courses))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _slot_of(job: Object) -> datetime | None:
    """Return the slot that a Job was made for, by whichever engine."""
    template = (job["spec"]["template"].get("metadata") or {}).get("annotations") or {}
    text = (job["metadata"].get("annotations") or {}).get(labels.CRONJOB_SLOT) or template.get(labels.SLOT)
    return to_instant(text) if text else None


def _may_be_touched(kind: Kind, obj: Object) -> bool:
    """Tell whether an object of a person's is one that the operator may own: a Job made from our CronJob."""
    return kind == JOBS and _FROM_CRONJOB in (obj["metadata"].get("annotations") or {})


def _theirs(obj: Object) -> tuple[Any, ...]:
    meta = obj["metadata"]
    marks = tuple(meta.get(key) for key in ("labels", "annotations", "ownerReferences", "finalizers"))
    spec = obj.get("spec")
    if spec is not None and labels.requester_of(obj):
        # Whoever says that somebody asks for it from elsewhere lets it end when nobody does any more.
        spec = {key: value for key, value in spec.items() if key != "terminate"}
    return (spec, obj.get("data"), marks)


def _same_run(name: str, one: Birth, other: Birth) -> bool:
    if one.owners & other.owners:
        return True
    number = name.rpartition("-")[2]
    return one.plan is not None and one.plan == other.plan and number.isdigit() and len(number) > 6


def _standing(obj: Object) -> str:
    status = obj.get("status") or {}
    schedule = status.get("schedule") or {}
    reasons = [(each["type"], each["status"], each["reason"]) for each in status.get("conditions") or ()]
    seen = status.get("observedGeneration") == obj["metadata"]["generation"]
    ledger = status.get("concurrency") or {}
    seats = (len(ledger.get("running") or ()), len(ledger.get("skipped") or ()), ledger.get("queued"), sorted(ledger))
    return f"{seen} {reasons} {sorted(schedule)} {seats} {len(status.get('versions') or ())}"


def _course(execution: Object) -> str:
    status = execution.get("status") or {}
    return f"{status.get('phase')} {status.get('counted')}"


def _ends(job: Object) -> str:
    return str([each["type"] for each in (job.get("status") or {}).get("conditions") or () if each["status"] == "True"])


def _leaving(cronjob: Object) -> str:
    return str(bool(cronjob["metadata"].get("deletionTimestamp")))


#: What has a name that matters.
_LASTING = (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS, CRON_JOBS)
#: What of an object makes one state of the cluster another.
_LOOKS: dict[Kind, Callable[[Object], str]] = {
    WORKFLOW_DEFINITIONS: _standing,
    LAUNCH_PLANS: _standing,
    REFERENCE_LAUNCH_PLANS: _standing,
    CRON_JOBS: _leaving,
    LAUNCH_PLAN_EXECUTIONS: _course,
    JOBS: _ends,
}
