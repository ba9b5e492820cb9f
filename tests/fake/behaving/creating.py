"""Creating objects: what is filled in, what is refused."""

from launchplan_operator.api.kinds import CRON_JOBS, EVENTS, JOBS, LAUNCH_PLANS
from tests.fake.behaviours import Maker, Server, behaviour, created, owner, present


@behaviour
async def a_new_object_gets_its_system_fields(server: Server) -> None:
    """A new object gets its system fields."""
    meta = (await created(server, LAUNCH_PLANS, Maker(server.namespace).plan()))["metadata"]
    assert meta["generation"] == 1
    assert len(meta["uid"]) == 36
    assert meta["creationTimestamp"].endswith("Z")
    assert int(meta["resourceVersion"]) > 0
    assert meta["managedFields"][0]["manager"] == "launchplan-operator"


@behaviour
async def a_second_create_of_a_name_already_exists(server: Server) -> None:
    """A second create of a name already exists."""
    make = Maker(server.namespace)
    await created(server, JOBS, make.job())
    reply = await server.client.create(JOBS, make.job())
    assert reply.exists
    assert not reply.conflict
    assert reply.message == 'jobs.batch "a" already exists'
    assert reply.body["details"] == {"name": "a", "group": "batch", "kind": "jobs"}


@behaviour
async def a_create_with_a_resource_version_is_refused(server: Server) -> None:
    """A create with a resource version is refused."""
    obj = Maker(server.namespace).plan(resourceVersion="1")
    response = await server.transport.request("POST", LAUNCH_PLANS.path(server.namespace), body=obj)
    assert response.status == 500
    assert response.body["message"] == "resourceVersion should not be set on objects to be created"
    assert not await present(server, LAUNCH_PLANS, "a")


@behaviour
async def a_uid_and_a_generation_in_a_create_are_replaced(server: Server) -> None:
    """A uid and a generation in a create are replaced."""
    wanted = "11111111-2222-4333-8444-555555555555"
    meta = (await created(server, LAUNCH_PLANS, Maker(server.namespace).plan(uid=wanted, generation=7)))["metadata"]
    assert meta["uid"] != wanted
    assert meta["generation"] == 1


@behaviour
async def a_create_in_an_absent_namespace_is_not_found(server: Server) -> None:
    """A create in an absent namespace is not found."""
    reply = await server.client.create(LAUNCH_PLANS, Maker("no-such-namespace").plan())
    assert reply.not_found
    assert reply.message == 'namespaces "no-such-namespace" not found'
    assert reply.body["details"]["kind"] == "namespaces"


@behaviour
async def a_name_that_is_no_dns_name_is_invalid(server: Server) -> None:
    """A name that is no dns name is invalid."""
    for kind, obj in (
        (LAUNCH_PLANS, Maker(server.namespace).plan("Not_DNS")),
        (JOBS, Maker(server.namespace).job("-a")),
    ):
        reply = await server.client.create(kind, obj)
        assert reply.status == 422
        assert reply.refused
        assert reply.body["reason"] == "Invalid"
        assert "metadata.name: Invalid value:" in reply.message


@behaviour
async def a_cron_job_name_has_at_most_52_characters(server: Server) -> None:
    """A cron job name has at most 52 characters."""
    make = Maker(server.namespace)
    assert (await server.client.create(CRON_JOBS, make.cron_job("a" * 52))).ok
    reply = await server.client.create(CRON_JOBS, make.cron_job("a" * 53))
    assert reply.status == 422
    assert "must be no more than 52 characters" in reply.message


@behaviour
async def a_plan_name_has_at_most_52_characters(server: Server) -> None:
    """A plan name has at most 52 characters."""
    make = Maker(server.namespace)
    assert (await server.client.create(LAUNCH_PLANS, make.plan("a" * 52))).ok
    reply = await server.client.create(LAUNCH_PLANS, make.plan("a" * 53))
    assert reply.status == 422
    assert "metadata.name: Invalid value" in reply.message


@behaviour
async def a_label_value_that_is_none_is_invalid(server: Server) -> None:
    """A label value that is none is invalid."""
    make = Maker(server.namespace)
    for value in ("x" * 64, "a b", "-a"):
        reply = await server.client.create(LAUNCH_PLANS, make.plan(labels={"launchplan.dev/plan": value}))
        assert reply.status == 422
        assert "metadata.labels: Invalid value:" in reply.message


@behaviour
async def annotations_of_more_than_256_kibibytes_are_invalid(server: Server) -> None:
    """Annotations of more than 256 kibibytes are invalid."""
    make = Maker(server.namespace)
    reply = await server.client.create(LAUNCH_PLANS, make.plan(annotations={"a": "x" * 262_144}))
    assert reply.status == 422
    assert "metadata.annotations: Too long" in reply.message
    assert (await server.client.create(LAUNCH_PLANS, make.plan(annotations={"a": "x" * 262_143}))).ok


@behaviour
async def two_controllers_are_invalid(server: Server) -> None:
    """Two controllers are invalid."""
    make = Maker(server.namespace)
    owners = [owner(await created(server, LAUNCH_PLANS, make.plan(name)), controller=True) for name in ("b", "c")]
    reply = await server.client.create(JOBS, make.job(ownerReferences=owners))
    assert reply.status == 422
    assert "Only one reference can have Controller set to true" in reply.message


@behaviour
async def generate_name_makes_a_name(server: Server) -> None:
    """Generate name makes a name."""
    obj = Maker(server.namespace).plan()
    del obj["metadata"]["name"]
    reply = await server.client.create(LAUNCH_PLANS, obj)
    assert reply.status == 422
    assert "name or generateName is required" in reply.message
    obj["metadata"]["generateName"] = "made-"
    body = await created(server, LAUNCH_PLANS, obj)
    assert body["metadata"]["name"].startswith("made-")
    assert len(body["metadata"]["name"]) == 10


@behaviour
async def a_dry_run_checks_and_keeps_nothing(server: Server) -> None:
    """A dry run checks and keeps nothing."""
    make = Maker(server.namespace)
    assert (await server.client.create(JOBS, make.job(), dry_run=True)).ok
    assert not await present(server, JOBS, "a")
    bad = make.job()
    bad["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    reply = await server.client.create(JOBS, bad, dry_run=True)
    assert reply.status == 422
    assert "spec.template.spec.restartPolicy: " in reply.message
    await created(server, JOBS, make.job())
    assert (await server.client.create(JOBS, make.job(), dry_run=True)).exists


@behaviour
async def a_job_without_pod_or_container_is_invalid(server: Server) -> None:
    """A job without pod or container is invalid."""
    make = Maker(server.namespace)
    job = make.job()
    del job["spec"]["template"]
    reply = await server.client.create(JOBS, job)
    assert reply.status == 422
    assert "spec.template.spec.containers: Required value" in reply.message
    job = make.job()
    del job["spec"]["template"]["spec"]["containers"][0]["image"]
    reply = await server.client.create(JOBS, job)
    assert reply.status == 422
    assert "spec.template.spec.containers[0].image: Required value" in reply.message


@behaviour
async def a_cron_job_with_a_zone_in_its_schedule_is_invalid(server: Server) -> None:
    """A cron job with a zone in its schedule is invalid."""
    cron_job = Maker(server.namespace).cron_job()
    cron_job["spec"]["schedule"] = "TZ=UTC 0 0 1 1 *"
    reply = await server.client.create(CRON_JOBS, cron_job)
    assert reply.status == 422
    assert "spec.schedule: Invalid value" in reply.message


@behaviour
async def a_job_is_filled_with_defaults(server: Server) -> None:
    """A job is filled with defaults."""
    body = await created(server, JOBS, Maker(server.namespace).job())
    uid = body["metadata"]["uid"]
    labels = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "a",
        "controller-uid": uid,
        "job-name": "a",
    }
    assert body["status"] == {}
    assert body["spec"] == {
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "completions": 1,
        "manualSelector": False,
        "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed",
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
        "suspend": True,
        "template": {"metadata": {"labels": labels}, "spec": _FILLED_POD},
    }


@behaviour
async def a_cron_job_is_filled_with_defaults(server: Server) -> None:
    """A cron job is filled with defaults."""
    body = await created(server, CRON_JOBS, Maker(server.namespace).cron_job())
    assert body["status"] == {}
    assert body["spec"] == {
        "concurrencyPolicy": "Allow",
        "failedJobsHistoryLimit": 1,
        "jobTemplate": {"metadata": {}, "spec": {"template": {"metadata": {}, "spec": _FILLED_POD}}},
        "schedule": "0 0 1 1 *",
        "successfulJobsHistoryLimit": 3,
        "suspend": False,
    }


@behaviour
async def volumes_and_images_are_filled_with_defaults(server: Server) -> None:
    """Volumes and images are filled with defaults."""
    job = Maker(server.namespace).job()
    pod = job["spec"]["template"]["spec"]
    pod["containers"][0]["image"] = "busybox"
    item = {"path": "inputs.json", "fieldRef": {"fieldPath": "metadata.annotations['launchplan.dev/inputs']"}}
    pod["volumes"] = [{"name": "inputs", "downwardAPI": {"items": [item]}}]
    filled = (await created(server, JOBS, job))["spec"]["template"]["spec"]
    assert filled["containers"][0]["imagePullPolicy"] == "Always"
    assert filled["volumes"][0]["downwardAPI"]["defaultMode"] == 420
    assert filled["volumes"][0]["downwardAPI"]["items"][0]["fieldRef"]["apiVersion"] == "v1"


@behaviour
async def a_custom_object_is_filled_and_pruned_by_its_schema(server: Server) -> None:
    """A custom object is filled and pruned by its schema."""
    obj = Maker(server.namespace).plan()
    obj["spec"]["noSuchField"] = 1
    obj["spec"]["defaultInputs"] = {"any": {"json": [1, None]}}
    obj["status"] = {"running": 3}
    body = await created(server, LAUNCH_PLANS, obj)
    assert "noSuchField" not in body["spec"]
    assert body["spec"]["defaultInputs"] == {"any": {"json": [1, None]}}
    assert body["spec"]["autoActivate"] is False
    assert body["status"] == {"observedGeneration": -1}


@behaviour
async def a_custom_object_that_breaks_its_schema_is_invalid(server: Server) -> None:
    """A custom object that breaks its schema is invalid."""
    obj = Maker(server.namespace).plan()
    obj["spec"]["suspend"] = "yes"
    reply = await server.client.create(LAUNCH_PLANS, obj)
    assert reply.status == 422
    assert 'spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean' in reply.message
    del obj["spec"]["suspend"], obj["spec"]["workflowRef"]
    reply = await server.client.create(LAUNCH_PLANS, obj)
    assert "spec.workflowRef: Required value" in reply.message


@behaviour
async def an_event_lives_in_the_namespace_of_its_object(server: Server) -> None:
    """An event lives in the namespace of its object."""
    make = Maker(server.namespace)
    assert (await server.client.create(EVENTS, make.event("a.1", server.namespace))).ok
    reply = await server.client.create(EVENTS, make.event("a.2", "elsewhere"))
    assert reply.status == 422
    assert "does not match event.namespace" in reply.message


@behaviour
async def a_body_of_another_kind_or_namespace_is_a_bad_request(server: Server) -> None:
    """A body of another kind or namespace is a bad request."""
    make = Maker(server.namespace)
    for obj in (make.job(), Maker("elsewhere").plan()):
        response = await server.transport.request("POST", LAUNCH_PLANS.path(server.namespace), body=obj)
        assert response.status == 400
        assert response.body["reason"] == "BadRequest"


_FILLED_POD = {
    "containers": [
        {
            "env": [{"name": "A", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}],
            "image": "busybox:1",
            "imagePullPolicy": "IfNotPresent",
            "name": "main",
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }
    ],
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Never",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
}
