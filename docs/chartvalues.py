"""The chart's values, as its values.schema.json declares them: the file values.yaml, and the reference page."""

# ruff: noqa: INP001 - a folder of pages is no package

import json
from collections.abc import Iterator
from textwrap import indent, wrap
from typing import Any

import yaml

_WIDTH = 100
_KINDS = {"array": "list", "boolean": "`true` or `false`", "object": "map", "string": "text"}

Node = dict[str, Any]


def render_values(schema: Node) -> str:
    """Return values.yaml: each value with its meaning above it."""
    blocks = [_block(name, node) for name, node in _own(schema)]
    return "# Made from values.schema.json by `make generate`; do not edit.\n\n" + "\n".join(blocks)


def render_values_page(schema: Node) -> str:
    """Return the reference page of all values."""
    intro = "What `helm install` and `helm upgrade` take with `--set` or `--values`; anything else is refused."
    rows = [_row(path, node) for path, node in _leaves(schema, "")]
    table = "\n".join(["| Value | What | Default | Meaning |", "|---|---|---|---|", *rows])
    return f"# Values of the Helm chart\n\n{intro}\n\n{table}\n"


def _own(schema: Node) -> Iterator[tuple[str, Node]]:
    """Yield the values that have a default, or parts; `global` is somebody else's."""
    return ((name, node) for name, node in schema["properties"].items() if _has_parts(node) or "default" in node)


def _has_parts(node: Node) -> bool:
    return "properties" in node and "default" not in node


def _block(name: str, node: Node) -> str:
    comment = "".join(f"# {line}\n" for line in wrap(node["description"], _WIDTH))
    if _has_parts(node):
        parts = "".join(_block(inner, child) for inner, child in _own(node))
        return f"{comment}{name}:\n{indent(parts, '  ')}"
    return comment + yaml.safe_dump({name: node["default"]}, sort_keys=False, width=_WIDTH)


def _leaves(schema: Node, prefix: str) -> Iterator[tuple[str, Node]]:
    for name, node in _own(schema):
        if _has_parts(node):
            yield from _leaves(node, f"{prefix}{name}.")
        else:
            yield prefix + name, node


def _row(path: str, node: Node) -> str:
    cells = (f"`{path}`", _kind(node), f"`{json.dumps(node['default'])}`", node["description"])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind(node: Node) -> str:
    if "enum" in node:
        return " or ".join(f"`{each}`" for each in node["enum"])
    if "maximum" in node:
        return f"{node['type']}, {node['minimum']} to {node['maximum']}"
    return _KINDS[node["type"]]
