"""A run once more: the wishes of the earlier one, unless the new one has its own."""

from collections.abc import Mapping
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason

_PATH = "spec.relaunchOf"
#: What a run carries over as a whole where it says nothing itself.
_SETTINGS = (
    "annotations",
    "env",
    "identity",
    "interruptible",
    "labels",
    "maxParallelism",
    "rawOutputDataConfig",
    "timeout",
)


def merge_relaunch(spec: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any] | Finding:
    """Return the spec of a run once more, completed from the earlier execution.

    The inputs that the earlier caller gave are resolved anew, against the version that ran then. `spec` is the raw spec
    of the new execution, `earlier` the whole earlier object.
    """
    old, new = earlier["spec"].get("launchPlanRef") or {}, spec.get("launchPlanRef") or {}
    if _launcher(old) != _launcher(new):
        found = " ".join(_launcher(new))
        message = (
            f"found {found}, expected {' '.join(_launcher(old))}, of which {earlier['metadata']['name']!r} is a run"
        )
        return Finding(Reason.InvalidSpec, message, "spec.launchPlanRef", "name the same plan, or drop relaunchOf")
    version = new.get("version") or (earlier.get("status") or {}).get("launchPlanVersion") or old.get("version")
    carried = {field: earlier["spec"][field] for field in _SETTINGS if field in earlier["spec"]}
    inputs = {**(earlier["spec"].get("inputs") or {}), **(spec.get("inputs") or {})}
    reference = dict(new) | ({"version": version} if version else {})
    return {**carried, **spec, "inputs": inputs, "launchPlanRef": reference}


def not_there(name: str) -> Finding:
    """Return the finding for an earlier execution that does not exist."""
    message = f"found no LaunchPlanExecution {name!r} in this namespace"
    return Finding(Reason.ExecutionNotFound, message, _PATH, "see: kubectl get lpx", transient=True)


def goes_round(name: str) -> Finding:
    """Return the finding for a run that would be itself once more, at once or by way of others."""
    message = f"found the run {name!r} itself among those that it is one more of, expected earlier ones"
    return Finding(Reason.InvalidSpec, message, _PATH, "see: kubectl get lpx")


def _launcher(reference: Mapping[str, Any]) -> tuple[str, str]:
    return str(reference.get("kind", "LaunchPlan")), str(reference.get("name"))
