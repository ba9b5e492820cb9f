"""From a pydantic model's JSON schema to a structural schema, the subset that a CRD may hold.

A structural schema has no `$ref`, no `anyOf` around types, no `title`, and a type on every node but those of any JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from launchplan_operator.api.model import PRESERVE

Node = dict[str, Any]
#: A value of any JSON type. Without `nullable` the API server would silently drop a null.
ANY_JSON: Node = {PRESERVE: True, "nullable": True}
_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "maxItems",
    "maxProperties",
    "required",
    PRESERVE,
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)


def structural_schema(model: type[BaseModel], *, defaults: bool) -> Node:
    """Return the structural schema of a model.

    With `defaults`, scalar defaults of fields become the API server's. A status goes without: what the operator writes
    shall be what is stored, so that equal means unchanged.
    """
    schema = model.model_json_schema(by_alias=True)
    return _Converter(schema.get("$defs", {}), defaults=defaults).node(schema)


@dataclass(frozen=True, slots=True)
class _Converter:
    definitions: Mapping[str, Any]
    defaults: bool

    def node(self, raw: Mapping[str, Any]) -> Node:
        whole = self.inlined(raw)
        made: Node = {key: whole[key] for key in _KEPT if key in whole}
        made |= self.scalar(whole)
        if "items" in whole:
            made["items"] = self.node(whole["items"])
        if "properties" in whole:
            made["properties"] = {name: self.node(child) for name, child in whole["properties"].items()}
        if "additionalProperties" in whole and PRESERVE not in made:
            values = whole["additionalProperties"]
            made["additionalProperties"] = dict(ANY_JSON) if values is True else self.node(values)
        return made if "type" in made else made | ANY_JSON

    def scalar(self, whole: Mapping[str, Any]) -> Node:
        made: Node = {}
        if "const" in whole:
            made["enum"] = [whole["const"]]
        if whole.get("type") == "integer":
            made["format"] = "int64"
        if self.defaults and isinstance(whole.get("default"), str | int | float):
            made["default"] = whole["default"]
        return made

    def inlined(self, raw: Mapping[str, Any]) -> Node:
        """Put a reference's target, and an optional's only real choice, in its place; the field's own words win."""
        own = {key: value for key, value in raw.items() if key not in {"$ref", "anyOf"}}
        if "$ref" in raw:
            return self.inlined(self.definitions[raw["$ref"].rsplit("/", 1)[-1]]) | own
        if "anyOf" not in raw:
            return own
        choices = [choice for choice in raw["anyOf"] if choice != {"type": "null"}]
        if len(choices) != 1:
            raise ValueError(f"a structural schema has no choice of types: {raw}")
        return self.inlined(choices[0]) | own
