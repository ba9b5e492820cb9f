"""A pod's life as kubelet would write it: from what a pod is to the next thing to do with it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

Object = dict[str, Any]

NODE_NAME = "stub"
PREFIX = "stub.localcluster/"
_MESSAGE_BYTES = 4096  # what kubelet keeps of a termination message
_KILLED = 137
_DEFAULT_SECONDS = 0.2
_RESTART_SECONDS = 1.0  # less patient than kubelet's 10 s, doubling
_FINISHED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a pod.

    Attributes:
        duration: seconds from start to end; 0 ends it with its first status.
        exit_code: of the container.
        message: its termination message.
        hold: "" to let it end, "running" to let it run on, "pending" to not even start it.
        container: whose exit code and message these are; empty for the first one. Others end with 0 and no message.
    """

    duration: float = _DEFAULT_SECONDS
    exit_code: int = 0
    message: str = ""
    hold: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class Bind:
    """Assign the pod to the stub's node."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write a status; `starts` says that the containers start with it."""

    status: Object
    starts: bool = False


@dataclass(frozen=True, slots=True)
class Forget:
    """Remove the pod: its deletion was asked for and its containers are gone."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nothing to do before `until` (monotonic seconds)."""

    until: float


Step = Bind | Write | Forget | Sleep


def plan_of(pod: Object) -> Plan:
    """The plan that a pod's annotations tell."""
    told: dict[str, str] = pod["metadata"].get("annotations") or {}
    hold = told.get(f"{PREFIX}hold", "")
    return Plan(
        duration=float(told.get(f"{PREFIX}duration", _DEFAULT_SECONDS)),
        exit_code=int(told.get(f"{PREFIX}exit-code", "0")),
        message=told.get(f"{PREFIX}message", ""),
        hold={"true": "running", "pending": "pending"}.get(hold, ""),
        container=told.get(f"{PREFIX}container", ""),
    )


def next_step(pod: Object, plan: Plan, began: float | None, now: float, clock: datetime) -> Step | None:
    """What kubelet would do next with a pod; None to wait until the pod changes.

    Args:
        pod: the pod as last seen.
        plan: what becomes of it.
        began: when its containers started, in monotonic seconds, if we know.
        now: monotonic seconds.
        clock: the time to write down.
    """
    phase = pod.get("status", {}).get("phase", "Pending")
    if pod["metadata"].get("deletionTimestamp"):
        return _leave(pod, phase, clock)
    if phase in _FINISHED or plan.hold == "pending" or pod["spec"].get("schedulingGates"):
        return None
    if not pod["spec"].get("nodeName"):
        return Bind()
    return _live(pod, plan, began, now, clock) if pod["spec"]["nodeName"] == NODE_NAME else None


def _live(pod: Object, plan: Plan, began: float | None, now: float, clock: datetime) -> Step | None:
    if pod["status"]["phase"] == "Pending" and (plan.duration > 0 or plan.hold):
        return Write(_running(pod, clock), starts=True)
    if plan.hold:
        return None
    pause = _RESTART_SECONDS if _restarts(pod) else 0.0
    ends = now if began is None else began + plan.duration + pause
    return Sleep(ends) if ends > now else _end(pod, plan, clock)


def _leave(pod: Object, phase: str, clock: datetime) -> Step | None:
    if pod["spec"].get("nodeName") != NODE_NAME:
        return None
    killed = Plan(exit_code=_KILLED, message="")
    return Forget() if phase in _FINISHED else Write(_finished(pod, killed, clock))


def _end(pod: Object, plan: Plan, clock: datetime) -> Write:
    policy = pod["spec"].get("restartPolicy", "Always")
    again = policy == "Always" or (policy == "OnFailure" and plan.exit_code != 0)
    return Write(_restarted(pod, plan, clock), starts=True) if again else Write(_finished(pod, plan, clock))


def _running(pod: Object, clock: datetime) -> Object:
    now = _stamp(clock)
    containers = [_container(each, {"running": {"startedAt": now}}) for each in pod["spec"]["containers"]]
    return {"phase": "Running", "startTime": now, "containerStatuses": containers} | _around(pod, clock, ready=True)


def _restarted(pod: Object, plan: Plan, clock: datetime) -> Object:
    status = _running(pod, clock)
    restarts = _restarts(pod) + 1
    ended = {each["name"]: each["state"] for each in _finished(pod, plan, clock)["containerStatuses"]}
    containers = [each | {"restartCount": restarts, "lastState": ended[each["name"]]} for each in _listed(status)]
    return status | {"startTime": pod["status"].get("startTime", _stamp(clock)), "containerStatuses": containers}


def _finished(pod: Object, plan: Plan, clock: datetime) -> Object:
    now = _stamp(clock)
    started = pod.get("status", {}).get("startTime", now)
    told = plan.container or pod["spec"]["containers"][0]["name"]
    containers = []
    for each in pod["spec"]["containers"]:
        ended = _ended(plan if each["name"] == told else Plan(), since=_since(pod, each["name"], started), now=now)
        containers.append(_container(each, {"terminated": ended}) | {"restartCount": _restarts(pod)})
    phase = "Failed" if plan.exit_code else "Succeeded"
    return {"phase": phase, "startTime": started, "containerStatuses": containers} | _around(pod, clock, ready=False)


def _ended(plan: Plan, since: str, now: str) -> Object:
    reason = "Error" if plan.exit_code else "Completed"
    message = plan.message.encode()[:_MESSAGE_BYTES].decode(errors="ignore")
    ended = {"exitCode": plan.exit_code, "reason": reason, "startedAt": since, "finishedAt": now}
    return ended | ({"message": message} if message else {})


def _container(spec: Object, state: Object) -> Object:
    running = "running" in state
    image = spec.get("image", "")
    common = {"name": spec["name"], "image": image, "imageID": image, "containerID": f"stub://{spec['name']}"}
    return common | {"ready": running, "started": running, "restartCount": 0, "state": state}


def _around(pod: Object, clock: datetime, *, ready: bool) -> Object:
    done = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    first = [_container(each, done) | {"ready": True} for each in pod["spec"].get("initContainers", [])]
    conditions = {each["type"]: each for each in pod.get("status", {}).get("conditions", [])}
    wanted = {"PodReadyToStartContainers": ready, "Initialized": True, "ContainersReady": ready, "Ready": ready}
    for name, holds in wanted.items():
        conditions[name] = _condition(name, conditions.get(name), clock, holds=holds)
    return {"conditions": [*conditions.values()]} | ({"initContainerStatuses": first} if first else {})


def _condition(name: str, before: Object | None, clock: datetime, *, holds: bool) -> Object:
    status = "True" if holds else "False"
    if before and before["status"] == status:
        return before
    reason = {} if holds else {"reason": "PodCompleted"}
    return {"type": name, "status": status, "lastTransitionTime": _stamp(clock)} | reason


def _since(pod: Object, container: str, default: str) -> str:
    for each in _listed(pod.get("status", {})):
        if each["name"] == container and "running" in each.get("state", {}):
            return str(each["state"]["running"]["startedAt"])
    return default


def _restarts(pod: Object) -> int:
    return max((int(each["restartCount"]) for each in _listed(pod.get("status", {}))), default=0)


def _listed(status: Object) -> list[Object]:
    listed: list[Object] = status.get("containerStatuses") or []
    return listed


def _stamp(clock: datetime) -> str:
    return clock.strftime("%Y-%m-%dT%H:%M:%SZ")
