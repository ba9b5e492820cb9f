"""The kickoff input: the one that gets the time of the slot that starts the run."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.durations import parse_go_duration
from launchplan_operator.api.mending import Fix, join_fixes, set_field
from launchplan_operator.api.schedule import Schedule
from launchplan_operator.api.types import NONE, SCALARS, Type, TypeProblem, UnionOf, parse_type
from launchplan_operator.api.workflow import InputParameter
from launchplan_operator.decide.inputs import Bindings, listed, nearest_name, unbound_inputs
from launchplan_operator.decide.samples import example_value

_PATH: Final = "spec.schedule.kickoffTimeInput"
_SOME_SLOT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_DATETIME: Final = SCALARS["datetime"]


def kickoff_value(schedule: Schedule, slot: datetime) -> str:
    """Return the value of the kickoff input at a slot: the slot's own time, with the offset and without its jitter.

    It is an RFC 3339 text in UTC, with as much of a fraction as the offset has.
    """
    offset = parse_go_duration(schedule.kickoff_time_offset or "0s") or timedelta(0)
    text = (slot.astimezone(UTC) + offset).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def slot_inputs(schedule: Schedule, slot: datetime) -> dict[str, str]:
    """Return the inputs that a slot gives, as a caller gives others: the kickoff input, if there is one."""
    name = schedule.kickoff_time_input
    return {name: kickoff_value(schedule, slot)} if name is not None else {}


def sample_slot_inputs(schedule: Schedule) -> dict[str, str]:
    """Return the inputs that some slot gives, as long as any other slot's."""
    return slot_inputs(schedule, _SOME_SLOT)


def check_kickoff(schedule: Schedule, parameters: Sequence[InputParameter], bindings: Bindings) -> Iterator[Finding]:
    """Yield what keeps the kickoff input from getting the slot's time: it must be a free input of type datetime."""
    name = schedule.kickoff_time_input
    if name is None:
        return
    parameter = next((each for each in parameters if each.name == name), None)
    if parameter is None:
        yield _unknown(name, parameters, bindings)
    elif not takes_instant(parameter):
        yield _wrong_type(parameter, parameters, bindings)
    elif name in bindings.fixed:
        message = f"found {name!r}, which the plan fixes, expected a free input: at each slot it gets another value"
        fix = set_field(None, "spec", "fixedInputs", name)
        yield Finding(Reason.KickoffFixed, message, _PATH, f"remove spec.fixedInputs.{name}", fix=fix)


def kickoff_names(schedule: Schedule, parameters: Sequence[InputParameter], bindings: Bindings) -> set[str]:
    """Return the inputs that need no other value at a slot: the one that is named, or was probably meant by the name."""
    name = schedule.kickoff_time_input
    return {name, _meant(name, parameters, bindings) or name} if name is not None else set()


def takes_instant(parameter: InputParameter) -> bool:
    """Tell whether an input is a datetime, or an optional one."""
    declared = parse_type(parameter.type)
    return not isinstance(declared, TypeProblem) and _is_instant(declared)


def _is_instant(declared: Type) -> bool:
    return declared == _DATETIME or (isinstance(declared, UnionOf) and declared.variants == (_DATETIME, NONE))


def _unknown(name: str, parameters: Sequence[InputParameter], bindings: Bindings) -> Finding:
    meant = _meant(name, parameters, bindings)
    known = listed([each.name for each in parameters])
    message = f"found {name!r}, which the workflow does not declare, expected one of its inputs; it declares {known}"
    return Finding(Reason.KickoffUnknown, message, _PATH, _hint(meant), fix=_name(meant))


def _wrong_type(parameter: InputParameter, parameters: Sequence[InputParameter], bindings: Bindings) -> Finding:
    meant = _meant(parameter.name, parameters, bindings)
    message = f"found {parameter.name!r}, which is of type {parameter.type}, expected one of type datetime"
    fix = join_fixes((_name(meant), _bind(parameter, parameters, bindings)))
    return Finding(Reason.KickoffWrongType, message, _PATH, _hint(meant), fix=fix)


def _meant(name: str, parameters: Sequence[InputParameter], bindings: Bindings) -> str | None:
    """Return the free datetime input of the nearest name, or the only one that there is; itself, if it is one."""
    free = [each.name for each in parameters if takes_instant(each) and each.name not in bindings.fixed]
    return nearest_name(name, free) or (free[0] if len(free) == 1 else None)


def _hint(meant: str | None) -> str:
    return f"did you mean {meant!r}?" if meant is not None else "no free input is of type datetime"


def _name(meant: str | None) -> Fix:
    """Return the fix that names another input, or none, which leaves nothing to move by an offset."""
    gone = {} if meant is not None else {"kickoffTimeOffset": None}
    return set_field({"kickoffTimeInput": meant} | gone, "spec", "schedule")


def _bind(parameter: InputParameter, parameters: Sequence[InputParameter], bindings: Bindings) -> Fix | None:
    """Return the fix that gives an input, which gets no slot's time, the value that it then needs."""
    declared = parse_type(parameter.type)
    if isinstance(declared, TypeProblem) or parameter.name not in unbound_inputs(parameters, bindings):
        return None
    return set_field(example_value(declared), "spec", "defaultInputs", parameter.name)
