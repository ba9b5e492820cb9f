"""When something was last heard of each kind that is followed, and whether whoever follows it is stuck."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from launchplan_operator.observe.catalogue import STALENESS
from launchplan_operator.observe.series import Values

#: Seconds after which a watcher that has neither heard nor asked anything is stuck. Each watch ends by itself within 300,
#: a silent one 15 or 70 later; a list takes 30 at most, and the pause before the next attempt no more.
STUCK_AFTER: Final = 450.0

#: The plural of the kind, and the namespace; empty for the cluster.
Followed = tuple[str, str]


@dataclass(slots=True)
class _Sign:
    """Loop times: when the server last told anything, and when the watcher last did anything, told or not."""

    heard: float
    turned: float


class Watches:
    """Signs of life of all watchers; one is known from its first sign on.

    Two things may be wrong. The server may tell nothing, since it cannot be reached or refuses: the watcher tries again and
    again, no restart would help, and `staleness` grows. Or the watcher itself may hang: then `stuck` names it.

    Args:
        stuck_after: Seconds.
    """

    definitions = (STALENESS,)

    def __init__(self, stuck_after: float = STUCK_AFTER) -> None:
        self._stuck_after = stuck_after
        self._signs: dict[Followed, _Sign] = {}

    def note(self, plural: str, namespace: str | None, heard: bool) -> None:  # noqa: FBT001 - a callback's argument
        """Note a sign of life: whether the server told something (an event, a bookmark, a list), or was only asked."""
        now = asyncio.get_running_loop().time()
        sign = self._signs.setdefault((plural, namespace or ""), _Sign(now, now))
        sign.turned = now
        if heard:
            sign.heard = now

    def staleness(self) -> dict[str, float]:
        """Return for each kind how many seconds ago the server told anything of it; of several namespaces the longest."""
        now = asyncio.get_running_loop().time()
        ages: dict[str, float] = {}
        for (plural, _), sign in self._signs.items():
            ages[plural] = max(ages.get(plural, 0.0), now - sign.heard)
        return ages

    def stuck(self) -> tuple[str, ...]:
        """Return the kinds whose watchers did nothing for too long."""
        now = asyncio.get_running_loop().time()
        late = {plural for (plural, _), sign in self._signs.items() if now - sign.turned > self._stuck_after}
        return tuple(sorted(late))

    def read(self) -> Iterable[Values]:
        """Return the values of the definitions."""
        return ({(plural,): age for plural, age in self.staleness().items()},)
