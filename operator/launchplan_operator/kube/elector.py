"""Leader election by a Lease: of several replicas one writes, the others stand by.

Why two never write at the same time: what a leader may write is counted from the moment at which it *began* the write
that renewed the Lease, and ends `RENEW_DEADLINE` after it. Another claims the Lease `LEASE_DURATION` after it *saw* that
write, which is later, and every write to the Lease names the resource version that it replaces.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from logging import INFO, WARNING, getLogger
from random import Random
from typing import NoReturn

from launchplan_operator.api.kinds import LEASES
from launchplan_operator.kube.client import Client, Unavailable
from launchplan_operator.kube.lease import Sighting, claim, holder_of, release, seconds_held, see
from launchplan_operator.kube.reply import Reply
from launchplan_operator.kube.transport import Object

#: Seconds after the beginning of the last renewal at which a leader is none any more.
RENEW_DEADLINE = 10.0
#: Seconds between two attempts, at most.
RETRY_PERIOD = 2.0
#: Seconds that one call about the Lease may take, so that a silent connection leaves time for another attempt.
CALL_SECONDS = 3.0
_SHORTEST_PAUSE = 0.05
_logger = getLogger(__name__)


class LeadershipLostError(Exception):
    """This process led and does so no more: it must end."""


class _HeldError(Exception):
    """Another must be taken for the leader for some seconds more."""

    def __init__(self, holder: str, seconds: float) -> None:
        super().__init__(f"{holder} holds the Lease")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Acquisition:
    """When leadership began.

    Attributes:
        loop_time: by the monotonic clock of the event loop, in seconds.
        instant: by the wall clock, aware.
    """

    loop_time: float
    instant: datetime


class Elector:
    """Claims a Lease and renews it.

    Call `acquire`, then `hold` for as long as there is something to write, then `release`.

    Args:
        client: A client without a fence, whose calls end within `CALL_SECONDS`.
        namespace: The Lease's namespace.
        name: The Lease's name.
        identity: Names this process among all that were ever started.
        clock: The present time, aware; only shown to people.
        rng: Source of jitter.

    Attributes:
        acquired_at: When this process became the leader; None before.
        tried: Set after the first attempt to claim the Lease, whatever came of it.
    """

    def __init__(
        self, client: Client, namespace: str, name: str, identity: str, *, clock: Callable[[], datetime], rng: Random
    ) -> None:
        self.acquired_at: Acquisition | None = None
        self.tried = asyncio.Event()
        self._client = client
        self._name = (namespace, name)
        self._identity = identity
        self._clock = clock
        self._rng = rng
        self._seen: Sighting | None = None
        # As our last write left it; None if that is in doubt, so that it must be looked at.
        self._own: Object | None = None
        self._writes_until = float("-inf")
        self._told = ""

    def may_write(self) -> bool:
        """Tell whether this process leads: the fence that every write must pass."""
        return asyncio.get_running_loop().time() < self._writes_until

    def leader_since(self) -> datetime | None:
        """Return since when this process leads, by its wall clock; None before."""
        return None if self.acquired_at is None else self.acquired_at.instant

    async def acquire(self) -> None:
        """Wait until this process leads, however long that takes."""
        while True:
            pause = self._pause()
            try:
                await self._attempt()
                break
            except _HeldError as held:
                self._tell(INFO, f"standing by: {held}")
                pause = min(pause, held.seconds)
            except Unavailable as error:
                self._tell(WARNING, f"cannot claim the Lease: {error}")
            finally:
                self.tried.set()
            await asyncio.sleep(max(pause, _SHORTEST_PAUSE))
        self.acquired_at = Acquisition(asyncio.get_running_loop().time(), self._clock())
        self._tell(INFO, "leading")

    async def hold(self) -> NoReturn:
        """Renew the Lease until cancelled; from then on nothing may be written.

        Raises:
            LeadershipLostError: somebody else holds the Lease, or it could not be renewed in time.
        """
        trouble = ""
        try:
            async with asyncio.timeout_at(self._writes_until) as deadline:
                while True:
                    await asyncio.sleep(self._pause())
                    trouble = await self._renew()
                    deadline.reschedule(self._writes_until)
        except TimeoutError:
            raise LeadershipLostError(f"the Lease was not renewed for {RENEW_DEADLINE:g} s{trouble}") from None
        except _HeldError as held:
            raise LeadershipLostError(str(held)) from None
        finally:
            self._writes_until = float("-inf")

    async def release(self) -> None:
        """Let go of the Lease if it is ours, so that another may claim it at once; nothing may be written any more."""
        self._writes_until = float("-inf")
        try:
            lease = self._own or await self._client.get(LEASES, *self._name)
            if lease is not None and holder_of(lease) == self._identity:
                await self._client.replace(LEASES, release(lease, self._clock()))
        except Unavailable as error:
            self._tell(WARNING, f"cannot release the Lease: {error}")

    async def _renew(self) -> str:
        """Try once to renew the Lease; return what went wrong, to be added to a sentence."""
        try:
            await self._attempt()
        except Unavailable as error:
            self._tell(WARNING, f"cannot renew the Lease: {error}")
            return f": {error}"
        self._told = ""
        return ""

    async def _attempt(self) -> None:
        """Claim the Lease; after another's write once more, having looked whose it is.

        Raises:
            _HeldError: Another must be taken for the leader.
            Unavailable: Whether the Lease is ours is unknown, or the server refused.
        """
        if self._own is not None and (await self._claim(self._own)).ok:
            return
        reply = await self._claim(await self._look())
        if not reply.ok:
            raise Unavailable(reply.message)

    async def _claim(self, lease: Object | None) -> Reply:
        self._own = None
        began = asyncio.get_running_loop().time()
        if lease is None:
            reply = await self._client.create(LEASES, claim(self._blank(), self._identity, self._clock()))
        else:
            reply = await self._client.replace(LEASES, claim(lease, self._identity, self._clock()))
        if reply.ok:
            self._own = reply.body
            # The server may have done it at any time since it was sent: others may count from then.
            self._writes_until = began + RENEW_DEADLINE
        return reply

    async def _look(self) -> Object | None:
        lease = await self._client.get(LEASES, *self._name)
        now = asyncio.get_running_loop().time()
        if lease is not None:
            self._seen = see(self._seen, lease, now)
        held = seconds_held(self._seen, self._identity, now)
        if self._seen is not None and held:
            raise _HeldError(holder_of(self._seen.lease), held)
        return lease

    def _blank(self) -> Object:
        namespace, name = self._name
        metadata = {"namespace": namespace, "name": name}
        return {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata}

    def _pause(self) -> float:
        return RETRY_PERIOD * self._rng.uniform(0.8, 1.0)

    def _tell(self, level: int, text: str) -> None:
        """Log a text, once as long as it stays the same."""
        if text != self._told:
            self._told = text
            _logger.log(level, text, extra={"lease": "/".join(self._name), "identity": self._identity})
