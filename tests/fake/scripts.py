"""What the operator relies on in Kubernetes' controllers: each script holds for the modelled and for the real ones."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from launchplan_operator.api.kinds import CRON_JOBS, JOBS, PODS, Kind
from launchplan_operator.kube.transport import Object
from tests.fake.behaviours import Maker, Server, created, owner, pod_template

TRACKING = "batch.kubernetes.io/job-tracking"
JOB_NAME = "batch.kubernetes.io/job-name"
#: Seconds after a slot at which everything that happens at it has happened.
SETTLED = 5.0
#: Seconds that the real collector may take: it learns of new kinds every half minute, and then of lost owners.
COLLECTION = 90.0


class Cluster(Server, Protocol):
    """A server with its controllers, one node that answers and one that is lost, and a namespace of the script's own.

    Pods wait until the script runs and ends them.
    """

    def now(self) -> datetime:
        """Return the controllers' time."""
        ...

    async def eventually(self, check: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
        """Let the controllers work until `check` holds; fails after so many seconds."""
        ...

    async def rest(self, seconds: float) -> None:
        """Let the controllers work for so many seconds."""
        ...

    async def run(self, pod: Object, *, lost: bool = False) -> None:
        """Bind a pod to a node and report it running; on the lost node nobody will ever say more about it."""
        ...

    async def end(self, pod: Object, exit_code: int = 0) -> None:
        """Report the end of a pod's containers."""
        ...

    async def remove_lost_node(self) -> None:
        """Remove the lost node for good, as `kubectl delete node`."""
        ...


Script = Callable[[Cluster], Awaitable[None]]
SCRIPTS: list[Script] = []


def script(play: Script) -> Script:
    """Add a script to the suite."""
    SCRIPTS.append(play)
    return play


def titles() -> list[str]:
    """Return the scripts as sentences, for test ids."""
    return [play.__name__.replace("_", " ") for play in SCRIPTS]


def job(cluster: Cluster, name: str = "a", owners: tuple[Object, ...] = (), **spec: Any) -> Object:
    """Return a Job whose pods wait for the script."""
    meta: Object = {"name": name, "namespace": cluster.namespace} | ({"ownerReferences": [*owners]} if owners else {})
    template = pod_template() | {"metadata": {"annotations": {"stub.localcluster/hold": "pending"}}}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta}
    return body | {"spec": {"backoffLimit": 0, "template": template} | spec}


async def new_job(cluster: Cluster, name: str = "a", owners: tuple[Object, ...] = (), **spec: Any) -> Object:
    """Create such a Job."""
    return await created(cluster, JOBS, job(cluster, name, owners, **spec))


async def new_cron_job(cluster: Cluster, name: str = "c", **spec: Any) -> Object:
    """Create a CronJob that fires in every minute and keeps its history; what is None is left to the server."""
    whole = {
        "schedule": "* * * * *",
        "successfulJobsHistoryLimit": 1000,
        "failedJobsHistoryLimit": 1000,
        "jobTemplate": {"spec": job(cluster)["spec"]},
    } | spec
    given = {field: value for field, value in whole.items() if value is not None}
    return await created(cluster, CRON_JOBS, Maker(cluster.namespace).object(CRON_JOBS, name, spec=given))


def controlled_by(cron_job: Object) -> Object:
    """Return the reference that the CronJob controller gives its Jobs."""
    return owner(cron_job, controller=True) | {"blockOwnerDeletion": True}


async def read(cluster: Cluster, kind: Kind, name: str) -> Object:
    """Return an object that must be there."""
    found = await cluster.client.get(kind, cluster.namespace, name)
    assert found is not None, f"no {kind.kind} {name}"
    return found


async def status(cluster: Cluster, kind: Kind, name: str) -> Object:
    """Return the status of an object that must be there."""
    found: Object = (await read(cluster, kind, name)).get("status") or {}
    return found


async def names(cluster: Cluster, kind: Kind = JOBS) -> list[str]:
    """Return the names of the namespace's objects of a kind, in order."""
    listing = await cluster.client.list(kind, cluster.namespace)
    return sorted(each["metadata"]["name"] for each in listing.items)


async def gone(cluster: Cluster, kind: Kind, name: str, seconds: float = 30.0) -> None:
    """Wait until there is no such object."""

    async def absent() -> bool:
        return await cluster.client.get(kind, cluster.namespace, name) is None

    await cluster.eventually(absent, seconds)


async def until(
    cluster: Cluster, kind: Kind, name: str, holds: Callable[[Object], bool], seconds: float = 30.0
) -> Object:
    """Wait until an object is there and holds; return it as it was then. The failure shows what was seen last."""
    seen: list[Object | None] = []

    async def check() -> bool:
        seen[:] = [await cluster.client.get(kind, cluster.namespace, name)]
        return seen[0] is not None and holds(seen[0])

    try:
        await cluster.eventually(check, seconds)
    except (AssertionError, TimeoutError):
        last = seen[0] and {"metadata": seen[0]["metadata"], "status": seen[0].get("status")}
        raise AssertionError(f"{kind.kind} {name} not within {seconds:g} s, last seen: {last}") from None
    found = seen[0]
    assert found is not None
    return found


async def pods_of(cluster: Cluster, job_name: str) -> list[Object]:
    """Return the pods of a Job, oldest first."""
    found = (await cluster.client.list(PODS, cluster.namespace, {JOB_NAME: job_name})).items
    return sorted(found, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))


async def new_pod(cluster: Cluster, job_name: str, known: tuple[Object, ...] = (), seconds: float = 30.0) -> Object:
    """Wait until a Job has a pod beside the known ones, and return it."""
    old = {pod["metadata"]["uid"] for pod in known}

    async def fresh() -> list[Object]:
        return [pod for pod in await pods_of(cluster, job_name) if pod["metadata"]["uid"] not in old]

    async def there() -> bool:
        return bool(await fresh())

    await cluster.eventually(there, seconds)
    return (await fresh())[0]


async def running(cluster: Cluster, name: str = "a", *, lost: bool = False, **spec: Any) -> Object:
    """Create a Job, run its pod, wait until its status says so, and return the pod."""
    earlier = await pods_of(cluster, name)
    await new_job(cluster, name, **spec)
    pod = await new_pod(cluster, name, (*earlier,))
    await cluster.run(pod, lost=lost)
    await until(cluster, JOBS, name, lambda each: counts(each) == {"active": 1, "ready": 1})
    return await read(cluster, PODS, pod["metadata"]["name"])


async def remove(cluster: Cluster, pod: Object, *, force: bool = False) -> None:
    """Delete a pod, as `kubectl delete pod`; `force` is its --force."""
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    body = options | ({"gracePeriodSeconds": 0} if force else {})
    path = PODS.path(cluster.namespace, pod["metadata"]["name"])
    response = await cluster.transport.request("DELETE", path, body=body)
    assert response.status == 200, response.body


async def edit(cluster: Cluster, kind: Kind, name: str, **body: Any) -> Object:
    """Merge into an object; it must be taken."""
    reply = await cluster.client.patch(kind, cluster.namespace, name, body)
    assert reply.ok, reply.message
    return reply.body


async def drop(cluster: Cluster, kind: Kind, name: str, propagation: str = "Background") -> None:
    """Delete an object."""
    reply = await cluster.client.delete(kind, cluster.namespace, name, propagation=propagation)
    assert reply.ok, reply.message


def counts(obj: Object) -> Object:
    """Return the counters of a Job's status that are not zero."""
    fields = ("active", "ready", "terminating", "succeeded", "failed")
    return {field: obj["status"][field] for field in fields if obj.get("status", {}).get(field)}


def conditions(obj: Object) -> list[str]:
    """Return the types of the conditions that are true, oldest first."""
    return [each["type"] for each in obj.get("status", {}).get("conditions", ()) if each["status"] == "True"]


def finished(obj: Object) -> bool:
    """Whether a Job is Complete or Failed."""
    return bool({"Complete", "Failed"} & set(conditions(obj)))


def terminating(pod: Object) -> bool:
    """Whether a pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


async def next_slot(cluster: Cluster, room: float = 15.0) -> datetime:
    """Return the next whole minute, at least `room` seconds away."""
    left = 60 - cluster.now().timestamp() % 60
    if left < room:
        await cluster.rest(left + 1)
    return cluster.now().replace(second=0, microsecond=0) + timedelta(minutes=1)


async def pass_time(cluster: Cluster, moment: datetime, seconds: float = SETTLED) -> None:
    """Let the controllers work until so many seconds after a moment."""
    await cluster.rest(max(0.0, (moment - cluster.now()).total_seconds() + seconds))


async def after(cluster: Cluster, slot: datetime, jobs: list[str]) -> None:
    """Let a slot pass and everything settle: then these are all Jobs that there are."""
    await pass_time(cluster, slot)

    async def as_expected() -> bool:
        return await names(cluster) == sorted(jobs)

    try:
        await cluster.eventually(as_expected)
    except (AssertionError, TimeoutError):
        raise AssertionError(f"expected {sorted(jobs)}, found {await names(cluster)}") from None


def slot_job(cron_job: str, slot: datetime) -> str:
    """Return the name of a slot's Job."""
    return f"{cron_job}-{int(slot.timestamp()) // 60}"


def slot_text(slot: datetime) -> str:
    """Return a slot as a status has it."""
    return slot.strftime("%Y-%m-%dT%H:%M:%SZ")


def active_uids(cron_job: Object) -> list[str]:
    """Return the uids of the Jobs that a CronJob calls active."""
    return [each["uid"] for each in cron_job.get("status", {}).get("active", ())]
