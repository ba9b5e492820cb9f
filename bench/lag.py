"""How late Jobs are: many plans that fire every minute, kept by the operator and by CronJobs, beside the bare writes."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.audit import Audit
from bench.limits import bare
from bench.subject import operator
from bench.world import NAMESPACE, WORKFLOW, World, in_parallel
from launchplan_operator.api.kinds import CRON_JOBS, JOBS, LAUNCH_PLAN_EXECUTIONS
from launchplan_operator.kube.client import Client
from localcluster.places import LocalClusterError

_MINUTE = 60
_STATUS = ("update", "launchplans/status")
_ACTIVE_SECONDS = 600.0
_ROOM = 15
_CRONJOB_CONTROLLER = "system:serviceaccount:kube-system:cronjob-controller"


@dataclass(frozen=True, slots=True)
class Lag:
    """Seconds from slots to their Jobs.

    Attributes:
        plans: how many fired every minute.
        slots: how many slots came, of all plans.
        lost: how many of them had no Job a minute after the last.
    """

    plans: int
    slots: int
    lost: int
    median: float
    p99: float


def summarise(plans: int, slots: int, lags: Iterable[float]) -> Lag:
    """Return how late the Jobs of slots were; a slot that has none is lost."""
    found = sorted(lags)
    if not found:
        return Lag(plans, slots, slots, 0.0, 0.0)
    return Lag(plans, slots, slots - len(found), _quantile(found, 0.5), _quantile(found, 0.99))


async def measure_lag(world: World, plans: int, minutes: int) -> tuple[Lag, Lag]:
    """Return the lags of the operator's own engine over some minutes, and of the same writes sent bare, all at once."""
    await world.make_minutely(plans)
    with operator(world) as subject:
        subject.process.await_ready()
        await world.audit.await_calls((_STATUS,), plans, _ACTIVE_SECONDS)
        ours = await _watch_slots(world.audit, plans, minutes)
    floor = await _measure_floor(world, plans)
    await world.clear()
    return ours, floor


async def measure_native(world: World, plans: int, minutes: int) -> Lag:
    """Return the lags of as many CronJobs that nobody but Kubernetes attends to."""
    await in_parallel(world.create(CRON_JOBS, _cronjob(number)) for number in range(plans))
    found = await _watch_slots(replace(world.audit, user=_CRONJOB_CONTROLLER), plans, minutes)
    await world.clear()
    return found


async def _watch_slots(audit: Audit, plans: int, minutes: int) -> Lag:
    """Wait for so many whole minutes and one more, and look when the Jobs of their slots were made."""
    first = (int(time.time()) + _ROOM) // _MINUTE + 1
    await asyncio.sleep(first * _MINUTE - time.time() - 1)
    audit.mark()
    await asyncio.sleep((minutes + 1) * _MINUTE - 5)
    wanted = range(first, first + minutes)
    lags: dict[str, float] = {}
    for call in audit.calls():
        minute = call.name.rpartition("-")[2]
        if (call.verb, call.target) == ("create", "jobs") and minute.isdigit() and int(minute) in wanted:
            lags.setdefault(call.name, call.at - int(minute) * _MINUTE)
    return summarise(plans, plans * minutes, lags.values())


async def _measure_floor(world: World, plans: int) -> Lag:
    """Send what one slot of each plan takes, as fast as the server answers: the run, its Job, and their statuses."""
    jobs = {job["metadata"]["name"]: job for job in (await world.admin.list(JOBS, NAMESPACE)).items}
    runs = [run for run in (await world.admin.list(LAUNCH_PLAN_EXECUTIONS, NAMESPACE)).items if _has_job(run, jobs)]
    newest = {
        run["spec"]["launchPlanRef"]["name"]: run for run in sorted(runs, key=lambda run: run["metadata"]["name"])
    }
    await world.settle()
    transport = await world.transport()
    client, began, lags = Client(transport), time.time(), list[float]()

    async def write(run: Mapping[str, Any]) -> None:
        name = f"{run['metadata']['name']}-bare"
        made = await client.create(LAUNCH_PLAN_EXECUTIONS, _renamed(run, name))
        job = await client.create(JOBS, _renamed(bare(jobs[run["metadata"]["name"]]), name))
        lags.append(time.time() - began)
        status = await client.replace(LAUNCH_PLAN_EXECUTIONS, {**made.body, "status": run["status"]}, "status")
        if not (made.ok and job.ok and status.ok):
            raise LocalClusterError(f"{made.message} {job.message} {status.message}")

    try:
        await in_parallel(write(run) for run in newest.values())
    finally:
        await transport.close()
    return summarise(plans, plans, lags)


def _has_job(run: Mapping[str, Any], jobs: Mapping[str, Any]) -> bool:
    return run["metadata"]["name"] in jobs and "status" in run


def _renamed(obj: Mapping[str, Any], name: str) -> dict[str, Any]:
    kept = {key: obj["metadata"][key] for key in ("namespace", "labels", "annotations") if key in obj["metadata"]}
    return {key: obj[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": kept | {"name": name}}


def _quantile(ordered: list[float], part: float) -> float:
    """Return the least figure that at least that part of the ordered ones does not exceed."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _cronjob(number: int) -> dict[str, Any]:
    container = {"name": "main", "image": "registry.example/team/report:1.4.2", "command": ["/bin/report"]}
    pod = {
        "metadata": {"annotations": {"stub.localcluster/duration": "0"}},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }
    spec = {
        "schedule": "* * * * *",
        "successfulJobsHistoryLimit": 1000,
        "jobTemplate": {"spec": {"backoffLimit": 0, "template": pod}},
    }
    metadata = {"name": f"native-{number:05}", "namespace": NAMESPACE, "labels": {"workflow": WORKFLOW}}
    return {"apiVersion": CRON_JOBS.api_version, "kind": CRON_JOBS.kind, "metadata": metadata, "spec": spec}
