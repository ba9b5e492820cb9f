"""Hypothesis strategies that several unit tests share: typed values, interfaces with bindings, instants, templates."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from launchplan_operator.api.types import format_go_duration
from launchplan_operator.api.workflow import InputParameter
from launchplan_operator.decide.inputs import Bindings
from tests.unit.type_strategies import ADDRESSES

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
JSON: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - aware by timezones
    lambda instant: instant.replace(microsecond=0)
)
#: Values that fit, by type text.
VALUES: Mapping[str, SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-1000, 1000),
    "string": TEXTS,
    "boolean": st.booleans(),
    "datetime": INSTANTS.map(lambda instant: instant.isoformat()),
    "duration": st.integers(0, 10**6).map(lambda seconds: format_go_duration(timedelta(seconds=seconds))),
    "struct": st.dictionaries(TEXTS, JSON, max_size=3),
    "binary": st.binary(max_size=8).map(lambda raw: base64.b64encode(raw).decode()),
    "enum[red, green]": st.sampled_from(["red", "green"]),
    "blob[csv]": ADDRESSES,
    "dataset[id: integer]": ADDRESSES,
    "list[float]": st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9), max_size=3),
    "map[list[string]]": st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2), max_size=3),
    "optional[integer]": st.none() | st.integers(-9, 9),
    "union[integer, string, none]": st.none() | st.integers(-9, 9) | TEXTS,
}
#: Places of a JobSpec that we extend, any of which a person may write in any shape.
JUNK = JSON | st.lists(st.dictionaries(st.sampled_from(["name", "mountPath", "env"]), JSON, max_size=3), max_size=3)


@dataclass(frozen=True, slots=True)
class Call:
    """An interface, what a plan binds of it, and values by which a caller may run it."""

    parameters: tuple[InputParameter, ...]
    bindings: Bindings
    caller: Mapping[str, Any]


@st.composite
def calls(draw: DrawFn) -> Call:
    """Draw a call that is valid: fixed inputs are left alone and required ones are given."""
    names = draw(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6))
    kinds = {name: draw(st.sampled_from(sorted(VALUES))) for name in names}
    values = {name: VALUES[kind] for name, kind in kinds.items()}
    fixed = {name: draw(values[name]) for name in names if draw(st.booleans())}
    defaults = {name: draw(values[name]) for name in names if name not in fixed and draw(st.booleans())}
    parameters = tuple(draw(_parameter(name, kinds[name])) for name in names)
    needed = {p.name for p in parameters if p.required and p.name not in fixed | defaults}
    free = [name for name in names if name not in fixed]
    caller = {name: draw(values[name]) for name in free if name in needed or draw(st.booleans())}
    return Call(parameters, Bindings(defaults, fixed), caller)


@st.composite
def job_templates(draw: DrawFn) -> dict[str, Any]:
    """Draw a JobSpec in which any place may have a wrong shape, but often none has."""
    container = st.fixed_dictionaries({"name": st.just("main")}, optional={"env": JUNK, "volumeMounts": JUNK})
    pod = st.fixed_dictionaries(
        {"containers": st.lists(container, min_size=1, max_size=2) | JUNK},
        optional={
            "initContainers": st.lists(container, max_size=1) | JUNK,
            "volumes": JUNK,
            "nodeSelector": JUNK,
            "tolerations": JUNK,
        },
    )
    metadata = st.fixed_dictionaries({}, optional={"labels": JSON, "annotations": JSON})
    template = st.fixed_dictionaries({"spec": pod | JSON}, optional={"metadata": metadata | JSON})
    job = st.fixed_dictionaries({}, optional={"template": template | JSON, "completions": JSON})
    return draw(job)


@st.composite
def _parameter(draw: DrawFn, name: str, kind: str) -> InputParameter:
    fields: dict[str, Any] = {"name": name, "type": kind}
    if draw(st.booleans()):
        fields["default"] = draw(VALUES[kind])
    return InputParameter.model_validate(fields)
