"""What `kubectl describe` tells somebody at night of a run or a slot that did not go as they thought.

`UPDATE=1` writes the files below docs/generated/sights, which the reference quotes.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from launchplan_operator.api.kinds import Kind
from localcluster.cluster import LocalCluster
from localcluster.operated import OperatorProcess
from tests.cluster.conftest import MakeSpace
from tests.cluster.describing import describe, without_chance
from tests.cluster.sights import PATIENCE, SIGHTS, Sight
from tests.cluster.support import Object, Space

GOLDEN = Path(__file__).parents[2] / "docs" / "generated" / "sights"


def see(sight: Sight, space: Space) -> tuple[str, str]:
    """Bring it about; returns what is shown of it, and the message."""
    sight.cause(space)
    messages = [_message(space, sight, *place) for place in sight.shown]
    shown = [_shown(space, sight, *place) for place in sight.shown]
    return without_chance("\n".join(shown)), messages[0]


def _message(space: Space, sight: Sight, kind: Kind, name: str, section: str) -> str:
    """Wait until it is told."""

    def told(obj: Object) -> list[str]:
        entries = (obj.get("status") or {}).get(section.lower()) or ()
        found = [str(each["message"]) for each in entries if each["reason"] == sight.reason]
        return [message for message in found if sight.words[0] in message]

    return told(space.until(kind, name, told, PATIENCE))[0]


def _shown(space: Space, sight: Sight, kind: Kind, name: str, section: str) -> str:
    # A plan of every minute has more to tell soon.
    return describe(space, kind, name, section, only=sight.words[0] if section == "Decisions" else "")


@pytest.fixture(scope="module")
def seen(
    cluster: LocalCluster, new_space: MakeSpace, operator: OperatorProcess
) -> Iterator[dict[str, Future[tuple[str, str]]]]:
    """All come about beside each other, as some take a minute."""
    assert operator.is_ready()

    def look(sight: Sight, space: Space) -> tuple[str, str]:
        with closing(cluster.api()) as api:
            return see(sight, replace(space, api=api))

    spaces = {sight.file: new_space() for sight in SIGHTS}
    with ThreadPoolExecutor(len(SIGHTS)) as pool:
        yield {sight.file: pool.submit(look, sight, spaces[sight.file]) for sight in SIGHTS}


@pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.file)
def test_it_is_told_what_happened_and_what_to_do(sight: Sight, seen: dict[str, Future[tuple[str, str]]]) -> None:
    """The description is the golden one, and its message names the setting and what is left to do."""
    shown, message = seen[sight.file].result()
    golden = GOLDEN / f"{sight.file}.txt"
    if os.environ.get("UPDATE") == "1":
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")
    assert [word for word in sight.words if word not in message] == [], message


def test_no_golden_is_left_over() -> None:
    """A sight that goes takes its file with it."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {sight.file for sight in SIGHTS}
