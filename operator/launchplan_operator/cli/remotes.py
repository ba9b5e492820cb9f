"""Where the pods of a run are: of a run through a reference, in the namespace of the plan."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from launchplan_operator.api.kinds import LAUNCH_PLAN_EXECUTIONS, REFERENCE_LAUNCH_PLANS
from launchplan_operator.cli.cluster import Cluster, Forbidden
from launchplan_operator.cli.outcomes import has_ended
from launchplan_operator.cli.watching import follow_one
from launchplan_operator.kube.transport import Object


class RemoteForbidden(Forbidden):
    """The user may not see the pods of a run in the namespace of another."""


@dataclass(frozen=True, slots=True)
class Place:
    """A run's name and the namespace, as a cluster, in which its pods are.

    Attributes:
        asked: the run whose place it is; another one's than `run` where it went through a reference.
    """

    cluster: Cluster
    run: str
    asked: str

    @property
    def is_elsewhere(self) -> bool:
        """Whether the pods are those of a run in the plan's namespace."""
        return self.run != self.asked

    def refused(self, problem: Forbidden) -> Forbidden:
        """Return what a refusal means: elsewhere, whom to ask for which right."""
        if not self.is_elsewhere:
            return problem
        namespace = self.cluster.namespace
        message = (
            f"the pods of {self.asked} are those of lpx/{self.run} in the namespace {namespace!r}, "
            f"and you may not see them there: {problem.message}"
        )
        hint = f"ask the owner of {namespace!r} to let you list and watch pods and get pods/log there"
        return RemoteForbidden(message, hint=hint)


def goes_through(execution: Mapping[str, Any]) -> bool:
    """Tell whether a run is one through a reference."""
    return bool(execution["spec"]["launchPlanRef"].get("kind") == REFERENCE_LAUNCH_PLANS.kind)


def place_of(cluster: Cluster, execution: Object) -> Place | None:
    """Return where a run's pods are; None for one through a reference that has no run in the plan's namespace yet."""
    name = execution["metadata"]["name"]
    if not goes_through(execution):
        return Place(cluster, name, name)
    remote = (execution.get("status") or {}).get("remote")
    return Place(replace(cluster, namespace=remote["namespace"]), remote["name"], name) if remote else None


async def await_place(cluster: Cluster, name: str) -> Place | None:
    """Wait until it is known where a run's pods are; None where it ended or was deleted before."""
    async with aclosing(follow_one(cluster, LAUNCH_PLAN_EXECUTIONS, name)) as states:
        async for execution in states:
            place = place_of(cluster, execution) if execution is not None else None
            if place is not None or execution is None or has_ended(execution):
                return place
    return None
