"""Which waiting runs of a limited plan may start now, which never will, and which running ones make room.

A run that was accepted and not admitted is judged in this order; the first row that fits decides:

| who | found | what happens |
|---|---|---|
| scheduled, caught up | the plan is inactive or suspended | Skipped, `Deactivated` or `Suspended` |
| all but caught up, Queue | it waited as long as it may | Skipped, `QueueExpired`, even if a seat is free |
| any | the ledger is held | waits; a queue keeps its bound |
| any, Skip and Queue | a free seat, in turn | admitted |
| all but caught up, Skip | no free seat | Skipped, `LimitReached` |
| all but caught up, Queue | `queue.max` others wait in front of it | Skipped, `QueueFull` |
| all but caught up, Replace | a newer one waits, and no seat is left for both | Skipped, `Superseded` |
| all but caught up, Replace | a free seat | admitted |
| all but caught up, Replace | no free seat | waits, and the oldest run is ended for it |
| caught up, Replace | a seat that no other one takes | admitted |
| any | else | waits |

In turn is by slot, then creation, then name; a run without a slot takes its turn by its creation.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from launchplan_operator.api.concurrency import DEFAULT_QUEUE, Behavior, Concurrency
from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.durations import format_go_duration, parse_go_duration
from launchplan_operator.api.execution import OriginType
from launchplan_operator.api.schedule import STARTING_DEADLINE_SECONDS, Schedule
from launchplan_operator.decide.instants import instant_text

#: How many names a message holds; the rest is a number.
MAX_NAMES: Final = 3
_OF_A_SCHEDULE: Final = frozenset({OriginType.Schedule, OriginType.CatchUp})
_BY_HAND: Final = "(start a run by hand if it is still wanted)"
_LET_WAIT: Final = "(with behavior Queue it would have waited for its turn)"
_WAIT_LONGER: Final = "(a longer one lets it wait longer, a higher spec.concurrency.max start sooner)"
_HALTS: Final[Mapping[Reason, str]] = {
    Reason.Deactivated: f"found no active version, expected one: a run of the schedule starts while there is one {_BY_HAND}",
    Reason.Suspended: f"found spec.suspend true, expected false: a run of the schedule starts while it is false {_BY_HAND}",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A plan's limit.

    Attributes:
        queue_max: how many runs wait at most; counts for Queue alone, as `expire_after` does.
        expire_after: how long a run waits at most, from its creation; None is for ever.
        starting_deadline: how long after its time a scheduled run waits at most.
    """

    max: int
    behavior: Behavior
    queue_max: int
    expire_after: timedelta | None
    starting_deadline: timedelta


@dataclass(frozen=True, slots=True)
class Seat:
    """A run that may be under way.

    Attributes:
        replaced_by: the name of the run for which it is being ended.
        started: whether its Job was seen.
    """

    name: str
    uid: str
    admitted_at: datetime
    replaced_by: str | None = None
    started: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that was accepted and waits to be admitted.

    Attributes:
        origin: Manual, Relaunch, Schedule or CatchUp.
        slot: the scheduled time, where it has one.
        due: when the slot was to start, where that is later than the slot: with its jitter.
    """

    name: str
    uid: str
    origin: str
    slot: datetime | None
    created: datetime
    due: datetime | None = None

    @property
    def turn(self) -> tuple[datetime, datetime, str]:
        """Its place among those that wait."""
        return (self.slot or self.created, self.created, self.name)

    @property
    def is_catch_up(self) -> bool:
        """Whether it makes up for a slot that was missed."""
        return self.origin == OriginType.CatchUp


@dataclass(frozen=True, slots=True)
class Skipping:
    """A run that never starts, and why."""

    candidate: Candidate
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Admission:
    """What is decided now.

    Attributes:
        admit: who gets a seat, in turn.
        skip: who never starts.
        replace: the seats whose runs are to be ended: the seat's uid, and the name of the run for which.
        queued: how many wait on.
        next_at: when the next of those that wait expires, or the ledger's hold ends; None where neither is to come.
    """

    admit: tuple[Candidate, ...] = ()
    skip: tuple[Skipping, ...] = ()
    replace: tuple[tuple[str, str], ...] = ()
    queued: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Turns:
    """Runs by what becomes of them, each part in turn."""

    admit: tuple[Candidate, ...] = ()
    wait: tuple[Candidate, ...] = ()
    skip: tuple[Skipping, ...] = ()


def read_policy(concurrency: Concurrency, schedule: Schedule | None) -> Policy:
    """Return a plan's limit; `schedule` says how long its runs may be late."""
    queue = concurrency.queue
    deadline = parse_go_duration(schedule.starting_deadline) if schedule and schedule.starting_deadline else None
    return Policy(
        max=concurrency.max,
        behavior=concurrency.behavior,
        queue_max=queue.max if queue else DEFAULT_QUEUE,
        expire_after=parse_go_duration(queue.expire_after) if queue and queue.expire_after else None,
        starting_deadline=deadline or timedelta(seconds=STARTING_DEADLINE_SECONDS),
    )


def decide_admission(
    policy: Policy,
    seats: Sequence[Seat],
    waiting: Iterable[Candidate],
    now: datetime,
    *,
    halted: Reason | None = None,
    hold_until: datetime | None = None,
) -> Admission:
    """Return who is admitted, who is skipped and who is to make room.

    Applied, it is settled: the same instant then decides nothing more. Never is a seat given above `policy.max`; what
    holds a seat above it, as after the limit was lowered, is left to end by itself.

    Args:
        policy: the plan's limit.
        seats: the ledger.
        waiting: the plan's accepted runs without a seat, in any order.
        now: the instant.
        halted: Deactivated or Suspended, where runs of the schedule are not to start any more.
        hold_until: nobody is admitted before this instant.
    """
    in_turn = sorted(waiting, key=lambda candidate: candidate.turn)
    early = tuple(_end_early(policy, in_turn, now, halted))
    out = {skipping.candidate.uid for skipping in early}
    open_ = [candidate for candidate in in_turn if candidate.uid not in out]
    held = hold_until is not None and now < hold_until
    turns = _hold(policy, seats, open_) if held else _BEHAVIORS[policy.behavior](policy, seats, open_)
    alarms = [*(_expiry(policy, candidate)[0] for candidate in turns.wait), hold_until if held else None]
    return Admission(
        admit=turns.admit,
        skip=(*early, *turns.skip),
        replace=tuple(_mark(policy, seats, turns.wait)) if not held else (),
        queued=len(turns.wait),
        next_at=min((alarm for alarm in alarms if alarm is not None), default=None),
    )


def tell_wait(policy: Policy, candidate: Candidate) -> str:
    """Say what a run waits for. The sentence stays the same while it waits, so that its status is written once."""
    told = (
        "it starts when its turn under the plan's limit has come; status.concurrency of the plan says who is under way"
    )
    if policy.behavior == "Replace" and not candidate.is_catch_up:
        told = "it starts when the run that it replaces has ended"
    expiry, cause = _expiry(policy, candidate)
    return f"{told}; at {instant_text(expiry)} it is given up by {cause}" if expiry else told


def _end_early(
    policy: Policy, in_turn: Sequence[Candidate], now: datetime, halted: Reason | None
) -> Iterator[Skipping]:
    for candidate in in_turn:
        expiry, cause = _expiry(policy, candidate)
        if halted is not None and candidate.origin in _OF_A_SCHEDULE:
            yield Skipping(candidate, halted, _HALTS[halted])
        elif expiry is not None and expiry <= now:
            since = instant_text(candidate.created)
            message = f"found it waiting since {since}, expected a start before {instant_text(expiry)} by {cause}"
            message = f"{message} {_WAIT_LONGER}"
            yield Skipping(candidate, Reason.QueueExpired, message)


def _expiry(policy: Policy, candidate: Candidate) -> tuple[datetime | None, str]:
    """Return when a run has waited too long, and by which setting."""
    if policy.behavior != "Queue" or candidate.is_catch_up:
        return None, ""
    ends: list[tuple[datetime, str]] = []
    if policy.expire_after is not None:
        cause = f"spec.concurrency.queue.expireAfter, {format_go_duration(policy.expire_after)}"
        ends.append((candidate.created + policy.expire_after, cause))
    if candidate.origin == OriginType.Schedule and candidate.slot is not None:
        cause = f"spec.schedule.startingDeadline, {format_go_duration(policy.starting_deadline)}"
        ends.append(((candidate.due or candidate.slot) + policy.starting_deadline, cause))
    return min(ends, default=(None, ""))


def _hold(policy: Policy, seats: Sequence[Seat], open_: Sequence[Candidate]) -> _Turns:
    """Nobody starts; who is under way is not known, so that nobody is skipped for it, but a queue keeps its bound."""
    if policy.behavior != "Queue":
        return _Turns(wait=tuple(open_))
    turns = _queue(policy, seats, open_)
    return replace(turns, admit=(), wait=(*turns.admit, *turns.wait))


def _skip(policy: Policy, seats: Sequence[Seat], open_: Sequence[Candidate]) -> _Turns:
    admit, rest = _split(open_, _free(policy, seats))
    message = _tell_limit(policy, [*(seat.name for seat in seats), *(each.name for each in admit)])
    skip = tuple(Skipping(each, Reason.LimitReached, message) for each in rest if not each.is_catch_up)
    return _Turns(admit, tuple(each for each in rest if each.is_catch_up), skip)


def _queue(policy: Policy, seats: Sequence[Seat], open_: Sequence[Candidate]) -> _Turns:
    admit, rest = _split(open_, _free(policy, seats))
    full = [each for each in rest if not each.is_catch_up][policy.queue_max :]
    out = {each.uid for each in full}
    message = (
        f"found {_runs(policy.queue_max)} waiting before it, expected fewer by spec.concurrency.queue.max {_BY_HAND}"
    )
    skip = tuple(Skipping(each, Reason.QueueFull, message) for each in full)
    return _Turns(admit, tuple(each for each in rest if each.uid not in out), skip)


def _replace(policy: Policy, seats: Sequence[Seat], open_: Sequence[Candidate]) -> _Turns:
    """Of more runs than can be served the newest are: none starts only to be ended for one that is there already.

    What was caught up takes what the others leave, or else a run would be ended for it after all.
    """
    free = _free(policy, seats)
    fresh = [each for each in open_ if not each.is_catch_up]
    late = [each for each in open_ if each.is_catch_up]
    kept = fresh[-min(policy.max, free + 1) :]
    admit, wait = _split(kept, free)
    admit_late, wait_late = _split(late, free - len(admit))
    older = fresh[: len(fresh) - len(kept)]
    skip = tuple(Skipping(each, Reason.Superseded, _tell_newer(policy, kept[-1])) for each in older)
    return _Turns(_in_turn(admit, admit_late), _in_turn(wait, wait_late), skip)


_BEHAVIORS: Final[Mapping[Behavior, Callable[[Policy, Sequence[Seat], Sequence[Candidate]], _Turns]]] = {
    "Skip": _skip,
    "Queue": _queue,
    "Replace": _replace,
}


def _mark(policy: Policy, seats: Sequence[Seat], wait: Sequence[Candidate]) -> Iterator[tuple[str, str]]:
    """Yield the oldest seats to end: one for each run that waits to replace, less those that end already."""
    fresh = [each for each in wait if not each.is_catch_up]
    if policy.behavior != "Replace" or not fresh:
        return
    staying = sorted((seat for seat in seats if seat.replaced_by is None), key=lambda s: (s.admitted_at, s.name))
    going = len(seats) - len(staying)
    yield from ((seat.uid, fresh[-1].name) for seat in staying[: max(0, len(fresh) - going)])


def _free(policy: Policy, seats: Sequence[Seat]) -> int:
    return max(0, policy.max - len(seats))


def _split(items: Sequence[Candidate], count: int) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    return tuple(items[:count]), tuple(items[count:])


def _in_turn(*parts: Sequence[Candidate]) -> tuple[Candidate, ...]:
    return tuple(sorted(chain(*parts), key=lambda candidate: candidate.turn))


def _tell_limit(policy: Policy, names: Sequence[str]) -> str:
    """Say who is under way: some by name, the rest by number."""
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    verb = "is" if len(names) == 1 else "are"
    return f"{len(names)} of at most {_runs(policy.max)} {verb} under way: {', '.join(names[:MAX_NAMES])}{more} {_LET_WAIT}"


def _tell_newer(policy: Policy, newest: Candidate) -> str:
    return (
        f"found the newer run {newest.name} waiting, expected none: with {_runs(policy.max)} at once and behavior "
        "Replace, the newest run takes the place of the others that wait "
        f"{_LET_WAIT}"
    )


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"
