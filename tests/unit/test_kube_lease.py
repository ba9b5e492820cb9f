"""What a Lease says and what is written into it, by tables."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.kube.lease import LEASE_DURATION, Sighting, claim, holder_of, release, seconds_held, see

Object = dict[str, Any]

NOW = datetime(2026, 3, 1, 12, 0, 5, 123456, UTC)
NOW_TEXT = "2026-03-01T12:00:05.123456Z"
EARLIER = "2026-03-01T11:00:00.000000Z"
HELD = {
    "holderIdentity": "a",
    "leaseDurationSeconds": 15,
    "acquireTime": EARLIER,
    "renewTime": EARLIER,
    "leaseTransitions": 3,
}


def lease(spec: Object | None = None, version: str = "7", uid: str = "u") -> Object:
    """Return a Lease as the server has it."""
    body = {} if spec is None else {"spec": spec}
    return {"metadata": {"name": "x", "uid": uid, "resourceVersion": version}} | body


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [
        pytest.param(HELD, 11.0, id="another's, seen four seconds ago"),
        pytest.param(HELD | {"leaseDurationSeconds": 60}, 56.0, id="another's that asks for longer"),
        pytest.param(HELD | {"leaseDurationSeconds": 4}, 0.0, id="another's whose time is just over"),
        pytest.param(HELD | {"leaseDurationSeconds": 1}, 0.0, id="another's whose time is long over"),
        pytest.param(HELD | {"leaseDurationSeconds": None}, 11.0, id="another's without a duration"),
        pytest.param({"holderIdentity": "a"}, 11.0, id="another's with nothing but a name"),
        pytest.param(HELD | {"renewTime": "2031-01-01T00:00:00.000000Z"}, 11.0, id="another's from the future"),
        pytest.param(HELD | {"renewTime": "nonsense"}, 11.0, id="another's whose times are no times"),
        pytest.param(HELD | {"holderIdentity": "me"}, 0.0, id="our own"),
        pytest.param(HELD | {"holderIdentity": ""}, 0.0, id="released"),
        pytest.param(HELD | {"holderIdentity": None}, 0.0, id="released by a null"),
        pytest.param({}, 0.0, id="empty"),
        pytest.param(None, 0.0, id="without a spec"),
    ],
)
def test_another_is_the_holder_for_as_long_as_its_lease_says_from_when_we_saw_it(
    spec: Object | None, seconds: float
) -> None:
    """The times in it mean nothing."""
    assert seconds_held(Sighting(lease(spec), since=100.0), "me", 104.0) == seconds


def test_a_lease_that_was_never_seen_is_free() -> None:
    """Somebody has to be the first."""
    assert seconds_held(None, "me", 0.0) == 0.0


@pytest.mark.parametrize(
    ("known", "found", "since"),
    [
        pytest.param(None, lease(HELD), 9.0, id="the first look"),
        pytest.param(lease(HELD), lease(HELD), 5.0, id="nothing was written"),
        pytest.param(lease(HELD), lease(HELD, version="8"), 9.0, id="the same words were written again"),
        pytest.param(lease(HELD), lease(HELD, uid="v"), 9.0, id="it was deleted and made again"),
    ],
)
def test_any_write_to_a_lease_is_a_sign_of_life(known: Object | None, found: Object, since: float) -> None:
    """Counting begins when we saw it."""
    sighting = see(None if known is None else Sighting(known, 5.0), found, 9.0)
    assert sighting == Sighting(found, since)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(None, {"acquireTime": NOW_TEXT, "leaseTransitions": 0}, id="a Lease that is not there yet"),
        pytest.param(HELD, {"acquireTime": NOW_TEXT, "leaseTransitions": 4}, id="another's"),
        pytest.param(
            HELD | {"holderIdentity": ""}, {"acquireTime": NOW_TEXT, "leaseTransitions": 4}, id="a released one"
        ),
        pytest.param(
            {"holderIdentity": "b"}, {"acquireTime": NOW_TEXT, "leaseTransitions": 1}, id="one that was never counted"
        ),
        pytest.param(
            HELD | {"holderIdentity": "me"}, {"acquireTime": EARLIER, "leaseTransitions": 3}, id="our own, renewed"
        ),
        pytest.param(
            {"holderIdentity": "me"}, {"acquireTime": NOW_TEXT, "leaseTransitions": 0}, id="our own without its times"
        ),
    ],
)
def test_a_claim_counts_changes_of_the_holder(spec: Object | None, expected: Object) -> None:
    """A renewal keeps when and how often it was acquired."""
    claimed = claim(lease(spec), "me", NOW)
    assert claimed["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "renewTime": NOW_TEXT,
        **expected,
    }


def test_a_claim_replaces_the_very_lease_that_was_read_and_keeps_what_others_wrote() -> None:
    """Its resource version is the precondition."""
    found = lease(HELD | {"strategy": "OldestEmulationVersion"}) | {"kind": "Lease"}
    found["metadata"]["labels"] = {"team": "data"}
    claimed = claim(found, "me", NOW)
    assert claimed["metadata"] == found["metadata"]
    assert claimed["kind"] == "Lease"
    assert claimed["spec"]["strategy"] == "OldestEmulationVersion"


def test_nothing_that_was_read_is_changed_by_a_claim_or_a_release() -> None:
    """The caller may write it again."""
    found = lease(dict(HELD))
    claim(found, "me", NOW)
    release(found, NOW)
    assert found == lease(HELD)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20))
def test_each_renewal_differs_from_the_one_before_whatever_the_clock_does(steps: list[int]) -> None:
    """A server takes a write that changes nothing for none, and nobody would see it."""
    current, now = claim(lease(), "me", NOW), NOW
    for step in steps:
        now += timedelta(seconds=step)
        renewed = claim(current, "me", now)
        assert renewed["spec"] != current["spec"]
        current = renewed


def test_a_release_leaves_no_holder_and_the_count_of_changes() -> None:
    """The next one may come at once."""
    released = release(lease(HELD), NOW)
    assert holder_of(released) == ""
    assert released["spec"] == HELD | {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": NOW_TEXT}
    assert seconds_held(Sighting(released, 100.0), "me", 100.0) == 0.0


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (NOW, NOW_TEXT),
        (NOW.replace(microsecond=0), "2026-03-01T12:00:05.000000Z"),
        (NOW.replace(microsecond=50), "2026-03-01T12:00:05.000050Z"),
        (NOW.astimezone(timezone(timedelta(hours=5, minutes=30))), NOW_TEXT),
    ],
    ids=["a time", "a whole second", "few microseconds", "another zone's"],
)
def test_times_are_written_in_utc_with_six_digits(instant: datetime, text: str) -> None:
    """So the API server wants a MicroTime."""
    assert claim(lease(), "me", instant)["spec"]["renewTime"] == text


def test_the_lease_asks_for_what_others_wait() -> None:
    """The one figure on which safety rests stands in one place."""
    assert claim(lease(), "me", NOW)["spec"]["leaseDurationSeconds"] == LEASE_DURATION
