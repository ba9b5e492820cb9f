"""Watching: what is shown, from when, and how a watch ends."""

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.kube.client import Gone
from tests.fake.behaviours import Maker, Server, behaviour, created, version, watched


@behaviour
async def a_watch_shows_every_change_after_its_version(server: Server) -> None:
    """A watch shows every change after its version."""
    make = Maker(server.namespace)
    await created(server, LAUNCH_PLANS, make.plan("before"))
    since = (await server.client.list(LAUNCH_PLANS, server.namespace)).resource_version
    await created(server, LAUNCH_PLANS, make.plan())
    changed = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"spec": {"suspend": True}})
    await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    events = [event for event in await watched(server, LAUNCH_PLANS, since) if event.type != "BOOKMARK"]
    assert [(event.type, event.object["metadata"]["name"]) for event in events] == [
        ("ADDED", "a"),
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]
    assert events[0].object["kind"] == "LaunchPlan"
    assert version(events[1].object) == version(changed.body)
    assert version(events[2].object) > version(changed.body)
    assert events[2].object["spec"]["suspend"] is True


@behaviour
async def a_watch_without_a_version_begins_with_what_is_there(server: Server) -> None:
    """A watch without a version begins with what is there."""
    await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    events = await watched(server, LAUNCH_PLANS, "", seconds=1)
    assert [event.type for event in events if event.type != "BOOKMARK"] == ["ADDED"]


@behaviour
async def an_object_that_leaves_a_selector_is_shown_as_deleted(server: Server) -> None:
    """An object that leaves a selector is shown as deleted."""
    make = Maker(server.namespace)
    await created(server, LAUNCH_PLANS, make.plan(labels={"a": "1"}))
    since = (await server.client.list(LAUNCH_PLANS, server.namespace)).resource_version
    left = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"metadata": {"labels": {"a": "2"}}})
    back = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"metadata": {"labels": {"a": "1"}}})
    watch = await watched(server, LAUNCH_PLANS, since, labels="a=1")
    events = [event for event in watch if event.type != "BOOKMARK"]
    assert [(event.type, version(event.object)) for event in events] == [
        ("DELETED", version(left.body)),
        ("ADDED", version(back.body)),
    ]
    assert events[0].object["metadata"]["labels"] == {"a": "1"}


@behaviour
async def a_write_that_changes_nothing_is_not_shown(server: Server) -> None:
    """A write that changes nothing is not shown."""
    await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    change = {"spec": {"workflowRef": {"name": "w"}}}
    stored = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    events = await watched(server, LAUNCH_PLANS, stored.body["metadata"]["resourceVersion"], seconds=1)
    assert [event for event in events if event.type != "BOOKMARK"] == []


@behaviour
async def a_watch_that_times_out_says_how_far_it_came(server: Server) -> None:
    """A watch that times out says how far it came."""
    make = Maker(server.namespace)
    obj = await created(server, LAUNCH_PLANS, make.plan())
    events = await watched(server, LAUNCH_PLANS, obj["metadata"]["resourceVersion"], seconds=10)
    assert [event.type for event in events][-1:] == ["BOOKMARK"]
    assert version(events[-1].object) >= version(obj)
    assert events[-1].object["kind"] == "LaunchPlan"


@behaviour
async def a_watch_from_forgotten_history_is_gone(server: Server) -> None:
    """A watch from forgotten history is gone."""
    await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    server.age()
    with pytest.raises(Gone):
        await watched(server, LAUNCH_PLANS, "1")


@behaviour
async def a_watch_that_is_refused_answers_with_a_status(server: Server) -> None:
    """A watch that is refused answers with a status."""
    query = {"watch": "true", "resourceVersion": "no number", "timeoutSeconds": "1"}
    async with server.transport.stream(LAUNCH_PLANS.path(server.namespace), query) as lines:
        found = [line async for line in lines]
    assert [line["type"] for line in found] == ["ERROR"]
    assert found[0]["object"]["code"] == 500
