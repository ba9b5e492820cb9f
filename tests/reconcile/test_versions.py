"""Versions over an in-memory API server: kept, activated, rolled back, run by hand, tampered with and bounded."""

from collections.abc import Mapping
from typing import Any

import pytest

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.decide.versions import VERSIONS_KEPT
from tests.fake.faults import Fault
from tests.fake.routing import Call
from tests.fake.store import Object
from tests.fake.virtual import virtual_time
from tests.reconcile.world import NAMESPACE, World, plan, run, workflow

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS
NEVER = "0 0 29 2 *"


def _no_fault(_call: Call) -> Fault | None:
    return None


async def running_world(cron: str | None = NEVER, **spec: Any) -> World:
    world = World()
    world.create(workflow())
    world.create(plan(cron, **spec))
    await world.start()
    return world


async def edited(world: World, **spec: Any) -> str:
    """Edit the plan and return the version that is the newest then."""
    world.edit(LAUNCH_PLANS, "hello", **spec)
    await world.settle()
    return str(world.status["latestVersion"])


def cronjob_input(world: World, name: str = "name") -> str:
    """Return an input as the CronJob's template has it."""
    template = world.get(CRON_JOBS, "hello")["spec"]["jobTemplate"]["spec"]["template"]
    return str(template["metadata"]["annotations"][f"inputs.launchplan.dev/{name}"])


async def ran(world: World, name: str = "by-hand", **spec: Any) -> Mapping[str, Any]:
    """Run something by hand and return its status some seconds later."""
    world.create(run(name, **spec))
    await world.advance(5)
    status: Mapping[str, Any] = world.get(EXECUTIONS, name)["status"]
    return status


def named(version: str) -> dict[str, Any]:
    """Return a reference to a version of the plan."""
    return {"launchPlanRef": {"name": "hello", "version": version}}


@virtual_time
async def test_every_version_is_kept_with_its_workflow_and_listed() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    second = await edited(world, defaultInputs={"name": "moon"})
    assert [each["version"] for each in world.status["versions"]] == [first, second]
    assert world.status["activeVersion"] == second
    revisions = world.all(CONTROLLER_REVISIONS)
    assert {each["data"]["spec"]["defaultInputs"]["name"] for each in revisions} == {"world", "moon"}
    assert {each["data"]["workflow"]["spec"]["job"]["backoffLimit"] for each in revisions} == {0}
    uid = world.get(LAUNCH_PLANS, "hello")["metadata"]["uid"]
    assert {each["metadata"]["ownerReferences"][0]["uid"] for each in revisions} == {uid}


@virtual_time
async def test_a_roll_back_is_one_field_and_costs_one_template() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    await edited(world, defaultInputs={"name": "moon"})
    mark = len(world.api.log)
    await edited(world, activeVersion=first)
    assert (world.status["activeVersion"], cronjob_input(world)) == (first, "world")
    assert world.writes_since(mark) == ["update cronjobs", "update launchplans/status"]
    assert world.ready() == ("True", "False", "Active")
    await edited(world, activeVersion=None)
    assert cronjob_input(world) == "moon"


@virtual_time
async def test_a_version_switch_with_another_schedule_replaces_the_cronjob() -> None:
    world = await running_world("0 0 1 1 *")
    first = world.status["activeVersion"]
    await edited(world, schedule={"cron": "0 0 2 2 *"})
    await world.advance(5)
    assert world.get(CRON_JOBS, "hello")["spec"]["schedule"] == "0 0 2 2 *"
    await edited(world, activeVersion=first)
    await world.advance(5)
    assert world.get(CRON_JOBS, "hello")["spec"]["schedule"] == "0 0 1 1 *"
    assert world.status["schedule"]["text"] == "0 0 1 1 * UTC"


@virtual_time
async def test_a_pinned_version_that_is_not_there_leaves_the_active_one_and_heals() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    await edited(world, activeVersion="v9")
    assert world.ready() == ("False", "False", "VersionNotFound")
    assert (world.status["activeVersion"], world.names(CRON_JOBS)) == (first, ["hello"])
    await world.advance(6 * 60, 10)
    assert world.ready() == ("False", "True", "VersionNotFound")
    await edited(world, activeVersion=first)
    assert world.ready() == ("True", "False", "Active")


@virtual_time
async def test_the_same_manifests_on_an_empty_cluster_give_the_same_state() -> None:
    world = await running_world()
    await edited(world, defaultInputs={"name": "moon"})
    version, shown = world.status["activeVersion"], cronjob_input(world)
    other = await running_world(defaultInputs={"name": "moon"})
    assert (other.status["activeVersion"], cronjob_input(other)) == (version, shown)


@virtual_time
async def test_a_plan_that_follows_the_latest_workflow_gets_a_version_with_it() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    world.edit(WORKFLOW_DEFINITIONS, "greet", job={"backoffLimit": 3})
    await world.settle()
    second = world.status["activeVersion"]
    assert second != first
    assert world.get(CRON_JOBS, "hello")["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 3
    old = await ran(world, **named(first))
    assert (old["phase"], old["launchPlanVersion"]) == ("Succeeded", first)
    assert world.get(JOBS, "by-hand")["spec"]["backoffLimit"] == 0


@virtual_time
async def test_an_old_version_can_be_run_by_hand_also_of_an_inactive_plan() -> None:
    world = await running_world(None, autoActivate=False)
    first = world.status["latestVersion"]
    await edited(world, defaultInputs={"name": "moon"})
    assert "activeVersion" not in world.status
    assert (await ran(world, **named(first)))["inputs"]["name"] == "world"
    assert (await ran(world, "newest"))["inputs"]["name"] == "moon"


@virtual_time
async def test_a_run_that_names_no_version_gets_the_active_one() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    await edited(world, defaultInputs={"name": "moon"}, activeVersion=first)
    assert (await ran(world))["inputs"]["name"] == "world"


@virtual_time
async def test_a_run_of_a_version_that_is_not_there_waits_and_is_rejected() -> None:
    world = await running_world()
    waiting = await ran(world, **named("v9"))
    assert (waiting["phase"], waiting["conditions"][0]["reason"]) == ("Queued", "VersionNotFound")
    await world.advance(6 * 60, 10)
    status = world.get(EXECUTIONS, "by-hand")["status"]
    assert (status["phase"], status["error"]["code"]) == ("Rejected", "VersionNotFound")


@virtual_time
async def test_an_invalid_edit_leaves_the_last_good_version_in_force_and_to_be_run_by_name() -> None:
    world = await running_world("* * * * *")
    first = world.status["activeVersion"]
    await edited(world, defaultInputs={"name": 3}, schedule=None)
    assert world.ready() == ("False", "True", "TypeMismatch")
    assert (world.status["activeVersion"], world.names(CRON_JOBS)) == (first, ["hello"])
    assert (await ran(world))["error"]["code"] == "PlanInvalid"
    assert (await ran(world, "by-name", **named(first)))["phase"] == "Succeeded"
    await world.advance(60)
    scheduled = [e for e in world.all(EXECUTIONS) if e["status"]["origin"]["type"] == "Schedule"]
    assert {e["status"]["inputs"]["name"] for e in scheduled} == {"world"}


@virtual_time
async def test_an_invalid_plan_can_still_be_suspended_and_rolled_back() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    second = await edited(world, defaultInputs={"name": "moon"})
    await edited(world, defaultInputs={"name": 3})
    assert world.status["activeVersion"] == second
    await edited(world, activeVersion=first)
    assert cronjob_input(world) == "world"
    await edited(world, suspend=True)
    await world.advance(5)
    assert world.names(CRON_JOBS) == []


GIVEN: dict[str, Any] = {"workflowRef": {"name": "greet", "version": "w1"}, "version": "v1"}


async def named_world() -> World:
    """A plan and a workflow that name their versions."""
    world = World()
    world.create(workflow(version="w1"))
    world.create(plan(NEVER, **GIVEN))
    await world.start()
    return world


@virtual_time
async def test_a_given_version_with_other_content_is_a_conflict_that_names_the_fields() -> None:
    world = await named_world()
    await edited(world, defaultInputs={"name": "moon"}, timeout="5m")
    assert world.ready() == ("False", "True", "VersionConflict")
    (ready, *_) = world.status["conditions"]
    assert "spec.defaultInputs.name, spec.timeout" in ready["message"]
    assert (world.status["activeVersion"], cronjob_input(world)) == ("v1", "world")
    assert len(world.names(CONTROLLER_REVISIONS)) == 1
    assert await edited(world, version="v2") == "v2"
    assert (world.ready()[2], cronjob_input(world)) == ("Active", "moon")
    await edited(world, version="v1", defaultInputs={"name": "world"}, timeout=None)
    assert (world.ready()[2], world.status["activeVersion"], cronjob_input(world)) == ("Active", "v1", "world")


@virtual_time
async def test_a_workflow_whose_given_version_changes_content_is_refused_and_its_plans_go_on() -> None:
    world = await named_world()
    world.edit(WORKFLOW_DEFINITIONS, "greet", job={"backoffLimit": 3})
    await world.settle()
    assert world.ready(WORKFLOW_DEFINITIONS, "greet") == ("False", "True", "VersionConflict")
    assert world.ready() == ("False", "True", "WorkflowInvalid")
    assert world.names(CRON_JOBS) == ["hello"]
    assert (await ran(world))["phase"] == "Succeeded"
    assert world.get(JOBS, "by-hand")["spec"]["backoffLimit"] == 0
    world.edit(WORKFLOW_DEFINITIONS, "greet", job={"backoffLimit": 0})
    await world.settle()
    assert world.ready() == ("True", "False", "Active")


@virtual_time
async def test_a_plan_pinned_to_an_older_workflow_is_edited_on_with_the_workflow_that_it_kept() -> None:
    world = await named_world()
    world.edit(WORKFLOW_DEFINITIONS, "greet", version="w2", job={"backoffLimit": 3})
    await world.settle()
    assert world.ready() == ("True", "False", "Active")
    await edited(world, version="v2", defaultInputs={"name": "moon"})
    assert (world.ready()[2], cronjob_input(world)) == ("Active", "moon")
    assert world.get(CRON_JOBS, "hello")["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": ["MODE"]})
    await edited(world, version="v3", env=[{"name": "MODE", "value": "fast"}])
    assert world.ready() == ("True", "False", "Active")
    world.create({**plan(None, workflowRef={"name": "greet", "version": "w1"}), "metadata": {"name": "late"}})
    await world.settle()
    assert world.ready(name="late") == ("False", "False", "WorkflowVersionNotFound")


@virtual_time
async def test_with_the_workflow_gone_an_unedited_plan_still_runs_from_its_snapshot() -> None:
    world = await running_world()
    world.delete(WORKFLOW_DEFINITIONS, "greet")
    await world.settle()
    assert world.ready() == ("False", "False", "WorkflowNotFound")
    assert (await ran(world))["phase"] == "Succeeded"
    await edited(world, defaultInputs={"name": "moon"})
    assert (await ran(world, "edited"))["phase"] == "Queued"


async def tamper(world: World, version: str, forge: Any) -> None:
    """Put another object in a revision's place, and restart the operator."""
    known = {each["version"]: each["hash"] for each in world.status["versions"]}
    name = f"hello-{known[version][:10]}"
    forged: Object = {key: value for key, value in world.get(CONTROLLER_REVISIONS, name).items() if key != "status"}
    world.delete(CONTROLLER_REVISIONS, name)
    owner = forged["metadata"]["ownerReferences"]
    forged["metadata"] = {"name": name, "namespace": NAMESPACE, "ownerReferences": owner}
    forge(forged)
    world.api.do("POST", CONTROLLER_REVISIONS.path(NAMESPACE), forged)


def forge_content(revision: Object) -> None:
    revision["data"]["workflow"]["spec"]["job"]["backoffLimit"] = 99


def forge_owner(revision: Object) -> None:
    del revision["metadata"]["ownerReferences"]


@pytest.mark.parametrize("forge", [forge_content, forge_owner])
def test_a_forged_revision_is_seen_and_never_run(forge: Any) -> None:
    @virtual_time
    async def check() -> None:
        world = await running_world()
        first = world.status["activeVersion"]
        second = await edited(world, defaultInputs={"name": "moon"})
        await tamper(world, first, forge)
        await edited(world, activeVersion=first)
        assert world.ready() == ("False", "True", "RevisionTampered")
        assert cronjob_input(world) == "moon"
        assert (await ran(world, **named(first)))["error"]["code"] == "RevisionTampered"
        await edited(world, activeVersion=second)
        assert world.ready() == ("True", "False", "Active")

    check()


async def lose_status(world: World) -> None:
    """Take the plan's status away while the operator is gone."""
    await world.crash()
    stored = world.get(LAUNCH_PLANS, "hello")
    world.api.do("PUT", LAUNCH_PLANS.path(NAMESPACE, "hello", "status"), {**stored, "status": {}})


def listed(world: World) -> list[str]:
    """Return the versions that the plan's status lists."""
    return [each["version"] for each in world.status["versions"]]


@virtual_time
async def test_a_lost_status_is_made_again_from_the_revisions() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    second = await edited(world, defaultInputs={"name": "moon"}, activeVersion=first)
    await lose_status(world)
    await world.start()
    assert listed(world) == [first, second]
    assert world.status["activeVersion"] == first


@virtual_time
async def test_a_lost_status_is_made_again_though_the_plan_was_edited_meanwhile() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    await lose_status(world)
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": "moon"})
    await world.start()
    assert (len(listed(world)), listed(world)[0]) == (2, first)


@virtual_time
async def test_a_lost_status_is_made_again_for_a_plan_that_only_its_workflow_changed() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    world.edit(WORKFLOW_DEFINITIONS, "greet", job={"backoffLimit": 3})
    await world.settle()
    second = world.status["activeVersion"]
    await lose_status(world)
    await world.start()
    assert listed(world) == [first, second]


@virtual_time
async def test_a_revision_that_was_orphaned_is_made_again_for_its_new_plan() -> None:
    world = await running_world(None)
    world.delete(LAUNCH_PLANS, "hello", "Orphan")
    (orphan,) = world.all(CONTROLLER_REVISIONS)
    assert not orphan["metadata"].get("ownerReferences")
    world.create(plan(None))
    await world.advance(10)
    (revision,) = world.all(CONTROLLER_REVISIONS)
    assert revision["metadata"]["ownerReferences"][0]["uid"] == world.get(LAUNCH_PLANS, "hello")["metadata"]["uid"]
    assert world.ready() == ("True", "False", "Active")


@virtual_time
async def test_an_object_on_a_revisions_name_is_no_revision_and_its_deletion_mends_it() -> None:
    world = await running_world(None)
    stranger = {**world.all(CONTROLLER_REVISIONS)[0]}
    world.delete(LAUNCH_PLANS, "hello")
    stranger["metadata"] = {"name": stranger["metadata"]["name"], "namespace": NAMESPACE}
    forge_content(stranger)
    world.api.do("POST", CONTROLLER_REVISIONS.path(NAMESPACE), stranger)
    world.create(plan(None))
    await world.advance(5)
    assert world.ready() == ("False", "True", "RevisionTampered")
    world.delete(CONTROLLER_REVISIONS, stranger["metadata"]["name"])
    await world.advance(40)
    assert world.ready() == ("True", "False", "Active")


@virtual_time
async def test_history_is_bounded_and_never_drops_what_is_pinned_or_used() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    assert (await ran(world))["launchPlanVersion"] == first
    second = await edited(world, defaultInputs={"name": "pinned"})
    await edited(world, activeVersion=second)
    for number in range(VERSIONS_KEPT + 5):
        await edited(world, defaultInputs={"name": str(number)})
    kept = [each["version"] for each in world.status["versions"]]
    assert len(kept) == VERSIONS_KEPT + 2
    assert kept[:2] == [first, second]
    assert len(world.names(CONTROLLER_REVISIONS)) == VERSIONS_KEPT + 2
    assert (await ran(world, "again", **named(first)))["phase"] == "Succeeded"


@virtual_time
async def test_a_revision_that_a_person_forged_is_not_removed_with_the_versions_that_are_forgotten() -> None:
    world = await running_world()
    first = world.status["activeVersion"]
    for number in range(2):
        await edited(world, defaultInputs={"name": str(number)})
    name = next(f"hello-{each['hash'][:10]}" for each in world.status["versions"] if each["version"] == first)
    forged: Object = world.get(CONTROLLER_REVISIONS, name) | {"data": {"forged": True}}
    world.delete(CONTROLLER_REVISIONS, name)
    forged["metadata"] = {key: forged["metadata"][key] for key in ("name", "namespace", "labels", "ownerReferences")}
    world.api.do("POST", CONTROLLER_REVISIONS.path(NAMESPACE), forged)
    for number in range(2, VERSIONS_KEPT + 2):
        await edited(world, defaultInputs={"name": str(number)})
    assert first not in [each["version"] for each in world.status["versions"]]
    assert name in world.names(CONTROLLER_REVISIONS)
    assert len(world.names(CONTROLLER_REVISIONS)) == VERSIONS_KEPT + 1


@virtual_time
async def test_a_waiting_run_keeps_the_version_that_it_was_accepted_with() -> None:
    world = await running_world(None)
    first = world.status["activeVersion"]

    def no_quota(call: Call) -> Fault | None:
        is_job = call.verb == "create" and call.kind == JOBS and not call.request.query.get("dryRun")
        return Fault(403, message="exceeded quota") if is_job else None

    world.api.faults = no_quota
    assert (await ran(world))["phase"] == "Queued"
    await edited(world, defaultInputs={"name": "moon"})
    world.api.faults = _no_fault
    await world.advance(20)
    status = world.get(EXECUTIONS, "by-hand")["status"]
    assert (status["phase"], status["launchPlanVersion"], status["inputs"]["name"]) == ("Succeeded", first, "world")


@virtual_time
async def test_a_waiting_run_of_a_bare_workflow_does_not_get_another_version() -> None:
    world = await running_world(None)

    def no_quota(call: Call) -> Fault | None:
        is_job = call.verb == "create" and call.kind == JOBS and not call.request.query.get("dryRun")
        return Fault(403, message="exceeded quota") if is_job else None

    world.api.faults = no_quota
    bare: dict[str, Any] = {"launchPlanRef": {"kind": "WorkflowDefinition", "name": "greet"}, "inputs": {"name": "Ada"}}
    assert (await ran(world, **bare))["phase"] == "Queued"
    world.edit(WORKFLOW_DEFINITIONS, "greet", job={"backoffLimit": 3})
    world.api.faults = _no_fault
    await world.advance(20)
    status = world.get(EXECUTIONS, "by-hand")["status"]
    assert (status["phase"], status["error"]["code"]) == ("Rejected", "VersionNotFound")


@virtual_time
async def test_a_relaunch_gets_the_earlier_inputs_and_version() -> None:
    world = await running_world(None, fixedInputs={"times": 3})
    first = world.status["activeVersion"]
    await ran(world, inputs={"name": "Ada"}, timeout="5m")
    await edited(world, defaultInputs={"name": "moon"}, fixedInputs={"times": 4})
    again = await ran(world, "again", relaunchOf="by-hand")
    assert again["inputs"] == {"name": "Ada", "times": 3}
    assert (again["launchPlanVersion"], again["origin"]) == (first, {"type": "Relaunch"})
    assert world.get(JOBS, "again")["spec"]["activeDeadlineSeconds"] == 300
    changed = await ran(world, "changed", relaunchOf="by-hand", inputs={"name": "Bob"})
    assert changed["inputs"] == {"name": "Bob", "times": 3}
    lost = await ran(world, "lost", relaunchOf="nobody")
    assert (lost["phase"], lost["conditions"][0]["reason"]) == ("Queued", "ExecutionNotFound")
    other: dict[str, Any] = {"launchPlanRef": {"kind": "WorkflowDefinition", "name": "greet"}, "relaunchOf": "by-hand"}
    assert (await ran(world, "other", **other))["error"]["code"] == "InvalidSpec"
    once_more = await ran(world, "once-more", relaunchOf="again")
    assert once_more["inputs"] == {"name": "Ada", "times": 3}
    assert world.get(JOBS, "once-more")["spec"]["activeDeadlineSeconds"] == 300
    itself = await ran(world, "itself", relaunchOf="itself")
    assert (itself["phase"], itself["error"]["code"]) == ("Rejected", "InvalidSpec")


@virtual_time
async def test_a_version_that_the_server_will_not_keep_is_said_and_tried_again() -> None:
    world = World()
    world.create(workflow())

    def no_quota(call: Call) -> Fault | None:
        is_revision = call.verb == "create" and call.kind == CONTROLLER_REVISIONS
        return Fault(403, message="exceeded quota") if is_revision else None

    world.api.faults = no_quota
    world.create(plan())
    world.create(run())
    await world.start()
    assert world.ready() == ("False", "False", "RevisionRefused")
    assert world.names(CRON_JOBS) == []
    status = world.get(EXECUTIONS, "by-hand")["status"]
    assert (status["phase"], status["conditions"][0]["reason"]) == ("Queued", "PlanInvalid")
    world.api.faults = _no_fault
    await world.advance(60)
    assert world.ready() == ("True", "False", "Active")
    assert world.get(EXECUTIONS, "by-hand")["status"]["phase"] == "Succeeded"


@virtual_time
async def test_a_plan_made_again_at_once_does_not_keep_its_predecessors_revision() -> None:
    world = await running_world(None)
    world.api.do("DELETE", LAUNCH_PLANS.path(NAMESPACE, "hello"), {"propagationPolicy": "Background"})
    world.create(plan(None))
    await world.settle()
    world.api.collect_garbage()
    await world.advance(10)
    (revision,) = world.all(CONTROLLER_REVISIONS)
    assert revision["metadata"]["ownerReferences"][0]["uid"] == world.get(LAUNCH_PLANS, "hello")["metadata"]["uid"]
    assert world.ready() == ("True", "False", "Active")


ASKING: dict[str, Any] = {"env": [{"name": "MODE", "value": "fast"}]}


async def asking_world() -> tuple[World, str]:
    """A plan whose pinned old version asks for an environment variable; the newest does not."""
    world = World()
    world.create(workflow(allow={"env": ["MODE"]}))
    world.create(plan(NEVER, **ASKING))
    await world.start()
    first = str(world.status["activeVersion"])
    await edited(world, env=None, activeVersion=first)
    assert world.ready() == ("True", "False", "Active")
    return world, first


@virtual_time
async def test_a_permission_that_is_gone_ends_the_schedule_of_an_old_version_at_once() -> None:
    world, first = await asking_world()
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": []})
    await world.advance(5)
    assert world.ready() == ("False", "True", "NotPermitted")
    assert world.names(CRON_JOBS) == []
    assert (await ran(world, **named(first)))["error"]["code"] == "NotPermitted"
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": ["M*"]})
    await world.advance(5)
    assert (world.ready()[2], world.names(CRON_JOBS)) == ("Active", ["hello"])


@virtual_time
async def test_a_change_of_permissions_alone_is_no_new_version() -> None:
    world, _ = await asking_world()
    before = [each["version"] for each in world.status["versions"]]
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": ["MODE", "OTHER"]})
    await world.settle()
    assert [each["version"] for each in world.status["versions"]] == before


@virtual_time
async def test_with_the_workflow_gone_the_schedule_stays_and_runs_that_ask_for_something_are_rejected() -> None:
    world, first = await asking_world()
    uid = world.get(CRON_JOBS, "hello")["metadata"]["uid"]
    world.delete(WORKFLOW_DEFINITIONS, "greet")
    await world.advance(5)
    assert world.get(CRON_JOBS, "hello")["metadata"]["uid"] == uid
    rejected = await ran(world, **named(first))
    assert (rejected["phase"], rejected["error"]["code"]) == ("Rejected", "NotPermitted")
    newest = str(world.status["latestVersion"])
    assert (await ran(world, "newest", **named(newest)))["phase"] == "Succeeded"
