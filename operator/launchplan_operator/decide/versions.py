"""Content versions: what identifies a workflow or a plan by what it says.

A version is the first ten hex digits of a SHA-256 over canonical JSON, so equal specs have equal versions on every cluster.
"""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.canonical import content_hash

#: The plan's fields that a run depends on; all others may change without a new version.
VERSIONED_PLAN_FIELDS = (
    "annotations",
    "defaultInputs",
    "fixedInputs",
    "labels",
    "retries",
    "schedule",
    "timeout",
    "workflowRef",
)


def workflow_version(spec: Mapping[str, Any]) -> str:
    """Return a workflow's version: the hash of its whole spec."""
    return content_hash(spec)


def plan_version(spec: Mapping[str, Any], workflow: str) -> str:
    """Return a plan's version: the hash of its versioned fields and of the workflow version it resolved to."""
    versioned = {field: spec[field] for field in VERSIONED_PLAN_FIELDS if field in spec}
    return content_hash({"spec": versioned, "workflow": workflow})
