"""What holds of runs through references, read from executions, Jobs and what people wrote: never from what references say.

A run through a reference is called local, and the execution in the plan's namespace that does its work remote. What the
operator decides upon its view of the cluster may be as old as a view may be: `view_age` says how old.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from launchplan_operator.api.kinds import (
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
)
from launchplan_operator.api.kinds import NAMESPACES as NAMESPACE_KIND
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.render import labels
from tests.fake.store import Change, Object
from tests.sim.adoptions import is_leaving
from tests.sim.world import NAMESPACES, World

#: Seconds that a look takes from what it sees to what it asks for, a line of a watch may be late for, and a slow call takes.
_LOOK, _LATE_LINE, _SLOW_CALLS = 15.0, 50.0, 150.0
#: Seconds until a watch that is silent is given up, and until the list that finds what it lost.
_SILENCE, _REPAIR = 370.0, 800.0
#: Seconds in which a remote is told to end that nobody asks for any more, retries included.
_TELLING = 60.0
#: What a local shows of the remote's end.
_MIRRORED = ("phase", "outputs", "error")

Place = tuple[str, str]


@dataclass(slots=True)
class Local:
    """A run through a reference.

    Attributes:
        place: its namespace and name.
        reference: the name of its reference.
        noted: uids of the executions that its status named while it had not ended.
        over: since when it has ended or is gone, in seconds; None while it goes on.
        forged: whether a person wrote its status.
        started: uids of the remotes that had a Job.
    """

    place: Place
    reference: str
    noted: set[str] = field(default_factory=set)
    over: float | None = None
    forged: bool = False
    started: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Remote:
    """An execution that names somebody who asks for it from elsewhere: who, by uid, and what it last was."""

    asking: str
    last: Object
    gone: bool = False


class Crossings:
    """Follows what crosses the border between two namespaces."""

    def __init__(self, world: World, fail: Callable[[str], None]) -> None:
        self._world = world
        self._fail = fail
        self.locals: dict[str, Local] = {}
        self.remotes: dict[str, Remote] = {}
        #: Since when each reference does not name a place; infinite while it does.
        self._named: dict[Place, dict[Place, float]] = {}
        #: Since when each plan does not allow a namespace; infinite while it does.
        self._allowed: dict[Place, dict[str, float]] = {}

    def changed(self, change: Change) -> None:
        """Look at one change."""
        look = {
            JOBS: self._job,
            LAUNCH_PLAN_EXECUTIONS: self._execution,
            REFERENCE_LAUNCH_PLANS: self._reference,
            LAUNCH_PLANS: self._plan,
            NAMESPACE_KIND: self._namespace,
        }.get(change.kind)
        if look is not None:
            look(change)

    def problems(self) -> Iterator[str]:
        """Yield what is wrong once all has come to rest."""
        for remote in self.remotes.values():
            asking = self.locals.get(remote.asking)
            alone = asking is None or asking.over is not None
            if alone and not remote.gone and not is_terminal(remote.last.get("status") or {}):
                yield f"{_name(remote.last)} goes on, and nobody asks for it"
        for uid, local in self.locals.items():
            run = self._world.get(LAUNCH_PLAN_EXECUTIONS, *local.place)
            if run is not None and run["metadata"]["uid"] == uid and is_terminal(run.get("status") or {}):
                yield from self._differs(local, run)

    def view_age(self) -> float:
        """Return the seconds by which what an operator acts upon may be older than the moment at which it asks.

        A view lags by a watch whose lines are late, is silent or lost one; a look takes as long as its slow calls do. A
        list from the past, and a process that slept, may be of any age: both of them see what is new a moment later.
        """
        profile, struck = self._world.adversary.profile, self._world.adversary.struck
        if struck["list from the past"] or struck["paused process"]:
            return math.inf
        terms = (
            (bool(profile.lagging), _LATE_LINE),
            (bool(profile.slow or profile.rough or profile.late), _SLOW_CALLS),
            (bool(struck["watch silent"]), _SILENCE),
            (bool(struck["watch event lost"]), _REPAIR),
        )
        return _LOOK + sum(seconds for holds, seconds in terms if holds)

    def _job(self, change: Change) -> None:
        """A remote gets a Job only once its local counts on it, and while that goes on and the plan allows it."""
        job = change.after
        if change.before is not None or job is None or labels.is_tombstone(job):
            return
        metadata = job["metadata"]
        execution = self._world.get(LAUNCH_PLAN_EXECUTIONS, metadata["namespace"], metadata["name"])
        if execution is None or not labels.is_owned_by(job, execution["metadata"]["uid"]):
            return
        if (requester := labels.requester_of(execution)) is None:
            if labels.is_through_reference(execution):
                self._fail(f"{_name(execution)} is a run through a reference, and yet has a Job of its own")
            return
        local, uid, name = self.locals.get(requester.uid), execution["metadata"]["uid"], _name(execution)
        if local is None or local.place != (requester.namespace, requester.execution) or uid not in local.noted:
            self._fail(f"{name} starts, and its requester never counted on it")
            return
        local.started.add(uid)
        if len(local.started) > 1:
            self._fail(f"{name} starts, and another execution started for {'/'.join(local.place)}")
        age = self._world.network.sent - self.view_age()
        if local.over is not None and local.over < age:
            self._fail(f"{name} starts, and its requester has been over since {local.over:.3f}")
        self._check_allowed(execution, requester.namespace, age)

    def _check_allowed(self, execution: Object, asking: str, age: float) -> None:
        place = (execution["metadata"]["namespace"], execution["spec"]["launchPlanRef"]["name"])
        since = self._allowed.get(place, {}).get(asking, 0.0)
        if since < age:
            told = f"{'/'.join(place)} has not allowed references from {asking} since {since:.3f}"
            self._fail(f"{_name(execution)} is made or starts, and {told}")

    def _execution(self, change: Change) -> None:
        run = change.after or change.before or {}
        if labels.is_through_reference(run):
            self._local(change, run)
        if requester := labels.requester_of(run):
            remote = self.remotes.setdefault(run["metadata"]["uid"], Remote(requester.uid, run))
            if self._world.network.caller is not None:
                self._check_removal(change, remote)
                self._check_end(change, remote)
            remote.last, remote.gone = run, change.after is None
        if change.before is None and self._world.network.caller is not None:
            self._check_made(run)

    def _local(self, change: Change, run: Object) -> None:
        metadata, status = run["metadata"], run.get("status") or {}
        place = (metadata["namespace"], metadata["name"])
        local = self.locals.setdefault(metadata["uid"], Local(place, run["spec"]["launchPlanRef"]["name"]))
        noted = status.get("remote")
        before = ((change.before or {}).get("status") or {}) if change.before else {}
        if self._world.by_person and before.get("remote") != noted:
            local.forged = True
        if change.after is None or is_terminal(status):
            local.over = local.over if local.over is not None else self._now()
        elif noted is not None:
            local.noted.add(noted["uid"])
        if change.after is not None and is_terminal(status) and not is_terminal(before):
            for problem in self._differs(local, run):
                self._fail(problem)

    def _differs(self, local: Local, run: Object) -> Iterator[str]:
        """Yield how the end of a local is not that of the remote on which it counts."""
        status, name = run["status"], _name(run)
        if local.forged:
            return
        if "remote" not in status:
            if local.started:
                yield f"{name} ended as {status['phase']} and counts on nobody, and yet {local.started} started"
            return
        remote = self.remotes.get(status["remote"]["uid"])
        if remote is None:
            yield f"{name} counts on an execution that never was"
            return
        if (status.get("error") or {}).get("code") == "RemoteDeleted":
            if not remote.gone:
                yield f"{name} ended as if {_name(remote.last)} were gone, which is there"
            return
        theirs = remote.last.get("status") or {}
        if not is_terminal(theirs):
            yield f"{name} ended as {status['phase']}, and {_name(remote.last)} has not"
            return
        here, there = _end_of(status), _end_of(theirs)
        if here != there:
            yield f"{name} ended as {here}, and {_name(remote.last)} as {there}"

    def _check_removal(self, change: Change, remote: Remote) -> None:
        """The operator removes no remote whose end its local has not shown yet."""
        if not is_leaving(change.after) or is_leaving(change.before):
            return
        local = self.locals.get(remote.asking)
        counts = local is not None and local.over is None and remote.last["metadata"]["uid"] in local.noted
        if counts and not remote.gone:
            self._fail(f"the operator removed {_name(remote.last)}, and its requester has not shown its end")

    def _check_end(self, change: Change, remote: Remote) -> None:
        """A remote that nobody asks for any more does not run to its own end, where an operator was there all the time."""
        old, new = remote.last.get("status") or {}, (change.after or {}).get("status") or {}
        local = self.locals.get(remote.asking)
        ran = "startTime" in new and new.get("phase") in ("Succeeded", "Failed")
        if local is None or local.over is None or is_terminal(old) or not ran:
            return
        known = max(local.over, self._world.troubled) + self.view_age() + _TELLING
        ended = self._seconds(new["completionTime"])
        if known < ended and "terminate" not in remote.last["spec"]:
            self._fail(f"{_name(remote.last)} ran until {ended:.3f}, and its requester was over at {local.over:.3f}")

    def _check_made(self, run: Object) -> None:
        """Invariant 8: the operator makes an execution for its own namespace, or for a reference that is allowed."""
        metadata, requester = run["metadata"], labels.requester_of(run)
        if requester is None:
            homes = {each["uid"] for each in metadata.get("ownerReferences") or ()}
            if not homes:
                self._fail(f"the operator made {_name(run)}, and nobody asked for it")
            return
        local = self.locals.get(requester.uid)
        if local is None or (local.place, local.reference) != (
            (requester.namespace, requester.execution),
            requester.reference,
        ):
            self._fail(f"the operator made {_name(run)}, and its requester never was")
            return
        age = self._world.network.sent - self.view_age()
        place = (metadata["namespace"], run["spec"]["launchPlanRef"]["name"])
        if self._named.get((local.place[0], local.reference), {}).get(place, 0.0) < age:
            self._fail(f"the operator made {_name(run)}, and the reference {local.reference} names no plan there")
        self._check_allowed(run, requester.namespace, age)

    def _reference(self, change: Change) -> None:
        obj = change.after or change.before or {}
        named = self._named.setdefault((obj["metadata"]["namespace"], obj["metadata"]["name"]), {})
        for place, until in named.items():
            named[place] = min(until, self._now())
        if change.after is not None:
            spec = change.after["spec"]
            named[spec.get("namespace") or f"{spec.get('project')}-{spec.get('domain')}", spec["name"]] = math.inf

    def _plan(self, change: Change) -> None:
        obj = change.after or change.before or {}
        self._note_allowed((obj["metadata"]["namespace"], obj["metadata"]["name"]), change.after)

    def _namespace(self, _change: Change) -> None:
        for plan in self._world.all(LAUNCH_PLANS):
            self._note_allowed((plan["metadata"]["namespace"], plan["metadata"]["name"]), plan)

    def _note_allowed(self, place: Place, plan: Object | None) -> None:
        until = self._allowed.setdefault(place, {})
        for asking in NAMESPACES:
            if plan is not None and self._allows(plan, asking):
                until[asking] = math.inf
            else:
                until[asking] = min(until.get(asking, 0.0), self._now())

    def _allows(self, plan: Object, asking: str) -> bool:
        """Tell whether a plan allows references from a namespace: by what the simulation's people write, and no more."""
        consent = plan["spec"].get("allowReferencesFrom") or {}
        space = self._world.get(NAMESPACE_KIND, "", asking)
        found = ((space or {}).get("metadata", {})).get("labels") or {}
        if asking == plan["metadata"]["namespace"] or consent.get("from") == "All":
            return True
        if consent.get("from") == "Selector":
            return _selects(consent["selector"], found)
        return asking in (consent.get("names") or ())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _seconds(self, text: str) -> float:
        return (to_instant(text) - self._world.at(0.0)).total_seconds()


def _selects(selector: Any, found: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels") or {}
    unwanted = [(each["key"], each["values"]) for each in selector.get("matchExpressions") or ()]
    return wanted.items() <= found.items() and not any(found.get(key) in values for key, values in unwanted)


def _end_of(status: Object) -> dict[str, Any]:
    """Return what two sides of a run have in common at its end; what is refused reads otherwise on each."""
    found = {key: status.get(key) for key in _MIRRORED}
    error = status.get("error")
    if status.get("phase") == "Rejected" or error is None:
        return found | {"error": error and error["kind"]}
    return found


def _name(run: Object) -> str:
    return f"execution {run['metadata']['namespace']}/{run['metadata']['name']}"
