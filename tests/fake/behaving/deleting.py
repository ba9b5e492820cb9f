"""Deleting objects: preconditions and finalizers."""

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLANS, PODS
from tests.fake.behaviours import Maker, Server, behaviour, created, pod_template, present, version

_HOLD = "tests.launchplan.dev/hold"


@behaviour
async def a_delete_says_what_it_deleted(server: Server) -> None:
    """A delete says what it deleted."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    reply = await server.client.delete(LAUNCH_PLANS, server.namespace, "a", uid=obj["metadata"]["uid"])
    assert reply.ok
    assert reply.body["kind"] == "Status"
    assert reply.body["details"]["uid"] == obj["metadata"]["uid"]
    assert not await present(server, LAUNCH_PLANS, "a")


@behaviour
async def a_delete_of_an_absent_object_is_not_found(server: Server) -> None:
    """A delete of an absent object is not found."""
    reply = await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    assert reply.not_found
    assert reply.message == 'launchplans.launchplan.dev "a" not found'


@behaviour
async def a_delete_of_another_uid_conflicts(server: Server) -> None:
    """A delete of another uid conflicts."""
    await created(server, JOBS, Maker(server.namespace).job())
    reply = await server.client.delete(JOBS, server.namespace, "a", uid="11111111-2222-4333-8444-555555555555")
    assert reply.conflict
    assert "the UID in the precondition (11111111-2222-4333-8444-555555555555) does not match" in reply.message
    assert await present(server, JOBS, "a")


@behaviour
async def a_finalizer_holds_a_deleted_object(server: Server) -> None:
    """A finalizer holds a deleted object."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan(finalizers=[_HOLD]))
    reply = await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    assert reply.ok
    meta = reply.body["metadata"]
    assert meta["deletionTimestamp"].endswith("Z")
    assert meta["deletionGracePeriodSeconds"] == 0
    assert meta["generation"] == 2
    assert version(reply.body) > version(obj)
    again = await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    assert again.body["metadata"]["resourceVersion"] == meta["resourceVersion"]
    freed = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"metadata": {"finalizers": None}})
    assert freed.ok
    assert not await present(server, LAUNCH_PLANS, "a")


@behaviour
async def no_finalizer_is_added_to_a_deleted_object(server: Server) -> None:
    """No finalizer is added to a deleted object."""
    await created(server, LAUNCH_PLANS, Maker(server.namespace).plan(finalizers=[_HOLD]))
    await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    change = {"metadata": {"finalizers": [_HOLD, "tests.launchplan.dev/more"]}}
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    assert reply.status == 422
    assert "no new finalizers can be added if the object is being deleted" in reply.message


@behaviour
async def a_deleted_object_that_is_held_blocks_its_name(server: Server) -> None:
    """A deleted object that is held blocks its name."""
    make = Maker(server.namespace)
    await created(server, LAUNCH_PLANS, make.plan(finalizers=[_HOLD]))
    await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    reply = await server.client.create(LAUNCH_PLANS, make.plan())
    assert reply.exists
    assert "object is being deleted" in reply.message


@behaviour
async def a_deletion_mark_cannot_be_taken_away(server: Server) -> None:
    """A deletion mark cannot be taken away."""
    await created(server, LAUNCH_PLANS, Maker(server.namespace).plan(finalizers=[_HOLD]))
    await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    change = {"metadata": {"deletionTimestamp": None, "labels": {"a": "b"}}}
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    assert reply.ok
    assert reply.body["metadata"]["deletionTimestamp"]


@behaviour
async def a_deleted_name_can_be_used_again(server: Server) -> None:
    """A deleted name can be used again."""
    make = Maker(server.namespace)
    first = await created(server, LAUNCH_PLANS, make.plan())
    await server.client.delete(LAUNCH_PLANS, server.namespace, "a")
    second = await created(server, LAUNCH_PLANS, make.plan())
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    assert version(second) > version(first)


@behaviour
async def the_grace_of_a_deleted_pod_can_only_be_shortened(server: Server) -> None:
    """A pod on a node is marked with the end of its grace, which a second delete can only shorten, down to nothing."""
    make = Maker(server.namespace)
    template = pod_template()
    template["spec"]["nodeName"] = "nowhere"
    await created(server, PODS, make.object(PODS, "a", meta={"finalizers": [_HOLD]}, **template))
    path = PODS.path(server.namespace, "a")
    for asked, expected in ((None, 30), (60, 30), (None, 30), (0, 0), (20, 0)):
        grace = {} if asked is None else {"gracePeriodSeconds": asked}
        options = {"kind": "DeleteOptions", "apiVersion": "v1"} | grace
        response = await server.transport.request("DELETE", path, body=options)
        assert response.status == 200
        pod = await server.client.get(PODS, server.namespace, "a")
        assert pod is not None
        assert pod["metadata"]["deletionGracePeriodSeconds"] == expected
    assert (await server.client.patch(PODS, server.namespace, "a", {"metadata": {"finalizers": None}})).ok
    assert not await present(server, PODS, "a")


@behaviour
async def a_pod_that_has_no_node_goes_without_grace(server: Server) -> None:
    """A pod that has no node goes without grace."""
    make = Maker(server.namespace)
    template = pod_template()
    template["spec"]["schedulingGates"] = [{"name": "tests.launchplan.dev/hold"}]
    await created(server, PODS, make.object(PODS, "a", **template))
    response = await server.transport.request("DELETE", PODS.path(server.namespace, "a"))
    assert response.status == 200
    assert not await present(server, PODS, "a")
