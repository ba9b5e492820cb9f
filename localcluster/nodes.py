"""A real node: containerd and kubelet in a sandbox of namespaces, on Linux as root.

Inside the sandbox every directory that these programs insist on is the cluster's own, bound over the usual place; the
machine's own containerd or kubelet, if there is one, is not touched.
"""

import contextlib
import hashlib
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localcluster import build, packages, toolsets
from localcluster.api import Api, ApiUnavailableError
from localcluster.components import SERVERS, SERVICE_ADDRESS, Component, Layout
from localcluster.namespaces import Sandbox
from localcluster.pki import KUBELET, NODE_NAME
from localcluster.places import LocalClusterError, Say, silent, try_lock

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
CONTAINERD_SOCKET_OUTSIDE = "node/run/containerd.sock"  # the same, in the cluster's directory
SANDBOX_IMAGE = "docker.io/localcluster/pause:1"
_POD_RANGE = "10.244.0.0/24"
_LINK_RANGE = "10.213"
_LINK_PREFIX = 24
_CRI_STATE = "io.containerd.grpc.v1.cri"
_CGROUP_SECONDS = 5.0
_PROBE = "ip link add name try0 type veth peer name try1 && ip link add name try2 type bridge"

# Bound over the usual place, inside only.
_OWN_DIRECTORIES = {
    "containerd": "/var/lib/containerd",
    "kubelet": "/var/lib/kubelet",
    "run": "/run/containerd",
    "netns": "/run/netns",
    "cni-state": "/var/lib/cni",
    "pod-logs": "/var/log/pods",
    "container-logs": "/var/log/containers",
}
# Kubelet insists on these and would set them for the whole machine: it sets files of ours instead.
_KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}

_CONTAINERD_CONFIG = """\
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "{snapshotter}"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{sandbox}"
[plugins."io.containerd.cri.v1.runtime"]
  # Without CAP_SYS_RESOURCE nobody may lower an OOM score, and runc dies trying.
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "{runc}"
      SystemdCgroup = false
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{cni_bin}"]
    conf_dir = "{cni_conf}"
"""


@dataclass(frozen=True, slots=True)
class Network:
    """A /24 between this machine and one sandbox; `lock` is the open file that claims it."""

    outer: str
    inner: str
    lock: int


def can_run_node() -> str | None:
    """What stands in the way of a real node here; None if nothing does.

    Packages that apt-get could install do not count as missing.
    """
    if sys.platform != "linux":
        return "it needs Linux"
    if os.geteuid() != 0:
        return "it needs root"
    if (absent := packages.missing()) and not packages.can_install():
        return f"these packages are missing, and there is no apt-get to install them: {' '.join(absent)}"
    if not any(os.access(each, os.W_OK) for each in ("/sys/fs/cgroup/memory", "/sys/fs/cgroup/cgroup.procs")):
        return "it needs cgroups that can be written to"
    return _probe() if packages.find("ip") else None


def prepare(say: Say) -> str | None:
    """Install the packages and build the programs of a node; None if all is there, else what went wrong."""
    trouble = packages.install(say) or _probe()
    if trouble is None:
        build.build(toolsets.CONTAINERD, say)
    return trouble


@contextlib.contextmanager
def free_network() -> Iterator[Network]:
    """Claim a /24 that no route of this machine overlaps and no other cluster has.

    The claim is an open, locked file: it lasts as long as any process that was handed it.

    Raises:
        LocalClusterError: all are taken.
    """
    taken = _routed()
    for index in range(256):
        subnet = ipaddress.IPv4Network(f"{_LINK_RANGE}.{index}.0/{_LINK_PREFIX}")
        if any(subnet.overlaps(each) for each in taken):
            continue
        lock = os.open(f"/run/lock/localcluster-{index}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if try_lock(lock):
                yield Network(str(subnet[1]), str(subnet[2]), lock)
                return
        finally:
            os.close(lock)
    msg = f"no free network in {_LINK_RANGE}.0.0/16"
    raise LocalClusterError(msg)


def programs(layout: Layout) -> list[Component]:
    """Containerd and kubelet, their configuration written."""
    home = layout.directory / "node"
    home.mkdir(exist_ok=True)
    tools = build.build(toolsets.CONTAINERD, silent)
    path = {"PATH": f"{tools}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    _write_containerd_config(home)
    (home / "kubelet.json").write_text(json.dumps(_kubelet_config(layout), indent=1))
    flags = {
        "config": home / "kubelet.json",
        "kubeconfig": layout.kubeconfig_of(KUBELET),
        "hostname-override": NODE_NAME,
        "node-ip": layout.host,
        "cert-dir": home / "kubelet-pki",
    }
    kubelet = (layout.program("kubelet"), *(f"--{name}={value}" for name, value in flags.items()))
    containerd = (str(tools / "containerd"), "--config", str(home / "containerd.toml"))
    return [
        Component("containerd", containerd, stage=SERVERS, environment=path),
        Component("kubelet", kubelet, needs=CONTAINERD_SOCKET, environment=path),
    ]


def sandbox(layout: Layout, network: Network) -> Sandbox:
    """The namespaces that everything of the cluster runs in."""
    setup = [["ip", "address", "add", f"{SERVICE_ADDRESS}/32", "dev", "lo"]]
    setup += [["mount", "--bind", source, target] for source, target in _binds(layout.directory / "node")]
    return Sandbox(
        link=link_name(layout.directory),
        outer=f"{network.outer}/{_LINK_PREFIX}",
        inner=f"{network.inner}/{_LINK_PREFIX}",
        setup=setup,
    )


def clean(directory: Path) -> None:
    """Remove the empty cgroups that a dead cluster's containers left; waits for their last processes to end."""
    containers = [path.name for path in directory.glob(f"node/containerd/{_CRI_STATE}/*/*")]
    deadline = time.monotonic() + _CGROUP_SECONDS
    while (containers := [each for each in containers if not _remove_cgroups(each)]) and time.monotonic() < deadline:
        time.sleep(0.02)  # the kernel tells nobody when a cgroup's last process is gone


def is_ready(api: Api, name: str) -> bool:
    """Whether a node is Ready and free of the taint that keeps pods away."""
    try:
        node = api.request("GET", f"/api/v1/nodes/{name}").body
    except ApiUnavailableError:
        return False
    conditions = {each["type"]: each["status"] for each in node.get("status", {}).get("conditions", [])}
    return conditions.get("Ready") == "True" and not node["spec"].get("taints")


def _remove_cgroups(container: str) -> bool:
    """Remove a container's cgroup directories; False if some are still in use."""
    root = Path("/sys/fs/cgroup")
    tops = [*root.glob(f"k8s.io/{container}"), *root.glob(f"*/k8s.io/{container}")]
    for top in tops:
        for path, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(path).rmdir()
    return not any(top.exists() for top in tops)


def link_name(directory: Path) -> str:
    """The name, on this machine, of the network link to the node of the cluster in `directory`."""
    return f"lc{hashlib.sha256(str(directory).encode()).hexdigest()[:10]}"


def _probe() -> str | None:
    """Try in throw-away namespaces what the sandbox will do."""
    command = ["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "sh", "-c", _PROBE]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"namespaces are refused: {run.stderr.strip()}" if run.returncode else None


def _routed() -> list[ipaddress.IPv4Network]:
    listed = subprocess.run(["ip", "-json", "-4", "route", "show"], capture_output=True, text=True, check=True)
    routes = [each["dst"] for each in json.loads(listed.stdout or "[]")]
    return [ipaddress.IPv4Network(each, strict=False) for each in routes if each != "default"]


def _binds(home: Path) -> Iterator[tuple[str, str]]:
    for name, target in _OWN_DIRECTORIES.items():
        (home / name).mkdir()
        Path(target).mkdir(parents=True, exist_ok=True)
        yield str(home / name), target
    for name, value in _KERNEL_SETTINGS.items():
        setting = Path("/proc/sys") / name
        if setting.exists() and setting.read_text().strip() != value:
            file = home / name.replace("/", "-")
            file.write_text(value)
            yield str(file), str(setting)


def _write_containerd_config(home: Path) -> None:
    network = {
        "cniVersion": "1.0.0",
        "name": "localcluster",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{"subnet": _POD_RANGE}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }
    conf = home / "cni"
    conf.mkdir()
    (conf / "10-bridge.conflist").write_text(json.dumps(network, indent=1))
    text = _CONTAINERD_CONFIG.format(
        socket=CONTAINERD_SOCKET,
        snapshotter="overlayfs" if can_overlay(home) else "native",
        sandbox=SANDBOX_IMAGE,
        runc=packages.find("runc"),
        cni_bin=packages.CNI_DIRECTORY,
        cni_conf=conf,
    )
    (home / "containerd.toml").write_text(text)


def can_overlay(home: Path) -> bool:
    """Whether the file system of `home` can carry an overlay, which one that is itself an overlay, say, cannot."""
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        layers = [Path(scratch) / name for name in ("lower", "upper", "work", "merged")]
        for each in layers:
            each.mkdir()
        lower, upper, work, merged = layers
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        command = ["unshare", "--mount", "mount", "-t", "overlay", "-o", options, "overlay", str(merged)]
        return not subprocess.run(command, capture_output=True, check=False).returncode


def _kubelet_config(layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki.path("ca.crt"))},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        # The machine's disk is its owner's business: no eviction, no image collection.
        "evictionHard": {"imagefs.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }
