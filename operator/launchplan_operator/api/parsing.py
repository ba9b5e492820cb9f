"""From a stored object to a model, or to the findings that say why it is none."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import edit_object
from launchplan_operator.api.misfits import describe_value
from launchplan_operator.api.model import Model

M = TypeVar("M", bound=Model)
_REASONS = {reason.value: reason for reason in Reason}
#: How pydantic begins a sentence about what was expected.
_EXPECTED = "Input should be "


def parse_spec(model: type[M], obj: Mapping[str, Any]) -> M | tuple[Finding, ...]:
    """Return the model of a whole object's `spec`, or one finding for each place where it does not fit.

    The API server's schema lets nothing through that does not fit, but a spec that was stored under an older schema
    stays as it was.
    """
    try:
        return model.model_validate(obj.get("spec"))
    except ValidationError as error:
        return tuple(_finding(details) for details in error.errors(include_url=False))


def _finding(details: ErrorDetails) -> Finding:
    reason = _REASONS.get(details["type"], Reason.InvalidSpec)
    return Finding(reason, _message(details), _path(details["loc"]), fix=edit_object())


def _message(details: ErrorDetails) -> str:
    if details["type"] == "missing":
        return "found nothing, expected a value"
    if details["type"] == "value_error":
        # A rule over several fields, in our own words: the value as a whole tells nothing.
        return str(details["ctx"]["error"])
    found = f"found {describe_value(details['input'])}"
    text = details["msg"]
    if text.startswith(_EXPECTED):
        return f"{found}, expected {text.removeprefix(_EXPECTED)}"
    return f"{found}: {text[:1].lower()}{text[1:]}"


def _path(location: tuple[int | str, ...]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
