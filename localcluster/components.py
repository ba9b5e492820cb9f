"""The command line of each part of the control plane."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from localcluster import pki
from localcluster.kubeconfig import write_kubeconfig
from localcluster.pki import Pki, User
from localcluster.places import SOURCE

SERVICE_RANGE = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"

# Stopped in this order: whoever writes first, what it writes to last.
CLIENTS, SERVERS, STORE = range(3)

_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""


@dataclass(frozen=True, slots=True)
class Component:
    """A program that the supervisor keeps running.

    Attributes:
        name: its log is `logs/<name>.log`.
        argv: absolute program and arguments.
        stage: when it is stopped, lowest first.
        needs: a file that must exist before it is started; empty for none.
        environment: variables beside the supervisor's own.
    """

    name: str
    argv: tuple[str, ...]
    stage: int = CLIENTS
    needs: str = ""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a cluster's parts listen and keep their files.

    Attributes:
        directory: the cluster's own directory.
        binaries: the directory of the Kubernetes programs.
        name: the cluster's name.
        host: the API server's address, seen from this machine.
        port: its port.
        etcd_port: etcd's port on loopback.
        real_node: pods run in containers here, so a scheduler is needed.
        audit: write `audit.log`.
        throttled: leave the controllers the client limits that Kubernetes gives them.
    """

    directory: Path
    binaries: Path
    name: str
    host: str
    port: int
    etcd_port: int
    real_node: bool = False
    audit: bool = False
    throttled: bool = False

    @property
    def pki(self) -> Pki:
        """The cluster's certificates."""
        return Pki(self.directory / "pki")

    @property
    def url(self) -> str:
        """The API server's URL."""
        return f"https://{self.host}:{self.port}"

    @property
    def context(self) -> str:
        """The name of the cluster's kubeconfig context."""
        return f"localcluster-{self.name}"

    def program(self, name: str) -> str:
        """The absolute path of a Kubernetes program."""
        return str(self.binaries / name)

    def kubeconfig_of(self, user: User, path: Path | None = None) -> Path:
        """Write a kubeconfig for a user, by default beside the certificates."""
        target = path or self.pki.path(f"{user.name.replace(':', '-')}.kubeconfig")
        token = self.pki.token(user)
        return write_kubeconfig(target, context=self.context, url=self.url, ca=self.pki.path("ca.crt"), token=token)


def control_plane(at: Layout) -> list[Component]:
    """Etcd, API server and controller-manager; a scheduler where there is a node to schedule to."""
    parts = [etcd(at), api_server(at), controller_manager(at)]
    return [*parts, scheduler(at)] if at.real_node else parts


def etcd(at: Layout) -> Component:
    """The store, without fsync: its data die with the cluster."""
    url = f"http://127.0.0.1:{at.etcd_port}"
    flags = {
        "name": "localcluster",
        "data-dir": at.directory / "etcd",
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": "http://127.0.0.1:0",
        "quota-backend-bytes": 8 * 1024**3,
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }
    return Component("etcd", _argv(at.program("etcd"), flags), stage=STORE)


def api_server(at: Layout) -> Component:
    """The API server, with RBAC and its own keys."""
    keys = at.pki
    flags = {
        "etcd-servers": f"http://127.0.0.1:{at.etcd_port}",
        "secure-port": at.port,
        "tls-cert-file": keys.path("server.crt"),
        "tls-private-key-file": keys.path("server.key"),
        "client-ca-file": keys.path("ca.crt"),
        "token-auth-file": keys.path("tokens.csv"),
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": keys.path("service-account.pub"),
        "service-account-signing-key-file": keys.path("service-account.key"),
        "service-cluster-ip-range": SERVICE_RANGE,
        "profiling": "false",
    }
    flags |= (_serving_namespace(at) if at.real_node else _serving_loopback()) | (_audit(at) if at.audit else {})
    return Component("kube-apiserver", _argv(at.program("kube-apiserver"), flags), stage=SERVERS)


def controller_manager(at: Layout) -> Component:
    """The controllers, each under its own service account, and unless told otherwise with limits that leave Jobs unthrottled."""
    flags = {
        "kubeconfig": at.kubeconfig_of(pki.CONTROLLER_MANAGER),
        "use-service-account-credentials": "true",
        "service-account-private-key-file": at.pki.path("service-account.key"),
        "root-ca-file": at.pki.path("ca.crt"),
        "leader-elect": "false",
        "secure-port": 0,
    }
    if not at.throttled:
        flags |= {"kube-api-qps": 500, "kube-api-burst": 1000}
    if not at.real_node:  # nobody sends the stub node's heartbeats
        flags["controllers"] = "*,-node-lifecycle-controller"
    return Component("kube-controller-manager", _argv(at.program("kube-controller-manager"), flags))


def scheduler(at: Layout) -> Component:
    """The scheduler."""
    flags = {"kubeconfig": at.kubeconfig_of(pki.SCHEDULER), "leader-elect": "false", "secure-port": 0}
    return Component("kube-scheduler", _argv(at.program("kube-scheduler"), flags))


def stub(at: Layout) -> Component:
    """The stub that finishes pods, as a process of its own."""
    kubeconfig = at.kubeconfig_of(pki.STUB)
    argv = (sys.executable, "-m", "localcluster.stub", str(kubeconfig))
    return Component("stub", argv, environment={"PYTHONPATH": str(SOURCE.parent)})


def _serving_namespace(at: Layout) -> dict[str, object]:
    return {
        "bind-address": "0.0.0.0",  # noqa: S104 - all of its own namespace
        "advertise-address": at.host,
        "kubelet-client-certificate": at.pki.path("client.crt"),
        "kubelet-client-key": at.pki.path("client.key"),
        "kubelet-preferred-address-types": "InternalIP",
    }


def _serving_loopback() -> dict[str, object]:
    # The endpoints of the `kubernetes` service may not be a loopback address: have none.
    return {"bind-address": "127.0.0.1", "endpoint-reconciler-type": "none"}


def _audit(at: Layout) -> dict[str, object]:
    policy = at.directory / "audit-policy.yaml"
    policy.write_text(_AUDIT_POLICY)
    # One file: readers remember how far they have read, and at 100 MB a server begins another by default.
    return {"audit-policy-file": policy, "audit-log-path": at.directory / "audit.log", "audit-log-maxsize": 0}


def _argv(program: str, flags: dict[str, object]) -> tuple[str, ...]:
    return (program, *(f"--{name}={value}" for name, value in flags.items()))
