"""What a cluster lacks is told in one sentence, and looked at until nothing is missing."""

import asyncio
import copy
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from launchplan_operator.api.crd import build_crds
from launchplan_operator.kube.prerequisites import Prerequisites
from launchplan_operator.kube.rights import CLUSTER_RIGHTS, RIGHTS, Right
from launchplan_operator.kube.transport import Body, Object, Response, TransportError
from localcluster.operated import CLUSTER_RULES, ROLE
from tests.fake.virtual import seeded, virtual_time

Denies = Callable[[Object], bool]

PLURALS = [crd["spec"]["names"]["plural"] for crd in build_crds()]


def schemas() -> Object:
    """Return what a server publishes of our kinds."""
    found = {}
    for crd in build_crds():
        names, version = crd["spec"]["names"], crd["spec"]["versions"][0]
        marks = [{"group": "launchplan.dev", "kind": names["kind"], "version": version["name"]}]
        schema = copy.deepcopy(version["schema"]["openAPIV3Schema"])
        found[f"dev.launchplan.{names['kind']}"] = schema | {"x-kubernetes-group-version-kind": marks}
    return {"components": {"schemas": found}}


class Cluster:
    """Answers the three questions; what is wrong with it is changed from outside."""

    def __init__(self) -> None:
        self.served = list(PLURALS)
        self.schemas: Object | None = schemas()
        self.denied: Denies = lambda _: False
        self.status: int | None = None
        self.error: Exception | None = None
        self.hangs = False
        self.asked: list[Object] = []

    async def request(self, method: str, path: str, *, body: Body | None = None, **_: Any) -> Response:
        """Answer as an API server."""
        assert method == ("GET" if body is None else "POST")
        if self.hangs:
            await asyncio.sleep(3600)
        if self.error is not None:
            raise self.error
        if self.status is not None:
            return Response(self.status, {}, {"message": "words"})
        if path.startswith("/openapi"):
            return Response(403) if self.schemas is None else Response(200, {}, self.schemas)
        if isinstance(body, dict):
            attributes = body["spec"]["resourceAttributes"]
            self.asked.append(attributes)
            return Response(201, {}, {"status": {"allowed": not self.denied(attributes)}})
        found = [{"name": plural} for plural in self.served]
        return Response(200, {}, {"resources": found}) if found else Response(404)

    def stream(self, path: str, query: Any) -> Any:
        """Nothing is watched here."""
        raise NotImplementedError(path, query)


def needs(cluster: Cluster, *namespaces: str) -> Prerequisites:
    """Return what looks at a cluster."""
    return Prerequisites(cluster, "https://api:6443", namespaces=namespaces, rng=seeded(1), timeout=5)


async def sentence(cluster: Cluster, *namespaces: str) -> str:
    """Return what is told of a cluster."""
    return await needs(cluster, *namespaces)._look()


@virtual_time
async def test_nothing_is_missing() -> None:
    """Every right is asked for once, in all namespaces."""
    cluster = Cluster()
    assert await sentence(cluster) == ""
    assert len(cluster.asked) == len(RIGHTS) + len(CLUSTER_RIGHTS)
    assert {each["namespace"] for each in cluster.asked} == {""}


@virtual_time
async def test_who_serves_some_namespaces_needs_nothing_of_the_cluster() -> None:
    """Every right is asked for in each of them, and none on namespaces themselves."""
    cluster = Cluster()
    cluster.denied = lambda asked: asked["resource"] == "namespaces"
    assert await sentence(cluster, "a", "b") == ""
    assert len(cluster.asked) == 2 * len(RIGHTS)
    assert {each["namespace"] for each in cluster.asked} == {"a", "b"}
    assert await sentence(cluster) == (
        "the operator may not list namespaces, watch namespaces in all namespaces: "
        "bind the chart's role to the account that it acts as"
    )


@virtual_time
async def test_missing_crds() -> None:
    """All of them, or some."""
    cluster = Cluster()
    cluster.served = ["launchplans"]
    assert await sentence(cluster) == (
        "the cluster does not know workflowdefinitions.launchplan.dev, referencelaunchplans.launchplan.dev, "
        "launchplanexecutions.launchplan.dev: apply the CRDs of this version (the chart's, or crds/)"
    )
    cluster.served = []
    assert "launchplans.launchplan.dev" in await sentence(cluster)


@virtual_time
async def test_an_older_crd() -> None:
    """The fields are named that it lacks, those within lists too; a newer one is as good as ours."""
    cluster = Cluster()
    assert cluster.schemas is not None
    plan = cluster.schemas["components"]["schemas"]["dev.launchplan.LaunchPlan"]["properties"]
    plan["spec"]["properties"]["later"] = {"type": "string"}
    assert await sentence(cluster) == ""
    del plan["spec"]["properties"]["concurrency"]
    del plan["status"]["properties"]["decisions"]["items"]["properties"]["reason"]
    assert await sentence(cluster) == (
        "the CRD launchplans.launchplan.dev is older than this operator and has no spec.concurrency, "
        "status.decisions[].reason: apply the CRDs of this version (the chart's, or crds/)"
    )
    for name in list(plan["status"]["properties"]):
        del plan["status"]["properties"][name]
    assert " more: apply" in await sentence(cluster)


@virtual_time
async def test_a_schema_that_is_not_published_yet_is_waited_for() -> None:
    """A server serves a kind seconds before that; one that keeps its schemas to itself is believed."""
    cluster = Cluster()
    cluster.schemas = {}
    assert await sentence(cluster) == (
        "the API server does not tell the schema of workflowdefinitions.launchplan.dev yet"
    )
    cluster.schemas = None
    assert await sentence(cluster) == ""


@virtual_time
async def test_missing_rights() -> None:
    """They are named as in a role."""
    cluster = Cluster()
    cluster.denied = lambda asked: (
        asked["resource"] == "pods" or (asked["verb"], asked["resource"]) == ("create", "jobs")
    )
    assert await sentence(cluster) == (
        "the operator may not create jobs.batch, list pods, watch pods in all namespaces: "
        "bind the chart's role to the account that it acts as"
    )
    cluster.denied = lambda asked: asked["namespace"] == "b" and asked["subresource"] == "status"
    told = await sentence(cluster, "a", "b")
    assert "update launchplans/status.launchplan.dev" in told
    assert " in b: bind" in told


@virtual_time
async def test_a_server_that_does_not_answer() -> None:
    """Refused, silent, or with something else to say."""
    cluster = Cluster()
    cluster.error = TransportError("ClientConnectorError: Connection refused")
    assert await sentence(cluster) == (
        "the API server at https://api:6443 cannot be reached (ClientConnectorError: Connection refused)"
    )
    cluster.error, cluster.status = None, 401
    assert await sentence(cluster) == "the API server at https://api:6443 does not accept the credentials (401)"
    cluster.status = 503
    assert await sentence(cluster) == "the API server at https://api:6443 answers 503 words"
    cluster.hangs = True
    assert await sentence(cluster) == "the API server at https://api:6443 does not answer within 5 s"


@virtual_time
async def test_it_is_told_once_and_looked_at_until_it_is_mended(caplog: pytest.LogCaptureFixture) -> None:
    """A minute of the same trouble is one line; another trouble is another."""
    caplog.set_level(logging.INFO)
    cluster = Cluster()
    cluster.error = TransportError("ClientConnectorError: Connection refused")
    waiting = needs(cluster)
    task = asyncio.create_task(waiting.wait())
    await asyncio.sleep(60)
    assert waiting.obstacle.startswith("the API server")
    cluster.error, cluster.served = None, []
    await asyncio.sleep(60)
    cluster.served = list(PLURALS)
    await asyncio.wait_for(task, 31)
    assert waiting.obstacle == ""
    assert [record.getMessage().partition(": ")[0] for record in caplog.records] == [
        "cannot begin, trying again",
        "cannot begin, trying again",
        "nothing is missing any more",
    ]


def test_the_rights_are_those_of_the_role() -> None:
    """What is asked for is what is granted, and nothing else."""
    assert _granted(ROLE) == _asked(RIGHTS)
    assert _granted(ROLE, CLUSTER_RULES) == _asked((*RIGHTS, *CLUSTER_RIGHTS))


def _asked(rights: Iterable[Right]) -> set[tuple[str, str, str]]:
    return {(each.kind.group, _resource(each.kind.plural, each.subresource), each.verb) for each in rights}


def _resource(plural: str, subresource: str) -> str:
    return f"{plural}/{subresource}" if subresource else plural


def _granted(*paths: Path) -> set[tuple[str, str, str]]:
    rules = yaml.safe_load("".join(path.read_text() for path in paths))["rules"]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
