"""The API server answers wrongly, late or never: the end is the same as if it had not."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call
from tests.fake.virtual import run_virtual, seeded, virtual_now
from tests.reconcile.test_crashes import STEP, check
from tests.reconcile.world import World, plan, run, workflow

#: Which answers a call may get instead of its own.
ANSWERS = (409, 429, 500, 503, 504, Lost.DROPPED, Lost.HANGS)


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


async def live_through(seed: int, seen: Counter[str]) -> None:
    """Make, run, edit, suspend and resume a plan while calls go wrong and watches break, then let the cluster rest."""
    world, rng = World(), seeded(seed)
    world.api.faults = chance(rng, seen)
    world.create(workflow())
    world.create(plan())
    await world.start()
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
    world.api.faults = lambda _call: None
    # Calls that hang end after 30 s, and back-off reaches 60 s.
    await world.advance(240, STEP)
    await world.advance((90 - virtual_now().second) % 60, 1)
    check(world)
    mark = len(world.api.log)
    world.cluster_moves = False
    await world.advance(20)
    assert world.writes_since(mark) == [], "the cluster does not rest"
    assert world.jobs_made["one"] == 1


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_faults_of_every_kind_change_nothing_in_the_end(first: int) -> None:
    seen: Counter[str] = Counter()
    for seed in range(first, first + 10):
        try:
            run_virtual(live_through(seed, seen))
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
