"""A control plane of this test run's own, its pods finished by a stub, and the operator under the chart's role."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from localcluster.build import build
from localcluster.charts import Helm
from localcluster.cluster import LocalCluster, prepare
from localcluster.operated import (
    ACCOUNT,
    SYSTEM_NAMESPACE,
    OperatorProcess,
    free_port,
    install,
    write_operator_kubeconfig,
)
from localcluster.toolsets import ARGOLUA
from tests.cluster.away import Away, Outages, begin, leave, strand
from tests.cluster.charted import Charted, charted_cluster
from tests.cluster.modelled import Playing
from tests.cluster.support import Space

Kubectl = Callable[..., str]
MakeSpace = Callable[[], Space]
#: Judges what all other files here did.
_JUDGES = "test_rights.py"
_ALL_FILES = {path for path in Path(__file__).parent.glob("test_*.py") if path.name != _JUDGES}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what is not built before the first test's clock runs: it takes minutes, once."""
    here = Path(__file__).parent
    if not session.config.option.collectonly and any(here in item.path.parents for item in session.items):
        prepare("stub", _reporter(session))
        Helm.find(_reporter(session))
    if not session.config.option.collectonly and any(item.path.name == "test_argocd.py" for item in session.items):
        build(ARGOLUA, _reporter(session))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let what judges the whole session come last, and leave out what only a whole one can tell."""
    judges = [item for item in items if item.path.name == _JUDGES]
    others = [item for item in items if item not in judges]
    partial = _is_narrowed(config) or not {item.path for item in others} >= _ALL_FILES
    left_out = [item for item in judges if partial and item.get_closest_marker("whole_session")]
    items[:] = others + [item for item in judges if item not in left_out]
    if left_out:
        config.hook.pytest_deselected(items=left_out)


def _is_narrowed(config: pytest.Config) -> bool:
    """Tell whether only some tests of a file were asked for."""
    options = config.option
    asked = (options.keyword, options.markexpr, options.deselect, getattr(options, "lf", False))
    return any(asked) or any("::" in argument for argument in config.args)


def _reporter(session: pytest.Session) -> Callable[[str], None]:
    capture = session.config.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"{text}\n")

    return say


@pytest.fixture(scope="session")
def cluster() -> Iterator[LocalCluster]:
    """A running cluster: control plane, stub node, audit log."""
    with LocalCluster.start(f"test-{os.getpid()}", node="stub", audit=True) as running:
        yield running


@pytest.fixture
def namespace(cluster: LocalCluster) -> Iterator[str]:
    """A fresh namespace; its deletion is asked for at the end, and not waited for."""
    name = _new_namespace(cluster)
    yield name
    _delete_namespace(cluster, name)


@pytest.fixture
def kubectl(cluster: LocalCluster) -> Kubectl:
    """Runs kubectl as administrator: `kubectl(*arguments, stdin=None)` returns its output, or raises with its errors."""
    return cluster.kubectl


@pytest.fixture(scope="session")
def operator(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """The operator on the cluster, under the chart's role. A test that stops it starts it again."""
    process = _operate(cluster, tmp_path_factory.mktemp("operator"))
    yield process
    process.stop()


@pytest.fixture
def running(operator: OperatorProcess) -> OperatorProcess:
    """The operator, started again if a test left it stopped."""
    if not operator.is_ready():
        operator.kill()
        operator.start()
        operator.await_ready()
    return operator


@pytest.fixture(scope="session")
def new_space(cluster: LocalCluster, operator: OperatorProcess) -> Iterator[MakeSpace]:
    """Makes fresh namespaces that the operator serves; they go with the cluster."""
    assert operator.is_ready()
    with closing(cluster.api()) as api:
        yield lambda: Space(api, _new_namespace(cluster), cluster.kubectl, cluster.audit_log)


@pytest.fixture
def space(cluster: LocalCluster, new_space: MakeSpace, running: OperatorProcess) -> Iterator[Space]:
    """A fresh namespace that the operator serves."""
    assert running.is_ready()
    fresh = new_space()
    yield fresh
    _delete_namespace(cluster, fresh.namespace)


@pytest.fixture(scope="session")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Away]:
    """A cluster of its own, whose operator is stopped as soon as its plans are active."""
    operators: list[OperatorProcess] = []
    with LocalCluster.start(f"test-{os.getpid()}-away", node="stub") as cluster, closing(cluster.api()) as api:

        def operate(space: Space) -> OperatorProcess:
            settings = {
                "LAUNCHPLAN_OPERATOR_NAMESPACES": space.namespace,
                "LAUNCHPLAN_OPERATOR_LEASE_NAME": space.namespace,
            }
            operators.append(_operate(cluster, tmp_path_factory.mktemp(space.namespace), settings))
            return operators[-1]

        yield begin(lambda: Space(api, _new_namespace(cluster), cluster.kubectl, cluster.audit_log), operate)
        for operator in operators:
            operator.stop()


@pytest.fixture(scope="session")
def charted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charted]:
    """A cluster of its own, on which helm installs the chart."""
    with charted_cluster(tmp_path_factory.mktemp("charted")) as running:
        yield running


@pytest.fixture(scope="session")
def playing(cluster: LocalCluster) -> Playing:
    """The scripts of the controllers' suite, under way."""
    return Playing(str(cluster.kubeconfig)).begin()


@pytest.fixture(scope="session")
def outages(away: Away, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outages]:
    """An operator that is away for minutes, and, on a cluster of its own, a CronJob without controllers."""
    with LocalCluster.start(f"test-{os.getpid()}-lonely", node="stub") as cluster, closing(cluster.api()) as api:
        operator = _operate(cluster, tmp_path_factory.mktemp("lonely"))
        space = Space(api, _new_namespace(cluster), cluster.kubectl, cluster.audit_log)
        with ThreadPoolExecutor(2) as pool:
            yield pool.submit(leave, away), pool.submit(strand, space, cluster)
        operator.stop()


@pytest.fixture(scope="session", autouse=True)
def _begun_early(request: pytest.FixtureRequest) -> None:
    """What takes minutes begins before the first test and goes on beside all others."""
    for name in ("playing", "away", "outages"):
        if any(name in getattr(item, "fixturenames", ()) for item in request.session.items):
            request.getfixturevalue(name)


def _operate(cluster: LocalCluster, directory: Path, settings: Mapping[str, str] | None = None) -> OperatorProcess:
    # What this policy refuses at apply, the operator finds where there is none: some tests are about that.
    install(cluster.kubectl, without=("input-in-both",))
    if lease := (settings or {}).get("LAUNCHPLAN_OPERATOR_LEASE_NAME"):
        _permit_lease(cluster.kubectl, lease)
    admin = json.loads(cluster.kubeconfig.read_text())
    kubeconfig = write_operator_kubeconfig(cluster.kubectl, directory / "kubeconfig", admin)
    process = OperatorProcess(kubeconfig, directory / "operator.log", free_port(), settings or {})
    process.start()
    process.await_ready()
    return process


def _permit_lease(kubectl: Kubectl, name: str) -> None:
    """Add to the chart's role, which knows one Lease, another: for more operators on a cluster than one release has."""
    lease = ("--resource=leases.coordination.k8s.io", f"--resource-name={name}", "--verb=get,update")
    kubectl("create", "role", name, "-n", SYSTEM_NAMESPACE, *lease)
    account = f"--serviceaccount={SYSTEM_NAMESPACE}:{ACCOUNT}"
    kubectl("create", "rolebinding", name, "-n", SYSTEM_NAMESPACE, f"--role={name}", account)


def _new_namespace(cluster: LocalCluster) -> str:
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "test-"}}
    with closing(cluster.api()) as api:
        return str(api.request("POST", "/api/v1/namespaces", manifest).body["metadata"]["name"])


def _delete_namespace(cluster: LocalCluster, name: str) -> None:
    with closing(cluster.api()) as api:
        api.request("DELETE", f"/api/v1/namespaces/{name}")
