"""The operator dies at each write of a run through a reference, or the server answers wrongly: neither side is left alone."""

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, REFERENCE_LAUNCH_PLANS
from launchplan_operator.decide.progress import is_terminal
from launchplan_operator.render import labels
from tests.fake.store import Object
from tests.fake.virtual import run_virtual, seeded
from tests.reconcile.neighbours import ALL, ASKING, Neighbours, asked, reference
from tests.reconcile.test_faults import ANSWERS, chance
from tests.reconcile.world import NAMESPACE, crash_at, plan, run, workflow

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS
ENDLESS = 60
#: Seconds that the operator stays away.
AWAY = (1, 40, 400)
#: Seconds after which nothing is stuck any more.
REST = 60
MIRRORED = ("phase", "startTime", "completionTime", "outputs")

Story = Callable[[Neighbours], Awaitable[None]]


async def a_run_goes_to_its_end(world: Neighbours) -> None:
    world.ask(asked(inputs={"name": "Ada"}))
    await world.advance(8)


async def a_run_is_terminated(world: Neighbours) -> None:
    world.pods_end = False
    world.ask(asked())
    await world.advance(5)
    world.change(EXECUTIONS, "asked", terminate={"cause": "enough"})
    await world.advance(10)


async def a_run_is_deleted(world: Neighbours) -> None:
    world.pods_end = False
    world.ask(asked())
    await world.advance(5)
    world.drop(EXECUTIONS, "asked")
    await world.advance(10)


async def the_other_one_is_deleted(world: Neighbours) -> None:
    world.pods_end = False
    world.ask(asked())
    await world.advance(5)
    for remote in world.remotes():
        world.delete(EXECUTIONS, remote["metadata"]["name"])
    await world.advance(10)


async def consent_is_withdrawn_while_one_runs_and_one_waits(world: Neighbours) -> None:
    world.edit(LAUNCH_PLANS, "hello", concurrency={"max": 1, "behavior": "Queue"})
    world.pods_end = False
    world.ask(asked())
    world.ask(asked("waiting"))
    await world.advance(5)
    world.edit(LAUNCH_PLANS, "hello", allowReferencesFrom=None)
    await world.advance(5)
    world.pods_end = True
    await world.advance(5)


async def the_plan_is_made_anew_with_another_interface(world: Neighbours) -> None:
    world.pods_end = False
    world.ask(asked())
    await world.advance(5)
    world.delete(LAUNCH_PLANS, "hello")
    world.create(plan(None, allowReferencesFrom=ALL, fixedInputs={"times": 2}))
    world.ask(asked("second"))
    world.pods_end = True
    await world.advance(5)


async def another_version_is_activated(world: Neighbours) -> None:
    world.ask(asked())
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"name": "moon"})
    world.ask(asked("second"))
    await world.advance(8)


STORIES: list[Story] = [
    a_run_goes_to_its_end,
    a_run_is_terminated,
    a_run_is_deleted,
    the_other_one_is_deleted,
    consent_is_withdrawn_while_one_runs_and_one_waits,
    the_plan_is_made_anew_with_another_interface,
    another_version_is_activated,
]


async def populate(world: Neighbours) -> None:
    world.create(workflow())
    world.create(plan(None, allowReferencesFrom=ALL))
    world.ask(reference())
    await world.start()


async def tell(story: Story, write: int, *, applied: bool, away: float) -> bool:
    """Tell the story with a crash at a write and an operator that returns `away` seconds later."""
    world = Neighbours()
    await populate(world)
    crashed = crash_at(world, write, applied=applied)
    await story(world)
    died = crashed()
    world.api.faults = lambda _call: None
    world.pods_end = True
    if died:
        await world.crash()
        await world.advance(away, min(away, 5))
        await world.start()
    await world.advance(REST, 5)
    await check(world)
    return died


async def check(world: Neighbours) -> None:
    """Assert from Jobs, pods and executions alone that both sides of each run ended together."""
    assert max(world.jobs_made.values(), default=1) == 1, f"a Job was made twice: {world.jobs_made}"
    locals_ = [each for each in world.all(EXECUTIONS) if labels.is_through_reference(each)]
    for each in locals_:
        check_local(world, each)
    for remote in world.remotes():
        check_remote(world, remote)
    jobs = [job for job in world.all(JOBS) if not labels.is_tombstone(job)]
    assert {job["metadata"]["namespace"] for job in jobs} <= {NAMESPACE}
    mark = len(world.api.log)
    before = world.see(REFERENCE_LAUNCH_PLANS, "theirs")["status"]
    await world.crash()
    await world.start()
    assert world.writes_since(mark) == [], "the cluster was not at rest"
    assert world.see(REFERENCE_LAUNCH_PLANS, "theirs")["status"] == before


def check_local(world: Neighbours, local: Object) -> None:
    status = local.get("status") or {}
    noted = status.get("remote") or {}
    remote = world.api.store.get(EXECUTIONS, (NAMESPACE, noted["name"])) if noted else None
    waits = status["phase"] == "Queued" and (not noted or (remote is not None and waits_for_another(remote)))
    assert is_terminal(status) or waits, f"{local['metadata']['name']} is stuck: {status}"
    if remote is None:
        return
    assert remote["metadata"]["uid"] == noted["uid"]
    shown = {field: status.get(field) for field in MIRRORED}
    assert shown == {field: remote["status"].get(field) for field in MIRRORED}


def check_remote(world: Neighbours, remote: Object) -> None:
    status, marks = remote.get("status") or {}, remote["metadata"]["labels"]
    assert is_terminal(status) or waits_for_another(remote), f"{remote['metadata']['name']} is stuck: {status}"
    asking = world.api.store.get(EXECUTIONS, (ASKING, marks[labels.FROM_EXECUTION]))
    # One that was deleted may have been there while the work was done.
    if asking is None or asking["metadata"]["uid"] != marks[labels.FROM_UID]:
        return
    noted = (asking.get("status") or {}).get("remote") or {}
    if noted.get("uid") != remote["metadata"]["uid"]:
        assert "jobRef" not in status, "work was done that nobody counts on"


def waits_for_another(run: Object) -> bool:
    """Tell whether a run waits for what another object's arrival would mend, and says so."""
    return any((c["type"], c["status"]) == ("Accepted", "Unknown") for c in run["status"].get("conditions", ()))


@pytest.mark.parametrize("applied", [False, True], ids=["before the server did it", "after the server did it"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.replace("_", " "))
def test_a_crash_at_any_write_leaves_neither_side_alone(story: Story, *, applied: bool) -> None:
    write = 1
    while run_virtual(tell(story, write, applied=applied, away=AWAY[write % 3])):
        write += 1
        assert write < ENDLESS
    assert write > 4, "the story had hardly a write"


async def live_through(story: Story, seed: int, seen: Counter[str]) -> None:
    """Tell a story while calls go wrong and watches break, then let the cluster rest."""
    world, rng = Neighbours(), seeded(seed)
    world.api.faults = chance(rng, seen)
    await populate(world)
    world.ask(asked("earlier"))
    await world.advance(rng.randrange(1, 40))
    world.api.break_watches()
    await story(world)
    world.create(run())
    world.api.break_watches()
    await world.advance(rng.randrange(1, 40))
    world.pods_end = True
    world.api.faults = lambda _call: None
    # Calls that hang end after 30 s, back-off reaches 60 s, and a watch that hangs is given up after 315 s.
    await world.advance(330, 5)
    await check(world)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__.replace("_", " "))
def test_faults_of_every_kind_leave_neither_side_alone(story: Story) -> None:
    seen: Counter[str] = Counter()
    for seed in range(12):
        try:
            run_virtual(live_through(story, seed, seen))
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
    assert set(seen) <= {str(answer) for answer in ANSWERS}
    assert len(seen) >= 5, "hardly a fault struck"
