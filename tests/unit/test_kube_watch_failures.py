"""No failure of lists and watches leaves the reflector's cache wrong for long."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from typing import Any
from unittest.mock import patch

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.kube.cache import Cache
from launchplan_operator.kube.client import Client, Listing
from tests.fake import Call, FakeApi, Fault, Lost
from tests.fake.following import World, following
from tests.fake.virtual import seeded, virtual_time


@virtual_time
async def test_a_list_that_expires_midway_begins_anew() -> None:
    """A 410 between two chunks loses nothing."""
    world = World()
    for number in range(600):
        world.create(f"p{number}")
    lists: list[Call] = []

    def compact_before_the_second_chunk(call: Call) -> None:
        if call.verb == "list":
            lists.append(call)
            if len(lists) == 2:
                world.create("late")
                world.api.store.compact()

    world.api.faults = compact_before_the_second_chunk
    async with following(world.reflector()):
        assert world.agrees()
    assert len(lists) == 4


@virtual_time
async def test_after_410_what_vanished_meanwhile_is_reported() -> None:
    """A place that is forgotten costs a list, and its difference is told."""
    world = World()
    for name in ("a", "b", "c"):
        world.create(name)
    async with following(world.reflector()):
        world.changes.clear()
        world.api.faults = lambda call: Fault(503) if call.verb == "watch" else None
        world.api.break_watches()
        world.delete("a")
        world.suspend("b")
        world.create("d")
        world.api.store.compact()
        await asyncio.sleep(1)
        assert not world.agrees()
        world.api.faults = lambda _call: None
        await asyncio.sleep(60)
        assert world.agrees()
    assert sorted(world.changes) == [("changed", "b"), ("gone", "a"), ("new", "d")]
    assert world.client.calls["list", "launchplans"] == 2


@virtual_time
async def test_events_lost_without_a_trace_are_mended_by_the_repair_list() -> None:
    """A watch that swallows events is caught up with within twelve minutes."""
    world = World()
    world.create("a")
    world.create("b")
    async with following(world.reflector()):
        world.api.store.drop = lambda _watch, _type, _obj: True
        world.delete("a")
        world.suspend("b")
        world.create("c")
        world.api.store.drop = lambda _watch, _type, _obj: False
        world.create("d")
        await asyncio.sleep(60)
        assert not world.agrees()
        await asyncio.sleep(665)
        assert world.agrees()
    assert ("gone", "a") in world.changes
    assert world.client.calls["list", "launchplans"] == 2


@virtual_time
async def test_no_failure_of_the_api_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    """Errors, throttling, broken and silent connections: it tries on, ever slower, and catches up."""
    world = World()
    faults = [
        Fault(500),
        Fault(503),
        Fault(429, retry_after=7),
        Fault(403),
        Fault(410),
        Fault(Lost.DROPPED),
        Fault(Lost.HANGS),
        Fault(401),
    ]
    world.api.faults = lambda _call: faults.pop() if faults else None
    async with following(world.reflector()):
        assert not faults
        world.create("a")
        faults += [Fault(Lost.DROPPED), Fault(500), Fault(429), Fault(403), Fault(410), Fault(Lost.DROPPED)]
        world.api.break_watches()
        await asyncio.sleep(200)
        assert not faults
        assert world.agrees()
    assert "following launchplans failed, trying again" in caplog.text


@virtual_time
async def test_an_outage_is_asked_about_with_back_off() -> None:
    """Half an hour of outage costs no storm of requests."""
    world = World()
    async with following(world.reflector()):
        world.api.faults = lambda _call: Fault(503)
        world.api.break_watches()
        await asyncio.sleep(1800)
        asked = world.client.calls["watch", "launchplans"] + world.client.calls["list", "launchplans"]
        assert asked < 140
        world.api.faults = lambda _call: None
        world.create("a")
        await asyncio.sleep(31)
        assert world.agrees()


@virtual_time
async def test_a_server_that_ends_every_watch_at_once_is_not_hammered() -> None:
    """A watch that ends immediately counts as a failure."""
    world = World()
    async with following(world.reflector()):
        world.api.faults = end_every_watch(world.api)
        world.api.break_watches()
        await asyncio.sleep(600)
        assert world.client.calls["watch", "launchplans"] < 60


@virtual_time
async def test_a_connection_that_died_silently_is_given_up() -> None:
    """If even the end of the watch does not arrive, it is opened anew."""
    world = World()
    async with following(world.reflector(watch_for=100.0)):
        world.api.store.drop = lambda _watch, _type, _obj: True
        for watch in world.api.store.watches():
            watch.wake = lambda: None
        world.api.store.drop = lambda _watch, _type, _obj: False
        world.create("a")
        await asyncio.sleep(120)
        assert world.agrees()


@virtual_time
async def test_an_object_that_cannot_be_projected_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """The odd one is logged and left out."""
    world = World()
    world.cache = Cache(project=lambda obj: obj | {"x": obj["metadata"]["labels"]["x"]})
    for name in ("a", "b", "c"):
        world.create(name, labels={} if name == "b" else {"x": "y"})
    async with following(world.reflector(on_change=None)):
        assert world.cache.keys() == [("default", "a"), ("default", "c")]
    assert "cannot take LaunchPlan ('default', 'b')" in caplog.text


@pytest.mark.parametrize("seed", range(20))
@virtual_time
async def test_whatever_happens_it_ends_in_agreement(seed: int) -> None:
    """Random writes, faults, lost events and compactions: twenty minutes later the cache is right."""
    world = World()
    rng = seeded(seed)
    world.api.faults = lambda _call: rng.choice(_FAULTS) if rng.random() < 0.3 else None
    world.api.store.drop = lambda _watch, _type, _obj: rng.random() < 0.1
    async with following(world.reflector()):
        for step in range(200):
            act = rng.choice([disturb, disturb, create_or_delete, create_or_delete, create_or_delete])
            act(world, rng.random(), f"p{rng.randrange(10)}")
            await asyncio.sleep(rng.uniform(0, 10) if step % 10 else 60)
        world.api.faults = lambda _call: None
        world.api.store.drop = lambda _watch, _type, _obj: False
        await asyncio.sleep(1200)
        assert world.agrees()


_FAULTS = [Fault(503), Fault(429, retry_after=2), Fault(Lost.DROPPED), Fault(Lost.HANGS), Fault(410)]


def disturb(world: World, chance: float, _name: str) -> None:
    """Break watches, forget history, or send bookmarks."""
    if chance < 0.3:
        world.api.break_watches()
    elif chance < 0.5:
        world.api.store.compact()
    else:
        world.api.send_bookmarks()


def create_or_delete(world: World, chance: float, name: str) -> None:
    """Change the server's objects."""
    there = world.api.store.get(LAUNCH_PLANS, ("default", name)) is not None
    if not there:
        world.create(name)
    elif chance < 0.5:
        world.suspend(name)
    else:
        world.delete(name)


def end_every_watch(api: FakeApi) -> Callable[[Call], None]:
    """Return a fault that closes each watch as soon as it is open."""

    def close_soon(call: Call) -> None:
        if call.verb == "watch":
            asyncio.get_running_loop().call_soon(api.break_watches)

    return close_soon


@pytest.mark.parametrize(("times", "believed"), [(3, False), (math.inf, True)], ids=["for a while", "for ever"])
@virtual_time
async def test_a_list_at_a_take_over_that_is_older_than_the_watch_is_asked_for_again(
    times: float, *, believed: bool
) -> None:
    """It would bring back what is gone. A server that gives no other one was restored: that one is right."""
    world = World()
    world.create("gone")
    past = await world.client.list(LAUNCH_PLANS)
    world.delete("gone")
    world.create("there")
    reflector, real, answered = world.reflector(), Client.chunks, list[str]()

    async def chunks(client: Client, *arguments: Any) -> AsyncGenerator[Listing, None]:
        if len(answered) < times:
            answered.append("past")
            yield past
            return
        answered.append("present")
        async for chunk in real(client, *arguments):
            yield chunk

    async with following(reflector):
        with patch.object(Client, "chunks", chunks):
            await reflector.refresh()
        assert (world.cache.get("default", "gone") is not None) is believed
        assert answered == (["past"] * 6 if believed else ["past"] * 3 + ["present"])
