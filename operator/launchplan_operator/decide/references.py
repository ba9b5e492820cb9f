"""What references to plans, workflows and their versions, and a run's own name, may be refused for."""

import re
from collections.abc import Sequence
from typing import Final

from launchplan_operator.api.conditions import Finding, Reason
from launchplan_operator.api.mending import retarget, set_field
from launchplan_operator.decide.inputs import nearest_name

#: Where a run names what it is a run of.
REFERENCE_PATH: Final = "spec.launchPlanRef"
#: Where a run names a version.
VERSION_PATH: Final = f"{REFERENCE_PATH}.version"
#: A Job of this name would occupy a slot and stop the plan's CronJob.
_SLOT_NAME: Final = re.compile(r"-[0-9]{7,9}$")


def plan_not_found(name: str, others: Sequence[str] = ()) -> Finding:
    """Return the finding for a plan that does not exist; `others` are the names of those that do."""
    message = f"found no LaunchPlan {name!r} in this namespace"
    meant = nearest_name(name, others)
    hint = f"did you mean {meant!r}?" if meant is not None else "apply it, or see: kubectl get lp"
    return Finding(Reason.PlanNotFound, message, f"{REFERENCE_PATH}.name", hint, transient=True)


def plan_invalid(name: str, finding: Finding) -> Finding:
    """Return what a plan's own finding is to a run of it."""
    message = f"the LaunchPlan {name!r} is not valid: {finding.reason}: {finding.text}"
    hint = f"kubectl describe lp {name}; or name a version that it has in {VERSION_PATH}"
    fix = retarget(finding.fix, "lp", name)
    return Finding(Reason.PlanInvalid, message, f"{REFERENCE_PATH}.name", hint, transient=finding.transient, fix=fix)


def plan_version_not_found(name: str, wanted: str, known: Sequence[str]) -> Finding:
    """Return the finding for a version that a plan does not have; `known` is oldest first."""
    there = ", ".join(known[-10:]) or "none"
    message = f"found no version {wanted!r} of the LaunchPlan {name!r}; the newest that it has: {there}"
    hint = f"kubectl launchplan versions {name}"
    return Finding(Reason.VersionNotFound, message, VERSION_PATH, hint, transient=True)


def bare_version_not_found(name: str, wanted: str, live: str) -> Finding:
    """Return the finding for a version that a workflow, run without a plan, does not have."""
    message = f"found the WorkflowDefinition {name!r} at version {live!r}, expected version {wanted!r}"
    hint = "a workflow without a plan runs as it is now: name that version, or none"
    return Finding(Reason.VersionNotFound, message, VERSION_PATH, hint)


def workflow_version_not_found(name: str, wanted: str, live: str) -> Finding:
    """Return the finding for a workflow's version that a plan asks for and that is not at hand."""
    message = f"found the WorkflowDefinition {name!r} at version {live!r}, expected version {wanted!r}"
    hint = "apply that version, or name the one that is there"
    fix = set_field(live, "spec", "workflowRef", "version") if live else None
    return Finding(Reason.WorkflowVersionNotFound, message, "spec.workflowRef.version", hint, transient=True, fix=fix)


def check_run_name(name: str) -> Finding | None:
    """Return the finding for a run's name that looks like a slot's."""
    if not _SLOT_NAME.search(name):
        return None
    message = f"found the name {name!r}: a dash and seven to nine digits at the end are kept for a schedule's slots"
    return Finding(Reason.SlotNameTaken, message, "metadata.name", "choose another name, or use generateName")
