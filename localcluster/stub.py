"""Finishes pods where no kubelet runs: with the timing, exit code and last words that a plan tells.

Without a plan of its own it reads the pod's annotations: `stub.localcluster/duration` (seconds, default 0.2),
`stub.localcluster/exit-code`, `stub.localcluster/message` (the termination message), `stub.localcluster/container` (whose
they are; default the first), `stub.localcluster/hold` ("true": runs on until that is changed or removed; "pending": not
even started).
"""

import heapq
import itertools
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol, Self

from localcluster.api import MERGE_PATCH, Api, ApiUnavailableError, Object, Watch
from localcluster.kubeconfig import read_kubeconfig
from localcluster.pki import STUB, User
from localcluster.podlife import NODE_NAME, Bind, Forget, Plan, Sleep, Step, Write, next_step, plan_of

_PODS = "/api/v1/pods"
_PAUSE_SECONDS = 0.5
_GONE = frozenset({404, 409})

Decide = Callable[[Object], Plan]


class Reachable(Protocol):
    """What gives the stub its access: a `LocalCluster`."""

    def api(self, user: User) -> Api:
        """A client for a user."""
        ...


class Stub:
    """Plays kubelet for every pod of a cluster; as a context manager it stops at the end of the block.

    `decide` tells each pod's plan. It is called whenever a pod is looked at, by several threads: it should be quick.
    """

    def __init__(self, cluster: Reachable | Api, decide: Decide = plan_of, workers: int = 6) -> None:
        self._api = cluster if isinstance(cluster, Api) else cluster.api(STUB)
        self._decide = decide
        self._pods: dict[str, Object] = {}
        self._began: dict[str, float] = {}
        self._busy: set[str] = set()
        self._again: set[str] = set()
        self._lock = threading.Lock()
        self._ready: SimpleQueue[str | None] = SimpleQueue()
        self._timers = _Timers(self._ready.put)
        self._stopping = threading.Event()
        self._watch: Watch | None = None
        self._threads = [threading.Thread(target=self._work, name=f"stub-{n}", daemon=True) for n in range(workers)]
        self._watcher = threading.Thread(target=self._follow, name="stub-watch", daemon=True)

    def start(self) -> Self:
        """Register the node and begin."""
        self._register()
        self._timers.start()
        for thread in (*self._threads, self._watcher):
            thread.start()
        return self

    def stop(self) -> None:
        """Stop; pods stay as they are."""
        self._stopping.set()
        while self._watcher.is_alive():  # a watch that is only just being opened cannot be stopped yet
            if self._watch:
                self._watch.stop()
            self._watcher.join(0.05)
        self._timers.stop()
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join()
        self._api.close()

    def poke(self) -> None:
        """Look at every pod again, for plans that changed without their pods."""
        with self._lock:
            uids = list(self._pods)
        for uid in uids:
            self._ready.put(uid)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _register(self) -> None:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME, "labels": {"type": "stub"}}}
        self._check(self._api.request("POST", "/api/v1/nodes", node).status)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {"type": "Ready", "status": "True", "reason": "Stub", "message": "a stub finishes pods"}
        times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
        room = {"cpu": "64", "memory": "256Gi", "pods": "10000"}
        status = {"conditions": [ready | times], "capacity": room, "allocatable": room}
        path = f"/api/v1/nodes/{NODE_NAME}/status"
        self._check(self._api.request("PATCH", path, {"status": status}, MERGE_PATCH).status)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            with suppress(ApiUnavailableError):
                self._watch_once(self._list())
            self._stopping.wait(0.05)

    def _list(self) -> str:
        reply = self._api.request("GET", _PODS)
        if not reply.ok:
            raise ApiUnavailableError(str(reply.body.get("message")))
        items = reply.body["items"]
        present = {pod["metadata"]["uid"] for pod in items}
        for uid in [uid for uid in tuple(self._pods) if uid not in present]:
            self._drop(uid)
        for pod in items:
            self._observe(pod)
        return str(reply.body["metadata"]["resourceVersion"])

    def _watch_once(self, version: str) -> None:
        self._watch = self._api.watch(f"{_PODS}?resourceVersion={version}&timeoutSeconds=300")
        for event in self._watch:
            if event["type"] == "ERROR":
                return
            if event["type"] == "DELETED":
                self._drop(event["object"]["metadata"]["uid"])
            else:
                self._observe(event["object"])

    def _observe(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if self._remember(pod):
            self._ready.put(uid)

    def _remember(self, pod: Object) -> bool:
        uid = pod["metadata"]["uid"]
        with self._lock:
            known = self._pods.get(uid)
            if known and _version(known) >= _version(pod):
                return False
            self._pods[uid] = pod
            return True

    def _drop(self, uid: str) -> None:
        with self._lock:
            self._pods.pop(uid, None)
            self._began.pop(uid, None)

    def _work(self) -> None:
        while (uid := self._ready.get()) is not None:
            with self._lock:
                if uid in self._busy:
                    self._again.add(uid)
                    continue
                self._busy.add(uid)
            try:
                self._advance(uid)
            except ApiUnavailableError:
                self._timers.add(time.monotonic() + _PAUSE_SECONDS, uid)
            finally:
                self._release(uid)

    def _release(self, uid: str) -> None:
        with self._lock:
            self._busy.discard(uid)
            again = uid in self._again
            self._again.discard(uid)
        if again:
            self._ready.put(uid)

    def _advance(self, uid: str) -> None:
        while (pod := self._pods.get(uid)) is not None and not self._stopping.is_set():
            step = next_step(pod, self._decide(pod), self._began.get(uid), time.monotonic(), datetime.now(UTC))
            if step is None:
                return
            if isinstance(step, Sleep):
                self._timers.add(step.until, uid)
                return
            if not self._take(uid, pod, step):
                return

    def _take(self, uid: str, pod: Object, step: Step) -> bool:
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if isinstance(step, Bind):
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE_NAME}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"], "uid": uid}}
            self._check(self._api.request("POST", f"{path}/binding", binding | {"target": target}).status)
            return False  # the watch brings the bound pod
        if isinstance(step, Forget):
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
            self._check(self._api.request("DELETE", path, options).status)
            return False
        if isinstance(step, Write):
            if step.starts:
                self._began[uid] = time.monotonic()
            body = {"metadata": {"uid": uid}, "status": step.status}
            reply = self._api.request("PATCH", f"{path}/status", body, MERGE_PATCH)
            self._check(reply.status)
            return reply.ok and self._remember(reply.body)
        return False

    @staticmethod
    def _check(status: int) -> None:
        # Gone or replaced meanwhile: the watch tells. Anything else may pass.
        if status >= 400 and status not in _GONE:  # noqa: PLR2004 - where HTTP's errors begin
            raise ApiUnavailableError(f"status {status}")


class _Timers:
    """One thread that hands out keys when their time has come."""

    def __init__(self, due: Callable[[str], None]) -> None:
        self._due = due
        self._heap: list[tuple[float, int, str]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="stub-timers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, at: float, key: str) -> None:
        with self._changed:
            heapq.heappush(self._heap, (at, next(self._count), key))
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                while self._heap and self._heap[0][0] <= now:
                    self._due(heapq.heappop(self._heap)[2])
                self._changed.wait(self._heap[0][0] - now if self._heap else None)


def _version(pod: Object) -> int:
    return int(pod["metadata"]["resourceVersion"])


def main(kubeconfig: Path) -> None:
    """Play kubelet until a signal comes, waiting for the API server first."""
    ended = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: ended.set())
    url, ca, token = read_kubeconfig(kubeconfig)
    while not ended.is_set():
        stub = Stub(Api(url, ca, token))
        with suppress(ApiUnavailableError), stub:
            ended.wait()
        ended.wait(_PAUSE_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
