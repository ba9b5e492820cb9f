"""What `kubectl describe` shows of an object, without what differs from time to time."""

import re

from launchplan_operator.api.kinds import Kind
from launchplan_operator.api.mending import SHORT_NAMES
from tests.cluster.support import Space

_VOLATILE = re.compile(r"\s*(Last Transition Time|Observed Generation|Time):")
_INSTANT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_SLOT = re.compile(r"\bdaily-\d{8}\b")
_POD = re.compile(r"\b(first|by-hand)-[a-z0-9]{5}\b")


def describe(space: Space, kind: Kind, name: str, section: str = "Conditions", only: str = "") -> str:
    """Return a section of an object's status as `kubectl describe` shows it, in the namespace `demo`.

    Args:
        space: where the object is.
        kind: its kind.
        name: its name.
        section: of the status.
        only: of a list of decisions the first with this text alone.
    """
    short = SHORT_NAMES[kind.kind]
    lines = space.kubectl("describe", short, name).splitlines()
    start = lines.index(f"  {section}:")
    end = next((place for place, line in enumerate(lines) if place > start and not line.startswith("    ")), len(lines))
    entries = _only(lines[start + 1 : end], only) if only else lines[start + 1 : end]
    kept = [line.rstrip() for line in (lines[start], *entries) if not _VOLATILE.match(line)]
    text = "\n".join([f"$ kubectl describe {short} {name}", "Status:", *kept]) + "\n"
    return text.replace(space.namespace, "demo")


def _only(lines: list[str], words: str) -> list[str]:
    """Return the lines of the first decision with these words; the time is each one's last line."""
    entry: list[str] = []
    for line in lines:
        entry.append(line)
        if not line.lstrip().startswith("Time:"):
            continue
        if any(words in each for each in entry):
            return entry
        entry = []
    raise AssertionError(f"no decision with {words!r} in:\n" + "\n".join(lines))


def without_chance(text: str) -> str:
    """Return a description in which every instant is one, as is every slot, and every pod of a name."""
    text = _SLOT.sub("daily-29453880", _INSTANT.sub("2026-01-01T02:00:00Z", text))
    return _POD.sub(r"\1-x7k2p", text)
