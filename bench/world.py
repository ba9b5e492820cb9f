"""A control plane of the benchmark's own, with the operator's account, and plans in it."""

import asyncio
import json
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.audit import Audit
from bench.processes import cpu_seconds, settle
from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    PODS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.connection import AiohttpTransport
from launchplan_operator.kube.credentials import Credentials
from localcluster.cluster import LocalCluster
from localcluster.operated import ACCOUNT, SYSTEM_NAMESPACE, install, write_operator_kubeconfig
from localcluster.places import LocalClusterError

NAMESPACE = "default"
WORKFLOW = "bench"
#: Its pods never start.
HELD = "held"
#: As many requests at once as the operator has workers.
CONCURRENCY = 20
CONNECTIONS = 32
_AHEAD = timedelta(hours=12)
#: Within two hours of UTC, so that `_AHEAD` holds in each.
_ZONES = ("Europe/Berlin", "UTC", "Europe/London", "Europe/Athens")
_DAYS = ("* * *", "* * MON-FRI", "*/2 * *", "1-28 * *", "* 1-11 *", "* * 0,3,6")
#: The controllers' own limits let the pods of some thousand Jobs go, at twenty a second.
_GONE_SECONDS = 600.0
_LOOK_SECONDS = 0.2
#: The garbage collector looks for new kinds every 30 s.
_COLLECTOR_SECONDS = 90.0
_CONTROLLER_MANAGER = "system:kube-controller-manager"


@dataclass(frozen=True, slots=True)
class World:
    """A running cluster with the CRDs, the operator's role, and one workflow.

    Attributes:
        admin: a client that may do everything.
        kubeconfig: the operator's.
        audit: the calls of the operator's account.
        timed: whether times are judged, so that the control plane must come to rest before each.
    """

    cluster: LocalCluster
    admin: Client
    kubeconfig: Path
    audit: Audit
    timed: bool
    _connection: AiohttpTransport

    async def transport(self) -> AiohttpTransport:
        """Connect as the operator does; close it."""
        return AiohttpTransport(await Credentials.from_kubeconfig(str(self.kubeconfig)), CONNECTIONS)

    async def close(self) -> None:
        """Close the admin's connections."""
        await self._connection.close()

    async def make_plans(self, count: int, *, active: bool) -> None:
        """Make `count` plans whose schedules are hours away, and let the control plane come to rest."""
        await in_parallel(self.create(LAUNCH_PLANS, _plan(number, active=active)) for number in range(count))
        await self.settle()

    async def make_minutely(self, count: int) -> None:
        """Make `count` active plans that fire every minute, their time kept by the operator."""
        schedule = {"cron": "* * * * *", "engine": "Operator"}
        for number in range(count):
            plan = _plan(number, active=True)
            plan["spec"]["schedule"] = schedule
            await self.create(LAUNCH_PLANS, plan)

    async def make_runs(self, plan: str, count: int) -> None:
        """Ask for `count` runs of a plan."""
        await in_parallel(self.create(LAUNCH_PLAN_EXECUTIONS, _run(plan, number)) for number in range(count))

    async def create(self, kind: Kind, manifest: dict[str, Any]) -> None:
        """Create an object as an administrator.

        Raises:
            LocalClusterError: the server refuses it.
        """
        reply = await self.admin.create(kind, manifest)
        if not reply.ok:
            raise LocalClusterError(reply.message)

    async def clear(self) -> None:
        """Remove all plans with all that was made for them, and let the control plane come to rest."""
        for kind in (CRON_JOBS, LAUNCH_PLANS, CONTROLLER_REVISIONS, LAUNCH_PLAN_EXECUTIONS, JOBS, PODS):
            names = [item["metadata"]["name"] for item in (await self.admin.list(kind, NAMESPACE)).items]
            await in_parallel(self._delete(kind, name) for name in names)
            await self._await_none(kind)
        await self.settle()

    async def settle(self) -> None:
        """Wait until the control plane does next to nothing, where times are judged."""
        if self.timed:
            await settle(self._pids())

    def cpu_seconds(self) -> float:
        """Return the processor time that the control plane has used."""
        return sum(cpu_seconds(pid) for pid in self._pids())

    def _pids(self) -> list[int]:
        return [each["pid"] for each in self.cluster.components().values()]

    async def _delete(self, kind: Kind, name: str) -> None:
        reply = await self.admin.delete(kind, NAMESPACE, name)
        if not reply.ok and not reply.not_found:
            raise LocalClusterError(reply.message)

    async def _await_none(self, kind: Kind) -> None:
        async with asyncio.timeout(_GONE_SECONDS):
            while True:
                if not (await self.admin.list(kind, NAMESPACE, limit=1)).items:
                    return
                await asyncio.sleep(_LOOK_SECONDS)


async def open_world(cluster: LocalCluster, *, timed: bool = True) -> World:
    """Prepare a fresh cluster."""
    install(cluster.kubectl)
    config = json.loads(cluster.kubectl("config", "view", "--flatten", "--raw", "-o", "json"))
    kubeconfig = write_operator_kubeconfig(cluster.kubectl, cluster.directory / "operator.kubeconfig", config)
    audit = Audit(cluster.audit_log, f"system:serviceaccount:{SYSTEM_NAMESPACE}:{ACCOUNT}")
    transport = AiohttpTransport(await Credentials.from_kubeconfig(str(cluster.kubeconfig)), CONNECTIONS)
    world = World(cluster, Client(transport), kubeconfig, audit, timed, transport)
    await world.create(WORKFLOW_DEFINITIONS, _workflow(WORKFLOW, {"stub.localcluster/duration": "0"}))
    return world


async def in_parallel(work: Iterable[Awaitable[None]]) -> None:
    """Await all of them, `CONCURRENCY` at a time."""
    waiting = iter(work)

    async def worker() -> None:
        for each in waiting:
            await each

    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(worker())


async def await_collector(world: World) -> None:
    """Wait until the garbage collector follows our kinds: before that it asks for the owner of each Job that it sees.

    It is so only in the first half minute of a cluster's life with these kinds.
    """
    controllers = Audit(world.cluster.audit_log, _CONTROLLER_MANAGER)
    followed = (("watch", kind.plural) for kind in (LAUNCH_PLANS, LAUNCH_PLAN_EXECUTIONS))
    await controllers.await_calls(tuple(followed), 1, _COLLECTOR_SECONDS, look=1.0)


async def offer_held(world: World) -> None:
    """Make the workflow whose pods never start."""
    await world.create(WORKFLOW_DEFINITIONS, _workflow(HELD, {"stub.localcluster/hold": "pending"}))


def _workflow(name: str, told: dict[str, str]) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "registry.example/team/report:1.4.2",
        "command": ["/bin/report"],
        "args": ["--region", "$(LP_INPUT_REGION)", "--rows", "$(LP_INPUT_ROWS)"],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "env": [{"name": "LOG_LEVEL", "value": "info"}],
    }
    inputs = [
        {"name": "region", "type": "string", "description": "Which region to report on."},
        {"name": "rows", "type": "integer", "default": 1000},
        {"name": "ratio", "type": "float", "default": 0.5},
    ]
    told = {"stub.localcluster/message": '{"lines": 1}'} | told
    pod = {"metadata": {"annotations": told}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    job = {"backoffLimit": 0, "template": pod}
    spec = {"interface": {"inputs": inputs, "outputs": [{"name": "lines", "type": "integer"}]}, "job": job}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {
        "apiVersion": WORKFLOW_DEFINITIONS.api_version,
        "kind": WORKFLOW_DEFINITIONS.kind,
        "metadata": metadata,
        "spec": spec,
    }


def _run(plan: str, number: int) -> dict[str, Any]:
    metadata = {"name": f"{plan}-{number:04}", "namespace": NAMESPACE}
    return {
        "apiVersion": LAUNCH_PLAN_EXECUTIONS.api_version,
        "kind": LAUNCH_PLAN_EXECUTIONS.kind,
        "metadata": metadata,
        "spec": {"launchPlanRef": {"name": plan}},
    }


def _plan(number: int, *, active: bool) -> dict[str, Any]:
    """Return a plan that is not due for ten hours; many different texts, so that nothing is gained by remembering."""
    hour = (datetime.now(UTC) + _AHEAD).hour
    cron = f"{number % 60} {(hour + number // 60 % 6) % 24} {_DAYS[number // 360 % len(_DAYS)]}"
    spec = {
        "workflowRef": {"name": WORKFLOW},
        "autoActivate": active,
        "defaultInputs": {"region": f"region-{number:05}"},
        "fixedInputs": {"rows": number},
        "labels": {"team": "bench"},
        "schedule": {"cron": cron, "timeZone": _ZONES[number // 360 % len(_ZONES)]},
    }
    metadata = {"name": f"plan-{number:05}", "namespace": NAMESPACE}
    return {"apiVersion": LAUNCH_PLANS.api_version, "kind": LAUNCH_PLANS.kind, "metadata": metadata, "spec": spec}
