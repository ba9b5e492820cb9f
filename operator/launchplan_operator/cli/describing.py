"""The layout of descriptions: titles in one column, sections with a heading."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from launchplan_operator.cli.outcomes import value_text
from launchplan_operator.cli.output import format_table, visible


def titled(facts: Iterable[tuple[str, str]]) -> str:
    """Return one line for each fact that is not empty, the facts below each other."""
    lines = [(f"{title}:", text) for title, text in facts if text]
    width = max((len(title) for title, _ in lines), default=0)
    return "".join(f"{title.ljust(width)}  {visible(text)}\n" for title, text in lines)


def section(heading: str, text: str) -> str:
    """Return a section, or nothing if there is nothing in it."""
    indented = "".join(f"  {line}\n" for line in visible(text).splitlines())
    return f"\n{heading}:\n{indented}" if text else ""


def inputs_table(parameters: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of inputs: name, type, and whether a value must be given."""
    rows = [
        (
            each["name"],
            each["type"],
            "required" if each.get("required") else f"default {value_text(each.get('default'))}",
        )
        for each in parameters
    ]
    return format_table(("name", "type", "value"), rows) if rows else ""


def state_text(obj: Mapping[str, Any]) -> str:
    """Return the reason and the message of an object's Ready condition, and whether they are of an older spec."""
    status = obj.get("status") or {}
    ready = condition(status, "Ready")
    if ready is None:
        return "Unseen: the operator has not looked at it yet; is it running?"
    behind = status.get("observedGeneration") != obj["metadata"].get("generation")
    late = " (of an older spec: the operator has not looked at the present one yet)" if behind else ""
    return f"{ready['reason']}: {ready['message']}{late}" if ready.get("message") else f"{ready['reason']}{late}"


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """Return a condition, or None."""
    return next((each for each in status.get("conditions") or () if each["type"] == kind), None)
