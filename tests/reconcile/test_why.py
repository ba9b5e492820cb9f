"""Why did 02:00 not run? The plan's status answers for each way in which a slot may not have run."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    PODS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.decide.schedule import slot_name
from tests.fake.faults import Fault
from tests.fake.routing import Call
from tests.fake.store import Object
from tests.fake.virtual import START, virtual_now, virtual_time
from tests.reconcile.world import NAMESPACE, World, plan, run, workflow

SLOT: Final = "2026-01-01T02:00:00Z"
#: The name of everything that belongs to the slot.
NAME: Final = slot_name("hello", START + timedelta(hours=2))
OPERATOR: Final = {"engine": "Operator"}
CRONJOB: Final = {"engine": "CronJob"}


async def until(world: World, clock: str) -> None:
    """Let time pass until an hour and a minute of the day."""
    hour, minute = map(int, clock.split(":"))
    left = START + timedelta(hours=hour, minutes=minute) - virtual_now()
    await world.advance(left.total_seconds() % 60)
    await world.advance(left.total_seconds() // 60 * 60, step=60)


async def scheduled(
    engine: Mapping[str, Any] = OPERATOR, times: str = "0 2 * * *", offered: Object | None = None, **spec: Any
) -> World:
    """Return a world of a plan that runs at 02:00, and whose runs go on."""
    world = World()
    world.create(offered or workflow())
    world.create(plan(None, **{"schedule": {"cron": times, **engine}, **spec}))
    await world.start()
    world.pods_end = False
    return world


async def limited(behavior: str, queue: Mapping[str, Any] | None = None, **spec: Any) -> World:
    """Return such a world with a limit of one, at 01:59, with a run of a person's under way."""
    limit = {"max": 1, "behavior": behavior} | ({"queue": queue} if queue else {})
    world = await scheduled({}, concurrency=limit, **spec)
    world.create(run("first"))
    await until(world, "01:59")
    return world


async def away(back: str, times: str = "0 2 * * *", **catch_up: Any) -> World:
    """Return a world whose operator was away from 01:59 on."""
    world = await scheduled(OPERATOR | {"catchUp": catch_up}, times)
    await until(world, "01:59")
    await world.crash()
    await until(world, back)
    await world.start()
    return world


def finish(world: World, name: str) -> None:
    """End the pods of a run."""
    for pod in world.cluster.kubelet.pods(name):
        world.cluster.kubelet.finish(pod, message='{"greeting": "hi"}')


async def at_the_limit() -> World:
    world = await limited("Skip")
    await until(world, "02:01")
    return world


async def with_a_full_queue() -> World:
    world = await limited("Queue", {"max": 1})
    world.create(run("second"))
    await until(world, "02:01")
    return world


async def waiting_too_long() -> World:
    world = await limited("Queue")
    await until(world, "02:05")
    return world


async def waiting_longer_than_the_queue_lets() -> World:
    world = await limited("Queue", {"expireAfter": "1m"})
    await until(world, "02:02")
    return world


async def with_a_newer_run() -> World:
    world = await limited("Replace")
    world.cluster_moves = False
    await until(world, "02:01")
    world.create(run("newer"))
    await until(world, "02:02")
    return world


async def waiting() -> World:
    world = await limited("Queue")
    await until(world, "02:01")
    return world


async def waiting_when_suspended() -> World:
    world = await waiting()
    world.edit(LAUNCH_PLANS, "hello", suspend=True)
    await until(world, "02:02")
    return world


async def waiting_when_deactivated() -> World:
    world = await waiting()
    world.edit(LAUNCH_PLANS, "hello", autoActivate=False)
    await until(world, "02:02")
    return world


async def waiting_when_terminated() -> World:
    world = await waiting()
    world.edit(LAUNCH_PLAN_EXECUTIONS, NAME, terminate={"cause": "not today"})
    await until(world, "02:02")
    return world


async def waiting_when_deleted() -> World:
    world = await waiting()
    world.delete(LAUNCH_PLAN_EXECUTIONS, NAME)
    await until(world, "02:02")
    return world


async def admitted_and_deleted() -> World:
    world = await waiting()
    world.api.faults = lambda call: Fault(500) if _makes_the_job(call) else None
    finish(world, "first")
    await world.advance(3)
    world.delete(LAUNCH_PLAN_EXECUTIONS, NAME)
    world.api.faults = lambda _: None
    await until(world, "02:02")
    return world


def _makes_the_job(call: Call) -> bool:
    return call.verb == "create" and call.kind == JOBS


async def waiting_when_a_permission_was_taken_back() -> World:
    world = await limited("Queue", offered=workflow(allow={"env": ["MODE"]}), env=[{"name": "MODE", "value": "fast"}])
    await until(world, "02:01")
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow=None)
    await world.advance(3)
    finish(world, "first")
    await until(world, "02:02")
    return world


async def refused_by_the_server() -> World:
    world = await scheduled()
    await until(world, "01:59")
    refusal = "pods is forbidden: exceeded quota: few"
    world.api.faults = lambda call: Fault(403, message=refusal) if _makes_the_job(call) else None
    await until(world, "02:10")
    return world


async def on_the_name_of_a_persons_execution() -> World:
    world = await scheduled()
    world.create(run(NAME))
    await until(world, "02:01")
    return world


async def on_the_name_of_a_persons_job() -> World:
    world = await scheduled()
    await until(world, "01:59")
    _put_a_job(world)
    await until(world, "02:01")
    return world


async def with_a_cronjob_on_the_name_of_a_persons_job() -> World:
    world = await scheduled(CRONJOB)
    _put_a_job(world)
    await until(world, "02:10")
    return world


def _put_a_job(world: World) -> None:
    job = {**world.get(WORKFLOW_DEFINITIONS, "greet")["spec"]["job"]}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": NAME, "namespace": NAMESPACE}, "spec": job}
    world.api.do("POST", JOBS.path(NAMESPACE), body)


async def away_without_catch_up() -> World:
    return await away("02:10", policy="None")


async def away_longer_than_the_window() -> World:
    return await away("02:10", window="5m")


async def away_with_more_slots_than_are_caught_up() -> World:
    return await away("02:20", "0,5,10 2 * * *", policy="All", max=2)


async def away_with_a_later_slot_that_was_late_too() -> World:
    return await away("02:20", "0,5 2 * * *")


async def away_with_a_later_slot_on_time() -> World:
    return await away("02:06", "0,5 2 * * *")


async def away_and_caught_up() -> World:
    return await away("02:10")


async def without_anybody_to_fire_the_cronjob() -> World:
    world = await scheduled(CRONJOB | {"catchUp": {"policy": "None"}})
    await until(world, "01:59")
    world.cluster_moves = False
    await until(world, "02:10")
    return world


async def changed_before_the_cronjob_fired() -> World:
    world = await scheduled(CRONJOB)
    await until(world, "01:59")
    world.cluster_moves = False
    await until(world, "02:02")
    world.edit(LAUNCH_PLANS, "hello", schedule={"cron": "0 3 * * *"})
    await until(world, "02:03")
    return world


async def suspended_before_its_jitter_was_over() -> World:
    world = await scheduled(OPERATOR | {"jitter": "20h"})
    await until(world, "02:01")
    world.edit(LAUNCH_PLANS, "hello", suspend=True)
    await until(world, "02:02")
    return world


async def fired_and_deleted_while_the_operator_was_away() -> World:
    world = await scheduled(CRONJOB)
    await until(world, "01:59")
    await world.crash()
    await until(world, "02:01")
    world.delete(JOBS, NAME)
    await world.start()
    return world


@dataclass(frozen=True, slots=True)
class Told:
    """What the plan's status says of the slot.

    Attributes:
        words: some of the message, in its order.
        others: what else is counted than the slot.
        execution: whether the entry names the slot's execution.
        before: the outcomes that were told of it earlier.
    """

    outcome: str
    reason: str
    words: tuple[str, ...]
    counts: Mapping[str, int]
    execution: bool = True
    others: Mapping[str, int] = field(default_factory=dict)
    before: tuple[str, ...] = ()


Way = tuple[Callable[[], Awaitable[World]], Told]
WAYS: tuple[Way, ...] = (
    (at_the_limit, Told("Skipped", "LimitReached", ("1 of at most 1 run is under way: first",), {"skipped": 1})),
    (with_a_full_queue, Told("Skipped", "QueueFull", ("found 1 run waiting before it", "queue.max"), {"skipped": 1})),
    (waiting_too_long, Told("Expired", "QueueExpired", ("startingDeadline, 3m20s",), {"expired": 1})),
    (waiting_longer_than_the_queue_lets, Told("Expired", "QueueExpired", ("queue.expireAfter, 1m0s",), {"expired": 1})),
    (with_a_newer_run, Told("Skipped", "Superseded", ("the newer run newer",), {"skipped": 1})),
    (waiting_when_suspended, Told("Skipped", "Suspended", ("spec.suspend true",), {"skipped": 1})),
    (waiting_when_deactivated, Told("Skipped", "Deactivated", ("no active version",), {"skipped": 1})),
    (waiting_when_terminated, Told("Aborted", "Aborted", ("not today",), {"aborted": 1})),
    (waiting_when_deleted, Told("Skipped", "ExecutionDeleted", ("deleted",), {"skipped": 1})),
    (
        admitted_and_deleted,
        Told("Skipped", "ExecutionDeleted", ("deleted",), {"skipped": 1}, others={"succeeded": 1, "started": 1}),
    ),
    (
        waiting_when_a_permission_was_taken_back,
        Told("Rejected", "NotPermitted", ("MODE",), {"rejected": 1}, others={"succeeded": 1, "started": 1}),
    ),
    (refused_by_the_server, Told("Rejected", "JobRefused", ("exceeded quota: few",), {"rejected": 1})),
    (
        on_the_name_of_a_persons_execution,
        Told("Missed", "SlotNameTaken", (NAME,), {"missed": 1}, others={"rejected": 1}),
    ),
    (on_the_name_of_a_persons_job, Told("Rejected", "JobNameTaken", (NAME,), {"rejected": 1})),
    (
        with_a_cronjob_on_the_name_of_a_persons_job,
        Told("Rejected", "JobNameTaken", (NAME,), {"rejected": 1}, before=("CaughtUp",)),
    ),
    (away_without_catch_up, Told("Missed", "Missed", ("catchUp",), {"missed": 1}, execution=False)),
    (away_longer_than_the_window, Told("Missed", "Missed", ("window",), {"missed": 1}, execution=False)),
    (away_with_more_slots_than_are_caught_up, Told("Missed", "Missed", ("max",), {"missed": 1}, execution=False)),
    (away_with_a_later_slot_that_was_late_too, Told("Missed", "Missed", ("Latest",), {"missed": 1}, execution=False)),
    (away_with_a_later_slot_on_time, Told("Missed", "Missed", ("later",), {"missed": 1}, execution=False)),
    (away_and_caught_up, Told("CaughtUp", "CaughtUp", ("afterwards",), {})),
    (without_anybody_to_fire_the_cronjob, Told("Missed", "Missed", ("None",), {"missed": 1}, execution=False)),
    (
        changed_before_the_cronjob_fired,
        Told("Missed", "Missed", ("the schedule was changed or ended",), {"missed": 1}, execution=False),
    ),
    (
        suspended_before_its_jitter_was_over,
        Told("Missed", "Missed", ("the schedule was changed or ended",), {"missed": 1}, execution=False),
    ),
    (
        fired_and_deleted_while_the_operator_was_away,
        Told("Unknown", "Unknown", ("neither",), {"unknown": 1}, execution=False),
    ),
)


@pytest.mark.parametrize(("way", "told"), WAYS, ids=lambda value: getattr(value, "__name__", ""))
@virtual_time
async def test_the_plan_says_what_became_of_its_slot(way: Callable[[], Awaitable[World]], told: Told) -> None:
    """The last entry of the decisions about it, and one of the counts."""
    world = await way()
    entries = [entry for entry in world.status.get("decisions", ()) if entry.get("slot") == SLOT]
    assert [entry["outcome"] for entry in entries] == [*told.before, told.outcome]
    last = entries[-1]
    assert last["reason"] == told.reason
    assert [word for word in told.words if word not in last["message"]] == [], last["message"]
    assert last.get("execution") == (NAME if told.execution else None)
    assert world.status.get("counts", {}) == {**told.counts, **told.others}


@virtual_time
async def test_a_run_whose_deletion_was_told_of_is_not_told_of_again_by_the_next_operator() -> None:
    world = await waiting_when_deleted()
    before = world.status
    await world.crash()
    await world.start()
    await until(world, "02:05")
    assert (world.status["decisions"], world.status["counts"]) == (before["decisions"], before["counts"])


@virtual_time
async def test_a_waiting_run_of_a_person_that_is_deleted_is_no_slot_that_did_not_run() -> None:
    world = await limited("Queue")
    world.create(run("second"))
    await world.advance(2)
    world.delete(LAUNCH_PLAN_EXECUTIONS, "second")
    await world.advance(2)
    assert world.status.get("decisions", []) == []
    assert "counts" not in world.status


@virtual_time
async def test_a_slot_that_was_started_anew_after_its_execution_was_deleted_is_told_of_once() -> None:
    """The operator had not noted yet that it had started it."""
    world = await limited("Queue")
    world.api.faults = lambda call: Fault(500) if call.target == "launchplans/status" else None
    await until(world, "02:00")
    await world.advance(1)
    first = world.get(LAUNCH_PLAN_EXECUTIONS, NAME)["metadata"]["uid"]
    world.delete(LAUNCH_PLAN_EXECUTIONS, NAME)
    world.api.faults = lambda _: None
    finish(world, "first")
    await until(world, "02:05")
    assert world.get(LAUNCH_PLAN_EXECUTIONS, NAME)["metadata"]["uid"] != first
    assert world.status.get("decisions", []) == []
    assert world.jobs_made[NAME] == 1


@pytest.mark.parametrize(
    ("field", "value", "back", "reason"),
    [("suspend", True, False, "Suspended"), ("autoActivate", False, True, "Inactive")],
)
@pytest.mark.parametrize("engine", [OPERATOR, CRONJOB], ids=["Operator", "CronJob"])
@virtual_time
async def test_while_a_plan_is_paused_there_are_no_slots_and_since_says_when_they_begin_again(
    engine: Mapping[str, Any], field: str, value: bool, back: bool, reason: str
) -> None:
    world = await scheduled(engine)
    world.edit(LAUNCH_PLANS, "hello", **{field: value})
    await until(world, "02:30")
    assert world.ready() == ("True", "False", reason)
    assert "nextTimes" not in world.status["schedule"]
    world.edit(LAUNCH_PLANS, "hello", **{field: back})
    await until(world, "02:31")
    assert "2026-01-01T02:30:00Z" <= world.status["schedule"]["since"] <= "2026-01-01T02:30:10Z"
    assert (world.status.get("decisions", []), world.status.get("counts", {})) == ([], {})


@virtual_time
async def test_a_cronjob_that_fires_at_no_slot_is_told_of_and_nothing_is_caught_up() -> None:
    world = await scheduled(CRONJOB)
    await until(world, "01:59")
    world.cluster_moves = False
    fired = {"status": {"lastScheduleTime": "2026-01-01T02:30:00Z"}}
    world.api.do("PATCH", CRON_JOBS.path(NAMESPACE, "hello", "status"), fired)
    await until(world, "02:40")
    entry = world.status["decisions"][-1]
    assert (entry["slot"], entry["outcome"]) == ("2026-01-01T02:30:00Z", "Disagreed")
    assert entry["reason"] == "ScheduleDisagreement"
    assert entry["message"] in world.status["schedule"]["warnings"]
    assert len(world.status["decisions"]) == 1
    assert "counts" not in world.status


@virtual_time
async def test_a_run_whose_job_was_deleted_by_hand_says_so_itself() -> None:
    world = await scheduled()
    await until(world, "02:01")
    world.delete(JOBS, NAME)
    await world.advance(5)
    assert world.ready(LAUNCH_PLAN_EXECUTIONS, NAME) == ("False", "True", "JobDeleted")
    assert world.status["lastExecution"]["phase"] == "Aborted"
    assert world.status["counts"] == {"aborted": 1, "started": 1}


@virtual_time
async def test_a_pod_that_does_not_end_is_named_with_what_frees_its_place() -> None:
    world = await limited("Queue")
    world.cluster.kubelet.start(world.cluster.kubelet.pods("first")[0])
    world.delete(LAUNCH_PLAN_EXECUTIONS, "first")
    world.cluster_moves = False
    await until(world, "02:05")
    told = [(each["reason"], each["execution"]) for each in world.status["decisions"]]
    assert told == [("PodLingering", "first"), ("QueueExpired", NAME)]
    pod = world.all(PODS)[0]["metadata"]["name"]
    assert world.status["decisions"][0]["outcome"] == "Waiting"
    assert f"kubectl delete pod {pod} -n {NAMESPACE} --force" in world.status["decisions"][0]["message"]


@virtual_time
async def test_a_pod_that_does_not_end_though_its_run_was_terminated_is_named_too() -> None:
    """The Job counts as failed only once its pods have ended."""
    world = await limited("Queue")
    pod = world.cluster.kubelet.pods("first")[0]
    world.cluster.kubelet.start(pod)
    world.cluster.kubelet.lose_node()
    world.edit(LAUNCH_PLAN_EXECUTIONS, "first", terminate={"cause": "enough"})
    await until(world, "02:05")
    assert world.get(LAUNCH_PLAN_EXECUTIONS, "first")["status"]["phase"] == "Aborting"
    told = [(each["reason"], each["execution"]) for each in world.status["decisions"]]
    assert told == [("PodLingering", "first"), ("QueueExpired", NAME)]


@virtual_time
async def test_a_run_that_waits_for_a_ledger_that_was_lost_says_until_when() -> None:
    world = await limited("Queue", schedule={"cron": "0 2 * * *", "startingDeadline": "1h"})
    await until(world, "02:01")
    await world.crash()
    world.api.do("PATCH", LAUNCH_PLANS.path(NAMESPACE, "hello", "status"), {"status": None})
    await world.start()
    held = world.get(LAUNCH_PLAN_EXECUTIONS, NAME)["status"]["conditions"]
    message = next(each["message"] for each in held if each["type"] == "Ready")
    assert world.ready(LAUNCH_PLAN_EXECUTIONS, NAME)[2] == "LedgerHeld"
    assert f"nothing starts before {world.status['concurrency']['holdUntil']}" in message
    finish(world, "first")
    await until(world, "02:20")
    assert world.get(LAUNCH_PLAN_EXECUTIONS, NAME)["status"]["phase"] == "Running"
