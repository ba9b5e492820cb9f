"""What a client asks before anything else: versions, groups, resources."""

from collections.abc import Iterable
from typing import Any

from tests.fake.resources import Resource

Object = dict[str, Any]

_OBJECT_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def discover(path: str, resources: Iterable[Resource]) -> Object | None:
    """Return the answer to a discovery path, or None for any other."""
    path = path.rstrip("/")
    if path == "/version":
        return {"major": "1", "minor": "37", "gitVersion": "v1.37.2", "platform": "linux/amd64"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path.startswith("/openapi/v3/apis/"):
        return _published(path.removeprefix("/openapi/v3/apis/"), resources)
    by_version: dict[str, list[Resource]] = {}
    for resource in resources:
        by_version.setdefault(resource.kind.api_version, []).append(resource)
    if path == "/apis":
        groups = [_group(version) for version in sorted(by_version) if "/" in version]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    version = path.removeprefix("/apis/") if path.startswith("/apis/") else path.removeprefix("/api/")
    if version not in by_version or path not in (f"/apis/{version}", f"/api/{version}"):
        return None
    found = [entry for resource in by_version[version] for entry in _entries(resource)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}


def _published(version: str, resources: Iterable[Resource]) -> Object:
    """Return the schemas of a group's custom resources."""
    found = (each for each in resources if each.custom and each.kind.api_version == version)
    return {"components": {"schemas": {each.kind.kind: each.schema | _marks(each) for each in found}}}


def _marks(resource: Resource) -> Object:
    kind = resource.kind
    mark = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    return {"x-kubernetes-group-version-kind": [mark]}


def _group(api_version: str) -> Object:
    group, version = api_version.split("/")
    served = {"groupVersion": api_version, "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _entries(resource: Resource) -> list[Object]:
    kind = resource.kind
    entry: Object = {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": kind.kind,
        "verbs": _OBJECT_VERBS,
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if not resource.status:
        return [entry]
    status = {"name": f"{kind.plural}/status", "singularName": "", "namespaced": resource.namespaced, "kind": kind.kind}
    return [entry, status | {"verbs": ["get", "patch", "update"]}]
