"""The real node: containers, logs, last words, and the way to the API server."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localcluster import nodes
from localcluster.cluster import LocalCluster
from localcluster.images import BUSYBOX_IMAGE, Image, import_image, write_image

Object = dict[str, Any]
Kubectl = Callable[..., str]

_SYSTEM = Path("/proc/sys")
SETTINGS = [_SYSTEM / name for name in ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")]
BEFORE = [setting.read_text() for setting in SETTINGS if setting.exists()]  # before any node ran


def pod(name: str, script: str, image: str = "localcluster/busybox:1") -> str:
    """A pod that runs a shell script once, as JSON for kubectl."""
    container = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def run(kubectl: Kubectl, manifest: str) -> Object:
    """Create a pod, wait for its end, and return it."""
    name = kubectl("create", "-f", "-", "-o", "name", stdin=manifest).strip()
    kubectl("wait", name, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s")
    finished: Object = json.loads(kubectl("get", name, "-o", "json"))
    return finished


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until a condition holds that nothing tells us about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)  # processes send no events


def test_a_pod_runs_in_a_container_and_its_log_and_last_words_are_readable(node_kubectl: Kubectl) -> None:
    """What a workflow needs of a node: a process of its own, `kubectl logs`, and the termination message."""
    finished = run(node_kubectl, pod("words", 'echo "process $$$$"; echo \'{"rows": 3}\' > /dev/termination-log'))
    assert node_kubectl("logs", "words") == "process 1\n"
    ended = finished["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (0, "Completed", '{"rows": 3}\n')
    assert finished["status"]["containerStatuses"][0]["containerID"].startswith("containerd://")


def test_a_failing_container_tells_its_exit_code(node_kubectl: Kubectl) -> None:
    """The exit code of the process is the container's."""
    node_kubectl("create", "-f", "-", stdin=pod("fails", "echo broken; exit 7"))
    node_kubectl("wait", "pod/fails", "--for=jsonpath={.status.phase}=Failed", "--timeout=60s")
    code = node_kubectl(
        "get", "pod", "fails", "-o", "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    )
    assert code == "7"
    assert node_kubectl("logs", "fails") == "broken\n"


def test_a_pod_reaches_the_api_server_at_the_service_address(node_kubectl: Kubectl) -> None:
    """The address in the environment answers; that it is the API server shows in what it says to plain HTTP."""
    script = r"printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 10 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"
    run(node_kubectl, pod("reaches", f"echo $KUBERNETES_SERVICE_HOST; {script}"))
    log = node_kubectl("logs", "reaches")
    assert log.startswith("10.96.0.1\n")
    assert "Client sent an HTTP request to an HTTPS server" in log


def test_kubectl_exec_reaches_a_running_container(node_kubectl: Kubectl) -> None:
    """The API server is let in by kubelet, with its certificate."""
    node_kubectl("create", "-f", "-", stdin=pod("runs", "sleep 1000"))
    node_kubectl("wait", "pod/runs", "--for=condition=Ready", "--timeout=60s")
    assert "sleep 1000" in node_kubectl("exec", "runs", "--", "ps")
    node_kubectl("delete", "pod", "runs", "--timeout=60s")


def test_the_machine_keeps_its_kernel_settings(node_cluster: LocalCluster) -> None:
    """Kubelet insists on settings for the whole machine: it gets files of its own instead."""
    assert node_cluster.node == "real"
    assert [setting.read_text() for setting in SETTINGS] == BEFORE


def test_an_image_made_here_runs(node_cluster: LocalCluster, node_kubectl: Kubectl, tmp_path: Path) -> None:
    """`import_image` is all it takes; no registry is asked."""
    busybox = Path("/bin/busybox").read_bytes()
    files = {"bin/busybox": busybox, "bin/sh": busybox, "etc/words": b"made here\n"}
    image = Image("docker.io/localcluster/made:2", files, config={"Env": ["PATH=/bin"]})
    import_image(node_cluster, write_image(image, tmp_path / "made.tar"))
    run(node_kubectl, pod("made", "busybox cat /etc/words", image="localcluster/made:2"))
    assert node_kubectl("logs", "made") == "made here\n"


def test_an_image_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """No time and no order of the machine's gets in, so a cached image stays valid."""
    image = Image(BUSYBOX_IMAGE, {"bin/sh": b"x"}, links={"bin/ls": "sh"})
    first = write_image(image, tmp_path / "a.tar").read_bytes()
    assert write_image(image, tmp_path / "b.tar").read_bytes() == first


@pytest.fixture
def other(node_cluster: LocalCluster) -> Iterator[LocalCluster]:
    """A second cluster with a real node, beside the first."""
    assert node_cluster.node == "real"
    with LocalCluster.start(f"node-{os.getpid()}-b", node="real") as running:
        yield running


def test_two_nodes_side_by_side_die_without_a_trace(
    node_cluster: LocalCluster, node_kubectl: Kubectl, other: LocalCluster
) -> None:
    """Kill -9 of a supervisor ends its containers, shims and network, and nothing of its neighbour's."""
    other.kubectl("create", "-f", "-", stdin=pod("victim", "sleep 1000"))
    other.kubectl("wait", "pod/victim", "--for=condition=Ready", "--timeout=60s")
    assert other.url != node_cluster.url
    below = descendants(other.pid)
    assert {"containerd", "kubelet", "containerd-shim", "sleep"} <= set(below.values())
    link = Path("/sys/class/net") / nodes.link_name(other.directory)
    assert link.exists()
    os.kill(other.pid, signal.SIGKILL)
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))
    eventually(lambda: not link.exists())
    run(node_kubectl, pod("survivor", "true"))


def descendants(ancestor: int) -> dict[int, str]:
    """The processes below one, pid → name (which the kernel cuts at 15 characters)."""
    parents, names = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            name, rest = path.read_text().split("(", 1)[1].rsplit(")", 1)
            names[int(path.parts[2])], parents[int(path.parts[2])] = name, int(rest.split()[1])
    found: dict[int, str] = {}
    for pid in sorted(parents):
        line = [pid]
        while line[-1] not in {0, ancestor}:
            line.append(parents.get(line[-1], 0))
        if line[-1] == ancestor and pid != ancestor:
            found[pid] = names[pid]
    return found
