"""The reflector keeps its cache as the server has it, whatever happens to lists and watches."""

import asyncio

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLANS
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.transport import Object
from tests.fake import InProcessTransport
from tests.fake.following import PATH, World, following
from tests.fake.virtual import virtual_time


@virtual_time
async def test_what_is_there_and_what_changes_is_in_the_cache() -> None:
    """List first, then follow."""
    world = World()
    world.create("a")
    async with following(world.reflector()):
        assert world.agrees()
        world.create("b")
        world.suspend("b")
        world.delete("a")
        await asyncio.sleep(0.01)
        assert world.agrees()
    assert world.changes == [("new", "a"), ("new", "b"), ("changed", "b"), ("gone", "a")]
    assert world.cache.by("suspend", "True") == [world.get("b")]


@virtual_time
async def test_a_large_list_comes_in_chunks() -> None:
    """No request asks for more than 500 objects."""
    world = World()
    for number in range(1201):
        world.create(f"p{number}")
    async with following(world.reflector()):
        assert len(world.cache) == 1201
    assert world.client.calls["list", "launchplans"] == 3


@virtual_time
async def test_a_watch_that_ends_goes_on_where_it_was() -> None:
    """The end of a watch costs another watch and no list."""
    world = World()
    async with following(world.reflector()):
        for step in range(5):
            await asyncio.sleep(50)
            world.api.break_watches()
            world.create(f"p{step}")
            await asyncio.sleep(2)
            assert world.agrees()
    assert world.client.calls["list", "launchplans"] == 1
    assert world.client.calls["watch", "launchplans"] == 6


@virtual_time
async def test_a_bookmark_keeps_the_place_through_a_compaction() -> None:
    """A quiet kind's place moves with the bookmarks, so that compaction costs no list."""
    world = World()
    async with following(world.reflector()):
        world.api.do("POST", JOBS.path("default"), job("elsewhere"))
        world.api.send_bookmarks()
        await asyncio.sleep(0.01)
        world.api.store.compact()
        world.api.break_watches()
        world.create("a")
        await asyncio.sleep(5)
        assert world.agrees()
    assert world.client.calls["list", "launchplans"] == 1


@virtual_time
async def test_an_object_of_the_same_name_but_another_uid_replaces() -> None:
    """Deleted and made again while nobody watched: the new one is in the cache."""
    world = World()
    world.create("a")
    async with following(world.reflector()):
        world.api.store.drop = lambda _watch, _type, _obj: True
        world.delete("a")
        second = world.create("a")
        world.api.store.compact()
        world.api.break_watches()
        await asyncio.sleep(60)
        assert world.get("a")["metadata"]["uid"] == second["metadata"]["uid"]


@virtual_time
async def test_an_idle_hour_costs_few_reads() -> None:
    """At most one list in ten minutes, a watch every four or five."""
    world = World()
    async with following(world.reflector()):
        await asyncio.sleep(3600)
    assert 5 <= world.client.calls["list", "launchplans"] <= 7
    assert world.client.calls["watch", "launchplans"] <= 22
    assert world.api.writes() == []


@virtual_time
async def test_a_list_does_not_remove_what_we_wrote_after_it() -> None:
    """A list that was under way when we created an object lacks it rightly."""
    world = World(latency=lambda: 1.0)
    task = asyncio.create_task(world.reflector().run())
    await asyncio.sleep(1.5)
    fast = Client(InProcessTransport(world.api), on_written=lambda _kind, obj: world.cache.put(obj))
    body = {"apiVersion": LAUNCH_PLANS.api_version, "kind": "LaunchPlan", "metadata": {"name": "a"}}
    body |= {"metadata": {"name": "a", "namespace": "default"}, "spec": {"workflowRef": {"name": "w"}}}
    assert (await fast.create(LAUNCH_PLANS, body)).ok
    await asyncio.sleep(1)
    assert world.client.calls["list", "launchplans"] == 1
    assert world.agrees()
    task.cancel()
    assert world.changes == [("new", "a")]


@virtual_time
async def test_a_write_of_ours_is_told_once() -> None:
    """The response and the watch event of one write are one change."""
    world = World()
    async with following(world.reflector()):
        body = {"metadata": {"name": "a", "namespace": "default"}, "spec": {"workflowRef": {"name": "w"}}}
        body |= {"apiVersion": LAUNCH_PLANS.api_version, "kind": "LaunchPlan"}
        await world.client.create(LAUNCH_PLANS, body)
        assert world.changes == [("new", "a")]
        await asyncio.sleep(1)
    assert world.changes == [("new", "a")]


@virtual_time
async def test_a_deletion_outruns_the_answer_to_our_patch() -> None:
    """The late answer to a write does not bring a deleted object back."""
    world = World()
    world.create("a")
    async with following(world.reflector()):
        slow = Client(InProcessTransport(world.api, lambda: 5.0), on_written=lambda _kind, obj: world.cache.put(obj))
        patch = asyncio.create_task(slow.patch(LAUNCH_PLANS, "default", "a", {"spec": {"suspend": True}}))
        await asyncio.sleep(6)
        world.delete("a")
        assert (await patch).ok
        await asyncio.sleep(1)
        assert world.agrees()
        assert len(world.cache) == 0


@virtual_time
async def test_a_deletion_that_a_list_found_outruns_the_answer_to_our_patch() -> None:
    """Nor does it bring back what a list has shown to be gone."""
    world = World()
    world.create("a")
    async with following(world.reflector()):
        world.api.store.drop = lambda _watch, _type, _obj: True
        slow = Client(InProcessTransport(world.api, lambda: 5.0), on_written=lambda _kind, obj: world.cache.put(obj))
        patch = asyncio.create_task(slow.patch(LAUNCH_PLANS, "default", "a", {"spec": {"suspend": True}}))
        await asyncio.sleep(6)
        world.delete("a")
        world.api.store.compact()
        world.api.break_watches()
        await asyncio.sleep(2)
        assert len(world.cache) == 0
        assert (await patch).ok
        await asyncio.sleep(1)
        assert len(world.cache) == 0


@virtual_time
async def test_each_namespace_is_followed_by_itself() -> None:
    """Nothing is asked of, or removed from, any other namespace."""
    world = World()
    world.create("a")
    world.create("b", "other")
    async with following(world.reflector(namespaces=["default"])):
        assert world.cache.keys() == [("default", "a")]
        assert all(call.namespace == "default" for call, _ in world.api.log)
    world.api.log.clear()
    async with following(world.reflector(namespaces=["default", "other"], on_change=None)):
        assert len(world.cache) == 2
        world.create("c", "other")
        await asyncio.sleep(0.01)
        assert len(world.cache) == 3


@virtual_time
async def test_labels_limit_what_is_followed() -> None:
    """What leaves the selector leaves the cache, and may come back."""
    world = World()
    world.create("a", labels={"x": "1"})
    world.create("b")
    async with following(world.reflector(labels="x=1")):
        assert world.cache.keys() == [("default", "a")]
        for value in ("2", "1"):
            world.api.do("PATCH", f"{PATH}/a", {"metadata": {"labels": {"x": value}}})
            await asyncio.sleep(0.01)
            assert len(world.cache) == (value == "1")


@virtual_time
async def test_lists_alone_repair_a_cache_that_another_watch_feeds() -> None:
    """Without a watch of its own it lists at the start and every ten minutes."""
    world = World()
    world.create("a")
    task = asyncio.create_task(world.reflector().run_without_watch())
    await asyncio.sleep(1)
    assert world.agrees()
    world.delete("a")
    world.create("b")
    await asyncio.sleep(730)
    assert world.agrees()
    task.cancel()
    assert world.client.calls["list", "launchplans"] == 2
    assert world.client.calls["watch", "launchplans"] == 0


@virtual_time
async def test_a_repair_that_is_wanted_soon_comes_once_after_some_seconds() -> None:
    """However often it is asked for in between."""
    world = World()
    world.create("a")
    reflector = world.reflector()
    task = asyncio.create_task(reflector.run_without_watch())
    await asyncio.sleep(1)
    world.delete("a")
    for _ in range(40):
        reflector.repair_soon()
        await asyncio.sleep(0.1)
    assert not world.agrees()
    await asyncio.sleep(3)
    assert world.agrees()
    assert world.client.calls["list", "launchplans"] == 2
    await asyncio.sleep(300)
    task.cancel()
    assert world.client.calls["list", "launchplans"] == 2


@virtual_time
async def test_a_long_list_lets_others_work() -> None:
    """While thousands of objects are taken, other tasks get their turn."""
    world = World()
    for number in range(1000):
        world.create(f"p{number}")
    turns = 0

    reflector = world.reflector()

    async def other() -> None:
        nonlocal turns
        while not reflector.synced.is_set():
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    async with following(reflector):
        await task
    assert turns >= 10


def job(name: str) -> Object:
    """Return a Job."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1"}]}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": {"spec": pod}}}
