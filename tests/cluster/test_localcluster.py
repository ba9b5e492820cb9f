"""The local cluster itself: that it starts, stops, refuses, and leaves nothing behind."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localcluster import build, pki
from localcluster.cluster import LocalCluster, prepare, running
from localcluster.contexts import check_context
from localcluster.places import LocalClusterError, cluster_dir
from localcluster.podlife import Bind, Forget, Plan, Sleep, Step, Write, next_step, plan_of
from localcluster.processes import mentioning
from localcluster.stub import Stub
from localcluster.toolsets import ToolSet

Object = dict[str, Any]
Kubectl = Callable[..., str]

ROOT = Path(__file__).parents[2]
NUMBERS = itertools.count()
CLOCK = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until a condition holds that nothing tells us about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)  # processes and logs send no events


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python3 -m localcluster` as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "localcluster", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def name() -> Iterator[str]:
    """A name for a cluster of this test; what is left of it is removed."""
    unique = f"test-{os.getpid()}-{next(NUMBERS)}"
    yield unique
    command("down", "--name", unique)


def processes_of(cluster: str) -> list[int]:
    """The processes whose command line names a file of the cluster."""
    return list(mentioning(f"{cluster_dir(cluster)}/")) + list(mentioning(f"{cluster_dir(cluster)} "))


def job(annotations: Object | None = None, **spec: object) -> str:
    """A Job of one container, as JSON for kubectl."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "localcluster/busybox:1"}]}
    template = {"metadata": {"annotations": annotations or {}}, "spec": pod}
    manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": template} | spec,
    }
    return json.dumps(manifest)


def terminated(kubectl: Kubectl, namespace: str) -> Object:
    """The end of the only pod's only container."""
    pod = json.loads(kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"][0]
    ended: Object = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    return ended


def test_a_cluster_starts_and_stops_and_leaves_neither_processes_nor_files(name: str) -> None:
    """`start` gives a working API server, `stop` ends every process and removes the directory."""
    cluster = LocalCluster.start(name, node="none")
    assert "v1.37" in cluster.kubectl("version")
    assert name in {each.name for each in running()}
    assert len(processes_of(name)) >= 4
    cluster.stop()
    assert processes_of(name) == []
    assert not cluster_dir(name).exists()
    assert name not in {each.name for each in running()}


def test_two_clusters_run_side_by_side(cluster: LocalCluster, name: str) -> None:
    """Each has its own port, certificates and objects."""
    with LocalCluster.start(name, node="none") as other:
        other.kubectl("create", "namespace", "only-there")
        assert other.url != cluster.url
        assert "only-there" not in cluster.kubectl("get", "namespaces")
        assert "only-there" in other.kubectl("get", "namespaces")


def test_a_killed_supervisor_takes_every_process_with_it(name: str) -> None:
    """Kill -9 of the supervisor ends etcd, API server, controllers and stub; the name can be used again."""
    cluster = LocalCluster.start(name, node="stub")
    assert len(processes_of(name)) >= 5
    os.kill(cluster.pid, signal.SIGKILL)
    eventually(lambda: not processes_of(name))
    cluster.stop(keep_files=True)
    with LocalCluster.start(name, node="none") as again:
        assert "default" in again.kubectl("get", "namespaces")


def test_a_killed_starter_takes_its_cluster_with_it(name: str) -> None:
    """A test run that is killed -9 leaves no cluster."""
    script = f"from localcluster.cluster import LocalCluster as C; C.start({name!r}, node='none'); print('up', flush=True); input()"
    starter = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "up\n"
        assert processes_of(name)
        starter.kill()
    eventually(lambda: not processes_of(name))


def test_a_component_that_dies_is_started_again(name: str) -> None:
    """The supervisor restarts what ends by itself, and says how often."""
    with LocalCluster.start(name, node="none") as cluster:
        os.kill(cluster.components()["kube-controller-manager"]["pid"], signal.SIGKILL)
        eventually(lambda: cluster.components()["kube-controller-manager"]["restarts"] == 1)
        assert cluster.components()["kube-controller-manager"]["pid"] > 0


def test_up_twice_finds_the_cluster_running(name: str) -> None:
    """The second `up` starts nothing, prints the same kubeconfig, and minds other wishes."""
    first = command("up", "--name", name, "--node", "stub")
    assert first.returncode == 0, first.stderr
    assert "its node is stub" in first.stderr
    second = command("up", "--name", name, "--node", "stub")
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert "is up already" in second.stderr
    assert "control plane" not in second.stderr
    refused = command("up", "--name", name, "--node", "none")
    assert refused.returncode == 1
    assert "is up with other options" in refused.stderr


def test_the_command_line_tells_about_a_running_cluster(name: str) -> None:
    """`kubeconfig`, `status` and `logs` find a cluster that `up` left running; `down` ends it."""
    assert command("up", "--name", name, "--node", "stub", "--audit").returncode == 0
    kubeconfig = Path(command("kubeconfig", "--name", name).stdout.strip())
    assert json.loads(kubeconfig.read_text())["current-context"] == f"localcluster-{name}"
    assert kubeconfig.stat().st_mode & 0o077 == 0
    status = command("status", "--name", name)
    assert status.returncode == 0
    assert status.stdout.startswith(f"{name}: https://127.0.0.1:")
    assert "kube-apiserver" in command("logs", "--name", name).stdout
    assert "started etcd" in command("logs", "--name", name, "supervisor").stdout
    assert command("down", "--name", name).returncode == 0
    assert command("status", "--name", name).returncode == 1
    gone = command("kubeconfig", "--name", name)
    assert gone.returncode == 1
    assert f"no cluster {name} is running" in gone.stderr


def test_down_all_spares_a_cluster_whose_starter_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test run's cluster is not swept away by somebody who tidies up; a dead one's files are."""
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(prepare("none", lambda _: None)[2]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with LocalCluster.start("mine", node="none") as mine:
        dead = cluster_dir("dead")
        dead.mkdir()
        (dead / "supervisor.lock").touch()
        told = command("down", "--all")
        assert (told.returncode, dead.exists()) == (0, False)
        assert "cluster mine stays" in told.stderr
        assert "default" in mine.kubectl("get", "namespaces")
        assert command("down", "--name", "mine").returncode == 0
        assert running() == []


@pytest.mark.parametrize("bad", ["", "Big", "a/b", "-a", "a" * 41])
def test_a_name_that_is_no_label_is_refused(bad: str) -> None:
    """A name becomes a directory and a context: it is checked first."""
    with pytest.raises(LocalClusterError, match="cluster name"):
        cluster_dir(bad)


def test_rbac_refuses_a_user_without_a_role(cluster: LocalCluster, tmp_path: Path) -> None:
    """Known is not allowed, and unknown is not known."""
    stranger = cluster.kubeconfig_of(pki.STRANGER, tmp_path / "stranger")
    with pytest.raises(LocalClusterError, match='User "stranger" cannot list resource "pods"'):
        cluster.kubectl("--kubeconfig", str(stranger), "get", "pods")
    unknown = json.loads(stranger.read_text())
    unknown["users"][0]["user"]["token"] = "nobody's"  # noqa: S105 - no secret
    stranger.write_text(json.dumps(unknown))
    with pytest.raises(LocalClusterError, match=r"Unauthorized|provide credentials"):
        cluster.kubectl("--kubeconfig", str(stranger), "get", "pods")


def test_the_audit_log_names_who_did_what(cluster: LocalCluster, namespace: str) -> None:
    """One JSON event per request, of level Metadata."""

    def event() -> Object | None:
        events = [json.loads(line) for line in cluster.audit_log.read_text().splitlines()]
        ours = [each for each in events if each.get("objectRef", {}).get("name") == namespace]
        return ours[0] if ours else None

    cluster.kubectl("get", "namespace", namespace)
    eventually(event)
    found = event()
    assert found is not None
    assert (found["level"], found["user"]["username"]) == ("Metadata", "admin")


def test_the_stub_finishes_a_job_with_the_message_told(kubectl: Kubectl, namespace: str) -> None:
    """The annotations of the pod are its fate."""
    told = {"stub.localcluster/message": '{"rows": 3}', "stub.localcluster/duration": "0.5"}
    kubectl("create", "-n", namespace, "-f", "-", stdin=job(told))
    kubectl("wait", "-n", namespace, "job/j", "--for=condition=Complete", "--timeout=30s")
    ended = terminated(kubectl, namespace)
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (0, "Completed", '{"rows": 3}')


def test_the_stub_fails_a_job_with_the_exit_code_told(kubectl: Kubectl, namespace: str) -> None:
    """A failure has an exit code, the reason Error and last words too."""
    told = {"stub.localcluster/exit-code": "3", "stub.localcluster/message": "no such table"}
    kubectl("create", "-n", namespace, "-f", "-", stdin=job(told, backoffLimit=0))
    kubectl("wait", "-n", namespace, "job/j", "--for=condition=Failed", "--timeout=30s")
    ended = terminated(kubectl, namespace)
    assert (ended["exitCode"], ended["reason"], ended["message"]) == (3, "Error", "no such table")


def test_the_stub_holds_a_pod_until_it_is_let_go(kubectl: Kubectl, namespace: str) -> None:
    """A held pod runs on; without the annotation it ends."""
    kubectl("create", "-n", namespace, "-f", "-", stdin=job({"stub.localcluster/hold": "true"}))
    kubectl("wait", "-n", namespace, "job/j", "--for=jsonpath={.status.ready}=1", "--timeout=30s")
    kubectl("annotate", "-n", namespace, "pods", "--all", "stub.localcluster/hold-")
    kubectl("wait", "-n", namespace, "job/j", "--for=condition=Complete", "--timeout=30s")


def test_the_stub_lets_a_deleted_pod_go(kubectl: Kubectl, namespace: str) -> None:
    """A deadline deletes the running pod: it goes, and the Job is Failed."""
    told = {"stub.localcluster/hold": "true"}
    kubectl("create", "-n", namespace, "-f", "-", stdin=job(told, activeDeadlineSeconds=1))
    kubectl("wait", "-n", namespace, "job/j", "--for=condition=Failed", "--timeout=30s")
    kubectl("wait", "-n", namespace, "pods", "--all", "--for=delete", "--timeout=10s")


def test_a_test_decides_itself_what_pods_do(name: str) -> None:
    """With no node a test runs its own stub, whose plans it may change while pods run."""
    plan = {"hold": "running"}
    with LocalCluster.start(name, node="none") as cluster:
        with Stub(cluster, decide=lambda _: Plan(duration=0, message="decided", hold=plan["hold"])) as stub:
            cluster.kubectl("create", "-f", "-", stdin=job())
            cluster.kubectl("wait", "job/j", "--for=jsonpath={.status.ready}=1", "--timeout=30s")
            plan["hold"] = ""
            stub.poke()
            cluster.kubectl("wait", "job/j", "--for=condition=Complete", "--timeout=30s")
        assert terminated(cluster.kubectl, "default")["message"] == "decided"


def pod(phase: str = "Pending", *, node: str = "stub", restart_policy: str = "Never", **meta: object) -> Object:
    """A pod of one container as the API server shows it."""
    spec = {"nodeName": node, "restartPolicy": restart_policy, "containers": [{"name": "main", "image": "i"}]}
    status: Object = {"phase": phase}
    if phase == "Running":
        status["containerStatuses"] = [{"name": "main", "restartCount": 0, "state": {"running": {"startedAt": "x"}}}]
    return {"metadata": {"name": "p", "uid": "u"} | meta, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("given", "plan", "step"),
    [
        pytest.param(pod(node=""), Plan(), Bind(), id="an unbound pod is bound"),
        pytest.param(pod(node=""), Plan(hold="pending"), None, id="a pod held pending is not bound"),
        pytest.param(pod(node="elsewhere"), Plan(), None, id="another node's pod is left alone"),
        pytest.param(pod("Running"), Plan(duration=5), Sleep(15.0), id="a running pod runs for its duration"),
        pytest.param(pod("Running"), Plan(hold="running"), None, id="a held pod runs on"),
        pytest.param(pod("Succeeded"), Plan(), None, id="a finished pod stays"),
        pytest.param(pod("Failed", deletionTimestamp="now"), Plan(), Forget(), id="a finished deleted pod goes"),
    ],
)
def test_a_pods_next_step(given: Object, plan: Plan, step: Step | None) -> None:
    """What kubelet would do, ten seconds after boot, with a pod begun at that moment."""
    assert next_step(given, plan, 10.0, 10.0, CLOCK) == step


def test_a_failed_container_is_restarted_where_the_pod_says_so() -> None:
    """`OnFailure` counts a restart and keeps how the last one ended; success ends the pod."""
    given = pod("Running", restart_policy="OnFailure")
    failed = next_step(given, Plan(exit_code=2, message="m"), 0.0, 10.0, CLOCK)
    assert isinstance(failed, Write)
    assert failed.starts
    status = failed.status["containerStatuses"][0]
    assert (failed.status["phase"], status["restartCount"]) == ("Running", 1)
    assert status["lastState"]["terminated"]["exitCode"] == 2
    succeeded = next_step(given, Plan(), 0.0, 10.0, CLOCK)
    assert isinstance(succeeded, Write)
    assert succeeded.status["phase"] == "Succeeded"


def test_last_words_are_cut_where_kubelet_cuts_them() -> None:
    """4,096 bytes, never half a character."""
    step = next_step(pod("Running"), Plan(message="é" * 2000 + "x" * 200), 0.0, 10.0, CLOCK)
    assert isinstance(step, Write)
    message = step.status["containerStatuses"][0]["state"]["terminated"]["message"]
    assert len(message.encode()) == 4096
    odd = next_step(pod("Running"), Plan(message="x" + "é" * 4000), 0.0, 10.0, CLOCK)
    assert isinstance(odd, Write)
    assert len(odd.status["containerStatuses"][0]["state"]["terminated"]["message"].encode()) == 4095


def test_a_plan_is_read_from_annotations() -> None:
    """Each annotation is one field; a pod that tells nothing succeeds soon and silently."""
    told = {"duration": "3.5", "exit-code": "4", "message": "m", "hold": "true", "container": "c"}
    annotations = {f"stub.localcluster/{key}": value for key, value in told.items()}
    expected = Plan(duration=3.5, exit_code=4, message="m", hold="running", container="c")
    assert plan_of(pod(annotations=annotations)) == expected
    assert plan_of(pod()) == Plan()


@pytest.mark.parametrize("context", ["kind-a", "minikube", "k3d-x", "localcluster-default"])
def test_a_playground_is_used_without_asking(context: str) -> None:
    """These names are made by tools for throw-away clusters."""
    assert check_context(context, force="") is None


@pytest.mark.parametrize("context", ["prod", "gke_a_b_c", "kind", "my-minikube", "arn:aws:eks:x"])
def test_anything_else_may_be_production(context: str) -> None:
    """It is refused by name, unless forced."""
    assert f"{context!r} may be production" in (check_context(context, force="") or "")
    assert check_context(context, force="1") is None


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToolSet:
    """A tool set of one tiny program, and a cache of its own."""
    monkeypatch.setenv("GOCACHE", os.environ.get("GOCACHE", str(Path.home() / ".cache" / "go-build")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    source = tmp_path / "tiny"
    source.mkdir()
    (source / "go.mod").write_text("module example.invalid/tiny\n\ngo 1.24\n")
    (source / "main.go").write_text('package main\n\nfunc main() { println("tiny") }\n')
    return ToolSet("tiny", source, {"tiny": "."})


def test_two_builds_at_once_compile_once(tools: ToolSet) -> None:
    """The second waits for the first and takes what it made."""
    said: list[str] = []
    builders = [threading.Thread(target=build.build, args=(tools, said.append)) for _ in range(2)]
    for each in builders:
        each.start()
    for each in builders:
        each.join()
    assert os.access(build.built(tools) / "tiny", os.X_OK)
    assert sum(text.startswith("built tiny") for text in said) == 1


def test_a_failed_build_says_why_and_leaves_nothing(tools: ToolSet) -> None:
    """The compiler's own words are in the error; what an interrupted build left is swept up."""
    left_over = build.built(tools).parent / ".tiny-interrupted"
    left_over.mkdir(parents=True)
    (tools.directory / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    with pytest.raises(LocalClusterError, match="undefined: nonsense"):
        build.build(tools, lambda _: None)
    assert not build.built(tools).exists()
    assert not left_over.exists()
    assert [path.name for path in left_over.parent.iterdir()] == ["tiny.lock"]


def test_ready_binaries_are_taken_if_they_are_complete(
    tools: ToolSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`KUBEBUILDER_ASSETS` saves the build, unless something is missing there."""
    assets = tmp_path / "assets"
    assets.mkdir()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    said: list[str] = []
    assert build.ensure(tools, ["tiny"], said.append) == build.built(tools)
    assert any("lacks tiny" in text for text in said)
    (assets / "tiny").touch(mode=0o755)
    assert build.ensure(tools, ["tiny"], said.append) == assets
