"""Plans over an in-memory API server: what is written, how often, and what comes of it."""

from typing import Any
from unittest.mock import patch

import pytest

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.kube.client import WatchEvent
from launchplan_operator.kube.watch import Reflector
from launchplan_operator.render import labels
from tests.fake.faults import Fault
from tests.fake.routing import Call
from tests.fake.store import Object
from tests.fake.virtual import virtual_time
from tests.reconcile.world import NAMESPACE, World, plan, run, workflow

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS


async def running_world(**spec: Any) -> World:
    world = World()
    world.create(workflow())
    world.create(plan(**spec))
    await world.start()
    return world


@virtual_time
async def test_a_new_plan_costs_its_version_one_cronjob_and_one_status() -> None:
    world = World()
    world.create(workflow())
    await world.start()
    mark = len(world.api.log)
    world.create(plan())
    await world.settle()
    assert world.writes_since(mark) == [
        "create controllerrevisions",
        "create cronjobs",
        "update launchplans/status",
    ]
    assert world.ready() == ("True", "False", "Active")


@virtual_time
async def test_an_unchanged_plan_costs_nothing_not_even_after_a_restart() -> None:
    world = await running_world()
    world.cluster_moves = False
    mark = len(world.api.log)
    await world.crash()
    await world.start()
    await world.advance(30)
    assert world.writes_since(mark) == []


@virtual_time
async def test_an_idle_operator_writes_nothing_for_hours_and_reads_only_to_renew() -> None:
    world = await running_world(cron="0 0 1 1 *")
    await world.advance(120, 10)
    mark = len(world.api.log)
    await world.advance(4 * 3600, 60)
    assert world.writes_since(mark) == []
    reads = [call for call, _ in world.api.log[mark:] if call.verb in {"get", "list"}]
    assert {call.verb for call in reads} == {"list"}
    assert len(reads) <= 8 * 24, "at most one list a kind every ten minutes"


@virtual_time
async def test_a_slot_of_a_plan_whose_labels_were_stored_before_they_were_refused_becomes_a_record() -> None:
    world = await running_world()
    world.edit(LAUNCH_PLANS, "hello", labels={"-": "y", "launchplan.dev/plan": "other", "team": "a"})
    await world.advance(70)
    assert world.ready() == ("False", "True", "LabelInvalid")
    (record,) = world.all(EXECUTIONS)
    assert record["status"]["phase"] == "Succeeded"
    assert {key: record["metadata"]["labels"].get(key) for key in ("-", labels.PLAN, "team")} == {
        "-": None,
        labels.PLAN: "hello",
        "team": "a",
    }


@virtual_time
async def test_a_slot_becomes_a_record_with_inputs_outputs_and_counts() -> None:
    world = await running_world(fixedInputs={"times": 3})
    await world.advance(70)
    (name,) = world.names(EXECUTIONS)
    assert name == world.names(JOBS)[0]
    record = world.get(EXECUTIONS, name)
    assert record["status"]["phase"] == "Succeeded"
    assert record["status"]["inputs"] == {"name": "world", "times": 3}
    assert record["status"]["outputs"] == {"greeting": "hi"}
    assert record["status"]["origin"] == {"type": "Schedule", "slot": "2026-01-01T00:01:00Z"}
    assert record["metadata"]["ownerReferences"][0]["uid"] == world.get(LAUNCH_PLANS, "hello")["metadata"]["uid"]
    assert world.status["counts"] == {"started": 1, "succeeded": 1}
    assert world.status["lastExecution"]["name"] == name
    assert world.status["schedule"]["lastSlot"] == "2026-01-01T00:01:00Z"
    assert world.status["schedule"]["nextTimes"][0] == "2026-01-01T00:02:00Z"


@virtual_time
async def test_a_scheduled_run_costs_a_bounded_number_of_calls() -> None:
    world = await running_world()
    await world.advance(70)
    mark = len(world.api.log)
    await world.advance(60)
    writes = world.writes_since(mark)
    assert writes.count("create launchplanexecutions") == 1
    assert writes.count("update launchplanexecutions/status") <= 3
    assert writes.count("patch launchplanexecutions/status") == 1
    assert writes.count("update launchplans/status") <= 3
    assert set(writes) == {
        "create launchplanexecutions",
        "update launchplanexecutions/status",
        "patch launchplanexecutions/status",
        "update launchplans/status",
    }
    # Without an elected leader another process may have counted the run: the server is asked once.
    reads = [f"{call.verb} {call.target}" for call, _ in world.api.log[mark:] if call.verb in {"get", "list"}]
    assert reads == ["get launchplanexecutions"]


@virtual_time
async def test_five_slots_without_the_operator_are_five_records_after_its_return() -> None:
    world = await running_world()
    await world.crash()
    await world.advance(5 * 60 + 5)
    assert world.names(EXECUTIONS) == []
    await world.start()
    assert len(world.names(JOBS)) == 5
    assert world.names(EXECUTIONS) == world.names(JOBS)
    assert {e["status"]["phase"] for e in world.all(EXECUTIONS)} == {"Succeeded"}
    assert world.status["counts"] == {"started": 5, "succeeded": 5}
    assert set(world.jobs_made.values()) == {1}


@virtual_time
async def test_a_run_by_hand_gets_the_callers_inputs() -> None:
    world = await running_world(cron=None)
    world.create(run(inputs={"name": "Ada"}))
    await world.advance(5)
    status = world.get(EXECUTIONS, "by-hand")["status"]
    assert (status["phase"], status["inputs"]) == ("Succeeded", {"name": "Ada", "times": 1})
    assert world.names(CRON_JOBS) == []
    assert world.status["counts"] == {"started": 1, "succeeded": 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schedule": {"cron": "0 9 * * 7"}}, "CronInvalid"),
        ({"schedule": {"cron": "0 0 31 2 *"}}, "CronNeverFires"),
        ({"schedule": {"timeZone": "Mars/Olympus"}}, "TimeZoneUnknown"),
        ({"fixedInputs": {"nome": "x"}}, "UnexpectedInput"),
        ({"defaultInputs": {"name": 3}}, "TypeMismatch"),
        ({"defaultInputs": {"name": None}}, "ScheduleUnboundInput"),
    ],
)
def test_an_edit_that_makes_a_plan_invalid_leaves_its_cronjob_and_rejects_runs(
    change: dict[str, Any], reason: str
) -> None:
    @virtual_time
    async def check() -> None:
        world = await running_world()
        before = world.get(CRON_JOBS, "hello")["metadata"]
        world.edit(LAUNCH_PLANS, "hello", **change)
        await world.settle()
        assert world.ready() == ("False", "True", reason)
        assert world.get(CRON_JOBS, "hello")["metadata"]["resourceVersion"] == before["resourceVersion"]
        world.create(run())
        await world.settle()
        status = world.get(EXECUTIONS, "by-hand")["status"]
        assert (status["phase"], status["error"]["code"]) == ("Rejected", "PlanInvalid")
        await world.advance(70)
        assert len([name for name in world.names(JOBS) if name.startswith("hello-")]) == 1

    check()


@virtual_time
async def test_a_workflow_that_comes_late_heals_the_plan_and_a_waiting_run() -> None:
    world = World()
    world.create(plan())
    world.create(run())
    await world.start()
    assert world.ready() == ("False", "False", "WorkflowNotFound")
    assert world.get(EXECUTIONS, "by-hand")["status"]["phase"] == "Queued"
    world.create(workflow())
    await world.advance(5)
    assert world.ready() == ("True", "False", "Active")
    assert world.get(EXECUTIONS, "by-hand")["status"]["phase"] == "Succeeded"


@virtual_time
async def test_a_workflow_that_never_comes_stalls_after_five_minutes() -> None:
    world = World()
    world.create(plan())
    world.create(run())
    await world.start()
    await world.advance(4 * 60 + 30, 10)
    assert world.ready() == ("False", "False", "WorkflowNotFound")
    await world.advance(60, 10)
    assert world.ready() == ("False", "True", "WorkflowNotFound")
    assert world.get(EXECUTIONS, "by-hand")["status"]["phase"] == "Rejected"


@virtual_time
async def test_a_workflow_that_disappears_leaves_the_schedule_running() -> None:
    world = await running_world()
    world.delete(WORKFLOW_DEFINITIONS, "greet")
    await world.settle()
    assert world.ready()[2] == "WorkflowNotFound"
    assert world.names(CRON_JOBS) == ["hello"]
    await world.advance(70)
    assert [e["status"]["phase"] for e in world.all(EXECUTIONS)] == ["Succeeded"]


@virtual_time
async def test_a_plan_that_is_deleted_takes_what_it_scheduled_and_leaves_what_a_person_started() -> None:
    world = await running_world()
    world.create(run())
    await world.advance(70)
    world.delete(LAUNCH_PLANS, "hello")
    await world.advance(5)
    assert world.names(CRON_JOBS) == []
    assert world.names(JOBS) == world.names(EXECUTIONS) == ["by-hand"]


@virtual_time
async def test_a_waiting_run_of_a_deleted_plan_is_rejected() -> None:
    world = World()
    world.create(plan())
    world.create(run())
    await world.start()
    world.delete(LAUNCH_PLANS, "hello")
    await world.settle()
    status = world.get(EXECUTIONS, "by-hand")["status"]
    assert (status["phase"], status["error"]["code"]) == ("Rejected", "PlanDeleted")


def foreign_cronjob() -> Object:
    """Return a person's CronJob of the plan's name."""
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "hello", "namespace": NAMESPACE},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": workflow()["spec"]["job"]}},
    }


@virtual_time
async def test_runs_of_a_plan_whose_cronjobs_name_is_taken_are_removed_as_ever() -> None:
    world = World()
    world.create(workflow())
    world.create(foreign_cronjob())
    world.create(plan(history={"succeeded": 0}))
    await world.start()
    world.create(run())
    await world.advance(10)
    assert world.get(EXECUTIONS, "by-hand")["status"]["phase"] == "Succeeded"
    await world.advance(17 * 60, 10)
    assert world.names(EXECUTIONS) == []


@virtual_time
async def test_a_foreign_cronjob_of_the_name_is_left_untouched_and_said_so() -> None:
    world = World()
    world.create(workflow())
    version = world.create(foreign_cronjob())["metadata"]["resourceVersion"]
    world.create(plan())
    await world.start()
    assert world.ready() == ("False", "True", "CronJobNameTaken")
    await world.advance(70)
    assert world.get(CRON_JOBS, "hello")["metadata"]["resourceVersion"] == version
    world.delete(CRON_JOBS, "hello")
    await world.advance(40)
    assert world.ready() == ("True", "False", "Active")


@virtual_time
async def test_a_job_made_from_the_cronjob_by_hand_is_a_manual_run() -> None:
    world = await running_world(cron="0 0 1 1 *")
    cronjob = world.get(CRON_JOBS, "hello")
    template = cronjob["spec"]["jobTemplate"]
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "hello", "uid": cronjob["metadata"]["uid"]}
    annotations = template["metadata"]["annotations"] | {"cronjob.kubernetes.io/instantiate": "manual"}
    metadata = template["metadata"] | {"name": "extra", "namespace": NAMESPACE, "annotations": annotations}
    metadata["ownerReferences"] = [owner | {"controller": True}]
    world.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]})
    await world.advance(5)
    status = world.get(EXECUTIONS, "extra")["status"]
    assert (status["phase"], status["origin"]) == ("Succeeded", {"type": "Manual"})


@virtual_time
async def test_ended_runs_go_fifteen_minutes_after_their_end_and_counts_stay() -> None:
    world = await running_world(history={"succeeded": 2})
    await world.advance(10 * 60 + 5)
    assert len(world.names(EXECUTIONS)) == 10
    world.edit(LAUNCH_PLANS, "hello", suspend=True)
    await world.advance(20 * 60, 10)
    assert len(world.names(EXECUTIONS)) == len(world.names(JOBS)) == 2
    assert world.status["counts"] == {"started": 10, "succeeded": 10}


@virtual_time
async def test_a_run_that_a_tool_keeps_outlives_the_history() -> None:
    """What is synced from a repository would be made again, and run again, each time that it was removed."""
    world = await running_world(cron=None, history={"succeeded": 0})
    kept = run("kept")
    kept["metadata"]["annotations"] = {
        "argocd.argoproj.io/tracking-id": "shop:launchplan.dev/LaunchPlanExecution:x/kept"
    }
    world.create(kept)
    world.create(run("removed"))
    await world.advance(20 * 60, 10)
    assert world.names(EXECUTIONS) == world.names(JOBS) == ["kept"]
    assert world.status["counts"] == {"started": 2, "succeeded": 2}


@virtual_time
@pytest.mark.parametrize("limit", [{}, {"concurrency": {"max": 1}}], ids=["without a limit", "with a limit"])
@pytest.mark.parametrize("ended", [True, False], ids=["one that ended", "one under way"])
async def test_a_run_of_a_name_that_was_deleted_a_moment_ago_waits_for_the_old_job_to_go(
    limit: Object, *, ended: bool
) -> None:
    """So does a hook that a sync makes anew; under a limit the name of one that ran is kept for a quarter of an hour."""
    world = await running_world(cron=None, **limit)
    world.pods_end = ended
    world.create(run())
    await world.advance(5)
    old = world.get(JOBS, "by-hand")["metadata"]["uid"]
    world.api.do("DELETE", EXECUTIONS.path(NAMESPACE, "by-hand"), {"propagationPolicy": "Background"})
    world.create(run())
    await world.settle()
    assert world.get(JOBS, "by-hand")["metadata"]["uid"] == old
    assert world.get(EXECUTIONS, "by-hand")["status"]["phase"] == "Queued"
    world.pods_end = True
    world.api.collect_garbage()
    await world.advance(17 * 60 if limit and not ended else 60, 5)
    assert world.get(EXECUTIONS, "by-hand")["status"]["phase"] == "Succeeded"
    assert world.get(JOBS, "by-hand")["metadata"]["uid"] != old


@virtual_time
async def test_nothing_starts_from_a_template_before_the_server_was_asked_about_it() -> None:
    world = World()
    world.create(workflow())
    world.create(plan())
    world.create(run())

    def refuse(call: Call) -> Fault | None:
        return Fault(422, message="no such image") if call.request.query.get("dryRun") else None

    world.api.faults = refuse
    await world.start()
    assert world.ready() == ("False", "True", "WorkflowInvalid")
    assert world.get(EXECUTIONS, "by-hand")["status"]["error"]["code"] == "PlanInvalid"
    made = [call for call, _ in world.api.log if call.verb == "create" and not call.request.query.get("dryRun")]
    # The run is older than this process: an earlier one may have been starting it, so that its name is occupied.
    assert {call.target for call in made} == {"events", "jobs"}
    assert [labels.is_tombstone(call.request.body) for call in made if call.target == "jobs"] == [True]


@virtual_time
async def test_an_edit_that_no_watch_tells_of_is_seen_at_the_next_conflict() -> None:
    world = await running_world()
    world.api.store.drop = lambda _watch, _event, obj: obj["kind"] == "LaunchPlan"
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": "moon"})
    await world.advance(70)
    assert world.status["observedGeneration"] == 2
    assert world.status["interface"]["parameters"][0]["default"] == "moon"


@virtual_time
async def test_a_plan_tells_when_its_last_run_began_however_late_that_was() -> None:
    world = await running_world(cron=None)
    world.cluster_moves = False
    world.create(run())
    await world.advance(10)
    last = {"name": "by-hand", "phase": "Running"}
    assert world.status["lastExecution"] == last | {
        "time": world.get(EXECUTIONS, "by-hand")["metadata"]["creationTimestamp"]
    }
    world.cluster_moves, world.pods_end = True, False
    await world.advance(10)
    assert world.status["lastExecution"] == last | {"time": world.get(EXECUTIONS, "by-hand")["status"]["startTime"]}


@virtual_time
async def test_a_job_whose_removal_nobody_tells_of_is_not_recorded_anew() -> None:
    """The record is removed after its Job; one that were made again would be removed at once, and made again."""
    tell = Reflector._see

    def see(self: Reflector, scope: Any, event: WatchEvent) -> None:
        if (event.type, event.object["kind"]) != ("DELETED", "Job"):
            tell(self, scope, event)

    with patch.object(Reflector, "_see", see):
        world = await running_world(history={"succeeded": 0}, schedule={"cron": "0 * * * *"})
        await world.advance(3600 + 20 * 60, 10)
        assert world.names(JOBS) == world.names(EXECUTIONS) == []
        made = [call for call, _ in world.api.log if (call.verb, call.kind) == ("create", EXECUTIONS)]
        assert len(made) == 1
