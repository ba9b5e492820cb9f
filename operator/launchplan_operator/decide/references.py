"""What a run's references and its own name may be refused for, wherever the check is made."""

import re
from typing import Final

from launchplan_operator.api.conditions import Finding, Reason

_PATH: Final = "spec.launchPlanRef.name"
#: A Job of this name would occupy a slot and stop the plan's CronJob.
_SLOT_NAME: Final = re.compile(r"-[0-9]{7,9}$")


def plan_not_found(name: str) -> Finding:
    """Return the finding for a plan that does not exist."""
    message = f"found no LaunchPlan {name!r} in this namespace"
    return Finding(Reason.PlanNotFound, message, _PATH, "kubectl get lp", transient=True)


def plan_invalid(name: str, finding: Finding) -> Finding:
    """Return what a plan's own finding is to a run of it."""
    message = f"the LaunchPlan {name!r} is not valid: {finding.reason}: {finding.text}"
    return Finding(Reason.PlanInvalid, message, _PATH, f"kubectl describe lp {name}", transient=finding.transient)


def check_run_name(name: str) -> Finding | None:
    """Return the finding for a run's name that looks like a slot's."""
    if not _SLOT_NAME.search(name):
        return None
    message = f"found the name {name!r}: a dash and seven to nine digits at the end are kept for a schedule's slots"
    return Finding(Reason.SlotNameTaken, message, "metadata.name", "choose another name, or use generateName")
