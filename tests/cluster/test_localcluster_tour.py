"""What `make run` does where no real node is possible: a stub plays the containers."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.cluster import LocalCluster
from localcluster.operated import OPERATOR
from localcluster.places import LocalClusterError, cluster_dir
from localcluster.supervised import is_supervised, read_state
from localcluster.tour import tour
from tests.cluster.test_localcluster import eventually

ROOT = Path(__file__).parents[2]
NAME = f"stub-tour-{os.getpid()}"


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m localcluster` as `make run` does."""
    return subprocess.run(
        [sys.executable, "-m", "localcluster", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a cluster with a stub, up; it is stopped at the end."""
    assert command("up", "--name", NAME, "--node", "stub").returncode == 0
    yield NAME
    command("down", "--name", NAME)


def test_a_tour_shows_outputs_without_a_container(name: str) -> None:
    """The stub says what the example would, and the operator ends with the cluster, however that ends."""
    toured = command("tour", "--name", name)
    assert toured.returncode == 0, toured.stderr
    assert toured.stdout.count('{"greeting":"Hello from the stub!","length":20}') == 2
    assert "kubectl logs" not in toured.stdout
    own = cluster_dir(name) / OPERATOR
    operator = read_state(own)["components"][OPERATOR]["pid"]
    os.kill(LocalCluster.attach(name).pid, signal.SIGKILL)
    eventually(lambda: not is_supervised(own) and not Path(f"/proc/{operator}").exists())


def test_an_operator_that_does_not_start_ends_the_tour_with_its_own_words(name: str) -> None:
    """The end of its log is in the error, and nothing is left running."""
    broken = command("tour", "--name", name, LAUNCHPLAN_OPERATOR_WORKERS="many")
    assert broken.returncode == 1
    assert "LAUNCHPLAN_OPERATOR_WORKERS: found 'many', expected a number" in broken.stderr
    eventually(lambda: not is_supervised(cluster_dir(name) / OPERATOR))


def test_a_tour_that_cannot_go_on_says_why(name: str) -> None:
    """A CronJob of somebody else has the plan's name: the plan's message and the operator's log are in the error."""
    cluster = LocalCluster.attach(name)
    cluster.kubectl("create", "cronjob", "hello", "--image=busybox:stable", "--schedule=@yearly")
    stuck = command("tour", "--name", name)
    assert stuck.returncode == 1
    assert "the plan hello is not ready" in stuck.stderr
    assert "CronJobNameTaken" in stuck.stderr
    assert "the caches are filled" in stuck.stderr


def test_a_context_that_may_be_production_is_refused_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request leaves: there is no kubeconfig to send it with."""
    monkeypatch.setenv("KUBECONFIG", os.devnull)
    monkeypatch.setenv("FORCE", "")
    with pytest.raises(LocalClusterError, match="'payments-live' may be production"):
        tour("unused", "payments-live", print, print)
