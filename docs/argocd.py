"""The scripts below gitops/argocd as Argo CD reads them: entries of its ConfigMap argocd-cm."""

# ruff: noqa: INP001 - a folder of pages is no package

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

SCRIPTS: Final = Path(__file__).parents[1] / "gitops" / "argocd" / "resource_customizations"
CONFIG_MAP: Final = SCRIPTS.parent / "argocd-cm.yaml"
_HEADER: Final = "# Made from resource_customizations by `make generate`; do not edit.\n"


class _Blocks(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Blocks.add_representer(str, _write_text)


def render_config_map() -> str:
    """Return the ConfigMap with a health check for each kind, and its actions where there are any."""
    metadata = {"name": "argocd-cm", "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(_entries())}
    return _HEADER + _dump(config_map)


def _entries() -> Iterator[tuple[str, str]]:
    for kind in sorted(path.parent for path in SCRIPTS.glob("*/*/health.lua")):
        name = f"{kind.parent.name}_{kind.name}"
        yield f"resource.customizations.health.{name}", (kind / "health.lua").read_text(encoding="utf-8")
        if (kind / "actions").exists():
            yield f"resource.customizations.actions.{name}", _dump(_actions(kind / "actions"))


def _actions(directory: Path) -> dict[str, object]:
    definitions = [
        {"name": script.parent.name, "action.lua": script.read_text(encoding="utf-8")}
        for script in sorted(directory.glob("*/action.lua"))
    ]
    return {"discovery.lua": (directory / "discovery.lua").read_text(encoding="utf-8"), "definitions": definitions}


def _dump(value: object) -> str:
    return yaml.dump(value, Dumper=_Blocks, sort_keys=False, width=120)
