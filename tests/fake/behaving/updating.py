"""Changing objects: preconditions, subresources, generations, what cannot change."""

import pytest

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, WORKFLOW_DEFINITIONS
from launchplan_operator.kube.client import Unavailable
from tests.fake.behaviours import Maker, Server, behaviour, created, put, version


@behaviour
async def a_replace_with_a_stale_version_conflicts(server: Server) -> None:
    """A replace with a stale version conflicts."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    obj["spec"]["suspend"] = True
    first = await server.client.replace(LAUNCH_PLANS, obj)
    assert first.ok
    assert version(first.body) > version(obj)
    second = await server.client.replace(LAUNCH_PLANS, obj)
    assert second.conflict
    assert not second.exists
    assert second.body["reason"] == "Conflict"
    assert "the object has been modified; please apply your changes to the latest version" in second.message


@behaviour
async def a_custom_object_is_not_replaced_without_a_version(server: Server) -> None:
    """A custom object is not replaced without a version."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    del obj["metadata"]["resourceVersion"]
    response = await put(server, LAUNCH_PLANS, obj)
    assert response.status == 422
    assert "metadata.resourceVersion: Invalid value: 0: must be specified for an update" in response.body["message"]


@behaviour
async def a_job_is_replaced_without_a_version(server: Server) -> None:
    """A job is replaced without a version."""
    obj = await created(server, JOBS, Maker(server.namespace).job())
    del obj["metadata"]["resourceVersion"]
    obj["metadata"]["labels"] = {"a": "b"}
    response = await put(server, JOBS, obj)
    assert response.status == 200
    assert response.body["metadata"]["labels"] == {"a": "b"}


@behaviour
async def a_replace_with_another_uid_conflicts(server: Server) -> None:
    """A replace with another uid conflicts."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    obj["metadata"]["uid"] = "11111111-2222-4333-8444-555555555555"
    response = await put(server, LAUNCH_PLANS, obj)
    assert response.status == 409
    assert "Precondition failed: UID in precondition" in response.body["message"]


@behaviour
async def a_replace_of_an_absent_object_is_not_found(server: Server) -> None:
    """A replace of an absent object is not found."""
    for kind, obj in ((LAUNCH_PLANS, Maker(server.namespace).plan()), (JOBS, Maker(server.namespace).job())):
        obj["metadata"]["resourceVersion"] = "1"
        reply = await server.client.replace(kind, obj)
        assert reply.not_found
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"spec": {"suspend": True}})
    assert reply.not_found


@behaviour
async def a_replace_under_another_name_is_a_bad_request(server: Server) -> None:
    """A replace under another name is a bad request."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    obj["metadata"]["name"] = "b"
    response = await server.transport.request("PUT", LAUNCH_PLANS.path(server.namespace, "a"), body=obj)
    assert response.status == 400


@behaviour
async def a_merge_patch_with_a_stale_version_conflicts(server: Server) -> None:
    """A merge patch with a stale version conflicts."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    change = {"metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}, "spec": {"suspend": True}}
    assert (await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)).ok
    change["spec"] = {"suspend": False}
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    assert reply.conflict


@behaviour
async def a_status_patch_with_a_stale_version_conflicts(server: Server) -> None:
    """A status patch with a stale version conflicts."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    stale = {"metadata": {"resourceVersion": obj["metadata"]["resourceVersion"]}, "status": {"running": 1}}
    assert (await server.client.patch(LAUNCH_PLANS, server.namespace, "a", stale, "status")).ok
    stale["status"] = {"running": 2}
    assert (await server.client.patch(LAUNCH_PLANS, server.namespace, "a", stale, "status")).conflict


@behaviour
async def a_merge_patch_with_another_uid_is_invalid(server: Server) -> None:
    """A merge patch with another uid is invalid."""
    for kind, obj in ((LAUNCH_PLANS, Maker(server.namespace).plan()), (JOBS, Maker(server.namespace).job())):
        await created(server, kind, obj)
        change = {"metadata": {"uid": "11111111-2222-4333-8444-555555555555", "labels": {"a": "b"}}}
        reply = await server.client.patch(kind, server.namespace, "a", change)
        assert reply.status == 422
        assert "metadata.uid: Invalid value:" in reply.message
        assert "field is immutable" in reply.message


@behaviour
async def a_merge_patch_with_the_right_uid_is_taken(server: Server) -> None:
    """A merge patch with the right uid is taken."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    change = {"metadata": {"uid": obj["metadata"]["uid"]}, "spec": {"suspend": True}}
    assert (await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)).ok


@behaviour
async def a_merge_patch_removes_what_is_null(server: Server) -> None:
    """A merge patch removes what is null."""
    obj = Maker(server.namespace).plan(labels={"a": "1", "b": "2"})
    obj["spec"]["defaultInputs"] = {"x": 1, "y": 2}
    await created(server, LAUNCH_PLANS, obj)
    change = {"metadata": {"labels": {"a": None}}, "spec": {"defaultInputs": {"x": None, "z": [1]}}}
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    assert reply.body["metadata"]["labels"] == {"b": "2"}
    assert reply.body["spec"]["defaultInputs"] == {"y": 2, "z": [1]}


@behaviour
async def a_patch_that_changes_nothing_keeps_the_version(server: Server) -> None:
    """A patch that changes nothing keeps the version, once the default of the status is stored."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    change = {"spec": {"workflowRef": {"name": "w"}}}
    first = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    assert version(first.body) > version(obj)
    assert first.body["metadata"]["generation"] == obj["metadata"]["generation"]
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    assert version(reply.body) == version(first.body)
    again = await server.client.replace(LAUNCH_PLANS, reply.body)
    assert version(again.body) == version(first.body)


@behaviour
async def the_generation_counts_changes_of_the_spec_alone(server: Server) -> None:
    """The generation counts changes of the spec alone."""
    make = Maker(server.namespace)
    for kind, obj, change in (
        (LAUNCH_PLANS, make.plan(), {"suspend": True}),
        (JOBS, make.job(), {"backoffLimit": 3}),
    ):
        await created(server, kind, obj)
        labelled = await server.client.patch(kind, server.namespace, "a", {"metadata": {"labels": {"x": "y"}}})
        assert labelled.body["metadata"]["generation"] == 1
        changed = await server.client.patch(kind, server.namespace, "a", {"spec": change})
        assert changed.body["metadata"]["generation"] == 2
        lying = await server.client.patch(kind, server.namespace, "a", {"metadata": {"generation": 9}})
        assert lying.body["metadata"]["generation"] == 2


@behaviour
async def a_status_write_changes_nothing_but_the_status(server: Server) -> None:
    """A status write changes nothing but the status."""
    await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    change = {"metadata": {"labels": {"x": "y"}}, "spec": {"suspend": True}, "status": {"running": 2}}
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change, "status")
    assert reply.ok
    assert reply.body["status"]["running"] == 2
    assert reply.body["spec"].get("suspend", False) is False
    assert "labels" not in reply.body["metadata"]
    assert reply.body["metadata"]["generation"] == 1


@behaviour
async def a_write_of_the_main_resource_leaves_the_status(server: Server) -> None:
    """A write of the main resource leaves the status."""
    make = Maker(server.namespace)
    await created(server, LAUNCH_PLANS, make.plan())
    await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"status": {"running": 2}}, "status")
    change = {"spec": {"suspend": True}, "status": {"running": 5}}
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", change)
    assert reply.body["status"]["running"] == 2
    assert reply.body["spec"]["suspend"] is True
    await created(server, JOBS, make.job())
    change = {"metadata": {"labels": {"x": "y"}}, "status": {"succeeded": 1}}
    job = (await server.client.patch(JOBS, server.namespace, "a", change)).body
    assert "succeeded" not in job["status"]


@behaviour
async def a_status_is_pruned_and_checked_by_the_schema(server: Server) -> None:
    """A status is pruned and checked by the schema."""
    await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    reply = await server.client.patch(
        LAUNCH_PLANS, server.namespace, "a", {"status": {"noSuchField": 1, "running": 1}}, "status"
    )
    assert reply.body["status"] == {"running": 1, "observedGeneration": -1}
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"status": {"running": "1"}}, "status")
    assert reply.status == 422
    assert "status.running" in reply.message


@behaviour
async def a_kind_without_that_subresource_answers_nothing_about_the_object(server: Server) -> None:
    """A kind without that subresource answers nothing about the object."""
    await created(server, JOBS, Maker(server.namespace).job())
    with pytest.raises(Unavailable):
        await server.client.patch(JOBS, server.namespace, "a", {}, "nosuchthing")


@behaviour
async def the_template_of_a_job_is_immutable(server: Server) -> None:
    """The template of a job is immutable."""
    make = Maker(server.namespace)
    running = make.job()
    running["spec"]["suspend"] = False
    for job in (running, make.job("b")):
        await created(server, JOBS, job)
        container = {"name": "main", "image": "other:2"}
        change = {"spec": {"template": {"spec": {"containers": [container]}}}}
        reply = await server.client.patch(JOBS, server.namespace, job["metadata"]["name"], change)
        assert reply.status == 422
        assert "spec.template" in reply.message
        assert "field is immutable" in reply.message


@behaviour
async def annotations_of_a_template_change_while_the_job_is_suspended(server: Server) -> None:
    """Annotations of a template change while the job is suspended."""
    make = Maker(server.namespace)
    await created(server, JOBS, make.job())
    change = {"spec": {"suspend": False, "template": {"metadata": {"annotations": {"a": "b"}}}}}
    assert (await server.client.patch(JOBS, server.namespace, "a", change)).ok
    change["spec"]["template"] = {"metadata": {"annotations": {"a": "c"}}}
    reply = await server.client.patch(JOBS, server.namespace, "a", change)
    assert reply.status == 422


@behaviour
async def the_deadline_of_a_job_can_change(server: Server) -> None:
    """The deadline of a job can change."""
    job = Maker(server.namespace).job()
    await created(server, JOBS, job)
    reply = await server.client.patch(JOBS, server.namespace, "a", {"spec": {"activeDeadlineSeconds": 1}})
    assert reply.ok
    reply = await server.client.patch(JOBS, server.namespace, "a", {"spec": {"completions": 2}})
    assert reply.status == 422


@behaviour
async def an_execution_can_be_told_to_end_once_and_nothing_else(server: Server) -> None:
    """An execution can be told to end, once, and nothing else."""
    await created(server, LAUNCH_PLAN_EXECUTIONS, Maker(server.namespace).execution())
    for change, status in (
        ({"inputs": {"a": 1}}, 422),
        ({"terminate": {"cause": "enough"}}, 200),
        ({"terminate": {"cause": "other words"}}, 422),
    ):
        reply = await server.client.patch(LAUNCH_PLAN_EXECUTIONS, server.namespace, "a", {"spec": change})
        assert reply.status == status, change


@behaviour
async def a_dry_run_of_a_patch_keeps_nothing(server: Server) -> None:
    """A dry run of a patch keeps nothing."""
    obj = await created(server, LAUNCH_PLANS, Maker(server.namespace).plan())
    reply = await server.client.patch(LAUNCH_PLANS, server.namespace, "a", {"spec": {"suspend": True}}, dry_run=True)
    assert reply.body["spec"]["suspend"] is True
    now = await server.client.get(LAUNCH_PLANS, server.namespace, "a")
    assert now is not None
    assert version(now) == version(obj)


@behaviour
async def a_workflow_keeps_its_template_unread(server: Server) -> None:
    """A workflow keeps its template unread."""
    spec = {"job": {"template": {"spec": {"noSuchField": [1, {"deep": None}]}}}}
    obj = Maker(server.namespace).object(WORKFLOW_DEFINITIONS, "a", spec=spec)
    body = await created(server, WORKFLOW_DEFINITIONS, obj)
    assert body["spec"]["job"] == spec["job"]
