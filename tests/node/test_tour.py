"""What `make run` does, on a real node; the README shows what it prints."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.cluster import LocalCluster
from localcluster.installed import RELEASE
from localcluster.operated import OPERATOR, SYSTEM_NAMESPACE
from localcluster.places import cache_root, cluster_dir
from localcluster.supervised import is_supervised
from localcluster.tour import contexts_root
from tests.node.support import eventually

ROOT = Path(__file__).parents[2]
SHOWN = ROOT / "docs" / "generated" / "tour.txt"
NAME = f"tour-{os.getpid()}"
#: What differs from one tour to the next.
VOLATILE = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", "TIME"),
    (r"hello-\d{7,9}\b", "SLOT-NAME"),
    (r"hello-by-hand-[a-z0-9]{5}\b", "RUN-NAME"),
    (r"\b\d+m?\d*s( +|$)", "AGE "),
    (r"\b[0-9a-f]{10}\b", "VERSION"),
    (r"(Succeeded|Running|Queued) +\d+ +True", "LAST RUNNING True"),
    (r" {2,}", "  "),
    (r"(SLOT-NAME  .*\n)(SLOT-NAME  .*\n)+", r"\1"),
)
STARTED_LATER = re.compile(r"^hello-\d+ .*(Running|Queued).*\n", re.MULTILINE)


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


@pytest.fixture(scope="module")
def first(real_node: None) -> Iterator[subprocess.CompletedProcess[str]]:
    """The first tour of a cluster that does not exist yet; it is stopped at the end."""
    assert real_node is None
    yield command("tour", "--name", NAME)
    command("down", "--name", NAME)


def as_shown(output: str) -> str:
    """What a tour printed, without the names of this machine and of this cluster."""
    plain = output.replace(str(cache_root()), "~/.cache/launchplan-operator")
    plain = re.sub(r"^ +export PATH=.*\n", "", plain, flags=re.MULTILINE)
    return plain.replace(f"clusters/{NAME}", "clusters/demo").replace(f"make down CLUSTER={NAME}", "make down")


def masked(text: str) -> str:
    """A tour's text with all that differs from one to the next replaced."""
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text


def test_the_first_tour_prints_what_the_readme_shows(first: subprocess.CompletedProcess[str]) -> None:
    """The plan, its runs, next times, outputs and log; `UPDATE=1` writes the file that the README quotes."""
    assert first.returncode == 0, first.stderr
    shown = as_shown(STARTED_LATER.sub("", first.stdout))
    if os.environ.get("UPDATE") == "1":
        SHOWN.write_text(shown, encoding="utf-8")
    assert masked(shown) == masked(SHOWN.read_text(encoding="utf-8"))


def test_a_second_tour_starts_nothing_twice_and_waits_for_no_schedule(
    first: subprocess.CompletedProcess[str],
) -> None:
    """It finds the cluster and the scheduled runs that it has had since."""
    assert first.returncode == 0, first.stderr
    second = command("tour", "--name", NAME)
    assert second.returncode == 0, second.stderr
    assert "starting the cluster" not in second.stderr
    assert "waiting for the schedule" not in second.stderr
    assert second.stdout.count("launchplan.dev") == 0
    assert '{"greeting":"Hello, world!","length":13}' in second.stdout


def test_an_existing_cluster_is_toured_by_its_context(first: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    """`CONTEXT=…` needs nothing of ours but a kubeconfig; `down` ends the operator and leaves the cluster."""
    assert first.returncode == 0, first.stderr
    cluster = LocalCluster.attach(NAME)
    kubeconfig = {"KUBECONFIG": str(cluster.kubeconfig)}
    toured = command("tour", "--context", cluster.context, **kubeconfig)
    try:
        assert toured.returncode == 0, toured.stderr
        assert f"kubectl config use-context {cluster.context}" in toured.stdout
    finally:
        ended = command("down", "--context", cluster.context, **kubeconfig)
    assert "the operator has ended" in ended.stderr
    assert not (contexts_root() / cluster.context).exists()
    assert "no operator" in command("down", "--context", cluster.context, **kubeconfig).stderr
    production = tmp_path / "production"
    shutil.copy(cluster.kubeconfig, production)
    production.write_text(production.read_text().replace(cluster.context, "payments-live"))
    refused = command("tour", "--context", "payments-live", KUBECONFIG=str(production), FORCE="")
    assert refused.returncode == 1
    assert "'payments-live' may be production" in refused.stderr
    assert "default" in cluster.kubectl("get", "namespaces")


def test_the_operator_is_a_release_in_the_cluster(first: subprocess.CompletedProcess[str]) -> None:
    """Helm installed it; no process of this machine stands in for it, and what is left of a killed cluster is files."""
    assert first.returncode == 0, first.stderr
    assert "installing the Helm chart in launchplan-system" in first.stderr
    cluster = LocalCluster.attach(NAME)
    assert not is_supervised(cluster.directory / OPERATOR)
    deployment = cluster.kubectl("get", f"deployment/{RELEASE}", "-n", SYSTEM_NAMESPACE, "-o", "json")
    assert json.loads(deployment)["status"]["readyReplicas"] == 2
    os.kill(cluster.pid, signal.SIGKILL)
    eventually(lambda: not is_supervised(cluster.directory), "the end of the cluster's supervisor")
    assert command("down", "--name", NAME).returncode == 0
    assert not cluster_dir(NAME).exists()
