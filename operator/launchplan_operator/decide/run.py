"""What a run's Job and pods say about it: its phase, times, outputs and error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchplan_operator.api.conditions import Finding, Reason, find_condition
from launchplan_operator.decide.results import (
    LastWords,
    ResultContract,
    failed_pod,
    failure_words,
    read_outputs,
    succeeded_pod,
)

#: A pod that waits for one of these will not start without a person; a retry makes no other message.
_STUCK = {
    "ErrImagePull": "ImagePullBackOff",
    "ImagePullBackOff": "ImagePullBackOff",
    "ErrImageNeverPull": "ErrImageNeverPull",
    "InvalidImageName": "InvalidImageName",
    "CreateContainerConfigError": "CreateContainerConfigError",
}


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed: whose fault, a short code, and the container's last words or Kubernetes' message."""

    kind: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as its Job and pods show it. Times are RFC 3339 texts as Kubernetes wrote them.

    Attributes:
        reason: one of Queued, Running, Aborting, Succeeded, or why it ended otherwise; it decides the phase.
        outputs: set when the run succeeded.
    """

    reason: Reason
    message: str = ""
    started: str | None = None
    completed: str | None = None
    outputs: Mapping[str, Any] | None = None
    error: RunError | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Why a run ends that was not done: the reason, Aborted or Replaced for one that runs, and the cause in words."""

    reason: Reason
    cause: str


def is_finished(job: Mapping[str, Any]) -> bool:
    """Tell whether a Job has ended, whichever way."""
    return _ended(job, "Complete") is not None or _ended(job, "Failed") is not None


def is_ending(job: Mapping[str, Any]) -> bool:
    """Tell whether it is decided how a Job ends, and pods of it are left: its controller says the end only after them."""
    return not is_finished(job) and any(_ended(job, decided) for decided in ("SuccessCriteriaMet", "FailureTarget"))


def is_open(pod: Mapping[str, Any]) -> bool:
    """Tell whether a pod has not ended, whatever is known of its node."""
    return (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}


def needs_pods(job: Mapping[str, Any], contract: ResultContract, pods: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether an ended Job's pods should be asked of the server: the cached ones may lag behind the Job."""
    if _ended(job, "Complete"):
        return bool(contract.outputs) and succeeded_pod(pods) is None
    return _ended(job, "Failed") is not None and failed_pod(pods) is None


def observe_run(
    job: Mapping[str, Any], contract: ResultContract, pods: Sequence[Mapping[str, Any]], *, end: End | None
) -> RunState:
    """Return the state of a run that has a Job.

    Args:
        job: the Job; only its metadata, `spec.suspend` and status are read.
        contract: where its outputs are.
        pods: the Job's pods, as far as known.
        end: why its end was asked for, which tells an abort from a time-out; None if nobody did.
    """
    started = job.get("status", {}).get("startTime")
    if complete := _ended(job, "Complete"):
        return _completed(
            started, job["status"].get("completionTime") or complete["lastTransitionTime"], contract, pods
        )
    if failed := _ended(job, "Failed"):
        return _failed(started, failed, contract, pods, end=end)
    if end is not None:
        return RunState(Reason.Aborting, f"{end.cause}: waiting for the Job's pods to end", started)
    if started is None and job.get("spec", {}).get("suspend"):
        return RunState(Reason.Queued, "the Job is suspended; whoever queues it will start it")
    return RunState(Reason.Running, _stuck_message(pods), started)


def _completed(
    started: str | None, completed: str, contract: ResultContract, pods: Sequence[Mapping[str, Any]]
) -> RunState:
    outputs = read_outputs(contract, pods)
    if isinstance(outputs, Finding):
        error = RunError("User", outputs.reason, outputs.message)
        return RunState(outputs.reason, outputs.message, started, completed, error=error)
    return RunState(Reason.Succeeded, "", started, completed, outputs=outputs)


def _failed(
    started: str | None,
    condition: Mapping[str, Any],
    contract: ResultContract,
    pods: Sequence[Mapping[str, Any]],
    *,
    end: End | None,
) -> RunState:
    ended = condition["lastTransitionTime"]
    if condition.get("reason") == "DeadlineExceeded":
        reason = Reason.TimedOut if end is None else end.reason
        message = condition.get("message", "") if end is None else end.cause
        return RunState(reason, message, started, ended, error=RunError("User", reason, message))
    pod = failed_pod(pods)
    error = _error(condition, failure_words(pod, contract.container) if pod is not None else None)
    return RunState(Reason.JobFailed, error.message, started, ended, error=error)


def _error(condition: Mapping[str, Any], words: LastWords | None) -> RunError:
    if words is None:
        return RunError("System", condition.get("reason", "Failed"), condition.get("message", ""))
    code = words.reason if words.reason not in {"", "Error"} else f"Exit{words.exit_code}"
    message = words.message.strip() or f"the container ended with exit code {words.exit_code}"
    return RunError("User", code, message)


def _stuck_message(pods: Sequence[Mapping[str, Any]]) -> str:
    for pod in pods:
        for status in pod.get("status", {}).get("containerStatuses") or ():
            waiting = _STUCK.get((status.get("state", {}).get("waiting") or {}).get("reason", ""))
            if waiting:
                return f"pod {pod['metadata']['name']}: container {status['name']} waits: {waiting}"
    return ""


def _ended(job: Mapping[str, Any], how: str) -> Mapping[str, Any] | None:
    condition = find_condition(job.get("status", {}).get("conditions") or (), how)
    return condition if condition is not None and condition["status"] == "True" else None
