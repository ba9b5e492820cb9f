"""What the operator relies on in an API server: each behaviour holds for the fake and for a real one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from launchplan_operator.api.kinds import CRON_JOBS, EVENTS, JOBS, LAUNCH_PLAN_EXECUTIONS, LAUNCH_PLANS, Kind
from launchplan_operator.kube.client import Client, WatchEvent
from launchplan_operator.kube.transport import Object, Response, Transport


class Server(Protocol):
    """A server under test, with a namespace of the test's own."""

    namespace: str

    @property
    def client(self) -> Client:
        """A client of the server."""
        ...

    @property
    def transport(self) -> Transport:
        """The client's connection."""
        ...

    async def eventually(self, check: Callable[[], Awaitable[bool]]) -> None:
        """Let the garbage collector work until `check` holds; fails after a while."""
        ...

    def age(self) -> None:
        """Let the history before now be forgotten, where that needs help."""
        ...


Behaviour = Callable[[Server], Awaitable[None]]
BEHAVIOURS: list[Behaviour] = []


def behaviour(test: Behaviour) -> Behaviour:
    """Add a behaviour to the suite."""
    BEHAVIOURS.append(test)
    return test


def names() -> list[str]:
    """Return the behaviours as sentences, for test ids."""
    return [test.__name__.replace("_", " ") for test in BEHAVIOURS]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes objects in the test's namespace."""

    namespace: str

    def object(self, kind: Kind, name: str, **parts: Any) -> Object:
        """Return an object; `meta` is merged into its metadata."""
        meta = {"name": name, "namespace": self.namespace} | parts.pop("meta", {})
        return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta} | parts

    def plan(self, name: str = "a", **meta: Any) -> Object:
        """Return a launch plan."""
        return self.object(LAUNCH_PLANS, name, meta=meta, spec={"workflowRef": {"name": "w"}})

    def execution(self, name: str = "a", **meta: Any) -> Object:
        """Return an execution."""
        return self.object(LAUNCH_PLAN_EXECUTIONS, name, meta=meta, spec={"launchPlanRef": {"name": "p"}})

    def job(self, name: str = "a", **meta: Any) -> Object:
        """Return a suspended Job, which no controller starts."""
        return self.object(JOBS, name, meta=meta, spec={"suspend": True, "template": pod_template()})

    def cron_job(self, name: str = "a", **meta: Any) -> Object:
        """Return a CronJob that does not fire."""
        spec = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": pod_template()}}}
        return self.object(CRON_JOBS, name, meta=meta, spec=spec)

    def event(self, name: str, involved_namespace: str) -> Object:
        """Return a core Event."""
        involved = {"kind": "LaunchPlan", "name": "a", "namespace": involved_namespace}
        return self.object(EVENTS, name, involvedObject=involved, reason="Tested", message="m", type="Normal")


def pod_template() -> Object:
    """Return a template as the operator renders it."""
    field = {"fieldRef": {"fieldPath": "metadata.name"}}
    container = {"name": "main", "image": "busybox:1", "env": [{"name": "A", "valueFrom": field}]}
    return {"spec": {"restartPolicy": "Never", "containers": [container]}}


def owner(obj: Object, *, controller: bool = False) -> Object:
    """Return a reference to an owner."""
    meta = obj["metadata"]
    reference = {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "name": meta["name"], "uid": meta["uid"]}
    return reference | ({"controller": True} if controller else {})


async def created(server: Server, kind: Kind, obj: Object) -> Object:
    """Create an object that must be taken."""
    reply = await server.client.create(kind, obj)
    assert reply.ok, reply.message
    return reply.body


async def put(server: Server, kind: Kind, obj: Object, subresource: str | None = None) -> Response:
    """Send a raw PUT."""
    path = kind.path(obj["metadata"]["namespace"], obj["metadata"]["name"], subresource)
    return await server.transport.request("PUT", path, body=obj)


async def present(server: Server, kind: Kind, name: str) -> bool:
    """Whether the server has the object."""
    return await server.client.get(kind, server.namespace, name) is not None


async def watched(server: Server, kind: Kind, since: str, *, labels: str = "", seconds: float = 2) -> list[WatchEvent]:
    """Return what a short watch shows."""
    watch = server.client.watch(kind, server.namespace, since, labels, timeout=seconds)
    return [event async for event in watch]


def version(obj: Object) -> int:
    """Return the resourceVersion as a number."""
    return int(obj["metadata"]["resourceVersion"])
