"""What was asked for and never answered is remembered until it can arrive no more."""

from datetime import UTC, datetime, timedelta

import pytest

from launchplan_operator.reconcile.flights import Flights

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def send(flights: Flights, now: datetime, *, answered: bool) -> None:
    """Ask for a Job, with or without an answer."""
    with flights.sending("run", now):
        if not answered:
            raise TimeoutError


def test_an_answered_request_is_forgotten() -> None:
    flights = Flights()
    send(flights, NOW, answered=True)
    assert flights.uids(NOW) == set()


def test_an_answer_says_nothing_of_an_earlier_request_that_had_none() -> None:
    flights = Flights()
    with pytest.raises(TimeoutError):
        send(flights, NOW, answered=False)
    send(flights, LATER, answered=True)
    assert flights.until("run", LATER) == NOW + timedelta(minutes=15)


def test_of_two_unanswered_requests_the_later_counts() -> None:
    flights = Flights()
    for moment in (NOW, LATER):
        with pytest.raises(TimeoutError):
            send(flights, moment, answered=False)
    assert flights.until("run", LATER) == LATER + timedelta(minutes=15)


def test_after_a_quarter_of_an_hour_nothing_arrives() -> None:
    flights = Flights()
    with pytest.raises(TimeoutError):
        send(flights, NOW, answered=False)
    assert flights.uids(NOW + timedelta(minutes=15, seconds=1)) == set()
