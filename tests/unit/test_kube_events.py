"""Events are deduplicated, bounded, and never waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from launchplan_operator.api.kinds import EVENTS
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.events import EventRecorder
from launchplan_operator.kube.transport import Object
from tests.fake import FakeApi, Fault, InProcessTransport
from tests.fake.virtual import virtual_now, virtual_time

PLAN: Object = {
    "apiVersion": "launchplan.dev/v1alpha1",
    "kind": "LaunchPlan",
    "metadata": {"name": "a", "namespace": "default", "uid": "u1", "resourceVersion": "7"},
}


class World:
    """A server and a recorder."""

    def __init__(self, buffer: int = 1000, remembered: int = 4096) -> None:
        self.api = FakeApi(clock=virtual_now)
        client = Client(InProcessTransport(self.api))
        self.recorder = EventRecorder(client, virtual_now, buffer=buffer, remembered=remembered)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[EventRecorder]:
        """Run the recorder."""
        task = asyncio.create_task(self.recorder.run())
        try:
            yield self.recorder
            await self.recorder.drained()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def events(self) -> list[Object]:
        """Return the server's events."""
        return self.api.store.of(EVENTS)


@virtual_time
async def test_an_event_says_what_it_is_about() -> None:
    """As kubectl describe shows it."""
    world = World()
    async with world.running() as recorder:
        recorder.record(PLAN, "Warning", "CronInvalid", "found 7")
    (event,) = world.events()
    assert event["involvedObject"] == {
        "apiVersion": "launchplan.dev/v1alpha1",
        "kind": "LaunchPlan",
        "name": "a",
        "namespace": "default",
        "uid": "u1",
        "resourceVersion": "7",
    }
    assert (event["type"], event["reason"], event["message"]) == ("Warning", "CronInvalid", "found 7")
    assert event["count"] == 1
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T00:00:00Z"
    assert event["source"] == {"component": "launchplan-operator"}


@virtual_time
async def test_a_repetition_within_ten_minutes_is_not_sent() -> None:
    """It is counted, and told with the next one that is sent."""
    world = World()
    async with world.running() as recorder:
        for _ in range(5):
            recorder.record(PLAN, "Warning", "CronInvalid", "found 7")
            await asyncio.sleep(100)
        assert len(world.api.writes()) == 1
        await asyncio.sleep(101)
        recorder.record(PLAN, "Warning", "CronInvalid", "found 7")
    (event,) = world.events()
    assert event["count"] == 6
    assert event["lastTimestamp"] == "2026-01-01T00:10:01Z"
    assert len(world.api.writes()) == 2


@virtual_time
async def test_other_objects_reasons_and_messages_are_other_events() -> None:
    """Only the same about the same is a repetition."""
    world = World()
    successor = PLAN | {"metadata": PLAN["metadata"] | {"uid": "u2"}}
    async with world.running() as recorder:
        recorder.record(PLAN, "Normal", "R", "m")
        recorder.record(successor, "Normal", "R", "m")
        recorder.record(PLAN, "Normal", "S", "m")
        recorder.record(PLAN, "Normal", "R", "n")
    assert len(world.events()) == 4


@virtual_time
async def test_an_event_that_the_server_forgot_is_made_again() -> None:
    """Servers keep events for an hour; a repetition after that is a new one."""
    world = World()
    async with world.running() as recorder:
        recorder.record(PLAN, "Normal", "R", "m")
        await asyncio.sleep(3600)
        name = world.events()[0]["metadata"]["name"]
        world.api.do("DELETE", EVENTS.path("default", name))
        recorder.record(PLAN, "Normal", "R", "m")
    (event,) = world.events()
    assert event["count"] == 2
    assert recorder.dropped == 0


@virtual_time
async def test_a_failure_drops_the_event_and_nothing_else() -> None:
    """The next event is sent."""
    world = World()
    faults = [Fault(503), Fault(403)]
    world.api.faults = lambda _call: faults.pop() if faults else None
    async with world.running() as recorder:
        for message in ("one", "two", "three"):
            recorder.record(PLAN, "Normal", "R", message)
    assert [event["message"] for event in world.events()] == ["three"]
    assert recorder.dropped == 2


@virtual_time
async def test_the_buffer_is_bounded() -> None:
    """What does not fit is dropped at once."""
    world = World(buffer=3)
    for number in range(10):
        world.recorder.record(PLAN, "Normal", "R", str(number))
    assert world.recorder.dropped == 7
    async with world.running():
        pass
    assert len(world.events()) == 3


@virtual_time
async def test_the_memory_of_events_is_bounded() -> None:
    """The longest unused is forgotten first."""
    world = World(remembered=2)
    async with world.running() as recorder:
        for message in ("one", "two", "one", "three", "one", "two"):
            recorder.record(PLAN, "Normal", "R", message)
            await asyncio.sleep(1)
    assert [event["message"] for event in world.events()].count("one") == 1
    assert len(world.events()) == 4


@virtual_time
async def test_long_messages_and_names_are_cut() -> None:
    """An event is never refused for its size."""
    world = World()
    named = PLAN | {"metadata": PLAN["metadata"] | {"name": "a" * 253}}
    async with world.running() as recorder:
        recorder.record(named, "Normal", "R", "x" * 5000)
    assert len(world.events()[0]["message"]) == 1024
    assert recorder.dropped == 0
