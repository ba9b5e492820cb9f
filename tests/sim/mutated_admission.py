"""Ways to break admission, leader election and catch-up, entered by `with`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from launchplan_operator.api.kinds import JOBS, LAUNCH_PLANS
from launchplan_operator.decide.ledger import Ledger
from launchplan_operator.decide.run import is_finished
from launchplan_operator.decide.schedule import slot_name
from launchplan_operator.kube.client import Client
from launchplan_operator.reconcile import ledger, plan, planpast, planslots, seats, slotruns
from launchplan_operator.reconcile.context import write_status
from launchplan_operator.reconcile.standing import Standing


@contextmanager
def no_precondition() -> Iterator[None]:
    """The ledger is written whatever was written since it was read."""

    async def write(context: Any, kind: Any, obj: Mapping[str, Any], status: Mapping[str, Any]) -> Any:
        fresh = await context.client.get(LAUNCH_PLANS, obj["metadata"]["namespace"], obj["metadata"]["name"])
        return await write_status(context, kind, {**obj, "metadata": (fresh or obj)["metadata"]}, status)

    with patch.object(plan, "write_status", write):
        yield


@contextmanager
def job_before_ledger() -> Iterator[None]:
    """A run starts at once, and is given its seat afterwards."""
    with patch.object(Standing, "must_wait", False):
        yield


@contextmanager
def absence_from_cache() -> Iterator[None]:
    """A seat is free when its Job is not in the cache."""

    async def job_of(context: Any, limited: Any, seat: Any) -> Any:
        return context.caches.jobs.get(limited["metadata"]["namespace"], seat.name)

    def may_be_over(context: Any, limited: Any, seat: Any) -> bool:
        job = context.caches.jobs.get(limited["metadata"]["namespace"], seat.name)
        return job is None or is_finished(job)

    with patch.object(seats, "_job_of_ended", job_of), patch.object(seats, "_may_be_over", may_be_over):
        yield


@contextmanager
def pods_not_asked() -> Iterator[None]:
    """A seat is free when its Job has ended, whatever its pods do."""

    async def none(*_: Any) -> dict[str, Any]:
        return {}

    with patch.object(seats, "_open_pods", none):
        yield


@contextmanager
def no_rebuild() -> Iterator[None]:
    """A plan without a ledger gets an empty one."""

    async def empty(_context: Any, limited: Mapping[str, Any]) -> Ledger:
        return Ledger((), None, limited["metadata"]["uid"])

    with patch.object(ledger, "rebuild_ledger", empty):
        yield


@contextmanager
def no_tombstone() -> Iterator[None]:
    """The seat of an execution that was deleted is freed with its name left open."""

    async def job_of(context: Any, limited: Any, seat: Any) -> Any:
        return await context.client.get(JOBS, limited["metadata"]["namespace"], seat.name)

    with patch.object(seats, "_job_of_ended", job_of):
        yield


@contextmanager
def no_fence() -> Iterator[None]:
    """A leader that lost its Lease writes on."""
    start = Client.__init__

    def fearless(self: Client, *arguments: Any, **settings: Any) -> None:
        start(self, *arguments, **(settings | {"fence": None}))

    with patch.object(Client, "__init__", fearless):
        yield


@contextmanager
def rebuild_at_once() -> Iterator[None]:
    """The ledger is made while the plan's CronJob still starts runs."""
    with patch.object(ledger, "_until_cronjob_settled", lambda *_: None):
        yield


@contextmanager
def catch_up_elsewhere() -> Iterator[None]:
    """What is caught up runs under a name of its own."""
    start = slotruns._start

    async def start_late(context: Any, limited: Any, version: Any, slot: Any, origin: str) -> Any:
        ending = "-late" if origin == "CatchUp" else ""
        with patch.object(slotruns, "slot_name", lambda name, at: slot_name(name, at) + ending):
            return await start(context, limited, version, slot, origin)

    with patch.object(slotruns, "_start", start_late):
        yield


@contextmanager
def catch_up_unseen() -> Iterator[None]:
    """What a CronJob did not start is concluded from the cache."""

    class Blind:
        items: tuple[Any, ...] = ()

    def blind(function: Any) -> Any:
        async def look(context: Any, *arguments: Any) -> Any:
            async def nothing(*_: Any, **__: Any) -> Blind:
                return Blind()

            with patch.object(context.client, "list", nothing):
                return await function(context, *arguments)

        return look

    unseen = blind(planslots.traceless_slots)
    with patch.object(planslots, "traceless_slots", unseen), patch.object(planpast, "traceless_slots", unseen):
        yield


@contextmanager
def catch_up_early() -> Iterator[None]:
    """A CronJob's slot is caught up while its controller may still start it."""
    with patch.object(planpast, "CRONJOB_GIVES_UP", timedelta(seconds=5)):
        yield
