"""Taking over somebody's CronJob: asked for, announced before it goes, and never beside a slot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.decide.adoption import (
    AdoptionStep,
    AnnounceTakeOver,
    Later,
    OldCronJob,
    TakeOver,
    Unasked,
    asks_to_adopt,
    decide_adoption,
    read_old,
)
from launchplan_operator.decide.timetable import read_timetable

HOUR = datetime(2026, 3, 2, 9, tzinfo=UTC)
TABLE = read_timetable("*/5 * * * *", "UTC")
OLD = OldCronJob("old", "7", table=TABLE, fired=HOUR)


def at(seconds: float) -> datetime:
    """Return an instant some seconds after the slot of nine."""
    return HOUR + timedelta(seconds=seconds)


def wait(seconds: float) -> Later:
    """Return the step that looks again after so long."""
    return Later(timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("old", "announced", "now", "expected"),
    [
        pytest.param(OLD, (None, None), 60, AnnounceTakeOver(), id="it is announced first"),
        pytest.param(OLD, ("old", 60), 61, TakeOver(), id="what was announced goes"),
        pytest.param(OLD, ("other", 60), 61, AnnounceTakeOver(), id="the end of another one was announced"),
        pytest.param(OLD, ("old", None), 61, AnnounceTakeOver(), id="an announcement without its instant is none"),
        pytest.param(
            OLD, ("old", -60), 61, AnnounceTakeOver(), id="what it started since the announcement is its own, too"
        ),
        pytest.param(OLD, ("old", 0), 61, TakeOver(), id="what it started by then is its own anyhow"),
        pytest.param(OLD, (None, None), 295, wait(6), id="nothing is announced shortly before a slot"),
        pytest.param(OLD, ("old", 60), 295, wait(6), id="it does not go shortly before a slot"),
        pytest.param(OLD, (None, None), 289, AnnounceTakeOver(), id="eleven seconds before a slot are enough"),
        pytest.param(OLD, (None, None), 304, wait(7), id="a slot that has just come may be about to be started"),
        pytest.param(OLD, (None, None), 311, AnnounceTakeOver(), id="a slot that it does not start is let be"),
        pytest.param(
            replace(OLD, fired=at(300)), (None, None), 304, AnnounceTakeOver(), id="a slot that was started is over"
        ),
        pytest.param(replace(OLD, fired=None), (None, None), 60, AnnounceTakeOver(), id="it never started one"),
        pytest.param(
            replace(OLD, table=None), ("old", 60), 299, TakeOver(), id="what is suspended may go at any moment"
        ),
        pytest.param(replace(OLD, deleting=True), ("old", 60), 61, wait(1), id="it is being deleted already"),
        pytest.param(
            replace(OLD, keeper="Helm keeps it (x)"),
            (None, None),
            60,
            Unasked("Helm keeps it (x)"),
            id="what a tool would bring back is left untouched",
        ),
    ],
)
def test_a_step(
    old: OldCronJob, announced: tuple[str | None, float | None], now: float, expected: AdoptionStep
) -> None:
    """Where the plan asks for it."""
    replacing, since = announced
    instant = None if since is None else at(since)
    assert decide_adoption(old, replacing, instant, at(now), asked=True) == expected


def test_what_nobody_asks_for_is_left_untouched() -> None:
    """Even if its end was announced before the wish was taken back."""
    assert decide_adoption(OLD, "old", at(60), at(61), asked=False) == Unasked()


@given(second=st.integers(0, 3600), away=st.integers(0, 7200))
def test_it_goes_only_with_every_slot_up_to_the_announcement_started_or_given_up(second: int, away: int) -> None:
    """Whenever one looks, and however long after the announcement: no slot lies within ten seconds, but one it started."""
    since, now = at(second), at(second + away)
    fired = HOUR + timedelta(minutes=5) * ((second + away) // 300)
    step = decide_adoption(replace(OLD, fired=fired), "old", since, now, asked=True)
    left = 300 - (second + away) % 300
    if isinstance(step, TakeOver):
        assert left > 10
        assert fired <= since
    else:
        assert isinstance(step, AnnounceTakeOver) == (left > 10)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        pytest.param({"launchplan.dev/adopt": "true"}, True, id="it says true"),
        pytest.param({"launchplan.dev/adopt": "false"}, False, id="it says anything else"),
        pytest.param({}, False, id="it says nothing"),
        pytest.param(None, False, id="there are no annotations"),
    ],
)
def test_a_plan_asks_by_an_annotation(annotations: dict[str, str] | None, expected: bool) -> None:
    """As Kubernetes has it: a text."""
    assert asks_to_adopt({"metadata": {"annotations": annotations}}) is expected


def cronjob(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return a CronJob as the API server has it."""
    about = {"name": "report", "uid": "old", "resourceVersion": "7"} | metadata
    return {"metadata": about, "spec": {"schedule": "*/5 * * * *"} | spec}


ARGO = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:batch/CronJob:demo/report"}}
OWNED = {"ownerReferences": [{"kind": "Backup", "name": "nightly", "uid": "u", "controller": True}]}


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(cronjob({}), replace(OLD, fired=None), id="a person's"),
        pytest.param(
            cronjob({}) | {"status": {"lastScheduleTime": "2026-03-02T09:00:00Z"}},
            OLD,
            id="one that has started a slot",
        ),
        pytest.param(
            cronjob({"suspend": True}), replace(OLD, table=None, fired=None), id="one that is suspended starts nothing"
        ),
        pytest.param(
            cronjob({"schedule": "@every 7m"}),
            replace(OLD, table=None, fired=None),
            id="one that only its controller knows",
        ),
        pytest.param(
            cronjob({"timeZone": "Asia/Tokyo"}),
            replace(OLD, table=read_timetable("*/5 * * * *", "Asia/Tokyo"), fired=None),
            id="one in another time zone",
        ),
        pytest.param(
            cronjob({}, **ARGO),
            replace(OLD, keeper="Argo CD keeps it (argocd.argoproj.io/tracking-id)", fired=None),
            id="one that Argo CD keeps",
        ),
        pytest.param(
            cronjob({}, **OWNED), replace(OLD, keeper="Backup nightly controls it", fired=None), id="another operator's"
        ),
        pytest.param(
            cronjob({}, deletionTimestamp="2026-03-02T09:00:00Z"),
            replace(OLD, fired=None, deleting=True),
            id="one that goes",
        ),
    ],
)
def test_the_facts_of_a_cronjob(obj: dict[str, Any], expected: OldCronJob) -> None:
    """From the object alone."""
    assert read_old(obj) == expected
