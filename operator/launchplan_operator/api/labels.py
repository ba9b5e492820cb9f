"""Labels and annotations that a manifest asks for: what Kubernetes takes, and what the operator keeps to itself."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from launchplan_operator.api.conditions import Reason
from launchplan_operator.api.model import LABEL_VALUE_PATTERN, MAX_NAME, NAME_PATTERN, rule, rules

MAX_LABELS: Final = 32
#: A key of our domain, or of one below it.
_OWN_KEY: Final = "^([^/]*[.])?launchplan[.]dev/"
_KEY_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_KEY_EXPECTED: Final = "expected a name of letters, digits, -, _ and ., perhaps after a DNS name and a /"
_OWN_EXPECTED: Final = "keys of launchplan.dev are the operator's own"


def _no_key(predicate: str, expected: str) -> JsonDict:
    found = f"'found the key ' + self.filter(k, {predicate})[0] + \": {expected}\""
    return rule(f"!self.exists(k, {predicate})", expected, found)


# Stated twice, here and in _check_keys: the API server lets what was stored before a rule pass, as long as it stays.
_RULES = rules(
    _no_key("format.qualifiedName().validate(k).hasValue()", _KEY_EXPECTED),
    _no_key(f"k.matches('{_OWN_KEY}')", _OWN_EXPECTED),
)


def usable(values: Mapping[str, str] | None) -> dict[str, str]:
    """Return the labels or annotations of a spec whose keys Kubernetes takes and that are not the operator's own.

    A spec that was stored before the rules may hold others, with which nothing could be made.
    """
    return {key: value for key, value in (values or {}).items() if _is_qualified(key) and not re.match(_OWN_KEY, key)}


def _check_keys(values: dict[str, str]) -> dict[str, str]:
    for key in values:
        if not _is_qualified(key):
            raise PydanticCustomError(Reason.LabelInvalid.value, "key {key}: " + _KEY_EXPECTED, {"key": repr(key)})
        if re.match(_OWN_KEY, key):
            raise PydanticCustomError(Reason.LabelInvalid.value, "key {key}: " + _OWN_EXPECTED, {"key": repr(key)})
    return values


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and not (len(prefix) <= MAX_NAME and re.fullmatch(NAME_PATTERN, prefix)):
        return False
    return _KEY_NAME.fullmatch(name) is not None


LabelValue = Annotated[str, StringConstraints(max_length=63, pattern=LABEL_VALUE_PATTERN)]
AnnotationValue = Annotated[str, StringConstraints(max_length=4096)]
Labels = Annotated[
    dict[str, LabelValue], Field(max_length=MAX_LABELS, json_schema_extra=_RULES), AfterValidator(_check_keys)
]
Annotations = Annotated[
    dict[str, AnnotationValue], Field(max_length=MAX_LABELS, json_schema_extra=_RULES), AfterValidator(_check_keys)
]
