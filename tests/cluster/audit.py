"""What the operator asked of the API server, as the audit log tells it."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from localcluster.operated import ACCOUNT, SYSTEM_NAMESPACE
from tests.cluster.support import eventually

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
#: Seconds in which a call that should not be would have come.
_QUIET = 2.0
_BEGINNING = datetime.min.replace(tzinfo=UTC)
Calls = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the operator; the resource is as in RBAC, such as `launchplans/status`."""

    verb: str
    group: str
    resource: str
    namespace: str
    status: int
    is_allowed: bool

    @property
    def is_write(self) -> bool:
        """Whether it meant to change something; a watch or a list does not."""
        return self.verb in _WRITES


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit log, read from where it ended at some time.

    Attributes:
        start: where to begin to read.
        since: what reached the server earlier does not count, even if its line comes later.
        account: the namespace and the name of the operator's ServiceAccount.
    """

    log: Path
    start: int = 0
    since: datetime = _BEGINNING
    account: tuple[str, str] = (SYSTEM_NAMESPACE, ACCOUNT)

    def from_now(self) -> "Audit":
        """Return the log of what reaches the server from now on."""
        return replace(self, start=self.log.stat().st_size, since=datetime.now(UTC))

    def requests(self) -> Iterator[Request]:
        """Yield the operator's finished requests, oldest first."""
        operator = f'"system:serviceaccount:{":".join(self.account)}"'.encode()
        with self.log.open("rb") as log:
            log.seek(self.start)
            for line in log:
                # The server may be in the middle of the last line.
                if operator in line and line.endswith(b"\n"):
                    event = json.loads(line)
                    began = datetime.fromisoformat(event["requestReceivedTimestamp"])
                    if event["stage"] == "ResponseComplete" and "objectRef" in event and began >= self.since:
                        yield _request(event)

    def writes(self, namespace: str) -> Calls:
        """Count the writes in a namespace."""
        return Counter((r.verb, r.resource) for r in self.requests() if r.is_write and r.namespace == namespace)

    def all(self, namespace: str) -> Calls:
        """Count all requests in a namespace."""
        return Counter((r.verb, r.resource) for r in self.requests() if r.namespace == namespace)


def settled(look: Callable[[], Calls]) -> Calls:
    """Return the counts once they have stood still for a while."""
    seen, since = look(), time.monotonic()

    def stands() -> bool:
        nonlocal seen, since
        now = look()
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > _QUIET

    eventually(stands, bool, seconds=60)
    return seen


def _request(event: dict[str, dict[str, str]]) -> Request:
    about = event["objectRef"]
    subresource = f"/{about['subresource']}" if "subresource" in about else ""
    return Request(
        verb=str(event["verb"]),
        group=about.get("apiGroup", ""),
        resource=about["resource"] + subresource,
        namespace=about.get("namespace", ""),
        status=int(event["responseStatus"]["code"]),
        is_allowed=event["annotations"].get("authorization.k8s.io/decision") == "allow",
    )
