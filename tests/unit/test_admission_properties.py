"""Admission under any limit, with any seats and any waiting runs: what always holds, and what never happens."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from launchplan_operator.api.concurrency import Behavior
from launchplan_operator.api.conditions import Reason
from launchplan_operator.decide.concurrency import Admission, Candidate, Policy, Seat, decide_admission
from launchplan_operator.decide.ledger import Ledger, ledger_status, mark_replaced, read_ledger, skip_runs, take_seats

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECONDS = st.integers(0, 400).map(lambda seconds: timedelta(seconds=seconds))
AGES = SECONDS.map(lambda age: NOON - age)
WAITS = SECONDS.map(lambda wait: wait + timedelta(seconds=1))
HALTS = st.sampled_from([None, None, None, Reason.Deactivated, Reason.Suspended])
HOLDS = st.sampled_from([None, None, None, NOON, NOON + timedelta(minutes=1)])


@dataclass(frozen=True, slots=True)
class Look:
    """All that one decision sees."""

    policy: Policy
    seats: tuple[Seat, ...]
    waiting: tuple[Candidate, ...]
    halted: Reason | None
    hold_until: datetime | None

    def decide(self) -> Admission:
        """Decide at noon."""
        return decide_admission(
            self.policy, self.seats, self.waiting, NOON, halted=self.halted, hold_until=self.hold_until
        )

    def apply(self, admission: Admission) -> "Look":
        """Return what the next look sees once the decision was carried out."""
        ledger = mark_replaced(take_seats(Ledger(self.seats, None, "plan"), admission.admit, NOON), admission.replace)
        gone = uids(admission.admit) | {skipping.candidate.uid for skipping in admission.skip}
        waiting = tuple(each for each in self.waiting if each.uid not in gone)
        return replace(self, seats=ledger.seats, waiting=waiting)

    def waits(self, admission: Admission) -> list[Candidate]:
        """Return the runs that wait on, in turn."""
        return sorted(self.apply(admission).waiting, key=lambda each: each.turn)


def uids(candidates: Sequence[Candidate]) -> set[str]:
    """Return the uids of runs."""
    return {each.uid for each in candidates}


def fresh(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the runs that were not caught up."""
    return [each for each in candidates if each.origin != "CatchUp"]


POLICIES = st.builds(
    Policy,
    max=st.integers(1, 5),
    behavior=st.just("Skip"),
    queue_max=st.integers(1, 4),
    expire_after=st.none() | WAITS,
    starting_deadline=WAITS,
)
#: Who started a run, how long ago, and whether it was made only now.
RUNS = st.tuples(st.sampled_from(["Manual", "Relaunch", "Schedule", "CatchUp"]), AGES, st.booleans())
#: When a run was admitted, and the number of the waiting run for which it ends, if any; there is no run of the last number.
SEATS = st.tuples(AGES, st.sampled_from([*[None] * 12, 0, 1, 9]), st.booleans())


def candidate(number: int, origin: str, at: datetime, *, late: bool) -> Candidate:
    """Return a waiting run; several may share their times."""
    slot = at if origin in {"Schedule", "CatchUp"} else None
    return Candidate(f"run-{number}", f"uid-{number}", origin, slot, NOON if slot and late else at)


def seat(number: int, at: datetime, replaced_by: int | None, *, started: bool) -> Seat:
    """Return a seat."""
    name = None if replaced_by is None else f"run-{replaced_by}"
    return Seat(f"seat-{number}", f"held-{number}", at, name, started=started)


@st.composite
def looks(draw: DrawFn, *behaviors: Behavior, plain: bool = False) -> Look:
    """Draw what one decision sees: seats above the limit and marks for runs that are gone included.

    Without `behaviors` it may be any; a plain look has neither a halt nor a hold.
    """
    policy = replace(draw(POLICIES), behavior=draw(st.sampled_from(behaviors or ("Skip", "Queue", "Replace"))))
    runs, taken = draw(st.lists(RUNS, max_size=8)), draw(st.lists(SEATS, max_size=6))
    waiting = [candidate(number, origin, at, late=late) for number, (origin, at, late) in enumerate(runs)]
    seats = [seat(number, at, name, started=started) for number, (at, name, started) in enumerate(taken)]
    halted, hold_until = (None, None) if plain else (draw(HALTS), draw(HOLDS))
    return Look(policy, tuple(seats), tuple(waiting), halted, hold_until)


@given(looks())
def test_no_seat_is_given_above_the_limit(look: Look) -> None:
    """What holds one above it already is left to end."""
    admitted = look.decide().admit
    assert not admitted or len(look.seats) + len(admitted) <= look.policy.max


@given(looks())
def test_a_run_starts_waits_or_never_starts(look: Look) -> None:
    """One of them, and nobody appears from nowhere."""
    admission = look.decide()
    parts = [*admission.admit, *(skipping.candidate for skipping in admission.skip), *look.waits(admission)]
    assert sorted(each.uid for each in parts) == sorted(uids(look.waiting))
    assert admission.queued == len(look.waits(admission))


@given(looks())
def test_a_decision_that_was_carried_out_is_settled(look: Look) -> None:
    """The same instant decides nothing more: an idle operator writes nothing."""
    first = look.decide()
    again = look.apply(first).decide()
    assert again == Admission(queued=first.queued, next_at=first.next_at)


@given(looks(), st.randoms(use_true_random=False))
def test_the_order_of_a_listing_does_not_matter(look: Look, random: Any) -> None:
    """Caches hand out their objects in any order."""
    shuffled = tuple(random.sample(look.waiting, len(look.waiting)))
    assert replace(look, waiting=shuffled).decide() == look.decide()


def caught_up(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the runs that make up for missed slots."""
    return [each for each in candidates if each.origin == "CatchUp"]


def in_turn(candidates: Sequence[Candidate]) -> bool:
    """Tell whether runs stand in the order of slot or creation, creation, name."""
    keys = [(each.slot or each.created, each.created, each.name) for each in candidates]
    return keys == sorted(keys)


@given(looks())
def test_nobody_is_overtaken(look: Look) -> None:
    """Who starts came before who waits on; where runs replace, among those that may and among those that may not."""
    admission = look.decide()
    line = [*admission.admit, *look.waits(admission)]
    lines = [fresh(line), caught_up(line)] if look.policy.behavior == "Replace" else [line]
    assert in_turn(admission.admit)
    assert all(map(in_turn, lines))


@given(looks())
def test_nobody_waits_while_a_seat_is_free(look: Look) -> None:
    """But for a ledger that is held."""
    admission = look.decide()
    held = look.hold_until is not None and look.hold_until > NOON
    assert held or not admission.queued or len(look.seats) + len(admission.admit) >= look.policy.max


@given(looks(), st.integers(1, 100))
def test_a_held_ledger_gives_nothing_and_ends_nobody(look: Look, seconds: int) -> None:
    """All wait that are neither halted nor expired nor too many for a queue, and the end of the hold is looked at."""
    held = replace(look, hold_until=NOON + timedelta(seconds=seconds))
    admission = held.decide()
    assert (admission.admit, admission.replace) == ((), ())
    assert {each.reason for each in admission.skip} <= {look.halted, Reason.QueueExpired, Reason.QueueFull}
    assert admission.next_at is not None
    assert admission.next_at <= NOON + timedelta(seconds=seconds)


@given(looks("Queue", plain=True))
def test_nobody_starts_that_waited_too_long(look: Look) -> None:
    """By the plan's patience, and for a scheduled run by its slot's deadline, whichever is shorter."""
    admission = look.decide()
    for each in fresh([*admission.admit, *look.waits(admission)]):
        assert look.policy.expire_after is None or NOON - each.created < look.policy.expire_after
        assert each.origin != "Schedule" or each.slot is None or NOON - each.slot < look.policy.starting_deadline


@given(looks())
def test_a_queue_keeps_its_bound(look: Look) -> None:
    """What was caught up does not count; the other behaviors keep nobody, or the newest."""
    held = look.hold_until is not None and look.hold_until > NOON
    bound = {"Skip": 0, "Queue": look.policy.queue_max, "Replace": 1}[look.policy.behavior]
    free = max(0, look.policy.max - len(look.seats))
    waits = fresh(look.waits(look.decide()))
    assert len(waits) <= (bound if not held else bound + free if look.policy.behavior == "Queue" else len(look.waiting))


@given(looks("Queue"))
def test_nobody_is_turned_away_by_a_queue_that_has_room(look: Look) -> None:
    """A full queue is full, of runs that came before."""
    admission = look.decide()
    full = [each.candidate for each in admission.skip if each.reason == Reason.QueueFull]
    waits = fresh(look.waits(admission))
    assert not full or len(waits) >= look.policy.queue_max
    assert all(each.turn > other.turn for each in full for other in waits)


@given(looks())
def test_only_a_halt_gives_up_what_was_caught_up(look: Look) -> None:
    """It has no deadline, is never one too many, and is never superseded."""
    skipped = {each.candidate.uid: each.reason for each in look.decide().skip if each.candidate.origin == "CatchUp"}
    assert skipped == ({} if look.halted is None else dict.fromkeys(uids(caught_up(look.waiting)), look.halted))


@given(looks("Replace", plain=True))
def test_what_was_caught_up_changes_nothing_for_those_that_replace(look: Look) -> None:
    """Nobody is ended for it, directly or because it took a seat."""
    without = replace(look, waiting=tuple(fresh(look.waiting))).decide()
    admission = look.decide()
    assert (tuple(fresh(admission.admit)), admission.replace) == (without.admit, without.replace)


@given(looks())
def test_a_halt_concerns_the_schedule_alone(look: Look) -> None:
    """No scheduled run starts or waits any more, and no run of a person is skipped for it."""
    halted = replace(look, halted=Reason.Suspended)
    admission = halted.decide()
    stays = [*admission.admit, *halted.waits(admission)]
    assert {each.origin for each in stays} <= {"Manual", "Relaunch"}
    by_hand = [each for each in admission.skip if each.candidate.origin in {"Manual", "Relaunch"}]
    assert Reason.Suspended not in {each.reason for each in by_hand}


@given(looks(plain=True))
def test_a_higher_limit_admits_whom_the_lower_one_admits(look: Look) -> None:
    """And skips for the limit nobody whom the lower one lets start or wait."""
    higher = replace(look, policy=replace(look.policy, max=look.policy.max + 1))
    lower, raised = look.decide(), higher.decide()
    assert uids(lower.admit) <= uids(raised.admit)
    assert {each.candidate.uid for each in raised.skip} <= {each.candidate.uid for each in lower.skip}


@given(looks("Replace"))
def test_no_more_runs_are_ended_than_wait_for_it(look: Look) -> None:
    """Each is ended once, is under way, and is ended for the newest that waits."""
    admission = look.decide()
    waits = fresh(look.waits(admission))
    going = sum(seat.replaced_by is not None for seat in look.seats)
    staying = {seat.uid: seat.admitted_at for seat in look.seats if seat.replaced_by is None}
    ended = [uid for uid, _ in admission.replace]
    assert not ended or len(ended) + going <= len(waits)
    assert len(set(ended)) == len(ended)
    assert set(ended) <= set(staying)
    assert {name for _, name in admission.replace} <= {each.name for each in waits}
    assert all(staying[uid] <= at for uid in ended for other, at in staying.items() if other not in ended)


@given(looks("Replace", plain=True))
def test_who_waits_to_replace_has_somebody_who_ends(look: Look) -> None:
    """Else it would wait for nothing."""
    admission = look.decide()
    after = look.apply(admission)
    ending = sum(seat.replaced_by is not None for seat in after.seats)
    assert ending >= len(fresh(after.waiting))


@given(looks("Queue"))
def test_the_next_look_is_in_the_future_and_decides_something(look: Look) -> None:
    """At that instant, not before, a run expires or the hold is over."""
    settled = look.apply(look.decide())
    due = settled.decide().next_at
    if due is None:
        return
    assert due > NOON
    args = (settled.policy, settled.seats, settled.waiting)
    moment = timedelta(microseconds=1)
    before = decide_admission(*args, due - moment, halted=look.halted, hold_until=look.hold_until)
    assert not before.skip
    assert not before.admit
    then = decide_admission(*args, due, halted=look.halted, hold_until=look.hold_until)
    assert then.skip or due == look.hold_until


@given(looks())
def test_a_ledger_that_was_written_reads_the_same(look: Look) -> None:
    """To the second, which is all that a status holds."""
    ledger = skip_runs(Ledger(look.seats, look.hold_until, "plan"), look.decide().skip)
    status = {"concurrency": ledger_status(ledger, 0)}
    assert read_ledger(status, "plan") == ledger
