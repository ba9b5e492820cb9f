"""A plan's kept versions: ControllerRevisions that hold its versioned fields and the workflow they resolved to."""

from collections.abc import Sequence
from typing import Any, Final

from launchplan_operator.api.kinds import CONTROLLER_REVISIONS
from launchplan_operator.cli.cluster import Cluster
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.kube.transport import Object

PLAN_LABEL: Final = "launchplan.dev/plan"
_SHORT_HASH: Final = 10
_SHOWN: Final = 10


def revision_name(plan: Object, version: str) -> str | None:
    """Return the name of a version's revision, by the hash in the plan's status; None for an unknown version."""
    for entry in (plan.get("status") or {}).get("versions") or ():
        if entry["version"] == version:
            return f"{plan['metadata']['name']}-{entry['hash'][:_SHORT_HASH]}"
    return None


def unknown_version(plan: Object, version: str, known: Sequence[str]) -> Problem:
    """Return the problem that a plan has no such version."""
    name = plan["metadata"]["name"]
    shown = ", ".join(reversed(known[-_SHOWN:])) or "none"
    message = f"found no version {version!r} of the plan {name!r}; it has {shown}"
    hint = f"see: kubectl launchplan versions {name}"
    return Problem(message, reason="VersionNotFound", hint=hint, exit_code=FAILURE_EXIT)


async def find_revision(cluster: Cluster, plan: Object, version: str) -> dict[str, Any] | None:
    """Return a version's content, `{"spec", "workflow": {"name", "version", "spec"}}`, or None if it is not kept.

    Raises:
        Forbidden: the user may not read it.
    """
    name = revision_name(plan, version)
    if name is None:
        return None
    revision = await cluster.client.get(CONTROLLER_REVISIONS, cluster.namespace, name)
    content: dict[str, Any] | None = (revision or {}).get("data")
    return content


async def creation_times(cluster: Cluster, plan: Object) -> dict[str, str]:
    """Return when each kept revision of a plan was made, by its name.

    Raises:
        Forbidden: the user may not read them.
    """
    labels = {PLAN_LABEL: plan["metadata"]["name"]}
    revisions = await cluster.client.list(CONTROLLER_REVISIONS, cluster.namespace, labels)
    return {each["metadata"]["name"]: each["metadata"]["creationTimestamp"] for each in revisions.items}
