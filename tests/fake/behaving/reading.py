"""Reading: absence, chunks, selectors."""

import pytest

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, PODS, Kind
from launchplan_operator.kube.client import Unavailable
from tests.fake.behaviours import Maker, Server, behaviour, created, pod_template


@behaviour
async def an_absent_object_is_known_to_be_absent(server: Server) -> None:
    """An absent object is known to be absent."""
    assert await server.client.get(LAUNCH_PLANS, server.namespace, "a") is None
    response = await server.transport.request("GET", LAUNCH_PLANS.path(server.namespace, "a"))
    assert response.status == 404
    assert response.body["reason"] == "NotFound"
    assert response.body["details"] == {"name": "a", "group": "launchplan.dev", "kind": "launchplans"}


@behaviour
async def a_kind_that_is_not_served_proves_no_absence(server: Server) -> None:
    """A kind that is not served proves no absence."""
    unknown = Kind("launchplan.dev", "v1alpha1", "nosuchkinds", "NoSuchKind")
    with pytest.raises(Unavailable):
        await server.client.get(unknown, server.namespace, "a")
    with pytest.raises(Unavailable):
        await server.client.list(unknown)


@behaviour
async def a_list_comes_in_chunks_of_one_snapshot(server: Server) -> None:
    """A list comes in chunks of one snapshot."""
    make = Maker(server.namespace)
    for number in range(5):
        await created(server, LAUNCH_PLANS, make.plan(f"p{number}"))
    chunks = server.client.chunks(LAUNCH_PLANS, server.namespace, limit=2)
    first = await anext(chunks)
    await server.client.delete(LAUNCH_PLANS, server.namespace, "p3")
    await created(server, LAUNCH_PLANS, make.plan("p9"))
    rest = [chunk async for chunk in chunks]
    names = [item["metadata"]["name"] for chunk in [first, *rest] for item in chunk.items]
    assert names == ["p0", "p1", "p2", "p3", "p4"]
    assert {chunk.resource_version for chunk in rest} == {first.resource_version}
    whole = await server.client.list(LAUNCH_PLANS, server.namespace, limit=2)
    assert [item["metadata"]["name"] for item in whole.items] == ["p0", "p1", "p2", "p4", "p9"]


@behaviour
async def lists_of_built_in_kinds_leave_the_kind_out(server: Server) -> None:
    """Lists of built in kinds leave the kind out."""
    make = Maker(server.namespace)
    await created(server, JOBS, make.job())
    await created(server, LAUNCH_PLANS, make.plan())
    jobs = await server.transport.request("GET", JOBS.path(server.namespace))
    plans = await server.transport.request("GET", LAUNCH_PLANS.path(server.namespace))
    assert "kind" not in jobs.body["items"][0]
    assert plans.body["items"][0]["kind"] == "LaunchPlan"
    assert jobs.body["kind"] == "JobList"
    assert (await server.client.list(JOBS, server.namespace)).items[0]["kind"] == "Job"


@behaviour
async def a_list_is_as_new_as_the_last_write(server: Server) -> None:
    """A list is as new as the last write."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    listing = await server.client.list(LAUNCH_PLANS, server.namespace)
    assert int(listing.resource_version) >= int(obj["metadata"]["resourceVersion"])
    assert len(listing.items) == 1


@behaviour
async def labels_select(server: Server) -> None:
    """Labels select."""
    make = Maker(server.namespace)
    for name, labels in {"p0": {"a": "1", "b": "x"}, "p1": {"a": "2"}, "p2": {}}.items():
        await created(server, LAUNCH_PLANS, make.plan(name, labels=labels))
    for selector, expected in {
        "a=1": ["p0"],
        "a==2": ["p1"],
        "a!=1": ["p1", "p2"],
        "a": ["p0", "p1"],
        "!a": ["p2"],
        "a in (1,2),!b": ["p1"],
        "a notin (2)": ["p0", "p2"],
        "a=1,b=x": ["p0"],
    }.items():
        listing = await server.client.list(LAUNCH_PLANS, server.namespace, selector)
        assert [item["metadata"]["name"] for item in listing.items] == expected, selector


@behaviour
async def pods_are_selected_by_the_names_of_several_jobs(server: Server) -> None:
    """Pods are selected by the names of several Jobs in one list, in any namespace."""
    make = Maker(server.namespace)
    label = "batch.kubernetes.io/job-name"
    for name in ("a", "b", "c"):
        await created(server, PODS, make.object(PODS, name, meta={"labels": {label: f"job-{name}"}}, **pod_template()))
    await created(server, PODS, make.object(PODS, "d", **pod_template()))
    for selector, expected in {
        f"{label} in (job-a,job-c,job-x)": ["a", "c"],
        f"{label} in (job-a, job-b),{label}!=job-b": ["a"],
        f"{label} notin (job-a,job-c)": ["b", "d"],
        f"{label},{label} notin (job-a,job-c)": ["b"],
    }.items():
        for namespace in (server.namespace, None):
            found = (await server.client.list(PODS, namespace, selector)).items
            mine = [each["metadata"] for each in found if each["metadata"]["namespace"] == server.namespace]
            assert [meta["name"] for meta in mine] == expected, selector


@behaviour
async def fields_select(server: Server) -> None:
    """Fields select."""
    make = Maker(server.namespace)
    for name in ("a", "b"):
        await created(server, LAUNCH_PLAN_EXECUTIONS, make.execution(name))
    done = {"status": {"phase": "Succeeded"}}
    assert (await server.client.patch(LAUNCH_PLAN_EXECUTIONS, server.namespace, "b", done, "status")).ok
    path = LAUNCH_PLAN_EXECUTIONS.path(server.namespace)
    for selector, expected in {
        "metadata.name=a": ["a"],
        "status.phase=Succeeded": ["b"],
        "status.phase!=Succeeded": ["a"],
        "spec.launchPlanRef.name=p": ["a", "b"],
        "spec.launchPlanRef.name=p,status.phase=Succeeded": ["b"],
        "spec.launchPlanRef.name=p,status.phase!=Succeeded": ["a"],
        "spec.launchPlanRef.name=q": [],
        "status.phase=": ["a"],
    }.items():
        response = await server.transport.request("GET", path, query={"fieldSelector": selector})
        assert [item["metadata"]["name"] for item in response.body["items"]] == expected, selector
    response = await server.transport.request("GET", path, query={"fieldSelector": "spec.timeout=1s"})
    assert response.status == 400
    assert "field label not supported" in response.body["message"]


@behaviour
async def versions_of_all_kinds_grow_together(server: Server) -> None:
    """Versions of all kinds grow together."""
    make = Maker(server.namespace)
    objs = [
        await created(server, LAUNCH_PLANS, make.plan()),
        await created(server, JOBS, make.job()),
        await created(server, LAUNCH_PLAN_EXECUTIONS, make.execution()),
    ]
    versions = [int(obj["metadata"]["resourceVersion"]) for obj in objs]
    assert versions == sorted(set(versions))
