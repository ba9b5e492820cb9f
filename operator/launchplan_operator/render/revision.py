"""The object that keeps a version of a plan: immutable to the API server, found by its hash."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.kinds import CONTROLLER_REVISIONS
from launchplan_operator.render import labels


def render_revision(
    plan: Mapping[str, Any], name: str, version: str, number: int, data: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the ControllerRevision of a plan's version, controlled by the plan and collected with it.

    Args:
        plan: the plan object.
        name: of the object.
        version: the version's name.
        number: its place in the plan's history, from 1.
        data: the version's content.
    """
    metadata = {
        "name": name,
        "namespace": plan["metadata"]["namespace"],
        "labels": {
            labels.MANAGED_BY: labels.MANAGER,
            labels.PLAN: plan["metadata"]["name"],
            labels.VERSION: version,
        },
        "ownerReferences": [labels.owner_reference(plan, controller=True)],
    }
    kind = CONTROLLER_REVISIONS
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": metadata,
        "revision": number,
        "data": dict(data),
    }
