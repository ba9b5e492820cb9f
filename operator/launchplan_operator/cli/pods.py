"""A run's pods: which one speaks, which of its containers, and whether it has begun."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.kube.transport import Object

#: Kubernetes' own label: the pods of a Job.
JOB_LABEL: Final = "batch.kubernetes.io/job-name"
_DEFAULT_CONTAINER: Final = "kubectl.kubernetes.io/default-container"
#: Returns the container of a pod whose log is shown.
Choose = Callable[[Object], str]


def output_container(pod: Mapping[str, Any], named: str | None) -> str:
    """Return the container that carries a run's outputs: the one that the workflow names, else the pod's first."""
    containers = [str(each["name"]) for each in pod["spec"]["containers"]]
    annotated = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    return next((name for name in (named, annotated) if name in containers), containers[0])


def asked_container(pod: Mapping[str, Any], asked: str) -> str:
    """Return the container that a user asks for; one that prepares the pod counts, too.

    Raises:
        Problem: the pod has none of that name.
    """
    spec = pod["spec"]
    containers = [str(each["name"]) for each in (*spec["containers"], *(spec.get("initContainers") or ()))]
    if asked in containers:
        return asked
    found = ", ".join(containers)
    raise Problem(
        f"found no container {asked!r} in pod {pod['metadata']['name']}; it has {found}", exit_code=FAILURE_EXIT
    )


def container_state(pod: Mapping[str, Any], container: str) -> Mapping[str, Any]:
    """Return a container's state, `{"waiting" or "running" or "terminated": …}`; empty while the node has not seen it."""
    status = pod.get("status") or {}
    statuses = (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ()))
    state: Mapping[str, Any] = next((each.get("state") or {} for each in statuses if each["name"] == container), {})
    return state


def has_begun(pod: Mapping[str, Any], container: str) -> bool:
    """Tell whether a container runs or ran, so that there is a log."""
    state = container_state(pod, container)
    return "running" in state or "terminated" in state


def in_order(pods: Sequence[Object]) -> list[Object]:
    """Return pods in the order in which they were made: a retry comes after what it retries."""
    return sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))


def waiting_text(pod: Mapping[str, Any], container: str) -> str:
    """Return why a pod has not begun, in one sentence."""
    waiting = container_state(pod, container).get("waiting") or {}
    unscheduled: Mapping[str, Any] = next(
        (
            each
            for each in (pod.get("status") or {}).get("conditions") or ()
            if each["type"] == "PodScheduled" and each["status"] == "False"
        ),
        {},
    )
    found = waiting or unscheduled
    words = ": ".join(str(found[key]) for key in ("reason", "message") if found.get(key))
    return f"pod {pod['metadata']['name']} has not started: {words or 'no node has taken it yet'}"
