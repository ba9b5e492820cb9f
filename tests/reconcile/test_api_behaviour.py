"""The fake API server behaves as the real one: the same suite runs against a cluster."""

from collections.abc import Awaitable, Callable

import pytest

from launchplan_operator.kube.client import Client
from tests.fake import FakeApi, InProcessTransport, behaving
from tests.fake.behaviours import BEHAVIOURS, Behaviour, names
from tests.fake.virtual import virtual_time

assert behaving.__all__


class FakeServer:
    """The fake with a namespace of the test's own."""

    def __init__(self) -> None:
        self.api = FakeApi(namespaces=("default", "test"))
        self.transport = InProcessTransport(self.api)
        self.client = Client(self.transport)
        self.namespace = "test"

    async def eventually(self, check: Callable[[], Awaitable[bool]]) -> None:
        """Collect garbage, then look."""
        self.api.collect_garbage()
        assert await check()

    def age(self) -> None:
        """Forget all history."""
        self.api.store.compact()


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=names())
@virtual_time
async def test_fake(behaviour: Behaviour) -> None:
    """The behaviour holds for the fake."""
    await behaviour(FakeServer())
