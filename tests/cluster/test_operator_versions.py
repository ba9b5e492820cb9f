"""Versions on a real API server: kept, rolled back, run by hand, in conflict, tampered with, restored."""

from typing import Any

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    JOBS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from localcluster.operated import OperatorProcess
from tests.cluster.support import NEVER, Object, Space, condition, plan, reason_of, run_of, workflow

NAMED: Object = {"version": "v1", "workflowRef": {"name": "report", "version": "w1"}}


def name_workflow(space: Space, version: str, **job: Any) -> None:
    """Give the workflow a version with some content, and wait for the verdict."""
    spec = workflow(**job) | {"version": version}
    if space.find(WORKFLOW_DEFINITIONS, "report") is None:
        space.create(WORKFLOW_DEFINITIONS, "report", spec)
    else:
        space.replace(WORKFLOW_DEFINITIONS, "report", spec)
    space.until(WORKFLOW_DEFINITIONS, "report", reason_of)


def edit(space: Space, **spec: Any) -> Object:
    """Merge into the plan's spec, and wait until it is ready."""
    space.edit(LAUNCH_PLANS, "daily", spec=spec)
    return space.ready(LAUNCH_PLANS, "daily", "Active")


def scheduled_city(space: Space) -> str:
    """Return the city that the CronJob's runs get."""
    template = space.read(CRON_JOBS, "daily")["spec"]["jobTemplate"]["spec"]["template"]
    return str(template["metadata"]["annotations"]["inputs.launchplan.dev/city"])


def revision_of(plan_object: Object, version: str) -> str:
    """Return the name of the object that keeps a version."""
    known = next(each for each in plan_object["status"]["versions"] if each["version"] == version)
    return f"{plan_object['metadata']['name']}-{known['hash'][:10]}"


def test_a_roll_back_is_one_field(space: Space) -> None:
    """A get shows which version is active, and that it is not the newest."""
    space.offer()
    first = space.plan("daily", schedule=NEVER)["status"]["activeVersion"]
    second = edit(space, defaultInputs={"city": "Rome"})["status"]["activeVersion"]
    assert (first != second, scheduled_city(space)) == (True, "Rome")
    back = edit(space, activeVersion=first)
    assert (back["status"]["activeVersion"], scheduled_city(space)) == (first, "Oslo")
    assert (
        f"version {first} is active by spec.activeVersion, not the newest, {second}"
        in condition(back, "Ready")["message"]
    )
    assert first in space.kubectl("get", "lp", "daily")
    assert space.run("by-hand", run_of("daily"))["status"]["inputs"]["city"] == "Oslo"


def test_an_old_version_runs_with_the_workflow_that_it_had(space: Space) -> None:
    """Though the workflow moved on, and though another version is active."""
    space.offer(spec=workflow(backoffLimit=0))
    first = space.plan("daily")["status"]["activeVersion"]
    space.replace(WORKFLOW_DEFINITIONS, "report", workflow(backoffLimit=4))
    moved = space.until(LAUNCH_PLANS, "daily", lambda obj: obj["status"]["activeVersion"] != first)
    space.run("old", {"launchPlanRef": {"name": "daily", "version": first}})
    space.run("new", run_of("daily"))
    assert [space.read(JOBS, name)["spec"]["backoffLimit"] for name in ("old", "new")] == [0, 4]
    assert [each["version"] for each in moved["status"]["versions"]] == [first, moved["status"]["activeVersion"]]


def test_a_versions_name_needs_the_workflows_and_is_refused_without(space: Space) -> None:
    """The API server itself says so, at apply."""
    reply = space.ask("POST", LAUNCH_PLANS, None, manifest(plan(version="v1")))
    assert reply.status == 422
    assert "needs workflowRef.version" in reply.body["message"]


def manifest(spec: Object) -> Object:
    """Return a plan as it is sent."""
    return {
        "apiVersion": LAUNCH_PLANS.api_version,
        "kind": LAUNCH_PLANS.kind,
        "metadata": {"name": "daily"},
        "spec": spec,
    }


def test_a_taken_version_is_a_conflict_that_names_the_fields(space: Space) -> None:
    """The last good one stays in force until the version has another name."""
    name_workflow(space, "w1")
    space.plan("daily", schedule=NEVER, **NAMED)
    space.edit(LAUNCH_PLANS, "daily", spec={"defaultInputs": {"city": "Rome"}, "timeout": "5m"})
    message = condition(space.stalled(LAUNCH_PLANS, "daily", "VersionConflict"), "Ready")["message"]
    assert "spec.version: found version 'v1' with other content" in message
    assert "spec.defaultInputs.city, spec.timeout" in message
    assert scheduled_city(space) == "Oslo"
    assert edit(space, version="v2")["status"]["activeVersion"] == "v2"
    assert scheduled_city(space) == "Rome"


def test_a_workflows_taken_version_is_a_conflict_and_its_plans_go_on(space: Space) -> None:
    """A new name, or the old content, mends it."""
    name_workflow(space, "w1")
    space.plan("daily", schedule=NEVER, **NAMED)
    space.replace(WORKFLOW_DEFINITIONS, "report", workflow(backoffLimit=5) | {"version": "w1"})
    space.stalled(WORKFLOW_DEFINITIONS, "report", "VersionConflict")
    space.stalled(LAUNCH_PLANS, "daily", "WorkflowInvalid")
    space.run("by-hand", run_of("daily"))
    assert space.read(JOBS, "by-hand")["spec"]["backoffLimit"] == 0
    name_workflow(space, "w2", backoffLimit=5)
    space.ready(LAUNCH_PLANS, "daily", "Active")


def test_a_forged_version_never_runs(space: Space, operator: OperatorProcess) -> None:
    """The hash in the plan's status decides, not what lies under the revision's name."""
    space.offer()
    first = space.plan("daily", schedule=NEVER)["status"]["activeVersion"]
    now = edit(space, defaultInputs={"city": "Rome"})
    name = revision_of(now, first)
    forged = space.read(CONTROLLER_REVISIONS, name)
    space.delete(CONTROLLER_REVISIONS, name)
    forged["data"]["workflow"]["spec"]["job"]["backoffLimit"] = 6
    forged["metadata"] = {key: forged["metadata"][key] for key in ("name", "labels", "ownerReferences")}
    assert space.ask("POST", CONTROLLER_REVISIONS, None, forged).ok
    operator.stop()
    operator.start()
    operator.await_ready()
    space.edit(LAUNCH_PLANS, "daily", spec={"activeVersion": first})
    message = condition(space.stalled(LAUNCH_PLANS, "daily", "RevisionTampered"), "Ready")["message"]
    assert name in message
    assert scheduled_city(space) == "Rome"
    rejected = space.run("by-name", {"launchPlanRef": {"name": "daily", "version": first}}, "Rejected")
    assert rejected["status"]["error"]["code"] == "RevisionTampered"


def test_a_relaunch_is_the_earlier_run_once_more(space: Space) -> None:
    """With its caller's inputs and its version, though the plan has a newer one."""
    space.offer()
    first = space.plan("daily")["status"]["activeVersion"]
    space.run("first", run_of("daily", inputs={"days": 2}))
    edit(space, defaultInputs={"city": "Rome"})
    status = space.run("again", run_of("daily", relaunchOf="first"))["status"]
    assert status["inputs"] == {"city": "Oslo", "days": 2}
    assert (status["launchPlanVersion"], status["origin"]) == (first, {"type": "Relaunch"})


def test_versions_go_with_their_plan(space: Space) -> None:
    """The garbage collector removes them; nothing of ours stands in the way."""
    space.offer()
    space.plan("daily")
    edit(space, defaultInputs={"city": "Rome"})
    assert len(space.names(CONTROLLER_REVISIONS)) == 2
    space.delete(LAUNCH_PLANS, "daily")
    for name in space.names(CONTROLLER_REVISIONS):
        space.gone(CONTROLLER_REVISIONS, name, 90)


def test_versions_can_be_orphaned_and_labelled(space: Space) -> None:
    """The API server takes no patch of other things for a change of their data, whatever characters it has."""
    space.offer()
    inputs = {"city": "<Ålesund> & \u2028\U0001f600", "days": 3}
    first = space.plan("daily", defaultInputs=inputs)["status"]["activeVersion"]
    name = revision_of(space.read(LAUNCH_PLANS, "daily"), first)
    assert "labeled" in space.kubectl("label", "controllerrevision", name, "team=a")
    space.kubectl("delete", "lp", "daily", "--cascade=orphan", "--timeout=60s")
    left = space.read(CONTROLLER_REVISIONS, name)
    assert "ownerReferences" not in left["metadata"]
    assert space.plan("daily", defaultInputs=inputs)["status"]["activeVersion"] == first
