"""What happens to an operator rarely, done by its own code under its own account: it has the rights for that, too."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from launchplan_operator.api.kinds import REFERENCE_LAUNCH_PLANS, WORKFLOW_DEFINITIONS, Kind
from launchplan_operator.kube.client import Client
from launchplan_operator.kube.connection import AiohttpTransport
from launchplan_operator.kube.events import EventRecorder
from launchplan_operator.reconcile.caches import Caches
from launchplan_operator.reconcile.context import Context, write_status
from launchplan_operator.reconcile.result import Failed
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.audit import Audit
from tests.cluster.support import Object, Space, workflow


class Clock:
    """A clock that is put forward."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time as the code sees it."""
    return Clock()


@pytest.fixture
async def context(running: OperatorProcess, clock: Clock) -> AsyncIterator[Context]:
    """What a reconciler works with, connected by the operator's own kubeconfig."""
    transport = await AiohttpTransport.from_kubeconfig(str(running.kubeconfig))
    client = Client(transport)
    yield Context(client, Caches(), EventRecorder(client, clock), clock)
    await transport.close()


@pytest.fixture
def audit(cluster: LocalCluster) -> Audit:
    """The audit log from now on."""
    return Audit(cluster.audit_log).from_now()


def offered(space: Space) -> Object:
    """Return a workflow that the operator has judged."""
    return space.offer(spec=workflow())


async def test_an_event_that_comes_again_is_counted_on_the_server(
    space: Space, context: Context, clock: Clock, audit: Audit
) -> None:
    """Ten minutes later, in the same object."""
    subject = offered(space)
    recorder = EventRecorder(context.client, clock)
    for _ in range(2):
        recorder.record(subject, "Normal", "Again", "a test")
        clock.now += timedelta(minutes=11)
    await _sent(recorder)
    (event,) = space.events(subject, "Again")
    assert (event["count"], recorder.dropped) == (2, 0)
    assert audit.all(space.namespace)["patch", "events"] == 1


async def _sent(recorder: EventRecorder) -> None:
    sending = asyncio.create_task(recorder.run())
    await recorder.drained()
    sending.cancel()


def referring(space: Space) -> Object:
    """Return a reference that the operator has judged."""
    space.create(REFERENCE_LAUNCH_PLANS, "report", {"namespace": space.namespace, "name": "nothing"})
    return space.waiting(REFERENCE_LAUNCH_PLANS, "report", "TargetUnavailable")


@pytest.mark.parametrize(
    ("kind", "make"),
    [(WORKFLOW_DEFINITIONS, offered), (REFERENCE_LAUNCH_PLANS, referring)],
    ids=["a workflow", "a reference"],
)
async def test_a_status_made_from_an_old_state_brings_the_new_one(
    space: Space, context: Context, audit: Audit, kind: Kind, make: Callable[[Space], Object]
) -> None:
    """Of a kind that nobody but the operator writes twice at once."""
    present = make(space)
    stale = present | {"metadata": present["metadata"] | {"resourceVersion": "1"}}
    cache = context.caches.of(kind)
    assert cache is not None
    outcome = await write_status(context, kind, stale, {"observedGeneration": 1})
    assert isinstance(outcome, Failed)
    held = cache.get(space.namespace, "report")
    assert held is not None
    assert held["metadata"]["resourceVersion"] == present["metadata"]["resourceVersion"]
    assert audit.all(space.namespace)["get", kind.plural] == 1
