"""Server-side apply: ownership, conflicts, compare-and-set."""

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.kube.client import APPLY_PATCH, Client, Reply
from launchplan_operator.kube.transport import Object
from tests.fake.behaviours import Maker, Server, behaviour, created, version


async def apply(
    server: Server, obj: Object, subresource: str | None = None, *, manager: str = "m", force: bool = False
) -> Reply:
    """Apply as a field manager."""
    client = Client(server.transport, field_manager=manager)
    meta = obj["metadata"]
    return await client.patch(LAUNCH_PLANS, meta["namespace"], meta["name"], obj, subresource, APPLY_PATCH, force=force)


@behaviour
async def an_apply_creates_what_is_absent(server: Server) -> None:
    """An apply creates what is absent."""
    reply = await apply(server, Maker(server.namespace).plan())
    assert reply.status == 201
    assert reply.body["metadata"]["managedFields"][0]["operation"] == "Apply"


@behaviour
async def an_apply_drops_what_its_manager_no_longer_names(server: Server) -> None:
    """An apply drops what its manager no longer names."""
    make = Maker(server.namespace)
    first = make.plan(labels={"mine": "1", "also": "2"})
    assert (await apply(server, first)).ok
    await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"metadata": {"labels": {"theirs": "3"}}})
    reply = await apply(server, make.plan(labels={"mine": "1"}))
    assert reply.ok
    assert reply.body["metadata"]["labels"] == {"mine": "1", "theirs": "3"}


@behaviour
async def an_apply_over_another_manager_conflicts_unless_forced(server: Server) -> None:
    """An apply over another manager conflicts unless forced."""
    make = Maker(server.namespace)
    assert (await apply(server, make.plan(labels={"a": "1"}), manager="first")).ok
    wanted = make.plan(labels={"a": "2"})
    refused = await apply(server, wanted, manager="second")
    assert refused.conflict
    assert "conflict" in refused.message
    assert "first" in refused.message
    forced = await apply(server, wanted, manager="second", force=True)
    assert forced.body["metadata"]["labels"] == {"a": "2"}
    assert (await apply(server, make.plan(labels={"a": "1"}), manager="first")).conflict


@behaviour
async def an_apply_of_the_same_changes_nothing(server: Server) -> None:
    """An apply of the same changes nothing."""
    obj = Maker(server.namespace).plan(labels={"a": "1"})
    await apply(server, obj)
    # The first write after a creation stores the default of the status.
    first = await apply(server, obj)
    second = await apply(server, obj)
    assert second.status == 200
    assert version(second.body) == version(first.body)


@behaviour
async def an_apply_of_the_status_with_a_version_is_a_compare_and_set(server: Server) -> None:
    """An apply of the status with a version is a compare and set."""
    make = Maker(server.namespace)
    obj = await created(server, LAUNCH_PLANS, make.plan())
    status = make.object(LAUNCH_PLANS, "a", meta={"resourceVersion": obj["metadata"]["resourceVersion"]})
    assert (await apply(server, status | {"status": {"running": 1}}, "status")).ok
    assert (await apply(server, status | {"status": {"running": 2}}, "status")).conflict


@behaviour
async def an_apply_of_a_part_of_the_status_drops_the_rest(server: Server) -> None:
    """An apply of a part of the status drops the rest."""
    make = Maker(server.namespace)
    await created(server, LAUNCH_PLANS, make.plan())
    body = make.object(LAUNCH_PLANS, "a")
    await apply(server, body | {"status": {"running": 1, "observedGeneration": 1}}, "status")
    reply = await apply(server, body | {"status": {"running": 1}}, "status")
    assert reply.body["status"] == {"running": 1}


@behaviour
async def an_apply_of_the_status_of_nothing_is_not_found(server: Server) -> None:
    """An apply of the status of nothing is not found."""
    body = Maker(server.namespace).object(LAUNCH_PLANS, "a", status={"running": 1})
    assert (await apply(server, body, "status")).not_found
