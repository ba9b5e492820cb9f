"""An in-memory Kubernetes API server: requests in, answers out, no I/O."""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from launchplan_operator.api import kinds
from launchplan_operator.api.kinds import Kind
from launchplan_operator.kube.transport import Response
from tests.fake import objects
from tests.fake.collector import Collector
from tests.fake.deletion import delete, finish_deletion
from tests.fake.discovery import discover
from tests.fake.errors import ApiError, already_exists, bad_request, invalid, not_found
from tests.fake.faults import Fault, Lost
from tests.fake.listing import Lister
from tests.fake.ownership import Ownership
from tests.fake.patch import merge_patch
from tests.fake.resources import BUILT_IN, Resource
from tests.fake.routing import Call, Request, route
from tests.fake.schema import custom_resource
from tests.fake.store import Object, Store, Watch, copy
from tests.fake.virtual import seeded

CRDS = Path(__file__).parents[2] / "crds"


@lru_cache
def project_resources(directory: Path = CRDS) -> tuple[Resource, ...]:
    """Return the kinds that the project's own CRDs define."""
    return tuple(custom_resource(yaml.safe_load(file.read_text())) for file in sorted(directory.glob("*.yaml")))


class FakeApi:
    """One API server with its storage.

    Attributes:
        store: All objects and their history.
        faults: Asked for every call; what it returns happens to that call.
        log: Every call that arrived, in order, with the status that it was (or would have been) answered with.
        clock: Where timestamps come from; may be replaced at any time.
        collector: The garbage collector, for single steps.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: Random | None = None,
        resources: Iterable[Resource] = (),
        namespaces: Iterable[str] = ("default",),
    ) -> None:
        self.store = Store()
        self.clock = clock
        self.faults: Callable[[Call], Fault | None] = lambda _call: None
        self.log: list[tuple[Call, int]] = []
        self.rng = rng or seeded(0)
        served = (*BUILT_IN, *project_resources(), *resources)
        self.resources = {
            (resource.kind.group, resource.kind.version, resource.kind.plural): resource for resource in served
        }
        self._by_kind = {resource.kind: resource for resource in served}
        self._ownership = Ownership(self.now)
        # A default of the schema that no write has stored yet: the next one does, even if it changes nothing else.
        self._unstored: set[str] = set()
        self._lister = Lister(self.store)
        self.collector = Collector(self)
        for namespace in namespaces:
            self.add_namespace(namespace)

    def now(self, later: float = 0) -> str:
        """Return the clock's time, or so many seconds later, as Kubernetes writes it."""
        moment = self.clock() + timedelta(seconds=later)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def add_namespace(self, name: str) -> Object:
        """Create a namespace."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        return self.do("POST", kinds.NAMESPACES.path(None), body)

    def do(self, method: str, path: str, body: Any = None, **query: str) -> Object:
        """Make a call of a controller or a test: no faults, not logged; refusals are raised."""
        merge = "application/merge-patch+json" if method == "PATCH" else "application/json"
        call = route(Request(method, path, query, body, merge), self.resources)
        if call is None:
            raise ApiError(404, "", f"404 page not found: {path}")
        return self._serve(call).body

    def resource(self, kind: Kind) -> Resource:
        """Return how a kind is served."""
        return self._by_kind[kind]

    def count(self, verb: str | None = None, target: str | None = None) -> int:
        """Return how many logged calls had that verb and that target (`jobs`, `jobs/status`)."""
        return sum(1 for call, _ in self.log if verb in (None, call.verb) and target in (None, call.target))

    def writes(self) -> list[str]:
        """Return `verb target namespace/name` of every logged call that may change something."""
        return [f"{call.verb} {call.target} {call.namespace}/{call.name}" for call, _ in self.log if call.writes]

    def handle(self, request: Request) -> Response | Lost:
        """Answer a request other than a watch."""
        answer = self._before(request)
        return self.answer(answer) if isinstance(answer, Call) else answer

    def answer(self, call: Call) -> Response | Lost:
        """Answer a call other than a watch."""
        fault = self.faults(call)
        if fault is not None and not fault.applied:
            return self._refuse(call, fault)
        try:
            response = self._serve(call)
        except ApiError as error:
            response = Response(error.code, _retry_header(error), error.status())
        self.log.append((call, response.status))
        return response if fault is None else fault.outcome()

    def open_watch(self, request: Request) -> Watch | Response | Lost:
        """Open a watch, or refuse it."""
        call = self._before(request)
        if not isinstance(call, Call):
            return call
        fault = self.faults(call)
        if fault is not None and not fault.applied:
            return self._refuse(call, fault)
        self.log.append((call, 200))
        try:
            return self._lister.watch(call)
        except ApiError as error:
            return Response(error.code, _retry_header(error), error.status())

    def collect_garbage(self) -> int:
        """Let the garbage collector work until it rests; returns how many steps it took."""
        return self.collector.run()

    def break_watches(self, kind: Kind | None = None) -> None:
        """End all open watches as a restarting server does."""
        for watch in self.store.watches(kind):
            watch.close()

    def send_bookmarks(self) -> None:
        """Tell all watches that asked for it the present resource version, as a real server does every minute."""
        for watch in self.store.watches():
            if watch.bookmarks:
                self.store.bookmark(watch)

    def _refuse(self, call: Call, fault: Fault) -> Response | Lost:
        """Answer a call with no work done."""
        outcome = fault.outcome()
        self.log.append((call, outcome.status if isinstance(outcome, Response) else 0))
        return outcome

    def _before(self, request: Request) -> Call | Response:
        """What comes before the work: discovery, routing."""
        if request.method == "GET" and (found := discover(request.path, self.resources.values())) is not None:
            return Response(200, {}, found)
        try:
            call = route(request, self.resources)
        except ApiError as error:
            return Response(error.code, {}, error.status())
        return _no_such_path(request) if call is None else call

    def _serve(self, call: Call) -> Response:
        of_many = {"list": self._list, "deletecollection": self._delete_all, "create": self._create}
        if call.verb in of_many:
            return Response(201 if call.verb == "create" else 200, {}, of_many[call.verb](call))
        current = self.store.get(call.kind, (call.namespace or "", call.name or ""))
        if call.verb == "patch" and call.request.content_type == "application/apply-patch+yaml":
            return self._apply(call, current)
        if current is None:
            raise not_found(call.kind, call.name or "")
        if call.verb == "get":
            return Response(200, {}, copy(current))
        if call.verb == "delete":
            return Response(200, {}, delete(self, call, current))
        return Response(200, {}, self._update(call, self._changed(call, current), current))

    def _list(self, call: Call) -> Object:
        return self._lister.chunk(call)

    def _delete_all(self, call: Call) -> Object:
        listing = self._lister.chunk(call)
        for item in listing["items"]:
            meta = item["metadata"]
            current = self.store.get(call.kind, (meta.get("namespace", ""), meta["name"]))
            if current is not None:
                delete(self, call, current)
        return listing

    def _create(self, call: Call) -> Object:
        obj = objects.check_body(call)
        meta = obj["metadata"]
        if meta.get("resourceVersion"):
            raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
        self._name(call, meta)
        self._check_namespace(call, meta["name"])
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields", "selfLink"):
            meta.pop(field, None)
        meta["uid"] = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        meta["creationTimestamp"] = self.now()
        if call.resource.generation:
            meta["generation"] = 1
        if call.resource.status:
            obj.pop("status", None)
        call.resource.prepare(obj, None)
        objects.check(call.resource, obj, None)
        name = (meta.get("namespace", ""), meta["name"])
        occupant = self.store.get(call.kind, name)
        if occupant is not None:
            dying = bool(occupant["metadata"].get("deletionTimestamp"))
            raise already_exists(call.kind, meta["name"], dying=dying)
        self._ownership.note(call, obj, None)
        if obj.get("status") and call.resource.custom:
            self._unstored.add(meta["uid"])
        return self._keep(call, name, obj)

    def _name(self, call: Call, meta: Object) -> None:
        if not meta.get("name") and meta.get("generateName"):
            alphabet = "bcdfghjklmnpqrstvwxz2456789"
            meta["name"] = meta["generateName"] + "".join(self.rng.choices(alphabet, k=5))
        if not meta.get("name"):
            found = "metadata.name: Required value: name or generateName is required"
            raise invalid(call.kind, "", [found])

    def _check_namespace(self, call: Call, name: str) -> None:
        if not call.resource.namespaced:
            return
        namespace = self.store.get(kinds.NAMESPACES, ("", call.namespace or ""))
        if namespace is None:
            raise not_found(kinds.NAMESPACES, call.namespace or "")
        if namespace["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {call.namespace} because it is being terminated"
            raise objects.forbidden(call.kind, name, why)

    def _changed(self, call: Call, current: Object) -> Object:
        """Return the object as an update or a patch wants it."""
        if call.verb == "update":
            return objects.check_body(call)
        if call.request.content_type != "application/merge-patch+json":
            raise ApiError(415, "UnsupportedMediaType", f"the body of the request was in {call.request.content_type}")
        if not isinstance(call.request.body, dict):
            raise bad_request("json: cannot unmarshal into Go value of type map[string]interface {}")
        merged: Object = merge_patch(copy(current), call.request.taken())
        name = merged["metadata"].get("name")
        if name != call.name:
            raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
        return merged

    def _update(self, call: Call, new: Object, old: Object) -> Object:
        objects.check_preconditions(call.resource, new, old, put=call.verb == "update")
        objects.carry_over(call.resource, new, old, call.subresource)
        call.resource.prepare(new, old)
        objects.check(call.resource, new, old)
        if objects.same(new, old) and old["metadata"]["uid"] not in self._unstored:
            return copy(old)
        self._unstored.discard(old["metadata"]["uid"])
        self._ownership.note(call, new, old)
        name = (old["metadata"].get("namespace", ""), old["metadata"]["name"])
        if finish_deletion(self, call, new):
            return copy(new)
        return self._keep(call, name, new)

    def _apply(self, call: Call, current: Object | None) -> Response:
        body = objects.check_body(call)
        if current is None:
            if call.subresource:
                raise not_found(call.kind, call.name or "")
            if body["metadata"].get("resourceVersion") or body["metadata"].get("uid"):
                raise not_found(call.kind, call.name or "")
            return Response(201, {}, self._create(call))
        merged = self._ownership.merge(call, body, current)
        return Response(200, {}, self._update(call, merged, current))

    def _keep(self, call: Call, name: tuple[str, str], obj: Object) -> Object:
        """Store what was written, unless it is a dry run; returns a copy."""
        if "dryRun" in call.request.query:
            return copy(obj)
        self.store.write(call.kind, name, obj)
        return copy(obj)


def _no_such_path(request: Request) -> Response:
    """A subresource that a kind lacks gets a Status about nothing, any other path a page."""
    if "/namespaces/" not in request.path:
        return Response(404)
    error = ApiError(404, "NotFound", "the server could not find the requested resource", {})
    return Response(404, {}, error.status())


def _retry_header(error: ApiError) -> dict[str, str]:
    seconds = (error.details or {}).get("retryAfterSeconds")
    return {"Retry-After": str(seconds)} if seconds else {}
