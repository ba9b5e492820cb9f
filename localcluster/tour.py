"""What `make run` does: a cluster, the operator, the first example, and a look at what came out."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcluster import build, installed, operated, toolsets
from localcluster.cluster import LocalCluster
from localcluster.contexts import check_context
from localcluster.operated import OPERATOR, ROOT, Kubectl
from localcluster.places import LocalClusterError, Say, cache_root, cluster_dir
from localcluster.supervised import is_supervised

EXAMPLE = ROOT / "examples" / "01-hello"
_PLAN = "hello"
_NAMESPACE = "default"
_RUN_SECONDS = 180.0
_POLL_SECONDS = 0.2
_TAIL_CHARACTERS = 3000
_RUNS_TO_COME = "jsonpath={range .status.schedule.nextTimes[*]}{@}{'\\n'}{end}"
_OUTPUTS = "jsonpath={.status.outputs}"
# A stub runs nothing: it says at a pod's end what the pod's annotation tells.
_STUB_WORDS = '{"greeting": "Hello from the stub!", "length": 20}'
_STUB_ANNOTATIONS = {"stub.localcluster/message": _STUB_WORDS}

Object = dict[str, Any]
#: Shows the end of the operator's log.
Tell = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster to tour.

    Attributes:
        kubectl: runs kubectl there, as administrator.
        directory: where the operator's files go.
        cluster: None for one that is not ours.
        logs: whether containers run, and so have logs.
        hints: what to type to look around.
    """

    kubectl: Kubectl
    directory: Path
    cluster: LocalCluster | None
    logs: bool
    hints: tuple[str, ...]


def tour(name: str, context: str, say: Say, show: Say) -> None:
    """Set everything up, run the first example by hand and by its schedule, and print what a user would look at.

    Args:
        name: of the local cluster, made if it is not up.
        context: a kubeconfig context of an existing cluster instead, or empty.
        say: is told the progress.
        show: is told what came out.

    Raises:
        LocalClusterError: something did not start, or a run did not succeed.
    """
    if importlib.util.find_spec("launchplan_operator") is None:
        raise LocalClusterError("the operator is not installed in this Python; `make run` does that")
    place = _existing(context, say) if context else _local(name, say)
    kubectl = place.kubectl
    tell = _operate(place, say)
    say("applying examples/01-hello: a workflow, and a plan that runs it every minute")
    try:
        _apply_example(place)
        by_hand = _run_by_hand(kubectl, say)
        scheduled = _await_scheduled(kubectl, say)
    except LocalClusterError as error:
        raise LocalClusterError(f"{error}\n{_circumstances(kubectl, tell)}") from error
    _show(place, by_hand, scheduled, show)
    show("\nIt all stays up. To look around:\n")
    for hint in place.hints:
        show(f"  {hint}")


def end_on(context: str) -> bool:
    """End the operator that a tour left running on an existing cluster and remove its files; whether one ran."""
    directory = _context_directory(context)
    ran = operated.end_operator(directory)
    shutil.rmtree(directory, ignore_errors=True)  # it holds a token
    return ran


def _local(name: str, say: Say) -> Place:
    if is_supervised(cluster_dir(name)):
        cluster = LocalCluster.attach(name)
        cluster.await_ready(say, wait=True)
    else:
        say(f"starting the cluster {name}; the first time its programs are built, which takes minutes")
        cluster = LocalCluster.start(name, say=say)
        cluster.detach()
    say(f"cluster {name} is up, its node is {cluster.node}")
    binaries = Path(cluster.program("kubectl")).parent
    path = () if shutil.which("kubectl") else (f"export PATH={binaries}:$PATH",)
    down = "make down" if name == "demo" else f"make down CLUSTER={name}"
    return Place(
        cluster.kubectl,
        cluster.directory / OPERATOR,
        cluster,
        logs=cluster.node == "real",
        hints=(f"export KUBECONFIG={cluster.kubeconfig}", *path, *_hints(down)),
    )


def _existing(context: str, say: Say) -> Place:
    if refusal := check_context(context, os.environ.get("FORCE", "")):
        raise LocalClusterError(refusal)
    program = shutil.which("kubectl") or str(build.ensure(toolsets.KUBERNETES, ["kubectl"], say) / "kubectl")

    def kubectl(*arguments: str, stdin: str | None = None) -> str:
        command = [program, "--context", context, *arguments]
        run = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if run.returncode:
            raise LocalClusterError(run.stderr.strip() or f"kubectl exited with {run.returncode}")
        return run.stdout

    say(f"using the cluster of the context {context}: {_server(kubectl)}")
    hints = _hints(f"make down CONTEXT={context}   # ends the operator here; the cluster is yours")
    return Place(
        kubectl, _context_directory(context), None, logs=True, hints=(f"kubectl config use-context {context}", *hints)
    )


def _hints(down: str) -> tuple[str, ...]:
    return (
        f"kubectl describe lp {_PLAN}",
        "kubectl get lp,lpx --watch",
        "kubectl explain launchplan.spec",
        "kubectl create -f examples/01-hello/run.yaml",
        down,
    )


def _server(kubectl: Kubectl) -> str:
    config = json.loads(_flat(kubectl))
    return str(config["clusters"][0]["cluster"]["server"])


def _flat(kubectl: Kubectl) -> str:
    return kubectl("config", "view", "--minify", "--flatten", "--raw", "-o", "json")


def contexts_root() -> Path:
    """Where operators on existing clusters keep their files, one directory each."""
    return cache_root() / "contexts"


def _context_directory(context: str) -> Path:
    return contexts_root() / re.sub(r"[^\w.-]", "_", context)


def _operate(place: Place, say: Say) -> Tell:
    """Have the operator of this checkout work there, in the cluster where that is possible; returns what shows its log."""
    if place.cluster is None or place.cluster.node != "real":
        return _start_process(place, say)
    try:
        installation = installed.prepare_installation(place.cluster, say)
    except LocalClusterError as error:
        say(f"the operator's image cannot be built here, so it runs as a process of this machine: {error}")
        return _start_process(place, say)
    # One of an earlier tour, before an image could be built, would be a second one.
    operated.end_operator(place.directory)
    say(f"installing the Helm chart in {operated.SYSTEM_NAMESPACE}, with the image {installation.image.tag}")
    installation.install("--take-ownership")
    return installation.circumstances


def _start_process(place: Place, say: Say) -> Tell:
    """Start the operator anew, so that it is the one of this checkout; returns what shows its log."""
    say("applying the CRDs, and the operator's account with the chart's role")
    operated.install(place.kubectl)
    place.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = operated.write_operator_kubeconfig(
        place.kubectl, place.directory / "kubeconfig", json.loads(_flat(place.kubectl))
    )
    log = operated.keep_operator(own, place.directory, place.cluster.directory if place.cluster else None)
    say(f"the operator runs; its log is {log}")
    return lambda: f"{log} ends:\n{log.read_text(errors='replace')[-_TAIL_CHARACTERS:]}"


def _circumstances(kubectl: Kubectl, tell: Tell) -> str:
    """What the plan says of itself, and the end of the operator's log."""
    try:
        table = _in(kubectl, "get", "lp", "-o", "wide")
    except LocalClusterError as error:
        table = str(error)
    return f"{table}\n{tell()}"


def _apply_example(place: Place) -> None:
    workflow, plan = str(EXAMPLE / "workflow.yaml"), str(EXAMPLE / "plan.yaml")
    if place.logs:
        _in(place.kubectl, "apply", "-f", workflow, "-f", plan)
    else:
        patch = {"spec": {"job": {"template": {"metadata": {"annotations": _STUB_ANNOTATIONS}}}}}
        told = ("--local", "--type=merge", "-p", json.dumps(patch), "-o", "json")
        _in(place.kubectl, "apply", "-f", "-", stdin=place.kubectl("patch", "-f", workflow, *told))
        _in(place.kubectl, "apply", "-f", plan)
    _await(
        lambda: _is_ready(json.loads(_in(place.kubectl, "get", f"lp/{_PLAN}", "-o", "json"))),
        f"the readiness of the plan {_PLAN}",
    )


def _is_ready(plan: Object) -> bool:
    """Whether a plan is Ready.

    Raises:
        LocalClusterError: it waits for somebody to mend it.
    """
    found = {each["type"]: each for each in plan.get("status", {}).get("conditions", [])}
    if found.get("Stalled", {}).get("status") == "True":
        raise LocalClusterError(f"the plan {_PLAN} is not ready: {found['Ready']['message']}")
    return bool(found.get("Ready", {}).get("status") == "True")


def _run_by_hand(kubectl: Kubectl, say: Say) -> str:
    say("running it once by hand, with another name: examples/01-hello/run.yaml")
    made = _in(kubectl, "create", "-f", str(EXAMPLE / "run.yaml"), "-o", "name")
    name = made.strip().rpartition("/")[2]
    _await(
        lambda: _succeeded(json.loads(_in(kubectl, "get", f"lpx/{name}", "-o", "json"))),
        f"the success of the run {name}",
    )
    return name


def _await_scheduled(kubectl: Kubectl, say: Say) -> str:
    """The latest scheduled run that succeeded; waits for the first one."""
    found = _latest_scheduled(kubectl)
    if found is None:
        say("waiting for the schedule to start a run: the next full minute")
        _await(lambda: _latest_scheduled(kubectl) is not None, "the success of a scheduled run")
        found = _latest_scheduled(kubectl)
    return found or ""


def _latest_scheduled(kubectl: Kubectl) -> str | None:
    selector = f"launchplan.dev/plan={_PLAN},launchplan.dev/origin=Schedule"
    items = json.loads(_in(kubectl, "get", "lpx", "-l", selector, "-o", "json"))["items"]
    items.sort(key=lambda item: str(item.get("status", {}).get("origin", {}).get("slot", "")))
    done = [str(item["metadata"]["name"]) for item in items if _succeeded(item)]
    return done[-1] if done else None


def _succeeded(execution: Object) -> bool:
    """Whether a run succeeded.

    Raises:
        LocalClusterError: it ended otherwise.
    """
    status = execution.get("status", {})
    if status.get("phase") in {"Failed", "TimedOut", "Aborted", "Rejected"}:
        told = status.get("error") or status.get("conditions")
        raise LocalClusterError(f"the run {execution['metadata']['name']} is {status['phase']}: {json.dumps(told)}")
    return bool(status.get("phase") == "Succeeded")


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _RUN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            msg = f"{what}: not within {_RUN_SECONDS:.0f} s"
            raise LocalClusterError(msg)
        time.sleep(_POLL_SECONDS)  # a person would look now and then, too


def _show(place: Place, by_hand: str, scheduled: str, show: Say) -> None:
    looks = [
        ("The plan:", ("get", "lp")),
        ("Its runs:", ("get", "lpx")),
        ("Its next times:", ("get", f"lp/{_PLAN}", "-o", _RUNS_TO_COME)),
        ("What the run by hand gave:", ("get", f"lpx/{by_hand}", "-o", _OUTPUTS)),
        ("What the scheduled run gave:", ("get", f"lpx/{scheduled}", "-o", _OUTPUTS)),
    ]
    if place.logs:
        looks.append(("What the container wrote:", ("logs", f"job/{by_hand}")))
    for title, command in looks:
        show(f"\n{title}\n")
        show(f"$ kubectl {' '.join(_quoted(each) for each in command)}")
        show(_in(place.kubectl, *command).rstrip())


def _quoted(argument: str) -> str:
    if "'" in argument:
        argument = argument.replace("'\\n'", '"\\n"')
    return f"'{argument}'" if re.search(r"[^\w./=,-]", argument) else argument


def _in(kubectl: Kubectl, *arguments: str, stdin: str | None = None) -> str:
    """Run kubectl in the example's namespace, whatever the context's own is."""
    return kubectl("--namespace", _NAMESPACE, *arguments, stdin=stdin)
