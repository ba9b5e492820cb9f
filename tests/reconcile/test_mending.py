"""What mends a mistake, as the conditions tell it, over an in-memory API server: where one object suffers from another."""

from typing import Any

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from tests.fake.faults import Fault
from tests.fake.routing import Call
from tests.fake.virtual import virtual_time
from tests.reconcile.world import World, plan, run, workflow

BARE = {"kind": "WorkflowDefinition", "name": "greet"}
QUOTA = "forbidden: exceeded quota: few, requested: count/cronjobs.batch=1"
ASKING: dict[str, Any] = {"env": [{"name": "MODE", "value": "fast"}]}


async def world_of(*objects: dict[str, Any]) -> World:
    """Return a world with these objects and an operator."""
    world = World()
    for obj in objects:
        world.create(obj)
    await world.start()
    return world


def remedy(world: World, kind: Kind = LAUNCH_PLAN_EXECUTIONS, name: str = "by-hand") -> str:
    """Return the command that the conditions of an object name; empty where there is none."""
    conditions = world.get(kind, name)["status"]["conditions"]
    told = {each["message"].partition(". To mend it, for example: ")[2] for each in conditions}
    return "".join(told)


@virtual_time
async def test_a_bare_run_of_an_invalid_workflow_is_made_again_after_it() -> None:
    broken = workflow(container="mian")
    world = await world_of(broken, run(launchPlanRef=BARE, inputs={"name": "Ada"}))
    assert remedy(world) == (
        """kubectl patch wfd greet -n default --type=merge -p '{"spec":{"container":"main"}}' && """
        "kubectl wait --for=condition=Ready wfd/greet -n default && "
        "kubectl launchplan run wfd/greet --input name=Ada -n default"
    )


@virtual_time
async def test_a_bare_run_of_another_version_is_made_again_without_one() -> None:
    world = await world_of(workflow(version="v2"), run(launchPlanRef=BARE | {"version": "v1"}))
    assert remedy(world) == "kubectl launchplan run wfd/greet --input name=example -n default"


@virtual_time
async def test_a_run_waits_for_a_plan_that_may_be_mended_and_names_what_mends_it() -> None:
    world = await world_of(workflow(), plan(None, activeVersion="v9", autoActivate=False), run())
    assert remedy(world).startswith('kubectl patch lp hello -n default --type=merge -p \'{"spec":{"activeVersion":')


@virtual_time
async def test_a_run_of_the_nearest_version_stands_in_for_one_of_none() -> None:
    pinned = plan(None, version="2026-1", workflowRef={"name": "greet", "version": "v1"})
    world = await world_of(workflow(version="v1"), pinned)
    world.create(run(launchPlanRef={"name": "hello", "version": "2026-l"}))
    await world.settle()
    assert remedy(world) == "kubectl launchplan run hello --version 2026-1 -n default"


@virtual_time
async def test_a_run_of_no_plan_has_no_command_where_none_is_near() -> None:
    world = await world_of(workflow(), plan(None), run(launchPlanRef={"name": "backup"}))
    assert world.ready(LAUNCH_PLAN_EXECUTIONS, "by-hand")[2] == "PlanNotFound"
    assert remedy(world) == ""


@virtual_time
async def test_a_pinned_version_that_may_not_ask_any_more_gives_way_to_the_newest() -> None:
    world = await world_of(workflow(allow={"env": ["MODE"]}), plan("0 9 * * *", **ASKING))
    first = world.status["activeVersion"]
    world.edit(LAUNCH_PLANS, "hello", env=None, activeVersion=first)
    await world.settle()
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": []})
    await world.settle()
    assert world.ready() == ("False", "True", "NotPermitted")
    newest = world.status["latestVersion"]
    assert newest != first
    assert remedy(world, LAUNCH_PLANS, "hello") == (
        f"""kubectl patch lp hello -n default --type=merge -p '{{"spec":{{"activeVersion":"{newest}"}}}}'"""
    )


@virtual_time
async def test_a_run_of_a_version_that_may_not_ask_any_more_gives_way_to_one_of_the_active() -> None:
    world = await world_of(workflow(allow={"env": ["MODE"]}), plan(None, **ASKING))
    asking = world.status["activeVersion"]
    world.edit(LAUNCH_PLANS, "hello", env=None)
    await world.settle()
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": []})
    await world.settle()
    world.create(run(launchPlanRef={"name": "hello", "version": asking}))
    world.create(run("own", env=[{"name": "MODE"}]))
    await world.settle()
    assert world.ready(LAUNCH_PLAN_EXECUTIONS, "by-hand") == ("False", "True", "NotPermitted")
    assert remedy(world) == "kubectl launchplan run hello -n default"
    assert remedy(world, name="own") == "kubectl launchplan run hello -n default"


@virtual_time
async def test_a_run_without_a_version_leaves_it_to_the_plan_to_ask_for_less() -> None:
    world = await world_of(workflow(allow={"env": ["MODE"]}), plan(None, **ASKING))
    world.edit(LAUNCH_PLANS, "hello", env=None, activeVersion=world.status["activeVersion"])
    await world.settle()
    world.edit(WORKFLOW_DEFINITIONS, "greet", allow={"env": []})
    await world.settle()
    world.create(run())
    await world.settle()
    assert world.ready(LAUNCH_PLAN_EXECUTIONS, "by-hand") == ("False", "True", "NotPermitted")
    assert remedy(world) == ""


@virtual_time
async def test_a_waiting_run_tells_all_that_it_waits_for() -> None:
    world = await world_of(plan(None, defaultInputs={"name": "a"}, fixedInputs={"name": "b"}), run())
    message = world.get(LAUNCH_PLAN_EXECUTIONS, "by-hand")["status"]["conditions"][0]["message"]
    assert ("InputInBoth" in message, "WorkflowNotFound" in message) == (True, True)


@virtual_time
async def test_a_quota_that_refuses_a_cronjob_is_shown_and_asked_again() -> None:
    world = await world_of(workflow())
    world.api.faults = _full(CRON_JOBS)
    world.create(plan("0 9 * * *"))
    await world.settle()
    assert world.ready()[2] == "JobRefused"
    assert remedy(world, LAUNCH_PLANS, "hello") == "kubectl describe resourcequota few -n default"
    world.api.faults = lambda _: None
    await world.advance(40)
    assert world.ready() == ("True", "False", "Active")
    assert world.names(CRON_JOBS) == ["hello"]


@virtual_time
async def test_a_quota_that_refuses_a_job_is_shown_while_the_run_waits() -> None:
    world = await world_of(workflow(), plan(None))
    world.api.faults = _full(JOBS)
    world.create(run())
    await world.settle()
    assert world.get(LAUNCH_PLAN_EXECUTIONS, "by-hand")["status"]["phase"] == "Queued"
    assert remedy(world) == "kubectl describe resourcequota few -n default"


def _full(kind: Kind) -> Any:
    def fault(call: Call) -> Fault | None:
        is_made = call.verb == "create" and call.kind == kind and not call.request.query.get("dryRun")
        return Fault(403, message=QUOTA) if is_made else None

    return fault
