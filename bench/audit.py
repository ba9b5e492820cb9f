"""What the API server says that somebody asked of it: its audit log."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from localcluster.places import LocalClusterError

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Call:
    """One answered request.

    Attributes:
        verb: as in RBAC.
        target: the resource as in RBAC, such as `launchplans/status`; the path of what is no resource.
        at: when it was answered, in seconds since the Unix epoch.
        name: of the object; of one that is created, only if the request says it.
    """

    verb: str
    target: str
    status: int
    at: float
    name: str = ""

    @property
    def label(self) -> str:
        """Verb and target in one, for tables."""
        return f"{self.verb} {self.target}"

    @property
    def is_write(self) -> bool:
        """Whether it asked for a change; the Lease apart, which a leader renews whatever else there is to do."""
        return self.verb in WRITES and self.target != "leases"


@dataclass(slots=True)
class Audit:
    """One user's calls, read from where the log was marked last.

    Attributes:
        path: the log.
        user: whose calls count.
    """

    path: Path
    user: str
    _offset: int = 0

    def mark(self) -> None:
        """Forget what was logged until now."""
        self._offset = self.path.stat().st_size

    def calls(self) -> list[Call]:
        """Return the user's calls since the mark; a watch counts once, when it begins."""
        found = (_read(line) for line in self._lines())
        return [call for call in found if call is not None]

    async def await_calls(
        self, wanted: Iterable[tuple[str, str]], each: int, seconds: float, look: float = _LOOK_SECONDS
    ) -> None:
        """Wait until every (verb, target) was answered `each` times since the mark, looking every `look` seconds.

        Raises:
            LocalClusterError: it took longer than `seconds`.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while min(self._count(*pair) for pair in wanted) < each:
            if loop.time() > deadline:
                seen = ", ".join(f"{count} {label}" for label, count in tally(self.calls()).items())
                raise LocalClusterError(f"not {each} each of {wanted} within {seconds:.0f} s, but {seen}")
            await asyncio.sleep(look)

    def _count(self, verb: str, target: str) -> int:
        """Count without decoding, to leave the processor to what is measured."""
        resource, _, subresource = target.partition("/")
        marks = [f'"verb":"{verb}"', f'"username":"{self.user}"', f'"resource":"{resource}"', '"code":2']
        if subresource:
            marks.append(f'"subresource":"{subresource}"')
        needles = [mark.encode() for mark in marks]
        return sum(all(needle in line for needle in needles) for line in self._lines())

    def _lines(self) -> list[bytes]:
        with self.path.open("rb") as log:
            log.seek(self._offset)
            whole, _, _ = log.read().rpartition(b"\n")
        mark = f'"username":"{self.user}"'.encode()
        return [line for line in whole.split(b"\n") if mark in line]


def tally(calls: Iterable[Call]) -> dict[str, int]:
    """Return how often each `verb target` was called, most frequent first."""
    return dict(Counter(call.label for call in calls).most_common())


def _read(line: bytes) -> Call | None:
    event = json.loads(line)
    verb, stage = event["verb"], event["stage"]
    if stage != ("ResponseStarted" if verb == "watch" else "ResponseComplete"):
        return None
    reference = event.get("objectRef") or {}
    parts = [reference.get("resource"), reference.get("subresource")]
    target = "/".join(part for part in parts if part) or event["requestURI"].partition("?")[0]
    at = datetime.fromisoformat(event["stageTimestamp"]).timestamp()
    return Call(verb, target, event["responseStatus"]["code"], at, str(reference.get("name", "")))
