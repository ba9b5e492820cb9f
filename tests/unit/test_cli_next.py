"""`next`: the next slots of cron texts, rates and plans."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from launchplan_operator.api.schedule import FixedRate, RateUnit, Schedule
from launchplan_operator.cli.times import Times, find_times
from launchplan_operator.decide.instants import instant_text
from launchplan_operator.decide.schedule import jitter_of
from tests.unit.cli import call

DATA = Path(__file__).parents[1] / "data" / "cron"
TEXTS = yaml.safe_load((DATA / "texts.yaml").read_text(encoding="utf-8"))
NEXT = yaml.safe_load((DATA / "next.yaml").read_text(encoding="utf-8"))["next"]
WINDOWS = yaml.safe_load((DATA / "windows.yaml").read_text(encoding="utf-8"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rows(table: list[dict[str, Any]]) -> list[Any]:
    """Return a table's rows as parameters that are called by their case and text."""
    return [pytest.param(row, id=f"{row['id']} {row.get('text', row.get('rate'))!r}") for row in table]


def texts(instants: list[datetime]) -> list[str]:
    """Return instants as the output shows them."""
    return [instant_text(instant) for instant in instants]


@pytest.mark.parametrize("row", rows(NEXT))
def test_the_next_times_are_those_of_the_table(capsys: pytest.CaptureFixture[str], row: dict[str, Any]) -> None:
    """Each in UTC; a text that never fires again is refused, or has fewer times than asked for."""
    count = str(max(1, len(row["times"])))
    after = row["after"].isoformat()
    ended = call(capsys, "next", "--cron", row["text"], "--timezone", row["zone"], "--after", after, "--count", count)
    if ended.code == 2:
        assert row.get("ends")
        assert ended.err.startswith("error: CronNeverFires: ")
    else:
        assert ended.data["times"] == texts(row["times"])


@pytest.mark.parametrize("row", rows(TEXTS["accepted"]))
def test_every_text_that_kubernetes_takes_has_times(capsys: pytest.CaptureFixture[str], row: dict[str, Any]) -> None:
    """The first after the new year of 2026 is the known one."""
    ended = call(capsys, "next", "--cron", row["text"], "--after", "2026-01-01T00:00:00Z", "--count", "1")
    assert ended.code == 0
    assert len(ended.data["times"]) == 1
    assert "first" not in row or ended.data["times"] == texts([row["first"]])


@pytest.mark.parametrize("row", rows(TEXTS["refused"]))
def test_a_text_that_kubernetes_refuses_exits_2(capsys: pytest.CaptureFixture[str], row: dict[str, Any]) -> None:
    """The reason is the first word on stderr, and stdout is empty."""
    ended = call(capsys, "next", "--cron", row["text"])
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: CronInvalid: ")


@pytest.mark.parametrize("row", rows([row for row in WINDOWS["windows"] if row.get("slots")]))
def test_the_slots_of_a_window_come_first(capsys: pytest.CaptureFixture[str], row: dict[str, Any]) -> None:
    """A window's start is excluded, as --after is."""
    zone, count = row.get("zone", "UTC"), str(len(row["slots"]))
    after = row["after"].isoformat()
    ended = call(capsys, "next", "--cron", row["text"], "--timezone", zone, "--after", after, "--count", count)
    assert ended.data["times"] == texts(row["slots"])


@pytest.mark.parametrize("row", rows(WINDOWS["refused"]))
def test_a_refused_text_gives_its_reason(capsys: pytest.CaptureFixture[str], row: dict[str, Any]) -> None:
    """The reason is that of the condition."""
    ended = call(capsys, "next", "--cron", row["text"])
    assert (ended.code, ended.err.split()[1]) == (2, f"{row['reason']}:")


@pytest.mark.parametrize(
    ("arguments", "times"),
    [
        pytest.param(["--rate", "1 Hour"], ["2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"], id="an hour"),
        pytest.param(["--rate", "2 hours"], ["2026-01-01T02:00:00Z", "2026-01-01T04:00:00Z"], id="plural"),
        pytest.param(["--rate", " 15MINUTES "], ["2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"], id="upper case"),
        pytest.param(["--rate", "1 day"], ["2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"], id="a day"),
        pytest.param(
            ["--rate", "7 Minute"],
            ["2026-01-01T00:07:00Z", "2026-01-01T00:14:00Z"],
            id="minutes that do not divide an hour, from the epoch on",
        ),
        pytest.param(
            ["--rate", "2 Day"],
            ["2026-01-03T00:00:00Z", "2026-01-05T00:00:00Z"],
            id="two days, from the epoch on",
        ),
        pytest.param(
            ["--cron", "@every 90m"],
            ["2026-01-01T01:30:00Z", "2026-01-01T03:00:00Z"],
            id="a rate as a cron text",
        ),
        pytest.param(
            ["--cron", "@every 90m", "--timezone", "Asia/Kolkata"],
            ["2026-01-01T01:30:00Z", "2026-01-01T03:00:00Z"],
            id="a rate whatever the zone",
        ),
        pytest.param(["--cron", "@every 30m"], ["2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z"], id="an even rate"),
    ],
)
def test_a_rate_counts_from_the_epoch(
    capsys: pytest.CaptureFixture[str], arguments: list[str], times: list[str]
) -> None:
    """Whether a cron text could say it or not; there is nothing to warn of."""
    ended = call(capsys, "next", *arguments, "--after", "2026-01-01T00:00:00Z", "--count", "2")
    assert ended.code == 0
    assert ended.data["times"] == times
    assert ended.data["warnings"] == []


@given(
    st.integers(1, 100_000),
    st.sampled_from(list(RateUnit)),
    st.datetimes(datetime(1970, 1, 1), datetime(3999, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - given a zone
)
def test_every_rate_has_slots_a_rate_apart(value: int, unit: RateUnit, after: datetime) -> None:
    """Each is a whole number of rates after the epoch, and the first is the first after the instant."""
    every = value * {"Minute": timedelta(minutes=1), "Hour": timedelta(hours=1), "Day": timedelta(days=1)}[unit]
    found = find_times(Schedule(fixed_rate=FixedRate(value=value, unit=unit)), after, 3)
    assert isinstance(found, Times)
    assert all((time - EPOCH) % every == timedelta(0) for time in found.times)
    assert timedelta(0) < found.times[0] - after <= every
    assert [later - time for time, later in zip(found.times, found.times[1:], strict=False)] == [every, every]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--cron", "@every 90s"], "CronTooFine: found '@every 90s'", id="half minutes"),
        pytest.param(["--cron", ""], "CronInvalid: ", id="an empty text"),
        pytest.param(["--cron", "0 0 * * *" + " " * 300], "CronInvalid: ", id="a text longer than the field"),
        pytest.param(["--cron", "* * * * *", "--timezone", "Mars/Base"], "TimeZoneUnknown: ", id="an unknown zone"),
        pytest.param(["--cron", "* * * * *", "--timezone", ""], "TimeZoneUnknown: ", id="an empty zone"),
        pytest.param(["--cron", "-1 * * * *"], "CronInvalid: ", id="a text that looks like an option"),
        pytest.param(["--rate", "90 seconds"], "InvalidSpec: found the rate '90 seconds'", id="seconds"),
        pytest.param(["--rate", "0 hours"], "InvalidSpec: ", id="no hours"),
        pytest.param(["--rate", "100001 days"], "InvalidSpec: ", id="more than the field holds"),
        pytest.param(["--rate", "1.5 hours"], "InvalidSpec: ", id="no whole number"),
        pytest.param(["--rate", "1 hour", "--timezone", "UTC"], "--timezone without --cron", id="a rate with a zone"),
        pytest.param(["--cron", "* * * * *", "--count", "0"], "from 1 to 1000", id="no time"),
        pytest.param(["--cron", "* * * * *", "--count", "1001"], "from 1 to 1000", id="too many times"),
        pytest.param(["--cron", "* * * * *", "--count", "x"], "from 1 to 1000", id="a count that is none"),
        pytest.param(["--cron", "* * * * *", "--after", "today"], "RFC 3339", id="a time that is none"),
        pytest.param(
            ["--cron", "* * * * *", "--after", "9999-12-31T23:59:59Z"], "a year from", id="the calendar's end"
        ),
        pytest.param(["--cron", "* * * * *", "--rate", "1 hour"], "not allowed with", id="a text and a rate"),
        pytest.param([], "one of the arguments NAME -f/--filename --cron --rate is required", id="nothing"),
    ],
)
def test_a_refusal_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    """It says what was found, and the exit code is 2."""
    ended = call(capsys, "next", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err


@pytest.mark.parametrize(
    ("after", "first"),
    [
        pytest.param("2026-01-01T00:14:59.999999999Z", "2026-01-01T00:15:00Z", id="a moment before a slot"),
        pytest.param("2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z", id="the slot itself"),
        pytest.param("2026-01-01T00:15:00.000000001Z", "2026-01-01T00:30:00Z", id="a moment after a slot"),
        pytest.param("2026-01-01T00:15:01", "2026-01-01T00:30:00Z", id="a time without offset is in UTC"),
        pytest.param("2026-01-01t01:00:00+01:00", "2026-01-01T00:15:00Z", id="an offset"),
    ],
)
def test_after_is_exclusive_and_exact(capsys: pytest.CaptureFixture[str], after: str, first: str) -> None:
    """Seconds and their fractions count."""
    ended = call(capsys, "next", "--cron", "*/15 * * * *", "--after", after, "--count", "1")
    assert ended.data["times"] == [first]


def test_the_default_is_five_times_from_now_on(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them are to come."""
    now = datetime.now(UTC)
    times = [datetime.fromisoformat(text) for text in call(capsys, "next", "--cron", "* * * * *").data["times"]]
    assert len(times) == 5
    assert timedelta(0) <= times[0] - now <= timedelta(minutes=1, seconds=5)


def test_a_gap_and_a_repeat_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    """The clock change that skips a slot stands among the warnings."""
    ended = call(
        capsys, "next", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--after", "2026-03-28T00:00:00Z"
    )
    (warning,) = ended.data["warnings"]
    assert "2026-03-29" in warning


def test_text_shows_the_local_time_beside_utc(capsys: pytest.CaptureFixture[str]) -> None:
    """The zone's offset stands with it; warnings go to stderr."""
    ended = call(
        capsys,
        *("next", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--after", "2026-03-28T00:00:00Z"),
        *("-o", "text", "--count", "2"),
    )
    assert ended.out == (
        "UTC                    EUROPE/BERLIN\n"
        "2026-03-28T01:30:00Z   Sat 2026-03-28 02:30 +0100\n"
        "2026-03-30T00:30:00Z   Mon 2026-03-30 02:30 +0200\n"
    )
    assert ended.err.startswith("warning: ")


def test_a_terminal_gets_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that reads the output gets JSON."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    ended = call(capsys, "next", "--rate", "1 hour", "--after", "2026-01-01T00:00:00Z", "--count", "1")
    assert ended.out == "UTC\n2026-01-01T01:00:00Z\n"


PLAN = """---
apiVersion: launchplan.dev/v1alpha1
kind: LaunchPlan
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  workflowRef: {{name: w}}
  {schedule}
"""


def plans(*schedules: str) -> str:
    """Return a plan for each schedule, called p0 and so on."""
    return "".join(PLAN.format(name=f"p{n}", namespace="prod", schedule=text) for n, text in enumerate(schedules))


def test_every_plan_of_a_file_has_times_or_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A plan without a schedule has none; what is refused has its reason; other kinds are left out."""
    file = tmp_path / "plans.yaml"
    text = plans(
        "schedule: {cron: '0 1 * * *', timeZone: Europe/Berlin}",
        "suspend: true",
        "schedule: {cron: '0 9 * * 7'}",
        "schedule: {fixedRate: {value: 7, unit: Minute}}",
        "schedule: {fixedRate: {value: 7, unit: Minute}, engine: CronJob}",
        "schedule: {cron: [1]}",
        "schedule: yes",
    )
    file.write_text(f"{text}---\nkind: Other\n", encoding="utf-8")
    ended = call(capsys, "next", "-f", file, "--after", "2026-01-01T00:00:00Z", "--count", "1")
    assert ended.code == 0
    first, second, third, fourth, fifth, sixth, seventh = ended.data["plans"]
    named = {"namespace": "prod", "name": "p0"}
    assert first == named | {"times": ["2026-01-02T00:00:00Z"], "warnings": []}
    assert second == named | {"name": "p1", "times": [], "warnings": []}
    assert sorted(third) == ["error", "name", "namespace"]
    assert sorted(third["error"]) == ["message", "reason"]
    assert third["error"]["reason"] == "CronInvalid"
    assert fourth["times"] == ["2026-01-01T00:07:00Z"]
    assert fourth["warnings"] == []
    assert fifth["error"]["reason"] == "EngineCannotServe"
    assert [sixth["error"]["reason"], seventh["error"]["reason"]] == ["InvalidSpec", "InvalidSpec"]


def test_text_shows_each_plan_s_own_zone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Plans that have no times stand on stderr if that is an error."""
    file = tmp_path / "plans.yaml"
    file.write_text(
        plans("schedule: {cron: '0 1 * * *', timeZone: Asia/Tokyo}", "schedule: {cron: x}"), encoding="utf-8"
    )
    ended = call(capsys, "next", "-f", file, "-o", "text", "--after", "2026-01-01T00:00:00Z", "--count", "1")
    assert ended.out.splitlines()[1].split() == [
        *("prod", "p0", "2026-01-01T16:00:00Z", "Fri", "2026-01-02", "01:00", "+0900", "Asia/Tokyo")
    ]
    assert ended.err.startswith("error: p1: CronInvalid: ")


BOUNDED = (
    "schedule: {fixedRate: {value: 7, unit: Hour}, startTime: '2026-01-01T01:00:00Z', endTime: '2026-01-01T15:00:00Z'}"
)
JITTERY = "schedule: {cron: '0 1 * * *', timeZone: Asia/Tokyo, jitter: 1h}"


def test_bounds_and_jitter_show(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A rate counts from its start, nothing is at its end or later; a run starts a little after its slot."""
    file = tmp_path / "plans.yaml"
    file.write_text(plans(BOUNDED, JITTERY), encoding="utf-8")
    arguments = ("next", "-f", file, "--after", "2025-12-31T00:00:00Z", "--count", "3")
    bounded, jittery = call(capsys, *arguments).data["plans"]
    assert bounded["times"] == ["2026-01-01T01:00:00Z", "2026-01-01T08:00:00Z"]
    assert "starts" not in bounded
    drawn = [datetime.fromisoformat(text) for text in jittery["starts"]]
    slots = [datetime.fromisoformat(text) for text in jittery["times"]]
    assert drawn == [slot + jitter_of("prod/p1", slot, timedelta(hours=1)) for slot in slots]
    assert jittery["warnings"] == []
    lines = call(capsys, *arguments, "-o", "text").out.splitlines()
    assert lines[0].split()[-1] == "STARTS"
    assert [line.split()[-1] for line in lines[1:]] == ["UTC", "UTC", *jittery["starts"]]


def test_without_a_namespace_nobody_knows_when_a_slot_with_jitter_starts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """That is said; -n tells it."""
    file = tmp_path / "plans.yaml"
    file.write_text(plans(JITTERY).replace(", namespace: prod", ""), encoding="utf-8")
    (unknown,) = call(capsys, "next", "-f", file).data["plans"]
    assert unknown["warnings"] == ["each starts up to 1h0m0s later; how much depends on the namespace"]
    assert "starts" not in unknown
    (known,) = call(capsys, "next", "-f", file, "-n", "prod").data["plans"]
    assert (len(known["starts"]), known["warnings"]) == (5, [])


def test_a_file_that_cannot_be_read_is_a_problem(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """File and line stand in it."""
    file = tmp_path / "plans.yaml"
    file.write_text("a: 1\nb: [\n", encoding="utf-8")
    ended = call(capsys, "next", "-f", file)
    assert (ended.code, ended.out) == (2, "")
    assert f"{file}:3: " in ended.err


@given(st.text(max_size=30), st.text(max_size=20))
def test_any_text_has_times_or_a_refusal(text: str, zone: str) -> None:
    """Nothing that a user types ends in a traceback."""
    schedule = Schedule.model_construct(cron=text, time_zone=zone, engine="Auto", fixed_rate=None)
    found = find_times(schedule, EPOCH, 2)
    assert isinstance(found, Times) or found
