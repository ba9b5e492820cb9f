"""A reference in words: the plan that it names, whether that fits, and what runs through it pass and get."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from launchplan_operator.cli.describing import condition, section, state_text, titled
from launchplan_operator.cli.output import format_table
from launchplan_operator.kube.transport import Object


def describe_reference(reference: Object) -> str:
    """Return the description of a reference."""
    spec, status = reference["spec"], reference.get("status") or {}
    resolved = status.get("resolved") or {}
    return (
        titled(_facts(reference, status))
        + section("Inputs a run may give", _inputs_table(spec.get("inputs") or (), resolved))
        + section("Outputs that are relied on", _outputs_table(spec.get("outputs") or ()))
    )


def _facts(reference: Object, status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    spec, metadata = reference["spec"], reference["metadata"]
    namespace = spec.get("namespace") or f"{spec.get('project')}-{spec.get('domain')}"
    yield "Reference", f"{metadata['name']} (namespace {metadata['namespace']})"
    yield "State", state_text(reference)
    yield "Plan", f"{spec['name']} (namespace {namespace})"
    yield "Version", str(spec.get("version") or "the active one")
    yield "Stands for", _resolved_text(status)


def _resolved_text(status: Mapping[str, Any]) -> str:
    resolved = status.get("resolved")
    if not resolved:
        return ""
    is_well = (condition(status, "Ready") or {}).get("status") == "True"
    return f"version {resolved['version']}{'' if is_well else ', when all was well the last time'}"


def _inputs_table(declared: Sequence[Mapping[str, Any]], resolved: Mapping[str, Any]) -> str:
    """Return a table of inputs: name, type, and whether the plan needs a value, where that is known."""
    needs = {each["name"]: "required" if each["required"] else "optional" for each in resolved.get("inputs") or ()}
    rows = [(each["name"], each["type"], needs.get(each["name"], "")) for each in declared]
    return format_table(("name", "type", "value"), rows) if rows else ""


def _outputs_table(declared: Sequence[Mapping[str, Any]]) -> str:
    return format_table(("name", "type"), [(each["name"], each["type"]) for each in declared]) if declared else ""
