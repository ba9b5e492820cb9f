"""What `make run` does: a cluster, the operator, the first example, and a look at what came out."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from localcluster.cluster import LocalCluster
from localcluster.contexts import check_context
from localcluster.operated import ROOT, Kubectl, OperatorProcess, install, stop_detached, write_operator_kubeconfig
from localcluster.places import LocalClusterError, Say, cache_root, cluster_dir, is_locked
from localcluster.supervisor import LOCK

EXAMPLE = ROOT / "examples" / "01-hello"
_PLAN = "hello"
_RUN_SECONDS = 180.0
_POLL_SECONDS = 0.5


def tour(name: str, context: str, say: Say) -> None:
    """Set everything up, run the first example by hand and by its schedule, and print what a user would look at.

    Args:
        name: of the local cluster, made if it is not up.
        context: a kubeconfig context of an existing cluster instead, or empty.
        say: is told the progress.

    Raises:
        LocalClusterError: something did not start, or a run did not succeed.
    """
    kubectl, kubeconfig, directory = _existing(context) if context else _local(name, say)
    say("applying the CRDs and the operator's role")
    install(kubectl)
    _start_operator(kubectl, kubeconfig, directory, say)
    kubectl("apply", "-f", str(EXAMPLE / "workflow.yaml"), "-f", str(EXAMPLE / "plan.yaml"))
    by_hand = _run_by_hand(kubectl, say)
    scheduled = _await_scheduled(kubectl, say)
    _show(kubectl, by_hand, scheduled, say)
    say(f"\nThe cluster stays up: export KUBECONFIG={kubeconfig}")
    say("Go on: kubectl describe lp hello · kubectl get lp,lpx -w · kubectl explain launchplan.spec · make down")


def stop(directory: Path) -> None:
    """End the operator that a tour left running."""
    stop_detached(directory / "operator.pid")


def _local(name: str, say: Say) -> tuple[Kubectl, Path, Path]:
    if is_locked(cluster_dir(name) / LOCK):
        cluster = LocalCluster.attach(name)
        cluster.await_ready(say, wait=True)
    else:
        say(f"starting the cluster {name}; the first time its programs are built, which takes minutes")
        cluster = LocalCluster.start(name, say=say)
        cluster.detach()
    say(f"cluster {name} is up, its node is {cluster.node}")
    return cluster.kubectl, cluster.kubeconfig, cluster.directory


def _existing(context: str) -> tuple[Kubectl, Path, Path]:
    if refusal := check_context(context, os.environ.get("FORCE", "")):
        raise LocalClusterError(refusal)

    def kubectl(*arguments: str, stdin: str | None = None) -> str:
        command = ["kubectl", "--context", context, *arguments]
        run = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if run.returncode:
            raise LocalClusterError(run.stderr.strip() or f"kubectl exited with {run.returncode}")
        return run.stdout

    directory = cache_root() / "contexts" / context.replace("/", "_")
    directory.mkdir(parents=True, exist_ok=True)
    kubeconfig = directory / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(kubectl("config", "view", "--minify", "--flatten", "--raw", "-o", "json"))
    return kubectl, kubeconfig, directory


def _start_operator(kubectl: Kubectl, kubeconfig: Path, directory: Path, say: Say) -> None:
    """Start the operator anew, so that it is the one of this checkout."""
    stop(directory)
    config = json.loads(kubectl("config", "view", "--minify", "--flatten", "--raw", "-o", "json", f"--kubeconfig={kubeconfig}"))
    own = write_operator_kubeconfig(kubectl, directory / "operator.kubeconfig", config)
    operator = OperatorProcess(own, directory / "operator.log", _free_port())
    pid = operator.start(detached=True)
    (directory / "operator.pid").write_text(str(pid))
    operator.await_ready()
    say(f"the operator runs, log: {operator.log}")


def _run_by_hand(kubectl: Kubectl, say: Say) -> str:
    say("one run by hand, with another name: examples/01-hello/run.yaml")
    name = kubectl("create", "-f", str(EXAMPLE / "run.yaml"), "-o", "name").strip().rpartition("/")[2]
    kubectl("wait", "--for=condition=Succeeded", f"lpx/{name}", f"--timeout={_RUN_SECONDS:.0f}s")
    return name


def _await_scheduled(kubectl: Kubectl, say: Say) -> str:
    say("waiting for the next slot")
    known = {item["metadata"]["name"] for item in _scheduled(kubectl)}
    deadline = time.monotonic() + _RUN_SECONDS
    while time.monotonic() < deadline:
        new = [item for item in _scheduled(kubectl) if item["metadata"]["name"] not in known]
        done = next((item for item in new if item["status"].get("phase") == "Succeeded"), None)
        if done is not None:
            return str(done["metadata"]["name"])
        time.sleep(_POLL_SECONDS)  # a person would look now and then, too
    raise LocalClusterError(f"no scheduled run of {_PLAN} succeeded within {_RUN_SECONDS:.0f} s; see: kubectl describe lp {_PLAN}")


def _scheduled(kubectl: Kubectl) -> list[dict[str, Any]]:
    listing = json.loads(kubectl("get", "lpx", "-l", f"launchplan.dev/plan={_PLAN},launchplan.dev/origin=Schedule", "-o", "json"))
    return [item for item in listing["items"] if "status" in item]


def _show(kubectl: Kubectl, by_hand: str, scheduled: str, say: Say) -> None:
    outputs = "jsonpath={.status.outputs}"
    times = "jsonpath={range .status.schedule.nextTimes[*]}{@}{'\\n'}{end}"
    for command in (
        ("get", "lp,lpx"),
        ("get", f"lp/{_PLAN}", "-o", times),
        ("get", f"lpx/{by_hand}", "-o", outputs),
        ("get", f"lpx/{scheduled}", "-o", outputs),
        ("logs", f"job/{by_hand}"),
    ):
        say(f"\n$ kubectl {' '.join(command)}")
        say(_told(kubectl, command))


def _told(kubectl: Kubectl, command: tuple[str, ...]) -> str:
    try:
        return kubectl(*command).rstrip()
    except LocalClusterError as error:
        return f"({error})"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
