"""Random cron texts, put to the very parser that Kubernetes uses: taken or refused alike, and firing at the same times.

Both sides read the same time zone data. No instant lies before 2012: where a zone left out a whole day, as Samoa and
Tokelau did at the end of 2011, Kubernetes' walk never ends.
"""

import json
import os
import random
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from launchplan_operator.decide.cron import Cron, CronError, next_after, parse_cron
from launchplan_operator.decide.cron_zones import clock_changes, find_zone, zone_names
from localcluster.build import build
from localcluster.toolsets import CRONPARSER

Ask = Callable[[Iterable["Question"]], list[dict[str, Any]]]

FIRST, LAST = datetime(2012, 1, 2, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
#: Zones in which the walk has its oddities, or the clock its own: asked for as often as all the others together.
ODD_ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/Santiago",
    "America/Sao_Paulo",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, MONTHS), (0, 6, WEEKDAYS))
WRONG = ("", "x", "7", "8", "60", "+5", "007", "-1", "1.5", "L", "W", "H", "FR\u0130", "1_0", "9" * 19, "9" * 20)
STEPS = ("1", "2", "3", "5", "7", "10", "15", "30")
WRONG_STEPS = ("0", "00", "+2", "-1", "", "x", "61", "9" * 19, "9" * 20, "2/2")
WHOLE = (
    *("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"),
    *(
        "@Daily",
        " @daily",
        "@daily ",
        "@reboot",
        "@every",
        "@every ",
        "TZ=UTC 0 9 * * *",
        "CRON_TZ=x * * * * *",
        "TZ=0",
    ),
)
DURATIONS = (
    *(
        "1h",
        "90s",
        "1.5h",
        ".5h",
        "1.h",
        ".h",
        "0",
        "5",
        "1d",
        "1h30m10.7s",
        "1h 2m",
        "500ms",
        "1us",
        "1\u00b5s",
        "1\u03bcs",
    ),
    *("2562047h47m16.854775807s", "2562047h47m16.854775808s", "9999999h", "0.33333333333333333333333333h", "0.1s0.9s"),
)
BLANKS = (*(" ",) * 40, "  ", "\t", "\u00a0", "\u2003", "\x1c", "\n")


@dataclass(frozen=True, slots=True)
class Question:
    """One line to the parser: a text in a zone, an instant, and how many of the next times are asked for."""

    text: str
    zone: str = "UTC"
    after: str = "2026-01-01T00:00:00Z"
    count: int = 4


@pytest.fixture(scope="session")
def ask() -> Ask:
    """Puts questions to the parser; the answers come in the same order."""
    program = build(CRONPARSER, print) / "cronparser"
    environment = os.environ | {"ZONEINFO": str(Path(str(files("tzdata"))) / "zoneinfo")}

    def put(questions: Iterable[Question]) -> list[dict[str, Any]]:
        lines = "\n".join(json.dumps(asdict(question)) for question in questions)
        done = subprocess.run(
            [program], input=lines, capture_output=True, text=True, env=environment, timeout=60, check=True
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return put


def chance(rng: random.Random, share: float) -> bool:
    """Return true in a share of cases."""
    return rng.random() < share


def some_item(rng: random.Random, low: int, high: int, words: tuple[str, ...]) -> str:
    """Return one item of a field's list, now and then a wrong one."""

    def value() -> str:
        if words and chance(rng, 0.2):
            return rng.choice([str.upper, str.lower, str.title])(rng.choice(words))
        return rng.choice(WRONG) if chance(rng, 0.02) else str(rng.randint(low, high))

    kind = rng.random()
    first, last = rng.randint(low, high), rng.randint(low, high)
    spans = f"{min(first, last)}-{max(first, last)}" if chance(rng, 0.95) else f"{value()}-{value()}"
    base = rng.choice("*?") if kind < 0.35 else value() if kind < 0.75 else spans
    if kind < 0.01:
        base += f"-{value()}"
    if chance(rng, 0.7):
        return base
    return f"{base}/{rng.choice(WRONG_STEPS if chance(rng, 0.05) else STEPS)}"


def some_field(rng: random.Random, low: int, high: int, words: tuple[str, ...]) -> str:
    """Return the text of one field, now and then an empty list."""
    if chance(rng, 0.005):
        return rng.choice([",", ",,"])
    return ",".join(some_item(rng, low, high, words) for _ in range(rng.choice([1, 1, 1, 1, 2, 3])))


def some_text(rng: random.Random) -> str:
    """Return a cron text, good or nearly."""
    if chance(rng, 0.03):
        return rng.choice(WHOLE)
    if chance(rng, 0.03):
        return f"@every {rng.choice(['', '', '-', '+'])}{rng.choice(DURATIONS)}"
    fields = [some_field(rng, *field) for field in FIELDS]
    if chance(rng, 0.02):
        fields = fields[1:] if chance(rng, 0.5) else [*fields, "*"]
    return rng.choice(BLANKS).join(fields)


@cache
def changes_of(zone: str) -> list[datetime]:
    """Return the instants at which a zone's clock changes."""
    clock = find_zone(zone)
    assert clock is not None
    return [change.at for change in clock_changes(clock, FIRST + timedelta(days=41), LAST)]


def some_question(rng: random.Random, zones: list[str]) -> Question:
    """Return a question about an instant that is near a change of the zone's clock more often than not."""
    zone = rng.choice(zones if chance(rng, 0.5) else ODD_ZONES)
    after = FIRST + timedelta(seconds=rng.randrange(int((LAST - FIRST).total_seconds())))
    changes = changes_of(zone)
    if changes and chance(rng, 0.8):
        after = rng.choice(changes) + timedelta(seconds=rng.randint(-86_400 * rng.choice([1, 1, 40]), 86_400))
    return Question(some_text(rng), zone, f"{after:%Y-%m-%dT%H:%M:%SZ}")


def own_times(cron: Cron, question: Question) -> list[str]:
    """Return what we say the next times are."""
    clock = find_zone(question.zone)
    assert clock is not None

    def walk() -> Iterable[datetime]:
        at = next_after(cron, clock, datetime.fromisoformat(question.after))
        while at:
            yield at
            at = next_after(cron, clock, at)

    return [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in islice(walk(), question.count)]


@pytest.mark.parametrize("seed", range(4))
def test_random_texts_mean_what_they_mean_to_kubernetes(ask: Ask, seed: int) -> None:
    """Taken or refused alike, and with the same times; so is the normal form of what is taken."""
    rng = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    zones = rng.sample(sorted(zone_names()), 20)
    questions = [some_question(rng, zones) for _ in range(2500)]
    taken = 0
    for question, answer in zip(questions, ask(questions), strict=True):
        cron = parse_cron(question.text)
        assert isinstance(cron, Cron) == answer["ok"], (question, cron, answer)
        if isinstance(cron, CronError):
            continue
        taken += 1
        if cron.every:
            # A rate has no phase of its own: only its period is the same.
            first = datetime.fromisoformat(answer["times"][0]) - datetime.fromisoformat(question.after)
            assert first == cron.every, (question, answer)
            continue
        normal = parse_cron(cron.text)
        assert isinstance(normal, Cron), (question, cron.text)
        assert own_times(cron, question) == answer["times"], question
        assert own_times(normal, question) == answer["times"], (question, cron.text)
    assert 1500 < taken < 2400


def test_normal_forms_are_taken_by_kubernetes_and_mean_the_same(ask: Ask) -> None:
    """What a CronJob gets is the normal form, so Kubernetes must read it as the text that the user wrote."""
    rng = random.Random(4)  # noqa: S311 - to be repeated, not to be secret
    asked = [some_question(rng, ["UTC"]) for _ in range(1500)]
    crons = [(question, parse_cron(question.text)) for question in asked]
    pairs = [
        (question, Question(cron.text, question.zone, question.after))
        for question, cron in crons
        if isinstance(cron, Cron) and cron.can_fire and not cron.every
    ]
    written, normal = ask(question for question, _ in pairs), ask(question for _, question in pairs)
    assert len(pairs) > 700
    for pair, one, other in zip(pairs, written, normal, strict=True):
        assert one == other, pair


def test_every_zone_of_ours_is_one_that_kubernetes_takes(ask: Ask) -> None:
    """And has the same clock: noon in every month of a year."""
    questions = [Question("0 12 1 * *", zone, count=12) for zone in sorted(zone_names())]
    for question, answer in zip(questions, ask(questions), strict=True):
        cron = parse_cron(question.text)
        assert isinstance(cron, Cron)
        assert answer["ok"], (question, answer)
        assert own_times(cron, question) == answer["times"], question


@pytest.mark.parametrize(
    "zone", ["", "Local", "local", "..", "Europe/../UTC", "Mars/Base", "Europe/", "/UTC", "-UTC", "UTC\n"]
)
def test_a_zone_that_kubernetes_refuses_is_none_of_ours(ask: Ask, zone: str) -> None:
    """So no CronJob of ours is refused for its zone."""
    (answer,) = ask([Question("0 12 * * *", zone)])
    assert not answer["ok"]
    assert find_zone(zone) is None
