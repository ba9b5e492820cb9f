"""From an HTTP request to what it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launchplan_operator.api.kinds import Kind
from tests.fake.errors import ApiError
from tests.fake.resources import Resource
from tests.fake.store import copy

_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, its body decoded.

    Attributes:
        private: whether nobody else holds the body, so that the server may keep it.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"
    private: bool = False

    def taken(self) -> Any:
        """Return the body for the server to keep."""
        return self.body if self.private else copy(self.body)


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for.

    Attributes:
        verb: As in RBAC: get, list, watch, create, update, patch, delete, deletecollection.
        name: From the path, or for a create from the body.
    """

    verb: str
    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str | None
    request: Request

    @property
    def kind(self) -> Kind:
        """The kind asked for."""
        return self.resource.kind

    @property
    def target(self) -> str:
        """The resource as in RBAC: `jobs`, `jobs/status`."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural

    @property
    def writes(self) -> bool:
        """Whether the call may change something."""
        return self.verb not in ("get", "list", "watch") and "dryRun" not in self.request.query


def route(request: Request, resources: Mapping[tuple[str, str, str], Resource]) -> Call | None:
    """Return the call, or None for a path that nobody serves.

    Raises:
        ApiError: A method that the path does not take.
    """
    parts = request.path.strip("/").split("/")
    prefix = {"api": 2, "apis": 3}.get(parts[0], 0)
    if not prefix or len(parts) <= prefix:
        return None
    group, version = ("", parts[1]) if prefix == 2 else (parts[1], parts[2])
    rest = parts[prefix:]
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = resources.get((group, version, rest[0]))
    if resource is None or len(rest) > 3:
        return None
    name = rest[1] if len(rest) > 1 else None
    subresource = rest[2] if len(rest) > 2 else None
    if subresource is not None and not (subresource == "status" and resource.status):
        return None
    return Call(
        _verb(request, resource, namespace, name), resource, namespace, _name(request, name), subresource, request
    )


def _verb(request: Request, resource: Resource, namespace: str | None, name: str | None) -> str:
    verb = (_COLLECTION_VERBS if name is None else _VERBS).get(request.method)
    misplaced = name is None and verb != "list" and resource.namespaced and namespace is None
    if verb is None or misplaced or (verb == "create" and name is not None):
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    return "watch" if verb == "list" and request.query.get("watch") in ("true", "1") else verb


def _name(request: Request, name: str | None) -> str | None:
    if name is not None or not isinstance(request.body, dict):
        return name
    found: str | None = (request.body.get("metadata") or {}).get("name")
    return found
