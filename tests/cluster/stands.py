"""How an object can stand, as tools that sync from Git see it: how each comes about, and what kstatus makes of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from launchplan_operator.api.kinds import (
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from tests.cluster.support import NEVER, Object, Space, phase_of, plan, reason_of, run_of, workflow

_INSTANT: Final = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_UID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: Of the metadata what a person or a tool reads; the rest differs from time to time.
_KEPT: Final = ("name", "namespace", "generation", "uid", "creationTimestamp", "labels", "annotations")


@dataclass(frozen=True, slots=True)
class Stand:
    """One way to stand.

    Attributes:
        file: of the object below the kind's testdata, without `.yaml`.
        kstatus: what kstatus calls it.
        cause: brings it about in a namespace; returns the object if that is over before the operator looks.
        reason: of the condition Ready, or the phase of a run, once it has come about.
    """

    file: str
    kind: Kind
    name: str
    kstatus: str
    cause: Callable[[Space], Object | None]
    reason: str = ""

    def bring_about(self, space: Space) -> Object:
        """Return the object as it then stands."""
        found = self.cause(space)
        if found is not None:
            return found
        told = phase_of if self.kind is LAUNCH_PLAN_EXECUTIONS else reason_of
        return space.until(self.kind, self.name, lambda obj: told(obj) == self.reason, 60.0)


def offered(told: Any = None, **spec: Any) -> Callable[[Space], None]:
    """A plan of a workflow that is there."""

    def cause(space: Space) -> None:
        space.offer(spec=workflow(told))
        space.create(LAUNCH_PLANS, "daily", plan(**spec))

    return cause


def then(before: Callable[[Space], object], **spec: Any) -> Callable[[Space], None]:
    """An edit of the plan once it is active."""

    def cause(space: Space) -> None:
        before(space)
        space.ready(LAUNCH_PLANS, "daily", "Active")
        space.edit(LAUNCH_PLANS, "daily", spec=spec)

    return cause


def pinned(space: Space) -> None:
    """Pin the version that there is."""
    offered(schedule=NEVER)(space)
    active = space.ready(LAUNCH_PLANS, "daily", "Active")["status"]["activeVersion"]
    space.edit(LAUNCH_PLANS, "daily", spec={"activeVersion": active, "autoActivate": False})


def a_run(told: Any = None, spec: Object | None = None, **of: Any) -> Callable[[Space], None]:
    """A run by hand of a plan that is active."""

    def cause(space: Space) -> None:
        offered(told, **of)(space)
        space.ready(LAUNCH_PLANS, "daily", "Active")
        space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily", **(spec or {})))

    return cause


def under_way(space: Space) -> Object:
    """A run whose start is known: that it runs may be told before."""
    a_run({"hold": "true"})(space)
    return space.until(LAUNCH_PLAN_EXECUTIONS, "by-hand", lambda obj: "startTime" in obj["status"], 60.0)


def beside_another(behavior: str) -> Callable[[Space], None]:
    """A run beside one that is under way, of a plan that lets one run at a time."""

    def cause(space: Space) -> None:
        limit = {"max": 1, "behavior": behavior}
        offered({"hold": "true"}, concurrency=limit)(space)
        space.ready(LAUNCH_PLANS, "daily", "Active")
        space.create(LAUNCH_PLAN_EXECUTIONS, "first", run_of("daily"))
        space.in_phase("first", "Running")
        space.create(LAUNCH_PLAN_EXECUTIONS, "by-hand", run_of("daily"))

    return cause


def terminated(space: Space) -> None:
    """End a run that waits for its turn."""
    beside_another("Queue")(space)
    space.in_phase("by-hand", "Queued")
    space.edit(LAUNCH_PLAN_EXECUTIONS, "by-hand", spec={"terminate": {"cause": "changed my mind"}})


def referred(cause: Callable[[Space], object] | None = None, **spec: Any) -> Callable[[Space], Object]:
    """A reference to the plan, whose namespace is the reference's own; once the plan is as the cause leaves it."""

    def refer(space: Space) -> Object:
        if cause is not None:
            cause(space)
        fitting = {"inputs": [{"name": "days", "type": "integer"}], "outputs": [{"name": "rows", "type": "integer"}]}
        return space.create(*_THEIRS, {"namespace": space.namespace, "name": "daily"} | fitting | spec)

    return refer


def through(reason: str, cause: Callable[[Space], Object]) -> Callable[[Space], None]:
    """A run through a reference that stands as it does for a reason."""

    def run(space: Space) -> None:
        cause(space)
        space.until(*_THEIRS, lambda obj: reason_of(obj) == reason, 60.0)
        space.create(*_RUN, run_of("theirs", "ReferenceLaunchPlan", inputs={"days": 3}))

    return run


def unseen(kind: Kind, name: str, spec: Object) -> Callable[[Space], Object]:
    """The answer of the API server to whoever applies it."""
    return lambda space: space.create(kind, name, spec)


_BROKEN: Final = {"inputs": [{"name": "days", "type": "integer", "default": "seven"}]}
_REPORT: Final = (WORKFLOW_DEFINITIONS, "report")
_DAILY: Final = (LAUNCH_PLANS, "daily")
_THEIRS: Final = (REFERENCE_LAUNCH_PLANS, "theirs")
_RUN: Final = (LAUNCH_PLAN_EXECUTIONS, "by-hand")

STANDS: Final = (
    Stand("unseen", *_REPORT, "InProgress", unseen(*_REPORT, workflow())),
    Stand("valid", *_REPORT, "Current", lambda space: space.offer() and None, "Valid"),
    Stand("invalid", *_REPORT, "Failed", lambda space: space.create(*_REPORT, workflow(None, _BROKEN)) and None, "DefaultInvalid"),
    Stand("unseen", *_DAILY, "InProgress", unseen(*_DAILY, plan(schedule=NEVER))),
    Stand("active", *_DAILY, "Current", offered(schedule=NEVER), "Active"),
    Stand("open", *_DAILY, "Current", offered(defaultInputs={}), "Active"),
    Stand("pinned", *_DAILY, "Current", pinned, "Active"),
    Stand("inactive", *_DAILY, "Current", offered(schedule=NEVER, autoActivate=False), "Inactive"),
    Stand("suspended", *_DAILY, "Current", offered(schedule=NEVER, suspend=True), "Suspended"),
    Stand("invalid", *_DAILY, "Failed", offered(defaultInputs={"city": 7}), "TypeMismatch"),
    Stand("broken-by-an-edit", *_DAILY, "Failed", then(offered(schedule=NEVER), defaultInputs={"city": 7}), "TypeMismatch"),
    Stand(
        "workflow-missing", *_DAILY, "InProgress", lambda space: space.create(*_DAILY, plan()) and None, "WorkflowNotFound"
    ),
    Stand("unseen", *_THEIRS, "InProgress", referred()),
    Stand("resolved", *_THEIRS, "Current", lambda space: referred(offered())(space) and None, "Resolved"),
    Stand("target-missing", *_THEIRS, "InProgress", lambda space: referred()(space) and None, "TargetUnavailable"),
    Stand(
        "mismatch",
        *_THEIRS,
        "Failed",
        lambda space: referred(offered(), inputs=[{"name": "days", "type": "string"}])(space) and None,
        "InterfaceMismatch",
    ),
    Stand("unseen", *_RUN, "InProgress", unseen(*_RUN, run_of("daily"))),
    Stand("queued", *_RUN, "InProgress", beside_another("Queue"), "Queued"),
    Stand("running", *_RUN, "InProgress", under_way),
    Stand("succeeded", *_RUN, "Current", a_run(), "Succeeded"),
    Stand("skipped", *_RUN, "Current", beside_another("Skip"), "Skipped"),
    Stand("failed", *_RUN, "Failed", a_run({"exit-code": "3", "message": "no such table: orders"}), "Failed"),
    Stand("timed-out", *_RUN, "Failed", a_run({"hold": "true"}, {"timeout": "1s"}), "TimedOut"),
    Stand("aborted", *_RUN, "Failed", terminated, "Aborted"),
    Stand("asked-of-another", *_RUN, "Current", through("Resolved", referred(offered())), "Succeeded"),
    Stand("waits-for-another", *_RUN, "InProgress", through("TargetUnavailable", referred()), "Queued"),
    Stand("rejected", *_RUN, "Failed", a_run(spec={"inputs": {"city": 7}}), "Rejected"),
)  # fmt: skip


def without_chance(obj: Object) -> Object:
    """Return an object in which every instant is one, every uid is told by its number, and the namespace is `demo`."""
    metadata = {key: obj["metadata"][key] for key in _KEPT if key in obj["metadata"]}
    kept = {key: obj[key] for key in ("apiVersion", "kind", "spec", "status") if key in obj} | {"metadata": metadata}
    if "duration" in kept.get("status", {}):
        kept["status"] = kept["status"] | {"duration": "1s"}
    uids: dict[str, str] = {}
    made: Object = _settled(kept, obj["metadata"]["namespace"], uids)
    return made


def _settled(value: Any, namespace: str, uids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _settled(value[key], namespace, uids) for key in sorted(value)}
    if isinstance(value, list):
        return [_settled(item, namespace, uids) for item in value]
    return _settled_text(value, namespace, uids) if isinstance(value, str) else value


def _settled_text(text: str, namespace: str, uids: dict[str, str]) -> str:
    for uid in _found(text):
        text = text.replace(uid, uids.setdefault(uid, f"00000000-0000-4000-8000-{len(uids):012}"))
    return _INSTANT.sub("2026-01-01T02:00:00Z", text).replace(namespace, "demo")


def _found(text: str) -> Iterator[str]:
    return (found[0] for found in _UID.finditer(text))
