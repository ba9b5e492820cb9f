"""The command line against the in-memory API server: `main` in this process, what it wrote, and what happened meanwhile."""

import io
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from launchplan_operator.api.kinds import (
    CONTROLLER_REVISIONS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    PODS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.cli import cluster, watching
from launchplan_operator.cli.kubeconfig import Access
from launchplan_operator.cli.main import main
from launchplan_operator.kube.transport import Object, TransportError
from tests.fake import FakeApi, InProcessTransport
from tests.fake.store import copy

NAMESPACE = "default"
HASH_1, HASH_2 = "1" * 64, "2" * 64
VERSION_1, VERSION_2 = "1" * 10, "2" * 10
INTERFACE: dict[str, list[Object]] = {
    "inputs": [{"name": "city", "type": "string"}, {"name": "days", "type": "integer", "default": 7}],
    "outputs": [{"name": "rows", "type": "integer"}],
}
_POD = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
JOB = {"backoffLimit": 0, "template": {"spec": _POD}}
PARAMETERS = [
    {"name": "city", "type": "string", "required": False, "default": "Oslo"},
    {"name": "days", "type": "integer", "required": True},
]
Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the log endpoint answers: pieces as they come; an exception breaks the connection."""

    status: int = 200
    pieces: tuple[bytes | Exception, ...] = ()

    @property
    def body(self) -> AsyncIterator[bytes]:
        """The pieces."""
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


class Connection(InProcessTransport):
    """A transport that also has logs, and during which things happen.

    Attributes:
        steps: what happens after each watch was opened, one by one.
        logs: what each pod's log endpoint answers, one by one; the last answer stays.
        asked: the log requests that came.
    """

    def __init__(self, api: FakeApi) -> None:
        super().__init__(api)
        self.steps: list[Step] = []
        self.logs: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Object]]:
        """Open a watch, and let the next step happen."""
        async with super().stream(path, query) as lines:
            if self.steps:
                self.steps.pop(0)()
            yield lines

    @asynccontextmanager
    async def open(self, method: str, path: str, query: Mapping[str, str] | None = None) -> AsyncIterator[Answer]:
        """Answer for a log."""
        assert method == "GET"
        pod = path.split("/")[-2]
        self.asked.append((pod, dict(query or {})))
        answers = self.logs.get(pod) or [Answer(404, (b'{"message": "pods \\"x\\" not found"}',))]
        yield answers.pop(0) if len(answers) > 1 else answers[0]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Desk:
    """A cluster in memory, and a person at the command line."""

    api: FakeApi = field(default_factory=FakeApi)
    connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = Connection(self.api)

    def type(self, *words: str, stdin: str = "") -> Ended:
        """Call the command line."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with (
            patch.object(cluster, "find_access", lambda *_: Access("http://fake", NAMESPACE)),
            patch.object(cluster, "HttpTransport", lambda *_: self.connection),
            patch.object(watching, "_FIRST_PAUSE", 0.001),
            patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()))),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main(list(words))
        return Ended(code, *(each.buffer.getvalue().decode() for each in (out, err)))

    def create(self, kind: Kind, name: str, spec: Object, status: Object | None = None, **metadata: Any) -> Object:
        """Create an object with a status, as person and operator together."""
        about = {"name": name, "namespace": NAMESPACE} | metadata
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": about, "spec": spec}
        created = self.api.do("POST", kind.path(about["namespace"]), copy(body))
        return self.report(kind, name, status, about["namespace"]) if status is not None else created

    def report(self, kind: Kind, name: str, status: Object, namespace: str = NAMESPACE) -> Object:
        """Merge into a status, as the operator does."""
        return self.api.do("PATCH", kind.path(namespace, name, "status"), {"status": status})

    def workflow(self, name: str = "report", **spec: Any) -> Object:
        """Create a workflow."""
        whole = {"interface": INTERFACE, "job": JOB} | spec
        return self.create(WORKFLOW_DEFINITIONS, name, whole, {"version": "w" * 10, "conditions": [ready("Valid")]})

    def plan(self, name: str = "daily", status: Object | None = None, **spec: Any) -> Object:
        """Create a plan as the operator sees it: two versions, of which the second is active."""
        whole = {"workflowRef": {"name": "report"}, "defaultInputs": {"city": "Oslo"}, "autoActivate": True} | spec
        return self.create(LAUNCH_PLANS, name, whole, plan_status() if status is None else status)

    def run(self, name: str = "daily-abcde", phase: str | None = "Running", **spec: Any) -> Object:
        """Create a run of that plan."""
        whole = {"launchPlanRef": {"kind": "LaunchPlan", "name": "daily"}} | spec
        return self.create(LAUNCH_PLAN_EXECUTIONS, name, whole, run_status(phase) if phase else None)

    def ends(self, name: str, phase: str, **status: Any) -> Step:
        """Return the step in which the operator sees a run end."""
        return lambda: self.report(LAUNCH_PLAN_EXECUTIONS, name, run_status(phase) | status)

    def deletes(self, kind: Kind, name: str) -> Step:
        """Return the step in which an object is deleted."""
        return lambda: self.api.do("DELETE", kind.path(NAMESPACE, name), {})

    def revision(self, plan: str, digest: str, spec: Object, workflow: Object | None = None) -> None:
        """Keep a version as the operator does."""
        content = {"name": "report", "version": "w" * 10, "spec": workflow or {"interface": INTERFACE, "job": JOB}}
        name = f"{plan}-{digest[:10]}"
        about = {"name": name, "namespace": NAMESPACE, "labels": {"launchplan.dev/plan": plan}}
        body = {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": about,
            "data": {"spec": spec, "workflow": content},
            "revision": 1,
        }
        self.api.do("POST", CONTROLLER_REVISIONS.path(NAMESPACE), body)

    def pod(self, run: str, name: str, state: Object | None = None, **spec: Any) -> Object:
        """Create a pod of a run, with its container in a state; None is one that no node has seen."""
        metadata = {"name": name, "namespace": NAMESPACE, "labels": {"batch.kubernetes.io/job-name": run}}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": copy(_POD) | spec}
        created = self.api.do("POST", PODS.path(NAMESPACE), body)
        return self.turns(name, state)() if state is not None else created

    def turns(self, pod: str, state: Object, container: str = "main") -> Callable[[], Object]:
        """Return the step in which a pod's container gets into a state."""
        status = {"containerStatuses": [{"name": container, "state": state}], "phase": "Running"}
        return lambda: self.api.do("PATCH", PODS.path(NAMESPACE, pod, "status"), {"status": status})

    def get(self, kind: Kind, name: str) -> Object:
        """Return an object; it must exist."""
        found = self.api.store.get(kind, (NAMESPACE, name))
        assert found is not None, f"no {kind.kind} {name}"
        return found

    def names(self, kind: Kind) -> list[str]:
        """Return the names of all objects of a kind."""
        return [obj["metadata"]["name"] for obj in self.api.store.of(kind)]


def ready(reason: str, status: str = "True", kind: str = "Ready", message: str = "") -> Object:
    """Return a condition."""
    time = "2026-01-01T00:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": time}


def plan_status(**changed: Any) -> Object:
    """Return the status of a plan with two versions."""
    versions = [
        {"version": VERSION_1, "hash": HASH_1, "workflow": "w" * 10},
        {"version": VERSION_2, "hash": HASH_2, "workflow": "w" * 10},
    ]
    interface = {"parameters": PARAMETERS, "fixedInputs": {"mode": "quick"}, "outputs": INTERFACE["outputs"]}
    status = {
        "observedGeneration": 1,
        "conditions": [ready("Active", message="version 2222222222 is active")],
        "versions": versions,
        "activeVersion": VERSION_2,
        "latestVersion": VERSION_2,
        "interface": interface,
    }
    return {key: value for key, value in (status | changed).items() if value is not None}


def run_status(phase: str, **status: Any) -> Object:
    """Return the status of a run in a phase."""
    return {"phase": phase, "launchPlanVersion": VERSION_2, "origin": {"type": "Manual"}} | status


def broken() -> TransportError:
    """Return what a connection raises that breaks."""
    return TransportError("fake: the connection broke")
