"""The simulation's own parts do what the search relies on."""

import asyncio
import logging

import pytest

from tests.sim.loop import Process, SimLoop, run_simulated
from tests.sim.run import run_seed
from tests.sim.sites import all_sites
from tests.sim.stumbles import listening


def test_time_jumps_to_the_next_timer() -> None:
    async def story() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    assert run_simulated(story()) == 3600


def test_a_frozen_process_does_nothing_until_it_goes_on() -> None:
    done: list[float] = []

    async def work() -> None:
        while True:
            await asyncio.sleep(1)
            done.append(asyncio.get_running_loop().time())

    async def story() -> None:
        process = Process("worker")
        process.start(work())
        await asyncio.sleep(2.5)
        process.freeze()
        await asyncio.sleep(10)
        assert done == [1, 2]
        process.thaw()
        await asyncio.sleep(1.1)
        process.kill()

    run_simulated(story())
    assert done == [1, 2, 12.5, 13.5]


def test_a_killed_process_ends_and_the_others_go_on() -> None:
    async def forever() -> None:
        await asyncio.sleep(1e9)

    async def story() -> None:
        one, other = Process("one"), Process("other")
        one.start(forever())
        other.start(forever())
        await asyncio.sleep(1)
        one.kill()
        await asyncio.sleep(1)
        assert (one.ended, other.ended) == (True, False)
        other.kill()

    run_simulated(story())


def test_a_loop_with_nothing_left_to_do_says_so() -> None:
    async def story() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nobody will do"):
        run_simulated(story())


def test_a_failing_callback_of_the_world_ends_the_seed() -> None:
    def fail() -> None:
        raise ValueError("broken world")

    async def story() -> None:
        asyncio.get_running_loop().call_later(1, fail)
        await asyncio.sleep(5)

    with pytest.raises(ValueError, match="broken world"):
        run_simulated(story())


def test_the_calls_of_the_operator_are_found_in_its_sources() -> None:
    names = {site.name for site in all_sites()}
    assert {"launch._create:create", "follow.follow_job:write_status", "watch._watch:watch"} <= names
    assert sum(site.writes for site in all_sites()) > 10


def test_the_loop_is_one_of_its_own() -> None:
    async def story() -> bool:
        return isinstance(asyncio.get_running_loop(), SimLoop)

    assert run_simulated(story())


def test_the_calls_of_a_life_are_recognised() -> None:
    visited = run_seed(3).visited
    assert {"watch._list:chunks", "watch._watch:watch", "plan.reconcile_plan:write_status"} <= set(visited)
    assert set(visited) <= {site.name for site in all_sites()}


def test_an_exception_that_an_operator_catches_is_heard_of_and_what_it_only_logs_is_not() -> None:
    told: list[str] = []
    logger = logging.getLogger("launchplan_operator.app")
    with listening(told.append):
        logger.error("leadership is lost")
        logger.warning("slow", exc_info=ValueError("late"))
        logger.error(
            "reconciling failed", exc_info=KeyError("version"), extra={"namespace": "asking", "object": "run-7"}
        )
    logger.error("nobody listens any more", exc_info=KeyError("version"))
    assert told == ["an operator stumbles: reconciling failed asking/run-7: KeyError('version')"]
