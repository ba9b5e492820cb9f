"""A release's life: installed where only restricted pods run, upgraded, uninstalled; with runs under way throughout."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from launchplan_operator.api.crd import build_crds
from launchplan_operator.api.kinds import (
    CRON_JOBS,
    JOBS,
    LAUNCH_PLAN_EXECUTIONS,
    LAUNCH_PLANS,
    NAMESPACES,
)
from localcluster.operated import CHART, SYSTEM_NAMESPACE
from tests.cluster.audit import Audit, Request
from tests.cluster.charted import Charted
from tests.cluster.support import (
    NEVER,
    Object,
    Space,
    eventually,
    phase_of,
    reason_of,
    run_of,
    workflow,
)

_PLANS = "launchplans.launchplan.dev"
_RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture
def space(charted: Charted) -> Iterator[Space]:
    """A fresh namespace; no operator outlives the test."""
    with charted.space() as fresh:
        yield fresh
        charted.end_operators()


def held() -> Object:
    """Return what a workflow says whose runs go on until they are released."""
    return workflow({"message": json.dumps({"rows": 1}), "hold": "true"})


def jobs(space: Space) -> dict[str, str]:
    """Return the uid of each Job by its name."""
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in space.all(JOBS)}


def phases(space: Space) -> dict[str, str | None]:
    """Return the phase of each run by its name."""
    return {each["metadata"]["name"]: phase_of(each) for each in space.all(LAUNCH_PLAN_EXECUTIONS)}


def lease_verbs(requests: set[Request]) -> set[str]:
    """Return what was asked of Leases."""
    return {each.verb for each in requests if each.resource == "leases"}


def columns(charted: Charted) -> list[str]:
    """Return what `kubectl get lp` shows, by the CRD on the server."""
    crd = json.loads(charted.cluster.kubectl("get", "crd", _PLANS, "-o", "json"))
    return [each["name"] for each in crd["spec"]["versions"][0]["additionalPrinterColumns"]]


def older_chart(directory: Path) -> Path:
    """Make a chart of an earlier version: without policies, and with a CRD that lacks a column."""
    chart = directory / "launchplan-operator"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about | {"version": "0.0.9", "appVersion": "0.0.9"}))
    shutil.rmtree(chart / "files" / "policies")
    path = chart / "files" / "crds" / "launchplans.yaml"
    crd = yaml.safe_load(path.read_text())
    version = crd["spec"]["versions"][0]
    version["additionalPrinterColumns"] = [
        each for each in version["additionalPrinterColumns"] if each["name"] != "Queued"
    ]
    path.write_text("# Older.\n" + yaml.safe_dump(crd, sort_keys=False))
    return chart


def test_an_upgrade_loses_no_run(charted: Charted, space: Space, tmp_path: Path) -> None:
    """Of an older chart, with one run waiting, one running and one that ends while no operator is there."""
    charted.clear()
    charted.install(chart=older_chart(tmp_path))
    assert "Queued" not in columns(charted)
    old = charted.operate()
    space.offer(spec=held())
    space.plan("limited", concurrency={"max": 1, "behavior": "Queue"})
    space.plan("free")
    for name, plan_name in (("running", "limited"), ("ending", "free"), ("waiting", "limited")):
        space.create(LAUNCH_PLAN_EXECUTIONS, name, run_of(plan_name))
        space.in_phase(name, "Queued" if name == "waiting" else "Running")
    before, pod = jobs(space), space.running_pod("ending")
    assert set(before) == {"running", "ending"}
    old.stop()
    space.release(pod)
    space.until(JOBS, "ending", lambda obj: obj["status"].get("succeeded"))
    charted.install()
    assert "Queued" in columns(charted)
    assert phases(space) == {"running": "Running", "waiting": "Queued", "ending": "Running"}
    charted.operate()
    assert space.ended("ending")["status"]["outputs"] == {"rows": 1}
    space.release(space.running_pod("running"))
    space.ended("running")
    space.release(space.running_pod("waiting"))
    space.ended("waiting")
    assert {name: uid for name, uid in jobs(space).items() if name in before} == before
    assert set(jobs(space)) == {"running", "ending", "waiting"}

    def counts() -> dict[str, Object]:
        return {name: space.read(LAUNCH_PLANS, name)["status"]["counts"] for name in ("limited", "free")}

    once, twice = {"started": 1, "succeeded": 1}, {"started": 2, "succeeded": 2}
    eventually(counts, lambda seen: seen == {"limited": twice, "free": once})


def test_its_pods_are_admitted_where_only_restricted_ones_are(charted: Charted) -> None:
    """By the API server itself; and helm sees them become ready."""
    labels = ",".join(f"{key}={value}" for key, value in _RESTRICTED.items())
    charted.install()
    charted.cluster.kubectl("label", "namespace", SYSTEM_NAMESPACE, labels, "--overwrite")
    charted.install("--set", "podLabels.restricted=yes", "--wait", "--timeout=60s")
    pods = json.loads(
        charted.cluster.kubectl("get", "pods", "-n", SYSTEM_NAMESPACE, "-l", "restricted=yes", "-o", "json")
    )
    assert len(pods["items"]) == 2


def test_uninstalling_harms_nothing_and_installing_anew_goes_on(charted: Charted, space: Space) -> None:
    """The CRDs stay, and so do plans, runs, Jobs and CronJobs; a release of the same name takes them over."""
    charted.install()
    operator = charted.operate()
    space.offer(spec=held())
    space.plan("nightly", schedule=NEVER)
    space.create(LAUNCH_PLAN_EXECUTIONS, "running", run_of("nightly"))
    pod = space.running_pod("running")
    before, cronjob = jobs(space), space.uid(CRON_JOBS, "nightly")
    operator.stop()
    said = charted.uninstall()
    assert said.count("CustomResourceDefinition") == len(build_crds()), said
    crds = charted.cluster.kubectl("get", "crds", "-o", "name").split()
    assert [each for each in crds if each.endswith(".launchplan.dev")] != []
    assert (
        charted.cluster.kubectl("get", "clusterrole,validatingadmissionpolicy", "-o", "name").count("launchplan") == 0
    )
    space.release(pod)
    space.until(JOBS, "running", lambda obj: obj["status"].get("succeeded"))
    assert (jobs(space), space.uid(CRON_JOBS, "nightly")) == (before, cronjob)
    charted.install()
    charted.operate()
    assert space.ended("running")["status"]["outputs"] == {"rows": 1}
    assert (jobs(space), space.uid(CRON_JOBS, "nightly")) == (before, cronjob)


def test_a_namespace_deleted_while_the_operator_is_gone_is_not_stuck(charted: Charted, space: Space) -> None:
    """Nothing in it waits for anybody: a plan with a CronJob and kept versions, a run under way, one that waits."""
    charted.install()
    operator = charted.operate()
    space.offer(spec=held())
    space.plan("nightly", schedule=NEVER)
    space.plan("limited", concurrency={"max": 1, "behavior": "Queue"})
    space.create(LAUNCH_PLAN_EXECUTIONS, "running", run_of("limited"))
    space.running_pod("running")
    space.create(LAUNCH_PLAN_EXECUTIONS, "waiting", run_of("limited"))
    space.in_phase("waiting", "Queued")
    operator.stop()
    path = NAMESPACES.path(None, space.namespace)
    space.send("DELETE", path)
    eventually(lambda: space.send("GET", path).status, lambda seen: seen == 404, 60)


def test_served_namespaces_are_served_by_roles_alone(charted: Charted, space: Space) -> None:
    """Runs, schedules, limits, versions, events and the Lease: not one request is refused, by no role and no policy.

    What belongs to the cluster is another release's, without an operator, that knows this one's account.
    """
    name, ops = "team-launchplan-operator", "team-ops"
    leased = {"create", "get", "update"}
    charted.install("--set", f"replicas=0,policies.exempt.users={{system:serviceaccount:{ops}:{name}}}")
    parts = "crds.enabled=false,roles.enabled=false,policies.enabled=false"
    values = ("--set", parts, "--set", f"watchNamespaces={{{space.namespace}}}")
    charted.install(*values, release="team", namespace=ops)
    audit = Audit(charted.cluster.audit_log, account=(ops, name)).from_now()
    charted.operate(name, ops)
    space.offer()
    space.plan("nightly", schedule=NEVER)
    space.plan("limited", concurrency={"max": 1, "behavior": "Queue"})
    space.run("by-hand", run_of("limited"))
    assert space.uid(CRON_JOBS, "nightly")
    bad = space.create(LAUNCH_PLANS, "bad", {"workflowRef": {"name": "report"}, "fixedInputs": {"x": 1}})
    space.warned(bad, "UnexpectedInput")
    space.edit(LAUNCH_PLANS, "nightly", spec={"defaultInputs": {"city": "Rome"}})
    space.until(LAUNCH_PLANS, "nightly", lambda obj: len(obj["status"]["versions"]) == 2)
    space.delete(LAUNCH_PLANS, "nightly")
    space.gone(CRON_JOBS, "nightly", 60)
    with charted.space() as other:
        other.create(LAUNCH_PLANS, "unserved", {"workflowRef": {"name": "report"}})
        space.create(LAUNCH_PLANS, "later", {"workflowRef": {"name": "report"}, "defaultInputs": {"city": "Bergen"}})
        space.ready(LAUNCH_PLANS, "later", "Inactive")
        assert reason_of(other.read(LAUNCH_PLANS, "unserved")) is None
    # The Lease is renewed some seconds after it was taken.
    requests = eventually(lambda: set(audit.requests()), lambda seen: leased <= lease_verbs(seen), 60)
    # Anybody may ask what she may do.
    asked = {each for each in requests if each.resource != "selfsubjectaccessreviews"}
    assert {each.namespace for each in asked} == {ops, space.namespace}
    assert {each for each in requests if each.status == 403 or not each.is_allowed} == set()
    charted.uninstall("team", ops)
