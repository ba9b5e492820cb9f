"""Starts, finds and stops local clusters; what the tests, the benchmark and the command line build on."""

import contextlib
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from localcluster import build, images, nodes, toolsets
from localcluster.api import Api, ApiUnavailableError
from localcluster.launch import Record, clean, launch
from localcluster.pki import ADMIN, NODE_NAME, User
from localcluster.places import LocalClusterError, Say, cluster_dir, clusters_root, locked, silent
from localcluster.supervised import Process, detach, end_supervisor, is_supervised, read_state
from localcluster.supervisor import INSIDE, LOCK

NodeChoice = Literal["auto", "real", "stub", "none"]

_CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
_START_SECONDS = 120.0
_POLL_SECONDS = 0.05
_TOO_MANY_RESTARTS = 6
_ATTEMPTS = 3
_TAIL_CHARACTERS = 1500


@dataclass(slots=True)
class LocalCluster:
    """One running Kubernetes on this machine; as a context manager it stops at the end of the block.

    Attributes:
        record: where its parts are, and what its node is.
    """

    record: Record
    _process: Process | None = field(default=None, repr=False)

    @classmethod
    def start(
        cls,
        name: str,
        *,
        node: NodeChoice = "auto",
        audit: bool = False,
        throttled: bool = False,
        wait: bool = True,
        say: Say = silent,
    ) -> Self:
        """Start a cluster that lives until `stop` or until this process ends, however it ends.

        Programs that are not built yet are built first, which takes minutes. Returns once the API server is ready and
        the default service account exists; with `wait`, once a real node is Ready too.

        Args:
            name: a DNS label; instances of different names run side by side.
            node: "real" needs Linux and root, "stub" finishes pods as their annotations tell, "none" leaves pods alone,
                "auto" is real where that is possible, else stub.
            audit: write an audit log of level Metadata.
            throttled: leave the controllers Kubernetes' own client limits, 20 requests a second.
            wait: whether to wait for a real node.
            say: is told the progress.

        Raises:
            LocalClusterError: the name is taken by a running cluster, or something did not start.
        """
        directory = cluster_dir(name)
        with locked(_start_lock(name), lambda: say(f"another process starts {name}: waiting")):
            if is_supervised(directory):
                msg = f"a cluster {name} is running already"
                raise LocalClusterError(msg)
            chosen, why, binaries = prepare(node, say)
            for attempt in range(1, _ATTEMPTS + 1):
                cluster = cls(*launch(directory, binaries, chosen, why, audit=audit, throttled=throttled))
                try:
                    cluster.await_ready(say, wait=wait)
                except BaseException as error:
                    cluster.stop(keep_files=True)
                    # A port that was free a moment ago is somebody else's now: try others.
                    if attempt < _ATTEMPTS and "address already in use" in str(error):
                        continue
                    raise
                break
            return cluster

    @classmethod
    def attach(cls, name: str) -> Self:
        """A running cluster that was started elsewhere.

        Raises:
            LocalClusterError: no cluster of that name runs.
        """
        directory = cluster_dir(name)
        if is_supervised(directory):
            with contextlib.suppress(FileNotFoundError):
                return cls(Record.read(directory))
        msg = f"no cluster {name} is running; python3 -m localcluster up --name {name}"
        raise LocalClusterError(msg)

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.record.layout.name

    @property
    def directory(self) -> Path:
        """The directory with its certificates, logs and data."""
        return self.record.layout.directory

    @property
    def node(self) -> str:
        """What runs pods: "real", "stub" or "none"."""
        return self.record.node

    @property
    def url(self) -> str:
        """The API server's URL."""
        return self.record.layout.url

    @property
    def context(self) -> str:
        """The name of the kubeconfig's context."""
        return self.record.layout.context

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig for an administrator."""
        return self.directory / "kubeconfig"

    @property
    def ca(self) -> Path:
        """The certificate authority, in PEM."""
        return self.record.layout.pki.path("ca.crt")

    @property
    def audit_log(self) -> Path:
        """One JSON event a line; exists if the cluster was started with `audit`."""
        return self.directory / "audit.log"

    @property
    def pid(self) -> int:
        """The supervisor's process id; its death is the cluster's."""
        return int(self.state()["pid"])

    @property
    def attached(self) -> bool:
        """Whether it ends with the process that started it, and that process lives."""
        return bool(self.state().get("attached", True))

    def log(self, component: str) -> Path:
        """The log of `kube-apiserver`, `etcd`, `supervisor` and so on."""
        return self.directory / "logs" / f"{component}.log"

    def program(self, name: str) -> str:
        """The absolute path of a Kubernetes program, such as `kubectl`."""
        return self.record.layout.program(name)

    def inside(self, *command: str) -> list[str]:
        """The command that runs `command` among a real node's mounts and in its network, as root."""
        return ["nsenter", "--target", str(self.inside_pid()), "--mount", "--net", *command]

    def inside_pid(self) -> int:
        """The pid, on this machine, of the first process of a real node's namespaces."""
        return int((self.directory / INSIDE).read_text())

    def api(self, user: User = ADMIN) -> Api:
        """A client for one of `localcluster.pki.USERS`; close it."""
        return Api(self.url, self.ca.read_text(), self.record.layout.pki.token(user))

    def kubeconfig_of(self, user: User, path: Path) -> Path:
        """Write a kubeconfig for one of `localcluster.pki.USERS` to `path`."""
        return self.record.layout.kubeconfig_of(user, path)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator; returns its standard output.

        Raises:
            LocalClusterError: kubectl failed; the text is what it wrote to standard error.
        """
        command = [self.program("kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments]
        run = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if run.returncode:
            raise LocalClusterError(run.stderr.strip() or f"kubectl exited with {run.returncode}")
        return run.stdout

    def state(self) -> dict[str, Any]:
        """What the supervisor tells of itself and of each component.

        Raises:
            LocalClusterError: the supervisor has written nothing yet.
        """
        return read_state(self.directory)

    def detach(self) -> None:
        """Let the cluster outlive this process."""
        if self._process:
            detach(self._process)

    def stop(self, *, keep_files: bool = False) -> None:
        """End every process of the cluster, in order, and remove its files unless told to keep them."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
        end_supervisor(self.directory)
        if self._process:
            self._process.wait()
        if not keep_files:
            sweep(self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def await_ready(self, say: Say, *, wait: bool) -> None:
        """Wait until the control plane answers; with `wait`, until a real node is Ready too.

        Raises:
            LocalClusterError: it took too long, or a component keeps ending; the text holds the ends of its logs.
        """
        began = time.monotonic()
        with contextlib.closing(self.api()) as api:
            self._await(lambda: _answers(api, "/readyz"), "the API server")
            self._await(lambda: _answers(api, "/api/v1/namespaces/default/serviceaccounts/default"), "the controllers")
            say(f"control plane ready after {time.monotonic() - began:.1f} s: {self.url}")
            if self.node == "real":
                self._await((self.directory / nodes.CONTAINERD_SOCKET_OUTSIDE).exists, "containerd")
                images.import_base_images(self)
                if wait:
                    self._await(lambda: nodes.is_ready(api, NODE_NAME), "the node")
                    say(f"node ready after {time.monotonic() - began:.1f} s")

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not condition():
            trouble = self._trouble()
            if not trouble and time.monotonic() > deadline:
                trouble = [*self.components()]
            if trouble:
                msg = f"{what} did not become ready:\n" + "\n".join(self._tail(each) for each in trouble)
                raise LocalClusterError(msg)
            time.sleep(_POLL_SECONDS)  # an API server that is not up cannot be watched

    def components(self) -> dict[str, dict[str, int]]:
        """Each component's pid (0: not running), restarts and last exit status."""
        components: dict[str, dict[str, int]] = self.state()["components"]
        return components

    def _trouble(self) -> list[str]:
        if self._process and self._process.poll() is not None:
            return ["supervisor"]
        with contextlib.suppress(LocalClusterError):
            return [name for name, each in self.components().items() if each["restarts"] >= _TOO_MANY_RESTARTS]
        return []

    def _tail(self, component: str) -> str:
        path = self.log(component)
        text = path.read_text(errors="replace") if path.exists() else ""
        return f"--- {path}\n{text[-_TAIL_CHARACTERS:]}"


def prepare(node: NodeChoice, say: Say) -> tuple[str, str, Path]:
    """Install and build what `start` needs for a choice of node; minutes the first time.

    Returns:
        The node that it comes to ("real", "stub", "none"), why, and the directory of the Kubernetes programs.

    Raises:
        LocalClusterError: a real node is impossible and nothing else would do, or a build failed.
    """
    chosen, why = _choose_node(node, say)
    return chosen, why, build.ensure(toolsets.KUBERNETES, _needed(chosen), say)


def running() -> list[LocalCluster]:
    """All clusters of this user that run, by name."""
    found = []
    for path in _locks():
        with contextlib.suppress(LocalClusterError):  # it stopped meanwhile, or has only just begun
            each = LocalCluster.attach(path.parent.name)
            each.state()
            found.append(each)
    return found


def dead() -> list[Path]:
    """The directories of clusters that do not run any more."""
    return [path.parent for path in _locks() if not is_supervised(path.parent)]


def sweep(name: str) -> bool:
    """Remove what a dead cluster left behind; False if it is alive after all."""
    directory = cluster_dir(name)
    with locked(_start_lock(name)):  # a cluster that is being started may look dead
        if is_supervised(directory):
            return False
        clean(directory)
        _start_lock(name).unlink()
    return True


def _locks() -> list[Path]:
    return sorted(clusters_root().glob(f"*/{LOCK}"))


def _start_lock(name: str) -> Path:
    return clusters_root() / f"{name}.lock"


def _choose_node(choice: NodeChoice, say: Say) -> tuple[str, str]:
    if choice in {"stub", "none"}:
        return choice, ""
    reason = nodes.can_run_node() or nodes.prepare(say)
    if reason is None:
        return "real", ""
    if choice == "real":
        msg = f"no real node is possible here: {reason}"
        raise LocalClusterError(msg)
    say(f"no real node is possible here ({reason}): a stub finishes pods")
    return "stub", reason


def _needed(node: str) -> tuple[str, ...]:
    return (*_CONTROL_PLANE, "kubelet", "kube-scheduler") if node == "real" else _CONTROL_PLANE


def _answers(api: Api, path: str) -> bool:
    try:
        return api.request("GET", path).ok
    except ApiUnavailableError:
        return False
