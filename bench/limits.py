"""Runs under a limit: how fast many that wait are admitted at once, beside their bare Jobs, and how fast a queue flows."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from bench.audit import Call
from bench.subject import operator
from bench.world import HELD, NAMESPACE, WORKFLOW, World, in_parallel
from launchplan_operator.api.concurrency import MAX_SEATS
from launchplan_operator.api.kinds import JOBS, LAUNCH_PLANS, PODS, Kind
from launchplan_operator.decide.run import is_finished
from launchplan_operator.kube.client import Client
from launchplan_operator.reconcile.context import CLOCKS
from localcluster.places import LocalClusterError

_JOB = ("create", "jobs")
_PLAN_STATUS = ("update", "launchplans/status")
_RUN_STATUS = ("update", "launchplanexecutions/status")
_PLAN = "limited"
_SECONDS = 900.0
_LOOK_SECONDS = 2.0
_GENERATED = ("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name")


@dataclass(frozen=True, slots=True)
class Admission:
    """Many waiting runs admitted at once.

    Attributes:
        operator: seconds from the edit that lets them all start to the answer for the last one's Job.
        floor: seconds that the same Jobs take, created bare.
        followed: the same for a client that reads what watches tell of Jobs and pods meanwhile, as every operator must.
        ledgers: how often the plan's status was written meanwhile.
    """

    runs: int
    operator: float
    floor: float
    followed: float
    ledgers: int


@dataclass(frozen=True, slots=True)
class Flow:
    """Runs that wait for places of their plan.

    Attributes:
        rate: Jobs a second, from the first to the last.
        floor: the same for bare Jobs, each created when the watch tells that one of those under way is complete.
    """

    runs: int
    places: int
    rate: float
    floor: float


async def measure_admission(world: World, runs: int) -> Admission:
    """Let `runs` runs wait, of as many plans as it takes, and then all start; the pods of the offered `HELD` do not."""
    plans = {
        f"{_PLAN}-{number}": min(MAX_SEATS - 1, runs - at) for number, at in enumerate(range(0, runs, MAX_SEATS - 1))
    }
    with operator(world) as subject:
        subject.process.await_ready()
        for name in plans:
            await world.create(LAUNCH_PLANS, _plan(name, 1, HELD))
        await world.audit.await_calls((_PLAN_STATUS,), len(plans), _SECONDS)
        # It leads. A run that an earlier leader may have seen is asked for once more before it starts: not what is measured.
        await asyncio.sleep(CLOCKS.total_seconds() + 1)
        for name, waiting in plans.items():
            await world.make_runs(name, waiting + 1)
        # Each is accepted; the first of each plan starts, and is told so at least once.
        await world.audit.await_calls((_RUN_STATUS,), runs + 2 * len(plans), _SECONDS, look=_LOOK_SECONDS)
        await world.settle()
        world.audit.mark()
        began = time.time()
        await in_parallel(_raise(world, name) for name in plans)
        # Seldom: reading the log takes a processor's time from what is measured.
        await world.audit.await_calls((_JOB,), runs, _SECONDS, look=_LOOK_SECONDS)
        calls = world.audit.calls()
        ended = max(call.at for call in calls if _is_new_job(call))
        ledgers = sum((call.verb, call.target) == _PLAN_STATUS and call.at <= ended for call in calls)
    jobs = [bare(job) for job in (await world.admin.list(JOBS, NAMESPACE)).items][:runs]
    await world.clear()
    floor = await _create_bare(world, jobs)
    await world.clear()
    followed = await _create_bare(world, jobs, followed=(JOBS, PODS))
    await world.clear()
    return Admission(runs, ended - began, floor, followed, ledgers)


async def _raise(world: World, name: str) -> None:
    body = {"spec": {"concurrency": {"max": MAX_SEATS}}}
    reply = await world.admin.patch(LAUNCH_PLANS, NAMESPACE, name, body)
    if not reply.ok:
        raise LocalClusterError(reply.message)


async def measure_flow(world: World, runs: int, places: int) -> Flow:
    """Let runs whose pods end at once pass through the places of their plan; all wait when the operator starts."""
    await world.create(LAUNCH_PLANS, _plan(_PLAN, places, WORKFLOW))
    await world.make_runs(_PLAN, runs)
    await world.settle()
    with operator(world) as subject:
        subject.process.await_ready()
        await world.audit.await_calls((_JOB,), runs, _SECONDS, look=_LOOK_SECONDS)
        made = sorted(call.at for call in world.audit.calls() if _is_new_job(call))
    jobs = [bare(job) for job in (await world.admin.list(JOBS, NAMESPACE)).items]
    await world.clear()
    if len(made) != runs:
        raise LocalClusterError(f"expected {runs} Jobs, found {len(made)}")
    floor = await _flow_bare(world, jobs, places)
    await world.clear()
    return Flow(runs, places, _rate(made), _rate(floor))


async def _flow_bare(world: World, jobs: list[dict[str, Any]], places: int) -> list[float]:
    """Let bare Jobs pass through as many places; returns when each was created, in seconds of the loop."""
    transport = await world.transport()
    client, loop = Client(transport), asyncio.get_running_loop()
    waiting, made, ended = iter(jobs), list[float](), set[str]()

    async def create_next() -> None:
        if (job := next(waiting, None)) is not None:
            reply = await client.create(JOBS, job)
            if not reply.ok:
                raise LocalClusterError(reply.message)
            made.append(loop.time())

    try:
        version = (await client.list(JOBS, NAMESPACE, limit=1)).resource_version
        await in_parallel(create_next() for _ in range(places))
        async with asyncio.timeout(_SECONDS), asyncio.TaskGroup() as group:
            async for event in client.watch(JOBS, NAMESPACE, version):
                # A bookmark has no name.
                name = event.object["metadata"].get("name")
                if is_finished(event.object) and name not in ended:
                    ended.add(name)
                    group.create_task(create_next())
                if len(ended) == len(jobs):
                    break
    finally:
        await transport.close()
    return made


def _rate(made: list[float]) -> float:
    return (len(made) - 1) / (made[-1] - made[0])


def bare(job: dict[str, Any]) -> dict[str, Any]:
    """Return a Job as it was asked for: without what the server added, and without owners."""
    kept = deepcopy(job)
    spec, metadata = kept["spec"], kept["metadata"]
    spec.pop("selector", None)
    template_labels = spec["template"]["metadata"]["labels"]
    for label in _GENERATED:
        metadata.get("labels", {}).pop(label, None)
        template_labels.pop(label, None)
    named = {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if key in metadata}
    return {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "metadata": named, "spec": spec}


async def _create_bare(world: World, jobs: list[dict[str, Any]], followed: Sequence[Kind] = ()) -> float:
    transport = await world.transport()
    client, loop = Client(transport), asyncio.get_running_loop()

    async def create(job: dict[str, Any]) -> None:
        reply = await client.create(JOBS, job)
        if not reply.ok:
            raise LocalClusterError(reply.message)

    try:
        async with _following(client, followed):
            began = loop.time()
            await in_parallel(create(job) for job in jobs)
            return loop.time() - began
    finally:
        await transport.close()


@asynccontextmanager
async def _following(client: Client, kinds: Sequence[Kind]) -> AsyncIterator[None]:
    """Read what watches tell of some kinds meanwhile, and do nothing with it."""

    async def follow(kind: Kind, version: str) -> None:
        async for _ in client.watch(kind, NAMESPACE, version):
            pass

    versions = [(await client.list(kind, NAMESPACE, limit=1)).resource_version for kind in kinds]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(follow(*each)) for each in zip(kinds, versions, strict=True)]
        yield
        for task in tasks:
            task.cancel()


def _is_new_job(call: Call) -> bool:
    return (call.verb, call.target) == _JOB and call.status < 300 and call.name.startswith(_PLAN)  # noqa: PLR2004 - HTTP's errors


def _plan(name: str, places: int, workflow: str) -> dict[str, Any]:
    spec = {
        "workflowRef": {"name": workflow},
        "autoActivate": True,
        "defaultInputs": {"region": "north"},
        "concurrency": {"max": places, "behavior": "Queue", "queue": {"max": 1000}},
    }
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": LAUNCH_PLANS.api_version, "kind": LAUNCH_PLANS.kind, "metadata": metadata, "spec": spec}
