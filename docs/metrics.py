"""The reference page of the metrics, from their definitions, and of the alerts, from the chart's file."""

# ruff: noqa: INP001 - a folder of pages is no package

from collections.abc import Mapping, Sequence
from typing import Any

from launchplan_operator.observe.catalogue import CATALOGUE, MAX_NAMESPACES, OTHER_NAMESPACES, Definition

_INTRO = """What `/metrics` of each pod shows, on the port of `/livez` and `/readyz`. Of gauges the greatest of all pods counts,
since every one of them knows how plans and runs stand; counters are to be added up, since only the one that leads decides
anything. No label holds the name of a plan or of a run; a namespace's name stands there for the first {namespaces} namespaces
that have something to tell (a setting), and `{others}` for all that come later."""
_DECIDED = """A decision is counted when the write of the status that holds it was done: a write that met another one and was
made again counts once. Of a write whose answer was lost nothing is counted, and a process that starts begins at 0: the exact
numbers are the plans' own, in `status.counts`."""


def render_metrics(alerts: Sequence[Mapping[str, Any]]) -> str:
    """Return the page; `alerts` are the rules of the chart."""
    domain = [each for each in CATALOGUE if not each.source]
    shared = [each for each in CATALOGUE if each.source]
    intro = _INTRO.format(namespaces=MAX_NAMESPACES, others=OTHER_NAMESPACES)
    parts = ["# Metrics", intro, "## Of launch plans", _DECIDED, _table(domain)]
    parts += ["## Under the names that others have, too", _table(shared)]
    parts += ["## Alerts", *map(_alert, alerts)]
    return "\n\n".join(parts) + "\n"


def _table(definitions: Sequence[Definition]) -> str:
    rows = [_row(f"`{each.name}`", each.type, _labels(each), _meaning(each)) for each in definitions]
    return "\n".join(["| Metric | Type | Labels | Meaning |", "|---|---|---|---|", *rows])


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _labels(definition: Definition) -> str:
    pairs = zip(definition.labels, definition.values, strict=True)
    return "; ".join(f"`{label}`: {values}" for label, values in pairs)


def _meaning(definition: Definition) -> str:
    bounds = f" Bounds: {', '.join(f'{each:g}' for each in definition.buckets)}." if definition.buckets else ""
    source = f" Named as in {definition.source}." if definition.source else ""
    return f"{definition.help}{bounds}{source}"


def _alert(rule: Mapping[str, Any]) -> str:
    held = f"For {rule['for']}. " if "for" in rule else ""
    told = rule["annotations"]
    lines = [f"### {rule['alert']}", f"{held}Severity {rule['labels']['severity']}.", told["runbook"]]
    return "\n\n".join([*lines, f"Fires while `{rule['expr']}`."])
