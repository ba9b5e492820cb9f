"""What the operator must be allowed to do, as the chart's role grants it."""

from dataclasses import dataclass
from typing import Final

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    CRON_JOBS,
    EVENTS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    NAMESPACES,
    PODS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource."""

    verb: str
    kind: Kind
    subresource: str = ""

    @property
    def text(self) -> str:
        """The right as people write it: `update launchplans/status.launchplan.dev`."""
        resource = f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural
        return f"{self.verb} {resource}.{self.kind.group}" if self.kind.group else f"{self.verb} {resource}"


def _on(kind: Kind, verbs: str, subresource: str = "") -> tuple[Right, ...]:
    return tuple(Right(verb, kind, subresource) for verb in verbs.split())


#: In each namespace that is served.
RIGHTS: Final = (
    *_on(WORKFLOW_DEFINITIONS, "get list watch"),
    *_on(LAUNCH_PLANS, "get list watch"),
    *_on(REFERENCE_LAUNCH_PLANS, "get list watch"),
    *_on(LAUNCH_PLAN_EXECUTIONS, "get list watch create patch delete"),
    *_on(WORKFLOW_DEFINITIONS, "update", "status"),
    *_on(LAUNCH_PLANS, "update", "status"),
    *_on(REFERENCE_LAUNCH_PLANS, "update", "status"),
    *_on(LAUNCH_PLAN_EXECUTIONS, "update patch", "status"),
    *_on(CRON_JOBS, "get list watch create update delete"),
    *_on(JOBS, "get list watch create patch delete"),
    *_on(CONTROLLER_REVISIONS, "get list create delete"),
    *_on(PODS, "list watch"),
    *_on(EVENTS, "create patch"),
)
#: Beside these, where all namespaces are served: their labels are what plans choose by whose references they allow.
CLUSTER_RIGHTS: Final = _on(NAMESPACES, "list watch")
