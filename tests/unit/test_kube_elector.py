"""Who leads, in virtual time: at most one at any instant, and one soon, whatever connections, clocks and processes do."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchplan_operator.api.kinds import LEASES
from launchplan_operator.kube.elector import RENEW_DEADLINE, RETRY_PERIOD
from launchplan_operator.kube.lease import LEASE_DURATION
from tests.fake import Call, FakeApi, Fault, Lost
from tests.fake.virtual import VirtualLoop, run_virtual, seeded, virtual_now, virtual_time
from tests.unit.electing import NAME, NAMESPACE, Process, lease_of, now, spec_of, write_lease

STOLEN = {"holderIdentity": "thief", "leaseDurationSeconds": 15}
DELETE = ("DELETE", LEASES.path(NAMESPACE, NAME))


class World:
    """A server and two processes.

    Attributes:
        api: the server.
        one: leads from the start.
        two: stands by, once it is started.
    """

    def __init__(self) -> None:
        self.api = FakeApi(clock=virtual_now)
        self.one, self.two = Process(self.api, "one-"), Process(self.api, "two-")

    async def begin(self) -> None:
        """Start both; the first leads."""
        self.one.start()
        await asyncio.sleep(1)
        self.two.start()
        await asyncio.sleep(9)
        assert (self.one.leads, self.two.leads) == (True, False)

    async def until(self, holds: Callable[[], bool], seconds: float) -> float:
        """Wait until something holds; return the seconds that it took, at most so many."""
        began = now()
        while not holds():
            assert now() - began < seconds, spec_of(self.api)
            await asyncio.sleep(0.01)
        return now() - began


@virtual_time
async def test_the_first_makes_the_lease_and_leads_at_once() -> None:
    """There is nobody to wait for."""
    world = World()
    world.one.start()
    await asyncio.sleep(0.1)
    assert world.one.leads
    assert world.one.elector.tried.is_set()
    assert spec_of(world.api) == {
        "holderIdentity": "one-2",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-01T00:00:00.002000Z",
        "renewTime": "2026-01-01T00:00:00.002000Z",
        "leaseTransitions": 0,
    }


@virtual_time
async def test_a_leader_renews_by_one_write_and_nothing_else() -> None:
    """An idle operator reads nothing for it."""
    world = World()
    world.one.start()
    await asyncio.sleep(1)
    world.api.log.clear()
    await asyncio.sleep(60)
    assert {call.verb for call, _ in world.api.log} == {"update"}
    assert 30 <= len(world.api.log) <= 38
    assert spec_of(world.api)["acquireTime"] == "2026-01-01T00:00:00.002000Z"
    assert spec_of(world.api)["renewTime"] > "2026-01-01T00:00:58"


@virtual_time
async def test_one_that_stands_by_only_reads() -> None:
    """It says whom it waits for."""
    world = World()
    await world.begin()
    world.api.log.clear()
    await asyncio.sleep(60)
    assert not world.two.leads
    assert world.two.elector.tried.is_set()
    assert world.two.elector.acquired_at is None
    assert world.two.elector.leader_since() is None
    writers = {call.request.body["spec"]["holderIdentity"] for call, _ in world.api.log if call.writes}
    assert writers == {"one-2"}


@virtual_time
async def test_when_it_became_the_leader_is_known() -> None:
    """By both clocks."""
    world = World()
    world.one.skew = 3600
    await asyncio.sleep(5)
    world.one.start()
    await asyncio.sleep(1)
    acquired = world.one.elector.acquired_at
    assert acquired is not None
    assert acquired.loop_time == pytest.approx(5.004)
    assert acquired.instant.isoformat(timespec="seconds") == "2026-01-01T01:00:05+00:00"
    assert world.one.elector.leader_since() == acquired.instant


@virtual_time
async def test_after_a_crash_another_takes_over_when_the_time_of_the_lease_is_over() -> None:
    """Not before, and not much later."""
    world = World()
    await world.begin()
    await world.one.crash()
    await asyncio.sleep(RETRY_PERIOD)
    last_sign = world.two.elector._seen
    assert last_sign is not None
    taken = await world.until(lambda: world.two.leads, 30)
    assert now() == pytest.approx(last_sign.since + LEASE_DURATION, abs=0.1)
    assert taken < LEASE_DURATION
    assert spec_of(world.api)["leaseTransitions"] == 1


@virtual_time
async def test_after_an_orderly_end_another_takes_over_at_its_next_look() -> None:
    """The Lease has no holder then."""
    world = World()
    await world.begin()
    await world.one.stop()
    assert spec_of(world.api)["holderIdentity"] == ""
    assert spec_of(world.api)["leaseDurationSeconds"] == 1
    assert await world.until(lambda: world.two.leads, 30) < RETRY_PERIOD + 0.1
    assert spec_of(world.api)["leaseDurationSeconds"] == 15
    assert spec_of(world.api)["leaseTransitions"] == 1


@virtual_time
async def test_a_leader_that_is_told_to_end_writes_nothing_any_more() -> None:
    """From the moment on, not only when the Lease is released."""
    world = World()
    await world.begin()
    await world.one.crash()
    assert not world.one.elector.may_write()


@virtual_time
async def test_whoever_stood_by_releases_nothing_at_its_end() -> None:
    """The leader goes on undisturbed."""
    world = World()
    await world.begin()
    held = lease_of(world.api)
    await world.two.stop()
    assert lease_of(world.api)["spec"]["holderIdentity"] == held["spec"]["holderIdentity"]
    await asyncio.sleep(30)
    assert world.one.leads
    assert world.one.lost == []


@virtual_time
async def test_a_lost_connection_costs_the_leadership_before_another_may_have_it() -> None:
    """The leader cannot know what is in the Lease, but it knows the time."""
    world = World()
    await world.begin()
    world.one.transport.api = unreachable()
    lost = await world.until(lambda: not world.one.leads, 30)
    taken = lost + await world.until(lambda: world.two.leads, 30)
    assert RENEW_DEADLINE - RETRY_PERIOD - 0.1 < lost < RENEW_DEADLINE
    assert taken < LEASE_DURATION + RETRY_PERIOD + 0.1
    assert world.one.lost == [
        "the Lease was not renewed for 10 s: get leases: connection broke: ServerDisconnectedError"
    ]


def unreachable() -> FakeApi:
    """Return a server whose every connection breaks."""
    api = FakeApi(clock=virtual_now)
    api.faults = lambda _call: Fault(Lost.DROPPED)
    return api


@pytest.mark.parametrize("applied", [False, True], ids=["done", "not done"])
@pytest.mark.parametrize("answer", [409, 429, 500, 503, 504, Lost.DROPPED, Lost.HANGS], ids=str)
@virtual_time
async def test_a_single_failure_costs_no_leadership(answer: int | Lost, applied: bool) -> None:
    """Whether the server did the work or not, the next attempt finds out."""
    world = World()
    await world.begin()
    left = iter([Fault(answer, applied=applied)])

    def fail_once(call: Call) -> Fault | None:
        return next(left, None) if call.verb == "update" else None

    world.api.faults = fail_once
    await asyncio.sleep(30)
    assert next(left, None) is None
    assert (world.one.leads, world.one.lost) == (True, [])
    assert spec_of(world.api)["leaseTransitions"] == 0


@virtual_time
async def test_what_a_person_writes_into_the_metadata_costs_nothing() -> None:
    """It is met as a conflict, looked at, and kept."""
    world = World()
    await world.begin()
    world.api.do("PATCH", LEASES.path(NAMESPACE, NAME), {"metadata": {"labels": {"team": "data"}}})
    await asyncio.sleep(5)
    assert (world.one.leads, world.one.lost) == (True, [])
    assert lease_of(world.api)["metadata"]["labels"] == {"team": "data"}


@virtual_time
async def test_a_stolen_lease_ends_the_leadership_at_the_next_renewal() -> None:
    """Whoever wrote it: it says that another leads."""
    world = World()
    await world.begin()
    elector = world.one.elector
    write_lease(world.api, **STOLEN)
    assert await world.until(lambda: not elector.may_write(), 30) < RETRY_PERIOD + 0.1
    await asyncio.sleep(0.1)
    assert world.one.lost == ["thief holds the Lease"]
    assert spec_of(world.api)["holderIdentity"] == "thief"


@virtual_time
async def test_a_deleted_lease_is_made_again_by_its_leader() -> None:
    """The one that stands by waits as if it were there."""
    world = World()
    await world.begin()
    world.api.do(*DELETE)
    await asyncio.sleep(10)
    assert (world.one.leads, world.two.leads, world.one.lost) == (True, False, [])
    assert spec_of(world.api)["holderIdentity"] == "one-2"


@virtual_time
async def test_a_lease_that_vanished_with_its_leader_is_free_when_its_time_is_over() -> None:
    """The leader may still be alive, and not know."""
    world = World()
    await world.begin()
    await world.one.crash()
    world.api.do(*DELETE)
    assert await world.until(lambda: world.two.leads, 30) > LEASE_DURATION - RETRY_PERIOD


@virtual_time
async def test_the_same_process_started_again_is_another() -> None:
    """What it wrote before it crashed does not count for it."""
    world = World()
    await world.begin()
    await world.two.crash()
    await world.one.crash()
    world.one.start()
    await asyncio.sleep(1)
    assert not world.one.leads
    assert await world.until(lambda: world.one.leads, 30) < LEASE_DURATION
    assert spec_of(world.api)["holderIdentity"] == "one-3"


@pytest.mark.parametrize("skew", [-86_400.0, -30.0, 30.0, 86_400.0])
@virtual_time
async def test_what_the_wall_clocks_say_changes_nothing(skew: float) -> None:
    """Neither a clock that is wrong nor one that is set while it leads."""
    world = World()
    world.two.skew = skew
    await world.begin()
    world.one.skew = -skew
    await asyncio.sleep(30)
    assert (world.one.leads, world.two.leads, world.one.lost) == (True, False, [])
    await world.one.crash()
    taken = await world.until(lambda: world.two.leads, 30)
    assert LEASE_DURATION - RETRY_PERIOD < taken < LEASE_DURATION + RETRY_PERIOD + 0.1


@virtual_time
async def test_a_wall_clock_that_stands_still_hides_no_renewal() -> None:
    """The others see that something was written."""
    world = World()
    await world.begin()
    for _ in range(400):
        world.one.skew -= 0.1
        await asyncio.sleep(0.1)
    assert (world.one.leads, world.two.leads, world.one.lost) == (True, False, [])


@virtual_time
async def test_a_process_that_was_not_scheduled_knows_on_waking_that_it_leads_no_more() -> None:
    """Before it does anything else, even if nobody took its place."""
    world = World()
    world.one.start()
    await asyncio.sleep(1)
    elector, loop = world.one.elector, asyncio.get_running_loop()
    assert elector.may_write()
    assert isinstance(loop, VirtualLoop)
    loop._jumping.now += 20
    assert not elector.may_write()
    await asyncio.sleep(0.1)
    assert world.one.lost == ["the Lease was not renewed for 10 s"]


@virtual_time
async def test_a_paused_leader_is_replaced_and_does_not_come_back() -> None:
    """It ends; its next start waits like any other."""
    world = World()
    await world.begin()
    world.one.pause(20)
    await world.until(lambda: world.two.leads, 20)
    assert not world.one.leads
    await asyncio.sleep(30)
    assert (world.one.leads, world.two.leads) == (False, True)
    assert world.one.lost == ["the Lease was not renewed for 10 s"]


@virtual_time
async def test_an_answer_that_comes_too_late_opens_nothing() -> None:
    """The time counts from when the question was asked."""
    world = World()
    world.one.transport.latency = lambda: 1.4
    world.one.start()
    await world.until(lambda: world.one.leads, 10)
    began = now() - 2.8
    world.one.transport.api = unreachable()
    await world.until(lambda: not world.one.leads, 30)
    assert now() == pytest.approx(began + RENEW_DEADLINE, abs=0.02)


@virtual_time
async def test_an_operator_that_may_not_claim_says_why_once(caplog: pytest.LogCaptureFixture) -> None:
    """Its role, or the namespace, is what a person has to mend."""
    world = World()
    world.api.faults = lambda _call: Fault(403, message="no rights")
    with caplog.at_level(logging.WARNING):
        world.one.start()
        await asyncio.sleep(60)
    assert [record.getMessage() for record in caplog.records] == ["cannot claim the Lease: get leases: 403 no rights"]
    world.api.faults = lambda call: Fault(403, message="no rights") if call.verb == "create" else None
    await asyncio.sleep(5)
    assert caplog.records[-1].getMessage() == "cannot claim the Lease: no rights"
    world.api.faults = lambda _call: None
    await world.until(lambda: world.one.leads, RETRY_PERIOD + 0.1)


@virtual_time
async def test_a_release_that_fails_is_told_and_not_tried_for_long() -> None:
    """The process ends all the same."""
    world = World()
    await world.begin()
    world.api.faults = lambda _call: Fault(Lost.HANGS)
    began = now()
    await world.one.stop()
    assert now() - began < 4


ANSWERS = (409, 429, 500, 503, 504, Lost.DROPPED, Lost.HANGS)
Act = Callable[[Process, Random], Awaitable[None]]


async def _crash(process: Process, _: Random) -> None:
    await process.crash()


async def _stop(process: Process, _: Random) -> None:
    await process.stop()


async def _start(process: Process, _: Random) -> None:
    process.start()


async def _pause(process: Process, rng: Random) -> None:
    process.pause(rng.uniform(0, 40))


async def _set_clock(process: Process, rng: Random) -> None:
    process.skew = rng.choice([-3600.0, -2.0, 0.0, 2.0, 3600.0])


async def _touch(process: Process, rng: Random) -> None:
    api = process.transport.api
    if api.store.get(LEASES, (NAMESPACE, NAME)) is not None:
        label = {"metadata": {"labels": {"n": str(rng.random())}}}
        api.do("PATCH", LEASES.path(NAMESPACE, NAME), label)


ACTS: list[Act] = [_crash, _stop, _start, _pause, _set_clock, _touch]


class Contest:
    """Three processes on a server that answers late, wrongly or not at all.

    Attributes:
        reigns: who led, in order.
    """

    def __init__(self, seed: int, badness: float, slowness: float) -> None:
        self.rng = seeded(seed)
        self.api = FakeApi(clock=virtual_now)
        self.processes = [Process(self.api, name, latency=self._latency) for name in ("a", "b", "c")]
        self.badness, self.slowness = badness, slowness
        self.reigns: list[str] = []
        self.api.faults = self._fault

    def check(self) -> None:
        """Assert that at most one leads now."""
        leaders = [process.elector._identity for process in self.processes if process.leads]
        assert len(leaders) <= 1, f"{leaders} at {now():.2f} s"
        self.reigns += [name for name in leaders if name not in self.reigns[-1:]]

    async def watch(self) -> None:
        """Check all the time."""
        while True:
            self.check()
            await asyncio.sleep(0.05)

    def _latency(self) -> float:
        return self.rng.choice([0.001, 0.1, self.rng.uniform(0, 12)]) * self.slowness

    def _fault(self, call: Call) -> Fault | None:
        self.check()
        if self.rng.random() >= self.badness:
            return None
        answer = self.rng.choice(ANSWERS)
        if answer == 409 and not call.writes:
            answer = 503
        return Fault(answer, applied=self.rng.random() < 0.5 and answer not in {409, 429})


async def contend(seed: int, badness: float, slowness: float, acts: list[tuple[float, int, int]]) -> Contest:
    """Let processes compete while a person and the machines disturb them; then let all be well for a while."""
    contest = Contest(seed, badness, slowness)
    watching = asyncio.create_task(contest.watch())
    for process in contest.processes:
        process.start()
    for seconds, act, which in acts:
        await asyncio.sleep(seconds)
        await ACTS[act](contest.processes[which], contest.rng)
        assert not watching.done(), watching.result()
    contest.badness = 0.0
    contest.slowness = 0.01
    for process in contest.processes:
        process.start()
    # Whoever stands still does so for forty seconds at most, and a Lease is held for fifteen more.
    await asyncio.sleep(75)
    assert not watching.done(), watching.result()
    watching.cancel()
    assert [process.leads for process in contest.processes].count(True) == 1, spec_of(contest.api)
    return contest


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    badness=st.sampled_from([0.0, 0.05, 0.3, 0.7]),
    slowness=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    acts=st.lists(
        st.tuples(st.floats(0, 25), st.integers(0, len(ACTS) - 1), st.integers(0, 2)), min_size=2, max_size=15
    ),
)
def test_two_never_lead_at_the_same_instant_and_one_does_in_the_end(
    seed: int, badness: float, slowness: float, acts: list[tuple[float, int, int]]
) -> None:
    """Whatever is lost, late, repeated or set back, and whoever crashes, pauses and comes again."""
    run_virtual(contend(seed, badness, slowness, acts))


def test_the_contest_is_one() -> None:
    """Its disturbances do change the leader, and often."""
    rng, reigns = seeded(5), 0
    for seed in range(10):
        acts: list[Any] = [(rng.uniform(0, 25), rng.randrange(len(ACTS)), rng.randrange(3)) for _ in range(15)]
        reigns += len(run_virtual(contend(seed, 0.3, 0.5, acts)).reigns)
    assert reigns > 30
