"""The real API server behaves as the fake is made to: the suite that the reconcile level relies on."""

from collections.abc import AsyncIterator

import pytest

from launchplan_operator.kube.connection import AiohttpTransport
from localcluster.cluster import LocalCluster
from tests.cluster.servers import RealServer
from tests.fake import behaving
from tests.fake.behaviours import BEHAVIOURS, Behaviour, names

assert behaving.__all__


@pytest.fixture
async def server(cluster: LocalCluster) -> AsyncIterator[RealServer]:
    """A namespace on the cluster."""
    transport = await AiohttpTransport.from_kubeconfig(str(cluster.kubeconfig))
    server = RealServer(transport)
    await server.prepare()
    yield server
    await server.remove()
    await transport.close()


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=names())
async def test_real(server: RealServer, behaviour: Behaviour) -> None:
    """The behaviour holds for the real API server."""
    await behaviour(server)
