"""All scripts of the controllers' suite at once, each in a namespace of its own: most of them wait for minutes."""

import asyncio
import threading
from typing import Self

from launchplan_operator.kube.connection import AiohttpTransport
from tests.cluster.servers import RealCluster
from tests.fake import controlling
from tests.fake.scripts import SCRIPTS, Script

assert controlling.__all__


class Playing:
    """The scripts, played in a thread beside the tests.

    Args:
        kubeconfig: Where; an administrator's.
    """

    def __init__(self, kubeconfig: str) -> None:
        self._kubeconfig = kubeconfig
        self._outcomes: dict[str, Exception | None] = {}
        self._thread = threading.Thread(target=lambda: asyncio.run(self._play_all()), name="scripts", daemon=True)

    def begin(self) -> Self:
        """Start them."""
        self._thread.start()
        return self

    def check(self, script: Script, seconds: float) -> None:
        """Wait until all have ended, at most so many seconds, and raise what a script raised."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"the scripts did not end within {seconds:g} s"
        outcome = self._outcomes[script.__name__]
        if outcome is not None:
            raise outcome

    async def _play_all(self) -> None:
        transport = await AiohttpTransport.from_kubeconfig(self._kubeconfig)
        await asyncio.gather(*(self._play(transport, script) for script in SCRIPTS))
        await transport.close()

    async def _play(self, transport: AiohttpTransport, script: Script) -> None:
        """Play one; what it leaves when it fails goes with the whole cluster."""
        cluster, outcome = RealCluster(transport, "model"), None
        try:
            await cluster.prepare()
            await script(cluster)
            await cluster.remove()
        except Exception as error:  # noqa: BLE001 - raised where the script's test looks at it
            outcome = error
        self._outcomes[script.__name__] = outcome
