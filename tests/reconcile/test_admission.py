"""A plan with a limit: who starts, who waits, who never starts, and how often the server is asked for it."""

import asyncio
import json
from typing import Any
from unittest.mock import patch

import pytest

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, PODS
from launchplan_operator.decide.ledger import split_entries
from launchplan_operator.decide.validate import validate_plan
from launchplan_operator.reconcile import caches, choice, launch, planview
from launchplan_operator.reconcile.choice import choose_content
from launchplan_operator.render import labels
from launchplan_operator.render.content import plan_content
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.fake.virtual import virtual_time
from tests.reconcile.world import NAMESPACE, World, job_of_a_person, plan, run, workflow

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS


async def limited_world(maximum: int = 1, behavior: str = "Queue", **spec: Any) -> World:
    """Return a world with a plan that only people start, and whose pods end when told."""
    world = World()
    world.create(workflow())
    world.create(plan(None, concurrency={"max": maximum, "behavior": behavior}, **spec))
    await world.start()
    world.pods_end = False
    return world


def phases(world: World) -> dict[str, str]:
    """Return the phase of each execution."""
    return {e["metadata"]["name"]: e["status"]["phase"] for e in world.all(EXECUTIONS) if "status" in e}


def seats(world: World) -> list[str]:
    """Return who has a seat."""
    return [seat["name"] for seat in world.status["concurrency"].get("running", ())]


def ready_reason(world: World, name: str) -> str:
    """Return why a run stands where it stands."""
    return world.ready(EXECUTIONS, name)[2]


def finish(world: World, name: str) -> None:
    """End the pods of a run."""
    for pod in world.cluster.kubelet.pods(name):
        world.cluster.kubelet.finish(pod, message='{"greeting": "hi"}')


@virtual_time
async def test_of_three_runs_under_a_limit_of_one_each_starts_when_the_one_before_has_ended() -> None:
    world = await limited_world()
    for name in ("a", "b", "c"):
        world.create(run(name))
        await world.advance(2)
    assert phases(world) == {"a": "Running", "b": "Queued", "c": "Queued"}
    assert world.status["concurrency"]["queued"] == 2
    assert ready_reason(world, "b") == "WaitingForSeat"
    finish(world, "a")
    await world.advance(5)
    assert phases(world) == {"a": "Succeeded", "b": "Running", "c": "Queued"}
    finish(world, "b")
    await world.advance(5)
    finish(world, "c")
    await world.advance(5)
    assert phases(world) == {"a": "Succeeded", "b": "Succeeded", "c": "Succeeded"}
    assert seats(world) == []
    assert world.status["counts"] == {"started": 3, "succeeded": 3}


@virtual_time
async def test_a_run_too_many_is_skipped_and_the_plan_says_why() -> None:
    world = await limited_world(behavior="Skip")
    # A run that is hardly younger than the operator's start may be starting by an earlier one's request.
    await world.advance(10)
    world.create(run("a"))
    await world.advance(2)
    world.create(run("b"))
    await world.advance(3)
    assert phases(world) == {"a": "Running", "b": "Skipped"}
    assert world.ready(EXECUTIONS, "b") == ("True", "False", "LimitReached")
    decision = world.status["decisions"][-1]
    assert (decision["execution"], decision["outcome"], decision["reason"]) == ("b", "Skipped", "LimitReached")
    assert world.status["counts"] == {"skipped": 1}
    assert "b" not in world.names(JOBS)


@virtual_time
async def test_a_newer_run_replaces_the_oldest_and_starts_when_its_pods_are_gone() -> None:
    world = await limited_world(behavior="Replace")
    world.create(run("a"))
    await world.advance(3)
    world.create(run("b"))
    await world.advance(10)
    assert phases(world) == {"a": "Aborted", "b": "Running"}
    assert ready_reason(world, "a") == "Replaced"
    assert seats(world) == ["b"]


@virtual_time
async def test_many_waiting_runs_are_admitted_by_one_write_and_one_job_each() -> None:
    world = await limited_world(maximum=1)
    world.create(run("first"))
    await world.advance(2)
    for number in range(20):
        world.create(run(f"r{number:02}"))
    await world.advance(3)
    mark = len(world.api.log)
    world.cluster_moves = False
    world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 21})
    await world.advance(3)
    writes = world.writes_since(mark)
    assert writes.count("create jobs") == 20
    # The ledger, and the running total once they run.
    assert writes.count("update launchplans/status") == 2
    assert writes.count("update launchplanexecutions/status") == 20
    assert len(writes) == 42


@virtual_time
async def test_runs_that_start_at_once_get_what_each_asked_for() -> None:
    """What was made for one is made for another only where both ask for the same; to Python true is 1."""
    world = await limited_world()
    asked: dict[str, dict[str, Any]] = {"a": {}, "b": {"times": 1}, "c": {"times": True}, "d": {}, "e": {"times": 2}}
    for name, inputs in asked.items():
        world.create(run(name, inputs=inputs))
    await world.advance(3)
    world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 21})
    await world.advance(3)
    assert ready_reason(world, "c") == "TypeMismatch"
    templates = {name: world.get(JOBS, name)["spec"]["template"]["metadata"] for name in asked if name != "c"}
    got = {name: json.loads(template["annotations"][labels.INPUTS]) for name, template in templates.items()}
    assert got == {name: {"name": "world", "times": 1} | asked[name] for name in got}


@virtual_time
async def test_runs_that_start_at_once_share_one_reading_of_their_plan() -> None:
    world = await limited_world()
    for number in range(21):
        world.create(run(f"r{number:02}"))
    await world.advance(3)
    with (
        patch.object(planview, "validate_plan", wraps=validate_plan) as validate,
        patch.object(choice, "plan_content", wraps=plan_content) as content,
        patch.object(caches, "split_entries", wraps=split_entries) as split,
    ):
        world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 21})
        await world.advance(3)
    assert len(world.names(JOBS)) == 21
    assert content.call_count == 1
    assert split.call_count <= 3
    # The edit and the ledger: each makes another object of the plan, and the running total is told of the second one.
    assert validate.call_count == 2


@virtual_time
async def test_a_waiting_run_that_is_terminated_never_starts() -> None:
    world = await limited_world()
    await world.advance(10)
    world.create(run("a"))
    await world.advance(2)
    world.create(run("b"))
    await world.advance(2)
    world.edit(EXECUTIONS, "b", terminate={"cause": "enough"})
    finish(world, "a")
    await world.advance(5)
    assert phases(world) == {"a": "Succeeded", "b": "Aborted"}
    assert world.names(JOBS) == ["a"]


@virtual_time
async def test_a_run_whose_pod_lingers_on_a_lost_node_keeps_its_seat_and_the_plan_names_the_pod() -> None:
    world = await limited_world()
    world.create(run("a"))
    await world.advance(2)
    world.create(run("b"))
    await world.advance(2)
    world.cluster.kubelet.start(world.cluster.kubelet.pods("a")[0])
    world.delete(EXECUTIONS, "a")
    world.cluster_moves = False
    await world.advance(120)
    assert phases(world) == {"b": "Queued"}
    pod = world.all(PODS)[0]["metadata"]["name"]
    decision = world.status["decisions"][-1]
    assert decision["reason"] == "PodLingering"
    assert f"kubectl delete pod {pod} -n {NAMESPACE} --force" in decision["message"]
    world.cluster_moves = True
    await world.advance(10)
    assert phases(world) == {"b": "Running"}


@virtual_time
async def test_a_pod_that_lingers_is_named_though_the_job_ends_long_after_its_run_was_told_to() -> None:
    """The plan has looked at the run that is being ended, and nothing else tells it of the Job."""
    world = await limited_world()
    world.create(run("a"))
    await world.advance(2)
    world.cluster.kubelet.start(world.cluster.kubelet.pods("a")[0])
    world.cluster.kubelet.lose_node()
    world.cluster_moves = False
    world.edit(EXECUTIONS, "a", terminate={"cause": "enough"})
    await world.advance(10)
    assert phases(world) == {"a": "Aborting"}
    world.cluster_moves = True
    await world.advance(90)
    assert phases(world) == {"a": "Aborting"}
    assert [decision["reason"] for decision in world.status["decisions"]] == ["PodLingering"]


@virtual_time
async def test_a_job_that_others_hold_back_becomes_the_tombstone_of_its_run() -> None:
    """Were it deleted, a request that is still under way could make it once more, and nobody would hold that back."""
    world = World()
    world.create(workflow(job={"suspend": True, **workflow()["spec"]["job"]}))
    world.create(plan(None, concurrency={"max": 1, "behavior": "Queue"}))
    await world.start()
    world.create(run("a"))
    await world.advance(20 * 60, 10)
    job = world.get(JOBS, "a")
    world.create(run("b"))
    await world.advance(5)
    assert phases(world) == {"a": "Queued", "b": "Queued"}
    mark = len(world.api.log)
    world.edit(EXECUTIONS, "a", terminate={"cause": "enough"})
    await world.advance(0.5, 0.1)
    assert world.writes_since(mark)[:2] == ["patch jobs", "update launchplanexecutions/status"]
    await world.advance(5)
    assert world.get(EXECUTIONS, "a")["status"]["error"]["message"] == "enough"
    kept = world.get(JOBS, "a")
    assert (kept["metadata"]["uid"], labels.is_tombstone(kept)) == (job["metadata"]["uid"], True)
    assert seats(world) == ["b"], "its place is free at once"
    world.edit(JOBS, "a", suspend=False)
    await world.advance(13 * 60, 10)
    assert [pod["metadata"]["labels"]["job-name"] for pod in world.all(PODS)] == [], "whoever resumes it"
    assert "a" in world.names(JOBS), "since it became one, not since it was made"
    await world.advance(3 * 60, 10)
    assert world.names(JOBS) == ["b"]


@virtual_time
async def test_a_job_that_changed_since_it_was_seen_held_back_is_not_buried() -> None:
    """Somebody resumed it just before: its pod has begun, and the run ends as any that runs."""
    world = World()
    world.create(workflow(job={"suspend": True, **workflow()["spec"]["job"]}))
    world.create(plan(None))
    await world.start()
    world.pods_end = False
    world.create(run("a"))
    await world.advance(5)

    def resume_before(call: Call) -> None:
        if (call.verb, call.kind) == ("patch", JOBS):
            world.api.faults = lambda _: None
            world.edit(JOBS, "a", suspend=False)
            world.tick()

    world.api.faults = resume_before
    world.edit(EXECUTIONS, "a", terminate={"cause": "enough"})
    await world.advance(20)
    kept = world.get(JOBS, "a")
    assert not labels.is_tombstone(kept)
    assert kept["spec"]["activeDeadlineSeconds"] == 1
    assert phases(world) == {"a": "Aborted"}


@virtual_time
async def test_a_lost_ledger_is_made_again_from_what_runs() -> None:
    world = await limited_world(maximum=2)
    for name in ("a", "b", "c"):
        world.create(run(name))
        await world.advance(2)
    await world.crash()
    world.api.do("PATCH", LAUNCH_PLANS.path(NAMESPACE, "hello", "status"), {"status": None})
    await world.start()
    await world.advance(20)
    assert sorted(seats(world)) == ["a", "b"]
    assert phases(world) == {"a": "Running", "b": "Running", "c": "Queued"}


@virtual_time
async def test_a_job_deleted_by_hand_is_never_made_again_and_its_seat_is_given_on() -> None:
    world = await limited_world()
    world.create(run("a"))
    await world.advance(2)
    world.create(run("b"))
    await world.advance(2)
    world.delete(JOBS, "a")
    await world.advance(10)
    assert phases(world) == {"a": "Aborted", "b": "Running"}
    assert world.jobs_made["b"] == 1
    assert world.get(JOBS, "a")["metadata"]["labels"]["launchplan.dev/tombstone"] == "true"
    await world.advance(16 * 60, 10)
    assert "a" not in world.names(JOBS)


@virtual_time
async def test_an_admitted_run_whose_name_a_persons_job_has_gives_its_seat_on_at_once() -> None:
    world = await limited_world()
    await world.advance(2)
    world.create(run("a"))
    await world.advance(2)
    world.create(run("b"))
    await world.advance(2)
    world.create(job_of_a_person("b"))
    await world.advance(2)
    world.create(run("c"))
    finish(world, "a")
    await world.advance(10)
    assert phases(world) == {"a": "Succeeded", "b": "Rejected", "c": "Running"}
    assert ready_reason(world, "b") == "JobNameTaken"
    assert seats(world) == ["c"]


@virtual_time
async def test_a_run_whose_name_is_taken_while_its_job_may_still_appear_waits_and_starts_when_that_is_free() -> None:
    world = await limited_world()
    world.create(job_of_a_person("b"))
    world.create(run("b"))
    await world.advance(2)
    assert (phases(world), seats(world)) == ({"b": "Queued"}, ["b"]), "an earlier operator may have asked for its Job"
    assert ready_reason(world, "b") == "JobNameTaken"
    world.create(run("c"))
    await world.advance(60)
    assert phases(world) == {"b": "Queued", "c": "Queued"}
    world.delete(JOBS, "b")
    await world.advance(20)
    assert (phases(world), seats(world)) == ({"b": "Running", "c": "Queued"}, ["b"])


@virtual_time
async def test_a_run_whose_name_stays_taken_is_rejected_when_its_job_can_no_longer_appear() -> None:
    world = await limited_world()
    world.create(job_of_a_person("b"))
    world.create(run("b"))
    await world.advance(2)
    world.create(run("c"))
    await world.advance(14 * 60, 10)
    assert phases(world) == {"b": "Queued", "c": "Queued"}
    await world.advance(120, 5)
    assert (phases(world), seats(world)) == ({"b": "Rejected", "c": "Running"}, ["c"])
    assert world.status["counts"] == {"rejected": 1}
    assert [decision["reason"] for decision in world.status["decisions"]] == ["JobNameTaken"]


@virtual_time
async def test_a_run_that_is_to_end_waits_while_anothers_job_has_its_name_and_its_own_may_appear() -> None:
    world = await limited_world()
    world.create(job_of_a_person("b"))
    world.create(run("b"))
    await world.advance(2)
    world.api.do("PATCH", EXECUTIONS.path(NAMESPACE, "b"), {"spec": {"terminate": {"cause": "enough"}}})
    await world.advance(20)
    assert phases(world) == {"b": "Queued"}
    world.delete(JOBS, "b")
    await world.advance(20)
    assert phases(world) == {"b": "Aborted"}
    assert world.get(JOBS, "b")["metadata"]["labels"]["launchplan.dev/tombstone"] == "true"


@virtual_time
async def test_a_tombstone_stays_with_its_run_when_the_plan_goes() -> None:
    """A request for the run's Job may still arrive."""
    world = await limited_world()
    world.create(run("a", inputs={"unheard": 1}))
    await world.advance(2)
    assert phases(world) == {"a": "Rejected"}
    assert labels.is_tombstone(world.get(JOBS, "a"))
    world.delete(LAUNCH_PLANS, "hello")
    await world.advance(30)
    assert world.names(LAUNCH_PLANS) == []
    assert world.names(JOBS) == ["a"]
    world.delete(EXECUTIONS, "a")
    await world.advance(30)
    assert world.names(JOBS) == []


@virtual_time
async def test_a_run_whose_name_was_kept_by_an_earlier_one_starts_when_that_is_free() -> None:
    world = await limited_world()
    world.create(run("a"))
    await world.advance(2)
    world.delete(JOBS, "a")
    await world.advance(5)
    world.delete(EXECUTIONS, "a")
    world.create(run("a"))
    await world.advance(5)
    assert (phases(world), ready_reason(world, "a")) == ({"a": "Queued"}, "JobNameTaken")
    await world.advance(16 * 60, 10)
    assert phases(world) == {"a": "Running"}


@virtual_time
async def test_the_name_of_an_ended_run_is_kept_where_a_request_for_its_job_may_still_arrive() -> None:
    world = await limited_world()
    await world.advance(10)
    hung: list[Call] = []

    def hang_once(call: Call) -> Fault | None:
        if hung or (call.verb, call.kind) != ("create", JOBS):
            return None
        hung.append(call)
        return Fault(Lost.HANGS, applied=False)

    world.api.faults = hang_once
    world.create(run("a"))
    await world.advance(35)
    finish(world, "a")
    await world.advance(3)
    assert phases(world) == {"a": "Succeeded"}
    world.delete(JOBS, "a")
    await world.advance(3)
    assert world.get(JOBS, "a")["metadata"]["labels"]["launchplan.dev/tombstone"] == "true"
    assert phases(world) == {"a": "Succeeded"}
    await world.advance(16 * 60, 10)
    assert world.names(JOBS) == []


@virtual_time
async def test_a_run_that_was_about_to_start_when_a_limit_came_waits_for_its_seat() -> None:
    world = World()
    world.create(workflow())
    world.create(plan(None))
    await world.start()
    world.pods_end = False
    world.create(run("first"))
    await world.advance(2)
    asked = choose_content

    async def slow(*arguments: Any) -> Any:
        content = await asked(*arguments)
        await asyncio.sleep(5)
        return content

    with patch.object(launch, "choose_content", slow):
        world.create(run("second"))
        await world.advance(1)
        world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 1, "behavior": "Queue"})
        await world.advance(20)
    assert phases(world) == {"first": "Running", "second": "Queued"}
    assert seats(world) == ["first"]


@virtual_time
async def test_raising_the_limit_admits_at_once_and_lowering_it_ends_nothing() -> None:
    world = await limited_world()
    for name in ("a", "b", "c"):
        world.create(run(name))
        await world.advance(2)
    world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 2})
    await world.advance(3)
    assert phases(world) == {"a": "Running", "b": "Running", "c": "Queued"}
    world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 1})
    await world.advance(3)
    finish(world, "a")
    await world.advance(5)
    assert phases(world) == {"a": "Succeeded", "b": "Running", "c": "Queued"}


@virtual_time
async def test_a_limit_counts_beside_a_persons_cronjob_of_the_plans_name() -> None:
    world = World()
    world.create(workflow())
    foreign = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": workflow()["spec"]["job"]}}
    metadata = {"name": "hello", "namespace": NAMESPACE}
    world.create({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": foreign})
    world.create(plan())
    await world.start()
    assert world.ready()[2] == "CronJobNameTaken"
    world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 1, "behavior": "Queue"}, suspend=True)
    await world.advance(20)
    assert world.status["concurrency"]["queued"] == 0
    for name in ("a", "b"):
        world.create(run(name))
    await world.advance(5)
    assert "a" in world.names(JOBS)


@virtual_time
async def test_a_limit_that_is_taken_away_lets_all_start() -> None:
    world = await limited_world()
    for name in ("a", "b"):
        world.create(run(name))
        await world.advance(2)
    world.edit(LAUNCH_PLANS, "hello", concurrency=None)
    await world.advance(3)
    assert phases(world) == {"a": "Running", "b": "Running"}
    assert "concurrency" not in world.status


@virtual_time
async def test_a_limit_on_a_plan_with_a_cronjob_counts_once_the_cronjob_is_gone() -> None:
    world = World()
    world.create(workflow())
    world.create(plan("* * * * *"))
    await world.start()
    world.pods_end = False
    await world.advance(70)
    assert len(world.names(JOBS)) == 1
    world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 1, "behavior": "Skip"})
    await world.advance(20)
    assert seats(world) == world.names(JOBS)
    assert world.status["schedule"]["engine"] == "Operator"
    await world.advance(60)
    assert sorted(phases(world).values()) == ["Running", "Skipped"]


@pytest.mark.parametrize("field", ["autoActivate", "suspend"])
@virtual_time
async def test_a_scheduled_run_that_waits_is_skipped_when_the_plan_stops_and_a_manual_one_is_not(field: str) -> None:
    world = World()
    world.create(workflow())
    world.create(plan("* * * * *", concurrency={"max": 1, "behavior": "Queue"}))
    await world.start()
    world.pods_end = False
    world.create(run("first"))
    await world.advance(70)
    world.create(run("by-hand"))
    await world.advance(3)
    scheduled = next(name for name in phases(world) if name.startswith("hello-"))
    assert phases(world)[scheduled] == "Queued"
    world.edit(LAUNCH_PLANS, "hello", **{field: field == "suspend"})
    await world.advance(5)
    assert phases(world) == {"first": "Running", scheduled: "Skipped", "by-hand": "Queued"}
    assert ready_reason(world, scheduled) == {"suspend": "Suspended", "autoActivate": "Deactivated"}[field]


@virtual_time
async def test_a_run_that_an_earlier_leader_may_be_starting_is_skipped_with_its_name_kept() -> None:
    """A request of that one's may still arrive: it finds the name taken."""
    world = await limited_world(behavior="Skip")
    world.create(run("a"))
    world.create(run("b"))
    await world.advance(3)
    assert phases(world) == {"a": "Running", "b": "Skipped"}
    assert labels.is_tombstone(world.get(JOBS, "b"))
    assert world.ready(EXECUTIONS, "b") == ("True", "False", "LimitReached")
    await world.crash()
    await world.start()
    await world.advance(3)
    assert phases(world) == {"a": "Running", "b": "Skipped"}
