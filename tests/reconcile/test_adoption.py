"""A plan takes over somebody's CronJob: every minute is one Job's, whoever made it, and what ran goes on."""

from datetime import timedelta
from typing import Any

import pytest

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from launchplan_operator.decide.schedule import slot_name
from launchplan_operator.render.labels import controller_of
from tests.fake.faults import Fault, Lost
from tests.fake.store import Object
from tests.fake.virtual import START, run_virtual, virtual_now
from tests.reconcile.world import NAMESPACE, World, crash_at, plan, workflow

ADOPT = {"launchplan.dev/adopt": "true"}
ENDLESS = 60
AWAY = (1, 90, 400)
OPERATOR = {"schedule": {"cron": "* * * * *", "engine": "Operator"}}


def old_cronjob(cron: str = "* * * * *", metadata: Object | None = None, **spec: Any) -> Object:
    """Return a person's CronJob of the plan's name, which keeps what it started."""
    about = {"name": "hello", "namespace": NAMESPACE} | (metadata or {})
    kept = {"successfulJobsHistoryLimit": 100, "failedJobsHistoryLimit": 100}
    job = {"jobTemplate": {"spec": workflow()["spec"]["job"]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": about,
        "spec": {"schedule": cron} | kept | job | spec,
    }


def adopting(**spec: Any) -> Object:
    """Return a plan of that name that asks to take over."""
    made = plan(**spec)
    return made | {"metadata": made["metadata"] | {"annotations": ADOPT}}


async def with_old_cronjob(**spec: Any) -> World:
    """Return a world in which the CronJob has fired twice, and the operator is at work."""
    world = World()
    world.create(workflow())
    world.create(old_cronjob(**spec))
    await world.advance(125, 5)
    await world.start()
    return world


def olds(world: World) -> dict[str, str]:
    """The Jobs that bear no mark of ours: the old CronJob's, by name."""
    jobs = [job for job in world.all(JOBS) if not job["metadata"].get("labels", {}).get("launchplan.dev/plan")]
    return {job["metadata"]["name"]: job["metadata"]["uid"] for job in jobs}


def minutes() -> list[str]:
    """The names of the slots of every full minute since the start, but for the last seconds."""
    now = virtual_now() - timedelta(seconds=5)
    return [
        slot_name("hello", START + timedelta(minutes=each)) for each in range(1, int((now - START).seconds / 60) + 1)
    ]


@pytest.mark.parametrize("spec", [{}, OPERATOR], ids=["a CronJob keeps the time", "the operator keeps the time"])
def test_it_is_taken_over_between_two_slots(spec: Object) -> None:
    """Each minute has its one Job; the old ones are the old CronJob's own, the new ones are runs of the plan."""

    async def story() -> None:
        world = await with_old_cronjob()
        before = olds(world)
        world.create(adopting(**spec))
        await world.advance(240, 5)
        await world.advance((40 - virtual_now().second) % 60)
        assert world.ready() == ("True", "False", "Active")
        assert {name: world.jobs_made[name] for name in minutes()} == dict.fromkeys(minutes(), 1)
        assert before.items() <= olds(world).items()
        runs = set(world.names(LAUNCH_PLAN_EXECUTIONS))
        assert runs == set(minutes()) - set(olds(world))
        assert world.status["counts"] == {"started": len(runs), "succeeded": len(runs)}
        assert bool(world.names(CRON_JOBS)) == (not spec)

    run_virtual(story())


def test_a_job_that_runs_runs_on() -> None:
    """It loses its owner, which would be deleted with its Jobs otherwise, and ends as it would have."""

    async def story() -> None:
        world = World()
        world.pods_end = False
        world.create(workflow())
        world.create(old_cronjob("*/10 * * * *"))
        await world.advance(605, 5)
        (running,) = world.all(JOBS)
        await world.start()
        world.create(adopting(schedule={"cron": "0 0 1 1 *"}))
        await world.advance(30)
        world.api.collect_garbage()
        assert (controller_of(world.get(CRON_JOBS, "hello")) or {}).get("kind") == "LaunchPlan"
        assert world.get(JOBS, running["metadata"]["name"])["metadata"]["uid"] == running["metadata"]["uid"]
        assert controller_of(world.get(JOBS, running["metadata"]["name"])) is None
        world.pods_end = True
        await world.advance(10)
        ended = world.get(JOBS, running["metadata"]["name"])
        assert ended["status"]["succeeded"] == 1
        assert world.names(LAUNCH_PLAN_EXECUTIONS) == []

    run_virtual(story())


async def tell(write: int, *, applied: bool, away: float, spec: Object) -> bool:
    """Take over with a crash at a write, and an operator that is back `away` seconds later."""
    world = await with_old_cronjob()
    before = olds(world)
    crashed = crash_at(world, write, applied=applied)
    world.create(adopting(**spec))
    await world.advance(150, 5)
    died = crashed()
    world.api.faults = lambda _call: None
    if died:
        await world.crash()
        await world.advance(away, min(away, 5))
        await world.start()
    await world.advance(150, 5)
    await world.advance((40 - virtual_now().second) % 60)
    check(world, before)
    return died


def check(world: World, before: dict[str, str]) -> None:
    """Assert that every minute has one outcome: the old CronJob's Job, a run, or a count that says otherwise."""
    assert max(world.jobs_made.values()) == 1, world.jobs_made
    assert world.ready() == ("True", "False", "Active")
    assert before.items() <= olds(world).items()
    runs, mine = set(world.names(LAUNCH_PLAN_EXECUTIONS)), set(olds(world))
    assert not runs & mine
    lost = set(minutes()) - runs - mine
    counts = world.status["counts"]
    assert len(lost) == counts.get("missed", 0) + counts.get("unknown", 0), (lost, counts)
    assert counts.get("rejected", 0) == 0
    assert counts["succeeded"] == len(runs)


@pytest.mark.parametrize("spec", [{}, OPERATOR], ids=["a CronJob keeps the time", "the operator keeps the time"])
@pytest.mark.parametrize("applied", [False, True], ids=["before the server did it", "after the server did it"])
def test_a_crash_at_any_write_of_it_loses_and_doubles_nothing(spec: Object, *, applied: bool) -> None:
    write = 1
    while run_virtual(tell(write, applied=applied, away=AWAY[write % 3], spec=spec)):
        write += 1
        assert write < ENDLESS
    assert write > 5


def test_what_it_starts_while_its_end_is_announced_and_nobody_is_there_is_its_own() -> None:
    """The operator dies after the announcement; the plan's schedule counts from a later one."""

    async def story() -> None:
        world = await with_old_cronjob()
        world.api.faults = lambda call: Fault(Lost.HANGS) if (call.verb, call.kind) == ("delete", CRON_JOBS) else None
        world.create(adopting())
        await world.advance(30, 5)
        first = world.status["schedule"]["since"]
        await world.crash()
        world.api.faults = lambda _call: None
        await world.advance(300, 5)
        await world.start()
        await world.advance(60, 5)
        assert world.status["schedule"]["since"] > first
        assert len(olds(world)) >= 7
        check(world, {})

    run_virtual(story())


KEPT: list[tuple[str, Object, str]] = [
    ("Argo CD keeps it", {"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "argocd.argoproj.io/tracking-id"),
    (
        "another operator controls it",
        {"ownerReferences": [{"apiVersion": "launchplan.dev/v1alpha1", "kind": "WorkflowDefinition", "name": "greet"}]},
        "WorkflowDefinition greet controls it",
    ),
]


@pytest.mark.parametrize(("metadata", "words"), [pytest.param(*each[1:], id=each[0]) for each in KEPT])
def test_what_somebody_would_bring_back_is_left_untouched_and_said_so(metadata: Object, words: str) -> None:
    async def story() -> None:
        world = World()
        uid = world.create(workflow())["metadata"]["uid"]
        for owner in metadata.get("ownerReferences", ()):
            owner.update(uid=uid, controller=True)
        old = world.create(old_cronjob("0 0 1 1 *", metadata))
        world.create(adopting())
        await world.start()
        await world.advance(70, 5)
        assert world.ready() == ("False", "True", "CronJobNameTaken")
        assert words in next(each for each in world.status["conditions"] if each["type"] == "Ready")["message"]
        assert world.get(CRON_JOBS, "hello")["metadata"]["resourceVersion"] == old["metadata"]["resourceVersion"]

    run_virtual(story())


@pytest.mark.parametrize("spec", [{"suspend": True}, {"autoActivate": False}], ids=["suspended", "inactive"])
def test_a_plan_that_starts_nothing_takes_nothing_over(spec: Object) -> None:
    """The old CronJob goes on until the plan does."""

    async def story() -> None:
        world = await with_old_cronjob()
        uid = world.get(CRON_JOBS, "hello")["metadata"]["uid"]
        world.create(adopting(**spec))
        await world.advance(70, 5)
        assert world.get(CRON_JOBS, "hello")["metadata"]["uid"] == uid
        world.edit(LAUNCH_PLANS, "hello", suspend=False, autoActivate=True)
        await world.advance(70, 5)
        await world.advance((40 - virtual_now().second) % 60)
        assert world.get(CRON_JOBS, "hello")["metadata"]["uid"] != uid
        check(world, {})

    run_virtual(story())
