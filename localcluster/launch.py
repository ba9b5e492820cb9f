"""From a cluster's name to its running supervisor: directory, ports, certificates, programs."""

import json
import shutil
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from localcluster import components, nodes
from localcluster.components import Layout
from localcluster.pki import ADMIN
from localcluster.supervised import Process, start_supervisor
from localcluster.supervisor import Spec

_RECORD = "cluster.json"


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about a cluster before it runs, kept in `cluster.json`.

    Attributes:
        layout: where its parts listen and keep their files.
        node: "real", "stub" or "none".
        why: why the node is what it is; empty if it was asked for.
    """

    layout: Layout
    node: str
    why: str

    def write(self) -> None:
        """Write the file."""
        text = json.dumps(asdict(self), default=str, indent=1)
        (self.layout.directory / _RECORD).write_text(text)

    @staticmethod
    def read(directory: Path) -> "Record":
        """Read the file.

        Raises:
            FileNotFoundError: there is no such cluster.
        """
        data = json.loads((directory / _RECORD).read_text())
        paths = {name: Path(data["layout"][name]) for name in ("directory", "binaries")}
        return Record(Layout(**data["layout"] | paths), data["node"], data["why"])


def launch(
    directory: Path, binaries: Path, node: str, why: str, *, audit: bool, throttled: bool
) -> tuple[Record, Process]:
    """Make a cluster's directory afresh and start its supervisor."""
    clean(directory)
    (directory / "logs").mkdir(parents=True, mode=0o700)
    with ExitStack() as held:
        network = held.enter_context(nodes.free_network()) if node == "real" else None
        layout = replace(_layout(directory, binaries, network, audit=audit), throttled=throttled)
        layout.pki.create({"127.0.0.1", layout.host, components.SERVICE_ADDRESS})
        layout.kubeconfig_of(ADMIN, directory / "kubeconfig")
        _spec(layout, node, network).write(directory)
        record = Record(layout, node, why)
        record.write()
        return record, start_supervisor(directory, (network.lock,) if network else ())


def clean(directory: Path) -> None:
    """Remove what a dead cluster left behind."""
    nodes.clean(directory)
    shutil.rmtree(directory, ignore_errors=True)


def _layout(directory: Path, binaries: Path, network: nodes.Network | None, *, audit: bool) -> Layout:
    name = directory.name
    if network:
        return Layout(directory, binaries, name, network.inner, 443, 2379, real_node=True, audit=audit)
    port, etcd_port = _free_ports(2)
    return Layout(directory, binaries, name, "127.0.0.1", port, etcd_port, audit=audit)


def _spec(layout: Layout, node: str, network: nodes.Network | None) -> Spec:
    parts = components.control_plane(layout)
    if network:
        return Spec((*parts, *nodes.programs(layout)), nodes.sandbox(layout, network))
    return Spec((*parts, components.stub(layout)) if node == "stub" else tuple(parts))


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
