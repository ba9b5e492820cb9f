"""An in-memory Kubernetes API server for tests, and the controllers around it."""

import pytest

from tests.fake.api import FakeApi
from tests.fake.faults import Fault, Lost
from tests.fake.routing import Call, Request
from tests.fake.transport import InProcessTransport

__all__ = ["Call", "FakeApi", "Fault", "InProcessTransport", "Lost", "Request"]

# The suites' assertions should explain themselves although they stand in no test file.
pytest.register_assert_rewrite(
    "tests.fake.behaviours", "tests.fake.behaving", "tests.fake.scripts", "tests.fake.controlling"
)
