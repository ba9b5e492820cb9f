"""What a cluster must have before the operator can work there: an API server, our kinds in this version, and our rights.

Whatever is missing is told in one sentence and looked at again; nothing of it is a reason to end.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from logging import getLogger
from random import Random
from typing import Any, Final

from launchplan_operator.api.crd import build_crds
from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.kube.rights import CLUSTER_RIGHTS, RIGHTS, Right
from launchplan_operator.kube.transport import Object, Response, Transport, TransportError

_API: Final = f"/apis/{LAUNCH_PLANS.api_version}"
_SCHEMAS: Final = f"/openapi/v3{_API}"
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 30.0
_ASKED_AT_ONCE = 8
#: How many rights or fields a sentence names.
_NAMED = 6
_logger = getLogger(__name__)


class Prerequisites:
    """Looks for what is missing until nothing is.

    Args:
        transport: The connection.
        address: The API server's, for people; without whoever logs in by it.
        namespaces: Which are served; none means all.
        rng: Source of jitter.
        timeout: Seconds that one call may take.

    Attributes:
        obstacle: What is missing, in a sentence; empty once nothing is.
    """

    def __init__(
        self, transport: Transport, address: str, *, namespaces: Sequence[str], rng: Random, timeout: float = 30.0
    ) -> None:
        self.obstacle = "the cluster was not looked at yet"
        self._transport = transport
        self._address = address
        self._namespaces = tuple(namespaces)
        self._rng = rng
        self._timeout = timeout

    async def wait(self) -> None:
        """Return once nothing is missing, however long that takes."""
        told = ""
        pause = _FIRST_PAUSE
        while True:
            self.obstacle = await self._look()
            if not self.obstacle:
                break
            if self.obstacle != told:
                told = self.obstacle
                _logger.warning("cannot begin, trying again: %s", told)
            await asyncio.sleep(pause * self._rng.uniform(0.8, 1.0))
            pause = min(_LAST_PAUSE, 2 * pause)
        if told:
            _logger.info("nothing is missing any more")

    async def _look(self) -> str:
        try:
            return await self._find_missing() or await self._find_old() or await self._find_denied()
        except TransportError as error:
            return f"the API server at {self._address} cannot be reached ({error})"
        except TimeoutError:
            return f"the API server at {self._address} does not answer within {self._timeout:g} s"

    async def _find_missing(self) -> str:
        response = await self._ask("GET", _API)
        if response.status == HTTPStatus.UNAUTHORIZED:
            return f"the API server at {self._address} does not accept the credentials (401)"
        if response.status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            return f"the API server at {self._address} answers {response.status} {response.body.get('message', '')}"
        served = {each["name"] for each in response.body.get("resources") or ()}
        absent = [name for name in _names() if name.partition(".")[0] not in served]
        if not absent:
            return ""
        return f"the cluster does not know {_enumerate(absent)}: apply the CRDs of this version (the chart's, or crds/)"

    async def _find_old(self) -> str:
        response = await self._ask("GET", _SCHEMAS)
        if response.status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            # A server may keep its schemas to itself; then it is not known how old the CRDs are.
            return ""
        schemas = (response.body.get("components") or {}).get("schemas") or {}
        for crd in build_crds():
            known = _schema_of(schemas, crd["spec"]["names"]["kind"])
            if known is None:
                # It does so some seconds after it begins to serve a kind.
                return f"the API server does not tell the schema of {crd['metadata']['name']} yet"
            if lacks := list(_missing_fields(_wanted(crd), known, "")):
                return (
                    f"the CRD {crd['metadata']['name']} is older than this operator and has no {_enumerate(lacks)}: apply "
                    "the CRDs of this version (the chart's, or crds/)"
                )
        return ""

    async def _find_denied(self) -> str:
        asked = [(right, namespace) for namespace in self._namespaces for right in RIGHTS]
        # Who serves some namespaces only can have no right to anything that is in none.
        asked += [(right, "") for right in (*RIGHTS, *CLUSTER_RIGHTS) if not self._namespaces]
        gate = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def is_denied(right: Right, namespace: str) -> bool:
            async with gate:
                return await self._is_denied(right, namespace)

        answers = await asyncio.gather(*(is_denied(*each) for each in asked))
        denied = [each for each, is_so in zip(asked, answers, strict=True) if is_so]
        if not denied:
            return ""
        where = _enumerate(sorted({namespace for _, namespace in denied})) if self._namespaces else ""
        rights = _enumerate(dict.fromkeys(right.text for right, _ in denied))
        scope = f"in {where}" if where else "in all namespaces"
        return f"the operator may not {rights} {scope}: bind the chart's role to the account that it acts as"

    async def _is_denied(self, right: Right, namespace: str) -> bool:
        attributes = {
            "namespace": namespace,
            "verb": right.verb,
            "group": right.kind.group,
            "version": right.kind.version,
            "resource": right.kind.plural,
            "subresource": right.subresource,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        response = await self._ask("POST", _REVIEWS, review)
        # Whoever may not even ask learns from the refusals of the calls themselves.
        return response.status == HTTPStatus.CREATED and not (response.body.get("status") or {}).get("allowed")

    async def _ask(self, method: str, path: str, body: Object | None = None) -> Response:
        async with asyncio.timeout(self._timeout):
            return await self._transport.request(method, path, body=body)


def _names() -> list[str]:
    return [crd["metadata"]["name"] for crd in build_crds()]


def _wanted(crd: Object) -> Object:
    schema: Object = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return {"properties": {part: schema["properties"][part] for part in ("spec", "status")}}


def _schema_of(schemas: Object, kind: str) -> Object | None:
    """Return the schema of a kind among those that the server publishes, which names it by its group's reversed name."""
    found = (schema for schema in schemas.values() if {"kind": kind} in _marks(schema))
    return next(found, None)


def _marks(schema: Object) -> list[dict[str, Any]]:
    return [{"kind": each.get("kind")} for each in schema.get("x-kubernetes-group-version-kind") or ()]


def _missing_fields(wanted: Object, known: Object, path: str) -> Iterator[str]:
    """Yield the fields that a schema should have and has not; of a field that is missing, not those within it."""
    for name, child in (wanted.get("properties") or {}).items():
        place = f"{path}.{name}" if path else name
        found = (known.get("properties") or {}).get(name)
        if found is None:
            yield place
        else:
            yield from _missing_fields(child, found, place)
    if "items" in wanted and "items" in known:
        yield from _missing_fields(wanted["items"], known["items"], f"{path}[]")


def _enumerate(words: Iterable[str]) -> str:
    found = list(words)
    shown = ", ".join(found[:_NAMED])
    return f"{shown} and {len(found) - _NAMED} more" if len(found) > _NAMED else shown
