"""The operator beside a cluster: installed under the chart's own role, run from this checkout as a process."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from localcluster.components import Component
from localcluster.places import SOURCE, LocalClusterError
from localcluster.processes import die_with_parent
from localcluster.supervised import detach, end_supervisor, is_supervised, read_state, start_supervisor
from localcluster.supervisor import Spec

#: Runs kubectl with these arguments and standard input; returns its output, raises on failure.
Kubectl = Callable[..., str]

ROOT = SOURCE.parent
SYSTEM_NAMESPACE = "launchplan-system"
ACCOUNT = "launchplan-operator"
#: What the supervisor calls it, and the directory that it has in its cluster's.
OPERATOR = "operator"
_COMMAND = (sys.executable, "-m", "launchplan_operator", "run")
CHART = ROOT / "helm" / "launchplan-operator"
ROLE = CHART / "files" / "rbac" / "role.yaml"
#: Rules that follow those of ROLE for an operator that serves the whole cluster.
CLUSTER_RULES = CHART / "files" / "rbac" / "cluster-rules.yaml"
LEASE_ROLE = CHART / "files" / "rbac" / "lease-role.yaml"
_POLICIES = CHART / "files" / "policies"
_POLL_SECONDS = 0.05
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_TAIL_CHARACTERS = 3000
_TOO_MANY_RESTARTS = 2
_TOKEN_DURATION = "8760h"  # noqa: S105 - an API server may shorten it


def install(kubectl: Kubectl, *, without: Collection[str] = ()) -> None:
    """Apply the CRDs, the operator's ServiceAccount, and the roles and the policies of the Helm chart.

    Args:
        kubectl: runs kubectl as an administrator.
        without: the policies that are left out, such as `input-in-both`.
    """
    kubectl("apply", "-f", str(ROOT / "crds"))
    kubectl("apply", "-f", "-", stdin=_account_manifest())
    policies = [str(each) for each in sorted(_POLICIES.iterdir()) if each.stem not in without]
    kubectl("apply", *(part for each in policies for part in ("-f", each)))
    kubectl("wait", "--for=condition=Established", "-f", str(ROOT / "crds"), "--timeout=60s")


def write_operator_kubeconfig(
    kubectl: Kubectl, path: Path, admin: Mapping[str, Any], account: tuple[str, str] = (SYSTEM_NAMESPACE, ACCOUNT)
) -> Path:
    """Write a kubeconfig with a token of the operator's ServiceAccount for the cluster of a flat `admin` kubeconfig.

    Args:
        kubectl: runs kubectl as an administrator.
        path: of the file.
        admin: the kubeconfig of the cluster.
        account: the namespace and the name of the ServiceAccount.
    """
    namespace, name = account
    token = kubectl("create", "token", name, "-n", namespace, f"--duration={_TOKEN_DURATION}").strip()
    user = admin["contexts"][0]["context"]["user"]
    path.touch(mode=0o600)
    path.write_text(json.dumps({**admin, "users": [{"name": user, "user": {"token": token}}]}))
    return path


@dataclass(slots=True)
class OperatorProcess:
    """`python -m launchplan_operator run` as a child process.

    Attributes:
        kubeconfig: whom it acts as, and where.
        log: where its log goes.
        port: of its health endpoints.
        environment: further settings.
    """

    kubeconfig: Path
    log: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> int:
        """Start it; it ends with this process. Returns its pid."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                _COMMAND,
                env=_inherited() | _environment(self.kubeconfig, self.port) | dict(self.environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - the starter has no threads
            )
        return self._process.pid

    def await_ready(self) -> None:
        """Wait until its caches are filled.

        Raises:
            LocalClusterError: it ended, or took too long; the text holds the end of its log.
        """
        await_ready(self.port, self.log, lambda: self._process is None or self._process.poll() is not None)

    def is_ready(self) -> bool:
        """Tell whether `/readyz` says so."""
        return is_ready(self.port)

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Wait until it has ended by itself; returns its exit code.

        Raises:
            LocalClusterError: it was not started, or runs on.
        """
        if self._process is None:
            raise LocalClusterError("the operator was not started")
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise LocalClusterError(f"the operator did not end within {seconds:g} s") from None

    def stop(self) -> None:
        """Ask it to end and wait; a process that does not end is killed."""
        if self._process is None:
            return
        self.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def keep_operator(kubeconfig: Path, directory: Path, follows: Path | None) -> Path:
    """Start the operator under a supervisor of its own, anew if it runs there already, and wait until it is ready.

    Args:
        kubeconfig: whom it acts as, and where.
        directory: of the supervisor.
        follows: the directory of a cluster's supervisor with which it ends; None if only `end_operator` shall end it.

    Returns:
        Its log.

    Raises:
        LocalClusterError: it did not become ready; the text holds the end of its log.
    """
    end_operator(directory)
    (directory / "logs").mkdir(parents=True, exist_ok=True, mode=0o700)
    port = free_port()
    component = Component(OPERATOR, _COMMAND, environment=_environment(kubeconfig, port))
    Spec((component,), follows=str(follows or "")).write(directory)
    process = start_supervisor(directory)
    log = directory / "logs" / f"{OPERATOR}.log"
    await_ready(port, log, lambda: process.poll() is not None or _restarts(directory) > _TOO_MANY_RESTARTS)
    detach(process)
    return log


def end_operator(directory: Path) -> bool:
    """End the operator that `keep_operator` started there; whether one ran."""
    ran = is_supervised(directory)
    end_supervisor(directory)
    return ran


def is_ready(port: int) -> bool:
    """Tell whether an operator with its health endpoints on `port` says that its caches are filled."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def await_ready(port: int, log: Path, ended: Callable[[], bool]) -> None:
    """Wait until an operator is ready.

    Raises:
        LocalClusterError: it ended, or took too long; the text holds the end of its log.
    """
    deadline = time.monotonic() + _READY_SECONDS
    while not is_ready(port):
        gone = ended()
        if gone or time.monotonic() > deadline:
            text = log.read_text(errors="replace")[-_TAIL_CHARACTERS:] if log.exists() else ""
            msg = f"the operator {'ended' if gone else 'did not become ready'}, says {log}:\n{text}"
            raise LocalClusterError(msg)
        time.sleep(_POLL_SECONDS)  # a process that starts cannot be watched


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _restarts(directory: Path) -> int:
    try:
        return int(read_state(directory)["components"][OPERATOR]["restarts"])
    except LocalClusterError:
        return 0


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def _environment(kubeconfig: Path, port: int) -> dict[str, str]:
    return {
        "KUBECONFIG": str(kubeconfig),
        "LAUNCHPLAN_OPERATOR_HEALTH_PORT": str(port),
        "LAUNCHPLAN_OPERATOR_LEADER_ELECTION": "true",
        "LAUNCHPLAN_OPERATOR_LEASE_NAMESPACE": SYSTEM_NAMESPACE,
        # This checkout's operator, wherever the environment's own was installed from.
        "PYTHONPATH": str(ROOT / "operator"),
    }


def _account_manifest() -> str:
    return f"""\
apiVersion: v1
kind: Namespace
metadata: {{name: {SYSTEM_NAMESPACE}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {ACCOUNT}, namespace: {SYSTEM_NAMESPACE}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {ACCOUNT}}}
{ROLE.read_text()}{CLUSTER_RULES.read_text()}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {ACCOUNT}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {ACCOUNT}}}
subjects:
  - {{kind: ServiceAccount, name: {ACCOUNT}, namespace: {SYSTEM_NAMESPACE}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: {ACCOUNT}, namespace: {SYSTEM_NAMESPACE}}}
{LEASE_ROLE.read_text()}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {ACCOUNT}, namespace: {SYSTEM_NAMESPACE}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {ACCOUNT}}}
subjects:
  - {{kind: ServiceAccount, name: {ACCOUNT}, namespace: {SYSTEM_NAMESPACE}}}
"""
