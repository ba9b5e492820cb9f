"""A plan in words: its state and why, its versions, what a caller may pass, when it fires next, and what became of its slots."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from launchplan_operator.cli.describing import inputs_table, section, state_text, titled
from launchplan_operator.cli.outcomes import value_text
from launchplan_operator.cli.output import format_table
from launchplan_operator.cli.slots import MAX_SLOTS, SlotOutcome, timetable_of
from launchplan_operator.decide.instants import instant_text, to_instant
from launchplan_operator.kube.transport import Object

#: How many runs under way are named.
MAX_NAMES: Final = 10
#: The namespaces of which references are allowed, beside the plan's own.
_ALLOWED: Final = {
    "Same": "this namespace alone",
    "All": "every namespace",
    "Names": "{names}",
    "Selector": "namespaces that spec.allowReferencesFrom.selector chooses",
}


def describe_plan(plan: Object, slots: Sequence[SlotOutcome], now: datetime, hours: float) -> str:
    """Return the description of a plan."""
    status = plan.get("status") or {}
    interface = status.get("interface") or {}
    return (
        titled(_facts(plan, status))
        + section("Inputs a caller may pass", inputs_table(interface.get("parameters") or ()))
        + section("Fixed inputs", titled(_texts(interface.get("fixedInputs") or {})))
        + section("Referred to by", _referrers_text(status.get("references") or {}))
        + section("Latest decisions about other runs", _decisions_text(status.get("decisions") or ()))
        + section(f"Slots of the last {hours:g} h", _slots_text(status.get("schedule") or {}, slots, now, hours))
    )


def _facts(plan: Object, status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    spec, schedule = plan["spec"], status.get("schedule") or {}
    yield "Plan", f"{plan['metadata']['name']} (namespace {plan['metadata']['namespace']})"
    yield "State", state_text(plan)
    yield "Workflow", spec["workflowRef"]["name"]
    yield "Version", _version(status)
    yield "Schedule", str(schedule.get("text") or "none: it runs by hand alone")
    yield "Next", ", ".join(schedule.get("nextTimes") or ()) or "never"
    for warning in schedule.get("warnings") or ():
        yield "Warning", warning
    yield "Running", str(status.get("running") or 0)
    yield "Limit", _limit(spec.get("concurrency") or {}, status.get("concurrency"))
    yield "References", _references(spec.get("allowReferencesFrom") or {}, status.get("references") or {})
    yield "Counts", ", ".join(f"{name} {count}" for name, count in (status.get("counts") or {}).items() if count)


def _version(status: Mapping[str, Any]) -> str:
    active, latest = status.get("activeVersion"), status.get("latestVersion")
    if not latest:
        return "none yet"
    if active == latest:
        return f"{active}, active and the latest"
    return f"{active} is active, {latest} is the latest" if active else f"none is active, {latest} is the latest"


def _limit(limit: Mapping[str, Any], ledger: Mapping[str, Any] | None) -> str:
    """Return how many runs may be under way at once, and who is and who waits by the ledger."""
    if not limit:
        return ""
    rule = f"{limit['max']} at once, {limit.get('behavior') or 'Skip'}"
    if ledger is None:
        return f"{rule}; not in force yet"
    names = [str(seat["name"]) for seat in ledger.get("running") or ()]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    who = f": {', '.join(names[:MAX_NAMES])}{more}" if names else ""
    hold = f"; none starts before {ledger['holdUntil']}" if ledger.get("holdUntil") else ""
    return f"{rule}; under way {len(names)}{who}; waiting {ledger.get('queued') or 0}{hold}"


def _references(consent: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Return whose references the plan allows, and how many there are; nothing where neither says more than usual."""
    allowed = _ALLOWED[consent.get("from") or "Same"].format(names=", ".join(consent.get("names") or ()))
    if not found:
        return f"allowed from {allowed}" if consent.get("from") not in (None, "Same") else ""
    refused = f", {found['refused']} of them refused" if found.get("refused") else ""
    return f"{found['count']}{refused}; allowed from {allowed}"


def _referrers_text(found: Mapping[str, Any]) -> str:
    rows = [
        (f"{each['namespace']}/{each['name']}", "yes" if each["allowed"] else "no") for each in found.get("from") or ()
    ]
    more = found.get("count", 0) - len(rows)
    return format_table(("reference", "allowed"), rows) + (f"and {more} more\n" if more else "") if rows else ""


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((name, value_text(value)) for name, value in values.items())


def _slots_text(schedule: Mapping[str, Any], slots: Sequence[SlotOutcome], now: datetime, hours: float) -> str:
    rows = [(instant_text(each.slot), each.outcome, each.run, _why(each)) for each in slots]
    table = format_table(("slot", "outcome", "run", "why"), rows) if rows else ""
    return table + "".join(f"{note}\n" for note in _notes(schedule, slots, now, hours))


def _decisions_text(decisions: Sequence[Mapping[str, Any]]) -> str:
    """Return what was decided of runs that are no slots'; those stand among the slots."""
    fields = ("time", "outcome", "execution")
    rows = [
        (*(str(each.get(field) or "") for field in fields), f"{each['reason']}: {each['message']}")
        for each in decisions
        if not each.get("slot")
    ]
    return format_table(("time", "outcome", "run", "why"), rows) if rows else ""


def _why(slot: SlotOutcome) -> str:
    return f"{slot.reason}: {slot.message}" if slot.reason and slot.message else slot.reason or slot.message


def _notes(schedule: Mapping[str, Any], slots: Sequence[SlotOutcome], now: datetime, hours: float) -> Iterator[str]:
    if not schedule.get("text"):
        yield "There is no schedule."
    elif timetable_of(schedule) is None:
        yield "No slot comes now: see the state above."
    elif schedule.get("since") and (now - to_instant(schedule["since"])).total_seconds() < hours * 3600:
        yield f"The schedule counts since {schedule['since']}; of earlier slots only those are known that left a run."
    elif not slots:
        yield "None came."
    if len(slots) == MAX_SLOTS:
        yield f"Only the latest {MAX_SLOTS} are shown."
