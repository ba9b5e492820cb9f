"""What every reconciler is given: the caches to read, the client to write, and the instant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from launchplan_operator.api.defaults import RunDefaults
from launchplan_operator.api.kinds import Kind
from launchplan_operator.decide.instants import to_instant
from launchplan_operator.decide.retention import MINIMUM_AGE
from launchplan_operator.kube.client import Client
from launchplan_operator.reconcile.caches import Caches
from launchplan_operator.reconcile.flights import Flights
from launchplan_operator.reconcile.result import Done, Failed, Outcome

#: By how much the clocks of two leaders, or of one and the server, differ at most.
CLOCKS = timedelta(seconds=5)


class Recorder(Protocol):
    """Where Kubernetes events go."""

    def record(self, obj: Any, type_: str, reason: str, message: str) -> None:
        """Record an event about an object; never blocks and never fails."""
        ...


class Witness(Protocol):
    """Who is told what became of each write of a status; never blocks and never fails."""

    def status_written(self, kind: Kind, obj: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        """A status was written in the place of the one that `obj` has."""
        ...

    def status_conflicted(self, kind: Kind, status: Mapping[str, Any]) -> None:
        """A status was not written, since somebody else wrote the object first."""
        ...


class _Nobody:
    def status_written(self, kind: Kind, obj: Mapping[str, Any], status: Mapping[str, Any]) -> None: ...

    def status_conflicted(self, kind: Kind, status: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """The reconcilers' world.

    Attributes:
        clock: the instant, aware.
        defaults: the operator's own run settings.
        leader_since: since when this process is the one that writes, by its own wall clock, aware; None before.
        flights: what this process asked for and got no answer to.
        elected: whether this process is the only one that writes; without an election another may do so too.
        served: the namespaces that are served; none means all.
        witness: told of each status that was written, which is where a decision counts.
    """

    client: Client
    caches: Caches
    events: Recorder
    clock: Callable[[], datetime]
    defaults: RunDefaults = field(default_factory=RunDefaults)
    leader_since: Callable[[], datetime | None] = lambda: None
    flights: Flights = field(default_factory=Flights)
    elected: bool = True
    served: frozenset[str] = frozenset()
    witness: Witness = field(default_factory=_Nobody)


async def write_status(context: Context, kind: Kind, obj: Mapping[str, Any], status: Mapping[str, Any]) -> Outcome:
    """Write an object's whole status if it differs, as a compare-and-set on the resourceVersion it was made from."""
    if status == (obj.get("status") or {}):
        return Done()
    reply = await context.client.replace(kind, {**obj, "status": dict(status)}, subresource="status")
    if reply.ok:
        context.witness.status_written(kind, obj, status)
        return Done()
    if reply.conflict:
        context.witness.status_conflicted(kind, status)
    metadata, cache = obj["metadata"], context.caches.of(kind)
    if reply.conflict and cache is not None:
        # The cache is behind, and a watch that hangs would leave it so for minutes.
        fresh = await context.client.get(kind, metadata["namespace"], metadata["name"])
        if fresh is not None:
            cache.put(fresh)
    if not reply.not_found:
        return Failed(f"status of {kind.kind} {metadata['name']}: {reply.message}")
    # Nobody told us that it was deleted: kopf does not after an expired watch.
    if cache is not None:
        cache.remove(dict(obj))
    return Done()


async def is_as_known(context: Context, kind: Kind, obj: Mapping[str, Any]) -> bool:
    """Ask the server whether an object is still as the cache has it, which may be older; what it says is taken."""
    metadata, cache = obj["metadata"], context.caches.of(kind)
    fresh = await context.client.get(kind, metadata["namespace"], metadata["name"])
    if fresh is not None and fresh["metadata"]["resourceVersion"] == metadata["resourceVersion"]:
        return True
    if cache is not None and fresh is not None:
        cache.put(fresh)
    elif cache is not None:
        cache.remove(dict(obj))
    return False


def may_be_starting(context: Context, execution: Mapping[str, Any]) -> bool:
    """Tell whether a Job may yet appear for a run that has none: by an unanswered request, or an earlier leader's."""
    return may_start_until(context, execution) is not None


def may_start_until(context: Context, execution: Mapping[str, Any]) -> datetime | None:
    """Return until when a Job may yet appear for a run that has none, if it may."""
    metadata = execution["metadata"]
    return starts_until(context, metadata["uid"], to_instant(metadata["creationTimestamp"]))


def starts_until(context: Context, uid: str, since: datetime) -> datetime | None:
    """Return until when a Job may yet appear for a run that has none, and that nobody asked for before `since`."""
    now, began = context.clock(), context.leader_since()
    instants = [context.flights.until(uid, now)]
    if began is not None and since <= began + CLOCKS and now - began <= MINIMUM_AGE:
        instants.append(began + MINIMUM_AGE)
    return max((instant for instant in instants if instant is not None), default=None)
