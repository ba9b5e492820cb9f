"""The API server answers wrongly, late or never: the end is the same as if it had not."""

from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from launchplan_operator.api.canonical import canonical_json
from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.decide.versions import Snapshot, read_snapshot
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.fake.virtual import run_virtual, seeded, virtual_now
from tests.reconcile.test_crashes import STEP, check
from tests.reconcile.world import World, plan, run, workflow

#: Which answers a call may get instead of its own.
ANSWERS = (409, 429, 500, 503, 504, Lost.DROPPED, Lost.HANGS)
#: Seconds after which all that went wrong has been tried again.
REST = 330


def chance(rng: Random, seen: Counter[str]) -> Callable[[Call], Fault | None]:
    """Let every fifth call go wrong, half of them after the server did the work."""

    def fault(call: Call) -> Fault | None:
        if rng.random() > 0.2:
            return None
        answer = rng.choice(ANSWERS)
        # A conflict means that nothing was done, and only a write can have one.
        if answer == 409 and not call.writes:
            answer = 503
        applied = rng.random() < 0.5 and answer not in {409, 429}
        seen[str(answer)] += 1
        return Fault(answer, applied=applied, retry_after=rng.choice([None, 1]) if answer == 429 else None)

    return fault


Story = Callable[[World, Random], Awaitable[None]]


async def a_plan_is_edited_suspended_and_resumed(world: World, rng: Random) -> None:
    world.create(run("one", inputs={"name": "Ada"}))
    await world.advance(rng.randrange(60, 140), STEP)
    world.api.break_watches()
    edits: list[dict[str, Any]] = [{"schedule": {"cron": "*/2 * * * *"}}, {"fixedInputs": {"times": 2}}]
    world.edit(LAUNCH_PLANS, "hello", **rng.choice(edits))
    await world.advance(rng.randrange(5, 90), STEP)
    world.edit(LAUNCH_PLANS, "hello", suspend=True)
    await world.advance(rng.randrange(5, 90), STEP)
    world.edit(LAUNCH_PLANS, "hello", suspend=False)
    world.create(run("two"))
    world.edit(LAUNCH_PLAN_EXECUTIONS, "two", terminate={"cause": "enough"})
    world.api.break_watches()
    await world.advance(60, STEP)


async def versions_come_and_go(world: World, rng: Random) -> None:
    await world.advance(rng.randrange(5, 90), STEP)
    while not listed(world):
        await world.advance(STEP, STEP)
    # By its name a version can be run whatever the plan says meanwhile.
    world.create(run("one", launchPlanRef={"name": "hello", "version": listed(world)[0]}))
    for number in range(rng.randrange(3, 6)):
        switch(world, rng, number)
        if rng.random() < 0.3:
            world.api.break_watches()
        await world.advance(rng.randrange(0, 60), STEP)
    # An edit that is invalid, and one that mends it while the first may not even have been seen.
    world.edit(LAUNCH_PLANS, "hello", fixedInputs={"times": "many"})
    await world.advance(rng.randrange(0, 20), STEP)
    world.edit(LAUNCH_PLANS, "hello", fixedInputs={"times": 7}, activeVersion=rng.choice([None, *listed(world)]))
    await world.advance(30, STEP)


def switch(world: World, rng: Random, number: int) -> None:
    """Change what the plan or its workflow says, pin one of the plan's versions, let go of it, or run one by hand."""
    version = rng.choice([None, *listed(world)])
    match rng.randrange(6):
        case 0:
            world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": rng.choice(["moon", "sun"])})
        case 1:
            world.edit(LAUNCH_PLANS, "hello", schedule={"cron": rng.choice(["* * * * *", "*/2 * * * *"])})
        case 2:
            world.edit(WORKFLOW_DEFINITIONS, "greet", job={"backoffLimit": rng.randrange(3)})
        case 3 | 4:
            world.edit(LAUNCH_PLANS, "hello", activeVersion=version)
        case _:
            named = {"version": version} if version else {}
            world.create(run(f"of-{number}", launchPlanRef={"name": "hello"} | named))


def listed(world: World) -> list[str]:
    """Return the versions that the plan's status lists."""
    return [each["version"] for each in world.status.get("versions", ())]


def check_force(world: World) -> None:
    """Assert that what the spec asks for is in force, and that each run got what its version says."""
    spec, contents = world.get(LAUNCH_PLANS, "hello")["spec"], snapshots(world)
    active = world.status["activeVersion"]
    assert active == spec.get("activeVersion", listed(world)[-1])
    jobs = {each["metadata"]["name"]: each["spec"] for each in world.all(JOBS)}
    started = [each for each in world.all(LAUNCH_PLAN_EXECUTIONS) if each["metadata"]["name"] in jobs]
    for each in started:
        version = each["status"]["launchPlanVersion"]
        assert each["spec"]["launchPlanRef"].get("version", version) == version
        assert_is_of(jobs[each["metadata"]["name"]], contents[version], each["spec"].get("inputs", {}))
    for each in world.all(CRON_JOBS):
        assert_is_of(each["spec"]["jobTemplate"]["spec"], contents[active], {})


def assert_is_of(job: dict[str, Any], version: Snapshot, caller: dict[str, Any]) -> None:
    """Assert that a Job was made from a version: its inputs and its template."""
    inputs = {"times": 1, **version.spec["defaultInputs"], **caller, **version.spec.get("fixedInputs", {})}
    assert job["template"]["metadata"]["annotations"]["launchplan.dev/inputs"] == canonical_json(inputs)
    assert job["backoffLimit"] == version.workflow.spec["job"]["backoffLimit"]


def snapshots(world: World) -> dict[str, Snapshot]:
    """Return each version that is kept, by its name."""
    found = (read_snapshot(each["data"]) for each in world.all(CONTROLLER_REVISIONS))
    return {each.version: each for each in found if each is not None}


async def live_through(story: Story, seed: int, seen: Counter[str]) -> None:
    """Tell a story of a plan while calls go wrong and watches break, then let the cluster rest."""
    world, rng = World(), seeded(seed)
    world.api.faults = chance(rng, seen)
    world.create(workflow())
    world.create(plan())
    await world.start()
    await story(world, rng)
    world.api.faults = lambda _call: None
    # Calls that hang end after 30 s, back-off reaches 60 s, and a watch that hangs is given up after 315 s.
    await world.advance(REST, STEP)
    await world.advance((90 - virtual_now().second) % 60, 1)
    check(world)
    check_force(world)
    mark = len(world.api.log)
    world.cluster_moves = False
    await world.advance(20)
    assert world.writes_since(mark) == [], "the cluster does not rest"
    assert world.jobs_made["one"] == 1


@pytest.mark.parametrize("first", range(0, 40, 10))
@pytest.mark.parametrize(
    "story",
    [a_plan_is_edited_suspended_and_resumed, versions_come_and_go],
    ids=lambda story: story.__name__.replace("_", " "),
)
def test_faults_of_every_kind_change_nothing_in_the_end(story: Story, first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + 10):
        try:
            run_virtual(live_through(story, seed, seen))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    assert set(seen) == {str(answer) for answer in ANSWERS}, "a kind of fault never struck"


def test_a_job_that_the_server_made_though_the_answer_was_lost_is_the_runs_own() -> None:
    async def story() -> None:
        world = World()
        world.create(workflow())
        world.create(plan(None))
        await world.start()
        struck: list[str] = []

        def fault(call: Call) -> Fault | None:
            if call.verb == "create" and call.kind == JOBS and not struck:
                struck.append(call.verb)
                return Fault(Lost.DROPPED, applied=True)
            return None

        world.api.faults = fault
        world.create(run("one"))
        await world.advance(5)
        assert struck == ["create"]
        assert world.get(LAUNCH_PLAN_EXECUTIONS, "one")["status"]["phase"] == "Succeeded"
        assert world.jobs_made["one"] == 1

    run_virtual(story())
