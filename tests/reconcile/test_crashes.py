"""The operator dies at each of its writes in turn, before or after the server did it; nothing is lost or doubled."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    EVENTS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
)
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.decide.versions import read_snapshot, revision_name
from launchplan_operator.render.labels import controller_of
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.fake.virtual import START, run_virtual, virtual_now
from tests.reconcile.world import World, crash_at, plan, run, workflow

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS
#: More writes than any story makes: reaching it means that crashes never run out.
ENDLESS = 60
#: Seconds between two looks of the cluster's controllers.
STEP = 5
#: Seconds that the operator stays away: no slot passes, one does, and some get late.
AWAY = (1, 90, 400)

Story = Callable[[World], Awaitable[None]]


async def a_plan_is_made_and_fires(world: World) -> None:
    world.create(workflow())
    world.create(plan())
    await world.advance(130, STEP)


async def a_schedule_is_edited(world: World) -> None:
    await a_plan_is_made_and_fires(world)
    world.edit(LAUNCH_PLANS, "hello", schedule={"cron": "*/2 * * * *"})
    await world.advance(130, STEP)


async def a_plan_is_suspended_and_resumed(world: World) -> None:
    await a_plan_is_made_and_fires(world)
    world.edit(LAUNCH_PLANS, "hello", suspend=True)
    await world.advance(70, STEP)
    world.edit(LAUNCH_PLANS, "hello", suspend=False)
    await world.advance(70, STEP)


async def a_cronjob_is_deleted_by_hand(world: World) -> None:
    await a_plan_is_made_and_fires(world)
    if "hello" in world.names(CRON_JOBS):
        world.delete(CRON_JOBS, "hello", "Orphan")
    await world.advance(70, STEP)


async def a_template_changes(world: World) -> None:
    await a_plan_is_made_and_fires(world)
    world.edit(LAUNCH_PLANS, "hello", fixedInputs={"times": 2})
    await world.advance(70, STEP)


async def a_version_is_rolled_back_and_forward(world: World) -> None:
    world.create(workflow(version="w1"))
    world.create(plan(version="v1", workflowRef={"name": "greet", "version": "w1"}))
    await world.advance(70, STEP)
    world.edit(LAUNCH_PLANS, "hello", version="v2", schedule={"cron": "*/2 * * * *"}, fixedInputs={"times": 2})
    await world.advance(20, STEP)
    world.edit(LAUNCH_PLANS, "hello", activeVersion="v1")
    await world.advance(70, STEP)
    world.create(run("of-v1", launchPlanRef={"name": "hello", "version": "v1"}))
    await world.advance(5)
    world.edit(LAUNCH_PLANS, "hello", activeVersion=None)
    await world.advance(70, STEP)


async def a_person_starts_and_ends_runs(world: World) -> None:
    world.create(workflow())
    world.create(plan(None))
    world.create(run("one", inputs={"name": "Ada"}))
    await world.advance(3)
    world.create(run("two"))
    world.edit(EXECUTIONS, "two", terminate={"cause": "changed my mind"})
    world.create(run("three", inputs={"nome": "typo"}))
    await world.advance(10)


STORIES: list[Story] = [
    a_plan_is_made_and_fires,
    a_schedule_is_edited,
    a_plan_is_suspended_and_resumed,
    a_cronjob_is_deleted_by_hand,
    a_template_changes,
    a_version_is_rolled_back_and_forward,
    a_person_starts_and_ends_runs,
]


async def tell(story: Story, write: int, *, applied: bool, away: float) -> bool:
    """Tell the story with a crash at a write and an operator that returns `away` seconds later."""
    world = World()
    await world.start()
    crashed = crash_at(world, write, applied=applied)
    await story(world)
    died = crashed()
    world.api.faults = lambda _call: None
    if died:
        await world.crash()
        await world.advance(away, min(away, STEP))
        await world.start()
    await world.advance(130, STEP)
    # Look at a moment between two slots, when every run has ended.
    await world.advance((90 - virtual_now().second) % 60, 1)
    check(world)
    return died


def check(world: World) -> None:
    """Assert from Jobs and executions alone that every run ended, once, and is known."""
    assert max(world.jobs_made.values(), default=1) == 1, f"a Job was made twice: {world.jobs_made}"
    executions = {e["metadata"]["name"]: e for e in world.all(EXECUTIONS)}
    unended = [name for name, e in executions.items() if not is_terminal(e.get("status") or {})]
    assert unended == [], "an execution never ended"
    # A Job that a person orphaned before it was seen has no provenance left: it is known by its name alone.
    owned = {job["metadata"]["name"] for job in world.all(JOBS) if job["metadata"].get("ownerReferences")}
    assert owned <= set(executions), "a Job has no record"
    unowned = {job["metadata"]["name"] for job in world.all(JOBS)} - owned
    assert not unowned & set(executions), "a recorded Job would be left behind"
    status = world.status
    assert world.ready() == ("True", "False", "Active")
    assert status["observedGeneration"] == world.get(LAUNCH_PLANS, "hello")["metadata"]["generation"]
    phases = [e["status"]["phase"] for e in executions.values()]
    counts = status.get("counts", {})
    for field, phase in (("succeeded", "Succeeded"), ("aborted", "Aborted"), ("rejected", "Rejected")):
        assert counts.get(field, 0) == phases.count(phase), f"{field}: {counts} for {phases}"
    assert counts.get("failed", 0) == 0
    check_slots(world)
    check_versions(world)


def check_versions(world: World) -> None:
    """Assert that every version that the status lists can be run: its revision is there, with its very hash."""
    kept = {each["metadata"]["name"]: read_snapshot(each["data"]) for each in world.all(CONTROLLER_REVISIONS)}
    for known in world.status["versions"]:
        snapshot = kept[revision_name("hello", known["hash"])]
        assert snapshot is not None
        assert (snapshot.version, snapshot.hash) == (known["version"], known["hash"])


def check_slots(world: World) -> None:
    """Assert that every slot of the schedule in force ended in one way: a Job, or a count that says otherwise."""
    schedule = world.status.get("schedule")
    if schedule is None:
        assert world.names(CRON_JOBS) == []
        return
    cronjob = world.get(CRON_JOBS, "hello")
    assert cronjob["metadata"]["uid"] == schedule["cronJob"]["uid"]
    every = 120 if cronjob["spec"]["schedule"].startswith("*/2") else 60
    since = datetime.fromisoformat(schedule["since"])
    first = -(-int(since.timestamp() + 1) // every) * every
    # The last slot may be a moment old.
    last = int(virtual_now().timestamp()) - STEP
    slots = {f"hello-{seconds // 60}" for seconds in range(first, last, every)}
    lost = slots - set(world.names(EXECUTIONS)) - set(world.names(JOBS))
    counts = world.status["counts"]
    # What an earlier schedule lost is counted for ever, and told of while it is among the last decisions.
    earlier = [
        each for each in world.status.get("decisions", ()) if "slot" in each and each["slot"] <= schedule["since"]
    ]
    counted = counts.get("missed", 0) + counts.get("unknown", 0) - len(earlier)
    assert len(lost) == counted, f"lost {lost}, counted {counts}, earlier {earlier}"


@pytest.mark.parametrize("applied", [False, True], ids=["before the server did it", "after the server did it"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.replace("_", " "))
def test_a_crash_at_any_write_loses_and_doubles_nothing(story: Story, *, applied: bool) -> None:
    write = 1
    while run_virtual(tell(story, write, applied=applied, away=AWAY[write % 3])):
        write += 1
        assert write < ENDLESS
    assert write > 1, "the story had no write at all"


def test_the_clock_of_these_stories_begins_at_a_full_minute() -> None:
    assert datetime(2026, 1, 1, tzinfo=UTC) == START


async def gone_while_the_schedule_changed(away: float) -> World:
    """Edit the schedule, die between its announcement and the deletion of the CronJob, and come back."""
    world = World()
    world.create(workflow())
    world.create(plan("0 0 1 1 *"))
    await world.start()
    world.api.faults = lambda call: Fault(Lost.HANGS) if call.verb == "delete" else None
    world.edit(LAUNCH_PLANS, "hello", schedule={"cron": "* * * * *"})
    await world.advance(15)
    await world.crash()
    assert world.status["schedule"]["replacing"] == world.get(CRON_JOBS, "hello")["metadata"]["uid"]
    world.api.faults = lambda _call: None
    await world.advance(away)
    await world.start()
    await world.advance(10)
    return world


def test_slots_that_come_while_a_schedule_changes_are_started_if_still_on_time() -> None:
    async def story() -> None:
        world = await gone_while_the_schedule_changed(120)
        uid = world.get(CRON_JOBS, "hello")["metadata"]["uid"]
        controllers = {(controller_of(job) or {})["uid"] for job in world.all(JOBS)}
        assert (len(world.all(JOBS)), controllers) == (2, {uid})
        assert [e["status"]["origin"]["type"] for e in world.all(EXECUTIONS)] == ["Schedule", "Schedule"]
        assert world.status["counts"] == {"started": 2, "succeeded": 2}

    run_virtual(story())


def test_slots_that_got_late_while_a_schedule_changed_are_missed_and_said_so() -> None:
    async def story() -> None:
        world = await gone_while_the_schedule_changed(400)
        assert world.status["counts"]["missed"] == 3
        assert {decision["outcome"] for decision in world.status["decisions"]} == {"Missed"}
        assert world.status["counts"]["succeeded"] == len(world.all(JOBS)) == 4

    run_virtual(story())


def test_a_deletion_that_nobody_told_ends_the_work_on_a_dead_plan() -> None:
    async def story() -> None:
        world = World()
        world.create(workflow())
        world.create(plan())
        await world.start()
        world.api.store.drop = lambda _watch, event, obj: (event, obj["kind"]) == ("DELETED", "LaunchPlan")
        world.delete(LAUNCH_PLANS, "hello")
        mark = len(world.api.log)
        for _ in range(60):
            await world.advance(5, STEP)
            world.api.collect_garbage()
        assert len(world.writes_since(mark)) <= 4, world.writes_since(mark)
        assert world.names(CRON_JOBS) == []

    run_virtual(story())


def die_after_the_delete(world: World) -> None:
    """Let the operator die once it has deleted a CronJob."""
    dead = False

    def fault(call: Call) -> Fault | None:
        nonlocal dead
        if not call.writes or call.kind == EVENTS:
            return None
        was_dead, dead = dead, dead or (call.verb, call.kind) == ("delete", CRON_JOBS)
        return Fault(Lost.HANGS, applied=not was_dead) if dead else None

    world.api.faults = fault


def test_a_plan_that_goes_on_while_its_cronjob_is_about_to_go_owes_every_slot_from_then_on() -> None:
    async def story() -> None:
        world = World()
        world.create(workflow())
        world.create(plan())
        await world.start()
        await world.advance(70, STEP)
        announced = crash_at(world, 1, applied=True)
        world.edit(LAUNCH_PLANS, "hello", suspend=True)
        await world.settle()
        await world.crash()
        assert announced()
        die_after_the_delete(world)
        world.edit(LAUNCH_PLANS, "hello", suspend=False, schedule={"cron": "* * * * *", "engine": "Operator"})
        resumed = instant_text(virtual_now())
        await world.start()
        await world.crash()
        world.api.faults = lambda _call: None
        await world.advance(300, STEP)
        await world.start()
        await world.advance(25, STEP)
        assert world.names(CRON_JOBS) == []
        assert world.status["schedule"]["since"] == resumed
        outcomes = {name: world.status["counts"].get(name, 0) for name in ("started", "missed")}
        assert outcomes == {"started": 1 + 4, "missed": 1}

    run_virtual(story())
