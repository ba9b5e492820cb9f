"""Structural schemas: pruning, defaults and validation as the API server does them for custom resources (CEL apart)."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from launchplan_operator.api.kinds import Kind
from tests.fake.resources import Resource
from tests.fake.shapes import Schema, Shape, fill, fill_fields, findings, fits, prune, read_shape

Object = dict[str, Any]

Rule = Callable[[Object, Object | None], Iterable[str]]

_NAME_SIZE = re.compile(r"self\.metadata\.name\.size\(\) <= (\d+)")
_RULES = "x-kubernetes-validations"
#: What every object has, and the server itself looks after.
_COMMON = {key: {"x-kubernetes-preserve-unknown-fields": True} for key in ("apiVersion", "kind", "metadata")}


def custom_resource(crd: Object) -> Resource:
    """Return the kind that a CustomResourceDefinition with one version defines."""
    spec, version = crd["spec"], crd["spec"]["versions"][0]
    names, schema = spec["names"], version["schema"]["openAPIV3Schema"]
    shape = read_shape(schema | {"properties": schema.get("properties", {}) | _COMMON})
    rules = _root_rules(schema, names["plural"])

    def prepare(obj: Object, old: Object | None) -> None:
        for key, value in _news(obj, old):
            if (known := shape.of(key)) is None:
                del obj[key]
            else:
                prune(known, value)
                fill(known, value)
        fill_fields(shape, obj)

    return Resource(
        Kind(spec["group"], version["name"], names["plural"], names["kind"]),
        namespaced=spec["scope"] == "Namespaced",
        custom=True,
        status="status" in version.get("subresources", {}),
        selectable=tuple(field["jsonPath"].lstrip(".") for field in version.get("selectableFields", ())),
        short_names=tuple(names.get("shortNames", ())),
        unconditional=False,
        schema=schema,
        prepare=prepare,
        validate=lambda obj, old: (*_misfits(shape, obj, old), *(found for rule in rules for found in rule(obj, old))),
    )


def _news(obj: Object, old: Object | None) -> list[tuple[str, Any]]:
    """Return the fields of an object but for those that it shares with its last version."""
    return [(key, value) for key, value in obj.items() if old is None or value is not old.get(key)]


def _misfits(shape: Shape, obj: Object, old: Object | None) -> Iterable[str]:
    """Return what does not fit; that all does is found out far sooner than what does not."""
    news = ((shape.of(key), value) for key, value in _news(obj, old))
    well = all(known is None or fits(known, value) for known, value in news)
    return () if well and all(key in obj for key in shape.required) else findings(shape, obj, "")


def _root_rules(schema: Schema, plural: str) -> list[Rule]:
    """Return the CEL rules that the operator's own writes can meet; the rest is for the cluster tests."""
    rules: list[Rule] = [_frozen_spec] if plural == "launchplanexecutions" else []
    found = [(_NAME_SIZE.fullmatch(rule["rule"]), rule["message"]) for rule in schema.get(_RULES, ())]
    return rules + [partial(_short_name, int(size[1]), message) for size, message in found if size]


def _short_name(longest: int, message: str, obj: Object, _old: Object | None) -> Iterator[str]:
    name = obj["metadata"]["name"]
    if len(name) > longest:
        yield f'metadata.name: Invalid value: "{name}": {message}'


def _frozen_spec(obj: Object, old: Object | None) -> Iterator[str]:
    """An execution's spec may get a `terminate`, once, and nothing else."""
    if old is None or old["spec"] == obj["spec"]:
        return
    rest = {key: value for key, value in obj["spec"].items() if key != "terminate"}
    if rest != old["spec"]:
        yield "spec: Invalid value: the spec cannot change once created, but for terminate, which can be added once"
