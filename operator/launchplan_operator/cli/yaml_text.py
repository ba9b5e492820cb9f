"""YAML as Kubernetes' tools read and write it."""

from typing import Any

import yaml


def write_yaml(data: Any) -> str:
    """Return plain data as one YAML document."""
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
