"""The operator beside a cluster: installed under the chart's own role, run from this checkout as a process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcluster.places import SOURCE, LocalClusterError
from localcluster.processes import die_with_parent

#: Runs kubectl with these arguments and standard input; returns its output, raises on failure.
Kubectl = Callable[..., str]

ROOT = SOURCE.parent
SYSTEM_NAMESPACE = "launchplan-system"
ACCOUNT = "launchplan-operator"
_ROLE = ROOT / "helm" / "launchplan-operator" / "role.yaml"
_POLL_SECONDS = 0.05
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_TAIL_CHARACTERS = 3000


def install(kubectl: Kubectl) -> None:
    """Apply the CRDs, the operator's ServiceAccount, and the role of the Helm chart."""
    kubectl("apply", "-f", str(ROOT / "crds"))
    kubectl("apply", "-f", "-", stdin=_account_manifest())
    kubectl("wait", "--for=condition=Established", "-f", str(ROOT / "crds"), "--timeout=60s")


def write_operator_kubeconfig(kubectl: Kubectl, path: Path, admin: Mapping[str, Any]) -> Path:
    """Write a kubeconfig with a token of the operator's ServiceAccount for the cluster of a flat `admin` kubeconfig."""
    token = kubectl("create", "token", ACCOUNT, "-n", SYSTEM_NAMESPACE, "--duration=24h").strip()
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

    def start(self, *, detached: bool = False) -> int:
        """Start it; unless detached it ends with this process. Returns its pid."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", "/"),
            "KUBECONFIG": str(self.kubeconfig),
            "LAUNCHPLAN_OPERATOR_HEALTH_PORT": str(self.port),
            **self.environment,
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "launchplan_operator", "run"],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=detached,
                preexec_fn=None if detached else die_with_parent(),  # noqa: PLW1509 - the starter has no threads
            )
        return self._process.pid

    def await_ready(self) -> None:
        """Wait until its caches are filled.

        Raises:
            LocalClusterError: it ended, or took too long; the text holds the end of its log.
        """
        deadline = time.monotonic() + _READY_SECONDS
        while not self.is_ready():
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                text = self.log.read_text(errors="replace")[-_TAIL_CHARACTERS:]
                msg = f"the operator {'ended' if ended else 'did not become ready'}:\n{text}"
                raise LocalClusterError(msg)
            time.sleep(_POLL_SECONDS)  # a process that starts cannot be watched

    def is_ready(self) -> bool:
        """Tell whether `/readyz` says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)  # noqa: PLR2004
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """Ask it to end and wait; a process that does not end is killed."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
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


def stop_detached(pid_file: Path) -> None:
    """End an operator that was started detached, if it still runs."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int(pid_file.read_text())
        if b"launchplan_operator" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)
    pid_file.unlink(missing_ok=True)


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
{_ROLE.read_text()}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {ACCOUNT}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {ACCOUNT}}}
subjects:
  - {{kind: ServiceAccount, name: {ACCOUNT}, namespace: {SYSTEM_NAMESPACE}}}
"""
