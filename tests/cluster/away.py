"""What only minutes show: begun on a cluster of its own when the session begins, looked at by its last file."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.decide.schedule import slot_name
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.support import EVERY_MINUTE, Object, Space, await_slot, next_slot, phase_of, run_of
from tests.cluster.support import plan as plan_spec

#: The plans that fire every minute while no operator runs.
UNATTENDED = ("five", "lost", "edited", "zoned", "paused")
#: What was begun with the session is looked at late.
_KEPT = {"succeeded": 1000}


@dataclass(frozen=True, slots=True)
class Away:
    """Two namespaces of one cluster.

    Attributes:
        space: its operator was stopped at `since`.
        operator: that operator, to be started again.
        since: aware; the CronJobs of the space's plans were there before.
        patient: its operator runs all the time.
        new_space: makes a namespace that no operator serves.
        operate: starts an operator for one namespace.
    """

    space: Space
    operator: OperatorProcess
    since: datetime
    patient: Space
    new_space: Callable[[], Space]
    operate: Callable[[Space], OperatorProcess]


def begin(new_space: Callable[[], Space], operate: Callable[[Space], OperatorProcess]) -> Away:
    """Set both namespaces up and stop the operator of the first."""
    space, patient = new_space(), new_space()
    operate(patient)
    operator = operate(space)
    _wait_for_nobody(patient)
    space.offer()
    for name in UNATTENDED:
        space.plan(name, schedule=EVERY_MINUTE, history=_KEPT)
    operator.stop()
    return Away(space, operator, datetime.now(UTC), patient, new_space, operate)


def _wait_for_nobody(patient: Space) -> None:
    patient.create(LAUNCH_PLANS, "waiting", plan_spec(workflowRef={"name": "nobody"}))
    patient.create(LAUNCH_PLAN_EXECUTIONS, "waiting", run_of("nobody"))
    patient.offer()
    patient.plan("forgetful", history={"succeeded": 0})
    patient.run("kept", run_of("forgetful"))


#: For each policy of catching up, the plan that has it.
LATE = {"None": "none", "Latest": "latest", "All": "all"}
_SLOTS = 3
_ROOM = 20.0
_MINUTE = timedelta(minutes=1)
_GIVES_UP = 480.0
_RETURN = 150.0


@dataclass(frozen=True, slots=True)
class Absence:
    """A namespace whose operator was away for some slots of its own engine, and came back.

    Attributes:
        slots: the slots that came meanwhile.
    """

    space: Space
    slots: tuple[datetime, ...]


def leave(away: Away) -> Absence:
    """Let an operator miss three slots of plans whose time it keeps: one has the usual deadline, others five seconds."""
    space = away.new_space()
    operator = away.operate(space)
    space.offer()
    first = next_slot(_ROOM)
    ours = EVERY_MINUTE | {"engine": "Operator"}
    space.plan("on-time", schedule=ours, history=_KEPT)
    for policy, name in LATE.items():
        space.plan(name, schedule=ours | {"startingDeadline": "5s", "catchUp": {"policy": policy}}, history=_KEPT)
    operator.kill()
    slots = tuple(first + n * _MINUTE for n in range(_SLOTS))
    await_slot(slots[-1], 8)
    operator.start()
    operator.await_ready()
    return Absence(space, slots)


@dataclass(frozen=True, slots=True)
class Stranded:
    """A plan whose CronJob nobody attended to for minutes, until its first slot was caught up.

    Attributes:
        slot: that slot.
        run: its execution, as it was before the controllers went on.
        job: the Job of that execution, and
        cronjob: the CronJob, once they did.
        last: the first slot after that; the plan was suspended when it had ended.
    """

    space: Space
    slot: datetime
    run: Object
    job: Object
    cronjob: Object
    last: datetime


def strand(space: Space, cluster: LocalCluster) -> Stranded:
    """Stop the controllers, and let them go on once a slot of a CronJob was caught up without them."""
    space.offer()
    slot = next_slot(_ROOM)
    space.plan("tick", schedule=EVERY_MINUTE | {"catchUp": {"policy": "All"}}, history=_KEPT)
    pid = cluster.components()["kube-controller-manager"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        run = space.until(LAUNCH_PLAN_EXECUTIONS, slot_name("tick", slot), phase_of, _GIVES_UP)
    finally:
        os.kill(pid, signal.SIGCONT)
    last = datetime.now(UTC).replace(second=0, microsecond=0) + _MINUTE
    space.ended(slot_name("tick", last), seconds=_RETURN)
    job, cronjob = space.read(JOBS, slot_name("tick", slot)), space.read(CRON_JOBS, "tick")
    # Looked at minutes later, no more slots may have come.
    space.edit(LAUNCH_PLANS, "tick", spec={"suspend": True})
    return Stranded(space, slot, run, job, cronjob, last)


Outages = tuple[Future[Absence], Future[Stranded]]
