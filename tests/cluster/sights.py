"""What is no mistake, but asked about at night: how it comes about, and where it is told."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    Kind,
)
from launchplan_operator.decide.schedule import slot_name
from tests.cluster.support import EVERY_MINUTE, NEVER, Object, Space, next_slot, run_of, workflow

#: A node of which no kubelet tells anything: a pod on it never ends.
LOST_NODE: Final = "node-7"
#: Seconds that a slot, or a pod that lingers, may take.
PATIENCE: Final = 150.0
RUN: Final = (LAUNCH_PLAN_EXECUTIONS, "by-hand", "Conditions")
DECISIONS: Final = (LAUNCH_PLANS, "daily", "Decisions")
OPERATOR: Final = EVERY_MINUTE | {"engine": "Operator"}


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing to look at.

    Attributes:
        file: the reason, and after a dash what distinguishes a second sight of it.
        words: what somebody who is woken up must learn: what happened, which no other message says, by which setting,
            and what to do.
        cause: brings it about in a namespace.
        shown: the sections of the descriptions to look at; the message is the first one's.
    """

    file: str
    words: tuple[str, ...]
    cause: Callable[[Space], object]
    shown: tuple[tuple[Kind, str, str], ...] = (DECISIONS,)

    @property
    def reason(self) -> str:
        """The reason that is told."""
        return self.file.partition("-")[0]


def limited(behavior: str = "Queue", schedule: Object | None = None, **queue: Any) -> Callable[[Space], None]:
    """A plan with a limit of one, and a run under way that goes on."""

    def cause(space: Space) -> None:
        space.offer(spec=workflow({"hold": "true"}))
        _limit(space, behavior, schedule, queue)

    return cause


def _limit(space: Space, behavior: str, schedule: Object | None, queue: Object) -> None:
    limit = {"max": 1, "behavior": behavior} | ({"queue": queue} if queue else {})
    space.plan("daily", concurrency=limit, **({"schedule": schedule} if schedule else {}))
    space.create(LAUNCH_PLAN_EXECUTIONS, "first", run_of("daily"))
    space.in_phase("first", "Running")


def then_by_hand(before: Callable[[Space], object]) -> Callable[[Space], None]:
    """A run of a person's after that."""

    def cause(space: Space) -> None:
        before(space)
        space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily"))

    return cause


def a_run_that_fills_the_queue(space: Space) -> None:
    """One run under way, and one that waits: of two made in the same second the first by name does."""
    limited(max=1)(space)
    space.create(LAUNCH_PLAN_EXECUTIONS, "ahead", run_of("daily"))
    space.in_phase("ahead", "Queued")


def a_run_on_a_lost_node(behavior: str) -> Callable[[Space], None]:
    """A run whose pod is on a node that nobody hears of."""

    def cause(space: Space) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": LOST_NODE}}
        assert space.send("POST", "/api/v1/nodes", node).status in {201, 409}
        spec = workflow()
        spec["job"]["template"]["spec"]["nodeName"] = LOST_NODE
        space.offer(spec=spec)
        _limit(space, behavior, None, {})

    return cause


def a_newer_run(space: Space) -> None:
    """Two runs that wait to replace the same one, whose pod does not end."""
    then_by_hand(a_run_on_a_lost_node("Replace"))(space)
    space.in_phase("by-hand", "Queued")
    space.create(LAUNCH_PLAN_EXECUTIONS, "newer", run_of("daily"))


def an_ended_run_on_a_lost_node(space: Space) -> None:
    """Terminate a run whose pod does not end."""
    a_run_on_a_lost_node("Queue")(space)
    space.edit(LAUNCH_PLAN_EXECUTIONS, "first", spec={"terminate": {"cause": "changed my mind"}})


def a_job_that_is_deleted(space: Space) -> None:
    """Delete the Job of a run that goes on."""
    space.offer(spec=workflow({"hold": "true"}))
    space.plan("daily")
    space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily"))
    space.in_phase("by-hand", "Running")
    space.delete(JOBS, "by-hand")


def a_slot_that_waits(space: Space) -> str:
    """A slot whose run waits; returns its name."""
    limited(schedule=EVERY_MINUTE)(space)
    name = slot_name("daily", next_slot(room=2))
    space.until(LAUNCH_PLAN_EXECUTIONS, name, lambda run: (run.get("status") or {}).get("phase") == "Queued", PATIENCE)
    return name


def a_suspended_plan(space: Space) -> None:
    """Suspend a plan whose slot's run waits."""
    a_slot_that_waits(space)
    space.edit(LAUNCH_PLANS, "daily", spec={"suspend": True})


def an_inactive_plan(space: Space) -> None:
    """Deactivate a plan whose slot's run waits."""
    a_slot_that_waits(space)
    space.edit(LAUNCH_PLANS, "daily", spec={"autoActivate": False})


def a_slots_execution_that_is_deleted(space: Space) -> None:
    """Delete a slot's run that waits."""
    name = a_slot_that_waits(space)
    space.delete(LAUNCH_PLAN_EXECUTIONS, name)


def a_late_slot(policy: str) -> Callable[[Space], None]:
    """Let every slot be late, as nobody starts one within a millisecond."""

    def cause(space: Space) -> None:
        space.offer()
        space.plan("daily", schedule=OPERATOR | {"startingDeadline": "1ms", "catchUp": {"policy": policy}})

    return cause


def a_persons_run_on_a_slots_name(space: Space) -> None:
    """Put an execution on the next slot's name, before the policies that would refuse it are at work."""
    space.offer()
    space.plan("daily", schedule=OPERATOR)
    space.create(LAUNCH_PLAN_EXECUTIONS, slot_name("daily", next_slot(room=5)), run_of("daily"))


def a_cronjob_that_fired(moment: str) -> Callable[[Space], None]:
    """Let the CronJob's controller say that it fired."""

    def cause(space: Space) -> None:
        space.offer()
        space.plan("daily", schedule=NEVER)
        status = {"status": {"lastScheduleTime": moment}}
        space.kubectl(
            "patch", CRON_JOBS.plural, "daily", "--subresource=status", "--type=merge", "-p", json.dumps(status)
        )

    return cause


BY_HAND: Final = "start a run by hand if it is still wanted"
SIGHTS: Final = (
    Sight("WaitingForSeat", ("its turn under the plan's limit", "status.concurrency"), then_by_hand(limited()), (RUN,)),
    Sight(
        "LimitReached", ("1 of at most 1 run is under way: first", "behavior Queue"),
        then_by_hand(limited("Skip")), (DECISIONS, RUN),
    ),
    Sight(
        "QueueFull", ("found 1 run waiting", "spec.concurrency.queue.max", BY_HAND),
        then_by_hand(a_run_that_fills_the_queue), (DECISIONS, RUN),
    ),
    Sight(
        "QueueExpired", ("found it waiting since", "spec.concurrency.queue.expireAfter, 5s", "spec.concurrency.max"),
        then_by_hand(limited(expireAfter="5s")), (DECISIONS, RUN),
    ),
    Sight("Superseded", ("found the newer run newer", "behavior Queue"), a_newer_run, (DECISIONS, RUN)),
    Sight(
        "Replaced", ("the newer run by-hand takes its place", "behavior Replace"), then_by_hand(limited("Replace")),
        ((LAUNCH_PLAN_EXECUTIONS, "first", "Conditions"),),
    ),
    Sight("JobDeleted", ("the Job was deleted by hand", "kubectl launchplan relaunch"), a_job_that_is_deleted, (RUN,)),
    Sight("PodLingering", (f"on node {LOST_NODE} has not ended", "kubectl delete pod first-"), an_ended_run_on_a_lost_node),
    Sight("Suspended", ("found spec.suspend true", BY_HAND), a_suspended_plan),
    Sight("Deactivated", ("found no active version", BY_HAND), an_inactive_plan),
    Sight("ExecutionDeleted", ("the execution was deleted while it waited", BY_HAND), a_slots_execution_that_is_deleted),
    Sight("Missed", ("nobody started it in time", "spec.schedule.catchUp.policy None", BY_HAND), a_late_slot("None")),
    Sight("CaughtUp", ("nobody started it in time", "spec.schedule.catchUp"), a_late_slot("Latest")),
    Sight(
        "SlotNameTaken-slot", ("found an execution 'daily-", "is not the slot's", "delete it"),
        a_persons_run_on_a_slots_name,
    ),
    Sight("Unknown", ("the CronJob fired it", "neither its Job nor its execution", BY_HAND), a_cronjob_that_fired("2028-02-29T00:00:00Z")),
    Sight(
        "ScheduleDisagreement", ("which is no slot as this operator reads", "another time zone database"),
        a_cronjob_that_fired("2028-02-29T01:00:00Z"),
    ),
)  # fmt: skip
