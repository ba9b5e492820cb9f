"""The ledger: its place in a plan's status, and the changes that are made to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.planstatus import ConcurrencyStatus, LaunchPlanStatus
from launchplan_operator.decide.concurrency import Candidate, Seat, Skipping
from launchplan_operator.decide.ledger import (
    Ledger,
    Skipped,
    free_seats,
    holds,
    keep_skipped,
    ledger_status,
    mark_replaced,
    mark_started,
    read_entries,
    read_ledger,
    skip_runs,
    split_entries,
    take_seats,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
A, B = Seat("a", "uid-a", NOON - 5 * MINUTE), Seat("b", "uid-b", NOON - MINUTE, "c", started=True)
LEDGER = Ledger((A, B), None, "plan-1")
STATUS: dict[str, Any] = {
    "planUid": "plan-1",
    "queued": 3,
    "running": [
        {"name": "a", "uid": "uid-a", "admittedAt": "2026-01-31T11:55:00Z"},
        {"name": "b", "uid": "uid-b", "admittedAt": "2026-01-31T11:59:00Z", "replacedBy": "c", "started": True},
    ],
}


def candidate(name: str) -> Candidate:
    """Return a manual run that waits."""
    return Candidate(name, f"uid-{name}", "Manual", None, NOON)


@pytest.mark.parametrize(
    ("ledger", "queued", "status"),
    [
        pytest.param(LEDGER, 3, STATUS, id="seats, marks, and how many wait"),
        pytest.param(Ledger((), None, "p"), 0, {"planUid": "p", "queued": 0}, id="an empty one is a ledger too"),
        pytest.param(
            Ledger((), NOON, "p"),
            0,
            {"planUid": "p", "queued": 0, "holdUntil": "2026-01-31T12:00:00Z"},
            id="one that is held",
        ),
        pytest.param(
            Ledger((), None, "p", (Skipped("d", "uid-d", Reason.QueueFull, "full"),)),
            0,
            {
                "planUid": "p",
                "queued": 0,
                "skipped": [{"name": "d", "uid": "uid-d", "reason": "QueueFull", "message": "full"}],
            },
            id="one with runs that never start and do not say so yet",
        ),
    ],
)
def test_a_ledger_stands_in_the_status(ledger: Ledger, queued: int, status: dict[str, Any]) -> None:
    """As the schema has it, and it is read from there as it was."""
    written = ledger_status(ledger, queued)
    assert written == status
    ConcurrencyStatus.model_validate(written)
    LaunchPlanStatus.model_validate({"concurrency": written})
    assert read_ledger({"concurrency": written}, ledger.plan_uid) == ledger
    for uid in (*(seat.uid for seat in ledger.seats), *(each.uid for each in ledger.skipped), "nobody"):
        of_one = replace(
            ledger,
            seats=tuple(seat for seat in ledger.seats if seat.uid == uid),
            skipped=tuple(each for each in ledger.skipped if each.uid == uid),
        )
        entries = split_entries({"concurrency": written}).get(uid, {})
        assert read_entries({"concurrency": written}, ledger.plan_uid, entries) == of_one


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({}, id="a status that was lost"),
        pytest.param({"concurrency": {**STATUS, "planUid": "plan-0"}}, id="a status of a plan that was here before"),
        pytest.param({"concurrency": {"running": []}}, id="a status that does not say of which plan"),
    ],
)
def test_a_ledger_that_is_not_this_plans_is_none(status: dict[str, Any]) -> None:
    """Then it is made anew from what runs."""
    assert read_ledger(status, "plan-1") is None
    assert read_entries(status, "plan-1", {}) is None


def test_a_run_holds_its_seat_by_uid() -> None:
    """Another one of the same name holds none."""
    assert (holds(LEDGER, "uid-a"), holds(LEDGER, "a")) == (True, False)


def test_a_seat_is_freed_by_uid() -> None:
    """The others stay as they are, and who has none frees none."""
    assert free_seats(LEDGER, {"uid-a", "uid-x"}) == Ledger((B,), None, "plan-1")


def test_seats_are_taken_in_turn_behind_the_others() -> None:
    """To the second; a run that has its seat already keeps it, whoever asks again."""
    taken = take_seats(LEDGER, [candidate("d"), candidate("a"), candidate("e")], NOON + timedelta(microseconds=5))
    assert taken == Ledger((A, B, Seat("d", "uid-d", NOON), Seat("e", "uid-e", NOON)), None, "plan-1")
    assert take_seats(taken, [candidate("d")], NOON + MINUTE) == taken


def test_a_seat_is_marked_once() -> None:
    """One that ends already keeps the name for which it ends; who has no seat is marked nowhere."""
    marked = mark_replaced(LEDGER, [("uid-a", "d"), ("uid-b", "d"), ("uid-x", "d")])
    assert [seat.replaced_by for seat in marked.seats] == ["d", "c"]
    assert mark_replaced(marked, [("uid-a", "e")]) == marked


def test_a_seat_remembers_that_its_job_was_seen() -> None:
    """It is not forgotten, and who has no seat is remembered nowhere."""
    seen = mark_started(LEDGER, {"a", "x"})
    assert [seat.started for seat in seen.seats] == [True, True]
    assert (mark_started(seen, set()), mark_started(LEDGER, set())) == (seen, LEDGER)


def test_a_run_that_never_starts_is_known_until_it_says_so_itself() -> None:
    """Nobody admits it any more, whatever changes meanwhile; whose end is written leaves the ledger."""
    skippings = [Skipping(candidate(name), Reason.LimitReached, "why") for name in ("d", "e")]
    ledger = skip_runs(LEDGER, skippings)
    assert ledger.skipped == tuple(Skipped(name, f"uid-{name}", Reason.LimitReached, "why") for name in ("d", "e"))
    assert [ledger.knows(f"uid-{name}") for name in "abdex"] == [True, True, True, True, False]
    kept = keep_skipped(ledger, {"uid-a", "uid-e"})
    assert [entry.name for entry in kept.skipped] == ["e"]
    assert (kept.seats, kept.knows("uid-d"), keep_skipped(kept, {"uid-e"})) == (LEDGER.seats, False, kept)


def test_a_change_keeps_what_it_is_not_about() -> None:
    """The plan's uid and the hold."""
    held = Ledger((A,), NOON, "plan-1", (Skipped("d", "uid-d", Reason.QueueFull, "full"),))
    for changed in (
        free_seats(held, set()),
        take_seats(held, [], NOON),
        mark_replaced(held, []),
        mark_started(held, set()),
        skip_runs(held, []),
        keep_skipped(held, {"uid-d"}),
    ):
        assert changed == held
