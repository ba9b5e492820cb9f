"""Stories that are told at once, each in a namespace of its own: those that wait for minutes share them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.cluster.support import Space

Story = Callable[[Space], None]
Told = Mapping[Story, "Future[None]"]


@contextmanager
def tell_together(
    request: pytest.FixtureRequest, test: str, stories: Sequence[Story], new_space: Callable[[], Space]
) -> Iterator[Told]:
    """Begin every selected story of a test that is parametrised by their names; each future ends with its story."""
    ids = {item.name for item in request.session.items}
    selected = [tell for tell in stories if f"{test}[{tell.__name__}]" in ids]
    with ThreadPoolExecutor(len(selected)) as pool:
        yield {tell: pool.submit(tell, new_space()) for tell in selected}
