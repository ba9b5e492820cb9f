"""Run settings over an in-memory API server: what reaches a Job, and what a workflow's author can take back."""

from typing import Any

from launchplan_operator.api.defaults import RunDefaults
from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.settings import Settings
from tests.fake.virtual import virtual_time
from tests.reconcile.world import World, plan, run, workflow

ALLOW = {"env": ["MODE"], "serviceAccounts": ["loader"], "podLabels": ["team"]}
ASKING: dict[str, Any] = {"env": [{"name": "MODE", "value": "fast"}], "identity": {"serviceAccountName": "loader"}}


async def world_of(allow: dict[str, Any], cron: str | None = None, **spec: Any) -> World:
    """Return a world with a workflow that allows something, and a plan over it."""
    world = World()
    world.create(workflow(allow=allow))
    world.create(plan(cron, **spec))
    await world.start()
    return world


def error_of(world: World, name: str = "by-hand") -> tuple[str, str, str]:
    """Return phase, code and message of a run that was refused."""
    status = world.get(LAUNCH_PLAN_EXECUTIONS, name)["status"]
    return status["phase"], status["error"]["code"], status["error"]["message"]


def template_of(job: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return metadata and spec of a Job's pod template."""
    return job["spec"]["template"]["metadata"], job["spec"]["template"]["spec"]


@virtual_time
async def test_a_run_that_asks_for_what_is_not_allowed_is_rejected_and_starts_nothing() -> None:
    world = await world_of(ALLOW)
    # Of what is as old as the operator an earlier one may have known: its name would be occupied.
    await world.advance(10)
    world.create(run(identity={"serviceAccountName": "root"}, env=[{"name": "PATH"}]))
    await world.settle()
    phase, code, message = error_of(world)
    assert (phase, code) == ("Rejected", "NotPermitted")
    assert "spec.identity.serviceAccountName: found the ServiceAccount 'root'" in message
    assert "spec.env[PATH]: found the environment variable 'PATH'" in message
    assert world.names(JOBS) == []


@virtual_time
async def test_a_run_of_a_bare_workflow_asks_its_workflow_alike() -> None:
    world = await world_of(ALLOW)
    reference = {"kind": "WorkflowDefinition", "name": "greet"}
    world.create(run("denied", launchPlanRef=reference, inputs={"name": "x"}, env=[{"name": "PATH"}]))
    world.create(run("allowed", launchPlanRef=reference, inputs={"name": "x"}, env=[{"name": "MODE", "value": "y"}]))
    await world.settle()
    assert error_of(world, "denied")[:2] == ("Rejected", "NotPermitted")
    _, pod = template_of(world.get(JOBS, "allowed"))
    assert {"name": "MODE", "value": "y"} in pod["containers"][0]["env"]


@virtual_time
async def test_a_runs_settings_take_the_place_of_its_plans() -> None:
    world = await world_of(ALLOW, labels={"team": "plan", "cost": "x"}, timeout="1h", **ASKING)
    world.create(run("as-planned"))
    world.create(run("otherwise", labels={"team": "run"}, timeout="5m", env=[{"name": "MODE", "value": "slow"}]))
    await world.settle()
    for name, team, mode, seconds in (("as-planned", "plan", "fast", 3600), ("otherwise", "run", "slow", 300)):
        job = world.get(JOBS, name)
        metadata, pod = template_of(job)
        assert (metadata["labels"]["team"], job["metadata"]["labels"]["team"]) == (team, team)
        assert "cost" not in metadata["labels"]
        assert {"name": "MODE", "value": mode} in pod["containers"][0]["env"]
        assert (pod["serviceAccountName"], job["spec"]["activeDeadlineSeconds"]) == ("loader", seconds)


@virtual_time
async def test_a_plan_whose_workflow_stops_allowing_starts_nothing_more_until_it_allows_again() -> None:
    world = await world_of(ALLOW, "* * * * *", **ASKING)
    await world.advance(70)
    assert len(world.names(JOBS)) == 1
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": ["MODE"], "serviceAccounts": []})
    await world.advance(10)
    assert world.ready() == ("False", "True", "NotPermitted")
    assert world.names(CRON_JOBS) == []
    world.create(run())
    await world.settle()
    assert error_of(world)[:2] == ("Rejected", "PlanInvalid")
    assert "NotPermitted" in error_of(world)[2]
    await world.advance(180)
    assert len(world.names(JOBS)) == 1
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow=ALLOW)
    await world.advance(10)
    assert world.ready() == ("True", "False", "Active")
    assert world.names(CRON_JOBS) == ["hello"]


@virtual_time
async def test_an_edit_that_breaks_the_workflow_takes_a_permission_back_all_the_same() -> None:
    world = await world_of(ALLOW, "* * * * *", **ASKING)
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": [], "serviceAccounts": []}, container="gone")
    await world.advance(10)
    assert world.ready() == ("False", "True", "WorkflowInvalid")
    assert world.names(CRON_JOBS) == []


@virtual_time
async def test_a_plan_that_asks_for_more_than_is_allowed_says_so() -> None:
    world = await world_of({"env": ["MODE"]}, env=[{"name": "SEED"}])
    assert world.ready() == ("False", "True", "NotPermitted")
    ready = world.status["conditions"][0]
    assert "spec.env[SEED]" in ready["message"]
    assert "spec.allow.env" in ready["message"]
    world.edit(LAUNCH_PLANS, "hello", env=[{"name": "MODE"}])
    await world.settle()
    assert world.ready() == ("True", "False", "Active")


@virtual_time
async def test_the_operators_defaults_hold_where_nobody_says_otherwise_and_as_far_as_they_are_allowed() -> None:
    world = World()
    defaults = {
        "labels": {"team": "all"},
        "timeout": "10m",
        "env": [{"name": "MODE", "value": "default"}, {"name": "SEED", "value": "1"}],
        "identity": {"serviceAccountName": "root"},
    }
    world.settings = Settings(defaults=RunDefaults.model_validate(defaults))
    world.create(workflow(allow=ALLOW))
    world.create(plan(timeout="20m"))
    await world.start()
    job = world.get(CRON_JOBS, "hello")["spec"]["jobTemplate"]
    metadata, pod = template_of(job)
    assert (job["metadata"]["labels"]["team"], metadata["labels"]["team"]) == ("all", "all")
    assert job["spec"]["activeDeadlineSeconds"] == 1200
    env = {entry["name"]: entry.get("value") for entry in pod["containers"][0]["env"]}
    assert env["MODE"] == "default"
    assert "SEED" not in env
    assert "serviceAccountName" not in pod


@virtual_time
async def test_a_workflow_is_tried_with_its_placement_of_interruptible_runs() -> None:
    world = World()
    world.create(workflow(interruptible={"nodeSelector": {"pool": "spot"}, "tolerations": [{"key": "spot"}]}))
    world.create(plan(None))
    await world.start()
    tried = next(call for call, _ in world.api.log if call.request.query.get("dryRun"))
    assert tried.request.body is not None
    assert template_of(tried.request.body)[1]["nodeSelector"] == {"pool": "spot"}
    world.create(run("spot", interruptible=True))
    world.create(run("steady"))
    await world.settle()
    assert template_of(world.get(JOBS, "spot"))[1]["tolerations"] == [{"key": "spot"}]
    assert "nodeSelector" not in template_of(world.get(JOBS, "steady"))[1]
