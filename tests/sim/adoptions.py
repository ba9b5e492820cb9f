"""What must hold where plans take over people's CronJobs: only where one asks, and no slot twice or lost."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from math import inf

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLANS
from launchplan_operator.decide.adoption import asks_to_adopt
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.schedule import slot_name
from launchplan_operator.decide.slottimes import slots_between
from launchplan_operator.decide.timetable import read_timetable
from launchplan_operator.render import labels
from tests.fake.store import Change, Object
from tests.sim.world import World, place_of

Place = tuple[str, str]
#: Seconds by which the operator's view of a plan may lag behind, with its watch and a slow call.
_VIEW = 100.0


class Adoptions:
    """Every CronJob that people made, and what becomes of it.

    Attributes:
        taken: of each CronJob that a plan took over, by uid, that plan's uid.
    """

    def __init__(self, world: World, fail: Callable[[str], None]) -> None:
        self._world = world
        self._fail = fail
        self._asking: dict[Place, float] = {}
        self._started: dict[Place, set[str]] = {}
        self.taken: dict[str, str] = {}

    def changed(self, change: Change) -> None:
        """Look at one change."""
        after = change.after
        if change.kind == LAUNCH_PLANS:
            self._note_wish(change)
        elif change.kind == CRON_JOBS and change.before is not None and is_leaving(after):
            self._leaves(change.before)
        elif change.kind == JOBS and change.before is None and after is not None:
            self._starts(after)

    def _note_wish(self, change: Change) -> None:
        """Note until when a plan asks: for ever, or until it went or thought again."""
        before, after = change.before, change.after
        if after is not None and asks_to_adopt(after):
            self._asking[place_of(after)] = inf
        elif before is not None and asks_to_adopt(before):
            self._asking[place_of(before)] = asyncio.get_running_loop().time()

    def may_be_removed(self, cronjob: Object) -> bool:
        """Tell whether the operator may remove a person's CronJob: a plan of its name asked when it last could see."""
        return self._world.network.sent - self._asking.get(place_of(cronjob), -_VIEW) < _VIEW

    def _leaves(self, cronjob: Object) -> None:
        """Note who takes a CronJob over; what it should have started until then, it did."""
        plan = self._world.get(LAUNCH_PLANS, *place_of(cronjob))
        meta = cronjob["metadata"]
        if (
            self._world.network.caller is None
            or labels.controller_of(cronjob)
            or plan is None
            or meta["uid"] in self.taken
        ):
            return
        self.taken[meta["uid"]] = plan["metadata"]["uid"]
        since = ((plan.get("status") or {}).get("schedule") or {}).get("since")
        if since is None:
            self._fail(f"CronJob {'/'.join(place_of(cronjob))} is taken over by a plan that does not say since when")
        elif not self._world.adversary.struck["controllers stopped"]:
            self._check_gap(cronjob, to_instant(since))

    def _check_gap(self, cronjob: Object, since: datetime) -> None:
        """No slot before the plan's time is left to nobody; a controller that stood still has lost what it lost."""
        if cronjob["spec"].get("suspend") or "startingDeadlineSeconds" in cronjob["spec"]:
            # A person wanted less of it.
            return
        table = read_timetable(cronjob["spec"]["schedule"], "UTC")
        last = (cronjob.get("status") or {}).get("lastScheduleTime") or cronjob["metadata"]["creationTimestamp"]
        slots = slots_between(table, to_instant(last), since, 10) if table else []
        namespace, name = place_of(cronjob)
        # One that met somebody's Job of a slot's name starts nothing any more.
        if slots and not any(self._has_been(namespace, slot_name(name, slot)) for slot in slots):
            self._fail(f"slot {slots[0]} of the CronJob {namespace}/{name} was taken from it and is nobody's")

    def _has_been(self, namespace: str, name: str) -> bool:
        return (namespace, name) in self._started or self._world.get(JOBS, namespace, name) is not None

    def _starts(self, job: Object) -> None:
        """A slot that somebody's CronJob started is not started again by the plan that took it over."""
        place, plan = place_of(job), (job["metadata"].get("annotations") or {}).get(labels.PLAN_UID)
        owners = self._started.setdefault(place, set())
        twice = [owner for owner in owners if plan is not None and self.taken.get(owner) == plan]
        if twice and not labels.is_tombstone(job):
            self._fail(f"{'/'.join(place)} was started by a CronJob, and again by the plan that took it over")
        controller = labels.controller_of(job)
        if controller is not None and plan is None:
            owners.add(controller["uid"])


def is_leaving(after: Object | None) -> bool:
    """Tell from what an object has become whether it was deleted."""
    return after is None or after["metadata"].get("deletionTimestamp") is not None
