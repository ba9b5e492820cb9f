"""The ledger of a limited plan: who may be under way. It stands in the plan's status, and is written before any Job."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from launchplan_operator.api.conditions import Reason
from launchplan_operator.decide.concurrency import Candidate, Seat, Skipping
from launchplan_operator.decide.instants import instant_text, to_instant

_PARTS = ("running", "skipped")
Entries = dict[str, list[Mapping[str, Any]]]
"""What a ledger says of one run, by part."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A run that never starts: decided, and yet to be said by its own status."""

    name: str
    uid: str
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The seats, oldest first.

    Attributes:
        skipped: the runs that never start and do not say so themselves yet: nobody admits them any more.
        hold_until: nothing is admitted before this instant; None where nothing is held.
        plan_uid: the uid of the plan that it is of.
    """

    seats: tuple[Seat, ...]
    hold_until: datetime | None
    plan_uid: str
    skipped: tuple[Skipped, ...] = ()

    def knows(self, uid: str) -> bool:
        """Tell whether a run has a seat, or never gets one."""
        return holds(self, uid) or any(entry.uid == uid for entry in self.skipped)


def read_ledger(status: Mapping[str, Any], plan_uid: str) -> Ledger | None:
    """Return the ledger in a plan's status, or None where there is none or it is of another plan of the same name."""
    found = status.get("concurrency")
    if found is None or found.get("planUid") != plan_uid:
        return None
    hold = found.get("holdUntil")
    return Ledger(
        seats=tuple(map(_read_seat, found.get("running") or ())),
        hold_until=to_instant(hold) if hold else None,
        plan_uid=plan_uid,
        skipped=tuple(_read_skipped(entry) for entry in found.get("skipped") or ()),
    )


def split_entries(status: Mapping[str, Any]) -> dict[str, Entries]:
    """Return by uid what the ledger in a plan's status says of each run: one of hundreds is read by each of them."""
    split: dict[str, Entries] = {}
    for part in _PARTS:
        for entry in (status.get("concurrency") or {}).get(part) or ():
            split.setdefault(entry["uid"], {}).setdefault(part, []).append(entry)
    return split


def read_entries(status: Mapping[str, Any], plan_uid: str, entries: Entries) -> Ledger | None:
    """Return the ledger in a plan's status as far as it is about the run that has these entries."""
    found = status.get("concurrency")
    if found is None:
        return None
    return read_ledger({"concurrency": {**found, **dict.fromkeys(_PARTS, ()), **entries}}, plan_uid)


def ledger_status(ledger: Ledger, queued: int) -> dict[str, Any]:
    """Return `status.concurrency`; `queued` is how many runs wait."""
    optional: dict[str, Any] = {
        "running": [_seat_status(seat) for seat in ledger.seats],
        "skipped": [asdict(entry) | {"reason": str(entry.reason)} for entry in ledger.skipped],
        "holdUntil": instant_text(ledger.hold_until) if ledger.hold_until else None,
    }
    return {"planUid": ledger.plan_uid, "queued": queued} | {name: value for name, value in optional.items() if value}


def holds(ledger: Ledger, uid: str) -> bool:
    """Tell whether a run has a seat."""
    return any(seat.uid == uid for seat in ledger.seats)


def free_seats(ledger: Ledger, uids: Collection[str]) -> Ledger:
    """Return the ledger without the seats of these runs."""
    return replace(ledger, seats=tuple(seat for seat in ledger.seats if seat.uid not in uids))


def take_seats(ledger: Ledger, candidates: Iterable[Candidate], now: datetime) -> Ledger:
    """Return the ledger with a seat for each of these runs; one that has a seat keeps it as it is."""
    taken = {seat.uid for seat in ledger.seats}
    instant = now.replace(microsecond=0)
    more = (Seat(each.name, each.uid, instant) for each in candidates if each.uid not in taken)
    return replace(ledger, seats=(*ledger.seats, *more))


def skip_runs(ledger: Ledger, skippings: Iterable[Skipping]) -> Ledger:
    """Return the ledger with these runs among those that never start."""
    more = (Skipped(each.candidate.name, each.candidate.uid, each.reason, each.message) for each in skippings)
    return replace(ledger, skipped=(*ledger.skipped, *more))


def keep_skipped(ledger: Ledger, open_uids: Collection[str]) -> Ledger:
    """Return the ledger without those that never start and say so themselves by now: only `open_uids` have not ended."""
    return replace(ledger, skipped=tuple(entry for entry in ledger.skipped if entry.uid in open_uids))


def mark_started(ledger: Ledger, names: Collection[str]) -> Ledger:
    """Return the ledger with the seats marked whose Jobs were seen, by their names."""
    seats = (replace(seat, started=True) if seat.name in names else seat for seat in ledger.seats)
    return replace(ledger, seats=tuple(seats))


def mark_replaced(ledger: Ledger, marks: Iterable[tuple[str, str]]) -> Ledger:
    """Return the ledger with the seats marked whose runs are to end; a mark is a seat's uid and a run's name.

    A seat that was marked before keeps its mark: its run is ending anyway.
    """
    names = dict(marks)
    return replace(ledger, seats=tuple(_mark(seat, names.get(seat.uid)) for seat in ledger.seats))


def _mark(seat: Seat, name: str | None) -> Seat:
    return seat if name is None or seat.replaced_by is not None else replace(seat, replaced_by=name)


def _read_seat(entry: Mapping[str, Any]) -> Seat:
    return Seat(
        name=entry["name"],
        uid=entry["uid"],
        admitted_at=to_instant(entry["admittedAt"]),
        replaced_by=entry.get("replacedBy"),
        started=entry.get("started", False),
    )


def _read_skipped(entry: Mapping[str, Any]) -> Skipped:
    return Skipped(entry["name"], entry["uid"], Reason[entry["reason"]], entry["message"])


def _seat_status(seat: Seat) -> dict[str, Any]:
    optional = {"replacedBy": seat.replaced_by, "started": seat.started}
    fixed = {"name": seat.name, "uid": seat.uid, "admittedAt": instant_text(seat.admitted_at)}
    return fixed | {name: value for name, value in optional.items() if value}
