"""The chart with the built image on a real node: as whom its pods run, and what an upgrade, a crash and a removal do to runs."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from localcluster.installed import RELEASE, Installation
from localcluster.operated import SYSTEM_NAMESPACE
from localcluster.places import LocalClusterError
from tests.node.support import API_VERSION, Space, eventually

Object = dict[str, Any]

GOOD = 'sleep "$LP_INPUT_SECONDS"; printf \'{"slept": %s}\' "$LP_INPUT_SECONDS" > /dev/termination-log'
#: What a process of the image may and may not do, as it sees it itself.
LOOK = """
import json, os
def refused(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return error.strerror
    return "written"
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "user": os.getuid(), "group": os.getgid(), "capabilities": status["CapBnd"].strip(),
    "no new privileges": status["NoNewPrivs"].strip(), "seccomp": status["Seccomp"].strip(),
    "/": refused("/x"), "/app": refused("/app/x"), "/tmp": refused("/tmp/x"),
}))
"""


@pytest.fixture(scope="module")
def sleepers(space: Space) -> Space:
    """A namespace with a workflow that sleeps, and a plan of it that lets one run at a time."""
    outputs = [{"name": "slept", "type": "integer"}]
    container = {"name": "main", "image": "busybox:stable", "command": ["/bin/sh", "-c", GOOD]}
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    interface = {"inputs": [{"name": "seconds", "type": "integer"}], "outputs": outputs}
    job = {"backoffLimit": 0, "template": {"spec": pod}}
    space.create(_resource("WorkflowDefinition", "sleep", {"interface": interface, "job": job}))
    plan = {"workflowRef": {"name": "sleep"}, "concurrency": {"max": 1, "behavior": "Queue"}}
    space.create(_resource("LaunchPlan", "one-by-one", plan))
    space.kubectl("wait", "lp/one-by-one", "--for=condition=Ready", "--timeout=30s")
    return space


def _resource(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def begin(space: Space, name: str, seconds: int) -> str:
    """Ask for a run of the plan; returns its name."""
    spec = {"launchPlanRef": {"name": "one-by-one"}, "inputs": {"seconds": seconds}}
    return space.create(_resource("LaunchPlanExecution", name, spec))


def await_phase(space: Space, run: str, phase: str) -> None:
    """Wait until a run is in a phase."""
    eventually(lambda: space.status(run).get("phase") == phase, f"{run} to be {phase}")


def assert_slept(space: Space, run: str, seconds: int) -> None:
    """Assert that a run ended well, with its output, at the first attempt."""
    status = space.ended(run)
    assert status["phase"] == "Succeeded", status
    assert status["outputs"] == {"slept": seconds}
    assert space.get(f"job/{run}")["status"]["succeeded"] == 1
    assert space.get(f"job/{run}")["status"].get("failed", 0) == 0


def leader(installation: Installation) -> str:
    """The pod that holds the Lease; empty if none does."""
    text = installation.kubectl("get", f"lease/{RELEASE}", "-n", SYSTEM_NAMESPACE, "-o", "json")
    holder: str = json.loads(text)["spec"].get("holderIdentity") or ""
    return holder.partition("_")[0]


def pods(installation: Installation) -> list[str]:
    """The names of the operator's pods."""
    text = installation.kubectl("get", "pods", "-n", SYSTEM_NAMESPACE, "-l", installation.selector, "-o", "json")
    return [each["metadata"]["name"] for each in json.loads(text)["items"]]


def test_its_processes_can_do_nothing_but_work(installation: Installation) -> None:
    """In a namespace that wants restricted pods they have no rights, no place to write to and no shell."""
    pod = pods(installation)[0]
    inside = ("exec", pod, "-n", SYSTEM_NAMESPACE, "--")
    assert json.loads(installation.kubectl(*inside, "python3", "-c", LOOK)) == {
        "user": 65532,
        "group": 65532,
        "capabilities": "0000000000000000",
        "no new privileges": "1",
        "seccomp": "2",
        "/": "Read-only file system",
        "/app": "Read-only file system",
        "/tmp": "Read-only file system",  # noqa: S108 - a name in what is seen
    }
    with pytest.raises(LocalClusterError, match="not found"):
        installation.kubectl(*inside, "sh", "-c", "true")


def test_a_namespace_that_wants_restricted_pods_would_refuse_less(installation: Installation) -> None:
    """The label that the namespace bears does what it says, so the pods are as it wants."""
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain"}}
    manifest["spec"] = {"containers": [{"name": "main", "image": "busybox:stable"}]}
    with pytest.raises(LocalClusterError, match='violates PodSecurity "restricted'):
        installation.kubectl("create", "-n", SYSTEM_NAMESPACE, "-f", "-", stdin=json.dumps(manifest))
    assert len(pods(installation)) == 2


def test_the_other_replica_serves_when_the_leader_is_killed(installation: Installation, sleepers: Space) -> None:
    """What ran and what waited in line end well, and what comes after is served."""
    begin(sleepers, "before", 5)
    begin(sleepers, "in-line", 1)
    await_phase(sleepers, "before", "Running")
    await_phase(sleepers, "in-line", "Queued")
    killed = leader(installation)
    began = time.monotonic()
    os.kill(_process_of(killed), signal.SIGKILL)  # it releases no Lease
    installation.kubectl("delete", "pod", killed, "-n", SYSTEM_NAMESPACE, "--force", "--grace-period=0")
    begin(sleepers, "after", 1)
    for run, seconds in (("before", 5), ("in-line", 1), ("after", 1)):
        assert_slept(sleepers, run, seconds)
    assert leader(installation) not in {killed, ""}
    assert time.monotonic() - began < 60.0


def _process_of(pod: str) -> int:
    """The pid, on this machine, of the operator in a pod."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            named = f"HOSTNAME={pod}".encode() in (path / "environ").read_bytes().split(b"\0")
            if named and b"launchplan_operator" in (path / "cmdline").read_bytes():
                return int(path.name)
    raise LookupError(pod)


@pytest.mark.parametrize("change", ["upgrade", "rollback"])
def test_a_change_of_the_release_loses_nothing(installation: Installation, sleepers: Space, change: str) -> None:
    """One run ends, one goes on and one waits in line while all pods are replaced."""
    before = set(pods(installation))
    begin(sleepers, f"{change}-ends", 2)
    begin(sleepers, f"{change}-goes-on", 10)
    begin(sleepers, f"{change}-waits", 1)
    await_phase(sleepers, f"{change}-ends", "Running")
    if change == "upgrade":
        installation.install("--set", "settings.workers=7")
    else:
        installation.run_helm("rollback", RELEASE, "--wait", "--timeout", "120s")
    assert before.isdisjoint(_ready(installation))
    assert _workers(installation) == ("7" if change == "upgrade" else "20")
    for run, seconds in (("ends", 2), ("goes-on", 10), ("waits", 1)):
        assert_slept(sleepers, f"{change}-{run}", seconds)


def _ready(installation: Installation) -> set[str]:
    text = installation.kubectl("get", "pods", "-n", SYSTEM_NAMESPACE, "-l", installation.selector, "-o", "json")
    items = [each for each in json.loads(text)["items"] if "deletionTimestamp" not in each["metadata"]]
    return {each["metadata"]["name"] for each in items}


def _workers(installation: Installation) -> str:
    name = "LAUNCHPLAN_OPERATOR_WORKERS"
    path = f"jsonpath={{.spec.template.spec.containers[0].env[?(@.name=='{name}')].value}}"
    return installation.kubectl("get", "deployment", RELEASE, "-n", SYSTEM_NAMESPACE, "-o", path)


def test_a_removal_keeps_what_is_the_users(installation: Installation, sleepers: Space) -> None:
    """Definitions, plans and records stay, a Job runs to its end; installed again, it goes on."""
    begin(sleepers, "outlives", 6)
    begin(sleepers, "next", 1)
    await_phase(sleepers, "outlives", "Running")
    installation.run_helm("uninstall", RELEASE, "--wait")
    try:
        assert sleepers.get("job/outlives")["status"]["active"] == 1
        eventually(lambda: pods(installation) == [], "the end of the operator's pods")
        sleepers.kubectl("wait", "job/outlives", "--for=condition=Complete", "--timeout=60s")
        assert sleepers.status("outlives")["phase"] == "Running"
        assert "one-by-one" in sleepers.kubectl("get", "lp", "-o", "name")
    finally:
        installation.install()
    assert_slept(sleepers, "outlives", 6)
    assert_slept(sleepers, "next", 1)
