"""What the process says of generators that are closing as its loop ends: nothing; of all else, what asyncio says."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest

from launchplan_operator.__main__ import _end_quietly


async def _endless() -> AsyncGenerator[int, None]:
    while True:
        try:
            yield 1
        finally:
            await asyncio.sleep(0.05)


def _closed_twice(*, quiet: bool) -> None:
    """End a loop with a generator that somebody closes at the same time, as kopf's watches are."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        if quiet:
            loop.set_exception_handler(_end_quietly)
        endless = _endless()
        await anext(endless)
        closing = asyncio.ensure_future(endless.aclose())
        await asyncio.sleep(0)
        await loop.shutdown_asyncgens()
        closing.cancel()

    asyncio.run(story())


@pytest.mark.parametrize("quiet", [False, True])
def test_a_generator_that_is_closing_is_no_error(caplog: pytest.LogCaptureFixture, *, quiet: bool) -> None:
    with caplog.at_level(logging.ERROR, "asyncio"):
        _closed_twice(quiet=quiet)
    assert ("asynchronous generator" in caplog.text) is not quiet


def test_anything_else_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        _end_quietly(asyncio.get_running_loop(), {"message": "something else"})

    with caplog.at_level(logging.ERROR, "asyncio"):
        asyncio.run(story())
    assert "something else" in caplog.text
