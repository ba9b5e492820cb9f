"""What the API server keeps in order in every object's metadata."""

import re
from collections.abc import Iterator
from typing import Any

from launchplan_operator.api.kinds import Kind
from tests.fake.errors import ApiError, bad_request, conflict, invalid
from tests.fake.resources import Resource
from tests.fake.routing import Call
from tests.fake.store import copy

Object = dict[str, Any]

_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
_LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
_QUALIFIED = re.compile(r"^([a-z0-9.-]{1,253}/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$")
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def check_body(call: Call) -> Object:
    """Return the body for the server to keep, which must be an object of the kind, namespace and name of the path."""
    body = call.request.body
    if not isinstance(body, dict):
        raise bad_request(
            "the body of the request was in an unknown format - accepted media types include: application/json"
        )
    if (body.get("apiVersion"), body.get("kind")) != (call.kind.api_version, call.kind.kind):
        raise bad_request(f"the object provided is unrecognized: expected {call.kind.kind} in {call.kind.api_version}")
    obj: Object = call.request.taken()
    meta = obj.setdefault("metadata", {})
    if call.namespace is not None and meta.setdefault("namespace", call.namespace) != call.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if call.verb != "create" and meta.setdefault("name", call.name) != call.name:
        found = f"the name of the object ({meta['name']}) does not match the name on the URL ({call.name})"
        raise bad_request(found)
    return obj


def metadata_findings(kind: Kind, meta: Object) -> Iterator[str]:
    """Yield what is wrong with name, labels, annotations and owners."""
    name = meta.get("name", "")
    pattern = _LABEL if kind.plural == "namespaces" else _SUBDOMAIN
    if len(name) > 253 or not pattern.match(name):
        yield f'metadata.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters'
    for key, value in (meta.get("labels") or {}).items():
        if not _QUALIFIED.match(key):
            yield f'metadata.labels: Invalid value: "{key}": name part must consist of alphanumeric characters'
        if len(value) > 63 or not _LABEL_VALUE.match(value):
            yield f'metadata.labels: Invalid value: "{value}": a valid label must be an empty string or consist of alphanumeric characters'
    size = sum(len(key) + len(value) for key, value in (meta.get("annotations") or {}).items())
    if size > 256 * 1024:
        yield "metadata.annotations: Too long: may not be more than 262144 bytes"
    yield from _owner_findings(meta.get("ownerReferences") or ())


def _owner_findings(owners: Any) -> Iterator[str]:
    if sum(1 for owner in owners if owner.get("controller")) > 1:
        yield "metadata.ownerReferences: Invalid value: Only one reference can have Controller set to true"
    for owner in owners:
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield f"metadata.ownerReferences.{field}: Invalid value: must not be empty"


def check(resource: Resource, new: Object, old: Object | None) -> None:
    """Refuse an object with findings."""
    found = [*metadata_findings(resource.kind, new["metadata"]), *resource.validate(new, old)]
    if found:
        raise invalid(resource.kind, new["metadata"].get("name"), found)


def carry_over(resource: Resource, new: Object, old: Object, subresource: str | None) -> None:
    """Give an updated object what an update cannot change, and count its generation."""
    if resource.status and subresource == "status":
        _take_only_status(resource, new, old)
    elif resource.status:
        _set_or_drop(new, "status", old.get("status"))
    meta, before = new["metadata"], old["metadata"]
    for field in _KEPT:
        _set_or_drop(meta, field, before.get(field))
    if resource.generation and _counted(resource, new) != _counted(resource, old):
        meta["generation"] = before.get("generation", 0) + 1


def _take_only_status(resource: Resource, new: Object, old: Object) -> None:
    kept = {key: value for key, value in old.items() if key != "status"}
    # What is stored is never changed, so that the rest of the object is shared with its last version.
    kept["metadata"] = copy(old["metadata"]) if resource.custom else new["metadata"]
    status = new.get("status")
    new.clear()
    new.update(kept if status is None else kept | {"status": status})


def _counted(resource: Resource, obj: Object) -> Object:
    """The part of an object whose changes its generation counts."""
    if not resource.custom:
        return {"spec": obj.get("spec")}
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _set_or_drop(target: Object, key: str, value: Any) -> None:
    if value is None:
        target.pop(key, None)
    else:
        target[key] = copy(value)


def check_preconditions(resource: Resource, new: Object, old: Object, *, put: bool) -> None:
    """Refuse an update made from another version or another object of that name."""
    meta, before = new["metadata"], old["metadata"]
    name, version = before["name"], meta.get("resourceVersion")
    if meta.get("uid", before["uid"]) != before["uid"]:
        if put:
            why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {before['uid']}"
            raise conflict(resource.kind, name, why)
        raise invalid(resource.kind, name, [f'metadata.uid: Invalid value: "{meta["uid"]}": field is immutable'])
    if not version and not resource.unconditional:
        raise invalid(
            resource.kind, name, ["metadata.resourceVersion: Invalid value: 0: must be specified for an update"]
        )
    if version and version != before["resourceVersion"]:
        raise conflict(resource.kind, name)
    added = set(meta.get("finalizers") or ()) - set(before.get("finalizers") or ())
    if before.get("deletionTimestamp") and added:
        words = f"no new finalizers can be added if the object is being deleted, found new finalizers {sorted(added)}"
        raise invalid(resource.kind, name, [f"metadata.finalizers: Forbidden: {words}"])


def same(new: Object, old: Object) -> bool:
    """Whether a write changes nothing."""
    return _plain(new) == _plain(old)


def _plain(obj: Object) -> Object:
    meta = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return obj | {"metadata": {key: value for key, value in meta.items() if value not in ({}, [], None)}}


def forbidden(kind: Kind, name: str, why: str) -> ApiError:
    """403."""
    return ApiError(403, "Forbidden", f'{kind.plural} "{name}" is forbidden: {why}')
