"""Kubernetes events: one for each transition of a run or a plan, however often it is looked at, by whichever process."""

from collections import Counter

from launchplan_operator.api.kinds import EVENTS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS
from tests.fake.virtual import virtual_time
from tests.reconcile.world import World, plan, run, workflow

Told = tuple[str, str, str]


def told(world: World) -> Counter[Told]:
    """Return how often each event was told: about what, of which type, for which reason."""
    events = world.all(EVENTS)
    return Counter(
        {
            (each["involvedObject"]["name"], each["type"], each["reason"]): each["count"]
            for each in sorted(events, key=lambda event: str(event["metadata"]["name"]))
        }
    )


@virtual_time
async def test_each_transition_is_one_event() -> None:
    """A run that is rejected, one that ends before it starts, one that fails; a new process tells nothing again."""
    world = World()
    world.create(workflow())
    world.create(plan(None, concurrency={"max": 1, "behavior": "Queue"}))
    await world.start()
    world.pods_end = False
    for name in ("fails", "waits"):
        world.create(run(name))
        await world.settle()
    world.create(run("unfit", inputs={"times": "often"}))
    await world.advance(10)
    world.edit(LAUNCH_PLAN_EXECUTIONS, "waits", terminate={"cause": "no longer wanted"})
    await world.advance(10)
    world.outcome, world.pods_end = {"message": "", "exit_code": 3}, True
    await world.advance(30)
    expected = {
        ("unfit", "Warning", "TypeMismatch"): 1,
        ("waits", "Normal", "Aborted"): 1,
        ("fails", "Warning", "JobFailed"): 1,
        # The plan tells of those of its runs that never started.
        ("hello", "Warning", "TypeMismatch"): 1,
        ("hello", "Warning", "Aborted"): 1,
    }
    assert told(world) == expected
    await world.crash()
    await world.start()
    await world.advance(30)
    assert told(world) == expected


@virtual_time
async def test_a_plan_that_stops_being_ready_is_one_event() -> None:
    """What repeats is counted, and sent at most every ten minutes."""
    world = World()
    world.create(workflow())
    world.create(plan(None))
    await world.start()
    for _ in range(3):
        world.edit(LAUNCH_PLANS, "hello", defaultInputs={"nmae": "x"})
        await world.advance(20)
        world.edit(LAUNCH_PLANS, "hello", defaultInputs={"nmae": None})
        await world.advance(20)
        assert told(world) == {("hello", "Warning", "UnexpectedInput"): 1}
    await world.advance(600, 20)
    world.edit(LAUNCH_PLANS, "hello", defaultInputs={"nmae": "x"})
    await world.advance(20)
    assert told(world) == {("hello", "Warning", "UnexpectedInput"): 4}
