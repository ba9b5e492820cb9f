"""Admission under a limit: who starts, who waits, who never starts, and who makes room."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from launchplan_operator.api.concurrency import Behavior, Concurrency
from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.decide.concurrency import (
    Admission,
    Candidate,
    Policy,
    Seat,
    decide_admission,
    read_policy,
    tell_wait,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DEADLINE = 200 * SECOND
#: The first letter of a name in these tests says who started the run.
ORIGINS = {"m": "Manual", "r": "Relaunch", "s": "Schedule", "c": "CatchUp"}


def policy(behavior: Behavior = "Skip", limit: int = 1, queue: int = 100, expire: timedelta | None = None) -> Policy:
    """Return a limit."""
    return Policy(limit, behavior, queue, expire, DEADLINE)


def run(text: str) -> Candidate:
    """Return a waiting run from a text such as s30: a scheduled one whose slot was 30 seconds before noon.

    Its name and uid are the text. What is caught up was made at noon, all others at their time.
    """
    origin, at = ORIGINS[text[0]], NOON - int(text[1:].partition("-")[0]) * SECOND
    slot = at if origin in {"Schedule", "CatchUp"} else None
    return Candidate(text, text, origin, slot, NOON if origin == "CatchUp" else at)


def seat(text: str) -> Seat:
    """Return a seat from a text such as a5>x: admitted 5 minutes before noon, ending for the run x."""
    name, _, replaced_by = text.partition(">")
    return Seat(name, name, NOON - int(name[1:] or 0) * MINUTE, replaced_by or None)


def decide(
    limit: Policy,
    seats: str,
    waiting: str,
    *,
    halted: Reason | None = None,
    hold_until: datetime | None = None,
) -> Admission:
    """Return what is decided at noon about seats and waiting runs, each given by its text."""
    candidates = [run(text) for text in waiting.split()]
    return decide_admission(
        limit, [seat(text) for text in seats.split()], candidates, NOON, halted=halted, hold_until=hold_until
    )


def names(candidates: Iterable[Candidate]) -> str:
    """Return the names, in their order."""
    return " ".join(each.name for each in candidates)


def told(admission: Admission) -> dict[str, str]:
    """Return what was decided, by what becomes of a run; what did not happen is left out."""
    parts = {"admit": names(admission.admit)}
    for skipping in admission.skip:
        parts[skipping.reason] = f"{parts.get(skipping.reason, '')} {skipping.candidate.name}".strip()
    parts["replace"] = " ".join(f"{uid}>{name}" for uid, name in admission.replace)
    parts["queued"] = str(admission.queued or "")
    return {part: text for part, text in parts.items() if text}


SKIP, QUEUE, REPLACE = policy("Skip", 2), policy("Queue", 2, queue=2), policy("Replace", 2)


@pytest.mark.parametrize(
    ("limit", "seats", "waiting", "expected"),
    [
        pytest.param(SKIP, "", "", {}, id="nobody waits, nothing happens"),
        pytest.param(SKIP, "a", "m1", {"admit": "m1"}, id="a run within the limit starts"),
        pytest.param(SKIP, "a b", "m1", {"LimitReached": "m1"}, id="one too many is skipped at once"),
        pytest.param(
            SKIP, "a b", "s0 m0 r0", {"LimitReached": "m0 r0 s0"}, id="whoever asked for it, a manual run as well"
        ),
        pytest.param(
            SKIP, "a", "m1 s3 r2", {"admit": "s3", "LimitReached": "r2 m1"}, id="of several the first in turn starts"
        ),
        pytest.param(SKIP, "a b", "c600 c300", {"queued": "2"}, id="a run that was caught up waits"),
        pytest.param(
            SKIP, "a", "c600 c300 m1", {"admit": "c600", "LimitReached": "m1", "queued": "1"}, id="and takes its turn"
        ),
        pytest.param(SKIP, "a b d", "m1", {"LimitReached": "m1"}, id="above a lowered limit nothing starts"),
        pytest.param(SKIP, "a>x", "m1", {"admit": "m1"}, id="one that ends already still holds its seat alone"),
        pytest.param(QUEUE, "a b", "m1 s2", {"queued": "2"}, id="a queue lets the rest wait"),
        pytest.param(QUEUE, "a", "m1 s2 m3", {"admit": "m3", "queued": "2"}, id="first come, first served"),
        pytest.param(
            QUEUE, "", "s0 s60 m30", {"admit": "s60 m30", "queued": "1"}, id="a slot counts as the time of coming"
        ),
        pytest.param(
            QUEUE,
            "a b",
            "m1 m2 m3 m4",
            {"QueueFull": "m2 m1", "queued": "2"},
            id="a queue is bounded, and the newest are turned away",
        ),
        pytest.param(
            QUEUE, "", "m1 m2 m3 m4", {"admit": "m4 m3", "queued": "2"}, id="who starts now takes no place in the queue"
        ),
        pytest.param(
            QUEUE,
            "a b",
            "m1 m2 c900 c800 c700",
            {"queued": "5"},
            id="what was caught up takes no place in the queue either",
        ),
        pytest.param(
            QUEUE,
            "a b d",
            "m1 m2 m3",
            {"QueueFull": "m1", "queued": "2"},
            id="above a lowered limit runs queue as ever",
        ),
        pytest.param(REPLACE, "a", "m1", {"admit": "m1"}, id="a free seat is used before anybody is ended"),
        pytest.param(
            REPLACE, "a2 b5", "m1", {"replace": "b5>m1", "queued": "1"}, id="the oldest run is ended for a new one"
        ),
        pytest.param(
            REPLACE,
            "b2 a5",
            "m1 m2 m3",
            {"Superseded": "m3 m2", "replace": "a5>m1", "queued": "1"},
            id="only the newest waits",
        ),
        pytest.param(REPLACE, "b2 a5>m1", "m1", {"queued": "1"}, id="what ends already is not ended again"),
        pytest.param(
            REPLACE,
            "b2 a5>m3",
            "m1 m3",
            {"Superseded": "m3", "queued": "1"},
            id="a newer run takes over the seat that ends for another",
        ),
        pytest.param(REPLACE, "b2 a5>gone", "m1", {"queued": "1"}, id="also where that other one is gone"),
        pytest.param(REPLACE, "b2>m1", "m1", {"admit": "m1"}, id="the run starts once its seat is free"),
        pytest.param(
            REPLACE,
            "a5",
            "m1 m2 m3",
            {"admit": "m2", "Superseded": "m3", "replace": "a5>m1", "queued": "1"},
            id="none starts only to be ended for one that is there already",
        ),
        pytest.param(
            REPLACE, "", "m1 m2 m3", {"admit": "m2 m1", "Superseded": "m3"}, id="with all seats free the newest start"
        ),
        pytest.param(
            REPLACE,
            "a5 b4 d3 e2",
            "m1",
            {"replace": "a5>m1", "queued": "1"},
            id="above a lowered limit one is ended for one that waits",
        ),
        pytest.param(REPLACE, "b2 a5", "c600 c300", {"queued": "2"}, id="what was caught up replaces nobody"),
        pytest.param(
            REPLACE, "a5", "c600 m1", {"admit": "m1", "queued": "1"}, id="and leaves a free seat to who would replace"
        ),
        pytest.param(
            REPLACE,
            "a5>m1",
            "c600 c500",
            {"admit": "c600", "queued": "1"},
            id="but takes a seat that nobody else wants",
        ),
        pytest.param(
            REPLACE,
            "b2 a5",
            "c600 m1 m2",
            {"Superseded": "m2", "replace": "a5>m1", "queued": "2"},
            id="and is superseded by nobody",
        ),
    ],
)
def test_a_waiting_run_starts_waits_or_never_starts(
    limit: Policy, seats: str, waiting: str, expected: dict[str, str]
) -> None:
    """Each row is one look at noon; the numbers are seconds before it, of seats minutes."""
    assert told(decide(limit, seats, waiting)) == expected


EXPIRING = policy("Queue", 1, expire=60 * SECOND)
LONG = policy("Queue", 1, expire=600 * SECOND)


@pytest.mark.parametrize(
    ("limit", "seats", "waiting", "expected", "next_in"),
    [
        pytest.param(EXPIRING, "a", "m59", {"queued": "1"}, 1, id="a run waits as long as it may"),
        pytest.param(EXPIRING, "a", "m60", {"QueueExpired": "m60"}, None, id="at that very instant it is given up"),
        pytest.param(
            EXPIRING, "", "m60 m10", {"QueueExpired": "m60", "admit": "m10"}, None, id="even if a seat is free just now"
        ),
        pytest.param(LONG, "a", "s199", {"queued": "1"}, 1, id="a scheduled run waits until its deadline"),
        pytest.param(LONG, "a", "s200 m300", {"QueueExpired": "s200", "queued": "1"}, 300, id="not longer; others do"),
        pytest.param(EXPIRING, "a", "s20", {"queued": "1"}, 40, id="nor longer than any other run, if that is shorter"),
        pytest.param(
            policy("Queue", 1),
            "a",
            "m99999",
            {"queued": "1"},
            None,
            id="without expireAfter a manual run waits for ever",
        ),
        pytest.param(
            EXPIRING, "a", "c99999", {"queued": "1"}, None, id="a run that was caught up has no deadline any more"
        ),
        pytest.param(EXPIRING, "a", "m50 m20 s30", {"queued": "3"}, 10, id="the next alarm is the earliest of all"),
        pytest.param(
            EXPIRING, "", "m50 m20", {"admit": "m50", "queued": "1"}, 40, id="of those that wait on, not of who starts"
        ),
        pytest.param(
            policy("Queue", 1, queue=1, expire=60 * SECOND),
            "a",
            "m70 m20 m10",
            {"QueueExpired": "m70", "QueueFull": "m10", "queued": "1"},
            40,
            id="what has expired takes no place in the queue",
        ),
        pytest.param(
            policy("Replace", 1, expire=60 * SECOND),
            "a1>s900",
            "s900",
            {"queued": "1"},
            None,
            id="a run for which another one is ended does not expire",
        ),
        pytest.param(
            policy("Skip", 1, expire=60 * SECOND), "", "s900", {"admit": "s900"}, None, id="only what queues expires"
        ),
    ],
)
def test_a_queued_run_expires(
    limit: Policy, seats: str, waiting: str, expected: dict[str, str], next_in: int | None
) -> None:
    """And the next look is due when the next one does; `next_in` is in seconds."""
    admission = decide(limit, seats, waiting)
    assert told(admission) == expected
    assert admission.next_at == (None if next_in is None else NOON + next_in * SECOND)


def test_jitter_takes_nothing_of_a_slots_deadline() -> None:
    """The deadline counts from when the slot was to start."""
    late = Candidate("s", "s", "Schedule", NOON - 10 * MINUTE, NOON - MINUTE, due=NOON - MINUTE)
    admission = decide_admission(policy("Queue", 1), [seat("a")], [late], NOON)
    assert (told(admission), admission.next_at) == ({"queued": "1"}, NOON - MINUTE + DEADLINE)


@pytest.mark.parametrize(
    ("limit", "seats", "waiting", "expected"),
    [
        pytest.param(
            SKIP, "", "s1 c600 m1 r2", {"halted": "c600 s1", "admit": "r2 m1"}, id="what a person asked for goes on"
        ),
        pytest.param(QUEUE, "a b", "s1 m1", {"halted": "s1", "queued": "1"}, id="in a queue too"),
        pytest.param(
            EXPIRING, "a", "s300 m300", {"halted": "s300", "QueueExpired": "m300"}, id="the halt is told, not the wait"
        ),
        pytest.param(
            REPLACE, "b2 a5", "s1 m2", {"halted": "s1", "replace": "a5>m2", "queued": "1"}, id="and supersedes nobody"
        ),
        pytest.param(REPLACE, "b2 a5>s1", "s1", {"halted": "s1"}, id="the run that ends for it ends all the same"),
    ],
)
@pytest.mark.parametrize("reason", [Reason.Deactivated, Reason.Suspended])
def test_a_plan_that_halts_gives_up_what_its_schedule_wanted(
    reason: Reason, limit: Policy, seats: str, waiting: str, expected: dict[str, str]
) -> None:
    """Scheduled runs and those that were caught up are skipped, whatever the behavior."""
    found = told(decide(limit, seats, waiting, halted=reason))
    assert found == {reason if part == "halted" else part: text for part, text in expected.items()}


@pytest.mark.parametrize(
    ("limit", "seats", "waiting", "expected", "next_in"),
    [
        pytest.param(SKIP, "", "m1", {"queued": "1"}, 60, id="nobody starts before its end"),
        pytest.param(SKIP, "a b", "m1", {"queued": "1"}, 60, id="nobody is skipped for seats that are not known"),
        pytest.param(REPLACE, "a b", "m1 m2", {"queued": "2"}, 60, id="nobody is ended for another"),
        pytest.param(QUEUE, "a", "m1 m2 m3 m4", {"QueueFull": "m1", "queued": "3"}, 60, id="a queue keeps its bound"),
        pytest.param(
            EXPIRING, "a", "m20 m90", {"QueueExpired": "m90", "queued": "1"}, 40, id="and what waited too long expires"
        ),
    ],
)
def test_a_held_ledger_admits_nobody(
    limit: Policy, seats: str, waiting: str, expected: dict[str, str], next_in: int
) -> None:
    """The hold ends in a minute, and then the usual is decided."""
    admission = decide(limit, seats, waiting, hold_until=NOON + MINUTE)
    assert (told(admission), admission.next_at) == (expected, NOON + next_in * SECOND)
    assert decide(limit, seats, waiting, hold_until=NOON) == decide(limit, seats, waiting)


@pytest.mark.parametrize(
    ("limit", "seats", "waiting", "halted", "message"),
    [
        pytest.param(
            SKIP,
            "report-1 report-2",
            "m0",
            None,
            "2 of at most 2 runs are under way: report-1, report-2"
            " (with behavior Queue it would have waited for its turn)",
            id="the limit",
        ),
        pytest.param(
            policy(),
            "",
            "m1 m0",
            None,
            "1 of at most 1 run is under way: m1 (with behavior Queue it would have waited for its turn)",
            id="who just started counts",
        ),
        pytest.param(
            policy("Skip", 5),
            "a1 a2 a3 a4 a5",
            "m0",
            None,
            "5 of at most 5 runs are under way: a1, a2, a3 and 2 more"
            " (with behavior Queue it would have waited for its turn)",
            id="of many runs some are named",
        ),
        pytest.param(
            policy("Queue", 1, queue=1),
            "a",
            "m1 m0",
            None,
            "found 1 run waiting before it, expected fewer by spec.concurrency.queue.max"
            " (start a run by hand if it is still wanted)",
            id="the queue's bound",
        ),
        pytest.param(
            EXPIRING,
            "a",
            "m90",
            None,
            "found it waiting since 2026-01-31T11:58:30Z, expected a start before 2026-01-31T11:59:30Z"
            " by spec.concurrency.queue.expireAfter, 1m0s"
            " (a longer one lets it wait longer, a higher spec.concurrency.max start sooner)",
            id="the queue's patience",
        ),
        pytest.param(
            LONG,
            "a",
            "s200",
            None,
            "found it waiting since 2026-01-31T11:56:40Z, expected a start before 2026-01-31T12:00:00Z"
            " by spec.schedule.startingDeadline, 3m20s"
            " (a longer one lets it wait longer, a higher spec.concurrency.max start sooner)",
            id="the slot's deadline",
        ),
        pytest.param(
            policy("Replace"),
            "a",
            "m1 m2",
            None,
            "found the newer run m1 waiting, expected none: with 1 run at once and behavior Replace,"
            " the newest run takes the place of the others that wait"
            " (with behavior Queue it would have waited for its turn)",
            id="a newer run",
        ),
        pytest.param(
            SKIP,
            "a",
            "s0",
            Reason.Deactivated,
            "found no active version, expected one: a run of the schedule starts while there is one"
            " (start a run by hand if it is still wanted)",
            id="an inactive plan",
        ),
        pytest.param(
            SKIP,
            "a",
            "s0",
            Reason.Suspended,
            "found spec.suspend true, expected false: a run of the schedule starts while it is false"
            " (start a run by hand if it is still wanted)",
            id="a suspended plan",
        ),
    ],
)
def test_a_run_that_never_starts_says_why(
    limit: Policy, seats: str, waiting: str, halted: Reason | None, message: str
) -> None:
    """What was found, what was expected, and which setting says so."""
    seats_ = [Seat(name, name, NOON) for name in seats.split()]
    admission = decide_admission(limit, seats_, [run(text) for text in waiting.split()], NOON, halted=halted)
    assert [skipping.message for skipping in admission.skip] == [message]


@pytest.mark.parametrize(
    ("limit", "waiting", "message"),
    [
        pytest.param(
            policy("Queue", 2),
            "m5",
            "it starts when its turn under the plan's limit has come; status.concurrency of the plan says who is under way",
            id="its turn",
        ),
        pytest.param(
            EXPIRING,
            "m5",
            "it starts when its turn under the plan's limit has come; status.concurrency of the plan says who is under way;"
            " at 2026-01-31T12:00:55Z it is given up by spec.concurrency.queue.expireAfter, 1m0s",
            id="its turn, within its time",
        ),
        pytest.param(
            policy("Replace"),
            "m5",
            "it starts when the run that it replaces has ended",
            id="another one's end",
        ),
        pytest.param(
            policy("Replace"),
            "c5",
            "it starts when its turn under the plan's limit has come; status.concurrency of the plan says who is under way",
            id="what was caught up replaces none",
        ),
    ],
)
def test_a_run_that_waits_says_for_what(limit: Policy, waiting: str, message: str) -> None:
    """In words that stay the same while it waits: nobody's status is written because another run ended."""
    assert tell_wait(limit, run(waiting)) == message


def limited(**fields: Any) -> Concurrency:
    """Return a plan's limit as its spec has it."""
    return Concurrency.model_validate({"max": 3, **fields})


DAILY = {"cron": "0 6 * * *"}


@pytest.mark.parametrize(
    ("concurrency", "schedule", "expected"),
    [
        pytest.param(limited(), None, Policy(3, "Skip", 100, None, DEADLINE), id="what is not said has a default"),
        pytest.param(
            limited(behavior="Queue"), DAILY, Policy(3, "Queue", 100, None, DEADLINE), id="a queue holds a hundred"
        ),
        pytest.param(
            limited(behavior="Queue", queue={"max": 7, "expireAfter": "1h30m"}),
            {**DAILY, "startingDeadline": "45s"},
            Policy(3, "Queue", 7, 90 * MINUTE, 45 * SECOND),
            id="all can be said",
        ),
        pytest.param(limited(behavior="Replace"), DAILY, Policy(3, "Replace", 100, None, DEADLINE), id="replacing"),
    ],
)
def test_a_limit_is_read_from_the_plan(
    concurrency: Concurrency, schedule: dict[str, Any] | None, expected: Policy
) -> None:
    """The schedule says how late a scheduled run may be."""
    assert read_policy(concurrency, Schedule.model_validate(schedule) if schedule else None) == expected
