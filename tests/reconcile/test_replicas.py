"""Two operators over one API server: one works, the other is warm and takes its place."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import pytest

from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    LEASES,
    WORKFLOW_DEFINITIONS,
)
from launchplan_operator.app import Operator, assemble
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.elector import CALL_SECONDS, Elector, LeadershipLostError
from launchplan_operator.kube.transport import Body, Response
from launchplan_operator.settings import Settings
from tests.fake.api import FakeApi
from tests.fake.transport import InProcessTransport
from tests.fake.virtual import VirtualLoop, seeded, virtual_now, virtual_time
from tests.reconcile.world import NAMESPACE, World, plan, run, workflow

EXECUTIONS = LAUNCH_PLAN_EXECUTIONS
LEASE = LEASES.path(NAMESPACE, "operator")


class Line(InProcessTransport):
    """A connection that may fall silent for good, as a killed process's does."""

    def __init__(self, api: FakeApi) -> None:
        super().__init__(api)
        self.is_dead = False

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request, or wait forever."""
        if self.is_dead:
            await asyncio.get_running_loop().create_future()
        return await super().request(method, path, query=query, body=body, content_type=content_type)


class Replica:
    """One operator of several.

    Attributes:
        operator: put together as in production.
        task: ends when it leads no more.
    """

    def __init__(self, api: FakeApi, name: str) -> None:
        self._line = Line(api)
        client = Client(self._line, timeout=CALL_SECONDS)
        elector = Elector(client, NAMESPACE, "operator", name, clock=virtual_now, rng=seeded(1))
        self.operator = assemble(Settings(), self._line, clock=virtual_now, rng=seeded(2), elector=elector)
        self.task = asyncio.create_task(_run(self.operator))

    @property
    def leads(self) -> bool:
        """Whether it may write."""
        assert self.operator.elector is not None
        return self.operator.elector.may_write()

    @property
    def calls(self) -> set[tuple[str, str]]:
        """What it called, the Lease apart."""
        return set(self.operator.context.client.calls)

    @property
    def lists(self) -> int:
        """How many lists it asked for."""
        calls = self.operator.context.client.calls
        return sum(count for (verb, _), count in calls.items() if verb == "list")

    async def kill(self) -> None:
        """End it without a word."""
        self._line.is_dead = True
        await self.stop()

    async def stop(self) -> None:
        """End it in order."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


def said(replica: Replica) -> str:
    """Return since when a replica's reconcilers believe that it leads."""
    since = replica.operator.context.leader_since()
    return "never" if since is None else since.isoformat(timespec="seconds")


async def _run(operator: Operator) -> None:
    """Run with our own watcher for all kinds: kopf is no part of this level."""
    async with asyncio.TaskGroup() as group:
        for reflector in operator.reflectors:
            group.create_task(reflector.run())
        for reflector in operator.reflectors:
            await reflector.synced.wait()
        group.create_task(operator.work())


async def begin(world: World) -> tuple[Replica, Replica]:
    """Start two replicas and give the leader a plan; return the leader and the other."""
    leader = Replica(world.api, "one")
    await asyncio.sleep(1)
    other = Replica(world.api, "two")
    world.create(workflow())
    world.create(plan(None))
    await world.advance(5)
    assert (leader.leads, other.leads) == (True, False)
    assert world.ready() == ("True", "False", "Active")
    return leader, other


async def seconds_until_it_ended(world: World, name: str, at_most: int) -> int:
    """Wait until a run has succeeded; return how many seconds it took."""
    for second in range(at_most):
        if (world.get(EXECUTIONS, name).get("status") or {}).get("phase") == "Succeeded":
            return second
        await world.advance(1)
    raise AssertionError(world.get(EXECUTIONS, name))


@contextmanager
def nothing_failed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Assert that nothing is logged as an error, and no traceback at all."""
    with caplog.at_level(logging.DEBUG):
        yield
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []


@virtual_time
async def test_the_one_that_stands_by_is_warm_and_writes_nothing() -> None:
    """It lists and watches what the leader does, and holds the same."""
    world = World()
    leader, other = await begin(world)
    world.create(run("first"))
    await seconds_until_it_ended(world, "first", 10)
    assert {verb for verb, _ in other.calls} == {"list", "watch"}
    assert {"create", "update"} <= {verb for verb, _ in leader.calls}
    for kind in (WORKFLOW_DEFINITIONS, LAUNCH_PLANS, EXECUTIONS, JOBS, CRON_JOBS):
        mine, its = leader.operator.context.caches.of(kind), other.operator.context.caches.of(kind)
        assert mine is not None
        assert its is not None
        assert mine.values() == its.values()


@virtual_time
async def test_the_one_that_stands_by_remembers_no_key() -> None:
    """However long it waits, it grows by nothing but what there is."""
    world = World()
    _, other = await begin(world)
    for number in range(20):
        world.create(run(f"run-{number}"))
    await world.advance(10)
    for number in range(20):
        world.delete(EXECUTIONS, f"run-{number}")
    await world.advance(10)
    assert other.operator.queue.depth == 0
    assert other.operator.queue.next_due is None


@virtual_time
async def test_after_a_crash_the_other_serves_within_twenty_seconds_and_lists_each_kind_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What came while nobody led is done then, and what was done is not done again."""
    world = World()
    leader, other = await begin(world)
    world.create(run("first"))
    await seconds_until_it_ended(world, "first", 10)
    before = other.lists
    with nothing_failed(caplog):
        world.create(run("between"))
        killing = asyncio.create_task(leader.kill())
        assert await seconds_until_it_ended(world, "between", 30) <= 20
    await killing
    assert other.leads
    # A watch may lag behind what the dead one wrote: each of eight kinds is listed once more.
    assert other.lists == before + 8
    assert world.jobs_made == {"first": 1, "between": 1}
    assert world.status["counts"] == {"started": 2, "succeeded": 2}


@virtual_time
async def test_after_an_orderly_end_the_other_serves_at_once() -> None:
    """The Lease is let go of after the last write."""
    world = World()
    leader, other = await begin(world)
    await leader.stop()
    assert world.api.do("GET", LEASE)["spec"]["holderIdentity"] == ""
    world.create(run("next"))
    # Two seconds of them are the run's own.
    assert await seconds_until_it_ended(world, "next", 20) <= 5
    assert other.leads


@virtual_time
async def test_a_leader_whose_lease_is_stolen_ends_and_writes_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    """Its reconcilers meet the closed fence without a word."""
    world = World()
    leader, other = await begin(world)
    await other.stop()
    await world.advance(1)
    with nothing_failed(caplog):
        stolen = {"holderIdentity": "thief", "leaseDurationSeconds": 3600}
        world.api.do("PATCH", LEASE, {"spec": stolen})
        with pytest.raises(BaseExceptionGroup) as caught:
            await asyncio.wait_for(leader.task, 3)
        assert caught.group_contains(LeadershipLostError, match="^thief holds the Lease$")
        mark = len(world.api.log)
        world.create(run("late"))
        await world.advance(10)
    assert world.writes_since(mark) == []
    assert world.api.do("GET", LEASE)["spec"]["holderIdentity"] == "thief"


@virtual_time
async def test_a_leader_that_wakes_from_a_pause_sends_no_write(caplog: pytest.LogCaptureFixture) -> None:
    """Its workers are in the middle of things, and time has gone by: the fence is closed before the elector runs."""
    world = World()
    leader, other = await begin(world)
    await other.stop()
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    with nothing_failed(caplog):
        for number in range(30):
            world.create(run(f"run-{number}"))
        # As if the process had not been scheduled for as long.
        loop._jumping.now += 20
        mark = len(world.api.log)
        with pytest.raises(BaseExceptionGroup) as caught:
            await asyncio.wait_for(leader.task, 5)
    assert caught.group_contains(LeadershipLostError, match="not renewed for 10 s")
    # Only that it leads no more is written.
    assert world.writes_since(mark) == ["update leases"]
    assert world.all(JOBS) == []


@virtual_time
async def test_the_first_work_is_over_when_it_is_done_and_there_is_none_for_whoever_stands_by() -> None:
    """Kopf begins then: earlier it would cost a start its time, and later a standby its watches."""
    world = World()
    world.create(workflow())
    world.create(plan(None))
    leader = Replica(world.api, "one")
    await asyncio.wait_for(leader.operator.first_work(), 5)
    assert world.ready() == ("True", "False", "Active")
    other = Replica(world.api, "two")
    await asyncio.wait_for(other.operator.first_work(), 5)
    assert not other.leads


@virtual_time
async def test_the_reconcilers_know_since_when_they_lead() -> None:
    """An operator without an election leads since its start."""
    world = World()
    await asyncio.sleep(5)
    leader, other = await begin(world)
    assert said(leader) == "2026-01-01T00:00:05+00:00"
    assert said(other) == "never"
    await leader.stop()
    await world.advance(3)
    assert "2026-01-01T00:00:11" < said(other) < "2026-01-01T00:00:14"
    alone = assemble(Settings(), InProcessTransport(world.api), clock=virtual_now, rng=seeded(1))
    assert alone.context.leader_since() == virtual_now()
