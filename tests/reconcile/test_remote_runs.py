"""Runs through references over an in-memory API server: asked for, started, mirrored and ended on both sides together."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

import pytest

from launchplan_operator.api.kinds import (
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    Kind,
)
from launchplan_operator.kube.client import Client, Reply
from launchplan_operator.render import labels
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.fake.store import Object, copy
from tests.fake.virtual import virtual_time
from tests.reconcile.neighbours import ASKING, Neighbours, asked, neighbours, reference
from tests.reconcile.world import MESSAGE, NAMESPACE, plan, run, workflow

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS
REFERENCES = REFERENCE_LAUNCH_PLANS
ONE_AT_A_TIME = {"max": 1, "behavior": "Queue"}


async def under_way(consent: Any = None, **spec: Any) -> Neighbours:
    """Return a world in which a run through the reference runs and does not end by itself."""
    world = await neighbours(**({"consent": consent} if consent else {}), **spec)
    world.pods_end = False
    world.ask(asked(inputs={"name": "Ada"}))
    await world.advance(5)
    assert world.run_of()["phase"] == "Running"
    return world


def told(world: Neighbours, name: str = "asked") -> tuple[str, str]:
    """Return (phase, reason of Ready) of a run through a reference."""
    conditions = {c["type"]: c for c in world.run_of(name)["conditions"]}
    return world.run_of(name)["phase"], conditions["Ready"]["reason"]


@virtual_time
async def test_the_work_is_done_in_the_plans_namespace_and_shown_in_ones_own() -> None:
    world = await neighbours(labels={"team": "b"})
    local = world.ask(asked(inputs={"name": "Ada"}))
    await world.advance(8)
    remote, status = world.remote(), world.run_of()
    assert remote["metadata"]["name"] == f"ref-{local['metadata']['uid']}"
    assert "ownerReferences" not in remote["metadata"]
    assert remote["metadata"]["labels"]["team"] == "b"
    assert remote["status"]["origin"] == {
        "type": "Reference",
        "requester": {
            "namespace": ASKING,
            "reference": "theirs",
            "execution": "asked",
            "uid": local["metadata"]["uid"],
        },
    }
    assert remote["status"]["inputs"] == {"name": "Ada", "times": 1}
    assert [job["metadata"]["namespace"] for job in world.all(JOBS)] == [NAMESPACE]
    assert told(world) == ("Succeeded", "Succeeded")
    mirrored = ("phase", "startTime", "completionTime", "duration", "outputs", "launchPlanVersion")
    assert {field: status[field] for field in mirrored} == {field: remote["status"][field] for field in mirrored}
    assert status["inputs"] == {"name": "Ada"}, "what the plan gives is not told"
    assert status["remote"] == {field: remote["metadata"][field] for field in ("namespace", "name", "uid")}
    assert world.status["counts"]["succeeded"] == 1


@virtual_time
async def test_a_run_costs_four_writes_more_than_one_of_the_plan_itself() -> None:
    world = await neighbours()
    await world.advance(10)
    mark = len(world.api.log)
    world.create(run())
    await world.advance(10)
    between = len(world.api.log)
    world.ask(asked())
    await world.advance(10)
    local = [call for call, _ in world.api.log[mark:between]]
    through = [call for call, _ in world.api.log[between:]]
    # The other execution, the note of it, and two of its three phases: the first is that note.
    extra = [f"{call.verb} {call.target}" for call in through if call.namespace == ASKING or call.verb == "create"]
    assert extra == [
        "create launchplanexecutions",
        "update launchplanexecutions/status",
        "create jobs",
        *["update launchplanexecutions/status"] * (len(extra) - 3),
    ]
    assert len(through) - len(local) == len(extra) - 1
    assert len(extra) - 1 <= 5


@pytest.mark.parametrize(
    ("outcome", "phase", "code"),
    [
        ({"message": MESSAGE, "exit_code": 0}, "Succeeded", None),
        ({"message": "no such city", "exit_code": 3}, "Failed", "Exit3"),
        ({"message": "{}", "exit_code": 0}, "Failed", "OutputInvalid"),
    ],
)
def test_the_end_is_mirrored_whatever_it_is(outcome: dict[str, Any], phase: str, code: str | None) -> None:
    @virtual_time
    async def story() -> None:
        world = await neighbours()
        world.outcome = outcome
        world.ask(asked())
        await world.advance(10)
        assert world.run_of()["phase"] == world.remote()["status"]["phase"] == phase
        assert (world.run_of().get("error") or {}).get("code") == code
        assert world.run_of().get("error") == world.remote()["status"].get("error")

    story()


@virtual_time
async def test_a_time_out_of_the_plan_is_a_time_out_here() -> None:
    world = await under_way(timeout="10s")
    await world.advance(20)
    assert told(world) == ("TimedOut", "TimedOut")


@virtual_time
async def test_a_child_without_outputs_succeeds() -> None:
    world = Neighbours()
    world.create(workflow(interface={"inputs": []}))
    world.create(plan(None, defaultInputs={}, allowReferencesFrom={"from": "All"}))
    world.ask(reference(inputs=[], outputs=[]))
    await world.start()
    world.ask(asked())
    await world.advance(8)
    assert told(world) == ("Succeeded", "Succeeded")
    assert world.run_of()["outputs"] == {}


@pytest.mark.parametrize(
    ("wish", "reason", "words"),
    [
        ({"inputs": {"nmae": "Ada"}}, "UnexpectedInput", ["'nmae'", "the reference", "did you mean 'name'"]),
        ({"inputs": {"times": "3"}}, "TypeMismatch", ["'times'"]),
        ({"launchPlanRef": {"kind": "ReferenceLaunchPlan", "name": "theirs", "version": "nosuch"}}, None, []),
        ({"launchPlanRef": {"kind": "ReferenceLaunchPlan", "name": "thiers"}}, None, []),
    ],
)
def test_what_cannot_start_is_rejected_here_and_makes_nothing_there(
    wish: dict[str, Any], reason: str | None, words: list[str]
) -> None:
    @virtual_time
    async def story() -> None:
        world = await neighbours()
        world.ask(asked(**wish))
        await world.advance(5)
        if reason is None:
            # It may yet appear.
            assert world.run_of()["phase"] == "Queued"
            await world.advance(310, 10)
        assert world.run_of()["phase"] == "Rejected"
        assert reason in {None, told(world)[1]}
        assert all(word in world.run_of()["error"]["message"] for word in words)
        assert world.remotes() == []

    story()


@virtual_time
async def test_an_input_that_the_plan_needs_must_be_given() -> None:
    world = await neighbours(defaultInputs={})
    world.ask(asked())
    world.ask(asked("given", inputs={"name": "Ada"}))
    await world.advance(8)
    assert told(world) == ("Rejected", "MissingInput")
    assert told(world, "given") == ("Succeeded", "Succeeded")


@virtual_time
async def test_a_reference_that_names_a_version_starts_no_other_one() -> None:
    world = await neighbours()
    version = world.status["activeVersion"]
    world.change(REFERENCES, "theirs", version=version)
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": "moon"})
    await world.settle()
    other = world.status["activeVersion"]
    by_version = {"kind": "ReferenceLaunchPlan", "name": "theirs"}
    world.ask(asked("same", launchPlanRef=by_version | {"version": version}))
    world.ask(asked("other", launchPlanRef=by_version | {"version": other}))
    await world.advance(8)
    assert told(world, "same") == ("Succeeded", "Succeeded")
    assert told(world, "other") == ("Rejected", "VersionNotFound")
    assert world.run_of("same")["launchPlanVersion"] == version


@virtual_time
async def test_the_plans_limit_counts_those_who_come_through_a_reference() -> None:
    world = await neighbours(concurrency=ONE_AT_A_TIME)
    world.pods_end = False
    world.create(run())
    await world.advance(3)
    world.ask(asked())
    await world.advance(5)
    assert told(world) == ("Queued", "WaitingForSeat")
    assert world.status["concurrency"]["queued"] == 1
    world.pods_end = True
    await world.advance(15)
    assert told(world) == ("Succeeded", "Succeeded")


@virtual_time
async def test_a_run_that_the_limit_skips_is_skipped_here() -> None:
    world = await neighbours(concurrency={"max": 1})
    world.pods_end = False
    world.create(run())
    await world.advance(3)
    world.ask(asked())
    await world.advance(5)
    assert told(world) == ("Skipped", "LimitReached")
    assert "by-hand" not in str(world.run_of()), "who else runs there is nobody's business here"
    assert "by-hand" in str(world.remote()["status"])


@virtual_time
async def test_terminate_is_handed_on_and_the_end_waits_for_the_pods() -> None:
    world = await under_way()
    world.cluster_moves = False
    world.change(EXECUTIONS, "asked", terminate={"cause": "changed my mind"})
    await world.advance(2)
    assert world.run_of()["phase"] == "Aborting"
    world.cluster_moves = True
    assert world.remote()["spec"]["terminate"] == {"cause": "changed my mind"}
    await world.advance(40)
    assert told(world) == ("Aborted", "Aborted")
    assert "changed my mind" in world.run_of()["error"]["message"]


@virtual_time
async def test_a_run_that_waits_is_terminated_before_it_starts() -> None:
    world = await neighbours(concurrency=ONE_AT_A_TIME)
    world.pods_end = False
    world.create(run())
    world.ask(asked())
    await world.advance(5)
    world.change(EXECUTIONS, "asked", terminate={"cause": "no"})
    await world.advance(3)
    assert told(world) == ("Aborted", "Aborted")
    assert "jobRef" not in world.remote()["status"]


@virtual_time
async def test_a_terminate_that_fails_is_tried_again() -> None:
    world = await under_way()
    failed = 0

    def fault(call: Call) -> Fault | None:
        nonlocal failed
        if (call.verb, call.target) != ("patch", "launchplanexecutions") or failed == 3:
            return None
        failed += 1
        return Fault((500, Lost.DROPPED, 429)[failed - 1])

    world.api.faults = fault
    world.change(EXECUTIONS, "asked", terminate={"cause": "no"})
    await world.advance(60)
    assert (failed, told(world)) == (3, ("Aborted", "Aborted"))


@virtual_time
async def test_whoever_ends_it_there_ends_it_here() -> None:
    world = await under_way()
    world.edit(EXECUTIONS, world.remote()["metadata"]["name"], terminate={"cause": "too dear"})
    await world.advance(40)
    assert told(world) == ("Aborted", "Aborted")
    assert "too dear" in world.run_of()["error"]["message"]


@virtual_time
async def test_the_other_execution_deleted_before_its_end_fails_the_run() -> None:
    world = await under_way()
    world.delete(EXECUTIONS, world.remote()["metadata"]["name"])
    await world.advance(5)
    assert told(world) == ("Failed", "RemoteDeleted")
    assert world.run_of()["error"]["kind"] == "System"
    await world.advance(60)
    assert world.remotes() == [], "it is not made again"


@virtual_time
async def test_a_run_that_is_deleted_takes_the_work_with_it() -> None:
    world = await under_way()
    world.drop(EXECUTIONS, "asked")
    await world.advance(40)
    assert world.remote()["status"]["phase"] == "Aborted"
    assert "team-a/asked" in world.remote()["spec"]["terminate"]["cause"]


@virtual_time
async def test_a_run_that_is_deleted_while_nobody_looks_takes_the_work_with_it() -> None:
    world = await under_way()
    await world.crash()
    world.drop(EXECUTIONS, "asked")
    world.ask(asked(inputs={"name": "Ada"}))
    await world.start()
    await world.advance(40)
    phases = sorted(each["status"]["phase"] for each in world.remotes())
    assert phases == ["Aborted", "Running"], "one of the same name is another one"


@virtual_time
async def test_consent_withdrawn_lets_what_runs_go_on_and_starts_nothing_new() -> None:
    world = await under_way(concurrency=ONE_AT_A_TIME)
    world.ask(asked("waiting"))
    await world.advance(5)
    assert told(world, "waiting")[0] == "Queued"
    world.edit(LAUNCH_PLANS, "hello", allowReferencesFrom=None)
    world.ask(asked("later"))
    await world.advance(5)
    assert told(world, "waiting") == ("Rejected", "TargetUnavailable")
    assert "allows references from this namespace" in world.run_of("waiting")["error"]["message"]
    waiting = next(each for each in world.remotes() if each["status"]["phase"] == "Rejected")
    assert "'waiting'" in waiting["status"]["error"]["message"]
    assert told(world) == ("Running", "Running")
    world.pods_end = True
    await world.advance(320, 10)
    assert told(world) == ("Succeeded", "Succeeded")
    assert told(world, "later") == ("Rejected", "ReferenceInvalid")
    assert len(world.remotes()) == 2


@virtual_time
async def test_a_plan_that_is_deleted_lets_what_runs_finish_and_rejects_what_waits() -> None:
    world = await under_way(concurrency=ONE_AT_A_TIME)
    world.ask(asked("waiting"))
    await world.advance(5)
    world.delete(LAUNCH_PLANS, "hello")
    world.pods_end = True
    await world.advance(20)
    assert told(world, "waiting") == ("Rejected", "PlanDeleted")
    assert told(world) == ("Succeeded", "Succeeded")


@virtual_time
async def test_a_reference_that_is_deleted_changes_nothing_of_what_runs() -> None:
    world = await under_way()
    world.drop(REFERENCES, "theirs")
    world.pods_end = True
    await world.advance(10)
    assert told(world) == ("Succeeded", "Succeeded")


@virtual_time
async def test_both_sides_survive_the_removal_of_the_other_when_they_have_ended() -> None:
    world = await neighbours(history={"succeeded": 0})
    world.ask(asked())
    await world.advance(10)
    await world.advance(1200, 30)
    assert world.remotes() == []
    assert told(world) == ("Succeeded", "Succeeded"), "the record stays where it was asked for"


@virtual_time
async def test_what_ended_while_nobody_looked_is_mirrored_before_it_is_removed() -> None:
    world = await neighbours(history={"succeeded": 0})
    world.pods_end = False
    world.ask(asked())
    await world.advance(5)
    await world.crash()
    world.pods_end = True
    await world.advance(3600, 60)
    # The mirror's writes fail for longer than what ended is kept at least.
    world.api.faults = lambda call: Fault(500) if call.namespace == ASKING and call.writes else None
    await world.start()
    await world.advance(20 * 60, 30)
    assert world.remote()["status"]["phase"] == "Succeeded"
    world.api.faults = lambda _call: None
    await world.advance(120)
    assert told(world) == ("Succeeded", "Succeeded")
    assert world.run_of()["outputs"] == {"greeting": "hi"}
    await world.advance(60)
    assert world.remotes() == []


@virtual_time
async def test_the_history_of_a_reference_is_bounded() -> None:
    world = await neighbours()
    for number in range(12):
        world.ask(asked(f"r{number:02}"))
    await world.advance(30)
    await world.advance(1000, 30)
    mine = [each for each in world.all(EXECUTIONS) if each["metadata"]["namespace"] == ASKING]
    assert len(mine) == 10


def forged(world: Neighbours, uid: str, **changes: Any) -> Object:
    """Return an execution as a person of the plan's namespace may forge it."""
    local = world.see(EXECUTIONS, "asked")
    marks = {
        labels.FROM_NAMESPACE: ASKING,
        labels.FROM_REFERENCE: "theirs",
        labels.FROM_EXECUTION: local["metadata"]["name"],
        labels.FROM_UID: uid,
    }
    made = run(f"ref-{uid}", **changes)
    return made | {"metadata": made["metadata"] | {"labels": marks}}


@virtual_time
async def test_an_execution_that_claims_to_be_asked_for_by_one_that_counts_on_another_never_starts() -> None:
    world = await under_way()
    fake = world.create(forged(world, "00000000-0000-0000-0000-000000000000"))
    await world.advance(5)
    status = world.get(EXECUTIONS, fake["metadata"]["name"])["status"]
    assert (status["phase"], "jobRef" in status) == ("Aborted", False)
    assert told(world) == ("Running", "Running")


@virtual_time
async def test_labels_without_the_name_that_goes_with_them_count_for_nothing() -> None:
    world = await under_way()
    fake = forged(world, world.see(EXECUTIONS, "asked")["metadata"]["uid"])
    world.create(fake | {"metadata": fake["metadata"] | {"name": "pretends"}})
    world.pods_end = True
    await world.advance(10)
    status = world.get(EXECUTIONS, "pretends")["status"]
    assert (status["phase"], status["origin"]) == ("Succeeded", {"type": "Manual"})


@pytest.mark.parametrize(
    "wish",
    [
        {"inputs": {"name": "Eve"}, "launchPlanRef": {"name": "hello", "version": "v1"}},
        {"launchPlanRef": {"name": "hello"}},
        {"launchPlanRef": {"name": "hello", "kind": "WorkflowDefinition", "version": "v1"}},
        {"launchPlanRef": {"name": "hi", "version": "v1"}},
    ],
    ids=["other inputs", "no version", "a workflow", "another plan"],
)
def test_somebody_elses_execution_on_the_name_is_not_taken_for_ours(wish: dict[str, Any]) -> None:
    @virtual_time
    async def story() -> None:
        world = await neighbours()
        await world.crash()
        local = world.ask(asked(inputs={"name": "Ada"}))
        world.create(forged(world, local["metadata"]["uid"], **({"inputs": {"name": "Ada"}} | wish)))
        await world.start()
        await world.advance(8)
        assert told(world) == ("Rejected", "RemoteNameTaken")
        assert world.remote()["status"]["phase"] == "Aborted"

    story()


@virtual_time
async def test_a_forged_note_shows_nothing_of_what_is_not_the_runs() -> None:
    world = await neighbours()
    secret = world.create(run("secret"))
    await world.advance(8)
    await world.crash()
    local = world.ask(asked())
    note = {"namespace": NAMESPACE, "name": "secret", "uid": secret["metadata"]["uid"]}
    conditions: list[dict[str, Any]] = []
    body = copy(local) | {"status": {"phase": "Queued", "conditions": conditions, "remote": note}}
    world.api.do("PUT", EXECUTIONS.path(ASKING, "asked", "status"), body)
    await world.start()
    await world.advance(8)
    assert told(world) == ("Failed", "RemoteDeleted")
    assert "outputs" not in world.run_of()


Late = Callable[[Neighbours], Awaitable[None]]


async def it_was_terminated(world: Neighbours) -> None:
    world.change(EXECUTIONS, "asked", terminate={"cause": "no"})


async def it_was_deleted(world: Neighbours) -> None:
    world.drop(EXECUTIONS, "asked")


@pytest.mark.parametrize("meanwhile", [it_was_terminated, it_was_deleted])
def test_a_request_that_arrives_after_its_run_was_settled_starts_nothing(meanwhile: Late) -> None:
    @virtual_time
    async def story() -> None:
        world = await neighbours()
        # The request is made, and nobody notes it: its sender dies.
        world.api.faults = lambda call: (
            Fault(Lost.HANGS, applied=True) if (call.verb, call.target) == ("create", "launchplanexecutions") else None
        )
        world.ask(asked())
        await world.settle()
        await world.crash()
        world.api.faults = lambda _call: None
        late = copy(world.remote())
        world.delete(EXECUTIONS, late["metadata"]["name"])
        await meanwhile(world)
        await world.start()
        del late["metadata"]["uid"], late["metadata"]["resourceVersion"]
        del late["status"]
        world.create(late)
        await world.advance(10)
        status = world.remote()["status"]
        assert (status["phase"], "jobRef" in status) == ("Aborted", False)
        assert all(labels.is_tombstone(job) for job in world.all(JOBS))

    story()


@virtual_time
async def test_a_run_whose_requester_went_while_it_was_made_is_ended() -> None:
    """Nobody is left to count on it, or to tell of it: what the watch brings of it is known already."""
    world = await neighbours()
    create = Client.create

    async def create_after_all_went(self: Client, kind: Kind, obj: Object) -> Reply:
        if kind == LAUNCH_PLAN_EXECUTIONS:
            world.api.do("DELETE", LAUNCH_PLAN_EXECUTIONS.path(ASKING, "asked"), {})
            await asyncio.sleep(1)
        return await create(self, kind, obj)

    with patch.object(Client, "create", create_after_all_went):
        world.ask(asked())
        await world.advance(10)
    assert world.remote()["status"]["phase"] == "Aborted"
    assert world.remote()["status"]["error"]["code"] == "RequesterGone"
