"""What only minutes show: begun on a cluster of its own when the session begins, looked at by its last file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from localcluster.operated import OperatorProcess
from tests.cluster.support import EVERY_MINUTE, Space, run_of
from tests.cluster.support import plan as plan_spec

#: The plans that fire every minute while no operator runs.
UNATTENDED = ("five", "lost", "edited", "zoned", "paused")


@dataclass(frozen=True, slots=True)
class Away:
    """Two namespaces of one cluster.

    Attributes:
        space: its operator was stopped at `since`.
        operator: that operator, to be started again.
        since: aware; the CronJobs of the space's plans were there before.
        patient: its operator runs all the time.
    """

    space: Space
    operator: OperatorProcess
    since: datetime
    patient: Space


def begin(new_space: Callable[[], Space], operate: Callable[[Space], OperatorProcess]) -> Away:
    """Set both namespaces up and stop the operator of the first."""
    space, patient = new_space(), new_space()
    operate(patient)
    operator = operate(space)
    _wait_for_nobody(patient)
    space.offer()
    for name in UNATTENDED:
        space.plan(name, schedule=EVERY_MINUTE)
    operator.stop()
    return Away(space, operator, datetime.now(UTC), patient)


def _wait_for_nobody(patient: Space) -> None:
    patient.create(LAUNCH_PLANS, "waiting", plan_spec(workflowRef={"name": "nobody"}))
    patient.create(LAUNCH_PLAN_EXECUTIONS, "waiting", run_of("nobody"))
    patient.offer()
    patient.plan("forgetful", history={"succeeded": 0})
    patient.run("kept", run_of("forgetful"))
