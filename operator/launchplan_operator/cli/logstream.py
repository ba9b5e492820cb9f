"""Streams of pods' logs: each pod once, each byte once, also over a connection that breaks."""

import asyncio
import json
import sys
from contextlib import aclosing
from http import HTTPStatus
from typing import Final

from launchplan_operator.api.kinds import PODS
from launchplan_operator.cli.cluster import Answer, Cluster, raise_refusal
from launchplan_operator.cli.pods import JOB_LABEL, Choose, container_state, has_begun, in_order, waiting_text
from launchplan_operator.cli.problems import FAILURE_EXIT, Problem
from launchplan_operator.cli.watching import follow
from launchplan_operator.kube.transport import Object, TransportError

_PAUSE: Final = 1.0
_ATTEMPTS: Final = 10
#: How long the rest of a log may take once the run has ended.
_REST_SECONDS: Final = 10.0


class Viewer:
    """Shows the pods of one run, each when it begins.

    Args:
        cluster: where.
        run: the run's name, which is its Job's.
        choose: which container of each pod.
    """

    def __init__(self, cluster: Cluster, run: str, choose: Choose) -> None:
        self._cluster = cluster
        self._run = run
        self._choose = choose
        self._shown: set[str] = set()
        self._told = ""
        self._current: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        """Show every pod of the run as it begins, without end."""
        async with aclosing(follow(self._cluster, PODS, labels=f"{JOB_LABEL}={self._run}")) as states:
            async for pods in states:
                for pod in in_order(list(pods.values())):
                    await self._show(pod, follow=True)

    async def finish(self) -> None:
        """Show what is left to show of a run that has ended."""
        if self._current is not None:
            await asyncio.wait({self._current}, timeout=_REST_SECONDS)
        for pod in in_order(await pods_of(self._cluster, self._run)):
            await self._show(pod, follow=False)

    async def _show(self, pod: Object, *, follow: bool) -> None:
        container = self._choose(pod)
        if pod["metadata"]["uid"] in self._shown:
            return
        if not has_begun(pod, container):
            self._tell(waiting_text(pod, container))
            return
        self._shown.add(pod["metadata"]["uid"])
        self._current = asyncio.create_task(copy_log(self._cluster, pod, container, follow=follow))
        await self._current

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()


async def pods_of(cluster: Cluster, run: str) -> list[Object]:
    """Return the pods of a run."""
    return (await cluster.client.list(PODS, cluster.namespace, {JOB_LABEL: run})).items


async def copy_log(cluster: Cluster, pod: Object, container: str, *, follow: bool) -> None:
    """Copy a container's log to stdout; with `follow` until the container has ended.

    Raises:
        Problem: there is no log to be had.
    """
    log = _Log(cluster, pod, container)
    failures = 0
    while failures < _ATTEMPTS:
        before = log.written
        try:
            await log.copy(follow=follow)
            if not follow or not await log.grows():
                return
        except TransportError as error:
            if not follow:
                raise Problem(f"the log broke off: {error}", exit_code=FAILURE_EXIT) from None
        failures = 0 if log.written > before else failures + 1
        await asyncio.sleep(_PAUSE)
    raise Problem(f"the log of pod {pod['metadata']['name']} broke off", hint="the run goes on", exit_code=FAILURE_EXIT)


class _Log:
    """One container's log, and how much of it was written to stdout."""

    def __init__(self, cluster: Cluster, pod: Object, container: str) -> None:
        self.written = 0
        self._cluster = cluster
        self._pod = pod
        self._container = container

    async def copy(self, *, follow: bool) -> None:
        """Write what was not written yet, as it comes, until the server ends the stream."""
        path = PODS.path(self._cluster.namespace, self._pod["metadata"]["name"], "log")
        query = {"container": self._container} | ({"follow": "true"} if follow else {})
        async with self._cluster.connection.open("GET", path, query) as answer:
            if answer.status != HTTPStatus.OK:
                await self._refuse(answer, path)
            known = self.written
            async for piece in answer.body:
                fresh = piece[known:]
                known = max(0, known - len(piece))
                self.written += len(fresh)
                sys.stdout.buffer.write(fresh)
                sys.stdout.buffer.flush()

    async def grows(self) -> bool:
        """Tell whether the container still runs, so that its log was cut off."""
        selector = f"metadata.name={self._pod['metadata']['name']}"
        pods = (await self._cluster.client.list(PODS, self._cluster.namespace, fields=selector)).items
        return bool(pods) and "running" in container_state(pods[0], self._container)

    async def _refuse(self, answer: Answer, path: str) -> None:
        body = _status(b"".join([piece async for piece in answer.body]))
        raise_refusal(path, answer.status, body)
        name = self._pod["metadata"]["name"]
        message = f"there is no log of pod {name}: {answer.status} {body.get('message') or ''}".rstrip()
        raise Problem(message, exit_code=FAILURE_EXIT)


def _status(data: bytes) -> Object:
    try:
        decoded = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace").strip()}
    return decoded if isinstance(decoded, dict) else {}
