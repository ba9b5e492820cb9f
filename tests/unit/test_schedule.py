"""What a plan's schedule means, and what is wrong with one that the engine cannot keep."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.decide.cron import Cron, parse_cron
from launchplan_operator.decide.cron_zones import find_zone, zone_names
from launchplan_operator.decide.engine import cron_text_of
from launchplan_operator.decide.schedule import Timetable, next_slots, read_schedule, read_timetable, slots_between

DATA = Path(__file__).parents[1] / "data" / "cron"
TEXTS = yaml.safe_load((DATA / "texts.yaml").read_text(encoding="utf-8"))
NEXT = yaml.safe_load((DATA / "next.yaml").read_text(encoding="utf-8"))
WINDOWS = yaml.safe_load((DATA / "windows.yaml").read_text(encoding="utf-8"))
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def rows(table: list[dict[str, Any]]) -> list[Any]:
    """Return a table's rows as parameters that are called by their case."""
    return [pytest.param(row, id=f"{row['id']} {row.get('text') or row.get('rate')}") for row in table]


def schedule_of(row: dict[str, Any]) -> Schedule:
    """Return the schedule of a row: its cron text or its rate, in its zone."""
    fields = {"cron": row.get("text"), "fixedRate": row.get("rate"), "timeZone": row.get("zone", "UTC")}
    return Schedule.model_validate(fields | row.get("more", {}))


def table_of(row: dict[str, Any]) -> Timetable:
    """Return what the schedule of a row means; it must be good."""
    read = read_schedule(schedule_of(row))
    assert isinstance(read, Timetable), read
    return read


def findings_of(row: dict[str, Any]) -> tuple[Finding, ...]:
    """Return what is wrong with the schedule of a row; something must be."""
    read = read_schedule(schedule_of(row))
    assert not isinstance(read, Timetable), read
    return read


@pytest.mark.parametrize("row", rows(TEXTS["accepted"]))
def test_a_plan_takes_what_a_cronjob_takes(row: dict[str, Any]) -> None:
    """And fires first when it does."""
    first = next_slots(table_of(row), NEW_YEAR, 1)
    assert first == [row.get("first", first[0])]


@pytest.mark.parametrize("row", rows([row for row in TEXTS["refused"] if row["text"]]))
def test_a_plan_refuses_what_a_cronjob_refuses(row: dict[str, Any]) -> None:
    """The finding quotes the text and points at the field."""
    (finding,) = findings_of(row)
    assert finding.reason is Reason.CronInvalid
    assert finding.path == "spec.schedule.cron"
    assert repr(row["text"]) in finding.message


@pytest.mark.parametrize("row", rows([*NEXT["refused"], *WINDOWS["refused"]]))
def test_a_schedule_without_slots_has_the_known_reason(row: dict[str, Any]) -> None:
    """It is found when the plan is read, not when a slot is due."""
    assert [finding.reason.value for finding in findings_of(row)] == [row["reason"]]


@pytest.mark.parametrize("row", rows(TEXTS["overruled"]))
def test_a_plan_refuses_some_texts_that_a_cronjob_takes(row: dict[str, Any]) -> None:
    """The parser takes them, as Kubernetes does; the plan does not."""
    assert isinstance(parse_cron(row["text"]), Cron)
    assert [finding.reason.value for finding in findings_of(row)] == [row["here"]]


@pytest.mark.parametrize("row", rows(NEXT["overruled"]))
def test_a_rate_does_not_count_from_where_it_was_last_seen(row: dict[str, Any]) -> None:
    """It counts from the epoch."""
    slots = next_slots(table_of(row), row["after"], len(row["there"]))
    assert slots == row["here"]
    assert slots != row["there"]


@pytest.mark.parametrize("row", rows(WINDOWS["overruled"]))
def test_a_rate_does_not_count_from_the_start_of_a_window(row: dict[str, Any]) -> None:
    """It counts from the epoch."""
    slots = slots_between(table_of(row), row["after"], row["until"], 100)
    assert slots == row["here"]
    assert slots != row["there"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1, "Minute", "* * * * *"),
        (5, "Minute", "*/5 * * * *"),
        (30, "Minute", "*/30 * * * *"),
        (60, "Minute", "0 * * * *"),
        (1, "Hour", "0 * * * *"),
        (120, "Minute", "0 */2 * * *"),
        (12, "Hour", "0 */12 * * *"),
        (24, "Hour", "0 0 * * *"),
        (1440, "Minute", "0 0 * * *"),
        (1, "Day", "0 0 * * *"),
    ],
)
def test_an_even_rate_is_a_cron_text_in_utc(value: int, unit: str, text: str) -> None:
    """Whatever zone the schedule names: a rate has none."""
    for zone in ("UTC", "Asia/Kolkata"):
        table = table_of({"rate": {"value": value, "unit": unit}, "zone": zone})
        assert cron_text_of(table) == (text, "UTC")
        assert all(slot.timestamp() % (value * 60) == 0 for slot in next_slots(table, NEW_YEAR, 5))


@pytest.mark.parametrize(
    ("text", "kept"),
    [("@every 1m", "* * * * *"), ("@every 1h", "0 * * * *"), ("@every 90m30s", None), ("@every 24h", "0 0 * * *")],
)
def test_every_is_read_as_a_fixed_rate(text: str, kept: str | None) -> None:
    """In UTC, and in whole minutes."""
    read = read_schedule(Schedule(cron=text, time_zone="Europe/Berlin"))
    assert (read.describe() if isinstance(read, Timetable) else None) == (kept and f"{kept} UTC")


@pytest.mark.parametrize(
    ("schedule", "path"),
    [
        ({"rate": {"value": 7, "unit": "Minute"}}, "spec.schedule.fixedRate"),
        ({"rate": {"value": 90, "unit": "Minute"}}, "spec.schedule.fixedRate"),
        ({"rate": {"value": 5, "unit": "Hour"}}, "spec.schedule.fixedRate"),
        ({"rate": {"value": 36, "unit": "Hour"}}, "spec.schedule.fixedRate"),
        ({"rate": {"value": 2, "unit": "Day"}}, "spec.schedule.fixedRate"),
        ({"rate": {"value": 7, "unit": "Day"}}, "spec.schedule.fixedRate"),
        ({"text": "@every 45m"}, "spec.schedule.cron"),
        ({"text": "@every 48h"}, "spec.schedule.cron"),
    ],
)
def test_an_uneven_rate_is_kept_by_the_operator_alone(schedule: dict[str, Any], path: str) -> None:
    """Where the plan insists on a CronJob, the finding names the field; else it has its times, in whole minutes."""
    (finding,) = findings_of(schedule | {"more": {"engine": "CronJob"}})
    assert (finding.reason, finding.path) == (Reason.EngineCannotServe, path)
    for engine in ("Auto", "Operator"):
        table = table_of(schedule | {"more": {"engine": engine}})
        first, second = next_slots(table, NEW_YEAR, 2)
        assert cron_text_of(table) is None
        assert first.timestamp() % (second - first).total_seconds() == 0


@pytest.mark.parametrize(
    ("schedule", "texts"),
    [
        (
            {"text": "0 9 * * 7"},
            ["spec.schedule.cron: weekday 7: Kubernetes counts 0 (Sunday) to 6, in '0 9 * * 7' (use 0 or SUN)"],
        ),
        (
            {"text": "0 0 31 2 *"},
            [
                (
                    "spec.schedule.cron: found '0 0 31 2 *', expected a date that comes within five years "
                    "(its fields fit no day of the calendar)"
                )
            ],
        ),
        (
            {"text": "@every 30s"},
            [
                (
                    "spec.schedule.cron: found '@every 30s', which Kubernetes reads as 30 s, expected whole minutes "
                    "(@every 1m is the finest)"
                )
            ],
        ),
        (
            {"rate": {"value": 7, "unit": "Minute"}, "zone": "Europe/Berln", "more": {"engine": "CronJob"}},
            [
                (
                    "spec.schedule.fixedRate: found the rate 7 Minute, expected minutes that divide an hour, hours that "
                    "divide a day, or one day: the CronJob engine keeps no other rate (engine Auto keeps every rate)"
                ),
                (
                    "spec.schedule.timeZone: found 'Europe/Berln', expected a name of the IANA time zone database "
                    "(did you mean Europe/Berlin?)"
                ),
            ],
        ),
    ],
)
def test_findings_say_what_was_found_and_expected(schedule: dict[str, Any], texts: list[str]) -> None:
    """All of them at once, in the order of the fields."""
    assert [finding.text for finding in findings_of(schedule)] == texts


@pytest.mark.parametrize(
    ("more", "never"),
    [
        pytest.param({"startTime": "2026-01-01T09:00:00Z", "endTime": "2026-01-01T09:01:00Z"}, False, id="one slot"),
        pytest.param({"startTime": "2026-01-01T08:59:01Z", "endTime": "2026-01-01T09:00:01Z"}, False, id="rounded up"),
        pytest.param({"startTime": "2026-01-01T09:00:00Z", "endTime": "2026-01-01T09:00:30Z"}, False, id="both up"),
        pytest.param(
            {"startTime": "2026-01-01T08:00:00Z", "endTime": "2026-01-01T09:00:00Z"}, True, id="the end is out"
        ),
        pytest.param({"startTime": "2026-01-01T09:00:01Z", "endTime": "2026-01-01T09:00:30Z"}, True, id="no minute"),
        pytest.param(
            {"startTime": "2026-01-01T10:00:00Z", "endTime": "2026-01-02T08:00:00Z"}, True, id="between slots"
        ),
        pytest.param({"endTime": "2020-01-01T00:00:00Z"}, False, id="an end that has come is no mistake"),
        pytest.param({"startTime": "2999-01-01T00:00:00Z"}, False, id="nor is a start in a far future"),
    ],
)
def test_bounds_without_a_slot_between_them_are_a_mistake(more: dict[str, str], never: bool) -> None:
    """Whatever the present is; the fix takes the end away."""
    read = read_schedule(Schedule.model_validate({"cron": "0 9 * * *", **more}))
    if not never:
        assert isinstance(read, Timetable)
        return
    assert not isinstance(read, Timetable)
    (finding,) = read
    assert (finding.reason, finding.path) == (Reason.CronNeverFires, "spec.schedule.endTime")
    assert finding.fix is not None
    assert finding.fix.merge == {"spec": {"schedule": {"endTime": None}}}


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("europe/berlin", "did you mean Europe/Berlin?"),
        ("Mars/Base", "for example Europe/Berlin"),
        ("America", "for example Europe/Berlin"),
        ("Local", "for example Europe/Berlin"),
        ("local", "for example Europe/Berlin"),
        ("localtime", "for example Europe/Berlin"),
        ("../UTC", "for example Europe/Berlin"),
        ("/usr/share/zoneinfo/UTC", "for example Europe/Berlin"),
        ("Europe/../UTC", "for example Europe/Berlin"),
        ("Europe//Berlin", "did you mean Europe/Berlin?"),
        ("tzdata.zi", "for example Europe/Berlin"),
        ("__init__.py", "for example Europe/Berlin"),
        ("UTC\x00", "for example Europe/Berlin"),
    ],
)
def test_a_zone_is_a_name_in_the_database(zone: str, hint: str) -> None:
    """Neither a path, nor a file that lies there, nor the machine's own zone."""
    assert find_zone(zone) is None
    (finding,) = findings_of({"text": "0 9 * * *", "zone": zone})
    assert (finding.reason, finding.path, finding.hint) == (Reason.TimeZoneUnknown, "spec.schedule.timeZone", hint)


def test_every_zone_of_the_database_can_be_read() -> None:
    """By its own name, and once only."""
    for name in zone_names():
        zone = find_zone(name)
        assert zone is not None
        assert zone.key == name
        assert find_zone(name) is zone


def test_a_zone_does_not_depend_on_the_database_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zone's rules come from the package, where `ZoneInfo` would look at the machine first."""
    monkeypatch.setattr("zoneinfo.TZPATH", ("/nonexistent",))
    paths: list[str] = []
    monkeypatch.setattr("zoneinfo._tzpath.find_tzfile", paths.append)
    find_zone.__globals__["_load_zone"].cache_clear()
    assert find_zone("Europe/Berlin") is not None
    assert paths == []


@pytest.mark.parametrize(
    ("text", "zone"), [("@every 1h", "UTC"), ("0 9 * *", "UTC"), ("0 9 * * *", "Mars/Base"), ("0 9 * * *", "")]
)
def test_a_foreign_cronjob_may_have_no_timetable(text: str, zone: str) -> None:
    """Its controller alone knows when it fires, if it does."""
    assert read_timetable(text, zone) is None
