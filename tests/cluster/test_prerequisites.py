"""An operator that cannot begin says why in one sentence, stays, and begins once it can; on a real API server."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from localcluster.cluster import LocalCluster
from localcluster.operated import ROOT, OperatorProcess, free_port, install, write_operator_kubeconfig
from tests.cluster.support import Object, eventually

CRDS = ROOT / "crds"


@pytest.fixture(scope="module")
def bare() -> Iterator[LocalCluster]:
    """A cluster on which nothing of ours was ever installed."""
    with LocalCluster.start(f"test-{os.getpid()}-bare", node="stub") as running:
        yield running


class Beginning:
    """An operator that was started, and what it says."""

    def __init__(self, kubeconfig: Path, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.process = OperatorProcess(kubeconfig, directory / "operator.log", free_port(), settings or {})
        self.pid = self.process.start()

    def lines(self) -> list[Object]:
        """Return the warnings and errors that it logged; a line that is none of its own is an error of the test's."""
        read = [json.loads(line) for line in self.process.log.read_text().splitlines()]
        return [line for line in read if line["level"] not in {"debug", "info"}]

    def says(self, number: int) -> str:
        """Wait for its n-th warning, and return it; it is the last, and the process is still the same."""
        lines = eventually(self.lines, lambda lines: len(lines) >= number, 60)
        assert len(lines) == number, lines
        assert not any("error" in line for line in lines)
        os.kill(self.pid, 0)
        assert not self.process.is_ready()
        return str(lines[-1]["message"])


@pytest.fixture
def begin() -> Iterator[list[Beginning]]:
    """Operators of a test, which end with it."""
    begun: list[Beginning] = []
    yield begun
    for each in begun:
        each.process.stop()


def admin(cluster: LocalCluster) -> Object:
    """Return the administrator's kubeconfig."""
    found: Object = json.loads(cluster.kubeconfig.read_text())
    return found


def older(path: Path) -> str:
    """Return a CRD as an earlier version had it."""
    crd = yaml.safe_load(path.read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"].pop("concurrency", None)
    schema["properties"]["status"]["properties"].pop("concurrency", None)
    rules = schema["properties"]["spec"].get("x-kubernetes-validations") or []
    schema["properties"]["spec"]["x-kubernetes-validations"] = [
        each for each in rules if "concurrency" not in each["rule"]
    ]
    return json.dumps(crd)


def test_missing_crds_then_older_ones(bare: LocalCluster, begin: list[Beginning], tmp_path: Path) -> None:
    """It waits for the CRDs, and then for those of its own version: an older one would drop what it writes."""
    operator = Beginning(bare.kubeconfig, tmp_path)
    begin.append(operator)
    assert operator.says(1) == (
        "cannot begin, trying again: the cluster does not know workflowdefinitions.launchplan.dev, "
        "launchplans.launchplan.dev, referencelaunchplans.launchplan.dev, launchplanexecutions.launchplan.dev: "
        "apply the CRDs of this version (the chart's, or crds/)"
    )
    for path in sorted(CRDS.glob("*.yaml")):
        bare.kubectl("apply", "-f", "-", stdin=older(path))
    told = eventually(operator.lines, lambda lines: "older than" in lines[-1]["message"], 60)
    assert told[-1]["message"] == (
        "cannot begin, trying again: the CRD launchplans.launchplan.dev is older than this operator and has no "
        "spec.concurrency, status.concurrency: apply the CRDs of this version (the chart's, or crds/)"
    )
    assert operator.says(len(told)) == told[-1]["message"]
    bare.kubectl("apply", "-f", str(CRDS))
    operator.process.await_ready()
    # Between the two, the server may serve some of the kinds, or not tell of them yet.
    assert all(line["message"].startswith("cannot begin, trying again: ") for line in operator.lines())


def test_a_crd_that_goes_while_it_runs(bare: LocalCluster, begin: list[Beginning], tmp_path: Path) -> None:
    """It ends with a plain line, is started once more as Kubernetes would, and waits until the CRD is there again."""
    bare.kubectl("apply", "-f", str(CRDS))
    bare.kubectl("wait", "--for=condition=Established", "-f", str(CRDS), "--timeout=60s")
    first = Beginning(bare.kubeconfig, tmp_path)
    begin.append(first)
    first.process.await_ready()
    time.sleep(3)  # until kopf watches, too
    bare.kubectl("delete", "crd", "launchplanexecutions.launchplan.dev")
    assert first.process.wait(60) == 1
    log = first.process.log.read_text()
    assert "our own kinds cannot be followed, the process ends: " in log
    assert "Traceback" not in log
    (tmp_path / "again").mkdir()
    again = Beginning(bare.kubeconfig, tmp_path / "again")
    begin.append(again)
    assert "the cluster does not know launchplanexecutions.launchplan.dev: apply" in again.says(1)
    bare.kubectl("apply", "-f", str(CRDS))
    again.process.await_ready()


def test_missing_rights(bare: LocalCluster, begin: list[Beginning], tmp_path: Path) -> None:
    """Its account is bound to no role, then to the chart's."""
    install(bare.kubectl)
    kubeconfig = write_operator_kubeconfig(bare.kubectl, tmp_path / "kubeconfig", admin(bare))
    bindings = bare.kubectl("get", "clusterrolebindings", "-o", "name").split()
    ours = [name for name in bindings if "launchplan" in name]
    bare.kubectl("delete", *ours)
    operator = Beginning(kubeconfig, tmp_path)
    begin.append(operator)
    told = operator.says(1)
    assert told.startswith(
        "cannot begin, trying again: the operator may not get workflowdefinitions.launchplan.dev, list "
    )
    assert told.endswith(" more in all namespaces: bind the chart's role to the account that it acts as")
    install(bare.kubectl)
    operator.process.await_ready()
    # The roles are bound one after another, and what it lacks meanwhile is told, too: each sentence once.
    told_all = [str(line["message"]) for line in operator.lines()]
    assert len(set(told_all)) == len(told_all)
    assert all(line.startswith("cannot begin, trying again: the operator may not ") for line in told_all)


def test_an_api_server_that_cannot_be_reached(bare: LocalCluster, begin: list[Beginning], tmp_path: Path) -> None:
    """Nobody listens at its address; no secret of the kubeconfig is in the log."""
    config = admin(bare)
    address = f"https://127.0.0.1:{free_port()}"
    config["clusters"][0]["cluster"]["server"] = address
    config["users"][0]["user"] = {"token": "s3cret"}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    operator = Beginning(kubeconfig, tmp_path)
    begin.append(operator)
    assert operator.says(1) == (
        f"cannot begin, trying again: the API server at {address} cannot be reached "
        "(ClientConnectorError: Connection refused)"
    )
    time.sleep(5)  # long enough for two more attempts, which say nothing new
    operator.says(1)
    assert "s3cret" not in operator.process.log.read_text()


def test_credentials_that_are_not_accepted(bare: LocalCluster, begin: list[Beginning], tmp_path: Path) -> None:
    """A token that the server does not know is no reason to end: it may be replaced."""
    config = admin(bare)
    config["users"][0]["user"] = {"token": "s3cret"}
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    operator = Beginning(kubeconfig, tmp_path)
    begin.append(operator)
    assert operator.says(1).endswith(" does not accept the credentials (401)")
    kubeconfig.write_text(json.dumps(admin(bare)))
    operator.process.await_ready()
    assert "s3cret" not in operator.process.log.read_text()
