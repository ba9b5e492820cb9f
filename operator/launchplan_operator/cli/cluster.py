"""The cluster as a command sees it: one client, one namespace, and every refusal in a sentence."""

import argparse
import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, Final, Protocol

from launchplan_operator.api.kinds import (
    GROUP,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    REFERENCE_LAUNCH_PLANS,
    WORKFLOW_DEFINITIONS,
    Kind,
)
from launchplan_operator.cli.kubeconfig import find_access
from launchplan_operator.cli.login import Login
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.cli.transport import HttpTransport
from launchplan_operator.kube.client import Client, Reply, Unavailable
from launchplan_operator.kube.transport import Body, Object, Response, Transport

#: The name that the server notes for our writes.
FIELD_MANAGER: Final = "kubectl-launchplan"
_SECONDS: Final = 15.0
#: As the API server has it for most kinds.
_NAME: Final = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
#: How a user calls our kinds.
SHORT: Final = {
    LAUNCH_PLANS: "lp",
    WORKFLOW_DEFINITIONS: "wfd",
    REFERENCE_LAUNCH_PLANS: "rlp",
    LAUNCH_PLAN_EXECUTIONS: "lpx",
}
KINDS: Final = {kind.kind: kind for kind in SHORT}
#: What else can be run, by what a person calls it.
_OTHERS: Final = {WORKFLOW_DEFINITIONS: "workflow", REFERENCE_LAUNCH_PLANS: "reference"}


class Answer(Protocol):
    """The head of an answer, and its body as it comes."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def body(self) -> AsyncIterator[bytes]:
        """The pieces of the body."""
        ...


class Connection(Transport, Protocol):
    """A transport that can also read what is no JSON: a container's log."""

    def open(
        self, method: str, path: str, query: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Answer]:
        """Send a request and read the head of its answer."""
        ...


class Forbidden(Problem):
    """The user may not do this; a command may do without it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One API server, asked in one namespace."""

    client: Client
    connection: Connection
    namespace: str

    async def read(self, kind: Kind, name: str) -> Object:
        """Return an object of the namespace.

        Raises:
            Problem: there is none of that name; the hint is the nearest name.
        """
        return await self.client.get(kind, self.namespace, checked_name(name)) or await self.missing(kind, name)

    async def missing(self, kind: Kind, name: str) -> Object:
        """Raise the problem that there is no such object."""
        hint = ""
        with suppress(Forbidden):  # who may not look around is told what is missing none the less
            hint = await self._nearest(kind, name)
        hint = hint or f"see: kubectl get {SHORT[kind]}"
        message = f"found no {kind.kind} {name!r} in the namespace {self.namespace!r}"
        raise Problem(message, hint=hint, exit_code=FAILURE_EXIT)

    async def _nearest(self, kind: Kind, name: str) -> str:
        """Return a question for what the user may have meant: a workflow of that name, or a name much like it."""
        for other, noun in _OTHERS.items() if kind == LAUNCH_PLANS else ():
            if await self.client.get(other, self.namespace, name):
                return f"did you mean the {noun}, {SHORT[other]}/{name}?"
        names = [obj["metadata"]["name"] for obj in (await self.client.list(kind, self.namespace)).items]
        nearest = get_close_matches(name, names, n=1)
        return f"did you mean {nearest[0]}?" if nearest else ""

    async def change(self, kind: Kind, name: str, spec: Mapping[str, Any]) -> Object:
        """Merge into the spec of an object, and return it as it is then."""
        reply = await self.client.patch(kind, self.namespace, name, {"spec": dict(spec)})
        return await self.missing(kind, name) if reply.not_found else accepted(reply)


#: What a command does with a cluster; it returns the exit code.
Task = Callable[[Cluster, argparse.Namespace], Awaitable[int]]


def checked_name(name: str) -> str:
    """Return a name that an object can have.

    Raises:
        Problem: none can have this one; it must not get into a path or a selector.
    """
    if _NAME.fullmatch(name):
        return name
    raise Problem(f"found the name {name!r}, expected lower-case letters, digits, - and .")


def accepted(reply: Reply) -> Object:
    """Return the object that a write made.

    Raises:
        Problem: the server refused it; the message is the server's.
    """
    if reply.ok:
        return reply.body
    raise Problem(f"the API server refuses it: {reply.message}", exit_code=FAILURE_EXIT)


def shown(obj: Object) -> Object:
    """Return an object as kubectl shows it: without the notes of who wrote which field."""
    return obj | {"metadata": {key: value for key, value in obj["metadata"].items() if key != "managedFields"}}


def with_cluster(options: argparse.Namespace, task: Task, seconds: float = _SECONDS) -> int:
    """Run a command's task against the cluster that its options name; returns the exit code.

    Args:
        options: with `namespace`, `context` and `kubeconfig`.
        task: the command.
        seconds: how long one call may take.

    Raises:
        Problem: the cluster is not found, does not answer, or refuses.
    """
    return asyncio.run(_told(options, task, seconds))


def read_one(options: argparse.Namespace, kind: str, name: str) -> Object:
    """Return an object of the cluster.

    Raises:
        Problem: as `with_cluster`, or there is no such object.
    """
    found: list[Object] = []

    async def read(cluster: Cluster, _options: argparse.Namespace) -> int:
        found.append(await cluster.read(KINDS[kind], name))
        return 0

    with_cluster(options, read)
    return found[0]


def connect(options: argparse.Namespace, seconds: float = _SECONDS) -> Cluster:
    """Return the cluster that the options name; nothing is sent yet."""
    access = find_access(options.kubeconfig, options.context)
    connection = _Spoken(HttpTransport(access, Login(access)))
    client = Client(connection, timeout=seconds, field_manager=FIELD_MANAGER)
    return Cluster(client, connection, checked_name(options.namespace or access.namespace))


def present() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


async def _told(options: argparse.Namespace, task: Task, seconds: float) -> int:
    try:
        return await task(connect(options, seconds), options)
    except Unavailable as error:
        raise Problem(f"the API server gave no usable answer: {error}") from None


class _Spoken:
    """Turns the refusals that every command would meet alike into problems, before the client sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request."""
        response = await self._connection.request(method, path, query=query, body=body, content_type=content_type)
        raise_refusal(path, response.status, response.body)
        return response

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Object]]:
        """Open a watch."""
        async with self._connection.stream(path, query) as lines:
            yield _checked(path, lines)

    def open(
        self, method: str, path: str, query: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Answer]:
        """Send a request, and leave its answer to the caller."""
        return self._connection.open(method, path, query)


async def _checked(path: str, lines: AsyncIterator[Object]) -> AsyncIterator[Object]:
    async for line in lines:
        if line["type"] == "ERROR":
            raise_refusal(path, int(line["object"].get("code") or 0), line["object"])
        yield line


def raise_refusal(path: str, status: int, body: Object) -> None:
    """Raise the problem that a status stands for, if it is one that no command can mend.

    Raises:
        Problem: nobody is logged in, the user may not do this, or the kind is unknown to the server.
    """
    message = str(body.get("message") or "")
    if status == HTTPStatus.UNAUTHORIZED:
        raise Problem(
            "the API server does not know who you are: 401 Unauthorized",
            hint="the kubeconfig's credentials are wrong or expired; see: kubectl auth whoami",
        )
    if status == HTTPStatus.FORBIDDEN:
        raise Forbidden(f"the API server forbids it: {message}", hint="see: kubectl auth can-i --list")
    if status == HTTPStatus.NOT_FOUND and not (body.get("details") or {}).get("name"):
        if f"/apis/{GROUP}/" not in path:
            raise Problem(f"the API server does not know {path}")
        raise Problem(
            f"the API server does not know {GROUP}: the operator's CRDs are not installed",
            hint="kubectl apply -f crds/",
        )
